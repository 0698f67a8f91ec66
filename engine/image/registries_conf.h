/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries_conf - registries.conf as it stands in the files.
 *
 * What registries.c is made of; everybody else asks it through registries.h.
 */
#ifndef PODIUM_IMAGE_REGISTRIES_CONF_H
#define PODIUM_IMAGE_REGISTRIES_CONF_H

#include "engine/image/registries.h"

enum pull_from { PULL_FROM_ALL, PULL_FROM_DIGEST, PULL_FROM_TAG };
struct registry_mirror {
	char *location;
	bool insecure;
	enum pull_from pull_from;
};

/* One [[registry]]. */
struct registry_conf {
	char *prefix;	/* never empty; "*.example.com" or text that names begin with */
	char *location; /* "" with a wildcard: names stay as they are */
	bool insecure;
	bool blocked;
	struct registry_mirror *mirrors;
	size_t n_mirrors;
	char *file;
};

enum short_names { SHORT_NAMES_PERMISSIVE, SHORT_NAMES_ENFORCING, SHORT_NAMES_DISABLED };
struct registries {
	struct registry_conf *v;
	size_t n;
	struct strlist search;
	bool has_search; /* the list was there, empty or not */
	char *search_file;
	struct pairlist aliases; /* a value of "" is none */
	enum short_names short_names;
	struct strlist helpers;
};

/* Adds what a file says; what it says replaces what an earlier one said of the same thing. */
int registries_conf_read(struct registries *r, const char *path, struct error *err) must_check;
void registry_conf_done(struct registry_conf *c);

/* Whether "host[:port][/path...]" names a registry for sure: nothing that is read as a short name. */
bool is_registry_place(const char *text);

#endif
