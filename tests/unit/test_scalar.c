/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scalar - the table of plain scalars, as kubectl 1.27 to 1.33 was seen to read them, and the
 * choice of style when writing.
 */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "kube/scalar.h"
#include "tests/support/cunit_main.h"
#include "tests/support/oracle.h"

static struct scalar resolve(const char *text)
{
	struct scalar s;

	scalar_resolve(text, strlen(text), &s);
	return s;
}

static void test_words(void)
{
	static const char *const trues[] = { "true", "True", "TRUE", "yes", "Yes", "YES",
					     "on",   "On",   "ON",   "y",   "Y" };
	static const char *const falses[] = { "false", "False", "FALSE", "no", "No", "NO",
					      "off",   "Off",	"OFF",	 "n",  "N" };
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	for (size_t i = 0; i < ARRAY_SIZE(trues); i++) {
		CU_ASSERT_EQUAL(resolve(trues[i]).kind, SCALAR_BOOL);
		CU_ASSERT_TRUE(resolve(trues[i]).boolean);
		CU_ASSERT_EQUAL(resolve(falses[i]).kind, SCALAR_BOOL);
		CU_ASSERT_FALSE(resolve(falses[i]).boolean);
	}
	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		CU_ASSERT_EQUAL(resolve(nulls[i]).kind, SCALAR_NULL);
}

