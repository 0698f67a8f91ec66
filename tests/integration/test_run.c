/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run - `run`, `create` and `pod create` on the built binary: exit codes, what is printed, what is
 * refused, and that nothing is left of what was.
 *
 * What each flag puts into the plan is in tests/unit/test_createplan.c, what the launch makes of it in
 * test_launch.c.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/wire.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

/* Expects code and standard output. */
static void check_run(int code, const char *out, const char *line)
{
	cleanup_result struct result r = podium("%s", line);

	CHECK_CODE(r, code);
	CHECK_EQUAL(r.out, out);
	if (code == 0)
		CHECK_EQUAL(r.err, "");
}

/* Expects 125, a part of the message, and nothing on standard output. */
static void check_refused(const char *part, const char *line)
{
	cleanup_result struct result r = podium("%s", line);

	CHECK_CODE(r, 125);
	CHECK(is_prefix(r.err, "Error: ") || is_prefix(r.err, "Trying to pull"), "%s", r.err);
	CHECK_HAS(r.err, part);
	CHECK_EQUAL(r.out, "");
}

/* ---- in the foreground -------------------------------------------------------------------------- */

static void test_foreground(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result in = { 0 };

	snapshot_take(&before);
	check_run(0, "hello\n", "run --rm busybox echo hello");
	check_run(7, "", "run --rm busybox sh -c 'exit 7'");
	check_run(0, "out\n", "run --rm -a stdout busybox sh -c 'echo out; echo err >&2'");
	in = podium_stdin("typed\n", "run --rm -i busybox cat");
	CHECK_CODE(in, 0);
	CHECK_EQUAL(in.out, "typed\n");
	check_run(137, "", "run --rm --timeout 1 busybox sleep 1000");
	CHECK_NOTHING_LEFT(&before, "run --rm");
}

static void test_exit_codes(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	check_run(127, "", "run --name nf busybox nosuch");
	check_run(126, "", "run --name ne busybox /etc/passwd");
	check_run(127, "", "run -d --name nd busybox nosuch");
	CHECK(is_inspected("nf", "{{.State.ExitCode}}", "127"), "kept to be looked at");
	MUST(0, "rm nf ne nd");
	check_run(127, "", "run --rm busybox nosuch");
	check_refused("no command", "run --entrypoint= busybox");
	CHECK_NOTHING_LEFT(&before, "programs that cannot be executed");
}

/* What the user presses reaches the container, and its exit code the shell. */
static void test_signals(void)
{
	struct job j =
		job_podium("run --rm --name sig busybox sh -c 'trap \"exit 9\" INT; echo up; "
			   "while :; do sleep 0.1; done'");
	bool up = WAIT_UNTIL(({
				     cleanup_free char *out = job_output(&j);

				     strstr(out, "up");
			     }),
			     DEADLINE_MS);
	cleanup_result struct result r = { 0 };

	CHECK(up, "it does not come up");
	(void)kill(j.pid, SIGINT);
	r = job_wait(&j, DEADLINE_MS);
	CHECK_CODE(r, 9);
}

/* ---- in the background -------------------------------------------------------------------------- */

static void test_background(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result r = { 0 };
	cleanup_free char *cid = xasprintf("%s/cid", harness.work),
			  *pid = xasprintf("%s/pid", harness.work);
	cleanup_free char *id = NULL, *number = NULL, *want = NULL;

	snapshot_take(&before);
	r = podium("run -d --name bg --cidfile %s --pidfile %s busybox sleep 1000", cid, pid);
	CHECK_CODE(r, 0);
	r.out[strcspn(r.out, "\n")] = '\0';
	CHECK(is_id(r.out), "'%s'", r.out);
	id = read_file(cid);
	CHECK_EQUAL(id, r.out);
	want = inspect("bg", "{{.State.Pid}}\n");
	number = read_file(pid);
	CHECK(is_prefix(number, want), "pid '%s' of '%s'", number, want);
	check_refused("cid", "run -d --cidfile cidfile-without-room/cid busybox true");
	{
		cleanup_result struct result again =
			podium("run -d --cidfile %s busybox sleep 1000", cid);

		CHECK_CODE(again, 125);
		CHECK_HAS(again.err, "--cidfile");
	}
	check_refused("name 'bg' is already in use by", "run -d --name bg busybox sleep 1000");
	MUST(0, "run -d --name bg --replace busybox sleep 1001");
	CHECK(!is_inspected("bg", "{{.Id}}", id), "it was not replaced");
	MUST(0, "rm -f -t 0 bg");
	(void)unlink(cid);
	(void)unlink(pid);
	CHECK_NOTHING_LEFT(&before, "run -d");
}

