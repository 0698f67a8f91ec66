/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net - published ports by every road: protocols, families, the host's addresses, a neighbour, the
 * pod itself, another pod; and what is refused.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/wire.h"

static int neighbour;

static int begin(void)
{
	if (harness_begin() != 0 || !load_image("payload") || !load_image("busybox"))
		return 1;
	neighbour = wire_neighbour();
	return neighbour < 0;
}

static bool play(const char *name, const char *spec, const char *container)
{
	cleanup_result struct result r = play_pod(name, "", spec, container);

	return CHECK_CODE(r, 0);
}

static bool is_echoed(int netns, enum wire_protocol protocol, const char *address, uint16_t port)
{
	cleanup_free char *answer = NULL;

	/* The servers start in their own time. */
	(void)WAIT_UNTIL((answer = wire_ask(netns, protocol, address, port, "hello\n", 1000)) !=
				 NULL,
			 20000);
	return answer && strstr(answer, "hello");
}

#define CHECK_ECHO(netns, protocol, address, port)                                      \
	CHECK(is_echoed((netns), (protocol), (address), (port)), "no echo of %s %s %d", \
	      (protocol) == WIRE_TCP ? "tcp" : "udp", (address), (port))

/* One question is enough to see that nobody answers. */
static bool is_silent(int netns, enum wire_protocol protocol, const char *address, uint16_t port)
{
	cleanup_free char *answer = wire_ask(netns, protocol, address, port, "hello\n", 700);

	return !answer;
}

#define TWO_SERVERS(tcp, udp)                                               \
	"    args: [tcp-echo, \"7000\"]\n"                                  \
	"    ports: [{containerPort: 7000, hostPort: " tcp "}]\n"           \
	"  - name: u\n    image: payload\n    args: [udp-echo, \"7001\"]\n" \
	"    ports: [{containerPort: 7001, hostPort: " udp ", protocol: UDP}]\n"

static void test_every_road(void)
{
	static const char *const here[] = { "127.0.0.1", "127.0.0.7", HOST_ADDRESS, HOST_ADDRESS6 };
	static const char *const there[] = { HOST_ADDRESS, HOST_ADDRESS6 };

	if (!play("road", "", TWO_SERVERS("7100", "7101")))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(here); i++) {
		CHECK_ECHO(-1, WIRE_TCP, here[i], 7100);
		CHECK_ECHO(-1, WIRE_UDP, here[i], 7101);
	}
	for (size_t i = 0; i < ARRAY_SIZE(there); i++) {
		CHECK_ECHO(neighbour, WIRE_TCP, there[i], 7100);
		CHECK_ECHO(neighbour, WIRE_UDP, there[i], 7101);
	}
	/* The other protocol is not published. */
	CHECK(is_silent(-1, WIRE_UDP, "127.0.0.1", 7100), "udp 7100 answers");
	CHECK(is_silent(-1, WIRE_TCP, "127.0.0.1", 7101), "tcp 7101 answers");
	CHECK(wire_refused_ms("::1", 7100, 5000) >= 0, "::1 is neither served nor refused");
	remove_pod("road");
	CHECK(wire_refused_ms("127.0.0.1", 7100, 5000) >= 0, "still served");
	CHECK(wire_refused_ms(HOST_ADDRESS6, 7100, 5000) >= 0, "still served by IPv6");
}

static void check_exec(const char *container, const char *words, const char *part)
{
	cleanup_result struct result r = podium("exec %s /payload %s", container, words);

	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, part);
}

static void test_hairpin(void)
{
	if (!play("hair", "", TWO_SERVERS("7110", "7111")))
		return;
	CHECK_ECHO(-1, WIRE_TCP, "127.0.0.1", 7110);
	CHECK_ECHO(-1, WIRE_UDP, "127.0.0.1", 7111);
	check_exec("hair-c", "tcp-send " HOST_ADDRESS " 7110 hello", "hello");
	check_exec("hair-c", "tcp-send " HOST_ADDRESS6 " 7110 hello", "hello");
	check_exec("hair-c", "udp-send " HOST_ADDRESS " 7111 hello", "hello");
	check_exec("hair-c", "udp-send " HOST_ADDRESS6 " 7111 hello", "hello");
	/* Containers of a pod meet on its loopback. */
	check_exec("hair-c", "udp-send 127.0.0.1 7001 hello", "hello");
	check_exec("hair-u", "tcp-send 127.0.0.1 7000 hello", "hello");
	check_exec("hair-u", "tcp-send ::1 7000 hello", "hello");
	remove_pod("hair");
}

