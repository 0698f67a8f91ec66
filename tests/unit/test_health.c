/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_health - what answers of a HEALTHCHECK mean, and the file of the last five.
 */
#include "engine/monitor/healthstate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

static char *one[] = { (char *)(uintptr_t) "true" };

static void test_counting(void)
{
	const struct health_spec spec = { .test = { .v = one, .n = 1 }, .retries = 3 };
	struct health_state st;

	health_state_begin(&st, &spec);
	CU_ASSERT_EQUAL(st.status, HEALTH_STARTING);
	/* In the start period nothing bad counts, but what is good does. */
	for (int i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(health_state_result(&st, &spec, false, true), HEALTH_STEP_NONE);
	CU_ASSERT_EQUAL(st.failing_streak, 0);
	CU_ASSERT_EQUAL(st.status, HEALTH_STARTING);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, true, true), HEALTH_STEP_NONE);
	CU_ASSERT_EQUAL(st.status, HEALTH_HEALTHY);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, false, false), HEALTH_STEP_NONE);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, false, false), HEALTH_STEP_NONE);
	CU_ASSERT_EQUAL(st.status, HEALTH_HEALTHY);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, false, false), HEALTH_STEP_ACT);
	CU_ASSERT_EQUAL(st.status, HEALTH_UNHEALTHY);
	CU_ASSERT_EQUAL(st.failing_streak, 3);
	/* It stays so, and what is done about it is done again. */
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, false, false), HEALTH_STEP_ACT);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, true, false), HEALTH_STEP_NONE);
	CU_ASSERT_EQUAL(st.status, HEALTH_HEALTHY);
	CU_ASSERT_EQUAL(st.failing_streak, 0);
}

static void test_startup(void)
{
	struct health_spec spec = { .test = { .v = one, .n = 1 },
				    .retries = 1,
				    .startup_test = { .v = one, .n = 1 },
				    .startup_retries = 2,
				    .startup_successes = 2 };
	struct health_state st;

	health_state_begin(&st, &spec);
	CU_ASSERT_TRUE(st.is_starting);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, true, false), HEALTH_STEP_NONE);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, false, false), HEALTH_STEP_NONE);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, true, false), HEALTH_STEP_NONE);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, true, false), HEALTH_STEP_STARTED);
	CU_ASSERT_FALSE(st.is_starting);
	CU_ASSERT_EQUAL(st.status, HEALTH_STARTING);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, false, false), HEALTH_STEP_ACT);
	/* Too often bad: started anew. */
	health_state_begin(&st, &spec);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, false, false), HEALTH_STEP_NONE);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, false, false), HEALTH_STEP_RESTART);
	/* Without another check it is all there is. */
	spec.test.n = 0;
	spec.startup_successes = spec.startup_retries = 0;
	health_state_begin(&st, &spec);
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(health_state_result(&st, &spec, false, false), HEALTH_STEP_NONE);
	CU_ASSERT_EQUAL(health_state_result(&st, &spec, true, false), HEALTH_STEP_STARTED);
	CU_ASSERT_EQUAL(st.status, HEALTH_HEALTHY);
}

static void test_log(void)
{
	static const char id[] = "0123456789012345678901234567890123456789012345678901234567890123";
	char dir[] = "/tmp/test_health.XXXXXX", path[LAYOUT_PATH_MAX];
	struct store s = { .rootfd = -1, .runfd = -1 };
	struct health_log log = { .status = HEALTH_UNHEALTHY, .failing_streak = 7 };
	cleanup_json json_t *j = NULL, *none = NULL;
	struct error err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	s.rootfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)mkdirat(s.rootfd, "containers", 0700);
	(void)mkdirat(s.rootfd, layout_container(path, id, NULL), 0700);
	none = health_log_read(&s, id);
	CU_ASSERT_STRING_EQUAL(jget_str(none, "Status"), "");
	for (int i = 0; i < 7; i++) {
		struct health_result *r = health_log_next(&log);

		r->exit_code = i;
		memset(r->output, i == 6 ? 0xff : 'x', HEALTH_OUTPUT_MAX);
	}
	CU_ASSERT_EQUAL(health_log_write(&s, id, &log, &err), 0);
	j = health_log_read(&s, id);
	CU_ASSERT_STRING_EQUAL(jget_str(j, "Status"), "unhealthy");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(j, "FailingStreak")), 7);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(j, "Log")), HEALTH_RESULTS_MAX);
	for (size_t i = 0; i < HEALTH_RESULTS_MAX; i++) {
		const json_t *r = json_array_get(json_object_get(j, "Log"), i);

		CU_ASSERT_EQUAL(json_integer_value(json_object_get(r, "ExitCode")), (int)i + 2);
		CU_ASSERT_EQUAL(strlen(jget_str(r, "Output")), HEALTH_OUTPUT_MAX);
		CU_ASSERT_EQUAL(*jget_str(r, "Output"), i == 4 ? '?' : 'x');
	}
	(void)unlinkat(s.rootfd, layout_container(path, id, HEALTHLOG_FILE), 0);
	(void)unlinkat(s.rootfd, layout_container(path, id, NULL), AT_REMOVEDIR);
	(void)unlinkat(s.rootfd, "containers", AT_REMOVEDIR);
	(void)close(s.rootfd);
	(void)rmdir(dir);
}

static CU_TestInfo tests[] = {
	{ "counting", test_counting },
	{ "the startup check", test_startup },
	{ "the log", test_log },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "health", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
