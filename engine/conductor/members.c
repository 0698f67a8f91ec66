/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members - the monitors of the pod's containers, and what they say.
 *
 * Theory of operation: each monitor is a fork with a socket pair as its conductor socket; after
 * the death of a conductor the next one finds the monitors through their ctl.sock and subscribes.
 * What they say becomes a phase for order.c. A socket that ends without DONE means a lost monitor:
 * the container runs on, its pipes are kept open here (so that writing to them does not kill it),
 * and its end is noticed by pidfd, with an unknown exit code.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/str.h"
#include "engine/conductor/internal.h"
#include "engine/monitor/monitor.h"
#include "engine/pod/pod.h"
#include "engine/pod/run.h"

/* A monitor's descriptors, and the first that it has not got. */
#define MONITOR_FD	  3
#define MONITOR_LAUNCH_FD 4
#define MONITOR_STDIO_FD  5 /* three of them, or none */
#define MONITOR_FD_END	  8
#define MONITOR_KEPT	  (MONITOR_FD_END - MONITOR_FD)
#define MONITOR_FAILED	  125
#define EXIT_UNKNOWN	  255 /* never 0 */

static void set_member(struct member *m, struct member_view *v, const struct container_ref *ref)
{
	*m = (struct member){
		.id = ref->id, .name = ref->name, .fd = -1, .lost_pidfd = -1, .pipes = { -1, -1 }
	};
	*v = (struct member_view){ .init = ref->init, .sidecar = ref->sidecar };
}

void members_open(struct conductor *c)
{
	const struct container_ref_list *refs = &c->run.pod.containers;

	c->n_members = refs->n;
	c->members = xcalloc(refs->n + 1, sizeof(*c->members));
	c->views = xcalloc(refs->n + 1, sizeof(*c->views));
	for (size_t i = 0; i < refs->n; i++) {
		set_member(&c->members[i], &c->views[i], &refs->v[i]);
		c->views[i].to_initialize = c->only_hold && is_equal(refs->v[i].id, c->only_id);
	}
}

static void close_member(struct member *m)
{
	close_fd(&m->fd);
	close_fd(&m->lost_pidfd);
	close_fd(&m->pipes[0]);
	close_fd(&m->pipes[1]);
}

void members_close(struct conductor *c)
{
	members_end_inner(c);
	for (size_t i = 0; i < c->n_members; i++)
		close_member(&c->members[i]);
	free(c->members);
	free(c->views);
}

/* The monitor ends, or has ended. */
static void part_from(struct member *m)
{
	close_fd(&m->fd);
	if (m->monitor_pid > 0)
		(void)waitpid(m->monitor_pid, NULL, 0);
	m->monitor_pid = 0;
}

/* What ps(1) shows: of the same length, in the same place. */
static void show_as_container(struct conductor *c, const char *id)
{
	static const char before[] = "conductor", role[] = "container";

	static_assert(sizeof(before) == sizeof(role), "written over each other");
	if (is_equal(c->argv[CONDUCTOR_ARG_ROLE], before))
		memcpy(c->argv[CONDUCTOR_ARG_ROLE], role, sizeof(role));
	if (strlen(c->argv[CONDUCTOR_ARG_ID]) == strlen(id))
		memcpy(c->argv[CONDUCTOR_ARG_ID], id, strlen(id));
}

/* Leaves the descriptors of a monitor, and nothing that is the conductor's: its lock, its sockets, the
 * ports it holds. kept: what becomes MONITOR_FD and the next ones, -1: a gap. */
