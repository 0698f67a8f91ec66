/* SPDX-License-Identifier: Apache-2.0 */
/*
 * networks - networks that users make: their commands, several of them in a pod, what they let through,
 * names, and what a crash leaves.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/seams.h"
#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/wire.h"

#define HOST_DEVICE "up0" /* of wire_neighbour() */

static int begin(void)
{
	if (harness_begin() != 0 || !load_image("payload") || !load_image("busybox"))
		return 1;
	return wire_neighbour() < 0;
}

static bool has_resolver(void)
{
	if (access("/usr/sbin/dnsmasq", X_OK) == 0)
		return true;
	TEST_SKIP("/usr/sbin/dnsmasq is not there");
	return false;
}

/* ---- what is printed -------------------------------------------------------------------- */

static void check_output(int code, const char *out, const char *err, const char *line)
{
	cleanup_result struct result r = podium("%s", line);

	CHECK_CODE(r, code);
	if (out)
		CHECK_EQUAL(r.out, out);
	if (err)
		CHECK_HAS(r.err, err);
	else
		CHECK_EQUAL(r.err, "");
}

static void test_commands(void)
{
	if (!has_resolver())
		return;
	harness_fresh("commands");
	if (!load_image("payload"))
		return;
	check_output(0, "n1\n", NULL,
		     "network create --subnet 10.77.1.9/24 --ip-range 10.77.1.128/25 --label a=b "
		     "-o mtu=1400 n1");
	check_output(0, "n2\n", NULL, "network create --internal --disable-dns n2");
	check_output(125, "", "network name n1 already used: network already exists",
		     "network create n1");
	check_output(0, "n1\n", NULL, "network create --ignore n1");
	check_output(125, "", "subnet 10.77.1.128/25 is already used on the host or by another",
		     "network create --subnet 10.77.1.128/25 n3");
	check_output(0, "n1\nn2\npodium\n", NULL, "network ls -q");
	check_output(0, "n1 a=b\n", NULL,
		     "network ls --filter label=a=b --format '{{.Name}} {{.Labels}}'");
	check_output(0, "10.77.1.0/24 10.77.1.1 10.77.1.129 10.77.1.255 true\n", NULL,
		     "network inspect n1 --format '{{range .Subnets}}{{.Subnet}} {{.Gateway}} "
		     "{{.LeaseRange.StartIP}} {{.LeaseRange.EndIP}}{{end}} {{.DNSEnabled}}'");
	check_output(0, "", NULL, "network exists n1");
	check_output(1, "", NULL, "network exists nosuch");
	check_output(1, "n2\n", "unable to find network with name or ID nosuch: network not found",
		     "network rm nosuch n2");
	check_output(125, "", "default network podium cannot be removed", "network rm podium");
	MUST(0, "create --name user --network n1 payload sleep 1000");
	check_output(2, "", "network is being used", "network rm n1");
	check_output(0, "", NULL, "network prune -f");
	check_output(0, "n1\n", NULL, "network rm -f -t 0 n1");
	check_output(1, NULL, NULL, "container exists user");
	harness_store(NULL, NULL);
}

static void test_refused(void)
{
	static const struct {
		const char *line, *err;
	} cases[] = {
		{ "network create host", "because it conflicts with a valid network mode" },
		{ "network create 'a b'", "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*" },
		{ "network create --gateway 10.9.9.1 x",
		  "cannot set gateway or range without subnet" },
		{ "network create --subnet 10.9.9.0/24 --gateway 10.8.9.1 x",
		  "gateway 10.8.9.1 not in subnet 10.9.9.0/24" },
		{ "network create --subnet 10.9.9.0/24 --ip-range 10.8.9.0/25 x",
		  "lease range start ip 10.8.9.1 not in subnet 10.9.9.0/24" },
		{ "network create --subnet 10.9.9.0/31 x", "has no room for pods" },
		{ "network create --subnet 127.0.0.0/16 x", "is already used on the host" },
		{ "network create --subnet foo x", "invalid CIDR address: foo" },
		{ "network create -o vlan=3 x", "vlan is not supported" },
		{ "network create -o foo=3 x", "unsupported bridge network option foo" },
		{ "network create -o mtu=7 x", "mtu '7' is not a number from 68" },
		{ "network create -d macvlan x", "driver macvlan is not supported" },
		{ "network create --route 10.0.0.0/8,10.9.9.1 x", "route" },
		{ "network create --interface-name lo x", "is no name of a bridge" },
		{ "network create --interface-name " HOST_DEVICE " x", "already in use" },
		{ "run --network nosuch payload true", "network not found" },
		{ "run --network podium:ip=10.9.9.9 payload true", "not in any subnet" },
		{ "run --network podium:mac=01:02:03:04:05:06 payload true", "is that of a group" },
		{ "network connect nosuch nosuch", "no container" },
		{ "network reload", "you must provide at least one name or id" },
	};

	check_output(0, "podium\n", NULL, "network ls -q"); /* and the default one is chosen */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_output(125, "", cases[i].err, cases[i].line);
	check_output(0, "podium\n", NULL, "network ls -q");
	check_output(0, "", NULL, "ps -aq");
}

