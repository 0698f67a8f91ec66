/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor - the life of one container.
 *
 * Theory of operation: IDLE -> LAUNCHING (podium-launch prepares; under a conductor it is begun at
 * once and waits for the sandbox, until PREPARE) -> PREPARED (waits for the conductor's GO)
 * -> STARTING (exec not yet seen) -> RUNNING -> WAITING (back-off) -> LAUNCHING ... -> ENDED. One that
 * is to be initialized says so in PREPARED, and waits there for another GO, whoever conducts it. The
 * container's first process is the monitor's own child, made by podium-launch with CLONE_PARENT, so
 * its exit code is always seen here. exec is seen as the end of the sync socket, which the
 * container half holds close-on-exec.
 *
 * Runs in the engine's initial namespaces, in the monitors' cgroup, without a controlling terminal.
 * No threads. Nothing is allocated while the container runs undisturbed; JSON is touched only at
 * transitions.
 *
 * Killed by SIGKILL: the container runs on (the conductor keeps its pipes), state.json stays at
 * "running" and the free lock tells the story. What was only prepared ends by itself: it waits on the
 * other end of the sync socket.
 *
 * Before RUNNING is told, postStart has ended well; while RUNNING the container is probed (watch.c).
 * What ends a run goes through monitor_end_run(): preStop, the stop signal, and SIGKILL when the
 * grace period is over; afterwards outcome.c says what became of it.
 *
 * Should: write state.json before telling anybody. Mustn't: block on any client.
 */
#include "engine/monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/base/signame.h"
#include "engine/base/str.h"
#include "engine/cgroup/cgroup.h"
#include "engine/monitor/internal.h"
#include "engine/pod/spec.h"
#include "engine/process/launch.h"
#include "engine/process/sync.h"
#include "engine/state/eventlog.h"
#include "engine/state/events.h"

#define RECORD_MAX_BYTES    (8 * 1024 * 1024)
#define STOP_SIGNAL_DEFAULT SIGTERM
#define IDLE_MS		    1000
#define KILL_WAIT_MS	    2000
#define LEAST_GRACE_MS	    2000 /* what preStop leaves to the program in any case */

void monitor_write_status(struct monitor *m)
{
	struct error scratch;

	/* A full disk must not end the container: the old record stays, and the events still go. */
	if (m->to_remove)
		return;
	error_ignore(status_write(&m->store, m->id, &m->status, &scratch));
}

static void set_state(struct monitor *m, enum container_state state)
{
	m->status.state = (int)state;
	monitor_write_status(m);
}

static void replace_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup_or_null(value);
}

static int64_t oom_count(struct monitor *m)
{
	cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
	struct error scratch;
	int64_t n = 0;

	if (cgroup_open(&cg, &scratch) < 0 ||
	    cgroup_oom_count(&cg, m->pod_id, m->id, &n, &scratch) < 0)
		return 0;
	return n;
}

/* ---- ending and starting again ---------------------------------------------------------- */

static void end(struct monitor *m)
{
	m->phase = MONITOR_ENDED;
	m->deadline_ms = 0;
	set_state(m, STATE_EXITED);
	monitor_broadcast(m, CTL_DONE, (int32_t)m->status.exit_code, NULL);
	monitor_attach_end(m);
}

/* As the kubelet: what a probe has killed comes back unless the policy is Never. */
static bool wants_restart(const struct monitor *m)
{
	const struct opt_i64 *retries = &m->plan.restart_retries;
	int code = (int)m->status.exit_code;

	if (m->asks_restart)
		return true;
	if (m->plan.restart == RESTART_ON_FAILURE && retries->set &&
	    m->status.restarts >= retries->value)
		return false;
	if (m->is_failed && m->plan.restart != RESTART_NEVER)
		return true;
	return is_restart_ruled(&m->plan.restart_rules, code) ||
	       is_restart_wanted((enum restart_policy)m->plan.restart, code);
}

