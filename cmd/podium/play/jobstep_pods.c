/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobstep_pods - the pods of a Job: looked at, made, stopped, removed.
 *
 * Theory of operation: a pod is at work while it has a conductor. One without is looked at closely:
 * its conductor has finished (then its containers tell how it ended), was killed while they run on
 * (then it gets another one), or the machine went down (then the pod's policy decides, as the
 * kubelet's would: OnFailure begins again, Never has failed).
 */
#include "cmd/podium/play/jobstep.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/kube/kubeview.h"
#include "cmd/podium/play/play.h"
#include "engine/base/clock.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/image/store.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/process/ctl.h"

#define CONDUCTOR_WAIT_MS 5000

/* ---- looking ---------------------------------------------------------------------------- */

static bool is_owned(const struct jobstep *j, const struct pod_spec *pod)
{
	return is_equal(pod->controller, j->job->template->pod.controller);
}

static bool has_member_at_work(const struct kube_pod *p)
{
	for (size_t i = 0; i < p->pod.containers.n; i++)
		if (!p->pod.containers.v[i].init &&
		    (p->views[i].live == STATE_RUNNING || p->views[i].live == STATE_STOPPING ||
		     p->views[i].live == STATE_PAUSED))
			return true;
	return false;
}

/* Gives a pod the conductor that it lacks; nobody watches it come up. Waits until it can be talked
 * to, so that the Job's monitor finds it. */
static int conduct(const struct jobstep *j, const struct pod_spec *pod, bool adopt,
		   struct error *err)
{
	int64_t deadline = clock_mono_ms() + CONDUCTOR_WAIT_MS;
	struct error scratch; /* not yet, or not any more */
	cleanup_close int report = -EBADF;
	int r = adopt ? pod_adopt(j->store, pod->id, &report, err)
		      : pod_start(j->store, pod->id, NULL, &report, err);

	while (r == 0 && clock_mono_ms() < deadline) {
		struct pollfd p = { .fd = report, .events = POLLIN };
		int fd = ctl_connect(j->store, pod->infra_id, &scratch);

		if (fd >= 0)
			(void)close(fd);
		if (fd >= 0 || poll(&p, 1, 1) > 0)
			break;
	}
	return r < 0 ? r : 0;
}

static void finish(struct job_pod_view *v, bool failed, int64_t finished_ns)
{
	v->finished = true;
	v->failed = failed;
	v->finished_ns = finished_ns ? finished_ns : clock_wall_ns();
}

static int look_unconducted(struct jobstep *j, const struct kube_pod *p, struct job_pod_view *v,
			    struct error *err)
{
	const struct container_status *infra = p->in.infra;
	int r;

	if (!infra || infra->state == STATE_CREATED)
		return conduct(j, &p->pod, false, err);
	if (p->infra.lost)
		return conduct(j, &p->pod, true, err);
	if (infra->state == STATE_EXITED && !infra->exit_unknown) {
		finish(v, p->ps.phase != PHASE_SUCCEEDED || infra->exit_code != 0,
		       infra->finished_ns);
		return 0;
	}
	r = pod_run_down(j->store, p->id, false, err);
	if (r == 0 && p->pod.restart == RESTART_NEVER)
		finish(v, true, 0);
	else if (r == 0)
		r = conduct(j, &p->pod, false, err);
	return r;
}

static int look_at_pod(struct jobstep *j, const struct job_pod *pod, struct job_pod_view *v,
		       struct error *err)
{
	struct kube_pod p;
	struct error scratch; /* removed, or half made by a crash: it is gone */
	bool conducted = is_pod_conducted(j->store, pod->id); /* before its records are read */
	int r = 0;

	*v = (struct job_pod_view){ 0 };
	if (lookup_pod_phase(j->store, pod->id) != POD_COMPLETE)
		return 0;
	if (kube_pod_load(j->store, pod->id, false, &p, &scratch) == 0) {
		v->exists = true;
		v->restarts = p.ps.restarts;
		if (conducted)
			v->stopping = p.in.infra && p.in.infra->state == STATE_STOPPING &&
				      has_member_at_work(&p);
		else
			r = look_unconducted(j, &p, v, err);
	}
	kube_pod_done(&p);
	return r < 0 ? error_wrap(err, "pod '%s'", pod->name) : 0;
}

static void forget_last(struct jobstep *j)
{
	struct job_pod *p = &j->st.pods.v[--j->st.pods.n];

	free(p->name);
	free(p->id);
}

/* A step was killed between the name and the pod: there is one of that name, or there is none. */
static void mend_last(struct jobstep *j)
{
	struct job_pod *last = j->st.pods.n ? &j->st.pods.v[j->st.pods.n - 1] : NULL;
	struct pod_spec pod = { 0 };
	struct error scratch; /* there is none */
	char id[65];

	if (!last || (last->id && *last->id))
		return;
	if (last->name && lookup_pod(j->store, last->name, id, &scratch) == 0 &&
	    lookup_read_pod(j->store, id, &pod, &scratch) == 0 && is_owned(j, &pod) &&
	    is_equal(pod.name, last->name)) {
		free(last->id);
		last->id = xstrdup(id);
		if (lookup_pod_phase(j->store, id) != POD_COMPLETE) {
			error_ignore(pod_run_down(j->store, id, true, &scratch));
			error_ignore(pod_remove(j->store, id, &scratch));
			forget_last(j);
		}
	} else {
		forget_last(j);
	}
	record_done(&pod_spec_type, &pod);
}

int jobstep_look(struct jobstep *j, struct error *err)
{
	int r = 0;

	mend_last(j);
	j->views = xreallocarray(j->views, j->st.pods.n + 1, sizeof(*j->views));
	for (size_t i = 0; i < j->st.pods.n && r == 0; i++) {
		j->views[i] = (struct job_pod_view){ 0 };
		if (!j->st.pods.v[i].finished_ns)
			r = look_at_pod(j, &j->st.pods.v[i], &j->views[i], err);
	}
	return r;
}

/* ---- making ----------------------------------------------------------------------------- */

static int make_pod(struct jobstep *j, struct pod_plan *plan, char id[65], struct error *err)
{
	struct play_images none = { 0 }; /* nothing is pulled: play has done so */
	struct pod_creation creation = { .lock_fd = -1 };
	cleanup_strlist struct strlist ids = { 0 };
	cleanup_close int images = image_lock(j->store, LOCK_SHARED, err);
	int r = images < 0 ? images : play_resolve_images(j->store, &none, plan, err);

	if (r == 0)
		r = play_apply_network(j->store, plan, j->object.network, err);
	if (r == 0)
		r = pod_create(j->store, plan, &creation, err);
	if (r < 0)
		return r;
	(void)snprintf(id, 65, "%s", plan->pod.id);
	strlist_add(&ids, id);
	r = conduct(j, &plan->pod, false, err);
	if (r == 0)
		r = pod_commit(j->store, &ids, err);
	pod_creation_done(&creation);
	if (r < 0) {
		struct error scratch;

		error_ignore(pods_stop(j->store, &ids, 0, &scratch));
		error_ignore(pod_remove(j->store, id, &scratch));
	}
	return r;
}

int jobstep_create(struct jobstep *j, int64_t index, struct error *err)
{
	cleanup_free char *name = job_pod_name(j->name, j->job->job, &j->st);
	struct pod_plan plan;
	struct error why;
	char id[65];
	int r;

	/* Names are unique: only one pod's containers can have theirs alone. */
	j->job->template->pod.plain_names = j->object.plain_names && j->st.pods.n == 0;
	r = kube_job_pod(j->job, name, index, &plan, err);
	if (r < 0)
		return r;
	/* The step that reads it is nobody's manifest. */
	free(plan.pod.source);
	plan.pod.source = NULL;
	job_add_pod(&j->st, name, "", index, clock_wall_ns());
	r = jobstep_write(j, false, err);
	if (r == 0 && make_pod(j, &plan, id, &why) == 0) {
		struct job_pod *p = &j->st.pods.v[j->st.pods.n - 1];

		free(p->id);
		p->id = xstrdup(id);
	} else {
		forget_last(j);
		if (r == 0)
			job_pod_refused(&j->st, why.text, clock_wall_ns());
	}
	pod_plan_done(&plan);
	return r < 0 ? r : jobstep_write(j, false, err);
}

/* ---- ending ----------------------------------------------------------------------------- */

int jobstep_stop(struct jobstep *j, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };

	for (size_t i = 0; i < j->st.pods.n; i++)
		if (j->st.pods.v[i].stop && !j->st.pods.v[i].finished_ns)
			strlist_add(&ids, j->st.pods.v[i].id);
	return ids.n ? pods_stop(j->store, &ids, -1, err) : 0;
}

/* True when the pod of that id is there, and is the Job's. */
static bool is_there(struct jobstep *j, const char *id)
{
	struct pod_spec pod = { 0 };
	struct error scratch;
	bool there = id && lookup_read_pod(j->store, id, &pod, &scratch) == 0 && is_owned(j, &pod);

	record_done(&pod_spec_type, &pod);
	return there;
}

void jobstep_sweep(struct jobstep *j)
{
	for (size_t i = 0; i < j->st.pods.n; i++) {
		const struct job_pod *p = &j->st.pods.v[i];
		struct error scratch; /* it stays, and can be removed by hand */

		if (p->stop && p->finished_ns && !p->failed && is_there(j, p->id) &&
		    !is_pod_conducted(j->store, p->id))
			error_ignore(pod_remove(j->store, p->id, &scratch));
	}
}

int jobstep_remove_pods(struct jobstep *j, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	int r;

	for (size_t i = 0; i < j->st.pods.n; i++)
		if (is_there(j, j->st.pods.v[i].id))
			strlist_add(&ids, j->st.pods.v[i].id);
	r = pods_stop_to_remove(j->store, &ids, -1, err);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = pod_remove(j->store, ids.v[i], err);
	return r;
}
