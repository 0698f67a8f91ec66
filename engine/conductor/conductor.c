/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conductor - the life of one pod.
 *
 * Theory of operation: takes pods/<id>/conductor.lock for life; walks the ups of the run stages (or
 * adopts a sandbox that an earlier conductor left running); lets order.c decide which container is
 * prepared and started next while the network helper still works; then waits. Events: monitors,
 * pause's pidfd, clients of the infra container's ctl.sock, timers. Everything is one poll(2) loop.
 * The end is always the same: members stop (in reverse, within the grace period), the downs of the
 * run stages are walked, the infra container's state is written, whoever asked is told.
 *
 * Runs detached, in the monitors' cgroup, in the engine's initial namespaces. Killed by SIGKILL:
 * everything runs on; the next `pod start` adopts it; held ports are bound anew then.
 * When pause is killed the sandbox is rebuilt with all its containers, if the pod's policy
 * restarts.
 */
#include "engine/conductor/conductor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "engine/base/clock.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/conductor/internal.h"
#include "engine/monitor/monitor.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/state/eventlog.h"
#include "engine/state/events.h"

/* To the log of everything: of the infra container, and of the pod in one write. */
static void tell_log(struct conductor *c, const char *of_infra, const char *of_pod)
{
	struct eventlog_entry e = {
		.type = "pod",
		.status = of_pod,
		.id = c->run.pod.id,
		.name = c->run.pod.name,
	};

	if (c->run.pod.solo || is_equal(c->run.pod.owner, POD_OWNER_BUILD))
		return;
	event_log_container(&c->store, of_infra, c->run.pod.infra_id, &c->status);
	event_log(&c->store, &e);
}

void conductor_write_status(struct conductor *c, enum container_state state)
{
	struct error scratch;

	if (state == STATE_EXITED && (int)state != c->status.state)
		tell_log(c, "died cleanup", "stop");
	if (c->run.to_remove || !c->run.pod.infra_id)
		return;
	if (state == STATE_RUNNING && c->paused_ms)
		state = STATE_PAUSED;
	c->status.state = (int)state;
	c->status.pid = state == STATE_RUNNING || state == STATE_STOPPING || state == STATE_PAUSED
				? (uint32_t)c->run.pause_pid
				: 0;
	free(c->status.boot_id);
	c->status.boot_id = xstrdup(proc_boot_id());
	c->status.monitor_pid = (uint32_t)getpid();
	c->status.lock_inode = (int64_t)lock_inode(c->lock_fd);
	if (state == STATE_EXITED)
		c->status.finished_ns = clock_wall_ns();
	if (c->status.pid) {
		struct proc_ident ident;

		if (proc_identify(c->run.pause_pid, &ident, &scratch) == 0)
			c->status.start_ticks = (int64_t)ident.start_ticks;
	}
	error_ignore(status_write(&c->store, c->run.pod.infra_id, &c->status, &scratch));
}

/* ---- up --------------------------------------------------------------------------------- */

static void forget_reason(struct conductor *c)
{
	free(c->status.reason);
	free(c->status.message);
	c->status.reason = c->status.message = NULL;
}

/* A sandbox that has just been made. */
static void begin_life(struct conductor *c)
{
	c->status.sandbox_ns = clock_wall_ns();
	if (!c->is_rebuilt)
		c->status.started_ns = c->status.sandbox_ns;
	c->status.exit_code = 0;
	c->status.ready = false;
	c->status.ready_ns = c->status.sandbox_ns;
	forget_reason(c);
	tell_log(c, "init start", "start");
}

/* The sandbox of an earlier conductor: the record is about it, unless that one was killed before it
 * wrote it. Then no container has run in there. */
