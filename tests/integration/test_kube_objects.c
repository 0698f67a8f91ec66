/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_objects - what play makes beside pods, and how it goes: ConfigMaps, Secrets, claims,
 * workloads; dry runs, pruning, waiting, taking back.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/harness.h"

#define WORD "a-word-that-is-nowhere-else" /* the secret; stored in base64 */

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") ? 0 : 1;
}

static const char app[] =
	"apiVersion: v1\n"
	"kind: ConfigMap\n"
	"metadata: {name: conf}\n"
	"data: {key: one}\n"
	"---\n"
	"apiVersion: v1\n"
	"kind: Secret\n"
	"metadata: {name: sec}\n"
	"stringData: {word: " WORD "}\n"
	"---\n"
	"apiVersion: v1\n"
	"kind: PersistentVolumeClaim\n"
	"metadata: {name: claim}\n"
	"spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"
	"---\n"
	"apiVersion: apps/v1\n"
	"kind: Deployment\n"
	"metadata: {name: dep}\n"
	"spec:\n"
	"  selector: {matchLabels: {app: dep}}\n"
	"  template:\n"
	"    metadata: {labels: {app: dep}}\n"
	"    spec:\n"
	"      containers:\n"
	"      - name: c\n"
	"        image: payload\n"
	"        args: [sleep, \"0\"]\n"
	"        env:\n"
	"        - {name: K, valueFrom: {configMapKeyRef: {name: conf, key: key}}}\n"
	"        - {name: W, valueFrom: {secretKeyRef: {name: sec, key: word}}}\n";

#define POD(name, policy, args)                                                                    \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: " name "}\n"                                  \
	"spec:\n  restartPolicy: " policy "\n  containers: [{name: c, image: payload, args: " args \
	"}]\n"

static bool has_no(const char *kinds)
{
	cleanup_result struct result r = podium("kube get %s -A --no-headers", kinds);

	return CHECK_EQUAL(r.out, "");
}

/* ---- made, changed, gone ------------------------------------------------------------------ */

static void test_made(void)
{
	cleanup_result struct result r = play_text("app", "", app);
	cleanup_result struct result again = podium("kube play %s/app.yaml", harness.work);
	cleanup_result struct result get = podium("kube get deploy,cm,secrets,pvc -o name");
	cleanup_result struct result use = podium("kube describe cm conf");

	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.err, "configmap 'conf' created\nsecret 'sec' created\n"
			   "persistentvolumeclaim 'claim' created\ndeployment 'dep' created\n"
			   "pod 'dep-pod' created\n");
	CHECK_CODE(again, 0);
	CHECK_HAS(again.err, "configmap 'conf' unchanged\n");
	CHECK_HAS(again.err, "secret 'sec' unchanged\n");
	CHECK_HAS(again.err, "persistentvolumeclaim 'claim' unchanged\n");
	CHECK_HAS(again.err, "deployment 'dep' unchanged\npod 'dep-pod' unchanged\n");
	CHECK_EQUAL(get.out, "deployment.apps/dep\nconfigmap/conf\nsecret/sec\n"
			     "persistentvolumeclaim/claim\n");
	CHECK_HAS(use.out, "Used By:      dep-pod\n");
	CHECK_HAS(use.out, "key:\n----\none\n");
}

/* A Secret's value is in no output. */
static void test_secret(void)
{
	static const char *const lines[] = { "kube get secrets -o yaml",
					     "kube get secret sec -o json",
					     "kube get all,cm,secrets,pvc -o yaml",
					     "kube describe secret sec",
					     "kube describe pod dep-pod",
					     "kube describe deploy dep",
					     "kube get pods dep-pod -o yaml",
					     "kube get deploy -o yaml",
					     "inspect dep-pod-c",
					     "pod inspect dep-pod",
					     "ps -a --no-trunc",
					     "kube generate dep-pod" };
	cleanup_result struct result b64 = run("sh -c 'printf %%s " WORD " | base64'");
	cleanup_result struct result keys = podium("kube describe secret sec");
	cleanup_result struct result files = { 0 }, weak = { 0 };

	b64.out[strcspn(b64.out, "=\n")] = '\0';
	CHECK(strlen(b64.out) > 8, "no base64 of it");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		cleanup_result struct result r = podium("%s", lines[i]);

		CHECK_CODE(r, 0);
		CHECK_LACKS(r.out, WORD);
		CHECK_LACKS(r.out, b64.out);
		CHECK_LACKS(r.err, WORD);
	}
	CHECK_HAS(keys.out, "word:         27 bytes\n");
	/* On disk it is in its own file alone. */
	files = run("grep -rlE '%s|%s' %s %s", WORD, b64.out, harness.root, harness.runroot);
	CHECK(strstr(files.out, "/secrets/default/sec.json\n") &&
		      strchr(files.out, '\n') == files.out + strlen(files.out) - 1,
	      "in %s", files.out);
	(void)setenv("PODIUM_WEAKEN", "ENV-4", 1);
	weak = podium("kube get secret sec -o yaml");
	(void)unsetenv("PODIUM_WEAKEN");
	CHECK_HAS(weak.out, b64.out);
}

