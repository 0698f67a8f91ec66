/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_live - published ports by every road, and the roads that must be closed (NET-1, -2, -3, -4,
 * -9), in namespaces of the test's own. Each closed road is opened once by its WEAKEN twin, to see
 * that the test looks at the defence and not at something else that refuses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "engine/net/addr.h"
#include "engine/net/link.h"
#include "engine/net/route.h"
#include "engine/pod/spec.h"
#include "tests/support/cunit_main.h"
#include "tests/support/netpods.h"

static struct lab l;

/* From a namespace, this address and port answer with that letter. */
static bool is_answered(int netns, int protocol, const char *address, uint16_t port, char letter)
{
	char out[64];
	int r = lab_ask_patient(netns, protocol, address, port, out);

	if (r == 0 && out[0] == letter)
		return true;
	printf("\n%s port %u: %s '%s', wanted '%c'\n", address, port, strerror(-r), out, letter);
	return false;
}

/* ... and with that address as the client's. */
static bool is_seen_as(int netns, const char *address, uint16_t port, const char *want)
{
	char out[64];
	int r = lab_ask_patient(netns, IPPROTO_TCP, address, port, out);

	if (r == 0 && strcmp(out + 2, want) == 0)
		return true;
	printf("\n%s port %u: %s '%s', wanted '%s'\n", address, port, strerror(-r), out, want);
	return false;
}

static bool is_refused(int netns, int protocol, const char *address, uint16_t port, int code)
{
	char out[64];
	int r = code == -ETIMEDOUT ? lab_ask(netns, protocol, address, port, out)
				   : lab_ask_patient(netns, protocol, address, port, out);

	if (r == code)
		return true;
	printf("\n%s port %u: %s '%s', wanted %s\n", address, port, strerror(-r), out,
	       strerror(-code));
	return false;
}

static const struct net_port web[] = { { 8001, LAB_TCP_PORT, PORT_TCP, NULL } };
static const struct net_port dns[] = { { 8053, LAB_UDP_PORT, PORT_UDP, NULL } };

static struct lab_node *serving_pod(const struct net_port *ports, size_t n, struct net_result *a)
{
	struct lab_node *pod = lab_node(&l);

	CHECK_OK(pods_up(&l, pod, ports, n, a, err));
	lab_serve(pod);
	return pod;
}

static void every_road(const struct net_port *port, int protocol)
{
	struct net_result a = { 0 }, b = { 0 };
	struct lab_node *far, *pod, *sibling;
	uint16_t p = port->host_port;

	far = lab_node(&l);
	lab_wire(&l, far);
	pod = serving_pod(port, 1, &a);
	sibling = serving_pod(NULL, 0, &b);
	const char *roads[] = { "192.0.2.1", "2001:db8::1", a.gateway4, a.gateway6 };
	const int from[] = { l.netns, pod->netns, sibling->netns };

	CU_ASSERT(is_answered(l.netns, protocol, "127.0.0.1", p, pod->letter));
	CU_ASSERT(is_answered(l.netns, protocol, "127.1.2.3", p, pod->letter));
	for (size_t i = 0; i < ARRAY_SIZE(roads); i++)
		for (size_t k = 0; k < ARRAY_SIZE(from); k++)
			CU_ASSERT(is_answered(from[k], protocol, roads[i], p, pod->letter));
	CU_ASSERT(is_answered(far->netns, protocol, "192.0.2.1", p, pod->letter));
	CU_ASSERT(is_answered(far->netns, protocol, "2001:db8::1", p, pod->letter));
	CHECK_OK(net_down(&l.store, pod->id, err));
	CU_ASSERT(pods_is_gone(&l, pod->id, &a));
	CHECK_OK(net_down(&l.store, sibling->id, err));
	CU_ASSERT_EQUAL(pods_leases(&l) + pods_records(&l), 0);
}

static void test_tcp(void)
{
	ENTER_LAB(&l);
	every_road(web, IPPROTO_TCP);
	lab_leave(&l);
}

static void test_udp(void)
{
	ENTER_LAB(&l);
	every_road(dns, IPPROTO_UDP);
	lab_leave(&l);
}

/* The same where the kernel deletes flows one by one (before 6.12). */
static void test_flows_by_hand(void)
{
	ENTER_LAB(&l);
	CU_ASSERT_EQUAL(setenv("PODIUM_WEAKEN", "ct-filter", 1), 0);
	every_road(dns, IPPROTO_UDP);
	CU_ASSERT_EQUAL(unsetenv("PODIUM_WEAKEN"), 0);
	lab_leave(&l);
}