static void adopt_life(struct conductor *c)
{
	struct proc_ident ident = { 0 };
	struct error scratch;

	if (!c->run.pod.infra_id) /* read_status() has seen that its container lives */
		return;
	if (c->status.sandbox_ns && c->status.pid == (uint32_t)c->run.pause_pid &&
	    is_equal(c->status.boot_id, proc_boot_id()) &&
	    proc_identify(c->run.pause_pid, &ident, &scratch) == 0 &&
	    c->status.start_ticks == (int64_t)ident.start_ticks)
		return;
	c->resumes_stop = false;
	begin_life(c);
}

static int bring_up(struct conductor *c, struct error *err)
{
	struct error scratch;
	int r;

	if (!c->is_rebuilt && run_adopt_sandbox(&c->run, &scratch) == 0) {
		adopt_life(c);
		/* Ports are held anew; the rest stands. */
		r = run_hold_ports(&c->run, &scratch);
		if (r < 0)
			conductor_tell(c, CTL_WARNING, 0, scratch.text);
		c->network_ready = true;
		c->paused_ms = c->was_paused ? clock_mono_ms() : 0;
		members_hold(c);
	} else {
		c->resumes_stop = false; /* nothing is left to be stopped */
		if (!c->is_rebuilt)
			members_hold(c);
		c->run.meanwhile = members_prestart;
		c->run.abandon = members_abandon;
		c->run.meanwhile_arg = c;
		r = run_stages_up(&c->run, err);
		if (r < 0)
			return r;
		c->network_ready = c->run.net_fd < 0;
		begin_life(c);
	}
	for (size_t i = 0; i < c->run.warnings.n; i++)
		conductor_tell(c, CTL_WARNING, 0, c->run.warnings.v[i]);
	c->up_ms = clock_mono_ms();
	if (!c->resumes_stop)
		conductor_write_status(c, STATE_RUNNING);
	return 0;
}

/* A pod that nothing has run in yet does not end for that. */
static bool has_ended_members(const struct conductor *c)
{
	for (size_t i = 0; i < c->n_members; i++)
		if (!c->views[i].init && c->views[i].phase == MEMBER_DONE)
			return true;
	return false;
}

/* Does what order.c says until it says wait. */
static void advance(struct conductor *c)
{
	struct error err = { 0 };
	char text[CTL_TEXT_MAX];
	size_t i = 0;

	while (c->phase == CONDUCTOR_STARTING || c->phase == CONDUCTOR_UP) {
		switch (order_next(c->views, c->n_members, c->network_ready, &i)) {
		case ORDER_PREPARE:
			if (member_begin(c, i, &err) < 0)
				stop_failed(c, err.text);
			break;
		case ORDER_GO:
			c->views[i].phase = MEMBER_STARTING;
			(void)ctl_send(c->members[i].fd, CTL_GO,
				       c->views[i].to_initialize ? CTL_HOLD : 0, NULL);
			break;
		case ORDER_INIT_FAILED:
			(void)snprintf(text, sizeof(text),
				       "init container '%s' failed with exit "
				       "code %d",
				       c->members[i].name, c->views[i].exit_code);
			stop_failed(c, text);
			break;
		case ORDER_ALL_DONE:
			if (c->phase == CONDUCTOR_STARTING)
				conductor_tell(c, CTL_UP, c->failures, NULL);
			c->phase = CONDUCTOR_UP;
			run_forget_launch(&c->run);
			conductor_take_stdio(c, NULL);
			if ((c->run.pod.exit_with_members || c->run.pod.solo) &&
			    has_ended_members(c))
				stop_begin(c, stop_own_grace_ms(c));
			return;
		case ORDER_WAIT:
			if (c->phase == CONDUCTOR_STARTING && is_order_up(c->views, c->n_members)) {
				c->phase = CONDUCTOR_UP;
				STOP_AT("start:containers");
				conductor_tell(c, CTL_UP, c->failures, NULL);
				run_forget_launch(&c->run);
				conductor_take_stdio(c, NULL);
			}
			return;
		}
	}
}

/* ---- events ----------------------------------------------------------------------------- */

