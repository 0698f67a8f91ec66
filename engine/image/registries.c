/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries - what names mean and where they are looked for.
 *
 * Theory of operation: the files are read once into one set of settings (registries_conf.c). A name
 * goes two steps from there:
 *
 *	registries_candidates()	"nginx" -> "docker.io/library/nginx:latest", ...: which full
 *				names a short one may mean; a full name is itself
 *	registries_routes()	"docker.io/library/nginx:latest" -> registry-1.docker.io,
 *				library/nginx: whom to ask for it; the [[registry]] with the longest
 *				prefix says which mirrors and which location
 *
 * A prefix matches whole components only: "example.com/foo" is no prefix of "example.com/foobar".
 * Hosts are compared without regard to case, since they are names of DNS: "Example.com" must not
 * walk past a blocked "example.com". Paths are lower case anyway.
 *
 * What comes out of a rewrite is parsed again by reference.c, so that nothing but a proper name gets
 * into a URL, whatever a location says.
 */
#include "engine/image/registries.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "engine/image/registries_conf.h"

#define DROPINS_MAX 1000 /* files of one directory */

/* ---- loading ----------------------------------------------------------------------------- */

void registries_free(struct registries *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		registry_conf_done(&r->v[i]);
	free(r->v);
	free(r->search_file);
	strlist_done(&r->search);
	strlist_done(&r->helpers);
	pairlist_done(&r->aliases);
	free(r);
}

/* A file that is not there says nothing. /dev/null is how one asks for no configuration at all. */
static int read_if_there(struct registries *r, const char *path, struct error *err)
{
	struct error e = { .code = 0 };

	if (is_empty(path) || is_equal(path, "/dev/null"))
		return 0;
	if (registries_conf_read(r, path, &e) == 0 || e.code == ENOENT || e.code == ENOTDIR)
		return 0;
	*err = e;
	return -e.code;
}

