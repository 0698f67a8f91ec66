/* SPDX-License-Identifier: Apache-2.0 */
/* types_base - what every struct of schemas/ is made of: values that know whether they were given. */
#ifndef PODIUM_SCHEMAS_TYPES_BASE_H
#define PODIUM_SCHEMAS_TYPES_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/str.h"

struct k8s_int {
	bool set;
	int64_t value;
};
struct k8s_bool {
	bool set;
	bool value;
};
/* The shape of every list of objects below. */
struct k8s_list {
	void *v;
	size_t n;
};
#define K8S_LIST(type)    \
	struct {          \
		type *v;  \
		size_t n; \
	}

/* What the Downward API is asked for, by environment variables and by files in volumes. */
struct k8s_field_selector {
	char *api_version;
	char *field_path;
};
struct k8s_resource_selector {
	char *container;
	char *resource;
	char *divisor;
};

#endif