/* A user's signal that is meant to end it was sent, and it has ended before its grace was over. */
static bool is_ended_by_user(const struct monitor *m)
{
	return m->signal_ms && clock_mono_ms() - m->signal_ms <= m->plan.grace_ms;
}

/* The container is not running: back-off and start again, or the end. What is not to run yet is not
 * tried again. */
static void decide(struct monitor *m)
{
	int64_t now = clock_mono_ms();
	int64_t ran_ms = m->started_ms ? now - m->started_ms : 0;
	int64_t delay;

	if (is_ended_by_user(m))
		m->status.stopped_by_user = true;
	if (m->stop_asked || m->holds || m->status.stopped_by_user || !wants_restart(m)) {
		end(m);
		return;
	}
	delay = restart_next_delay_ms(&m->restart, m->plan.backoff, ran_ms);
	m->status.next_start_ns = clock_wall_ns() + delay * 1000000;
	m->phase = MONITOR_WAITING;
	m->deadline_ms = now + delay;
	set_state(m, STATE_RESTARTING);
	monitor_broadcast(m, CTL_EXITED, (int32_t)m->status.exit_code, NULL);
	if (m->plan.backoff && delay > 0)
		monitor_event(m, true, "BackOff",
			      "Back-off of %lld s before container %s is restarted",
			      (long long)delay / 1000, m->name);
}

/* Forgets the process of the last start. */
static void forget_process(struct monitor *m)
{
	close_fd(&m->pidfd);
	close_fd(&m->sync_fd);
	m->pid = 0;
	m->status.pid = 0;
	m->status.start_ticks = 0;
	m->killed = false;
	m->status.finished_ns = clock_wall_ns();
	m->status.started = m->status.ready = false;
	m->is_up = m->is_ending = false;
	m->paused_ms = 0;
	m->run_end_ms = 0;
}

/* Ends what was prepared for a start. */
static void end_prepared(struct monitor *m)
{
	if (m->pidfd >= 0) {
		(void)pidfd_signal(m->pidfd, SIGKILL);
		(void)waitid(P_PIDFD, (id_t)m->pidfd, &(siginfo_t){ 0 }, WEXITED | __WALL);
	}
	/* One that waits for the sandbox has made nothing. */
	if (m->launch_pid > 0 && m->early)
		(void)kill(m->launch_pid, SIGKILL);
	if (m->launch_pid > 0)
		(void)waitpid(m->launch_pid, NULL, 0);
	m->launch_pid = 0;
	m->early = false;
}

/* A start did not get as far as the container's own program. */
static void fail_start_for(struct monitor *m, int exit_code, const struct error *why)
{
	const char *text = why->text;

	end_prepared(m);
	monitor_stdio_finish(m);
	forget_process(m);
	m->status.exit_code = exit_code;
	replace_text(&m->status.error, text);
	if (!m->stop_asked)
		monitor_broadcast(m, CTL_FAILED, exit_code, text);
	monitor_conclude_failure(m, why->code == SYNC_CONFIG_MISSING);
	decide(m);
	monitor_attach_end(m);
}

static void fail_start(struct monitor *m, int exit_code, const char *text)
{
	struct error err = { 0 };

	(void)error_set(&err, EIO, "%s", text);
	fail_start_for(m, exit_code, &err);
}

static int exit_code_of(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED ? si->si_status : 128 + si->si_status;
}

bool is_monitor_initialized(const struct monitor *m)
{
	return m->phase == MONITOR_PREPARED && m->status.state == STATE_INITIALIZED;
}

/* What was initialized is stopped, or was killed: no policy has a say, for it never ran. */
static void end_initialized(struct monitor *m)
{
	siginfo_t si = { 0 };

	(void)pidfd_signal(m->pidfd, SIGKILL);
	(void)waitid(P_PIDFD, (id_t)m->pidfd, &si, WEXITED | __WALL);
	monitor_stdio_finish(m);
	forget_process(m);
	m->status.exit_code = exit_code_of(&si);
	replace_text(&m->status.error, NULL); /* that of a run before */
	monitor_conclude(m);
	end(m);
}

