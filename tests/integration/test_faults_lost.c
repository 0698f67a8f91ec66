/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults_lost - what is lost while containers run (security.md section 4): room on the disk (5).
 *
 * Each test is done with a container by itself and with a member of a pod, and ends with the same
 * oracle: everything else still works, and nothing is left.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
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
	(void)usleep(100000); /* the shell has its trap */
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

static CU_TestInfo tests[] = {
	{ "5: a full disk at the end", test_full_disk },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "faults_lost", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
