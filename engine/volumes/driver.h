/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver - the options of the driver "local": a volume that is a file system of its own.
 */
#ifndef PODIUM_VOLUMES_DRIVER_H
#define PODIUM_VOLUMES_DRIVER_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"
#include "engine/volumes/named.h"

#define VOLUME_DRIVER "local"

/* Checks v->options ("type", "device", "o", "copy", "nocopy") and sets what follows from them:
 * uid, gid, copied_up, and host_path for a bound directory. -EINVAL: an option that there is not;
 * -EOPNOTSUPP: one that is known and not supported. */
int volume_driver_options(struct named_volume *v, struct error *err) must_check;

/* Whether its content is a file system that is mounted when it is used. */
bool has_driver_mount(const struct named_volume *v);
/* Mounts it at its content, in this mount namespace, unless it is there already. */
int volume_driver_mount(const struct store *s, const struct named_volume *v,
			struct error *err) must_check;
/* Takes the mount away; 1 when there was one, 0 when not. Who has it in a container keeps it. */
int volume_driver_unmount(const struct store *s, const char *name, struct error *err) must_check;
bool is_volume_mounted(const struct store *s, const char *name);

#endif
