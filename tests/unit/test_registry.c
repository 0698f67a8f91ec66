/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_registry - the registry client and those who want credentials, certificates and redirects:
 * REG-1 to REG-4. Rows 17 to 19 are in test_regfaults.c.
 *
 * Theory of operation: servers are tests/support/fakeregistry.h in this process, clients and the
 * twins of tests/support/regclient.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/str.h"
#include "engine/image/http.h"
#include "engine/image/registry.h"
#include "tests/support/cunit_main.h"
#include "tests/support/fakeregistry.h"
#include "tests/support/regclient.h"

static struct credentials alice = { .user = (char *)"alice", .password = (char *)PASSWORD };

/* GET of the manifest "t" of a server. */
static int get(struct client *c)
{
	struct registry_manifest m = { 0 };
	int r = registry_get_manifest(c->r, &c->route, "t", &m, &c->err);

	registry_manifest_done(&m);
	return r;
}

static void answer(struct fakeregistry *f, const char *path, int status, const char *headers)
{
	fakeregistry_answer(
		f, &(struct fake_answer){
			   .path = path, .status = status, .headers = headers, .body = "{}" });
}

/* ---- REG-1: TLS, and nothing else ----------------------------------------------------------- */

static bool refuses_certificate(enum fake_kind kind)
{
	struct fakeregistry *f = client_server(kind);
	struct client c;
	int r;

	client_init_with(&c, f, false, &alice);
	r = get(&c);
	r = r < 0 && c.err.code == EPROTO && fakeregistry_requests(f) == 0;
	client_done(&c);
	fakeregistry_free(f);
	return r;
}
static bool refuses_stranger(void)
{
	return refuses_certificate(FAKE_TLS_STRANGER);
}
static bool refuses_wrong_name(void)
{
	return refuses_certificate(FAKE_TLS_WRONG_NAME);
}
static bool refuses_expired(void)
{
	return refuses_certificate(FAKE_TLS_EXPIRED);
}
static bool refuses_plain(void)
{
	return refuses_certificate(FAKE_PLAIN);
}

/* A secure registry whose answer leads to another server of a kind. how: 0 redirect, 1 token. */
static bool leads_to(enum fake_kind kind, const char *scheme, int how)
{
	struct fakeregistry *f = client_server(FAKE_TLS), *g = client_server(kind);
	cleanup_free char *to =
		xasprintf("Location: %s://%s/v2/a/b/manifests/t\r\n", scheme, fakeregistry_name(g));
	cleanup_free char *realm =
		xasprintf("Bearer realm=\"%s://%s/token\"", scheme, fakeregistry_name(g));
	struct client c;
	int r;

	if (how == 0)
		answer(f, "/v2/a/b/manifests/t", 307, to);
	else
		fakeregistry_login(f, "Bearer x", realm);
	client_init_with(&c, f, false, &alice);
	r = get(&c) < 0 && fakeregistry_requests(g) == 0;
	client_done(&c);
	fakeregistry_free(f);
	fakeregistry_free(g);
	return r;
}
static bool redirect_to_stranger(void)
{
	return leads_to(FAKE_TLS_STRANGER, "https", 0);
}
static bool redirect_to_plain(void)
{
	return leads_to(FAKE_PLAIN, "http", 0);
}
static bool token_of_stranger(void)
{
	return leads_to(FAKE_TLS_EXPIRED, "https", 1);
}
static bool token_of_plain(void)
{
	return leads_to(FAKE_PLAIN, "http", 1);
}

static void test_tls(void)
{
	CHECK(refuses_stranger, "REG-1");
	CHECK(refuses_wrong_name, "REG-1");
	CHECK(refuses_expired, "REG-1");
	CHECK(refuses_plain, "REG-1-plain");
	CHECK(redirect_to_stranger, "REG-1");
	CHECK(redirect_to_plain, "REG-1-plain");
	CHECK(token_of_stranger, "REG-1");
	CHECK(token_of_plain, "REG-1-plain");
}

