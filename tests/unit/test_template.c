/* SPDX-License-Identifier: Apache-2.0 */
/* test_template - what Go's text/template prints for the same template and value, and its errors.
 */
#include "cmd/podium/base/template.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/base/format.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

static const char data[] =
	"{\"Id\": \"abcdef012345\", \"Names\": [\"one\", \"two\"], \"Name\": \"web\", \"N\": 3, "
	"\"Zero\": 0,"
	" \"F\": 1.5, \"Yes\": true, \"No\": false, \"Nil\": null, \"Empty\": \"\", \"None\": [],"
	" \"Labels\": {\"b\": \"2\", \"a\": \"1\", \"x.y/z\": \"q\"}, \"Map\": {},"
	" \"State\": {\"Status\": \"up\", \"Pid\": 7, \"Deep\": {\"Er\": \"x\"}},"
	" \"List\": [{\"K\": \"a\", \"V\": 1}, {\"K\": \"b\", \"V\": 2}], \"ImageId\": \"img\","
	" \"Text\": \"a,b,,c\", \"Uni\": \"\\u00e4\\u20ac\\ud83d\\ude00x\","
	" \"\": {\"N\": \"three\", \"Only\": \"text\"}}";

struct golden {
	const char *template;
	const char *want;
};

static json_t *load(void)
{
	struct error err = { 0 };
	json_t *j = NULL;

	if (jload_text(data, strlen(data), "data", &j, &err) < 0)
		printf("%s\n", err.text);
	return j;
}

static void check_all(const struct golden *v, size_t n)
{
	cleanup_json json_t *j = load();

	for (size_t i = 0; i < n; i++) {
		cleanup_free char *got = NULL;
		struct error err = { 0 };
		int r = format_template(v[i].template, j, &got, &err);

		if (r < 0 || strcmp(got, v[i].want) != 0)
			printf("%s\n  gave '%s' %s, not '%s'\n", v[i].template, got ? got : "",
			       err.text, v[i].want);
		CU_ASSERT_TRUE(r == 0 && is_equal(got, v[i].want));
	}
}

static void check_errors(const struct golden *v, size_t n)
{
	cleanup_json json_t *j = load();

	for (size_t i = 0; i < n; i++) {
		cleanup_free char *got = NULL;
		struct error err = { 0 };
		int r = format_template(v[i].template, j, &got, &err);

		if (r != -EINVAL || !strstr(err.text, v[i].want))
			printf("%s\n  gave %d '%s', not '%s'\n", v[i].template, r, err.text,
			       v[i].want);
		CU_ASSERT_TRUE(r == -EINVAL && strstr(err.text, v[i].want));
	}
}

static void test_fields(void)
{
	static const struct golden v[] = {
		{ "", "" },
		{ "plain }} text", "plain }} text" },
		{ "{{.Name}}", "web" },
		{ "{{ .Name }}-{{.Id}}", "web-abcdef012345" },
		{ "{{.ID}} {{.ImageID}} {{.ImageId}}", "abcdef012345 img img" },
		{ "{{.N}} {{.Only}} {{json .N}}", "three text \"three\"" },
		{ "{{.State.Status}} {{.State.Deep.Er}}", "up x" },
		{ "{{.State}}", "{{x} 7 up}" },
		{ "{{.Labels}} {{.Labels.a}} {{.Labels.nope}}",
		  "map[a:1 b:2 x.y/z:q] 1 <no value>" },
		{ "{{.Names}} {{.None}} {{.Map}}", "[one two] [] map[]" },
		{ "{{.F}} {{.Yes}} {{.Nil}} {{.Zero}}", "1.5 true <no value> 0" },
		{ "{{$.Name}} {{$x := .State}}{{$x.Pid}}", "web 7" },
		{ "{{(index .List 1).K}}", "b" },
		{ "{{.List}}", "[{a 1} {b 2}]" },
		{ "{{/* a comment */}}x{{- /* two */ -}} y", "xy" },
	};
	check_all(v, ARRAY_SIZE(v));
}

