/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostport - holding the ports that a pod publishes, by sockets that never listen.
 *
 * Plain libc: no netlink, no allocation. It is linked into the static conductor.
 */
#ifndef PODIUM_NET_HOSTPORT_H
#define PODIUM_NET_HOSTPORT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

/* One published port. */
struct net_port {
	uint16_t host_port;
	uint16_t container_port;
	int protocol; /* enum port_protocol of engine/pod/spec.h */
	const char
		*host_ip; /* NULL, "": every address; "0.0.0.0", "::": every one of that family */
};

/* Binds one socket for each port into ret_fds[n]: close-on-exec, the caller's to close when the pod
 * is down. An entry is -EBADF where nothing needs holding (SCTP: the nft map alone keeps it
 * unique). On failure every socket is closed again and the error names the port: -EADDRINUSE "host
 * port 8001/tcp is already in use", -EADDRNOTAVAIL when host_ip is no address of this host, -EINVAL
 * for a bad or unusable host_ip or port 0. A port whose last user left connections in TIME_WAIT is
 * free. */
int hostport_hold(const struct net_port *ports, size_t n, int *ret_fds,
		  struct error *err) must_check;

/* Closes what hostport_hold() opened. */
void hostport_release(int *fds, size_t n);

#endif
