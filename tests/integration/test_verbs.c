/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs - what the verbs of life say and how they end, word for word as Podman 4.3.1 does; several
 * containers at once, several commands on one container, lost and deaf monitors.
 *
 * The expectations were taken from the real podman on containers of the same names. "@x@" stands for
 * the whole id of x. Where Podman ends with an error that helps nobody (kill and stop of a paused
 * container) this one does what was asked.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define NO_CONTAINER "Error: no container with name or ID \"nosuch\" found: no such container\n"
#define NO_POD	     "Error: no pod with name or ID nosuch found: no such pod\n"
#define NO_NAME	     "Error: you must provide at least one name or id\n"
#define LATEST_NAME  "Error: --latest and containers cannot be used together\n"
#define ALL_NAME     "Error: no arguments are needed with --all\n"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") ? 0 : 1;
}

static int end(void)
{
	DISCARD(podium("rm -f -a -t 0"));
	return harness_end();
}

static void start_sleeper(const char *name)
{
	MUST(0, "run -d --name %s payload sleep 0", name);
}

static void remove_all(void)
{
	MUST(0, "rm -f -a -t 0");
}

/* With each "@name@" replaced by the id of that container or pod. The caller's. */
static char *with_ids(const char *text)
{
	char *result = xstrdup(text);
	char *at;

	while ((at = strchr(result, '@'))) {
		size_t len = strcspn(at + 1, "@");
		cleanup_free char *name = xstrndup(at + 1, len);
		cleanup_free char *token = xasprintf("@%s@", name);
		cleanup_free char *id = inspect(name, "{{.Id}}");
		char *next = replaced(result, token, id);

		free(result);
		result = next;
	}
	return result;
}

static void expect_at(const char *words, int code, const char *out, const char *err, int line)
{
	cleanup_free char *want_out = with_ids(out);
	cleanup_free char *want_err = with_ids(err);
	cleanup_result struct result r = podium("%s", words);

	check_at(r.code == code, line, __FILE__, "'%s' ended with %d instead of %d: %s", words,
		 r.code, code, r.err);
	check_at(is_equal(r.out, want_out), line, __FILE__, "'%s' printed '%s' instead of '%s'",
		 words, r.out, want_out);
	check_at(is_equal(r.err, want_err), line, __FILE__, "'%s' said '%s' instead of '%s'", words,
		 r.err, want_err);
}
#define EXPECT(words, code, out, err) expect_at((words), (code), (out), (err), __LINE__)

static bool is_state(const char *name, const char *state)
{
	return is_inspected(name, "{{.State.Status}}", state);
}

/* ---- which ones --------------------------------------------------------------------------- */

static void test_which(void)
{
	static const char *const verbs[] = { "stop", "restart", "kill", "rm", "pause", "unpause" };
	static const char *const pod_verbs[] = { "start", "stop",  "restart", "kill",
						 "rm",	  "pause", "unpause" };

	start_sleeper("vx");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		cleanup_free char *none = xasprintf("%s", verbs[i]);
		cleanup_free char *unknown = xasprintf("%s vx nosuch", verbs[i]);
		cleanup_free char *all = xasprintf("%s -a vx", verbs[i]);
		cleanup_free char *latest = xasprintf("%s -l vx", verbs[i]);

		EXPECT(none, 125, "", NO_NAME);
		EXPECT(unknown, is_equal(verbs[i], "rm") ? 1 : 125, "", NO_CONTAINER);
		EXPECT(all, 125, "", ALL_NAME);
		EXPECT(latest, 125, "", LATEST_NAME);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pod_verbs); i++) {
		cleanup_free char *none = xasprintf("pod %s", pod_verbs[i]);
		cleanup_free char *unknown = xasprintf("pod %s nosuch", pod_verbs[i]);

		EXPECT(none, 125, "", NO_NAME);
		EXPECT(unknown, is_equal(pod_verbs[i], "rm") ? 1 : 125, "", NO_POD);
	}
	CHECK(is_state("vx", "running"), "a wrong name changed something");
	remove_all();
}

