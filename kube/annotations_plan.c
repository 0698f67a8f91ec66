/* SPDX-License-Identifier: Apache-2.0 */
/*
 * annotations_plan - annotations that stand for something Kubernetes has no field for.
 *
 * Theory of operation: they were checked when the pod was read (annotations.c), so that a value
 * that cannot be read does not occur here. A limit that names a container wins over the pod's.
 *
 * The way back: a plan keeps its annotations, and what they stand for stands in the plan as well;
 * written out, the field wins over the annotation and says the same, so nothing happens twice. One
 * field is not written when it is the engine's default, the seccomp profile: where the default was
 * asked for by a field against an annotation, it has to be.
 */
#include <stdlib.h>
#include <string.h>

#include "kube/annotations.h"

bool note_parse_ulimits(const char *value, struct ulimit_list *ret, struct error *err)
{
	while (*value) {
		size_t len = strcspn(value, ",");
		cleanup_free char *word = xstrndup(value, len);

		if (ulimit_parse(word, ret, err) < 0)
			return false;
		value += len + (value[len] == ',');
	}
	if (!ret->n)
		(void)error_set(err, EINVAL, "is empty: NAME=SOFT:HARD is expected");
	return ret->n > 0;
}

/* KEY/CONTAINER, else KEY when both are allowed. */
static const char *about(const struct pairlist *all, const char *key, const char *container)
{
	cleanup_free char *own = xasprintf("%s/%s", key, container);

	return pairlist_get(all, own);
}

static void plan_container(const struct pairlist *all, struct container_spec *c)
{
	const char *pids = about(all, NOTE_PIDS, c->name);
	const char *cpus = about(all, NOTE_CPUS, c->name);
	const char *nodes = about(all, NOTE_NODES, c->name);
	const char *limits = pairlist_get(all, NOTE_ULIMIT);
	struct error err = { 0 };

	if (!pids)
		pids = pairlist_get(all, NOTE_PIDS);
	c->resources.pids_limit.set = pids && note_parse_pids(pids, &c->resources.pids_limit.value);
	c->resources.cpuset_cpus = xstrdup_or_null(cpus);
	c->resources.cpuset_mems = xstrdup_or_null(nodes);
	if (limits && strcmp(limits, "host") != 0)
		(void)note_parse_ulimits(limits, &c->ulimits, &err);
}

void annotations_plan(const struct k8s_pod *pod, struct pod_plan *plan)
{
	const struct pairlist *all = &pod->meta->annotations;

	for (size_t i = 0; i < plan->n_containers && all->n; i++)
		plan_container(all, &plan->containers[i]);
}

/* ---- and back ---------------------------------------------------------------------------------
 */

/* Something else than the default. */
static bool is_other_seccomp(const char *value)
{
	struct k8s_seccomp s = { 0 };
	bool other = value && note_parse_seccomp(value, &s) && !is_equal(s.type, "RuntimeDefault");

	free(s.type);
	free(s.localhost_profile);
	return other;
}

static void settle(const struct pairlist *all, struct k8s_container *c)
{
	if (c->security && c->security->seccomp)
		return;
	if (!is_other_seccomp(about(all, NOTE_SECCOMP, c->name)) &&
	    !is_other_seccomp(about(all, NOTE_SECCOMP_ALPHA, c->name)) &&
	    !is_other_seccomp(pairlist_get(all, NOTE_SECCOMP_POD)))
		return;
	if (!c->security)
		c->security = xcalloc(1, sizeof(*c->security));
	c->security->seccomp = xcalloc(1, sizeof(*c->security->seccomp));
	c->security->seccomp->type = xstrdup("RuntimeDefault");
}

void annotations_settle(const struct pod_plan *plan, struct k8s_pod *ret)
{
	const struct pairlist *all = &plan->pod.annotations;

	for (size_t i = 0; i < ret->spec->containers.n && all->n; i++)
		settle(all, &ret->spec->containers.v[i]);
	for (size_t i = 0; i < ret->spec->inits.n && all->n; i++)
		settle(all, &ret->spec->inits.v[i]);
}
