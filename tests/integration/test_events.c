/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events - what is told of containers and pods, filtered, formatted, and followed.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/integration/harness.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

#define NAMED "--format '{{.Type}} {{.Status}} {{.Name}}'"

static void test_life(void)
{
	cleanup_result struct result r = { 0 }, j = { 0 };

	MUST(3, "run --name told -l k=v busybox sh -c 'exit 3'");
	MUST(0, "rm told");
	r = podium("events --stream=false --filter container=told " NAMED);
	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "container create told\ncontainer init told\ncontainer start told\n"
			   "container died told\ncontainer cleanup told\ncontainer remove told\n");
	j = podium("events --stream=false --filter event=died --filter label=k=v --format json");
	CHECK_CODE(j, 0);
	CHECK_HAS(j.out, "\"ContainerExitCode\":3");
	CHECK_HAS(j.out, "\"Attributes\":{\"k\":\"v\"}");
	CHECK_LACKS(j.out, "\"Status\":\"start\"");
}

static void test_exec_and_images(void)
{
	cleanup_result struct result r = { 0 };

	MUST(0, "run -d --name execd busybox sleep 1000");
	MUST(0, "exec execd true");
	MUST(0, "tag busybox toldname");
	MUST(0, "rmi toldname");
	r = podium("events --stream=false --filter container=execd --filter event=exec "
		   "--filter event=exec_died " NAMED);
	CHECK_EQUAL(r.out, "container exec execd\ncontainer exec_died execd\n");
	result_done(&r);
	r = podium("events --stream=false --filter type=image " NAMED);
	CHECK_HAS(r.out, "image tag toldname\nimage untag localhost/toldname:latest\n");
	MUST(0, "diff --latest");
	MUST(125, "diff");
	MUST(0, "rm -f -t 0 execd");
}

#define CHECK_TOLD(text, ...)                                                            \
	({                                                                               \
		cleanup_result struct result told_ =                                     \
			podium("events --stream=false " NAMED " --filter " __VA_ARGS__); \
		CHECK_CODE(told_, 0);                                                    \
		CHECK_EQUAL(told_.out, text);                                            \
	})

/* Whatever a command does is told. */
static void test_verbs(void)
{
	cleanup_free char *tar = xasprintf("%s/told.tar", harness.work);

	MUST(0, "run -d --name verb busybox sleep 1000");
	MUST(0, "pause verb");
	MUST(0, "unpause verb");
	MUST(0, "kill -s USR1 verb");
	MUST(0, "rename verb verbed");
	MUST(0, "restart -t 0 verbed");
	MUST(0, "commit -q verbed toldimage");
	MUST(0, "save -o %s toldimage", tar);
	MUST(0, "network create --subnet 10.76.1.0/24 toldnet");
	MUST(0, "network connect toldnet verbed");
	MUST(0, "network disconnect toldnet verbed");
	MUST(0, "network rm toldnet");
	MUST(0, "rm -f -t 0 verbed");
	MUST(0, "rmi toldimage");
	CHECK_TOLD("container rename verbed\ncontainer died verbed\ncontainer stop verbed\n"
		   "container cleanup verbed\ncontainer restart verbed\n"
		   "container init verbed\ncontainer start verbed\ncontainer commit verbed\n"
		   "container died verbed\ncontainer stop verbed\ncontainer cleanup verbed\n"
		   "container remove verbed\n",
		   "container=verbed");
	CHECK_TOLD("network create toldnet\nnetwork connect toldnet\nnetwork disconnect "
		   "toldnet\nnetwork remove toldnet\n",
		   "network=toldnet");
	CHECK(exists("%s", tar), "no archive");
	{
		cleanup_result struct result r = podium("events --stream=false --filter "
							"event=save " NAMED);

		CHECK_HAS(r.out, "image save /");
		CHECK_HAS(r.out, "told.tar\n");
	}
	MUST(0, "pod create --name toldverbs");
	MUST(0, "create --pod toldverbs --name toldmember busybox sleep 1000");
	MUST(0, "pod start toldverbs");
	MUST(0, "pod pause toldverbs");
	MUST(0, "pod unpause toldverbs");
	MUST(0, "pod kill toldverbs");
	MUST(0, "pod rm -f toldverbs");
	CHECK_TOLD("pod create toldverbs\npod start toldverbs\npod pause toldverbs\n"
		   "pod unpause toldverbs\npod stop toldverbs\npod kill toldverbs\n"
		   "pod remove toldverbs\n",
		   "pod=toldverbs --filter type=pod");
	{
		cleanup_result struct result r =
			podium_stdin("hidden", "secret create toldsecret -");

		CHECK_CODE(r, 0);
	}
	MUST(0, "secret rm toldsecret");
	CHECK_TOLD("secret create toldsecret\nsecret remove toldsecret\n", "secret=toldsecret");
}

static void test_pod(void)
{
	cleanup_result struct result r = { 0 };

	MUST(0, "pod create --name toldpod");
	MUST(0, "pod rm -f toldpod");
	r = podium("events --stream=false --filter pod=toldpod --filter type=pod " NAMED);
	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "pod create toldpod\npod remove toldpod\n");
}

static void test_follow(void)
{
	struct job j = job_podium("events --filter container=followed " NAMED);
	struct result end;

	(void)usleep(300000);
	MUST(0, "run -d --name followed busybox sleep 1000");
	CHECK(WAIT_UNTIL(({
				 cleanup_free char *out = job_output(&j);
				 strstr(out, "container start followed\n") != NULL;
			 }),
			 DEADLINE_MS),
	      "the start is not told");
	MUST(0, "rm -f -t 0 followed");
	CHECK(WAIT_UNTIL(({
				 cleanup_free char *out = job_output(&j);
				 strstr(out, "container remove followed\n") != NULL;
			 }),
			 DEADLINE_MS),
	      "the removal is not told");
	(void)kill(j.pid, SIGTERM);
	end = job_wait(&j, DEADLINE_MS);
	result_done(&end);
}

static void test_words(void)
{
	cleanup_result struct result until = podium("events --since 1h --until 0s");
	cleanup_result struct result none = podium("events --stream=false --since 0s");

	CHECK_CODE(until, 0);
	CHECK_HAS(until.out, "container create ");
	CHECK_HAS(until.out, "(image=docker.io/library/busybox:latest, name=told, k=v)");
	CHECK_CODE(none, 0);
	CHECK_EQUAL(none.out, "");
	MUST(125, "events --stream=false --filter nix=1");
	MUST(125, "events --stream=false --since nix");
	MUST(125, "events --stream=false --format {{.Nix}}");
}

static CU_TestInfo tests[] = {
	{ "every verb", test_verbs },
	{ "a container's life", test_life },
	{ "exec, images", test_exec_and_images },
	{ "a pod", test_pod },
	{ "following", test_follow },
	{ "times, filters, formats", test_words },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "events", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
