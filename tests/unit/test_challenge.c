/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_challenge - WWW-Authenticate and addresses: what they mean, and what is refused (REG-3,
 * REG-4).
 *
 * Theory of operation: tables of texts. A challenge is printed back as "scheme(realm|service|scope)"
 * and compared; so is an address as its canonical text.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/base/str.h"
#include "engine/image/challenge.h"
#include "engine/image/url.h"
#include "tests/support/cunit_main.h"

static char *show(const char *text)
{
	static const char *const schemes[] = { "other", "basic", "bearer" };
	cleanup_challenges struct challenge_list l = { .n = 0 };
	struct buf b = BUF_INIT(100000);
	struct error err;

	if (challenge_parse(text, &l, &err) < 0)
		return xstrdup("refused");
	for (size_t i = 0; i < l.n; i++)
		buf_printf(&b, "%s%s(%s|%s|%s)", i ? " " : "", schemes[l.v[i].scheme],
			   l.v[i].realm ? l.v[i].realm : "-", l.v[i].service ? l.v[i].service : "-",
			   l.v[i].scope ? l.v[i].scope : "-");
	return buf_steal(&b);
}

static void test_challenges(void)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "Basic realm=\"x\"", "basic(x|-|-)" },
		{ "basic", "basic(-|-|-)" },
		{ "Bearer realm=\"https://a/t\",service=\"r\",scope=\"repository:a/b:pull\"",
		  "bearer(https://a/t|r|repository:a/b:pull)" },
		{ "BEARER REALM=\"https://a/t\" , SERVICE=r", "bearer(https://a/t|r|-)" },
		{ "Bearer realm=\"a,b=c \\\"d\\\\\", scope=\"p:x:pull,push p:y:pull\"",
		  "bearer(a,b=c \"d\\|-|p:x:pull,push p:y:pull)" },
		{ "Basic realm=\"one\", Bearer realm=\"two\",service=\"s\"",
		  "basic(one|-|-) bearer(two|s|-)" },
		{ "Negotiate, Basic realm=x", "other(-|-|-) basic(x|-|-)" },
		{ "Negotiate YII+/abc==, Bearer realm=x", "other(-|-|-) bearer(x|-|-)" },
		{ "Bearer realm = \"x\" ,, error=\"invalid_token\"", "bearer(x|-|-)" },
		{ "Digest realm=\"a\", qop=\"auth,auth-int\", nonce=\"b\", Basic realm=\"c\"",
		  "other(a|-|-) basic(c|-|-)" },
		{ "", "refused" },
		{ ",,", "refused" },
		{ "Bearer realm=\"open", "refused" },
		{ "Bearer realm=\"open\\", "refused" },
		{ "Bearer realm=", "bearer(-|-|-)" },
		{ "Bearer realm=\"a\", realm=\"b\"", "refused" },
		{ "Bearer realm=\"a\" service=\"b\"", "refused" },
		{ "Bearer realm=\"a\nX: y\"", "refused" },
		{ "Bearer realm=\"a\x7f\"", "refused" },
		{ "Basic realm=\"a\" Bearer realm=\"b\"", "refused" },
		{ "Bearer a=b, realm=", "refused" },
		{ "=\"a\"", "refused" },
		{ "\"Bearer\"", "refused" },
		{ "Basic\"x\"", "refused" },
		{ "a,b,c,d,e,f,g,h,i", "refused" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *shown = show(cases[i].text);

		if (!is_equal(shown, cases[i].shown))
			printf("'%s': %s\n", cases[i].text, shown);
		CU_ASSERT_STRING_EQUAL(shown, cases[i].shown);
	}
}

static void test_long_challenges(void)
{
	struct buf b = BUF_INIT(200000);
	cleanup_free char *text = NULL, *shown = NULL, *many = NULL;

	buf_adds(&b, "Bearer realm=\"");
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, 'x');
	buf_addc(&b, '"');
	text = buf_steal(&b);
	shown = show(text);
	CU_ASSERT_STRING_EQUAL(shown, "refused");
	text[10000] = '"';
	text[10001] = '\0';
	free(shown);
	shown = show(text);
	CU_ASSERT_TRUE(is_prefix(shown, "bearer(xxx"));
	b = BUF_INIT(200000);
	buf_adds(&b, "Bearer a=b");
	for (int i = 0; i < CHALLENGE_PARAM_MAX; i++)
		buf_adds(&b, ",a=b");
	many = buf_steal(&b);
	free(shown);
	shown = show(many);
	CU_ASSERT_STRING_EQUAL(shown, "refused");
}

