/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_probe - probes, hooks, the stop signal.
 *
 * Theory of operation: the API server's rules: exactly one handler, numbers in their ranges, success
 * counts of one where more would mean nothing, no grace period for readiness; none of it on an init
 * container that ends. A hook of kind tcpSocket counts as a handler, although it does nothing.
 *
 * Added to that: the name of a port must be one of the container's when the pod is played (a warning
 * before); Kubernetes tells that at each probe, which never finds it.
 */
#include <limits.h>
#include <string.h>

#include "engine/base/signame.h"
#include "engine/pod/spec.h"
#include "kube/names.h"
#include "kube/translate.h"
#include "kube/validate.h"

/* ---- handlers ---------------------------------------------------------------------------------
 */

static void check_port(struct check *c, const struct k8s_container *k, const char *port)
{
	size_t mark = path_field(&c->path, "port");
	const struct node *n = node_at(c->sink->root, c->path.text);
	int64_t number;

	if (is_empty(port)) {
		path_cut(&c->path, mark);
		return; /* told while decoding */
	}
	if (parse_i64(port, INT64_MIN, INT64_MAX, &number) == 0) {
		if (n->kind == NODE_STRING)
			check_name(c, NULL, port, "is text: write the number without quotes");
		else if (number < 1 || number > 65535)
			check_name(c, NULL, port, "is not between 1 and 65535");
	} else if (name_bad_port(port)) {
		check_name(c, NULL, port, name_bad_port(port));
	} else if (!port_resolve(k, port) && c->for_play) {
		check_name(c, NULL, port, "is the name of no port of this container");
	} else if (!port_resolve(k, port)) {
		check_unsupported(c, NULL, "'%.15s' is the name of no port of this container",
				  port);
	}
	path_cut(&c->path, mark);
}

