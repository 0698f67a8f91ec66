/* SPDX-License-Identifier: Apache-2.0 */
/* storeindex - what the files of the image store (store*.c) share: the index and who uses what. */
#ifndef PODIUM_IMAGE_STOREINDEX_H
#define PODIUM_IMAGE_STOREINDEX_H

#include "engine/image/store.h"

struct image_index {
	uint32_t version;
	struct image_list images;
};
/* An empty or missing store gives an empty index. Changes are made under the lock, held exclusively
 * from before the reading until after the writing. */
int image_index_read(const struct store *s, struct image_index *ret, struct error *err) must_check;
int image_index_write(const struct store *s, struct image_index *x, struct error *err) must_check;
void image_index_done(struct image_index *x);
#define cleanup_image_index cleanup(image_index_done)

/* "images/blobs/sha256/<hex>" into a buffer of LAYOUT_PATH_MAX bytes, which is returned. */
char *image_blob_path(char *buf, const char *hex);
/* -ENODATA when one of the layers is not complete. */
int image_check_layers(const struct store *s, const struct strlist *layers,
		       struct error *err) must_check;

/* What containers need. Zeroed before use. */
struct image_use {
	struct strlist containers; /* ids of those that use the image asked for */
	struct strlist layers;	   /* pinned by any container or image volume */
	bool is_doubtful;	   /* a record could not be read */
};
void image_use_done(struct image_use *u);
#define cleanup_image_use cleanup(image_use_done)
/* Reads every record of a container and of a pod. image (an id) may be NULL. */
int image_use_find(const struct store *s, const char *image, struct image_use *ret,
		   struct error *err) must_check;

#endif
