/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifests - what somebody who knows kubectl pastes first, played together: how each pod ends up in
 * `kube get pods`, what it has said, and what `describe` tells of the ones that fail.
 */
#include <stdio.h>
#include <string.h>

#include "tests/integration/harness.h"

#define WAIT_MS 30000

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

/* READY and STATUS of a pod of the table; the caller's. */
static char *state_of(const char *table, const char *pod)
{
	cleanup_free char *copy = xstrdup(table);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[64] = "", ready[16] = "", status[64] = "";

		if (sscanf(line, "%*s %63s %15s %63s", name, ready, status) == 3 &&
		    strcmp(name, pod) == 0)
			return xasprintf("%s %s", ready, status);
	}
	return xstrdup("");
}

static bool is_state(const char *pod, const char *state)
{
	cleanup_result struct result r = podium("kube get pods -A --no-headers");
	cleanup_free char *now = state_of(r.out, pod);

	return strcmp(now, state) == 0;
}

static bool is_described(const char *pod, const char *part)
{
	cleanup_result struct result r = podium("kube describe pod %s", pod);

	return strstr(r.out, part) != NULL;
}

/* Plays the stream once; a pod whose start fails makes 125 of it. */
static bool play_all(void)
{
	cleanup_free char *yaml = testdata("integration/newcomer.yaml");
	cleanup_result struct result r = play_text("newcomer", "", yaml);

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "Error: pod 'noprogram': container 'c': no program 'nonesuch'");
	CHECK_HAS(r.err, "Error: pod 'mustnot': container 'c': must not run as root");
	CHECK_HAS(r.err, "Warning: pod 'retried': container 'flaky': init container ended with 1");
	CHECK_LACKS(r.err, "container 'c': container 'c'");
	return CHECK_HAS(r.err, "configmap 'settings' created\n");
}

static const struct {
	const char *pod, *state;
	const char *says; /* part of its log, or NULL */
	const char *why;  /* part of its description, or NULL */
} rows[] = {
	{ "two", "1/2 NotReady", NULL, "Exit Code:    0" },
	{ "environment", "1/1 Running", "level 3 $(GREETING) $(NOWHERE) rootless environment 250",
	  "Secret with prefix X_" },
	{ "files", "0/1 CrashLoopBackOff", "zone=\"north\"colour = green\n440 /all/app.conf\n",
	  "QoS Class:        BestEffort" },
	{ "names", "1/1 Running", "first.row.default.svc.cluster.local", NULL },
	{ "retried", "2/2 Running", NULL, "Last State:" },
	{ "refused", "0/1 Init:Error", NULL, "Exit Code:    4" },
	{ "crash", "0/1 CrashLoopBackOff", NULL, "Message:      last words\n      Exit Code:" },
	{ "killed", "0/1 Error", NULL, "Exit Code:    137" },
	{ "waits", "0/1 Running", NULL, "Readiness probe failed: HTTP status 404" },
	{ "late", "0/1 Error", NULL, "Reason:           DeadlineExceeded" },
	{ "noprogram", "0/1 CrashLoopBackOff", NULL, "Message:      no program 'nonesuch'" },
	{ "mustnot", "0/1 CreateContainerConfigError", NULL, "Restart Count:  0" },
	{ "together", "2/2 Running", NULL, NULL },
	{ "agent-pod", "1/1 Running", NULL, NULL },
};

static void test_first_things(void)
{
	if (!play_all())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_free char *ctr = xasprintf("%s-c", rows[i].pod);

		CHECK(WAIT_UNTIL(is_state(rows[i].pod, rows[i].state), WAIT_MS),
		      "pod '%s' is not '%s'", rows[i].pod, rows[i].state);
		if (rows[i].says)
			CHECK(WAIT_UNTIL(logs_have(ctr, rows[i].says), WAIT_MS),
			      "'%s' does not say '%s'", ctr, rows[i].says);
		if (rows[i].why)
			CHECK(WAIT_UNTIL(is_described(rows[i].pod, rows[i].why), WAIT_MS),
			      "pod '%s' is not described with '%s'", rows[i].pod, rows[i].why);
	}
}

