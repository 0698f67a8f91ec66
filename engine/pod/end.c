/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end - ends one container from outside its monitor, and writes down what is known of its end.
 *
 * Theory of operation: the monitor is asked first (stop without grace), since it sees the exit
 * code. When none answers, the container's first process is killed through a pidfd that matches the
 * record, and whoever got monitor.lock writes the state: exited, code unknown. A monitor that holds
 * the lock but does not answer (stopped by a debugger, say) is an error that names it; one whose socket
 * is gone, because the run directory was removed, can be asked by nobody any more and is killed: the
 * holder of the lock, by the name of its program and a pidfd that was opened while it held it. It may have
 * been paused, or its monitor killed in the middle of that, so it is always thawed: a frozen process
 * of cgroup v1 does not take its SIGKILL.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/signame.h"
#include "engine/base/str.h"
#include "engine/cgroup/cgroup.h"
#include "engine/pod/lookup.h"
#include "engine/pod/run.h"
#include "engine/process/ctl.h"
#include "engine/state/status.h"

#define ANSWER_MS    5000
#define KILL_WAIT_MS 10000
#define THAW_WAIT_MS 1000
#define APPEAR_MS    500 /* a monitor that begins has its lock before its socket */
#define APPEAR_US    10000

static bool is_monitor(pid_t pid)
{
	char path[64];
	cleanup_free char *name = NULL;
	struct error scratch; /* it has ended */

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	return fs_read_file(AT_FDCWD, path, 64, &name, NULL, &scratch) == 0 &&
	       is_equal(name, "podium-monitor\n");
}

int run_kill_holder(const struct store *s, const char *lock_path, struct error *err)
{
	pid_t pid = lock_holder(s->rootfd, lock_path);
	cleanup_close int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -EBADF;

	/* It has not ended and been replaced by a stranger: it still holds the lock. */
	if (fd < 0 || lock_holder(s->rootfd, lock_path) != pid)
		return is_lock_held(s->rootfd, lock_path)
			       ? error_set(err, EBUSY, "lock '%s' is held by another process",
					   lock_path)
			       : 0;
	if (!is_monitor(pid))
		return error_set(err, EBUSY, "lock '%s' is held by process %d", lock_path,
				 (int)pid);
	(void)pidfd_signal(fd, SIGKILL);
	return pidfd_wait_exit(fd, KILL_WAIT_MS) < 0
		       ? error_set(err, ETIMEDOUT, "process %d does not die", (int)pid)
		       : 0;
}

/* Asks the monitor to kill; 0 when it said that it is done (or ended). */
static int ask_monitor(const struct store *s, const char *id, struct error *err)
{
	cleanup_close int fd = ctl_connect(s, id, err);
	struct ctl_msg msg;
	int64_t deadline = clock_mono_ms() + ANSWER_MS;
	int r;

	if (fd < 0)
		return fd;
	r = ctl_send(fd, CTL_STOP, 0, NULL);
	while (r == 0) {
		int64_t left = deadline - clock_mono_ms();

		r = ctl_wait(fd, left > 0 ? (int)left : 0, &msg);
		if (r == 0 || (r > 0 && msg.type == CTL_DONE))
			return 0;
		r = r > 0 ? 0 : r;
	}
	return error_set(err, -r, "monitor of container '%.12s' does not answer", id);
}

void run_thaw_container(const char *pod_id, const char *id)
{
	cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
	struct error scratch; /* no freezer: nothing was frozen */

	if (pod_id && cgroup_open(&cg, &scratch) == 0)
		error_ignore(
			cgroup_freeze_container(&cg, pod_id, id, false, THAW_WAIT_MS, &scratch));
}

static int kill_process(const struct container_status *st, const char *id, struct error *err)
{
	struct error scratch; /* gone already */
	cleanup_close int fd = status_open_process(st, &scratch);

	if (fd < 0)
		return 0;
	(void)pidfd_signal(fd, SIGKILL);
	run_thaw_container(st->pod_id, id);
	if (pidfd_wait_exit(fd, KILL_WAIT_MS) < 0)
		return error_set(err, ETIMEDOUT, "container '%.12s' does not die", id);
	return 0;
}

static int stop_signal_of(const struct store *s, const char *id)
{
	struct container_spec c = { 0 };
	struct error scratch; /* what cannot be read has the usual one */
	const char *name = NULL;
	int sig = 0;

	if (lookup_read_container(s, id, &c, &scratch) == 0)
		name = c.stop_signal ? c.stop_signal : c.config.stop_signal;
	if (name)
		sig = signal_number(name);
	record_done(&container_spec_type, &c);
	return sig > 0 ? sig : SIGTERM;
}