static void test_integers(void)
{
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {
		{ "0", 0 },
		{ "123", 123 },
		{ "-1", -1 },
		{ "+1", 1 },
		{ "0x1F", 31 },
		{ "0X1F", 31 },
		{ "012", 10 },
		{ "0777", 511 },
		{ "0o777", 511 },
		{ "0b11", 3 },
		{ "1_000", 1000 },
		{ "1__0", 10 },
		{ "00", 0 },
		{ "-0x1F", -31 },
		{ "1_", 1 },
		{ "-0", 0 },
		{ "0644", 420 },
		{ "-0b11", -3 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scalar s = resolve(cases[i].text);

		CU_ASSERT_EQUAL(s.kind, SCALAR_INT);
		CU_ASSERT_EQUAL(s.integer, cases[i].value);
	}
}

static void test_floats(void)
{
	static const struct {
		const char *text;
		int64_t whole; /* -1: not whole */
	} cases[] = {
		{ "1e3", 1000 },
		{ "1E3", 1000 },
		{ "1.5", -1 },
		{ ".5", -1 },
		{ "5.", 5 },
		{ "1.", 1 },
		{ "1e-3", -1 },
		{ "12e03", 12000 },
		{ "685_230.15", -1 },
		{ "08", 8 },
		{ "+.5", -1 },
		{ "1.50", -1 },
		{ "9223372036854775808", -1 },
		{ "0.0", 0 },
	};
	static const char *const endless[] = { ".inf", "-.inf", "+.INF", ".nan", ".NaN", "1e400" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scalar s = resolve(cases[i].text);

		CU_ASSERT_EQUAL(s.kind, SCALAR_FLOAT);
		CU_ASSERT_TRUE(s.finite);
		CU_ASSERT_EQUAL(s.whole, cases[i].whole >= 0);
		CU_ASSERT_EQUAL(s.integer, s.whole ? cases[i].whole : 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(endless); i++) {
		CU_ASSERT_EQUAL(resolve(endless[i]).kind, SCALAR_FLOAT);
		CU_ASSERT_FALSE(resolve(endless[i]).finite);
	}
}

static void test_strings(void)
{
	static const char *const cases[] = {
		"tRue",
		"NaN",
		"nan",
		"1:30",
		"190:20:30",
		"2024-01-01",
		"2024-01-01T10:00:00Z",
		"=",
		"500m",
		"100Mi",
		"1e3Mi",
		"0x",
		"1e",
		"-",
		".",
		"+",
		"_1",
		"0xg",
		"0b2",
		"yEs",
		"Nul",
		"1.2.3",
		"<<",
		"e5",
		"--1",
		"1e5.5",
		"0o8",
		"inf",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (resolve(cases[i]).kind != SCALAR_STRING)
			printf("'%s' is not read as a string\n", cases[i]);
		CU_ASSERT_EQUAL(resolve(cases[i]).kind, SCALAR_STRING);
	}
}

static void test_styles(void)
{
	static const struct {
		const char *text;
		enum scalar_style style;
	} cases[] = {
		{ "", SCALAR_QUOTED },
		{ "abc", SCALAR_PLAIN },
		{ "/opt/html", SCALAR_PLAIN },
		{ "nginx:1.25", SCALAR_PLAIN },
		{ "a@b=c,d+e", SCALAR_PLAIN },
		{ "true", SCALAR_QUOTED },
		{ "tRuE", SCALAR_QUOTED },
		{ "No", SCALAR_QUOTED },
		{ "y", SCALAR_QUOTED },
		{ "null", SCALAR_QUOTED },
		{ "NaN", SCALAR_QUOTED },
		{ "e1", SCALAR_QUOTED },
		{ "E+1.0_", SCALAR_QUOTED },
		{ "e1a", SCALAR_PLAIN },
		{ "1a", SCALAR_QUOTED },
		{ "-x", SCALAR_QUOTED },
		{ "a:", SCALAR_QUOTED },
		{ "a b", SCALAR_QUOTED },
		{ "a#b", SCALAR_QUOTED },
		{ "\xc3\xa9", SCALAR_QUOTED },
		{ "a\nb", SCALAR_LITERAL },
		{ "a\nb\n", SCALAR_LITERAL },
		{ "a\n b\n", SCALAR_LITERAL },
		{ " a\nb", SCALAR_QUOTED },
		{ "\na", SCALAR_QUOTED },
		{ "a \nb", SCALAR_QUOTED },
		{ "a\nb ", SCALAR_QUOTED },
		{ "a\tb\nc", SCALAR_QUOTED },
		{ "a\n\xc3\xa9", SCALAR_QUOTED },
		{ "\n", SCALAR_QUOTED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (scalar_style_for(cases[i].text, strlen(cases[i].text)) != cases[i].style)
			printf("style of '%s'\n", cases[i].text);
		CU_ASSERT_EQUAL(scalar_style_for(cases[i].text, strlen(cases[i].text)),
				cases[i].style);
	}
}

static void test_utf8(void)
{
	CU_ASSERT_EQUAL(scalar_utf8_prefix("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10), 10);
	CU_ASSERT_EQUAL(scalar_utf8_prefix("a\0b", 3), 1);
	CU_ASSERT_EQUAL(scalar_utf8_prefix("a\xc0\x80", 3), 1);	       /* overlong NUL */
	CU_ASSERT_EQUAL(scalar_utf8_prefix("\xe0\x80\x80", 3), 0);     /* overlong */
	CU_ASSERT_EQUAL(scalar_utf8_prefix("\xed\xa0\x80", 3), 0);     /* a surrogate */
	CU_ASSERT_EQUAL(scalar_utf8_prefix("\xf4\x90\x80\x80", 4), 0); /* beyond Unicode */
	CU_ASSERT_EQUAL(scalar_utf8_prefix("ab\xc3", 3), 2);	       /* cut off */
	CU_ASSERT_EQUAL(scalar_utf8_prefix("\x80", 1), 0);
	CU_ASSERT_EQUAL(scalar_utf8_prefix("", 0), 0);
}

/* ---- kubectl itself
 * ------------------------------------------------------------------------------- */

static const char *const plain[] = { "true",  "True",	    "tRue",	  "yes",
				     "Yes",   "YES",	    "yEs",	  "no",
				     "on",    "On",	    "ON",	  "off",
				     "y",     "Y",	    "n",	  "N",
				     "null",  "Null",	    "NULL",	  "~",
				     "nULL",  "123",	    "-1",	  "+1",
				     "0x1F",  "0X1F",	    "012",	  "0777",
				     "0o777", "0O17",	    "0b11",	  "0B11",
				     "1_000", "1__0",	    "08",	  "00",
				     "-0x1F", "1e3",	    "1E3",	  "1.5",
				     ".5",    "5.",	    "1.",	  "1e-3",
				     "12e03", "685_230.15", "NaN",	  "nan",
				     "1:30",  "190:20:30",  "2024-01-01", "2024-01-01T10:00:00Z",
				     "=",     "500m",	    "100Mi",	  "1e3Mi",
				     "0x",    "1e",	    "-0",	  "+0",
				     ".",     "+.5",	    "-.5",	  "1_",
				     "_1",    "0_1",	    "0x_1F",	  "9223372036854775807",
				     "0b2",   "0o8",	    "0xg",	  "-0b11",
				     "-012",  "1.5e3",	    "1e+3",	  ".e3",
				     "e3",    "1.e3",	    "0.0",	  "-0.0",
				     "+1.5",  "0o",	    "0b",	  "1e1_0",
				     "1_.5",  "0x1_F",	    "-0o17",	  "+0x1F",
				     "1e5.5", "00.5",	    "09.5",	  "0777.5",
				     "1e18" };

static bool is_as_kubectl(const char *text, const json_t *j)
{
	struct scalar s = resolve(text);

	switch (s.kind) {
	case SCALAR_NULL:
		return !j || json_is_null(j);
	case SCALAR_BOOL:
		return json_is_boolean(j) && json_is_true(j) == s.boolean;
	case SCALAR_INT:
		return json_is_integer(j) && json_integer_value(j) == s.integer;
	case SCALAR_FLOAT: /* a whole one is written as an integer, beyond int64 as a real */
		return json_is_number(j) &&
		       (!s.whole || (int64_t)json_number_value(j) == s.integer);
	case SCALAR_STRING:
		return json_is_string(j) && strcmp(json_string_value(j), text) == 0;
	}
	return false;
}

static void test_kubectl(void)
{
	char *const probe[] = { (char *)"kubectl", (char *)"version", (char *)"--client", NULL };
	cleanup_free char *out = NULL;
	cleanup_buf struct buf doc = BUF_INIT(65536);
	cleanup_json json_t *j = NULL;

	if (!oracle_has(probe)) {
		TEST_SKIP("kubectl is not installed: its reading of plain scalars is not compared");
		return;
	}
	buf_adds(&doc, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n");
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		buf_printf(&doc, "  k%zu: %s\n", i, plain[i]);
	CU_ASSERT_EQUAL(oracle_kubectl(doc.data, doc.len, &out), 0);
	j = json_loads(out, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		char key[24];

		(void)snprintf(key, sizeof(key), "k%zu", i);
		if (!is_as_kubectl(plain[i], json_object_get(json_object_get(j, "spec"), key)))
			printf("'%s' is something else to kubectl\n", plain[i]);
		CU_ASSERT_TRUE(
			is_as_kubectl(plain[i], json_object_get(json_object_get(j, "spec"), key)));
	}
}

static CU_TestInfo tests[] = {
	{ "words", test_words },
	{ "integers", test_integers },
	{ "floats", test_floats },
	{ "strings", test_strings },
	{ "styles", test_styles },
	{ "utf-8", test_utf8 },
	{ "as kubectl reads them", test_kubectl },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "scalar", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
