/* SPDX-License-Identifier: Apache-2.0 */
/* netlink - builders: lengths are checked, bytes are as reviewed; and what comes back from the
 * kernel. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/net/addr.h"
#include "engine/net/link.h"
#include "engine/net/neigh.h"
#include "engine/net/network.h"
#include "engine/net/route.h"
#include "tests/support/cunit_main.h"
#include "tests/support/netgolden.h"
#include "tests/support/netlab.h"

static struct ip_addr ip(const char *text)
{
	struct ip_addr a = { 0 };

	CU_ASSERT_EQUAL(ip_parse(text, &a), 0);
	return a;
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p = { 0 };

	CU_ASSERT_EQUAL(ip_prefix_parse(text, &p), 0);
	return p;
}

/* ---- addresses -------------------------------------------------------------------------- */

static void test_ip_text(void)
{
	static const char *const good[] = { "127.0.0.1", "0.0.0.0", "fd00::2",
					    "::", "2001:db8::1" };
	static const char *const bad[] = { "",	       "1.2.3",	    "1.2.3.256", "1.2.3.4 ",
					   "01.2.3.4", "localhost", "::1%lo",	 "fd00::2/64" };
	struct ip_addr a;
	char text[IP_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		a = ip(good[i]);
		CU_ASSERT_STRING_EQUAL(ip_format(&a, text), good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(ip_parse(bad[i], &a), -EINVAL);
	a = (struct ip_addr){ 0 };
	CU_ASSERT_STRING_EQUAL(ip_format(&a, text), "");
	CU_ASSERT(is_ip_any(&(struct ip_addr){ .family = AF_INET6 }));
	a = ip("10.0.0.0");
	CU_ASSERT_FALSE(is_ip_any(&a));
}

static void test_prefixes(void)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{ "10.89.0.0/16", "10.89.5.0/24", true },  { "10.89.5.0/24", "10.89.0.0/16", true },
		{ "10.89.0.0/16", "10.90.0.0/16", false }, { "10.88.0.0/15", "10.89.0.0/16", true },
		{ "10.88.0.0/15", "10.90.0.0/16", false }, { "0.0.0.0/0", "10.89.0.0/16", true },
		{ "fd00::/64", "fd00:0:0:1::/64", false }, { "fd00::/63", "fd00:0:0:1::/64", true },
		{ "10.89.0.1/32", "10.89.0.2/32", false }, { "10.89.0.1/32", "10.89.0.1/32", true },
		{ "::/0", "10.89.0.0/16", false },
	};
	static const char *const bad[] = { "10.0.0.0",	 "10.0.0.0/33", "10.0.0.0/",
					   "fd00::/129", "/16",		"10.0.0.0/-1" };
	struct ip_prefix p, q;
	struct ip_addr a;
	char text[IP_TEXT_MAX + 4];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		p = prefix(cases[i].a);
		q = prefix(cases[i].b);
		CU_ASSERT_EQUAL(is_ip_prefix_overlapping(&p, &q), cases[i].overlap);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(ip_prefix_parse(bad[i], &p), -EINVAL);
	p = prefix("10.89.0.0/16");
	a = ip_prefix_at(&p, 258);
	CU_ASSERT_STRING_EQUAL(ip_format(&a, text), "10.89.1.2");
	CU_ASSERT_STRING_EQUAL(ip_prefix_format(&p, text), "10.89.0.0/16");
	p = prefix("fd12:3456:789a::/64");
	a = ip_prefix_at(&p, 258);
	CU_ASSERT_STRING_EQUAL(ip_format(&a, text), "fd12:3456:789a::102");
}

/* ---- lengths ---------------------------------------------------------------------------- */

static void test_overflow(void)
{
	cleanup_nl struct nl_sock s = NL_SOCK_INIT;
	char big[400] = { 'x' };
	struct error err = { 0 };
	struct nl_batch b;

	CU_ASSERT_EQUAL(nl_open(&s, NETLINK_ROUTE, &err), 0);
	/* Every size up to beyond the end: never a byte past it (the sanitizer build watches). */
	for (size_t len = 0; len < sizeof(big); len++) {
		nl_batch_init(&b, 256);
		(void)nl_message(&b, RTM_NEWLINK, 0, sizeof(struct ifinfomsg), "probe");
		nl_put(&b, IFLA_IFNAME, big, len);
		CU_ASSERT_EQUAL(b.overflow, NLMSG_HDRLEN + 16 + 4 + NLMSG_ALIGN(len) > 256);
		nl_put_u32(&b, IFLA_MTU, 1);
		CU_ASSERT(b.len <= b.cap);
		nl_batch_done(&b);
	}
	nl_batch_init(&b, 64);
	(void)nl_message(&b, RTM_NEWLINK, NLM_F_ACK, sizeof(struct ifinfomsg), "probe");
	nl_put(&b, IFLA_IFNAME, big, 100);
	(void)nl_message(&b, RTM_NEWLINK, NLM_F_ACK, sizeof(struct ifinfomsg), "probe");
	CU_ASSERT_EQUAL(nl_send(&s, &b, &err), -EMSGSIZE);
	nl_batch_done(&b);
}

