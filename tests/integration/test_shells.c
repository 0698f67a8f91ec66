/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shells - 32 shells at once run mixed commands on the same containers, pods, volumes and networks:
 * no command hangs, nothing is lost, nothing is left.
 *
 * Theory of operation: each shell is a child of the test with a random order of its own, made from a
 * seed that is printed and can be given again (PODIUM_SEED). Three kinds of things are there:
 *
 *	shared     a few names that everybody makes, changes and removes. A command on them may fail,
 *		   but only with an error of the list below: another shell was faster.
 *	own        a container, a volume and a pod of that shell alone: nothing may fail.
 *	kept       a pod, a container by itself and a volume that nobody removes: they answer all the
 *		   time, with the same processes and the same content.
 *
 * Whoever meets what may not be appends it to a file and goes on; the test shows it at the end. A
 * command that takes longer than the harness waits counts as a deadlock. PODIUM_LONG=1: a minute.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/wire.h"

#define SHELLS	       32
#define SHARED	       6 /* names of each kind */
#define SECONDS	       8
#define SECONDS_LONG   60
#define END_MS	       240000 /* for all of them, after the time */
#define PORT	       7060
#define COMPLAINTS_MAX 4096
#define CONTENT	       "what-nobody-may-lose"

struct shell {
	unsigned int number;
	unsigned int random;
	int complaints_fd; /* O_APPEND */
	unsigned int commands;
};

/* What somebody else's command may do to ours. */
static const char *const tolerated[] = {
	"no such",
	"in use",
	"being used",
	"network not found",
	"does not exist",
	"only has an infra container",
	"removed meanwhile",
	"there is no volume",
	"has ended",
	"try again",
	"has a conductor",
	"did not start",
	"or cp writes into it",
	"open the container's root",
	"open the sandbox's files",
	"spec.json': No such file",
	/* a copy into one whose writable layer is being taken away */
	"open the writable layer",
	"create: No such file",
	"create: Read-only file system",
	"is being removed",
	"being removed, or incomplete",
	"already exists",
	"has dependent containers",
	"can only",
	"is not running",
	"not running",
	"is running",
	"already connected",
	"not connected",
	"state improper",
};

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") ? 0 : 1;
}

static unsigned int pick(struct shell *s, unsigned int n)
{
	s->random = s->random * 1664525U + 1013904223U;
	return (s->random >> 8) % n;
}

/* ---- one command -------------------------------------------------------------------------- */

static void complain(struct shell *s, const struct result *r, const char *why)
{
	cleanup_free char *text =
		xasprintf("shell %u, command %u: `%s` gave %d: %s\n%.600s%.600s\n", s->number,
			  s->commands, r->line, r->code, why, r->out, r->err);

	if (fs_write_all(s->complaints_fd, text, strlen(text)) < 0)
		_exit(1);
}

static bool is_tolerated(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(tolerated); i++)
		if (strstr(text, tolerated[i]))
			return true;
	return false;
}

/* On what is shared: it works, or fails for a reason of the list; what ran in it may be killed. */
static void may(struct shell *s, struct result r)
{
	s->commands++;
	if (r.code < 0)
		complain(s, &r, "it does not end");
	else if (r.code && r.code != 128 + SIGKILL && !is_tolerated(r.err))
		complain(s, &r, "not an error of the list");
	else if (strstr(r.err, "does not answer"))
		complain(s, &r, "somebody does not answer");
	result_done(&r);
}

/* On what is not: it works. out: what is printed, NULL: anything. */
static void must(struct shell *s, const char *out, struct result r)
{
	s->commands++;
	if (r.code < 0)
		complain(s, &r, "it does not end");
	else if (r.code)
		complain(s, &r, "it must not fail");
	else if (out && !is_equal(r.out, out))
		complain(s, &r, "it printed something else");
	else if (*r.err)
		complain(s, &r, "it said something");
	result_done(&r);
}

/* ---- what the shells do ------------------------------------------------------------------- */

