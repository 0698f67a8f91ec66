/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountpoint - mount points that the engine made in a writable layer, taken out of it again.
 *
 * Links libc alone: podium uses it after a RUN.
 */
#ifndef PODIUM_BUILD_MOUNTPOINT_H
#define PODIUM_BUILD_MOUNTPOINT_H

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

/* Removes from the writable layer of a container whose mounts are gone what the engine had to make
 * for /proc, /dev, /sys, the files in /etc and the targets: empty files and empty directories that
 * none of the layers below has, and directories above them that were made for them. What is not
 * empty stays. */
int build_drop_mount_points(const struct store *s, const char *container_id,
			    const struct strlist *layers, const struct strlist *targets,
			    struct error *err) must_check;

#endif
