/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conntrack - forgetting flows that the kernel has already translated.
 */
#ifndef PODIUM_NET_CONNTRACK_H
#define PODIUM_NET_CONNTRACK_H

#include <stdint.h>

#include "engine/net/ip.h"
#include "engine/net/netlink.h"

/* Forgets every flow that a pod's address began or answers. s is a NETLINK_NETFILTER socket. */
int conntrack_flush_address(struct nl_sock *s, const struct ip_addr *a,
			    struct error *err) must_check;
/* Forgets every flow of a protocol that was sent to this port of any host of the family. */
int conntrack_flush_port(struct nl_sock *s, int family, int protocol, uint16_t port,
			 struct error *err) must_check;

#endif
