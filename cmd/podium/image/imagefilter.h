/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imagefilter - --filter KEY=VALUE of the commands that choose images, with Podman's keys.
 *
 * before, since (after), until, containers, dangling, id, intermediate, label, label!, readonly,
 * reference. All that are given must hold, but of several references or ids one is enough.
 */
#ifndef PODIUM_CMD_IMAGEFILTER_H
#define PODIUM_CMD_IMAGEFILTER_H

#include <stdbool.h>

#include "engine/image/store.h"

struct image_filter;

/* texts: "KEY=VALUE" each. The list is borrowed and must outlive the filter, as must the texts. */
int imagefilter_parse(const struct store *s, const struct image_list *l,
		      const struct strlist *texts, struct image_filter **ret,
		      struct error *err) must_check;
/* One more: the image that NAME means, or every one with a name that fits it. */
void imagefilter_add_name(struct image_filter *f, const char *name);
void imagefilter_free(struct image_filter *f);

/* Returns 1 or 0; -errno when the image's configuration is asked for and cannot be read. */
int imagefilter_match(const struct image_filter *f, const struct image_info *i,
		      struct error *err) must_check;

/* Only label, label! and until: what prune takes. -EINVAL names another. */
int imagefilter_check_prune(const struct strlist *texts, struct error *err) must_check;

/* "KEY" or "KEY=VALUE". */
bool imagefilter_has_label(const struct pairlist *labels, const char *text);

#endif
