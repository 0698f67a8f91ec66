/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_refresh - pods that run while a ConfigMap or Secret of theirs changes.
 *
 * Theory of operation: as in a cluster. Files of volumes change at once in every pod that mounts the
 * object, of this file or another; variables of the environment do not until the container is
 * started again, and neither do files that are mounted by a subPath. Which of it is true of a pod
 * is said, since nobody sees it otherwise.
 */
#include <stdio.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/kube/kubeview.h"
#include "cmd/podium/play/play.h"
#include "engine/base/mem.h"
#include "engine/pod/refresh.h"

/* Whether a container's environment, or one of its subPath mounts, comes from a changed object. */
static bool is_env_changed(const struct container_spec *c, const struct pod_spec *pod,
			   const struct play_objects *objects)
{
	for (size_t i = 0; i < c->env_from.n; i++)
		if (is_play_object_changed(objects,
					   c->env_from.v[i].secret ? KUBE_SECRET : KUBE_CONFIG_MAP,
					   pod->namespace_, c->env_from.v[i].object))
			return true;
	for (size_t i = 0; i < c->env.n; i++) {
		const struct value *v = &c->env.v[i].value;

		for (size_t k = 0; k < v->n; k++) {
			int kind = v->v[k].kind == VALUE_SECRET ? KUBE_SECRET : KUBE_CONFIG_MAP;

			if ((v->v[k].kind == VALUE_SECRET || v->v[k].kind == VALUE_CONFIG) &&
			    is_play_object_changed(objects, kind, pod->namespace_, v->v[k].object))
				return true;
		}
	}
	return false;
}

static bool is_volume_changed(const struct volume_spec *v, const struct pod_spec *pod,
			      const struct play_objects *objects)
{
	for (size_t i = 0; i < v->sources.n; i++) {
		const struct projection *p = &v->sources.v[i];
		int kind = p->kind == PROJECTION_SECRET ? KUBE_SECRET : KUBE_CONFIG_MAP;

		if (p->kind != PROJECTION_DOWNWARD &&
		    is_play_object_changed(objects, kind, pod->namespace_, p->object))
			return true;
	}
	return false;
}

static void refresh_pod(const struct store *s, const struct kube_pod *p,
			const struct play_objects *objects)
{
	bool files = false, env = false;
	struct error err;
	int n = 0;

	for (size_t i = 0; i < p->pod.volumes.n; i++)
		files |= is_volume_changed(&p->pod.volumes.v[i], &p->pod, objects);
	for (size_t i = 0; i < p->in.n; i++)
		env |= is_env_changed(&p->specs[i], &p->pod, objects);
	if (files)
		n = pod_refresh_volumes(s, p->id, &err);
	if (n < 0) {
		cleanup_free char *text = xasprintf("pod '%s': mounted files have not changed: %s",
						    p->pod.name, err.text);

		command_print_warning(text);
	} else if (n > 0) {
		fprintf(stderr, "pod '%s': mounted files have changed\n", p->pod.name);
	}
	if (env)
		fprintf(stderr, "pod '%s': environment variables change when it is started again\n",
			p->pod.name);
}

void play_refresh(const struct store *s, const struct strlist *fresh,
		  const struct play_objects *objects)
{
	struct kube_pods pods = { 0 };
	struct error scratch; /* unreadable pods were warned of */
	bool any = false;

	for (size_t i = 0; i < objects->n; i++)
		any |= objects->v[i].change == PLAY_CONFIGURED && objects->v[i].o->data;
	if (any && kube_pods_load(s, NULL, true, &pods, &scratch) == 0)
		for (size_t i = 0; i < pods.n; i++)
			if (is_pod_active(s, pods.v[i].id) && !strlist_has(fresh, pods.v[i].id))
				refresh_pod(s, &pods.v[i], objects);
	kube_pods_done(&pods);
}
