/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netlink - one datagram out, its acknowledgements back.
 *
 * Theory of operation: a batch is a flat buffer of messages; the builders append and check every
 * length, against the buffer and against the 16 bits of an attribute. A batch that overflowed is
 * never sent. Sending numbers the messages, so built bytes are the same every time and can be
 * compared with golden files. rtnetlink answers each message by itself and goes on after a refusal;
 * nf_tables commits all or nothing, asks for one acknowledgement on its last message, and reports a
 * failed commit against its first (NFNL_MSG_BATCH_BEGIN). Answers to earlier numbers are skipped.
 *
 * Runs in whatever network namespace the socket was opened in. Kernel: NETLINK_EXT_ACK (4.12) gives
 * the kernel's own words, NETLINK_GET_STRICT_CHK (4.20) lets dumps be filtered.
 * Limits: ANSWER_MAX bytes an answer; ANSWER_TIMEOUT_S bounds the wait for a kernel that is stuck.
 */
#include "engine/net/netlink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "engine/base/clock.h"
#include "engine/base/seams.h"

#define ANSWER_MAX	 32768
#define ANSWER_TIMEOUT_S 30
#define ATTR_PAYLOAD_MAX (UINT16_MAX - sizeof(struct nlattr))

static int nl_prepare(struct nl_sock *s, struct error *err)
{
	struct timeval limit = { .tv_sec = ANSWER_TIMEOUT_S };
	int on = 1;

	if (mnl_socket_bind(s->sk, 0, MNL_SOCKET_AUTOPID) < 0) {
		error_errno(err, "bind netlink socket");
		nl_close(s);
		return -err->code;
	}
	/* Extras: an old kernel without them still answers, in fewer words. */
	(void)mnl_socket_setsockopt(s->sk, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(s->sk, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(mnl_socket_get_fd(s->sk), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return 0;
}

int nl_open(struct nl_sock *s, int bus, struct error *err)
{
	int fail = seam_fail("netlink");

	s->seq = (uint32_t)clock_mono_us() & 0x7fffffffu;
	errno = fail;
	s->sk = fail ? NULL : mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!s->sk)
		return error_errno(err, "open netlink socket");
	return nl_prepare(s, err);
}

int nl_borrow(struct nl_sock *s, int bus, int *fd, struct error *err)
{
	bool is_new = *fd < 0;
	int mine;

	if (is_new)
		*fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus);
	if (*fd < 0)
		return error_errno(err, "open netlink socket");
	mine = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
	if (mine < 0)
		return error_errno(err, "duplicate netlink socket");
	s->seq = (uint32_t)clock_mono_us() & 0x7fffffffu;
	s->sk = mnl_socket_fdopen(mine);
	if (!s->sk) {
		(void)close(mine);
		return error_set(err, EINVAL, "descriptor %d is not a netlink socket", *fd);
	}
	return is_new ? nl_prepare(s, err) : 0;
}

void nl_close(struct nl_sock *s)
{
	if (s->sk)
		(void)mnl_socket_close(s->sk);
	s->sk = NULL;
}

int nl_fd(const struct nl_sock *s)
{
	return s->sk ? mnl_socket_get_fd(s->sk) : -EBADF;
}

int nl_device_index(const struct nl_sock *s, const char *name)
{
	struct ifreq req = { 0 };
	size_t len = strlen(name);

	if (len >= sizeof(req.ifr_name))
		return -ENODEV;
	memcpy(req.ifr_name, name, len);
	return ioctl(nl_fd(s), SIOCGIFINDEX, &req) < 0 ? -errno : req.ifr_ifindex;
}

void nl_batch_init(struct nl_batch *b, size_t cap)
{
	*b = (struct nl_batch){ .cap = NLMSG_ALIGN(cap) };
	b->data = xcalloc(1, b->cap);
}

void nl_batch_done(struct nl_batch *b)
{
	free(b->data);
	*b = (struct nl_batch){ 0 };
}

/* Bytes of the open message, aligned, end the buffer's used part. */
static size_t batch_end(const struct nl_batch *b)
{
	return b->len + (b->msg ? NLMSG_ALIGN(b->msg->nlmsg_len) : 0);
}

static void message_finish(struct nl_batch *b)
{
	b->len = batch_end(b);
	b->msg = NULL;
}

/* Room for len more bytes in the open message, zeroed, or NULL and overflow. */
static void *message_grow(struct nl_batch *b, size_t len)
{
	size_t end = batch_end(b);
	void *p;

	if (b->overflow || !b->msg || len > b->cap || end + NLMSG_ALIGN(len) > b->cap) {
		b->overflow = true;
		return NULL;
	}
	p = b->data + end;
	memset(p, 0, NLMSG_ALIGN(len));
	b->msg->nlmsg_len = (uint32_t)(end - b->len + NLMSG_ALIGN(len));
	return p;
}

void *nl_message(struct nl_batch *b, uint16_t type, uint16_t flags, size_t header_size,
		 const char *what)
{
	void *header;

	assert(header_size <= sizeof(b->scratch));
	message_finish(b);
	if (b->overflow || b->n >= NL_BATCH_MESSAGES_MAX || b->len + NLMSG_HDRLEN > b->cap) {
		b->overflow = true;
		return b->scratch;
	}
	b->msg = (struct nlmsghdr *)(void *)(b->data + b->len);
	*b->msg = (struct nlmsghdr){ .nlmsg_len = NLMSG_HDRLEN,
				     .nlmsg_type = type,
				     .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST) };
	b->what[b->n++] = what;
	header = message_grow(b, header_size);
	return header ? header : b->scratch;
}

