/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_forward - what of somebody else's drops the packets of pods.
 *
 * Theory of operation: a packet to or from a pod is forwarded, and passes every chain at the forward hook.
 * A drop is final in any of them, so a chain whose policy is drop (Docker's, ufw's: `ip filter FORWARD`)
 * holds unless a rule there accepts first. Rules are not looked into; a chain that has some may well let
 * pods through, which is why this is a hint and nothing else. iptables' old tables, those that are not
 * made of nftables, are not seen.
 */
#include "engine/net/netmake.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/net/netlink.h"

static const char *family_name(uint32_t family)
{
	return family == NFPROTO_IPV4 ? "ip" : family == NFPROTO_IPV6 ? "ip6" : "inet";
}

static int chain_answer(const struct nlmsghdr *nlh, void *arg)
{
	struct strlist *ret = arg;
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (!c)
		abort();
	if (nftnl_chain_nlmsg_parse(nlh, c) == 0 && nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM) &&
	    nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) == NF_INET_FORWARD &&
	    nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) == NF_DROP)
		strlist_addf(ret, "%s %s %s",
			     family_name(nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY)),
			     nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE),
			     nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
	nftnl_chain_free(c);
	return 0;
}

int net_list_forward_drops(struct strlist *ret, struct error *err)
{
	static const uint8_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET };

	struct nl_sock s = { .sk = NULL };
	int r = nl_open(&s, NETLINK_NETFILTER, err);

	for (size_t i = 0; i < ARRAY_SIZE(families) && r == 0; i++) {
		cleanup_batch struct nl_batch b;
		struct nfgenmsg *g;

		nl_batch_init(&b, 256);
		g = nl_message(&b, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETCHAIN, NLM_F_DUMP,
			       sizeof(*g), "list chains");
		g->nfgen_family = families[i];
		r = nl_query(&s, &b, chain_answer, ret, err);
	}
	nl_close(&s);
	return r < 0 ? r : 0;
}
