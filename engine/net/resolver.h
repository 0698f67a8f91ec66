/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver - names of pods in one network: a dnsmasq as long as the network has pods.
 *
 *	RUNROOT/net/<network>/dns/<pod id>	what it is asked for: lines of /etc/hosts
 *	                      dns/.pid		of one that is about to start
 *	                      resolver.json	which process it is, and its port
 *
 * All functions are called with the network lock held; dirfd is RUNROOT/net/<network>.
 */
#ifndef PODIUM_NET_RESOLVER_H
#define PODIUM_NET_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

struct network;
struct ipam_attachment;

#define RESOLVER_PROGRAM "/usr/sbin/dnsmasq"
#define RESOLVER_DOMAIN	 "dns.podium"

/* Is the program there? Raises -ENOENT with what to install. */
int resolver_check(const char *network, struct error *err) must_check;

/* Starts it unless it runs; n->dns_port is its port then. The bridge must have its addresses.
 * servers: asked for what is no pod's name, instead of the host's; an internal network's asks nobody. */
int resolver_ensure(int dirfd, struct network *n, const struct strlist *servers,
		    struct error *err) must_check;
/* Has one been started and not ended, whether it lives or not? */
bool is_resolver_there(int dirfd);
/* Ends it. Success when there is none. */
void resolver_stop(int dirfd);

/* The names of a pod there; what is no host name is left out. Replaces those before. */
int resolver_add(int dirfd, const char *pod_id, const struct ipam_attachment *a,
		 const struct strlist *names, struct error *err) must_check;
/* Missing is success. */
int resolver_remove(int dirfd, const char *pod_id, struct error *err) must_check;

#endif
