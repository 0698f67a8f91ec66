/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ctl - packets as they should be, packets as they should not, descriptors that come along,
 * and peers that do not listen, do not read or are somebody else.
 */
#include "engine/process/ctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define ID   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD 8 /* bytes before the text */

struct fixture {
	char *path;
	struct store s;
	struct error err;
	int pair[2];
	struct ctl_msg m;
};

static void setup(struct fixture *f)
{
	cleanup_free char *root = NULL;
	cleanup_free char *run = NULL;

	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	root = xasprintf("%s/root", f->path);
	/* longer than an address can hold */
	run = xasprintf("%s/%0100d", f->path, 7);
	CU_ASSERT_EQUAL_FATAL(store_open(root, run, STORE_WRITE, &f->s, &f->err), 0);
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, f->pair), 0);
}

static void teardown(struct fixture *f)
{
	if (f->pair[0] >= 0)
		(void)close(f->pair[0]);
	if (f->pair[1] >= 0)
		(void)close(f->pair[1]);
	store_close(&f->s);
	temp_remove(f->path);
}

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

/* ---- packets ---------------------------------------------------------------------------- */

static void test_message(void)
{
	struct fixture f;
	char longest[2 * CTL_TEXT_MAX];

	setup(&f);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), -EAGAIN);
	CU_ASSERT_EQUAL(ctl_send(f.pair[0], CTL_STOP, -7, "why"), 0);
	CU_ASSERT_EQUAL(ctl_send(f.pair[0], CTL_GO, INT32_MAX, NULL), 0);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	CU_ASSERT_EQUAL(ctl_send(f.pair[0], CTL_FAILED, 0, longest), 0);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 1);
	CU_ASSERT_EQUAL(f.m.type, CTL_STOP);
	CU_ASSERT_EQUAL(f.m.value, -7);
	CU_ASSERT_STRING_EQUAL(f.m.text, "why");
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 1);
	CU_ASSERT_EQUAL(f.m.value, INT32_MAX);
	CU_ASSERT_STRING_EQUAL(f.m.text, ""); /* nothing of the message before */
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 1);
	CU_ASSERT_EQUAL(strlen(f.m.text), CTL_TEXT_MAX - 1);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), -EAGAIN);
	teardown(&f);
}

static void test_malformed(void)
{
	struct fixture f;
	struct ctl_msg good = { .version = CTL_VERSION, .type = CTL_OK, .value = 5 };
	char big[4096];

	setup(&f);
	for (size_t len = 1; len < HEAD; len++) {
		CU_ASSERT_EQUAL(send(f.pair[0], &good, len, 0), (ssize_t)len);
		CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), -EPROTO);
	}
	CU_ASSERT_EQUAL(send(f.pair[0], &good, HEAD, 0), HEAD);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 1);
	CU_ASSERT_EQUAL(f.m.value, 5);
	CU_ASSERT_STRING_EQUAL(f.m.text, "");
	for (int version = 0; version < 256; version++) {
		good.version = (uint8_t)version;
		CU_ASSERT_EQUAL(send(f.pair[0], &good, sizeof(good), 0), sizeof(good));
		CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL),
				version == CTL_VERSION ? 1 : -EPROTO);
	}
	/* Text without an end, and a packet that is larger than any. */
	memset(big, 'x', sizeof(big));
	big[0] = CTL_VERSION;
	CU_ASSERT_EQUAL(send(f.pair[0], big, sizeof(struct ctl_msg), 0), sizeof(struct ctl_msg));
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 1);
	CU_ASSERT_EQUAL(strlen(f.m.text), CTL_TEXT_MAX - 1);
	CU_ASSERT_EQUAL(send(f.pair[0], big, sizeof(big), 0), sizeof(big));
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 1);
	CU_ASSERT_EQUAL(strlen(f.m.text), CTL_TEXT_MAX - 1);
	teardown(&f);
}

static void test_peer_gone(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(ctl_send(f.pair[0], CTL_DONE, 3, NULL), 0);
	(void)close(f.pair[0]);
	f.pair[0] = -EBADF;
	/* What was sent before it went is still there. */
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 1);
	CU_ASSERT_EQUAL(f.m.type, CTL_DONE);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 0);
	CU_ASSERT_EQUAL(ctl_wait(f.pair[1], 1000, &f.m), 0);
	CU_ASSERT_EQUAL(ctl_send(f.pair[1], CTL_OK, 0, NULL), -EPIPE); /* and no SIGPIPE */
	CU_ASSERT_EQUAL(ctl_send(-EBADF, CTL_OK, 0, NULL), -EBADF);
	CU_ASSERT_EQUAL(ctl_send_fds(-EBADF, CTL_OK, NULL, 0), -EBADF);
	teardown(&f);
}

/* It went without reading what we sent: the end, not an error. */
static void test_peer_gone_unread(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(ctl_send(f.pair[1], CTL_STOP, 0, NULL), 0);
	(void)close(f.pair[0]);
	f.pair[0] = -EBADF;
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 0);
	teardown(&f);
}

