/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init - containers that are prepared up to their exec: what can be done with one, what its start lets
 * go, pods, what is killed meanwhile.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/wire.h"

#define PORT	 7050
#define WAIT_MS	 15000
#define IMPROPER "has already been created in runtime: container state improper\n"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

#define CHECK_SAYS(code, part, ...)                                       \
	({                                                                \
		cleanup_result struct result says_ = podium(__VA_ARGS__); \
		CHECK_CODE(says_, (code));                                \
		CHECK_HAS(says_.err, (part));                             \
	})
#define CHECK_PRINTS(text, ...)                                             \
	({                                                                  \
		cleanup_result struct result prints_ = podium(__VA_ARGS__); \
		CHECK_CODE(prints_, 0);                                     \
		CHECK_EQUAL(prints_.out, (text));                           \
	})
#define CHECK_INSPECT(name, format, value)                          \
	({                                                          \
		cleanup_free char *is_ = inspect((name), (format)); \
		CHECK_EQUAL(is_, (value));                          \
	})

/* ---- by itself ---------------------------------------------------------------------------- */

/* Nobody may be there to wait for it. */
static bool is_gone(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/status", (int)pid);
	cleanup_free char *text = read_file(path);

	return !text || strstr(text, "State:\tZ");
}

static void test_alone(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *ip = NULL;
	pid_t pid;

	snapshot_take(&before);
	MUST(0, "create --name one -p 7050:80 busybox sh -c 'echo hello; exec sleep 1000'");
	CHECK_PRINTS("one\n", "init one");
	CHECK_STATUS("one", "Initialized");
	CHECK_INSPECT("one",
		      "{{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.State.Error}}",
		      "initialized false 0 ");
	CHECK_INSPECT("one", "{{.State.StartedAt}}", "0001-01-01T00:00:00Z");
	pid = container_pid("one");
	CHECK(pid > 1 && !is_gone(pid), "no process");
	ip = inspect("one", "{{.NetworkSettings.IPAddress}}");
	CHECK(strchr(ip, '.') != NULL, "no address: '%s'", ip);
	CHECK_PRINTS("", "ps -q");
	CHECK_PRINTS("one\n", "ps -a --filter status=initialized --format {{.Names}}");
	CHECK_PRINTS("", "ps -a --filter status=created --format {{.Names}}");
	CHECK_PRINTS("-1\n", "wait --condition initialized one");
	(void)usleep(200000);
	CHECK_PRINTS("", "logs one");
	MUST(0, "start one");
	CHECK_STATUS("one", "Up ");
	CHECK(container_pid("one") == pid, "another process");
	CHECK(WAIT_UNTIL(logs_have("one", "hello"), WAIT_MS), "it does not run");
	CHECK_PRINTS("create\ninit\nstart\n",
		     "events --stream=false --filter container=one --format {{.Status}}");
	MUST(0, "rm -f -t 0 one");
	CHECK_NOTHING_LEFT(&before, "init and start");
}

/* What is there when it waits: its network, its mounts, its groups, its limits. */
static void test_prepared(void)
{
	cleanup_free char *path = NULL, *text = NULL, *mounts = NULL;
	struct job person;

	write_file("shared/file", "from outside\n");
	MUST(0,
	     "create --name there -p 7050:7000 -v %s/shared:/shared --hostname inside "
	     "payload tcp-echo 7000",
	     harness.work);
	MUST(0, "init there");
	path = xasprintf("/proc/%d/root/shared/file", (int)container_pid("there"));
	text = read_file(path);
	CHECK_EQUAL(text, "from outside\n");
	free(path);
	path = xasprintf("/proc/%d/mountinfo", (int)container_pid("there"));
	mounts = read_file(path);
	CHECK_HAS(mounts, "/shared");
	/* Its port is nobody else's, and nobody answers there yet. */
	CHECK_SAYS(125, "7050", "run --rm -p 7050:7000 payload true");
	MUST(0, "start there");
	text = (free(text), wire_ask_wait(WIRE_TCP, "127.0.0.1", PORT, "x"));
	CHECK(text != NULL, "it does not answer");
	/* A second wish for what is under way: one of them makes it, nobody hangs. */
	MUST(0, "stop -t 0 there");
	person = job_podium("init there");
	DISCARD(podium("init there"));
	DISCARD(job_wait(&person, DEADLINE_MS));
	CHECK_STATUS("there", "Initialized");
	person = job_podium("start there");
	MUST(0, "start there");
	DISCARD(job_wait(&person, DEADLINE_MS));
	CHECK_STATUS("there", "Up ");
	MUST(0, "stop -t 0 there");
	person = job_podium("init there"); /* and a start beside it */
	MUST(0, "start there");
	DISCARD(job_wait(&person, DEADLINE_MS));
	CHECK_STATUS("there", "Up ");
	MUST(0, "rm -f -t 0 there");
}

