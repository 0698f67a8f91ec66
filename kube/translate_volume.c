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
#include "kube/encode.h"
#include "kube/expand.h"
#include "kube/translate.h"
#include "kube/validate.h"
#include "schemas/models.h"

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

static struct opt_i64 number(struct k8s_int n)
{
	return (struct opt_i64){ n.set, n.set ? n.value : 0 };
}

/* ---- contents made from objects ---------------------------------------------------------------
 */

static void translate_object(const struct k8s_object_source *from, int kind,
			     struct projection_list *list)
{
	struct projection *to = list_add(list);

	to->kind = kind;
	to->object = xstrdup(from->name);
	to->optional = from->optional.value;
	for (size_t i = 0; i < from->items.n; i++) {
		struct projection_item *item = list_add(&to->items);

		item->key = xstrdup(from->items.v[i].key);
		item->path = volume_clean_path(from->items.v[i].path);
		item->mode = number(from->items.v[i].mode);
	}
}

static void translate_downward(const struct k8s_downward_source *from, struct projection_list *list)
{
	struct projection *to = list_add(list);

	to->kind = PROJECTION_DOWNWARD;
	for (size_t i = 0; i < from->items.n; i++) {
		const struct k8s_downward_file *file = &from->items.v[i];
		struct projection_item *item = list_add(&to->items);

		item->path = volume_clean_path(file->path);
		item->mode = number(file->mode);
		if (file->field) {
			item->field = xstrdup(file->field->field_path);
			continue;
		}
		item->resource = xstrdup(file->resource->resource);
		item->container = text_or_null(file->resource->container);
		/* a divisor of 0 is none */
		if (!is_equal(file->resource->divisor, "0"))
			item->divisor = text_or_null(file->resource->divisor);
	}
}

static void translate_projected(const struct k8s_projected *from, struct volume_spec *to)
{
	to->kind = VOLUME_PROJECTED;
	to->default_mode = number(from->default_mode);
	for (size_t i = 0; i < from->sources.n; i++) {
		const struct k8s_projection *p = &from->sources.v[i];
		size_t n = to->sources.n;

		if (p->config_map)
			translate_object(p->config_map, PROJECTION_CONFIG, &to->sources);
		else if (p->secret)
			translate_object(p->secret, PROJECTION_SECRET, &to->sources);
		else if (p->downward)
			translate_downward(p->downward, &to->sources);
		if (to->sources.n > n)
			to->sources.v[n].index = i;
	}
}

/* ---- volumes ----------------------------------------------------------------------------------
 */

static void translate_empty_dir(const struct k8s_empty_dir *from, const struct k8s_pod_spec *spec,
				struct volume_spec *to)
{
	struct error err = { 0 };
	struct quantity q;

	to->kind = VOLUME_EMPTY_DIR;
	if (!from)
		return;
	to->memory = is_equal(from->medium, "Memory");
	to->huge_pages = xstrdup_or_null(volume_huge_page_size(spec, from->medium));
	if (from->size_limit && (quantity_parse(from->size_limit, &q, &err) < 0 ||
				 quantity_units(&q, &to->size_bytes, &err) < 0))
		to->size_bytes = 0;
}

static void translate_object_volume(const struct k8s_object_source *from, int kind, int projection,
				    struct volume_spec *to)
{
	to->kind = kind;
	to->default_mode = number(from->default_mode);
	translate_object(from, projection, &to->sources);
}

/* The claim that Kubernetes would make for the pod lives as long as the pod, and starts empty: so
 * does a directory of the pod. */
static void translate_ephemeral(const struct k8s_ephemeral *from, struct volume_spec *to)
{
	const struct schema_type *type = &schema_persistent_volume_claim_template;
	struct arena arena = { 0 };
	struct error err = { 0 };

	to->kind = VOLUME_EMPTY_DIR;
	if (encode_document(type, encode_object(&arena, type, from->claim_template),
			    &to->claim_template, &err) < 0)
		to->claim_template = NULL; /* too large for a document: cannot be */
	arena_done(&arena);
}

static void translate_volume(const struct k8s_volume *from, const struct k8s_pod_spec *spec,
			     struct volume_spec *to)
{
	to->name = xstrdup(from->name);
	if (from->host_path) {
		to->kind = VOLUME_HOST_PATH;
		to->host_path = xstrdup(from->host_path->path);
		to->host_path_type = index_of(host_path_type_names, from->host_path->type);
	} else if (from->config_map) {
		translate_object_volume(from->config_map, VOLUME_CONFIG, PROJECTION_CONFIG, to);
	} else if (from->secret) {
		translate_object_volume(from->secret, VOLUME_SECRET, PROJECTION_SECRET, to);
	} else if (from->downward) {
		to->kind = VOLUME_DOWNWARD;
		to->default_mode = number(from->downward->default_mode);
		translate_downward(from->downward, &to->sources);
	} else if (from->projected) {
		translate_projected(from->projected, to);
	} else if (from->image) {
		to->kind = VOLUME_IMAGE;
		to->image = xstrdup(from->image->reference);
		to->pull_policy = text_or_null(from->image->pull_policy);
	} else if (from->claim) {
		to->kind = VOLUME_NAMED;
		to->source_name = xstrdup(from->claim->name);
		to->read_only = from->claim->read_only.value;
	} else if (from->ephemeral) {
		translate_ephemeral(from->ephemeral, to);
	} else {
		translate_empty_dir(from->empty_dir, spec, to);
	}
}

void translate_volumes(const struct k8s_pod_spec *spec, const struct node *root,
		       struct volume_list *ret)
{
	const struct node *list = node_get(node_get(root, "spec"), "volumes");

	for (size_t i = 0; i < spec->volumes.n; i++) {
		if (list && i < list->n && volume_foreign_source(list->items[i]))
			continue;
		translate_volume(&spec->volumes.v[i], spec, list_add(ret));
		ret->v[ret->n - 1].index = i;
		if (list && i < list->n)
			ret->v[ret->n - 1].line = list->items[i]->place.line;
	}
}

/* ---- mounts -----------------------------------------------------------------------------------
 */

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
		out->propagation = index_of(mount_propagation_names, m->propagation);
		out->recursive_read_only =
			index_of(recursive_read_only_names, m->recursive_read_only);
		out->has_sub_path_expr = !is_empty(m->sub_path_expr);
		if (out->has_sub_path_expr)
			expand_text(m->sub_path_expr, &out->sub_path_expr);
	}
}
