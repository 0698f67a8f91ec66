/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysfilter - the system call filter of a container.
 *
 * Theory of operation: compiling a profile is done elsewhere (cmd/podium-seccomp), so nothing that
 * enters a container links a compiler. Here is only: which program belongs to a capability set,
 * reading one from the cache with the kernel's own limits checked before, and seccomp(2). The flag
 * SPEC_ALLOW leaves speculation controls to the kernel's setting for other processes; a kernel
 * that does not know it gets none.
 *
 * A profile of somebody's is read here, below the directory of such profiles, and compiled by
 * podium-seccomp into the same cache; its name there is made of all that the program depends on.
 *
 * The program must let the caller do what follows its loading: capset, capget, prctl, close_range,
 * execve, write, sendmsg, exit_group; testdata/sysfilter/verdicts.txt holds it to that.
 */
#include "engine/security/sysfilter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

struct sysfilter_embedded {
	uint64_t gates;
	const struct sock_filter *v;
	unsigned int n;
};
#include "sysfilter_default.inc"

#define FILTER_MAX_INSNS 4096 /* BPF_MAXINSNS */

/* To be raised when podium-seccomp makes another program of the same profile. */
#define PROFILE_COMPILER    1
#define PROFILE_RELEASE_MAX 20
#define PROFILE_CHUNK	    16384

#if defined(__x86_64__)
#define ARCH_NAME "x86_64"
#elif defined(__aarch64__)
#define ARCH_NAME "aarch64"
#endif

void sysfilter_done(struct sysfilter *f)
{
	free(f->owned);
	memset(f, 0, sizeof(*f));
}

uint64_t sysfilter_gates(uint64_t caps)
{
	return caps & SYSFILTER_GATES;
}

int sysfilter_find_embedded(uint64_t caps, struct sysfilter *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(sysfilter_embedded); i++) {
		const struct sysfilter_embedded *e = &sysfilter_embedded[i];

		if (e->gates != sysfilter_gates(caps))
			continue;
		*ret = (struct sysfilter){ .v = e->v, .n = e->n };
		return 0;
	}
	return -ENOENT;
}

char *sysfilter_cache_name(char buf[SYSFILTER_NAME_MAX], uint64_t caps)
{
	(void)snprintf(buf, SYSFILTER_NAME_MAX, "default-%s-%s-%" PRIx64 ".bpf",
		       SYSFILTER_PROFILE_ID, ARCH_NAME, sysfilter_gates(caps));
	return buf;
}

int sysfilter_profile_name(char buf[SYSFILTER_PROFILE_NAME_MAX], const char *text, size_t len,
			   uint64_t caps, struct error *err)
{
	char digest[HASH_SHA256_HEX];
	struct utsname host;
	size_t n;

	if (uname(&host) < 0)
		return error_errno(err, "ask for the kernel's version");
	n = strspn(host.release, "0123456789.");
	host.release[n < PROFILE_RELEASE_MAX ? n : PROFILE_RELEASE_MAX] = '\0';
	hash_sha256(text, len, digest);
	(void)snprintf(buf, SYSFILTER_PROFILE_NAME_MAX, "local%d-%s-%s-%s-%" PRIx64 ".bpf",
		       PROFILE_COMPILER, digest, ARCH_NAME, host.release, caps);
	return 0;
}

static bool leaves_root(const char *path)
{
	for (; *path; path += strcspn(path, "/"), path += *path == '/')
		if (is_prefix(path, "..") && (!path[2] || path[2] == '/'))
			return true;
	return false;
}

static int read_text(int path_fd, char **ret_text, size_t *ret_len, struct error *err)
{
	cleanup_close int fd = fs_reopen(path_fd, O_RDONLY, err);
	cleanup_buf struct buf b = BUF_INIT(SYSFILTER_PROFILE_MAX + PROFILE_CHUNK);
	char chunk[PROFILE_CHUNK];
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && b.len <= SYSFILTER_PROFILE_MAX)
		buf_add(&b, chunk, (size_t)n);
	if (n < 0)
		return error_errno(err, "read");
	if (b.len > SYSFILTER_PROFILE_MAX)
		return error_set(err, EFBIG, "larger than %d bytes", SYSFILTER_PROFILE_MAX);
	*ret_len = b.len;
	*ret_text = buf_steal(&b);
	return 0;
}

int sysfilter_read_profile(const char *root, const char *path, char **ret_text, size_t *ret_len,
			   struct error *err)
{
	struct error scratch;
	cleanup_close int dir = -EBADF;
	cleanup_close int found = -EBADF;
	struct stat st;

	if (is_empty(path))
		return error_set(err, EINVAL, "seccomp profile: the name is empty");
	if ((path[0] == '/' || leaves_root(path)) && !WEAKEN("PROC-6"))
		return error_set(err, EINVAL, "seccomp profile '%s' is not a path below '%s'", path,
				 root);
	dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "seccomp profile '%s': open directory '%s'", path, root);
	found = WEAKEN("PROC-6") ? openat(dir, path, O_PATH | O_CLOEXEC)
				 : fs_open_beneath(dir, path, O_PATH, 0, &scratch);
	if (found < 0)
		return error_set(err, found == -1 ? ENOENT : -found,
				 "seccomp profile '%s' in '%s': %s", path, root,
				 strerror(found == -1 ? ENOENT : -found));
	if (fstat(found, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "seccomp profile '%s' in '%s' is not a regular file",
				 path, root);
	if (read_text(found, ret_text, ret_len, err) < 0)
		return error_wrap(err, "seccomp profile '%s' in '%s'", path, root);
	return 0;
}

int sysfilter_read_file(const char *path, char **ret_text, size_t *ret_len, struct error *err)
{
	cleanup_close int found = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (found < 0 || fstat(found, &st) < 0)
		return error_errno(err, "seccomp profile '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "seccomp profile '%s' is not a regular file", path);
	if (read_text(found, ret_text, ret_len, err) < 0)
		return error_wrap(err, "seccomp profile '%s'", path);
	return 0;
}

int sysfilter_read(int dirfd, const char *path, struct sysfilter *ret, struct error *err)
{
	cleanup_free char *data = NULL;
	size_t len = 0;
	int r = fs_read_file(dirfd, path, FILTER_MAX_INSNS * sizeof(struct sock_filter), &data,
			     &len, err);

	if (r < 0)
		return r;
	if (len == 0 || len % sizeof(struct sock_filter))
		return error_set(err, EBADMSG, "'%s' is no filter program", path);
	ret->owned = (struct sock_filter *)(void *)steal_ptr(&data);
	ret->v = ret->owned;
	ret->n = (unsigned int)(len / sizeof(struct sock_filter));
	return 0;
}

int sysfilter_install(const struct sysfilter *f, struct error *err)
{
	struct sock_filter *v;
	struct sock_fprog prog = { .len = (unsigned short)f->n };

	memcpy(&v, &f->v, sizeof(v)); /* the kernel only reads it */
	prog.filter = v;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog) ==
	    0)
		return 0;
	if (errno == EINVAL && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0)
		return 0;
	return error_errno(err, "load system call filter");
}
