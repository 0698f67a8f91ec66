/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provide - volumes that come and go with containers made by hand.
 *
 * Theory of operation: `-v NAME:PATH` makes the volume when it is missing. The records of the
 * container stand before that, and removal of a volume looks at records under the volumes lock: so
 * either the removal sees the user and refuses, or it came first and the volume is made anew. Two
 * that make the same volume at once: one does, the other finds it.
 *
 * An anonymous volume is named by 64 random digits when its container is planned. It goes by
 * `rm --volumes`, `run --rm` and with its pod; a crash between the removal of the container and
 * that of the volume leaves one that nobody uses, which `volume prune` takes.
 */
#include "engine/volumes/provide.h"

#include <errno.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/volumes/named.h"

#define SPEC_BYTES ((size_t)8 << 20)

static int make(const struct store *s, const struct volume_spec *v, struct strlist *made,
		struct error *err)
{
	cleanup_named_volume struct named_volume there = { 0 };
	struct error scratch = { 0 };
	struct named_volume fresh = { .name = v->source_name,
				      .created_ns = clock_wall_ns(),
				      .anonymous = v->anonymous };
	int r = named_volume_read(s, v->source_name, &there, &scratch);

	if (r == -ENOENT) {
		r = named_volume_create(s, &fresh, &scratch);
		if (r == -EEXIST)
			return 0;
		if (r == 0)
			strlist_add(made, v->source_name);
	}
	if (r < 0)
		*err = scratch;
	return r;
}

int volumes_provide(const struct store *s, const struct volume_list *l, struct error *err)
{
	cleanup_strlist struct strlist made = { 0 };
	struct error scratch; /* the first error is told */
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++)
		if (l->v[i].kind == VOLUME_NAMED && l->v[i].source_name)
			r = make(s, &l->v[i], &made, err);
	STOP_AT("volumes:provided");
	for (size_t i = 0; r < 0 && i < made.n; i++)
		error_ignore(named_volume_remove(s, made.v[i], &scratch));
	return r;
}

/* Reads a record; -ENOENT without one. */
static int read_record(const struct store *s, const char *path, const struct record_type *type,
		       void *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	int r = jload_file(s->rootfd, path, SPEC_BYTES, &j, err);

	return r < 0 ? r : record_load(type, j, ret, err);
}

int volumes_anonymous_of_pod(const struct store *s, const char *pod_id, struct strlist *ret,
			     struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct pod_spec pod;
	int r = read_record(s, layout_pod(path, pod_id, "pod.json"), &pod_spec_type, &pod, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < pod.volumes.n; i++) {
		const struct volume_spec *v = &pod.volumes.v[i];

		if (v->kind == VOLUME_NAMED && v->anonymous && v->source_name)
			strlist_add(ret, v->source_name);
	}
	record_done(&pod_spec_type, &pod);
	return 0;
}

int volumes_anonymous_of(const struct store *s, const char *container_id, struct strlist *ret,
			 struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct container_spec c;
	struct pod_spec pod;
	int r = read_record(s, layout_container(path, container_id, "spec.json"),
			    &container_spec_type, &c, err);

	if (r < 0)
		return r;
	r = c.pod_id && is_id(c.pod_id) ? read_record(s, layout_pod(path, c.pod_id, "pod.json"),
						      &pod_spec_type, &pod, err)
					: -ENOENT;
	for (size_t i = 0; r == 0 && i < c.mounts.n; i++) {
		const struct volume_spec *v = pod_find_volume(&pod, c.mounts.v[i].volume);

		if (v && v->kind == VOLUME_NAMED && v->anonymous && v->source_name &&
		    !strlist_has(ret, v->source_name))
			strlist_add(ret, v->source_name);
	}
	if (r == 0)
		record_done(&pod_spec_type, &pod);
	record_done(&container_spec_type, &c);
	return r == -ENOENT ? 0 : r;
}

int volumes_remove_unused(const struct store *s, const struct strlist *names, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		struct error one = { 0 };

		r = named_volume_remove(s, names->v[i], &one);
		if (r == -EBUSY || r == -ENOENT)
			r = 0;
		if (r < 0)
			*err = one;
	}
	return r;
}
