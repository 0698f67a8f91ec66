/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selfexec - running from what nobody can write to.
 *
 * Theory of operation: a process that enters a container is reachable there through its exe link
 * until it executes the container's program. What is found behind that link is the program in a
 * detached overlay of two lower directories and no upper one: such a file system is read-only for
 * good (the kernel refuses to make it writable, to root as well), stands in no mount namespace, and
 * shares the installed file's page cache: nothing is copied (0.1 ms against 0.4).
 *
 * Where that cannot be made (overlay missing or already stacked twice, a path that its option
 * cannot hold), it is a private, unnamed copy in memory, sealed against every change (write, grow,
 * shrink, further seals, and the exec bit where the kernel knows that seal). Either way neither the
 * installed file nor a later launch can be touched, and the check is repeated by the container half
 * before it enters anything.
 *
 * Kernel: overlay by fsopen 5.2; memfd sealing 3.17, MFD_EXEC and F_SEAL_EXEC 6.3 (else left out).
 */
#include "engine/process/selfexec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/rootfs/mount.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif
#define SEALS		    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define PROGRAM_PATH	    4096
#define PROGRAM_HEADERS_MAX 32
#define OPTION_MAX	    255	   /* of fsconfig */
#define OTHER_LOWER	    "/sys" /* overlay wants two: any directory that is always there */

static int new_memfd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	/* KERNEL: drop at 6.3 */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

/* How much of a program file the kernel loads: debug information and section tables lie behind.
 * Everything, when it is no ELF file of this machine's word size. */
static off_t loaded_size(int fd, off_t size)
{
	ElfW(Ehdr) h;
	ElfW(Phdr) ph[PROGRAM_HEADERS_MAX];
	off_t end = 0;
	ssize_t n = pread(fd, &h, sizeof(h), 0);
	size_t bytes;

	if (n != (ssize_t)sizeof(h) || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 ||
	    h.e_phentsize != sizeof(ph[0]) || h.e_phnum == 0 || h.e_phnum > PROGRAM_HEADERS_MAX)
		return size;
	bytes = h.e_phnum * sizeof(ph[0]);
	if (pread(fd, ph, bytes, (off_t)h.e_phoff) != (ssize_t)bytes)
		return size;
	for (size_t i = 0; i < h.e_phnum; i++) {
		off_t last = (off_t)(ph[i].p_offset + ph[i].p_filesz);

		if (last < 0 || last > size)
			return size;
		if (last > end)
			end = last;
	}
	return end > 0 ? end : size;
}

static int copy_program(int from, int to)
{
	struct stat st;
	off_t left;

	if (fstat(from, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	for (left = loaded_size(from, st.st_size); left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n ? errno : EIO;
			return -1;
		}
		left -= n;
	}
	return 0;
}

static int load_sealed(int from, const char *name, struct error *err)
{
	cleanup_close int fd = new_memfd(name);
	int r;

	if (fd < 0)
		return error_errno(err, "copy '%s' to memory", name);
	if (copy_program(from, fd) < 0 || fchmod(fd, 0555) < 0)
		return error_errno(err, "copy '%s' to memory", name);
	r = fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_EXEC);
	/* KERNEL: drop at 6.3 */
	if (r < 0 && errno == EINVAL)
		r = fcntl(fd, F_ADD_SEALS, SEALS);
	if (r < 0)
		return error_errno(err, "seal '%s'", name);
	return steal_fd(&fd);
}

/* The program in a read-only overlay of its directory, or -errno: then it is to be copied. */
static int load_overlay(const char *path, int *ret_mount)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *lower = NULL;
	cleanup_close int mnt = -EBADF;
	struct error scratch;
	int fd;

	if (!slash || slash == path || strpbrk(path, ":,\\") || WEAKEN("no-overlay"))
		return -EINVAL;
	lower = xasprintf("%.*s:" OTHER_LOWER, (int)(slash - path), path);
	if (strlen(lower) > OPTION_MAX)
		return -E2BIG;
	const struct mount_option opts[] = { { "lowerdir", lower }, { NULL, NULL } };

	mnt = mount_new("overlay", opts, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
			&scratch);
	if (mnt < 0)
		return mnt;
	fd = openat(mnt, slash + 1, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ret_mount)
		*ret_mount = steal_fd(&mnt);
	return fd;
}

int selfexec_load(const char *path, const char *name, int *ret_mount, struct error *err)
{
	cleanup_close int file = -EBADF;

	if (ret_mount)
		*ret_mount = -EBADF;
	file = load_overlay(path, ret_mount);
	if (file >= 0)
		return steal_fd(&file);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return error_errno(err, "open '%s'", path);
	return load_sealed(file, name, err);
}

/* An overlay that is read-only and attached nowhere: its root is where the path begins. */
static bool is_detached_overlay(int fd)
{
	char link[40], path[NAME_MAX + 2];
	struct statfs fs;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);

	if (n <= 1 || fstatfs(fd, &fs) < 0)
		return false;
	path[n] = '\0';
	return fs.f_type == OVERLAYFS_SUPER_MAGIC && (fs.f_flags & ST_RDONLY) &&
	       strrchr(path, '/') == path;
}

bool is_selfexec_file(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return (seals >= 0 && (seals & SEALS) == SEALS) || is_detached_overlay(fd);
}

bool is_selfexec_sealed(void)
{
	cleanup_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && is_selfexec_file(fd);
}

int selfexec_ensure(char **argv, struct error *err)
{
	static char path[PROGRAM_PATH];
	cleanup_close int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	cleanup_close int fd = -EBADF;
	ssize_t n;

	if (exe < 0)
		return error_errno(err, "open this program");
	if (is_selfexec_file(exe) || WEAKEN("EXE-1"))
		return 0;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0)
		return error_errno(err, "read the path of this program");
	path[n] = '\0';
	argv[0] = path;
	fd = load_overlay(path, NULL);
	if (fd < 0)
		fd = load_sealed(exe, "podium-launch", err);
	if (fd < 0)
		return fd;
	(void)syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return error_errno(err, "execute what cannot be written to");
}
