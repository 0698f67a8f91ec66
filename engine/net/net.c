/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net - up and down of one pod's network.
 *
 * Theory of operation. Up: main table there? → each network joined (join.c) → inside of the pod, all
 * devices in one datagram → map elements, all in one transaction → flows of the published UDP ports
 * forgotten. Elements come late, so that no packet is sent to an address that does not answer yet.
 * Down goes backwards from what it finds (session.c). Connect and disconnect are the same steps for
 * one network of a pod that lives.
 *
 * The network lock (RUNROOT/locks/network, a leaf lock) is held from the look at the network to the
 * last step, a millisecond or two: two plays at once queue here, as they would behind the kernel's
 * own lock. The first pod of a network with names waits for its resolver to be ready, about ten.
 *
 * Runs in the host's network namespace; see pod_side.c for the visit to the pod's. What a kill -9
 * between two steps leaves is removed by the next down of that pod, or by net_check().
 */
#include "engine/net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/net/pod_side.h"
#include "engine/net/resolver.h"
#include "engine/net/session.h"
#include "engine/pod/spec.h"

/* ---- down ------------------------------------------------------------------------------- */

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
		r = session_down(&x, pod_id, err);
	return r < 0 ? error_wrap(err, "network") : 0;
}

int net_down(const struct store *s, const char *pod_id, struct error *err)
{
	cleanup_close int linger = -1;

	return net_down_lingering(s, pod_id, &linger, err);
}

/* ---- up --------------------------------------------------------------------------------- */

/* The networks of a request; element i of `all` belongs to the i-th. */
struct joining {
	struct joined all[NET_ATTACHMENTS_MAX];
	size_t n;
};
static void joining_done(struct joining *g)
{
	for (size_t i = 0; i < g->n; i++)
		joined_done(&g->all[i]);
}
#define cleanup_joining cleanup(joining_done)

static size_t network_count(const struct net_request *q)
{
	return q->networks && q->networks->n ? q->networks->n : 1;
}

static const struct attachment *wanted(const struct net_request *q, size_t i)
{
	return q->networks && q->networks->n ? &q->networks->v[i] : NULL;
}

static const char *wanted_name(const struct net_request *q, size_t i)
{
	const struct attachment *want = wanted(q, i);

	return want ? want->network : NET_DEFAULT;
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
}

static bool is_internal(const struct session *x, const char *name)
{
	cleanup_network_conf struct network_conf c = { 0 };
	struct error scratch; /* joining it says what is wrong */

	return strcmp(name, NET_DEFAULT) != 0 && network_conf_read(x->s, name, &c, &scratch) == 0 &&
	       c.internal;
}

/* Which of the networks has the ports: the first with a way out. Its number, or -ENETUNREACH. */
static int find_publisher(const struct session *x, const struct net_request *q, struct error *err)
{
	for (size_t i = 0; i < network_count(q); i++)
		if (!is_internal(x, wanted_name(q, i)))
			return (int)i;
	for (size_t i = 0; i < q->n_ports; i++)
		if (q->ports[i].host_port)
			return error_set(err, ENETUNREACH,
					 "port %u cannot be published: the pod's networks are all "
					 "internal",
					 q->ports[i].host_port);
	return 0;
}

static int join_all(struct session *x, const struct net_request *q, struct joining *g,
		    struct error *err)
{
	int publisher = find_publisher(x, q, err), r = 0;

