/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment - the variables of a container, made at each launch.
 */
#ifndef PODIUM_PROCESS_ENVIRONMENT_H
#define PODIUM_PROCESS_ENVIRONMENT_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/process/fields.h"

struct container_spec;

/* What variables are made with; all is borrowed. */
struct environment_source {
	struct field_context fields; /* its container is the one that they are for */
	const char *hostname;
	const char *home;
	bool lenient; /* what is missing is left out: one more process in a running container */
};

/* The environment as NAME=VALUE: the engine's defaults, the image's, envFrom, the declared ones,
 * each over the one before. envFrom and declared variables alone go to ret_vars: what values may
 * refer to. A ConfigMap, Secret or key that must be there and is not is -SYNC_CONFIG_MISSING, and
 * named.
 * The caller forgets ret_vars. */
int environment_build(const struct environment_source *s, struct strlist *ret_env,
		      struct pairlist *ret_vars, struct error *err) must_check;

/* Clears the values, then frees the list. */
void environment_forget(struct pairlist *vars);

/* Whether a variable holds an address: those are known when the pod's network is up. */
bool environment_needs_addresses(const struct container_spec *spec);

#endif