static void test_literals(void)
{
	static const struct golden v[] = {
		{ "{{\"a\\tb\\n\\\"\\u00e4\\x41\"}}", "a\tb\n\"\xc3\xa4"
						      "A" },
		{ "{{`raw \\n {{}}`}}", "raw \\n {{}}" },
		{ "{{1}} {{-7}} {{0x1F}} {{+3}} {{'a'}}", "1 -7 31 3 97" },
		{ "{{1.50}} {{1e3}} {{1e21}} {{1e6}} {{999999.5}} {{0.00001}} {{-2.5e-7}}",
		  "1.5 1000 1e+21 1e+06 999999.5 1e-05 -2.5e-07" },
		{ "{{true}} {{print nil}}", "true <nil>" },
		{ "a {{- 1 -}} b {{- 2}} c", "a1b2 c" },
		{ "{{1 -}}\n\n x", "1x" },
	};
	check_all(v, ARRAY_SIZE(v));
}

static void test_control(void)
{
	static const struct golden v[] = {
		{ "{{if .Yes}}y{{else}}n{{end}}{{if .No}}y{{else}}n{{end}}", "yn" },
		{ "{{if .Empty}}a{{else if .Zero}}b{{else if .N}}c{{else}}d{{end}}", "c" },
		{ "{{if .None}}a{{end}}{{if .Map}}b{{end}}{{if .Nil}}c{{end}}{{if .State}}d{{end}}",
		  "d" },
		{ "{{with .State}}{{.Pid}} {{$.Name}}{{end}}{{with .Empty}}x{{else}}y{{end}}",
		  "7 weby" },
		{ "{{with $s := .State}}{{$s.Status}}{{end}}", "up" },
		{ "{{range .Names}}<{{.}}>{{end}}", "<one><two>" },
		{ "{{range $i, $e := .Names}}{{$i}}={{$e}} {{end}}", "0=one 1=two " },
		{ "{{range $e := .List}}{{$e.K}}{{.V}}{{end}}", "a1b2" },
		{ "{{range $k, $v := .Labels}}{{$k}}:{{$v}},{{end}}", "a:1,b:2,x.y/z:q," },
		{ "{{range .None}}x{{else}}none{{end}}{{range .Nil}}x{{else}}nil{{end}}",
		  "nonenil" },
		{ "{{range .Names}}{{if eq . \"two\"}}{{break}}{{end}}{{.}}{{end}}", "one" },
		{ "{{range .Names}}{{if eq . \"one\"}}{{continue}}{{end}}{{.}}{{end}}", "two" },
		{ "{{$n := 0}}{{range .Names}}{{$n = len .}}{{end}}{{$n}}", "3" },
		{ "{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21" },
		{ "{{range .List}}{{range $.Names}}{{.}}{{end}};{{end}}", "onetwo;onetwo;" },
	};
	check_all(v, ARRAY_SIZE(v));
}

static void test_functions(void)
{
	static const struct golden v[] = {
		{ "{{json .State}}", "{\"Status\":\"up\",\"Pid\":7,\"Deep\":{\"Er\":\"x\"}}" },
		{ "{{json .Names}} {{json .Name}} {{json .Nil}}",
		  "[\"one\",\"two\"] \"web\" null" },
		{ "{{join .Names \", \"}}", "one, two" },
		{ "{{index .Names 1}} {{index .Labels \"x.y/z\"}} [{{index .Labels \"no\"}}]",
		  "two q []" },
		{ "{{index .Name 1}} {{len .Names}} {{len .Name}} {{len .Labels}} {{len .None}}",
		  "101 2 3 3 0" },
		{ "{{.Name | upper}} {{upper .Name | lower}} {{title \"a bc-d_e's\"}}",
		  "WEB web A Bc-D_e'S" },
		{ "{{slice .Id 0 4}} {{slice .Id 10}} {{slice .Names 1}}", "abcd 45 [two]" },
		{ "{{split .Text \",\"}} {{len (split .Text \",\")}}", "[a b  c] 4" },
		{ "{{truncate .Id 3}} {{truncate .Uni 2}} [{{pad .Name 1 2}}] [{{pad .Empty 1 2}}]",
		  "abc \xc3\xa4\xe2\x82\xac [ web  ] []" },
		{ "{{print 1 2 \"a\" \"b\" 3}} {{println 1 \"a\"}}", "1 2ab3 1 a\n" },
		{ "{{eq .Name \"web\"}} {{eq .Zero 1 2 0}} {{ne .Name \"x\"}} {{eq .Yes true}}",
		  "true true true true" },
		{ "{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 3}} {{lt \"a\" \"b\"}} {{gt .F 1}}",
		  "true true false false true true" },
		{ "{{and 1 0}} {{and 1 2}} {{or 0 \"\"}} {{or 0 5}} {{not .Yes}} {{not 0}}",
		  "0 2  5 false true" },
		{ "{{or .Yes (index .Names 9)}}", "true" },
		{ "{{and .No (index .Names 9)}}", "false" },
		{ "{{eq .Nil nil}} {{ne .Nil nil}}", "true false" },
		{ "{{1 | print 2}} {{\"b\" | printf \"%s-%s\" \"a\"}}", "2 1 a-b" },
		{ "{{with $x := join .Names \"+\" | upper}}{{$x}}{{end}}", "ONE+TWO" },
	};
	check_all(v, ARRAY_SIZE(v));
}

