/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch - probes and hooks of the container: the kubelet's part.
 *
 * Theory of operation: probestate.c says what is to be asked when and what answers mean, action.c
 * asks; here the two meet the container. A container with neither probes nor hooks has no watch
 * and pays nothing. postStart begins as soon as the program runs and beside it; the container is
 * reported as running, and probed, when it has ended well. preStop runs when something asks the
 * container to end, inside its grace period, never when it ended by itself.
 *
 * state.json is written when "started" or "ready" changes, once for both, and before anybody is
 * told; an answer that changes nothing writes nothing but, when bad, an event. The pod's address
 * is read once a run.
 *
 * Mustn't: block. A probe that hangs ends by its timeout, a hook by the grace period (postStart has
 * none, as in Kubernetes: stopping the container ends it).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/monitor/internal.h"
#include "engine/process/launch.h"

#define SANDBOX_MAX_BYTES 65536
#define MS_PER_S	  1000
#define END_WAIT_MS	  500

/* ---- what there is ---------------------------------------------------------------------- */

static bool has_anything(const struct container_spec *spec)
{
	for (int i = 0; i < PROBE__COUNT; i++)
		if (spec->probes[i].action.kind != ACTION_NONE)
			return true;
	return spec->post_start.kind != ACTION_NONE || spec->pre_stop.kind != ACTION_NONE;
}

void monitor_watch_open(struct monitor *m, struct container_spec *spec)
{
	struct monitor_watch *w;

	monitor_health_open(m, spec);
	if (!has_anything(spec))
		return;
	m->watch = w = xcalloc(1, sizeof(*w));
	memcpy(w->probes, spec->probes, sizeof(w->probes));
	memset(spec->probes, 0, sizeof(spec->probes));
	w->post_start = spec->post_start;
	w->pre_stop = spec->pre_stop;
	spec->post_start = spec->pre_stop = (struct action_spec){ .kind = ACTION_NONE };
	probestate_init(&w->state, w->probes);
	for (int i = 0; i < PROBE__COUNT; i++)
		action_init(&w->asked[i]);
	action_init(&w->hook);
	w->place = (struct action_place){ .store = &m->store,
					  .container_id = m->id,
					  .netns_pidfd = -1 };
}

void monitor_watch_close(struct monitor *m)
{
	struct container_spec rest = { 0 };

	monitor_health_close(m);
	if (!m->watch)
		return;
	memcpy(rest.probes, m->watch->probes, sizeof(rest.probes));
	rest.post_start = m->watch->post_start;
	rest.pre_stop = m->watch->pre_stop;
	record_done(&container_spec_type, &rest);
	free(m->watch);
	m->watch = NULL;
}

/* ---- where ------------------------------------------------------------------------------ */

/* The address that this host has towards others; what a pod in its network is reached by. No packet
 * is sent. */
static void find_host_address(char out[ACTION_ADDRESS_MAX])
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(9) };
	socklen_t len = sizeof(any);
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(out, ACTION_ADDRESS_MAX, "127.0.0.1");
	/* TEST-NET-1: routed like any address far away. */
	any.sin_addr.s_addr = htonl(0xc0000201);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&any, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&any, &len) == 0)
		(void)inet_ntop(AF_INET, &any.sin_addr, out, ACTION_ADDRESS_MAX);
}

static void read_pod_address(struct monitor *m, char out[ACTION_ADDRESS_MAX])
{
	char path[LAYOUT_PATH_MAX];
	struct sandbox_record sb = { 0 };
	cleanup_json json_t *j = NULL;
	struct error scratch;

	/* Without an address a probe says that there is none. */
	if (jload_file(m->store.runfd, layout_pod(path, m->pod_id, "sandbox.json"),
		       SANDBOX_MAX_BYTES, &j, &scratch) < 0 ||
	    record_load(&sandbox_record_type, j, &sb, &scratch) < 0)
		return;
	(void)snprintf(out, ACTION_ADDRESS_MAX, "%s",
		       sb.address4   ? sb.address4
		       : sb.address6 ? sb.address6
				     : "");
	record_done(&sandbox_record_type, &sb);
}

static bool needs_address(const struct action_spec *a)
{
	return (a->kind == ACTION_HTTP || a->kind == ACTION_TCP || a->kind == ACTION_GRPC) &&
	       is_empty(a->host);
}

