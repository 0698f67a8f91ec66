/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries_conf - one file of containers-registries.conf(5), version 2.
 *
 * Theory of operation: the file becomes a tree (toml.c), the tree one set of settings of its own,
 * which is merged into what earlier files said only when all of it is good. A [[registry]] replaces
 * the one with the same prefix, an alias the one with the same name (the value "" takes it away),
 * and each list or mode the earlier one.
 *
 * What we do not know is left alone: the format grows and other programs read it too. What we know
 * and what has the wrong type, or a value that cannot be, is an error with its place: a misspelt
 * "blocked" must not open a door. Version 1 ([registries.search], .insecure, .block) is refused with
 * the words that replace it, since half of what it says would be lost.
 */
#include "engine/image/registries_conf.h"

#include <errno.h>
#include <string.h>

#include "engine/image/toml.h"

/* One file while it is read. */
struct reader {
	const char *path;
	struct registries *into;
};

static int fail_at(const struct reader *rd, const struct toml *t, struct error *err,
		   const char *why)
{
	return error_set(err, EINVAL, "%.200s:%d:%d: %s", rd->path, t->line, t->column, why);
}

static int fail_type(const struct reader *rd, const struct toml *t, enum toml_type wanted,
		     struct error *err)
{
	return error_set(err, EINVAL, "%.200s:%d:%d: '%.80s' must be a %s, not a %s", rd->path,
			 t->line, t->column, t->key ? t->key : "an element",
			 wanted == TOML_ARRAY ? "list" : toml_type_str(wanted),
			 t->type == TOML_ARRAY ? "list" : toml_type_str(t->type));
}

/* A string member; absent leaves *ret alone. Borrowed. */
static int get_string(const struct reader *rd, const struct toml *t, const char *key,
		      const char **ret, struct error *err)
{
	const struct toml *m = toml_get(t, key);

	if (m && m->type != TOML_STRING)
		return fail_type(rd, m, TOML_STRING, err);
	if (m)
		*ret = m->text;
	return 0;
}

static int get_bool(const struct reader *rd, const struct toml *t, const char *key, bool *ret,
		    struct error *err)
{
	const struct toml *m = toml_get(t, key);

	if (m && m->type != TOML_BOOLEAN)
		return fail_type(rd, m, TOML_BOOLEAN, err);
	if (m)
		*ret = m->boolean;
	return 0;
}

/* A list of strings; *ret_is_there whether there is one. */
static int get_strings(const struct reader *rd, const struct toml *t, const char *key,
		       struct strlist *ret, struct error *err)
{
	const struct toml *m = toml_get(t, key);

	if (!m)
		return 0;
	if (m->type != TOML_ARRAY)
		return fail_type(rd, m, TOML_ARRAY, err);
	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i]->type != TOML_STRING)
			return fail_type(rd, m->v[i], TOML_STRING, err);
		strlist_add(ret, m->v[i]->text);
	}
	return 0;
}

/* ---- places ----------------------------------------------------------------------------- */

bool is_registry_place(const char *text)
{
	cleanup_free char *inside = xasprintf("%s/x", text);
	struct error ignored; /* the answer is yes or no */
	struct reference ref;

	if (reference_parse(inside, &ref, &ignored) == 0)
		return !ref.is_short;
	return strchr(text, '/') && reference_parse(text, &ref, &ignored) == 0 && !ref.is_short;
}

/* "*.example.com": at least one label behind it, no port, no path. */
static bool is_wildcard(const char *prefix)
{
	return is_prefix(prefix, "*.") && !strpbrk(prefix + 2, "*/:@") &&
	       is_registry_place(prefix + 2);
}

static char *trimmed_place(const char *text)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == '/')
		len--;
	return xstrndup(text, len);
}

/* ---- [[registry]] ------------------------------------------------------------------------ */

static void mirror_done(struct registry_mirror *m)
{
	free(m->location);
}

void registry_conf_done(struct registry_conf *c)
{
	for (size_t i = 0; i < c->n_mirrors; i++)
		mirror_done(&c->mirrors[i]);
	free(c->mirrors);
	free(c->prefix);
	free(c->location);
	free(c->file);
	*c = (struct registry_conf){ .prefix = NULL };
}
#define cleanup_registry_conf cleanup(registry_conf_done)

static int read_pull_from(const struct reader *rd, const struct toml *t, bool by_digest_only,
			  enum pull_from *ret, struct error *err)
{
	static const char *const names[] = { "all", "digest-only", "tag-only" };
	const char *text = "";
	int r = get_string(rd, t, "pull-from-mirror", &text, err);

	*ret = by_digest_only ? PULL_FROM_DIGEST : PULL_FROM_ALL;
	if (r < 0 || !*text)
		return r;
	if (by_digest_only)
		return fail_at(rd, t, err,
			       "pull-from-mirror and mirror-by-digest-only exclude each other");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is_equal(text, names[i])) {
			*ret = (enum pull_from)i;
			return 0;
		}
	return fail_at(rd, toml_get(t, "pull-from-mirror"), err,
		       "pull-from-mirror must be 'all', 'digest-only' or 'tag-only'");
}

