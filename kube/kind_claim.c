/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_claim - PersistentVolumeClaim and PersistentVolume as documents.
 *
 * Theory of operation: a claim NAME is the volume NAME of the store, as Podman has it, whatever its
 * namespace; so two claims of one name are refused. A PersistentVolume of a path of the host (hostPath
 * or local) can be had; others are known, and told. Which claim has which volume is found when all
 * documents are read (kube/binding.c); both kinds are handed on to it, decoded.
 *
 * Podman writes what its own volumes are into annotations of claims, volume.podman.io/KEY. A bind of
 * a path of the host is what a PersistentVolume would say, and is honoured; the driver is the local
 * one; of the others it is told that they do nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/quantity.h"
#include "engine/volumes/named.h"
#include "kube/binding.h"
#include "kube/decode.h"
#include "kube/kinds.h"
#include "kube/labelselector.h"
#include "kube/names.h"
#include "kube/validate.h"
#include "schemas/models.h"
#include "schemas/models_kinds.h"

#define ANNOTATION "volume.podman.io/"
#define ONE_POD	   "ReadWriteOncePod"

/* What claims and volumes say alike. */
static void check_modes(const struct diag_sink *sink, const struct strlist *modes)
{
	if (!modes->n)
		diag_error(sink, "spec.accessModes", "at least one is required");
	if (strlist_has(modes, ONE_POD) && modes->n > 1)
		diag_error(sink, "spec.accessModes", "'" ONE_POD "' stands alone");
	else if (strlist_has(modes, ONE_POD))
		diag_unsupported(sink, "spec.accessModes",
				 "'" ONE_POD "' has no effect: nothing stops a second pod");
}

/* A positive amount of storage. path is of the map. */
static void check_storage(const struct diag_sink *sink, const char *path,
			  const struct pairlist *amounts)
{
	const char *text = amounts ? pairlist_get(amounts, "storage") : NULL;
	cleanup_free char *at = xasprintf("%s.storage", path);
	struct error err = { 0 };
	struct quantity q;

	if (!text && !node_get(node_at(sink->root, path), "storage"))
		diag_error(sink, at, "is required");
	else if (!text)
		return; /* the table has said what is wrong with it */
	else if (quantity_parse(text, &q, &err) == 0 && (q.negative || q.nano == 0))
		diag_error(sink, at, "'%.60s' is not more than nothing", text);
	for (size_t i = 0; amounts && i < amounts->n; i++)
		if (strcmp(amounts->v[i].key, "storage") != 0)
			diag_error(sink, path, "'%.60s' is not 'storage'", amounts->v[i].key);
}

/* ---- claims -----------------------------------------------------------------------------------
 */

void claim_check(const struct diag_sink *sink, const struct k8s_claim_spec *spec)
{
	check_modes(sink, &spec->access_modes);
	check_storage(sink, "spec.resources.requests",
		      spec->resources ? &spec->resources->requests : NULL);
	labelselector_check(sink, "spec.selector", spec->selector);
	if (is_equal(spec->volume_mode, "Block"))
		diag_error(sink, "spec.volumeMode",
			   "'Block' cannot be had here: a volume is a directory");
	if (!is_empty(spec->volume_name) && name_bad_subdomain(spec->volume_name))
		diag_error(sink, "spec.volumeName", "'%.100s' %s", spec->volume_name,
			   name_bad_subdomain(spec->volume_name));
	if (!is_empty(spec->storage_class) && name_bad_subdomain(spec->storage_class))
		diag_error(sink, "spec.storageClassName", "'%.100s' %s", spec->storage_class,
			   name_bad_subdomain(spec->storage_class));
}

static const char *annotation(const struct k8s_meta *meta, const char *key)
{
	char name[64];

	(void)snprintf(name, sizeof(name), ANNOTATION "%s", key);
	return pairlist_get(&meta->annotations, name);
}

/* The path of the host that Podman's annotations bind, or NULL. */
static const char *bound_device(const struct k8s_meta *meta)
{
	const char *device = annotation(meta, "device"), *type = annotation(meta, "type");
	const char *options = annotation(meta, "mount-options");

	if (!device || device[0] != '/' || name_has_backstep(device) || !options)
		return NULL;
	if (type && strcmp(type, "none") != 0 && strcmp(type, "bind") != 0)
		return NULL;
	return strcmp(options, "bind") == 0 || strcmp(options, "rbind") == 0 ? device : NULL;
}

