/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neigh - hardware addresses that are known beforehand.
 *
 * Theory of operation: a pod's hardware address follows from its address, and so does the bridge's.
 * Without an entry the first packet asks for it; if that one question is lost, the kernel asks
 * again only after a whole second, and every connection waits for it. For IPv6 it is lost as long
 * as the other side has not joined the group that the question goes to, which the kernel does some
 * time after the address was added, in a work queue. An entry in state "stale" is used at once and
 * confirmed in use; it is collected like a learnt one, so nothing is left to remove.
 *
 * Both directions get one: the host's for the pod, the pod's for its gateway. Two pods that meet in
 * the first milliseconds of their lives still ask.
 */
#include "engine/net/neigh.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

void neigh_add(struct nl_batch *b, int index, const struct ip_addr *a,
	       const uint8_t mac[LINK_MAC_LEN])
{
	struct ndmsg *m = nl_message(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK,
				     sizeof(*m), "add neighbour");

	m->ndm_family = (uint8_t)a->family;
	m->ndm_ifindex = index;
	m->ndm_state = NUD_STALE;
	nl_put(b, NDA_DST, a->bytes, ip_len(a->family));
	nl_put(b, NDA_LLADDR, mac, LINK_MAC_LEN);
}
