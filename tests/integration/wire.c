/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire - clients and servers of the network tests.
 *
 * Theory of operation: a client in another network namespace is a short fork that joins it and
 * hands the answer back by a pipe; the test program never leaves its own namespace. Every wait has
 * a deadline, so that a translation that swallows packets is a failure and not a hang.
 */
#include "tests/integration/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/harness.h"

#define ANSWER_MAX (1U << 20)

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

static struct address parse(const char *text, uint16_t port)
{
	struct address a = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.sa;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		a.len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		a.len = sizeof(*v6);
	}
	return a;
}

static int left_ms(int64_t end)
{
	int64_t left = end - clock_mono_ms();

	return left < 0 ? 0 : (int)left;
}

static int wait_for(int fd, short events, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, left_ms(end)) > 0)
		return 0;
	errno = ETIMEDOUT;
	return -1;
}

/* A connected non-blocking socket, or -1 with errno. */
static int connect_to(enum wire_protocol protocol, const char *address, uint16_t port, int64_t end)
{
	struct address a = parse(address, port);
	int type = protocol == WIRE_TCP ? SOCK_STREAM : SOCK_DGRAM, error = 0;
	socklen_t len = sizeof(error);
	int fd = socket(a.sa.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&a.sa, a.len) == 0)
		return fd;
	if (errno == EINPROGRESS && wait_for(fd, POLLOUT, end) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
		return fd;
	error = error ? error : errno;
	(void)close(fd);
	errno = error;
	return -1;
}

/* One datagram, or everything until the peer closes. */
static char *take_answer(int fd, enum wire_protocol protocol, int64_t end)
{
	struct buf b = BUF_INIT(ANSWER_MAX);
	char chunk[65536];

	for (;;) {
		ssize_t n;

		if (wait_for(fd, POLLIN, end) < 0)
			break;
		n = recv(fd, chunk, sizeof(chunk), 0);
		if (n > 0)
			buf_add(&b, chunk, (size_t)n);
		if (n == 0 || (n > 0 && protocol == WIRE_UDP))
			return buf_steal(&b);
		if (n < 0 && errno != EAGAIN)
			break;
	}
	buf_done(&b);
	return NULL;
}

