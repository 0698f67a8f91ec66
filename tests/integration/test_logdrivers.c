/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logdrivers - where a container's output goes: a file, a file of one's own, the journal, nowhere.
 *
 * The journal is a socket of the test's, at the journal's place in a /run of its own.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/process/ctl.h"
#include "engine/state/layout.h"
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
	check_refused("-t --log-driver passthrough", "exclude each other");
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

/* ---- passthrough -------------------------------------------------------------------------- */

#define PASSED "--network none --log-driver passthrough"

static void test_passed(void)
{
	cleanup_result struct result r =
		podium("run --name pass " PASSED " busybox sh -c 'echo hi; echo oh >&2; exit 7'");

	CHECK_CODE(r, 7);
	CHECK_EQUAL(r.out, "hi\n");
	CHECK_EQUAL(r.err, "oh\n");
	CHECK(is_inspected("pass", "{{.HostConfig.LogConfig.Type}}", "passthrough"), "not shown");
	result_done(&r);
	r = podium("logs pass");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "'passthrough' log driver, cannot read logs");
	result_done(&r);
	r = podium("start pass");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "pass\n");
	result_done(&r);
	CHECK_STATUS("pass", "Exited (7)");
	r = podium("start -a pass");
	CHECK_CODE(r, 7);
	CHECK_EQUAL(r.out, "hi\n");
	MUST(0, "rm pass");
	result_done(&r);
	/* Its input, too, without -i. */
	r = podium_stdin("a line\n", "run --rm " PASSED " busybox cat");
	CHECK_EQUAL(r.out, "a line\n");
}

static void test_passed_detached(void)
{
	cleanup_free char *log = NULL;
	cleanup_result struct result r = { 0 };

	/* Who reads a pipe hears its end with the container's, though the pod goes on. */
	MUST(0, "pod create --name passpod --network none");
	MUST(0, "run -d --name stays --pod passpod busybox sleep 600");
	r = run("sh -c '%s/podium --root %s --runroot %s run -d --name pass --pod passpod "
		"--log-driver passthrough busybox sh -c \"sleep 0.2; echo late\" | cat'",
		harness.build, harness.root, harness.runroot);
	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "late\n"); /* and no id */
	CHECK_STATUS("stays", "Up ");
	MUST(0, "pod rm -f -t 0 passpod");
	result_done(&r);
	/* Nobody but the container has them. */
	r = run("sh -c '%s/podium --root %s --runroot %s run -d --name pass " PASSED
		" busybox sh -c \"echo first; sleep 600\" >%s/passed.out'",
		harness.build, harness.root, harness.runroot, harness.work);
	CHECK_CODE(r, 0);
	result_done(&r);
	r = run("ls -l /proc/%d/fd", (int)monitor_of("pass"));
	CHECK_LACKS(r.out, "passed.out");
	result_done(&r);
	r = run("ls -l /proc/%d/fd", (int)container_pid("pass"));
	CHECK_HAS(r.out, "passed.out");
	result_done(&r);
	CHECK(WAIT_UNTIL((free(log), log = read_file("passed.out")) && *log, DEADLINE_MS),
	      "no output");
	CHECK_EQUAL(log, "first\n");
	r = podium("attach pass");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "attaching to container ");
	CHECK_HAS(r.err, "'passthrough' log driver, cannot attach");
	MUST(0, "rm -f -t 0 pass");
}

/* A restart has them again; so has each container of a file. */
static void test_passed_again(void)
{
	cleanup_result struct result r =
		run("sh -c '%s/podium --root %s --runroot %s run -d --name pass --restart "
		    "on-failure:2 " PASSED " busybox sh -c \"echo again; exit 1\" | cat'",
		    harness.build, harness.root, harness.runroot);

	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "again\nagain\nagain\n");
	MUST(0, "rm -f pass");
	result_done(&r);
	write_file("passed.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: passed}\nspec:\n"
				  "  restartPolicy: Never\n  containers:\n"
				  "  - {name: c1, image: busybox, command: [echo, from-1]}\n"
				  "  - {name: c2, image: busybox, command: [echo, from-2]}\n");
	r = run("sh -c '%s/podium --root %s --runroot %s kube play --log-driver passthrough "
		"--network none %s/passed.yaml | cat'",
		harness.build, harness.root, harness.runroot, harness.work);
	CHECK_HAS(r.out, "from-1\n");
	CHECK_HAS(r.out, "from-2\n");
	MUST(0, "kube down %s/passed.yaml", harness.work);
}

