/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_eventrate - how often a probe's failures are told: days in microseconds.
 */
#include "engine/monitor/eventrate.h"

#include <string.h>

#include "tests/support/cunit_main.h"

#define PERIOD_MS 10000
#define DAY_MS	  86400000

static int64_t take(struct event_rate *r, const char *text, int64_t now)
{
	return event_rate_take(r, "Unhealthy", text, now, EVENT_RATE_MS);
}

static void test_same(void)
{
	struct event_rate r = { 0 };
	int64_t failures = 0, lines = 0, told = 0;

	for (int64_t now = 5; now < DAY_MS; now += PERIOD_MS) {
		int64_t n = take(&r, "refused", now);

		failures++;
		lines += n > 0;
		told += n;
	}
	CU_ASSERT_EQUAL(lines, DAY_MS / EVENT_RATE_MS);
	CU_ASSERT_EQUAL(told + event_rate_release(&r), failures);
	CU_ASSERT_EQUAL(event_rate_release(&r), 0);
}

static void test_other(void)
{
	static char shared[EVENT_RATE_TEXT + 10];
	struct event_rate r = { 0 };

	CU_ASSERT_TRUE(is_event_new(&r, "Unhealthy", "refused"));
	CU_ASSERT_EQUAL(take(&r, "refused", 0), 1);
	CU_ASSERT_FALSE(is_event_new(&r, "Unhealthy", "refused"));
	CU_ASSERT_EQUAL(take(&r, "refused", 1), 0);
	CU_ASSERT_EQUAL(take(&r, "refused", EVENT_RATE_MS - 1), 0);
	CU_ASSERT_TRUE(is_event_new(&r, "Unhealthy", "refused again"));
	CU_ASSERT_TRUE(is_event_new(&r, "ProbeWarning", "refused"));
	CU_ASSERT_EQUAL(event_rate_release(&r), 2);
	CU_ASSERT_EQUAL(take(&r, "no answer", EVENT_RATE_MS - 1), 1); /* at once */
	CU_ASSERT_EQUAL(take(&r, "no answer", EVENT_RATE_MS), 0);
	CU_ASSERT_EQUAL(take(&r, "no answer", 2 * EVENT_RATE_MS - 1), 2);
	/* What does not fit is the same by its beginning. */
	memset(shared, 'x', sizeof(shared) - 1);
	CU_ASSERT_EQUAL(take(&r, shared, 3 * EVENT_RATE_MS), 1);
	shared[sizeof(shared) - 2] = 'y';
	CU_ASSERT_EQUAL(take(&r, shared, 3 * EVENT_RATE_MS), 0);
}

static CU_TestInfo tests[] = {
	{ "the same for a day", test_same },
	{ "something else", test_other },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "eventrate", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
