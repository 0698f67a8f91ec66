/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life - restart policies and back-off, exit codes, stop and start, init containers, playing again,
 * limits, networks, many plays at once.
 */
#include <stdio.h>
#include <string.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/wire.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

#define CHECK_INSPECT(name, format, value)                           \
	({                                                           \
		cleanup_free char *got_ = inspect((name), (format)); \
		CHECK_EQUAL(got_, (value));                          \
	})
#define PLAY(code, ...)                                                       \
	({                                                                    \
		cleanup_result struct result played_ = play_pod(__VA_ARGS__); \
		CHECK_CODE(played_, (code));                                  \
	})

/* ---- restart ------------------------------------------------------------------------------ */

static void test_never(void)
{
	PLAY(0, "never", "", "  restartPolicy: Never\n", "    args: [exit, \"7\"]\n");
	CHECK_STATUS("never-c", "Exited (7) ");
	CHECK_INSPECT("never-c", "{{.State.ExitCode}} {{.RestartCount}} {{.State.Status}}",
		      "7 0 exited");
	remove_pod("never");
}

static void test_on_failure(void)
{
	PLAY(0, "good", "", "  restartPolicy: OnFailure\n", "    args: [exit, \"0\"]\n");
	PLAY(0, "bad", "", "  restartPolicy: OnFailure\n", "    args: [exit, \"4\"]\n");
	CHECK_STATUS("good-c", "Exited (0) ");
	CHECK(WAIT_UNTIL(
		      is_inspected("bad-c", "{{.RestartCount}} {{.State.Status}}", "2 restarting"),
		      DEADLINE_MS),
	      "no second back-off");
	CHECK_STATUS("bad-c", "Restarting (4) ");
	CHECK_INSPECT("good-c", "{{.RestartCount}}", "0");
	remove_pod("good");
	remove_pod("bad");
}

/* A clean exit counts under Always; the writable layer of a played container is new each time. */
static void test_always(void)
{
	cleanup_free char *logs = NULL;

	PLAY(0, "always", "", "",
	     "    image: busybox\n"
	     "    command: [sh, -c, \"ls /mark; touch /mark; exit 0\"]\n");
	CHECK(WAIT_UNTIL(is_inspected("always-c", "{{.RestartCount}} {{.State.Status}}",
				      "2 restarting"),
			 DEADLINE_MS),
	      "no second back-off");
	CHECK_STATUS("always-c", "Restarting (0) ");
	logs = logs_of("always-c");
	CHECK_LACKS(logs, "\n/mark\n");
	CHECK(!is_prefix(logs, "/mark"), "the layer was kept: %s", logs);
	{
		cleanup_result struct result r = podium("pod ps --format '{{.Name}} {{.Status}}'");

		CHECK_EQUAL(r.out, "always Degraded\n");
	}
	/* Stopped while it waits: it ends, and its policy does not start it again. */
	MUST(0, "stop always-c");
	CHECK_STATUS("always-c", "Exited (0) ");
	MUST(0, "start always-c");
	CHECK(WAIT_UNTIL(is_inspected("always-c", "{{.State.Status}}", "restarting"), DEADLINE_MS),
	      "it was not started again");
	remove_pod("always");
}

static void test_not_runnable(void)
{
	cleanup_result struct result missing =
		play_pod("missing", "", "  restartPolicy: Never\n", "    command: [/nosuch]\n");
	cleanup_result struct result text =
		play_pod("text", "", "  restartPolicy: Never\n",
			 "    image: busybox\n    command: [/etc/passwd]\n");

	CHECK_CODE(missing, 125);
	CHECK_HAS(missing.err, "/nosuch");
	CHECK_STATUS("missing-c", "Exited (127) ");
	CHECK_CODE(text, 125);
	CHECK_STATUS("text-c", "Exited (126) ");
	remove_pod("missing");
	remove_pod("text");
}

/* ---- stop and start ----------------------------------------------------------------------- */

