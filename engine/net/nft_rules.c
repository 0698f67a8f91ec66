/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_rules - the table, its maps and its rules, as messages.
 *
 * Theory of operation, as the text of nft(8) (BRIDGE, NET4, NET6 stand for the network's own):
 *
 *	table inet podium {
 *	  map ports4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
 *	  map host4  { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
 *	  map ports6, map host6: the same for ipv6_addr
 *	  set flows6 { type ipv6_addr; flags dynamic; }    which pods had IPv6 flows: conntrack.c
 *	  chain raw { type filter hook prerouting priority raw;
 *	    iifname lo accept
 *	    ip daddr 127.0.0.0/8 drop                  NET-1: route_localnet is on for BRIDGE
 *	    ip saddr 127.0.0.0/8 drop
 *	    iifname BRIDGE accept
 *	    ip daddr NET4 drop                         NET-2: translated packets still carry the
 *	    ip6 daddr NET6 drop                        host's address here, so these went round us
 *	  }
 *	  chain ports {
 *	    dnat ip to ip daddr . meta l4proto . th dport map @host4
 *	    dnat ip to meta l4proto . th dport map @ports4
 *	    ip6 daddr ::1 return                       the kernel cannot route these out again: they
 *	    ip6 daddr fe80::/10 return                 meet the held socket and are refused at once
 *	    dnat ip6 to ip6 daddr . meta l4proto . th dport map @host6
 *	    dnat ip6 to meta l4proto . th dport map @ports6
 *	  }
 *	  chain prerouting { type nat hook prerouting priority dstnat;
 *	    ip6 saddr NET6 add @flows6 { ip6 saddr }
 *	    fib daddr type local jump ports            NET-3: what only passes through is left alone
 *	  }
 *	  chain output { type nat hook output priority -100; the jump alone }
 *	  chain postrouting { type nat hook postrouting priority srcnat;
 *	    ip6 daddr NET6 add @flows6 { ip6 daddr }
 *	    oifname != BRIDGE ip saddr NET4 masquerade
 *	    oifname != BRIDGE ip6 saddr NET6 masquerade
 *	    oifname BRIDGE ip saddr 127.0.0.0/8 masquerade
 *	    oifname BRIDGE ct status dnat ip saddr NET4 masquerade    hairpin: else the reply goes
 *	    oifname BRIDGE ct status dnat ip6 saddr NET6 masquerade   round the translation
 *	  }
 *	}
 *
 * Masquerade is plain, never random: random ports make new local connections twenty times slower.
 * The number of rules does not grow with the number of pods.
 *
 * Kernel: inet nat chains (5.2), comments of tables (5.10). Limits: prefixes are cut at whole
 * bytes, which the pools of ipam.c are.
 */
#include "engine/net/nft.h"

#include <arpa/inet.h>
#include <assert.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/seams.h"
#include "engine/net/internal.h"

#define RULES_VERSION 1
#define FLOWS6_MAX    65536 /* as many as a subnet has pods */

/* The type numbers are nft(8)'s; the kernel only keeps them for it. */
#define TYPE_IP4     7u
#define TYPE_IP6     8u
#define TYPE_PROTO   12u
#define TYPE_PORT    13u
#define CONCAT(a, b) (((a) << 6) | (b))

const struct nft_map_shape nft_map_shapes[NFT_MAP__COUNT] = {
	[NFT_MAP_PORTS4] = { "ports4", AF_INET, false, 8, CONCAT(TYPE_PROTO, TYPE_PORT), 8,
			     CONCAT(TYPE_IP4, TYPE_PORT) },
	[NFT_MAP_HOST4] = { "host4", AF_INET, true, 12,
			    CONCAT(CONCAT(TYPE_IP4, TYPE_PROTO), TYPE_PORT), 8,
			    CONCAT(TYPE_IP4, TYPE_PORT) },
	[NFT_MAP_PORTS6] = { "ports6", AF_INET6, false, 8, CONCAT(TYPE_PROTO, TYPE_PORT), 20,
			     CONCAT(TYPE_IP6, TYPE_PORT) },
	[NFT_MAP_HOST6] = { "host6", AF_INET6, true, 24,
			    CONCAT(CONCAT(TYPE_IP6, TYPE_PROTO), TYPE_PORT), 20,
			    CONCAT(TYPE_IP6, TYPE_PORT) },
};

/* Registers of four bytes: the first of the sixteen, and n further on. */
static uint32_t reg_at(uint32_t n)
{
	return n == 0 ? (uint32_t)NFT_REG_1 : (uint32_t)NFT_REG32_00 + n;
}

static struct nftnl_expr *expr_new(struct nftnl_rule *r, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (!e)
		abort();
	nftnl_rule_add_expr(r, e);
	return e;
}

static void expr_meta(struct nftnl_rule *r, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *e = expr_new(r, "meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg);
}

static void expr_compare(struct nftnl_rule *r, uint32_t op, const void *data, size_t len)
{
	struct nftnl_expr *e = expr_new(r, "cmp");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, (uint32_t)len);
}

static void expr_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len,
			 uint32_t reg)
{
	struct nftnl_expr *e = expr_new(r, "payload");

	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

static void expr_mask(struct nftnl_rule *r, const void *mask, size_t len)
{
	static const uint8_t zero[16];
	struct nftnl_expr *e = expr_new(r, "bitwise");

	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, (uint32_t)len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, (uint32_t)len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zero, (uint32_t)len);
}

static void expr_verdict(struct nftnl_rule *r, int verdict, const char *chain)
{
	struct nftnl_expr *e = expr_new(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}

static struct nftnl_rule *rule_new(const char *chain)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	if (!r)
		abort();
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, NFT_TABLE);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
	return r;
}

