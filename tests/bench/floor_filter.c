/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_filter - a system call filter like an engine's default one, as small as it gets: allowed
 * numbers become ranges, ranges a binary search; three calls look at an argument. x86-64 only.
 *
 * The names are looked up by libseccomp here, since this runs before the clock starts; the program
 * is then cached in a file, as an engine does.
 */
#include "tests/bench/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "engine/base/str.h"

#define CALLS	    450
#define INSNS_MAX   1024
#define AF_VSOCK_NR 40
#define CLONE_NS    0x7e020000U /* every CLONE_NEW* */

static const char *const denied[] = {
	"acct",
	"add_key",
	"bpf",
	"clock_adjtime",
	"clock_settime",
	"create_module",
	"delete_module",
	"finit_module",
	"get_kernel_syms",
	"init_module",
	"ioperm",
	"iopl",
	"kcmp",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lookup_dcookie",
	"mbind",
	"move_pages",
	"name_to_handle_at",
	"nfsservctl",
	"open_by_handle_at",
	"perf_event_open",
	"process_vm_readv",
	"process_vm_writev",
	"query_module",
	"quotactl",
	"reboot",
	"request_key",
	"set_mempolicy",
	"setns",
	"settimeofday",
	"swapon",
	"swapoff",
	"_sysctl",
	"sysfs",
	"uselib",
	"userfaultfd",
	"ustat",
	"fanotify_init",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"personality",
	"socket",
	"clone",
};

struct program {
	struct sock_filter f[INSNS_MAX];
	unsigned short n;
	struct {
		uint32_t first;
		bool is_allowed;
	} range[CALLS + 1];
	int n_ranges;
};

static void emit(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	p->f[p->n++] = (struct sock_filter){ code, jt, jf, k };
}

static void emit_verdict(struct program *p, bool is_allowed)
{
	emit(p, BPF_RET | BPF_K, 0, 0, is_allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM);
}

/* Ranges a..b; the left half first, the right one behind a short or a long jump. */
static void emit_tree(struct program *p, int a, int b)
{
	int middle = (a + b + 1) / 2, at = p->n, right;

	if (a == b) {
		emit_verdict(p, p->range[a].is_allowed);
		return;
	}
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, 0, p->range[middle].first);
	emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
	p->f[at].jf = 1;
	emit_tree(p, a, middle - 1);
	right = p->n - at - 2;
	p->f[at + 1].k = (uint32_t)right;
	emit_tree(p, middle, b);
}

static void find_ranges(struct program *p)
{
	bool last = false;

	p->n_ranges = 0;
	for (int nr = 0; nr < CALLS; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);
		bool is_allowed = name != NULL;

		for (size_t i = 0; is_allowed && i < ARRAY_SIZE(denied); i++)
			is_allowed = !is_equal(name, denied[i]);
		free(name);
		if (nr > 0 && is_allowed == last)
			continue;
		p->range[p->n_ranges].first = (uint32_t)nr;
		p->range[p->n_ranges++].is_allowed = is_allowed;
		last = is_allowed;
	}
	p->range[p->n_ranges].first = CALLS;
	p->range[p->n_ranges++].is_allowed = false;
}

/* socket(2) but for vsock, clone(2) without namespaces, personality(2) of five values. */
static void emit_arguments(struct program *p)
{
	static const uint32_t personality[] = { 0, 8, 0x20000, 0x20008, 0xffffffff };
	const uint32_t arg0 = offsetof(struct seccomp_data, args[0]);

	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 41);
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, arg0);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, AF_VSOCK_NR);
	emit_verdict(p, false);
	emit_verdict(p, true);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 56);
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, arg0);
	emit(p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, CLONE_NS);
	emit_verdict(p, false);
	emit_verdict(p, true);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 8, 135);
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, arg0);
	for (size_t i = 0; i < ARRAY_SIZE(personality); i++)
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(ARRAY_SIZE(personality) - i), 0,
		     personality[i]);
	emit_verdict(p, false);
	emit_verdict(p, true);
}

struct sock_fprog floor_filter_make(void)
{
	struct program *p = calloc(1, sizeof(*p));
	struct sock_filter *copy;
	unsigned short n;

	if (!p)
		floor_die("calloc");
	find_ranges(p);
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
	emit_verdict(p, false);
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	emit_arguments(p);
	emit_tree(p, 0, p->n_ranges - 1);
	n = p->n;
	copy = calloc(n, sizeof(*copy));
	if (!copy)
		floor_die("calloc");
	memcpy(copy, p->f, n * sizeof(*copy));
	free(p);
	return (struct sock_fprog){ n, copy };
}

struct sock_fprog floor_filter_cached(const char *dir)
{
	static struct sock_filter f[INSNS_MAX];
	char path[192];
	struct sock_fprog p;
	int fd = open(floor_path(path, "%s/filter.bpf", dir), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, f, sizeof(f));

	if (fd >= 0)
		(void)close(fd);
	if (n > 0)
		return (struct sock_fprog){ (unsigned short)((size_t)n / sizeof(*f)), f };
	p = floor_filter_make();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, p.filter, p.len * sizeof(*p.filter)) < 0)
		floor_die(path);
	(void)close(fd);
	return p;
}