static int keep_own(const int kept[MONITOR_KEPT])
{
	int high[MONITOR_KEPT];

	/* Out of the way of all of these numbers. */
	for (int i = 0; i < MONITOR_KEPT; i++) {
		high[i] = kept[i] >= 0 ? fcntl(kept[i], F_DUPFD_CLOEXEC, MONITOR_FD_END) : -1;
		if (kept[i] >= 0 && high[i] < 0)
			return -1;
	}
	for (int i = 0; i < MONITOR_KEPT; i++) {
		if (high[i] < 0)
			(void)close(MONITOR_FD + i);
		else if (dup3(high[i], MONITOR_FD + i, O_CLOEXEC) < 0)
			return -1;
	}
	return (int)syscall(SYS_close_range, MONITOR_FD_END, ~0U, 0U);
}

/* The streams of whoever started it. */
static bool is_passed_on(const struct conductor *c, const struct member *m)
{
	const struct container_spec *spec = &c->run.specs[m - c->members];

	return c->stdio[0] >= 0 && spec->log.driver == LOG_PASSTHROUGH;
}

/* Runs in the forked child: a session of its own, the conductor's namespaces, ids, cgroup, ignored
 * signals and memory, which stays shared until one of the two writes to it. */
static void __attribute__((noreturn))
be_monitor(struct conductor *c, const struct member *m, int socket_fd)
{
	bool has_stdio = is_passed_on(c, m);
	int kept[MONITOR_KEPT] = { socket_fd, c->run.launch_fd, -1, -1, -1 };
	struct monitor_start start = { .container_id = m->id,
				       .conductor_fd = MONITOR_FD,
				       .launch_fd = kept[1] >= 0 ? MONITOR_LAUNCH_FD : -1,
				       .stdio = { -1, -1, -1 } };
	struct error err = { 0 };
	struct store store;
	int r = 0;

	(void)setsid();
	show_as_container(c, m->id);
	for (int i = 0; i < 3 && has_stdio; i++) {
		kept[MONITOR_STDIO_FD - MONITOR_FD + i] = c->stdio[i];
		start.stdio[i] = MONITOR_STDIO_FD + i;
	}
	if (keep_own(kept) < 0)
		_exit(MONITOR_FAILED);
	r = store_open(c->store.root, c->store.runroot, STORE_WRITE, &store, &err);
	if (r == 0)
		r = monitor_run(&store, &start, &err);
	else
		(void)ctl_send(MONITOR_FD, CTL_FAILED, MONITOR_FAILED, err.text);
	_exit(r < 0 ? MONITOR_FAILED : 0);
}

/* Its monitor in this process. What keeps it from beginning it tells itself. */
static void be_inner(struct conductor *c, const struct member *m, int socket_fd)
{
	struct monitor_start start = { .container_id = m->id,
				       .conductor_fd = socket_fd,
				       .launch_fd = -1,
				       .stdio = { -1, -1, -1 },
				       .is_conductor = true };
	struct error scratch;

	for (int i = 0; i < 3 && is_passed_on(c, m); i++)
		start.stdio[i] = fcntl(c->stdio[i], F_DUPFD_CLOEXEC, MONITOR_FD_END);

	if (c->run.launch_fd >= 0)
		start.launch_fd = fcntl(c->run.launch_fd, F_DUPFD_CLOEXEC, MONITOR_FD_END);
	show_as_container(c, m->id);
	error_ignore(monitor_open(&c->store, &start, &c->inner, &scratch));
}

/* A monitor is a fork: to execute the same program again would cost 0.5 ms each. */
static int fork_monitor(struct conductor *c, struct member *m, int socket_fd, struct error *err)
{
	pid_t pid = fork();

	if (pid == 0)
		be_monitor(c, m, socket_fd);
	if (pid < 0)
		(void)error_errno(err, "start the monitor of '%s'", m->name);
	(void)close(socket_fd);
	m->monitor_pid = pid < 0 ? 0 : pid;
	return pid < 0 ? -err->code : 0;
}

static int spawn_monitor(struct conductor *c, struct member *m, struct error *err)
{
	int fds[2], r = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return error_errno(err, "socketpair");
	if (c->run.pod.solo)
		be_inner(c, m, fds[1]);
	else
		r = fork_monitor(c, m, fds[1], err);
	if (r < 0) {
		(void)close(fds[0]);
		return r;
	}
	m->fd = fds[0];
	m->done = false;
	return 0;
}

