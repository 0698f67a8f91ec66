/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join - connecting a pod to one network.
 *
 * Theory of operation: bridge there? → resolver, whose port the table needs → table → the pod is
 * announced → lease → record → veth pair → names. After that the inside of the pod, all devices at
 * once, and the host's half of the neighbour tables. Whoever calls undoes a failure by the way down,
 * which finds everything by the announcement.
 *
 * The default route goes out through the first network that is not internal, one for each family.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/net/link.h"
#include "engine/net/neigh.h"
#include "engine/net/pod_side.h"
#include "engine/net/resolver.h"
#include "engine/net/session.h"
#include "engine/pod/spec.h"

#define VETH_NAMES 36

void joined_done(struct joined *j)
{
	ipam_attachment_done(&j->a);
	if (j->dirfd >= 0)
		(void)close(j->dirfd);
	j->dirfd = -EBADF;
}

static int veth_create(struct session *x, const struct net_request *q, struct joined *j,
		       struct error *err)
{
	struct link_veth v = { .name = j->host_end,
			       .bridge_index = j->n.bridge_index,
			       .peer = j->a.interface,
			       .peer_netns_fd = q->netns_fd,
			       .mtu = j->n.mtu };
	struct error scratch = { 0 };
	int r = -EEXIST;

	memcpy(v.peer_mac, j->a.mac, sizeof(v.peer_mac));
	/* The pair of the same pod's last start may still be dying: then the next name. */
	for (unsigned int i = 0; i < VETH_NAMES && r == -EEXIST; i++) {
		cleanup_batch struct nl_batch b;

		nl_batch_init(&b, 1024);
		(void)snprintf(j->host_end, sizeof(j->host_end), "pod%.11s%c", q->pod_id,
			       "0123456789abcdefghijklmnopqrstuvwxyz"[i]);
		link_add_veth(&b, &v);
		r = nl_send(&x->rt, &b, &scratch);
	}
	if (r < 0)
		*err = scratch;
	return r;
}

/* Bridge, resolver and table of one network. */
static int open_network(struct session *x, struct joined *j, const char *name, struct error *err)
{
	cleanup_network_conf struct network_conf c = { 0 };
	int r;

	if (strcmp(name, NET_DEFAULT) == 0) {
		j->n = x->n;
		r = network_open_bridge(&x->rt, &j->n, err);
		x->n.bridge_index = j->n.bridge_index;
		return r;
	}
	r = network_conf_read(x->s, name, &c, err);
	if (r == 0)
		r = network_from_conf(&c, &j->n, err);
	if (r == 0)
		r = network_open_bridge(&x->rt, &j->n, err);
	if (r == 0 && j->n.has_dns)
		r = resolver_ensure(j->dirfd, &j->n, &c.dns_servers, err);
	return r < 0 ? r : network_open_table(&x->nf, &j->n, false, err);
}

static int want_address(const char *text, int family, struct ipam_pool *p, struct error *err)
{
	if (!text)
		return 0;
	if (ip_parse(text, &p->wanted) < 0 || p->wanted.family != family)
		return error_set(err, EINVAL, "'%s' is no %s address", text,
				 family == AF_INET ? "IPv4" : "IPv6");
	if (p->subnet.addr.family == AF_UNSPEC)
		return error_set(err, ERANGE, "requested static ip %s not in any subnet", text);
	return 0;
}

static int lease(struct session *x, const char *pod_id, const struct attachment *want,
		 struct joined *j, struct error *err)
{
	struct ipam_pool four = j->n.pool4, six = j->n.pool6;
	int r;

	(void)x;
	if (!j->n.has_ipv6)
		six.subnet.addr.family = AF_UNSPEC;
	r = want_address(want ? want->ip4 : NULL, AF_INET, &four, err);
	if (r == 0)
		r = want_address(want ? want->ip6 : NULL, AF_INET6, &six, err);
	if (r == 0 && !is_default_network(&j->n))
		r = ipam_announce(j->dirfd, pod_id, err);
	return r < 0 ? r : ipam_lease(j->dirfd, &four, &six, pod_id, &j->a, err);
}

static void set_mac(const struct attachment *want, struct joined *j)
{
	unsigned int v[6];

	network_mac(j->a.addr4.family != AF_UNSPEC ? &j->a.addr4 : &j->a.addr6, j->a.mac);
	if (!want || !want->mac ||
	    sscanf(want->mac, "%2x:%2x:%2x:%2x:%2x:%2x", &v[0], &v[1], &v[2], &v[3], &v[4],
		   &v[5]) != 6)
		return;
	for (size_t i = 0; i < 6; i++)
		j->a.mac[i] = (uint8_t)v[i];
}

static int tell_names(const struct net_request *q, const struct attachment *want, struct joined *j,
		      struct error *err)
{
	cleanup_strlist struct strlist all = { 0 };