/* ---- what is said of one that cannot ------------------------------------------------------- */

static void test_states(void)
{
	MUST(0, "create --name it --health-cmd true busybox sleep 1000");
	MUST(0, "init it");
	CHECK_SAYS(125, IMPROPER, "init it");
	CHECK_SAYS(255, "can only create exec sessions on running containers", "exec it true");
	CHECK_SAYS(125, "you can only attach to running containers", "attach it");
	CHECK_SAYS(125, "\"initialized\" is not running, can't pause", "pause it");
	CHECK_SAYS(125, "is not paused, can't unpause", "unpause it");
	CHECK_SAYS(125, "is in state initialized: container state improper", "kill it");
	CHECK_SAYS(125, "top can only be used on running containers", "top it");
	CHECK_SAYS(125, "is not running", "healthcheck run it");
	CHECK_SAYS(125, "it is initialized", "container cleanup it");
	CHECK_STATUS("it", "Initialized");
	MUST(0, "start it");
	CHECK_SAYS(125, IMPROPER, "init it");
	MUST(0, "pause it");
	CHECK_SAYS(125, IMPROPER, "init it");
	MUST(0, "rm -f -t 0 it");
}

static void test_touch(void)
{
	cleanup_free char *name = NULL;

	write_file("in", "put in\n");
	MUST(0, "create --name t -m 64m busybox cat /in");
	MUST(0, "init t");
	MUST(0, "rename t touched");
	MUST(0, "cp %s/in touched:/in", harness.work);
	MUST(0, "cp touched:/in %s/out", harness.work);
	name = read_file("out");
	CHECK_EQUAL(name, "put in\n");
	{
		cleanup_result struct result r = podium("diff touched");

		CHECK_HAS(r.out, "A /in\n");
	}
	MUST(0, "commit -q touched localhost/touched");
	MUST(0, "export -o %s/tree.tar touched", harness.work);
	MUST(0, "update -m 32m touched");
	MUST(0, "stats --no-stream touched");
	MUST(0, "mount touched");
	MUST(0, "umount touched");
	CHECK_STATUS("touched", "Initialized");
	{
		cleanup_result struct result r = podium("generate kube touched");

		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, "kind: Pod");
	}
	CHECK_PRINTS("put in\n", "start -a touched");
	MUST(0, "rm touched");
	MUST(0, "rmi localhost/touched");
}

/* ---- its end ------------------------------------------------------------------------------ */

static void test_end(void)
{
	cleanup_snapshot struct snapshot before;
	struct job stop;

	snapshot_take(&before);
	MUST(0, "create --name e --stop-timeout 1000 busybox sleep 1000");
	MUST(0, "init e");
	stop = job_podium("stop e"); /* what has nothing to say is given no grace */
	{
		cleanup_result struct result r = job_wait(&stop, DEADLINE_MS);

		CHECK_CODE(r, 0);
	}
	CHECK_STATUS("e", "Exited (137) ");
	CHECK_INSPECT("e", "{{.State.Error}}", "");
	MUST(0, "init e");
	MUST(0, "rm e");
	MUST(0, "create --name e busybox sleep 1000");
	MUST(0, "init e");
	MUST(0, "rm -f e");
	MUST(0, "create --rm --name e busybox sleep 1000");
	MUST(0, "init e");
	MUST(0, "stop e");
	CHECK(WAIT_UNTIL(!is_listed("e"), WAIT_MS), "--rm: it is still listed");
	MUST(0, "create --name e busybox sleep 1000");
	MUST(0, "init e");
	MUST(0, "container prune -f");
	CHECK(!is_listed("e"), "it was not pruned");
	CHECK_NOTHING_LEFT(&before, "the ends of initialized containers");
}

