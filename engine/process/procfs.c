/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procfs - writing to /proc by a private instance.
 *
 * Theory of operation: the /proc of a container can be mounted over or replaced by links, so it is
 * never used by the engine. A new instance is made detached, its file system type and root inode
 * are checked, and files in it are opened with neither links nor mount points allowed on the way.
 * The same descriptor becomes the container's own /proc afterwards: nobody saw it before.
 *
 * Kernel: fsopen 5.2, openat2 5.6. In a user namespace a new procfs needs a fully visible one in
 * the present mount namespace: make it before the pivot.
 */
#include "engine/process/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "engine/base/mem.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/mountwords.h"

#define PROC_ROOT_INODE 1

/* The words, less those that would take away what makes it inert to devices and set-uid files. */
static int mount_procfs(const char *options, struct error *err)
{
	cleanup_mount_words struct mount_words w = { 0 };
	cleanup_free struct mount_option *opts = NULL;
	int r = mount_words_split(&w, MOUNT_WORDS_PROC, options, err);

	if (r < 0)
		return error_wrap(err, "options of /proc");
	opts = xcalloc(w.fs.n + 1, sizeof(*opts));
	for (size_t i = 0; i < w.fs.n; i++)
		opts[i] = (struct mount_option){ w.fs.v[i].key, w.fs.v[i].value };
	return mount_new("proc", opts, mount_words_attrs(&w, MOUNT_INERT), err);
}

int procfs_open(struct error *err)
{
	return procfs_open_with(NULL, err);
}

int procfs_open_with(const char *options, struct error *err)
{
	cleanup_close int fd = is_empty(options) ? mount_new("proc", NULL, MOUNT_INERT, err)
						 : mount_procfs(options, err);
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "check procfs");
	if (fs.f_type != PROC_SUPER_MAGIC || st.st_ino != PROC_ROOT_INODE)
		return error_set(err, EPERM, "a new procfs is not what it should be");
	return steal_fd(&fd);
}

int procfs_write(int proc_fd, const char *path, const char *text, struct error *err)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	cleanup_close int fd = (int)syscall(SYS_openat2, proc_fd, path, &how, sizeof(how));
	size_t len = strlen(text);

	if (fd < 0)
		return error_errno(err, "open '/proc/%s'", path);
	if (write(fd, text, len) != (ssize_t)len)
		return error_errno(err, "write '%.40s' to '/proc/%s'", text, path);
	return 0;
}