static const char *bad_header(const char *s)
{
	for (size_t i = 0; s[i]; i++) {
		bool good = s[i] == '-' || (s[i] >= '0' && s[i] <= '9') ||
			    (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z');

		if (!good)
			return "is not the name of a header: letters, digits and '-'";
	}
	return NULL;
}

/* A line end would begin another header. Text is not repeated: it would end a line here, too. */
static void check_line(struct check *c, const char *field, const char *s)
{
	for (size_t i = 0; s && s[i]; i++) {
		if ((unsigned char)s[i] < ' ' && s[i] != '\t') {
			check_error(c, field, "must be one line of text");
			return;
		}
	}
}

static void check_http(struct check *c, const struct k8s_container *k, const struct k8s_http_get *h)
{
	size_t mark = path_field(&c->path, "httpGet");

	check_port(c, k, h->port);
	check_line(c, "path", h->path);
	check_line(c, "host", h->host);
	for (size_t i = 0; i < h->headers.n; i++) {
		size_t inner = path_field(&c->path, "httpHeaders");

		(void)path_index(&c->path, i);
		if (h->headers.v[i].name)
			check_name(c, "name", h->headers.v[i].name,
				   bad_header(h->headers.v[i].name));
		check_line(c, "value", h->headers.v[i].value);
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

static bool is_told_below(struct check *c, const char *field)
{
	size_t mark = path_field(&c->path, field);
	const struct kube_diags *told = c->sink->list;
	bool found = false;

	for (size_t i = 0; i < told->n && !found; i++)
		found = is_prefix(told->v[i].path, c->path.text);
	path_cut(&c->path, mark);
	return found;
}

static void check_exec(struct check *c, const struct k8s_exec *e)
{
	size_t mark = path_field(&c->path, "exec");

	/* Words that are no strings have been told of one by one. */
	if (!e->command.n && !is_told_below(c, "command"))
		check_error(c, "command", "is required");
	path_cut(&c->path, mark);
}

static void check_count(struct check *c, int n, const char *names)
{
	if (n == 0)
		check_error(c, NULL, "must have one of %s", names);
	else if (n > 1)
		check_error(c, NULL, "must have one of %s, not several", names);
}

/* ---- probes -----------------------------------------------------------------------------------
 */

static void check_handlers(struct check *c, const struct k8s_container *k,
			   const struct k8s_probe *p)
{
	check_count(c, !!p->exec + !!p->http + !!p->tcp + !!p->grpc,
		    "exec, httpGet, tcpSocket, grpc");
	if (p->exec)
		check_exec(c, p->exec);
	if (p->http)
		check_http(c, k, p->http);
	if (p->tcp) {
		size_t mark = path_field(&c->path, "tcpSocket");

		check_port(c, k, p->tcp->port);
		check_line(c, "host", p->tcp->host);
		path_cut(&c->path, mark);
	}
	if (p->grpc) {
		size_t mark = path_field(&c->path, "grpc");

		check_range(c, "port", p->grpc->port, 1, 65535);
		check_line(c, "service", p->grpc->service);
		path_cut(&c->path, mark);
	}
}

static void check_probe(struct check *c, const struct k8s_container *k, const struct k8s_probe *p,
			enum probe_role role)
{
	static const char *const fields[] = { "startupProbe", "livenessProbe", "readinessProbe" };
	size_t mark;

	if (!p)
		return;
	mark = path_field(&c->path, fields[role]);
	check_handlers(c, k, p);
	check_range(c, "initialDelaySeconds", p->initial_delay, 0, INT32_MAX);
	check_range(c, "timeoutSeconds", p->timeout, 0, INT32_MAX);
	check_range(c, "periodSeconds", p->period, 0, INT32_MAX);
	check_range(c, "successThreshold", p->success_threshold, 0, INT32_MAX);
	check_range(c, "failureThreshold", p->failure_threshold, 0, INT32_MAX);
	if (role != PROBE_READINESS && p->success_threshold.value > 1)
		check_error(c, "successThreshold", "must be 1");
	if (role == PROBE_READINESS && p->grace.set)
		check_error(c, "terminationGracePeriodSeconds",
			    "goes with liveness and startup probes only: this one ends nothing");
	else
		check_range(c, "terminationGracePeriodSeconds", p->grace, 1, INT32_MAX);
	path_cut(&c->path, mark);
}

/* ---- hooks ------------------------------------------------------------------------------------
 */

static void check_hook(struct check *c, const struct k8s_container *k, const char *field,
		       const struct k8s_handler *h)
{
	int64_t grace = c->pod->spec->grace_seconds.set ? c->pod->spec->grace_seconds.value
							: PLAYED_GRACE_SECONDS;
	const struct node *tcp;
	size_t mark;

	if (!h)
		return;
	mark = path_field(&c->path, field);
	tcp = node_get(node_at(c->sink->root, c->path.text), "tcpSocket");
	check_count(c, !!h->exec + !!h->http + !!h->sleep + (tcp && tcp->kind != NODE_NULL),
		    "exec, httpGet, sleep");
	if (h->exec)
		check_exec(c, h->exec);
	if (h->http)
		check_http(c, k, h->http);
	if (h->sleep && (h->sleep->seconds.value < 0 || h->sleep->seconds.value > grace))
		check_error(c, "sleep.seconds",
			    "%lld is not between 0 and the grace period of %lld seconds",
			    (long long)h->sleep->seconds.value, (long long)grace);
	path_cut(&c->path, mark);
}

static void check_stop_signal(struct check *c, const char *name)
{
	const struct k8s_os *os = c->pod->spec->os;

	if (!is_prefix(name, "SIG") || signal_number(name) < 0)
		check_name(c, "stopSignal", name, "is not a signal (SIGTERM, SIGRTMIN+3, ...)");
	else if (!os || is_empty(os->name))
		check_unsupported(c, "stopSignal",
				  "is refused by clusters without spec.os.name 'linux'");
}

static void check_lifecycle(struct check *c, const struct k8s_container *k)
{
	size_t mark = path_field(&c->path, "lifecycle");

	check_hook(c, k, "postStart", k->lifecycle->post_start);
	check_hook(c, k, "preStop", k->lifecycle->pre_stop);
	if (!is_empty(k->lifecycle->stop_signal))
		check_stop_signal(c, k->lifecycle->stop_signal);
	path_cut(&c->path, mark);
}

/* ---- all of a container -----------------------------------------------------------------------
 */

static void refuse(struct check *c, const char *field, const void *value)
{
	if (value)
		check_error(c, field,
			    "goes with containers that run on; this init container ends (a sidecar "
			    "has restartPolicy: Always)");
}

void validate_probes(struct check *c, const struct k8s_container *k, bool init)
{
	if (init && !is_equal(k->restart_policy, "Always")) {
		refuse(c, "startupProbe", k->startup);
		refuse(c, "livenessProbe", k->liveness);
		refuse(c, "readinessProbe", k->readiness);
		refuse(c, "lifecycle", k->lifecycle);
		return;
	}
	check_probe(c, k, k->startup, PROBE_STARTUP);
	check_probe(c, k, k->liveness, PROBE_LIVENESS);
	check_probe(c, k, k->readiness, PROBE_READINESS);
	if (k->lifecycle)
		check_lifecycle(c, k);
}
