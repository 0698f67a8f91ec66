/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - kube play --service-container: one container that lives as long as its pods, the words of
 * a service manager's socket, and kill -9 of every process that has a part in it.
 *
 * The pods end when a file of the host appears, so that no test depends on a moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "engine/base/hash.h"
#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define NAME_DIGITS 12

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

/* Runs until WORK/go/NAME is there, and exits with the number that it holds. */
static char *document(const char *name)
{
	return xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n"
			 "  restartPolicy: Never\n  terminationGracePeriodSeconds: 1\n"
			 "  volumes: [{name: go, hostPath: {path: %s/go}}]\n"
			 "  containers:\n  - name: c\n    image: busybox\n"
			 "    command: [sh, -c, 'while [ ! -e /go/%s ]; do sleep 0.05; done; "
			 "exit $(cat /go/%s)']\n"
			 "    volumeMounts: [{name: go, mountPath: /go}]\n",
			 name, harness.work, name, name);
}

/* two.yaml, of the pods 'px' and 'py'; the name of their service container, the caller's. */
static char *two(void)
{
	cleanup_free char *a = document("px");
	cleanup_free char *b = document("py");
	cleanup_free char *text = xasprintf("%s---\n%s", a, b);
	cleanup_free char *dir = xasprintf("%s/go", harness.work);
	char digest[HASH_SHA256_HEX];

	remove_path(dir);
	write_file("go/none", "%s", "");
	write_file("two.yaml", "%s", text);
	hash_sha256(text, strlen(text), digest);
	return xasprintf("%.*s-service", NAME_DIGITS, digest);
}

static char *play_two(const char *options)
{
	char *service = two();

	MUST(0, "kube play --service-container %s %s/two.yaml", options, harness.work);
	return service;
}

static void down_two(void)
{
	MUST(0, "kube down %s/two.yaml", harness.work);
}

static void let_end(const char *name, int code)
{
	cleanup_free char *file = xasprintf("go/%s", name);

	write_file(file, "%d", code);
}

/* ---- its life ----------------------------------------------------------------------------- */

static void test_shown(void)
{
	cleanup_free char *service = play_two("");
	cleanup_free char *command = ps_field(service, "Command");
	cleanup_result struct result r = podium("ps --format '{{.Image}} {{.Names}}'");
	cleanup_free char *row =
		xasprintf("localhost/podium-pause:" PODIUM_VERSION " %s\n", service);

	CHECK_STATUS(service, "Up ");
	CHECK_HAS(r.out, row);
	CHECK_EQUAL(command, "");
	CHECK(is_inspected(service, "{{.IsService}} {{.IsInfra}} {{.HostConfig.NetworkMode}}",
			   "true false none"),
	      "not shown as a service");
	CHECK(is_inspected("px-c", "{{.IsService}}", "false"), "every container is a service");
	result_done(&r);
	r = podium("pod ps --format '{{.Name}}'");
	CHECK_LACKS(r.out, "service");
	result_done(&r);
	r = podium("system check");
	CHECK_CODE(r, 0);
	down_two();
	CHECK(!is_listed(service), "down has left it");
}

static void test_ends_with_the_last(void)
{
	cleanup_free char *service = play_two("");

	let_end("px", 0);
	CHECK_STATUS("px-c", "Exited (0)");
	CHECK_STATUS(service, "Up ");
	let_end("py", 3);
	CHECK_STATUS(service, "Exited (0)");
	/* Who starts one of them starts it, too. */
	DISCARD(run("rm -f %s/go/py", harness.work));
	MUST(0, "pod start py");
	CHECK_STATUS(service, "Up ");
	MUST(0, "pod stop py");
	CHECK_STATUS(service, "Exited (0)");
	down_two();
}

static void test_stopped(void)
{
	cleanup_free char *service = play_two("");

	MUST(0, "stop %s", service);
	CHECK_STATUS("px-c", "Exited (");
	CHECK_STATUS("py-c", "Exited (");
	CHECK_STATUS(service, "Exited (0)");
	MUST(0, "pod start px");
	CHECK_STATUS(service, "Up ");
	MUST(0, "kill %s", service);
	CHECK_STATUS("px-c", "Exited (");
	CHECK_STATUS(service, "Exited (137)");
	down_two();
}

/* Its files are its writable layer, also while it does not run. */
static void test_files(void)
{
	cleanup_free char *service = play_two("");
	cleanup_result struct result r = { 0 };

	MUST(0, "stop -t 0 %s", service);
	MUST(0, "cp %s/two.yaml %s:/two", harness.work, service);
	MUST(0, "cp %s:/two %s/two.back", service, harness.work);
	r = podium("mount %s", service);
	CHECK_CODE(r, 0);
	MUST(0, "umount %s", service);
	down_two();
}

