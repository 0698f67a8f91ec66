/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start - the CLI's side of a running pod: starts its conductor, asks it to stop, cleans up after a
 * dead one.
 *
 * Theory of operation: the conductor is podium-monitor in its conductor role, in a session of its
 * own; the CLI holds one end of a socket pair and only watches. Whoever wants a pod to stop asks
 * the conductor through the infra container's ctl.sock. When no conductor holds its lock, the downs of
 * the run stages are walked here, from the records, holding the pod's lock (else it could be removed
 * meanwhile) and the conductor's (else it could be started). A conductor that is ending may close the
 * socket at any moment, also before it has read an order: who gets no answer asks again. One whose
 * socket is not there at all, since the run directory was removed, is killed: what it conducted is then
 * ended as that of any conductor that has died.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "engine/base/clock.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/logs/logdriver.h"
#include "engine/process/ctl.h"
#include "engine/pod/internal.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/pod/run.h"
#include "engine/state/status.h"

#define CONDUCTOR_WAIT_MS 10000
#define POD_WAIT_MS	  10000
#define ORDER_WAIT_MS	  60000
#define DEAF_MS		  10000 /* a conductor that nobody can talk to is passed over then */
#define APPEAR_MS	  500	/* one that begins has its lock before its socket */
#define OUTWAIT_MS	  60000
#define OUTWAIT_STEP_MS	  5
#define CONDUCTOR_EXIT_MS 1000

bool is_pod_conducted(const struct store *s, const char *pod_id)
{
	char path[LAYOUT_PATH_MAX];

	return is_lock_held(s->rootfd, layout_pod(path, pod_id, CONDUCTOR_LOCK));
}

/* What a container's record says is that of its conductor: an infra container, or one by itself. */
static bool is_conducted_by(const struct container_status *st, const char *pod_id)
{
	return (st->infra || st->solo) && is_equal(st->pod_id, pod_id);
}

/* The pod's record is damaged: the infra container's own says whose it is. */
static int connect_by_scan(const struct store *s, const char *pod_id, struct error *err)
{
	cleanup_strlist struct strlist all = { 0 };
	int r = lookup_list_containers(s, &all, err);

	for (size_t i = 0; i < all.n && r == 0; i++) {
		struct container_status st = { 0 };
		struct error scratch;
		bool is_it = status_read(s, all.v[i], &st, &scratch) == 0 &&
			     is_conducted_by(&st, pod_id);
		bool infra = st.infra;

		status_done(&st);
		if (is_it)
			return ctl_connect_name(s, all.v[i], infra ? CTL_SOCKET : CTL_SOLO_SOCKET,
						err);
	}
	return r < 0 ? r : error_set(err, ENOENT, "pod has no infra container");
}

static int connect_conductor(const struct store *s, const char *pod_id, struct error *err)
{
	struct pod_spec pod = { 0 };
	struct error scratch;
	int r = lookup_read_pod(s, pod_id, &pod, &scratch);

	if (r == 0 && pod.infra_id)
		r = ctl_connect(s, pod.infra_id, err);
	else if (r == 0 && pod.solo && pod.containers.n == 1)
		r = ctl_connect_name(s, pod.containers.v[0].id, CTL_SOLO_SOCKET, err);
	else
		r = connect_by_scan(s, pod_id, err);
	record_done(&pod_spec_type, &pod);
	return r;
}

/* The record that tells how the pod is: of its infra container, or of the one that has none. *ret
 * is zeroed when it cannot be read. */
static void read_life(const struct store *s, const char *pod_id, char ret_id[65],
		      struct container_status *ret)
{
	struct pod_spec pod = { 0 };
	struct error scratch;
	const char *id = NULL;

	*ret = (struct container_status){ 0 };
	*ret_id = '\0';
	if (lookup_read_pod(s, pod_id, &pod, &scratch) == 0)
		id = pod.infra_id ? pod.infra_id
				  : (pod.containers.n == 1 ? pod.containers.v[0].id : NULL);
	if (id && is_id(id) && status_read(s, id, ret, &scratch) == 0)
		memcpy(ret_id, id, 65);
	record_done(&pod_spec_type, &pod);
}

/* A conductor that is on its way down says so there. */
static bool is_being_stopped(const struct store *s, const char *pod_id)
{
	struct container_status st;
	char id[65];
	bool stopping;

	read_life(s, pod_id, id, &st);
	stopping = *id && (st.state == STATE_STOPPING || st.state == STATE_EXITED);
	status_done(&st);
	return stopping;
}

