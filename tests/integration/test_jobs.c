/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs - Jobs from play to their end: success, failures with back-off, completions in parallel and by
 * index, deadline, time to live, suspension, changes; and what a kill -9 of those who work for a Job
 * costs it, which is nothing.
 *
 * Pods count their runs in a file of the host.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define COUNT "echo x >> /x/log; n=$(wc -l < /x/log); "

/* spec: lines of the Job's spec, indented by 2. */
static char *job_yaml(const char *name, const char *spec, const char *policy, const char *script)
{
	return xasprintf("apiVersion: batch/v1\nkind: Job\nmetadata: {name: %s}\nspec:\n%s"
			 "  template:\n    spec:\n      restartPolicy: %s\n"
			 "      terminationGracePeriodSeconds: 1\n"
			 "      volumes: [{name: x, hostPath: {path: %s/x}}]\n"
			 "      containers:\n"
			 "      - {name: c, image: busybox, command: [sh, -c, '%s'], "
			 "volumeMounts: [{name: x, mountPath: /x}]}\n",
			 name, spec, policy, harness.work, script);
}

static void play_job(const char *name, const char *options, const char *spec, const char *policy,
		     const char *script)
{
	cleanup_free char *dir = xasprintf("%s/x", harness.work);
	cleanup_free char *text = job_yaml(name, spec, policy, script);

	remove_path(dir);
	write_file("x/log", "%s", "");
	{
		cleanup_result struct result r = play_text(name, options, text);

		CHECK_CODE(r, 0);
	}
}

static char *record_of(const char *name)
{
	cleanup_free char *path = xasprintf("%s/kube/job/default/%s/job.json", harness.root, name);

	return read_file(path);
}

static bool has_record(const char *name, const char *part)
{
	cleanup_free char *text = record_of(name);
	cleanup_free char *dense = text ? replaced(text, "\": ", "\":") : NULL;

	return dense && strstr(dense, part);
}

#define CHECK_RECORD(name, part)                                                       \
	({                                                                             \
		bool is_so_ = WAIT_UNTIL(has_record((name), (part)), DEADLINE_MS);     \
		cleanup_free char *text_ = record_of(name);                            \
		CHECK(is_so_, "no %s in the record of %s: %s", (part), (name), text_); \
	})

static int runs(void)
{
	cleanup_free char *log = read_file("x/log");
	int n = 0;

	for (const char *p = log; p && *p; p++)
		n += *p == '\n';
	return n;
}

static pid_t job_monitor_of(const char *name)
{
	cleanup_free char *words = xasprintf("podium-monitor job %s %s default/%s", harness.root,
					     harness.runroot, name);

	return find_process(words);
}

static void check_ended(const char *name)
{
	CHECK(WAIT_UNTIL(job_monitor_of(name) == 0, DEADLINE_MS), "the monitor of %s stays", name);
}

static void down(const char *name)
{
	MUST(0, "kube down %s/%s.yaml", harness.work, name);
}

/* The first Job of a store makes the folder of Jobs, which stays. */
static int begin(void)
{
	if (harness_begin() != 0 || !load_image("busybox"))
		return 1;
	play_job("first", "", "  suspend: true\n", "Never", "exit 0");
	down("first");
	return 0;
}

static void test_success(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	play_job("ok", "", "", "Never", COUNT "exit 0");
	CHECK_RECORD("ok", "\"condition\":\"Complete\"");
	CHECK(has_record("ok", "\"succeeded\":1"), "not counted");
	check_ended("ok");
	CHECK(runs() == 1, "%d runs", runs());
	MUST(0, "inspect ok-pod");
	/* Done is done: nothing runs again. */
	MUST(0, "kube play %s/ok.yaml", harness.work);
	CHECK(runs() == 1, "run again");
	MUST(0, "kube play --wait=completed %s/ok.yaml", harness.work);
	MUST(0, "kube play --replace --wait=completed %s/ok.yaml", harness.work);
	CHECK(runs() == 2, "--replace did not run it again");
	down("ok");
	CHECK_NOTHING_LEFT(&before, "a Job");
}

