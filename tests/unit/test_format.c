/* SPDX-License-Identifier: Apache-2.0 */
/* test_format - listings as people and scripts see them: tables, JSON, templates. */
#include "cmd/podium/base/format.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/template.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "tests/support/capture.h"
#include "tests/support/cunit_main.h"

static const struct format_column columns[] = {
	{ "CONTAINER ID", "ID" },
	{ "STATUS", "Status" },
	{ "NAMES", "Names" },
	{ NULL, NULL },
};
static const char two_rows[] =
	"[{\"Id\": \"0123456789abcdef\", \"Names\": [\"web\"], \"Status\": \"Up\", \"Labels\": "
	"{\"a\": \"b\"},"
	"  \"\": {\"ID\": \"0123456789ab\", \"Names\": \"web\"}},"
	" {\"Id\": \"ffffffffffffffff\", \"Names\": [\"d\\u00e4\\tb\"], \"Status\": \"Exited (0) 3 "
	"seconds ago\","
	"  \"Labels\": {}, \"\": {\"ID\": \"ffffffffffff\", \"Names\": \"d\\u00e4\\tb\"}}]";

static json_t *parse(const char *text)
{
	struct error err = { 0 };
	json_t *j = NULL;

	if (jload_text(text, strlen(text), "rows", &j, &err) < 0)
		printf("%s\n", err.text);
	return j;
}

static void check_list(const char *rows_text, const char *format, bool no_heading, const char *want)
{
	cleanup_json json_t *rows = parse(rows_text);
	cleanup_free char *got = NULL;
	struct error err = { 0 };
	struct capture out;
	int r;

	capture_begin(&out);
	r = format_list(rows, columns, format, no_heading, &err);
	got = capture_end(&out);
	if (r < 0 || strcmp(got, want) != 0)
		printf("--format '%s' gave %d %s\n'%s' not\n'%s'\n", format ? format : "", r,
		       err.text, got, want);
	CU_ASSERT_EQUAL(r, 0);
	CU_ASSERT_TRUE(is_equal(got, want));
}

static void test_table(void)
{
	check_list(two_rows, NULL, false,
		   "CONTAINER ID  STATUS                    NAMES\n"
		   "0123456789ab  Up                        web\n"
		   "ffffffffffff  Exited (0) 3 seconds ago  d\xc3\xa4\\tb\n");
	check_list(two_rows, "", true,
		   "0123456789ab  Up                        web\n"
		   "ffffffffffff  Exited (0) 3 seconds ago  d\xc3\xa4\\tb\n");
	check_list("[]", NULL, false, "CONTAINER ID  STATUS      NAMES\n");
	check_list("[]", NULL, true, "");
	check_list(
		"[{\"ID\": \"\\u00e4\\u20ac\", \"Status\": 7}, {\"ID\": \"12345678901234\"}]", NULL,
		true,
		"\xc3\xa4\xe2\x82\xac              7           \n12345678901234              \n");
}

static void test_json(void)
{
	static const char want[] = "[\n  {\n    \"Id\": \"x\",\n    \"Names\": []\n  }\n]\n";

	check_list("[{\"Id\": \"x\", \"Names\": [], \"\": {\"Id\": \"y\"}}]", "json", false, want);
	check_list("[{\"Id\": \"x\", \"Names\": [], \"\": {\"Id\": \"y\"}}]", "{{json .}}", false,
		   want);
	check_list("[{\"Id\": \"x\", \"Names\": [], \"\": {\"Id\": \"y\"}}]", "{{ json }}", false,
		   want);
	check_list("[]", "json", false, "[]\n");
}

static void test_templates(void)
{
	check_list(two_rows, "{{.ID}}\\t{{.Names}}", false,
		   "0123456789ab\tweb\nffffffffffff\td\xc3\xa4\tb\n");
	check_list(two_rows, "{{.Status}}\\n{{print \"a\\tb\"}}", false,
		   "Up\na\tb\nExited (0) 3 seconds ago\na\tb\n");
	check_list(two_rows, "{{json .Names}}{{json .Labels}}", false,
		   "\"web\"{\"a\":\"b\"}\n\"d\xc3\xa4\\tb\"{}\n");
	check_list(two_rows, "{{range .}}{{.ID}};{{end}}", false, "0123456789ab;ffffffffffff;\n");
	check_list(two_rows, "{{ range . }}{{.ID}}\\n{{end}}", false,
		   "0123456789ab\nffffffffffff\n");
	check_list("[]", "{{.ID}}", false, "");
}