/* ---- what gets through ------------------------------------------------------------------ */

static void start(const char *name, const char *flags, const char *image, const char *words)
{
	MUST(0, "run -d --name %s %s %s %s", name, flags, image, words);
}

static char *address_of(const char *container, const char *device, int family)
{
	cleanup_result struct result r = podium("exec %s ip -%d -o addr show dev %s scope global",
						container, family, device);
	const char *at = strstr(r.out, family == 4 ? "inet " : "inet6 ");

	if (!CHECK(r.code == 0 && at, "%s has no address at %s: %s%s", container, device, r.out,
		   r.err))
		return xstrdup("");
	at = strchr(at, ' ') + 1;
	return xstrndup(at, strcspn(at, "/ \n"));
}

/* The answer of payload's httpd at an address, asked for in a container; empty: none. */
static char *fetch(const char *container, const char *address)
{
	cleanup_result struct result r =
		podium("exec %s sh -c 'echo GET / | nc -w 1 %s 8080'", container, address);

	return xstrdup(strstr(r.out, " 200 ") ? r.out : "");
}

static bool is_reached(const char *container, const char *address)
{
	cleanup_free char *text = NULL;

	return WAIT_UNTIL((free(text), text = fetch(container, address), *text != '\0'), 6000);
}

static bool is_cut_off(const char *container, const char *address)
{
	cleanup_free char *text = fetch(container, address);

	return *text == '\0';
}

static void test_between_networks(void)
{
	MUST(0, "network create --disable-dns --subnet 10.77.11.0/24 open1");
	MUST(0, "network create --disable-dns --subnet 10.77.12.0/24 open2");
	MUST(0, "network create --disable-dns --subnet 10.77.13.0/24 -o isolate=true iso1");
	MUST(0, "network create --disable-dns --subnet 10.77.14.0/24 -o isolate=true iso2");
	MUST(0, "network create --disable-dns --subnet 10.77.15.0/24 --internal inner");
	start("s1", "--network open1:ip=10.77.11.50", "payload", "httpd 8080 one");
	start("s2", "--network iso1:ip=10.77.13.50", "payload", "httpd 8080 two");
	start("s3", "--network inner:ip=10.77.15.50", "payload", "httpd 8080 three");
	start("c1", "--cap-add net_admin --network open2", "busybox", "sleep 1000");
	start("c2", "--network iso2", "busybox", "sleep 1000");
	start("c3", "--cap-add net_admin --network inner", "busybox", "sleep 1000");
	start("c4", "--network open2 --network iso1 --network inner", "busybox", "sleep 1000");
	CHECK(is_reached("c1", "10.77.11.50"), "networks do not reach each other");
	CHECK(is_reached("c1", "10.77.13.50"),
	      "an isolated network is shut for others that are not");
	CHECK(is_reached("c4", "10.77.13.50"), "a pod does not reach its second network");
	CHECK(is_reached("c4", "10.77.15.50"), "a pod does not reach its third network");
	CHECK(is_reached("c3", "10.77.15.50"), "an internal network has no inside");
	CHECK(is_cut_off("c2", "10.77.13.50"), "isolated networks reach each other");
	/* Its own default route does not help it out, nor anybody in. */
	MUST(0, "exec c3 ip route add default via 10.77.15.1");
	CHECK(is_cut_off("c3", "10.77.11.50"), "an internal network has a way out");
	CHECK(is_cut_off("c1", "10.77.15.50"), "an internal network has a way in");
	check_output(125, "", "cannot be published: the networks are all internal",
		     "run -d -p 7200:80 --network inner payload sleep 1");
	MUST(0, "network rm -f -t 0 open1 open2 iso1 iso2 inner");
}

