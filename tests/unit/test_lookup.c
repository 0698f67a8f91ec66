/* SPDX-License-Identifier: Apache-2.0 */
/* test_lookup - what a name means, which records are there, and a pod's state. */
#include "engine/pod/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"
#include "tests/support/fakestore.h"

static struct fakestore fake;
static char web[4][65], api[4][65];
static const char *const members[] = { "ng1", "ng2", NULL };
static const char *const api_members[] = { "ng1", "db", NULL };

static int set_up(void)
{
	if (!fakestore_init(&fake))
		return 1;
	fakestore_add_pod(&fake, "web", members, 0, web);
	fakestore_add_pod(&fake, "api", api_members, 0, api);
	return 0;
}

static int tear_down(void)
{
	fakestore_done(&fake);
	return 0;
}

static void check_pod(const char *name, const char *want)
{
	struct error err = { 0 };
	char id[65] = "";
	int r = lookup_pod(&fake.store, name, id, &err);

	CU_ASSERT_EQUAL(r, want ? 0 : -ENOENT);
	if (want)
		CU_ASSERT_STRING_EQUAL(id, want);
	if (!want)
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "found: no such pod"));
}

static void check_container(const char *name, const char *want)
{
	struct error err = { 0 };
	char id[65] = "";
	int r = lookup_container(&fake.store, name, id, &err);

	if ((r == 0) != (want != NULL))
		printf("'%s': %s\n", name, err.text);
	CU_ASSERT_EQUAL(r, want ? 0 : -ENOENT);
	if (want)
		CU_ASSERT_STRING_EQUAL(id, want);
}

static void test_pods(void)
{
	static const char *const none[] = { "",	    ".",       "..",	  "we",	       "webb",
					    "web/", "../pods", "web-ng1", "names/web", "zz" };
	char prefix[65];

	check_pod("web", web[0]);
	check_pod(web[0], web[0]);
	(void)snprintf(prefix, sizeof(prefix), "%.12s", web[0]);
	check_pod(prefix, web[0]);
	check_pod(web[1], NULL); /* a container's id */
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		check_pod(none[i], NULL);
}

static void test_containers(void)
{
	static const char *const none[] = { "",	       "ng3",	    "web",
					    "web/ng3", "nope/ng1",  "web/",
					    "/ng1",    "web/ng1/x", "../containers",
					    "-ng1",    "web-" };
	cleanup_free char *infra = xasprintf("%.12s-infra", web[0]);
	cleanup_free char *by_pod_id = xasprintf("%.10s/ng2", web[0]);
	char prefix[65];

	check_container("web-ng1", web[2]);
	check_container("web/ng1", web[2]);
	check_container("api/ng1", api[2]);
	check_container("ng2", web[3]);
	check_container("db", api[3]);
	check_container(web[3], web[3]);
	check_container(by_pod_id, web[3]);
	check_container(infra, web[1]);
	(void)snprintf(prefix, sizeof(prefix), "%.12s", api[3]);
	check_container(prefix, api[3]);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		check_container(none[i], NULL);
}

static void test_ambiguous(void)
{
	struct error err = { 0 };
	char id[65], prefix[2] = { web[0][0], '\0' };
	char twin[65], path[LAYOUT_PATH_MAX];

	CU_ASSERT_EQUAL(lookup_container(&fake.store, "ng1", id, &err), -ENOTUNIQ);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "web-ng1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "api-ng1"));
	memcpy(twin, web[0], sizeof(twin));
	twin[63] = twin[63] == '0' ? '1' : '0';
	CU_ASSERT_EQUAL(mkdirat(fake.store.rootfd, layout_pod(path, twin, NULL), 0700), 0);
	CU_ASSERT_EQUAL(lookup_pod(&fake.store, prefix, id, &err), -ENOTUNIQ);
	check_pod(web[0], web[0]);
	CU_ASSERT_EQUAL(unlinkat(fake.store.rootfd, path, AT_REMOVEDIR), 0);
}

