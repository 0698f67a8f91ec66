/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selfexec - running from a sealed copy in memory.
 *
 * Theory of operation: a process that enters a container is reachable there through its exe link
 * until it executes the container's program. What is found behind that link is a private, unnamed
 * copy, sealed against every change (write, grow, shrink, further seals, and the exec bit where the
 * kernel knows that seal), so that neither the installed file nor a later launch can be touched.
 * The check of the seals is repeated by the container half before it enters anything.
 *
 * Kernel: memfd sealing 3.17, MFD_EXEC and F_SEAL_EXEC 6.3 (left out before). Costs a copy of about
 * one megabyte and one exec.
 */
#include "engine/process/selfexec.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif
#define SEALS		    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define PROGRAM_PATH	    4096
#define PROGRAM_HEADERS_MAX 32

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

int selfexec_load(const char *path, const char *name, struct error *err)
{
	cleanup_close int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return error_errno(err, "open '%s'", path);
	return load_sealed(file, name, err);
}

bool is_selfexec_sealed(void)
{
	cleanup_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

int selfexec_ensure(char **argv, struct error *err)
{
	static char path[PROGRAM_PATH];
	cleanup_close int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	cleanup_close int fd = -EBADF;
	int seals;
	ssize_t n;

	if (exe < 0)
		return error_errno(err, "open this program");
	seals = fcntl(exe, F_GET_SEALS);
	if ((seals >= 0 && (seals & SEALS) == SEALS) || WEAKEN("EXE-1"))
		return 0;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0)
		return error_errno(err, "read the path of this program");
	path[n] = '\0';
	argv[0] = path;
	fd = load_sealed(exe, "podium-launch", err);
	if (fd < 0)
		return fd;
	(void)syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return error_errno(err, "execute the sealed copy");
}
