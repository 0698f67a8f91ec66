/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeusers - which pods use an object.
 *
 * Theory of operation: nothing keeps books of that; the plans of all pods are read and asked
 * (kube/references.c). It is asked for when something is described or deleted, never at a start.
 */
#include "cmd/podium/kube/kubeusers.h"

#include "cmd/podium/kube/kubeview.h"
#include "engine/base/mem.h"
#include "kube/references.h"

#define SHOWN_MAX 5

static bool is_used_by(const struct kube_pod *p, int kind, const char *name)
{
	const struct pod_plan plan = { .pod = p->pod,
				       .containers = p->specs,
				       .n_containers = p->in.n };
	cleanup_references struct kube_reference_list list = { 0 };

	references_of(&plan, &list);
	for (size_t i = 0; i < list.n; i++)
		if (list.v[i].kind == kind && is_equal(list.v[i].name, name))
			return true;
	return false;
}

int kube_users(const struct store *s, int kind, const char *namespace_, const char *name,
	       struct strlist *ret, struct error *err)
{
	cleanup_kube_pods struct kube_pods pods = { 0 };
	int r = kube_pods_load(s, namespace_of(namespace_), true, &pods, err);

	for (size_t i = 0; r == 0 && i < pods.n; i++)
		if (is_used_by(&pods.v[i], kind, name))
			strlist_add(ret, pods.v[i].pod.name);
	return r;
}

char *kube_join_names(const struct strlist *names)
{
	struct buf b = BUF_INIT((size_t)64 * 1024);

	for (size_t i = 0; i < names->n && i < SHOWN_MAX; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", names->v[i]);
	if (names->n > SHOWN_MAX)
		buf_printf(&b, " and %zu more", names->n - SHOWN_MAX);
	return buf_steal(&b);
}
