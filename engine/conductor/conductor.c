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
#include <malloc.h>
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
#include "engine/pod/lookup.h"

#define KILL_MARGIN_MS 5000

void conductor_tell(struct conductor *c, enum ctl_type type, int32_t value, const char *text)
{
	if (c->report_fd >= 0 && ctl_send(c->report_fd, type, value, text) < 0) {
		(void)close(c->report_fd);
		c->report_fd = -1;
	}
}

static void write_status(struct conductor *c, enum container_state state)
{
	struct error scratch;

	if (c->run.to_remove)
		return;
	c->status.state = (int)state;
	c->status.pid = state == STATE_RUNNING ? (uint32_t)c->run.pause_pid : 0;
	free(c->status.boot_id);
	c->status.boot_id = xstrdup(proc_boot_id());
	c->status.monitor_pid = (uint32_t)getpid();
	if (state == STATE_RUNNING)
		c->status.started_ns = clock_wall_ns();
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

static int bring_up(struct conductor *c, struct error *err)
{
	struct error scratch;
	int r;

	if (run_adopt_sandbox(&c->run, &scratch) == 0) {
		/* Ports are held anew; the rest stands. */
		r = run_hold_ports(&c->run, &scratch);
		if (r < 0)
			conductor_tell(c, CTL_WARNING, 0, scratch.text);
		c->network_ready = true;
	} else {
		c->run.meanwhile = members_prestart;
		c->run.abandon = members_abandon;
		c->run.meanwhile_arg = c;
		r = run_stages_up(&c->run, err);
		if (r < 0)
			return r;
		c->network_ready = c->run.net_fd < 0;
	}
	for (size_t i = 0; i < c->run.warnings.n; i++)
		conductor_tell(c, CTL_WARNING, 0, c->run.warnings.v[i]);
	write_status(c, STATE_RUNNING);
	return 0;
}

static void begin_stop(struct conductor *c, int64_t grace_ms)
{
	if (c->phase == CONDUCTOR_STOPPING && grace_ms > 0)
		return;
	c->phase = CONDUCTOR_STOPPING;
	c->deadline_ms = clock_mono_ms() + grace_ms + KILL_MARGIN_MS;
	members_stop(c, grace_ms); /* they end while this is written */
	write_status(c, STATE_STOPPING);
	if (c->run.to_remove)
		run_network_down_early(&c->run);
}

static void fail(struct conductor *c, const char *text)
{
	conductor_tell(c, CTL_FAILED, 125, text);
	c->failures++;
	c->status.exit_code = 1;
	begin_stop(c, 0);
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
				fail(c, err.text);
			break;
		case ORDER_GO:
			c->views[i].phase = MEMBER_STARTING;
			(void)ctl_send(c->members[i].fd, CTL_GO, 0, NULL);
			break;
		case ORDER_INIT_FAILED:
			(void)snprintf(text, sizeof(text),
				       "init container '%s' failed with exit "
				       "code %d",
				       c->members[i].name, c->views[i].exit_code);
			fail(c, text);
			break;
		case ORDER_ALL_DONE:
			if (c->phase == CONDUCTOR_STARTING)
				conductor_tell(c, CTL_UP, c->failures, NULL);
			c->phase = CONDUCTOR_UP;
			if (c->run.pod.exit_with_members)
				begin_stop(c, 0);
			return;
		case ORDER_WAIT:
			if (c->phase == CONDUCTOR_STARTING && is_order_up(c->views, c->n_members)) {
				c->phase = CONDUCTOR_UP;
				STOP_AT("start:containers");
				conductor_tell(c, CTL_UP, c->failures, NULL);
				run_forget_launch(&c->run);
				(void)malloc_trim(0);
			}
			return;
		}
	}
}

/* ---- clients ---------------------------------------------------------------------------- */

static void accept_client(struct conductor *c)
{
	int fd = ctl_accept(c->listen_fd);

	for (size_t i = 0; fd >= 0 && i < CONDUCTOR_CLIENTS_MAX; i++) {
		if (c->clients[i] < 0) {
			c->clients[i] = fd;
			return;
		}
	}
	if (fd >= 0)
		(void)close(fd);
}

