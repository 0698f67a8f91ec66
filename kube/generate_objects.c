/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate_objects - what a pod refers to: ConfigMaps and claims go into the stream, Secrets do not.
 *
 * Theory of operation: the pod's tree is walked for the members that name an object, whatever holds
 * them (env, envFrom, volumes, projected sources). What the store has is written from the store,
 * once a run; what it has not stays a reference, with a note, since the pod cannot start without it
 * elsewhere. A Secret is never read here.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/base64.h"
#include "engine/data/object.h"
#include "engine/volumes/named.h"
#include "kube/document.h"
#include "kube/generate_parts.h"
#include "kube/names.h"

#define CLAIM_SIZE_DEFAULT "1Gi"

static struct node *pairs_tree(struct arena *a, const struct pairlist *pairs)
{
	struct node *map = tree_new_map(a);

	for (size_t i = 0; i < pairs->n; i++)
		tree_set_text(a, map, pairs->v[i].key, pairs->v[i].value);
	return map;
}

/* Says once a run that it is (to be) written. */
static bool take(struct generate_run *run, const char *kind, const char *namespace_,
		 const char *name)
{
	cleanup_free char *key = xasprintf("%s/%s/%s", kind, namespace_of(namespace_), name);

	if (strlist_has(&run->written, key))
		return false;
	strlist_add(&run->written, key);
	return true;
}

/* ---- ConfigMaps -------------------------------------------------------------------------------
 */

static struct node *config_map_tree(struct arena *a, const struct data_object *o,
				    const char *namespace_)
{
	struct node *root = tree_document(a, "v1", "ConfigMap", o->name, namespace_);
	struct node *meta = node_get(root, "metadata");

	if (o->labels.n)
		tree_set(a, meta, "labels", pairs_tree(a, &o->labels));
	if (o->annotations.n)
		tree_set(a, meta, "annotations", pairs_tree(a, &o->annotations));
	if (o->immutable)
		tree_set(a, root, "immutable", node_new_bool(a, true));
	for (size_t i = 0; i < o->n; i++) {
		const struct data_entry *e = &o->v[i];

		if (e->binary) {
			cleanup_free char *coded = base64_encode(e->bytes, e->len);

			tree_set_text(a, tree_need_map(a, root, "binaryData"), e->key, coded);
		} else {
			tree_set_text(a, tree_need_map(a, root, "data"), e->key, e->bytes);
		}
	}
	return root;
}

int generate_config_map(struct generate_run *run, const char *namespace_, const char *name,
			struct error *err)
{
	cleanup_data_object struct data_object o = { 0 };
	struct arena arena = { 0 };
	int r;

	if (!take(run, "ConfigMap", namespace_, name))
		return 0;
	r = data_object_read(run->store, DATA_CONFIG, namespace_, name, &o, err);
	if (r < 0)
		return r;
	r = generate_write(run, "ConfigMap", config_map_tree(&arena, &o, namespace_), err);
	arena_done(&arena);
	return r;
}

static int write_config_map(struct generate_job *job, const char *name, struct error *err)
{
	int r = generate_config_map(job->run, job->namespace_, name, err);

	if (r == -ENOENT) {
		generate_note(job, "ConfigMap '%s' is not in the store, so it is not written",
			      name);
		return 0;
	}
	return r;
}

/* ---- claims -----------------------------------------------------------------------------------
 */

static struct node *made_claim(struct arena *a, const struct named_volume *v,
			       const char *namespace_)
{
	struct node *root = tree_document(a, "v1", "PersistentVolumeClaim", v->name, namespace_);
	struct node *spec = tree_need_map(a, root, "spec"), *modes = tree_new_list(a);
	struct node *requests = tree_need_map(a, tree_need_map(a, spec, "resources"), "requests");

	if (v->labels.n)
		tree_set(a, node_get(root, "metadata"), "labels", pairs_tree(a, &v->labels));
	for (size_t i = 0; i < v->access_modes.n; i++)
		node_list_add(a, modes, node_new_text(a, v->access_modes.v[i]));
	if (!modes->n)
		node_list_add(a, modes, node_new_text(a, "ReadWriteOnce"));
	tree_set(a, spec, "accessModes", modes);
	tree_set_text(a, requests, "storage", v->capacity ? v->capacity : CLAIM_SIZE_DEFAULT);
	if (v->storage_class)
		tree_set_text(a, spec, "storageClassName", v->storage_class);
	return root;
}

