/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imagemaker - small image archives in memory, right in every digest until a test breaks one.
 */
#ifndef PODIUM_TESTS_IMAGEMAKER_H
#define PODIUM_TESTS_IMAGEMAKER_H

#include "engine/base/str.h"

#define MADE_LAYERS_MAX 8

enum made_compression { MADE_PLAIN, MADE_GZIP, MADE_ZSTD };

struct made_image {
	const char *name;		  /* NULL: none */
	struct buf tars[MADE_LAYERS_MAX]; /* filled by the test through tar_add() and tar_end() */
	size_t n;
	enum made_compression compression;
	const char *config;	    /* the inner object; NULL: {"Cmd":["sh"]} */
	const char *diff_id;	    /* instead of the right one of the last layer */
	const char *layer_digest;   /* OCI: instead of the right one of the last layer */
	long size_off;		    /* OCI: added to the last layer's size in the manifest */
	const char *manifest_extra; /* OCI: more members, begins with a comma */
};

/* A new layer of the image. */
struct buf *made_layer(struct made_image *m);
/* Compresses (gzip by libarchive, zstd by libzstd). */
void made_compress(const struct buf *in, enum made_compression c, struct buf *out);
void made_docker(const struct made_image *m, struct buf *out);
void made_oci(const struct made_image *m, struct buf *out);
/* The archive as a file descriptor at its beginning. */
int made_memfd(const struct buf *b);
void made_done(struct made_image *m);

#endif
