/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_auth - credentials: which file and key are used, and what is written (REG-5).
 *
 * Theory of operation: each test has a HOME of its own, with every variable that names a file
 * pointing below it, and credential helpers that are scripts in a PATH of its own. A helper writes
 * what it was given to a file, so that the test sees what was asked of it.
 */
#include "engine/image/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/base64.h"
#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

struct fixture {
	char *dir;
	int fd;
};

static void set_path(const struct fixture *f, const char *variable, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", f->dir, name);

	CU_ASSERT_EQUAL_FATAL(setenv(variable, path, 1), 0);
}

static void setup(struct fixture *f)
{
	static const char *const dirs[] = { "run",    "run/containers",
					    "config", "config/containers",
					    "docker", "bin" };

	f->dir = temp_make();
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		CU_ASSERT_EQUAL_FATAL(mkdirat(f->fd, dirs[i], 0700), 0);
	set_path(f, "HOME", "");
	set_path(f, "XDG_RUNTIME_DIR", "run");
	set_path(f, "XDG_CONFIG_HOME", "config");
	set_path(f, "DOCKER_CONFIG", "docker");
	set_path(f, "PATH", "bin");
	set_path(f, "CONTAINERS_REGISTRIES_CONF", "registries.conf");
	(void)unsetenv("REGISTRY_AUTH_FILE");
}

static void teardown(struct fixture *f)
{
	temp_remove(f->dir);
	(void)close(f->fd);
}

static void put_mode(const struct fixture *f, const char *name, const char *text, mode_t mode)
{
	struct error err;

	CU_ASSERT_EQUAL_FATAL(
		fs_write_atomic(f->fd, name, text, strlen(text), mode, FS_NOSYNC, &err), 0);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	put_mode(f, name, text, 0600);
}

static char *get(const struct fixture *f, const char *name)
{
	struct error err;
	char *text = NULL;

	return fs_read_file(f->fd, name, 100000, &text, NULL, &err) < 0 ? xstrdup("(none)") : text;
}

/* One entry of "auths", for the user USER with the password pw. */
static char *entry(const char *key, const char *user)
{
	cleanup_free char *pair = xasprintf("%s:pw", user);
	cleanup_free char *auth = base64_encode(pair, strlen(pair));

	return xasprintf("{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", key, auth);
}

static void put_entry(const struct fixture *f, const char *name, const char *key, const char *user)
{
	cleanup_free char *text = entry(key, user);

	put(f, name, text);
}

/* "user:password[:token]", "none" or "error N". */
static char *show(int r, const struct credentials *c, const struct error *err)
{
	if (r < 0)
		return xasprintf("error %d", err->code);
	if (r == 0)
		return xstrdup("none");
	return xasprintf("%s:%s%s%s", c->user ? c->user : "", c->password ? c->password : "",
			 c->identity_token ? ":" : "", c->identity_token ? c->identity_token : "");
}

static void check_found(const char *authfile, const char *key, const char *path,
			const char *expected)
{
	cleanup_credentials struct credentials c = { .user = NULL };
	struct error err = { .code = 0 };
	cleanup_free char *shown = show(auth_find(authfile, key, path, &c, &err), &c, &err);

	if (!is_equal(shown, expected)) {
		printf("\n  %s %s gives %s (%s), not %s\n", key, path ? path : "", shown, err.text,
		       expected);
		CU_FAIL("other credentials");
	}
}

static void check_text(const char *json, const char *key, const char *path, const char *expected)
{
	cleanup_credentials struct credentials c = { .user = NULL };
	struct error err = { .code = 0 };
	cleanup_free char *shown =
		show(auth_find_text(json, strlen(json), key, path, &c, &err), &c, &err);

	if (!is_equal(shown, expected)) {
		printf("\n  %s: %s gives %s (%s), not %s\n", json, key, shown, err.text, expected);
		CU_FAIL("other credentials");
	}
}

/* ---- keys (REG-5) -------------------------------------------------------------------------- */

