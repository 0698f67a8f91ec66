/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults_lost - what is lost while containers run (security.md section 4): room on the disk (5), the
 * run directory (16), a container's record (10), and its monitor with it (2).
 *
 * Each test is done with a container by itself and with a member of a pod, and ends with the same
 * oracle: everything else still works, and nothing is left.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/smalldisk.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

/* A container by itself, and a member of a pod: the words before its image. */
static const char *const kinds[] = { "--name x", "--pod new:px --name x" };

static void remove_both(void)
{
	DISCARD(podium("rm -f -i -t 0 x"));
	DISCARD(podium("pod rm -f -i -t 0 px"));
}

/* ---- 5: a full disk ----------------------------------------------------------------------- */

#define CODE_7 "busybox sh -c 'trap \"exit 7\" TERM; while :; do sleep 0.02; done'"

/* How it ends is kept although nothing can be written. */
static void check_end(const char *kind, const char *dir, const char *ending, const char *status,
		      const char *code)
{
	cleanup_free char *filler = xasprintf("%s/filler", dir);

	MUST(0, "run -d %s " CODE_7, kind);
	CHECK(WAIT_UNTIL(is_inspected("x", "{{.State.Status}}", "running"), DEADLINE_MS), "x");
	CHECK(WAIT_UNTIL(is_catching("x", SIGTERM), DEADLINE_MS), "%s: it has no trap", kind);
	small_disk_fill(dir, 0);
	MUST(0, "%s", ending);
	CHECK(WAIT_UNTIL(ps_begins("x", "Status", status), DEADLINE_MS), "%s: '%s' is not %s", kind,
	      ending, status);
	{
		cleanup_result struct result r = podium("wait x");

		CHECK_EQUAL(r.out, code);
	}
	/* A second life on the full disk, if there is room for what it needs, has an end, too. */
	DISCARD(podium("start x"));
	DISCARD(podium("stop -t 0 x"));
	CHECK(ps_begins("x", "Status", "Exited (137) ") || ps_begins("x", "Status", status),
	      "%s: the second end", kind);
	MUST(0, "rm -f -t 0 x");
	remove_path(filler);
}

static void test_full_disk(void)
{
	cleanup_free char *dir = small_disk("size=16m,mode=0755");
	cleanup_free char *root = xasprintf("%s/root", dir), *run = xasprintf("%s/run", dir);
	cleanup_snapshot struct snapshot before;

	harness_store(root, run);
	(void)load_image("busybox");
	MUST(0, "run --rm busybox true");
	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		check_end(kinds[i], dir, "kill -s TERM x", "Exited (7) ", "7\n");
		remove_both();
		check_end(kinds[i], dir, "stop x", "Exited (7) ", "7\n");
		remove_both();
		check_end(kinds[i], dir, "stop -t 0 x", "Exited (137) ", "137\n");
		remove_both();
	}
	CHECK_NOTHING_LEFT(&before, "a full disk");
	small_disk_leave(dir);
}

/* ---- 16: the run directory is removed ----------------------------------------------------- */

static bool lives(pid_t pid)
{
	cleanup_strlist struct strlist all = { 0 };
	cleanup_free char *number = xasprintf("%d", (int)pid);

	descendants(&all); /* no zombies */
	return strlist_has(&all, number);
}

/* What runs cannot be talked to any more: it is said so, it can be ended and removed, and what is started
 * again is whole. */
static void check_lost_run(const char *kind, const char *ending, const struct snapshot *before)
{
	bool is_removed = strstr(ending, "rm ") != NULL;
	pid_t pid;

	MUST(0, "run -d --restart on-failure %s " CODE_7, kind);
	pid = container_pid("x");
	remove_path(harness.runroot);
	CHECK(ps_begins("x", "Status", "Up "), "%s: it is not shown", kind);
	MUST(0, "logs x");
	{
		cleanup_result struct result r = podium("exec x true");

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "stop what runs and start it again");
	}
	MUST(0, "%s", ending);
	CHECK(pid > 1 && !lives(pid), "%s: '%s' left its process", kind, ending);
	if (!is_removed) {
		CHECK(ps_begins("x", "Status", "Exited ("), "%s: '%s'", kind, ending);
		MUST(0, "stop -t 0 x");
		if (strstr(kind, "--pod"))
			MUST(0, "pod stop -t 0 px");
		MUST(0, "start x");
		MUST(0, "exec x true");
	}
	remove_both();
	CHECK_NOTHING_LEFT(before, ending);
}

static void test_lost_run_directory(void)
{
	static const char *const endings[] = { "stop x",  "stop -t 0 x",      "kill x",
					       "rm -f x", "pod stop -t 5 px", "pod rm -f px",
					       "kill -a" };
	cleanup_snapshot struct snapshot before;

	MUST(0, "run --rm busybox true");
	MUST(0, "pod create --name px");
	MUST(0, "pod rm px");
	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (size_t e = 0; e < ARRAY_SIZE(endings); e++)
			if (i == 1 || !is_prefix(endings[e], "pod "))
				check_lost_run(kinds[i], endings[e], &before);
}

