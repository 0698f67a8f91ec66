/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_expand - variables and quotes in the words of a Containerfile.
 *
 * Theory of operation: tables of text and result over three variables: A=x, EMPTY= (set, empty),
 * TWO="a b"; everything else is not set. A NULL result is a refusal with the code beside it.
 */
#include <errno.h>
#include <string.h>

#include "engine/build/expand.h"
#include "tests/support/cunit_main.h"

static const char *look_up(void *arg, const char *name)
{
	(void)arg;
	if (is_equal(name, "A"))
		return "x";
	if (is_equal(name, "EMPTY"))
		return "";
	return is_equal(name, "TWO") ? "a b" : NULL;
}

static const struct expand plain = { .escape = '\\', .lookup = look_up };

static void check(const struct expand *x, const char *text, const char *want, int code)
{
	struct error err = { .code = 0 };
	cleanup_free char *got = NULL;
	int r = expand_word(x, text, &got, &err);

	if (r != code || !is_equal(got, want)) {
		printf("'%s': %d '%s' (%s)\n", text, r, got ? got : "-", err.code ? err.text : "");
		CU_FAIL("not as it should be");
	}
	CU_PASS("compared");
}

static void test_words(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "$A", "x" },
		{ "${A}", "x" },
		{ "a${A}b$A.c", "axbx.c" },
		{ "$Ab", "" },
		{ "$NONE", "" },
		{ "$TWO", "a b" },
		{ "\\$A", "$A" },
		{ "'$A'", "$A" },
		{ "\"$A\"", "x" },
		{ "\"\\$A\"", "$A" },
		{ "\"a\\b\"", "a\\b" },
		{ "a\\b", "ab" },
		{ "a\\\\b", "a\\b" },
		{ "'a\\b'", "a\\b" },
		{ "\"it's\"", "it's" },
		{ "a$", "a$" },
		{ "$ a", "$ a" },
		{ "$$", "$$" },
		{ "${A:-y}", "x" },
		{ "${EMPTY:-y}", "y" },
		{ "${EMPTY-y}", "" },
		{ "${NONE:-y}", "y" },
		{ "${NONE-y}", "y" },
		{ "${A:+y}", "y" },
		{ "${EMPTY:+y}", "" },
		{ "${EMPTY+y}", "y" },
		{ "${NONE:+y}", "" },
		{ "${NONE:-${A}}", "x" },
		{ "${NONE:-a${NONE2:-b}c}", "abc" },
		{ "${A:+'}'}", "}" },
		{ "${NONE:-\"a b\"}", "a b" },
		{ "${A:?no}", "x" },
		{ "$1", "" },
		{ "x\\", "x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(&plain, cases[i].text, cases[i].want, 0);
}

static void test_refused(void)
{
	check(&plain, "${A", NULL, -EINVAL);
	check(&plain, "${}", NULL, -EINVAL);
	check(&plain, "${A:", NULL, -EINVAL);
	check(&plain, "${NONE:-x", NULL, -EINVAL);
	check(&plain, "'a", NULL, -EINVAL);
	check(&plain, "\"a", NULL, -EINVAL);
	check(&plain, "${A#x}", NULL, -EOPNOTSUPP);
	check(&plain, "${A/x/y}", NULL, -EOPNOTSUPP);
	check(&plain, "${NONE:?is needed}", NULL, -EINVAL);
	/* a branch that is not taken is read all the same */
	check(&plain, "${A:-${}}", NULL, -EINVAL);
}

static void test_demand_says_why(void)
{
	struct error err = { .code = 0 };
	char *got = NULL;

	CU_ASSERT_EQUAL(expand_word(&plain, "${NONE:?give a version}", &got, &err), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "give a version"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "NONE"));
}

static void test_other_escape(void)
{
	static const struct expand tick = { .escape = '`', .lookup = look_up };

	check(&tick, "c:\\x`$A", "c:\\x$A", 0);
	check(&tick, "c:\\$A", "c:\\x", 0);
}

static void test_heredoc(void)
{
	static const struct expand raw = { .escape = '\\',
					   .lookup = look_up,
					   .keeps_quotes = true };

	check(&raw, "it's \"$A\" \\$A \\n \\\\\n", "it's \"x\" $A \\n \\\n", 0);
	check(&raw, "'$A'", "'x'", 0);
}

static void test_split(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "a b", "a|b" },
		{ "  a  b ", "a|b" },
		{ "$TWO", "a|b" },
		{ "\"$TWO\"", "a b" },
		{ "x$TWO", "xa|b" },
		{ "'a b' c", "a b|c" },
		{ "$NONE a", "a" },
		{ "\"\" a", "|a" },
		{ "a\\ b", "a b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_strlist struct strlist words = { .v = NULL };
		struct buf all = BUF_INIT(1000);
		struct error err = { .code = 0 };

		CU_ASSERT_EQUAL(expand_words(&plain, cases[i].text, &words, &err), 0);
		for (size_t k = 0; k < words.n; k++)
			buf_printf(&all, "%s%s", k ? "|" : "", words.v[k]);
		if (!is_equal(all.data ? all.data : "", cases[i].want)) {
			printf("'%s': '%s'\n", cases[i].text, all.data ? all.data : "");
			CU_FAIL("not as it should be");
		}
		buf_done(&all);
	}
}

static void test_limits(void)
{
	struct buf deep = BUF_INIT(10000), long_word = BUF_INIT(3 * EXPAND_BYTES_MAX);
	struct error err = { .code = 0 };
	char *got = NULL;

	for (int i = 0; i < 100; i++)
		buf_adds(&deep, "${N:-");
	for (int i = 0; i < 100; i++)
		buf_addc(&deep, '}');
	CU_ASSERT_EQUAL(expand_word(&plain, deep.data, &got, &err), -E2BIG);
	for (int i = 0; i < EXPAND_BYTES_MAX + 10; i++)
		buf_addc(&long_word, 'a');
	CU_ASSERT_EQUAL(expand_word(&plain, long_word.data, &got, &err), -E2BIG);
	buf_done(&deep);
	buf_done(&long_word);
}

/* Many words of many bytes; the twin takes them all. */
static int expand_often(size_t *left)
{
	const struct expand x = { .escape = '\\', .lookup = look_up, .left = left };
	int r = 0;

	for (int i = 0; r == 0 && i < 10; i++) {
		cleanup_strlist struct strlist words = { .v = NULL };
		cleanup_free char *got = NULL;
		struct error err = { .code = 0 };

		r = expand_word(&x, "$A$A$A$A$A", &got, &err);
		if (r == 0)
			r = expand_words(&x, "$A $A $A $A $A", &words, &err);
	}
	return r;
}

static void test_total(void)
{
	size_t enough = 100, short_by_one = 99;

	CU_ASSERT_EQUAL(expand_often(&enough), 0);
	CU_ASSERT_EQUAL(enough, 0);
	CU_ASSERT_EQUAL(expand_often(&short_by_one), -E2BIG);
	short_by_one = 99;
	(void)setenv("PODIUM_WEAKEN", "EXPAND-TOTAL", 1);
	CU_ASSERT_EQUAL(expand_often(&short_by_one), 0);
	(void)unsetenv("PODIUM_WEAKEN");
}

static CU_TestInfo tests[] = { { "words", test_words },
			       { "refused", test_refused },
			       { "a demand says why", test_demand_says_why },
			       { "another escape character", test_other_escape },
			       { "heredocs", test_heredoc },
			       { "splitting", test_split },
			       { "limits", test_limits },
			       { "what all take, and the twin", test_total },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "expand", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
