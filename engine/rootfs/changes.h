/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes - what one layer of an overlay changes in those below it.
 */
#ifndef PODIUM_ROOTFS_CHANGES_H
#define PODIUM_ROOTFS_CHANGES_H

#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

enum change_kind { CHANGE_CHANGED, CHANGE_ADDED, CHANGE_DELETED, CHANGE__COUNT };
/* Absolute paths in the container's view, sorted; bytes of a file system, any bytes. */
struct changes {
	struct strlist paths[CHANGE__COUNT];
};
void changes_done(struct changes *c);
#define cleanup_changes cleanup(changes_done)

/* topfd: the layer's tree; lowerfd: the merged view of what is below, or -1 for nothing. Both are
 * borrowed. Attributes are not compared: what the layer has was touched. -EFBIG: too much. */
int changes_find(int topfd, int lowerfd, struct changes *ret, struct error *err) must_check;

#endif
