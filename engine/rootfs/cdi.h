/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdi - Container Device Interface: what a device "vendor.com/class=name" changes in a container.
 *
 * Reading alone; opens nothing. Interface: CDI specification 0.3 to 1.x.
 */
#ifndef PODIUM_ROOTFS_CDI_H
#define PODIUM_ROOTFS_CDI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

#define CDI_SPEC_MAX (1024 * 1024) /* bytes of one file */

struct cdi_node {
	char *path;	     /* in the container */
	char *host_path;     /* or NULL: the same */
	unsigned int access; /* DEVICE_MAY_ bits of engine/cgroup/device_filter.h: m 1, r 2, w 4 */
	bool has_mode;
	mode_t mode; /* permission bits */
	bool has_owner;
	uid_t uid;
	gid_t gid;
};
struct cdi_mount {
	char *host_path;
	char *target;
	uint64_t attrs; /* MOUNT_ATTR_* */
};
struct cdi_edits {
	struct strlist env; /* NAME=VALUE */
	struct cdi_node *nodes;
	size_t n_nodes;
	struct cdi_mount *mounts;
	size_t n_mounts;
	gid_t *gids;
	size_t n_gids;
};
void cdi_edits_done(struct cdi_edits *e);

/* True for "vendor.com/class=name". */
bool is_cdi_name(const char *text);

/* One file's content (where names it in messages): for each wanted name that it defines, found[i] is
 * set and its edits are added, and those of the file once. -EEXIST when a name was found before.
 * -EINVAL for a file that is not a specification, or whose edits are more than can be done here
 * (hooks, for one): only looked at when one of its devices is wanted. */
int cdi_apply(const json_t *spec, const char *where, const struct strlist *wanted, bool *found,
	      struct cdi_edits *ret, struct error *err) must_check;

#endif
