/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_root - the container half: from a cloned process to a finished tree that is its root.
 *
 * Theory of operation, in order:
 *	mounts private; the overlay attached and from then on known by its descriptor only
 *	/proc    a fresh instance, opened without following links, at the root level only
 *	/dev     tmpfs, nodes, devpts, the pod's shm, mqueue, the termination message
 *	/sys     a fresh read-only instance of the pod's network namespace; cgroups below, read-only
 *	/etc     hosts, resolv.conf, hostname out of the sandbox
 *	         volumes of the image, then volumes of the spec, parents first
 *	         terminal; pivot; masks; read-only root
 * Nothing of the image is ever followed out of its root: mount points are resolved below the
 * overlay's descriptor, and /proc, /sys, /dev refuse to be links.
 *
 * An image's VOLUME is a second, writable mount of the same directory of the overlay: it stays
 * writable under a read-only root, starts with the image's content and owner without a copy, and
 * goes with the container's writable layer.
 *
 * Runs as: new mount, process and cgroup namespaces; the pod's network, IPC and host name; all
 * capabilities of the starter; not dumpable; umask 0. In a user namespace whatever the kernel
 * refuses there (mknod, mqueue of the host, cgroups) is cloned from the host or left out.
 */
#include "engine/process/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/process/procfs.h"
#include "engine/process/sync.h"
#include "engine/process/userns.h"
#include "engine/rootfs/device.h"
#include "engine/rootfs/mask.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/volume.h"
#include "engine/security/sysctl.h"

#define CGROUP_TEXT_MAX 16384
#define CONTROLLERS_MAX 8
#define MESSAGE_NAME	"termination-log"

#ifndef KEYCTL_JOIN_SESSION_KEYRING
#define KEYCTL_JOIN_SESSION_KEYRING 1
#endif

const char *const etc_names[ETC__COUNT] = { "hosts", "resolv.conf", "hostname" };

struct builder {
	const struct launch *l;
	struct container_plan *p;
	int root; /* of the attached overlay */
	int proc;
	int dev;
};

int container_leave_keyring(struct error *err)
{
	/* ENOSYS, EPERM: no keyrings here, or behind an outer filter; the container's own filter
	 * denies them in any case. */
	if (WEAKEN("CG-7"))
		return 0;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) < 0 &&
	    errno != ENOSYS && errno != EPERM)
		return error_errno(err, "new session keyring");
	return 0;
}

/* ---- mount points ----------------------------------------------------------------------- */

