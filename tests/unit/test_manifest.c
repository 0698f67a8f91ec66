/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_manifest - manifests and indexes as a registry might send them, and platforms.
 *
 * Theory of operation: a document is made of parts by name; a table says what becomes of it under
 * which announced type. REG-6 is every digest that is none, at every place; REG-7 every document
 * that could be read two ways. With a weakened reader those go in (the twin, in a child).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/str.h"
#include "engine/image/manifest.h"
#include "tests/support/cunit_main.h"

#define D(c)	     "sha256:" c "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GOOD_D	     D("0")
#define LAYER(type)  "{\"mediaType\":\"" type "\",\"digest\":\"" D("1") "\",\"size\":7}"
#define CONFIG(type) "\"config\":{\"mediaType\":\"" type "\",\"digest\":\"" GOOD_D "\",\"size\":5}"
#define HEAD(type)   "{\"schemaVersion\":2,\"mediaType\":\"" type "\","
#define BARE	     "{\"schemaVersion\":2,"
#define LAYERS	     "\"layers\":[" LAYER(MEDIA_OCI_LAYER_GZIP) "]"
#define IMAGE	     CONFIG(MEDIA_OCI_CONFIG) "," LAYERS
#define ENTRY(type, platform)                                                                      \
	"{\"mediaType\":\"" type "\",\"digest\":\"" GOOD_D "\",\"size\":9,\"platform\":{" platform \
	"}}"
#define MANIFESTS "\"manifests\":[" ENTRY(MEDIA_OCI_MANIFEST, "") "]"

static int parse(const char *text, const char *type, struct manifest *m, struct error *err)
{
	return manifest_parse(text, strlen(text), type, m, err);
}

static int code_of(const char *text, const char *type)
{
	struct manifest m = { .kind = MANIFEST_IMAGE };
	struct error err = { .code = 0 };
	int r = parse(text, type, &m, &err);

	manifest_done(&m);
	if (r < 0 && r != -err.code)
		return -EFAULT;
	return r;
}

/* ---- what is taken ---------------------------------------------------------------------- */

static void test_image(void)
{
	struct manifest m;
	struct error err;
	char hex[65];

	CU_ASSERT_EQUAL_FATAL(
		parse(HEAD(MEDIA_OCI_MANIFEST) IMAGE "}", MEDIA_OCI_MANIFEST, &m, &err), 0);
	CU_ASSERT_EQUAL(m.kind, MANIFEST_IMAGE);
	CU_ASSERT_FALSE(m.is_docker);
	CU_ASSERT_EQUAL(m.config.size, 5);
	CU_ASSERT_STRING_EQUAL(m.config.media_type, MEDIA_OCI_CONFIG);
	CU_ASSERT_EQUAL(m.entries.n, 1);
	CU_ASSERT_EQUAL(m.entries.v[0].size, 7);
	CU_ASSERT_STRING_EQUAL(digest_hex(&m.entries.v[0].digest, hex), &D("1")[7]);
	manifest_done(&m);
}

static void test_silent_types(void)
{
	static const char *const types[] = { NULL,
					     "",
					     "application/json",
					     "text/plain; charset=utf-8",
					     "application/octet-stream",
					     MEDIA_OCI_MANIFEST,
					     MEDIA_OCI_MANIFEST "; charset=utf-8",
					     "Application/vnd.oci.image.manifest.v1+JSON" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		CU_ASSERT_EQUAL(code_of(HEAD(MEDIA_OCI_MANIFEST) IMAGE "}", types[i]), 0);
		CU_ASSERT_EQUAL(code_of(BARE IMAGE "}", types[i]), 0);
	}
	CU_ASSERT_EQUAL(code_of(BARE IMAGE "}", "text/html"), -EPROTONOSUPPORT);
}

