/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsgroup - the walk that changes group and mode of a volume's content.
 *
 * Theory of operation: the content is containers', of which some may be running and moving things
 * about. So each directory is opened from the top by its path with RESOLVE_BENEATH,
 * RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV (openat2, Linux 5.6): a link or a mount in the way fails
 * instead of leading out, and what has vanished meanwhile is passed over. Each entry is opened by
 * O_PATH without following and changed by that descriptor; a link gets the group, never its target.
 * What is right already is not written, so that a second walk costs reads alone.
 *
 * Paths of directories wait on a list: the depth costs memory, not descriptors. Limits: a path of
 * PATH_MAX, ENTRIES_MAX directories that wait.
 *
 * Runs in podium-launch before the sandbox is cloned, with the starter's privileges.
 */
#include "engine/process/fsgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

#define FILE_BITS   0660
#define DIR_BITS    (0770 | S_ISGID)
#define ENTRIES_MAX 10000000

static mode_t bits_of(const struct stat *st)
{
	return S_ISDIR(st->st_mode) ? DIR_BITS : FILE_BITS;
}

static bool is_right(const struct stat *st, gid_t gid)
{
	return st->st_gid == gid &&
	       (S_ISLNK(st->st_mode) || (st->st_mode & bits_of(st)) == bits_of(st));
}

/* fd: O_PATH. */
static int change(int fd, const struct stat *st, gid_t gid, struct error *err)
{
	char self[40];

	if (is_right(st, gid))
		return 0;
	if (st->st_gid != gid && fchownat(fd, "", (uid_t)-1, gid, AT_EMPTY_PATH) < 0)
		return error_errno(err, "change group");
	if (S_ISLNK(st->st_mode))
		return 0;
	/* chmod(2) of a descriptor that cannot be read or written */
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (chmod(self, (st->st_mode & 07777) | bits_of(st)) < 0)
		return error_errno(err, "change mode");
	return 0;
}

/* flags: O_DIRECTORY to read it, O_PATH to change it. */
static int open_below(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};

	if (WEAKEN("VOL-3")) {
		how.resolve = 0;
		if (!(flags & O_PATH))
			how.flags &= ~(unsigned long long)O_NOFOLLOW;
	}
	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

/* Changes one entry; a directory waits for its turn. */
static int visit(int dir, const char *path, const char *name, gid_t gid, struct strlist *waiting,
		 struct error *err)
{
	cleanup_close int fd = open_below(dir, name, O_PATH);
	struct stat st;
	int r;

	if (fd < 0 && (errno == ENOENT || errno == EXDEV))
		return 0; /* gone meanwhile; a mount */
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open '%s/%s'", path, name);
	r = change(fd, &st, gid, err);
	if (r < 0)
		return error_wrap(err, "'%s/%s'", path, name);
	if (S_ISDIR(st.st_mode) || (S_ISLNK(st.st_mode) && WEAKEN("VOL-3"))) {
		if (waiting->n >= ENTRIES_MAX)
			return error_set(err, E2BIG, "too many directories");
		strlist_addf(waiting, "%s/%s", path, name);
	}
	return 0;
}

static int visit_all(int top, const char *path, gid_t gid, struct strlist *waiting,
		     struct error *err)
{
	int fd = open_below(top, path, O_RDONLY | O_DIRECTORY);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int r = 0;

	/* Not a directory of this volume any more, or never: a mount in it. */
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV))
		return 0;
	if (!d) {
		r = error_errno(err, "read '%s'", path);
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = visit(fd, path, e->d_name, gid, waiting, err);
	return r;
}

int fsgroup_apply(int top_fd, gid_t gid, bool on_mismatch, struct error *err)
{
	cleanup_strlist struct strlist waiting = { 0 };
	cleanup_close int top = openat(top_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r = 0;

	if (top < 0 || fstat(top, &st) < 0)
		return error_errno(err, "open its top");
	if (on_mismatch && is_right(&st, gid))
		return 0;
	strlist_add(&waiting, ".");
	while (r == 0 && waiting.n > 0) {
		cleanup_free char *path = waiting.v[--waiting.n];

		waiting.v[waiting.n] = NULL;
		r = visit_all(top, path, gid, &waiting, err);
	}
	/* The top comes last: it says that all is done. */
	return r < 0 ? r : change(top, &st, gid, err);
}