static void rule_finish(struct nl_batch *b, struct nftnl_rule *r)
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
static void match_device(struct nftnl_rule *r, uint32_t key, uint32_t op, const char *name)
{
	char padded[IFNAMSIZ] = { 0 };

	(void)snprintf(padded, sizeof(padded), "%s", name);
	expr_meta(r, key, NFT_REG_1);
	expr_compare(r, op, padded, sizeof(padded));
}

static void match_family(struct nftnl_rule *r, int family)
{
	uint8_t proto = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

	expr_meta(r, NFT_META_NFPROTO, NFT_REG_1);
	expr_compare(r, NFT_CMP_EQ, &proto, 1);
}

enum side { SADDR, DADDR };
static uint32_t side_offset(int family, enum side side)
{
	if (family == AF_INET)
		return side == SADDR ? 12 : 16;
	return side == SADDR ? 8 : 24;
}

/* ip/ip6 saddr/daddr PREFIX, the prefix being whole bytes long. */
static void match_prefix(struct nftnl_rule *r, enum side side, const struct ip_prefix *p)
{
	assert(p->bits % 8 == 0 && p->bits > 0);
	match_family(r, p->addr.family);
	expr_payload(r, NFT_PAYLOAD_NETWORK_HEADER, side_offset(p->addr.family, side), p->bits / 8,
		     NFT_REG_1);
	expr_compare(r, NFT_CMP_EQ, p->addr.bytes, p->bits / 8);
}

static const struct ip_prefix loopback4 = { .addr = { AF_INET, { 127 } }, .bits = 8 };
static const struct ip_prefix loopback6 = {
	.addr = { AF_INET6, { [15] = 1 } },
	.bits = 128,
};

static void chain_raw(struct nl_batch *b, const struct nft_rules *rules)
{
	const struct ip_prefix *pods[] = { &rules->subnet4, &rules->subnet6 };
	struct nftnl_rule *r = rule_new("raw");

	match_device(r, NFT_META_IIFNAME, NFT_CMP_EQ, "lo");
	expr_verdict(r, NF_ACCEPT, NULL);
	rule_finish(b, r);
	for (int side = DADDR; side >= SADDR && !WEAKEN("NET-1"); side--) {
		r = rule_new("raw");
		match_prefix(r, (enum side)side, &loopback4);
		expr_verdict(r, NF_DROP, NULL);
		rule_finish(b, r);
	}
	r = rule_new("raw");
	match_device(r, NFT_META_IIFNAME, NFT_CMP_EQ, rules->bridge);
	expr_verdict(r, NF_ACCEPT, NULL);
	rule_finish(b, r);
	for (size_t i = 0; i < 2 && !WEAKEN("NET-2"); i++) {
		r = rule_new("raw");
		match_prefix(r, DADDR, pods[i]);
		expr_verdict(r, NF_DROP, NULL);
		rule_finish(b, r);
	}
}