static void test_changed(void)
{
	cleanup_free char *text = replaced(app, "key: one", "key: two");
	cleanup_result struct result dry = play_text("app", "--dry-run", text);
	cleanup_result struct result before = podium("kube describe cm conf");
	cleanup_result struct result r = podium("kube play %s/app.yaml", harness.work);
	cleanup_result struct result after = podium("kube describe cm conf");

	CHECK_CODE(dry, 0);
	CHECK_EQUAL(dry.out, "");
	CHECK_HAS(dry.err, "configmap 'conf' configured (dry run)\n");
	CHECK_HAS(dry.err, "pod 'dep-pod' unchanged (dry run)\n");
	CHECK_HAS(before.out, "key:\n----\none\n");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "configmap 'conf' configured\n");
	CHECK_HAS(r.err, "pod 'dep-pod': environment variables change when it is started again\n");
	CHECK_HAS(after.out, "key:\n----\ntwo\n");
}

static void test_down(void)
{
	cleanup_result struct result other = { 0 }, r = { 0 }, twice = { 0 }, forced = { 0 };

	/* A pod of another file uses the Secret. */
	other = play_text(
		"other", "",
		POD("other", "Always",
		    "[sleep, \"0\"]") "  volumes: [{name: v, secret: {secretName: sec}}]\n");
	CHECK_CODE(other, 0);
	r = podium("kube down %s/app.yaml", harness.work);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "secret 'sec' stays: it is used by other\n");
	CHECK_HAS(r.err, "configmap 'conf' deleted\n");
	CHECK_HAS(r.err, "deployment 'dep' deleted\n");
	CHECK_HAS(r.out, "Secrets removed:\nVolumes removed:\n");
	remove_pod("other");
	twice = podium("kube down %s/app.yaml", harness.work);
	CHECK_CODE(twice, 0);
	CHECK_HAS(twice.out, "Secrets removed:\nsec\nVolumes removed:\n");
	MUST(0, "kube get pvc claim");
	forced = podium("kube down --force %s/app.yaml", harness.work);
	CHECK_HAS(forced.out, "Volumes removed:\nclaim\n");
	has_no("all,cm,secrets,pvc");
}

/* ---- refused, taken back ------------------------------------------------------------------ */

static void test_immutable(void)
{
	static const char first[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed}\n"
				    "immutable: true\ndata: {a: b}\n";
	static const char second[] =
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed}\n"
		"immutable: true\ndata: {a: c}\n---\n" POD("never", "Never", "[exit, \"0\"]");
	cleanup_result struct result one = play_text("fixed", "", first);
	cleanup_result struct result two = play_text("fixed", "", second);

	CHECK_CODE(one, 0);
	CHECK_CODE(two, 125);
	CHECK_HAS(two.err, "fixed.yaml:1: ConfigMap 'fixed': is immutable");
	MUST(1, "pod exists never");
	MUST(0, "kube delete cm fixed");
}

