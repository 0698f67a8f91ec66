/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe_container - a container's block of kube describe pod.
 *
 * Theory of operation: what was asked for comes from spec.json, what is going on from the derived
 * status. Values by reference are described, never resolved: no ConfigMap or Secret is opened here.
 */
#include <stdint.h>
#include <string.h>

#include "cmd/podium/kube/describe.h"
#include "engine/base/mem.h"
#include "engine/base/quantity.h"

#define WIDTH	 16
#define TEXT_MAX (SIZE_MAX / 2) /* a manifest is bounded, and so is all that came from it */
#define INDENT	 4

/* ---- state ------------------------------------------------------------------------------ */

static void describe_state(const char *label, const struct kube_state *st)
{
	static const char *const kinds[] = { "", "Waiting", "Running", "Terminated" };
	cleanup_free char *started = describe_time(st->started_ns);
	cleanup_free char *finished = describe_time(st->finished_ns);

	if (st->kind == KUBE_STATE_NONE)
		return;
	describe_line(INDENT, WIDTH, label, "%s", kinds[st->kind]);
	if (st->reason)
		describe_line(INDENT + 2, WIDTH - 2, "Reason:", "%s", st->reason);
	if (!is_empty(st->message))
		describe_line(INDENT + 2, WIDTH - 2, "Message:", "%s", st->message);
	if (st->kind == KUBE_TERMINATED)
		describe_line(INDENT + 2, WIDTH - 2, "Exit Code:", "%lld",
			      (long long)st->exit_code);
	if (st->kind != KUBE_WAITING && st->started_ns)
		describe_line(INDENT + 2, WIDTH - 2, "Started:", "%s", started);
	if (st->kind == KUBE_TERMINATED && st->finished_ns)
		describe_line(INDENT + 2, WIDTH - 2, "Finished:", "%s", finished);
}

/* ---- what was asked for ----------------------------------------------------------------- */

static void describe_words(const char *label, const struct value_list *words)
{
	if (!words->n)
		return;
	describe_head(INDENT, label);
	for (size_t i = 0; i < words->n; i++) {
		cleanup_free char *text = view_value(&words->v[i]);

		describe_line(INDENT + 2, 0, NULL, "%s", text);
	}
}

static void describe_ports(const struct container_spec *c)
{
	cleanup_buf struct buf inner = BUF_INIT(TEXT_MAX), host = BUF_INIT(TEXT_MAX);
	const char *many = c->ports.n > 1 ? "s" : "";
	cleanup_free char *label = xasprintf("Port%s:", many);
	cleanup_free char *host_label = xasprintf("Host Port%s:", many);

	for (size_t i = 0; i < c->ports.n; i++) {
		const struct port_spec *p = &c->ports.v[i];
		static const char *const names[] = { "TCP", "UDP", "SCTP" };
		const char *comma = i ? ", " : "";

		buf_printf(&inner, "%s%u/%s", comma, p->container_port, names[p->protocol]);
		if (p->name)
			buf_printf(&inner, " (%s)", p->name);
		buf_printf(&host, "%s%u/%s", comma, p->host_port, names[p->protocol]);
	}
	describe_line(INDENT, WIDTH, label, "%s", inner.data ? inner.data : "<none>");
	describe_line(INDENT, WIDTH, host_label, "%s", host.data ? host.data : "<none>");
}

static void describe_amounts(const char *label, const struct opt_i64 *cpu,
			     const struct opt_i64 *memory, const struct pairlist *others)
{
	if (!cpu->set && !memory->set && !others->n)
		return;
	describe_head(INDENT, label);
	if (cpu->set) {
		cleanup_free char *text = quantity_format_milli(cpu->value);

		describe_line(INDENT + 2, WIDTH - 4, "cpu:", "%s", text);
	}
	if (memory->set) {
		cleanup_free char *text = quantity_format_bytes(memory->value);

		describe_line(INDENT + 2, WIDTH - 4, "memory:", "%s", text);
	}
	for (size_t i = 0; i < others->n; i++) {
		cleanup_free char *name = xasprintf("%s:", others->v[i].key);

		describe_line(INDENT + 2, WIDTH - 4, name, "%s", others->v[i].value);
	}
}

static void add_action(struct buf *b, const struct action_spec *a)
{
	switch ((enum action_kind)a->kind) {
	case ACTION_EXEC:
		buf_adds(b, "exec [");
		for (size_t i = 0; i < a->argv.n; i++)
			buf_printf(b, "%s%s", i ? " " : "", a->argv.v[i]);
		buf_adds(b, "]");
		break;
	case ACTION_HTTP:
		buf_printf(b, "http-get %s://%s:%u%s", a->https ? "https" : "http",
			   a->host ? a->host : "", a->port, a->path ? a->path : "/");
		break;
	case ACTION_TCP:
		buf_printf(b, "tcp-socket %s:%u", a->host ? a->host : "", a->port);
		break;
	case ACTION_GRPC:
		buf_printf(b, "grpc <pod>:%u %s", a->port, a->service ? a->service : "");
		break;
	case ACTION_SLEEP:
		buf_printf(b, "sleep %llds", (long long)a->sleep_s);
		break;
	case ACTION_NONE:
	case ACTION__COUNT:
		break;
	}
}

