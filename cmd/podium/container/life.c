/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life - what a verb does to one container.
 *
 * Theory of operation: a container of a pod is started by the pod's conductor (which is started when
 * the pod is down), stopped, signalled and paused by its monitor, and removed from its pod's record.
 * One that stands by itself is stopped and removed as the pod that it is. When its monitor is lost, its
 * first process is signalled through a pidfd that matches the record, thawed, and its end written down.
 *
 * One that is initialized is a prepared process that waits for its exec: a start lets it go, a stop ends
 * it at once, since it has nothing to say.
 *
 * A monitor may end at any moment, also between the look at the record and the order: whoever gets no
 * answer looks again. One that serves too many at a time is asked again a little later.
 */
#include "cmd/podium/container/life.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/container/lifeoptions.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/clock.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/pod/run.h"
#include "engine/process/ctl.h"
#include "engine/state/status.h"

#define STOP_MARGIN_MS	30000
#define START_WAIT_MS	60000
#define REMOVAL_WAIT_MS 10000
#define ANSWER_MS	10000
#define KILL_WAIT_MS	10000
#define ASK_AGAIN_MS	10000
#define ASK_AGAIN_US	20000
#define REQUIRED_DEPTH	32

const char *life_state_name(enum container_state state)
{
	return state == STATE_CREATED ? "configured" : container_state_names[state];
}

/* The record as it is now. The caller calls status_done(). */
static int look(const struct store *s, const char *id, struct container_status *st, bool *ret_lost,
		struct error *err)
{
	int r = status_read(s, id, st, err);

	*ret_lost = false;
	if (r == 0)
		(void)status_live(s, id, st, ret_lost);
	return r;
}

/* ---- asking its monitor ----------------------------------------------------------------- */

struct request {
	enum ctl_type type;
	int32_t value;
	bool until_done; /* the answer is the end of the run, else CTL_OK or CTL_FAILED */
	int64_t timeout_ms;
};

static bool is_crowded(const struct ctl_msg *msg)
{
	return msg->type == CTL_FAILED && is_equal(msg->text, "too many clients");
}

/* One try. 1: done; 0: ask again; -ENOENT: there is no monitor (any more). */
static int ask_once(const struct store *s, const char *id, const struct request *q,
		    struct error *err)
{
	cleanup_close int fd = ctl_connect(s, id, err);
	int64_t deadline = clock_mono_ms() + q->timeout_ms;
	struct ctl_msg msg;
	int r;

	if (fd < 0)
		return fd == -ECONNREFUSED ? -ENOENT : fd;
	r = ctl_send(fd, q->type, q->value, NULL);
	while (r == 0) {
		int64_t left = deadline - clock_mono_ms();

		r = ctl_wait(fd, left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left, &msg);
		if (r == 0 && q->until_done)
			return 1;
		if (r > 0 && is_crowded(&msg))
			return 0;
		if (r > 0 && msg.type == CTL_FAILED && !q->until_done)
			return error_set(err, EINVAL, "%s", msg.text);
		if (r > 0 && msg.type == (q->until_done ? CTL_DONE : CTL_OK))
			return 1;
		if (r <= 0)
			break;
		r = 0;
	}
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		return -ENOENT;
	return error_set(err, -r, "monitor of container '%.12s' does not answer", id);
}

static int ask_monitor(const struct store *s, const char *id, const struct request *q,
		       struct error *err)
{
	int64_t end = clock_mono_ms() + ASK_AGAIN_MS;
	int r;

	while ((r = ask_once(s, id, q, err)) == 0) {
		if (clock_mono_ms() >= end)
			return error_set(err, EBUSY, "monitor of container '%.12s' is too busy",
					 id);
		(void)usleep(ASK_AGAIN_US);
	}
	return r > 0 ? 0 : r;
}

/* It has a monitor, whose socket is gone with the run directory: as good as lost. */
static bool is_unreachable(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];

	return is_lock_held(s->rootfd, layout_container(path, id, MONITOR_LOCK)) &&
	       (s->runfd < 0 || faccessat(s->runfd, layout_container(path, id, NULL), F_OK,
					  AT_SYMLINK_NOFOLLOW) < 0);
}

/* ---- stop ------------------------------------------------------------------------------- */

