/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_parts - what the files that show one container share. */
#ifndef PODIUM_CMD_INSPECT_PARTS_H
#define PODIUM_CMD_INSPECT_PARTS_H

#include <jansson.h>

#include "cmd/podium/container/view.h"

struct parts {
	const struct store *store;
	struct container_view view;
	struct container_spec spec;
	struct pod_spec pod;
	bool has_spec, has_pod;
};

static inline void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value ? value : json_null());
}

static inline void set_str(json_t *obj, const char *key, const char *value)
{
	set(obj, key, json_string(value ? value : ""));
}

static inline void set_int(json_t *obj, const char *key, int64_t value)
{
	set(obj, key, json_integer((json_int_t)value));
}

static inline void set_bool(json_t *obj, const char *key, bool value)
{
	set(obj, key, json_boolean(value));
}

/* HostConfig: limits, namespaces, security, mounts as they were asked for. New reference. */
json_t *inspect_host_config(const struct parts *p);
/* NetworkSettings: what the pod is connected to now. New reference. */
json_t *inspect_network_settings(const struct parts *p);
/* "Healthcheck", "HealthcheckOnFailureAction" of Config. */
void inspect_add_healthcheck(json_t *config, const struct health_spec *h);

#endif