static void containers(struct shell *s)
{
	unsigned int a = pick(s, SHARED), b = pick(s, SHARED);

	switch (pick(s, 10)) {
	case 0:
	case 1:
		may(s, podium("run -d --name s%u payload sleep 0", a));
		break;
	case 2:
		may(s, podium("run -d --name s%u -v v%u:/data --network n%u payload sleep 0", a, b,
			      pick(s, 2)));
		break;
	case 3:
		may(s, podium("stop -t 1 s%u", a));
		break;
	case 4:
		may(s, podium("start s%u", a));
		break;
	case 5:
		may(s, podium("rm -f -t 0 s%u", a));
		break;
	case 6:
		may(s, podium("rename s%u s%u", a, b));
		break;
	case 7:
		may(s, podium("cp %s/mark s%u:/mark%u", harness.work, a, s->number));
		break;
	case 8:
		may(s, podium("exec s%u /payload true", a));
		break;
	default:
		may(s, podium("restart -t 0 s%u", a));
	}
}

static void pods(struct shell *s)
{
	unsigned int a = pick(s, SHARED);

	switch (pick(s, 7)) {
	case 0:
		may(s, podium("pod create --name p%u", a));
		break;
	case 1:
		may(s, podium("run -d --pod p%u payload sleep 0", a));
		break;
	case 2:
		may(s, podium("pod start p%u", a));
		break;
	case 3:
		may(s, podium("pod stop -t 1 p%u", a));
		break;
	case 4:
		may(s, podium("run --rm --pod p%u payload true", a));
		break;
	case 5:
		may(s, podium("generate kube p%u", a));
		break;
	default:
		may(s, podium("pod rm -f -t 0 p%u", a));
	}
}

static void volumes_and_networks(struct shell *s)
{
	unsigned int a = pick(s, SHARED), n = pick(s, 2);

	switch (pick(s, 6)) {
	case 0:
		may(s, podium("volume create v%u", a));
		break;
	case 1:
		may(s, podium("volume rm v%u", a));
		break;
	case 2:
		may(s, podium("network create n%u", n));
		break;
	case 3:
		may(s, podium("network rm n%u", n));
		break;
	case 4:
		may(s, podium("network connect n%u s%u", n, a));
		break;
	default:
		may(s, podium("network disconnect n%u s%u", n, a));
	}
}

static void looks(struct shell *s)
{
	unsigned int a = pick(s, SHARED);

	switch (pick(s, 8)) {
	case 0:
		must(s, NULL, podium("ps -a"));
		break;
	case 1:
		must(s, NULL, podium("pod ps"));
		break;
	case 2:
		may(s, podium("inspect s%u", a));
		break;
	case 3:
		may(s, podium("logs s%u", a));
		break;
	case 4:
		must(s, NULL, podium("stats --no-stream"));
		break;
	case 5:
		must(s, NULL, podium("events --stream=false --since 2s"));
		break;
	case 6:
		must(s, NULL, podium("volume ls"));
		break;
	default:
		must(s, NULL, podium("network ls"));
	}
}

static void kept(struct shell *s)
{
	switch (pick(s, 4)) {
	case 0:
		must(s, CONTENT "\n", podium("exec keep /payload cat /data/mark"));
		break;
	case 1:
		must(s, CONTENT "\n", podium("run --rm -v kept:/data:ro payload cat /data/mark"));
		break;
	case 2:
		must(s, "running\n", podium("inspect --format '{{.State.Status}}' in-pod"));
		break;
	default:
		must(s, NULL, podium("cp keep:/data/mark %s/copy-%u", harness.work, s->number));
	}
}

/* From its making to its end, with nobody else near it. */
static void own(struct shell *s)
{
	cleanup_free char *name = xasprintf("own%u", s->number);
	cleanup_free char *line = xasprintf("%s\n", name);

	must(s, line, podium("volume create %s", name));
	must(s, NULL, podium("run -d --name %s -v %s:/data payload sleep 0", name, name));
	must(s, "", podium("exec %s /payload write /data/x y", name));
	must(s, line, podium("stop -t 5 %s", name));
	must(s, line, podium("start %s", name));
	must(s, "y", podium("exec %s /payload cat /data/x", name));
	must(s, "", podium("rename %s %s-b", name, name));
	must(s, NULL, podium("rm -f -t 0 %s-b", name));
	must(s, line, podium("volume rm %s", name));
	must(s, NULL, podium("pod create --name %s", name));
	must(s, "1 line\n2 line\n", podium("run --rm --pod %s payload lines 2", name));
	must(s, NULL, podium("pod rm -f -t 0 %s", name));
}

