/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_containerfile - lines to instructions, instructions to stages, and what is refused where.
 */
#include <errno.h>
#include <string.h>

#include "engine/build/containerfile.h"
#include "engine/build/stage.h"
#include "tests/support/cunit_main.h"

static struct containerfile parse(const char *text)
{
	struct error err = { .code = 0 };
	struct containerfile f = { .name = NULL };

	if (containerfile_parse(text, strlen(text), "Containerfile", &f, &err) < 0) {
		printf("%s: %s\n", text, err.text);
		CU_FAIL("refused");
	}
	return f;
}

static void test_lines(void)
{
	cleanup_containerfile struct containerfile f =
		parse("\xef\xbb\xbf# a comment\n\n  from scratch\r\n"
		      "RUN a \\\n  # inside\n\n    b \\  \n  c\n"
		      "run echo \\\\\nCMD x");

	CU_ASSERT_EQUAL_FATAL(f.n, 4);
	CU_ASSERT_EQUAL(f.v[0].kind, INSTRUCTION_FROM);
	CU_ASSERT_EQUAL(f.v[0].line, 3);
	CU_ASSERT_STRING_EQUAL(f.v[0].original, "from scratch");
	CU_ASSERT_STRING_EQUAL(f.v[0].args, "scratch");
	CU_ASSERT_EQUAL(f.v[1].line, 4);
	CU_ASSERT_STRING_EQUAL(f.v[1].args, "a     b   c");
	CU_ASSERT_STRING_EQUAL(f.v[2].args, "echo \\\\"); /* two: the line does not go on */
	CU_ASSERT_EQUAL(f.v[3].line, 10);
}

static void test_directives(void)
{
	cleanup_containerfile struct containerfile f =
		parse("# syntax=docker/dockerfile:1.4\n#escape = `\nFROM a`\nb\nRUN c:\\`\n d\n");
	cleanup_containerfile struct containerfile late =
		parse("# a comment\n# escape=`\nFROM a\\\nb\n");

	CU_ASSERT_EQUAL(f.escape, '`');
	CU_ASSERT_EQUAL_FATAL(f.n, 2);
	CU_ASSERT_STRING_EQUAL(f.v[0].args, "ab");
	CU_ASSERT_STRING_EQUAL(f.v[1].args, "c:\\ d");
	CU_ASSERT_EQUAL(late.escape, '\\');
}

static void test_json(void)
{
	cleanup_containerfile struct containerfile f =
		parse("FROM a\nCMD [\"a b\", \"c\"]\nRUN [ -f x ]\nENTRYPOINT [\"a\", 1]\n"
		      "COPY [\"a b\", \"/c d/\"]\nVOLUME [\"/a\"]\nLABEL [a]=b\nCMD []\n");

	CU_ASSERT_EQUAL_FATAL(f.n, 8);
	CU_ASSERT_TRUE(f.v[1].is_json && f.v[1].words.n == 2);
	CU_ASSERT_STRING_EQUAL(f.v[1].words.v[0], "a b");
	CU_ASSERT_FALSE(f.v[2].is_json);
	CU_ASSERT_STRING_EQUAL(f.v[2].args, "[ -f x ]");
	CU_ASSERT_FALSE(f.v[3].is_json);
	CU_ASSERT_TRUE(f.v[4].is_json && f.v[5].is_json);
	CU_ASSERT_FALSE(f.v[6].is_json);
	CU_ASSERT_TRUE(f.v[7].is_json && f.v[7].words.n == 0);
}

static void test_flags(void)
{
	cleanup_containerfile struct containerfile f = parse(
		"FROM --platform=linux/amd64 a\nCOPY --from=b --chown=\"1:2\" --link x --y z\n"
		"RUN --mount=type=cache,target=/a --mount=type=tmpfs,target=/b -- --c\n"
		"HEALTHCHECK --interval=5s --retries=3 CMD x\n");

	CU_ASSERT_STRING_EQUAL(instruction_flag(&f.v[0], "platform"), "linux/amd64");
	CU_ASSERT_STRING_EQUAL(instruction_flag(&f.v[1], "from"), "b");
	CU_ASSERT_STRING_EQUAL(instruction_flag(&f.v[1], "chown"), "1:2");
	CU_ASSERT_STRING_EQUAL(instruction_flag(&f.v[1], "link"), "true");
	CU_ASSERT_PTR_NULL(instruction_flag(&f.v[1], "chmod"));
	CU_ASSERT_STRING_EQUAL(f.v[1].args, "x --y z");
	CU_ASSERT_EQUAL(f.v[2].flags.n, 2);
	CU_ASSERT_STRING_EQUAL(f.v[2].args, "--c");
	CU_ASSERT_STRING_EQUAL(f.v[3].args, "CMD x");
}

