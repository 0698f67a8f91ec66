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

struct strlist;
struct mask_request {
	bool none;	 /* neither list: only `more` */
	bool leave_proc; /* /proc stays as it is */
	bool user_namespace;
	const struct strlist *more; /* paths that are hidden as well; or NULL */
	const struct strlist *less; /* globs of what is left alone, "ALL"; or NULL */
};
/* Whether a path of the lists is left alone: by a glob in which '*' stops at '/', or by "ALL". */
bool is_unmasked(const char *path, const struct strlist *less);

/* Applies both lists below root_fd, the root of the calling process's mount namespace after the
 * pivot. null_fd is the container's checked null device. A path that is not there is skipped. */
int mask_apply(int root_fd, int null_fd, const struct mask_request *rq,
	       struct error *err) must_check;

#endif