/* One that has run before is prepared anew; what is known of its last run is not lost. */
static void test_again(void)
{
	pid_t monitor;

	MUST(0, "create --name again busybox sh -c 'echo run; exit 3'");
	MUST(3, "start -a again");
	MUST(0, "init again");
	CHECK_STATUS("again", "Initialized");
	CHECK_INSPECT("again", "{{.State.ExitCode}} {{.State.LastState.ExitCode}}", "0 3");
	/* Nobody has begun it: it is what it was. */
	monitor = monitor_of("again");
	end_process(monitor);
	CHECK_STATUS("again", "Exited (3) ");
	CHECK_INSPECT("again", "{{.State.Reason}} {{.State.ExitCodeUnknown}}", "Error false");
	MUST(0, "init again");
	MUST(3, "start -a again");
	CHECK_STATUS("again", "Exited (3) ");
	MUST(0, "init again");
	MUST(0, "restart again");
	CHECK_STATUS("again", "Exited (3) ");
	MUST(0, "rm again");
}

/* One whose start has failed is so again when nobody begins it. The program comes with a mount. */
static void test_failed_before(void)
{
	cleanup_free char *dir = xasprintf("%s/late", harness.work);
	cleanup_free char *program = xasprintf("%s/program", dir), *error = NULL;

	write_file("late/other", "%s", "");
	MUST(0, "create --name late -v %s:/late busybox /late/program", dir);
	MUST(125, "start late");
	error = inspect("late", "{{.State.Error}}");
	CHECK_HAS(error, "/late/program");
	write_file("late/program", "#!/bin/sh\nexit 0\n");
	CHECK(chmod(program, 0755) == 0, "chmod");
	MUST(0, "init late");
	CHECK_INSPECT("late", "{{.State.ExitCode}} {{.State.Error}}", "0 ");
	end_process(monitor_of("late"));
	CHECK_STATUS("late", "Exited (127) ");
	CHECK_INSPECT("late", "{{.State.Error}}", error);
	MUST(0, "init late");
	MUST(0, "stop late");
	CHECK_INSPECT("late", "{{.State.ExitCode}} {{.State.Error}}", "137 ");
	MUST(0, "start -a late");
	CHECK_INSPECT("late", "{{.State.ExitCode}} {{.State.Error}}", "0 ");
	MUST(0, "rm late");
}

/* Restarts, time limits and health checks count from the start. */
static void test_clocks(void)
{
	MUST(0, "create --name c --timeout 1 --restart always --health-cmd /bin/false "
		"--health-interval 1s busybox sleep 1000");
	MUST(0, "init c");
	(void)usleep(2500000);
	CHECK_STATUS("c", "Initialized");
	CHECK_INSPECT("c", "{{.RestartCount}} {{.State.Health.FailingStreak}}", "0 0");
	end_process(container_pid("c")); /* no policy for what never ran */
	CHECK_STATUS("c", "Exited (137) ");
	CHECK_INSPECT("c", "{{.RestartCount}}", "0");
	MUST(0, "init c");
	MUST(0, "start c");
	CHECK(WAIT_UNTIL(!is_inspected("c", "{{.RestartCount}}", "0"), WAIT_MS),
	      "neither ended nor started again");
	MUST(0, "rm -f -t 0 c");
	/* Of one that cannot be prepared the policy makes nothing, either. */
	MUST(0, "create --name c --restart always busybox nosuchprogram");
	CHECK_SAYS(125, "nosuchprogram", "init c");
	CHECK_STATUS("c", "Exited (127) ");
	MUST(0, "rm c");
}

/* ---- names -------------------------------------------------------------------------------- */

