/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_encode - every string survives being written and read: by our own reader, by PyYAML, by
 * kubectl. And what is written has the form that was promised.
 *
 * The strings are the awkward ones: words and numbers of YAML 1.1 and 1.2, indicators, white space
 * at every end, control characters, line separators, what breaks out of a scalar.
 */
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "kube/decode.h"
#include "kube/document.h"
#include "kube/encode.h"
#include "schemas/models.h"
#include "schemas/types.h"
#include "tests/support/cunit_main.h"
#include "tests/support/oracle.h"

#define MAX_OUTPUT ((size_t)16 << 20)

static const char *const awkward[] = {
	"true",
	"True",
	"TRUE",
	"tRue",
	"false",
	"False",
	"yes",
	"Yes",
	"YES",
	"no",
	"No",
	"NO",
	"on",
	"On",
	"ON",
	"off",
	"Off",
	"OFF",
	"y",
	"Y",
	"n",
	"N",
	"null",
	"Null",
	"NULL",
	"~",
	"",
	"123",
	"-1",
	"+1",
	"0x1F",
	"0X1F",
	"012",
	"0777",
	"0644",
	"0o777",
	"0b11",
	"1_000",
	"1__0",
	"08",
	"00",
	"-0",
	"-0x1F",
	"1e3",
	"1E3",
	"1.5",
	"1.10",
	".5",
	"5.",
	"1.",
	"1e-3",
	"12e03",
	"685_230.15",
	"e1",
	"E5",
	"e1_0",
	"E+1",
	".inf",
	"-.inf",
	".nan",
	"NaN",
	"inf",
	"1e400",
	"9223372036854775808",
	"1:30",
	"190:20:30",
	"2024-01-01",
	"2024-01-01T10:00:00Z",
	"=",
	"<<",
	"500m",
	"100Mi",
	"1e3Mi",
	"0x",
	"1e",
	" lead",
	"trail ",
	" ",
	"  ",
	"\t",
	"tab\tinside",
	"a: b",
	"a:",
	":",
	": ",
	"a #b",
	"#a",
	"a#b",
	"- a",
	"-",
	"--",
	"---",
	"--- a",
	"...",
	"? a",
	"?",
	"|",
	">",
	"|-",
	"%a",
	"@a",
	"`a",
	"&a",
	"*a",
	"!a",
	"!!str a",
	"{",
	"}",
	"[",
	"]",
	"{a: b}",
	"[a]",
	",",
	"a,b",
	"'",
	"\"",
	"'a'",
	"\"a\"",
	"it's",
	"back\\slash",
	"\\n",
	"a\nb",
	"a\nb\n",
	"a\n\nb\n\n",
	"\na",
	"\n",
	"\n\n",
	" a\n b",
	"a\n b\n",
	"a \nb",
	"a\nb ",
	"a\n\tb",
	"\ta\nb",
	"a\r\nb",
	"\r",
	"a\rb",
	"--- \na\n...\nb",
	"a\n---\nb\n",
	"a: b\nc: d\n",
	"- a\n- b\n",
	"\x01",
	"a\x1b[31mb",
	"\x7f",
	"\b\f\v\a",
	"\xc2\x80",
	"\xc2\x85",
	"a\xc2\x85"
	"b",
	"\xc2\xa0",
	"\xe2\x80\xa8",
	"a\xe2\x80\xa9"
	"b",
	" a\xe2\x80\xa8",
	"\xef\xbb\xbf",
	"a\xef\xbb\xbf",
	"\xef\xbf\xbd",
	"\xef\xbf\xbe",
	"\xc3\xa9",
	"\xe6\x97\xa5\xe6\x9c\xac",
	"\xf0\x9f\x98\x80",
	"\xf4\x8f\xbf\xbf",
	"$(A)",
	"${A}",
	"%s",
	"a\nb: c #d\n",
	"a very long line that goes on and on, longer than eighty columns, so that an emitter "
	"which folds "
	"would fold it, with  two spaces and a trailing word",
	"key: \"quoted\" and 'single'",
	"0",
	"1",
	"-",
	"/opt/html",
	"nginx:1.25",
	"a@b",
	"a=b",
};

/* ---- a pod with all of them -------------------------------------------------------------------
 */

static void put_string(struct k8s_pod *pod, size_t i, const char *text)
{
	cleanup_free char *key = xasprintf("k%zu", i);

	pairlist_set(&pod->meta->annotations, key, text);
}

