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
 * The program must let the caller do what follows its loading: capset, capget, prctl, close_range,
 * execve, write, sendmsg, exit_group; testdata/sysfilter/verdicts.txt holds it to that.
 */
#include "engine/security/sysfilter.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"

struct sysfilter_embedded {
	uint64_t gates;
	const struct sock_filter *v;
	unsigned int n;
};
#include "sysfilter_default.inc"

#define FILTER_MAX_INSNS 4096 /* BPF_MAXINSNS */

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
