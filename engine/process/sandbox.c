/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox - the pod's namespaces and what its containers share in them.
 *
 * Theory of operation: one clone3 makes the pause process in new network, IPC, host name, mount and
 * process namespaces (less those that are the host's). Still with all privileges it sets the host
 * name and kernel parameters through a private procfs, and builds a tiny tree of its own:
 *
 *	/            tmpfs, read-only in the end
 *	/shm         tmpfs of 64 MiB: every container's /dev/shm
 *	/etc         tmpfs of 1 MiB: hosts, resolv.conf, hostname
 *	/volumes/N   a tmpfs (or hugetlbfs) for each emptyDir in memory, of its size limit, and for each volume whose
 *	             files are made from ConfigMaps, Secrets or the pod (gathered before the clone)
 *
 * Containers clone their parts out of it. Then the tree becomes its root, everything else is
 * detached, and podium-pause is executed sealed (selfexec.h) without capabilities, with
 * no_new_privs and a filter of its few calls. The host half waits on a pipe that exec closes.
 *
 * A failure ends the pause process and with it everything made here; emptyDirs on disk stay, they
 * are the pod's. Kernel: clone3 5.3, mount API 5.2.
 */
#include "engine/process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/process/etc.h"
#include "engine/process/fields.h"
#include "engine/process/fsgroup.h"
#include "engine/process/internal.h"
#include "engine/process/namespaces.h"
#include "engine/process/procfs.h"
#include "engine/process/projection.h"
#include "engine/process/selfexec.h"
#include "engine/process/sync.h"
#include "engine/process/userns.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/volume.h"
#include "engine/security/caps.h"
#include "engine/security/sysctl.h"
#include "engine/volumes/named.h"

#define ETC_SIZE  "1048576"
#define TREE_SIZE "65536"
/* Bytes for each source of a projected volume: two versions of an object of the largest size, of
 * which small files take a page each. */
#define PROJECTION_SIZE ((size_t)16 << 20)

struct pause_plan {
	const struct launch *l;
	struct cgroup_join join;
	struct projected projected;
	int program; /* sealed */
	int failed;  /* closed by exec: success; one byte: the error went by the sync socket */
	int sync_fd;
	int proc;
	struct etc_others others;
	int shm_mnt; /* another pod's, with its IPC namespace; or -EBADF */
};

/* ---- kernel parameters ------------------------------------------------------------------ */

/* Sets a parameter where that is possible. */
static bool can_set(const struct pause_plan *p, const char *path, const char *value)
{
	struct error scratch;

	return procfs_write(p->proc, path, value, &scratch) == 0;
}

static int set_sysctls(const struct pause_plan *p, struct error *err)
{
	const struct pod_spec *pod = &p->l->pod;
	const struct pairlist *list = &pod->security.sysctls;
	uint64_t made = namespaces_made(pod);
	bool host_net = !(made & CLONE_NEWNET);

	/* Ping without a capability; where not all groups are mapped, those that are. */
	if (!host_net) {
		static const char ping[] = "sys/net/ipv4/ping_group_range";

		if (!can_set(p, ping, "0 2147483647"))
			(void)can_set(p, ping, "0 65535");
		/* Ports under 1024 for everybody in the pod. */
		(void)can_set(p, "sys/net/ipv4/ip_unprivileged_port_start", "0");
	}
	for (size_t i = 0; i < list->n; i++) {
		char path[SYSCTL_KEY_MAX + 8];
		int r = sysctl_check(list->v[i].key, list->v[i].value, host_net,
				     !(made & CLONE_NEWIPC), path, err);

		if (r == 0)
			r = procfs_write(p->proc, path, list->v[i].value, err);
		if (r < 0)
			return error_wrap(err, "sysctl '%s'", list->v[i].key);
	}
	return 0;
}

/* ip link set lo up */
static int loopback_up(struct error *err)
{
	cleanup_close int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq rq = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &rq) < 0)
		return error_errno(err, "bring 'lo' up");
	return 0;
}

/* ---- the tree --------------------------------------------------------------------------- */

struct scratch {
	const char *size; /* NULL: the kernel's default */
	const char *mode;
	uint64_t attrs;
	bool no_swap;
	bool is_shared;	       /* mounts in it may propagate between containers */
	const char *page_size; /* hugetlbfs with pages of "2M", instead of a tmpfs */
};

