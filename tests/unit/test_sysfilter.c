/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sysfilter - the filter's verdicts, by running its program in user space over all numbers and
 * the arguments that matter. The golden table is read by people: every change of the profile shows
 * there. GOLDEN=1 writes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/security/caps.h"
#include "engine/security/sysfilter.h"
#include "tests/support/bpfeval.h"
#include "tests/support/cunit_main.h"

#define NUMBERS	    1024
#define GOLDEN_FILE "testdata/sysfilter/verdicts.txt"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

static uint32_t verdict(const struct sysfilter *f, int nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	struct seccomp_data d = { .nr = nr, .arch = ARCH, .args = { a0, a1, a2 } };

	return bpf_evaluate(f->v, f->n, &d);
}

static struct sysfilter embedded(uint64_t caps)
{
	struct sysfilter f = { 0 };

	CU_ASSERT_EQUAL_FATAL(sysfilter_find_embedded(caps, &f), 0);
	return f;
}

/* ---- golden table ----------------------------------------------------------------------- */

static void print_numbers(struct buf *b, const struct sysfilter *f)
{
	for (int nr = 0; nr < NUMBERS; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
		uint32_t v = verdict(f, nr, 0, 0, 0);

		if (name || v != (SECCOMP_RET_ERRNO | ENOSYS))
			buf_printf(b, "%d %s %s\n", nr, name ? name : "-", bpf_verdict_str(v));
		free(name);
	}
}

static void print_arguments(struct buf *b, const struct sysfilter *f)
{
	static const uint64_t clone_flags[] = { 0x01200011, 0x003d0f00, 0x00020000,
						0x02000000, 0x04000000, 0x08000000,
						0x10000000, 0x20000000, 0x40000000 };
	static const uint64_t personas[] = { 0,	       0x8, 0x20000,	0x20008,   0x40000,
					     0x400000, 0x7, 0xffffffff, UINT64_MAX };
	static const uint64_t requests[] = { 0x5401, 0x5412, 0x541c, 0x5413, 0x100005412 };

	for (uint64_t i = 0; i <= 60; i++)
		buf_printf(b, "socket(%d) %s\n", (int)i,
			   bpf_verdict_str(verdict(f, SYS_socket, i, 1, 0)));
	for (uint64_t i = 0; i <= 22; i++)
		buf_printf(b, "socket(16, 3, %d) %s\n", (int)i,
			   bpf_verdict_str(verdict(f, SYS_socket, 16, 3, i)));
	buf_printf(b, "socketpair(1) %s\n", bpf_verdict_str(verdict(f, SYS_socketpair, 1, 1, 0)));
	buf_printf(b, "socketpair(2) %s\n", bpf_verdict_str(verdict(f, SYS_socketpair, 2, 1, 0)));
	for (size_t i = 0; i < ARRAY_SIZE(clone_flags); i++)
		buf_printf(b, "clone(0x%llx) %s\n", (unsigned long long)clone_flags[i],
			   bpf_verdict_str(verdict(f, SYS_clone, clone_flags[i], 0, 0)));
	for (size_t i = 0; i < ARRAY_SIZE(personas); i++)
		buf_printf(b, "personality(0x%llx) %s\n", (unsigned long long)personas[i],
			   bpf_verdict_str(verdict(f, SYS_personality, personas[i], 0, 0)));
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		buf_printf(b, "ioctl(0, 0x%llx) %s\n", (unsigned long long)requests[i],
			   bpf_verdict_str(verdict(f, SYS_ioctl, 0, requests[i], 0)));
}

