/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries - where a name is looked for: containers-registries.conf(5), version 2.
 *
 *	$CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf, else
 *	/etc/containers/registries.conf; then the drop-ins *.conf of
 *	/etc/containers/registries.conf.d and of ~/.config/containers/registries.conf.d, each in
 *	the order of their names; then the aliases of short-name-aliases.conf, which other engines
 *	keep in /var/cache/containers (root) or ~/.cache/containers
 *
 * Links libc alone.
 */
#ifndef PODIUM_IMAGE_REGISTRIES_H
#define PODIUM_IMAGE_REGISTRIES_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/image/reference.h"

struct registries;

/* Where the configuration is read from; each may be NULL. */
struct registries_paths {
	const char *file;
	const char *dropin_dirs[2]; /* in this order: the later one wins */
	const char *aliases;	    /* a file of aliases, stronger than the others' */
};

/* Reads the configuration that the calling user has. Files that are not there are no error; a file
 * that is damaged is one, with its name and line. *ret is freed by registries_free(). */
int registries_load(struct registries **ret, struct error *err) must_check;
int registries_load_from(const struct registries_paths *paths, struct registries **ret,
			 struct error *err) must_check;
void registries_free(struct registries *r);
static inline void registries_free_fn(struct registries **r)
{
	registries_free(*r);
}
#define cleanup_registries cleanup(registries_free_fn)

/* What a reference may mean, best first, as full names with tag and digest: a name with a domain is
 * itself; a short one is its alias, else one name for each registry of unqualified-search-registries,
 * else docker.io. Nobody is asked: -EINVAL when short-name-mode is "enforcing" and there are several.
 * -ENOENT: unqualified-search-registries is there and empty. */
int registries_candidates(const struct registries *r, const struct reference *ref,
			  struct strlist *ret, struct error *err) must_check;

/* One place to ask for an image. */
struct registry_route {
	char *host;    /* "registry-1.docker.io", "127.0.0.1:5000": what is connected to */
	char *auth;    /* key of the credentials: "docker.io", "127.0.0.1:5000" */
	char *path;    /* the repository there: "library/nginx" */
	bool insecure; /* http, and TLS without a check, are allowed */
	bool is_mirror;
};
struct route_list {
	struct registry_route *v;
	size_t n;
};
void route_list_done(struct route_list *l);
#define cleanup_routes cleanup(route_list_done)

/* The places for a full reference in order: the mirrors of the longest matching prefix (those with
 * pull-from-mirror that fits), then its location. for_push: the place that the name itself says,
 * since mirrors and locations are for reading. -EPERM: blocked. -ENOENT: "localhost/..." is an image
 * of this machine, which no registry has. */
int registries_routes(const struct registries *r, const struct reference *ref, bool for_push,
		      struct route_list *ret, struct error *err) must_check;

/* The place that "host[:port][/path...]" says, as an argument of login: one route. Its path is "" when
 * none was written. -EINVAL, -EPERM. */
int registries_host_route(const struct registries *r, const char *key, struct route_list *ret,
			  struct error *err) must_check;

/* unqualified-search-registries, and credential-helpers (empty: the auth files alone). Borrowed. */
const struct strlist *registries_search(const struct registries *r);
const struct strlist *registries_helpers(const struct registries *r);

#endif
