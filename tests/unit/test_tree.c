/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tree - what a tree takes of its disk: links, depth beyond all descriptors, what leads out of
 * it, and somebody who moves directories meanwhile.
 */
#include "engine/base/tree.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

#define DEEP	   500
#define LOW_NOFILE 12
#define MANY	   700
#define BLOCK	   4096 /* of a tmpfs */
#define ROUNDS	   50

/* A tmpfs: a directory takes nothing there, a file whole pages. */
static char *setup(int *ret_fd)
{
	char *path = temp_make();

	temp_in_memory(path);
	*ret_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(*ret_fd >= 0);
	CU_ASSERT_EQUAL_FATAL(mkdirat(*ret_fd, "t", 0700), 0);
	return path;
}

static void teardown(char *path, int fd)
{
	struct error scratch;

	error_ignore(fs_remove_tree(fd, "t", &scratch));
	(void)close(fd);
	temp_remove(path);
}

static void make_file(int dirfd, const char *path, size_t size)
{
	cleanup_close int fd = openat(dirfd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cleanup_free char *data = xcalloc(1, size + 1);

	CU_ASSERT_TRUE_FATAL(fd >= 0 && fs_write_all(fd, data, size) == 0);
}

static void test_counts(void)
{
	int top, fd;
	char *path = setup(&top);

	CU_ASSERT_EQUAL(tree_usage(top, "none"), 0);
	CU_ASSERT_EQUAL(tree_usage(top, "t"), 0);
	make_file(top, "t/a", 1);
	make_file(top, "t/b", BLOCK + 1);
	CU_ASSERT_EQUAL(tree_usage(top, "t"), 3 * BLOCK);
	CU_ASSERT_EQUAL(tree_file_usage(top, "t/b"), 2 * BLOCK);
	CU_ASSERT_EQUAL(tree_file_usage(top, "t/none"), 0);
	/* Once, however many names it has. */
	CU_ASSERT_EQUAL(linkat(top, "t/b", top, "t/c", 0), 0);
	CU_ASSERT_EQUAL(tree_usage(top, "t"), 3 * BLOCK);
	/* A hole takes nothing. */
	fd = openat(top, "t/hole", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(ftruncate(fd, 1 << 30), 0);
	(void)close(fd);
	CU_ASSERT_EQUAL(tree_usage(top, "t"), 3 * BLOCK);
	/* A file is no tree. */
	CU_ASSERT_EQUAL(tree_usage(top, "t/a"), 0);
	teardown(path, top);
}

static void test_wide(void)
{
	int top;
	char *path = setup(&top);

	/* Directories among files, so that each return must find its place. */
	for (int i = 0; i < MANY; i++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "t/f%d", i);
		make_file(top, name, 1);
		(void)snprintf(name, sizeof(name), "t/d%d", i);
		CU_ASSERT_EQUAL(mkdirat(top, name, 0), 0);
		(void)snprintf(name, sizeof(name), "t/d%d/f", i);
		make_file(top, name, 1);
	}
	CU_ASSERT_EQUAL(tree_usage(top, "t"), (int64_t)2 * MANY * BLOCK);
	teardown(path, top);
}

static void test_deep(void)
{
	const struct rlimit few = { LOW_NOFILE, LOW_NOFILE };
	int top, at, status = 0;
	char *path = setup(&top);
	pid_t pid;

	at = openat(top, "t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEEP; i++) {
		int inner;

		make_file(at, "f", 1);
		CU_ASSERT_EQUAL_FATAL(mkdirat(at, "d", 0700), 0);
		inner = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = inner;
	}
	(void)close(at);
	pid = fork();
	if (pid == 0) {
		if (setrlimit(RLIMIT_NOFILE, &few) < 0)
			_exit(2);
		_exit(tree_usage(top, "t") == (int64_t)DEEP * BLOCK ? 0 : 1);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	teardown(path, top);
}

/* Neither a link nor a mount is gone through: the same file system, mounted again, too. */
static void test_outside(void)
{
	int top;
	char *path = setup(&top);
	cleanup_free char *from = xasprintf("%s/out", path), *to = xasprintf("%s/t/m", path);

	CU_ASSERT_EQUAL(mkdirat(top, "out", 0700), 0);
	make_file(top, "out/big", (size_t)16 * BLOCK);
	make_file(top, "t/a", 1);
	CU_ASSERT_EQUAL(symlinkat("../out", top, "t/l"), 0);
	CU_ASSERT_EQUAL(mkdirat(top, "t/m", 0700), 0);
	CU_ASSERT_EQUAL_FATAL(mount(from, to, NULL, MS_BIND, NULL), 0);
	CU_ASSERT_EQUAL(tree_usage(top, "t"), BLOCK);
	CU_ASSERT_EQUAL(tree_usage(top, "t/l"), 0);
	CU_ASSERT_EQUAL(umount2(to, MNT_DETACH), 0);
	CU_ASSERT_EQUAL(unlinkat(top, "out/big", 0), 0);
	CU_ASSERT_EQUAL(unlinkat(top, "out", AT_REMOVEDIR), 0);
	teardown(path, top);
}

/* Moves a directory in and out of another for as long as it lives. */
static void __attribute__((noreturn)) juggle(int top)
{
	for (;;) {
		(void)renameat(top, "t/a/b", top, "t/b");
		(void)renameat(top, "t/b", top, "t/a/b");
	}
}

static void test_race(void)
{
	int top;
	char *path = setup(&top);
	pid_t pid;

	make_file(top, "out", (size_t)64 * BLOCK); /* beside the tree: never to be counted */
	CU_ASSERT_EQUAL(mkdirat(top, "t/a", 0700), 0);
	CU_ASSERT_EQUAL(mkdirat(top, "t/a/b", 0700), 0);
	CU_ASSERT_EQUAL(mkdirat(top, "t/a/b/c", 0700), 0);
	make_file(top, "t/a/b/c/f", 1);
	make_file(top, "t/a/b/f", 1);
	pid = fork();
	if (pid == 0)
		juggle(top);
	for (int i = 0; i < ROUNDS; i++)
		CU_ASSERT_TRUE(tree_usage(top, "t") <= 4 * BLOCK); /* seen twice, at most */
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	CU_ASSERT_EQUAL(tree_usage(top, "t"), 2 * BLOCK);
	CU_ASSERT_EQUAL(unlinkat(top, "out", 0), 0);
	teardown(path, top);
}

static CU_TestInfo tests[] = {
	{ "what counts", test_counts },
	{ "many directories", test_wide },
	{ "deeper than there are descriptors", test_deep },
	{ "links and mounts", test_outside },
	{ "moved meanwhile", test_race },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "tree", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