/* Tells one to end; a pidfd to wait for, or -1. */
static int tell_to_end(const struct store *s, const char *pod_id, const char *id)
{
	char path[LAYOUT_PATH_MAX];
	struct container_status st = { 0 };
	struct error scratch; /* it has ended, or is none of this pod */
	int fd = -1;

	if (status_read(s, id, &st, &scratch) < 0)
		return -1;
	if (!st.infra && is_equal(st.pod_id, pod_id)) {
		/* It would start the container again. */
		error_ignore(
			run_kill_holder(s, layout_container(path, id, MONITOR_LOCK), &scratch));
		fd = status_open_process(&st, &scratch);
	}
	if (fd >= 0) {
		(void)pidfd_signal(fd, stop_signal_of(s, id));
		run_thaw_container(pod_id, id);
	}
	status_done(&st);
	return fd;
}

void run_end_unheard(const struct store *s, const char *pod_id, int64_t grace_ms)
{
	int64_t deadline = clock_mono_ms() + grace_ms;
	cleanup_strlist struct strlist ids = { 0 };
	cleanup_free int *fds = NULL;
	struct error scratch; /* what is not found is killed afterwards, by other ways */

	error_ignore(lookup_list_containers(s, &ids, &scratch));
	fds = xcalloc(ids.n + 1, sizeof(*fds));
	for (size_t i = 0; i < ids.n; i++)
		fds[i] = tell_to_end(s, pod_id, ids.v[i]);
	for (size_t i = 0; i < ids.n; i++) {
		int64_t left = deadline - clock_mono_ms();

		if (fds[i] < 0)
			continue;
		(void)pidfd_wait_exit(fds[i], left > 0 ? (int)left : 0);
		(void)close(fds[i]);
	}
}

/* Asks who holds the lock; whoever has no socket is killed. */
static int end_by_monitor(const struct store *s, const char *id, const char *lock_path,
			  struct error *err)
{
	int64_t deadline = clock_mono_ms() + APPEAR_MS;
	int r = 0;

	while (is_lock_held(s->rootfd, lock_path)) {
		r = ask_monitor(s, id, err);
		if (r != -ENOENT && r != -ECONNREFUSED)
			return r;
		if (clock_mono_ms() >= deadline)
			return run_kill_holder(s, lock_path, err);
		(void)usleep(APPEAR_US);
	}
	return 0;
}

/* Another command ended and removed it since its record was read. */
static bool is_removed(int r)
{
	return r == -ENOENT || r == -ESTALE;
}

static int end_container(const struct store *s, const char *id, bool is_recorded, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct container_status st = { 0 };
	cleanup_close int lock = -EBADF;
	struct error scratch;
	int r;

	if (status_read(s, id, &st, &scratch) < 0)
		return 0; /* no record: it never ran */
	if (!st.infra)
		error_ignore(
			end_by_monitor(s, id, layout_container(path, id, MONITOR_LOCK), &scratch));
	lock = lock_take(s->rootfd, layout_container(path, id, MONITOR_LOCK), LOCK_EXCLUSIVE,
			 ANSWER_MS, &scratch);
	status_done(&st);
	if (is_removed(lock))
		return 0;
	if (lock < 0)
		return error_set(err, -lock, "end container '%.12s': %s", id, scratch.text);
	r = status_read(s, id, &st, &scratch);
	if (is_removed(r))
		return 0;
	if (r < 0)
		return error_set(err, -r, "end container '%.12s': %s", id, scratch.text);
	if (!st.infra)
		r = kill_process(&st, id, err);
	if (r == 0 && is_recorded && st.state == STATE_INITIALIZED) {
		status_forget_initialized(&st);
		r = status_write(s, id, &st, err);
	} else if (r == 0 && is_recorded && st.state != STATE_EXITED && st.state != STATE_CREATED) {
		st.exit_unknown = !st.infra;
		st.state = STATE_EXITED;
		st.pid = 0;
		st.finished_ns = clock_wall_ns();
		r = status_write(s, id, &st, err);
	}
	status_done(&st);
	return is_removed(r) ? 0 : r;
}

int run_end_container(const struct store *s, const char *id, struct error *err)
{
	return end_container(s, id, true, err);
}

int run_kill_container(const struct store *s, const char *id, struct error *err)
{
	return end_container(s, id, false, err);
}

int run_kill_unreadable(const struct store *s, const char *pod_id, const char *id,
			struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
	cleanup_close int lock = -EBADF;
	struct error scratch; /* who has no monitor is found by the group */
	int r = 0;

	(void)layout_container(path, id, MONITOR_LOCK);
	error_ignore(end_by_monitor(s, id, path, &scratch));
	lock = lock_take(s->rootfd, path, LOCK_EXCLUSIVE, ANSWER_MS, err);
	if (lock < 0)
		return is_removed(lock) ? 0 : error_wrap(err, "end container '%.12s'", id);
	if (pod_id && cgroup_open(&cg, &scratch) == 0 && can_cgroup_kill(&cg))
		r = cgroup_kill_container(&cg, pod_id, id, KILL_WAIT_MS, err);
	return r;
}
