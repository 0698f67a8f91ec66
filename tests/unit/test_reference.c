/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_reference - image names: what they mean, and what is none (REG-10).
 *
 * Theory of operation: two tables. The first gives text and canonical form; each canonical form
 * must parse to itself. The second gives text that must be refused; some are made too long here.
 */
#include <string.h>

#include "engine/base/str.h"
#include "engine/image/reference.h"
#include "tests/support/cunit_main.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_normal_forms(void)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{ "nginx", "docker.io/library/nginx:latest" },
		{ "nginx:1.25", "docker.io/library/nginx:1.25" },
		{ "docker.io/nginx", "docker.io/library/nginx:latest" },
		{ "index.docker.io/library/nginx", "docker.io/library/nginx:latest" },
		{ "me/app", "docker.io/me/app:latest" },
		{ "localhost/app", "localhost/app:latest" },
		{ "localhost:5000/app:v1", "localhost:5000/app:v1" },
		{ "quay.io/a/b/c:T_a.g-1", "quay.io/a/b/c:T_a.g-1" },
		{ "Registry/app", "Registry/app:latest" },
		{ "127.0.0.1:5000/app", "127.0.0.1:5000/app:latest" },
		{ "[::1]:5000/app:x", "[::1]:5000/app:x" },
		{ "[fe80::1:2]/app", "[fe80::1:2]/app:latest" },
		{ "xn--mnchen-3ya.de/app", "xn--mnchen-3ya.de/app:latest" },
		{ "docker.io", "docker.io/library/docker.io:latest" },
		{ "library/nginx", "docker.io/library/nginx:latest" },
		{ "a---b.c__d_e", "docker.io/library/a---b.c__d_e:latest" },
		{ "h.io:65535/1/2", "h.io:65535/1/2:latest" },
		{ "nginx:_x.Y-", "docker.io/library/nginx:_x.Y-" },
		{ "a--b/c__d/e.f_g", "docker.io/a--b/c__d/e.f_g:latest" },
		{ "app@sha256:" HEX64, "docker.io/library/app@sha256:" HEX64 },
		{ "h.io/app:v1@sha256:" HEX64, "h.io/app:v1@sha256:" HEX64 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct reference r;
		struct error err = { .code = 0 };
		char out[REFERENCE_MAX + 1];

		if (reference_parse(cases[i].text, &r, &err) < 0) {
			printf("%s: %s\n", cases[i].text, err.text);
			CU_FAIL("refused");
			continue;
		}
		CU_ASSERT_STRING_EQUAL(reference_format(&r, out), cases[i].canonical);
		CU_ASSERT_EQUAL(reference_parse(cases[i].canonical, &r, &err), 0);
		CU_ASSERT_STRING_EQUAL(reference_format(&r, out), cases[i].canonical);
		CU_ASSERT_FALSE(r.is_short);
	}
}

static const char *const refused[] = {
	"",
	" nginx",
	"nginx ",
	"ng inx",
	"Nginx",
	"nginx:",
	"nginx:-x",
	"nginx:.x",
	"nginx:a/b",
	"nginx:a b",
	"../nginx",
	"a/../b",
	"a/./b",
	"a//b",
	"/a",
	"a/",
	"a.",
	"-a",
	"a___b",
	"a._b",
	"a..b",
	"h.io:/a",
	"h.io:99999/a",
	"h.io:0/a",
	"h.io:12x/a",
	"-h.io/a",
	"h..io/a",
	"user@h.io/a",
	"http://h.io/a",
	"a@b@c",
	"a@sha256:" HEX64 "@sha256:" HEX64,
	"a@sha256:" HEX64 "0",
	"a@sha512:" HEX64,
	"a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
	"a@",
	HEX64,
	"n\xc3\xbcrnberg",
	"a\nb",
	"a\x1b[31m",
	"a:\x7f",
	"[::1/a",
	"[zz]:1/a",
	"[:::]:1/a",
	"[1:2:3:4:5:6:7:8:9]/a",
	"[::ffff:1.2.3.4]/a",
	"[]/a",
	"[::1]x/a",
	"[::1]:/a",
	"::1/a",
	"h.io:0080/a",
	"h.io:65536/a",
	"h.io:-1/a",
	"h.io:1:2/a",
	"h_x.io/a",
	"h.io./a",
	".h.io/a",
	"h-.io/a",
	"m\xc3\xbcnchen.de/a",
	"docker://nginx",
	"docker:nginx/a",
	"a:b:c",
	"a:b/c:d:e",
	"a:@sha256:" HEX64,
	"@sha256:" HEX64,
	"a@sha256:" HEX64 ":tag",
	"a@SHA256:" HEX64,
	"h.io/A",
	"h.io/a%2e%2e",
	"h.io/a?b",
	"h.io/a#b",
	"h.io\\a",
	"a\tb",
	"\xff",
};