static void __attribute__((noreturn)) shell_run(struct shell *s, int64_t end)
{
	while (clock_mono_ms() < end) {
		unsigned int what = pick(s, 20);

		if (what < 7)
			containers(s);
		else if (what < 11)
			pods(s);
		else if (what < 14)
			volumes_and_networks(s);
		else if (what < 17)
			looks(s);
		else if (what < 19)
			kept(s);
		else
			own(s);
	}
	{
		cleanup_free char *text = xasprintf("%u\n", s->commands);
		cleanup_free char *path = xasprintf("commands-%u", s->number);

		write_file(path, "%s", text);
	}
	_exit(0);
}

/* ---- the test ----------------------------------------------------------------------------- */

static bool is_long(void)
{
	const char *s = getenv("PODIUM_LONG");

	return s && *s;
}

static unsigned int seed(void)
{
	const char *s = getenv("PODIUM_SEED");
	uint64_t n;

	return s && parse_u64(s, UINT32_MAX, &n) == 0 ? (unsigned int)n
						      : (unsigned int)clock_mono_ms();
}

static pid_t start_shell(unsigned int number, unsigned int first, int64_t end, int complaints_fd)
{
	struct shell s = { .number = number,
			   .random = first * 2654435761U + number * 40503U,
			   .complaints_fd = complaints_fd };
	pid_t pid = fork();

	if (pid == 0)
		shell_run(&s, end);
	return pid;
}

/* Waits for all of them; whatever else has ended is reaped, as init would do it. */
static size_t wait_shells(const pid_t *pids, int64_t end)
{
	size_t left = SHELLS;

	while (left && clock_mono_ms() < end) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid <= 0)
			(void)usleep(20000);
		for (size_t i = 0; pid > 0 && i < SHELLS; i++)
			left -= pids[i] == pid;
	}
	for (size_t i = 0; left && i < SHELLS; i++)
		(void)kill(pids[i], SIGKILL);
	return left;
}

static uint64_t count_commands(void)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < SHELLS; i++) {
		cleanup_free char *path = xasprintf("commands-%u", i);
		cleanup_free char *text = read_file(path);
		uint64_t n = 0;

		if (text)
			text[strcspn(text, "\n")] = '\0';
		CHECK(text && parse_u64(text, UINT32_MAX, &n) == 0, "shell %u did not end", i);
		total += n;
	}
	return total;
}

static void make_kept(void)
{
	MUST(0, "volume create kept");
	MUST(0, "run -d --name keep -v kept:/data -p 127.0.0.1:%d:7000 payload tcp-echo 7000",
	     PORT);
	MUST(0, "exec keep /payload write /data/mark " CONTENT "\n");
	MUST(0, "pod create --name kept-pod -p 127.0.0.1:%d:7000", PORT + 1);
	MUST(0, "run -d --pod kept-pod --name in-pod payload tcp-echo 7000");
	write_file("mark", "%s\n", CONTENT);
}

static void check_kept(pid_t keep, pid_t in_pod)
{
	for (int i = 0; i < 2; i++) {
		cleanup_free char *answer =
			wire_ask_wait(WIRE_TCP, "127.0.0.1", (uint16_t)(PORT + i), "x");

		CHECK(answer != NULL, "nobody answers at %d", PORT + i);
	}
	CHECK(container_pid("keep") == keep && container_pid("in-pod") == in_pod,
	      "what nobody has touched was started again");
	{
		cleanup_result struct result r = podium("exec keep /payload cat /data/mark");

		CHECK_EQUAL(r.out, CONTENT "\n");
	}
}

