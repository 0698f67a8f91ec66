/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diskwatch - pods that take more of the disk than they may are evicted, and what counts to that.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define MOUNT "volumeMounts: [{name: v, mountPath: /v}]"
#define HOLD  "while :; do sleep 0.1; done"

static int begin(void)
{
	/* Ten seconds for each look are the kubelet's; here they come at once. */
	(void)setenv("PODIUM_TIMERS", "disk:100", 1);
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

static int finish(void)
{
	(void)unsetenv("PODIUM_TIMERS");
	return harness_end();
}

/* Plays a pod of one container, which runs `script` and then stays. */
static void play(const char *name, const char *script, const char *volume, const char *limit)
{
	cleanup_result struct result r = play_text(
		name, "",
		xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n"
			  "  terminationGracePeriodSeconds: 3600\n"
			  "  volumes: [{name: v, emptyDir: {%s}}]\n"
			  "  containers:\n  - {name: c, image: busybox, command: [sh, -c, "
			  "'trap \"\" TERM; %s; " HOLD "'], " MOUNT
			  ", resources: {limits: {%s}}}\n",
			  name, volume, script, limit));

	CHECK_LACKS(r.err, "has no effect");
}

static void check_evicted(const char *name, const char *message)
{
	cleanup_result struct result pod = { 0 }, why = { 0 };
	cleanup_free char *container = xasprintf("%s-c", name);

	CHECK(WAIT_UNTIL(ps_begins(container, "Status", "Exited"), DEADLINE_MS), "it goes on");
	pod = podium("kube get pod %s -o yaml", name);
	CHECK_HAS(pod.out, "phase: Failed");
	CHECK_HAS(pod.out, "reason: Evicted");
	CHECK_HAS(pod.out, "message: ");
	why = podium("kube describe pod %s", name);
	CHECK_HAS(why.out, "Evicted");
	CHECK_HAS(why.out, message);
}

static void test_volume(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	play("vol", "dd if=/dev/zero of=/v/f bs=1024 count=300", "sizeLimit: 256Ki", "");
	check_evicted("vol", "Usage of EmptyDir volume \"v\" exceeds the limit \"256Ki\". ");
	remove_pod("vol");
	CHECK_NOTHING_LEFT(&before, "an evicted pod");
}

static void test_container(void)
{
	play("con",
	     "until [ -e /v/go ]; do sleep 0.1; done; dd if=/dev/zero of=/f bs=1024 count=300", "",
	     "ephemeral-storage: 256Ki");
	CHECK(ps_begins("con-c", "Status", "Up"), "evicted without a cause");
	MUST(0, "exec con-c touch /v/go");
	check_evicted("con",
		      "Pod ephemeral local storage usage exceeds the total limit of containers "
		      "\"256Ki\". ");
	/* What it had taken is still there: started again it comes to the same end. */
	(void)setenv("PODIUM_TIMERS", "disk:3600000", 1);
	DISCARD(podium("pod start con"));
	(void)setenv("PODIUM_TIMERS", "disk:100", 1);
	CHECK(WAIT_UNTIL(ps_begins("con-c", "Status", "Up"), DEADLINE_MS), "not started again");
	remove_pod("con");
}

/* A log is the container's, too; a volume in memory is not. */
static void test_log(void)
{
	play("log", "yes abcdefghijklmnopqrstuvwxyz | head -n 8000", "",
	     "ephemeral-storage: 256Ki");
	check_evicted("log", "Pod ephemeral local storage usage exceeds");
	remove_pod("log");
}

/* What is in memory is the kernel's to limit: it counts nothing, however much it is. */
static void test_memory(void)
{
	cleanup_free char *id = NULL, *path = NULL, *events = NULL;
	const char *used;
	uint64_t kib = 0;

	play("mem",
	     "dd if=/dev/zero of=/v/f bs=1024 count=900; until [ -e /v/go ]; do sleep 0.1; done; "
	     "dd "
	     "if=/dev/zero of=/f bs=1024 count=300",
	     "medium: Memory, sizeLimit: 1Mi", "ephemeral-storage: 256Ki");
	CHECK(ps_begins("mem-c", "Status", "Up"), "evicted without a cause");
	MUST(0, "exec mem-c touch /v/go");
	check_evicted("mem", "Pod ephemeral local storage usage exceeds");
	id = pod_id("mem");
	path = xasprintf("%s/pods/%s/events", harness.root, id);
	events = read_file(path);
	used = events ? strstr(events, "256Ki\\\". ") : NULL;
	CHECK(used && sscanf(used, "256Ki\\\". %" SCNu64 "Ki", &kib) == 1 && kib < 900,
	      "the memory was counted: %s", events);
	remove_pod("mem");
}

static CU_TestInfo tests[] = {
	{ "a volume", test_volume },
	{ "a container's layer", test_container },
	{ "a container's log", test_log },
	{ "a volume in memory", test_memory },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "diskwatch", begin, finish, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
