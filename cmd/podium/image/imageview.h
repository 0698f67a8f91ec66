/* SPDX-License-Identifier: Apache-2.0 */
/* imageview - what the commands that list images know of one, beyond its entry in the index. */
#ifndef PODIUM_CMD_IMAGEVIEW_H
#define PODIUM_CMD_IMAGEVIEW_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/image/imageconf.h"
#include "engine/image/store.h"

/* "11.8 MB" with a gap of " ", "11.8MB" with "": powers of a thousand, at most `digits` digits, as
 * Podman prints sizes. The caller's. */
char *view_size(int64_t bytes, int digits, const char *gap);
/* "2024-01-01 00:00:00 +0000 UTC", Go's way to print a time. The caller's. */
char *view_go_time(int64_t wall_ns);
/* RFC 3339 in UTC; Go's zero time for 0. New reference. */
json_t *view_utc(int64_t wall_ns);

/* Splits "repository:tag" or "repository@digest" (whose tag is <none>); NULL is <none> twice. */
void view_split_name(const char *name, char **ret_repository, char **ret_tag);
/* "name@sha256:<hex>" for each repository and digest of the image, in order, each once. */
void view_digests(const struct image_info *i, struct strlist *ret);
/* Every name that it has or had, newest first. */
void view_name_history(const struct image_info *i, struct strlist *ret);

/* Reads an image's configuration. -ENOENT, -EBADMSG. */
int view_read_conf(const struct store *s, const struct image_info *i, struct image_conf *ret,
		   struct error *err) must_check;

/* How many containers use each image. */
struct image_use_counts {
	struct strlist ids; /* image of each container */
};
int view_count_uses(const struct store *s, struct image_use_counts *ret,
		    struct error *err) must_check;
size_t view_uses(const struct image_use_counts *c, const struct image_info *i);
void image_use_counts_done(struct image_use_counts *c);
#define cleanup_image_use_counts cleanup(image_use_counts_done)

#endif