static void test_removed(void)
{
	cleanup_free char *service = play_two("");
	cleanup_free char *id = inspect(service, "{{.Id}}");
	cleanup_free char *a = pod_id("px");
	cleanup_free char *words =
		xasprintf("container %s is the service container of pod(s) ", id);
	cleanup_result struct result r = podium("rm -f %s", service);

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, words);
	CHECK_HAS(r.err, a);
	CHECK_HAS(r.err, " and cannot be removed without removing the pod(s)");
	CHECK_STATUS(service, "Up ");
	MUST(0, "pod rm -f -t 0 px");
	CHECK_STATUS(service, "Up ");
	MUST(0, "stop -t 0 %s", service);
	MUST(0, "container prune -f");
	CHECK(is_listed(service), "pruned with a pod");
	MUST(0, "pod rm py");
	CHECK(!is_listed(service), "it is left without pods");
}

/* The same again changes nothing; with --replace there is another one. */
static void test_played_again(void)
{
	cleanup_free char *service = play_two("");
	cleanup_free char *first = inspect(service, "{{.Id}}");
	cleanup_free char *pod = pod_id("px");
	cleanup_free char *second = NULL, *third = NULL;

	free(play_two(""));
	second = inspect(service, "{{.Id}}");
	CHECK_EQUAL(first, second);
	CHECK(is_inspected("px", "{{.Id}}", pod), "a pod was made anew");
	free(play_two("--replace"));
	third = inspect(service, "{{.Id}}");
	CHECK(!is_equal(first, third), "it was not replaced");
	CHECK_STATUS(service, "Up ");
	/* Without the flag the pods are others. */
	MUST(0, "kube play %s/two.yaml", harness.work);
	CHECK(!is_listed(service), "it is left without pods");
	down_two();
}

static void test_exit_code(void)
{
	static const struct {
		const char *policy;
		int a, b;
		const char *status;
	} rows[] = {
		{ "none", 1, 1, "Exited (0)" },	 { "any", 0, 1, "Exited (137)" },
		{ "any", 0, 0, "Exited (0)" },	 { "all", 0, 1, "Exited (0)" },
		{ "all", 2, 1, "Exited (137)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_free char *option =
			xasprintf("--service-exit-code-propagation=%s", rows[i].policy);
		cleanup_free char *service = play_two(option);

		let_end("px", rows[i].a);
		let_end("py", rows[i].b);
		CHECK_STATUS(service, rows[i].status);
		down_two();
	}
}

static void test_refused(void)
{
	static const struct {
		const char *options, *says;
	} rows[] = {
		{ "--service-container --start=false", "does not work with --start=false" },
		{ "--service-exit-code-propagation=all", "belongs to --service-container" },
		{ "--service-container --service-exit-code-propagation=x",
		  "is not all, any or none" },
	};
	cleanup_free char *service = two();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_result struct result r =
			podium("kube play %s %s/two.yaml", rows[i].options, harness.work);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, rows[i].says);
	}
	MUST(0, "create --name %s busybox true", service);
	{
		cleanup_result struct result r =
			podium("kube play --service-container %s/two.yaml", harness.work);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "exists and is no service container");
	}
	MUST(0, "rm %s", service);
	CHECK(!is_listed("px-c"), "a pod is left");
}

/* A play that comes to nothing leaves none. */
static void test_failed_play(void)
{
	cleanup_free char *service = two();

	MUST(0, "create --name py-c busybox true");
	MUST(125, "kube play --service-container %s/two.yaml", harness.work);
	CHECK(!is_listed(service), "it is left");
	CHECK(!is_listed("px-c"), "a pod is left");
	MUST(0, "rm py-c");
}

/* ---- processes ---------------------------------------------------------------------------- */

/* Also as a zombie that this program has inherited. */
static bool is_gone(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/stat", (int)pid);
	cleanup_free char *text = read_file(path);

	return !text || strstr(text, ") Z ");
}

static void kill_and_wait(pid_t pid)
{
	end_process(pid);
	CHECK(WAIT_UNTIL(is_gone(pid), DEADLINE_MS), "it lives");
}

/* ---- the manager's socket ----------------------------------------------------------------- */

static int open_manager(const char *name, bool is_abstract)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t len = strlen(name);

	memcpy(a.sun_path + is_abstract, name, len);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + is_abstract +
					  len + !is_abstract)) == 0,
	      "no socket");
	return fd;
}

static char *read_manager(int fd)
{
	char text[256] = "";
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, DEADLINE_MS) > 0)
		(void)!recv(fd, text, sizeof(text) - 1, 0);
	return xstrdup(text);
}

static void check_told(const char *address, int fd)
{
	cleanup_free char *service = NULL, *told = NULL, *wanted = NULL;

	(void)setenv("NOTIFY_SOCKET", address, 1);
	service = play_two("");
	(void)unsetenv("NOTIFY_SOCKET");
	told = read_manager(fd);
	wanted = xasprintf("MAINPID=%d\nREADY=1", (int)monitor_of(service));
	CHECK_EQUAL(told, wanted);
	down_two();
}