static void test_files_and_filters(void)
{
	cleanup_free char *id = NULL;

	start_sleeper("vx");
	start_sleeper("vy");
	id = inspect("vx", "{{.Id}}");
	write_file("cid", "%s\n", id);
	write_file("cid-none", "nosuch\n");
	EXPECT("stop --cidfile /nosuch", 125, "",
	       "Error: reading CIDFile: open /nosuch: no such file or directory\n");
	EXPECT("pod rm --pod-id-file /nosuch", 125, "",
	       "Error: reading pod ID file: open /nosuch: no such file or directory\n");
	{
		cleanup_free char *words = xasprintf("stop --cidfile %s/cid-none", harness.work);

		EXPECT(words, 125, "", NO_CONTAINER);
	}
	MUST(0, "stop -t 0 --cidfile %s/cid", harness.work);
	CHECK(is_state("vx", "exited") && is_state("vy", "running"), "--cidfile stops another");
	EXPECT("start -f status=exited", 0, "@vx@\n", "");
	EXPECT("kill -l", 0, "@vy@\n", "");
	EXPECT("restart -t 0 --running", 0, "@vx@\n", "");
	MUST(125, "stop -f bogus=a");
	EXPECT("stop -t 0 -f name=vx", 0, "@vx@\n", "");
	EXPECT("rm --filter name=vx", 0, "@vx@\n", "");
	remove_all();
}

/* ---- one verb after the other --------------------------------------------------------------- */

static void test_stop_start(void)
{
	start_sleeper("vx");
	start_sleeper("vy");
	EXPECT("stop vx", 0, "vx\n", "");
	EXPECT("stop vx", 0, "vx\n", "");
	EXPECT("stop -i nosuch", 0, "", "");
	EXPECT("stop -t 1 vx vy", 0, "vx\nvy\n", "");
	EXPECT("start", 125, "", "Error: start requires at least one argument\n");
	EXPECT("start nosuch", 125, "", NO_CONTAINER);
	EXPECT("start vx nosuch", 125, "", NO_CONTAINER);
	CHECK(is_state("vx", "exited"), "a wrong name started something");
	EXPECT("start vx vy", 0, "vx\nvy\n", "");
	EXPECT("start vx", 0, "vx\n", "");
	EXPECT("start --all vx", 125, "",
	       "Error: either start all containers or the container(s) provided in the "
	       "arguments\n");
	EXPECT("start -a vx vy", 125, "",
	       "Error: you cannot start and attach multiple containers at once\n");
	EXPECT("start --sig-proxy vx", 125, "",
	       "Error: you cannot use sig-proxy without --attach: invalid argument\n");
	EXPECT("start --all", 0, "", "");
	EXPECT("stop -t 0 vx", 0, "vx\n", "");
	EXPECT("start --all", 0, "@vx@\n", "");
	EXPECT("restart -t 0 vx", 0, "vx\n", "");
	EXPECT("restart -t 0 --running vx", 0, "vx\n", "");
	CHECK(WAIT_UNTIL(is_catching("vx", SIGTERM), DEADLINE_MS), "vx does not listen");
	EXPECT("stop -t -1 vx", 0, "vx\n", "");
	EXPECT("restart --running vx", 0, "", "");
	EXPECT("restart vx", 0, "vx\n", "");
	CHECK(is_state("vx", "running"), "restart does not start what has ended");
	remove_all();
}

/* The exit code of the container, its output, and nothing else. */
static void test_start_attached(void)
{
	MUST(0, "create --name vx payload exit 7");
	EXPECT("start -a vx", 7, "", "");
	EXPECT("start --attach vx", 7, "", "");
	remove_all();
}

static void test_kill(void)
{
	start_sleeper("vx");
	MUST(0, "run -d --name vd payload sigdump");
	CHECK(WAIT_UNTIL(logs_have("vd", "ready"), DEADLINE_MS), "sigdump does not begin");
	EXPECT("kill -s BOGUS vx", 125, "", "Error: invalid signal: BOGUS\n");
	EXPECT("kill -s 99 vx", 125, "", "Error: valid signals are 1 through 64\n");
	EXPECT("kill -s 0 vx", 125, "", "Error: invalid signal: 0\n");
	EXPECT("kill -s sigwinch vd", 0, "vd\n", "");
	EXPECT("kill -s USR1 vd", 0, "vd\n", "");
	EXPECT("kill --signal 12 vd", 0, "vd\n", "");
	EXPECT("kill -s RTMIN+1 vd", 0, "vd\n", "");
	CHECK(WAIT_UNTIL(logs_have("vd", "WINCH\nUSR1\nUSR2\n"), DEADLINE_MS), "signals were lost");
	EXPECT("kill vx", 0, "vx\n", "");
	CHECK(is_state("vx", "exited"), "kill does not wait for the end");
	EXPECT("kill vx", 125, "",
	       "Error: can only kill running containers. @vx@ is in state exited: container "
	       "state improper\n");
	EXPECT("kill -a", 0, "@vd@\n", "");
	EXPECT("kill -a", 0, "", "");
	remove_all();
}

