/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_wait - waiting for pods that were played.
 *
 * Theory of operation: what a pod is doing stands in its records; its conductor is asked for events
 * only to know when to look again. So a conductor that dies or that was replaced costs half a
 * second, no more. Jobs are looked at by their own record.
 *
 * A pod that was removed meanwhile counts as ended. Signals come through a signalfd(2): they are
 * blocked from the moment pods are made, so that none is lost between two looks.
 */
#include "cmd/podium/play/play_wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "cmd/podium/kube/kubestored.h"
#include "cmd/podium/kube/kubeview.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/process/ctl.h"

#define LOOK_MS	    500
#define FAILED_JOB  1
#define SIGNAL_BASE 128

/* ---- what is asked for ------------------------------------------------------------------ */

int play_wait_parse(const struct play_options *o, enum play_wait_mode *ret, struct error *err)
{
	static const char *const words[] = { "", "true", "ready", "completed" };

	*ret = PLAY_WAIT_NONE;
	if (o->timeout.set && (is_empty(o->wait) || is_equal(o->wait, "true")))
		return error_set(err, EINVAL, "--timeout belongs to --wait=ready|completed");
	if (o->timeout.set && o->timeout.value < 0)
		return error_set(err, EINVAL, "--timeout takes seconds from 0 on");
	if (is_empty(o->wait) || is_equal(o->wait, "false"))
		return 0;
	for (size_t i = 1; i < ARRAY_SIZE(words); i++)
		if (is_equal(o->wait, words[i]))
			*ret = (enum play_wait_mode)i;
	if (*ret == PLAY_WAIT_NONE)
		return error_set(err, EINVAL,
				 "--wait=%.40s is not known: ready, completed, or "
				 "nothing behind it",
				 o->wait);
	if (!o->start)
		return error_set(err, EINVAL, "--wait and --start=false exclude each other");
	return 0;
}

int play_wait_check(enum play_wait_mode mode, const struct kube_result *result, struct error *err)
{
	if (mode != PLAY_WAIT_COMPLETED)
		return 0;
	for (size_t i = 0; i < result->n; i++)
		if (result->v[i].pod.restart != RESTART_ALWAYS)
			return 0;
	for (size_t i = 0; i < result->n_objects; i++)
		if (result->objects[i].kind == KUBE_JOB)
			return 0;
	return error_set(err, EINVAL,
			 "--wait=completed: nothing here ever ends: a Job does, or a pod with "
			 "restartPolicy OnFailure or Never");
}

/* ---- signals ---------------------------------------------------------------------------- */

int play_waited_signals(struct play_waited *w, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, "block signals");
	w->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return w->signal_fd < 0 ? error_errno(err, "signalfd") : 0;
}

