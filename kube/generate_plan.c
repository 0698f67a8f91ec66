/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate_plan - a pod's document from its plan alone.
 *
 * Theory of operation: every field that a plan can hold is reachable from it, so a pod made by hand
 * has a document too, and one that was changed since it was played has that of what it is now. What
 * we have added ourselves to the pods of a Job is left out.
 */
#include "kube/kube.h"

#include "kube/decode.h"
#include "kube/encode.h"
#include "kube/jobpod.h"
#include "kube/translate.h"
#include "schemas/models.h"

int kube_generate_from_plan(const struct pod_plan *plan, char **ret, struct error *err)
{
	struct arena arena = { 0 };
	struct k8s_pod pod;
	int r;

	translate_plan(plan, &pod);
	jobpod_unmark(&plan->pod, &pod);
	if (pod.spec->containers.n)
		r = encode_checked(&schema_pod, encode_object(&arena, &schema_pod, &pod), ret, err);
	else
		r = error_set(err, EINVAL, "pod '%s' only has an infra container", plan->pod.name);
	decode_done(&schema_pod, &pod);
	arena_done(&arena);
	return r;
}
