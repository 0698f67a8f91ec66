/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members - containers that are added to a pod and taken out of it: running or down, alone or all,
 * killed at every boundary.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/wire.h"

#define WAIT_MS 15000

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

static void new_pod(void)
{
	MUST(0, "run -d --pod new:mp --name m1 payload tcp-echo 7000");
	CHECK_STATUS("m1", "Up ");
}

/* ---- adding and starting ------------------------------------------------------------------ */

static void test_add(void)
{
	cleanup_snapshot struct snapshot before;
	pid_t pid;

	snapshot_take(&before);
	new_pod();
	pid = container_pid("m1");
	MUST(0, "run -d --pod mp --name m2 payload sleep 0");
	CHECK_STATUS("m2", "Up ");
	CHECK(container_pid("m1") == pid, "the other one was started again");
	/* They share their network. */
	{
		cleanup_result struct result r =
			podium("run --rm --pod mp payload tcp-send 127.0.0.1 7000 hello");

		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, "hello");
	}
	MUST(0, "pod stop -t 0 mp");
	/* To one that is down; it alone is started. */
	MUST(0, "run -d --pod mp --name m3 payload sleep 0");
	CHECK_STATUS("m3", "Up ");
	CHECK_STATUS("m1", "Exited ");
	CHECK_STATUS("m2", "Exited ");
	MUST(0, "start m2");
	CHECK_STATUS("m2", "Up ");
	CHECK_STATUS("m1", "Exited ");
	MUST(0, "pod start mp");
	CHECK_STATUS("m1", "Up ");
	MUST(0, "pod stop -t 0 mp");
	MUST(0, "pod start mp");
	for (int i = 1; i <= 3; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "m%d", i);
		CHECK_STATUS(name, "Up ");
	}
	MUST(125, "run -d --pod mp --name m1 payload true");
	MUST(125, "run -d --pod mp -p 7050:80 --name m4 payload true");
	CHECK(!is_listed("m4"), "what was refused is there");
	MUST(0, "pod rm -f mp");
	CHECK_NOTHING_LEFT(&before, "a pod whose members were added");
}

static void test_remove(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	new_pod();
	MUST(0, "run -d --pod mp --name m2 payload sleep 0");
	MUST(0, "rm -f m1");
	CHECK(!is_listed("m1"), "it is still listed");
	CHECK_STATUS("m2", "Up ");
	/* Its name is free again, for another one in the same pod. */
	MUST(0, "run -d --pod mp --name m1 payload sleep 0");
	CHECK_STATUS("m1", "Up ");
	MUST(0, "rm -f m1 m2");
	MUST(0, "run -d --rm --pod mp --name m5 payload sleep 1");
	CHECK(WAIT_UNTIL(!is_listed("m5"), WAIT_MS), "m5 did not remove itself");
	MUST(4, "run --rm --pod mp payload exit 4");
	MUST(0, "pod rm -f mp");
	CHECK_NOTHING_LEFT(&before, "a pod without members");
}

static void test_init(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	new_pod();
	MUST(0, "pod stop -t 0 mp");
	MUST(0, "create --init-ctr once --pod mp --name i1 payload true");
	MUST(0, "create --init-ctr always --pod mp --name i2 payload true");
	MUST(0, "pod start mp");
	CHECK_STATUS("m1", "Up ");
	CHECK_STATUS("i2", "Exited (0) ");
	CHECK(WAIT_UNTIL(!is_listed("i1"), WAIT_MS), "i1 has worked and is still there");
	MUST(0, "pod rm -f mp");
	CHECK_NOTHING_LEFT(&before, "init containers made by hand");
}

/* ---- killed ------------------------------------------------------------------------------- */

static void test_torn_addition(void)
{
	static const char *const stages[] = { "add:mark", "add:container", "add:volumes",
					      "add:name", "add:record",	   "add:done" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		cleanup_snapshot struct snapshot whole;

		new_pod();
		snapshot_take(&whole);
		(void)setenv("PODIUM_STOP_AT", stages[i], 1);
		MUST(137, "run -d --pod mp --name k payload sleep 0");
		(void)unsetenv("PODIUM_STOP_AT");
		CHECK_STATUS("m1", "Up ");
		/* What is whole can be started; what is half is gone with the next addition. */
		if (i < 4)
			MUST(0, "run -d --rm --pod mp --name k payload sleep 0");
		else
			MUST(0, "start k");
		CHECK_STATUS("k", "Up ");
		MUST(0, "rm -f k");
		CHECK_NOTHING_LEFT(&whole, stages[i]);
		(void)setenv("PODIUM_STOP_AT", stages[i], 1);
		MUST(137, "run -d --pod mp --name k payload sleep 0");
		(void)unsetenv("PODIUM_STOP_AT");
		MUST(0, "pod rm -f mp");
		CHECK_NOTHING_LEFT(&before, stages[i]);
	}
}

static void test_torn_removal(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	new_pod();
	MUST(0, "run -d --pod mp --name k payload sleep 0");
	(void)setenv("PODIUM_STOP_AT", "remove-member:record", 1);
	MUST(137, "rm -f k");
	(void)unsetenv("PODIUM_STOP_AT");
	CHECK_STATUS("m1", "Up ");
	MUST(0, "rm -f k");
	CHECK(!is_listed("k"), "it is still listed");
	MUST(0, "pod rm -f mp");
	CHECK_NOTHING_LEFT(&before, "a member that was half removed");
}

static void test_conductor(void)
{
	cleanup_snapshot struct snapshot before;
	pid_t one, two;

	snapshot_take(&before);
	new_pod();
	MUST(0, "run -d --pod mp --name m2 payload sleep 0");
	MUST(0, "create --pod mp --name idle payload sleep 0");
	one = container_pid("m1");
	two = container_pid("m2");
	end_process(conductor_of("mp"));
	CHECK(WAIT_UNTIL(conductor_of("mp") == 0, WAIT_MS), "the conductor lives");
	/* One that is added then gives the pod a new one, which adopts what runs and starts no other. */
	MUST(0, "run -d --pod mp --name m3 payload sleep 0");
	CHECK_STATUS("m3", "Up ");
	CHECK(conductor_of("mp") > 1, "no new conductor");
	CHECK(container_pid("m1") == one && container_pid("m2") == two, "not adopted");
	CHECK_STATUS("idle", "Created");
	MUST(0, "stop -t 0 m2");
	MUST(0, "start m2");
	CHECK_STATUS("m2", "Up ");
	MUST(0, "pod stop -t 0 mp");
	CHECK_STATUS("m3", "Exited ");
	MUST(0, "pod rm -f mp");
	CHECK_NOTHING_LEFT(&before, "a pod whose conductor died");
}

static CU_TestInfo tests[] = {
	{ "added, started alone, started all", test_add },
	{ "taken out", test_remove },
	{ "init containers", test_init },
	{ "killed while one is added", test_torn_addition },
	{ "killed while one is removed", test_torn_removal },
	{ "the conductor is killed", test_conductor },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "members", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
