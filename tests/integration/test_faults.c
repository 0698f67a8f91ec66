/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults - what containers, volumes, networks and secrets made by hand do when something is wrong
 * (security.md section 4): no descriptors (8), damaged records (10), clocks that jumped (14), lock files
 * that are gone (15), a reboot (13, 16), containers that do not behave (24), long paths (30), signals to
 * the command at any moment (31). Rows 2 to 4 are in test_solo and test_verbs, 26 in test_session.
 *
 * Each test ends with the same oracle: everything else still works, and nothing is left.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define YEAR_NS 31557600000000000LL

static int begin(void)
{
	if (harness_begin() != 0 || !load_image("payload") || !load_image("busybox"))
		return 1;
	MUST(0, "volume create first"); /* folders that stay */
	MUST(0, "volume rm first");
	MUST(0, "secret create first /etc/hostname");
	MUST(0, "secret rm first");
	MUST(0, "volume create sgv");
	MUST(0, "volume rm sgv");
	return !MUST(0, "run -d --name good payload sleep 0");
}

static void check_good(void)
{
	cleanup_result struct result r = podium("ps -a --format '{{.Names}} {{.State}}'");

	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "good running");
	MUST(0, "exec good /payload true");
}

/* ---- 8: descriptors ----------------------------------------------------------------------- */

/* What a sanitizer needs to load its library. */
#ifdef PODIUM_SAN
#define FEWEST 4
#else
#define FEWEST 3
#endif

static struct result limited(int n, const char *words)
{
	return run("sh -c 'ulimit -n %d; exec %s/podium --root %s --runroot %s %s'", n,
		   harness.build, harness.root, harness.runroot, words);
}

static void test_descriptors(void)
{
	static const char *const commands[] = { "run -d --name few payload sleep 0", "ps -a",
						"exec good /payload true", "volume create few",
						"rm -f few" };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (int n = FEWEST; n < 70; n += n < 18 ? 1 : 16) {
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
			cleanup_result struct result r = limited(n, commands[i]);

			CHECK(r.code == 0 || r.code == 125, "%d descriptors: '%s' gave %d: %s", n,
			      commands[i], r.code, r.err);
			CHECK(r.code == 0 || is_prefix(r.err, "Error: "), "no error: '%s'", r.err);
		}
		CHECK_NOTHING_LEFT(&before, "a lack of descriptors");
	}
	{
		cleanup_result struct result r = limited(16, commands[0]);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "the limit of open files is 16");
	}
	check_good();
	/* A low limit that may be raised is. */
	{
		cleanup_result struct result r = run(
			"sh -c 'ulimit -S -n 16; exec %s/podium --root %s --runroot %s run --rm "
			"payload lines 1'",
			harness.build, harness.root, harness.runroot);

		CHECK_CODE(r, 0);
		CHECK_EQUAL(r.out, "1 line\n");
	}
	CHECK_NOTHING_LEFT(&before, "a low limit");
}

/* ---- 10: records -------------------------------------------------------------------------- */

enum damage { EMPTY, TRUNCATED, FLIPPED, NEWER, FIFO, LINK, DIRECTORY, DAMAGE__COUNT };

static void do_damage(const char *path, enum damage what)
{
	cleanup_free char *text = read_file(path);
	size_t len = text ? strlen(text) : 0;

	if (!CHECK(len > 8, "no record at %s", path))
		return;
	if (what >= FIFO)
		(void)unlink(path);
	switch (what) {
	case EMPTY:
		write_file(path, "%s", "");
		break;
	case TRUNCATED:
		write_file(path, "%.*s", (int)(len / 2), text);
		break;
	case FLIPPED:
		text[len / 2] = (char)(text[len / 2] ^ 0x80);
		write_file(path, "%s", text);
		break;
	case NEWER:
		write_file(path, "{\"version\":99999}");
		break;
	case FIFO:
		CHECK(mkfifo(path, 0600) == 0, "mkfifo");
		break;
	case LINK:
		CHECK(symlink("/etc/passwd", path) == 0, "symlink");
		break;
	default:
		CHECK(mkdir(path, 0700) == 0, "mkdir");
	}
}

static char *only_pod_but(const char *other)
{
	cleanup_result struct result r = run("ls %s/pods", harness.root);
	cleanup_free char *id = NULL;
	char *save = NULL;

	for (char *w = strtok_r(r.out, "\n", &save); w; w = strtok_r(NULL, "\n", &save))
		if (!is_equal(w, other)) {
			free(id);
			id = xstrdup(w);
		}
	return steal_ptr(&id);
}