/* Two failures with back-off of 10 and 20 s would be long: one of a pod, others of its containers. */
static void test_failures(void)
{
	play_job("twice", "", "", "OnFailure", COUNT "test $n -gt 2");
	CHECK_RECORD("twice", "\"condition\":\"Complete\"");
	CHECK(runs() == 3, "%d runs", runs());
	down("twice");
	play_job("pods", "", "", "Never", COUNT "test $n -gt 1");
	CHECK_RECORD("pods", "\"failed\":1");
	CHECK(has_record("pods", "\"nextStart\":"), "no back-off");
	MUST(0, "inspect pods-pod"); /* the failed pod stays, for its log */
	CHECK_RECORD("pods", "\"condition\":\"Complete\"");
	CHECK(runs() == 2, "%d runs", runs());
	MUST(0, "inspect pods-pod-1");
	down("pods");
	MUST(1, "pod exists pods-pod");
	MUST(1, "pod exists pods-pod-1");
}

static void test_limits(void)
{
	play_job("limit", "", "  backoffLimit: 0\n", "Never", COUNT "exit 3");
	CHECK_RECORD("limit", "\"reason\":\"BackoffLimitExceeded\"");
	MUST(1, "kube play --wait=completed %s/limit.yaml", harness.work);
	check_ended("limit");
	CHECK(runs() == 1, "%d runs", runs());
	down("limit");
	/* Restarts of containers count, too. */
	play_job("inner", "", "  backoffLimit: 1\n", "OnFailure", COUNT "exit 3");
	CHECK_RECORD("inner", "\"reason\":\"BackoffLimitExceeded\"");
	check_ended("inner");
	down("inner");
}

static void test_parallel(void)
{
	play_job("par", "", "  completions: 4\n  parallelism: 2\n", "Never", COUNT "sleep 1");
	CHECK_RECORD("par", "\"condition\":\"Complete\"");
	CHECK(has_record("par", "\"succeeded\":4"), "not counted");
	CHECK(runs() == 4, "%d runs", runs());
	down("par");
}

static void test_indexed(void)
{
	cleanup_free char *log = NULL;

	play_job("ix", "", "  completions: 3\n  parallelism: 3\n  completionMode: Indexed\n",
		 "Never", "echo index=$JOB_COMPLETION_INDEX >> /x/log; hostname >> /x/log");
	CHECK_RECORD("ix", "\"condition\":\"Complete\"");
	log = read_file("x/log");
	CHECK_HAS(log, "index=0\n");
	CHECK_HAS(log, "index=1\n");
	CHECK_HAS(log, "index=2\n");
	CHECK_HAS(log, "ix-2\n");
	down("ix");
}

static void test_deadline(void)
{
	play_job("late", "", "  activeDeadlineSeconds: 2\n", "Never", COUNT "sleep 1000");
	CHECK_RECORD("late", "\"reason\":\"DeadlineExceeded\"");
	check_ended("late");
	CHECK(ps_begins("late-pod-c", "Status", "Exited "), "its pod runs on");
	down("late");
}

static void test_ttl(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	play_job("ttl", "", "  ttlSecondsAfterFinished: 2\n", "Never", COUNT "exit 0");
	CHECK_RECORD("ttl", "\"condition\":\"Complete\"");
	CHECK(WAIT_UNTIL(!exists("%s/kube/job/default/ttl", harness.root), DEADLINE_MS),
	      "it is still there");
	check_ended("ttl");
	CHECK_NOTHING_LEFT(&before, "a Job whose time is over");
}

static void test_suspend(void)
{
	play_job("sus", "", "  suspend: true\n", "Never", COUNT "exit 0");
	CHECK_RECORD("sus", "\"condition\":\"Suspended\"");
	check_ended("sus"); /* nobody waits for nothing */
	CHECK(runs() == 0, "it runs");
	{
		cleanup_free char *text = job_yaml("sus", "", "Never", COUNT "exit 0");
		cleanup_result struct result r = play_text("sus", "", text);

		CHECK_CODE(r, 0);
	}
	CHECK_RECORD("sus", "\"condition\":\"Complete\"");
	CHECK(runs() == 1, "%d runs", runs());
	down("sus");
}

/* Another count is the same Job; another program is another one. */
static void test_change(void)
{
	cleanup_free char *more = NULL, *other = NULL;
	pid_t pid;

	play_job("chg", "", "  parallelism: 1\n  completions: 2\n", "Never", COUNT "sleep 1000");
	CHECK(WAIT_UNTIL(runs() == 1, DEADLINE_MS), "no run");
	pid = container_pid("chg-pod-0-c");
	more = job_yaml("chg", "  parallelism: 2\n  completions: 2\n", "Never", COUNT "sleep 1000");
	DISCARD(play_text("chg", "", more));
	CHECK(WAIT_UNTIL(runs() == 2, DEADLINE_MS), "no second pod");
	CHECK(container_pid("chg-pod-0-c") == pid, "the first was replaced");
	other = job_yaml("chg", "", "Never", COUNT "exit 0");
	DISCARD(play_text("chg", "", other));
	CHECK_RECORD("chg", "\"condition\":\"Complete\"");
	CHECK(runs() == 3, "%d runs", runs());
	MUST(1, "pod exists chg-pod-1");
	down("chg");
}

