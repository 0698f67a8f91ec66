/* SPDX-License-Identifier: Apache-2.0 */
/*
 * putimage - a configuration and its layers become an image of the store. podium-image only.
 */
#ifndef PODIUM_BUILD_PUTIMAGE_H
#define PODIUM_BUILD_PUTIMAGE_H

#include <stdbool.h>

#include "engine/image/digest.h"
#include "engine/image/imageconf.h"
#include "engine/state/layout.h"

/* Borrowed, all of it. */
struct put_image {
	const struct image_conf *conf;
	const struct strlist *names; /* full ones */
	const char *parent;	     /* id; NULL: it stays what it was */
	bool is_docker;		     /* kind of the manifest */
	bool is_intermediate;	     /* a step of a build */
};
/* Writes it; the layers must be claimed. -EBADMSG: nobody would take the configuration back.
 * -ENODATA: of a layer of an older podium no Docker manifest can be made. */
int put_image(const struct store *s, const struct put_image *p, char ret_id[DIGEST_HEX_LEN + 1],
	      struct error *err) must_check;
/* Puts a layer upon the others. */
void put_layer(struct image_conf *c, const struct digest *diff);

#endif
