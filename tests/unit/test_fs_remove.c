/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fs_remove - trees as containers leave them behind: links, mode 0, great depth, mounts, and
 * somebody who moves directories while they are removed.
 */
#include "engine/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define DEEP	    3000
#define TOO_DEEP    4100
#define WIDE	    3000
#define RACE_MS	    400
#define CHILD_ALARM 30 /* s: an endless loop is a failure, not a hang */
#define DEEP_MAX_MS 5000
#define LOW_NOFILE  12

/* Code that goes up too far must meet the canary, not what lies beside the fixture: the fixture is
 * so deep in its own directory that no tree of a race reaches out. */
#define MOAT "/m/m/m/m/m/m/m/m/m/m"

struct fixture {
	char *temp; /* temporary directory */
	char *path; /* the fixture in it */
	int top;
	char *outside_before;
	struct error err;
};

/* in_memory: thousands of directories cost seconds on a disk. */
static void setup_where(struct fixture *f, bool in_memory)
{
	cleanup_free char *outside = NULL;

	memset(f, 0, sizeof(*f));
	f->temp = temp_make();
	if (in_memory)
		temp_in_memory(f->temp);
	f->path = xasprintf("%s%s", f->temp, MOAT);
	f->top = fs_mkdirs(AT_FDCWD, f->path, 0711, &f->err);
	CU_ASSERT_TRUE_FATAL(f->top >= 0);
	outside = xasprintf("%s/outside", f->path);
	canary_make(outside);
	f->outside_before = canary_record(outside);
}

static void setup(struct fixture *f)
{
	setup_where(f, false);
}

static void teardown(struct fixture *f)
{
	cleanup_free char *outside = xasprintf("%s/outside", f->path);
	cleanup_free char *after = canary_record(outside);

	CU_ASSERT_STRING_EQUAL(after, f->outside_before);
	free(f->outside_before);
	free(f->path);
	(void)close(f->top);
	temp_remove(f->temp);
}

static bool exists(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int put(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	(void)close(fd);
	return 0;
}

/* depth directories "d", one in the other, each with a file. Returns 0. */
static int make_deep(int dirfd, const char *name, int depth)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < depth; i++) {
		int next;

		if (mkdirat(fd, i ? "d" : name, 0755) < 0)
			return -1;
		/* A rival may have put a link there meanwhile. */
		next = openat(fd, i ? "d" : name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		(void)close(fd);
		fd = next;
		if (fd < 0 || put(fd, "file") < 0)
			return -1;
	}
	(void)close(fd);
	return 0;
}

static void test_simple(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "none", &f.err), 0);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "none/none", &f.err), 0);
	CU_ASSERT_EQUAL(put(f.top, "file"), 0);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "file", &f.err), 0);
	CU_ASSERT_FALSE(exists(f.top, "file"));
	CU_ASSERT_EQUAL(mkdirat(f.top, "dir", 0755), 0);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "dir", &f.err), 0);
	CU_ASSERT_FALSE(exists(f.top, "dir"));
	CU_ASSERT_EQUAL(mkdirat(f.top, "dir", 0755), 0);
	CU_ASSERT_EQUAL(mkdirat(f.top, "dir/a", 0755), 0);
	CU_ASSERT_EQUAL(mkfifoat(f.top, "dir/fifo", 0600), 0);
	CU_ASSERT_EQUAL(put(f.top, "dir/a/.hidden"), 0);
	CU_ASSERT_EQUAL(put(f.top, "dir/a/..two"), 0);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "dir", &f.err), 0);
	CU_ASSERT_FALSE(exists(f.top, "dir"));
	teardown(&f);
}

/* Links go, what they point to stays: by name, inside, and with a slash that asks to be followed.
 */
