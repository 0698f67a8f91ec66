/* SPDX-License-Identifier: Apache-2.0 */
/* test_options - the grammar of the command line, and its messages. */
#include "cmd/podium/base/options.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/base/timeparse.h"
#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

#define ARGS_MAX 20

struct values {
	bool all, quiet;
	struct option_maybe verify;
	const char *format;
	struct strlist filters;
	struct option_int last;
	struct option_seconds time;
	struct strlist caps;
};
#define O(m) offsetof(struct values, m)
static const struct option table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "", false },
	{ 0, "verify", OPTION_MAYBE, O(verify), NULL, "", false },
	{ 0, "format", OPTION_STRING, O(format), NULL, "", false },
	{ 'f', "filter", OPTION_STRINGS, O(filters), NULL, "", false },
	{ 'n', "last", OPTION_INT, O(last), NULL, "", false },
	{ 't', "time", OPTION_SECONDS, O(time), NULL, "", false },
	OPTION_REFUSE('r', "remote", "there is no service"),
	OPTION_ONLY(0, "driver", "overlay", "layers are overlays"),
	OPTION_ONLY('y', "syslog", "false", "there is no log"),
	OPTION_ONLY(0, "sync", "true", "it is so"),
	{ 0, "caps", OPTION_LIST, O(caps), NULL, "", false },
	OPTIONS_END,
};

struct parsed {
	struct values v;
	struct options_result found;
	char *argv[ARGS_MAX + 1];
	struct error err;
	int r;
};

/* Parses a line split at blanks ("~" stands for an empty word). */
static void parse(const char *line, bool stop, struct parsed *p)
{
	static char copy[256];
	char *rest = copy, *word;
	int n = 0;

	*p = (struct parsed){ 0 };
	(void)snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")) && n < ARGS_MAX)
		if (*word)
			p->argv[n++] = strcmp(word, "~") == 0 ? word + 1 : word;
	p->r = options_parse(table, &p->v, stop, n, p->argv, &p->found, &p->err);
}

static void check_error(const char *line, const char *want)
{
	struct parsed p;

	parse(line, false, &p);
	CU_ASSERT_EQUAL(p.r, -EINVAL);
	if (!strstr(p.err.text, want)) {
		printf("%s: '%s' instead of '%s'\n", line, p.err.text, want);
		CU_FAIL("message");
	}
	options_done(table, &p.v);
}

static void test_maybe(void)
{
	static const char *const lines[] = { "", "--verify", "--verify=false",
					     "--verify=false --verify" };
	static const struct option_maybe want[] = {
		{ false, false }, { true, true }, { true, false }, { true, true }
	};
	struct parsed p;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		parse(lines[i], false, &p);
		CU_ASSERT_EQUAL(p.r, 0);
		CU_ASSERT_EQUAL(p.v.verify.set, want[i].set);
		CU_ASSERT_EQUAL(p.v.verify.value, want[i].value);
		options_done(table, &p.v);
	}
	check_error("--verify=maybe", "\"maybe\" for \"--verify\" flag");
}

static void test_fixed(void)
{
	static const char *const taken[] = { "--driver=overlay arg", "--driver overlay arg",
					     "--syslog=false arg",   "--syslog=F arg",
					     "--sync arg",	     "--sync=1 arg",
					     "-y=false arg" };
	struct parsed p;

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		parse(taken[i], false, &p);
		CU_ASSERT_EQUAL(p.r, 0);
		CU_ASSERT_EQUAL(p.found.n_args, 1);
		options_done(table, &p.v);
	}
	check_error("--driver=vfs", "--driver=vfs is not supported, only 'overlay': layers are");
	check_error("--driver", "flag needs an argument: --driver");
	check_error("--syslog", "--syslog=true is not supported, only 'false': there is no log");
	check_error("-y", "--syslog=true is not supported");
	check_error("--sync=false", "--sync=false is not supported, only 'true'");
	check_error("--sync=maybe", "invalid argument \"maybe\" for \"--sync\" flag");
}