/* Of this run: the sandbox may be another one than last time. */
static void find_place(struct monitor *m)
{
	struct monitor_watch *w = m->watch;
	bool needed = needs_address(&w->post_start) || needs_address(&w->pre_stop);

	for (int i = 0; i < PROBE__COUNT; i++)
		needed = needed || needs_address(&w->probes[i].action);
	w->place.address[0] = '\0';
	w->place.netns_pidfd = -1;
	if (!needed)
		return;
	if (m->plan.network == NETWORK_HOST) {
		find_host_address(w->place.address);
	} else if (m->plan.network == NETWORK_NONE) {
		(void)snprintf(w->place.address, sizeof(w->place.address), "127.0.0.1");
		w->place.netns_pidfd = m->pidfd;
	} else {
		read_pod_address(m, w->place.address);
	}
}

/* ---- hooks ------------------------------------------------------------------------------ */

bool is_hook_running(const struct monitor *m, enum monitor_hook kind)
{
	return m->watch && m->watch->hook_kind == kind;
}

static void begin_hook(struct monitor *m, enum monitor_hook kind, const struct action_spec *spec)
{
	struct monitor_watch *w = m->watch;

	w->hook_kind = kind;
	w->hook_end_ms = 0;
	if (spec->kind == ACTION_SLEEP)
		w->hook_end_ms = clock_mono_ms() + spec->sleep_s * MS_PER_S;
	else
		action_begin(&w->hook, spec, &w->place, true);
}

bool monitor_post_start(struct monitor *m)
{
	struct monitor_watch *w = m->watch;

	if (!w)
		return false;
	find_place(m);
	w->is_pre_stopped = false;
	/* One that is still dying belongs to the last run: it died with it. */
	if (w->post_start.kind == ACTION_NONE || !is_action_idle(&w->hook))
		return false;
	begin_hook(m, HOOK_POST_START, &w->post_start);
	return true;
}

bool monitor_pre_stop(struct monitor *m)
{
	struct monitor_watch *w = m->watch;

	if (!w || w->is_pre_stopped || w->pre_stop.kind == ACTION_NONE || !is_action_idle(&w->hook))
		return false;
	w->is_pre_stopped = true;
	begin_hook(m, HOOK_PRE_STOP, &w->pre_stop);
	return true;
}

void monitor_hook_cancel(struct monitor *m)
{
	if (!m->watch || m->watch->hook_kind == HOOK_NONE)
		return;
	m->watch->hook_kind = HOOK_NONE;
	m->watch->hook_end_ms = 0;
	action_cancel(&m->watch->hook);
}

static void end_post_start(struct monitor *m, bool good, const char *text)
{
	char why[ACTION_TEXT_MAX + 64];

	if (good) {
		monitor_up(m);
		return;
	}
	(void)snprintf(why, sizeof(why), "postStart hook failed%s%s", *text ? ": " : "", text);
	monitor_event(m, true, "FailedPostStartHook", "%s", why);
	monitor_broadcast(m, CTL_WARNING, 1, why);
	monitor_event(m, false, "Killing", "Container %s failed its postStart hook", m->name);
	monitor_end_run(m, m->plan.grace_ms);
}

static void end_hook(struct monitor *m)
{
	struct monitor_watch *w = m->watch;
	enum monitor_hook kind = w->hook_kind;
	bool is_sleep = w->hook_end_ms != 0;
	bool good = is_sleep || w->hook.verdict == ACTION_GOOD || w->hook.verdict == ACTION_WARN;

	w->hook_kind = HOOK_NONE;
	w->hook_end_ms = 0;
	if (kind == HOOK_POST_START) {
		end_post_start(m, good, is_sleep ? "" : w->hook.text);
	} else {
		if (!good)
			monitor_event(m, true, "FailedPreStopHook", "preStop hook failed%s%s",
				      *w->hook.text ? ": " : "", w->hook.text);
		monitor_after_pre_stop(m);
	}
}

/* A container that ends takes the processes of execs with it, and cannot end before they are reaped:
 * what they say then is not about its health. Waits for a moment, in that case alone. */