static void test_links(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(symlinkat("outside", f.top, "link"), 0);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "link", &f.err), 0);
	CU_ASSERT_FALSE(exists(f.top, "link"));
	CU_ASSERT_EQUAL(mkdirat(f.top, "tree", 0755), 0);
	CU_ASSERT_EQUAL(symlinkat("../outside", f.top, "tree/link"), 0);
	CU_ASSERT_EQUAL(symlinkat("../outside/file", f.top, "tree/file"), 0);
	CU_ASSERT_EQUAL(symlinkat(f.path, f.top, "tree/absolute"), 0);
	CU_ASSERT_EQUAL(symlinkat("..", f.top, "tree/up"), 0);
	CU_ASSERT_EQUAL(symlinkat("nowhere", f.top, "tree/dangling"), 0);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "tree", &f.err), 0);
	CU_ASSERT_FALSE(exists(f.top, "tree"));
	CU_ASSERT_EQUAL(symlinkat("outside", f.top, "link"), 0);
	CU_ASSERT_TRUE(fs_remove_tree(f.top, "link/", &f.err) < 0);
	teardown(&f);
}

static void test_hard_links(void)
{
	struct fixture f;
	struct stat st;

	setup(&f);
	CU_ASSERT_EQUAL(mkdirat(f.top, "tree", 0755), 0);
	CU_ASSERT_EQUAL(put(f.top, "kept"), 0);
	CU_ASSERT_EQUAL(fchmodat(f.top, "kept", 0400, 0), 0);
	CU_ASSERT_EQUAL(linkat(f.top, "kept", f.top, "tree/kept", 0), 0);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "tree", &f.err), 0);
	CU_ASSERT_EQUAL(fstatat(f.top, "kept", &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0400);
	CU_ASSERT_EQUAL(st.st_nlink, 1);
	teardown(&f);
}

static void test_deep(void)
{
	struct fixture f;
	int64_t start;

	setup_where(&f, true);
	CU_ASSERT_EQUAL_FATAL(make_deep(f.top, "tree", DEEP), 0);
	start = clock_mono_ms();
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "tree", &f.err), 0);
	CU_ASSERT_TRUE(clock_mono_ms() - start < DEEP_MAX_MS);
	CU_ASSERT_FALSE(exists(f.top, "tree"));
	teardown(&f);
}

static void test_too_deep(void)
{
	struct fixture f;
	int fd;

	setup_where(&f, true);
	CU_ASSERT_EQUAL_FATAL(make_deep(f.top, "tree", TOO_DEEP), 0);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "tree", &f.err), -ELOOP);
	/* In two parts it goes. */
	fd = openat(f.top, "tree/d/d/d/d/d/d/d/d/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 200; i++) {
		int next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		CU_ASSERT_TRUE_FATAL(next >= 0);
		(void)close(fd);
		fd = next;
	}
	CU_ASSERT_EQUAL(renameat(fd, "d", f.top, "rest"), 0);
	(void)close(fd);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "tree", &f.err), 0);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "rest", &f.err), 0);
	teardown(&f);
}

static void test_wide(void)
{
	struct fixture f;
	char name[40];

	setup_where(&f, true);
	CU_ASSERT_EQUAL(mkdirat(f.top, "tree", 0755), 0);
	for (int i = 0; i < WIDE; i++) {
		(void)snprintf(name, sizeof(name), "tree/%d", i);
		CU_ASSERT_EQUAL_FATAL(mkdirat(f.top, name, 0755), 0);
		(void)snprintf(name, sizeof(name), "tree/%d/file", i);
		CU_ASSERT_EQUAL_FATAL(put(f.top, name), 0);
		(void)snprintf(name, sizeof(name), "tree/%d.txt", i);
		CU_ASSERT_EQUAL_FATAL(put(f.top, name), 0);
	}
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "tree", &f.err), 0);
	CU_ASSERT_FALSE(exists(f.top, "tree"));
	teardown(&f);
}

static int remove_with_few_descriptors(void *arg)
{
	struct fixture *f = arg;
	struct rlimit few = { LOW_NOFILE, LOW_NOFILE };

	if (setrlimit(RLIMIT_NOFILE, &few) < 0)
		return 1;
	return -fs_remove_tree(f->top, "tree", &f->err);
}

static void test_few_descriptors(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL_FATAL(make_deep(f.top, "tree", 500), 0);
	CU_ASSERT_EQUAL(child_run(remove_with_few_descriptors, &f), 0);
	CU_ASSERT_FALSE(exists(f.top, "tree"));
	teardown(&f);
}

