/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route - reading and writing routes.
 *
 * Theory of operation: a pool is free when no route points into it or contains it, in any table:
 * the addresses of the host itself are routes of the table "local", so one dump answers both. A
 * default route contains everything and says nothing, so it is left out. The dump is read once for
 * each candidate, only when a network is made for the first time.
 */
#include "engine/net/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define ROUTE_TRIES 5

void route_add_default(struct nl_batch *b, int index, const struct ip_addr *gateway)
{
	struct rtmsg *m = nl_message(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK,
				     sizeof(*m), "add default route");

	m->rtm_family = (uint8_t)gateway->family;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_BOOT;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	nl_put(b, RTA_GATEWAY, gateway->bytes, ip_len(gateway->family));
	nl_put_u32(b, RTA_OIF, (uint32_t)index);
}

struct overlap {
	const struct ip_prefix *p;
	struct ip_prefix route;
	bool found;
};

static int route_destination(const struct nlattr *a, void *arg)
{
	struct overlap *o = arg;

	if (mnl_attr_get_type(a) == RTA_DST &&
	    mnl_attr_get_payload_len(a) == ip_len(o->route.addr.family))
		memcpy(o->route.addr.bytes, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	return MNL_CB_OK;
}

static int route_compare(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	struct overlap *o = arg;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return 0;
	if (m->rtm_family != o->p->addr.family || m->rtm_dst_len == 0 ||
	    m->rtm_dst_len > 8 * ip_len(m->rtm_family))
		return 0;
	o->route = (struct ip_prefix){ .addr.family = m->rtm_family, .bits = m->rtm_dst_len };
	(void)mnl_attr_parse(nlh, sizeof(*m), route_destination, o);
	o->found |= is_ip_prefix_overlapping(o->p, &o->route);
	return 0;
}

int route_is_free(struct nl_sock *s, const struct ip_prefix *p, bool *ret_free, struct error *err)
{
	struct overlap o = { .p = p };
	int r = -EINTR;

	for (int i = 0; i < ROUTE_TRIES && r == -EINTR; i++) {
		cleanup_batch struct nl_batch b;
		struct rtmsg *m;

		nl_batch_init(&b, 256);
		m = nl_message(&b, RTM_GETROUTE, NLM_F_DUMP, sizeof(*m), "list routes");
		m->rtm_family = (uint8_t)p->addr.family;
		o.found = false;
		r = nl_query(s, &b, route_compare, &o, err);
	}
	if (r == 0)
		*ret_free = !o.found;
	return r;
}
