/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_run - RUN steps in containers: what they print, what they leave in the image, and that
 * nothing of them stays whatever ends the build.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"

/* Builds from a Containerfile in a folder of its own. */
static struct result build(const char *name, const char *options, const char *text)
{
	cleanup_free char *file = xasprintf("%s/Containerfile", name);

	write_file(file, "%s", text);
	return podium("build %s -t %s %s/%s", options, name, harness.work, name);
}

/* Names in a folder of ROOT, a line each; "" when there is none. The caller's. */
static char *list(const char *dir)
{
	cleanup_result struct result r = run("ls %s/%s", harness.root, dir);

	return steal_ptr(&r.out);
}

static void check_nothing_left(void)
{
	cleanup_free char *containers = list("containers");
	cleanup_free char *pods = list("pods");
	cleanup_free char *names = list("names");
	cleanup_result struct result ps = podium("ps -a -q --external");

	CHECK_EQUAL(containers, "");
	CHECK_EQUAL(pods, "");
	CHECK_EQUAL(names, "");
	CHECK_EQUAL(ps.out, "");
}

static void test_output(void)
{
	cleanup_result struct result r = { 0 };

	if (!load_image("busybox"))
		return;
	r = build("out", "",
		  "FROM busybox\nENV GREETING='a b'\nRUN echo to-stdout; echo to-std''err >&2; "
		  "echo \"$GREETING\"; printf unfinished\n");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "to-stdout\na b\nunfinished");
	CHECK_HAS(r.err, "to-stderr\n");
	CHECK_LACKS(r.out, "to-stderr");
	result_done(&r);
	/* Output that is longer than any buffer between comes whole. */
	r = build("long", "--no-cache", "FROM busybox\nRUN seq 1 200000\n");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "\n1\n2\n3\n");
	CHECK_HAS(r.out, "\n199999\n200000\n");
	CHECK(strlen(r.out) > 1288000, "all of it is there: %zu bytes", strlen(r.out));
	check_nothing_left();
}

static void test_failure(void)
{
	cleanup_result struct result r = { 0 };

	if (!load_image("busybox"))
		return;
	r = build("fails", "", "FROM busybox\nRUN echo before; exit 37\nRUN echo never\n");
	CHECK_CODE(r, 37);
	CHECK_HAS(r.out, "before\n");
	CHECK_LACKS(r.out, "\nnever");
	CHECK_HAS(r.err, "37");
	result_done(&r);
	r = build("none", "", "FROM busybox\nRUN [\"/no/such/program\"]\n");
	CHECK(r.code == 127, "code %d", r.code);
	CHECK_HAS(r.err, "/no/such/program");
	result_done(&r);
	r = build("user", "", "FROM busybox\nUSER nobody9\nRUN id\n");
	CHECK(r.code == 125, "code %d", r.code);
	CHECK_HAS(r.err, "nobody9");
	MUST(1, "image exists fails");
	check_nothing_left();
}

static void test_forms(void)
{
	cleanup_result struct result r = { 0 };

	if (!load_image("busybox"))
		return;
	r = build("forms", "--network none",
		  "FROM busybox\nWORKDIR /w\nRUN [\"sh\", \"-c\", \"echo exec form in $PWD\"]\n"
		  "RUN <<END\necho heredoc\npwd\nEND\n"
		  "RUN <<END\n#!/bin/cat\nshown by cat\nEND\n"
		  "RUN ip addr show | grep -c eth0 || true\n"
		  "USER 1234:77\nRUN id -u; id -g\n");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "exec form in /w\n");
	CHECK_HAS(r.out, "heredoc\n/w\n");
	CHECK_HAS(r.out, "#!/bin/cat\nshown by cat\n");
	CHECK_HAS(r.out, "\n0\n");
	CHECK_HAS(r.out, "1234\n77\n");
	result_done(&r);
	r = build("mounts", "",
		  "FROM busybox\n"
		  "RUN --mount=type=cache,target=/c,id=../../x echo kept > /c/f\n"
		  "RUN --mount=type=cache,target=/d,id=../../x cat /d/f; ls -A /\n"
		  "RUN --mount=type=tmpfs,target=/t echo gone > /t/f; mount | grep ' /t '\n"
		  "RUN ls -d /c /d /t || echo no mount points\n");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "kept\n");
	CHECK_HAS(r.out, "tmpfs on /t");
	CHECK_HAS(r.out, "no mount points\n");
	check_nothing_left();
	/* Of a stage with several layers; of the context; never written to. */
	write_file("binds/cf", "in the context\n");
	result_done(&r);
	r = build("binds", "",
		  "FROM busybox AS one\nRUN mkdir -p /opt/s; echo first > /opt/s/f\n"
		  "RUN rm /opt/s/f; echo second > /opt/s/g\nFROM busybox\n"
		  "RUN --mount=type=bind,from=one,source=/opt,target=/m ls /m/s; cat /m/s/g\n"
		  "RUN --mount=type=bind,target=/c cat /c/cf; touch /c/new || echo refused\n");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "g\nsecond\n");
	CHECK_HAS(r.out, "in the context\nrefused\n");
	CHECK(!exists("%s/binds/new", harness.work), "nothing was written");
	check_nothing_left();
}