static void test_names(void)
{
	cleanup_free char *a = NULL, *b = NULL;

	MUST(0, "create --name a busybox true");
	MUST(0, "create --name b busybox true");
	MUST(0, "run -d --name r busybox sleep 1000");
	CHECK_SAYS(125, "no container with name or ID \"nosuch\" found", "init a nosuch b");
	CHECK_STATUS("a", "Created");
	CHECK_SAYS(125, "you must provide at least one name or id", "init");
	CHECK_SAYS(125, "no arguments are needed with --all", "init --all a");
	CHECK_SAYS(125, "--latest and containers cannot be used together", "init --latest a");
	{
		cleanup_result struct result r = podium("init a r b");

		CHECK_CODE(r, 125);
		CHECK_EQUAL(r.out, "a\nb\n");
		CHECK_HAS(r.err, IMPROPER);
	}
	CHECK_STATUS("a", "Initialized");
	MUST(0, "stop a b");
	MUST(0, "rm -f -t 0 r");
	MUST(0, "container init -l"); /* the youngest */
	CHECK_STATUS("b", "Initialized");
	CHECK_STATUS("a", "Exited (137) ");
	a = inspect("a", "{{.Id}}");
	b = inspect("b", "{{.Id}}");
	{
		cleanup_result struct result r = podium("init --all");

		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, a);
		CHECK_HAS(r.out, b);
	}
	CHECK_STATUS("a", "Initialized");
	MUST(0, "start --all");
	CHECK_STATUS("a", "Exited (0) ");
	CHECK_STATUS("b", "Exited (0) ");
	MUST(0, "rm a b");
}

static void test_required(void)
{
	MUST(0, "create --name base busybox sleep 1000");
	MUST(0, "create --name upper --requires base busybox sleep 1000");
	CHECK_SAYS(125, "some dependencies of container", "init upper");
	CHECK_STATUS("upper", "Created");
	MUST(0, "start base");
	MUST(0, "init upper");
	MUST(0, "rm -f -t 0 upper base");
}

/* ---- sessions ----------------------------------------------------------------------------- */

static void test_session(void)
{
	MUST(0, "create --name s busybox sh -c 'echo out; echo err >&2; exit 5'");
	MUST(0, "init s");
	{
		cleanup_result struct result r = podium("start -a s");

		CHECK_CODE(r, 5);
		CHECK_EQUAL(r.out, "out\n");
		CHECK_EQUAL(r.err, "err\n");
	}
	MUST(0, "rm s");
	MUST(0, "create -i --name s busybox cat");
	MUST(0, "init s");
	{
		cleanup_result struct result r = podium_stdin("typed\n", "start -ai s");

		CHECK_CODE(r, 0);
		CHECK_EQUAL(r.out, "typed\n");
	}
	MUST(0, "rm s");
}

/* ---- pods --------------------------------------------------------------------------------- */

static void make_pod(void)
{
	MUST(0, "pod create --name p -p 7050:7000");
	MUST(0, "create --pod p --name first payload tcp-echo 7000");
	MUST(0, "create --pod p --name second busybox sleep 1000");
}

#define CHECK_POD(state) CHECK_PRINTS(state "\n", "pod ps --format {{.Status}}")

static void test_pod(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *infra = NULL;
	pid_t pid;

	snapshot_take(&before);
	make_pod();
	MUST(0, "init first");
	CHECK_STATUS("first", "Initialized");
	CHECK_STATUS("second", "Created");
	CHECK_POD("Degraded");
	CHECK_SAYS(125, IMPROPER, "init first");
	infra = inspect("p", "{{.InfraContainerID}}");
	CHECK_SAYS(125, "infra container", "init %s", infra);
	pid = container_pid("first");
	MUST(0, "start second"); /* which waits for nobody */
	CHECK_STATUS("second", "Up ");
	CHECK_STATUS("first", "Initialized");
	MUST(0, "pod pause p");
	MUST(0, "pod unpause p");
	CHECK_STATUS("first", "Initialized");
	MUST(0, "stop -t 0 second");
	CHECK_STATUS("first", "Initialized");
	MUST(0, "pod start p");
	CHECK_STATUS("first", "Up ");
	CHECK(container_pid("first") == pid, "another process");
	CHECK_STATUS("second", "Up ");
	MUST(0, "pod stop -t 0 p");
	MUST(0, "init first second");
	CHECK_STATUS("second", "Initialized");
	MUST(0, "stop first");
	CHECK_STATUS("first", "Exited (137) ");
	CHECK_STATUS("second", "Initialized");
	MUST(0, "rm first");
	MUST(0, "pod restart p");
	CHECK_STATUS("second", "Up ");
	MUST(0, "pod stop -t 0 p");
	MUST(0, "init second");
	MUST(0, "pod stop p");
	CHECK_STATUS("second", "Exited (137) ");
	MUST(0, "init --all");
	CHECK_STATUS("second", "Initialized");
	MUST(0, "pod rm p"); /* nothing runs in it */
	make_pod();
	MUST(0, "init first second");
	MUST(0, "pod kill p");
	CHECK_POD("Exited");
	MUST(0, "init second");
	MUST(0, "pod rm -f p");
	CHECK_NOTHING_LEFT(&before, "a pod of initialized containers");
}

