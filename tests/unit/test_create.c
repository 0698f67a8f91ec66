/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_create - pods on disk: made whole or not at all, taken away whole, also after a death at
 * each boundary, a full disk at each write, a record that nobody can read, and with rivals.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/str.h"
#include "engine/pod/lookup.h"
#include "engine/pod/names.h"
#include "engine/pod/pod.h"
#include "engine/state/status.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define YAML	   "kind: Pod\n"
#define WRITES_MAX 40
#define RIVALS	   6

struct fixture {
	char *path;
	struct store s;
	struct pod_plan plan;
	struct error err;
	const char *stop_at;
	int fail_at;
};

static void add_container(struct pod_plan *plan, const char *name, enum container_kind kind)
{
	struct container_spec *c;

	plan->containers = xreallocarray(plan->containers, plan->n_containers + 1, sizeof(*c));
	c = &plan->containers[plan->n_containers++];
	memset(c, 0, sizeof(*c));
	c->name = xstrdup(name);
	c->full_name = xasprintf("%s-%s", plan->pod.name, name);
	c->kind = (int)kind;
	c->image = xstrdup("nginx");
	c->config.reference = xstrdup("docker.io/library/nginx:latest");
	strlist_add(&c->config.entrypoint, "/entry");
}

static void make_plan(struct pod_plan *plan, const char *name, const char *container)
{
	struct volume_spec *v;
	struct port_spec *p;

	memset(plan, 0, sizeof(*plan));
	plan->pod.name = xstrdup(name);
	plan->kube_yaml = xstrdup(YAML);
	v = list_add(&plan->pod.volumes);
	v->name = xstrdup("data");
	v->kind = VOLUME_EMPTY_DIR;
	add_container(plan, "setup", CONTAINER_INIT);
	add_container(plan, container, CONTAINER_MEMBER);
	p = list_add(&plan->containers[1].ports);
	p->host_port = 8001;
	p->container_port = 80;
}

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	temp_store(f->path, &f->s);
	make_plan(&f->plan, "web", "ng1");
}

static void teardown(struct fixture *f)
{
	pod_plan_done(&f->plan);
	store_close(&f->s);
	temp_remove(f->path);
}

static int create(struct fixture *f)
{
	struct pod_creation c = { .lock_fd = -1 };
	int r = pod_create(&f->s, &f->plan, &c, &f->err);

	if (r == 0)
		pod_creation_done(&c);
	return r;
}

