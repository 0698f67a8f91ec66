/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_get - what kube get and describe say of real pods: phase, readiness, reasons, restarts;
 * forms, selectors, namespaces; what pod inspect says of the same.
 */
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "tests/integration/harness.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") ? 0 : 1;
}

/* The STATUS of a pod; the caller's. */
static char *status_of(const char *pod)
{
	cleanup_result struct result r = podium("kube get pods %s --no-headers", pod);
	char *save = NULL, *word = NULL;

	for (int i = 0; i < 3; i++)
		word = strtok_r(i ? NULL : r.out, " \n", &save);
	return xstrdup(word ? word : "");
}

static bool is_status(const char *pod, const char *want)
{
	cleanup_free char *is = status_of(pod);

	return is_equal(is, want);
}

#define CHECK_POD(pod, want)                                                    \
	({                                                                      \
		bool held_ = WAIT_UNTIL(is_status((pod), (want)), DEADLINE_MS); \
		cleanup_free char *now_ = status_of(pod);                       \
		CHECK(held_, "pod %s is '%s', not '%s'", (pod), now_, (want));  \
	})

static void test_words(void)
{
	DISCARD(play_pod("up", "", "", "    args: [sleep, \"0\"]\n"));
	DISCARD(play_pod("once", "", "  restartPolicy: Never\n", "    args: [exit, \"0\"]\n"));
	DISCARD(play_pod("bad", "", "  restartPolicy: Never\n", "    args: [exit, \"3\"]\n"));
	DISCARD(play_pod("loop", "", "", "    args: [exit, \"4\"]\n"));
	DISCARD(play_pod("init", "",
			 "  initContainers:\n"
			 "  - {name: i, image: payload, args: [exit, \"1\"]}\n",
			 "    args: [sleep, \"0\"]\n"));
	DISCARD(play_pod("made", "--start=false", "", "    args: [sleep, \"0\"]\n"));
	CHECK_POD("up", "Running");
	CHECK_POD("once", "Completed");
	CHECK_POD("bad", "Error");
	CHECK_POD("loop", "CrashLoopBackOff");
	CHECK_POD("init", "Init:CrashLoopBackOff");
	CHECK_POD("made", "ContainerCreating");
	CHECK(WAIT_UNTIL(is_inspected("up", "{{.Phase}} {{(index .Containers 1).Ready}}",
				      "Running true"),
			 DEADLINE_MS),
	      "never ready");
	CHECK(is_inspected("once", "{{.Phase}} {{.QOSClass}}", "Succeeded BestEffort"), "phase");
	CHECK(is_inspected("bad",
			   "{{.Phase}} {{(index .Containers 1).Reason}} "
			   "{{(index .Containers 1).ExitCode}}",
			   "Failed Error 3"),
	      "phase of bad");
	CHECK(is_inspected("loop",
			   "{{.Phase}} {{(index .Containers 1).Reason}} "
			   "{{(index .Containers 1).LastState.ExitCode}}",
			   "Running CrashLoopBackOff 4"),
	      "phase of loop");
	CHECK(is_inspected("made", "{{.Phase}}", "Pending"), "phase of made");
}

static void test_describe(void)
{
	cleanup_result struct result r = podium("kube describe pod loop");
	cleanup_result struct result none = podium("kube describe pod up nosuch");

	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "Name:             loop\n");
	CHECK_HAS(r.out, "      Reason:       CrashLoopBackOff\n");
	CHECK_HAS(r.out, "    Last State:     Terminated\n");
	CHECK_HAS(r.out, "      Exit Code:    4\n");
	CHECK_HAS(r.out, "  Ready                       False");
	CHECK_HAS(r.out, "QoS Class:        BestEffort\n");
	CHECK_HAS(r.out, "\nEvents:");
	CHECK_CODE(none, 1);
	CHECK_HAS(none.out, "Name:             up\n");
	CHECK_HAS(none.err, "no pod 'nosuch' in namespace 'default'");
}

