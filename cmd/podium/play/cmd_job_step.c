/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job-step - one step of a Job: a hidden command, run by the Job's monitor.
 *
 *	podium --root R --runroot RR job-step NAMESPACE/NAME
 *
 * Theory of operation: descriptor 3 speaks as engine/conductor/jobwatch.h says. All that is due is
 * done (jobstep.c); then the monitor is told which pods to watch, and until when.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/play/jobstep.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/process/ctl.h"

#define ANSWER_FD 3

/* The monitor reads all the time: a full queue is only a matter of waiting. */
static void tell(enum ctl_type type, int32_t value, const char *text)
{
	while (ctl_send(ANSWER_FD, type, value, text) == -EAGAIN) {
		struct pollfd p = { .fd = ANSWER_FD, .events = POLLOUT };

		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return;
	}
}

static enum jobwatch_word word_of(const struct jobstep *j)
{
	switch ((enum job_condition)j->st.condition) {
	case JOB_COMPLETE:
		return JOBWATCH_COMPLETE;
	case JOB_FAILED:
		return JOBWATCH_FAILED;
	case JOB_SUSPENDED:
		return JOBWATCH_RESTS;
	case JOB_RUNNING:
	case JOB_CONDITION__COUNT:
		break;
	}
	return JOBWATCH_GOES_ON;
}

static void tell_pods(const struct jobstep *j)
{
	for (size_t i = 0; i < j->st.pods.n; i++) {
		struct pod_spec pod = { 0 };
		struct error scratch; /* removed just now: the next step finds out */

		if (!j->st.pods.v[i].finished_ns &&
		    lookup_read_pod(j->store, j->st.pods.v[i].id, &pod, &scratch) == 0 &&
		    pod.infra_id)
			tell(CTL_SUBSCRIBE, 0, pod.infra_id);
		record_done(&pod_spec_type, &pod);
	}
}

static void tell_outcome(const struct jobstep *j)
{
	char until[32];

	if (j->removed || (j->st.finished_ns && !j->until_ns)) {
		tell(CTL_DONE, (int32_t)word_of(j), NULL);
		return;
	}
	tell_pods(j);
	(void)snprintf(until, sizeof(until), "%lld", (long long)j->until_ns);
	tell(CTL_OK, (int32_t)word_of(j), until);
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	struct jobstep j;
	char *name = strchr(argv[0], '/');
	int r;

	(void)options;
	(void)argc;
	if (!is_jobwatch_name(argv[0]) || !name)
		return error_set(err, EINVAL, "'%.70s' is not NAMESPACE/NAME", argv[0]);
	*name++ = '\0';
	r = jobstep_open(&j, &ctx->store, argv[0], name, err);
	if (r == 0)
		r = jobstep_run(&j, err);
	if (r == 0)
		tell_outcome(&j);
	else if (r == -ENOENT && j.dir < 0)
		tell(CTL_DONE, JOBWATCH_GONE, NULL);
	else
		tell(CTL_FAILED, 125, err->text);
	jobstep_close(&j);
	return r;
}

const struct command cmd_job_step = {
	.words = "job-step",
	.args = "NAMESPACE/NAME",
	.summary = "Do what is due in a Job (run by its monitor)",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run,
};
