/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deflate - one streaming face for making gzip (isa-l), zstd and nothing. podium-image only.
 */
#ifndef PODIUM_IMAGE_DEFLATE_H
#define PODIUM_IMAGE_DEFLATE_H

#include <stddef.h>

#include "engine/image/inflate.h"

enum deflate_kind { DEFLATE_NONE, DEFLATE_GZIP, DEFLATE_ZSTD };
#define DEFLATE_LEVEL_DEFAULT (-1)
#define DEFLATE_GZIP_MAX      9
#define DEFLATE_ZSTD_MAX      19

struct deflate;
/* level: 1 to the kind's maximum, or DEFLATE_LEVEL_DEFAULT. The same input gives the same bytes (no
 * name, no time in the header). *ret is freed by deflate_free(). -EINVAL. */
int deflate_new(enum deflate_kind kind, int level, struct deflate **ret,
		struct error *err) must_check;
void deflate_free(struct deflate *z);
int deflate_feed(struct deflate *z, const void *data, size_t len, inflate_sink *sink, void *arg,
		 struct error *err) must_check;
/* The input is at its end: the rest of the output. */
int deflate_finish(struct deflate *z, inflate_sink *sink, void *arg, struct error *err) must_check;

#endif
