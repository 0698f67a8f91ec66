/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_file - control files and group directories, by descriptor of the tree's mount point.
 *
 * Theory of operation: a group is a path below the mount point of its tree that this module built
 * from checked ids ("podium/<pod>/<container>"), so it holds no "..", and cgroupfs has no links. A
 * control file takes one write(2) and gives its text in one read(2); the kernel's errno of the
 * write is the verdict (EINVAL: value, EBUSY: conflicts with what runs, ENOENT: no such controller
 * or group, ENODEV: the group went meanwhile).
 *
 * Limits are read back, because some files accept and then round, and because a limit that only
 * seems to be there is worse than a refusal.
 *
 * Removal: rmdir(2) of a group fails with EBUSY while processes or groups are in it. A killed
 * process leaves its group a moment after its parent has reaped it, so EBUSY is retried with a
 * growing sleep up to a deadline. Only when the plain rmdir fails is the directory read: a
 * container with a writable cgroupfs may have made groups inside.
 *
 * The base is shared by all pods of all stores: who removes it (cgroup_prune()) holds a lock on the
 * first tree's mount point alone, who needs it and does not find it makes it while holding that lock
 * with others. A group that was made keeps the base from then on, so that nobody else locks. The
 * directory may be opened by every user of the machine, who could hold the lock for ever: it is
 * waited for with a limit and then done without, which is right in all but the rarest moment.
 *
 * Fake trees (seam builds): directories have no control files of their own, so writing creates
 * them, and removal unlinks them first. Nothing else differs.
 */
#include "engine/cgroup/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"

#define SHARES_OF_ONE_CPU 1024
#define RETRY_FIRST_US	  200
#define RETRY_LAST_US	  20000
#define LOCK_TRIES	  2500 /* with RETRY_FIRST_US between them: half a second */

