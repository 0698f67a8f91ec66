/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netpods - what the tests of net_up and net_down share: pods of a netlab, and what they leave.
 */
#ifndef PODIUM_TESTS_NETPODS_H
#define PODIUM_TESTS_NETPODS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/net/net.h"
#include "engine/net/nft.h"
#include "tests/support/cunit_main.h"
#include "tests/support/netlab.h"

/* Into the lab, or the test is skipped. */
#define ENTER_LAB(lab)                  \
	do {                            \
		if (!lab_enter(lab)) {  \
			test_skipped++; \
			return;         \
		}                       \
	} while (0)

/* A call with `err` as its last argument succeeds; otherwise its text is printed. */
#define CHECK_OK(call)                                                        \
	do {                                                                  \
		struct error e_ = { 0 };                                      \
		struct error *err = &e_;                                      \
		int r_ = (call);                                              \
		CU_ASSERT_EQUAL(r_, 0);                                       \
		if (r_ < 0)                                                   \
			printf("\n%s:%d: %s\n", __FILE__, __LINE__, e_.text); \
	} while (0)

/* net_up() of a node; a pod is alive while its process is. */
int pods_up(struct lab *l, const struct lab_node *n, const struct net_port *ports, size_t n_ports,
	    struct net_result *ret, struct error *err);
bool pods_is_alive(const char *pod_id, void *lab);

/* All elements of the table (the caller's to free). */
struct nft_elements pods_elements(void);
/* Elements whose comment is that pod. */
size_t pods_elements_of(const char *pod_id);
/* Flows that have this address anywhere. */
size_t pods_flows(const char *address);
/* Number of leases (files in leases/), and of records (files in pods/). */
size_t pods_leases(const struct lab *l);
size_t pods_records(const struct lab *l);
/* True when nothing of a pod is left; prints what is. */
bool pods_is_gone(const struct lab *l, const char *pod_id, const struct net_result *a);

#endif