static void test_rm(void)
{
	start_sleeper("vx");
	EXPECT("rm vx", 2, "",
	       "Error: cannot remove container @vx@ as it is running - running or paused "
	       "containers cannot be removed without force: container state improper\n");
	EXPECT("rm -a", 2, "",
	       "Error: cannot remove container @vx@ as it is running - running or paused "
	       "containers cannot be removed without force: container state improper\n");
	EXPECT("rm -f nosuch", 0, "", "");
	EXPECT("rm -i nosuch", 0, "", "");
	EXPECT("rm -f vx", 0, "vx\n", "");
	EXPECT("rm vx", 1, "",
	       "Error: no container with name or ID \"vx\" found: no such container\n");
	start_sleeper("vx");
	start_sleeper("vy");
	MUST(0, "stop -t 0 vx");
	EXPECT("rm vx vy", 2, "vx\n",
	       "Error: cannot remove container @vy@ as it is running - running or paused "
	       "containers cannot be removed without force: container state improper\n");
	EXPECT("rm -f -l", 0, "@vy@\n", "");
	EXPECT("rm -a -f", 0, "", "");
	MUST(0, "create --name vx payload sleep 0");
	MUST(0, "create --requires vx --name vy payload sleep 0");
	EXPECT("rm -f vx", 125, "",
	       "Error: container @vx@ has dependent containers which must be removed before it: "
	       "@vy@: container already exists\n");
	EXPECT("start vy", 0, "vy\n", "");
	CHECK(is_state("vx", "running"), "what it requires was not started");
	MUST(0, "rm -f --depend vx");
	MUST(1, "container exists vy");
}

static void test_pod_rm(void)
{
	MUST(0, "pod create --name vp");
	MUST(0, "run --name vx --pod vp payload exit 0");
	MUST(0, "run -d --name vy --pod vp payload sleep 1000");
	MUST(125, "pod rm vp");
	CHECK(is_state("vy", "running"), "a refused removal has stopped something");
	MUST(0, "stop -t 0 vy");
	MUST(0, "pod rm vp"); /* only its infra container runs */
	MUST(1, "pod exists vp");
	MUST(1, "container exists vx");
}

/* Its state is lost: it goes all the same. */
static void test_rm_without_record(void)
{
	cleanup_result struct result r = { 0 };
	cleanup_free char *from = NULL, *id = NULL;

	MUST(0, "create --name vx payload exit 0");
	r = podium("inspect -f {{.Id}} vx");
	id = xasprintf("%.64s", r.out);
	from = xasprintf("%s/containers/%s/state.json", harness.root, id);
	CHECK(unlink(from) == 0, "the record is not where it was looked for");
	MUST(0, "rm %s", id);
	MUST(1, "container exists vx");
}

static void test_wait(void)
{
	start_sleeper("vx");
	MUST(0, "run -d --name v3 payload exit 3");
	EXPECT("wait nosuch", 125, "", NO_CONTAINER);
	EXPECT("wait --ignore nosuch", 0, "", "");
	EXPECT("wait", 125, "",
	       "Error: \"podium wait\" requires a name, id, or the \"--latest\" flag\n");
	EXPECT("wait --condition bogus vx", 125, "",
	       "Error: unknown container state: bogus: invalid argument\n");
	EXPECT("wait -i bogus vx", 125, "", "Error: time: invalid duration \"bogus\"\n");
	EXPECT("wait v3", 0, "3\n", "");
	EXPECT("wait -l", 0, "3\n", "");
	EXPECT("wait --condition running vx", 0, "-1\n", "");
	{
		struct job j = job_podium("wait vx v3");
		int64_t began;

		(void)usleep(100000);
		CHECK(job_is_running(&j), "wait does not wait");
		began = clock_mono_ms();
		MUST(0, "kill vx");
		cleanup_result struct result r = job_wait(&j, DEADLINE_MS);

		CHECK_CODE(r, 0);
		CHECK_EQUAL(r.out, "137\n3\n");
		CHECK(clock_mono_ms() - began < 5000, "the end was heard late");
	}
	EXPECT("wait --condition stopped --condition exited vx", 0, "137\n", "");
	{
		struct job j = job_podium("wait -i 10 --condition running vx");

		(void)usleep(100000);
		MUST(0, "start vx");
		cleanup_result struct result r = job_wait(&j, DEADLINE_MS);

		CHECK_EQUAL(r.out, "-1\n");
	}
	remove_all();
}

