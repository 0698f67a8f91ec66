/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health - HEALTHCHECK from the command line to what is done about it, and `healthcheck run`.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define SLEEPS "busybox sleep 100000"

static int begin(void)
{
	return harness_begin() != 0 || !load_image("busybox");
}

/* Member `Status` of the log of the last checks. */
static bool has_status(const char *name, const char *status)
{
	cleanup_free char *id = inspect(name, "{{.ID}}");
	cleanup_free char *path = xasprintf("%s/containers/%s/healthcheck.log", harness.root, id);
	cleanup_free char *text = read_file(path);
	cleanup_free char *part = xasprintf("\"Status\":\"%s\"", status);

	return text && strstr(text, part);
}

static json_t *read_log(const char *name)
{
	cleanup_free char *id = inspect(name, "{{.ID}}");
	cleanup_free char *path = xasprintf("%s/containers/%s/healthcheck.log", harness.root, id);

	return json_load_file(path, 0, NULL);
}

static void test_turns(void)
{
	cleanup_result struct result r = { 0 };
	json_t *log, *last;

	MUST(0, "run -d --init --name h --health-cmd 'echo checked; test ! -e /bad' "
		"--health-interval 300ms --health-retries 2 " SLEEPS);
	CHECK(WAIT_UNTIL(has_status("h", "healthy"), DEADLINE_MS), "it never is healthy");
	MUST(0, "healthcheck run h");
	r = podium("ps --filter name=h --format '{{.Status}}'");
	CHECK(strncmp(r.out, "Up ", 3) == 0 && strstr(r.out, " (healthy)\n"), "%s", r.out);
	result_done(&r);
	MUST(0, "exec h touch /bad");
	CHECK(WAIT_UNTIL(has_status("h", "unhealthy"), DEADLINE_MS), "it never is unhealthy");
	r = podium("healthcheck run h");
	CHECK_CODE(r, 1);
	CHECK_EQUAL(r.out, "unhealthy\n");
	CHECK_EQUAL(r.err, "");
	MUST(0, "exec h rm /bad");
	CHECK(WAIT_UNTIL(has_status("h", "healthy"), DEADLINE_MS), "it does not recover");
	(void)usleep(1700000);
	CHECK(is_inspected("h",
			   "{{.State.Health.Status}} {{.State.Health.FailingStreak}} "
			   "{{len .State.Health.Log}} {{(index .State.Health.Log 4).Output}}",
			   "healthy 0 5 checked"),
	      "inspect");
	log = read_log("h");
	last = json_object_get(log, "Log");
	CHECK(json_array_size(last) == 5, "%zu results are kept", json_array_size(last));
	last = json_array_get(last, 4);
	CHECK(json_integer_value(json_object_get(last, "ExitCode")) == 0, "the last is good");
	CHECK_EQUAL(json_string_value(json_object_get(last, "Output")), "checked");
	json_decref(log);
	MUST(0, "rm -f -t 0 h");
}

static void test_cannot_be_asked(void)
{
	cleanup_result struct result r = { 0 };

	MUST(0, "run -d --init --name n " SLEEPS);
	r = podium("healthcheck run n");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "has no defined healthcheck");
	result_done(&r);
	MUST(0, "stop -t 0 n");
	r = podium("healthcheck run n");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "is not running");
	result_done(&r);
	r = podium("healthcheck run nosuch");
	CHECK_CODE(r, 125);
	MUST(0, "rm n");
	/* Without an interval it is asked by hand alone; a program that is not there is bad. */
	MUST(0, "run -d --init --name n --health-cmd '[\"/nosuch\"]' --health-interval disable "
		"--health-retries 1 " SLEEPS);
	(void)usleep(300000);
	CHECK(has_status("n", "starting"), "it was asked");
	MUST(1, "healthcheck run n");
	CHECK(has_status("n", "unhealthy"), "a check that cannot be run is good");
	MUST(0, "rm -f -t 0 n");
}

static void test_timeout(void)
{
	json_t *log, *one;

	MUST(0, "run -d --init --name slow --health-cmd 'exec sleep 1234' --health-interval 1h "
		"--health-timeout 1s --health-retries 1 " SLEEPS);
	MUST(1, "healthcheck run slow");
	log = read_log("slow");
	one = json_array_get(json_object_get(log, "Log"), 0);
	CHECK(json_integer_value(json_object_get(one, "ExitCode")) == -1, "it was in time");
	CHECK_HAS(json_string_value(json_object_get(one, "Output")), "exceeded timeout of 1s");
	json_decref(log);
	CHECK(WAIT_UNTIL(find_process("sleep 1234") <= 0, DEADLINE_MS), "the check goes on");
	MUST(0, "rm -f -t 0 slow");
}

static void test_start_period(void)
{
	MUST(0, "run -d --init --name late --health-cmd false --health-interval 100ms "
		"--health-retries 1 --health-start-period 1h " SLEEPS);
	(void)usleep(600000);
	CHECK(has_status("late", "starting"), "it counts in the start period");
	MUST(0, "rm -f -t 0 late");
}

static void check_action(const char *action, const char *state)
{
	MUST(0,
	     "run -d --init --name act --health-cmd false --health-interval 100ms --health-retries "
	     "2 "
	     "--health-on-failure %s " SLEEPS,
	     action);
	CHECK(WAIT_UNTIL(is_inspected("act", "{{.State.Status}}", state), DEADLINE_MS),
	      "%s does nothing", action);
	MUST(0, "rm -f -t 0 act");
}

static void test_actions(void)
{
	check_action("kill", "exited");
	check_action("stop", "exited");
	MUST(0, "run -d --init --name again --health-cmd 'test -e /ok || ! touch /ok' "
		"--health-interval 200ms --health-retries 1 --health-on-failure restart " SLEEPS);
	CHECK(WAIT_UNTIL(is_inspected("again", "{{.RestartCount}}", "1") &&
				 has_status("again", "healthy"),
			 DEADLINE_MS),
	      "it is not restarted");
	MUST(0, "rm -f -t 0 again");
}

/* Who is paused is not asked. */
static void test_pause(void)
{
	cleanup_free char *before = NULL, *after = NULL;
	json_t *log;

	MUST(0, "run -d --init --name p --health-cmd true --health-interval 100ms " SLEEPS);
	CHECK(WAIT_UNTIL(has_status("p", "healthy"), DEADLINE_MS), "it never is healthy");
	MUST(0, "pause p");
	log = read_log("p");
	before = json_dumps(log, 0);
	json_decref(log);
	(void)usleep(500000);
	log = read_log("p");
	after = json_dumps(log, 0);
	json_decref(log);
	CHECK_EQUAL(before, after);
	MUST(125, "healthcheck run p");
	MUST(0, "unpause p");
	MUST(0, "healthcheck run p");
	MUST(0, "rm -f -t 0 p");
}

static CU_TestInfo tests[] = {
	{ "healthy and not", test_turns },
	{ "what cannot be asked", test_cannot_be_asked },
	{ "a check that takes too long", test_timeout },
	{ "the start period", test_start_period },
	{ "what is done about it", test_actions },
	{ "a pause", test_pause },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "health", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
