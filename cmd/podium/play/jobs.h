/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs - Jobs as commands handle them: started, ended, replaced.
 *
 * A Job is its stored document (kube/objects.h), its progress beside it (job.json: job_status), its
 * pods, and while it runs a monitor (engine/conductor/jobwatch.h). namespace_ NULL: "default".
 */
#ifndef PODIUM_CMD_JOBS_H
#define PODIUM_CMD_JOBS_H

#include "engine/base/error.h"
#include "engine/state/layout.h"
#include "kube/job.h"
#include "kube/kube.h"

#define JOB_STATUS_FILE "job.json"

/* Starts the monitor of a stored Job, or lets the one that runs look again, and waits until the pods
 * that are due have been made. One that is over needs none and gets none. */
int job_start(const struct store *s, const char *namespace_, const char *name,
	      struct error *err) must_check;
/* Ends the monitor, so that no pod is made any more; pods stay. To be called before they go. */
int job_end(const struct store *s, const char *namespace_, const char *name,
	    struct error *err) must_check;
/* Before a changed document is written over an old one: a Job whose pods would be others loses its
 * pods and its progress, and begins anew. always: also one whose pods would be the same. */
int job_prepare_change(const struct store *s, const struct kube_object *now, const char *old_yaml,
		       bool always, struct error *err) must_check;
/* Sees to it that the Job that owns a pod, if one does, has a monitor. */
int job_adopt(const struct store *s, const char *controller, struct error *err) must_check;

#endif
