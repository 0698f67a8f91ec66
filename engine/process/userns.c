/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userns - a pod's own user namespace.
 *
 * Theory of operation:
 *	lease	RUNROOT/userns/<slot> is a symbolic link to the pod's id, made under a lock on the
 *		directory. The search begins at a place that follows from the id, so that a range is
 *		seldom given again soon. A link whose pod has no directory in the store any more is
 *		reclaimed. RUNROOT goes with the boot, and so do the namespaces.
 *	clone	pause is cloned with CLONE_NEWUSER and waits; its maps are written by the parent
 *		through a procfs of its own and read back; then the gate opens. All other namespaces
 *		of the pod are made by the same call and so belong to this one.
 *	join	a container's host half reads the map from the kernel and opens the namespace by the
 *		pid in the sandbox's record, checked by the pidfd afterwards. With it detached mounts
 *		are given an id map (MOUNT_ATTR_IDMAP): layers, writable layer, volumes. So nothing is
 *		ever chowned, the stores stay as they are, and a pod may get another range at its next
 *		start. Then setns(2), user namespace first, and the container half becomes root of it
 *		before it makes anything: an id that is not mapped can own nothing.
 *
 * What the container half cannot do there the host half does before: the oom score, the limits that
 * are raised, the label.
 *
 * Kernel: 5.12 (ext4, xfs), 5.15 (btrfs), 5.19 (overlay with mapped layers), 6.3 (tmpfs). A file
 * system that cannot map ids is an error that names it.
 */
#include "engine/process/userns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/process/internal.h"
#include "engine/process/procfs.h"

#define LEASES	      "userns"
#define SLOT_TEXT_MAX 12
#define ID_DIGITS     64
#define MAP_TEXT_MAX  8192

bool has_own_userns(const struct pod_spec *pod)
{
	return (pod->host_users.set && !pod->host_users.value) || pod->uid_maps.n;
}

/* ---- leases ----------------------------------------------------------------------------- */

static bool read_owner(int dir, const char *slot, char owner[ID_DIGITS + 1])
{
	ssize_t n = readlinkat(dir, slot, owner, ID_DIGITS + 1);

	if (n != ID_DIGITS)
		return false;
	owner[n] = '\0';
	return is_id(owner);
}

/* Looks through all leases for the pod's own. Returns its slot, or -ENOENT. */
static int find_own(int dir, const char *pod_id)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);

	for (struct dirent *e; d && (e = readdir(d));) {
		char owner[ID_DIGITS + 1];
		uint64_t slot;

		if (parse_u64(e->d_name, USERNS_SLOTS - 1, &slot) == 0 &&
		    read_owner(dir, e->d_name, owner) && strcmp(owner, pod_id) == 0)
			return (int)slot;
	}
	return -ENOENT;
}

/* True when the slot is the pod's now. */
static bool take(const struct launch *l, int dir, uint32_t slot)
{
	char name[SLOT_TEXT_MAX], owner[ID_DIGITS + 1], path[LAYOUT_PATH_MAX];

	(void)snprintf(name, sizeof(name), "%u", slot);
	if (symlinkat(l->pod.id, dir, name) == 0)
		return true;
	if (errno != EEXIST)
		return false;
	if (WEAKEN("USERNS-1"))
		return true;
	if (read_owner(dir, name, owner) &&
	    faccessat(l->store.rootfd, layout_pod(path, owner, ""), F_OK, 0) == 0)
		return false;
	return unlinkat(dir, name, 0) == 0 && symlinkat(l->pod.id, dir, name) == 0;
}

