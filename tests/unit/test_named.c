/* SPDX-License-Identifier: Apache-2.0 */
/* test_named - volumes with a name: made once, opened, in use, removed without touching a stranger. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/pod/spec.h"
#include "engine/volumes/named.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define POD_ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CTR_ID "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

struct fixture {
	char *path;
	struct store s;
	struct error err;
	bool is_weak;
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

static int make(struct fixture *f, const char *name, bool is_claim)
{
	struct named_volume v = { .name = word(name),
				  .created_ns = 42,
				  .claim_namespace = is_claim ? word("default") : NULL };

	return named_volume_create(&f->s, &v, &f->err);
}

static bool exists(const struct fixture *f, const char *path)
{
	struct stat st;

	return fstatat(f->s.rootfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static mode_t mode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_mode & 07777;
}

static void test_there_and_back(void)
{
	struct fixture f;
	struct named_volume v = { .name = word("data"),
				  .created_ns = 42,
				  .played = true,
				  .claim_namespace = word("prod"),
				  .claim_yaml = word("kind: PersistentVolumeClaim\n"),
				  .capacity = word("1Gi"),
				  .storage_class = word("fast") };
	struct named_volume got = { 0 };

	setup(&f);
	strlist_add(&v.access_modes, "ReadWriteOnce");
	pairlist_set(&v.labels, "app", "db");
	CU_ASSERT_EQUAL(named_volume_create(&f.s, &v, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(named_volume_read(&f.s, "data", &got, &f.err), 0);
	CU_ASSERT_TRUE(record_equal(&named_volume_type, &v, &got, NULL));
	CU_ASSERT_EQUAL(got.created_ns, 42);
	named_volume_done(&got);
	CU_ASSERT_EQUAL(named_volume_create(&f.s, &v, &f.err), -EEXIST);
	CU_ASSERT_STRING_EQUAL(f.err.text, "there is a volume 'data' already");
	v.copied_up = true;
	CU_ASSERT_EQUAL(named_volume_update(&f.s, &v, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(named_volume_read(&f.s, "data", &got, &f.err), 0);
	CU_ASSERT_TRUE(got.copied_up);
	named_volume_done(&got);
	v.name = word("other");
	CU_ASSERT_EQUAL(named_volume_update(&f.s, &v, &f.err), -ENOENT);
	CU_ASSERT_EQUAL(named_volume_read(&f.s, "other", &got, &f.err), -ENOENT);
	CU_ASSERT_STRING_EQUAL(f.err.text, "there is no volume 'other'");
	CU_ASSERT_FALSE(exists(&f, "volumes/other"));
	strlist_done(&v.access_modes);
	pairlist_done(&v.labels);
	teardown(&f);
}

/* A claim's volume is anybody's in the pod, as a fresh emptyDir; the store's folder is closed. */
static void test_modes(void)
{
	struct fixture f;
	mode_t before = umask(077);
	int fd;

	setup(&f);
	CU_ASSERT_EQUAL(make(&f, "plain", false), 0);
	CU_ASSERT_EQUAL(make(&f, "claim", true), 0);
	fd = named_volume_open(&f.s, "plain", &f.err);
	CU_ASSERT_EQUAL(mode_of(fd), 0755);
	(void)close(fd);
	fd = named_volume_open(&f.s, "claim", &f.err);
	CU_ASSERT_EQUAL(mode_of(fd), 0777);
	(void)close(fd);
	fd = openat(f.s.rootfd, "volumes", O_PATH);
	CU_ASSERT_EQUAL(mode_of(fd), 0700);
	(void)close(fd);
	(void)umask(before);
	teardown(&f);
}

static void test_names(void)
{
	static const char *const bad[] = { "", ".", "..", "../x", "a/b", ".x", "-x", "a b", "a\n" };
	struct named_volume got = { 0 };
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_EQUAL(make(&f, bad[i], false), -EINVAL);
		CU_ASSERT_EQUAL(named_volume_read(&f.s, bad[i], &got, &f.err), -EINVAL);
		CU_ASSERT_EQUAL(named_volume_open(&f.s, bad[i], &f.err), -EINVAL);
		CU_ASSERT_EQUAL(named_volume_remove(&f.s, bad[i], &f.err), -EINVAL);
	}
	teardown(&f);
}