void pod_tell_changed(const struct store *s, const char *pod_id)
{
	struct error scratch; /* the next conductor reads the record anyway */
	cleanup_close int fd = -EBADF;

	if (!is_pod_conducted(s, pod_id))
		return;
	fd = connect_conductor(s, pod_id, &scratch);
	if (fd >= 0)
		(void)ctl_send(fd, CTL_CHANGED, 0, NULL);
}

/* What start_conductor() shall do. */
struct start_order {
	const char *container_id; /* or NULL */
	bool adopt;
	bool has_stdio; /* containers get the descriptors of this process */
	bool hold;	/* initialize it */
};

static int send_order(int fd, const struct start_order *o)
{
	static const int standard_streams[CTL_FDS_MAX] = { 0, 1, 2 };

	return ctl_send_with_fds(fd, CTL_START, o->hold ? CTL_HOLD : 0, o->container_id,
				 standard_streams, o->has_stdio ? CTL_FDS_MAX : 0);
}

/* Orders a conductor to start something: 1 when it has heard; 0: it is ending and takes no orders. */
static int order_start(int fd, const struct start_order *o, struct error *err)
{
	struct ctl_msg msg;
	int r = send_order(fd, o);

	if (r == 0)
		r = ctl_send(fd, CTL_SUBSCRIBE, 0, NULL);
	if (r == 0)
		r = ctl_wait(fd, ORDER_WAIT_MS, &msg);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "the pod's conductor does not answer");
	if (r <= 0 || msg.type == CTL_DONE || (msg.type == CTL_FAILED && msg.value == CTL_STOPPING))
		return 0;
	return msg.type == CTL_FAILED ? error_set(err, EIO, "%s", msg.text) : 1;
}

static int ask_conductor(const struct store *s, const char *pod_id, const struct start_order *o,
			 int *ret_fd, struct error *err)
{
	cleanup_close int fd = connect_conductor(s, pod_id, err);
	int r = fd;

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return 0;
	if (fd >= 0 && o->adopt)
		r = ctl_send(fd, CTL_SUBSCRIBE, 0, NULL) == 0;
	else if (fd >= 0)
		r = order_start(fd, o, err);
	if (r > 0)
		*ret_fd = steal_fd(&fd);
	return r;
}

/* Gives the order to the pod's conductor: 1; 0 when it has none (any more). One that ends is waited
 * for, since it takes no orders; it may do so between any two steps of this. */
static int ask_or_outwait(const struct store *s, const char *pod_id, const struct start_order *o,
			  int *ret_fd, struct error *err)
{
	int64_t deadline = clock_mono_ms() + OUTWAIT_MS;

	while (is_pod_conducted(s, pod_id)) {
		int r = is_being_stopped(s, pod_id) ? 0 : ask_conductor(s, pod_id, o, ret_fd, err);

		if (r != 0)
			return r;
		if (clock_mono_ms() >= deadline)
			return error_set(err, ETIMEDOUT, "pod '%.12s' is still being stopped",
					 pod_id);
		(void)usleep(OUTWAIT_STEP_MS * 1000);
	}
	return 0;
}

static int start_conductor(const struct store *s, const char *pod_id, const struct start_order *o,
			   int *ret_report, struct error *err)
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

	r = ask_or_outwait(s, pod_id, o, ret_report, err);
	if (r != 0)
		return r;
	r = proc_helper_path("podium-monitor", &monitor, err);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return error_errno(err, "socketpair");
	sp.path = monitor;
	sp.pass_fd = fds[1];
	if (o->adopt)
		(void)ctl_send(fds[0], CTL_ADOPT, 0, NULL);
	else if (o->container_id || o->has_stdio)
		(void)send_order(fds[0], o);
	r = proc_spawn(&sp, NULL, err);
	(void)close(fds[1]);
	if (r < 0) {
		(void)close(fds[0]);
		return r;
	}
	*ret_report = fds[0];
	return 0;
}

/* What an addition has left that was killed; not when somebody adds a container just now. */
static void drop_half_added(const struct store *s, const char *pod_id)
{
	char path[LAYOUT_PATH_MAX];
	struct error scratch;
	cleanup_close int lock = -EBADF;

	if (faccessat(s->rootfd, layout_pod(path, pod_id, POD_ADDING_FILE), F_OK, 0) == 0)
		lock = lock_take(s->rootfd, layout_pod(path, pod_id, POD_LOCK), LOCK_EXCLUSIVE, 0,
				 &scratch);
	if (lock >= 0) {
		error_ignore(pod_drop_half_added(s, pod_id, &scratch));
		(void)close(steal_fd(&lock));
	}
}