int userns_lease(const struct launch *l, uint32_t *ret_first, struct error *err)
{
	cleanup_close int dir = -EBADF;
	char digits[9];
	unsigned int start = 0;
	int own;

	if (mkdirat(l->store.runfd, LEASES, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "create '" LEASES "'");
	dir = openat(l->store.runfd, LEASES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || flock(dir, LOCK_EX) < 0)
		return error_errno(err, "lock '" LEASES "'");
	own = find_own(dir, l->pod.id);
	(void)snprintf(digits, sizeof(digits), "%.8s", l->pod.id);
	if (sscanf(digits, "%x", &start) != 1)
		start = 0;
	for (uint32_t i = 0; own < 0 && i < USERNS_SLOTS; i++)
		if (take(l, dir, (start + i) % USERNS_SLOTS))
			own = (int)((start + i) % USERNS_SLOTS);
	if (own < 0)
		return error_set(err, EUSERS, "no range of user ids is left for the pod");
	*ret_first = USERNS_FIRST + (uint32_t)own * USERNS_IDS;
	return 0;
}

int userns_release(int runfd, const char *pod_id, struct error *err)
{
	cleanup_close int dir =
		openat(runfd, LEASES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char name[SLOT_TEXT_MAX];
	int slot;

	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0 || flock(dir, LOCK_EX) < 0)
		return error_errno(err, "lock '" LEASES "'");
	while ((slot = find_own(dir, pod_id)) >= 0) {
		(void)snprintf(name, sizeof(name), "%d", slot);
		if (unlinkat(dir, name, 0) < 0)
			return error_errno(err, "end the lease of user ids '%s'", name);
	}
	return 0;
}

/* ---- maps ------------------------------------------------------------------------------- */

/* Everything in it is made by its root. */
static int check_root(const struct idmaps *ids, struct error *err)
{
	uint32_t id;

	if (!idmap_out(&ids->uids, 0, &id) || !idmap_out(&ids->gids, 0, &id))
		return error_set(err, EINVAL, "user 0 and group 0 of the container must be mapped");
	return 0;
}

/* "auto:size=1024" */
static int wanted_size(const char *userns, uint32_t *ret, struct error *err)
{
	const char *text = userns ? strstr(userns, "size=") : NULL;
	uint64_t n = USERNS_IDS;

	if (text && (parse_u64(text + strlen("size="), USERNS_IDS, &n) < 0 || n == 0))
		return error_set(err, EINVAL, "userns '%.60s': a pod has from 1 to %u ids", userns,
				 USERNS_IDS);
	*ret = (uint32_t)n;
	return 0;
}

int userns_plan(const struct launch *l, struct idmaps *ret, struct error *err)
{
	const struct pod_spec *pod = &l->pod;
	uint32_t first = 0, size = 0;
	int r;

	if (pod->uid_maps.n) {
		r = idmap_parse(&ret->uids, &pod->uid_maps, err);
		if (r == 0)
			r = idmap_parse(&ret->gids,
					pod->gid_maps.n ? &pod->gid_maps : &pod->uid_maps, err);
		return r < 0 ? error_wrap(err, "maps of ids") : check_root(ret, err);
	}
	r = wanted_size(pod->userns, &size, err);
	if (r == 0)
		r = userns_lease(l, &first, err);
	if (r == 0)
		r = idmap_add(&ret->uids, 0, first, size, err);
	return r < 0 ? r : idmap_add(&ret->gids, 0, first, size, err);
}

static int read_map(int proc, pid_t pid, const char *file, struct idmap *ret, struct error *err)
{
	cleanup_free char *text = NULL;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, file);
	r = fs_read_file(proc, path, MAP_TEXT_MAX, &text, NULL, err);
	return r < 0 ? r : idmap_read(ret, text, err);
}

static int write_map(int proc, pid_t pid, const char *file, const struct idmap *m,
		     struct error *err)
{
	cleanup_free char *text = idmap_text(m);
	struct idmap now;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, file);
	r = procfs_write(proc, path, text, err);
	if (r == 0)
		r = read_map(proc, pid, file, &now, err);
	if (r == 0 && !is_same_idmap(m, &now))
		r = error_set(err, EPERM, "'%s' is not what was written", path);
	return r;
}

int userns_write_maps(pid_t pid, const struct idmaps *ids, struct error *err)
{
	cleanup_close int proc = procfs_open(err);
	int r = proc < 0 ? proc : write_map(proc, pid, "uid_map", &ids->uids, err);

	if (r == 0)
		r = write_map(proc, pid, "gid_map", &ids->gids, err);
	return r < 0 ? error_wrap(err, "user namespace of the pod") : 0;
}

int userns_read_maps(pid_t pid, struct idmaps *ret, struct error *err)
{
	cleanup_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = proc < 0 ? error_errno(err, "open '/proc'")
			 : read_map(proc, pid, "uid_map", &ret->uids, err);

	if (r == 0)
		r = read_map(proc, pid, "gid_map", &ret->gids, err);
	return r < 0 ? error_wrap(err, "user namespace of the pod") : 0;
}

int userns_first_id(pid_t pid, uint32_t *ret_first, struct error *err)
{
	struct idmaps ids;
	int r = userns_read_maps(pid, &ids, err);

	if (r == 0)
		*ret_first = launch_root_uid(&ids);
	return r;
}