static const char *why_not(const char *key)
{
	if (strcmp(key, "driver") == 0)
		return "there is the driver 'local' alone";
	if (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0)
		return "a new volume is writable for everybody; fsGroup gives it a group";
	if (strcmp(key, "image") == 0 || strcmp(key, "import-source") == 0)
		return "a new volume is empty; an init container may fill it";
	if (strcmp(key, "device") == 0 || strcmp(key, "type") == 0 ||
	    strcmp(key, "mount-options") == 0)
		return "only a bind of a path of the host can be had: device: an absolute path, "
		       "type: none, mount-options: bind";
	return "it is not known";
}

static void check_annotations(const struct diag_sink *sink, const struct k8s_meta *meta)
{
	bool bound = bound_device(meta) != NULL;

	for (size_t i = 0; i < meta->annotations.n; i++) {
		const struct strpair *p = &meta->annotations.v[i];
		const char *key = p->key + strlen(ANNOTATION);
		char path[400];

		if (!is_prefix(p->key, ANNOTATION) ||
		    (strcmp(key, "driver") == 0 && strcmp(p->value, "local") == 0) ||
		    (bound && (strcmp(key, "device") == 0 || strcmp(key, "type") == 0 ||
			       strcmp(key, "mount-options") == 0)))
			continue;
		(void)snprintf(path, sizeof(path), "metadata.annotations[%.330s]", p->key);
		diag_unsupported(sink, path, "has no effect: %s", why_not(key));
	}
}

static struct named_volume *translate_claim(const struct k8s_claim *from)
{
	struct named_volume *v = xcalloc(1, sizeof(*v));

	v->name = xstrdup(from->meta->name);
	v->claim_namespace = xstrdup(namespace_of(from->meta->namespace_));
	v->played = true;
	v->copied_up = true; /* a played claim's volume starts empty */
	v->reclaim_retain = true;
	pairlist_copy(&v->labels, &from->meta->labels);
	v->host_path = xstrdup_or_null(bound_device(from->meta));
	if (!from->spec)
		return v;
	strlist_copy(&v->access_modes, &from->spec->access_modes);
	v->storage_class = xstrdup_or_null(from->spec->storage_class);
	if (from->spec->resources)
		v->capacity =
			xstrdup_or_null(pairlist_get(&from->spec->resources->requests, "storage"));
	return v;
}

/* A claim's volume is of the host, not of its namespace. */
static void check_other_namespace(const struct load *l, const struct diag_sink *sink,
				  const struct k8s_meta *meta)
{
	for (size_t i = 0; i < l->result->n_objects; i++) {
		const struct kube_object *o = &l->result->objects[i];

		if (o->kind == KUBE_PVC && is_equal(o->name, meta->name) &&
		    !is_equal(o->namespace_, namespace_of(meta->namespace_)))
			diag_error(sink, "metadata.name",
				   "a PersistentVolumeClaim '%.253s' of namespace '%s' was read "
				   "before: names must differ, in all namespaces",
				   o->name, o->namespace_);
	}
}

void load_claim(struct load *l, const struct diag_sink *sink, struct node *root)
{
	size_t errors = sink->list->errors;
	struct k8s_claim claim = { 0 };
	struct kube_object *o = NULL;

	decode_object(sink, &schema_persistent_volume_claim, root, &claim);
	if (claim.spec)
		claim_check(sink, claim.spec);
	if (claim.meta) {
		validate_meta(sink, claim.meta);
		check_annotations(sink, claim.meta);
		check_other_namespace(l, sink, claim.meta);
		o = add_object(l, sink, KUBE_PVC, claim.meta);
	}
	if (o) {
		o->claim = translate_claim(&claim);
		object_write_yaml(sink, &schema_persistent_volume_claim, root, o);
		o->claim->claim_yaml = xstrdup_or_null(o->yaml);
	}
	if (o && sink->list->errors == errors)
		binding_want(l, sink, &claim);
	decode_done(&schema_persistent_volume_claim, &claim);
}

/* ---- volumes ----------------------------------------------------------------------------------
 */

/* The source that one host cannot have, or NULL. */
static const char *foreign_source(const struct node *root)
{
	const struct node *spec = node_get(root, "spec");

	for (size_t i = 0; spec && spec->kind == NODE_MAP && i < spec->n; i++) {
		const struct schema_field *f =
			schema_find(&schema_persistent_volume_spec, spec->entries[i].key);

		if (f && f->type == FIELD_OBJECT && f->support == FIELD_KNOWN &&
		    strcmp(f->name, "nodeAffinity") != 0 &&
		    spec->entries[i].value->kind != NODE_NULL)
			return f->name;
	}
	return NULL;
}

