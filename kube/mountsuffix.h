/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountsuffix - Podman's habit of options behind a mountPath: "/data:z", "/data:ro".
 */
#ifndef PODIUM_KUBE_MOUNTSUFFIX_H
#define PODIUM_KUBE_MOUNTSUFFIX_H

#include "kube/diag.h"
#include "kube/node.h"
#include "schemas/types.h"

/* Puts such options where they belong, in the typed pod and in the sink's tree, whose nodes are of
 * the arena. To be called before the pod is validated. */
void mountsuffix_read(const struct diag_sink *sink, struct arena *a, struct k8s_pod *pod);

#endif