static void network_done(struct conductor *c)
{
	struct error err = { 0 };

	if (run_network_wait(&c->run, &err) < 0) {
		stop_failed(c, err.text);
		return;
	}
	STOP_AT("start:network-wait");
	c->network_ready = true;
}

static void pause_ended(struct conductor *c)
{
	if (c->run.pause_is_child)
		(void)waitid(P_PIDFD, (id_t)c->run.pause_pidfd, &(siginfo_t){ 0 },
			     WEXITED | WNOHANG);
	(void)close(c->run.pause_pidfd);
	c->run.pause_pidfd = -1;
	c->run.pause_pid = 0;
	if (c->phase == CONDUCTOR_STOPPING)
		return;
	c->rebuild = c->run.pod.restart != RESTART_NEVER;
	stop_begin(c, 0);
	event_add(&c->store, c->pod_id, false, "SandboxChanged", NULL,
		  c->rebuild ? "Pod sandbox changed, it will be killed and re-created."
			     : "Pod sandbox changed, it will be killed.");
}

#define IDLE_MS	   1000
#define POLL_FIXED 4 /* of the conductor itself; its clients and members follow */

struct poll_plan {
	struct pollfd *p;
	size_t n;
	size_t service; /* where service.c's entries begin, and how many there are */
	size_t n_service;
	size_t inner; /* where the entries of the monitor begin that is served here */
	size_t room;
};

static void fill_polls(struct conductor *c, struct poll_plan *plan)
{
	size_t need = POLL_FIXED + CONDUCTOR_CLIENTS_MAX + 2 * c->n_members + service_polls_max(c) +
		      (c->inner ? monitor_polls_max() : 0);
	size_t n = 0;

	if (need > plan->room) {
		plan->p = xreallocarray(plan->p, need, sizeof(*plan->p));
		plan->room = need;
	}
	plan->p[n++] = (struct pollfd){ .fd = c->listen_fd, .events = POLLIN };
	plan->p[n++] = (struct pollfd){ .fd = c->run.pause_pidfd, .events = POLLIN };
	plan->p[n++] = (struct pollfd){ .fd = c->run.net_fd, .events = POLLIN };
	plan->p[n++] = (struct pollfd){ .fd = c->disk.pidfd, .events = POLLIN };
	for (size_t i = 0; i < CONDUCTOR_CLIENTS_MAX; i++)
		plan->p[n++] = (struct pollfd){ .fd = c->clients[i].fd, .events = POLLIN };
	for (size_t i = 0; i < c->n_members; i++) {
		plan->p[n++] = (struct pollfd){ .fd = c->members[i].fd, .events = POLLIN };
		plan->p[n++] = (struct pollfd){ .fd = c->members[i].lost_pidfd, .events = POLLIN };
	}
	plan->service = n;
	plan->n_service = service_polls(c, plan->p + n);
	n += plan->n_service;
	plan->inner = n;
	if (c->inner)
		n += monitor_polls(c->inner, plan->p + n);
	plan->n = n;
}

static int timeout_ms(const struct conductor *c)
{
	int own = stop_timeout_ms(c);
	int inner = c->inner ? monitor_timeout_ms(c->inner) : -1;

	if (c->is_used && (own < 0 || own > IDLE_MS))
		own = IDLE_MS;
	if (own < 0 || inner < 0)
		return own < 0 ? inner : own;
	return own < inner ? own : inner;
}

/* Before all else: what the monitor says is heard by the same packets as from another process. */
static void serve_inner(struct conductor *c, const struct pollfd *p, bool was_idle)
{
	if (!c->inner)
		return;
	if (!was_idle)
		monitor_dispatch(c->inner, p);
	if (!monitor_tick(c->inner, was_idle))
		members_end_inner(c);
}