/* Loads the key of a map, looks it up, translates to what it says. */
static void rule_dnat(struct nl_batch *b, const struct nft_map_shape *map)
{
	uint32_t words = (uint32_t)ip_len(map->family) / 4;
	uint32_t host_words = map->has_host ? words : 0;
	struct nftnl_rule *r = rule_new("ports");
	struct nftnl_expr *e;

	match_family(r, map->family);
	if (map->has_host)
		expr_payload(r, NFT_PAYLOAD_NETWORK_HEADER, side_offset(map->family, DADDR),
			     words * 4, NFT_REG_1);
	expr_meta(r, NFT_META_L4PROTO, reg_at(host_words));
	expr_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, reg_at(host_words + 1));
	e = expr_new(r, "lookup");
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, map->name);
	e = expr_new(r, "nat");
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY,
			   map->family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, reg_at(words));
	rule_finish(b, r);
}

static void chain_ports(struct nl_batch *b)
{
	static const uint8_t mask[16] = { 0xff, 0xc0 }, link_local[16] = { 0xfe, 0x80 };
	struct nftnl_rule *r;

	rule_dnat(b, &nft_map_shapes[NFT_MAP_HOST4]);
	rule_dnat(b, &nft_map_shapes[NFT_MAP_PORTS4]);
	r = rule_new("ports");
	match_prefix(r, DADDR, &loopback6);
	expr_verdict(r, NFT_RETURN, NULL);
	rule_finish(b, r);
	r = rule_new("ports");
	match_family(r, AF_INET6);
	expr_payload(r, NFT_PAYLOAD_NETWORK_HEADER, side_offset(AF_INET6, DADDR), 16, NFT_REG_1);
	expr_mask(r, mask, sizeof(mask));
	expr_compare(r, NFT_CMP_EQ, link_local, sizeof(link_local));
	expr_verdict(r, NFT_RETURN, NULL);
	rule_finish(b, r);
	rule_dnat(b, &nft_map_shapes[NFT_MAP_HOST6]);
	rule_dnat(b, &nft_map_shapes[NFT_MAP_PORTS6]);
}

/* fib daddr type local jump ports */
static void chain_local(struct nl_batch *b, const char *chain)
{
	struct nftnl_rule *r = rule_new(chain);
	uint32_t local = RTN_LOCAL;

	if (!WEAKEN("NET-3")) {
		struct nftnl_expr *e = expr_new(r, "fib");

		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
		expr_compare(r, NFT_CMP_EQ, &local, sizeof(local));
	}
	expr_verdict(r, NFT_JUMP, "ports");
	rule_finish(b, r);
}

/* ip6 saddr/daddr NET6 add @flows6 { the address }: once a flow, since the chains are for NAT */
static void rule_flows6(struct nl_batch *b, const struct nft_rules *rules, const char *chain,
			enum side side)
{
	struct nftnl_rule *r = rule_new(chain);
	struct nftnl_expr *e;

	match_prefix(r, side, &rules->subnet6);
	expr_payload(r, NFT_PAYLOAD_NETWORK_HEADER, side_offset(AF_INET6, side), 16, NFT_REG_1);
	e = expr_new(r, "dynset");
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, NFT_SET_FLOWS6);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_ADD);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	rule_finish(b, r);
}

/* ct status dnat */
static void match_translated(struct nftnl_rule *r)
{
	struct nftnl_expr *e = expr_new(r, "ct");
	uint32_t dnat = IPS_DST_NAT, zero = 0;

	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_STATUS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	expr_mask(r, &dnat, sizeof(dnat));
	expr_compare(r, NFT_CMP_NEQ, &zero, sizeof(zero));
}

static void rule_masquerade(struct nl_batch *b, const struct nft_rules *rules, uint32_t op,
			    bool is_translated, const struct ip_prefix *from)
{
	struct nftnl_rule *r = rule_new("postrouting");

	match_device(r, NFT_META_OIFNAME, op, rules->bridge);
	if (is_translated)
		match_translated(r);
	match_prefix(r, SADDR, from);
	(void)expr_new(r, "masq");
	rule_finish(b, r);
}

static void chain_postrouting(struct nl_batch *b, const struct nft_rules *rules)
{
	rule_flows6(b, rules, "postrouting", DADDR);
	rule_masquerade(b, rules, NFT_CMP_NEQ, false, &rules->subnet4);
	rule_masquerade(b, rules, NFT_CMP_NEQ, false, &rules->subnet6);
	rule_masquerade(b, rules, NFT_CMP_EQ, false, &loopback4);
	rule_masquerade(b, rules, NFT_CMP_EQ, true, &rules->subnet4);
	rule_masquerade(b, rules, NFT_CMP_EQ, true, &rules->subnet6);
}

