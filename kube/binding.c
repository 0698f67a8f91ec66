/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binding - which claim has which volume.
 *
 * Theory of operation: runs when all documents are read, over the volumes of the files and of the
 * store and the claims of the files. Kubernetes' rules, in its order: what a claim of the store has
 * it keeps; a volume that names its claim (claimRef) is for it alone; a claim that names its volume
 * gets that one or none; any other gets the smallest free volume that fits: every access mode, the
 * class (none is a class too), the selector, at least the size.
 *
 * A claim that gets none is given a new, empty volume of the store, as a cluster's default
 * provisioner would; but not one that asks for a volume that is there already: by name, by a
 * selector, by the class "", or by a class that some volume has. Such a claim is refused when it is
 * to be played; only checked, it is warned about, since the store may have what it asks for.
 *
 * The disk is not looked at, but for records of the store.
 */
#include "kube/binding.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/quantity.h"
#include "engine/volumes/named.h"
#include "kube/decode.h"
#include "kube/document.h"
#include "kube/kinds.h"
#include "kube/labelselector.h"
#include "kube/objects.h"
#include "schemas/models.h"
#include "schemas/models_kinds.h"

static char *full_name(const char *namespace_, const char *name)
{
	return xasprintf("%s/%s", namespace_of(namespace_), name);
}

void binding_offer(struct binding *b, struct k8s_pv *pv, const char *foreign)
{
	struct offered_volume *v;

	b->volumes = xreallocarray(b->volumes, b->n_volumes + 1, sizeof(*b->volumes));
	v = &b->volumes[b->n_volumes++];
	*v = (struct offered_volume){ .pv = *pv, .foreign = xstrdup_or_null(foreign) };
	memset(pv, 0, sizeof(*pv));
	if (v->pv.spec->claim)
		v->claim = full_name(v->pv.spec->claim->namespace_, v->pv.spec->claim->name);
}

static struct doc_place place_of_wish(const struct node *root)
{
	static const char *const paths[] = { "spec.volumeName", "spec.selector",
					     "spec.storageClassName" };
	const struct node *spec = node_get(root, "spec");

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (node_get(spec, paths[i] + strlen("spec.")))
			return node_at(root, paths[i])->place;
	return root->place;
}

void binding_want(struct load *l, const struct diag_sink *sink, struct k8s_claim *claim)
{
	struct binding *b = &l->binding;
	struct wanted_claim *w;

	b->claims = xreallocarray(b->claims, b->n_claims + 1, sizeof(*b->claims));
	w = &b->claims[b->n_claims++];
	*w = (struct wanted_claim){ .claim = *claim,
				    .file = xstrdup(l->file),
				    .prefix = xstrdup(sink->prefix),
				    .place = sink->root->place,
				    .at = place_of_wish(sink->root) };
	memset(claim, 0, sizeof(*claim));
}

void binding_done(struct binding *b)
{
	for (size_t i = 0; i < b->n_volumes; i++) {
		decode_done(&schema_persistent_volume, &b->volumes[i].pv);
		free(b->volumes[i].foreign);
		free(b->volumes[i].claim);
	}
	for (size_t i = 0; i < b->n_claims; i++) {
		decode_done(&schema_persistent_volume_claim, &b->claims[i].claim);
		free(b->claims[i].file);
		free(b->claims[i].prefix);
	}
	free(b->volumes);
	free(b->claims);
	*b = (struct binding){ 0 };
}

static struct offered_volume *find_volume(struct binding *b, const char *name)
{
	for (size_t i = 0; i < b->n_volumes; i++)
		if (is_equal(b->volumes[i].pv.meta->name, name))
			return &b->volumes[i];
	return NULL;
}

/* ---- what the store has -----------------------------------------------------------------------
 */

static void offer_stored(struct binding *b, const char *yaml)
{
	cleanup_doc_set struct doc_set set = { 0 };
	struct doc_place where;
	struct error scratch; /* it was checked when it was stored */
	struct k8s_pv pv = { 0 };
	const char *foreign;

	if (document_parse(yaml, strlen(yaml), &set, &where, &scratch) < 0 || set.n != 1)
		return;
	if (volume_decode(set.v[0], &pv, &foreign) && !find_volume(b, pv.meta->name))
		binding_offer(b, &pv, foreign);
	decode_done(&schema_persistent_volume, &pv);
}

