/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/livestore.h"
#include "tests/support/cunit_main.h"

static void test_smoke(void)
{
	struct livestore s;
	struct container_spec spec;
	static const char *const argv[] = { "probe", NULL };
	char *out;
	int status = 0;

	CU_ASSERT_FATAL(live_init(&s));
	out = live_sandbox(&s);
	printf("sandbox: %s\n", out ? out : "ok");
	live_spec(&s, &spec, argv);
	out = live_run(&s, &spec, &status);
	printf("status %d\n%s", status, out);
	CU_ASSERT_EQUAL(status, 0);
	live_done(&s);
}

static CU_TestInfo tests[] = {
	{ "smoke", test_smoke },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ .pName = "launch", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
