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
 * Paths of directories wait on a list: the depth costs memory, not descriptors. What a container has
 * made must not cost the host's: the list ends at WAITING_MAX bytes (some million directories side by
 * side; thousands with paths as long as can be). Limits besides: a path of PATH_MAX.
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
#define WAITING_MAX ((size_t)128 << 20)
#define ENTRY_BYTES 32 /* of one path that waits, beside its text */

static mode_t bits_of(const struct stat *st)
{
	return S_ISDIR(st->st_mode) ? DIR_BITS : FILE_BITS;
}

/* What becomes of everything: -1 leaves an id as it is. */
struct owner {
	uid_t uid;
	gid_t gid;
	bool keep_mode;
};

static bool is_right(const struct stat *st, const struct owner *to)
{
	if (to->uid != (uid_t)-1 && st->st_uid != to->uid)
		return false;
	return st->st_gid == to->gid &&
	       (to->keep_mode ||
		(S_ISLNK(st->st_mode) || (st->st_mode & bits_of(st)) == bits_of(st)));
}

/* fd: O_PATH. */
static int change(int fd, const struct stat *st, const struct owner *to, struct error *err)
{
	char self[40];

	if (is_right(st, to))
		return 0;
	if ((st->st_gid != to->gid || to->keep_mode) &&
	    fchownat(fd, "", to->uid, to->gid, AT_EMPTY_PATH) < 0)
		return error_errno(err, to->keep_mode ? "change owner" : "change group");
	if (S_ISLNK(st->st_mode) || to->keep_mode)
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

/* Directories whose turn comes. */
struct waiting {
	struct strlist paths;
	size_t bytes;
};

static int wait_for_turn(struct waiting *w, const char *path, const char *name, struct error *err)
{
	size_t bytes = strlen(path) + strlen(name) + sizeof("/") + ENTRY_BYTES;

	if (w->bytes + bytes > WAITING_MAX && !WEAKEN("VOL-3"))
		return error_set(err, E2BIG, "too many directories at '%.100s'", path);
	w->bytes += bytes;
	strlist_addf(&w->paths, "%s/%s", path, name);
	return 0;
}

/* The next one; the caller's. */
static char *next_turn(struct waiting *w)
{
	char *path = w->paths.v[--w->paths.n];

	w->paths.v[w->paths.n] = NULL;
	w->bytes -= strlen(path) + 1 + ENTRY_BYTES;
	return path;
}

/* Changes one entry; a directory waits for its turn. */
static int visit(int dir, const char *path, const char *name, const struct owner *to,
		 struct waiting *waiting, struct error *err)
{
	cleanup_close int fd = open_below(dir, name, O_PATH);
	struct stat st;
	int r;

	if (fd < 0 && (errno == ENOENT || errno == EXDEV))
		return 0; /* gone meanwhile; a mount */
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open '%s/%s'", path, name);
	r = change(fd, &st, to, err);
	if (r < 0)
		return error_wrap(err, "'%s/%s'", path, name);
	if (S_ISDIR(st.st_mode) || (S_ISLNK(st.st_mode) && WEAKEN("VOL-3")))
		return wait_for_turn(waiting, path, name, err);
	return 0;
}

static int visit_all(int top, const char *path, const struct owner *to, struct waiting *waiting,
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
			r = visit(fd, path, e->d_name, to, waiting, err);
	return r;
}

static int apply(int top_fd, const struct owner *to, bool on_mismatch, struct error *err)
{
	struct waiting waiting = { 0 };
	cleanup_close int top = openat(top_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r = 0;

	if (top < 0 || fstat(top, &st) < 0)
		return error_errno(err, "open its top");
	if (on_mismatch && is_right(&st, to))
		return 0;
	r = visit_all(top, ".", to, &waiting, err);
	while (r == 0 && waiting.paths.n > 0) {
		cleanup_free char *path = next_turn(&waiting);

		r = visit_all(top, path, to, &waiting, err);
	}
	strlist_done(&waiting.paths);
	/* The top comes last: it says that all is done. */
	return r < 0 ? r : change(top, &st, to, err);
}

int fsgroup_apply(int top_fd, gid_t gid, bool on_mismatch, struct error *err)
{
	const struct owner to = { .uid = (uid_t)-1, .gid = gid };

	return apply(top_fd, &to, on_mismatch, err);
}

int fsgroup_chown(int fd, uid_t uid, gid_t gid, struct error *err)
{
	const struct owner to = { .uid = uid, .gid = gid, .keep_mode = true };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "look at it");
	return S_ISDIR(st.st_mode) ? apply(fd, &to, false, err) : change(fd, &st, &to, err);
}
