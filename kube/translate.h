/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate - typed Pod to engine plan, and engine plan to typed Pod.
 */
#ifndef PODIUM_KUBE_TRANSLATE_H
#define PODIUM_KUBE_TRANSLATE_H

#include "engine/pod/spec.h"
#include "kube/node.h"
#include "schemas/types.h"

/* Fills a plan from a valid pod (no error was found); root is its tree. Touches no disk, gives no
 * ids, resolves no image. kube_yaml stays NULL. The plan owns all it holds. */
void translate_pod(const struct k8s_pod *pod, const struct node *root, bool plain_names,
		   struct pod_plan *ret);

/* Fills a typed pod from a plan, to be written; free with decode_done(&schema_pod, ret). */
void translate_plan(const struct pod_plan *plan, struct k8s_pod *ret);

/* Quality of service, as the API server and the kubelet see it. */
enum qos_class { QOS_GUARANTEED, QOS_BURSTABLE, QOS_BEST_EFFORT, QOS__COUNT };
enum qos_class translate_qos(const struct pod_plan *plan);

/* Podman's name for a device of the host among the limits, followed by its path. */
#define RESOURCE_PODMAN_DEVICE "podman.io/device="
/* A resource that is a device: "vendor.com/class=name" or Podman's. */
bool resource_is_device(const char *name);

/* The number of a port given as text, a number or a name of the container's; 0: there is none. */
uint16_t port_resolve(const struct k8s_container *c, const char *port);

/* ---- within translate*.c -----------------------------------------------------------------------
 */

struct container_source {
	const struct k8s_pod *pod;
	const struct k8s_container *container;
	const struct pod_spec *plan; /* with its volumes */
	bool init;
	bool plain_names;
};
void translate_container(const struct container_source *from, struct container_spec *ret);
/* Parts of a container; each mirrored by a function that gives the typed part back. */
void translate_env(const struct k8s_container *from, struct container_spec *to);
void translate_probes(const struct k8s_container *from, struct container_spec *to);
void translate_lifecycle(const struct k8s_container *from, struct container_spec *to);
void translate_resources(const struct k8s_resources *from, struct resources *to);
void translate_container_security(const struct k8s_pod_security *pod, const struct k8s_security *s,
				  struct container_security *to);
void translate_pod_security(const struct k8s_pod_security *from, struct pod_security *to);
void translate_plan_container(const struct container_spec *from, struct k8s_container *to);
void translate_plan_env(const struct container_spec *from, struct k8s_container *to);
void translate_plan_probes(const struct container_spec *from, struct k8s_container *to);
void translate_plan_lifecycle(const struct container_spec *from, struct k8s_container *to);
/* NULL when there is nothing to write. whole: requests that equal their limits are written too. */
struct k8s_resources *translate_plan_resources(const struct resources *from, bool whole);
struct k8s_security *translate_plan_security(const struct container_security *from);
struct k8s_pod_security *translate_plan_pod_security(const struct pod_security *from);
/* Volumes that cannot be had here are left out, and so are the mounts that name them. */
void translate_volumes(const struct k8s_pod_spec *spec, const struct node *root,
		       struct volume_list *ret);
/* plan: with its volumes; ret: with its environment, which subPathExpr may refer to. */
void translate_mounts(const struct k8s_container *container, const struct pod_spec *plan,
		      struct container_spec *ret);
void translate_plan_volumes(const struct volume_list *from, struct k8s_pod_spec *to);
void translate_plan_mounts(const struct container_spec *from, struct k8s_container *to);
/* The kubelet's oom_score_adj for every container of the plan, by the pod's quality of service. */
void translate_oom_scores(struct pod_plan *plan);

#endif
