/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end - ends one container from outside its monitor, and writes down what is known of its end.
 *
 * Theory of operation: the monitor is asked first (stop without grace), since it sees the exit
 * code. When none answers, the container's first process is killed through a pidfd that matches the
 * record, and whoever got monitor.lock writes the state: exited, code unknown. A monitor that holds
 * the lock but does not answer (stopped by a debugger, say) is an error that names it. It may have
 * been paused, or its monitor killed in the middle of that, so it is always thawed: a frozen process
 * of cgroup v1 does not take its SIGKILL.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/str.h"
#include "engine/cgroup/cgroup.h"
#include "engine/process/ctl.h"
#include "engine/pod/run.h"
#include "engine/state/status.h"

#define ANSWER_MS    5000
#define KILL_WAIT_MS 10000
#define THAW_WAIT_MS 1000

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
	struct proc_ident ident = { .pid = (pid_t)st->pid,
				    .start_ticks = (uint64_t)st->start_ticks };
	struct error scratch;
	cleanup_close int fd = -EBADF;

	if (!st->pid || !st->boot_id)
		return 0;
	(void)strncpy(ident.boot_id, st->boot_id, BOOT_ID_LEN);
	fd = proc_open_ident(&ident, &scratch);
	if (fd < 0)
		return 0; /* gone already */
	(void)pidfd_signal(fd, SIGKILL);
	run_thaw_container(st->pod_id, id);
	if (pidfd_wait_exit(fd, KILL_WAIT_MS) < 0)
		return error_set(err, ETIMEDOUT, "container '%.12s' does not die", id);
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
	if (!st.infra && is_lock_held(s->rootfd, layout_container(path, id, MONITOR_LOCK)))
		error_ignore(ask_monitor(s, id, &scratch));
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
	if (r == 0 && is_recorded && st.state != STATE_EXITED && st.state != STATE_CREATED) {
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
