/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create - the table of stages that makes a pod on disk.
 *
 * Theory of operation: directory (with its lock, so that a crash is told from work in progress),
 * pod record, containers (records, writable layers), names, volumes. pod.json comes first, since it
 * lists the ids of everything that follows: whatever a crash or a full disk leaves is found by it.
 * Names come after what they point to, since a claim whose target is missing may be taken over by
 * anybody. Until the file "complete" is there all of it is debris that `ps` names and `rm -f` or
 * `down` removes by the same ways down as here. There is no fsync on the way: one syncfs in
 * pod_commit() makes all of it durable before "complete" is written, and the pod may be starting
 * meanwhile.
 *
 * Locks: pods/<id>/pod.lock, exclusive, from the first stage until pod_creation_done().
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/pod/columns.h"
#include "engine/pod/internal.h"
#include "engine/pod/names.h"
#include "engine/pod/pod.h"
#include "engine/rootfs/overlay.h"
#include "engine/rootfs/volume.h"
#include "engine/state/eventlog.h"
#include "engine/state/status.h"
#include "engine/volumes/provide.h"

struct creation {
	const struct store *store;
	struct pod_plan *plan;
	int lock_fd;
};

struct create_stage {
	const char *name; /* STOP_AT("create:<name>") */
	int (*up)(struct creation *c, struct error *err);
};

static int write_record(const struct store *s, const char *path, const struct record_type *t,
			const void *obj, struct error *err)
{
	cleanup_json json_t *j = record_dump(t, obj);
	cleanup_free char *text = jdump_text(j, 1);

	return fs_write_atomic(s->rootfd, path, text, strlen(text), 0600, FS_NOSYNC, err);
}

/* ---- stages ----------------------------------------------------------------------------- */

static int up_directory(struct creation *c, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int r;

	if (mkdirat(c->store->rootfd, layout_pod(path, c->plan->pod.id, NULL), 0700) < 0)
		return error_errno(err, "create directory '%s/%s'", c->store->root, path);
	/* Whoever lists asks whether it is held, by taking it for a moment. */
	r = lock_take(c->store->rootfd, layout_pod(path, c->plan->pod.id, POD_LOCK), LOCK_EXCLUSIVE,
		      LOCK_PROBE_MS, err);
	c->lock_fd = r;
	return r < 0 ? r : 0;
}

static int up_names(struct creation *c, struct error *err)
{
	char target[LAYOUT_PATH_MAX];
	int r = 0;

	if (!c->plan->pod.solo) /* its container has the name */
		r = names_claim(c->store, c->plan->pod.name,
				layout_pod(target, c->plan->pod.id, NULL), err);
	if (r == 0 && c->plan->pod.infra_name)
		r = names_claim(c->store, c->plan->pod.infra_name,
				layout_container(target, c->plan->pod.infra_id, NULL), err);
	for (size_t i = 0; i < c->plan->n_containers && r == 0; i++)
		r = names_claim(c->store, c->plan->containers[i].full_name,
				layout_container(target, c->plan->containers[i].id, NULL), err);
	return r;
}

/* The first state.json of a container, with the static columns of ps. */
static int write_first_status(const struct store *s, const struct pod_spec *pod,
			      const struct container_spec *spec, const char *ports,
			      struct error *err)
{
	struct container_status st = {
		.state = STATE_CREATED,
		.name = spec->full_name,
		.image = spec->kind == CONTAINER_INFRA ? (char *)(uintptr_t)INFRA_IMAGE
						       : spec->config.reference,
		.created_ns = spec->created_ns,
		.pod_id = pod->id,
		.pod_name = pod->name,
		.ports = (char *)(uintptr_t)ports,
		.infra = spec->kind == CONTAINER_INFRA,
		.init = spec->kind == CONTAINER_INIT,
		.working = is_equal(pod->owner, POD_OWNER_BUILD),
		.solo = pod->solo,
	};
	cleanup_free char *command = columns_command(spec);

	st.command = command;
	return status_write(s, spec->id, &st, err);
}

int container_make(const struct store *s, const struct pod_spec *pod,
		   const struct container_spec *spec, const char *ports, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int r;

	if (mkdirat(s->rootfd, layout_container(path, spec->id, NULL), 0700) < 0)
		return error_errno(err, "create directory of container '%s'", spec->full_name);
	r = write_record(s, layout_container(path, spec->id, CONTAINER_RECORD),
			 &container_spec_type, spec, err);
	if (r == 0)
		r = write_first_status(s, pod, spec, ports, err);
	if (r == 0 && spec->log.driver == LOG_PASSTHROUGH)
		r = fs_write_atomic(s->rootfd, layout_pod(path, pod->id, POD_STDIO_FILE), "", 0,
				    0600, FS_NOSYNC, err);
	if (r == 0 && spec->kind != CONTAINER_INFRA)
		r = rootfs_prepare(s->rootfd, spec, err);
	return r;
}

static int up_containers(struct creation *c, struct error *err)
{
	struct container_spec infra = {
		.version = POD_SPEC_VERSION,
		.id = c->plan->pod.infra_id,
		.pod_id = c->plan->pod.id,
		.created_ns = c->plan->pod.created_ns,
		.kind = CONTAINER_INFRA,
		.image = (char *)(uintptr_t)INFRA_IMAGE,
	};
	const struct pod_spec *pod = &c->plan->pod;
	cleanup_free char *name =
		pod->infra_name ? xstrdup(pod->infra_name) : xasprintf("%.12s-infra", pod->id);
	cleanup_free char *ports = columns_ports(c->plan);
	int r;

	assert(!pod->solo || c->plan->n_containers == 1);
	infra.name = infra.full_name = name;
	r = pod->solo ? 0 : container_make(c->store, pod, &infra, ports, err);
	for (size_t i = 0; i < c->plan->n_containers && r == 0; i++)
		r = container_make(c->store, pod, &c->plan->containers[i], ports, err);
	return r;
}