/* ---- as an ordinary user ---------------------------------------------------------------- */

/* Directories without any right, one that cannot be written with an empty one in it, files of mode
 * 0: all the owner's. */
static int remove_as_nobody(void *arg)
{
	struct fixture *f = arg;
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = { { "mine/tree/none/sub/x", 0 }, { "mine/tree/none/sub", 0 },
		     { "mine/tree/none", 0 },	    { "mine/tree/ro/empty", 0755 },
		     { "mine/tree/ro", 0500 },	    { "mine/tree/wx", 0300 },
		     { "mine/tree/r", 0400 },	    { "mine/tree", 0 } };

	(void)alarm(CHILD_ALARM);
	if (!child_become_nobody())
		return 77;
	for (size_t i = ARRAY_SIZE(dirs); i-- > 0;) {
		cleanup_free char *file = xasprintf("%s/file", dirs[i].name);

		if (mkdirat(f->top, dirs[i].name, 0755) < 0)
			return 1;
		if (!strstr(file, "empty") && put(f->top, file) < 0)
			return 2;
		if (!strstr(file, "empty") && fchmodat(f->top, file, 0, 0) < 0)
			return 3;
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (fchmodat(f->top, dirs[i].name, dirs[i].mode, 0) < 0)
			return 4;
	if (fs_remove_tree(f->top, "mine/tree", &f->err) < 0) {
		printf("%s\n", f->err.text);
		return 5;
	}
	return exists(f->top, "mine/tree") ? 6 : 0;
}

/* What others own stays, and is named; it does not become an endless loop. */
static int remove_what_is_not_mine(void *arg)
{
	struct fixture *f = arg;

	(void)alarm(CHILD_ALARM);
	if (!child_become_nobody())
		return 77;
	if (fs_remove_tree(f->top, "roots", &f->err) != -EACCES)
		return 1;
	if (fs_remove_tree(f->top, "mine", &f->err) != -EACCES)
		return 2;
	return exists(f->top, "mine/roots/file") && exists(f->top, "roots/sub/file") ? 0 : 3;
}

static void test_as_nobody(void)
{
	struct fixture f;
	int r;

	setup(&f);
	CU_ASSERT_EQUAL(chmod(f.temp, 0711), 0);
	CU_ASSERT_EQUAL(mkdirat(f.top, "mine", 0755), 0);
	CU_ASSERT_EQUAL(fchownat(f.top, "mine", NOBODY_ID, NOBODY_ID, 0), 0);
	r = child_run(remove_as_nobody, &f);
	if (r == 77)
		TEST_SKIP("cannot become nobody");
	else
		CU_ASSERT_EQUAL(r, 0);
	CU_ASSERT_EQUAL(mkdirat(f.top, "mine/roots", 0755), 0);
	CU_ASSERT_EQUAL(put(f.top, "mine/roots/file"), 0);
	CU_ASSERT_EQUAL(mkdirat(f.top, "roots", 0755), 0);
	CU_ASSERT_EQUAL(mkdirat(f.top, "roots/sub", 0755), 0);
	CU_ASSERT_EQUAL(put(f.top, "roots/sub/file"), 0);
	r = child_run(remove_what_is_not_mine, &f);
	CU_ASSERT_TRUE(r == 0 || r == 77);
	teardown(&f);
}

/* ---- mounts ----------------------------------------------------------------------------- */

static bool mount_in(const struct fixture *f, const char *name, const char *type)
{
	cleanup_free char *path = xasprintf("%s/%s", f->path, name);
	cleanup_free char *outside = xasprintf("%s/outside", f->path);

	return mount(type ? "tmpfs" : outside, path, type, type ? 0 : MS_BIND, NULL) == 0;
}

/* A tmpfs in the tree, one at its top, and a bind mount of the canary (same device). */
static int remove_mounts(void *arg)
{
	struct fixture *f = arg;

	(void)alarm(CHILD_ALARM);
	if (!child_own_mounts())
		return 77;
	/* A descriptor of the old namespace would not see the new mounts. */
	f->top = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(f->top, "tree", 0755) < 0 || mkdirat(f->top, "tree/m", 0755) < 0 ||
	    mkdirat(f->top, "bind", 0755) < 0 || mkdirat(f->top, "bind/m", 0755) < 0 ||
	    mkdirat(f->top, "top", 0755) < 0)
		return 1;
	if (!mount_in(f, "tree/m", "tmpfs") || !mount_in(f, "top", "tmpfs") ||
	    !mount_in(f, "bind/m", NULL))
		return 77;
	if (put(f->top, "tree/m/file") < 0 || put(f->top, "top/file") < 0)
		return 2;
	if (fs_remove_tree(f->top, "tree", &f->err) >= 0 || !exists(f->top, "tree/m/file"))
		return 3;
	if (fs_remove_tree(f->top, "top", &f->err) >= 0 || !exists(f->top, "top/file"))
		return 4;
	if (fs_remove_tree(f->top, "bind", &f->err) >= 0 || !exists(f->top, "bind/m/file"))
		return 5;
	if (fs_remove_tree(f->top, "bind/m", &f->err) >= 0 || !exists(f->top, "bind/m/file"))
		return 6;
	return 0;
}

