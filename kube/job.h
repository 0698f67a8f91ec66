/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job - what a Job asks for, how far it has come, and what is to be done next: a pure state machine.
 *
 * The Job's monitor (engine/conductor/jobwatch.h) runs `podium job-step NAMESPACE/NAME` whenever a
 * pod of the Job ends or the time that the last step named has come; the step loads job.json, looks
 * at the pods, asks job_next(), acts and writes job.json again. Times are wall clock, since a Job
 * survives a reboot.
 */
#ifndef PODIUM_KUBE_JOB_H
#define PODIUM_KUBE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/record.h"
#include "engine/pod/spec.h"

struct job_spec {
	struct opt_i64 completions; /* unset with parallelism set: done when one has succeeded */
	int64_t parallelism;
	int64_t backoff_limit; /* pods (Never) or container restarts (OnFailure) that may fail */
	struct opt_i64 active_deadline_s;
	struct opt_i64 ttl_s; /* after its end the Job and its pods are removed */
	bool suspend;
	bool indexed; /* completionMode Indexed */
	struct opt_i64 backoff_limit_per_index;
	struct opt_i64 max_failed_indexes;
	bool replace_when_failed; /* podReplacementPolicy Failed */
};

/* One pod that the Job has made, in order. */
struct job_pod {
	char *name;
	char *id;
	int64_t index; /* Indexed: which; else 0 */
	int64_t started_ns;
	int64_t finished_ns; /* 0: at work */
	bool failed;
	bool counted; /* in the numbers below */
	bool stop;    /* the Job has asked for its end: it is neither a success nor a failure */
};
struct job_pod_list {
	struct job_pod *v;
	size_t n;
};

enum job_condition { JOB_RUNNING, JOB_SUSPENDED, JOB_COMPLETE, JOB_FAILED, JOB_CONDITION__COUNT };
extern const char *const job_condition_names[]; /* "Running", "Suspended", ... */
struct job_status {
	uint32_t version;
	int64_t started_ns;
	int64_t finished_ns;
	int condition; /* enum job_condition */
	char *reason;  /* "BackoffLimitExceeded", "DeadlineExceeded", ... */
	char *message;
	int64_t active;
	int64_t succeeded;
	int64_t failed;
	int64_t next_start_ns; /* back-off: no new pod before it; 0: none */
	int64_t retry_ns;      /* a pod could not be made: not tried again before */
	struct job_pod_list pods;
};
extern const struct record_type job_status_type;

/* What the step finds of one pod now. */
struct job_pod_view {
	bool exists;
	bool stopping; /* somebody has asked it to end, and it has not yet */
	bool finished;
	bool failed;	  /* finished: some member's exit code is not 0 */
	int64_t restarts; /* of its containers, for backoff_limit with OnFailure */
	int64_t finished_ns;
};

enum job_act {
	JOB_WAIT,	/* until a pod ends, or until ret_until_ns (0: no time) */
	JOB_CREATE_POD, /* of *ret_index */
	JOB_STOP_PODS,	/* those with stop set that have not ended; then ask again */
	JOB_END,	/* condition, reason and finished_ns are set: write and go */
	JOB_REMOVE,	/* ttl is over: the Job and its pods go */
};
#define JOB_BACKOFF_FIRST_S 10
#define JOB_BACKOFF_MAX_S   360

/* views[i] is of st->pods.v[i]. Updates *st, says what to do next. Called until it says WAIT, END
 * or REMOVE. A WAIT without time in a Job that has no pod at work is for ever: it is suspended, or
 * its parallelism is 0. */
enum job_act job_next(const struct job_spec *spec, struct job_status *st,
		      const struct job_pod_view *views, int64_t now_ns, int64_t *ret_index,
		      int64_t *ret_until_ns);

/* Writes down that a pod was made. */
void job_add_pod(struct job_status *st, const char *name, const char *id, int64_t index,
		 int64_t now_ns);
/* Writes down that one could not be made, for a reason that may pass. */
void job_pod_refused(struct job_status *st, const char *why, int64_t now_ns);

/* The next pod's name: NAME-pod (one completion, one at a time), its retries NAME-pod-1, -2, ...;
 * else NAME-pod-K. The caller owns it. */
char *job_pod_name(const char *job, const struct job_spec *spec, const struct job_status *st);

#endif
