/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobpod - what the pods of a Job have more than their template says.
 *
 * Theory of operation: a Job's controller makes pods from the template's plan. It gives each a name,
 * which is in the names of its containers and in its document too; the two labels that every pod of
 * a Job has; and where completions are told apart by index, the index, in all four places in which
 * Kubernetes has it: label, annotation, variable and host name.
 *
 * Nothing of this but the name is in the pod's document, since nobody wrote it there; what is
 * written from the plan leaves it out again. No controller-uid: there are no uids of Jobs here.
 */
#include "kube/jobpod.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/document.h"
#include "kube/encode.h"
#include "kube/job.h"
#include "kube/kube.h"
#include "kube/objects.h"
#include "schemas/models.h"

#define LABEL_JOB     "batch.kubernetes.io/job-name"
#define LABEL_JOB_OLD "job-name"
#define LABEL_INDEX   "batch.kubernetes.io/job-completion-index"
#define ENV_INDEX     "JOB_COMPLETION_INDEX"

void jobpod_mark(struct pod_spec *pod, const char *job)
{
	pairlist_set(&pod->labels, LABEL_JOB, job);
	pairlist_set(&pod->labels, LABEL_JOB_OLD, job);
}

/* ---- one pod ----------------------------------------------------------------------------------
 */

static void copy_plan(const struct pod_plan *from, struct pod_plan *to)
{
	memset(to, 0, sizeof(*to));
	record_copy(&pod_spec_type, &to->pod, &from->pod);
	to->containers = xcalloc(from->n_containers, sizeof(*to->containers));
	to->n_containers = from->n_containers;
	for (size_t i = 0; i < from->n_containers; i++)
		record_copy(&container_spec_type, &to->containers[i], &from->containers[i]);
}

/* The document with another metadata.name. */
static int rename_document(const char *yaml, const char *name, char **ret, struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	struct doc_place where;
	struct node *meta;
	int r = document_parse(yaml, strlen(yaml), &set, &where, err);

	if (r < 0)
		return error_wrap(err, "the template's document, line %d", where.line);
	meta = set.n == 1 ? node_get(set.v[0], "metadata") : NULL;
	if (!meta || meta->kind != NODE_MAP)
		return error_set(err, EBADMSG, "the template's document has no metadata");
	for (size_t i = 0; i < meta->n; i++)
		if (strcmp(meta->entries[i].key, "name") == 0)
			meta->entries[i].value = node_new_text(&set.arena, name);
	return encode_document(&schema_pod, set.v[0], ret, err);
}

static void rename_plan(struct pod_plan *plan, const char *name)
{
	free(plan->pod.name);
	plan->pod.name = xstrdup(name);
	for (size_t i = 0; i < plan->n_containers && !plan->pod.plain_names; i++) {
		struct container_spec *c = &plan->containers[i];

		free(c->full_name);
		c->full_name = xasprintf("%s-%s", name, c->name);
	}
}

static bool has_variable(const struct container_spec *c, const char *name)
{
	for (size_t i = 0; i < c->env.n; i++)
		if (is_equal(c->env.v[i].name, name))
			return true;
	return false;
}

static void add_variable(struct container_spec *c, const char *name, const char *text)
{
	struct value_part *part;
	struct env_var *var;

	if (has_variable(c, name))
		return; /* the user's own wins, as in a cluster */
	var = list_add(&c->env);
	var->name = xstrdup(name);
	part = list_add(&var->value);
	part->kind = VALUE_LITERAL;
	part->text = xstrdup(text);
}

static void mark_index(struct pod_plan *plan, const char *job, int64_t index)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)index);
	pairlist_set(&plan->pod.labels, LABEL_INDEX, text);
	pairlist_set(&plan->pod.annotations, LABEL_INDEX, text);
	for (size_t i = 0; i < plan->n_containers; i++)
		add_variable(&plan->containers[i], ENV_INDEX, text);
	if (!plan->pod.hostname)
		plan->pod.hostname = xasprintf("%s-%s", job, text);
}

int kube_job_pod(const struct kube_object *job, const char *name, int64_t index,
		 struct pod_plan *ret, struct error *err)
{
	char *yaml = NULL;
	int r;

	if (!job->template || !job->job)
		return error_set(err, EINVAL, "'%s' is not a Job that can be played", job->name);
	r = rename_document(job->template->kube_yaml, name, &yaml, err);
	if (r < 0)
		return r;
	copy_plan(job->template, ret);
	ret->kube_yaml = yaml;
	rename_plan(ret, name);
	if (job->job->indexed)
		mark_index(ret, job->name, index);
	return 0;
}

/* ---- and back ---------------------------------------------------------------------------------
 */

static void drop_pair(struct pairlist *l, const char *key)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].key, key) != 0)
			continue;
		free(l->v[i].key);
		free(l->v[i].value);
		memmove(&l->v[i], &l->v[i + 1], (--l->n - i) * sizeof(*l->v));
		return;
	}
}

/* The last variable of a container, when it is the index. */
static void drop_variable(struct k8s_container *c, const char *index)
{
	struct k8s_env *last = c->env.n ? &c->env.v[c->env.n - 1] : NULL;

	if (!last || !is_equal(last->name, ENV_INDEX) || !is_equal(last->value, index))
		return;
	free(last->name);
	free(last->value);
	c->env.n--;
}

static void drop_index(const struct pod_spec *plan, const char *job, struct k8s_pod *pod)
{
	const char *index = pairlist_get(&plan->labels, LABEL_INDEX);
	cleanup_free char *hostname = index ? xasprintf("%s-%s", job, index) : NULL;

	if (!index)
		return;
	for (size_t i = 0; i < pod->spec->inits.n; i++)
		drop_variable(&pod->spec->inits.v[i], index);
	for (size_t i = 0; i < pod->spec->containers.n; i++)
		drop_variable(&pod->spec->containers.v[i], index);
	if (is_equal(pod->spec->hostname, hostname))
		free(steal_ptr(&pod->spec->hostname));
	drop_pair(&pod->meta->labels, LABEL_INDEX);
	drop_pair(&pod->meta->annotations, LABEL_INDEX);
}

void jobpod_unmark(const struct pod_spec *plan, struct k8s_pod *pod)
{
	cleanup_free char *namespace_ = NULL, *job = NULL;
	enum kube_kind kind;

	if (!controller_parse(plan->controller, &kind, &namespace_, &job) || kind != KUBE_JOB)
		return;
	drop_index(plan, job, pod);
	drop_pair(&pod->meta->labels, LABEL_JOB);
	drop_pair(&pod->meta->labels, LABEL_JOB_OLD);
}