static void test_printf(void)
{
	static const struct golden v[] = {
		{ "{{printf \"%s|%5s|%-5s|%.2s|%q\" .Name .Name .Name .Name \"a\\\"\\n\"}}",
		  "web|  web|web  |we|\"a\\\"\\n\"" },
		{ "{{printf \"%d|%5d|%-5d|%05d|%+d|% d\" 42 42 42 -42 42 42}}",
		  "42|   42|42   |-0042|+42| 42" },
		{ "{{printf \"%x|%X|%#x|%o|%b|%c\" 255 255 255 8 5 65}}", "ff|FF|0xff|10|101|A" },
		{ "{{printf \"%x %X\" \"hi\" \"hi\"}}", "6869 6869" },
		{ "{{printf \"%f|%.2f|%8.2f|%e|%g\" 1.5 1.5 1.5 1.5 1.5}}",
		  "1.500000|1.50|    1.50|1.500000e+00|1.5" },
		{ "{{printf \"%t|%v|%v|%v\" .Yes .Names .Labels .Nil}}",
		  "true|[one two]|map[a:1 b:2 x.y/z:q]|<nil>" },
		{ "{{printf \"%d\" \"x\"}}", "%!d(string=x)" },
		{ "{{printf \"%d %s\" 1}}", "1 %!s(MISSING)" },
		{ "{{printf \"%d\" 1 \"x\" 2}}", "1%!(EXTRA string=x, int=2)" },
		{ "{{printf \"100%%\"}} {{printf \"%\"}}", "100% %!(NOVERB)" },
		{ "{{printf \"%*d\" 6 42}}", "    42" },
		{ "{{printf \"%5s|\" \"\\u00e4\"}}", "    \xc3\xa4|" },
		{ "{{printf \"%#v\" \"a\"}}", "\"a\"" },
	};
	check_all(v, ARRAY_SIZE(v));
}

static void test_parse_errors(void)
{
	static const struct golden v[] = {
		{ "{{", "an action without '}}'" },
		{ "{{.Name", "an action without '}}'" },
		{ "a\n{{.Name}\n", "line 2: unexpected '}'" },
		{ "{{\"x}}", "quoted string without end" },
		{ "{{\"\\q\"}}", "unknown escape" },
		{ "{{\"\\x00\"}}", "no character" },
		{ "{{\"\\ud800\"}}", "no character" },
		{ "{{`x}}", "raw string without end" },
		{ "{{'ab'}}", "character constant" },
		{ "{{1x}}", "bad number '1x'" },
		{ "{{99999999999999999999999x}}", "bad number" },
		{ "{{nope .Name}}", "function 'nope' is not defined" },
		{ "{{$x}}", "undefined variable '$x'" },
		{ "{{$x = 1}}", "undefined variable '$x'" },
		{ "{{if true}}{{$y := 1}}{{end}}{{$y}}", "undefined variable '$y'" },
		{ "{{if .Yes}}x", "'end' of line 1 is missing" },
		{ "{{if .Yes}}{{else}}{{else}}{{end}}", "a second 'else'" },
		{ "{{end}}", "unexpected 'end'" },
		{ "{{else}}", "unexpected 'else'" },
		{ "{{(.Name}}", "a '(' without ')'" },
		{ "{{.Name)}}", "before '}}'" },
		{ "{{|}}", "a value is missing" },
		{ "{{.Name | }}", "a value is missing" },
		{ "{{if}}x{{end}}", "a value is missing" },
		{ "{{.Name | .Id}}", "only a function can follow '|'" },
		{ "{{1 2}}", "a constant cannot be called" },
		{ "{{break}}", "outside of a range" },
		{ "{{define \"x\"}}{{end}}", "'define' is not supported" },
		{ "{{template \"x\"}}", "'template' is not supported" },
		{ "{{range $a, $b := .Names}}{{end}}{{$a, $b := 1}}", "two variables" },
		{ "{{/* x", "comment without end" },
		{ "{{.Name & 1}}", "unexpected '&'" },
		{ "{{$ := 1}}", "'$' cannot be set" },
	};
	check_errors(v, ARRAY_SIZE(v));
}

