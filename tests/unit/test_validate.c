/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_validate - the syntax of names at their borders, and rules that testdata/kube/ does not
 * reach: sizes, wildcards of addresses, inheritance between pod and container, and that the named
 * defences can be seen to fail (WEAKEN).
 */
#include <string.h>

#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "kube/names.h"
#include "schemas/models.h"
#include "tests/support/cunit_main.h"
#include "tests/support/kubecase.h"

static char *letters(size_t n)
{
	char *s = xmalloc(n + 1);

	memset(s, 'a', n);
	s[n] = '\0';
	return s;
}

/* good up to n letters, bad with one more */
static void check_border(const char *(*rule)(const char *), size_t n)
{
	cleanup_free char *fits = letters(n), *too_long = letters(n + 1);

	CU_ASSERT_PTR_NULL(rule(fits));
	CU_ASSERT_PTR_NOT_NULL(rule(too_long));
}

static void check_list(const char *(*rule)(const char *), const char *const *good,
		       const char *const *bad)
{
	for (; *good; good++) {
		if (rule(*good))
			printf("'%s' should be good\n", *good);
		CU_ASSERT_PTR_NULL(rule(*good));
	}
	for (; *bad; bad++) {
		if (!rule(*bad))
			printf("'%s' should be bad\n", *bad);
		CU_ASSERT_PTR_NOT_NULL(rule(*bad));
	}
}
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_names(void)
{
	check_border(name_bad_label, 63);
	check_border(name_bad_subdomain, 253);
	check_border(name_bad_port, 15);
	check_border(name_bad_qualified, 63);
	check_border(name_bad_label_value, 63);
	check_border(name_bad_sysctl, 253);
	check_list(name_bad_label, LIST("a", "0", "a-b", "1a"),
		   LIST("", "-a", "a-", "A", "a.b", "a_b", "a b", "\xc3\xa9", "a\n"));
	check_list(name_bad_subdomain, LIST("a", "a.b", "a-b.c-d", "1.2"),
		   LIST("", ".", "a.", ".a", "a..b", "a-.b", "a.-b", "A.b", "a_b", "a/b"));
	check_list(name_bad_port, LIST("http", "a1", "1a", "a-b"),
		   LIST("", "80", "-a", "a-", "a--b", "HTTP", "a_b", "a.b"));
	check_list(name_bad_env, LIST("A", "a.b-c", "1", "A B", "A$(B)"),
		   LIST("", "A=B", "A\n", "\xc3\xa9", "A\x7f"));
	check_list(name_bad_qualified, LIST("a", "A_b.c-1", "x.io/a", "a.b-c/D"),
		   LIST("", "/a", "a/", "a/b/c", "X.io/a", "-a", "a-", "a b"));
	check_list(name_bad_annotation, LIST("X.io/a", "a"), LIST("", "a/", "a b", "x_y/a"));
	check_list(name_bad_label_value, LIST("", "a", "A.b_c-1"), LIST("-a", "a-", "a b", "a/b"));
	check_list(name_bad_search, LIST(".", "a.b", "a.b.", "_tcp.x_y"),
		   LIST("", "..", "A.b", "a b"));
	check_list(name_bad_sysctl, LIST("net.ipv4.ip_forward", "kernel.sem", "a.b-c"),
		   LIST("", "a/b", "..", "a..b", "A.b", "a b", "net.ipv4.conf.all/../x", "a\nb"));
}

static void test_other_names(void)
{
	static const char *const ips[] = { "1.2.3.4", "::", "::1", "fe80::1", "0.0.0.0" };
	static const char *const not_ips[] = { "",    "1.2.3",	  "1.2.3.256",	  "01.2.3.4", "a",
					       "::g", "1.2.3.4 ", "fe80::1%eth0", "[::1]" };

	for (size_t i = 0; i < ARRAY_SIZE(ips); i++)
		CU_ASSERT_TRUE(name_is_ip(ips[i]));
	for (size_t i = 0; i < ARRAY_SIZE(not_ips); i++)
		CU_ASSERT_FALSE(name_is_ip(not_ips[i]));
	CU_ASSERT_TRUE(name_has_backstep(".."));
	CU_ASSERT_TRUE(name_has_backstep("a/.."));
	CU_ASSERT_TRUE(name_has_backstep("../a"));
	CU_ASSERT_TRUE(name_has_backstep("/a/../b"));
	CU_ASSERT_FALSE(name_has_backstep("/a/..b/c../..."));
	CU_ASSERT_FALSE(name_has_backstep(""));
	CU_ASSERT_TRUE(name_is_capability("NET_ADMIN"));
	CU_ASSERT_TRUE(name_is_capability("cap_net_admin"));
	CU_ASSERT_TRUE(name_is_capability("ALL"));
	CU_ASSERT_FALSE(name_is_capability(""));
	CU_ASSERT_FALSE(name_is_capability("CAP_"));
	CU_ASSERT_FALSE(name_is_capability("NET_ADMINS"));
}

