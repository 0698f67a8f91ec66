/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netlab - namespaces, servers and clients for tests of the network.
 *
 * Theory of operation: the test program itself becomes the host. Nodes are forked children that
 * unshare a network namespace and wait on a pipe; told to serve, they bind dual-stack sockets and
 * answer with their letter and the address they saw. Clients are short forks that join a namespace,
 * so the test program never leaves its own.
 */
#include "tests/support/netlab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/net/addr.h"
#include "engine/net/link.h"
#include "engine/net/neigh.h"
#include "engine/net/net.h"
#include "engine/net/netlink.h"
#include "engine/net/pod_side.h"
#include "engine/net/route.h"

#define ASK_TIMEOUT_US 400000
#define ANSWER_MS      10000

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static int open_netns(pid_t pid)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0, path);
	return fd;
}

bool lab_enter(struct lab *l)
{
	struct error err;

	*l = (struct lab){ .netns = -1 };
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0) {
		printf("SKIP: no new network namespace here: %s\n", strerror(errno));
		return false;
	}
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "make mounts private");
	/* ns/net of the process, since /proc/self may show an outer pid namespace. */
	l->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	must(l->netns >= 0, "own netns");
	must(pod_side_configure(l->netns, NULL, 0, false, &err) == 0, "lo up");
	(void)snprintf(l->dir, sizeof(l->dir), "/tmp/podium-netlab-XXXXXX");
	must(mkdtemp(l->dir) != NULL, "mkdtemp");
	must(mount("netlab", l->dir, "tmpfs", 0, "mode=0700") == 0, "mount tmpfs");
	l->store.root = xasprintf("%s/root", l->dir);
	l->store.runroot = xasprintf("%s/run", l->dir);
	l->store.rootfd = fs_mkdirs(AT_FDCWD, l->store.root, 0700, &err);
	l->store.runfd = fs_mkdirs(AT_FDCWD, l->store.runroot, 0700, &err);
	must(l->store.rootfd >= 0 && l->store.runfd >= 0, "store");
	return true;
}

void lab_leave(struct lab *l)
{
	for (unsigned int i = 0; i < l->n; i++)
		lab_end(&l->nodes[i]);
	(void)close(l->netns);
	(void)close(l->store.rootfd);
	(void)close(l->store.runfd);
	free(l->store.root);
	free(l->store.runroot);
	(void)umount2(l->dir, MNT_DETACH);
	(void)rmdir(l->dir);
}

/* ---- servers ---------------------------------------------------------------------------- */

static int server_socket(int type, uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), on = 1, off = 0;

	must(fd >= 0, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	must(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "bind");
	if (type == SOCK_STREAM)
		must(listen(fd, 64) == 0, "listen");
	return fd;
}

static int answer_text(char letter, const struct sockaddr_in6 *a, char out[80])
{
	char ip[INET6_ADDRSTRLEN];
	const char *text = inet_ntop(AF_INET6, &a->sin6_addr, ip, sizeof(ip));

	return snprintf(out, 80, "%c %s", letter,
			text && is_prefix(text, "::ffff:") ? text + 7 : text);
}

static void answer(int fd, bool is_stream, char letter)
{
	struct sockaddr_in6 a = { 0 };
	socklen_t len = sizeof(a);
	char text[80], in[16];
	int n, c;

	if (is_stream) {
		c = accept4(fd, (struct sockaddr *)&a, &len, SOCK_CLOEXEC);
		n = answer_text(letter, &a, text);
		if (c >= 0 && write(c, text, (size_t)n) == n)
			(void)shutdown(c, SHUT_WR);
		(void)close(c);
		return;
	}
	if (recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&a, &len) < 0)
		return;
	n = answer_text(letter, &a, text);
	(void)sendto(fd, text, (size_t)n, 0, (struct sockaddr *)&a, len);
}

static _Noreturn void serve(char letter, int ready)
{
	struct pollfd p[3] = { { .fd = server_socket(SOCK_STREAM, LAB_TCP_PORT) },
			       { .fd = server_socket(SOCK_STREAM, LAB_TCP_PORT2) },
			       { .fd = server_socket(SOCK_DGRAM, LAB_UDP_PORT) } };

	must(write(ready, "s", 1) == 1, "ready");
	for (size_t i = 0; i < 3; i++)
		p[i].events = POLLIN;
	for (;;) {
		if (poll(p, 3, -1) < 0)
			continue;
		for (size_t i = 0; i < 3; i++)
			if (p[i].revents & POLLIN)
				answer(p[i].fd, i < 2, letter);
	}
}

/* ---- nodes ------------------------------------------------------------------------------ */

