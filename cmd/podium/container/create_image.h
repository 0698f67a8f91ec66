/* SPDX-License-Identifier: Apache-2.0 */
/* create_image - the image of a container that is being made: found or pulled, and what it adds. */
#ifndef PODIUM_CMD_CREATE_IMAGE_H
#define PODIUM_CMD_CREATE_IMAGE_H

#include "cmd/podium/container/create_options.h"

struct image_conf;

/* Pulls the image when --pull and the store say so; no lock may be held. *ret_name is the name under
 * which it is here, the caller's. */
int create_image_pull(struct command_context *ctx, const struct create_options *o,
		      const struct conf *conf, const char *image, char **ret_name,
		      struct error *err) must_check;

/* Resolves it into the container's config and adds what it declares: health check, volumes, ports
 * (--publish-all), variables to merge. The caller holds the images lock. */
int create_image_apply(const struct store *s, const struct create_options *o, const char *name,
		       struct pod_plan *plan, struct error *err) must_check;

/* The same without a store, from what the image says; for tests. */
int create_image_merge(const struct create_options *o, const struct image_conf *image,
		       struct pod_plan *plan, struct error *err) must_check;

#endif