/* With streams that no container may have. */
static void check_start(int code, const char *words)
{
	cleanup_result struct result r = run("sh -c '%s/podium --root %s --runroot %s %s </'",
					     harness.build, harness.root, harness.runroot, words);

	CHECK_CODE(r, code);
}

/* The streams of a start that starts nothing are closed at once. */
static void test_passed_to_nobody(void)
{
	cleanup_free char *infra = NULL;
	struct error err;
	struct store store;
	struct ctl_msg msg;
	int p[2], fds[3], fd;

	MUST(0, "pod create --name passpod --network none");
	MUST(0, "run -d --name stays --pod passpod busybox sleep 600");
	infra = inspect("passpod", "{{.InfraContainerID}}");
	CHECK(store_open(harness.root, harness.runroot, STORE_READ, &store, &err) == 0, "no store");
	fd = ctl_connect(&store, infra, &err);
	CHECK(fd >= 0 && pipe2(p, O_CLOEXEC) == 0, "nobody listens");
	fds[0] = fds[1] = fds[2] = p[1];
	CHECK(ctl_send_with_fds(fd, CTL_START, 0, "", fds, 3) == 0, "not sent");
	(void)close(p[1]);
	CHECK(ctl_wait(fd, DEADLINE_MS, &msg) == 1 && msg.type == CTL_OK, "no answer");
	CHECK(poll(&(struct pollfd){ .fd = p[0] }, 1, DEADLINE_MS) == 1, "the pipe is kept");
	(void)close(p[0]);
	(void)close(fd);
	store_close(&store);
	MUST(0, "pod rm -f -t 0 passpod");
}

/* What a start is asked for is asked of what it starts. */
static void test_passed_of_others(void)
{
	MUST(0, "pod create --name passpod --network none");
	MUST(0, "create --name pass --pod passpod --log-driver passthrough busybox sleep 600");
	MUST(0, "create --name other --pod passpod busybox sleep 600");
	check_start(125, "pod start passpod");
	check_start(0, "start other");
	MUST(0, "pod start passpod");
	check_start(0, "pod start passpod"); /* it runs */
	MUST(0, "rm -f -t 0 pass");
	MUST(0, "stop -t 0 other");
	check_start(0, "pod start passpod");
	CHECK_STATUS("other", "Up ");
	MUST(0, "pod rm -f -t 0 passpod");
}

static void test_passed_initialized(void)
{
	cleanup_result struct result r = { 0 };

	MUST(0, "create --name pass " PASSED " busybox true");
	r = podium("init pass");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "it cannot be initialized before");
	CHECK_STATUS("pass", "Created");
	MUST(0, "rm pass");
}

static void check_not_passed(const char *command, const char *says)
{
	cleanup_result struct result r = run("%s", command);

	CHECK_CODE(r, 125);
	CHECK(strstr(r.out, says) || strstr(r.err, says), "'%s' is not in '%s%s'", says, r.out,
	      r.err);
	MUST(1, "container exists refused");
}

/* TTY-2: neither a terminal nor a directory comes into a container, nor changes hands. */
static void test_passed_refused(void)
{
	cleanup_free char *words = xasprintf(
		"%s/podium --root %s --runroot %s run --name refused " PASSED " busybox true",
		harness.build, harness.root, harness.runroot);
	cleanup_free char *directory = xasprintf("sh -c '%s </'", words);
	cleanup_free char *terminal = xasprintf("script -qec '%s' /dev/null", words);
	cleanup_free char *fifo = xasprintf(
		"sh -c 'mkfifo %s/fifo; cat %s/fifo & %s --user 1000 >%s/fifo; stat -c %%u "
		"%s/fifo'",
		harness.work, harness.work, words, harness.work, harness.work);
	char *user = strstr(fifo, " busybox true --user 1000");

	check_not_passed(directory, "is a directory");
	if (access("/usr/bin/script", X_OK) == 0)
		check_not_passed(terminal, "cannot be used on a TTY");
	CHECK(user != NULL, "the test is wrong");
	if (user) {
		cleanup_result struct result r = { 0 };

		memcpy(user, " --user 1000 busybox true", strlen(" --user 1000 busybox true"));
		r = run("%s", fifo);
		CHECK_EQUAL(r.out, "0\n");
		MUST(0, "rm refused");
	}
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
	{ "passthrough", test_passed },
	{ "passthrough, in the background", test_passed_detached },
	{ "passthrough, again", test_passed_again },
	{ "passthrough, to nobody", test_passed_to_nobody },
	{ "passthrough, others", test_passed_of_others },
	{ "passthrough, init", test_passed_initialized },
	{ "passthrough, refused", test_passed_refused },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "logdrivers", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