/* What must work: TLS with the test's CA, an insecure one over TLS and plain, keeping one
 * connection. */
static void test_good(void)
{
	static const struct {
		enum fake_kind kind;
		bool insecure;
	} cases[] = { { FAKE_TLS, false },
		      { FAKE_TLS, true },
		      { FAKE_TLS_STRANGER, true },
		      { FAKE_TLS_WRONG_NAME, true },
		      { FAKE_PLAIN, true } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fakeregistry *f = client_server(cases[i].kind);
		struct client c;

		client_init(&c, f, cases[i].insecure);
		CU_ASSERT_EQUAL(get(&c), 0);
		CU_ASSERT_EQUAL(get(&c), 0);
		CU_ASSERT_EQUAL(fakeregistry_requests(f), 2);
		CU_ASSERT_FALSE(fakeregistry_saw(f, NULL));
		CU_ASSERT_PTR_NULL(
			fakeregistry_header(fakeregistry_request(f, 0), "Accept-Encoding"));
		CU_ASSERT_PTR_NULL(fakeregistry_header(fakeregistry_request(f, 0), "Cookie"));
		client_done(&c);
		fakeregistry_free(f);
	}
}

/* ---- REG-2, REG-3: credentials stay where they belong ------------------------------------------ */

/* A registry with Basic redirects to another one that asks for a login as well. */
static bool keeps_from(const char *challenge)
{
	struct fakeregistry *f = client_server(FAKE_TLS), *g = client_server(FAKE_TLS);
	cleanup_free char *to = xasprintf("Location: https://%s/x\r\n", fakeregistry_name(g));
	struct client c;
	bool ok;

	fakeregistry_login(f, BASIC, "Basic realm=\"x\"");
	fakeregistry_login(g, BASIC, challenge);
	answer(g, "/x", 200, NULL);
	answer(f, "/v2/a/b/manifests/t", 307, to);
	client_init_with(&c, f, false, &alice);
	ok = get(&c) == -EACCES && fakeregistry_saw(f, BASIC) && fakeregistry_requests(g) == 1 &&
	     !fakeregistry_saw(g, NULL) && !strstr(c.err.text, PASSWORD);
	client_done(&c);
	fakeregistry_free(f);
	fakeregistry_free(g);
	return ok;
}
static bool other_host_basic(void)
{
	return keeps_from("Basic realm=\"x\"");
}
/* The registry itself wants no login; the place it leads to names a token server of its own. */
static bool other_host_first(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS), *g = client_server(FAKE_TLS);
	cleanup_free char *to = xasprintf("Location: https://%s/x\r\n", fakeregistry_name(g));
	cleanup_free char *challenge =
		xasprintf("Bearer realm=\"https://%s/token\"", fakeregistry_name(g));
	struct client c;
	bool ok;

	fakeregistry_login(g, "Bearer tok", challenge);
	fakeregistry_answer(g, &(struct fake_answer){ .path = "/token*",
						      .is_open = true,
						      .body = "{\"token\":\"tok\"}" });
	answer(f, "/v2/a/b/manifests/t", 307, to);
	client_init_with(&c, f, false, &alice);
	ok = get(&c) == -EACCES && fakeregistry_requests(g) == 1 && !fakeregistry_saw(g, NULL);
	client_done(&c);
	fakeregistry_free(f);
	fakeregistry_free(g);
	return ok;
}
static bool other_host_bearer(void)
{
	return keeps_from("Bearer realm=\"https://127.0.0.1:1/token\"");
}

