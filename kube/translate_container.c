/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_container - typed Container to engine container spec.
 *
 * Theory of operation: the order of everything (environment, ports, mounts) is kept. Environment
 * comes first, since commands and arguments may refer to it: a value may refer to variables
 * declared before it, a command to all of them. A variable whose value comes from elsewhere
 * (valueFrom, not honoured yet) is left out and counts as not declared; the reader was warned.
 *
 * An init container never restarts after it has succeeded: Always means "until it succeeds" for it,
 * Never stays. A seccomp profile of the pod is that of its containers which have none.
 *
 * The name on the host is POD-CONTAINER, or plain on demand.
 *
 * OOM scores are the kubelet's: guaranteed pods -997, best-effort ones 1000, in between by the
 * share of the machine's memory that the container asks for. sysinfo(2) tells the memory.
 */
#include <string.h>
#include <sys/sysinfo.h>

#include "kube/expand.h"
#include "engine/base/quantity.h"
#include "kube/translate.h"

#define OOM_GUARANTEED	(-997)
#define OOM_BEST_EFFORT 1000

static char *text_or_null(const char *s)
{
	return is_empty(s) ? NULL : xstrdup(s);
}

/* ---- environment and words --------------------------------------------------------------------
 */

static void translate_env(const struct container_source *from, struct env_list *to)
{
	const struct k8s_container *c = from->container;
	const struct node *list = node_get(from->node, "env");

	for (size_t i = 0; i < c->env.n; i++) {
		const struct k8s_env *e = &c->env.v[i];
		const struct node *elsewhere = list ? node_get(list->items[i], "valueFrom") : NULL;
		struct env_var *var;

		if (elsewhere && elsewhere->kind != NODE_NULL)
			continue;
		var = list_add(to);
		var->name = xstrdup(e->name);
		if (e->value)
			expand_text(e->value, to, to->n - 1, &var->value);
	}
}

static void translate_words(const struct strlist *from, const struct env_list *env, bool *ret_has,
			    struct value_list *to)
{
	*ret_has = from->n > 0;
	for (size_t i = 0; i < from->n; i++)
		expand_text(from->v[i], env, env->n, list_add(to));
}

/* ---- ports, mounts, resources -----------------------------------------------------------------
 */

static int protocol_of(const char *name)
{
	if (is_equal(name, "UDP"))
		return PORT_UDP;
	return is_equal(name, "SCTP") ? PORT_SCTP : PORT_TCP;
}

static void translate_ports(const struct k8s_container *c, struct port_list *to)
{
	for (size_t i = 0; i < c->ports.n; i++) {
		const struct k8s_port *p = &c->ports.v[i];
		struct port_spec *out = list_add(to);

		out->name = text_or_null(p->name);
		out->container_port = (uint16_t)p->container_port.value;
		out->host_port = p->host_port.set ? (uint16_t)p->host_port.value : 0;
		out->host_ip = text_or_null(p->host_ip);
		out->protocol = protocol_of(p->protocol);
	}
}

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

static void translate_resources(const struct k8s_resources *from, struct resources *to)
{
	if (!from)
		return;
	to->cpu_limit_milli = amount(&from->limits, "cpu", true);
	to->memory_limit_bytes = amount(&from->limits, "memory", true);
	to->cpu_request_milli = amount(&from->requests, "cpu", false);
	to->memory_request_bytes = amount(&from->requests, "memory", false);
}

/* ---- security ---------------------------------------------------------------------------------
 */

static void translate_security(const struct container_source *from, struct container_security *to)
{
	const struct k8s_security *s = from->container->security;
	const struct k8s_pod_security *pod = from->pod->spec->security;
	const struct k8s_seccomp *seccomp = s && s->seccomp ? s->seccomp
					    : pod	    ? pod->seccomp
							    : NULL;

	to->seccomp_unconfined = seccomp && is_equal(seccomp->type, "Unconfined");
	if (!s)
		return;
	to->run_as_user = (struct opt_i64){ s->run_as_user.set, s->run_as_user.value };
	to->run_as_group = (struct opt_i64){ s->run_as_group.set, s->run_as_group.value };
	to->run_as_non_root = (struct opt_bool){ s->run_as_non_root.set, s->run_as_non_root.value };
	to->privileged = (struct opt_bool){ s->privileged.set, s->privileged.value };
	to->read_only_root = (struct opt_bool){ s->read_only_root.set, s->read_only_root.value };
	to->allow_privilege_escalation =
		(struct opt_bool){ s->allow_escalation.set, s->allow_escalation.value };
	to->unmask_proc = is_equal(s->proc_mount, "Unmasked");
	if (!s->capabilities)
		return;
	strlist_copy(&to->cap_add, &s->capabilities->add);
	strlist_copy(&to->cap_drop, &s->capabilities->drop);
}