static void test_refused(void)
{
	struct reference r;
	struct error err;

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (reference_parse(refused[i], &r, &err) != -EINVAL) {
			printf("'%s' was taken\n", refused[i]);
			CU_FAIL("taken");
		}
}

/* The twin lets a path climb. */
static void test_refused_twin(void)
{
	static const char climbing[] = "h.io/a/../../b";
	struct reference r;
	struct error err;

	CU_ASSERT_EQUAL(reference_parse(climbing, &r, &err), -EINVAL);
	(void)setenv("PODIUM_WEAKEN", "REG-10", 1);
	CU_ASSERT_EQUAL(reference_parse(climbing, &r, &err), 0);
	(void)unsetenv("PODIUM_WEAKEN");
}

static void test_lengths(void)
{
	char name[700];
	struct reference r;
	struct error err;

	memset(name, 'a', sizeof(name));
	memcpy(name, "h.io/", 5);
	name[REFERENCE_NAME_MAX] = '\0';
	CU_ASSERT_EQUAL(reference_parse(name, &r, &err), 0);
	name[REFERENCE_NAME_MAX] = 'a';
	name[REFERENCE_NAME_MAX + 1] = '\0';
	CU_ASSERT_EQUAL(reference_parse(name, &r, &err), -EINVAL);
	memset(name, 'a', sizeof(name));
	name[300] = '\0';
	CU_ASSERT_EQUAL(reference_parse(name, &r, &err), -EINVAL);
	name[300] = 'a';
	name[699] = '\0';
	CU_ASSERT_EQUAL(reference_parse(name, &r, &err), -EINVAL);
	/* a tag of 128 characters is allowed, one of 129 is not */
	memset(name, 'a', sizeof(name));
	name[1] = ':';
	name[2 + REFERENCE_TAG_MAX] = '\0';
	CU_ASSERT_EQUAL(reference_parse(name, &r, &err), 0);
	name[2 + REFERENCE_TAG_MAX] = 'a';
	name[3 + REFERENCE_TAG_MAX] = '\0';
	CU_ASSERT_EQUAL(reference_parse(name, &r, &err), -EINVAL);
	/* "library/" and "docker.io/" count */
	memset(name, 'a', sizeof(name));
	name[REFERENCE_NAME_MAX - 10] = '\0';
	CU_ASSERT_EQUAL(reference_parse(name, &r, &err), -EINVAL);
}

/* What a short name is, and what was put in. */
static void test_what_was_written(void)
{
	static const struct {
		const char *text;
		bool is_short, tag, library;
	} cases[] = {
		{ "nginx", true, true, true },
		{ "nginx:1", true, false, true },
		{ "library/nginx", true, true, false },
		{ "me/app", true, true, false },
		{ "docker.io/nginx", false, true, true },
		{ "h.io/app:1", false, false, false },
	};
	struct reference r;
	struct error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CU_ASSERT_EQUAL_FATAL(reference_parse(cases[i].text, &r, &err), 0);
		CU_ASSERT_EQUAL(r.is_short, cases[i].is_short);
		CU_ASSERT_EQUAL(r.is_tag_implied, cases[i].tag);
		CU_ASSERT_EQUAL(r.is_library_implied, cases[i].library);
	}
}

static void test_errors_are_printable(void)
{
	struct reference r;
	struct error err = { .code = 0 };

	CU_ASSERT_EQUAL(reference_parse("a\x1b]0;x\x07", &r, &err), -EINVAL);
	CU_ASSERT_PTR_NULL(strchr(err.text, 0x1b));
	CU_ASSERT_PTR_NULL(strchr(err.text, 0x07));
}

static CU_TestInfo tests[] = { { "normal forms", test_normal_forms },
			       { "refused names", test_refused },
			       { "REG-10 twin", test_refused_twin },
			       { "lengths", test_lengths },
			       { "what was written", test_what_was_written },
			       { "errors are printable", test_errors_are_printable },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "reference", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
