/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth - finds, stores and removes the credentials of registries.
 *
 * Theory of operation: to find is to ask the files of auth.h one after the other (auth_file.c), or
 * what credential-helpers of registries.conf lists instead, in its order. The text of an
 * imagePullSecret is asked alone, and never starts a program: it comes from a manifest.
 *
 * A change reads the file, changes the tree and replaces the file, with all that other programs keep
 * in it; the directory is locked meanwhile, so that two logins at once both count. A file that is a
 * symbolic link is replaced where it leads to. A failure leaves the old file.
 */
#include "engine/image/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/base/base64.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/image/auth_file.h"
#include "engine/image/auth_helper.h"
#include "engine/image/registries.h"

/* What credential-helpers calls the files. */
#define FILES_WORD "containers-auth.json"

static void free_secret(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

void credentials_done(struct credentials *c)
{
	free_secret(&c->user);
	free_secret(&c->password);
	free_secret(&c->identity_token);
}

int credentials_parse(const char *text, struct credentials *ret, struct error *err)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	if (len == 0)
		return error_set(err, EINVAL, "credentials must be USER[:PASSWORD]");
	ret->user = xstrndup(text, len);
	ret->password = xstrdup(colon ? colon + 1 : "");
	return 0;
}

/* ---- files -------------------------------------------------------------------------------- */

/* $variable/tail, or ~/home_tail/tail; NULL when there is neither. */
static char *user_path(const char *variable, const char *home_tail, const char *tail)
{
	const char *dir = variable ? getenv(variable) : NULL, *home = getenv("HOME");

	if (!is_empty(dir))
		return xasprintf("%s/%s", dir, tail);
	return is_empty(home) ? NULL : xasprintf("%s/%s%s", home, home_tail, tail);
}

static char *runtime_path(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if (!is_empty(dir))
		return xasprintf("%s/containers/auth.json", dir);
	return xasprintf("/run/containers/%u/auth.json", (unsigned int)getuid());
}

/* The one file that is written to, and that a user may have named. */
static char *first_path(const char *authfile)
{
	const char *named = getenv("REGISTRY_AUTH_FILE");

	if (!is_empty(authfile))
		return xstrdup(authfile);
	return is_empty(named) ? runtime_path() : xstrdup(named);
}

static void list_paths(const char *authfile, struct strlist *ret)
{
	char *rest[] = { user_path("XDG_CONFIG_HOME", ".config/", "containers/auth.json"),
			 user_path("DOCKER_CONFIG", ".docker/", "config.json"),
			 user_path(NULL, "", ".dockercfg") };
	bool is_named = !is_empty(authfile) || !is_empty(getenv("REGISTRY_AUTH_FILE"));

	strlist_take(ret, first_path(authfile));
	for (size_t i = 0; i < ARRAY_SIZE(rest); i++) {
		if (rest[i] && !is_named)
			strlist_add(ret, rest[i]);
		free(rest[i]);
	}
}

/* ---- finding ------------------------------------------------------------------------------ */

static int find_in_file(const char *path, struct auth_query *q, struct credentials *ret,
			struct error *err)
{
	cleanup_json_secret json_t *root = NULL;
	int r = auth_file_read(path, &root, err);

	if (r < 0 || !root)
		return r;
	q->what = path;
	q->is_legacy = is_suffix(path, "/.dockercfg");
	return auth_query(root, q, ret, err);
}

static int find_in_files(const char *authfile, struct auth_query *q, struct credentials *ret,
			 struct error *err)
{
	cleanup_strlist struct strlist paths = { .n = 0 };
	int r = 0;

	if (!is_empty(authfile) && access(authfile, R_OK) < 0)
		return error_errno(err, "authentication file '%s'", authfile);
	list_paths(authfile, &paths);
	for (size_t i = 0; r == 0 && i < paths.n; i++)
		r = find_in_file(paths.v[i], q, ret, err);
	return r;
}

static int ask_helper(const char *name, const struct auth_query *q, struct credentials *ret,
		      struct error *err)
{
	cleanup_free char *host = xstrndup(q->key, strcspn(q->key, "/"));

	return auth_helper_get(name, auth_server(host), ret, err);
}

int auth_find(const char *authfile, const char *key, const char *path, struct credentials *ret,
	      struct error *err)
{
	cleanup_free char *plain = auth_plain_key(key);
	struct auth_query q = { .key = plain, .path = path, .may_run = true };
	cleanup_registries struct registries *conf = NULL;
	const struct strlist *order;
	int r = registries_load(&conf, err);