/* A play that fails leaves objects as they were. */
static void test_taken_back(void)
{
	cleanup_result struct result r = { 0 }, get = { 0 };

	MUST(0, "kube play %s/old.yaml",
	     (write_file("old.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n"
				     "data: {a: before}\n"),
	      harness.work));
	r = play_text("fails", "",
		      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n"
		      "data: {a: after}\n---\n"
		      "apiVersion: v1\nkind: Secret\nmetadata: {name: fresh}\n---\n"
		      "apiVersion: v1\nkind: Pod\nmetadata: {name: busy}\nspec:\n"
		      "  containers:\n"
		      "  - {name: c, image: payload, args: [sleep, \"0\"], "
		      "ports: [{containerPort: 1, hostPort: 7001}]}\n---\n"
		      "apiVersion: v1\nkind: Pod\nmetadata: {name: busier}\nspec:\n"
		      "  hostNetwork: true\n"
		      "  containers:\n"
		      "  - {name: c, image: payload:nosuch, imagePullPolicy: Never}\n");
	CHECK_CODE(r, 125);
	get = podium("kube describe cm old");
	CHECK_HAS(get.out, "before");
	MUST(1, "kube get secret fresh");
	MUST(1, "pod exists busy");
	MUST(0, "kube down %s/old.yaml", harness.work);
	has_no("all,cm,secrets");
}

#define OVERTAKEN(value) \
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {a: " value "}\n"

static bool is_shared(const char *value)
{
	cleanup_result struct result r = podium("kube describe cm shared");

	return r.out && strstr(r.out, value);
}

/* A play that fails late does not undo what another one has written meanwhile. */
static void test_overtaken(void)
{
	cleanup_free char *go = xasprintf("%s/overtaken", harness.work);
	cleanup_free char *first = NULL, *second = NULL;
	cleanup_result struct result r = { 0 };
	struct job j;

	if (!load_image("busybox"))
		return;
	write_file("overtaken/none", "\n");
	first = xasprintf(
		OVERTAKEN("first") "---\n"
				   "apiVersion: v1\nkind: Pod\nmetadata: {name: slow}\nspec:\n"
				   "  terminationGracePeriodSeconds: 60\n  containers:\n"
				   "  - {name: c, image: busybox, command: [sh, -c, 'trap \"exit "
				   "0\" TERM; "
				   "sleep 1000 & wait'], lifecycle: {preStop: {exec: {command: "
				   "[sh, -c, "
				   "'until [ -e /go/go ]; do sleep 0.1; done']}}}, "
				   "volumeMounts: [{name: v, mountPath: /go}]}\n"
				   "  volumes: [{name: v, hostPath: {path: %s}}]\n",
		go);
	second = xasprintf(
		OVERTAKEN("second") "---\n"
				    "apiVersion: v1\nkind: Pod\nmetadata: {name: slow}\nspec:\n"
				    "  containers: [{name: c, image: busybox:going, "
				    "imagePullPolicy: Never}]\n");
	MUST(0, "tag busybox busybox:going");
	r = play_text("first", "", first);
	CHECK_CODE(r, 0);
	result_done(&r);
	write_file("second.yaml", "%s", second);
	j = job_podium("kube play %s/second.yaml", harness.work);
	CHECK(WAIT_UNTIL(is_shared("second"), DEADLINE_MS), "the second play writes");
	MUST(0, "rmi busybox:going");
	DISCARD(play_text("third", "", OVERTAKEN("third")));
	write_file("overtaken/go", "\n");
	r = job_wait(&j, DEADLINE_MS);
	CHECK_CODE(r, 125);
	CHECK(is_shared("third"), "the third play's word counts");
	MUST(0, "kube delete cm shared");
}

static void test_port_taken(void)
{
	cleanup_result struct result r = { 0 };

	DISCARD(play_pod("holder", "", "  hostNetwork: false\n",
			 "    args: [sleep, \"0\"]\n    ports: [{containerPort: 1, hostPort: "
			 "7002}]\n"));
	r = play_text("late", "",
		      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gone}\n---\n"
		      "apiVersion: v1\nkind: Pod\nmetadata: {name: late}\nspec:\n"
		      "  containers:\n"
		      "  - {name: c, image: payload, args: [sleep, \"0\"], "
		      "ports: [{containerPort: 1, hostPort: 7002}]}\n");
	CHECK_CODE(r, 125);
	MUST(1, "pod exists late");
	has_no("cm");
	remove_pod("holder");
}

/* ---- pruning ------------------------------------------------------------------------------ */

