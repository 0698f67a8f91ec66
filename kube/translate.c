/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate - typed Pod to engine plan: the pod itself.
 *
 * Theory of operation: a pure function from one set of structs to another. It runs only on a pod in
 * which no error was found, so it refuses nothing. Words of Kubernetes end here: a restart policy
 * becomes what each container does, hostNetwork becomes a network mode, quantities become numbers,
 * $(NAME) becomes parts. Whatever must be known about the host is left to the engine: paths stay
 * paths, users stay numbers, images stay names.
 *
 * Played pods differ from those made by hand in four things set here: the owner "kube", back-off
 * between restarts, the infra ending with the last member, and the kubelet's OOM scores.
 *
 * Ids, times, the image's configuration and the source are the caller's to fill.
 */
#include "kube/translate.h"

#include <string.h>

static char *text_or_null(const char *s)
{
	return is_empty(s) ? NULL : xstrdup(s);
}

static struct opt_i64 number(struct k8s_int n)
{
	return (struct opt_i64){ n.set, n.set ? n.value : 0 };
}

static struct opt_bool truth(struct k8s_bool b)
{
	return (struct opt_bool){ b.set, b.set && b.value };
}

static int index_of(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++) {
		if (is_equal(names[i], name))
			return i;
	}
	return 0;
}

/* ---- the pod ----------------------------------------------------------------------------------
 */

static void translate_dns(const struct k8s_pod_spec *spec, struct dns_spec *to)
{
	to->policy = text_or_null(spec->dns_policy);
	if (!spec->dns)
		return;
	strlist_copy(&to->servers, &spec->dns->nameservers);
	strlist_copy(&to->searches, &spec->dns->searches);
	for (size_t i = 0; i < spec->dns->options.n; i++) {
		struct dns_option *o = list_add(&to->options);

		o->name = xstrdup(spec->dns->options.v[i].name);
		o->value = xstrdup_or_null(spec->dns->options.v[i].value);
	}
}

static void translate_meta(const struct k8s_meta *from, struct pod_spec *to)
{
	to->name = xstrdup(from->name);
	to->namespace_ = text_or_null(from->namespace_);
	pairlist_copy(&to->labels, &from->labels);
	pairlist_copy(&to->annotations, &from->annotations);
}

static void translate_spec(const struct k8s_pod_spec *from, const struct node *root,
			   struct pod_spec *to)
{
	const char *account =
		is_empty(from->service_account) ? from->old_service_account : from->service_account;

	to->hostname = text_or_null(from->hostname);
	to->hostname_override = text_or_null(from->hostname_override);
	to->subdomain = text_or_null(from->subdomain);
	to->node_name = text_or_null(from->node_name);
	to->service_account = text_or_null(account);
	to->network = from->host_network.value ? NETWORK_HOST : NETWORK_BRIDGE;
	to->host_pid = from->host_pid.value;
	to->host_ipc = from->host_ipc.value;
	to->share_pid = from->share_pid.value;
	to->set_hostname_as_fqdn = truth(from->hostname_as_fqdn);
	to->restart = index_of(restart_policy_names, from->restart_policy);
	to->grace_seconds = number(from->grace_seconds);
	to->active_deadline_seconds = number(from->active_deadline);
	to->host_users = truth(from->host_users);
	for (size_t i = 0; i < from->host_aliases.n; i++) {
		struct host_alias *a = list_add(&to->host_aliases);

		a->ip = xstrdup(from->host_aliases.v[i].ip);
		strlist_copy(&a->names, &from->host_aliases.v[i].hostnames);
	}
	translate_dns(from, &to->dns);
	translate_volumes(from, root, &to->volumes);
	for (size_t i = 0; i < from->pull_secrets.n; i++)
		if (!is_empty(from->pull_secrets.v[i].name))
			strlist_add(&to->pull_secrets, from->pull_secrets.v[i].name);
	translate_pod_security(from->security, &to->security);
	translate_resources(from->resources, &to->resources);
}

static void add_container(struct pod_plan *plan, struct container_source *from)
{
	struct container_spec *c = &plan->containers[plan->n_containers++];
	struct container_ref *ref = list_add(&plan->pod.containers);

	translate_container(from, c);
	ref->name = xstrdup(c->name);
	ref->init = from->init;
	ref->sidecar = c->sidecar;
}

void translate_pod(const struct k8s_pod *pod, const struct node *root, bool plain_names,
		   struct pod_plan *ret)
{
	const struct k8s_pod_spec *spec = pod->spec;
	struct container_source from = { .pod = pod,
					 .plan = &ret->pod,
					 .plain_names = plain_names };

	memset(ret, 0, sizeof(*ret));
	ret->pod.version = POD_SPEC_VERSION;
	ret->pod.owner = xstrdup("kube");
	ret->pod.restart_backoff = true;
	ret->pod.exit_with_members = true;
	ret->pod.plain_names = plain_names;
	translate_meta(pod->meta, &ret->pod);
	translate_spec(spec, root, &ret->pod);
	ret->containers = xcalloc(spec->inits.n + spec->containers.n, sizeof(*ret->containers));
	for (size_t i = 0; i < spec->inits.n + spec->containers.n; i++) {
		size_t at = i < spec->inits.n ? i : i - spec->inits.n;

		from.init = i < spec->inits.n;
		from.container = from.init ? &spec->inits.v[at] : &spec->containers.v[at];
		add_container(ret, &from);
	}
	translate_oom_scores(ret);
}