/* LOC-1: the monitor writes a pid to no file that somebody has put a link to. */
static void test_pid_file_link(void)
{
	cleanup_free char *link = xasprintf("%s/piddir/pid", harness.work);

	for (int i = 0; i < 2; i++) {
		cleanup_free char *text = NULL;

		write_file("piddir/canary", "CANARY\n");
		CHECK(symlink("canary", link) == 0, "symlink");
		if (i)
			(void)setenv("PODIUM_WEAKEN", "LOC-1-PIDFILE", 1);
		MUST(0, "run --rm --pidfile %s busybox true", link);
		(void)unsetenv("PODIUM_WEAKEN");
		text = read_file("piddir/canary");
		CHECK(is_equal(text, "CANARY\n") == !i, "the canary is '%s'", text);
		(void)unlink(link);
	}
}

/* A device that has the name of a network's bridge and is somebody else's: nothing runs there, which is
 * the engine's own error, and the network goes without it. */
static void test_foreign_bridge(void)
{
	for (int i = 0; i < 2; i++) {
		cleanup_result struct result r = { 0 };
		cleanup_result struct result seen = { 0 };

		MUST(0, "network create --interface-name theirs foreign");
		CHECK(CODE_OF(run("ip link add theirs type bridge")) == 0, "make a device");
		r = podium("run --rm --network foreign busybox true");
		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "is not that of the network");
		if (i)
			(void)setenv("PODIUM_WEAKEN", "NET-foreign", 1);
		MUST(0, "network rm foreign");
		(void)unsetenv("PODIUM_WEAKEN");
		seen = run("ip link del theirs");
		CHECK((seen.code == 0) == !i, "the device: %s", seen.err);
	}
}

/* Whatever is refused leaves nothing: neither records nor names nor files. */
static void test_refused(void)
{
	cleanup_snapshot struct snapshot before;
	int fd = wire_listen(WIRE_TCP, "0.0.0.0", 7070);

	snapshot_take(&before);
	check_refused("7070/tcp is already in use", "run -d -p 7070:80 busybox sleep 9");
	check_refused("7070/tcp is already in use", "run --name p -p 7070:80 busybox sleep 9");
	check_refused("7070/tcp", "run -d --pod new:np -p 7070:80 busybox sleep 9");
	(void)close(fd);
	check_refused("nosuchimage", "run -d --pull never nosuchimage");
	check_refused("nosuchimage", "run -d localhost/nosuchimage");
	check_refused("/nosuchdir", "run -d -v /nosuchdir:/x busybox sleep 9");
	check_refused("nosuchpod", "run -d --pod nosuchpod busybox sleep 9");
	check_refused("nosuchctr", "run -d --network container:nosuchctr busybox sleep 9");
	check_refused("nosuchctr", "run -d --requires nosuchctr busybox sleep 9");
	check_refused("nosuchctr", "run -d --volumes-from nosuchctr busybox sleep 9");
	check_refused("--rootfs is not supported", "run --rootfs /x");
	check_refused("unknown flag: --nosuch", "run --nosuch busybox");
	check_refused("is no name", "create --name ../../x busybox");
	check_refused("--replace needs --name", "create --replace busybox true");
	check_refused("--init-ctr is for `podium create`", "run --pod x --init-ctr once busybox");
	CHECK_NOTHING_LEFT(&before, "what was refused");
}

/* ENV-3: what the caller has is not what the container gets; a name alone asks for it. */
static void test_environment(void)
{
	(void)setenv("HTTP_PROXY", "http://secret-proxy.example", 1);
	(void)setenv("TEST_SECRET", "hush-4711", 1);
	{
		cleanup_result struct result r = podium("run --rm busybox env");
		cleanup_result struct result asked = podium("run --rm -e TEST_SECRET busybox env");
		cleanup_result struct result proxy = podium("run --rm --http-proxy busybox env");
		cleanup_result struct result host = podium("run --rm --env-host busybox env");

		CHECK_CODE(r, 0);
		CHECK_LACKS(r.out, "secret-proxy");
		CHECK_LACKS(r.out, "hush-4711");
		CHECK_HAS(asked.out, "TEST_SECRET=hush-4711");
		CHECK_LACKS(asked.out, "secret-proxy");
		CHECK_HAS(proxy.out, "HTTP_PROXY=http://secret-proxy");
		CHECK_LACKS(proxy.out, "hush-4711");
		CHECK_HAS(host.out, "TEST_SECRET=hush-4711");
	}
	(void)unsetenv("HTTP_PROXY");
	(void)unsetenv("TEST_SECRET");
}

/* ---- pods --------------------------------------------------------------------------------------- */