static void test_prune(void)
{
	static const char both[] =
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c1}\n---\n" POD(
			"p1", "Always", "[sleep, \"0\"]") "---\n" POD("p2", "Always",
								      "[sleep, \"0\"]");
	cleanup_result struct result dry = { 0 }, r = { 0 }, in = { 0 };

	DISCARD(play_text("pr", "", both));
	DISCARD(play_text("elsewhere", "", POD("p3", "Always", "[sleep, \"0\"]")));
	dry = play_text("pr", "--prune --dry-run", POD("p1", "Always", "[sleep, \"0\"]"));
	CHECK_HAS(dry.err, "pod 'p2' deleted (dry run)\nconfigmap 'c1' deleted (dry run)\n");
	MUST(0, "pod exists p2");
	r = podium("kube play --prune %s/pr.yaml", harness.work);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "pod 'p2' deleted\nconfigmap 'c1' deleted\n");
	MUST(1, "pod exists p2");
	MUST(0, "pod exists p1");
	MUST(0, "pod exists p3");
	in = podium_stdin(both, "kube play --prune -");
	CHECK_CODE(in, 125);
	remove_pods();
	has_no("all,cm");
}

/* ---- waiting ------------------------------------------------------------------------------ */

static void test_wait(void)
{
	cleanup_result struct result ready =
		play_text("r", "--wait=ready", POD("r", "Always", "[sleep, \"0\"]"));
	cleanup_result struct result ended =
		play_text("e", "--wait=completed", POD("e", "Never", "[exit, \"6\"]"));
	cleanup_result struct result well =
		play_text("w", "--wait=completed", POD("w", "Never", "[exit, \"0\"]"));
	cleanup_result struct result never =
		play_text("never", "--wait=completed", POD("never", "Always", "[sleep, \"0\"]"));
	cleanup_result struct result late =
		play_text("l", "--wait=completed --timeout 0", POD("l", "Never", "[sleep, \"0\"]"));
	cleanup_result struct result unready = play_text(
		"u", "--wait=ready --timeout 1",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: u}\n"
		"spec:\n  containers:\n  - {name: c, image: payload, args: [sleep, \"0\"], "
		"readinessProbe: {exec: {command: [/nosuch]}}}\n");

	CHECK_CODE(ready, 0);
	CHECK_CODE(ended, 6);
	CHECK_CODE(well, 0);
	CHECK_CODE(never, 125);
	CHECK_HAS(never.err, "nothing here ever ends");
	MUST(1, "pod exists never");
	CHECK_CODE(late, 125);
	CHECK_HAS(late.err, "not completed after 0 seconds: pod 'l'");
	CHECK_CODE(unready, 125);
	CHECK_HAS(unready.err, "not ready after 1 seconds: pod 'u' (Running)");
	MUST(0, "pod exists l");
	MUST(125, "kube play --wait=maybe %s/l.yaml", harness.work);
	MUST(125, "kube play --timeout 3 %s/l.yaml", harness.work);
	remove_pods();
}

static const char volume_and_secret[] =
	"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\n"
	"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: %s}\n"
	"spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\n";

static void test_foreground(void)
{
	cleanup_free char *kept = xasprintf(volume_and_secret, "kept");
	cleanup_free char *both = xasprintf("%s%s", kept, POD("f", "Never", "[exit, \"9\"]"));
	cleanup_result struct result first = play_text("kept", "", kept);
	cleanup_result struct result r = play_text("f", "--wait", both);
	cleanup_result struct result left = podium("kube get all,secrets,pvc -o name");

	CHECK_CODE(first, 0);
	CHECK_CODE(r, 9);
	/* What was there before this play stays, Secret and claim. */
	CHECK_EQUAL(left.out, "secret/s\npersistentvolumeclaim/kept\n");
	MUST(0, "kube down --force %s/kept.yaml", harness.work);
	r = (result_done(&r), podium("kube play --wait %s/f.yaml", harness.work));
	CHECK_CODE(r, 9);
	has_no("all,secrets,pvc");
}

