/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpack - reads the header blocks of HTTP/2 (RFC 7541) as far as a gRPC health check needs it:
 * of every header the one of three names that it may be, and the beginning of its value.
 */
#ifndef PODIUM_MONITOR_HPACK_H
#define PODIUM_MONITOR_HPACK_H

#include <stddef.h>
#include <stdint.h>

#define HPACK_TABLE_BYTES 4096 /* the protocol's default, which is what we leave it at */
#define HPACK_ENTRIES_MAX (HPACK_TABLE_BYTES / 32)
#define HPACK_KEPT_MAX	  24 /* bytes of a value that the table keeps: enough for a number */

enum hpack_name { HPACK_OTHER, HPACK_STATUS, HPACK_GRPC_STATUS, HPACK_GRPC_MESSAGE };

struct hpack_entry {
	uint8_t name; /* enum hpack_name */
	uint8_t kept;
	char value[HPACK_KEPT_MAX];
	size_t name_len;
	size_t size; /* as the protocol counts */
};
struct hpack {
	size_t max_bytes;
	size_t bytes;
	size_t n;
	size_t newest; /* a ring: entries[newest] is index 62 */
	struct hpack_entry entries[HPACK_ENTRIES_MAX];
};
void hpack_init(struct hpack *h);

/* value: the first bytes of it, not terminated. */
typedef void hpack_fn(void *arg, enum hpack_name name, const char *value, size_t len);
/* A whole header block, in the order of the connection. -EBADMSG: the connection is lost. */
int hpack_decode(struct hpack *h, const uint8_t *p, size_t len, hpack_fn *fn, void *arg);

/* Decodes a Huffman-coded string; keeps at most `size` bytes. Returns the whole length, or
 * -EBADMSG. */
int64_t hpack_huffman(const uint8_t *p, size_t len, char *out, size_t size);

#endif