/* Volumes of the store that the files do not change. */
static void read_volumes(struct binding *b, const struct store *s)
{
	cleanup_strlist struct strlist names = { 0 };
	struct error scratch; /* what cannot be read cannot be had */

	if (object_list(s, KUBE_PV, &names, &scratch) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		cleanup_stored_object struct stored_object o = { 0 };

		if (object_read(s, KUBE_PV, NULL, strchr(names.v[i], '/') + 1, &o, &scratch) == 0)
			offer_stored(b, o.yaml);
	}
}

/* Which of them claims of the store have. */
static void read_claims(struct binding *b, const struct store *s)
{
	cleanup_strlist struct strlist names = { 0 };
	struct error scratch; /* as above */

	if (named_volume_list(s, &names, &scratch) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		cleanup_named_volume struct named_volume v = { 0 };
		struct offered_volume *o;

		if (named_volume_read(s, names.v[i], &v, &scratch) < 0 || !v.bound_volume)
			continue;
		o = find_volume(b, v.bound_volume);
		if (!o)
			continue;
		free(o->claim);
		o->claim = full_name(v.claim_namespace, v.name);
	}
}

/* ---- one claim --------------------------------------------------------------------------------
 */

static void complain(const struct load *l, const struct wanted_claim *w, const char *path,
		     const char *text)
{
	struct diag_sink sink = { .list = &l->result->diags, .file = w->file, .prefix = w->prefix };

	diag_add(&sink, l->input->for_play ? KUBE_ERROR : KUBE_WARNING, w->at, path, "%s", text);
}

static const char *class_of(const char *text)
{
	return text ? text : "";
}

static bool is_larger(const char *a, const char *b)
{
	struct error scratch; /* both were checked */
	struct quantity x = { 0 }, y = { 0 };

	if (quantity_parse(a ? a : "0", &x, &scratch) < 0 ||
	    quantity_parse(b ? b : "0", &y, &scratch) < 0)
		return false;
	return quantity_compare(&x, &y) > 0;
}

static const char *size_of(const struct offered_volume *v)
{
	return pairlist_get(&v->pv.spec->capacity, "storage");
}

/* What is wrong with a volume for a claim, or NULL. */
static const char *misfit(const struct offered_volume *v, const struct k8s_claim_spec *want)
{
	for (size_t i = 0; i < want->access_modes.n; i++)
		if (!strlist_has(&v->pv.spec->access_modes, want->access_modes.v[i]))
			return "it has not every access mode";
	if (strcmp(class_of(v->pv.spec->storage_class), class_of(want->storage_class)) != 0)
		return "its storageClassName is another";
	if (is_larger(pairlist_get(&want->resources->requests, "storage"), size_of(v)))
		return "it is too small";
	if (!is_labels_selected(want->selector, &v->pv.meta->labels))
		return "its labels are not selected";
	return NULL;
}

static void bind(struct kube_object *o, struct offered_volume *v, const char *name)
{
	const struct k8s_pv_spec *spec = v->pv.spec;
	struct named_volume *n = o->claim;

	free(v->claim);
	v->claim = xstrdup(name);
	free(n->bound_volume);
	free(n->host_path);
	n->bound_volume = xstrdup(v->pv.meta->name);
	n->host_path = xstrdup(spec->host_path ? spec->host_path->path : spec->local->path);
	n->host_path_create =
		spec->host_path && is_equal(spec->host_path->type, "DirectoryOrCreate");
}

/* That one or none; none is told. */
static void bind_named(struct load *l, const struct wanted_claim *w, struct kube_object *o,
		       const char *name, const char *volume, bool promised)
{
	const struct k8s_claim_spec *spec = w->claim.spec;
	struct offered_volume *v = find_volume(&l->binding, volume);
	cleanup_free char *text = NULL;
	const char *path = promised ? "metadata.name" : "spec.volumeName";

	if (!v)
		text = xasprintf("there is no PersistentVolume '%.253s'", volume);
	else if (v->foreign)
		text = xasprintf("PersistentVolume '%.253s' has a source that one host cannot "
				 "have: %s",
				 volume, v->foreign);
	else if (v->claim && !is_equal(v->claim, name))
		text = xasprintf("PersistentVolume '%.253s' is for the claim '%.320s'", volume,
				 v->claim);
	else if (misfit(v, spec))
		text = xasprintf("PersistentVolume '%.253s' does not fit: %s", volume,
				 misfit(v, spec));
	else
		bind(o, v, name);
	if (text)
		complain(l, w, path, text);
}

