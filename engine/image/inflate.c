/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate - decompression with a ceiling.
 *
 * Theory of operation: input is pushed in, output is pushed out through a sink, so memory is one
 * output buffer and the decoder's window whatever the stream says. gzip is isa-l (two to three
 * times zlib's speed), several members one after another as gzip(1) writes them, each with its
 * checksum; zero bytes behind the last member are padding. zstd may consist of several frames;
 * frames that want a window above INFLATE_WINDOW_LOG are refused. After ratio_from bytes of output
 * the ratio of output to input is watched: a stream of zeros that a layer of sense never is ends
 * there.
 *
 * Runs in the confined pump (load.c), never in podium-image's main process.
 */
#include "engine/image/inflate.h"

#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

#include "engine/base/mem.h"

#define OUT_BYTES (256 * 1024)

struct inflate {
	enum inflate_kind kind;
	struct inflate_limits limits;
	uint64_t in, out;
	bool is_inside;	 /* in a gzip member or a zstd frame */
	bool is_padding; /* gzip: zeros after the last member */
	bool is_begun;
	struct inflate_state *gzip;
	struct isal_gzip_header header;
	ZSTD_DStream *zstd;
	unsigned char *buf;
};

void inflate_limits_default(struct inflate_limits *l)
{
	*l = (struct inflate_limits){ .bytes = INFLATE_BYTES_MAX,
				      .ratio = INFLATE_RATIO_MAX,
				      .ratio_from = INFLATE_RATIO_FROM };
}

int inflate_detect(const void *head, size_t len, enum inflate_kind *ret, struct error *err)
{
	static const unsigned char xz[] = { 0xfd, '7', 'z', 'X', 'Z' };
	const unsigned char *p = head;

	*ret = INFLATE_NONE;
	if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		*ret = INFLATE_GZIP;
	else if (len >= 4 && p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd)
		*ret = INFLATE_ZSTD;
	else if (len >= 4 && (p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18)
		*ret = INFLATE_ZSTD; /* a skippable frame first */
	else if (len >= sizeof(xz) && memcmp(p, xz, sizeof(xz)) == 0)
		return error_set(err, EPROTONOSUPPORT, "compressed by xz, which no image may be");
	else if (len >= 3 && memcmp(p, "BZh", 3) == 0)
		return error_set(err, EPROTONOSUPPORT,
				 "compressed by bzip2, which no image may be");
	return 0;
}

int inflate_new(enum inflate_kind kind, const struct inflate_limits *limits, struct inflate **ret,
		struct error *err)
{
	struct inflate *z = xcalloc(1, sizeof(*z));

	z->kind = kind;
	z->limits = *limits;
	z->buf = xmalloc(OUT_BYTES);
	if (kind == INFLATE_GZIP)
		z->gzip = xcalloc(1, sizeof(*z->gzip));
	if (kind == INFLATE_ZSTD) {
		z->zstd = ZSTD_createDStream();
		if (!z->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax,
								    INFLATE_WINDOW_LOG))) {
			inflate_free(z);
			return error_set(err, ENOMEM, "make a zstd decoder");
		}
	}
	*ret = z;
	return 0;
}

void inflate_free(struct inflate *z)
{
	if (!z)
		return;
	(void)ZSTD_freeDStream(z->zstd);
	free(z->gzip);
	free(z->buf);
	free(z);
}

/* Hands output on, within the limits. */
static int deliver(struct inflate *z, const void *data, size_t len, inflate_sink *sink, void *arg,
		   struct error *err)
{
	z->out += len;
	if (z->out > z->limits.bytes)
		return error_set(err, E2BIG, "it inflates to more than %llu bytes",
				 (unsigned long long)z->limits.bytes);
	if (z->out > z->limits.ratio_from && z->in && z->out / z->in > z->limits.ratio)
		return error_set(err, E2BIG, "it inflates to more than %llu times its size",
				 (unsigned long long)z->limits.ratio);
	return len ? sink(arg, data, len, err) : 0;
}

static int begin_member(struct inflate *z)
{
	if (z->is_begun)
		isal_inflate_reset(z->gzip);
	else
		isal_inflate_init(z->gzip);
	z->gzip->crc_flag = ISAL_GZIP;
	z->is_begun = z->is_inside = true;
	return 0;
}