static void test_long_attributes(void)
{
	cleanup_free char *big = xcalloc(1, 70000);
	struct nl_batch b;
	size_t nest;

	/* One attribute of more than 16 bits of length. */
	nl_batch_init(&b, 200000);
	(void)nl_message(&b, RTM_NEWLINK, 0, sizeof(struct ifinfomsg), "probe");
	nl_put(&b, IFLA_IFNAME, big, 65531);
	CU_ASSERT_FALSE(b.overflow);
	nl_put(&b, IFLA_IFNAME, big, 65532);
	CU_ASSERT_TRUE(b.overflow);
	nl_batch_done(&b);
	/* A nest that grows beyond them. */
	nl_batch_init(&b, 200000);
	(void)nl_message(&b, RTM_NEWLINK, 0, sizeof(struct ifinfomsg), "probe");
	nest = nl_nest(&b, IFLA_LINKINFO);
	nl_put(&b, 1, big, 40000);
	nl_put(&b, 1, big, 40000);
	CU_ASSERT_FALSE(b.overflow);
	nl_nest_end(&b, nest);
	CU_ASSERT_TRUE(b.overflow);
	nl_batch_done(&b);
	/* Too many messages. */
	nl_batch_init(&b, 200000);
	for (int i = 0; i < NL_BATCH_MESSAGES_MAX; i++)
		(void)nl_message(&b, RTM_NEWLINK, 0, 0, "probe");
	CU_ASSERT_FALSE(b.overflow);
	(void)nl_message(&b, RTM_NEWLINK, 0, 0, "probe");
	CU_ASSERT_TRUE(b.overflow);
	nl_batch_done(&b);
}

/* ---- golden messages -------------------------------------------------------------------- */

static void test_golden_links(void)
{
	struct link_veth v = { .name = "pod0123456789a0",
			       .bridge_index = 3,
			       .peer = "eth0",
			       .peer_netns_fd = 9,
			       .peer_mac = { 0x62, 0x70, 10, 89, 0, 2 } };
	const uint8_t mac[LINK_MAC_LEN] = { 0x62, 0x70, 10, 89, 0, 1 };
	struct nl_batch b;

	nl_batch_init(&b, 4096);
	link_add_bridge(&b, "podium0", mac, LINK_GROUP);
	link_set_route_localnet(&b, 3);
	link_set_no_addrgen(&b, 3);
	link_set_up(&b, 3);
	link_add_veth(&b, &v);
	link_remove(&b, 3);
	CU_ASSERT(is_golden(&b, "link.hex"));
	nl_batch_done(&b);
}

static void test_golden_addresses(void)
{
	struct ip_addr four = ip("10.89.0.2"), six = ip("fd12:3456:789a::2");
	struct ip_addr gateway4 = ip("10.89.0.1"), gateway6 = ip("fd12:3456:789a::1"), ll;
	uint8_t mac[LINK_MAC_LEN];
	char text[IP_TEXT_MAX];
	struct nl_batch b;

	network_mac(&four, mac);
	ll = addr_link_local(mac);
	CU_ASSERT_STRING_EQUAL(ip_format(&ll, text), "fe80::6070:aff:fe59:2");
	nl_batch_init(&b, 4096);
	addr_add(&b, 2, &four, 16);
	addr_add(&b, 2, &six, 64);
	route_add_default(&b, 2, &gateway4);
	route_add_default(&b, 2, &gateway6);
	neigh_add(&b, 2, &gateway4, mac);
	neigh_add(&b, 2, &gateway6, mac);
	CU_ASSERT(is_golden(&b, "addr.hex"));
	nl_batch_done(&b);
}

/* ---- the kernel's side ------------------------------------------------------------------ */

