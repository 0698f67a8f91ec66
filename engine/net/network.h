/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network - one bridge network of the host: what it is, and that it is there.
 */
#ifndef PODIUM_NET_NETWORK_H
#define PODIUM_NET_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/net/ip.h"
#include "engine/net/ipam.h"
#include "engine/net/link.h"
#include "engine/net/netlink.h"
#include "engine/net/netnames.h"
#include "engine/net/nft.h"

struct network_conf;
struct store;
struct net_result;

#define POOL4_BITS 16 /* prefixes of the subnets */
#define POOL6_BITS 64

/* A network as the kernel is to have it: the default one from network.json, fixed for as long as the
 * machine is up; those of users from their records (netconf.h). */
struct network {
	char name[NETWORK_NAME_MAX + 1];
	char table[NFT_TABLE_MAX];
	char bridge[LINK_NAME_MAX + 1];
	struct ip_prefix subnet4, subnet6; /* AF_UNSPEC: none of that family */
	uint64_t store; /* marks our elements among those of other stores; of the default one */
	bool is_internal, is_isolated, has_dns;
	uint32_t mtu; /* 0: the kernel's */
	/* Found at each opening, not stored: */
	struct ip_addr gateway4, gateway6;
	struct ipam_pool pool4, pool6;
	bool has_ipv6; /* the host has IPv6 now, and the network too */
	uint16_t dns_port;
	int bridge_index;
};
static inline bool is_default_network(const struct network *n)
{
	return n->table[sizeof(NFT_TABLE) - 1] == '\0';
}

/* Fills in elements for a table that has to be made anew; may be NULL. */
typedef int (*network_refill_fn)(const struct network *n, struct nft_elements *ret, void *arg,
				 struct error *err);

/* The default network and the main table, which serves the ports of all. Reads network.json or chooses a
 * network and writes it, and makes the table when it is missing, another version's, or with is_fresh.
 * Where all is there: two system calls. Idempotent; the network lock is held. dirfd is
 * RUNROOT/net/podium. */
struct network_open {
	int dirfd;
	struct nl_sock *rt, *nf;
	network_refill_fn refill;
	void *arg;
	bool is_fresh;
};
int network_open(const struct network_open *o, struct network *ret, struct error *err) must_check;
/* Makes what is missing of a network's bridge and sysctls. Where all is there: two system calls. */
int network_open_bridge(struct nl_sock *rt, struct network *n, struct error *err) must_check;
/* Makes the table of a network that is not the default one, when it is missing or is_fresh. */
int network_open_table(struct nl_sock *nf, const struct network *n, bool is_fresh,
		       struct error *err) must_check;
/* Plain work on the record; nothing is opened. -EBADMSG: it makes no sense. */
int network_from_conf(const struct network_conf *c, struct network *ret,
		      struct error *err) must_check;
/* Is no IPv6 switched off for the whole host? */
bool is_ipv6_on(void);
/* A free /24 or /64 for a network that is about to be made, by what is_taken() says; start spreads the
 * stores of a host. */
typedef int (*network_taken_fn)(const struct ip_prefix *p, bool *ret, void *arg, struct error *err);
int network_choose_subnet(int family, uint32_t start, network_taken_fn is_taken, void *arg,
			  struct ip_prefix *ret, struct error *err) must_check;

/* Reads network.json and nothing else. -ENOENT (err untouched) when there is none. */
int network_load(int dirfd, struct network *ret, struct error *err) must_check;

/* Either of them by its name. -ENOENT: no such network, or nothing chosen yet (err may be untouched). */
int network_read(const struct store *s, int dirfd, const char *name, struct network *ret,
		 struct error *err) must_check;

/* Writes network.json, atomically. */
int network_save(int dirfd, const struct network *n, struct error *err) must_check;
/* What follows from the subnets of the default network. */
void network_derive(struct network *n);

/* What a pod of network n with this lease is told. */
void network_result(const struct network *n, const struct ipam_attachment *a,
		    struct net_result *ret);

/* The hardware addresses of the network follow from its addresses: that of the first family it has. */
void network_mac(const struct ip_addr *addr, uint8_t mac[LINK_MAC_LEN]);
void network_gateway_mac(const struct network *n, uint8_t mac[LINK_MAC_LEN]);

/* Removes table and bridge. Success when they are not there. */
int network_remove(struct nl_sock *rt, struct nl_sock *nf, const struct network *n,
		   struct error *err) must_check;

/* Writes /proc/sys/<path> unless it has the value; only a write that was needed can fail. -ENOENT
 * (err untouched) when the kernel has no such file. */
int network_sysctl(const char *path, const char *value, struct error *err) must_check;

#endif