static int feed_gzip(struct inflate *z, const unsigned char *data, size_t len, inflate_sink *sink,
		     void *arg, struct error *err)
{
	struct inflate_state *s = z->gzip;

	while (len) {
		size_t used;
		int rc, r;

		if (!z->is_inside && z->is_begun && *data == 0)
			z->is_padding = true;
		if (z->is_padding) {
			if (*data)
				return error_set(err, EBADMSG, "gzip: data after the end");
			data++;
			len--;
			continue;
		}
		if (!z->is_inside)
			(void)begin_member(z);
		s->next_in = (unsigned char *)(uintptr_t)data;
		s->avail_in = (uint32_t)len;
		s->next_out = z->buf;
		s->avail_out = OUT_BYTES;
		rc = isal_inflate(s);
		if (rc != ISAL_DECOMP_OK && rc != ISAL_END_INPUT && rc != ISAL_OUT_OVERFLOW)
			return error_set(err, EBADMSG, "gzip: damaged data (%d)", rc);
		used = len - s->avail_in;
		r = deliver(z, z->buf, OUT_BYTES - s->avail_out, sink, arg, err);
		if (r < 0)
			return r;
		if (s->block_state == ISAL_BLOCK_FINISH)
			z->is_inside = false;
		else if (!used && s->avail_out == OUT_BYTES)
			return error_set(err, EBADMSG, "gzip: damaged data");
		data += used;
		len -= used;
	}
	return 0;
}

/* Output that did not fit: asks for it without more input. */
static int drain_gzip(struct inflate *z, inflate_sink *sink, void *arg, struct error *err)
{
	struct inflate_state *s = z->gzip;

	while (z->is_inside) {
		int rc, r;

		s->avail_in = 0;
		s->next_out = z->buf;
		s->avail_out = OUT_BYTES;
		rc = isal_inflate(s);
		if (rc != ISAL_DECOMP_OK && rc != ISAL_END_INPUT && rc != ISAL_OUT_OVERFLOW)
			return error_set(err, EBADMSG, "gzip: damaged data (%d)", rc);
		r = deliver(z, z->buf, OUT_BYTES - s->avail_out, sink, arg, err);
		if (r < 0)
			return r;
		if (s->block_state == ISAL_BLOCK_FINISH)
			z->is_inside = false;
		else if (s->avail_out)
			return 0;
	}
	return 0;
}

static int feed_zstd(struct inflate *z, const void *data, size_t len, inflate_sink *sink, void *arg,
		     struct error *err)
{
	ZSTD_inBuffer in = { .src = data, .size = len };

	for (;;) {
		ZSTD_outBuffer out = { .dst = z->buf, .size = OUT_BYTES };
		size_t left = ZSTD_decompressStream(z->zstd, &out, &in);
		int r;

		if (ZSTD_isError(left))
			return error_set(err, EBADMSG, "zstd: %s", ZSTD_getErrorName(left));
		z->is_inside = left != 0;
		r = deliver(z, z->buf, out.pos, sink, arg, err);
		if (r < 0)
			return r;
		/* Asked again after the end of a frame, it would wait for the next one. */
		if (in.pos == in.size && (left == 0 || out.pos < out.size))
			return 0;
	}
}

int inflate_feed(struct inflate *z, const void *data, size_t len, inflate_sink *sink, void *arg,
		 struct error *err)
{
	int r;

	z->in += len;
	switch (z->kind) {
	case INFLATE_GZIP:
		r = feed_gzip(z, data, len, sink, arg, err);
		return r < 0 ? r : drain_gzip(z, sink, arg, err);
	case INFLATE_ZSTD:
		return feed_zstd(z, data, len, sink, arg, err);
	case INFLATE_NONE:
	default:
		return deliver(z, data, len, sink, arg, err);
	}
}

int inflate_finish(struct inflate *z, struct error *err)
{
	if (z->is_inside || (z->kind != INFLATE_NONE && !z->in))
		return error_set(err, EBADMSG, "truncated: the compressed data ends too early");
	return 0;
}
