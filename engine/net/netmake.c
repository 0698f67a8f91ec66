/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netmake - a network is made, or taken away.
 *
 * Theory of operation: making is choosing what the host must have free, and writing one record; the
 * kernel hears of the network when its first pod comes up. A subnet is free when no other network of
 * the store has it and no route of the host touches it. Stores do not see each other's networks while
 * these sleep, so the search begins at a place that follows from the store's path, and its bridges have
 * names of their own: only the store in the usual place has podium1, podium2, ... and 10.89.0.0/24.
 *
 * Removing takes the kernel's part first and the record last: a crash leaves a network that can be
 * removed again. The network lock is held throughout.
 */
#include "engine/net/netmake.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/hash.h"
#include "engine/base/seams.h"
#include "engine/net/resolver.h"
#include "engine/net/route.h"
#include "engine/net/session.h"
#include "engine/net/subnetpool.h"

#define DEVICES_MAX 10000

/* ---- what is taken ---------------------------------------------------------------------- */

/* The networks that there are. */
struct others {
	struct network_conf *v;
	size_t n;
	struct nl_sock *rt;
};

static void others_done(struct others *o)
{
	for (size_t i = 0; i < o->n; i++)
		network_conf_done(&o->v[i]);
	free(o->v);
}

static int others_load(const struct store *s, struct others *o, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	int r = network_conf_list(s, &names, err);

	o->v = xcalloc(names.n + 1, sizeof(*o->v));
	for (size_t i = 0; i < names.n && r == 0; i++) {
		struct error scratch; /* a damaged record keeps nobody from making another */

		o->n += network_conf_read(s, names.v[i], &o->v[o->n], &scratch) == 0;
	}
	return r;
}

static bool is_others(const struct others *o, const struct ip_prefix *p)
{
	for (size_t i = 0; i < o->n; i++)
		for (size_t k = 0; k < o->v[i].subnets.n; k++) {
			struct ip_prefix q;

			if (ip_prefix_parse(o->v[i].subnets.v[k].subnet, &q) == 0 &&
			    is_ip_prefix_overlapping(p, &q))
				return true;
		}
	return false;
}

static int is_taken(const struct ip_prefix *p, bool *ret, void *arg, struct error *err)
{
	const struct others *o = arg;
	bool is_free = true;
	int r = 0;

	*ret = is_others(o, p);
	if (*ret)
		return 0;
	r = route_is_free(o->rt, p, &is_free, err);
	*ret = !is_free;
	/* A kernel without IPv6 has no routes of it. */
	return r < 0 && p->addr.family == AF_INET6 && !is_ipv6_on() ? (*ret = false, 0) : r;
}

/* ---- completing a request --------------------------------------------------------------- */

static uint32_t store_number(const struct store *s)
{
	char hex[HASH_SHA256_HEX];
	uint32_t v = 0;

	if (strcmp(s->root, LAYOUT_ROOT_DEFAULT) == 0)
		return 0;
	hash_sha256(s->root, strlen(s->root), hex);
	(void)sscanf(hex, "%6x", &v);
	return v | 1;
}

static bool is_device_taken(const struct others *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (is_equal(o->v[i].interface, name))
			return true;
	return nl_device_index(o->rt, name) >= 0;
}

static int choose_device(const struct store *s, const struct others *o, struct network_conf *c,
			 struct error *err)
{
	uint32_t number = store_number(s);
	char name[IFNAMSIZ];

	if (c->interface) {
		if (is_device_taken(o, c->interface))
			return error_set(err, EEXIST, "bridge name %s already in use",
					 c->interface);
		return 0;
	}
	for (unsigned int i = 1; i < DEVICES_MAX; i++) {
		if (number)
			(void)snprintf(name, sizeof(name), "pod%06x-%u", number & 0xffffffu,
				       i % DEVICES_MAX);
		else
			(void)snprintf(name, sizeof(name), NETWORK_DEVICE_BASE "%u",
				       i % DEVICES_MAX);
		if (!is_device_taken(o, name)) {
			c->interface = xstrdup(name);
			return 0;
		}
	}
	return error_set(err, ENOSPC, "no name for a bridge is free");
}

static void choose_name(const struct store *s, struct network_conf *c)
{
	for (unsigned int i = 1; !c->name; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), NETWORK_DEVICE_BASE "%u", i % DEVICES_MAX);
		if (!is_network_there(s, name))
			c->name = xstrdup(name);
	}
}

static int choose_subnet(const struct store *s, struct others *o, const struct strlist *pools,
			 struct subnet_conf *c, struct error *err)
{
	int family = strcmp(c->subnet, "4") == 0   ? AF_INET
		     : strcmp(c->subnet, "6") == 0 ? AF_INET6
						   : AF_UNSPEC;
	char text[IP_TEXT_MAX + 4];
	struct ip_prefix p;
	struct ip_addr gw;
	bool taken = false;
	int r;

