/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_names - claims: one winner among many, take-over of what a crash left, and what is no name.
 */
#include "engine/pod/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define RIVALS 8
#define ROUNDS 30

struct fixture {
	char *path;
	struct store s;
	struct error err;
	int rival;
	char name[16];
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

static void make_target(struct fixture *f, const char *target)
{
	CU_ASSERT_EQUAL(mkdirat(f->s.rootfd, target, 0700), 0);
}

static bool is_owner(struct fixture *f, const char *name, const char *target)
{
	cleanup_free char *path = xasprintf("names/%s", name);
	char text[128] = "";

	return readlinkat(f->s.rootfd, path, text, sizeof(text) - 1) >= 0 && is_equal(text, target);
}

static void test_valid(void)
{
	char longest[NAME_LENGTH_MAX + 2];

	CU_ASSERT_TRUE(is_valid_name("a"));
	CU_ASSERT_TRUE(is_valid_name("0"));
	CU_ASSERT_TRUE(is_valid_name("My_app.v1-2"));
	CU_ASSERT_TRUE(is_valid_name("a..b"));
	memset(longest, 'x', sizeof(longest));
	longest[NAME_LENGTH_MAX] = '\0';
	CU_ASSERT_TRUE(is_valid_name(longest));
	longest[NAME_LENGTH_MAX] = 'x';
	longest[NAME_LENGTH_MAX + 1] = '\0';
	CU_ASSERT_FALSE(is_valid_name(longest));
}

static void test_invalid(void)
{
	static const char *const names[] = { "",     ".",	    "..",   ".a",   "_a",
					     "-a",   "a/b",	    "/a",   "../a", "a b",
					     "a\n",  "caf\xc3\xa9", "a:b",  "a*",   "~",
					     "a\\b", "a'b",	    "$(a)", "\x01" };
	struct fixture f;

	setup(&f);
	CU_ASSERT_FALSE(is_valid_name(NULL));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CU_ASSERT_FALSE(is_valid_name(names[i]));
		CU_ASSERT_EQUAL(names_claim(&f.s, names[i], "pods/1", &f.err), -EINVAL);
		CU_ASSERT_EQUAL(names_release(&f.s, names[i], "pods/1", &f.err), 0);
	}
	teardown(&f);
}

static void test_claim(void)
{
	struct fixture f;

	setup(&f);
	make_target(&f, "pods/1");
	make_target(&f, "containers/2");
	CU_ASSERT_EQUAL(names_claim(&f.s, "web", "pods/1", &f.err), 0);
	CU_ASSERT_TRUE(is_owner(&f, "web", "pods/1"));
	/* Pods and containers share the names; the owner is named. */
	CU_ASSERT_EQUAL(names_claim(&f.s, "web", "containers/2", &f.err), -EEXIST);
	CU_ASSERT_STRING_EQUAL(f.err.text, "name 'web' is already in use by pod 1");
	CU_ASSERT_EQUAL(names_claim(&f.s, "web", "pods/1", &f.err), -EEXIST);
	CU_ASSERT_TRUE(is_owner(&f, "web", "pods/1"));
	CU_ASSERT_EQUAL(names_claim(&f.s, "Web", "containers/2", &f.err), 0);
	CU_ASSERT_EQUAL(names_claim(&f.s, "Web", "pods/1", &f.err), -EEXIST);
	CU_ASSERT_STRING_EQUAL(f.err.text, "name 'Web' is already in use by container 2");
	teardown(&f);
}

static void test_release(void)
{
	struct fixture f;

	setup(&f);
	make_target(&f, "pods/1");
	CU_ASSERT_EQUAL(names_claim(&f.s, "web", "pods/1", &f.err), 0);
	CU_ASSERT_EQUAL(names_release(&f.s, "web", "pods/2", &f.err), 0); /* not his */
	CU_ASSERT_TRUE(is_owner(&f, "web", "pods/1"));
	CU_ASSERT_EQUAL(names_release(&f.s, "web", "pods/1", &f.err), 0);
	CU_ASSERT_FALSE(is_owner(&f, "web", "pods/1"));
	CU_ASSERT_EQUAL(names_release(&f.s, "web", "pods/1", &f.err), 0);
	teardown(&f);
}

