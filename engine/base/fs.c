/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs - files by descriptor.
 *
 * Theory of operation: a path is resolved once, to a descriptor, and everything after that is done
 * on the descriptor; paths below a container's root or a volume are resolved by openat2(2)
 * (Linux 5.6) with the root as a wall. There is no user-space fallback: where openat2 is missing
 * the caller fails. Replacement is write-temporary, rename; a crash leaves the old or the new file,
 * at worst with a temporary that begins with ".tmp-".
 *
 * Limits: IN_ROOT_DEADLINE_MS bounds the retries of openat2's EAGAIN (a rename raced with "..");
 * a tree deeper than TREE_DEPTH_MAX directories is refused.
 */
#include "engine/base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

#define IN_ROOT_DEADLINE_MS 200
#define TREE_DEPTH_MAX	    4000
#define TEMPORARY_TRIES	    8
#define TEMPORARY_NAME	    16 /* .tmp-xxxxxxxx */
#define REMOVE_TRIES	    8

int fs_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	int fail = seam_fail("write");

	if (fail)
		return -fail;
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fs_read_file(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len,
		 struct error *err)
{
	cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	cleanup_free char *data = NULL;
	size_t len = 0, cap;
	struct stat st;

	if (fd < 0)
		return error_errno(err, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "'%s' is not a regular file", path);
	cap = st.st_size > 0 && (size_t)st.st_size <= max ? (size_t)st.st_size + 2 : 4096;
	data = xmalloc(cap);
	for (;;) {
		ssize_t n;

		if (len + 1 >= cap)
			data = xreallocarray(data, cap *= 2, 1);
		n = read(fd, data + len, cap - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read '%s'", path);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return error_set(err, EFBIG, "'%s' is larger than %zu bytes", path, max);
		if (st.st_size > 0 && len == (size_t)st.st_size)
			break; /* there was room for more: this is the end */
	}
	data[len] = '\0';
	*ret_data = steal_ptr(&data);
	if (ret_len)
		*ret_len = len;
	return 0;
}

/* Opens the directory part of path for the fsync and the temporary; *ret_base points into path. */
static int open_parent(int dirfd, const char *path, const char **ret_base, struct error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
	int fd;

	*ret_base = slash ? slash + 1 : path;
	fd = openat(dirfd, slash == path ? "/" : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open directory of '%s'", path) : fd;
}

static int fill_file(int fd, const char *path, const void *data, size_t len, enum fs_sync sync,
		     struct error *err)
{
	int r = fs_write_all(fd, data, len);

	if (r < 0) {
		errno = -r;
		return error_errno(err, "write '%s'", path);
	}
	if (sync == FS_SYNC && fdatasync(fd) < 0)
		return error_errno(err, "sync '%s'", path);
	return 0;
}

/* Makes the temporary beside the file. Its name is unlikely to be taken: by another process in the
 * same microsecond, or by what a crash left. */
static int make_temporary(int parent, const char *path, mode_t mode, char name[TEMPORARY_NAME],
			  struct error *err)
{
	for (int tries = 0;; tries++) {
		uint32_t random = (uint32_t)clock_mono_us() ^ (uint32_t)getpid() << 16;
		char unique[9];
		int fd;

		hex_encode(unique, &random, sizeof(random));
		(void)snprintf(name, TEMPORARY_NAME, ".tmp-%s", unique);
		fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    mode);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST || tries == TEMPORARY_TRIES)
			return error_errno(err, "create '%s'", path);
	}
}

int fs_write_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		    enum fs_sync sync, struct error *err)
{
	const char *base;
	cleanup_close int parent = open_parent(dirfd, path, &base, err);
	cleanup_close int fd = -EBADF;
	char name[TEMPORARY_NAME];
	int r;

	if (parent < 0)
		return parent;
	fd = make_temporary(parent, path, mode, name, err);
	if (fd < 0)
		return fd;
	r = fill_file(fd, path, data, len, sync, err);
	if (r == 0 && renameat(parent, name, parent, base) < 0)
		r = error_errno(err, "replace '%s'", path);
	if (r < 0) {
		(void)unlinkat(parent, name, 0);
		return r;
	}
	if (sync == FS_SYNC && fsync(parent) < 0)
		return error_errno(err, "sync directory of '%s'", path);
	return 0;
}

int fs_write_existing(int dirfd, const char *path, const char *text, struct error *err)
{
	cleanup_close int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return error_errno(err, "open '%s'", path);
	n = write(fd, text, len);
	if (n < 0)
		return error_errno(err, "write '%s' to '%s'", text, path);
	if ((size_t)n != len)
		return error_set(err, EIO, "write '%s' to '%s': short write", text, path);
	return 0;
}

/* ---- openat2 ---------------------------------------------------------------------------- */