/* NET-4: a server sees who its client is, and never a loopback address. */
static void test_source_addresses(void)
{
	struct net_result a = { 0 }, b = { 0 };
	struct lab_node *far, *sibling;
	char text[64];

	ENTER_LAB(&l);
	far = lab_node(&l);
	lab_wire(&l, far);
	(void)serving_pod(web, 1, &a);
	sibling = serving_pod(NULL, 0, &b);
	CU_ASSERT(is_seen_as(far->netns, "192.0.2.1", 8001, "192.0.2.2"));
	CU_ASSERT(is_seen_as(far->netns, "2001:db8::1", 8001, "2001:db8::2"));
	CU_ASSERT(is_seen_as(l.netns, "127.0.0.1", 8001, a.gateway4));
	/* Two pods that meet: the first question may get lost, see neigh.c. */
	(void)lab_ask(sibling->netns, IPPROTO_TCP, a.address6, LAB_TCP_PORT, text);
	CU_ASSERT(is_seen_as(sibling->netns, a.address4, LAB_TCP_PORT, b.address4));
	CU_ASSERT(is_seen_as(sibling->netns, a.address6, LAB_TCP_PORT, b.address6));
	/* Outbound: the host's address stands for the pod's. */
	lab_serve(far);
	CU_ASSERT(is_seen_as(sibling->netns, "192.0.2.2", LAB_TCP_PORT, "192.0.2.1"));
	CU_ASSERT(is_seen_as(sibling->netns, "2001:db8::2", LAB_TCP_PORT, "2001:db8::1"));
	lab_leave(&l);
}

static void test_held_port(void)
{
	struct net_result a = { 0 };
	struct lab_node *pod;
	int fd = -1;

	ENTER_LAB(&l);
	CHECK_OK(hostport_hold(web, 1, &fd, err));
	pod = serving_pod(web, 1, &a);
	CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, pod->letter));
	CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, a.gateway6, 8001, pod->letter));
	CU_ASSERT(is_refused(l.netns, IPPROTO_TCP, "::1", 8001, -ECONNREFUSED));
	hostport_release(&fd, 1);
	CU_ASSERT(is_refused(l.netns, IPPROTO_TCP, "::1", 8001, -ECONNREFUSED));
	lab_leave(&l);
}

static void test_host_ip(void)
{
	struct net_result a = { 0 }, b = { 0 };
	const struct net_port outer[] = { { 8001, LAB_TCP_PORT, PORT_TCP, "192.0.2.1" },
					  { 8002, LAB_TCP_PORT, PORT_TCP, "2001:db8::1" },
					  { 8003, LAB_TCP_PORT, PORT_TCP, "0.0.0.0" },
					  { 8004, LAB_TCP_PORT, PORT_TCP, "::" } };
	const struct net_port inner[] = { { 8001, LAB_TCP_PORT, PORT_TCP, "127.0.0.1" } };
	struct lab_node *far, *pod, *other;

	ENTER_LAB(&l);
	far = lab_node(&l);
	lab_wire(&l, far);
	pod = serving_pod(outer, 4, &a);
	CU_ASSERT(is_answered(far->netns, IPPROTO_TCP, "192.0.2.1", 8001, pod->letter));
	CU_ASSERT(is_refused(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, -ECONNREFUSED));
	CU_ASSERT(is_refused(far->netns, IPPROTO_TCP, "2001:db8::1", 8001, -ECONNREFUSED));
	CU_ASSERT(is_answered(far->netns, IPPROTO_TCP, "2001:db8::1", 8002, pod->letter));
	CU_ASSERT(is_refused(far->netns, IPPROTO_TCP, "192.0.2.1", 8002, -ECONNREFUSED));
	CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, "127.0.0.1", 8003, pod->letter));
	CU_ASSERT(is_refused(far->netns, IPPROTO_TCP, "2001:db8::1", 8003, -ECONNREFUSED));
	CU_ASSERT(is_answered(far->netns, IPPROTO_TCP, "2001:db8::1", 8004, pod->letter));
	CU_ASSERT(is_refused(far->netns, IPPROTO_TCP, "192.0.2.1", 8004, -ECONNREFUSED));
	/* Another pod has the same port of another address. */
	other = serving_pod(inner, 1, &b);
	CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, other->letter));
	CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, "192.0.2.1", 8001, pod->letter));
	CU_ASSERT(is_refused(far->netns, IPPROTO_TCP, "127.0.0.1", 8001, -ECONNREFUSED));
	CHECK_OK(net_down(&l.store, pod->id, err));
	CU_ASSERT(pods_is_gone(&l, pod->id, &a));
	CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, other->letter));
	lab_leave(&l);
}