static void dispatch(struct conductor *c, const struct pollfd *p)
{
	const struct pollfd *q = p + POLL_FIXED + CONDUCTOR_CLIENTS_MAX;

	/* Members first: a client may change how many there are. */
	for (size_t i = 0; i < c->n_members; i++, q += 2) {
		if (q[0].revents && q[0].fd >= 0 && q[0].fd == c->members[i].fd)
			member_read(c, i);
		if (q[1].revents && q[1].fd >= 0 && q[1].fd == c->members[i].lost_pidfd)
			member_lost_ended(c, i);
	}
	q = p + POLL_FIXED;
	for (size_t i = 0; i < CONDUCTOR_CLIENTS_MAX; i++, q++)
		if (q->revents && q->fd >= 0 && q->fd == c->clients[i].fd)
			client_read(c, &c->clients[i]);
	if (p[0].revents)
		(void)client_accept(c);
	if (p[2].revents && p[2].fd == c->run.net_fd)
		network_done(c);
	if (p[3].revents && p[3].fd == c->disk.pidfd)
		diskwatch_read(c);
	if (p[1].revents && p[1].fd == c->run.pause_pidfd)
		pause_ended(c);
}

/* A second without an event follows many: what they needed is given back then. */
static void rest(struct conductor *c, bool was_idle)
{
	if (was_idle && c->is_used)
		mem_give_back_all();
	c->is_used = !was_idle;
}

/* Until the phase is DOWN. */
static void loop(struct conductor *c)
{
	struct poll_plan plan = { .p = NULL };
	int ready;

	c->is_used = true;
	for (;;) {
		advance(c);
		service_check(c);
		stop_check(c);
		diskwatch_check(c);
		conductor_tell_ready(c);
		if (c->phase == CONDUCTOR_DOWN)
			break;
		fill_polls(c, &plan);
		ready = poll(plan.p, plan.n, timeout_ms(c));
		if (ready >= 0)
			serve_inner(c, plan.p + plan.inner, ready == 0);
		if (ready > 0) {
			dispatch(c, plan.p);
			service_dispatch(c, plan.p + plan.service, plan.n_service);
		}
		rest(c, ready == 0);
	}
	free(plan.p);
}

/* ---- begin and end ---------------------------------------------------------------------- */

static int listen_again(struct conductor *c, struct error *err)
{
	const struct pod_spec *pod = &c->run.pod;

	if (c->listen_fd >= 0)
		(void)close(c->listen_fd);
	c->listen_fd = pod->infra_id ? ctl_listen(&c->store, pod->infra_id, err)
				     : ctl_listen_name(&c->store, pod->containers.v[0].id,
						       CTL_SOLO_SOCKET, err);
	return c->listen_fd;
}

/* What an earlier conductor has left. A container by itself has no other record than its own: a
 * sandbox in which it does not live is of no use. */
static int read_status(struct conductor *c, bool *ret_torn, struct error *err)
{
	const struct pod_spec *pod = &c->run.pod;
	struct container_status st = { 0 };
	int r;

	if (pod->infra_id)
		return status_read(&c->store, pod->infra_id, &c->status, err);
	r = status_read(&c->store, pod->containers.v[0].id, &st, err);
	if (r < 0)
		return r;
	c->status.state = (int)status_live(&c->store, pod->containers.v[0].id, &st, ret_torn);
	*ret_torn = !*ret_torn;
	c->status.deadline_ns = st.deadline_ns;
	c->status.started_ns = c->status.sandbox_ns = st.started_ns;
	status_done(&st);
	return 0;
}

