/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_network - the part of a container's inspect that Podman calls NetworkSettings.
 *
 * Theory of operation: the records of the network say what the pod has from each of its networks
 * now; one that is not up is listed with empty members, as Podman does with a container that is
 * stopped. The members outside of Networks are those of the only network, else empty.
 */
#include <string.h>

#include "cmd/podium/container/inspect.h"
#include "cmd/podium/container/inspect_parts.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/net/net.h"
#include "engine/net/netconf.h"

static void add_addresses(json_t *j, const struct net_result *n)
{
	set_str(j, "EndpointID", "");
	set_str(j, "Gateway", n->gateway4);
	set_str(j, "IPAddress", n->address4);
	set_int(j, "IPPrefixLen", n->prefix4);
	set_str(j, "IPv6Gateway", n->gateway6);
	set_str(j, "GlobalIPv6Address", n->address6);
	set_int(j, "GlobalIPv6PrefixLen", n->prefix6);
	set_str(j, "MacAddress", n->mac);
}

/* The names that the network's resolver knows it by, beside its own; the first 12 digits are one. */
static json_t *make_aliases(const struct parts *p, const struct attachment *a)
{
	json_t *list = view_strings(&a->aliases);
	const char *id = p->pod.solo ? p->view.id : p->pod.infra_id;

	if (id)
		(void)json_array_append_new(list, json_stringn(id, strnlen(id, 12)));
	return list;
}

static json_t *make_one(const struct parts *p, const char *name, const struct attachment *a,
			const struct net_result *n)
{
	struct network_conf conf = { .version = 0 };
	struct error scratch; /* a network whose record is gone has no id */
	json_t *j = json_object();

	add_addresses(j, n);
	if (network_conf_read(p->store, name, &conf, &scratch) == 0)
		set_str(j, "NetworkID", conf.id);
	else
		set_str(j, "NetworkID", "");
	network_conf_done(&conf);
	set(j, "DriverOpts", NULL);
	set(j, "IPAMConfig", NULL);
	set(j, "Links", NULL);
	set(j, "Aliases", a ? make_aliases(p, a) : NULL);
	return j;
}

static const struct net_result *find(const struct net_result *v, size_t n, const char *name)
{
	static const struct net_result none = { .address4 = "" };

	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].network, name) == 0)
			return &v[i];
	return &none;
}

/* Returns whether there is exactly one; *ret_only is what the container has from it. */
static bool add_networks(json_t *networks, const struct parts *p, struct net_result *ret_only)
{
	const struct attachment_list *l = &p->pod.networks;
	cleanup_free struct net_result *v = NULL;
	struct error scratch; /* no record: not connected now */
	size_t n = 0, count = l->n ? l->n : 1;

	if (!p->has_pod || p->pod.network != NETWORK_BRIDGE)
		return false;
	if (p->store->runfd < 0 || net_lookup_all(p->store, l, p->pod.id, &v, &n, &scratch) < 0)
		n = 0;
	for (size_t i = 0; i < count; i++) {
		const struct attachment *a = l->n ? &l->v[i] : NULL;
		const char *name = a ? a->network : NET_DEFAULT;
		const struct net_result *r = find(v, n, name);

		set(networks, name, make_one(p, name, a, r));
		*ret_only = *r;
	}
	return count == 1;
}

json_t *inspect_network_settings(const struct parts *p)
{
	static const char *const empty[] = { "Bridge", "SandboxID", "LinkLocalIPv6Address",
					     "SandboxKey" };
	const struct net_result nothing = { .address4 = "" };
	struct net_result only = { .address4 = "" };
	json_t *j = json_object();
	json_t *networks = json_object();
	bool is_only = add_networks(networks, p, &only);

	add_addresses(j, is_only ? &only : &nothing);
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++)
		set_str(j, empty[i], "");
	set_bool(j, "HairpinMode", false);
	set_int(j, "LinkLocalIPv6PrefixLen", 0);
	set(j, "Ports", inspect_port_bindings(p->view.st.ports));
	set(j, "Networks", p->pod.unplugged ? json_null() : json_incref(networks));
	json_decref(networks);
	return j;
}
