/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait - blocks until containers are in a state, then prints their exit codes.
 *
 * Theory of operation: a container that runs is waited for by its monitor, which says when it ends; so
 * the end of a run is heard at once and costs nothing meanwhile. Other states are looked for every
 * --interval. Containers are waited for one after the other, in their order, as their codes are
 * printed. -1 stands for an exit code that nobody saw, or that is not there since the container waits
 * for no end.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/timeparse.h"
#include "cmd/podium/container/targets.h"
#include "engine/base/mem.h"
#include "engine/process/ctl.h"

#define INTERVAL_MS    250
#define INTERVAL_MAX_S 86400
#define MS_NS	       1000000

struct wait_options {
	struct life_options life;
	struct strlist conditions;
	const char *interval;
};

enum condition {
	WAIT_CONFIGURED,
	WAIT_CREATED,
	WAIT_INITIALIZED,
	WAIT_RUNNING,
	WAIT_PAUSED,
	WAIT_STOPPED,
	WAIT_EXITED,
	WAIT_STOPPING,
	WAIT_REMOVING,
	WAIT_HEALTHY,
	WAIT_UNHEALTHY,
	WAIT__COUNT
};
static const char *const condition_names[WAIT__COUNT] = {
	"configured", "created",  "initialized", "running", "paused",	 "stopped",
	"exited",     "stopping", "removing",	 "healthy", "unhealthy",
};

struct wait_job {
	unsigned int conditions; /* a bit each */
	useconds_t interval_us;
};

static int parse_conditions(const struct strlist *words, unsigned int *ret, struct error *err)
{
	*ret = words->n ? 0 : 1u << WAIT_STOPPED | 1u << WAIT_EXITED;
	for (size_t i = 0; i < words->n; i++) {
		int k = 0;

		while (k < WAIT__COUNT && strcasecmp(condition_names[k], words->v[i]) != 0)
			k++;
		if (k == WAIT__COUNT)
			return error_set(err, EINVAL,
					 "unknown container state: %.100s: invalid argument",
					 words->v[i]);
		*ret |= 1u << k;
	}
	return 0;
}

/* A Go duration, or milliseconds. */
static int parse_interval(const char *text, useconds_t *ret, struct error *err)
{
	int64_t ms = INTERVAL_MS, ns;

	if (text && parse_i64(text, 0, INT64_C(1000) * INTERVAL_MAX_S, &ms) < 0) {
		if (duration_parse(text, &ns) < 0)
			return error_set(err, EINVAL, "time: invalid duration \"%.100s\"", text);
		if (ns < 0 || ns / MS_NS > INT64_C(1000) * INTERVAL_MAX_S)
			return error_set(err, EINVAL, "--interval takes at most %d s",
					 INTERVAL_MAX_S);
		ms = ns / MS_NS;
	}
	*ret = (useconds_t)((ms > 0 ? ms : 1) * 1000);
	return 0;
}

/* ---- looking ---------------------------------------------------------------------------- */

static unsigned int state_bits(const struct container_view *v)
{
	unsigned int bits = 0;

	switch (v->live) {
	case STATE_CREATED:
		bits = 1u << WAIT_CONFIGURED | 1u << WAIT_CREATED;
		break;
	case STATE_INITIALIZED:
		bits = 1u << WAIT_INITIALIZED;
		break;
	case STATE_RUNNING:
		bits = 1u << WAIT_RUNNING;
		break;
	case STATE_PAUSED:
		bits = 1u << WAIT_PAUSED;
		break;
	case STATE_STOPPING:
		bits = 1u << WAIT_STOPPING;
		break;
	case STATE_EXITED:
		bits = 1u << WAIT_STOPPED | 1u << WAIT_EXITED;
		break;
	case STATE_REMOVING:
		bits = 1u << WAIT_REMOVING;
		break;
	default:
		break;
	}
	if (v->live == STATE_RUNNING && is_equal(v->st.health, "healthy"))
		bits |= 1u << WAIT_HEALTHY;
	if (v->live == STATE_RUNNING && is_equal(v->st.health, "unhealthy"))
		bits |= 1u << WAIT_UNHEALTHY;
	return bits;
}

/* Waits for the next word of its monitor, at most one interval. */
static void await_change(const struct store *s, const char *id, const struct wait_job *job, int *fd)
{
	struct ctl_msg msg;
	struct error scratch; /* it has none: it is looked at again */
	int r;

	if (*fd < 0) {
		*fd = ctl_connect(s, id, &scratch);
		if (*fd >= 0)
			(void)ctl_send(*fd, CTL_SUBSCRIBE, 0, NULL);
	}
	if (*fd < 0) {
		(void)usleep(job->interval_us);
		return;
	}
	r = ctl_wait(*fd, (int)(job->interval_us / 1000), &msg);
	if (r == 0 || (r < 0 && r != -ETIMEDOUT)) {
		(void)close(*fd);
		*fd = -1;
		(void)usleep(1000); /* its record follows within the moment */
	}
}

static int wait_for(const struct store *s, const char *id, const struct wait_job *job,
		    int64_t *ret_code, struct error *err)
{
	cleanup_close int fd = -EBADF;

	*ret_code = -1;
	for (;;) {
		struct container_view v;
		bool met, ended, is_there;

		view_load(s, id, &v);
		met = state_bits(&v) & job->conditions;
		ended = v.live == STATE_EXITED;
		is_there = v.readable;
		if (is_there)
			*ret_code = ended && !v.st.exit_unknown ? v.st.exit_code : -1;
		if (!is_there)
			met = job->conditions &
			      (1u << WAIT_EXITED | 1u << WAIT_STOPPED | 1u << WAIT_REMOVING);
		view_done(&v);
		if (met)
			return 0;
		if (!is_there)
			return error_set(err, ENOENT, "container '%.12s' was removed", id);
		await_change(s, id, job, &fd);
	}
}

static int run_wait(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct wait_options *o = options;
	cleanup_targets struct targets t = { 0 };
	struct wait_job job = { 0 };
	int64_t code;
	int r = parse_conditions(&o->conditions, &job.conditions, err);

	if (r == 0)
		r = parse_interval(o->interval, &job.interval_us, err);
	if (r == 0 && !argc && !o->life.latest)
		r = error_set(err, EINVAL,
			      "\"podium wait\" requires a name, id, or the \"--latest\" flag");
	if (r == 0)
		r = targets_find(ctx, &o->life, argc, argv, NULL, &t, err);
	for (size_t i = 0; i < t.n && r == 0; i++) {
		r = wait_for(&ctx->store, t.v[i].id, &job, &code, err);
		if (r == 0) {
			(void)printf("%lld\n", (long long)code);
			(void)fflush(stdout);
		}
	}
	return r;
}

static const struct option wait_options[] = {
	{ 0, "condition", OPTION_LIST, offsetof(struct wait_options, conditions), "state",
	  "The state to wait for: stopped, running, paused, created, healthy, ...", false },
	{ 0, "ignore", OPTION_BOOL, LIFE(ignore), NULL,
	  "Say nothing about containers that do not exist", false },
	{ 'i', "interval", OPTION_STRING, offsetof(struct wait_options, interval), "duration",
	  "How often to look for a state that no end of a run brings (default 250ms)", false },
	OPTION_LATEST("container"),
	OPTIONS_END,
};

const struct command cmd_wait = {
	.words = "wait",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Block until containers stop, and print their exit codes",
	.options = wait_options,
	.options_size = sizeof(struct wait_options),
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_wait,
};
