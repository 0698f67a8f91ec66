/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_str - strict numbers, bounded buffers, lists, ids, and text that a terminal may see.
 */
#include "engine/base/str.h"

#include <errno.h>
#include <string.h>

#include "tests/support/cunit_main.h"

static void test_compare(void)
{
	CU_ASSERT_TRUE(is_equal(NULL, NULL));
	CU_ASSERT_FALSE(is_equal(NULL, ""));
	CU_ASSERT_FALSE(is_equal("", NULL));
	CU_ASSERT_TRUE(is_equal("a", "a"));
	CU_ASSERT_FALSE(is_equal("a", "A"));
	CU_ASSERT_TRUE(is_prefix("abc", ""));
	CU_ASSERT_TRUE(is_prefix("abc", "abc"));
	CU_ASSERT_FALSE(is_prefix("ab", "abc"));
	CU_ASSERT_TRUE(is_suffix("abc", ""));
	CU_ASSERT_TRUE(is_suffix("abc", "bc"));
	CU_ASSERT_FALSE(is_suffix("bc", "abc"));
	CU_ASSERT_TRUE(is_empty(NULL));
	CU_ASSERT_TRUE(is_empty(""));
	CU_ASSERT_FALSE(is_empty(" "));
}

/* ---- numbers ---------------------------------------------------------------------------- */

static void test_u64(void)
{
	static const struct {
		const char *text;
		uint64_t max;
		int r;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0, 0 },
		{ "007", 10, 0, 7 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
		{ "18446744073709551620", UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999999", UINT64_MAX, -ERANGE, 0 },
		{ "10", 9, -ERANGE, 0 },
		{ "9", 9, 0, 9 },
		{ "", 9, -EINVAL, 0 },
		{ NULL, 9, -EINVAL, 0 },
		{ " 1", 9, -EINVAL, 0 },
		{ "1 ", 9, -EINVAL, 0 },
		{ "1\n", 9, -EINVAL, 0 },
		{ "+1", 9, -EINVAL, 0 },
		{ "-1", 9, -EINVAL, 0 },
		{ "-0", 9, -EINVAL, 0 },
		{ "0x1", 99, -EINVAL, 0 },
		{ "1e1", 99, -EINVAL, 0 },
		{ "1.", 99, -EINVAL, 0 },
		{ "\xd9\xa1", 99, -EINVAL, 0 }, /* a digit, but not ours */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t n = 4711;

		CU_ASSERT_EQUAL(parse_u64(cases[i].text, cases[i].max, &n), cases[i].r);
		CU_ASSERT_EQUAL(n, cases[i].r == 0 ? cases[i].value : 4711);
	}
}

static void test_i64(void)
{
	static const struct {
		const char *text;
		int64_t min, max;
		int r;
		int64_t value;
	} cases[] = {
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, -ERANGE, 0 },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, -ERANGE, 0 },
		{ "-1", -1, 1, 0, -1 },
		{ "-2", -1, 1, -ERANGE, 0 },
		{ "2", -1, 1, -ERANGE, 0 },
		{ "-0", 0, 0, 0, 0 },
		{ "-", -9, 9, -EINVAL, 0 },
		{ "--1", -9, 9, -EINVAL, 0 },
		{ "+1", -9, 9, -EINVAL, 0 },
		{ "1-", -9, 9, -EINVAL, 0 },
		{ "", -9, 9, -EINVAL, 0 },
		{ NULL, -9, 9, -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t n = 4711;

		CU_ASSERT_EQUAL(parse_i64(cases[i].text, cases[i].min, cases[i].max, &n),
				cases[i].r);
		CU_ASSERT_EQUAL(n, cases[i].r == 0 ? cases[i].value : 4711);
	}
}

/* ---- buffers ---------------------------------------------------------------------------- */

