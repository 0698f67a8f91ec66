/* SPDX-License-Identifier: Apache-2.0 */
/* test_caps - capability lists, limits, kernel parameters: what is asked for against what is given.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/base/mem.h"
#include "engine/security/caps.h"
#include "engine/security/rlimit.h"
#include "engine/security/sysctl.h"
#include "tests/support/cunit_main.h"

#define ALL_CAPS ((1ULL << 41) - 1)

static void fill(struct strlist *l, const char *words)
{
	cleanup_free char *copy = xstrdup(words);
	char *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		strlist_add(l, w);
}

/* The bounding set for two lists, or 1 << 63 for an error. */
static uint64_t resolve(const char *add, const char *drop, bool privileged, uint64_t available)
{
	cleanup_strlist struct strlist a = { 0 };
	cleanup_strlist struct strlist d = { 0 };
	cleanup_free char *missing = NULL;
	uint64_t set = 0;
	struct error err;

	fill(&a, add);
	fill(&d, drop);
	return caps_resolve(&a, &d, privileged, available, &set, &missing, &err) < 0 ? 1ULL << 63
										     : set;
}

/* ID-3 */
static void test_lists(void)
{
	const uint64_t bad = 1ULL << 63, admin = CAP_BIT(CAP_SYS_ADMIN);

	CU_ASSERT_EQUAL(caps_default, 0x800405fbULL);
	CU_ASSERT_EQUAL(resolve("", "", false, ALL_CAPS), caps_default);
	CU_ASSERT_EQUAL(resolve("SYS_ADMIN", "", false, ALL_CAPS), caps_default | admin);
	CU_ASSERT_EQUAL(resolve("cap_sys_admin CAP_SYS_ADMIN", "", false, ALL_CAPS),
			caps_default | admin);
	CU_ASSERT_EQUAL(resolve("", "chown KILL", false, ALL_CAPS),
			caps_default & ~(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_KILL)));
	CU_ASSERT_EQUAL(resolve("", "ALL", false, ALL_CAPS), 0);
	CU_ASSERT_EQUAL(resolve("NET_BIND_SERVICE", "all", false, ALL_CAPS),
			CAP_BIT(CAP_NET_BIND_SERVICE));
	CU_ASSERT_EQUAL(resolve("ALL", "", false, ALL_CAPS), ALL_CAPS);
	CU_ASSERT_EQUAL(resolve("ALL", "SYS_ADMIN", false, ALL_CAPS), ALL_CAPS & ~admin);
	CU_ASSERT_EQUAL(resolve("CHOWN", "CHOWN", false, ALL_CAPS),
			caps_default & ~CAP_BIT(CAP_CHOWN));
	CU_ASSERT_EQUAL(resolve("", "", true, ALL_CAPS), ALL_CAPS);
	CU_ASSERT_EQUAL(resolve("", "SYS_ADMIN", true, ALL_CAPS), ALL_CAPS & ~admin);
	/* a typo never silently keeps or gives a capability */
	CU_ASSERT_EQUAL(resolve("", "CHWON", false, ALL_CAPS), bad);
	CU_ASSERT_EQUAL(resolve("CAP_", "", false, ALL_CAPS), bad);
	CU_ASSERT_EQUAL(resolve("", "CAP_CHOWN,KILL", false, ALL_CAPS), bad);
	CU_ASSERT_EQUAL(resolve("21", "", false, ALL_CAPS), bad);
}

static void test_missing(void)
{
	cleanup_strlist struct strlist add = { 0 };
	struct strlist none = { 0 };
	cleanup_free char *missing = NULL;
	uint64_t set = 0;
	struct error err;

	fill(&add, "SYS_ADMIN SYS_TIME KILL");
	CU_ASSERT_EQUAL(caps_resolve(&add, &none, false, caps_default, &set, &missing, &err), 0);
	CU_ASSERT_EQUAL(set, caps_default);
	CU_ASSERT_STRING_EQUAL(missing, "CAP_SYS_ADMIN, CAP_SYS_TIME");
}