/* Redirected away and back again: the second time without credentials. */
static bool there_and_back(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS), *g = client_server(FAKE_TLS);
	cleanup_free char *away = xasprintf("Location: https://%s/x\r\n", fakeregistry_name(g));
	cleanup_free char *back = xasprintf("Location: https://%s/y\r\n", fakeregistry_name(f));
	struct client c;
	bool ok;

	fakeregistry_login(f, BASIC, "Basic realm=\"x\"");
	answer(f, "/v2/a/b/manifests/t", 302, away);
	fakeregistry_answer(f,
			    &(struct fake_answer){ .path = "/y", .body = "{}", .is_open = true });
	answer(g, "/x", 302, back);
	client_init_with(&c, f, false, &alice);
	ok = get(&c) == 0 && fakeregistry_requests(f) == 3 && !fakeregistry_saw(g, NULL) &&
	     !fakeregistry_header(fakeregistry_request(f, 2), "Authorization");
	client_done(&c);
	fakeregistry_free(f);
	fakeregistry_free(g);
	return ok;
}

/* A redirect on the same registry keeps them. */
static bool same_origin(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS);
	struct client c;
	bool ok;

	fakeregistry_login(f, BASIC, "Basic realm=\"x\"");
	answer(f, "/v2/a/b/manifests/t", 302, "Location: ../other?a=b\r\n");
	answer(f, "/v2/a/b/manifests/../other?a=b", 200, NULL);
	answer(f, "/v2/a/b/other?a=b", 200, NULL);
	client_init_with(&c, f, false, &alice);
	ok = get(&c) == 0 && fakeregistry_requests(f) == 3;
	client_done(&c);
	fakeregistry_free(f);
	return ok;
}

static bool bad_places(void)
{
	static const char *const places[] = {
		"file:///etc/passwd",
		"ftp://127.0.0.1/x",
		"gopher://127.0.0.1/",
		"dict://127.0.0.1/",
		"https://alice:pw@127.0.0.1/x",
		"http://127.0.0.2:1/x",
		"",
		"https://",
		"\x01",
	};
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct fakeregistry *f = client_server(FAKE_TLS);
		cleanup_free char *to = xasprintf("Location: %s\r\n", places[i]);
		struct client c;

		answer(f, "/v2/a/b/manifests/t", 307, to);
		client_init(&c, f, false);
		if (get(&c) != -EPROTO || !client_says(&c, "'a/b'")) {
			printf("'%s': %s\n", places[i], c.err.text);
			ok = false;
		}
		client_done(&c);
		fakeregistry_free(f);
	}
	return ok;
}

/* An insecure registry does not make another host insecure. */
static bool insecure_ends_there(void)
{
	struct fakeregistry *f = client_server(FAKE_PLAIN),
			    *g = fakeregistry_new(FAKE_PLAIN, "127.0.0.2");
	cleanup_free char *to = xasprintf("Location: http://%s/x\r\n", fakeregistry_name(g));
	struct client c;
	bool ok;

	answer(f, "/v2/a/b/manifests/t", 307, to);
	answer(g, "/x", 200, NULL);
	client_init(&c, f, true);
	ok = get(&c) < 0 && fakeregistry_requests(g) == 0;
	client_done(&c);
	fakeregistry_free(f);
	fakeregistry_free(g);
	return ok;
}

static void test_redirects(void)
{
	CHECK(other_host_basic, "REG-3");
	CHECK(other_host_first, "REG-2");
	CHECK(other_host_bearer, "REG-3");
	CHECK(there_and_back, "REG-3");
	CHECK(same_origin, NULL);
	CHECK(bad_places, NULL);
	CHECK(insecure_ends_there, "REG-1-redirect");
}

/* One request to its end. */
static void request(struct http *h, const struct http_request *q, int *ret, struct error *err)
{
	struct http_transfer *t = NULL;
	int r = http_start(h, q, &t, err);

	while (r == 0 && !is_http_done(t) && http_wait(h, NULL, 0, 1000, err) == 0)
		;
	*ret = r < 0 ? r : (int)http_result(t, err);
	http_transfer_free(t);
}

/* A redirect into the local network, at the level where sockets are made. is_known: somebody who may
 * was there before, and his connection is still open. */
