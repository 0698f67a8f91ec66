/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_resources - requests and limits, quality of service, OOM scores; and back.
 *
 * Theory of operation: cpu and memory become numbers, everything else stays text under its
 * Kubernetes name. Two kinds of names are devices: one with a '=' in it is a CDI name
 * ("vendor.com/class=name"), and Podman's "podman.io/device=/dev/x" is a device of the host; how
 * many of them are asked for does not matter, as long as it is not none.
 *
 * Quality of service is the API server's: what the pod as a whole asks for decides alone when it
 * asks for anything; else all containers, init containers among them. Guaranteed: limits of both cpu
 * and memory everywhere, and requests that equal them. Best effort: nothing anywhere.
 *
 * OOM scores are the kubelet's: guaranteed pods -997, best-effort ones 1000, in between by the share
 * of the machine's memory that the container asks for. What the pod asks for beyond its containers
 * is divided among them. A sidecar is never killed before the members: its score is at most that of
 * the member that asks for least. sysinfo(2) tells the memory.
 */
#include <string.h>
#include <sys/sysinfo.h>

#include "engine/base/quantity.h"
#include "kube/translate.h"

#define OOM_GUARANTEED	(-997)
#define OOM_BEST_EFFORT 1000

/* ---- amounts ----------------------------------------------------------------------------------
 */

static struct opt_i64 amount(const struct pairlist *amounts, const char *name, bool zero_is_none)
{
	const char *text = pairlist_get(amounts, name);
	struct opt_i64 ret = { 0 };
	struct error err = { 0 };
	struct quantity q;
	int r;

	if (!text || quantity_parse(text, &q, &err) < 0)
		return ret;
	if (strcmp(name, "cpu") == 0)
		r = quantity_milli(&q, &ret.value, &err);
	else
		r = quantity_units(&q, &ret.value, &err);
	ret.set = r == 0 && (ret.value > 0 || !zero_is_none);
	return ret;
}

bool resource_is_device(const char *name)
{
	const char *slash = strchr(name, '/'), *equals = strchr(name, '=');

	return slash && equals && slash < equals;
}

static const char *device_of(const char *name)
{
	size_t n = strlen(RESOURCE_PODMAN_DEVICE);

	return strncmp(name, RESOURCE_PODMAN_DEVICE, n) == 0 ? name + n : name;
}

static bool is_number(const char *name)
{
	return strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0;
}

void translate_resources(const struct k8s_resources *from, struct resources *to)
{
	if (!from)
		return;
	to->cpu_limit_milli = amount(&from->limits, "cpu", true);
	to->memory_limit_bytes = amount(&from->limits, "memory", true);
	to->cpu_request_milli = amount(&from->requests, "cpu", false);
	to->memory_request_bytes = amount(&from->requests, "memory", false);
	for (size_t i = 0; i < from->limits.n; i++) {
		const struct strpair *p = &from->limits.v[i];

		if (resource_is_device(p->key) && amount(&from->limits, p->key, true).set)
			strlist_add(&to->devices, device_of(p->key));
		else if (!resource_is_device(p->key) && !is_number(p->key))
			pairlist_set(&to->other_limits, p->key, p->value);
	}
	for (size_t i = 0; i < from->requests.n; i++) {
		const struct strpair *p = &from->requests.v[i];

		if (!resource_is_device(p->key) && !is_number(p->key))
			pairlist_set(&to->other_requests, p->key, p->value);
	}
}

/* ---- and back ---------------------------------------------------------------------------------
 */

static void put_amount(struct pairlist *to, const char *name, char *text)
{
	pairlist_set(to, name, text);
	free(text);
}

static void put_limits(const struct resources *from, struct pairlist *to)
{
	if (from->cpu_limit_milli.set)
		put_amount(to, "cpu", quantity_format_milli(from->cpu_limit_milli.value));
	if (from->memory_limit_bytes.set)
		put_amount(to, "memory", quantity_format_bytes(from->memory_limit_bytes.value));
	for (size_t i = 0; i < from->other_limits.n; i++)
		pairlist_set(to, from->other_limits.v[i].key, from->other_limits.v[i].value);
	for (size_t i = 0; i < from->devices.n; i++) {
		const char *name = from->devices.v[i];
		cleanup_free char *key =
			xasprintf("%s%s", *name == '/' ? RESOURCE_PODMAN_DEVICE : "", name);

		pairlist_set(to, key, "1");
	}
}

/* A request that equals the limit follows from it. */
static bool is_told(struct opt_i64 request, struct opt_i64 limit, bool whole)
{
	return request.set && (whole || !limit.set || limit.value != request.value);
}

struct k8s_resources *translate_plan_resources(const struct resources *from, bool whole)
{
	struct k8s_resources *r = xcalloc(1, sizeof(*r));

	put_limits(from, &r->limits);
	if (is_told(from->cpu_request_milli, from->cpu_limit_milli, whole))
		put_amount(&r->requests, "cpu",
			   quantity_format_milli(from->cpu_request_milli.value));
	if (is_told(from->memory_request_bytes, from->memory_limit_bytes, whole))
		put_amount(&r->requests, "memory",
			   quantity_format_bytes(from->memory_request_bytes.value));
	for (size_t i = 0; i < from->other_requests.n; i++) {
		const struct strpair *p = &from->other_requests.v[i];

		if (whole || !is_equal(pairlist_get(&from->other_limits, p->key), p->value))
			pairlist_set(&r->requests, p->key, p->value);
	}
	if (r->limits.n || r->requests.n)
		return r;
	free(r);
	return NULL;
}