static void test_docker(void)
{
	static const char text[] = HEAD(MEDIA_DOCKER_MANIFEST)
		CONFIG(MEDIA_DOCKER_CONFIG) ",\"layers\":[" LAYER(MEDIA_DOCKER_LAYER_GZIP) "]}";
	static const char bare[] =
		BARE CONFIG(MEDIA_DOCKER_CONFIG) ",\"layers\":[" LAYER(MEDIA_DOCKER_LAYER) "]}";
	struct manifest m, again;
	struct error err;
	cleanup_free char *written = NULL;

	CU_ASSERT_EQUAL_FATAL(parse(text, MEDIA_DOCKER_MANIFEST, &m, &err), 0);
	CU_ASSERT_TRUE(m.is_docker);
	written = manifest_write(&m);
	CU_ASSERT_EQUAL_FATAL(parse(written, MEDIA_DOCKER_MANIFEST, &again, &err), 0);
	CU_ASSERT_STRING_EQUAL(again.entries.v[0].media_type, MEDIA_DOCKER_LAYER_GZIP);
	manifest_done(&m);
	manifest_done(&again);
	CU_ASSERT_EQUAL_FATAL(parse(bare, NULL, &m, &err), 0);
	CU_ASSERT_TRUE(m.is_docker);
	manifest_done(&m);
}

/* ---- REG-7 ------------------------------------------------------------------------------ */

static const struct {
	const char *text, *type;
	int code;
} odd[] = {
	/* two readings */
	{ BARE IMAGE "," MANIFESTS "}", NULL, -EBADMSG },
	{ BARE MANIFESTS ",\"fsLayers\":[]}", NULL, -EBADMSG },
	{ BARE MANIFESTS ",\"config\":{}}", NULL, -EBADMSG },
	{ BARE MANIFESTS ",\"layers\":[]}", NULL, -EBADMSG },
	{ HEAD(MEDIA_OCI_INDEX) IMAGE "}", NULL, -EBADMSG },
	{ HEAD(MEDIA_OCI_MANIFEST) MANIFESTS "}", NULL, -EBADMSG },
	{ BARE IMAGE "}", MEDIA_OCI_INDEX, -EBADMSG },
	{ BARE MANIFESTS "}", MEDIA_OCI_MANIFEST, -EBADMSG },
	{ HEAD(MEDIA_OCI_MANIFEST) IMAGE "}", MEDIA_DOCKER_MANIFEST, -EBADMSG },
	{ HEAD(MEDIA_DOCKER_LIST) MANIFESTS "}", MEDIA_OCI_INDEX, -EBADMSG },
	/* two readers */
	{ "{\"schemaVersion\":2," IMAGE "," LAYERS "}", NULL, -EBADMSG },
	{ BARE IMAGE ",\"Layers\":[]}", NULL, -EBADMSG },
	{ BARE IMAGE ",\"MediaType\":\"x\"}", NULL, -EBADMSG },
	{ BARE MANIFESTS ",\"MANIFESTS\":[]}", NULL, -EBADMSG },
	/* none */
	{ BARE "\"x\":1}", NULL, -EBADMSG },
	{ "[]", NULL, -EBADMSG },
	{ "null", NULL, -EBADMSG },
	{ "", NULL, -EBADMSG },
	{ "<html>", "text/html", -EBADMSG },
	{ "{" IMAGE "}", NULL, -EBADMSG },
	{ "{\"schemaVersion\":\"2\"," IMAGE "}", NULL, -EBADMSG },
	{ "{\"schemaVersion\":3," IMAGE "}", NULL, -EBADMSG },
	{ BARE "\"mediaType\":7," IMAGE "}", NULL, -EBADMSG },
	{ BARE CONFIG(MEDIA_OCI_CONFIG) "}", NULL, -EBADMSG },
	{ BARE LAYERS "}", NULL, -EBADMSG },
	{ BARE "\"manifests\":{}}", NULL, -EBADMSG },
	/* what is no image to run */
	{ BARE CONFIG("application/vnd.oci.empty.v1+json") "," LAYERS "}", NULL, -EPROTONOSUPPORT },
	{ BARE CONFIG(MEDIA_OCI_CONFIG) ",\"layers\":[" LAYER("application/vnd.wasm") "]}", NULL,
	  -EPROTONOSUPPORT },
	{ BARE CONFIG(MEDIA_OCI_CONFIG) ",\"layers\":[" LAYER(
		  "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip") "]}",
	  NULL, -EPROTONOSUPPORT },
	{ BARE CONFIG(MEDIA_DOCKER_CONFIG) ",\"layers\":[" LAYER(
		  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip") "]}",
	  NULL, -EPROTONOSUPPORT },
	{ BARE CONFIG(MEDIA_OCI_CONFIG) ",\"layers\":[" LAYER(MEDIA_OCI_LAYER_GZIP
							      "+encrypted") "]}",
	  NULL, -EPROTONOSUPPORT },
	{ HEAD("application/vnd.oci.artifact.manifest.v1+json") IMAGE "}", NULL, -EPROTONOSUPPORT },
	{ "{\"schemaVersion\":1,\"name\":\"x\",\"fsLayers\":[],\"history\":[]}",
	  "application/vnd.docker.distribution.manifest.v1+prettyjws", -EPROTONOSUPPORT },
};