static int count(const struct fixture *f, const char *name)
{
	int fd = openat(f->s.rootfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = -2;
	cleanup_dir DIR *d = fdopendir(fd);

	while (d && readdir(d))
		n++;
	return n;
}

/* Pods, containers and names that the store holds. */
static bool holds(const struct fixture *f, int pods, int containers, int names)
{
	int p = count(f, "pods"), c = count(f, "containers"), n = count(f, "names");

	if (p != pods || c != containers || n != names)
		printf("%d pods, %d containers, %d names\n", p, c, n);
	return p == pods && c == containers && n == names;
}

static bool exists(const struct fixture *f, const char *file)
{
	char path[LAYOUT_PATH_MAX];

	return faccessat(f->s.rootfd, layout_pod(path, f->plan.pod.id, file), F_OK, 0) == 0;
}

/* ---- making ----------------------------------------------------------------------------- */

static void check_status(struct fixture *f, const char *id, const char *name, bool infra, bool init)
{
	struct container_status st;

	CU_ASSERT_EQUAL_FATAL(status_read(&f->s, id, &st, &f->err), 0);
	CU_ASSERT_EQUAL(st.state, STATE_CREATED);
	CU_ASSERT_STRING_EQUAL(st.name, name);
	CU_ASSERT_STRING_EQUAL(st.image, infra ? INFRA_IMAGE : "docker.io/library/nginx:latest");
	CU_ASSERT_STRING_EQUAL(st.command, infra ? "" : "/entry");
	CU_ASSERT_STRING_EQUAL(st.pod_id, f->plan.pod.id);
	CU_ASSERT_STRING_EQUAL(st.pod_name, "web");
	CU_ASSERT_STRING_EQUAL(st.ports, "0.0.0.0:8001->80/tcp"); /* the pod's, on each */
	CU_ASSERT_EQUAL(st.infra, infra);
	CU_ASSERT_EQUAL(st.init, init);
	CU_ASSERT_TRUE(st.created_ns > 0);
	status_done(&st);
}

static void test_records(void)
{
	struct fixture f;
	struct pod_spec pod;
	struct container_spec c;
	cleanup_free char *infra = NULL;
	char path[LAYOUT_PATH_MAX];
	struct stat st;

	setup(&f);
	f.plan.pod.id = xstrdup("stale"); /* given anew */
	CU_ASSERT_EQUAL_FATAL(create(&f), 0);
	CU_ASSERT_TRUE(is_id(f.plan.pod.id));
	CU_ASSERT_TRUE(is_id(f.plan.pod.infra_id));
	CU_ASSERT_TRUE(holds(&f, 1, 3, 3));
	CU_ASSERT_EQUAL_FATAL(lookup_read_pod(&f.s, f.plan.pod.id, &pod, &f.err), 0);
	CU_ASSERT_TRUE(record_equal(&pod_spec_type, &pod, &f.plan.pod, NULL));
	CU_ASSERT_STRING_EQUAL(pod.infra_id, f.plan.pod.infra_id);
	CU_ASSERT_EQUAL(pod.containers.n, 2);
	CU_ASSERT_TRUE(pod.containers.v[0].init);
	CU_ASSERT_STRING_EQUAL(pod.containers.v[1].id, f.plan.containers[1].id);
	record_done(&pod_spec_type, &pod);
	CU_ASSERT_EQUAL_FATAL(lookup_read_container(&f.s, f.plan.containers[1].id, &c, &f.err), 0);
	CU_ASSERT_STRING_EQUAL(c.pod_id, f.plan.pod.id);
	CU_ASSERT_TRUE(record_equal(&container_spec_type, &c, &f.plan.containers[1], NULL));
	record_done(&container_spec_type, &c);
	infra = xasprintf("%.12s-infra", f.plan.pod.id);
	check_status(&f, f.plan.pod.infra_id, infra, true, false);
	check_status(&f, f.plan.containers[0].id, "web-setup", false, true);
	check_status(&f, f.plan.containers[1].id, "web-ng1", false, false);
	CU_ASSERT_EQUAL(fstatat(f.s.rootfd, layout_pod(path, f.plan.pod.id, "kube.yaml"), &st, 0),
			0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_TRUE(exists(&f, "volumes/data"));
	teardown(&f);
}

static void test_phases(void)
{
	struct fixture f;
	struct pod_creation c;
	struct strlist ids = { 0 };
	char path[LAYOUT_PATH_MAX];

	setup(&f);
	CU_ASSERT_EQUAL_FATAL(pod_create(&f.s, &f.plan, &c, &f.err), 0);
	/* Locked until done: by this a crash is told from work in progress. */
	CU_ASSERT_TRUE(is_lock_held(f.s.rootfd, layout_pod(path, f.plan.pod.id, POD_LOCK)));
	CU_ASSERT_EQUAL(lookup_pod_phase(&f.s, f.plan.pod.id), POD_INCOMPLETE);
	CU_ASSERT_STRING_EQUAL(lookup_pod_state(&f.s, &f.plan.pod), "Incomplete");
	strlist_add(&ids, f.plan.pod.id);
	CU_ASSERT_EQUAL(pod_commit(&f.s, &ids, &f.err), 0);
	strlist_done(&ids);
	CU_ASSERT_EQUAL(lookup_pod_phase(&f.s, f.plan.pod.id), POD_COMPLETE);
	CU_ASSERT_STRING_EQUAL(lookup_pod_state(&f.s, &f.plan.pod), "Created");
	pod_creation_done(&c);
	pod_creation_done(&c);
	CU_ASSERT_FALSE(is_lock_held(f.s.rootfd, path));
	CU_ASSERT_EQUAL(pod_remove(&f.s, f.plan.pod.id, &f.err), 0);
	CU_ASSERT_TRUE(holds(&f, 0, 0, 0));
	teardown(&f);
}

/* ---- not at all ------------------------------------------------------------------------- */

static void test_names_in_use(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(create(&f), 0);
	pod_plan_done(&f.plan);
	make_plan(&f.plan, "web", "other");
	CU_ASSERT_EQUAL(create(&f), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "name 'web' is already in use by pod"));
	CU_ASSERT_TRUE(holds(&f, 1, 3, 3));
	/* Two ways to one container name. */
	pod_plan_done(&f.plan);
	make_plan(&f.plan, "web-ng1", "a-b");
	CU_ASSERT_EQUAL(create(&f), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "name 'web-ng1' is already in use by container"));
	pod_plan_done(&f.plan);
	make_plan(&f.plan, "a", "b-c");
	CU_ASSERT_EQUAL(create(&f), 0);
	pod_plan_done(&f.plan);
	make_plan(&f.plan, "a-b", "c");
	CU_ASSERT_EQUAL(create(&f), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "name 'a-b-c' is already in use by container"));
	CU_ASSERT_TRUE(holds(&f, 2, 6, 6));
	teardown(&f);
}

