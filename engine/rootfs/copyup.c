/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copyup - the content of a directory of the image, copied into a volume that is new.
 *
 * Theory of operation: both trees are walked by descriptors, one level at a time; every entry is
 * opened without following and looked at on the descriptor before anything is done with it, so what
 * a program of another container does to the source meanwhile changes what is copied and nothing
 * else. The target was empty, and what is made in it is made exclusively. Owner first, then mode:
 * a change of owner takes set-uid bits away.
 *
 * A copy into a volume may be killed, and half of it must not be taken for all (CFG-4): it is made in
 * a directory of its own in the volume, and its entries get their places, by rename(2), when all are
 * there. That directory goes last; found there, it says that the copy has to be made again. A name
 * that is taken by then is left to whoever took it.
 *
 * Limits: COPYUP_DEPTH_MAX directories in one another. Runs as root of the namespace that the target
 * is of; umask 0.
 */
#include "engine/rootfs/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

#define COPYUP_DEPTH_MAX 128
#define LINK_MAX_BYTES	 4096
#define XATTR_LIST_MAX	 65536
#define XATTR_VALUE_MAX	 65536
#define CHUNK_BYTES	 ((size_t)1 << 24)
#define STAGE		 ".podium-copy-up"

struct copier {
	dev_t device; /* of the source */
	const struct idmaps *ids;
	int depth;
};

static uid_t own_uid(const struct copier *c, uid_t id)
{
	if (c->ids)
		(void)idmap_in(&c->ids->uids, id, &id);
	return id;
}

static gid_t own_gid(const struct copier *c, gid_t id)
{
	if (c->ids)
		(void)idmap_in(&c->ids->gids, id, &id);
	return id;
}

/* ---- metadata --------------------------------------------------------------------------- */

static void copy_xattrs(int from, int to)
{
	cleanup_free char *names = xmalloc(XATTR_LIST_MAX);
	ssize_t n = flistxattr(from, names, XATTR_LIST_MAX);

	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
		cleanup_free char *value = NULL;
		ssize_t len;

		if (!is_prefix(names + at, "user.") || is_prefix(names + at, "user.overlay."))
			continue;
		value = xmalloc(XATTR_VALUE_MAX);
		len = fgetxattr(from, names + at, value, XATTR_VALUE_MAX);
		/* A file system without them: the file is what matters. */
		if (len >= 0)
			(void)fsetxattr(to, names + at, value, (size_t)len, 0);
	}
}

static int copy_metadata(const struct copier *c, int to, const struct stat *st, struct error *err)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchown(to, own_uid(c, st->st_uid), own_gid(c, st->st_gid)) < 0)
		return error_errno(err, "set owner");
	if (fchmod(to, st->st_mode & 07777) < 0)
		return error_errno(err, "set mode");
	(void)futimens(to, times);
	return 0;
}

/* ---- entries ---------------------------------------------------------------------------- */

