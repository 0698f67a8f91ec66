/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conntrack - ctnetlink's filtered flush, and the same by hand where that cannot be used.
 *
 * Theory of operation: nf_tables asks the maps only for the first packet of a flow. A flow known to
 * the kernel keeps its translation, so a UDP client that goes on sending would reach the address of
 * a pod that is gone for as long as it sends, and a client that began before the pod came up would
 * never reach it. Such entries are deleted when ports come and go; what a dead pod leaves is
 * deleted by its address, in both directions: what it began (its address is the original source)
 * and what it answered (its address is the reply's source, translated or not).
 *
 * Since Linux 6.12 the kernel deletes by a filter in one message (0.2 ms with 262144 buckets).
 * KERNEL: drop at 6.12 - before that, a message with CTA_TUPLE_ORIG or CTA_TUPLE_REPLY and
 * CTA_FILTER is taken for one exact tuple and refused, never for "all".
 * The filter must not be used with IPv6 addresses: the kernel compares those the wrong way round
 * (seen on 6.18) and would delete every flow of everybody else. So these, and everything on older
 * kernels, are listed without a filter, compared here, and deleted one by one. Listing walks the
 * whole table bucket by bucket (10 ms), whatever is in it; it is done once for all targets, and the
 * caller leaves an IPv6 address out when it knows that it had no flows (nft_take_flows6()).
 *
 * A namespace without any entry is done after one question. Entries that vanish meanwhile are no
 * error.
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

/* The kernel's own numbers, which it does not export (net/netfilter/nf_internals.h). */
#define FILTER_IP_SRC	      (1u << 0)
#define FILTER_PROTO_NUM      (1u << 3)
#define FILTER_PROTO_DST_PORT (1u << 5)

static struct nfgenmsg *ct_message(struct nl_batch *b, uint16_t type, uint16_t flags, int family)
{
	struct nfgenmsg *g = nl_message(b, (uint16_t)((NFNL_SUBSYS_CTNETLINK << 8) | type), flags,
					sizeof(*g), "flush conntrack");

	g->nfgen_family = (uint8_t)family;
	g->version = NFNETLINK_V0;
	return g;
}

/* ---- is there anything ------------------------------------------------------------------ */

static int count_attribute(const struct nlattr *a, void *arg)
{
	uint32_t v;

	if (mnl_attr_get_type(a) != CTA_STATS_GLOBAL_ENTRIES || mnl_attr_get_payload_len(a) != 4)
		return MNL_CB_OK;
	memcpy(&v, mnl_attr_get_payload(a), 4);
	*(uint32_t *)arg = ntohl(v);
	return MNL_CB_OK;
}

static int count_answer(const struct nlmsghdr *nlh, void *arg)
{
	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct nfgenmsg))
		(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), count_attribute, arg);
	return 0;
}

/* Entries of this namespace; "some" when the kernel does not say. */
static uint32_t count_entries(struct nl_sock *s)
{
	cleanup_batch struct nl_batch b;
	uint32_t n = UINT32_MAX;
	struct error scratch;

	nl_batch_init(&b, 256);
	(void)ct_message(&b, IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK, AF_UNSPEC);
	return nl_query(s, &b, count_answer, &n, &scratch) < 0 ? UINT32_MAX : n;
}

/* ---- by the kernel's filter ------------------------------------------------------------- */

static int flush_filtered(struct nl_sock *s, struct nl_batch *b, bool is_reply, uint32_t bits)
{
	size_t filter = nl_nest(b, CTA_FILTER);
	struct error scratch;

	nl_put_u32(b, CTA_FILTER_ORIG_FLAGS, is_reply ? 0 : bits);
	nl_put_u32(b, CTA_FILTER_REPLY_FLAGS, is_reply ? bits : 0);
	nl_nest_end(b, filter);
	return WEAKEN("ct-filter") ? -EINVAL : nl_send(s, b, &scratch);
}

static int flush_address4(struct nl_sock *s, const struct ip_addr *a, bool is_reply)
{
	cleanup_batch struct nl_batch b;
	size_t tuple, ip;

	nl_batch_init(&b, 256);
	(void)ct_message(&b, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, AF_INET);
	tuple = nl_nest(&b, is_reply ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG);
	ip = nl_nest(&b, CTA_TUPLE_IP);
	nl_put(&b, CTA_IP_V4_SRC, a->bytes, 4);
	nl_nest_end(&b, ip);
	nl_nest_end(&b, tuple);
	return flush_filtered(s, &b, is_reply, FILTER_IP_SRC);
}

static int flush_port(struct nl_sock *s, const struct conntrack_port *p)
{
	cleanup_batch struct nl_batch b;
	size_t tuple, proto;

	nl_batch_init(&b, 256);
	(void)ct_message(&b, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, p->family);
	tuple = nl_nest(&b, CTA_TUPLE_ORIG);
	proto = nl_nest(&b, CTA_TUPLE_PROTO);
	nl_put_u8(&b, CTA_PROTO_NUM, (uint8_t)p->protocol);
	nl_put_u16(&b, CTA_PROTO_DST_PORT, htons(p->port));
	nl_nest_end(&b, proto);
	nl_nest_end(&b, tuple);
	return flush_filtered(s, &b, false, FILTER_PROTO_NUM | FILTER_PROTO_DST_PORT);
}

/* ---- by hand ---------------------------------------------------------------------------- */