/* One that has ended in the adopted sandbox: an init that did its work is not run again, nor is
 * anything when the pod shall only be conducted on. */
static bool adopt_ended(struct conductor *c, size_t i, const struct container_status *st)
{
	struct member_view *v = &c->views[i];
	bool is_init = v->init && !v->sidecar;
	enum restart_policy policy = (enum restart_policy)c->run.specs[i].restart;
	struct error scratch;

	/* An end that nobody saw is one to start again after, where the policy does. */
	if (st->exit_unknown ? !c->adopt_only || policy != RESTART_NEVER
			     : st->finished_ns < c->status.sandbox_ns)
		return false;
	if (!c->adopt_only && (!is_init || st->exit_code != 0))
		return false;
	if (st->exit_unknown)
		error_ignore(run_end_container(&c->store, c->members[i].id, &scratch));
	v->phase = MEMBER_DONE;
	v->was_started = v->has_started = true;
	v->exit_code = st->exit_unknown ? EXIT_UNKNOWN : (int)st->exit_code;
	return true;
}

/* Who began this conductor wanted it to run. */
static bool is_asked_to_start(const struct conductor *c, const struct member *m)
{
	if (c->adopt_only)
		return false;
	return !*c->only_id || (is_equal(c->only_id, m->id) && !c->only_hold);
}

/* True when a container that was started earlier has a monitor that answers, or runs without one,
 * or is not to be started again. */
static bool adopt(struct conductor *c, size_t i)
{
	struct member *m = &c->members[i];
	struct member_view *v = &c->views[i];
	struct container_status st = { 0 };
	struct error scratch;
	bool lost = false, adopted = false;

	if (m->by_hand || status_read(&c->store, m->id, &st, &scratch) < 0)
		return false;
	(void)status_live(&c->store, m->id, &st, &lost);
	if (!lost && st.state != STATE_CREATED && st.state != STATE_EXITED) {
		m->fd = ctl_connect(&c->store, m->id, &scratch);
		if (m->fd >= 0)
			(void)fcntl(m->fd, F_SETFL, O_NONBLOCK);
		adopted = m->fd >= 0 && ctl_send(m->fd, CTL_SUBSCRIBE, CTL_AS_CONDUCTOR, NULL) == 0;
		v->phase = MEMBER_PREPARING;
		v->was_started = false; /* it says so at once, if it is */
		v->has_started = st.started;
		v->stop_asked = st.state == STATE_STOPPING;
		v->to_initialize = st.state == STATE_INITIALIZED && !is_asked_to_start(c, m);
	} else if (lost) {
		m->lost_pidfd = status_open_process(&st, &scratch);
		adopted = m->lost_pidfd >= 0;
		v->phase = MEMBER_LOST;
		v->was_started = true;
		v->has_started = st.started;
	} else if (st.state == STATE_EXITED && c->run.pause_pidfd >= 0) {
		adopted = adopt_ended(c, i, &st);
	}
	status_done(&st);
	return adopted;
}

void members_find(struct conductor *c)
{
	for (size_t i = 0; i < c->n_members; i++)
		if (!adopt(c, i))
			c->views[i].phase = MEMBER_IDLE;
}

/* Nobody has asked for it: every member but one when that one is to be started; a member that never
 * ran when the pod shall only be conducted on. A played pod is whole from its first start on. */
static bool is_to_hold(const struct conductor *c, size_t i)
{
	struct container_status st = { 0 };
	struct error scratch; /* no record: a start of it says so */
	bool hold;

	if (*c->only_id)
		return !c->views[i].init && !is_equal(c->members[i].id, c->only_id);
	hold = c->adopt_only && !c->run.pod.owner && !c->views[i].init &&
	       status_read(&c->store, c->members[i].id, &st, &scratch) == 0 &&
	       (st.state == STATE_CREATED || st.state == STATE_INITIALIZED);
	status_done(&st);
	return hold;
}

