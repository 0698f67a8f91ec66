/* SPDX-License-Identifier: Apache-2.0 */
/* test_objects - objects of the store: there and back, replaced, listed, removed, names, debris. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "kube/objects.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

struct fixture {
	char *path;
	struct store s;
	struct error err;
};

static char *word(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	temp_store(f->path, &f->s);
}

static void teardown(struct fixture *f)
{
	store_close(&f->s);
	temp_remove(f->path);
}

static int write_one(struct fixture *f, enum kube_kind kind, const char *ns, const char *name,
		     const char *yaml)
{
	char *pods[] = { word("web-pod"), NULL };
	struct stored_object o = { .namespace_ = word(ns),
				   .name = word(name),
				   .yaml = word(yaml),
				   .source = word("web.yaml"),
				   .pods = { pods, 1 } };

	return object_write(&f->s, kind, &o, &f->err);
}

static void test_there_and_back(void)
{
	struct fixture f;
	struct stored_object o = { 0 };
	struct stat st;
	int64_t created;

	setup(&f);
	CU_ASSERT_EQUAL(object_read(&f.s, KUBE_JOB, NULL, "web", &o, &f.err), -ENOENT);
	CU_ASSERT_STRING_EQUAL(f.err.text, "there is no Job 'web'");
	CU_ASSERT_EQUAL(write_one(&f, KUBE_JOB, NULL, "web", "a: b\n"), 0);
	CU_ASSERT_EQUAL_FATAL(object_read(&f.s, KUBE_JOB, "default", "web", &o, &f.err), 0);
	CU_ASSERT_STRING_EQUAL(o.yaml, "a: b\n");
	CU_ASSERT_STRING_EQUAL(o.namespace_, "default");
	CU_ASSERT_STRING_EQUAL(o.source, "web.yaml");
	CU_ASSERT_EQUAL_FATAL(o.pods.n, 1);
	CU_ASSERT_STRING_EQUAL(o.pods.v[0], "web-pod");
	created = o.created_ns;
	CU_ASSERT(created > 0);
	stored_object_done(&o);
	CU_ASSERT_EQUAL(fstatat(f.s.rootfd, "kube/job/default/web/object.yaml", &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	/* replaced: the time of making stays */
	CU_ASSERT_EQUAL(write_one(&f, KUBE_JOB, NULL, "web", "a: c\n"), 0);
	CU_ASSERT_EQUAL_FATAL(object_read(&f.s, KUBE_JOB, "default", "web", &o, &f.err), 0);
	CU_ASSERT_STRING_EQUAL(o.yaml, "a: c\n");
	CU_ASSERT_EQUAL(o.created_ns, created);
	stored_object_done(&o);
	CU_ASSERT_EQUAL(object_read(&f.s, KUBE_DEPLOYMENT, NULL, "web", &o, &f.err), -ENOENT);
	CU_ASSERT_EQUAL(object_read(&f.s, KUBE_JOB, "shop", "web", &o, &f.err), -ENOENT);
	CU_ASSERT_STRING_EQUAL(f.err.text, "there is no Job 'web' in namespace 'shop'");
	teardown(&f);
}

