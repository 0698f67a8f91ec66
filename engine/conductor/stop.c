/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop - how a pod ends: in order, within its grace period, or because its time is over.
 *
 * Theory of operation: members and inits are told to stop at once, in reverse; sidecars follow when
 * those have ended, one after another, each with what is left of the grace period (order.c says
 * which is next). Without grace everything is killed at once. Each monitor keeps its own timer and
 * kills; should one not, everything is killed KILL_MARGIN_MS later.
 * activeDeadlineSeconds counts from the start of the pod, which the infra container's record holds,
 * as it holds the end of the grace period: both timers outlive a conductor that is killed, and for
 * that are set from the wall clock once, then run on the monotonic one.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/conductor/internal.h"
#include "engine/state/events.h"

#define KILL_MARGIN_MS 5000
#define GRACE_MIN_MS   2000 /* of a sidecar, however long the members took */
#define MS_NS	       1000000

static int64_t min_time(int64_t a, int64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

static void kill_all(struct conductor *c)
{
	for (size_t i = c->n_members; i-- > 0;) {
		c->views[i].stop_asked = c->views[i].phase != MEMBER_DONE;
		member_stop(c, i, 0);
	}
	c->kill_ms = clock_mono_ms() + KILL_MARGIN_MS;
}

static int64_t member_grace_ms(const struct conductor *c, size_t i)
{
	const struct opt_i64 *own = &c->run.specs[i].stop_timeout_s;
	int64_t seconds = own->set ? own->value : pod_grace_seconds(&c->run.pod);

	if (seconds <= 0)
		return 0;
	return seconds > INT32_MAX / 1000 ? INT32_MAX : seconds * 1000;
}

int64_t stop_longest_ms(const struct conductor *c)
{
	int64_t most = 0;

	for (size_t i = 0; i < c->n_members; i++)
		if (member_grace_ms(c, i) > most)
			most = member_grace_ms(c, i);
	return most;
}

/* Stops whose turn it is. */
static void stop_next(struct conductor *c)
{
	bool is_last;
	size_t i = 0;

	while (order_next_stop(c->views, c->n_members, &i, &is_last)) {
		int64_t now = clock_mono_ms();
		int64_t left = c->grace_end_ms - now;

		if (c->own_grace && left > member_grace_ms(c, i))
			left = member_grace_ms(c, i);

		if ((is_last || c->resumes_stop) && left < GRACE_MIN_MS)
			left = GRACE_MIN_MS;
		c->views[i].stop_asked = true;
		member_stop(c, i, left > 0 ? left : 0);
		if (c->kill_ms < now + left + KILL_MARGIN_MS)
			c->kill_ms = now + left + KILL_MARGIN_MS;
	}
}

void stop_begin(struct conductor *c, int64_t grace_ms)
{
	int64_t now = clock_mono_ms();

	if (c->phase == CONDUCTOR_STOPPING && grace_ms != 0)
		return;
	if (service_holds_stop(c, grace_ms))
		return;
	c->own_grace = grace_ms < 0;
	if (c->own_grace)
		grace_ms = stop_longest_ms(c);
	c->phase = CONDUCTOR_STOPPING;
	c->active_deadline_ms = c->paused_ms = 0; /* each member is thawed by its monitor */
	c->grace_end_ms = now + grace_ms;
	c->kill_ms = c->grace_end_ms + KILL_MARGIN_MS;
	/* They end while this is written. */
	if (grace_ms > 0)
		stop_next(c);
	else
		kill_all(c);
	c->status.deadline_ns = clock_wall_ns() + grace_ms * MS_NS;
	conductor_write_status(c, STATE_STOPPING);
	if (c->run.to_remove)
		run_network_down_early(&c->run);
}

int64_t stop_own_grace_ms(const struct conductor *c)
{
	for (size_t i = 0; i < c->n_members; i++)
		if (c->views[i].sidecar && c->views[i].phase != MEMBER_IDLE &&
		    c->views[i].phase != MEMBER_DONE)
			return pod_grace_seconds(&c->run.pod) * 1000;
	return 0;
}

void stop_resume(struct conductor *c)
{
	int64_t left = (c->status.deadline_ns - clock_wall_ns()) / MS_NS;

	c->phase = CONDUCTOR_STOPPING;
	c->grace_end_ms = clock_mono_ms() + (left > 0 ? left : 0);
	c->kill_ms = c->grace_end_ms + KILL_MARGIN_MS;
	members_find(c);
}

void stop_failed(struct conductor *c, const char *text)
{
	conductor_tell(c, CTL_FAILED, 125, text);
	c->failures++;
	c->status.exit_code = 1;
	stop_begin(c, stop_own_grace_ms(c));
}

void stop_set_deadline(struct conductor *c)
{
	const struct opt_i64 *limit = &c->run.pod.active_deadline_seconds;
	int64_t left;

	if (!limit->set || limit->value > INT32_MAX)
		return;
	left = (c->status.started_ns - clock_wall_ns()) / MS_NS + limit->value * 1000;
	c->active_deadline_ms = clock_mono_ms() + (left > 0 ? left : 0);
}

void stop_over(struct conductor *c, const char *reason, const char *why, int64_t grace_ms)
{
	free(c->status.reason);
	free(c->status.message);
	c->status.reason = xstrdup(reason);
	c->status.message = xstrdup(why);
	c->status.exit_code = 1;
	c->rebuild = false;
	c->failures++;
	stop_begin(c, grace_ms);
	event_add(&c->store, c->pod_id, true, reason, NULL, "%s", why);
}

static void exceed_deadline(struct conductor *c)
{
	conductor_tell(c, CTL_FAILED, 125, "the pod was active longer than activeDeadlineSeconds");
	stop_over(c, "DeadlineExceeded",
		  "Pod was active on the node longer than the specified deadline",
		  pod_grace_seconds(&c->run.pod) * 1000);
}

void stop_check(struct conductor *c)
{
	int64_t now = clock_mono_ms();

	if (c->phase == CONDUCTOR_BACKOFF && now >= c->wake_ms)
		c->phase = CONDUCTOR_DOWN;
	if (c->active_deadline_ms && !c->paused_ms && now >= c->active_deadline_ms &&
	    c->phase != CONDUCTOR_DOWN)
		exceed_deadline(c);
	if (c->phase != CONDUCTOR_STOPPING)
		return;
	if (are_members_down(c)) {
		c->phase = CONDUCTOR_DOWN;
		return;
	}
	stop_next(c);
	if (now >= c->kill_ms)
		kill_all(c);
}

int stop_timeout_ms(const struct conductor *c)
{
	int64_t next = c->paused_ms ? 0 : c->active_deadline_ms;
	int64_t left;

	if (c->phase == CONDUCTOR_STARTING || c->phase == CONDUCTOR_UP)
		next = min_time(next, c->disk.pidfd < 0 ? c->disk.next_ms : 0);
	if (c->phase == CONDUCTOR_STOPPING)
		next = min_time(next, c->kill_ms);
	if (c->phase == CONDUCTOR_BACKOFF)
		next = min_time(next, c->wake_ms);
	next = min_time(next, service_next_ms(c));
	if (!next)
		return -1;
	left = next - clock_mono_ms();
	if (left < 0)
		return 0;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}
