/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_net - microseconds of net_up and net_down, bridge and table being there already.
 *
 *	bench_net [pods]        (default 20; measured one after the other, all kept until the end)
 *
 * Asserts nothing. Prints one JSON object.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/str.h"
#include "engine/net/net.h"
#include "engine/pod/spec.h"
#include "tests/support/netlab.h"

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *name, int64_t *v, size_t n, const char *end)
{
	qsort(v, n, sizeof(*v), compare);
	printf("\"%s\": {\"min\": %lld, \"median\": %lld, \"max\": %lld}%s", name, (long long)v[0],
	       (long long)v[n / 2], (long long)v[n - 1], end);
}

static bool is_alive(const char *pod_id, void *arg)
{
	(void)pod_id;
	(void)arg;
	return true;
}

static int64_t one_up(struct lab *l, struct lab_node *n, uint16_t port)
{
	struct net_port ports[] = { { port, 80, PORT_TCP, NULL } };
	struct net_request q = { .pod_id = n->id,
				 .netns_fd = n->netns,
				 .ports = ports,
				 .n_ports = 1,
				 .is_alive = is_alive };
	int64_t t = clock_mono_us();
	struct net_result a;
	struct error err;

	if (net_up(&l->store, &q, &a, &err) < 0) {
		(void)fprintf(stderr, "net_up: %s\n", err.text);
		exit(1);
	}
	return clock_mono_us() - t;
}

static int64_t one_down(struct lab *l, const struct lab_node *n, int *linger)
{
	int64_t t = clock_mono_us();
	struct error err;

	if (net_down_lingering(&l->store, n->id, linger, &err) < 0) {
		(void)fprintf(stderr, "net_down: %s\n", err.text);
		exit(1);
	}
	return clock_mono_us() - t;
}

int main(int argc, char **argv)
{
	static int64_t ups[LAB_NODES_MAX], downs[LAB_NODES_MAX];
	static struct lab_node *nodes[LAB_NODES_MAX];
	static struct lab l;
	uint64_t n = 20;
	int64_t first, t;
	int linger = -1;

	if (argc > 1 && parse_u64(argv[1], LAB_NODES_MAX - 1, &n) < 0)
		return 2;
	if (!lab_enter(&l))
		return 0;
	first = one_up(&l, lab_node(&l), 7999);
	for (uint64_t i = 0; i < n; i++) {
		nodes[i] = lab_node(&l);
		ups[i] = one_up(&l, nodes[i], (uint16_t)(8000 + i));
	}
	printf("{\"unit\": \"us\", \"pods\": %llu, \"first_up\": %lld, \"last_up\": %lld, ",
	       (unsigned long long)n, (long long)first, (long long)ups[n - 1]);
	for (uint64_t i = 0; i < n; i++)
		downs[i] = one_down(&l, nodes[i], &linger);
	report("net_up", ups, n, ", ");
	report("net_down", downs, n, ", ");
	t = clock_mono_us();
	(void)close(linger);
	printf("\"close_of_lingering_socket\": %lld}\n", (long long)(clock_mono_us() - t));
	(void)fflush(stdout);
	lab_leave(&l);
	return 0;
}
