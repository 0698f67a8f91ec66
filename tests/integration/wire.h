/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire - the tests' side of the network: addresses for the "host", a neighbour, clients, servers.
 */
#ifndef PODIUM_TESTS_WIRE_H
#define PODIUM_TESTS_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HOST_ADDRESS  "192.0.2.1"
#define HOST_ADDRESS6 "2001:db8:5::1"

/* Gives the test's network namespace a veth "up0" with the two addresses above; its other end,
 * with .2 and ::2 and default routes, is in a namespace of its own. Returns that one's descriptor
 * (the same at each call). */
int wire_neighbour(void);

enum wire_protocol { WIRE_TCP, WIRE_UDP };
/* Sends `text`, takes one answer. netns -1: where the test is. Numeric address. The caller's; NULL
 * and errno when refused or nothing came in time. */
char *wire_ask(int netns, enum wire_protocol protocol, const char *address, uint16_t port,
	       const char *text, int timeout_ms);
/* The body of an HTTP answer with code 200, else NULL. */
char *wire_http(int netns, const char *address, uint16_t port, const char *path, int timeout_ms);
/* Asks again until there is an answer. */
char *wire_http_wait(const char *address, uint16_t port, const char *path);
char *wire_ask_wait(enum wire_protocol protocol, const char *address, uint16_t port,
		    const char *text);
/* How long a refused connection takes to be refused; -1 when it is not refused. */
int64_t wire_refused_ms(const char *address, uint16_t port, int timeout_ms);
/* A listening TCP socket (or bound UDP one) of the test's own. */
int wire_listen(enum wire_protocol protocol, const char *address, uint16_t port);

#endif
