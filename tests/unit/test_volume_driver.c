/* SPDX-License-Identifier: Apache-2.0 */
/* test_volume_driver - the driver's options, volumes that are mounted, volumes of containers. */
#include "engine/volumes/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/volumes/provide.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define POD_ID	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CTR_ID	    "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define ANON_ID	    "aaaaddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define TMPFS_MAGIC 0x01021994

struct fixture {
	char *path;
	struct store s;
	struct error err;
};

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

/* "type=tmpfs device=x o=a,b" */
static void set_options(struct named_volume *v, const char *text)
{
	cleanup_free char *copy = xstrdup(text);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " "))) {
		cleanup_free char *key = xstrndup(word, strcspn(word, "="));
		const char *value = strchr(word, '=');

		if (*key)
			pairlist_set(&v->options, key, value ? value + 1 : "");
	}
}

static void test_options(void)
{
	static const struct {
		const char *options;
		int r;
		const char *want; /* message, or "uid gid copied mounted path" */
	} cases[] = {
		{ "", 0, "0 0 0 0 -" },
		{ "o=uid=77,gid=78", 0, "77 78 0 0 -" },
		{ "nocopy", 0, "0 0 1 0 -" },
		{ "o=noquota", 0, "0 0 0 0 -" },
		{ "type=tmpfs device=tmpfs o=size=2m,uid=5", 0, "5 0 0 1 -" },
		{ "type=none device=/srv o=bind", 0, "0 0 0 0 /srv" },
		{ "type=none device=/srv o=bind,ro", 0, "0 0 0 1 -" },
		{ "type=ext4 device=/dev/x", 0, "0 0 0 1 -" },
		{ "foo=bar", -EINVAL, "invalid mount option foo" },
		{ "size=1m", -EOPNOTSUPP, "'size' is not supported" },
		{ "o=uid=x", -EINVAL, "cannot convert 'uid=x'" },
		{ "type=nfs device=h:/x", -EOPNOTSUPP, "'nfs' are not supported" },
		{ "type=ext4", -EINVAL, "needs a device" },
		{ "o=bind", -EINVAL, "absolute path" },
		{ "o=bind device=a/b", -EINVAL, "absolute path" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_named_volume struct named_volume v = { 0 };
		struct error err = { 0 };
		cleanup_free char *got = NULL;
		int r;

		set_options(&v, cases[i].options);
		r = volume_driver_options(&v, &err);
		CU_ASSERT_EQUAL(r, cases[i].r);
		got = r < 0 ? xstrdup(err.text)
			    : xasprintf("%lld %lld %d %d %s", (long long)v.uid, (long long)v.gid,
					v.copied_up, has_driver_mount(&v),
					v.host_path ? v.host_path : "-");
		if (!strstr(got, cases[i].want)) {
			printf("'%s': '%s' instead of '%s'\n", cases[i].options, got,
			       cases[i].want);
			CU_FAIL("options");
		}
	}
}

static bool is_tmpfs(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 && st.f_type == TMPFS_MAGIC;
}

static int mount_and_remove(void *arg)
{
	struct fixture *f = arg;
	cleanup_named_volume struct named_volume v = { .name = xstrdup("t") };
	struct store s;
	cleanup_close int fd = -EBADF;
	int other;

	if (!child_own_mounts())
		return 2;
	temp_store(f->path, &s); /* its descriptors are of this namespace */
	set_options(&v, "type=tmpfs device=tmpfs o=size=1m,mode=0700,noexec");
	if (volume_driver_options(&v, &f->err) < 0 || named_volume_create(&s, &v, &f->err) < 0)
		return 3;
	if (is_volume_mounted(&s, "t"))
		return 4;
	fd = named_volume_open(&s, "t", &f->err);
	if (fd < 0 || !is_tmpfs(fd) || !is_volume_mounted(&s, "t"))
		return 5;
	if (mkdirat(fd, "kept", 0755) < 0)
		return 6;
	other = named_volume_open(&s, "t", &f->err); /* once only */
	if (other < 0 || faccessat(other, "kept", F_OK, 0) < 0)
		return 7;
	(void)close(other);
	(void)close(steal_fd(&fd));
	if (named_volume_remove(&s, "t", &f->err) < 0 || is_volume_mounted(&s, "t"))
		return 8;
	return faccessat(s.rootfd, "volumes/t", F_OK, 0) < 0 ? 0 : 9;
}

static void test_mounted(void)
{
	struct fixture f;
	int r;

	setup(&f);
	r = child_run(mount_and_remove, &f);
	if (r == 2)
		TEST_SKIP("no mount namespace here");
	else
		CU_ASSERT_EQUAL(r, 0);
	teardown(&f);
}

static void test_owner(void)
{
	struct fixture f;
	cleanup_named_volume struct named_volume v = { .name = xstrdup("o") };
	struct stat st;

	setup(&f);
	set_options(&v, "o=uid=77,gid=78");
	CU_ASSERT_EQUAL(volume_driver_options(&v, &f.err), 0);
	CU_ASSERT_EQUAL(named_volume_create(&f.s, &v, &f.err), 0);
	CU_ASSERT_EQUAL(fstatat(f.s.rootfd, "volumes/o/_data", &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_uid, 77);
	CU_ASSERT_EQUAL(st.st_gid, 78);
	teardown(&f);
}

/* ---- of containers ---------------------------------------------------------------------- */

static void put_record(struct fixture *f, const char *kind, const char *id, const char *file,
		       json_t *j)
{
	cleanup_free char *dir = xasprintf("%s/%s", kind, id);
	cleanup_free char *path = xasprintf("%s/%s", dir, file);
	cleanup_free char *text = jdump_text(j, 0);
	cleanup_close int fd = fs_mkdirs(f->s.rootfd, dir, 0700, &f->err);

	CU_ASSERT_TRUE(fd >= 0);
	CU_ASSERT_EQUAL(
		fs_write_atomic(f->s.rootfd, path, text, strlen(text), 0600, FS_NOSYNC, &f->err),
		0);
	json_decref(j);
}

static void add_volume(struct pod_spec *pod, struct container_spec *c, const char *name,
		       bool is_anonymous)
{
	struct volume_spec *v = list_add(&pod->volumes);
	struct mount_spec *m = list_add(&c->mounts);

	v->name = xasprintf("v%zu", pod->volumes.n);
	v->kind = VOLUME_NAMED;
	v->source_name = xstrdup(name);
	v->anonymous = is_anonymous;
	m->volume = xstrdup(v->name);
	m->target = xasprintf("/%s", v->name);
}

static void test_provide(void)
{
	struct fixture f;
	struct pod_spec pod = { .name = xstrdup("web") };
	struct container_spec c = { .full_name = xstrdup("web"), .pod_id = xstrdup(POD_ID) };
	cleanup_strlist struct strlist names = { 0 }, ids = { 0 }, used = { 0 }, all = { 0 };
	struct container_ref *ref = list_add(&pod.containers);

	setup(&f);
	ref->id = xstrdup(CTR_ID);
	add_volume(&pod, &c, "data", false);
	add_volume(&pod, &c, ANON_ID, true);
	CU_ASSERT_EQUAL(volumes_provide(&f.s, &pod.volumes, &f.err), 0);
	CU_ASSERT_EQUAL(volumes_provide(&f.s, &pod.volumes, &f.err), 0);
	put_record(&f, "pods", POD_ID, "pod.json", record_dump(&pod_spec_type, &pod));
	put_record(&f, "containers", CTR_ID, "spec.json", record_dump(&container_spec_type, &c));
	CU_ASSERT_EQUAL(volumes_anonymous_of(&f.s, CTR_ID, &names, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(names.n, 1);
	CU_ASSERT_STRING_EQUAL(names.v[0], ANON_ID);
	CU_ASSERT_EQUAL(named_volume_user_ids(&f.s, "data", &ids, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(ids.n, 1);
	CU_ASSERT_STRING_EQUAL(ids.v[0], CTR_ID);
	CU_ASSERT_EQUAL(named_volume_used(&f.s, &used, &f.err), 0);
	CU_ASSERT_EQUAL(used.n, 2);
	/* in use: stays */
	CU_ASSERT_EQUAL(volumes_remove_unused(&f.s, &names, &f.err), 0);
	CU_ASSERT_EQUAL(named_volume_list(&f.s, &all, &f.err), 0);
	CU_ASSERT_EQUAL(all.n, 2);
	CU_ASSERT_EQUAL(fs_remove_tree(f.s.rootfd, "containers/" CTR_ID, &f.err), 0);
	strlist_add(&names, "no-such-volume");
	CU_ASSERT_EQUAL(volumes_remove_unused(&f.s, &names, &f.err), 0);
	strlist_done(&all);
	CU_ASSERT_EQUAL(named_volume_list(&f.s, &all, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(all.n, 1);
	CU_ASSERT_STRING_EQUAL(all.v[0], "data");
	/* one that cannot be made: what was made before it goes again */
	add_volume(&pod, &c, "fresh", false);
	add_volume(&pod, &c, "a/b", false);
	CU_ASSERT_EQUAL(volumes_provide(&f.s, &pod.volumes, &f.err), -EINVAL);
	strlist_done(&all);
	CU_ASSERT_EQUAL(named_volume_list(&f.s, &all, &f.err), 0);
	CU_ASSERT_EQUAL(all.n, 1);
	record_done(&pod_spec_type, &pod);
	record_done(&container_spec_type, &c);
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "options", test_options }, { "mounted when used", test_mounted },
	{ "owner", test_owner },     { "of containers", test_provide },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "volume_driver", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