/* A claim that points nowhere, elsewhere, or is no claim, names nothing. */
static void test_bad_claims(void)
{
	static const char *const targets[] = {
		"pods/x", "/etc/passwd", "../../etc",
		"pods/0000000000000000000000000000000000000000000000000000000000000000",
		"containers"
	};
	char path[LAYOUT_PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		CU_ASSERT_EQUAL(symlinkat(targets[i], fake.store.rootfd, "names/bad"), 0);
		check_pod("bad", NULL);
		check_container("bad", NULL);
		CU_ASSERT_EQUAL(unlinkat(fake.store.rootfd, "names/bad", 0), 0);
	}
	/* Outside of names/ a link is no claim, whatever is typed. */
	CU_ASSERT_EQUAL(symlinkat(layout_pod(path, web[0], NULL), fake.store.rootfd, "evil"), 0);
	check_pod("../evil", NULL);
	CU_ASSERT_EQUAL(unlinkat(fake.store.rootfd, "evil", 0), 0);
	fakestore_file(&fake, "names/bad", web[0]);
	check_pod("bad", NULL);
	fakestore_file(&fake, "names/bad", NULL);
}

static void test_lists(void)
{
	struct store nowhere = { .rootfd = -1, .runfd = -1 };
	struct strlist ids = { 0 };
	struct error err = { 0 };
	char id[65];

	CU_ASSERT_EQUAL(lookup_list_pods(&fake.store, &ids, &err), 0);
	CU_ASSERT_TRUE(ids.n == 2 && strlist_has(&ids, web[0]) && strlist_has(&ids, api[0]));
	strlist_done(&ids);
	CU_ASSERT_EQUAL(lookup_list_containers(&fake.store, &ids, &err), 0);
	CU_ASSERT_EQUAL(ids.n, 6);
	strlist_done(&ids);
	CU_ASSERT_EQUAL(lookup_list_pods(&nowhere, &ids, &err), 0);
	CU_ASSERT_EQUAL(lookup_list_containers(&nowhere, &ids, &err), 0);
	CU_ASSERT_EQUAL(ids.n, 0);
	CU_ASSERT_EQUAL(lookup_pod(&nowhere, "web", id, &err), -ENOENT);
	CU_ASSERT_EQUAL(lookup_container(&nowhere, "web-ng1", id, &err), -ENOENT);
}

static void test_records(void)
{
	char path[LAYOUT_PATH_MAX];
	struct container_spec spec;
	struct pod_spec pod;
	struct error err = { 0 };

	CU_ASSERT_EQUAL(lookup_read_pod(&fake.store, web[0], &pod, &err), 0);
	CU_ASSERT_STRING_EQUAL(pod.name, "web");
	CU_ASSERT_EQUAL(pod.containers.n, 2);
	record_done(&pod_spec_type, &pod);
	CU_ASSERT_EQUAL(lookup_read_container(&fake.store, web[3], &spec, &err), 0);
	CU_ASSERT_STRING_EQUAL(spec.name, "ng2");
	record_done(&container_spec_type, &spec);
	fakestore_file(&fake, layout_container(path, api[3], "spec.json"), "{\"name\": 3}");
	CU_ASSERT_EQUAL(lookup_read_container(&fake.store, api[3], &spec, &err), -EBADMSG);
	CU_ASSERT_TRUE(is_prefix(err.text, "container '") && strstr(err.text, "'name'"));
	fakestore_file(&fake, path, "{\"name\":");
	CU_ASSERT_EQUAL(lookup_read_container(&fake.store, api[3], &spec, &err), -EBADMSG);
	fakestore_file(&fake, path, NULL);
	CU_ASSERT_EQUAL(lookup_read_container(&fake.store, api[3], &spec, &err), -ENOENT);
	check_container("db", api[3]); /* it still has to be found, to be removed */
}

static void check_state(const char *want)
{
	struct pod_spec pod;
	struct error err = { 0 };

	CU_ASSERT_EQUAL(lookup_read_pod(&fake.store, web[0], &pod, &err), 0);
	CU_ASSERT_STRING_EQUAL(lookup_pod_state(&fake.store, &pod), want);
	record_done(&pod_spec_type, &pod);
}

static void test_phase(void)
{
	char path[LAYOUT_PATH_MAX];

	CU_ASSERT_EQUAL(lookup_pod_phase(&fake.store, web[0]), POD_COMPLETE);
	fakestore_file(&fake, layout_pod(path, web[0], "removing"), "");
	CU_ASSERT_EQUAL(lookup_pod_phase(&fake.store, web[0]), POD_REMOVING);
	check_state("Removing");
	fakestore_file(&fake, path, NULL);
	fakestore_file(&fake, layout_pod(path, web[0], "complete"), NULL);
	CU_ASSERT_EQUAL(lookup_pod_phase(&fake.store, web[0]), POD_INCOMPLETE);
	check_state("Incomplete");
	fakestore_file(&fake, path, "");
	CU_ASSERT_EQUAL(lookup_pod_phase(&fake.store, "nothing"), POD_INCOMPLETE);
}