static bool near_is_refused(const char *host, bool is_known)
{
	static const struct http_handler nothing = { NULL, NULL, NULL };
	struct fakeregistry *f = client_server(FAKE_PLAIN);
	cleanup_free char *text = xasprintf("http://%s%s/v2/a/b/manifests/t", host,
					    strchr(fakeregistry_name(f), ':'));
	cleanup_url struct url u = { 0 };
	struct error err = { .code = 0 };
	struct http *h = NULL;
	struct http_request q = { .method = "GET",
				  .url = &u,
				  .allow_plain = true,
				  .refuse_private = true,
				  .pause_fd = -1,
				  .handler = &nothing,
				  .limits = { 1000, 1, 10 } };
	struct http_request before = q;
	bool ok = false;
	int r;

	before.refuse_private = false;
	if (url_parse(text, &u, &err) == 0 && http_new(&h, &err) == 0) {
		r = HTTP_FINE;
		if (is_known)
			request(h, &before, &r, &err);
		ok = r == HTTP_FINE;
		request(h, &q, &r, &err);
		ok = ok && (r < 0 || r == HTTP_PROTOCOL) && strstr(err.text, "private network") &&
		     fakeregistry_requests(f) == is_known;
	}
	http_free(h);
	fakeregistry_free(f);
	return ok;
}
static bool near_by_address(void)
{
	return near_is_refused("127.0.0.1", false);
}
/* With the look at the name weakened: the socket is looked at. */
static bool near_by_socket(void)
{
	bool ok;

	(void)setenv("PODIUM_WEAKEN", "REG-3-name", getenv("PODIUM_WEAKEN") != NULL ? 0 : 1);
	ok = near_is_refused("localhost", false);
	(void)unsetenv("PODIUM_WEAKEN");
	return ok;
}

/* No socket is made where one is open already. */
static bool near_by_connection(void)
{
	bool ok;

	(void)setenv("PODIUM_WEAKEN", "REG-3-name", getenv("PODIUM_WEAKEN") != NULL ? 0 : 1);
	ok = near_is_refused("localhost", true);
	(void)unsetenv("PODIUM_WEAKEN");
	return ok;
}

/* A proxy does not help a host that no_proxy takes from it. */
static bool near_past_the_proxy(void)
{
	bool ok;

	(void)setenv("PODIUM_WEAKEN", "REG-3-name", getenv("PODIUM_WEAKEN") != NULL ? 0 : 1);
	(void)setenv("http_proxy", "http://127.0.0.1:1", 1);
	(void)setenv("no_proxy", "example.com, .localhost", 1);
	ok = near_is_refused("metadata.localhost", false);
	(void)unsetenv("http_proxy");
	(void)unsetenv("no_proxy");
	(void)unsetenv("PODIUM_WEAKEN");
	return ok;
}

static void test_near(void)
{
	CHECK(near_by_address, "REG-3-near");
	CHECK(near_by_socket, "REG-3-near");
	CHECK(near_by_connection, "REG-3-near");
	CHECK(near_past_the_proxy, "REG-3-near");
}

/* ---- REG-4: the realm ---------------------------------------------------------------------------- */

/* Registry f with Bearer; its realm is at g. *saw: the password came to g. */
static int ask_with_realm(struct fakeregistry *f, struct fakeregistry *g, const char *scheme,
			  bool insecure, const char *tail, bool *saw)
{
	cleanup_free char *challenge = xasprintf(
		"Bearer realm=\"%s://%s/token%s\",service=\"a, b\",scope=\"x:y/z:pull q\"", scheme,
		fakeregistry_name(g), tail);
	struct client c;
	int r;

	fakeregistry_login(f, "Bearer tok", challenge);
	fakeregistry_answer(g, &(struct fake_answer){ .path = "/token*",
						      .is_open = true,
						      .body = "{\"token\":\"tok\"}" });
	client_init_with(&c, f, insecure, &alice);
	r = get(&c);
	*saw = fakeregistry_saw(g, NULL);
	client_done(&c);
	return r;
}