static char *address_of(const char *pod, const char *which)
{
	cleanup_free char *container = xasprintf("%s-c", pod);
	cleanup_free char *format = xasprintf("{{.NetworkSettings.%s}}", which);

	return inspect(container, format);
}

static void test_two_pods(void)
{
	cleanup_free char *a4 = NULL, *a6 = NULL, *b4 = NULL, *words = NULL;

	if (!play("one", "", TWO_SERVERS("7120", "7121")) ||
	    !play("two", "", "    args: [tcp-echo, \"7000\"]\n"))
		return;
	a4 = address_of("one", "IPAddress");
	a6 = address_of("one", "GlobalIPv6Address");
	b4 = address_of("two", "IPAddress");
	CHECK(strcmp(a4, b4) != 0, "two pods share %s", a4);
	CHECK_ECHO(-1, WIRE_TCP, a4, 7000);
	CHECK_ECHO(-1, WIRE_TCP, b4, 7000);
	words = xasprintf("tcp-send %s 7000 hello", a4);
	check_exec("two-c", words, "hello");
	free(words);
	words = xasprintf("udp-send %s 7001 hello", a6);
	check_exec("two-c", words, "hello");
	check_exec("two-c", "tcp-send " HOST_ADDRESS " 7120 hello", "hello");
	/* Nobody gets at a pod's own address from outside. */
	CHECK(is_silent(neighbour, WIRE_TCP, b4, 7000), "a neighbour reaches the pod's address");
	/* The world is reached from a pod, with the host's address. */
	remove_pod("one");
	remove_pod("two");
}

static void test_host_ip(void)
{
	cleanup_free char *ports = NULL;

	if (!play("ip", "",
		  "    args: [tcp-echo, \"7000\"]\n"
		  "    ports:\n"
		  "    - {containerPort: 7000, hostPort: 7130, hostIP: 127.0.0.1}\n"
		  "    - {containerPort: 7000, hostPort: 7131, hostIP: " HOST_ADDRESS "}\n"
		  "    - {containerPort: 7000, hostPort: 7132, hostIP: \"" HOST_ADDRESS6 "\"}\n"))
		return;
	CHECK_ECHO(-1, WIRE_TCP, "127.0.0.1", 7130);
	CHECK(is_silent(-1, WIRE_TCP, HOST_ADDRESS, 7130), "7130 by the other address");
	CHECK(is_silent(neighbour, WIRE_TCP, HOST_ADDRESS, 7130), "7130 from outside");
	CHECK_ECHO(neighbour, WIRE_TCP, HOST_ADDRESS, 7131);
	CHECK(is_silent(-1, WIRE_TCP, "127.0.0.1", 7131), "7131 by loopback");
	CHECK_ECHO(neighbour, WIRE_TCP, HOST_ADDRESS6, 7132);
	CHECK(is_silent(neighbour, WIRE_TCP, HOST_ADDRESS, 7132), "7132 by IPv4");
	ports = ps_field("ip-c", "Ports");
	CHECK_HAS(ports, "127.0.0.1:7130->7000/tcp");
	/* The same port on another address is another port. */
	CHECK(play("ip2", "",
		   "    args: [tcp-echo, \"7000\"]\n"
		   "    ports: [{containerPort: 7000, hostPort: 7130, hostIP: " HOST_ADDRESS
		   "}]\n"),
	      "the other address was refused");
	CHECK_ECHO(neighbour, WIRE_TCP, HOST_ADDRESS, 7130);
	remove_pod("ip");
	remove_pod("ip2");
}

