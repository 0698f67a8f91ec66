/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults_held - what is not ours, held by others, frozen or closed (security.md section 4): records of
 * another owner or without a mode (10), a lock file that is replaced while it is held (15), a process that
 * does not take its SIGKILL (24), standard streams (26).
 *
 * Each test is done with a container by itself and with a member of a pod, and ends with the same
 * oracle: everything else still works, and nothing is left.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

static const char *const kinds[] = { "--name x", "--pod new:px --name x" };

static void remove_both(void)
{
	DISCARD(podium("rm -f -i -t 0 x"));
	DISCARD(podium("pod rm -f -i -t 0 px"));
}

/* ---- 10: records of another owner, or without a mode -------------------------------------- */

static void test_owners(void)
{
	static const char *const files[] = { "state.json", "spec.json" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(kinds) * ARRAY_SIZE(files); i++) {
		cleanup_free char *id = NULL, *path = NULL;

		MUST(0, "run -d %s payload sleep 0", kinds[i % 2]);
		id = inspect("x", "{{.Id}}");
		path = xasprintf("%s/containers/%s/%s", harness.root, id, files[i / 2 % 2]);
		if (i < ARRAY_SIZE(kinds) * ARRAY_SIZE(files))
			CHECK(chmod(path, 0) == 0, "chmod");
		else
			CHECK(chown(path, 12345, 12345) == 0, "chown");
		/* Root reads them all the same, and nothing is hidden. */
		CHECK(ps_begins("x", "Status", "Up "), "it is not shown");
		MUST(0, "exec x /payload true");
		MUST(0, "stop -t 0 x");
		CHECK(ps_begins("x", "Status", "Exited (137) "), "its end is not seen");
		remove_both();
		CHECK_NOTHING_LEFT(&before, "a record of another owner");
	}
}

/* ---- 15: a lock file is replaced ---------------------------------------------------------- */

static bool is_held(const char *path)
{
	cleanup_result struct result r = run("flock -n %s true", path);

	return r.code != 0;
}

static bool has_open(pid_t pid, const char *path)
{
	cleanup_result struct result r = run("find /proc/%d/fd -lname %s", (int)pid, path);

	return r.out[0] != '\0';
}

/* Who gets a lock of a file that is not there any more is told so, and nothing is broken: the next command
 * takes the lock of the file that is there. */
static void test_replaced_lock(void)
{
	/* The lock of a pod that is one container: who removes takes it for removed, too. */
	static const int codes[ARRAY_SIZE(kinds)] = { 0, 125 };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		cleanup_result struct result pods = { 0 };
		cleanup_free char *path = NULL;
		struct job held, waits;

		MUST(0, "run -d %s payload sleep 0", kinds[i]);
		pods = run("ls %s/pods", harness.root);
		pods.out[strcspn(pods.out, "\n")] = '\0';
		path = xasprintf("%s/pods/%s/pod.lock", harness.root, pods.out);
		held = job_run("flock -x -F %s sleep 1000", path);
		CHECK(WAIT_UNTIL(is_held(path), DEADLINE_MS), "not held");
		waits = job_podium("rm -f -t 0 x");
		CHECK(WAIT_UNTIL(has_open(waits.pid, path), DEADLINE_MS), "nobody waits");
		CHECK(unlink(path) == 0, "unlink");
		write_file(path, "%s", "");
		end_process(held.pid);
		DISCARD(job_wait(&held, DEADLINE_MS));
		{
			cleanup_result struct result r = job_wait(&waits, DEADLINE_MS);

			CHECK_CODE(r, codes[i]);
			CHECK_HAS(r.err, codes[i] ? "was replaced" : "");
		}
		remove_both();
		CHECK_NOTHING_LEFT(&before, "a replaced lock");
	}
}

/* ---- 24: a process that does not die ------------------------------------------------------ */

