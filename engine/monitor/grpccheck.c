/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpccheck - one call of the gRPC health service.
 *
 * Theory of operation: everything we have to say fits the peer's initial windows and goes out at
 * once: preface, settings, one stream with the request. Then frames come back. Settings and pings
 * are answered, what belongs to other streams is passed over, and the stream's headers, message and
 * trailers are put together. A header block is decoded when it is whole, in order, since the table
 * belongs to the connection.
 *
 *	request   HEADERS(:method :scheme :path :authority ...), DATA(0, length, HealthCheckRequest)
 *	answer    HEADERS(:status 200), DATA(0, length, HealthCheckResponse), HEADERS(grpc-status 0)
 *
 * Everything received came from the container. A frame over the default size, a header block over
 * BLOCK_MAX, a message over MESSAGE_MAX or too many frames end the check as failed.
 */
#include "engine/monitor/grpccheck.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/monitor/hpack.h"

#define FRAME_HEAD     9
#define FRAME_MAX      16384
#define FRAMES_MAX     512
#define BLOCK_MAX      16384
#define MESSAGE_MAX    1024
#define STREAM	       1
#define HEALTH_PATH    "/grpc.health.v1.Health/Check"
#define USER_AGENT     "kube-probe/1.36"
#define GRPC_UNKNOWN   (-1)
#define GRPC_NOT_FOUND 5
#define GRPC_UNIMPL    12

enum frame_type {
	FRAME_DATA,
	FRAME_HEADERS,
	FRAME_PRIORITY,
	FRAME_RST_STREAM,
	FRAME_SETTINGS,
	FRAME_PUSH_PROMISE,
	FRAME_PING,
	FRAME_GOAWAY,
	FRAME_WINDOW_UPDATE,
	FRAME_CONTINUATION,
};
enum frame_flag {
	FLAG_END_STREAM = 0x1, /* of settings and ping: acknowledged */
	FLAG_END_HEADERS = 0x4,
	FLAG_PADDED = 0x8,
	FLAG_PRIORITY = 0x20,
};

struct frame {
	uint8_t type;
	uint8_t flags;
	uint32_t stream;
	const uint8_t *p;
	size_t len;
};

struct grpc_check {
	size_t in_len;
	size_t block_len;
	uint32_t block_stream; /* 0: no block is open */
	bool block_ends;       /* the stream ends with it */
	size_t message_len;
	int frames;
	int http_status; /* 0: none came */
	int grpc_status;
	bool is_over;
	const char *problem; /* of the protocol, or NULL */
	char detail[128];    /* grpc-message */
	/* from here on not cleared: the rest of the pages is never touched */
	struct hpack hpack;
	uint8_t message[MESSAGE_MAX];
	uint8_t block[BLOCK_MAX];
	uint8_t in[FRAME_HEAD + FRAME_MAX];
};

/* ---- the request ------------------------------------------------------------------------ */

static void add_frame(struct buf *out, enum frame_type type, uint8_t flags, uint32_t stream,
		      const void *data, size_t len)
{
	const uint8_t head[FRAME_HEAD] = { (uint8_t)(len >> 16),
					   (uint8_t)(len >> 8),
					   (uint8_t)len,
					   (uint8_t)type,
					   flags,
					   (uint8_t)(stream >> 24),
					   (uint8_t)(stream >> 16),
					   (uint8_t)(stream >> 8),
					   (uint8_t)stream };

	buf_add(out, head, sizeof(head));
	if (len)
		buf_add(out, data, len);
}

/* A string of HPACK, as it is. */
static void add_string(struct buf *b, const char *s)
{
	size_t n = strlen(s);

	if (n < 127) {
		buf_addc(b, (char)n);
	} else {
		buf_addc(b, 127);
		for (n -= 127; n >= 128; n /= 128)
			buf_addc(b, (char)(n % 128 + 128));
		buf_addc(b, (char)n);
	}
	buf_adds(b, s);
}

