/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_volume - volumes, their sources, and the mounts that name them.
 *
 * Theory of operation: a volume has at most one source; none at all is an emptyDir. A source that
 * Kubernetes knows and this host has not (nfs, csi, ...) is not in the typed object, so it is
 * looked up in the tree. Such a volume alone is a warning, made while decoding; mounting it is an
 * error for play, since the container would run without its data, and nothing more for validate.
 *
 * Paths: a mount path is absolute and without ':', a subPath is relative and never steps back, a
 * hostPath never steps back; a relative hostPath is taken from the manifest's folder and warned
 * about. Whether anything exists on the disk is not asked here.
 */
#include <string.h>

#include "kube/names.h"
#include "engine/base/quantity.h"
#include "kube/validate.h"
#include "schemas/models.h"

#define MAX_VOLUMES 1000

const char *volume_foreign_source(const struct node *node)
{
	if (!node || node->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < node->n; i++) {
		const struct schema_field *f = schema_find(&schema_volume, node->entries[i].key);

		if (f && f->type == FIELD_OBJECT && f->support == FIELD_KNOWN &&
		    node->entries[i].value->kind != NODE_NULL)
			return f->name;
	}
	return NULL;
}

static size_t count_sources(const struct node *node)
{
	size_t n = 0;

	for (size_t i = 0; node->kind == NODE_MAP && i < node->n; i++) {
		const struct schema_field *f = schema_find(&schema_volume, node->entries[i].key);

		n += f && f->type == FIELD_OBJECT && node->entries[i].value->kind != NODE_NULL;
	}
	return n;
}

static void check_host_path(struct check *c, const struct k8s_host_path *h)
{
	size_t mark = path_field(&c->path, "hostPath");

	if (!is_empty(h->path) && name_has_backstep(h->path))
		check_name(c, "path", h->path, "must not contain '..'");
	else if (!is_empty(h->path) && h->path[0] != '/')
		check_unsupported(
			c, "path",
			"'%.200s' is relative: taken from the manifest's folder here, refused "
			"by a cluster",
			h->path);
	path_cut(&c->path, mark);
}

static void check_empty_dir(struct check *c, const struct k8s_empty_dir *e)
{
	size_t mark = path_field(&c->path, "emptyDir");
	struct error err = { 0 };
	struct quantity q;

	if (!is_empty(e->medium) && strcmp(e->medium, "Memory") != 0)
		check_error(c, "medium", "'%.60s' cannot be had here: '' (disk) and 'Memory' can",
			    e->medium);
	if (e->size_limit && quantity_parse(e->size_limit, &q, &err) == 0 && q.negative)
		check_error(c, "sizeLimit", "must not be negative");
	path_cut(&c->path, mark);
}

static void check_volume(struct check *c, const struct k8s_pod_spec *spec, size_t i)
{
	const struct k8s_volume *v = &spec->volumes.v[i];

	if (!is_empty(v->name))
		check_name(c, "name", v->name, name_bad_label(v->name));
	for (size_t j = 0; j < i && !is_empty(v->name); j++) {
		if (is_equal(v->name, spec->volumes.v[j].name)) {
			check_error(c, "name", "'%.63s' is the name of volumes[%zu] already",
				    v->name, j);
			break;
		}
	}
	if (count_sources(node_at(c->sink->root, c->path.text)) > 1)
		check_error(c, NULL, "has more than one source");
	if (v->host_path)
		check_host_path(c, v->host_path);
	if (v->empty_dir)
		check_empty_dir(c, v->empty_dir);
}

void validate_volumes(struct check *c, const struct k8s_pod_spec *spec)
{
	if (spec->volumes.n > MAX_VOLUMES) {
		check_error(c, "volumes", "has more than %d entries", MAX_VOLUMES);
		return;
	}
	for (size_t i = 0; i < spec->volumes.n; i++) {
		size_t mark = path_field(&c->path, "volumes");

		(void)path_index(&c->path, i);
		check_volume(c, spec, i);
		path_cut(&c->path, mark);
	}
}

/* ---- mounts -----------------------------------------------------------------------------------
 */

static void check_mounted_volume(struct check *c, const struct k8s_mount *m)
{
	const struct k8s_pod_spec *spec = c->pod->spec;
	struct diag_path path = { 0 };
	const char *source;

	for (size_t i = 0; i < spec->volumes.n; i++) {
		if (!is_equal(spec->volumes.v[i].name, m->name))
			continue;
		(void)path_field(&path, "spec.volumes");
		(void)path_index(&path, i);
		source = volume_foreign_source(node_at(c->sink->root, path.text));
		if (source && c->for_play)
			check_error(c, "name",
				    "volume '%.63s' cannot be mounted here: its source is '%s'",
				    m->name, source);
		return;
	}
	check_error(c, "name", "there is no volume '%.63s' in spec.volumes", m->name);
}

static void check_mount(struct check *c, const struct k8s_container *k, size_t i)
{
	const struct k8s_mount *m = &k->mounts.v[i];

	if (!is_empty(m->name))
		check_mounted_volume(c, m);
	if (!is_empty(m->mount_path)) {
		if (m->mount_path[0] != '/')
			check_name(c, "mountPath", m->mount_path, "is not an absolute path");
		else if (strchr(m->mount_path, ':'))
			check_name(c, "mountPath", m->mount_path, "must not contain ':'");
		else if (name_has_backstep(m->mount_path))
			check_name(c, "mountPath", m->mount_path, "must not contain '..'");
	}
	for (size_t j = 0; j < i && !is_empty(m->mount_path); j++) {
		if (is_equal(m->mount_path, k->mounts.v[j].mount_path)) {
			check_error(c, "mountPath",
				    "'%.200s' is the path of volumeMounts[%zu] already",
				    m->mount_path, j);
			break;
		}
	}
	if (!is_empty(m->sub_path) && (m->sub_path[0] == '/' || name_has_backstep(m->sub_path)))
		check_name(c, "subPath", m->sub_path, "must be relative and without '..'");
}

void validate_mounts(struct check *c, const struct k8s_container *k)
{
	if (k->mounts.n > MAX_VOLUMES) {
		check_error(c, "volumeMounts", "has more than %d entries", MAX_VOLUMES);
		return;
	}
	for (size_t i = 0; i < k->mounts.n; i++) {
		size_t mark = path_field(&c->path, "volumeMounts");

		(void)path_index(&c->path, i);
		check_mount(c, k, i);
		path_cut(&c->path, mark);
	}
}