static void test_golden(void)
{
	struct sysfilter normal = embedded(caps_default);
	struct sysfilter none = embedded(0);
	struct buf b = BUF_INIT(1 << 20);
	struct error err;
	char *want = NULL, *got;

#ifndef __x86_64__
	TEST_SKIP("the golden table is x86-64's");
	return;
#endif
	buf_adds(&b, "# verdicts of the default profile: number, name, answer; then by argument\n");
	print_numbers(&b, &normal);
	print_arguments(&b, &normal);
	buf_adds(&b, "# what differs without any capability\n");
	for (int nr = 0; nr < NUMBERS; nr++)
		if (verdict(&normal, nr, 0, 0, 0) != verdict(&none, nr, 0, 0, 0))
			buf_printf(&b, "%d %s\n", nr, bpf_verdict_str(verdict(&none, nr, 0, 0, 0)));
	got = buf_steal(&b);
	if (getenv("GOLDEN"))
		CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, GOLDEN_FILE, got, strlen(got), 0644,
						FS_NOSYNC, &err),
				0);
	CU_ASSERT_EQUAL_FATAL(fs_read_file(AT_FDCWD, GOLDEN_FILE, 1 << 20, &want, NULL, &err), 0);
	CU_ASSERT(strcmp(got, want) == 0);
	free(got);
	free(want);
}

/* ---- laws ------------------------------------------------------------------------------- */

/* SEC-1: nothing in the upper half of an argument changes a verdict. */
static void test_upper_half(void)
{
	static const uint64_t lows[] = { 0,	     1,		 2,	    8,	     9,
					 10,	     16,	 17,	    38,	     40,
					 0x5412,     0x541c,	 0x20000,   0x20008, 0x10000000,
					 0x7e020000, 0x7fffffff, 0xffffffff };
	static const uint64_t highs[] = { 1ULL << 32, 0xffffffffULL << 32, 0x80000000ULL << 32 };
	struct sysfilter f = embedded(caps_default);
	int differ = 0;

	for (int nr = 0; nr < NUMBERS; nr++)
		for (size_t l = 0; l < ARRAY_SIZE(lows); l++)
			for (size_t h = 0; h < ARRAY_SIZE(highs); h++)
				for (int arg = 0; arg < 3; arg++) {
					uint64_t a[3] = { lows[l], lows[l], lows[l] };
					uint32_t before = verdict(&f, nr, a[0], a[1], a[2]);

					a[arg] |= highs[h];
					differ += before != verdict(&f, nr, a[0], a[1], a[2]);
				}
	CU_ASSERT_EQUAL(differ, 0);
}

/* SEC-3: of all families exactly four, whatever the other arguments are. */
static void test_families(void)
{
	struct sysfilter f = embedded(caps_default);
	struct sysfilter raw = embedded(caps_default | CAP_BIT(CAP_NET_RAW));

	for (uint64_t family = 0; family <= 60; family++)
		for (uint64_t type = 0; type <= 10; type++) {
			bool open = family == 1 || family == 2 || family == 10 || family == 16;
			uint32_t v = verdict(&f, SYS_socket, family, type, 0);
			uint32_t w = verdict(&raw, SYS_socket, family, type, 0);

			CU_ASSERT_EQUAL(v == SECCOMP_RET_ALLOW, open);
			CU_ASSERT_EQUAL(w == SECCOMP_RET_ALLOW, open || family == 17);
		}
}

