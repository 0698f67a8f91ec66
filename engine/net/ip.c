/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip - addresses and prefixes of both families.
 *
 * Theory of operation: an address is its family and its bytes in network order, so the netlink
 * builders copy it as it is, and comparing is comparing bytes. AF_UNSPEC stands for "no address"
 * everywhere, so that optional IPv6 needs no second flag. Nothing here asks the system; text comes
 * in through inet_pton(3), which takes no names, no scopes and no short forms, and goes out through
 * inet_ntop(3), which is canonical: the names of lease files rely on that.
 *
 * Limits: a prefix hands out addresses by its low 32 bits only, also for IPv6.
 */
#include "engine/net/ip.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/str.h"

size_t ip_len(int family)
{
	if (family == AF_INET)
		return 4;
	return family == AF_INET6 ? 16 : 0;
}

int ip_parse(const char *text, struct ip_addr *ret)
{
	struct ip_addr a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(a.family, text, a.bytes) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}

const char *ip_format(const struct ip_addr *a, char out[IP_TEXT_MAX])
{
	if (a->family == AF_UNSPEC || !inet_ntop(a->family, a->bytes, out, IP_TEXT_MAX))
		out[0] = '\0';
	return out;
}

bool is_ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, ip_len(a->family)) == 0;
}

bool is_ip_any(const struct ip_addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->bytes, zero, ip_len(a->family)) == 0;
}

int ip_prefix_parse(const char *text, struct ip_prefix *ret)
{
	const char *slash = strchr(text, '/');
	char head[IP_TEXT_MAX];
	struct ip_prefix p;
	uint64_t bits;

	if (!slash || (size_t)(slash - text) >= sizeof(head))
		return -EINVAL;
	memcpy(head, text, (size_t)(slash - text));
	head[slash - text] = '\0';
	if (ip_parse(head, &p.addr) < 0)
		return -EINVAL;
	if (parse_u64(slash + 1, 8 * ip_len(p.addr.family), &bits) < 0)
		return -EINVAL;
	p.bits = (uint8_t)bits;
	*ret = p;
	return 0;
}

const char *ip_prefix_format(const struct ip_prefix *p, char out[IP_TEXT_MAX + 4])
{
	char text[IP_TEXT_MAX];

	(void)snprintf(out, IP_TEXT_MAX + 4, "%s/%u", ip_format(&p->addr, text), p->bits);
	return out;
}

bool is_ip_prefix_overlapping(const struct ip_prefix *a, const struct ip_prefix *b)
{
	unsigned int bits = a->bits < b->bits ? a->bits : b->bits;
	unsigned int whole = bits / 8, rest = bits % 8;
	unsigned int mask = 0xff00u >> rest;

	if (a->addr.family != b->addr.family)
		return false;
	if (memcmp(a->addr.bytes, b->addr.bytes, whole) != 0)
		return false;
	return rest == 0 || ((a->addr.bytes[whole] ^ b->addr.bytes[whole]) & mask & 0xff) == 0;
}

struct ip_addr ip_prefix_at(const struct ip_prefix *p, uint32_t offset)
{
	size_t len = ip_len(p->addr.family);
	struct ip_addr a = p->addr;
	uint32_t low;

	assert(len >= 4);
	memcpy(&low, a.bytes + len - 4, 4);
	low = htonl(ntohl(low) | offset);
	memcpy(a.bytes + len - 4, &low, 4);
	return a;
}