/* What one direction of an entry says. */
struct ct_tuple {
	struct ip_addr source;
	int protocol;
	uint16_t port; /* destination */
};

static int tuple_ip(const struct nlattr *a, void *arg)
{
	struct ct_tuple *t = arg;
	size_t len = mnl_attr_get_payload_len(a);

	if (mnl_attr_get_type(a) == CTA_IP_V4_SRC && len == 4)
		t->source.family = AF_INET;
	else if (mnl_attr_get_type(a) == CTA_IP_V6_SRC && len == 16)
		t->source.family = AF_INET6;
	else
		return MNL_CB_OK;
	memcpy(t->source.bytes, mnl_attr_get_payload(a), len);
	return MNL_CB_OK;
}

static int tuple_proto(const struct nlattr *a, void *arg)
{
	struct ct_tuple *t = arg;
	const uint8_t *v = mnl_attr_get_payload(a);

	if (mnl_attr_get_type(a) == CTA_PROTO_NUM && mnl_attr_get_payload_len(a) >= 1)
		t->protocol = v[0];
	if (mnl_attr_get_type(a) == CTA_PROTO_DST_PORT && mnl_attr_get_payload_len(a) >= 2)
		t->port = (uint16_t)(v[0] << 8 | v[1]);
	return MNL_CB_OK;
}

static int tuple_part(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == CTA_TUPLE_IP)
		return mnl_attr_parse_nested(a, tuple_ip, arg);
	if (mnl_attr_get_type(a) == CTA_TUPLE_PROTO)
		return mnl_attr_parse_nested(a, tuple_proto, arg);
	return MNL_CB_OK;
}

/* Original tuples of the entries that match, nest by nest. */
struct ct_found {
	const struct conntrack_targets *t;
	struct ct_raw {
		int family;
		uint16_t len;
		uint8_t bytes[TUPLE_MAX];
	} * v;
	size_t n;
};

struct ct_entry {
	struct ct_tuple orig, reply;
	const struct nlattr *raw; /* the original tuple's nest */
};

static int entry_part(const struct nlattr *a, void *arg)
{
	struct ct_entry *e = arg;

	if (mnl_attr_get_type(a) == CTA_TUPLE_ORIG) {
		e->raw = a;
		return mnl_attr_parse_nested(a, tuple_part, &e->orig);
	}
	if (mnl_attr_get_type(a) == CTA_TUPLE_REPLY)
		return mnl_attr_parse_nested(a, tuple_part, &e->reply);
	return MNL_CB_OK;
}

static bool is_target(const struct conntrack_targets *t, const struct ct_entry *e)
{
	for (size_t i = 0; i < t->n_addresses; i++)
		if (is_ip_equal(&t->addresses[i], &e->orig.source) ||
		    is_ip_equal(&t->addresses[i], &e->reply.source))
			return true;
	for (size_t i = 0; i < t->n_ports; i++)
		if (t->ports[i].family == e->orig.source.family &&
		    t->ports[i].protocol == e->orig.protocol && t->ports[i].port == e->orig.port)
			return true;
	return false;
}

static int found_answer(const struct nlmsghdr *nlh, void *arg)
{
	struct ct_entry e = { 0 };
	struct ct_found *f = arg;
	struct ct_raw *raw;
	size_t len;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return 0;
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), entry_part, &e);
	len = e.raw ? mnl_attr_get_payload_len(e.raw) : 0;
	if (len == 0 || len > TUPLE_MAX || !is_target(f->t, &e))
		return 0;
	if ((f->n & (f->n - 1)) == 0) /* grow at powers of two */
		f->v = xreallocarray(f->v, f->n ? 2 * f->n : 1, sizeof(*f->v));
	raw = &f->v[f->n++];
	raw->family = e.orig.source.family;
	raw->len = (uint16_t)len;
	memcpy(raw->bytes, mnl_attr_get_payload(e.raw), len);
	return 0;
}

static int delete_found(struct nl_sock *s, const struct ct_found *f, struct error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		cleanup_batch struct nl_batch b;
		struct error scratch;
		size_t nest;
		int r;

		nl_batch_init(&b, 512);
		(void)ct_message(&b, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, f->v[i].family);
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

static int flush_by_hand(struct nl_sock *s, const struct conntrack_targets *t, struct error *err)
{
	struct ct_found f = { .t = t };
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
		cleanup_batch struct nl_batch b;

		nl_batch_init(&b, 256);
		(void)ct_message(&b, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
		f.n = 0;
		r = nl_query(s, &b, found_answer, &f, err);
	}
	if (r == 0)
		r = delete_found(s, &f, err);
	free(f.v);
	return r;
}

int conntrack_flush(struct nl_sock *s, const struct conntrack_targets *t, struct error *err)
{
	bool by_hand = false;

	if (t->n_addresses + t->n_ports == 0 || count_entries(s) == 0)
		return 0;
	for (size_t i = 0; i < t->n_addresses && !by_hand; i++)
		by_hand = t->addresses[i].family == AF_INET6 ||
			  flush_address4(s, &t->addresses[i], false) < 0 ||
			  flush_address4(s, &t->addresses[i], true) < 0;
	for (size_t i = 0; i < t->n_ports && !by_hand; i++)
		by_hand = flush_port(s, &t->ports[i]) < 0;
	return by_hand ? flush_by_hand(s, t, err) : 0;
}