static int64_t own_grace_ms(const struct store *s, const char *id,
			    const struct container_status *st)
{
	struct container_spec c = { 0 };
	struct pod_spec pod = { 0 };
	struct error scratch; /* what cannot be read has the default */
	int64_t grace = PLAYED_GRACE_SECONDS;

	if (lookup_read_container(s, id, &c, &scratch) == 0 && c.stop_timeout_s.set)
		grace = c.stop_timeout_s.value;
	else if (st->pod_id && lookup_read_pod(s, st->pod_id, &pod, &scratch) == 0)
		grace = pod_grace_seconds(&pod);
	record_done(&container_spec_type, &c);
	record_done(&pod_spec_type, &pod);
	return grace < 0 || grace > GRACE_FOREVER ? (int64_t)GRACE_FOREVER * 1000 : grace * 1000;
}

/* Its monitor is lost: by pidfd, then its end is written down. */
static int stop_lost(const struct store *s, const char *id, const struct container_status *st,
		     int64_t grace_ms, struct error *err)
{
	struct error scratch; /* gone already */
	cleanup_close int fd = status_open_process(st, &scratch);

	if (fd >= 0 && grace_ms > 0) {
		(void)pidfd_signal(fd, SIGTERM);
		run_thaw_container(st->pod_id, id);
		(void)pidfd_wait_exit(fd, (int)grace_ms);
	}
	return run_end_container(s, id, err);
}

/* A container that is the pod, or holds it. */
static int stop_pod_of(const struct store *s, const struct container_status *st, int64_t grace_s,
		       struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };

	strlist_add(&pods, st->pod_id);
	return pods_stop(s, &pods, grace_s, err);
}

static int stop_as_it_is(const struct store *s, const char *id, const struct container_status *st,
			 bool lost, int64_t grace_s, struct error *err)
{
	int64_t grace_ms;
	struct request q = { .type = CTL_STOP, .until_done = true };
	int r;

	if (st->infra && st->pod_id)
		return stop_pod_of(s, st, grace_s, err);
	grace_ms = grace_s >= 0 ? grace_s * 1000 : own_grace_ms(s, id, st);
	if (st->solo && st->pod_id)
		return stop_pod_of(s, st, grace_ms / 1000, err);
	if (st->state == STATE_CREATED || st->state == STATE_EXITED)
		return 0;
	if (lost)
		return stop_lost(s, id, st, grace_ms, err);
	q.value = (int32_t)(grace_ms > INT32_MAX ? INT32_MAX : grace_ms);
	q.timeout_ms = grace_ms + STOP_MARGIN_MS;
	r = ask_monitor(s, id, &q, err);
	return r == -ENOENT && is_unreachable(s, id) ? stop_lost(s, id, st, grace_ms, err) : r;
}

int container_stop(const struct store *s, const char *id, int64_t grace_s, struct error *err)
{
	int64_t end = clock_mono_ms() + ASK_AGAIN_MS;
	int r;

	do { /* a monitor that has just ended wrote why: look again */
		struct container_status st = { 0 };
		bool lost;

		r = look(s, id, &st, &lost, err);
		if (r < 0)
			return r;
		r = stop_as_it_is(s, id, &st, lost, grace_s, err);
		status_done(&st);
		if (r == -ENOENT)
			(void)usleep(ASK_AGAIN_US);
	} while (r == -ENOENT && clock_mono_ms() < end);
	return r;
}

/* ---- start ------------------------------------------------------------------------------ */

static bool is_in_state(const struct store *s, const char *id, enum container_state state)
{
	struct container_status st = { 0 };
	struct error scratch;
	bool lost, is_it = false;

	if (look(s, id, &st, &lost, &scratch) == 0)
		is_it = st.state == (int)state;
	status_done(&st);
	return is_it;
}

/* What a conductor is asked for: pod_start() or pod_initialize(), and what it leads to. */
struct beginning {
	int (*order)(const struct store *s, const char *pod_id, const char *container_id,
		     int *ret_report, struct error *err);
	enum container_state state;
	const char *word;
};
static const struct beginning to_start = { pod_start, STATE_RUNNING, "start" };
static const struct beginning to_initialize = { pod_initialize, STATE_INITIALIZED, "initialize" };

/* Asks the pod's conductor; waits until the monitor says that the container runs or has failed.
 * -EAGAIN: to be asked again. */