static void test_host_network(void)
{
	cleanup_snapshot struct snapshot before;

	snapshot_take(&before);
	if (!play("host", "  hostNetwork: true\n",
		  "    args: [tcp-echo, \"7140\"]\n"
		  "    ports: [{containerPort: 7140}]\n"))
		return;
	CHECK_ECHO(-1, WIRE_TCP, "127.0.0.1", 7140);
	CHECK_ECHO(-1, WIRE_TCP, "::1", 7140);
	CHECK_ECHO(neighbour, WIRE_TCP, HOST_ADDRESS, 7140);
	remove_pod("host");
	CHECK_NOTHING_LEFT(&before, "a pod in the host's network");
}

/* Two pods want one port: the second is refused by name, the first goes on. */
static void test_taken(void)
{
	cleanup_result struct result r = { 0 };

	if (!play("first", "", TWO_SERVERS("7150", "7151")))
		return;
	r = play_pod("second", "", "",
		     "    args: [udp-echo, \"7001\"]\n"
		     "    ports: [{containerPort: 7001, hostPort: 7151, protocol: UDP}]\n");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "7151/udp");
	CHECK_ECHO(-1, WIRE_UDP, "127.0.0.1", 7151);
	CHECK(play("third", "",
		   "    args: [udp-echo, \"7001\"]\n"
		   "    ports: [{containerPort: 7001, hostPort: 7150, protocol: UDP}]\n"),
	      "the other protocol was refused");
	CHECK_ECHO(-1, WIRE_UDP, "127.0.0.1", 7150);
	CHECK_ECHO(-1, WIRE_TCP, "127.0.0.1", 7150);
	remove_pod("first");
	remove_pod("third");
}

/* A server of the host closed first: its port waits in TIME_WAIT and counts as free. */
static void test_time_wait(void)
{
	int server = wire_listen(WIRE_TCP, "0.0.0.0", 7160);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(7160),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	cleanup_result struct result ss = { 0 };
	char byte;
	int fd;

	CHECK(connect(client, (struct sockaddr *)&to, sizeof(to)) == 0, "connect: %m");
	fd = accept(server, NULL, NULL);
	(void)close(fd); /* the server's side ends first and keeps the port */
	CHECK(read(client, &byte, 1) == 0, "no end of file");
	(void)close(client);
	(void)close(server);
	ss = run("ss -Htan state time-wait");
	CHECK_HAS(ss.out, ":7160");
	if (!play("tw", "",
		  "    args: [tcp-echo, \"7000\"]\n"
		  "    ports: [{containerPort: 7000, hostPort: 7160}]\n"))
		return;
	CHECK_ECHO(-1, WIRE_TCP, "127.0.0.1", 7160);
	remove_pod("tw");
	/* And so are those of the pod before. */
	CHECK(play("tw", "",
		   "    args: [tcp-echo, \"7000\"]\n"
		   "    ports: [{containerPort: 7000, hostPort: 7160}]\n"),
	      "the port is not free again");
	CHECK_ECHO(-1, WIRE_TCP, "127.0.0.1", 7160);
	remove_pod("tw");
}

/* A pod that is replaced under the same UDP port: a client with a fixed source port gets the new
 * one's answers, not the old one's silence. */
static void test_udp_replaced(void)
{
	static const char *const container =
		"    args: [udp-echo, \"7001\"]\n"
		"    ports: [{containerPort: 7001, hostPort: 7170, protocol: UDP}]\n";
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(7170),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = wire_listen(WIRE_UDP, "127.0.0.1", 7171);
	char answer[64];

	CHECK(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connect: %m");
	for (int round = 0; round < 3; round++) {
		if (!play("udp", "", container))
			break;
		CHECK(WAIT_UNTIL(send(fd, "x", 1, MSG_NOSIGNAL) == 1 &&
					 (usleep(50000),
					  recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0),
				 20000),
		      "no answer in round %d", round);
		remove_pod("udp");
	}
	(void)close(fd);
}

static CU_TestInfo tests[] = {
	{ "every road", test_every_road },
	{ "hairpin, loopback of the pod", test_hairpin },
	{ "two pods", test_two_pods },
	{ "hostIP", test_host_ip },
	{ "hostNetwork", test_host_network },
	{ "a port that a pod has", test_taken },
	{ "TIME_WAIT", test_time_wait },
	{ "a UDP server replaced", test_udp_replaced },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "net", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
