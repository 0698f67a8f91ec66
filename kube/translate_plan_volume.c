/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_plan_volume - the engine's volumes and mounts to typed ones.
 *
 * Theory of operation: the mirror of translate_volume.c; see translate_plan.c for the law.
 */
#include <string.h>

#include "engine/base/quantity.h"
#include "kube/translate.h"

static struct k8s_bool when(bool b)
{
	return (struct k8s_bool){ b, b };
}

static void plan_volume(const struct volume_spec *from, struct k8s_volume *to)
{
	to->name = xstrdup(from->name);
	if (from->kind == VOLUME_HOST_PATH) {
		to->host_path = xcalloc(1, sizeof(*to->host_path));
		to->host_path->path = xstrdup(from->host_path);
		if (from->host_path_type != HOST_PATH_ANY)
			to->host_path->type = xstrdup(host_path_type_names[from->host_path_type]);
		return;
	}
	to->empty_dir = xcalloc(1, sizeof(*to->empty_dir));
	if (from->memory)
		to->empty_dir->medium = xstrdup("Memory");
	if (from->size_bytes)
		to->empty_dir->size_limit = quantity_format_bytes(from->size_bytes);
}

void translate_plan_volumes(const struct volume_list *from, struct k8s_pod_spec *to)
{
	for (size_t i = 0; i < from->n; i++)
		plan_volume(&from->v[i], list_add(&to->volumes));
}

void translate_plan_mounts(const struct container_spec *from, struct k8s_container *to)
{
	for (size_t i = 0; i < from->mounts.n; i++) {
		const struct mount_spec *m = &from->mounts.v[i];
		struct k8s_mount *out = list_add(&to->mounts);

		out->name = xstrdup(m->volume);
		out->mount_path = xstrdup(m->target);
		out->read_only = when(m->read_only);
		out->sub_path = xstrdup_or_null(m->sub_path);
	}
}
