/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_kube - a file of many kinds (ConfigMap, Secret, claim, Deployment, Job, Pod): what kill -9
 * of its play at many moments, of each process that works for it, and of all of them costs it; and
 * what a full disk, a read-only store and a broken document leave behind. Each time the next play
 * makes everything work, and the next down leaves nothing.
 *
 * The moments are parts of the time that a play takes here: where they fall changes from run to run,
 * what must hold does not.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/smalldisk.h"
#include "tests/integration/wire.h"

#define MOMENTS 20
#define PORT	7040

static const char documents[] =
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {a: from-the-map}\n"
	"---\n"
	"apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {b: from-the-secret}\n"
	"---\n"
	"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: disk}\n"
	"spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}\n"
	"---\n"
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
	"spec:\n"
	"  selector: {matchLabels: {app: web}}\n"
	"  template:\n"
	"    metadata: {labels: {app: web}}\n"
	"    spec:\n"
	"      terminationGracePeriodSeconds: 1\n"
	"      volumes:\n"
	"      - {name: disk, persistentVolumeClaim: {claimName: disk}}\n"
	"      - {name: conf, configMap: {name: conf}}\n"
	"      containers:\n"
	"      - name: c\n"
	"        image: payload\n"
	"        args: [tcp-echo, \"7000\"]\n"
	"        ports: [{containerPort: 7000, hostPort: 7040}]\n"
	"        envFrom: [{configMapRef: {name: conf}}, {secretRef: {name: key}}]\n"
	"        volumeMounts: [{name: disk, mountPath: /disk}, {name: conf, mountPath: /conf}]\n"
	"---\n"
	"apiVersion: batch/v1\nkind: Job\nmetadata: {name: work}\n"
	"spec:\n"
	"  template:\n"
	"    spec:\n"
	"      restartPolicy: Never\n"
	"      terminationGracePeriodSeconds: 1\n"
	"      containers: [{name: c, image: payload, args: [sleep, \"0\"]}]\n"
	"---\n"
	"apiVersion: v1\nkind: Pod\nmetadata: {name: side}\n"
	"spec:\n"
	"  terminationGracePeriodSeconds: 1\n"
	"  containers: [{name: c, image: payload, args: [sleep, \"0\"]}]\n";

/* The first of everything makes folders that stay. */
static int begin(void)
{
	if (harness_begin() != 0 || !load_image("payload"))
		return 1;
	write_file("all.yaml", "%s", documents);
	if (!MUST(0, "kube play %s/all.yaml", harness.work) ||
	    !MUST(0, "kube down --force %s/all.yaml", harness.work))
		return 1;
	return 0;
}

static void down(void)
{
	MUST(0, "kube down --force %s/all.yaml", harness.work);
}

static bool is_up(const char *container)
{
	return WAIT_UNTIL(ps_begins(container, "Status", "Up "), DEADLINE_MS);
}

/* A pod of the Job, which is another one after each failure. */
static bool has_pod_at_work(void)
{
	cleanup_result struct result r = podium("ps --format '{{.Names}} {{.Status}}'");
	const char *pod = strstr(r.out, "work-pod");
	const char *status = pod ? strchr(pod, ' ') : NULL;

	return status && is_prefix(status, " Up ");
}

static void check_works(const char *after)
{
	static const char *const containers[] = { "web-pod-c", "side-c" };
	cleanup_free char *answer = NULL;
	cleanup_result struct result env = { 0 }, get = { 0 };

	if (!MUST(0, "kube play %s/all.yaml", harness.work))
		printf("... after %s\n", after);
	for (size_t i = 0; i < ARRAY_SIZE(containers); i++)
		CHECK(is_up(containers[i]), "%s is not up after %s", containers[i], after);
	CHECK(WAIT_UNTIL(has_pod_at_work(), DEADLINE_MS), "no pod of the Job after %s", after);
	answer = wire_ask_wait(WIRE_TCP, "127.0.0.1", PORT, "x");
	CHECK(answer != NULL, "no answer after %s", after);
	env = podium("exec web-pod-c /payload env");
	CHECK_HAS(env.out, "a=from-the-map\n");
	CHECK_HAS(env.out, "b=from-the-secret\n");
	get = podium("kube get configmap,secret,pvc,deployment,job");
	CHECK_CODE(get, 0);
}