/* Of what never ran nobody says that it was lost, and `ps` says that it is tried again. */
static void test_never_begun(void)
{
	cleanup_result struct result all = podium("ps -a --format '{{.Names}} {{.Status}}'");
	cleanup_result struct result r = podium("kube get pod mustnot -o json");

	CHECK_HAS(all.out, "noprogram-c Restarting (127)");
	CHECK_HAS(all.out, "mustnot-c Restarting (125)");
	CHECK_LACKS(all.out, "unknown");
	CHECK_HAS(r.out, "\"phase\": \"Pending\"");
	CHECK_HAS(r.out, "\"restartCount\": 0");
	CHECK_HAS(r.out, "\"lastState\": {}");
}

/* Each comes back as it was written, the one of another namespace, too. */
static void test_law(void)
{
	cleanup_result struct result agent = podium("kube generate -n kube-system daemonset/agent");
	cleanup_result struct result none = podium("kube generate daemonset/agent");

	CHECK_CODE(agent, 0);
	CHECK_HAS(agent.out, "kind: DaemonSet\n");
	CHECK_CODE(none, 125);
	for (size_t i = 0; i < ARRAY_SIZE(rows) - 1; i++) {
		cleanup_result struct result r = podium("kube generate pod/%s", rows[i].pod);
		cleanup_result struct result again = podium_stdin(r.out, "kube play --dry-run -");
		cleanup_free char *said = xasprintf("pod '%s' unchanged", rows[i].pod);

		CHECK_CODE(again, 0);
		CHECK_HAS(again.err, said);
	}
}

static void test_down(void)
{
	cleanup_result struct result r = podium("kube down -t 0 %s/newcomer.yaml", harness.work);
	cleanup_result struct result again = podium("kube down %s/newcomer.yaml", harness.work);
	cleanup_result struct result left = podium("kube get pods -A --no-headers");

	CHECK_CODE(r, 0);
	CHECK_CODE(again, 0);
	CHECK_EQUAL(left.out, "");
}

/* A folder of the host that a claim is bound to is looked for before anything is made. */
static void test_missing_folder(void)
{
	cleanup_result struct result r = play_text(
		"disk", "",
		"apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: disk}\nspec:\n"
		"  {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], storageClassName: m,\n"
		"   hostPath: {path: /nowhere/at/all}}\n---\n"
		"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: disk}\nspec:\n"
		"  {accessModes: [ReadWriteOnce], storageClassName: m,\n"
		"   resources: {requests: {storage: 1Gi}}}\n---\n"
		"apiVersion: v1\nkind: Pod\nmetadata: {name: d}\nspec:\n"
		"  containers: [{name: c, image: busybox, volumeMounts: [{name: v, mountPath: "
		"/v}]}]\n"
		"  volumes: [{name: v, persistentVolumeClaim: {claimName: disk}}]\n");
	cleanup_result struct result claims = podium("kube get pvc --no-headers");

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "persistentvolumeclaim 'disk': host path '/nowhere/at/all' does not exist "
			 "(type DirectoryOrCreate makes it)");
	CHECK_EQUAL(claims.out, "");
}

/* --timeout counts from the start of the play, whatever it is that takes long. */
static void test_timeout_of_a_start(void)
{
	cleanup_result struct result r = play_text(
		"slow", "--wait=ready --timeout 1",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: slow}\nspec:\n  containers:\n"
		"  - name: c\n    image: busybox\n    command: [sleep, \"1000\"]\n"
		"    lifecycle: {postStart: {exec: {command: [sleep, \"1000\"]}}}\n");

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "not ready after 1 seconds: pod 'slow'");
	remove_pods();
}

static CU_TestInfo tests[] = {
	{ "first things", test_first_things },
	{ "never begun", test_never_begun },
	{ "law", test_law },
	{ "down", test_down },
	{ "missing folder", test_missing_folder },
	{ "timeout of a start", test_timeout_of_a_start },
	CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
	{ "manifests", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

TEST_MAIN(suites)