static bool is_end_of_container(const struct monitor *m, const struct action *a)
{
	return a->was_killed && pidfd_wait_exit(m->pidfd, END_WAIT_MS) == 0;
}

static void check_hook(struct monitor *m, int64_t now_ms)
{
	struct monitor_watch *w = m->watch;

	if (w->hook_kind == HOOK_NONE)
		return;
	if (w->hook.verdict != ACTION_GOING && is_end_of_container(m, &w->hook))
		return; /* its exit is seen next */
	if (w->hook_end_ms ? now_ms >= w->hook_end_ms : w->hook.verdict != ACTION_GOING)
		end_hook(m);
}

/* ---- probes ----------------------------------------------------------------------------- */

static const char *const role_names[PROBE__COUNT] = {
	[PROBE_STARTUP] = "Startup", [PROBE_LIVENESS] = "Liveness", [PROBE_READINESS] = "Readiness"
};

static void kill_for(struct monitor *m, enum probe_role role)
{
	const struct opt_i64 *own = &m->watch->probes[role].grace_s;
	bool again = m->plan.restart != RESTART_NEVER;

	if (!is_pidfd_alive(m->pidfd))
		return; /* it was quicker */
	monitor_probe_events_end(m, role);
	monitor_event(m, false, "Killing", "Container %s failed its %s probe%s", m->name,
		      role == PROBE_STARTUP ? "startup" : "liveness",
		      again ? ", it will be restarted" : "");
	m->is_failed = true;
	monitor_end_run(m, own->set ? own->value * MS_PER_S : m->plan.grace_ms);
}

static void ask(struct monitor *m, enum probe_role role, int64_t now_ms)
{
	struct monitor_watch *w = m->watch;

	if (is_action_idle(&w->asked[role]))
		action_begin(&w->asked[role], &w->probes[role].action, &w->place, false);
	else /* the last one cannot be got rid of yet */
		probestate_result(&w->state, role, PROBE_BROKEN, now_ms);
}

/* Answers that have come in. */
static void take_answers(struct monitor *m, int64_t now_ms)
{
	struct monitor_watch *w = m->watch;

	for (int i = 0; i < PROBE__COUNT; i++) {
		struct action *a = &w->asked[i];
		bool good = a->verdict == ACTION_GOOD || a->verdict == ACTION_WARN;

		if (!w->state.watch[i].is_busy || a->verdict == ACTION_GOING || !is_action_idle(a))
			continue;
		if (is_end_of_container(m, a))
			return; /* its exit is seen next */
		if (a->verdict == ACTION_BAD)
			monitor_probe_event(m, (enum probe_role)i, "Unhealthy",
					    "%s probe failed: %s", role_names[i], a->text);
		else if (a->verdict == ACTION_WARN)
			monitor_probe_event(m, (enum probe_role)i, "ProbeWarning",
					    "%s probe warning: %s", role_names[i], a->text);
		else if (a->verdict == ACTION_BROKEN)
			monitor_probe_event(m, (enum probe_role)i, "Unhealthy",
					    "%s probe errored: %s", role_names[i], a->text);
		probestate_result(&w->state, (enum probe_role)i,
				  good				? PROBE_GOOD
				  : a->verdict == ACTION_BROKEN ? PROBE_BROKEN
								: PROBE_BAD,
				  now_ms);
	}
}

/* What a round of steps has changed. */
struct change {
	bool started, readiness, killed;
	enum probe_role role;
};

static void take_step(struct monitor *m, const struct probe_step *s, struct change *c,
		      int64_t now_ms)
{
	switch (s->act) {
	case PROBE_ACT_STARTED:
		m->status.started = c->started = true;
		break;
	case PROBE_ACT_READINESS:
		m->status.ready = s->on;
		c->readiness = true;
		break;
	case PROBE_ACT_KILL:
		c->killed = true;
		c->role = s->role;
		break;
	case PROBE_ACT_RUN:
		ask(m, s->role, now_ms);
		break;
	case PROBE_ACT_TIMEOUT:
		action_cancel(&m->watch->asked[s->role]);
		monitor_probe_event(m, s->role, "Unhealthy",
				    "%s probe failed: no answer within %lld s", role_names[s->role],
				    (long long)m->watch->probes[s->role].timeout_s);
		break;
	case PROBE_ACT_NONE:
		break;
	}
}

