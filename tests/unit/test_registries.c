/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_registries - registries.conf: short names, prefixes, mirrors, drop-ins, and what is refused.
 *
 * Theory of operation: each test writes files into a directory of its own and asks. What comes out
 * is compared as one line of text: candidates separated by blanks; routes as
 * "host[auth]/path", with "+i" where insecure and "+m" where it is a mirror.
 */
#include "engine/image/registries.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct fixture {
	char *dir;
	int fd;
	char *file, *dropins[2], *aliases;
};

static void setup(struct fixture *f)
{
	f->dir = temp_make();
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(mkdirat(f->fd, "a.d", 0755), 0);
	CU_ASSERT_EQUAL_FATAL(mkdirat(f->fd, "b.d", 0755), 0);
	f->file = xasprintf("%s/registries.conf", f->dir);
	f->dropins[0] = xasprintf("%s/a.d", f->dir);
	f->dropins[1] = xasprintf("%s/b.d", f->dir);
	f->aliases = xasprintf("%s/aliases", f->dir);
}

static void teardown(struct fixture *f)
{
	temp_remove(f->dir);
	(void)close(f->fd);
	free(f->file);
	free(f->dropins[0]);
	free(f->dropins[1]);
	free(f->aliases);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	struct error err;

	CU_ASSERT_EQUAL_FATAL(
		fs_write_atomic(f->fd, name, text, strlen(text), 0644, FS_NOSYNC, &err), 0);
}

static int load(const struct fixture *f, struct registries **ret, struct error *err)
{
	return registries_load_from(
		&(struct registries_paths){ .file = f->file,
					    .dropin_dirs = { f->dropins[0], f->dropins[1] },
					    .aliases = f->aliases },
		ret, err);
}