/* Whoever reads it ends in time and does not crash; all the others are as they were. */
static void check_readers(const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_result struct result r =
			run("timeout 60 %s/podium --root %s --runroot %s %s", harness.build,
			    harness.root, harness.runroot, words[i]);

		/* 255 is Podman's for an exec in what does not run. */
		CHECK((r.code >= 0 && r.code <= 2) || r.code == 125 || r.code == 255,
		      "'%s' gave %d: %s", words[i], r.code, r.err);
	}
	check_good();
}

static void test_container_records(void)
{
	static const char *const files[] = { "state.json", "spec.json", "pod.json" };
	static const char *const words[] = { "ps -a",	 "inspect bad", "start bad",
					     "logs bad", "stop bad",	"exec bad true" };
	cleanup_snapshot struct snapshot before;
	cleanup_free char *good = only_pod_but("");

	snapshot_take(&before);
	for (size_t f = 0; f < ARRAY_SIZE(files); f++)
		for (int d = 0; d < DAMAGE__COUNT; d++) {
			cleanup_free char *id = NULL, *pod = NULL, *path = NULL;

			MUST(0, "create --name bad payload sleep 0");
			id = inspect("bad", "{{.Id}}");
			pod = only_pod_but(good);
			path = f == 2 ? xasprintf("%s/pods/%s/%s", harness.root, pod, files[f])
				      : xasprintf("%s/containers/%s/%s", harness.root, id,
						  files[f]);
			do_damage(path, (enum damage)d);
			check_readers(words, ARRAY_SIZE(words));
			DISCARD(podium("rm -f -t 0 %s", id));
			DISCARD(podium("pod rm -f -t 0 %s", pod));
			if (!CHECK_NOTHING_LEFT(&before, files[f]))
				printf("... with damage %d\n", d);
		}
}

/* One that cannot be read is named; the command about it says so and keeps its hands off the others. */
static void test_object_records(void)
{
	static const struct {
		const char *make, *record, *remove;
	} kinds[] = {
		{ "volume create bad", "volumes/bad/volume.json", "volume rm -f bad" },
		{ "network create bad", "networks/bad.json", "network rm -f bad" },
		{ "secret create bad /etc/hostname", "secrets/.made/bad/secret.json",
		  "secret rm bad" },
	};
	static const char *const words[] = { "volume ls",
					     "volume inspect bad",
					     "network ls",
					     "network inspect bad",
					     "secret ls",
					     "secret inspect bad",
					     "run --rm -v bad:/x payload true" };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (int d = 0; d < DAMAGE__COUNT; d++) {
			cleanup_free char *path = xasprintf("%s/%s", harness.root, kinds[k].record);

			MUST(0, "%s", kinds[k].make);
			do_damage(path, (enum damage)d);
			check_readers(words, ARRAY_SIZE(words));
			DISCARD(podium("%s", kinds[k].remove));
			remove_path(path);
			DISCARD(podium("volume rm -f bad"));
			DISCARD(podium("%s", kinds[k].remove));
			/* A secret's value without a record is nobody's to name. */
			DISCARD(podium("system check --repair"));
			MUST(0, "system check");
		}
}

/* ---- 14: clocks --------------------------------------------------------------------------- */

/* Records of a time that is still to come, or long past: ages are shown, and limits of time go by the
 * clock that does not jump. */
static void test_clocks(void)
{
	for (int sign = -1; sign <= 1; sign += 2) {
		cleanup_free char *id = NULL, *path = NULL, *text = NULL, *from = NULL, *to = NULL,
				  *changed = NULL;
		int64_t now = clock_wall_ns(), start;
		char *created;

		MUST(0, "create --name t payload ignore-term");
		id = inspect("t", "{{.Id}}");
		path = xasprintf("%s/containers/%s/state.json", harness.root, id);
		text = read_file(path);
		created = text ? strstr(text, "\"created\":") : NULL;
		if (!CHECK(created, "no time in the record"))
			return;
		from = xstrndup(created, strcspn(created, ",}"));
		to = xasprintf("\"created\":%lld", (long long)(now + sign * 10 * YEAR_NS));
		changed = replaced(text, from, to);
		write_file(path, "%s", changed);
		MUST(0, "ps -a");
		MUST(0, "start t");
		CHECK(ps_begins("t", "Status", "Up "), "it does not run");
		start = clock_mono_ms();
		MUST(0, "stop -t 1 t");
		CHECK(clock_mono_ms() - start >= 900, "killed before its time");
		CHECK(ps_begins("t", "Status", "Exited (137) "), "it was not killed");
		MUST(0, "rm t");
	}
}

