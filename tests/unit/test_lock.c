/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lock - who waits for whom, that a lock dies with its holder, and what a replaced file does.
 */
#include "engine/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define PROBES	    2000
#define COUNT_LOOPS 200
#define COUNTERS    4

struct fixture {
	char *path;
	int dir;
	int ready[2];
	enum lock_mode mode;
	struct error err;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(pipe2(f->ready, O_CLOEXEC), 0);
}

static void teardown(struct fixture *f)
{
	(void)close(f->ready[0]);
	(void)close(f->ready[1]);
	(void)close(f->dir);
	temp_remove(f->path);
}

static int hold_for_ever(void *arg)
{
	struct fixture *f = arg;

	if (lock_take(f->dir, "lock", f->mode, 0, &f->err) < 0)
		return 1;
	if (write(f->ready[1], "x", 1) != 1)
		return 2;
	while (getppid() != 1)
		(void)usleep(10000);
	return 0;
}

/* A child that holds the lock. */
static pid_t start_holder(struct fixture *f, enum lock_mode mode)
{
	pid_t pid;
	char c;

	f->mode = mode;
	pid = child_start(hold_for_ever, f);
	CU_ASSERT_EQUAL_FATAL(read(f->ready[0], &c, 1), 1);
	return pid;
}

static void end_holder(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	CU_ASSERT_EQUAL(child_end(pid), 128 + SIGKILL);
}

static void test_take(void)
{
	struct fixture f;
	struct stat st;
	int fd;

	setup(&f);
	CU_ASSERT_FALSE(is_lock_held(f.dir, "lock"));
	CU_ASSERT_TRUE(faccessat(f.dir, "lock", F_OK, 0) < 0); /* asking makes nothing */
	fd = lock_take(f.dir, "lock", LOCK_EXCLUSIVE, 0, &f.err);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(fstat(fd, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_TRUE(is_lock_held(f.dir, "lock"));
	/* Also within one process: the lock is of the descriptor. */
	CU_ASSERT_EQUAL(lock_take(f.dir, "lock", LOCK_EXCLUSIVE, 0, &f.err), -EWOULDBLOCK);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "'lock'"));
	(void)close(fd);
	CU_ASSERT_FALSE(is_lock_held(f.dir, "lock"));
	CU_ASSERT_EQUAL(lock_take(f.dir, "none/lock", LOCK_EXCLUSIVE, 0, &f.err), -ENOENT);
	CU_ASSERT_EQUAL(symlinkat("lock", f.dir, "link"), 0);
	CU_ASSERT_EQUAL(lock_take(f.dir, "link", LOCK_EXCLUSIVE, 0, &f.err), -ELOOP);
	CU_ASSERT_FALSE(is_lock_held(f.dir, "link"));
	teardown(&f);
}

static void test_shared(void)
{
	struct fixture f;
	pid_t pid;
	int fd;

	setup(&f);
	pid = start_holder(&f, LOCK_SHARED);
	CU_ASSERT_FALSE(is_lock_held(f.dir, "lock"));
	fd = lock_take(f.dir, "lock", LOCK_SHARED, 0, &f.err);
	CU_ASSERT_TRUE(fd >= 0);
	(void)close(fd);
	CU_ASSERT_EQUAL(lock_take(f.dir, "lock", LOCK_EXCLUSIVE, 0, &f.err), -EWOULDBLOCK);
	end_holder(pid);
	pid = start_holder(&f, LOCK_EXCLUSIVE);
	CU_ASSERT_EQUAL(lock_take(f.dir, "lock", LOCK_SHARED, 0, &f.err), -EWOULDBLOCK);
	end_holder(pid);
	teardown(&f);
}

