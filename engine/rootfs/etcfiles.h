/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etcfiles - the text of a pod's /etc/hosts and /etc/resolv.conf.
 *
 * Pure functions: what they depend on is passed in. The caller owns the returned texts.
 */
#ifndef PODIUM_ROOTFS_ETCFILES_H
#define PODIUM_ROOTFS_ETCFILES_H

#include "engine/base/error.h"

struct pod_spec;
struct strlist;

struct etc_facts {
	const char *hostname;
	const char *address4; /* the pod's, or NULL, like the rest */
	const char *address6;
	const char *gateway4;
	const char *gateway6;
	const struct strlist *more_addresses; /* the pod's in its other networks, or NULL */
	const struct strlist *resolvers; /* name servers of its networks, or NULL */
	const char *host_hosts;	 /* text of the host's /etc/hosts, for a pod in its network */
	const char *host_resolv; /* text of the host's resolv.conf */
};

/* The domain of names of pods in networks that have a resolver. */
#define ETC_NAMES_DOMAIN "dns.podium"

/* Kubernetes' limits. */
#define ETC_SERVERS_MAX	     3
#define ETC_SEARCHES_MAX     32
#define ETC_SEARCH_BYTES_MAX 2048
#define ETC_FILE_MAX	     (256 * 1024)

char *etc_hosts_text(const struct pod_spec *pod, const struct etc_facts *facts);
char *etc_resolv_text(const struct pod_spec *pod, const struct etc_facts *facts);

#endif