static int read_mirror(const struct reader *rd, const struct toml *t, bool by_digest_only,
		       struct registry_mirror *ret, struct error *err)
{
	const char *location = "";
	int r;

	if (t->type != TOML_TABLE)
		return fail_type(rd, t, TOML_TABLE, err);
	r = get_string(rd, t, "location", &location, err);
	if (r == 0)
		r = get_bool(rd, t, "insecure", &ret->insecure, err);
	if (r == 0)
		r = read_pull_from(rd, t, by_digest_only, &ret->pull_from, err);
	if (r < 0)
		return r;
	ret->location = trimmed_place(location);
	if (!is_registry_place(ret->location))
		return fail_at(rd, t, err, "location of a mirror must be host[:port][/path]");
	return 0;
}

static int read_mirrors(const struct reader *rd, const struct toml *t, struct registry_conf *c,
			struct error *err)
{
	const struct toml *list = toml_get(t, "mirror");
	bool by_digest_only = false;
	int r = get_bool(rd, t, "mirror-by-digest-only", &by_digest_only, err);

	if (r < 0 || !list)
		return r;
	if (list->type != TOML_ARRAY)
		return fail_type(rd, list, TOML_ARRAY, err);
	c->mirrors = list->n ? xcalloc(list->n, sizeof(*c->mirrors)) : NULL;
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		c->n_mirrors = i + 1;
		r = read_mirror(rd, list->v[i], by_digest_only, &c->mirrors[i], err);
	}
	return r;
}

/* A prefix may be left out for the location, and a location for the prefix if that is a wildcard. */
static int read_places(const struct reader *rd, const struct toml *t, struct registry_conf *c,
		       struct error *err)
{
	const char *prefix = "", *location = "";
	int r = get_string(rd, t, "prefix", &prefix, err);

	if (r == 0)
		r = get_string(rd, t, "location", &location, err);
	if (r < 0)
		return r;
	c->location = trimmed_place(location);
	c->prefix = trimmed_place(*prefix ? prefix : location);
	if (!*c->prefix)
		return fail_at(rd, t, err, "a registry needs a prefix or a location");
	if (*c->prefix == '*' ? !is_wildcard(c->prefix) : !is_registry_place(c->prefix))
		return fail_at(rd, t, err, "prefix must be host[:port][/path] or *.host");
	if (!*c->location && *c->prefix != '*')
		return fail_at(rd, t, err, "location may be left out only with a prefix *.host");
	if (*c->location && !is_registry_place(c->location))
		return fail_at(rd, t, err, "location must be host[:port][/path], without http://");
	return 0;
}

/* Replaces the one with the same prefix; c is emptied. */
static void put_registry(struct registries *into, struct registry_conf *c)
{
	for (size_t i = 0; i < into->n; i++) {
		if (is_equal(into->v[i].prefix, c->prefix)) {
			registry_conf_done(&into->v[i]);
			into->v[i] = *c;
			*c = (struct registry_conf){ .prefix = NULL };
			return;
		}
	}
	into->v = xreallocarray(into->v, into->n + 1, sizeof(*into->v));
	into->v[into->n++] = *c;
	*c = (struct registry_conf){ .prefix = NULL };
}

/* Two tables for one prefix in one file: not one that silently wins over "blocked". */
static bool is_known_here(const struct reader *rd, const struct registry_conf *c)
{
	for (size_t i = 0; i < rd->into->n; i++)
		if (is_equal(rd->into->v[i].prefix, c->prefix))
			return true;
	return false;
}

static int read_registry(const struct reader *rd, const struct toml *t, struct error *err)
{
	cleanup_registry_conf struct registry_conf c = { .file = xstrdup(rd->path) };
	int r;

	if (t->type != TOML_TABLE)
		return fail_type(rd, t, TOML_TABLE, err);
	if (toml_get(t, "pull-from-mirror"))
		return fail_at(rd, toml_get(t, "pull-from-mirror"), err,
			       "pull-from-mirror belongs into [[registry.mirror]]");
	r = read_places(rd, t, &c, err);
	if (r == 0)
		r = get_bool(rd, t, "insecure", &c.insecure, err);
	if (r == 0)
		r = get_bool(rd, t, "blocked", &c.blocked, err);
	if (r == 0)
		r = read_mirrors(rd, t, &c, err);
	if (r < 0)
		return r;
	if (is_known_here(rd, &c))
		return fail_at(rd, t, err, "a registry with this prefix is in this file already");
	put_registry(rd->into, &c);
	return 0;
}

static int read_registries(const struct reader *rd, const struct toml *root, struct error *err)
{
	const struct toml *list = toml_get(root, "registry");
	int r = 0;

	if (list && list->type != TOML_ARRAY)
		return fail_type(rd, list, TOML_ARRAY, err);
	for (size_t i = 0; r == 0 && list && i < list->n; i++)
		r = read_registry(rd, list->v[i], err);
	return r;
}