static int up_volumes(struct creation *c, struct error *err)
{
	const struct pod_spec *pod = &c->plan->pod;
	int r = volume_prepare_pod(c->store->root, pod, err);

	/* What a play names was made by it, as a claim. */
	return r == 0 && !pod->owner ? volumes_provide(c->store, &pod->volumes, err) : r;
}

static int up_record(struct creation *c, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	const char *yaml = c->plan->kube_yaml;
	int r = 0;

	if (yaml)
		r = fs_write_atomic(c->store->rootfd, layout_pod(path, c->plan->pod.id, POD_YAML),
				    yaml, strlen(yaml), 0600, FS_NOSYNC, err);
	if (r == 0)
		r = write_record(c->store, layout_pod(path, c->plan->pod.id, POD_RECORD),
				 &pod_spec_type, &c->plan->pod, err);
	return r;
}

static const struct create_stage stages[] = {
	{ "directory", up_directory }, { "record", up_record },	  { "containers", up_containers },
	{ "names", up_names },	       { "volumes", up_volumes },
};

/* ---- the walk --------------------------------------------------------------------------- */

static void replace_id(char **id)
{
	char fresh[65];

	id_new(fresh);
	free(*id);
	*id = xstrdup(fresh);
}

static void assign_identity(struct pod_plan *plan)
{
	struct pod_spec *pod = &plan->pod;
	int64_t now = clock_wall_ns();

	pod->version = POD_SPEC_VERSION;
	pod->created_ns = now;
	replace_id(&pod->id);
	if (!pod->solo) /* its one container is all there is of it */
		replace_id(&pod->infra_id);
	for (size_t i = 0; i < pod->containers.n; i++) {
		free(pod->containers.v[i].id);
		free(pod->containers.v[i].name);
	}
	free(pod->containers.v);
	pod->containers = (struct container_ref_list){ 0 };
	for (size_t i = 0; i < plan->n_containers; i++) {
		struct container_spec *c = &plan->containers[i];
		struct container_ref *ref = list_add(&pod->containers);

		c->version = POD_SPEC_VERSION;
		c->created_ns = now;
		replace_id(&c->id);
		free(c->pod_id);
		c->pod_id = xstrdup(pod->id);
		ref->id = xstrdup(c->id);
		ref->name = xstrdup(c->name);
		ref->init = c->kind == CONTAINER_INIT;
		ref->sidecar = ref->init && c->sidecar;
	}
}

void pod_log_created(const struct store *s, const struct pod_spec *pod,
		     const struct container_spec *c)
{
	struct pairlist labels = { .v = NULL };

	if (is_equal(pod->owner, POD_OWNER_BUILD))
		return;
	pairlist_copy(&labels, &c->config.labels);
	for (size_t i = 0; i < c->labels.n; i++)
		pairlist_set(&labels, c->labels.v[i].key, c->labels.v[i].value);
	event_log(s, &(struct eventlog_entry){ .type = "container",
					       .status = "create",
					       .id = c->id,
					       .name = c->full_name,
					       .image = c->config.reference,
					       .pod_id = pod->solo ? NULL : pod->id,
					       .labels = &labels });
	pairlist_done(&labels);
}

/* To the log of everything: what was made. */
static void tell_log(const struct creation *c)
{
	const struct pod_spec *pod = &c->plan->pod;

	if (!pod->solo && !is_equal(pod->owner, POD_OWNER_BUILD))
		event_log(c->store, &(struct eventlog_entry){ .type = "pod",
							      .status = "create",
							      .id = pod->id,
							      .name = pod->name,
							      .labels = &pod->labels });
	for (size_t i = 0; i < c->plan->n_containers; i++)
		pod_log_created(c->store, pod, &c->plan->containers[i]);
}

int pod_create(const struct store *s, struct pod_plan *plan, struct pod_creation *ret,
	       struct error *err)
{
	struct creation c = { .store = s, .plan = plan, .lock_fd = -1 };
	char boundary[64];

	assign_identity(plan);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		int r = stages[i].up(&c, err);

		if (r < 0) {
			struct error scratch;

			/* The way down is that of removal: it works on whatever there is. */
			if (c.lock_fd >= 0)
				(void)close(c.lock_fd);
			error_ignore(pod_remove(s, plan->pod.id, &scratch));
			return r;
		}
		(void)snprintf(boundary, sizeof(boundary), "create:%s", stages[i].name);
		STOP_AT(boundary);
	}
	ret->lock_fd = c.lock_fd;
	tell_log(&c);
	return 0;
}

int pod_commit(const struct store *s, const struct strlist *pod_ids, struct error *err)
{
	if (syncfs(s->rootfd) < 0)
		return error_errno(err, "sync the store");
	STOP_AT("create:commit");
	return pod_commit_fleeting(s, pod_ids, err);
}

int pod_commit_fleeting(const struct store *s, const struct strlist *pod_ids, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < pod_ids->n && r == 0; i++) {
		char path[LAYOUT_PATH_MAX];

		r = fs_write_atomic(s->rootfd, layout_pod(path, pod_ids->v[i], POD_COMPLETE_FILE),
				    "", 0, 0600, FS_NOSYNC, err);
	}
	return r;
}

void pod_creation_done(struct pod_creation *c)
{
	if (c->lock_fd >= 0)
		(void)close(c->lock_fd);
	c->lock_fd = -1;
}
