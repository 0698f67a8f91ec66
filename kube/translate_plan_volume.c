/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_plan_volume - the engine's volumes and mounts to typed ones.
 *
 * Theory of operation: the mirror of translate_volume.c; see translate_plan.c for the law.
 */
#include <string.h>

#include "engine/base/quantity.h"
#include "kube/decode.h"
#include "kube/document.h"
#include "kube/expand.h"
#include "kube/translate.h"
#include "schemas/models.h"
#include "schemas/types_claim.h"

static struct k8s_bool when(bool b)
{
	return (struct k8s_bool){ b, b };
}

static struct k8s_int number(struct opt_i64 n)
{
	return (struct k8s_int){ n.set, n.value };
}

/* ---- contents made from objects ---------------------------------------------------------------
 */

static struct k8s_object_source *plan_object(const struct projection *from, struct opt_i64 mode)
{
	struct k8s_object_source *to = xcalloc(1, sizeof(*to));

	to->name = xstrdup(from->object);
	to->default_mode = number(mode);
	to->optional = when(from->optional);
	for (size_t i = 0; i < from->items.n; i++) {
		struct k8s_key_path *item = list_add(&to->items);

		item->key = xstrdup(from->items.v[i].key);
		item->path = xstrdup(from->items.v[i].path);
		item->mode = number(from->items.v[i].mode);
	}
	return to;
}

static struct k8s_downward_source *plan_downward(const struct projection *from, struct opt_i64 mode)
{
	struct k8s_downward_source *to = xcalloc(1, sizeof(*to));

	to->default_mode = number(mode);
	for (size_t i = 0; i < from->items.n; i++) {
		const struct projection_item *item = &from->items.v[i];
		struct k8s_downward_file *file = list_add(&to->items);

		file->path = xstrdup(item->path);
		file->mode = number(item->mode);
		if (item->field) {
			file->field = xcalloc(1, sizeof(*file->field));
			file->field->field_path = xstrdup(item->field);
			continue;
		}
		file->resource = xcalloc(1, sizeof(*file->resource));
		file->resource->resource = xstrdup(item->resource);
		file->resource->container = xstrdup_or_null(item->container);
		file->resource->divisor = xstrdup_or_null(item->divisor);
	}
	return to;
}

static struct k8s_projected *plan_projected(const struct volume_spec *from)
{
	struct k8s_projected *to = xcalloc(1, sizeof(*to));
	const struct opt_i64 none = { 0 };

	to->default_mode = number(from->default_mode);
	for (size_t i = 0; i < from->sources.n; i++) {
		const struct projection *p = &from->sources.v[i];
		struct k8s_projection *out = list_add(&to->sources);

		if (p->kind == PROJECTION_CONFIG)
			out->config_map = plan_object(p, none);
		else if (p->kind == PROJECTION_SECRET)
			out->secret = plan_object(p, none);
		else
			out->downward = plan_downward(p, none);
	}
	return to;
}

/* ---- volumes ----------------------------------------------------------------------------------
 */

static struct k8s_host_path *plan_host_path(const struct volume_spec *from)
{
	struct k8s_host_path *to = xcalloc(1, sizeof(*to));

	to->path = xstrdup(from->host_path);
	if (from->host_path_type != HOST_PATH_ANY)
		to->type = xstrdup(host_path_type_names[from->host_path_type]);
	return to;
}

static struct k8s_empty_dir *plan_empty_dir(const struct volume_spec *from)
{
	struct k8s_empty_dir *to = xcalloc(1, sizeof(*to));

	if (from->memory)
		to->medium = xstrdup("Memory");
	else if (from->huge_pages)
		to->medium = xasprintf("HugePages-%s", from->huge_pages);
	if (from->size_bytes)
		to->size_limit = quantity_format_bytes(from->size_bytes);
	return to;
}

static struct k8s_ephemeral *plan_ephemeral(const struct volume_spec *from)
{
	struct k8s_ephemeral *to = xcalloc(1, sizeof(*to));
	cleanup_doc_set struct doc_set set = { 0 };
	struct kube_diags diags = { 0 };
	const struct diag_sink sink = { .list = &diags, .prefix = "" };
	struct doc_place where;
	struct error err = { 0 };

	to->claim_template = xcalloc(1, sizeof(*to->claim_template));
	/* The text is our own; of one that is not, what can be read is taken. */
	if (document_parse(from->claim_template, strlen(from->claim_template), &set, &where,
			   &err) == 0 &&
	    set.n)
		decode_object(&sink, &schema_persistent_volume_claim_template, set.v[0],
			      to->claim_template);
	kube_diags_done(&diags);
	return to;
}

static struct k8s_claim_source *plan_claim(const struct volume_spec *from)
{
	struct k8s_claim_source *to = xcalloc(1, sizeof(*to));

	to->name = xstrdup(from->source_name);
	to->read_only = when(from->read_only);
	return to;
}

static struct k8s_image_source *plan_image(const struct volume_spec *from)
{
	struct k8s_image_source *to = xcalloc(1, sizeof(*to));

	to->reference = xstrdup(from->image);
	to->pull_policy = xstrdup_or_null(from->pull_policy);
	return to;
}

static void plan_volume(const struct volume_spec *from, struct k8s_volume *to)
{
	to->name = xstrdup(from->name);
	switch (from->kind) {
	case VOLUME_HOST_PATH:
		to->host_path = plan_host_path(from);
		break;
	case VOLUME_CONFIG:
		to->config_map = plan_object(&from->sources.v[0], from->default_mode);
		break;
	case VOLUME_SECRET:
		to->secret = plan_object(&from->sources.v[0], from->default_mode);
		break;
	case VOLUME_DOWNWARD:
		to->downward = plan_downward(&from->sources.v[0], from->default_mode);
		break;
	case VOLUME_PROJECTED:
		to->projected = plan_projected(from);
		break;
	case VOLUME_IMAGE:
		to->image = plan_image(from);
		break;
	case VOLUME_NAMED:
		to->claim = plan_claim(from);
		break;
	default:
		if (from->claim_template)
			to->ephemeral = plan_ephemeral(from);
		else
			to->empty_dir = plan_empty_dir(from);
	}
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
		if (m->has_sub_path_expr)
			out->sub_path_expr = expand_unsplit(&m->sub_path_expr);
		if (m->propagation != PROPAGATION_NONE)
			out->propagation = xstrdup(mount_propagation_names[m->propagation]);
		if (m->recursive_read_only != RRO_DISABLED)
			out->recursive_read_only =
				xstrdup(recursive_read_only_names[m->recursive_read_only]);
	}
}