/* ---- short names ------------------------------------------------------------------------- */

/* The name has no registry, neither has a tag or digest, and the value has a registry. */
static bool is_alias(const char *name, const char *value)
{
	struct error ignored; /* the answer is yes or no */
	struct reference ref;

	if (reference_parse(name, &ref, &ignored) < 0 || !ref.is_short || !ref.is_tag_implied ||
	    ref.digest[0])
		return false;
	if (!*value)
		return true; /* takes an alias away */
	return reference_parse(value, &ref, &ignored) == 0 && !ref.is_short && ref.is_tag_implied &&
	       !ref.digest[0];
}

static int read_aliases(const struct reader *rd, const struct toml *root, struct error *err)
{
	const struct toml *table = toml_get(root, "aliases");

	if (!table)
		return 0;
	if (table->type != TOML_TABLE)
		return fail_type(rd, table, TOML_TABLE, err);
	for (size_t i = 0; i < table->n; i++) {
		const struct toml *t = table->v[i];

		if (t->type != TOML_STRING)
			return fail_type(rd, t, TOML_STRING, err);
		if (!is_alias(t->key, t->text))
			return fail_at(rd, t, err,
				       "an alias is \"short name\" = \"registry/name\", both "
				       "without tag and digest");
		pairlist_set(&rd->into->aliases, t->key, t->text);
	}
	return 0;
}

static int read_short_names(const struct reader *rd, const struct toml *root, struct error *err)
{
	static const char *const modes[] = { "permissive", "enforcing", "disabled" };
	const char *mode = "";
	int r = get_string(rd, root, "short-name-mode", &mode, err);

	if (r < 0 || !*mode)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (is_equal(mode, modes[i])) {
			rd->into->short_names = (enum short_names)i;
			return 0;
		}
	return fail_at(rd, toml_get(root, "short-name-mode"), err,
		       "short-name-mode must be 'enforcing', 'permissive' or 'disabled'");
}

static int read_search(const struct reader *rd, const struct toml *root, struct error *err)
{
	static const char key[] = "unqualified-search-registries";
	struct registries *into = rd->into;
	int r = get_strings(rd, root, key, &into->search, err);

	for (size_t i = 0; r == 0 && i < into->search.n; i++)
		if (!is_registry_place(into->search.v[i]))
			return fail_at(rd, toml_get(root, key)->v[i], err,
				       "unqualified-search-registries holds host[:port] only");
	if (r == 0 && toml_get(root, key)) {
		into->has_search = true;
		into->search_file = xstrdup(rd->path);
	}
	return r;
}

/* ---- the file ---------------------------------------------------------------------------- */

static int refuse_version_1(const struct reader *rd, const struct toml *root, struct error *err)
{
	static const char *const tables[] = { "search", "insecure", "block" };
	const struct toml *old = toml_get(root, "registries");

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (toml_get(old, tables[i]))
			return fail_at(
				rd, toml_get(old, tables[i]), err,
				"this is version 1 of the format: write [registries.search] "
				"as unqualified-search-registries = [...], and for each of "
				"[registries.insecure] and [registries.block] a [[registry]] "
				"with location = \"...\" and insecure = true or blocked = "
				"true");
	return 0;
}

static int read_tree(const struct reader *rd, const struct toml *root, struct error *err)
{
	int r = refuse_version_1(rd, root, err);

	if (r == 0)
		r = read_search(rd, root, err);
	if (r == 0)
		r = get_strings(rd, root, "credential-helpers", &rd->into->helpers, err);
	if (r == 0)
		r = read_short_names(rd, root, err);
	if (r == 0)
		r = read_registries(rd, root, err);
	return r < 0 ? r : read_aliases(rd, root, err);
}

static void take_list(struct strlist *dst, struct strlist *src)
{
	strlist_done(dst);
	*dst = *src;
	*src = (struct strlist){ .n = 0 };
}

/* What a file said into what earlier ones said. */
static void merge(struct registries *r, struct registries *from, const struct toml *root)
{
	for (size_t i = 0; i < from->n; i++)
		put_registry(r, &from->v[i]);
	for (size_t i = 0; i < from->aliases.n; i++)
		pairlist_set(&r->aliases, from->aliases.v[i].key, from->aliases.v[i].value);
	if (from->has_search) {
		take_list(&r->search, &from->search);
		free(r->search_file);
		r->search_file = steal_ptr(&from->search_file);
		r->has_search = true;
	}
	if (toml_get(root, "credential-helpers"))
		take_list(&r->helpers, &from->helpers);
	if (toml_get(root, "short-name-mode"))
		r->short_names = from->short_names;
}

int registries_conf_read(struct registries *r, const char *path, struct error *err)
{
	cleanup_registries struct registries *one = xcalloc(1, sizeof(*one));
	const struct reader rd = { .path = path, .into = one };
	cleanup_toml struct toml *root = NULL;
	int e = toml_parse_file(path, &root, err);

	if (e == 0)
		e = read_tree(&rd, root, err);
	if (e == 0)
		merge(r, one, root);
	return e;
}