/* ---- rules ------------------------------------------------------------------------------------
 */

/* Whether the only container and spec lines give an error with that text at that path. */
static bool is_error(const char *container, const char *spec, const char *path, const char *part)
{
	cleanup_kube_result struct kube_result r = { 0 };
	cleanup_free char *yaml = kubecase_pod(container, spec);
	bool found;

	kubecase_load(yaml, false, false, &r);
	found = r.has_errors && kubecase_has(&r, KUBE_ERROR, path, part);
	if (r.has_errors && !found)
		kubecase_print(&r);
	return found;
}

static bool is_good(const char *container, const char *spec)
{
	cleanup_kube_result struct kube_result r = { 0 };
	cleanup_free char *yaml = kubecase_pod(container, spec);

	kubecase_load(yaml, false, true, &r);
	if (r.has_errors)
		kubecase_print(&r);
	return !r.has_errors && r.n == 1;
}

static bool is_port_pair_good(const char *a, const char *b)
{
	cleanup_free char *lines = xasprintf("ports:\n- {containerPort: 1, hostPort: 80%s}\n"
					     "- {containerPort: 2, hostPort: 80%s}\n",
					     a, b);

	return is_good(lines, "");
}

static void test_host_port_conflicts(void)
{
	/* what is refused prints its finding; that is no failure */
	CU_ASSERT_FALSE(is_port_pair_good("", ""));
	CU_ASSERT_FALSE(is_port_pair_good(", hostIP: 127.0.0.1", ""));
	CU_ASSERT_FALSE(is_port_pair_good(", hostIP: 127.0.0.1", ", hostIP: 0.0.0.0"));
	CU_ASSERT_FALSE(is_port_pair_good(", hostIP: '::'", ", hostIP: 10.0.0.1"));
	CU_ASSERT_FALSE(is_port_pair_good(", hostIP: 10.0.0.1", ", hostIP: 10.0.0.1"));
	CU_ASSERT_TRUE(is_port_pair_good(", hostIP: 10.0.0.1", ", hostIP: 10.0.0.2"));
	CU_ASSERT_TRUE(is_port_pair_good(", protocol: UDP", ""));
	CU_ASSERT_FALSE(is_port_pair_good(", protocol: UDP", ", protocol: UDP"));
	CU_ASSERT_TRUE(is_good("ports: [{containerPort: 80}, {containerPort: 80}]", ""));
	/* hostPort is filled in from containerPort with hostNetwork, and then conflicts */
	CU_ASSERT_TRUE(is_error("ports: [{containerPort: 80}, {containerPort: 80}]",
				"hostNetwork: true", "spec.containers[0].ports[1].hostPort",
				"taken"));
	/* an init container and a member do not run together */
	CU_ASSERT_TRUE(is_good("ports: [{containerPort: 80, hostPort: 80}]",
			       "initContainers: [{name: i, image: x, ports: [{containerPort: 80, "
			       "hostPort: 80}]}]"));
}

static void test_sizes(void)
{
	cleanup_free char *fits = letters(256 * 1024 - 1), *large = letters(256 * 1024);
	cleanup_free char *name = letters(191), *member = letters(63);
	cleanup_kube_result struct kube_result ok = { 0 }, over = { 0 }, joined = { 0 },
					       long_one = { 0 };
	cleanup_free char *a =
		xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: "
			  "{k: %s}}\nspec: {containers: [{name: c, image: x}]}\n",
			  fits);
	cleanup_free char *b =
		xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: "
			  "{k: %s}}\nspec: {containers: [{name: c, image: x}]}\n",
			  large);
	cleanup_free char *c = xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: "
					 "{containers: [{name: %s, image: x}]}\n",
					 name, member);
	cleanup_free char *d = xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: a%s}\nspec: "
					 "{containers: [{name: %s, image: x}]}\n",
					 name, member);

	kubecase_load(a, false, false, &ok);
	CU_ASSERT_FALSE(ok.has_errors);
	kubecase_load(b, false, false, &over);
	CU_ASSERT_TRUE(kubecase_has(&over, KUBE_ERROR, "metadata.annotations", "256 KiB"));
	kubecase_load(c, false, false, &joined); /* 191 + 1 + 63 = 255 */
	CU_ASSERT_FALSE(joined.has_errors);
	kubecase_load(d, false, false, &long_one);
	CU_ASSERT_TRUE(kubecase_has(&long_one, KUBE_ERROR, "spec.containers[0].name", "together"));
}