/* The twins of what keeps networks apart: without the rules there is a way. */
static void test_between_twins(void)
{
	(void)setenv("PODIUM_WEAKEN", "NET-isolate", 1);
	MUST(0, "network create --disable-dns --subnet 10.77.16.0/24 -o isolate=true iso3");
	MUST(0, "network create --disable-dns --subnet 10.77.17.0/24 -o isolate=true iso4");
	MUST(0, "network create --disable-dns --subnet 10.77.18.0/24 --internal inner2");
	start("s4", "--network iso3:ip=10.77.16.50", "payload", "httpd 8080 four");
	start("c5", "--network iso4", "busybox", "sleep 1000");
	(void)setenv("PODIUM_WEAKEN", "NET-internal", 1);
	start("c6", "--cap-add net_admin --network inner2", "busybox", "sleep 1000");
	CHECK(is_reached("c5", "10.77.16.50"), "NET-isolate: the twin is cut off, too");
	MUST(0, "exec c6 ip route add default via 10.77.18.1");
	CHECK(is_reached("c6", "10.77.16.50"), "NET-internal: the twin is cut off, too");
	MUST(0, "network rm -f -t 0 iso3 iso4 inner2");
	(void)unsetenv("PODIUM_WEAKEN");
}

static void test_several(void)
{
	cleanup_free char *six = NULL;
	cleanup_result struct result r = { 0 };

	MUST(0, "network create --disable-dns --internal --subnet 10.77.21.0/24 in");
	MUST(0, "network create --disable-dns --subnet 10.77.22.0/24 --subnet fd77:22::/64 out");
	start("m",
	      "--network in --network "
	      "out:ip=10.77.22.9,ip6=fd77:22::99,mac=92:d0:c6:0a:29:33,interface_name=out0 "
	      "-p 7300:8080",
	      "busybox", "sleep 1000");
	r = podium("exec m ip link show out0");
	CHECK_HAS(r.out, "92:d0:c6:0a:29:33");
	result_done(&r);
	r = podium("exec m ip route");
	CHECK_HAS(r.out, "default via 10.77.22.1 dev out0");
	six = address_of("m", "out0", 6);
	CHECK_EQUAL(six, "fd77:22::99");
	{
		cleanup_result struct result eth0 = podium("exec m ip -6 addr show dev eth0");

		CHECK_LACKS(eth0.out, "inet6"); /* NET-9 for a network without IPv6 */
	}
	start("taken", "--network out", "busybox", "sleep 1000");
	check_output(125, NULL, "requested ip address 10.77.22.9 is already allocated",
		     "run -d --name late --network out:ip=10.77.22.9 payload sleep 1");
	/* Ports lead to the first network with a way in. */
	MUST(0, "exec -d m sh -c 'while true; do echo hi | nc -l -p 8080; done'");
	CHECK(WAIT_UNTIL(({
				 cleanup_free char *a =
					 wire_ask(-1, WIRE_TCP, "127.0.0.1", 7300, "x\n", 1000);
				 a &&strstr(a, "hi");
			 }),
			 6000),
	      "the published port does not answer");
	MUST(0, "rm -f -t 0 m taken late");
	MUST(0, "network rm in out");
}

static bool has_device(const char *container, const char *device)
{
	cleanup_result struct result r = podium("exec %s cat /proc/net/dev", container);

	return r.code == 0 && strstr(r.out, device) != NULL;
}

/* Out of the last network, as Podman: a loopback alone, after a restart too, until it is put into one. */
static void test_unplugged(void)
{
	cleanup_result struct result r = { 0 };

	MUST(0, "network create --disable-dns --subnet 10.77.38.0/24 plug");
	MUST(0, "network create --disable-dns --subnet 10.77.39.0/24 socket");
	start("lone", "--network plug -p 18338:80", "busybox", "httpd -f -p 80");
	CHECK(has_device("lone", "eth0"), "no device to begin with");
	MUST(0, "network disconnect plug lone");
	CHECK(!has_device("lone", "eth0"), "a device without a network");
	CHECK(has_device("lone", "lo:"), "no loopback");
	CHECK(is_inspected("lone", "{{json .NetworkSettings.Networks}}", "null"), "still there");
	CHECK(is_inspected("lone", "{{.HostConfig.NetworkMode}}", "bridge"), "another mode");
	r = podium("network disconnect plug lone");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "container lone is not connected to network plug");
	result_done(&r);
	MUST(0, "network rm plug");
	MUST(0, "restart -t 0 lone");
	CHECK(!has_device("lone", "eth0"), "plugged in by a restart");
	MUST(0, "network connect socket lone");
	CHECK(has_device("lone", "eth0"), "no device in the new network");
	r = run("curl -s -m 5 -o /dev/null -w %%{http_code} http://127.0.0.1:18338/");
	CHECK_EQUAL(r.out, "404");
	result_done(&r);
	MUST(0, "stop -t 0 lone");
	MUST(0, "network disconnect socket lone");
	MUST(0, "start lone");
	CHECK(!has_device("lone", "eth0"), "a stopped one was not taken out");
	MUST(0, "rm -f -t 0 lone");
	/* From the default network, which it never named. */
	start("lone", "", "busybox", "sleep 1000");
	MUST(0, "network disconnect podium lone");
	CHECK(!has_device("lone", "eth0"), "still in the default network");
	MUST(0, "network connect podium lone");
	CHECK(has_device("lone", "eth0"), "not in the default network again");
	MUST(0, "rm -f -t 0 lone");
	MUST(0, "network rm socket");
}

