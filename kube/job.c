/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job - the Job controller's rules, without pods.
 *
 * Theory of operation: each call first counts the pods that have ended since the last one, then asks
 * in the controller's order: is the Job over (back-off limit, deadline, indexes, completions), is it
 * suspended, are there too many pods, are there too few. What is over first has its pods stopped,
 * and has ended when none is at work. A new pod waits for the back-off: 10 s after a failure,
 * doubled for every failure in a row, counted by index where backoffLimitPerIndex is set.
 *
 * No clock, no file, no pod: the unit test plays months of it. Everything is kept in the status,
 * whose writing and reading is all that a step needs to go on after a crash or a reboot.
 */
#include "kube/job.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"

#define SECOND_NS INT64_C(1000000000)
#define RETRY_S	  10

/* ---- records ---------------------------------------------------------------------------- */

#define P(kind_, name_, member_) RECORD_FIELD(job_pod, kind_, name_, member_)
static const struct record_field pod_fields[] = {
	P(RECORD_STRING, "name", name),
	P(RECORD_STRING, "id", id),
	P(RECORD_I64, "index", index),
	P(RECORD_I64, "started", started_ns),
	P(RECORD_I64, "finished", finished_ns),
	P(RECORD_BOOL, "failed", failed),
	P(RECORD_BOOL, "counted", counted),
	P(RECORD_BOOL, "stop", stop),
	{ 0 },
};
static const struct record_type pod_type = { "pod of a job", sizeof(struct job_pod), pod_fields };

const char *const job_condition_names[] = { "Running", "Suspended", "Complete", "Failed", NULL };

#define T(kind_, name_, member_) RECORD_FIELD(job_status, kind_, name_, member_)
static const struct record_field status_fields[] = {
	T(RECORD_U32, "version", version),
	T(RECORD_I64, "started", started_ns),
	T(RECORD_I64, "finished", finished_ns),
	{ .name = "condition",
	  .kind = RECORD_ENUM,
	  .offset = offsetof(struct job_status, condition),
	  .names = job_condition_names },
	T(RECORD_STRING, "reason", reason),
	T(RECORD_STRING, "message", message),
	T(RECORD_I64, "active", active),
	T(RECORD_I64, "succeeded", succeeded),
	T(RECORD_I64, "failed", failed),
	T(RECORD_I64, "nextStart", next_start_ns),
	T(RECORD_I64, "retry", retry_ns),
	{ .name = "pods",
	  .kind = RECORD_LIST,
	  .offset = offsetof(struct job_status, pods),
	  .sub = &pod_type },
	{ 0 },
};
const struct record_type job_status_type = { "job status", sizeof(struct job_status),
					     status_fields };

/* ---- small things ----------------------------------------------------------------------- */

struct ask {
	const struct job_spec *spec;
	struct job_status *st;
	const struct job_pod_view *views;
	int64_t now_ns;
	int64_t until_ns; /* 0: no time */
};

static void say(struct job_status *st, enum job_condition condition, const char *reason,
		const char *message)
{
	st->condition = (int)condition;
	free(st->reason);
	free(st->message);
	st->reason = xstrdup_or_null(reason);
	st->message = xstrdup_or_null(message);
}

static void not_after(struct ask *a, int64_t time_ns)
{
	if (!a->until_ns || time_ns < a->until_ns)
		a->until_ns = time_ns;
}

static int64_t after_s(int64_t from_ns, int64_t seconds)
{
	int64_t most = (INT64_MAX - from_ns) / SECOND_NS;

	return from_ns + (seconds > most ? most : seconds) * SECOND_NS;
}

/* After so many failures in a row. */
static int64_t backoff_end(int64_t failures, int64_t last_ns)
{
	int64_t s = JOB_BACKOFF_FIRST_S;

	if (failures == 0)
		return 0;
	while (--failures > 0 && s < JOB_BACKOFF_MAX_S)
		s *= 2;
	return after_s(last_ns, s < JOB_BACKOFF_MAX_S ? s : JOB_BACKOFF_MAX_S);
}

