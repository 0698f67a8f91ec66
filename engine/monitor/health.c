/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health - the container's HEALTHCHECK.
 *
 * Theory of operation: healthstate.c says what answers mean, action.c asks, as for Kubernetes' probes.
 * The first question comes one interval after the start, the next one interval after each answer;
 * without an interval it is asked by `healthcheck run` alone. A check that takes too long is killed.
 * After each answer healthcheck.log is replaced, the record of the container when its status has
 * changed, and an event written; then whoever asked is told, and at last what the spec says of an
 * unhealthy container is done.
 *
 * The image and the command line say what is run: it is as confined as an exec. A check that the end
 * of the container has killed says nothing.
 */
#include "engine/monitor/health.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/monitor/healthstate.h"
#include "engine/monitor/internal.h"
#include "engine/state/eventlog.h"

#define NS_PER_MS	   1000000
#define NS_PER_S	   1000000000
#define MS_PER_S	   1000
#define TIMEOUT_DEFAULT_NS (INT64_C(30) * NS_PER_S)
#define EXIT_TOO_LONG	   (-1)
#define END_WAIT_MS	   50

struct monitor_health {
	struct health_spec spec;
	struct action_spec test, startup_test; /* of the spec's words, borrowed */
	struct action_place place;
	struct action action;
	struct health_state state;
	struct health_log log;
	bool is_busy;	    /* something is asked */
	int64_t due_ms;	    /* monotonic; 0: not by itself */
	int64_t timeout_ms; /* monotonic: until when an answer counts */
	int64_t begun_ns;   /* wall clock */
};

/* ---- what there is ---------------------------------------------------------------------- */

void monitor_health_open(struct monitor *m, struct container_spec *spec)
{
	struct monitor_health *h;

	if (!spec->health.test.n && !spec->health.startup_test.n)
		return;
	m->health = h = xcalloc(1, sizeof(*h));
	h->spec = spec->health;
	spec->health = (struct health_spec){ 0 };
	h->test = (struct action_spec){ .kind = ACTION_EXEC, .argv = h->spec.test };
	h->startup_test = (struct action_spec){ .kind = ACTION_EXEC, .argv = h->spec.startup_test };
	h->place = (struct action_place){ .store = &m->store,
					  .container_id = m->id,
					  .netns_pidfd = -1 };
	action_init(&h->action);
}

void monitor_health_close(struct monitor *m)
{
	struct container_spec rest = { 0 };

	if (!m->health)
		return;
	rest.health = m->health->spec;
	record_done(&container_spec_type, &rest);
	free(m->health);
	m->health = NULL;
}

/* ---- what is written -------------------------------------------------------------------- */

/* Whether the container's record has to be written. */
static bool set_status(struct monitor *m)
{
	const char *name = health_status_names[m->health->state.status];
	bool changed = !is_equal(m->status.health, name);

	if (!changed)
		return false;
	free(m->status.health);
	m->status.health = xstrdup(name);
	return true;
}

static void write_log(struct monitor *m)
{
	struct monitor_health *h = m->health;
	struct error scratch; /* a full disk must not end the container */

	h->log.status = h->state.status;
	h->log.failing_streak = h->state.failing_streak;
	if (!m->to_remove)
		error_ignore(health_log_write(&m->store, m->id, &h->log, &scratch));
}

static void log_event(struct monitor *m)
{
	const struct container_status *st = &m->status;
	const struct eventlog_entry e = { .type = "container",
					  .status = "health_status",
					  .id = m->id,
					  .name = st->name,
					  .image = st->image,
					  .pod_id = st->solo ? NULL : st->pod_id,
					  .health = st->health };

	if (!m->to_remove)
		event_log(&m->store, &e);
}

/* ---- asking ----------------------------------------------------------------------------- */

static int64_t interval_ns(const struct monitor_health *h)
{
	return h->state.is_starting ? h->spec.startup_interval_ns : h->spec.interval_ns;
}

static void set_due(struct monitor_health *h)
{
	int64_t ns = interval_ns(h);

	h->due_ms = ns > 0 ? clock_mono_ms() + ns / NS_PER_MS : 0;
}

static void ask(struct monitor *m)
{
	struct monitor_health *h = m->health;
	int64_t ns = h->state.is_starting ? h->spec.startup_timeout_ns : h->spec.timeout_ns;

	h->is_busy = true;
	h->due_ms = 0;
	h->begun_ns = clock_wall_ns();
	h->timeout_ms = clock_mono_ms() + (ns > 0 ? ns : TIMEOUT_DEFAULT_NS) / NS_PER_MS;
	action_begin(&h->action, h->state.is_starting ? &h->startup_test : &h->test, &h->place,
		     false);
}

void monitor_health_begin(struct monitor *m)
{
	struct monitor_health *h = m->health;

	if (!h)
		return;
	health_state_begin(&h->state, &h->spec);
	h->log.n = 0;
	(void)set_status(m);
	write_log(m);
	set_due(h);
}

/* Who waits for an answer gets this one. */
static void answer(struct monitor *m, enum ctl_type type, int32_t value, const char *text)
{
	for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (!m->clients[i].wants_health || m->clients[i].fd < 0)
			continue;
		m->clients[i].wants_health = false;
		(void)ctl_send(m->clients[i].fd, type, value, text);
	}
}

void monitor_health_end(struct monitor *m)
{
	struct monitor_health *h = m->health;

	if (!h)
		return;
	action_cancel(&h->action);
	h->is_busy = false;
	h->due_ms = 0;
	answer(m, CTL_FAILED, 125, "container is not running");
}

void monitor_health_pause(struct monitor *m)
{
	struct monitor_health *h = m->health;

	if (!h || !h->is_busy)
		return;
	action_cancel(&h->action);
	h->is_busy = false;
	h->due_ms = clock_mono_ms();
	answer(m, CTL_FAILED, 125, "container is paused");
}