/* Everything of the shared names; one by one, as other tests' things would not be asked for. */
static void remove_shared(void)
{
	for (unsigned int i = 0; i < SHARED; i++) {
		MUST(0, "pod rm -f -i -t 0 p%u", i);
		MUST(0, "rm -f -i -t 0 s%u", i);
	}
	for (unsigned int i = 0; i < SHARED; i++)
		DISCARD(podium("volume rm v%u", i));
	for (unsigned int i = 0; i < 2; i++)
		DISCARD(podium("network rm n%u", i));
}

static void check_only_kept(void)
{
	cleanup_result struct result ps = podium("ps -a --format {{.Names}} --filter name=^s");
	cleanup_result struct result all = podium("pod ps --format {{.Name}}");
	cleanup_result struct result volumes = podium("volume ls -q");
	cleanup_result struct result networks = podium("network ls -q");

	CHECK_EQUAL(ps.out, "");
	CHECK_EQUAL(all.out, "kept-pod\n");
	CHECK_EQUAL(volumes.out, "kept\n");
	CHECK_EQUAL(networks.out, "podium\n");
}

static void check_complaints(const char *path)
{
	cleanup_free char *text = read_file(path);

	CHECK(text && !*text, "%.*s", COMPLAINTS_MAX, text ? text : "no list of complaints");
}

static void test_shells(void)
{
	cleanup_free char *path = xasprintf("%s/complaints", harness.work);
	cleanup_close int complaints_fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	cleanup_snapshot struct snapshot before;
	unsigned int first = seed();
	pid_t pids[SHELLS], keep, in_pod;
	int64_t end;

	MUST(0, "volume create first"); /* the folder of volumes stays */
	MUST(0, "volume rm first");
	snapshot_take(&before);
	make_kept();
	keep = container_pid("keep");
	in_pod = container_pid("in-pod");
	end = clock_mono_ms() + (is_long() ? SECONDS_LONG : SECONDS) * 1000;
	for (unsigned int i = 0; i < SHELLS; i++)
		pids[i] = start_shell(i, first, end, complaints_fd);
	CHECK(wait_shells(pids, end + END_MS) == 0, "there are shells that do not end");
	printf("(seed %u, %llu commands) ", first, (unsigned long long)count_commands());
	check_complaints(path);
	check_kept(keep, in_pod);
	remove_shared();
	check_kept(keep, in_pod);
	check_only_kept();
	MUST(0, "pod rm -f -t 0 kept-pod");
	MUST(0, "rm -f -t 0 keep");
	MUST(0, "volume rm kept");
	CHECK_NOTHING_LEFT(&before, "32 shells");
}

/* The lock of the only pod; the caller closes it. */
static int take_pod_lock(void)
{
	cleanup_result struct result r = run("ls %s/pods", harness.root);
	cleanup_free char *path = NULL;
	int fd;

	r.out[strcspn(r.out, "\n")] = '\0';
	path = xasprintf("%s/pods/%s/pod.lock", harness.root, r.out);
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0, "no lock at %s", path);
	return fd;
}

/* Of all who rename one container each takes the name that it has then. */
static void test_renames(void)
{
	cleanup_snapshot struct snapshot before;
	struct job jobs[4];
	int lock;

	snapshot_take(&before);
	MUST(0, "create --name rn payload sleep 0");
	lock = take_pod_lock();
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		jobs[i] = job_podium("rename rn rn%zu", i);
	(void)usleep(500000); /* all have seen it, and wait */
	(void)close(lock);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		cleanup_result struct result r = job_wait(&jobs[i], DEADLINE_MS);

		CHECK(r.code == 0 || strstr(r.err, "no such container"), "'%s' gave %d: %s", r.line,
		      r.code, r.err);
	}
	MUST(0, "rm -f -a -t 0");
	CHECK_NOTHING_LEFT(&before, "four renames at once");
}

static CU_TestInfo tests[] = {
	{ "renames at once", test_renames },
	{ "32 shells at once", test_shells },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "shells", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
