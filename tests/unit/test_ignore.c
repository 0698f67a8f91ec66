/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ignore - ignore files and file patterns.
 *
 * Theory of operation: tables of pattern lines, a path, and whether it is ignored; what Docker's
 * documentation says about its .dockerignore is among them.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/build/glob.h"
#include "engine/build/ignore.h"
#include "tests/support/cunit_main.h"

static struct ignore *parse(const char *text)
{
	struct error err = { .code = 0 };
	struct ignore *g = NULL;

	if (ignore_parse(text, strlen(text), ".containerignore", &g, &err) < 0)
		printf("%s\n", err.text);
	return g;
}

static void test_ignored(void)
{
	static const struct {
		const char *lines, *path;
		bool ignored;
	} cases[] = {
		{ "", "a", false },
		{ "a", "a", true },
		{ "a", "a/b/c", true },
		{ "a", "b/a", false },
		{ "/a", "a", true },
		{ "a/", "a/x", true },
		{ "./a//b/../c", "a/c", true },
		{ "# a\na", "a", true },
		{ "# a", "# a", false },
		{ "  a  ", "a", true },
		{ "*", "a", true },
		{ "*", "a/b", true },
		{ "*.md", "x.md", true },
		{ "*.md", "d/x.md", false },
		{ "*/temp*", "d/temporary", true },
		{ "*/temp*", "d/e/temp", false },
		{ "*/*/temp*", "d/e/temp", true },
		{ "temp?", "tempa", true },
		{ "temp?", "temp", false },
		{ "temp?", "temp/", false },
		{ "**/*.go", "x.go", true },
		{ "**/*.go", "a/b/x.go", true },
		{ "**/*.go", "a/b/x.gox", false },
		{ "**", "a/b", true },
		{ "a/**", "a/b/c", true },
		{ "a/**", "a", false },
		{ "a/**/z", "a/z", true },
		{ "a/**/z", "a/b/c/z", true },
		{ "a/**/z", "a/b/c/zz", false },
		{ "**/node_modules", "x/y/node_modules/m/index.js", true },
		{ "*.md\n!README.md", "README.md", false },
		{ "*.md\n!README.md", "OTHER.md", true },
		{ "*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true },
		{ "*.md\nREADME-secret.md\n!README*.md", "README-secret.md", false },
		{ "d\n!d/keep", "d/keep", false },
		{ "d\n!d/keep", "d/other", true },
		{ "[a-c]x", "bx", true },
		{ "[^a-c]x", "bx", false },
		{ "[^a-c]x", "dx", true },
		{ "\\*", "*", true },
		{ "\\*", "a", false },
		{ "a.c", "abc", false },
		{ "\xef\xbb\xbf"
		  "a",
		  "a", true },
		{ "?", "\xc3\xa4", true },
		{ "a\r\nb\r\n", "b", true },
		{ ".", "a", false },
		{ "*", "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_ignore struct ignore *g = parse(cases[i].lines);

		CU_ASSERT_PTR_NOT_NULL_FATAL(g);
		if (is_ignored(g, cases[i].path) != cases[i].ignored) {
			printf("'%s' '%s'\n", cases[i].lines, cases[i].path);
			CU_FAIL("not as it should be");
		}
	}
	CU_ASSERT_FALSE(is_ignored(NULL, "a"));
}

static void test_refused(void)
{
	static const char *const cases[] = { "a\n[", "[a", "[]a]", "[-]", "a\\", "!", "[a-]" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { .code = 0 };
		struct ignore *g = NULL;

		if (ignore_parse(cases[i], strlen(cases[i]), "file", &g, &err) != -EINVAL) {
			printf("'%s'\n", cases[i]);
			CU_FAIL("taken");
			ignore_free(g);
		}
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, i ? "file:1: " : "file:2: "));
	}
}

static void test_skipping(void)
{
	static const struct {
		const char *lines, *dir;
		bool skipped;
	} cases[] = {
		{ "d", "d", true },	      { "d", "e", false },
		{ "d\n!d/keep", "d", false }, { "d\n!e/keep", "d", true },
		{ "*\n!src", "build", true }, { "*\n!src/**/x", "src", false },
		{ "*\n!**/x", "any", false }, { "*\n!s*", "src", false },
		{ "*\n!dd/x", "d", true },    { "*\n!a/b/c", "a/b", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_ignore struct ignore *g = parse(cases[i].lines);

		if (can_skip_below(g, cases[i].dir) != cases[i].skipped) {
			printf("'%s' '%s'\n", cases[i].lines, cases[i].dir);
			CU_FAIL("not as it should be");
		}
	}
}

static void test_match(void)
{
	CU_ASSERT_EQUAL(glob_match("*.c", "x.c"), 1);
	CU_ASSERT_EQUAL(glob_match("*.c", "x/y.c"), 0);
	CU_ASSERT_EQUAL(glob_match("**", "a/b"), 0); /* two stars are two stars */
	CU_ASSERT_EQUAL(glob_match("a*b*c", "aXbYbZc"), 1);
	CU_ASSERT_EQUAL(glob_match("[", "x"), -EINVAL);
}

/* A pattern that takes others for ever. */
static void test_many_stars(void)
{
	char pattern[201], name[201];
	struct glob *g;

	for (int i = 0; i < 200; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	memset(name, 'a', 199);
	name[199] = 'b';
	pattern[200] = name[200] = '\0';
	g = glob_new(pattern, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	CU_ASSERT_FALSE(is_glob_match(g, name));
	glob_free(g);
}

/* The path cut at each slash from behind, as the rule is written. */
static bool is_match_cut(const struct glob *g, char *path)
{
	char *slash;

	do {
		if (is_glob_match(g, path))
			return true;
		slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
	return false;
}

static void make_text(uint32_t *seed, const char *letters, char out[12])
{
	size_t n = strlen(letters);

	for (int i = 0; i < 11; i++) {
		*seed = *seed * 1103515245 + 12345;
		out[i] = letters[(*seed >> 16) % (n + 1)]; /* its end is one of them */
		if (!out[i])
			break;
	}
	out[11] = '\0';
}

/* One walk along the path says the same as one for each directory above it. */
static void test_above(void)
{
	uint32_t seed = 1;
	int matches = 0, others = 0;

	for (int i = 0; i < 20000; i++) {
		char pattern[12], path[12];
		struct glob *g;
		bool above;

		make_text(&seed, "ab/**?a", pattern);
		make_text(&seed, "aab/ba/", path);
		g = glob_new(pattern, true);
		CU_ASSERT_PTR_NOT_NULL_FATAL(g);
		above = is_glob_match_above(g, path);
		matches += above;
		others += !above;
		CU_ASSERT_EQUAL(above, is_match_cut(g, path));
		glob_free(g);
	}
	CU_ASSERT_TRUE(matches > 1000 && others > 1000);
}

static CU_TestInfo tests[] = { { "ignored or not", test_ignored },
			       { "refused", test_refused },
			       { "directories left out whole", test_skipping },
			       { "file patterns", test_match },
			       { "many stars", test_many_stars },
			       { "directories above", test_above },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "ignore", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