/* A literal that is not put into the table: neither side has to keep anything. */
static void add_header(struct buf *b, const char *name, const char *value)
{
	buf_addc(b, 0);
	add_string(b, name);
	add_string(b, value);
}

static void add_call(struct buf *out, const char *authority)
{
	cleanup_buf struct buf b = BUF_INIT(4096);

	buf_addc(&b, (char)0x83); /* :method POST */
	buf_addc(&b, (char)0x86); /* :scheme http */
	add_header(&b, ":path", HEALTH_PATH);
	add_header(&b, ":authority", authority);
	add_header(&b, "content-type", "application/grpc");
	add_header(&b, "user-agent", USER_AGENT);
	add_header(&b, "te", "trailers");
	add_frame(out, FRAME_HEADERS, FLAG_END_HEADERS, STREAM, b.data, b.len);
}

/* HealthCheckRequest { string service = 1; } behind the five bytes that each message has. */
static void add_message(struct buf *out, const char *service)
{
	size_t n = is_empty(service) ? 0 : strlen(service);
	cleanup_buf struct buf pb = BUF_INIT(4096), b = BUF_INIT(4096 + 8);

	if (n > 0) {
		size_t left = n;

		buf_addc(&pb, 0x0a);
		for (; left >= 128; left /= 128)
			buf_addc(&pb, (char)(left % 128 + 128));
		buf_addc(&pb, (char)left);
		buf_add(&pb, service, n);
	}
	buf_addc(&b, 0);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_addc(&b, (char)(pb.len >> shift & 0xff));
	if (pb.len)
		buf_add(&b, pb.data, pb.len);
	add_frame(out, FRAME_DATA, FLAG_END_STREAM, STREAM, b.data, b.len);
}

struct grpc_check *grpc_check_new(struct buf *out, const char *host, uint16_t port,
				  const char *service)
{
	struct grpc_check *g = xmalloc(sizeof(*g));
	bool is_v6 = strchr(host, ':') != NULL;
	static const uint8_t no_push[] = { 0, 2, 0, 0, 0, 0 };
	char authority[300];

	memset(g, 0, offsetof(struct grpc_check, hpack));
	hpack_init(&g->hpack);
	g->grpc_status = GRPC_UNKNOWN;
	(void)snprintf(authority, sizeof(authority), "%s%.255s%s:%u", is_v6 ? "[" : "", host,
		       is_v6 ? "]" : "", port);
	buf_adds(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	add_frame(out, FRAME_SETTINGS, 0, 0, no_push, sizeof(no_push));
	add_call(out, authority);
	add_message(out, service);
	return g;
}

void grpc_check_free(struct grpc_check *g)
{
	free(g);
}

/* ---- the answer ------------------------------------------------------------------------- */

static void break_off(struct grpc_check *g, const char *problem)
{
	if (!g->is_over)
		g->problem = problem;
	g->is_over = true;
}

/* A number of at most four digits; -1: none. */
static int number_of(const char *s, size_t len)
{
	int n = 0;

	if (len == 0 || len > 4)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		n = n * 10 + (s[i] - '0');
	}
	return n;
}

static void take_header(void *arg, enum hpack_name name, const char *value, size_t len)
{
	struct grpc_check *g = arg;

	if (g->block_stream != STREAM)
		return;
	if (name == HPACK_STATUS)
		g->http_status = number_of(value, len);
	else if (name == HPACK_GRPC_STATUS)
		g->grpc_status = number_of(value, len);
	else if (name == HPACK_GRPC_MESSAGE)
		(void)snprintf(g->detail, sizeof(g->detail), "%.*s", (int)len, value);
}

/* Part of a header block. */
static void take_block(struct grpc_check *g, const struct frame *f, const uint8_t *p, size_t len)
{
	if (g->block_len + len > sizeof(g->block)) {
		break_off(g, "too many header bytes");
		return;
	}
	memcpy(g->block + g->block_len, p, len);
	g->block_len += len;
	if (!(f->flags & FLAG_END_HEADERS))
		return;
	if (hpack_decode(&g->hpack, g->block, g->block_len, take_header, g) < 0)
		break_off(g, "malformed headers");
	if (g->block_stream == STREAM && g->block_ends)
		g->is_over = true;
	g->block_stream = 0;
	g->block_len = 0;
}

