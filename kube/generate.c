/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate - one run of `kube generate`: documents in, one stream out.
 *
 * Theory of operation: a pod's tree is that of the document that it was played from, or is made from
 * the engine's records. Containers that the pod no longer has are taken out of the document, those
 * that it got since then are put in from the records. Then the pod is wrapped into its workload
 * (which gives labels to one that has none), what it refers to is written, hostPath volumes are
 * replaced (what takes their place is written, too), the Service is written, the notes are made, the
 * workload is written. A stored workload takes the same way with its template as the pod.
 *
 * Nothing is handed out that does not read back as itself.
 */
#include "kube/generate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kube/document.h"
#include "kube/encode.h"
#include "kube/generate_parts.h"
#include "kube/handmade.h"
#include "kube/kube.h"

const char *const generate_type_names[] = { "pod", "deployment",  "daemonset",
					    "job", "statefulset", NULL };

void generate_run_done(struct generate_run *run)
{
	buf_done(&run->out);
	strlist_done(&run->notes);
	strlist_done(&run->written);
	strlist_done(&run->node_ports);
}

void generate_note(struct generate_job *job, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strlist_addf(&job->run->notes, "pod '%s': %s", job->name, text);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

int generate_write(struct generate_run *run, const char *kind, const struct node *root,
		   struct error *err)
{
	const struct schema_kind *k = schema_kind_find(NULL, kind);
	cleanup_free char *text = NULL;
	int r;

	if (!k || !k->type)
		return error_set(err, EINVAL, "kind '%s' cannot be written", kind);
	r = encode_checked(k->type, root, &text, err);
	if (r < 0)
		return error_wrap(err, "%s", kind);
	buf_adds(&run->out, text);
	return 0;
}

/* What comes before a pod, whatever holds it: references, what takes the place of hostPaths, the
 * Service; and the notes. */
static int write_before(struct generate_job *job, struct error *err)
{
	int r = generate_references(job, err);

	if (r == 0)
		r = generate_host_paths(job, err);
	if (r == 0 && job->run->rq->service)
		r = generate_service(job, err);
	if (r == 0 && job->run->rq->for_cluster)
		generate_cluster_notes(job);
	return r;
}

int generate_document(struct generate_run *run, const char *kind, const char *yaml,
		      struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	struct generate_job job = { .run = run, .arena = &set.arena };
	struct doc_place where;
	struct node *root, *spec;
	int r = document_parse(yaml, strlen(yaml), &set, &where, err);

	if (r == 0 && (set.n != 1 || set.v[0]->kind != NODE_MAP))
		r = error_set(err, EBADMSG, "the stored %s is not one document", kind);
	if (r < 0)
		return r;
	root = set.v[0];
	spec = node_get(root, "spec");
	job.name = tree_text(node_get(root, "metadata"), "name");
	job.namespace_ = tree_text(node_get(root, "metadata"), "namespace");
	job.pod = node_get(spec, "template");
	job.spec = node_get(job.pod, "spec");
	if (job.spec && job.name)
		r = write_before(&job, err);
	return r < 0 ? r : generate_write(run, kind, root, err);
}

/* ---- what the pod is now ----------------------------------------------------------------------
 */

static const struct node *find_named(const struct node *list, const char *name)
{
	for (size_t i = 0; list && list->kind == NODE_LIST && i < list->n; i++)
		if (is_equal(tree_text(list->items[i], "name"), name))
			return list->items[i];
	return NULL;
}

static bool has_container(const struct pod_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_containers; i++)
		if (is_equal(plan->containers[i].name, name))
			return true;
	return false;
}

/* Takes out what the pod has no more, puts in what only the records have. */
static void follow_list(struct generate_job *job, const struct pod_plan *plan, const char *key,
			const struct node *now)
{
	struct node *list = node_get(job->spec, key);
	const struct node *present = node_get(now, key);

	for (size_t i = list && list->kind == NODE_LIST ? list->n : 0; i-- > 0;)
		if (!has_container(plan, tree_text(list->items[i], "name")))
			tree_drop(list, i);
	for (size_t i = 0; present && i < present->n; i++) {
		if (find_named(list, tree_text(present->items[i], "name")))
			continue;
		if (!list) {
			list = tree_new_list(job->arena);
			tree_set(job->arena, job->spec, key, list);
		}
		node_list_add(job->arena, list, tree_copy(job->arena, present->items[i]));
	}
	if (list && !list->n)
		tree_remove(job->spec, key);
}