static bool realm_of_other_host(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS),
			    *g = fakeregistry_new(FAKE_TLS, "127.0.0.2");
	bool saw = false;
	int r = ask_with_realm(f, g, "https", false, "", &saw);

	fakeregistry_free(f);
	fakeregistry_free(g);
	/* an anonymous token is fine */
	return r == 0 && !saw;
}

/* A login that the registry answers with a token for everybody is none. */
static bool login_of_other_host(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS),
			    *g = fakeregistry_new(FAKE_TLS, "127.0.0.2");
	cleanup_free char *challenge =
		xasprintf("Bearer realm=\"https://%s/token\"", fakeregistry_name(g));
	struct client c;
	int r;

	fakeregistry_login(f, "Bearer tok", challenge);
	fakeregistry_answer(g, &(struct fake_answer){ .path = "/token*",
						      .is_open = true,
						      .body = "{\"token\":\"tok\"}" });
	fakeregistry_answer(f, &(struct fake_answer){ .path = "/v2/", .body = "{}" });
	client_init_with(&c, f, false, &alice);
	r = registry_check_login(c.r, &c.route, &c.err);
	client_done(&c);
	fakeregistry_free(f);
	fakeregistry_free(g);
	return r == -EPROTO;
}

static void test_realms(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS), *g = client_server(FAKE_TLS);
	const struct fake_request *q;
	bool saw = false;

	CHECK(realm_of_other_host, "REG-4");
	CHECK(login_of_other_host, "REG-4-login");
	/* same host, another port: the password goes there, the texts arrive encoded */
	CU_ASSERT_EQUAL(ask_with_realm(f, g, "https", false, "?n=1", &saw), 0);
	CU_ASSERT_TRUE(saw);
	q = fakeregistry_request(g, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(q);
	CU_ASSERT_STRING_EQUAL(q->target, "/token?n=1&service=a%2C%20b&scope=x:y/z:pull&scope=q&"
					  "account=alice");
	fakeregistry_free(f);
	fakeregistry_free(g);
	/* an insecure registry's own host may be plain */
	f = client_server(FAKE_PLAIN);
	CU_ASSERT_EQUAL(ask_with_realm(f, f, "http", true, "", &saw), 0);
	CU_ASSERT_TRUE(saw);
	fakeregistry_free(f);
}

/* One token serves the repository; a refused one is renewed once. */
static void test_tokens(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS);
	cleanup_free char *challenge =
		xasprintf("Bearer realm=\"https://%s/token\"", fakeregistry_name(f));
	struct client c;

	fakeregistry_login(f, "Bearer one", challenge);
	fakeregistry_answer(f, &(struct fake_answer){ .path = "/token*",
						      .is_open = true,
						      .body = "{\"access_token\":\"one\"}" });
	client_init(&c, f, false);
	CU_ASSERT_EQUAL(get(&c), 0);
	CU_ASSERT_EQUAL(get(&c), 0);
	CU_ASSERT_EQUAL(fakeregistry_count(f, "GET", "/token?scope=repository:a/b:pull"), 1);
	CU_ASSERT_EQUAL(fakeregistry_requests(f), 4);
	fakeregistry_login(f, "Bearer two", challenge);
	fakeregistry_answer(f, &(struct fake_answer){ .path = "/token*",
						      .is_open = true,
						      .body = "{\"token\":\"two\"}" });
	CU_ASSERT_EQUAL(get(&c), 0);
	CU_ASSERT_EQUAL(fakeregistry_count(f, "GET", "/token"), 2);
	client_done(&c);
	fakeregistry_free(f);
}

