/* SPDX-License-Identifier: Apache-2.0 */
/* test_play_images - when play asks a registry, and which credentials it takes along. */
#include "cmd/podium/play/play_images.h"

#include <errno.h>
#include <string.h>

#include "tests/support/cunit_main.h"
#include "tests/support/fakestore.h"

static void test_policies(void)
{
#define DIGEST "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	static const struct {
		const char *policy;
		const char *name;
		enum play_pull want;
	} rows[] = {
		{ NULL, "nginx", PLAY_PULL_NEWER },
		{ NULL, "nginx:latest", PLAY_PULL_NEWER },
		{ NULL, "nginx:1", PLAY_PULL_MISSING },
		{ NULL, "nginx" DIGEST, PLAY_PULL_MISSING },
		{ NULL, "nginx:latest" DIGEST, PLAY_PULL_MISSING },
		{ NULL, "nginx:1" DIGEST, PLAY_PULL_MISSING },
		{ NULL, "localhost/nginx", PLAY_PULL_NEVER },
		{ NULL, "localhost:5000/nginx", PLAY_PULL_NEWER },
		{ "Always", "nginx", PLAY_PULL_ALWAYS },
		{ "Always", "nginx:1", PLAY_PULL_ALWAYS },
		{ "Always", "nginx" DIGEST, PLAY_PULL_ALWAYS },
		{ "Always", "localhost/nginx:1", PLAY_PULL_NEVER },
		{ "Always", "docker.io/localhost/nginx:1", PLAY_PULL_ALWAYS },
		{ "IfNotPresent", "nginx", PLAY_PULL_MISSING },
		{ "IfNotPresent", "nginx:1", PLAY_PULL_MISSING },
		{ "Never", "nginx", PLAY_PULL_NEVER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct reference name;
		struct error err = { 0 };

		CU_ASSERT_EQUAL(reference_parse(rows[i].name, &name, &err), 0);
		CU_ASSERT_EQUAL(play_pull_policy(rows[i].policy, &name), rows[i].want);
		if (play_pull_policy(rows[i].policy, &name) != rows[i].want)
			printf("row %zu\n", i);
	}
}

/* Two pods: what each container wants, by the store, which is empty. */
static int choose(const char *containers_a, const char *containers_b, struct kube_result *plans,
		  struct play_images *ret, struct error *err)
{
	static const char secrets[] =
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: one}\n"
		"type: kubernetes.io/dockercfg\nstringData: {.dockercfg: '{\"1\": {}}'}\n"
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: two}\n"
		"type: kubernetes.io/dockercfg\nstringData: {.dockercfg: '{\"2\": {}}'}\n";
	cleanup_free char *text =
		xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
			  "spec: {imagePullSecrets: [{name: one}], containers: [%s]}\n"
			  "---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n"
			  "spec: {imagePullSecrets: [{name: two}, {name: one}], containers: [%s]}\n"
			  "%s",
			  containers_a, containers_b, secrets);
	struct kube_input how = { .for_play = true };
	struct fakestore f;
	int r;

	CU_ASSERT_TRUE_FATAL(fakestore_init(&f));
	kube_load_text(&how, "text", text, strlen(text), plans);
	CU_ASSERT_EQUAL_FATAL(plans->n, 2);
	r = play_images_choose(&f.store, plans, NULL, ret, err);
	fakestore_done(&f);
	return r;
}

static void test_wanted_once(void)
{
	cleanup_kube_result struct kube_result plans = { 0 };
	cleanup_play_images struct play_images p = { 0 };
	struct error err = { 0 };

	CU_ASSERT_EQUAL(choose("{name: c, image: x}, {name: d, image: 'y:1'}",
			       "{name: e, image: x, imagePullPolicy: Always}, "
			       "{name: f, image: x, imagePullPolicy: IfNotPresent}",
			       &plans, &p, &err),
			0);
	CU_ASSERT_EQUAL_FATAL(p.n, 2);
	CU_ASSERT_STRING_EQUAL(p.v[0].name, "x");
	CU_ASSERT_STRING_EQUAL(p.v[0].policy, "always"); /* the strictest */
	CU_ASSERT_STRING_EQUAL(p.uses[0].name, "c");
	CU_ASSERT_STRING_EQUAL(p.uses[0].pod->name, "a");
	CU_ASSERT_EQUAL_FATAL(p.auths[0].n, 2); /* of both pods, each once */
	CU_ASSERT_STRING_EQUAL(p.auths[0].v[0], "{\"1\": {}}");
	CU_ASSERT_STRING_EQUAL(p.auths[0].v[1], "{\"2\": {}}");
	CU_ASSERT_STRING_EQUAL(p.v[1].policy, "missing");
	CU_ASSERT_EQUAL(p.auths[1].n, 1);
	/* What it was pulled as is what is looked up. */
	CU_ASSERT_STRING_EQUAL(play_images_name(&p, plans.v[0].containers[0].image), "x");
	p.v[0].full = xstrdup("docker.io/library/x:latest");
	CU_ASSERT_STRING_EQUAL(play_images_name(&p, plans.v[1].containers[0].image),
			       "docker.io/library/x:latest");
}

/* A volume that is an image is wanted like a container's. */
static void test_volumes(void)
{
	static const char text[] =
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
		"spec:\n  containers: [{name: c, image: 'x:1', imagePullPolicy: IfNotPresent}]\n"
		"  volumes:\n  - {name: v, image: {reference: 'y:1', pullPolicy: Always}}\n"
		"  - {name: w, image: {reference: 'x:1', pullPolicy: Always}}\n"
		"  - {name: e, emptyDir: {}}\n";
	cleanup_kube_result struct kube_result plans = { 0 };
	cleanup_play_images struct play_images p = { 0 };
	struct kube_input how = { .for_play = true };
	struct error err = { 0 };
	struct fakestore f;

	CU_ASSERT_TRUE_FATAL(fakestore_init(&f));
	kube_load_text(&how, "text", text, strlen(text), &plans);
	CU_ASSERT_EQUAL(play_images_choose(&f.store, &plans, NULL, &p, &err), 0);
	fakestore_done(&f);
	CU_ASSERT_EQUAL_FATAL(p.n, 2);
	CU_ASSERT_STRING_EQUAL(p.v[0].policy, "always"); /* the volume's is stricter */
	CU_ASSERT_STRING_EQUAL(p.v[1].name, "y:1");
	CU_ASSERT_STRING_EQUAL(p.uses[1].kind, "volume");
	CU_ASSERT_STRING_EQUAL(p.uses[1].name, "v");
}

static void test_never(void)
{
	static const char *const containers[] = {
		"{name: d, image: x, imagePullPolicy: Never}",
		"{name: d, image: localhost/x}",
		"{name: d, image: localhost/x, imagePullPolicy: Always}",
		"{name: d, image: 'x:/y'}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(containers); i++) {
		cleanup_kube_result struct kube_result plans = { 0 };
		cleanup_play_images struct play_images p = { 0 };
		struct error err = { 0 };

		CU_ASSERT(choose("{name: c, image: x}", containers[i], &plans, &p, &err) < 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "pod 'b': container 'd': "));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, i == 3 ? "x:/y" : "x"));
		CU_ASSERT_EQUAL(strstr(err.text, "imagePullPolicy is Never") != NULL, i == 0);
	}
}

static CU_TestInfo tests[] = {
	{ "policies", test_policies },
	{ "an image is wanted once", test_wanted_once },
	{ "volumes that are images", test_volumes },
	{ "an image that must not be pulled", test_never },
	CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
	{ "images of a play", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
