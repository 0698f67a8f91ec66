/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_status - state.json there and back, what it is worth when the monitor or the boot is gone,
 * and which steps a life may take.
 */
#include "engine/state/status.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/str.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define ID     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define POD_ID "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

struct fixture {
	char *path;
	struct store s;
	struct error err;
	struct container_status st;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	temp_store(f->path, &f->s);
	CU_ASSERT_EQUAL(mkdirat(f->s.rootfd, "containers/" ID, 0700), 0);
	CU_ASSERT_EQUAL(mkdirat(f->s.rootfd, "pods/" POD_ID, 0700), 0);
}

static void teardown(struct fixture *f)
{
	status_done(&f->st);
	store_close(&f->s);
	temp_remove(f->path);
}

/* ---- the file --------------------------------------------------------------------------- */

static void test_write_and_read(void)
{
	struct fixture f;
	struct container_status st = { .state = STATE_STOPPING,
				       .pid = UINT32_MAX,
				       .exit_code = -1,
				       .name = (char *)(uintptr_t) "web-a",
				       .error = (char *)(uintptr_t) "caf\xc3\xa9 \"\xff\"\n" };
	struct stat s;

	setup(&f);
	CU_ASSERT_EQUAL(status_write(&f.s, ID, &st, &f.err), 0);
	CU_ASSERT_EQUAL(fstatat(f.s.rootfd, "containers/" ID "/state.json", &s, 0), 0);
	CU_ASSERT_EQUAL(s.st_mode & 07777, 0600);
	CU_ASSERT_EQUAL_FATAL(status_read(&f.s, ID, &f.st, &f.err), 0);
	CU_ASSERT_TRUE(record_equal(&container_status_type, &st, &f.st, NULL));
	status_done(&f.st);
	st.error = NULL; /* and plain, so that the fast way reads it */
	CU_ASSERT_EQUAL(status_write(&f.s, ID, &st, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(status_read(&f.s, ID, &f.st, &f.err), 0);
	CU_ASSERT_TRUE(record_equal(&container_status_type, &st, &f.st, NULL));
	teardown(&f);
}

static void put(struct fixture *f, const char *text, size_t len)
{
	CU_ASSERT_EQUAL(fs_write_atomic(f->s.rootfd, "containers/" ID "/state.json", text, len,
					0600, FS_NOSYNC, &f->err),
			0);
}

static void test_unreadable(void)
{
	static const char *const texts[] = { "", "{", "[]", "{\"state\":\"flying\"}",
					     "{\"pid\":-1}" };
	struct fixture f;
	cleanup_free char *big = xcalloc(1, STATUS_MAX_BYTES + 1);

	setup(&f);
	CU_ASSERT_EQUAL(status_read(&f.s, ID, &f.st, &f.err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "container '001122334455'"));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(&f, texts[i], strlen(texts[i]));
		CU_ASSERT_EQUAL(status_read(&f.s, ID, &f.st, &f.err), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "container '001122334455'"));
	}
	memset(big, ' ', STATUS_MAX_BYTES + 1);
	big[0] = '{';
	big[STATUS_MAX_BYTES - 1] = '}';
	put(&f, big, STATUS_MAX_BYTES);
	CU_ASSERT_EQUAL(status_read(&f.s, ID, &f.st, &f.err), 0);
	put(&f, big, STATUS_MAX_BYTES + 1);
	CU_ASSERT_EQUAL(status_read(&f.s, ID, &f.st, &f.err), -EFBIG);
	CU_ASSERT_EQUAL(unlinkat(f.s.rootfd, "containers/" ID "/state.json", 0), 0);
	CU_ASSERT_EQUAL(symlinkat("/etc/passwd", f.s.rootfd, "containers/" ID "/state.json"), 0);
	CU_ASSERT_EQUAL(status_read(&f.s, ID, &f.st, &f.err), -ELOOP);
	teardown(&f);
}

/* ---- what it is worth ------------------------------------------------------------------- */

static int live_for_ever(void *arg)
{
	(void)arg;
	while (getppid() != 1)
		(void)usleep(20000);
	return 0;
}

/* A record that says `state` of a process. */
static void set_running(struct fixture *f, enum container_state state, pid_t pid)
{
	struct proc_ident id = { 0 };

	status_done(&f->st);
	CU_ASSERT_EQUAL(proc_identify(pid, &id, &f->err), 0);
	f->st = (struct container_status){ .state = (int)state,
					   .pid = (uint32_t)pid,
					   .start_ticks = (int64_t)id.start_ticks,
					   .boot_id = xstrdup(id.boot_id),
					   .exit_code = 0 };
}

struct expectation {
	enum container_state state;
	bool lost, unknown;
};

static bool is_live(struct fixture *f, struct expectation e)
{
	bool lost = !e.lost;
	enum container_state state = status_live(&f->s, ID, &f->st, &lost);

	return state == e.state && f->st.state == (int)e.state && lost == e.lost &&
	       f->st.exit_unknown == e.unknown;
}