/* Makes directory `name` below dirfd and a file system in memory on it. Returns that one's root. */
static int make_scratch(int dirfd, const char *name, const struct scratch *how, struct error *err)
{
	struct mount_option opts[5] = { { "mode", how->mode } };
	size_t n = 1;
	cleanup_close int fd = -EBADF;
	cleanup_close int target = -EBADF;
	int r;

	if (how->size && !WEAKEN("VOL-4"))
		opts[n++] = (struct mount_option){ "size", how->size };
	if (how->no_swap)
		opts[n++] = (struct mount_option){ "noswap", NULL };
	if (how->page_size)
		opts[n++] = (struct mount_option){ "pagesize", how->page_size };
	fd = mount_new(how->page_size ? "hugetlbfs" : "tmpfs", opts, how->attrs, err);
	if (fd < 0)
		return fd;
	if (mkdirat(dirfd, name, 0755) < 0)
		return error_errno(err, "create '%s'", name);
	target = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return error_errno(err, "open '%s'", name);
	r = mount_attach(fd, target, err);
	if (r == 0 && how->is_shared)
		r = mount_make_shared(fd, err);
	return r < 0 ? r : steal_fd(&fd);
}

/* A tmpfs for files that are secrets as a rule: they are not swapped out where the kernel can be
 * told so. KERNEL: drop the second try at 6.4 */
static int make_projection_tmpfs(int dirfd, const struct volume_spec *v, struct error *err)
{
	size_t sources = v->sources.n ? v->sources.n : 1;
	cleanup_free char *size = xasprintf("%zu", sources * PROJECTION_SIZE);
	struct scratch how = { .size = size,
			       .mode = "0777",
			       .attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
			       .no_swap = true,
			       .is_shared = true };
	struct error scratch;
	int fd = make_scratch(dirfd, v->name, &how, &scratch);

	if (fd >= 0)
		return fd;
	how.no_swap = false;
	return make_scratch(dirfd, v->name, &how, err);
}

static int make_projection(const struct pause_plan *p, int dirfd, const struct volume_spec *v,
			   struct error *err)
{
	cleanup_close int fd = make_projection_tmpfs(dirfd, v, err);
	cleanup_close int readable = -EBADF;
	int r = fd < 0 ? fd : 0;

	if (r == 0)
		readable = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && readable < 0)
		r = error_errno(err, "open it");
	if (r == 0)
		r = volume_set_owner(readable, &p->l->pod, err);
	if (r < 0)
		return error_wrap(err, "volume '%s'", v->name);
	for (size_t i = 0; r == 0 && i < p->projected.n; i++)
		if (p->projected.v[i].spec == v)
			r = projection_write(&p->l->pod, 0, &p->projected.v[i], readable, err);
	return r < 0 ? r : 0;
}

static int make_memory_volume(const struct pod_spec *pod, int dirfd, const struct volume_spec *v,
			      struct error *err)
{
	/* A volume may hold programs: only set-uid and devices are inert. */
	struct scratch how = { .mode = "0777",
			       .attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
			       .is_shared = true };
	cleanup_free char *size = NULL;
	cleanup_free char *pages = NULL;
	cleanup_close int fd = -EBADF;
	cleanup_close int readable = -EBADF;
	int r;

	if (v->huge_pages) { /* "2Mi" is the kernel's "2M" */
		pages = xstrndup(v->huge_pages, strcspn(v->huge_pages, "i"));
		how.page_size = pages;
	}
	if (v->size_bytes > 0)
		how.size = size = xasprintf("%lld", (long long)v->size_bytes);
	fd = make_scratch(dirfd, v->name, &how, err);
	if (fd < 0)
		return error_wrap(err, "volume '%s'", v->name);
	readable = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = volume_set_owner(readable, pod, err);
	return r < 0 ? error_wrap(err, "volume '%s'", v->name) : 0;
}

static int make_volumes(const struct pause_plan *p, int tree, struct error *err)
{
	const struct pod_spec *pod = &p->l->pod;
	cleanup_close int dir = -EBADF;
	int r = 0;

	if (mkdirat(tree, SCRATCH_VOLUMES, 0755) < 0)
		return error_errno(err, "create '" SCRATCH_VOLUMES "'");
	dir = openat(tree, SCRATCH_VOLUMES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; r == 0 && i < pod->volumes.n; i++) {
		const struct volume_spec *v = &pod->volumes.v[i];

		if (is_memory_volume(v))
			r = make_memory_volume(pod, dir, v, err);
		else if (is_projection_volume(v->kind))
			r = make_projection(p, dir, v, err);
	}
	return r;
}

