/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conductor - kill -9 of a pod's conductor in each state that a pod goes through: the next one finds
 * what there is and goes on, timers included. And what the conductor does by itself: the pod's
 * deadline, a sandbox that dies again and again.
 *
 * Containers wait for files of the host and append to one, so that no test depends on a moment.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define MOUNT	   "volumeMounts: [{name: x, mountPath: /x}]"
#define SH(script) "image: busybox, command: [sh, -c, '" script "'], " MOUNT
/* Says NAME, then NAME-down when it is told to end. */
#define LOOP(name)                                      \
	SH("echo " name " >> /x/log; trap \"echo " name \
	   "-down >> /x/log; exit 0\" TERM; while :; do sleep 0.1; done")
#define MEMBER "  containers:\n  - {name: c, " LOOP("c") "}\n"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

static char *manifest(const char *name, const char *spec)
{
	return xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n"
			 "  volumes: [{name: x, hostPath: {path: %s/x}}]\n%s",
			 name, harness.work, spec);
}

/* Plays in the background, since some of them are not up for long. */
static struct job play(const char *name, const char *spec)
{
	cleanup_free char *dir = xasprintf("%s/x", harness.work);
	cleanup_free char *text = manifest(name, spec);
	cleanup_free char *file = xasprintf("%s.yaml", name);

	remove_path(dir);
	write_file("x/log", "%s", "");
	write_file(file, "%s", text);
	return job_podium("play kube %s/%s", harness.work, file);
}

static void end_job(struct job *j)
{
	cleanup_result struct result r = job_wait(j, DEADLINE_MS);
}

static void play_up(const char *name, const char *spec)
{
	struct job j = play(name, spec);
	cleanup_result struct result r = job_wait(&j, DEADLINE_MS);

	CHECK_CODE(r, 0);
}

static bool is_story(const char *text)
{
	cleanup_free char *now = read_file("x/log");

	return is_equal(now, text);
}

#define CHECK_STORY(text)                                               \
	({                                                              \
		bool is_so_ = WAIT_UNTIL(is_story(text), DEADLINE_MS);  \
		cleanup_free char *now_ = read_file("x/log");           \
		CHECK(is_so_, "instead of:\n%swas:\n%s", (text), now_); \
	})

/* The command goes first: it would undo a pod whose conductor dies before it is up. */
static void kill_job(struct job *j)
{
	(void)kill(j->pid, SIGKILL);
	end_job(j);
}

static void kill_conductor(const char *pod)
{
	pid_t pid = conductor_of(pod);

	if (!CHECK(pid > 1, "no conductor of %s", pod))
		return;
	(void)kill(pid, SIGKILL);
	CHECK(WAIT_UNTIL(conductor_of(pod) == 0, DEADLINE_MS), "it lives");
}

/* The record of the pod as a whole. */
static char *infra_record(const char *pod)
{
	cleanup_free char *id = inspect(pod, "{{.InfraContainerID}}");
	cleanup_free char *path = xasprintf("%s/containers/%s/state.json", harness.root, id);

	return read_file(path);
}

static bool has_record(const char *pod, const char *part)
{
	cleanup_free char *text = infra_record(pod);

	return text && strstr(text, part);
}

static bool has_event(const char *pod, const char *reason)
{
	cleanup_free char *id = pod_id(pod);
	cleanup_free char *path = xasprintf("%s/pods/%s/events", harness.root, id);
	cleanup_free char *text = read_file(path);

	return text && strstr(text, reason);
}

/* ---- killed in each state ----------------------------------------------------------------- */