/* Locks are held, so that what the records say is true. */
static void test_states(void)
{
	char path[LAYOUT_PATH_MAX];
	int locks[3];

	locks[0] = fakestore_lock(&fake, layout_pod(path, web[0], CONDUCTOR_LOCK));
	locks[1] = fakestore_lock(&fake, layout_container(path, web[2], MONITOR_LOCK));
	locks[2] = fakestore_lock(&fake, layout_container(path, web[3], MONITOR_LOCK));
	check_state("Created");
	for (int i = 1; i < 4; i++)
		fakestore_set_state(&fake, web[i], STATE_RUNNING, 0);
	check_state("Running");
	fakestore_set_state(&fake, web[2], STATE_RESTARTING, 1);
	check_state("Degraded");
	fakestore_set_state(&fake, web[2], STATE_EXITED, 0);
	check_state("Degraded");
	fakestore_set_state(&fake, web[3], STATE_EXITED, 0);
	check_state("Degraded");
	fakestore_set_state(&fake, web[1], STATE_EXITED, 0);
	check_state("Exited");
	fakestore_set_state(&fake, web[2], STATE_CREATED, 0);
	check_state("Stopped");
	for (int i = 1; i < 4; i++)
		fakestore_set_state(&fake, web[i], STATE_PAUSED, 0);
	check_state("Paused");
	/* The machine goes down: nothing of it runs, whatever the records say. */
	fakestore_set_state(&fake, web[2], STATE_RUNNING, 0);
	for (int i = 0; i < 3; i++)
		(void)close(locks[i]);
	check_state("Exited");
}

static void test_tally(void)
{
	struct container_status init = { .init = true };
	struct container_status member = { 0 };
	struct pod_tally t = { 0 };

	CU_ASSERT_STRING_EQUAL(lookup_tally_state(&t), "Created");
	lookup_tally_add(&t, &member, STATE_RUNNING);
	lookup_tally_add(&t, &init, STATE_EXITED);
	CU_ASSERT_EQUAL(t.containers, 1);
	CU_ASSERT_STRING_EQUAL(lookup_tally_state(&t), "Running");
	init.exit_code = 3;
	lookup_tally_add(&t, &init, STATE_EXITED);
	CU_ASSERT_STRING_EQUAL(lookup_tally_state(&t), "Degraded");
	t = (struct pod_tally){ 0 };
	lookup_tally_add(&t, &member, STATE_REMOVING);
	lookup_tally_add(&t, &member, STATE_CREATED);
	CU_ASSERT_STRING_EQUAL(lookup_tally_state(&t), "Error");
	t = (struct pod_tally){ 0 };
	lookup_tally_add(&t, &member, STATE_EXITED);
	lookup_tally_add(&t, &member, STATE_RESTARTING);
	CU_ASSERT_STRING_EQUAL(lookup_tally_state(&t), "Degraded");
	t = (struct pod_tally){ 0 };
	lookup_tally_add(&t, &member, STATE_CREATED);
	lookup_tally_add(&t, &member, STATE_STOPPING);
	CU_ASSERT_STRING_EQUAL(lookup_tally_state(&t), "Degraded");
	t = (struct pod_tally){ 0 };
	lookup_tally_add(&t, &member, STATE_INITIALIZED);
	CU_ASSERT_STRING_EQUAL(lookup_tally_state(&t), "Created");
	lookup_tally_add(&t, &member, STATE_RUNNING);
	CU_ASSERT_STRING_EQUAL(lookup_tally_state(&t), "Degraded");
}

static CU_TestInfo tests[] = {
	{ "pods by name and id", test_pods },
	{ "containers by every name", test_containers },
	{ "what is ambiguous", test_ambiguous },
	{ "claims that are none", test_bad_claims },
	{ "lists", test_lists },
	{ "records", test_records },
	{ "phases", test_phase },
	{ "states of a pod", test_states },
	{ "counting", test_tally },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "lookup", set_up, tear_down, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
