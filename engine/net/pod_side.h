/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_side - what is set up inside a pod's network namespace.
 */
#ifndef PODIUM_NET_POD_SIDE_H
#define PODIUM_NET_POD_SIDE_H

#include "engine/net/ip.h"

#define POD_DEVICE "eth0"

struct pod_side {
	struct ip_addr addr4, gateway4;
	struct ip_addr addr6, gateway6; /* AF_UNSPEC: IPv6 is switched off in the pod */
	uint8_t bits4, bits6;
	uint8_t mac[6], gateway_mac[6];
};

/* Brings lo and eth0 (which must be there) up with addresses and default routes. NULL: lo alone,
 * with IPv6 if the kernel has it. The calling thread visits the namespace by setns(2) and comes
 * back: the process must have one thread, and CAP_SYS_ADMIN over its own namespace too. */
int pod_side_configure(int netns_fd, const struct pod_side *p, struct error *err) must_check;

#endif