static void make_pod(struct k8s_pod *pod)
{
	memset(pod, 0, sizeof(*pod));
	pod->api_version = xstrdup("v1");
	pod->kind = xstrdup("Pod");
	pod->meta = xcalloc(1, sizeof(*pod->meta));
	pod->meta->name = xstrdup("strings");
	pod->spec = xcalloc(1, sizeof(*pod->spec));
	pod->spec->containers.v = xcalloc(1, sizeof(struct k8s_container));
	pod->spec->containers.n = 1;
	pod->spec->containers.v[0].name = xstrdup("c");
	pod->spec->containers.v[0].image = xstrdup("x");
}

static char *write_pod(struct k8s_pod *pod)
{
	struct arena arena = { 0 };
	struct error err = { 0 };
	char *text = NULL;

	if (encode_document(&schema_pod, encode_object(&arena, &schema_pod, pod), &text, &err) < 0)
		printf("%s\n", err.text);
	arena_done(&arena);
	decode_done(&schema_pod, pod);
	return text;
}

static char *awkward_document(void)
{
	struct k8s_pod pod;

	make_pod(&pod);
	for (size_t i = 0; i < ARRAY_SIZE(awkward); i++) {
		put_string(&pod, i, awkward[i]);
		strlist_add(&pod.spec->containers.v[0].args, awkward[i]);
	}
	return write_pod(&pod);
}

/* Reads back by our own reader; the annotations and the arguments. */
static void check_own(const char *text, const char *const *strings, size_t n)
{
	struct doc_set set;
	struct doc_place where;
	struct error err = { 0 };
	const struct node *map, *args;

	if (document_parse(text, strlen(text), &set, &where, &err) < 0) {
		printf("line %d: %s\n", where.line, err.text);
		CU_FAIL("not read back");
		doc_set_done(&set);
		return;
	}
	map = node_at(set.v[0], "metadata.annotations");
	args = node_at(set.v[0], "spec.containers[0].args");
	CU_ASSERT_EQUAL_FATAL(map->n, n);
	for (size_t i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(map->entries[i].value->kind, NODE_STRING);
		CU_ASSERT_STRING_EQUAL(map->entries[i].value->text, strings[i]);
		if (args->kind == NODE_LIST && i < args->n)
			CU_ASSERT_STRING_EQUAL(args->items[i]->text, strings[i]);
	}
	doc_set_done(&set);
}

static void test_own_reader(void)
{
	cleanup_free char *text = awkward_document();

	CU_ASSERT(ARRAY_SIZE(awkward) >= 120);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	check_own(text, awkward, ARRAY_SIZE(awkward));
}

/* ---- other readers ----------------------------------------------------------------------------
 */

/* The annotations of a pod in JSON, as another reader sees it. */
static void check_json(const char *reader, const char *text)
{
	cleanup_json json_t *j = NULL;
	struct error err = { 0 };
	const json_t *map;

	if (jload_text(text, strlen(text), reader, &j, &err) < 0) {
		printf("%s: %s\n", reader, err.text);
		CU_FAIL("no JSON");
		return;
	}
	map = json_object_get(json_object_get(j, "metadata"), "annotations");
	for (size_t i = 0; i < ARRAY_SIZE(awkward); i++) {
		cleanup_free char *key = xasprintf("k%zu", i);
		const char *have = json_string_value(json_object_get(map, key));

		if (!is_equal(have, awkward[i]))
			printf("%s: string %zu ('%s') came back as '%s'\n", reader, i, awkward[i],
			       have ? have : "(no string)");
		CU_ASSERT_TRUE(is_equal(have, awkward[i]));
	}
}

static void test_pyyaml(void)
{
	char *const probe[] = { (char *)"python3", (char *)"-c", (char *)"import yaml", NULL };
	cleanup_free char *text = awkward_document(), *out = NULL, *file = NULL;

	if (!oracle_has(probe)) {
		TEST_SKIP("python3 with PyYAML is not installed: its reading is not compared");
		return;
	}
	file = oracle_temp(text, strlen(text));
	{
		char *const argv[] = { (char *)"python3", (char *)"-c",
				       (char *)"import sys, yaml, json\n"
					       "print(json.dumps(yaml.load(open(sys.argv[1], "
					       "'rb'), yaml.SafeLoader)))",
				       file, NULL };

		CU_ASSERT_EQUAL(oracle_run(argv, NULL, &out), 0);
	}
	(void)unlink(file);
	check_json("PyYAML", out);
}

