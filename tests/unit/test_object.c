/* SPDX-License-Identifier: Apache-2.0 */
/* test_object - ConfigMaps and Secrets in the store: names, bytes, permissions, what is immutable. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/data/object.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

struct fixture {
	char *path;
	struct store s;
	struct error err;
	struct data_object o; /* a ConfigMap 'conf' of two keys */
	struct data_object got;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	temp_store(f->path, &f->s);
	f->o.name = xstrdup("conf");
	data_object_add(&f->o, "a.txt", "hello\n", 6, false);
	data_object_add(&f->o, "b.bin", "\0\xff\x01", 3, true);
	pairlist_set(&f->o.labels, "app", "caf\xc3\xa9");
	pairlist_set(&f->o.annotations, "why", "\"because\"\n");
}

static void teardown(struct fixture *f)
{
	data_object_done(&f->o);
	data_object_done(&f->got);
	store_close(&f->s);
	temp_remove(f->path);
}

static int get(struct fixture *f, enum data_kind kind, const char *namespace_, const char *name)
{
	data_object_done(&f->got);
	return data_object_read(&f->s, kind, namespace_, name, &f->got, &f->err);
}

static mode_t mode_of(const struct fixture *f, const char *path)
{
	struct stat st;

	return fstatat(f->s.rootfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_mode & 07777;
}

static void test_there_and_back(void)
{
	struct fixture f;
	const struct data_entry *e;

	setup(&f);
	f.o.source = xstrdup("conf.yaml");
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(get(&f, DATA_CONFIG, NULL, "conf"), 0);
	CU_ASSERT_TRUE(is_data_equal(&f.o, &f.got));
	CU_ASSERT_STRING_EQUAL(f.got.namespace_, "default");
	CU_ASSERT_STRING_EQUAL(f.got.name, "conf");
	CU_ASSERT_STRING_EQUAL(f.got.source, "conf.yaml");
	CU_ASSERT_TRUE(f.got.created_ns > 0);
	e = data_object_find(&f.got, "b.bin");
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT_EQUAL(e->len, 3);
	CU_ASSERT_EQUAL(memcmp(e->bytes, "\0\xff\x01", 4), 0);
	CU_ASSERT_TRUE(e->binary);
	CU_ASSERT_PTR_NULL(data_object_find(&f.got, "c"));
	CU_ASSERT_EQUAL(get(&f, DATA_SECRET, NULL, "conf"), -ENOENT);
	CU_ASSERT_STRING_EQUAL(f.err.text, "there is no Secret 'conf'");
	CU_ASSERT_EQUAL(get(&f, DATA_CONFIG, "prod", "conf"), -ENOENT);
	CU_ASSERT_STRING_EQUAL(f.err.text, "there is no ConfigMap 'conf' in namespace 'prod'");
	teardown(&f);
}

static void test_replace(void)
{
	struct fixture f;
	int64_t created;

	setup(&f);
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(get(&f, DATA_CONFIG, "default", "conf"), 0);
	created = f.got.created_ns;
	data_object_add(&f.o, "c", "", 0, false);
	CU_ASSERT_FALSE(is_data_equal(&f.o, &f.got));
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(get(&f, DATA_CONFIG, NULL, "conf"), 0);
	CU_ASSERT_EQUAL(f.got.n, 3);
	CU_ASSERT_EQUAL(f.got.created_ns, created);
	CU_ASSERT_EQUAL(data_object_remove(&f.s, DATA_CONFIG, NULL, "conf", &f.err), 0);
	CU_ASSERT_EQUAL(data_object_remove(&f.s, DATA_CONFIG, NULL, "conf", &f.err), -ENOENT);
	CU_ASSERT_EQUAL(get(&f, DATA_CONFIG, NULL, "conf"), -ENOENT);
	teardown(&f);
}

static void test_immutable(void)
{
	struct fixture f;

	setup(&f);
	f.o.immutable = true;
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	pairlist_set(&f.o.labels, "app", "two"); /* the data alone is fixed */
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	f.o.immutable = false;
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), -EPERM);
	f.o.immutable = true;
	f.o.v[0].bytes[0] = 'j';
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), -EPERM);
	CU_ASSERT_STRING_EQUAL(f.err.text, "ConfigMap 'conf': it is immutable: delete it first");
	CU_ASSERT_EQUAL_FATAL(get(&f, DATA_CONFIG, NULL, "conf"), 0);
	CU_ASSERT_EQUAL(f.got.v[0].bytes[0], 'h');
	CU_ASSERT_STRING_EQUAL(pairlist_get(&f.got.labels, "app"), "two");
	CU_ASSERT_EQUAL(data_object_remove(&f.s, DATA_CONFIG, NULL, "conf", &f.err), 0);
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	teardown(&f);
}

/* A Secret is its owner's alone, whatever the umask, and not readable by accident. */
static void test_permissions(void)
{
	struct fixture f;
	mode_t before = umask(0);
	cleanup_free char *text = NULL;

	setup(&f);
	f.o.kind = DATA_SECRET;
	f.o.type = xstrdup("Opaque");
	f.o.namespace_ = xstrdup("prod");
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	CU_ASSERT_EQUAL(mode_of(&f, "secrets"), 0700);
	CU_ASSERT_EQUAL(mode_of(&f, "secrets/prod"), 0700);
	CU_ASSERT_EQUAL(mode_of(&f, "secrets/prod/conf.json"), 0600);
	CU_ASSERT_EQUAL_FATAL(get(&f, DATA_SECRET, "prod", "conf"), 0);
	CU_ASSERT_STRING_EQUAL(f.got.type, "Opaque");
	CU_ASSERT_EQUAL(
		fs_read_file(f.s.rootfd, "secrets/prod/conf.json", 65536, &text, NULL, &f.err), 0);
	CU_ASSERT_PTR_NULL(strstr(text, "hello"));
	(void)umask(before);
	teardown(&f);
}

