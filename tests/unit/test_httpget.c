/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_httpget - the request of a probe, replies in every cut, redirects.
 */
#include "engine/monitor/httpget.h"

#include <errno.h>
#include <string.h>

#include "tests/support/cunit_main.h"

/* ---- requests --------------------------------------------------------------------------- */

static char *request(const char *host, const char *path, struct http_header *v, size_t n)
{
	struct http_header_list headers = { v, n };
	struct http_target t = { 0 };
	struct buf b = BUF_INIT(65536);

	CU_ASSERT_EQUAL_FATAL(http_target_set(&t, false, host, 8080, path), 0);
	if (http_build_request(&b, &t, &headers, "agent/1") < 0) {
		buf_done(&b);
		return xstrdup("refused");
	}
	return buf_steal(&b);
}

#define S(text) ((char *)(uintptr_t)(text))

static void test_request(void)
{
	struct http_header own[] = {
		{ S("x-a"), S("1") },		{ S("host"), S("web.example") },
		{ S("USER-AGENT"), S("mine") }, { S("Accept"), S("") },
		{ S("x-a"), S("2") },		{ S("Connection"), S("keep-alive") }
	};
	struct http_header bad_value[] = { { S("X"), S("1\r\nEvil: 2") } };
	struct http_header bad_name[] = { { S("X: y"), S("1") } };
	cleanup_free char *plain = request("10.0.0.1", NULL, NULL, 0);
	cleanup_free char *v6 = request("[fd00::1]", "healthz?a=b c#part", NULL, 0);
	cleanup_free char *with = request("10.0.0.1", "/x", own, 6);
	cleanup_free char *evil = request("10.0.0.1", "/a\r\nEvil: 1", NULL, 0);
	cleanup_free char *value = request("10.0.0.1", "/", bad_value, 1);
	cleanup_free char *name = request("10.0.0.1", "/", bad_name, 1);

	CU_ASSERT_STRING_EQUAL(plain, "GET / HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n"
				      "User-Agent: agent/1\r\nAccept: */*\r\n"
				      "Connection: close\r\n\r\n");
	CU_ASSERT_STRING_EQUAL(v6, "GET /healthz?a=b%20c HTTP/1.1\r\nHost: [fd00::1]:8080\r\n"
				   "User-Agent: agent/1\r\nAccept: */*\r\n"
				   "Connection: close\r\n\r\n");
	CU_ASSERT_STRING_EQUAL(with, "GET /x HTTP/1.1\r\nHost: web.example\r\nx-a: 1\r\n"
				     "USER-AGENT: mine\r\nx-a: 2\r\nConnection: close\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(evil, "GET /a%0D%0AEvil:%201 HTTP/1.1\r\n"));
	CU_ASSERT_STRING_EQUAL(value, "refused");
	CU_ASSERT_STRING_EQUAL(name, "refused");
}

static void test_too_long(void)
{
	struct http_target t;
	char text[3000];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CU_ASSERT_EQUAL(http_target_set(&t, false, text, 80, "/"), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(http_target_set(&t, false, "h", 80, text), -ENAMETOOLONG);
}

/* ---- replies ---------------------------------------------------------------------------- */

struct reply_case {
	const char *text;
	int status;	     /* 0: bad */
	bool needs_end;	     /* only the end of the stream completes it */
	const char *problem; /* part of it */
};
static const struct reply_case replies[] = {
	{ "HTTP/1.1 200 OK\r\n\r\n", 200, true, NULL },
	{ "HTTP/1.0 404 Not Found\nServer: x\n\nbody", 404, true, NULL },
	{ "HTTP/1.1 204\r\n\r\n", 204, false, NULL },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, false, NULL },
	{ "HTTP/1.1 503 No\r\ncontent-length: 3\r\n\r\nabc", 503, false, NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, false, NULL },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, false,
	  NULL },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nA\r\n0123456789"
	  "\r\n0\r\nTrailer: x\r\n\r\n",
	  200, false, NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", 0, true, "early" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, false, "Content-Length" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 0, false,
	  "Content-Length" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 0, false, "chunk" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", 0, false, "chunk" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 0, false, "chunk" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 0, false,
	  "chunk" },
	{ "HTTP/2 200\r\n\r\n", 0, false, "malformed" },
	{ "SSH-2.0-OpenSSH\r\n", 0, false, "malformed" },
	{ "HTTP/1.1 20 OK\r\n\r\n", 0, false, "status" },
	{ "HTTP/1.1 2000 OK\r\n\r\n", 0, false, "status" },
	{ "HTTP/1.1 000 OK\r\n\r\n", 0, false, "status" },
	{ "HTTP/1.1 200 OK\r\nX: y", 0, true, "early" },
	{ "", 0, true, "without an answer" },
};

/* Fed in pieces of n bytes. */
static void check_reply(const struct reply_case *c, size_t n)
{
	struct http_reply r;
	size_t len = strlen(c->text);
	bool done = false;

	http_reply_init(&r);
	for (size_t i = 0; i < len && !done; i += n)
		done = http_reply_feed(&r, c->text + i, len - i < n ? len - i : n);
	CU_ASSERT_EQUAL(done, !c->needs_end);
	if (!done)
		http_reply_end(&r);
	CU_ASSERT_EQUAL(r.step, c->status ? HTTP_STEP_DONE : HTTP_STEP_BAD);
	if (c->status)
		CU_ASSERT_EQUAL(r.status, c->status);
	if (c->problem)
		CU_ASSERT_PTR_NOT_NULL(strstr(r.problem ? r.problem : "", c->problem));
}

