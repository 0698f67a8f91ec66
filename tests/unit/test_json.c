/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_json - what is read, what is refused and with which words, and what comes out.
 */
#include "engine/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

static int load(const char *text, json_t **ret, struct error *err)
{
	*ret = NULL;
	return jload_text(text, strlen(text), "here", ret, err);
}

static void test_load(void)
{
	static const char *const good[] = { "{}",   "[]",    "0",    "-1",  "\"x\"",
					    "null", " [1] ", "true", "1e2", "{\"a\":{\"b\":[]}}" };
	static const char *const bad[] = {
		"",
		"{",
		"}",
		"[1,]",
		"{\"a\":1,}",
		"{a:1}",
		"[1] 2",
		"'x'",
		"nul",
		"{\"a\":1,\"a\":1}",
		"\"\\u0000\"",
		"\"\xff\"",
		"\"\x01\"",
		"[1]]",
		"99999999999999999999",
		"1e999",
		"NaN",
		"{\"a\" 1}",
		"\"",
		"\"\\",
		"/**/1",
	};
	struct error err;
	json_t *j;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CU_ASSERT_EQUAL(load(good[i], &j, &err), 0);
		json_decref(j);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err.code = 0;
		CU_ASSERT_EQUAL(load(bad[i], &j, &err), -EBADMSG);
		CU_ASSERT_PTR_NULL(j);
		CU_ASSERT_EQUAL(err.code, EBADMSG);
		CU_ASSERT_TRUE(is_prefix(err.text, "here:"));
	}
	CU_ASSERT_EQUAL(jload_text("[1]\0", 4, "here", &j, &err), -EBADMSG);
}

static void test_place(void)
{
	struct error err;
	json_t *j;

	CU_ASSERT_EQUAL(load("{\n \"a\": }", &j, &err), -EBADMSG);
	CU_ASSERT_TRUE(is_prefix(err.text, "here:2:"));
	CU_ASSERT_EQUAL(load("{\"twice\":1,\"twice\":2}", &j, &err), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "uplicate"));
}

static int load_nested(size_t depth, char open, char close, struct error *err)
{
	cleanup_free char *text = xcalloc(1, 2 * depth + 1);
	json_t *j = NULL;
	int r;

	memset(text, open, depth);
	memset(text + depth, close, depth);
	r = load(text, &j, err);
	json_decref(j);
	return r;
}

static void test_depth(void)
{
	struct error err;
	json_t *j;

	CU_ASSERT_EQUAL(load_nested(32, '[', ']', &err), 0);
	CU_ASSERT_EQUAL(load_nested(33, '[', ']', &err), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "deeper than 32"));
	CU_ASSERT_EQUAL(load_nested(1000000, '[', ']', &err), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "deeper than 32"));
	/* Siblings are not depth, nor is what a string holds. */
	CU_ASSERT_EQUAL(load("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
			     "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]",
			     &j, &err),
			0);
	json_decref(j);
	CU_ASSERT_EQUAL(
		load("\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", &j, &err), 0);
	json_decref(j);
}

static void test_file(void)
{
	char *path = temp_make();
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dir, "j", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct error err;
	json_t *j = NULL;

	CU_ASSERT_EQUAL(write(fd, "{\"a\":7}", 7), 7);
	(void)close(fd);
	CU_ASSERT_EQUAL(jload_file(dir, "j", 7, &j, &err), 0);
	CU_ASSERT_EQUAL(jget_int(j, "a", 0), 7);
	json_decref(j);
	CU_ASSERT_EQUAL(jload_file(dir, "j", 6, &j, &err), -EFBIG);
	CU_ASSERT_EQUAL(jload_file(dir, "k", 6, &j, &err), -ENOENT);
	(void)close(dir);
	temp_remove(path);
}

static void test_dump(void)
{
	struct error err;
	json_t *j;
	char *s;

	CU_ASSERT_EQUAL(load("{ \"z\": 1, \"a\": [true, null] }", &j, &err), 0);
	s = jdump_text(j, 0);
	CU_ASSERT_STRING_EQUAL(s, "{\"z\":1,\"a\":[true,null]}");
	free(s);
	s = jdump_text(j, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "{\n  \"z\": 1,\n  \"a\": [\n    true"));
	free(s);
	json_decref(j);
	s = jdump_text(NULL, 0);
	CU_ASSERT_STRING_EQUAL(s, "null");
	free(s);
	j = json_string("x");
	s = jdump_text(j, 0);
	CU_ASSERT_STRING_EQUAL(s, "\"x\"");
	free(s);
	json_decref(j);
}

static void test_get(void)
{
	struct error err;
	json_t *j;

	CU_ASSERT_EQUAL(load("{\"s\":\"x\",\"i\":-3,\"r\":1.5,\"b\":true,\"f\":false,\"n\":null}",
			     &j, &err),
			0);
	CU_ASSERT_STRING_EQUAL(jget_str(j, "s"), "x");
	CU_ASSERT_PTR_NULL(jget_str(j, "i"));
	CU_ASSERT_PTR_NULL(jget_str(j, "n"));
	CU_ASSERT_PTR_NULL(jget_str(j, "none"));
	CU_ASSERT_PTR_NULL(jget_str(NULL, "s"));
	CU_ASSERT_EQUAL(jget_int(j, "i", 9), -3);
	CU_ASSERT_EQUAL(jget_int(j, "r", 9), 9);
	CU_ASSERT_EQUAL(jget_int(j, "s", 9), 9);
	CU_ASSERT_TRUE(jget_bool(j, "b", false));
	CU_ASSERT_FALSE(jget_bool(j, "f", true));
	CU_ASSERT_TRUE(jget_bool(j, "i", true));
	json_decref(j);
}

static CU_TestInfo tests[] = {
	{ "load", test_load },	 { "the place of a mistake", test_place },
	{ "depth", test_depth }, { "files", test_file },
	{ "dump", test_dump },	 { "members", test_get },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "json", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
