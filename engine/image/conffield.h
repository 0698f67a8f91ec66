/* SPDX-License-Identifier: Apache-2.0 */
/* conffield - members of a configuration as hostile input: shared by config.c and imageconf.c. */
#ifndef PODIUM_IMAGE_CONFFIELD_H
#define PODIUM_IMAGE_CONFFIELD_H

#include <jansson.h>

#include "engine/image/config.h"

/* "image configuration: 'member' why"; -EBADMSG. */
int conf_bad(struct error *err, const char *member, const char *why);
/* An optional string member; absent, null and "" give NULL. *ret is the caller's. */
int conf_get_string(const json_t *obj, const char *key, char **ret, struct error *err) must_check;
/* An optional list of strings. *budget bounds the bytes of several lists together. */
int conf_get_words(const json_t *obj, const char *key, struct strlist *ret, size_t *budget,
		   struct error *err) must_check;
/* What image_config_parse() reads, from a tree. *facts is always filled. */
int conf_read(const json_t *top, struct image_config *ret, struct image_facts *facts,
	      struct error *err) must_check;
/* The tree of a text of bounded size; a new reference. */
int conf_load(const char *text, size_t len, json_t **ret, struct error *err) must_check;

#endif