static int begin_containers(const struct store *s, const char *pod_id, struct start_order *o,
			    int *ret_report, struct error *err)
{
	drop_half_added(s, pod_id);
	if (o->hold && is_passing_streams(s, o->container_id))
		return error_set(
			err, EINVAL,
			"log driver 'passthrough': the streams of container '%.12s' are those "
			"of the command that starts it, so it cannot be initialized before: "
			"start it",
			o->container_id);
	o->has_stdio = is_start_passing(s, pod_id, o->container_id);
	if (o->has_stdio && log_check_streams(err) < 0)
		return -err->code;
	return start_conductor(s, pod_id, o, ret_report, err);
}

int pod_start(const struct store *s, const char *pod_id, const char *container_id, int *ret_report,
	      struct error *err)
{
	struct start_order o = { .container_id = container_id };

	return begin_containers(s, pod_id, &o, ret_report, err);
}

int pod_initialize(const struct store *s, const char *pod_id, const char *container_id,
		   int *ret_report, struct error *err)
{
	struct start_order o = { .container_id = container_id, .hold = true };

	return begin_containers(s, pod_id, &o, ret_report, err);
}

int pod_adopt(const struct store *s, const char *pod_id, int *ret_report, struct error *err)
{
	const struct start_order o = { .adopt = true };

	return start_conductor(s, pod_id, &o, ret_report, err);
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
	if (grace_ms < 0)
		grace_ms = CTL_OWN_GRACE;
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

int run_await_stop(const struct store *s, const char *pod_id, int fd, int timeout_ms,
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
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "pod '%.12s' did not stop in time", pod_id);
	/* Its cgroup and its lock are free when it is gone; who holds the lock then has started the
	 * pod again. */
	if (r >= 0 && peer >= 0 && pidfd_wait_exit(peer, CONDUCTOR_EXIT_MS) == 0)
		return msg.type != CTL_DONE;
	r = lock_take(s->rootfd, layout_pod(path, pod_id, CONDUCTOR_LOCK), LOCK_EXCLUSIVE,
		      CONDUCTOR_WAIT_MS, err);
	if (r < 0)
		return r == -ENOENT || r == -ESTALE ? 0 : r;
	(void)close(r);
	return msg.type != CTL_DONE;
}

static int run_down_from_records(const struct store *s, const char *pod_id, bool to_remove,
				 struct error *err)
{
	struct pod_run run;
	int r = pod_run_open(&run, s, pod_id, false, err);

	if (r < 0)
		return r;
	run.to_remove = to_remove;
	r = run_stages_down(&run, err);
	pod_run_close(&run);
	return r < 0 ? error_wrap(err, "pod '%.12s'", pod_id) : 0;
}

/* The longest that any container of the pod has to end in. */
static int64_t own_grace_ms(const struct store *s, const char *pod_id)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* what cannot be read has no wish of its own */
	int64_t most = PLAYED_GRACE_SECONDS;

	if (lookup_read_pod(s, pod_id, &pod, &scratch) == 0)
		most = pod_grace_seconds(&pod);
	for (size_t i = 0; i < pod.containers.n; i++) {
		struct container_spec c = { 0 };

		if (lookup_read_container(s, pod.containers.v[i].id, &c, &scratch) == 0 &&
		    c.stop_timeout_s.set && c.stop_timeout_s.value > most)
			most = c.stop_timeout_s.value;
		record_done(&container_spec_type, &c);
	}
	record_done(&pod_spec_type, &pod);
	return most > INT32_MAX / 1000 ? INT32_MAX : most * 1000;
}

static int stop_limit_ms(int64_t grace_ms)
{
	return grace_ms > INT32_MAX - OUTWAIT_MS ? INT32_MAX : (int)grace_ms + OUTWAIT_MS;
}

bool is_pod_orphaned(const struct store *s, const char *pod_id)
{
	struct container_status st;
	bool lost = false;
	char id[65];

	read_life(s, pod_id, id, &st);
	if (*id)
		(void)status_live(s, id, &st, &lost);
	status_done(&st);
	return lost;
}

/* The conductor has died, but not what it conducted: another one stops that, in order and within its
 * grace. A stop that had begun already goes on with what is left of its time, as the record says. 1:
 * there is nothing to stop so, or nobody could be found to do it. */