/* What runs is conducted on, whoever was asked for. */
void members_hold(struct conductor *c)
{
	for (size_t i = 0; i < c->n_members; i++) {
		if (!is_to_hold(c, i))
			continue;
		c->views[i].held = c->run.pause_is_child || !adopt(c, i);
	}
}

/* The ones that are known already keep what is known of them. */
static void take_over(struct conductor *c, struct pod_run *fresh, struct member *members,
		      struct member_view *views)
{
	for (size_t i = 0; i < fresh->pod.containers.n; i++) {
		const struct container_ref *ref = &fresh->pod.containers.v[i];

		set_member(&members[i], &views[i], ref);
		views[i].held = true;
		for (size_t k = 0; k < c->n_members; k++) {
			if (!c->members[k].id || !is_equal(c->members[k].id, ref->id))
				continue;
			members[i] = c->members[k];
			members[i].id = ref->id;
			members[i].name = ref->name;
			views[i] = c->views[k];
			c->members[k].id = NULL;
			break;
		}
	}
}

static void swap_records(struct pod_run *a, struct pod_run *b)
{
	struct pod_spec pod = a->pod;
	struct strlist ids = a->container_ids;
	struct container_spec *specs = a->specs;

	a->pod = b->pod;
	a->container_ids = b->container_ids;
	a->specs = b->specs;
	b->pod = pod;
	b->container_ids = ids;
	b->specs = specs;
}

static bool is_same_list(const struct container_ref_list *a, const struct container_ref_list *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (!is_equal(a->v[i].id, b->v[i].id))
			return false;
	return a->n == b->n;
}

int members_reload(struct conductor *c, struct error *err)
{
	struct pod_run fresh;
	struct member *members;
	struct member_view *views;
	int r = pod_run_open(&fresh, &c->store, c->pod_id, true, err);

	if (r < 0)
		return r;
	if (is_same_list(&c->run.pod.containers, &fresh.pod.containers)) {
		pod_run_close(&fresh);
		return 0;
	}
	diskwatch_close(c);
	members = xcalloc(fresh.pod.containers.n + 1, sizeof(*members));
	views = xcalloc(fresh.pod.containers.n + 1, sizeof(*views));
	take_over(c, &fresh, members, views);
	for (size_t k = 0; k < c->n_members; k++) {
		if (!c->members[k].id)
			continue;
		part_from(&c->members[k]);
		close_member(&c->members[k]);
	}
	free(c->members);
	free(c->views);
	c->members = members;
	c->views = views;
	c->n_members = fresh.pod.containers.n;
	swap_records(&c->run, &fresh);
	pod_run_close(&fresh);
	c->disk.is_read = false;
	diskwatch_begin(c);
	return 0;
}

int members_prestart(void *conductor, struct error *err)
{
	struct conductor *c = conductor;
	bool is_init = c->n_members > 0 && c->views[0].init && !c->views[0].held;
	int r = 0;

	/* The first init container, or every member. */
	for (size_t i = 0; i < (is_init ? 1 : c->n_members) && r == 0; i++)
		if (!c->views[i].held && !c->views[i].init == !is_init)
			r = spawn_monitor(c, &c->members[i], err);
	return r;
}

void members_abandon(void *conductor)
{
	struct conductor *c = conductor;

	for (size_t i = 0; i < c->n_members; i++)
		part_from(&c->members[i]);
	members_end_inner(c);
}

void members_end_inner(struct conductor *c)
{
	if (c->inner)
		monitor_close(c->inner);
	c->inner = NULL;
}

