/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conntrack - forgetting flows that the kernel has already translated.
 */
#ifndef PODIUM_NET_CONNTRACK_H
#define PODIUM_NET_CONNTRACK_H

#include <stddef.h>
#include <stdint.h>

#include "engine/net/ip.h"
#include "engine/net/netlink.h"

/* Flows of a protocol that were sent to this port of any host of the family. */
struct conntrack_port {
	int family;
	int protocol; /* IPPROTO_UDP, ... */
	uint16_t port;
};
struct conntrack_targets {
	const struct ip_addr *addresses; /* flows that a pod's address began or answers */
	size_t n_addresses;
	const struct conntrack_port *ports;
	size_t n_ports;
};

/* Forgets every flow that one of the targets names. s is a NETLINK_NETFILTER socket. About 0.2 ms
 * for each IPv4 address and direction and for each port; 10 ms more when there is an IPv6 address.
 */
int conntrack_flush(struct nl_sock *s, const struct conntrack_targets *t,
		    struct error *err) must_check;

#endif
