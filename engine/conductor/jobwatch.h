/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobwatch - the monitor of one Job: waits for its pods and for the clock, lets somebody else decide.
 *
 * What a Job is the engine does not know. `podium job-step JOB` does the work (makes pods, stops
 * them, writes down how far it is) and says on its socket what is to be waited for:
 *
 *	CTL_SUBSCRIBE	text: infra container's id of a pod at work; one each
 *	CTL_OK		text: wall clock in ns of the next step, "0": none; value: enum jobwatch_word
 *	CTL_DONE	value: enum jobwatch_word; there is nothing to wait for any more
 *	CTL_FAILED	text: why the step came to nothing; it is tried again
 *
 * A JOB is "NAMESPACE/NAME". Its monitor holds ROOT/kube/job/JOB/monitor.lock and listens on
 * RUNROOT/jobs/JOB/ctl.sock: CTL_START (step now; CTL_OK or CTL_FAILED after it), CTL_STOP (end; a
 * step at work is waited for). It ends with the Job.
 */
#ifndef PODIUM_CONDUCTOR_JOBWATCH_H
#define PODIUM_CONDUCTOR_JOBWATCH_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

enum jobwatch_word {
	JOBWATCH_GOES_ON,
	JOBWATCH_RESTS, /* nothing happens until somebody changes it */
	JOBWATCH_COMPLETE,
	JOBWATCH_FAILED,
	JOBWATCH_GONE, /* there is no such Job, or it was removed */
};

/* True for "NAMESPACE/NAME" of lower-case letters, digits, '-' and '.'; no path can hide in it. */
bool is_jobwatch_name(const char *job);

/* Runs the monitor until the Job is over. report_fd hears CTL_OK (or CTL_FAILED) after the first
 * step, or is -1. The store is borrowed. -EWOULDBLOCK, -ETIMEDOUT: it has one. */
int jobwatch_run(const struct store *store, const char *job, int report_fd,
		 struct error *err) must_check;

/* Starts it, or lets the one that runs make a step, and waits for the end of that step. */
int jobwatch_start(const struct store *s, const char *job, struct error *err) must_check;
/* Ends it, and waits for its end and for that of a step that outlived it. No monitor is success. */
int jobwatch_stop(const struct store *s, const char *job, struct error *err) must_check;
/* What every step holds; for who changes a Job behind the back of its monitor. Waits. */
int jobwatch_lock_step(const struct store *s, const char *job, struct error *err) must_check;

#endif
