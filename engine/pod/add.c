/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add - a member for a pod that exists.
 *
 * Theory of operation: under the pod's lock, mark ("adding" holds the new id), container (records,
 * writable layer), volumes, name, the pod's record, end of the mark. The record that lists the
 * member is the moment at which it exists: what was made before that is debris, which the mark
 * leads to. Whoever takes the pod's lock next to add, remove or start finds a mark that nobody
 * works on, and takes away what it names unless the record lists it.
 *
 * A running conductor is told nothing: it reads the pod's record again when it is ordered to start
 * a container that it does not know.
 *
 * One syncfs before the record.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/pod/columns.h"
#include "engine/pod/internal.h"
#include "engine/pod/lookup.h"
#include "engine/pod/names.h"
#include "engine/pod/pod.h"
#include "engine/rootfs/volume.h"
#include "engine/volumes/provide.h"

struct addition {
	const struct store *store;
	struct pod_spec pod; /* as it is going to be */
	json_t *old;	     /* its record as it is */
	struct container_spec *spec;
	size_t old_volumes;
};

static int read_pod(struct addition *a, const char *pod_id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int r = jload_file(a->store->rootfd, layout_pod(path, pod_id, POD_RECORD), POD_RECORD_MAX,
			   &a->old, err);

	if (r == 0)
		r = record_load(&pod_spec_type, a->old, &a->pod, err);
	if (r == 0 && !is_equal(a->pod.id, pod_id))
		r = error_set(err, EBADMSG, "'%s' is corrupt: it has another id", path);
	return r;
}

/* ---- the plan --------------------------------------------------------------------------- */

static int check(const struct addition *a, struct error *err)
{
	const struct container_spec *c = a->spec;

	if (a->pod.solo)
		return error_set(err, EINVAL, "'%s' is a container by itself, not a pod",
				 a->pod.name);
	if (a->pod.containers.n >= POD_CONTAINERS_MAX)
		return error_set(err, E2BIG, "pod '%s' has %d containers, which is the most",
				 a->pod.name, POD_CONTAINERS_MAX);
	for (size_t i = 0; i < a->pod.containers.n; i++)
		if (is_equal(a->pod.containers.v[i].name, c->name))
			return error_set(err, EEXIST, "pod '%s' has a container '%s'", a->pod.name,
					 c->name);
	for (size_t i = 0; i < c->ports.n; i++)
		if (c->ports.v[i].host_port)
			return error_set(err, EINVAL,
					 "ports are published by the pod: cannot add port %u to "
					 "pod '%s'",
					 c->ports.v[i].host_port, a->pod.name);
	return 0;
}

static void replace_text(char **text, char *value)
{
	free(*text);
	*text = value;
}

static void assign_identity(struct addition *a)
{
	struct container_spec *c = a->spec;
	char id[65];

	id_new(id);
	c->version = POD_SPEC_VERSION;
	c->created_ns = clock_wall_ns();
	replace_text(&c->id, xstrdup(id));
	replace_text(&c->pod_id, xstrdup(a->pod.id));
	if (!c->full_name)
		c->full_name = xstrdup(c->name);
}

/* One in the pod already, or one that has got its new name. */
static char *free_volume_name(const struct pod_spec *pod, const struct volume_list *all,
			      const char *name, const char *id)
{
	char *free_name = xstrdup(name);
	const struct pod_spec fresh = { .volumes = *all };

	for (int i = 1;
	     pod_find_volume(pod, free_name) || (i > 1 && pod_find_volume(&fresh, free_name)); i++)
		replace_text(&free_name, xasprintf("%.40s-%.8s-%d", name, id, i));
	return free_name;
}

/* The mounts keep a list of their own of what was done: a new name may equal the old one of
 * another volume. */