/* The sandbox is made anew: what waited waits again, in the new one. */
static void test_sandbox_lost(void)
{
	pid_t pid;

	MUST(0, "pod create --name p --restart always");
	MUST(0, "create --pod p --name first busybox sleep 1000");
	MUST(0, "create --pod p --name second busybox sleep 1000");
	MUST(0, "init first");
	MUST(0, "start second");
	pid = container_pid("first");
	end_process(find_process("podium-pause"));
	CHECK(WAIT_UNTIL(container_pid("first") > 1 && container_pid("first") != pid, WAIT_MS),
	      "it was not prepared again");
	CHECK_STATUS("first", "Initialized");
	CHECK_STATUS("second", "Up ");
	MUST(0, "start first");
	CHECK_STATUS("first", "Up ");
	MUST(0, "pod rm -f -t 0 p");
}

/* ---- what is killed ----------------------------------------------------------------------- */

/* The process that waits goes with its monitor, and nothing of it is in anybody's way. */
static void test_monitor_killed(void)
{
	cleanup_snapshot struct snapshot before;
	pid_t pid;

	snapshot_take(&before);
	for (int i = 0; i < 3; i++) {
		MUST(0, "create --name k -p 7050:7000 payload tcp-echo 7000");
		MUST(0, "init k");
		pid = container_pid("k");
		end_process(monitor_of("k"));
		CHECK(WAIT_UNTIL(is_gone(pid), WAIT_MS), "it waits for nobody");
		CHECK_STATUS("k", "Created");
		CHECK_INSPECT("k", "{{.State.Pid}} {{.State.ExitCode}}", "0 0");
		MUST(0, "system check");
		if (i == 0) {
			MUST(0, "start k");
			CHECK_STATUS("k", "Up ");
		} else if (i == 1) {
			MUST(0, "init k");
			CHECK_STATUS("k", "Initialized");
		}
		MUST(0, i == 2 ? "rm k" : "rm -f -t 0 k");
		CHECK_NOTHING_LEFT(&before, "a monitor that was killed");
	}
}

static void test_process_killed(void)
{
	MUST(0, "create --name k busybox sleep 1000");
	MUST(0, "init k");
	end_process(container_pid("k"));
	CHECK_STATUS("k", "Exited (137) ");
	MUST(0, "start k");
	CHECK_STATUS("k", "Up ");
	MUST(0, "rm -f -t 0 k");
}