	if (!j->n.has_dns)
		return 0;
	for (size_t i = 0; q->names && i < q->names->n; i++)
		strlist_add(&all, q->names->v[i]);
	for (size_t i = 0; want && i < want->aliases.n; i++)
		strlist_add(&all, want->aliases.v[i]);
	return resolver_add(j->dirfd, q->pod_id, &j->a, &all, err);
}

int session_join(struct session *x, const struct net_request *q, const struct attachment *want,
		 struct joined *j, struct error *err)
{
	const char *name = want ? want->network : NET_DEFAULT;
	int r;

	if (j->dirfd < 0)
		j->dirfd = ipam_open(x->s->runfd, name, err);
	if (j->dirfd < 0)
		return j->dirfd;
	r = open_network(x, j, name, err);
	if (r == 0)
		r = lease(x, q->pod_id, want, j, err);
	STOP_AT("net:lease");
	if (r == 0) {
		set_mac(want, j);
		r = ipam_record(j->dirfd, q->pod_id, &j->a, err);
	}
	if (r == 0)
		r = veth_create(x, q, j, err);
	if (r == 0)
		r = tell_names(q, want, j, err);
	STOP_AT("net:veth");
	return r;
}

int session_joined(struct session *x, const char *pod_id, const char *network, struct joined *j,
		   struct error *err)
{
	int r;

	j->dirfd = ipam_open(x->s->runfd, network, err);
	if (j->dirfd < 0)
		return j->dirfd;
	r = ipam_lookup(j->dirfd, pod_id, &j->a, err);
	j->is_there = r == 0;
	if (r == -ENOENT)
		return 0;
	if (r == 0 && !*j->a.interface)
		(void)snprintf(j->a.interface, sizeof(j->a.interface), POD_DEVICE);
	if (r == 0 && strcmp(network, NET_DEFAULT) == 0)
		j->n = x->n;
	else if (r == 0)
		r = network_read(x->s, j->dirfd, network, &j->n, err);
	return r;
}

static bool is_interface_taken(const char *name, const struct joined *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].a.interface, name) == 0)
			return true;
	return false;
}

int session_interface(const struct attachment *want, const struct joined *all, size_t n,
		      char out[16], struct error *err)
{
	out[0] = '\0';
	if (want && want->interface) {
		if (is_interface_taken(want->interface, all, n))
			return error_set(err, EEXIST, "the pod has an interface '%s' already",
					 want->interface);
		(void)snprintf(out, 16, "%.15s", want->interface);
		return 0;
	}
	for (unsigned int i = 0; !*out; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "eth%u", i);
		if (!is_interface_taken(name, all, n))
			memcpy(out, name, sizeof(name));
	}
	return 0;
}

/* ---- inside ----------------------------------------------------------------------------- */

/* From here on the first packet of the host arrives. */
static int host_side_ready(struct session *x, const struct joined *j, const struct pod_side *p,
			   struct error *err)
{
	int r = link_wait_up(&x->rt, j->host_end, LINK_UP_TIMEOUT_MS, err);
	cleanup_batch struct nl_batch b = { 0 };

	if (r == 0)
		r = link_wait_up(&x->rt, j->n.bridge, LINK_UP_TIMEOUT_MS, err);
	if (r < 0)
		return r;
	nl_batch_init(&b, 512);
	if (p->addr4.family != AF_UNSPEC)
		neigh_add(&b, j->n.bridge_index, &p->addr4, p->mac);
	if (p->addr6.family != AF_UNSPEC)
		neigh_add(&b, j->n.bridge_index, &p->addr6, p->mac);
	return nl_send(&x->rt, &b, err);
}

void session_inside(const struct joined *j, struct pod_side *p)
{
	*p = (struct pod_side){ .addr4 = j->a.addr4,
				.gateway4 = j->n.gateway4,
				.addr6 = j->a.addr6,
				.gateway6 = j->n.gateway6,
				.bits4 = j->n.subnet4.bits,
				.bits6 = j->n.subnet6.bits };
	memcpy(p->name, j->a.interface, sizeof(p->name));
	memcpy(p->mac, j->a.mac, sizeof(p->mac));
	network_gateway_mac(&j->n, p->gateway_mac);
}

int session_configure(struct session *x, int netns_fd, struct joined *all, size_t n, bool is_new,
		      struct error *err)
{
	cleanup_free struct pod_side *p = xcalloc(n, sizeof(*p));
	bool has4 = false, has6 = false;
	size_t k = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		bool out = !all[i].n.is_internal;

		session_inside(&all[i], &p[k]);
		p[k].is_default4 = out && !has4 && p[k].addr4.family != AF_UNSPEC;
		p[k].is_default6 = out && !has6 && p[k].addr6.family != AF_UNSPEC;
		has4 |= p[k].is_default4;
		has6 |= p[k].is_default6;
		k += !all[i].is_there;
	}
	r = pod_side_configure(netns_fd, p, k, is_new, err);
	k = 0;
	for (size_t i = 0; i < n && r == 0; i++)
		if (!all[i].is_there)
			r = host_side_ready(x, &all[i], &p[k++], err);
	return r;
}
