/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs - what containers have printed: both streams, tails, times, following, rotation.
 */
#include <stdio.h>
#include <string.h>

#include "tests/integration/harness.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

static void play(const char *name, const char *command)
{
	cleanup_free char *container =
		xasprintf("    image: busybox\n    command: [sh, -c, \"%s\"]\n", command);
	cleanup_result struct result r = play_pod(name, "", "  restartPolicy: Never\n", container);

	CHECK_CODE(r, 0);
}

static void wait_end(const char *container)
{
	CHECK(WAIT_UNTIL(ps_begins(container, "Status", "Exited"), DEADLINE_MS), "%s goes on",
	      container);
}

static void check_logs(const char *words, const char *want)
{
	cleanup_result struct result r = podium("logs %s", words);

	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, want);
}

static void test_streams(void)
{
	cleanup_result struct result r = { 0 };

	play("s", "echo out; echo err >&2; printf 'no end'");
	wait_end("s-c");
	r = podium("logs s-c");
	CHECK_HAS(r.out, "out\n");
	CHECK_HAS(r.out, "no end");
	CHECK_LACKS(r.out, "err");
	CHECK_EQUAL(r.err, "err\n");
	remove_pod("s");
	MUST(125, "logs s-c");
}

static void test_tail_and_times(void)
{
	cleanup_result struct result r = { 0 };

	play("t", "for i in 1 2 3 4 5; do echo line $i; done");
	wait_end("t-c");
	check_logs("t-c", "line 1\nline 2\nline 3\nline 4\nline 5\n");
	check_logs("--tail 2 t-c", "line 4\nline 5\n");
	check_logs("--tail 0 t-c", "");
	check_logs("--tail 100 t-c", "line 1\nline 2\nline 3\nline 4\nline 5\n");
	check_logs("--since 1h t-c", "line 1\nline 2\nline 3\nline 4\nline 5\n");
	check_logs("--since 2100-01-01T00:00:00Z t-c", "");
	check_logs("--until 2000-01-01T00:00:00Z t-c", "");
	r = podium("logs -t --tail 1 t-c");
	CHECK(strlen(r.out) > 30 && r.out[4] == '-' && r.out[10] == 'T', "no time in '%s'", r.out);
	CHECK_HAS(r.out, " line 5\n");
	remove_pod("t");
}

static void test_follow(void)
{
	struct job j;
	cleanup_result struct result r = { 0 };
	char *so_far = NULL;

	play("f", "echo first; until test -e /go; do sleep 0.1; done; echo last");
	CHECK(WAIT_UNTIL(logs_have("f-c", "first"), DEADLINE_MS), "no first line");
	j = job_podium("logs -f f-c");
	CHECK(WAIT_UNTIL((free(so_far), so_far = job_output(&j), strstr(so_far, "first")),
			 DEADLINE_MS),
	      "the past is not shown");
	CHECK(job_is_running(&j), "it does not follow");
	MUST(0, "exec f-c touch /go");
	r = job_wait(&j, DEADLINE_MS); /* ends with the container */
	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "first\nlast\n");
	free(so_far);
	remove_pod("f");
}

/* 24 MiB of lines: the files stay bounded, the tail is right, nothing is torn. */
static void test_rotation(void)
{
	cleanup_free char *id = NULL, *path = NULL;
	cleanup_result struct result du = { 0 }, all = { 0 };
	int64_t kib = 0;

	play("r",
	     "i=0; while test $i -lt 24; do dd if=/dev/zero bs=1048576 count=1 2>/dev/null | tr "
	     "'\\\\000' x | fold -w 1023; i=$((i+1)); echo; echo mark $i; done");
	wait_end("r-c");
	check_logs("--tail 1 r-c", "mark 24\n");
	id = ps_field("r-c", "ID");
	path = xasprintf("%s/containers/%s", harness.root, id);
	du = run("sh -c 'cat %s/log* | wc -c'", path);
	kib = 0;
	CHECK(sscanf(du.out, "%ld", &kib) == 1 && kib > (8 << 20) && kib < (40 << 20),
	      "the files hold %s", du.out);
	all = podium("logs r-c");
	CHECK_CODE(all, 0);
	CHECK(strlen(all.out) > (8 << 20), "only %zu bytes", strlen(all.out));
	CHECK_HAS(all.out, "mark 23\n");
	remove_pod("r");
}

/* Output from before and after a restart is one log; what has no line end is kept. */
static void test_restart(void)
{
	cleanup_result struct result r = play_pod(
		"a", "", "",
		"    image: busybox\n    command: [sh, -c, \"echo start; sleep 0.2; exit 1\"]\n");

	CHECK_CODE(r, 0);
	CHECK(WAIT_UNTIL(logs_have("a-c", "start\nstart\n"), DEADLINE_MS),
	      "the two runs are not in one log");
	remove_pod("a");
}

static CU_TestInfo tests[] = {
	{ "two streams", test_streams },    { "tail, since, until, times", test_tail_and_times },
	{ "follow", test_follow },	    { "rotation", test_rotation },
	{ "over a restart", test_restart }, CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "logs", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