/* The first process has exited. */
static void reap(struct monitor *m)
{
	siginfo_t si = { 0 };

	if (m->phase != MONITOR_RUNNING && m->phase != MONITOR_STARTING) {
		fail_start(m, 125, "container process ended while it was prepared");
		return;
	}
	if (waitid(P_PIDFD, (id_t)m->pidfd, &si, WEXITED | WNOHANG | __WALL) < 0 || si.si_pid == 0)
		return;
	if (!m->plan.own_pid_namespace) {
		/* No namespace dies with it: what the container left behind is killed here. */
		cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
		struct error scratch;

		if (cgroup_open(&cg, &scratch) == 0)
			error_ignore(cgroup_kill_container(&cg, m->pod_id, m->id, KILL_WAIT_MS,
							   &scratch));
	}
	monitor_hook_cancel(m);
	(void)monitor_watch_end(m);
	monitor_stdio_finish(m);
	forget_process(m);
	m->status.exit_code = exit_code_of(&si);
	m->status.oom_killed =
		si.si_code != CLD_EXITED && si.si_status == SIGKILL && oom_count(m) > m->oom_before;
	monitor_conclude(m);
	decide(m);
	/* A session is one run of the container; who hears of its end finds it written down. */
	monitor_attach_end(m);
}

/* ---- launching -------------------------------------------------------------------------- */

static int spawn_launch(struct monitor *m, struct error *err)
{
	bool is_fresh = m->status.restarts && m->plan.fresh_on_restart;
	struct launch_start s = { .store = &m->store,
				  .verb = "container",
				  .id = m->id,
				  .extra = is_fresh   ? "fresh"
					   : m->early ? "early"
						      : NULL,
				  .program_fd = m->launch_fd };
	int r = monitor_stdio_open(m, s.stdio, err);

	if (r == 0)
		r = launch_spawn(&s, &m->sync_fd, err);
	close_fd(&m->launch_fd);
	m->launch_pid = r > 0 ? r : 0;
	for (int i = 0; i < 3; i++)
		if (s.stdio[i] >= 0)
			(void)close(s.stdio[i]);
	if (m->plan.restart == RESTART_NEVER && !m->plan.restart_rules.n)
		monitor_stdio_forget(m);
	return r < 0 ? r : 0;
}

static void launch(struct monitor *m)
{
	struct error err = { 0 };

	m->phase = MONITOR_LAUNCHING;
	m->deadline_ms = 0;
	m->started_ms = 0;
	m->launched_ns = clock_wall_ns();
	m->status.oom_killed = false;
	m->is_failed = m->asks_restart = false;
	monitor_turn_page(m);
	m->oom_before = m->status.restarts ? oom_count(m) : 0;
	if (spawn_launch(m, &err) < 0)
		fail_start(m, 125, err.text);
}

void monitor_prepare(struct monitor *m, bool hold)
{
	m->holds = hold;
	/* One that is gone has said why, or is found gone when its socket is read. */
	if (m->early && m->sync_fd >= 0)
		(void)sync_send(m->sync_fd, SYNC_SANDBOX, 0, NULL, -1);
	m->early = false;
}

void monitor_go(struct monitor *m)
{
	if (is_monitor_initialized(m) && m->holds)
		monitor_attach_join(m);
	m->go = true;
	m->holds = false;
	if (m->phase != MONITOR_PREPARED || is_session_awaited(m))
		return;
	STOP_AT("monitor:go");
	m->phase = MONITOR_STARTING;
	if (sync_send(m->sync_fd, SYNC_GO, 0, NULL, -1) < 0)
		fail_start(m, 125, "container process ended before it was started");
}

/* --pidfile: whoever made the container has seen to it that the directory is there. What has gone
 * wrong since then keeps nothing from running. The directory may be one that others write to, a
 * container's volume for one: so no link is followed, and only a file of our own with one name is
 * written to (LOC-1). */
