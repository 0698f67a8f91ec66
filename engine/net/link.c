/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link - the bridge and the veth pairs.
 *
 * Theory of operation: a pod's pair is made by one message: the peer is born inside the pod's
 * namespace, with its name and hardware address, so it is never visible on the host. The peer's
 * other settings cannot go into that message; pod_side.c makes them from inside. Hairpin mode
 * belongs to the bridge port, which exists only after the first message: so a second one, in the
 * same datagram and addressed by name, sets it.
 *
 * The bridge does without multicast snooping (no querier: it would only cost time) and without
 * VLANs. It has a fixed hardware address, else it would take over the lowest of its ports' and
 * every pod's neighbour table would go stale.
 *
 * Mustn't: delete a veth. RTM_DELLINK waits about 35 ms for the kernel; the pod's dying namespace
 * takes its pair with it for nothing. Runs in the host's (or holder's) network namespace.
 */
#include "engine/net/link.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

static struct ifinfomsg *link_message(struct nl_batch *b, uint16_t flags, const char *what)
{
	return nl_message(b, RTM_NEWLINK, (uint16_t)(flags | NLM_F_ACK), sizeof(struct ifinfomsg),
			  what);
}

void link_add_bridge(struct nl_batch *b, const char *name, const uint8_t mac[LINK_MAC_LEN])
{
	struct ifinfomsg *i = link_message(b, NLM_F_CREATE | NLM_F_EXCL, "create bridge");
	size_t info, data;

	i->ifi_family = AF_UNSPEC;
	nl_put_str(b, IFLA_IFNAME, name);
	nl_put(b, IFLA_ADDRESS, mac, LINK_MAC_LEN);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_KIND, "bridge");
	data = nl_nest(b, IFLA_INFO_DATA);
	nl_put_u8(b, IFLA_BR_MCAST_SNOOPING, 0);
	nl_put_u16(b, IFLA_BR_VLAN_DEFAULT_PVID, 0);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

void link_set_route_localnet(struct nl_batch *b, int index)
{
	struct ifinfomsg *i = link_message(b, 0, "set route_localnet of bridge");
	size_t spec, inet, conf;

	i->ifi_index = index;
	spec = nl_nest(b, IFLA_AF_SPEC);
	inet = nl_nest(b, AF_INET);
	conf = nl_nest(b, IFLA_INET_CONF);
	nl_put_u32(b, IPV4_DEVCONF_ROUTE_LOCALNET, 1);
	nl_nest_end(b, conf);
	nl_nest_end(b, inet);
	nl_nest_end(b, spec);
}

void link_set_no_addrgen(struct nl_batch *b, int index)
{
	struct ifinfomsg *i = link_message(b, 0, "set addrgenmode");
	size_t spec, inet6;

	i->ifi_index = index;
	spec = nl_nest(b, IFLA_AF_SPEC);
	inet6 = nl_nest(b, AF_INET6);
	nl_put_u8(b, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(b, inet6);
	nl_nest_end(b, spec);
}

void link_set_up(struct nl_batch *b, int index)
{
	struct ifinfomsg *i = link_message(b, 0, "set device up");

	i->ifi_index = index;
	i->ifi_flags = IFF_UP;
	i->ifi_change = IFF_UP;
}

void link_remove(struct nl_batch *b, int index)
{
	struct ifinfomsg *i = nl_message(b, RTM_DELLINK, NLM_F_ACK, sizeof(*i), "remove device");

	i->ifi_index = index;
}

static void veth_hairpin(struct nl_batch *b, const char *name)
{
	size_t info, data;

	(void)link_message(b, 0, "set hairpin mode of veth");
	nl_put_str(b, IFLA_IFNAME, name);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_SLAVE_KIND, "bridge");
	data = nl_nest(b, IFLA_INFO_SLAVE_DATA);
	nl_put_u8(b, IFLA_BRPORT_MODE, 1);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

void link_add_veth(struct nl_batch *b, const struct link_veth *v)
{
	struct ifinfomsg *i = link_message(b, NLM_F_CREATE | NLM_F_EXCL, "create veth");
	struct ifinfomsg inner = { 0 };
	size_t info, data, peer;

	i->ifi_flags = IFF_UP;
	i->ifi_change = IFF_UP;
	nl_put_str(b, IFLA_IFNAME, v->name);
	nl_put_u32(b, IFLA_MASTER, (uint32_t)v->bridge_index);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_KIND, "veth");
	data = nl_nest(b, IFLA_INFO_DATA);
	peer = nl_nest(b, VETH_INFO_PEER);
	nl_put_raw(b, &inner, sizeof(inner));
	nl_put_str(b, IFLA_IFNAME, v->peer);
	nl_put(b, IFLA_ADDRESS, v->peer_mac, LINK_MAC_LEN);
	nl_put_u32(b, IFLA_NET_NS_FD, (uint32_t)v->peer_netns_fd);
	nl_nest_end(b, peer);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
	veth_hairpin(b, v->name);
}
