/* SPDX-License-Identifier: Apache-2.0 */
/* test_record_flat - the fast reader of records agrees with the general one, or leaves it to it. */
#include <errno.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/record.h"
#include "engine/base/str.h"
#include "engine/state/status.h"
#include "tests/support/cunit_main.h"

static void fill(struct container_status *st)
{
	*st = (struct container_status){ .state = STATE_RESTARTING,
					 .pid = 4294967295,
					 .start_ticks = 123456789,
					 .boot_id = xstrdup("b6c6d6e6-0000-4000-8000-123456789abc"),
					 .started_ns = 1795309323123456789,
					 .exit_code = -1,
					 .exit_unknown = true,
					 .name = xstrdup("web-ng1"),
					 .image = xstrdup("docker.io/library/nginx:latest"),
					 .command = xstrdup(""),
					 .ports = xstrdup("0.0.0.0:8001-8002->8001-8002/tcp"),
					 .infra = true };
}

/* 1: read fast and equal to the general way; 0: left to it; -1: they disagree. */
static int read_both(const char *text)
{
	struct container_status fast, slow;
	struct error err = { 0 };
	json_t *j = NULL;
	int f = record_load_flat(&container_status_type, text, strlen(text), &fast);
	int g = jload_text(text, strlen(text), "text", &j, &err);
	int result;

	if (g == 0)
		g = record_load(&container_status_type, j, &slow, &err);
	if (f < 0)
		result = f == -ENOTSUP ? 0 : -1;
	else
		result =
			g == 0 && record_equal(&container_status_type, &fast, &slow, NULL) ? 1 : -1;
	if (f == 0)
		status_done(&fast);
	if (g == 0)
		status_done(&slow);
	json_decref(j);
	return result;
}

/* A record with lists: of strings, of records with a list in each. */
struct inner {
	char *id;
	struct strlist names;
};
struct outer {
	uint32_t version;
	struct strlist words;
	struct {
		struct inner *v;
		size_t n;
	} list;
};
static const struct record_field inner_fields[] = {
	{ .name = "id", .kind = RECORD_STRING, .offset = offsetof(struct inner, id) },
	{ .name = "names", .kind = RECORD_STRLIST, .offset = offsetof(struct inner, names) },
	{ .name = NULL },
};
static const struct record_type inner_type = { "inner", sizeof(struct inner), inner_fields };
static const struct record_field outer_fields[] = {
	{ .name = "version", .kind = RECORD_U32, .offset = offsetof(struct outer, version) },
	{ .name = "words", .kind = RECORD_STRLIST, .offset = offsetof(struct outer, words) },
	{ .name = "list",
	  .kind = RECORD_LIST,
	  .offset = offsetof(struct outer, list),
	  .sub = &inner_type },
	{ .name = NULL },
};
static const struct record_type outer_type = { "outer", sizeof(struct outer), outer_fields };

