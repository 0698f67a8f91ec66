/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret - Secrets: what containers read, and credentials of registries.
 */
#ifndef PODIUM_KUBE_SECRET_H
#define PODIUM_KUBE_SECRET_H

#include "kube/kinds.h"

/* Whether there is a Secret with credentials, in the result or in the store; it is in the result's
 * secrets then. */
bool secret_find(struct load *l, const char *namespace_, const char *name);
/* Clears, then frees. */
void secret_done(struct kube_secret *s);

#endif