/* Its freezer, wherever it is mounted: a process that is frozen there takes no SIGKILL. */
static char *freezer_of(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/cgroup", (int)pid);
	cleanup_free char *text = read_file(path);
	char *line = text ? strstr(text, ":freezer:") : NULL;

	if (!line)
		return NULL;
	line += strlen(":freezer:");
	line[strcspn(line, "\n")] = '\0';
	return xasprintf("/sys/fs/cgroup/freezer%s/freezer.state", line);
}

static bool file_says(const char *path, const char *what)
{
	cleanup_free char *text = read_file(path);

	return is_equal(text, what);
}

static void test_frozen(void)
{
	static const char *const endings[] = { "kill x", "stop -t 1 x", "stop -t 0 x", "rm -f x",
					       "rm -f -t 1 x" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(kinds) * ARRAY_SIZE(endings); i++) {
		const char *ending = endings[i / ARRAY_SIZE(kinds)];
		cleanup_free char *state = NULL;

		MUST(0, "run -d %s payload sleep 0", kinds[i % ARRAY_SIZE(kinds)]);
		state = freezer_of(container_pid("x"));
		if (!state || access(state, W_OK) < 0) {
			TEST_SKIP("24: no freezer of cgroup v1 to hold a process with");
			remove_both();
			return;
		}
		write_file(state, "FROZEN");
		CHECK(WAIT_UNTIL(file_says(state, "FROZEN\n"), DEADLINE_MS), "not frozen");
		MUST(0, "%s", ending);
		CHECK(is_prefix(ending, "rm") || ps_begins("x", "Status", "Exited ("), "'%s'",
		      ending);
		remove_both();
		CHECK_NOTHING_LEFT(&before, ending);
	}
}

/* ---- 26: standard streams ----------------------------------------------------------------- */

/* 1: stdin is closed, 2: stdout, 4: stderr. run and exec are in test_session. */
static void test_streams(void)
{
	static const char *const commands[] = {
		"ps -a", "logs x", "inspect x", "ps -a --format json", "images", "pod ps", "version"
	};

	MUST(0, "run -d --name x busybox sh -c 'echo said; exec sleep 1000'");
	CHECK(WAIT_UNTIL(logs_have("x", "said"), DEADLINE_MS), "nothing is logged");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		cleanup_result struct result whole = podium("%s", commands[i]);

		CHECK_CODE(whole, 0);
		for (int mask = 0; mask < 8; mask++) {
			cleanup_result struct result r = run(
				"sh -c '%s/podium --root %s --runroot %s %s %s%s%s'", harness.build,
				harness.root, harness.runroot, commands[i], mask & 1 ? "<&- " : "",
				mask & 2 ? ">&- " : "", mask & 4 ? "2>&-" : "");

			CHECK(mask & 2 ? r.code == 0 || r.code == 125 : r.code == 0,
			      "'%s' with %d closed gave %d: %s", commands[i], mask, r.code, r.err);
			CHECK(strlen(r.out) == (mask & 2 ? 0 : strlen(whole.out)),
			      "'%s' with %d closed: %s", commands[i], mask, r.out);
		}
		{
			cleanup_result struct result r =
				run("sh -c '%s/podium --root %s --runroot %s %s >/dev/full'",
				    harness.build, harness.root, harness.runroot, commands[i]);

			CHECK_CODE(r, 125);
			CHECK_HAS(r.err, "rror");
		}
		{
			cleanup_result struct result r =
				run("sh -c '(sleep 0.1; %s/podium --root %s --runroot %s %s; echo "
				    "$? >&2) "
				    "| true'",
				    harness.build, harness.root, harness.runroot, commands[i]);

			CHECK_EQUAL(r.err, "125\n");
		}
	}
	MUST(0, "exec x true");
	MUST(0, "rm -f -t 0 x");
}

static CU_TestInfo tests[] = {
	{ "10: records of another owner, without a mode", test_owners },
	{ "15: a lock file is replaced", test_replaced_lock },
	{ "24: a process that does not die", test_frozen },
	{ "26: standard streams", test_streams },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "faults_held", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
