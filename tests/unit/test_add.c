/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_add - members that are added to a pod on disk, other names, what a boot finds and starts.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/state/status.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

struct fixture {
	char *path;
	struct store s;
	struct pod_plan plan;
	struct container_spec added;
	struct volume_list volumes;
	struct error err;
};

static void fill(struct container_spec *c, const char *name)
{
	*c = (struct container_spec){ .name = xstrdup(name),
				      .full_name = xstrdup(name),
				      .kind = CONTAINER_MEMBER,
				      .image = xstrdup("nginx") };
	c->config.reference = xstrdup("docker.io/library/nginx:latest");
}

static void add_volume(struct fixture *f, const char *name)
{
	struct volume_spec *v = list_add(&f->volumes);
	struct mount_spec *m = list_add(&f->added.mounts);

	v->name = xstrdup(name);
	v->kind = VOLUME_HOST_PATH;
	v->host_path = xstrdup("/tmp");
	m->volume = xstrdup(name);
	m->target = xasprintf("/%s", name);
}

static void setup(struct fixture *f, bool solo)
{
	struct pod_creation c = { .lock_fd = -1 };
	struct strlist ids = { 0 };
	struct volume_spec *v;

	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	temp_store(f->path, &f->s);
	f->plan.pod.name = xstrdup(solo ? "one" : "web");
	f->plan.pod.solo = solo;
	v = list_add(&f->plan.pod.volumes);
	v->name = xstrdup("data");
	v->kind = VOLUME_EMPTY_DIR;
	f->plan.n_containers = 1;
	f->plan.containers = xcalloc(1, sizeof(*f->plan.containers));
	fill(&f->plan.containers[0], "one");
	CU_ASSERT_EQUAL_FATAL(pod_create(&f->s, &f->plan, &c, &f->err), 0);
	strlist_add(&ids, f->plan.pod.id);
	CU_ASSERT_EQUAL_FATAL(pod_commit(&f->s, &ids, &f->err), 0);
	pod_creation_done(&c);
	strlist_done(&ids);
	fill(&f->added, "two");
}

static void teardown(struct fixture *f)
{
	struct pod_spec owner = { .volumes = f->volumes };

	record_done(&pod_spec_type, &owner);
	record_done(&container_spec_type, &f->added);
	pod_plan_done(&f->plan);
	store_close(&f->s);
	temp_remove(f->path);
}

