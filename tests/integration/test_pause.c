/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause - containers and pods that stand still: what runs in them does, what is done to them works,
 * and time does not pass for their probes and deadlines.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define LOOK_US 300000

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

static int end(void)
{
	DISCARD(podium("unpause -a"));
	DISCARD(podium("rm -f -a -t 0"));
	return harness_end();
}

/* Processor time of a process, in ticks; -1: it is not there. */
static long ticks_of(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/stat", (int)pid);
	cleanup_free char *text = pid > 0 ? read_file(path) : NULL;
	const char *at = text ? strrchr(text, ')') : NULL;
	unsigned long user = 0, kernel = 0;

	if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			  &kernel) != 2)
		return -1;
	return (long)(user + kernel);
}

static bool is_burning(pid_t pid)
{
	long before = ticks_of(pid);

	(void)usleep(LOOK_US);
	return ticks_of(pid) > before + 1;
}

static bool is_state(const char *name, const char *state)
{
	return is_inspected(name, "{{.State.Status}}", state);
}

static void expect_fail_at(const char *words, int code, const char *part, int line)
{
	cleanup_result struct result r = podium("%s", words);

	check_at(r.code == code, line, __FILE__, "'%s' ended with %d: %s", words, r.code, r.err);
	check_text_at(r.err, part, true, line, __FILE__);
}
#define EXPECT_FAIL(words, code, part) expect_fail_at((words), (code), (part), __LINE__)

static char *pod_state(const char *name)
{
	cleanup_result struct result r =
		podium("pod ps --filter name=%s --format '{{.Status}}'", name);

	r.out[strcspn(r.out, "\n")] = '\0';
	return steal_ptr(&r.out);
}

#define CHECK_POD(name, state)                            \
	({                                                \
		cleanup_free char *is_ = pod_state(name); \
		CHECK_EQUAL(is_, (state));                \
	})

/* ---- one container -------------------------------------------------------------------------- */

static void test_stands_still(void)
{
	pid_t pid;

	MUST(0, "run -d --name vb payload burn 600");
	pid = container_pid("vb");
	CHECK(is_burning(pid), "it does not even run");
	MUST(0, "pause vb");
	CHECK(!is_burning(pid), "it runs on");
	CHECK(ps_begins("vb", "Status", "Paused"), "ps does not say so");
	CHECK(is_inspected("vb", "{{.State.Status}} {{.State.Paused}} {{.State.Running}}",
			   "paused true false"),
	      "inspect does not say so");
	EXPECT_FAIL("pause vb", 125, "is already paused: container state improper");
	EXPECT_FAIL("exec vb /payload true", 255,
		    "can only create exec sessions on running containers");
	EXPECT_FAIL("start vb", 125, "must be in Created or Stopped state to be started");
	EXPECT_FAIL("restart vb", 125,
		    "unable to restart a container in a paused or unknown state");
	EXPECT_FAIL("rm vb", 2, "as it is paused");
	MUST(0, "unpause vb");
	CHECK(is_burning(pid), "it does not go on");
	CHECK(is_state("vb", "running"), "it is not called running");
	EXPECT_FAIL("unpause vb", 125, "is not paused, can't unpause: container state improper");
	MUST(0, "exec vb /payload true");
	MUST(0, "kill vb");
	EXPECT_FAIL("pause vb", 125, "\"exited\" is not running, can't pause");
	MUST(0, "rm vb");
}

static void test_all(void)
{
	MUST(0, "run -d --name va payload sleep 0");
	MUST(0, "run -d --name vb payload sleep 0");
	MUST(0, "pause va");
	{
		cleanup_free char *b = inspect("vb", "{{.Id}}");
		cleanup_free char *want = xasprintf("%s\n", b);
		cleanup_result struct result r = podium("pause -a");

		CHECK_EQUAL(r.out, want);
		CHECK_EQUAL(r.err, "");
	}
	MUST(0, "unpause --filter name=va");
	CHECK(is_state("va", "running") && is_state("vb", "paused"), "the filter took others");
	MUST(0, "unpause -a");
	CHECK(is_state("vb", "running"), "-a left one");
	MUST(0, "rm -f va vb");
}

/* ---- what ends it --------------------------------------------------------------------------- */

/* A frozen process takes its signal when it is thawed: it ends by itself, well within its grace. */
static void test_stop(void)
{
	int64_t began;

	MUST(0, "run -d --name vd payload sigdump");
	CHECK(WAIT_UNTIL(logs_have("vd", "ready"), DEADLINE_MS), "it does not begin");
	MUST(0, "pause vd");
	began = clock_mono_ms();
	MUST(0, "stop -t 30 vd");
	CHECK(clock_mono_ms() - began < 20000, "it stood still for its whole grace");
	CHECK(logs_have("vd", "TERM"), "it never saw the signal");
	CHECK(is_inspected("vd", "{{.State.Status}} {{.State.ExitCode}}", "exited 0"),
	      "it did not end by itself");
	MUST(0, "start vd");
	CHECK(is_state("vd", "running"), "a pause outlives its run");
	MUST(0, "pause vd");
	MUST(0, "stop -t 0 vd");
	CHECK(is_inspected("vd", "{{.State.Status}} {{.State.ExitCode}}", "exited 137"),
	      "it was not killed");
	MUST(0, "rm vd");
}

