/* SPDX-License-Identifier: Apache-2.0 */
/*
 * networksettle - the networks of a plan against those that there are.
 */
#include "cmd/podium/network/networksettle.h"

#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/net/ip.h"
#include "engine/net/netconf.h"
#include "engine/pod/spec.h"

static int check_address(const struct network_conf *c, const char *text, struct error *err)
{
	struct ip_prefix one;

	if (!text || !c->subnets.n) /* the default network is not chosen yet: its start says so */
		return 0;
	if (ip_parse(text, &one.addr) < 0)
		return error_set(err, EINVAL, "\"%.64s\" is not an ip address", text);
	for (size_t i = 0; i < c->subnets.n; i++) {
		struct ip_prefix p;

		if (ip_prefix_parse(c->subnets.v[i].subnet, &p) < 0)
			continue;
		one.bits = p.bits;
		if (!is_ip_prefix_overlapping(&one, &p))
			continue;
		if (is_equal(c->subnets.v[i].gateway, text))
			return error_set(err, EADDRINUSE,
					 "requested static ip %s is the gateway's of network %s",
					 text, c->name);
		return 0;
	}
	return error_set(err, ERANGE, "requested static ip %s not in any subnet on network %s",
			 text, c->name);
}

static int settle(const struct store *s, struct attachment *a, bool *ret_internal,
		  struct error *err)
{
	cleanup_network_conf struct network_conf c = { 0 };
	char *name = NULL;
	int r = network_conf_find(s, a->network, &name, err);

	if (r < 0)
		return r;
	free(a->network);
	a->network = name;
	r = network_conf_read(s, name, &c, err);
	if (r == 0)
		r = check_address(&c, a->ip4, err);
	if (r == 0)
		r = check_address(&c, a->ip6, err);
	*ret_internal = c.internal;
	return r;
}

int network_settle_one(const struct store *s, struct attachment *a, struct error *err)
{
	bool internal;

	return settle(s, a, &internal, err);
}

int network_settle(const struct store *s, struct pod_spec *pod, struct error *err)
{
	bool has_way = pod->networks.n == 0;
	int r = 0;

	if (pod->network != NETWORK_BRIDGE)
		return 0;
	for (size_t i = 0; i < pod->networks.n && r == 0; i++) {
		bool internal = false;

		r = settle(s, &pod->networks.v[i], &internal, err);
		has_way |= !internal;
		for (size_t k = 0; k < i && r == 0; k++)
			if (is_equal(pod->networks.v[k].network, pod->networks.v[i].network))
				r = error_set(err, EINVAL, "network %s is given twice",
					      pod->networks.v[i].network);
	}
	for (size_t i = 0; i < pod->ports.n && r == 0 && !has_way; i++)
		if (pod->ports.v[i].host_port)
			r = error_set(err, ENETUNREACH,
				      "port %u cannot be published: the networks are all internal",
				      pod->ports.v[i].host_port);
	return r;
}