static void append_volumes(struct addition *a, const struct volume_list *volumes)
{
	struct mount_list *mounts = &a->spec->mounts;
	cleanup_free bool *done = xcalloc(mounts->n + 1, sizeof(*done));

	a->old_volumes = a->pod.volumes.n;
	for (size_t i = 0; i < volumes->n; i++) {
		const struct volume_spec *from = &volumes->v[i];
		char *name = free_volume_name(&a->pod, volumes, from->name, a->spec->id);
		struct volume_spec *to = list_add(&a->pod.volumes);

		*to = *from; /* borrowed but for the name */
		to->name = name;
		for (size_t k = 0; k < mounts->n; k++) {
			if (done[k] || !is_equal(mounts->v[k].volume, from->name))
				continue;
			done[k] = true;
			replace_text(&mounts->v[k].volume, xstrdup(name));
		}
	}
}

/* What was borrowed is not ours to free. */
static void addition_done(struct addition *a)
{
	for (size_t i = a->old_volumes; i < a->pod.volumes.n; i++)
		free(a->pod.volumes.v[i].name);
	if (a->pod.volumes.n > a->old_volumes)
		a->pod.volumes.n = a->old_volumes;
	record_done(&pod_spec_type, &a->pod);
	json_decref(a->old);
}

static void list_member(struct addition *a)
{
	struct container_ref_list *l = &a->pod.containers;
	bool is_init = a->spec->kind == CONTAINER_INIT;
	size_t at = l->n;

	(void)list_add(l);
	while (is_init && at > 0 && !l->v[at - 1].init) { /* inits come first */
		l->v[at] = l->v[at - 1];
		at--;
	}
	l->v[at] = (struct container_ref){ .id = xstrdup(a->spec->id),
					   .name = xstrdup(a->spec->name),
					   .init = is_init,
					   .sidecar = is_init && a->spec->sidecar };
}

/* ---- stages ----------------------------------------------------------------------------- */

static int up_mark(struct addition *a, struct error *err)
{
	char path[LAYOUT_PATH_MAX];

	return fs_write_atomic(a->store->rootfd, layout_pod(path, a->pod.id, POD_ADDING_FILE),
			       a->spec->id, strlen(a->spec->id), 0600, FS_NOSYNC, err);
}

/* The ports are those of the infra container, which has them as text already. */
static int up_container(struct addition *a, struct error *err)
{
	const struct pod_plan plan = { .pod = a->pod };
	struct container_status infra = { 0 };
	cleanup_free char *own = columns_ports(&plan);
	struct error scratch; /* it has none, or a damaged one: the pod's own ports are shown */
	bool has_infra =
		a->pod.infra_id && status_read(a->store, a->pod.infra_id, &infra, &scratch) == 0;
	int r = container_make(a->store, &a->pod, a->spec,
			       has_infra && infra.ports ? infra.ports : own, err);

	status_done(&infra);
	return r;
}

static int up_volumes(struct addition *a, struct error *err)
{
	struct pod_spec fresh = a->pod;
	int r;

	fresh.volumes.v += a->old_volumes;
	fresh.volumes.n -= a->old_volumes;
	r = fresh.volumes.n ? volume_prepare_pod(a->store->root, &fresh, err) : 0;
	return r == 0 ? volumes_provide(a->store, &fresh.volumes, err) : r;
}

/* A volume that was removed just before the records said who uses it is made anew. When it cannot be,
 * the start says so. */
static int up_volumes_again(struct addition *a, struct error *err)
{
	struct error scratch;

	(void)err;
	error_ignore(up_volumes(a, &scratch));
	return 0;
}

static int up_name(struct addition *a, struct error *err)
{
	char target[LAYOUT_PATH_MAX];

	return names_claim(a->store, a->spec->full_name,
			   layout_container(target, a->spec->id, NULL), err);
}

static int up_record(struct addition *a, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;

	if (syncfs(a->store->rootfd) < 0)
		return error_errno(err, "sync the store");
	list_member(a);
	j = record_dump(&pod_spec_type, &a->pod);
	record_merge_unknown(&pod_spec_type, j, a->old);
	text = jdump_text(j, 1);
	return fs_write_atomic(a->store->rootfd, layout_pod(path, a->pod.id, POD_RECORD), text,
			       strlen(text), 0600, FS_SYNC, err);
}