static const struct {
	const char *in_file, *key, *path;
} near_misses[] = {
	{ "quay.io", "evilquay.io", "a" },
	{ "quay.io", "quay.io.evil.net", "a" },
	{ "evilquay.io", "quay.io", "a" },
	{ "quay.io.evil.net", "quay.io", "a" },
	{ "quay.io", "Quay.io", "a" },
	{ "QUAY.IO", "quay.io", "a" },
	{ "quay.io", "quay.io:443", "a" },
	{ "quay.io:443", "quay.io", "a" },
	{ "quay.io:5000", "quay.io:500", "a" },
	{ "quay.io/a", "quay.io", "ab" },
	{ "quay.io/ab", "quay.io", "a" },
	{ "quay.io/a/b", "quay.io", "a" },
	{ "quay.io/a", "quay.io", NULL },
	{ "quay.io/v1", "quay.io", "a" },
	{ "https://quay.io/a", "quay.io", "b" },
	{ "https://quay.io.evil.net/v1/", "quay.io", "a" },
	{ "https://user@quay.io/v1/", "quay.io", "a" },
	{ "https://evil.net/quay.io", "quay.io", "a" },
	{ "ftp://quay.io", "quay.io", "a" },
	{ "https://https://quay.io", "quay.io", "a" },
	{ "docker.io", "xdocker.io", "a" },
	{ "docker.io", "quay.io", "docker.io" },
	{ "https://index.docker.io/v1/", "index.docker.io.evil.net", "a" },
	{ "https://index.docker.io.evil.net/v1/", "docker.io", "library/a" },
	{ "", "quay.io", "a" },
	{ " quay.io", "quay.io", "a" },
	{ "*.quay.io", "a.quay.io", "a" },
	{ "*", "quay.io", "a" },
};

static unsigned int count_taken(void)
{
	unsigned int taken = 0;

	for (size_t i = 0; i < ARRAY_SIZE(near_misses); i++) {
		cleanup_free char *json = entry(near_misses[i].in_file, "u");
		cleanup_credentials struct credentials c = { .user = NULL };
		struct error err;

		if (auth_find_text(json, strlen(json), near_misses[i].key, near_misses[i].path, &c,
				   &err) != 0) {
			printf("\n  '%s' is used for '%s'", near_misses[i].in_file,
			       near_misses[i].key);
			taken++;
		}
	}
	return taken;
}

static void test_near_misses(void)
{
	CU_ASSERT_EQUAL(count_taken(), 0);
}

/* The twin: where keys are only compared roughly, the table notices. */
static void test_near_misses_twin(void)
{
	unsigned int taken;

	(void)setenv("PODIUM_WEAKEN", "REG-5", 1);
	taken = count_taken();
	(void)unsetenv("PODIUM_WEAKEN");
	CU_ASSERT_TRUE(taken > 10);
}