static void test_security(void)
{
	const char *const ctx = "spec.containers[0].securityContext";

	CU_ASSERT_TRUE(
		is_error("", "securityContext: {runAsNonRoot: true, runAsUser: 0}", ctx, "is 0"));
	CU_ASSERT_TRUE(is_error("securityContext: {runAsUser: 0}",
				"securityContext: {runAsNonRoot: true}", ctx, "is 0"));
	CU_ASSERT_TRUE(is_error("securityContext: {runAsNonRoot: true}",
				"securityContext: {runAsUser: 0}", ctx, "is 0"));
	CU_ASSERT_TRUE(is_good("securityContext: {runAsUser: 1}",
			       "securityContext: {runAsNonRoot: true, runAsUser: 0}"));
	CU_ASSERT_TRUE(is_good("securityContext: {runAsNonRoot: false}",
			       "securityContext: {runAsNonRoot: true, runAsUser: 0}"));
	CU_ASSERT_TRUE(is_good("securityContext: {runAsUser: 2147483647}", ""));
	CU_ASSERT_TRUE(is_error("securityContext: {runAsUser: 2147483648}", "",
				"spec.containers[0].securityContext.runAsUser", "between"));
	CU_ASSERT_TRUE(is_good(
		"securityContext: {capabilities: {drop: [ALL], add: [cap_chown, KILL, KILL]}}",
		""));
	CU_ASSERT_TRUE(is_error("securityContext: {capabilities: {drop: [NET_RAV]}}", "",
				"spec.containers[0].securityContext.capabilities.drop[0]",
				"'NET_RAW'"));
	CU_ASSERT_TRUE(is_good(
		"securityContext: {privileged: false, allowPrivilegeEscalation: false}", ""));
}

static bool is_sysctl_good(const char *name, const char *spec)
{
	cleanup_free char *all = xasprintf(
		"%s\nsecurityContext: {sysctls: [{name: \"%s\", value: \"1\"}]}\n", spec, name);

	return is_good("", all);
}

static void test_sysctls(void)
{
	CU_ASSERT_TRUE(is_sysctl_good("net.ipv4.ip_unprivileged_port_start", ""));
	CU_ASSERT_TRUE(is_sysctl_good("kernel.sem", ""));
	CU_ASSERT_TRUE(is_sysctl_good("kernel.msgmax", "hostNetwork: true"));
	CU_ASSERT_TRUE(is_sysctl_good("net.core.somaxconn", "hostIPC: true"));
	CU_ASSERT_TRUE(is_sysctl_good("fs.mqueue.msg_max", ""));
	CU_ASSERT_FALSE(is_sysctl_good("fs.mqueue.msg_max", "hostIPC: true"));
	CU_ASSERT_FALSE(is_sysctl_good("net.core.somaxconn", "hostNetwork: true"));
	CU_ASSERT_FALSE(is_sysctl_good("kernel.semx", ""));
	CU_ASSERT_FALSE(is_sysctl_good("kernel.core_pattern", ""));
	CU_ASSERT_FALSE(is_sysctl_good("vm.overcommit_memory", ""));
	CU_ASSERT_FALSE(is_sysctl_good("net/../kernel", ""));
	CU_ASSERT_FALSE(is_sysctl_good("net.+kernel.core_pattern", ""));
}