static void test_mounts(void)
{
	struct fixture f;
	int r;

	setup(&f);
	r = child_run(remove_mounts, &f);
	if (r == 77)
		TEST_SKIP("no mount namespace");
	else
		CU_ASSERT_EQUAL(r, 0);
	teardown(&f);
}

/* ---- races ------------------------------------------------------------------------------ */

/* Moves tree/a/b out of the tree, beside the canary, and back. */
static int move_for_ever(void *arg)
{
	struct fixture *f = arg;

	while (getppid() != 1) {
		(void)renameat(f->top, "tree/a/b", f->top, "out");
		(void)renameat(f->top, "out", f->top, "tree/a/b");
	}
	return 0;
}

/* Exchanges a directory of the tree with a link to the canary. What the remover took is made anew.
 */
static int swap_for_ever(void *arg)
{
	struct fixture *f = arg;

	while (getppid() != 1) {
		if (syscall(SYS_renameat2, f->top, "tree/a/b", f->top, "evil", RENAME_EXCHANGE) ==
		    0)
			continue;
		if (renameat(f->top, "evil", f->top, "tree/a/b") == 0 || !exists(f->top, "evil"))
			(void)!symlinkat("../../outside", f->top, "evil");
	}
	return 0;
}

static void race(int (*rival)(void *))
{
	struct fixture f;
	int64_t end = clock_mono_ms() + RACE_MS;
	int successes = 0;
	pid_t pid;

	setup(&f);
	pid = child_start(rival, &f);
	while (clock_mono_ms() < end) {
		/* Success or not: the canary lives. */
		(void)mkdirat(f.top, "tree", 0755);
		(void)mkdirat(f.top, "tree/a", 0755);
		(void)make_deep(f.top, "tree/a/b", 4);
		successes += fs_remove_tree(f.top, "tree", &f.err) == 0;
	}
	CU_ASSERT_EQUAL(waitpid(pid, NULL, WNOHANG), 0);
	(void)kill(pid, SIGKILL);
	(void)child_end(pid);
	CU_ASSERT_EQUAL(fs_remove_tree(f.top, "tree", &f.err), 0);
	CU_ASSERT_TRUE(successes > 0);
	teardown(&f);
}

static void test_moved_away(void)
{
	race(move_for_ever);
}

static void test_swapped(void)
{
	race(swap_for_ever);
}

static CU_TestInfo tests[] = {
	{ "files and directories", test_simple },
	{ "links are not followed", test_links },
	{ "hard links keep their file", test_hard_links },
	{ "a deep tree", test_deep },
	{ "a tree that is too deep", test_too_deep },
	{ "a wide tree", test_wide },
	{ "with few descriptors", test_few_descriptors },
	{ "as an ordinary user", test_as_nobody },
	{ "mounts are left alone", test_mounts },
	{ "a directory moves away meanwhile", test_moved_away },
	{ "a directory becomes a link meanwhile", test_swapped },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "fs_remove", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