static void write_pid_file(const char *path, pid_t pid)
{
	int follow = WEAKEN("LOC-1-PIDFILE") ? 0 : O_NOFOLLOW;
	cleanup_close int fd =
		path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | follow,
			    0644)
		     : -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_uid != geteuid() || ftruncate(fd, 0) < 0)
		return;
	(void)dprintf(fd, "%d\n", pid);
}

/* What others find the first process by. */
static void record_process(struct monitor *m)
{
	struct proc_ident ident = { 0 };
	struct error scratch;

	m->status.pid = (uint32_t)m->pid;
	if (proc_identify(m->pid, &ident, &scratch) == 0)
		m->status.start_ticks = (int64_t)ident.start_ticks;
	write_pid_file(m->plan.pid_file, m->pid);
	write_pid_file(m->plan.monitor_pid_file, getpid());
}

void monitor_hold(struct monitor *m)
{
	m->holds = true;
	if (m->phase != MONITOR_PREPARED)
		return; /* it has failed meanwhile, and said so */
	STOP_AT("monitor:hold");
	record_process(m);
	set_state(m, STATE_INITIALIZED);
	monitor_broadcast(m, CTL_INITIALIZED, 0, NULL);
	event_log_container(&m->store, "init", m->id, &m->status);
	m->is_used = m->is_fresh = true;
}

/* exec happened: the container's own program runs. */
static void started(struct monitor *m)
{
	bool was_initialized = m->status.state == STATE_INITIALIZED;

	close_fd(&m->sync_fd);
	m->phase = MONITOR_RUNNING;
	m->started_ms = clock_mono_ms();
	m->run_end_ms = m->plan.run_timeout_ms ? m->started_ms + m->plan.run_timeout_ms : 0;
	m->did_start = true;
	m->status.started_ns = clock_wall_ns();
	m->status.next_start_ns = 0;
	m->status.state = STATE_RUNNING;
	replace_text(&m->status.error, NULL);
	record_process(m);
	/* The exec of a hook or probe finds it by its record, and may be quicker than we are. */
	if (m->watch)
		monitor_write_status(m);
	if (!monitor_post_start(m))
		monitor_up(m);
	monitor_stdio_share(m);
	monitor_attach_signals(m);
	if (!m->to_remove)
		event_add_started(&m->store, m->pod_id, m->name);
	event_log_container(&m->store, was_initialized ? "start" : "init start", m->id, &m->status);
	m->is_used = m->is_fresh = true;
}

void monitor_up(struct monitor *m)
{
	m->is_up = true;
	monitor_watch_begin(m);
}

static void handle_sync(struct monitor *m, const struct sync_msg *msg, int fd)
{
	switch ((enum sync_step)msg->step) {
	case SYNC_STARTED:
		m->pid = msg->value;
		m->pidfd = fd;
		(void)waitpid(m->launch_pid, NULL, 0);
		m->launch_pid = 0;
		return;
	case SYNC_PTY:
		monitor_stdio_take_pty(m, fd);
		return;
	case SYNC_MESSAGE:
		close_fd(&m->message_fd);
		m->message_fd = fd;
		return;
	case SYNC_WARNING:
		monitor_broadcast(m, CTL_WARNING, 0, msg->err.text);
		break;
	case SYNC_READY:
		m->phase = MONITOR_PREPARED;
		if (m->go)
			monitor_go(m);
		else
			monitor_broadcast(m, CTL_READY, 0, NULL);
		break;
	case SYNC_ERROR:
		fail_start_for(m, msg->value ? msg->value : 125, &msg->err);
		break;
	case SYNC_GO:
	case SYNC_SANDBOX:
	case SYNC_KEEP:
		break;
	}
	if (fd >= 0)
		(void)close(fd);
}

static void read_sync(struct monitor *m)
{
	struct sync_msg msg;
	struct error err = { 0 };
	int fd = -EBADF;
	int r = sync_receive(m->sync_fd, &msg, &fd, &err);

	if (r > 0)
		handle_sync(m, &msg, fd);
	else if (r == 0 && m->phase == MONITOR_STARTING)
		started(m);
	else if (r == 0 && is_monitor_initialized(m))
		end_initialized(m);
	else if (r == 0)
		fail_start(m, 125, "podium-launch ended without a word");
	else if (r != -EAGAIN)
		fail_start(m, 125, err.text);
}

