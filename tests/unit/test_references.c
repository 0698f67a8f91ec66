/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_references - what a pod refers to, and where its manifest says so.
 *
 * The list of a pod with every kind of reference is compared as text: one row a line.
 */
#include <string.h>

#include "engine/base/str.h"
#include "kube/references.h"
#include "tests/support/cunit_main.h"
#include "tests/support/kubecase.h"

static const char *kind_text(int kind)
{
	return kind == KUBE_PVC	     ? "PersistentVolumeClaim"
	       : kind == KUBE_SECRET ? "Secret"
				     : "ConfigMap";
}

static char *list_of(const struct pod_plan *plan)
{
	cleanup_references struct kube_reference_list list = { 0 };
	struct buf out = BUF_INIT((size_t)1 << 20);

	references_of(plan, &list);
	for (size_t i = 0; i < list.n; i++)
		buf_printf(&out, "%s %s %s%s %s\n", kind_text(list.v[i].kind), list.v[i].name,
			   list.v[i].key ? list.v[i].key : "-", list.v[i].optional ? "?" : "",
			   list.v[i].path);
	return buf_steal(&out);
}

static void check(const char *container, const char *spec, const char *want)
{
	cleanup_free char *yaml = kubecase_pod(container, spec), *have = NULL;
	cleanup_kube_result struct kube_result r = { 0 };

	kubecase_load(yaml, false, false, &r);
	if (r.n != 1) {
		kubecase_print(&r);
		CU_FAIL_FATAL("the pod has errors");
		return;
	}
	have = list_of(&r.v[0]);
	if (strcmp(have, want) != 0)
		printf("want\n%shave\n%s", want, have);
	CU_ASSERT_STRING_EQUAL(have, want);
}

static void test_none(void)
{
	check("", "volumes: [{name: a, hostPath: {path: /}}, {name: b, image: {reference: x}}]",
	      "");
}

static void test_volumes(void)
{
	check("",
	      "volumes:\n"
	      "- {name: a, nfs: {server: s, path: /}}\n" /* not in the plan, but counted */
	      "- {name: b, configMap: {name: cm, items: [{key: k, path: p}, {key: l, path: q}]}}\n"
	      "- {name: c, secret: {secretName: se, optional: true, items: [{key: k, path: p}]}}\n"
	      "- {name: d, persistentVolumeClaim: {claimName: data}}\n"
	      "- {name: e, downwardAPI: {items: [{path: a, fieldRef: {fieldPath: "
	      "metadata.uid}}]}}\n"
	      "- name: f\n"
	      "  projected: {sources: [{}, {secret: {name: x, items: [{key: yy, path: z}]}},\n"
	      "    {configMap: {name: w, optional: true}}]}\n",
	      "ConfigMap cm - spec.volumes[1].configMap.name\n"
	      "ConfigMap cm k spec.volumes[1].configMap.items[0].key\n"
	      "ConfigMap cm l spec.volumes[1].configMap.items[1].key\n"
	      "Secret se -? spec.volumes[2].secret.secretName\n"
	      "Secret se k? spec.volumes[2].secret.items[0].key\n"
	      "PersistentVolumeClaim data - spec.volumes[3].persistentVolumeClaim.claimName\n"
	      "Secret x - spec.volumes[5].projected.sources[1].secret.name\n"
	      "Secret x yy spec.volumes[5].projected.sources[1].secret.items[0].key\n"
	      "ConfigMap w -? spec.volumes[5].projected.sources[2].configMap.name\n");
}

/* The plan alone says what a container refers to. */
static void test_containers(void)
{
	struct value_part parts[] = {
		{ .kind = VALUE_SECRET, .object = (char *)"s", .text = (char *)"k" },
		{ .kind = VALUE_CONFIG,
		  .object = (char *)"m",
		  .text = (char *)"k",
		  .optional = true },
		{ .kind = VALUE_LITERAL, .text = (char *)"x" },
	};
	struct env_var env[] = {
		{ .name = (char *)"A", .value = { &parts[2], 1 } },
		{ .name = (char *)"B", .value = { &parts[0], 1 } },
		{ .name = (char *)"C", .value = { &parts[1], 1 } },
	};
	struct env_source from[] = {
		{ .object = (char *)"m" },
		{ .object = (char *)"s", .secret = true, .optional = true },
	};
	struct container_spec containers[] = {
		{ .kind = CONTAINER_INIT, .env = { &env[1], 1 } },
		{ .kind = CONTAINER_MEMBER, .env_from = { from, 2 } },
		{ .kind = CONTAINER_MEMBER, .env = { env, 3 } },
	};
	struct pod_plan plan = { .containers = containers, .n_containers = 3 };
	cleanup_free char *have = list_of(&plan);

	CU_ASSERT_STRING_EQUAL(
		have, "Secret s - spec.initContainers[0].env[0].valueFrom.secretKeyRef.name\n"
		      "Secret s k spec.initContainers[0].env[0].valueFrom.secretKeyRef.key\n"
		      "ConfigMap m - spec.containers[0].envFrom[0].configMapRef.name\n"
		      "Secret s -? spec.containers[0].envFrom[1].secretRef.name\n"
		      "Secret s - spec.containers[1].env[1].valueFrom.secretKeyRef.name\n"
		      "Secret s k spec.containers[1].env[1].valueFrom.secretKeyRef.key\n"
		      "ConfigMap m -? spec.containers[1].env[2].valueFrom.configMapKeyRef.name\n"
		      "ConfigMap m k? spec.containers[1].env[2].valueFrom.configMapKeyRef.key\n");
}

static CU_TestInfo tests[] = {
	{ "a pod without references", test_none },
	{ "volumes", test_volumes },
	{ "containers", test_containers },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "references", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