static void test_forms(void)
{
	static const char *const lines[] = {
		"-aq -n5 --format json",
		"-qan 5 --format=json",
		"--all --quiet -n=5 --format json",
		"-a=true -q=1 --last=5 --format json",
		"--quiet=t -an5 --format=json --all=TRUE",
	};
	struct parsed p;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		parse(lines[i], false, &p);
		CU_ASSERT_EQUAL(p.r, 0);
		CU_ASSERT_TRUE(p.v.all && p.v.quiet && p.v.last.set);
		CU_ASSERT_EQUAL(p.v.last.value, 5);
		CU_ASSERT_TRUE(is_equal(p.v.format, "json"));
		CU_ASSERT_EQUAL(p.found.n_args, 0);
		options_done(table, &p.v);
	}
}

static void test_values(void)
{
	struct parsed p;

	parse("--all --all=false -t -1 -n -7 --format --all --format= -f a=b --filter=c -fd", false,
	      &p);
	CU_ASSERT_EQUAL(p.r, 0);
	CU_ASSERT_FALSE(p.v.all);
	CU_ASSERT_TRUE(p.v.time.set);
	CU_ASSERT_EQUAL(p.v.time.value, -1);
	CU_ASSERT_EQUAL(p.v.last.value, -7);
	CU_ASSERT_TRUE(is_equal(p.v.format, ""));
	CU_ASSERT_EQUAL(p.v.filters.n, 3);
	CU_ASSERT_TRUE(p.v.filters.n == 3 && is_equal(p.v.filters.v[0], "a=b") &&
		       is_equal(p.v.filters.v[1], "c") && is_equal(p.v.filters.v[2], "d"));
	options_done(table, &p.v);
	CU_ASSERT_EQUAL(p.v.filters.n, 0);
	parse("~ - a", false, &p);
	CU_ASSERT_EQUAL(p.found.n_args, 3);
	CU_ASSERT_TRUE(is_equal(p.argv[0], "") && is_equal(p.argv[1], "-"));
	CU_ASSERT_FALSE(p.v.last.set || p.v.time.set);
}

static void test_arguments(void)
{
	struct parsed p;

	parse("one -a two --format x three -- -q --nope", false, &p);
	CU_ASSERT_EQUAL(p.r, 0);
	CU_ASSERT_EQUAL(p.found.n_args, 5);
	CU_ASSERT_TRUE(is_equal(p.argv[0], "one") && is_equal(p.argv[2], "three") &&
		       is_equal(p.argv[3], "-q") && is_equal(p.argv[4], "--nope"));
	CU_ASSERT_TRUE(p.v.all);
	CU_ASSERT_FALSE(p.v.quiet);
	parse("-a ctr sh -c -q --help -- x", true, &p);
	CU_ASSERT_EQUAL(p.r, 0);
	CU_ASSERT_EQUAL(p.found.n_args, 7);
	CU_ASSERT_TRUE(is_equal(p.argv[2], "-c") && is_equal(p.argv[5], "--"));
	CU_ASSERT_FALSE(p.v.quiet || p.found.help);
	parse("-a -- -q", true, &p);
	CU_ASSERT_EQUAL(p.found.n_args, 1);
	CU_ASSERT_FALSE(p.v.quiet);
}

static void test_help(void)
{
	struct parsed p;

	parse("--help", false, &p);
	CU_ASSERT_TRUE(p.r == 0 && p.found.help);
	parse("-ah x", false, &p);
	CU_ASSERT_TRUE(p.r == 0 && p.found.help && p.v.all);
	parse("x", false, &p);
	CU_ASSERT_FALSE(p.found.help);
}

