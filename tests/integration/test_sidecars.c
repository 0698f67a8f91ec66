/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sidecars - init containers that run on: the order in which a pod starts and ends, what becomes of
 * a sidecar that dies, and of a pod whose init fails beside one.
 *
 * Every container appends what it does to one file of the host, so that orders are seen without
 * looking at a clock.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

/* Says NAME-up, then NAME-down when it is told to end. */
#define LOOP(name)                                                                       \
	"command: [sh, -c, 'echo " name "-up >> /x/log; trap \"echo " name               \
	"-down >> /x/log; exit 0\" TERM; while :; do sleep 0.1; done'], volumeMounts: [" \
	"{name: x, mountPath: /x}]"
#define ONCE(script) "command: [sh, -c, '" script "'], volumeMounts: [{name: x, mountPath: /x}]"
#define SIDECAR(name, body) \
	"  - {name: " name ", image: busybox, restartPolicy: Always, " body "}\n"
#define PLAIN(name, body) "  - {name: " name ", image: busybox, " body "}\n"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

static struct result play(const char *name, const char *spec, const char *inits,
			  const char *members)
{
	cleanup_free char *dir = xasprintf("%s/x", harness.work);
	cleanup_free char *text = NULL;

	remove_path(dir);
	write_file("x/log", "%s", "");
	text = xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n%s"
			 "  volumes: [{name: x, hostPath: {path: %s}}]\n"
			 "  initContainers:\n%s  containers:\n%s",
			 name, spec, dir, inits, members);
	return play_text(name, "", text);
}

static char *story(void)
{
	return read_file("x/log");
}

static bool is_story(const char *text)
{
	cleanup_free char *now = story();

	return is_equal(now, text);
}

#define CHECK_STORY(text)                                               \
	({                                                              \
		bool is_so_ = WAIT_UNTIL(is_story(text), DEADLINE_MS);  \
		cleanup_free char *now_ = story();                      \
		CHECK(is_so_, "instead of:\n%swas:\n%s", (text), now_); \
	})

static void test_order(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	{
		cleanup_result struct result r = play(
			"o", "",
			SIDECAR("s",
				LOOP("s") ", startupProbe: {exec: {command: [grep, s-up, /x/log]}, "
					  "periodSeconds: 1, failureThreshold: 60}")
				PLAIN("i", ONCE("echo i >> /x/log")) SIDECAR("t", LOOP("t")),
			PLAIN("a", LOOP("a") ", lifecycle: {postStart: {exec: {command: "
					     "[sh, -c, \"sleep 1; echo a-post >> "
					     "/x/log\"]}}}") PLAIN("b", LOOP("b")));

		CHECK_CODE(r, 0);
	}
	/* t may be slow to speak: it has started as soon as it runs. */
	CHECK(WAIT_UNTIL(is_story("s-up\ni\nt-up\na-up\na-post\nb-up\n") ||
				 is_story("s-up\ni\na-up\nt-up\na-post\nb-up\n"),
			 DEADLINE_MS),
	      "not in order");
	{
		cleanup_free char *now = story();

		CHECK_HAS(now, "s-up\ni\n");
		CHECK_HAS(now, "a-post\nb-up\n");
	}
	write_file("x/log", "%s", "");
	MUST(0, "pod stop o");
	CHECK(is_story("b-down\na-down\nt-down\ns-down\n") ||
		      is_story("a-down\nb-down\nt-down\ns-down\n"),
	      "not stopped in order");
	{
		cleanup_free char *now = story();

		CHECK_HAS(now, "t-down\ns-down\n");
	}
	remove_pod("o");
	CHECK_NOTHING_LEFT(&before, "a pod with sidecars");
}

/* The pod is over when its members are, whatever its sidecars would like. */
static void test_completion(void)
{
	cleanup_result struct result r = play(
		"dn", "  restartPolicy: Never\n",
		SIDECAR("s", LOOP("s") ", startupProbe: {exec: {command: [grep, s-up, /x/log]}, "
				       "periodSeconds: 1}") SIDECAR("t", LOOP("t")),
		PLAIN("a", ONCE("sleep 1; echo a >> /x/log")));

	CHECK_CODE(r, 0);
	CHECK_STORY("s-up\nt-up\na\nt-down\ns-down\n");
	CHECK(is_in_status("dn-s", "Exited (0)"), "the sidecar runs on");
	CHECK(WAIT_UNTIL(is_inspected("dn", "{{.State}}", "Exited"), DEADLINE_MS),
	      "the pod is not over");
	remove_pod("dn");
}

static void test_restart(void)
{
	cleanup_result struct result r = play("r", "  restartPolicy: Never\n",
					      SIDECAR("s", LOOP("s")), PLAIN("a", LOOP("a")));
	pid_t member;

	CHECK_CODE(r, 0);
	member = container_pid("r-a");
	(void)kill(container_pid("r-s"), SIGKILL);
	CHECK(WAIT_UNTIL(is_inspected("r-s", "{{.RestartCount}} {{.State.Status}}", "1 running"),
			 DEADLINE_MS),
	      "the sidecar was not restarted");
	CHECK(container_pid("r-a") == member, "the member was touched");
	remove_pod("r");
}

/* The next init waits for a sidecar that does not start; an init that fails ends the pod with it. */
static void test_failures(void)
{
	cleanup_result struct result r = play(
		"fx", "  restartPolicy: Never\n",
		SIDECAR("s", LOOP("s") ", startupProbe: {exec: {command: [grep, s-up, /x/log]}, "
				       "periodSeconds: 1}")
			PLAIN("i", ONCE("echo i >> /x/log; exit 3")),
		PLAIN("a", ONCE("echo a >> /x/log")));

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "init container 'i' failed with exit code 3");
	CHECK_STORY("s-up\ni\ns-down\n");
	CHECK(is_in_status("fx-s", "Exited (0)"), "the sidecar runs on");
	remove_pod("fx");
}

/* What does not listen has what is left of the grace period. */
static void test_deaf(void)
{
	cleanup_result struct result r = play(
		"g", "  terminationGracePeriodSeconds: 3\n",
		SIDECAR("s", ONCE("trap : TERM; echo s-up >> /x/log; while :; do sleep 0.1; done")),
		PLAIN("a", LOOP("a")));

	CHECK_CODE(r, 0);
	CHECK(WAIT_UNTIL(is_story("s-up\na-up\n") || is_story("a-up\ns-up\n"), DEADLINE_MS), "up");
	MUST(0, "pod stop g");
	CHECK(is_in_status("g-s", "Exited (137)"), "not killed");
	CHECK(is_in_status("g-a", "Exited (0)"), "the member was killed");
	remove_pod("g");
}

static CU_TestInfo tests[] = {
	{ "order of start and stop", test_order },
	{ "members end, sidecars follow", test_completion },
	{ "a sidecar that dies", test_restart },
	{ "an init that fails beside one", test_failures },
	{ "a sidecar that does not listen", test_deaf },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "sidecars", begin, harness_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
