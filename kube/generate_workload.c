/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate_workload - a pod as the template of a Deployment, DaemonSet, StatefulSet or Job.
 *
 * Theory of operation: the pod's metadata splits: name and namespace go to the workload (with the
 * type behind the name, as Podman has it), labels to the template and, as what selects, to the
 * workload; annotations to the template. A pod without labels gets `app: NAME`, since a selector
 * must select something. The restart policy must be one that the type can have: Always for those
 * that keep pods, OnFailure or Never for a Job; one that nobody asked for is left to the type.
 */
#include "kube/generate_parts.h"

struct wrapping {
	const char *version;
	const char *kind;
	const char *suffix;
};
static const struct wrapping wrappings[GENERATE__COUNT] = {
	[GENERATE_DEPLOYMENT] = { "apps/v1", "Deployment", "deployment" },
	[GENERATE_DAEMON_SET] = { "apps/v1", "DaemonSet", "daemonset" },
	[GENERATE_JOB] = { "batch/v1", "Job", "job" },
	[GENERATE_STATEFUL_SET] = { "apps/v1", "StatefulSet", "statefulset" },
};

static int set_restart(struct generate_job *job, struct error *err)
{
	const char *policy = tree_text(job->spec, "restartPolicy");
	const char *kind = wrappings[job->run->rq->type].kind;

	if (job->run->rq->type != GENERATE_JOB) {
		if (policy && !is_equal(policy, "Always"))
			return error_set(
				err, EINVAL,
				"pod '%s': a %s keeps its pods running: restartPolicy '%s' "
				"cannot be had (use --type job or pod)",
				job->name, kind, policy);
		return 0;
	}
	if (is_equal(policy, "Always"))
		return error_set(err, EINVAL,
				 "pod '%s': a Job's pods end: restartPolicy 'Always' cannot be had "
				 "(use --type deployment)",
				 job->name);
	if (!policy)
		tree_set_text(job->arena, job->spec, "restartPolicy", "Never");
	return 0;
}

/* The pod's labels, which it then has. */
static struct node *need_labels(struct generate_job *job)
{
	struct node *meta = tree_need_map(job->arena, job->pod, "metadata");
	struct node *labels = tree_need_map(job->arena, meta, "labels");

	if (!labels->n)
		tree_set_text(job->arena, labels, "app", job->name);
	return labels;
}

static struct node *template_of(struct generate_job *job, struct node *labels)
{
	struct node *annotations = node_get(node_get(job->pod, "metadata"), "annotations");
	struct node *template_ = tree_new_map(job->arena), *meta = tree_new_map(job->arena);

	tree_set(job->arena, meta, "labels", tree_copy(job->arena, labels));
	if (annotations && annotations->kind == NODE_MAP && annotations->n)
		tree_set(job->arena, meta, "annotations", annotations);
	tree_set(job->arena, template_, "metadata", meta);
	tree_set(job->arena, template_, "spec", job->spec);
	return template_;
}

static void fill_spec(struct generate_job *job, struct node *spec, struct node *labels)
{
	const struct generate_request *rq = job->run->rq;
	struct arena *a = job->arena;

	if (rq->type == GENERATE_JOB) {
		tree_set(a, spec, "completions", node_new_int(a, 1));
		tree_set(a, spec, "parallelism", node_new_int(a, 1));
		return;
	}
	if (rq->type != GENERATE_DAEMON_SET)
		tree_set(a, spec, "replicas",
			 node_new_int(a, rq->replicas.set ? rq->replicas.value : 1));
	tree_set(a, tree_need_map(a, spec, "selector"), "matchLabels", tree_copy(a, labels));
	if (rq->type == GENERATE_STATEFUL_SET)
		tree_set_text(a, spec, "serviceName", job->name);
}

int generate_wrap(struct generate_job *job, struct node **ret, struct error *err)
{
	const struct wrapping *w = &wrappings[job->run->rq->type];
	cleanup_free char *name = NULL;
	struct node *root, *spec, *labels;
	int r;

	*ret = job->pod;
	if (job->run->rq->service)
		(void)need_labels(job);
	if (job->run->rq->type == GENERATE_POD)
		return 0;
	r = set_restart(job, err);
	if (r < 0)
		return r;
	name = xasprintf("%s-%s", job->name, w->suffix);
	root = tree_document(job->arena, w->version, w->kind, name, job->namespace_);
	labels = need_labels(job);
	tree_set(job->arena, node_get(root, "metadata"), "labels", tree_copy(job->arena, labels));
	spec = tree_need_map(job->arena, root, "spec");
	fill_spec(job, spec, labels);
	tree_set(job->arena, spec, "template", template_of(job, labels));
	*ret = root;
	return 0;
}
