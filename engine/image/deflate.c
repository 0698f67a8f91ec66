/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deflate - compression of layers that leave.
 *
 * Theory of operation: input is pushed in, output is pushed out through a sink; memory is one output
 * buffer and the encoder's. gzip is isa-l, several times zlib's speed at the ratio of zlib's low
 * levels; it has three levels, to which gzip's 1 to 9 are mapped. The gzip header says nothing of
 * time or name, so what goes in decides alone what comes out.
 */
#include "engine/image/deflate.h"

#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

#include "engine/base/mem.h"

#define OUT_BYTES      (256 * 1024)
#define ZSTD_LEVEL     3
#define GZIP_LEVEL     6
#define GZIP_MIDDLE    3 /* from here on isa-l's 2, */
#define GZIP_BEST      6 /* and its 3 */
#define GZIP_BUF_BYTES ISAL_DEF_LVL3_DEFAULT

struct deflate {
	enum deflate_kind kind;
	struct isal_zstream *gzip;
	struct isal_gzip_header header;
	unsigned char *level_buf;
	ZSTD_CCtx *zstd;
	unsigned char *out;
};

static int new_gzip(struct deflate *z, int level, struct error *err)
{
	if (level == DEFLATE_LEVEL_DEFAULT)
		level = GZIP_LEVEL;
	if (level < 1 || level > DEFLATE_GZIP_MAX)
		return error_set(err, EINVAL, "gzip has the levels 1 to %d", DEFLATE_GZIP_MAX);
	z->gzip = xcalloc(1, sizeof(*z->gzip));
	z->level_buf = xmalloc(GZIP_BUF_BYTES);
	isal_deflate_init(z->gzip);
	z->gzip->gzip_flag = IGZIP_GZIP;
	z->gzip->level = level < GZIP_MIDDLE ? 1 : level < GZIP_BEST ? 2 : 3;
	z->gzip->level_buf = z->level_buf;
	z->gzip->level_buf_size = GZIP_BUF_BYTES;
	return 0;
}

static int new_zstd(struct deflate *z, int level, struct error *err)
{
	if (level == DEFLATE_LEVEL_DEFAULT)
		level = ZSTD_LEVEL;
	if (level < 1 || level > DEFLATE_ZSTD_MAX)
		return error_set(err, EINVAL, "zstd has the levels 1 to %d", DEFLATE_ZSTD_MAX);
	z->zstd = ZSTD_createCCtx();
	if (!z->zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z->zstd, ZSTD_c_compressionLevel, level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z->zstd, ZSTD_c_checksumFlag, 1)))
		return error_set(err, ENOMEM, "make a zstd encoder");
	return 0;
}

int deflate_new(enum deflate_kind kind, int level, struct deflate **ret, struct error *err)
{
	struct deflate *z = xcalloc(1, sizeof(*z));
	int r = 0;

	z->kind = kind;
	z->out = xmalloc(OUT_BYTES);
	if (kind == DEFLATE_GZIP)
		r = new_gzip(z, level, err);
	else if (kind == DEFLATE_ZSTD)
		r = new_zstd(z, level, err);
	if (r < 0) {
		deflate_free(z);
		return r;
	}
	*ret = z;
	return 0;
}

void deflate_free(struct deflate *z)
{
	if (!z)
		return;
	(void)ZSTD_freeCCtx(z->zstd);
	free(z->gzip);
	free(z->level_buf);
	free(z->out);
	free(z);
}

/* A piece of input; the last one ends the stream. */
struct piece {
	const void *data;
	size_t len;
	bool is_end;
};

static int run_gzip(struct deflate *z, const struct piece *in, inflate_sink *sink, void *arg,
		    struct error *err)
{
	struct isal_zstream *s = z->gzip;

	s->next_in = (uint8_t *)(uintptr_t)in->data;
	s->avail_in = (uint32_t)in->len;
	s->end_of_stream = in->is_end;
	do {
		size_t n;
		int r;

		s->next_out = z->out;
		s->avail_out = OUT_BYTES;
		if (isal_deflate(s) != COMP_OK)
			return error_set(err, EIO, "gzip: the encoder fails");
		n = OUT_BYTES - s->avail_out;
		r = n ? sink(arg, z->out, n, err) : 0;
		if (r < 0)
			return r;
	} while (s->avail_out == 0 || s->avail_in ||
		 (in->is_end && s->internal_state.state != ZSTATE_END));
	return 0;
}

static int run_zstd(struct deflate *z, const struct piece *piece, inflate_sink *sink, void *arg,
		    struct error *err)
{
	const ZSTD_EndDirective mode = piece->is_end ? ZSTD_e_end : ZSTD_e_continue;
	ZSTD_inBuffer in = { .src = piece->data, .size = piece->len };
	size_t left;

	do {
		ZSTD_outBuffer out = { .dst = z->out, .size = OUT_BYTES };
		int r;

		left = ZSTD_compressStream2(z->zstd, &out, &in, mode);
		if (ZSTD_isError(left))
			return error_set(err, EIO, "zstd: %s", ZSTD_getErrorName(left));
		r = out.pos ? sink(arg, z->out, out.pos, err) : 0;
		if (r < 0)
			return r;
	} while (in.pos < in.size || (piece->is_end && left));
	return 0;
}

static int run(struct deflate *z, const struct piece *in, inflate_sink *sink, void *arg,
	       struct error *err)
{
	switch (z->kind) {
	case DEFLATE_GZIP:
		return run_gzip(z, in, sink, arg, err);
	case DEFLATE_ZSTD:
		return run_zstd(z, in, sink, arg, err);
	case DEFLATE_NONE:
	default:
		return in->len ? sink(arg, in->data, in->len, err) : 0;
	}
}

int deflate_feed(struct deflate *z, const void *data, size_t len, inflate_sink *sink, void *arg,
		 struct error *err)
{
	return run(z, &(struct piece){ .data = data, .len = len }, sink, arg, err);
}

int deflate_finish(struct deflate *z, inflate_sink *sink, void *arg, struct error *err)
{
	return run(z, &(struct piece){ .data = "", .is_end = true }, sink, arg, err);
}