static int ask_conductor(const struct store *s, const char *pod_id, const char *id,
			 const struct beginning *b, struct error *err)
{
	cleanup_close int fd = -EBADF;
	struct ctl_msg msg;
	int r = b->order(s, pod_id, id, &fd, err);

	if (r < 0)
		return r;
	do {
		r = ctl_wait(fd, START_WAIT_MS, &msg);
		if (r > 0 && msg.type == CTL_WARNING)
			command_print_warning(msg.text);
	} while (r > 0 && msg.type != CTL_FAILED && msg.type != CTL_DONE && msg.type != CTL_UP);
	if (r > 0 && msg.type == CTL_UP)
		return 0;
	if (r > 0 && msg.type == CTL_FAILED && msg.value == CTL_STOPPING)
		return error_set(err, EAGAIN, "%s", msg.text);
	if (r > 0 && *msg.text)
		return error_set(err, EIO, "%s", msg.text);
	return is_in_state(s, id, b->state)
		       ? 0
		       : error_set(err, EIO, "container '%.12s' did not %s", id, b->word);
}

/* Two who start the pod at the same time begin two conductors: the one that was not quick enough says
 * so, and the other is asked. */
static int ask_some_conductor(const struct store *s, const char *pod_id, const char *id,
			      const struct beginning *b, struct error *err)
{
	int64_t end = clock_mono_ms() + ASK_AGAIN_MS;
	int r;

	while ((r = ask_conductor(s, pod_id, id, b, err)) == -EAGAIN && clock_mono_ms() < end)
		(void)usleep(ASK_AGAIN_US);
	return r;
}

static int start_at_depth(const struct store *s, const char *id, int depth, struct error *err);

static int start_required(const struct store *s, const char *id, int depth, struct error *err)
{
	struct container_spec c = { 0 };
	int r = lookup_read_container(s, id, &c, err);

	if (r == 0 && depth >= REQUIRED_DEPTH && c.required.n)
		r = error_set(err, ELOOP, "container '%.12s' requires too many others", id);
	for (size_t i = 0; i < c.required.n && r == 0; i++)
		r = start_at_depth(s, c.required.v[i], depth + 1, err);
	record_done(&container_spec_type, &c);
	return r;
}

int container_start_required(const struct store *s, const char *id, struct error *err)
{
	return start_required(s, id, 0, err);
}

static int start_at_depth(const struct store *s, const char *id, int depth, struct error *err)
{
	struct container_status st = { 0 };
	bool lost;
	int r = look(s, id, &st, &lost, err);

	if (r == 0 && st.state == STATE_PAUSED)
		r = error_set(err, EINVAL,
			      "unable to start container \"%s\": container %s must be in Created "
			      "or Stopped state to be started: container state improper",
			      id, id);
	if (r == 0 && st.state != STATE_RUNNING) {
		if (!st.pod_id)
			r = error_set(err, EINVAL, "container '%.12s' is in no pod", id);
		if (r == 0 && !st.infra)
			r = start_required(s, id, depth, err);
		if (r == 0)
			r = ask_some_conductor(s, st.pod_id, id, &to_start, err);
	}
	status_done(&st);
	return r;
}

int container_start(const struct store *s, const char *id, struct error *err)
{
	return start_at_depth(s, id, 0, err);
}

/* ---- init ------------------------------------------------------------------------------- */

static int check_initialize(const char *id, const struct container_status *st, struct error *err)
{
	if (st->infra)
		return error_set(err, EINVAL,
				 "container %s is the infra container of pod %s: it runs when a "
				 "container of the pod is initialized or started",
				 id, st->pod_name ? st->pod_name : "?");
	if (st->init)
		return error_set(err, EINVAL,
				 "container %s is an init container: it runs when its pod is "
				 "started",
				 id);
	if (st->state != STATE_CREATED && st->state != STATE_EXITED)
		return error_set(err, EINVAL,
				 "container %s has already been created in runtime: container "
				 "state improper",
				 id);
	return st->pod_id ? 0 : error_set(err, EINVAL, "container '%.12s' is in no pod", id);
}

/* By itself it does not start others; in a pod it does, as Podman. */
static int check_required(const struct store *s, const char *id, struct error *err)
{
	struct container_spec c = { 0 };
	int r = lookup_read_container(s, id, &c, err);

	for (size_t i = 0; i < c.required.n && r == 0; i++)
		if (!is_in_state(s, c.required.v[i], STATE_RUNNING))
			r = error_set(err, EINVAL,
				      "some dependencies of container %s are not started: %s: "
				      "container state improper",
				      id, c.required.v[i]);
	record_done(&container_spec_type, &c);
	return r;
}

