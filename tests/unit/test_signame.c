/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_signame - every way to write a signal, and what is none.
 */
#include "engine/base/signame.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

/* The C library knows the names too: all of them, in three spellings. */
static void test_all_names(void)
{
	for (int sig = 1; sig < 32; sig++) {
		const char *abbrev = sigabbrev_np(sig);
		char text[24], lower[24];

		CU_ASSERT_PTR_NOT_NULL_FATAL(abbrev);
		(void)snprintf(text, sizeof(text), "SIG%s", abbrev);
		for (size_t i = 0; i < sizeof(lower); i++)
			lower[i] = (char)tolower((unsigned char)text[i]);
		CU_ASSERT_EQUAL(signal_number(text), sig);
		CU_ASSERT_EQUAL(signal_number(text + 3), sig);
		CU_ASSERT_EQUAL(signal_number(lower), sig);
		(void)snprintf(text, sizeof(text), "%d", sig);
		CU_ASSERT_EQUAL(signal_number(text), sig);
	}
	CU_ASSERT_EQUAL(signal_number("SIGIOT"), SIGABRT);
	CU_ASSERT_EQUAL(signal_number("IO"), SIGPOLL);
}

static void test_realtime(void)
{
	CU_ASSERT_EQUAL(signal_number("RTMIN"), 34);
	CU_ASSERT_EQUAL(signal_number("SIGRTMIN+3"), 37);
	CU_ASSERT_EQUAL(signal_number("sigrtmin+30"), 64);
	CU_ASSERT_EQUAL(signal_number("RTMAX"), 64);
	CU_ASSERT_EQUAL(signal_number("SIGRTMAX-1"), 63);
	CU_ASSERT_EQUAL(signal_number("RTMAX-30"), 34);
	CU_ASSERT_EQUAL(signal_number("64"), 64);
}

static void test_none(void)
{
	static const char *const none[] = { "",	       "0",	    "65",	  "-1",
					    "+9",      " 9",	    "9 ",	  "0x9",
					    "SIG",     "SIG9",	    "SIGSIGTERM", "TERMX",
					    "TER",     "RTMIN-1",   "RTMIN+",	  "RTMIN+31",
					    "RTMAX+1", "RTMAX-31",  "RTMIN3",	  "RTMID",
					    "EXIT",    "4294967305" };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		CU_ASSERT_EQUAL(signal_number(none[i]), -EINVAL);
	CU_ASSERT_EQUAL(signal_number(NULL), -EINVAL);
}

static CU_TestInfo tests[] = {
	{ "all names", test_all_names },
	{ "real-time signals", test_realtime },
	{ "what is none", test_none },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "signame", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
