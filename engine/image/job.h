/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job - a child process that does one thing and reports once. podium-image only.
 */
#ifndef PODIUM_IMAGE_JOB_H
#define PODIUM_IMAGE_JOB_H

#include <sys/types.h>

#include "engine/base/error.h"

#define JOB_DATA_MAX 256

/* What a child sends back: a result, the reason of a failure, and plain data of the job's own. The
 * child may have been taken over by the bytes it read: job_wait() accepts nothing but sizes. */
struct job_report {
	int result; /* 0 or -errno */
	struct error err;
	unsigned char data[JOB_DATA_MAX];
};

struct job {
	pid_t pid;
	int fd; /* becomes readable when the report is there or the child has died */
};
#define JOB_INIT ((struct job){ .pid = 0, .fd = -EBADF })

/* Runs in the child. reportfd stays open behind its back: keep it when closing descriptors. */
typedef int job_main(void *arg, int reportfd, struct job_report *report, struct error *err);

/* Forks; the child dies with the caller, calls run(), sends the report and exits. */
int job_start(job_main *run, void *arg, struct job *ret, struct error *err) must_check;
/* Waits for the report and for the end of the child. -EPIPE when it died without a word (what names
 * it in the message). Returns report->result, with err filled from the report. */
int job_wait(struct job *j, const char *what, struct job_report *report,
	     struct error *err) must_check;
/* Kills and reaps; nothing to do for a job that was waited for. */
void job_end(struct job *j);

#endif