/* ---- stopping --------------------------------------------------------------------------- */

void monitor_stop(struct monitor *m, int64_t grace_ms)
{
	if (grace_ms < 0)
		grace_ms = m->plan.grace_ms;
	m->stop_asked = true;
	m->status.stopped_by_user = true;
	switch (m->phase) {
	case MONITOR_IDLE:
		end(m);
		return;
	case MONITOR_LAUNCHING:
	case MONITOR_PREPARED:
	case MONITOR_STARTING:
		if (is_monitor_initialized(m))
			end_initialized(m);
		else
			fail_start(m, 137, "stopped before it was started");
		return;
	case MONITOR_WAITING:
		end(m);
		return;
	case MONITOR_ENDED:
		monitor_broadcast(m, CTL_DONE, (int32_t)m->status.exit_code, NULL);
		return;
	case MONITOR_RUNNING:
		break;
	}
	m->status.state = STATE_STOPPING;
	m->status.deadline_ns = clock_wall_ns() + grace_ms * 1000000;
	monitor_end_run(m, grace_ms);
	if (grace_ms > 0)
		monitor_event(m, false, "Killing", "Stopping container %s", m->name);
}

/* The signal first: the container ends while what follows is written. */
void monitor_end_run(struct monitor *m, int64_t grace_ms)
{
	int64_t deadline = clock_mono_ms() + grace_ms;
	bool was_ready;

	if (grace_ms <= 0) {
		m->killed = true;
		(void)pidfd_signal(m->pidfd, SIGKILL);
		m->deadline_ms = 0;
		monitor_hook_cancel(m);
		monitor_thaw(m);
	} else if (is_hook_running(m, HOOK_PRE_STOP)) {
		/* Asked again: what is left of its time may become less. */
		m->deadline_ms = deadline < m->deadline_ms ? deadline : m->deadline_ms;
	} else {
		monitor_hook_cancel(m);
		m->deadline_ms = deadline;
		if (!monitor_pre_stop(m))
			(void)pidfd_signal(m->pidfd, m->plan.stop_signal);
		monitor_thaw(m);
	}
	m->is_ending = true;
	was_ready = monitor_watch_end(m);
	monitor_write_status(m);
	if (was_ready && !m->to_remove) /* of what goes next nobody asks */
		monitor_broadcast(m, CTL_READINESS, 0, NULL);
}

void monitor_after_pre_stop(struct monitor *m)
{
	int64_t least = clock_mono_ms() + LEAST_GRACE_MS;

	monitor_hook_cancel(m);
	(void)pidfd_signal(m->pidfd, m->plan.stop_signal);
	if (m->deadline_ms < least)
		m->deadline_ms = least;
}

static void on_deadline(struct monitor *m)
{
	m->deadline_ms = 0;
	if (m->phase == MONITOR_WAITING) {
		m->status.restarts += !m->is_unmade;
		launch(m);
	} else if (is_hook_running(m, HOOK_PRE_STOP)) {
		monitor_event(m, true, "FailedPreStopHook",
			      "preStop hook did not end within the grace period");
		monitor_after_pre_stop(m);
	} else if (m->phase == MONITOR_RUNNING && m->is_ending && !m->killed) {
		m->killed = true;
		(void)pidfd_signal(m->pidfd, SIGKILL);
	}
}

/* Its time is over: no grace, but its policy may start it again. */
static void end_overdue(struct monitor *m)
{
	m->run_end_ms = 0;
	m->killed = true;
	monitor_event(m, true, "Killing", "Container %s ran for longer than it may", m->name);
	(void)pidfd_signal(m->pidfd, SIGKILL);
	monitor_thaw(m);
}

/* ---- the loop --------------------------------------------------------------------------- */