	if (r < 0)
		return r;
	order = registries_helpers(conf);
	if (order->n == 0)
		return find_in_files(authfile, &q, ret, err);
	for (size_t i = 0; r == 0 && i < order->n; i++)
		r = is_equal(order->v[i], FILES_WORD) ? find_in_files(authfile, &q, ret, err)
						      : ask_helper(order->v[i], &q, ret, err);
	return r;
}

int auth_find_text(const char *json, size_t len, const char *key, const char *path,
		   struct credentials *ret, struct error *err)
{
	cleanup_free char *plain = auth_plain_key(key);
	struct auth_query q = { .what = "pull secret", .key = plain, .path = path };
	cleanup_json_secret json_t *root = NULL;
	int r = len > AUTH_FILE_BYTES_MAX
			? error_set(err, E2BIG, "a pull secret is larger than %d bytes",
				    AUTH_FILE_BYTES_MAX)
			: auth_text_read(json, len, q.what, &root, err);

	if (r < 0)
		return r;
	q.is_legacy = !json_object_get(root, "auths");
	return auth_query(root, &q, ret, err);
}

/* ---- changing ----------------------------------------------------------------------------- */

/* A file that is being changed. */
struct change {
	char *path; /* where it leads to */
	json_t *root;
	int lock; /* its directory */
};

static void change_done(struct change *c)
{
	free(c->path);
	json_secret_free(&c->root);
	if (c->lock >= 0)
		(void)close(c->lock);
}
#define cleanup_change cleanup(change_done)

