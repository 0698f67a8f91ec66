/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs - what play, down and start have to do with Jobs.
 *
 * Theory of operation: a Job works by itself once its document is stored and its monitor runs. Who
 * changes or removes one ends the monitor first and holds the lock of its steps, so that no pod is
 * made while pods are removed. A change of what its pods are made of means other pods: as with a pod
 * whose document has changed, what there was is replaced.
 */
#include "cmd/podium/play/jobs.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/kube/kubestored.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/conductor/jobwatch.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "kube/objects.h"

static char *full_name(const char *namespace_, const char *name)
{
	return xasprintf("%s/%s", namespace_of(namespace_), name);
}

int job_start(const struct store *s, const char *namespace_, const char *name, struct error *err)
{
	cleanup_free char *job = full_name(namespace_, name);

	return jobwatch_start(s, job, err);
}

int job_end(const struct store *s, const char *namespace_, const char *name, struct error *err)
{
	cleanup_free char *job = full_name(namespace_, name);

	return jobwatch_stop(s, job, err);
}

int job_adopt(const struct store *s, const char *controller, struct error *err)
{
	cleanup_free char *space = NULL, *name = NULL;
	enum kube_kind kind;

	if (!controller || !controller_parse(controller, &kind, &space, &name) || kind != KUBE_JOB)
		return 0;
	return job_start(s, space, name, err);
}

/* ---- changes ---------------------------------------------------------------------------- */

/* What may change while a Job runs: how many, how long, whether; not what its pods are. */
static bool is_same_work(const struct kube_object *now, const char *old_yaml)
{
	struct kube_input how = { 0 };
	cleanup_kube_result struct kube_result old = { 0 };

	kube_load_text(&how, "stored job", old_yaml, strlen(old_yaml), &old);
	return !old.has_errors && old.n_objects == 1 && old.objects[0].job &&
	       old.objects[0].template && now->job && now->template &&
	       old.objects[0].job->indexed == now->job->indexed &&
	       is_equal(old.objects[0].template->kube_yaml, now->template->kube_yaml);
}

static int remove_pods(const struct store *s, const struct kube_object *o,
		       const struct job_status *st, struct error *err)
{
	cleanup_free char *controller =
		xasprintf("Job/%s/%s", namespace_of(o->namespace_), o->name);
	cleanup_strlist struct strlist ids = { 0 };
	int r;

	for (size_t i = 0; i < st->pods.n; i++) {
		struct pod_spec pod = { 0 };
		struct error scratch; /* it is gone */
		char id[65];

		if (lookup_pod(s, st->pods.v[i].name, id, &scratch) == 0 &&
		    lookup_read_pod(s, id, &pod, &scratch) == 0 &&
		    is_equal(pod.controller, controller))
			strlist_add(&ids, id);
		record_done(&pod_spec_type, &pod);
	}
	r = pods_stop_to_remove(s, &ids, -1, err);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = pod_remove(s, ids.v[i], err);
	return r;
}

int job_prepare_change(const struct store *s, const struct kube_object *now, const char *old_yaml,
		       bool always, struct error *err)
{
	struct job_status st;
	struct error scratch; /* it has not begun */
	cleanup_close int dir = -EBADF;
	int r;

	if (!old_yaml || (!always && is_same_work(now, old_yaml)))
		return 0;
	r = job_end(s, now->namespace_, now->name, err);
	if (r < 0)
		return r;
	error_ignore(kube_stored_job(s, now->namespace_, now->name, &st, &scratch));
	r = remove_pods(s, now, &st, err);
	record_done(&job_status_type, &st);
	if (r < 0)
		return error_wrap(err, "job '%s'", now->name);
	r = dir = object_open(s, KUBE_JOB, now->namespace_, now->name, err);
	return r == -ENOENT ? 0 : r < 0 ? r : fs_remove_tree(dir, JOB_STATUS_FILE, err);
}
