/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_document - text to trees: places, kinds, documents, aliases, merges, JSON, and every limit.
 * The attacks of YAML-1 and YAML-3 must end within a second and without much memory.
 */
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "engine/base/str.h"
#include "engine/base/base64.h"
#include "kube/document.h"
#include "tests/support/cunit_main.h"

static struct doc_set set;
static struct doc_place where;
static struct error err;

static int parse_len(const char *text, size_t len)
{
	doc_set_done(&set);
	memset(&err, 0, sizeof(err));
	return document_parse(text, len, &set, &where, &err);
}

static int parse(const char *text)
{
	return parse_len(text, strlen(text));
}

static void check_refused(const char *text, size_t len, const char *why)
{
	struct timespec t0, t1;
	double seconds;
	int r;

	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	r = parse_len(text, len);
	(void)clock_gettime(CLOCK_MONOTONIC, &t1);
	seconds = (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
	CU_ASSERT(r < 0);
	if (!strstr(err.text, why))
		printf("'%s' instead of '%s'\n", err.text, why);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, why));
	CU_ASSERT(seconds < 10); /* a bomb would take for ever; sanitizers are slow */
}

static const struct node *at(const char *path)
{
	return node_at(set.v[0], path);
}

static void test_places(void)
{
	const struct node *n;

	CU_ASSERT_EQUAL_FATAL(parse("a: 1\nb:\n  - x\n  -   y: 'z'\n"), 0);
	n = at("b[1].y");
	CU_ASSERT_STRING_EQUAL(n->text, "z");
	CU_ASSERT_TRUE(n->quoted);
	CU_ASSERT_EQUAL(n->place.line, 4);
	CU_ASSERT_EQUAL(n->place.column, 10);
	CU_ASSERT_EQUAL(at("b[1]")->entries[0].place.column, 7);
	/* a path that ends before its end gives the deepest node there is */
	CU_ASSERT_PTR_EQUAL(at("b[7].q"), at("b"));
	CU_ASSERT_PTR_EQUAL(at("b[x]"), at("b"));
	CU_ASSERT_PTR_EQUAL(at("nope"), set.v[0]);
	CU_ASSERT_EQUAL_FATAL(parse("labels: {a.b/c: d}\n"), 0);
	CU_ASSERT_STRING_EQUAL(at("labels[a.b/c]")->text, "d");
}

static void test_kinds(void)
{
	CU_ASSERT_EQUAL_FATAL(parse("[yes, 'yes', 012, 1.5, ~, !!str 1, !!int '3', !!binary aGk=, "
				    "! 5, !!float 1, |\n"
				    " true\n]\n") < 0,
			      true); /* a block scalar has no place in a flow */
	CU_ASSERT_EQUAL_FATAL(parse("[yes, 'yes', 012, 1.5, ~, !!str 1, !!int '3', !!binary aGk=, "
				    "! 5, !!float 1]"),
			      0);
	CU_ASSERT_EQUAL(at("[0]")->kind, NODE_BOOL);
	CU_ASSERT_EQUAL(at("[1]")->kind, NODE_STRING);
	CU_ASSERT_EQUAL(at("[2]")->scalar.integer, 10);
	CU_ASSERT_EQUAL(at("[3]")->kind, NODE_FLOAT);
	CU_ASSERT_EQUAL(set.v[0]->items[4]->kind, NODE_NULL);
	CU_ASSERT_EQUAL(at("[5]")->kind, NODE_STRING);
	CU_ASSERT_EQUAL(at("[6]")->kind, NODE_INT);
	CU_ASSERT_STRING_EQUAL(at("[7]")->text, "hi");
	CU_ASSERT_EQUAL(at("[8]")->kind, NODE_STRING);
	CU_ASSERT_TRUE(at("[9]")->scalar.kind == SCALAR_INT);
	CU_ASSERT_EQUAL_FATAL(parse("a: |\n  true\nb: >-\n  x\n  y\n"), 0);
	CU_ASSERT_EQUAL(at("a")->kind, NODE_STRING);
	CU_ASSERT_STRING_EQUAL(at("a")->text, "true\n");
	CU_ASSERT_STRING_EQUAL(at("b")->text, "x y");
}

