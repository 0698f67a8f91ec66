/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conntrack - ctnetlink's filtered flush, and the same by hand for older kernels.
 *
 * Theory of operation: nf_tables asks the maps only for the first packet of a flow. A flow known to
 * the kernel keeps its translation, so a UDP client that goes on sending would reach the address of
 * a pod that is gone for as long as it sends, and a client that began before the pod came up would
 * never reach it. Such entries are deleted when ports come and go; TCP flows of a dead pod are
 * deleted by the pod's address, in both directions: what it began (its address is the original
 * source) and what it answered (its address is the reply's source, translated or not).
 *
 * Since Linux 6.12 the kernel deletes by a filter in one message. KERNEL: drop at 6.12 - before
 * that, a message with CTA_TUPLE_ORIG and CTA_FILTER is taken for one exact tuple and refused,
 * never for "all"; then entries are listed by the same filter (5.8) and deleted one by one.
 *
 * Both walk the whole hash table (milliseconds when it is large), but the kernel answers at once
 * while the namespace has no entry at all. Entries that vanish meanwhile are no error. A kernel
 * without ctnetlink has nothing to flush.
 */
#include "engine/net/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"

#define DUMP_TRIES 3
#define TUPLE_MAX  256 /* bytes of one nested original tuple; IPv6 takes 76 */

/* The kernel's own numbers, which it does not export (net/netfilter/nf_conntrack_netlink.c). */
#define FILTER_IP_SRC	      (1u << 0)
#define FILTER_PROTO_NUM      (1u << 3)
#define FILTER_PROTO_DST_PORT (1u << 5)

/* What to forget: flows whose tuple in one direction has this source, or this target port. */
struct ct_match {
	int family;
	bool is_reply;
	struct ip_addr source; /* AF_UNSPEC: by port */
	uint8_t protocol;
	uint16_t port;
};

static void put_tuple(struct nl_batch *b, const struct ct_match *m)
{
	size_t tuple = nl_nest(b, m->is_reply ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG), inner;

	if (m->source.family != AF_UNSPEC) {
		inner = nl_nest(b, CTA_TUPLE_IP);
		nl_put(b, m->family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, m->source.bytes,
		       ip_len(m->family));
	} else {
		inner = nl_nest(b, CTA_TUPLE_PROTO);
		nl_put_u8(b, CTA_PROTO_NUM, m->protocol);
		nl_put_u16(b, CTA_PROTO_DST_PORT, htons(m->port));
	}
	nl_nest_end(b, inner);
	nl_nest_end(b, tuple);
}

static void build_filtered(struct nl_batch *b, uint16_t type, uint16_t flags,
			   const struct ct_match *m)
{
	struct nfgenmsg *g = nl_message(b, (uint16_t)((NFNL_SUBSYS_CTNETLINK << 8) | type), flags,
					sizeof(*g), "flush conntrack");
	uint32_t bits = m->source.family != AF_UNSPEC ? FILTER_IP_SRC
						      : FILTER_PROTO_NUM | FILTER_PROTO_DST_PORT;
	size_t filter;

	g->nfgen_family = (uint8_t)m->family;
	g->version = NFNETLINK_V0;
	put_tuple(b, m);
	filter = nl_nest(b, CTA_FILTER);
	nl_put_u32(b, CTA_FILTER_ORIG_FLAGS, m->is_reply ? 0 : bits);
	nl_put_u32(b, CTA_FILTER_REPLY_FLAGS, m->is_reply ? bits : 0);
	nl_nest_end(b, filter);
}

/* Original tuples of the entries found, nest by nest. */
struct ct_found {
	struct ct_tuple {
		uint16_t len;
		uint8_t bytes[TUPLE_MAX];
	} * v;
	size_t n;
};

static int found_attribute(const struct nlattr *a, void *arg)
{
	struct ct_found *f = arg;
	size_t len = mnl_attr_get_payload_len(a);

	if (mnl_attr_get_type(a) != CTA_TUPLE_ORIG || len > TUPLE_MAX)
		return MNL_CB_OK;
	if ((f->n & (f->n - 1)) == 0)
		f->v = xreallocarray(f->v, f->n ? 2 * f->n : 1, sizeof(*f->v));
	f->v[f->n].len = (uint16_t)len;
	memcpy(f->v[f->n++].bytes, mnl_attr_get_payload(a), len);
	return MNL_CB_OK;
}

static int found_answer(const struct nlmsghdr *nlh, void *arg)
{
	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct nfgenmsg))
		(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), found_attribute, arg);
	return 0;
}

static int delete_found(struct nl_sock *s, int family, const struct ct_found *f, struct error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		cleanup_batch struct nl_batch b;
		struct error scratch;
		struct nfgenmsg *g;
		size_t nest;
		int r;

		nl_batch_init(&b, 1024);
		g = nl_message(&b, (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
			       sizeof(*g), "delete conntrack entry");
		g->nfgen_family = (uint8_t)family;
		nest = nl_nest(&b, CTA_TUPLE_ORIG);
		nl_put_raw(&b, f->v[i].bytes, f->v[i].len);
		nl_nest_end(&b, nest);
		r = nl_send(s, &b, &scratch);
		if (r < 0 && r != -ENOENT) {
			*err = scratch;
			return r;
		}
	}
	return 0;
}

static int flush_by_hand(struct nl_sock *s, const struct ct_match *m, struct error *err)
{
	struct ct_found f = { 0 };
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
		cleanup_batch struct nl_batch b;

		nl_batch_init(&b, 512);
		build_filtered(&b, IPCTNL_MSG_CT_GET, NLM_F_DUMP, m);
		f.n = 0;
		r = nl_query(s, &b, found_answer, &f, err);
	}
	if (r == 0)
		r = delete_found(s, m->family, &f, err);
	free(f.v);
	return r;
}

static int flush(struct nl_sock *s, const struct ct_match *m, struct error *err)
{
	cleanup_batch struct nl_batch b;
	struct error scratch;

	nl_batch_init(&b, 512);
	build_filtered(&b, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, m);
	if (!WEAKEN("ct-filter") && nl_send(s, &b, &scratch) == 0)
		return 0;
	return flush_by_hand(s, m, err);
}

int conntrack_flush_address(struct nl_sock *s, const struct ip_addr *a, struct error *err)
{
	struct ct_match m = { .family = a->family, .source = *a };
	int r = flush(s, &m, err);

	m.is_reply = true;
	return r < 0 ? r : flush(s, &m, err);
}

int conntrack_flush_port(struct nl_sock *s, int family, int protocol, uint16_t port,
			 struct error *err)
{
	struct ct_match m = { .family = family, .protocol = (uint8_t)protocol, .port = port };

	return flush(s, &m, err);
}
