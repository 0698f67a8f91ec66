/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish - the elements that a pod's published ports are.
 *
 * Theory of operation: a pod's ports lead to its addresses in one network, the first that is not
 * internal; that network's record has the ports, so that the table can be filled again from records.
 *
 * An element can outlive its pod: everything was killed at once, no down ran. It would shadow any
 * later server on that port. It is noticed where it hurts: adding the element says "exists", the
 * list says whose it is, and a pod without a living conductor is taken down on the spot.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/net/hostport.h"
#include "engine/net/session.h"
#include "engine/pod/spec.h"

static int protocol_number(int protocol)
{
	static const int numbers[PORT__COUNT] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

	return protocol >= 0 && protocol < PORT__COUNT ? numbers[protocol] : -EINVAL;
}

/* One port makes one element, or one for each family when no host address narrows it. */
static int add_port(const struct net_port *p, const struct ipam_attachment *a, struct nft_element e,
		    struct nft_elements *to, struct error *err)
{
	struct ip_addr host = { .family = AF_UNSPEC };
	bool is_any;

	if (!is_empty(p->host_ip) && ip_parse(p->host_ip, &host) < 0)
		return error_set(err, EINVAL, "host address '%s' is not an IP address", p->host_ip);
	e.protocol = protocol_number(p->protocol);
	if (e.protocol < 0 || p->container_port == 0)
		return error_set(err, EINVAL, "port %u: bad protocol or container port",
				 p->host_port);
	is_any = host.family == AF_UNSPEC || is_ip_any(&host);
	e.host_port = p->host_port;
	e.pod_port = p->container_port;
	if (!is_any)
		e.host = host;
	if (host.family == AF_INET && a->addr4.family == AF_UNSPEC)
		return error_set(err, EAFNOSUPPORT, "host address '%s': the network has no IPv4",
				 p->host_ip);
	if (host.family != AF_INET6 && a->addr4.family != AF_UNSPEC) {
		e.pod = a->addr4;
		nft_elements_add(to, &e);
	}
	if (host.family == AF_INET6 && a->addr6.family == AF_UNSPEC)
		return error_set(err, EAFNOSUPPORT,
				 "host address '%s': IPv6 is switched off on this host",
				 p->host_ip);
	if (host.family != AF_INET && a->addr6.family != AF_UNSPEC) {
		e.pod = a->addr6;
		nft_elements_add(to, &e);
	}
	return 0;
}

int session_elements(const char *pod_id, uint64_t store, const struct ipam_attachment *a,
		     struct nft_elements *to, struct error *err)
{
	struct nft_element e = { .store = store };
	int r = 0;

	(void)snprintf(e.owner, sizeof(e.owner), "%s", pod_id);
	for (size_t i = 0; i < a->n_ports && r == 0; i++)
		r = add_port(&a->ports[i], a, e, to, err);
	return r;
}

/* Whose element is in the way? A dead pod's is taken away (0), a living one's is the error. */
static int resolve_conflict(struct session *x, const char *pod_id, const struct nft_elements *want,
			    struct error *err)
{
	cleanup_elements struct nft_elements all = { 0 };
	int r = nft_list(&x->nf, &all, err);

	for (size_t i = 0; i < all.n * want->n && r == 0; i++) {
		const struct nft_element *w = &want->v[i / all.n], *e = &all.v[i % all.n];
		bool is_mine = strcmp(e->owner, pod_id) == 0;

		if (!is_nft_same_key(e, w))
			continue;
		if (!is_session_element(x, e) || !is_id(e->owner) ||
		    (!is_mine && x->is_alive(e->owner, x->arg)))
			return error_set(
				err, EEXIST, "host port %u/%s is published by pod '%.12s'%s",
				e->host_port,
				port_protocol_str(e->protocol == IPPROTO_UDP   ? PORT_UDP
						  : e->protocol == IPPROTO_TCP ? PORT_TCP
									       : PORT_SCTP),
				e->owner, is_session_element(x, e) ? "" : " of another store");
		if (!is_mine)
			r = session_down(x, e->owner, err);
	}
	return r;
}

int session_publish(struct session *x, const char *pod_id, const struct ipam_attachment *a,
		    struct error *err)
{
	cleanup_elements struct nft_elements want = { 0 };
	struct error scratch;
	int r = session_elements(pod_id, x->n.store, a, &want, err);

	if (r < 0)
		return r;
	r = nft_add(&x->nf, &want, &scratch);
	if (r == -EEXIST) {
		r = resolve_conflict(x, pod_id, &want, err);
		if (r < 0)
			return r;
		r = nft_add(&x->nf, &want, &scratch);
	}
	if (r < 0) {
		*err = scratch;
		return r;
	}
	return session_forget_flows(x, &want, NULL, 0, err);
}

static int refill_network(struct session *x, const char *name, int dirfd, void *arg,
			  struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	struct nft_elements *ret = arg;
	int r = ipam_pods(dirfd, &pods, err);

	(void)name;
	for (size_t i = 0; i < pods.n && r == 0; i++) {
		cleanup_attachment struct ipam_attachment a = { 0 };

		if (!is_id(pods.v[i]) || !x->is_alive(pods.v[i], x->arg))
			continue;
		r = ipam_lookup(dirfd, pods.v[i], &a, err);
		if (r == 0)
			r = session_elements(pods.v[i], x->n.store, &a, ret, err);
		else if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* The elements of living pods, for a table that was flushed by somebody else. */
static int refill(const struct network *n, struct nft_elements *ret, void *arg, struct error *err)
{
	struct session *x = arg;

	x->n.store = n->store;
	return session_each(x, refill_network, ret, err);
}

int session_open(struct session *x, bool is_fresh, struct error *err)
{
	struct network_open o = { .dirfd = x->dirfd,
				  .rt = &x->rt,
				  .nf = &x->nf,
				  .refill = refill,
				  .arg = x,
				  .is_fresh = is_fresh };
	int r = nl_open(&x->rt, NETLINK_ROUTE, err);

	if (r == 0)
		r = nl_open(&x->nf, NETLINK_NETFILTER, err);
	return r < 0 ? r : network_open(&o, &x->n, err);
}
