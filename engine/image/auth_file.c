/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth_file - what stands in auth.json, config.json and .dockercfg.
 *
 * Theory of operation: a file is an object of JSON:
 *
 *	"auths"		{ KEY: { "auth": base64("user:password"), "identitytoken": "..." } }
 *	"credHelpers"	{ KEY: NAME }: docker-credential-NAME has the credentials of KEY
 *	"credsStore"	NAME: docker-credential-NAME has everybody's
 *
 * Credentials are for one key, exactly (REG-5): to find "quay.io/a/b" the keys "quay.io/a/b",
 * "quay.io/a" and "quay.io" are asked for in turn, and no other text is taken for one of them, with
 * one exception: some programs write a key as a URL. auth_plain_key() knows their ways, and it never
 * makes a host out of another host but for the names of the Docker Hub.
 *
 * The strings of a tree that was read are cleared before they are freed.
 */
#include "engine/image/auth_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "engine/base/base64.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/seams.h"
#include "engine/image/auth_helper.h"

#define HUB_SERVER "https://index.docker.io/v1/"

/* ---- reading ------------------------------------------------------------------------------ */

static void clear_strings(json_t *j)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(j))
		explicit_bzero((char *)(uintptr_t)json_string_value(j), json_string_length(j));
	json_object_foreach (j, key, member)
		clear_strings(member);
	json_array_foreach (j, i, member)
		clear_strings(member);
}

void json_secret_free(json_t **j)
{
	clear_strings(*j);
	json_decref(*j);
	*j = NULL;
}

int auth_text_read(const char *text, size_t len, const char *what, json_t **ret, struct error *err)
{
	struct error ignored; /* could quote a secret */
	json_t *j = NULL;
	int r = jload_text(text, len, what, &j, &ignored);

	if (r == 0 && !json_is_object(j)) {
		json_secret_free(&j);
		r = -EINVAL;
	}
	if (r < 0)
		return error_set(err, EBADMSG, "'%.300s' is not an object of JSON", what);
	*ret = j;
	return 0;
}

int auth_file_read(const char *path, json_t **ret, struct error *err)
{
	struct error e = { .code = 0 };
	char *text = NULL;
	size_t len = 0;
	int r = fs_read_file(AT_FDCWD, path, AUTH_FILE_BYTES_MAX, &text, &len, &e);

	*ret = NULL;
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0) {
		*err = e;
		return r;
	}
	/* An empty file is one that somebody made with touch(1) or mktemp(1). */
	r = len ? auth_text_read(text, len, path, ret, err) : 0;
	explicit_bzero(text, len);
	free(text);
	return r;
}

/* ---- keys --------------------------------------------------------------------------------- */

static bool is_hub(const char *host, size_t len)
{
	static const char *const names[] = { "docker.io", "index.docker.io",
					     "registry-1.docker.io" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && memcmp(names[i], host, len) == 0)
			return true;
	return false;
}

static bool cut_suffix(char *s, const char *suffix)
{
	bool has = is_suffix(s, suffix);

	if (has)
		s[strlen(s) - strlen(suffix)] = '\0';
	return has;
}

char *auth_plain_key(const char *key)
{
	bool is_url = is_prefix(key, "https://") || is_prefix(key, "http://");
	cleanup_free char *plain = xstrdup(is_url ? strstr(key, "//") + 2 : key);
	size_t host;

	/* "host/v1" without a scheme is a namespace of that name; with a slash behind it, it is an
	 * address of the API, as is every URL. */
	if (!cut_suffix(plain, "/v1/") && !cut_suffix(plain, "/v2/") && is_url) {
		(void)cut_suffix(plain, "/");
		(void)(cut_suffix(plain, "/v1") || cut_suffix(plain, "/v2"));
	}
	host = strcspn(plain, "/");
	if (is_hub(plain, host))
		return xasprintf("docker.io%s", plain + host);
	return steal_ptr(&plain);
}

const char *auth_server(const char *key)
{
	return is_equal(key, "docker.io") ? HUB_SERVER : key;
}

static bool is_same_key(const char *name, const char *key)
{
	cleanup_free char *plain = auth_plain_key(name);

	if (WEAKEN("REG-5"))
		return strcasestr(plain, key) || strcasestr(key, plain);
	return is_equal(plain, key);
}