static void test_table_templates(void)
{
	check_list(two_rows, "table {{.ID}}\\t{{.Labels}}", false,
		   "CONTAINER ID  LABELS\n0123456789ab  map[a:b]\nffffffffffff  map[]\n");
	check_list(two_rows, "table {{.ID}} {{.Status}}", true,
		   "0123456789ab  Up\nffffffffffff  Exited (0) 3 seconds ago\n");
	check_list("[]", "table {{.ID}}\\t{{.CreatedAt}}\\t{{.PodName}}", false,
		   "CONTAINER ID  CREATED AT  POD NAME\n");
	check_list(two_rows, "table {{.Labels.a}}\\t{{.ID}}", false,
		   "b           0123456789ab\n<no value>  ffffffffffff\n");
}

/* A template that fails at the second row prints nothing of the first. */
static void test_errors(void)
{
	static const char *const bad[] = { "{{.Names.Deep}}",
					   "{{if eq .Status \"Up\"}}x{{else}}{{.No}}{{end}}",
					   "table {{.ID", "{{.Nope}}" };
	cleanup_json json_t *rows = parse(two_rows);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_free char *got = NULL;
		struct error err = { 0 };
		struct capture out;
		int r;

		capture_begin(&out);
		r = format_list(rows, columns, bad[i], false, &err);
		got = capture_end(&out);
		CU_ASSERT_EQUAL(r, -EINVAL);
		CU_ASSERT_TRUE(is_prefix(err.text, "template: line 1: "));
		CU_ASSERT_TRUE(is_equal(got, ""));
	}
}

static void check_object(const char *text, const char *format, const char *want)
{
	cleanup_json json_t *j = parse(text);
	cleanup_free char *got = NULL;
	struct error err = { 0 };
	struct capture out;
	int r;

	capture_begin(&out);
	r = format_object(j, format, &err);
	got = capture_end(&out);
	CU_ASSERT_EQUAL(r, 0);
	if (strcmp(got, want) != 0)
		printf("'%s' not '%s'\n", got, want);
	CU_ASSERT_TRUE(is_equal(got, want));
}

static void test_objects(void)
{
	check_object("{\"Id\": \"x\"}", NULL, "{\n     \"Id\": \"x\"\n}\n");
	check_object("{\"Id\": \"x\"}", "{{.Id}}", "x\n");
	check_object("[{\"Id\": \"x\"}, {\"Id\": \"y\"}]", "{{.ID}}", "x\ny\n");
	check_object("[]", NULL, "[]\n");
	check_object("[]", "{{.Id}}", "");
}

/* A script on a terminal cannot be written by a label. Needs a pseudo terminal. */
static void test_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	cleanup_json json_t *rows =
		parse("[{\"ID\": \"a\\u001b[2Jb\\u202e\", \"Status\": \"\", \"Names\": \"n\"}]");
	char text[4096] = "";
	struct error err = { 0 };
	struct capture out;
	int peer, r = -1;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) {
		TEST_SKIP("no pseudo terminal here");
		return;
	}
	peer = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	capture_begin(&out);
	(void)dup2(peer, STDOUT_FILENO);
	r = format_list(rows, columns, NULL, true, &err);
	if (r == 0)
		r = format_list(rows, columns, "{{.ID}}", true, &err);
	(void)fflush(stdout);
	(void)!read(master, text, sizeof(text) - 1);
	free(capture_end(&out));
	CU_ASSERT_EQUAL(r, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "a\\x1b[2Jb\\u202e"));
	CU_ASSERT_PTR_NULL(strchr(text, '\x1b'));
	(void)close(peer);
	(void)close(master);
}

static CU_TestInfo tests[] = {
	{ "tables", test_table },
	{ "json", test_json },
	{ "templates", test_templates },
	{ "table templates", test_table_templates },
	{ "errors print nothing", test_errors },
	{ "objects", test_objects },
	{ "a terminal", test_terminal },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "format", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