void nl_put(struct nl_batch *b, uint16_t type, const void *data, size_t len)
{
	struct nlattr *a;

	if (len > ATTR_PAYLOAD_MAX) {
		b->overflow = true;
		return;
	}
	a = message_grow(b, sizeof(*a) + len);
	if (!a)
		return;
	*a = (struct nlattr){ .nla_len = (uint16_t)(sizeof(*a) + len), .nla_type = type };
	if (len > 0)
		memcpy(a + 1, data, len);
}

void nl_put_u8(struct nl_batch *b, uint16_t type, uint8_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

void nl_put_u16(struct nl_batch *b, uint16_t type, uint16_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

void nl_put_u32(struct nl_batch *b, uint16_t type, uint32_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

void nl_put_str(struct nl_batch *b, uint16_t type, const char *s)
{
	nl_put(b, type, s, strlen(s) + 1);
}

size_t nl_nest(struct nl_batch *b, uint16_t type)
{
	size_t at = batch_end(b);

	nl_put(b, (uint16_t)(type | NLA_F_NESTED), NULL, 0);
	return at;
}

void nl_nest_end(struct nl_batch *b, size_t nest)
{
	size_t len = batch_end(b) - nest;
	struct nlattr *a;

	if (b->overflow)
		return;
	if (len > UINT16_MAX) {
		b->overflow = true;
		return;
	}
	a = (struct nlattr *)(void *)(b->data + nest);
	a->nla_len = (uint16_t)len;
}

void nl_put_raw(struct nl_batch *b, const void *data, size_t len)
{
	void *p = message_grow(b, len);

	if (p)
		memcpy(p, data, len);
}

void *nl_message_room(struct nl_batch *b, size_t need)
{
	message_finish(b);
	if (b->overflow || b->n >= NL_BATCH_MESSAGES_MAX || b->len + need > b->cap) {
		b->overflow = true;
		return NULL;
	}
	return b->data + b->len;
}

void nl_message_built(struct nl_batch *b, const char *what)
{
	b->msg = (struct nlmsghdr *)(void *)(b->data + b->len);
	assert(b->len + b->msg->nlmsg_len <= b->cap);
	b->what[b->n++] = what;
	message_finish(b);
}

/* One exchange: the numbers of its messages, and what has come back so far. */
struct exchange {
	uint32_t first, last; /* numbers sent */
	uint32_t final;	      /* the acknowledgement that ends it */
	bool is_nft;
	int code;	  /* first refusal, positive */
	uint32_t refused; /* its number */
	char words[160];
	nl_answer_fn fn;
	void *arg;
};

static void exchange_number(struct nl_sock *s, struct nl_batch *b, struct exchange *x)
{
	x->first = s->seq + 1;
	for (size_t at = 0; at < b->len;) {
		struct nlmsghdr *m = (struct nlmsghdr *)(void *)(b->data + at);

		m->nlmsg_seq = ++s->seq;
		if (m->nlmsg_flags & NLM_F_ACK)
			x->final = s->seq;
		if (at == 0)
			x->is_nft = m->nlmsg_type == NFNL_MSG_BATCH_BEGIN;
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
	x->last = s->seq;
}

static int exchange_word(const struct nlattr *a, void *arg)
{
	size_t len = mnl_attr_get_payload_len(a);
	struct exchange *x = arg;

	if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG && len > 0)
		(void)snprintf(x->words, sizeof(x->words), " (%.*s)", (int)(len - 1),
			       (const char *)mnl_attr_get_payload(a));
	return MNL_CB_OK;
}

/* The kernel's own explanation, when the acknowledgement carries one. */
static void exchange_words(struct exchange *x, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*e);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (mnl_nlmsg_get_payload_len(nlh) >= skip)
		(void)mnl_attr_parse(nlh, (unsigned int)skip, exchange_word, x);
}

/* Returns 1 when the exchange is over, 0 to go on, -errno of the callback. */
static int exchange_take(struct exchange *x, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_seq < x->first || nlh->nlmsg_seq > x->last)
		return 0;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EINTR;
	if (nlh->nlmsg_type == NLMSG_DONE)
		return 1;
	if (nlh->nlmsg_type != NLMSG_ERROR)
		return x->fn ? x->fn(nlh, x->arg) : 0;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
		return -EBADMSG;
	if (e->error != 0 && x->code == 0) {
		x->code = -e->error;
		x->refused = nlh->nlmsg_seq;
		exchange_words(x, nlh);
	}
	if (nlh->nlmsg_seq == x->final || (x->is_nft && nlh->nlmsg_seq == x->first))
		return 1;
	/* A dump that is refused is answered by an error alone. */
	return x->fn && e->error != 0;
}

static int exchange_receive(struct nl_sock *s, struct exchange *x)
{
	_Alignas(8) char buf[ANSWER_MAX];

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(s->sk, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(void *)buf;
		int len = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			int r = exchange_take(x, nlh);

			if (r != 0)
				return r < 0 ? r : 0;
		}
	}
}

static int exchange_run(struct nl_sock *s, struct nl_batch *b, struct exchange *x,
			struct error *err)
{
	int r;

	message_finish(b);
	if (b->overflow)
		return error_set(err, EMSGSIZE, "netlink message is too long");
	assert(b->n > 0);
	exchange_number(s, b, x);
	while (mnl_socket_sendto(s->sk, b->data, b->len) < 0)
		if (errno != EINTR)
			return error_errno(err, "%s: send", b->what[0]);
	r = exchange_receive(s, x);
	if (r < 0)
		return error_set(err, -r, "%s: receive: %s", b->what[0], strerror(-r));
	if (x->code > 0)
		return error_set(err, x->code, "%s: %s%s", b->what[x->refused - x->first],
				 strerror(x->code), x->words);
	return 0;
}

int nl_send(struct nl_sock *s, struct nl_batch *b, struct error *err)
{
	struct exchange x = { 0 };

	return exchange_run(s, b, &x, err);
}

int nl_query(struct nl_sock *s, struct nl_batch *b, nl_answer_fn fn, void *arg, struct error *err)
{
	struct exchange x = { .fn = fn, .arg = arg };

	return exchange_run(s, b, &x, err);
}
