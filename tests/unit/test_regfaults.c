/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_regfaults - registries that stall, cut, repeat, exaggerate and lie: fault rows 17 to 19 and
 * REG-8, for manifests and blobs; and uploads.
 *
 * Theory of operation: see tests/support/regclient.h. A blob is read by the test itself from its
 * pipe, whose end is among the descriptors that registry_wait() watches.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/image/sha256.h"
#include "tests/support/cunit_main.h"
#include "tests/support/regclient.h"

#define BLOB_LEN ((size_t)3 * 1024 * 1024)
#define MANIFEST "/v2/a/b/manifests/t"

static int get(struct client *c)
{
	struct registry_manifest m = { 0 };
	int r = registry_get_manifest(c->r, &c->route, "t", &m, &c->err);

	registry_manifest_done(&m);
	return r;
}

/* Asks a plain server with one answer before the good one. Returns the result; *n: requests. */
static int ask(struct fake_answer a, size_t *n, struct error *err)
{
	struct fakeregistry *f = client_server(FAKE_PLAIN);
	struct client c;
	int r;

	a.path = MANIFEST;
	fakeregistry_answer(f, &a);
	client_init(&c, f, true);
	r = get(&c);
	*n = fakeregistry_requests(f);
	if (r < 0 && !strstr(c.err.text, "'a/b': manifest 't'")) {
		printf("no names: %s\n", c.err.text);
		r = 1;
	}
	*err = c.err;
	client_done(&c);
	fakeregistry_free(f);
	return r;
}

/* ---- row 17: silence --------------------------------------------------------------------------- */

static bool stall_in_head(void)
{
	struct error err;
	size_t n;

	return ask((struct fake_answer){ .times = 1, .stall = FAKE_STALL_HEAD }, &n, &err) == 0 &&
	       n == 2;
}
static bool stall_in_body(void)
{
	struct error err;
	size_t n;

	return ask((struct fake_answer){ .times = 1,
					 .stall = FAKE_STALL_BODY,
					 .body = "{     }",
					 .cut_after = 2 },
		   &n, &err) == 0 &&
	       n == 2;
}
static bool trickle(void)
{
	char body[200];
	struct error err;
	size_t n;

	memset(body, ' ', sizeof(body));
	return ask((struct fake_answer){ .times = 1,
					 .stall = FAKE_TRICKLE,
					 .body = body,
					 .len = sizeof(body) },
		   &n, &err) == 0 &&
	       n == 2;
}
/* Nothing after connect; with TLS that is in the middle of its handshake. That has a bound of its
 * own: the one of a stall is taken away. */
static bool stall_in_tls(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS);
	struct client c;
	bool ok;

	fakeregistry_stall_connect(f, true);
	client_init(&c, f, false);
	(void)setenv("PODIUM_WEAKEN", "FAULT-17", 1);
	ok = get(&c) == -ETIMEDOUT && client_says(&c, "'a/b'") && client_says(&c, "silent");
	(void)unsetenv("PODIUM_WEAKEN");
	client_done(&c);
	fakeregistry_free(f);
	return ok;
}

static void test_stalls(void)
{
	CHECK(stall_in_head, "FAULT-17");
	CHECK(stall_in_body, "FAULT-17");
	CHECK(trickle, "FAULT-17");
	CHECK(stall_in_tls, NULL);
}

/* ---- row 18: noise -------------------------------------------------------------------------------- */