static bool is_as_played(const struct generate_job *job, const struct pod_plan *plan)
{
	const struct node *inits = node_get(job->spec, "initContainers");
	const struct node *members = node_get(job->spec, "containers");
	size_t n = (inits ? inits->n : 0) + (members ? members->n : 0);
	bool same = n == plan->n_containers;

	for (size_t i = 0; i < plan->n_containers && same; i++)
		same = find_named(inits, plan->containers[i].name) ||
		       find_named(members, plan->containers[i].name);
	return same;
}

static int follow_changes(struct generate_job *job, const struct pod_plan *plan, struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	cleanup_free char *text = NULL;
	struct doc_place where;
	const struct node *now;
	int r;

	if (is_as_played(job, plan))
		return 0;
	r = kube_generate_from_plan(plan, &text, err);
	if (r == 0)
		r = document_parse(text, strlen(text), &set, &where, err);
	if (r < 0)
		return r;
	now = node_get(set.v[0], "spec");
	follow_list(job, plan, "initContainers", now);
	follow_list(job, plan, "containers", now);
	return 0;
}

int kube_follow_document(const struct pod_plan *plan, const char *yaml, char **ret,
			 struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	struct generate_job job = { .arena = &set.arena, .name = plan->pod.name };
	struct doc_place where = { 0 };
	int r = document_parse(yaml, strlen(yaml), &set, &where, err);

	if (r < 0)
		return error_wrap(err, "pod '%s', line %d of its document", plan->pod.name,
				  where.line);
	job.pod = set.n == 1 ? set.v[0] : NULL;
	job.spec = node_get(job.pod, "spec");
	if (!job.spec)
		return error_set(err, EBADMSG, "the document of pod '%s' is not one pod",
				 plan->pod.name);
	if (is_as_played(&job, plan)) {
		*ret = xstrdup(yaml);
		return 0;
	}
	r = follow_changes(&job, plan, err);
	if (r < 0)
		return r;
	return encode_checked(schema_kind_find(NULL, "Pod")->type, job.pod, ret, err);
}

/* ---- a pod ------------------------------------------------------------------------------------
 */

static int write_pod(struct generate_job *job, struct error *err)
{
	static const char *const kinds[] = { "Pod", "Deployment", "DaemonSet", "Job",
					     "StatefulSet" };
	struct node *root = NULL;
	int r = generate_wrap(job, &root, err);

	if (r == 0)
		r = write_before(job, err);
	return r < 0 ? r : generate_write(job->run, kinds[job->run->rq->type], root, err);
}

int generate_pod(struct generate_run *run, const struct pod_plan *plan, const char *kube_yaml,
		 struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	cleanup_free char *made = NULL;
	struct generate_job job = { .run = run,
				    .arena = &set.arena,
				    .name = plan->pod.name,
				    .namespace_ = plan->pod.namespace_ };
	struct doc_place where = { 0 };
	int r = 0;

	if (plan->n_containers == 0)
		return error_set(err, EINVAL, "pod '%s' only has an infra container",
				 plan->pod.name);
	if (!kube_yaml)
		r = kube_generate_from_plan(plan, &made, err);
	if (r == 0)
		r = document_parse(kube_yaml ? kube_yaml : made,
				   strlen(kube_yaml ? kube_yaml : made), &set, &where, err);
	if (r < 0)
		return error_wrap(err, "pod '%s', line %d of its document", plan->pod.name,
				  where.line);
	job.pod = set.n == 1 ? set.v[0] : NULL;
	job.spec = node_get(job.pod, "spec");
	if (!job.spec)
		return error_set(err, EBADMSG, "the document of pod '%s' is not one pod",
				 plan->pod.name);
	r = kube_yaml ? follow_changes(&job, plan, err) : 0;
	return r < 0 ? r : write_pod(&job, err);
}

int generate_handmade(struct generate_run *run, struct pod_plan *plan, struct error *err)
{
	int r = 0;

	if (plan->n_containers)
		r = handmade_settle(plan, (enum generate_type)run->rq->type, &run->notes, err);
	return r < 0 ? r : generate_pod(run, plan, NULL, err);
}
