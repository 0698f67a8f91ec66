/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volumes - what manifests say of volumes, in real pods: files of ConfigMaps, Secrets and the pod,
 * claims, images, subPaths; what a container leaves in them for podium to fall over.
 */
#include <string.h>
#include <sys/stat.h>

#include "tests/integration/harness.h"
#include "tests/support/canary.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

/* The output of a shell's words in a container, or what went wrong. The caller's. */
static char *shell(const char *container, const char *words)
{
	cleanup_result struct result r = podium("exec %s sh -c '%s'", container, words);

	return r.code == 0 ? steal_ptr(&r.out) : xasprintf("exit %d: %s", r.code, r.err);
}

#define CHECK_SHELL(container, words, expected)                     \
	({                                                          \
		cleanup_free char *said_ = shell(container, words); \
		CHECK_EQUAL(said_, expected);                       \
	})

static void play(const char *name, int code, const char *yaml)
{
	cleanup_result struct result r = play_text(name, "", yaml);

	CHECK_CODE(r, code);
}

#define CONFIG(a)                   \
	"apiVersion: v1\n"          \
	"kind: ConfigMap\n"         \
	"metadata: {name: conf}\n"  \
	"data:\n"                   \
	"  a.txt: " a "\n"          \
	"  b.sh: |\n"               \
	"    #!/bin/sh\n"           \
	"    echo ran\n"            \
	"binaryData: {bin: AAEC}\n" \
	"---\n"
#define SECRET                     \
	"apiVersion: v1\n"         \
	"kind: Secret\n"           \
	"metadata: {name: key}\n"  \
	"stringData: {pw: hush}\n" \
	"---\n"
#define POD(name, spec)               \
	"apiVersion: v1\n"            \
	"kind: Pod\n"                 \
	"metadata:\n"                 \
	"  name: " name "\n"          \
	"  labels: {app: shop}\n"     \
	"spec:\n"                     \
	"  containers:\n"             \
	"  - name: c\n"               \
	"    image: busybox\n"        \
	"    command: [sleep, inf]\n" \
	"" spec

#define ALL_KINDS                                                                        \
	"    env: [{name: A, valueFrom: {configMapKeyRef: {name: conf, key: a.txt}}}]\n" \
	"    volumeMounts:\n"                                                            \
	"    - {name: conf, mountPath: /conf}\n"                                         \
	"    - {name: conf, mountPath: /one, subPath: a.txt}\n"                          \
	"    - {name: key, mountPath: /key}\n"                                           \
	"    - {name: all, mountPath: /all}\n"                                           \
	"  volumes:\n"                                                                   \
	"  - name: conf\n"                                                               \
	"    configMap: {name: conf, defaultMode: 0755}\n"                               \
	"  - name: key\n"                                                                \
	"    secret: {secretName: key, items: [{key: pw, path: deep/pw, mode: 0400}]}\n" \
	"  - name: all\n"                                                                \
	"    projected:\n"                                                               \
	"      sources:\n"                                                               \
	"      - secret: {name: key}\n"                                                  \
	"      - configMap: {name: nothing, optional: true}\n"                           \
	"      - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}\n"

static void test_files(void)
{
	play("files", 0, SECRET CONFIG("one") POD("files", ALL_KINDS));
	CHECK_SHELL("files-c", "cat /conf/a.txt; /conf/b.sh; od -An -tx1 /conf/bin",
		    "oneran\n 00 01 02\n");
	CHECK_SHELL("files-c", "cat /key/deep/pw; stat -L -c %a /key/deep/pw", "hush400\n");
	CHECK_SHELL("files-c", "cat /all/pw /all/labels", "hushapp=\"shop\"");
	CHECK_SHELL("files-c", "touch /conf/x /key/x /all/x 2>/dev/null || echo read-only",
		    "read-only\n");
	/* A ConfigMap that changes: files follow, the environment and a subPath do not. */
	play("files", 0, SECRET CONFIG("two") POD("files", ALL_KINDS));
	CHECK_SHELL("files-c",
		    "cat /conf/a.txt /one; tr \"\\0\" \"\\n\" < /proc/1/environ | grep ^A=",
		    "twooneA=one\n");
	MUST(0, "pod stop -t 0 files");
	MUST(0, "pod start files");
	CHECK_SHELL("files-c",
		    "cat /conf/a.txt /one; tr \"\\0\" \"\\n\" < /proc/1/environ | grep ^A=",
		    "twotwoA=two\n");
	remove_pod("files");
}

static void test_missing(void)
{
	cleanup_result struct result r =
		play_text("missing", "",
			  POD("missing", "    volumeMounts: [{name: v, mountPath: /v}]\n"
					 "  volumes: [{name: v, secret: {secretName: none}}]\n"));

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "none");
	remove_pods();
}