/* ---- the command -------------------------------------------------------------------------- */

static int64_t time_of_play_us(void)
{
	int64_t start = clock_mono_ms();

	MUST(0, "kube play %s/all.yaml", harness.work);
	start = clock_mono_ms() - start;
	down();
	return (start > 0 ? start : 1) * 1000;
}

static void kill_play(int64_t after_us)
{
	struct job j = job_podium("kube play %s/all.yaml", harness.work);

	(void)usleep((useconds_t)after_us);
	(void)kill(j.pid, SIGKILL);
	DISCARD(job_wait(&j, DEADLINE_MS));
}

static void test_moments_then_down(void)
{
	cleanup_snapshot struct snapshot before;
	int64_t whole = time_of_play_us();

	snapshot_take(&before);
	for (int i = 0; i < MOMENTS; i++) {
		cleanup_free char *what = xasprintf("kill -9 at %d/%d of a play", i, MOMENTS);

		kill_play(whole * i / MOMENTS);
		down();
		/* What had no name yet is found by its id alone. */
		MUST(0, "pod rm -f -a -t 0");
		if (!CHECK_NOTHING_LEFT(&before, what))
			return;
	}
}

static void test_moments_then_play(void)
{
	cleanup_snapshot struct snapshot before;
	int64_t whole = time_of_play_us();

	snapshot_take(&before);
	for (int i = 0; i < MOMENTS; i++) {
		cleanup_free char *what = xasprintf("kill -9 at %d/%d of a play", i, MOMENTS);

		kill_play(whole * i / MOMENTS);
		check_works(what);
		down();
	}
	MUST(0, "pod rm -f -a -t 0");
	CHECK_NOTHING_LEFT(&before, "plays that were killed");
}

static void test_down_killed(void)
{
	cleanup_snapshot struct snapshot before;
	int64_t whole;

	snapshot_take(&before);
	MUST(0, "kube play %s/all.yaml", harness.work);
	whole = clock_mono_ms();
	down();
	whole = (clock_mono_ms() - whole) * 1000;
	for (int i = 0; i < MOMENTS; i++) {
		cleanup_free char *what = xasprintf("kill -9 at %d/%d of a down", i, MOMENTS);
		struct job j;

		check_works(what);
		j = job_podium("kube down --force %s/all.yaml", harness.work);
		(void)usleep((useconds_t)(whole * i / MOMENTS));
		(void)kill(j.pid, SIGKILL);
		DISCARD(job_wait(&j, DEADLINE_MS));
		down();
		{
			cleanup_result struct result r = podium("pod ps --format '{{.Name}}'");

			CHECK_LACKS(r.out, "web-pod");
			CHECK_LACKS(r.out, "side");
		}
		/* Its record may have gone before its folder. */
		MUST(0, "pod rm -f -a -t 0");
		if (!CHECK_NOTHING_LEFT(&before, what))
			return;
	}
}

/* ---- who works for it --------------------------------------------------------------------- */

static void kill_each(const char *words)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	pid_t pid, last = 0;

	/* One that comes back (a Job's conductor) is killed once more, not for ever. */
	for (int n = 0; n < 6 && (pid = find_process(words)) > 1 && clock_mono_ms() < end;) {
		n += pid != last;
		last = pid;
		(void)kill(pid, SIGKILL);
		(void)usleep(1000);
	}
}

static void test_processes(void)
{
	static const char *const kinds[] = { "podium-monitor conductor", "podium-monitor container",
					     "podium-monitor job", "podium-pause",
					     "podium-monitor" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		cleanup_snapshot struct snapshot before;

		snapshot_take(&before);
		check_works("the start");
		kill_each(kinds[i]);
		if (strcmp(kinds[i], "podium-monitor container") != 0 &&
		    strcmp(kinds[i], "podium-monitor") != 0)
			check_works(kinds[i]);
		else
			MUST(0, "kube play --replace %s/all.yaml", harness.work);
		kill_each(kinds[i]);
		down();
		CHECK_NOTHING_LEFT(&before, kinds[i]);
	}
}

