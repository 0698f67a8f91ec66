/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binding - which claim has which volume; within kube/.
 */
#ifndef PODIUM_KUBE_BINDING_H
#define PODIUM_KUBE_BINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "kube/node.h"
#include "schemas/types.h"

struct load;
struct diag_sink;

/* A volume that can be had, from the files or from the store. */
struct offered_volume {
	struct k8s_pv pv;
	char *foreign; /* its source, when one host cannot have it */
	char *claim;   /* "NAMESPACE/NAME" that has it or is promised it, or NULL */
};
/* A claim of the files that has no volume yet. */
struct wanted_claim {
	struct k8s_claim claim;
	char *file;
	char *prefix;
	struct doc_place place; /* of the claim */
	struct doc_place at;	/* of what asks for a volume: spec.volumeName, ... */
};
struct binding {
	struct offered_volume *volumes;
	size_t n_volumes;
	struct wanted_claim *claims;
	size_t n_claims;
};

/* Takes what pv holds. */
void binding_offer(struct binding *b, struct k8s_pv *pv, const char *foreign);
/* Takes what claim holds. */
void binding_want(struct load *l, const struct diag_sink *sink, struct k8s_claim *claim);
/* Binds all claims, and says which cannot be: an error when it is to be played. */
void binding_solve(struct load *l);
void binding_done(struct binding *b);

#endif
