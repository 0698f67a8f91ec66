/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft - the table `inet podium`: its rules, and one map element for each published port; and a table
 * for each network that a user has made.
 */
#ifndef PODIUM_NET_NFT_H
#define PODIUM_NET_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/net/ip.h"
#include "engine/net/netlink.h"

#define NFT_TABLE     "podium"
#define NFT_OWNER_LEN 64 /* a pod's id */

/* What the rules are made from. A family that the network has not is AF_UNSPEC. */
#define NFT_TABLE_MAX 24
struct nft_rules {
	const char *table; /* NFT_TABLE, or that of one network: the rest is for those alone */
	const char *bridge;
	struct ip_prefix subnet4;
	struct ip_prefix subnet6;
	struct ip_addr gateway4, gateway6;
	bool is_internal, is_isolated;
	uint16_t dns_port; /* of the resolver on the gateway's address; 0: none */
};

/* One published port: which packets (host part) go where (pod part). */
struct nft_element {
	int protocol; /* IPPROTO_TCP, _UDP, _SCTP */
	uint16_t host_port;
	struct ip_addr host; /* AF_UNSPEC: every address of the host of the pod address' family */
	struct ip_addr pod;
	uint16_t pod_port;
	uint64_t store;		       /* which store the owner is a pod of */
	char owner[NFT_OWNER_LEN + 1]; /* "" when not made by podium */
};
struct nft_elements {
	struct nft_element *v;
	size_t n;
};
void nft_elements_add(struct nft_elements *l, const struct nft_element *e);
void nft_elements_done(struct nft_elements *l);
#define cleanup_elements cleanup(nft_elements_done)

/* The comment of the table: version of the rules and their subnets. Equal text, equal table. */
#define NFT_MARK_MAX 160
void nft_mark(const struct nft_rules *r, char out[NFT_MARK_MAX]);
/* Reads the comment of the table that exists: "" when it has none. -ENOENT (err untouched) when
 * there is no table. */
int nft_table_mark(struct nl_sock *s, const char *table, char out[NFT_MARK_MAX],
		   struct error *err) must_check;

/* Message builders (nft_rules.c, nft.c), separate so that their bytes can be tested. */
void nft_build_begin(struct nl_batch *b);
void nft_build_table(struct nl_batch *b, const struct nft_rules *r);
void nft_build_drop_table(struct nl_batch *b, const char *table);
void nft_build_forward(struct nl_batch *b, const struct nft_rules *r); /* nft_network.c */
void nft_build_names(struct nl_batch *b, const struct nft_rules *r);
void nft_build_names_guard(struct nl_batch *b, const struct nft_rules *r); /* part of chain raw */
void nft_build_elements(struct nl_batch *b, const struct nft_elements *l, bool is_add);
void nft_build_end(struct nl_batch *b); /* asks for one acknowledgement */

/* Replaces the table (if any) by a new one with these rules and elements, in one transaction. */
int nft_install(struct nl_sock *s, const struct nft_rules *r, const struct nft_elements *keep,
		bool is_replacing, struct error *err) must_check;
/* Adds all or none. -EEXIST when one is taken. */
int nft_add(struct nl_sock *s, const struct nft_elements *l, struct error *err) must_check;
/* Deletes all or none. -ENOENT when one is missing. An empty list is success. */
int nft_delete(struct nl_sock *s, const struct nft_elements *l, struct error *err) must_check;
/* All elements of all maps; empty when there is no table. */
int nft_list(struct nl_sock *s, struct nft_elements *ret, struct error *err) must_check;
/* Did this pod's IPv6 address have flows? The network's table notes it (set flows6); the note is taken away.
 * Returns 1, 0 or -errno. */
int nft_take_flows6(struct nl_sock *s, const char *table, const struct ip_addr *a,
		    struct error *err) must_check;
/* True when both translate the same packets. */
bool is_nft_same_key(const struct nft_element *a, const struct nft_element *b);
/* Removes a table. Success when there is none. */
int nft_drop(struct nl_sock *s, const char *table, struct error *err) must_check;

#endif
