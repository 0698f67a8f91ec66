/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipam - who has which address: leases and attachment records as files.
 *
 *	RUNROOT/net/<network>/network.json        subnets, bridge (network.c)
 *	                      leases/<address>    the pod's id
 *	                      pods/<pod id>       its attachment: addresses, host name, ports (JSON)
 *	                      last                offset of the address given last
 *
 * All functions are called with the network lock held. dirfd is RUNROOT/net/<network>.
 */
#ifndef PODIUM_NET_IPAM_H
#define PODIUM_NET_IPAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/net/hostport.h"
#include "engine/net/ip.h"

#define IPAM_FIRST_OFFSET 2 /* 0 is the network, 1 the gateway */

/* Where addresses of one family come from. Offsets are from the start of the subnet. */
struct ipam_pool {
	struct ip_prefix subnet; /* AF_UNSPEC: the network has none of the family */
	struct ip_addr gateway;	 /* never given */
	uint32_t first, last;	 /* given, inclusive */
	struct ip_addr wanted;	 /* AF_UNSPEC: any */
};

/* What a pod has from the network. */
struct ipam_attachment {
	struct ip_addr addr4; /* AF_UNSPEC: none */
	struct ip_addr addr6; /* AF_UNSPEC: none */
	uint8_t mac[6];
	char interface[16]; /* inside; "" in records of the time before several networks: eth0 */
	char *hostname;	    /* owned, may be NULL */
	struct net_port *ports; /* owned, host_ip too */
	size_t n_ports;
};
void ipam_attachment_done(struct ipam_attachment *a);
#define cleanup_attachment cleanup(ipam_attachment_done)

/* Opens RUNROOT/net/<network>, made when missing. Returns the descriptor. */
int ipam_open(int runfd, const char *network, struct error *err) must_check;

/* Leases an address of each pool that has a subnet: the wanted one, else the next that is free, which
 * has the same offset in both families where both ranges allow. -ENOSPC when there is none left;
 * -EADDRINUSE when the wanted one is another pod's, -ERANGE when it is not of the subnet. */
int ipam_lease(int dirfd, const struct ipam_pool *four, const struct ipam_pool *six,
	       const char *pod_id, struct ipam_attachment *a, struct error *err) must_check;
/* A pool of a whole subnet: all but the first two addresses and the last. */
void ipam_pool_whole(struct ipam_pool *p, const struct ip_prefix *subnet);
/* Says that this pod is about to have leases here, so that they are found after a crash. */
int ipam_announce(int dirfd, const char *pod_id, struct error *err) must_check;
/* Has the pod a record here, or was it about to have one? */
bool is_ipam_known(int dirfd, const char *pod_id);
/* Where a store that is new to a network that others use begins: any offset. */
int ipam_set_last(int dirfd, uint32_t offset, struct error *err) must_check;

/* Writes pods/<pod id>; needs a complete attachment. */
int ipam_record(int dirfd, const char *pod_id, const struct ipam_attachment *a,
		struct error *err) must_check;
/* Reads it. -ENOENT (err untouched) when there is none; a corrupt one counts as none. */
int ipam_lookup(int dirfd, const char *pod_id, struct ipam_attachment *ret,
		struct error *err) must_check;

/* Addresses that leases/ says a pod holds (reads every lease): for when there is no record. */
int ipam_find(int dirfd, const char *pod_id, struct strlist *ret, struct error *err) must_check;
/* Ends one lease if it is that pod's (or nobody's). */
int ipam_release(int dirfd, const char *address, const char *pod_id, struct error *err) must_check;
/* Removes the record. Missing is success. */
int ipam_forget(int dirfd, const char *pod_id, struct error *err) must_check;

/* Ids of all pods that have a lease or a record, each once. Leases that name nobody (a crash while
 * they were written) are ended on the way. */
int ipam_pods(int dirfd, struct strlist *ret, struct error *err) must_check;

#endif
