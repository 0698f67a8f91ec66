/* SPDX-License-Identifier: Apache-2.0 */
/* volume_check - whether a pod's host paths are what its volumes say, before anything is made. */
#ifndef PODIUM_ROOTFS_VOLUME_CHECK_H
#define PODIUM_ROOTFS_VOLUME_CHECK_H

#include "engine/base/error.h"

struct volume_spec;

/* 0, or -errno with a text that names the path and what was expected ("'/srv' does not exist").
 * Nothing is created: the *OrCreate types only must not find something of another kind. Other
 * volumes than host paths are always 0. The launch checks again, on the descriptor it mounts. */
int volume_check_source(const struct volume_spec *vol, struct error *err) must_check;

#endif
