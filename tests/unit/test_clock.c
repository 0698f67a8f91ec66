/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_clock - texts of times and spans, at the edges where the unit changes.
 */
#include "engine/base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

#define MINUTE ((int64_t)60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static void test_human(void)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ -5, "Less than a second" },
		{ 0, "Less than a second" },
		{ 1, "1 second" },
		{ 2, "2 seconds" },
		{ 59, "59 seconds" },
		{ MINUTE, "About a minute" },
		{ 119, "About a minute" },
		{ 2 * MINUTE, "2 minutes" },
		{ 46 * MINUTE, "46 minutes" },
		{ HOUR - 1, "59 minutes" },
		{ HOUR, "About an hour" },
		{ 90 * MINUTE - 1, "About an hour" },
		{ 90 * MINUTE, "2 hours" },
		{ 47 * HOUR + 1799, "47 hours" },
		{ 47 * HOUR + 1800, "2 days" },
		{ 2 * DAY, "2 days" },
		{ 13 * DAY, "13 days" },
		{ 14 * DAY, "2 weeks" },
		{ 59 * DAY, "8 weeks" },
		{ 60 * DAY, "2 months" },
		{ 729 * DAY, "24 months" },
		{ 730 * DAY, "2 years" },
		{ 3650 * DAY, "10 years" },
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		clock_human(cases[i].seconds, text, sizeof(text));
		CU_ASSERT_STRING_EQUAL(text, cases[i].text);
	}
}

static void use_zone(const char *zone)
{
	(void)setenv("TZ", zone, 1);
	tzset();
}

static void test_rfc3339(void)
{
	static const struct {
		const char *zone;
		int64_t ns;
		const char *text;
	} cases[] = {
		{ "UTC0", 0, "1970-01-01T00:00:00Z" },
		{ "UTC0", 1795309323000000007, "2026-11-22T01:02:03.000000007Z" },
		{ "UTC0", 1795309323500000000, "2026-11-22T01:02:03.5Z" },
		{ "XXX-1", 1795309320000000000, "2026-11-22T02:02:00+01:00" },
		{ "XXX-1", 1795309323123456789, "2026-11-22T02:02:03.123456789+01:00" },
		{ "XXX-5:45", 1795309323123456789, "2026-11-22T06:47:03.123456789+05:45" },
		{ "XXX+3:30", 1795309323999999999, "2026-11-21T21:32:03.999999999-03:30" },
		{ "XXX+0:30", 1795309323999999999, "2026-11-22T00:32:03.999999999-00:30" },
	};
	char text[64], small[11];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		use_zone(cases[i].zone);
		clock_rfc3339(cases[i].ns, text, sizeof(text));
		CU_ASSERT_STRING_EQUAL(text, cases[i].text);
	}
	use_zone("UTC0");
	clock_rfc3339(0, small, sizeof(small));
	CU_ASSERT_STRING_EQUAL(small, "1970-01-01");
}

static void test_clocks_run(void)
{
	int64_t us = clock_mono_us(), ms = clock_mono_ms();

	(void)nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	CU_ASSERT_TRUE(clock_mono_us() - us >= 20000);
	CU_ASSERT_TRUE(clock_mono_ms() - ms >= 19);
	CU_ASSERT_TRUE(clock_mono_us() / 1000 - clock_mono_ms() <= 1000);
	CU_ASSERT_TRUE(llabs(clock_wall_ns() / 1000000000 - (int64_t)time(NULL)) <= 1);
}

static CU_TestInfo tests[] = {
	{ "spans as Docker and Podman say them", test_human },
	{ "RFC 3339 in any zone", test_rfc3339 },
	{ "clocks run", test_clocks_run },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "clock", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
