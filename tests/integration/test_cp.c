/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp - both directions, tar streams, stopped containers and volumes, owners, Podman's errors; and a
 * process in the container that swaps names for links all the while (CP-1, CP-2).
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "tests/integration/harness.h"

#define ROUNDS 20

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", harness.work, name);
}

/* What a command in the container prints. The caller's. */
static char *in_container(const char *container, const char *script)
{
	struct result r = podium("exec %s sh -c '%s'", container, script);
	char *out = steal_ptr(&r.out);

	result_done(&r);
	return out;
}

#define CHECK_INSIDE(container, script, text)                               \
	({                                                                  \
		cleanup_free char *seen_ = in_container(container, script); \
		CHECK_HAS(seen_, text);                                     \
	})
#define CHECK_FILE(path, text)                              \
	({                                                  \
		cleanup_free char *read_ = read_file(path); \
		CHECK_EQUAL(read_, text);                   \
	})
#define MUST_FAIL(text, ...)                                              \
	({                                                                \
		cleanup_result struct result fail_ = podium(__VA_ARGS__); \
		CHECK_CODE(fail_, 125);                                   \
		CHECK_HAS(fail_.err, text);                               \
	})

static void start(const char *name, const char *options)
{
	MUST(0, "run -d --name %s %s busybox sleep 1000", name, options);
}

static void make_source(void)
{
	write_file("src/f", "one\n");
	write_file("src/d/e/x", "two\n");
	DISCARD(run("ln -sfn e %s/src/d/link", harness.work));
}

/* ---- what it does ----------------------------------------------------------------------- */

static void test_both_ways(void)
{
	cleanup_free char *w = path_of("");

	make_source();
	start("both", "--user 1000:1001");
	MUST(0, "cp %s/src/f both:/tmp", w);
	MUST(0, "cp %s/src/f both:/tmp/named", w);
	MUST(0, "cp -a=false %s/src/f both:/tmp/kept", w);
	MUST(0, "cp %s/src/d both:/tmp", w);
	MUST(0, "cp %s/src/d both:/tmp/new", w);
	MUST(0, "cp %s/src/d/. both:/tmp/content", w);
	CHECK_INSIDE("both", "stat -c %n:%u:%g /tmp/f /tmp/named /tmp/d/e/x",
		     "/tmp/f:1000:1001\n/tmp/named:1000:1001\n/tmp/d/e/x:1000:1001\n");
	CHECK_INSIDE("both", "stat -c %u:%g /tmp/kept", "0:0\n");
	CHECK_INSIDE("both", "cat /tmp/new/e/x /tmp/content/e/x; readlink /tmp/d/link",
		     "two\ntwo\ne\n");
	MUST(0, "cp both:/tmp/d %s/back", w);
	MUST(0, "cp both:/tmp/f %s/back", w);
	MUST(0, "cp both:/tmp/d/. %s/back2", w);
	CHECK_FILE("back/e/x", "two\n");
	CHECK_FILE("back/f", "one\n");
	CHECK_FILE("back2/e/x", "two\n");
	CHECK_INSIDE("both", "echo x", "x");
	MUST(0, "rm -f -t 0 both");
}

static void test_streams(void)
{
	cleanup_free char *w = path_of("");

	make_source();
	start("stream", "");
	CHECK(CODE_OF(run("sh -c '%s/podium --root %s --runroot %s cp stream:/etc/passwd - > "
			  "%s/out.tar'",
			  harness.build, harness.root, harness.runroot, w)) == 0,
	      "to a stream");
	CHECK(CODE_OF(run("sh -c 'tar tf %s/out.tar | grep -qx passwd'", w)) == 0,
	      "no passwd in it");
	CHECK(CODE_OF(run("sh -c 'tar czf - -C %s/src . | %s/podium --root %s --runroot %s cp - "
			  "stream:/tmp'",
			  w, harness.build, harness.root, harness.runroot)) == 0,
	      "from a stream");
	CHECK_INSIDE("stream", "cat /tmp/d/e/x", "two\n");
	{
		cleanup_result struct result r = podium_stdin("junk", "cp - stream:/tmp");

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "source must be a (compressed) tar archive");
	}
	{
		cleanup_result struct result r = podium_stdin("junk", "cp - stream:/etc/passwd");

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "destination must be a directory when copying from stdin");
	}
	MUST(0, "rm -f -t 0 stream");
}