static int drop_mark(const struct store *s, const char *pod_id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];

	if (unlinkat(s->rootfd, layout_pod(path, pod_id, POD_ADDING_FILE), 0) < 0 &&
	    errno != ENOENT)
		return error_errno(err, "remove '%s'", path);
	return 0;
}

static int walk(struct addition *a, struct error *err)
{
	static const struct {
		const char *boundary;
		int (*up)(struct addition *a, struct error *err);
	} stages[] = {
		{ "add:mark", up_mark },       { "add:container", up_container },
		{ "add:volumes", up_volumes }, { "add:name", up_name },
		{ "add:record", up_record },   { "add:again", up_volumes_again },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(stages) && r == 0; i++) {
		r = stages[i].up(a, err);
		if (r == 0)
			STOP_AT(stages[i].boundary);
	}
	return r;
}

/* ---- ways in ---------------------------------------------------------------------------- */

static bool lists(const struct pod_spec *pod, const char *id)
{
	for (size_t i = 0; i < pod->containers.n; i++)
		if (is_equal(pod->containers.v[i].id, id))
			return true;
	return false;
}

int pod_drop_half_added(const struct store *s, const char *pod_id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_free char *id = NULL;
	struct pod_spec pod = { 0 };
	struct error scratch;
	bool is_debris;
	int r;

	(void)layout_pod(path, pod_id, POD_ADDING_FILE);
	if (faccessat(s->rootfd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	r = fs_read_file(s->rootfd, path, POD_ADDING_MAX_SIZE, &id, NULL, &scratch);
	/* A pod that cannot be read lists nothing that is certain: its containers are found by scan. */
	is_debris = r >= 0 && is_id(id) && lookup_read_pod(s, pod_id, &pod, &scratch) == 0 &&
		    !lists(&pod, id);
	record_done(&pod_spec_type, &pod);
	r = is_debris ? container_unmake(s, id, err) : 0;
	return r < 0 ? r : drop_mark(s, pod_id, err);
}

static int lock_pod(const struct store *s, const char *pod_id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int lock = lock_take(s->rootfd, layout_pod(path, pod_id, POD_LOCK),
					   LOCK_EXCLUSIVE, POD_LOCK_WAIT_MS, err);
	int r;

	if (lock < 0)
		return lock;
	if (lookup_pod_phase(s, pod_id) != POD_COMPLETE)
		return error_set(err, EBUSY, "pod '%.12s' is incomplete or being removed", pod_id);
	r = pod_drop_half_added(s, pod_id, err);
	return r < 0 ? r : steal_fd(&lock);
}

int pod_add_container(const struct store *s, const char *pod_id, struct container_spec *c,
		      const struct volume_list *volumes, struct pod_creation *ret,
		      struct error *err)
{
	static const struct volume_list none;
	struct addition a = { .store = s, .spec = c };
	cleanup_close int lock = lock_pod(s, pod_id, err);
	struct error scratch; /* the first error is told */
	int r = lock < 0 ? lock : read_pod(&a, pod_id, err);

	a.old_volumes = a.pod.volumes.n;
	if (r == 0)
		r = check(&a, err);
	if (r == 0) {
		assign_identity(&a);
		append_volumes(&a, volumes ? volumes : &none);
		r = walk(&a, err);
		if (r < 0)
			error_ignore(pod_drop_half_added(s, pod_id, &scratch));
		else
			error_ignore(drop_mark(s, pod_id, &scratch));
		STOP_AT("add:done");
	}
	if (r == 0)
		pod_log_created(s, &a.pod, c);
	addition_done(&a);
	if (r < 0)
		return error_wrap(err, "add container '%s'", c->name ? c->name : "");
	ret->lock_fd = steal_fd(&lock);
	return 0;
}
