/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_probe - probes and hooks to the engine's actions, and back.
 *
 * Theory of operation: every handler becomes an action; the name of a port becomes its number in
 * this container and is kept beside it for the way back. Numbers that are absent or 0 become
 * Kubernetes' defaults here, so that the engine knows none.
 *
 * The command of a probe has $(NAME) replaced now, by the values that the manifest itself has (one
 * from elsewhere counts as empty); the command of a hook is taken as it is: so does the kubelet. On
 * the way back a probe's command is escaped, and gives the same words again.
 *
 * A hook of kind tcpSocket does nothing here; the reader was told.
 */
#include <string.h>

#include "kube/expand.h"
#include "kube/translate.h"

#define PERIOD_DEFAULT	  10
#define TIMEOUT_DEFAULT	  1
#define SUCCESSES_DEFAULT 1
#define FAILURES_DEFAULT  3

static char *text_or_null(const char *s)
{
	return is_empty(s) ? NULL : xstrdup(s);
}

/* ---- handlers ---------------------------------------------------------------------------------
 */

uint16_t port_resolve(const struct k8s_container *c, const char *port)
{
	int64_t number;

	if (parse_i64(port, 1, 65535, &number) == 0)
		return (uint16_t)number;
	for (size_t i = 0; i < c->ports.n; i++)
		if (is_equal(c->ports.v[i].name, port))
			return (uint16_t)c->ports.v[i].container_port.value;
	return 0;
}

static void take_port(const struct k8s_container *c, const char *port, struct action_spec *to)
{
	int64_t number;

	to->port = port_resolve(c, port);
	if (parse_i64(port, 0, INT64_MAX, &number) < 0)
		to->port_name = xstrdup(port);
}

static void take_http(const struct k8s_container *c, const struct k8s_http_get *from,
		      struct action_spec *to)
{
	to->kind = ACTION_HTTP;
	take_port(c, from->port, to);
	to->host = text_or_null(from->host);
	to->path = text_or_null(from->path);
	to->https = is_equal(from->scheme, "HTTPS");
	for (size_t i = 0; i < from->headers.n; i++) {
		struct http_header *h = list_add(&to->headers);

		h->name = xstrdup(from->headers.v[i].name);
		h->value = xstrdup(from->headers.v[i].value ? from->headers.v[i].value : "");
	}
}

static void take_tcp(const struct k8s_container *c, const struct k8s_tcp_socket *from,
		     struct action_spec *to)
{
	to->kind = ACTION_TCP;
	take_port(c, from->port, to);
	to->host = text_or_null(from->host);
}

/* The values that stand in the manifest: what $(NAME) means in a probe's command. */
static void static_values(const struct k8s_container *c, struct pairlist *ret)
{
	for (size_t i = 0; i < c->env.n; i++)
		pairlist_set(ret, c->env.v[i].name, c->env.v[i].value ? c->env.v[i].value : "");
}

static void take_probe_exec(const struct k8s_container *c, const struct k8s_exec *from,
			    struct action_spec *to)
{
	struct pairlist vars = { 0 };

	to->kind = ACTION_EXEC;
	static_values(c, &vars);
	for (size_t i = 0; i < from->command.n; i++)
		strlist_take(&to->argv, expand_static(from->command.v[i], &vars));
	pairlist_done(&vars);
}

/* ---- probes -----------------------------------------------------------------------------------
 */

static int64_t or_default(struct k8s_int n, int64_t value)
{
	return n.set && n.value ? n.value : value;
}

static void translate_probe(const struct k8s_container *c, const struct k8s_probe *from,
			    struct probe_spec *to)
{
	if (!from)
		return;
	if (from->exec)
		take_probe_exec(c, from->exec, &to->action);
	else if (from->http)
		take_http(c, from->http, &to->action);
	else if (from->tcp)
		take_tcp(c, from->tcp, &to->action);
	if (from->grpc) {
		to->action.kind = ACTION_GRPC;
		to->action.port = (uint16_t)from->grpc->port.value;
		to->action.service = text_or_null(from->grpc->service);
	}
	to->initial_delay_s = or_default(from->initial_delay, 0);
	to->period_s = or_default(from->period, PERIOD_DEFAULT);
	to->timeout_s = or_default(from->timeout, TIMEOUT_DEFAULT);
	to->success_threshold = or_default(from->success_threshold, SUCCESSES_DEFAULT);
	to->failure_threshold = or_default(from->failure_threshold, FAILURES_DEFAULT);
	to->grace_s = (struct opt_i64){ from->grace.set, from->grace.value };
}

void translate_probes(const struct k8s_container *from, struct container_spec *to)
{
	translate_probe(from, from->startup, &to->probes[PROBE_STARTUP]);
	translate_probe(from, from->liveness, &to->probes[PROBE_LIVENESS]);
	translate_probe(from, from->readiness, &to->probes[PROBE_READINESS]);
}

static void translate_hook(const struct k8s_container *c, const struct k8s_handler *from,
			   struct action_spec *to)
{
	if (!from)
		return;
	if (from->exec) {
		to->kind = ACTION_EXEC;
		strlist_copy(&to->argv, &from->exec->command);
	} else if (from->http) {
		take_http(c, from->http, to);
	} else if (from->sleep) {
		to->kind = ACTION_SLEEP;
		to->sleep_s = from->sleep->seconds.value;
	}
}

