/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values - variables whose values come from elsewhere: the pod, its network, its resources,
 * ConfigMaps and Secrets; what happens while one of them is missing; commands that refer to them.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "engine/data/object.h"
#include "tests/integration/harness.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

#define CHECK_LOG(container, line)                                                         \
	({                                                                                 \
		bool there_ = WAIT_UNTIL(logs_have((container), (line)), DEADLINE_MS);     \
		cleanup_free char *log_ = logs_of(container);                              \
		CHECK(there_, "no '%s' in the log of %s:\n%s", (line), (container), log_); \
	})

static void put_object(int kind, const char *name, const char *key, const char *value)
{
	struct data_object o = { .kind = kind, .name = xstrdup(name) };
	struct store s;
	struct error err = { 0 };
	int r = store_open(harness.root, harness.runroot, STORE_WRITE, &s, &err);

	data_object_add(&o, key, value, strlen(value), false);
	if (r == 0) {
		r = data_object_write(&s, &o, &err);
		store_close(&s);
	}
	CHECK(r == 0, "write an object: %s", err.text);
	data_object_done(&o);
}

/* ---- the pod itself ----------------------------------------------------------------------- */

static void test_fields(void)
{
	cleanup_result struct result played = play_pod(
		"fields", "", "  restartPolicy: Never\n",
		"    image: busybox\n"
		"    command: [sh, -c, 'env; echo \"arg=$0\"; sleep 1000', "
		"'$(IP)/$(UNKNOWN)/$$(IP)']\n"
		"    resources: {requests: {cpu: 250m, memory: 3Mi}}\n"
		"    env:\n"
		"    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}\n"
		"    - {name: SPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}\n"
		"    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}\n"
		"    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\n"
		"    - {name: IPS, valueFrom: {fieldRef: {fieldPath: status.podIPs}}}\n"
		"    - {name: CPU, valueFrom: {resourceFieldRef: {resource: requests.cpu}}}\n"
		"    - {name: MILLI, valueFrom: {resourceFieldRef: {resource: requests.cpu, "
		"divisor: 1m}}}\n"
		"    - {name: MEM, valueFrom: {resourceFieldRef: {resource: requests.memory, "
		"divisor: 1Mi}}}\n"
		"    - {name: BOTH, value: '$(NAME)-$(MEM)'}\n");
	cleanup_free char *address = NULL, *line = NULL, *arg = NULL, *node = NULL;
	struct utsname host;

	CHECK_CODE(played, 0);
	address = inspect("fields-c", "{{.NetworkSettings.IPAddress}}");
	line = xasprintf("IP=%s\n", address);
	arg = xasprintf("arg=%s/$(UNKNOWN)/$(IP)\n", address);
	CHECK(strchr(address, '.') != NULL, "no address: '%s'", address);
	CHECK(uname(&host) == 0, "uname");
	node = xasprintf("NODE=%s\n", host.nodename);
	CHECK_LOG("fields-c", "NAME=fields\n");
	CHECK_LOG("fields-c", "SPACE=default\n");
	CHECK_LOG("fields-c", node);
	CHECK_LOG("fields-c", line);
	CHECK_LOG("fields-c", arg);
	CHECK_LOG("fields-c", "CPU=1\n");
	CHECK_LOG("fields-c", "MILLI=250\n");
	CHECK_LOG("fields-c", "MEM=3\n");
	CHECK_LOG("fields-c", "BOTH=fields-3\n");
	remove_pod("fields");
}

/* In the host's network the pod has the host's address, and nothing is waited for. */
static void test_host_network(void)
{
	cleanup_result struct result played =
		play_pod("hostnet", "", "  restartPolicy: Never\n  hostNetwork: true\n",
			 "    image: busybox\n"
			 "    command: [sh, -c, 'test -n \"$IP\" && test \"$IP\" = \"$HOST\"']\n"
			 "    env:\n"
			 "    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\n"
			 "    - {name: HOST, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}\n");

	CHECK_CODE(played, 0);
	CHECK(WAIT_UNTIL(ps_begins("hostnet-c", "Status", "Exited (0)"), DEADLINE_MS),
	      "no address of the host");
	remove_pod("hostnet");
}