/* ---- 10: the record of a container's state ------------------------------------------------ */

enum life { CREATED, RUNNING, UNMONITORED, LIFE__COUNT };

/* The command that ps names removes it, whatever is left of it. */
static void check_lost_record(const char *kind, enum life life, bool corrupt,
			      const struct snapshot *before)
{
	cleanup_free char *id = NULL, *path = NULL, *advice = NULL;
	pid_t pid = 0;

	if (life == CREATED)
		MUST(0, "create %s payload sleep 0", kind);
	else
		MUST(0, "run -d %s payload sleep 0", kind);
	id = inspect("x", "{{.Id}}");
	if (life != CREATED)
		pid = container_pid("x");
	if (life == UNMONITORED)
		end_process(monitor_of("x"));
	path = xasprintf("%s/containers/%s/state.json", harness.root, id);
	remove_path(path);
	if (corrupt)
		write_file(path, "{\"state\":\"run");
	advice = xasprintf("rm -f %.12s", id);
	{
		cleanup_result struct result ps = podium("ps -a"), stop = podium("stop %s", id);

		CHECK_HAS(ps.out, advice);
		CHECK(stop.code == 125, "stop gave %d: %s", stop.code, stop.err);
		if (!corrupt)
			CHECK_HAS(stop.err, advice);
	}
	if (life == RUNNING)
		MUST(2, "rm %s", id);
	MUST(0, "%s", advice);
	CHECK(pid == 0 || !lives(pid), "%s: it lives on", kind);
	MUST(1, "container exists %s", id);
	remove_both();
	CHECK_NOTHING_LEFT(before, "a lost record");
}

static void test_lost_record(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *id = NULL, *dir = NULL;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (int life = 0; life < LIFE__COUNT; life++)
			for (int corrupt = 0; corrupt <= 1; corrupt++)
				check_lost_record(kinds[i], (enum life)life, corrupt, &before);
	/* The pod is lost, too. */
	MUST(0, "create --name x payload sleep 0");
	id = inspect("x", "{{.Id}}");
	dir = xasprintf("%s/pods", harness.root);
	remove_path(dir);
	(void)mkdir(dir, 0700);
	MUST(0, "rm -f %s", id);
	CHECK_NOTHING_LEFT(&before, "a container of no pod");
}

/* ---- 2: the monitor is killed ------------------------------------------------------------- */

/* It runs on; what needs the monitor is refused with what gives it one; the rest works. */
static void check_lost_monitor(const char *kind, const char *ending, const struct snapshot *before)
{
	static const char *const refused[] = { "start x", "attach x", "pause x", "start -a x" };
	pid_t pid;

	MUST(0,
	     "run -d %s busybox sh -c 'echo began; trap \"exit 7\" TERM; while :; do "
	     "sleep 0.02; done'",
	     kind);
	pid = container_pid("x");
	CHECK(WAIT_UNTIL(logs_have("x", "began"), DEADLINE_MS), "%s: nothing is logged", kind);
	end_process(monitor_of("x"));
	CHECK(WAIT_UNTIL(ps_begins("x", "Status", "Up (monitor lost)"), DEADLINE_MS), "not told");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		cleanup_result struct result r = podium("%s", refused[i]);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "podium restart ");
	}
	CHECK(lives(pid), "%s: it was ended by a refusal", kind);
	MUST(0, "exec x true");
	CHECK(logs_have("x", "began"), "%s: the log is lost", kind);
	MUST(0, "kill -s WINCH x");
	MUST(0, "%s", ending);
	CHECK(!lives(pid), "%s: '%s' left its process", kind, ending);
	if (is_prefix(ending, "restart")) {
		CHECK(ps_begins("x", "Status", "Up "), "%s: it does not run", kind);
		CHECK(!ps_begins("x", "Status", "Up (monitor lost)"), "%s: still lost", kind);
		CHECK(WAIT_UNTIL(is_catching("x", SIGTERM), DEADLINE_MS), "%s: no trap", kind);
		MUST(0, "stop x");
		CHECK(ps_begins("x", "Status", "Exited (7) "), "%s: its end is not seen", kind);
	} else if (!is_prefix(ending, "rm")) {
		CHECK(ps_begins("x", "Status", "Exited (unknown)"), "%s: '%s'", kind, ending);
	}
	remove_both();
	CHECK_NOTHING_LEFT(before, ending);
}

static void test_lost_monitor(void)
{
	static const char *const endings[] = { "restart x", "stop x", "kill x", "rm -f x" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (size_t e = 0; e < ARRAY_SIZE(endings); e++)
			check_lost_monitor(kinds[i], endings[e], &before);
}

static CU_TestInfo tests[] = {
	{ "2: the monitor is killed", test_lost_monitor },
	{ "10: the record of the state is lost", test_lost_record },
	{ "16: the run directory is removed", test_lost_run_directory },
	{ "5: a full disk at the end", test_full_disk },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "faults_lost", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
