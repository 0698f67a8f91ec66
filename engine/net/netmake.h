/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netmake - making and removing networks. Of podium-net: what the command asks for.
 */
#ifndef PODIUM_NET_NETMAKE_H
#define PODIUM_NET_NETMAKE_H

#include "engine/base/error.h"
#include "engine/net/net.h"

struct network_conf;
struct store;

/* Completes a request (a name when it has none, id, interface, subnets that are to be chosen), checks
 * it against the host's devices and routes and the other networks, and writes the record. -EEXIST: there
 * is a network of that name. On failure nothing is left. */
int net_create(const struct store *s, struct network_conf *c, struct error *err) must_check;

/* Removes record, resolver, table, bridge and what RUNROOT has of it, and what pods that are not alive
 * have left there. -EBUSY while a pod is in it. is_alive NULL as in net_request. */
int net_remove(const struct store *s, const char *name, net_alive_fn is_alive, void *arg,
	       struct error *err) must_check;

/* Sees to it that the default network is chosen, so that it can be shown. */
int net_choose_default(const struct store *s, struct error *err) must_check;

/* Chains of anybody at the forward hook whose policy is drop, as "ip filter FORWARD": what they do not
 * accept of pods' packets is lost. */
struct strlist;
int net_list_forward_drops(struct strlist *ret, struct error *err) must_check;

#endif