static void test_odd(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		int r = code_of(odd[i].text, odd[i].type);

		if (r != odd[i].code)
			printf("case %zu: %d instead of %d: %s\n", i, r, odd[i].code, odd[i].text);
		CU_ASSERT_EQUAL(r, odd[i].code);
	}
}

/* Runs fn in a child whose reader is weakened; its answer. */
static bool weakened(const char *what, bool (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)setenv("PODIUM_WEAKEN", what, 1);
		_exit(fn());
	}
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static bool is_ambiguous_taken(void)
{
	return code_of(odd[0].text, NULL) == 0 && code_of(odd[6].text, odd[6].type) == 0 &&
	       code_of(odd[8].text, odd[8].type) == 0;
}

static void test_odd_twin(void)
{
	CU_ASSERT_FALSE(is_ambiguous_taken());
	CU_ASSERT_TRUE(weakened("REG-7", is_ambiguous_taken));
}

/* ---- REG-6 ------------------------------------------------------------------------------ */

static void test_digests(void)
{
	static const char *const bad[] = {
		"\"\"",
		"\"sha256:\"",
		"\"sha256:../../../../../../etc/passwd\"",
		"\"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\"",
		"\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\"",
		"\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0\"",
		"\"sha256:0123456789abcdef0123456789abcdef/123456789abcdef0123456789abcdef\"",
		"\"sha256:%30123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\"",
		"\"sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
		"\"SHA256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
		"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
		"\" sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
		"7",
		"null",
		"[]",
	};
	static const char *const places[] = {
		BARE "\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":%s,\"size\":1},"
		     "\"layers\":[]}",
		BARE CONFIG(MEDIA_OCI_CONFIG) ",\"layers\":[{\"mediaType\":\"" MEDIA_OCI_LAYER
					      "\",\"digest\":%s,\"size\":1}]}",
		BARE "\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST
		     "\",\"digest\":%s,\"size\":1}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		cleanup_buf struct buf good = BUF_INIT(4096);
		const char *at = strstr(places[i], "%s");

		buf_add(&good, places[i], (size_t)(at - places[i]));
		buf_adds(&good, "\"" GOOD_D "\"");
		buf_adds(&good, at + 2);
		CU_ASSERT_EQUAL(code_of(good.data, NULL), 0);
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			cleanup_buf struct buf b = BUF_INIT(4096);

			buf_add(&b, places[i], (size_t)(at - places[i]));
			buf_adds(&b, bad[j]);
			buf_adds(&b, at + 2);
			if (code_of(b.data, NULL) != -EBADMSG)
				printf("%s\n", b.data);
			CU_ASSERT_EQUAL(code_of(b.data, NULL), -EBADMSG);
		}
	}
}