static _Noreturn void node_main(char letter, int ready)
{
	sigset_t set;
	int sig;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	must(unshare(CLONE_NEWNET) == 0, "unshare");
	must(write(ready, "n", 1) == 1, "ready");
	(void)sigwait(&set, &sig);
	serve(letter, ready);
}

struct lab_node *lab_node(struct lab *l)
{
	struct lab_node *n = &l->nodes[l->n];
	int p[2];
	char c;

	must(l->n < LAB_NODES_MAX, "too many nodes");
	id_new(n->id);
	n->letter = (char)('a' + l->n % 26);
	must(pipe2(p, O_CLOEXEC) == 0, "pipe");
	(void)fflush(NULL);
	n->pid = fork();
	if (n->pid == 0)
		node_main(n->letter, p[1]);
	must(n->pid > 0, "fork");
	(void)close(p[1]);
	must(read(p[0], &c, 1) == 1, "node");
	n->ready = p[0];
	l->n++;
	n->netns = open_netns(n->pid);
	return n;
}

void lab_serve(struct lab_node *n)
{
	char c;

	must(kill(n->pid, SIGUSR1) == 0, "signal");
	must(read(n->ready, &c, 1) == 1, "server");
}

void lab_end(struct lab_node *n)
{
	if (n->pid <= 0)
		return;
	(void)kill(n->pid, SIGKILL);
	(void)waitpid(n->pid, NULL, 0);
	(void)close(n->netns);
	(void)close(n->ready);
	n->pid = 0;
}

static void wire_pair(int rt_netns_fd)
{
	struct nl_sock rt = NL_SOCK_INIT;
	struct ifinfomsg inner = { 0 };
	struct nl_batch b;
	struct error err;
	size_t info, data, peer;

	must(nl_open(&rt, NETLINK_ROUTE, &err) == 0, "rtnetlink");
	nl_batch_init(&b, 1024);
	(void)nl_message(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
			 sizeof(struct ifinfomsg), "veth");
	nl_put_str(&b, IFLA_IFNAME, "up0");
	nl_put(&b, IFLA_ADDRESS, "\x02\0\0\0\0\x01", 6);
	info = nl_nest(&b, IFLA_LINKINFO);
	nl_put_str(&b, IFLA_INFO_KIND, "veth");
	data = nl_nest(&b, IFLA_INFO_DATA);
	peer = nl_nest(&b, VETH_INFO_PEER);
	nl_put_raw(&b, &inner, sizeof(inner));
	nl_put_str(&b, IFLA_IFNAME, "eth0");
	nl_put(&b, IFLA_ADDRESS, "\x02\0\0\0\0\x02", 6);
	nl_put_u32(&b, IFLA_NET_NS_FD, (uint32_t)rt_netns_fd);
	nl_nest_end(&b, peer);
	nl_nest_end(&b, data);
	nl_nest_end(&b, info);
	must(nl_send(&rt, &b, &err) == 0, "veth");
	nl_batch_done(&b);
	nl_close(&rt);
}

struct wire_end {
	const char *device, *addr4, *addr6;
	const char *peer4, *peer6;
	uint8_t peer_mac[6]; /* known to both, so that no question gets lost */
	bool is_gateway;
};

static int wire_end(void *arg)
{
	const struct wire_end *w = arg;
	struct nl_sock rt = NL_SOCK_INIT;
	struct ip_addr a = { 0 };
	struct nl_batch b;
	struct error err;
	int index;

	must(nl_open(&rt, NETLINK_ROUTE, &err) == 0, "rtnetlink");
	index = nl_device_index(&rt, w->device);
	nl_batch_init(&b, 2048);
	link_set_up(&b, nl_device_index(&rt, "lo"));
	link_set_up(&b, index);
	must(ip_parse(w->addr4, &a) == 0, w->addr4);
	addr_add(&b, index, &a, 24);
	must(ip_parse(w->addr6, &a) == 0, w->addr6);
	addr_add(&b, index, &a, 64);
	must(ip_parse(w->peer4, &a) == 0, w->peer4);
	neigh_add(&b, index, &a, w->peer_mac);
	if (w->is_gateway)
		route_add_default(&b, index, &a);
	must(ip_parse(w->peer6, &a) == 0, w->peer6);
	neigh_add(&b, index, &a, w->peer_mac);
	if (w->is_gateway)
		route_add_default(&b, index, &a);
	if (nl_send(&rt, &b, &err) < 0) {
		printf("wire: %s\n", err.text);
		abort();
	}
	nl_batch_done(&b);
	nl_close(&rt);
	return 0;
}

/* Both ends must be up before either transmits. */
static int wire_wait(void *arg)
{
	struct nl_sock rt = NL_SOCK_INIT;
	struct error err;

	must(nl_open(&rt, NETLINK_ROUTE, &err) == 0, "rtnetlink");
	must(link_wait_up(&rt, arg, LINK_UP_TIMEOUT_MS, &err) == 0, "carrier");
	return 0;
}

