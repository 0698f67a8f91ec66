/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system - df with all its rows, prune, and reset, after which nothing is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

#define CHECK_EXACT(text, ...)                                             \
	({                                                                 \
		cleanup_result struct result exact_ = podium(__VA_ARGS__); \
		CHECK_CODE(exact_, 0);                                     \
		CHECK_EQUAL(exact_.out, text);                             \
	})

static void test_reset(void)
{
	cleanup_snapshot struct snapshot before = { 0 };
	cleanup_result struct result r = { 0 };
	cleanup_free char *archive = image_archive("busybox");

	snapshot_take(&before);
	harness_fresh("reset");
	MUST(0, "load -i %s", archive);
	MUST(0, "network create --subnet 10.79.1.0/24 rnet");
	MUST(0, "volume create rvol");
	MUST(0, "run -d --name lives --network rnet -v rvol:/data busybox sleep 1000");
	MUST(0, "run -d --name other -p 18077:80 busybox sleep 1000");
	MUST(0, "mount lives");
	MUST(0, "image mount busybox");
	MUST(0, "pod create --name rpod");
	r = podium_stdin("hidden", "secret create rsecret -");
	CHECK_CODE(r, 0);
	result_done(&r);
	r = play_text("rjob", "",
		      "apiVersion: batch/v1\nkind: Job\nmetadata: {name: rjob}\nspec:\n"
		      "  template:\n    spec:\n      restartPolicy: Never\n      containers:\n"
		      "      - {name: c, image: busybox, command: [sleep, '1000']}\n---\n"
		      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rmap}\ndata: {a: b}\n");
	CHECK_CODE(r, 0);
	result_done(&r);

	r = podium_stdin("n\n", "system reset");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "WARNING! This will remove:\n        - all containers\n");
	CHECK(is_inspected("lives", "{{.State.Status}}", "running"), "a no is a no");
	result_done(&r);

	CHECK_EXACT("", "system reset --force");
	CHECK_EXACT("", "ps -aq");
	CHECK_EXACT("", "pod ps -q");
	CHECK_EXACT("", "images -q");
	CHECK_EXACT("", "volume ls -q");
	CHECK_EXACT("", "secret ls -q");
	CHECK_EXACT("podium\n", "network ls -q --format {{.Name}}");
	CHECK_EXACT("", "kube get configmaps -o name");
	CHECK_EXACT("", "system reset -f"); /* of an empty one */
	MUST(0, "load -i %s", archive);
	CHECK_EXACT("again\n", "run --rm busybox echo again");
	MUST(0, "system reset -f");
	harness_store(NULL, NULL);
	CHECK_NOTHING_LEFT(&before, "reset");
}

static CU_TestInfo tests[] = {
	{ "reset", test_reset },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "system", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
