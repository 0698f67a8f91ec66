/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - the caller's streams on a container: nothing is lost however short its life or slow its
 * reader, the exit code is told, signals arrive, nobody stands still for ever, and nothing stays of
 * thousands of sessions (security.md LOG-2, rows 24, 26, 31).
 *
 * PODIUM_LONG=1 runs the loops in full length.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define RUNS		100
#define RUNS_LONG	500
#define CYCLES		60
#define CYCLES_LONG	10000
#define PRIVATE_KIB_MAX 32 /* what a monitor may have more after all of them */

static int begin(void)
{
	cleanup_result struct result r = { 0 };

	if (harness_begin() != 0 || !load_image("payload") || !load_image("busybox"))
		return 1;
	r = podium("run -d --name keep --init busybox sleep 100000");
	return !CHECK_CODE(r, 0);
}

static bool is_long(void)
{
	const char *s = getenv("PODIUM_LONG");

	return s && *s;
}

/* A script of sh, in which $P is podium with its trees. */
static struct result shell(const char *script)
{
	write_file("session.sh", "P='%s/podium --root %s --runroot %s'\nW=%s\n%s\n", harness.build,
		   harness.root, harness.runroot, harness.work, script);
	return run("sh %s/session.sh", harness.work);
}

static void check_shell(const char *script, const char *out)
{
	cleanup_result struct result r = shell(script);

	CHECK_EQUAL(r.out, out);
}

static void test_short_lives(void)
{
	int n = is_long() ? RUNS_LONG : RUNS, bad = 0;

	for (int i = 0; i < n && bad < 3; i++) {
		cleanup_result struct result r = podium("run --rm payload lines 3");

		bad += !CHECK_CODE(r, 0) || !CHECK_EQUAL(r.out, "1 line\n2 line\n3 line\n") ||
		       !CHECK_EQUAL(r.err, "");
	}
	for (int i = 0; i < n / 4 && bad < 3; i++) {
		cleanup_result struct result r = podium("run --rm payload exit 42");

		bad += !CHECK_CODE(r, 42);
	}
}