static int make_etc(const struct pause_plan *p, int tree, struct error *err)
{
	static const struct scratch how = { ETC_SIZE, "0755", MOUNT_INERT, false, false, NULL };
	cleanup_close int dir = make_scratch(tree, SCRATCH_ETC, &how, err);

	if (dir < 0)
		return dir;
	for (int i = 0; i < ETC__COUNT; i++) {
		cleanup_close int fd =
			openat(dir, etc_names[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

		if (fd < 0)
			return error_errno(err, "create '%s'", etc_names[i]);
	}
	return etc_write_first(p->l, &p->others, dir, err);
}

/* Goes with the IPC namespace. */
static int make_shm(const struct pause_plan *p, int tree, struct error *err)
{
	const struct opt_i64 *size = &p->l->pod.shm_size_bytes;
	cleanup_free char *text =
		xasprintf("%lld", (long long)(size->set ? size->value : SHM_BYTES_DEFAULT));
	const struct scratch how = { .size = text, .mode = "1777", .attrs = MOUNT_INERT };
	cleanup_close int fd = -EBADF;

	if (p->shm_mnt < 0) {
		fd = make_scratch(tree, SCRATCH_SHM, &how, err);
		return fd < 0 ? fd : 0;
	}
	if (mkdirat(tree, SCRATCH_SHM, 0755) < 0)
		return error_errno(err, "create '" SCRATCH_SHM "'");
	fd = openat(tree, SCRATCH_SHM, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open '" SCRATCH_SHM "'");
	return mount_attach(p->shm_mnt, fd, err);
}

static int make_tree(const struct pause_plan *p, struct error *err)
{
	static const struct mount_option opts[] = { { "mode", "755" },
						    { "size", TREE_SIZE },
						    { NULL, NULL } };
	cleanup_close int tree = mount_new("tmpfs", opts, MOUNT_INERT, err);
	cleanup_close int top = -EBADF;
	int r;

	if (tree < 0)
		return tree;
	top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return error_errno(err, "open '/'");
	r = mount_attach(tree, top, err);
	if (r < 0)
		return r;
	r = make_shm(p, tree, err);
	if (r == 0)
		r = make_etc(p, tree, err);
	if (r == 0)
		r = make_volumes(p, tree, err);
	if (r == 0)
		r = mount_pivot(tree, err);
	return r < 0 ? r : mount_add_attrs(tree, MOUNT_ATTR_RDONLY, false, err);
}

/* ---- the pause process ------------------------------------------------------------------ */

/* What podium-pause calls, and what leads to it. */
static int load_pause_filter(struct error *err)
{
#if defined(__x86_64__)
	const unsigned int arch = AUDIT_ARCH_X86_64;
#else
	const unsigned int arch = AUDIT_ARCH_AARCH64;
#endif
#define ALLOW_CALL(nr)                                   \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	struct sock_filter v[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW_CALL(SYS_rt_sigtimedwait),
		ALLOW_CALL(SYS_wait4),
		ALLOW_CALL(SYS_rt_sigprocmask),
		ALLOW_CALL(SYS_exit_group),
		ALLOW_CALL(SYS_prctl),
		ALLOW_CALL(SYS_execveat),
		ALLOW_CALL(SYS_write),
		ALLOW_CALL(SYS_sendmsg),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
#undef ALLOW_CALL
	const struct sysfilter f = { .v = v, .n = ARRAY_SIZE(v) };

	return sysfilter_install(&f, err);
}

static int drop_everything(struct error *err)
{
	static const struct identity root = { 0 };
	int r = caps_limit_bounding(0, err);

	if (r == 0)
		r = identity_assume(&root, err);
	if (r == 0)
		r = caps_set(0, err);
	if (r == 0)
		r = caps_verify(0, 0, err);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = error_errno(err, "set no_new_privs");
	return r;
}

/* The last close of a detached mount waits for every CPU; one that is attached here goes with the old
 * root, for which that is waited anyway. */
static void leave_procfs(int proc)
{
	cleanup_close int at = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error scratch;

	if (proc < 0)
		return;
	if (at >= 0)
		error_ignore(mount_attach(proc, at, &scratch));
	(void)close(proc);
}

static int set_up_namespaces(struct pause_plan *p, struct error *err)
{
	const struct pod_spec *pod = &p->l->pod;
	int r = cgroup_join_commit(&p->join, err);

	if (r < 0)
		return r;
	if ((namespaces_made(pod) & CLONE_NEWUTS) &&
	    sethostname(p->l->hostname, strlen(p->l->hostname)) < 0)
		return error_errno(err, "set host name '%s'", p->l->hostname);
	r = mount_make_private(err);
	if (r < 0)
		return r;
	p->proc = procfs_open(err);
	r = p->proc < 0 ? p->proc : set_sysctls(p, err);
	leave_procfs(p->proc);
	if (r == 0 && pod->network == NETWORK_NONE)
		r = loopback_up(err);
	return r;
}

/* Descriptors 0, 1, 2 become the null device: pause keeps nobody's pipe open. */
static int detach_stdio(struct error *err)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		if (null < 0 || dup3(null, fd, 0) < 0)
			return error_errno(err, "detach stdio");
	return 0;
}

/* In the new namespaces, with the starter's privileges. */
static void __attribute__((noreturn)) run_pause(struct pause_plan *p)
{
	char name[] = "podium-pause", *argv[] = { name, NULL }, *envp[] = { NULL };
	struct error err = { 0 };
	int r;

	(void)setsid();
	r = has_own_userns(&p->l->pod) ? userns_become_root(&err) : 0;
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r == 0)
		r = set_up_namespaces(p, &err);
	if (r == 0)
		r = detach_stdio(&err);
	if (r == 0)
		r = make_tree(p, &err);
	if (r == 0)
		r = container_leave_keyring(&err);
	if (r == 0)
		r = drop_everything(&err);
	if (r == 0)
		r = load_pause_filter(&err);
	if (r == 0) {
		(void)syscall(SYS_execveat, p->program, "", argv, envp, AT_EMPTY_PATH);
		(void)error_errno(&err, "execute podium-pause");
	}
	(void)!write(p->failed, "!", 1);
	confine_fail(p->sync_fd, EXIT_LAUNCH_FAILED, &err);
}

/* ---- the host half ---------------------------------------------------------------------- */

/* Namespaces of the host are not this user namespace's: what is set up in them would be refused, and
 * what was allowed would be the host's. Kubernetes refuses the same. */
static int prepare_userns(const struct launch *l, struct idmaps *ret, struct error *err)
{
	const struct pod_spec *pod = &l->pod;

	if (pod->network == NETWORK_HOST || pod->host_pid || pod->host_ipc)
		return error_set(err, EINVAL,
				 "'hostUsers: false' goes with neither hostNetwork, hostPID nor "
				 "hostIPC");
	if (namespaces_foreign(pod))
		return error_set(err, EINVAL,
				 "a user namespace of the pod's own does not go with namespaces of "
				 "another container");
	if (l->user_namespace)
		return error_set(err, EPERM, "'hostUsers: false' needs root of the host");
	return userns_plan(l, ret, err);
}

/* The pod's own group; made here if nobody has made it. */
static int prepare_cgroup(struct launch *l, struct cgroup_join *join, int *ret_fd,
			  struct error *err)
{
	struct error scratch;
	int r;

	*ret_fd = cgroup_open_dir_fd(&l->cg, l->pod.id, NULL, &scratch);
	if (*ret_fd == -ENOENT) {
		r = cgroup_create_pod(&l->cg, l->pod.id, NULL, NULL, err);
		if (r < 0)
			return r;
		*ret_fd = cgroup_open_dir_fd(&l->cg, l->pod.id, NULL, &scratch);
	}
	if (*ret_fd < 0 && *ret_fd != -ENOTSUP)
		return error_set(err, -*ret_fd, "%s", scratch.text);
	return cgroup_join_prepare(&l->cg, l->pod.id, NULL,
				   *ret_fd >= 0 ? CGROUP_BORN_INSIDE : CGROUP_BORN_OUTSIDE, join,
				   err);
}

/* Waits until exec has closed the pipe. */
static int wait_for_exec(int fd, int pidfd, struct error *err)
{
	char c;
	ssize_t n;

	do {
		n = read(fd, &c, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 0)
		return -ECANCELED; /* the pause half has said why */
	if (!is_pidfd_alive(pidfd))
		return error_set(err, ESRCH, "the pause process was killed while it started");
	return 0;
}

/* The content of named volumes becomes the fsGroup's at each start of the pod; what lies somewhere on
 * the host is not ours to change. */
static int own_named_volumes(const struct launch *l, struct error *err)
{
	const struct pod_security *ps = &l->pod.security;

	for (size_t i = 0; ps->fs_group.set && i < l->pod.volumes.n; i++) {
		const struct volume_spec *v = &l->pod.volumes.v[i];
		cleanup(named_volume_done) struct named_volume named = { 0 };
		cleanup_close int fd = -EBADF;
		int r;

		if (v->kind != VOLUME_NAMED || v->read_only)
			continue;
		r = named_volume_read(&l->store, v->source_name, &named, err);
		if (r == 0 && !named.host_path)
			r = fd = named_volume_open(&l->store, v->source_name, err);
		if (r >= 0 && fd >= 0)
			r = fsgroup_apply(fd, (gid_t)ps->fs_group.value,
					  ps->fs_group_on_root_mismatch, err);
		if (r < 0)
			return error_wrap(err, "volume '%s': fsGroup %lld", v->name,
					  (long long)ps->fs_group.value);
	}
	return 0;
}

static int clone_shm(void *arg, struct error *err)
{
	int *ret = arg;

	*ret = mount_clone(AT_FDCWD, "/" SCRATCH_SHM, MOUNT_INERT, err);
	return *ret < 0 ? *ret : 0;
}

/* What is shared by the IPC namespace is shared in /dev/shm, too. */
static int open_foreign_shm(const struct launch *l, int *ret, struct error *err)
{
	cleanup_close int pidfd = -EBADF;
	struct sandbox_record sb = { 0 };
	int r;

	if (!is_container_target(l->pod.ipc_from))
		return 0;
	r = namespaces_target(l, l->pod.ipc_from, &sb, err);
	if (r == 0)
		r = pidfd = sandbox_open_pause(&sb, err);
	record_done(&sandbox_record_type, &sb);
	return r < 0 ? r : launch_visit(pidfd, clone_shm, ret, err);
}

/* The starter's is in the overlay that this process runs from: one serves both. */
static int load_pause(const struct launch *l, int pause_fd, struct error *err)
{
	cleanup_free char *program = NULL;

	if (pause_fd >= 0 && fcntl(pause_fd, F_SETFD, FD_CLOEXEC) == 0) {
		if (is_selfexec_file(pause_fd))
			return pause_fd;
		(void)close(pause_fd);
	}
	program = launch_helper(l, "podium-pause");
	return selfexec_load(program, "podium-pause", NULL, err);
}

int sandbox_launch(struct launch *l, int pause_fd, int sync_fd, struct error *err)
{
	struct pause_plan p = { .l = l,
				.join = CGROUP_JOIN_INIT,
				.program = -EBADF,
				.sync_fd = sync_fd,
				.proc = -EBADF,
				.shm_mnt = -EBADF };
	const struct field_context fields = { .store = &l->store, .pod = &l->pod };
	struct idmaps ids = { 0 };
	struct launch_clone how = { .flags = namespaces_made(&l->pod), .ids = &ids };
	cleanup_close int cgroup_fd = -EBADF;
	int pidfd = -EBADF, ends[2], r;
	pid_t pid;

	r = has_own_userns(&l->pod) ? prepare_userns(l, &ids, err) : 0;
	if (r < 0)
		return r;
	if (!is_empty(l->pod.cgroup_parent))
		return error_set(err, ENOTSUP,
				 "cgroup parent '%.100s': groups are the engine's own here, below "
				 "'podium'",
				 l->pod.cgroup_parent);
	r = volume_prepare_pod(l->store.root, &l->pod, err);
	if (r == 0)
		r = own_named_volumes(l, err);
	if (r == 0)
		r = projection_gather(&fields, &p.projected, err);
	if (r < 0)
		return r;
	p.program = load_pause(l, pause_fd, err);
	if (p.program < 0)
		return p.program;
	r = prepare_cgroup(l, &p.join, &cgroup_fd, err);
	if (r < 0)
		return r;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	p.failed = ends[1];
	how.cgroup_fd = cgroup_fd;
	r = open_foreign_shm(l, &p.shm_mnt, err);
	if (r == 0)
		r = etc_take(l, &p.others, err);
	if (r == 0 && namespaces_foreign(&l->pod))
		r = namespaces_enter_foreign(l, err);
	if (r < 0)
		return r;
	pid = launch_clone(&how, sync_fd, &pidfd, err);
	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		run_pause(&p);
	projected_done(&p.projected);
	(void)close(ends[1]);
	r = wait_for_exec(ends[0], pidfd, err);
	return r < 0 ? r : sync_send(sync_fd, SYNC_READY, 0, NULL, -1);
}
