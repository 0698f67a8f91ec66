/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostmount - attaches a container's root below RUNROOT, and counts who asked for it.
 *
 * Theory of operation: of a container that stands it is its layers with its writable one on top. Of
 * one that runs it is a clone of the very mount that it has, taken in its mount namespace by setns(2)
 * and attached after the way back, so that no second overlay stands on one writable layer; its
 * volumes are not shown, as Podman has it. Either is nosuid and nodev: what a container put there
 * gains no rights through it.
 *
 * A lock on the mount's directory is held meanwhile. The record "count" is written before the mount is
 * attached and removed after it is detached: a crash between leaves a record without a mount, which
 * the next call puts right. A mount that somebody works in is detached all the same (MNT_DETACH).
 */
#include "engine/rootfs/hostmount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/pod/spec.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/mountcount.h"
#include "engine/rootfs/overlay.h"

#define ATTRS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

char *hostmount_path(const struct store *s, const char *id)
{
	return xasprintf("%s/" HOST_MOUNTS "/%.64s/merged", s->runroot ? s->runroot : "", id);
}

static int open_dir(const struct store *s, const char *id, bool make, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int fd = -EBADF;

	(void)snprintf(path, sizeof(path), HOST_MOUNTS "/%.64s", id);
	fd = make ? fs_mkdirs(s->runfd, path, 0700, err)
		  : openat(s->runfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return make ? fd : error_errno(err, "open '%s'", path);
	if (flock(fd, LOCK_EX) < 0)
		return error_errno(err, "lock '%s'", path);
	return steal_fd(&fd);
}

bool is_hostmounted(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int fd = -EBADF;

	if (s->runfd < 0)
		return false;
	(void)snprintf(path, sizeof(path), HOST_MOUNTS "/%.64s", id);
	fd = openat(s->runfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && is_mountcount_there(fd);
}

/* A clone of the mount that the process has as its root, without what is mounted below. */
static int clone_running(int pidfd, struct error *err)
{
	cleanup_close int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	cleanup_close int root = -EBADF, tree = -EBADF;
	int r = 0;

	if (own < 0)
		return error_errno(err, "open our mount namespace");
	if (setns(pidfd, CLONE_NEWNS) < 0)
		return error_errno(err, "join the container's mount namespace");
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		r = error_errno(err, "open the container's root");
	else
		tree = r = mount_clone_single(root, ATTRS, err);
	if (setns(own, CLONE_NEWNS) < 0)
		return error_errno(err, "leave the container's mount namespace");
	return r < 0 ? r : steal_fd(&tree);
}

static int attach(const struct store *s, const struct container_spec *spec, int pidfd, int dirfd,
		  struct error *err)
{
	cleanup_close int target = fs_mkdirs(dirfd, "merged", 0700, err);
	cleanup_close int tree = -EBADF;

	if (target < 0)
		return target;
	tree = pidfd >= 0 ? clone_running(pidfd, err) : overlay_mount(s->rootfd, spec, ATTRS, err);
	if (tree < 0)
		return tree;
	return mount_attach(tree, target, err);
}

int hostmount_add(const struct store *s, const struct container_spec *spec, int pidfd,
		  char **ret_path, struct error *err)
{
	cleanup_close int dir = open_dir(s, spec->id, true, err);
	bool there;
	int r;

	if (dir < 0)
		return dir;
	there = is_mountcount_there(dir);
	r = mountcount_write(dir, (there ? mountcount_read(dir) : 0) + 1, err);
	if (r == 0 && !there)
		r = attach(s, spec, pidfd, dir, err);
	if (r < 0 && !there)
		(void)unlinkat(dir, "count", 0);
	if (r == 0)
		*ret_path = hostmount_path(s, spec->id);
	return r < 0 ? error_wrap(err, "mount container '%.12s'", spec->id) : 0;
}

int hostmount_remove(const struct store *s, const char *id, bool all, struct error *err)
{
	cleanup_free char *path = hostmount_path(s, id);
	cleanup_close int dir = -EBADF;
	char name[LAYOUT_PATH_MAX];
	struct error scratch = { 0 };
	uint64_t count;

	if (s->runfd < 0)
		return 0;
	dir = open_dir(s, id, false, &scratch);
	if (dir == -ENOENT)
		return 0;
	if (dir < 0) {
		*err = scratch;
		return dir;
	}
	count = mountcount_read(dir);
	if (count > 1 && !all && is_mountcount_there(dir))
		return mountcount_write(dir, count - 1, err);
	while (is_mountcount_there(dir))
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return error_errno(err, "unmount '%s'", path);
	(void)snprintf(name, sizeof(name), HOST_MOUNTS "/%.64s", id);
	return fs_remove_tree(s->runfd, name, err);
}
