/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podstatus - phase, conditions and container states of a pod, from records.
 *
 * Theory of operation: the engine says of each container what it is doing (engine/state/status.h);
 * here that is put into Kubernetes' words. First each container alone: a waiting, running or
 * terminated state and the run before it. Then the pod: its phase by the kubelet's rules, its
 * conditions, and at last the one word that kubectl shows as STATUS, which is found by walking the
 * init containers forwards and the members backwards, as kubectl does.
 *
 * Where the two worlds differ: a container that waits for its back-off has ended; its end is
 * Kubernetes' lastState and its state is Waiting, CrashLoopBackOff. A pod that was stopped is over
 * here (it stays, and can be started again), which a cluster does not know: it is Succeeded when
 * all of it ended well, else Failed. A container whose monitor was lost has an unknown exit code,
 * which is 137 and ContainerStatusUnknown to Kubernetes. Paused processes are Running.
 *
 * Pure: no file, no clock. Times that no record tells are left out rather than guessed.
 */
#include "kube/podstatus.h"

#include <assert.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "kube/translate.h"

#define NS_PER_SECOND	  INT64_C(1000000000)
#define EXIT_CODE_UNKNOWN 137

const char *const kube_phase_names[] = { "Pending", "Running", "Succeeded", "Failed", NULL };
const char *const pod_condition_names[] = { "PodReadyToStartContainers", "Initialized",	 "Ready",
					    "ContainersReady",		 "PodScheduled", NULL };

/* ---- one container ---------------------------------------------------------------------- */

static bool is_up(const struct podstatus_source *src)
{
	return src->readable && (src->live == STATE_RUNNING || src->live == STATE_PAUSED ||
				 src->live == STATE_STOPPING);
}

