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
 * A device that was set up does not transmit yet: the kernel's link watcher has to notice the
 * carrier first, in a work queue. What is sent before is dropped, and with it the first ARP or
 * neighbour request, which is repeated only after a second. So link_wait_up() asks: since Linux 6.9
 * the question itself makes the kernel do that work; before, it is asked again until it has been
 * done.
 *
 * Mustn't: delete a veth. RTM_DELLINK waits about 35 ms for the kernel; the pod's dying namespace
 * takes its pair with it for nothing. Runs in the host's (or holder's) network namespace.
 */
#include "engine/net/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>
#include <time.h>

#include "engine/base/clock.h"

#define WAIT_POLL_NS 200000

static struct ifinfomsg *link_message(struct nl_batch *b, uint16_t flags, const char *what)
{
	return nl_message(b, RTM_NEWLINK, (uint16_t)(flags | NLM_F_ACK), sizeof(struct ifinfomsg),
			  what);
}

void link_add_bridge(struct nl_batch *b, const char *name, const uint8_t mac[LINK_MAC_LEN],
		     uint32_t group)
{
	struct ifinfomsg *i = link_message(b, NLM_F_CREATE | NLM_F_EXCL, "create bridge");
	size_t info, data;

	i->ifi_family = AF_UNSPEC;
	nl_put_str(b, IFLA_IFNAME, name);
	nl_put(b, IFLA_ADDRESS, mac, LINK_MAC_LEN);
	nl_put_u32(b, IFLA_GROUP, group);
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

void link_set_mtu(struct nl_batch *b, int index, uint32_t mtu)
{
	struct ifinfomsg *i = link_message(b, 0, "set mtu");

	i->ifi_index = index;
	nl_put_u32(b, IFLA_MTU, mtu);
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
	if (v->mtu)
		nl_put_u32(b, IFLA_MTU, v->mtu);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_KIND, "veth");
	data = nl_nest(b, IFLA_INFO_DATA);
	peer = nl_nest(b, VETH_INFO_PEER);
	nl_put_raw(b, &inner, sizeof(inner));
	nl_put_str(b, IFLA_IFNAME, v->peer);
	nl_put(b, IFLA_ADDRESS, v->peer_mac, LINK_MAC_LEN);
	if (v->mtu)
		nl_put_u32(b, IFLA_MTU, v->mtu);
	nl_put_u32(b, IFLA_NET_NS_FD, (uint32_t)v->peer_netns_fd);
	nl_nest_end(b, peer);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
	veth_hairpin(b, v->name);
}

static int oper_attribute(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == IFLA_OPERSTATE && mnl_attr_get_payload_len(a) >= 1)
		*(int *)arg = mnl_attr_get_u8(a);
	return MNL_CB_OK;
}

static int oper_answer(const struct nlmsghdr *nlh, void *arg)
{
	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct ifinfomsg))
		(void)mnl_attr_parse(nlh, sizeof(struct ifinfomsg), oper_attribute, arg);
	return 0;
}

int link_wait_up(struct nl_sock *s, const char *name, int timeout_ms, struct error *err)
{
	int64_t deadline = clock_mono_ms() + timeout_ms;

	for (;;) {
		cleanup_batch struct nl_batch b;
		int state = IF_OPER_NOTPRESENT, r;

		nl_batch_init(&b, 256);
		(void)nl_message(&b, RTM_GETLINK, NLM_F_ACK, sizeof(struct ifinfomsg),
				 "ask for device");
		nl_put_str(&b, IFLA_IFNAME, name);
		nl_put_u32(&b, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		r = nl_query(s, &b, oper_answer, &state, err);
		if (r < 0 || state == IF_OPER_UP)
			return r < 0 ? error_wrap(err, "device '%s'", name) : 0;
		if (clock_mono_ms() >= deadline)
			return error_set(err, ETIMEDOUT, "device '%s' has no carrier", name);
		(void)nanosleep(&(struct timespec){ .tv_nsec = WAIT_POLL_NS }, NULL);
	}
}