/* Nobody misses what no container mounts, as in a cluster. */
static void test_unmounted(void)
{
	cleanup_result struct result r = play_text(
		"unmounted", "",
		CONFIG("one") POD(
			"unmounted",
			"    volumeMounts: [{name: v, mountPath: /v}]\n"
			"  volumes: [{name: v, configMap: {name: conf}}, {name: w, secret: "
			"{secretName: none}}, {name: x, projected: {sources: [{configMap: {name: "
			"none}}]}}]\n"));

	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "there is no Secret 'none'");
	/* The other volumes of the pod are refreshed all the same. */
	play("conf", 0, CONFIG("two"));
	{
		cleanup_result struct result k = podium("exec unmounted-c cat /v/a.txt");

		CHECK_EQUAL(k.out, "two");
	}
	remove_pod("unmounted");
}

#define CLAIM                                       \
	"apiVersion: v1\n"                          \
	"kind: PersistentVolumeClaim\n"             \
	"metadata: {name: data}\n"                  \
	"spec:\n"                                   \
	"  accessModes: [ReadWriteOnce]\n"          \
	"  resources: {requests: {storage: 1Gi}}\n" \
	"---\n"
#define CLAIMING                                                                      \
	"    volumeMounts:\n"                                                         \
	"    - {name: d, mountPath: /data}\n"                                         \
	"    - {name: d, mountPath: /mine, subPathExpr: $(POD)/logs}\n"               \
	"    env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]\n" \
	"  securityContext: {fsGroup: 4242, runAsUser: 1000}\n"                       \
	"  volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]\n"

static void test_claim(void)
{
	cleanup_result struct result busy = { 0 };

	play("claim1", 0, CLAIM POD("claim1", CLAIMING));
	CHECK_SHELL("claim1-c", "echo kept > /data/f; echo log > /mine/l; stat -c %a:%g /data/f",
		    "644:4242\n");
	CHECK_SHELL("claim1-c", "cat /data/claim1/logs/l", "log\n");
	remove_pod("claim1");
	play("claim2", 0, POD("claim2", CLAIMING));
	CHECK_SHELL("claim2-c", "cat /data/f; stat -c %a:%g /data/f", "kept\n664:4242\n");
	busy = podium("kube delete persistentvolumeclaim data");
	CHECK(busy.code != 0, "a claim in use was deleted");
	CHECK_HAS(busy.err, "claim2-c");
	remove_pod("claim2");
	MUST(0, "kube delete persistentvolumeclaim data");
	CHECK(!exists("%s/volumes/data", harness.root), "the volume is still there");
}

static void test_image(void)
{
	play("image", 0,
	     POD("image", "    volumeMounts:\n"
			  "    - {name: i, mountPath: /img}\n"
			  "    - {name: i, mountPath: /one, subPath: payload}\n"
			  "  volumes: [{name: i, image: {reference: payload}}]\n"));
	CHECK_SHELL("image-c", "ls -d /img/payload; test -f /one && echo file",
		    "/img/payload\nfile\n");
	CHECK_SHELL("image-c", "touch /img/x 2>/dev/null || echo read-only", "read-only\n");
	CHECK_SHELL("image-c", "/img/payload true 2>/dev/null || echo no program", "no program\n");
	remove_pod("image");
}

/* ---- what a container leaves behind ------------------------------------------------------- */

/* VOL-2: a privileged container puts links where files are to come; the pod is played again. */
static void test_planted_links(void)
{
	cleanup_free char *outside = xasprintf("%s/outside", harness.work);
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	cleanup_free char *yaml =
		xasprintf(CONFIG("one") POD("plant", "    securityContext: {privileged: true}\n"
						     "    volumeMounts:\n"
						     "    - {name: v, mountPath: /v}\n"
						     "    - {name: h, mountPath: %s}\n"
						     "  volumes:\n"
						     "  - {name: v, configMap: {name: conf}}\n"
						     "  - {name: h, hostPath: {path: %s}}\n"),
			  outside, outside);
	cleanup_free char *again = replaced(yaml, "a.txt: one", "a.txt: two");
	cleanup_free char *words =
		xasprintf("mount -o remount,bind,rw /v && cd /v && rm -rf ..data b.sh a.txt && "
			  "ln -s %s ..data && ln -s %s/file a.txt && ln -s %s b.sh && "
			  "ln -s %s ..data_tmp && echo planted",
			  outside, outside, outside, outside);

	canary_make(outside);
	before = canary_record(outside);
	play("plant", 0, yaml);
	CHECK_SHELL("plant-c", words, "planted\n");
	play("plant", 0, again); /* swaps the files */
	after = canary_record(outside);
	CHECK_EQUAL(before, after);
	CHECK_SHELL("plant-c", "cat /v/..data/a.txt", "two");
	CHECK_SHELL("plant-c", "cat /v/a.txt", "two");
	MUST(0, "pod stop -t 0 plant");
	MUST(0, "pod start plant");
	CHECK_SHELL("plant-c", "cat /v/a.txt", "two");
	remove_pod("plant");
	free(after);
	after = canary_record(outside);
	CHECK_EQUAL(before, after);
}