static void test_documents(void)
{
	CU_ASSERT_EQUAL(parse(""), 0);
	CU_ASSERT_EQUAL(set.n, 0);
	CU_ASSERT_EQUAL(parse("# only this\n"), 0);
	CU_ASSERT_EQUAL(set.n, 0);
	CU_ASSERT_EQUAL(parse("a: 1\n---\n---\nb: 2\n...\n"), 0);
	CU_ASSERT_EQUAL_FATAL(set.n, 3);
	CU_ASSERT_EQUAL(set.v[1]->kind, NODE_NULL);
	CU_ASSERT_STRING_EQUAL(node_get(set.v[2], "b")->text, "2");
	/* anchors end with their document */
	CU_ASSERT(parse("a: &x 1\n---\nb: *x\n") < 0);
	CU_ASSERT_EQUAL(set.n, 1); /* what was read before stays */
	CU_ASSERT_EQUAL(where.line, 3);
	CU_ASSERT_EQUAL(parse("\xef\xbb\xbf"
			      "a: 1\n"),
			0);
	CU_ASSERT_EQUAL(parse("%YAML 1.2\n---\na: 1\n"), 0);
}

static void test_aliases_and_merges(void)
{
	CU_ASSERT_EQUAL_FATAL(parse("a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}\n"
				    "d: {q: 4, <<: [{r: 5, q: 6}, {r: 7}, *x]}\n"),
			      0);
	CU_ASSERT_PTR_EQUAL(at("a"), at("b"));
	CU_ASSERT_EQUAL(at("c.p")->scalar.integer, 1);
	CU_ASSERT_EQUAL(at("c.q")->scalar.integer, 3);
	CU_ASSERT_EQUAL(at("d.q")->scalar.integer, 4);
	CU_ASSERT_EQUAL(at("d.r")->scalar.integer, 5);
	CU_ASSERT_EQUAL(at("d.p")->scalar.integer, 1);
	CU_ASSERT_EQUAL(at("d")->n, 3);
	CU_ASSERT_EQUAL_FATAL(parse("'<<': x\n"), 0); /* quoted: a key like others */
	CU_ASSERT_STRING_EQUAL(at("<<")->text, "x");
	check_refused("a: {<<: 5}", 10, "merges mappings only");
	check_refused("a: &a [*a]", 10, "no anchor");
	check_refused("a: &a b\n*a : c", 14, "an alias cannot be a key");
	/* the last anchor of a name counts */
	CU_ASSERT_EQUAL(parse("[&a 1, *a, &a 2, *a]"), 0);
	CU_ASSERT_EQUAL(at("[3]")->scalar.integer, 2);
}

static void test_refusals(void)
{
	check_refused("a: 1\nb: 2\na: 3\n", 15, "given twice");
	CU_ASSERT_EQUAL(where.line, 3);
	check_refused("a: 1\n'a': 3\n", 12, "given twice");
	check_refused("a: \"x\\0y\"", 9, "NUL");
	check_refused("a: x\0y", 6, "NUL");
	check_refused("a: \xff", 4, "UTF-8");
	check_refused("\xff\xfe"
		      "a\0:\0",
		      6, "UTF-8");
	check_refused("a: !!python/object x", 20, "tags");
	check_refused("a: !mine {}", 11, "tags");
	check_refused("a: !!int x", 10, "does not fit");
	check_refused("a: !!binary '***'", 17, "base64");
	check_refused("a: !!binary AA==", 16, "UTF-8"); /* one NUL */
	check_refused("? {a: b}\n: c", 12, "plain text");
	check_refused("a:\n\tb: c", 8, "tab");
	check_refused("a: [1, 2", 8, "did not find");
	check_refused("a: \x01", 4, "control");
	check_refused("a: \"\\uD800\"", 11, "invalid Unicode");
}

