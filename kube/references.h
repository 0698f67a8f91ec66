/* SPDX-License-Identifier: Apache-2.0 */
/*
 * references - the ConfigMaps, Secrets and claims that a pod's plan names, and where its manifest
 * does so.
 */
#ifndef PODIUM_KUBE_REFERENCES_H
#define PODIUM_KUBE_REFERENCES_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/mem.h"

struct pod_plan;

/* Without a key: the object is to be there; path is that of its name. With a key: the object has it,
 * and path is that of the key. Each key comes after a row of its object without one. */
struct kube_reference {
	int kind; /* enum kube_kind: KUBE_CONFIG_MAP, KUBE_SECRET or KUBE_PVC */
	char *name;
	char *key; /* or NULL */
	bool optional;
	bool unmounted; /* of a volume that no container mounts */
	char *path;	/* "spec.volumes[1].configMap.name" */
};
struct kube_reference_list {
	struct kube_reference *v;
	size_t n;
};

/* Appends all of a plan, in the order of its volumes and containers; the namespace is the pod's.
 * imagePullSecrets are not among them. Free with references_done(). */
void references_of(const struct pod_plan *plan, struct kube_reference_list *ret);
void references_done(struct kube_reference_list *list);
#define cleanup_references cleanup(references_done)

#endif