/* With the defence off its test case must pass, else the case proves nothing. */
static void test_weakened(void)
{
#ifdef PODIUM_SEAMS
	static const struct {
		const char *id;
		const char *container;
		const char *spec;
	} cases[] = {
		{ "ID-3", "securityContext: {capabilities: {drop: [NET_RAV]}}", "" },
		{ "CG-1", "", "securityContext: {sysctls: [{name: net/../kernel, value: x}]}" },
		{ "CG-2", "",
		  "hostNetwork: true\nsecurityContext: {sysctls: [{name: net.core.x, value: x}]}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CU_ASSERT_FALSE(is_good(cases[i].container, cases[i].spec));
		(void)setenv("PODIUM_WEAKEN", cases[i].id, 1);
		CU_ASSERT_TRUE(is_good(cases[i].container, cases[i].spec));
		(void)unsetenv("PODIUM_WEAKEN");
	}
#else
	TEST_SKIP("this build has no seams");
#endif
}

/* Whether playing a pod that mounts a volume of this source is refused for the source. */
static bool is_source_refused(const char *source)
{
	cleanup_kube_result struct kube_result r = { 0 };
	cleanup_free char *volume = xasprintf("volumes: [{name: v, %s: {}}]", source);
	cleanup_free char *yaml = kubecase_pod("volumeMounts: [{name: v, mountPath: /v}]", volume);
	cleanup_free char *text =
		xasprintf("volume 'v' cannot be mounted here: its source is '%s'", source);

	kubecase_load(yaml, false, true, &r);
	return kubecase_has(&r, KUBE_ERROR, "spec.containers[0].volumeMounts[0].name", text);
}

/* VOL-6: of every volume source that Kubernetes has, it is known whether it is there. */
static void test_volume_sources(void)
{
	static const char *const supported[] = { "hostPath",	"emptyDir",
						 "secret",	"configMap",
						 "downwardAPI", "persistentVolumeClaim",
						 "projected",	"image",
						 "ephemeral" };
	size_t n_supported = 0, n_refused = 0;

	for (const struct schema_field *f = schema_volume.fields; f->name; f++) {
		bool is_supported = false;

		if (f->type != FIELD_OBJECT)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(supported); i++)
			is_supported |= strcmp(f->name, supported[i]) == 0;
		n_supported += is_supported;
		n_refused += !is_supported;
		if (is_source_refused(f->name) == is_supported)
			printf("\n%s\n", f->name);
		CU_ASSERT_NOT_EQUAL(is_source_refused(f->name), is_supported);
#ifdef PODIUM_SEAMS
		(void)setenv("PODIUM_WEAKEN", "VOL-6", 1);
		CU_ASSERT_FALSE(is_source_refused(f->name));
		(void)unsetenv("PODIUM_WEAKEN");
#endif
	}
	CU_ASSERT_EQUAL(n_supported, ARRAY_SIZE(supported));
	CU_ASSERT_TRUE(n_refused > 20);
}

static void test_resources(void)
{
	CU_ASSERT_TRUE(is_good("resources: {limits: {cpu: 1}, requests: {cpu: 1000m}}", ""));
	CU_ASSERT_TRUE(
		is_good("resources: {limits: {memory: 1Ki}, requests: {memory: 1.024k}}", ""));
	CU_ASSERT_TRUE(is_error("resources: {limits: {memory: 1k}, requests: {memory: 1Ki}}", "",
				"spec.containers[0].resources.requests[memory]",
				"more than the limit"));
	CU_ASSERT_TRUE(is_error("resources: {limits: {cpu: 10000T}}", "",
				"spec.containers[0].resources.limits[cpu]", "too large"));
	CU_ASSERT_TRUE(is_error("resources: {limits: {Memory: 1}}", "",
				"spec.containers[0].resources.limits[Memory]", "not a resource"));
}

/* Lists that rules compare pairwise are bounded: an input of some 100 KB must not take minutes. */
static void test_long_lists(void)
{
	struct buf env = BUF_INIT((size_t)1 << 20), limits = BUF_INIT((size_t)1 << 20);
	struct buf ports = BUF_INIT((size_t)1 << 20);

	buf_adds(&env, "env:\n");
	for (int i = 0; i < 4001; i++)
		buf_printf(&env, "- name: k%d\n", i);
	buf_adds(&limits, "resources:\n  limits:\n");
	for (int i = 0; i < 20000; i++)
		buf_printf(&limits, "    a.b/k%d: 1\n", i);
	buf_adds(&ports, "ports:\n");
	for (int i = 0; i < 1001; i++)
		buf_printf(&ports, "- containerPort: %d\n", i + 1);
	CU_ASSERT_TRUE(is_error(env.data, "", "spec.containers[0].env", "more than 4000"));
	CU_ASSERT_TRUE(is_error(limits.data, "", "spec.containers[0].resources", "more than 100"));
	CU_ASSERT_TRUE(is_error(ports.data, "", "spec.containers[0].ports", "more than 1000"));
	buf_done(&env);
	buf_done(&limits);
	buf_done(&ports);
}

static CU_TestInfo tests[] = {
	{ "syntax of names", test_names },
	{ "addresses, paths, capabilities", test_other_names },
	{ "host ports", test_host_port_conflicts },
	{ "sizes", test_sizes },
	{ "security contexts", test_security },
	{ "sysctls", test_sysctls },
	{ "weakened defences let their attack through", test_weakened },
	{ "VOL-6: every source of a volume", test_volume_sources },
	{ "resources", test_resources },
	{ "long lists", test_long_lists },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "validate", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
