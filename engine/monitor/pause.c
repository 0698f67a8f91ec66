/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause - stops a container's processes where they are, and lets them go on.
 *
 * Theory of operation: the container's cgroup is frozen, execs of it among its processes; while that
 * lasts no probe is asked and none times out, since whoever is frozen cannot answer: what was asked is
 * called off, and every time of the probes and hooks moves by as long as the pause took. A container that
 * waits for its back-off has nothing to freeze, but its waiting stops, too (pod pause).
 *
 * A freeze that does not come about in time is taken back, so that nothing is left half frozen. Whatever
 * ends the container thaws it after the signal was sent (a frozen task of cgroup v1 does not even take
 * SIGKILL), and whoever ends one whose monitor is lost does the same: engine/pod/end.c.
 *
 * Should: write state.json before telling anybody. A monitor that is killed between the freeze and
 * the writing leaves a frozen container that is called running and lost.
 */
#include <errno.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/cgroup/cgroup.h"
#include "engine/monitor/internal.h"
#include "engine/state/eventlog.h"

#define FREEZE_WAIT_MS 2000 /* the loop stands still so long at the most */

static int set_frozen(struct monitor *m, bool on, struct error *err)
{
	cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
	int r = cgroup_open(&cg, err);

	if (r == 0)
		r = cgroup_freeze_container(&cg, m->pod_id, m->id, on, FREEZE_WAIT_MS, err);
	mem_give_back();
	return r;
}

int monitor_pause(struct monitor *m, struct error *err)
{
	struct error scratch; /* the first error is told */
	int r = 0;

	if (m->paused_ms)
		return 0;
	if (m->phase == MONITOR_WAITING) {
		m->paused_ms = clock_mono_ms();
		return 0;
	}
	if (m->phase != MONITOR_RUNNING || m->is_ending || !m->is_up)
		return error_set(err, EINVAL, "container is not running");
	r = set_frozen(m, true, err);
	if (r < 0) {
		error_ignore(set_frozen(m, false, &scratch));
		return r;
	}
	m->paused_ms = clock_mono_ms();
	monitor_watch_pause(m);
	m->status.state = STATE_PAUSED;
	monitor_write_status(m);
	event_log_container(&m->store, "pause", m->id, &m->status);
	return 0;
}

/* The clock of what stood still goes on. */
static void forget_pause(struct monitor *m)
{
	int64_t lasted = clock_mono_ms() - m->paused_ms;

	m->paused_ms = 0;
	if (m->phase == MONITOR_WAITING && m->deadline_ms) {
		m->deadline_ms += lasted;
		m->status.next_start_ns += lasted * 1000000;
		monitor_write_status(m);
	}
	monitor_watch_unpause(m, lasted);
}

int monitor_unpause(struct monitor *m, struct error *err)
{
	bool is_frozen = m->status.state == STATE_PAUSED;
	int r = 0;

	if (!m->paused_ms)
		return 0;
	if (is_frozen)
		r = set_frozen(m, false, err);
	if (r < 0)
		return r;
	if (is_frozen) {
		m->status.state = STATE_RUNNING;
		monitor_write_status(m);
		event_log_container(&m->store, "unpause", m->id, &m->status);
	}
	forget_pause(m);
	return 0;
}

void monitor_thaw(struct monitor *m)
{
	struct error scratch; /* what cannot be thawed is killed by its cgroup, later */

	if (!m->paused_ms)
		return;
	if (m->phase == MONITOR_RUNNING)
		error_ignore(set_frozen(m, false, &scratch));
	m->paused_ms = 0;
}