static void test_refused(void)
{
	struct fixture f;

	setup(&f);
	free(f.plan.pod.name);
	f.plan.pod.name = xstrdup("../x");
	CU_ASSERT_EQUAL(create(&f), -EINVAL);
	CU_ASSERT_TRUE(holds(&f, 0, 0, 0));
	free(f.plan.pod.name);
	f.plan.pod.name = xstrdup("web");
	free(f.plan.containers[1].full_name);
	f.plan.containers[1].full_name = xstrdup("a/b");
	CU_ASSERT_EQUAL(create(&f), -EINVAL);
	CU_ASSERT_TRUE(holds(&f, 0, 0, 0));
	free(f.plan.containers[1].full_name);
	f.plan.containers[1].full_name = xstrdup("web-ng1");
	free(f.plan.pod.volumes.v[0].name);
	f.plan.pod.volumes.v[0].name = xstrdup("../data");
	CU_ASSERT_EQUAL(create(&f), -EINVAL);
	CU_ASSERT_TRUE(holds(&f, 0, 0, 0));
	teardown(&f);
}

/* 0: made; ENOSPC: refused, nothing left; else something is wrong. */
static int create_on_a_full_disk(void *arg)
{
	struct fixture *f = arg;
	char fail[32];
	int r;

	(void)snprintf(fail, sizeof(fail), "write:%d:ENOSPC", f->fail_at);
	(void)setenv("PODIUM_FAIL", fail, 1);
	r = create(f);
	if (r == 0)
		return 0;
	return r == -ENOSPC && holds(f, 0, 0, 0) ? ENOSPC : 200;
}

static void test_full_disk(void)
{
	struct fixture f;
	int r = ENOSPC;

	setup(&f);
	for (f.fail_at = 1; r == ENOSPC && f.fail_at < WRITES_MAX; f.fail_at++)
		r = child_run(create_on_a_full_disk, &f);
	CU_ASSERT_EQUAL(r, 0);
	/* pod.json, kube.yaml, a spec and a state for each of three containers */
	CU_ASSERT_TRUE(f.fail_at > 8);
	CU_ASSERT_TRUE(holds(&f, 1, 3, 3));
	teardown(&f);
}

/* ---- deaths ----------------------------------------------------------------------------- */

static int create_and_die(void *arg)
{
	struct fixture *f = arg;

	(void)setenv("PODIUM_STOP_AT", f->stop_at, 1);
	return create(f) == 0 ? 1 : 2;
}

/* The only pod of the store, by its directory. */
static bool find_pod(struct fixture *f, char id[65])
{
	struct strlist ids = { 0 };
	bool found = lookup_list_pods(&f->s, &ids, &f->err) == 0 && ids.n == 1;

	if (found)
		(void)snprintf(id, 65, "%s", ids.v[0]);
	strlist_done(&ids);
	return found;
}