static const enum container_state moving[] = { STATE_RUNNING, STATE_PAUSED, STATE_STOPPING,
					       STATE_RESTARTING };

static void test_with_monitor(void)
{
	struct fixture f;
	int lock;

	setup(&f);
	lock = lock_take(f.s.rootfd, "containers/" ID "/monitor.lock", LOCK_EXCLUSIVE, 0, &f.err);
	CU_ASSERT_TRUE_FATAL(lock >= 0);
	for (int state = 0; state < STATE__COUNT; state++) {
		set_running(&f, (enum container_state)state, getpid());
		CU_ASSERT_TRUE(is_live(
			&f, (struct expectation){ (enum container_state)state, false, false }));
	}
	(void)close(lock);
	teardown(&f);
}

static enum container_state live_among(struct fixture *f, const struct lock_table *seen)
{
	bool lost;

	return status_live_among(&f->s, ID, &f->st, seen, &lost);
}

/* Of many: what was seen held is not asked again, what was not seen is. */
static void test_among(void)
{
	struct lock_entry entry = { .inode = 7, .pid = 42 };
	const struct lock_table seen = { &entry, 1 }, nothing = { NULL, 0 };
	struct fixture f;
	int lock;

	setup(&f);
	for (int known = 0; known < 2; known++) {
		set_running(&f, STATE_RUNNING, getpid());
		f.st.start_ticks--; /* neither process nor lock are there */
		f.st.monitor_pid = 42;
		f.st.lock_inode = known ? 7 : 8;
		CU_ASSERT_EQUAL(live_among(&f, &seen), known ? STATE_RUNNING : STATE_EXITED);
	}
	lock = lock_take(f.s.rootfd, "containers/" ID "/monitor.lock", LOCK_EXCLUSIVE, 0, &f.err);
	CU_ASSERT_TRUE_FATAL(lock >= 0);
	CU_ASSERT_TRUE(lock_inode(lock) > 0);
	set_running(&f, STATE_RUNNING, getpid());
	f.st.start_ticks--;
	CU_ASSERT_EQUAL(live_among(&f, &seen), STATE_RUNNING);
	CU_ASSERT_EQUAL(live_among(&f, &nothing), STATE_RUNNING);
	/* Of another boot nothing runs, whatever has the numbers now. */
	set_running(&f, STATE_RUNNING, getpid());
	f.st.monitor_pid = 42;
	f.st.lock_inode = 7;
	memset(f.st.boot_id, '0', strlen(f.st.boot_id));
	(void)close(lock);
	CU_ASSERT_EQUAL(live_among(&f, &seen), STATE_EXITED);
	teardown(&f);
}

/* A monitor that ends between the reading of the record and the look at its lock has told all. */
static void test_ended_meanwhile(void)
{
	struct container_status end = { .state = STATE_EXITED, .exit_code = 9 };
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(status_write(&f.s, ID, &end, &f.err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(moving); i++) {
		set_running(&f, moving[i], getpid());
		f.st.start_ticks--; /* somebody else's number by now */
		CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_EXITED, false, false }));
		CU_ASSERT_EQUAL(f.st.exit_code, 9);
	}
	teardown(&f);
}

static void test_monitor_lost(void)
{
	struct fixture f;
	pid_t pid;

	setup(&f);
	pid = child_start(live_for_ever, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(moving); i++) {
		set_running(&f, moving[i], pid);
		CU_ASSERT_TRUE(is_live(&f, (struct expectation){ moving[i], true, false }));
	}
	/* Another process has the pid now. */
	set_running(&f, STATE_RUNNING, pid);
	f.st.start_ticks++;
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_EXITED, false, true }));
	/* A zombie is dead: its exit code is not ours to know. */
	set_running(&f, STATE_RUNNING, pid);
	CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
	(void)usleep(100000);
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_EXITED, false, true }));
	for (size_t i = 0; i < ARRAY_SIZE(moving); i++) {
		set_running(&f, moving[i], pid);
		CU_ASSERT_EQUAL(f.st.exit_code, 0);
		CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_EXITED, false, true }));
	}
	CU_ASSERT_EQUAL(child_end(pid), 128 + SIGKILL);
	teardown(&f);
}

static void test_at_rest(void)
{
	struct fixture f;

	setup(&f);
	f.st.state = STATE_CREATED;
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_CREATED, false, false }));
	f.st.state = STATE_EXITED;
	f.st.exit_code = 3;
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_EXITED, false, false }));
	CU_ASSERT_EQUAL(f.st.exit_code, 3);
	f.st.state = STATE_REMOVING; /* nobody works on it any more */
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_REMOVING, false, false }));
	f.st.state = STATE_RUNNING; /* without any process */
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_EXITED, false, true }));
	teardown(&f);
}

/* What waits for its start ends with its monitor: then it is what it was before, and nobody's exit
 * code is unknown. */
