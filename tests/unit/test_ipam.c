/* SPDX-License-Identifier: Apache-2.0 */
/* ipam - leases and records as files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/net/ipam.h"
#include "engine/pod/spec.h"
#include "tests/support/cunit_main.h"

#define POD_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define POD_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char top[64];
static int runfd = -1, netfd = -1;
static struct ip_prefix net4, net6;
static struct error err;

static void set_up(void)
{
	(void)snprintf(top, sizeof(top), "/tmp/podium-ipam-XXXXXX");
	if (!mkdtemp(top))
		abort();
	runfd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	netfd = ipam_open(runfd, "podium", &err);
	CU_ASSERT(netfd >= 0);
	CU_ASSERT_EQUAL(ip_prefix_parse("10.89.0.0/16", &net4), 0);
	CU_ASSERT_EQUAL(ip_prefix_parse("fd12:3456:789a::/64", &net6), 0);
}

static void tear_down(void)
{
	(void)close(netfd);
	(void)close(runfd);
	CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, top, &err), 0);
}

/* A lease of whole subnets; six NULL: IPv4 alone. */
static int lease_of(const char *pod, const struct ip_prefix *four, const struct ip_prefix *six,
		    struct ipam_attachment *a)
{
	struct ipam_pool pool4, pool6 = { 0 };

	ipam_pool_whole(&pool4, four);
	if (six)
		ipam_pool_whole(&pool6, six);
	return ipam_lease(netfd, &pool4, &pool6, pod, a, &err);
}

/* The address that a pod gets, or "". */
static const char *lease(const char *pod, const struct ip_prefix *four, const struct ip_prefix *six)
{
	static char text[IP_TEXT_MAX];
	struct ipam_attachment a = { 0 };
	int r = lease_of(pod, four, six, &a);

	text[0] = '\0';
	if (r == 0 && six)
		CU_ASSERT_EQUAL(a.addr6.bytes[15], a.addr4.bytes[3]);
	return r == 0 ? ip_format(&a.addr4, text) : text;
}

static bool has(const char *path)
{
	return faccessat(netfd, path, F_OK, 0) == 0;
}

static void test_next_not_lowest(void)
{
	CU_ASSERT_STRING_EQUAL(lease(POD_A, &net4, &net6), "10.89.0.2");
	CU_ASSERT(has("leases/10.89.0.2") && has("leases/fd12:3456:789a::2"));
	CU_ASSERT_STRING_EQUAL(lease(POD_A, &net4, &net6), "10.89.0.3");
	CU_ASSERT_EQUAL(ipam_release(netfd, "10.89.0.2", POD_A, &err), 0);
	CU_ASSERT_EQUAL(ipam_release(netfd, "fd12:3456:789a::2", POD_A, &err), 0);
	CU_ASSERT_STRING_EQUAL(lease(POD_A, &net4, NULL), "10.89.0.4");
	CU_ASSERT(!has("leases/fd12:3456:789a::4"));
	/* Round the end: network, gateway and the last two are never given. */
	CU_ASSERT_EQUAL(ipam_set_last(netfd, 65532, &err), 0);
	CU_ASSERT_STRING_EQUAL(lease(POD_A, &net4, &net6), "10.89.255.253");
	CU_ASSERT_STRING_EQUAL(lease(POD_A, &net4, &net6), "10.89.0.2");
	CU_ASSERT_STRING_EQUAL(lease(POD_A, &net4, &net6), "10.89.0.5"); /* 3 and 4 are taken */
	CU_ASSERT_EQUAL(ipam_set_last(netfd, 4000000000u, &err), 0);
	CU_ASSERT_STRING_EQUAL(lease(POD_A, &net4, &net6), "10.89.0.6");
}

static void test_ipv6_taken(void)
{
	/* A lease of IPv6 alone: its IPv4 twin is not half taken. */
	int fd = openat(netfd, "leases/fd12:3456:789a::2", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
			0600);

	CU_ASSERT(fd >= 0);
	(void)close(fd);
	CU_ASSERT_STRING_EQUAL(lease(POD_A, &net4, &net6), "10.89.0.3");
	CU_ASSERT(!has("leases/10.89.0.2"));
}

static void test_full(void)
{
	struct ip_prefix tiny;
	struct ipam_attachment a = { 0 };

	CU_ASSERT_EQUAL(ip_prefix_parse("10.7.7.0/28", &tiny), 0);
	for (int i = 0; i < 12; i++)
		CU_ASSERT_STRING_NOT_EQUAL(lease(POD_A, &tiny, NULL), "");
	CU_ASSERT_EQUAL(lease_of(POD_A, &tiny, NULL, &a), -ENOSPC);
	CU_ASSERT_STRING_EQUAL(err.text, "subnet '10.7.7.0/28' has no free address");
	CU_ASSERT_EQUAL(ipam_release(netfd, "10.7.7.9", POD_A, &err), 0);
	CU_ASSERT_STRING_EQUAL(lease(POD_B, &tiny, NULL), "10.7.7.9");
}

