/* SPDX-License-Identifier: Apache-2.0 */
/* hostport - who gets a port, who is refused, and with which words. Runs in a namespace of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/net/hostport.h"
#include "engine/pod/spec.h"
#include "tests/support/cunit_main.h"
#include "tests/support/netlab.h"

static struct lab lab;
static bool has_lab;

static int suite_init(void)
{
	has_lab = lab_enter(&lab);
	return 0;
}

static int suite_clean(void)
{
	if (has_lab)
		lab_leave(&lab);
	return 0;
}

#define NEED_LAB()                      \
	do {                            \
		if (!has_lab) {         \
			test_skipped++; \
			return;         \
		}                       \
	} while (0)

static int hold(uint16_t port, int protocol, const char *ip, int *fd, struct error *err)
{
	const struct net_port p = { port, 80, protocol, ip };

	*err = (struct error){ 0 };
	return hostport_hold(&p, 1, fd, err);
}

/* Binds (and listens) as another program would. Returns the socket or -errno. */
static int other_program(int family, uint16_t port, bool is_reusing)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = is_reusing, r;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	r = family == AF_INET ? bind(fd, (struct sockaddr *)&in, sizeof(in))
			      : bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	if (r < 0 || listen(fd, 1) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	return fd;
}

static void test_refuses_others(void)
{
	struct error err;
	int fd, second;

	NEED_LAB();
	CU_ASSERT_EQUAL(hold(8001, PORT_TCP, NULL, &fd, &err), 0);
	CU_ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	for (int reuse = 0; reuse < 2; reuse++) {
		CU_ASSERT_EQUAL(other_program(AF_INET, 8001, reuse), -EADDRINUSE);
		CU_ASSERT_EQUAL(other_program(AF_INET6, 8001, reuse), -EADDRINUSE);
	}
	CU_ASSERT_EQUAL(hold(8001, PORT_TCP, NULL, &second, &err), -EADDRINUSE);
	CU_ASSERT_STRING_EQUAL(err.text, "host port 8001/tcp is already in use");
	CU_ASSERT_EQUAL(hold(8001, PORT_TCP, "127.0.0.1", &second, &err), -EADDRINUSE);
	CU_ASSERT_STRING_EQUAL(err.text, "host port 8001/tcp is already in use on 127.0.0.1");
	/* Another protocol is another port. */
	CU_ASSERT_EQUAL(hold(8001, PORT_UDP, NULL, &second, &err), 0);
	hostport_release(&second, 1);
	hostport_release(&fd, 1);
	CU_ASSERT_EQUAL(fd, -EBADF);
	fd = other_program(AF_INET, 8001, false);
	CU_ASSERT(fd >= 0);
	(void)close(fd);
}

static void test_used_port(void)
{
	int fds[3] = { 7, 7, 7 }, fd, busy;
	const struct net_port ports[] = { { 8010, 80, PORT_TCP, NULL },
					  { 8011, 80, PORT_TCP, "" },
					  { 8012, 80, PORT_UDP, NULL } };
	struct error err = { 0 };

	NEED_LAB();
	busy = other_program(AF_INET, 8011, true);
	CU_ASSERT(busy >= 0);
	CU_ASSERT_EQUAL(hostport_hold(ports, 3, fds, &err), -EADDRINUSE);
	CU_ASSERT_STRING_EQUAL(err.text, "host port 8011/tcp is already in use");
	/* The first one was given back. */
	fd = other_program(AF_INET6, 8010, false);
	CU_ASSERT(fd >= 0);
	(void)close(fd);
	(void)close(busy);
	CU_ASSERT_EQUAL(hostport_hold(ports, 3, fds, &err), 0);
	hostport_release(fds, 3);
	/* The same port twice in one pod. */
	const struct net_port twice[] = { ports[0], ports[0] };

	CU_ASSERT_EQUAL(hostport_hold(twice, 2, fds, &err), -EADDRINUSE);
}

/* Leaves a connection in TIME_WAIT on the server's port. */
static void make_time_wait(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = other_program(AF_INET, port, true), c, a;
	char x;

	c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL(connect(c, (struct sockaddr *)&in, sizeof(in)), 0);
	a = accept4(s, NULL, NULL, SOCK_CLOEXEC);
	CU_ASSERT(a >= 0);
	(void)close(a); /* who closes first, waits */
	CU_ASSERT_EQUAL(read(c, &x, 1), 0);
	(void)close(c);
	(void)close(s);
	(void)usleep(20000);
}

