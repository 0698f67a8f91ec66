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
 *	    iifgroup PODIUM accept                     pods of other networks: link.h
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
 * A network that a user has made has a table of its own, `inet podium_<id>`: raw, postrouting (not
 * when it is internal: nothing of it leaves) and flows6 as above, and those of nft_network.c. So each
 * comes and goes in one transaction, and nobody has to know the networks of other stores. Ports are
 * always elements of the main table's maps: host ports are one space.
 *
 * Masquerade is plain, never random: random ports make new local connections twenty times slower.
 * The number of rules does not grow with the number of pods.
 *
 * Kernel: inet nat chains (5.2), comments of tables (5.10).
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
#include "engine/net/link.h"
#include "engine/net/nft_expr.h"

#define RULES_VERSION 3
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

static const struct ip_prefix loopback4 = { .addr = { AF_INET, { 127 } }, .bits = 8 };
static const struct ip_prefix loopback6 = {
	.addr = { AF_INET6, { [15] = 1 } },
	.bits = 128,
};

static bool is_main(const struct nft_rules *rules)
{
	return strcmp(rules->table, NFT_TABLE) == 0;
}

static void rule_end(struct nl_batch *b, struct nftnl_rule *r, int verdict)
{
	nft_expr_verdict(r, verdict, NULL);
	nft_rule_finish(b, r);
}

/* NET-1: of the main table, for all networks. */
static void chain_raw_loopback(struct nl_batch *b, const struct nft_rules *rules)
{
	for (int side = NFT_DADDR; side >= NFT_SADDR && !WEAKEN("NET-1"); side--) {
		struct nftnl_rule *r = nft_rule_new(rules->table, "raw");

		nft_match_prefix(r, (enum nft_side)side, &loopback4);
		rule_end(b, r, NF_DROP);
	}
}

static void chain_raw(struct nl_batch *b, const struct nft_rules *rules)
{
	const struct ip_prefix *pods[] = { &rules->subnet4, &rules->subnet6 };
	struct nftnl_rule *r = nft_rule_new(rules->table, "raw");

	nft_match_device(r, NFT_META_IIFNAME, NFT_CMP_EQ, "lo");
	rule_end(b, r, NF_ACCEPT);
	if (is_main(rules))
		chain_raw_loopback(b, rules);
	r = nft_rule_new(rules->table, "raw");
	nft_match_device(r, NFT_META_IIFNAME, NFT_CMP_EQ, rules->bridge);
	rule_end(b, r, NF_ACCEPT);
	nft_build_names_guard(b, rules);
	r = nft_rule_new(rules->table, "raw");
	nft_match_group(r, NFT_META_IIFGROUP, LINK_GROUP, ~LINK_GROUP_ISOLATED_BIT);
	rule_end(b, r, NF_ACCEPT);
	for (size_t i = 0; i < 2 && !WEAKEN("NET-2"); i++) {
		if (pods[i]->addr.family == AF_UNSPEC)
			continue;
		r = nft_rule_new(rules->table, "raw");
		nft_match_prefix(r, NFT_DADDR, pods[i]);
		rule_end(b, r, NF_DROP);
	}
}

/* Loads the key of a map, looks it up, translates to what it says. */
static void rule_dnat(struct nl_batch *b, const struct nft_map_shape *map)
{
	uint32_t words = (uint32_t)ip_len(map->family) / 4;
	uint32_t host_words = map->has_host ? words : 0;
	struct nftnl_rule *r = nft_rule_new(NFT_TABLE, "ports");
	struct nftnl_expr *e;

	nft_match_family(r, map->family);
	if (map->has_host)
		nft_expr_payload(r, NFT_PAYLOAD_NETWORK_HEADER,
				 nft_side_offset(map->family, NFT_DADDR), words * 4, NFT_REG_1);
	nft_expr_meta(r, NFT_META_L4PROTO, nft_reg_at(host_words));
	nft_expr_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, nft_reg_at(host_words + 1));
	e = nft_expr_new(r, "lookup");
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, map->name);
	e = nft_expr_new(r, "nat");
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY,
			   map->family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, nft_reg_at(words));
	nft_rule_finish(b, r);
}