static int is_conf(const struct dirent *e)
{
	return e->d_name[0] != '.' && is_suffix(e->d_name, ".conf");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_dropins(struct registries *r, const char *dir, struct error *err)
{
	struct dirent **names = NULL;
	int n = is_empty(dir) ? 0 : scandir(dir, &names, is_conf, by_name), e = 0;

	if (n < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (n < 0)
		return error_errno(err, "read directory '%s'", dir);
	if (n > DROPINS_MAX)
		e = error_set(err, E2BIG, "'%s' has more than %d files", dir, DROPINS_MAX);
	for (int i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%s/%s", dir, names[i]->d_name);

		if (e == 0)
			e = read_if_there(r, path, err);
		free(names[i]);
	}
	free(names);
	return e;
}

int registries_load_from(const struct registries_paths *paths, struct registries **ret,
			 struct error *err)
{
	cleanup_registries struct registries *r = xcalloc(1, sizeof(*r));
	int e = read_if_there(r, paths->file, err);

	for (size_t i = 0; e == 0 && i < ARRAY_SIZE(paths->dropin_dirs); i++)
		e = read_dropins(r, paths->dropin_dirs[i], err);
	if (e == 0)
		e = read_if_there(r, paths->aliases, err);
	if (e < 0)
		return e;
	*ret = steal_ptr(&r);
	return 0;
}

/* $HOME/tail; NULL without a HOME. */
static char *below_home(const char *tail)
{
	const char *home = getenv("HOME");

	return is_empty(home) ? NULL : xasprintf("%s/%s", home, tail);
}

static char *aliases_path(void)
{
	const char *cache = getenv("XDG_CACHE_HOME");

	if (geteuid() == 0)
		return xstrdup("/var/cache/containers/short-name-aliases.conf");
	if (!is_empty(cache))
		return xasprintf("%s/containers/short-name-aliases.conf", cache);
	return below_home(".cache/containers/short-name-aliases.conf");
}

int registries_load(struct registries **ret, struct error *err)
{
	cleanup_free char *user = below_home(".config/containers/registries.conf");
	cleanup_free char *user_dir = below_home(".config/containers/registries.conf.d");
	cleanup_free char *aliases = aliases_path();
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF");
	struct registries_paths paths = {
		.file = "/etc/containers/registries.conf",
		.dropin_dirs = { "/etc/containers/registries.conf.d", user_dir },
		.aliases = aliases,
	};

	if (!is_empty(named))
		paths.file = named;
	else if (user && access(user, F_OK) == 0)
		paths.file = user;
	return registries_load_from(&paths, ret, err);
}

const struct strlist *registries_search(const struct registries *r)
{
	return &r->search;
}

const struct strlist *registries_helpers(const struct registries *r)
{
	return &r->helpers;
}

/* ---- short names -------------------------------------------------------------------------- */

/* The path as the user wrote it. */
static const char *written_path(const struct reference *ref)
{
	return ref->path + (ref->is_library_implied ? strlen("library/") : 0);
}

/* "name" with the tag and digest of ref, normalised. */
static int add_candidate(const struct reference *ref, const char *name, struct strlist *ret,
			 struct error *err)
{
	cleanup_free char *text = xasprintf("%s%s%s%s%s", name, ref->tag[0] ? ":" : "", ref->tag,
					    ref->digest[0] ? "@" : "", ref->digest);
	char out[REFERENCE_MAX + 1];
	struct reference full;
	int r = reference_parse(text, &full, err);

	if (r == 0 && !strlist_has(ret, reference_format(&full, out)))
		strlist_add(ret, out);
	return r;
}

static int search_candidates(const struct registries *r, const struct reference *ref,
			     struct strlist *ret, struct error *err)
{
	const char *path = written_path(ref);
	int e = 0;

	if (r->search.n == 0 && r->has_search)
		return error_set(
			err, ENOENT,
			"short name '%.200s' has no alias, and unqualified-search-registries "
			"is empty in '%.150s': write the name with its registry",
			path, r->search_file);
	if (r->search.n > 1 && r->short_names == SHORT_NAMES_ENFORCING)
		return error_set(err, EINVAL,
				 "short name '%.150s' may mean '%.80s/%.80s' and others, and "
				 "short-name-mode is 'enforcing': write the name with its registry",
				 path, r->search.v[0], path);
	for (size_t i = 0; e == 0 && i < r->search.n; i++) {
		cleanup_free char *name = xasprintf("%s/%s", r->search.v[i], path);

		e = add_candidate(ref, name, ret, err);
	}
	return e;
}

int registries_candidates(const struct registries *r, const struct reference *ref,
			  struct strlist *ret, struct error *err)
{
	char name[REFERENCE_NAME_MAX + 2];
	const char *alias = NULL;

	if (!ref->is_short)
		return add_candidate(ref, reference_format_name(ref, name), ret, err);
	if (r->short_names != SHORT_NAMES_DISABLED)
		alias = pairlist_get(&r->aliases, written_path(ref));
	if (!is_empty(alias))
		return add_candidate(ref, alias, ret, err);
	if (r->search.n == 0 && !r->has_search)
		return add_candidate(ref, reference_format_name(ref, name), ret, err);
	return search_candidates(r, ref, ret, err);
}

/* ---- prefixes ----------------------------------------------------------------------------- */

static bool ends_component(char c)
{
	return c == '\0' || c == '/' || c == ':' || c == '@';
}

/* How much of a name "*.example.com" covers: all of its host. 0: nothing. */
static size_t match_wildcard(const char *suffix, const char *name)
{
	size_t host = strcspn(name, "/:@"), len = strlen(suffix);

	return host > len && strncasecmp(name + host - len, suffix, len) == 0 ? host : 0;
}

/* How much of a name a prefix covers; 0: it does not match. */
static size_t match_prefix(const char *prefix, const char *name)
{
	size_t len = strlen(prefix), host = strcspn(prefix, "/");

	if (*prefix == '*')
		return match_wildcard(prefix + 1, name);
	if (strncasecmp(prefix, name, host) != 0 ||
	    strncmp(prefix + host, name + host, len - host) != 0)
		return 0;
	return ends_component(name[len]) ? len : 0;
}

static bool is_wildcard(const struct registry_conf *c)
{
	return *c->prefix == '*';
}

/* Of two that cover the same: the one that is no wildcard, then the longer pattern. */
static bool is_closer(const struct registry_conf *c, const struct registry_conf *best)
{
	if (is_wildcard(c) != is_wildcard(best))
		return is_wildcard(best);
	return strlen(c->prefix) > strlen(best->prefix);
}

/* The [[registry]] whose prefix covers most of a name, with how much; NULL: none does. */
static const struct registry_conf *find_registry(const struct registries *r, const char *name,
						 size_t *ret_len)
{
	const struct registry_conf *best = NULL;

	*ret_len = 0;
	for (size_t i = 0; i < r->n; i++) {
		size_t len = match_prefix(r->v[i].prefix, name);

		if (len > *ret_len || (len && len == *ret_len && is_closer(&r->v[i], best))) {
			best = &r->v[i];
			*ret_len = len;
		}
	}
	return best;
}

/* ---- routes ------------------------------------------------------------------------------- */

void route_list_done(struct route_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].host);
		free(l->v[i].auth);
		free(l->v[i].path);
	}
	free(l->v);
	*l = (struct route_list){ .n = 0 };
}