static int begin_change(const char *authfile, struct change *c, struct error *err)
{
	cleanup_free char *path = first_path(authfile);
	char *real = realpath(path, NULL), *slash;
	cleanup_free char *dir = NULL;
	int r;

	c->path = real ? real : steal_ptr(&path);
	if (is_suffix(c->path, "/.dockercfg"))
		return error_set(err, EINVAL, "'%s' has the old form, which is only read", c->path);
	slash = strrchr(c->path, '/');
	dir = !slash		 ? xstrdup(".")
	      : slash == c->path ? xstrdup("/")
				 : xstrndup(c->path, (size_t)(slash - c->path));
	c->lock = fs_mkdirs(AT_FDCWD, dir, 0700, err);
	if (c->lock < 0)
		return c->lock;
	while (flock(c->lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_errno(err, "lock '%s'", dir);
	r = auth_file_read(c->path, &c->root, err);
	if (r == 0 && !c->root)
		c->root = json_object();
	return r;
}

static int end_change(struct change *c, struct error *err)
{
	char *text = jdump_text(c->root, 4);
	int r = fs_write_atomic(AT_FDCWD, c->path, text, strlen(text), 0600, FS_SYNC, err);

	explicit_bzero(text, strlen(text));
	free(text);
	return r;
}

/* The object "auths", made when it is not there. */
static json_t *get_auths(struct change *c)
{
	json_t *auths = json_object_get(c->root, "auths");

	if (!json_is_object(auths)) {
		(void)json_object_set_new(c->root, "auths", json_object());
		auths = json_object_get(c->root, "auths");
	}
	return auths;
}

/* Removes every spelling of a key; whether there was one. */
static bool drop_entries(struct change *c, const char *key)
{
	json_t *auths = get_auths(c);
	const char *name = NULL;
	bool dropped = false;

	while (auth_member(auths, key, &name)) {
		cleanup_free char *owned = xstrdup(name); /* freed with its entry */

		(void)json_object_del(auths, owned);
		dropped = true;
	}
	return dropped;
}

static json_t *make_entry(const struct credentials *c, struct error *err)
{
	char *pair = xasprintf("%s:%s", c->user ? c->user : "", c->password ? c->password : "");
	char *auth = base64_encode(pair, strlen(pair));
	json_t *entry = json_object();

	(void)json_object_set_new(entry, "auth", json_string(auth));
	if (c->identity_token &&
	    json_object_set_new(entry, "identitytoken", json_string(c->identity_token)) < 0) {
		(void)error_set(err, EINVAL, "an identity token must be UTF-8");
		json_secret_free(&entry);
	}
	explicit_bzero(auth, strlen(auth));
	free(auth);
	explicit_bzero(pair, strlen(pair));
	free(pair);
	return entry;
}

/* The helper that a file has for a key: its own, or the one for all. NULL: the file itself. */
static const char *helper_of(const struct change *c, const char *key, bool *ret_is_store)
{
	json_t *own = auth_member(json_object_get(c->root, "credHelpers"), key, NULL);
	const char *store = jget_str(c->root, "credsStore");

	*ret_is_store = !own && !is_empty(store);
	return own ? json_string_value(own) : is_empty(store) ? NULL : store;
}

static int store_in_file(struct change *c, const char *key, const struct credentials *creds,
			 char **ret_where, struct error *err)
{
	bool is_store;
	const char *helper = helper_of(c, key, &is_store);
	json_t *entry;
	int r;

	if (helper) {
		*ret_where = xasprintf("docker-credential-%s", helper);
		r = auth_helper_store(helper, auth_server(key), creds, err);
		if (r < 0 || !is_store)
			return r;
		entry = json_object(); /* Docker's sign that the store has the key */
	} else {
		*ret_where = xstrdup(c->path);
		entry = make_entry(creds, err);
	}
	if (!entry)
		return -err->code;
	(void)drop_entries(c, key);
	(void)json_object_set_new(get_auths(c), key, entry);
	return end_change(c, err);
}

/* What credential-helpers names first: NULL: the files. */
static int first_helper(char **ret, struct error *err)
{
	cleanup_registries struct registries *conf = NULL;
	const struct strlist *order;
	int r = registries_load(&conf, err);

	if (r < 0)
		return r;
	order = registries_helpers(conf);
	if (order->n && !is_equal(order->v[0], FILES_WORD))
		*ret = xstrdup(order->v[0]);
	return 0;
}

static int check_user(const struct credentials *c, struct error *err)
{
	if (c->identity_token || (!is_empty(c->user) && !strchr(c->user, ':')))
		return 0;
	return error_set(err, EINVAL, "a user name must not be empty, nor hold ':'");
}

int auth_store(const char *authfile, const char *key, const struct credentials *c, char **ret_where,
	       struct error *err)
{
	cleanup_free char *plain = auth_plain_key(key);
	cleanup_free char *helper = NULL, *where = NULL;
	cleanup_change struct change change = { .lock = -EBADF };
	int r = check_user(c, err);

	if (r == 0 && is_empty(authfile))
		r = first_helper(&helper, err);
	if (r < 0)
		return r;
	if (helper) {
		where = xasprintf("docker-credential-%s", helper);
		r = auth_helper_store(helper, auth_server(plain), c, err);
	} else {
		r = begin_change(authfile, &change, err);
		if (r == 0)
			r = store_in_file(&change, plain, c, &where, err);
	}
	if (r == 0 && ret_where)
		*ret_where = steal_ptr(&where);
	return r;
}

int auth_remove(const char *authfile, const char *key, struct error *err)
{
	cleanup_free char *plain = auth_plain_key(key);
	cleanup_free char *helper = NULL;
	cleanup_change struct change change = { .lock = -EBADF };
	int r = is_empty(authfile) ? first_helper(&helper, err) : 0, erased = 0;
	const char *own;
	bool is_store, dropped;

	if (r < 0)
		return r;
	if (helper)
		return auth_helper_erase(helper, auth_server(plain), err);
	r = begin_change(authfile, &change, err);
	if (r < 0)
		return r;
	own = helper_of(&change, plain, &is_store);
	if (own)
		erased = auth_helper_erase(own, auth_server(plain), err);
	if (erased < 0)
		return erased;
	dropped = drop_entries(&change, plain);
	if (dropped)
		r = end_change(&change, err);
	return r < 0 ? r : dropped || erased;
}

/* Every key that a file has with a helper. */
static int erase_helped(struct change *c, struct error *err)
{
	json_t *helpers = json_object_get(c->root, "credHelpers"), *name, *entry;
	const char *store = jget_str(c->root, "credsStore"), *key;
	int r = 0;

	json_object_foreach (helpers, key, name) {
		cleanup_free char *plain = auth_plain_key(key);

		if (r >= 0 && json_is_string(name))
			r = auth_helper_erase(json_string_value(name), auth_server(plain), err);
	}
	json_object_foreach (get_auths(c), key, entry) {
		cleanup_free char *plain = auth_plain_key(key);

		if (r >= 0 && !is_empty(store))
			r = auth_helper_erase(store, auth_server(plain), err);
	}
	return r < 0 ? r : 0;
}

int auth_remove_all(const char *authfile, struct error *err)
{
	cleanup_change struct change c = { .lock = -EBADF };
	int r = begin_change(authfile, &c, err);

	if (r == 0)
		r = erase_helped(&c, err);
	if (r < 0)
		return r;
	(void)json_object_clear(get_auths(&c));
	return end_change(&c, err);
}
