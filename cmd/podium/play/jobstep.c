/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobstep - from a Job's record to what is to be done, and back to the record.
 *
 * Theory of operation: everything is read anew: document, progress, pods. job_next() is asked again
 * and again, what it wants is done at once, and the progress is written before anybody is told. A
 * step that is killed in between is repeated by the next one: a pod's name is on the disk before
 * the pod is, so that the next step finds the pod or knows that it was not made.
 */
#include "cmd/podium/play/jobstep.h"

#include <errno.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "cmd/podium/play/jobs.h"
#include "cmd/podium/kube/kubestored.h"

#define JOB_STATUS_VERSION 1

int jobstep_write(struct jobstep *j, bool sync, struct error *err)
{
	cleanup_json json_t *doc = record_dump(&job_status_type, &j->st);
	cleanup_free char *text = jdump_text(doc, 0);

	return fs_write_atomic(j->dir, JOB_STATUS_FILE, text, strlen(text), 0600,
			       sync ? FS_SYNC : FS_NOSYNC, err);
}

static int load(struct jobstep *j, struct error *err)
{
	struct kube_input how = { .store = j->store };
	struct error scratch; /* it has not begun */
	int r = object_read(j->store, KUBE_JOB, j->namespace_, j->name, &j->object, err);

	if (r < 0)
		return r;
	how.plain_names = j->object.plain_names;
	kube_load_text(&how, j->name, j->object.yaml, strlen(j->object.yaml), &j->result);
	for (size_t i = 0; i < j->result.n_objects; i++)
		if (j->result.objects[i].kind == KUBE_JOB)
			j->job = &j->result.objects[i];
	if (j->result.has_errors || !j->job || !j->job->job || !j->job->template)
		return error_set(err, EBADMSG,
				 "the stored document is not a Job that can be played");
	r = kube_stored_job(j->store, j->namespace_, j->name, &j->st, &scratch);
	if (r < 0 && r != -ENOENT) {
		*err = scratch;
		return r;
	}
	j->st.version = JOB_STATUS_VERSION;
	return 0;
}

int jobstep_open(struct jobstep *j, const struct store *s, const char *namespace_, const char *name,
		 struct error *err)
{
	cleanup_free char *job = xasprintf("%s/%s", namespace_of(namespace_), name);
	int r;

	memset(j, 0, sizeof(*j));
	j->store = s;
	j->namespace_ = namespace_;
	j->name = name;
	j->lock_fd = -1;
	r = j->dir = object_open(s, KUBE_JOB, namespace_, name, err);
	if (r >= 0)
		r = j->lock_fd = jobwatch_lock_step(s, job, err);
	if (r >= 0)
		r = load(j, err);
	return r < 0 ? r : 0;
}

void jobstep_close(struct jobstep *j)
{
	free(j->views);
	record_done(&job_status_type, &j->st);
	kube_result_done(&j->result);
	stored_object_done(&j->object);
	if (j->dir >= 0)
		(void)close(j->dir);
	if (j->lock_fd >= 0)
		(void)close(j->lock_fd);
}

static int act(struct jobstep *j, enum job_act what, int64_t index, struct error *err)
{
	int r = 0;

	switch (what) {
	case JOB_CREATE_POD:
		return jobstep_create(j, index, err);
	case JOB_STOP_PODS:
		/* Known before it is done: whoever comes after a crash does not take the ends of
		 * these pods for failures. */
		r = jobstep_write(j, false, err);
		return r < 0 ? r : jobstep_stop(j, err);
	case JOB_REMOVE:
		r = jobstep_remove_pods(j, err);
		if (r == 0)
			r = object_remove(j->store, KUBE_JOB, j->namespace_, j->name, err);
		j->removed = r == 0;
		return r;
	case JOB_WAIT:
	case JOB_END:
		break;
	}
	return 0;
}

int jobstep_run(struct jobstep *j, struct error *err)
{
	enum job_act what;
	int64_t index = 0;
	int r;

	do {
		r = jobstep_look(j, err);
		if (r < 0)
			return r;
		what = job_next(j->job->job, &j->st, j->views, clock_wall_ns(), &index,
				&j->until_ns);
		r = act(j, what, index, err);
		if (r < 0)
			return r;
	} while (what == JOB_CREATE_POD || what == JOB_STOP_PODS);
	if (j->removed)
		return 0;
	r = jobstep_write(j, true, err);
	if (r == 0)
		jobstep_sweep(j);
	return r;
}
