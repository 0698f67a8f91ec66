/* SPDX-License-Identifier: Apache-2.0 */
/* test_spec - the questions one asks of a spec; its records are tested in test_record. */
#include "engine/pod/spec.h"

#include <errno.h>
#include <string.h>

#include "tests/support/cunit_main.h"

static void add(struct value *v, enum value_part_kind kind, const char *text)
{
	value_add(v, kind, text, strlen(text));
}

static void check_value(struct value *v, const struct pairlist *vars, const char *expect)
{
	char *text = value_resolve(v, vars);

	CU_ASSERT_STRING_EQUAL(text, expect);
	free(text);
}

static void free_value(struct value *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->v[i].text);
	free(v->v);
}

static void test_value(void)
{
	struct pairlist vars = { 0 };
	struct value v = { 0 };

	check_value(&v, &vars, "");
	pairlist_set(&vars, "A", "one");
	pairlist_set(&vars, "B", "$(A)");
	add(&v, VALUE_LITERAL, "<");
	add(&v, VALUE_VARIABLE, "A");
	add(&v, VALUE_LITERAL, "$(A)"); /* a literal is not looked at again */
	add(&v, VALUE_VARIABLE, "B");	/* nor is a value */
	add(&v, VALUE_VARIABLE, "none");
	add(&v, VALUE_LITERAL, ">");
	check_value(&v, &vars, "<one$(A)$(A)$(none)>");
	free_value(&v);
	v = (struct value){ 0 };
	value_add(&v, VALUE_LITERAL, "abcdef", 3);
	check_value(&v, &vars, "abc");
	free_value(&v);
	pairlist_done(&vars);
}

static void test_grace(void)
{
	struct pod_spec pod = { 0 };

	CU_ASSERT_EQUAL(pod_grace_seconds(&pod), 30);
	pod.grace_seconds.set = true; /* 0 was asked for */
	CU_ASSERT_EQUAL(pod_grace_seconds(&pod), 0);
	pod.grace_seconds.value = 600;
	CU_ASSERT_EQUAL(pod_grace_seconds(&pod), 600);
}

static void test_find_volume(void)
{
	struct pod_spec pod = { 0 };

	CU_ASSERT_PTR_NULL(pod_find_volume(&pod, "a"));
	(void)list_add(&pod.volumes); /* a record without a name crashes nobody */
	list_add(&pod.volumes)->name = xstrdup("a");
	list_add(&pod.volumes)->name = xstrdup("b");
	CU_ASSERT_PTR_EQUAL(pod_find_volume(&pod, "b"), &pod.volumes.v[2]);
	CU_ASSERT_PTR_EQUAL(pod_find_volume(&pod, "a"), &pod.volumes.v[1]);
	CU_ASSERT_PTR_NULL(pod_find_volume(&pod, "c"));
	record_done(&pod_spec_type, &pod);
}

static void test_names_of_enums(void)
{
	CU_ASSERT_STRING_EQUAL(port_protocol_str(PORT_TCP), "tcp");
	CU_ASSERT_STRING_EQUAL(port_protocol_str(PORT_UDP), "udp");
	CU_ASSERT_STRING_EQUAL(port_protocol_str(PORT_SCTP), "sctp");
	CU_ASSERT_STRING_EQUAL(port_protocol_str(PORT__COUNT), "?");
	CU_ASSERT_STRING_EQUAL(port_protocol_str(-1), "?");
	CU_ASSERT_STRING_EQUAL(restart_policy_names[RESTART_ON_FAILURE], "OnFailure");
	CU_ASSERT_STRING_EQUAL(network_mode_names[NETWORK_NONE], "none");
	CU_ASSERT_STRING_EQUAL(host_path_type_names[HOST_PATH_ANY], "");
	CU_ASSERT_STRING_EQUAL(host_path_type_names[HOST_PATH_BLOCK_DEVICE], "BlockDevice");
	CU_ASSERT_PTR_NULL(host_path_type_names[HOST_PATH__COUNT]);
}

