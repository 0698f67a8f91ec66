/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quota - how much disk a pod may take, and whether it has taken more.
 *
 * Theory of operation: a container's limit is about what it writes beside its volumes, and its log.
 * The pod's is the sum of its containers' limits, or what its hungriest init container may take
 * together with the sidecars before it, whichever is more; all its containers and all its emptyDirs
 * on disk count to that. One container's limit is enough for the pod to have one, as in the kubelet.
 * A volume in memory is limited by the kernel, and counts nothing here. A limit of 0 is none.
 */
#include "engine/conductor/quota.h"

#include "engine/base/mem.h"
#include "engine/base/quantity.h"
#include "engine/base/str.h"

#define RESOURCE "ephemeral-storage"

static int64_t limit_of(const struct container_spec *spec)
{
	const char *text = pairlist_get(&spec->resources.other_limits, RESOURCE);
	struct error scratch; /* kube/ has refused what is no quantity */
	struct quantity q;
	int64_t bytes;

	if (!text || quantity_parse(text, &q, &scratch) < 0 || q.negative)
		return 0;
	return quantity_units(&q, &bytes, &scratch) < 0 ? INT64_MAX : bytes;
}

static int64_t sum(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static int64_t limit_of_pod(const struct pod_spec *pod, const int64_t *limits)
{
	int64_t members = 0, sidecars = 0, most = 0;

	for (size_t i = 0; i < pod->containers.n; i++) {
		const struct container_ref *ref = &pod->containers.v[i];

		if (ref->sidecar)
			sidecars = sum(sidecars, limits[i]);
		else if (!ref->init)
			members = sum(members, limits[i]);
		else if (sum(limits[i], sidecars) > most)
			most = sum(limits[i], sidecars);
	}
	members = sum(members, sidecars);
	return members > most ? members : most;
}

static bool is_on_disk(const struct volume_spec *v)
{
	return v->kind == VOLUME_EMPTY_DIR && !is_memory_volume(v);
}

bool quota_read(const struct pod_spec *pod, const struct container_spec *specs, struct quota *ret)
{
	bool has_any = false;

	*ret = (struct quota){ .containers = xcalloc(pod->containers.n + 1, sizeof(int64_t)),
			       .volumes = xcalloc(pod->volumes.n + 1, sizeof(int64_t)) };
	for (size_t i = 0; i < pod->containers.n; i++)
		ret->containers[i] = limit_of(&specs[i]);
	ret->pod = limit_of_pod(pod, ret->containers);
	has_any = ret->pod > 0;
	for (size_t i = 0; i < pod->volumes.n; i++) {
		const struct volume_spec *v = &pod->volumes.v[i];

		ret->volumes[i] = is_on_disk(v) ? v->size_bytes : 0;
		has_any |= ret->volumes[i] > 0;
	}
	if (!has_any)
		quota_done(ret);
	return has_any;
}

void quota_done(struct quota *q)
{
	free(q->containers);
	free(q->volumes);
	*q = (struct quota){ 0 };
}

bool is_quota_container(const struct quota *q, size_t i)
{
	return q->pod > 0 || q->containers[i] > 0;
}

bool is_quota_volume(const struct quota *q, const struct pod_spec *pod, size_t i)
{
	return q->volumes[i] > 0 || (q->pod > 0 && is_on_disk(&pod->volumes.v[i]));
}

/* "WHAT "LIMIT". USED are used." */
static char *say(const char *what, int64_t limit, int64_t used)
{
	cleanup_free char *most = quantity_format_bytes(limit);
	cleanup_free char *now = quantity_format_bytes(used);

	return xasprintf("%s \"%s\". %s are used.", what, most, now);
}

static int64_t total(const struct pod_spec *pod, const struct quota_usage *usage)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < pod->containers.n; i++)
		bytes = sum(bytes, usage->containers[i]);
	for (size_t i = 0; i < pod->volumes.n; i++)
		bytes = sum(bytes, is_on_disk(&pod->volumes.v[i]) ? usage->volumes[i] : 0);
	return bytes;
}

char *quota_exceeded(const struct quota *q, const struct pod_spec *pod,
		     const struct quota_usage *usage)
{
	cleanup_free char *what = NULL;
	int64_t all;

	for (size_t i = 0; i < pod->volumes.n; i++) {
		if (!q->volumes[i] || usage->volumes[i] <= q->volumes[i])
			continue;
		what = xasprintf("Usage of EmptyDir volume \"%s\" exceeds the limit",
				 pod->volumes.v[i].name);
		return say(what, q->volumes[i], usage->volumes[i]);
	}
	all = total(pod, usage);
	if (q->pod && all > q->pod)
		return say(
			"Pod ephemeral local storage usage exceeds the total limit of containers",
			q->pod, all);
	for (size_t i = 0; i < pod->containers.n; i++) {
		if (!q->containers[i] || usage->containers[i] <= q->containers[i])
			continue;
		what = xasprintf("Container %s exceeded its local ephemeral storage limit",
				 pod->containers.v[i].name);
		return say(what, q->containers[i], usage->containers[i]);
	}
	return NULL;
}