int userns_open(const struct launch *l, int *ret_fd, struct idmaps *ret, struct error *err)
{
	cleanup_close int fd = -EBADF;
	pid_t pid = (pid_t)l->sandbox.pid;
	char path[64];
	int r;

	*ret_fd = -EBADF;
	memset(ret, 0, sizeof(*ret));
	if (!has_own_userns(&l->pod))
		return 0;
	r = userns_read_maps(pid, ret, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open the user namespace of the pod");
	if (!is_pidfd_alive(l->pause_fd))
		return error_set(err, ESRCH, "sandbox of pod '%s' has ended", l->pod.name);
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* ---- namespaces of mounts --------------------------------------------------------------- */

/* One range "[@]A-B-N" becomes a line of a map. */
static int add_range(struct idmap *out, const char *text, size_t n, const struct idmap *inside,
		     struct error *err)
{
	cleanup_free char *copy = xstrndup(text, n);
	char *rest = copy + (copy[0] == '@');
	uint64_t v[3] = { 0 };
	uint32_t seen;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		char *word = strsep(&rest, "-");

		if (!word || parse_u64(word, UINT32_MAX - 1, &v[i]) < 0 || (i == 2 && rest))
			return error_set(err, EINVAL, "'%.100s' is not like '0-1000-1'", copy);
	}
	seen = (uint32_t)v[1];
	if (copy[0] != '@' && !idmap_out(inside, seen, &seen))
		return error_set(err, EINVAL, "'%.100s': the container has no such id", copy);
	return idmap_add(out, (uint32_t)v[0], seen, (uint32_t)v[2], err);
}

static int map_text(const char *ranges, const struct idmap *inside, char **ret, struct error *err)
{
	struct idmap out = { 0 };

	if (!ranges) {
		*ret = xstrdup("0 0 4294967295\n");
		return 0;
	}
	while (*ranges) {
		size_t n = strcspn(ranges, "#");
		int r = add_range(&out, ranges, n, inside, err);

		if (r < 0)
			return r;
		ranges += n + (ranges[n] == '#');
	}
	*ret = idmap_text(&out);
	return 0;
}

/* Writes both maps of a child that waits, and opens its namespace. */
static int map_child(pid_t pid, const char *uids, const char *gids, struct error *err)
{
	cleanup_close int proc = procfs_open(err);
	char path[64];
	int r = proc, fd;

	(void)snprintf(path, sizeof(path), "%d/uid_map", (int)pid);
	if (r >= 0)
		r = procfs_write(proc, path, uids, err);
	(void)snprintf(path, sizeof(path), "%d/gid_map", (int)pid);
	if (r >= 0)
		r = procfs_write(proc, path, gids, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open a user namespace") : fd;
}

int userns_for_mount(const char *uids, const char *gids, const struct idmaps *ids,
		     struct error *err)
{
	cleanup_free char *uid_text = NULL;
	cleanup_free char *gid_text = NULL;
	struct clone_args a = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	int r = map_text(uids, &ids->uids, &uid_text, err);
	long pid;

	if (r == 0)
		r = map_text(gids, &ids->gids, &gid_text, err);
	if (r < 0)
		return r;
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (pid < 0)
		return error_errno(err, "make a user namespace");
	/* Holds it until it is open. */
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			(void)pause();
	}
	r = map_child((pid_t)pid, uid_text, gid_text, err);
	(void)kill((pid_t)pid, SIGKILL);
	while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

/* ---- identity --------------------------------------------------------------------------- */

static int no_such_id(const struct idmap *m, const char *what, uint32_t id, struct error *err)
{
	if (m->n == 1 && m->v[0].inside == 0)
		return error_set(err, EINVAL,
				 "%s %u: there are ids from 0 to %u in the pod's user namespace",
				 what, id, m->v[0].count - 1);
	return error_set(err, EINVAL, "%s %u: the pod's user namespace has no such id", what, id);
}

int userns_check_ids(const struct idmaps *ids, const struct confinement *c, struct error *err)
{
	const struct identity *who = &c->who;
	uint32_t id;

	if (!idmap_out(&ids->uids, who->uid, &id))
		return no_such_id(&ids->uids, "user", who->uid, err);
	if (!idmap_out(&ids->gids, who->gid, &id))
		return no_such_id(&ids->gids, "group", who->gid, err);
	for (size_t i = 0; i < who->n_groups; i++)
		if (!idmap_out(&ids->gids, who->groups[i], &id))
			return no_such_id(&ids->gids, "group", who->groups[i], err);
	return 0;
}

int userns_become_root(struct error *err)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return error_errno(err, "become root of the pod's user namespace");
	return 0;
}