/* Starts one member again by hand, or (id "") every member that has ended. */
static void start_members(struct conductor *c, int fd, const char *id)
{
	bool found = *id == '\0';

	members_hear(c);
	for (size_t i = 0; i < c->n_members; i++) {
		bool is_it = strcmp(c->members[i].id, id) == 0;

		found = found || is_it;
		if ((!is_it && *id) || c->views[i].phase != MEMBER_DONE ||
		    (c->views[i].init && !is_it))
			continue;
		c->views[i].phase = MEMBER_IDLE;
		c->views[i].was_started = false;
		c->phase = CONDUCTOR_STARTING;
	}
	(void)ctl_send(fd, found ? CTL_OK : CTL_FAILED, 125,
		       found ? NULL : "no such container in this pod");
}

static void read_client(struct conductor *c, int *fd)
{
	struct ctl_msg msg;
	int r = ctl_receive(*fd, &msg, NULL);

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		(void)close(*fd);
		*fd = -1;
		return;
	}
	switch ((enum ctl_type)msg.type) {
	case CTL_STOP:
		c->run.to_remove = c->run.to_remove || is_ctl_to_remove(&msg);
		begin_stop(c, msg.value);
		break; /* the socket stays: it hears CTL_DONE */
	case CTL_START:
		if (c->phase == CONDUCTOR_STARTING || c->phase == CONDUCTOR_UP)
			start_members(c, *fd, msg.text);
		else
			(void)ctl_send(*fd, CTL_FAILED, CTL_STOPPING, "pod is being stopped");
		break;
	case CTL_SUBSCRIBE:
		/* The newest watcher gets the reports; UP is told at once when it is so. */
		if (c->report_fd >= 0)
			(void)close(c->report_fd);
		c->report_fd = *fd;
		*fd = -1;
		if (c->phase == CONDUCTOR_UP)
			conductor_tell(c, CTL_UP, 0, NULL);
		break;
	default:
		(void)ctl_send(*fd, CTL_FAILED, 125, "unknown request");
		break;
	}
}

/* ---- events ----------------------------------------------------------------------------- */