static void test_stopped_and_between(void)
{
	cleanup_free char *w = path_of("");

	make_source();
	start("goes", "-v cpvol:/vol");
	MUST(0, "create --name stands -v cpvol:/vol busybox sleep 1000");
	MUST(0, "cp %s/src/f stands:/root", w);
	MUST(0, "cp stands:/root/f goes:/tmp/over");
	CHECK_INSIDE("goes", "cat /tmp/over", "one\n");
	MUST(0, "cp %s/src/d stands:/vol", w);
	CHECK_INSIDE("goes", "cat /vol/d/e/x", "two\n");
	MUST(0, "cp goes:/vol/d/e/x %s/fromvol", w);
	CHECK_FILE("fromvol", "two\n");
	MUST(0, "start stands");
	CHECK_INSIDE("stands", "cat /root/f", "one\n");
	MUST(0, "rm -f -t 0 goes stands");
	MUST(0, "volume rm cpvol");
}

/* The mount of a container's own file stays: the content is what changes. */
static void test_mounted_file(void)
{
	cleanup_free char *w = path_of("");

	make_source();
	start("hosts", "");
	MUST(0, "cp %s/src/f hosts:/etc/hosts", w);
	CHECK_INSIDE("hosts", "cat /etc/hosts; grep -c /etc/hosts /proc/self/mountinfo",
		     "one\n1\n");
	MUST(0, "rm -f -t 0 hosts");
}

static void test_errors(void)
{
	cleanup_free char *w = path_of("");

	make_source();
	start("wrong", "");
	MUST_FAIL("\"/nix\" could not be found on container wrong: no such file or directory",
		  "cp wrong:/nix %s", w);
	MUST_FAIL("could not be found on the host: no such file or directory", "cp %s/nix wrong:/",
		  w);
	MUST_FAIL("\"/nix/x\" could not be found on container wrong", "cp %s/src/f wrong:/nix/x",
		  w);
	MUST_FAIL("destination must be a directory when copying a directory",
		  "cp %s/src/d wrong:/etc/passwd", w);
	MUST_FAIL("exists but is not a directory", "cp %s/src/f wrong:/etc/passwd/", w);
	MUST_FAIL("no such container", "cp nobody:/x %s", w);
	MUST_FAIL("one side must be a container", "cp ./a ./b");
	MUST_FAIL("you must specify a path", "cp wrong: %s", w);
	MUST_FAIL("neither a file nor a directory", "cp wrong:/dev/null %s", w);
	CHECK(!exists("%s/null", w), "something was left");
	DISCARD(podium("exec wrong mkdir -p /tmp/t/f"));
	MUST_FAIL("a directory stands there", "cp %s/src/. wrong:/tmp/t", w);
	MUST(0, "cp --overwrite %s/src/. wrong:/tmp/t", w);
	CHECK_INSIDE("wrong", "cat /tmp/t/f", "one\n");
	MUST(0, "rm -f -t 0 wrong");
}

/* ---- CP-1, CP-2 ------------------------------------------------------------------------- */

/* In the container's own mounts: exchanges two names as fast as it can, until it is killed. */
static pid_t start_swapper(const char *container, const char *dir, const char *a, const char *b)
{
	cleanup_free char *path = xasprintf("/proc/%d/root%s", (int)container_pid(container), dir);
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (fd >= 0)
			(void)syscall(SYS_renameat2, fd, a, fd, b, RENAME_EXCHANGE);
		_exit(1);
	}
	return pid;
}

