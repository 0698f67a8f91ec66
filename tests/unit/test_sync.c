/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sync - what a message of podium-launch may bring: one descriptor, and no second.
 */
#include "engine/process/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

/* The next descriptor that the kernel would give. */
static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)close(fd);
	return fd;
}

static void test_one(void)
{
	struct sync_msg msg;
	struct error err;
	int pair[2], got = -1;

	CU_ASSERT_EQUAL_FATAL(sync_pair(pair, &err), 0);
	CU_ASSERT_EQUAL(sync_send(pair[0], SYNC_PTY, 7, NULL, pair[0]), 0);
	CU_ASSERT_EQUAL(sync_receive(pair[1], &msg, &got, &err), 1);
	CU_ASSERT_EQUAL(msg.step, SYNC_PTY);
	CU_ASSERT_EQUAL(msg.value, 7);
	CU_ASSERT_TRUE(got >= 0 && fcntl(got, F_GETFD) == FD_CLOEXEC);
	(void)close(got);
	(void)close(pair[0]);
	CU_ASSERT_EQUAL(sync_receive(pair[1], &msg, &got, &err), 0);
	CU_ASSERT_EQUAL(got, -EBADF);
	(void)close(pair[1]);
}

static void test_two(void)
{
	struct sync_msg msg = { .step = SYNC_PTY };
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &msg, sizeof(msg) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.space,
			    .msg_controllen = sizeof(control.space) };
	struct error err;
	int pair[2], got = -1, before;

	CU_ASSERT_EQUAL_FATAL(sync_pair(pair, &err), 0);
	control.h.cmsg_level = SOL_SOCKET;
	control.h.cmsg_type = SCM_RIGHTS;
	control.h.cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(&control.h), pair, sizeof(pair));
	CU_ASSERT_EQUAL(sendmsg(pair[0], &m, 0), (ssize_t)sizeof(msg));
	before = next_fd();
	CU_ASSERT_EQUAL(sync_receive(pair[1], &msg, &got, &err), -EBADMSG);
	CU_ASSERT_EQUAL(got, -EBADF);
	CU_ASSERT_EQUAL(next_fd(), before);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static CU_TestInfo tests[] = {
	{ "one descriptor", test_one },
	{ "two", test_two },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "sync", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