/* Its last words were sent before it ended, and come before the end. */
static void test_last_words(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(ctl_send(f.pair[1], CTL_FAILED, 125, "why"), 0);
	CU_ASSERT_EQUAL(ctl_send(f.pair[0], CTL_PREPARE, 0, NULL), 0);
	(void)close(f.pair[1]); /* unread */
	f.pair[1] = -1;
	CU_ASSERT_EQUAL(ctl_receive(f.pair[0], &f.m, NULL), 1);
	CU_ASSERT_EQUAL(f.m.type, CTL_FAILED);
	CU_ASSERT_STRING_EQUAL(f.m.text, "why");
	CU_ASSERT_EQUAL(ctl_receive(f.pair[0], &f.m, NULL), 0);
	teardown(&f);
}

static void test_peer_does_not_read(void)
{
	struct fixture f;
	int r = 0;

	setup(&f);
	for (int i = 0; r == 0 && i < 1000000; i++)
		r = ctl_send(f.pair[0], CTL_EXITED, i, "a text");
	CU_ASSERT_EQUAL(r, -EAGAIN);
	teardown(&f);
}

/* ---- descriptors ------------------------------------------------------------------------ */

static bool is_same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

static void test_descriptors(void)
{
	struct fixture f;
	int p[2], got[CTL_FDS_MAX] = { 77, 77, 77 }, before;

	setup(&f);
	CU_ASSERT_EQUAL_FATAL(pipe2(p, O_CLOEXEC), 0);
	before = count_fds();
	CU_ASSERT_EQUAL(ctl_send_fds(f.pair[0], CTL_PIPES, p, 2), 0);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, got), 1);
	CU_ASSERT_EQUAL(f.m.type, CTL_PIPES);
	CU_ASSERT_TRUE(is_same_file(got[0], p[0]));
	CU_ASSERT_TRUE(is_same_file(got[1], p[1]));
	CU_ASSERT_EQUAL(fcntl(got[0], F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(got[2], -EBADF);
	(void)close(got[0]);
	(void)close(got[1]);
	/* One, none, and nobody who wants them. */
	CU_ASSERT_EQUAL(ctl_send_fds(f.pair[0], CTL_PIPES, p, 1), 0);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, got), 1);
	CU_ASSERT_TRUE(got[0] >= 0);
	CU_ASSERT_EQUAL(got[1], -EBADF);
	(void)close(got[0]);
	CU_ASSERT_EQUAL(ctl_send(f.pair[0], CTL_OK, 0, NULL), 0);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, got), 1);
	CU_ASSERT_EQUAL(got[0], -EBADF);
	CU_ASSERT_EQUAL(ctl_send_fds(f.pair[0], CTL_PIPES, p, 2), 0);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 1);
	CU_ASSERT_EQUAL(ctl_send_fds(f.pair[0], CTL_PIPES, p, CTL_FDS_MAX + 1), -EBADF);
	CU_ASSERT_EQUAL(count_fds(), before);
	(void)close(p[0]);
	(void)close(p[1]);
	teardown(&f);
}

/* As a stranger would: any bytes, any number of descriptors. */
static ssize_t send_raw(int fd, const void *data, size_t len, const int *fds, size_t n)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * 8)];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = CMSG_SPACE(sizeof(int) * n) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	return sendmsg(fd, &msg, 0);
}

/* Descriptors of packets that are dropped, too many, or of an empty one: none stays behind. */
static void test_unwanted_descriptors(void)
{
	struct fixture f;
	struct ctl_msg m = { .version = CTL_VERSION, .type = CTL_PIPES };
	int fds[8], got[CTL_FDS_MAX], before;

	setup(&f);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = f.pair[1];
	before = count_fds();
	CU_ASSERT_EQUAL(send_raw(f.pair[0], "x", 1, fds, 2), 1);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, got), -EPROTO);
	CU_ASSERT_EQUAL(got[0], -EBADF);
	CU_ASSERT_EQUAL(got[1], -EBADF);
	CU_ASSERT_EQUAL(count_fds(), before);
	CU_ASSERT_EQUAL(send_raw(f.pair[0], "", 0, fds, 2), 0);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, got), 0);
	CU_ASSERT_EQUAL(count_fds(), before);
	CU_ASSERT_EQUAL(send_raw(f.pair[0], &m, HEAD, fds, 8), HEAD);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, NULL), 1);
	CU_ASSERT_EQUAL(count_fds(), before);
	CU_ASSERT_EQUAL(send_raw(f.pair[0], &m, HEAD, fds, 8), HEAD);
	CU_ASSERT_EQUAL(ctl_receive(f.pair[1], &f.m, got), 1);
	CU_ASSERT_EQUAL(count_fds(), before + CTL_FDS_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(got); i++)
		(void)close(got[i]);
	teardown(&f);
}

