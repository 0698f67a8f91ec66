/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference - the names of images: parsed once, normalised, bounded.
 *
 *	[domain[:port]/]path[:tag][@sha256:hex]
 *
 * "nginx" is docker.io/library/nginx:latest, "me/app" is docker.io/me/app:latest; a first component
 * with a dot, a colon or an upper-case letter, or "localhost", is a domain.
 */
#ifndef PODIUM_IMAGE_REFERENCE_H
#define PODIUM_IMAGE_REFERENCE_H

#include <stdbool.h>

#include "engine/base/error.h"

#define REFERENCE_NAME_MAX 255 /* domain and path together */
#define REFERENCE_TAG_MAX  128
#define REFERENCE_MAX	   (REFERENCE_NAME_MAX + 1 + REFERENCE_TAG_MAX + 1 + 71)

struct reference {
	char domain[REFERENCE_NAME_MAX + 1]; /* "docker.io", "localhost", "host:5000" */
	char path[REFERENCE_NAME_MAX + 1];   /* "library/nginx" */
	char tag[REFERENCE_TAG_MAX + 1];     /* "" only when a digest is there */
	char digest[72];		     /* "sha256:<hex>" or "" */
	bool is_short;			     /* no domain was written */
	bool is_tag_implied;		     /* no tag was written: "latest" */
	bool is_library_implied;	     /* "library/" was put before the path */
};

/* Parses and normalises. -EINVAL with the reason. */
int reference_parse(const char *text, struct reference *ret, struct error *err) must_check;

/* Whether text is "host[:port]" of a registry, which may be a single word. */
bool is_registry_host(const char *text);

/* "docker.io/library/nginx:latest", with "@sha256:..." when there is a digest. Returns out. */
char *reference_format(const struct reference *r, char out[REFERENCE_MAX + 1]);
/* The same without tag and digest. Returns out. */
char *reference_format_name(const struct reference *r, char out[REFERENCE_NAME_MAX + 2]);

/* The name that a user gives to an image here (tag, commit, import, build): what is short is ours,
 * "localhost/app:latest", as Podman has it. -EINVAL, for a digest too. */
int reference_new_name(const char *text, char out[REFERENCE_MAX + 1], struct error *err) must_check;

#endif
