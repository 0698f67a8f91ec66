/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostport - the reservation of host ports.
 *
 * Theory of operation: packets for a published port are translated before any socket sees them
 * (nft_rules.c), so a server of another program on the same port would be shadowed without a word,
 * and a second pod's element would be refused with a bare "exists". A bound socket makes both
 * visible: the port is taken for everybody, by name, for as long as the conductor lives.
 *
 * The order matters. SO_REUSEADDR on: old connections in TIME_WAIT do not count. bind(2). Then off:
 * from now on a competing bind is refused, even one with SO_REUSEADDR. (Where the last server had
 * not set SO_REUSEADDR itself, as nearly all do, the kernel counts its TIME_WAIT as in use.) Never
 * listen(2): packets that are not translated (to ::1 and link-local addresses, which the kernel
 * cannot route out again) are answered by a reset at once instead of being queued for nobody. A UDP
 * socket drops what it gets, by a filter, so that nothing piles up.
 *
 * One dual-stack socket covers every address of both families; where IPv6 is off, an IPv4 one.
 *
 * Runs in the network namespace of the host, in the conductor. A failure leaves nothing behind.
 */
#include "engine/net/hostport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/pod/spec.h"

/* Where one port is bound. */
struct target {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len;
	bool is_dual; /* IPv6 socket for both families */
};

static void target_any4(struct target *t, uint16_t port)
{
	memset(t, 0, sizeof(*t));
	t->u.in.sin_family = AF_INET;
	t->u.in.sin_port = htons(port);
	t->len = sizeof(t->u.in);
}

static int target_set(struct target *t, const struct net_port *p, struct error *err)
{
	const char *ip = p->host_ip ? p->host_ip : "";

	target_any4(t, p->host_port);
	if (p->host_port == 0)
		return error_set(err, EINVAL, "host port 0 cannot be published");
	if (*ip && inet_pton(AF_INET, ip, &t->u.in.sin_addr) == 1)
		return 0;
	memset(&t->u, 0, sizeof(t->u));
	t->u.in6.sin6_family = AF_INET6;
	t->u.in6.sin6_port = htons(p->host_port);
	t->len = sizeof(t->u.in6);
	t->is_dual = !*ip;
	if (t->is_dual)
		return 0;
	if (inet_pton(AF_INET6, ip, &t->u.in6.sin6_addr) != 1)
		return error_set(err, EINVAL, "host address '%s' is not an IP address", ip);
	if (IN6_IS_ADDR_LOOPBACK(&t->u.in6.sin6_addr) || IN6_IS_ADDR_LINKLOCAL(&t->u.in6.sin6_addr))
		return error_set(err, EINVAL,
				 "host address '%s' cannot be published: the kernel does not "
				 "translate loopback and link-local IPv6 addresses",
				 ip);
	return 0;
}

/* A filter that lets nothing through. */
static int drop_everything(int fd)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &none };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}

/* Returns the bound socket or -errno. */
static int bind_target(const struct target *t, int type)
{
	int on = 1, off = 0, only6 = !t->is_dual;
	cleanup_close int fd = socket(t->u.sa.sa_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (t->u.sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6)) < 0)
		return -errno;
	/* UDP has no TIME_WAIT, and there SO_REUSEADDR would let two sockets share a port. */
	if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, &t->u.sa, t->len) < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off)) < 0)
		return -errno;
	if (type == SOCK_DGRAM && drop_everything(fd) < 0)
		return -errno;
	return steal_fd(&fd);
}

static int hold_failed(const struct net_port *p, int code, struct error *err)
{
	const char *name = port_protocol_str(p->protocol);

	if (code == -EADDRINUSE)
		return error_set(err, EADDRINUSE, "host port %u/%s is already in use%s%s",
				 p->host_port, name, p->host_ip && *p->host_ip ? " on " : "",
				 p->host_ip ? p->host_ip : "");
	if (code == -EADDRNOTAVAIL)
		return error_set(err, EADDRNOTAVAIL,
				 "host port %u/%s: '%s' is not an address of this host",
				 p->host_port, name, p->host_ip ? p->host_ip : "");
	return error_set(err, -code, "host port %u/%s: %s", p->host_port, name, strerror(-code));
}

/* Returns the socket, -EBADF where none is needed, or another -errno with err filled. */
static int hold_one(const struct net_port *p, int *ret_fd, struct error *err)
{
	int type = p->protocol == PORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
	struct target t;
	int fd, r;

	*ret_fd = -EBADF;
	r = target_set(&t, p, err);
	if (r < 0)
		return r;
	/* Opening an SCTP socket would load that module into the host's kernel. */
	if (p->protocol == PORT_SCTP)
		return 0;
	fd = bind_target(&t, type);
	if (t.is_dual && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)) {
		target_any4(&t, p->host_port);
		fd = bind_target(&t, type);
	}
	if (fd < 0)
		return hold_failed(p, fd, err);
	*ret_fd = fd;
	return 0;
}

int hostport_hold(const struct net_port *ports, size_t n, int *ret_fds, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = hold_one(&ports[i], &ret_fds[i], err);

		if (r < 0) {
			hostport_release(ret_fds, i);
			return r;
		}
	}
	return 0;
}

void hostport_release(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0) {
			(void)close(fds[i]);
			fds[i] = -EBADF;
		}
}