static void test_addresses(void)
{
	static const struct {
		const char *base, *text, *shown;
	} cases[] = {
		{ NULL, "https://A.Example/b?c#d", "https://a.example/b?c" },
		{ NULL, "HTTPS://a:443", "https://a/" },
		{ NULL, "http://a:443?x", "http://a:443/?x" },
		{ NULL, "https://[0:0::1]:8/x", "https://[::1]:8/x" },
		{ NULL, "https://user@a/", NULL },
		{ NULL, "https://user:pw@a/", NULL },
		{ NULL, "https://a\\@b/", NULL },
		{ NULL, "https://a%40b/", NULL },
		{ NULL, "https:///x", NULL },
		{ NULL, "https://a:0/", NULL },
		{ NULL, "https://a:65536/", NULL },
		{ NULL, "https://a:b@c/", NULL },
		{ NULL, "https://a:/", NULL },
		{ NULL, "https://a..b/", NULL },
		{ NULL, "https://a b/", NULL },
		{ NULL, "https://a/\r\nX: y", NULL },
		{ NULL, "https://\xc3\xa4/", NULL },
		{ NULL, "https://[::1%25lo]/", NULL },
		{ NULL, "https://[zz]/", NULL },
		{ NULL, "file:///etc/passwd", NULL },
		{ NULL, "ftp://a/", NULL },
		{ NULL, "gopher://a/", NULL },
		{ NULL, "/x", NULL },
		{ "https://a:5/b/c?d", "/x", "https://a:5/x" },
		{ "https://a:5/b/c?d/e", "x?y", "https://a:5/b/x?y" },
		{ "https://a:5/b/c?d", "?y", "https://a:5/b/c?y" },
		{ "https://a:5/b/c?d", "//h/y", "https://h/y" },
		{ "https://a:5/b", "//u@h/y", NULL },
		{ "https://a:5/b", "http://h/y", "http://h/y" },
		{ "https://a:5/b", "dict://h/y", NULL },
		{ "https://a:5/b", "javascript:x", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_url struct url base = { 0 }, u = { 0 };
		cleanup_free char *shown = NULL;
		struct error err;
		int r = cases[i].base ? url_parse(cases[i].base, &base, &err) : 0;

		CU_ASSERT_EQUAL_FATAL(r, 0);
		r = cases[i].base ? url_resolve(&base, cases[i].text, &u, &err)
				  : url_parse(cases[i].text, &u, &err);
		shown = r == 0 ? url_format(&u) : NULL;
		if (!is_equal(shown, cases[i].shown))
			printf("'%s': %s\n", cases[i].text, shown ? shown : "refused");
		CU_ASSERT_TRUE(is_equal(shown, cases[i].shown));
	}
}

static void test_same_site(void)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} cases[] = {
		{ "registry-1.docker.io", "auth.docker.io", true },
		{ "ghcr.io", "ghcr.io", true },
		{ "registry.gitlab.com", "gitlab.com", true },
		{ "registry.example.com", "auth.login.example.com", true },
		{ "registry.example.co.uk", "auth.example.co.uk", true },
		{ "a.co.uk", "b.co.uk", false },
		{ "example.com", "example.org", false },
		{ "example.com", "badexample.com", false },
		{ "example.com", "example.com.evil.org", false },
		{ "a.github.io", "b.github.io", false },
		{ "a.azurecr.io", "b.azurecr.io", false },
		{ "a.s3.amazonaws.com", "b.s3.amazonaws.com", false },
		{ "com", "com", true },
		{ "a.com", "com", false },
		{ "localhost", "localhost.evil", false },
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.1", "11.0.0.1", false },
		{ "1.2.3.4", "9.2.3.4", false },
		{ "::1", "::2", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool same = is_url_same_site(cases[i].a, cases[i].b);

		if (same != cases[i].is_same)
			printf("%s, %s\n", cases[i].a, cases[i].b);
		CU_ASSERT_EQUAL(same, cases[i].is_same);
	}
}

static bool is_near(const char *host)
{
	cleanup_free char *text = xasprintf("https://%s/", host);
	cleanup_url struct url u = { 0 };
	struct error err;

	CU_ASSERT_EQUAL_FATAL(url_parse(text, &u, &err), 0);
	return is_url_near(&u);
}

static void test_near_addresses(void)
{
	static const char *const near[] = {
		"localhost",
		"a.localhost",
		"127.0.0.1",
		"127.9.9.9",
		"127.1",
		"0x7f000001",
		"2130706433",
		"017700000001",
		"0.0.0.0",
		"10.1.2.3",
		"172.16.0.1",
		"172.31.255.1",
		"192.168.0.1",
		"169.254.169.254",
		"192.0.0.8",
		"198.18.0.1",
		"100.64.0.1",
		"224.0.0.1",
		"255.255.255.255",
		"[::1]",
		"[::]",
		"[fe80::1]",
		"[fd00::1]",
		"[fc00::1]",
		"[::ffff:127.0.0.1]",
		"[::ffff:10.0.0.1]",
		"[64:ff9b::7f00:1]",
		"[2002:7f00:1::]",
		"[ff02::1]",
		"[fec0::1]",
	};
	static const char *const far[] = { "example.com",     "8.8.8.8",	"172.32.0.1",
					   "192.169.0.1",     "[2606:4700::1]", "100.128.0.1",
					   "[::ffff:8.8.8.8]" };

	for (size_t i = 0; i < ARRAY_SIZE(near); i++) {
		if (!is_near(near[i]))
			printf("%s\n", near[i]);
		CU_ASSERT_TRUE(is_near(near[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		if (is_near(far[i]))
			printf("%s\n", far[i]);
		CU_ASSERT_FALSE(is_near(far[i]));
	}
}

static CU_TestInfo tests[] = {
	{ "challenges", test_challenges },	   { "long challenges", test_long_challenges },
	{ "addresses", test_addresses },	   { "same site", test_same_site },
	{ "near addresses", test_near_addresses }, CU_TEST_INFO_NULL
};
static CU_SuiteInfo suites[] = { { "challenge", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
