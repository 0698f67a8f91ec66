/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask - paths of the kernel's file systems that a container must not read, or not write.
 */
#ifndef PODIUM_ROOTFS_MASK_H
#define PODIUM_ROOTFS_MASK_H

#include <stdbool.h>

#include "engine/base/error.h"

/* NULL-terminated. Masked ones read as empty; read-only ones keep their content. */
extern const char *const mask_hidden_paths[];
extern const char *const mask_read_only_paths[];

/* Applies both lists below root_fd, the root of the calling process's mount namespace after the
 * pivot. null_fd is the container's checked null device. proc false leaves /proc as it is. A path
 * that is not there is skipped. */
int mask_apply(int root_fd, int null_fd, bool proc, bool user_namespace,
	       struct error *err) must_check;

#endif
