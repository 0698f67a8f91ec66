/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostmount - containers' roots mounted on this host: for people and scripts to look into and change.
 *
 *	RUNROOT/mounts/<id>/count	how often it was asked for; the record
 *			    merged/	the mount
 */
#ifndef PODIUM_ROOTFS_HOSTMOUNT_H
#define PODIUM_ROOTFS_HOSTMOUNT_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

#define HOST_MOUNTS "mounts"

struct container_spec;

/* Mounts the root of a container, or counts one more user of its mount. pidfd: of the first process
 * of one that runs, whose own mount is shown; -1: it stands. Single-threaded callers. *ret_path is
 * the caller's. */
int hostmount_add(const struct store *s, const struct container_spec *spec, int pidfd,
		  char **ret_path, struct error *err) must_check;
/* One user less; with the last one, or when all is set, the mount goes. What is not mounted is
 * success. */
int hostmount_remove(const struct store *s, const char *id, bool all, struct error *err) must_check;
bool is_hostmounted(const struct store *s, const char *id);
/* Where it is mounted; the caller's. */
char *hostmount_path(const struct store *s, const char *id);

#endif