static void test_rename(void)
{
	cleanup_free char *id = NULL;

	start_sleeper("vx");
	start_sleeper("vy");
	id = inspect("vx", "{{.Id}}");
	EXPECT("rename vx", 125, "", "Error: accepts 2 arg(s), received 1\n");
	EXPECT("rename nosuch q", 125, "", NO_CONTAINER);
	EXPECT("rename vx vy", 125, "",
	       "Error: renaming container @vx@: name vy already in use, cannot rename container "
	       "@vx@: container already exists\n");
	EXPECT("rename vx 'y/d'", 125, "",
	       "Error: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument\n");
	EXPECT("rename vx vx", 0, "", "");
	EXPECT("rename vx vz", 0, "", "");
	CHECK(is_inspected("vz", "{{.Id}}", id), "it is not found by its new name");
	MUST(1, "container exists vx");
	EXPECT("stop -t 0 vz", 0, "vz\n", "");
	EXPECT("container rename vz vx", 0, "", "");
	EXPECT("start vx", 0, "vx\n", "");
	start_sleeper("vz"); /* its name is free */
	remove_all();
}

static void test_leftovers(void)
{
	start_sleeper("vx");
	start_sleeper("vy");
	MUST(0, "kill vy");
	EXPECT("container exists vx", 0, "", "");
	EXPECT("container exists --external vx", 0, "", "");
	EXPECT("container exists nosuch", 1, "", "");
	EXPECT("container cleanup vx", 125, "",
	       "Error: failed to clean up container @vx@: container @vx@ is running or paused, "
	       "refusing to clean up: container state improper\n");
	EXPECT("container cleanup vy", 0, "vy\n", "");
	MUST(125, "container prune -f --filter bogus=1");
	EXPECT("container prune -f --filter until=1h", 0, "", "");
	MUST(125, "container prune"); /* nobody answers */
	EXPECT("container prune -f", 0, "@vy@\n", "");
	EXPECT("container prune -f", 0, "", "");
	MUST(0, "kill vx");
	EXPECT("container cleanup --rm vx", 0, "vx\n", "");
	MUST(1, "container exists vx");
}

/* ---- pods ----------------------------------------------------------------------------------- */

static void test_pods(void)
{
	DISCARD(play_pod("vp", "", "", "    args: [sleep, \"0\"]\n"));
	DISCARD(play_pod("vq", "", "", "    args: [sigdump]\n"));
	EXPECT("pod stop -i nosuch", 0, "", "");
	EXPECT("pod stop -t 0 vp nosuch", 125, "", NO_POD);
	CHECK(is_state("vp-c", "running"), "a wrong name changed something");
	EXPECT("pod stop -t 0 vp", 0, "@vp@\n", "");
	EXPECT("pod stop -t 0 vp", 0, "@vp@\n", "");
	EXPECT("pod start vp", 0, "@vp@\n", "");
	EXPECT("pod start vp", 0, "@vp@\n", "");
	EXPECT("pod restart vp", 0, "@vp@\n", "");
	CHECK(is_state("vp-c", "running"), "pod restart does not start");
	EXPECT("pod kill -s BOGUS vp", 125, "", "Error: invalid signal: BOGUS\n");
	EXPECT("pod kill -s USR1 vq", 0, "@vq@\n", "");
	CHECK(WAIT_UNTIL(logs_have("vq-c", "USR1"), DEADLINE_MS), "the signal was lost");
	EXPECT("pod kill vp", 0, "@vp@\n", "");
	CHECK(is_state("vp-c", "exited"), "its policy has started it again");
	EXPECT("pod kill vp", 0, "@vp@\n", "");
	MUST(125, "pod rm vq");
	EXPECT("pod rm -f nosuch", 0, "", "");
	EXPECT("pod prune -f", 0, "@vp@\n", "");
	EXPECT("pod exists vp", 1, "", "");
	EXPECT("pod exists vq", 0, "", "");
	EXPECT("pod rm -f -l", 0, "@vq@\n", "");
}