static bool is_at_work(const struct job_pod *p)
{
	return !p->finished_ns;
}

/* At work in the sense that no other pod is made in its place. */
static bool has_place(const struct ask *a, size_t i)
{
	const struct job_pod *p = &a->st->pods.v[i];

	return is_at_work(p) && (a->spec->replace_when_failed || !a->views[i].stopping);
}

/* ---- counting --------------------------------------------------------------------------- */

static void count_pod(struct ask *a, struct job_pod *p, const struct job_pod_view *v)
{
	bool is_failed = !v->exists || v->failed; /* one that somebody removed has failed */

	if (v->exists && !v->finished) {
		a->st->active++;
		return;
	}
	p->finished_ns = v->finished_ns ? v->finished_ns : a->now_ns;
	p->counted = true;
	p->failed = is_failed;
	if (p->stop) {
		/* What is stopped with a Job that failed has failed with it. */
		p->failed = a->st->condition == JOB_FAILED;
		a->st->failed += p->failed;
	} else if (is_failed) {
		a->st->failed++;
	} else {
		a->st->succeeded++;
	}
}

static void count_pods(struct ask *a)
{
	a->st->active = 0;
	for (size_t i = 0; i < a->st->pods.n; i++)
		if (is_at_work(&a->st->pods.v[i]))
			count_pod(a, &a->st->pods.v[i], &a->views[i]);
}

/* Failures of pods since the last success, and when the last one was. */
static int64_t failures_in_a_row(const struct job_status *st, int64_t *ret_last_ns)
{
	int64_t success_ns = 0, last_ns = 0, n = 0;

	for (size_t i = 0; i < st->pods.n; i++) {
		const struct job_pod *p = &st->pods.v[i];

		if (p->counted && !p->failed && !p->stop && p->finished_ns > success_ns)
			success_ns = p->finished_ns;
	}
	for (size_t i = 0; i < st->pods.n; i++) {
		const struct job_pod *p = &st->pods.v[i];

		if (!p->counted || !p->failed || p->stop || p->finished_ns <= success_ns)
			continue;
		n++;
		last_ns = p->finished_ns > last_ns ? p->finished_ns : last_ns;
	}
	*ret_last_ns = last_ns;
	return n;
}

/* ---- indexes ---------------------------------------------------------------------------- */

struct index_state {
	bool succeeded;
	bool has_pod;
	int64_t failures;
	int64_t last_ns; /* of the failures */
};

/* One an index, the caller's. */
static struct index_state *look_at_indexes(const struct ask *a)
{
	int64_t n = a->spec->completions.value;
	struct index_state *v = xcalloc((size_t)n, sizeof(*v));

	for (size_t i = 0; i < a->st->pods.n; i++) {
		const struct job_pod *p = &a->st->pods.v[i];
		struct index_state *x;

		if (p->index < 0 || p->index >= n)
			continue;
		x = &v[p->index];
		x->has_pod = x->has_pod || has_place(a, i);
		if (!p->counted || p->stop)
			continue;
		x->succeeded = x->succeeded || !p->failed;
		x->failures += p->failed;
		if (p->failed && p->finished_ns > x->last_ns)
			x->last_ns = p->finished_ns;
	}
	return v;
}

static bool has_index_failed(const struct job_spec *spec, const struct index_state *x)
{
	return spec->backoff_limit_per_index.set && !x->succeeded &&
	       x->failures > spec->backoff_limit_per_index.value;
}

static bool is_indexed(const struct job_spec *spec)
{
	return spec->indexed && spec->completions.set && spec->completions.value > 0;
}

/* ---- the end ---------------------------------------------------------------------------- */

static bool is_past_backoff_limit(const struct ask *a)
{
	int64_t limit = a->spec->backoff_limit;
	int64_t restarts = 0;

	if (a->st->failed > limit)
		return true;
	for (size_t i = 0; i < a->st->pods.n; i++)
		if (is_at_work(&a->st->pods.v[i]))
			restarts += a->views[i].restarts;
	return restarts > 0 && restarts >= limit;
}