size_t monitor_polls(struct monitor *m, struct pollfd *p)
{
	int fds[] = { m->conductor_fd, m->listen_fd, m->sync_fd, m->out_fd, m->err_fd, m->pidfd };
	size_t n = 0, first_held = is_output_held(m) ? 3 : ARRAY_SIZE(fds);

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		p[n++] = (struct pollfd){ .fd = i < first_held ? fds[i] : -1, .events = POLLIN };
	for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++)
		p[n++] = (struct pollfd){ .fd = m->clients[i].fd, .events = POLLIN };
	n += monitor_attach_polls(m, p + n);
	return n + monitor_watch_polls(m, p + n);
}

void monitor_dispatch(struct monitor *m, const struct pollfd *p)
{
	/* Order matters: output and the sync socket before the exit that ends them. A descriptor is
	 * served only while it is still the one that was polled. */
	if (p[3].revents && p[3].fd == m->out_fd)
		monitor_stdio_read(m, &m->out_fd, 1);
	if (p[4].revents && p[4].fd == m->err_fd)
		monitor_stdio_read(m, &m->err_fd, 2);
	if (p[2].revents && p[2].fd == m->sync_fd)
		read_sync(m);
	if (p[5].revents && p[5].fd == m->pidfd && m->sync_fd < 0 && !monitor_attach_waits(m))
		reap(m);
	if (p[0].revents && p[0].fd == m->conductor_fd)
		monitor_control_read(m, &m->conductor_fd);
	if (p[1].revents)
		monitor_control_accept(m);
	for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++)
		if (p[6 + i].revents && p[6 + i].fd >= 0 && p[6 + i].fd == m->clients[i].fd)
			monitor_control_read(m, &m->clients[i].fd);
	monitor_attach_dispatch(m, p + 6 + MONITOR_CLIENTS_MAX);
	monitor_watch_dispatch(m, p + 6 + MONITOR_CLIENTS_MAX + 1 + 2 * MONITOR_ATTACH_MAX);
}

int monitor_timeout_ms(const struct monitor *m)
{
	int64_t now = clock_mono_ms();
	int64_t watch = monitor_watch_deadline_ms(m);
	int64_t left = m->deadline_ms && !m->paused_ms ? m->deadline_ms - now : INT32_MAX;

	if (m->run_end_ms && m->run_end_ms - now < left)
		left = m->run_end_ms - now;

	if (watch != PROBESTATE_NEVER && watch - now < left)
		left = watch - now;

	if (m->is_used && left > IDLE_MS)
		left = IDLE_MS;
	if (left == INT32_MAX)
		return -1;
	return left < 0 ? 0 : (int)left;
}

/* Of the buffer's pages none is needed between two reads. */
static void give_memory_back(struct monitor *m)
{
	monitor_log_idle(m);
	(void)madvise((void *)(((uintptr_t)m->buffer + 4095) & ~(uintptr_t)4095),
		      sizeof(m->buffer) - 4096, MADV_DONTNEED);
	if (m->is_fresh)
		mem_give_back_all();
	else
		mem_give_back();
	m->is_used = m->is_fresh = false;
}

/* The conductor is gone and never said GO: nobody ever will. The next one finds a container that
 * was not begun, and nothing is written; one that has failed already, or is initialized, is adopted. */
static bool is_orphan(const struct monitor *m)
{
	return m->conductor_fd < 0 && !m->go && m->phase < MONITOR_STARTING &&
	       !is_monitor_initialized(m) && m->status.restarts == 0 && !m->status.error;
}

bool monitor_tick(struct monitor *m, bool was_idle)
{
	if (was_idle && m->is_used && !m->is_held_up)
		give_memory_back(m);
	if (m->phase != MONITOR_ENDED)
		monitor_watch_tick(m);
	if (m->deadline_ms && !m->paused_ms && clock_mono_ms() >= m->deadline_ms)
		on_deadline(m);
	if (m->run_end_ms && clock_mono_ms() >= m->run_end_ms)
		end_overdue(m);
	if (is_orphan(m)) {
		end_prepared(m);
		m->phase = MONITOR_ENDED;
	}
	return m->phase != MONITOR_ENDED;
}