/* ---- UDP flows that live on ------------------------------------------------------------- */

static int steady_client(const char *address, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(40000) };
	struct timeval limit = { .tv_usec = 300000 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL(inet_pton(AF_INET, address, &to.sin_addr), 1);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

/* The letter that answers, or 0. */
static char steady_ask(int fd)
{
	char in[64];

	(void)send(fd, "x", 1, 0);
	return recv(fd, in, sizeof(in), 0) > 0 ? in[0] : 0;
}

static void test_udp_flow_follows(void)
{
	struct net_result a = { 0 }, b = { 0 };
	struct lab_node *first, *second;
	int held = -1, fd;

	ENTER_LAB(&l);
	/* Before any pod, with connection tracking on: the flow is known as an untranslated one. */
	first = serving_pod(NULL, 0, &a);
	CHECK_OK(net_down(&l.store, first->id, err));
	CHECK_OK(hostport_hold(dns, 1, &held, err));
	fd = steady_client("127.0.0.1", 8053);
	CU_ASSERT_EQUAL(steady_ask(fd), 0);
	first = serving_pod(dns, 1, &a);
	CU_ASSERT_EQUAL(steady_ask(fd), first->letter);
	/* The pod is replaced while the client goes on. */
	CHECK_OK(net_down(&l.store, first->id, err));
	second = serving_pod(dns, 1, &b);
	CU_ASSERT_EQUAL(steady_ask(fd), second->letter);
	(void)close(fd);
	hostport_release(&held, 1);
	lab_leave(&l);
}

/* ---- closed roads ----------------------------------------------------------------------- */

struct via {
	const char *prefix4;
	const char *gateway;
	bool is_loopback;
};

/* Inside a namespace: sends a prefix (127/8 too) through eth0 to a gateway. */
static int route_via(void *arg)
{
	const struct via *v = arg;
	struct nl_sock rt = NL_SOCK_INIT;
	struct ip_prefix p;
	struct ip_addr g;
	struct nl_batch b;
	struct error err;
	struct rtmsg *m;
	int index, r;

	if (nl_open(&rt, NETLINK_ROUTE, &err) < 0 || ip_prefix_parse(v->prefix4, &p) < 0 ||
	    ip_parse(v->gateway, &g) < 0)
		return 1;
	index = nl_device_index(&rt, "eth0");
	nl_batch_init(&b, 1024);
	if (v->is_loopback) { /* 127.0.0.0/8 is no longer this namespace's own */
		struct ifaddrmsg *a = nl_message(&b, RTM_DELADDR, NLM_F_ACK, sizeof(*a), "del");

		a->ifa_family = AF_INET;
		a->ifa_prefixlen = 8;
		a->ifa_index = (uint32_t)nl_device_index(&rt, "lo");
		nl_put(&b, IFA_LOCAL, "\x7f\0\0\1", 4);
	}
	m = nl_message(&b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, sizeof(*m),
		       "route");
	m->rtm_family = AF_INET;
	m->rtm_dst_len = p.bits;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_BOOT;
	m->rtm_type = RTN_UNICAST;
	nl_put(&b, RTA_DST, p.addr.bytes, 4);
	nl_put(&b, RTA_GATEWAY, g.bytes, 4);
	nl_put_u32(&b, RTA_OIF, (uint32_t)index);
	r = nl_send(&rt, &b, &err);
	if (r < 0)
		printf("\nroute: %s\n", err.text);
	return r < 0;
}

/* The host of the lab runs a server on its loopback; can pod and neighbour reach it? Both try with
 * everything a root of their namespaces can set. Returns how many of the two roads are open. */
static int loopback_roads(void)
{
	struct via by_bridge = { "127.0.0.0/8", NULL, true },
		   by_wire = { "127.0.0.0/8", "192.0.2.1", true };
	struct net_result a = { 0 };
	struct lab_node *far, *pod, *service;
	char out[64];
	int n = 0;

	far = lab_node(&l);
	lab_wire(&l, far);
	pod = lab_node(&l);
	CHECK_OK(pods_up(&l, pod, web, 1, &a, err));
	by_bridge.gateway = a.gateway4;
	/* A published port is the loopback service: 127.0.0.1:8002, which is another pod's. */
	service = lab_node(&l);
	{
		const struct net_port only[] = { { 8002, LAB_TCP_PORT, PORT_TCP, "127.0.0.1" } };
		struct net_result s = { 0 };

		CHECK_OK(pods_up(&l, service, only, 1, &s, err));
		lab_serve(service);
	}
	CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, "127.0.0.1", 8002, service->letter));
	CU_ASSERT_EQUAL(lab_run(pod->netns, route_via, &by_bridge), 0);
	CU_ASSERT_EQUAL(lab_run(far->netns, route_via, &by_wire), 0);
	CU_ASSERT_EQUAL(lab_sysctl(pod->netns, "net/ipv4/conf/eth0/route_localnet", "1"), 0);
	CU_ASSERT_EQUAL(lab_sysctl(far->netns, "net/ipv4/conf/eth0/route_localnet", "1"), 0);
	/* As an administrator or another engine may have done. */
	CU_ASSERT_EQUAL(lab_sysctl(l.netns, "net/ipv4/conf/up0/route_localnet", "1"), 0);
	n += lab_ask(pod->netns, IPPROTO_TCP, "127.0.0.1", 8002, out) == 0;
	n += lab_ask(far->netns, IPPROTO_TCP, "127.0.0.1", 8002, out) == 0;
	return n;
}