static void test_buffer_grows(void)
{
	struct buf b = BUF_INIT(1 << 20);
	char *s;

	for (int i = 0; i < 20000; i++)
		buf_addc(&b, (char)('a' + i % 26));
	CU_ASSERT_EQUAL(b.len, 20000);
	CU_ASSERT_EQUAL(b.data[19999], 'a' + 19999 % 26);
	CU_ASSERT_EQUAL(b.data[20000], '\0');
	CU_ASSERT_FALSE(b.overflow);
	s = buf_steal(&b);
	CU_ASSERT_EQUAL(strlen(s), 20000);
	CU_ASSERT_PTR_NULL(b.data);
	CU_ASSERT_EQUAL(b.len, 0);
	free(s);
	s = buf_steal(&b);
	CU_ASSERT_STRING_EQUAL(s, "");
	free(s);
}

static void test_buffer_has_a_maximum(void)
{
	struct buf b = BUF_INIT(4);

	buf_adds(&b, "abcd");
	CU_ASSERT_FALSE(b.overflow);
	buf_addc(&b, 'e');
	CU_ASSERT_TRUE(b.overflow);
	CU_ASSERT_STRING_EQUAL(b.data, "abcd");
	buf_add(&b, "", 0); /* nothing more, whatever its size */
	CU_ASSERT_EQUAL(b.len, 4);
	buf_done(&b);
	b = BUF_INIT(4);
	buf_add(&b, "abc", SIZE_MAX);
	CU_ASSERT_TRUE(b.overflow);
	CU_ASSERT_PTR_NULL(b.data);
	buf_done(&b);
}

static void test_buffer_printf(void)
{
	struct buf b = BUF_INIT(1 << 16);
	char word[513];

	/* Around the size of its space on the stack. */
	for (size_t n = 510; n <= 512; n++) {
		memset(word, 'x', n);
		word[n] = '\0';
		buf_printf(&b, "%s|%d", word, 7);
		CU_ASSERT_EQUAL(b.len, n + 2);
		CU_ASSERT_EQUAL(strspn(b.data, "x"), n);
		CU_ASSERT_STRING_EQUAL(b.data + n, "|7");
		buf_done(&b);
	}
	b = BUF_INIT(3);
	buf_printf(&b, "%s", "abcd");
	CU_ASSERT_TRUE(b.overflow);
	CU_ASSERT_EQUAL(b.len, 0);
	buf_done(&b);
}

/* ---- lists ------------------------------------------------------------------------------ */

static void test_strlist(void)
{
	struct strlist a = { 0 }, b = { 0 };

	CU_ASSERT_FALSE(strlist_has(&a, "x"));
	strlist_add(&a, "one");
	strlist_addf(&a, "%s-%d", "two", 2);
	strlist_take(&a, xstrdup(""));
	CU_ASSERT_EQUAL(a.n, 3);
	CU_ASSERT_PTR_NULL(a.v[3]);
	CU_ASSERT_TRUE(strlist_has(&a, "two-2"));
	CU_ASSERT_TRUE(strlist_has(&a, ""));
	CU_ASSERT_FALSE(strlist_has(&a, "two"));
	strlist_copy(&b, &a);
	strlist_done(&a);
	CU_ASSERT_EQUAL(a.n, 0);
	CU_ASSERT_PTR_NULL(a.v);
	CU_ASSERT_EQUAL(b.n, 3);
	CU_ASSERT_STRING_EQUAL(b.v[0], "one");
	strlist_done(&b);
	strlist_done(&b);
}

