/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neigh - entries of the neighbour tables (ARP, NDP).
 */
#ifndef PODIUM_NET_NEIGH_H
#define PODIUM_NET_NEIGH_H

#include <stdint.h>

#include "engine/net/ip.h"
#include "engine/net/link.h"
#include "engine/net/netlink.h"

/* ip neigh replace A lladdr MAC dev INDEX nud stale: used without asking, asked again in use. */
void neigh_add(struct nl_batch *b, int index, const struct ip_addr *a,
	       const uint8_t mac[LINK_MAC_LEN]);

#endif
