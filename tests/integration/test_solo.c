/* SPDX-License-Identifier: Apache-2.0 */
/*
 * solo - containers by themselves: what one costs, what dies and what runs on, restarts, those that
 * remove themselves, other names, two stores.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/wire.h"

#define PORT	7040
#define WAIT_MS 15000
#define MANY	14 /* containers, of which listings look at all locks at once */
#define ECHO	"-p 7040:7000 payload tcp-echo 7000"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

#define CHECK_GONE(container) \
	CHECK(WAIT_UNTIL(!is_listed(container), WAIT_MS), "%s is still listed", (container))

static bool does_answer(void)
{
	cleanup_free char *answer = wire_ask_wait(WIRE_TCP, "127.0.0.1", PORT, "x");

	return answer != NULL;
}

/* ---- what it costs ------------------------------------------------------------------------ */

static void test_idle(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_strlist struct strlist pids = { 0 };

	snapshot_take(&before);
	MUST(0, "run -d --name idle payload sleep 0");
	/* One monitor, pause, and the container's own program. */
	descendants(&pids);
	CHECK(pids.n == 3, "%zu processes", pids.n);
	CHECK(find_process("podium-monitor container") == monitor_of("idle"), "another monitor");
	{
		cleanup_result struct result all = podium("ps -aq");
		cleanup_result struct result pods = podium("pod ps -q");

		CHECK(strlen(all.out) == 13, "not one container: %s", all.out);
		CHECK_EQUAL(pods.out, "");
	}
	MUST(0, "rm -f idle");
	CHECK_NOTHING_LEFT(&before, "one container");
}

/* ---- killed at a boundary ----------------------------------------------------------------- */

static void test_torn_start(void)
{
	static const char *const stages[] = { "start:files",   "start:ports",
					      "start:cgroup",  "start:userns",
					      "start:sandbox", "start:network",
					      "net:connected", "start:network-wait",
					      "monitor:go",    "start:containers" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		MUST(0, "create --name torn " ECHO);
		(void)setenv("PODIUM_STOP_AT", stages[i], 1);
		DISCARD(podium("start torn"));
		(void)unsetenv("PODIUM_STOP_AT");
		MUST(0, "start torn");
		CHECK_STATUS("torn", "Up ");
		CHECK(does_answer(), "%s: it does not answer", stages[i]);
		MUST(0, "rm -f torn");
		CHECK_NOTHING_LEFT(&before, stages[i]);
		/* Removed as it lies there. */
		(void)setenv("PODIUM_STOP_AT", stages[i], 1);
		DISCARD(podium("run -d --name torn " ECHO));
		(void)unsetenv("PODIUM_STOP_AT");
		DISCARD(podium("rm -f torn")); /* run may have taken it away itself */
		CHECK_NOTHING_LEFT(&before, stages[i]);
	}
}

static void test_torn_stop(void)
{
	static const char *const stages[] = { "stop:containers", "stop:network", "stop:sandbox",
					      "stop:userns",	 "stop:cgroup",	 "stop:ports",
					      "stop:files" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		(void)setenv("PODIUM_STOP_AT", stages[i], 1);
		MUST(0, "run -d --name torn " ECHO);
		(void)unsetenv("PODIUM_STOP_AT");
		MUST(0, "stop -t 0 torn");
		CHECK_STATUS("torn", "Exited ");
		MUST(0, "start torn");
		CHECK(does_answer(), "%s: it does not answer", stages[i]);
		MUST(0, "rm -f torn");
		CHECK_NOTHING_LEFT(&before, stages[i]);
	}
}

static void test_torn_removal(void)
{
	static const char *const stages[] = { "remove:mark", "remove:containers", "remove:names" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		MUST(0, "run -d --name torn " ECHO);
		(void)setenv("PODIUM_STOP_AT", stages[i], 1);
		MUST(137, "rm -f torn");
		(void)unsetenv("PODIUM_STOP_AT");
		DISCARD(podium("rm -f torn"));
		DISCARD(podium("pod rm -f torn")); /* what is left without its container */
		CHECK_NOTHING_LEFT(&before, stages[i]);
	}
}

