/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_expr - the words that rules are made of, shared by the files that make tables.
 */
#ifndef PODIUM_NET_NFT_EXPR_H
#define PODIUM_NET_NFT_EXPR_H

#include <stddef.h>
#include <stdint.h>

#include "engine/net/ip.h"
#include "engine/net/netlink.h"

struct nftnl_rule;
struct nftnl_expr;

enum nft_side { NFT_SADDR, NFT_DADDR };

/* Registers of four bytes: the first of the sixteen, and n further on. */
uint32_t nft_reg_at(uint32_t n);

struct nftnl_rule *nft_rule_new(const char *table, const char *chain);
/* Makes the message and frees the rule. */
void nft_rule_finish(struct nl_batch *b, struct nftnl_rule *r);

struct nftnl_expr *nft_expr_new(struct nftnl_rule *r, const char *name);
void nft_expr_meta(struct nftnl_rule *r, uint32_t key, uint32_t reg);
/* These two work on the first register. */
void nft_expr_compare(struct nftnl_rule *r, uint32_t op, const void *data, size_t len);
void nft_expr_mask(struct nftnl_rule *r, const void *mask, size_t len);
void nft_expr_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len,
		      uint32_t reg);
/* chain NULL: accept, drop, return. */
void nft_expr_verdict(struct nftnl_rule *r, int verdict, const char *chain);

/* iifname/oifname ==/!= NAME */
void nft_match_device(struct nftnl_rule *r, uint32_t key, uint32_t op, const char *name);
/* iifgroup/oifgroup: one of the groups of podium's bridges (link.h), under a mask. */
void nft_match_group(struct nftnl_rule *r, uint32_t key, uint32_t group, uint32_t mask);
void nft_match_family(struct nftnl_rule *r, int family);
uint32_t nft_side_offset(int family, enum nft_side side);
/* ip/ip6 saddr/daddr PREFIX */
void nft_match_prefix(struct nftnl_rule *r, enum nft_side side, const struct ip_prefix *p);

#endif
