/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_plan - engine plan to typed Pod: what generate writes when there is no document.
 *
 * Theory of operation: the mirror of translate.c and translate_container.c, field by field. The law
 * that ties them: playing what is written gives an equal plan, apart from ids and times. It holds
 * because every honoured field is reachable from the plan; a field added there is added here, and
 * tests/unit/test_roundtrip.c fails until it is.
 *
 * What follows from other fields is left out, as a person would: a request that equals the limit,
 * an empty source of a volume aside, protocol TCP is written as Kubernetes shows it. Kubernetes has
 * no word for some of the engine's fields (log sizes, pids limit); they are not written.
 *
 * The result owns its strings and is freed by decode_done(&schema_pod, ...).
 */
#include <string.h>

#include "kube/expand.h"
#include "engine/base/quantity.h"
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

/* ---- containers -------------------------------------------------------------------------------
 */

static void words(const struct value_list *from, const struct env_list *env, struct strlist *to)
{
	for (size_t i = 0; i < from->n; i++)
		strlist_take(to, expand_unsplit(&from->v[i], env, env->n));
}

static void plan_ports(const struct container_spec *from, struct k8s_container *to)
{
	static const char *const names[] = { "TCP", "UDP", "SCTP" };

	for (size_t i = 0; i < from->ports.n; i++) {
		const struct port_spec *p = &from->ports.v[i];
		struct k8s_port *out = list_add(&to->ports);

		out->name = xstrdup_or_null(p->name);
		out->container_port = (struct k8s_int){ true, p->container_port };
		if (p->host_port)
			out->host_port = (struct k8s_int){ true, p->host_port };
		out->host_ip = xstrdup_or_null(p->host_ip);
		out->protocol = xstrdup(names[p->protocol]);
	}
}

static void plan_env(const struct container_spec *from, struct k8s_container *to)
{
	for (size_t i = 0; i < from->env.n; i++) {
		struct k8s_env *e = list_add(&to->env);

		e->name = xstrdup(from->env.v[i].name);
		e->value = expand_unsplit(&from->env.v[i].value, &from->env, i);
	}
}

static void put_amount(struct pairlist *to, const char *name, char *text)
{
	pairlist_set(to, name, text);
	free(text);
}

static bool is_own_request(struct opt_i64 request, struct opt_i64 limit)
{
	return request.set && !(limit.set && limit.value == request.value);
}

static void plan_resources(const struct resources *from, struct k8s_container *to)
{
	struct k8s_resources *r = xcalloc(1, sizeof(*r));

	if (from->cpu_limit_milli.set)
		put_amount(&r->limits, "cpu", quantity_format_milli(from->cpu_limit_milli.value));
	if (from->memory_limit_bytes.set)
		put_amount(&r->limits, "memory",
			   quantity_format_bytes(from->memory_limit_bytes.value));
	if (is_own_request(from->cpu_request_milli, from->cpu_limit_milli))
		put_amount(&r->requests, "cpu",
			   quantity_format_milli(from->cpu_request_milli.value));
	if (is_own_request(from->memory_request_bytes, from->memory_limit_bytes))
		put_amount(&r->requests, "memory",
			   quantity_format_bytes(from->memory_request_bytes.value));
	if (r->limits.n || r->requests.n)
		to->resources = r;
	else
		free(r);
}

static struct k8s_caps *plan_caps(const struct container_security *from)
{
	struct k8s_caps *caps;

	if (!from->cap_add.n && !from->cap_drop.n)
		return NULL;
	caps = xcalloc(1, sizeof(*caps));
	strlist_copy(&caps->add, &from->cap_add);
	strlist_copy(&caps->drop, &from->cap_drop);
	return caps;
}

static bool is_security_set(const struct container_security *s)
{
	return s->run_as_user.set || s->run_as_group.set || s->run_as_non_root.set ||
	       s->privileged.set || s->read_only_root.set || s->allow_privilege_escalation.set ||
	       s->cap_add.n || s->cap_drop.n || s->unmask_proc || s->seccomp_unconfined;
}

static void plan_security(const struct container_security *from, struct k8s_container *to)
{
	struct k8s_security *s;

	if (!is_security_set(from))
		return;
	s = xcalloc(1, sizeof(*s));
	to->security = s;
	s->capabilities = plan_caps(from);
	s->run_as_user = number(from->run_as_user);
	s->run_as_group = number(from->run_as_group);
	s->run_as_non_root = truth(from->run_as_non_root);
	s->privileged = truth(from->privileged);
	s->read_only_root = truth(from->read_only_root);
	s->allow_escalation = truth(from->allow_privilege_escalation);
	if (from->unmask_proc)
		s->proc_mount = xstrdup("Unmasked");
	if (from->seccomp_unconfined) {
		s->seccomp = xcalloc(1, sizeof(*s->seccomp));
		s->seccomp->type = xstrdup("Unconfined");
	}
}

static void plan_container(const struct container_spec *from, struct k8s_container *to)
{
	to->name = xstrdup(from->name);
	to->image = xstrdup(from->image);
	to->image_pull_policy = xstrdup_or_null(from->pull_policy);
	to->working_dir = xstrdup_or_null(from->working_dir);
	if (from->has_command)
		words(&from->command, &from->env, &to->command);
	if (from->has_args)
		words(&from->args, &from->env, &to->args);
	plan_env(from, to);
	plan_ports(from, to);
	translate_plan_mounts(from, to);
	plan_resources(&from->resources, to);
	plan_security(&from->security, to);
	to->tty = when(from->tty);
	to->stdin_open = when(from->stdin_open);
	to->stdin_once = when(from->stdin_once);
}

/* ---- the pod ----------------------------------------------------------------------------------
 */

static bool is_pod_security_set(const struct pod_security *s)
{
	return s->run_as_user.set || s->run_as_group.set || s->run_as_non_root.set ||
	       s->fs_group.set || s->fs_group_on_root_mismatch || s->supplemental_groups.n ||
	       s->sysctls.n;
}

static void plan_pod_security(const struct pod_security *from, struct k8s_pod_spec *to)
{
	struct k8s_pod_security *s;

	if (!is_pod_security_set(from))
		return;
	s = xcalloc(1, sizeof(*s));
	to->security = s;
	s->run_as_user = number(from->run_as_user);
	s->run_as_group = number(from->run_as_group);
	s->run_as_non_root = truth(from->run_as_non_root);
	s->fs_group = number(from->fs_group);
	if (from->fs_group_on_root_mismatch)
		s->fs_group_change_policy = xstrdup("OnRootMismatch");
	strlist_copy(&s->supplemental_groups, &from->supplemental_groups);
	for (size_t i = 0; i < from->sysctls.n; i++) {
		struct k8s_sysctl *ctl = list_add(&s->sysctls);

		ctl->name = xstrdup(from->sysctls.v[i].key);
		ctl->value = xstrdup(from->sysctls.v[i].value);
	}
}

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
	to->host_network = when(from->network == NETWORK_HOST);
	to->host_pid = when(from->host_pid);
	to->host_ipc = when(from->host_ipc);
	to->share_pid = when(from->share_pid);
	to->hostname = xstrdup_or_null(from->hostname);
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
	plan_pod_security(&from->security, to);
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

		if (c->kind == CONTAINER_INIT)
			plan_container(c, list_add(&ret->spec->inits));
		else if (c->kind == CONTAINER_MEMBER)
			plan_container(c, list_add(&ret->spec->containers));
	}
}
