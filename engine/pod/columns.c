/* SPDX-License-Identifier: Apache-2.0 */
/*
 * columns - COMMAND and PORTS.
 *
 * Theory of operation: pure text from the plan. Ports are sorted by address, protocol and number;
 * neighbours that run in step on both sides are joined to ranges. A variable in a command is shown
 * as $(NAME), never as its value.
 */
#include "engine/pod/columns.h"

#include <string.h>

#define COLUMN_MAX_BYTES 4096

static void add_value(struct buf *b, const struct value *val)
{
	if (b->len)
		buf_addc(b, ' ');
	for (size_t i = 0; i < val->n; i++) {
		if (val->v[i].kind == VALUE_VARIABLE)
			buf_printf(b, "$(%s)", val->v[i].text);
		else
			buf_adds(b, val->v[i].text);
	}
}

static void add_words(struct buf *b, const struct strlist *words)
{
	for (size_t i = 0; i < words->n; i++)
		buf_printf(b, "%s%s", b->len ? " " : "", words->v[i]);
}

char *columns_command(const struct container_spec *spec)
{
	struct buf b = BUF_INIT(COLUMN_MAX_BYTES);

	if (spec->service) /* as of an infra container */
		return NULL;
	if (spec->has_command) {
		for (size_t i = 0; i < spec->command.n; i++)
			add_value(&b, &spec->command.v[i]);
	} else {
		add_words(&b, &spec->config.entrypoint);
	}
	if (spec->has_args) {
		for (size_t i = 0; i < spec->args.n; i++)
			add_value(&b, &spec->args.v[i]);
	} else if (!spec->has_command) {
		add_words(&b, &spec->config.cmd);
	}
	return buf_steal(&b);
}

static int compare_ports(const void *a, const void *b)
{
	const struct port_spec *p = a, *q = b;
	int r = strcmp(p->host_ip ? p->host_ip : "", q->host_ip ? q->host_ip : "");

	if (r == 0)
		r = p->protocol - q->protocol;
	return r ? r : (int)p->host_port - (int)q->host_port;
}

static bool is_next(const struct port_spec *p, const struct port_spec *q)
{
	return is_equal(p->host_ip ? p->host_ip : "", q->host_ip ? q->host_ip : "") &&
	       p->protocol == q->protocol && q->host_port == p->host_port + 1 &&
	       q->container_port == p->container_port + 1;
}

static void add_range(struct buf *b, const struct port_spec *first, const struct port_spec *last)
{
	const char *ip = first->host_ip ? first->host_ip : "0.0.0.0";
	bool is_v6 = strchr(ip, ':') != NULL;

	buf_printf(b, "%s%s%s%s:", b->len ? ", " : "", is_v6 ? "[" : "", ip, is_v6 ? "]" : "");
	if (first == last)
		buf_printf(b, "%u->%u", first->host_port, first->container_port);
	else
		buf_printf(b, "%u-%u->%u-%u", first->host_port, last->host_port,
			   first->container_port, last->container_port);
	buf_printf(b, "/%s", port_protocol_str(first->protocol));
}

char *columns_ports(const struct pod_plan *plan)
{
	struct buf b = BUF_INIT(COLUMN_MAX_BYTES);
	struct port_list ports = { 0 };
	const struct port_spec *all;
	size_t n;

	/* Without the bridge nothing is published. */
	if (plan->pod.network == NETWORK_BRIDGE)
		pod_published_ports(&plan->pod, plan->containers, plan->n_containers, &ports);
	all = ports.v;
	n = ports.n;
	if (n)
		qsort(ports.v, n, sizeof(*all), compare_ports);
	for (size_t i = 0; i < n;) {
		size_t last = i;

		while (last + 1 < n && is_next(&all[last], &all[last + 1]))
			last++;
		add_range(&b, &all[i], &all[last]);
		i = last + 1;
	}
	free(ports.v);
	return buf_steal(&b);
}
