/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_network - what only the table of a network that a user has made has.
 *
 * Theory of operation, as the text of nft(8) (BRIDGE, GW stand for the network's own):
 *
 *	chain raw { after what nft_rules.c has there for BRIDGE itself, before what lets other bridges in;
 *	  ip daddr GW udp dport PORT drop              the resolver is asked by its own network alone;
 *	}                                              and tcp, and ip6
 *	chain forward { type filter hook forward priority filter;
 *	  iifname BRIDGE oifname != BRIDGE drop            of an internal network: no way out,
 *	  oifname BRIDGE iifname != BRIDGE drop            and none in
 *	  iifname BRIDGE oifname != BRIDGE oifgroup ISOLATED drop      of an isolated one
 *	}
 *	chain names { type nat hook prerouting priority dstnat - 1;
 *	  iifname BRIDGE ip daddr GW udp dport 53 dnat ip to GW:PORT   and tcp, and ip6
 *	}
 *	chain localnames { type nat hook output priority dstnat - 1; the same for the host itself }
 *
 * The resolver never has port 53 of the host: a server of the host, or a pod that publishes port 53,
 * would be in its way, or it in theirs. The chains stand before those of the published ports, else a
 * pod that publishes port 53 would get what its neighbours ask the resolver.
 *
 * Whether a bridge is another isolated network's says its device group, so that no table has to
 * know the others.
 */
#include "engine/net/nft.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "engine/base/seams.h"
#include "engine/net/internal.h"
#include "engine/net/link.h"
#include "engine/net/nft_expr.h"

#define DNS_PORT 53

static struct nftnl_rule *forward_rule(const struct nft_rules *rules, uint32_t this_side,
				       uint32_t other_side)
{
	struct nftnl_rule *r = nft_rule_new(rules->table, "forward");

	nft_match_device(r, this_side, NFT_CMP_EQ, rules->bridge);
	nft_match_device(r, other_side, NFT_CMP_NEQ, rules->bridge);
	return r;
}

void nft_build_forward(struct nl_batch *b, const struct nft_rules *rules)
{
	static const uint32_t sides[] = { NFT_META_IIFNAME, NFT_META_OIFNAME };
	struct nftnl_rule *r;

	for (size_t i = 0; i < 2 && rules->is_internal && !WEAKEN("NET-internal"); i++) {
		r = forward_rule(rules, sides[i], sides[1 - i]);
		nft_expr_verdict(r, NF_DROP, NULL);
		nft_rule_finish(b, r);
	}
	if (!rules->is_isolated || WEAKEN("NET-isolate"))
		return;
	r = forward_rule(rules, NFT_META_IIFNAME, NFT_META_OIFNAME);
	nft_match_group(r, NFT_META_OIFGROUP, LINK_GROUP | LINK_GROUP_ISOLATED_BIT, UINT32_MAX);
	nft_expr_verdict(r, NF_DROP, NULL);
	nft_rule_finish(b, r);
}

static void expr_load(struct nftnl_rule *r, uint32_t reg, const void *data, uint32_t len)
{
	struct nftnl_expr *e = nft_expr_new(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, reg);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, data, len);
}

/* ip daddr ADDRESS udp dport PORT */
static void match_port(struct nftnl_rule *r, const struct ip_addr *address, uint8_t protocol,
		       uint16_t number)
{
	struct ip_prefix to = { .addr = *address, .bits = (uint8_t)(8 * ip_len(address->family)) };
	uint16_t port = htons(number);

	nft_match_prefix(r, NFT_DADDR, &to);
	nft_expr_meta(r, NFT_META_L4PROTO, NFT_REG_1);
	nft_expr_compare(r, NFT_CMP_EQ, &protocol, 1);
	nft_expr_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG_1);
	nft_expr_compare(r, NFT_CMP_EQ, &port, 2);
}

/* ip daddr GW udp dport 53 dnat ip to GW:PORT */
static void rule_names(struct nl_batch *b, const struct nft_rules *rules, const struct ip_addr *gw,
		       uint8_t protocol, bool is_from_pods)
{
	struct nftnl_rule *r = nft_rule_new(rules->table, is_from_pods ? "names" : "localnames");
	uint16_t own = htons(rules->dns_port);
	struct nftnl_expr *e;

	if (is_from_pods)
		nft_match_device(r, NFT_META_IIFNAME, NFT_CMP_EQ, rules->bridge);
	match_port(r, gw, protocol, DNS_PORT);
	expr_load(r, NFT_REG_1, gw->bytes, (uint32_t)ip_len(gw->family));
	expr_load(r, NFT_REG_2, &own, 2);
	e = nft_expr_new(r, "nat");
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY,
			   gw->family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_2);
	nft_rule_finish(b, r);
}

void nft_build_names_guard(struct nl_batch *b, const struct nft_rules *rules)
{
	const struct ip_addr *gateways[] = { &rules->gateway4, &rules->gateway6 };

	for (size_t i = 0; i < 4 && rules->dns_port && !WEAKEN("NET-names"); i++) {
		const struct ip_addr *gw = gateways[i & 1];
		struct nftnl_rule *r;

		if (gw->family == AF_UNSPEC)
			continue;
		r = nft_rule_new(rules->table, "raw");
		match_port(r, gw, i & 2 ? IPPROTO_TCP : IPPROTO_UDP, rules->dns_port);
		nft_expr_verdict(r, NF_DROP, NULL);
		nft_rule_finish(b, r);
	}
}

void nft_build_names(struct nl_batch *b, const struct nft_rules *rules)
{
	const struct ip_addr *gateways[] = { &rules->gateway4, &rules->gateway6 };

	for (size_t i = 0; i < 8 && rules->dns_port; i++) {
		const struct ip_addr *gw = gateways[i & 1];

		if (gw->family != AF_UNSPEC)
			rule_names(b, rules, gw, i & 2 ? IPPROTO_TCP : IPPROTO_UDP, i & 4);
	}
}