/* ---- the container ----------------------------------------------------------------------------
 */

static int restart_of(const char *policy, bool init)
{
	if (is_equal(policy, "Never"))
		return RESTART_NEVER;
	if (init || is_equal(policy, "OnFailure"))
		return RESTART_ON_FAILURE;
	return RESTART_ALWAYS;
}

void translate_container(const struct container_source *from, struct container_spec *to)
{
	const struct k8s_container *c = from->container;

	to->version = POD_SPEC_VERSION;
	to->name = xstrdup(c->name);
	to->full_name = from->plain_names ? xstrdup(c->name)
					  : xasprintf("%s-%s", from->pod->meta->name, c->name);
	to->kind = from->init ? CONTAINER_INIT : CONTAINER_MEMBER;
	to->image = xstrdup(c->image);
	to->pull_policy = text_or_null(c->image_pull_policy);
	to->working_dir = text_or_null(c->working_dir);
	translate_env(from, &to->env);
	translate_words(&c->command, &to->env, &to->has_command, &to->command);
	translate_words(&c->args, &to->env, &to->has_args, &to->args);
	translate_ports(c, &to->ports);
	translate_mounts(c, from->plan, to);
	translate_resources(c->resources, &to->resources);
	translate_security(from, &to->security);
	to->tty = c->tty.value;
	to->stdin_open = c->stdin_open.value;
	to->stdin_once = c->stdin_once.value;
	to->restart = restart_of(from->pod->spec->restart_policy, from->init);
}

/* ---- OOM scores -------------------------------------------------------------------------------
 */

static bool is_met(struct opt_i64 request, struct opt_i64 limit)
{
	return limit.set && request.set && request.value == limit.value;
}

static bool asks_nothing(const struct resources *r)
{
	return !r->cpu_limit_milli.set && !r->memory_limit_bytes.set &&
	       (!r->cpu_request_milli.set || !r->cpu_request_milli.value) &&
	       (!r->memory_request_bytes.set || !r->memory_request_bytes.value);
}

static int64_t burstable_score(const struct resources *r, uint64_t capacity)
{
	unsigned __int128 asked =
		r->memory_request_bytes.set ? (uint64_t)r->memory_request_bytes.value : 0;
	unsigned __int128 share = capacity ? asked * 1000 / capacity : 0;
	int64_t score = share > 1000 ? 0 : 1000 - (int64_t)share;

	if (score < 1000 + OOM_GUARANTEED)
		return 1000 + OOM_GUARANTEED;
	return score == OOM_BEST_EFFORT ? OOM_BEST_EFFORT - 1 : score;
}

void translate_oom_scores(struct pod_plan *plan)
{
	bool guaranteed = true, best_effort = true;
	struct sysinfo info = { 0 };

	(void)sysinfo(&info);
	for (size_t i = 0; i < plan->n_containers; i++) {
		const struct resources *r = &plan->containers[i].resources;

		guaranteed &= is_met(r->cpu_request_milli, r->cpu_limit_milli) &&
			      is_met(r->memory_request_bytes, r->memory_limit_bytes);
		best_effort &= asks_nothing(r);
	}
	for (size_t i = 0; i < plan->n_containers; i++) {
		struct container_spec *c = &plan->containers[i];

		c->oom_score_adj =
			guaranteed    ? OOM_GUARANTEED
			: best_effort ? OOM_BEST_EFFORT
				      : burstable_score(&c->resources,
							(uint64_t)info.totalram * info.mem_unit);
	}
}