	if (family == AF_INET && pools->n)
		r = subnet_pools_choose(pools, store_number(s), is_taken, o, &p, err);
	else if (family != AF_UNSPEC)
		r = network_choose_subnet(family, store_number(s), is_taken, o, &p, err);
	else if (ip_prefix_parse(c->subnet, &p) < 0)
		return error_set(err, EINVAL, "invalid subnet '%s'", c->subnet);
	else
		r = is_taken(&p, &taken, o, err);
	if (r < 0)
		return r;
	if (taken)
		return error_set(err, EADDRINUSE,
				 "subnet %s is already used on the host or by another config",
				 c->subnet);
	free(c->subnet);
	c->subnet = xstrdup(ip_prefix_format(&p, text));
	gw = ip_prefix_at(&p, 1);
	if (!c->gateway)
		c->gateway = xstrdup(ip_format(&gw, text));
	return 0;
}

static int complete(const struct store *s, struct others *o, struct network_conf *c,
		    struct error *err)
{
	struct network parsed;
	char id[65];
	int r = others_load(s, o, err);

	choose_name(s, c);
	if (r == 0 && is_network_there(s, c->name))
		r = error_set(err, EEXIST, "network name %s already used: network already exists",
			      c->name);
	if (r == 0)
		r = choose_device(s, o, c, err);
	for (size_t i = 0; i < c->subnets.n && r == 0; i++)
		r = choose_subnet(s, o, &c->pools, &c->subnets.v[i], err);
	strlist_done(&c->pools);
	if (r < 0)
		return r;
	id_new(id);
	free(c->id);
	c->id = xstrdup(id);
	c->version = NETWORK_CONF_VERSION;
	c->created_ns = clock_wall_ns();
	return network_from_conf(c, &parsed, err);
}

int net_create(const struct store *s, struct network_conf *c, struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	struct others o = { .rt = &x.rt };
	int r = session_lock(&x, err);

	if (r == 0)
		r = nl_open(&x.rt, NETLINK_ROUTE, err);
	if (r == 0)
		r = complete(s, &o, c, err);
	STOP_AT("net:create");
	if (r == 0)
		r = network_conf_add(s, c, err);
	others_done(&o);
	return r;
}

/* ---- removing --------------------------------------------------------------------------- */

/* What a pod that has ended has left here: a connect may be done when its pod is on its way down. */
static int drop_dead(struct session *x, int dirfd, struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	int r = ipam_pods(dirfd, &pods, err);

	for (size_t i = 0; i < pods.n && r == 0; i++) {
		if (!is_id(pods.v[i]) || x->is_alive(pods.v[i], x->arg))
			continue;
		if (!x->nf.sk)
			r = nl_open(&x->nf, NETLINK_NETFILTER, err);
		if (r == 0)
			r = network_load(x->dirfd, &x->n, err);
		if (r == -ENOENT)
			return 0; /* no table, and no bridge either */
		if (r == 0)
			r = session_down(x, pods.v[i], err);
	}
	return r;
}

static int refuse_pods(int dirfd, const char *name, struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	int r = ipam_pods(dirfd, &pods, err);

	if (r == 0 && pods.n)
		return error_set(err, EBUSY, "network '%s' still has %zu pods", name, pods.n);
	return r;
}

static int remove_kernel(struct session *x, int dirfd, const char *name, struct error *err)
{
	struct error
		scratch; /* a record that cannot be read has nothing in the kernel that is known */
	struct network n;
	int r;

	resolver_stop(dirfd);
	if (network_read(x->s, dirfd, name, &n, &scratch) < 0)
		return 0;
	r = nl_open(&x->rt, NETLINK_ROUTE, err);
	if (r == 0 && !x->nf.sk)
		r = nl_open(&x->nf, NETLINK_NETFILTER, err);
	return r < 0 ? r : network_remove(&x->rt, &x->nf, &n, err);
}

int net_remove(const struct store *s, const char *name, net_alive_fn is_alive, void *arg,
	       struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	cleanup_close int dirfd = -EBADF, parent = -EBADF;
	int r;

	if (strcmp(name, NET_DEFAULT) == 0)
		return error_set(err, EPERM, "default network %s cannot be removed", name);
	if (!is_network_name(name))
		return error_set(err, EINVAL, "'%s' is no name of a network", name);
	r = session_lock(&x, err);
	if (r < 0)
		return r;
	dirfd = ipam_open(s->runfd, name, err);
	if (dirfd < 0)
		return dirfd;
	session_alive(&x, is_alive, arg);
	r = drop_dead(&x, dirfd, err);
	if (r == 0)
		r = refuse_pods(dirfd, name, err);
	if (r == 0)
		r = remove_kernel(&x, dirfd, name, err);
	STOP_AT("net:remove");
	parent = openat(s->runfd, "net", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (r == 0 && parent >= 0)
		r = fs_remove_tree(parent, name, err);
	return r < 0 ? r : network_conf_drop(s, name, err);
}

int net_choose_default(const struct store *s, struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	int r = session_lock(&x, err);

	session_alive(&x, NULL, NULL);
	return r < 0 ? r : session_open(&x, false, err);
}
