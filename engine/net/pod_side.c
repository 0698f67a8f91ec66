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

static int disable_ipv6(struct error *err)
{
	static const char *const files[] = { "net/ipv6/conf/all/disable_ipv6",
					     "net/ipv6/conf/default/disable_ipv6" };

	for (size_t i = 0; i < ARRAY_SIZE(files) && !WEAKEN("NET-9"); i++) {
		int r = network_sysctl(files[i], "1", err);

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int visit(int netns_fd, bool is_ipv6_off, struct nl_sock *rt, struct error *err)
{
	cleanup_close int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (home < 0)
		return error_errno(err, "open own network namespace");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return error_errno(err, "join network namespace of pod");
	r = nl_open(rt, NETLINK_ROUTE, err);
	if (r == 0 && is_ipv6_off)
		r = disable_ipv6(err);
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	return r;
}

static int add_device(struct nl_batch *b, const struct nl_sock *rt, const struct pod_side *p,
		      struct error *err)
{
	bool has_ipv6 = p->addr6.family != AF_UNSPEC;
	int index = nl_device_index(rt, POD_DEVICE);
	struct ip_addr link_local;

	if (index < 0)
		return error_set(err, -index, "device '%s': %s", POD_DEVICE, strerror(-index));
	link_local = addr_link_local(p->mac);
	if (has_ipv6)
		link_set_no_addrgen(b, index);
	link_set_up(b, index);
	addr_add(b, index, &p->addr4, p->bits4);
	route_add_default(b, index, &p->gateway4);
	neigh_add(b, index, &p->gateway4, p->gateway_mac);
	if (!has_ipv6)
		return 0;
	addr_add(b, index, &link_local, 64);
	addr_add(b, index, &p->addr6, p->bits6);
	route_add_default(b, index, &p->gateway6);
	neigh_add(b, index, &p->gateway6, p->gateway_mac);
	return 0;
}

int pod_side_configure(int netns_fd, const struct pod_side *p, struct error *err)
{
	cleanup_nl struct nl_sock rt = NL_SOCK_INIT;
	cleanup_batch struct nl_batch b = { 0 };
	int r = visit(netns_fd, p && p->addr6.family == AF_UNSPEC, &rt, err);

	if (r < 0)
		return r;
	nl_batch_init(&b, 2048);
	r = nl_device_index(&rt, "lo");
	if (r < 0)
		return error_set(err, -r, "device 'lo': %s", strerror(-r));
	link_set_up(&b, r);
	r = p ? add_device(&b, &rt, p, err) : 0;
	if (r == 0)
		r = nl_send(&rt, &b, err);
	return r == 0 && p ? link_wait_up(&rt, POD_DEVICE, LINK_UP_TIMEOUT_MS, err) : r;
}