static int copy_bytes(int from, int to, struct error *err)
{
	ssize_t n;

	do {
		n = sendfile(to, from, NULL, CHUNK_BYTES);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? error_errno(err, "copy") : 0;
}

static int copy_file(const struct copier *c, int from_dir, int to_dir, const char *name,
		     struct error *err)
{
	/* A fifo that took its place would keep us waiting. */
	cleanup_close int from =
		openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	cleanup_close int to = -EBADF;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return error_errno(err, "open");
	if (!S_ISREG(st.st_mode))
		return error_set(err, EAGAIN, "changed while it was copied");
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return error_errno(err, "create");
	r = copy_bytes(from, to, err);
	if (r < 0)
		return r;
	copy_xattrs(from, to);
	return copy_metadata(c, to, &st, err);
}

static int copy_link(const struct copier *c, int from_dir, int to_dir, const char *name,
		     const struct stat *st, struct error *err)
{
	char text[LINK_MAX_BYTES];
	ssize_t n = readlinkat(from_dir, name, text, sizeof(text) - 1);

	if (n < 0)
		return error_errno(err, "read link");
	text[n] = '\0';
	if (symlinkat(text, to_dir, name) < 0)
		return error_errno(err, "make link");
	if (fchownat(to_dir, name, own_uid(c, st->st_uid), own_gid(c, st->st_gid),
		     AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "set owner");
	return 0;
}

static int copy_fifo(const struct copier *c, int to_dir, const char *name, const struct stat *st,
		     struct error *err)
{
	if (mkfifoat(to_dir, name, st->st_mode & 07777) < 0)
		return error_errno(err, "make fifo");
	if (fchownat(to_dir, name, own_uid(c, st->st_uid), own_gid(c, st->st_gid),
		     AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "set owner");
	return 0;
}

static int copy_dir(struct copier *c, int from, int to, struct error *err);

static int copy_below(struct copier *c, int from_dir, int to_dir, const char *name,
		      struct error *err)
{
	cleanup_close int from =
		openat(from_dir, name,
		       O_RDONLY | O_DIRECTORY | O_CLOEXEC | (WEAKEN("CFG-4") ? 0 : O_NOFOLLOW));
	cleanup_close int to = -EBADF;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return error_errno(err, "open");
	if (st.st_dev != c->device)
		return 0;
	if (c->depth >= COPYUP_DEPTH_MAX)
		return error_set(err, E2BIG, "more than %d directories in one another",
				 COPYUP_DEPTH_MAX);
	if (mkdirat(to_dir, name, 0700) < 0)
		return error_errno(err, "create");
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return error_errno(err, "open");
	c->depth++;
	r = copy_dir(c, from, to, err);
	c->depth--;
	return r;
}

static int copy_entry(struct copier *c, int from_dir, int to_dir, const char *name,
		      struct error *err)
{
	struct stat st;
	int r = 0;

	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = errno == ENOENT ? 0 : error_errno(err, "look at it");
	else if (S_ISDIR(st.st_mode) || (S_ISLNK(st.st_mode) && WEAKEN("CFG-4")))
		r = copy_below(c, from_dir, to_dir, name, err);
	else if (S_ISREG(st.st_mode))
		r = copy_file(c, from_dir, to_dir, name, err);
	else if (S_ISLNK(st.st_mode))
		r = copy_link(c, from_dir, to_dir, name, &st, err);
	else if (S_ISFIFO(st.st_mode))
		r = copy_fifo(c, to_dir, name, &st, err);
	return r < 0 ? error_wrap(err, "'%.100s'", name) : 0;
}

static int copy_content(struct copier *c, int from, int to, struct error *err)
{
	int copy = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return error_errno(err, "read a directory");
	while (r == 0 && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = copy_entry(c, from, to, e->d_name, err);
		STOP_AT("copy-up:entry");
	}
	return r;
}

/* The content, then what the directory itself is. */
static int copy_dir(struct copier *c, int from, int to, struct error *err)
{
	struct stat st;
	int r = copy_content(c, from, to, err);

	if (r < 0)
		return r;
	if (fstat(from, &st) < 0)
		return error_errno(err, "look at a directory");
	copy_xattrs(from, to);
	return copy_metadata(c, to, &st, err);
}

int copyup_tree(int from_fd, int to_fd, const struct copyup *how, struct error *err)
{
	cleanup_close int from = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int to = openat(to_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct copier c = { .ids = how->ids };
	struct stat st;
	int r;

	if (from < 0 || to < 0 || fstat(from, &st) < 0)
		return error_errno(err, "copy the image's content: open");
	c.device = st.st_dev;
	r = how->keep_top ? copy_content(&c, from, to, err) : copy_dir(&c, from, to, err);
	return r < 0 ? error_wrap(err, "copy the image's content") : 0;
}

/* ---- into a volume ---------------------------------------------------------------------- */

bool is_copyup_begun(int to_fd)
{
	struct stat st;

	return fstatat(to_fd, STAGE, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int place_all(int stage, int to, struct error *err)
{
	int copy = openat(stage, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;

	if (!d)
		return error_errno(err, "read a directory");
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (renameat2(stage, e->d_name, to, e->d_name, RENAME_NOREPLACE) < 0 &&
		    errno != EEXIST)
			return error_errno(err, "place '%.100s'", e->d_name);
		STOP_AT("copy-up:place");
	}
	return 0;
}

int copyup_whole(int from_fd, int to_fd, const struct copyup *how, struct error *err)
{
	const struct copyup content = { .ids = how->ids, .keep_top = true };
	struct copier c = { .ids = how->ids };
	cleanup_close int stage = -EBADF;
	struct stat st;
	int r;

	if (WEAKEN("CFG-4-WHOLE"))
		return copyup_tree(from_fd, to_fd, how, err);
	r = fs_remove_tree(to_fd, STAGE, err);
	if (r < 0)
		return r;
	if (mkdirat(to_fd, STAGE, 0700) < 0)
		return error_errno(err, "copy the image's content: create '" STAGE "'");
	stage = openat(to_fd, STAGE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (stage < 0)
		return error_errno(err, "copy the image's content: open '" STAGE "'");
	r = copyup_tree(from_fd, stage, &content, err);
	if (r == 0)
		r = place_all(stage, to_fd, err);
	if (r == 0)
		r = fs_remove_tree(to_fd, STAGE, err);
	if (r < 0 || how->keep_top)
		return r;
	if (fstat(from_fd, &st) < 0)
		return error_errno(err, "copy the image's content: look at it");
	return copy_metadata(&c, to_fd, &st, err);
}

int is_directory_empty(int fd, struct error *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;

	if (!d)
		return error_errno(err, "read a directory");
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			return 0;
	return 1;
}