static void test_heredocs(void)
{
	cleanup_containerfile struct containerfile f =
		parse("FROM a\nRUN <<EOF cat - 3<<\"B C\" > x\n a\nFROM b\nEOF\nb\nB C\n"
		      "COPY <<-'X' <<Y /d/\n\t\tone\n\tX\n two $A\nY\n"
		      "RUN echo \"<<EOF\" $((1<<2)) <<<x\nRUN cat <<E>f; b\nx\nE\nRUN it's "
		      "<<EOF\nCMD x <<EOF\n");

	CU_ASSERT_EQUAL_FATAL(f.n, 7);
	CU_ASSERT_EQUAL_FATAL(f.v[1].heredocs.n, 2);
	CU_ASSERT_STRING_EQUAL(f.v[1].heredocs.v[0].content, " a\nFROM b\n");
	CU_ASSERT_STRING_EQUAL(f.v[1].heredocs.v[1].name, "B C");
	CU_ASSERT_STRING_EQUAL(f.v[1].heredocs.v[1].content, "b\n");
	CU_ASSERT_TRUE(f.v[1].heredocs.v[0].can_expand);
	CU_ASSERT_FALSE(f.v[1].heredocs.v[1].can_expand);
	CU_ASSERT_EQUAL_FATAL(f.v[2].heredocs.n, 2);
	CU_ASSERT_STRING_EQUAL(f.v[2].heredocs.v[0].content, "one\n");
	CU_ASSERT_FALSE(f.v[2].heredocs.v[0].can_expand);
	CU_ASSERT_STRING_EQUAL(f.v[2].heredocs.v[1].content, " two $A\n");
	CU_ASSERT_TRUE(f.v[2].heredocs.v[1].can_expand);
	CU_ASSERT_EQUAL(f.v[3].heredocs.n, 0);
	CU_ASSERT_EQUAL(f.v[4].heredocs.n, 1);
	CU_ASSERT_EQUAL(f.v[5].heredocs.n, 0); /* the shell's business */
	CU_ASSERT_EQUAL(f.v[6].heredocs.n, 0);
}

