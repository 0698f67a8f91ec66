/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds - what becomes of a document, by its kind; and the objects of a result.
 *
 * Theory of operation: schemas/registry.c knows which kinds there are; the table here has a reader
 * for each that is played. The rest is said: kinds that come later (their fields are checked all
 * the same), kinds that mean nothing on one host, kinds that nobody knows. An apiVersion that is not
 * the kind's is an error that names the right one, unless its group is somebody else's: a Service
 * of serving.knative.dev is no Service.
 *
 * An object is noted as soon as it has a valid name, also when its document has errors elsewhere, so
 * that `kube down` finds it. Objects are put in the order of enum kube_kind at the end: what is
 * referred to is made before what refers to it.
 */
#include "kube/kinds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/object.h"
#include "engine/volumes/named.h"
#include "kube/decode.h"
#include "kube/encode.h"
#include "kube/names.h"
#include "kube/tree.h"
#include "schemas/models.h"

const char *const kube_kind_names[] = {
	[KUBE_NAMESPACE] = "Namespace",
	[KUBE_CONFIG_MAP] = "ConfigMap",
	[KUBE_SECRET] = "Secret",
	[KUBE_PV] = "PersistentVolume",
	[KUBE_PVC] = "PersistentVolumeClaim",
	[KUBE_DEPLOYMENT] = "Deployment",
	[KUBE_REPLICA_SET] = "ReplicaSet",
	[KUBE_DAEMON_SET] = "DaemonSet",
	[KUBE_JOB] = "Job",
	[KUBE_POD] = "Pod",
	[KUBE_KIND__COUNT] = NULL,
};
static_assert(ARRAY_SIZE(kube_kind_names) == KUBE_KIND__COUNT + 1, "a name for every kind");

const char *const kube_kind_plurals[] = {
	[KUBE_NAMESPACE] = "namespaces",
	[KUBE_CONFIG_MAP] = "configmaps",
	[KUBE_SECRET] = "secrets",
	[KUBE_PV] = "persistentvolumes",
	[KUBE_PVC] = "persistentvolumeclaims",
	[KUBE_DEPLOYMENT] = "deployments",
	[KUBE_REPLICA_SET] = "replicasets",
	[KUBE_DAEMON_SET] = "daemonsets",
	[KUBE_JOB] = "jobs",
	[KUBE_POD] = "pods",
	[KUBE_KIND__COUNT] = NULL,
};
static_assert(ARRAY_SIZE(kube_kind_plurals) == KUBE_KIND__COUNT + 1, "a plural for every kind");

static kind_reader *const readers[KUBE_KIND__COUNT] = {
	[KUBE_NAMESPACE] = load_namespace,
	[KUBE_CONFIG_MAP] = load_config_map,
	[KUBE_SECRET] = load_secret,
	[KUBE_PV] = load_volume,
	[KUBE_PVC] = load_claim,
	[KUBE_DEPLOYMENT] = load_deployment,
	[KUBE_REPLICA_SET] = load_replica_set,
	[KUBE_DAEMON_SET] = load_daemon_set,
	[KUBE_JOB] = load_job,
	[KUBE_POD] = load_pod,
};

/* ---- objects ----------------------------------------------------------------------------------
 */

bool is_cluster_wide(enum kube_kind kind)
{
	return kind == KUBE_NAMESPACE || kind == KUBE_PV;
}

struct kube_object *find_object(const struct kube_result *r, enum kube_kind kind,
				const char *namespace_, const char *name)
{
	for (size_t i = 0; i < r->n_objects; i++) {
		struct kube_object *o = &r->objects[i];

		if (o->kind == (int)kind && is_equal(o->name, name) &&
		    (is_cluster_wide(kind) ||
		     is_equal(namespace_of(o->namespace_), namespace_of(namespace_))))
			return o;
	}
	return NULL;
}