int cgfile_open(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		const char *file, int flags)
{
	char path[CGROUP_FILE_MAX];
	int fd, n = snprintf(path, sizeof(path), "%s/%s", group, file);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	if (cg->fake && (flags & O_ACCMODE) != O_RDONLY)
		flags |= O_CREAT | O_TRUNC;
	fd = openat(cg->tree[t], path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

int cgfile_write(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		 const char *file, const char *text)
{
	cleanup_close int fd = cgfile_open(cg, t, group, file, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgfile_read(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		const char *file, char *buf, size_t size)
{
	cleanup_close int fd = cgfile_open(cg, t, group, file, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return 0;
}

int cgfile_read_key(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		    const char *file, const char *key, int64_t *ret)
{
	char text[CGROUP_TEXT_MAX], *line = text, *end;
	size_t len = strlen(key);
	int r = cgfile_read(cg, t, group, file, text, sizeof(text));

	if (r < 0)
		return r;
	for (; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return parse_i64(line + len + 1, 0, INT64_MAX, ret);
	}
	return -ENODATA;
}

int cgfile_limit(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		 const char *file, int64_t value, int64_t slack)
{
	char text[32];
	int64_t back;
	int r;

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	r = cgfile_write(cg, t, group, file, text);
	if (r < 0)
		return r;
	r = cgfile_read(cg, t, group, file, text, sizeof(text));
	if (r < 0)
		return r;
	if (parse_i64(text, INT64_MIN, INT64_MAX, &back) < 0)
		return -EIO;
	return back <= value && value - back < slack ? 0 : -EIO;
}

/* The base weighs as much as the machine has processors, as the kubelet's own base does: else all
 * pods together would weigh as much as one process outside. */
static void weigh_base(const struct cgroup_ctx *cg)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char text[32];

	(void)snprintf(text, sizeof(text), "%ld", (cpus > 0 ? cpus : 1) * SHARES_OF_ONE_CPU);
	(void)cgfile_write(cg, CGROUP_TREE_CPU, CGROUP_BASE, "cpu.shares", text);
}

static int make_one(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group)
{
	if (mkdirat(cg->tree[t], group, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	if (t == CGROUP_TREE_CPU && strcmp(group, CGROUP_BASE) == 0)
		weigh_base(cg);
	return 1;
}

/* Makes the parents of a group, outermost first. */
static int make_parents(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group)
{
	char parent[CGROUP_GROUP_MAX];
	int r;

	for (const char *s = strchr(group, '/'); s; s = strchr(s + 1, '/')) {
		if ((size_t)(s - group) >= sizeof(parent))
			return -ENAMETOOLONG;
		memcpy(parent, group, (size_t)(s - group));
		parent[s - group] = '\0';
		r = make_one(cg, t, parent);
		if (r < 0)
			return r;
	}
	return 0;
}

static void rest(long us)
{
	const struct timespec ts = { .tv_nsec = us * 1000 };

	(void)nanosleep(&ts, NULL);
}

int cgbase_lock(const struct cgroup_ctx *cg, bool is_alone)
{
	cleanup_close int fd = -EBADF;
	int t = 0;

	while (t < CGROUP_TREE__COUNT && cg->tree[t] < 0)
		t++;
	if (t == CGROUP_TREE__COUNT)
		return -ENOENT;
	fd = openat(cg->tree[t], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, (is_alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
			return steal_fd(&fd);
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		rest(RETRY_FIRST_US);
	}
	return -EWOULDBLOCK;
}

bool is_cgroup_gone(int r)
{
	return r == -ENOENT || r == -ENODEV;
}

/* mkdir with parents, while nobody prunes. */
static int make_with_parents(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group)
{
	cleanup_close int lock = cgbase_lock(cg, false);
	int r = make_parents(cg, t, group);

	(void)lock; /* held, where it was to be had */
	return r < 0 ? r : make_one(cg, t, group);
}

int cgdir_make(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
	       struct error *err)
{
	int r = make_one(cg, t, group);

	if (is_cgroup_gone(r))
		r = make_with_parents(cg, t, group);
	if (r < 0)
		return error_set(err, -r, "%s cgroup: make '%s': %s", cgroup_tree_str(t), group,
				 strerror(-r));
	return r;
}

/* Opens the group for reading its entries. */
static int open_entries(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			DIR **ret)
{
	int fd = openat(cg->tree[t], group, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	*ret = fdopendir(fd);
	if (*ret)
		return 0;
	(void)close(fd);
	return -ENOMEM;
}

static bool is_group_entry(const struct dirent *e)
{
	return e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* The walk's stack of open directories: depth bounded, path shared. */
struct walk {
	const struct cgroup_ctx *cg;
	enum cgroup_tree tree;
	char path[PATH_MAX];
	int depth;
};

static int walk_below(struct walk *w, cgdir_fn *fn, void *arg)
{
	cleanup_dir DIR *dir = NULL;
	struct dirent *e;
	size_t len = strlen(w->path);
	int r = fn(w->cg, w->tree, w->path, arg);

	if (r != 0)
		return r;
	r = open_entries(w->cg, w->tree, w->path, &dir);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (++w->depth > CGROUP_DEPTH_MAX)
		return -ELOOP;
	while (r == 0 && (e = readdir(dir)) != NULL) {
		if (!is_group_entry(e))
			continue;
		if (len + strlen(e->d_name) + 2 > sizeof(w->path))
			return -ENAMETOOLONG;
		(void)snprintf(w->path + len, sizeof(w->path) - len, "/%s", e->d_name);
		r = walk_below(w, fn, arg);
		w->path[len] = '\0';
	}
	w->depth--;
	return r;
}

int cgdir_walk(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group, cgdir_fn *fn,
	       void *arg)
{
	struct walk w = { .cg = cg, .tree = t };

	(void)snprintf(w.path, sizeof(w.path), "%s", group);
	return walk_below(&w, fn, arg);
}

/* Fake trees only: the files that cgroupfs would take away by itself. */
static void drop_fake_files(int dirfd, DIR *dir)
{
	struct dirent *e;

	while ((e = readdir(dir)) != NULL)
		if (e->d_type == DT_REG)
			(void)unlinkat(dirfd, e->d_name, 0);
	rewinddir(dir);
}

static int remove_below(int parentfd, const char *name, bool fake, int depth)
{
	cleanup_dir DIR *dir = NULL;
	struct dirent *e;
	int fd, r = 0;

	if (depth > CGROUP_DEPTH_MAX)
		return -ELOOP;
	fd = openat(parentfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return -ENOMEM;
	}
	if (fake)
		drop_fake_files(fd, dir);
	while ((e = readdir(dir)) != NULL) {
		int one = is_group_entry(e) ? remove_below(fd, e->d_name, fake, depth + 1) : 0;

		if (one < 0)
			r = one;
	}
	if (r < 0)
		return r;
	if (unlinkat(parentfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int cgdir_remove(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		 int64_t deadline_ms)
{
	long sleep_us = RETRY_FIRST_US;
	int r;

	if (unlinkat(cg->tree[t], group, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	for (;;) {
		r = remove_below(cg->tree[t], group, cg->fake, 0);
		if (r != -EBUSY || clock_mono_ms() >= deadline_ms)
			return r;
		rest(sleep_us);
		sleep_us = sleep_us < RETRY_LAST_US ? sleep_us * 2 : RETRY_LAST_US;
	}
}
