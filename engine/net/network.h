/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network - one bridge network of the host: what it is, and that it is there.
 */
#ifndef PODIUM_NET_NETWORK_H
#define PODIUM_NET_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/net/ip.h"
#include "engine/net/link.h"
#include "engine/net/netlink.h"
#include "engine/net/nft.h"

struct ipam_attachment;
struct net_result;

#define POOL4_BITS 16 /* prefixes of the subnets */
#define POOL6_BITS 64

/* network.json: fixed for as long as the machine is up. */
struct network {
	char bridge[LINK_NAME_MAX + 1];
	struct ip_prefix subnet4, subnet6;
	uint64_t store; /* marks our elements among those of other stores */
	/* Found at each opening, not stored: */
	struct ip_addr gateway4, gateway6;
	bool has_ipv6; /* the host has IPv6 now */
	int bridge_index;
};

/* Fills in elements for a table that has to be made anew; may be NULL. */
typedef int (*network_refill_fn)(const struct network *n, struct nft_elements *ret, void *arg,
				 struct error *err);

/* Reads network.json or chooses a network and writes it; then makes what is missing of bridge,
 * sysctls and nft table. Where all is there: four system calls. Idempotent; the network lock is
 * held. dirfd is RUNROOT/net/<name>. */
int network_open(int dirfd, struct nl_sock *rt, struct nl_sock *nf, struct network *ret,
		 network_refill_fn refill, void *arg, struct error *err) must_check;

/* Reads network.json and nothing else. -ENOENT (err untouched) when there is none. */
int network_load(int dirfd, struct network *ret, struct error *err) must_check;

/* Writes network.json, atomically. */
int network_save(int dirfd, const struct network *n, struct error *err) must_check;
/* The gateways: they follow from the subnets. */
void network_derive(struct network *n);

/* What a pod of network n with this lease is told. */
void network_result(const struct network *n, const struct ipam_attachment *a,
		    struct net_result *ret);

/* The hardware addresses of the network: both follow from an IPv4 address of the subnet. */
void network_mac(const struct ip_addr *addr4, uint8_t mac[LINK_MAC_LEN]);

/* Removes table and bridge. Success when they are not there. */
int network_remove(struct nl_sock *rt, struct nl_sock *nf, const struct network *n,
		   struct error *err) must_check;

/* Writes /proc/sys/<path> unless it has the value; only a write that was needed can fail. -ENOENT
 * (err untouched) when the kernel has no such file. */
int network_sysctl(const char *path, const char *value, struct error *err) must_check;

#endif