static void test_init(void)
{
	struct job j = play(
		"i",
		"  initContainers:\n  - {name: i, " SH(
			"echo i >> /x/log; until [ -e /x/go ]; do sleep 0.1; done; echo i-end >> "
			"/x/log") "}\n"
				  "  - {name: k, " SH("echo k >> /x/log") "}\n" MEMBER);

	CHECK_STORY("i\n");
	kill_job(&j);
	kill_conductor("i");
	j = job_podium("pod start i");
	CHECK(WAIT_UNTIL(conductor_of("i") > 1, DEADLINE_MS), "no new conductor");
	write_file("x/go", "%s", "");
	end_job(&j);
	CHECK_STORY("i\ni-end\nk\nc\n"); /* the first was adopted, not run again */
	/* One that did its work is not run again either; a new sandbox runs them all. */
	kill_conductor("i");
	MUST(0, "pod start i");
	MUST(0, "pod stop -t 5 i");
	CHECK_STORY("i\ni-end\nk\nc\nc-down\n");
	MUST(0, "pod start i");
	CHECK_STORY("i\ni-end\nk\nc\nc-down\ni\ni-end\nk\nc\n");
	remove_pod("i");
}

/* The back-off is the monitor's: it runs on, and its end is heard by the next conductor. */
static void test_init_backoff(void)
{
	struct job j = play("ib", "  initContainers:\n  - {name: i, " SH(
					  "echo i >> /x/log; test -e /x/go") "}\n" MEMBER);

	CHECK_STORY("i\ni\n"); /* the first retry comes at once, the next after 10 s */
	CHECK_STATUS("ib-i", "Restarting (1)");
	end_job(&j); /* with a warning: retries go on */
	kill_conductor("ib");
	write_file("x/go", "%s", "");
	j = job_podium("pod start ib");
	CHECK_STORY("i\ni\ni\nc\n");
	end_job(&j);
	CHECK_STATUS("ib-i", "Exited (0)");
	remove_pod("ib");
}

static void test_sidecar_starting(void)
{
	struct job j =
		play("s", "  initContainers:\n  - {name: s, restartPolicy: Always, "
			  "startupProbe: {exec: {command: [test, -e, /x/go]}, periodSeconds: "
			  "1, failureThreshold: 60}, " LOOP("s") "}\n" MEMBER);

	CHECK_STORY("s\n");
	kill_job(&j);
	kill_conductor("s");
	j = job_podium("pod start s");
	CHECK(WAIT_UNTIL(conductor_of("s") > 1, DEADLINE_MS), "no new conductor");
	write_file("x/go", "%s", "");
	end_job(&j);
	CHECK_STORY("s\nc\n");
	/* Started already: the next one knows. */
	kill_conductor("s");
	MUST(0, "pod start s");
	CHECK(is_story("s\nc\n"), "something was started again");
	remove_pod("s");
}

static void test_member_backoff(void)
{
	play_up("bo", "  containers:\n  - {name: c, " SH("echo c >> /x/log; exit 4") "}\n");
	CHECK(WAIT_UNTIL(
		      is_inspected("bo-c", "{{.RestartCount}} {{.State.Status}}", "1 restarting"),
		      DEADLINE_MS),
	      "no back-off");
	kill_conductor("bo");
	MUST(0, "pod start bo");
	CHECK(is_inspected("bo-c", "{{.RestartCount}} {{.State.Status}}", "1 restarting"),
	      "the back-off was forgotten");
	CHECK_STORY("c\nc\nc\n");
	remove_pod("bo");
}

/* A stop that was going on is finished first, in order; then the pod starts anew. */
static void test_stopping(void)
{
	struct job stop, start;

	play_up("t", "  initContainers:\n  - {name: s, restartPolicy: Always, " LOOP(
			     "s") "}\n"
				  "  containers:\n  - {name: c, " SH(
					  "trap \"echo c-down >> /x/log; until [ -e /x/go ]; do "
					  "sleep 0.1; done; "
					  "echo c-end >> /x/log; exit 0\" TERM; echo c >> /x/log; "
					  "while :; do sleep "
					  "0.1; done") "}\n");
	CHECK(WAIT_UNTIL(is_story("s\nc\n") || is_story("c\ns\n"), DEADLINE_MS), "not up");
	write_file("x/log", "%s", "");
	stop = job_podium("pod stop -t 50 t");
	CHECK_STORY("c-down\n");
	kill_job(&stop); /* it would end the pod by itself */
	kill_conductor("t");
	start = job_podium("pod start t");
	CHECK(WAIT_UNTIL(conductor_of("t") > 1, DEADLINE_MS), "no new conductor");
	write_file("x/go", "%s", "");
	end_job(&start);
	CHECK(WAIT_UNTIL(is_story("c-down\nc-end\ns-down\ns\nc\n") ||
				 is_story("c-down\nc-end\ns-down\nc\ns\n"),
			 DEADLINE_MS),
	      "not stopped in order and started again");
	{
		cleanup_free char *now = read_file("x/log");

		CHECK_HAS(now, "c-end\ns-down\n");
	}
	CHECK_STATUS("t-c", "Up ");
	remove_pod("t");
}