/* ---- names ------------------------------------------------------------------------------ */

static bool is_name(const char *container, const char *name, const char *address)
{
	cleanup_result struct result r = podium("exec %s nslookup %s", container, name);

	return r.code == 0 && strstr(r.out, address);
}

static bool is_name_soon(const char *container, const char *name, const char *address)
{
	return WAIT_UNTIL(is_name(container, name, address), 5000);
}

/* The resolver of the network with that gateway; 0: none. */
static pid_t resolver_pid(const char *gateway)
{
	cleanup_result struct result r =
		run("pgrep --ns %d --nslist net -f listen-address=%s", (int)getpid(), gateway);

	uint64_t pid = 0;

	r.out[strcspn(r.out, "\n")] = '\0';
	return r.code == 0 && parse_u64(r.out, INT32_MAX, &pid) == 0 ? (pid_t)pid : 0;
}

static void test_names(void)
{
	pid_t first;

	if (!has_resolver())
		return;
	MUST(0, "network create --subnet 10.77.31.0/24 names");
	start("web", "--network names:ip=10.77.31.50,alias=www", "payload", "sleep 1000");
	start("asks", "--network names", "busybox", "sleep 1000");
	CHECK(is_name_soon("asks", "web", "10.77.31.50"), "no answer for a container's name");
	CHECK(is_name_soon("asks", "www", "10.77.31.50"), "no answer for an alias");
	CHECK(is_name_soon("asks", "web.dns.podium", "10.77.31.50"),
	      "no answer for the whole name");
	/* Its next start has the names again. */
	MUST(0, "restart -t 0 web");
	CHECK(is_name_soon("asks", "www", "10.77.31.50"), "no answer after a restart");
	/* Dead: whoever comes next starts it again, and the names are there. */
	first = resolver_pid("10.77.31.1");
	if (CHECK(first > 0, "no resolver runs"))
		(void)kill(first, SIGKILL);
	CHECK(WAIT_UNTIL(resolver_pid("10.77.31.1") != first, 5000), "it does not die");
	start("more", "--network names:ip=10.77.31.60", "payload", "sleep 1000");
	CHECK(is_name_soon("asks", "web", "10.77.31.50"), "names are lost with the resolver");
	CHECK(is_name_soon("asks", "more", "10.77.31.60"), "no answer for a newcomer");
	MUST(0, "rm -f -t 0 more");
	CHECK(WAIT_UNTIL(!is_name("asks", "more", "10.77.31.60"), 5000), "a name outlives its pod");
	/* A pod that publishes port 53 gets nothing of it, and stands in nobody's way. */
	start("dns", "-p 53:53/udp", "payload", "udp-echo 53");
	CHECK(is_name_soon("asks", "web", "10.77.31.50"), "port 53 of a pod takes the questions");
	MUST(0, "rm -f -t 0 web asks dns");
	CHECK(WAIT_UNTIL(resolver_pid("10.77.31.1") == 0, 5000), "the resolver outlives the pods");
	MUST(0, "network rm names");
}

/* Is that name answered as it is, without a search domain? Of another kind than A it may not be. */
static bool is_whole_name(const char *container, const char *name, const char *address)
{
	cleanup_result struct result r = podium("exec %s nslookup %s.", container, name);

	return strstr(r.out, address) != NULL;
}

/* A name of one's own says nothing about others: not about a container that is really called so, nor
 * about a domain outside. What the user gives as an alias or a host name is answered as given. */
