/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imagemount - mounts the layers of an image for the host, and counts who asked for it.
 *
 * Theory of operation: the mount is an overlay without an upper layer, read-only, nosuid, nodev:
 * nobody writes into the store through it and no program of it gains rights by its bits. It stands
 * in the caller's mount namespace below RUNROOT, in a directory of the image's id. The record
 * "count" is written before the mount is attached and removed after it is detached, so that a crash
 * between leaves a record without a mount, which the next mount or unmount puts right; never a
 * mount that rmi does not see. All of it happens under the images lock, held exclusively.
 *
 * A mount that somebody works in is detached all the same (MNT_DETACH): who is in it may finish.
 */
#include "cmd/podium/image/imagemount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/image/config.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/mountcount.h"
#include "engine/rootfs/overlay.h"

char *imagemount_path(const struct store *s, const char *id)
{
	return xasprintf("%s/" IMAGE_MOUNTS "/%.64s/merged", s->runroot, id);
}

/* ---- mounting --------------------------------------------------------------------------- */

static int attach(const struct store *s, const struct image_info *info, int dirfd,
		  struct error *err)
{
	cleanup_close int empty = fs_mkdirs(dirfd, "empty", 0700, err);
	cleanup_close int target = empty < 0 ? -EBADF : fs_mkdirs(dirfd, "merged", 0700, err);
	cleanup_close int tree = -EBADF;

	if (target < 0)
		return empty < 0 ? empty : target;
	tree = overlay_mount_read_only(s->rootfd, &info->layers, empty,
				       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
				       err);
	if (tree < 0)
		return tree;
	return mount_attach(tree, target, err);
}

static int open_dir(const struct store *s, const char *id, bool make, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), IMAGE_MOUNTS "/%.64s", id);
	if (make)
		return fs_mkdirs(s->runfd, path, 0700, err);
	fd = openat(s->runfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? error_errno(err, "open '%s'", path) : fd;
}

/* The image is still there, with all its layers. */
static int check_whole(const struct store *s, const char *id, struct error *err)
{
	struct image_config c;
	int r = image_resolve(s, id, &c, err);

	if (r == 0)
		image_config_done(&c);
	return r;
}

int imagemount_add(const struct store *s, const struct image_info *info, char **ret_path,
		   struct error *err)
{
	cleanup_close int lock = -EBADF, dir = -EBADF;
	uint64_t count;
	int r = 0;

	if (!info->layers.n)
		return error_set(err, ENODATA, "image '%.12s' has no layers: nothing to mount",
				 info->id);
	lock = image_lock(s, LOCK_EXCLUSIVE, err);
	if (lock < 0)
		return lock;
	r = check_whole(s, info->id, err);
	if (r < 0)
		return r;
	dir = open_dir(s, info->id, true, err);
	if (dir < 0)
		return dir;
	count = is_mountcount_there(dir) ? mountcount_read(dir) : 0;
	r = mountcount_write(dir, count + 1, err);
	if (r == 0 && !is_mountcount_there(dir))
		r = attach(s, info, dir, err);
	if (r < 0 && !count)
		(void)unlinkat(dir, "count", 0);
	if (r == 0)
		*ret_path = imagemount_path(s, info->id);
	return r < 0 ? error_wrap(err, "mount image '%.12s'", info->id) : 0;
}

/* Detaches whatever stands on merged/, however often. */
static int detach(const struct store *s, const char *id, int dirfd, struct error *err)
{
	cleanup_free char *path = imagemount_path(s, id);

	while (is_mountcount_there(dirfd))
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return error_errno(err, "unmount '%s'", path);
	return 0;
}

int imagemount_remove(const struct store *s, const char *id, bool all, struct error *err)
{
	cleanup_close int lock = -EBADF, dir = -EBADF;
	char path[LAYOUT_PATH_MAX];
	struct error scratch;
	uint64_t count;
	int r;

	if (!is_image_mounted(s, id))
		return 0;
	lock = image_lock(s, LOCK_EXCLUSIVE, err);
	if (lock < 0)
		return lock;
	dir = open_dir(s, id, false, &scratch);
	if (dir < 0)
		return 0; /* another command took it away just then */
	count = mountcount_read(dir);
	if (count > 1 && !all)
		return mountcount_write(dir, count - 1, err);
	r = detach(s, id, dir, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), IMAGE_MOUNTS "/%.64s", id);
	return fs_remove_tree(s->runfd, path, err);
}

int imagemount_list(const struct store *s, struct strlist *ret, struct error *err)
{
	int fd = s->runfd < 0 ? -EBADF
			      : openat(s->runfd, IMAGE_MOUNTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = NULL;
	struct dirent *e;

	if (fd < 0)
		return fd == -EBADF || errno == ENOENT ? 0 : error_errno(err, "read mounts");
	d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return error_errno(err, "read mounts");
	}
	while ((e = readdir(d)))
		if (is_id(e->d_name) && is_image_mounted(s, e->d_name))
			strlist_add(ret, e->d_name);
	return 0;
}