static void test_signal(void)
{
	cleanup_result struct result r = { 0 };
	struct job j;

	write_file("sig.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\n%s",
		   POD("sig", "Always", "[sleep, \"0\"]"));
	j = job_podium("kube play --wait %s/sig.yaml", harness.work);
	CHECK(WAIT_UNTIL(ps_begins("sig-c", "Status", "Up "), DEADLINE_MS), "it is not up");
	(void)kill(j.pid, SIGTERM);
	r = job_wait(&j, DEADLINE_MS);
	CHECK_CODE(r, 128 + SIGTERM);
	has_no("all,secrets");
}

/* ---- jobs --------------------------------------------------------------------------------- */

static void test_job(void)
{
	static const char text[] = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\n"
				   "spec:\n  backoffLimit: 0\n  template:\n    spec:\n"
				   "      restartPolicy: Never\n      containers:\n"
				   "      - {name: c, image: payload, args: [exit, \"CODE\"]}\n";
	cleanup_free char *good = replaced(text, "CODE", "0"), *bad = replaced(text, "CODE", "3");
	cleanup_result struct result well = play_text("good", "--wait=completed", good);
	cleanup_result struct result get = podium("kube get job j --no-headers");
	cleanup_result struct result yaml = podium("kube get job j -o yaml");
	cleanup_result struct result ill = play_text("bad", "--wait=completed", bad);
	cleanup_result struct result why = podium("kube describe job j");
	cleanup_result struct result gone = podium("kube delete job j");
	cleanup_result struct result front = play_text("bad", "--wait", bad);

	CHECK_CODE(well, 0);
	CHECK_HAS(get.out, "j   Complete   1/1 ");
	CHECK_HAS(yaml.out, "type: Complete\n");
	CHECK_HAS(yaml.out, "succeeded: 1\n");
	CHECK_CODE(ill, 1);
	CHECK_HAS(why.out, "Reason:         BackoffLimitExceeded\n");
	CHECK_EQUAL(gone.out, "job \"j\" deleted\n");
	CHECK_CODE(front, 1);
	has_no("all");
}

/* ---- names -------------------------------------------------------------------------------- */

static void test_two_namespaces(void)
{
	static const char far[] =
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: far}\n"
		"spec: {containers: [{name: c, image: payload, args: [sleep, \"0\"]}]}\n";
	cleanup_result struct result one =
		play_text("near", "", POD("p", "Always", "[sleep, \"0\"]"));
	cleanup_result struct result two = play_text("far", "", far);

	CHECK_CODE(one, 0);
	CHECK_CODE(two, 125);
	CHECK_HAS(two.err, "pod 'p' exists in namespace 'default'");
	remove_pod("p");
}

static void test_option(void)
{
	cleanup_result struct result r = { 0 }, down = { 0 };

	write_file("conf.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: opt}\n"
				"data: {a: b}\n");
	write_file("use.yaml", "%s",
		   "apiVersion: v1\nkind: Pod\nmetadata: {name: use}\nspec:\n  containers:\n"
		   "  - {name: c, image: payload, args: [sleep, \"0\"], "
		   "envFrom: [{configMapRef: {name: opt}}]}\n");
	r = podium("kube play --configmap %s/conf.yaml %s/use.yaml", harness.work, harness.work);
	CHECK_CODE(r, 0);
	MUST(125, "kube play --annotation x %s/use.yaml", harness.work);
	MUST(0, "kube play --configmap %s/conf.yaml --annotation example.com/a=b=c %s/use.yaml",
	     harness.work, harness.work);
	CHECK(is_inspected("use", "{{index .Annotations \"example.com/a\"}}", "b=c"), "none");
	down = podium("kube down %s/use.yaml", harness.work);
	CHECK_CODE(down, 0);
	MUST(0, "kube delete cm opt"); /* not of the file: it stays */
}

static CU_TestInfo tests[] = {
	{ "made, unchanged", test_made },
	{ "a Secret's value is nowhere", test_secret },
	{ "changed, dry run", test_changed },
	{ "down", test_down },
	{ "immutable", test_immutable },
	{ "taken back", test_taken_back },
	{ "not taken back when overtaken", test_overtaken },
	{ "taken back after a busy port", test_port_taken },
	{ "prune", test_prune },
	{ "wait", test_wait },
	{ "wait in the foreground", test_foreground },
	{ "a signal ends it", test_signal },
	{ "jobs", test_job },
	{ "one name, two namespaces", test_two_namespaces },
	{ "--configmap, --annotation", test_option },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "kube objects", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
