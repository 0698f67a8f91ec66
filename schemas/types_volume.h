/* SPDX-License-Identifier: Apache-2.0 */
/* types_volume - volumes, their sources and the mounts that name them; see types.h. */
#ifndef PODIUM_SCHEMAS_TYPES_VOLUME_H
#define PODIUM_SCHEMAS_TYPES_VOLUME_H

#include "schemas/types_base.h"

struct k8s_host_path {
	char *path;
	char *type;
};

struct k8s_empty_dir {
	char *medium;
	char *size_limit;
};

struct k8s_volume {
	char *name;
	struct k8s_host_path *host_path;
	struct k8s_empty_dir *empty_dir;
};

struct k8s_mount {
	char *name;
	struct k8s_bool read_only;
	char *mount_path;
	char *sub_path;
};

#endif