static void test_everything_dies(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	check_works("the start");
	kill_descendants();
	check_works("the death of all");
	kill_descendants();
	down();
	CHECK_NOTHING_LEFT(&before, "the death of all");
}

/* ---- the disk ----------------------------------------------------------------------------- */

static char *store_on_disk(void)
{
	char *dir = small_disk("size=8m,mode=0755");
	cleanup_free char *root = xasprintf("%s/root", dir);
	cleanup_free char *run = xasprintf("%s/run", dir);

	harness_store(root, run);
	(void)load_image("payload");
	return dir;
}

static void test_full_disk(void)
{
	cleanup_free char *dir = store_on_disk();
	cleanup_free char *filler = xasprintf("%s/filler", dir);
	cleanup_snapshot struct snapshot before;

	check_works("the start");
	down();
	snapshot_take(&before);
	for (size_t pages = 0; pages < 60; pages += pages < 24 ? 1 : 6) {
		cleanup_result struct result r = { 0 };

		small_disk_fill(dir, pages * 4096);
		r = podium("kube play %s/all.yaml", harness.work);
		CHECK(r.code == 125 || r.code == 0, "code %d with %zu pages: %s", r.code, pages,
		      r.err);
		if (r.code)
			CHECK_HAS(r.err, "o space left on device");
		/* Nobody is kept from taking away. */
		down();
		remove_path(filler);
		down();
		MUST(0, "pod rm -f -a -t 0");
		if (!CHECK_NOTHING_LEFT(&before, "a full disk")) {
			printf("... with %zu pages, play gave %d: %s\n", pages, r.code, r.err);
			break;
		}
	}
	check_works("a full disk");
	down();
	small_disk_leave(dir);
}

static void test_read_only(void)
{
	cleanup_free char *dir = store_on_disk();
	cleanup_result struct result r = { 0 };

	check_works("the start");
	down();
	if (mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		perror("remount");
	r = podium("kube play %s/all.yaml", harness.work);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "ead-only file system");
	result_done(&r);
	r = podium("kube play --dry-run %s/all.yaml", harness.work);
	MUST(0, "kube get configmap,secret,pvc,job");
	(void)mount(NULL, dir, NULL, MS_REMOUNT, NULL);
	check_works("a read-only store");
	down();
	small_disk_leave(dir);
}

/* ---- the file ----------------------------------------------------------------------------- */

static void test_broken(void)
{
	static const char *const tails[] = {
		"---\napiVersion: v1\nkind: Pod\nmetadata: {name: [\n",
		"---\napiVersion: v1\nkind: Pod\nmetadata: {name: last}\nspec: {containers: 3}\n",
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {a: twice}\n",
		"---\napiVersion: v1\nkind: Pod\nmetadata: {name: last}\nspec:\n"
		"  containers: [{name: c, image: payload, args: [sleep, \"0\"],\n"
		"    envFrom: [{configMapRef: {name: nowhere}}]}]\n",
		"---\napiVersion: v1\nkind: Pod\nmetadata: {name: last}\nspec:\n"
		"  containers: [{name: c, image: localhost/nowhere}]\n",
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: bad}\ndata: {a: \"%%\"}\n",
	};
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		cleanup_free char *text = xasprintf("%s%s", documents, tails[i]);
		cleanup_result struct result r = play_text("broken", "", text);

		CHECK(r.code == 125, "code %d for %s: %s", r.code, tails[i], r.err);
		if (!CHECK_NOTHING_LEFT(&before, tails[i]))
			return;
	}
}

static CU_TestInfo tests[] = {
	{ "a broken document", test_broken },
	{ "kill -9 of play, then down", test_moments_then_down },
	{ "kill -9 of play, then play", test_moments_then_play },
	{ "kill -9 of down", test_down_killed },
	{ "kill -9 of who works for it", test_processes },
	{ "everything dies", test_everything_dies },
	{ "a full disk", test_full_disk },
	{ "a read-only store", test_read_only },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "crash_kube", begin, harness_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