/* VOL-3: what a container has put into its emptyDir does not lead out when the pod goes. */
static void test_planted_in_empty_dir(void)
{
	cleanup_free char *outside = xasprintf("%s/outside3", harness.work);
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	cleanup_free char *yaml = xasprintf(POD("trap", "    volumeMounts:\n"
							"    - {name: e, mountPath: /e}\n"
							"    - {name: h, mountPath: %s}\n"
							"  volumes:\n"
							"  - {name: e, emptyDir: {}}\n"
							"  - {name: h, hostPath: {path: %s}}\n"),
					    outside, outside);
	cleanup_free char *words = xasprintf("mkdir -p /e/d/d; ln -s %s /e/l; ln -s %s /e/d/d/l; "
					     "ln -s ../../../../outside3 /e/d/up; chmod 0 /e/d",
					     outside, outside);

	canary_make(outside);
	before = canary_record(outside);
	play("trap", 0, yaml);
	CHECK_SHELL("trap-c", words, "");
	remove_pod("trap");
	after = canary_record(outside);
	CHECK_EQUAL(before, after);
}

/* VOL-4: a container fills its hosts file; it has an end, and it is not on the disk. */
static void test_full_hosts(void)
{
	play("full", 0, POD("full", ""));
	CHECK_SHELL("full-c",
		    "dd if=/dev/zero bs=4096 count=2048 2>/dev/null >> /etc/hosts || echo full; "
		    "test $(stat -c %s /etc/hosts) -le 1048576 && echo small",
		    "full\nsmall\n");
	remove_pod("full");
	/* without its size it takes all of that */
	(void)setenv("PODIUM_WEAKEN", "VOL-4", 1);
	play("full", 0, POD("full", ""));
	(void)unsetenv("PODIUM_WEAKEN");
	CHECK_SHELL("full-c",
		    "dd if=/dev/zero bs=4096 count=2048 2>/dev/null >> /etc/hosts || echo full",
		    "");
	remove_pod("full");
}

/* A claim that no manifest has is one all the same. */
static void test_undocumented(void)
{
	play("bare", 0,
	     POD("bare",
		 "    volumeMounts: [{name: d, mountPath: /data}]\n"
		 "  volumes: [{name: d, persistentVolumeClaim: {claimName: bare-data}}]\n"));
	{
		cleanup_result struct result list = podium("kube get pvc");
		cleanup_result struct result told = podium("kube describe pvc bare-data");
		cleanup_result struct result other = play_text(
			"other", "",
			"apiVersion: v1\nkind: Pod\nmetadata: {name: other, namespace: "
			"else}\nspec:\n"
			"  containers: [{name: c, image: busybox, volumeMounts: [{name: d, "
			"mountPath: "
			"/d}]}]\n  volumes: [{name: d, persistentVolumeClaim: {claimName: "
			"bare-data}}]\n");

		CHECK_HAS(list.out, "bare-data");
		CHECK_HAS(list.out, "Bound");
		CHECK_HAS(told.out, "no manifest has this claim");
		CHECK_CODE(other, 125);
		CHECK_HAS(other.err, "a claim's of namespace 'default'");
	}
	/* Its document may come later. */
	{
		cleanup_result struct result r = play_text(
			"later", "",
			"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: "
			"bare-data}\nspec: "
			"{accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n");

		CHECK_CODE(r, 0);
		CHECK_HAS(r.err, "persistentvolumeclaim 'bare-data' configured");
	}
	MUST(0, "kube down --force %s/bare.yaml", harness.work);
	{
		cleanup_result struct result list = podium("kube get pvc");

		CHECK_LACKS(list.out, "bare-data");
	}
}

static CU_TestInfo tests[] = {
	{ "files of ConfigMaps, Secrets and the pod", test_files },
	{ "a Secret that is missing", test_missing },
	{ "a Secret that nobody mounts", test_unmounted },
	{ "a claim without a document", test_undocumented },
	{ "a claim", test_claim },
	{ "an image", test_image },
	{ "VOL-2 planted links", test_planted_links },
	{ "VOL-3 links in an emptyDir", test_planted_in_empty_dir },
	{ "VOL-4 a full hosts file", test_full_hosts },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "volumes", begin, harness_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