void monitor_health_unpause(struct monitor *m, int64_t lasted_ms)
{
	if (m->health && m->health->due_ms)
		m->health->due_ms += lasted_ms;
}

void monitor_health_ask(struct monitor *m, int fd)
{
	const char *why = !m->health ? "has no defined healthcheck" : NULL;

	if (!why &&
	    (m->phase != MONITOR_RUNNING || m->is_ending || m->status.state != STATE_RUNNING))
		why = "is not running";
	if (!why && !m->health->is_busy && !is_action_idle(&m->health->action))
		why = "is just busy with a check that took too long";
	if (why) {
		(void)ctl_send(fd, CTL_FAILED, 125, why);
		return;
	}
	for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++)
		if (m->clients[i].fd == fd)
			m->clients[i].wants_health = true;
	if (!m->health->is_busy)
		ask(m);
}

/* ---- answers ---------------------------------------------------------------------------- */

static void act(struct monitor *m, enum health_step step)
{
	int action = step == HEALTH_STEP_RESTART ? HEALTH_RESTART : m->health->spec.on_failure;

	if (!is_pidfd_alive(m->pidfd))
		return; /* it was quicker */
	switch ((enum health_action)action) {
	case HEALTH_KILL: /* as `kill`: it does not come back */
		m->status.stopped_by_user = true;
		monitor_end_run(m, 0);
		break;
	case HEALTH_RESTART:
		m->asks_restart = true;
		monitor_end_run(m, m->plan.grace_ms);
		break;
	case HEALTH_STOP:
		monitor_stop(m, m->plan.grace_ms);
		break;
	default:
		break;
	}
}

static bool is_in_start_period(const struct monitor *m)
{
	int64_t ns = m->health->spec.start_period_ns;

	return ns > 0 && clock_mono_ms() - m->started_ms < ns / NS_PER_MS;
}

static void take(struct monitor *m, int exit_code, const char *output)
{
	struct monitor_health *h = m->health;
	struct health_result *r = health_log_next(&h->log);
	enum health_step step;

	r->start_ns = h->begun_ns;
	r->end_ns = clock_wall_ns();
	r->exit_code = exit_code;
	(void)snprintf(r->output, sizeof(r->output), "%s", output);
	h->is_busy = false;
	step = health_state_result(&h->state, &h->spec, exit_code == 0, is_in_start_period(m));
	set_due(h);
	if (step == HEALTH_STEP_STARTED && h->spec.test.n && h->spec.interval_ns > 0)
		h->due_ms = clock_mono_ms();
	if (set_status(m))
		monitor_write_status(m);
	write_log(m);
	log_event(m);
	answer(m, CTL_OK, exit_code != 0, health_status_names[h->state.status]);
	if (step == HEALTH_STEP_ACT || step == HEALTH_STEP_RESTART)
		act(m, step);
	mem_give_back();
}

/* What the check has printed; of one that could not be run, why. */
static const char *output_of(struct action *a)
{
	if (a->verdict == ACTION_BROKEN)
		return a->text;
	a->output[a->output_len] = '\0';
	return a->output;
}

static void take_answer(struct monitor *m)
{
	struct action *a = &m->health->action;

	/* A container that ends kills its execs first: its exit is seen next. */
	if (a->was_killed && pidfd_wait_exit(m->pidfd, END_WAIT_MS) == 0)
		return;
	take(m, a->verdict == ACTION_GOOD ? 0 : a->exit_code ? a->exit_code : 1, output_of(a));
}

static void take_timeout(struct monitor *m)
{
	struct monitor_health *h = m->health;
	int64_t ns = h->state.is_starting ? h->spec.startup_timeout_ns : h->spec.timeout_ns;
	long long ms = (long long)((ns > 0 ? ns : TIMEOUT_DEFAULT_NS) / NS_PER_MS);
	char text[ACTION_TEXT_MAX];

	action_cancel(&h->action);
	(void)snprintf(text, sizeof(text), "healthcheck command exceeded timeout of %lld%s",
		       ms % MS_PER_S ? ms : ms / MS_PER_S, ms % MS_PER_S ? "ms" : "s");
	take(m, EXIT_TOO_LONG, text);
}

void monitor_health_tick(struct monitor *m)
{
	struct monitor_health *h = m->health;
	int64_t now = clock_mono_ms();

	if (!h || m->phase != MONITOR_RUNNING || m->is_ending || m->status.state != STATE_RUNNING)
		return;
	if (h->is_busy && h->action.verdict != ACTION_GOING && is_action_idle(&h->action))
		take_answer(m);
	else if (h->is_busy && now >= h->timeout_ms)
		take_timeout(m);
	else if (!h->is_busy && h->due_ms && now >= h->due_ms && is_action_idle(&h->action))
		ask(m);
}

/* ---- the loop --------------------------------------------------------------------------- */

size_t monitor_health_polls(struct monitor *m, struct pollfd *p)
{
	if (m->health)
		action_polls(&m->health->action, p);
	return m->health ? ACTION_POLLS : 0;
}

void monitor_health_dispatch(struct monitor *m, const struct pollfd *p)
{
	if (m->health)
		action_dispatch(&m->health->action, p);
}

int64_t monitor_health_deadline_ms(const struct monitor *m)
{
	const struct monitor_health *h = m->health;

	if (!h || m->phase != MONITOR_RUNNING || m->is_ending || m->status.state != STATE_RUNNING)
		return PROBESTATE_NEVER;
	if (h->is_busy)
		return h->timeout_ms;
	return h->due_ms && is_action_idle(&h->action) ? h->due_ms : PROBESTATE_NEVER;
}
