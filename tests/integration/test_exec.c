/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec - one more process in a container: streams, exit codes, user, environment, directory, a
 * terminal; and that hundreds of them leave nothing.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

static int begin(void)
{
	cleanup_result struct result r = { 0 };

	if (harness_begin() != 0 || !load_image("payload") || !load_image("busybox"))
		return 1;
	r = play_pod("x", "", "",
		     "    image: busybox\n    command: [sh, -c, \"trap 'exit 0' TERM; sleep 99999 "
		     "& wait\"]\n"
		     "    workingDir: /tmp\n    env: [{name: OWN, value: \"yes\"}]\n");
	return r.code;
}

static void check_exec(const char *words, int code, const char *out)
{
	cleanup_result struct result r = podium("exec %s", words);

	CHECK_CODE(r, code);
	if (out)
		CHECK_EQUAL(r.out, out);
}

static void test_streams(void)
{
	cleanup_result struct result both = podium("exec x-c sh -c 'echo out; echo err >&2'");
	cleanup_result struct result in = podium_stdin("one\ntwo\n", "exec -i x-c cat");
	cleanup_result struct result none = podium_stdin("one\n", "exec x-c cat");
	cleanup_result struct result big = podium("exec x-c dd if=/dev/zero bs=65536 count=64");

	CHECK_EQUAL(both.out, "out\n");
	CHECK_EQUAL(both.err, "err\n");
	CHECK_EQUAL(in.out, "one\ntwo\n");
	CHECK_EQUAL(none.out, ""); /* without -i there is no input */
	CHECK_CODE(big, 0);
}

static void test_codes(void)
{
	cleanup_result struct result r = { 0 };

	check_exec("x-c true", 0, "");
	check_exec("x-c sh -c 'exit 42'", 42, "");
	check_exec("x-c sh -c 'kill -9 $$'", 137, "");
	check_exec("x-c /nosuch", 127, "");
	check_exec("x-c nosuch", 127, "");
	check_exec("x-c /etc/passwd", 126, "");
	check_exec("nosuch true", 125, "");
	r = podium("exec x-c");
	CHECK_CODE(r, 125);
	result_done(&r);
	/* A directory that is asked for is not made. */
	r = podium("exec -w /nosuch x-c true");
	CHECK(r.code != 0, "/nosuch was entered");
	CHECK_HAS(r.err, "/nosuch");
	check_exec("x-c test -e /nosuch", 1, "");
}

static void test_settings(void)
{
	check_exec("x-c pwd", 0, "/tmp\n");
	check_exec("-w /etc x-c pwd", 0, "/etc\n");
	check_exec("x-c sh -c 'echo $OWN $MORE'", 0, "yes\n");
	check_exec("-e MORE=much -e OWN=no x-c sh -c 'echo $OWN $MORE'", 0, "no much\n");
	write_file("exec.env", "# words\nMORE=from file\nOWN=file\n");
	{
		cleanup_result struct result r = podium("exec --env-file %s/exec.env -e OWN=flag "
							"x-c sh -c 'echo $OWN $MORE'",
							harness.work);

		CHECK_EQUAL(r.out, "flag from file\n");
	}
	check_exec("-e =x x-c true", 125, "");
	check_exec("--env-file /nosuch x-c true", 125, "");
	check_exec("-u 1234:4321 x-c sh -c 'echo $(id -u) $(id -g)'", 0, "1234 4321\n");
	check_exec("x-c hostname", 0, "x\n");
	check_exec("x/c true", 0, "");
	/* What follows the container belongs to the command. */
	check_exec("x-c echo -u -t --env", 0, "-u -t --env\n");
}

/* ---- a terminal --------------------------------------------------------------------------- */

struct terminal {
	int master;
	pid_t pid;
};

static void __attribute__((noreturn)) terminal_child(int slave, char **argv)
{
	(void)setsid();
	(void)ioctl(slave, TIOCSCTTY, 0);
	for (int i = 0; i < 3; i++)
		if (dup2(slave, i) < 0)
			_exit(121);
	(void)execv(argv[0], argv);
	_exit(122);
}

