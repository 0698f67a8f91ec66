/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_workload - Deployment, DaemonSet, ReplicaSet and Job.
 *
 * Theory of operation: each is decoded whole, template included; then its own rules are checked, and
 * its template is read as a pod (kind_pod.c). A Deployment, ReplicaSet or DaemonSet becomes one pod
 * NAME-pod, which its conductor keeps up; more replicas are told of. A Job becomes numbers for its
 * state machine (kube/job.h) and the plan of a pod, which the Job itself makes.
 *
 * Rules are the API server's: a selector is there and selects the template's labels; the restart
 * policy is Always, but for a Job, where it is not. Kubernetes' defaults of a Job are filled in
 * here: one completion, one at a time, six retries (with a limit for each index: no limit for all).
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "kube/annotations.h"
#include "kube/decode.h"
#include "kube/job.h"
#include "kube/kinds.h"
#include "kube/names.h"
#include "kube/labelselector.h"
#include "kube/validate.h"
#include "schemas/models.h"
#include "schemas/models_kinds.h"

#define JOB_BACKOFF_LIMIT   6
#define MAX_INDEXES	    100000
#define MAX_INDEXED_AT_ONCE 100000

static const struct pairlist no_labels;

static void check_least(const struct diag_sink *sink, const char *path, struct k8s_int n,
			int64_t least)
{
	if (n.set && n.value < least)
		diag_error(sink, path, "%lld is less than %lld", (long long)n.value,
			   (long long)least);
}

/* ---- one pod that is kept up ------------------------------------------------------------------
 */

static void check_selector(const struct diag_sink *sink, const struct k8s_workload_spec *spec)
{
	const struct k8s_template *t = spec->template_;
	const struct pairlist *labels = t && t->meta ? &t->meta->labels : &no_labels;

	if (!spec->selector)
		return; /* the table has said so */
	labelselector_check(sink, "spec.selector", spec->selector);
	if (is_labelselector_empty(spec->selector))
		diag_error(sink, "spec.selector", "is empty: it must select the template's labels");
	else if (t && !is_labels_selected(spec->selector, labels))
		diag_error(sink, "spec.template.metadata.labels",
			   "are not selected by spec.selector");
}

static void check_always(const struct diag_sink *sink, enum kube_kind kind,
			 const struct k8s_template *t)
{
	const char *policy = t && t->spec ? t->spec->restart_policy : NULL;

	if (policy && strcmp(policy, "Always") != 0)
		diag_error(sink, "spec.template.spec.restartPolicy",
			   "'%s' is not for a %s, which keeps its pod up: 'Always' is, a Job or a "
			   "Pod may have others",
			   policy, kube_kind_names[kind]);
}

static void check_replicas(const struct diag_sink *sink, struct k8s_int replicas)
{
	check_least(sink, "spec.replicas", replicas, 0);
	if (replicas.set && replicas.value > 1)
		diag_unsupported(sink, "spec.replicas",
				 "one pod of %lld is made: more than one follow in a later version",
				 (long long)replicas.value);
}

static void load_workload(struct load *l, const struct diag_sink *sink, struct node *root,
			  enum kube_kind kind, const struct schema_type *type)
{
	struct k8s_workload w = { 0 };
	struct pod_plan plan;
	struct kube_object *o;
	bool good = false;

	decode_object(sink, type, root, &w);
	if (w.meta)
		validate_meta(sink, w.meta);
	annotations_misplaced(sink, w.meta);
	if (w.spec) {
		struct pod_owner owner = { kind, w.meta, w.spec->template_ };

		check_replicas(sink, w.spec->replicas);
		check_selector(sink, w.spec);
		check_always(sink, kind, w.spec->template_);
		good = load_template(l, sink, root, &owner, &plan);
	}
	o = add_object(l, sink, kind, w.meta);
	if (good && o)
		object_write_yaml(sink, type, root, o);
	if (good && w.spec->replicas.set && w.spec->replicas.value == 0)
		pod_plan_done(&plan);
	else if (good)
		add_plan(l, &plan);
	decode_done(type, &w);
}

void load_deployment(struct load *l, const struct diag_sink *sink, struct node *root)
{
	load_workload(l, sink, root, KUBE_DEPLOYMENT, &schema_deployment);
}

void load_daemon_set(struct load *l, const struct diag_sink *sink, struct node *root)
{
	load_workload(l, sink, root, KUBE_DAEMON_SET, &schema_daemon_set);
}

void load_replica_set(struct load *l, const struct diag_sink *sink, struct node *root)
{
	load_workload(l, sink, root, KUBE_REPLICA_SET, &schema_replica_set);
}

/* ---- jobs -------------------------------------------------------------------------------------
 */

static bool is_indexed(const struct k8s_job_spec *spec)
{
	return is_equal(spec->completion_mode, "Indexed");
}

static void check_job_indexes(const struct diag_sink *sink, const struct k8s_job_spec *spec)
{
	if (spec->backoff_limit_per_index.set && !is_indexed(spec))
		diag_error(sink, "spec.backoffLimitPerIndex", "needs completionMode 'Indexed'");
	if (spec->max_failed_indexes.set && !spec->backoff_limit_per_index.set)
		diag_error(sink, "spec.maxFailedIndexes", "needs backoffLimitPerIndex");
	if (!is_indexed(spec))
		return;
	if (!spec->completions.set)
		diag_error(sink, "spec.completions", "is required with completionMode 'Indexed'");
	if (spec->completions.set && spec->completions.value > MAX_INDEXES)
		diag_error(sink, "spec.completions", "is more than %d", MAX_INDEXES);
	if (spec->parallelism.set && spec->parallelism.value > MAX_INDEXED_AT_ONCE)
		diag_error(sink, "spec.parallelism", "is more than %d", MAX_INDEXED_AT_ONCE);
	if (spec->max_failed_indexes.set && spec->completions.set &&
	    spec->max_failed_indexes.value > spec->completions.value)
		diag_error(sink, "spec.maxFailedIndexes", "is more than completions");
}

