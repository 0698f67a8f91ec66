/* SPDX-License-Identifier: Apache-2.0 */
/* total - what a pod's containers may use together. */
#ifndef PODIUM_POD_TOTAL_H
#define PODIUM_POD_TOTAL_H

struct container_spec;
struct pod_spec;
struct resources;

/* The resources of the pod's own group: what the pod itself says, and where it is silent what
 * follows from its containers (specs, in the order of pod->containers). *ret borrows from the pod
 * and is not to be freed. */
void pod_total_resources(const struct pod_spec *pod, const struct container_spec *specs,
			 struct resources *ret);

#endif
