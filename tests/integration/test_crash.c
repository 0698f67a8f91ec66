/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash - what dies, what runs on, what is said about it: the command, a monitor, the conductor,
 * pause, a container; a reboot, a reused process number, torn records, a full and a read-only disk,
 * closed descriptors.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/smalldisk.h"
#include "tests/integration/wire.h"

#define ECHO                               \
	"    args: [tcp-echo, \"7000\"]\n" \
	"    ports: [{containerPort: 7000, hostPort: 7020}]\n"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") && load_image("busybox") ? 0 : 1;
}

static void play(const char *name, const char *spec, const char *container)
{
	cleanup_result struct result r = play_pod(name, "", spec, container);

	CHECK_CODE(r, 0);
}

static void check_answer(void)
{
	cleanup_free char *answer = wire_ask_wait(WIRE_TCP, "127.0.0.1", 7020, "x");

	CHECK(answer != NULL, "the pod does not answer");
}

/* ---- processes ---------------------------------------------------------------------------- */

static void test_command(void)
{
	cleanup_snapshot struct snapshot before;
	struct job j;

	snapshot_take(&before);
	write_file("k.yaml", "%s",
		   "apiVersion: v1\nkind: Pod\nmetadata: {name: k}\nspec:\n"
		   "  initContainers:\n"
		   "  - {name: slow, image: busybox, command: [sleep, \"2\"]}\n"
		   "  containers:\n"
		   "  - {name: c, image: payload, args: [sleep, \"0\"]}\n");
	j = job_podium("play kube %s/k.yaml", harness.work);
	CHECK_STATUS("k-slow", "Up ");
	(void)kill(j.pid, SIGKILL);
	{
		cleanup_result struct result r = job_wait(&j, DEADLINE_MS);

		CHECK_CODE(r, 128 + SIGKILL);
	}
	CHECK_STATUS("k-c", "Up ");
	remove_pod("k");
	/* INT asks nothing of the pod. */
	j = job_podium("play kube %s/k.yaml", harness.work);
	CHECK_STATUS("k-slow", "Up ");
	(void)kill(j.pid, SIGINT);
	{
		cleanup_result struct result r = job_wait(&j, DEADLINE_MS);

		CHECK(r.code != 0, "INT was not noticed");
	}
	CHECK_STATUS("k-c", "Up ");
	remove_pod("k");
	CHECK_NOTHING_LEFT(&before, "a killed play");
}

static void test_monitor(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *state = NULL;
	pid_t pid;

	snapshot_take(&before);
	play("m", "", ECHO);
	check_answer();
	pid = container_pid("m-c");
	end_process(monitor_of("m-c"));
	CHECK_STATUS("m-c", "Up (monitor lost)");
	check_answer();
	CHECK(container_pid("m-c") == pid, "another process");
	MUST(0, "exec m-c /payload true");
	MUST(0, "stop m-c");
	CHECK_STATUS("m-c", "Exited (unknown)");
	state = inspect("m-c", "{{.State.ExitCodeUnknown}} {{.State.Status}}");
	CHECK_EQUAL(state, "true exited");
	free(state);
	state = inspect("m-c", "{{.State.ExitCode}}");
	CHECK(strcmp(state, "0") != 0, "an unknown exit code is shown as 0");
	MUST(0, "start m-c");
	CHECK_STATUS("m-c", "Up ");
	end_process(monitor_of("m-c"));
	CHECK_STATUS("m-c", "Up (monitor lost)");
	MUST(2, "rm m-c");
	MUST(0, "rm -f m-c");
	remove_pod("m");
	CHECK_NOTHING_LEFT(&before, "a lost monitor");
}

static void test_monitor_and_down(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	play("m", "  terminationGracePeriodSeconds: 1\n", ECHO);
	end_process(monitor_of("m-c"));
	CHECK_STATUS("m-c", "Up (monitor lost)");
	MUST(0, "kube down %s/m.yaml", harness.work);
	CHECK_NOTHING_LEFT(&before, "down with a lost monitor");
}