static void test_replies(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(replies); i++)
		for (size_t n = 1; n < 100; n = n * 2 + 1)
			check_reply(&replies[i], n);
}

/* Of an endless body ten kibibytes are enough, and an endless head ends, too. */
static void test_endless(void)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http_reply r;
	char data[1000];
	size_t n = 0;

	memset(data, 'x', sizeof(data));
	http_reply_init(&r);
	CU_ASSERT_FALSE(http_reply_feed(&r, head, sizeof(head) - 1));
	while (!http_reply_feed(&r, data, sizeof(data)))
		n += sizeof(data);
	CU_ASSERT_EQUAL(r.step, HTTP_STEP_DONE);
	CU_ASSERT_TRUE(n <= HTTPGET_BODY_MAX);
	http_reply_init(&r);
	(void)http_reply_feed(&r, head, sizeof(head) - 3);
	for (n = 0; n < 1000 && !http_reply_feed(&r, data, sizeof(data)); n++)
		;
	CU_ASSERT_EQUAL(r.step, HTTP_STEP_BAD);
	CU_ASSERT_TRUE(n < 100);
	http_reply_init(&r); /* interim answers, too */
	for (n = 0; n < 10000 && !http_reply_feed(&r, interim, sizeof(interim) - 1); n++)
		;
	CU_ASSERT_EQUAL(r.step, HTTP_STEP_BAD);
	CU_ASSERT_TRUE(n < 10000);
}

/* ---- redirects -------------------------------------------------------------------------- */

struct follow_case {
	int status;
	const char *location;
	enum http_follow want;
	const char *to; /* "scheme host port path" */
};
static const struct follow_case follows[] = {
	{ 301, "/other?x", HTTP_FOLLOW_HERE, "http 10.0.0.1 8080 /other?x" },
	{ 302, "deeper", HTTP_FOLLOW_HERE, "http 10.0.0.1 8080 /a/deeper" },
	{ 303, "?q=1", HTTP_FOLLOW_HERE, "http 10.0.0.1 8080 /a/b?q=1" },
	{ 307, "http://10.0.0.1:9/x#f", HTTP_FOLLOW_HERE, "http 10.0.0.1 9 /x" },
	{ 308, "HTTPS://10.0.0.1", HTTP_FOLLOW_HERE, "https 10.0.0.1 443 /" },
	{ 302, "http://u:p@10.0.0.1/x", HTTP_FOLLOW_HERE, "http 10.0.0.1 80 /x" },
	{ 302, "//10.0.0.1/x", HTTP_FOLLOW_HERE, "http 10.0.0.1 80 /x" },
	{ 302, "http://[::1]:81/", HTTP_FOLLOW_AWAY, "http ::1 81 /" },
	{ 302, "http://other.example?x", HTTP_FOLLOW_AWAY, "http other.example 80 /?x" },
	{ 302, "http://10.0.0.1@other.example/", HTTP_FOLLOW_AWAY, "http other.example 80 /" },
	{ 302, "http:///x", HTTP_FOLLOW_BROKEN, NULL },
	{ 302, "http://10.0.0.1:99999/", HTTP_FOLLOW_BROKEN, NULL },
	{ 302, "http://10.0.0.1:0/", HTTP_FOLLOW_BROKEN, NULL },
	{ 302, "ftp://10.0.0.1/", HTTP_FOLLOW_BROKEN, NULL },
	{ 302, "javascript:alert(1)", HTTP_FOLLOW_BROKEN, NULL },
	{ 302, "/a:b", HTTP_FOLLOW_HERE, "http 10.0.0.1 8080 /a:b" },
	{ 302, "", HTTP_FOLLOW_NOT, NULL },
	{ 304, "/x", HTTP_FOLLOW_NOT, NULL },
	{ 300, "/x", HTTP_FOLLOW_NOT, NULL },
	{ 200, "/x", HTTP_FOLLOW_NOT, NULL },
};

static void test_redirects(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(follows); i++) {
		const struct follow_case *c = &follows[i];
		struct http_target from = { 0 }, to = { 0 };
		struct http_reply r;
		cleanup_free char *text =
			xasprintf("HTTP/1.1 %d X\r\nlocation:  %s \r\nContent-Length: 0\r\n\r\n",
				  c->status, c->location);
		cleanup_free char *got = NULL;
		enum http_follow f;

		CU_ASSERT_EQUAL(http_target_set(&from, false, "10.0.0.1", 8080, "/a/b?c=/d"), 0);
		http_reply_init(&r);
		CU_ASSERT_TRUE(http_reply_feed(&r, text, strlen(text)));
		f = http_follow(&r, &from, "10.0.0.1", &to);
		CU_ASSERT_EQUAL(f, c->want);
		got = xasprintf("%s %s %u %s", to.https ? "https" : "http", to.host, to.port,
				to.path);
		if (f != c->want || (c->to && strcmp(got, c->to) != 0))
			printf("\n%s: '%s'\n", c->location, got);
		if (c->to)
			CU_ASSERT_STRING_EQUAL(got, c->to);
	}
}

static CU_TestInfo tests[] = {
	{ "requests", test_request },	       { "too long", test_too_long },
	{ "replies in pieces", test_replies }, { "endless replies", test_endless },
	{ "redirects", test_redirects },       CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "httpget", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