static void test_names(void)
{
	static const char *const bad[] = { "", ".", "..", "../x", "a/b", ".hidden", "a b", "a\n" };
	struct fixture f;
	char name[260];

	setup(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		free(f.o.name);
		f.o.name = xstrdup(bad[i]);
		CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), -EINVAL);
		CU_ASSERT_EQUAL(get(&f, DATA_SECRET, NULL, bad[i]), -EINVAL);
		CU_ASSERT_EQUAL(data_object_remove(&f.s, DATA_SECRET, NULL, bad[i], &f.err),
				-EINVAL);
		if (*bad[i]) /* none is the default one */
			CU_ASSERT_EQUAL(get(&f, DATA_SECRET, bad[i], "x"), -EINVAL);
	}
	memset(name, 'n', sizeof(name));
	name[251] = '\0';
	CU_ASSERT_EQUAL(get(&f, DATA_SECRET, NULL, name), -EINVAL);
	name[250] = '\0';
	free(f.o.name);
	f.o.name = xstrdup(name);
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	CU_ASSERT_EQUAL(get(&f, DATA_CONFIG, NULL, name), 0);
	teardown(&f);
}

/* VOL-2: a key is one component of a path. */
static void test_keys(void)
{
	static const char *const bad[] = { "",	   ".",	   "..",   "..data", "..2026",	   "a/b",
					   "/etc", "../x", "a\nb", "a b",    "caf\xc3\xa9" };
	static const char *const good[] = { "a", ".hidden", "A.b-c_d", "a..b", "0" };
	struct fixture f;
	char longest[260];

	setup(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_PTR_NOT_NULL(data_key_bad(bad[i]));
		free(f.o.v[0].key);
		f.o.v[0].key = xstrdup(bad[i]);
		CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CU_ASSERT_PTR_NULL(data_key_bad(good[i]));
	memset(longest, 'k', sizeof(longest));
	longest[254] = '\0';
	CU_ASSERT_PTR_NOT_NULL(data_key_bad(longest));
	longest[253] = '\0';
	CU_ASSERT_PTR_NULL(data_key_bad(longest));
	free(f.o.v[0].key);
	f.o.v[0].key = xstrdup("b.bin"); /* the same one twice */
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), -EINVAL);
	teardown(&f);
}

static void test_size(void)
{
	struct fixture f;
	cleanup_free char *big = xcalloc(1, DATA_MAX_BYTES);

	setup(&f);
	data_object_done(&f.o);
	f.o.name = xstrdup("big");
	data_object_add(&f.o, "a", big, DATA_MAX_BYTES - 1, true);
	data_object_add(&f.o, "b", big, 1, true);
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(get(&f, DATA_CONFIG, NULL, "big"), 0);
	CU_ASSERT_TRUE(is_data_equal(&f.o, &f.got));
	data_object_add(&f.o, "c", big, 1, true);
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), -EFBIG);
	teardown(&f);
}

static void test_damaged(void)
{
	static const char *const texts[] = { "",
					     "[]",
					     "{\"data\":[{}]}",
					     "{\"data\":[{\"key\":\"..x\"}]}",
					     "{\"data\":[{\"key\":\"a\",\"value\":\"!\"}]}",
					     "{\"data\":[{\"key\":\"a\"},{\"key\":\"a\"}]}" };
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CU_ASSERT_EQUAL(fs_write_atomic(f.s.rootfd, "kube/configmap/default/conf.json",
						texts[i], strlen(texts[i]), 0600, FS_NOSYNC,
						&f.err),
				0);
		CU_ASSERT_EQUAL(get(&f, DATA_CONFIG, NULL, "conf"), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "ConfigMap 'conf'"));
		CU_ASSERT_PTR_NULL(f.got.name);
	}
	/* and can be put right */
	CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	CU_ASSERT_EQUAL(get(&f, DATA_CONFIG, NULL, "conf"), 0);
	teardown(&f);
}

static void test_list(void)
{
	static const char *const all[][2] = { { "prod", "b" },
					      { "default", "z" },
					      { "prod", "a" } };
	cleanup_strlist struct strlist names = { 0 };
	struct fixture f;
	int fd;

	setup(&f);
	CU_ASSERT_EQUAL(data_object_list(&f.s, DATA_SECRET, &names, &f.err), 0);
	CU_ASSERT_EQUAL(names.n, 0);
	f.o.kind = DATA_SECRET;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		free(f.o.name);
		free(f.o.namespace_);
		f.o.namespace_ = xstrdup(all[i][0]);
		f.o.name = xstrdup(all[i][1]);
		CU_ASSERT_EQUAL(data_object_write(&f.s, &f.o, &f.err), 0);
	}
	fd = openat(f.s.rootfd, "secrets/prod/.tmp-12345678.json", O_WRONLY | O_CREAT, 0600);
	(void)close(fd);
	CU_ASSERT_EQUAL(data_object_list(&f.s, DATA_SECRET, &names, &f.err), 0);
	CU_ASSERT_EQUAL_FATAL(names.n, 3);
	CU_ASSERT_STRING_EQUAL(names.v[0], "default/z");
	CU_ASSERT_STRING_EQUAL(names.v[1], "prod/a");
	CU_ASSERT_STRING_EQUAL(names.v[2], "prod/b");
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "there and back", test_there_and_back },
	{ "replaced and removed", test_replace },
	{ "immutable", test_immutable },
	{ "permissions", test_permissions },
	{ "names stay in their folder", test_names },
	{ "VOL-2: keys are one component", test_keys },
	{ "size", test_size },
	{ "damaged records", test_damaged },
	{ "listed in order", test_list },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "object", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
