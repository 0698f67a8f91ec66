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

#define PROC_ROOT_INODE 1

int procfs_open(struct error *err)
{
	cleanup_close int fd = mount_new("proc", NULL, MOUNT_INERT, err);
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