json_t *auth_member(json_t *map, const char *key, const char **ret_name)
{
	json_t *exact = json_object_get(map, key), *member;
	const char *name;

	if (exact) {
		if (ret_name)
			*ret_name = key;
		return exact;
	}
	json_object_foreach (map, name, member) {
		if (is_same_key(name, key)) {
			if (ret_name)
				*ret_name = name;
			return member;
		}
	}
	return NULL;
}

/* ---- entries ------------------------------------------------------------------------------ */

static int bad_entry(const struct auth_query *q, const char *key, const char *why,
		     struct error *err)
{
	return error_set(err, EBADMSG, "'%.200s': the entry for '%.150s' %s", q->what, key, why);
}

/* "auth": base64 of "user:password". */
static int take_auth(const char *auth, struct credentials *ret)
{
	char *text = xmalloc(strlen(auth) + 1), *colon = NULL;
	size_t len = 0;
	int r = base64_decode(auth, strlen(auth), text, &len);

	while (len && text[len - 1] == '\0') /* some old Docker clients pad with NUL */
		len--;
	if (r == 0)
		colon = memchr(text, ':', len);
	if (!colon || memchr(text, '\0', len)) {
		r = -EINVAL;
	} else {
		ret->user = xstrndup(text, (size_t)(colon - text));
		ret->password = xstrndup(colon + 1, len - (size_t)(colon + 1 - text));
	}
	explicit_bzero(text, strlen(auth));
	free(text);
	return r;
}

/* 1: the entry has credentials. */
static int take_entry(const struct auth_query *q, const char *key, const json_t *entry,
		      struct credentials *ret, struct error *err)
{
	const char *auth = jget_str(entry, "auth"), *user = jget_str(entry, "username");
	const char *password = jget_str(entry, "password");
	const char *token = jget_str(entry, "identitytoken");

	if (!json_is_object(entry))
		return bad_entry(q, key, "is not an object", err);
	if (!is_empty(auth)) {
		if (take_auth(auth, ret) < 0)
			return bad_entry(q, key, "has an auth that is not base64 of user:password",
					 err);
	} else if (!is_empty(user)) {
		ret->user = xstrdup(user);
		ret->password = xstrdup(password ? password : "");
	}
	if (!is_empty(token))
		ret->identity_token = xstrdup(token);
	if (ret->identity_token || !is_empty(ret->user))
		return 1;
	credentials_done(ret);
	return 0;
}

static int ask_helper(const struct auth_query *q, const json_t *name, const char *key,
		      struct credentials *ret, struct error *err)
{
	const char *server = auth_server(key);
	int r;

	if (!json_is_string(name))
		return bad_entry(q, key, "in credHelpers or credsStore is not a string", err);
	r = auth_helper_get(json_string_value(name), server, ret, err);
	if (r == 0 && server != key) /* other programs file the Hub under its plain name */
		r = auth_helper_get(json_string_value(name), key, ret, err);
	return r < 0 ? error_wrap(err, "'%.150s'", q->what) : r;
}

/* The keys to ask for, the longest first. */
static void list_keys(const struct auth_query *q, struct strlist *ret)
{
	cleanup_free char *key =
		is_empty(q->path) ? xstrdup(q->key) : xasprintf("%s/%s", q->key, q->path);
	char *slash;

	strlist_add(ret, key);
	while ((slash = strrchr(key, '/'))) {
		*slash = '\0';
		strlist_add(ret, key);
	}
}

int auth_query(const json_t *root, const struct auth_query *q, struct credentials *ret,
	       struct error *err)
{
	json_t *auths = q->is_legacy ? (json_t *)(uintptr_t)root : json_object_get(root, "auths");
	json_t *helpers = q->may_run ? json_object_get(root, "credHelpers") : NULL;
	const json_t *store = q->may_run ? json_object_get(root, "credsStore") : NULL;
	cleanup_strlist struct strlist keys = { .n = 0 };
	int r = 0;

	list_keys(q, &keys);
	for (size_t i = 0; r == 0 && i < keys.n; i++) {
		const json_t *helper = auth_member(helpers, keys.v[i], NULL);
		const json_t *entry = auth_member(auths, keys.v[i], NULL);

		if (helper)
			r = ask_helper(q, helper, keys.v[i], ret, err);
		if (r == 0 && entry)
			r = take_entry(q, keys.v[i], entry, ret, err);
	}
	if (r == 0 && store && !(json_is_string(store) && !*json_string_value(store)))
		r = ask_helper(q, store, keys.v[keys.n - 1], ret, err);
	return r;
}
