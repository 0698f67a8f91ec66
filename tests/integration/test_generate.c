/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate - what kube generate makes of a pod besides the pod: workloads, Services, what takes the
 * place of a hostPath, notes. Every document must pass kube validate and, where kubectl is at hand,
 * its typed decoding.
 *
 * Nothing is started. test_law.c has the law itself.
 */
#include <stdio.h>
#include <string.h>

#include "tests/integration/harness.h"
#include "tests/support/oracle.h"

static const char web[] = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n"
			  "  labels: {app: shop, tier: front}\n  annotations: {note: hello}\n"
			  "spec:\n  containers:\n  - name: a\n    image: localhost/payload\n"
			  "    ports:\n    - {containerPort: 80, hostPort: 8080}\n"
			  "    - {containerPort: 53, hostPort: 31053, protocol: UDP, name: dns}\n"
			  "    volumeMounts:\n    - {name: folder, mountPath: /folder}\n"
			  "    - {name: file, mountPath: /etc/page}\n"
			  "  volumes:\n  - name: folder\n    hostPath: {path: %s/site}\n"
			  "  - name: file\n    hostPath: {path: %s/page.txt, type: File}\n";

static int begin(void)
{
	cleanup_free char *yaml = NULL;

	if (harness_begin() != 0)
		return 1;
	CHECK(load_image("payload"), "image");
	write_file("site/index.html", "%s", "a page\n");
	write_file("site/blob", "%s", "\xff\xfe");
	write_file("page.txt", "%s", "one page\n");
	yaml = xasprintf(web, harness.work, harness.work);
	{
		cleanup_result struct result r = play_text("web", "--start=false", yaml);

		return CHECK_CODE(r, 0) ? 0 : 1;
	}
}

/* kubectl reads it without a complaint, and kube validate has no error. */
static void check_document(const char *yaml)
{
	cleanup_result struct result r = podium_stdin(yaml, "kube validate -");
	char *const kubectl[] = { (char *)"kubectl", (char *)"version", (char *)"--client", NULL };
	cleanup_free char *json = NULL;

	/* a StatefulSet is written for clusters; here it is not played yet */
	CHECK_CODE(r, strstr(yaml, "kind: StatefulSet") ? 125 : 0);
	if (oracle_has(kubectl))
		CHECK(oracle_kubectl(yaml, strlen(yaml), &json) == 0, "kubectl refuses:\n%s", yaml);
	else
		printf("kubectl is not at hand: its decoding is skipped\n");
}

static void check_generated(const char *options, const char *const *has, const char *const *lacks)
{
	cleanup_result struct result r = podium("kube generate %s web", options);

	if (!CHECK_CODE(r, 0))
		return;
	for (; *has; has++)
		CHECK_HAS(r.out, *has);
	for (; *lacks; lacks++)
		CHECK_LACKS(r.out, *lacks);
	check_document(r.out);
}
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NONE	   ((const char *const[]){ NULL })

static void test_types(void)
{
	check_generated("-t deployment -r 3",
			WORDS("kind: Deployment", "name: web-deployment", "replicas: 3",
			      "matchLabels:\n      app: shop\n      tier: front",
			      "      annotations:\n        note: hello", "hostPort: 8080"),
			WORDS("restartPolicy", "kind: Service"));
	check_generated("--type=daemonset", WORDS("kind: DaemonSet", "name: web-daemonset"),
			WORDS("replicas:"));
	check_generated("--type=statefulset",
			WORDS("kind: StatefulSet", "serviceName: web", "replicas: 1"), NONE);
	check_generated(
		"--type=job",
		WORDS("kind: Job", "name: web-job", "completions: 1", "      restartPolicy: Never"),
		WORDS("selector"));
}

static void test_type_refused(void)
{
	cleanup_result struct result r =
		play_text("never", "--start=false",
			  "apiVersion: v1\nkind: Pod\nmetadata: {name: never}\n"
			  "spec:\n  restartPolicy: Never\n  containers:\n"
			  "  - {name: a, image: localhost/payload}\n");
	cleanup_result struct result deployment = podium("kube generate -t deployment never");
	cleanup_result struct result job = podium("kube generate -t job never");
	cleanup_result struct result plain = podium("kube generate -r 2 web");
	cleanup_result struct result zero = podium("kube generate -t deployment -r 0 web");
	cleanup_result struct result word = podium("kube generate -t cronjob web");
	cleanup_result struct result nothing = podium("kube generate nothing-of-this-name");

	CHECK_CODE(r, 0);
	CHECK_CODE(deployment, 125);
	CHECK_HAS(deployment.err, "restartPolicy 'Never' cannot be had");
	CHECK_CODE(job, 0);
	CHECK_HAS(job.out, "      restartPolicy: Never");
	CHECK_HAS(job.out, "        app: never"); /* something must be selected */
	CHECK_CODE(plain, 125);
	CHECK_HAS(plain.err, "--replicas needs");
	CHECK_CODE(zero, 125);
	CHECK_CODE(word, 125);
	CHECK_HAS(word.err, "'cronjob' is not known");
	CHECK_CODE(nothing, 125);
	CHECK_HAS(nothing.err, "no such pod, container or volume: 'nothing-of-this-name'");
}