int container_initialize(const struct store *s, const char *id, struct error *err)
{
	struct container_status st = { 0 };
	bool lost;
	int r = look(s, id, &st, &lost, err);

	if (r == 0)
		r = check_initialize(id, &st, err);
	if (r == 0)
		r = st.solo ? check_required(s, id, err) : start_required(s, id, 0, err);
	if (r == 0)
		r = ask_some_conductor(s, st.pod_id, id, &to_initialize, err);
	status_done(&st);
	return r;
}

/* ---- kill ------------------------------------------------------------------------------- */

/* Without its monitor; the infra's process has none of its own. */
static int kill_by_pidfd(const struct container_status *st, const char *id, int sig,
			 struct error *err)
{
	cleanup_close int fd = status_open_process(st, err);
	int r = fd < 0 ? fd : pidfd_signal(fd, sig);

	if (r == 0 && sig == SIGKILL) {
		run_thaw_container(st->pod_id, id);
		(void)pidfd_wait_exit(fd, KILL_WAIT_MS);
	}
	return r < 0 ? error_set(err, -r, "kill container '%.12s': %s", id, strerror(-r)) : 0;
}

static bool has_ended(const struct store *s, const char *id, uint32_t pid)
{
	struct container_status st = { 0 };
	struct error scratch; /* removed: it has ended */
	bool lost, ended = true;

	if (look(s, id, &st, &lost, &scratch) == 0)
		ended = st.pid != pid || st.state == STATE_EXITED;
	status_done(&st);
	return ended;
}

/* Until the record says so: the process of a container that is killed is gone at once. */
static void await_end(const struct store *s, const char *id, uint32_t pid)
{
	int64_t end = clock_mono_ms() + KILL_WAIT_MS;

	for (useconds_t us = 200; !has_ended(s, id, pid) && clock_mono_ms() < end;
	     us = us < ASK_AGAIN_US ? us * 2 : us)
		(void)usleep(us);
}

static int not_killable(const char *id, enum container_state state, struct error *err)
{
	return error_set(err, EINVAL,
			 "can only kill running containers. %s is in state %s: container state "
			 "improper",
			 id, life_state_name(state));
}

/* The end of an infra container is that of its pod: else the conductor would build it anew. */
static bool is_ending_signal(int sig)
{
	return sig == SIGKILL || sig == SIGTERM || sig == SIGINT || sig == SIGQUIT;
}

int container_kill(const struct store *s, const char *id, int sig, struct error *err)
{
	const struct request q = { .type = CTL_SIGNAL, .value = sig, .timeout_ms = ANSWER_MS };
	struct container_status st = { 0 };
	bool lost;
	int r = look(s, id, &st, &lost, err);

	if (r == 0 && st.state != STATE_RUNNING && st.state != STATE_STOPPING &&
	    st.state != STATE_PAUSED)
		r = not_killable(id, (enum container_state)st.state, err);
	else if (r == 0 && st.infra && st.pod_id && is_ending_signal(sig))
		r = stop_pod_of(s, &st, sig == SIGKILL ? 0 : GRACE_OWN, err);
	else if (r == 0 && (st.infra || lost))
		r = kill_by_pidfd(&st, id, sig, err);
	else if (r == 0)
		r = ask_monitor(s, id, &q, err);
	if (r == -ENOENT && is_unreachable(s, id)) {
		lost = true;
		r = kill_by_pidfd(&st, id, sig, err);
	}
	if (r == -ENOENT) /* it ended meanwhile */
		r = not_killable(id, STATE_EXITED, err);
	if (r == 0 && sig == SIGKILL && !st.infra && !lost)
		await_end(s, id, st.pid);
	if (r == 0 && sig == SIGKILL && lost && !st.infra)
		r = run_end_container(s, id, err);
	status_done(&st);
	return r;
}

/* ---- pause ------------------------------------------------------------------------------ */