static struct registry_route *add_route(struct route_list *l, const char *domain, const char *path)
{
	struct registry_route *route;

	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	route = &l->v[l->n++];
	*route = (struct registry_route){
		.host = xstrdup(is_equal(domain, "docker.io") ? "registry-1.docker.io" : domain),
		.auth = xstrdup(domain),
		.path = xstrdup(path),
	};
	return route;
}

/* The route to what is left of a name, put behind a location. */
static int add_rewritten(struct route_list *l, const char *location, const char *rest,
			 struct registry_route **ret, struct error *err)
{
	cleanup_free char *text = xasprintf("%s%s", location, rest);
	struct reference ref;
	int r = reference_parse(text, &ref, err);

	if (r == 0 && ref.is_short)
		r = error_set(err, EINVAL, "location '%.200s' names no registry", location);
	if (r == 0)
		*ret = add_route(l, ref.domain, ref.path);
	return r;
}

static bool is_mirror_for(const struct registry_mirror *m, const struct reference *ref)
{
	return m->pull_from == PULL_FROM_ALL ||
	       (m->pull_from == PULL_FROM_DIGEST) == (ref->digest[0] != '\0');
}

static int add_mirrors(const struct registry_conf *c, const struct reference *ref, const char *rest,
		       struct route_list *ret, struct error *err)
{
	for (size_t i = 0; i < c->n_mirrors; i++) {
		const struct registry_mirror *m = &c->mirrors[i];
		struct registry_route *route;
		int r;

		if (!is_mirror_for(m, ref))
			continue;
		r = add_rewritten(ret, m->location, rest, &route, err);
		if (r < 0)
			return error_wrap(err, "mirror '%.150s'", m->location);
		route->insecure = m->insecure;
		route->is_mirror = true;
	}
	return 0;
}

static int blocked(const struct registry_conf *c, struct error *err)
{
	return error_set(err, EPERM, "registry '%.150s' is blocked in '%.200s'", c->prefix,
			 c->file);
}

/* localhost without a port is what local images are called. Only a [[registry]] of that name makes
 * it one. */
static int check_not_local(const struct reference *ref, const char *name, struct error *err)
{
	if (!is_equal(ref->domain, "localhost"))
		return 0;
	return error_set(err, ENOENT,
			 "'%.300s' is the name of a local image, and there is no such image here: "
			 "registries do not have it",
			 name);
}

static int place_routes(const struct registry_conf *c, size_t matched, const struct reference *ref,
			struct route_list *ret, struct error *err)
{
	struct registry_route *route;
	char name[REFERENCE_MAX + 1];
	const char *rest = reference_format(ref, name) + matched;
	int r = add_mirrors(c, ref, rest, ret, err);

	if (r == 0)
		r = *c->location ? add_rewritten(ret, c->location, rest, &route, err)
				 : add_rewritten(ret, name, "", &route, err);
	if (r == 0)
		route->insecure = c->insecure;
	return r;
}

int registries_routes(const struct registries *r, const struct reference *ref, bool for_push,
		      struct route_list *ret, struct error *err)
{
	char name[REFERENCE_MAX + 1];
	size_t matched;
	const struct registry_conf *c = find_registry(r, reference_format(ref, name), &matched);
	int e;

	if (c && c->blocked)
		return blocked(c, err);
	if (!c || for_push) {
		e = c || for_push ? 0 : check_not_local(ref, name, err);
		if (e == 0)
			add_route(ret, ref->domain, ref->path)->insecure = c && c->insecure;
		return e;
	}
	return place_routes(c, matched, ref, ret, err);
}

int registries_host_route(const struct registries *r, const char *key, struct route_list *ret,
			  struct error *err)
{
	cleanup_free char *domain = xstrndup(key, strcspn(key, "/"));
	const struct registry_conf *c;
	size_t matched;

	/* A host alone may be one word, as in "registry": login has no short names. */
	if (!is_registry_place(key) && (strpbrk(key, "/@") || !is_registry_host(domain)))
		return error_set(err, EINVAL,
				 "'%.200s' is no registry: host[:port][/path] is expected", key);
	c = find_registry(r, key, &matched);
	if (c && c->blocked)
		return blocked(c, err);
	add_route(ret, is_equal(domain, "index.docker.io") ? "docker.io" : domain,
		  key[strlen(domain)] ? key + strlen(domain) + 1 : "")
		->insecure = c && c->insecure;
	return 0;
}
