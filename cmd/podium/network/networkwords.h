/* SPDX-License-Identifier: Apache-2.0 */
/*
 * networkwords - the words of --network, --ip, --ip6, --mac-address and --network-alias.
 *
 * Pure text work: whether a network or a container of that name is there is asked by
 * network_settle() (networksettle.h), once all words are read.
 */
#ifndef PODIUM_CMD_NETWORKWORDS_H
#define PODIUM_CMD_NETWORKWORDS_H

#include "engine/base/error.h"
#include "engine/base/str.h"

struct pod_spec;

/* One value of --network; call it for each in order:
 *
 *	bridge[:OPTS] default private	the default network
 *	host none			the host's namespace, one with lo alone
 *	container:NAME ns:PATH		that of another (pod->network_from, the name as written)
 *	NAME[:OPTS] or NAME,NAME	networks by name or id, eth0, eth1, ... in order
 *
 * OPTS are ip=, ip6=, mac=, alias= (repeatable) and interface_name=, with commas. Fills pod->network,
 * network_from and networks, which the caller zeroed before the first; "" says nothing. -EINVAL: a word
 * that is not understood, values that contradict each other, a network given twice. */
int network_words(const char *text, struct pod_spec *pod, struct error *err) must_check;

/* The flags beside --network. */
struct network_flags {
	const char *ip;		       /* --ip, or NULL */
	const char *ip6;	       /* --ip6 */
	const char *mac;	       /* --mac-address */
	const struct strlist *aliases; /* --network-alias, or NULL; also lists with commas */
};
/* Puts them into the plan after every network_words(): addresses need exactly one bridge network,
 * aliases go to all. The default network is written into pod->networks when there is none. */
int network_words_flags(const struct network_flags *f, struct pod_spec *pod,
			struct error *err) must_check;

/* Writes a hardware address in its usual form, "92:d0:c6:0a:29:33"; also "-" and "92d0.c60a.2933"
 * are read. -EINVAL: none, or one of a group. */
#define NETWORK_MAC_TEXT 18
int network_words_mac(const char *text, char out[NETWORK_MAC_TEXT], struct error *err) must_check;

/* Of containers.conf: 1 when it names another network than the one that is meant anyway, 0 when not. */
int network_words_check_default(const char *name, struct error *err) must_check;

#endif