static void network_done(struct conductor *c)
{
	struct error err = { 0 };

	if (run_network_wait(&c->run, &err) < 0) {
		fail(c, err.text);
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
	begin_stop(c, 0);
}

struct poll_plan {
	struct pollfd *p;
	size_t n;
};

static void fill_polls(struct conductor *c, struct poll_plan *plan)
{
	size_t n = 0;

	plan->p[n++] = (struct pollfd){ .fd = c->listen_fd, .events = POLLIN };
	plan->p[n++] = (struct pollfd){ .fd = c->run.pause_pidfd, .events = POLLIN };
	plan->p[n++] = (struct pollfd){ .fd = c->run.net_fd, .events = POLLIN };
	for (size_t i = 0; i < CONDUCTOR_CLIENTS_MAX; i++)
		plan->p[n++] = (struct pollfd){ .fd = c->clients[i], .events = POLLIN };
	for (size_t i = 0; i < c->n_members; i++) {
		plan->p[n++] = (struct pollfd){ .fd = c->members[i].fd, .events = POLLIN };
		plan->p[n++] = (struct pollfd){ .fd = c->members[i].lost_pidfd, .events = POLLIN };
	}
	plan->n = n;
}

static void dispatch(struct conductor *c, const struct pollfd *p)
{
	const struct pollfd *q = p + 3;

	for (size_t i = 0; i < CONDUCTOR_CLIENTS_MAX; i++, q++)
		if (q->revents && q->fd >= 0)
			read_client(c, &c->clients[i]);
	for (size_t i = 0; i < c->n_members; i++, q += 2) {
		if (q[0].revents && q[0].fd >= 0 && q[0].fd == c->members[i].fd)
			member_read(c, i);
		if (q[1].revents && q[1].fd >= 0 && q[1].fd == c->members[i].lost_pidfd)
			member_lost_ended(c, i);
	}
	if (p[0].revents)
		accept_client(c);
	if (p[2].revents && p[2].fd == c->run.net_fd)
		network_done(c);
	if (p[1].revents && p[1].fd == c->run.pause_pidfd)
		pause_ended(c);
}

static void check_stop(struct conductor *c)
{
	if (c->phase != CONDUCTOR_STOPPING)
		return;
	if (are_members_down(c)) {
		c->phase = CONDUCTOR_DOWN;
	} else if (clock_mono_ms() >= c->deadline_ms) {
		members_stop(c, 0);
		c->deadline_ms = clock_mono_ms() + KILL_MARGIN_MS;
	}
}

static void loop(struct conductor *c)
{
	cleanup_free struct pollfd *p =
		xcalloc(3 + CONDUCTOR_CLIENTS_MAX + 2 * c->n_members, sizeof(*p));
	struct poll_plan plan = { .p = p };

	advance(c);
	check_stop(c);
	while (c->phase != CONDUCTOR_DOWN) {
		int timeout = -1;

		fill_polls(c, &plan);
		if (c->phase == CONDUCTOR_STOPPING) {
			int64_t left = c->deadline_ms - clock_mono_ms();

			timeout = left < 0 ? 0 : (int)left;
		}
		if (poll(plan.p, plan.n, timeout) > 0)
			dispatch(c, plan.p);
		advance(c);
		check_stop(c);
	}
}

/* ---- begin and end ---------------------------------------------------------------------- */

static int begin(struct conductor *c, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct error scratch; /* limits for monitors are good to have, not needed */
	int r = lock_take(c->store.rootfd, layout_pod(path, c->pod_id, CONDUCTOR_LOCK),
			  LOCK_EXCLUSIVE, LOCK_PROBE_MS, err);

	if (r < 0)
		return error_wrap(err, "pod '%.12s' has a conductor", c->pod_id);
	c->lock_fd = r;
	/* After the lock: whoever removes marks first and asks for the lock then. */
	if (lookup_pod_phase(&c->store, c->pod_id) == POD_REMOVING)
		return error_set(err, ESTALE, "pod '%.12s' is being removed", c->pod_id);
	r = pod_run_open(&c->run, &c->store, c->pod_id, true, err);
	if (r < 0)
		return r;
	r = status_read(&c->store, c->run.pod.infra_id, &c->status, err);
	c->status.exit_code = 0; /* of an earlier life */
	if (r == 0)
		members_open(c);
	if (r == 0)
		r = run_drop_torn(&c->run, err);
	if (r == 0)
		r = c->listen_fd = ctl_listen(&c->store, c->run.pod.infra_id, err);
	if (r >= 0)
		error_ignore(cgroup_join_monitors(&c->run.cg, &scratch));
	return r < 0 ? r : 0;
}

static void reset_members(struct conductor *c)
{
	for (size_t i = 0; i < c->n_members; i++) {
		c->views[i].phase = MEMBER_IDLE;
		c->views[i].was_started = false;
	}
}

/* Once up and down again; says whether the pod is to be built anew. */
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
	loop(c);
	r = run_stages_down(&c->run, &down);
	if (r < 0)
		conductor_tell(c, CTL_WARNING, 0, down.text);
	return 0;
}

static void end(struct conductor *c, int result, const struct error *err)
{
	int fds[CONDUCTOR_CLIENTS_MAX];

	if (result < 0 && c->run.pod.infra_id)
		c->status.exit_code = 125;
	if (c->run.pod.infra_id && c->status.name)
		write_status(c, STATE_EXITED);
	memcpy(fds, c->clients, sizeof(fds));
	if (result < 0)
		conductor_tell(c, CTL_FAILED, 125, err->text);
	conductor_tell(c, CTL_DONE, (int32_t)c->status.exit_code, NULL);
	if (c->lock_fd >= 0)
		(void)close(c->lock_fd);
	for (size_t i = 0; i < CONDUCTOR_CLIENTS_MAX; i++)
		(void)ctl_send(fds[i], CTL_DONE, (int32_t)c->status.exit_code, NULL);
}

int conductor_run(struct store *store, char **argv, int report_fd, struct error *err)
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
	for (size_t i = 0; i < CONDUCTOR_CLIENTS_MAX; i++)
		c.clients[i] = -1;
	r = begin(&c, err);
	while (r == 0) {
		r = conduct_once(&c, err);
		if (r < 0 || !c.rebuild)
			break;
		reset_members(&c);
		/* The run directories went down with the sandbox. */
		(void)close(c.listen_fd);
		r = c.listen_fd = ctl_listen(&c.store, c.run.pod.infra_id, err);
		r = r < 0 ? r : 0;
	}
	end(&c, r, err);
	members_close(&c);
	status_done(&c.status);
	pod_run_close(&c.run);
	return r;
}
