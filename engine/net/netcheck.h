/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netcheck - what of the networks nobody uses.
 */
#ifndef PODIUM_NET_NETCHECK_H
#define PODIUM_NET_NETCHECK_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/net/net.h"

/* A line in ret for each thing that nobody uses; with repair it is taken away. The kernel's part is
 * nftables (read, and elements deleted), no bridge is touched. */
int net_check(const struct store *s, net_alive_fn is_alive, void *arg, bool repair,
	      struct strlist *ret, struct error *err) must_check;

#endif
