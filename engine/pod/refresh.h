/* SPDX-License-Identifier: Apache-2.0 */
/* refresh - what a running pod sees of ConfigMaps and Secrets that have changed. */
#ifndef PODIUM_POD_REFRESH_H
#define PODIUM_POD_REFRESH_H

#include "engine/base/error.h"
#include "engine/state/layout.h"

/* Swaps the contents of the pod's configMap, secret, downwardAPI and projected volumes for what the
 * store holds now; environment and mounts with a subPath do not change, as in Kubernetes. Returns
 * how many volumes changed: 0 also for a pod that does not run. When an object is missing now the
 * error says so, and the files stay as they are. */
int pod_refresh_volumes(const struct store *s, const char *pod_id, struct error *err) must_check;

#endif