/* Fetches all steps that are due. */
static struct change take_steps(struct monitor *m, int64_t now_ms)
{
	struct change c = { 0 };
	struct probe_step s;

	do {
		take_answers(m, now_ms);
		s = probestate_next(&m->watch->state, now_ms);
		take_step(m, &s, &c, now_ms);
	} while (s.act != PROBE_ACT_NONE);
	return c;
}

static void tell(struct monitor *m, const struct change *c)
{
	if (c->started)
		monitor_broadcast(m, CTL_STARTED, 0, NULL);
	if (c->readiness)
		monitor_broadcast(m, CTL_READINESS, m->status.ready, NULL);
	if (c->killed)
		kill_for(m, c->role);
}

void monitor_watch_begin(struct monitor *m)
{
	int64_t now = clock_mono_ms();
	struct change c = { 0 };

	monitor_health_begin(m);
	if (m->watch) {
		probestate_begin(&m->watch->state, m->started_ms, now);
		c = take_steps(m, now);
	} else {
		m->status.started = m->status.ready = true;
	}
	monitor_write_status(m);
	monitor_broadcast(m, CTL_RUNNING, (int32_t)m->pid, m->watch ? NULL : CTL_IS_READY);
	tell(m, &c);
}

bool monitor_watch_end(struct monitor *m)
{
	bool was_ready = m->status.ready;

	m->status.ready = false;
	monitor_health_end(m);
	if (m->watch) {
		(void)probestate_end(&m->watch->state);
		for (int i = 0; i < PROBE__COUNT; i++)
			action_cancel(&m->watch->asked[i]);
	}
	return was_ready;
}

void monitor_watch_pause(struct monitor *m)
{
	monitor_health_pause(m);
	for (int i = 0; m->watch && i < PROBE__COUNT; i++)
		action_cancel(&m->watch->asked[i]);
}

void monitor_watch_unpause(struct monitor *m, int64_t lasted_ms)
{
	struct monitor_watch *w = m->watch;

	monitor_health_unpause(m, lasted_ms);
	if (!w)
		return;
	probestate_shift(&w->state, lasted_ms);
	if (w->hook_end_ms)
		w->hook_end_ms += lasted_ms;
}

void monitor_watch_tick(struct monitor *m)
{
	int64_t now = clock_mono_ms();
	struct change c;

	if (!m->paused_ms)
		monitor_health_tick(m);
	if (!m->watch || m->paused_ms)
		return;
	check_hook(m, now);
	c = take_steps(m, now);
	if (c.started || c.readiness)
		monitor_write_status(m);
	tell(m, &c);
}

/* ---- the loop --------------------------------------------------------------------------- */

static struct action *action_at(struct monitor_watch *w, int i)
{
	return i < PROBE__COUNT ? &w->asked[i] : &w->hook;
}

size_t monitor_watch_polls(struct monitor *m, struct pollfd *p)
{
	size_t first = m->watch ? MONITOR_ACTIONS * ACTION_POLLS : 0;

	for (int i = 0; m->watch && i < MONITOR_ACTIONS; i++)
		action_polls(action_at(m->watch, i), p + i * ACTION_POLLS);
	return first + monitor_health_polls(m, p + first);
}

void monitor_watch_dispatch(struct monitor *m, const struct pollfd *p)
{
	for (int i = 0; m->watch && i < MONITOR_ACTIONS; i++)
		action_dispatch(action_at(m->watch, i), p + i * ACTION_POLLS);
	monitor_health_dispatch(m, p + (m->watch ? MONITOR_ACTIONS * ACTION_POLLS : 0));
}

int64_t monitor_watch_deadline_ms(const struct monitor *m)
{
	int64_t at = m->paused_ms ? PROBESTATE_NEVER : monitor_health_deadline_ms(m);
	int64_t probe;

	if (!m->watch || m->paused_ms)
		return at;
	probe = probestate_deadline_ms(&m->watch->state);
	at = probe < at ? probe : at;
	if (m->watch->hook_kind != HOOK_NONE && m->watch->hook_end_ms && m->watch->hook_end_ms < at)
		at = m->watch->hook_end_ms;
	return at;
}