static void test_list(void)
{
	cleanup_strlist struct strlist names = { 0 };
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(named_volume_list(&f.s, &names, &f.err), 0);
	CU_ASSERT_EQUAL(make(&f, "b", false), 0);
	CU_ASSERT_EQUAL(make(&f, "a", false), 0);
	CU_ASSERT_EQUAL(mkdirat(f.s.rootfd, "volumes/debris", 0700), 0);
	CU_ASSERT_EQUAL(named_volume_list(&f.s, &names, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(names.n, 2);
	CU_ASSERT_STRING_EQUAL(names.v[0], "a");
	CU_ASSERT_EQUAL(make(&f, "debris", false), 0); /* of a crash: taken over */
	teardown(&f);
}

/* A content of the host's: it must be there, and stays. */
static void test_host_path(void)
{
	struct fixture f;
	cleanup_free char *dir = NULL;
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	struct named_volume v = { .name = word("pv") };
	struct stat st, there;
	int fd;

	setup(&f);
	dir = xasprintf("%s/host", f.path);
	v.host_path = word("relative");
	CU_ASSERT_EQUAL(named_volume_create(&f.s, &v, &f.err), -EINVAL);
	v.host_path = dir;
	CU_ASSERT_EQUAL(named_volume_create(&f.s, &v, &f.err), 0);
	CU_ASSERT_FALSE(exists(&f, "volumes/pv/_data"));
	CU_ASSERT_EQUAL(named_volume_open(&f.s, "pv", &f.err), -ENOENT);
	canary_make(dir);
	before = canary_record(dir);
	fd = named_volume_open(&f.s, "pv", &f.err);
	CU_ASSERT_TRUE(fstat(fd, &st) == 0 && stat(dir, &there) == 0 && st.st_ino == there.st_ino);
	(void)close(fd);
	CU_ASSERT_EQUAL(named_volume_remove(&f.s, "pv", &f.err), 0);
	after = canary_record(dir);
	CU_ASSERT_STRING_EQUAL(before, after);
	CU_ASSERT_FALSE(exists(&f, "volumes/pv"));
	teardown(&f);
}

static void put_record(struct fixture *f, const char *kind, const char *id, const char *file,
		       json_t *j)
{
	cleanup_free char *dir = xasprintf("%s/%s", kind, id);
	cleanup_free char *path = xasprintf("%s/%s", dir, file);
	cleanup_free char *text = jdump_text(j, 0);

	(void)mkdirat(f->s.rootfd, dir, 0700);
	CU_ASSERT_EQUAL(
		fs_write_atomic(f->s.rootfd, path, text, strlen(text), 0600, FS_NOSYNC, &f->err),
		0);
	json_decref(j);
}

static void put_user(struct fixture *f, const char *volume)
{
	struct pod_spec pod = { .name = word("web") };
	struct container_spec spec = { .full_name = word("web-app") };
	struct volume_spec *v = list_add(&pod.volumes);
	struct container_ref *ref = list_add(&pod.containers);
	struct mount_spec *m = list_add(&spec.mounts);

	v->name = word("v");
	v->kind = VOLUME_NAMED;
	v->source_name = word(volume);
	ref->id = word(CTR_ID);
	m->volume = word("v");
	put_record(f, "pods", POD_ID, "pod.json", record_dump(&pod_spec_type, &pod));
	put_record(f, "containers", CTR_ID, "spec.json", record_dump(&container_spec_type, &spec));
	free(pod.volumes.v);
	free(pod.containers.v);
	free(spec.mounts.v);
}

static void test_users(void)
{
	cleanup_strlist struct strlist users = { 0 };
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(make(&f, "data", false), 0);
	CU_ASSERT_EQUAL(make(&f, "free", false), 0);
	put_user(&f, "data");
	CU_ASSERT_EQUAL(named_volume_users(&f.s, "data", &users, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(users.n, 1);
	CU_ASSERT_STRING_EQUAL(users.v[0], "web-app");
	CU_ASSERT_EQUAL(named_volume_remove(&f.s, "data", &f.err), -EBUSY);
	CU_ASSERT_STRING_EQUAL(f.err.text, "volume 'data' is used by container 'web-app'");
	CU_ASSERT_TRUE(exists(&f, "volumes/data/_data"));
	CU_ASSERT_EQUAL(named_volume_remove(&f.s, "free", &f.err), 0);
	CU_ASSERT_FALSE(exists(&f, "volumes/free"));
	CU_ASSERT_EQUAL(named_volume_remove(&f.s, "free", &f.err), -ENOENT);
	/* a record that nobody can read may be a user's */
	CU_ASSERT_EQUAL(fs_write_atomic(f.s.rootfd, "containers/" CTR_ID "/spec.json", "{", 1, 0600,
					FS_NOSYNC, &f.err),
			0);
	CU_ASSERT_EQUAL(named_volume_remove(&f.s, "data", &f.err), -EBADMSG);
	CU_ASSERT_EQUAL(fs_remove_tree(f.s.rootfd, "pods/" POD_ID, &f.err), 0);
	CU_ASSERT_EQUAL(named_volume_remove(&f.s, "data", &f.err), 0);
	teardown(&f);
}

/* VOL-3: links and mounts that a container has left in the content. */
static int remove_with_traps(void *arg)
{
	struct fixture *f = arg;
	struct store s;
	cleanup_free char *outside = xasprintf("%s/outside", f->path);
	cleanup_free char *data = xasprintf("%s/volumes/data/_data", f->s.root);
	cleanup_free char *link = xasprintf("%s/link", data);
	cleanup_free char *deep = xasprintf("%s/d/link", data);
	cleanup_free char *sub = xasprintf("%s/d", data);
	cleanup_free char *mounted = xasprintf("%s/m", data);

	if (mkdir(sub, 0) < 0 || mkdir(mounted, 0755) < 0 || symlink(outside, link) < 0 ||
	    symlink("../../../../../outside", deep) < 0)
		return 1;
	if (!child_own_mounts() || mount(outside, mounted, NULL, MS_BIND, NULL) < 0)
		return 2;
	temp_store(f->path, &s); /* its descriptors are of this namespace */
	/* Without the defence it empties the mount, and tries to remove it, for ever. */
	(void)alarm(f->is_weak ? 1 : 60);
	if (named_volume_remove(&s, "data", &f->err) != -EBUSY ||
	    !exists(f, "volumes/data/volume.json"))
		return 3;
	if (umount2(mounted, MNT_DETACH) < 0)
		return 4;
	return named_volume_remove(&s, "data", &f->err) == 0 && !exists(f, "volumes/data") ? 0 : 5;
}

/* True when what lies outside is as it was. */
static bool is_safe_from_traps(bool is_weak)
{
	cleanup_free char *outside = NULL;
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	struct fixture f;
	bool is_same;
	int r;

	setup(&f);
	f.is_weak = is_weak;
	outside = xasprintf("%s/outside", f.path);
	canary_make(outside);
	before = canary_record(outside);
	CU_ASSERT_EQUAL(make(&f, "data", true), 0);
	r = child_run(remove_with_traps, &f);
	if (r == 2)
		TEST_SKIP("no mount namespaces");
	else
		CU_ASSERT_TRUE(r == 0 || is_weak);
	after = canary_record(outside);
	is_same = strcmp(before, after) == 0;
	teardown(&f);
	return is_same;
}

static void test_traps(void)
{
	CU_ASSERT_TRUE(is_safe_from_traps(false));
	(void)setenv("PODIUM_WEAKEN", "VOL-3", 1);
	CU_ASSERT_FALSE(is_safe_from_traps(true));
	(void)unsetenv("PODIUM_WEAKEN");
}

static CU_TestInfo tests[] = {
	{ "there and back", test_there_and_back },
	{ "modes", test_modes },
	{ "names stay in their folder", test_names },
	{ "listed in order", test_list },
	{ "a content of the host's", test_host_path },
	{ "users", test_users },
	{ "VOL-3: links and mounts in the content", test_traps },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "named", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