static void test_service(void)
{
	cleanup_result struct result never = podium("kube generate -s never");

	check_generated("-s",
			WORDS("kind: Service", "type: NodePort",
			      "nodePort: 32544\n    port: 80\n    targetPort: 80",
			      "name: dns\n    nodePort: 31053\n    port: 53\n    protocol: UDP",
			      "containerPort: 80"),
			WORDS("hostPort"));
	CHECK_CODE(never, 125);
	CHECK_HAS(never.err, "has no ports");
}

static void test_host_path(void)
{
	check_generated("--hostpath=configmap",
			WORDS("kind: ConfigMap\nmetadata:\n  name: web-folder",
			      "index.html: |\n    a page", "blob: //4=", "name: web-file",
			      "subPath: page.txt"),
			WORDS("hostPath"));
	check_generated("--hostpath=pvc",
			WORDS("kind: PersistentVolumeClaim", "claimName: web-folder",
			      "storage: 1Gi", "subPath: page.txt"),
			WORDS("hostPath"));
	MUST(125, "kube generate --hostpath=nfs web");
	write_file("site/below/x", "%s", "x");
	{
		cleanup_result struct result r = podium("kube generate --hostpath=configmap web");

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "volume 'folder'");
		CHECK_HAS(r.err, "a ConfigMap is flat");
	}
}

static void test_for_cluster(void)
{
	cleanup_result struct result r = podium("kube generate --for-cluster web");
	cleanup_result struct result good =
		play_text("good", "--start=false",
			  "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\nspec:\n"
			  "  securityContext: {runAsNonRoot: true, runAsUser: 7,\n"
			  "    seccompProfile: {type: RuntimeDefault}}\n  containers:\n"
			  "  - name: a\n    image: localhost/payload\n"
			  "    securityContext: {allowPrivilegeEscalation: false,\n"
			  "      capabilities: {drop: [ALL]}}\n");
	cleanup_result struct result level = podium("kube generate --for-cluster good");

	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "volume 'folder': hostPath");
	CHECK_HAS(r.err, "container 'a': hostPort 8080");
	CHECK_HAS(r.err, "Pod Security level: privileged");
	CHECK_HAS(r.err, "not 'baseline': volume 'file' is a hostPath");
	CHECK_CODE(good, 0);
	CHECK_HAS(level.err, "Pod Security level: restricted");
	CHECK_LACKS(level.err, "not '");
}

static void test_stream(void)
{
	cleanup_result struct result r = podium("kube generate -s -t deployment web good");

	CHECK_CODE(r, 125); /* good has no port */
	{
		cleanup_result struct result both = podium("kube generate web good");

		CHECK_CODE(both, 0);
		check_document(both.out);
		CHECK(strncmp(both.out, "---\n", 4) == 0, "does not begin with ---");
	}
}

static void test_kinds(void)
{
	cleanup_result struct result r =
		play_text("shop", "--start=false",
			  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
			  "data: {a: b}\n---\napiVersion: v1\nkind: Secret\n"
			  "metadata: {name: login}\nstringData: {p: word-of-no-book}\n---\n"
			  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec:\n"
			  "  selector: {matchLabels: {app: shop}}\n  template:\n"
			  "    metadata: {labels: {app: shop}}\n    spec:\n      containers:\n"
			  "      - name: c\n        image: localhost/payload\n"
			  "        envFrom: [{configMapRef: {name: settings}}]\n"
			  "        env:\n        - name: P\n"
			  "          valueFrom: {secretKeyRef: {name: login, key: p}}\n");
	cleanup_result struct result all = podium("kube generate deployment/shop");
	cleanup_result struct result pod = podium("kube generate pod/shop-pod");
	cleanup_result struct result map = podium("kube generate cm/settings");
	cleanup_result struct result secret = podium("kube generate secret/login");
	cleanup_result struct result typed = podium("kube generate -t job deployment/shop");
	cleanup_result struct result none = podium("kube generate deployment/none");

	CHECK_CODE(r, 0);
	CHECK_CODE(all, 0);
	CHECK(strncmp(all.out, "---\napiVersion: v1\nkind: ConfigMap", 34) == 0,
	      "what is referred to comes first");
	CHECK_HAS(all.out, "kind: Deployment");
	CHECK_CODE(pod, 0);
	CHECK_HAS(pod.out, "kind: Pod");
	check_document(pod.out);
	CHECK_HAS(all.err, "Secret 'login' stays a reference");
	CHECK_LACKS(all.out, "word-of-no-book");
	CHECK_LACKS(all.out, "kind: Secret");
	check_document(all.out);
	CHECK_CODE(map, 0);
	CHECK_HAS(map.out, "  a: b");
	CHECK_CODE(secret, 125);
	CHECK_HAS(secret.err, "never written");
	CHECK_CODE(typed, 125);
	CHECK_CODE(none, 125);
	CHECK_HAS(none.err, "there is no Deployment 'none'");
}

static CU_TestInfo tests[] = {
	{ "--type", test_types },
	{ "types that a pod cannot have", test_type_refused },
	{ "--service", test_service },
	{ "--hostpath", test_host_path },
	{ "--for-cluster", test_for_cluster },
	{ "several pods", test_stream },
	{ "KIND/NAME", test_kinds },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "generate", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
