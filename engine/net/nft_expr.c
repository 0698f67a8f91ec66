/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_expr - the words that rules are made of: what a packet is compared with, and what then.
 *
 * Theory of operation: each function appends one expression, or the two or three that make one
 * condition of nft(8), to a rule of libnftnl; nft_rule_finish() turns the rule into a message of the
 * batch. What cannot be allocated aborts. Nothing is sent here.
 */
#include "engine/net/nft_expr.h"

#include <assert.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "engine/net/internal.h"

/* Registers of four bytes: the first of the sixteen, and n further on. */
uint32_t nft_reg_at(uint32_t n)
{
	return n == 0 ? (uint32_t)NFT_REG_1 : (uint32_t)NFT_REG32_00 + n;
}

struct nftnl_expr *nft_expr_new(struct nftnl_rule *r, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (!e)
		abort();
	nftnl_rule_add_expr(r, e);
	return e;
}

void nft_expr_meta(struct nftnl_rule *r, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *e = nft_expr_new(r, "meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg);
}

void nft_expr_compare(struct nftnl_rule *r, uint32_t op, const void *data, size_t len)
{
	struct nftnl_expr *e = nft_expr_new(r, "cmp");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, (uint32_t)len);
}

void nft_expr_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len,
		      uint32_t reg)
{
	struct nftnl_expr *e = nft_expr_new(r, "payload");

	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

void nft_expr_mask(struct nftnl_rule *r, const void *mask, size_t len)
{
	static const uint8_t zero[16];
	struct nftnl_expr *e = nft_expr_new(r, "bitwise");

	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, (uint32_t)len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, (uint32_t)len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zero, (uint32_t)len);
}

void nft_expr_verdict(struct nftnl_rule *r, int verdict, const char *chain)
{
	struct nftnl_expr *e = nft_expr_new(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}

struct nftnl_rule *nft_rule_new(const char *table, const char *chain)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	if (!r)
		abort();
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
	return r;
}

void nft_rule_finish(struct nl_batch *b, struct nftnl_rule *r)
{
	void *at = nl_message_room(b, NFT_MESSAGE_MAX);

	if (at) {
		struct nlmsghdr *h = nftnl_nlmsg_build_hdr(at, NFT_MSG_NEWRULE, NFPROTO_INET,
							   NLM_F_CREATE | NLM_F_APPEND, 0);

		nftnl_rule_nlmsg_build_payload(h, r);
		nl_message_built(b, "add rule of table 'inet podium'");
	}
	nftnl_rule_free(r);
}

/* iifname/oifname ==/!= NAME */
void nft_match_device(struct nftnl_rule *r, uint32_t key, uint32_t op, const char *name)
{
	char padded[IFNAMSIZ] = { 0 };

	(void)snprintf(padded, sizeof(padded), "%s", name);
	nft_expr_meta(r, key, NFT_REG_1);
	nft_expr_compare(r, op, padded, sizeof(padded));
}

void nft_match_family(struct nftnl_rule *r, int family)
{
	uint8_t proto = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

	nft_expr_meta(r, NFT_META_NFPROTO, NFT_REG_1);
	nft_expr_compare(r, NFT_CMP_EQ, &proto, 1);
}

uint32_t nft_side_offset(int family, enum nft_side side)
{
	if (family == AF_INET)
		return side == NFT_SADDR ? 12 : 16;
	return side == NFT_SADDR ? 8 : 24;
}

/* ip/ip6 saddr/daddr PREFIX. Whole bytes are compared as they are, others behind a mask. */
void nft_match_prefix(struct nftnl_rule *r, enum nft_side side, const struct ip_prefix *p)
{
	uint32_t len = (p->bits + 7u) / 8;
	uint8_t mask[16], want[16];

	assert(p->bits > 0);
	nft_match_family(r, p->addr.family);
	nft_expr_payload(r, NFT_PAYLOAD_NETWORK_HEADER, nft_side_offset(p->addr.family, side), len,
			 NFT_REG_1);
	memset(mask, 0xff, sizeof(mask));
	memcpy(want, p->addr.bytes, sizeof(want));
	if (p->bits % 8) {
		mask[len - 1] = (uint8_t)(0xff00u >> p->bits % 8);
		want[len - 1] &= mask[len - 1];
		nft_expr_mask(r, mask, len);
	}
	nft_expr_compare(r, NFT_CMP_EQ, want, len);
}

void nft_match_group(struct nftnl_rule *r, uint32_t key, uint32_t group, uint32_t mask)
{
	nft_expr_meta(r, key, NFT_REG_1);
	if (mask != UINT32_MAX)
		nft_expr_mask(r, &mask, sizeof(mask));
	nft_expr_compare(r, NFT_CMP_EQ, &group, sizeof(group));
}