static void end_by_indexes(struct ask *a)
{
	cleanup_free struct index_state *v = look_at_indexes(a);
	int64_t succeeded = 0, failed = 0;

	for (int64_t i = 0; i < a->spec->completions.value; i++) {
		succeeded += v[i].succeeded;
		failed += has_index_failed(a->spec, &v[i]);
	}
	a->st->succeeded = succeeded;
	if (a->spec->max_failed_indexes.set && failed > a->spec->max_failed_indexes.value)
		say(a->st, JOB_FAILED, "MaxFailedIndexesExceeded",
		    "Job has exceeded the specified maximal number of failed indexes");
	else if (failed > 0 && failed + succeeded >= a->spec->completions.value)
		say(a->st, JOB_FAILED, "FailedIndexes", "Job has failed indexes");
}

static bool is_complete(const struct ask *a)
{
	if (a->spec->completions.set)
		return a->st->succeeded >= a->spec->completions.value;
	return a->st->succeeded > 0 && a->st->active == 0;
}

/* Sets the condition when the Job is over. */
static void look_for_end(struct ask *a)
{
	int64_t deadline = 0;

	if (a->spec->active_deadline_s.set)
		deadline = after_s(a->st->started_ns, a->spec->active_deadline_s.value);
	if (is_indexed(a->spec))
		end_by_indexes(a);
	if (a->st->condition == JOB_FAILED)
		return;
	if (is_past_backoff_limit(a))
		say(a->st, JOB_FAILED, "BackoffLimitExceeded",
		    "Job has reached the specified backoff limit");
	else if (is_complete(a))
		say(a->st, JOB_COMPLETE, "CompletionsReached",
		    "Reached expected number of succeeded pods");
	else if (deadline && a->now_ns >= deadline)
		say(a->st, JOB_FAILED, "DeadlineExceeded",
		    "Job was active longer than specified deadline");
	else if (deadline)
		not_after(a, deadline);
}

/* True when there is one at work. */
static bool stop_all(struct ask *a)
{
	for (size_t i = 0; i < a->st->pods.n; i++)
		if (is_at_work(&a->st->pods.v[i]))
			a->st->pods.v[i].stop = true;
	return a->st->active > 0;
}

static enum job_act finish(struct ask *a)
{
	a->until_ns = 0;
	a->st->next_start_ns = a->st->retry_ns = 0;
	if (stop_all(a))
		return JOB_STOP_PODS;
	if (!a->st->finished_ns)
		a->st->finished_ns = a->now_ns;
	if (!a->spec->ttl_s.set)
		return JOB_END;
	a->until_ns = after_s(a->st->finished_ns, a->spec->ttl_s.value);
	return a->now_ns >= a->until_ns ? JOB_REMOVE : JOB_WAIT;
}

static enum job_act suspend(struct ask *a)
{
	a->until_ns = 0;
	a->st->next_start_ns = a->st->retry_ns = 0;
	a->st->started_ns = 0; /* the deadline begins anew */
	say(a->st, JOB_SUSPENDED, "JobSuspended", "Job suspended");
	return stop_all(a) ? JOB_STOP_PODS : JOB_WAIT;
}

/* ---- more pods, or fewer ---------------------------------------------------------------- */

static int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* A pod may be made at time_ns: now, or it is waited for. */
static bool is_time(struct ask *a, int64_t time_ns)
{
	if (time_ns < a->st->retry_ns)
		time_ns = a->st->retry_ns;
	if (a->now_ns >= time_ns)
		return true;
	if (!a->st->next_start_ns || time_ns < a->st->next_start_ns)
		a->st->next_start_ns = time_ns;
	not_after(a, time_ns);
	return false;
}

static enum job_act create_of_index(struct ask *a, int64_t *ret_index)
{
	cleanup_free struct index_state *v = look_at_indexes(a);
	bool own = a->spec->backoff_limit_per_index.set;
	int64_t last_ns;
	int64_t failures = failures_in_a_row(a->st, &last_ns);
	int64_t common = backoff_end(failures, last_ns);

