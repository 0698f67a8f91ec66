/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal - run, exec and attach on a real terminal: tmux is the person. Full screens, sizes that
 * change, detach keys, signals, the terminal's modes afterwards; TTY-2 (nothing is pushed into the
 * caller's input) and TTY-3 (a storm of sizes).
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/integration/harness.h"

#define SCREEN_MS 10000 /* for what must come onto the screen */

static char *tmux_socket;

static int begin(void)
{
	cleanup_result struct result r = { 0 };

	if (harness_begin() != 0 || !load_image("payload") || !load_image("busybox"))
		return 1;
	tmux_socket = xasprintf("%s/tmux.sock", harness.work);
	r = podium("run -d --init --name keep busybox sleep 100000");
	return !CHECK_CODE(r, 0);
}

static int finish(void)
{
	DISCARD(run("tmux -S %s kill-server", tmux_socket));
	free(tmux_socket);
	return harness_end();
}

static bool has_tmux(void)
{
	cleanup_result struct result r = run("sh -c 'command -v tmux'");

	if (r.code != 0)
		printf("SKIP: tmux is not installed\n");
	return r.code == 0;
}

/* A shell on a terminal of 90 columns and 25 rows, with podium as `p`. */
static void open_screen(void)
{
	write_file("rc", "PS1='ready> '\np() { %s/podium --root %s --runroot %s \"$@\"; }\n",
		   harness.build, harness.root, harness.runroot);
	DISCARD(run("tmux -S %s -f /dev/null new-session -d -s t -x 90 -y 25 "
		    "'env ENV=%s/rc TERM=screen sh -i'",
		    tmux_socket, harness.work));
	DISCARD(run("tmux -S %s set -g status off", tmux_socket));
}

static void close_screen(void)
{
	DISCARD(run("tmux -S %s kill-session -t t", tmux_socket));
}

static void type(const char *keys)
{
	DISCARD(run("tmux -S %s send-keys -t t %s", tmux_socket, keys));
}

static void type_line(const char *text)
{
	DISCARD(run("tmux -S %s send-keys -t t -l '%s'", tmux_socket, text));
	type("Enter");
}

static void resize(int columns, int rows)
{
	DISCARD(run("tmux -S %s resize-window -t t -x %d -y %d", tmux_socket, columns, rows));
}

static bool has(const char *part)
{
	cleanup_result struct result r = run("tmux -S %s capture-pane -p -t t", tmux_socket);

	return r.out && strstr(r.out, part);
}

/* The screen's line, counted from 0; the caller's. */
static char *line_of(int n)
{
	cleanup_result struct result r = run("tmux -S %s capture-pane -p -t t", tmux_socket);
	char *at = r.out, *line = NULL;

	for (int i = 0; at && i <= n; i++)
		line = strsep(&at, "\n");
	return xstrdup(line ? line : "");
}

static bool is_line(int n, const char *text)
{
	cleanup_free char *line = line_of(n);

	return strcmp(line, text) == 0;
}

static void expect(const char *part)
{
	if (!WAIT_UNTIL(has(part), SCREEN_MS)) {
		cleanup_result struct result r =
			run("tmux -S %s capture-pane -p -t t", tmux_socket);

		CHECK(false, "'%s' is not on the screen:\n%s", part, r.out);
	}
}

/* The shell's own terminal is as a shell has it: a line is edited and echoed, once. */
static void expect_sane(void)
{
	type_line("stty -a | tr \" ;\" \"\\n\\n\" | grep -c -x -e icanon -e echo -e isig -e icrnl "
		  "-e opost");
	expect("\n5");
}

/* ---- the tests ---------------------------------------------------------------------------- */

static void check_full_screen(const char *words)
{
	char command[300];

	open_screen();
	expect("ready>");
	(void)snprintf(command, sizeof(command), "p %s sh", words);
	type_line(command);
	expect("#");
	type_line("stty size");
	expect("25 90");
	type_line("vi /tmp/text");
	/* vi has the whole screen: tildes from the second line to the last but one. */
	CHECK(WAIT_UNTIL(is_line(1, "~") && is_line(23, "~"), SCREEN_MS), "vi does not draw");
	type("i");
	type("words");
	CHECK(WAIT_UNTIL(is_line(0, "words"), SCREEN_MS), "what is typed does not show");
	resize(70, 40);
	type("Escape");
	(void)usleep(500000); /* else it is the beginning of another key */
	type("C-l");
	CHECK(WAIT_UNTIL(is_line(38, "~") && is_line(1, "~"), SCREEN_MS),
	      "it does not follow the size");
	type_line(":wq");
	expect("#");
	type_line("clear; stty size; cat /tmp/text");
	expect("40 70");
	expect("words");
	type_line("exit 7");
	expect("ready>");
	type_line("echo code-$?");
	expect("code-7");
	expect_sane();
	close_screen();
}

static void test_full_screen(void)
{
	if (!has_tmux())
		return;
	check_full_screen("run --rm -it busybox");
	check_full_screen("exec -it keep");
}

