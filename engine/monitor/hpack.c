/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpack - reads the header blocks of HTTP/2.
 *
 * Theory of operation: what is said by number depends on all headers before, so every header is
 * followed in full as far as sizes go: the table of the connection evicts by them. Kept is little:
 * which of three names it is, and the beginning of the value. The Huffman code is canonical, so
 * the lengths of its 257 codes are all of it; a symbol is found bit by bit.
 *
 * Everything read came from the container: no length is believed before it was compared with what
 * there is, integers end at 2^28, a size over the default is refused.
 */
#include "engine/monitor/hpack.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "engine/base/mem.h"

#define NAME_MAX_BYTES	12 /* "grpc-message" */
#define VALUE_MAX_BYTES 160
#define INTEGER_MAX	(1U << 28)
#define STATIC_ENTRIES	61
#define ENTRY_OVERHEAD	32
#define CODE_BITS_MAX	30
#define SYMBOLS		257
#define END_OF_STRING	256

/* ---- Huffman ---------------------------------------------------------------------------- */

/* RFC 7541, appendix B: bits of each symbol's code; the last is the end of string. */
static const uint8_t code_bits[SYMBOLS] = {
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28,
	30, 28, 28, 28, 28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,	8,  11, 10, 10, 8,  11,
	8,  6,	6,  6,	5,  5,	5,  6,	6,  6,	6,  6,	6,  6,	7,  8,	15, 6,	12, 10, 13, 6,
	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,
	8,  7,	8,  13, 19, 13, 14, 6,	15, 5,	6,  5,	6,  5,	6,  6,	6,  5,	7,  7,	6,  6,
	6,  5,	6,  7,	6,  5,	5,  6,	7,  7,	7,  7,	7,  15, 11, 14, 13, 28, 20, 22, 20, 20,
	22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
	22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23,
	22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26,
	28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27,
	26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
};

struct huffman {
	uint32_t first[CODE_BITS_MAX + 1]; /* the first code of a length */
	uint16_t count[CODE_BITS_MAX + 1];
	uint16_t offset[CODE_BITS_MAX + 1]; /* of its symbol in order[] */
	uint16_t order[SYMBOLS];	    /* by length, then by value */
};

static void huffman_build(struct huffman *t)
{
	uint16_t at[CODE_BITS_MAX + 1];

	memset(t, 0, sizeof(*t));
	for (int i = 0; i < SYMBOLS; i++)
		t->count[code_bits[i]]++;
	for (int b = 1; b <= CODE_BITS_MAX; b++) {
		t->first[b] = (t->first[b - 1] + t->count[b - 1]) << 1;
		t->offset[b] = (uint16_t)(t->offset[b - 1] + t->count[b - 1]);
		at[b] = t->offset[b];
	}
	for (int i = 0; i < SYMBOLS; i++)
		t->order[at[code_bits[i]]++] = (uint16_t)i;
}

int64_t hpack_huffman(const uint8_t *p, size_t len, char *out, size_t size)
{
	struct huffman t;
	uint32_t code = 0;
	int64_t n = 0;
	int bits = 0;

	huffman_build(&t);
	for (size_t i = 0; i < len * 8; i++) {
		code = code << 1 | ((unsigned int)p[i / 8] >> (7 - i % 8) & 1U);
		bits++;
		if (bits > CODE_BITS_MAX)
			return -EBADMSG;
		if (code - t.first[bits] < t.count[bits] && code >= t.first[bits]) {
			uint16_t symbol = t.order[t.offset[bits] + (code - t.first[bits])];

			if (symbol == END_OF_STRING)
				return -EBADMSG;
			if ((size_t)n < size)
				out[n] = (char)symbol;
			n++;
			code = 0;
			bits = 0;
		}
	}
	/* Padding: less than a byte of the beginning of the end of string, which is all ones. */
	return bits < 8 && code == (1U << bits) - 1 ? n : -EBADMSG;
}

/* ---- numbers and strings ---------------------------------------------------------------- */

struct reader {
	const uint8_t *p;
	size_t left;
};

struct text {
	char v[VALUE_MAX_BYTES];
	size_t kept; /* of it in v */
	size_t len;
};

static int read_integer(struct reader *r, int prefix_bits, uint32_t *ret)
{
	uint32_t mask = (1U << prefix_bits) - 1, n;

	if (r->left == 0)
		return -EBADMSG;
	n = *r->p++ & mask;
	r->left--;
	for (int shift = 0; n >= mask; shift += 7) {
		uint8_t byte;

		if (r->left == 0 || shift > 21)
			return -EBADMSG;
		byte = *r->p++;
		r->left--;
		n += (uint32_t)(byte & 0x7f) << shift;
		if (n > INTEGER_MAX)
			return -EBADMSG;
		if (!(byte & 0x80))
			break;
	}
	*ret = n;
	return 0;
}

static int read_string(struct reader *r, struct text *ret)
{
	bool huffman = r->left > 0 && (*r->p & 0x80);
	uint32_t n = 0;
	int64_t len;

	if (read_integer(r, 7, &n) < 0 || n > r->left)
		return -EBADMSG;
	if (huffman) {
		len = hpack_huffman(r->p, n, ret->v, sizeof(ret->v));
		if (len < 0)
			return -EBADMSG;
	} else {
		len = n;
		memcpy(ret->v, r->p, n < sizeof(ret->v) ? n : sizeof(ret->v));
	}
	ret->len = (size_t)len;
	ret->kept = ret->len < sizeof(ret->v) ? ret->len : sizeof(ret->v);
	r->p += n;
	r->left -= n;
	return 0;
}

