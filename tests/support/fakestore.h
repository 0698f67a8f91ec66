/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakestore - a store in a temporary directory whose pods were written by hand: what listings and
 * lookups read, without anything that runs.
 */
#ifndef PODIUM_TESTS_FAKESTORE_H
#define PODIUM_TESTS_FAKESTORE_H

#include <stdbool.h>

#include "engine/pod/spec.h"
#include "engine/state/status.h"

struct fakestore {
	char dir[64];
	struct store store;
};
/* False when the temporary directory cannot be made. */
bool fakestore_init(struct fakestore *f);
void fakestore_done(struct fakestore *f);

/* A pod with its infra container and the named members, all "created", complete. ids: the pod's id,
 * then the infra's, then the members'. created_ns 0: now. */
void fakestore_add_pod(struct fakestore *f, const char *name, const char *const *members,
		       int64_t created_ns, char ids[][65]);
/* Reads, lets the caller change, writes back. */
void fakestore_set_state(struct fakestore *f, const char *id, enum container_state state,
			 int64_t exit_code);
/* The record of a container with no other change; freed by status_done(). */
void fakestore_get(struct fakestore *f, const char *id, struct container_status *ret);
void fakestore_put(struct fakestore *f, const char *id, const struct container_status *st);
/* Writes or removes (text NULL) a file below ROOT. */
void fakestore_file(struct fakestore *f, const char *path, const char *text);
/* Holds a lock below ROOT. Returns the descriptor. */
int fakestore_lock(struct fakestore *f, const char *path);

#endif
