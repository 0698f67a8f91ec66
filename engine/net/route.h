/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route - default routes, and the question whether a prefix is free on this host.
 */
#ifndef PODIUM_NET_ROUTE_H
#define PODIUM_NET_ROUTE_H

#include <stdbool.h>

#include "engine/net/ip.h"
#include "engine/net/netlink.h"

/* ip route replace default via GATEWAY dev INDEX */
void route_add_default(struct nl_batch *b, int index, const struct ip_addr *gateway);

/* *ret_free: no route of the socket's namespace, but a default one, overlaps the prefix. */
int route_is_free(struct nl_sock *s, const struct ip_prefix *p, bool *ret_free,
		  struct error *err) must_check;

#endif