/* What a user has ended is not started again by its policy, until it is started. */
static void test_policy(void)
{
	DISCARD(play_pod("vp", "", "", "    args: [sleep, \"0\"]\n"));
	MUST(0, "kill vp-c");
	(void)usleep(300000);
	CHECK(is_state("vp-c", "exited"), "killed by hand, it was started again");
	MUST(0, "start vp-c");
	CHECK(WAIT_UNTIL(is_catching("vp-c", SIGTERM), DEADLINE_MS), "vp-c does not listen");
	MUST(0, "kill -s TERM vp-c");
	CHECK(WAIT_UNTIL(is_state("vp-c", "exited"), DEADLINE_MS), "TERM does not end it");
	(void)usleep(300000);
	CHECK(is_state("vp-c", "exited"), "ended by hand, it was started again");
	MUST(0, "start vp-c");
	(void)kill(container_pid("vp-c"), SIGKILL);
	CHECK(WAIT_UNTIL(is_inspected("vp-c", "{{.RestartCount}} {{.State.Status}}", "1 running"),
			 DEADLINE_MS),
	      "its policy is gone");
	remove_pod("vp");
}

/* ---- at once -------------------------------------------------------------------------------- */

#define MANY 12

static void test_many(void)
{
	cleanup_free char *names = xstrdup("");
	int64_t began, lasted;

	for (int i = 0; i < MANY; i++) {
		char *more = xasprintf("%s vm%d", names, i);

		MUST(0, "run -d --name vm%d payload ignore-term", i);
		free(names);
		names = more;
	}
	began = clock_mono_ms();
	{
		cleanup_result struct result r = podium("stop -t 1%s", names);

		lasted = clock_mono_ms() - began;
		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, "vm0\nvm1\nvm2\n"); /* in their order */
	}
	CHECK(lasted < MANY * 1000 / 2, "%d containers of 1 s took %lld ms", MANY,
	      (long long)lasted);
	MUST(0, "start%s", names);
	MUST(0, "rm -f%s", names);
}

/* Eight commands at a time on one container: each ends, none hangs, and nothing is left. */
static void race(const char *const *words, size_t n)
{
	struct job jobs[8];

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		jobs[i] = job_podium("%s vr", words[i % n]);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		cleanup_result struct result r = job_wait(&jobs[i], DEADLINE_MS);

		CHECK(r.code == 0 || r.code == 1 || r.code == 2 || r.code == 125,
		      "'%s' ended with %d: %s", r.line, r.code, r.err);
		CHECK_LACKS(r.err, "does not answer");
	}
}

static void test_races(void)
{
	static const char *const ends[] = { "stop -t 1", "kill", "rm -f" };
	static const char *const stops[] = { "stop -t 5" };
	static const char *const removals[] = { "rm -f" };
	static const char *const lives[] = { "restart -t 0", "stop -t 0", "start", "kill" };
	struct snapshot before;

	start_sleeper("vr");
	MUST(0, "rm -f vr");
	snapshot_take(&before);
	for (int i = 0; i < 4; i++) {
		start_sleeper("vr");
		race(ends, ARRAY_SIZE(ends));
		DISCARD(podium("rm -f vr"));
		MUST(1, "container exists vr");
	}
	start_sleeper("vr");
	race(stops, ARRAY_SIZE(stops));
	CHECK(is_state("vr", "exited"), "eight stops did not stop it");
	for (int i = 0; i < 3; i++)
		race(lives, ARRAY_SIZE(lives));
	EXPECT("start vr", 0, "vr\n", "");
	race(removals, ARRAY_SIZE(removals));
	MUST(1, "container exists vr");
	CHECK_NOTHING_LEFT(&before, "the races");
	snapshot_done(&before);
}

/* Who starts members of one pod at the same time begins several conductors, of which one stays. And the
 * end of an infra container is that of its pod. */
static void test_starts_at_once(void)
{
	static const char yaml[] = "apiVersion: v1\n"
				   "kind: Pod\n"
				   "metadata: {name: vp}\n"
				   "spec:\n"
				   "  containers:\n"
				   "  - {name: c, image: payload, args: [sleep, \"0\"]}\n"
				   "  - {name: d, image: payload, args: [sleep, \"0\"]}\n";
	struct job jobs[4];

	DISCARD(play_text("vp", "", yaml));
	MUST(0, "stop -a");
	EXPECT("start vp-c vp-d", 0, "vp-c\nvp-d\n", "");
	MUST(0, "pod stop vp");
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		jobs[i] = job_podium("pod start vp");
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		cleanup_result struct result r = job_wait(&jobs[i], DEADLINE_MS);

		CHECK_CODE(r, 0);
		CHECK_EQUAL(r.err, "");
	}
	CHECK(is_state("vp-c", "running") && is_state("vp-d", "running"), "not all were started");
	MUST(0, "kill -a");
	(void)usleep(300000);
	CHECK(is_state("vp-c", "exited") && is_state("vp-d", "exited"), "it was built anew");
	remove_pod("vp");
}

