/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries - where a name is looked for: containers-registries.conf(5), version 2.
 *
 *	$CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf, else
 *	/etc/containers/registries.conf; then the drop-ins of registries.conf.d beside it, in the
 *	order of their names; aliases of short-name-aliases.conf
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

/* Reads the configuration that the calling user has. Files that are not there are no error; a file
 * that is damaged is one, with its name and line. *ret is freed by registries_free(). */
int registries_load(struct registries **ret, struct error *err) must_check;
void registries_free(struct registries *r);
static inline void registries_free_fn(struct registries **r)
{
	registries_free(*r);
}
#define cleanup_registries cleanup(registries_free_fn)

/* What a reference may mean, best first, as full names with tag and digest: a name with a domain is
 * itself; a short one is its alias, else one name for each registry of unqualified-search-registries,
 * else docker.io. */
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
 * pull-from-mirror that fits), then its location. for_push: the location alone. -EPERM: blocked. */
int registries_routes(const struct registries *r, const struct reference *ref, bool for_push,
		      struct route_list *ret, struct error *err) must_check;

#endif
