/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net - up and down of one pod's network.
 *
 * Theory of operation. Up: network there? → lease → record → veth pair → inside of the pod → map
 * elements, all in one transaction → flows of the published UDP ports forgotten. Elements come
 * late, so that no packet is sent to an address that does not answer yet. Down goes backwards from
 * what it finds: elements by their comment → flows of the pod's addresses and UDP ports forgotten
 * (else the old pod's entries keep translating) → leases, last, so that nobody gets an address that
 * something still points to → record. Each step of down is a no-op when there is nothing to do.
 *
 * An element can outlive its pod: everything was killed at once, no down ran. It would shadow any
 * later server on that port. It is noticed where it hurts: adding the element says "exists", the
 * list says whose it is, and a pod without a living conductor is taken down on the spot.
 *
 * The network lock (RUNROOT/locks/network, a leaf lock) is held from the look at the network to the
 * last step, a millisecond or two: two plays at once queue here, as they would behind the kernel's
 * own lock.
 *
 * Runs in the host's network namespace; see pod_side.c for the visit to the pod's. What a kill -9
 * between two steps leaves is removed by the next down or sweep of that pod.
 */
#include "engine/net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/net/conntrack.h"
#include "engine/net/ipam.h"
#include "engine/net/link.h"
#include "engine/net/neigh.h"
#include "engine/net/network.h"
#include "engine/net/nft.h"
#include "engine/net/pod_side.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

#define LOCK_TIMEOUT_MS 30000
#define VETH_NAMES	16
#define DELETE_TRIES	3

/* What every operation needs, under the lock. */
struct session {
	const struct store *s;
	net_alive_fn is_alive;
	void *arg;
	int lock;
	int dirfd;
	struct nl_sock rt, nf;
	struct network n;
};

static void session_close(struct session *x)
{
	/* The lock first: closing an nfnetlink socket can wait. */
	if (x->lock >= 0)
		(void)close(x->lock);
	if (x->dirfd >= 0)
		(void)close(x->dirfd);
	nl_close(&x->rt);
	nl_close(&x->nf);
}
#define cleanup_session cleanup(session_close)
#define SESSION_INIT(store_)                                   \
	{                                                      \
		.s = (store_), .lock = -EBADF, .dirfd = -EBADF \
	}

static int session_lock(struct session *x, struct error *err)
{
	struct error scratch;

	x->lock =
		lock_take(x->s->runfd, "locks/network", LOCK_EXCLUSIVE, LOCK_TIMEOUT_MS, &scratch);
	if (x->lock == -ENOENT) {
		if (mkdirat(x->s->runfd, "locks", 0700) < 0 && errno != EEXIST)
			return error_errno(err, "create directory 'locks'");
		x->lock = lock_take(x->s->runfd, "locks/network", LOCK_EXCLUSIVE, LOCK_TIMEOUT_MS,
				    &scratch);
	}
	if (x->lock < 0) {
		*err = scratch;
		return x->lock;
	}
	x->dirfd = ipam_open(x->s->runfd, NET_DEFAULT, err);
	return x->dirfd < 0 ? x->dirfd : 0;
}

static bool is_conducted(const char *pod_id, void *arg)
{
	const struct store *s = arg;
	char path[LAYOUT_PATH_MAX];

	(void)snprintf(path, sizeof(path), "pods/%s/conductor.lock", pod_id);
	return is_lock_held(s->rootfd, path);
}

static void session_alive(struct session *x, net_alive_fn is_alive, void *arg)
{
	x->is_alive = is_alive ? is_alive : is_conducted;
	x->arg = is_alive ? arg : (void *)(uintptr_t)x->s;
}

/* ---- down ------------------------------------------------------------------------------- */

static bool is_ours(const struct session *x, const struct nft_element *e)
{
	return e->store == x->n.store;
}

/* Deletes the pod's elements and gives them back in *ret. */
static int withdraw(struct session *x, const char *pod_id, struct nft_elements *ret,
		    struct error *err)
{
	int r = -ENOENT;

	for (int i = 0; i < DELETE_TRIES && r == -ENOENT; i++) {
		cleanup_elements struct nft_elements all = { 0 };

		nft_elements_done(ret);
		r = nft_list(&x->nf, &all, err);
		for (size_t k = 0; k < all.n && r == 0; k++)
			if (is_ours(x, &all.v[k]) && strcmp(all.v[k].owner, pod_id) == 0)
				nft_elements_add(ret, &all.v[k]);
		if (r == 0)
			r = nft_delete(&x->nf, ret, err); /* -ENOENT: somebody was quicker */
	}
	return r;
}

/* Addresses by the record, else by reading every lease. */
static int pod_addresses(int dirfd, const char *pod_id, struct strlist *ret, struct error *err)
{
	cleanup_attachment struct ipam_attachment a = { 0 };
	int r = ipam_lookup(dirfd, pod_id, &a, err);
	char text[IP_TEXT_MAX];

	if (r == -ENOENT)
		return ipam_find(dirfd, pod_id, ret, err);
	if (r < 0)
		return r;
	strlist_add(ret, ip_format(&a.addr4, text));
	if (a.addr6.family != AF_UNSPEC)
		strlist_add(ret, ip_format(&a.addr6, text));
	return 0;
}

/* UDP flows of these ports, and every flow of these addresses. */
static int forget_flows(struct session *x, const struct nft_elements *l, const struct ip_addr *a,
			size_t n_addresses, struct error *err)
{
	cleanup_free struct conntrack_port *ports = xcalloc(l->n + 1, sizeof(*ports));
	struct conntrack_targets t = { .addresses = a, .n_addresses = n_addresses, .ports = ports };

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].protocol == IPPROTO_UDP)
			ports[t.n_ports++] =
				(struct conntrack_port){ l->v[i].pod.family, IPPROTO_UDP,
							 l->v[i].host_port };
	return conntrack_flush(&x->nf, &t, err);
}

