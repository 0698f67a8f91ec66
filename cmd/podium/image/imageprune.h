/* SPDX-License-Identifier: Apache-2.0 */
/* imageprune - what image prune and system prune share. */
#ifndef PODIUM_CMD_IMAGEPRUNE_H
#define PODIUM_CMD_IMAGEPRUNE_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "engine/image/store.h"

/* Prints the warning and asks on stdin. Returns 1 for yes, 0 for no; -EPIPE at the end of the
 * input. */
int prune_confirm(const char *warning, struct error *err) must_check;

struct image_prune_result {
	struct strlist ids;
	int64_t bytes; /* of the layers that nobody needs now */
};
void image_prune_result_done(struct image_prune_result *r);
#define cleanup_image_prune_result cleanup(image_prune_result_done)

/* Removes the images without a name that nothing was built upon, with all set all that no container
 * uses; filters: label, label!, until. What is in use stays without a word. */
int imageprune_run(const struct store *s, bool all, const struct strlist *filters,
		   struct image_prune_result *ret, struct error *err) must_check;

#endif
