/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subnetpool - ranges that new networks take their subnets from.
 *
 * Theory of operation: the pools are read as one row of subnets, numbered from the first of the first
 * pool on. The row is walked from a number on and round its end until a subnet is free. Nothing is
 * remembered: what is taken, the networks' records and the host's routes say.
 *
 * Limits: SUBNETS_MAX subnets are looked at, since each may cost a question to the kernel.
 */
#include "engine/net/subnetpool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"

#define POOL_TEXT_MAX	64
#define SUBNETS_MAX	65536
#define SUBNET_BITS_MAX 30 /* a gateway and a pod */

int subnet_pool_parse(const char *text, struct subnet_pool *ret, struct error *err)
{
	char copy[POOL_TEXT_MAX], *bits;
	uint64_t v = 0;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	bits = strchr(copy, ' ');
	if (bits)
		*bits++ = '\0';
	if (!bits || ip_prefix_parse(copy, &ret->base) < 0 || ret->base.addr.family != AF_INET)
		return error_set(err, EINVAL, "subnet pool '%.48s' is no IPv4 prefix", copy);
	if (parse_u64(bits, SUBNET_BITS_MAX, &v) < 0 || v < ret->base.bits)
		return error_set(err, EINVAL,
				 "subnet pool '%.48s': size '%.12s' is not from %u to %d", copy,
				 bits, (unsigned int)ret->base.bits, SUBNET_BITS_MAX);
	ret->bits = (unsigned int)v;
	return 0;
}

uint64_t subnet_pool_count(const struct subnet_pool *p)
{
	return UINT64_C(1) << (p->bits - p->base.bits);
}

struct ip_prefix subnet_pool_at(const struct subnet_pool *p, uint64_t k)
{
	struct ip_prefix one = { .addr.family = AF_INET, .bits = (uint8_t)p->bits };
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++)
		v = v << 8 | p->base.addr.bytes[i];
	v &= p->base.bits ? UINT32_MAX << (32 - p->base.bits) : 0;
	v += (uint32_t)(k << (32 - p->bits));
	for (size_t i = 0; i < 4; i++)
		one.addr.bytes[i] = (uint8_t)(v >> (24 - 8 * i));
	return one;
}

/* Number k of the row. */
static struct ip_prefix at(const struct subnet_pool *v, uint64_t k)
{
	for (; k >= subnet_pool_count(v); v++)
		k -= subnet_pool_count(v);
	return subnet_pool_at(v, k);
}

int subnet_pools_choose(const struct strlist *pools, uint32_t start, network_taken_fn is_taken,
			void *arg, struct ip_prefix *ret, struct error *err)
{
	cleanup_free struct subnet_pool *v = xcalloc(pools->n + 1, sizeof(*v));
	uint64_t total = 0;

	for (size_t i = 0; i < pools->n; i++) {
		int r = subnet_pool_parse(pools->v[i], &v[i], err);

		if (r < 0)
			return r;
		total += subnet_pool_count(&v[i]);
	}
	for (uint64_t i = 0; i < total && i < SUBNETS_MAX; i++) {
		bool taken = true;
		int r;

		*ret = at(v, (start + i) % total);
		r = is_taken(ret, &taken, arg, err);
		if (r < 0 || !taken)
			return r;
	}
	return error_set(err, EADDRINUSE,
			 "every subnet of the pools in containers.conf is in use: give one by "
			 "--subnet");
}