static void test_stop(void)
{
	cleanup_free char *id = NULL, *again = NULL;

	PLAY(0, "s", "", "", "    args: [sleep, \"0\"]\n");
	id = ps_field("s-c", "ID");
	MUST(0, "stop s-c");
	CHECK_STATUS("s-c", "Exited (0) ");
	MUST(0, "stop s-c"); /* twice is no error */
	MUST(0, "start s-c");
	CHECK_STATUS("s-c", "Up ");
	again = ps_field("s-c", "ID");
	CHECK_EQUAL(again, id);
	MUST(0, "stop -t 0 s-c");
	CHECK_STATUS("s-c", "Exited (137) ");
	MUST(255, "exec s-c /payload true");
	MUST(1, "rm s-nosuch");
	MUST(125, "rm -t -2 s-c");
	MUST(125, "pod stop -t 99999999 s");
	{
		cleanup_result struct result r = podium("rm --ignore s-nosuch s-c");

		CHECK_CODE(r, 0);
		CHECK_EQUAL(r.out, "s-c\n"); /* not the name that led nowhere */
	}
	remove_pod("s");
}

static void test_grace(void)
{
	PLAY(0, "g", "", "  terminationGracePeriodSeconds: 1\n", "    args: [ignore-term]\n");
	MUST(0, "stop g-c");
	CHECK_STATUS("g-c", "Exited (137) ");
	MUST(0, "start g-c");
	MUST(0, "pod stop g");
	CHECK_STATUS("g-c", "Exited (137) ");
	remove_pod("g");
	PLAY(0, "d", "", "", "    args: [sigdump]\n");
	MUST(0, "stop d-c");
	CHECK_STATUS("d-c", "Exited (0) ");
	CHECK(logs_have("d-c", "TERM\n"), "TERM was not sent");
	remove_pod("d");
}

static char *all_ids(void)
{
	cleanup_result struct result r = podium("ps -a --no-trunc --format '{{.ID}} {{.Names}}'");

	return steal_ptr(&r.out);
}

static void test_pod_stop_start(void)
{
	cleanup_free char *before = NULL, *after = NULL, *ports = NULL, *answer = NULL;

	PLAY(0, "ps", "", "",
	     "    args: [tcp-echo, \"7000\"]\n"
	     "    ports: [{containerPort: 7000, hostPort: 7010}]\n");
	before = all_ids();
	MUST(0, "pod stop ps");
	CHECK_STATUS("ps-c", "Exited (0) ");
	ports = ps_field("ps-c", "Ports");
	CHECK_EQUAL(ports, "0.0.0.0:7010->7000/tcp");
	CHECK(wire_refused_ms("127.0.0.1", 7010, 5000) >= 0, "the port is still served");
	{
		cleanup_result struct result r = podium("ps -a --format '{{.Names}} {{.Status}}'");

		CHECK_HAS(r.out, "-infra Exited (0) ");
	}
	MUST(0, "pod start ps");
	CHECK_STATUS("ps-c", "Up ");
	after = all_ids();
	CHECK_EQUAL(after, before);
	answer = wire_ask_wait(WIRE_TCP, "127.0.0.1", 7010, "x");
	MUST(0, "pod start ps"); /* running already */
	remove_pod("ps");
}

/* An order that follows the end of a container at once finds it ended. */
static void test_stop_start_at_once(void)
{
	PLAY(0, "so", "", "", "    args: [sleep, \"0\"]\n");
	for (int i = 0; i < 40; i++) {
		MUST(0, "stop -t 5 so-c");
		MUST(0, "start so-c");
		if (!CHECK(ps_begins("so-c", "Status", "Up "), "round %d: it was not started", i))
			break;
	}
	remove_pod("so");
}

/* A conductor that dies on the way up: the next one builds what is missing. */
static void test_torn_start(void)
{
	static const char *const stages[] = { "start:sandbox", "start:network",
					      "start:network-wait", "start:containers" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		cleanup_free char *answer = NULL;

		PLAY(0, "ts", "--start=false", "",
		     "    args: [tcp-echo, \"7000\"]\n"
		     "    ports: [{containerPort: 7000, hostPort: 7010}]\n");
		(void)setenv("PODIUM_STOP_AT", stages[i], 1);
		MUST(125, "pod start ts");
		(void)unsetenv("PODIUM_STOP_AT");
		CHECK(WAIT_UNTIL(find_process("podium-launch container") == 0, DEADLINE_MS) ||
			      i + 1 == ARRAY_SIZE(stages),
		      "%s: somebody waits for an order that nobody gives", stages[i]);
		MUST(0, "pod start ts");
		CHECK_STATUS("ts-c", "Up ");
		answer = wire_ask_wait(WIRE_TCP, "127.0.0.1", 7010, "x");
		CHECK(answer != NULL, "%s: the pod does not answer", stages[i]);
		remove_pod("ts");
		CHECK_NOTHING_LEFT(&before, stages[i]);
	}
}