static int begin(struct conductor *c, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct error scratch; /* limits for monitors are good to have, not needed */
	bool is_torn = false;
	int r = lock_take(c->store.rootfd, layout_pod(path, c->pod_id, CONDUCTOR_LOCK),
			  LOCK_EXCLUSIVE, LOCK_PROBE_MS, err);

	if (r < 0)
		return error_wrap(err, "pod '%.12s' has a conductor", c->pod_id);
	c->lock_fd = r;
	/* After the lock: whoever removes marks first and asks for the lock then. */
	if (lookup_pod_phase(&c->store, c->pod_id) == POD_REMOVING)
		return error_set(err, ESTALE, "pod '%.12s' is being removed", c->pod_id);
	r = pod_run_open(&c->run, &c->store, c->pod_id, true, err);
	if (r == 0 && !c->run.pod.infra_id && c->run.pod.containers.n != 1)
		r = error_set(err, EBADMSG, "pod '%.12s' has neither infra nor one container",
			      c->pod_id);
	if (r < 0)
		return r;
	r = read_status(c, &is_torn, err);
	c->resumes_stop = r == 0 && c->status.state == (int)STATE_STOPPING;
	c->was_paused = r == 0 && c->status.state == (int)STATE_PAUSED;
	c->status.restarts = 0;
	if (r == 0 && c->run.pod.infra_id)
		status_reserve(&c->store, c->run.pod.infra_id);
	if (r == 0)
		members_open(c);
	if (r == 0)
		r = run_drop_torn(&c->run, is_torn, err);
	if (r == 0)
		r = listen_again(c, err);
	if (r >= 0) {
		service_open(c);
		service_join(c);
	}
	if (r >= 0)
		error_ignore(cgroup_join_monitors(&c->run.cg, &scratch));
	return r < 0 ? r : 0;
}

/* Once up and down again. c->rebuild says whether the pod is to be built anew. */
static int conduct_once(struct conductor *c, struct error *err)
{
	struct error down;
	int r;

	c->phase = CONDUCTOR_STARTING;
	c->rebuild = false;
	c->network_ready = false;
	r = bring_up(c, err);
	if (r < 0)
		return r;
	if (c->resumes_stop) {
		stop_resume(c);
		c->rebuild = !c->adopt_only;
	} else {
		stop_set_deadline(c);
	}
	diskwatch_begin(c);
	loop(c);
	diskwatch_end(c);
	r = run_stages_down(&c->run, &down);
	if (r < 0)
		conductor_tell(c, CTL_WARNING, 0, down.text);
	return 0;
}

/* Nothing runs: waits as the kubelet does before it makes a sandbox again that did not last. */
static void wait_to_rebuild(struct conductor *c, bool was_up)
{
	int64_t now = clock_mono_ms();
	int64_t delay = restart_next_delay_ms(&c->rebuilds, c->run.pod.restart_backoff,
					      was_up ? now - c->up_ms : 0);

	if (delay <= 0)
		return;
	c->wake_ms = now + delay;
	c->status.next_start_ns = clock_wall_ns() + delay * 1000000;
	conductor_write_status(c, STATE_RESTARTING);
	c->phase = CONDUCTOR_BACKOFF;
	stop_set_deadline(c);
	loop(c);
	c->status.next_start_ns = 0;
}

/* Makes ready for the next sandbox; c->rebuild is false when somebody has stopped the pod meanwhile.
 * was_up: there was one. */
static int prepare_rebuild(struct conductor *c, bool was_up, struct error *err)
{
	int r;

	c->active_deadline_ms = 0;
	c->rebuild = true;
	order_rebuild(c->views, c->n_members);
	/* The run directories went down with the sandbox. Who had come by then is heard: an order to
	 * stop must not be lost between two sandboxes. */
	while (client_accept(c))
		;
	r = listen_again(c, err);
	if (r < 0)
		return r;
	if (c->resumes_stop) { /* what was stopped is started by somebody's wish */
		c->resumes_stop = false;
		c->status.exit_code = 0;
		return 0;
	}
	c->is_rebuilt = true;
	c->status.restarts++;
	wait_to_rebuild(c, was_up);
	return 0;
}