/* ---- 15: locks ---------------------------------------------------------------------------- */

static void test_lock_files(void)
{
	cleanup_free char *locks = xasprintf("%s/locks", harness.root);
	cleanup_free char *good = only_pod_but(""), *pod = NULL, *path = NULL;

	/* Gone, with all that the last ones held. */
	remove_path(locks);
	(void)mkdir(locks, 0700);
	MUST(0, "run -d --name l payload sleep 0");
	pod = only_pod_but(good);
	path = xasprintf("%s/pods/%s/pod.lock", harness.root, pod);
	CHECK(unlink(path) == 0, "no %s", path);
	MUST(0, "rename l m");
	write_file(path, "4242\nnobody's\n");
	MUST(0, "stop -t 0 m");
	MUST(0, "start m");
	MUST(0, "rm -f m");
	check_good();
}

/* ---- 13, 16: reboot ----------------------------------------------------------------------- */

/* A record of before the boot names a number that a stranger has now. */
static void give_pid_to(const char *id, pid_t old, pid_t victim)
{
	cleanup_free char *path = xasprintf("%s/containers/%s/state.json", harness.root, id);
	cleanup_free char *text = read_file(path);
	cleanup_free char *from = xasprintf("\"pid\":%d", (int)old);
	cleanup_free char *to = xasprintf("\"pid\":%d", (int)victim);
	cleanup_free char *changed = replaced(text ? text : "", from, to);

	CHECK(text && strcmp(text, changed) != 0, "no %s in the record", from);
	write_file(path, "%s", changed);
}

#define CHECK_RUNNING(names)                                           \
	do {                                                           \
		cleanup_result struct result running_ =                \
			podium("ps --sort names --format {{.Names}}"); \
		CHECK_EQUAL(running_.out, (names));                    \
	} while (0)

static void test_reboot(void)
{
	for (int clean = 0; clean <= 1; clean++) {
		cleanup_free char *id = NULL;
		struct job victim;
		pid_t pid;

		harness_fresh(clean ? "boot-clean" : "boot");
		(void)load_image("payload");
		MUST(0, "run -d --restart always --name always payload sleep 0");
		MUST(0, "run -d --restart unless-stopped --name unless payload sleep 0");
		MUST(0, "run -d --restart unless-stopped --name stopped payload sleep 0");
		MUST(0, "run -d --name no payload sleep 0");
		MUST(0, "stop -t 0 stopped");
		id = inspect("no", "{{.Id}}");
		pid = container_pid("no");
		reboot(clean);
		victim = job_run("sleep 1000");
		give_pid_to(id, pid, victim.pid);
		CHECK(ps_begins("no", "Status", "Exited"), "it survived a boot");
		MUST(0, "start --all --filter should-start-on-boot=true");
		CHECK_RUNNING("always\nunless\n");
		/* As the unit does when the machine goes down: its user stopped none of them. */
		MUST(0, "stop --all -t 0 --filter should-start-on-boot=true");
		CHECK_RUNNING("");
		MUST(0, "start --all --filter should-start-on-boot=true");
		CHECK_RUNNING("always\nunless\n");
		MUST(0, "stop -t 0 no");
		MUST(0, "rm -f -a -t 0");
		CHECK(job_is_running(&victim), "a stranger was killed");
		(void)kill(victim.pid, SIGKILL);
		DISCARD(job_wait(&victim, DEADLINE_MS));
		(void)unsetenv("PODIUM_BOOT_ID");
		harness_store(NULL, NULL);
	}
}

/* ---- 24: containers ----------------------------------------------------------------------- */

static bool has_zombies(const char *name)
{
	cleanup_result struct result r =
		podium("exec %s sh -c 'cat /proc/[0-9]*/status | grep -c State:.Z'", name);

	return strcmp(r.out, "0\n") != 0;
}