static void loop(struct monitor *m)
{
	while (m->phase != MONITOR_ENDED) {
		struct pollfd p[MONITOR_FDS_MAX];
		size_t n = monitor_polls(m, p);
		int r = poll(p, n, monitor_timeout_ms(m));

		if (r < 0 && errno != EINTR)
			return;
		if (r > 0)
			monitor_dispatch(m, p);
		(void)monitor_tick(m, r == 0);
	}
}

size_t monitor_polls_max(void)
{
	return MONITOR_FDS_MAX;
}

/* ---- beginning -------------------------------------------------------------------------- */

static int load_record(const struct monitor *m, const char *path, const struct record_type *t,
		       void *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	int r = jload_file(m->store.rootfd, path, RECORD_MAX_BYTES, &j, err);

	return r < 0 ? r : record_load(t, j, ret, err);
}

static int64_t ms_of(int64_t seconds)
{
	if (seconds <= 0)
		return 0;
	return seconds > INT32_MAX / 1000 ? INT32_MAX : seconds * 1000;
}

static int64_t own_grace_ms(const struct pod_spec *pod, const struct container_spec *c)
{
	return ms_of(c->stop_timeout_s.set ? c->stop_timeout_s.value : pod_grace_seconds(pod));
}

/* Takes from the two specs what the loop needs, opens the log. */
static int read_plan(struct monitor *m, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct container_spec c = { 0 };
	struct pod_spec pod = { 0 };
	int r = load_record(m, layout_container(path, m->id, "spec.json"), &container_spec_type, &c,
			    err);

	if (r < 0)
		return r;
	if (c.pod_id && is_id(c.pod_id))
		r = load_record(m, layout_pod(path, c.pod_id, "pod.json"), &pod_spec_type, &pod,
				err);
	if (r == 0) {
		const char *name = c.stop_signal ? c.stop_signal : c.config.stop_signal;
		int sig = name ? signal_number(name) : 0;

		(void)snprintf(m->pod_id, sizeof(m->pod_id), "%s", c.pod_id ? c.pod_id : "");
		m->plan = (struct monitor_plan){
			.tty = c.tty,
			.passthrough = c.log.driver == LOG_PASSTHROUGH,
			.stdin_open = c.stdin_open,
			.stdin_once = c.stdin_once,
			.backoff = pod.restart_backoff,
			.fresh_on_restart = pod.owner != NULL,
			.is_fleeting = pod.solo && c.auto_remove,
			.own_pid_namespace = !pod.share_pid && !pod.host_pid && !pod.pid_from,
			.restart = c.sidecar ? RESTART_ALWAYS : c.restart,
			.network = pod.network,
			.log_fallback = c.termination_log_fallback,
			.restart_rules = c.restart_rules,
			.stop_signal = sig > 0 ? sig : STOP_SIGNAL_DEFAULT,
			.grace_ms = own_grace_ms(&pod, &c),
			.restart_retries = c.restart_retries,
			.pid_file = steal_ptr(&c.pid_file),
			.monitor_pid_file = steal_ptr(&c.monitor_pid_file),
			.run_timeout_ms = c.run_timeout_s.set ? ms_of(c.run_timeout_s.value) : 0,
		};
		c.restart_rules = (struct restart_rule_list){ 0 };
		(void)snprintf(m->name, sizeof(m->name), "%s", c.name ? c.name : "");
		monitor_watch_open(m, &c);
		r = monitor_log_open(m, &c, err);
	}
	record_done(&container_spec_type, &c);
	record_done(&pod_spec_type, &pod);
	return r;
}