/* ---- the table -------------------------------------------------------------------------- */

void hpack_init(struct hpack *h)
{
	h->n = h->bytes = h->newest = 0;
	h->max_bytes = HPACK_TABLE_BYTES;
}

static void evict(struct hpack *h, size_t room)
{
	while (h->n > 0 && h->bytes + room > h->max_bytes) {
		size_t oldest = (h->newest + HPACK_ENTRIES_MAX - (h->n - 1)) % HPACK_ENTRIES_MAX;

		h->bytes -= h->entries[oldest].size;
		h->n--;
	}
}

static void insert(struct hpack *h, const struct hpack_entry *e)
{
	evict(h, e->size);
	if (e->size > h->max_bytes)
		return; /* and the table is empty, as the protocol has it */
	h->newest = (h->newest + 1) % HPACK_ENTRIES_MAX;
	h->entries[h->newest] = *e;
	h->bytes += e->size;
	h->n++;
}

/* What an index names; of the fixed table only the status has a value that matters. */
static int look_up(const struct hpack *h, uint32_t index, struct hpack_entry *ret)
{
	static const uint8_t name_lens[STATIC_ENTRIES] = {
		10, 7,	7,  5,	5,  7,	7,  7,	7,  7,	7,  7, 7,  7,  14, 15, 15, 13, 6,  27, 3,
		5,  13, 13, 19, 16, 16, 14, 16, 13, 12, 6,  4, 4,  6,  7,  4,  4,  8,  17, 13, 8,
		19, 13, 4,  8,	12, 18, 19, 5,	7,  7,	11, 6, 10, 25, 17, 10, 4,  3,  16
	};
	static const char statuses[][4] = { "200", "204", "206", "304", "400", "404", "500" };

	memset(ret, 0, sizeof(*ret));
	if (index == 0)
		return -EBADMSG;
	if (index > STATIC_ENTRIES) {
		index -= STATIC_ENTRIES + 1;
		if (index >= h->n)
			return -EBADMSG;
		*ret = h->entries[(h->newest + HPACK_ENTRIES_MAX - index) % HPACK_ENTRIES_MAX];
		return 0;
	}
	ret->name_len = name_lens[index - 1];
	if (index >= 8 && index <= 14) {
		ret->name = HPACK_STATUS;
		ret->kept = 3;
		memcpy(ret->value, statuses[index - 8], 3);
	}
	return 0;
}

static enum hpack_name name_of(const struct text *t)
{
	static const char *const names[] = { [HPACK_STATUS] = ":status",
					     [HPACK_GRPC_STATUS] = "grpc-status",
					     [HPACK_GRPC_MESSAGE] = "grpc-message" };

	static_assert(sizeof("grpc-message") - 1 <= NAME_MAX_BYTES, "the longest");
	for (size_t i = 1; i < ARRAY_SIZE(names); i++)
		if (t->len == strlen(names[i]) && memcmp(t->v, names[i], t->len) == 0)
			return (enum hpack_name)i;
	return HPACK_OTHER;
}

/* A header that is spelled out; its name may be an index. */
static int read_literal(struct hpack *h, struct reader *r, int prefix_bits, bool keep, hpack_fn *fn,
			void *arg)
{
	struct hpack_entry e = { 0 };
	struct text t;
	uint32_t index = 0;

	if (read_integer(r, prefix_bits, &index) < 0)
		return -EBADMSG;
	if (index > 0) {
		if (look_up(h, index, &e) < 0)
			return -EBADMSG;
	} else {
		if (read_string(r, &t) < 0)
			return -EBADMSG;
		e.name = (uint8_t)name_of(&t);
		e.name_len = t.len;
	}
	if (read_string(r, &t) < 0)
		return -EBADMSG;
	fn(arg, (enum hpack_name)e.name, t.v, t.kept);
	e.kept = (uint8_t)(t.kept < HPACK_KEPT_MAX ? t.kept : HPACK_KEPT_MAX);
	memcpy(e.value, t.v, e.kept);
	e.size = e.name_len + t.len + ENTRY_OVERHEAD;
	if (keep)
		insert(h, &e);
	return 0;
}

static int read_indexed(const struct hpack *h, struct reader *r, hpack_fn *fn, void *arg)
{
	struct hpack_entry e;
	uint32_t index = 0;

	if (read_integer(r, 7, &index) < 0 || look_up(h, index, &e) < 0)
		return -EBADMSG;
	fn(arg, (enum hpack_name)e.name, e.value, e.kept);
	return 0;
}

static int read_table_size(struct hpack *h, struct reader *r)
{
	uint32_t n = 0;

	if (read_integer(r, 5, &n) < 0 || n > HPACK_TABLE_BYTES)
		return -EBADMSG;
	h->max_bytes = n;
	evict(h, 0);
	return 0;
}

int hpack_decode(struct hpack *h, const uint8_t *p, size_t len, hpack_fn *fn, void *arg)
{
	struct reader r = { p, len };
	int e = 0;

	while (r.left > 0 && e == 0) {
		uint8_t first = *r.p;

		if (first & 0x80)
			e = read_indexed(h, &r, fn, arg);
		else if (first & 0x40)
			e = read_literal(h, &r, 6, true, fn, arg);
		else if (first & 0x20)
			e = read_table_size(h, &r);
		else
			e = read_literal(h, &r, 4, false, fn, arg);
	}
	return e;
}
