/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobpod - what the pods of a Job have more than their template says; within kube/. kube/kube.h has
 * kube_job_pod().
 */
#ifndef PODIUM_KUBE_JOBPOD_H
#define PODIUM_KUBE_JOBPOD_H

#include "engine/pod/spec.h"
#include "schemas/types.h"

/* The labels by which the pods of a Job are known. */
void jobpod_mark(struct pod_spec *pod, const char *job);
/* Takes out of a pod that is to be written what was added to the user's own; plan is what the pod
 * was made from. Does nothing to a pod that no Job controls. */
void jobpod_unmark(const struct pod_spec *plan, struct k8s_pod *pod);

#endif