static void test_name_owners(void)
{
	if (!has_resolver())
		return;
	MUST(0, "network create --subnet 10.77.35.0/24 own");
	DISCARD(play_text("pair", "--network own:ip=10.77.35.60",
			  "apiVersion: v1\nkind: Pod\nmetadata: {name: pair}\nspec:\n"
			  "  terminationGracePeriodSeconds: 0\n  containers:\n"
			  "  - {name: web, image: payload, args: [sleep, '1000']}\n"));
	start("web", "--network own:ip=10.77.35.50", "payload", "sleep 1000");
	start("api.example.org", "--network own:ip=10.77.35.51", "payload", "sleep 1000");
	start("given", "--network own:ip=10.77.35.52,alias=db.example.org --hostname h.example.org",
	      "payload", "sleep 1000");
	start("asks", "--network own", "busybox", "sleep 1000");
	CHECK(is_name_soon("asks", "given", "10.77.35.52"), "no answer for a container's name");
	CHECK(is_name_soon("asks", "pair", "10.77.35.60"), "no answer for a pod's name");
	CHECK(is_name("asks", "pair-web", "10.77.35.60"), "no answer for a member's full name");
	CHECK(is_name("asks", "web", "10.77.35.50"), "no answer for the one that is called so");
	CHECK(!is_name("asks", "web", "10.77.35.60"), "a member's short name is answered");
	CHECK(!is_whole_name("asks", "api.example.org", "10.77.35.51"), "a domain is hijacked");
	CHECK(is_whole_name("asks", "api.example.org.dns.podium", "10.77.35.51"),
	      "a dotted name is not in the network's own domain");
	CHECK(is_whole_name("asks", "db.example.org", "10.77.35.52"), "no answer for an alias");
	CHECK(is_whole_name("asks", "h.example.org", "10.77.35.52"), "no answer for a host name");
	(void)setenv("PODIUM_WEAKEN", "NET-dots", 1);
	start("www.example.org", "--network own:ip=10.77.35.53", "payload", "sleep 1000");
	(void)unsetenv("PODIUM_WEAKEN");
	CHECK(WAIT_UNTIL(is_whole_name("asks", "www.example.org", "10.77.35.53"), 5000),
	      "the twin hijacks nothing");
	MUST(0, "pod rm -f -t 0 pair");
	MUST(0, "network rm -f -t 0 own");
}

/* The port of the network's resolver. */
static int resolver_port(const char *network)
{
	cleanup_free char *path = xasprintf("%s/net/%s/resolver.json", harness.runroot, network);
	cleanup_free char *text = read_file(path);
	const char *at = text ? strstr(text, "\"port\":") : NULL;
	int port = 0;

	return at && sscanf(at, "\"port\":%d", &port) == 1 ? port : 0;
}

static bool is_answered(const char *container, const char *gateway, int port)
{
	cleanup_result struct result r =
		podium("exec %s timeout 3 nslookup svc.dns.podium %s:%d", container, gateway, port);

	return r.code == 0 && strstr(r.out, "10.77.36.50") != NULL;
}

/* One network's names are nobody else's: the same name in another network is another container, and the
 * resolver does not answer questions that come over another bridge. */
static void test_names_apart(void)
{
	int port;

	if (!has_resolver())
		return;
	MUST(0, "network create --subnet 10.77.36.0/24 left");
	MUST(0, "network create --subnet 10.77.37.0/24 right");
	start("a", "--network left:ip=10.77.36.50,alias=svc", "payload", "sleep 1000");
	start("b", "--network right:ip=10.77.37.50,alias=svc", "payload", "sleep 1000");
	start("la", "--network left", "busybox", "sleep 1000");
	start("rb", "--network right", "busybox", "sleep 1000");
	CHECK(is_name_soon("la", "svc", "10.77.36.50"), "no answer on the left");
	CHECK(is_name_soon("rb", "svc", "10.77.37.50"), "no answer on the right");
	CHECK(!is_name("la", "svc", "10.77.37.50"), "the right's name on the left");
	CHECK(!is_name("rb", "a", "10.77.36.50"), "the left's container on the right");
	port = resolver_port("left");
	CHECK(port > 0, "no port");
	CHECK(is_answered("la", "10.77.36.1", port), "its own network is not answered");
	CHECK(!is_answered("rb", "10.77.36.1", port), "another bridge is answered");
	CHECK(!is_answered("rb", "10.77.36.1", 53), "another bridge is answered at port 53");
	MUST(0, "rm -f -t 0 a la");
	(void)setenv("PODIUM_WEAKEN", "NET-names", 1);
	MUST(0, "network rm left");
	MUST(0, "network create --subnet 10.77.36.0/24 left");
	start("a", "--network left:ip=10.77.36.50,alias=svc", "payload", "sleep 1000");
	(void)unsetenv("PODIUM_WEAKEN");
	port = resolver_port("left");
	CHECK(WAIT_UNTIL(is_answered("rb", "10.77.36.1", port), 5000), "the twin answers nobody");
	MUST(0, "network rm -f -t 0 left right");
}

/* NET-11. A server of the host's stands in resolv.conf; has it been asked? */
static bool is_upstream_asked(int upstream, const char *container)
{
	char question[512];

	while (recv(upstream, question, sizeof(question), MSG_DONTWAIT) > 0)
		; /* of before */
	DISCARD(podium("exec %s sh -c 'nslookup example.org & sleep 0.5; kill $!'", container));
	return recv(upstream, question, sizeof(question), MSG_DONTWAIT) > 0;
}