static void test_plan(void)
{
	struct pod_plan plan = { .containers = xcalloc(2, sizeof(*plan.containers)),
				 .n_containers = 2,
				 .kube_yaml = xstrdup("a: b\n") };

	plan.pod.name = xstrdup("x");
	plan.containers[1].name = xstrdup("y");
	strlist_add(&plan.containers[0].config.layers, "z");
	pod_plan_done(&plan);
	CU_ASSERT_PTR_NULL(plan.containers);
	CU_ASSERT_PTR_NULL(plan.kube_yaml);
	CU_ASSERT_EQUAL(plan.n_containers, 0);
	pod_plan_done(&plan);
}

/* ---- host names ------------------------------------------------------------------------- */

static void test_host_names(void)
{
#define X30 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	static const struct {
		const char *name, *hostname, *override, *subdomain, *ns;
		bool fqdn;
		const char *want;
	} rows[] = {
		{ "p", NULL, NULL, NULL, NULL, false, "p" },
		{ "p", "h", NULL, NULL, NULL, true, "h" },
		{ "p", "h", NULL, "s", NULL, false, "h" },
		{ "p", "h", NULL, "s", NULL, true, "h.s.default.svc.cluster.local" },
		{ "p", NULL, NULL, "s", "n", true, "p.s.n.svc.cluster.local" },
		{ "p", "h", "o.example", "s", "n", false, "o.example" },
		{ X30 X30 "xx-x", NULL, NULL, NULL, NULL, false, X30 X30 "xx" },
		{ "p", NULL, X30 X30 "xxxx", NULL, NULL, false, X30 X30 "xxxx" },
		{ "", NULL, NULL, NULL, NULL, false, "localhost" },
	};
	char out[POD_HOSTNAME_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pod_spec pod = { .name = (char *)(uintptr_t)rows[i].name,
					.hostname = (char *)(uintptr_t)rows[i].hostname,
					.hostname_override = (char *)(uintptr_t)rows[i].override,
					.subdomain = (char *)(uintptr_t)rows[i].subdomain,
					.namespace_ = (char *)(uintptr_t)rows[i].ns,
					.set_hostname_as_fqdn = { rows[i].fqdn, rows[i].fqdn } };

		pod_hostname(&pod, out);
		CU_ASSERT_STRING_EQUAL(out, rows[i].want);
	}
}

static void test_ulimits(void)
{
	static const struct {
		const char *text;
		int64_t soft, hard; /* soft -2: refused */
	} rows[] = {
		{ "nofile=1:2", 1, 2 },
		{ "nofile=7", 7, 7 },
		{ "nofile=-1", -1, -1 },
		{ "nofile=unlimited", -1, -1 },
		{ "nofile=3:unlimited", 3, -1 },
		{ "nofile=0:0", 0, 0 },
		{ "nofile=2:1", -2, 0 },
		{ "nofile=-1:1", -2, 0 },
		{ "nofile=-2", -2, 0 },
		{ "nofile=", -2, 0 },
		{ "nofile", -2, 0 },
		{ "nofile=1:", -2, 0 },
		{ "nofile=1:2:3", -2, 0 },
		{ "nofile=1k", -2, 0 },
		{ "open=1", -2, 0 },
		{ "=1", -2, 0 },
		{ "", -2, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ulimit_list list = { 0 };
		struct error err = { 0 };
		int r = ulimit_parse(rows[i].text, &list, &err);

		CU_ASSERT_EQUAL(r, rows[i].soft == -2 ? -EINVAL : 0);
		CU_ASSERT_EQUAL(list.n, r == 0 ? 1 : 0);
		if (list.n) {
			CU_ASSERT_STRING_EQUAL(list.v[0].name, "nofile");
			CU_ASSERT_EQUAL(list.v[0].soft, rows[i].soft);
			CU_ASSERT_EQUAL(list.v[0].hard, rows[i].hard);
			CU_ASSERT_EQUAL(ulimit_parse("nofile=9:10", &list, &err), 0);
			CU_ASSERT_EQUAL(list.n, 1);
			CU_ASSERT_EQUAL(list.v[0].hard, 10);
		}
		ulimit_list_done(&list);
	}
}

static CU_TestInfo tests[] = {
	{ "values", test_value },
	{ "grace", test_grace },
	{ "volumes", test_find_volume },
	{ "names", test_names_of_enums },
	{ "a plan is freed", test_plan },
	{ "host names", test_host_names },
	{ "limits of processes", test_ulimits },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "spec", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