static int begin(struct monitor *m, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int r = lock_take(m->store.rootfd, layout_container(path, m->id, MONITOR_LOCK),
			  LOCK_EXCLUSIVE, LOCK_PROBE_MS, err);

	if (r < 0)
		return error_wrap(err, "container '%.12s' has a monitor, or cp writes into it",
				  m->id);
	m->lock_fd = r;
	r = status_read(&m->store, m->id, &m->status, err);
	if (r == 0 && m->status.state == STATE_INITIALIZED) /* its monitor was killed */
		status_forget_initialized(&m->status);
	if (r == 0)
		r = read_plan(m, err);
	if (r == 0)
		r = m->listen_fd = ctl_listen(&m->store, m->id, err);
	if (r >= 0)
		r = monitor_attach_open(m, err);
	if (r < 0)
		return r;
	/* The end of one that goes with it needs no room: its record is the first to go. */
	if (!m->plan.is_fleeting)
		status_reserve(&m->store, m->id);
	/* A start that fails is of this boot, too: it waits for the next one, and is not lost. */
	replace_text(&m->status.boot_id, proc_boot_id());
	m->status.pid = 0;
	m->status.start_ticks = 0;
	m->status.stopped_by_user = false;
	m->status.exit_unknown = false;
	m->status.restarts = 0;
	m->status.monitor_pid = (uint32_t)getpid();
	m->status.lock_inode = (int64_t)lock_inode(m->lock_fd);
	return 0;
}

int monitor_open(const struct store *store, const struct monitor_start *start, struct monitor **ret,
		 struct error *err)
{
	struct monitor *m = xcalloc(1, sizeof(*m));
	int r;

	m->store = *store;
	(void)snprintf(m->id, sizeof(m->id), "%s", start->container_id);
	m->conductor_fd = start->conductor_fd;
	m->launch_fd = start->launch_fd;
	m->is_conductor = start->is_conductor;
	m->go = m->conductor_fd < 0;
	m->attach_listen_fd = m->listen_fd = m->pidfd = m->sync_fd = m->in_fd = m->out_fd =
		m->err_fd = m->lock_fd = -1;
	m->log_dir = m->message_fd = -1;
	memcpy(m->passed, start->stdio, sizeof(m->passed));
	m->did_start = true;
	for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++)
		m->clients[i].fd = -1;
	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++)
		m->attached[i].fd = -1;
	r = begin(m, err);
	if (r < 0) {
		(void)ctl_send(m->conductor_fd, CTL_FAILED, 125, err->text);
		monitor_close(m);
		return r;
	}
	m->phase = MONITOR_IDLE;
	m->early = m->conductor_fd >= 0;
	launch(m);
	m->is_used = m->is_fresh = true;
	*ret = m;
	return 0;
}

void monitor_close(struct monitor *m)
{
	int *fds[] = { &m->listen_fd,  &m->launch_fd, &m->attach_listen_fd,
		       &m->message_fd, &m->sync_fd,   &m->in_fd,
		       &m->out_fd,     &m->err_fd,    &m->log_dir };

	/* One that nobody lets go any more. */
	if (m->phase == MONITOR_LAUNCHING || m->phase == MONITOR_PREPARED)
		end_prepared(m);
	monitor_watch_close(m);
	if (m->log_dir >= 0 || m->journal)
		monitor_log_close(m);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close_fd(fds[i]);
	monitor_stdio_forget(m);
	close_fd(&m->pidfd);
	/* Who hears the end of a socket finds the lock free. */
	close_fd(&m->lock_fd);
	close_fd(&m->conductor_fd);
	for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++)
		close_fd(&m->clients[i].fd);
	monitor_attach_close(m);
	record_done(&container_spec_type,
		    &(struct container_spec){ .restart_rules = m->plan.restart_rules,
					      .pid_file = m->plan.pid_file,
					      .monitor_pid_file = m->plan.monitor_pid_file });
	status_done(&m->status);
	free(m);
}

int monitor_run(const struct store *store, const struct monitor_start *start, struct error *err)
{
	struct monitor *m = NULL;
	int r = monitor_open(store, start, &m, err);

	if (r < 0)
		return r;
	loop(m);
	monitor_close(m);
	return 0;
}