/* A name of an index's pod is its host name too. */
static void check_job_name(const struct diag_sink *sink, const struct k8s_meta *meta,
			   const struct k8s_job_spec *spec)
{
	cleanup_free char *last = NULL;
	const char *bad;

	if (!meta || is_empty(meta->name) || !is_indexed(spec) || !spec->completions.set ||
	    spec->completions.value < 1)
		return;
	last = xasprintf("%s-%lld", meta->name, (long long)spec->completions.value - 1);
	bad = name_bad_label(last);
	if (bad)
		diag_error(sink, "metadata.name", "the host name of its last index, '%.100s', %s",
			   last, bad);
}

static void check_job_policy(const struct diag_sink *sink, const struct k8s_job_spec *spec)
{
	const struct k8s_template *t = spec->template_;
	const char *policy = t && t->spec ? t->spec->restart_policy : NULL;

	if (!t || !t->spec)
		return;
	if (!policy || strcmp(policy, "Always") == 0)
		diag_error(
			sink, "spec.template.spec.restartPolicy",
			"%s: a Job needs 'OnFailure' (a container is started again in its pod) or "
			"'Never' (a new pod is made)",
			policy ? "'Always' is not for a Job" : "is required");
	if (spec->backoff_limit_per_index.set && is_equal(policy, "OnFailure"))
		diag_error(sink, "spec.template.spec.restartPolicy",
			   "must be 'Never' with backoffLimitPerIndex");
}

static bool is_made_by_server(const struct k8s_selector *s)
{
	return pairlist_get(&s->labels, "controller-uid") ||
	       pairlist_get(&s->labels, "batch.kubernetes.io/controller-uid");
}

static void check_job_selector(const struct diag_sink *sink, const struct k8s_job_spec *spec)
{
	bool manual = spec->manual_selector.set && spec->manual_selector.value;

	labelselector_check(sink, "spec.selector", spec->selector);
	if (is_labelselector_empty(spec->selector) || is_made_by_server(spec->selector))
		return;
	if (!manual)
		diag_error(sink, "spec.selector",
			   "is not for people to write: leave it out, or set manualSelector");
	else
		diag_unsupported(sink, "spec.selector",
				 "has no effect: a Job knows its pods by their names");
}

static void check_job(const struct diag_sink *sink, const struct k8s_meta *meta,
		      const struct k8s_job_spec *spec)
{
	check_least(sink, "spec.parallelism", spec->parallelism, 0);
	check_least(sink, "spec.completions", spec->completions, 0);
	check_least(sink, "spec.backoffLimit", spec->backoff_limit, 0);
	check_least(sink, "spec.backoffLimitPerIndex", spec->backoff_limit_per_index, 0);
	check_least(sink, "spec.maxFailedIndexes", spec->max_failed_indexes, 0);
	check_least(sink, "spec.activeDeadlineSeconds", spec->active_deadline, 0);
	check_least(sink, "spec.ttlSecondsAfterFinished", spec->ttl, 0);
	check_job_indexes(sink, spec);
	check_job_name(sink, meta, spec);
	check_job_policy(sink, spec);
	check_job_selector(sink, spec);
}

static struct opt_i64 number(struct k8s_int n)
{
	return (struct opt_i64){ n.set, n.set ? n.value : 0 };
}

static struct job_spec *translate_job(const struct k8s_job_spec *from)
{
	struct job_spec *to = xcalloc(1, sizeof(*to));

	to->completions = number(from->completions);
	if (!from->completions.set && !from->parallelism.set)
		to->completions = (struct opt_i64){ true, 1 };
	to->parallelism = from->parallelism.set ? from->parallelism.value : 1;
	to->backoff_limit_per_index = number(from->backoff_limit_per_index);
	to->backoff_limit = from->backoff_limit.set		? from->backoff_limit.value
			    : from->backoff_limit_per_index.set ? INT32_MAX
								: JOB_BACKOFF_LIMIT;
	to->active_deadline_s = number(from->active_deadline);
	to->ttl_s = number(from->ttl);
	to->suspend = from->suspend.set && from->suspend.value;
	to->indexed = is_indexed(from);
	to->max_failed_indexes = number(from->max_failed_indexes);
	to->replace_when_failed = is_equal(from->pod_replacement_policy, "Failed");
	return to;
}

void load_job(struct load *l, const struct diag_sink *sink, struct node *root)
{
	struct k8s_job job = { 0 };
	struct pod_plan plan;
	struct kube_object *o;
	bool good = false;

	decode_object(sink, &schema_job, root, &job);
	if (job.meta)
		validate_meta(sink, job.meta);
	annotations_misplaced(sink, job.meta);
	if (job.spec) {
		struct pod_owner owner = { KUBE_JOB, job.meta, job.spec->template_ };

		check_job(sink, job.meta, job.spec);
		good = load_template(l, sink, root, &owner, &plan);
	}
	o = add_object(l, sink, KUBE_JOB, job.meta);
	if (good && o) {
		object_write_yaml(sink, &schema_job, root, o);
		o->job = translate_job(job.spec);
		o->template = xcalloc(1, sizeof(*o->template));
		*o->template = plan;
	} else if (good) {
		pod_plan_done(&plan);
	}
	decode_done(&schema_job, &job);
}