static void test_pod(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *file = xasprintf("%s/pod-id", harness.work);
	cleanup_free char *id = NULL, *second = NULL;

	MUST(0, "volume create first"); /* the directory of volumes stays */
	MUST(0, "volume rm first");
	snapshot_take(&before);
	MUST(0,
	     "pod create --name p1 --pod-id-file %s --share +pid --hostname inside "
	     "--add-host other:192.0.2.9 --label a=b --infra-name p1-pause -v pv:/data "
	     "--security-opt no-new-privileges -m 256m",
	     file);
	id = read_file(file);
	CHECK(is_id(id), "'%s'", id);
	check_refused("p1", "pod create p1");
	check_refused("--infra=false", "pod create --infra=false p2");
	MUST(0, "run --rm --pod-id-file %s busybox sh -c 'echo kept > /data/x'", file);
	check_run(0, "inside\nkept\n", "run --rm --pod p1 busybox sh -c 'hostname; cat /data/x'");
	{
		cleanup_result struct result r =
			podium("run --rm --pod p1 busybox sh -c 'cat /etc/hosts; grep NoNew "
			       "/proc/self/status'");

		CHECK_HAS(r.out, "192.0.2.9\tother");
		CHECK_HAS(r.out, "NoNewPrivs:\t1");
	}
	CHECK(is_inspected("p1-pause", "{{.State.Status}}", "running"), "infra's name");
	(void)unlink(file);
	MUST(0, "pod create --name p1 --replace --pod-id-file %s", file);
	second = read_file(file);
	CHECK(is_id(second) && !is_equal(id, second), "not replaced");
	write_file("odd-id", "new:odd\n");
	MUST(125, "run --rm --pod-id-file %s/odd-id busybox true", harness.work);
	remove_path("odd-id");
	MUST(0, "pod rm -f p1");
	MUST(0, "volume rm pv");
	(void)unlink(file);
	CHECK_NOTHING_LEFT(&before, "pod rm");
}

#define GONE_MS 10000 /* for what nobody waits for */

static bool is_printed(const char *line, const char *out)
{
	cleanup_result struct result r = podium("%s", line);

	return r.code == 0 && strcmp(r.out, out) == 0;
}

/* --rm of a container that came with its pod takes the pod, too. */
static void test_new_pod(void)
{
	cleanup_result struct result r = { 0 };

	check_run(0, "hi\n", "run --pod new:np busybox echo hi");
	r = podium("pod ls --format '{{.Name}}'");
	CHECK_EQUAL(r.out, "np\n");
	check_refused("np", "run -d --pod new:np busybox true");
	MUST(0, "pod rm -f np");
	check_run(0, "hi\n", "run --rm --pod new:np busybox echo hi");
	check_run(0, "", "pod ls -q");
	MUST(0, "run -d --rm --pod new:np busybox true");
	CHECK(WAIT_UNTIL(is_printed("pod ls -q", ""), GONE_MS), "nobody waits for it: it goes");
	/* Somebody has joined: it stays. */
	MUST(0, "run -d --rm --pod new:np busybox sleep 0.3");
	MUST(0, "create --pod np --name joined busybox true");
	CHECK(WAIT_UNTIL(is_printed("ps -a --format '{{.Names}}' -f pod=np -f ancestor=busybox",
				    "joined\n"),
			 GONE_MS),
	      "the other one has gone");
	check_run(0, "np\n", "pod ls --format '{{.Name}}'");
	MUST(0, "pod rm -f np");
}

/* A pod of which the last member has just ended takes the next one, once it has gone down. */
static void test_ending_pod(void)
{
	MUST(0, "pod create --exit-policy stop --name ending");
	for (int i = 0; i < 20; i++)
		check_run(0, "hi\n", "run --rm --pod ending busybox echo hi");
	for (int i = 0; i < 20; i++)
		MUST(0, "run -d --rm --pod ending busybox true");
	MUST(0, "pod rm -f ending");
}

/* ---- containers.conf ---------------------------------------------------------------------------- */

static void test_conf(void)
{
	cleanup_free char *file = xasprintf("%s/containers.conf", harness.work);

	write_file(file, "[containers]\nenv = [\"FROM_CONF=yes\"]\numask = \"0027\"\n"
			 "default_ulimits = [\"nofile=77:88\"]\n");
	(void)setenv("CONTAINERS_CONF", file, 1);
	check_run(0, "yes 0027 77\n",
		  "run --rm busybox sh -c 'echo $FROM_CONF $(umask) $(ulimit -n)'");
	write_file(file, "[containers]\n\numask = 5\n");
	check_refused("containers.conf:3: [containers] umask must be a string",
		      "run --rm busybox true");
	check_refused("containers.conf:3", "pod create x");
	(void)unsetenv("CONTAINERS_CONF");
}

static CU_TestInfo tests[] = {
	{ "foreground", test_foreground },
	{ "exit codes", test_exit_codes },
	{ "signals", test_signals },
	{ "background", test_background },
	{ "LOC-1: a link in place of the pid file", test_pid_file_link },
	{ "a bridge of somebody else's", test_foreign_bridge },
	{ "refused", test_refused },
	{ "environment", test_environment },
	{ "pod create", test_pod },
	{ "a pod made by run", test_new_pod },
	{ "containers.conf", test_conf },
	{ "a pod that ends", test_ending_pod },
	CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
	{ "run, create, pod create", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
