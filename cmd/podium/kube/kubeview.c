/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeview - pods as Kubernetes sees them.
 *
 * Theory of operation: pod.json tells the order and the roles of the containers, each state.json
 * what it is doing, the network's record the addresses; kube/podstatus.c derives the rest. No lock
 * is taken and nothing is written. spec.json is read only for what needs it. A pod that disappears
 * while it is read was removed just then and is left out.
 */
#include "cmd/podium/kube/kubeview.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "engine/base/mem.h"

static bool has_probe(const struct container_spec *c)
{
	return c->probes[PROBE_STARTUP].action.kind != ACTION_NONE ||
	       c->probes[PROBE_READINESS].action.kind != ACTION_NONE;
}

static void load_container(const struct store *s, struct kube_pod *p, size_t i)
{
	const struct container_ref *ref = &p->pod.containers.v[i];
	struct container_view *view = &p->views[i];
	struct podstatus_source *src = &p->sources[i];
	struct error scratch; /* unreadable is a state that is shown */

	if (ref->id && is_id(ref->id))
		view_load(s, ref->id, view);
	*src = (struct podstatus_source){ .name = ref->name ? ref->name : "",
					  .init = ref->init,
					  .sidecar = ref->sidecar,
					  .readable = view->readable,
					  .live = view->live,
					  .st = &view->st,
					  .id = view->id };
	if (!p->specs || !src->readable ||
	    lookup_read_container(s, ref->id, &p->specs[i], &scratch) < 0)
		return;
	src->has_probe = has_probe(&p->specs[i]);
	src->image_id = p->specs[i].config.id;
}

int kube_pod_load(const struct store *s, const char *id, bool with_specs, struct kube_pod *ret,
		  struct error *err)
{
	struct error scratch; /* a pod without network has no address */
	size_t n;
	int r;

	*ret = (struct kube_pod){ .infra = { .live = STATE_REMOVING } };
	memcpy(ret->id, id, sizeof(ret->id));
	r = lookup_read_pod(s, id, &ret->pod, err);
	if (r < 0)
		return r;
	n = ret->pod.containers.n;
	ret->views = xcalloc(n + 1, sizeof(*ret->views));
	ret->sources = xcalloc(n + 1, sizeof(*ret->sources));
	if (with_specs)
		ret->specs = xcalloc(n + 1, sizeof(*ret->specs));
	for (size_t i = 0; i < n; i++)
		load_container(s, ret, i);
	if (ret->pod.infra_id && is_id(ret->pod.infra_id))
		view_load(s, ret->pod.infra_id, &ret->infra);
	if (ret->pod.network == NETWORK_BRIDGE)
		error_ignore(net_lookup(s, id, &ret->net, &scratch));
	/* The phase is read last: a record that is missing because the pod goes is no riddle. */
	ret->in = (struct podstatus_input){ .pod = &ret->pod,
					    .infra = ret->infra.readable ? &ret->infra.st : NULL,
					    .infra_live = ret->infra.live,
					    .removing = lookup_pod_phase(s, id) == POD_REMOVING,
					    .v = ret->sources,
					    .n = n,
					    .address4 = ret->net.address4,
					    .address6 = ret->net.address6,
					    .host_address = ret->net.gateway4 };
	podstatus_derive(&ret->in, &ret->ps);
	return 0;
}

void kube_pod_done(struct kube_pod *p)
{
	for (size_t i = 0; p->views && i < p->in.n; i++)
		view_done(&p->views[i]);
	for (size_t i = 0; p->specs && i < p->in.n; i++)
		record_done(&container_spec_type, &p->specs[i]);
	podstatus_done(&p->ps);
	view_done(&p->infra);
	free(p->views);
	free(p->specs);
	free(p->sources);
	record_done(&pod_spec_type, &p->pod);
	*p = (struct kube_pod){ 0 };
}

static int compare(const void *a, const void *b)
{
	const struct pod_spec *x = &((const struct kube_pod *)a)->pod;
	const struct pod_spec *y = &((const struct kube_pod *)b)->pod;
	int order = strcmp(namespace_of(x->namespace_), namespace_of(y->namespace_));

	return order ? order : strcmp(x->name ? x->name : "", y->name ? y->name : "");
}

/* The input points into its own pod, which sorting moved. */
static void mend_input(struct kube_pod *p)
{
	p->in.pod = &p->pod;
	p->in.infra = p->infra.readable ? &p->infra.st : NULL;
	p->in.address4 = p->net.address4;
	p->in.address6 = p->net.address6;
	p->in.host_address = p->net.gateway4;
}

int kube_pods_load(const struct store *s, const char *namespace_, bool with_specs,
		   struct kube_pods *ret, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	int r = lookup_list_pods(s, &ids, err);

	*ret = (struct kube_pods){ 0 };
	if (r < 0)
		return r;
	ret->v = xcalloc(ids.n + 1, sizeof(*ret->v));
	for (size_t i = 0; i < ids.n; i++) {
		struct kube_pod *p = &ret->v[ret->n];
		struct error one;

		r = kube_pod_load(s, ids.v[i], with_specs, p, &one);
		if (r < 0 && r != -ENOENT)
			command_print_warning(one.text);
		if (r < 0 || is_equal(p->pod.owner, POD_OWNER_BUILD) || p->pod.solo ||
		    (namespace_ && strcmp(namespace_, namespace_of(p->pod.namespace_)) != 0))
			kube_pod_done(p);
		else
			ret->n++;
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	for (size_t i = 0; i < ret->n; i++)
		mend_input(&ret->v[i]);
	return 0;
}

void kube_pods_done(struct kube_pods *pods)
{
	for (size_t i = 0; i < pods->n; i++)
		kube_pod_done(&pods->v[i]);
	free(pods->v);
	*pods = (struct kube_pods){ 0 };
}
