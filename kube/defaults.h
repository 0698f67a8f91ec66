/* SPDX-License-Identifier: Apache-2.0 */
/* defaults - what the API server fills in when a field is absent. */
#ifndef PODIUM_KUBE_DEFAULTS_H
#define PODIUM_KUBE_DEFAULTS_H

#include "schemas/types.h"

/* Sets absent fields of a decoded pod to Kubernetes' defaults. */
void defaults_apply(struct k8s_pod *pod);

#endif
