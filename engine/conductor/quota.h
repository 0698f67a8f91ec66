/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quota - how much disk a pod may take, and whether it has taken more: Kubernetes' limits
 * "ephemeral-storage" of containers and sizeLimit of emptyDir volumes on disk, as the kubelet
 * understands them. Pure: somebody else measures.
 */
#ifndef PODIUM_CONDUCTOR_QUOTA_H
#define PODIUM_CONDUCTOR_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pod/spec.h"

/* In bytes; 0: none. */
struct quota {
	int64_t *containers; /* by the order of pod.containers */
	int64_t *volumes;    /* by the order of pod.volumes */
	int64_t pod;
};

/* Reads the limits of a pod; specs has one for each of pod.containers. False: it has none, and
 * *ret holds nothing. */
bool quota_read(const struct pod_spec *pod, const struct container_spec *specs, struct quota *ret);
void quota_done(struct quota *q);

/* Whether the usage of this one must be known. */
bool is_quota_container(const struct quota *q, size_t i);
bool is_quota_volume(const struct quota *q, const struct pod_spec *pod, size_t i);

/* What a pod has taken, in bytes: a container's writable layer and log, a volume's files. */
struct quota_usage {
	const int64_t *containers;
	const int64_t *volumes;
};
/* A sentence about the first limit that is exceeded: volumes first, then the pod's, then the
 * containers', as the kubelet looks. NULL: none is. The caller owns it. */
char *quota_exceeded(const struct quota *q, const struct pod_spec *pod,
		     const struct quota_usage *usage);

#endif