static void test_pairs(void)
{
	struct pairlist a = { 0 }, b = { 0 };

	pairlist_set(&a, "k", "1");
	pairlist_set(&a, "l", "2");
	pairlist_set(&a, "k", "3");
	CU_ASSERT_EQUAL(a.n, 2);
	CU_ASSERT_STRING_EQUAL(a.v[0].key, "k");
	CU_ASSERT_STRING_EQUAL(pairlist_get(&a, "k"), "3");
	CU_ASSERT_PTR_NULL(pairlist_get(&a, "m"));
	/* A value may be set to itself. */
	pairlist_set(&a, "l", pairlist_get(&a, "l"));
	CU_ASSERT_STRING_EQUAL(pairlist_get(&a, "l"), "2");
	pairlist_copy(&b, &a);
	pairlist_done(&a);
	CU_ASSERT_EQUAL(a.n, 0);
	CU_ASSERT_STRING_EQUAL(pairlist_get(&b, "l"), "2");
	pairlist_done(&b);
}

/* ---- ids -------------------------------------------------------------------------------- */

static void test_ids(void)
{
	char a[65], b[65], out[7];

	hex_encode(out, "\x00\xff\x1a", 3);
	CU_ASSERT_STRING_EQUAL(out, "00ff1a");
	for (int i = 0; i < 1000; i++) {
		id_new(a);
		id_new(b);
		CU_ASSERT_TRUE(is_id(a));
		CU_ASSERT_STRING_NOT_EQUAL(a, b);
		CU_ASSERT_TRUE(strspn(a, "0123456789") < 12);
	}
	a[10] = 'A';
	CU_ASSERT_FALSE(is_id(a));
	a[10] = '/';
	CU_ASSERT_FALSE(is_id(a));
	b[63] = '\0';
	CU_ASSERT_FALSE(is_id(b));
	CU_ASSERT_FALSE(is_id(""));
	CU_ASSERT_FALSE(is_id(NULL));
}

/* ---- terminals -------------------------------------------------------------------------- */

static void test_printable(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain \t\n", "plain \t\n" },
		{ "\x1b[31m", "\\x1b[31m" },
		{ "a\rb\x7f", "a\\x0db\\x7f" },
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3",
		  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3" },
		{ "\xc2\x9b"
		  "31m",
		  "\\u009b31m" },			      /* C1 */
		{ "\xe2\x80\xae", "\\u202e" },		      /* right-to-left override */
		{ "\xe2\x81\xa6\xd8\x9c", "\\u2066\\u061c" }, /* isolate, Arabic letter mark */
		{ "\xe2\x80\xa8", "\\u2028" },		      /* line separator */
		{ "\xef\xbb\xbf", "\\ufeff" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },		/* overlong */
		{ "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf" }, /* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* past the last */
		{ "\xc3", "\\xc3" },				/* cut */
		{ "\xe2\x82", "\\xe2\\x82" },			/* cut */
		{ "\xe2\x82z", "\\xe2\\x82z" },
	};
	char *s;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		s = str_printable(cases[i].in, strlen(cases[i].in));
		CU_ASSERT_STRING_EQUAL(s, cases[i].out);
		free(s);
	}
	s = str_printable("a\0b", 3);
	CU_ASSERT_STRING_EQUAL(s, "a\\x00b");
	free(s);
	s = str_printable("", 0);
	CU_ASSERT_STRING_EQUAL(s, "");
	free(s);
}

/* Every two bytes: what comes out is printable and never holds a control character. */
static void test_printable_everything(void)
{
	for (int i = 0; i < 65536; i++) {
		char in[2] = { (char)(i >> 8), (char)i };
		char *s = str_printable(in, 2);

		for (const char *p = s; *p; p++)
			CU_ASSERT_FALSE_FATAL(
				((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') ||
				*p == 0x7f);
		free(s);
	}
}

static CU_TestInfo tests[] = {
	{ "compare", test_compare },
	{ "unsigned numbers", test_u64 },
	{ "signed numbers", test_i64 },
	{ "a buffer grows", test_buffer_grows },
	{ "a buffer has a maximum", test_buffer_has_a_maximum },
	{ "a buffer prints", test_buffer_printf },
	{ "lists", test_strlist },
	{ "pairs", test_pairs },
	{ "ids", test_ids },
	{ "printable text", test_printable },
	{ "printable, whatever comes", test_printable_everything },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "str", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