static char *show_candidates(const struct registries *r, const char *name)
{
	cleanup_strlist struct strlist l = { .n = 0 };
	cleanup_buf struct buf b = BUF_INIT(10000);
	struct error err = { .code = 0 };
	struct reference ref;

	if (reference_parse(name, &ref, &err) < 0 || registries_candidates(r, &ref, &l, &err) < 0)
		return xasprintf("error %d", err.code);
	for (size_t i = 0; i < l.n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", l.v[i]);
	return buf_steal(&b);
}

static char *show_routes(const struct registries *r, const char *name, bool for_push)
{
	cleanup_routes struct route_list l = { .n = 0 };
	cleanup_buf struct buf b = BUF_INIT(10000);
	struct error err = { .code = 0 };
	struct reference ref;

	if (reference_parse(name, &ref, &err) < 0 ||
	    registries_routes(r, &ref, for_push, &l, &err) < 0)
		return xasprintf("error %d", err.code);
	for (size_t i = 0; i < l.n; i++) {
		buf_printf(&b, "%s%s", i ? " " : "", l.v[i].host);
		if (strcmp(l.v[i].host, l.v[i].auth) != 0)
			buf_printf(&b, "[%s]", l.v[i].auth);
		buf_printf(&b, "/%s%s%s", l.v[i].path, l.v[i].insecure ? "+i" : "",
			   l.v[i].is_mirror ? "+m" : "");
	}
	return buf_steal(&b);
}

/* Compares what show_x() made, which it frees. */
static void check(char *shown, const char *what, const char *expected)
{
	if (!is_equal(shown, expected)) {
		printf("\n  %s gives '%s', not '%s'\n", what, shown, expected);
		CU_FAIL("another meaning");
	}
	free(shown);
}
#define CANDIDATES(r, name, expected)  check(show_candidates(r, name), name, expected)
#define ROUTES(r, name, expected)      check(show_routes(r, name, false), name, expected)
#define PUSH_ROUTES(r, name, expected) check(show_routes(r, name, true), name, expected)

/* Loads one text; the caller frees. */
static struct registries *load_text(const char *text)
{
	struct error err = { .code = 0 };
	struct registries *r = NULL;
	struct fixture f;

	setup(&f);
	put(&f, "registries.conf", text);
	if (load(&f, &r, &err) < 0)
		printf("\n  %s\n", err.text);
	teardown(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	return r;
}

static void test_without_files(void)
{
	cleanup_registries struct registries *r = load_text("");

	CANDIDATES(r, "nginx", "docker.io/library/nginx:latest");
	CANDIDATES(r, "me/app:1", "docker.io/me/app:1");
	CANDIDATES(r, "quay.io/a/b@sha256:" HEX64, "quay.io/a/b@sha256:" HEX64);
	ROUTES(r, "nginx", "registry-1.docker.io[docker.io]/library/nginx");
	ROUTES(r, "127.0.0.1:5000/app", "127.0.0.1:5000/app");
	ROUTES(r, "localhost:5000/app", "localhost:5000/app");
	CU_ASSERT_EQUAL(registries_search(r)->n, 0);
	CU_ASSERT_EQUAL(registries_helpers(r)->n, 0);
}

/* No file, no directory: not an error. */
static void test_nothing_there(void)
{
	cleanup_registries struct registries *r = NULL;
	struct error err;

	CU_ASSERT_EQUAL(registries_load_from(
				&(struct registries_paths){ .file = "/nonexistent/a",
							    .dropin_dirs = { "/nonexistent/b" },
							    .aliases = "/dev/null" },
				&r, &err),
			0);
}

static void test_short_names(void)
{
	cleanup_registries struct registries *r = load_text(
		"unqualified-search-registries = ['quay.io', 'docker.io', 'localhost:5000']\n"
		"[aliases]\n'alpine' = 'docker.io/library/alpine'\n'a/b' = 'r.io/c/d'\n");

	CANDIDATES(r, "nginx",
		   "quay.io/nginx:latest docker.io/library/nginx:latest "
		   "localhost:5000/nginx:latest");
	CANDIDATES(r, "library/nginx:1",
		   "quay.io/library/nginx:1 docker.io/library/nginx:1 "
		   "localhost:5000/library/nginx:1");
	CANDIDATES(r, "alpine", "docker.io/library/alpine:latest");
	CANDIDATES(r, "alpine:3", "docker.io/library/alpine:3");
	CANDIDATES(r, "a/b@sha256:" HEX64, "r.io/c/d@sha256:" HEX64);
	/* an alias is for the name as it is written, and only for a short one */
	CANDIDATES(r, "docker.io/alpine", "docker.io/library/alpine:latest");
	CANDIDATES(r, "library/alpine",
		   "quay.io/library/alpine:latest docker.io/library/alpine:latest "
		   "localhost:5000/library/alpine:latest");
}

static void test_short_name_modes(void)
{
	cleanup_registries struct registries *enforcing =
		load_text("short-name-mode = 'enforcing'\n"
			  "unqualified-search-registries = ['a.io', 'b.io']\n"
			  "[aliases]\nx = 'c.io/x'\n");
	cleanup_registries struct registries *one =
		load_text("short-name-mode = 'enforcing'\n"
			  "unqualified-search-registries = ['a.io']\n");
	cleanup_registries struct registries *disabled =
		load_text("short-name-mode = 'disabled'\n"
			  "unqualified-search-registries = ['a.io', 'b.io']\n"
			  "[aliases]\nx = 'c.io/x'\n");
	cleanup_registries struct registries *empty =
		load_text("unqualified-search-registries = []\n");

	CANDIDATES(enforcing, "nginx", "error 22");
	CANDIDATES(enforcing, "x", "c.io/x:latest");
	CANDIDATES(one, "nginx", "a.io/nginx:latest");
	CANDIDATES(disabled, "x", "a.io/x:latest b.io/x:latest");
	CANDIDATES(empty, "nginx", "error 2");
	CANDIDATES(empty, "docker.io/nginx", "docker.io/library/nginx:latest");
}

static void test_prefixes(void)
{
	cleanup_registries struct registries *r = load_text(
		"[[registry]]\nprefix = 'example.com/foo'\nlocation = 'in.net/bar'\n"
		"[[registry]]\nprefix = 'example.com'\nlocation = 'plain.net'\ninsecure = true\n"
		"[[registry]]\nprefix = 'example.com/foo/one:tag'\nlocation = 'tag.net/x'\n"
		"[[registry]]\nprefix = '*.wild.com'\ninsecure = true\n"
		"[[registry]]\nprefix = '*.deep.wild.com'\nlocation = 'deep.net'\n"
		"[[registry]]\nlocation = 'a.deep.wild.com'\n"
		"[[registry]]\nlocation = 'bad.io'\nblocked = true\n"
		"[[registry]]\nprefix = '*.bad.io'\nblocked = true\n"
		"[[registry]]\nprefix = 'docker.io/library'\nlocation = '127.0.0.1:5000/hub/'\n");

	ROUTES(r, "example.com/foo/a/b:1", "in.net/bar/a/b");
	ROUTES(r, "example.com/foo:1", "in.net/bar");
	ROUTES(r, "example.com/foobar", "plain.net/foobar+i");
	ROUTES(r, "example.com/x", "plain.net/x+i");
	ROUTES(r, "Example.COM/x", "plain.net/x+i");
	ROUTES(r, "xexample.com/x", "xexample.com/x");
	ROUTES(r, "example.com.evil.net/x", "example.com.evil.net/x");
	ROUTES(r, "example.com/foo/one:tag", "tag.net/x");
	ROUTES(r, "example.com/foo/one:tag2", "in.net/bar/one");
	ROUTES(r, "a.wild.com/x", "a.wild.com/x+i");
	ROUTES(r, "a.b.wild.com:99/x", "a.b.wild.com:99/x+i");
	ROUTES(r, "wild.com/x", "wild.com/x");
	ROUTES(r, "awild.com/x", "awild.com/x");
	ROUTES(r, "h.io/a.wild.com", "h.io/a.wild.com");
	ROUTES(r, "b.deep.wild.com/x", "deep.net/x");
	ROUTES(r, "a.deep.wild.com/x", "a.deep.wild.com/x");
	ROUTES(r, "bad.io/x", "error 1");
	ROUTES(r, "BAD.io/x", "error 1");
	ROUTES(r, "bad.io:443/x", "error 1");
	ROUTES(r, "x.bad.io/x", "error 1");
	PUSH_ROUTES(r, "bad.io/x", "error 1");
	ROUTES(r, "nginx", "127.0.0.1:5000/hub/nginx");
	ROUTES(r, "me/app", "registry-1.docker.io[docker.io]/me/app");
	PUSH_ROUTES(r, "nginx", "registry-1.docker.io[docker.io]/library/nginx");
	PUSH_ROUTES(r, "example.com/x", "example.com/x+i");
}

static void test_mirrors(void)
{
	cleanup_registries struct registries *r = load_text(
		"[[registry]]\nlocation = 'a.io'\n"
		"[[registry.mirror]]\nlocation = 'm1:80/x'\ninsecure = true\n"
		"[[registry.mirror]]\nlocation = 'm2.io'\npull-from-mirror = 'digest-only'\n"
		"[[registry.mirror]]\nlocation = 'docker.io/m3'\npull-from-mirror = 'tag-only'\n"
		"[[registry]]\nprefix = 'b.io/ns'\nlocation = 'c.io'\nmirror-by-digest-only = "
		"true\n"
		"mirror = [{location = 'm.io'}]\n");

	ROUTES(r, "a.io/p/q:1",
	       "m1:80/x/p/q+i+m registry-1.docker.io[docker.io]/m3/p/q+m a.io/p/q");
	ROUTES(r, "a.io/p@sha256:" HEX64, "m1:80/x/p+i+m m2.io/p+m a.io/p");
	PUSH_ROUTES(r, "a.io/p:1", "a.io/p");
	ROUTES(r, "b.io/ns/p:1", "c.io/p");
	ROUTES(r, "b.io/ns/p@sha256:" HEX64, "m.io/p+m c.io/p");
}

static void test_local_names(void)
{
	cleanup_registries struct registries *r = load_text("");
	cleanup_registries struct registries *made =
		load_text("[[registry]]\nlocation = 'localhost'\ninsecure = true\n");

	CANDIDATES(r, "localhost/app", "localhost/app:latest");
	ROUTES(r, "localhost/app", "error 2");
	PUSH_ROUTES(r, "localhost/app", "localhost/app");
	ROUTES(made, "localhost/app", "localhost/app+i");
}

static void test_drop_ins(void)
{
	cleanup_registries struct registries *r = NULL;
	struct error err = { .code = 0 };
	struct fixture f;

	setup(&f);
	put(&f, "registries.conf",
	    "unqualified-search-registries = ['one.io']\ncredential-helpers = ['x']\n"
	    "[[registry]]\nlocation = 'a.io'\nblocked = true\n"
	    "[[registry]]\nlocation = 'b.io'\ninsecure = true\n"
	    "[aliases]\nx = 'a.io/x'\ny = 'a.io/y'\nz = 'a.io/z'\n");
	put(&f, "a.d/10.conf", "unqualified-search-registries = ['two.io']\n");
	put(&f, "a.d/20.conf", "[[registry]]\nlocation = 'a.io'\n[aliases]\nx = 'b.io/x'\n");
	put(&f, "a.d/30.conf.off", "this is not read");
	put(&f, "a.d/.40.conf", "neither is this");
	put(&f, "b.d/00.conf", "[aliases]\nx = 'c.io/x'\ny = ''\n");
	put(&f, "aliases", "[aliases]\nz = 'd.io/z'\n");
	if (load(&f, &r, &err) < 0)
		printf("%s\n", err.text);
	teardown(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CANDIDATES(r, "n", "two.io/n:latest");
	CANDIDATES(r, "x", "c.io/x:latest");
	CANDIDATES(r, "y", "two.io/y:latest");
	CANDIDATES(r, "z", "d.io/z:latest");
	ROUTES(r, "a.io/p", "a.io/p");
	ROUTES(r, "b.io/p", "b.io/p+i");
	CU_ASSERT_EQUAL_FATAL(registries_helpers(r)->n, 1);
	CU_ASSERT_STRING_EQUAL(registries_helpers(r)->v[0], "x");
}

static void test_unknown_is_left_alone(void)
{
	cleanup_registries struct registries *r =
		load_text("new-key = 1\nadditional = {a = [1.5, 2001-01-01]}\n"
			  "[[registry]]\nlocation = 'a.io'\nbrand-new = 'x'\n[other]\nx = []\n");

	ROUTES(r, "a.io/p", "a.io/p");
}

static void test_refused(void)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ "x = ", "registries.conf:1:5: " },
		{ "[registries.search]\nregistries = ['a.io']\n", "version 1" },
		{ "[registries.insecure]\nregistries = []\n", "[[registry]]" },
		{ "\nunqualified-search-registries = 'a.io'\n", ":2:33: " },
		{ "unqualified-search-registries = [1]\n", "must be a string, not a integer" },
		{ "unqualified-search-registries = ['a']\n", "host[:port]" },
		{ "unqualified-search-registries = ['https://a.io']\n", "host[:port]" },
		{ "short-name-mode = 'never'\n", "short-name-mode must be" },
		{ "short-name-mode = true\n", "must be a string" },
		{ "registry = 1\n", "must be a list" },
		{ "[registry]\nlocation = 'a.io'\n", "must be a list" },
		{ "[[registry]]\ninsecure = true\n", "needs a prefix or a location" },
		{ "[[registry]]\nprefix = 'a.io'\n", "location may be left out only" },
		{ "[[registry]]\nlocation = 'a.io'\nblocked = 'true'\n", "must be a boolean" },
		{ "[[registry]]\nlocation = 'a.io'\ninsecure = 1\n", "must be a boolean" },
		{ "[[registry]]\nlocation = 'http://a.io'\n", "prefix must be" },
		{ "[[registry]]\nprefix = 'a.io'\nlocation = 'http://a.io'\n", "http://" },
		{ "[[registry]]\nlocation = 'a'\n", "prefix must be" },
		{ "[[registry]]\nprefix = '*.a.io/x'\n", "prefix must be" },
		{ "[[registry]]\nprefix = 'a.*.io'\nlocation = 'a.io'\n", "prefix must be" },
		{ "[[registry]]\nlocation = '*.a.io'\n", "location must be" },
		{ "[[registry]]\nlocation = 'a.io'\n[[registry]]\nlocation = 'a.io'\n", "already" },
		{ "[[registry]]\nlocation = 'a.io'\npull-from-mirror = 'all'\n",
		  "registry.mirror" },
		{ "[[registry]]\nlocation = 'a.io'\nmirror = ['m.io']\n", "must be a table" },
		{ "[[registry]]\nlocation = 'a.io'\nmirror = [{insecure = true}]\n",
		  "location of a mirror" },
		{ "[[registry]]\nlocation = 'a.io'\n"
		  "mirror = [{location = 'm.io', pull-from-mirror = 'some'}]\n",
		  "'digest-only'" },
		{ "[[registry]]\nlocation = 'a.io'\nmirror-by-digest-only = true\n"
		  "mirror = [{location = 'm.io', pull-from-mirror = 'all'}]\n",
		  "exclude each other" },
		{ "aliases = 1\n", "must be a table" },
		{ "[aliases]\nx = 1\n", "must be a string" },
		{ "[aliases]\nx = 'y'\n", "an alias is" },
		{ "[aliases]\nx = 'a.io/y:1'\n", "an alias is" },
		{ "[aliases]\n'a.io/x' = 'a.io/y'\n", "an alias is" },
		{ "[aliases]\n'x:1' = 'a.io/y'\n", "an alias is" },
		{ "[aliases]\nx = 'a.io/y'\nx = 'a.io/z'\n", "already" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { .code = 0 };
		struct registries *r = NULL;
		struct fixture f;

		setup(&f);
		put(&f, "registries.conf", cases[i].text);
		if (load(&f, &r, &err) != -EINVAL || !strstr(err.text, "registries.conf") ||
		    !strstr(err.text, cases[i].part)) {
			printf("\n%s  gives %s\n  not '%s'\n", cases[i].text, err.text,
			       cases[i].part);
			CU_FAIL("not refused for that");
		}
		registries_free(r);
		teardown(&f);
	}
}

/* A damaged drop-in is an error that names it. */
static void test_damaged_drop_in(void)
{
	struct error err = { .code = 0 };
	struct registries *r = NULL;
	struct fixture f;

	setup(&f);
	put(&f, "b.d/x.conf", "a = 1\nb\n");
	CU_ASSERT_EQUAL(load(&f, &r, &err), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/b.d/x.conf:2:2: "));
	teardown(&f);
}

static char *show_host(const struct registries *r, const char *key)
{
	cleanup_routes struct route_list l = { .n = 0 };
	struct error err = { .code = 0 };

	if (registries_host_route(r, key, &l, &err) < 0)
		return xasprintf("error %d", err.code);
	return xasprintf("%s[%s]/%s%s", l.v[0].host, l.v[0].auth, l.v[0].path,
			 l.v[0].insecure ? "+i" : "");
}

static void test_hosts(void)
{
	cleanup_registries struct registries *r =
		load_text("[[registry]]\nlocation = 'a.io'\ninsecure = true\n"
			  "[[registry]]\nlocation = 'bad.io'\nblocked = true\n");
	static const struct {
		const char *key, *shown;
	} cases[] = {
		{ "quay.io", "quay.io[quay.io]/" },
		{ "a.io/ns", "a.io[a.io]/ns+i" },
		{ "docker.io", "registry-1.docker.io[docker.io]/" },
		{ "index.docker.io", "registry-1.docker.io[docker.io]/" },
		{ "127.0.0.1:5000", "127.0.0.1:5000[127.0.0.1:5000]/" },
		{ "localhost", "localhost[localhost]/" },
		{ "registry", "registry[registry]/" },
		{ "[::1]:5000", "[::1]:5000[[::1]:5000]/" },
		{ "bad.io", "error 1" },
		{ "https://a.io", "error 22" },
		{ "u:p@a.io", "error 22" },
		{ "a.io/", "error 22" },
		{ "a.io:port", "error 22" },
		{ "a b", "error 22" },
		{ "", "error 22" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(show_host(r, cases[i].key), cases[i].key, cases[i].shown);
}

static CU_TestInfo tests[] = { { "without files", test_without_files },
			       { "nothing there", test_nothing_there },
			       { "short names", test_short_names },
			       { "short name modes", test_short_name_modes },
			       { "prefixes", test_prefixes },
			       { "mirrors", test_mirrors },
			       { "local names", test_local_names },
			       { "drop-ins", test_drop_ins },
			       { "unknown keys", test_unknown_is_left_alone },
			       { "refused", test_refused },
			       { "damaged drop-in", test_damaged_drop_in },
			       { "hosts", test_hosts },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "registries", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
