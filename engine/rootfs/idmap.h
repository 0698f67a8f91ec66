/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap - what a user namespace makes of ids: ranges, as in /proc/PID/uid_map. Pure.
 */
#ifndef PODIUM_ROOTFS_IDMAP_H
#define PODIUM_ROOTFS_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

#define IDMAP_RANGES_MAX 64
#define IDMAP_TEXT_MAX	 4000 /* the kernel takes less than a page */

struct idmap {
	struct {
		uint32_t inside, outside, count;
	} v[IDMAP_RANGES_MAX];
	size_t n; /* 0: every id is itself */
};
/* Of users and of groups. */
struct idmaps {
	struct idmap uids, gids;
};

/* Adds a range. -EINVAL when it is empty, beyond the last id, or overlaps another one. */
int idmap_add(struct idmap *m, uint32_t inside, uint32_t outside, uint32_t count,
	      struct error *err) must_check;
/* Ranges as Podman writes them: "container:host:count". */
int idmap_parse(struct idmap *m, const struct strlist *ranges, struct error *err) must_check;
/* Lines of the kernel's. */
int idmap_read(struct idmap *m, const char *text, struct error *err) must_check;
/* The same as text. The caller owns it. */
char *idmap_text(const struct idmap *m);
bool is_same_idmap(const struct idmap *a, const struct idmap *b);

/* The id outside, or inside. False when it has none. */
bool idmap_out(const struct idmap *m, uint32_t inside, uint32_t *ret);
bool idmap_in(const struct idmap *m, uint32_t outside, uint32_t *ret);

#endif
