/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start - the CLI's side of a running pod: starts its conductor, asks it to stop, cleans up after a
 * dead one.
 *
 * Theory of operation: the conductor is podium-monitor in its conductor role, in a session of its
 * own; the CLI holds one end of a socket pair and only watches. Whoever wants a pod to stop asks
 * the conductor through the infra container's ctl.sock. When no conductor holds the pod's lock, the
 * downs of the run stages are walked here, from the records.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "engine/base/clock.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/process/ctl.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/pod/run.h"
#include "engine/state/status.h"

#define CONDUCTOR_WAIT_MS 10000
#define OUTWAIT_MS	  60000
#define OUTWAIT_STEP_US	  5000
#define CONDUCTOR_EXIT_MS 1000

bool is_pod_conducted(const struct store *s, const char *pod_id)
{
	char path[LAYOUT_PATH_MAX];

	return is_lock_held(s->rootfd, layout_pod(path, pod_id, CONDUCTOR_LOCK));
}

static int connect_conductor(const struct store *s, const char *pod_id, struct error *err)
{
	struct pod_spec pod = { 0 };
	int r = lookup_read_pod(s, pod_id, &pod, err);

	if (r == 0)
		r = pod.infra_id ? ctl_connect(s, pod.infra_id, err)
				 : error_set(err, ENOENT, "pod has no infra container");
	record_done(&pod_spec_type, &pod);
	return r;
}

/* A conductor that is on its way down says so in the infra container's record. */
static bool is_being_stopped(const struct store *s, const char *pod_id)
{
	struct pod_spec pod = { 0 };
	struct container_status st = { 0 };
	struct error scratch;
	bool stopping = lookup_read_pod(s, pod_id, &pod, &scratch) == 0 && pod.infra_id &&
			status_read(s, pod.infra_id, &st, &scratch) == 0 &&
			(st.state == STATE_STOPPING || st.state == STATE_EXITED);

	status_done(&st);
	record_done(&pod_spec_type, &pod);
	return stopping;
}

/* Connects to the pod's conductor: 1; 0 when it has none (any more). One that ends is waited for,
 * since it takes no orders. */
static int connect_or_outwait(const struct store *s, const char *pod_id, int *ret_fd,
			      struct error *err)
{
	int64_t deadline = clock_mono_ms() + OUTWAIT_MS;

	while (is_pod_conducted(s, pod_id)) {
		if (!is_being_stopped(s, pod_id)) {
			int r = connect_conductor(s, pod_id, err);

			if (r >= 0) {
				*ret_fd = r;
				return 1;
			}
			if (r != -ENOENT && r != -ECONNREFUSED)
				return r;
		}
		if (clock_mono_ms() >= deadline)
			return error_set(err, ETIMEDOUT, "pod '%.12s' is still being stopped",
					 pod_id);
		(void)usleep(OUTWAIT_STEP_US);
	}
	return 0;
}

static int start_conductor(const struct store *s, const char *pod_id, bool adopt, int *ret_report,
			   struct error *err)
{
	cleanup_free char *monitor = NULL;
	char *argv[] = { (char *)(uintptr_t) "podium-monitor",
			 (char *)(uintptr_t) "conductor",
			 s->root,
			 s->runroot,
			 (char *)(uintptr_t)pod_id,
			 NULL };
	struct proc_spawn sp = { .argv = argv, .stdio = { -1, -1, -1 }, .new_session = true };
	int fds[2], r;

	r = connect_or_outwait(s, pod_id, ret_report, err);
	if (r != 0)
		return r;
	r = proc_helper_path("podium-monitor", &monitor, err);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return error_errno(err, "socketpair");
	sp.path = monitor;
	sp.pass_fd = fds[1];
	if (adopt)
		(void)ctl_send(fds[0], CTL_ADOPT, 0, NULL);
	r = proc_spawn(&sp, NULL, err);
	(void)close(fds[1]);
	if (r < 0) {
		(void)close(fds[0]);
		return r;
	}
	*ret_report = fds[0];
	return 0;
}

int pod_start(const struct store *s, const char *pod_id, int *ret_report, struct error *err)
{
	return start_conductor(s, pod_id, false, ret_report, err);
}

int pod_adopt(const struct store *s, const char *pod_id, int *ret_report, struct error *err)
{
	return start_conductor(s, pod_id, true, ret_report, err);
}

int pod_stop_begin(const struct store *s, const char *pod_id, int64_t grace_ms, bool to_remove,
		   int *ret_fd, struct error *err)
{
	int fd, r;

	if (!is_pod_conducted(s, pod_id))
		return error_set(err, ENOENT, "pod '%.12s' has no conductor", pod_id);
	fd = connect_conductor(s, pod_id, err);
	if (fd < 0)
		return fd;
	r = ctl_send(fd, CTL_STOP, grace_ms > INT32_MAX ? INT32_MAX : (int32_t)grace_ms,
		     to_remove ? CTL_TO_REMOVE : NULL);
	if (r < 0) {
		(void)close(fd);
		return error_set(err, -r, "conductor of pod '%.12s' does not listen", pod_id);
	}
	*ret_fd = fd;
	return 0;
}

/* A pidfd of the conductor at the other end, so that its exit can be waited for; or -1. */
static int open_peer(int fd)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
		return -1;
	return (int)syscall(SYS_pidfd_open, peer.pid, 0);
}

int pod_stop_end(const struct store *s, const char *pod_id, int fd, int timeout_ms,
		 struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int peer = open_peer(fd);
	struct ctl_msg msg = { 0 };
	int r;

	do {
		r = ctl_wait(fd, timeout_ms, &msg);
	} while (r > 0 && msg.type != CTL_DONE);
	(void)close(fd);
	if (r >= 0 && peer >= 0) /* its cgroup is free when it is gone */
		(void)pidfd_wait_exit(peer, CONDUCTOR_EXIT_MS);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "pod '%.12s' did not stop in time", pod_id);
	/* The lock is released a moment after the last word. */
	r = lock_take(s->rootfd, layout_pod(path, pod_id, CONDUCTOR_LOCK), LOCK_EXCLUSIVE,
		      CONDUCTOR_WAIT_MS, err);
	if (r < 0)
		return r == -ENOENT || r == -ESTALE ? 0 : r;
	(void)close(r);
	if (r >= 0 && msg.type != CTL_DONE)
		return pod_run_down(s, pod_id, err); /* it died on the way */
	return 0;
}

int pod_run_down(const struct store *s, const char *pod_id, struct error *err)
{
	struct pod_run run;
	int r = pod_run_open(&run, s, pod_id, false, err);

	if (r < 0)
		return r;
	r = run_stages_down(&run, err);
	pod_run_close(&run);
	return r < 0 ? error_wrap(err, "pod '%.12s'", pod_id) : 0;
}