static int write_claim(struct generate_run *run, const struct named_volume *v,
		       const char *namespace_, struct error *err)
{
	struct arena arena = { 0 };
	int r;

	if (v->claim_yaml)
		return generate_document(run, "PersistentVolumeClaim", v->claim_yaml, err);
	r = generate_write(run, "PersistentVolumeClaim", made_claim(&arena, v, namespace_), err);
	arena_done(&arena);
	return r;
}

int generate_volume(struct generate_run *run, const char *name, struct error *err)
{
	cleanup_named_volume struct named_volume v = { 0 };
	int r = named_volume_read(run->store, name, &v, err);

	if (r < 0 || !take(run, "PersistentVolumeClaim", v.claim_namespace, name))
		return r;
	return write_claim(run, &v, v.claim_namespace, err);
}

static int write_pod_claim(struct generate_job *job, const char *name, struct error *err)
{
	cleanup_named_volume struct named_volume v = { 0 };
	int r;

	if (!take(job->run, "PersistentVolumeClaim", job->namespace_, name))
		return 0;
	if (name_bad_subdomain(name)) {
		generate_note(job,
			      "volume '%s' has a name that no claim can have, so its claim is not "
			      "written",
			      name);
		return 0;
	}
	r = named_volume_read(job->run->store, name, &v, err);
	if (r == -ENOENT) {
		generate_note(job, "volume '%s' is not in the store, so its claim is not written",
			      name);
		return 0;
	}
	return r < 0 ? r : write_claim(job->run, &v, job->namespace_, err);
}

/* ---- the walk ---------------------------------------------------------------------------------
 */

static const struct {
	const char *member;
	const char *name; /* of the member of it that names the object */
	enum { REF_CONFIG_MAP, REF_SECRET, REF_CLAIM } what;
} references[] = {
	{ "configMap", "name", REF_CONFIG_MAP },
	{ "configMapRef", "name", REF_CONFIG_MAP },
	{ "configMapKeyRef", "name", REF_CONFIG_MAP },
	{ "secret", "secretName", REF_SECRET },
	{ "secret", "name", REF_SECRET },
	{ "secretRef", "name", REF_SECRET },
	{ "secretKeyRef", "name", REF_SECRET },
	{ "persistentVolumeClaim", "claimName", REF_CLAIM },
};

static int follow(struct generate_job *job, const char *member, const struct node *value,
		  struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(references) && r == 0; i++) {
		const char *name = strcmp(member, references[i].member) == 0
					   ? tree_text(value, references[i].name)
					   : NULL;

		if (!name)
			continue;
		if (references[i].what == REF_CONFIG_MAP)
			r = write_config_map(job, name, err);
		else if (references[i].what == REF_CLAIM)
			r = write_pod_claim(job, name, err);
		else if (take(job->run, "Secret", job->namespace_, name))
			generate_note(job, "Secret '%s' stays a reference: it is not written",
				      name);
	}
	return r;
}

/* The tree's depth is bounded by DOC_MAX_DEPTH. */
static int walk(struct generate_job *job, const struct node *n, struct error *err)
{
	int r = 0;

	for (size_t i = 0; n->kind == NODE_LIST && i < n->n && r == 0; i++)
		r = walk(job, n->items[i], err);
	for (size_t i = 0; n->kind == NODE_MAP && i < n->n && r == 0; i++) {
		r = follow(job, n->entries[i].key, n->entries[i].value, err);
		if (r == 0)
			r = walk(job, n->entries[i].value, err);
	}
	return r;
}

int generate_references(struct generate_job *job, struct error *err)
{
	return job->run->store ? walk(job, job->spec, err) : 0;
}
