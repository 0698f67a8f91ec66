/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage - the stages of a Containerfile: what each begins with, what it needs, which are built.
 *
 * Links libc alone.
 */
#ifndef PODIUM_BUILD_STAGE_H
#define PODIUM_BUILD_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/build/containerfile.h"

#define STAGES_MAX 500

struct stage {
	char *name;	/* of AS, in lower case; NULL: none */
	char *base;	/* what FROM says, variables replaced; "scratch" */
	char *platform; /* of FROM --platform, or NULL */
	int from;	/* the earlier stage that base is, or -1 */
	const struct instruction *from_instruction;
	const struct instruction *v; /* those after FROM, borrowed */
	size_t n;
	bool is_needed;
};
struct stage_list {
	struct stage *v;
	size_t n;
	size_t target;
	struct pairlist meta_args; /* of ARG before the first FROM, with their values */
};
void stage_list_done(struct stage_list *l);
#define cleanup_stages cleanup(stage_list_done)

struct stage_options {
	const struct pairlist *build_args;
	const struct pairlist *platform_args; /* TARGETPLATFORM, BUILDARCH, ... */
	const char *target;		      /* name or number, or NULL: the last */
	const char *from;		      /* instead of the first FROM's, or NULL */
	size_t *left;			      /* see struct expand */
};
/* *ret borrows from f. */
int stages_plan(const struct containerfile *f, const struct stage_options *o,
		struct stage_list *ret, struct error *err) must_check;

/* The stage that a --from names, seen from stage at: its index; -1: none of them (an image's name).
 * -EINVAL: one that comes later. */
int stage_find(const struct stage_list *l, const char *name, size_t at, int *ret,
	       struct error *err) must_check;

/* One "NAME[=default]" of an ARG: its value is that of --build-arg, else the default with variables
 * replaced by lookup, else inherited[NAME]. *ret_value NULL: it has none. Both are the caller's. */
struct arg_sources {
	const struct pairlist *build_args;
	const struct pairlist *inherited[2]; /* may be NULL */
};
struct expand;
int stage_arg(const char *word, const struct arg_sources *from, const struct expand *x,
	      char **ret_name, char **ret_value, struct error *err) must_check;

/* "key=value,key" of --mount: the next pair from *p on; false at the end. Copies are the caller's. */
bool stage_take_pair(const char **p, char **ret_key, char **ret_value);

#endif
