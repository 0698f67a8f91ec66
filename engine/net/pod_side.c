/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_side - the inside of a pod's network namespace, in one datagram.
 *
 * Theory of operation: a netlink socket belongs for life to the namespace it was made in. So the
 * caller steps into the pod's namespace only to open one (and, for a pod without IPv6, to write two
 * files of /proc/sys, which are looked up in the writer's namespace), steps back, and then
 * sends from where it belongs. Devices up, addresses, routes: all in one datagram, each message
 * acknowledged by itself, so that the error names the step.
 *
 * NET-9: a pod that was not given an IPv6 address must not make itself one either, not even a
 * link-local one; disable_ipv6 is written before its device comes up.
 *
 * Should: be called before anything else runs in the namespace. Mustn't: be called from a process
 * with threads. If the way back fails the process would be in the wrong namespace: it is abort()ed,
 * since nothing it did afterwards could be trusted. (It cannot fail while the process keeps the
 * rights by which it came.)
 */
#include "engine/net/pod_side.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/net/addr.h"
#include "engine/net/link.h"
#include "engine/net/neigh.h"
#include "engine/net/netlink.h"
#include "engine/net/network.h"
#include "engine/net/route.h"

static bool has_ipv6(const struct pod_side *p)
{
	return p->addr6.family != AF_UNSPEC;
}

static bool any_ipv6(const struct pod_side *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (has_ipv6(&p[i]))
			return true;
	return false;
}

static int set_disabled(const char *device, const char *value, struct error *err)
{
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "net/ipv6/conf/%.15s/disable_ipv6", device);
	r = network_sysctl(path, value, err);
	return r == -ENOENT ? 0 : r;
}

/* Runs in the pod's network namespace. One device's own switch wins over `default`, which was made
 * when the pod came up; `all` is written only in a new namespace. */
static int switch_ipv6(const struct pod_side *p, size_t n, bool is_new, struct error *err)
{
	int r = 0;

	if (WEAKEN("NET-9"))
		return 0;
	if (is_new && n > 0 && !any_ipv6(p, n)) {
		r = set_disabled("all", "1", err);
		return r < 0 ? r : set_disabled("default", "1", err);
	}
	for (size_t i = 0; i < n && r == 0 && (n > 1 || !is_new); i++)
		r = set_disabled(p[i].name, has_ipv6(&p[i]) ? "0" : "1", err);
	return r;
}

struct visitor {
	const struct pod_side *p;
	size_t n;
	bool is_new;
};

static int visit(int netns_fd, const struct visitor *v, struct nl_sock *rt, struct error *err)
{
	cleanup_close int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (home < 0)
		return error_errno(err, "open own network namespace");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return error_errno(err, "join network namespace of pod");
	r = nl_open(rt, NETLINK_ROUTE, err);
	if (r == 0 && v)
		r = switch_ipv6(v->p, v->n, v->is_new, err);
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	return r;
}

static void add_routes(struct nl_batch *b, int index, const struct pod_side *p)
{
	if (p->is_default4)
		route_add_default(b, index, &p->gateway4);
	if (p->is_default6)
		route_add_default(b, index, &p->gateway6);
}

static int add_device(struct nl_batch *b, const struct nl_sock *rt, const struct pod_side *p,
		      struct error *err)
{
	int index = nl_device_index(rt, p->name);
	struct ip_addr link_local;

	if (index < 0)
		return error_set(err, -index, "device '%s': %s", p->name, strerror(-index));
	link_local = addr_link_local(p->mac);
	if (has_ipv6(p))
		link_set_no_addrgen(b, index);
	link_set_up(b, index);
	if (p->addr4.family != AF_UNSPEC) {
		addr_add(b, index, &p->addr4, p->bits4);
		if (p->is_default4)
			route_add_default(b, index, &p->gateway4);
		neigh_add(b, index, &p->gateway4, p->gateway_mac);
	}
	if (!has_ipv6(p))
		return 0;
	addr_add(b, index, &link_local, 64);
	addr_add(b, index, &p->addr6, p->bits6);
	if (p->is_default6)
		route_add_default(b, index, &p->gateway6);
	neigh_add(b, index, &p->gateway6, p->gateway_mac);
	return 0;
}

int pod_side_configure(int netns_fd, const struct pod_side *p, size_t n, bool is_new,
		       struct error *err)
{
	cleanup_nl struct nl_sock rt = NL_SOCK_INIT;
	cleanup_batch struct nl_batch b = { 0 };
	int r = visit(netns_fd, &(struct visitor){ p, n, is_new }, &rt, err);

	if (r < 0)
		return r;
	nl_batch_init(&b, 1024 + 1024 * n);
	r = nl_device_index(&rt, "lo");
	if (r < 0)
		return error_set(err, -r, "device 'lo': %s", strerror(-r));
	link_set_up(&b, r);
	r = 0;
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_device(&b, &rt, &p[i], err);
	if (r == 0)
		r = nl_send(&rt, &b, err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = link_wait_up(&rt, p[i].name, LINK_UP_TIMEOUT_MS, err);
	return r;
}

int pod_side_remove(int netns_fd, const char *name, const struct pod_side *p, struct error *err)
{
	cleanup_nl struct nl_sock rt = NL_SOCK_INIT;
	cleanup_batch struct nl_batch b = { 0 };
	int r = visit(netns_fd, NULL, &rt, err), index;

	if (r < 0)
		return r;
	nl_batch_init(&b, 1024);
	index = nl_device_index(&rt, name);
	if (index >= 0)
		link_remove(&b, index);
	index = p ? nl_device_index(&rt, p->name) : -ENODEV;
	if (index >= 0)
		add_routes(&b, index, p);
	return b.n ? nl_send(&rt, &b, err) : 0;
}