/* Reasons of an end, as opposed to those of something that was never begun. */
static bool is_reason_of_end(const char *reason)
{
	static const char *const ends[] = { "Completed",
					    "Error",
					    "OOMKilled",
					    "ContainerCannotRun",
					    "DeadlineExceeded",
					    "StartError",
					    "ContainerStatusUnknown" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (is_equal(reason, ends[i]))
			return true;
	return false;
}

static struct kube_state ended_state(const struct container_status *st)
{
	struct kube_state e = { .kind = KUBE_TERMINATED,
				.reason = is_empty(st->reason) ? NULL : st->reason,
				.message = is_empty(st->message) ? st->error : st->message,
				.exit_code = st->exit_unknown ? EXIT_CODE_UNKNOWN : st->exit_code,
				.started_ns = st->started_ns,
				.finished_ns = st->finished_ns };

	if (is_empty(e.message))
		e.message = NULL;
	if (st->exit_unknown) {
		e.reason = "ContainerStatusUnknown";
		e.message = "the monitor was lost before the container's end was seen";
	} else if (!e.reason) {
		e.reason = st->oom_killed	? "OOMKilled"
			   : st->error		? "ContainerCannotRun"
			   : st->exit_code == 0 ? "Completed"
						: "Error";
	}
	return e;
}

static struct kube_state last_state(const struct container_last *last)
{
	if (!last->started_ns && !last->finished_ns)
		return (struct kube_state){ .kind = KUBE_STATE_NONE };
	return (struct kube_state){ .kind = KUBE_TERMINATED,
				    .reason = !is_empty(last->reason) ? last->reason
					      : last->exit_code == 0  ? "Completed"
								      : "Error",
				    .message = is_empty(last->message) ? NULL : last->message,
				    .exit_code = last->exit_code,
				    .started_ns = last->started_ns,
				    .finished_ns = last->finished_ns };
}

static bool has_init(const struct podstatus_input *in)
{
	return in->n > 0 && in->v[0].init;
}

static int64_t back_off_seconds(const struct container_status *st)
{
	int64_t ns = st->next_start_ns - st->finished_ns;

	return st->next_start_ns && ns > 0 ? (ns + NS_PER_SECOND / 2) / NS_PER_SECOND : 0;
}

/* Waits for its next start: by back-off, or since it could not be begun. */
static void derive_restarting(const struct podstatus_input *in, struct podstatus_container *c)
{
	const struct container_status *st = c->source->st;
	int64_t delay = back_off_seconds(st);
	char minutes[32];

	if (!is_empty(st->reason) && !is_reason_of_end(st->reason)) {
		c->state = (struct kube_state){ .kind = KUBE_WAITING,
						.reason = st->reason,
						.message = is_empty(st->error) ? st->message
									       : st->error };
		c->last = last_state(&st->last);
		return;
	}
	c->last = ended_state(st);
	if (delay == 0) {
		c->state = c->last; /* its restart comes at once */
		c->last = last_state(&st->last);
		return;
	}
	(void)snprintf(minutes, sizeof(minutes), "%lldm", (long long)delay / 60);
	c->back_off = xasprintf("back-off %s%llds restarting failed container=%s pod=%s_%s(%s)",
				delay < 60 ? "" : minutes, (long long)delay % 60, c->source->name,
				in->pod->name, namespace_of(in->pod->namespace_), in->pod->id);
	c->state = (struct kube_state){ .kind = KUBE_WAITING,
					.reason = "CrashLoopBackOff",
					.message = c->back_off };
}

static void derive_waiting(const struct podstatus_input *in, struct podstatus_container *c)
{
	const struct container_status *st = c->source->st;
	bool initializing = has_init(in) || c->source->init;

	c->state = (struct kube_state){ .kind = KUBE_WAITING,
					.reason = initializing ? "PodInitializing"
							       : "ContainerCreating" };
	if (!c->source->readable) {
		c->state.reason = "ContainerStatusUnknown";
		c->state.message = "its record cannot be read";
	} else if (!is_empty(st->reason)) {
		c->state.reason = st->reason;
		c->state.message = is_empty(st->error) ? st->message : st->error;
	}
}

static void derive_container(const struct podstatus_input *in, const struct podstatus_source *src,
			     struct podstatus_container *c)
{
	const struct container_status *st = src->st;

	*c = (struct podstatus_container){ .source = src, .restarts = st->restarts };
	if (is_up(src)) {
		c->state =
			(struct kube_state){ .kind = KUBE_RUNNING, .started_ns = st->started_ns };
		c->last = last_state(&st->last);
		c->started = st->started;
		c->ready = st->started && st->ready && (!src->init || src->sidecar);
	} else if (src->readable && src->live == STATE_RESTARTING) {
		derive_restarting(in, c);
	} else if (src->readable && src->live == STATE_EXITED) {
		c->state = ended_state(st);
		c->last = last_state(&st->last);
		c->ready = src->init && !src->sidecar && c->state.exit_code == 0;
	} else {
		derive_waiting(in, c);
		c->last = last_state(&st->last);
	}
}

/* ---- the pod's phase -------------------------------------------------------------------- */

static bool is_ended(const struct podstatus_container *c)
{
	return c->source->readable && c->source->live == STATE_EXITED;
}

static bool is_ended_well(const struct podstatus_container *c)
{
	return is_ended(c) && c->state.exit_code == 0;
}

/* An init container that the next one, or the members, need not wait for. */
static bool is_init_done(const struct podstatus_container *c)
{
	return c->source->sidecar ? c->started : is_ended_well(c);
}

static bool is_over(const struct podstatus_input *in)
{
	return in->infra && in->infra_live == STATE_EXITED;
}

struct tally {
	unsigned int members, well, ended, up, waiting;
	bool init_failed, init_open;
};

static struct tally count(const struct podstatus *ps)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < ps->n; i++) {
		const struct podstatus_container *c = &ps->v[i];

		if (c->source->init) {
			t.init_failed |= !c->source->sidecar && is_ended(c) && !is_ended_well(c);
			t.init_open |= !is_init_done(c) && !(c->source->sidecar && is_ended(c));
			continue;
		}
		t.members++;
		t.ended += is_ended(c);
		t.well += is_ended_well(c);
		t.up += is_up(c->source);
		t.waiting += c->state.kind == KUBE_WAITING && c->last.kind == KUBE_STATE_NONE;
	}
	return t;
}

static enum kube_phase derive_phase(const struct podstatus_input *in, const struct podstatus *ps)
{
	struct tally t = count(ps);
	bool all_well = t.members && t.well == t.members && !t.init_failed;

	if (is_over(in))
		return all_well ? PHASE_SUCCEEDED : PHASE_FAILED;
	if (t.init_failed)
		return PHASE_FAILED;
	if (t.init_open && !t.up && !t.ended)
		return PHASE_PENDING;
	if (t.members && t.ended == t.members)
		return all_well ? PHASE_SUCCEEDED : PHASE_FAILED;
	if (t.waiting)
		return PHASE_PENDING;
	return PHASE_RUNNING;
}

static const char *derive_reason(const struct podstatus_input *in)
{
	/* The conductor writes no other reason of a whole pod. */
	if (in->infra && !is_empty(in->infra->reason))
		return in->infra->reason;
	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].readable && is_equal(in->v[i].st->reason, "DeadlineExceeded"))
			return "DeadlineExceeded";
	return NULL;
}