static void test_death_while_made(void)
{
	static const char *const stages[] = { "create:directory", "create:record",
					      "create:containers", "create:names",
					      "create:volumes" };
	struct fixture f;
	char id[65];

	setup(&f);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		f.stop_at = stages[i];
		CU_ASSERT_EQUAL(child_run(create_and_die, &f), 128 + SIGKILL);
		CU_ASSERT_TRUE_FATAL(find_pod(&f, id));
		CU_ASSERT_EQUAL(lookup_pod_phase(&f.s, id), POD_INCOMPLETE);
		CU_ASSERT_EQUAL(pod_remove(&f.s, id, &f.err), 0);
		CU_ASSERT_TRUE(holds(&f, 0, 0, 0));
		CU_ASSERT_EQUAL(pod_remove(&f.s, id, &f.err), 0);
	}
	/* and the names are free again */
	CU_ASSERT_EQUAL(create(&f), 0);
	teardown(&f);
}

static int remove_and_die(void *arg)
{
	struct fixture *f = arg;

	if (f->stop_at)
		(void)setenv("PODIUM_STOP_AT", f->stop_at, 1);
	return pod_remove(&f->s, f->plan.pod.id, &f->err) == 0 ? 0 : 2;
}

static void test_death_while_removed(void)
{
	static const char *const stages[] = { "remove:mark", "remove:containers", "remove:names" };
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		CU_ASSERT_EQUAL(create(&f), 0);
		f.stop_at = stages[i];
		CU_ASSERT_EQUAL(child_run(remove_and_die, &f), 128 + SIGKILL);
		CU_ASSERT_EQUAL(lookup_pod_phase(&f.s, f.plan.pod.id), POD_REMOVING);
		CU_ASSERT_EQUAL(pod_remove(&f.s, f.plan.pod.id, &f.err), 0);
		CU_ASSERT_TRUE(holds(&f, 0, 0, 0));
	}
	teardown(&f);
}

/* Records that nobody can read: pod.json, then a container's too. */
static void test_unreadable_records(void)
{
	struct fixture f;
	char path[LAYOUT_PATH_MAX];

	setup(&f);
	for (int round = 0; round < 2; round++) {
		CU_ASSERT_EQUAL(create(&f), 0);
		CU_ASSERT_EQUAL(fs_write_atomic(f.s.rootfd,
						layout_pod(path, f.plan.pod.id, POD_RECORD), "{", 1,
						0600, FS_NOSYNC, &f.err),
				0);
		if (round == 1)
			CU_ASSERT_EQUAL(
				fs_write_atomic(f.s.rootfd,
						layout_container(path, f.plan.containers[1].id,
								 CONTAINER_RECORD),
						"[", 1, 0600, FS_NOSYNC, &f.err),
				0);
		CU_ASSERT_EQUAL(pod_remove(&f.s, f.plan.pod.id, &f.err), 0);
		CU_ASSERT_TRUE(holds(&f, 0, 0, 0));
	}
	teardown(&f);
}

/* ---- one container ---------------------------------------------------------------------- */

