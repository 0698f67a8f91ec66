/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link - rtnetlink messages about network devices. Each function appends to a batch; nothing is
 * sent here.
 */
#ifndef PODIUM_NET_LINK_H
#define PODIUM_NET_LINK_H

#include <stdint.h>

#include "engine/net/ip.h"
#include "engine/net/netlink.h"

#define LINK_NAME_MAX	   15
#define LINK_MAC_LEN	   6
#define LINK_UP_TIMEOUT_MS 3000
/* Every bridge of podium's is in this device group, so that rules know it whoever made it; one of an
 * isolated network has the bit, too. */
#define LINK_GROUP		0x706f6400u
#define LINK_GROUP_ISOLATED_BIT 1u

/* ip link add NAME address MAC group GROUP type bridge mcast_snooping 0 vlan_default_pvid 0 */
void link_add_bridge(struct nl_batch *b, const char *name, const uint8_t mac[LINK_MAC_LEN],
		     uint32_t group);

/* ip link set dev INDEX mtu MTU */
void link_set_mtu(struct nl_batch *b, int index, uint32_t mtu);

/* sysctl net.ipv4.conf.NAME.route_localnet=1, by netlink */
void link_set_route_localnet(struct nl_batch *b, int index);

/* ip link set dev INDEX addrgenmode none: before it comes up. addr_link_local() gives the address.
 */
void link_set_no_addrgen(struct nl_batch *b, int index);

/* ip link set dev INDEX up */
void link_set_up(struct nl_batch *b, int index);

/* ip link delete dev INDEX: for bridges; see link.c why never for a veth */
void link_remove(struct nl_batch *b, int index);

struct link_veth {
	const char *name; /* the host's end */
	int bridge_index;
	const char *peer; /* the end inside, "eth0" */
	int peer_netns_fd;
	uint8_t peer_mac[LINK_MAC_LEN];
	uint32_t mtu; /* of both ends; 0: the kernel's */
};
/* ip link add NAME master BRIDGE up type veth peer name PEER address MAC netns FD
 * ip link set NAME type bridge_slave hairpin on
 * A name that is taken is refused with EEXIST, and nothing is made. */
void link_add_veth(struct nl_batch *b, const struct link_veth *v);

/* Waits until a device of the socket's namespace transmits (operstate up), at most timeout_ms. */
int link_wait_up(struct nl_sock *s, const char *name, int timeout_ms, struct error *err) must_check;

#endif