/* ---- conditions ------------------------------------------------------------------------- */

/* "containers with unready status: [a b]". */
static char *name_those(const struct podstatus *ps, bool of_init)
{
	struct buf b = BUF_INIT((size_t)64 * 1024);
	const char *between = "";

	buf_printf(&b, "containers with %s status: [", of_init ? "incomplete" : "unready");
	for (size_t i = 0; i < ps->n; i++) {
		const struct podstatus_container *c = &ps->v[i];
		bool bad = of_init ? c->source->init && !is_init_done(c)
				   : (!c->source->init || c->source->sidecar) && !c->ready;

		if (bad)
			buf_printf(&b, "%s%s", between, c->source->name);
		between = bad ? " " : between;
	}
	buf_addc(&b, ']');
	return buf_steal(&b);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void derive_sandbox(const struct podstatus_input *in, struct podstatus_condition *c)
{
	c->is_true =
		in->infra && (in->infra_live == STATE_RUNNING || in->infra_live == STATE_PAUSED ||
			      in->infra_live == STATE_STOPPING);
	if (c->is_true)
		c->since_ns = in->infra->started_ns;
	else if (in->infra)
		c->since_ns = in->infra->finished_ns ? in->infra->finished_ns : in->pod->created_ns;
}

static void derive_initialized(const struct podstatus_input *in, struct podstatus *ps)
{
	struct podstatus_condition *cond = &ps->conditions[CONDITION_INITIALIZED];
	bool known = in->infra != NULL;
	int64_t since = known ? in->infra->started_ns : 0;

	cond->is_true = true;
	for (size_t i = 0; i < ps->n; i++) {
		const struct podstatus_container *c = &ps->v[i];

		if (!c->source->init)
			continue;
		/* A sidecar that ended after the members was up once. */
		cond->is_true &=
			is_init_done(c) || (c->source->sidecar && ps->phase == PHASE_SUCCEEDED);
		known &= !c->source->sidecar || !c->source->has_probe;
		since = later(since,
			      c->source->sidecar ? c->state.started_ns : c->state.finished_ns);
	}
	if (cond->is_true) {
		cond->since_ns = known ? since : 0;
		cond->reason = ps->phase == PHASE_SUCCEEDED ? "PodCompleted" : NULL;
		return;
	}
	cond->since_ns = in->pod->created_ns;
	cond->reason = "ContainersNotInitialized";
	cond->message = name_those(ps, true);
}

/* When the pod became ready, or ended; 0 when no record says it. */
static int64_t ready_since(const struct podstatus *ps, bool is_ready)
{
	int64_t since = 0;

	for (size_t i = 0; i < ps->n; i++) {
		const struct podstatus_container *c = &ps->v[i];

		if (c->source->init && !c->source->sidecar)
			continue;
		if (is_ready && c->source->has_probe)
			return 0;
		if (!is_ready && c->state.kind != KUBE_TERMINATED)
			return 0;
		since = later(since, is_ready ? c->state.started_ns : c->state.finished_ns);
	}
	return since;
}

static bool has_probe(const struct podstatus *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		if (ps->v[i].source->has_probe)
			return true;
	return false;
}

static void derive_ready(const struct podstatus_input *in, struct podstatus *ps,
			 enum pod_condition which)
{
	struct podstatus_condition *cond = &ps->conditions[which];

	cond->is_true = ps->ready == ps->total && ps->phase == PHASE_RUNNING;
	cond->since_ns = ready_since(ps, cond->is_true);
	/* The conductor keeps it for a pod with probes. */
	if (!cond->since_ns && has_probe(ps) && in->infra && in->infra->ready == cond->is_true)
		cond->since_ns = in->infra->ready_ns;
	if (cond->is_true)
		return;
	if (ps->phase == PHASE_SUCCEEDED) {
		cond->reason = "PodCompleted";
	} else if (ps->phase == PHASE_FAILED) {
		cond->reason = "PodFailed";
	} else {
		cond->reason = "ContainersNotReady";
		cond->message = name_those(ps, false);
	}
}

/* ---- kubectl's STATUS ------------------------------------------------------------------- */

/* Those of init containers count as long as they are what the pod is at. */
static void count_restarts(struct podstatus *ps)
{
	for (size_t i = 0; i < ps->n; i++) {
		const struct podstatus_container *c = &ps->v[i];

		if (c->source->init && !c->source->sidecar &&
		    ps->conditions[CONDITION_INITIALIZED].is_true)
			continue;
		ps->restarts += c->restarts;
		if (c->last.kind == KUBE_TERMINATED)
			ps->last_restart_ns = later(ps->last_restart_ns, c->last.finished_ns);
	}
}

/* What the init containers say; NULL when they are through. The caller owns it. */
static char *init_text(const struct podstatus *ps)
{
	size_t n_init = 0;

	while (n_init < ps->n && ps->v[n_init].source->init)
		n_init++;
	for (size_t i = 0; i < n_init; i++) {
		const struct podstatus_container *c = &ps->v[i];

		if (is_init_done(c) || (c->source->sidecar && ps->phase > PHASE_RUNNING))
			continue;
		if (c->state.kind == KUBE_TERMINATED)
			return xasprintf("Init:%s", c->state.reason);
		if (c->state.kind == KUBE_WAITING && !is_equal(c->state.reason, "PodInitializing"))
			return xasprintf("Init:%s", c->state.reason);
		return xasprintf("Init:%zu/%zu", i, n_init);
	}
	return NULL;
}

static const char *member_text(const struct podstatus *ps)
{
	const char *text = ps->reason ? ps->reason : kube_phase_names[ps->phase];
	bool has_running = false;
	bool is_ready = ps->conditions[CONDITION_READY].is_true;

	for (size_t i = ps->n; i-- > 0;) {
		const struct podstatus_container *c = &ps->v[i];

		if (c->source->init)
			continue;
		if (c->state.kind == KUBE_RUNNING)
			has_running |= c->ready;
		else if (c->state.reason)
			text = c->state.reason;
	}
	if (is_equal(text, "Completed") && has_running)
		return is_ready ? "Running" : "NotReady";
	return text;
}

static bool is_paused(const struct podstatus_input *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].readable && in->v[i].live == STATE_PAUSED)
			return true;
	return false;
}