static int stop_by_another(const struct store *s, const char *pod_id, int64_t grace_ms,
			   bool to_remove, struct error *err)
{
	int64_t deadline = clock_mono_ms() + OUTWAIT_MS;
	cleanup_close int report = -EBADF;
	struct ctl_msg msg;
	struct error scratch;

	if (grace_ms <= 0 || !is_pod_orphaned(s, pod_id) ||
	    pod_adopt(s, pod_id, &report, &scratch) < 0)
		return 1;
	while (clock_mono_ms() < deadline) {
		int fd;

		if (pod_stop_begin(s, pod_id, grace_ms, to_remove, &fd, &scratch) == 0)
			return run_await_stop(s, pod_id, fd, stop_limit_ms(grace_ms), err);
		if (ctl_wait(report, OUTWAIT_STEP_MS, &msg) == 0)
			break; /* it has ended already */
	}
	return 1;
}

int pod_stop_end(const struct store *s, const char *pod_id, int fd, int64_t grace_ms,
		 bool to_remove, struct error *err)
{
	int r;

	if (grace_ms < 0)
		grace_ms = own_grace_ms(s, pod_id);
	r = run_await_stop(s, pod_id, fd, stop_limit_ms(grace_ms), err);
	if (r == 1)
		r = stop_by_another(s, pod_id, grace_ms, to_remove, err);
	return r == 1 ? pod_run_down(s, pod_id, false, err) : r;
}

/* Its conductor has no socket. -EBUSY: nor is it one that can be killed. */
static int stop_without_socket(const struct store *s, const char *pod_id, int64_t grace_ms,
			       bool to_remove, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int r = run_kill_holder(s, layout_pod(path, pod_id, CONDUCTOR_LOCK), err);

	if (r < 0)
		return r;
	if (grace_ms > 0)
		run_end_unheard(s, pod_id, grace_ms);
	return pod_run_down(s, pod_id, to_remove, err);
}

int pod_stop_unheard(const struct store *s, const char *pod_id, int64_t grace_ms, bool to_remove,
		     struct error *err)
{
	int64_t begun = clock_mono_ms();

	if (grace_ms < 0)
		grace_ms = own_grace_ms(s, pod_id);
	for (;;) {
		struct error scratch; /* not listening yet, or not any more */
		int fd, asked, r = stop_by_another(s, pod_id, grace_ms, to_remove, err);

		if (r == 1)
			r = pod_run_down(s, pod_id, to_remove, err);
		if (r != -EBUSY)
			return r;
		asked = pod_stop_begin(s, pod_id, grace_ms, to_remove, &fd, &scratch);
		if (asked == 0)
			return pod_stop_end(s, pod_id, fd, grace_ms, to_remove, err);
		if (asked == -ENOENT && clock_mono_ms() >= begun + APPEAR_MS)
			r = stop_without_socket(s, pod_id, grace_ms, to_remove, err);
		if (r != -EBUSY)
			return r;
		if (clock_mono_ms() >= begun + DEAF_MS)
			return run_down_from_records(s, pod_id, to_remove, err);
		(void)usleep(OUTWAIT_STEP_MS * 1000);
	}
}

/* ---- without a conductor ---------------------------------------------------------------- */

/* Keeps conductors from starting. A lock file that cannot be made is held by nobody. */
static int lock_out_conductors(const struct store *s, const char *pod_id, int *ret_fd,
			       struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int r = lock_take(s->rootfd, layout_pod(path, pod_id, CONDUCTOR_LOCK), LOCK_EXCLUSIVE,
			  LOCK_PROBE_MS, err);

	if (r == -ETIMEDOUT)
		return error_set(err, EBUSY, "pod '%.12s' has a conductor", pod_id);
	*ret_fd = r;
	return r >= 0 || r == -ENOENT || r == -ENOSPC || r == -EDQUOT || r == -EROFS ? 0 : r;
}

int run_down_unconducted(const struct store *s, const char *pod_id, bool to_remove,
			 struct error *err)
{
	cleanup_close int lock = -EBADF;
	int r = lock_out_conductors(s, pod_id, &lock, err);

	return r < 0 ? r : run_down_from_records(s, pod_id, to_remove, err);
}

int pod_run_down(const struct store *s, const char *pod_id, bool to_remove, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int lock = lock_take(s->rootfd, layout_pod(path, pod_id, POD_LOCK),
					   LOCK_EXCLUSIVE, POD_WAIT_MS, err);

	if (lock == -ENOENT || lock == -ESTALE)
		return 0; /* removed meanwhile, and that after its end */
	if (lock < 0)
		return error_wrap(err, "stop pod '%.12s'", pod_id);
	return run_down_unconducted(s, pod_id, to_remove, err);
}