static void test_run_errors(void)
{
	static const struct golden v[] = {
		{ "{{.Nope}}", "can't evaluate field Nope in type struct" },
		{ "{{.State.Nope}}", "can't evaluate field Nope in type struct" },
		{ "{{.Name.X}}", "can't evaluate field X in type string" },
		{ "{{.Nil.X}}", "can't evaluate field X in type nil" },
		{ "{{.Name .Id}}", "has arguments but is no function" },
		{ "{{index .Names 2}}", "index: index out of range: 2" },
		{ "{{index .Names -1}}", "out of range" },
		{ "{{index .Names \"a\"}}", "expected int, got string" },
		{ "{{index .F 0}}", "can't index item of type float" },
		{ "{{index .Name 0 0}}", "can't index item of type int" },
		{ "{{index .Name 3}}", "out of range" },
		{ "{{slice .Id 5 2}}", "invalid slice index" },
		{ "{{slice .Id 99}}", "out of range" },
		{ "{{slice .Uni 1}}", "cuts a character" },
		{ "{{len .N}}{{len 3}}", "len of type int" },
		{ "{{join .Name \",\"}}", "expected list, got string" },
		{ "{{upper 3}}", "expected string, got int" },
		{ "{{upper}}", "wrong number of arguments for 'upper': 0" },
		{ "{{eq 1}}", "wrong number of arguments for 'eq'" },
		{ "{{eq 1 \"a\"}}", "incompatible types for comparison: int and string" },
		{ "{{lt .Yes true}}", "has no order" },
		{ "{{range 3}}{{end}}", "range can't iterate over type int" },
		{ "{{range .Name}}{{end}}", "range can't iterate over type string" },
		{ "{{split .Name \"\"}}", "empty separator" },
		{ "{{printf 3}}", "expected string, got int" },
		{ "\n\n{{.Nope}}", "line 3" },
	};
	check_errors(v, ARRAY_SIZE(v));
}

/* Depth, steps and size end with an error, not with the machine. */
static void test_limits(void)
{
	struct buf b = BUF_INIT(1 << 20);
	cleanup_json json_t *list = json_array();
	cleanup_free char *got = NULL;
	struct error err = { 0 };
	int r;

	for (int i = 0; i < 60; i++)
		buf_adds(&b, "{{if true}}");
	r = format_template(b.data, list, &got, &err);
	CU_ASSERT_TRUE(r == -EINVAL && strstr(err.text, "nested deeper than"));
	b.len = 0;
	buf_adds(&b, "{{");
	for (int i = 0; i < 60; i++)
		buf_addc(&b, '(');
	buf_adds(&b, "1}}");
	r = format_template(b.data, list, &got, &err);
	CU_ASSERT_TRUE(r == -EINVAL && strstr(err.text, "nested deeper than"));
	b.len = 0;
	for (int i = 0; i < 70000; i++)
		buf_addc(&b, 'x');
	r = format_template(b.data, list, &got, &err);
	CU_ASSERT_TRUE(r == -EINVAL && strstr(err.text, "longer than"));
	b.len = 0;
	for (int i = 0; i < 500; i++)
		(void)json_array_append_new(list, json_integer(i));
	r = format_template(
		"{{range $a := .}}{{range $b := $}}{{range $c := $}}{{end}}{{end}}{{end}}", list,
		&got, &err);
	CU_ASSERT_TRUE(r == -EINVAL && strstr(err.text, "steps"));
	buf_adds(&b, "{{print");
	for (int i = 0; i < 70; i++)
		buf_adds(&b, " 1");
	buf_adds(&b, "}}");
	r = format_template(b.data, list, &got, &err);
	CU_ASSERT_TRUE(r == -EINVAL && strstr(err.text, "too many arguments"));
	CU_ASSERT_PTR_NULL(got);
	buf_done(&b);
}

static CU_TestInfo tests[] = {
	{ "fields", test_fields },
	{ "literals and trimming", test_literals },
	{ "if, with, range", test_control },
	{ "functions", test_functions },
	{ "printf", test_printf },
	{ "what does not parse", test_parse_errors },
	{ "what does not run", test_run_errors },
	{ "limits", test_limits },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "template", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