static void derive_text(const struct podstatus_input *in, struct podstatus *ps)
{
	cleanup_free char *init = init_text(ps);
	bool stopping = in->infra && in->infra_live == STATE_STOPPING;

	/* Of one that is being removed half of the records may be gone. */
	if (in->removing || (stopping && ps->phase <= PHASE_RUNNING))
		ps->status = xstrdup("Terminating");
	else if (init && !ps->conditions[CONDITION_INITIALIZED].is_true)
		ps->status = steal_ptr(&init);
	else if (is_paused(in))
		ps->status = xstrdup("Paused");
	else
		ps->status = xstrdup(member_text(ps));
}

/* ---- all of it -------------------------------------------------------------------------- */

void podstatus_derive(const struct podstatus_input *in, struct podstatus *ret)
{
	*ret = (struct podstatus){ .n = in->n, .reason = derive_reason(in) };
	ret->message = in->infra && !is_empty(in->infra->message) ? in->infra->message : NULL;
	ret->v = xcalloc(in->n ? in->n : 1, sizeof(*ret->v));
	for (size_t i = 0; i < in->n; i++) {
		bool counts = !in->v[i].init || in->v[i].sidecar;

		derive_container(in, &in->v[i], &ret->v[i]);
		ret->total += counts;
		ret->ready += counts && ret->v[i].ready;
	}
	ret->phase = derive_phase(in, ret);
	if (ret->reason && ret->phase == PHASE_SUCCEEDED)
		ret->phase = PHASE_FAILED;
	derive_sandbox(in, &ret->conditions[CONDITION_READY_TO_START]);
	derive_initialized(in, ret);
	count_restarts(ret);
	derive_ready(in, ret, CONDITION_READY);
	derive_ready(in, ret, CONDITION_CONTAINERS_READY);
	ret->conditions[CONDITION_SCHEDULED] =
		(struct podstatus_condition){ .is_true = true, .since_ns = in->pod->created_ns };
	derive_text(in, ret);
}

void podstatus_done(struct podstatus *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		free(ps->v[i].back_off);
	for (size_t i = 0; i < CONDITION__COUNT; i++)
		free(ps->conditions[i].message);
	free(ps->v);
	free(ps->status);
	*ps = (struct podstatus){ 0 };
}

/* ---- quality of service ----------------------------------------------------------------- */

const char *podstatus_qos(const struct pod_spec *pod, const struct container_spec *v, size_t n)
{
	static const char *const names[] = { "Guaranteed", "Burstable", "BestEffort" };
	const struct pod_plan plan = { .pod = *pod,
				       .containers = (struct container_spec *)(uintptr_t)v,
				       .n_containers = n };

	return names[translate_qos(&plan)];
}