/* A refresh token is posted, to the realm alone. */
static void test_identity_token(void)
{
	struct credentials id = { .user = (char *)"<token>", .identity_token = (char *)"re/fresh" };
	struct fakeregistry *f = client_server(FAKE_TLS);
	cleanup_free char *challenge =
		xasprintf("Bearer realm=\"https://%s/token\",service=\"s\"", fakeregistry_name(f));
	struct client c;

	fakeregistry_login(f, "Bearer one", challenge);
	fakeregistry_answer(f, &(struct fake_answer){ .path = "/token",
						      .is_open = true,
						      .method = "POST",
						      .body = "{\"access_token\":\"one\"}" });
	client_init_with(&c, f, false, &id);
	CU_ASSERT_EQUAL(get(&c), 0);
	CU_ASSERT_EQUAL(fakeregistry_count(f, "POST", "/token"), 1);
	CU_ASSERT_TRUE(fakeregistry_saw(f, "grant_type=refresh_token&client_id=podium&service=s&"
					   "scope=repository:a/b:pull&refresh_token=re/fresh"));
	client_done(&c);
	fakeregistry_free(f);
}

/* ---- certs.d, proxies, words ------------------------------------------------------------------------ */

static int get_with_dir(const struct fakeregistry *f, const char *dir, struct error *err)
{
	static const struct registry_limits limits = { .backoff_ms = 1 };
	struct registry_options o = { .cert_dir = dir, .tls_verify = -1, .limits = &limits };
	struct registry_route route = { (char *)fakeregistry_name(f), (char *)fakeregistry_name(f),
					(char *)"a/b", false, false };
	struct registry_manifest m = { 0 };
	cleanup_registry struct registry *r = NULL;
	int rc = registry_new(&o, &r, err);

	if (rc == 0)
		rc = registry_get_manifest(r, &route, "t", &m, err);
	registry_manifest_done(&m);
	return rc;
}

static void write_file(const char *dir, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	cleanup_fclose FILE *f = fopen(path, "we");

	CU_ASSERT_PTR_NOT_NULL(f);
}

/* A client's pair opens what asks for one; half a pair, or a directory that is not there, is an
 * error; the directory of the user's configuration is found by the host's name. */