/* Leaves padding and priority out. False: the frame lies. */
static bool content_of(const struct frame *f, const uint8_t **ret_p, size_t *ret_len)
{
	const uint8_t *p = f->p;
	size_t len = f->len, pad = 0;

	if (f->flags & FLAG_PADDED) {
		if (len < 1)
			return false;
		pad = *p++;
		len--;
	}
	if (f->type == FRAME_HEADERS && (f->flags & FLAG_PRIORITY)) {
		if (len < 5)
			return false;
		p += 5;
		len -= 5;
	}
	if (pad > len)
		return false;
	*ret_p = p;
	*ret_len = len - pad;
	return true;
}

static void take_headers(struct grpc_check *g, const struct frame *f)
{
	const uint8_t *p;
	size_t len;

	if (f->stream == 0 || !content_of(f, &p, &len)) {
		break_off(g, "malformed frame");
		return;
	}
	g->block_stream = f->stream;
	g->block_ends = f->flags & FLAG_END_STREAM;
	take_block(g, f, p, len);
}

static void take_data(struct grpc_check *g, const struct frame *f)
{
	const uint8_t *p;
	size_t len;

	if (!content_of(f, &p, &len) || f->stream == 0) {
		break_off(g, "malformed frame");
		return;
	}
	if (f->stream != STREAM)
		return;
	if (g->message_len + len > sizeof(g->message)) {
		break_off(g, "answer is too long");
		return;
	}
	memcpy(g->message + g->message_len, p, len);
	g->message_len += len;
	if (f->flags & FLAG_END_STREAM)
		g->is_over = true;
}

static void take_frame(struct grpc_check *g, const struct frame *f, struct buf *out)
{
	bool in_block = g->block_stream != 0;

	if (++g->frames > FRAMES_MAX || in_block != (f->type == FRAME_CONTINUATION) ||
	    (in_block && f->stream != g->block_stream)) {
		break_off(g, "malformed HTTP/2");
		return;
	}
	switch ((enum frame_type)f->type) {
	case FRAME_DATA:
		take_data(g, f);
		break;
	case FRAME_HEADERS:
		take_headers(g, f);
		break;
	case FRAME_CONTINUATION:
		take_block(g, f, f->p, f->len);
		break;
	case FRAME_SETTINGS:
		if (!(f->flags & FLAG_END_STREAM))
			add_frame(out, FRAME_SETTINGS, FLAG_END_STREAM, 0, NULL, 0);
		break;
	case FRAME_PING:
		if (!(f->flags & FLAG_END_STREAM) && f->len == 8)
			add_frame(out, FRAME_PING, FLAG_END_STREAM, 0, f->p, 8);
		break;
	case FRAME_RST_STREAM:
		if (f->stream == STREAM)
			break_off(g, "the server has reset the call");
		break;
	case FRAME_GOAWAY:
		if (f->len < 8 || (f->p[0] == 0 && f->p[1] == 0 && f->p[2] == 0 && f->p[3] == 0))
			break_off(g, "the server has refused the call");
		break;
	case FRAME_PUSH_PROMISE:
		break_off(g, "malformed HTTP/2");
		break;
	default: /* what is not known is passed over */
		break;
	}
}

