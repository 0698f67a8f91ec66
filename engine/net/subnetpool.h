/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subnetpool - ranges that new networks take their IPv4 subnets from, as containers.conf names them.
 */
#ifndef PODIUM_NET_SUBNETPOOL_H
#define PODIUM_NET_SUBNETPOOL_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/net/ip.h"
#include "engine/net/network.h"

struct strlist;

struct subnet_pool {
	struct ip_prefix base;
	unsigned int bits; /* of each subnet's prefix */
};

/* "10.89.0.0/16 24". -EINVAL. */
int subnet_pool_parse(const char *text, struct subnet_pool *ret, struct error *err) must_check;
/* How many subnets it has, and the k-th of them. */
uint64_t subnet_pool_count(const struct subnet_pool *p);
struct ip_prefix subnet_pool_at(const struct subnet_pool *p, uint64_t k);

/* The first subnet that is_taken() leaves, pool after pool; the search begins at number start of all,
 * which spreads the stores of a host. -EADDRINUSE: none. */
int subnet_pools_choose(const struct strlist *pools, uint32_t start, network_taken_fn is_taken,
			void *arg, struct ip_prefix *ret, struct error *err) must_check;

#endif