static void test_sizes(void)
{
	static const char *const bad[] = {
		"-1", "1.0", "1e3", "\"1\"", "null", "{}", "9223372036854775808"
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_free char *text = xasprintf(
			BARE CONFIG(MEDIA_OCI_CONFIG) ",\"layers\":[{\"mediaType\":\"%s\","
						      "\"digest\":\"%s\",\"size\":%s}]}",
			MEDIA_OCI_LAYER, GOOD_D, bad[i]);

		CU_ASSERT_EQUAL(code_of(text, NULL), -EBADMSG);
	}
}

/* ---- limits ----------------------------------------------------------------------------- */

static char *many(const char *head, const char *one, size_t n)
{
	struct buf b = BUF_INIT(64U << 20);

	buf_adds(&b, head);
	for (size_t i = 0; i < n; i++) {
		buf_adds(&b, i ? "," : "");
		buf_adds(&b, one);
	}
	buf_adds(&b, "]}");
	return buf_steal(&b);
}

static void test_limits(void)
{
	static const char image[] = BARE CONFIG(MEDIA_OCI_CONFIG) ",\"layers\":[";
	static const char index[] = BARE "\"manifests\":[";
	static const struct {
		const char *head, *one;
		size_t n;
		int code;
	} cases[] = {
		{ image, LAYER(MEDIA_OCI_LAYER), MANIFEST_LAYERS_MAX, 0 },
		{ image, LAYER(MEDIA_OCI_LAYER), MANIFEST_LAYERS_MAX + 1, -E2BIG },
		{ image, LAYER(MEDIA_OCI_LAYER), 100000, -E2BIG },
		{ index, ENTRY(MEDIA_OCI_MANIFEST, ""), MANIFEST_ENTRIES_MAX, 0 },
		{ index, ENTRY(MEDIA_OCI_MANIFEST, ""), 100000, -E2BIG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *text = many(cases[i].head, cases[i].one, cases[i].n);

		CU_ASSERT_EQUAL(code_of(text, NULL), cases[i].code);
	}
}

/* ---- platforms -------------------------------------------------------------------------- */

#define P(os, arch)	"\"os\":\"" os "\",\"architecture\":\"" arch "\""
#define PV(os, arch, v) P(os, arch) ",\"variant\":\"" v "\""
#define E(p)		ENTRY(MEDIA_OCI_MANIFEST, p)

static const struct {
	const char *entries, *want;
	int which; /* -1: none */
} choices[] = {
	{ E(P("linux", "arm64")) "," E(P("linux", "amd64")), "linux/amd64", 1 },
	{ E(P("windows", "amd64")) "," E(P("linux", "amd64")), "amd64", 1 },
	{ E(PV("linux", "arm", "v5")) "," E(PV("linux", "arm", "v7")), "linux/arm/v7", 1 },
	{ E(PV("linux", "arm", "v5")) "," E(PV("linux", "arm", "v6")), "linux/arm/v7", 1 },
	{ E(PV("linux", "arm", "v7")) "," E(P("linux", "arm")), "linux/arm/v6", 1 },
	{ E(PV("linux", "arm", "v7")), "linux/arm/v6", -1 },
	{ E(PV("linux", "arm64", "v8")), "linux/arm64", 0 },
	{ E(P("linux", "arm64")), "linux/arm64/v8", 0 },
	{ E(PV("linux", "amd64", "v3")) "," E(P("linux", "amd64")), "linux/amd64", 1 },
	{ E(PV("linux", "amd64", "v3")) "," E(PV("linux", "amd64", "v1")), "linux/amd64", 1 },
	{ E(P("linux", "amd64")) "," E(PV("linux", "amd64", "v3")), "x86_64", 0 },
	{ E(P("linux", "s390x")) "," E(P("linux", "ppc64le")), "linux/amd64", -1 },
	{ ENTRY("application/vnd.oci.artifact.manifest.v1+json",
		P("linux", "amd64")) "," E(P("linux", "amd64")),
	  "linux/amd64", 1 },
	{ E(P("unknown", "unknown")), "linux/amd64", -1 },
	{ E(""), "linux/amd64", 0 },
	{ E("") "," E(""), "linux/amd64", -1 },
	{ ENTRY(MEDIA_DOCKER_MANIFEST, P("linux", "amd64")), "linux/amd64", 0 },
};

static void test_select(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		cleanup_free char *text = xasprintf(BARE "\"manifests\":[%s]}", choices[i].entries);
		const struct manifest_entry *e = NULL;
		struct manifest m;
		struct platform want;
		struct error err = { .code = 0 };
		int r;

		CU_ASSERT_EQUAL_FATAL(parse(text, NULL, &m, &err), 0);
		CU_ASSERT_EQUAL_FATAL(platform_parse(choices[i].want, &want, &err), 0);
		r = manifest_select(&m, &want, &e, &err);
		if (r != (choices[i].which < 0 ? -ENOENT : 0) ||
		    (r == 0 && e != &m.entries.v[choices[i].which]))
			printf("choice %zu\n", i);
		CU_ASSERT_EQUAL(r, choices[i].which < 0 ? -ENOENT : 0);
		if (r == 0)
			CU_ASSERT_PTR_EQUAL(e, &m.entries.v[choices[i].which]);
		manifest_done(&m);
		platform_done(&want);
	}
}