/* Takes one whole frame out of g->in. False: there is none yet. */
static bool next_frame(struct grpc_check *g, struct buf *out)
{
	const uint8_t *h = g->in;
	struct frame f;
	size_t len;

	if (g->in_len < FRAME_HEAD)
		return false;
	len = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
	if (len > FRAME_MAX) {
		break_off(g, "not an HTTP/2 server");
		return false;
	}
	if (g->in_len < FRAME_HEAD + len)
		return false;
	f = (struct frame){ .type = h[3],
			    .flags = h[4],
			    .stream = (uint32_t)(h[5] & 0x7f) << 24 | (uint32_t)h[6] << 16 |
				      (uint32_t)h[7] << 8 | h[8],
			    .p = h + FRAME_HEAD,
			    .len = len };
	if (g->frames == 0 && f.type != FRAME_SETTINGS)
		break_off(g, "not an HTTP/2 server");
	else
		take_frame(g, &f, out);
	g->in_len -= FRAME_HEAD + len;
	memmove(g->in, g->in + FRAME_HEAD + len, g->in_len);
	return true;
}

bool grpc_check_feed(struct grpc_check *g, const char *data, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len && !g->is_over;) {
		size_t n = sizeof(g->in) - g->in_len;

		if (n > len - at)
			n = len - at;
		memcpy(g->in + g->in_len, data + at, n);
		g->in_len += n;
		at += n;
		while (!g->is_over && next_frame(g, out))
			;
	}
	if (out->overflow)
		break_off(g, "too many pings");
	return g->is_over;
}

/* ---- the verdict ------------------------------------------------------------------------ */

static bool read_varint(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	*ret = 0;
	for (int shift = 0; *p < end && shift < 64; shift += 7) {
		uint8_t byte = *(*p)++;

		*ret |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* Passes a field of this wire type over. */
static bool skip_field(const uint8_t **p, const uint8_t *end, unsigned int wire)
{
	uint64_t n = 0;

	if (wire == 0)
		return read_varint(p, end, &n);
	if (wire == 2 && !read_varint(p, end, &n))
		return false;
	n = wire == 1 ? 8 : wire == 5 ? 4 : wire == 2 ? n : UINT64_MAX;
	if (n > (uint64_t)(end - *p))
		return false;
	*p += n;
	return true;
}

/* HealthCheckResponse { enum status = 1; }; 0 (unknown) is left out on the wire. -1: no message. */
static int64_t serving_status(const struct grpc_check *g)
{
	const uint8_t *p = g->message, *end = p + g->message_len;
	uint64_t key = 0, status = 0;

	if (g->message_len < 5 || p[0] != 0)
		return -1;
	if (((uint64_t)p[1] << 24 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 8 | p[4]) !=
	    g->message_len - 5)
		return -1;
	for (p += 5; p < end;) {
		if (!read_varint(&p, end, &key))
			return -1;
		if (key == 1U << 3) {
			if (!read_varint(&p, end, &status))
				return -1;
		} else if (!skip_field(&p, end, (unsigned int)(key & 7))) {
			return -1;
		}
	}
	return status < 100 ? (int64_t)status : -1;
}

bool grpc_check_verdict(const struct grpc_check *g, char *text, size_t size)
{
	static const char *const names[] = { "UNKNOWN", "SERVING", "NOT_SERVING",
					     "SERVICE_UNKNOWN" };
	int64_t status = serving_status(g);

	if (g->problem)
		(void)snprintf(text, size, "%s", g->problem);
	else if (!g->is_over)
		(void)snprintf(text, size, "closed before the answer was complete");
	else if (g->http_status != 200)
		(void)snprintf(text, size, "HTTP status %d", g->http_status);
	else if (g->grpc_status == GRPC_UNIMPL)
		(void)snprintf(text, size, "the server has no grpc.health.v1.Health service");
	else if (g->grpc_status == GRPC_NOT_FOUND)
		(void)snprintf(text, size, "the health service does not know this service name");
	else if (g->grpc_status != 0)
		(void)snprintf(text, size, "gRPC status %d%s%.100s", g->grpc_status,
			       *g->detail ? ": " : "", g->detail);
	else if (status < 0)
		(void)snprintf(text, size, "malformed health answer");
	else if (status != 1)
		(void)snprintf(text, size, "service is %s",
			       status < (int64_t)ARRAY_SIZE(names) ? names[status] : "unhealthy");
	else
		return true;
	return false;
}