static void test_kill_and_rm(void)
{
	struct snapshot before;

	snapshot_take(&before);
	MUST(0, "run -d --name vb payload sleep 0");
	MUST(0, "pause vb");
	MUST(0, "kill -s USR2 vb"); /* it has to wait */
	CHECK(is_state("vb", "paused"), "a signal ends the pause");
	MUST(0, "kill vb");
	CHECK(is_inspected("vb", "{{.State.Status}} {{.State.ExitCode}}", "exited 137"),
	      "it was not killed");
	MUST(0, "start vb");
	MUST(0, "pause vb");
	MUST(0, "rm -f vb");
	MUST(1, "container exists vb");
	CHECK_NOTHING_LEFT(&before, "rm -f of a paused container");
	snapshot_done(&before);
}

/* Fault row 22: whoever ends a paused container whose monitor is lost thaws it. */
static void test_lost(void)
{
	cleanup_free char *text = NULL;
	int64_t monitor = 0;

	MUST(0, "run -d --name vb payload sleep 0");
	MUST(0, "pause vb");
	text = inspect("vb", "{{.State.ConmonPid}}");
	CHECK(parse_i64(text, 2, INT32_MAX, &monitor) == 0 && kill((pid_t)monitor, SIGKILL) == 0,
	      "no monitor");
	(void)usleep(100000);
	MUST(0, "stop -t 10 vb");
	CHECK(is_state("vb", "exited"), "it is still frozen");
	MUST(0, "rm -f vb");
}

/* ---- time ----------------------------------------------------------------------------------- */

/* A liveness probe that would have failed three times over. */
static void test_probes(void)
{
	cleanup_result struct result r =
		play_pod("vl", "", "",
			 "    image: busybox\n    command: [sleep, \"9999\"]\n"
			 "    livenessProbe: {exec: {command: [\"true\"]}, periodSeconds: 1, "
			 "timeoutSeconds: 1, failureThreshold: 1}\n");

	CHECK_CODE(r, 0);
	(void)usleep(1200000);
	MUST(0, "pause vl-c");
	(void)usleep(3500000);
	MUST(0, "unpause vl-c");
	(void)usleep(1500000);
	CHECK(is_inspected("vl-c", "{{.RestartCount}} {{.State.Status}}", "0 running"),
	      "the pause counted as an answer");
	remove_pod("vl");
}

static void test_deadline(void)
{
	cleanup_result struct result r =
		play_pod("vt", "", "  activeDeadlineSeconds: 3\n  restartPolicy: Never\n",
			 "    args: [sleep, \"0\"]\n");

	CHECK_CODE(r, 0);
	MUST(0, "pod pause vt");
	CHECK_POD("vt", "Paused");
	(void)usleep(4000000);
	CHECK_POD("vt", "Paused");
	MUST(0, "pod unpause vt");
	CHECK(is_state("vt-c", "running"), "its deadline came while it was paused");
	CHECK(WAIT_UNTIL(is_state("vt-c", "exited"), DEADLINE_MS), "its deadline never comes");
	remove_pod("vt");
}

/* ---- pods ----------------------------------------------------------------------------------- */

static void test_pods(void)
{
	static const char yaml[] = "apiVersion: v1\n"
				   "kind: Pod\n"
				   "metadata: {name: vp}\n"
				   "spec:\n"
				   "  containers:\n"
				   "  - {name: c, image: payload, args: [burn, \"600\"]}\n"
				   "  - {name: d, image: payload, args: [sleep, \"0\"]}\n";
	cleanup_result struct result r = play_text("vp", "", yaml);
	pid_t pid = container_pid("vp-c");

	CHECK_CODE(r, 0);
	MUST(0, "pause vp-d");
	CHECK_POD("vp", "Degraded");
	MUST(0, "pod pause vp");
	CHECK_POD("vp", "Paused");
	CHECK(!is_burning(pid), "a member runs on");
	CHECK(is_state("vp-c", "paused") && is_state("vp-d", "paused"), "one is not paused");
	MUST(0, "pod pause vp");
	MUST(0, "pod start vp");
	CHECK_POD("vp", "Paused");
	MUST(0, "pod unpause vp");
	CHECK_POD("vp", "Running");
	CHECK(is_burning(pid), "it does not go on");
	{
		cleanup_result struct result again = podium("pod unpause vp");

		CHECK_CODE(again, 0);
		CHECK_EQUAL(again.out, "");
	}
	MUST(0, "pod pause -a");
	CHECK_POD("vp", "Paused");
	MUST(125, "pod rm vp");
	MUST(0, "pod stop -t 1 vp");
	CHECK_POD("vp", "Exited");
	MUST(0, "pod start vp");
	CHECK_POD("vp", "Running");
	MUST(0, "pod pause vp");
	MUST(0, "pod rm -f -t 0 vp");
	MUST(1, "pod exists vp");
}

/* A conductor that dies while its pod is paused: the next one finds it so. */
static void test_adopted(void)
{
	cleanup_result struct result r = play_pod("vp", "", "", "    args: [sleep, \"0\"]\n");
	pid_t conductor = find_process("podium-monitor conductor");

	CHECK_CODE(r, 0);
	MUST(0, "pod pause vp");
	CHECK(conductor > 1 && kill(conductor, SIGKILL) == 0, "no conductor");
	(void)usleep(100000);
	MUST(0, "pod start vp");
	CHECK_POD("vp", "Paused");
	MUST(0, "pod unpause vp");
	CHECK_POD("vp", "Running");
	remove_pod("vp");
}

static CU_TestInfo tests[] = {
	{ "a container stands still", test_stands_still },
	{ "all and filters", test_all },
	{ "stop", test_stop },
	{ "kill and rm", test_kill_and_rm },
	{ "a lost monitor", test_lost },
	{ "probes", test_probes },
	{ "deadlines", test_deadline },
	{ "pods", test_pods },
	{ "a lost conductor", test_adopted },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "pause", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