static void test_conductor(void)
{
	cleanup_snapshot struct snapshot before;
	pid_t pid;

	snapshot_take(&before);
	play("c", "", ECHO);
	check_answer();
	pid = container_pid("c-c");
	end_process(conductor_of("c"));
	CHECK(WAIT_UNTIL(find_process("podium-monitor conductor") == 0, DEADLINE_MS),
	      "the conductor lives");
	CHECK_STATUS("c-c", "Up ");
	check_answer();
	MUST(0, "pod start c");
	CHECK(conductor_of("c") > 1, "no new conductor");
	CHECK(container_pid("c-c") == pid, "the container was not adopted");
	check_answer();
	MUST(0, "stop -t 0 c-c");
	MUST(0, "start c-c");
	check_answer();
	end_process(conductor_of("c"));
	MUST(0, "kube down -t 0 %s/c.yaml", harness.work);
	CHECK_NOTHING_LEFT(&before, "down without a conductor");
	/* Conductor and monitor. */
	play("c", "", ECHO);
	end_process(conductor_of("c"));
	end_process(monitor_of("c-c"));
	CHECK_STATUS("c-c", "Up (monitor lost)");
	MUST(0, "pod start c");
	MUST(0, "pod stop -t 1 c");
	CHECK_STATUS("c-c", "Exited (unknown)");
	remove_pod("c");
	CHECK_NOTHING_LEFT(&before, "a pod of which only the container lived");
}

static pid_t pause_of(const char *pod)
{
	cleanup_free char *id = pod_id(pod);
	cleanup_free char *infra = xasprintf("%.12s-infra", id);

	return container_pid(infra);
}

static void test_pause(void)
{
	cleanup_snapshot struct snapshot before;
	pid_t pid, pause;

	snapshot_take(&before);
	play("p", "", ECHO);
	check_answer();
	pid = container_pid("p-c");
	pause = pause_of("p");
	end_process(pause);
	CHECK(WAIT_UNTIL(container_pid("p-c") > 0 && container_pid("p-c") != pid &&
				 pause_of("p") > 0 && pause_of("p") != pause,
			 DEADLINE_MS),
	      "the sandbox was not built again");
	check_answer();
	remove_pod("p");
	CHECK_NOTHING_LEFT(&before, "a rebuilt sandbox");
	play("p", "  restartPolicy: Never\n", ECHO);
	end_process(pause_of("p"));
	CHECK_STATUS("p-c", "Exited (");
	remove_pod("p");
	CHECK_NOTHING_LEFT(&before, "a sandbox that is not rebuilt");
}

static void test_container(void)
{
	pid_t pid;

	play("x", "", ECHO);
	pid = container_pid("x-c");
	end_process(pid);
	CHECK(WAIT_UNTIL(container_pid("x-c") > 0 && container_pid("x-c") != pid, DEADLINE_MS),
	      "it was not started again");
	check_answer();
	remove_pod("x");
	play("x", "  restartPolicy: Never\n", ECHO);
	end_process(container_pid("x-c"));
	CHECK_STATUS("x-c", "Exited (137) ");
	remove_pod("x");
}

/* ---- reboot, reused numbers --------------------------------------------------------------- */

static void test_reboot(void)
{
	for (int clean = 0; clean <= 1; clean++) {
		cleanup_snapshot struct snapshot before;

		snapshot_take(&before);
		play("b", "", ECHO);
		check_answer();
		reboot(clean);
		CHECK_STATUS("b-c", "Exited (unknown)");
		{
			cleanup_result struct result r = podium("pod ps --format '{{.Status}}'");

			CHECK_EQUAL(r.out, "Exited\n");
		}
		MUST(0, "pod start b");
		CHECK_STATUS("b-c", "Up ");
		check_answer();
		remove_pod("b");
		(void)unsetenv("PODIUM_BOOT_ID");
		CHECK_NOTHING_LEFT(&before, clean ? "a reboot" : "a reboot with the runroot kept");
		play("b", "", ECHO);
		reboot(clean);
		MUST(0, "play kube %s/b.yaml", harness.work);
		check_answer();
		MUST(0, "kube down -t 0 %s/b.yaml", harness.work);
		(void)unsetenv("PODIUM_BOOT_ID");
	}
}

/* The record names a process number that a stranger has now. */
static void test_reused_pid(void)
{
	struct job victim = job_run("sleep 1000");
	cleanup_free char *id = NULL, *path = NULL, *text = NULL, *from = NULL, *to = NULL,
			  *changed = NULL;
	pid_t pid;

	play("v", "", ECHO);
	id = ps_field("v-c", "ID");
	pid = container_pid("v-c");
	end_process(conductor_of("v"));
	end_process(monitor_of("v-c"));
	end_process(pid);
	path = xasprintf("%s/containers/%s/state.json", harness.root, id);
	text = read_file(path);
	from = xasprintf("\"pid\":%d", (int)pid);
	to = xasprintf("\"pid\":%d", (int)victim.pid);
	changed = replaced(text, from, to);
	CHECK(strcmp(changed, text) != 0, "no '%s' in %s", from, text);
	write_file(path, "%s", changed);
	CHECK_STATUS("v-c", "Exited (unknown)");
	MUST(0, "stop v-c");
	DISCARD(podium("exec v-c /payload true"));
	remove_pod("v");
	CHECK(job_is_running(&victim), "a stranger was killed");
	(void)kill(victim.pid, SIGKILL);
	DISCARD(job_wait(&victim, DEADLINE_MS));
}

