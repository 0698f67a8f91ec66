/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_ports - asks for host ports before the old pod is taken down.
 *
 * Theory of operation: a changed pod is replaced, and the old one should go only when the new one
 * will come up. Each port that the plan publishes and the old pod does not is bound for a moment.
 * Those of the old pod are free once it is gone. A port that somebody takes in between is refused
 * by the new pod's conductor, as ever.
 */
#include "cmd/podium/play/play_ports.h"

#include "engine/base/mem.h"
#include "engine/net/hostport.h"
#include "engine/pod/lookup.h"

static bool has_port(const struct container_spec *c, const struct port_spec *port)
{
	for (size_t i = 0; i < c->ports.n; i++)
		if (c->ports.v[i].host_port == port->host_port &&
		    c->ports.v[i].protocol == port->protocol)
			return true;
	return false;
}

static bool is_held_by(const struct store *s, const struct pod_spec *old,
		       const struct port_spec *port)
{
	bool held = false;

	for (size_t i = 0; i < old->containers.n && !held; i++) {
		struct container_spec c = { 0 };
		struct error scratch; /* what cannot be read holds nothing */

		held = lookup_read_container(s, old->containers.v[i].id, &c, &scratch) == 0 &&
		       has_port(&c, port);
		record_done(&container_spec_type, &c);
	}
	return held;
}

static int try_port(const struct port_spec *port, struct error *err)
{
	struct net_port want = { .host_port = port->host_port,
				 .container_port = port->container_port,
				 .protocol = port->protocol,
				 .host_ip = port->host_ip };
	int fd = -EBADF;
	int r = hostport_hold(&want, 1, &fd, err);

	if (r == 0)
		hostport_release(&fd, 1);
	return r;
}

int play_check_ports(const struct store *s, const char *old_id, const struct pod_plan *plan,
		     struct error *err)
{
	struct pod_spec old = { 0 };
	struct error scratch; /* debris without a record holds nothing */
	int r = 0;

	if (plan->pod.network != NETWORK_BRIDGE)
		return 0;
	if (lookup_read_pod(s, old_id, &old, &scratch) < 0)
		old = (struct pod_spec){ 0 };
	for (size_t i = 0; i < plan->n_containers && r == 0; i++) {
		const struct port_list *ports = &plan->containers[i].ports;

		for (size_t k = 0; k < ports->n && r == 0; k++)
			if (ports->v[k].host_port && !is_held_by(s, &old, &ports->v[k]))
				r = try_port(&ports->v[k], err);
	}
	record_done(&pod_spec_type, &old);
	return r < 0 ? error_wrap(err, "pod '%s'", plan->pod.name) : 0;
}