void lab_wire(struct lab *l, struct lab_node *n)
{
	struct wire_end host = { .device = "up0",
				 .addr4 = "192.0.2.1",
				 .addr6 = "2001:db8::1",
				 .peer4 = "192.0.2.2",
				 .peer6 = "2001:db8::2",
				 .peer_mac = { 2, 0, 0, 0, 0, 2 } };
	struct wire_end node = { .device = "eth0",
				 .addr4 = "192.0.2.2",
				 .addr6 = "2001:db8::2",
				 .peer4 = "192.0.2.1",
				 .peer6 = "2001:db8::1",
				 .peer_mac = { 2, 0, 0, 0, 0, 1 },
				 .is_gateway = true };

	wire_pair(n->netns);
	must(lab_run(l->netns, wire_end, &host) == 0, "host end");
	must(lab_run(n->netns, wire_end, &node) == 0, "node end");
	must(lab_run(n->netns, wire_wait, (void *)(uintptr_t) "eth0") == 0, "node end");
	must(lab_run(l->netns, wire_wait, (void *)(uintptr_t) "up0") == 0, "host end");
}

/* ---- clients ---------------------------------------------------------------------------- */

int lab_run(int netns, int (*fn)(void *arg), void *arg)
{
	int status = 0;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		must(setns(netns, CLONE_NEWNET) == 0, "setns");
		_exit(fn(arg));
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid, "child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct question {
	int protocol;
	const char *address;
	uint16_t port;
	int to; /* pipe for the answer */
};

static int ask_connect(const struct question *q)
{
	bool is4 = !strchr(q->address, ':');
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(q->port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(q->port) };
	int type = q->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(is4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_usec = ASK_TIMEOUT_US };

	must(fd >= 0, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (is4) {
		must(inet_pton(AF_INET, q->address, &in.sin_addr) == 1, q->address);
		return connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ? -errno : fd;
	}
	must(inet_pton(AF_INET6, q->address, &in6.sin6_addr) == 1, q->address);
	return connect(fd, (struct sockaddr *)&in6, sizeof(in6)) < 0 ? -errno : fd;
}

/* The exit status is a positive errno, or 0. */
static int ask_main(void *arg)
{
	const struct question *q = arg;
	int fd = ask_connect(q);
	char text[64];
	ssize_t n;

	if (fd < 0)
		return fd == -EINPROGRESS || fd == -EAGAIN ? ETIMEDOUT : -fd;
	if (q->protocol == IPPROTO_UDP && write(fd, "x", 1) < 0)
		return errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return errno == EAGAIN ? ETIMEDOUT : errno;
	return write(q->to, text, (size_t)n) == n ? 0 : EIO;
}

int lab_ask(int netns, int protocol, const char *address, uint16_t port, char out[64])
{
	struct question q = { .protocol = protocol, .address = address, .port = port };
	ssize_t n;
	int p[2], r;

	must(pipe2(p, O_CLOEXEC) == 0, "pipe");
	q.to = p[1];
	r = lab_run(netns, ask_main, &q);
	(void)close(p[1]);
	n = read(p[0], out, 63);
	out[n > 0 ? n : 0] = '\0';
	(void)close(p[0]);
	return -r;
}

int lab_ask_patient(int netns, int protocol, const char *address, uint16_t port, char out[64])
{
	int64_t deadline = clock_mono_ms() + ANSWER_MS;
	int r;

	do {
		r = lab_ask(netns, protocol, address, port, out);
	} while (r == -ETIMEDOUT && clock_mono_ms() < deadline);
	return r;
}

struct setting {
	const char *path, *value;
	int to;
};

static int sysctl_main(void *arg)
{
	const struct setting *s = arg;
	char path[160], text[64];
	ssize_t n = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", s->path);
	fd = open(path, (s->value ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (s->value)
		return write(fd, s->value, strlen(s->value)) < 0 ? errno : 0;
	n = read(fd, text, sizeof(text));
	return n > 0 && write(s->to, text, (size_t)n) == n ? 0 : EIO;
}

int lab_sysctl(int netns, const char *path, const char *value)
{
	struct setting s = { .path = path, .value = value };

	return -lab_run(netns, sysctl_main, &s);
}

void lab_sysctl_read(int netns, const char *path, char out[64])
{
	struct setting s = { .path = path };
	ssize_t n;
	int p[2];

	must(pipe2(p, O_CLOEXEC) == 0, "pipe");
	s.to = p[1];
	(void)lab_run(netns, sysctl_main, &s);
	(void)close(p[1]);
	n = read(p[0], out, 63);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	(void)close(p[0]);
}