static void test_manager(void)
{
	cleanup_free char *path = xasprintf("%s/manager", harness.work);
	cleanup_free char *name = xasprintf("podium-test-%d", (int)getpid());
	cleanup_free char *abstract = xasprintf("@%s", name);
	int fd = open_manager(path, false);

	check_told(path, fd);
	(void)close(fd);
	fd = open_manager(name, true);
	check_told(abstract, fd);
	(void)close(fd);
}

/* Pods that end at once do not take the service with them before the manager knows of it. */
static void test_ended_before_told(void)
{
	cleanup_free char *path = xasprintf("%s/manager4", harness.work);
	cleanup_free char *service = two(), *told = NULL;
	int fd = open_manager(path, false);

	let_end("px", 1);
	let_end("py", 1);
	(void)setenv("NOTIFY_SOCKET", path, 1);
	MUST(0, "kube play --service-container --service-exit-code-propagation=any %s/two.yaml",
	     harness.work);
	(void)unsetenv("NOTIFY_SOCKET");
	told = read_manager(fd);
	CHECK_HAS(told, "MAINPID=");
	CHECK_STATUS(service, "Exited (137)");
	down_two();
	(void)close(fd);
}

/* Nobody can be told: the pods run. */
static void test_no_manager(void)
{
	cleanup_free char *service = two();
	cleanup_result struct result r = { 0 };

	(void)setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	r = podium("kube play --service-container %s/two.yaml", harness.work);
	(void)unsetenv("NOTIFY_SOCKET");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "'vsock:2:1234' is no address");
	CHECK_STATUS(service, "Up ");
	down_two();
}

static bool has_variable(pid_t pid, const char *name)
{
	cleanup_free char *path = xasprintf("/proc/%d/environ", (int)pid);
	cleanup_free char *text = read_file(path);

	return text && memmem(text, 4096, name, strlen(name));
}

/* The socket is for us alone: neither a helper nor a container gets it. */
static void test_not_passed_on(void)
{
	cleanup_free char *path = xasprintf("%s/manager2", harness.work);
	cleanup_free char *service = NULL;
	int fd = open_manager(path, false);

	(void)setenv("NOTIFY_SOCKET", path, 1);
	service = play_two("");
	(void)unsetenv("NOTIFY_SOCKET");
	CHECK(!has_variable(monitor_of(service), "NOTIFY_SOCKET"), "the monitor has it");
	CHECK(!has_variable(container_pid("px-c"), "NOTIFY_SOCKET"), "a container has it");
	down_two();
	(void)close(fd);
}

/* SIGTERM to the main process, as a unit's stop is: its pods end, and it ends well. */
static void test_terminated(void)
{
	cleanup_free char *service = play_two("");
	pid_t monitor = monitor_of(service);

	CHECK(monitor > 1 && kill(monitor, SIGTERM) == 0, "no monitor");
	CHECK_STATUS("px-c", "Exited (");
	CHECK_STATUS("py-c", "Exited (");
	CHECK_STATUS(service, "Exited (0)");
	CHECK(WAIT_UNTIL(is_gone(monitor), DEADLINE_MS), "it runs on");
	down_two();
}

/* The pods of a Job come and go: the play stays, as the unit's main process. */
static void test_job_alone(void)
{
	cleanup_free char *path = xasprintf("%s/manager3", harness.work);
	int fd = open_manager(path, false);
	struct job j;

	cleanup_free char *told = NULL, *dir = two();
	write_file("job.yaml",
		   "apiVersion: batch/v1\nkind: Job\nmetadata: {name: work}\nspec:\n  template:\n"
		   "    spec:\n      restartPolicy: Never\n"
		   "      volumes: [{name: go, hostPath: {path: %s/go}}]\n"
		   "      containers:\n      - name: c\n        image: busybox\n"
		   "        command: [sh, -c, 'while [ ! -e /go/px ]; do sleep 0.05; done']\n"
		   "        volumeMounts: [{name: go, mountPath: /go}]\n",
		   harness.work);
	(void)setenv("NOTIFY_SOCKET", path, 1);
	j = job_podium("kube play --service-container %s/job.yaml", harness.work);
	(void)unsetenv("NOTIFY_SOCKET");
	told = read_manager(fd);
	CHECK_EQUAL(told, "READY=1");
	CHECK(job_is_running(&j), "it has not waited");
	let_end("px", 0);
	{
		cleanup_result struct result r = job_wait(&j, DEADLINE_MS);
		cleanup_result struct result ps = podium("ps -a --format '{{.Names}}'");

		CHECK_CODE(r, 0);
		CHECK_LACKS(ps.out, "-service");
	}
	MUST(0, "kube down %s/job.yaml", harness.work);
	(void)close(fd);
}

