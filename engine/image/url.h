/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url - http and https addresses, parsed strictly and built again from their parts, so that no two
 * readers (this one and libcurl's) can see two hosts in one text. Links libc alone.
 *
 * Only "http" and "https"; no user information, no backslash, no space, no byte outside ASCII;
 * RFC 3986 otherwise. Fragments are dropped.
 */
#ifndef PODIUM_IMAGE_URL_H
#define PODIUM_IMAGE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"

#define URL_MAX	     16384
#define URL_HOST_MAX 255

struct url {
	bool is_tls;
	char host[URL_HOST_MAX + 1]; /* lower case; IPv6 without its brackets */
	uint16_t port;
	char *target; /* path and query, begins with '/' */
};
void url_done(struct url *u);
#define cleanup_url cleanup(url_done)

/* An absolute address. -EINVAL with the reason (the text itself is not in it: it may be secret). */
int url_parse(const char *text, struct url *ret, struct error *err) must_check;
/* What a Location, a Link or a realm means that base answered with: absolute or relative. */
int url_resolve(const struct url *base, const char *text, struct url *ret,
		struct error *err) must_check;
/* "host[:port]" of a registry with a scheme and a target. */
int url_of_host(const char *host, bool is_tls, const char *target, struct url *ret,
		struct error *err) must_check;
void url_copy(struct url *dst, const struct url *src);
/* The whole text, the caller's. */
char *url_format(const struct url *u);
/* Scheme, host and port are the same: what credentials are bound to. */
bool is_url_same_origin(const struct url *a, const struct url *b);
/* The host says of itself that it is near: localhost, or an address of is_address_private(). */
bool is_url_near(const struct url *u);
/* Adds "name=value" to the query, encoded, with '?' or '&' before it. */
void url_add_query(struct buf *b, bool *is_first, const char *name, const char *value);

/* The two hosts belong to one registrable domain ("registry.example.com", "auth.example.com"), as
 * far as one can say without a list of public suffixes: when in doubt, not. */
bool is_url_same_site(const char *a, const char *b);

/* Loopback, private, link-local, unique-local, shared, unspecified: no address of the internet. */
struct sockaddr;
bool is_address_private(const struct sockaddr *sa);

#endif