static void check_path(const struct diag_sink *sink, const char *path, const char *text)
{
	if (is_empty(text))
		return; /* the table has said so */
	if (name_has_backstep(text))
		diag_error(sink, path, "'%.200s' must not contain '..'", text);
	else if (text[0] != '/')
		diag_unsupported(sink, path,
				 "'%.200s' is relative: taken from the manifest's folder here, "
				 "refused by a cluster",
				 text);
}

static void check_source(const struct diag_sink *sink, const struct k8s_pv_spec *spec,
			 const char *foreign)
{
	const char *type = spec->host_path ? spec->host_path->type : NULL;
	int sources = (spec->host_path != NULL) + (spec->local != NULL) + (foreign != NULL);

	if (sources == 0)
		diag_error(sink, "spec", "a source is required: hostPath or local");
	if (sources > 1)
		diag_error(sink, "spec", "has more than one source");
	if (spec->host_path)
		check_path(sink, "spec.hostPath.path", spec->host_path->path);
	if (!is_empty(type) && strcmp(type, "Directory") != 0 &&
	    strcmp(type, "DirectoryOrCreate") != 0)
		diag_error(sink, "spec.hostPath.type",
			   "'%.60s' cannot be a claim's: a volume is a directory", type);
	if (spec->local)
		check_path(sink, "spec.local.path", spec->local->path);
}

static void check_volume(const struct diag_sink *sink, const struct k8s_pv_spec *spec,
			 const struct node *root)
{
	check_modes(sink, &spec->access_modes);
	check_storage(sink, "spec.capacity", &spec->capacity);
	check_source(sink, spec, foreign_source(root));
	if (is_equal(spec->volume_mode, "Block"))
		diag_error(sink, "spec.volumeMode",
			   "'Block' cannot be had here: a volume is a directory");
	if (spec->local && !node_get(node_get(root, "spec"), "nodeAffinity"))
		diag_unsupported(sink, "spec.nodeAffinity",
				 "a cluster wants it beside local: here there is one node");
	if (spec->claim && is_empty(spec->claim->name))
		diag_error(sink, "spec.claimRef.name", "is required");
}

/* Relative paths become absolute, in the struct and in the tree. */
static void absolute_path(struct load *l, struct node *source, char **path)
{
	char *joined;

	if (is_empty(*path) || (*path)[0] == '/')
		return;
	joined = absolute_host_path(l, *path);
	free(*path);
	*path = joined;
	for (size_t i = 0; source && source->kind == NODE_MAP && i < source->n; i++)
		if (strcmp(source->entries[i].key, "path") == 0)
			source->entries[i].value = node_new_text(l->arena, joined);
}

void load_volume(struct load *l, const struct diag_sink *sink, struct node *root)
{
	size_t errors = sink->list->errors;
	struct k8s_pv pv = { 0 };
	struct kube_object *o = NULL;

	decode_object(sink, &schema_persistent_volume, root, &pv);
	if (pv.meta) {
		validate_meta(sink, pv.meta);
		if (!is_empty(pv.meta->namespace_))
			diag_error(sink, "metadata.namespace",
				   "a PersistentVolume is in no namespace");
		o = add_object(l, sink, KUBE_PV, pv.meta);
	}
	if (pv.spec) {
		struct node *spec = node_get(root, "spec");

		check_volume(sink, pv.spec, root);
		if (pv.spec->host_path)
			absolute_path(l, node_get(spec, "hostPath"), &pv.spec->host_path->path);
		if (pv.spec->local)
			absolute_path(l, node_get(spec, "local"), &pv.spec->local->path);
	}
	if (o && sink->list->errors == errors) {
		object_write_yaml(sink, &schema_persistent_volume, root, o);
		binding_offer(&l->binding, &pv, foreign_source(root));
	}
	decode_done(&schema_persistent_volume, &pv);
}

bool volume_decode(const struct node *root, struct k8s_pv *ret, const char **ret_foreign)
{
	struct kube_diags unsaid = { 0 };
	struct diag_sink sink = { .list = &unsaid, .file = "", .root = root };
	bool good;

	decode_object(&sink, &schema_persistent_volume, root, ret);
	good = unsaid.errors == 0 && ret->meta && ret->spec;
	kube_diags_done(&unsaid);
	*ret_foreign = foreign_source(root);
	return good;
}