/* An image without /proc, /dev, /sys and /etc gets none by being run. */
static void test_mount_points(void)
{
	cleanup_result struct result r = { 0 };
	cleanup_free char *from = xasprintf("%s/tests/payload", harness.build);
	cleanup_free char *root = xasprintf("%s/root2", harness.work);
	cleanup_free char *runroot = xasprintf("%s/run2", harness.work);

	write_file("bare/x", "x");
	result_done(&r);
	r = run("cp %s %s/bare/payload", from, harness.work);
	CHECK_CODE(r, 0);
	result_done(&r);
	harness_store(root, runroot);
	r = build("bare", "",
		  "FROM scratch\nCOPY payload /\nRUN [\"/payload\", \"exit\", \"0\"]\n");
	CHECK_CODE(r, 0);
	result_done(&r);
	r = run("find %s/layers -mindepth 3 -printf %%P\\n", root);
	CHECK_HAS(r.out, "/payload");
	CHECK_LACKS(r.out, "/proc");
	CHECK_LACKS(r.out, "/sys");
	CHECK_LACKS(r.out, "/dev");
	CHECK_LACKS(r.out, "/etc");
	harness_store(NULL, NULL);
}

static bool has_working(void)
{
	cleanup_result struct result r = podium("ps -q --external");

	return r.out && *r.out;
}

static void begin_sleeping(const char *name, struct job *ret)
{
	cleanup_free char *file = xasprintf("%s/Containerfile", name);

	write_file(file, "FROM busybox\nRUN echo begun; sleep 1000\n");
	*ret = job_podium("build -t %s %s/%s", name, harness.work, name);
	CHECK(WAIT_UNTIL(has_working(), DEADLINE_MS), "the step runs");
}

static void test_interrupted(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	if (!load_image("busybox"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		cleanup_result struct result r = { 0 };
		cleanup_result struct result ps = { 0 };
		struct job j;

		begin_sleeping("sleeps", &j);
		ps = podium("ps -a -q");
		CHECK_EQUAL(ps.out, ""); /* not among people's containers */
		MUST(0, "rm -a -f -t 0");
		MUST(0, "pod rm -a -f -t 0");
		CHECK(job_is_running(&j), "'all' does not mean the build's");
		CHECK(kill(j.pid, signals[i]) == 0, "signal");
		r = job_wait(&j, DEADLINE_MS);
		CHECK(r.code == 128 + signals[i], "code %d", r.code);
		check_nothing_left();
	}
	MUST(1, "image exists sleeps");
}

static void test_killed(void)
{
	cleanup_result struct result r = { 0 };
	struct job j;

	if (!load_image("busybox"))
		return;
	begin_sleeping("killed", &j);
	CHECK(kill(j.pid, SIGKILL) == 0, "kill");
	result_done(&r);
	r = job_wait(&j, DEADLINE_MS);
	CHECK(r.code == 128 + SIGKILL, "code %d", r.code);
	/* The next build sweeps. */
	result_done(&r);
	r = build("after", "", "FROM busybox\nRUN true\n");
	CHECK_CODE(r, 0);
	check_nothing_left();
}

/* Two at the same time do not see each other. */
static void test_side_by_side(void)
{
	cleanup_result struct result one = { 0 }, two = { 0 };
	struct job j;

	if (!load_image("busybox"))
		return;
	write_file("par/Containerfile", "FROM busybox\nRUN sleep 1; echo first\n");
	j = job_podium("build -t par %s/par", harness.work);
	CHECK(WAIT_UNTIL(has_working(), DEADLINE_MS), "the step runs");
	two = build("other", "", "FROM busybox\nRUN echo second\n");
	CHECK_CODE(two, 0);
	one = job_wait(&j, DEADLINE_MS);
	CHECK_CODE(one, 0);
	CHECK_HAS(one.out, "first\n");
	check_nothing_left();
}

/* Steps with a locked cache take turns. */
static void test_locked_cache(void)
{
	static const char text[] =
		"FROM busybox\nRUN --mount=type=cache,target=/c,id=turns,sharing=locked "
		"mkdir /c/busy && sleep 1 && rmdir /c/busy\n";
	cleanup_result struct result one = { 0 }, two = { 0 };
	struct job j;

	if (!load_image("busybox"))
		return;
	write_file("turn1/Containerfile", "%s", text);
	j = job_podium("build -t turn1 %s/turn1", harness.work);
	CHECK(WAIT_UNTIL(has_working(), DEADLINE_MS), "the step runs");
	two = build("turn2", "--no-cache", text);
	CHECK_CODE(two, 0);
	one = job_wait(&j, DEADLINE_MS);
	CHECK_CODE(one, 0);
	check_nothing_left();
}

static CU_TestInfo tests[] = {
	{ "what a step prints", test_output },
	{ "a step that fails", test_failure },
	{ "forms, users, mounts", test_forms },
	{ "no mount points in the image", test_mount_points },
	{ "signals end it without a trace", test_interrupted },
	{ "what a kill leaves goes with the next build", test_killed },
	{ "two builds at once", test_side_by_side },
	{ "a locked cache", test_locked_cache },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "build_run", harness_begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
