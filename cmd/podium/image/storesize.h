/* SPDX-License-Identifier: Apache-2.0 */
/* storesize - how much of the disk things take. */
#ifndef PODIUM_CMD_STORESIZE_H
#define PODIUM_CMD_STORESIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pod/spec.h"
#include "engine/state/layout.h"

/* Bytes of the files below a directory; 0 when it is not there. */
int64_t storesize_tree(int dirfd, const char *path);
/* The writable layer of a container. */
int64_t storesize_container(const struct store *s, const char *id);
/* Bytes of all layers of a list ("sha256:<hex>"), shared with others or not. */
int64_t storesize_layers(const struct store *s, const struct strlist *layers);

/* A volume with a name, or an emptyDir on disk. */
struct volume_view {
	char *name; /* of an emptyDir "POD/VOLUME" */
	int64_t bytes;
	size_t links; /* containers that mount it */
	bool active;  /* a container mounts it; of an emptyDir: something of its pod runs */
};
struct volume_views {
	struct volume_view *v;
	size_t n;
};
int storesize_volumes(const struct store *s, struct volume_views *ret,
		      struct error *err) must_check;
void volume_views_done(struct volume_views *l);

#endif