static void test_kubectl(void)
{
	char *const probe[] = { (char *)"kubectl", (char *)"version", (char *)"--client", NULL };
	cleanup_free char *text = awkward_document(), *out = NULL;

	if (!oracle_has(probe)) {
		TEST_SKIP("kubectl is not installed: its reading is not compared");
		return;
	}
	CU_ASSERT_EQUAL(oracle_kubectl(text, strlen(text), &out), 0);
	check_json("kubectl", out);
}

/* ---- anything at all ----------------------------------------------------------------------------
 */

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return *seed >> 33;
}

static void random_string(uint64_t *seed, char *out, size_t max)
{
	static const char *const pieces[] = {
		"a",  "e",    "0",	  "1",
		" ",  "\n",   ":",	  "#",
		"-",  "\"",   "'",	  "\\",
		"\t", "{",    "]",	  ",",
		"&",  "*",    "!",	  "|",
		">",  "%",    "@",	  "`",
		".",  "y",    "no",	  "\r",
		"_",  "+",    "=",	  "<",
		"~",  "\x01", "\xc3\xa9", "\xe2\x80\xa8",
		"$",  "(",    ")",	  "/",
		"?",  "x",    "\xc2\x85", "\xf0\x9f\x98\x80",
	};
	size_t n = (size_t)(next_random(seed) % 12), len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		const char *p = pieces[next_random(seed) % ARRAY_SIZE(pieces)];
		size_t more = strlen(p);

		if (len + more >= max)
			break;
		memcpy(out + len, p, more + 1);
		len += more;
	}
}

static void test_random_strings(void)
{
	uint64_t seed = 20260101;

	for (int round = 0; round < 200; round++) {
		char strings[50][64];
		const char *list[50];
		cleanup_free char *text = NULL;
		struct k8s_pod pod;

		make_pod(&pod);
		for (size_t i = 0; i < 50; i++) {
			random_string(&seed, strings[i], sizeof(strings[i]));
			list[i] = strings[i];
			put_string(&pod, i, strings[i]);
		}
		text = write_pod(&pod);
		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		check_own(text, list, 50);
	}
}

/* ---- form -------------------------------------------------------------------------------------
 */

static void test_form(void)
{
	struct k8s_pod pod;
	cleanup_free char *text = NULL;

	make_pod(&pod);
	pairlist_set(&pod.meta->labels, "on", "y");
	pod.spec->hostname = xstrdup("e1");
	pod.spec->grace_seconds = (struct k8s_int){ true, 0 };
	pod.spec->containers.v[0].resources = xcalloc(1, sizeof(struct k8s_resources));
	pairlist_set(&pod.spec->containers.v[0].resources->limits, "cpu", "2");
	pairlist_set(&pod.spec->containers.v[0].resources->limits, "memory", "100Mi");
	pairlist_set(&pod.spec->containers.v[0].resources->limits, "x/y", "1E");
	text = write_pod(&pod);
	CU_ASSERT_STRING_EQUAL(text, "---\n"
				     "apiVersion: v1\n"
				     "kind: Pod\n"
				     "metadata:\n"
				     "  name: strings\n"
				     "  labels:\n"
				     "    \"on\": \"y\"\n"
				     "spec:\n"
				     "  containers:\n"
				     "  - name: c\n"
				     "    image: x\n"
				     "    resources:\n"
				     "      limits:\n"
				     "        cpu: \"2\"\n"
				     "        memory: 100Mi\n"
				     "        x/y: \"1E\"\n"
				     "  terminationGracePeriodSeconds: 0\n"
				     "  hostname: \"e1\"\n");
}

static void test_long_keys_and_depth(void)
{
	cleanup_free char *key = xmalloc(301);
	cleanup_free char *text = NULL;
	const char *value = "v";
	struct k8s_pod pod;

	memset(key, 'k', 300);
	key[300] = '\0';
	make_pod(&pod);
	pairlist_set(&pod.meta->annotations, key, value);
	text = write_pod(&pod);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	check_own(text, &value, 1);
}

static CU_TestInfo tests[] = {
	{ "strings survive our own reader", test_own_reader },
	{ "strings survive PyYAML", test_pyyaml },
	{ "strings survive kubectl", test_kubectl },
	{ "random strings survive", test_random_strings },
	{ "form of a document", test_form },
	{ "long keys", test_long_keys_and_depth },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "encode", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