static void internal_names(int upstream)
{
	cleanup_result struct result outside = { 0 };

	MUST(0, "network create --internal --subnet 10.77.32.0/24 shut");
	MUST(0, "network create --subnet 10.77.33.0/24 ajar");
	start("in1", "--network shut:ip=10.77.32.50", "payload", "sleep 1000");
	start("in2", "--network shut", "busybox", "sleep 1000");
	start("out", "--network ajar", "busybox", "sleep 1000");
	CHECK(is_name_soon("in2", "in1", "10.77.32.50"), "no names in an internal network");
	CHECK(is_upstream_asked(upstream, "out"), "an open network asks nobody");
	CHECK(!is_upstream_asked(upstream, "in2"), "an internal network's question got out");
	outside = podium("exec in2 nslookup example.org");
	CHECK(outside.code != 0, "an internal network's question was answered: %s", outside.out);
	CHECK_HAS(outside.out, "REFUSED");
	(void)setenv("PODIUM_WEAKEN", "NET-11", 1);
	MUST(0, "network create --internal --subnet 10.77.34.0/24 twin");
	start("in3", "--network twin", "busybox", "sleep 1000");
	CHECK(is_upstream_asked(upstream, "in3"), "the twin asks nobody");
	(void)unsetenv("PODIUM_WEAKEN");
	MUST(0, "network rm -f -t 0 shut ajar twin");
}