static int add(struct fixture *f)
{
	struct pod_creation c = { .lock_fd = -1 };
	int r = pod_add_container(&f->s, f->plan.pod.id, &f->added, &f->volumes, &c, &f->err);

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

static bool has_file(const struct fixture *f, const char *file)
{
	char path[LAYOUT_PATH_MAX];

	return faccessat(f->s.rootfd, layout_pod(path, f->plan.pod.id, file), F_OK, 0) == 0;
}

static void test_whole(void)
{
	struct container_status st = { 0 };
	struct pod_spec pod;
	struct fixture f;
	char id[65];

	setup(&f, false);
	add_volume(&f, "data"); /* the pod has one of that name */
	add_volume(&f, "more");
	CU_ASSERT_EQUAL_FATAL(add(&f), 0);
	CU_ASSERT_FALSE(has_file(&f, "adding"));
	CU_ASSERT_EQUAL_FATAL(lookup_read_pod(&f.s, f.plan.pod.id, &pod, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(pod.containers.n, 2);
	CU_ASSERT_STRING_EQUAL(pod.containers.v[1].id, f.added.id);
	CU_ASSERT_EQUAL_FATAL(pod.volumes.n, 3);
	CU_ASSERT_STRING_NOT_EQUAL(f.added.mounts.v[0].volume, "data");
	CU_ASSERT_STRING_EQUAL(f.added.mounts.v[0].volume, pod.volumes.v[1].name);
	CU_ASSERT_STRING_EQUAL(f.added.mounts.v[1].volume, "more");
	record_done(&pod_spec_type, &pod);
	CU_ASSERT_EQUAL(lookup_container(&f.s, "two", id, &f.err), 0);
	CU_ASSERT_STRING_EQUAL(id, f.added.id);
	CU_ASSERT_EQUAL_FATAL(status_read(&f.s, id, &st, &f.err), 0);
	CU_ASSERT_EQUAL(st.state, STATE_CREATED);
	CU_ASSERT_STRING_EQUAL(st.pod_name, "web");
	status_done(&st);
	CU_ASSERT_EQUAL(pod_remove(&f.s, f.plan.pod.id, &f.err), 0);
	CU_ASSERT_EQUAL(count(&f, "containers") + count(&f, "names") + count(&f, "pods"), 0);
	teardown(&f);
}

/* Nothing of what is refused is left. */
static void check_refused(struct fixture *f, int code)
{
	int containers = count(f, "containers"), names = count(f, "names");

	CU_ASSERT_EQUAL(add(f), -code);
	CU_ASSERT_EQUAL(count(f, "containers"), containers);
	CU_ASSERT_EQUAL(count(f, "names"), names);
	CU_ASSERT_FALSE(has_file(f, "adding"));
}

static void test_refused(void)
{
	struct port_spec *p;
	struct fixture f;

	setup(&f, true);
	check_refused(&f, EINVAL);
	teardown(&f);
	setup(&f, false);
	free(f.added.full_name);
	f.added.full_name = xstrdup("web"); /* the pod's */
	check_refused(&f, EEXIST);
	free(f.added.name);
	f.added.name = xstrdup("one"); /* in the pod */
	check_refused(&f, EEXIST);
	free(f.added.name);
	f.added.name = xstrdup("two");
	p = list_add(&f.added.ports);
	p->host_port = 80;
	p->container_port = 80;
	check_refused(&f, EINVAL);
	teardown(&f);
	setup(&f, false);
	CU_ASSERT_EQUAL(pod_remove(&f.s, f.plan.pod.id, &f.err), 0);
	CU_ASSERT_TRUE(add(&f) < 0); /* no such pod any more */
	teardown(&f);
}

static void test_debris(void)
{
	char path[LAYOUT_PATH_MAX], id[65];
	struct fixture f;

	setup(&f, false);
	id_new(id);
	CU_ASSERT_EQUAL_FATAL(mkdirat(f.s.rootfd, layout_container(path, id, NULL), 0700), 0);
	CU_ASSERT_EQUAL_FATAL(fs_write_atomic(f.s.rootfd, layout_pod(path, f.plan.pod.id, "adding"),
					      id, 64, 0600, FS_NOSYNC, &f.err),
			      0);
	CU_ASSERT_EQUAL(add(&f), 0);
	CU_ASSERT_EQUAL(count(&f, "containers"), 3); /* infra, one, two */
	/* One that the record lists is whole: only the mark goes. */
	CU_ASSERT_EQUAL_FATAL(fs_write_atomic(f.s.rootfd, layout_pod(path, f.plan.pod.id, "adding"),
					      f.added.id, 64, 0600, FS_NOSYNC, &f.err),
			      0);
	free(f.added.name);
	f.added.name = xstrdup("one");
	CU_ASSERT_EQUAL(add(&f), -EEXIST);
	CU_ASSERT_EQUAL(count(&f, "containers"), 3);
	CU_ASSERT_FALSE(has_file(&f, "adding"));
	teardown(&f);
}

static void test_rename(void)
{
	struct container_spec spec;
	struct pod_spec pod;
	struct fixture f;
	char id[65];

	setup(&f, true);
	CU_ASSERT_EQUAL(lookup_container(&f.s, "one", id, &f.err), 0);
	CU_ASSERT_EQUAL(container_rename(&f.s, id, "one", &f.err), -EEXIST);
	CU_ASSERT_EQUAL(container_rename(&f.s, id, "a/b", &f.err), -EINVAL);
	CU_ASSERT_EQUAL(container_rename(&f.s, id, "other", &f.err), 0);
	CU_ASSERT_EQUAL(lookup_container(&f.s, "one", id, &f.err), -ENOENT);
	CU_ASSERT_EQUAL(lookup_container(&f.s, "other", id, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(lookup_read_container(&f.s, id, &spec, &f.err), 0);
	CU_ASSERT_STRING_EQUAL(spec.full_name, "other");
	record_done(&container_spec_type, &spec);
	CU_ASSERT_EQUAL_FATAL(lookup_read_pod(&f.s, f.plan.pod.id, &pod, &f.err), 0);
	CU_ASSERT_STRING_EQUAL(pod.name, "other");
	CU_ASSERT_STRING_EQUAL(pod.containers.v[0].name, "other");
	record_done(&pod_spec_type, &pod);
	/* A claim that a crash has left is nobody's. */
	CU_ASSERT_EQUAL(symlinkat("containers/0", f.s.rootfd, "names/stale"), 0);
	CU_ASSERT_EQUAL(container_rename(&f.s, id, "stale", &f.err), 0);
	CU_ASSERT_EQUAL(pod_remove(&f.s, f.plan.pod.id, &f.err), 0);
	CU_ASSERT_EQUAL(count(&f, "names"), 0);
	teardown(&f);
}

/* The first command of a boot: what removes itself, and a record that was not on the disk yet. */
static void test_sweep(void)
{
	struct container_status st = { 0 };
	char path[LAYOUT_PATH_MAX];
	struct fixture f;
	int fd;

	setup(&f, false);
	f.added.auto_remove = true;
	CU_ASSERT_EQUAL_FATAL(add(&f), 0);
	CU_ASSERT_EQUAL_FATAL(status_read(&f.s, f.added.id, &st, &f.err), 0);
	st.state = STATE_RUNNING; /* of another boot */
	CU_ASSERT_EQUAL(status_write(&f.s, f.added.id, &st, &f.err), 0);
	status_done(&st);
	pod_sweep(&f.s);
	CU_ASSERT_EQUAL(count(&f, "containers"), 2);
	CU_ASSERT_EQUAL(count(&f, "pods"), 1);
	/* Once a boot. */
	fd = openat(f.s.rootfd, layout_pod(path, f.plan.pod.id, "pod.json"),
		    O_WRONLY | O_TRUNC | O_CLOEXEC);
	(void)close(fd);
	pod_sweep(&f.s);
	CU_ASSERT_EQUAL(count(&f, "pods"), 1);
	teardown(&f);
}

static void test_boot(void)
{
	static const struct {
		int restart;
		bool unless_stopped, stopped;
		int state;
		bool is_started;
	} cases[] = {
		{ RESTART_ALWAYS, false, false, STATE_RUNNING, true },
		{ RESTART_ALWAYS, false, true, STATE_EXITED, true },
		{ RESTART_ALWAYS, true, false, STATE_RUNNING, true },
		{ RESTART_ALWAYS, true, false, STATE_EXITED, true },
		{ RESTART_ALWAYS, true, true, STATE_EXITED, false },
		{ RESTART_ALWAYS, true, false, STATE_CREATED, false },
		{ RESTART_ALWAYS, true, false, STATE_INITIALIZED, false },
		{ RESTART_ON_FAILURE, false, false, STATE_RUNNING, false },
		{ RESTART_NEVER, false, false, STATE_RUNNING, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct container_spec spec = { .kind = CONTAINER_MEMBER,
						     .restart = cases[i].restart,
						     .unless_stopped = cases[i].unless_stopped };
		const struct container_status st = { .state = cases[i].state,
						     .stopped_by_user = cases[i].stopped };

		CU_ASSERT_EQUAL(is_started_on_boot(&spec, &st), cases[i].is_started);
	}
}

static CU_TestInfo tests[] = {
	{ "a member is added", test_whole },
	{ "refused", test_refused },
	{ "half added by somebody else", test_debris },
	{ "another name", test_rename },
	{ "the first command of a boot", test_sweep },
	{ "what is started after a boot", test_boot },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "add", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
