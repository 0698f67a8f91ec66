/* SPDX-License-Identifier: Apache-2.0 */
/*
 * references - the ConfigMaps, Secrets and claims that a pod's plan names.
 *
 * Theory of operation: one walk over the plan, without knowing what exists: whoever has read the
 * files and the store compares. The path of each is rebuilt from where it stands in the plan, which
 * keeps the manifest's order; a volume knows its place, since those that cannot be had here are left
 * out of a plan.
 *
 * Volumes: the object of each source, and a key for each of its items. Containers: envFrom, and env
 * by valueFrom. What a ConfigMap or Secret holds is never looked at here.
 */
#include "kube/references.h"

#include <stdlib.h>

#include "engine/pod/spec.h"
#include "kube/diag.h"
#include "kube/kube.h"

struct walk {
	struct kube_reference_list *list;
	struct diag_path path;
};

/* About a field of what is at the path. */
static void add(struct walk *w, int kind, const char *name, const char *key, const char *field,
		bool optional)
{
	struct kube_reference *r = list_add(w->list);
	size_t mark = path_field(&w->path, field);

	r->kind = kind;
	r->name = xstrdup(name);
	r->key = xstrdup_or_null(key);
	r->optional = optional;
	r->path = xstrdup(w->path.text);
	path_cut(&w->path, mark);
}

/* ---- volumes ----------------------------------------------------------------------------------
 */

static void walk_source(struct walk *w, const struct projection *p, const char *name_field)
{
	int kind = p->kind == PROJECTION_SECRET ? KUBE_SECRET : KUBE_CONFIG_MAP;
	size_t mark;

	if (p->kind == PROJECTION_DOWNWARD)
		return;
	mark = path_field(&w->path, p->kind == PROJECTION_SECRET ? "secret" : "configMap");
	add(w, kind, p->object, NULL, name_field, p->optional);
	for (size_t i = 0; i < p->items.n; i++) {
		size_t inner = path_field(&w->path, "items");

		(void)path_index(&w->path, i);
		add(w, kind, p->object, p->items.v[i].key, "key", p->optional);
		path_cut(&w->path, inner);
	}
	path_cut(&w->path, mark);
}

static void walk_volume(struct walk *w, const struct volume_spec *v)
{
	size_t mark;

	if (v->kind == VOLUME_NAMED) {
		mark = path_field(&w->path, "persistentVolumeClaim");
		add(w, KUBE_PVC, v->source_name, NULL, "claimName", false);
		path_cut(&w->path, mark);
		return;
	}
	for (size_t i = 0; i < v->sources.n; i++) {
		mark = w->path.len;
		if (v->kind == VOLUME_PROJECTED) {
			(void)path_field(&w->path, "projected.sources");
			(void)path_index(&w->path, v->sources.v[i].index);
		}
		walk_source(w, &v->sources.v[i], v->kind == VOLUME_SECRET ? "secretName" : "name");
		path_cut(&w->path, mark);
	}
}

/* ---- containers -------------------------------------------------------------------------------
 */

static void walk_env_from(struct walk *w, const struct container_spec *c)
{
	for (size_t i = 0; i < c->env_from.n; i++) {
		const struct env_source *s = &c->env_from.v[i];
		size_t mark = path_field(&w->path, "envFrom");

		(void)path_index(&w->path, i);
		(void)path_field(&w->path, s->secret ? "secretRef" : "configMapRef");
		add(w, s->secret ? KUBE_SECRET : KUBE_CONFIG_MAP, s->object, NULL, "name",
		    s->optional);
		path_cut(&w->path, mark);
	}
}

static void walk_variable(struct walk *w, const struct env_var *var)
{
	for (size_t i = 0; i < var->value.n; i++) {
		const struct value_part *p = &var->value.v[i];
		bool secret = p->kind == VALUE_SECRET;
		size_t mark;

		if (!secret && p->kind != VALUE_CONFIG)
			continue;
		mark = path_field(&w->path, "valueFrom");
		(void)path_field(&w->path, secret ? "secretKeyRef" : "configMapKeyRef");
		add(w, secret ? KUBE_SECRET : KUBE_CONFIG_MAP, p->object, NULL, "name",
		    p->optional);
		add(w, secret ? KUBE_SECRET : KUBE_CONFIG_MAP, p->object, p->text, "key",
		    p->optional);
		path_cut(&w->path, mark);
	}
}

static void walk_container(struct walk *w, const struct container_spec *c)
{
	walk_env_from(w, c);
	for (size_t i = 0; i < c->env.n; i++) {
		size_t mark = path_field(&w->path, "env");

		(void)path_index(&w->path, i);
		walk_variable(w, &c->env.v[i]);
		path_cut(&w->path, mark);
	}
}

static bool is_mounted(const struct pod_plan *plan, const char *volume)
{
	for (size_t i = 0; i < plan->n_containers; i++)
		for (size_t k = 0; k < plan->containers[i].mounts.n; k++)
			if (is_equal(plan->containers[i].mounts.v[k].volume, volume))
				return true;
	return false;
}

void references_of(const struct pod_plan *plan, struct kube_reference_list *ret)
{
	struct walk w = { .list = ret };
	size_t inits = 0, members = 0, seen = ret->n;

	(void)path_field(&w.path, "spec");
	for (size_t i = 0; i < plan->pod.volumes.n; i++) {
		size_t mark = path_field(&w.path, "volumes");

		(void)path_index(&w.path, plan->pod.volumes.v[i].index);
		walk_volume(&w, &plan->pod.volumes.v[i]);
		for (; seen < ret->n; seen++)
			ret->v[seen].unmounted = !is_mounted(plan, plan->pod.volumes.v[i].name);
		path_cut(&w.path, mark);
	}
	for (size_t i = 0; i < plan->n_containers; i++) {
		bool init = plan->containers[i].kind == CONTAINER_INIT;
		size_t mark = path_field(&w.path, init ? "initContainers" : "containers");

		(void)path_index(&w.path, init ? inits++ : members++);
		walk_container(&w, &plan->containers[i]);
		path_cut(&w.path, mark);
	}
}

void references_done(struct kube_reference_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].name);
		free(list->v[i].key);
		free(list->v[i].path);
	}
	free(list->v);
	*list = (struct kube_reference_list){ 0 };
}