static void test_codes(void)
{
	static const struct {
		const char *words;
		int code;
		const char *err;
	} cases[] = {
		{ "busybox true", 0, "" },
		{ "busybox sh -c 'exit 7'", 7, "" },
		{ "busybox /nosuch", 127, "Error: " },
		{ "busybox nosuch", 127, "Error: " },
		{ "busybox /etc/passwd", 126, "Error: " },
		{ "nosuchimage --pull", 125, "Error: " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_result struct result r =
			i + 1 < ARRAY_SIZE(cases)
				? podium("run --rm %s", cases[i].words)
				: podium("run --rm --pull never nosuch.invalid/image true");

		CHECK_CODE(r, cases[i].code);
		CHECK_EQUAL(r.out, "");
		CHECK(*cases[i].err ? is_prefix(r.err, cases[i].err) : !*r.err, "%s says: %s",
		      cases[i].words, r.err);
	}
}

static void test_slow_reader(void)
{
	check_shell("$P run --rm busybox sh -c 'head -c 50000000 /dev/zero; exit 9' | "
		    "(sleep 1; wc -c)",
		    "50000000\n");
	check_shell("($P run --rm busybox sh -c 'head -c 3000000 /dev/zero >&2; head -c 3000000 "
		    "/dev/zero; exit 9' 2>&1; echo $? >$W/code) | (sleep 1; wc -c); cat $W/code",
		    "6000000\n9\n");
	/* Both streams at once: one may fill the queue while the other is ready, too. */
	check_shell("for i in 1 2 3; do $P run --rm busybox sh -c '(head -c 3000000 /dev/zero "
		    ">&2)& head -c 3000000 /dev/zero; wait' 2>&1 | (sleep 0.3; wc -c); done",
		    "6000000\n6000000\n6000000\n");
	/* What is in the pipes when it ends, and a reader that sleeps longer than anybody waits. */
	check_shell("$P exec keep head -c 120000 /dev/zero | (sleep 3; wc -c)", "120000\n");
}

/* The end of a run takes its sockets away, and not that of the session which waits for the next. */
static void test_again_at_once(void)
{
	check_shell("$P create --network none --name again busybox echo said >/dev/null\n"
		    "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do\n"
		    "$P start -a again 2>&1; done | uniq -c | tr -s ' '\n"
		    "$P rm again >/dev/null",
		    " 20 said\n");
}

static void test_input(void)
{
	check_shell("head -c 8000000 /dev/urandom >$W/in\n"
		    "$P run --rm -i busybox cat <$W/in | cmp - $W/in && echo run\n"
		    "$P exec -i keep cat <$W/in | cmp - $W/in && echo exec\n"
		    "$P create -i --name ai busybox cat >/dev/null\n"
		    "$P start -a -i ai <$W/in | cmp - $W/in && echo start\n"
		    "$P rm ai >/dev/null\n"
		    "echo abc | $P run --rm -i busybox sh -c 'cat; exit 4'; echo $?\n"
		    /* without -i there is none, and the caller's stays whole */
		    "printf '1\\n2\\n' | while read l; do $P run --rm busybox cat; echo $l; done\n"
		    /* one that never reads */
		    "$P run --rm -i busybox sh -c 'sleep 0.3; echo over' <$W/in; rm $W/in",
		    "run\nexec\nstart\nabc\n4\n1\n2\nover\n");
}

static void test_32_execs(void)
{
	check_shell("head -c 1000000 /dev/urandom >$W/in; n=0\n"
		    "while [ $n -lt 32 ]; do n=$((n+1))\n"
		    "($P exec -i keep sh -c \"cat; exit $n\" <$W/in >$W/o.$n; echo $? >$W/c.$n) & "
		    "done\n"
		    "wait; n=0; while [ $n -lt 32 ]; do n=$((n+1))\n"
		    "cmp $W/in $W/o.$n || echo bad $n; [ $(cat $W/c.$n) = $n ] || echo code $n\n"
		    "rm $W/o.$n $W/c.$n; done; rm $W/in; echo done",
		    "done\n");
}

static void test_signals(void)
{
	check_shell(
		"$P run --rm --name sig busybox sh -c 'trap \"echo got; exit 5\" TERM; echo up; "
		"while :; do sleep 0.05; done' >$W/out & pid=$!\n"
		"while ! grep -q up $W/out; do sleep 0.05; done; kill $pid; wait $pid; echo $?\n"
		"cat $W/out",
		"5\nup\ngot\n");
	check_shell(
		": >$W/out; $P run --sig-proxy=false --name sig busybox sh -c 'echo up; sleep "
		"1000' "
		">$W/out & "
		"pid=$!\n"
		"while ! grep -q up $W/out; do sleep 0.05; done; kill $pid; wait $pid; echo $?\n"
		"$P inspect sig --format '{{.State.Status}}'; $P rm -f -t 0 sig",
		"143\nrunning\nsig\n");
}

static void test_descriptors(void)
{
	/* 1: stdin is closed, 2: stdout, 4: stderr. What comes out of the others is right. */
	check_shell(
		"for c in 0 1 2 3 4 5 6 7; do for v in 'run --rm -i busybox' 'exec -i keep'; do\n"
		"a=''; [ $((c&1)) = 0 ] || a=\"$a 0<&-\"; [ $((c&2)) = 0 ] || a=\"$a 1>&-\"\n"
		"[ $((c&4)) = 0 ] || a=\"$a 2>&-\"\n"
		"echo in | eval \"$P $v sh -c 'cat; echo out; echo err >&2; exit 3' $a\" "
		">$W/o 2>$W/e; r=$?\n"
		"echo $c $r $(cat $W/o) $(cat $W/e); done; done",
		"0 3 in out err\n0 3 in out err\n1 3 out err\n1 3 out err\n2 3 err\n2 3 err\n"
		"3 3 err\n3 3 err\n4 3 in out\n4 3 in out\n5 3 out\n5 3 out\n6 3\n6 3\n7 3\n"
		"7 3\n");
}

static void test_write_errors(void)
{
	cleanup_result struct result r = { 0 };

	r = shell("$P run --rm busybox echo lost >/dev/full; echo $?; $P exec keep echo lost "
		  ">/dev/full; echo $?");
	CHECK_EQUAL(r.out, "125\n125\n");
	CHECK_HAS(r.err, "No space left on device");
	/* A reader that goes away ends the command; an exec ends with it, as in any pipeline. */
	check_shell("($P run --name yes busybox yes; echo $? >$W/code) | head -n 1\n"
		    "while [ ! -s $W/code ]; do sleep 0.05; done; cat $W/code; $P rm -f -t 0 yes\n"
		    "($P exec keep yes; echo $? >$W/code) | head -n 1; sleep 0.2; cat $W/code",
		    "y\n125\nyes\ny\n141\n");
}

/* A reader that does not read holds the container up, but nobody else. */
static void test_stuck_reader(void)
{
	check_shell("$P run --name stuck busybox yes | sleep 1000 & \n"
		    "until $P exec stuck true 2>/dev/null; do sleep 0.05; done; sleep 0.3\n"
		    "timeout 20 $P stop -t 1 stuck; $P inspect stuck --format "
		    "'{{.State.Status}} {{.State.ExitCode}}'; $P rm stuck; kill %1 2>/dev/null; "
		    "exit 0",
		    "stuck\nexited 137\nstuck\n");
}

static void test_detach_keys_words(void)
{
	cleanup_result struct result r = podium("exec --detach-keys foo keep true");

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "'foo' is no key");
	result_done(&r);
	r = podium("run --rm --detach-keys ctrl-x,y busybox true");
	CHECK_CODE(r, 0);
}

/* Who could not be executed is not left as a zombie, which a container would wait for. */
static void test_failed_execs(void)
{
	MUST(0, "run -d --name brief busybox sleep 100000");
	for (int i = 0; i < 5; i++)
		MUST(127, "exec brief nosuch");
	check_shell("timeout 20 $P rm -f -t 0 brief", "brief\n");
}