static void test_behaviour(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	/* Who leaves a child behind takes it along. */
	MUST(0, "run --rm busybox sh -c 'sleep 1000 & exec >&- 2>&-; exit 0'");
	CHECK_NOTHING_LEFT(&before, "a daemon");
	/* Zombies are reaped by --init. */
	MUST(0, "run -d --init --name z busybox sh -c "
		"'for i in 1 2 3 4 5 6 7 8; do (sleep 0 &); done; exec sleep 1000'");
	CHECK(WAIT_UNTIL(!has_zombies("z"), DEADLINE_MS), "zombies stay");
	/* The limit of processes holds, and the limited one can be ended. */
	MUST(0, "run -d --pids-limit 20 --name f payload fork-bomb 1000");
	CHECK(WAIT_UNTIL(!is_inspected("f", "{{.State.Status}}", "created"), DEADLINE_MS), "f");
	MUST(0, "rm -f -t 0 f z");
	/* A thousandth of a second of life. */
	for (int i = 0; i < 5; i++)
		MUST(3, "run --rm payload exit 3");
	CHECK_NOTHING_LEFT(&before, "containers that do not behave");
}

/* ---- 30: long paths ----------------------------------------------------------------------- */

static void test_long_paths(void)
{
	char deep[201];
	cleanup_free char *root = NULL, *runroot = NULL;

	for (size_t i = 0; i < sizeof(deep) - 1; i++)
		deep[i] = i % 50 == 49 ? '/' : 'd';
	deep[sizeof(deep) - 1] = '\0';
	root = xasprintf("%s/%s/root", harness.work, deep);
	runroot = xasprintf("%s/%s/run", harness.work, deep);
	harness_store(root, runroot);
	(void)load_image("payload");
	MUST(0, "run -d --name deep -p 7071:7000 payload tcp-echo 7000");
	MUST(0, "exec deep /payload true");
	MUST(0, "pod create --name deep-pod");
	MUST(0, "run --rm --pod deep-pod payload true");
	MUST(0, "stop -t 1 deep");
	MUST(0, "start deep");
	MUST(0, "rm -f deep");
	MUST(0, "pod rm -f deep-pod");
	harness_store(NULL, NULL);
	{
		cleanup_free char *name = xcalloc(1, 300);

		memset(name, 'n', 299);
		MUST(125, "create --name %s payload true", name);
	}
}

/* ---- 31: signals -------------------------------------------------------------------------- */

/* What is half made is listed with the command that removes it: that one is done. */
static void remove_listed(void)
{
	cleanup_result struct result r =
		podium("ps -a --no-trunc --format '{{.Names}} {{.ID}} {{.Status}}'");
	char *save = NULL;

	for (char *w = strtok_r(r.out, "\n", &save); w; w = strtok_r(NULL, "\n", &save)) {
		char *advice = strstr(w, "(remove with: podium ");
		char *id = strchr(w, ' ');

		if (is_prefix(w, "good ") || (!advice && strstr(w, "-infra ")) ||
		    !CHECK(id, "a line of ps: '%s'", w))
			continue;
		if (advice) {
			advice += strlen("(remove with: podium ");
			advice[strcspn(advice, ")")] = '\0';
			MUST(0, "%s", advice);
		} else {
			MUST(0, "rm -f -t 0 %.64s", id + 1);
		}
	}
}

/* Of whatever the commands of these tests make. */
static void remove_all_but_good(void)
{
	remove_listed();
	DISCARD(podium("pod rm -f -t 0 -a"));
	DISCARD(podium("volume rm -f sgv"));
}

static const char *const creations[] = { "run -d --name sg payload sleep 0",
					 "run --rm --name sg payload sleep 0",
					 "pod create --name sg",
					 "create --name sg -v sgv:/v payload true" };

/* Whenever it comes the command ends, and what there is can be removed. */
static void test_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (unsigned int i = 0; i < 32; i++) {
		struct job j = job_podium("%s", creations[i % 4]);

		(void)usleep(i * 2500);
		(void)kill(j.pid, signals[(i / 4) % 4]);
		if (i % 3 == 0)
			(void)kill(j.pid, SIGINT); /* twice */
		if (i % 4 == 1) { /* told to a program that does not care: that ends with it */
			(void)usleep(100000);
			DISCARD(podium("rm -f -i -t 0 sg"));
		}
		{
			cleanup_result struct result r = job_wait(&j, DEADLINE_MS);

			CHECK(r.code >= 0, "'%s' does not end by signal %d after %u us", r.line,
			      signals[(i / 4) % 4], i * 2500);
		}
		remove_all_but_good();
	}
	check_good();
	CHECK_NOTHING_LEFT(&before, "signals to commands");
}