/* SEC-4: other architectures and x32 numbers die; -1 and unknown numbers answer ENOSYS. */
static void test_architectures(void)
{
	static const uint32_t others[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_PPC64, 0 };
	struct sysfilter f = embedded(caps_default);
	struct seccomp_data d = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		for (int nr = 0; nr < 400; nr++) {
			d.arch = others[i];
			d.nr = nr;
			CU_ASSERT_EQUAL(bpf_evaluate(f.v, f.n, &d), SECCOMP_RET_KILL_PROCESS);
		}
#ifdef __x86_64__
	for (int nr = 0; nr < NUMBERS; nr++)
		CU_ASSERT_EQUAL(verdict(&f, 0x40000000 + nr, 0, 0, 0), SECCOMP_RET_KILL_PROCESS);
#endif
	CU_ASSERT_EQUAL(verdict(&f, -1, 0, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	CU_ASSERT_EQUAL(verdict(&f, 100000, 0, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
}

/* Every capability opens its calls and no other's; every embedded set equals the compiled one. */
static void test_gates(void)
{
	static const struct {
		int cap, nr;
	} cases[] = {
		{ CAP_SYS_ADMIN, SYS_mount },
		{ CAP_SYS_ADMIN, SYS_setns },
		{ CAP_SYS_ADMIN, SYS_clone3 },
		{ CAP_SYS_PTRACE, SYS_kcmp },
		{ CAP_SYS_TIME, SYS_clock_settime },
		{ CAP_SYS_MODULE, SYS_init_module },
		{ CAP_SYS_BOOT, SYS_reboot },
		{ CAP_BPF, SYS_bpf },
		{ CAP_SYSLOG, SYS_syslog },
		{ CAP_SYS_NICE, SYS_mbind },
		{ CAP_DAC_READ_SEARCH, SYS_open_by_handle_at },
		{ CAP_SYS_CHROOT, SYS_chroot },
	};
	char self[4096], dir[] = "/tmp/podium-filter-XXXXXX";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	cleanup_free char *file = NULL;
	struct error err;
	char *p;

	self[n > 0 ? n : 0] = '\0';
	p = strstr(self, "/tests/");
	CU_ASSERT_FATAL(p != NULL && mkdtemp(dir) != NULL);
	*p = '\0';
	file = xasprintf("%s/f.bpf", dir);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *program = xasprintf("%s/podium-seccomp", self);
		cleanup_free char *hex = xasprintf("%llx", 1ULL << cases[i].cap);
		struct sysfilter f = { 0 };
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			(void)execl(program, program, "compile", hex, file, (char *)NULL);
			_exit(127);
		}
		(void)waitpid(pid, &status, 0);
		CU_ASSERT_EQUAL_FATAL(status, 0);
		CU_ASSERT_EQUAL_FATAL(sysfilter_read(AT_FDCWD, file, &f, &err), 0);
		for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
			bool open = cases[k].cap == cases[i].cap ||
				    (cases[i].cap == CAP_SYS_ADMIN &&
				     (cases[k].nr == SYS_bpf || cases[k].nr == SYS_syslog));

			CU_ASSERT_EQUAL(verdict(&f, cases[k].nr, 0, 0, 0) == SECCOMP_RET_ALLOW,
					open);
		}
		sysfilter_done(&f);
	}
	CU_ASSERT_EQUAL(unlink(file), 0);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

/* What the launch still does once the filter is loaded. */
static void test_own_calls(void)
{
	static const int calls[] = { SYS_capset, SYS_capget, SYS_prctl,	  SYS_close_range,
				     SYS_execve, SYS_write,  SYS_sendmsg, SYS_exit_group,
				     SYS_brk,	 SYS_mmap,   SYS_munmap };
	struct sysfilter f = embedded(0);

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		CU_ASSERT_EQUAL(verdict(&f, calls[i], 0, 0, 0), SECCOMP_RET_ALLOW);
}

static void test_cache(void)
{
	char a[SYSFILTER_NAME_MAX], b[SYSFILTER_NAME_MAX];
	struct sysfilter f = { 0 };
	struct error err;

	/* capabilities without a gate share a program, others do not */
	CU_ASSERT_STRING_EQUAL(sysfilter_cache_name(a, CAP_BIT(CAP_SYS_TIME)),
			       sysfilter_cache_name(b, CAP_BIT(CAP_SYS_TIME) | CAP_BIT(CAP_CHOWN)));
	CU_ASSERT_STRING_NOT_EQUAL(sysfilter_cache_name(a, CAP_BIT(CAP_SYS_TIME)),
				   sysfilter_cache_name(b, CAP_BIT(CAP_SYS_BOOT)));
	CU_ASSERT_EQUAL(sysfilter_find_embedded(CAP_BIT(CAP_SYS_TIME), &f), -ENOENT);
	CU_ASSERT_EQUAL(sysfilter_read(AT_FDCWD, "/dev/null", &f, &err), -EINVAL);
	CU_ASSERT_EQUAL(sysfilter_read(AT_FDCWD, "/nonexistent", &f, &err), -ENOENT);
}

static CU_TestInfo tests[] = {
	{ "golden table", test_golden },
	{ "SEC-1 upper halves", test_upper_half },
	{ "SEC-3 families", test_families },
	{ "SEC-4 architectures", test_architectures },
	{ "gates", test_gates },
	{ "own calls", test_own_calls },
	{ "cache", test_cache },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "sysfilter", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