static void test_exec_detached(void)
{
	check_shell(
		"$P exec -d keep sh -c 'sleep 0.3; echo x >/tmp/one' | wc -c\n"
		"$P exec -d -t keep sh -c 'tty >/tmp/tty; yes | head -c 200000; echo y >/tmp/two' "
		"| wc -c\n"
		"until $P exec keep cat /tmp/one /tmp/two 2>/dev/null >$W/o; do sleep 0.05; done\n"
		"cat $W/o; $P exec -l cat /tmp/tty",
		"65\n65\nx\ny\n/dev/pts/0\n");
	CHECK(WAIT_UNTIL(find_process("podium exec") <= 0, DEADLINE_MS), "a process is left");
}

/* ---- LOG-2 -------------------------------------------------------------------------------- */

/* The number after the next such field of a file in /proc, -1: none. */
static int64_t number_after(const char *text, const char *field)
{
	const char *at = text ? strstr(text, field) : NULL;
	long long n = -1;

	return at && sscanf(at + strlen(field), "%lld", &n) == 1 ? n : -1;
}

static int64_t private_kib(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/smaps_rollup", (int)pid);
	cleanup_free char *text = read_file(path);

	return number_after(text, "Private_Dirty:");
}

static pid_t parent_of(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/status", (int)pid);
	cleanup_free char *text = read_file(path);

	return (pid_t)number_after(text, "PPid:");
}

/* Of the text that its start has touched a process that waits has not half in its memory. */
static bool is_text_given_back(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/smaps", (int)pid);
	cleanup_free char *all = read_file(path);
	const char *text = all ? strstr(all, " r-xp ") : NULL;

	return text && number_after(text, "Rss:") * 2 < number_after(text, "Size:");
}

static void test_idle_memory(void)
{
	pid_t monitor, conductor;

	MUST(0, "run -d --name alone busybox sleep 100000");
	MUST(0, "run -d --pod new:idle --name idler busybox sleep 100000");
	monitor = monitor_of("idler");
	conductor = parent_of(monitor);
	CHECK(WAIT_UNTIL(is_text_given_back(monitor_of("alone")), DEADLINE_MS), "alone");
	CHECK(WAIT_UNTIL(is_text_given_back(monitor), DEADLINE_MS), "monitor");
	CHECK(WAIT_UNTIL(is_text_given_back(conductor), DEADLINE_MS), "conductor");
	check_shell("$P exec alone echo x; $P exec idler echo y\n"
		    "$P rm -f -t 0 alone; $P pod rm -f -t 0 idle | wc -l",
		    "x\ny\nalone\n1\n");
}

static void test_cycles(void)
{
	int n = is_long() ? CYCLES_LONG : CYCLES;
	pid_t monitor = monitor_of("keep");
	int descriptors;
	int64_t memory;

	for (int i = 0; i < 5; i++) /* what the first ones touch stays */
		MUST(0, "exec keep echo x");
	DISCARD(shell("timeout -s INT 0.3 $P attach --sig-proxy=false --no-stdin keep"));
	(void)usleep(1500000);
	descriptors = count_descriptors(monitor);
	memory = private_kib(monitor);
	CHECK(descriptors > 3 && memory > 0, "the monitor is process %d", (int)monitor);
	for (int i = 0; i < n; i++) {
		MUST(0, "exec keep echo x");
		if (i % 10 == 0)
			DISCARD(shell("timeout -s INT 0.05 $P attach --sig-proxy=false keep"));
	}
	(void)usleep(1500000);
	CHECK(count_descriptors(monitor) == descriptors, "%d descriptors, %d before",
	      count_descriptors(monitor), descriptors);
	CHECK(private_kib(monitor) <= memory + PRIVATE_KIB_MAX, "%lld KiB, %lld before",
	      (long long)private_kib(monitor), (long long)memory);
}

static void test_floods(void)
{
	/* Without a newline, and one stream closed: nothing is kept in memory. */
	check_shell(
		"$P exec keep sh -c 'exec 2>&-; head -c 100000000 /dev/zero' | wc -c\n"
		"$P run --rm busybox sh -c 'exec >&-; head -c 1000000 /dev/zero >&2' 2>&1 | wc -c",
		"100000000\n1000000\n");
}

static CU_TestInfo tests[] = {
	{ "short lives", test_short_lives },
	{ "exit codes", test_codes },
	{ "slow readers get everything", test_slow_reader },
	{ "again at once", test_again_at_once },
	{ "input", test_input },
	{ "32 execs at once", test_32_execs },
	{ "signals", test_signals },
	{ "closed descriptors", test_descriptors },
	{ "write errors", test_write_errors },
	{ "a reader that is stuck", test_stuck_reader },
	{ "words of detach keys", test_detach_keys_words },
	{ "execs that fail", test_failed_execs },
	{ "exec in the background", test_exec_detached },
	{ "LOG-2: many sessions", test_cycles },
	{ "who waits holds little", test_idle_memory },
	{ "LOG-2: floods", test_floods },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "session", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