/* ---- killed ------------------------------------------------------------------------------- */

/* Another one conducts it, and it still ends with its pods; its code is not known then. */
static void test_killed_service(void)
{
	cleanup_free char *service = play_two("");

	kill_and_wait(monitor_of(service));
	CHECK_STATUS(service, "Up (monitor lost)");
	CHECK_STATUS("px-c", "Up ");
	let_end("px", 0);
	CHECK_STATUS("px-c", "Exited (0)");
	let_end("py", 0);
	CHECK_STATUS(service, "Exited (");
	MUST(0, "pod start px");
	CHECK_STATUS(service, "Up ");
	down_two();
}

/* The same, and it is stopped. */
static void test_killed_and_stopped(void)
{
	cleanup_free char *service = play_two("");

	kill_and_wait(monitor_of(service));
	MUST(0, "stop %s", service);
	CHECK_STATUS(service, "Exited (");
	CHECK_STATUS("px-c", "Exited (");
	CHECK_STATUS("py-c", "Exited (");
	down_two();
}

static void test_killed_pod(void)
{
	cleanup_free char *service = play_two("");
	pid_t old = conductor_of("px");

	kill_and_wait(old);
	CHECK(WAIT_UNTIL(conductor_of("px") > 1, DEADLINE_MS), "nobody conducts it");
	let_end("py", 0);
	CHECK_STATUS("py-c", "Exited (0)");
	CHECK_STATUS(service, "Up ");
	let_end("px", 0);
	CHECK_STATUS(service, "Exited (0)");
	down_two();
}

/* Nothing of the service is left alive: its pods begin it anew, or end. */
static void test_killed_whole_service(void)
{
	cleanup_free char *service = play_two("");
	pid_t monitor = monitor_of(service), program = container_pid(service);

	(void)kill(monitor, SIGSTOP);
	end_process(program);
	kill_and_wait(monitor);
	let_end("px", 0);
	let_end("py", 0);
	CHECK_STATUS("px-c", "Exited (");
	CHECK_STATUS("py-c", "Exited (");
	CHECK_STATUS(service, "Exited (");
	down_two();
}

/* Everybody who could see an end is gone: the next command finds it all. */
static void test_killed_all(void)
{
	cleanup_free char *service = play_two("");
	pid_t pids[] = { monitor_of(service), conductor_of("px"), conductor_of("py") };

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		(void)kill(pids[i], SIGSTOP);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		end_process(pids[i]);
	down_two();
	CHECK(!is_listed(service), "it is left");
}

static void test_killed_play(void)
{
	for (int ms = 0; ms < 200; ms += 10) {
		cleanup_free char *service = two();
		struct job j =
			job_podium("kube play --service-container %s/two.yaml", harness.work);

		(void)usleep((useconds_t)ms * 1000);
		(void)kill(j.pid, SIGKILL);
		DISCARD(job_wait(&j, DEADLINE_MS));
		free(play_two(""));
		CHECK_STATUS("py-c", "Up ");
		CHECK_STATUS(service, "Up ");
		down_two();
		CHECK(!is_listed(service), "it is left");
		/* A directory that was made and never got a record is nobody's to take down. */
		DISCARD(podium("system check --repair"));
		MUST(0, "system check");
	}
}

static void with_leftovers(void (*test)(void), const char *what)
{
	cleanup_snapshot struct snapshot before = { 0 };

	free(two());
	snapshot_take(&before);
	test();
	free(two());
	CHECK_NOTHING_LEFT(&before, what);
}

static void test_crashes(void)
{
	with_leftovers(test_killed_service, "kill -9 of the service's monitor");
	with_leftovers(test_killed_and_stopped, "its stop");
	with_leftovers(test_killed_pod, "kill -9 of a conductor");
	with_leftovers(test_killed_whole_service, "kill -9 of the service");
	with_leftovers(test_killed_all, "kill -9 of all");
	with_leftovers(test_killed_play, "kill -9 of the play");
}

static CU_TestInfo tests[] = {
	{ "how it is shown", test_shown },
	{ "it ends with the last pod", test_ends_with_the_last },
	{ "stopped and killed", test_stopped },
	{ "its files", test_files },
	{ "removed", test_removed },
	{ "played again", test_played_again },
	{ "its exit code", test_exit_code },
	{ "refused", test_refused },
	{ "a play that fails", test_failed_play },
	{ "the manager's socket", test_manager },
	{ "pods that end before it is told", test_ended_before_told },
	{ "no manager", test_no_manager },
	{ "nobody else gets it", test_not_passed_on },
	{ "SIGTERM", test_terminated },
	{ "a Job alone", test_job_alone },
	{ "kill -9", test_crashes },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "service", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