/* ---- monitors that are lost or deaf --------------------------------------------------------- */

/* A zombie is not: it waits for its parent only. */
static bool is_alive(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/stat", (int)pid);
	cleanup_free char *text = pid > 0 ? read_file(path) : NULL;
	const char *end = text ? strrchr(text, ')') : NULL;

	return end && end[1] && end[2] != 'Z' && end[2] != 'X';
}

static void lose_monitor(const char *name)
{
	pid_t pid = monitor_of(name);

	CHECK(pid > 1 && kill(pid, SIGKILL) == 0, "no monitor of %s", name);
	CHECK(WAIT_UNTIL(!is_alive(pid), DEADLINE_MS), "the monitor lives");
}

/* Fault row 2: stop and kill work by pidfd, and nobody claims to know the exit code. */
static void test_lost(void)
{
	pid_t pid;

	start_sleeper("vx");
	pid = container_pid("vx");
	lose_monitor("vx");
	CHECK(is_alive(pid), "it died with its monitor");
	EXPECT("kill -s WINCH vx", 0, "vx\n", "");
	EXPECT("stop vx", 0, "vx\n", "");
	CHECK(WAIT_UNTIL(!is_alive(pid), DEADLINE_MS), "it was not stopped");
	EXPECT("wait vx", 0, "-1\n", "");
	EXPECT("rm vx", 0, "vx\n", "");
	start_sleeper("vx");
	pid = container_pid("vx");
	lose_monitor("vx");
	EXPECT("kill vx", 0, "vx\n", "");
	CHECK(WAIT_UNTIL(!is_alive(pid), DEADLINE_MS), "it was not killed");
	EXPECT("rm -f vx", 0, "vx\n", "");
}

/* Fault row 4: who asks a stopped monitor is told so in time, and it goes on afterwards. */
static void test_deaf(void)
{
	pid_t monitor;

	start_sleeper("vx");
	monitor = monitor_of("vx");
	CHECK(monitor > 1 && kill(monitor, SIGSTOP) == 0, "no monitor");
	{
		cleanup_result struct result r = podium("kill -s WINCH vx");

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "does not answer");
	}
	(void)kill(monitor, SIGCONT);
	EXPECT("kill -s WINCH vx", 0, "vx\n", "");
	remove_all();
}

/* Fault row 15: a lock that somebody sits on is named as such, in time, and changes nothing; what
 * stands in the file means nothing. */
static void test_locks(void)
{
	cleanup_free char *pod = NULL, *path = NULL;
	cleanup_close int fd = -EBADF;

	start_sleeper("vx");
	pod = inspect("vx", "{{.Pod}}");
	path = is_empty(pod) ? NULL : xasprintf("%s/pods/%s/pod.lock", harness.root, pod);
	if (!path) { /* the pod of one that stands by itself is no pod to its user */
		cleanup_result struct result r = run("ls %s/pods", harness.root);

		r.out[strcspn(r.out, "\n")] = '\0';
		path = xasprintf("%s/pods/%s/pod.lock", harness.root, r.out);
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0 && write(fd, "4242\n", 5) == 5, "no lock at %s", path);
	EXPECT("rename vx vz", 0, "", "");
	CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0, "somebody holds the lock");
	MUST(125, "update --pids-limit 99 vz");
	CHECK(flock(fd, LOCK_UN) == 0, "unlock");
	MUST(0, "update --pids-limit 99 vz");
	CHECK(is_inspected("vz", "{{.HostConfig.PidsLimit}}", "99"), "the limit is not kept");
	remove_all();
}

static CU_TestInfo tests[] = {
	{ "which ones", test_which },
	{ "id files and filters", test_files_and_filters },
	{ "stop, start, restart", test_stop_start },
	{ "start --attach", test_start_attached },
	{ "kill", test_kill },
	{ "rm", test_rm },
	{ "rm without the record", test_rm_without_record },
	{ "pod rm takes a pod of which no member runs", test_pod_rm },
	{ "wait", test_wait },
	{ "rename", test_rename },
	{ "prune, cleanup, exists", test_leftovers },
	{ "pods", test_pods },
	{ "what a user has ended stays so", test_policy },
	{ "many at once", test_many },
	{ "races on one container", test_races },
	{ "starts at once", test_starts_at_once },
	{ "lost monitors", test_lost },
	{ "a monitor that does not answer", test_deaf },
	{ "locks", test_locks },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "verbs", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
