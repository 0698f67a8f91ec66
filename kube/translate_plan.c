/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_plan - engine plan to typed Pod: what generate writes when there is no document.
 *
 * Theory of operation: the mirror of translate.c, field by field; containers, volumes and the rest
 * stand beside their own translation. The law
 * that ties them: playing what is written gives an equal plan, apart from ids and times. It holds
 * because every honoured field is reachable from the plan; a field added there is added here, and
 * tests/unit/test_roundtrip.c fails until it is.
 *
 * What follows from other fields is left out, as a person would: a request that equals the limit,
 * an empty source of a volume aside, protocol TCP is written as Kubernetes shows it. Kubernetes has
 * no word for some of the engine's fields (log sizes); they are not written, or stand in one of
 * Podman's annotations, which the plan has kept (limits of processes, cpusets).
 *
 * A stop signal is accepted by clusters only where the operating system is named; so it is.
 *
 * The result owns its strings and is freed by decode_done(&schema_pod, ...).
 */
#include <string.h>

#include "kube/annotations.h"
#include "kube/translate.h"

static struct k8s_int number(struct opt_i64 n)
{
	return (struct k8s_int){ n.set, n.value };
}

static struct k8s_bool truth(struct opt_bool b)
{
	return (struct k8s_bool){ b.set, b.value };
}

static struct k8s_bool when(bool b)
{
	return (struct k8s_bool){ b, b };
}

/* ---- the pod ----------------------------------------------------------------------------------
 */

static void plan_dns(const struct dns_spec *from, struct k8s_pod_spec *to)
{
	to->dns_policy = xstrdup_or_null(from->policy);
	if (!from->servers.n && !from->searches.n && !from->options.n)
		return;
	to->dns = xcalloc(1, sizeof(*to->dns));
	strlist_copy(&to->dns->nameservers, &from->servers);
	strlist_copy(&to->dns->searches, &from->searches);
	for (size_t i = 0; i < from->options.n; i++) {
		struct k8s_dns_option *o = list_add(&to->dns->options);

		o->name = xstrdup(from->options.v[i].name);
		o->value = xstrdup_or_null(from->options.v[i].value);
	}
}

static void plan_spec(const struct pod_spec *from, struct k8s_pod_spec *to)
{
	translate_plan_volumes(&from->volumes, to);
	to->restart_policy = xstrdup(restart_policy_names[from->restart]);
	to->grace_seconds = number(from->grace_seconds);
	to->active_deadline = number(from->active_deadline_seconds);
	to->host_network = when(from->network == NETWORK_HOST);
	to->host_pid = when(from->host_pid);
	to->host_ipc = when(from->host_ipc);
	to->share_pid = when(from->share_pid);
	to->hostname = xstrdup_or_null(from->hostname);
	to->hostname_override = xstrdup_or_null(from->hostname_override);
	to->subdomain = xstrdup_or_null(from->subdomain);
	to->node_name = xstrdup_or_null(from->node_name);
	to->service_account = xstrdup_or_null(from->service_account);
	to->host_users = truth(from->host_users);
	to->hostname_as_fqdn = truth(from->set_hostname_as_fqdn);
	for (size_t i = 0; i < from->host_aliases.n; i++) {
		struct k8s_host_alias *a = list_add(&to->host_aliases);

		a->ip = xstrdup(from->host_aliases.v[i].ip);
		strlist_copy(&a->hostnames, &from->host_aliases.v[i].names);
	}
	for (size_t i = 0; i < from->pull_secrets.n; i++) {
		struct k8s_local_reference *ref = list_add(&to->pull_secrets);

		ref->name = xstrdup(from->pull_secrets.v[i]);
	}
	plan_dns(&from->dns, to);
	to->security = translate_plan_pod_security(&from->security);
	to->resources = translate_plan_resources(&from->resources, true);
}

void translate_plan(const struct pod_plan *plan, struct k8s_pod *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->api_version = xstrdup("v1");
	ret->kind = xstrdup("Pod");
	ret->meta = xcalloc(1, sizeof(*ret->meta));
	ret->meta->name = xstrdup(plan->pod.name);
	ret->meta->namespace_ = xstrdup_or_null(plan->pod.namespace_);
	pairlist_copy(&ret->meta->labels, &plan->pod.labels);
	pairlist_copy(&ret->meta->annotations, &plan->pod.annotations);
	ret->spec = xcalloc(1, sizeof(*ret->spec));
	plan_spec(&plan->pod, ret->spec);
	for (size_t i = 0; i < plan->n_containers; i++) {
		const struct container_spec *c = &plan->containers[i];

		if (c->stop_signal && !ret->spec->os) {
			ret->spec->os = xcalloc(1, sizeof(*ret->spec->os));
			ret->spec->os->name = xstrdup("linux");
		}
		if (c->kind == CONTAINER_INIT)
			translate_plan_container(c, list_add(&ret->spec->inits));
		else if (c->kind == CONTAINER_MEMBER)
			translate_plan_container(c, list_add(&ret->spec->containers));
	}
	annotations_settle(plan, ret);
}
