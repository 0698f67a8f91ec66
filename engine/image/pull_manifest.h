/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull_manifest - what a registry says an image is: manifest, index, configuration, as a plan of
 * layers. podium-image only; for pull.c.
 */
#ifndef PODIUM_IMAGE_PULL_MANIFEST_H
#define PODIUM_IMAGE_PULL_MANIFEST_H

#include "engine/image/load.h"
#include "engine/image/registry.h"

/* Where one image comes from. */
struct pull_place {
	char *image;		      /* full name, for messages */
	struct route_list routes;     /* the one that answered first */
	struct registry_manifest top; /* what was answered */
};
void pull_place_free(struct pull_place *p);

/* Gets the manifest or index of a tag or "sha256:<hex>" from the first route that has it. */
int pull_top(struct registry *r, struct pull_place *place, const char *wanted,
	     struct error *err) must_check;
/* Its digest alone, by the word of the first route that answers. */
int pull_head(struct registry *r, const struct pull_place *place, const char *wanted,
	      struct digest *ret, struct error *err) must_check;
int pull_tags(struct registry *r, const struct pull_place *place, struct strlist *ret,
	      struct error *err) must_check;
/* Follows place->top to the manifest of the platform and its configuration. Fills *ret but names and
 * digests; its layers borrow from place. On failure the caller still frees *ret. */
int pull_image(struct registry *r, struct pull_place *place, const struct platform *platform,
	       struct load_image *ret, struct error *err) must_check;

#endif
