/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_server - the registry that the other tests use is what they take it for.
 *
 * Each form of an image is really in that form, TLS is checked against the server's own authority,
 * the password is asked for, the list of platforms lists them.
 */
#include "tests/integration/harness.h"
#include "tests/integration/regserver.h"

#define FORMS 4

/* The media type of the first layer. */
static char *layer_type(const struct regserver *s, const char *name)
{
	cleanup_free char *text = regserver_manifest(s, name);
	json_t *j = json_loads(text, 0, NULL);
	const char *type = NULL;
	char *copy;

	(void)json_unpack(j, "{s:[{s:s}]}", "layers", "mediaType", &type);
	copy = xstrdup(type ? type : text);
	json_decref(j);
	return copy;
}

static void test_forms(void)
{
	static const char *const names[FORMS] = { "t/oci:1", "t/schema2:1", "t/zstd:1",
						  "t/plain:1" };
	static const char *const types[FORMS] = {
		"application/vnd.oci.image.layer.v1.tar+gzip",
		"application/vnd.docker.image.rootfs.diff.tar.gzip",
		"application/vnd.oci.image.layer.v1.tar+zstd",
		"application/vnd.oci.image.layer.v1.tar",
	};
	cleanup_regserver struct regserver s = { 0 };

	if (!regserver_is_possible())
		return;
	CHECK(regserver_start(&(struct regserver_spec){ .name = "forms" }, &s), "no server");
	for (int i = 0; i < REGSERVER__COUNT; i++) {
		cleanup_free char *type = NULL;

		CHECK(regserver_fill_made(&s, "busybox", names[i], (enum regserver_form)i),
		      "cannot fill in %s", names[i]);
		type = layer_type(&s, names[i]);
		CHECK_EQUAL(type, types[i]);
	}
}

static void test_platforms(void)
{
	static const struct regserver_entry both[] = { { "amd64", NULL, "a" },
						       { "arm64", "v8", "b" } };
	cleanup_regserver struct regserver s = { 0 };

	if (!regserver_is_possible())
		return;
	CHECK(regserver_start(&(struct regserver_spec){ .name = "platforms" }, &s), "no server");
	CHECK(regserver_fill_made(&s, "busybox", "t/many:a", REGSERVER_OCI), "a");
	CHECK(regserver_fill_made(&s, "payload", "t/many:b", REGSERVER_OCI), "b");
	for (int docker = 0; docker < 2; docker++) {
		cleanup_free char *text = NULL, *whole = NULL, *one = NULL;

		CHECK(regserver_fill_index(&s, "t/many", "1", docker, both, 2), "index");
		text = regserver_manifest(&s, "t/many:1");
		one = regserver_digest(&s, "t/many:b");
		whole = regserver_digest(&s, "t/many:1");
		CHECK_HAS(text, docker ? "manifest.list.v2" : "image.index.v1");
		CHECK_HAS(text, "\"variant\":\"v8\"");
		CHECK_HAS(text, one);
		CHECK_LACKS(text, whole);
	}
}

static void test_closed(void)
{
	cleanup_regserver struct regserver s = { 0 }, open = { 0 };
	cleanup_result struct result r = { 0 }, plain = { 0 };
	cleanup_free char *id = NULL, *other = NULL;

	if (!regserver_is_possible())
		return;
	CHECK(regserver_start(&(struct regserver_spec){ .name = "closed",
							.tls = true,
							.user = "alice",
							.password = "s3cret" },
			      &s),
	      "no server");
	CHECK(regserver_start(&(struct regserver_spec){ .name = "open" }, &open), "no server");
	CHECK(regserver_fill_made(&s, "busybox", "t/b:1", REGSERVER_OCI), "TLS and password");
	CHECK(regserver_fill_made(&open, "busybox", "t/b:1", REGSERVER_ZSTD), "plain");
	id = regserver_config_digest(&s, "t/b:1");
	other = regserver_config_digest(&open, "t/b:1");
	CHECK(is_prefix(id, "sha256:") && is_equal(id, other), "'%s', '%s'", id, other);
	/* Without the authority, and without the password. */
	r = run("curl -sS --max-time 60 -u alice:s3cret https://%s/v2/", s.host);
	CHECK_CODE(r, 60);
	plain = run("curl -sS --max-time 60 -o /dev/null -w %%{http_code} --cacert "
		    "%s/certs/ca.crt https://%s/v2/",
		    s.dir, s.host);
	CHECK_EQUAL(plain.out, "401");
}

static void test_halted(void)
{
	cleanup_regserver struct regserver s = { 0 };

	if (!regserver_is_possible())
		return;
	CHECK(regserver_start(&(struct regserver_spec){ .name = "halted" }, &s), "no server");
	CHECK(regserver_fill_made(&s, "busybox", "t/b:1", REGSERVER_OCI), "fill");
	regserver_halt(&s);
	{
		cleanup_result struct result r = regserver_curl(&s, "", "/v2/");

		CHECK_CODE(r, 7);
	}
	CHECK(regserver_resume(&s), "again");
	{
		cleanup_result struct result r = regserver_curl(&s, "", "/v2/t/b/tags/list");

		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, "\"1\"");
	}
}

static CU_TestInfo tests[] = {
	{ "an image in every form", test_forms },
	{ "images for platforms", test_platforms },
	{ "TLS and a password", test_closed },
	{ "halted and resumed", test_halted },
	CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
	{ "registry server", harness_begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