static void test_kills(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *id = NULL, *words = NULL;

	snapshot_take(&before);
	play_job("k", "", "", "Never", COUNT "until [ -e /x/go ]; do sleep 0.1; done");
	CHECK(WAIT_UNTIL(runs() == 1, DEADLINE_MS), "no run");
	/* The conductor of its pod: the monitor finds another. */
	id = pod_id("k-pod");
	words = xasprintf("podium-monitor conductor %s %s %s", harness.root, harness.runroot, id);
	end_process(find_process(words));
	CHECK(WAIT_UNTIL(find_process(words) > 1, DEADLINE_MS), "no new conductor");
	/* The monitor itself: by play, and by the start of a pod. */
	end_process(job_monitor_of("k"));
	check_ended("k");
	MUST(0, "kube play %s/k.yaml", harness.work);
	CHECK(job_monitor_of("k") > 1, "play does not adopt it");
	end_process(job_monitor_of("k"));
	check_ended("k");
	MUST(0, "pod start k-pod");
	CHECK(job_monitor_of("k") > 1, "pod start does not adopt it");
	/* Both, and what was missed is noticed afterwards. */
	end_process(job_monitor_of("k"));
	check_ended("k");
	write_file("x/go", "%s", "");
	CHECK(WAIT_UNTIL(ps_begins("k-pod-c", "Status", "Exited (0)"), DEADLINE_MS), "no end");
	CHECK(has_record("k", "\"active\":1"), "who counted it?");
	MUST(0, "kube play %s/k.yaml", harness.work);
	CHECK_RECORD("k", "\"condition\":\"Complete\"");
	CHECK(runs() == 1, "%d runs", runs());
	check_ended("k");
	down("k");
	CHECK_NOTHING_LEFT(&before, "a Job that was killed");
}

/* What options of play say holds for the pods that the Job makes by itself. */
static void test_options(void)
{
	cleanup_free char *id = NULL, *dir = xasprintf("%s/x", harness.work);
	cleanup_free char *text =
		job_yaml("opt", "  backoffLimit: 1\n", "Never", COUNT "[ $n -ge 2 ]");

	remove_path(dir);
	write_file("x/log", "%s", "");
	{
		cleanup_result struct result r =
			play_text("opt", "--network host --no-pod-prefix", text);

		CHECK_CODE(r, 0);
		id = pod_id("opt-pod");
		CHECK_HAS(r.out, id);
	}
	CHECK_RECORD("opt", "\"condition\":\"Complete\"");
	CHECK(is_inspected("c", "{{.Name}}", "c"), "not called by its own name");
	CHECK(is_inspected("opt-pod-1-c", "{{.State.ExitCode}}", "0"), "no second pod");
	CHECK(is_inspected("opt-pod", "{{.InfraConfig.HostNetwork}}", "true"), "not the host's");
	CHECK(is_inspected("opt-pod-1", "{{.InfraConfig.HostNetwork}}", "true"), "not the host's");
	/* Without them it is another Job. */
	{
		cleanup_result struct result same = podium(
			"kube play --network host --no-pod-prefix %s/opt.yaml", harness.work);
		cleanup_result struct result r = podium("kube play %s/opt.yaml", harness.work);

		CHECK_HAS(same.err, "job 'opt' unchanged");
		CHECK_HAS(same.out, id);
		CHECK_HAS(r.err, "job 'opt' configured");
		CHECK_LACKS(r.out, id);
	}
	CHECK(is_inspected("opt-pod-c", "{{.Name}}", "opt-pod-c"), "not called as usual");
	CHECK(is_inspected("opt-pod", "{{.InfraConfig.HostNetwork}}", "false"), "still the host's");
	MUST(125, "kube play --network nowhere %s/opt.yaml", harness.work);
	down("opt");
}

static CU_TestInfo tests[] = {
	{ "success", test_success },
	{ "failures and back-off", test_failures },
	{ "limits", test_limits },
	{ "completions in parallel", test_parallel },
	{ "completions by index", test_indexed },
	{ "deadline", test_deadline },
	{ "time to live", test_ttl },
	{ "suspended", test_suspend },
	{ "changed", test_change },
	{ "options of play", test_options },
	{ "killed", test_kills },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "jobs", begin, harness_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