/* ---- a monitor that is killed ------------------------------------------------------------- */

static void test_lost(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *state = NULL;
	pid_t pid;

	snapshot_take(&before);
	MUST(0, "run -d --name lost " ECHO);
	CHECK(does_answer(), "it does not answer");
	pid = container_pid("lost");
	end_process(monitor_of("lost"));
	CHECK_STATUS("lost", "Up (monitor lost)");
	CHECK(does_answer(), "it died of its monitor");
	CHECK(container_pid("lost") == pid, "another process");
	MUST(0, "exec lost /payload true");
	MUST(0, "stop lost");
	CHECK_STATUS("lost", "Exited (unknown)");
	state = inspect("lost", "{{.State.ExitCode}}");
	CHECK(strcmp(state, "0") != 0, "an unknown exit code is shown as 0");
	MUST(0, "start lost");
	CHECK(does_answer(), "it does not answer again");
	end_process(monitor_of("lost"));
	CHECK_STATUS("lost", "Up (monitor lost)");
	MUST(0, "rm -f lost");
	CHECK_NOTHING_LEFT(&before, "a lost monitor");
}

/* Listings of many look at all locks at once: a lost one among them is found all the same. */
static void test_lost_among_many(void)
{
	cleanup_snapshot struct snapshot before;
	char name[16];

	snapshot_take(&before);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "many%d", i);
		MUST(0, "run -d --name %s payload sleep 0", name);
	}
	CHECK_STATUS("many3", "Up ");
	end_process(monitor_of("many3"));
	CHECK_STATUS("many3", "Up (monitor lost)");
	CHECK_STATUS("many4", "Up ");
	MUST(0, "rm -f -a");
	CHECK_NOTHING_LEFT(&before, "many");
}

/* Nobody reads what it writes any more: it goes on all the same. */
static void test_lost_writer(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	MUST(0, "run -d --name w busybox sh -c 'while true; do echo x || exit 9; done'");
	CHECK(WAIT_UNTIL(logs_have("w", "x"), WAIT_MS), "nothing is logged");
	end_process(monitor_of("w"));
	CHECK_STATUS("w", "Up (monitor lost)");
	(void)usleep(300000);
	CHECK_STATUS("w", "Up (monitor lost)");
	MUST(0, "rm -f w");
	CHECK_NOTHING_LEFT(&before, "a writer without a monitor");
}

static void test_pause(void)
{
	cleanup_snapshot struct snapshot before;
	pid_t pid;

	snapshot_take(&before);
	MUST(0, "run -d --restart always --name p " ECHO);
	pid = container_pid("p");
	end_process(find_process("podium-pause"));
	CHECK(WAIT_UNTIL(container_pid("p") > 1 && container_pid("p") != pid, WAIT_MS),
	      "it was not started again");
	CHECK(does_answer(), "it does not answer");
	MUST(0, "rm -f p");
	CHECK_NOTHING_LEFT(&before, "a killed pause");
}

/* The record names a process number that a stranger has now. */
static void test_reused_pid(void)
{
	struct job victim = job_run("sleep 1000");
	cleanup_free char *id = NULL, *path = NULL, *text = NULL, *from = NULL, *to = NULL,
			  *changed = NULL;
	pid_t pid;

	MUST(0, "run -d --name v payload sleep 0");
	id = inspect("v", "{{.Id}}");
	pid = container_pid("v");
	end_process(monitor_of("v"));
	CHECK_STATUS("v", "Up (monitor lost)");
	end_process(pid);
	path = xasprintf("%s/containers/%s/state.json", harness.root, id);
	text = read_file(path);
	from = xasprintf("\"pid\":%d", (int)pid);
	to = xasprintf("\"pid\":%d", (int)victim.pid);
	changed = replaced(text, from, to);
	CHECK(strcmp(text, changed) != 0, "no pid in %s", text);
	write_file(path, "%s", changed);
	CHECK_STATUS("v", "Exited (unknown)");
	MUST(0, "stop -t 0 v");
	MUST(0, "rm -f v");
	CHECK(job_is_running(&victim), "a stranger was killed");
	end_process(victim.pid);
	DISCARD(job_wait(&victim, WAIT_MS));
}

