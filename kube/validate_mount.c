/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_mount - the mounts of a container.
 *
 * Theory of operation: a volume whose source one host cannot have is a warning by itself, made while
 * decoding; mounting it is an error for play, since the container would run without its data, and
 * nothing more for validate. The same for volumeDevices.
 *
 * Paths: a mount path is absolute and without ':', subPath and subPathExpr are relative and never
 * step back. The variables in a subPathExpr are looked at when they are known, at launch.
 */
#include <string.h>

#include "engine/base/seams.h"
#include "kube/names.h"
#include "kube/validate.h"

#define MAX_MOUNTS 1000

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
		if (source && c->for_play && !WEAKEN("VOL-6"))
			check_error(c, "name",
				    "volume '%.63s' cannot be mounted here: its source is '%s'",
				    m->name, source);
		return;
	}
	check_error(c, "name", "there is no volume '%.63s' in spec.volumes", m->name);
}

static void check_sub_path(struct check *c, const struct k8s_mount *m)
{
	if (!is_empty(m->sub_path) && (m->sub_path[0] == '/' || name_has_backstep(m->sub_path)))
		check_name(c, "subPath", m->sub_path, "must be relative and without '..'");
	if (is_empty(m->sub_path_expr))
		return;
	if (!is_empty(m->sub_path))
		check_error(c, "subPathExpr", "cannot stand beside subPath");
	if (m->sub_path_expr[0] == '/' || name_has_backstep(m->sub_path_expr))
		check_name(c, "subPathExpr", m->sub_path_expr, "must be relative and without '..'");
}

static void check_propagation(struct check *c, const struct k8s_container *k,
			      const struct k8s_mount *m)
{
	bool recursive =
		!is_empty(m->recursive_read_only) && !is_equal(m->recursive_read_only, "Disabled");

	if (is_equal(m->propagation, "Bidirectional") &&
	    !(k->security && k->security->privileged.value))
		check_error(c, "mountPropagation",
			    "'Bidirectional' needs securityContext.privileged");
	if (recursive && !m->read_only.value)
		check_error(c, "recursiveReadOnly", "needs readOnly: true");
	if (recursive && m->propagation && !is_equal(m->propagation, "None"))
		check_error(c, "recursiveReadOnly", "cannot stand beside mountPropagation '%s'",
			    m->propagation);
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
	check_sub_path(c, m);
	check_propagation(c, k, m);
}

static void check_devices(struct check *c)
{
	const struct node *list = node_get(node_at(c->sink->root, c->path.text), "volumeDevices");

	if (c->for_play && list && list->kind == NODE_LIST && list->n)
		check_error(c, "volumeDevices",
			    "there are no block volumes here: mount a hostPath volume of type "
			    "BlockDevice");
}

void validate_mounts(struct check *c, const struct k8s_container *k)
{
	check_devices(c);
	if (k->mounts.n > MAX_MOUNTS) {
		check_error(c, "volumeMounts", "has more than %d entries", MAX_MOUNTS);
		return;
	}
	for (size_t i = 0; i < k->mounts.n; i++) {
		size_t mark = path_field(&c->path, "volumeMounts");

		(void)path_index(&c->path, i);
		check_mount(c, k, i);
		path_cut(&c->path, mark);
	}
}