static void test_forms(void)
{
	cleanup_result struct result name = podium("kube get po -o name");
	cleanup_result struct result json = podium("kube get pod loop -o json");
	cleanup_result struct result yaml = podium("kube get pods up once -o yaml");
	cleanup_result struct result wide = podium("kube get pod/up -o wide");
	cleanup_result struct result odd = podium("kube get pods -o jsonpath=x");
	cleanup_result struct result kind = podium("kube get nosuch");
	cleanup_json json_t *j = NULL;
	struct error err;

	CHECK_EQUAL(name.out, "pod/bad\npod/init\npod/loop\npod/made\npod/once\npod/up\n");
	CHECK(jload_text(json.out, strlen(json.out), "json", &j, &err) == 0, "%s", err.text);
	CHECK_EQUAL(jget_str(j, "kind"), "Pod");
	CHECK_EQUAL(jget_str(json_object_get(j, "status"), "phase"), "Running");
	CHECK_HAS(yaml.out, "kind: List\n");
	CHECK_HAS(yaml.out, "phase: Succeeded\n");
	CHECK_HAS(wide.out, "NOMINATED NODE");
	CHECK_CODE(odd, 125);
	CHECK_CODE(kind, 125);
	CHECK_HAS(kind.err, "pods, daemonsets");
}

static void test_selection(void)
{
	cleanup_result struct result other = { 0 }, here = { 0 }, all = { 0 }, label = { 0 };
	cleanup_result struct result none = { 0 };

	DISCARD(play_text(
		"far", "",
		"apiVersion: v1\nkind: Pod\n"
		"metadata: {name: far, namespace: space, labels: {app: x}}\n"
		"spec:\n  containers: [{name: c, image: payload, args: [sleep, \"0\"]}]\n"));
	other = podium("kube get pods -n space -o name");
	here = podium("kube get pods -o name");
	all = podium("kube get pods -A --no-headers");
	label = podium("kube get pods -A -l 'app in (x),!no' -o name");
	none = podium("kube get pods -n nowhere");
	CHECK_EQUAL(other.out, "pod/far\n");
	CHECK_LACKS(here.out, "far");
	CHECK_HAS(all.out, "space     far ");
	CHECK_EQUAL(label.out, "pod/far\n");
	CHECK_EQUAL(none.out, "");
	CHECK_EQUAL(none.err, "No resources found in nowhere namespace.\n");
	MUST(1, "kube get pods far");
	MUST(125, "kube get pods -l 'a in b'");
	MUST(125, "kube get pods far -A");
	MUST(1, "kube delete pod far");
	MUST(0, "kube delete pod far -n space");
	MUST(1, "pod exists far");
}

static void test_delete(void)
{
	cleanup_result struct result r = podium("kube delete pods up nosuch --now");

	CHECK_CODE(r, 1);
	CHECK_EQUAL(r.out, "pod \"up\" deleted\n");
	CHECK_HAS(r.err, "no pod 'nosuch'");
	MUST(0, "kube delete pod/nosuch --ignore-not-found");
	MUST(125, "kube delete pods");
	MUST(125, "kube delete");
	remove_pods();
}

static bool has_printed(const struct job *j, const char *part)
{
	cleanup_free char *out = job_output(j);

	return strstr(out, part) != NULL;
}

static void test_watch(void)
{
	struct job j = job_podium("kube get pods -w");
	cleanup_result struct result r = { 0 };

	DISCARD(play_pod("seen", "", "  restartPolicy: Never\n", "    args: [sleep, \"0\"]\n"));
	CHECK(WAIT_UNTIL(has_printed(&j, "seen   1/1     Running"), DEADLINE_MS), "not seen");
	MUST(0, "stop -t 0 seen-c");
	CHECK(WAIT_UNTIL(has_printed(&j, "seen   0/1     Error"), DEADLINE_MS), "no change");
	(void)kill(j.pid, SIGTERM);
	r = job_wait(&j, DEADLINE_MS);
	CHECK(strstr(r.out, "NAME") == r.out && !strstr(r.out + 1, "NAME"), "%s", r.out);
	MUST(125, "kube get pods,cm -w");
	MUST(125, "kube get pods -w -o yaml");
	remove_pods();
}