	if (publisher < 0)
		return publisher;
	for (size_t i = 0; i < network_count(q); i++)
		g->all[i].dirfd = -EBADF;
	g->n = network_count(q);
	for (size_t i = 0; i < g->n && r == 0; i++)
		if (wanted(q, i) && wanted(q, i)->interface)
			r = session_interface(wanted(q, i), g->all, i, g->all[i].a.interface, err);
	for (size_t i = 0; i < g->n && r == 0; i++) {
		struct ipam_attachment *a = &g->all[i].a;

		if (!*a->interface)
			r = session_interface(wanted(q, i), g->all, g->n, a->interface, err);
		if (i == (size_t)publisher)
			copy_ports(q, a);
		a->hostname = xstrdup_or_null(q->hostname);
		if (r == 0)
			r = session_join(x, q, wanted(q, i), &g->all[i], err);
		if (r < 0)
			return error_wrap(err, "network '%s'", wanted_name(q, i));
	}
	if (r == 0)
		r = session_configure(x, q->netns_fd, g->all, g->n, true, err);
	if (r == 0)
		r = session_publish(x, q->pod_id, &g->all[publisher].a, err);
	STOP_AT("net:publish");
	return r < 0 ? error_wrap(err, "network '%s'", wanted_name(q, (size_t)publisher)) : 0;
}

/* What a start before this one has left. */
static int down_before(struct session *x, const struct net_request *q, struct error *err)
{
	bool was_there = is_ipam_known(x->dirfd, q->pod_id);

	for (size_t i = 0; i < network_count(q) && !was_there; i++) {
		cleanup_close int dir = -EBADF;

		if (!wanted(q, i) || strcmp(wanted_name(q, i), NET_DEFAULT) == 0)
			continue;
		dir = ipam_open(x->s->runfd, wanted_name(q, i), err);
		if (dir < 0)
			return dir;
		was_there = is_ipam_known(dir, q->pod_id);
	}
	return was_there ? session_down(x, q->pod_id, err) : 0;
}

static int up_locked(struct session *x, const struct net_request *q, struct net_result *ret,
		     struct error *err)
{
	cleanup_joining struct joining g = { .n = 0 };
	struct error scratch;
	int r = session_open(x, false, err);

	if (r == 0)
		r = down_before(x, q, err);
	if (r < 0)
		return error_wrap(err, "network");
	r = join_all(x, q, &g, err);
	if (r < 0) {
		/* The first failure is what the caller wants to hear. */
		error_ignore(session_down(x, q->pod_id, &scratch));
		return r;
	}
	for (size_t i = 0; i < g.n; i++)
		network_result(&g.all[i].n, &g.all[i].a, &ret[i]);
	return 0;
}

static int check_request(const struct session *x, const struct net_request *q, struct error *err)
{
	if (!is_id(q->pod_id))
		return error_set(err, EINVAL, "not a pod id");
	if (network_count(q) > NET_ATTACHMENTS_MAX)
		return error_set(err, E2BIG, "more than %d networks", NET_ATTACHMENTS_MAX);
	if (q->n_ports > NET_PORTS_MAX)
		return error_set(err, E2BIG, "more than %d published ports", NET_PORTS_MAX);
	for (size_t i = 0; i < network_count(q); i++)
		if (!is_network_there(x->s, wanted_name(q, i)))
			return error_set(err, ENOENT, "network '%s' does not exist",
					 wanted_name(q, i));
	return 0;
}

int net_up(const struct store *s, const struct net_request *q, struct net_result *ret,
	   struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	int r = check_request(&x, q, err);

	if (r < 0)
		return r;
	session_alive(&x, q->is_alive, q->arg);
	r = session_lock(&x, err);
	return r < 0 ? error_wrap(err, "network") : up_locked(&x, q, ret, err);
}

/* ---- one network of a pod that lives ---------------------------------------------------- */

/* What the pod has of the networks of the request. */
static int read_joined(struct session *x, const struct net_request *q, struct joining *g,
		       struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < network_count(q) && r == 0; i++) {
		g->n = i + 1;
		g->all[i].dirfd = -EBADF;
		r = session_joined(x, q->pod_id, wanted_name(q, i), &g->all[i], err);
	}
	return r;
}

/* Sees to it that the ports are published, by the first network that may. */
static int republish(struct session *x, const struct net_request *q, struct joining *g,
		     struct error *err)
{
	struct joined *to = NULL;