static void test_spellings(void)
{
	static const struct {
		const char *in_file, *key, *path;
	} cases[] = {
		{ "quay.io", "quay.io", NULL },
		{ "quay.io", "quay.io", "a/b" },
		{ "quay.io/a", "quay.io", "a/b" },
		{ "quay.io/a", "quay.io", "a" },
		{ "quay.io/a/b", "quay.io", "a/b" },
		{ "quay.io/a", "quay.io/a", NULL },
		{ "https://quay.io", "quay.io", "a" },
		{ "https://quay.io/", "quay.io", "a" },
		{ "http://quay.io:5000/v2/", "quay.io:5000", "a" },
		{ "https://quay.io/v1", "quay.io", "a" },
		{ "quay.io/v1/", "quay.io", "a" },
		{ "https://quay.io/ns", "quay.io", "ns/a" },
		{ "docker.io", "docker.io", "library/a" },
		{ "index.docker.io", "docker.io", "library/a" },
		{ "https://index.docker.io/v1/", "docker.io", "library/a" },
		{ "registry-1.docker.io", "docker.io", "library/a" },
		{ "docker.io/me", "docker.io", "me/a" },
		{ "docker.io", "index.docker.io", NULL },
		{ "127.0.0.1:5000", "127.0.0.1:5000", "a" },
		{ "[::1]:5000", "[::1]:5000", "a" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *json = entry(cases[i].in_file, "u");

		check_text(json, cases[i].key, cases[i].path, "u:pw");
	}
}

/* The longest key wins, wherever it stands. */
static void test_longest_key(void)
{
	static const char json[] = "{\"auths\":{\"q.io\":{\"auth\":\"YTphCg==\"},"
				   "\"q.io/n\":{\"auth\":\"bjpu\"},"
				   "\"https://q.io/n/m\":{\"auth\":\"bTpt\"}}}";

	check_text(json, "q.io", "x", "a:a\n");
	check_text(json, "q.io", "n", "n:n");
	check_text(json, "q.io", "n/x", "n:n");
	check_text(json, "q.io", "n/m/y", "m:m");
}

/* ---- entries -------------------------------------------------------------------------------- */

static void test_entries(void)
{
	static const struct {
		const char *json, *expected;
	} cases[] = {
		{ "{\"auths\":{\"q.io\":{\"auth\":\"dTpwOnE=\"}}}", "u:p:q" },
		{ "{\"auths\":{\"q.io\":{\"auth\":\"dTo=\"}}}", "u:" },
		{ "{\"auths\":{\"q.io\":{\"auth\":\"dTpwAAA=\"}}}", "u:p" },
		{ "{\"auths\":{\"q.io\":{\"username\":\"u\",\"password\":\"p\"}}}", "u:p" },
		{ "{\"auths\":{\"q.io\":{\"username\":\"x\",\"password\":\"y\",\"auth\":\"dTpw\"}}"
		  "}",
		  "u:p" },
		{ "{\"auths\":{\"q.io\":{\"identitytoken\":\"t\"}}}", "::t" },
		{ "{\"auths\":{\"q.io\":{\"auth\":\"dTo=\",\"identitytoken\":\"t\"}}}", "u::t" },
		{ "{\"auths\":{\"q.io\":{}}}", "none" },
		{ "{\"auths\":{\"q.io\":{\"auth\":\"\"}}}", "none" },
		{ "{\"auths\":{}}", "none" },
		{ "{\"q.io\":{\"auth\":\"dTpw\",\"email\":\"e\"}}", "u:p" }, /* .dockercfg */
		{ "{}", "none" },
		{ "{\"auths\":{\"q.io\":{\"auth\":\"dXA=\"}}}", "error 74" },
		{ "{\"auths\":{\"q.io\":{\"auth\":\"d!pw\"}}}", "error 74" },
		{ "{\"auths\":{\"q.io\":{\"auth\":\"dTpw=\"}}}", "error 74" },
		{ "{\"auths\":{\"q.io\":{\"auth\":\"dQA6cA==\"}}}", "error 74" },
		{ "{\"auths\":{\"q.io\":\"dTpw\"}}", "error 74" },
		{ "{\"auths\":{\"q.io\":{},\"q.io\":{\"auth\":\"dTpw\"}}}", "error 74" },
		{ "{\"auths\":", "error 74" },
		{ "[]", "error 74" },
		{ "", "error 74" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_text(cases[i].json, "q.io", "a", cases[i].expected);
}

/* What is wrong is said without what is secret. */
static void test_messages(void)
{
	static const char *const texts[] = {
		"{\"auths\":{\"q.io\":{\"auth\":\"aHVudGVyMg==\"}}",
		"{\"auths\":{\"q.io\":{\"auth\":\"aHVudGVyMg==\"}}}",
		"{\"auths\":{\"q.io\":{\"auth\":\"aHVudGVyMg==\"}},\"auths\":{}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_credentials struct credentials c = { .user = NULL };
		struct error err = { .code = 0 };

		CU_ASSERT_TRUE(auth_find_text(texts[i], strlen(texts[i]), "q.io", NULL, &c, &err) <
			       0);
		CU_ASSERT_PTR_NULL(strstr(err.text, "aHVu"));
		CU_ASSERT_PTR_NULL(strstr(err.text, "hunter"));
	}
}

/* A pull secret comes from a manifest: it starts no program. */
static void test_text_runs_nothing(void)
{
	struct fixture f;

	setup(&f);
	put_mode(&f, "bin/docker-credential-x", "#!/bin/sh\n: >\"$HOME/ran\"\n", 0700);
	check_text("{\"auths\":{},\"credsStore\":\"x\",\"credHelpers\":{\"q.io\":\"x\"}}", "q.io",
		   "a", "none");
	CU_ASSERT_TRUE(faccessat(f.fd, "ran", F_OK, 0) < 0);
	teardown(&f);
}

/* ---- files ---------------------------------------------------------------------------------- */

static void test_order_of_files(void)
{
	cleanup_free char *named = NULL;
	struct fixture f;

	setup(&f);
	named = xasprintf("%s/named.json", f.dir);
	check_found(NULL, "q.io", "a", "none");
	put(&f, ".dockercfg", "{\"q.io\":{\"auth\":\"NTpwdw==\"}}");
	check_found(NULL, "q.io", "a", "5:pw");
	put_entry(&f, "docker/config.json", "q.io", "4");
	check_found(NULL, "q.io", "a", "4:pw");
	put_entry(&f, "config/containers/auth.json", "q.io", "3");
	check_found(NULL, "q.io", "a", "3:pw");
	put_entry(&f, "run/containers/auth.json", "q.io", "2");
	check_found(NULL, "q.io", "a", "2:pw");
	put_entry(&f, "run/containers/auth.json", "other.io", "2");
	check_found(NULL, "q.io", "a", "3:pw");
	put(&f, "run/containers/auth.json", "");
	check_found(NULL, "q.io", "a", "3:pw");
	/* a damaged file is not passed over */
	put(&f, "run/containers/auth.json", "{");
	check_found(NULL, "q.io", "a", "error 74");
	/* one that is named is the only one */
	check_found(named, "q.io", "a", "error 2");
	put_entry(&f, "named.json", "other.io", "1");
	check_found(named, "q.io", "a", "none");
	check_found(named, "other.io", "a", "1:pw");
	(void)setenv("REGISTRY_AUTH_FILE", named, 1);
	check_found(NULL, "other.io", "a", "1:pw");
	check_found(NULL, "q.io", "a", "none");
	teardown(&f);
}

static const struct credentials someone = { .user = (char *)(uintptr_t) "me",
					    .password = (char *)(uintptr_t) "p:w" };

static void test_store_and_remove(void)
{
	cleanup_free char *where = NULL, *text = NULL, *after = NULL;
	struct error err = { .code = 0 };
	struct fixture f;
	struct stat st;

	setup(&f);
	CU_ASSERT_EQUAL(unlinkat(f.fd, "run/containers", AT_REMOVEDIR), 0);
	CU_ASSERT_EQUAL(auth_store(NULL, "q.io", &someone, &where, &err), 0);
	CU_ASSERT_TRUE(is_suffix(where, "/run/containers/auth.json"));
	CU_ASSERT_EQUAL(fstatat(f.fd, "run/containers/auth.json", &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	check_found(NULL, "q.io", "a", "me:p:w");
	CU_ASSERT_EQUAL(auth_remove(NULL, "r.io", &err), 0);
	CU_ASSERT_EQUAL(auth_remove(NULL, "q.io", &err), 1);
	check_found(NULL, "q.io", "a", "none");
	/* what others keep there stays, every spelling of the key goes */
	put_mode(&f, "run/containers/auth.json",
		 "{\"x\":[1],\"auths\":{\"https://q.io/v1/\":{\"auth\":\"dTpw\"},"
		 "\"other.io\":{\"auth\":\"dTpw\",\"email\":\"e\"}}}",
		 0644);
	CU_ASSERT_EQUAL(auth_store(NULL, "q.io", &someone, NULL, &err), 0);
	CU_ASSERT_EQUAL(fstatat(f.fd, "run/containers/auth.json", &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	text = get(&f, "run/containers/auth.json");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"email\": \"e\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"x\":"));
	CU_ASSERT_PTR_NULL(strstr(text, "https://q.io"));
	CU_ASSERT_EQUAL(auth_remove_all(NULL, &err), 0);
	after = get(&f, "run/containers/auth.json");
	CU_ASSERT_PTR_NULL(strstr(after, "other.io"));
	CU_ASSERT_PTR_NOT_NULL(strstr(after, "\"x\":"));
	teardown(&f);
}

static void test_store_is_careful(void)
{
	const struct credentials bad = { .user = (char *)(uintptr_t) "a:b",
					 .password = (char *)(uintptr_t) "p" };
	cleanup_free char *file = NULL, *link = NULL, *text = NULL;
	struct error err = { .code = 0 };
	struct fixture f;
	struct stat st;

	setup(&f);
	CU_ASSERT_EQUAL(auth_store(NULL, "q.io", &bad, NULL, &err), -EINVAL);
	/* a damaged file is not replaced */
	put(&f, "run/containers/auth.json", "{ precious");
	CU_ASSERT_EQUAL(auth_store(NULL, "q.io", &someone, NULL, &err), -EBADMSG);
	text = get(&f, "run/containers/auth.json");
	CU_ASSERT_STRING_EQUAL(text, "{ precious");
	/* a link stays a link */
	put(&f, "real.json", "{}");
	CU_ASSERT_EQUAL(symlinkat("real.json", f.fd, "link.json"), 0);
	link = xasprintf("%s/link.json", f.dir);
	CU_ASSERT_EQUAL(auth_store(link, "q.io", &someone, NULL, &err), 0);
	CU_ASSERT_EQUAL(fstatat(f.fd, "link.json", &st, AT_SYMLINK_NOFOLLOW), 0);
	CU_ASSERT_TRUE(S_ISLNK(st.st_mode));
	file = xasprintf("%s/real.json", f.dir);
	check_found(file, "q.io", "a", "me:p:w");
	teardown(&f);
}

/* ---- helpers -------------------------------------------------------------------------------- */

/* Keeps one secret in $HOME/kept; $HOME/log says what it was asked. */
static const char helper[] = "#!/bin/sh\n"
			     "PATH=/usr/bin:/bin\n"
			     "in=$(cat)\n"
			     "echo \"$1 $in\" >>\"$HOME/log\"\n"
			     "case $1 in\n"
			     "store) echo \"$in\" >\"$HOME/kept\" ;;\n"
			     "get) cat \"$HOME/kept\" 2>/dev/null && exit 0\n"
			     "     echo 'credentials not found in native keychain'; exit 1 ;;\n"
			     "erase) rm \"$HOME/kept\" 2>/dev/null && exit 0\n"
			     "     echo 'credentials not found in native keychain'; exit 1 ;;\n"
			     "esac\n";

static void test_helper_of_a_file(void)
{
	cleanup_free char *where = NULL, *log = NULL, *text = NULL;
	struct error err = { .code = 0 };
	struct fixture f;

	setup(&f);
	put_mode(&f, "bin/docker-credential-box", helper, 0700);
	put(&f, "run/containers/auth.json", "{\"credHelpers\":{\"q.io\":\"box\"}}");
	check_found(NULL, "q.io", "a", "none");
	CU_ASSERT_EQUAL(auth_store(NULL, "q.io", &someone, &where, &err), 0);
	CU_ASSERT_STRING_EQUAL(where, "docker-credential-box");
	check_found(NULL, "q.io", "a", "me:p:w");
	check_found(NULL, "r.io", "a", "none");
	text = get(&f, "run/containers/auth.json");
	CU_ASSERT_PTR_NULL(strstr(text, "auth\""));
	CU_ASSERT_EQUAL(auth_remove(NULL, "q.io", &err), 1);
	CU_ASSERT_EQUAL(auth_remove(NULL, "q.io", &err), 0);
	log = get(&f, "log");
	CU_ASSERT_STRING_EQUAL(log, "get q.io\n"
				    "store {\"ServerURL\":\"q.io\",\"Username\":\"me\","
				    "\"Secret\":\"p:w\"}\n"
				    "get q.io\nerase q.io\nerase q.io\n");
	teardown(&f);
}

static void test_store_for_all(void)
{
	cleanup_free char *log = NULL, *text = NULL;
	struct error err = { .code = 0 };
	struct fixture f;

	setup(&f);
	put_mode(&f, "bin/docker-credential-box", helper, 0700);
	put(&f, "docker/config.json", "{\"credsStore\":\"box\"}");
	put(&f, "kept", "{\"Username\":\"<token>\",\"Secret\":\"tok\"}");
	check_found(NULL, "docker.io", "library/a", "::tok");
	log = get(&f, "log");
	CU_ASSERT_STRING_EQUAL(log, "get https://index.docker.io/v1/\n");
	(void)setenv("REGISTRY_AUTH_FILE", "", 1);
	put(&f, "run/containers/auth.json", "{\"credsStore\":\"box\"}");
	CU_ASSERT_EQUAL(auth_store(NULL, "q.io", &someone, NULL, &err), 0);
	text = get(&f, "run/containers/auth.json");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"q.io\": {}"));
	check_found(NULL, "q.io", "a", "me:p:w");
	teardown(&f);
}

/* credential-helpers of registries.conf: in its order, files only where it says so. */
static void test_helpers_of_registries_conf(void)
{
	struct error err = { .code = 0 };
	cleanup_free char *where = NULL;
	struct fixture f;

	setup(&f);
	put_mode(&f, "bin/docker-credential-box", helper, 0700);
	put_entry(&f, "run/containers/auth.json", "q.io", "file");
	put(&f, "registries.conf", "credential-helpers = ['box']\n");
	check_found(NULL, "q.io", "a", "none");
	put(&f, "registries.conf", "credential-helpers = ['box', 'containers-auth.json']\n");
	check_found(NULL, "q.io", "a", "file:pw");
	CU_ASSERT_EQUAL(auth_store(NULL, "q.io", &someone, &where, &err), 0);
	CU_ASSERT_STRING_EQUAL(where, "docker-credential-box");
	check_found(NULL, "q.io", "a", "me:p:w");
	put(&f, "registries.conf", "credential-helpers = ['containers-auth.json', 'box']\n");
	check_found(NULL, "q.io", "a", "file:pw");
	teardown(&f);
}

/* A helper that does not work is an error, never another entry. */
static void test_broken_helpers(void)
{
	static const char *const scripts[] = {
		"#!/bin/sh\necho 'locked'; exit 1\n",
		"#!/bin/sh\nexit 0\n",
		"#!/bin/sh\necho '[]'\n",
		"#!/bin/sh\necho '{\"Username\":\"u\"}'\n",
		"#!/bin/sh\necho '{\"Username\":1,\"Secret\":\"s\"}'\n",
		"#!/bin/sh\necho '{\"Username\":\"u\",\"Secret\":\"s\"'\n",
		"#!/bin/sh\nkill -9 $$\n",
		"#!/bin/sh\nwhile :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done\n",
		"#!/nonexistent\n",
	};
	struct fixture f;

	setup(&f);
	put(&f, "run/containers/auth.json",
	    "{\"credHelpers\":{\"q.io\":\"box\"},\"auths\":{\"q.io\":{\"auth\":\"dTpw\"}}}");
	put_entry(&f, "docker/config.json", "q.io", "4");
	for (size_t i = 0; i <= ARRAY_SIZE(scripts); i++) {
		cleanup_credentials struct credentials c = { .user = NULL };
		struct error err = { .code = 0 };

		CU_ASSERT_TRUE(auth_find(NULL, "q.io", "a", &c, &err) < 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "box"));
		CU_ASSERT_PTR_NULL(c.user);
		if (i < ARRAY_SIZE(scripts))
			put_mode(&f, "bin/docker-credential-box", scripts[i], 0700);
	}
	put(&f, "run/containers/auth.json", "{\"credHelpers\":{\"q.io\":\"../bin/sh\"}}");
	check_found(NULL, "q.io", "a", "error 22");
	put(&f, "run/containers/auth.json", "{\"credHelpers\":{\"q.io\":1}}");
	check_found(NULL, "q.io", "a", "error 74");
	teardown(&f);
}

/* Relative entries of PATH would run what lies in the directory where one stands. */
static void test_path_is_absolute(void)
{
	struct fixture f;

	setup(&f);
	put_mode(&f, "bin/docker-credential-box", helper, 0700);
	put(&f, "run/containers/auth.json", "{\"credHelpers\":{\"q.io\":\"box\"}}");
	CU_ASSERT_EQUAL(chdir(f.dir), 0);
	(void)setenv("PATH", "bin::.", 1);
	check_found(NULL, "q.io", "a", "error 2");
	CU_ASSERT_EQUAL(chdir("/"), 0);
	teardown(&f);
}

static void test_creds(void)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "u:p", "u:p" },     { "u", "u:" },	    { "u:", "u:" },
		{ "u:p:q", "u:p:q" }, { ":p", "error 22" }, { "", "error 22" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_credentials struct credentials c = { .user = NULL };
		struct error err = { .code = 0 };
		int r = credentials_parse(cases[i].text, &c, &err);
		cleanup_free char *shown = show(r < 0 ? r : 1, &c, &err);

		CU_ASSERT_STRING_EQUAL(shown, cases[i].shown);
	}
}

static CU_TestInfo tests[] = { { "near misses of keys (REG-5)", test_near_misses },
			       { "REG-5 twin", test_near_misses_twin },
			       { "spellings of keys", test_spellings },
			       { "the longest key", test_longest_key },
			       { "entries", test_entries },
			       { "messages hold no secret", test_messages },
			       { "a text runs nothing", test_text_runs_nothing },
			       { "order of files", test_order_of_files },
			       { "store and remove", test_store_and_remove },
			       { "store is careful", test_store_is_careful },
			       { "helper of a file", test_helper_of_a_file },
			       { "one store for all", test_store_for_all },
			       { "helpers of registries.conf", test_helpers_of_registries_conf },
			       { "broken helpers", test_broken_helpers },
			       { "PATH is absolute", test_path_is_absolute },
			       { "--creds", test_creds },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "auth", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