static int conduct(struct conductor *c, struct error *err)
{
	for (;;) {
		int up = conduct_once(c, err);
		int r;

		if (up < 0 && !c->is_rebuilt)
			return up;
		if (up < 0)
			event_add(&c->store, c->pod_id, true, "FailedCreatePodSandBox", NULL,
				  "Failed to create pod sandbox: %s", err->text);
		if (up == 0 && !c->rebuild)
			return 0;
		r = prepare_rebuild(c, up == 0, err);
		if (r < 0 || !c->rebuild) {
			struct error down; /* what waited for the next sandbox: a socket */

			error_ignore(run_stages_down(&c->run, &down));
			return r;
		}
	}
}

/* A container by itself with --rm; not what somebody removes just now, nor what is conducted by
 * another. */
static bool is_to_remove_itself(const struct conductor *c)
{
	return c->run.pod.solo && c->run.specs && c->lock_fd >= 0 && !c->run.to_remove &&
	       c->run.pod.containers.n == 1 && c->run.specs[0].auto_remove;
}

static void end(struct conductor *c, int result, const struct error *err)
{
	struct error scratch; /* it stays listed, and the next boot's first command tries again */

	if (result < 0 && c->run.pod.infra_id)
		c->status.exit_code = 125;
	if (c->run.pod.infra_id && c->status.name)
		conductor_write_status(c, STATE_EXITED);
	else if (is_to_remove_itself(c))
		error_ignore(pod_remove_conducted(&c->store, c->pod_id, &scratch));
	if (result < 0) /* without the lock: somebody was quicker */
		conductor_tell(c, CTL_FAILED,
			       c->lock_fd < 0 && result == -ETIMEDOUT ? CTL_STOPPING : 125,
			       err->text);
	conductor_tell(c, CTL_DONE, (int32_t)c->status.exit_code, NULL);
	if (c->lock_fd >= 0)
		(void)close(c->lock_fd);
	service_leave(c);
	for (size_t i = 0; i < CONDUCTOR_CLIENTS_MAX; i++)
		if (!c->clients[i].subscribed)
			(void)ctl_send(c->clients[i].fd, CTL_DONE, (int32_t)c->status.exit_code,
				       NULL);
}

/* What pod_start() or pod_adopt() has left in the socket before there was anybody to read it. */
static void read_orders(struct conductor *c)
{
	struct ctl_msg msg;
	int fds[CTL_FDS_MAX];

	if (c->report_fd < 0 || ctl_wait_fds(c->report_fd, 0, &msg, fds) <= 0)
		return;
	conductor_take_stdio(c, fds);
	c->adopt_only = msg.type == CTL_ADOPT;
	if (msg.type != CTL_START || !is_id(msg.text))
		return;
	memcpy(c->only_id, msg.text, sizeof(c->only_id));
	c->only_hold = msg.value == CTL_HOLD;
}

int conductor_run(const struct store *store, char **argv, int report_fd, struct error *err)
{
	struct conductor c = {
		.store = *store,
		.argv = argv,
		.report_fd = report_fd,
		.lock_fd = -1,
		.listen_fd = -1,
	};
	int r;

	(void)snprintf(c.pod_id, sizeof(c.pod_id), "%s", argv[CONDUCTOR_ARG_ID]);
	c.run.pause_pidfd = c.run.net_fd = c.run.net_down_fd = c.run.launch_fd = -1;
	c.run.launch_mount = c.disk.pidfd = -1;
	c.link.fd = c.service.signal_fd = c.stdio[0] = c.stdio[1] = c.stdio[2] = -1;
	for (size_t i = 0; i < CONDUCTOR_CLIENTS_MAX; i++)
		c.clients[i].fd = -1;
	read_orders(&c);
	r = begin(&c, err);
	if (r == 0)
		r = conduct(&c, err);
	end(&c, r, err);
	if (r == 0 && c.service.is_one) /* who watches it hears of it as of the container itself */
		r = c.views[0].exit_code;
	service_close(&c);
	conductor_take_stdio(&c, NULL);
	diskwatch_close(&c);
	members_close(&c);
	status_done(&c.status);
	pod_run_close(&c.run);
	return r;
}
