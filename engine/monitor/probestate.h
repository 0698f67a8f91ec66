/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probestate - when a container is probed, and what the answers mean. Pure: time comes in (ms of
 * any clock that never goes back), steps go out; it knows neither sockets nor processes.
 *
 * The kubelet's rules: liveness begins as good, readiness as bad, startup as unknown. While there
 * is a startup probe that has not passed, the other two wait. An answer counts once it was given
 * as often in a row as its threshold says. A startup or liveness probe that fails so has the
 * container killed, and nothing is probed until the next run; readiness only turns.
 */
#ifndef PODIUM_MONITOR_PROBESTATE_H
#define PODIUM_MONITOR_PROBESTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pod/spec.h"

enum probe_result {
	PROBE_BAD,
	PROBE_GOOD,
	PROBE_BROKEN, /* it could not be asked: says nothing of the container */
};

enum probe_act {
	PROBE_ACT_NONE,
	PROBE_ACT_RUN,	     /* ask now; answer by probestate_result() */
	PROBE_ACT_TIMEOUT,   /* took too long: end it. Counts as bad already */
	PROBE_ACT_STARTED,   /* the container counts as started */
	PROBE_ACT_READINESS, /* on: ready or not */
	PROBE_ACT_KILL,	     /* the role's probe has failed for good */
};
struct probe_step {
	enum probe_act act;
	enum probe_role role; /* RUN, TIMEOUT, KILL */
	bool on;
};

struct probe_watch {
	bool is_present;
	bool is_busy; /* asked, not answered */
	int64_t initial_delay_ms, period_ms, timeout_ms;
	int64_t success_threshold, failure_threshold;
	int64_t due_ms;	  /* of the next one */
	int64_t begun_ms; /* of the one that is busy */
	int64_t in_a_row; /* answers like the last one */
	bool last_good;
};
struct probestate {
	struct probe_watch watch[PROBE__COUNT]; /* by enum probe_role */
	bool is_running;
	bool is_started;
	bool is_ready;
	bool tell_started, tell_readiness; /* steps that wait */
	bool tell_kill;
	enum probe_role kill_role;
};

#define PROBESTATE_NEVER INT64_MAX

void probestate_init(struct probestate *ps, const struct probe_spec probes[PROBE__COUNT]);
/* The container runs (postStart has ended well); launched_ms: when its program began, from which
 * the initial delays count. */
void probestate_begin(struct probestate *ps, int64_t launched_ms, int64_t now_ms);
/* It has ended or is being ended: nothing is asked any more. Tells that it was ready. */
bool probestate_end(struct probestate *ps);
/* The next thing to do now; to be called until it says PROBE_ACT_NONE. */
struct probe_step probestate_next(struct probestate *ps, int64_t now_ms);
/* Time has stood still for lasted_ms: what was asked is asked again, what was to come, comes so much
 * later. */
void probestate_shift(struct probestate *ps, int64_t lasted_ms);
/* The answer of a probe. One that was not asked for (any more) does not count. */
void probestate_result(struct probestate *ps, enum probe_role role, enum probe_result result,
		       int64_t now_ms);
/* When probestate_next() will have something to do, or PROBESTATE_NEVER. */
int64_t probestate_deadline_ms(const struct probestate *ps);

#endif
