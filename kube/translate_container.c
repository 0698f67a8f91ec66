/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_container - typed Container to engine container spec, and back.
 *
 * Theory of operation: the order of everything (environment, ports, mounts) is kept; environment,
 * resources, probes, security and mounts have files of their own beside this one.
 *
 * Restarts: an init container never restarts after it has succeeded: Always means "until it
 * succeeds" for it, Never stays; one that itself says Always is a sidecar and runs on. What a
 * container says of itself wins over the pod's word. Of the restart rules only "Restart" means
 * something here.
 *
 * The name on the host is POD-CONTAINER, or plain on demand.
 */
#include <string.h>

#include "kube/translate.h"

static char *text_or_null(const char *s)
{
	return is_empty(s) ? NULL : xstrdup(s);
}

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

/* ---- restarts ---------------------------------------------------------------------------------
 */

static int restart_of(const char *policy, bool init)
{
	if (is_equal(policy, "Never"))
		return RESTART_NEVER;
	if (init || is_equal(policy, "OnFailure"))
		return RESTART_ON_FAILURE;
	return RESTART_ALWAYS;
}

static void translate_restart(const struct container_source *from, struct container_spec *to)
{
	const struct k8s_container *c = from->container;

	to->own_restart = !is_empty(c->restart_policy);
	to->sidecar = from->init && is_equal(c->restart_policy, "Always");
	to->restart =
		restart_of(to->own_restart ? c->restart_policy : from->pod->spec->restart_policy,
			   from->init && !to->sidecar);
	for (size_t i = 0; i < c->restart_rules.n; i++) {
		const struct k8s_restart_rule *rule = &c->restart_rules.v[i];
		struct restart_rule *out;

		if (!is_equal(rule->action, "Restart"))
			continue;
		out = list_add(&to->restart_rules);
		out->not_in = is_equal(rule->codes->operator_, "NotIn");
		strlist_copy(&out->codes, &rule->codes->values);
	}
}

/* ---- the container ----------------------------------------------------------------------------
 */

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
	translate_env(c, to);
	translate_ports(c, &to->ports);
	translate_mounts(c, from->plan, to);
	translate_resources(c->resources, &to->resources);
	translate_container_security(from->pod->spec->security, c->security, &to->security);
	to->tty = c->tty.value;
	to->stdin_open = c->stdin_open.value;
	to->stdin_once = c->stdin_once.value;
	translate_restart(from, to);
	translate_probes(c, to);
	translate_lifecycle(c, to);
	if (!is_equal(c->termination_path, TERMINATION_PATH_DEFAULT))
		to->termination_path = text_or_null(c->termination_path);
	to->termination_log_fallback = is_equal(c->termination_policy, "FallbackToLogsOnError");
}

/* ---- and back ---------------------------------------------------------------------------------
 */

static struct k8s_bool when(bool b)
{
	return (struct k8s_bool){ b, b };
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

static void plan_restart(const struct container_spec *from, struct k8s_container *to)
{
	if (from->sidecar || from->own_restart)
		to->restart_policy = xstrdup(
			restart_policy_names[from->sidecar ? RESTART_ALWAYS : from->restart]);
	for (size_t i = 0; i < from->restart_rules.n; i++) {
		const struct restart_rule *rule = &from->restart_rules.v[i];
		struct k8s_restart_rule *out = list_add(&to->restart_rules);

		out->action = xstrdup("Restart");
		out->codes = xcalloc(1, sizeof(*out->codes));
		out->codes->operator_ = xstrdup(rule->not_in ? "NotIn" : "In");
		strlist_copy(&out->codes->values, &rule->codes);
	}
}

void translate_plan_container(const struct container_spec *from, struct k8s_container *to)
{
	to->name = xstrdup(from->name);
	to->image = xstrdup(from->image);
	to->image_pull_policy = xstrdup_or_null(from->pull_policy);
	to->working_dir = xstrdup_or_null(from->working_dir);
	translate_plan_env(from, to);
	plan_ports(from, to);
	translate_plan_mounts(from, to);
	to->resources = translate_plan_resources(&from->resources, false);
	to->security = translate_plan_security(&from->security);
	to->tty = when(from->tty);
	to->stdin_open = when(from->stdin_open);
	to->stdin_once = when(from->stdin_once);
	plan_restart(from, to);
	translate_plan_probes(from, to);
	translate_plan_lifecycle(from, to);
	to->termination_path = xstrdup_or_null(from->termination_path);
	if (from->termination_log_fallback)
		to->termination_policy = xstrdup("FallbackToLogsOnError");
}