/* Who waits for the stop sees to it that it goes on, in order, within its grace. */
static void test_stop_goes_on(void)
{
	cleanup_result struct result r = { 0 };
	struct job stop;
	pid_t pid;

	play_up("g", "  initContainers:\n  - {name: s, restartPolicy: Always, " LOOP(
			     "s") "}\n"
				  "  containers:\n  - {name: c, " SH(
					  "trap \"echo c-down >> /x/log; until [ -e /x/go ]; do "
					  "sleep 0.1; done; "
					  "echo c-end >> /x/log; exit 0\" TERM; echo c >> /x/log; "
					  "while :; do sleep "
					  "0.1; done") "}\n");
	CHECK(WAIT_UNTIL(is_story("s\nc\n") || is_story("c\ns\n"), DEADLINE_MS), "not up");
	write_file("x/log", "%s", "");
	stop = job_podium("pod stop -t 50 g");
	CHECK_STORY("c-down\n");
	pid = conductor_of("g");
	if (!CHECK(pid > 1, "no conductor"))
		return;
	(void)kill(pid, SIGKILL);
	CHECK(WAIT_UNTIL(conductor_of("g") > 1 && conductor_of("g") != pid, DEADLINE_MS),
	      "nobody goes on");
	CHECK(is_story("c-down\n"), "told twice, or ended");
	write_file("x/go", "%s", "");
	r = job_wait(&stop, DEADLINE_MS);
	CHECK_CODE(r, 0);
	CHECK(is_story("c-down\nc-end\ns-down\n"), "not stopped in order");
	CHECK_STATUS("g-c", "Exited (0)");
	CHECK(conductor_of("g") == 0, "it goes on");
	/* One that was dead before, too. */
	remove_path("x/go");
	MUST(0, "pod start g");
	CHECK(WAIT_UNTIL(ps_begins("g-c", "Status", "Up"), DEADLINE_MS), "not up");
	write_file("x/go", "%s", "");
	write_file("x/log", "%s", "");
	kill_conductor("g");
	MUST(0, "pod stop -t 50 g");
	CHECK(is_story("c-down\nc-end\ns-down\n"), "killed without grace");
	remove_pod("g");
}

static void test_ready(void)
{
	cleanup_free char *before = NULL, *after = NULL;
	pid_t pid;

	play_up("r",
		"  containers:\n  - {name: c, readinessProbe: {exec: {command: [test, -e, "
		"/x/log]}, periodSeconds: 1}, " LOOP(
			"c") "}\n"
			     "  - {name: d, " SH("echo d >> /x/log") "}\n  restartPolicy: Never\n");
	CHECK_STATUS("r-d", "Exited (0)");
	pid = container_pid("r-c");
	before = inspect("r-c", "{{.State.StartedAt}}");
	kill_conductor("r");
	/* Of an unchanged pod play makes what it was: what has ended stays so. */
	MUST(0, "play kube %s/r.yaml", harness.work);
	CHECK(conductor_of("r") > 1, "play does not adopt");
	CHECK(container_pid("r-c") == pid, "started again");
	after = inspect("r-c", "{{.State.StartedAt}}");
	CHECK_EQUAL(after, before);
	CHECK(WAIT_UNTIL(is_story("c\nd\n") || is_story("d\nc\n"), DEADLINE_MS),
	      "what had ended was started again");
	/* The new conductor keeps the pipes, as the first did. */
	(void)kill(find_process("podium-monitor container"), SIGKILL);
	CHECK_STATUS("r-c", "Up (monitor lost)");
	MUST(0, "exec r-c sh -c 'echo x > /proc/1/fd/1'");
	CHECK(container_pid("r-c") == pid, "it died with its monitor");
	remove_pod("r");
}