static int open_resolved(int rootfd, const char *path, struct open_how *how, struct error *err)
{
	int64_t deadline = clock_mono_ms() + IN_ROOT_DEADLINE_MS;
	int fail = seam_fail("openat2");

	for (;;) {
		long fd = -1;

		if (fail)
			errno = fail;
		else
			fd = syscall(SYS_openat2, rootfd, path, how, sizeof(*how));
		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			return error_errno(err, "open '%s'", path);
		if (clock_mono_ms() > deadline)
			return error_set(err, EAGAIN, "open '%s': the path keeps changing", path);
	}
}

int fs_open_beneath(int rootfd, const char *path, int flags, mode_t mode, struct error *err)
{
	struct open_how how = {
		.flags = (unsigned long long)(unsigned int)(flags | O_CLOEXEC),
		.mode = (flags & O_CREAT) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return open_resolved(rootfd, path, &how, err);
}

int fs_open_in_root(int rootfd, const char *path, int flags, mode_t mode, struct error *err)
{
	struct open_how how = {
		.flags = (unsigned long long)(unsigned int)(flags | O_CLOEXEC),
		.mode = (flags & O_CREAT) ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return open_resolved(rootfd, path, &how, err);
}

/* One step of the in-root mkdir: prefix exists and is open as *fd; makes `name` below it. */
static int mkdir_step(int rootfd, int *fd, const char *prefix, const char *name, mode_t mode,
		      struct error *err)
{
	struct error scratch;
	int next;

	/* The whole prefix is resolved from the root again, so that links stay clamped. */
	next = fs_open_in_root(rootfd, prefix, O_PATH | O_DIRECTORY, 0, &scratch);
	if (next == -ENOENT) {
		if (mkdirat(*fd, name, mode) < 0 && errno != EEXIST)
			return error_errno(err, "create directory '%s'", prefix);
		next = openat(*fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return error_errno(err, "open directory '%s'", prefix);
	} else if (next < 0) {
		*err = scratch;
		return next;
	}
	(void)close(*fd);
	*fd = next;
	return 0;
}

int fs_mkdirs_in_root(int rootfd, const char *path, mode_t mode, struct error *err)
{
	cleanup_close int fd = openat(rootfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *copy = xstrdup(path);
	char *p = copy;

	if (fd < 0)
		return error_errno(err, "open root for '%s'", path);
	while (*p == '/')
		p++;
	while (*p) {
		char *end = p + strcspn(p, "/");
		char saved = *end;
		int r;

		*end = '\0';
		if (strcmp(p, "..") == 0)
			return error_set(err, EINVAL, "'%s' has '..' in it", path);
		r = strcmp(p, ".") == 0 ? 0 : mkdir_step(rootfd, &fd, copy, p, mode, err);
		if (r < 0)
			return r;
		*end = saved;
		for (p = end; *p == '/';)
			p++;
	}
	return steal_fd(&fd);
}

int fs_mkdirs(int dirfd, const char *path, mode_t mode, struct error *err)
{
	cleanup_free char *copy = NULL;
	bool is_read_only = false;
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd; /* as always but once: no call, and no lock on "/", for each component */
	copy = xstrdup(path);
	for (char *p = copy + (*copy == '/');; p++) {
		char saved = *p;

		if (saved != '/' && saved != '\0')
			continue;
		*p = '\0';
		errno = 0;
		/* What is there already may lie on a file system that is read-only. */
		if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST && errno != EROFS)
			return error_errno(err, "create directory '%s'", copy);
		is_read_only = is_read_only || errno == EROFS;
		*p = saved;
		if (saved == '\0')
			break;
	}
	fd = openat(dirfd, copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && is_read_only)
		errno = EROFS;
	return fd < 0 ? error_errno(err, "open directory '%s'", path) : fd;
}

/* ---- trees ------------------------------------------------------------------------------ */

static bool is_dot(const char *n)
{
	return n[0] == '.' && (n[1] == '\0' || (n[1] == '.' && n[2] == '\0'));
}

/* Opens a directory for removal: no link, on the device `dev` (0: any). Its owner gets all rights
 * first, by descriptor, since a container may have left mode 0 behind (root ignores modes, an
 * ordinary user does not). */
static int open_for_removal(int dirfd, const char *name, dev_t dev, struct error *err)
{
	cleanup_close int path_fd =
		openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char self[40];
	struct stat st;
	int fd;

	if (path_fd < 0 || fstat(path_fd, &st) < 0)
		return error_errno(err, "open '%s' to remove it", name);
	if (dev && st.st_dev != dev)
		return error_set(err, EXDEV, "'%s' is a mount point: not removed", name);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	/* A failure shows at the next step. */
	if ((st.st_mode & 0700) != 0700)
		(void)chmod(self, 0700);
	fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open '%s' to remove it", name) : fd;
}

/* Removes one entry. 1: a directory that is not empty. */
static int remove_entry(int fd, const struct dirent *e, struct error *err)
{
	if (e->d_type != DT_DIR) {
		if (unlinkat(fd, e->d_name, 0) == 0 || errno == ENOENT)
			return 0;
		if (errno != EISDIR)
			return error_errno(err, "remove '%s'", e->d_name);
	}
	if (unlinkat(fd, e->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	/* EBUSY: a mount, even one of the same file system. */
	if (errno == ENOTEMPTY || errno == EEXIST || (errno == EBUSY && WEAKEN("VOL-3")))
		return 1;
	return error_errno(err, "remove directory '%s'", e->d_name);
}

/* Removes the entries of an open directory. Returns the name of the first subdirectory that is not
 * empty in *ret_sub (caller's), or NULL when all is gone. */
static int empty_directory(int fd, char **ret_sub, struct error *err)
{
	cleanup_dir DIR *d = NULL;
	const struct dirent *e;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	*ret_sub = NULL;
	if (copy < 0)
		return error_errno(err, "open directory to empty it");
	d = fdopendir(copy);
	if (!d) {
		(void)close(copy);
		return error_errno(err, "read directory");
	}
	while (r == 0 && (e = readdir(d))) {
		if (is_dot(e->d_name))
			continue;
		r = remove_entry(fd, e, err);
		if (r > 0)
			*ret_sub = xstrdup(e->d_name);
	}
	return r < 0 ? r : 0;
}

/* Where a walk came down: compared on the way up, so that a directory that is moved out of the tree
 * meanwhile does not lead there. */
struct level {
	dev_t dev;
	ino_t ino;
};

/* From *fd to its parent, which must be the level that the walk came through. */
static int climb(int *fd, const struct level *to, struct error *err)
{
	int up = openat(*fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (up < 0)
		return error_errno(err, "go up in the tree that is removed");
	if (fstat(up, &st) < 0 || st.st_dev != to->dev || st.st_ino != to->ino) {
		(void)close(up);
		return error_set(err, EAGAIN, "the tree changes while it is removed");
	}
	(void)close(*fd);
	*fd = up;
	return 0;
}

/* Down into the first subdirectory that is not empty, up when nothing is left: each directory is
 * visited a constant number of times, with three descriptors at any depth. */
static int remove_below(int top, dev_t dev, struct error *err)
{
	cleanup_close int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free struct level *way = xcalloc(TREE_DEPTH_MAX, sizeof(*way));
	size_t depth = 0;

	if (fd < 0)
		return error_errno(err, "open directory to remove it");
	for (;;) {
		cleanup_free char *sub = NULL;
		struct stat st;
		int r = empty_directory(fd, &sub, err);

		if (r == 0 && !sub && depth == 0)
			return 0;
		if (r == 0 && !sub)
			r = climb(&fd, &way[--depth], err);
		if (r < 0)
			return r;
		if (!sub)
			continue;
		if (depth == TREE_DEPTH_MAX)
			return error_set(err, ELOOP, "tree is too deep to remove");
		if (fstat(fd, &st) < 0)
			return error_errno(err, "stat directory to remove it");
		way[depth++] = (struct level){ st.st_dev, st.st_ino };
		r = open_for_removal(fd, sub, dev, err);
		if (r < 0)
			return r;
		(void)close(fd);
		fd = r;
	}
}

/* A directory at the top that is not empty. */
static int remove_full_directory(int dirfd, const char *name, struct error *err)
{
	for (int tries = 0;; tries++) {
		cleanup_close int fd = open_for_removal(dirfd, name, 0, err);
		struct stat st;
		int r;

		if (fd < 0)
			return fd;
		if (fstat(fd, &st) < 0)
			return error_errno(err, "stat '%s'", name);
		r = remove_below(fd, st.st_dev, err);
		if (r < 0)
			return error_wrap(err, "remove '%s'", name);
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		/* Somebody made a file in it after it was emptied: a lock file, say. */
		if (errno != ENOTEMPTY || tries == REMOVE_TRIES)
			return error_errno(err, "remove directory '%s'", name);
	}
}

int fs_remove_tree(int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "stat '%s'", name);
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
			return error_errno(err, "remove '%s'", name);
		return 0;
	}
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	/* EBUSY: the directory itself is a mount point, whose content is not ours to remove. */
	if (errno != ENOTEMPTY && errno != EEXIST)
		return error_errno(err, "remove directory '%s'", name);
	return remove_full_directory(dirfd, name, err);
}

int fs_reopen(int fd, int flags, struct error *err)
{
	char path[40];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = open(path, flags | O_CLOEXEC);
	return r < 0 ? error_errno(err, "reopen descriptor %d", fd) : r;
}