/* podium exec -it x-c ARG... on a terminal of 33 rows and 77 columns. */
static struct terminal open_terminal(const char *command)
{
	cleanup_free char *program = xasprintf("%s/podium", harness.build);
	char *argv[] = { program,
			 (char *)(uintptr_t) "--root",
			 harness.root,
			 (char *)(uintptr_t) "--runroot",
			 harness.runroot,
			 (char *)(uintptr_t) "exec",
			 (char *)(uintptr_t) "-it",
			 (char *)(uintptr_t) "x-c",
			 (char *)(uintptr_t) "sh",
			 (char *)(uintptr_t) "-c",
			 (char *)(uintptr_t)command,
			 NULL };
	struct winsize size = { .ws_row = 33, .ws_col = 77 };
	struct terminal t = { .master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) };
	int slave = -1;

	if (t.master >= 0 && grantpt(t.master) == 0 && unlockpt(t.master) == 0)
		slave = open(ptsname(t.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	(void)ioctl(t.master, TIOCSWINSZ, &size);
	t.pid = fork();
	if (t.pid == 0)
		terminal_child(slave, argv);
	(void)close(slave);
	return t;
}

/* Reads until the text has come, or the end; the caller's. */
static char *read_until(const struct terminal *t, const char *part)
{
	struct buf b = BUF_INIT(1 << 20);
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	char chunk[4096];

	while (clock_mono_ms() < end && !(part && b.data && strstr(b.data, part))) {
		struct pollfd p = { .fd = t->master, .events = POLLIN };
		ssize_t n = poll(&p, 1, 100) > 0 ? read(t->master, chunk, sizeof(chunk)) : 1;

		if (n <= 0)
			break;
		if (p.revents)
			buf_add(&b, chunk, (size_t)n);
	}
	return buf_steal(&b);
}

static int close_terminal(struct terminal *t)
{
	int status = 0;

	if (!WAIT_UNTIL(waitpid(t->pid, &status, WNOHANG) == t->pid, DEADLINE_MS))
		(void)kill(t->pid, SIGKILL);
	(void)close(t->master);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void test_terminal(void)
{
	struct terminal t =
		open_terminal("tty; stty size; echo READY; read line; echo got $line; exit 7");
	cleanup_free char *first = read_until(&t, "READY");
	cleanup_free char *second = NULL;

	CHECK_HAS(first, "/dev/pts/");
	CHECK_HAS(first, "33 77");
	CHECK(write(t.master, "words\r", 6) == 6, "write: %m");
	second = read_until(&t, "got words");
	CHECK_HAS(second, "got words");
	CHECK(close_terminal(&t) == 7, "the exit code is lost");
}

/* The size follows; ^C reaches the process and not podium; the terminal is as before after it. */
static void test_terminal_signals(void)
{
	struct terminal t = open_terminal(
		"trap 'stty size; exit 9' INT; echo READY; while :; do sleep 1; done");
	struct winsize size = { .ws_row = 44, .ws_col = 99 };
	struct termios before, after;
	cleanup_free char *first = NULL, *second = NULL;

	(void)tcgetattr(t.master, &before);
	first = read_until(&t, "READY");
	(void)ioctl(t.master, TIOCSWINSZ, &size);
	(void)usleep(200000);
	CHECK(write(t.master, "\003", 1) == 1, "write: %m");
	second = read_until(&t, "44 99");
	CHECK_HAS(second, "44 99");
	(void)WAIT_UNTIL(tcgetattr(t.master, &after) == 0 && after.c_lflag == before.c_lflag, 5000);
	CHECK(after.c_lflag == before.c_lflag, "the terminal was not restored: %x, before %x",
	      (unsigned int)after.c_lflag, (unsigned int)before.c_lflag);
	CHECK(close_terminal(&t) == 9, "the exit code is lost");
}

/* ---- many --------------------------------------------------------------------------------- */

static void test_many(void)
{
	cleanup_snapshot struct snapshot before;
	pid_t monitor = find_process("podium-monitor container");
	pid_t conductor = find_process("podium-monitor conductor");
	int descriptors[2] = { count_descriptors(monitor), count_descriptors(conductor) };

	CHECK(monitor > 1 && conductor > 1, "no monitor");
	snapshot_take(&before);
	for (int i = 0; i < 300; i++)
		check_exec("x-c true", 0, "");
	for (int i = 0; i < 20; i++) {
		struct job j = job_podium("exec x-c sleep 1000");

		(void)WAIT_UNTIL(find_process("sleep 1000") > 0, DEADLINE_MS);
		(void)kill(find_process("sleep 1000"), SIGKILL);
		{
			cleanup_result struct result r = job_wait(&j, DEADLINE_MS);

			CHECK_CODE(r, 137);
		}
	}
	CHECK_NOTHING_LEFT(&before, "320 execs");
	CHECK(count_descriptors(monitor) == descriptors[0],
	      "the monitor has %d descriptors, %d before", count_descriptors(monitor),
	      descriptors[0]);
	CHECK(count_descriptors(conductor) == descriptors[1], "the conductor has %d, %d before",
	      count_descriptors(conductor), descriptors[1]);
}

/* Runs a line of a script with podium as `p`; 3 and 4 are files, 7 one that nobody asked for. */
static struct result with_files(const char *line)
{
	write_file("first", "the first\n");
	write_file("second", "the second\n");
	write_file("third", "a stranger\n");
	write_file("kept.sh",
		   "cd %s\np() { %s/podium --root %s --runroot %s \"$@\"; }\n"
		   "exec 3<first 4<second 7<third\n%s\n",
		   harness.work, harness.build, harness.root, harness.runroot, line);
	return run("sh %s/kept.sh", harness.work);
}

/* --preserve-fds: those, at their numbers, and no other. */
static void test_preserve(void)
{
	static const struct {
		const char *line;
		int code;
		const char *out, *err;
	} cases[] = {
		{ "p exec --preserve-fds 2 x-c sh -c 'cat <&4; cat <&3'", 0,
		  "the second\nthe first\n", "" },
		{ "p exec --preserve-fds 2 x-c sh -c 'for i in 3 4 5 6 7 8 9 10 11 12; do "
		  "[ -e /proc/$$/fd/$i ] && echo $i; done; exit 9'",
		  9, "3\n4\n", "" },
		{ "p exec --preserve-fds 1 x-c sh -c 'cat <&3; cat <&4'", 1, "the first\n", "4" },
		{ "p exec x-c sh -c 'cat <&3'", 1, "", "3" },
		{ "p exec -u 1000 --preserve-fds 1 x-c cat /proc/self/fd/0 <&3", 0, "", "" },
		{ "p exec --preserve-fds 1 x-c sh -c 'echo to >&3' 3>to; cat to", 0, "to\n", "" },
		{ "p exec --preserve-fds 3 x-c true", 125, "",
		  "file descriptor 5 is not available - the preserve-fds option requires" },
		{ "p exec -d --preserve-fds 1 x-c true", 125, "", "works without --detach" },
		{ "p exec --preserve-fds -1 x-c true", 125, "", "--preserve-fds" },
		{ "p exec --preserve-fds 501 x-c true", 125, "", "at most 500" },
		{ "p exec --preserve-fds 1 x-c nosuchprogram", 127, "", "nosuchprogram" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_result struct result r = with_files(cases[i].line);

		CHECK(r.code == cases[i].code, "%s: %d\n%s", cases[i].line, r.code, r.err);
		CHECK_EQUAL(r.out, cases[i].out);
		CHECK_HAS(r.err, cases[i].err);
	}
	/* A directory of the host stays where it is: nobody works in it unasked. */
	{
		cleanup_result struct result r =
			with_files("exec 3<.; p exec --preserve-fds 1 -w /proc/self/fd/3 x-c pwd");

		CHECK(r.code != 0, "it works outside of the container: %s", r.out);
		CHECK_EQUAL(r.out, "");
	}
}

/* The container ends: so do its execs, and the commands that carry them. */
static void test_container_ends(void)
{
	struct job j = job_podium("exec x-c sleep 1000");

	CHECK(WAIT_UNTIL(find_process("sleep 1000") > 0, DEADLINE_MS), "exec does not start");
	MUST(0, "stop x-c");
	{
		cleanup_result struct result r = job_wait(&j, DEADLINE_MS);

		CHECK_CODE(r, 137);
	}
	MUST(0, "start x-c");
}

static CU_TestInfo tests[] = {
	{ "streams", test_streams },
	{ "exit codes", test_codes },
	{ "user, directory, environment", test_settings },
	{ "a terminal", test_terminal },
	{ "a terminal's signals and size", test_terminal_signals },
	{ "hundreds", test_many },
	{ "preserved descriptors", test_preserve },
	{ "the container ends", test_container_ends },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "exec", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
