/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logdrivers - where a container's output goes: a file, a file of one's own, the journal, nowhere.
 *
 * The journal is a socket of the test's, at the journal's place in a /run of its own.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/integration/harness.h"

#define JOURNAL_PATH "/run/systemd/journal/socket"

static int begin(void)
{
	return harness_begin() != 0 || !load_image("busybox") ||
	       mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0;
}

static void check_refused(const char *flags, const char *why)
{
	cleanup_result struct result r = podium("run -d --name refused %s busybox true", flags);

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, why);
	MUST(1, "container exists refused");
}

static void test_refused(void)
{
	check_refused("--log-driver nosuch", "nosuch");
	check_refused("--log-driver journald", "there is no journal on this host");
	check_refused("--log-driver passthrough", "passthrough");
	check_refused("--log-driver none --log-opt path=/x", "path=");
	check_refused("--log-opt tag=x", "tag=");
	check_refused("--log-opt path=/tmp/..", "names no file");
	check_refused("--log-opt nosuch=1", "nosuch");
	check_refused("--log-opt max-size=x", "max-size");
}

static void test_none(void)
{
	cleanup_result struct result r =
		podium("run --name none --log-driver none busybox echo hi");

	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "hi\n"); /* who watches sees it */
	result_done(&r);
	r = podium("logs none");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "'none' log driver");
	MUST(0, "rm none");
}

static void test_path(void)
{
	cleanup_free char *own = NULL;
	cleanup_result struct result r =
		podium("run --name own --log-driver json-file --log-opt path=%s/own.log "
		       "busybox echo hi",
		       harness.work);

	CHECK_CODE(r, 0);
	result_done(&r);
	own = read_file("own.log");
	CHECK_HAS(own, " stdout F hi\n");
	r = podium("logs own");
	CHECK_EQUAL(r.out, "hi\n");
	MUST(0, "rm own");
}

/* LOG-1: what somebody has put in the place of the file is not written to. */
static void test_replaced(void)
{
	cleanup_free char *link = xasprintf("%s/link.log", harness.work);
	cleanup_free char *canary = NULL;

	write_file("canary", "alive\n");
	CHECK(symlink("canary", link) == 0, "symlink: %m");
	MUST(125, "run --rm --log-opt path=%s busybox echo hi", link);
	canary = read_file("canary");
	CHECK_EQUAL(canary, "alive\n");
	(void)unlink(link);
	CHECK(mkfifo(link, 0600) == 0, "mkfifo: %m");
	MUST(125, "run --rm --log-opt path=%s busybox echo hi", link);
}

static int open_journal(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = JOURNAL_PATH };
	struct timeval wait = { .tv_sec = 10 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)mkdir("/run/systemd", 0755);
	(void)mkdir("/run/systemd/journal", 0755);
	CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "bind: %m");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return fd;
}

static void check_entry(int fd, const char *message, const char *priority, bool is_partial)
{
	char entry[65536];
	ssize_t n = recv(fd, entry, sizeof(entry) - 1, 0);

	entry[n > 0 ? n : 0] = '\0';
	CHECK(is_prefix(entry, message), "the entry begins '%.60s'", entry);
	CHECK_HAS(entry, priority);
	CHECK_HAS(entry, "\nCONTAINER_NAME=jo\n");
	CHECK_HAS(entry, "\nCONTAINER_TAG=of-jo\n");
	CHECK_HAS(entry, "\nCONTAINER_ID_FULL=");
	CHECK((strstr(entry, "CONTAINER_PARTIAL_MESSAGE=true\n") != NULL) == is_partial,
	      "partial: %.60s", entry);
}

static void test_journald(void)
{
	cleanup_result struct result r = { 0 };
	int fd = open_journal();

	r = podium("run --name jo --log-driver journald --log-opt tag=of-{{.Name}} busybox "
		   "sh -c 'echo one; sleep 0.2; echo two >&2; sleep 0.2; printf three'");
	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "one\nthree");
	check_entry(fd, "MESSAGE=one\n", "\nPRIORITY=6\n", false);
	check_entry(fd, "MESSAGE=two\n", "\nPRIORITY=3\n", false);
	check_entry(fd, "MESSAGE=three\n", "\nPRIORITY=6\n", true);
	result_done(&r);
	r = podium("logs jo");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "journalctl CONTAINER_ID_FULL=");
	/* A journal that does not read holds nobody up. */
	result_done(&r);
	r = podium("run --rm --log-driver journald busybox sh -c 'yes | head -c 3000000'");
	CHECK(strlen(r.out) == 3000000, "%zu bytes", strlen(r.out));
	(void)close(fd);
	MUST(0, "rm jo");
}

static CU_TestInfo tests[] = {
	{ "what cannot be had", test_refused },
	{ "none", test_none },
	{ "a file of one's own", test_path },
	{ "LOG-1: a file that was replaced", test_replaced },
	{ "the journal", test_journald },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "logdrivers", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
