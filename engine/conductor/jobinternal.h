/* SPDX-License-Identifier: Apache-2.0 */
/* jobinternal - what a Job's monitor and those who ask it share: where its files are. */
#ifndef PODIUM_CONDUCTOR_JOBINTERNAL_H
#define PODIUM_CONDUCTOR_JOBINTERNAL_H

#include "engine/conductor/jobwatch.h"

#define JOBWATCH_NAME_MAX  320
#define JOBWATCH_PATH_MAX  400
#define JOBWATCH_ROOT	   "kube/job" /* below ROOT */
#define JOBWATCH_RUN	   "jobs"     /* below RUNROOT */
#define JOBWATCH_LOCK	   "monitor.lock"
#define JOBWATCH_STEP_LOCK "step.lock"

/* "TOP/JOB/FILE", or "TOP/JOB" with an empty file; buf is of JOBWATCH_PATH_MAX bytes. */
void jobwatch_path(char *buf, const char *top, const char *job, const char *file);
/* Takes away the socket and its folders. */
void jobwatch_remove_run(const struct store *s, const char *job);

#endif