void translate_lifecycle(const struct k8s_container *from, struct container_spec *to)
{
	if (!from->lifecycle)
		return;
	translate_hook(from, from->lifecycle->post_start, &to->post_start);
	translate_hook(from, from->lifecycle->pre_stop, &to->pre_stop);
	to->stop_signal = text_or_null(from->lifecycle->stop_signal);
}

/* ---- and back ---------------------------------------------------------------------------------
 */

static struct k8s_int number(int64_t n)
{
	return (struct k8s_int){ true, n };
}

static char *port_text(const struct action_spec *a)
{
	return a->port_name ? xstrdup(a->port_name) : xasprintf("%u", (unsigned int)a->port);
}

static struct k8s_exec *plan_exec(const struct action_spec *a, bool escape)
{
	struct k8s_exec *ret = xcalloc(1, sizeof(*ret));

	for (size_t i = 0; i < a->argv.n; i++)
		strlist_take(&ret->command,
			     escape ? expand_escape(a->argv.v[i]) : xstrdup(a->argv.v[i]));
	return ret;
}

static struct k8s_http_get *plan_http(const struct action_spec *a)
{
	struct k8s_http_get *ret = xcalloc(1, sizeof(*ret));

	ret->path = xstrdup_or_null(a->path);
	ret->port = port_text(a);
	ret->host = xstrdup_or_null(a->host);
	if (a->https)
		ret->scheme = xstrdup("HTTPS");
	for (size_t i = 0; i < a->headers.n; i++) {
		struct k8s_http_header *h = list_add(&ret->headers);

		h->name = xstrdup(a->headers.v[i].name);
		h->value = xstrdup(a->headers.v[i].value);
	}
	return ret;
}

static struct k8s_tcp_socket *plan_tcp(const struct action_spec *a)
{
	struct k8s_tcp_socket *ret = xcalloc(1, sizeof(*ret));

	ret->port = port_text(a);
	ret->host = xstrdup_or_null(a->host);
	return ret;
}

static struct k8s_grpc *plan_grpc(const struct action_spec *a)
{
	struct k8s_grpc *ret = xcalloc(1, sizeof(*ret));

	ret->port = number(a->port);
	ret->service = xstrdup_or_null(a->service);
	return ret;
}

static struct k8s_probe *plan_probe(const struct probe_spec *from)
{
	struct k8s_probe *p;

	if (from->action.kind == ACTION_NONE)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	if (from->action.kind == ACTION_EXEC)
		p->exec = plan_exec(&from->action, true);
	else if (from->action.kind == ACTION_HTTP)
		p->http = plan_http(&from->action);
	else if (from->action.kind == ACTION_TCP)
		p->tcp = plan_tcp(&from->action);
	else if (from->action.kind == ACTION_GRPC)
		p->grpc = plan_grpc(&from->action);
	if (from->initial_delay_s)
		p->initial_delay = number(from->initial_delay_s);
	if (from->timeout_s != TIMEOUT_DEFAULT)
		p->timeout = number(from->timeout_s);
	if (from->period_s != PERIOD_DEFAULT)
		p->period = number(from->period_s);
	if (from->success_threshold != SUCCESSES_DEFAULT)
		p->success_threshold = number(from->success_threshold);
	if (from->failure_threshold != FAILURES_DEFAULT)
		p->failure_threshold = number(from->failure_threshold);
	p->grace = (struct k8s_int){ from->grace_s.set, from->grace_s.value };
	return p;
}

void translate_plan_probes(const struct container_spec *from, struct k8s_container *to)
{
	to->startup = plan_probe(&from->probes[PROBE_STARTUP]);
	to->liveness = plan_probe(&from->probes[PROBE_LIVENESS]);
	to->readiness = plan_probe(&from->probes[PROBE_READINESS]);
}

static struct k8s_handler *plan_hook(const struct action_spec *from)
{
	struct k8s_handler *h;

	if (from->kind != ACTION_EXEC && from->kind != ACTION_HTTP && from->kind != ACTION_SLEEP)
		return NULL;
	h = xcalloc(1, sizeof(*h));
	if (from->kind == ACTION_EXEC) {
		h->exec = plan_exec(from, false);
	} else if (from->kind == ACTION_HTTP) {
		h->http = plan_http(from);
	} else {
		h->sleep = xcalloc(1, sizeof(*h->sleep));
		h->sleep->seconds = number(from->sleep_s);
	}
	return h;
}

void translate_plan_lifecycle(const struct container_spec *from, struct k8s_container *to)
{
	struct k8s_lifecycle *l = xcalloc(1, sizeof(*l));

	l->post_start = plan_hook(&from->post_start);
	l->pre_stop = plan_hook(&from->pre_stop);
	l->stop_signal = xstrdup_or_null(from->stop_signal);
	if (l->post_start || l->pre_stop || l->stop_signal)
		to->lifecycle = l;
	else
		free(l);
}
