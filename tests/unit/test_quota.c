/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_quota - limits of disk space: which there are, what is measured for them, and what is said
 * when one is exceeded.
 */
#include "engine/conductor/quota.h"

#include <string.h>

#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

#define N 4 /* an init, a sidecar, two members */
#define V 4 /* on disk with and without a limit, in memory, of the host */
#define K 1024

struct world {
	struct pod_spec pod;
	struct container_spec specs[N];
	struct quota quota;
	bool has_any;
};

/* limits: of the containers, NULL: none; volume: the sizeLimit of the first and the third. */
static void setup(struct world *w, const char *const limits[N], int64_t volume)
{
	static const char *const names[] = { "i", "s", "a", "b" };

	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < N; i++) {
		struct container_ref *ref = list_add(&w->pod.containers);

		ref->name = xstrdup(names[i]);
		ref->init = i < 2;
		ref->sidecar = i == 1;
		if (limits[i])
			pairlist_set(&w->specs[i].resources.other_limits, "ephemeral-storage",
				     limits[i]);
	}
	for (size_t i = 0; i < V; i++) {
		struct volume_spec *v = list_add(&w->pod.volumes);

		v->name = xasprintf("v%zu", i);
		v->kind = i == 3 ? VOLUME_HOST_PATH : VOLUME_EMPTY_DIR;
		v->memory = i == 2;
		v->size_bytes = i == 0 || i == 2 ? volume : 0;
	}
	w->has_any = quota_read(&w->pod, w->specs, &w->quota);
}

static void teardown(struct world *w)
{
	quota_done(&w->quota);
	for (size_t i = 0; i < N; i++)
		record_done(&container_spec_type, &w->specs[i]);
	record_done(&pod_spec_type, &w->pod);
}

static void test_limits(void)
{
	static const struct {
		const char *limits[N];
		int64_t volume, pod;
		bool has_any;
	} cases[] = {
		{ { NULL, NULL, NULL, NULL }, 0, 0, false },
		{ { "0", NULL, "0", NULL }, 0, 0, false },
		{ { NULL, NULL, NULL, NULL }, K, 0, true },
		{ { NULL, NULL, "1Ki", NULL }, 0, K, true }, /* one is enough */
		{ { NULL, NULL, "1Ki", "2Ki" }, 0, 3 * K, true },
		{ { "9Ki", "1Ki", "1Ki", "2Ki" }, 0, 9 * K, true },
		{ { "3Ki", "1Ki", "1Ki", "2Ki" }, 0, 4 * K, true },
		{ { NULL, NULL, "8Ei", "8Ei" }, 0, INT64_MAX, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world w;

		setup(&w, cases[i].limits, cases[i].volume);
		CU_ASSERT_EQUAL(w.has_any, cases[i].has_any);
		CU_ASSERT_EQUAL(w.quota.pod, cases[i].pod);
		for (size_t k = 0; w.has_any && k < N; k++)
			CU_ASSERT_EQUAL(is_quota_container(&w.quota, k), cases[i].pod > 0);
		for (size_t k = 0; w.has_any && k < V; k++)
			CU_ASSERT_EQUAL(is_quota_volume(&w.quota, &w.pod, k),
					(k == 0 && cases[i].volume) || (k < 2 && cases[i].pod));
		teardown(&w);
	}
}

#define VOLUME(use) "Usage of EmptyDir volume \"v0\" exceeds the limit \"1Ki\". " use " are used."
#define POD(use)                                                                                \
	"Pod ephemeral local storage usage exceeds the total limit of containers \"4Ki\". " use \
	" are used."
#define MEMBER(use) \
	"Container a exceeded its local ephemeral storage limit \"1Ki\". " use " are used."

static void test_exceeded(void)
{
	static const char *const limits[] = { NULL, NULL, "1Ki", "3Ki" };
	static const struct {
		int64_t containers[N], volumes[V];
		const char *text;
	} cases[] = {
		{ { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, NULL },
		{ { 0, 0, K, 3 * K }, { 0, 0, 0, 0 }, NULL }, /* all of it is not more */
		{ { 0, 0, K + 512, 0 }, { 0, 0, 0, 0 }, MEMBER("1536") },
		{ { 0, 0, K, 3 * K + 1 }, { 0, 0, 0, 0 }, POD("4097") },
		{ { 0, 0, 2 * K, 0 }, { 2 * K, 3 * K, 0, 0 }, VOLUME("2Ki") },
		{ { 0, 0, K, 0 }, { K, 3 * K, 0, 0 }, POD("5Ki") },
		{ { 2 * K, 2 * K, 0, 0 }, { 0, 512, 0, 0 }, POD("4608") }, /* inits, sidecars */
		{ { 0, 0, 0, 0 }, { 0, 0, 99 * K, 99 * K }, NULL },	   /* memory, the host's */
		{ { 0, INT64_MAX, INT64_MAX, 0 }, { 0, 0, 0, 0 }, POD("9223372036854775807") },
	};
	struct world w;

	setup(&w, limits, K);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct quota_usage usage = { cases[i].containers, cases[i].volumes };
		cleanup_free char *text = quota_exceeded(&w.quota, &w.pod, &usage);

		if (!is_equal(text, cases[i].text))
			printf("case %zu: %s\n", i, text ? text : "nothing");
		CU_ASSERT_TRUE(is_equal(text, cases[i].text));
	}
	teardown(&w);
}

static CU_TestInfo tests[] = {
	{ "which limits there are", test_limits },
	{ "what is exceeded", test_exceeded },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "quota", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