/* Leaves out what is no address, and IPv6 addresses that never had a flow. */
static int addresses_with_flows(struct session *x, const struct strlist *text, struct ip_addr *ret,
				size_t *n, struct error *err)
{
	for (size_t i = 0; i < text->n; i++) {
		struct ip_addr a;
		int r;

		if (ip_parse(text->v[i], &a) < 0)
			continue;
		r = a.family == AF_INET6 ? nft_take_flows6(&x->nf, &a, err) : 1;
		if (r < 0)
			return r;
		if (r > 0)
			ret[(*n)++] = a;
	}
	return 0;
}

static int down_locked(struct session *x, const char *pod_id, struct error *err)
{
	cleanup_elements struct nft_elements gone = { 0 };
	cleanup_strlist struct strlist addresses = { 0 };
	cleanup_free struct ip_addr *parsed = NULL;
	int r = withdraw(x, pod_id, &gone, err);
	size_t n = 0;

	if (r == 0)
		r = pod_addresses(x->dirfd, pod_id, &addresses, err);
	if (r < 0)
		return r;
	parsed = xcalloc(addresses.n + 1, sizeof(*parsed));
	r = addresses_with_flows(x, &addresses, parsed, &n, err);
	if (r == 0)
		r = forget_flows(x, &gone, parsed, n, err);
	for (size_t i = 0; i < addresses.n && r == 0; i++)
		r = ipam_release(x->dirfd, addresses.v[i], pod_id, err);
	return r < 0 ? r : ipam_forget(x->dirfd, pod_id, err);
}

int net_down_lingering(const struct store *s, const char *pod_id, int *linger_fd, struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	int r;

	if (!is_id(pod_id))
		return error_set(err, EINVAL, "not a pod id");
	r = session_lock(&x, err);
	if (r < 0)
		return r;
	r = network_load(x.dirfd, &x.n, err);
	if (r == -ENOENT)
		return 0; /* there never was a network */
	if (r < 0)
		return r;
	r = nl_borrow(&x.nf, NETLINK_NETFILTER, linger_fd, err);
	if (r == 0)
		r = down_locked(&x, pod_id, err);
	return r < 0 ? error_wrap(err, "network '%s'", NET_DEFAULT) : 0;
}

int net_down(const struct store *s, const char *pod_id, struct error *err)
{
	cleanup_close int linger = -1;

	return net_down_lingering(s, pod_id, &linger, err);
}

/* ---- sweep ------------------------------------------------------------------------------ */

static int sweep_locked(struct session *x, struct error *err)
{
	cleanup_elements struct nft_elements all = { 0 };
	cleanup_strlist struct strlist pods = { 0 };
	int r = ipam_pods(x->dirfd, &pods, err), n = 0;

	if (r == 0)
		r = nft_list(&x->nf, &all, err);
	for (size_t i = 0; i < all.n && r == 0; i++)
		if (is_ours(x, &all.v[i]) && !strlist_has(&pods, all.v[i].owner))
			strlist_add(&pods, all.v[i].owner);
	for (size_t i = 0; i < pods.n && r == 0; i++) {
		if (!is_id(pods.v[i]) || x->is_alive(pods.v[i], x->arg))
			continue;
		r = down_locked(x, pods.v[i], err);
		n++;
	}
	return r < 0 ? r : n;
}

