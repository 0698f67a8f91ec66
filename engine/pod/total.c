/* SPDX-License-Identifier: Apache-2.0 */
/*
 * total - what a pod's containers may use together, by the kubelet's rule.
 *
 * Theory of operation: members and sidecars run side by side, so what they ask for is added up. An
 * init container runs beside the sidecars that were started before it; the pod needs the largest
 * such moment, if that is more. A limit of the pod follows only if every container has that limit:
 * one without is bounded by nothing; so it is with swap, of which a container without a word about it
 * has none beside its memory. What the pod's own resources say wins. Memory requests bound
 * nothing in a pod's group.
 */
#include "engine/pod/total.h"

#include "engine/pod/spec.h"

/* Picks a number of a container: NULL or not set when it has none. */
typedef const struct opt_i64 *pick_fn(const struct resources *r);

static const struct opt_i64 *cpu_request(const struct resources *r)
{
	/* A limit stands for a missing request. */
	return r->cpu_request_milli.set ? &r->cpu_request_milli : &r->cpu_limit_milli;
}

static const struct opt_i64 *cpu_limit(const struct resources *r)
{
	return &r->cpu_limit_milli;
}

static const struct opt_i64 *memory_limit(const struct resources *r)
{
	return &r->memory_limit_bytes;
}

static const struct opt_i64 *memory_and_swap(const struct resources *r)
{
	return r->memory_swap_bytes.set ? &r->memory_swap_bytes : &r->memory_limit_bytes;
}

static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static struct opt_i64 sum_up(const struct pod_spec *pod, const struct container_spec *specs,
			     pick_fn *pick, bool all)
{
	int64_t together = 0, most = 0;
	bool any = false, each = true;

	for (size_t i = 0; i < pod->containers.n; i++) {
		const struct container_ref *ref = &pod->containers.v[i];
		const struct opt_i64 *q = pick(&specs[i].resources);
		int64_t value = q->set && q->value > 0 ? q->value : 0;

		any = any || q->set;
		each = each && value > 0;
		if (!ref->init || ref->sidecar)
			together = add(together, value);
		else if (add(together, value) > most)
			most = add(together, value);
	}
	if (!any || (all && !each))
		return (struct opt_i64){ 0 };
	return (struct opt_i64){ true, most > together ? most : together };
}

/* Memory with swap, -1: one of them has no limit. Without a limit of memory there is none of both. */
static void sum_up_swap(const struct pod_spec *pod, const struct container_spec *specs,
			struct resources *ret)
{
	bool any = false;

	ret->memory_swap_bytes = sum_up(pod, specs, memory_and_swap, true);
	for (size_t i = 0; i < pod->containers.n; i++) {
		const struct opt_i64 *own = &specs[i].resources.memory_swap_bytes;

		any = any || own->set;
		if (own->set && own->value < 0)
			ret->memory_swap_bytes = (struct opt_i64){ true, -1 };
	}
	ret->memory_swap_bytes.set = any && ret->memory_limit_bytes.set;
	ret->memory_swap_assumed = true; /* who asked for it hears of it from its own group */
}

void pod_total_resources(const struct pod_spec *pod, const struct container_spec *specs,
			 struct resources *ret)
{
	*ret = pod->resources;
	if (!ret->cpu_request_milli.set && !ret->cpu_limit_milli.set)
		ret->cpu_request_milli = sum_up(pod, specs, cpu_request, false);
	if (!ret->cpu_limit_milli.set)
		ret->cpu_limit_milli = sum_up(pod, specs, cpu_limit, true);
	if (!ret->memory_limit_bytes.set) {
		ret->memory_limit_bytes = sum_up(pod, specs, memory_limit, true);
		sum_up_swap(pod, specs, ret);
	}
	ret->memory_request_bytes = (struct opt_i64){ 0 };
}