/* ---- init containers ---------------------------------------------------------------------- */

#define INITS(first, second)                                                   \
	"  initContainers:\n"                                                  \
	"  - {name: one, image: busybox, command: [sh, -c, \"" first "\"],\n"  \
	"     volumeMounts: [{name: v, mountPath: /v}]}\n"                     \
	"  - {name: two, image: busybox, command: [sh, -c, \"" second "\"],\n" \
	"     volumeMounts: [{name: v, mountPath: /v}]}\n"                     \
	"  volumes: [{name: v, emptyDir: {}}]\n"
#define SHOWS                                                                          \
	"    image: busybox\n"                                                         \
	"    command: [sh, -c, \"cat /v/x; trap 'exit 0' TERM; sleep 1000 & wait\"]\n" \
	"    volumeMounts: [{name: v, mountPath: /v}]\n"

static void test_inits(void)
{
	cleanup_free char *logs = NULL;

	PLAY(0, "in", "", INITS("sleep 0.3; echo one >>/v/x", "echo two >>/v/x"), SHOWS);
	CHECK_STATUS("in-c", "Up ");
	CHECK_STATUS("in-one", "Exited (0) ");
	CHECK_STATUS("in-two", "Exited (0) ");
	CHECK(WAIT_UNTIL(logs_have("in-c", "two\n"), DEADLINE_MS), "no second line");
	logs = logs_of("in-c");
	CHECK_EQUAL(logs, "one\ntwo\n");
	{
		cleanup_result struct result r = podium("pod ps --format '{{.Status}}'");

		CHECK_EQUAL(r.out, "Running\n");
	}
	/* They run again with a new sandbox, and the volume is the pod's. */
	MUST(0, "pod stop in");
	MUST(0, "pod start in");
	CHECK(WAIT_UNTIL(logs_have("in-c", "one\ntwo\none\ntwo\n"), DEADLINE_MS),
	      "the inits did not run again");
	remove_pod("in");
}

static void test_init_fails(void)
{
	cleanup_result struct result r = play_pod(
		"f", "", "  restartPolicy: Never\n" INITS("exit 9", "echo two >>/v/x"), SHOWS);

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "'one'");
	CHECK_HAS(r.err, "9");
	CHECK_STATUS("f-one", "Exited (9) ");
	CHECK_STATUS("f-two", "Created");
	CHECK_STATUS("f-c", "Created");
	remove_pod("f");
}

static void test_init_retries(void)
{
	cleanup_result struct result r = play_pod(
		"r", "", INITS("test -e /v/ok || { touch /v/ok; exit 1; }", "echo two >>/v/x"),
		SHOWS);

	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "'one'");
	CHECK_STATUS("r-c", "Up ");
	CHECK_STATUS("r-one", "Exited (0) ");
	remove_pod("r");
}

/* ---- playing again ------------------------------------------------------------------------ */

static void test_play_again(void)
{
	static const char *const args = "    args: [sleep, \"0\"]\n";
	cleanup_free char *first = NULL, *second = NULL, *third = NULL, *fourth = NULL;
	cleanup_result struct result same = { 0 }, other = { 0 };

	PLAY(0, "p", "--start=false", "", args);
	CHECK_STATUS("p-c", "Created");
	CHECK(find_process("podium-monitor") == 0, "a monitor runs");
	first = pod_id("p");
	same = play_pod("p", "", "", args);
	CHECK_CODE(same, 0);
	CHECK_HAS(same.err, "pod 'p' unchanged");
	second = pod_id("p");
	CHECK_EQUAL(second, first);
	CHECK_STATUS("p-c", "Up ");
	other = play_pod("p", "", "", "    args: [sleep, \"1000\"]\n");
	CHECK_CODE(other, 0);
	CHECK_HAS(other.err, "pod 'p' configured");
	third = pod_id("p");
	CHECK(strcmp(third, first) != 0, "the pod was not replaced");
	PLAY(0, "p", "--replace", "", "    args: [sleep, \"1000\"]\n");
	fourth = pod_id("p");
	CHECK(strcmp(fourth, third) != 0, "--replace did not replace");
	CHECK_STATUS("p-c", "Up ");
	/* An unchanged pod that has ended is started. */
	MUST(0, "pod stop p");
	PLAY(0, "p", "", "", "    args: [sleep, \"1000\"]\n");
	CHECK_STATUS("p-c", "Up ");
	remove_pod("p");
}