static void said_twice(const struct load *l, const struct diag_sink *sink,
		       const struct kube_object *other)
{
	const char *kind = kube_kind_names[other->kind];

	if (l->from_option != other->from_option)
		diag_error(sink, "metadata.name",
			   "is ambiguous: a %s '%.253s' is in the files (%s) and in those of "
			   "--configmap",
			   kind, other->name, l->from_option ? other->file : l->file);
	else
		diag_error(sink, "metadata.name",
			   "a %s '%.253s' was read before: names must differ", kind, other->name);
}

static struct kube_object *push_object(struct load *l, enum kube_kind kind, const char *namespace_,
				       const char *name, int line)
{
	struct kube_result *r = l->result;
	struct kube_object *o;

	r->objects = xreallocarray(r->objects, r->n_objects + 1, sizeof(*r->objects));
	o = &r->objects[r->n_objects++];
	*o = (struct kube_object){ .kind = (int)kind,
				   .name = xstrdup(name),
				   .file = xstrdup_or_null(l->file),
				   .source = xstrdup_or_null(l->path),
				   .line = line,
				   .from_option = l->from_option };
	if (!is_cluster_wide(kind))
		o->namespace_ = xstrdup(namespace_of(namespace_));
	return o;
}

struct kube_object *add_object(struct load *l, const struct diag_sink *sink, enum kube_kind kind,
			       const struct k8s_meta *meta)
{
	const char *name = meta ? meta->name : NULL;
	const struct kube_object *other;

	if (is_empty(name) || name_bad_subdomain(name) ||
	    (!is_empty(meta->namespace_) && name_bad_label(meta->namespace_)))
		return NULL;
	other = find_object(l->result, kind, meta->namespace_, name);
	if (other) {
		said_twice(l, sink, other);
		return NULL;
	}
	return push_object(l, kind, meta->namespace_, name,
			   sink->root ? sink->root->place.line : 0);
}

void kube_object_done(struct kube_object *o)
{
	free(o->namespace_);
	free(o->name);
	free(o->yaml);
	free(o->file);
	free(o->source);
	if (o->data)
		data_object_done(o->data);
	free(o->data);
	if (o->claim)
		named_volume_done(o->claim);
	free(o->claim);
	free(o->job);
	if (o->template)
		pod_plan_done(o->template);
	free(o->template);
	*o = (struct kube_object){ 0 };
}

void object_write_yaml(const struct diag_sink *sink, const struct schema_type *type,
		       const struct node *root, struct kube_object *o)
{
	struct error err = { 0 };

	if (!sink->list->errors && encode_document(type, root, &o->yaml, &err) < 0)
		diag_error(sink, "", "%s", err.text);
}

void sort_objects(struct kube_result *r)
{
	for (size_t i = 1; i < r->n_objects; i++) {
		struct kube_object moving = r->objects[i];
		size_t at = i;

		for (; at > 0 && r->objects[at - 1].kind > moving.kind; at--)
			r->objects[at] = r->objects[at - 1];
		r->objects[at] = moving;
	}
}

/* ---- kinds ------------------------------------------------------------------------------------
 */

static kind_reader *reader_of(const char *kind)
{
	for (int i = 0; i < KUBE_KIND__COUNT; i++)
		if (is_equal(kube_kind_names[i], kind))
			return readers[i];
	return NULL;
}

/* Whether an apiVersion is of a group that Kubernetes itself has, or had: "v1", "apps/v1beta2",
 * "networking.k8s.io/v1". */
static bool is_group_of_kubernetes(const char *version)
{
	cleanup_free char *group = xstrndup(version, strcspn(version, "/"));

	return !strchr(version, '/') || !strchr(group, '.') || is_suffix(group, ".k8s.io");
}