static void test_internal_names(void)
{
	cleanup_free char *file = xasprintf("%s/resolv.conf", harness.work);
	int upstream;

	if (!has_resolver())
		return;
	write_file(file, "nameserver " HOST_ADDRESS "\n");
	upstream = wire_listen(WIRE_UDP, HOST_ADDRESS, 53);
	if (!CHECK(upstream >= 0, "no server") ||
	    !CHECK(mount(file, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0, "bind"))
		return;
	internal_names(upstream);
	CHECK(umount2("/etc/resolv.conf", MNT_DETACH) == 0, "unbind");
	(void)close(upstream);
}

static void test_connect(void)
{
	cleanup_result struct result r = { 0 };

	if (!has_resolver())
		return;
	MUST(0, "network create --subnet 10.77.41.0/24 here");
	MUST(0, "network create --subnet 10.77.42.0/24 there");
	start("moves", "--network here", "busybox", "sleep 1000");
	start("stays", "--network there", "busybox", "sleep 1000");
	check_output(0, "", NULL, "network connect --ip 10.77.42.50 --alias mover there moves");
	CHECK(is_name_soon("stays", "mover", "10.77.42.50"),
	      "no answer for one that was connected");
	r = podium("exec moves cat /etc/resolv.conf");
	CHECK_EQUAL(r.out, "search dns.podium\nnameserver 10.77.41.1\nnameserver 10.77.42.1\n");
	check_output(125, "", "network is already connected", "network connect there moves");
	check_output(0, "", NULL, "network disconnect here moves");
	result_done(&r);
	r = podium("exec moves ip -o -4 addr");
	CHECK_LACKS(r.out, "10.77.41.");
	CHECK_HAS(r.out, "10.77.42.50");
	result_done(&r);
	r = podium("exec moves ip route");
	CHECK_HAS(r.out, "default via 10.77.42.1 dev eth1");
	check_output(125, "", "network is not connected", "network disconnect here moves");
	CHECK(WAIT_UNTIL(resolver_pid("10.77.41.1") == 0, 5000), "a resolver without pods runs on");
	/* It stands in the record: a new start has it, too. */
	MUST(0, "stop -t 0 moves");
	MUST(0, "network connect here moves");
	MUST(0, "start moves");
	result_done(&r);
	r = podium("exec moves ip -o -4 addr");
	CHECK_HAS(r.out, "10.77.41.");
	CHECK_HAS(r.out, "10.77.42.50");
	MUST(0, "network rm -f -t 0 here there");
}

/* Published ports lead to the first network with a way in, also when that becomes another one. */
static void test_ports_move(void)
{
	cleanup_free char *first = NULL, *second = NULL;

	MUST(0, "network create --disable-dns --subnet 10.77.43.0/24 pa");
	MUST(0, "network create --disable-dns --subnet 10.77.44.0/24 pb");
	start("moving", "-p 7600:8080 --network pa", "payload", "httpd 8080 hello");
	first = wire_http_wait("127.0.0.1", 7600, "/");
	CHECK_EQUAL(first, "hello\n");
	MUST(0, "network connect pb moving");
	(void)setenv("PODIUM_FAIL", "netlink:1:EMFILE", 1);
	check_output(125, "", "Too many open files", "network disconnect pa moving");
	(void)unsetenv("PODIUM_FAIL");
	check_output(0, "moving\n", NULL, "ps --filter network=pa --format '{{.Names}}'");
	check_output(0, "moving\n", NULL, "ps --filter network=pb --format '{{.Names}}'");
	MUST(0, "network disconnect pa moving");
	second = wire_http_wait("127.0.0.1", 7600, "/");
	CHECK_EQUAL(second, "hello\n");
	check_output(0, "moving\n", NULL, "ps --filter network=pb --format '{{.Names}}'");
	check_output(0, "", NULL, "ps --filter network=pa --format '{{.Names}}'");
	MUST(0, "network rm -f -t 0 pa pb");
}

/* What the host's kernel has of bridges and tables. */
static char *kernel_objects(void)
{
	cleanup_result struct result links = run("ip -br link show type bridge");
	cleanup_result struct result tables = run("nft list tables");

	return xasprintf("%s%s", links.out, tables.out);
}

static void test_removed(void)
{
	cleanup_free char *before = kernel_objects(), *after = NULL;

	if (!has_resolver())
		return;
	MUST(0, "network create --subnet 10.77.71.0/24 goes");
	start("last", "--network goes -p 7700:80", "payload", "sleep 1000");
	CHECK(resolver_pid("10.77.71.1") > 0, "no resolver runs");
	MUST(0, "rm -f -t 0 last");
	CHECK(WAIT_UNTIL(resolver_pid("10.77.71.1") == 0, 5000), "the resolver outlives the pod");
	check_output(0, "goes\n", NULL, "network rm goes");
	after = kernel_objects();
	CHECK_EQUAL(after, before);
	CHECK(!exists("%s/net/goes", harness.runroot), "the network's directory is left");
}

/* [network] of containers.conf: where subnets come from, and what those get who name no network. */
static void test_conf(void)
{
	cleanup_free char *file = xasprintf("%s/containers.conf", harness.work);

	write_file(file, "[network]\ndefault_network = \"mine\"\n"
			 "default_subnet_pools = [{ base = \"10.78.0.0/23\", size = 24 }]\n");
	(void)setenv("CONTAINERS_CONF", file, 1);
	MUST(0, "network create --disable-dns mine");
	MUST(0, "network create --disable-dns other");
	check_output(125, "", "every subnet of the pools in containers.conf is in use",
		     "network create --disable-dns third");
	check_output(125, "", "network not found", "network inspect third --format '{{.Name}}'");
	start("byconf", "", "payload", "sleep 1000");
	start("byname", "--network podium", "payload", "sleep 1000");
	check_output(0, "byconf\n", NULL, "ps --filter network=mine --format '{{.Names}}'");
	MUST(0, "pod create --name podbyconf");
	check_output(0, "podbyconf\n", NULL, "pod ps --filter network=mine --format '{{.Name}}'");
	MUST(0, "pod rm podbyconf");
	for (int host = 0; host < 2; host++) {
		cleanup_result struct result r = play_text(
			host ? "hosted" : "played", "",
			host ? "apiVersion: v1\nkind: Pod\nmetadata: {name: hosted}\nspec:\n"
			       "  hostNetwork: true\n  terminationGracePeriodSeconds: 0\n"
			       "  containers:\n"
			       "  - {name: c, image: payload, args: [sleep, '1000']}\n"
			     : "apiVersion: v1\nkind: Pod\nmetadata: {name: played}\nspec:\n"
			       "  terminationGracePeriodSeconds: 0\n  containers:\n"
			       "  - {name: c, image: payload, args: [sleep, '1000']}\n");

		CHECK_CODE(r, 0);
	}
	check_output(0, "played\n", NULL, "pod ps --filter network=mine --format '{{.Name}}'");
	MUST(0, "pod rm -f -t 0 played hosted");
	check_output(0, "byname\n", NULL, "ps --filter network=podium --format '{{.Names}}'");
	MUST(0, "network rm -f -t 0 mine other");
	check_output(125, NULL, "network with name or ID mine", "run --rm payload true");
	write_file(file,
		   "[network]\ndefault_subnet_pools = [{ base = \"10.78.0.0/23\", size = 8 }]\n");
	check_output(125, "", "containers.conf: subnet pool '10.78.0.0/23'", "network create x");
	(void)unsetenv("CONTAINERS_CONF");
	MUST(0, "rm -f -t 0 byname");
}

/* Somebody else's chain that drops what is forwarded is named. */
static void test_forward_policy(void)
{
	cleanup_result struct result before = podium("info"), after = { 0 };

	CHECK_LACKS(before.out, "is drop");
	write_file("drop.nft", "table ip other {\n\tchain FORWARD {\n\t\ttype filter hook forward "
			       "priority 0; policy drop;\n\t}\n}\n");
	after = run("nft -f %s/drop.nft", harness.work);
	CHECK_CODE(after, 0);
	result_done(&after);
	after = podium("info");
	CHECK_HAS(after.out, "chain 'ip other FORWARD' is drop");
	DISCARD(run("nft delete table ip other"));
}

/* NET-10 */
static void test_reload(void)
{
	cleanup_result struct result before = { 0 }, after = { 0 };

	MUST(0, "network create --disable-dns --subnet 10.77.51.0/24 re");
	start("r1", "-p 7400:8080 --network re", "payload", "httpd 8080 hello");
	before = run("nft list ruleset");
	DISCARD(run("nft flush ruleset"));
	MUST(0, "network reload r1");
	after = run("nft list ruleset");
	CHECK_EQUAL(after.out, before.out);
	{
		cleanup_free char *text = wire_http_wait("127.0.0.1", 7400, "/");

		CHECK_EQUAL(text, "hello\n");
	}
	MUST(0, "network rm -f -t 0 re");
}

/* ---- crashes ---------------------------------------------------------------------------- */

/* kill -9 at each step of a pod's way into two networks, and of making and removing one. */
static void test_killed(void)
{
	static const char *const stages[] = { "net:lease", "net:veth", "net:resolver",
					      "net:publish", "net:connected" };
	cleanup_snapshot struct snapshot before;

	if (!has_resolver())
		return;
	MUST(0, "network create --subnet 10.77.61.0/24 k1");
	MUST(0, "network create --subnet 10.77.62.0/24 k2");
	start("warm", "--network k1 --network k2", "payload", "sleep 1000");
	MUST(0, "rm -f -t 0 warm");
	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		(void)setenv("PODIUM_STOP_AT", stages[i], 1);
		DISCARD(podium("run -d --name k --network k1 --network k2 -p 7500:80 payload sleep "
			       "1000"));
		(void)unsetenv("PODIUM_STOP_AT");
		MUST(0, "rm -f -t 0 k");
		CHECK_NOTHING_LEFT(&before, stages[i]);
		start("k", "--network k1 --network k2 -p 7500:80", "payload", "sleep 1000");
		MUST(0, "rm -f -t 0 k");
		CHECK_NOTHING_LEFT(&before, stages[i]);
	}
	(void)setenv("PODIUM_STOP_AT", "net:remove", 1);
	DISCARD(podium("network rm k2"));
	(void)setenv("PODIUM_STOP_AT", "net:create", 1);
	DISCARD(podium("network create k3"));
	(void)unsetenv("PODIUM_STOP_AT");
	MUST(0, "network rm k1 k2");
	check_output(0, "podium\n", NULL, "network ls -q");
}

