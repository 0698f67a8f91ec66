/* SPDX-License-Identifier: Apache-2.0 */
/* test_logline - the record format: golden prefixes, round trips, and what is no record. */
#include "engine/logs/logline.h"

#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

#define S 1000000000LL

static void test_prefix(void)
{
	static const struct {
		int64_t ns;
		enum log_stream stream;
		const char *want;
	} cases[] = {
		{ 0, LOG_STDOUT, "1970-01-01T00:00:00.000000000+00:00 stdout F " },
		{ 1, LOG_STDERR, "1970-01-01T00:00:00.000000001+00:00 stderr F " },
		{ 951782400 * S - 1, LOG_STDOUT, "2000-02-28T23:59:59.999999999+00:00 stdout F " },
		{ 951782400 * S, LOG_STDOUT, "2000-02-29T00:00:00.000000000+00:00 stdout F " },
		{ 951868800 * S, LOG_STDOUT, "2000-03-01T00:00:00.000000000+00:00 stdout F " },
		{ 1795309323 * S + 123456789, LOG_STDERR,
		  "2026-11-22T01:02:03.123456789+00:00 stderr F " },
		{ 4107542400 * S, LOG_STDOUT, "2100-03-01T00:00:00.000000000+00:00 stdout F " },
		{ -5, LOG_STDOUT, "1970-01-01T00:00:00.000000000+00:00 stdout F " },
	};
	struct logline_stamp stamp = LOGLINE_STAMP_INIT;
	char out[LOGLINE_PREFIX_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CU_ASSERT_EQUAL(strlen(cases[i].want), LOGLINE_PREFIX_LEN);
		logline_prefix(&stamp, cases[i].ns, cases[i].stream, out);
		CU_ASSERT_EQUAL(memcmp(out, cases[i].want, LOGLINE_PREFIX_LEN), 0);
		CU_ASSERT_EQUAL(out[LOGLINE_TAG_OFFSET], 'F');
	}
}

/* Each day of 200 years, written and read back. */
static void test_days(void)
{
	struct logline_stamp stamp = LOGLINE_STAMP_INIT;
	char out[LOGLINE_PREFIX_LEN];
	int64_t back, bad = 0;

	for (int64_t day = 0; day < 200 * 366; day++) {
		int64_t ns = day * 86400 * S + 3723 * S + 5;

		logline_prefix(&stamp, ns, LOG_STDOUT, out);
		if (logline_parse_time(out, LOGLINE_TIME_LEN, &back) < 0 || back != ns)
			bad++;
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static void test_times(void)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01t00:00:01.5z", S + S / 2 },
		{ "2026-11-22T02:02:03.123456789+01:00", 1795309323 * S + 123456789 },
		{ "2026-11-21T23:32:03-01:30", 1795309323 * S },
		{ "2026-11-22T01:02:03.1234567891234Z", 1795309323 * S + 123456789 },
		{ "", -1 },
		{ "2026-11-22", -1 },
		{ "2026-11-22T01:02:03", -1 },
		{ "2026-11-22T01:02:03.Z", -1 },
		{ "2026-11-22T01:02:03+1:00", -1 },
		{ "2026-11-22T01:02:03+24:00", -1 },
		{ "2026-11-22T24:02:03Z", -1 },
		{ "2026-13-22T01:02:03Z", -1 },
		{ "2026-02-30T01:02:03Z", -1 },
		{ "2025-02-29T01:02:03Z", -1 },
		{ "2026-00-22T01:02:03Z", -1 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "9999-11-22T01:02:03Z", -1 },
		{ "2026-11-22T01:02:03Zx", -1 },
		{ " 2026-11-22T01:02:03Z", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ns = -1;
		int r = logline_parse_time(cases[i].text, strlen(cases[i].text), &ns);

		CU_ASSERT_EQUAL(r, cases[i].ns < 0 ? -EBADMSG : 0);
		CU_ASSERT_EQUAL(ns, cases[i].ns);
	}
}

static void test_parse(void)
{
	static const char *const bad[] = {
		"",
		" ",
		"2026-11-22T01:02:03Z",
		"2026-11-22T01:02:03Z ",
		"2026-11-22T01:02:03Z stdout",
		"2026-11-22T01:02:03Z stdout F",
		"2026-11-22T01:02:03Z stdout X text",
		"2026-11-22T01:02:03Z stdin F text",
		"2026-11-22T01:02:03Z stdoutF text",
		"2026-11-22T01:02:03Z stdout FF text",
		"noon stdout F text",
		"stdout F text",
	};
	struct logline l;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(logline_parse(bad[i], strlen(bad[i]), &l), -EBADMSG);

	CU_ASSERT_EQUAL(logline_parse("2026-11-22T01:02:03Z stderr P a b ", 34, &l), 0);
	CU_ASSERT_EQUAL(l.wall_ns, 1795309323 * S);
	CU_ASSERT_EQUAL(l.time_len, 20);
	CU_ASSERT_EQUAL(l.stream, LOG_STDERR);
	CU_ASSERT_TRUE(l.partial);
	CU_ASSERT_EQUAL(l.text_len, 4);
	CU_ASSERT_EQUAL(memcmp(l.text, "a b ", 4), 0);

	CU_ASSERT_EQUAL(logline_parse("2026-11-22T01:02:03Z stdout F ", 30, &l), 0);
	CU_ASSERT_EQUAL(l.text_len, 0);
	CU_ASSERT_FALSE(l.partial);
}

static CU_TestInfo tests[] = {
	{ "prefixes", test_prefix }, { "every day comes back", test_days },
	{ "times", test_times },     { "records", test_parse },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "logline", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