/* A changed pod whose new form is refused keeps running in the old one. */
static void test_refused_change(void)
{
	int busy = wire_listen(WIRE_TCP, "0.0.0.0", 7999);
	cleanup_free char *before = NULL, *after = NULL;
	cleanup_result struct result r = { 0 };

	PLAY(0, "k", "", "", "    args: [sleep, \"0\"]\n");
	before = pod_id("k");
	r = play_pod("k", "", "", "    image: nosuch\n    args: [sleep, \"0\"]\n");
	CHECK_CODE(r, 125);
	result_done(&r);
	r = play_pod("k", "", "",
		     "    args: [sleep, \"0\"]\n    ports: [{containerPort: 1, hostPort: 7999}]\n");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "7999");
	after = pod_id("k");
	CHECK_EQUAL(after, before);
	CHECK_STATUS("k-c", "Up ");
	(void)close(busy);
	remove_pods();
}

static void test_stdin_and_several(void)
{
	cleanup_free char *a = pod_yaml("a", "", "    args: [sleep, \"0\"]\n");
	cleanup_free char *b = pod_yaml("b", "", "    args: [sleep, \"0\"]\n");
	cleanup_free char *both = xasprintf("%s---\n%s", a, b);
	cleanup_result struct result r = podium_stdin(both, "play kube -");
	cleanup_result struct result gen = { 0 };
	cleanup_free char *first = NULL;
	cleanup_free char *second = NULL;

	CHECK_CODE(r, 0);
	CHECK_STATUS("a-c", "Up ");
	CHECK_STATUS("b-c", "Up ");
	gen = podium("generate kube a b");
	CHECK_CODE(gen, 0);
	CHECK_HAS(gen.out, "name: a\n");
	CHECK_HAS(gen.out, "\n---\n");
	result_done(&r);
	r = podium_stdin(gen.out, "kube down -t 0 -");
	CHECK_CODE(r, 0);
	first = ps_field("a-c", "ID");
	second = ps_field("b-c", "ID");
	CHECK_EQUAL(first, "");
	CHECK_EQUAL(second, "");
}

/* ---- networks, limits --------------------------------------------------------------------- */

static void test_networks(void)
{
	cleanup_result struct result r = { 0 };

	(void)wire_neighbour();
	PLAY(0, "none", "--network none", "",
	     "    image: busybox\n    command: [sleep, \"1000\"]\n");
	r = podium("exec none-c ip -o link");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "lo:");
	CHECK_LACKS(r.out, "eth0");
	remove_pod("none");
	result_done(&r);
	PLAY(0, "h", "--network host", "", "    image: busybox\n    command: [sleep, \"1000\"]\n");
	r = podium("exec h-c ip -o link");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "up0");
	remove_pod("h");
	MUST(125, "play kube --network nosuch %s/none.yaml", harness.work);
}

static void test_memory_limit(void)
{
	PLAY(0, "m", "", "  restartPolicy: Never\n",
	     "    args: [memhog, \"128\"]\n    resources: {limits: {memory: 32Mi}}\n");
	if (!exists("/sys/fs/cgroup/memory") && !exists("/sys/fs/cgroup/memory.events"))
		TEST_SKIP("no memory controller");
	CHECK_STATUS("m-c", "Exited (137) ");
	CHECK_INSPECT("m-c", "{{.State.OOMKilled}} {{.State.ExitCode}}", "true 137");
	remove_pod("m");
	/* SIGKILL by somebody else is no lack of memory. */
	PLAY(0, "m", "", "  restartPolicy: Never\n",
	     "    args: [sleep, \"0\"]\n    resources: {limits: {memory: 32Mi}}\n");
	MUST(0, "stop -t 0 m-c");
	CHECK_INSPECT("m-c", "{{.State.OOMKilled}} {{.State.ExitCode}}", "false 137");
	remove_pod("m");
}

