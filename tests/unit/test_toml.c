/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_toml - TOML: what is taken and what it means, what is refused and where.
 *
 * Theory of operation: two tables. A text that is taken is shown in a short canonical form (tables
 * in braces, arrays in brackets, strings in quotes); a text that is refused has the line and column
 * that the message must name, so that it is refused for the right reason.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/image/toml.h"
#include "tests/support/cunit_main.h"

static void show(const struct toml *t, struct buf *b)
{
	if (t->key)
		buf_printf(b, "%s=", t->key);
	if (t->type == TOML_STRING)
		buf_printf(b, "\"%s\"", t->text);
	else if (t->type == TOML_INTEGER)
		buf_printf(b, "%" PRId64, t->integer);
	else if (t->type == TOML_BOOLEAN)
		buf_adds(b, t->boolean ? "true" : "false");
	else if (t->type == TOML_FLOAT || t->type == TOML_DATE)
		buf_printf(b, "<%s>", t->text);
	else
		buf_addc(b, t->type == TOML_TABLE ? '{' : '[');
	for (size_t i = 0; i < t->n; i++) {
		if (i)
			buf_addc(b, ' ');
		show(t->v[i], b);
	}
	if (t->type == TOML_TABLE || t->type == TOML_ARRAY)
		buf_addc(b, t->type == TOML_TABLE ? '}' : ']');
}

static void check_shown(const char *text, const char *expected)
{
	struct error err = { .code = 0 };
	cleanup_toml struct toml *t = NULL;
	cleanup_buf struct buf b = BUF_INIT(1 << 20);

	if (toml_parse(text, strlen(text), "t", &t, &err) < 0) {
		printf("\n%s\n  %s\n", text, err.text);
		CU_FAIL("refused");
		return;
	}
	show(t, &b);
	if (!is_equal(b.data, expected)) {
		printf("\n%s\n  gives %s\n  not   %s\n", text, b.data, expected);
		CU_FAIL("another meaning");
	}
}

static void test_taken(void)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "", "{}" },
		{ "# c\n\n  \t# d", "{}" },
		{ "\xef\xbb\xbf"
		  "a = 1",
		  "{a=1}" },
		{ "a = 1\r\nb=2 # c\r\n", "{a=1 b=2}" },
		{ "bare_key-1 = 1\n1234 = 2\n\"\" = 3\n'q \"' = 4\n\"\\u00e4\" = 5",
		  "{bare_key-1=1 1234=2 =3 q \"=4 \xc3\xa4=5}" },
		{ "a.b.c = 1\na.b.d = 2\na . \"e.f\" = 3", "{a={b={c=1 d=2} e.f=3}}" },
		{ "[a]\nb.c=1\n[a.d]\ne=2\n[x]\n", "{a={b={c=1} d={e=2}} x={}}" },
		{ "[a.b]\nc=1\n[a]\nd=2", "{a={b={c=1} d=2}}" },
		{ "[fruit]\napple.color=1\n[fruit.apple.taste]\nsweet=true",
		  "{fruit={apple={color=1 taste={sweet=true}}}}" },
		{ "[[r]]\nx=1\n[[r.m]]\ny=1\n[[r.m]]\ny=2\n[[r]]\n[r.sub]\nz=3",
		  "{r=[{x=1 m=[{y=1} {y=2}]} {sub={z=3}}]}" },
		{ "[[a.b]]\n[a]\nc=1", "{a={b=[{}] c=1}}" },
		{ "[ a . 'b' ]\n[[ c ]]", "{a={b={}} c=[{}]}" },
		{ "s = \"a\\tb\\\"\\\\\\u0041\\U0001F600\"", "{s=\"a\tb\"\\A\xf0\x9f\x98\x80\"}" },
		{ "s = 'C:\\n\"'", "{s=\"C:\\n\"\"}" },
		{ "s = \"\"\ne = ''", "{s=\"\" e=\"\"}" },
		{ "s = \"\"\"\nA\n  B\\\n   \n\n  C\\n\"\"\"", "{s=\"A\n  BC\n\"}" },
		{ "s = \"\"\"a\"\"b\"\"\"\"\"", "{s=\"a\"\"b\"\"\"}" },
		{ "s = '''\r\nA\r\n\\B''''", "{s=\"A\n\\B'\"}" },
		{ "s = \"\"\"\"\"\"", "{s=\"\"}" },
		{ "a=+99\nb=-0\nc=1_000\nd=0xDEAD_beef\ne=0o17\nf=0b101\ng=-9223372036854775808",
		  "{a=99 b=0 c=1000 d=3735928559 e=15 f=5 g=-9223372036854775808}" },
		{ "a=1.5\nb=-1e6\nc=6.6E-34\nd=inf\ne=-nan\nf=1_0.0_1",
		  "{a=<1.5> b=<-1e6> c=<6.6E-34> d=<inf> e=<-nan> f=<1_0.0_1>}" },
		{ "a=1979-05-27\nb=1979-05-27T07:32:00Z\nc=1979-05-27 "
		  "07:32:00.99-07:00\nd=07:32:00",
		  "{a=<1979-05-27> b=<1979-05-27T07:32:00Z> c=<1979-05-27 07:32:00.99-07:00> "
		  "d=<07:32:00>}" },
		{ "a=[]\nb=[1,2,]\nc=[ # x\n 'y', # z\n\n \"w\"\n]\nd=[[1],['a',{b=2}]]",
		  "{a=[] b=[1 2] c=[\"y\" \"w\"] d=[[1] [\"a\" {b=2}]]}" },
		{ "a={}\nb={ x = 1, y.z = 'q', w = [ 1,\n2 ] }",
		  "{a={} b={x=1 y={z=\"q\"} w=[1 2]}}" },
		{ "a = true\nb = false", "{a=true b=false}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_shown(cases[i].text, cases[i].shown);
}

