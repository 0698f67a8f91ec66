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

/* One file of a ConfigMap or Secret: a key of it, under a path of the volume. */
struct k8s_key_path {
	char *key;
	char *path;
	struct k8s_int mode;
};

/* configMap and secret, as a volume and as a source of a projected one: then without mode. The
 * name of a secret volume stands in secretName, everywhere else in name. */
struct k8s_object_source {
	char *name;
	K8S_LIST(struct k8s_key_path) items;
	struct k8s_int default_mode;
	struct k8s_bool optional;
};

struct k8s_downward_file {
	char *path;
	struct k8s_field_selector *field;
	struct k8s_resource_selector *resource;
	struct k8s_int mode;
};

struct k8s_downward_source {
	K8S_LIST(struct k8s_downward_file) items;
	struct k8s_int default_mode;
};

struct k8s_projection {
	struct k8s_object_source *secret;
	struct k8s_downward_source *downward;
	struct k8s_object_source *config_map;
};

struct k8s_projected {
	K8S_LIST(struct k8s_projection) sources;
	struct k8s_int default_mode;
};

struct k8s_claim_source {
	char *name;
	struct k8s_bool read_only;
};

struct k8s_claim;
struct k8s_ephemeral {
	struct k8s_claim *claim_template; /* its metadata: labels and annotations alone */
};

struct k8s_image_source {
	char *reference;
	char *pull_policy;
};

struct k8s_volume {
	char *name;
	struct k8s_host_path *host_path;
	struct k8s_empty_dir *empty_dir;
	struct k8s_object_source *secret;
	struct k8s_claim_source *claim;
	struct k8s_downward_source *downward;
	struct k8s_object_source *config_map;
	struct k8s_projected *projected;
	struct k8s_ephemeral *ephemeral;
	struct k8s_image_source *image;
};

struct k8s_mount {
	char *name;
	struct k8s_bool read_only;
	char *recursive_read_only;
	char *mount_path;
	char *sub_path;
	char *propagation;
	char *sub_path_expr;
};

#endif
