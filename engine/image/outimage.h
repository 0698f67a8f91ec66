/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outimage - an image of the store on its way out: push and save. podium-image only.
 */
#ifndef PODIUM_IMAGE_OUTIMAGE_H
#define PODIUM_IMAGE_OUTIMAGE_H

#include <stdbool.h>

#include "engine/image/layers.h"
#include "engine/image/manifest.h"
#include "engine/image/pack.h"

/* A layer of the image. Its claim keeps it. */
struct outlayer {
	struct layer_claim claim;
	struct digest diff;
	/* The blob as which it came: known when has_blob. */
	bool has_blob;
	struct digest blob;
	uint64_t blob_size;
	enum deflate_kind blob_kind;
};
struct outimage {
	char id[DIGEST_HEX_LEN + 1];
	char *name; /* the one that it was asked for by, or NULL */
	char *config;
	size_t config_len;
	char *manifest; /* as it came, or NULL: there is none whose layers are known */
	size_t manifest_len;
	bool is_docker;		/* what its manifest is; OCI when there is none */
	struct strlist digests; /* "name@sha256:<hex>": where it was */
	struct {
		struct outlayer *v; /* lowest first, repeats kept */
		size_t n;
	} layers;
};
#define OUTIMAGE_INIT ((struct outimage){ .name = NULL })

/* Finds the image, claims its layers, reads its documents. -ENOENT and what image_find() gives;
 * -ENODATA: a layer is missing. */
int outimage_open(const struct store *s, const char *name, struct outimage *ret,
		  struct error *err) must_check;
void outimage_done(struct outimage *o);
#define cleanup_outimage cleanup(outimage_done)

/* One layer's stream being written into outfd. */
struct outstream {
	const struct outlayer *layer;
	struct pack_plan plan;
	struct job job;
};
#define OUTSTREAM_INIT                                                                         \
	((struct outstream){ .plan = { .treefd = -EBADF, .splitfd = -EBADF, .outfd = -EBADF }, \
			     .job = JOB_INIT })
/* Starts it. s must stay where it is until outstream_end(); outfd stays the caller's. */
int outstream_start(struct outstream *s, const struct outlayer *layer, enum deflate_kind kind,
		    int level, int outfd, struct error *err) must_check;
/* Waits, and compares the tar with the diff id. -EPIPE: nobody has read it to its end. */
int outstream_end(struct outstream *s, struct pack_result *ret, struct error *err) must_check;
/* Kills it if it runs. */
void outstream_done(struct outstream *s);
/* Bytes of the layer's tar. */
int outlayer_tar_size(const struct outlayer *l, uint64_t *ret, struct error *err) must_check;

/* What happens on the way out; texts are borrowed. */
struct out_event {
	const char *layer; /* hex of its diff id; NULL: text for a person */
	const char *state; /* "begun", "bytes", "done", "exists" */
	uint64_t bytes;	   /* of the blob, so far */
	const char *text;
};
typedef void out_report(void *arg, const struct out_event *e);

/* The manifest of an image whose layers are these blobs; text, the caller's. */
struct outblob {
	struct digest digest;
	uint64_t size;
	enum deflate_kind kind;
};
char *out_manifest(const struct outimage *o, const struct outblob *blobs, bool is_docker);

/* Notes that the layer was written as this blob, so that the next push finds it. */
void outlayer_note_blob(const struct outlayer *l, const struct outblob *b);
/* The noted blob of that kind. */
bool has_outlayer_noted(const struct outlayer *l, enum deflate_kind kind, struct outblob *ret);

#endif