static void describe_probes(const struct container_spec *c)
{
	static const struct {
		enum probe_role role;
		const char *label;
	} rows[] = { { PROBE_LIVENESS, "Liveness:" },
		     { PROBE_READINESS, "Readiness:" },
		     { PROBE_STARTUP, "Startup:" } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct probe_spec *p = &c->probes[rows[i].role];
		cleanup_buf struct buf b = BUF_INIT(TEXT_MAX);

		if (p->action.kind == ACTION_NONE)
			continue;
		add_action(&b, &p->action);
		buf_printf(&b,
			   " delay=%llds timeout=%llds period=%llds #success=%lld #failure=%lld",
			   (long long)p->initial_delay_s, (long long)p->timeout_s,
			   (long long)p->period_s, (long long)p->success_threshold,
			   (long long)p->failure_threshold);
		describe_line(INDENT, WIDTH, rows[i].label, "%s", b.data);
	}
}

static const char *truth(bool b)
{
	return b ? "true" : "false";
}

/* One reference; NULL when the value is something else. The caller owns it. */
static char *reference_text(const struct value_part *p)
{
	switch ((enum value_part_kind)p->kind) {
	case VALUE_CONFIG:
	case VALUE_SECRET:
		return xasprintf("<set to the key '%s' of %s '%s'>  Optional: %s", p->text,
				 p->kind == VALUE_SECRET ? "secret" : "config map", p->object,
				 truth(p->optional));
	case VALUE_FIELD:
		return xasprintf("(v1:%s)", p->text);
	case VALUE_RESOURCE:
		return xasprintf("(%s%s%s)", p->object ? p->object : "", p->object ? " " : "",
				 p->text);
	case VALUE_LITERAL:
	case VALUE_VARIABLE:
	case VALUE__COUNT:
		break;
	}
	return NULL;
}

static void describe_environment(const struct container_spec *c)
{
	if (c->env_from.n)
		describe_head(INDENT, "Environment Variables from:");
	for (size_t i = 0; i < c->env_from.n; i++) {
		const struct env_source *e = &c->env_from.v[i];

		describe_line(INDENT + 2, WIDTH - 2, e->object, "%s%s%s  Optional: %s",
			      e->secret ? "Secret" : "ConfigMap",
			      is_empty(e->prefix) ? "" : " with prefix ",
			      is_empty(e->prefix) ? "" : e->prefix, truth(e->optional));
	}
	if (!c->env.n) {
		describe_line(INDENT, WIDTH, "Environment:", "<none>");
		return;
	}
	describe_head(INDENT, "Environment:");
	for (size_t i = 0; i < c->env.n; i++) {
		const struct env_var *e = &c->env.v[i];
		cleanup_free char *label = xasprintf("%s:", e->name);
		cleanup_free char *text = e->value.n == 1 ? reference_text(&e->value.v[0]) : NULL;

		if (!text)
			text = view_value(&e->value);
		describe_line(INDENT + 2, WIDTH - 2, label, "%s%s", *text == '(' ? " " : "", text);
	}
}

static void describe_mounts(const struct container_spec *c)
{
	if (!c->mounts.n) {
		describe_line(INDENT, WIDTH, "Mounts:", "<none>");
		return;
	}
	describe_head(INDENT, "Mounts:");
	for (size_t i = 0; i < c->mounts.n; i++) {
		const struct mount_spec *m = &c->mounts.v[i];
		cleanup_free char *expr =
			m->has_sub_path_expr ? view_value(&m->sub_path_expr) : NULL;
		const char *path = expr ? expr : m->sub_path;

		describe_line(INDENT + 2, 0, m->target, "from %s (%s%s%s%s)", m->volume,
			      m->read_only ? "ro" : "rw", path ? ",path=\"" : "", path ? path : "",
			      path ? "\"" : "");
	}
}

/* ---- all of it -------------------------------------------------------------------------- */

void describe_container(const struct kube_pod *p, size_t i)
{
	const struct container_spec *c = &p->specs[i];
	const struct podstatus_container *st = &p->ps.v[i];
	cleanup_free char *head = xasprintf("%s:", st->source->name);

	describe_head(2, head);
	describe_line(INDENT, WIDTH, "Container ID:", "podium://%s", st->source->id);
	describe_line(INDENT, WIDTH, "Image:", "%s", c->image ? c->image : "<unknown>");
	if (c->config.id)
		describe_line(INDENT, WIDTH, "Image ID:", "sha256:%s", c->config.id);
	describe_ports(c);
	if (c->has_command)
		describe_words("Command:", &c->command);
	if (c->has_args)
		describe_words("Args:", &c->args);
	describe_state("State:", &st->state);
	describe_state("Last State:", &st->last);
	describe_line(INDENT, WIDTH, "Ready:", "%s", st->ready ? "True" : "False");
	describe_line(INDENT, WIDTH, "Restart Count:", "%lld", (long long)st->restarts);
	describe_amounts("Limits:", &c->resources.cpu_limit_milli, &c->resources.memory_limit_bytes,
			 &c->resources.other_limits);
	describe_amounts("Requests:", &c->resources.cpu_request_milli,
			 &c->resources.memory_request_bytes, &c->resources.other_requests);
	describe_probes(c);
	describe_environment(c);
	describe_mounts(c);
}
