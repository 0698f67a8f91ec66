/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update - other limits for a container.
 *
 * Theory of operation: under the pod's lock the spec is read and merged. When the container runs, its
 * groups are written: the pod's group bounds what its containers may have together, so it is written
 * before (a limit that grows) and after (one that shrinks), and only the second time must succeed. Then
 * the spec is replaced. When the kernel refuses, the old limits are written again.
 *
 * --cpus and the kernel's own terms (period, quota) exclude each other: the later one wins.
 */
#include "engine/pod/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/cgroup/cgroup.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/pod/total.h"
#include "engine/state/status.h"

#define POD_LOCK_MS	 10000
#define RECORD_MAX_BYTES (8 * 1024 * 1024)

/* ---- merging ---------------------------------------------------------------------------- */

static void merge_number(struct opt_i64 *to, const struct opt_i64 *from)
{
	if (from->set)
		*to = *from;
}

static void merge_text(char **to, const char *from)
{
	if (!from)
		return;
	free(*to);
	*to = xstrdup(from);
}

void resources_merge(struct resources *r, const struct resources *change)
{
	if (change->cpu_limit_milli.set)
		r->cpu_quota_us = r->cpu_period_us = (struct opt_i64){ 0 };
	if (change->cpu_quota_us.set || change->cpu_period_us.set)
		r->cpu_limit_milli = (struct opt_i64){ 0 };
	merge_number(&r->cpu_limit_milli, &change->cpu_limit_milli);
	merge_number(&r->cpu_request_milli, &change->cpu_request_milli);
	merge_number(&r->memory_limit_bytes, &change->memory_limit_bytes);
	merge_number(&r->memory_request_bytes, &change->memory_request_bytes);
	merge_number(&r->pids_limit, &change->pids_limit);
	merge_number(&r->cpu_shares, &change->cpu_shares);
	merge_number(&r->cpu_period_us, &change->cpu_period_us);
	merge_number(&r->cpu_quota_us, &change->cpu_quota_us);
	merge_number(&r->memory_swap_bytes, &change->memory_swap_bytes);
	if (change->memory_swap_bytes.set)
		r->memory_swap_assumed = change->memory_swap_assumed;
	merge_number(&r->memory_swappiness, &change->memory_swappiness);
	merge_number(&r->blkio_weight, &change->blkio_weight);
	merge_text(&r->cpuset_cpus, change->cpuset_cpus);
	merge_text(&r->cpuset_mems, change->cpuset_mems);
	for (size_t i = 0; i < change->blkio_devices.n; i++)
		strlist_add(&r->blkio_devices, change->blkio_devices.v[i]);
}

/* ---- the groups ------------------------------------------------------------------------- */

/* The pod's group, with the container as it is in fresh (NULL: as its record is). */
static int write_pod(struct cgroup_ctx *cg, const struct store *s, const struct pod_spec *pod,
		     const struct container_spec *fresh, struct error *err)
{
	struct container_spec *specs = xcalloc(pod->containers.n + 1, sizeof(*specs));
	struct resources total;
	int r = 0;

	for (size_t i = 0; i < pod->containers.n && r == 0; i++) {
		r = lookup_read_container(s, pod->containers.v[i].id, &specs[i], err);
		if (r == 0 && fresh && is_equal(pod->containers.v[i].id, fresh->id))
			resources_merge(&specs[i].resources, &fresh->resources);
	}
	if (r == 0) {
		pod_total_resources(pod, specs, &total);
		r = cgroup_create_pod(cg, pod->id, &total, NULL, err);
	}
	for (size_t i = 0; i < pod->containers.n; i++)
		record_done(&container_spec_type, &specs[i]);
	free(specs);
	return r;
}

static int write_groups(struct cgroup_ctx *cg, const struct store *s,
			const struct container_spec *c, struct strlist *ret_warnings,
			struct error *err)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* it is tried again */
	int r = lookup_read_pod(s, c->pod_id, &pod, err);

	if (r < 0)
		return r;
	error_ignore(write_pod(cg, s, &pod, c, &scratch));
	r = cgroup_update_container(cg, pod.id, c->id, &c->resources, ret_warnings, err);
	if (r == 0)
		r = write_pod(cg, s, &pod, c, err);
	record_done(&pod_spec_type, &pod);
	return r;
}

static bool has_groups(const struct store *s, const char *id)
{
	struct container_status st = { 0 };
	struct error scratch; /* no record: it does not run */
	bool lost, runs = false;

	if (status_read(s, id, &st, &scratch) == 0) {
		enum container_state live = status_live(s, id, &st, &lost);

		runs = live == STATE_RUNNING || live == STATE_PAUSED || live == STATE_STOPPING ||
		       live == STATE_INITIALIZED;
	}
	status_done(&st);
	return runs;
}

static int apply(const struct store *s, const struct container_spec *old,
		 const struct container_spec *fresh, struct strlist *ret_warnings,
		 struct error *err)
{
	cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
	struct error scratch; /* the first error is told */
	int r;

	if (!has_groups(s, fresh->id))
		return 0;
	r = cgroup_open(&cg, err);
	if (r == 0)
		r = write_groups(&cg, s, fresh, ret_warnings, err);
	if (r < 0)
		error_ignore(write_groups(&cg, s, old, NULL, &scratch));
	return r;
}

/* ---- the record ------------------------------------------------------------------------- */

static int write_spec(const struct store *s, const struct container_spec *c, const json_t *old,
		      struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *j = record_dump(&container_spec_type, c);
	cleanup_free char *text = NULL;

	record_merge_unknown(&container_spec_type, j, old);
	text = jdump_text(j, 1);
	return fs_write_atomic(s->rootfd, layout_container(path, c->id, CONTAINER_RECORD), text,
			       strlen(text), 0600, FS_SYNC, err);
}

static int update_locked(const struct store *s, const char *id, const struct resources *change,
			 struct strlist *ret_warnings, struct error *err)
{
	struct container_spec old = { 0 }, fresh = { 0 };
	cleanup_json json_t *j = NULL;
	char path[LAYOUT_PATH_MAX];
	int r = jload_file(s->rootfd, layout_container(path, id, CONTAINER_RECORD),
			   RECORD_MAX_BYTES, &j, err);

	if (r == 0)
		r = record_load(&container_spec_type, j, &old, err);
	if (r == 0)
		r = record_load(&container_spec_type, j, &fresh, err);
	if (r == 0) {
		resources_merge(&fresh.resources, change);
		r = apply(s, &old, &fresh, ret_warnings, err);
	}
	if (r == 0)
		r = write_spec(s, &fresh, j, err);
	record_done(&container_spec_type, &old);
	record_done(&container_spec_type, &fresh);
	return r;
}

int container_update(const struct store *s, const char *id, const struct resources *change,
		     struct strlist *ret_warnings, struct error *err)
{
	struct container_status st = { 0 };
	char path[LAYOUT_PATH_MAX];
	cleanup_close int lock = -EBADF;
	int r = status_read(s, id, &st, err);

	if (r == 0 && (st.infra || !st.pod_id))
		r = error_set(err, EINVAL, "container '%.12s' has no limits of its own", id);
	if (r == 0)
		r = lock = lock_take(s->rootfd, layout_pod(path, st.pod_id, POD_LOCK),
				     LOCK_EXCLUSIVE, POD_LOCK_MS, err);
	if (r >= 0)
		r = update_locked(s, id, change, ret_warnings, err);
	status_done(&st);
	return r;
}