	for (int64_t i = 0; i < a->spec->completions.value; i++) {
		int64_t at = own ? backoff_end(v[i].failures, v[i].last_ns) : common;

		if (v[i].succeeded || v[i].has_pod || has_index_failed(a->spec, &v[i]) ||
		    !is_time(a, at))
			continue;
		*ret_index = i;
		return JOB_CREATE_POD;
	}
	return JOB_WAIT;
}

static enum job_act create(struct ask *a, int64_t *ret_index)
{
	int64_t last_ns;
	int64_t n = failures_in_a_row(a->st, &last_ns);

	if (is_indexed(a->spec))
		return create_of_index(a, ret_index);
	*ret_index = 0;
	return is_time(a, backoff_end(n, last_ns)) ? JOB_CREATE_POD : JOB_WAIT;
}

/* The youngest go. */
static void stop_surplus(struct ask *a, int64_t n)
{
	for (size_t i = a->st->pods.n; i-- > 0 && n > 0;) {
		if (!has_place(a, i))
			continue;
		a->st->pods.v[i].stop = true;
		n--;
	}
}

static enum job_act balance(struct ask *a, int64_t *ret_index)
{
	int64_t have = 0;
	int64_t want = a->spec->parallelism;

	for (size_t i = 0; i < a->st->pods.n; i++)
		have += has_place(a, i);
	if (a->spec->completions.set)
		want = min_of(want, a->spec->completions.value - a->st->succeeded);
	else if (a->st->succeeded > 0)
		want = min_of(want, have); /* the first success: nobody follows */
	if (have > want) {
		stop_surplus(a, have - want);
		return JOB_STOP_PODS;
	}
	return have < want ? create(a, ret_index) : JOB_WAIT;
}

enum job_act job_next(const struct job_spec *spec, struct job_status *st,
		      const struct job_pod_view *views, int64_t now_ns, int64_t *ret_index,
		      int64_t *ret_until_ns)
{
	struct ask a = { .spec = spec, .st = st, .views = views, .now_ns = now_ns };
	enum job_act act;

	count_pods(&a);
	st->next_start_ns = 0;
	if (st->condition != JOB_COMPLETE && st->condition != JOB_FAILED && !spec->suspend) {
		if (st->condition == JOB_SUSPENDED || !st->started_ns) {
			say(st, JOB_RUNNING, NULL, NULL);
			st->started_ns = now_ns;
		}
		look_for_end(&a);
	}
	if (st->condition == JOB_COMPLETE || st->condition == JOB_FAILED)
		act = finish(&a);
	else if (spec->suspend)
		act = suspend(&a);
	else
		act = balance(&a, ret_index);
	*ret_until_ns = a.until_ns;
	return act;
}

/* ---- pods ------------------------------------------------------------------------------- */

void job_add_pod(struct job_status *st, const char *name, const char *id, int64_t index,
		 int64_t now_ns)
{
	struct job_pod *p = list_add(&st->pods);

	p->name = xstrdup(name);
	p->id = xstrdup(id);
	p->index = index;
	p->started_ns = now_ns;
	st->retry_ns = 0;
	if (st->condition == JOB_RUNNING)
		say(st, JOB_RUNNING, NULL, NULL);
}

void job_pod_refused(struct job_status *st, const char *why, int64_t now_ns)
{
	st->retry_ns = after_s(now_ns, RETRY_S);
	say(st, JOB_RUNNING, "FailedCreate", why);
}

char *job_pod_name(const char *job, const struct job_spec *spec, const struct job_status *st)
{
	bool is_single =
		spec->parallelism <= 1 && (!spec->completions.set || spec->completions.value <= 1);

	if (is_single && st->pods.n == 0)
		return xasprintf("%s-pod", job);
	return xasprintf("%s-pod-%zu", job, st->pods.n);
}