static void test_pod_killed(void)
{
	cleanup_snapshot struct snapshot before;
	pid_t pid;

	snapshot_take(&before);
	make_pod();
	MUST(0, "init first second");
	end_process(monitor_of("second"));
	CHECK_STATUS("second", "Created");
	CHECK_STATUS("first", "Initialized");
	MUST(0, "init second");
	CHECK_STATUS("second", "Initialized");
	/* Without a conductor they wait on; the next one lets go who is asked for, and no other. */
	pid = container_pid("first");
	end_process(conductor_of("p"));
	CHECK_STATUS("first", "Initialized");
	MUST(0, "start first");
	CHECK_STATUS("first", "Up ");
	CHECK(container_pid("first") == pid, "another process");
	CHECK_STATUS("second", "Initialized");
	pid = container_pid("second");
	end_process(conductor_of("p"));
	MUST(0, "pod start p");
	CHECK_STATUS("second", "Up ");
	CHECK(container_pid("second") == pid, "another process");
	MUST(0, "stop -t 0 second");
	MUST(0, "init second");
	end_process(conductor_of("p"));
	MUST(0, "stop second"); /* by its monitor */
	CHECK_STATUS("second", "Exited (137) ");
	MUST(0, "pod rm -f -t 0 p");
	make_pod();
	MUST(0, "init first");
	end_process(conductor_of("p"));
	end_process(monitor_of("first"));
	CHECK_STATUS("first", "Created");
	MUST(0, "start second"); /* adopts what stands, and begins nothing else */
	CHECK_STATUS("second", "Up ");
	CHECK_STATUS("first", "Created");
	MUST(0, "pod rm -f -t 0 p");
	CHECK_NOTHING_LEFT(&before, "killed conductors and monitors");
}

/* Killed at a boundary: it is not half made, and is begun again, or removed as it lies there. */
static void test_torn(void)
{
	static const char *const stages[] = { "start:sandbox", "start:network",
					      "start:network-wait", "monitor:hold" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		for (int again = 0; again < 2; again++) {
			MUST(0, "create --name torn -p 7050:7000 payload tcp-echo 7000");
			(void)setenv("PODIUM_STOP_AT", stages[i], 1);
			DISCARD(podium("init torn"));
			(void)unsetenv("PODIUM_STOP_AT");
			CHECK_STATUS("torn", "Created");
			if (again) {
				MUST(0, "init torn");
				CHECK_STATUS("torn", "Initialized");
				MUST(0, "start torn");
				CHECK_STATUS("torn", "Up ");
			}
			MUST(0, again ? "rm -f -t 0 torn" : "rm torn");
			CHECK_NOTHING_LEFT(&before, stages[i]);
		}
	}
}

/* The command is only who asked. */
static void test_caller_killed(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (int i = 0; i < 8; i++) {
		struct job person;

		MUST(0, "create --name c -p 7050:7000 payload tcp-echo 7000");
		person = job_podium("init c");
		(void)usleep((useconds_t)i * 4000);
		end_process(person.pid);
		DISCARD(job_wait(&person, DEADLINE_MS));
		(void)WAIT_UNTIL(ps_begins("c", "Status", "Initialized"),
				 500); /* or it never asked */
		DISCARD(podium("init c"));
		CHECK_STATUS("c", "Initialized");
		MUST(0, "start c");
		CHECK_STATUS("c", "Up ");
		MUST(0, "rm -f -t 0 c");
	}
	CHECK_NOTHING_LEFT(&before, "callers that were killed");
}

static void test_reboot(void)
{
	MUST(0, "create --name new --restart unless-stopped busybox sleep 1000");
	MUST(0, "create --name old busybox sh -c 'exit 4'");
	MUST(4, "start -a old");
	MUST(0, "init new old");
	reboot(true);
	CHECK_STATUS("new", "Created");
	CHECK_STATUS("old", "Exited (4) ");
	MUST(0, "start --filter should-start-on-boot=true");
	CHECK_STATUS("new", "Created");
	MUST(0, "init new");
	CHECK_STATUS("new", "Initialized");
	MUST(0, "rm new old");
}

static CU_TestInfo tests[] = {
	{ "by itself", test_alone },
	{ "what is there", test_prepared },
	{ "what cannot be done", test_states },
	{ "what can", test_touch },
	{ "ends", test_end },
	{ "again", test_again },
	{ "failed before", test_failed_before },
	{ "clocks", test_clocks },
	{ "names", test_names },
	{ "what it requires", test_required },
	{ "sessions", test_session },
	{ "in a pod", test_pod },
	{ "another sandbox", test_sandbox_lost },
	{ "a monitor that is killed", test_monitor_killed },
	{ "a process that is killed", test_process_killed },
	{ "a pod of which much is killed", test_pod_killed },
	{ "killed at a boundary", test_torn },
	{ "a caller that is killed", test_caller_killed },
	{ "a boot", test_reboot },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "init", begin, harness_end, remove_pods, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
