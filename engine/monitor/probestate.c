/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probestate - when a container is probed, and what the answers mean.
 *
 * Theory of operation: three watches, each with the time of its next question. A watch is asleep
 * unless it is its turn (startup first, then the other two). A question is due at the program's
 * beginning plus the initial delay, then each period after the last one began; one that took
 * longer than its period is followed at once. Answers are counted in a row, and at the threshold
 * become a step that waits until the caller fetches it: so the order of steps is fixed (started,
 * readiness, kill, then questions) whatever arrived first.
 */
#include "engine/monitor/probestate.h"

#include <string.h>

#define MS_PER_S 1000

void probestate_init(struct probestate *ps, const struct probe_spec probes[PROBE__COUNT])
{
	memset(ps, 0, sizeof(*ps));
	for (int i = 0; i < PROBE__COUNT; i++)
		ps->watch[i] = (struct probe_watch){
			.is_present = probes[i].action.kind != ACTION_NONE,
			.initial_delay_ms = probes[i].initial_delay_s * MS_PER_S,
			.period_ms = probes[i].period_s * MS_PER_S,
			.timeout_ms = probes[i].timeout_s * MS_PER_S,
			.success_threshold = probes[i].success_threshold,
			.failure_threshold = probes[i].failure_threshold,
		};
}

static void set_ready(struct probestate *ps, bool ready)
{
	if (ps->is_ready == ready)
		return;
	ps->is_ready = ready;
	ps->tell_readiness = true;
}

static void set_started(struct probestate *ps, int64_t now_ms)
{
	ps->is_started = true;
	ps->tell_started = true;
	ps->tell_readiness = true; /* its first word follows in any case */
	ps->is_ready = !ps->watch[PROBE_READINESS].is_present;
	for (int i = 0; i < PROBE__COUNT; i++)
		if (ps->watch[i].due_ms < now_ms)
			ps->watch[i].due_ms = now_ms;
}

void probestate_begin(struct probestate *ps, int64_t launched_ms, int64_t now_ms)
{
	for (int i = 0; i < PROBE__COUNT; i++) {
		struct probe_watch *w = &ps->watch[i];

		w->is_busy = false;
		w->in_a_row = 0;
		w->due_ms = launched_ms + w->initial_delay_ms;
	}
	ps->is_running = true;
	ps->is_started = ps->is_ready = false;
	ps->tell_started = ps->tell_readiness = ps->tell_kill = false;
	if (!ps->watch[PROBE_STARTUP].is_present)
		set_started(ps, now_ms);
}

bool probestate_end(struct probestate *ps)
{
	bool was_ready = ps->is_ready;

	ps->is_running = ps->is_started = ps->is_ready = false;
	ps->tell_started = ps->tell_readiness = ps->tell_kill = false;
	for (int i = 0; i < PROBE__COUNT; i++)
		ps->watch[i].is_busy = false;
	return was_ready;
}

void probestate_shift(struct probestate *ps, int64_t lasted_ms)
{
	for (int i = 0; i < PROBE__COUNT; i++) {
		struct probe_watch *w = &ps->watch[i];

		if (w->is_busy)
			w->due_ms = w->begun_ms;
		w->is_busy = false;
		w->due_ms += lasted_ms;
	}
}

/* Whether this role has its turn. */
static bool is_awake(const struct probestate *ps, int role)
{
	return ps->is_running && ps->watch[role].is_present &&
	       (role == PROBE_STARTUP) != ps->is_started;
}

/* The steps that wait for nothing but to be fetched. */
static struct probe_step next_word(struct probestate *ps)
{
	if (ps->tell_started) {
		ps->tell_started = false;
		return (struct probe_step){ .act = PROBE_ACT_STARTED };
	}
	if (ps->tell_readiness) {
		ps->tell_readiness = false;
		return (struct probe_step){ .act = PROBE_ACT_READINESS, .on = ps->is_ready };
	}
	if (ps->tell_kill) {
		ps->tell_kill = false;
		return (struct probe_step){ .act = PROBE_ACT_KILL, .role = ps->kill_role };
	}
	return (struct probe_step){ .act = PROBE_ACT_NONE };
}

struct probe_step probestate_next(struct probestate *ps, int64_t now_ms)
{
	struct probe_step step = next_word(ps);

	for (int i = 0; step.act == PROBE_ACT_NONE && i < PROBE__COUNT; i++) {
		struct probe_watch *w = &ps->watch[i];

		if (!is_awake(ps, i))
			continue;
		if (w->is_busy && now_ms - w->begun_ms >= w->timeout_ms) {
			step = (struct probe_step){ .act = PROBE_ACT_TIMEOUT,
						    .role = (enum probe_role)i };
			probestate_result(ps, step.role, PROBE_BAD, now_ms);
		} else if (!w->is_busy && now_ms >= w->due_ms) {
			step = (struct probe_step){ .act = PROBE_ACT_RUN,
						    .role = (enum probe_role)i };
			w->is_busy = true;
			w->begun_ms = now_ms;
		}
	}
	return step;
}

void probestate_result(struct probestate *ps, enum probe_role role, enum probe_result result,
		       int64_t now_ms)
{
	struct probe_watch *w = &ps->watch[role];
	bool good = result == PROBE_GOOD;

	if (!is_awake(ps, (int)role) || !w->is_busy)
		return;
	w->is_busy = false;
	w->due_ms = w->begun_ms + w->period_ms;
	if (w->due_ms < now_ms)
		w->due_ms = now_ms;
	if (result == PROBE_BROKEN)
		return;
	w->in_a_row = w->in_a_row > 0 && w->last_good == good ? w->in_a_row + 1 : 1;
	w->last_good = good;
	if (w->in_a_row < (good ? w->success_threshold : w->failure_threshold))
		return;
	if (role == PROBE_READINESS) {
		set_ready(ps, good);
	} else if (!good) {
		ps->tell_kill = true;
		ps->kill_role = role;
		set_ready(ps, false);
		ps->is_running = false;
	} else if (role == PROBE_STARTUP) {
		set_started(ps, now_ms);
	}
}

int64_t probestate_deadline_ms(const struct probestate *ps)
{
	int64_t first = PROBESTATE_NEVER;

	if (ps->tell_started || ps->tell_readiness || ps->tell_kill)
		return 0;
	for (int i = 0; i < PROBE__COUNT; i++) {
		const struct probe_watch *w = &ps->watch[i];
		int64_t at = w->is_busy ? w->begun_ms + w->timeout_ms : w->due_ms;

		if (is_awake(ps, i) && at < first)
			first = at;
	}
	return first;
}