static void test_remove_container(void)
{
	struct fixture f;
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;
	struct pod_spec pod;
	char path[LAYOUT_PATH_MAX];

	setup(&f);
	CU_ASSERT_EQUAL(create(&f), 0);
	/* A member that a newer version wrote is kept. */
	CU_ASSERT_EQUAL(jload_file(f.s.rootfd, layout_pod(path, f.plan.pod.id, POD_RECORD), 65536,
				   &j, &f.err),
			0);
	json_object_set_new(j, "future", json_string("kept"));
	text = jdump_text(j, 0);
	json_decref(j);
	j = NULL;
	CU_ASSERT_EQUAL(
		fs_write_atomic(f.s.rootfd, path, text, strlen(text), 0600, FS_NOSYNC, &f.err), 0);
	CU_ASSERT_EQUAL(pod_remove_container(&f.s, f.plan.containers[1].id, &f.err), 0);
	CU_ASSERT_TRUE(holds(&f, 1, 2, 2));
	CU_ASSERT_TRUE(exists(&f, POD_YAML)); /* generate follows the records */
	CU_ASSERT_EQUAL_FATAL(lookup_read_pod(&f.s, f.plan.pod.id, &pod, &f.err), 0);
	CU_ASSERT_EQUAL(pod.containers.n, 1);
	CU_ASSERT_STRING_EQUAL(pod.containers.v[0].name, "setup");
	record_done(&pod_spec_type, &pod);
	CU_ASSERT_EQUAL(jload_file(f.s.rootfd, layout_pod(path, f.plan.pod.id, POD_RECORD), 65536,
				   &j, &f.err),
			0);
	CU_ASSERT_STRING_EQUAL(jget_str(j, "future"), "kept");
	CU_ASSERT_EQUAL(names_claim(&f.s, "web-ng1", "pods/x", &f.err), 0); /* free */
	CU_ASSERT_EQUAL(names_release(&f.s, "web-ng1", "pods/x", &f.err), 0);
	CU_ASSERT_EQUAL(pod_remove_container(&f.s, f.plan.containers[1].id, &f.err), -ENOENT);
	CU_ASSERT_EQUAL(pod_remove(&f.s, f.plan.pod.id, &f.err), 0);
	CU_ASSERT_TRUE(holds(&f, 0, 0, 0));
	teardown(&f);
}

/* ---- rivals ----------------------------------------------------------------------------- */

static int create_as_rival(void *arg)
{
	int r = create(arg);

	return r == 0 ? 1 : r == -EEXIST ? 0 : 200;
}

/* Pods whose containers want one name: one is made, of the others nothing is left. */
static void test_rivals_for_a_name(void)
{
	struct fixture f;
	pid_t pids[RIVALS];

	setup(&f);
	for (int round = 0; round < 10; round++) {
		char id[65];
		int won = 0;

		for (int i = 0; i < RIVALS; i++) {
			char name[16];

			pod_plan_done(&f.plan);
			(void)snprintf(name, sizeof(name), "pod%d", i);
			make_plan(&f.plan, name, "x");
			free(f.plan.containers[1].full_name);
			f.plan.containers[1].full_name = xstrdup("shared");
			pids[i] = child_start(create_as_rival, &f);
		}
		for (int i = 0; i < RIVALS; i++)
			won += child_end(pids[i]);
		CU_ASSERT_EQUAL(won, 1);
		CU_ASSERT_TRUE(holds(&f, 1, 3, 3));
		CU_ASSERT_TRUE_FATAL(find_pod(&f, id));
		CU_ASSERT_EQUAL(pod_remove(&f.s, id, &f.err), 0);
		CU_ASSERT_TRUE(holds(&f, 0, 0, 0));
	}
	teardown(&f);
}

/* Several remove one pod: all succeed. */
static void test_rivals_at_removal(void)
{
	struct fixture f;
	pid_t pids[RIVALS];

	setup(&f);
	for (int round = 0; round < 10; round++) {
		CU_ASSERT_EQUAL(create(&f), 0);
		for (int i = 0; i < RIVALS; i++)
			pids[i] = child_start(remove_and_die, &f);
		for (int i = 0; i < RIVALS; i++)
			CU_ASSERT_EQUAL(child_end(pids[i]), 0);
		CU_ASSERT_TRUE(holds(&f, 0, 0, 0));
	}
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "records", test_records },
	{ "phases", test_phases },
	{ "names in use", test_names_in_use },
	{ "refused", test_refused },
	{ "a full disk at each write", test_full_disk },
	{ "death at each boundary while made", test_death_while_made },
	{ "death at each boundary while removed", test_death_while_removed },
	{ "unreadable records", test_unreadable_records },
	{ "one container removed", test_remove_container },
	{ "rivals for a name", test_rivals_for_a_name },
	{ "rivals at removal", test_rivals_at_removal },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "create", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