static void test_advice(void)
{
	static const char text[] =
		BARE "\"manifests\":[" E(P("linux", "s390x")) "," E(PV("linux", "arm", "v7")) "]}";
	const struct manifest_entry *e;
	struct manifest m;
	struct platform want = { .os = NULL };
	struct error err;

	CU_ASSERT_EQUAL_FATAL(parse(text, NULL, &m, &err), 0);
	CU_ASSERT_EQUAL_FATAL(platform_parse("linux/amd64", &want, &err), 0);
	CU_ASSERT_EQUAL(manifest_select(&m, &want, &e, &err), -ENOENT);
	CU_ASSERT_STRING_EQUAL(err.text, "the image is not made for linux/amd64, "
					 "but for linux/s390x, linux/arm/v7");
	manifest_done(&m);
	platform_done(&want);
}

static void test_platform_words(void)
{
	static const struct {
		const char *text, *is;
	} good[] = { { "linux/amd64", "linux/amd64" },	    { "arm64", "linux/arm64" },
		     { "linux/arm/v6", "linux/arm/v6" },    { "aarch64", "linux/arm64" },
		     { "linux/armhf", "linux/arm/v7" },	    { "windows/x86_64", "windows/amd64" },
		     { "linux/arm64/v8", "linux/arm64/v8" } };
	static const char *const bad[] = { "",	      "/",	   "linux/", "/amd64",
					   "a/b/c/d", "linux/a b", "a\nb",   "linux//v7" };
	struct platform p;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		cleanup_free char *text = NULL;

		CU_ASSERT_EQUAL_FATAL(platform_parse(good[i].text, &p, &err), 0);
		text = platform_format(&p);
		CU_ASSERT_STRING_EQUAL(text, good[i].is);
		platform_done(&p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(platform_parse(bad[i], &p, &err), -EINVAL);
	platform_host(&p);
	CU_ASSERT_STRING_EQUAL(p.os, "linux");
	platform_done(&p);
}

static CU_TestInfo tests[] = { { "an image", test_image },
			       { "types that say nothing", test_silent_types },
			       { "Docker's", test_docker },
			       { "odd documents (REG-7)", test_odd },
			       { "odd documents, weakened", test_odd_twin },
			       { "digests that are none (REG-6)", test_digests },
			       { "sizes that are none", test_sizes },
			       { "limits", test_limits },
			       { "choosing a platform", test_select },
			       { "advice", test_advice },
			       { "words of platforms", test_platform_words },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "manifest", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
