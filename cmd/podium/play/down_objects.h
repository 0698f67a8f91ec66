/* SPDX-License-Identifier: Apache-2.0 */
/* down_objects - objects of a manifest that is taken down. Its pods are gone already. */
#ifndef PODIUM_CMD_DOWN_OBJECTS_H
#define PODIUM_CMD_DOWN_OBJECTS_H

#include "kube/kube.h"

/* Removes an object: 1. It is not there, or somebody else uses it (that is told): 0. */
int down_object(const struct store *s, const struct kube_object *o, int64_t grace_s,
		struct error *err) must_check;
/* Removes the named volumes of a pod that a play has made and nobody uses; adds their names. */
int down_volumes(const struct store *s, const struct pod_spec *pod, struct strlist *ret,
		 struct error *err) must_check;

#endif
