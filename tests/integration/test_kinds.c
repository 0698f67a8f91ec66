/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds - what other kinds than Pod do when they are played: the pod of a Deployment with all that it
 * refers to, volumes of the host by PersistentVolumes, what a play finds of an earlier one.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

static const char config_map[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
				 "data: {greeting: hello, app.conf: \"listen = 80\\n\"}\n";
static const char secret[] = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\n"
			     "stringData: {password: hunter2}\n";

/* A Deployment of one busybox that uses both, and the claim `data`. */
static char *deployment(const char *name)
{
	return xasprintf(
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s}\nspec:\n"
		"  selector: {matchLabels: {app: %s}}\n  template:\n"
		"    metadata: {labels: {app: %s}}\n    spec:\n      containers:\n"
		"      - name: c\n        image: busybox\n"
		"        command: [sh, -c, 'cat /conf/app.conf; echo $GREETING $password; "
		"echo from %s >> /data/file; sleep 1000']\n"
		"        env: [{name: GREETING, valueFrom: {configMapKeyRef: {name: settings, key: "
		"greeting}}}]\n"
		"        envFrom: [{secretRef: {name: keys}}]\n"
		"        volumeMounts: [{name: conf, mountPath: /conf}, {name: data, mountPath: "
		"/data}]\n"
		"      volumes:\n      - {name: conf, configMap: {name: settings}}\n"
		"      - {name: data, persistentVolumeClaim: {claimName: data}}\n",
		name, name, name, name);
}

static char *volume_and_claim(const char *path)
{
	return xasprintf("apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: disk}\nspec:\n"
			 "  capacity: {storage: 1Gi}\n  accessModes: [ReadWriteOnce]\n"
			 "  storageClassName: manual\n"
			 "  hostPath: {path: %s, type: DirectoryOrCreate}\n---\n"
			 "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n"
			 "spec:\n  storageClassName: manual\n  accessModes: [ReadWriteOnce]\n"
			 "  resources: {requests: {storage: 1Gi}}\n",
			 path);
}

static void play(int code, const char *name, const char *options, const char *yaml)
{
	cleanup_result struct result r = play_text(name, options, yaml);

	CHECK_CODE(r, code);
}

/* Everything in one file, what is referred to after what refers to it. */
static void test_deployment(void)
{
	cleanup_free char *folder = xasprintf("%s/disk", harness.work);
	cleanup_free char *workload = deployment("web"), *disk = volume_and_claim(folder);
	cleanup_free char *yaml =
		xasprintf("%s---\n%s---\n%s---\n%s", workload, disk, config_map, secret);
	cleanup_free char *file = xasprintf("%s/file", folder), *text = NULL, *said = NULL;

	play(0, "web", "", yaml);
	CHECK(WAIT_UNTIL(logs_have("web-pod-c", "hello hunter2"), DEADLINE_MS), "no greeting");
	said = logs_of("web-pod-c");
	CHECK_HAS(said, "listen = 80");
	CHECK(WAIT_UNTIL(exists("%s", file), DEADLINE_MS), "nothing in the volume");
	text = read_file(file);
	CHECK_EQUAL(text, "from web\n");
	remove_pod("web-pod");
}

/* The store has what the files do not say again. */
static void test_by_name(void)
{
	cleanup_free char *workload = deployment("later");

	play(0, "later", "", workload);
	CHECK(WAIT_UNTIL(logs_have("later-pod-c", "hello hunter2"), DEADLINE_MS), "no greeting");
	remove_pod("later-pod");
}

/* What is nowhere is told with its place, and nothing is made. */
static void test_missing(void)
{
	cleanup_free char *workload = deployment("nothing");
	cleanup_result struct result r = { 0 };

	harness_fresh("missing");
	load_image("busybox");
	r = play_text("nothing", "", workload);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "valueFrom.configMapKeyRef.name: there is no ConfigMap 'settings'");
	CHECK_HAS(r.err, "secretRef.name: there is no Secret 'keys'");
	CHECK(!exists("%s/kube/deployment/default/nothing", harness.root), "an object was made");
	harness_store(NULL, NULL);
}

static void test_config_map_option(void)
{
	static const char pod[] =
		"apiVersion: v1\nkind: Pod\nmetadata: {name: opt}\nspec:\n  restartPolicy: Never\n"
		"  containers:\n  - name: c\n    image: busybox\n"
		"    command: [sh, -c, 'echo got $word']\n"
		"    envFrom: [{configMapRef: {name: words}}]\n";
	cleanup_free char *maps = xasprintf("%s/words.yaml", harness.work);
	cleanup_free char *option = xasprintf("--configmap %s", maps);
	cleanup_result struct result r = { 0 };

	write_file(maps, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words}\n"
			 "data: {word: five}\n");
	play(0, "opt", option, pod);
	CHECK(WAIT_UNTIL(logs_have("opt-c", "got five"), DEADLINE_MS), "no word");
	remove_pod("opt");
	r = play_text("both", option,
		      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words}\ndata: {a: b}\n");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "is ambiguous");
}

/* A second play leaves the pod alone; a changed template replaces it; down takes it away. */
static void test_again(void)
{
	static const char one[] = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: rs}\n"
				  "spec:\n  selector: {matchLabels: {a: b}}\n  template:\n"
				  "    metadata: {labels: {a: b}}\n    spec:\n"
				  "      terminationGracePeriodSeconds: 0\n"
				  "      containers: [{name: c, image: busybox, command: [sleep, "
				  "'1000']}]\n";
	cleanup_free char *other = replaced(one, "'1000'", "'1001'");
	cleanup_free char *none =
		replaced(one, "spec:\n  selector", "spec:\n  replicas: 0\n  selector");
	cleanup_free char *first = NULL, *second = NULL, *third = NULL;

	play(0, "rs", "", one);
	first = pod_id("rs-pod");
	play(0, "rs", "", one);
	second = pod_id("rs-pod");
	CHECK_EQUAL(second, first);
	play(0, "rs", "", other);
	third = pod_id("rs-pod");
	CHECK(!is_equal(third, first), "the pod was not replaced");
	play(0, "rs", "", none);
	MUST(1, "pod exists rs-pod");
	play(0, "rs", "", one);
	MUST(0, "kube down %s/rs.yaml", harness.work);
	MUST(1, "pod exists rs-pod");
	CHECK(!exists("%s/kube/replicaset/default/rs", harness.root), "the object is left");
}

static CU_TestInfo tests[] = {
	{ "a Deployment with all that it refers to", test_deployment },
	{ "what an earlier play has left", test_by_name },
	{ "what is nowhere", test_missing },
	{ "--configmap", test_config_map_option },
	{ "played again, with no replica, down", test_again },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "kinds", begin, harness_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