static void test_dies_with_its_holder(void)
{
	struct fixture f;
	pid_t pid;
	int fd;

	setup(&f);
	pid = start_holder(&f, LOCK_EXCLUSIVE);
	CU_ASSERT_TRUE(is_lock_held(f.dir, "lock"));
	end_holder(pid);
	CU_ASSERT_FALSE(is_lock_held(f.dir, "lock"));
	fd = lock_take(f.dir, "lock", LOCK_EXCLUSIVE, 0, &f.err);
	CU_ASSERT_TRUE(fd >= 0);
	(void)close(fd);
	teardown(&f);
}

static void test_timeout(void)
{
	struct fixture f;
	int64_t start;
	pid_t pid;

	setup(&f);
	pid = start_holder(&f, LOCK_EXCLUSIVE);
	start = clock_mono_ms();
	CU_ASSERT_EQUAL(lock_take(f.dir, "lock", LOCK_EXCLUSIVE, 100, &f.err), -ETIMEDOUT);
	CU_ASSERT_TRUE(clock_mono_ms() - start >= 100);
	CU_ASSERT_TRUE(clock_mono_ms() - start < 5000);
	{
		cleanup_free char *who = xasprintf("by process %d", (int)pid);

		CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, who));
	}
	CU_ASSERT_EQUAL(lock_holder(f.dir, "lock"), pid);
	CU_ASSERT_EQUAL(lock_holder(f.dir, "other"), 0);
	end_holder(pid);
	CU_ASSERT_EQUAL(lock_holder(f.dir, "lock"), 0);
	teardown(&f);
}

static int wait_for_lock(void *arg)
{
	struct fixture *f = arg;
	int fd = lock_take(f->dir, "lock", LOCK_EXCLUSIVE, 20000, &f->err);

	return fd >= 0 ? 0 : fd == -ESTALE ? 1 : 2;
}

static void test_waits(void)
{
	struct fixture f;
	pid_t holder, waiter;

	setup(&f);
	holder = start_holder(&f, LOCK_EXCLUSIVE);
	waiter = child_start(wait_for_lock, &f);
	(void)usleep(50000);
	CU_ASSERT_EQUAL(waitpid(waiter, NULL, WNOHANG), 0);
	end_holder(holder);
	CU_ASSERT_EQUAL(child_end(waiter), 0);
	teardown(&f);
}

/* The file was removed with its directory and made anew while somebody waited: he is told, and does
 * not hold a lock that nobody else can see. */
