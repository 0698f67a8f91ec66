/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity - what a pod is called: host names with and without a domain, its hosts file, the names of
 * node and account that it is told; a deadline; what play refuses to mount.
 */
#include <string.h>

#include "engine/base/str.h"
#include "tests/integration/harness.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") ? 0 : 1;
}

/* What the container has as its host name, and in /etc. */
#define SHOW                                                                                      \
	"    args: [seq, cat, /proc/sys/kernel/hostname, \",\", cat, /etc/hostname, \",\", cat, " \
	"/etc/hosts, \",\", env]\n"
#define ONCE "  restartPolicy: Never\n"

static char *shown(const char *name, const char *spec, const char *container)
{
	cleanup_free char *whole = xasprintf(SHOW "%s", container);
	cleanup_free char *full = xasprintf("%s-c", name);
	cleanup_result struct result r = play_pod(name, "", spec, whole);
	char *text;

	CHECK_CODE(r, 0);
	CHECK(WAIT_UNTIL(ps_begins(full, "Status", "Exited (0)"), DEADLINE_MS), "%s runs", full);
	text = logs_of(full);
	return text;
}

static void test_domain(void)
{
	cleanup_free char *text = shown(
		"whole", ONCE "  hostname: web\n  subdomain: sub\n  setHostnameAsFQDN: true\n", "");

	CHECK(is_prefix(text, "web.sub.default.svc.cluster.local\n"), "%s", text);
	CHECK_HAS(text, "\nweb.sub.default.svc.cluster.local\n127.0.0.1\tlocalhost\n");
	CHECK_HAS(text, "\tweb.sub.default.svc.cluster.local web whole\n");
	CHECK_HAS(text, "HOSTNAME=web.sub.default.svc.cluster.local\n");
	remove_pod("whole");
}

static void test_short(void)
{
	cleanup_free char *text = shown("short", ONCE "  subdomain: sub\n", "");

	CHECK(is_prefix(text, "short\n"), "%s", text);
	CHECK_HAS(text, "\tshort.sub.default.svc.cluster.local short\n");
	remove_pod("short");
}

static void test_override(void)
{
	cleanup_free char *text = shown(
		"over", ONCE "  subdomain: sub\n  hostnameOverride: some.where.example\n", "");
	cleanup_free char *name = inspect("over-c", "{{.Config.Hostname}}");

	CHECK(is_prefix(text, "some.where.example\n"), "%s", text);
	CHECK_HAS(text, "\tsome.where.example over\n");
	CHECK(!strstr(text, "cluster.local"), "a domain beside an override: %s", text);
	CHECK_EQUAL(name, "some.where.example");
	remove_pod("over");
}

static void test_told_names(void)
{
	cleanup_free char *text =
		shown("told", ONCE "  nodeName: another.example\n  serviceAccountName: builder\n",
		      "    env:\n"
		      "    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}\n"
		      "    - {name: WHO, valueFrom: {fieldRef: {fieldPath: "
		      "spec.serviceAccountName}}}\n");

	CHECK_HAS(text, "NODE=another.example\n");
	CHECK_HAS(text, "WHO=builder\n");
	remove_pod("told");
}

/* A kubelet ends such a pod, and so does a conductor. */
static void test_deadline(void)
{
	cleanup_result struct result r = play_pod(
		"dead", "", "  activeDeadlineSeconds: 1\n  terminationGracePeriodSeconds: 0\n",
		"    args: [sleep, \"0\"]\n");

	CHECK_CODE(r, 0);
	CHECK(WAIT_UNTIL(ps_begins("dead-c", "Status", "Exited (137)"), DEADLINE_MS),
	      "outlives its deadline");
	remove_pod("dead");
}

/* VOL-6: what one host cannot have is not mounted, and nothing is made. */
static void test_foreign_volumes(void)
{
	static const char *const sources[] = {
		"nfs: {server: s, path: /}",
		"csi: {driver: d.example}",
		"gitRepo: {repository: r}",
		"glusterfs: {endpoints: e, path: p}",
		"projected: {sources: [{serviceAccountToken: {path: t}}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		cleanup_free char *spec = xasprintf("  volumes: [{name: v, %s}]\n", sources[i]);
		cleanup_result struct result r = play_pod(
			"foreign", "", spec, "    volumeMounts: [{name: v, mountPath: /v}]\n");
		cleanup_result struct result there = podium("pod exists foreign");

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "volume 'v' cannot be mounted here: its source is '");
		CHECK_CODE(there, 1);
	}
}

static CU_TestInfo tests[] = {
	{ "a whole host name", test_domain },
	{ "a subdomain alone", test_short },
	{ "hostnameOverride", test_override },
	{ "names of node and account", test_told_names },
	{ "activeDeadlineSeconds", test_deadline },
	{ "volumes that one host cannot have", test_foreign_volumes },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "identity", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