static void test_initialized(void)
{
	struct fixture f;
	pid_t pid;

	setup(&f);
	pid = child_start(live_for_ever, NULL);
	set_running(&f, STATE_INITIALIZED, pid); /* it is about to end */
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_CREATED, false, false }));
	CU_ASSERT_EQUAL(f.st.pid, 0);
	set_running(&f, STATE_INITIALIZED, pid);
	f.st.started_ns = 5;
	f.st.finished_ns = f.st.last.finished_ns = 7;
	f.st.exit_code = 3;
	f.st.last.reason = xstrdup("Error");
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_EXITED, false, false }));
	CU_ASSERT_EQUAL(f.st.exit_code, 3);
	CU_ASSERT_STRING_EQUAL(f.st.reason, "Error");
	/* Its first start had failed. */
	set_running(&f, STATE_INITIALIZED, pid);
	f.st.started_ns = 0;
	f.st.finished_ns = 7;
	f.st.exit_code = 127;
	f.st.error = xstrdup("no such program");
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_EXITED, false, false }));
	CU_ASSERT_EQUAL(f.st.exit_code, 127);
	CU_ASSERT_STRING_EQUAL(f.st.error, "no such program");
	CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
	CU_ASSERT_EQUAL(child_end(pid), 128 + SIGKILL);
	teardown(&f);
}

/* The infra container has no monitor: the pod's conductor stands for it. */
static void test_infra(void)
{
	struct fixture f;
	int lock;

	setup(&f);
	set_running(&f, STATE_RUNNING, getpid());
	f.st.infra = true;
	f.st.pod_id = xstrdup(POD_ID);
	lock = lock_take(f.s.rootfd, "containers/" ID "/monitor.lock", LOCK_EXCLUSIVE, 0, &f.err);
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_RUNNING, true, false }));
	(void)close(lock);
	lock = lock_take(f.s.rootfd, "pods/" POD_ID "/conductor.lock", LOCK_EXCLUSIVE, 0, &f.err);
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_RUNNING, false, false }));
	(void)close(lock);
	free(f.st.pod_id);
	f.st.pod_id = NULL; /* a record that lacks it */
	CU_ASSERT_TRUE(is_live(&f, (struct expectation){ STATE_RUNNING, true, false }));
	teardown(&f);
}

/* In a child that believes to be of another boot: lock and process are of no account, since the
 * lock may be another monitor's and the pid anybody's. */
static int live_after_reboot(void *arg)
{
	struct fixture *f = arg;
	int lock = lock_take(f->s.rootfd, "containers/" ID "/monitor.lock", LOCK_EXCLUSIVE, 0,
			     &f->err);

	(void)setenv("PODIUM_BOOT_ID", "11111111-2222-3333-4444-555555555555", 1);
	if (lock < 0 || is_equal(proc_boot_id(), f->st.boot_id))
		return 1;
	return is_live(f, (struct expectation){ STATE_EXITED, false, true }) ? 0 : 2;
}

static void set_running_earlier(struct fixture *f)
{
	/* Our own id is not asked for: the answer is kept, and the child would inherit it. */
	f->st = (struct container_status){ .state = STATE_RUNNING,
					   .pid = (uint32_t)getpid(),
					   .boot_id = xstrdup(
						   "66666666-7777-8888-9999-000000000000") };
}

static void test_reboot(void)
{
	struct fixture f;

	setup(&f);
	set_running_earlier(&f);
	CU_ASSERT_EQUAL(child_run(live_after_reboot, &f), 0);
	CU_ASSERT_EQUAL(f.st.state, STATE_RUNNING); /* the child's copy was changed, not ours */
	teardown(&f);
}

/* ---- steps ------------------------------------------------------------------------------ */

static void test_steps(void)
{
	/* Row: from; column: to; in the order of the enum. */
	static const char *const table[STATE__COUNT] = {
		/*             crpseERi */
		[STATE_CREATED] = ".+..++++",	 [STATE_RUNNING] = "..+++++.",
		[STATE_PAUSED] = ".+.+.++.",	 [STATE_STOPPING] = ".....++.",
		[STATE_RESTARTING] = ".+..+++.", [STATE_EXITED] = ".+..++++",
		[STATE_REMOVING] = "........",	 [STATE_INITIALIZED] = ".+..+++.",
	};

	for (int from = 0; from < STATE__COUNT; from++)
		for (int to = 0; to < STATE__COUNT; to++)
			CU_ASSERT_EQUAL(is_state_step_allowed((enum container_state)from,
							      (enum container_state)to),
					table[from][to] == '+');
	CU_ASSERT_FALSE(is_state_step_allowed(STATE__COUNT, STATE_EXITED));
	CU_ASSERT_FALSE(is_state_step_allowed(STATE_EXITED, STATE__COUNT));
}

static CU_TestInfo tests[] = {
	{ "another boot", test_reboot },
	{ "there and back", test_write_and_read },
	{ "unreadable records", test_unreadable },
	{ "with its monitor", test_with_monitor },
	{ "one of many", test_among },
	{ "it ends meanwhile", test_ended_meanwhile },
	{ "the monitor is lost", test_monitor_lost },
	{ "at rest", test_at_rest },
	{ "initialized, and its monitor gone", test_initialized },
	{ "the infra container", test_infra },
	{ "steps of a life", test_steps },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "status", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