static void unknown_kind(const struct diag_sink *sink, const char *version, const char *kind)
{
	const struct schema_kind *other = schema_kind_find(NULL, kind);
	const char *names[64], *near;
	size_t n = 0;

	if (other && (other->support == KIND_PLAYED || other->support == KIND_LATER) &&
	    is_group_of_kubernetes(version)) {
		diag_error(sink, "apiVersion", "'%.100s' is not the version of %s: '%s' is",
			   version, other->kind, other->api_version);
		return;
	}
	for (const struct schema_kind *k = schema_kinds; k->kind && n < ARRAY_SIZE(names); k++)
		names[n++] = k->kind;
	near = other ? NULL : nearest_name(kind, names, n);
	diag_unsupported(sink, "kind", "skipped: kind '%.100s' of '%.100s' is not known%s%s%s",
			 kind, version, near ? ": did you mean '" : "", near ? near : "",
			 near ? "'?" : "");
}

static void later_kind(const struct diag_sink *sink, const struct schema_kind *k,
		       const struct node *root)
{
	decode_check(sink, k->type, root);
	diag_unsupported(sink, "kind", "skipped: kind '%s' is not played yet", k->kind);
}

/* map[key], made when it is not there; NULL: it is something else, which the reader tells. */
static struct node *submap(struct load *l, struct node *map, const char *key)
{
	struct node *inner = node_get(map, key);

	if (inner && inner->kind != NODE_NULL)
		return inner->kind == NODE_MAP ? inner : NULL;
	for (size_t i = 0; inner && i < map->n; i++)
		if (map->entries[i].value == inner)
			return map->entries[i].value = node_new(l->arena, NODE_MAP, inner->place);
	inner = node_new(l->arena, NODE_MAP, map->place);
	(void)node_map_add(l->arena, map, key, inner);
	return inner;
}

/* The pod, or the template of one, of a document; NULL: it has none. */
static struct node *pod_of(struct node *root, const char *kind)
{
	static const enum kube_kind workloads[] = { KUBE_DEPLOYMENT, KUBE_REPLICA_SET,
						    KUBE_DAEMON_SET, KUBE_JOB };
	struct node *at = is_equal(kind, kube_kind_names[KUBE_POD]) ? root : NULL;

	for (size_t i = 0; i < ARRAY_SIZE(workloads); i++)
		if (is_equal(kind, kube_kind_names[workloads[i]]))
			at = node_get(node_get(root, "spec"), "template");
	return at && at->kind == NODE_MAP ? at : NULL;
}

/* What the command line says of every pod becomes the document's own, so that all that follows sees
 * it. */
static void override_document(struct load *l, struct node *root, const char *kind)
{
	const struct kube_input *in = l->input;
	struct node *pod = pod_of(root, kind);
	struct node *meta = pod && in->annotations.n ? submap(l, pod, "metadata") : NULL;
	struct node *notes = meta ? submap(l, meta, "annotations") : NULL;
	struct node *spec = pod && in->host_users.set ? node_get(pod, "spec") : NULL;

	for (size_t i = 0; notes && i < in->annotations.n; i++)
		tree_set_text(l->arena, notes, in->annotations.v[i].key,
			      in->annotations.v[i].value);
	if (spec && spec->kind == NODE_MAP)
		tree_set(l->arena, spec, "hostUsers",
			 node_new_bool(l->arena, in->host_users.value));
}

void load_kind(struct load *l, const struct diag_sink *sink, struct node *root, const char *version,
	       const char *kind)
{
	const struct schema_kind *k = schema_kind_find(version, kind);
	enum kind_support support = k ? k->support : KIND_UNKNOWN;
	kind_reader *reader = support == KIND_PLAYED ? reader_of(kind) : NULL;

	if (l->from_option && !is_equal(kind, kube_kind_names[KUBE_CONFIG_MAP])) {
		diag_error(sink, "kind",
			   "a file of --configmap holds ConfigMaps alone, not '%.100s'", kind);
		return;
	}
	if (reader) {
		l->documents++;
		override_document(l, root, kind);
		reader(l, sink, root);
	} else if (support == KIND_LATER || support == KIND_PLAYED) {
		later_kind(sink, k, root);
	} else if (support == KIND_CLUSTER) {
		diag_unsupported(sink, "kind", "skipped: kind '%s' has no meaning on one host",
				 kind);
	} else {
		unknown_kind(sink, version, kind);
	}
}