static void check_refused(const char *text, size_t len, const char *place)
{
	struct error err = { .code = 0 };
	cleanup_toml struct toml *t = NULL;
	cleanup_free char *prefix = xasprintf("t:%s: ", place);
	int r = toml_parse(text, len, "t", &t, &err);

	if (r != -EINVAL || !is_prefix(err.text, prefix)) {
		printf("\n%s\n  gives %d %s\n  not %s\n", text, r, err.text, prefix);
		CU_FAIL("not refused there");
	}
}

static const struct {
	const char *text, *place;
} refused[] = {
	{ "a", "1:2" },
	{ "= 1", "1:1" },
	{ "a =", "1:4" },
	{ "a = \nb = 1", "1:5" },
	{ "a = 1 b = 2", "1:7" },
	{ "a = 1\na = 2", "2:1" },
	{ "a = 1\na.b = 2", "2:1" },
	{ "a.b = 1\na = 2", "2:1" },
	{ "a.b = 1\n[a]", "2:2" },
	{ "[a]\n[a]", "2:2" },
	{ "[a]\nb=1\n[a.b]", "3:4" },
	{ "[a.b]\n[a]\nb.c = 1", "3:1" },
	{ "[a.b.c]\nz=9\n[a]\nb.c.t = 1", "4:1" },
	{ "[[a]]\n[a]", "2:2" },
	{ "[a]\n[[a]]", "2:3" },
	{ "a = []\n[[a]]", "2:3" },
	{ "a = [{}]\n[a.b]", "2:2" },
	{ "a = {}\n[a.b]", "2:2" },
	{ "a = {b.c=1}\na.d = 2", "2:1" },
	{ "a = {b=1, b=2}", "1:11" },
	{ "a = {b=1,}", "1:10" },
	{ "a = {b=1\n}", "1:9" },
	{ "a = {\nb=1}", "1:6" },
	{ "[a", "1:3" },
	{ "[a]]", "1:4" },
	{ "[[a]", "1:5" },
	{ "[]", "1:2" },
	{ "[a.]", "1:4" },
	{ "[a] b=1", "1:5" },
	{ "a b = 1", "1:3" },
	{ "\"\"\"a\"\"\" = 1", "1:1" },
	{ "\xc3\xa4 = 1", "1:1" },
	{ "a = 'x", "1:7" },
	{ "a = \"x\n\"", "1:7" },
	{ "a = \"\"\"x", "1:9" },
	{ "a = \"\\x41\"", "1:7" },
	{ "a = \"\\u12\"", "1:10" },
	{ "a = \"\\ud800\"", "1:12" },
	{ "a = \"\\U00110000\"", "1:16" },
	{ "a = \"\\u0000\"", "1:12" },
	{ "a = \"\\", "1:7" },
	{ "a = '''x'''''''", "1:14" },
	{ "a = \"\x01\"", "1:6" },
	{ "a = 1 # \x07", "1:9" },
	{ "a = '\x7f'", "1:6" },
	{ "a = '\xff'", "1:6" },
	{ "a = 1\rb = 2", "1:6" },
	{ "a = [1", "1:7" },
	{ "a = [1 2]", "1:8" },
	{ "a = [,]", "1:6" },
	{ "a = 01", "1:5" },
	{ "a = 1__0", "1:5" },
	{ "a = _1", "1:5" },
	{ "a = 1_", "1:5" },
	{ "a = +0x1", "1:5" },
	{ "a = 0xg", "1:5" },
	{ "a = 9223372036854775808", "1:5" },
	{ "a = .5", "1:5" },
	{ "a = 5.", "1:5" },
	{ "a = 1e", "1:5" },
	{ "a = 1979-5-27", "1:5" },
	{ "a = True", "1:5" },
	{ "a = yes", "1:5" },
	{ "a = docker.io", "1:5" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		check_refused(refused[i].text, strlen(refused[i].text), refused[i].place);
	check_refused("a = 1\n\0", 7, "2:1");
	check_refused("a = 1 #\0", 8, "1:8");
	check_refused("a = '\0'", 7, "1:6");
}

/* A text of n times the same, with something before and behind. */
static int parse_many(const char *before, const char *many, size_t n, const char *behind)
{
	cleanup_buf struct buf b = BUF_INIT(8 << 20);
	cleanup_toml struct toml *t = NULL;
	struct error err = { .code = 0 };

	buf_adds(&b, before);
	for (size_t i = 0; i < n; i++)
		buf_adds(&b, many);
	buf_adds(&b, behind);
	return toml_parse(b.data, b.len, "t", &t, &err);
}

static void test_limits(void)
{
	CU_ASSERT_EQUAL(parse_many("a=", "[", TOML_DEPTH_MAX - 1, ""), -EINVAL); /* unclosed */
	CU_ASSERT_EQUAL(parse_many("a=", "[", TOML_DEPTH_MAX, ""), -E2BIG);
	CU_ASSERT_EQUAL(parse_many("a=", "[", 100000, ""), -E2BIG);
	CU_ASSERT_EQUAL(parse_many("a=", "{a=", 100000, ""), -E2BIG);
	CU_ASSERT_EQUAL(parse_many("", "a.", 100000, "a=1"), -E2BIG);
	CU_ASSERT_EQUAL(parse_many("[", "a.", 100000, "a]"), -E2BIG);
	CU_ASSERT_EQUAL(parse_many("", "[[a]]\n", 1000, ""), 0);
	CU_ASSERT_EQUAL(parse_many("a=[", "1,", TOML_NODES_MAX - 1, "]"), 0);
	CU_ASSERT_EQUAL(parse_many("a=[", "1,", TOML_NODES_MAX, "]"), -E2BIG);
	CU_ASSERT_EQUAL(parse_many("#", "x", TOML_BYTES_MAX - 1, ""), 0);
	CU_ASSERT_EQUAL(parse_many("#", "x", TOML_BYTES_MAX, ""), -E2BIG);
}

static void test_lookup(void)
{
	static const char text[] = "a = 'x'\n\n  b = [\n 1 ]\n[t]\n";
	struct error err = { .code = 0 };
	cleanup_toml struct toml *t = NULL;

	CU_ASSERT_EQUAL_FATAL(toml_parse(text, sizeof(text) - 1, "t", &t, &err), 0);
	CU_ASSERT_STRING_EQUAL(toml_get(t, "a")->text, "x");
	CU_ASSERT_EQUAL(toml_get(t, "b")->line, 3);
	CU_ASSERT_EQUAL(toml_get(t, "b")->column, 7);
	CU_ASSERT_EQUAL(toml_get(t, "b")->v[0]->line, 4);
	CU_ASSERT_EQUAL(toml_get(t, "t")->line, 5);
	CU_ASSERT_PTR_NULL(toml_get(t, "c"));
	CU_ASSERT_PTR_NULL(toml_get(toml_get(t, "a"), "x"));
	CU_ASSERT_PTR_NULL(toml_get(NULL, "x"));
	toml_free(t);
	t = NULL;
	CU_ASSERT_EQUAL(toml_parse_file("/nonexistent/x", &t, &err), -ENOENT);
}

static CU_TestInfo tests[] = { { "taken", test_taken },
			       { "refused, with the place", test_refused },
			       { "limits", test_limits },
			       { "lookup", test_lookup },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "toml", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
