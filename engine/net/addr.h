/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr - rtnetlink messages about addresses.
 */
#ifndef PODIUM_NET_ADDR_H
#define PODIUM_NET_ADDR_H

#include "engine/net/ip.h"
#include "engine/net/netlink.h"

/* ip address replace A/BITS dev INDEX nodad */
void addr_add(struct nl_batch *b, int index, const struct ip_addr *a, uint8_t bits);

/* The IPv6 link-local address of a hardware address (modified EUI-64). */
struct ip_addr addr_link_local(const uint8_t mac[6]);

#endif