/* A directory right below the root that is no link: made when missing. */
static int open_top_dir(int root, const char *name, struct error *err)
{
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC | (WEAKEN("PROC-2") ? 0 : O_NOFOLLOW);
	int fd;

	if (mkdirat(root, name, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "create '/%s'", name);
	fd = openat(root, name, flags);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return error_set(err, ENOTDIR, "'/%s' of the image is not a directory", name);
	return fd < 0 ? error_errno(err, "open '/%s'", name) : fd;
}

static int attach_top(int root, const char *name, int mnt_fd, struct error *err)
{
	cleanup_close int target = open_top_dir(root, name, err);

	return target < 0 ? target : mount_attach(mnt_fd, target, err);
}

/* Attaches onto a directory inside a mount of ours, where no image can have put anything. */
static int attach_in(int dirfd, const char *name, int mnt_fd, struct error *err)
{
	cleanup_close int target =
		openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (target < 0)
		return error_errno(err, "open mount point '%s'", name);
	return mount_attach(mnt_fd, target, err);
}

/* ---- /proc, /dev, /sys ------------------------------------------------------------------ */

static int mount_proc(struct builder *b, struct error *err)
{
	struct error scratch;

	b->proc = procfs_open_with(b->l->spec.security.proc_options, &scratch);
	/* The host's process namespace seen from a user namespace: its /proc as it is. */
	if (b->proc == -EPERM && b->l->pod.host_pid && is_empty(b->l->spec.security.proc_options))
		b->proc = mount_clone(AT_FDCWD, "/proc", MOUNT_INERT, err);
	else if (b->proc < 0)
		return error_set(err, -b->proc, "%s", scratch.text);
	return b->proc < 0 ? b->proc : attach_top(b->root, "proc", b->proc, err);
}

static int set_oom_score(struct builder *b, int sync_fd)
{
	char path[40], text[24];
	struct error scratch;

	if (b->l->spec.oom_score_adj == 0 || has_own_userns(&b->l->pod))
		return 0;
	(void)snprintf(path, sizeof(path), "%d/oom_score_adj", (int)getpid());
	(void)snprintf(text, sizeof(text), "%lld", (long long)b->l->spec.oom_score_adj);
	if (procfs_write(b->proc, path, text, &scratch) < 0)
		confine_warn(sync_fd, "oom score adjustment %s is not allowed here", text);
	return 0;
}

/* With an IPC namespace for each member the pod's parameters of it are set in each. */
static int set_own_sysctls(struct builder *b, struct error *err)
{
	const struct pairlist *list = &b->l->pod.security.sysctls;
	int r = 0;

	for (size_t i = 0; r == 0 && b->l->pod.own_ipc && i < list->n; i++) {
		char path[SYSCTL_KEY_MAX + 8];
		struct error scratch;

		/* What passes with the network closed is of IPC. */
		if (sysctl_check(list->v[i].key, list->v[i].value, true, false, path, &scratch) < 0)
			continue;
		r = procfs_write(b->proc, path, list->v[i].value, err);
		if (r < 0)
			return error_wrap(err, "sysctl '%s'", list->v[i].key);
	}
	return r;
}

static int mount_mqueue(struct builder *b, struct error *err)
{
	struct error scratch;
	cleanup_close int fd = mount_new("mqueue", NULL, MOUNT_INERT, &scratch);

	/* No message queues in this kernel, or the host's IPC namespace seen from a user namespace:
	 * the directory stays empty. */
	if (fd == -ENODEV || fd == -EPERM)
		return 0;
	if (fd < 0)
		return error_set(err, -fd, "%s", scratch.text);
	return attach_in(b->dev, "mqueue", fd, err);
}

/* The file of the termination message: every user of the container may write it, its size is bounded
 * by that of /dev, and it is read by the descriptor that goes to the starter, when the container
 * and this /dev are gone. Behind another path it is mounted later on. */
static int make_message_file(struct builder *b, int sync_fd, struct error *err)
{
	cleanup_close int fd = openat(b->dev, MESSAGE_NAME,
				      O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	int r;

	if (fd < 0)
		return error_errno(err, "create '/dev/" MESSAGE_NAME "'");
	r = sync_send(sync_fd, SYNC_MESSAGE, 0, NULL, fd);
	return r < 0 ? error_set(err, -r, "send the file of the termination message") : 0;
}

/* Moves it to the path that the container asks for: after the volumes, it may lie in one. */
static int place_message_file(struct builder *b, struct error *err)
{
	const char *path = b->l->spec.termination_path;
	cleanup_close int clone = -EBADF;
	cleanup_close int target = -EBADF;
	int r;

	if (is_empty(path) || is_equal(path, TERMINATION_PATH_DEFAULT))
		return 0;
	r = volume_check_target(path, err);
	if (r == 0)
		clone = r = mount_clone(b->dev, MESSAGE_NAME, MOUNT_INERT, err);
	if (r >= 0)
		target = r = volume_open_target(b->root, path, false, err);
	if (r >= 0)
		r = mount_attach(clone, target, err);
	if (r < 0)
		return error_wrap(err, "terminationMessagePath '%s'", path);
	(void)unlinkat(b->dev, MESSAGE_NAME, 0);
	return 0;
}

static int mount_dev(struct builder *b, int sync_fd, struct error *err)
{
	static const struct mount_option opts[] = {
		{ "mode", "755" }, { "size", "64k" }, { "nr_inodes", "16k" }, { NULL, NULL }
	};
	int r;

	b->dev = mount_new("tmpfs", opts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME, err);
	if (b->dev < 0)
		return b->dev;
	r = attach_top(b->root, "dev", b->dev, err);
	if (r == 0)
		r = device_populate(b->dev, is_privileged(&b->l->spec), err);
	if (r == 0)
		r = device_mount_pts(b->dev, err);
	for (size_t i = 0; r == 0 && i < b->p->devices.n; i++)
		r = device_add(b->dev, &b->p->devices.nodes[i], err);
	if (r == 0)
		r = attach_in(b->dev, "shm", b->p->shm_mnt, err);
	if (r == 0)
		r = make_message_file(b, sync_fd, err);
	return r < 0 ? r : mount_mqueue(b, err);
}

static bool has_word(const char *list, const char *word)
{
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ",");

		if (strlen(word) == n && strncmp(p, word, n) == 0)
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

static int new_v1_tree(const char *controllers, uint64_t attrs, struct error *err)
{
	struct mount_option opts[CONTROLLERS_MAX + 1] = { { NULL, NULL } };
	cleanup_free char *copy = xstrdup(controllers);
	size_t n = 0;

	for (char *p = copy; *p && n < CONTROLLERS_MAX;) {
		size_t len = strcspn(p, ",");
		bool last = !p[len];

		p[len] = '\0';
		opts[n++] = (struct mount_option){ p, NULL };
		p += len + !last;
	}
	return mount_new("cgroup", opts, attrs, err);
}

/* One v1 hierarchy: "memory", "cpu,cpuacct". A hierarchy that refuses is left out. */
static void mount_v1_tree(int base, const char *controllers, const struct container_plan *p,
			  uint64_t attrs)
{
	struct error scratch;
	cleanup_close int made = -EBADF;
	int fd = -EBADF;

	for (int t = CGROUP_TREE_MEMORY; fd < 0 && t < CGROUP_TREE__COUNT; t++)
		if (has_word(controllers, cgroup_tree_str((enum cgroup_tree)t)))
			fd = p->cgroup_mnt[t];
	if (fd < 0)
		fd = made = new_v1_tree(controllers, attrs, &scratch);
	if (fd >= 0 && mkdirat(base, controllers, 0755) == 0)
		(void)attach_in(base, controllers, fd, &scratch);
}

/* A new mount of the unified tree made in the initial cgroup namespace would give the tree its own
 * options, for the whole host: off with systemd's nsdelegate. There the host's mount is cloned. */
static int new_unified_tree(const struct builder *b, uint64_t attrs)
{
	struct error scratch; /* it is missing inside */

	if (b->l->spec.host_cgroupns)
		return mount_clone(AT_FDCWD, "/sys/fs/cgroup", attrs, &scratch);
	return mount_new("cgroup2", NULL, attrs, &scratch);
}

/* Read-only views of the cgroups, whose root is the container's own by its cgroup namespace. What
 * cannot be mounted is missing inside, never writable. */
static int mount_cgroups(struct builder *b, int sys, struct error *err)
{
	static const struct mount_option opts[] = { { "mode", "755" },
						    { "size", "64k" },
						    { NULL, NULL } };
	uint64_t attrs = MOUNT_INERT | (is_privileged(&b->l->spec) ? 0 : MOUNT_ATTR_RDONLY);
	const struct strlist *trees = &b->p->cgroup_trees;
	struct error scratch;
	cleanup_close int target =
		fs_open_beneath(sys, "fs/cgroup", O_PATH | O_DIRECTORY, 0, &scratch);
	cleanup_close int fd = -EBADF;
	int r;

	if (target < 0)
		return 0;
	if (trees->n == 0 && b->p->has_cgroups)
		fd = new_unified_tree(b, attrs);
	if (fd >= 0)
		return mount_attach(fd, target, err);
	fd = mount_new("tmpfs", opts, MOUNT_INERT, err);
	if (fd < 0)
		return fd;
	r = mount_attach(fd, target, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < trees->n; i++)
		mount_v1_tree(fd, trees->v[i], b->p, attrs);
	return mount_add_attrs(fd, MOUNT_ATTR_RDONLY, false, err);
}

static int mount_sys(struct builder *b, struct error *err)
{
	uint64_t attrs = MOUNT_INERT | (is_privileged(&b->l->spec) ? 0 : MOUNT_ATTR_RDONLY);
	struct error scratch;
	cleanup_close int fd = mount_new("sysfs", NULL, attrs, &scratch);
	int r;

	/* The host's network namespace seen from a user namespace. */
	if (fd == -EPERM)
		fd = mount_clone(AT_FDCWD, "/sys", MOUNT_INERT | MOUNT_ATTR_RDONLY, err);
	else if (fd < 0)
		return error_set(err, -fd, "%s", scratch.text);
	if (fd < 0)
		return fd;
	r = attach_top(b->root, "sys", fd, err);
	return r < 0 ? r : mount_cgroups(b, fd, err);
}

/* ---- files and volumes ------------------------------------------------------------------ */

static bool is_image_etc(const struct pod_spec *pod, int file)
{
	return (file == ETC_HOSTS && pod->no_hosts) || (file == ETC_HOSTNAME && pod->no_hostname);
}

static int mount_etc_file(struct builder *b, int file, struct error *err)
{
	cleanup_free char *path = xasprintf("/etc/%s", etc_names[file]);
	cleanup_close int target = volume_open_target(b->root, path, false, err);
	int r = target < 0 ? target : mount_attach(b->p->etc_mnt[file], target, err);

	return r < 0 ? error_wrap(err, "'%s'", path) : 0;
}

static int mount_etc(struct builder *b, struct error *err)
{
	int r = 0;

	for (int i = 0; i < ETC__COUNT && r == 0; i++)
		if (!is_image_etc(&b->l->pod, i))
			r = mount_etc_file(b, i, err);
	return r;
}

static bool is_mounted_by_spec(const struct container_plan *p, const char *target)
{
	for (size_t i = 0; i < p->n_mounts; i++)
		if (strcmp(p->mounts[i].target, target) == 0)
			return true;
	return false;
}

static int mount_image_volumes(struct builder *b, struct error *err)
{
	const struct strlist *volumes = &b->l->spec.config.volumes;

	for (size_t i = 0; i < volumes->n; i++) {
		cleanup_close int target = -EBADF;
		cleanup_close int clone = -EBADF;
		int r;

		if (is_mounted_by_spec(b->p, volumes->v[i]))
			continue;
		r = volume_check_target(volumes->v[i], err);
		if (r == 0) {
			target = volume_open_target(b->root, volumes->v[i], true, err);
			r = target < 0 ? target : 0;
		}
		if (r == 0) {
			clone = mount_clone(target, "", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
			r = clone < 0 ? clone : mount_attach(clone, target, err);
		}
		if (r < 0)
			return error_wrap(err, "volume of the image '%s'", volumes->v[i]);
	}
	return 0;
}

static int mount_volumes(struct builder *b, struct error *err)
{
	for (size_t i = 0; i < b->p->n_mounts; i++) {
		struct planned_mount *m = &b->p->mounts[i];
		cleanup_close int target = -EBADF;
		int r = m->image_path ? container_finish_volume(m, err) : 0;

		if (r == 0)
			r = target = volume_open_target(b->root, m->target, m->is_dir, err);
		if (r >= 0 && m->is_tmpfs)
			r = container_make_tmpfs(m, &b->p->c.who, target, err);
		if (r >= 0)
			r = mount_attach(m->mnt_fd, target, err);
		if (r < 0)
			return error_wrap(err, "mount '%s'", m->target);
	}
	return 0;
}

/* ---- terminal --------------------------------------------------------------------------- */

static int make_terminal(struct builder *b, int sync_fd, int *ret_peer, struct error *err)
{
	cleanup_close int master = -EBADF;
	cleanup_close int peer = -EBADF;
	int r;

	if (!b->l->spec.tty)
		return 0;
	r = device_open_terminal(b->dev, b->p->c.who.uid, &master, &peer, err);
	if (r < 0)
		return r;
	r = sync_send(sync_fd, SYNC_PTY, 0, NULL, master);
	if (r < 0)
		return error_set(err, -r, "send the terminal");
	*ret_peer = steal_fd(&peer);
	return 0;
}

int container_take_terminal(int peer, struct error *err)
{
	if (setsid() < 0 && errno != EPERM)
		return error_errno(err, "new session");
	if (ioctl(peer, TIOCSCTTY, 0) < 0)
		return error_errno(err, "take the terminal");
	for (int fd = 0; fd < 3; fd++)
		if (dup3(peer, fd, 0) < 0)
			return error_errno(err, "take the terminal as descriptor %d", fd);
	return 0;
}

/* ---- all of it -------------------------------------------------------------------------- */

static int attach_root(struct builder *b, struct error *err)
{
	cleanup_close int top = -EBADF;
	int r = mount_make_private(err);

	if (r < 0)
		return r;
	/* On top of the root of this private namespace: the one place that is always there. */
	top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return error_errno(err, "open '/'");
	b->root = b->p->root_mnt;
	return mount_attach(b->root, top, err);
}

static int finish_root(struct builder *b, struct error *err)
{
	bool read_only =
		b->l->spec.security.read_only_root.set && b->l->spec.security.read_only_root.value;
	const struct container_security *cs = &b->l->spec.security;
	const struct mask_request rq = { .none = is_privileged(&b->l->spec),
					 .leave_proc = cs->unmask_proc,
					 .user_namespace =
						 b->l->user_namespace || has_own_userns(&b->l->pod),
					 .more = &cs->mask,
					 .less = &cs->unmask };
	cleanup_close int null = -EBADF;
	int r = 0;

	if ((!rq.none || rq.more->n) && !WEAKEN("PROC-7")) {
		null = device_open_checked(b->dev, "null", makedev(1, 3), err);
		r = null < 0 ? null : mask_apply(b->root, null, &rq, err);
	}
	if (r == 0 && read_only)
		r = mount_add_attrs(b->root, MOUNT_ATTR_RDONLY, false, err);
	return r;
}

int container_build_root(const struct launch *l, struct container_plan *p, int sync_fd,
			 int *ret_peer, struct error *err)
{
	struct builder b = { .l = l, .p = p, .root = -EBADF, .proc = -EBADF, .dev = -EBADF };
	int r = attach_root(&b, err);

	if (r == 0)
		r = mount_proc(&b, err);
	if (r == 0)
		r = set_oom_score(&b, sync_fd);
	if (r == 0)
		r = set_own_sysctls(&b, err);
	if (r == 0)
		r = mount_dev(&b, sync_fd, err);
	if (r == 0)
		r = mount_sys(&b, err);
	if (r == 0)
		r = mount_etc(&b, err);
	if (r == 0)
		r = mount_image_volumes(&b, err);
	if (r == 0)
		r = mount_volumes(&b, err);
	if (r == 0)
		r = container_mount_secrets(b.root, p, err);
	if (r == 0)
		r = place_message_file(&b, err);
	if (r == 0)
		r = make_terminal(&b, sync_fd, ret_peer, err);
	if (r == 0)
		r = mount_pivot(b.root, err);
	return r < 0 ? r : finish_root(&b, err);
}

/* Trees that hold a limit of ours: what a program inside reads to size itself. Each costs a mount.
 */
static bool is_shown_tree(const char *controllers)
{
	static const char *const shown[] = { "memory", "cpu", "pids" };

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		if (has_word(controllers, shown[i]))
			return true;
	return false;
}

void container_list_cgroups(struct strlist *ret, bool *ret_any)
{
	cleanup_free char *text = NULL;
	struct error scratch;
	char *p;

	*ret_any = fs_read_file(AT_FDCWD, "/proc/self/cgroup", CGROUP_TEXT_MAX, &text, NULL,
				&scratch) == 0 &&
		   text[0];
	/* "4:memory:/path", "0::/path" is the unified tree */
	for (p = text; p && *p;) {
		size_t n = strcspn(p, "\n");
		char *first = memchr(p, ':', n);
		char *second = first ? memchr(first + 1, ':', n - (size_t)(first + 1 - p)) : NULL;

		if (second && second > first + 1) {
			cleanup_free char *name = xstrndup(first + 1, (size_t)(second - first - 1));

			if (is_shown_tree(name))
				strlist_take(ret, steal_ptr(&name));
		}
		p += n + (p[n] == '\n');
	}
}