static void test_refusals_are_named(void)
{
	struct error err = { 0 };
	struct nl_sock s = NL_SOCK_INIT;
	struct ip_addr a = ip("10.1.2.3");
	struct nl_batch b;
	struct lab l;

	if (!lab_enter(&l)) {
		test_skipped++;
		return;
	}
	CU_ASSERT_EQUAL(nl_open(&s, NETLINK_ROUTE, &err), 0);
	CU_ASSERT_EQUAL(nl_device_index(&s, "lo"), 1);
	CU_ASSERT_EQUAL(nl_device_index(&s, "nothing"), -ENODEV);
	CU_ASSERT_EQUAL(nl_device_index(&s, "a-name-of-more-than-15"), -ENODEV);
	/* The second of three fails: the error names it, the others were done. */
	nl_batch_init(&b, 1024);
	addr_add(&b, 1, &a, 32);
	addr_add(&b, 4711, &a, 32);
	link_set_up(&b, 1);
	CU_ASSERT_EQUAL(nl_send(&s, &b, &err), -ENODEV);
	CU_ASSERT_PTR_EQUAL(strstr(err.text, "add address: No such device"), err.text);
	nl_batch_done(&b);
	/* The kernel's own words come along. */
	nl_batch_init(&b, 1024);
	a = ip("10.99.99.99");
	route_add_default(&b, 1, &a);
	CU_ASSERT(nl_send(&s, &b, &err) < 0);
	CU_ASSERT_PTR_EQUAL(strstr(err.text, "add default route: "), err.text);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, " ("));
	nl_batch_done(&b);
	CU_ASSERT_EQUAL(link_wait_up(&s, "nothing", 10, &err), -ENODEV);
	nl_close(&s);
	nl_close(&s);
	lab_leave(&l);
}

static void test_routes(void)
{
	static const struct {
		const char *prefix;
		bool is_free;
	} cases[] = { { "10.89.0.0/16", true },	  { "10.1.0.0/16", false },
		      { "127.0.0.0/16", false },  { "192.0.2.0/25", false },
		      { "192.0.3.0/24", true },	  { "2001:db8::/64", false },
		      { "2001:db8:1::/64", true } };
	struct error err = { 0 };
	struct nl_sock s = NL_SOCK_INIT;
	struct ip_addr a = ip("10.1.2.3");
	struct nl_batch b;
	struct lab l;

	if (!lab_enter(&l)) {
		test_skipped++;
		return;
	}
	lab_wire(&l, lab_node(&l));
	CU_ASSERT_EQUAL(nl_open(&s, NETLINK_ROUTE, &err), 0);
	nl_batch_init(&b, 1024);
	addr_add(&b, 1, &a, 32);
	a = ip("192.0.2.2");
	route_add_default(&b, nl_device_index(&s, "up0"), &a); /* contains all, means nothing */
	CU_ASSERT_EQUAL(nl_send(&s, &b, &err), 0);
	nl_batch_done(&b);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip_prefix p = prefix(cases[i].prefix);
		bool is_free = !cases[i].is_free;

		CU_ASSERT_EQUAL(route_is_free(&s, &p, &is_free, &err), 0);
		CU_ASSERT_EQUAL(is_free, cases[i].is_free);
	}
	nl_close(&s);
	lab_leave(&l);
}

static void test_borrowed_socket(void)
{
	struct error err = { 0 };
	struct nl_sock s = NL_SOCK_INIT;
	int fd = -1, same;

	CU_ASSERT_EQUAL(nl_borrow(&s, NETLINK_ROUTE, &fd, &err), 0);
	CU_ASSERT(fd >= 0);
	CU_ASSERT(nl_fd(&s) != fd);
	CU_ASSERT_EQUAL(nl_device_index(&s, "lo"), 1);
	nl_close(&s);
	same = fd;
	CU_ASSERT_EQUAL(nl_borrow(&s, NETLINK_ROUTE, &fd, &err), 0);
	CU_ASSERT_EQUAL(fd, same);
	nl_close(&s);
	CU_ASSERT_EQUAL(close(fd), 0);
	CU_ASSERT_EQUAL(setenv("PODIUM_FAIL", "netlink:1:EMFILE", 1), 0);
	CU_ASSERT(nl_open(&s, NETLINK_ROUTE, &err) < 0);
	CU_ASSERT_EQUAL(unsetenv("PODIUM_FAIL"), 0);
	CU_ASSERT_PTR_NULL(s.sk);
}

static CU_TestInfo tests[] = { { "addresses", test_ip_text },
			       { "prefixes", test_prefixes },
			       { "overflow", test_overflow },
			       { "long attributes", test_long_attributes },
			       { "golden links", test_golden_links },
			       { "golden addresses", test_golden_addresses },
			       { "refusals are named", test_refusals_are_named },
			       { "routes", test_routes },
			       { "borrowed socket", test_borrowed_socket },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "netlink", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