static void test_lists(void)
{
	static const struct {
		const char *text;
		bool fast;
	} cases[] = {
		{ "{\"words\":[]}", true },
		{ "{\"list\":[],\"version\":1}", true },
		{ "{\"words\":[\"a\"],\"list\":[{}]}", true },
		{ "{ \"words\" : [ \"a\" , \"b\", \"c\",\"d\",\"e\" ] }", true },
		{ "{\"list\":[{\"id\":\"x\",\"names\":[\"1\",\"2\",\"3\"]},{\"id\":\"y\"},{},{},"
		  "{\"names\":[\"z\"]}]}",
		  true },
		{ "{\"words\":[\"a\",]}", false },
		{ "{\"words\":[\"a\" \"b\"]}", false },
		{ "{\"words\":[\"a\"", false },
		{ "{\"words\":[\"a\",\"\\n\"]}", false },
		{ "{\"words\":[1]}", false },
		{ "{\"words\":{}}", false },
		{ "{\"list\":[{\"id\":\"x\"},{\"id\":1}]}", false },
		{ "{\"list\":[{\"id\":\"x\"}", false },
		{ "{\"list\":[{\"id\":\"x\",\"id\":\"y\"}]}", false },
		{ "{\"list\":[{\"other\":[\"y\"]}]}", false },
		{ "{\"list\":[[]]}", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *text = cases[i].text;
		struct outer fast, slow;
		struct error err = { 0 };
		cleanup_json json_t *j = NULL;
		int r = record_load_flat(&outer_type, text, strlen(text), &fast);

		CU_ASSERT_EQUAL(r, cases[i].fast ? 0 : -ENOTSUP);
		if (r < 0)
			continue;
		CU_ASSERT_EQUAL_FATAL(jload_text(text, strlen(text), "text", &j, &err), 0);
		CU_ASSERT_EQUAL_FATAL(record_load(&outer_type, j, &slow, &err), 0);
		CU_ASSERT_TRUE(record_equal(&outer_type, &fast, &slow, NULL));
		record_done(&outer_type, &fast);
		record_done(&outer_type, &slow);
	}
}

static void test_written(void)
{
	struct container_status st;

	fill(&st);
	for (int indent = 0; indent < 3; indent++) {
		cleanup_json json_t *j = record_dump(&container_status_type, &st);
		cleanup_free char *text = jdump_text(j, indent);

		CU_ASSERT_EQUAL(read_both(text), 1);
	}
	status_done(&st);
}

static void test_plain(void)
{
	static const char *const texts[] = {
		"{}",
		" { } \n",
		"{\"state\":\"exited\"}",
		"{\"exitCode\":0,\"state\":\"created\"}",
		"{\"name\":\"\",\"pid\":0}",
		"{ \"infra\" : true , \"init\" : false }",
		"{\"exitCode\":-5}",
		"{\"started\":999999999999999999}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		CU_ASSERT_EQUAL(read_both(texts[i]), 1);
}

/* Bad or unusual ones are left to the general reader, whatever that makes of them. */
static void test_left(void)
{
	static const char *const texts[] = {
		"",
		"{",
		"}",
		"[]",
		"null",
		"{}x",
		"{}{}",
		"{\"state\":\"nope\"}",
		"{\"unknown\":1}",
		"{\"name\":\"a\\nb\"}",
		"{\"name\":\"\xc3\xa4\"}",
		"{\"name\":\"a",
		"{\"name\":3}",
		"{\"pid\":-1}",
		"{\"pid\":4294967296}",
		"{\"pid\":1.5}",
		"{\"pid\":1e3}",
		"{\"pid\":01}",
		"{\"pid\":\"1\"}",
		"{\"pid\":1,\"pid\":2}",
		"{\"pid\":1,}",
		"{,}",
		"{\"pid\" 1}",
		"{\"infra\":1}",
		"{\"infra\":truex}",
		"{\"exitCode\":-}",
		"{\"name\":null}",
		"{\"started\":9999999999999999999}",
		"{\"nam\":\"x\"}",
		"{\"namex\":\"x\"}",
		"{\"\":\"x\"}",
		"{\"name\":\"a\tb\"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int r = read_both(texts[i]);

		if (r)
			printf("%s: %d\n", texts[i], r);
		CU_ASSERT_EQUAL(r, 0);
	}
}

/* Every prefix and every changed byte of a real record: never another meaning. */
static void test_torn(void)
{
	static const char bytes[] = "\"\\{}[]:,-0 9tx\x01\xc3";
	cleanup_free char *text = NULL;
	struct container_status st;
	unsigned int fast = 0, bad = 0;
	json_t *j;

	fill(&st);
	j = record_dump(&container_status_type, &st);
	text = jdump_text(j, 0);
	json_decref(j);
	status_done(&st);
	for (size_t len = strlen(text); len-- > 0;) {
		char kept = text[len];

		for (size_t b = 0; b < sizeof(bytes); b++) {
			int r;

			text[len] = bytes[b];
			r = read_both(text);
			fast += r == 1;
			bad += r < 0;
		}
		text[len] = kept;
	}
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_TRUE(fast > 100);
}

static CU_TestInfo tests[] = {
	{ "lists", test_lists },
	{ "as written", test_written },
	{ "plain records", test_plain },
	{ "left to the general reader", test_left },
	{ "torn and changed records", test_torn },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "record_flat", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