/* ---- restarts ----------------------------------------------------------------------------- */

static void test_restart(void)
{
	MUST(0, "run -d --restart on-failure:2 --name f payload exit 4");
	CHECK(WAIT_UNTIL(is_inspected("f", "{{.RestartCount}} {{.State.Status}}", "2 exited"),
			 WAIT_MS),
	      "it was not tried twice");
	CHECK_STATUS("f", "Exited (4) ");
	MUST(0, "run -d --restart always --name a payload exit 0");
	CHECK(WAIT_UNTIL(is_inspected("a", "{{.RestartCount}}", "3"), WAIT_MS), "no restarts");
	MUST(0, "stop a");
	CHECK_STATUS("a", "Exited (0) ");
	MUST(0, "run -d --restart always --name k payload sleep 0");
	CHECK(WAIT_UNTIL(is_catching("k", SIGTERM), WAIT_MS), "k does not listen");
	MUST(0, "kill --signal TERM k");
	CHECK_STATUS("k", "Exited (0) ");
	(void)usleep(300000);
	CHECK_STATUS("k", "Exited (0) ");
	MUST(0, "start k");
	end_process(container_pid("k")); /* nobody's wish */
	CHECK(WAIT_UNTIL(is_inspected("k", "{{.RestartCount}} {{.State.Status}}", "1 running"),
			 WAIT_MS),
	      "it was not started again");
	MUST(0, "rm -f f a k");
}

static void test_timeouts(void)
{
	int64_t start;

	MUST(0, "run -d --timeout 1 --name t payload sleep 0");
	CHECK_STATUS("t", "Exited (137) ");
	MUST(0, "run -d --stop-timeout 1 --name s payload ignore-term");
	start = clock_mono_ms();
	MUST(0, "stop s");
	CHECK(clock_mono_ms() - start < 8000, "it was given more than its own grace");
	CHECK_STATUS("s", "Exited (137) ");
	MUST(0, "rm -f t s");
}

/* ---- those that remove themselves --------------------------------------------------------- */

static void test_auto_remove(void)
{
	cleanup_snapshot struct snapshot before;
	struct job j;

	snapshot_take(&before);
	MUST(7, "run --rm --name r payload exit 7");
	CHECK_NOTHING_LEFT(&before, "run --rm");
	MUST(127, "run --rm --name r --entrypoint /nosuch payload");
	CHECK_NOTHING_LEFT(&before, "run --rm of what cannot run");
	MUST(0, "run -d --rm --name r payload sleep 0");
	MUST(0, "stop -t 0 r");
	CHECK_GONE("r");
	CHECK_NOTHING_LEFT(&before, "stop of a container with --rm");
	/* The command is not needed for it. */
	j = job_podium("run --rm --name r payload sleep 2");
	CHECK_STATUS("r", "Up ");
	end_process(j.pid);
	DISCARD(job_wait(&j, WAIT_MS));
	CHECK_GONE("r");
	CHECK_NOTHING_LEFT(&before, "run --rm that was killed");
}

static bool is_layer_passing(const char *name)
{
	cleanup_free char *path = xasprintf("/proc/%d/mountinfo", (int)container_pid(name));
	cleanup_free char *mounts = read_file(path);

	return mounts && strstr(mounts, "volatile");
}

/* The layer of one that removes itself is not written to the disk by its end; it can be started again
 * all the same, when its monitor was lost before that. */
static void test_auto_remove_layer(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	MUST(0, "run -d --name s payload sleep 0");
	CHECK(!is_layer_passing("s"), "a layer that is to stay");
	MUST(0, "run -d --rm --name r payload sleep 0");
	CHECK(is_layer_passing("r"), "a layer that goes");
	end_process(monitor_of("r"));
	end_process(container_pid("r"));
	CHECK_STATUS("r", "Exited (unknown)");
	MUST(0, "start r");
	CHECK(is_layer_passing("r"), "a layer that goes, again");
	MUST(0, "rm -f -t 0 r s");
	CHECK_NOTHING_LEFT(&before, "two layers");
}

static bool has_spare(const char *container)
{
	cleanup_free char *id = inspect(container, "{{.Id}}");

	return exists("%s/containers/%s/state.spare", harness.root, id ? id : "");
}

