/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarsplit - records what a tar stream holds besides the content of its files.
 *
 * Theory of operation: the stream passes once, in pieces of any size. A small state machine follows
 * the tar format only as far as is needed to know where the content of a plain file begins and
 * ends; that content is left out, everything else is recorded as it is:
 *
 *	"podsplt1"
 *	'R' length:32  bytes				as they were
 *	'F' size:64  length:16  name			the bytes of this file below diff/
 *	'E'						the stream was recorded to its end
 *
 * (little endian, the whole compressed by zstd at its lowest level.) Nothing here decides what is
 * unpacked, so nothing has to be refused: an entry that this reader does not understand, or whose
 * content diff/ may not give back (sparse files, links with data, whiteouts, names that cannot be
 * cleaned), is recorded with its content; a block that is no header is recorded and the next one
 * is looked at; what follows the end marker is recorded. Whether the stream can be written again is
 * decided by its digest when that is done (tarsplit_rebuild.c).
 *
 * Not recoverable: a file whose name comes again later in the same stream (diff/ has the last one
 * only), and a stream whose record would exceed SPLIT_BYTES_MAX: its record stays without 'E'.
 * The layer itself is good in both cases; it just cannot leave with its old digest.
 *
 * Runs in the confined pump: write(2) alone. Memory: one block, RAW_BYTES, one pax header of
 * META_BYTES_MAX and zstd's smallest context.
 */
#include "engine/image/tarsplit.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/image/internal.h"
#include "engine/image/splitformat.h"

#define BLOCK		512
#define RAW_BYTES	(64 * 1024)
#define OUT_BYTES	(64 * 1024)
#define META_BYTES_MAX	(1024 * 1024)
#define SPLIT_BYTES_MAX (UINT64_C(128) << 20)
#define SIZE_MAX_BYTES	(UINT64_C(1) << 60)

enum part {
	PART_HEADER, /* a header block, or what stands in its place */
	PART_MORE,   /* old GNU sparse: extension blocks of the map */
	PART_META,   /* content of a pax or long name header: recorded and kept */
	PART_RAW,    /* content that is recorded */
	PART_FILE,   /* content that diff/ has */
	PART_REST,   /* behind the end marker */
};

struct tarsplit {
	int outfd;
	ZSTD_CCtx *zstd;
	char *out;
	uint64_t written;
	bool is_lost; /* too large: recording has ended */
	char *raw;    /* not yet handed to zstd */
	size_t raw_len;
	enum part part;
	uint64_t left;	  /* of the part */
	uint64_t padding; /* after a PART_FILE */
	unsigned char block[BLOCK];
	size_t block_len;
	char meta_type;
	uint64_t meta_size; /* without padding */
	struct buf meta;
	/* What extension headers said of the next entry. */
	char *path;
	uint64_t size;
	bool has_size;
	bool is_sparse;
};

/* ---- output ----------------------------------------------------------------------------- */

static int write_out(struct tarsplit *t, size_t len, struct error *err)
{
	int r;

	t->written += len;
	if (t->written > SPLIT_BYTES_MAX) {
		t->is_lost = true;
		return 0;
	}
	r = fs_write_all(t->outfd, t->out, len);
	if (r == 0)
		return 0;
	errno = -r;
	return error_errno(err, "write 'split'");
}

static int compress(struct tarsplit *t, const void *data, size_t len, ZSTD_EndDirective mode,
		    struct error *err)
{
	ZSTD_inBuffer in = { .src = data, .size = len };
	size_t left = 0;

	do {
		ZSTD_outBuffer out = { .dst = t->out, .size = OUT_BYTES };
		int r = 0;

		if (t->is_lost)
			return 0;
		left = ZSTD_compressStream2(t->zstd, &out, &in, mode);
		if (ZSTD_isError(left))
			return error_set(err, EIO, "record the layer's headers: %s",
					 ZSTD_getErrorName(left));
		if (out.pos)
			r = write_out(t, out.pos, err);
		if (r < 0)
			return r;
	} while (in.pos < in.size || (mode == ZSTD_e_end && left));
	return 0;
}