static void test_cpu_limit(void)
{
	cleanup_free char *pod = NULL, *id = NULL, *path = NULL, *text = NULL;

	if (!exists("/sys/fs/cgroup/cpu/cgroup.procs")) {
		TEST_SKIP("no cpu controller of v1");
		return;
	}
	PLAY(0, "cpu", "", "",
	     "    args: [sleep, \"0\"]\n    resources: {limits: {cpu: 250m, memory: 1.5Mi}}\n");
	pod = pod_id("cpu");
	id = ps_field("cpu-c", "ID");
	path = xasprintf("/sys/fs/cgroup/cpu/podium/%s/%s/cpu.cfs_quota_us", pod, id);
	text = read_file(path);
	CHECK_EQUAL(text, "25000\n");
	free(path);
	free(text);
	path = xasprintf("/sys/fs/cgroup/memory/podium/%s/%s/memory.limit_in_bytes", pod, id);
	text = read_file(path);
	CHECK_EQUAL(text, "1572864\n");
	remove_pod("cpu");
}

static void test_pids_limit(void)
{
	cleanup_free char *logs = NULL;
	int64_t n = 0;

	PLAY(0, "f", "", "  restartPolicy: Never\n", "    args: [fork-bomb, \"5000\"]\n");
	CHECK(WAIT_UNTIL(logs_have("f-c", "forked "), DEADLINE_MS), "no word of the forks");
	logs = logs_of("f-c");
	CHECK(sscanf(logs, "forked %ld", &n) == 1 && n > 1000 && n <= 2048, "%s", logs);
	remove_pod("f");
}

/* ---- at once ------------------------------------------------------------------------------ */

#define AT_ONCE 6

static void play_at_once(bool same)
{
	struct job jobs[AT_ONCE];
	int good = 0;

	for (int i = 0; i < AT_ONCE; i++) {
		cleanup_free char *name = xasprintf("par%d", same ? 0 : i);
		cleanup_free char *yaml = pod_yaml(name, "", "    args: [sleep, \"0\"]\n");
		cleanup_free char *file = xasprintf("par%d.yaml", i);

		write_file(file, "%s", yaml);
		jobs[i] = job_podium("play kube %s/%s", harness.work, file);
	}
	for (int i = 0; i < AT_ONCE; i++) {
		cleanup_result struct result r = job_wait(&jobs[i], DEADLINE_MS);

		good += r.code == 0;
		CHECK(r.code == 0 || (same && r.code == 125 && *r.err), "code %d: %s", r.code,
		      r.err);
	}
	CHECK(good >= 1, "none of the plays succeeded");
	for (int i = 0; i < (same ? 1 : AT_ONCE); i++) {
		cleanup_free char *name = xasprintf("par%d-c", i);

		CHECK_STATUS(name, "Up ");
	}
	{
		cleanup_result struct result r = podium("pod ps --format '{{.Status}}'");

		CHECK(strlen(r.out) == strlen("Running\n") * (same ? 1 : AT_ONCE), "pods: %s",
		      r.out);
	}
}

static void down_at_once(void)
{
	struct job jobs[AT_ONCE];

	for (int i = 0; i < AT_ONCE; i++)
		jobs[i] = job_podium("kube down -t 0 %s/par%d.yaml", harness.work, i / 2 * 2);
	for (int i = 0; i < AT_ONCE; i++) {
		cleanup_result struct result r = job_wait(&jobs[i], DEADLINE_MS);

		CHECK_CODE(r, 0);
	}
}

static void test_at_once(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (int round = 0; round < 3; round++) {
		play_at_once(false);
		down_at_once();
		remove_pods();
		CHECK_NOTHING_LEFT(&before, "different plays at once");
		play_at_once(true);
		down_at_once();
		CHECK_NOTHING_LEFT(&before, "the same play at once");
	}
}

static CU_TestInfo tests[] = {
	{ "restartPolicy Never, exit codes", test_never },
	{ "restartPolicy OnFailure", test_on_failure },
	{ "restartPolicy Always, back-off, fresh layer", test_always },
	{ "programs that cannot be run", test_not_runnable },
	{ "stop and start", test_stop },
	{ "grace period", test_grace },
	{ "pod stop, pod start", test_pod_stop_start },
	{ "stop and start without a breath", test_stop_start_at_once },
	{ "a start that is cut off", test_torn_start },
	{ "init containers in order", test_inits },
	{ "a failing init container", test_init_fails },
	{ "an init container that is retried", test_init_retries },
	{ "playing again", test_play_again },
	{ "a change that is refused", test_refused_change },
	{ "stdin, several documents", test_stdin_and_several },
	{ "--network", test_networks },
	{ "memory limit", test_memory_limit },
	{ "cpu limit", test_cpu_limit },
	{ "pids limit", test_pids_limit },
	{ "many at once", test_at_once },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "life", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
