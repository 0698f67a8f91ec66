/* SPDX-License-Identifier: Apache-2.0 */
/* net_live - published ports by every road, in namespaces of the test's own. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/net/net.h"
#include "engine/pod/spec.h"
#include "tests/support/cunit_main.h"
#include "tests/support/netlab.h"

/* Everybody in the lab is alive unless listed. */
static bool is_node_alive(const char *pod_id, void *arg)
{
	const struct lab *l = arg;

	for (unsigned int i = 0; i < l->n; i++)
		if (strcmp(l->nodes[i].id, pod_id) == 0)
			return l->nodes[i].pid > 0;
	return false;
}

static int up(struct lab *l, struct lab_node *n, const struct net_port *ports, size_t n_ports,
	      struct net_result *ret, struct error *err)
{
	struct net_request q = { .pod_id = n->id,
				 .netns_fd = n->netns,
				 .ports = ports,
				 .n_ports = n_ports,
				 .is_alive = is_node_alive,
				 .arg = l };

	return net_up(&l->store, &q, ret, err);
}

#define CHECK_OK(call)                                                        \
	do {                                                                  \
		struct error e_ = { 0 };                                      \
		struct error *err = &e_;                                      \
		int r_ = (call);                                              \
		CU_ASSERT_EQUAL(r_, 0);                                       \
		if (r_ < 0)                                                   \
			printf("\n%s:%d: %s\n", __FILE__, __LINE__, e_.text); \
	} while (0)

/* From a namespace, this address and port answer with that letter. */
static bool is_answered(int netns, int protocol, const char *address, uint16_t port, char letter)
{
	char out[64];
	int r = lab_ask(netns, protocol, address, port, out);

	if (r == 0 && out[0] == letter)
		return true;
	printf("\n%s port %u: %s '%s', wanted '%c'\n", address, port, strerror(-r), out, letter);
	return false;
}

static void test_tcp4(void)
{
	const struct net_port ports[] = { { 8001, LAB_TCP_PORT, PORT_TCP, NULL } };
	struct net_result a = { 0 };
	struct lab_node *pod, *far;
	struct lab l;

	if (!lab_enter(&l)) {
		test_skipped++;
		return;
	}
	far = lab_node(&l);
	lab_wire(&l, far);
	pod = lab_node(&l);
	CHECK_OK(up(&l, pod, ports, 1, &a, err));
	lab_serve(pod);
	printf("\n%s %s %s %s\n", a.address4, a.gateway4, a.address6, a.gateway6);
	if (getenv("NETLAB_SHELL"))
		(void)execlp("bash", "bash", NULL);
	CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, pod->letter));
	CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, "192.0.2.1", 8001, pod->letter));
	CU_ASSERT(is_answered(l.netns, IPPROTO_TCP, a.gateway4, 8001, pod->letter));
	CU_ASSERT(is_answered(far->netns, IPPROTO_TCP, "192.0.2.1", 8001, pod->letter));
	CHECK_OK(net_down(&l.store, pod->id, err));
	lab_leave(&l);
}

static CU_TestInfo tests[] = { { "tcp over IPv4", test_tcp4 }, CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "net_live", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