static int flush_raw(struct tarsplit *t, struct error *err)
{
	unsigned char head[SPLIT_RAW_HEAD] = { SPLIT_RAW };
	int r;

	if (!t->raw_len)
		return 0;
	split_put(head + 1, t->raw_len, 4);
	r = compress(t, head, sizeof(head), ZSTD_e_continue, err);
	if (r == 0)
		r = compress(t, t->raw, t->raw_len, ZSTD_e_continue, err);
	t->raw_len = 0;
	return r;
}

static int put_raw(struct tarsplit *t, const void *data, size_t len, struct error *err)
{
	const char *p = data;

	while (len) {
		size_t n = RAW_BYTES - t->raw_len < len ? RAW_BYTES - t->raw_len : len;
		int r = 0;

		memcpy(t->raw + t->raw_len, p, n);
		t->raw_len += n;
		p += n;
		len -= n;
		if (t->raw_len == RAW_BYTES)
			r = flush_raw(t, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_file(struct tarsplit *t, const char *path, uint64_t size, struct error *err)
{
	unsigned char head[SPLIT_FILE_HEAD] = { SPLIT_FILE };
	size_t len = strlen(path);
	int r = flush_raw(t, err);

	split_put(head + 1, size, 8);
	split_put(head + 9, len, 2);
	if (r == 0)
		r = compress(t, head, sizeof(head), ZSTD_e_continue, err);
	return r < 0 ? r : compress(t, path, len, ZSTD_e_continue, err);
}

/* ---- what headers say ------------------------------------------------------------------- */

/* A number field: octal, or base 256 when the first bit is set. */
static bool take_number(const unsigned char *p, size_t len, uint64_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	if (p[0] & 0x80) {
		n = p[0] & 0x7f;
		for (i = 1; i < len && n < SIZE_MAX_BYTES; i++)
			n = n << 8 | p[i];
		*ret = n;
		return i == len && n < SIZE_MAX_BYTES;
	}
	while (i < len && p[i] == ' ')
		i++;
	for (; i < len && p[i] >= '0' && p[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(p[i] - '0');
	*ret = n;
	return n < SIZE_MAX_BYTES && (i == len || p[i] == ' ' || p[i] == '\0');
}

/* Both sums that writers were known to make: of unsigned and of signed bytes. */
static bool is_header(const unsigned char *b)
{
	uint64_t want = 0;
	unsigned int sum = 0, high = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		sum += b[i];
		high += b[i] >> 7;
	}
	for (size_t i = 148; i < 156; i++) {
		sum += ' ' - b[i];
		high -= b[i] >> 7;
	}
	return take_number(b + 148, 8, &want) && (want == sum || want + 256 * high == sum);
}

static bool is_zero(const unsigned char *b)
{
	return b[0] == 0 && memcmp(b, b + 1, BLOCK - 1) == 0;
}

/* The name in a header block, the caller's. */
static char *header_name(const unsigned char *b)
{
	const char *name = (const char *)b, *prefix = (const char *)b + 345;
	int name_len = (int)strnlen(name, 100), prefix_len = (int)strnlen(prefix, 155);

	if (memcmp(b + 257, "ustar\0", 6) == 0 && prefix_len)
		return xasprintf("%.*s/%.*s", prefix_len, prefix, name_len, name);
	return xstrndup(name, (size_t)name_len);
}

static void take_pax_record(struct tarsplit *t, const char *key, size_t key_len, const char *value,
			    size_t len)
{
	cleanup_free char *name = xstrndup(key, key_len);
	cleanup_free char *text = xstrndup(value, len);

	if (is_equal(name, "path")) {
		free(t->path);
		t->path = steal_ptr(&text);
	} else if (is_equal(name, "size")) {
		t->has_size = parse_u64(text, SIZE_MAX_BYTES - 1, &t->size) == 0;
		t->is_sparse |= !t->has_size;
	} else if (is_prefix(name, "GNU.sparse.") || is_equal(name, "SCHILY.realsize")) {
		t->is_sparse = true;
	}
}

/* "length key=value\n" again and again; what is not of this shape ends the reading. */
static void take_pax(struct tarsplit *t)
{
	const char *p = t->meta.data, *end = p + t->meta.len;

	while (p && p < end) {
		const char *space = memchr(p, ' ', (size_t)(end - p)), *equals;
		cleanup_free char *number = space ? xstrndup(p, (size_t)(space - p)) : NULL;
		uint64_t len = 0;

		if (!number || parse_u64(number, (uint64_t)(end - p), &len) < 0 ||
		    len < (uint64_t)(space - p) + 2)
			return;
		equals = memchr(space, '=', len - (size_t)(space - p));
		if (!equals)
			return;
		take_pax_record(t, space + 1, (size_t)(equals - space - 1), equals + 1,
				(size_t)(p + len - 1 - (equals + 1)));
		p += len;
	}
}

static void end_meta(struct tarsplit *t)
{
	if (t->meta.overflow) {
		t->is_sparse = true; /* not understood: the entry is recorded whole */
	} else if (t->meta_type == 'L') {
		free(t->path);
		t->path = xstrndup(t->meta.data ? t->meta.data : "", t->meta.len);
	} else if (t->meta_type == 'x' || t->meta_type == 'X') {
		take_pax(t);
	}
	buf_done(&t->meta);
	t->meta = BUF_INIT(META_BYTES_MAX);
}

static void forget_overrides(struct tarsplit *t)
{
	free(steal_ptr(&t->path));
	t->has_size = t->is_sparse = false;
}

static uint64_t padded(uint64_t size)
{
	return (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* Whether diff/ has the content under the name, which is cleaned as the unpacker cleans it. */
static bool is_in_diff(const char *raw, char type, char **ret_path)
{
	struct layer_name name = { .path = NULL };
	struct error scratch;
	bool is_there;

	if ((type != '0' && type != '\0' && type != '7') || is_empty(raw) || is_suffix(raw, "/") ||
	    layer_clean(raw, &name, &scratch) < 0)
		return false;
	is_there = *name.path && !is_prefix(name.base, ".wh.");
	if (is_there)
		*ret_path = steal_ptr(&name.path);
	layer_name_done(&name);
	return is_there;
}

static int begin_content(struct tarsplit *t, char type, uint64_t size, struct error *err)
{
	cleanup_free char *name = t->path ? xstrdup(t->path) : header_name(t->block);
	cleanup_free char *path = NULL;
	bool is_plain = size && !t->is_sparse && is_in_diff(name, type, &path);

	forget_overrides(t);
	t->padding = 0;
	if (type == 'S' && t->block[482]) {
		t->part = PART_MORE;
		t->left = padded(size);
		return 0;
	}
	if (!is_plain) {
		t->part = size ? PART_RAW : PART_HEADER;
		t->left = padded(size);
		return 0;
	}
	t->part = PART_FILE;
	t->left = size;
	t->padding = padded(size) - size;
	return put_file(t, path, size, err);
}

/* A whole block stands where a header should. */
static int take_header(struct tarsplit *t, struct error *err)
{
	const char type = (char)t->block[156];
	uint64_t size = 0;
	int r = put_raw(t, t->block, BLOCK, err);

	if (r < 0)
		return r;
	if (is_zero(t->block)) {
		t->part = PART_REST;
		return 0;
	}
	if (!is_header(t->block) || !take_number(t->block + 124, 12, &size)) {
		forget_overrides(t);
		return 0;
	}
	if (type && strchr("xXgLK", type)) {
		t->meta_type = type;
		t->meta_size = size;
		t->left = padded(size);
		t->part = size ? PART_META : PART_HEADER;
		return 0;
	}
	if (t->has_size)
		size = t->size;
	/* Links, nodes and directories have no content; data behind a link is taken for headers,
	 * is none, and so recorded. */
	return begin_content(t, type, type >= '1' && type <= '6' ? 0 : size, err);
}

/* ---- feeding ---------------------------------------------------------------------------- */

/* Fills the block; true when it is whole. */
static bool fill_block(struct tarsplit *t, const char **p, size_t *len)
{
	size_t n = BLOCK - t->block_len < *len ? BLOCK - t->block_len : *len;

	memcpy(t->block + t->block_len, *p, n);
	t->block_len += n;
	*p += n;
	*len -= n;
	if (t->block_len < BLOCK)
		return false;
	t->block_len = 0;
	return true;
}

static void end_part(struct tarsplit *t)
{
	if (t->part == PART_META)
		end_meta(t);
	if (t->part == PART_FILE && t->padding) {
		t->part = PART_RAW;
		t->left = t->padding;
		return;
	}
	t->part = PART_HEADER;
}

/* Takes what belongs to a part of known length. */
static int take_content(struct tarsplit *t, const char **p, size_t *len, struct error *err)
{
	size_t n = t->left < *len ? (size_t)t->left : *len;
	int r = 0;

	if (t->part != PART_FILE)
		r = put_raw(t, *p, n, err);
	if (t->part == PART_META) {
		uint64_t seen = padded(t->meta_size) - t->left;
		uint64_t want = seen < t->meta_size ? t->meta_size - seen : 0;

		buf_add(&t->meta, *p, want < n ? (size_t)want : n);
	}
	*p += n;
	*len -= n;
	t->left -= n;
	if (r == 0 && !t->left)
		end_part(t);
	return r;
}

size_t tarsplit_missing_padding(const struct tarsplit *t)
{
	return t->part == PART_RAW && t->left <= t->padding ? (size_t)t->left : 0;
}

static int take_block(struct tarsplit *t, struct error *err)
{
	int r;

	if (t->part == PART_HEADER)
		return take_header(t, err);
	r = put_raw(t, t->block, BLOCK, err);
	if (!t->block[504])
		t->part = t->left ? PART_RAW : PART_HEADER;
	return r;
}

int tarsplit_feed(struct tarsplit *t, const void *data, size_t len, struct error *err)
{
	const char *p = data;
	int r = 0;

	while (r == 0 && len && !t->is_lost) {
		if (t->part == PART_REST) {
			r = put_raw(t, p, len, err);
			len = 0;
		} else if (t->part == PART_HEADER || t->part == PART_MORE) {
			if (fill_block(t, &p, &len))
				r = take_block(t, err);
		} else {
			r = take_content(t, &p, &len, err);
		}
	}
	return r;
}

int tarsplit_finish(struct tarsplit *t, struct error *err)
{
	static const char end = SPLIT_END;
	int r = put_raw(t, t->block, t->block_len, err);

	t->block_len = 0;
	if (r == 0)
		r = flush_raw(t, err);
	/* A stream that ends inside a file has no true record; its layer is refused anyway. */
	if (t->part == PART_FILE)
		return r;
	return r < 0 ? r : compress(t, &end, 1, ZSTD_e_end, err);
}

int tarsplit_new(int outfd, struct tarsplit **ret, struct error *err)
{
	struct tarsplit *t = xcalloc(1, sizeof(*t));
	int r;

	t->outfd = outfd;
	t->zstd = ZSTD_createCCtx();
	t->out = xmalloc(OUT_BYTES);
	t->raw = xmalloc(RAW_BYTES);
	t->meta = BUF_INIT(META_BYTES_MAX);
	if (!t->zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(t->zstd, ZSTD_c_compressionLevel, SPLIT_LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(t->zstd, ZSTD_c_checksumFlag, 1)))
		r = error_set(err, ENOMEM, "make a zstd encoder");
	else
		r = compress(t, SPLIT_MAGIC, SPLIT_MAGIC_LEN, ZSTD_e_continue, err);
	if (r < 0) {
		tarsplit_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void tarsplit_free(struct tarsplit *t)
{
	if (!t)
		return;
	(void)ZSTD_freeCCtx(t->zstd);
	free(t->out);
	free(t->raw);
	free(t->path);
	buf_done(&t->meta);
	free(t);
}