static void test_release_all(void)
{
	struct fixture f;
	char name[24];

	setup(&f);
	make_target(&f, "pods/1");
	make_target(&f, "pods/11");
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		CU_ASSERT_EQUAL(names_claim(&f.s, name, i % 2 ? "pods/1" : "pods/11", &f.err), 0);
	}
	CU_ASSERT_EQUAL(names_release_all(&f.s, "pods/1", &f.err), 0);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		CU_ASSERT_EQUAL(is_owner(&f, name, "pods/11"), i % 2 == 0);
		CU_ASSERT_FALSE(is_owner(&f, name, "pods/1"));
	}
	teardown(&f);
}

static void test_take_over(void)
{
	struct fixture f;

	setup(&f);
	make_target(&f, "pods/1");
	make_target(&f, "pods/2");
	CU_ASSERT_EQUAL(names_claim(&f.s, "web", "pods/1", &f.err), 0);
	CU_ASSERT_EQUAL(unlinkat(f.s.rootfd, "pods/1", AT_REMOVEDIR), 0);
	CU_ASSERT_EQUAL(names_claim(&f.s, "web", "pods/2", &f.err), 0);
	CU_ASSERT_TRUE(is_owner(&f, "web", "pods/2"));
	/* What is no claim at all: nobody's. */
	CU_ASSERT_EQUAL(symlinkat("", f.s.rootfd, "names/empty") < 0, true);
	CU_ASSERT_EQUAL(symlinkat("nowhere", f.s.rootfd, "names/odd"), 0);
	CU_ASSERT_EQUAL(names_claim(&f.s, "odd", "pods/2", &f.err), 0);
	CU_ASSERT_TRUE(is_owner(&f, "odd", "pods/2"));
	teardown(&f);
}

/* ---- many at once ----------------------------------------------------------------------- */

/* The number of names won; 200 and more: something is wrong. */
static int claim_many(void *arg)
{
	struct fixture *f = arg;
	char target[24];
	int won = 0;

	(void)snprintf(target, sizeof(target), "pods/%d", f->rival);
	for (int i = 0; i < ROUNDS; i++) {
		int r;

		(void)snprintf(f->name, sizeof(f->name), "name%d", i);
		r = names_claim(&f->s, f->name, target, &f->err);
		if (r < 0 && r != -EEXIST)
			return 200;
		if ((r == 0) != is_owner(f, f->name, target))
			return 201;
		won += r == 0;
	}
	return won;
}

/* Eight processes want the same thirty names: each name has one owner, and he knows it. */
static void race(bool with_debris)
{
	struct fixture f;
	pid_t pids[RIVALS];
	char text[32];
	int won = 0;

	setup(&f);
	for (int i = 0; with_debris && i < ROUNDS; i++) {
		(void)snprintf(text, sizeof(text), "names/name%d", i);
		CU_ASSERT_EQUAL(symlinkat("pods/dead", f.s.rootfd, text), 0);
	}
	for (f.rival = 0; f.rival < RIVALS; f.rival++) {
		(void)snprintf(text, sizeof(text), "pods/%d", f.rival);
		make_target(&f, text);
		pids[f.rival] = child_start(claim_many, &f);
	}
	for (int i = 0; i < RIVALS; i++) {
		int r = child_end(pids[i]);

		CU_ASSERT_TRUE(r >= 0 && r <= ROUNDS);
		won += r;
	}
	CU_ASSERT_EQUAL(won, ROUNDS);
	teardown(&f);
}

static void test_race(void)
{
	race(false);
}

static void test_race_for_debris(void)
{
	race(true);
}

static CU_TestInfo tests[] = {
	{ "what is a name", test_valid },
	{ "what is none", test_invalid },
	{ "a claim", test_claim },
	{ "given back", test_release },
	{ "all given back", test_release_all },
	{ "a claim whose owner is gone", test_take_over },
	{ "eight processes, thirty names", test_race },
	{ "eight processes, thirty dead claims", test_race_for_debris },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "names", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