static struct offered_volume *promised_to(struct binding *b, const char *name)
{
	for (size_t i = 0; i < b->n_volumes; i++)
		if (is_equal(b->volumes[i].claim, name))
			return &b->volumes[i];
	return NULL;
}

static struct offered_volume *smallest_fit(struct binding *b, const struct k8s_claim_spec *want)
{
	struct offered_volume *best = NULL;

	for (size_t i = 0; i < b->n_volumes; i++) {
		struct offered_volume *v = &b->volumes[i];

		if (v->foreign || v->claim || misfit(v, want))
			continue;
		if (!best || is_larger(size_of(best), size_of(v)))
			best = v;
	}
	return best;
}

static bool is_class_offered(const struct binding *b, const char *class_)
{
	for (size_t i = 0; i < b->n_volumes; i++)
		if (strcmp(class_of(b->volumes[i].pv.spec->storage_class), class_) == 0)
			return true;
	return false;
}

/* Nothing fits: is a new volume what it asks for? */
static void check_new(struct load *l, const struct wanted_claim *w)
{
	const struct k8s_claim_spec *spec = w->claim.spec;
	const char *class_ = spec->storage_class;
	cleanup_free char *text = NULL;

	if (!is_labelselector_empty(spec->selector))
		complain(l, w, "spec.selector",
			 "no free PersistentVolume fits, and a new one is not made for a selector");
	else if (class_ && !*class_)
		complain(
			l, w, "spec.storageClassName",
			"no free PersistentVolume without a class fits: leave storageClassName out "
			"to get a new volume");
	else if (class_ && is_class_offered(&l->binding, class_)) {
		text = xasprintf("no free PersistentVolume of class '%.253s' fits", class_);
		complain(l, w, "spec.storageClassName", text);
	}
}

/* What the store's claim of that name has, this one has. True when that is settled. */
static bool keep_stored(struct load *l, const struct wanted_claim *w, struct kube_object *o)
{
	cleanup_named_volume struct named_volume old = { 0 };
	struct error scratch; /* there is none, as a rule */
	struct offered_volume *v;

	if (!l->input->store || named_volume_read(l->input->store, o->name, &old, &scratch) < 0)
		return false;
	if (old.claim_namespace && !is_equal(old.claim_namespace, o->namespace_)) {
		cleanup_free char *text =
			xasprintf("the volume '%.253s' is a claim's of namespace '%s': names must "
				  "differ, in all namespaces",
				  o->name, old.claim_namespace);

		complain(l, w, "metadata.name", text);
		return true;
	}
	v = old.bound_volume ? find_volume(&l->binding, old.bound_volume) : NULL;
	if (v && !v->foreign) {
		cleanup_free char *name = full_name(o->namespace_, o->name);

		bind(o, v, name);
		return true;
	}
	free(o->claim->host_path);
	o->claim->host_path = xstrdup_or_null(old.host_path);
	o->claim->bound_volume = xstrdup_or_null(old.bound_volume);
	return true;
}

static void solve_one(struct load *l, const struct wanted_claim *w)
{
	const struct k8s_meta *meta = w->claim.meta;
	const struct k8s_claim_spec *spec = w->claim.spec;
	struct kube_object *o = find_object(l->result, KUBE_PVC, meta->namespace_, meta->name);
	cleanup_free char *name = full_name(meta->namespace_, meta->name);
	struct offered_volume *v;

	if (!o || keep_stored(l, w, o) || o->claim->host_path)
		return;
	if (!is_empty(spec->volume_name)) {
		bind_named(l, w, o, name, spec->volume_name, false);
		return;
	}
	v = promised_to(&l->binding, name);
	if (v) {
		bind_named(l, w, o, name, v->pv.meta->name, true);
		return;
	}
	v = smallest_fit(&l->binding, spec);
	if (v)
		bind(o, v, name);
	else
		check_new(l, w);
}

void binding_solve(struct load *l)
{
	struct binding *b = &l->binding;

	if (!b->n_claims)
		return;
	if (l->input->store) {
		read_volumes(b, l->input->store);
		read_claims(b, l->input->store);
	}
	/* those that name a volume come first: nobody may take it from them */
	for (int named = 1; named >= 0; named--)
		for (size_t i = 0; i < b->n_claims; i++)
			if (is_empty(b->claims[i].claim.spec->volume_name) == !named)
				solve_one(l, &b->claims[i]);
}