int member_begin(struct conductor *c, size_t i, struct error *err)
{
	struct member *m = &c->members[i];
	int r = 0;

	c->views[i].stop_asked = c->views[i].is_ready = false;
	if (m->done)
		part_from(m);
	if (!c->run.pause_is_child && adopt(c, i))
		return 0;
	c->views[i].phase = MEMBER_PREPARING;
	c->views[i].was_started = false;
	if (m->fd < 0)
		r = spawn_monitor(c, m, err);
	if (r == 0)
		r = ctl_send(m->fd, CTL_PREPARE, c->views[i].to_initialize ? CTL_HOLD : 0, NULL);
	/* One that is gone already says why, or is found lost, when its socket is read. */
	return r == -EPIPE ? 0 : r;
}

/* ---- members that go when they have ended ------------------------------------------------- */

int conductor_detach(const struct conductor *c, conductor_errand *errand, const char *id)
{
	struct error err;
	struct store store;
	pid_t pid = fork();
	int r;

	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	if (pid != 0)
		return pid < 0 ? -errno : 0;
	if (fork() != 0)
		_exit(0);
	(void)setsid();
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0U);
	r = store_open(c->store.root, c->store.runroot, STORE_WRITE, &store, &err);
	if (r == 0)
		r = errand(&store, id, &err);
	_exit(r < 0 ? MONITOR_FAILED : 0);
}

/* --rm, and --init-ctr=once that has done its work. */
static void remove_ended(const struct conductor *c, size_t i)
{
	const struct container_spec *spec = &c->run.specs[i];
	bool goes = spec->auto_remove || (spec->init_once && c->views[i].exit_code == 0);

	/* It may have to wait for the pod's lock, whose holder waits for the conductor. */
	if (goes && !c->run.pod.solo && !c->run.to_remove)
		(void)conductor_detach(c, pod_remove_ended, c->members[i].id);
}

/* ---- what monitors say ------------------------------------------------------------------ */

static void keep_pipes(struct member *m, const int *fds)
{
	close_fd((int[]){ fds[2] }); /* nobody sends a third */
	for (int i = 0; i < 2; i++) {
		close_fd(&m->pipes[i]);
		m->pipes[i] = fds[i] >= 0 ? fds[i] : -1;
	}
}

static void tell_of(struct conductor *c, size_t i, enum ctl_type type, const struct ctl_msg *msg)
{
	char text[CTL_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "container '%s'%s%.400s", c->members[i].name,
		       *msg->text ? ": " : "", msg->text);
	conductor_tell(c, type, msg->value, text);
}

static void tell_init_retry(struct conductor *c, size_t i, int code)
{
	struct ctl_msg msg = { 0 };

	(void)snprintf(msg.text, sizeof(msg.text), "%s ended with %d, it is tried again",
		       c->views[i].sidecar ? "sidecar" : "init container", code);
	tell_of(c, i, CTL_INIT_RETRY, &msg);
}

static void handle(struct conductor *c, size_t i, const struct ctl_msg *msg)
{
	struct member_view *v = &c->views[i];

	switch ((enum ctl_type)msg->type) {
	case CTL_READY:
		v->phase = MEMBER_READY;
		break;
	case CTL_INITIALIZED:
		/* Somebody may have started it meanwhile. */
		v->phase = v->to_initialize ? MEMBER_INITIALIZED : MEMBER_READY;
		v->was_started = v->to_initialize;
		break;
	case CTL_RUNNING:
		v->phase = MEMBER_RUNNING;
		v->was_started = true;
		/* Else when it says so. */
		v->is_ready = is_ctl_ready(msg);
		v->has_started = v->has_started || is_ctl_ready(msg);
		break;
	case CTL_STARTED:
		v->has_started = true;
		break;
	case CTL_READINESS:
		v->is_ready = msg->value > 0;
		break;
	case CTL_EXITED:
		v->phase = MEMBER_BACKOFF;
		v->was_started = true;
		v->is_ready = false;
		if (v->init && !(v->sidecar && v->has_started))
			tell_init_retry(c, i, msg->value);
		else
			tell_of(c, i, CTL_EXITED, msg);
		break;
	case CTL_FAILED:
		/* The monitor goes on by its policy; the command that waits hears why. */
		if (!v->was_started)
			c->failures++;
		v->was_started = true;
		tell_of(c, i, CTL_FAILED, msg);
		break;
	case CTL_WARNING:
		tell_of(c, i, CTL_WARNING, msg);
		break;
	case CTL_DONE:
		v->phase = MEMBER_DONE;
		v->was_started = true;
		v->exit_code = msg->value;
		c->members[i].done = true;
		break;
	default:
		break;
	}
}