static void chain_ports(struct nl_batch *b)
{
	static const uint8_t mask[16] = { 0xff, 0xc0 }, link_local[16] = { 0xfe, 0x80 };
	struct nftnl_rule *r;

	rule_dnat(b, &nft_map_shapes[NFT_MAP_HOST4]);
	rule_dnat(b, &nft_map_shapes[NFT_MAP_PORTS4]);
	r = nft_rule_new(NFT_TABLE, "ports");
	nft_match_prefix(r, NFT_DADDR, &loopback6);
	nft_expr_verdict(r, NFT_RETURN, NULL);
	nft_rule_finish(b, r);
	r = nft_rule_new(NFT_TABLE, "ports");
	nft_match_family(r, AF_INET6);
	nft_expr_payload(r, NFT_PAYLOAD_NETWORK_HEADER, nft_side_offset(AF_INET6, NFT_DADDR), 16,
			 NFT_REG_1);
	nft_expr_mask(r, mask, sizeof(mask));
	nft_expr_compare(r, NFT_CMP_EQ, link_local, sizeof(link_local));
	nft_expr_verdict(r, NFT_RETURN, NULL);
	nft_rule_finish(b, r);
	rule_dnat(b, &nft_map_shapes[NFT_MAP_HOST6]);
	rule_dnat(b, &nft_map_shapes[NFT_MAP_PORTS6]);
}

/* fib daddr type local jump ports */
static void chain_local(struct nl_batch *b, const char *chain)
{
	struct nftnl_rule *r = nft_rule_new(NFT_TABLE, chain);
	uint32_t local = RTN_LOCAL;

	if (!WEAKEN("NET-3")) {
		struct nftnl_expr *e = nft_expr_new(r, "fib");

		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
		nft_expr_compare(r, NFT_CMP_EQ, &local, sizeof(local));
	}
	nft_expr_verdict(r, NFT_JUMP, "ports");
	nft_rule_finish(b, r);
}

/* ip6 saddr/daddr NET6 add @flows6 { the address }: once a flow, since the chains are for NAT */
static void rule_flows6(struct nl_batch *b, const struct nft_rules *rules, const char *chain,
			enum nft_side side)
{
	struct nftnl_rule *r;
	struct nftnl_expr *e;

	if (rules->subnet6.addr.family == AF_UNSPEC)
		return;
	r = nft_rule_new(rules->table, chain);
	nft_match_prefix(r, side, &rules->subnet6);
	nft_expr_payload(r, NFT_PAYLOAD_NETWORK_HEADER, nft_side_offset(AF_INET6, side), 16,
			 NFT_REG_1);
	e = nft_expr_new(r, "dynset");
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, NFT_SET_FLOWS6);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_ADD);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	nft_rule_finish(b, r);
}

/* ct status dnat */
static void match_translated(struct nftnl_rule *r)
{
	struct nftnl_expr *e = nft_expr_new(r, "ct");
	uint32_t dnat = IPS_DST_NAT, zero = 0;

	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_STATUS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	nft_expr_mask(r, &dnat, sizeof(dnat));
	nft_expr_compare(r, NFT_CMP_NEQ, &zero, sizeof(zero));
}

static void rule_masquerade(struct nl_batch *b, const struct nft_rules *rules, uint32_t op,
			    bool is_translated, const struct ip_prefix *from)
{
	struct nftnl_rule *r;

	if (from->addr.family == AF_UNSPEC)
		return;
	r = nft_rule_new(rules->table, "postrouting");
	nft_match_device(r, NFT_META_OIFNAME, op, rules->bridge);
	if (is_translated)
		match_translated(r);
	nft_match_prefix(r, NFT_SADDR, from);
	(void)nft_expr_new(r, "masq");
	nft_rule_finish(b, r);
}

static void chain_postrouting(struct nl_batch *b, const struct nft_rules *rules)
{
	rule_flows6(b, rules, "postrouting", NFT_DADDR);
	if (rules->is_internal)
		return;
	rule_masquerade(b, rules, NFT_CMP_NEQ, false, &rules->subnet4);
	rule_masquerade(b, rules, NFT_CMP_NEQ, false, &rules->subnet6);
	rule_masquerade(b, rules, NFT_CMP_EQ, false, &loopback4);
	rule_masquerade(b, rules, NFT_CMP_EQ, true, &rules->subnet4);
	rule_masquerade(b, rules, NFT_CMP_EQ, true, &rules->subnet6);
}