/* ---- records, disk ------------------------------------------------------------------------ */

static const char *const torn[] = {
	"", "{", "{\"state\":", "[]", "\xff\xfe\x01", "null", "{\"version\":99999999}"
};

/* One record of a pod is damaged: it is named, nothing else suffers, rm -f removes it. */
static void damage(const char *dir, const char *file, const char *text)
{
	cleanup_free char *pod = NULL, *ctr = NULL, *path = NULL;
	cleanup_result struct result ps = { 0 }, pods = { 0 };

	play("bad", "", "    args: [sleep, \"0\"]\n");
	pod = pod_id("bad");
	ctr = ps_field("bad-c", "ID");
	MUST(0, "pod stop -t 0 bad");
	path = xasprintf("%s/%s/%s/%s", harness.root, dir, *dir == 'p' ? pod : ctr, file);
	write_file(path, "%s", text);
	ps = podium("ps -a");
	CHECK_CODE(ps, 0);
	CHECK_HAS(ps.out, "good-c");
	CHECK(ps_begins("good-c", "Status", "Up "), "the other pod suffers from %s", file);
	pods = podium("pod ps");
	CHECK_CODE(pods, 0);
	CHECK_HAS(pods.out, "good");
	{
		cleanup_result struct result start = podium("pod start bad");

		CHECK(start.code == 125 || strcmp(file, "state.json") == 0, "%s '%s': started: %s",
		      file, text, start.err);
		CHECK(start.code <= 125, "%s '%s': code %d", file, text, start.code);
	}
	if (!MUST(0, "pod rm -f -t 0 %s", pod))
		printf("... with %s '%s'\n", file, text);
}

static void test_corrupt(void)
{
	cleanup_snapshot struct snapshot before;

	play("good", "", ECHO);
	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(torn); i++) {
		damage("pods", "pod.json", torn[i]);
		CHECK_NOTHING_LEFT(&before, "a damaged pod.json");
		damage("containers", "spec.json", torn[i]);
		CHECK_NOTHING_LEFT(&before, "a damaged spec.json");
		damage("containers", "state.json", torn[i]);
		CHECK_NOTHING_LEFT(&before, "a damaged state.json");
	}
	check_answer();
	remove_pod("good");
}

static void test_corrupt_is_named(void)
{
	cleanup_free char *id = NULL, *path = NULL;
	cleanup_result struct result r = { 0 };

	play("bad", "", "    args: [sleep, \"0\"]\n");
	id = pod_id("bad");
	path = xasprintf("%s/pods/%s/pod.json", harness.root, id);
	write_file(path, "{\"version\":");
	r = podium("pod inspect bad");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "pod.json");
	CHECK_HAS(r.err, "corrupt");
	result_done(&r);
	r = podium("generate kube bad");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "corrupt");
	remove_pod("bad");
}

static void test_newer_store(void)
{
	cleanup_free char *root = xasprintf("%s/newer", harness.work);
	cleanup_free char *version = xasprintf("%s/version", root);
	cleanup_result struct result r = { 0 };

	(void)mkdir(root, 0700);
	write_file(version, "2\n");
	harness_store(root, NULL);
	r = podium("ps -a");
	CHECK_CODE(r, 0);
	result_done(&r);
	r = podium("load -i %s/payload.tar", harness.work);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "layout 2");
	harness_store(NULL, NULL);
}

/* Full with 0, 1, ... pages left, so that each kind of write fails once. */
static void test_full_disk(void)
{
	cleanup_free char *dir = small_disk("size=8m,mode=0755");
	cleanup_free char *root = xasprintf("%s/root", dir);
	cleanup_free char *run = xasprintf("%s/run", dir);
	cleanup_free char *filler = xasprintf("%s/filler", dir);
	cleanup_snapshot struct snapshot before;

	harness_store(root, run);
	(void)load_image("payload");
	play("f", "", "    args: [sleep, \"0\"]\n");
	remove_pod("f");
	snapshot_take(&before);
	for (size_t pages = 0; pages < 14; pages += pages < 6 ? 1 : 2) {
		cleanup_result struct result r = { 0 };

		small_disk_fill(dir, pages * 4096);
		r = play_pod("f", "", "", "    args: [sleep, \"0\"]\n");
		CHECK(r.code == 125 || r.code == 0, "code %d with %zu pages: %s", r.code, pages,
		      r.err);
		if (r.code) {
			CHECK_HAS(r.err, "o space left on device");
		} else {
			MUST(0, "pod rm -f -t 0 f");
		}
		remove_path(filler);
		MUST(0, "pod rm -f -a -t 0");
		CHECK_NOTHING_LEFT(&before, "a full disk");
	}
	play("f", "", "    args: [sleep, \"0\"]\n");
	remove_pod("f");
	small_disk_fill(dir, 0);
	{
		cleanup_result struct result r = podium("load -i %s/busybox.tar", harness.work);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "o space left on device");
		remove_path(filler);
		CHECK_NOTHING_LEFT(&before, "a load on a full disk");
	}
	small_disk_leave(dir);
}