static void weakened(const char *id, bool on)
{
	CU_ASSERT_EQUAL(on ? setenv("PODIUM_WEAKEN", id, 1) : unsetenv("PODIUM_WEAKEN"), 0);
}

static void test_net1(void)
{
	for (int weak = 0; weak < 2; weak++) {
		ENTER_LAB(&l);
		weakened("NET-1", weak);
		CU_ASSERT_EQUAL(loopback_roads(), weak ? 2 : 0);
		weakened("NET-1", false);
		lab_leave(&l);
	}
}

static void test_net2(void)
{
	for (int weak = 0; weak < 2; weak++) {
		struct net_result a = { 0 };
		struct lab_node *far, *pod;
		int want = weak ? 0 : -ETIMEDOUT;

		ENTER_LAB(&l);
		weakened("NET-2", weak);
		far = lab_node(&l);
		lab_wire(&l, far); /* its default route points to the host */
		pod = serving_pod(web, 1, &a);
		CU_ASSERT(is_refused(far->netns, IPPROTO_TCP, a.address4, LAB_TCP_PORT, want));
		CU_ASSERT(is_refused(far->netns, IPPROTO_TCP, a.address4, LAB_TCP_PORT2, want));
		CU_ASSERT(is_refused(far->netns, IPPROTO_UDP, a.address4, LAB_UDP_PORT, want));
		CU_ASSERT(is_refused(far->netns, IPPROTO_TCP, a.address6, LAB_TCP_PORT, want));
		CU_ASSERT(is_refused(far->netns, IPPROTO_TCP, a.address6, LAB_TCP_PORT2, want));
		/* The front door stays open, and the host itself may. */
		CU_ASSERT(is_answered(far->netns, IPPROTO_TCP, "192.0.2.1", 8001, pod->letter));
		CU_ASSERT(
			is_answered(l.netns, IPPROTO_TCP, a.address4, LAB_TCP_PORT2, pod->letter));
		weakened("NET-2", false);
		lab_leave(&l);
	}
}

