/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probes - startup, liveness, readiness of every kind, hooks, termination messages, in real time:
 * periods of a second, everything waited for and nothing measured.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/state/events.h"
#include "engine/state/status.h"
#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define EVERY_SECOND "periodSeconds: 1, timeoutSeconds: 1, "

static int begin(void)
{
	/* Failures alike are told once a minute; here each is waited for. */
	(void)setenv("PODIUM_TIMERS", "events:0", 1);
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

#define PLAY(code, ...)                                                       \
	({                                                                    \
		cleanup_result struct result played_ = play_pod(__VA_ARGS__); \
		CHECK_CODE(played_, (code));                                  \
	})

static struct container_status status_of(const char *container)
{
	cleanup_free char *id = inspect(container, "{{.Id}}");
	struct container_status st = { 0 };
	struct error err = { 0 };
	struct store s;

	if (CHECK(store_open(harness.root, harness.runroot, STORE_READ, &s, &err) == 0, "store: %s",
		  err.text)) {
		CHECK(status_read(&s, id, &st, &err) == 0, "status: %s", err.text);
		store_close(&s);
	}
	return st;
}

static bool is_ready(const char *container)
{
	struct container_status st = status_of(container);
	bool ready = st.ready;

	status_done(&st);
	return ready;
}

static int64_t restarts_of(const char *container)
{
	struct container_status st = status_of(container);
	int64_t n = st.restarts;

	status_done(&st);
	return n;
}

/* Every condition has the time of its last change, those about readiness too. */
static void check_times(const char *pod)
{
	cleanup_result struct result r = podium("kube get pod %s -o yaml", pod);
	int times = 0;

	for (const char *p = r.out; (p = strstr(p, "lastTransitionTime:")); p++)
		times++;
	CHECK(times == 5, "%d of 5 conditions have a time:\n%s", times, r.out);
}

/* How often an event happened; part is part of its text. */
static int64_t events_of(const char *pod, const char *reason, const char *part)
{
	cleanup_free char *id = pod_id(pod);
	struct event_list list = { 0 };
	struct error err = { 0 };
	struct store s;
	int64_t n = 0;

	if (!CHECK(store_open(harness.root, harness.runroot, STORE_READ, &s, &err) == 0,
		   "store: %s", err.text))
		return 0;
	CHECK(events_read(&s, id, &list, &err) == 0, "events: %s", err.text);
	for (size_t i = 0; i < list.n; i++)
		if (is_equal(list.v[i].reason, reason) && strstr(list.v[i].text, part))
			n += list.v[i].count;
	event_list_done(&list);
	store_close(&s);
	return n;
}

#define CHECK_EVENT(pod, reason, part)                                         \
	CHECK(WAIT_UNTIL(events_of((pod), (reason), (part)) > 0, DEADLINE_MS), \
	      "no event '%s' of '%s' with '%s'", (reason), (pod), (part))
#define CHECK_READY(container, on)                                                         \
	CHECK(WAIT_UNTIL(is_ready(container) == (on), DEADLINE_MS), "%s: ready is not %d", \
	      (container), (on))
/* What the container's server answers from now on. */
static void tell(const char *container, const char *answer)
{
	MUST(0, "exec %s /payload write /answer '%s'", container, answer);
}

static struct stat state_file(const char *container)
{
	cleanup_free char *id = inspect(container, "{{.Id}}");
	cleanup_free char *path = xasprintf("%s/containers/%s/state.json", harness.root, id);
	struct stat st = { 0 };

	CHECK(stat(path, &st) == 0, "no '%s'", path);
	return st;
}

/* ---- kinds ------------------------------------------------------------------------------ */

static int64_t requests_in(const char *container)
{
	cleanup_free char *logs = logs_of(container);
	int64_t n = 0;

	for (const char *p = logs; (p = strstr(p, "GET ")); p++)
		n++;
	return n;
}

static void test_http(void)
{
	struct stat before, after;
	int64_t n;

	PLAY(0, "web", "", "",
	     "    args: [answers, \"8080\", /answer]\n"
	     "    ports: [{name: http, containerPort: 8080}]\n"
	     "    readinessProbe: {" EVERY_SECOND
	     "failureThreshold: 1, httpGet: {port: http, path: '/healthz?x=1', "
	     "httpHeaders: [{name: X-Own, value: own}]}}\n");
	CHECK_STATUS("web-c", "Up ");
	CHECK_EVENT("web", "Unhealthy", "Readiness probe failed: HTTP status 503");
	check_times("web");
	CHECK_READY("web-c", false);
	tell("web-c", "200");
	CHECK_READY("web-c", true);
	/* Answers that change nothing write nothing. */
	before = state_file("web-c");
	n = requests_in("web-c");
	CHECK(WAIT_UNTIL(requests_in("web-c") >= n + 2, DEADLINE_MS), "it is not asked any more");
	after = state_file("web-c");
	CHECK(before.st_ino == after.st_ino, "state.json was written for nothing");
	CHECK(logs_have("web-c", "GET /healthz?x=1 HTTP/1.1\r\nHost: 10."), "no request line");
	CHECK(logs_have("web-c", ":8080\r\nUser-Agent: kube-probe/"), "no agent");
	CHECK(logs_have("web-c", "Accept: */*\r\nX-Own: own\r\nConnection: close\r\n"), "headers");
	/* To itself: followed; in a circle: not for ever; elsewhere: good, with a word. */
	tell("web-c", "302 /circle");
	CHECK_EVENT("web", "Unhealthy", "stopped after 10 redirects");
	CHECK_READY("web-c", false);
	tell("web-c", "302 http://192.0.2.1/x");
	CHECK_READY("web-c", true);
	CHECK_EVENT("web", "ProbeWarning", "redirect");
	tell("web-c", "hang");
	CHECK_EVENT("web", "Unhealthy", "no answer within 1 s");
	CHECK_READY("web-c", false);
	CHECK(restarts_of("web-c") == 0, "readiness never kills");
	remove_pod("web");
}

static void test_grpc(void)
{
	PLAY(0, "g", "", "",
	     "    args: [grpc-health, \"50051\", /answer]\n"
	     "    readinessProbe: {" EVERY_SECOND "failureThreshold: 1, grpc: {port: 50051}}\n"
	     "    livenessProbe: {" EVERY_SECOND "tcpSocket: {port: 50051}}\n");
	CHECK_EVENT("g", "Unhealthy", "service is UNKNOWN");
	tell("g-c", "1");
	CHECK_READY("g-c", true);
	tell("g-c", "2");
	CHECK_EVENT("g", "Unhealthy", "service is NOT_SERVING");
	CHECK_READY("g-c", false);
	CHECK(restarts_of("g-c") == 0, "TCP liveness killed it");
	remove_pod("g");
}

/* A server of the host, by TLS and by name; and a pod that nobody can reach from outside. */
static void test_https_and_none(void)
{
	cleanup_result struct result key =
		run("openssl req -x509 -newkey rsa:2048 -nodes -keyout %s/key.pem -out %s/cert.pem "
		    "-days 2 -subj /CN=nobody",
		    harness.work, harness.work);
	struct job server;

	CHECK_CODE(key, 0);
	server = job_run("openssl s_server -accept 127.0.0.1:8443 -www -quiet -key %s/key.pem "
			 "-cert %s/cert.pem",
			 harness.work, harness.work);
	PLAY(0, "tls", "", "",
	     "    args: [sleep, \"0\"]\n"
	     "    readinessProbe: {" EVERY_SECOND
	     "httpGet: {port: 8443, scheme: HTTPS, host: 127.0.0.1}}\n");
	CHECK_READY("tls-c", true);
	(void)kill(server.pid, SIGKILL);
	DISCARD(job_wait(&server, DEADLINE_MS));
	CHECK_EVENT("tls", "Unhealthy", "connect to 127.0.0.1 port 8443");
	CHECK_READY("tls-c", false);
	remove_pod("tls");
	PLAY(0, "alone", "--network none", "",
	     "    args: [answers, \"8080\", /answer]\n"
	     "    readinessProbe: {" EVERY_SECOND "failureThreshold: 1, httpGet: {port: 8080}}\n");
	CHECK_EVENT("alone", "Unhealthy", "HTTP status 503");
	tell("alone-c", "200");
	CHECK_READY("alone-c", true);
	CHECK(logs_have("alone-c", "Host: 127.0.0.1:8080"), "not asked inside");
	remove_pod("alone");
}

/* ---- what follows ----------------------------------------------------------------------- */

static void test_liveness(void)
{
	struct container_status st;

	PLAY(0, "live", "", "",
	     "    image: busybox\n"
	     "    command: [sh, -c, 'trap \"exit 7\" TERM; touch /good; while :; do sleep 1 & "
	     "wait; done']\n"
	     "    livenessProbe: {" EVERY_SECOND
	     "failureThreshold: 2, exec: {command: [sh, -c, 'echo why; test -e /good']}}\n");
	MUST(0, "exec live-c rm /good");
	CHECK_EVENT("live", "Unhealthy", "Liveness probe failed: command ended with 1: why");
	CHECK_EVENT("live", "Killing", "failed its liveness probe, it will be restarted");
	CHECK(WAIT_UNTIL(restarts_of("live-c") == 1, DEADLINE_MS), "it was not restarted");
	CHECK_STATUS("live-c", "Up ");
	CHECK_READY("live-c", true);
	st = status_of("live-c");
	CHECK(st.last.exit_code == 7 && is_equal(st.last.reason, "Error"), "last: %lld %s",
	      (long long)st.last.exit_code, st.last.reason);
	CHECK(st.last.finished_ns > st.last.started_ns && st.last.started_ns > 0 && !st.reason,
	      "times or reason");
	status_done(&st);
	remove_pod("live");
	/* A clean end of what was killed for a probe comes back under OnFailure, too; never under
	 * Never. The grace period of the probe is its own. */
	PLAY(0, "of", "", "  restartPolicy: OnFailure\n",
	     "    args: [sleep, \"0\"]\n"
	     "    startupProbe: {" EVERY_SECOND "failureThreshold: 1, tcpSocket: {port: 9}}\n");
	CHECK(WAIT_UNTIL(restarts_of("of-c") >= 1, DEADLINE_MS), "it was not restarted");
	remove_pod("of");
	PLAY(0, "nv", "", "  restartPolicy: Never\n  terminationGracePeriodSeconds: 3600\n",
	     "    args: [ignore-term]\n"
	     "    livenessProbe: {" EVERY_SECOND "failureThreshold: 1, "
	     "terminationGracePeriodSeconds: 1, exec: {command: [/payload, sleep, \"0\"]}}\n");
	CHECK_STATUS("nv-c", "Exited (137) ");
	CHECK_EVENT("nv", "Killing", "failed its liveness probe");
	CHECK(restarts_of("nv-c") == 0, "restarted under Never");
	remove_pod("nv");
	/* One that ends by itself while it is asked is not unhealthy. */
	PLAY(0, "end", "", "  restartPolicy: OnFailure\n",
	     "    args: [sleep, \"2\"]\n"
	     "    livenessProbe: {periodSeconds: 1, timeoutSeconds: 600, failureThreshold: 1, "
	     "exec: {command: [/payload, ignore-term]}}\n");
	CHECK_STATUS("end-c", "Exited (0) ");
	CHECK(restarts_of("end-c") == 0 && events_of("end", "Unhealthy", "") == 0,
	      "taken for a failed probe");
	remove_pod("end");
}

static void test_startup(void)
{
	struct container_status st;

	PLAY(0, "s", "", "",
	     "    args: [answers, \"8080\", /answer]\n"
	     "    startupProbe: {" EVERY_SECOND "failureThreshold: 600, httpGet: {port: 8080}}\n"
	     "    livenessProbe: {" EVERY_SECOND
	     "failureThreshold: 1, exec: {command: [/payload, cat, /answer]}}\n");
	CHECK(WAIT_UNTIL(events_of("s", "Unhealthy", "Startup probe failed") >= 3, DEADLINE_MS),
	      "not asked again");
	st = status_of("s-c");
	CHECK(!st.started && !st.ready && st.restarts == 0, "started before its startup probe");
	status_done(&st);
	tell("s-c", "200");
	CHECK_READY("s-c", true);
	st = status_of("s-c");
	CHECK(st.started && st.restarts == 0, "liveness was asked too early");
	status_done(&st);
	remove_pod("s");
}

/* ---- hooks ------------------------------------------------------------------------------ */

static void test_hooks(void)
{
	cleanup_free char *message = NULL;
	struct container_status st;

	/* When play returns, postStart has ended. */
	PLAY(0, "h", "", "",
	     "    image: busybox\n    command: [sleep, infinity]\n"
	     "    lifecycle:\n"
	     "      postStart: {exec: {command: [sh, -c, 'sleep 1; touch /done']}}\n"
	     "      preStop: {exec: {command: [sh, -c, 'echo bye >/dev/termination-log']}}\n"
	     "      stopSignal: SIGKILL\n");
	MUST(0, "exec h-c test -e /done");
	MUST(0, "stop h-c");
	st = status_of("h-c");
	CHECK_EQUAL(st.message, "bye\n");
	CHECK(st.exit_code == 137, "stopSignal: %lld", (long long)st.exit_code);
	status_done(&st);
	remove_pod("h");
	/* One that fails kills under the policy; httpGet takes any answer. */
	PLAY(0, "hf", "", "  restartPolicy: Never\n",
	     "    args: [sleep, \"0\"]\n"
	     "    lifecycle: {postStart: {exec: {command: [/payload, exit, \"3\"]}}}\n");
	CHECK_STATUS("hf-c", "Exited (0) ");
	CHECK_EVENT("hf", "FailedPostStartHook", "command ended with 3");
	remove_pod("hf");
	PLAY(0, "hh", "", "",
	     "    args: [answers, \"8080\", /answer]\n"
	     "    lifecycle:\n"
	     "      postStart: {sleep: {seconds: 1}}\n"
	     "      preStop: {httpGet: {port: 8080, path: /bye}}\n");
	MUST(0, "stop hh-c");
	CHECK(logs_have("hh-c", "GET /bye HTTP/1.1"), "preStop was not sent");
	CHECK(events_of("hh", "FailedPreStopHook", "") == 0, "503 is an answer");
	remove_pod("hh");
	/* preStop has the grace period, and no more; it does not run for one that ended by itself. */
	PLAY(0, "hp", "", "",
	     "    args: [sleep, \"0\"]\n    lifecycle: {preStop: {sleep: {seconds: 25}}}\n");
	MUST(0, "stop -t 1 hp-c");
	CHECK_EVENT("hp", "FailedPreStopHook", "grace period");
	CHECK_STATUS("hp-c", "Exited (0) ");
	remove_pod("hp");
}

/* ---- termination messages --------------------------------------------------------------- */

static void check_message(const char *container, const char *want)
{
	struct container_status st;

	CHECK_STATUS(container, "Exited ");
	st = status_of(container);
	CHECK_EQUAL(st.message, want);
	status_done(&st);
}

static void test_messages(void)
{
	struct container_status st;

	PLAY(0, "m1", "", "  restartPolicy: Never\n",
	     "    args: [write, /dev/termination-log, as nobody]\n"
	     "    securityContext: {runAsUser: 65534}\n");
	check_message("m1-c", "as nobody");
	remove_pod("m1");
	PLAY(0, "m2", "", "  restartPolicy: Never\n",
	     "    args: [write, /some/where, elsewhere]\n"
	     "    terminationMessagePath: /some/where\n"
	     "    securityContext: {runAsUser: 65534}\n");
	check_message("m2-c", "elsewhere");
	remove_pod("m2");
	PLAY(0, "m3", "", "  restartPolicy: Never\n",
	     "    args: [seq, lines, \"100\", x, \",\", exit, \"3\"]\n"
	     "    terminationMessagePolicy: FallbackToLogsOnError\n");
	CHECK_STATUS("m3-c", "Exited (3) ");
	st = status_of("m3-c");
	CHECK(st.message && is_prefix(st.message, "21 x\n22 x\n") &&
		      is_suffix(st.message, "\n100 x\n"),
	      "not the last 80 lines: %s", st.message);
	CHECK_EQUAL(st.reason, "Error");
	status_done(&st);
	remove_pod("m3");
	PLAY(0, "m4", "", "  restartPolicy: Never\n",
	     "    args: [lines, \"3\"]\n    terminationMessagePolicy: FallbackToLogsOnError\n");
	check_message("m4-c", NULL);
	remove_pod("m4");
	/* It ends with the last 4096 bytes, and cannot fill anything of the host's. */
	PLAY(0, "m5", "", "  restartPolicy: Never\n",
	     "    image: busybox\n"
	     "    command: [sh, -c, 'yes | head -c 8000000 >/dev/termination-log && exit 0; "
	     "wc -c </dev/termination-log; yes no | head -c 5001 >/dev/termination-log; exit "
	     "4']\n");
	CHECK_STATUS("m5-c", "Exited (4) ");
	st = status_of("m5-c");
	CHECK(st.message && strlen(st.message) == 4096 && is_suffix(st.message, "no\nno\nno\n"),
	      "%zu bytes", st.message ? strlen(st.message) : 0);
	status_done(&st);
	remove_pod("m5");
	PLAY(125, "m6", "", "  restartPolicy: Never\n", "    command: [/nosuch]\n");
	st = status_of("m6-c");
	CHECK_EQUAL(st.reason, "ContainerCannotRun");
	status_done(&st);
	CHECK_EVENT("m6", "Failed", "/nosuch");
	remove_pod("m6");
}

/* ---- who dies --------------------------------------------------------------------------- */

static void test_killed(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *id = NULL, *words = NULL, *pid = NULL;
	int64_t monitor = 0, n;

	snapshot_take(&before);
	PLAY(0, "k", "", "",
	     "    args: [answers, \"8080\", /answer]\n"
	     "    readinessProbe: {" EVERY_SECOND "failureThreshold: 1, httpGet: {port: 8080}}\n"
	     "    livenessProbe: {" EVERY_SECOND "failureThreshold: 600, "
	     "exec: {command: [/payload, sleep, \"0\"]}}\n");
	tell("k-c", "200");
	CHECK_READY("k-c", true);
	id = pod_id("k");
	words = xasprintf("podium-monitor conductor %s %s %s", harness.root, harness.runroot, id);
	end_process(find_process(words));
	/* Its monitor goes on asking, and tells the next conductor. */
	n = requests_in("k-c");
	CHECK(WAIT_UNTIL(requests_in("k-c") >= n + 2, DEADLINE_MS), "not asked any more");
	tell("k-c", "500");
	CHECK_READY("k-c", false);
	MUST(0, "pod start k");
	tell("k-c", "200");
	CHECK_READY("k-c", true);
	/* Without its monitor it runs on, unasked; what an exec has left there goes with the pod. */
	CHECK(WAIT_UNTIL(events_of("k", "Unhealthy", "Liveness") >= 2, DEADLINE_MS), "no exec");
	pid = inspect("k-c", "{{.State.ConmonPid}}");
	CHECK(parse_i64(pid, 2, INT32_MAX, &monitor) == 0, "monitor: '%s'", pid);
	end_process((pid_t)monitor);
	CHECK_STATUS("k-c", "Up (monitor lost)");
	MUST(0, "exec k-c /payload true");
	remove_pod("k");
	CHECK_NOTHING_LEFT(&before, "killed while it was probed");
}

/* A port on loopback where nobody answers. */
static int listen_somewhere(uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -1;
	*ret_port = ntohs(a.sin_port);
	return fd;
}

/* podium-probe, as the monitor starts it. */
static pid_t start_helper(uint16_t port)
{
	cleanup_free char *program = xasprintf("%s/podium-probe", harness.build);
	cleanup_free char *request = xasprintf(
		"{\"https\":true,\"host\":\"127.0.0.1\",\"origin\":\"127.0.0.1\",\"port\":%u}",
		port);
	int fd = memfd_create("request", 0);
	pid_t pid;

	if (fd < 0 || write(fd, request, strlen(request)) != (ssize_t)strlen(request))
		return -1;
	(void)lseek(fd, 0, SEEK_SET);
	pid = fork();
	if (pid == 0) {
		if (fd == 3 || dup2(fd, 3) == 3)
			(void)execl(program, "podium-probe", (char *)NULL);
		_exit(127);
	}
	(void)close(fd);
	return pid;
}

/* /proc/PID/status of one that waits for the server's first word of TLS; the caller's. */
static char *status_of_helper(void)
{
	uint16_t port = 0;
	cleanup_close int server = listen_somewhere(&port);
	cleanup_close int peer = -EBADF;
	cleanup_free char *path = NULL;
	char *text = NULL;
	pid_t pid = server < 0 ? -1 : start_helper(port);

	if (!CHECK(pid > 0, "podium-probe is started"))
		return xstrdup("");
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	path = xasprintf("/proc/%d/status", (int)pid);
	text = read_file(path);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return text ? text : xstrdup("");
}

/* PROBE-1: who speaks TLS to a container has nothing to lose. */
static void test_helper_privileges(void)
{
	cleanup_free char *status = status_of_helper();
	cleanup_free char *weak = NULL;

	CHECK_HAS(status, "Uid:\t65534\t65534\t65534\t65534\n");
	CHECK_HAS(status, "Gid:\t65534\t65534\t65534\t65534\n");
	CHECK_HAS(status, "Groups:\t \n");
	CHECK_HAS(status, "CapPrm:\t0000000000000000\n");
	CHECK_HAS(status, "CapEff:\t0000000000000000\n");
	CHECK_HAS(status, "NoNewPrivs:\t1\n");
	(void)setenv("PODIUM_WEAKEN", "PROBE-1", 1);
	weak = status_of_helper();
	(void)unsetenv("PODIUM_WEAKEN");
	CHECK_HAS(weak, "Uid:\t0\t");
	CHECK_LACKS(weak, "CapEff:\t0000000000000000\n");
}

static CU_TestInfo tests[] = {
	{ "HTTP: answers, headers, redirects, timeouts", test_http },
	{ "gRPC and TCP", test_grpc },
	{ "HTTPS, and a pod without network", test_https_and_none },
	{ "privileges of podium-probe", test_helper_privileges },
	{ "liveness kills, the policy decides", test_liveness },
	{ "startup comes first", test_startup },
	{ "postStart and preStop", test_hooks },
	{ "termination messages and reasons", test_messages },
	{ "conductor and monitor are killed", test_killed },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "probes", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