/* A connect that came when its pod was on its way down leaves what nobody takes away any more. */
static void test_dead_pods(void)
{
	MUST(0, "network create --disable-dns dead");
	MUST(0, "run -d --name dies --network dead payload sleep 0");
	DISCARD(run("cp -a %s/net/dead %s/kept-dead", harness.runroot, harness.work));
	MUST(2, "network rm dead");
	MUST(0, "rm -f -t 0 dies");
	DISCARD(run("cp -a %s/kept-dead/leases %s/kept-dead/pods %s/net/dead/", harness.work,
		    harness.work, harness.runroot));
	MUST(0, "network rm dead");
	CHECK(!exists("%s/net/dead", harness.runroot), "leases are left");
}

static CU_TestInfo tests[] = {
	{ "commands", test_commands },
	{ "what is refused", test_refused },
	{ "between networks", test_between_networks },
	{ "what keeps them apart is what does", test_between_twins },
	{ "several networks", test_several },
	{ "names", test_names },
	{ "out of the last network", test_unplugged },
	{ "whose a name is", test_name_owners },
	{ "names of two networks", test_names_apart },
	{ "names of an internal network", test_internal_names },
	{ "connect and disconnect", test_connect },
	{ "ports move with the networks", test_ports_move },
	{ "nothing of a removed one is left", test_removed },
	{ "what a dead pod has left", test_dead_pods },
	{ "containers.conf", test_conf },
	{ "a forward policy of drop", test_forward_policy },
	{ "reload", test_reload },
	{ "killed on the way", test_killed },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "networks", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
