/* SPDX-License-Identifier: Apache-2.0 */
/* test_imageconf - an image's whole configuration: what is read is written again, and no more. */
#include "engine/image/imageconf.h"

#include <string.h>

#include "tests/support/cunit_main.h"

#define HEX  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX2 "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* In the order and the form that image_conf_write() uses. */
static const char whole[] =
	"{\"created\":\"2024-01-02T03:04:05.6Z\",\"author\":\"me\",\"comment\":\"a comment\","
	"\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\",\"config\":{"
	"\"User\":\"1:2\",\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},"
	"\"Env\":[\"A=b\",\"C=\"],\"Entrypoint\":[\"/e\"],\"Cmd\":[\"a\",\"\"],"
	"\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/w\",\"Labels\":{\"k\":\"v\"},"
	"\"StopSignal\":\"SIGQUIT\",\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],"
	"\"Interval\":1000000000,\"Timeout\":2000000000,\"StartPeriod\":3,\"Retries\":4},"
	"\"OnBuild\":[\"RUN x\"],\"Shell\":[\"/bin/bash\",\"-c\"]},"
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX "\",\"sha256:" HEX2
	"\",\"sha256:" HEX "\"]},"
	"\"history\":[{\"created\":\"2024-01-01T00:00:00Z\",\"created_by\":\"ADD file\"},"
	"{\"created_by\":\"CMD\",\"author\":\"me\",\"comment\":\"c\",\"empty_layer\":true}]}";

static void test_whole(void)
{
	struct image_conf c, copy;
	struct error err = { 0 };
	char *text;

	CU_ASSERT_EQUAL_FATAL(image_conf_parse(whole, strlen(whole), &c, &err), 0);
	CU_ASSERT_EQUAL(c.diff_ids.n, 3);
	CU_ASSERT_EQUAL(c.run.layers.n, 2); /* each once, where it is highest */
	CU_ASSERT_STRING_EQUAL(c.run.layers.v[0], "sha256:" HEX2);
	CU_ASSERT_EQUAL(c.health.retries, 4);
	CU_ASSERT_EQUAL(c.history.n, 2);
	CU_ASSERT_TRUE(c.history.v[1].is_empty_layer);
	image_conf_copy(&copy, &c);
	text = image_conf_write(&c);
	CU_ASSERT_STRING_EQUAL(text, whole);
	free(text);
	image_conf_done(&c);
	text = image_conf_write(&copy);
	CU_ASSERT_STRING_EQUAL(text, whole);
	free(text);
	image_conf_done(&copy);
}

/* ... and what says nothing. */
static void test_unknown_is_dropped(void)
{
	static const char in[] = "{\"docker_version\":\"20\",\"container_config\":{\"Cmd\":7},"
				 "\"author\":\"\",\"config\":{\"Hostname\":\"h\",\"User\":\"\"},"
				 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}";
	struct image_conf c;
	struct error err = { 0 };
	char *text;

	CU_ASSERT_EQUAL_FATAL(image_conf_parse(in, strlen(in), &c, &err), 0);
	text = image_conf_write(&c);
	CU_ASSERT_STRING_EQUAL(text,
			       "{\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}");
	free(text);
	image_conf_done(&c);
}

static void test_refused(void)
{
	static const struct {
		const char *members;
		const char *why;
	} cases[] = {
		{ "\"config\":{\"ExposedPorts\":[]}", "ExposedPorts" },
		{ "\"config\":{\"ExposedPorts\":{\"80/\\u001b[0m\":{}}}", "ExposedPorts" },
		{ "\"config\":{\"ExposedPorts\":{\"\":{}}}", "ExposedPorts" },
		{ "\"config\":{\"ExposedPorts\":{\"111111111111111111111111111111111\":{}}}",
		  "ExposedPorts" },
		{ "\"config\":{\"OnBuild\":\"RUN\"}", "OnBuild" },
		{ "\"config\":{\"Shell\":[1]}", "Shell" },
		{ "\"config\":{\"Healthcheck\":[]}", "Healthcheck" },
		{ "\"config\":{\"Healthcheck\":{\"Interval\":-1}}", "Interval" },
		{ "\"config\":{\"Healthcheck\":{\"Retries\":\"3\"}}", "Retries" },
		{ "\"config\":{\"Env\":[\"NAME\"]}", "Env" }, /* config.c's */
		{ "\"author\":1", "author" },
		{ "\"history\":{}", "history" },
		{ "\"history\":[1]", "history" },
		{ "\"history\":[{\"empty_layer\":1}]", "history" },
		{ "\"history\":[{\"created_by\":[]}]", "created_by" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *text = xasprintf(
			"{%s,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}", cases[i].members);
		struct image_conf c;
		struct error err = { 0 };

		CU_ASSERT_EQUAL(image_conf_parse(text, strlen(text), &c, &err), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].why));
		CU_ASSERT_EQUAL(c.history.n, 0);
		CU_ASSERT_PTR_NULL(c.author);
	}
}

/* {open, n times: before, a number, after, with commas between them, close, rootfs} */
static int parse_many(const char *const text[4], size_t n)
{
	cleanup_buf struct buf b = BUF_INIT(1 << 20);
	struct image_conf c;
	struct error err = { 0 };
	int r;

	buf_printf(&b, "{%s", text[0]);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s%zu%s", i ? "," : "", text[1], i, text[2]);
	buf_printf(&b, "%s,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}", text[3]);
	r = image_conf_parse(b.data, b.len, &c, &err);
	image_conf_done(&c);
	return r;
}

static void test_limits(void)
{
	static const char *const ports[] = { "\"config\":{\"ExposedPorts\":{", "\"", "/tcp\":{}",
					     "}}" };
	static const char *const history[] = { "\"history\":[", "{\"created_by\":\"", "\"}", "]" };

	CU_ASSERT_EQUAL(parse_many(ports, CONFIG_LIST_MAX), 0);
	CU_ASSERT_EQUAL(parse_many(ports, CONFIG_LIST_MAX + 1), -EBADMSG);
	CU_ASSERT_EQUAL(parse_many(history, IMAGE_HISTORY_MAX), 0);
	CU_ASSERT_EQUAL(parse_many(history, IMAGE_HISTORY_MAX + 1), -EBADMSG);
}

static void test_time(void)
{
	static const char *const texts[] = { "1970-01-01T00:00:00.000000001Z",
					     "2024-02-29T23:59:59Z", "2024-02-29T23:59:59.1203Z" };
	char out[IMAGE_TIME_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int64_t ns = 0;

		CU_ASSERT_EQUAL(image_parse_time(texts[i], &ns), 0);
		image_format_time(ns, out);
		CU_ASSERT_STRING_EQUAL(out, texts[i]);
	}
}

static CU_TestInfo tests[] = {
	{ "whole", test_whole },     { "unknown is dropped", test_unknown_is_dropped },
	{ "refused", test_refused }, { "limits", test_limits },
	{ "time", test_time },	     CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ .pName = "imageconf", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