static char *repeat(const char *text, size_t n, size_t *ret_len)
{
	size_t len = strlen(text);
	char *all = xmalloc(len * n + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(all + i * len, text, len);
	all[len * n] = '\0';
	*ret_len = len * n;
	return all;
}

static void check_repeated(const char *text, size_t n, const char *why)
{
	size_t len;
	cleanup_free char *all = repeat(text, n, &len);

	check_refused(all, len, why);
}

static void test_limits(void)
{
	struct buf bomb = BUF_INIT((size_t)1 << 20);

	check_repeated("[", 100000, "too deeply");
	check_repeated("{a: ", 100000, "too deeply");
	check_repeated("- ", 100000, "too deeply");
	check_repeated("---\na: 1\n", 100000, "too many documents");
	check_repeated("- a\n", 400000, "too many");
	check_repeated("0123456789abcdef", (DOC_MAX_SCALAR >> 4) + 1, "too long");
	check_repeated("x", DOC_MAX_BYTES + 1, "larger than 4 MiB");
	check_repeated("[1,", 40000, "too deeply");
	check_repeated("- []\n", 180000, "too many elements"); /* few nodes, many events */

	buf_adds(&bomb, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 30; i++)
		buf_printf(&bomb, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i,
			   i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	check_refused(bomb.data, bomb.len, "aliases expanded");
	buf_done(&bomb);

	bomb = BUF_INIT((size_t)1 << 20); /* merges that add up: each doubles the one before */
	buf_adds(&bomb, "m0: &m0 {a: 1}\n");
	for (int i = 1; i < 40; i++)
		buf_printf(&bomb, "m%d: &m%d {<<: [*m%d, *m%d], k%d: *m%d}\n", i, i, i - 1, i - 1,
			   i, i - 1);
	check_refused(bomb.data, bomb.len, "too many nodes");
	buf_done(&bomb);

	bomb = BUF_INIT((size_t)1 << 20); /* many aliases to one large anchor */
	buf_adds(&bomb, "big: &big [");
	for (int i = 0; i < 1000; i++)
		buf_adds(&bomb, "x,");
	buf_adds(&bomb, "]\nall:\n");
	for (int i = 0; i < 1000; i++)
		buf_adds(&bomb, "- *big\n");
	check_refused(bomb.data, bomb.len, "aliases expanded");
	buf_done(&bomb);

	bomb = BUF_INIT((size_t)1 << 20); /* depth by aliases */
	buf_adds(&bomb, "d0: &d0 [x]\n");
	for (int i = 1; i < 100; i++)
		buf_printf(&bomb, "d%d: &d%d [*d%d]\n", i, i, i - 1);
	check_refused(bomb.data, bomb.len, "too deeply");
	buf_done(&bomb);
}

/* 40,000 distinct keys must not cost their square. */
static void test_many_keys(void)
{
	struct buf text = BUF_INIT((size_t)2 << 20);

	for (int i = 0; i < 40000; i++)
		buf_printf(&text, "k%d: x\n", i);
	CU_ASSERT_EQUAL(parse_len(text.data, text.len), 0);
	CU_ASSERT_EQUAL(set.v[0]->n, 40000);
	buf_adds(&text, "k77: y\n");
	check_refused(text.data, text.len, "given twice (first in line 78)");
	buf_done(&text);
}

static void test_json(void)
{
	const struct node *n;

	CU_ASSERT_EQUAL_FATAL(
		parse(" {\"a\" : [ 1, -2.50 , true, null, \"\\ud83d\\ude00\" ],\n"
		      "  \"b\": {} , \"c\":[],\"d\":\"x\\\"}\", \"e\": \"80\"}\n [5]"),
		0);
	CU_ASSERT_EQUAL_FATAL(set.n, 2);
	CU_ASSERT_EQUAL(at("a[0]")->scalar.integer, 1);
	CU_ASSERT_STRING_EQUAL(at("a[1]")->text, "-2.50");
	CU_ASSERT_EQUAL(at("a[1]")->kind, NODE_FLOAT);
	CU_ASSERT_TRUE(at("a[2]")->scalar.boolean);
	CU_ASSERT_STRING_EQUAL(at("a[4]")->text, "\xf0\x9f\x98\x80");
	CU_ASSERT_EQUAL(at("a[4]")->place.column, 34);
	CU_ASSERT_EQUAL(at("b")->kind, NODE_MAP);
	CU_ASSERT_EQUAL(at("c")->kind, NODE_LIST);
	n = at("d");
	CU_ASSERT_STRING_EQUAL(n->text, "x\"}");
	CU_ASSERT_EQUAL(n->place.line, 2);
	CU_ASSERT_EQUAL(n->place.column, 24);
	CU_ASSERT_EQUAL(at("e")->kind, NODE_STRING);
	CU_ASSERT_EQUAL(set.v[1]->place.line, 3);
	CU_ASSERT_EQUAL(set.v[1]->items[0]->scalar.integer, 5);
	/* flow YAML looks like JSON and is read as YAML */
	CU_ASSERT_EQUAL(parse("{a: 1, b: [x]}"), 0);
	CU_ASSERT_STRING_EQUAL(at("b[0]")->text, "x");
	check_refused("{\"a\":1,\n\"a\":2}", 14, "duplicate");
	CU_ASSERT_EQUAL(where.line, 2);
	check_refused("{\"a\":\"\\u0000\"}", 14, "\\u0000");
	check_refused("{\"a\":99999999999999999999}x", 27, "integer");
	check_refused("{\"a\":[1,}", 9, "not JSON");
	check_repeated("[", 200000, "too deeply");
	check_repeated("{\"a\":1}\n", DOC_MAX_DOCUMENTS + 1, "too many documents");
	check_repeated("[[],", 200000, "too ");
}

static void test_equal(void)
{
	static const char text[] = "a: {b: [1, x, 1.5, ~, yes]}\n";
	struct doc_set other = { 0 };

	CU_ASSERT_EQUAL(document_parse(text, strlen(text), &other, &where, &err), 0);
	CU_ASSERT_EQUAL(parse(text), 0);
	CU_ASSERT_TRUE(node_is_equal(set.v[0], other.v[0]));
	CU_ASSERT_EQUAL(parse("a: {b: [1, x, 1.5, ~, no]}\n"), 0);
	CU_ASSERT_FALSE(node_is_equal(set.v[0], other.v[0]));
	CU_ASSERT_EQUAL(parse("a: {b: [1, x, 1.5, ~]}\n"), 0);
	CU_ASSERT_FALSE(node_is_equal(set.v[0], other.v[0]));
	CU_ASSERT_EQUAL(parse("a: {c: [1, x, 1.5, ~, yes]}\n"), 0);
	CU_ASSERT_FALSE(node_is_equal(set.v[0], other.v[0]));
	doc_set_done(&other);
}

static void test_base64(void)
{
	static const char *const bad[] = { "A",	   "AB",       "ABC",	  "A===", "AB=C",
					   "A*==", "AB==AB==", "AB\xff=", "QR==" };
	char out[64];
	size_t n;

	CU_ASSERT_EQUAL(base64_decode("aGVs\n bG8=", 10, out, &n), 0);
	CU_ASSERT_EQUAL(n, 5);
	CU_ASSERT_EQUAL(memcmp(out, "hello", 5), 0);
	CU_ASSERT_EQUAL(base64_decode("", 0, out, &n), 0);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(base64_decode("+/+/", 4, out, &n), 0);
	CU_ASSERT_EQUAL((unsigned char)out[0], 0xfb);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT(base64_decode(bad[i], strlen(bad[i]), out, &n) < 0);
}

static int forget(void)
{
	doc_set_done(&set);
	return 0;
}

static CU_TestInfo tests[] = {
	{ "places and paths", test_places },
	{ "kinds and tags", test_kinds },
	{ "several documents", test_documents },
	{ "aliases and merges", test_aliases_and_merges },
	{ "refused texts", test_refusals },
	{ "limits", test_limits },
	{ "many keys", test_many_keys },
	{ "JSON", test_json },
	{ "equal trees", test_equal },
	{ "base64", test_base64 },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "document", NULL, forget, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