/* ---- the socket ------------------------------------------------------------------------- */

static void test_listen(void)
{
	struct fixture f;
	int listener, client, server;
	struct stat st;

	setup(&f);
	CU_ASSERT_TRUE(strlen(f.s.runroot) > 107);
	CU_ASSERT_EQUAL(ctl_connect(&f.s, ID, &f.err), -ENOENT);
	listener = ctl_listen(&f.s, ID, &f.err);
	CU_ASSERT_TRUE_FATAL(listener >= 0);
	CU_ASSERT_EQUAL(fcntl(listener, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_TRUE(fcntl(listener, F_GETFL) & O_NONBLOCK);
	CU_ASSERT_EQUAL(ctl_accept(listener), -EAGAIN);
	CU_ASSERT_EQUAL(fstatat(f.s.runfd, "containers/" ID, &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0700);
	client = ctl_connect(&f.s, ID, &f.err);
	CU_ASSERT_TRUE_FATAL(client >= 0);
	CU_ASSERT_EQUAL(fcntl(client, F_GETFD), FD_CLOEXEC);
	server = ctl_accept(listener);
	CU_ASSERT_TRUE_FATAL(server >= 0);
	CU_ASSERT_EQUAL(fcntl(server, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(ctl_send(client, CTL_SIGNAL, 15, NULL), 0);
	CU_ASSERT_EQUAL(ctl_wait(server, 1000, &f.m), 1);
	CU_ASSERT_EQUAL(f.m.value, 15);
	CU_ASSERT_EQUAL(ctl_send(server, CTL_OK, 0, NULL), 0);
	CU_ASSERT_EQUAL(ctl_wait(client, 1000, &f.m), 1);
	CU_ASSERT_EQUAL(f.m.type, CTL_OK);
	(void)close(server);
	CU_ASSERT_EQUAL(ctl_wait(client, 1000, &f.m), 0);
	(void)close(client);
	/* A dead one: nobody listens; and it is replaced. */
	(void)close(listener);
	CU_ASSERT_EQUAL(ctl_connect(&f.s, ID, &f.err), -ECONNREFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "001122334455"));
	listener = ctl_listen(&f.s, ID, &f.err);
	CU_ASSERT_TRUE(listener >= 0);
	client = ctl_connect(&f.s, ID, &f.err);
	CU_ASSERT_TRUE(client >= 0);
	(void)close(client);
	(void)close(listener);
	teardown(&f);
}

static void test_wait(void)
{
	struct fixture f;
	int64_t start = clock_mono_ms();

	setup(&f);
	CU_ASSERT_EQUAL(ctl_wait(f.pair[1], 50, &f.m), -ETIMEDOUT);
	CU_ASSERT_TRUE(clock_mono_ms() - start >= 50);
	CU_ASSERT_EQUAL(ctl_wait(f.pair[1], 0, &f.m), -ETIMEDOUT);
	teardown(&f);
}

static int connect_as_nobody(void *arg)
{
	struct fixture *f = arg;

	if (!child_become_nobody())
		return 77;
	return ctl_connect(&f->s, ID, &f->err) >= 0 ? 0 : 1;
}

/* The directory is closed to others; should it be open, the uid still tells. */
static void test_another_user(void)
{
	struct fixture f;
	int listener, r;

	setup(&f);
	listener = ctl_listen(&f.s, ID, &f.err);
	CU_ASSERT_EQUAL(child_run(connect_as_nobody, &f) == 0, false);
	CU_ASSERT_EQUAL(ctl_accept(listener), -EAGAIN);
	CU_ASSERT_EQUAL(fchmod(f.s.runfd, 0755), 0);
	CU_ASSERT_EQUAL(fchmodat(f.s.runfd, "containers", 0755, 0), 0);
	CU_ASSERT_EQUAL(fchmodat(f.s.runfd, "containers/" ID, 0755, 0), 0);
	CU_ASSERT_EQUAL(fchmodat(f.s.runfd, "containers/" ID "/ctl.sock", 0777, 0), 0);
	r = child_run(connect_as_nobody, &f);
	if (r == 77)
		TEST_SKIP("cannot become nobody");
	else
		CU_ASSERT_EQUAL(r, 0);
	CU_ASSERT_EQUAL(ctl_accept(listener), r == 77 ? -EAGAIN : -EPERM);
	(void)close(listener);
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "messages", test_message },
	{ "malformed packets", test_malformed },
	{ "the peer is gone", test_peer_gone },
	{ "the peer is gone and has not read", test_peer_gone_unread },
	{ "last words", test_last_words },
	{ "the peer does not read", test_peer_does_not_read },
	{ "descriptors", test_descriptors },
	{ "unwanted descriptors", test_unwanted_descriptors },
	{ "listen, connect, replace", test_listen },
	{ "wait", test_wait },
	{ "another user", test_another_user },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "ctl", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