static void test_refused(void)
{
	static const struct {
		const char *text, *say;
		int code;
	} cases[] = {
		{ "FROM a\nRNU x", "Containerfile:2: unknown instruction 'RNU': is it 'RUN'?",
		  -EINVAL },
		{ "FORM a", "is it 'FROM'?", -EINVAL },
		{ "ENTRPOINT a", "is it 'ENTRYPOINT'?", -EINVAL },
		{ "XYZZY a", "unknown instruction 'XYZZY'", -EINVAL },
		{ "FROM", "FROM needs an argument", -EINVAL },
		{ "FROM a\n\nRUN \\\n\n", "Containerfile:3: RUN needs", -EINVAL },
		{ "FROM --foo=1 a", "FROM has no flag '--foo'", -EINVAL },
		{ "FROM a\nENV --x=1 a=b", "ENV has no flag", -EINVAL },
		{ "FROM a\nCMD --x", "CMD has no flag '--x'", -EINVAL },
		{ "FROM a\nRUN --security=insecure x", "RUN --security is not supported",
		  -EOPNOTSUPP },
		{ "FROM a\nCOPY --parents a b", "--parents is not supported", -EOPNOTSUPP },
		{ "FROM a\nCOPY --from a b", "'--from' needs a value", -EINVAL },
		{ "FROM a\nCOPY --from=a --from=b c d", "twice", -EINVAL },
		{ "FROM a\nCOPY --link=maybe c d", "true or false", -EINVAL },
		{ "FROM a\nCOPY --from=\"a b c", "not closed", -EINVAL },
		{ "FROM a\nSHELL /bin/sh -c", "SHELL needs a JSON list", -EINVAL },
		{ "FROM a\nRUN <<EOF\nx\nEO", "Containerfile:2: heredoc 'EOF' has no end",
		  -EINVAL },
		{ "FROM a\nONBUILD RUN <<EOF\nx\nEOF\n", "ONBUILD cannot hold a heredoc",
		  -EOPNOTSUPP },
		{ "# syntax=example.com/other\nFROM a", "Containerfile:1: syntax", -EOPNOTSUPP },
		{ "# escape=x\nFROM a", "escape is", -EINVAL },
		{ "# escape=`\n# escape=`\nFROM a", "Containerfile:2: directive 'escape'",
		  -EINVAL },
		{ "FROM a\nRUN \xff", "line 2 is not UTF-8", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct containerfile f = { .name = NULL };
		struct error err = { .code = 0 };
		int r = containerfile_parse(cases[i].text, strlen(cases[i].text), "Containerfile",
					    &f, &err);

		if (r != cases[i].code || !strstr(err.text, cases[i].say)) {
			printf("%s: %d %s\n", cases[i].text, r, err.text);
			CU_FAIL("not as it should be");
		}
		containerfile_done(&f);
	}
}

static void test_no_nul(void)
{
	struct containerfile f = { .name = NULL };
	struct error err = { .code = 0 };

	CU_ASSERT_EQUAL(containerfile_parse("FROM a\nRUN a\0b", 14, "C", &f, &err), -EINVAL);
}

/* ---- stages ----------------------------------------------------------------------------- */

static int plan(const struct containerfile *f, const char *target, struct stage_list *ret,
		struct error *err)
{
	struct pairlist args = { .v = NULL }, platform = { .v = NULL };
	int r;

	pairlist_set(&args, "VERSION", "9");
	pairlist_set(&platform, "TARGETARCH", "amd64");
	r = stages_plan(f,
			&(struct stage_options){
				.build_args = &args, .platform_args = &platform, .target = target },
			ret, err);
	pairlist_done(&args);
	pairlist_done(&platform);
	return r;
}

static void test_stages(void)
{
	cleanup_containerfile struct containerfile f = parse(
		"ARG VERSION=1\nARG IMAGE=app:${VERSION}-$TARGETARCH\nFROM $IMAGE AS Build\nRUN a\n"
		"FROM scratch AS unused\nRUN b\nFROM build as more\nRUN c\n"
		"FROM other:${NONE:-x} AS tools\nFROM scratch\nCOPY --from=MORE a b\n"
		"RUN --mount=type=bind,from=tools,target=/x y\n");
	cleanup_stages struct stage_list l = { .v = NULL };
	struct error err = { .code = 0 };

	CU_ASSERT_EQUAL_FATAL(plan(&f, NULL, &l, &err), 0);
	CU_ASSERT_EQUAL_FATAL(l.n, 5);
	CU_ASSERT_EQUAL(l.target, 4);
	CU_ASSERT_STRING_EQUAL(l.v[0].base, "app:9-amd64");
	CU_ASSERT_STRING_EQUAL(l.v[0].name, "build");
	CU_ASSERT_EQUAL(l.v[0].n, 1);
	CU_ASSERT_EQUAL(l.v[2].from, 0);
	CU_ASSERT_EQUAL(l.v[0].from, -1);
	CU_ASSERT_STRING_EQUAL(l.v[3].base, "other:x");
	CU_ASSERT_TRUE(l.v[0].is_needed && !l.v[1].is_needed && l.v[2].is_needed);
	CU_ASSERT_TRUE(l.v[3].is_needed && l.v[4].is_needed);
}

static void test_targets(void)
{
	cleanup_containerfile struct containerfile f =
		parse("FROM a AS one\nRUN x\nFROM one AS two\nRUN y\nFROM two\n");
	static const struct {
		const char *target;
		size_t index;
	} cases[] = { { "one", 0 }, { "TWO", 1 }, { "0", 0 }, { "2", 2 } };
	struct error err = { .code = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_stages struct stage_list l = { .v = NULL };

		CU_ASSERT_EQUAL(plan(&f, cases[i].target, &l, &err), 0);
		CU_ASSERT_EQUAL(l.target, cases[i].index);
		CU_ASSERT_EQUAL(l.n && l.v[l.n - 1].is_needed, cases[i].index == 2);
	}
	cleanup_stages struct stage_list none = { .v = NULL };

	CU_ASSERT_EQUAL(plan(&f, "three", &none, &err), -EINVAL);
	CU_ASSERT_EQUAL(plan(&f, "3", &none, &err), -EINVAL);
}

static void test_bad_stages(void)
{
	static const struct {
		const char *text, *say;
	} cases[] = {
		{ "", "there is no FROM" },
		{ "RUN x\nFROM a", "Containerfile:1: RUN before FROM" },
		{ "FROM a b", "FROM is" },
		{ "FROM a AS 1x", "stage name '1x'" },
		{ "FROM a AS x\nFROM b AS X", "twice" },
		{ "FROM $NONE", "'$NONE' is empty" },
		{ "ARG 1=2\nFROM a", "ARG '1' is not a name" },
		{ "FROM a\nCOPY --from=late a b\nFROM c AS late\nRUN x\nFROM 0", NULL },
		{ "FROM a AS x\nCOPY --from=x a b", "does not come before" },
		{ "FROM a\nCOPY --from=1 a b", "there is no stage 1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_containerfile struct containerfile f = parse(cases[i].text);
		cleanup_stages struct stage_list l = { .v = NULL };
		struct error err = { .code = 0 };
		int r = plan(&f, NULL, &l, &err);

		if (!cases[i].say ? r != 0 : r != -EINVAL || !strstr(err.text, cases[i].say)) {
			printf("%s: %d %s\n", cases[i].text, r, err.text);
			CU_FAIL("not as it should be");
		}
	}
}

static CU_TestInfo tests[] = { { "lines", test_lines },
			       { "directives", test_directives },
			       { "the JSON form", test_json },
			       { "flags", test_flags },
			       { "heredocs", test_heredocs },
			       { "refused", test_refused },
			       { "no NUL", test_no_nul },
			       { "stages", test_stages },
			       { "targets", test_targets },
			       { "bad stages", test_bad_stages },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "containerfile", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
