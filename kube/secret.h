/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret - Secrets that hold credentials of registries.
 */
#ifndef PODIUM_KUBE_SECRET_H
#define PODIUM_KUBE_SECRET_H

#include <stdbool.h>

#include "kube/diag.h"
#include "kube/kube.h"
#include "kube/node.h"

/* Whether the document is a Secret of a type that is read. */
bool is_secret_read(const struct node *root);
/* Fills ret from a Secret document of such a type. What is wrong goes to the sink, which names no
 * value of it. 0, or -EINVAL when there is nothing to keep; secret_done() either way. */
int secret_load(const struct diag_sink *sink, const struct node *root, struct kube_secret *ret);
/* Clears, then frees. */
void secret_done(struct kube_secret *s);

#endif