static void test_first_size(void)
{
	if (!has_tmux())
		return;
	/* The program asks before anything else: the size is there. */
	open_screen();
	expect("ready>");
	type_line("p run --rm -it payload tty");
	expect("size 25 90");
	expect("foreground yes");
	type_line("clear; p exec -it keep stty size");
	expect("25 90");
	close_screen();
	/* So it is for a program whose terminal was made before anybody sat at it. */
	MUST(0, "create -it --name made payload tty");
	MUST(0, "init made");
	open_screen();
	expect("ready>");
	type_line("p start -ai made; echo over-$?");
	expect("size 25 90");
	expect("over-0");
	close_screen();
	MUST(0, "rm made");
}

static void test_detach(void)
{
	if (!has_tmux())
		return;
	open_screen();
	expect("ready>");
	type_line("p run -it --name leave --detach-keys ctrl-a,d busybox sh");
	expect("#");
	type_line("echo one-$((1+1))");
	expect("one-2");
	type("C-a");
	type("x"); /* not the sequence: both go through, and ^A is the line's beginning */
	type("C-u");
	type("C-k");
	type("C-a");
	type("d");
	expect("ready>");
	type_line("echo code-$?");
	expect("code-0");
	expect_sane();
	CHECK(is_inspected("leave", "{{.State.Status}}", "running"), "it was left alone");
	type_line("clear; p attach leave");
	type_line("echo two-$((1+1))");
	expect("two-2");
	type("C-p");
	type("C-q");
	type_line("");
	expect("ready>");
	/* Without keys they are input. */
	type_line("clear; p exec -it --detach-keys \"\" keep sh -c \"stty raw -echo; head -c 2 | "
		  "od -An -tx1\"");
	(void)usleep(700000);
	type("C-p");
	type("C-q");
	expect("10 11");
	type_line("clear; p exec -it keep sh -c \"sleep 3; echo x >/tmp/left\"");
	(void)usleep(700000);
	type("C-p");
	type("C-q");
	type_line("echo left-$?");
	expect("left-0");
	CHECK(WAIT_UNTIL(CODE_OF(podium("exec keep cat /tmp/left")) == 0, SCREEN_MS),
	      "what was left goes on");
	close_screen();
	MUST(0, "rm -f -t 0 leave");
}

static void check_killed(const char *words, const char *name)
{
	char command[300];

	type_line("clear");
	(void)snprintf(command, sizeof(command), "p %s", words);
	type_line(command);
	expect("#");
	DISCARD(run("sh -c 'kill -%s $(pgrep -f \"^%s/podium .*-it.*\")'", name, harness.build));
	type_line("");
	expect("ready>");
	expect_sane();
}

/* Whatever ends the command, the terminal is as before. */
static void test_signals(void)
{
	if (!has_tmux())
		return;
	open_screen();
	expect("ready>");
	check_killed("run -it --name ended1 busybox sh", "TERM");
	check_killed("run -it --name ended2 busybox sh", "HUP");
	check_killed("run -it --name ended3 busybox sh", "SEGV");
	check_killed("run -it --name ended4 busybox sh", "ABRT");
	check_killed("exec -it keep sh", "HUP");
	close_screen();
	MUST(0, "rm -f -t 0 ended1 ended2 ended3 ended4");
}

/* TTY-3: sizes come faster than anybody needs them; the last one counts. */
static void test_storm(void)
{
	if (!has_tmux())
		return;
	open_screen();
	expect("ready>");
	type_line("p run --rm -it busybox sh");
	expect("#");
	for (int i = 0; i < 60; i++)
		resize(40 + i, 20 + i % 20);
	resize(81, 31);
	(void)usleep(1000000); /* tmux itself is in no hurry */
	type_line("clear; stty size");
	expect("31 81");
	type_line("exit");
	expect("ready>");
	close_screen();
}

/* TTY-2: neither ioctl works, and nothing comes into the caller's line. */
static void check_sti(const char *command)
{
	type_line(command);
	expect("over-0");
	expect("0 EPERM EPERM");
	expect("2 EPERM EPERM");
	CHECK(!has(" ok"), "an ioctl was allowed by %s", command);
	type_line("clear; echo line-is-clean");
	CHECK(WAIT_UNTIL(is_line(0, "line-is-clean"), SCREEN_MS), "something was typed ahead");
	type_line("clear");
}

static void test_no_input_injected(void)
{
	if (!has_tmux())
		return;
	MUST(0, "run -d --name sti payload sleep 0");
	MUST(0, "run -d --name late -it payload seq sleep 2 , sti , sleep 1");
	open_screen();
	expect("ready>");
	check_sti("p attach late; echo over-$?");
	check_sti("p run --rm -it payload sti; echo over-$?");
	check_sti("p exec -it sti /payload sti; echo over-$?");
	/* Without a terminal of its own, at one of the caller's, it has pipes. */
	type_line("p run --rm -i payload sti; p exec -i sti /payload sti; echo over-$?");
	expect("over-0");
	CHECK(!has(" ok"), "an ioctl was allowed");
	close_screen();
	MUST(0, "rm -f -t 0 sti late");
}

static CU_TestInfo tests[] = {
	{ "a program that has the whole screen", test_full_screen },
	{ "the first size", test_first_size },
	{ "detach keys", test_detach },
	{ "whatever ends the command", test_signals },
	{ "TTY-3: a storm of sizes", test_storm },
	{ "TTY-2: the caller's input", test_no_input_injected },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "terminal", begin, finish, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