int net_sweep(const struct store *s, net_alive_fn is_alive, void *arg, struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	int r = session_lock(&x, err);

	if (r < 0)
		return r;
	session_alive(&x, is_alive, arg);
	r = network_load(x.dirfd, &x.n, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = nl_open(&x.nf, NETLINK_NETFILTER, err);
	return r < 0 ? r : sweep_locked(&x, err);
}

/* ---- up --------------------------------------------------------------------------------- */

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
	if (host.family != AF_INET6) {
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

static int elements_of(const char *pod_id, uint64_t store, const struct ipam_attachment *a,
		       struct nft_elements *to, struct error *err)
{
	struct nft_element e = { .store = store };
	int r = 0;

	(void)snprintf(e.owner, sizeof(e.owner), "%s", pod_id);
	for (size_t i = 0; i < a->n_ports && r == 0; i++)
		r = add_port(&a->ports[i], a, e, to, err);
	return r;
}

/* The elements of living pods, for a table that was flushed by somebody else. */
static int refill(const struct network *n, struct nft_elements *ret, void *arg, struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	struct session *x = arg;
	int r = ipam_pods(x->dirfd, &pods, err);

	for (size_t i = 0; i < pods.n && r == 0; i++) {
		cleanup_attachment struct ipam_attachment a = { 0 };

		if (!is_id(pods.v[i]) || !x->is_alive(pods.v[i], x->arg))
			continue;
		r = ipam_lookup(x->dirfd, pods.v[i], &a, err);
		if (r == 0)
			r = elements_of(pods.v[i], n->store, &a, ret, err);
		else if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* name gets the host's end. */
static int veth_create(struct session *x, const struct net_request *q, const uint8_t mac[6],
		       char name[LINK_NAME_MAX + 1], struct error *err)
{
	struct link_veth v = { .name = name,
			       .bridge_index = x->n.bridge_index,
			       .peer = POD_DEVICE,
			       .peer_netns_fd = q->netns_fd };
	struct error scratch = { 0 };
	int r = -EEXIST;

	memcpy(v.peer_mac, mac, sizeof(v.peer_mac));
	/* The pair of the same pod's last start may still be dying: then the next name. */
	for (unsigned int i = 0; i < VETH_NAMES && r == -EEXIST; i++) {
		cleanup_batch struct nl_batch b;

		nl_batch_init(&b, 1024);
		(void)snprintf(name, LINK_NAME_MAX + 1, "pod%.11s%x", q->pod_id, i);
		link_add_veth(&b, &v);
		r = nl_send(&x->rt, &b, &scratch);
	}
	if (r < 0)
		*err = scratch;
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
		if (!is_ours(x, e) || !is_id(e->owner) ||
		    (!is_mine && x->is_alive(e->owner, x->arg)))
			return error_set(
				err, EEXIST, "host port %u/%s is published by pod '%.12s'%s",
				e->host_port,
				port_protocol_str(e->protocol == IPPROTO_UDP   ? PORT_UDP
						  : e->protocol == IPPROTO_TCP ? PORT_TCP
									       : PORT_SCTP),
				e->owner, is_ours(x, e) ? "" : " of another store");
		if (!is_mine)
			r = down_locked(x, e->owner, err);
	}
	return r;
}

static int publish(struct session *x, const char *pod_id, const struct ipam_attachment *a,
		   struct error *err)
{
	cleanup_elements struct nft_elements want = { 0 };
	struct error scratch;
	int r = elements_of(pod_id, x->n.store, a, &want, err);

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
	return forget_flows(x, &want, NULL, 0, err);
}

static void copy_ports(const struct net_request *q, struct ipam_attachment *a)
{
	a->ports = q->n_ports ? xcalloc(q->n_ports, sizeof(*a->ports)) : NULL;
	for (size_t i = 0; i < q->n_ports; i++) {
		if (q->ports[i].host_port == 0)
			continue;
		a->ports[a->n_ports] = q->ports[i];
		a->ports[a->n_ports++].host_ip = xstrdup_or_null(q->ports[i].host_ip);
	}
	a->hostname = xstrdup_or_null(q->hostname);
}

/* From here on the first packet of the host arrives. */
static int host_side_ready(struct session *x, const char *host_end, const struct pod_side *p,
			   struct error *err)
{
	int r = link_wait_up(&x->rt, host_end, LINK_UP_TIMEOUT_MS, err);
	cleanup_batch struct nl_batch b = { 0 };

	if (r == 0)
		r = link_wait_up(&x->rt, x->n.bridge, LINK_UP_TIMEOUT_MS, err);
	if (r < 0)
		return r;
	nl_batch_init(&b, 512);
	neigh_add(&b, x->n.bridge_index, &p->addr4, p->mac);
	if (p->addr6.family != AF_UNSPEC)
		neigh_add(&b, x->n.bridge_index, &p->addr6, p->mac);
	return nl_send(&x->rt, &b, err);
}

static int attach(struct session *x, const struct net_request *q, struct ipam_attachment *a,
		  struct error *err)
{
	const struct network *n = &x->n;
	struct pod_side inside = { 0 };
	char host_end[LINK_NAME_MAX + 1];
	int r = ipam_lease(x->dirfd, &n->subnet4, n->has_ipv6 ? &n->subnet6 : NULL, q->pod_id, a,
			   err);

	STOP_AT("net:lease");
	if (r == 0) {
		network_mac(&a->addr4, inside.mac);
		network_mac(&n->gateway4, inside.gateway_mac);
		r = ipam_record(x->dirfd, q->pod_id, a, err);
	}
	if (r == 0)
		r = veth_create(x, q, inside.mac, host_end, err);
	if (r < 0)
		return r;
	STOP_AT("net:veth");
	inside.addr4 = a->addr4;
	inside.addr6 = a->addr6;
	inside.gateway4 = n->gateway4;
	inside.gateway6 = n->gateway6;
	inside.bits4 = n->subnet4.bits;
	inside.bits6 = n->subnet6.bits;
	r = pod_side_configure(q->netns_fd, &inside, err);
	if (r == 0)
		r = host_side_ready(x, host_end, &inside, err);
	if (r == 0)
		r = publish(x, q->pod_id, a, err);
	STOP_AT("net:publish");
	return r;
}

static int up_locked(struct session *x, const struct net_request *q, struct net_result *ret,
		     struct error *err)
{
	cleanup_attachment struct ipam_attachment a = { 0 }, old = { 0 };
	struct error scratch;
	int r = nl_open(&x->rt, NETLINK_ROUTE, err);

	if (r == 0)
		r = nl_open(&x->nf, NETLINK_NETFILTER, err);
	if (r == 0)
		r = network_open(x->dirfd, &x->rt, &x->nf, &x->n, refill, x, err);
	if (r < 0)
		return r;
	r = ipam_lookup(x->dirfd, q->pod_id, &old, err);
	if (r == 0)
		r = down_locked(x, q->pod_id, err);
	if (r < 0 && r != -ENOENT)
		return r;
	copy_ports(q, &a);
	r = attach(x, q, &a, err);
	if (r < 0) {
		/* The first failure is what the caller wants to hear. */
		(void)down_locked(x, q->pod_id, &scratch);
		return r;
	}
	network_result(&x->n, &a, ret);
	return 0;
}

int net_up(const struct store *s, const struct net_request *q, struct net_result *ret,
	   struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	int r;

	if (!is_id(q->pod_id))
		return error_set(err, EINVAL, "not a pod id");
	if (q->network && strcmp(q->network, NET_DEFAULT) != 0)
		return error_set(err, ENOENT, "network '%s' does not exist", q->network);
	if (q->n_ports > NET_PORTS_MAX)
		return error_set(err, E2BIG, "more than %d published ports", NET_PORTS_MAX);
	session_alive(&x, q->is_alive, q->arg);
	r = session_lock(&x, err);
	if (r == 0)
		r = up_locked(&x, q, ret, err);
	return r < 0 ? error_wrap(err, "network '%s'", NET_DEFAULT) : 0;
}

int net_lo_up(int netns_fd, struct error *err)
{
	return pod_side_configure(netns_fd, NULL, err);
}

/* ---- the rest --------------------------------------------------------------------------- */

int net_reset(const struct store *s, struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	cleanup_strlist struct strlist pods = { 0 };
	int r = session_lock(&x, err);

	if (r < 0)
		return r;
	r = network_load(x.dirfd, &x.n, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = ipam_pods(x.dirfd, &pods, err);
	if (r == 0 && pods.n > 0)
		r = error_set(err, EBUSY, "network '%s' still has %zu pods", NET_DEFAULT, pods.n);
	if (r == 0)
		r = nl_open(&x.rt, NETLINK_ROUTE, err);
	if (r == 0)
		r = nl_open(&x.nf, NETLINK_NETFILTER, err);
	if (r == 0)
		r = network_remove(&x.rt, &x.nf, &x.n, err);
	if (r == 0 && unlinkat(x.dirfd, "network.json", 0) < 0 && errno != ENOENT)
		r = error_errno(err, "remove 'network.json'");
	return r;
}