static int check_pause(const char *id, const struct container_status *st, bool lost, bool on,
		       struct error *err)
{
	if (on && st->state == STATE_PAUSED)
		return error_set(err, EINVAL, "\"%s\" is already paused: container state improper",
				 id);
	if (on && st->state != STATE_RUNNING)
		return error_set(err, EINVAL,
				 "\"%s\" is not running, can't pause: container state improper",
				 life_state_name((enum container_state)st->state));
	if (!on && st->state != STATE_PAUSED)
		return error_set(err, EINVAL,
				 "\"%s\" is not paused, can't unpause: container state improper",
				 id);
	if (st->infra)
		return error_set(err, EINVAL,
				 "container '%.12s' is the infra container of pod '%s': pause the "
				 "pod",
				 id, st->pod_name ? st->pod_name : "?");
	if (lost)
		return error_set(
			err, EINVAL,
			"the monitor of container '%.12s' is lost: `podium restart %.12s` starts "
			"it anew with one",
			id, id);
	return 0;
}

int container_pause(const struct store *s, const char *id, bool on, struct error *err)
{
	const struct request q = { .type = on ? CTL_PAUSE : CTL_UNPAUSE, .timeout_ms = ANSWER_MS };
	struct container_status st = { 0 };
	bool lost;
	int r = look(s, id, &st, &lost, err);

	if (r == 0)
		r = check_pause(id, &st, lost, on, err);
	if (r == 0)
		r = ask_monitor(s, id, &q, err);
	if (r == -ENOENT) {
		st.state = STATE_EXITED;
		r = check_pause(id, &st, false, on, err);
	}
	status_done(&st);
	return r;
}

int container_hold(const struct store *s, const char *id, bool on, struct error *err)
{
	const struct request q = { .type = on ? CTL_PAUSE : CTL_UNPAUSE, .timeout_ms = ANSWER_MS };
	int r = ask_monitor(s, id, &q, err);

	return r == -ENOENT ? 0 : r;
}

/* ---- remove ----------------------------------------------------------------------------- */

/* Its own record cannot be read, or the pod that it names is not there. */
static bool is_torn(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];
	struct container_status st = { 0 };
	struct error scratch;
	bool is_whole = status_read(s, id, &st, &scratch) == 0 &&
			(!st.pod_id || !is_id(st.pod_id) ||
			 faccessat(s->rootfd, layout_pod(path, st.pod_id, NULL), F_OK, 0) == 0);

	status_done(&st);
	return !is_whole && faccessat(s->rootfd, layout_container(path, id, NULL), F_OK,
				      AT_SYMLINK_NOFOLLOW) == 0;
}

/* Its state or its pod is lost: what it is of and whether it runs is told by others. */
static int remove_torn(const struct store *s, const char *id, int64_t grace_s, struct error *err)
{
	char pod_id[65], path[LAYOUT_PATH_MAX];
	cleanup_strlist struct strlist one = { 0 };
	struct pod_spec pod = { 0 };
	struct error scratch; /* of no pod */
	bool is_member = lookup_owner(s, id, pod_id, &scratch) == 0, solo;
	int r = is_member ? lookup_read_pod(s, pod_id, &pod, err) : 0;

	solo = pod.solo;
	record_done(&pod_spec_type, &pod);
	/* Somebody removes it just now. */
	if (is_member && lookup_pod_phase(s, pod_id) == POD_REMOVING &&
	    is_lock_held(s->rootfd, layout_pod(path, pod_id, POD_LOCK)) &&
	    container_await_removal(s, id, REMOVAL_WAIT_MS))
		return error_set(err, ENOENT, "container '%.12s' was removed meanwhile", id);
	if (r < 0)
		return r;
	if (solo) {
		strlist_add(&one, pod_id);
		r = pods_stop_to_remove(s, &one, grace_s, err);
		return r < 0 ? r : pod_remove(s, pod_id, err);
	}
	r = run_kill_container(s, id, err);
	if (r == 0)
		r = run_kill_unreadable(s, is_member ? pod_id : NULL, id, err);
	return r < 0 ? r : pod_remove_container(s, id, err);
}

int container_remove(const struct store *s, const char *id, int64_t grace_s, struct error *err)
{
	struct container_status st = { 0 };
	int r;

	if (is_torn(s, id))
		return remove_torn(s, id, grace_s, err);
	r = container_stop(s, id, grace_s, err);
	if (r == 0)
		r = status_read(s, id, &st, err);
	if (r == 0)
		r = st.solo && st.pod_id ? pod_remove(s, st.pod_id, err)
					 : pod_remove_container(s, id, err);
	status_done(&st);
	/* With --rm it may have been quicker. */
	return r == -ENOENT && container_await_removal(s, id, REMOVAL_WAIT_MS) ? 0 : r;
}