/* Room for its last record is kept for one that stays; the record of one that goes goes first. */
static void test_spare_record(void)
{
	MUST(0, "run -d --rm --name goes payload sleep 0");
	MUST(0, "run -d --name stays payload sleep 0");
	CHECK(!has_spare("goes"), "a file is kept for nothing");
	CHECK(has_spare("stays"), "no room is kept");
	MUST(0, "rm -f -t 0 goes stays");
}

/* Whoever comes first removes it, and nobody fails or waits for ever. */
static void test_auto_remove_races(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (int i = 0; i < 15; i++) {
		struct job j = job_podium("run --rm --name race payload exit 3");

		(void)usleep((useconds_t)i * 4000);
		DISCARD(podium("rm -f race"));
		{
			cleanup_result struct result r = job_wait(&j, WAIT_MS);

			CHECK(r.code != -1, "run --rm does not end");
		}
		CHECK_GONE("race");
	}
	CHECK_NOTHING_LEFT(&before, "a race for the removal");
}

static void test_auto_remove_torn(void)
{
	static const char *const stages[] = { "auto-remove:mark", "remove:containers",
					      "remove:names" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		(void)setenv("PODIUM_STOP_AT", stages[i], 1);
		MUST(3, "run --rm --name r payload exit 3");
		(void)unsetenv("PODIUM_STOP_AT");
		DISCARD(podium("rm -f r"));
		DISCARD(podium("pod rm -f r"));
		CHECK_NOTHING_LEFT(&before, stages[i]);
	}
}

/* ---- a boot ------------------------------------------------------------------------------- */

static void test_reboot(void)
{
	for (int clean = 0; clean <= 1; clean++) {
		cleanup_snapshot struct snapshot before;

		snapshot_take(&before);
		MUST(0, "run -d --name b " ECHO);
		MUST(0, "run -d --rm --name gone payload sleep 0");
		CHECK(does_answer(), "it does not answer");
		reboot(clean);
		CHECK_STATUS("b", "Exited (unknown)");
		MUST(0, "start b");
		CHECK_GONE("gone");
		CHECK(does_answer(), "it does not answer after the boot");
		MUST(0, "rm -f b");
		(void)unsetenv("PODIUM_BOOT_ID");
		CHECK_NOTHING_LEFT(&before, clean ? "a reboot" : "a reboot with the runroot kept");
	}
}

/* ---- two stores --------------------------------------------------------------------------- */

static void test_two_stores(void)
{
	cleanup_free char *ids = NULL, *archive = NULL;

	MUST(0, "run -d --name same payload sleep 0");
	ids = ps_field("same", "ID");
	harness_fresh("second");
	archive = image_archive("payload");
	MUST(0, "load -i %s", archive);
	MUST(0, "run -d --name same payload sleep 0");
	{
		cleanup_free char *other = ps_field("same", "ID");

		CHECK(strcmp(ids, other) != 0, "one id in two stores");
	}
	MUST(0, "rm -f same");
	MUST(0, "rmi -f -a");
	harness_store(NULL, NULL);
	CHECK_STATUS("same", "Up ");
	MUST(0, "rm -f same");
}

static CU_TestInfo tests[] = {
	{ "what an idle one costs", test_idle },
	{ "killed on its way up", test_torn_start },
	{ "killed on its way down", test_torn_stop },
	{ "killed while it is removed", test_torn_removal },
	{ "a monitor is killed", test_lost },
	{ "a monitor of many is killed", test_lost_among_many },
	{ "a monitor is killed, and nobody reads", test_lost_writer },
	{ "pause is killed", test_pause },
	{ "a reused process number", test_reused_pid },
	{ "restart policies", test_restart },
	{ "time limits", test_timeouts },
	{ "it removes itself", test_auto_remove },
	{ "its layer when it removes itself", test_auto_remove_layer },
	{ "room for its last record", test_spare_record },
	{ "races for its removal", test_auto_remove_races },
	{ "killed while it removes itself", test_auto_remove_torn },
	{ "reboot", test_reboot },
	{ "two stores", test_two_stores },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "solo", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