static const char *const steps[] = { "create:directory", "create:record",  "create:containers",
				     "create:names",	 "create:volumes", "create:commit" };

/* Told to end while its records are made, a command takes them back, and its files of ids. */
static void test_signals_at_steps(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	cleanup_free char *file = xasprintf("%s/sg.id", harness.work);
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(steps) * ARRAY_SIZE(creations); i++) {
		const char *line = creations[i % ARRAY_SIZE(creations)];
		const char *step = steps[i / ARRAY_SIZE(creations)];
		bool is_pod = is_prefix(line, "pod "), is_fleeting = strstr(line, "--rm");
		int sig = signals[i % 3 + i % 2];
		cleanup_free char *number = xasprintf("%d", sig), *left = NULL;
		const char *rest = strstr(line, "--name");

		if (is_fleeting && is_equal(step, "create:commit"))
			continue; /* it does not wait for the disk */
		(void)setenv("PODIUM_STOP_AT", step, 1);
		(void)setenv("PODIUM_STOP_SIGNAL", number, 1);
		{
			cleanup_result struct result r =
				podium("%.*s --%s %s %s", (int)(rest - line - 1), line,
				       is_pod ? "pod-id-file" : "cidfile", file, rest);

			CHECK(r.code == 128 + sig, "%s: '%s' gave %d: %s", step, r.line, r.code,
			      r.err);
			CHECK_EQUAL(r.out, "");
		}
		(void)unsetenv("PODIUM_STOP_AT");
		(void)unsetenv("PODIUM_STOP_SIGNAL");
		CHECK(access(file, F_OK) < 0, "%s: the file of the id stays", step);
		DISCARD(podium("volume rm -f sgv"));
		if (!CHECK_NOTHING_LEFT(&before, step))
			remove_all_but_good();
	}
	check_good();
}

/* Killed there, what it has made is listed with what removes it, by that name or number, is found by
 * `system check`, and goes with its --repair. */
static void test_kills_at_steps(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < 3 * ARRAY_SIZE(steps) * ARRAY_SIZE(creations); i++) {
		const char *line = creations[i % ARRAY_SIZE(creations)];
		const char *step = steps[(i / ARRAY_SIZE(creations)) % ARRAY_SIZE(steps)];
		size_t how = i / ARRAY_SIZE(creations) / ARRAY_SIZE(steps);

		if (strstr(line, "--rm") && is_equal(step, "create:commit"))
			continue;
		(void)setenv("PODIUM_STOP_AT", step, 1);
		MUST(128 + SIGKILL, "%s", line);
		(void)unsetenv("PODIUM_STOP_AT");
		{
			cleanup_result struct result ps = podium("ps -a"), found = { 0 };

			CHECK(strstr(ps.out, "Incomplete (remove with: podium "),
			      "'%s' killed at %s is not listed: %s", line, step, ps.out);
			found = podium("system check");
			CHECK_CODE(found, 125);
			CHECK_HAS(found.out, "Incomplete: ");
			result_done(&found);
		}
		if (how == 0)
			remove_listed();
		else if (how == 1)
			MUST(0, "system check --repair");
		else if (i >= 2 * ARRAY_SIZE(creations) * ARRAY_SIZE(steps) +
					 2 * ARRAY_SIZE(creations) &&
			 !is_prefix(line, "pod "))
			MUST(0, "rm -f -t 0 sg"); /* its record says how it is called */
		remove_all_but_good();
		MUST(0, "system check");
		CHECK_NOTHING_LEFT(&before, step);
	}
	check_good();
}

static CU_TestInfo tests[] = {
	{ "8: few descriptors", test_descriptors },
	{ "10: records of containers", test_container_records },
	{ "10: records of volumes, networks and secrets", test_object_records },
	{ "14: times that cannot be", test_clocks },
	{ "15: lock files that are gone", test_lock_files },
	{ "24: containers that do not behave", test_behaviour },
	{ "30: long paths", test_long_paths },
	{ "31: signals", test_signals },
	{ "31: signals at each step", test_signals_at_steps },
	{ "31: kills at each step", test_kills_at_steps },
	{ "13, 16: reboot", test_reboot },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "faults", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
