/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_volume - typed volumes and mounts to the engine's.
 *
 * Theory of operation: pure, like translate.c, and like it only for pods without errors. A volume
 * whose source one host cannot have is left out, and with it the mounts that name it: play has
 * refused the pod before, validate only warned. A volume without a source is an emptyDir.
 */
#include <string.h>

#include "engine/base/quantity.h"
#include "kube/translate.h"
#include "kube/validate.h"

static char *text_or_null(const char *s)
{
	return is_empty(s) ? NULL : xstrdup(s);
}

static int index_of(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++) {
		if (is_equal(names[i], name))
			return i;
	}
	return 0;
}

static void translate_volume(const struct k8s_volume *from, struct volume_spec *to)
{
	struct error err = { 0 };
	struct quantity q;

	to->name = xstrdup(from->name);
	if (from->host_path) {
		to->kind = VOLUME_HOST_PATH;
		to->host_path = xstrdup(from->host_path->path);
		to->host_path_type = index_of(host_path_type_names, from->host_path->type);
		return;
	}
	to->kind = VOLUME_EMPTY_DIR;
	if (!from->empty_dir)
		return;
	to->memory = is_equal(from->empty_dir->medium, "Memory");
	if (from->empty_dir->size_limit &&
	    (quantity_parse(from->empty_dir->size_limit, &q, &err) < 0 ||
	     quantity_units(&q, &to->size_bytes, &err) < 0))
		to->size_bytes = 0;
}

void translate_volumes(const struct k8s_pod_spec *spec, const struct node *root,
		       struct volume_list *ret)
{
	const struct node *list = node_get(node_get(root, "spec"), "volumes");

	for (size_t i = 0; i < spec->volumes.n; i++) {
		if (list && i < list->n && volume_foreign_source(list->items[i]))
			continue;
		translate_volume(&spec->volumes.v[i], list_add(ret));
		if (list && i < list->n)
			ret->v[ret->n - 1].line = list->items[i]->place.line;
	}
}

void translate_mounts(const struct k8s_container *c, const struct pod_spec *plan,
		      struct container_spec *ret)
{
	for (size_t i = 0; i < c->mounts.n; i++) {
		const struct k8s_mount *m = &c->mounts.v[i];
		struct mount_spec *out;

		if (!pod_find_volume(plan, m->name))
			continue;
		out = list_add(&ret->mounts);
		out->volume = xstrdup(m->name);
		out->target = xstrdup(m->mount_path);
		out->read_only = m->read_only.value;
		out->sub_path = text_or_null(m->sub_path);
	}
}