static void test_time_wait_is_free(void)
{
	struct error err;
	int fd, r;

	NEED_LAB();
	make_time_wait(8020);
	/* The test is about something: without SO_REUSEADDR it is taken. */
	CU_ASSERT_EQUAL(other_program(AF_INET, 8020, false), -EADDRINUSE);
	r = hold(8020, PORT_TCP, NULL, &fd, &err);
	CU_ASSERT_EQUAL(r, 0);
	CU_ASSERT_EQUAL(other_program(AF_INET, 8020, true), -EADDRINUSE);
	hostport_release(&fd, 1);
}

static void test_loopback6_refused_at_once(void)
{
	char out[64];
	struct error err;
	int fd;

	NEED_LAB();
	CU_ASSERT_EQUAL(hold(8030, PORT_TCP, NULL, &fd, &err), 0);
	CU_ASSERT_EQUAL(lab_ask(lab.netns, IPPROTO_TCP, "::1", 8030, out), -ECONNREFUSED);
	CU_ASSERT_EQUAL(lab_ask(lab.netns, IPPROTO_TCP, "127.0.0.1", 8030, out), -ECONNREFUSED);
	hostport_release(&fd, 1);
}

static void test_udp_piles_nothing_up(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(8040),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd, s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), waiting = -1;
	struct error err;

	NEED_LAB();
	CU_ASSERT_EQUAL(hold(8040, PORT_UDP, NULL, &fd, &err), 0);
	CU_ASSERT_EQUAL(sendto(s, "x", 1, 0, (struct sockaddr *)&in, sizeof(in)), 1);
	CU_ASSERT_EQUAL(ioctl(fd, FIONREAD, &waiting), 0);
	CU_ASSERT_EQUAL(waiting, 0);
	CU_ASSERT_EQUAL(hold(8040, PORT_UDP, NULL, &waiting, &err), -EADDRINUSE);
	CU_ASSERT_STRING_EQUAL(err.text, "host port 8040/udp is already in use");
	hostport_release(&fd, 1);
	(void)close(s);
}

static void test_host_ip(void)
{
	struct error err;
	int a, b;

	NEED_LAB();
	CU_ASSERT_EQUAL(hold(8050, PORT_TCP, "127.0.0.1", &a, &err), 0);
	CU_ASSERT_EQUAL(hold(8050, PORT_TCP, "127.0.0.2", &b, &err), 0);
	hostport_release(&b, 1);
	CU_ASSERT_EQUAL(hold(8050, PORT_TCP, "::", &b, &err), 0);
	hostport_release(&b, 1);
	CU_ASSERT_EQUAL(hold(8050, PORT_TCP, "0.0.0.0", &b, &err), -EADDRINUSE);
	hostport_release(&a, 1);
	CU_ASSERT_EQUAL(hold(8050, PORT_TCP, "198.51.100.7", &b, &err), -EADDRNOTAVAIL);
	CU_ASSERT_STRING_EQUAL(err.text,
			       "host port 8050/tcp: '198.51.100.7' is not an address of this host");
	CU_ASSERT_EQUAL(hold(8050, PORT_TCP, "2001:db8::7", &b, &err), -EADDRNOTAVAIL);
	CU_ASSERT_EQUAL(hold(8050, PORT_TCP, "localhost", &b, &err), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "host address 'localhost' is not an IP address");
	CU_ASSERT_EQUAL(hold(8050, PORT_TCP, "::1", &b, &err), -EINVAL);
	CU_ASSERT_EQUAL(hold(8050, PORT_TCP, "fe80::1", &b, &err), -EINVAL);
	CU_ASSERT_EQUAL(hold(0, PORT_TCP, NULL, &b, &err), -EINVAL);
	CU_ASSERT_EQUAL(hold(8050, PORT_SCTP, NULL, &b, &err), 0);
	CU_ASSERT_EQUAL(b, -EBADF);
}

static void test_without_ipv6(void)
{
	struct error err;
	int fd;

	NEED_LAB();
	CU_ASSERT_EQUAL(lab_sysctl(lab.netns, "net/ipv6/conf/all/disable_ipv6", "1"), 0);
	CU_ASSERT_EQUAL(hold(8060, PORT_TCP, NULL, &fd, &err), 0);
	CU_ASSERT_EQUAL(other_program(AF_INET, 8060, true), -EADDRINUSE);
	hostport_release(&fd, 1);
	CU_ASSERT_EQUAL(lab_sysctl(lab.netns, "net/ipv6/conf/all/disable_ipv6", "0"), 0);
}

static CU_TestInfo tests[] = { { "others are refused", test_refuses_others },
			       { "a used port is named", test_used_port },
			       { "TIME_WAIT is free", test_time_wait_is_free },
			       { "::1 is refused at once", test_loopback6_refused_at_once },
			       { "UDP piles nothing up", test_udp_piles_nothing_up },
			       { "hostIP", test_host_ip },
			       { "without IPv6", test_without_ipv6 },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "hostport", suite_init, suite_clean, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