static void test_release_only_own(void)
{
	int fd;

	CU_ASSERT_STRING_EQUAL(lease(POD_A, &net4, NULL), "10.89.0.2");
	CU_ASSERT_EQUAL(ipam_release(netfd, "10.89.0.2", POD_B, &err), 0);
	CU_ASSERT(has("leases/10.89.0.2"));
	CU_ASSERT_EQUAL(ipam_release(netfd, "10.89.0.2", POD_A, &err), 0);
	CU_ASSERT(!has("leases/10.89.0.2"));
	CU_ASSERT_EQUAL(ipam_release(netfd, "10.89.0.2", POD_A, &err), 0);
	/* One that names nobody (killed between creation and writing) is anybody's to end. */
	fd = openat(netfd, "leases/10.89.0.9", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)close(fd);
	CU_ASSERT_EQUAL(ipam_release(netfd, "10.89.0.9", POD_B, &err), 0);
	CU_ASSERT(!has("leases/10.89.0.9"));
}

static void test_record(void)
{
	struct net_port ports[] = { { 8001, 80, PORT_TCP, NULL },
				    { 53, 5353, PORT_UDP, "127.0.0.1" } };
	struct ipam_attachment a = { .hostname = (char *)(uintptr_t) "web",
				     .ports = ports,
				     .n_ports = 2 },
			       back = { 0 };

	CU_ASSERT_EQUAL(ipam_lookup(netfd, POD_A, &back, &err), -ENOENT);
	CU_ASSERT_EQUAL(lease_of(POD_A, &net4, &net6, &a), 0);
	CU_ASSERT_EQUAL(ipam_record(netfd, POD_A, &a, &err), 0);
	CU_ASSERT_EQUAL(ipam_lookup(netfd, POD_A, &back, &err), 0);
	CU_ASSERT(is_ip_equal(&a.addr4, &back.addr4));
	CU_ASSERT(is_ip_equal(&a.addr6, &back.addr6));
	CU_ASSERT_STRING_EQUAL(back.hostname, "web");
	CU_ASSERT_EQUAL(back.n_ports, 2);
	CU_ASSERT_EQUAL(back.ports[0].host_port, 8001);
	CU_ASSERT_PTR_NULL(back.ports[0].host_ip);
	CU_ASSERT_EQUAL(back.ports[1].protocol, PORT_UDP);
	CU_ASSERT_EQUAL(back.ports[1].container_port, 5353);
	CU_ASSERT_STRING_EQUAL(back.ports[1].host_ip, "127.0.0.1");
	ipam_attachment_done(&back);
	CU_ASSERT_EQUAL(ipam_forget(netfd, POD_A, &err), 0);
	CU_ASSERT_EQUAL(ipam_forget(netfd, POD_A, &err), 0);
	CU_ASSERT_EQUAL(ipam_lookup(netfd, POD_A, &back, &err), -ENOENT);
}

/* A record that does not read counts as none: removal then goes by the leases. */
static void test_corrupt_records(void)
{
	static const char *const bad[] = { "",
					   "{",
					   "[]",
					   "{\"address4\": 7}",
					   "{\"address4\": \"10.89.0\"}",
					   "{\"address4\": \"10.89.0.2\", \"address6\": \"x\"}" };
	struct ipam_attachment back = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_EQUAL(fs_write_atomic(netfd, "pods/" POD_A, bad[i], strlen(bad[i]), 0600,
						FS_NOSYNC, &err),
				0);
		CU_ASSERT_EQUAL(ipam_lookup(netfd, POD_A, &back, &err), -ENOENT);
	}
}

static void test_listing(void)
{
	cleanup_strlist struct strlist found = { 0 }, pods = { 0 };
	struct ipam_attachment a = { 0 };
	int fd;

	(void)lease(POD_A, &net4, &net6);
	(void)lease(POD_B, &net4, NULL);
	CU_ASSERT_EQUAL(ipam_find(netfd, POD_A, &found, &err), 0);
	CU_ASSERT_EQUAL(found.n, 2);
	CU_ASSERT(strlist_has(&found, "10.89.0.2"));
	CU_ASSERT(strlist_has(&found, "fd12:3456:789a::2"));
	CU_ASSERT_EQUAL(lease_of(POD_A, &net4, NULL, &a), 0);
	CU_ASSERT_EQUAL(ipam_record(netfd, POD_A, &a, &err), 0);
	fd = openat(netfd, "leases/10.89.0.77", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)close(fd);
	CU_ASSERT_EQUAL(ipam_pods(netfd, &pods, &err), 0);
	CU_ASSERT_EQUAL(pods.n, 2);
	CU_ASSERT(strlist_has(&pods, POD_A) && strlist_has(&pods, POD_B));
	CU_ASSERT(!has("leases/10.89.0.77"));
}

static CU_TestInfo tests[] = { { "the next, not the lowest", test_next_not_lowest },
			       { "IPv6 twin taken", test_ipv6_taken },
			       { "full subnet", test_full },
			       { "release only one's own", test_release_only_own },
			       { "records", test_record },
			       { "corrupt records", test_corrupt_records },
			       { "listing", test_listing },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "ipam", NULL, NULL, set_up, tear_down, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