/* The socket ended without DONE. */
static void lose(struct conductor *c, size_t i)
{
	struct member *m = &c->members[i];
	struct container_status st = { 0 };
	struct error scratch;

	c->views[i].phase = MEMBER_LOST;
	c->views[i].was_started = true;
	if (status_read(&c->store, m->id, &st, &scratch) == 0)
		m->lost_pidfd = status_open_process(&st, &scratch);
	status_done(&st);
	if (m->lost_pidfd < 0)
		member_lost_ended(c, i);
}

void member_lost_ended(struct conductor *c, size_t i)
{
	struct member *m = &c->members[i];
	struct member_view *v = &c->views[i];
	struct error scratch;

	close_fd(&m->lost_pidfd);
	close_fd(&m->pipes[0]);
	close_fd(&m->pipes[1]);
	error_ignore(run_end_container(&c->store, m->id, &scratch));
	if (v->to_initialize || m->again) { /* nothing of it has run */
		v->phase = MEMBER_IDLE;
		v->held = !m->again;
		v->to_initialize = v->to_initialize && m->again;
		m->again = false;
		return;
	}
	v->phase = MEMBER_DONE;
	v->exit_code = EXIT_UNKNOWN;
	remove_ended(c, i);
}

void member_read(struct conductor *c, size_t i)
{
	struct member *m = &c->members[i];
	struct ctl_msg msg;
	int fds[CTL_FDS_MAX];
	int r = ctl_receive(m->fd, &msg, fds);

	if (r == -EAGAIN)
		return;
	if (r > 0 && msg.type == CTL_PIPES) {
		keep_pipes(m, fds);
		return;
	}
	if (r > 0) {
		handle(c, i, &msg);
		return;
	}
	part_from(m);
	if (c->views[i].phase != MEMBER_DONE) {
		lose(c, i);
		return;
	}
	keep_pipes(m, (int[CTL_FDS_MAX]){ -1, -1, -1 });
	remove_ended(c, i);
}

void members_hear(struct conductor *c)
{
	for (size_t i = 0; i < c->n_members; i++) {
		struct pollfd p = { .events = POLLIN };

		while ((p.fd = c->members[i].fd) >= 0 && poll(&p, 1, 0) > 0)
			member_read(c, i);
	}
}

/* ---- stopping --------------------------------------------------------------------------- */

void member_stop(struct conductor *c, size_t i, int64_t grace_ms)
{
	struct member *m = &c->members[i];

	if (m->fd >= 0)
		(void)ctl_send(m->fd, CTL_STOP,
			       grace_ms > INT32_MAX ? INT32_MAX : (int32_t)grace_ms,
			       c->run.to_remove ? CTL_TO_REMOVE : NULL);
	if (m->fd >= 0 || m->lost_pidfd < 0)
		return;
	(void)pidfd_signal(m->lost_pidfd, grace_ms > 0 ? SIGTERM : SIGKILL);
	run_thaw_container(c->pod_id, m->id);
}

bool are_members_down(const struct conductor *c)
{
	for (size_t i = 0; i < c->n_members; i++)
		if (c->members[i].fd >= 0 || c->members[i].lost_pidfd >= 0)
			return false;
	return true;
}