int play_waited_signal(const struct play_waited *w)
{
	struct signalfd_siginfo info;

	if (w->signal_fd < 0 || read(w->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

void play_waited_done(struct play_waited *w)
{
	strlist_done(&w->pods);
	strlist_done(&w->jobs);
	if (w->signal_fd >= 0)
		(void)close(w->signal_fd);
	w->signal_fd = -1;
}

/* ---- looking ---------------------------------------------------------------------------- */

struct verdict {
	bool done;
	bool failed;
	int code;   /* of the first container that ended badly */
	char *text; /* what it is doing instead; owned */
};

static int exit_code_of(const struct podstatus *ps)
{
	for (size_t i = 0; i < ps->n; i++) {
		const struct podstatus_container *c = &ps->v[i];

		if (!c->source->sidecar && c->state.kind == KUBE_TERMINATED && c->state.exit_code)
			return (int)c->state.exit_code;
	}
	return FAILED_JOB;
}

static void look_at_pod(const struct store *s, enum play_wait_mode mode, const char *id,
			struct verdict *ret)
{
	struct kube_pod p;
	struct error scratch; /* removed meanwhile */
	bool ended;

	*ret = (struct verdict){ .done = true };
	if (kube_pod_load(s, id, false, &p, &scratch) == 0) {
		ended = p.ps.phase == PHASE_SUCCEEDED || p.ps.phase == PHASE_FAILED;
		ret->failed = p.ps.phase == PHASE_FAILED;
		ret->code = ret->failed ? exit_code_of(&p.ps) : 0;
		ret->done = ended ||
			    (mode == PLAY_WAIT_READY && p.ps.conditions[CONDITION_READY].is_true);
		ret->text = xasprintf("pod '%s' (%s)", p.pod.name, p.ps.status);
	}
	kube_pod_done(&p);
}

static void look_at_job(const struct store *s, const char *name, struct verdict *ret)
{
	const char *slash = strchr(name, '/');
	cleanup_free char *space = xstrndup(name, (size_t)(slash - name));
	struct job_status st;
	struct error scratch; /* not begun yet, or removed */
	int r = kube_stored_job(s, space, slash + 1, &st, &scratch);
	bool there = r == 0;

	*ret = (struct verdict){ .done = there && (st.condition == JOB_COMPLETE ||
						   st.condition == JOB_FAILED) };
	ret->failed = there && st.condition == JOB_FAILED;
	ret->code = ret->failed ? FAILED_JOB : 0;
	ret->text = xasprintf("job '%s'%s%s", slash + 1, there && st.reason ? ": " : "",
			      there && st.reason ? st.reason : "");
	record_done(&job_status_type, &st);
}

/* How many are not there yet; their names, and the first bad end. */
static size_t look(const struct store *s, enum play_wait_mode mode, const struct play_waited *w,
		   struct strlist *late, struct verdict *bad)
{
	for (size_t i = 0; i < w->pods.n + w->jobs.n; i++) {
		struct verdict v;

		if (i < w->pods.n)
			look_at_pod(s, mode, w->pods.v[i], &v);
		else
			look_at_job(s, w->jobs.v[i - w->pods.n], &v);
		if (!v.done && v.text)
			strlist_add(late, v.text);
		if (v.failed && !bad->failed) {
			*bad = v;
			continue; /* the text is the caller's */
		}
		free(v.text);
	}
	return late->n;
}

/* ---- waiting ---------------------------------------------------------------------------- */

/* The conductors' events, one descriptor each, and the signals' last; -1: none. */
static struct pollfd *subscribe(const struct store *s, const struct play_waited *w)
{
	struct pollfd *p = xcalloc(w->pods.n + 1, sizeof(*p));

	for (size_t i = 0; i < w->pods.n; i++) {
		struct pod_spec pod = { 0 };
		struct error scratch; /* nobody there: the clock wakes us */

		p[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
		if (lookup_read_pod(s, w->pods.v[i], &pod, &scratch) == 0 && pod.infra_id)
			p[i].fd = ctl_connect(s, pod.infra_id, &scratch);
		if (p[i].fd >= 0)
			(void)ctl_send(p[i].fd, CTL_SUBSCRIBE, 0, NULL);
		record_done(&pod_spec_type, &pod);
	}
	p[w->pods.n] = (struct pollfd){ .fd = w->signal_fd, .events = POLLIN };
	return p;
}

static void drain(struct pollfd *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ctl_msg msg;

		if (p[i].fd < 0 || !p[i].revents)
			continue;
		if (ctl_receive(p[i].fd, &msg, NULL) > 0)
			continue;
		(void)close(p[i].fd);
		p[i].fd = -1;
	}
}

static int late_error(const struct strlist *late, enum play_wait_mode mode, int64_t timeout_s,
		      struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT(400);

	for (size_t i = 0; i < late->n; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", late->v[i]);
	return error_set(err, ETIMEDOUT, "not %s after %lld seconds: %s",
			 mode == PLAY_WAIT_READY ? "ready" : "completed", (long long)timeout_s,
			 b.data ? b.data : "");
}

static int wait_here(const struct store *s, enum play_wait_mode mode, const struct play_waited *w,
		     int64_t timeout_s, struct pollfd *p, struct error *err)
{
	int64_t deadline = w->begun_ms + timeout_s * 1000;

	for (;;) {
		cleanup_strlist struct strlist late = { 0 };
		struct verdict bad = { 0 };
		size_t open = look(s, mode, w, &late, &bad);
		cleanup_free char *text = bad.text;
		int64_t left = deadline - clock_mono_ms();
		int signo;

		if (mode == PLAY_WAIT_READY && bad.failed)
			return error_set(err, ECANCELED, "%s will not become ready: it has ended",
					 text);
		if (!open)
			return bad.code;
		if (timeout_s >= 0 && left <= 0)
			return late_error(&late, mode, timeout_s, err);
		(void)poll(p, w->pods.n + 1,
			   timeout_s >= 0 && left < LOOK_MS ? (int)left : LOOK_MS);
		drain(p, w->pods.n);
		signo = play_waited_signal(w);
		if (signo)
			return SIGNAL_BASE + signo;
	}
}

int play_wait(const struct store *s, enum play_wait_mode mode, const struct play_waited *w,
	      int64_t timeout_s, struct error *err)
{
	cleanup_free struct pollfd *p = subscribe(s, w);
	int r = wait_here(s, mode, w, timeout_s, p, err);

	for (size_t i = 0; i < w->pods.n; i++)
		if (p[i].fd >= 0)
			(void)close(p[i].fd);
	return r;
}
