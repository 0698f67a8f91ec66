/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach - watching and typing: pipes, a terminal, detaching, and a reader that does not read.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/harness.h"

#define FLOOD_BYTES 20000000

static void test_pipes(void)
{
	cleanup_result struct result r = { 0 };

	if (!load_image("busybox"))
		return;
	MUST(0, "--version");
	r = play_pod("pipes", "", "  restartPolicy: Never\n",
		     "    image: busybox\n    stdin: true\n    stdinOnce: true\n"
		     "    command: [sh, -c, 'while read l; do echo got $l; echo err $l >&2; done; "
		     "exit 7']\n");
	CHECK_CODE(r, 0);
	result_done(&r);
	r = podium_stdin("one\ntwo\n", "attach pipes-c");
	CHECK_CODE(r, 7);
	CHECK_EQUAL(r.out, "got one\ngot two\n");
	CHECK_EQUAL(r.err, "err one\nerr two\n");
	result_done(&r);
	/* It has ended: nothing to attach to, but everything is in the log. */
	r = podium("attach pipes-c");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "only attach to running containers");
	CHECK(logs_have("pipes-c", "got two"), "the log has what was shown");
	(void)remove_pod("pipes");
}

/* Reads from the terminal until the text is there, or the deadline. */
static bool read_until(int fd, const char *text, struct buf *seen)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;

	while (clock_mono_ms() < end && !(seen->data && strstr(seen->data, text))) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char data[4096];
		ssize_t n;

		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(fd, data, sizeof(data));
		if (n <= 0)
			break;
		buf_add(seen, data, (size_t)n);
	}
	return seen->data && strstr(seen->data, text);
}

static pid_t attach_on_terminal(const char *name, int *ret_master)
{
	cleanup_free char *program = xasprintf("%s/podium", harness.build);
	struct winsize size = { .ws_row = 31, .ws_col = 97 };
	pid_t pid = forkpty(ret_master, NULL, NULL, &size);

	if (pid == 0) {
		(void)execl(program, "podium", "--root", harness.root, "--runroot", harness.runroot,
			    "attach", name, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void type(int fd, const char *text)
{
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "typing works");
}

static void test_terminal(void)
{
	cleanup_result struct result r = { 0 };
	cleanup_buf struct buf seen = BUF_INIT(1 << 20);
	int master = -1, status = 0;
	pid_t pid;

	if (!load_image("busybox"))
		return;
	r = play_pod("term", "", "",
		     "    image: busybox\n    tty: true\n    stdin: true\n    command: [sh]\n");
	CHECK_CODE(r, 0);
	pid = attach_on_terminal("term-c", &master);
	type(master, "echo sum-$((40 + 2)); stty size\n");
	CHECK(read_until(master, "sum-42", &seen), "the shell answers: %s", seen.data);
	CHECK(read_until(master, "31 97", &seen), "the size is the caller's: %s", seen.data);
	type(master, "\x10\x11"); /* Ctrl-P Ctrl-Q */
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0,
	      "detached: status %d", status);
	CHECK(ps_begins("term-c", "Status", "Up"), "the container runs on");
	(void)close(master);
	/* Again, and this time the shell ends: its code is the command's. */
	pid = attach_on_terminal("term-c", &master);
	type(master, "exit 9\n");
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 9,
	      "the code of the shell: status %d", status);
	(void)close(master);
	(void)remove_pod("term");
}

/* A reader that stands still loses output, and is told; the container does not wait for it. */
static void test_slow_reader(void)
{
	cleanup_result struct result r = { 0 }, shown = { 0 };
	struct job j;

	if (!load_image("busybox"))
		return;
	r = play_pod(
		"flood", "", "  restartPolicy: Never\n",
		"    image: busybox\n    stdin: true\n    stdinOnce: true\n    command: [sh, -c, "
		"'read l; head -c 20000000 /dev/zero | tr \"\\0\" x | fold -w 99; exit 3']\n");
	CHECK_CODE(r, 0);
	j = job_run("sh -c '%s/podium --root %s --runroot %s attach --no-stdin flood-c 2>&1 | "
		    "(sleep 4; "
		    "cat)'",
		    harness.build, harness.root, harness.runroot);
	(void)usleep(500000);
	result_done(&r);
	r = podium_stdin("go\n", "attach flood-c");
	CHECK_CODE(r, 3);
	CHECK(strlen(r.out) > FLOOD_BYTES / 100, "a reader that reads sees it");
	shown = job_wait(&j, DEADLINE_MS);
	CHECK_HAS(shown.out, "not shown: too slow");
	(void)remove_pod("flood");
}

static CU_TestInfo tests[] = {
	{ "pipes, one session, the exit code", test_pipes },
	{ "a terminal: size, detach keys, the exit code", test_terminal },
	{ "a reader that does not read", test_slow_reader },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "attach", harness_begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
