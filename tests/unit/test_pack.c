/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pack - the child that reads trees: what it gives is right, and what it may do is to read.
 *
 * Theory of operation: a child is caged as pack.c does it and tries what somebody would who has
 * taken it over: to write a file, to make one, to open a socket, to see the host's files. Its exit
 * code says what worked. The twin leaves the mount writable, and then one of them works.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/cage.h"
#include "engine/image/pack.h"
#include "engine/image/sha256.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define CAN_WRITE   1
#define CAN_MAKE    2
#define CAN_CONNECT 4
#define CAN_SEE	    8
#define CANNOT_READ 16
#define NO_CAGE	    64

static char *temp;
static int tempfd = -EBADF, treefd = -EBADF;

static int begin(void)
{
	struct error err;

	temp = temp_make();
	tempfd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tempfd < 0 || mkdirat(tempfd, "tree", 0755) < 0)
		return 1;
	treefd = openat(tempfd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fs_write_atomic(tempfd, "tree/file", "content", 7, 0600, FS_NOSYNC, &err) < 0 ||
	       fs_write_atomic(tempfd, "outside", "canary", 6, 0644, FS_NOSYNC, &err) < 0;
}

static int end(void)
{
	(void)close(treefd);
	(void)close(tempfd);
	temp_remove(temp);
	return 0;
}

static int try_all(void *arg)
{
	struct error err;
	int can = 0;

	(void)arg;
	if (cage_enter_root_readonly(treefd, &err) < 0)
		return NO_CAGE;
	if (cage_close_others(NULL, 0, &err) < 0 || cage_confine(CAGE_PACK, &err) < 0)
		return NO_CAGE;
	can |= open("/file", O_WRONLY | O_CLOEXEC) >= 0 ? CAN_WRITE : 0;
	can |= open("/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 ? CAN_MAKE : 0;
	can |= mkdir("/dir", 0700) == 0 ? CAN_MAKE : 0;
	can |= socket(AF_INET, SOCK_STREAM, 0) >= 0 ? CAN_CONNECT : 0;
	can |= open("/../outside", O_RDONLY | O_CLOEXEC) >= 0 ? CAN_SEE : 0;
	can |= open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ? CAN_SEE : 0;
	can |= open("/file", O_RDONLY | O_CLOEXEC) < 0 ? CANNOT_READ : 0;
	return can;
}

static void test_cage(void)
{
	CU_ASSERT_EQUAL(child_run(try_all, NULL), 0);
}

static void test_cage_twin(void)
{
	CU_ASSERT_EQUAL(setenv("PODIUM_WEAKEN", "CAGE-READONLY", 1), 0);
	CU_ASSERT(child_run(try_all, NULL) & CAN_WRITE); /* else the test proves nothing */
	CU_ASSERT_EQUAL(unsetenv("PODIUM_WEAKEN"), 0);
}

/* The digests that are reported are those of what was written. */
static void test_digests(void)
{
	cleanup_close int out = memfd_create("out", MFD_CLOEXEC);
	struct pack_plan plan = { .treefd = treefd,
				  .splitfd = -1,
				  .tree = { .timestamp_s = 0 },
				  .kind = DEFLATE_GZIP,
				  .level = DEFLATE_LEVEL_DEFAULT,
				  .outfd = out };
	struct error err = { .code = 0 };
	struct pack_result result;
	struct job job = JOB_INIT;
	struct digest blob;
	char data[65536];
	ssize_t n;

	CU_ASSERT_EQUAL_FATAL(pack_start(&plan, &job, &err), 0);
	CU_ASSERT_EQUAL(pack_wait(&job, &result, &err), 0);
	n = pread(out, data, sizeof(data), 0);
	CU_ASSERT_EQUAL_FATAL(n, (ssize_t)result.blob_bytes);
	sha256_of(data, (size_t)n, &blob);
	CU_ASSERT(is_digest_equal(&blob, &result.blob));
	CU_ASSERT_EQUAL(result.diff_bytes, 512 + 512 + 1024);
	CU_ASSERT(!is_digest_equal(&result.blob, &result.diff));
}

/* Nobody reads the pipe any more. */
static void test_reader_gone(void)
{
	struct pack_plan plan = { .treefd = treefd, .splitfd = -1 };
	struct error err = { .code = 0 };
	struct pack_result result;
	struct job job = JOB_INIT;
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
	(void)close(ends[0]);
	plan.outfd = ends[1];
	(void)signal(SIGPIPE, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(pack_start(&plan, &job, &err), 0);
	CU_ASSERT_EQUAL(pack_wait(&job, &result, &err), -EPIPE);
	(void)close(ends[1]);
}

static CU_TestInfo tests[] = {
	{ "digests", test_digests },
	{ "a reader that is gone", test_reader_gone },
	{ "what a caged reader can do", test_cage },
	{ "and its twin, which leaves files", test_cage_twin },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "pack", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
