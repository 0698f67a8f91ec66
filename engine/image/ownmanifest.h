/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ownmanifest - a manifest for an image that came or was made without one. podium-image only.
 */
#ifndef PODIUM_IMAGE_OWNMANIFEST_H
#define PODIUM_IMAGE_OWNMANIFEST_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "engine/image/digest.h"
#include "engine/state/layout.h"

struct own_manifest {
	char *text; /* the caller's */
	char hex[DIGEST_HEX_LEN + 1];
};
/* The manifest of a configuration, which names the layers (diff ids, lowest first, all complete) as
 * uncompressed blobs: their digests and sizes are known without making them. -ENODATA: a layer came
 * in by an older podium, which kept no record of its size. */
int own_manifest_make(const struct store *s, const char *config, const struct strlist *diff_ids,
		      bool is_docker, struct own_manifest *ret, struct error *err) must_check;

#endif
