/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_whiteout - deletions: from the tar convention (.wh.NAME, .wh..wh..opq) to overlayfs's own.
 *
 * Theory of operation: in a layer's directory a deletion of NAME is a character device 0:0 of that
 * name, which mknod(2) makes without any privilege (5.8); where the file system refuses it, it is
 * an empty file with user.overlay.whiteout beside user.overlay.opaque=x on the directory (6.7). A
 * directory that hides everything below is user.overlay.opaque=y. The store keeps the user.* form
 * as root too: one format for all, mounted with userxattr.
 *
 * A whiteout speaks of lower layers only. So when the same layer also holds NAME: a file stays (it
 * hides the lower one anyway), a directory stays and becomes opaque, whatever the order of the two
 * entries (layer.c asks is_layer_whiteout() before it makes a directory).
 *
 * Refused: ".wh." alone, ".wh.." and ".wh...", which would delete nothing, the directory or its
 * parent; every other name that starts with ".wh..wh."; a whiteout that is a directory, a symbolic
 * link, a node or has data. A hard link is taken as a whiteout: old aufs exports have them.
 */
#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define XATTR_OPAQUE	"user.overlay.opaque"
#define XATTR_WHITEOUT	"user.overlay.whiteout"

bool is_layer_whiteout(int parentfd, const char *base)
{
	cleanup_close int fd = -EBADF;
	struct stat st;

	if (fstatat(parentfd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISCHR(st.st_mode))
		return st.st_rdev == makedev(0, 0);
	if (!S_ISREG(st.st_mode) || st.st_size)
		return false;
	fd = openat(parentfd, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && fgetxattr(fd, XATTR_WHITEOUT, NULL, 0) >= 0;
}

int layer_set_opaque(int dirfd, char value, struct error *err)
{
	if (fsetxattr(dirfd, XATTR_OPAQUE, &value, 1, 0) == 0)
		return 0;
	if (errno == EOPNOTSUPP)
		return error_set(err, EOPNOTSUPP,
				 "the store's file system keeps no user.* attributes: "
				 "deletions in layers cannot be recorded");
	return error_errno(err, "set attribute '%s'", XATTR_OPAQUE);
}

/* Opens a directory below an O_PATH parent for attributes. */
static int open_dir(int parentfd, const char *base, struct error *err)
{
	int fd = openat(parentfd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "open directory") : fd;
}

/* KERNEL: the form for file systems where mknod of 0:0 does not work. */
static int make_by_attribute(int parentfd, const char *base, struct error *err)
{
	cleanup_close int fd = -EBADF;
	cleanup_close int dir = open_dir(parentfd, ".", err);
	char now = '\0';

	if (dir < 0)
		return dir;
	fd = openat(parentfd, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "create whiteout");
	if (fsetxattr(fd, XATTR_WHITEOUT, "y", 1, 0) < 0)
		return error_errno(err, "set attribute '%s'", XATTR_WHITEOUT);
	/* An opaque directory hides all of the lower one already: 'y' is kept. */
	if (fgetxattr(dir, XATTR_OPAQUE, &now, 1) == 1 && now == 'y')
		return 0;
	return layer_set_opaque(dir, 'x', err);
}

/* Hides base of the lower layers. */
static int make_whiteout(int parentfd, const char *base, struct error *err)
{
	cleanup_close int fd = -EBADF;
	struct stat st;

	if (fstatat(parentfd, base, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISDIR(st.st_mode))
			return 0;
		fd = open_dir(parentfd, base, err);
		return fd < 0 ? fd : layer_set_opaque(fd, 'y', err);
	}
	if (!WEAKEN("LAYER-MKNOD") && mknodat(parentfd, base, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	return make_by_attribute(parentfd, base, err);
}

/* The entry must be one that carries nothing but its name. */
static int check_carrier(struct archive_entry *e, struct error *err)
{
	if (archive_entry_hardlink(e))
		return 0;
	if (archive_entry_filetype(e) != AE_IFREG)
		return error_set(err, EBADMSG, "a whiteout that is not a plain file");
	if (archive_entry_size(e) != 0)
		return error_set(err, EBADMSG, "a whiteout with data");
	return 0;
}

int layer_whiteout(struct layer *l, const struct layer_name *name, struct archive_entry *e,
		   struct error *err)
{
	const char *hidden = name->base + sizeof(WHITEOUT_PREFIX) - 1;
	int parentfd, r = check_carrier(e, err);

	if (r < 0)
		return r;
	if (!*hidden || is_equal(hidden, ".") || is_equal(hidden, ".."))
		return error_set(err, EBADMSG, "a whiteout that names no file");
	if (is_prefix(hidden, WHITEOUT_PREFIX) && !is_equal(name->base, WHITEOUT_OPAQUE))
		return error_set(err, EBADMSG, "an unknown whiteout mark");
	parentfd = layer_parent(l, name, err);
	if (parentfd < 0)
		return parentfd;
	if (is_equal(name->base, WHITEOUT_OPAQUE)) {
		cleanup_close int fd = open_dir(parentfd, ".", err);

		return fd < 0 ? fd : layer_set_opaque(fd, 'y', err);
	}
	return make_whiteout(parentfd, hidden, err);
}
