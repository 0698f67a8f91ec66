/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_ports - free ports of the host for what is published without one.
 *
 * Theory of operation: the kernel chooses, by a bind to port 0. All sockets of one call stay open
 * until the last port is chosen, so that no two are the same. Whoever takes the port between now and
 * the start is told of by the start.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"
#include "engine/net/ip.h"

static int bind_any(int family, int type, const struct ip_addr *a, struct error *err)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	cleanup_close int fd = socket(family, type | SOCK_CLOEXEC, 0);
	int r;

	memcpy(family == AF_INET6 ? (void *)&six.sin6_addr : (void *)&four.sin_addr, a->bytes,
	       ip_len(family));
	if (fd < 0)
		return error_errno(err, "socket");
	r = family == AF_INET6 ? bind(fd, (struct sockaddr *)&six, sizeof(six))
			       : bind(fd, (struct sockaddr *)&four, sizeof(four));
	return r < 0 ? error_errno(err, "find a free port of the host") : steal_fd(&fd);
}

static int choose_one(struct port_spec *p, struct error *err)
{
	struct ip_addr a = { .family = AF_INET6 };
	struct sockaddr_in6 got = { 0 };
	socklen_t len = sizeof(got);
	struct error scratch;
	int type = p->protocol == PORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd;

	if (p->host_ip && ip_parse(p->host_ip, &a) < 0)
		return error_set(err, EINVAL, "'%s' is no address", p->host_ip);
	fd = bind_any(a.family, type, &a, &scratch);
	if (fd < 0 && !p->host_ip) /* a host without IPv6 */
		fd = bind_any(AF_INET, type, &a, &scratch);
	if (fd < 0) {
		*err = scratch;
		return error_wrap(err, "--publish %u", p->container_port);
	}
	if (getsockname(fd, (struct sockaddr *)&got, &len) < 0) {
		(void)close(fd);
		return error_errno(err, "getsockname");
	}
	p->host_port = ntohs(got.sin6_port); /* stands at the same place in both families */
	return fd;
}

int publish_choose(struct port_list *ports, struct error *err)
{
	cleanup_free int *fds = xcalloc(ports->n + 1, sizeof(int));
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < ports->n && r >= 0; i++) {
		if (ports->v[i].host_port)
			continue;
		r = choose_one(&ports->v[i], err);
		if (r >= 0)
			fds[n++] = r;
	}
	while (n > 0)
		(void)close(fds[--n]);
	return r < 0 ? r : 0;
}