/* What podium says on a terminal; the caller's. */
static char *on_terminal(const char *fmt, ...) printf_like(1, 2);
static char *on_terminal(const char *fmt, ...)
{
	cleanup_buf struct buf out = BUF_INIT(1 << 20);
	cleanup_free char *words = NULL, *line = NULL;
	int master = -1, status = 0;
	char data[4096];
	va_list ap;
	ssize_t n;
	pid_t pid;

	va_start(ap, fmt);
	if (vasprintf(&words, fmt, ap) < 0)
		words = NULL;
	va_end(ap);
	line = xasprintf("exec '%s/podium' --root '%s' --runroot '%s' %s", harness.build,
			 harness.root, harness.runroot, words);
	pid = forkpty(&master, NULL, NULL, NULL);
	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	while ((n = read(master, data, sizeof(data))) > 0)
		buf_add(&out, data, (size_t)n);
	(void)close(master);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status),
	      "'%s' ends well: status %d", line, status);
	return buf_steal(&out);
}

/* Bytes that move the cursor or change what a terminal does. */
static bool is_harmless(const char *text)
{
	return !strchr(text, 0x1b) && !strstr(text, "\xc2\x9b") && !strstr(text, "\xe2\x80\xae");
}

/* TTY-1: texts of manifests on a terminal. */
static void test_terminal(void)
{
	static const char *const lines[] = {
		"kube get configmap evil -o yaml",
		"kube get configmap evil -o json",
		"kube get pod evil -o yaml",
		"kube get pod evil -o json",
		"kube describe configmap evil",
		"kube describe pod evil",
		"kube generate evil",
		"kube get pods,cm",
	};
	cleanup_free char *weak = NULL;

	DISCARD(play_text("evil", "--start=false",
			  "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: evil\n"
			  "  annotations: {a: \"x\\u009b31m\\e[31m\\u202e\"}\n"
			  "data: {k: \"x\\u009b31m\\e[31m\\u202e\"}\n---\n"
			  "apiVersion: v1\nkind: Pod\nmetadata:\n  name: evil\n"
			  "  annotations: {a: \"x\\u009b31m\\e[31m\\u202e\"}\n"
			  "spec:\n  containers:\n  - name: c\n    image: payload\n"
			  "    args: [\"x\\u009b31m\\e[31m\\u202e\"]\n"
			  "    env: [{name: A, value: \"x\\u009b31m\\e[31m\\u202e\"}]\n"));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		cleanup_free char *text = on_terminal("%s", lines[i]);

		CHECK(*text && is_harmless(text), "%s: %s", lines[i], text);
	}
	(void)setenv("PODIUM_WEAKEN", "TTY-1", 1);
	weak = on_terminal("kube get configmap evil -o json");
	(void)unsetenv("PODIUM_WEAKEN");
	CHECK(!is_harmless(weak), "the escapes are in it: %s", weak);
	remove_pods();
}

/* A name longer than any line. */
static void test_long_names(void)
{
	cleanup_free char *name = xmalloc(70001);
	cleanup_free char *lines = NULL;
	cleanup_result struct result r = { 0 };

	memset(name, 'A', 70000);
	name[70000] = '\0';
	lines = xasprintf("    env: [{name: %s, value: last}]\n"
			  "    livenessProbe: {httpGet: {port: 80, path: /%s}}\n",
			  name, name);
	DISCARD(play_pod("long", "--start=false", "", lines));
	r = podium("kube describe pod long");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "AAAA: last\n");
	CHECK_HAS(r.out, "AAAA delay=0s");
	remove_pods();
}

static CU_TestInfo tests[] = {
	{ "phases, STATUS, reasons", test_words },
	{ "describe", test_describe },
	{ "forms", test_forms },
	{ "namespaces and selectors", test_selection },
	{ "delete", test_delete },
	{ "watch", test_watch },
	{ "on a terminal", test_terminal },
	{ "long names", test_long_names },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "kube get", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