/* type NULL: a chain that is only jumped to. */
static void build_chain(struct nl_batch *b, const char *name, const char *type, uint32_t hook,
			int32_t priority)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	void *at = nl_message_room(b, NFT_MESSAGE_MAX);

	if (!c)
		abort();
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, NFT_TABLE);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
	if (type) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, type);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, priority);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	if (at) {
		nftnl_chain_nlmsg_build_payload(
			nftnl_nlmsg_build_hdr(at, NFT_MSG_NEWCHAIN, NFPROTO_INET, NLM_F_CREATE, 0),
			c);
		nl_message_built(b, "add chain of table 'inet podium'");
	}
	nftnl_chain_free(c);
}

static void set_finish(struct nl_batch *b, struct nftnl_set *s)
{
	void *at = nl_message_room(b, NFT_MESSAGE_MAX);

	if (at) {
		nftnl_set_nlmsg_build_payload(
			nftnl_nlmsg_build_hdr(at, NFT_MSG_NEWSET, NFPROTO_INET, NLM_F_CREATE, 0),
			s);
		nl_message_built(b, "add map of table 'inet podium'");
	}
	nftnl_set_free(s);
}

static struct nftnl_set *set_new(const char *name, uint32_t id, uint32_t flags)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (!s)
		abort();
	nftnl_set_set_str(s, NFTNL_SET_TABLE, NFT_TABLE);
	nftnl_set_set_str(s, NFTNL_SET_NAME, name);
	nftnl_set_set_u32(s, NFTNL_SET_ID, id);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, flags);
	return s;
}

static void build_map(struct nl_batch *b, const struct nft_map_shape *map, uint32_t id)
{
	struct nftnl_set *s = set_new(map->name, id, NFT_SET_MAP);

	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, map->key_type);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, map->key_len);
	nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, map->data_type);
	nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, map->data_len);
	set_finish(b, s);
}

static void build_flows6(struct nl_batch *b, uint32_t id)
{
	struct nftnl_set *s = set_new(NFT_SET_FLOWS6, id, NFT_SET_EVAL);

	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, TYPE_IP6);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, 16);
	nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, FLOWS6_MAX);
	set_finish(b, s);
}

void nft_mark(const struct nft_rules *r, char out[NFT_MARK_MAX])
{
	char a[IP_TEXT_MAX + 4], c[IP_TEXT_MAX + 4];

	(void)snprintf(out, NFT_MARK_MAX, "podium %d %s %s", RULES_VERSION,
		       ip_prefix_format(&r->subnet4, a), ip_prefix_format(&r->subnet6, c));
}

static void build_table_message(struct nl_batch *b, const struct nft_rules *rules)
{
	struct nftnl_udata_buf *u = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	struct nftnl_table *t = nftnl_table_alloc();
	void *at = nl_message_room(b, NFT_MESSAGE_MAX);
	char mark[NFT_MARK_MAX];

	if (!t || !u)
		abort();
	nft_mark(rules, mark);
	(void)nftnl_udata_put_strz(u, NFTNL_UDATA_TABLE_COMMENT, mark);
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, NFT_TABLE);
	nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, 0);
	nftnl_table_set_data(t, NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(u),
			     nftnl_udata_buf_len(u));
	if (at) {
		nftnl_table_nlmsg_build_payload(nftnl_nlmsg_build_hdr(at, NFT_MSG_NEWTABLE,
								      NFPROTO_INET,
								      NLM_F_CREATE | NLM_F_EXCL, 0),
						t);
		nl_message_built(b, "add table 'inet podium'");
	}
	nftnl_table_free(t);
	nftnl_udata_buf_free(u);
}

void nft_build_table(struct nl_batch *b, const struct nft_rules *rules)
{
	build_table_message(b, rules);
	for (uint32_t i = 0; i < NFT_MAP__COUNT; i++)
		build_map(b, &nft_map_shapes[i], i + 1);
	build_flows6(b, NFT_MAP__COUNT + 1);
	build_chain(b, "raw", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW);
	build_chain(b, "ports", NULL, 0, 0);
	build_chain(b, "prerouting", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST);
	build_chain(b, "output", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST);
	build_chain(b, "postrouting", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC);
	chain_raw(b, rules);
	chain_ports(b);
	rule_flows6(b, rules, "prerouting", SADDR);
	chain_local(b, "prerouting");
	chain_local(b, "output");
	chain_postrouting(b, rules);
}