/* ---- quality of service -----------------------------------------------------------------------
 */

/* A request that was not made is the limit. */
static bool is_met(struct opt_i64 request, struct opt_i64 limit)
{
	return limit.set && limit.value && (!request.set || request.value == limit.value);
}

static bool asks_nothing(const struct resources *r)
{
	return (!r->cpu_limit_milli.set || !r->cpu_limit_milli.value) &&
	       (!r->memory_limit_bytes.set || !r->memory_limit_bytes.value) &&
	       (!r->cpu_request_milli.set || !r->cpu_request_milli.value) &&
	       (!r->memory_request_bytes.set || !r->memory_request_bytes.value);
}

static bool is_guaranteed(const struct resources *r)
{
	return is_met(r->cpu_request_milli, r->cpu_limit_milli) &&
	       is_met(r->memory_request_bytes, r->memory_limit_bytes);
}

/* Of cpu, memory and huge pages for the pod as a whole. */
static bool is_pod_level(const struct resources *r)
{
	return !asks_nothing(r) || r->other_limits.n || r->other_requests.n;
}

enum qos_class translate_qos(const struct pod_plan *plan)
{
	bool guaranteed = plan->n_containers > 0, best_effort = true;

	if (is_pod_level(&plan->pod.resources)) {
		guaranteed = is_guaranteed(&plan->pod.resources);
		best_effort = asks_nothing(&plan->pod.resources);
	}
	for (size_t i = 0; i < plan->n_containers && !is_pod_level(&plan->pod.resources); i++) {
		guaranteed &= is_guaranteed(&plan->containers[i].resources);
		best_effort &= asks_nothing(&plan->containers[i].resources);
	}
	if (guaranteed)
		return QOS_GUARANTEED;
	return best_effort ? QOS_BEST_EFFORT : QOS_BURSTABLE;
}

/* ---- OOM scores -------------------------------------------------------------------------------
 */

static int64_t memory_request(const struct container_spec *c)
{
	return c->resources.memory_request_bytes.set ? c->resources.memory_request_bytes.value : 0;
}

static int64_t saturating_add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* What all containers ask for at once: the members with all sidecars, or an init container with the
 * sidecars before it. */
static int64_t effective_request(const struct pod_plan *plan)
{
	int64_t members = 0, sidecars = 0, most = 0;

	for (size_t i = 0; i < plan->n_containers; i++) {
		const struct container_spec *c = &plan->containers[i];
		int64_t asked = memory_request(c);

		if (c->kind == CONTAINER_MEMBER)
			members = saturating_add(members, asked);
		else if (c->sidecar)
			sidecars = saturating_add(sidecars, asked);
		if (c->kind == CONTAINER_INIT && !c->sidecar) {
			asked = saturating_add(sidecars, asked);
			most = asked > most ? asked : most;
		}
	}
	members = saturating_add(members, sidecars);
	return members > most ? members : most;
}

/* What the pod asks for and no container does, for each. */
static int64_t remaining_request(const struct pod_plan *plan)
{
	const struct opt_i64 *pod = &plan->pod.resources.memory_request_bytes;

	if (!pod->set || !pod->value || !plan->n_containers)
		return 0;
	return (pod->value - effective_request(plan)) / (int64_t)plan->n_containers;
}

static int64_t share_score(int64_t asked, uint64_t capacity)
{
	unsigned __int128 share =
		capacity && asked > 0 ? (unsigned __int128)asked * 1000 / capacity : 0;

	return share > 1000 ? 0 : 1000 - (int64_t)share;
}

static int64_t least_request(const struct pod_plan *plan)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < plan->n_containers; i++) {
		int64_t asked = memory_request(&plan->containers[i]);

		if (plan->containers[i].kind == CONTAINER_MEMBER && asked < least)
			least = asked;
	}
	return least == INT64_MAX ? 0 : least;
}

static int64_t burstable_score(const struct pod_plan *plan, const struct container_spec *c,
			       uint64_t capacity)
{
	int64_t rest = remaining_request(plan);
	int64_t score = share_score(saturating_add(memory_request(c), rest), capacity);

	if (c->sidecar) {
		int64_t member = share_score(saturating_add(least_request(plan), rest), capacity);

		score = score > member ? member : score;
	}
	if (score < 1000 + OOM_GUARANTEED)
		return 1000 + OOM_GUARANTEED;
	return score == OOM_BEST_EFFORT ? OOM_BEST_EFFORT - 1 : score;
}

void translate_oom_scores(struct pod_plan *plan)
{
	enum qos_class qos = translate_qos(plan);
	struct sysinfo info = { 0 };

	(void)sysinfo(&info);
	for (size_t i = 0; i < plan->n_containers; i++) {
		struct container_spec *c = &plan->containers[i];

		c->oom_score_adj =
			qos == QOS_GUARANTEED ? OOM_GUARANTEED
			: qos == QOS_BEST_EFFORT
				? OOM_BEST_EFFORT
				: burstable_score(plan, c, (uint64_t)info.totalram * info.mem_unit);
	}
}