	for (size_t i = 0; i < g->n; i++) {
		if (g->all[i].a.n_ports)
			return 0; /* they stay where they are */
		if (!to && g->all[i].is_there && !g->all[i].n.is_internal)
			to = &g->all[i];
	}
	if (!to || q->n_ports == 0)
		return 0;
	copy_ports(q, &to->a);
	if (to->a.n_ports == 0)
		return 0;
	if (ipam_record(to->dirfd, q->pod_id, &to->a, err) < 0)
		return -err->code;
	return session_publish(x, q->pod_id, &to->a, err);
}

/* Whether the pod is up: its start, or stop, has the network lock for all of its networks. */
static bool is_joined(const struct joining *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->all[i].is_there)
			return true;
	return false;
}

static int connect_locked(struct session *x, const struct net_request *q, struct joining *g,
			  struct error *err)
{
	struct joined *j;
	size_t last;
	int r = read_joined(x, q, g, err);

	if (r < 0)
		return r;
	last = g->n - 1;
	j = &g->all[last];
	if (j->is_there)
		return 0;
	if (last > 0 && !is_joined(g))
		return error_set(err, EAGAIN, "the pod is being started or stopped: try again");
	r = session_interface(wanted(q, last), g->all, last, j->a.interface, err);
	j->a.hostname = xstrdup_or_null(q->hostname);
	if (r == 0)
		r = session_join(x, q, wanted(q, last), j, err);
	if (r == 0)
		r = session_configure(x, q->netns_fd, g->all, g->n, false, err);
	j->is_there = true;
	return r < 0 ? r : republish(x, q, g, err);
}

/* What is done on the host's side of leaving, elements apart. */
static int leave(struct session *x, const struct net_request *q, const char *network, int dirfd,
		 struct error *err)
{
	struct nft_elements none = { 0 };
	struct session_leave l = { q->pod_id, &none };

	return session_leave(x, network, dirfd, &l, err);
}

static int disconnect_inside(const struct net_request *q, const struct joining *g,
			     const struct joined *gone, struct error *err)
{
	struct pod_side next = { .name = "" };

	for (size_t i = 0; i < g->n; i++) {
		const struct joined *j = &g->all[i];
		bool use4 = !*next.name || !next.is_default4, use6 = !*next.name;

		if (!j->is_there || j->n.is_internal || *next.name)
			continue;
		session_inside(j, &next);
		next.is_default4 = use4 && next.addr4.family != AF_UNSPEC;
		next.is_default6 = use6 && next.addr6.family != AF_UNSPEC;
	}
	if (q->netns_fd < 0)
		return 0;
	return pod_side_remove(q->netns_fd, gone->a.interface, *next.name ? &next : NULL, err);
}

static int disconnect_locked(struct session *x, const struct net_request *q, const char *network,
			     struct error *err)
{
	cleanup_joining struct joining g = { .n = 0 };
	cleanup_elements struct nft_elements gone = { 0 };
	struct joined one = { .dirfd = -EBADF };
	int r = session_joined(x, q->pod_id, network, &one, err);

	/* A request without networks is of a pod that has none left. */
	if (r == 0 && q->networks && q->networks->n)
		r = read_joined(x, q, &g, err);
	if (r == 0 && one.a.n_ports)
		r = session_withdraw(x, q->pod_id, &gone, err);
	if (r == 0)
		r = session_forget_flows(x, &gone, NULL, 0, err);
	if (r == 0 && one.is_there)
		r = disconnect_inside(q, &g, &one, err);
	if (r == 0)
		r = leave(x, q, network, one.dirfd, err);
	if (r == 0)
		r = republish(x, q, &g, err);
	joined_done(&one);
	return r;
}

