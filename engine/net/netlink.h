/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netlink - building, sending and acknowledging netlink messages over libmnl sockets.
 */
#ifndef PODIUM_NET_NETLINK_H
#define PODIUM_NET_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/mem.h"

struct mnl_socket;

/* One socket; belongs to the network namespace it was opened in, for life. */
struct nl_sock {
	struct mnl_socket *sk; /* NULL: closed */
	uint32_t seq;
};
#define NL_SOCK_INIT ((struct nl_sock){ 0 })

/* bus is NETLINK_ROUTE or NETLINK_NETFILTER. */
int nl_open(struct nl_sock *s, int bus, struct error *err) must_check;
/* Does nothing when closed. A NETLINK_NETFILTER socket waits here for an RCU grace period (about
 * 8 ms) when nf_tables objects were deleted a moment ago, whoever deleted them. */
void nl_close(struct nl_sock *s);
#define cleanup_nl cleanup(nl_close)
int nl_fd(const struct nl_sock *s);
/* Works on the caller's descriptor, through a duplicate: nl_close() is then never the last one, so
 * never waits. A negative *fd is opened first, and stays open. */
int nl_borrow(struct nl_sock *s, int bus, int *fd, struct error *err) must_check;

/* Index of a network device in the socket's namespace, -ENODEV (err untouched) when there is none.
 */
int nl_device_index(const struct nl_sock *s, const char *name);

#define NL_BATCH_MESSAGES_MAX 512

/* Messages that go to the kernel in one datagram. What does not fit sets `overflow`: nothing is
 * written past the end, and sending fails with -EMSGSIZE. */
struct nl_batch {
	char *data;
	size_t len; /* finished messages */
	size_t cap;
	struct nlmsghdr *msg; /* the open message, NULL between messages */
	unsigned int n;
	bool overflow;
	const char *what[NL_BATCH_MESSAGES_MAX]; /* borrowed literals, for error texts */
	char scratch[64];
};
void nl_batch_init(struct nl_batch *b, size_t cap);
void nl_batch_done(struct nl_batch *b);
#define cleanup_batch cleanup(nl_batch_done)

/* Begins a message with a zeroed family header of header_size (<= 64) bytes, which is returned for
 * the caller to fill; the message before is finished. what is a literal such as "create bridge". */
void *nl_message(struct nl_batch *b, uint16_t type, uint16_t flags, size_t header_size,
		 const char *what);
void nl_put(struct nl_batch *b, uint16_t type, const void *data, size_t len);
void nl_put_u8(struct nl_batch *b, uint16_t type, uint8_t v);
void nl_put_u16(struct nl_batch *b, uint16_t type, uint16_t v);
void nl_put_u32(struct nl_batch *b, uint16_t type, uint32_t v);
void nl_put_str(struct nl_batch *b, uint16_t type, const char *s);
/* A nest is named by the offset that nl_nest() returned. */
size_t nl_nest(struct nl_batch *b, uint16_t type);
void nl_nest_end(struct nl_batch *b, size_t nest);
/* Appends raw bytes (a family header inside an attribute). */
void nl_put_raw(struct nl_batch *b, const void *data, size_t len);

/* For messages that another library builds: room of at least need bytes (NULL: overflow); after
 * writing a whole message there, nl_message_built() takes it over. */
void *nl_message_room(struct nl_batch *b, size_t need);
void nl_message_built(struct nl_batch *b, const char *what);

/* Numbers the messages, sends them and waits for the acknowledgement of every one that asked for
 * it (NLM_F_ACK). The first refusal is the error: "<what>: <kernel's words>". */
int nl_send(struct nl_sock *s, struct nl_batch *b, struct error *err) must_check;

/* Called for each answer; returns 0 or -errno, which ends the query. */
typedef int (*nl_answer_fn)(const struct nlmsghdr *nlh, void *arg);
/* Sends the one message in b (a dump or a get with NLM_F_ACK) and hands its answers to fn. A dump
 * that the kernel interrupted is -EINTR: ask again. */
int nl_query(struct nl_sock *s, struct nl_batch *b, nl_answer_fn fn, void *arg,
	     struct error *err) must_check;

#endif