static void test_names(void)
{
	struct error err;

	for (unsigned int n = 0; caps_name(n); n++) {
		CU_ASSERT_EQUAL(caps_parse_name(caps_name(n), &err), (int)n);
		CU_ASSERT_EQUAL(caps_parse_name(caps_name(n) + 4, &err), (int)n);
	}
	CU_ASSERT_EQUAL(caps_parse_name("CAP_CHECKPOINT_RESTORE", &err), CAP_CHECKPOINT_RESTORE);
	CU_ASSERT_EQUAL(caps_parse_name("", &err), -EINVAL);
}

static void test_clamp(void)
{
	struct rlimit_plan p = { RLIMIT_NOFILE, 1024, 524288 };

	CU_ASSERT_FALSE(rlimit_clamp(&p, 20000, true));
	CU_ASSERT_FALSE(rlimit_clamp(&p, 1000000, false));
	CU_ASSERT_TRUE(rlimit_clamp(&p, 20000, false));
	CU_ASSERT(p.soft == 1024 && p.hard == 20000);
	CU_ASSERT_TRUE(rlimit_clamp(&p, 100, false));
	CU_ASSERT(p.soft == 100 && p.hard == 100);
}

/* CG-1, CG-2 */
static void test_sysctls(void)
{
	static const struct {
		const char *key, *value, *path; /* path NULL: refused */
	} cases[] = {
		{ "net.ipv4.ip_forward", "1", "sys/net/ipv4/ip_forward" },
		{ "net/ipv4/conf/eth0.1/forwarding", "1", "sys/net/ipv4/conf/eth0.1/forwarding" },
		{ "kernel.shm_rmid_forced", "1", "sys/kernel/shm_rmid_forced" },
		{ "kernel.sem", "32 64\t1 2", "sys/kernel/sem" },
		{ "fs.mqueue.msg_max", "10", "sys/fs/mqueue/msg_max" },
		{ "kernel.core_pattern", "x", NULL },
		{ "kernel.hostname", "x", NULL },
		{ "vm.swappiness", "1", NULL },
		{ "net/../kernel/core_pattern", "x", NULL },
		{ "net.ipv4.conf.all/../..", "1", NULL },
		{ "net..ipv4", "1", NULL },
		{ "net//ipv4", "1", NULL },
		{ "net.ipv4.", "1", NULL },
		{ ".net", "1", NULL },
		{ "/net/ipv4", "1", NULL },
		{ "net. ipv4", "1", NULL },
		{ "NET.ipv4", "1", NULL },
		{ "net", "1", NULL },
		{ "", "1", NULL },
		{ "net.ipv4.ip_forward", "1\n2", NULL },
		{ "net.ipv4.ip_forward", "", NULL },
		{ "net.ipv4.ip_forward", "\x80", NULL },
		{ "net.ipv4.ip_forward+kernel.core_pattern", "1", NULL },
	};
	char path[SYSCTL_KEY_MAX + 8];
	cleanup_free char *big = xmalloc(1 << 20);
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = sysctl_check(cases[i].key, cases[i].value, false, false, path, &err);

		CU_ASSERT_EQUAL(r == 0, cases[i].path != NULL);
		if (r == 0 && cases[i].path)
			CU_ASSERT_STRING_EQUAL(path, cases[i].path);
	}
	memset(big, '1', (1 << 20) - 1);
	big[(1 << 20) - 1] = '\0';
	CU_ASSERT(sysctl_check("kernel.sem", big, false, false, path, &err) < 0);
	CU_ASSERT(sysctl_check(big, "1", false, false, path, &err) < 0);
	CU_ASSERT_EQUAL(sysctl_check("net.ipv4.ip_forward", "1", true, false, path, &err), -EPERM);
	CU_ASSERT_EQUAL(sysctl_check("kernel.sem", "1", false, true, path, &err), -EPERM);
	CU_ASSERT_EQUAL(sysctl_check("kernel.sem", "1", true, false, path, &err), 0);
}

static CU_TestInfo tests[] = {
	{ "ID-3 lists", test_lists }, { "missing", test_missing },	{ "names", test_names },
	{ "limits", test_clamp },     { "CG-1 sysctls", test_sysctls }, CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "security", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
