/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imagemount - images mounted on this host, read-only: for people and scripts to look into.
 *
 *	RUNROOT/image-mounts/<id>/count		how often it was asked for; the record
 *				  merged/	the mount
 */
#ifndef PODIUM_CMD_IMAGEMOUNT_H
#define PODIUM_CMD_IMAGEMOUNT_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "engine/image/store.h"

/* Mounts an image, or counts one more user of its mount. *ret_path is the caller's. The images lock
 * is held meanwhile. */
int imagemount_add(const struct store *s, const struct image_info *info, char **ret_path,
		   struct error *err) must_check;
/* One user less; with the last one, or when all is set, the mount goes. What is not mounted is
 * success. */
int imagemount_remove(const struct store *s, const char *id, bool all,
		      struct error *err) must_check;
/* Ids of the mounted images, in no order. */
int imagemount_list(const struct store *s, struct strlist *ret, struct error *err) must_check;
/* Where an image is mounted; the caller's. */
char *imagemount_path(const struct store *s, const char *id);

#endif
