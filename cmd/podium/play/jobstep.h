/* SPDX-License-Identifier: Apache-2.0 */
/* jobstep - one step of a Job: what its state machine asks for is done with pods. */
#ifndef PODIUM_CMD_JOBSTEP_H
#define PODIUM_CMD_JOBSTEP_H

#include "engine/conductor/jobwatch.h"
#include "kube/job.h"
#include "kube/kube.h"
#include "kube/objects.h"

struct jobstep {
	const struct store *store;
	const char *namespace_;
	const char *name;
	int dir;     /* of the stored Job */
	int lock_fd; /* one step at a time */
	struct stored_object object;
	struct kube_result result;
	const struct kube_object *job; /* in the result */
	struct job_status st;
	struct job_pod_view *views; /* of st.pods */
	int64_t until_ns;	    /* after a step: when the next one is due, 0: no time */
	bool removed;		    /* its time to live is over: nothing of it is left */
};

/* Reads a Job, waits for a step of somebody else. -ENOENT: there is none. */
int jobstep_open(struct jobstep *j, const struct store *s, const char *namespace_, const char *name,
		 struct error *err) must_check;
/* Does all that is due now. */
int jobstep_run(struct jobstep *j, struct error *err) must_check;
void jobstep_close(struct jobstep *j);

/* jobstep_pods.c */
/* Fills the views; starts again what only waits for that: pods without a conductor. */
int jobstep_look(struct jobstep *j, struct error *err) must_check;
/* Makes and starts a pod. One that cannot be made is written down as such and is no error. */
int jobstep_create(struct jobstep *j, int64_t index, struct error *err) must_check;
int jobstep_stop(struct jobstep *j, struct error *err) must_check;
/* Removes pods that were stopped for nothing: they count nowhere. */
void jobstep_sweep(struct jobstep *j);
/* Removes all pods. */
int jobstep_remove_pods(struct jobstep *j, struct error *err) must_check;
/* jobstep.c */
int jobstep_write(struct jobstep *j, bool sync, struct error *err) must_check;

#endif