/* ---- objects ------------------------------------------------------------------------------ */

static void test_objects(void)
{
	put_object(DATA_CONFIG, "settings", "mode", "fast");
	put_object(DATA_SECRET, "login", "password", "hush-4711");
	{
		cleanup_result struct result played = play_pod(
			"objects", "", "  restartPolicy: Never\n",
			"    image: busybox\n"
			"    command: [sh, -c, 'env; sleep 1000']\n"
			"    envFrom: [{prefix: S_, configMapRef: {name: settings}}]\n"
			"    env:\n"
			"    - {name: PASS, valueFrom: {secretKeyRef: {name: login, key: "
			"password}}}\n"
			"    - {name: NONE, valueFrom: {secretKeyRef: {name: none, key: x, "
			"optional: true}}}\n"
			"    - {name: URL, value: 'db://$(PASS)@$(S_mode)/$(NONE)'}\n");

		CHECK_CODE(played, 0);
	}
	CHECK_LOG("objects-c", "S_mode=fast\n");
	CHECK_LOG("objects-c", "PASS=hush-4711\n");
	CHECK_LOG("objects-c", "URL=db://hush-4711@fast/$(NONE)\n");
	CHECK(!logs_have("objects-c", "\nNONE="), "a variable without a value");
	{
		cleanup_result struct result exec =
			podium("exec objects-c sh -c 'echo $PASS $S_mode'");
		cleanup_result struct result shown = podium("inspect objects-c");
		cleanup_result struct result back = podium("kube generate objects");

		CHECK_EQUAL(exec.out, "hush-4711 fast\n");
		CHECK_LACKS(shown.out, "hush");
		CHECK_LACKS(back.out, "hush");
		CHECK_HAS(back.out, "secretKeyRef");
	}
	remove_pod("objects");
}

static void drop_object(int kind, const char *name)
{
	struct store s;
	struct error err = { 0 };
	int r = store_open(harness.root, harness.runroot, STORE_WRITE, &s, &err);

	if (r == 0) {
		r = data_object_remove(&s, (enum data_kind)kind, NULL, name, &err);
		store_close(&s);
	}
	CHECK(r == 0, "remove an object: %s", err.text);
}

static bool has_reason(const char *container, const char *reason)
{
	cleanup_free char *id = inspect(container, "{{.Id}}");
	cleanup_free char *path = xasprintf("%s/containers/%s/state.json", harness.root, id);
	cleanup_free char *state = read_file(path);

	return state && strstr(state, reason);
}

/* A container that misses something is tried again by its policy, until it is there. */
static void test_missing(void)
{
	put_object(DATA_CONFIG, "later", "k", "value");
	{
		cleanup_result struct result played = play_pod(
			"missing", "--start=false", "",
			"    image: busybox\n"
			"    command: [sh, -c, 'echo got $KEY; sleep 1000']\n"
			"    env:\n"
			"    - {name: KEY, valueFrom: {configMapKeyRef: {name: later, key: k}}}\n");

		CHECK_CODE(played, 0);
	}
	drop_object(DATA_CONFIG, "later");
	{
		cleanup_result struct result start = podium("pod start missing");

		CHECK_HAS(start.err, "variable 'KEY': there is no ConfigMap 'later'");
	}
	CHECK(WAIT_UNTIL(has_reason("missing-c", "CreateContainerConfigError"), DEADLINE_MS),
	      "no reason in the container's state");
	put_object(DATA_CONFIG, "later", "k", "value");
	CHECK_LOG("missing-c", "got value\n");
	remove_pod("missing");
}

static CU_TestInfo tests[] = {
	{ "fields and resources", test_fields },
	{ "the host's network", test_host_network },
	{ "ConfigMaps and Secrets", test_objects },
	{ "what is missing", test_missing },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "values", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
