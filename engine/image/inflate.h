/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate - one streaming face for gzip (isa-l), zstd and no compression. podium-image only.
 */
#ifndef PODIUM_IMAGE_INFLATE_H
#define PODIUM_IMAGE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum inflate_kind { INFLATE_NONE, INFLATE_GZIP, INFLATE_ZSTD };

/* Bombs end at the first of these. */
struct inflate_limits {
	uint64_t bytes;	     /* of output */
	uint64_t ratio;	     /* output / input, looked at after ... */
	uint64_t ratio_from; /* ... so many bytes of output */
};
#define INFLATE_BYTES_MAX  (UINT64_C(256) << 30)
#define INFLATE_RATIO_MAX  500
#define INFLATE_RATIO_FROM (UINT64_C(100) << 20)
#define INFLATE_WINDOW_LOG 26 /* zstd: 64 MiB of history */

void inflate_limits_default(struct inflate_limits *l);

/* Guesses by the first bytes (at least 6 when there are so many). xz and bzip2: -EPROTONOSUPPORT.
 */
int inflate_detect(const void *head, size_t len, enum inflate_kind *ret,
		   struct error *err) must_check;

struct inflate;
/* *ret is freed by inflate_free(). */
int inflate_new(enum inflate_kind kind, const struct inflate_limits *limits, struct inflate **ret,
		struct error *err) must_check;
void inflate_free(struct inflate *z);

/* Called with each piece of output. Returns 0 or -errno with err set. */
typedef int inflate_sink(void *arg, const void *data, size_t len, struct error *err);

/* Takes a piece of input. -EBADMSG damaged, -E2BIG a limit, or what the sink returned. */
int inflate_feed(struct inflate *z, const void *data, size_t len, inflate_sink *sink, void *arg,
		 struct error *err) must_check;
/* The input is at its end: -EBADMSG when the stream is not. */
int inflate_finish(struct inflate *z, struct error *err) must_check;

#endif