static char *ask_here(enum wire_protocol protocol, const char *address, uint16_t port,
		      const char *text, int timeout_ms)
{
	int64_t end = clock_mono_ms() + timeout_ms;
	cleanup_close int fd = connect_to(protocol, address, port, end);

	if (fd < 0 || send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return NULL;
	/* An echo ends when its client does; a web server closes by itself. */
	if (protocol == WIRE_TCP && !is_prefix(text, "GET "))
		(void)shutdown(fd, SHUT_WR);
	return take_answer(fd, protocol, end);
}

struct question {
	enum wire_protocol protocol;
	const char *address;
	uint16_t port;
	const char *text;
	int timeout_ms;
};

static void __attribute__((noreturn)) ask_child(int netns, const struct question *q, int out)
{
	char *answer;

	if (setns(netns, CLONE_NEWNET) < 0)
		_exit(99);
	answer = ask_here(q->protocol, q->address, q->port, q->text, q->timeout_ms);
	if (!answer)
		_exit(errno > 0 && errno < 99 ? errno : 98);
	_exit(write(out, answer, strlen(answer)) < 0 ? 97 : 0);
}

static char *ask_there(int netns, const struct question *q)
{
	struct buf b = BUF_INIT(ANSWER_MAX);
	char chunk[4096];
	int p[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return NULL;
	if (pid == 0)
		ask_child(netns, q, p[1]);
	(void)close(p[1]);
	while ((n = read(p[0], chunk, sizeof(chunk))) > 0)
		buf_add(&b, chunk, (size_t)n);
	(void)close(p[0]);
	(void)waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return buf_steal(&b);
	buf_done(&b);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return NULL;
}

char *wire_ask(int netns, enum wire_protocol protocol, const char *address, uint16_t port,
	       const char *text, int timeout_ms)
{
	struct question q = { protocol, address, port, text, timeout_ms };

	if (netns < 0)
		return ask_here(protocol, address, port, text, timeout_ms);
	return ask_there(netns, &q);
}

char *wire_http(int netns, const char *address, uint16_t port, const char *path, int timeout_ms)
{
	cleanup_free char *request =
		xasprintf("GET %s HTTP/1.0\r\nHost: test\r\nConnection: close\r\n\r\n", path);
	cleanup_free char *answer = wire_ask(netns, WIRE_TCP, address, port, request, timeout_ms);
	const char *body = answer ? strstr(answer, "\r\n\r\n") : NULL;

	if (!body || strncmp(answer, "HTTP/1.", 7) != 0 || strncmp(answer + 8, " 200", 4) != 0)
		return NULL;
	return xstrdup(body + 4);
}

char *wire_http_wait(const char *address, uint16_t port, const char *path)
{
	char *body = NULL;

	(void)WAIT_UNTIL((body = wire_http(-1, address, port, path, 2000)) != NULL, DEADLINE_MS);
	return body;
}

char *wire_ask_wait(enum wire_protocol protocol, const char *address, uint16_t port,
		    const char *text)
{
	char *answer = NULL;

	(void)WAIT_UNTIL((answer = wire_ask(-1, protocol, address, port, text, 500)) != NULL,
			 DEADLINE_MS);
	return answer;
}

int64_t wire_refused_ms(const char *address, uint16_t port, int timeout_ms)
{
	int64_t start = clock_mono_ms();
	cleanup_close int fd = connect_to(WIRE_TCP, address, port, start + timeout_ms);

	return fd < 0 && errno == ECONNREFUSED ? clock_mono_ms() - start : -1;
}

int wire_listen(enum wire_protocol protocol, const char *address, uint16_t port)
{
	struct address a = parse(address, port);
	int on = 1;
	int fd = socket(a.sa.ss_family,
			(protocol == WIRE_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a.sa.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a.sa, a.len) < 0 ||
	    (protocol == WIRE_TCP && listen(fd, 16) < 0)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* ---- the neighbour ------------------------------------------------------------------------- */

static void must(struct result r)
{
	if (r.code != 0)
		printf("\n`%s`: %s\n", r.line, r.err);
	result_done(&r);
}

static int fork_namespace(pid_t *ret_pid)
{
	char path[64], byte;
	int p[2], fd;

	if (pipe2(p, O_CLOEXEC) < 0 || (*ret_pid = fork()) < 0)
		return -1;
	if (*ret_pid == 0) {
		if (unshare(CLONE_NEWNET) < 0 || write(p[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(p[1]);
	if (read(p[0], &byte, 1) != 1)
		return -1;
	(void)close(p[0]);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)*ret_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd;
}

int wire_neighbour(void)
{
	static int netns = -1;
	pid_t pid = 0;

	if (netns >= 0)
		return netns;
	netns = fork_namespace(&pid);
	must(run("ip link add up0 type veth peer name eth0 netns %d", (int)pid));
	must(run("ip addr add " HOST_ADDRESS "/24 dev up0"));
	must(run("ip addr add " HOST_ADDRESS6 "/64 dev up0 nodad"));
	must(run("ip link set up0 up"));
	must(run("nsenter -t %d -n ip link set lo up", (int)pid));
	must(run("nsenter -t %d -n ip addr add 192.0.2.2/24 dev eth0", (int)pid));
	must(run("nsenter -t %d -n ip addr add 2001:db8:5::2/64 dev eth0 nodad", (int)pid));
	must(run("nsenter -t %d -n ip link set eth0 up", (int)pid));
	must(run("nsenter -t %d -n ip route add default via " HOST_ADDRESS, (int)pid));
	must(run("nsenter -t %d -n ip -6 route add default via " HOST_ADDRESS6, (int)pid));
	/* The descriptor keeps the namespace. */
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return netns;
}
