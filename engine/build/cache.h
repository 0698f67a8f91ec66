/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache - which image a step gave when it was done before. podium-image only.
 *
 *	ROOT/build/steps/<key>		the image's id
 */
#ifndef PODIUM_BUILD_CACHE_H
#define PODIUM_BUILD_CACHE_H

#include "engine/image/digest.h"
#include "engine/image/imageconf.h"
#include "engine/state/layout.h"

/* 1: *ret_id is an image that is still there whole, *ret its configuration; 0: none. */
int build_cache_find(const struct store *s, const struct digest *key,
		     char ret_id[DIGEST_HEX_LEN + 1], struct image_conf *ret,
		     struct error *err) must_check;
int build_cache_put(const struct store *s, const struct digest *key, const char *id,
		    struct error *err) must_check;
/* Forgets what images are gone of. */
int build_cache_sweep(const struct store *s, struct error *err) must_check;

/* Reads the configuration of an image; its bytes are its id. */
int build_read_conf(const struct store *s, const char *id, struct image_conf *ret,
		    struct error *err) must_check;

#endif