static bool comes_back(void)
{
	static const int statuses[] = { 429, 500, 502, 503, 504, 408 };
	struct error err;
	size_t n;
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		ok = ok &&
		     ask((struct fake_answer){ .times = 2, .status = statuses[i] }, &n, &err) ==
			     0 &&
		     n == 3;
	ok = ok &&
	     ask((struct fake_answer){ .times = 2, .is_cut = true, .body = "{}", .cut_after = 1 },
		 &n, &err) == 0 &&
	     n == 3;
	ok = ok &&
	     ask((struct fake_answer){ .times = 2,
				       .is_cut = true,
				       .is_reset = true,
				       .body = "{}",
				       .cut_after = 1 },
		 &n, &err) == 0 &&
	     n == 3;
	return ok;
}
static bool gives_up(void)
{
	struct error err;
	size_t n;

	/* a bound that a test can see: without one the server gives in after 20 */
	return ask((struct fake_answer){ .times = 20, .status = 503 }, &n, &err) == -EPROTO &&
	       n == 1 + REGISTRY_RETRIES_MAX;
}
static bool waits_ten_years(void)
{
	struct error err;
	size_t n;

	return ask((struct fake_answer){ .times = 1,
					 .status = 429,
					 .headers = "Retry-After: 315360000\r\n" },
		   &n, &err) == 0 &&
	       ask((struct fake_answer){ .times = 1,
					 .status = 503,
					 .headers = "Retry-After: 99999999999999999999999999\r\n" },
		   &n, &err) == 0 &&
	       ask((struct fake_answer){ .times = 1,
					 .status = 503,
					 .headers =
						 "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n" },
		   &n, &err) == 0;
}
static bool asks_again_and_again(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS);
	struct credentials alice = { .user = (char *)"alice", .password = (char *)PASSWORD };
	struct client c;
	bool ok;

	/* 30 times no, then it gives in: who is still asking is counted */
	fakeregistry_answer(
		f, &(struct fake_answer){ .path = MANIFEST,
					  .times = 30,
					  .status = 401,
					  .headers = "WWW-Authenticate: Basic realm=\"x\"\r\n" });
	client_init_with(&c, f, false, &alice);
	ok = get(&c) == -EACCES && fakeregistry_requests(f) == 2 && !strstr(c.err.text, PASSWORD);
	client_done(&c);
	fakeregistry_free(f);
	return ok;
}
/* Every token is refused; the token server is asked once. */
static bool token_loop(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS);
	cleanup_free char *challenge = xasprintf(
		"WWW-Authenticate: Bearer realm=\"https://%s/token\"\r\n", fakeregistry_name(f));
	struct client c;
	bool ok;

	fakeregistry_answer(
		f, &(struct fake_answer){ .path = "/token*", .body = "{\"token\":\"t\"}" });
	fakeregistry_answer(
		f, &(struct fake_answer){
			   .path = MANIFEST, .times = 30, .status = 401, .headers = challenge });
	client_init(&c, f, false);
	ok = get(&c) == -EACCES && fakeregistry_count(f, NULL, "/token") == 1 &&
	     fakeregistry_requests(f) == 3;
	client_done(&c);
	fakeregistry_free(f);
	return ok;
}
static bool redirect_loop(void)
{
	struct error err;
	size_t n;

	return ask((struct fake_answer){ .times = 30,
					 .status = 307,
					 .headers = "Location: " MANIFEST "\r\n" },
		   &n, &err) == -EPROTO &&
	       n == 1 + REGISTRY_REDIRECTS_MAX;
}
static bool endless_manifest(void)
{
	char body[4096];
	struct error err;
	size_t n;

	memset(body, ' ', sizeof(body));
	return ask(
		       (struct fake_answer){
			       .times = 1, .is_endless = true, .body = body, .len = sizeof(body) },
		       &n, &err) == -E2BIG &&
	       n == 1 &&
	       ask((struct fake_answer){ .times = 1,
					 .is_endless = true,
					 .is_chunked = true,
					 .body = body,
					 .len = sizeof(body) },
		   &n, &err) == -E2BIG &&
	       ask((struct fake_answer){ .times = 1,
					 .declared = 1LL << 40,
					 .body = body,
					 .len = sizeof(body) },
		   &n, &err) == -E2BIG;
}
/* The body of an error is read up to a bound, and its words are made safe. */
static bool endless_reason(void)
{
	char body[4096];
	struct error err;
	size_t n;

	memset(body, ' ', sizeof(body));
	return ask((struct fake_answer){ .status = 404,
					 .is_endless = true,
					 .body = body,
					 .len = sizeof(body) },
		   &n, &err) == -ENOENT &&
	       ask((struct fake_answer){ .status = 404,
					 .body = "{\"errors\":[{\"message\":"
						 "\"a\\u001b[31mb\\nc\"}]}" },
		   &n, &err) == -ENOENT &&
	       !strchr(err.text, 0x1b) && !strchr(err.text, '\n') && strstr(err.text, "[31mb c");
}
static bool long_head(void)
{
	struct buf b = BUF_INIT((size_t)4 * 1024 * 1024);
	cleanup_free char *head = NULL;
	struct error err;
	size_t n;

	for (int i = 0; i < 20000; i++)
		buf_adds(&b, "X-Fill: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	head = buf_steal(&b);
	return ask((struct fake_answer){ .times = 1, .headers = head, .body = "{}" }, &n, &err) ==
	       -EPROTO;
}
static bool bad_heads(void)
{
	static const char *const heads[] = {
		"Content-Length: 5\r\nContent-Length: 6\r\n",
		"Content-Length: -1\r\n",
		"Content-Length: 5x\r\n",
		"Docker-Content-Digest: a\r\nDocker-Content-Digest: b\r\n",
		"Content-Encoding: gzip\r\n",
		"Transfer-Encoding: gzip, chunked\r\n",
	};
	struct error err;
	size_t n;
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (ask((struct fake_answer){ .headers = heads[i], .body = "{}", .declared = -1 },
			&n, &err) != -EPROTO) {
			printf("taken: %s", heads[i]);
			ok = false;
		}
	return ok;
}

static void test_noise(void)
{
	CHECK(comes_back, NULL);
	CHECK(gives_up, "FAULT-18-retry");
	CHECK(waits_ten_years, "FAULT-18-wait");
	CHECK(asks_again_and_again, "FAULT-18-401");
	CHECK(token_loop, "FAULT-18-401");
	CHECK(redirect_loop, "FAULT-18-redirect");
	CHECK(endless_manifest, "FAULT-18-body");
	CHECK(endless_reason, NULL);
	CHECK(long_head, "FAULT-18-head");
	CHECK(bad_heads, NULL);
}

/* ---- blobs ------------------------------------------------------------------------------------------ */

static char blob_data[BLOB_LEN];

static void fill_blob(void)
{
	for (size_t i = 0; i < BLOB_LEN; i++)
		blob_data[i] = (char)(i * 2654435761U >> 13);
}

/* Reads what is there; false at the end. */
static bool drain(int fd, struct sha256 *h, size_t *n)
{
	static char piece[16384];
	ssize_t got = read(fd, piece, sizeof(piece));

	if (got <= 0)
		return false;
	sha256_add(h, piece, (size_t)got);
	*n += (size_t)got;
	return true;
}

/* Fetches the blob of blob_data from routes. Returns the client's result, or -1000 when what came is
 * something else although it says that all is well. */
static int fetch(struct client *c, const struct route_list *routes, uint64_t size, size_t *got)
{
	cleanup_sha256 struct sha256 *h = sha256_new();
	struct registry_blob *b = NULL;
	struct blob_want want = { .size = size };
	struct digest have;
	int p[2], r = 0;
	struct pollfd fd;

	*got = 0;
	if (pipe2(p, O_CLOEXEC) < 0)
		return -1000;
	sha256_of(blob_data, BLOB_LEN, &want.digest);
	fd = (struct pollfd){ .fd = p[0], .events = POLLIN };
	r = registry_blob_start(c->r, routes, &want, p[1], &b, &c->err);
	while (r == 0 && (r = registry_blob_state(b, &c->err)) == 0) {
		r = registry_wait(c->r, &fd, 1, 1000, &c->err);
		if (r == 0 && fd.revents)
			(void)drain(p[0], h, got);
	}
	(void)close(p[1]);
	while (drain(p[0], h, got))
		;
	(void)close(p[0]);
	registry_blob_free(b);
	sha256_end(h, &have);
	return r == 1 && !is_digest_equal(&want.digest, &have) ? -1000 : r;
}

/* One answer before the good one. */
static int fetch_with(struct fake_answer a, uint64_t size, size_t *n, struct error *err)
{
	struct fakeregistry *f = client_server(FAKE_PLAIN);
	cleanup_free char *path = NULL;
	char digest[72];
	struct client c;
	size_t got = 0;
	int r;

	fakeregistry_blob(f, "a/b", blob_data, BLOB_LEN, digest);
	path = xasprintf("/v2/a/b/blobs/%s", digest);
	a.path = path;
	if (!a.body) {
		a.body = blob_data;
		a.len = BLOB_LEN;
	}
	fakeregistry_answer(f, &a);
	client_init(&c, f, true);
	r = fetch(&c, &c.routes, size, &got);
	if (r < 0 && !strstr(c.err.text, digest))
		printf("no digest: %s\n", c.err.text);
	*n = fakeregistry_requests(f);
	*err = c.err;
	client_done(&c);
	fakeregistry_free(f);
	return r;
}

static bool resumes(void)
{
	struct error err;
	size_t n;

	/* cut, reset and stalled in the middle: one more request each, and every byte once */
	return fetch_with((struct fake_answer){ .times = 1, .is_cut = true, .cut_after = 1000001 },
			  BLOB_LEN, &n, &err) == 1 &&
	       n == 2 &&
	       fetch_with(
		       (struct fake_answer){
			       .times = 1, .is_cut = true, .cut_after = 2000001, .is_reset = true },
		       BLOB_LEN, &n, &err) == 1 &&
	       n == 2 &&
	       fetch_with((struct fake_answer){ .times = 1,
						.stall = FAKE_STALL_BODY,
						.cut_after = 70000 },
			  BLOB_LEN, &n, &err) == 1 &&
	       n == 2;
}
/* It breaks, and then the range is not obeyed: the first bytes are dropped. */
static bool range_ignored(void)
{
	size_t n;
	struct fakeregistry *f = client_server(FAKE_PLAIN);
	cleanup_free char *path = NULL;
	char digest[72];
	struct client c;
	int r;

	fakeregistry_blob(f, "a/b", blob_data, BLOB_LEN, digest);
	path = xasprintf("/v2/a/b/blobs/%s", digest);
	fakeregistry_answer(
		f, &(struct fake_answer){ .path = path, .body = blob_data, .len = BLOB_LEN });
	fakeregistry_answer(f, &(struct fake_answer){ .path = path,
						      .times = 1,
						      .body = blob_data,
						      .len = BLOB_LEN,
						      .is_cut = true,
						      .cut_after = 500000 });
	client_init(&c, f, true);
	r = fetch(&c, &c.routes, BLOB_LEN, &n);
	client_done(&c);
	fakeregistry_free(f);
	return r == 1 && n == BLOB_LEN;
}
/* ... or the answer says that it is another part. */
static bool range_shifted(const char *range)
{
	struct fakeregistry *f = client_server(FAKE_PLAIN);
	cleanup_free char *path = NULL;
	cleanup_free char *head = xasprintf("Content-Range: %s\r\n", range);
	char digest[72];
	struct client c;
	size_t n;
	int r;

	fakeregistry_blob(f, "a/b", blob_data, BLOB_LEN, digest);
	path = xasprintf("/v2/a/b/blobs/%s", digest);
	fakeregistry_answer(f, &(struct fake_answer){ .path = path,
						      .status = 206,
						      .headers = head,
						      .body = blob_data + 500000,
						      .declared = -1,
						      .len = BLOB_LEN - 500000 });
	fakeregistry_answer(f, &(struct fake_answer){ .path = path,
						      .times = 1,
						      .body = blob_data,
						      .len = BLOB_LEN,
						      .is_cut = true,
						      .cut_after = 500000 });
	client_init(&c, f, true);
	r = fetch(&c, &c.routes, BLOB_LEN, &n);
	client_done(&c);
	fakeregistry_free(f);
	return r == -EBADMSG;
}
static bool ranges_shifted(void)
{
	return range_shifted("bytes 500001-3145727/3145728") &&
	       range_shifted("bytes 500000-3145726/3145728") &&
	       range_shifted("bytes 500000-3145727/3145729") && range_shifted("x");
}
static bool too_much(void)
{
	struct error err;
	size_t n;

	return fetch_with((struct fake_answer){ .declared = -1 }, BLOB_LEN - 1, &n, &err) ==
		       -EBADMSG &&
	       n == 1 &&
	       fetch_with((struct fake_answer){ .is_chunked = true }, BLOB_LEN - 1, &n, &err) ==
		       -EBADMSG &&
	       n == 1 &&
	       fetch_with((struct fake_answer){ .is_endless = true }, BLOB_LEN, &n, &err) ==
		       -EBADMSG &&
	       n == 1;
}
static bool wrong_length(void)
{
	struct error err;
	size_t n;

	return fetch_with((struct fake_answer){ .times = 0 }, BLOB_LEN + 1, &n, &err) == -EBADMSG &&
	       n == 1 &&
	       fetch_with((struct fake_answer){ .declared = 1LL << 50 }, BLOB_LEN, &n, &err) ==
		       -EBADMSG &&
	       n == 1;
}
static bool too_little(void)
{
	struct error err;
	size_t n;

	return fetch_with((struct fake_answer){ .is_chunked = true }, BLOB_LEN + 1, &n, &err) ==
		       -EBADMSG &&
	       n <= 4;
}
static bool encoded(void)
{
	struct error err;
	size_t n;

	return fetch_with((struct fake_answer){ .headers = "Content-Encoding: gzip\r\n" }, BLOB_LEN,
			  &n, &err) == -EPROTO &&
	       n == 1;
}
static bool never_there(void)
{
	struct error err;
	size_t n;

	return fetch_with((struct fake_answer){ .status = 404, .body = "<html>", .len = 6 },
			  BLOB_LEN, &n, &err) == -ENOENT &&
	       n == 1;
}

static void test_blobs(void)
{
	fill_blob();
	CHECK(resumes, NULL);
	CHECK(range_ignored, "FAULT-19-skip");
	CHECK(ranges_shifted, "FAULT-19-range");
	CHECK(too_much, "FAULT-19-size");
	CHECK(wrong_length, "FAULT-19-length");
	CHECK(too_little, NULL);
	CHECK(encoded, "FAULT-19-encoding");
	CHECK(never_there, NULL);
}

/* A mirror breaks in the middle: the rest comes from the next place. Several at once. */
static void test_mirrors(void)
{
	struct fakeregistry *f = client_server(FAKE_PLAIN), *g = client_server(FAKE_TLS);
	struct registry_route routes[2];
	struct route_list list = { routes, 2 };
	cleanup_free char *path = NULL;
	char digest[72];
	struct client c;
	size_t n = 0;

	fakeregistry_blob(g, "a/b", blob_data, BLOB_LEN, digest);
	path = xasprintf("/v2/a/b/blobs/%s", digest);
	fakeregistry_answer(f, &(struct fake_answer){ .path = path, .status = 404 });
	fakeregistry_answer(f, &(struct fake_answer){ .path = path,
						      .times = 1,
						      .body = blob_data,
						      .len = BLOB_LEN,
						      .is_cut = true,
						      .cut_after = 300000 });
	client_init(&c, g, false);
	routes[0] = routes[1] = c.route;
	routes[0].host = (char *)fakeregistry_name(f);
	routes[0].insecure = true;
	CU_ASSERT_EQUAL(fetch(&c, &list, BLOB_LEN, &n), 1);
	CU_ASSERT_EQUAL(n, BLOB_LEN);
	CU_ASSERT_EQUAL(fakeregistry_requests(g), 1);
	CU_ASSERT_STRING_EQUAL(fakeregistry_header(fakeregistry_request(g, 0), "Range"),
			       "bytes=300000-");
	/* no place has it: what each says is told */
	fakeregistry_answer(f, &(struct fake_answer){ .path = path, .status = 403 });
	fakeregistry_answer(g, &(struct fake_answer){ .path = path, .status = 404 });
	CU_ASSERT(fetch(&c, &list, BLOB_LEN, &n) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.err.text, "; before that: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(c.err.text, fakeregistry_name(f)));
	CU_ASSERT_PTR_NOT_NULL(strstr(c.err.text, fakeregistry_name(g)));
	client_done(&c);
	fakeregistry_free(f);
	fakeregistry_free(g);
}

/* The place that a registry redirects to breaks: the registry is asked for a place again, since the
 * one it named may have been good once. */
static void test_redirected_blob(void)
{
	struct fakeregistry *f = client_server(FAKE_PLAIN), *g = client_server(FAKE_PLAIN);
	cleanup_free char *first = xasprintf("Location: http://%s/one\r\n", fakeregistry_name(g));
	cleanup_free char *second = xasprintf("Location: http://%s/two\r\n", fakeregistry_name(g));
	struct fake_answer a = { .path = "/v2/a/b/blobs/*", .status = 307, .headers = second };
	struct client c;
	size_t n = 0;

	fakeregistry_answer(f, &a);
	a.headers = first;
	a.times = 1;
	fakeregistry_answer(f, &a);
	fakeregistry_answer(g, &(struct fake_answer){ .path = "/one",
						      .times = 1,
						      .body = blob_data,
						      .len = BLOB_LEN,
						      .is_cut = true,
						      .cut_after = 300000 });
	fakeregistry_answer(
		g, &(struct fake_answer){
			   .path = "/two", .body = blob_data, .len = BLOB_LEN, .is_ranged = true });
	client_init(&c, f, true);
	CU_ASSERT_EQUAL(fetch(&c, &c.routes, BLOB_LEN, &n), 1);
	CU_ASSERT_EQUAL(n, BLOB_LEN);
	CU_ASSERT_EQUAL(fakeregistry_requests(f), 2);
	CU_ASSERT_STRING_EQUAL(fakeregistry_header(fakeregistry_request(g, 1), "Range"),
			       "bytes=300000-");
	client_done(&c);
	fakeregistry_free(f);
	fakeregistry_free(g);
}

/* Nobody reads the pipe: -EPIPE, and the next route is not troubled. */
static void test_reader_gone(void)
{
	struct fakeregistry *f = client_server(FAKE_PLAIN);
	struct registry_blob *b = NULL;
	struct blob_want want = { .size = BLOB_LEN };
	struct client c;
	char digest[72];
	int p[2], r = 0;

	fakeregistry_blob(f, "a/b", blob_data, BLOB_LEN, digest);
	client_init(&c, f, true);
	sha256_of(blob_data, BLOB_LEN, &want.digest);
	CU_ASSERT_EQUAL_FATAL(pipe2(p, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL_FATAL(registry_blob_start(c.r, &c.routes, &want, p[1], &b, &c.err), 0);
	/* the pipe fills first: its end is noticed while the transfer is paused */
	while (r == 0 && registry_blob_bytes(b) < 200000)
		r = registry_wait(c.r, NULL, 0, 100, &c.err);
	CU_ASSERT_EQUAL(registry_blob_state(b, &c.err), 0);
	(void)close(p[0]);
	while (r == 0)
		r = registry_wait(c.r, NULL, 0, 1000, &c.err) < 0 ? -1
								  : registry_blob_state(b, &c.err);
	CU_ASSERT_EQUAL(r, -EPIPE);
	CU_ASSERT_EQUAL(fakeregistry_requests(f), 1);
	registry_blob_free(b);
	(void)close(p[1]);
	client_done(&c);
	fakeregistry_free(f);
}

/* ---- REG-8: other bytes than the digest says ------------------------------------------------------- */

/* Asks for the blob "config" as one of size bytes; at most 100 are taken. */
static int get_config(struct client *c, uint64_t size, char **ret)
{
	struct blob_want want = { .size = size };

	sha256_of("config", 6, &want.digest);
	return registry_get_blob(c->r, &c->route, &want, 100, ret, &c->err);
}

static bool digest_lies(void)
{
	struct fakeregistry *f = client_server(FAKE_PLAIN);
	struct registry_manifest m = { 0 };
	struct client c;
	char digest[72], *text = NULL;
	cleanup_free char *path = NULL;
	bool ok;

	fakeregistry_manifest(f, "a/b", NULL, TYPE, "{\"a\":1}", digest);
	path = xasprintf("/v2/a/b/manifests/%s", digest);
	fakeregistry_answer(f, &(struct fake_answer){ .path = path, .body = "{\"a\":2}" });
	fakeregistry_answer(
		f, &(struct fake_answer){
			   .path = MANIFEST,
			   .body = "{}",
			   .headers = "Docker-Content-Digest: sha256:44136fa355b3678a1146"
				      "ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8b\r\n" });
	client_init(&c, f, true);
	ok = registry_get_manifest(c.r, &c.route, digest, &m, &c.err) == -EBADMSG &&
	     client_says(&c, "another digest");
	registry_manifest_done(&m);
	ok = get(&c) == -EBADMSG && ok;
	fakeregistry_blob(f, "a/b", "config", 6, digest);
	free(path);
	path = xasprintf("/v2/a/b/blobs/%s", digest);
	ok = get_config(&c, 6, &text) == 0 && ok;
	free(text);
	text = NULL;
	fakeregistry_answer(f, &(struct fake_answer){ .path = path, .body = "cOnfig" });
	ok = get_config(&c, 6, &text) == -EBADMSG && ok;
	ok = get_config(&c, 5, &text) == -EBADMSG && ok;
	ok = get_config(&c, 7, &text) == -EBADMSG && ok;
	ok = get_config(&c, 101, &text) == -E2BIG && ok;
	client_done(&c);
	fakeregistry_free(f);
	return ok;
}

/* REG-6: what is no tag and no digest never gets into a request. */
static bool refs_are_checked(void)
{
	static const char *const refs[] = {
		"",
		"../x",
		"a/b",
		"a?b",
		"a#b",
		"a b",
		"a%2fb",
		".a",
		"sha256:00",
		"sha512:aa",
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeF",
		"sha256:../../../x",
		"t\r\nX: y",
		"a:b",
	};
	struct fakeregistry *f = client_server(FAKE_PLAIN);
	struct registry_manifest m = { 0 };
	struct client c;
	bool ok = true;

	client_init(&c, f, true);
	for (size_t i = 0; i < ARRAY_SIZE(refs); i++)
		ok = registry_get_manifest(c.r, &c.route, refs[i], &m, &c.err) == -EINVAL && ok;
	c.route.path = (char *)"../x";
	ok = get(&c) == -EINVAL && ok;
	c.route.path = (char *)"a/b?x";
	ok = get(&c) == -EINVAL && ok;
	ok = fakeregistry_requests(f) == 0 && ok;
	client_done(&c);
	fakeregistry_free(f);
	return ok;
}

static void test_lies(void)
{
	CHECK(digest_lies, "REG-8");
	CHECK(refs_are_checked, NULL);
}

/* ---- tags and uploads --------------------------------------------------------------------------------- */

static void test_tags(void)
{
	struct fakeregistry *f = client_server(FAKE_PLAIN);
	struct strlist tags = { 0 };
	struct client c;

	fakeregistry_answer(
		f, &(struct fake_answer){
			   .path = "/v2/a/b/tags/list?n=1000",
			   .body = "{\"tags\":[\"a\"]}",
			   .headers = "Link: </v2/a/b/tags/list?n=1&last=a>; rel=\"next\"\r\n" });
	fakeregistry_answer(f, &(struct fake_answer){ .path = "/v2/a/b/tags/list?n=1&last=a",
						      .body = "{\"tags\":[\"b\",\"c\"]}" });
	client_init(&c, f, true);
	CU_ASSERT_EQUAL(registry_list_tags(c.r, &c.route, &tags, &c.err), 0);
	CU_ASSERT_EQUAL(tags.n, 3);
	strlist_done(&tags);
	/* for ever the same page, another host, a tag that is none */
	fakeregistry_answer(f,
			    &(struct fake_answer){
				    .path = "/v2/a/b/tags/list*",
				    .body = "{\"tags\":[\"a\"]}",
				    .headers = "Link: </v2/a/b/tags/list?n=1>; rel=\"next\"\r\n" });
	CU_ASSERT_EQUAL(registry_list_tags(c.r, &c.route, &tags, &c.err), -E2BIG);
	fakeregistry_answer(f,
			    &(struct fake_answer){
				    .path = "/v2/a/b/tags/list*",
				    .body = "{\"tags\":[\"a\"]}",
				    .headers = "Link: <http://127.0.0.2:1/x>; rel=\"next\"\r\n" });
	CU_ASSERT_EQUAL(registry_list_tags(c.r, &c.route, &tags, &c.err), -EPROTO);
	fakeregistry_answer(f, &(struct fake_answer){ .path = "/v2/a/b/tags/list*",
						      .body = "{\"tags\":[\"a\\u001b\"]}" });
	CU_ASSERT_EQUAL(registry_list_tags(c.r, &c.route, &tags, &c.err), -EBADMSG);
	CU_ASSERT_EQUAL(tags.n, 0);
	client_done(&c);
	fakeregistry_free(f);
}

/* The bytes arrive; the session's second address is used; a foreign one gets no credentials. */
static void test_upload(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS), *g = client_server(FAKE_TLS);
	struct credentials alice = { .user = (char *)"alice", .password = (char *)PASSWORD };
	cleanup_free char *away =
		xasprintf("Location: https://%s/up?s=1\r\n", fakeregistry_name(g));
	const struct fake_request *q;
	struct digest d, want;
	struct client c;
	uint64_t size = 0;
	int p[2];

	fakeregistry_login(f, BASIC, "Basic realm=\"x\"");
	fakeregistry_answer(f, &(struct fake_answer){ .method = "POST",
						      .path = "/v2/a/b/blobs/uploads/",
						      .status = 202,
						      .headers = away });
	fakeregistry_answer(g, &(struct fake_answer){ .method = "PATCH",
						      .path = "/up?s=1",
						      .status = 202,
						      .headers = "Location: /up?s=2\r\n" });
	fakeregistry_answer(g, &(struct fake_answer){ .method = "PUT",
						      .path = "/up?s=2&digest=*",
						      .status = 201 });
	client_init_with(&c, f, false, &alice);
	CU_ASSERT_EQUAL_FATAL(pipe2(p, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(write(p[1], "hello", 5), 5);
	(void)close(p[1]);
	CU_ASSERT_EQUAL(registry_upload(c.r, &c.route, &(struct upload_source){ .infd = p[0] }, &d,
					&size, &c.err),
			0);
	(void)close(p[0]);
	sha256_of("hello", 5, &want);
	CU_ASSERT_TRUE(is_digest_equal(&d, &want));
	CU_ASSERT_EQUAL(size, 5);
	CU_ASSERT_EQUAL(fakeregistry_requests(g), 2);
	CU_ASSERT_FALSE(fakeregistry_saw(g, NULL));
	q = fakeregistry_request(g, 0);
	CU_ASSERT_TRUE(q && q->body_len == 5 && memcmp(q->body, "hello", 5) == 0);
	client_done(&c);
	fakeregistry_free(f);
	fakeregistry_free(g);
}

static CU_TestInfo tests[] = { { "row 17: stalls", test_stalls },
			       { "row 18: noise", test_noise },
			       { "row 19: blobs", test_blobs },
			       { "mirrors", test_mirrors },
			       { "a redirected blob", test_redirected_blob },
			       { "a reader that is gone", test_reader_gone },
			       { "REG-6 REG-8 lies", test_lies },
			       { "tags", test_tags },
			       { "uploads", test_upload },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "regfaults", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