static void end_swapper(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

struct seen {
	int inside, elsewhere, refused;
};

static void check_canary(const char *w)
{
	cleanup_free char *list = NULL;
	cleanup_result struct result r =
		run("sh -c 'cd %s/canary && ls -A . sub && cat f sub/f'", w);

	list = xstrdup(r.out);
	CHECK_EQUAL(list, ".:\nf\nsub\n\nsub:\nf\nCANARY\nCANARY\n");
}

/* Copies out of the place again and again; counts whose content came. */
static void read_rounds(const char *container, const char *what, struct seen *n)
{
	cleanup_free char *w = path_of("");

	for (int i = 0; i < ROUNDS; i++) {
		cleanup_result struct result r = podium("cp %s:/sw/%s %s/got", container, what, w);
		cleanup_free char *text = r.code == 0 ? read_file("got") : NULL;

		if (r.code)
			n->refused++;
		else if (is_equal(text, "INSIDE\n"))
			n->inside++;
		else if (is_equal(text, "ELSEWHERE\n"))
			n->elsewhere++;
		else
			CHECK(false, "'%s' was read through %s", text ? text : "", what);
	}
}

static void write_rounds(const char *container, const char *what)
{
	cleanup_free char *w = path_of("");

	for (int i = 0; i < ROUNDS; i++)
		DISCARD(podium("cp %s/src/f %s:/sw/%s", w, container, what));
	check_canary(w);
}

/* The canary's path leads, within the container, to a file of the container's own. */
static void prepare_race(const char *container)
{
	cleanup_free char *w = path_of("");

	write_file("canary/f", "CANARY\n");
	write_file("canary/sub/f", "CANARY\n");
	MUST(0,
	     "exec %s sh -c 'mkdir -p %s/canary/sub /sw/d && cd %s/canary && "
	     "echo ELSEWHERE > f && echo ELSEWHERE > sub/f && echo INSIDE > /sw/d/f && "
	     "echo INSIDE > /sw/f && ln -s %s/canary/sub /sw/ld && ln -s %s/canary/f /sw/lf'",
	     container, w, w, w, w);
}

static void race(const char *container)
{
	struct seen file = { 0 }, parent = { 0 };
	cleanup_free char *w = path_of("");
	pid_t pid;

	prepare_race(container);
	pid = start_swapper(container, "/sw", "f", "lf");
	read_rounds(container, "f", &file);
	write_rounds(container, "f");
	end_swapper(pid);
	pid = start_swapper(container, "/sw", "d", "ld");
	read_rounds(container, "d/f", &parent);
	write_rounds(container, "d/f");
	write_rounds(container, "d/new");
	write_rounds(container, "d");
	for (int i = 0; i < ROUNDS / 2; i++)
		DISCARD(podium("cp %s/src/. %s:/sw", w, container));
	end_swapper(pid);
	check_canary(w);
	printf("  swapped: file %d inside, %d by the link, %d refused; parent %d, %d, %d\n",
	       file.inside, file.elsewhere, file.refused, parent.inside, parent.elsewhere,
	       parent.refused);
	CHECK(file.inside + parent.inside > 0 && file.elsewhere + parent.elsewhere > 0,
	      "only one of the two was met");
}

static void test_swapped(void)
{
	make_source();
	start("swapped", "");
	MUST(0, "exec swapped mkdir /sw");
	race("swapped");
	MUST(0, "rm -f -t 0 swapped");
}

static void test_swapped_on_volume(void)
{
	make_source();
	start("swvol", "-v cpsw:/sw");
	race("swvol");
	MUST(0, "rm -f -t 0 swvol");
	MUST(0, "volume rm cpsw");
}

/* Without the defence the same link leads to the host, both ways. */
static void weakened(bool on_volume)
{
	cleanup_free char *w = path_of("");
	cleanup_free char *leaked = NULL;

	make_source();
	start("weak", on_volume ? "-v weaksw:/sw" : "");
	MUST(0, "exec weak mkdir -p /sw");
	prepare_race("weak");
	(void)setenv("PODIUM_WEAKEN", "CP-1", 1);
	DISCARD(podium("cp weak:/sw/lf %s/leaked", w));
	DISCARD(podium("cp %s/src/d/. weak:/sw/ld", w));
	(void)unsetenv("PODIUM_WEAKEN");
	leaked = read_file("leaked");
	CHECK_EQUAL(leaked, "CANARY\n");
	CHECK(exists("%s/canary/sub/e", w), "the canary is unchanged without the defence, too");
	remove_path("canary");
	remove_path("leaked");
	MUST(0, "rm -f -t 0 weak");
	if (on_volume)
		MUST(0, "volume rm weaksw");
}

static void test_weakened(void)
{
	weakened(false);
}

static void test_weakened_on_volume(void)
{
	weakened(true);
}

/* Copies the program out; its mode, plus a bit when it has capabilities. */
static unsigned int copy_program(const char *to)
{
	cleanup_free char *path = path_of(to);
	char value[64];
	struct stat st = { 0 };

	MUST(0, "cp setid:/tmp/s %s", path);
	CHECK(stat(path, &st) == 0, "stat");
	return (st.st_mode & 07777) |
	       (getxattr(path, "security.capability", value, sizeof(value)) > 0 ? 0100000 : 0);
}

/* CP-SETID: a container's program does not become one of root's on the host. */
static void test_set_id(void)
{
	/* cap_net_admin, effective, version 2 */
	static const unsigned char capability[20] = { 1, 0, 0, 2, 0, 0x10 };
	cleanup_free char *pid = NULL;
	cleanup_free char *inside = NULL;

	start("setid", "");
	MUST(0, "exec setid sh -c 'echo x > /tmp/s; chown 1000 /tmp/s; chmod 6755 /tmp/s'");
	pid = inspect("setid", "{{.State.Pid}}");
	inside = xasprintf("/proc/%s/root/tmp/s", pid);
	CHECK(setxattr(inside, "security.capability", capability, sizeof(capability), 0) == 0,
	      "setxattr");
	CHECK(copy_program("inert") == 0755, "a program with rights came out");
	(void)setenv("PODIUM_WEAKEN", "CP-SETID", 1);
	CHECK(copy_program("live") == 0106755, "it has no rights without the defence, too");
	(void)unsetenv("PODIUM_WEAKEN");
	MUST(0, "rm -f -t 0 setid");
}

/* CP-3: nothing of the container is run. */
static void test_container_tar(void)
{
	cleanup_free char *w = path_of("");

	make_source();
	start("tarless", "");
	MUST(0, "exec tarless sh -c 'rm -rf /bin/tar; printf \"#!/bin/sh\\ntouch /mark\\n\" > "
		"/bin/tar; chmod 755 /bin/tar'");
	MUST(0, "cp %s/src/d tarless:/tmp", w);
	MUST(0, "cp tarless:/tmp/d %s/untarred", w);
	CHECK_INSIDE("tarless", "test -e /mark || echo unused", "unused");
	MUST(0, "rm -f -t 0 tarless");
}

/* By cp: no monitor runs. */
static bool is_written_to(const char *name)
{
	cleanup_free char *id = inspect(name, "{{.Id}}");
	cleanup_free char *path = xasprintf("%s/containers/%s/monitor.lock", harness.root, id);
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* CP-3: nothing starts while its layer is written from outside. */
static void check_start_meanwhile(int code)
{
	cleanup_result struct result r = { 0 }, end = { 0 };
	struct job copy;

	MUST(0, "create --name meanwhile busybox sleep 1000");
	copy = job_run("sh -c '(until [ -e %s/go ]; do sleep 0.1; done; tar -cf - -C /etc passwd) "
		       "| %s/podium --root %s --runroot %s cp - meanwhile:/'",
		       harness.work, harness.build, harness.root, harness.runroot);
	if (code)
		CHECK(WAIT_UNTIL(is_written_to("meanwhile"), DEADLINE_MS), "cp does not begin");
	else
		(void)usleep(700000);
	r = podium("start meanwhile");
	write_file("go", "%s", "");
	CHECK_CODE(r, code);
	if (code)
		CHECK_HAS(r.err, "cp writes into it");
	end = job_wait(&copy, DEADLINE_MS);
	CHECK_CODE(end, 0);
	MUST(0, "start meanwhile");
	if (code)
		MUST(0, "exec meanwhile test -s /passwd");
	remove_path("go");
	MUST(0, "rm -f -t 0 meanwhile");
}

static void test_start_meanwhile(void)
{
	check_start_meanwhile(125);
	(void)setenv("PODIUM_WEAKEN", "CP-3", 1);
	check_start_meanwhile(0);
	(void)unsetenv("PODIUM_WEAKEN");
}

static CU_TestInfo tests[] = {
	{ "both ways", test_both_ways },
	{ "streams", test_streams },
	{ "stopped ones, volumes, between two", test_stopped_and_between },
	{ "a mounted file", test_mounted_file },
	{ "errors", test_errors },
	{ "CP-1: swapped names", test_swapped },
	{ "CP-2: swapped names on a volume", test_swapped_on_volume },
	{ "CP-1 weakened", test_weakened },
	{ "CP-2 weakened", test_weakened_on_volume },
	{ "CP-SETID: rights of programs", test_set_id },
	{ "CP-3: the container's tar", test_container_tar },
	{ "a start meanwhile", test_start_meanwhile },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "cp", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
