/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netconf - the networks there are: ROOT/networks/<name>.json, and the default network.
 *
 * Plain files: no netlink, so the command reads them itself. JSON as every other record of the store:
 * one reader, and what a newer version has added is kept. What changes the kernel or chooses what the
 * host must have free (create, remove) is podium-net's: netmake.h.
 */
#ifndef PODIUM_NET_NETCONF_H
#define PODIUM_NET_NETCONF_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/record.h"
#include "engine/base/str.h"
#include "engine/net/netnames.h"

struct store;

struct subnet_conf {
	char *subnet;  /* "10.89.0.0/24"; in a request also "4" or "6": to be chosen */
	char *gateway; /* NULL in a request: the first address */
	char *first;   /* addresses are given from here ... */
	char *last;    /* ... to here, inclusive; NULL: the whole subnet */
};
struct subnet_conf_list {
	struct subnet_conf *v;
	size_t n;
};
struct network_conf {
	uint32_t version;
	char *name;
	char *id;	 /* 64 hex digits */
	char *interface; /* the bridge's; NULL in a request: to be chosen */
	int64_t created_ns;
	struct subnet_conf_list subnets; /* at most one of each family */
	bool internal;
	bool dns;
	struct strlist dns_servers; /* that the resolver asks instead of the host's */
	struct pairlist options;    /* "mtu", "isolate" as Podman has them */
	struct pairlist labels;
	struct strlist pools; /* of a request only: "10.89.0.0/16 24", where "4" is chosen from */
};
extern const struct record_type network_conf_type;
void network_conf_done(struct network_conf *c);
#define cleanup_network_conf cleanup(network_conf_done)

#define NETWORK_CONF_VERSION 1
#define NETWORK_DEVICE_BASE  "podium"

bool is_network_isolated(const struct network_conf *c);
/* 0: the kernel's default. */
uint32_t network_conf_mtu(const struct network_conf *c);
bool is_network_ipv6(const struct network_conf *c);

/* Reads the record of the network of exactly that name. The default network is always there, perhaps
 * without subnets when nothing has used it since the boot. -ENOENT "unable to find network with name or
 * ID x: network not found". */
int network_conf_read(const struct store *s, const char *name, struct network_conf *ret,
		      struct error *err) must_check;
/* The name of the network that a user means: a name, an id, or the beginning of one id. The default
 * network also answers to NET_DEFAULT_ALIAS. The caller owns *ret. */
#define NET_DEFAULT_ALIAS "podman"
int network_conf_find(const struct store *s, const char *word, char **ret,
		      struct error *err) must_check;
/* All names, sorted; the default network's among them. */
int network_conf_list(const struct store *s, struct strlist *ret, struct error *err) must_check;
/* Is there a network of exactly that name? */
bool is_network_there(const struct store *s, const char *name);

/* Writes a new record: -EEXIST when there is one of the name. The network lock is held. */
int network_conf_add(const struct store *s, const struct network_conf *c,
		     struct error *err) must_check;
/* Missing is success. The network lock is held. */
int network_conf_drop(const struct store *s, const char *name, struct error *err) must_check;

#endif
