/* SPDX-License-Identifier: Apache-2.0 */
/* kubeusers - which pods use an object. */
#ifndef PODIUM_CMD_KUBEUSERS_H
#define PODIUM_CMD_KUBEUSERS_H

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

/* Names of the pods whose plan names the object; kind: KUBE_CONFIG_MAP, KUBE_SECRET or KUBE_PVC. */
int kube_users(const struct store *s, int kind, const char *namespace_, const char *name,
	       struct strlist *ret, struct error *err) must_check;
/* "a, b and 3 more"; the caller owns it. */
char *kube_join_names(const struct strlist *names);

#endif