/* The container's log is on the full disk: it runs on, and can be removed. */
static void test_full_disk_running(void)
{
	cleanup_free char *dir = small_disk("size=8m,mode=0755");
	cleanup_free char *root = xasprintf("%s/root", dir);
	cleanup_free char *run = xasprintf("%s/run", dir);
	cleanup_free char *filler = xasprintf("%s/filler", dir);

	harness_store(root, run);
	(void)load_image("payload");
	play("f", "", "    args: [seq, lines, \"100000\", \",\", sleep, \"0\"]\n");
	small_disk_fill(dir, 0);
	CHECK_STATUS("f-c", "Up ");
	MUST(0, "stop -t 0 f-c");
	MUST(0, "pod rm -f -t 0 f");
	remove_path(filler);
	small_disk_leave(dir);
}

static void test_read_only(void)
{
	cleanup_free char *dir = small_disk("size=64m,mode=0755");
	cleanup_free char *root = xasprintf("%s/root", dir);
	cleanup_result struct result r = { 0 };

	harness_store(root, NULL);
	(void)load_image("payload");
	play("ro", "", "    args: [sleep, \"0\"]\n");
	MUST(0, "pod stop -t 0 ro");
	if (mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		perror("remount");
	MUST(0, "ps -a");
	MUST(0, "pod ps");
	MUST(0, "images");
	MUST(0, "inspect ro-c");
	MUST(0, "generate kube ro");
	r = play_pod("ro2", "", "", "    args: [sleep, \"0\"]\n");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "ead-only file system");
	result_done(&r);
	r = podium("pod rm -f ro");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "ead-only file system");
	(void)mount(NULL, dir, NULL, MS_REMOUNT, NULL);
	MUST(0, "pod rm -f -a");
	small_disk_leave(dir);
}

/* ---- descriptors -------------------------------------------------------------------------- */

static void test_closed_descriptors(void)
{
	play("fd", "", "    args: [sleep, \"0\"]\n");
	for (int mask = 0; mask < 8; mask++) {
		cleanup_result struct result r =
			run("sh -c 'exec %s%s%s; %s/podium --root %s --runroot %s ps -a'",
			    mask & 1 ? "<&- " : "", mask & 2 ? ">&- " : "", mask & 4 ? "2>&-" : "",
			    harness.build, harness.root, harness.runroot);

		CHECK(r.code == 0 || (mask & 2), "descriptors %d: code %d %s", mask, r.code, r.err);
		CHECK((mask & 2) || strstr(r.out, "fd-c"), "descriptors %d: %s", mask, r.out);
	}
	{
		cleanup_result struct result r =
			run("sh -c '%s/podium --root %s --runroot %s ps -a >/dev/full'",
			    harness.build, harness.root, harness.runroot);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "standard output");
	}
	/* Many open descriptors of a careless caller reach nobody. */
	{
		cleanup_result struct result r =
			run("sh -c 'exec 5</ 6</etc 7</tmp 8<&0 9</proc; %s/podium --root %s "
			    "--runroot %s exec fd-c /payload probe'",
			    harness.build, harness.root, harness.runroot);

		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, "fds: 0 1 2\n");
	}
	remove_pod("fd");
}

static CU_TestInfo tests[] = {
	{ "the command is killed", test_command },
	{ "a monitor is killed", test_monitor },
	{ "a monitor is killed, then down", test_monitor_and_down },
	{ "the conductor is killed", test_conductor },
	{ "pause is killed", test_pause },
	{ "a container is killed", test_container },
	{ "reboot", test_reboot },
	{ "a reused process number", test_reused_pid },
	{ "damaged records", test_corrupt },
	{ "a damaged record is named", test_corrupt_is_named },
	{ "a store of a newer version", test_newer_store },
	{ "a full disk", test_full_disk },
	{ "a disk that gets full", test_full_disk_running },
	{ "a read-only store", test_read_only },
	{ "closed descriptors", test_closed_descriptors },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "crash", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