static void test_replaced(void)
{
	struct fixture f;
	pid_t holder, waiter;

	setup(&f);
	holder = start_holder(&f, LOCK_EXCLUSIVE);
	waiter = child_start(wait_for_lock, &f);
	(void)usleep(50000);
	CU_ASSERT_EQUAL(unlinkat(f.dir, "lock", 0), 0);
	CU_ASSERT_EQUAL(close(openat(f.dir, "lock", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	end_holder(holder);
	CU_ASSERT_EQUAL(child_end(waiter), 1);
	holder = start_holder(&f, LOCK_EXCLUSIVE);
	waiter = child_start(wait_for_lock, &f);
	(void)usleep(50000);
	CU_ASSERT_EQUAL(unlinkat(f.dir, "lock", 0), 0);
	end_holder(holder);
	CU_ASSERT_EQUAL(child_end(waiter), 1);
	teardown(&f);
}

static int ask_for_ever(void *arg)
{
	struct fixture *f = arg;

	while (getppid() != 1)
		if (is_lock_held(f->dir, "lock") && is_lock_held(f->dir, "lock") &&
		    write(f->ready[1], "x", 1) != 1)
			return 1;
	return 0;
}

/* The question does not keep anybody from taking a lock with LOCK_PROBE_MS of patience. */
static void test_question_is_harmless(void)
{
	struct fixture f;
	pid_t pid;

	setup(&f);
	CU_ASSERT_EQUAL(close(lock_take(f.dir, "lock", LOCK_EXCLUSIVE, 0, &f.err)), 0);
	(void)fcntl(f.ready[1], F_SETFL, O_NONBLOCK);
	pid = child_start(ask_for_ever, &f);
	for (int i = 0; i < PROBES; i++) {
		int fd = lock_take(f.dir, "lock", LOCK_EXCLUSIVE, LOCK_PROBE_MS, &f.err);

		CU_ASSERT_TRUE_FATAL(fd >= 0);
		(void)close(fd);
	}
	(void)kill(pid, SIGKILL);
	(void)child_end(pid);
	teardown(&f);
}

static int count_up(void *arg)
{
	struct fixture *f = arg;

	for (int i = 0; i < COUNT_LOOPS; i++) {
		int lock = lock_take(f->dir, "lock", LOCK_EXCLUSIVE, 30000, &f->err);
		int fd = openat(f->dir, "count", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		int n = 0;

		if (lock < 0 || fd < 0 || pread(fd, &n, sizeof(n), 0) < 0)
			return 1;
		n++;
		if (pwrite(fd, &n, sizeof(n), 0) != sizeof(n))
			return 2;
		(void)close(fd);
		(void)close(lock);
	}
	return 0;
}

static void test_excludes(void)
{
	struct fixture f;
	pid_t pids[COUNTERS];
	int fd, n = 0;

	setup(&f);
	for (int i = 0; i < COUNTERS; i++)
		pids[i] = child_start(count_up, &f);
	for (int i = 0; i < COUNTERS; i++)
		CU_ASSERT_EQUAL(child_end(pids[i]), 0);
	fd = openat(f.dir, "count", O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(read(fd, &n, sizeof(n)), sizeof(n));
	CU_ASSERT_EQUAL(n, COUNTERS * COUNT_LOOPS);
	(void)close(fd);
	teardown(&f);
}

/* One look at all locks: the exclusive one of a process is there, as long as it is held. */
static void test_table(void)
{
	struct lock_table before, held, shared, after, none;
	struct fixture f;
	struct stat st;
	pid_t pid;

	setup(&f);
	lock_table_read(f.dir, &before);
	pid = start_holder(&f, LOCK_EXCLUSIVE);
	CU_ASSERT_EQUAL(fstatat(f.dir, "lock", &st, 0), 0);
	lock_table_read(f.dir, &held);
	end_holder(pid);
	lock_table_read(f.dir, &after);
	CU_ASSERT_FALSE(is_in_lock_table(&before, st.st_ino, pid));
	CU_ASSERT_FALSE(is_in_lock_table(&after, st.st_ino, pid));
	if (lock_holder(f.dir, "lock") == 0 && held.n == 0)
		TEST_SKIP("/proc/locks does not tell the device of this file system");
	else
		CU_ASSERT_TRUE(is_in_lock_table(&held, st.st_ino, pid));
	CU_ASSERT_FALSE(is_in_lock_table(&held, st.st_ino, getpid()));
	CU_ASSERT_FALSE(is_in_lock_table(&held, st.st_ino + 1, pid));
	CU_ASSERT_FALSE(is_in_lock_table(&held, 0, pid));
	pid = start_holder(&f, LOCK_SHARED);
	lock_table_read(f.dir, &shared);
	CU_ASSERT_FALSE(is_in_lock_table(&shared, st.st_ino, pid));
	end_holder(pid);
	lock_table_read(-1, &none);
	CU_ASSERT_EQUAL(none.n, 0);
	lock_table_done(&before);
	lock_table_done(&held);
	lock_table_done(&shared);
	lock_table_done(&after);
	lock_table_done(&none);
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "take and give back", test_take },
	{ "shared and exclusive", test_shared },
	{ "a lock dies with its holder", test_dies_with_its_holder },
	{ "a timeout", test_timeout },
	{ "waiting", test_waits },
	{ "a file that was replaced", test_replaced },
	{ "asking is harmless", test_question_is_harmless },
	{ "all locks at once", test_table },
	{ "four processes count", test_excludes },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "lock", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