static void test_errors(void)
{
	check_error("--nope", "unknown flag: --nope");
	check_error("--nope=1", "unknown flag: --nope");
	check_error("--al", "unknown flag: --al");
	check_error("--allx", "unknown flag: --allx");
	check_error("-x", "unknown shorthand flag: 'x' in -x");
	check_error("-ax", "unknown shorthand flag: 'x' in -ax");
	check_error("---all", "unknown flag: ---all");
	check_error("--=x", "bad flag syntax: --=x");
	check_error("--format", "flag needs an argument: --format");
	check_error("-an", "flag needs an argument: 'n' in -an");
	check_error("--last=5x", "invalid argument \"5x\" for \"-n, --last\" flag");
	check_error("--last=", "invalid argument \"\" for \"-n, --last\" flag");
	check_error("--last=9223372036854775808", "out of range");
	check_error("--time=-2", "invalid argument \"-2\" for \"-t, --time\" flag");
	check_error("--all=maybe", "invalid argument \"maybe\" for \"-a, --all\" flag");
	check_error("-a=", "invalid argument \"\"");
	check_error("--remote", "--remote is not supported: there is no service");
	check_error("--remote=x -a", "--remote is not supported");
	check_error("-ar", "--remote is not supported");
}

static void test_durations(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{ "10s", 10000000000 },
		{ "1h30m", 5400000000000 },
		{ "1.5s", 1500000000 },
		{ "250ms", 250000000 },
		{ "1us", 1000 },
		{ "7ns", 7 },
		{ "0s", 0 },
		{ "1m1ms", 60001000000 },
	};
	static const char *const bad[] = { "",
					   "10",
					   "s",
					   "1.s",
					   "-1s",
					   "1d",
					   "1sx",
					   "1 s",
					   "99999999h",
					   "1h99999999999999999999s",
					   "1752000h1752000h" };
	int64_t ns;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ns = -1;
		CU_ASSERT_EQUAL(duration_parse(good[i].text, &ns), 0);
		CU_ASSERT_EQUAL(ns, good[i].ns);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(duration_parse(bad[i], &ns), -EINVAL);
}

static void test_times(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{ "1970-01-01T00:00:01Z", 1000000000 },
		{ "2026-11-22T01:02:03.5Z", 1795309323500000000 },
		{ "2026-11-22T02:02:03+01:00", 1795309323000000000 },
		{ "2026-11-21T22:02:03-03:00", 1795309323000000000 },
		{ "1795309323", 1795309323000000000 },
		{ "1795309323.25", 1795309323250000000 },
		{ "10m", 400000000000 },
		{ "2026-11-22T01:02:03", 1795309323000000000 },
		{ "2026-11-22", 1795305600000000000 },
	};
	static const char *const bad[] = { "",
					   "x",
					   "2026-13-01",
					   "2026-02-30T00:00:00Z",
					   "2026-02-29",
					   "2026-11-22T24:00",
					   "2026-11-22T01:02:03+25:00",
					   "2026-11-22T01:02:03Zx",
					   "1.x",
					   "-5",
					   "2026-1-2",
					   "1900-01-01" };
	struct error err = { 0 };
	int64_t ns;

	(void)setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ns = -1;
		CU_ASSERT_EQUAL(time_parse(good[i].text, 1000000000000, &ns, &err), 0);
		CU_ASSERT_EQUAL(ns, good[i].ns);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int r = time_parse(bad[i], 0, &ns, &err);

		if (r != -EINVAL)
			printf("'%s' was taken for a time\n", bad[i]);
		CU_ASSERT_EQUAL(r, -EINVAL);
	}
}

static void test_lists(void)
{
	struct parsed p;

	parse("--caps a,b --caps=c --caps ~", false, &p);
	CU_ASSERT_EQUAL(p.r, 0);
	CU_ASSERT_EQUAL_FATAL(p.v.caps.n, 3); /* "" is no word, as in Podman */
	CU_ASSERT_STRING_EQUAL(p.v.caps.v[0], "a");
	CU_ASSERT_STRING_EQUAL(p.v.caps.v[1], "b");
	CU_ASSERT_STRING_EQUAL(p.v.caps.v[2], "c");
	options_done(table, &p.v);
	CU_ASSERT_EQUAL(p.v.caps.n, 0);
}

static CU_TestInfo tests[] = {
	{ "lists", test_lists },
	{ "all forms of an option", test_forms },
	{ "one value only", test_fixed },
	{ "a boolean that may be left to others", test_maybe },
	{ "values", test_values },
	{ "arguments between options", test_arguments },
	{ "help", test_help },
	{ "messages", test_errors },
	{ "durations", test_durations },
	{ "times", test_times },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "options", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
