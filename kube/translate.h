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

/* ---- within translate*.c -----------------------------------------------------------------------
 */

struct container_source {
	const struct k8s_pod *pod;
	const struct k8s_container *container;
	const struct node *node;     /* the container's */
	const struct pod_spec *plan; /* with its volumes */
	bool init;
	bool plain_names;
};
void translate_container(const struct container_source *from, struct container_spec *ret);
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
