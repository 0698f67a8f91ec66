/* SPDX-License-Identifier: Apache-2.0 */
/* types_config - ConfigMap, Secret, Namespace; see types.h. */
#ifndef PODIUM_SCHEMAS_TYPES_CONFIG_H
#define PODIUM_SCHEMAS_TYPES_CONFIG_H

#include "schemas/types_base.h"

struct k8s_meta;

/* binary_data: base64 texts as they stand. */
struct k8s_config_map {
	char *api_version;
	char *kind;
	struct k8s_meta *meta;
	struct k8s_bool immutable;
	struct pairlist data;
	struct pairlist binary_data;
};

/* data: base64 texts as they stand. Whoever has used it clears it. */
struct k8s_secret {
	char *api_version;
	char *kind;
	struct k8s_meta *meta;
	struct k8s_bool immutable;
	struct pairlist data;
	struct pairlist string_data;
	char *type;
};

struct k8s_namespace {
	char *api_version;
	char *kind;
	struct k8s_meta *meta;
};

#endif
