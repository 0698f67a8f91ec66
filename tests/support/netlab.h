/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netlab - a network of its own for live tests: a fresh network namespace that plays the host, fake
 * pods (processes in namespaces with a small server), clients that run in any of them.
 *
 * Nothing outside the new namespaces is touched. Everything ends with lab_leave().
 */
#ifndef PODIUM_TESTS_NETLAB_H
#define PODIUM_TESTS_NETLAB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/state/layout.h"

#define LAB_TCP_PORT  80
#define LAB_TCP_PORT2 81 /* a server that tests never publish */
#define LAB_UDP_PORT  53
#define LAB_NODES_MAX 256

struct lab_node {
	char id[65];
	char letter; /* what its servers answer with */
	pid_t pid;
	int netns;
	int ready; /* pipe */
};
struct lab {
	struct store store;
	char dir[64];
	int netns; /* the host of the lab */
	struct lab_node nodes[LAB_NODES_MAX];
	unsigned int n;
};

/* Enters new network and mount namespaces with lo up and an empty store. Returns false after
 * printing why when that is not possible here. */
bool lab_enter(struct lab *l);
/* Ends all nodes and removes the store. The process stays in the emptied namespaces. */
void lab_leave(struct lab *l);

/* A process in a new network namespace, its servers not yet running. */
struct lab_node *lab_node(struct lab *l);
/* Starts its servers: "<letter> <peer address>" to everybody who connects or sends. */
void lab_serve(struct lab_node *n);
void lab_end(struct lab_node *n);

/* A veth pair between the host ("up0", addr/24, addr6/64) and a node ("eth0"). Addresses are
 * 192.0.2.1 and .2, 2001:db8::1 and ::2; the node's default routes point to the host. */
void lab_wire(struct lab *l, struct lab_node *n);

/* A client in a namespace: protocol IPPROTO_TCP or UDP, numeric address. Writes the answer
 * ("a 10.89.0.1") to out[64] and returns 0, or -errno (-ETIMEDOUT after 400 ms). */
int lab_ask(int netns, int protocol, const char *address, uint16_t port, char out[64]);
/* The same where an answer is expected: asks again for ten seconds, since a neighbour that is not
 * found at once (a busy machine) is looked for again after a second only. */
int lab_ask_patient(int netns, int protocol, const char *address, uint16_t port, char out[64]);

/* Runs fn in a forked child inside a namespace; returns its exit status. */
int lab_run(int netns, int (*fn)(void *arg), void *arg);

/* Writes a file below /proc/sys as seen in the namespace. */
int lab_sysctl(int netns, const char *path, const char *value);
/* Reads one; empty when it is not there. */
void lab_sysctl_read(int netns, const char *path, char out[64]);

#endif