static void test_certs(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS_CLIENT), *g = client_server(FAKE_TLS);
	char home[] = "/tmp/podium-home.XXXXXX";
	cleanup_free char *conf = NULL, *dir = NULL, *link = NULL;
	struct error err = { .code = 0 };

	CU_ASSERT_EQUAL(get_with_dir(f, fakeregistry_cert_dir(), &err) < 0, true);
	CU_ASSERT_EQUAL(fakeregistry_requests(f), 0);
	CU_ASSERT_EQUAL(get_with_dir(f, fakeregistry_client_dir(), &err), 0);
	CU_ASSERT_EQUAL(get_with_dir(g, "/nowhere", &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(home));
	write_file(home, "a.cert");
	CU_ASSERT_EQUAL(get_with_dir(g, home, &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'a.key'"));
	dir = xasprintf("%s/a.cert", home);
	(void)unlink(dir);
	conf = xasprintf("%s/containers", home);
	free(dir);
	dir = xasprintf("%s/containers/certs.d", home);
	link = xasprintf("%s/%s", dir, fakeregistry_name(g));
	CU_ASSERT_TRUE(mkdir(conf, 0700) == 0 && mkdir(dir, 0700) == 0 &&
		       symlink(fakeregistry_cert_dir(), link) == 0);
	CU_ASSERT_EQUAL(get_with_dir(g, NULL, &err) < 0, true);
	(void)setenv("XDG_CONFIG_HOME", home, 1);
	CU_ASSERT_EQUAL(get_with_dir(g, NULL, &err), 0);
	(void)unsetenv("XDG_CONFIG_HOME");
	(void)unlink(link);
	(void)rmdir(dir);
	(void)rmdir(conf);
	(void)rmdir(home);
	fakeregistry_free(f);
	fakeregistry_free(g);
}

/* The environment's proxy is used, by either spelling, and never for loopback. */
static void test_proxy(void)
{
	struct fakeregistry *f = client_server(FAKE_PLAIN);
	cleanup_free char *proxy = xasprintf("http://%s", fakeregistry_name(f));
	static const char *const names[] = { "http_proxy", "HTTP_PROXY", "all_proxy" };
	struct client c;

	answer(f, "http://registry.invalid/v2/a/b/manifests/t", 200, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)setenv(names[i], proxy, 1);
		client_init(&c, f, true);
		c.route.host = (char *)"registry.invalid";
		CU_ASSERT_EQUAL(get(&c), 0);
		client_done(&c);
		CU_ASSERT_EQUAL(fakeregistry_count(f, "GET", "http://"), i + 1);
		(void)setenv(names[i], "http://127.0.0.1:1", 1);
		client_init(&c, f, true);
		CU_ASSERT_EQUAL(get(&c), 0);
		client_done(&c);
		(void)unsetenv(names[i]);
	}
	fakeregistry_free(f);
}

/* What people read when it does not work, and no password in it. */
static void test_words(void)
{
	struct fakeregistry *f = client_server(FAKE_TLS),
			    *g = fakeregistry_new(FAKE_TLS, "127.0.0.2");
	cleanup_free char *challenge =
		xasprintf("Bearer realm=\"https://%s/token\"", fakeregistry_name(g));
	struct client c;

	fakeregistry_login(f, "Basic x", "Basic realm=\"x\"");
	client_init(&c, f, false);
	CU_ASSERT_EQUAL(get(&c), -EACCES);
	CU_ASSERT_TRUE(client_says(&c, "podium login 127.0.0.1:"));
	client_done(&c);
	client_init_with(&c, f, false, &alice);
	CU_ASSERT_EQUAL(get(&c), -EACCES);
	CU_ASSERT_TRUE(client_says(&c, "may be wrong"));
	client_done(&c);
	fakeregistry_login(f, "Bearer x", challenge);
	fakeregistry_answer(g, &(struct fake_answer){ .path = "/token*", .status = 401 });
	client_init_with(&c, f, false, &alice);
	CU_ASSERT_EQUAL(get(&c), -EACCES);
	CU_ASSERT_TRUE(client_says(&c, "in another domain"));
	CU_ASSERT_PTR_NULL(strstr(c.err.text, PASSWORD));
	client_done(&c);
	/* a login that cannot be checked is none, though an anonymous token opens the door */
	fakeregistry_answer(
		g, &(struct fake_answer){ .path = "/token*", .body = "{\"token\":\"x\"}" });
	answer(f, "/v2/", 200, NULL);
	client_init_with(&c, f, false, &alice);
	CU_ASSERT_EQUAL(registry_check_login(c.r, &c.route, &c.err), -EPROTO);
	CU_ASSERT_TRUE(client_says(&c, "in another domain"));
	client_done(&c);
	fakeregistry_login(f, "Bearer x", "Bearer realm=\"/token\"");
	client_init(&c, f, false);
	CU_ASSERT_EQUAL(get(&c), -EPROTO);
	CU_ASSERT_TRUE(client_says(&c, "realm"));
	client_done(&c);
	fakeregistry_free(g);
	g = client_server(FAKE_TLS_STRANGER);
	client_init(&c, g, false);
	CU_ASSERT_EQUAL(get(&c), -EPROTO);
	CU_ASSERT_TRUE(client_says(&c, "--cert-dir"));
	client_done(&c);
	fakeregistry_free(g);
	g = client_server(FAKE_PLAIN);
	client_init(&c, g, false);
	CU_ASSERT_EQUAL(get(&c), -EPROTO);
	CU_ASSERT_TRUE(client_says(&c, "--tls-verify=false"));
	client_done(&c);
	fakeregistry_free(g);
	fakeregistry_free(f);
}

static CU_TestInfo tests[] = { { "what must work", test_good },
			       { "REG-1 TLS and nothing else", test_tls },
			       { "REG-2 REG-3 redirects", test_redirects },
			       { "REG-3 local network", test_near },
			       { "REG-4 realms", test_realms },
			       { "tokens", test_tokens },
			       { "identity token", test_identity_token },
			       { "certs.d", test_certs },
			       { "proxies", test_proxy },
			       { "words", test_words },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "registry", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
