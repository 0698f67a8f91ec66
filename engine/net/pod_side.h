/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_side - what is set up inside a pod's network namespace.
 */
#ifndef PODIUM_NET_POD_SIDE_H
#define PODIUM_NET_POD_SIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/net/ip.h"

#define POD_DEVICE "eth0"

/* One device inside. */
struct pod_side {
	char name[16];
	struct ip_addr addr4, gateway4; /* AF_UNSPEC: no IPv4 */
	struct ip_addr addr6, gateway6; /* AF_UNSPEC: IPv6 is switched off there */
	uint8_t bits4, bits6;
	bool is_default4, is_default6; /* the default route goes out here */
	uint8_t mac[6], gateway_mac[6];
};

/* Brings lo and the n devices (which must be there) up with addresses and routes. n 0: lo alone, with
 * IPv6 if the kernel has it. When is_new, and no device has IPv6, it is switched off for the whole
 * namespace. The calling thread visits the namespace by setns(2) and comes back: the process must
 * have one thread, and CAP_SYS_ADMIN over its own namespace too. */
int pod_side_configure(int netns_fd, const struct pod_side *p, size_t n, bool is_new,
		       struct error *err) must_check;

/* Takes a device away, when it is there, and sends the default routes through p (NULL: none). */
int pod_side_remove(int netns_fd, const char *name, const struct pod_side *p,
		    struct error *err) must_check;

#endif
