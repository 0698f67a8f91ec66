/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_prune - what was played from a file once and is not in it any more.
 *
 * Theory of operation: pods, workloads, Jobs, ConfigMaps and Secrets carry the path of the file they
 * came from; those of these files that the files do not name any more go, workloads first. Claims
 * carry none and are never pruned: they are somebody's data. What cannot be removed because it is
 * in use is said and left.
 */
#include "cmd/podium/play/play_prune.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/kube/kubekind.h"
#include "cmd/podium/kube/kubeview.h"
#include "engine/base/mem.h"
#include "engine/data/object.h"
#include "kube/objects.h"

void play_prunes_done(struct play_prunes *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].namespace_);
		free(p->v[i].name);
	}
	free(p->v);
	*p = (struct play_prunes){ 0 };
}

static void add(struct play_prunes *p, int kind, const char *namespace_, const char *name)
{
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = (struct play_pruned){ .kind = kind,
					     .namespace_ = xstrdup_or_null(namespace_),
					     .name = xstrdup(name) };
}

static bool is_named(const struct kube_result *result, int kind, const char *namespace_,
		     const char *name)
{
	for (size_t i = 0; i < result->n_objects; i++) {
		const struct kube_object *o = &result->objects[i];

		if (o->kind == kind && is_equal(o->name, name) &&
		    is_equal(namespace_of(o->namespace_), namespace_of(namespace_)))
			return true;
	}
	return false;
}

static int find_stored(const struct store *s, const struct kube_result *result, int kind,
		       const struct strlist *sources, struct play_prunes *ret, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	int r = object_list(s, (enum kube_kind)kind, &names, err);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		cleanup_stored_object struct stored_object o = { 0 };
		const char *slash = strchr(names.v[i], '/');
		cleanup_free char *space = xstrndup(names.v[i], (size_t)(slash - names.v[i]));

		r = object_read(s, (enum kube_kind)kind, is_equal(space, "_") ? NULL : space,
				slash + 1, &o, err);
		if (r == 0 && o.source && strlist_has(sources, o.source) &&
		    !is_named(result, kind, o.namespace_, o.name))
			add(ret, kind, o.namespace_, o.name);
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

static int find_data(const struct store *s, const struct kube_result *result, int kind,
		     const struct strlist *sources, struct play_prunes *ret, struct error *err)
{
	enum data_kind data = kind == KUBE_SECRET ? DATA_SECRET : DATA_CONFIG;
	cleanup_strlist struct strlist names = { 0 };
	int r = data_object_list(s, data, &names, err);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		cleanup_data_object struct data_object o = { 0 };
		const char *slash = strchr(names.v[i], '/');
		cleanup_free char *space = xstrndup(names.v[i], (size_t)(slash - names.v[i]));

		r = data_object_read(s, data, space, slash + 1, &o, err);
		if (r == 0 && o.source && strlist_has(sources, o.source) &&
		    !is_named(result, kind, space, o.name))
			add(ret, kind, space, o.name);
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

static int find_pods(const struct store *s, const struct kube_result *result,
		     const struct strlist *sources, struct play_prunes *ret, struct error *err)
{
	cleanup_kube_pods struct kube_pods pods = { 0 };
	int r = kube_pods_load(s, NULL, false, &pods, err);

	for (size_t i = 0; i < pods.n && r == 0; i++) {
		const struct pod_spec *pod = &pods.v[i].pod;

		/* Those of workloads go, or stay, with these. */
		if (pod->source && !pod->controller && is_equal(pod->owner, "kube") &&
		    strlist_has(sources, pod->source) &&
		    !strlist_has(&result->pod_names, pod->name))
			add(ret, KUBE_POD, pod->namespace_, pod->name);
	}
	return r;
}

int play_prune_find(const struct store *s, const struct kube_result *result,
		    const struct strlist *sources, struct play_prunes *ret, struct error *err)
{
	static const int stored[] = { KUBE_JOB, KUBE_DAEMON_SET, KUBE_REPLICA_SET,
				      KUBE_DEPLOYMENT };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(stored) && r == 0; i++)
		r = find_stored(s, result, stored[i], sources, ret, err);
	if (r == 0)
		r = find_pods(s, result, sources, ret, err);
	if (r == 0)
		r = find_data(s, result, KUBE_SECRET, sources, ret, err);
	if (r == 0)
		r = find_data(s, result, KUBE_CONFIG_MAP, sources, ret, err);
	if (r == 0)
		r = find_stored(s, result, KUBE_PV, sources, ret, err);
	return r < 0 ? r : find_stored(s, result, KUBE_NAMESPACE, sources, ret, err);
}

void play_prune_add_pods(struct play_prunes *p, const struct store *s, const struct strlist *names)
{
	for (size_t i = 0; i < names->n; i++) {
		struct pod_spec pod = { 0 };
		struct error scratch; /* gone already */
		char id[65];

		if (lookup_pod(s, names->v[i], id, &scratch) == 0 &&
		    lookup_read_pod(s, id, &pod, &scratch) == 0 &&
		    is_equal(pod.name, names->v[i]) && pod.controller)
			add(p, KUBE_POD, pod.namespace_, pod.name);
		record_done(&pod_spec_type, &pod);
	}
}

int play_prune(const struct store *s, const struct play_prunes *p, bool dry, struct error *err)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct play_pruned *it = &p->v[i];
		const struct kube_kind_row *row = kube_kind_find(kube_kind_plurals[it->kind]);
		struct error one;
		int r = dry ? 0 : row->remove(s, row, it->namespace_, it->name, -1, &one);

		if (r == 0)
			fprintf(stderr, "%s '%s' deleted%s\n", row->singular, it->name,
				dry ? " (dry run)" : "");
		else if (r == -EBUSY)
			fprintf(stderr, "%s '%s' stays: %s\n", row->singular, it->name, one.text);
		else if (r != -ENOENT)
			return error_set(err, -r, "%s", one.text);
	}
	return 0;
}
