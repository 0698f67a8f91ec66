/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subnetpool - pools as containers.conf writes them, and what is chosen from them.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/net/subnetpool.h"
#include "tests/support/cunit_main.h"

static void test_parse(void)
{
	static const char *const wrong[] = {
		"",
		"10.89.0.0/16",
		"10.89.0.0 24",
		"10.89.0.0/16 15",
		"10.89.0.0/16 31",
		"10.89.0.0/16 -1",
		"10.89.0.0/16 24 ",
		"fd00::/48 64",
		"x/16 24",
		"10.89.0.0/33 33",
	};
	struct subnet_pool p;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int r = subnet_pool_parse(wrong[i], &p, &err);

		CU_ASSERT_EQUAL(r, -EINVAL);
		if (r != -EINVAL)
			printf("'%s' is taken\n", wrong[i]);
	}
	CU_ASSERT_EQUAL(subnet_pool_parse("10.89.3.4/16 24", &p, &err), 0);
	CU_ASSERT_EQUAL(subnet_pool_count(&p), 256);
}

static bool is_named(const struct ip_prefix *p, const char *name)
{
	char text[IP_TEXT_MAX + 4];

	return strcmp(ip_prefix_format(p, text), name) == 0;
}

static void test_at(void)
{
	struct subnet_pool p;
	struct ip_prefix one;
	struct error err;

	CU_ASSERT_EQUAL(subnet_pool_parse("10.89.3.4/15 24", &p, &err), 0);
	one = subnet_pool_at(&p, 0);
	CU_ASSERT(is_named(&one, "10.88.0.0/24"));
	one = subnet_pool_at(&p, 511);
	CU_ASSERT(is_named(&one, "10.89.255.0/24"));
	CU_ASSERT_EQUAL(subnet_pool_parse("172.16.5.0/24 30", &p, &err), 0);
	one = subnet_pool_at(&p, 3);
	CU_ASSERT(is_named(&one, "172.16.5.12/30"));
	CU_ASSERT_EQUAL(subnet_pool_parse("0.0.0.0/0 0", &p, &err), 0);
	CU_ASSERT_EQUAL(subnet_pool_count(&p), 1);
}

/* Everything before `arg` in the row is taken. */
static int is_before(const struct ip_prefix *p, bool *ret, void *arg, struct error *err)
{
	const char *until = arg;

	(void)err;
	*ret = !is_named(p, until);
	return 0;
}

static void test_choose(void)
{
	char second[] = "10.2.0.0/24", first[] = "10.1.0.0/24", none[] = "-";
	cleanup_strlist struct strlist pools = { 0 };
	struct ip_prefix got;
	struct error err;

	strlist_add(&pools, "10.1.0.0/23 24");
	strlist_add(&pools, "10.2.0.0/24 24");
	CU_ASSERT_EQUAL(subnet_pools_choose(&pools, 0, is_before, second, &got, &err), 0);
	CU_ASSERT(is_named(&got, second));
	CU_ASSERT_EQUAL(subnet_pools_choose(&pools, 8, is_before, first, &got, &err), 0);
	CU_ASSERT(is_named(&got, first));
	CU_ASSERT_EQUAL(subnet_pools_choose(&pools, 1, is_before, none, &got, &err), -EADDRINUSE);
	strlist_add(&pools, "nonsense");
	CU_ASSERT_EQUAL(subnet_pools_choose(&pools, 0, is_before, first, &got, &err), -EINVAL);
}

static CU_TestInfo tests[] = {
	{ "parse", test_parse },
	{ "subnets of a pool", test_at },
	{ "choose", test_choose },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "subnetpool", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