static void test_lists(void)
{
	cleanup_strlist struct strlist names = { 0 }, volumes = { 0 }, none = { 0 };
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(object_list(&f.s, KUBE_DEPLOYMENT, &none, &f.err), 0);
	CU_ASSERT_EQUAL(none.n, 0);
	CU_ASSERT_EQUAL(write_one(&f, KUBE_DEPLOYMENT, "shop", "web", "x"), 0);
	CU_ASSERT_EQUAL(write_one(&f, KUBE_DEPLOYMENT, NULL, "web", "x"), 0);
	CU_ASSERT_EQUAL(write_one(&f, KUBE_DEPLOYMENT, NULL, "api", "x"), 0);
	CU_ASSERT_EQUAL(write_one(&f, KUBE_PV, "shop", "disk", "x"), 0);
	CU_ASSERT_EQUAL(object_list(&f.s, KUBE_DEPLOYMENT, &names, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(names.n, 3);
	CU_ASSERT_STRING_EQUAL(names.v[0], "default/api");
	CU_ASSERT_STRING_EQUAL(names.v[1], "default/web");
	CU_ASSERT_STRING_EQUAL(names.v[2], "shop/web");
	CU_ASSERT_EQUAL(object_list(&f.s, KUBE_PV, &volumes, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(volumes.n, 1);
	CU_ASSERT_STRING_EQUAL(volumes.v[0], "_/disk");
	CU_ASSERT_EQUAL(object_list(&f.s, KUBE_SECRET, &none, &f.err), -EINVAL);
	teardown(&f);
}

static void test_removal(void)
{
	struct fixture f;
	struct stat st;
	int fd;

	setup(&f);
	CU_ASSERT_EQUAL(write_one(&f, KUBE_JOB, "shop", "a", "x"), 0);
	fd = object_open(&f.s, KUBE_JOB, "shop", "a", &f.err);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fs_write_atomic(fd, "job.json", "{}", 2, 0600, FS_NOSYNC, &f.err), 0);
	(void)close(fd);
	CU_ASSERT_EQUAL(object_remove(&f.s, KUBE_JOB, "shop", "a", &f.err), 0);
	CU_ASSERT(fstatat(f.s.rootfd, "kube/job/shop", &st, 0) < 0);
	CU_ASSERT_EQUAL(object_remove(&f.s, KUBE_JOB, "shop", "a", &f.err), -ENOENT);
	teardown(&f);
}

/* What a crash between the record and the document leaves is no object. */
static void test_debris(void)
{
	cleanup_strlist struct strlist names = { 0 };
	struct fixture f;
	struct stored_object o = { 0 };

	setup(&f);
	CU_ASSERT_EQUAL(write_one(&f, KUBE_JOB, NULL, "a", "x"), 0);
	CU_ASSERT_EQUAL(unlinkat(f.s.rootfd, "kube/job/default/a/object.yaml", 0), 0);
	CU_ASSERT_EQUAL(object_list(&f.s, KUBE_JOB, &names, &f.err), 0);
	CU_ASSERT_EQUAL(names.n, 0);
	CU_ASSERT_EQUAL(object_read(&f.s, KUBE_JOB, NULL, "a", &o, &f.err), -ENOENT);
	CU_ASSERT_EQUAL(write_one(&f, KUBE_JOB, NULL, "a", "x"), 0);
	CU_ASSERT_EQUAL(object_read(&f.s, KUBE_JOB, NULL, "a", &o, &f.err), 0);
	stored_object_done(&o);
	teardown(&f);
}

static void test_names(void)
{
	static const char *const bad[] = { "", ".", "..", "../x", "a/b", "/x", "A", "a_b", "a\n" };
	struct fixture f;
	struct stored_object o = { 0 };

	setup(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_EQUAL(write_one(&f, KUBE_JOB, NULL, bad[i], "x"), -EINVAL);
		CU_ASSERT_EQUAL(object_read(&f.s, KUBE_JOB, NULL, bad[i], &o, &f.err), -EINVAL);
		CU_ASSERT_EQUAL(object_remove(&f.s, KUBE_JOB, NULL, bad[i], &f.err), -EINVAL);
		if (*bad[i])
			CU_ASSERT_EQUAL(write_one(&f, KUBE_JOB, bad[i], "x", "x"), -EINVAL);
	}
	CU_ASSERT_EQUAL(write_one(&f, KUBE_JOB, "_", "x", "x"), -EINVAL);
	CU_ASSERT_EQUAL(write_one(&f, KUBE_SECRET, NULL, "x", "x"), -EINVAL);
	teardown(&f);
}

static void test_controllers(void)
{
	static const char *const bad[] = { NULL, "", "Deployment", "Deployment/a", "Widget/a/b" };
	enum kube_kind kind = KUBE_POD;
	char *ns = NULL, *name = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_FALSE(controller_parse(bad[i], &kind, &ns, &name));
	CU_ASSERT_TRUE_FATAL(controller_parse("Job/shop/pi", &kind, &ns, &name));
	CU_ASSERT_EQUAL(kind, KUBE_JOB);
	CU_ASSERT_STRING_EQUAL(ns, "shop");
	CU_ASSERT_STRING_EQUAL(name, "pi");
	free(ns);
	free(name);
}

static CU_TestInfo tests[] = {
	{ "there and back", test_there_and_back },
	{ "listed in order", test_lists },
	{ "removed with what lies beside", test_removal },
	{ "a folder without a document", test_debris },
	{ "names stay in their folder", test_names },
	{ "controllers", test_controllers },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "objects", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