/* ---- the deadline ------------------------------------------------------------------------- */

static void test_deadline(void)
{
	cleanup_free char *first = NULL;

	play_up("dl", "  activeDeadlineSeconds: 4\n  terminationGracePeriodSeconds: 20\n" MEMBER);
	CHECK_STORY("c\n");
	first = infra_record("dl");
	kill_conductor("dl");
	MUST(0, "pod start dl");
	/* Counted from the start of the pod, by whoever conducts it. */
	CHECK_STORY("c\nc-down\n");
	CHECK(WAIT_UNTIL(has_record("dl", "\"exited\"") || has_record("dl", "DeadlineExceeded"),
			 DEADLINE_MS),
	      "the pod goes on");
	CHECK(WAIT_UNTIL(conductor_of("dl") == 0, DEADLINE_MS), "the conductor goes on");
	CHECK(has_record("dl", "\"reason\":\"DeadlineExceeded\"") ||
		      has_record("dl", "\"reason\": \"DeadlineExceeded\""),
	      "no reason");
	CHECK(has_event("dl", "DeadlineExceeded"), "no event");
	CHECK_STATUS("dl-c", "Exited (0)");
	/* Started again it has its time again. */
	MUST(0, "pod start dl");
	CHECK(!has_record("dl", "DeadlineExceeded"), "the reason stays");
	CHECK_STORY("c\nc-down\nc\nc-down\n");
	remove_pod("dl");
}

/* ---- the sandbox -------------------------------------------------------------------------- */

static bool kill_pause(const char *pod)
{
	cleanup_free char *text = infra_record(pod);
	struct error err = { 0 };
	json_t *j = text ? json_loads(text, 0, NULL) : NULL;
	pid_t pid = (pid_t)json_integer_value(json_object_get(j, "pid"));

	(void)err;
	json_decref(j);
	return pid > 1 && kill(pid, SIGKILL) == 0;
}

static void test_sandbox(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	play_up("p", "  initContainers:\n  - {name: i, " SH("echo i >> /x/log") "}\n" MEMBER);
	CHECK_STORY("i\nc\n");
	CHECK(kill_pause("p"), "no pause");
	CHECK_STORY("i\nc\ni\nc\n"); /* at once, inits too */
	CHECK(has_event("p", "SandboxChanged"), "no event");
	CHECK(WAIT_UNTIL(has_record("p", "running"), DEADLINE_MS), "not up again");
	CHECK(kill_pause("p"), "no pause");
	CHECK(WAIT_UNTIL(has_record("p", "restarting"), DEADLINE_MS), "no back-off");
	CHECK(is_story("i\nc\ni\nc\n"), "started without back-off");
	/* Nobody need wait for it. */
	MUST(0, "pod start p");
	CHECK_STORY("i\nc\ni\nc\ni\nc\n");
	CHECK(WAIT_UNTIL(has_record("p", "running") && kill_pause("p"), DEADLINE_MS), "no pause");
	CHECK(WAIT_UNTIL(has_record("p", "restarting"), DEADLINE_MS), "no back-off");
	MUST(0, "pod stop p");
	CHECK(conductor_of("p") == 0, "it waits on");
	remove_pod("p");
	CHECK_NOTHING_LEFT(&before, "a pod whose sandbox died");
}

static CU_TestInfo tests[] = {
	{ "killed during an init container", test_init },
	{ "killed in the back-off of an init container", test_init_backoff },
	{ "killed while a sidecar starts", test_sidecar_starting },
	{ "killed in the back-off of a member", test_member_backoff },
	{ "killed while it stops the pod", test_stopping },
	{ "killed while a stop is waited for", test_stop_goes_on },
	{ "killed when all is ready", test_ready },
	{ "the deadline, over a kill", test_deadline },
	{ "a sandbox that dies", test_sandbox },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "conductor", begin, harness_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