int net_connect(const struct store *s, const struct net_request *q, struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	cleanup_joining struct joining g = { .n = 0 };
	const char *name = wanted_name(q, network_count(q) - 1);
	int r = check_request(&x, q, err);

	session_alive(&x, q->is_alive, q->arg);
	if (r == 0)
		r = session_lock(&x, err);
	if (r == 0)
		r = session_open(&x, false, err);
	if (r == 0)
		r = connect_locked(&x, q, &g, err);
	if (r < 0 && g.n > 0 && !g.all[g.n - 1].is_there) {
		struct error scratch; /* the first failure is told */

		error_ignore(leave(&x, q, name, g.all[g.n - 1].dirfd, &scratch));
	}
	return r < 0 ? error_wrap(err, "network '%s'", name) : 0;
}

int net_disconnect(const struct store *s, const struct net_request *q, const char *network,
		   struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	int r = is_id(q->pod_id) && is_network_name(network)
			? 0
			: error_set(err, EINVAL, "not a pod id or not a network");

	session_alive(&x, q->is_alive, q->arg);
	if (r == 0)
		r = session_lock(&x, err);
	if (r == 0)
		r = session_open(&x, false, err);
	if (r == 0)
		r = disconnect_locked(&x, q, network, err);
	return r < 0 ? error_wrap(err, "network '%s'", network) : 0;
}

/* ---- the rest --------------------------------------------------------------------------- */

static int reload_one(struct session *x, const char *name, int dirfd, void *arg, struct error *err)
{
	cleanup_network_conf struct network_conf c = { 0 };
	const struct net_request *q = arg;
	struct network n;
	int r;

	if (!is_ipam_known(dirfd, q->pod_id))
		return 0;
	if (strcmp(name, NET_DEFAULT) == 0)
		return network_open_bridge(&x->rt, &x->n, err);
	r = network_conf_read(x->s, name, &c, err);
	if (r == 0)
		r = network_from_conf(&c, &n, err);
	if (r == 0)
		r = network_open_bridge(&x->rt, &n, err);
	if (r == 0 && n.has_dns)
		r = resolver_ensure(dirfd, &n, &c.dns_servers, err);
	if (r == 0)
		r = network_open_table(&x->nf, &n, true, err);
	return r < 0 ? error_wrap(err, "network '%s'", name) : 0;
}

int net_reload(const struct store *s, const struct net_request *q, struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	int r = session_lock(&x, err);

	session_alive(&x, q->is_alive, q->arg);
	if (r == 0)
		r = session_open(&x, true, err);
	return r < 0 ? r : session_each(&x, reload_one, (void *)(uintptr_t)q, err);
}

static int refuse_busy(struct session *x, const char *name, int dirfd, void *arg, struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	int r = ipam_pods(dirfd, &pods, err);

	(void)x;
	(void)arg;
	if (r == 0 && pods.n > 0)
		r = error_set(err, EBUSY, "network '%s' still has %zu pods", name, pods.n);
	return r;
}

static int reset_one(struct session *x, const char *name, int dirfd, void *arg, struct error *err)
{
	struct error scratch; /* without its record it has neither bridge nor table */
	struct network n;

	(void)arg;
	if (strcmp(name, NET_DEFAULT) == 0)
		return 0;
	resolver_stop(dirfd);
	if (network_read(x->s, dirfd, name, &n, &scratch) < 0)
		return 0;
	return network_remove(&x->rt, &x->nf, &n, err);
}

int net_reset(const struct store *s, struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	int r = session_lock(&x, err);

	if (r < 0)
		return r;
	r = network_load(x.dirfd, &x.n, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = session_each(&x, refuse_busy, NULL, err);
	if (r == 0)
		r = nl_open(&x.rt, NETLINK_ROUTE, err);
	if (r == 0)
		r = nl_open(&x.nf, NETLINK_NETFILTER, err);
	if (r == 0)
		r = session_each(&x, reset_one, NULL, err);
	if (r == 0)
		r = network_remove(&x.rt, &x.nf, &x.n, err);
	if (r == 0 && unlinkat(x.dirfd, "network.json", 0) < 0 && errno != ENOENT)
		r = error_errno(err, "remove 'network.json'");
	return r;
}
