/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net - the network of pods: the facade of this room.
 *
 * Callers run in the host's network namespace (rootless: in the holder's) with CAP_NET_ADMIN over
 * it and CAP_SYS_ADMIN over the pods' namespaces, and have one thread.
 */
#ifndef PODIUM_NET_NET_H
#define PODIUM_NET_NET_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/net/hostport.h"
#include "engine/net/netnames.h"

struct attachment_list;
struct store;
struct strlist;

#define NET_PORTS_MAX 512

/* Does this pod still have somebody who conducts it? */
typedef bool (*net_alive_fn)(const char *pod_id, void *arg);

struct net_request {
	const char *pod_id;			/* 64 hex digits */
	const struct attachment_list *networks; /* NULL or empty: NET_DEFAULT alone */
	int netns_fd; /* the pod's network namespace, as from /proc/PID/ns/net; borrowed */
	const struct net_port *ports; /* host_port 0: not published, skipped */
	size_t n_ports;
	const char *hostname; /* kept in the record; may be NULL */
	const struct strlist
		*names;	       /* what the pod is called in networks with names; may be NULL */
	net_alive_fn is_alive; /* NULL: whether pods/<id>/conductor.lock below ROOT is held */
	void *arg;
};
/* What a pod has from one network. */
struct net_result {
	char network[NETWORK_NAME_MAX + 1];
	char interface[IFNAMSIZ];
	char mac[18];
	char address4[INET_ADDRSTRLEN], gateway4[INET_ADDRSTRLEN];   /* "" without IPv4 */
	char address6[INET6_ADDRSTRLEN], gateway6[INET6_ADDRSTRLEN]; /* "" without IPv6 */
	unsigned int prefix4, prefix6;
	bool is_internal; /* no way out, no ports */
	bool has_dns;	  /* its gateway answers for names of pods */
};
#define NET_ATTACHMENTS_MAX 16

/* ret has room for a result for each network, in order.
 * Connects a new network namespace and publishes its ports: bridge and table when missing, lease,
 * veth pair, addresses and routes inside, map elements, forgotten UDP flows. What the same pod
 * still has from before is taken down first. A port whose element belongs to a pod that is no
 * longer alive is taken over; one of a living pod is -EEXIST, naming port and owner. On failure
 * nothing is left but bridge and table (and the veth pair, which goes with the namespace). */
int net_up(const struct store *s, const struct net_request *r, struct net_result *ret,
	   struct error *err) must_check;

/* Connects a pod that is up to the last of r->networks, which it is not in yet; or disconnects it from
 * `network`, which is not among r->networks any more. Ports move when they have to: they lead to the
 * pod's first network that is not internal. Doing what is done already is success. On failure of a
 * connection nothing is left of it. netns_fd < 0: only what lies on the host is undone. */
int net_connect(const struct store *s, const struct net_request *r, struct error *err) must_check;
int net_disconnect(const struct store *s, const struct net_request *r, const char *network,
		   struct error *err) must_check;
/* Makes tables, bridges, resolvers and the pod's published ports anew, whatever is there. */
int net_reload(const struct store *s, const struct net_request *r, struct error *err) must_check;

/* Withdraws the ports, forgets the flows, ends the leases: from records alone, idempotent, also for
 * a pod that never was up. The veth pair goes with the namespace. Bridge and table stay: they are
 * made once and hold nothing of a pod; net_reset() removes them. */
int net_down(const struct store *s, const char *pod_id, struct error *err) must_check;

/* The same on a socket that the caller keeps: closing a socket after nf_tables deletions costs 8 ms
 * of waiting for the kernel. *linger_fd begins as -1; it holds a netlink socket (close-on-exec)
 * afterwards, also on failure, and is used again by the next call. Close it when the time does not
 * matter. */
int net_down_lingering(const struct store *s, const char *pod_id, int *linger_fd,
		       struct error *err) must_check;

/* The record of what a pod has, of the default network, else of any. -ENOENT when it has nothing. */
int net_lookup(const struct store *s, const char *pod_id, struct net_result *ret,
	       struct error *err) must_check;

/* What a pod is connected to now, in the order of its record's networks (none: the default one): what
 * is not up is left out. The caller frees *ret. */
int net_lookup_all(const struct store *s, const struct attachment_list *networks,
		   const char *pod_id, struct net_result **ret, size_t *ret_n,
		   struct error *err) must_check;
/* One network. -ENOENT: it is not in it. */
int net_lookup_one(const struct store *s, const char *network, const char *pod_id,
		   struct net_result *ret, struct error *err) must_check;

/* Removes bridge, table and this store's records of the network. -EBUSY while pods of this store
 * are attached. ip_forward stays on. Takes about 40 ms. */
int net_reset(const struct store *s, struct error *err) must_check;

#endif