/* type NULL: a chain that is only jumped to. */
static void build_chain(struct nl_batch *b, const char *table, const char *name, const char *type,
			uint32_t hook, int32_t priority)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	void *at = nl_message_room(b, NFT_MESSAGE_MAX);

	if (!c)
		abort();
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, table);
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

static struct nftnl_set *set_new(const char *table, const char *name, uint32_t id, uint32_t flags)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (!s)
		abort();
	nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(s, NFTNL_SET_NAME, name);
	nftnl_set_set_u32(s, NFTNL_SET_ID, id);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, flags);
	return s;
}

static void build_map(struct nl_batch *b, const struct nft_map_shape *map, uint32_t id)
{
	struct nftnl_set *s = set_new(NFT_TABLE, map->name, id, NFT_SET_MAP);

	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, map->key_type);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, map->key_len);
	nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, map->data_type);
	nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, map->data_len);
	set_finish(b, s);
}

static void build_flows6(struct nl_batch *b, const char *table, uint32_t id)
{
	struct nftnl_set *s = set_new(table, NFT_SET_FLOWS6, id, NFT_SET_EVAL);

	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, TYPE_IP6);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, 16);
	nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, FLOWS6_MAX);
	set_finish(b, s);
}

void nft_mark(const struct nft_rules *r, char out[NFT_MARK_MAX])
{
	char a[IP_TEXT_MAX + 4], c[IP_TEXT_MAX + 4];
	bool has4 = r->subnet4.addr.family != AF_UNSPEC, has6 = r->subnet6.addr.family != AF_UNSPEC;
	int n = snprintf(out, NFT_MARK_MAX, "podium %d %s %s", RULES_VERSION,
			 has4 ? ip_prefix_format(&r->subnet4, a) : "-",
			 has6 ? ip_prefix_format(&r->subnet6, c) : "-");

	if (!is_main(r) && n < NFT_MARK_MAX)
		(void)snprintf(out + n, NFT_MARK_MAX - (size_t)n, " %s%s%s dns %u", r->bridge,
			       r->is_internal ? " internal" : "", r->is_isolated ? " isolated" : "",
			       r->dns_port);
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
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, rules->table);
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

/* The table of one network that a user has made. */
static void build_own_table(struct nl_batch *b, const struct nft_rules *rules)
{
	const char *t = rules->table;

	if (rules->subnet6.addr.family != AF_UNSPEC)
		build_flows6(b, t, 1);
	build_chain(b, t, "raw", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW);
	build_chain(b, t, "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER);
	build_chain(b, t, "names", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST - 1);
	build_chain(b, t, "localnames", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST - 1);
	build_chain(b, t, "postrouting", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC);
	chain_raw(b, rules);
	nft_build_forward(b, rules);
	nft_build_names(b, rules);
	rule_flows6(b, rules, "names", NFT_SADDR);
	chain_postrouting(b, rules);
}

void nft_build_table(struct nl_batch *b, const struct nft_rules *rules)
{
	const char *t = rules->table;

	build_table_message(b, rules);
	if (!is_main(rules)) {
		build_own_table(b, rules);
		return;
	}
	for (uint32_t i = 0; i < NFT_MAP__COUNT; i++)
		build_map(b, &nft_map_shapes[i], i + 1);
	build_flows6(b, t, NFT_MAP__COUNT + 1);
	build_chain(b, t, "raw", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW);
	build_chain(b, t, "ports", NULL, 0, 0);
	build_chain(b, t, "prerouting", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST);
	build_chain(b, t, "output", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST);
	build_chain(b, t, "postrouting", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC);
	chain_raw(b, rules);
	chain_ports(b);
	rule_flows6(b, rules, "prerouting", NFT_SADDR);
	chain_local(b, "prerouting");
	chain_local(b, "output");
	chain_postrouting(b, rules);
}