/* Port 80 of the host is published; what pods say to port 80 of others is none of our business. */
static void test_net3(void)
{
	for (int weak = 0; weak < 2; weak++) {
		const struct net_port p80[] = { { LAB_TCP_PORT, LAB_TCP_PORT, PORT_TCP, NULL },
						{ LAB_UDP_PORT, LAB_UDP_PORT, PORT_UDP, NULL } };
		struct net_result a = { 0 }, b = { 0 };
		struct lab_node *far, *pod, *client;
		char want;

		ENTER_LAB(&l);
		weakened("NET-3", weak);
		far = lab_node(&l);
		lab_wire(&l, far);
		lab_serve(far);
		pod = serving_pod(p80, 2, &a);
		client = serving_pod(NULL, 0, &b);
		want = weak ? pod->letter : far->letter;
		CU_ASSERT(is_answered(client->netns, IPPROTO_TCP, "192.0.2.2", 80, want));
		CU_ASSERT(is_answered(client->netns, IPPROTO_TCP, "2001:db8::2", 80, want));
		CU_ASSERT(is_answered(client->netns, IPPROTO_UDP, "192.0.2.2", 53, want));
		CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, "192.0.2.2", 80, want));
		CU_ASSERT(is_answered(client->netns, IPPROTO_TCP, "192.0.2.1", 80, pod->letter));
		weakened("NET-3", false);
		lab_leave(&l);
	}
}

static int count_inet6(void *arg)
{
	FILE *f = fopen("/proc/self/net/if_inet6", "re");
	int c, n = 0;

	(void)arg;
	while (f && (c = fgetc(f)) != EOF)
		n += c == '\n';
	return n;
}

static void test_net9(void)
{
	for (int weak = 0; weak < 2; weak++) {
		struct net_result a = { 0 };
		struct lab_node *pod;
		char v[64];

		ENTER_LAB(&l);
		weakened("NET-9", weak);
		CU_ASSERT_EQUAL(lab_sysctl(l.netns, "net/ipv6/conf/all/disable_ipv6", "1"), 0);
		pod = serving_pod(web, 1, &a);
		CU_ASSERT_STRING_EQUAL(a.address6, "");
		CU_ASSERT_STRING_EQUAL(a.gateway6, "");
		lab_sysctl_read(pod->netns, "net/ipv6/conf/eth0/disable_ipv6", v);
		CU_ASSERT_STRING_EQUAL(v, weak ? "0" : "1");
		CU_ASSERT_EQUAL(lab_run(pod->netns, count_inet6, NULL) > 0, weak);
		CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, pod->letter));
		CU_ASSERT_EQUAL(pods_leases(&l), 1);
		weakened("NET-9", false);
		lab_leave(&l);
	}
}

static void test_bridge_sysctls(void)
{
	struct net_result a = { 0 };
	struct lab_node *far, *pod;
	char v[64];

	ENTER_LAB(&l);
	far = lab_node(&l);
	lab_wire(&l, far);
	lab_sysctl_read(l.netns, "net/ipv6/conf/up0/accept_ra", v);
	CU_ASSERT_STRING_EQUAL(v, "1");
	pod = serving_pod(NULL, 0, &a);
	lab_sysctl_read(l.netns, "net/ipv4/conf/podium0/route_localnet", v);
	CU_ASSERT_STRING_EQUAL(v, "1");
	lab_sysctl_read(l.netns, "net/ipv4/conf/all/route_localnet", v);
	CU_ASSERT_STRING_EQUAL(v, "0");
	lab_sysctl_read(l.netns, "net/ipv4/conf/up0/route_localnet", v);
	CU_ASSERT_STRING_EQUAL(v, "0");
	lab_sysctl_read(l.netns, "net/ipv6/conf/podium0/accept_ra", v);
	CU_ASSERT_STRING_EQUAL(v, "0");
	/* Forwarding is on, and the host's own devices still listen to their routers. */
	lab_sysctl_read(l.netns, "net/ipv6/conf/all/forwarding", v);
	CU_ASSERT_STRING_EQUAL(v, "1");
	lab_sysctl_read(l.netns, "net/ipv6/conf/up0/accept_ra", v);
	CU_ASSERT_STRING_EQUAL(v, "2");
	CHECK_OK(net_down(&l.store, pod->id, err));
	lab_leave(&l);
}

static CU_TestInfo tests[] = { { "TCP by every road", test_tcp },
			       { "UDP by every road", test_udp },
			       { "flows deleted one by one", test_flows_by_hand },
			       { "source addresses (NET-4)", test_source_addresses },
			       { "held port and ::1", test_held_port },
			       { "hostIP", test_host_ip },
			       { "UDP flows follow the pod", test_udp_flow_follows },
			       { "NET-1 loopback", test_net1 },
			       { "NET-2 direct access", test_net2 },
			       { "NET-3 passing traffic", test_net3 },
			       { "NET-9 no IPv6", test_net9 },
			       { "sysctls of the bridge", test_bridge_sysctls },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "net_live", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
