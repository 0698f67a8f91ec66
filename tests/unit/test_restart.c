/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_restart - who is started again, and after how long: hours in microseconds.
 */
#include "engine/monitor/restart.h"

#include "tests/support/cunit_main.h"

#define MINUTES_MS(n) ((int64_t)(n)*60000)

static void test_wanted(void)
{
	static const int codes[] = { 0, 1, 125, 137, 255, -1 };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		CU_ASSERT_TRUE(is_restart_wanted(RESTART_ALWAYS, codes[i]));
		CU_ASSERT_EQUAL(is_restart_wanted(RESTART_ON_FAILURE, codes[i]), codes[i] != 0);
		CU_ASSERT_FALSE(is_restart_wanted(RESTART_NEVER, codes[i]));
	}
}

static void test_backoff(void)
{
	static const int64_t seconds[] = { 0, 10, 20, 40, 80, 160, 300, 300, 300 };
	struct restart_state st = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(seconds); i++)
		CU_ASSERT_EQUAL(restart_next_delay_ms(&st, true, 50), seconds[i] * 1000);
	/* A crash loop of a year neither overflows nor gets quicker. */
	for (int i = 0; i < 105120; i++)
		CU_ASSERT_EQUAL_FATAL(restart_next_delay_ms(&st, true, 0), 300000);
}

static void test_reset(void)
{
	struct restart_state st = { 0 };

	for (int i = 0; i < 5; i++)
		(void)restart_next_delay_ms(&st, true, 0);
	CU_ASSERT_EQUAL(restart_next_delay_ms(&st, true, MINUTES_MS(10) - 1), 160000);
	/* Ten minutes of life: all is forgiven, also that the first one was immediate. */
	CU_ASSERT_EQUAL(restart_next_delay_ms(&st, true, MINUTES_MS(10)), 0);
	CU_ASSERT_EQUAL(restart_next_delay_ms(&st, true, 0), 10000);
	CU_ASSERT_EQUAL(restart_next_delay_ms(&st, true, MINUTES_MS(60 * 24 * 365)), 0);
}

static void test_without_backoff(void)
{
	static const int64_t delays[] = { 100, 200, 400, 800, 1000, 1000 };
	struct restart_state st = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(delays); i++)
		CU_ASSERT_EQUAL(restart_next_delay_ms(&st, false, 9999), delays[i]);
	for (int i = 0; i < 100000; i++)
		CU_ASSERT_EQUAL_FATAL(restart_next_delay_ms(&st, false, 0), 1000);
	/* Ten seconds of life are enough. */
	CU_ASSERT_EQUAL(restart_next_delay_ms(&st, false, 10000), RESTART_DAMPED_MS);
	CU_ASSERT_EQUAL(restart_next_delay_ms(&st, false, 0), 2 * RESTART_DAMPED_MS);
}

static void test_rules(void)
{
	char *in_codes[] = { (char *)(uintptr_t) "3", (char *)(uintptr_t) "42", NULL };
	char *out_codes[] = { (char *)(uintptr_t) "0", (char *)(uintptr_t) "1", NULL };
	struct restart_rule v[] = { { .codes = { in_codes, 2 } },
				    { .not_in = true, .codes = { out_codes, 2 } } };
	struct restart_rule_list none = { 0 }, in = { v, 1 }, out = { v + 1, 1 }, both = { v, 2 };

	CU_ASSERT_FALSE(is_restart_ruled(&none, 3));
	CU_ASSERT_TRUE(is_restart_ruled(&in, 42));
	CU_ASSERT_FALSE(is_restart_ruled(&in, 4));
	CU_ASSERT_FALSE(is_restart_ruled(&out, 1));
	CU_ASSERT_TRUE(is_restart_ruled(&out, 42));
	CU_ASSERT_TRUE(is_restart_ruled(&both, 2));
	CU_ASSERT_FALSE(is_restart_ruled(&both, 0));
}

static CU_TestInfo tests[] = {
	{ "who is started again", test_wanted },
	{ "rules of the container's own", test_rules },
	{ "back-off as the kubelet's", test_backoff },
	{ "ten minutes of life reset it", test_reset },
	{ "without back-off", test_without_backoff },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "restart", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
