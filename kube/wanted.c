/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wanted - what pods refer to, and what of it is nowhere.
 *
 * Theory of operation: while a pod's tree is there, each reference is noted with its place; when all
 * files are read, each is looked for: in the files, in those of --configmap, in the store. What is
 * nowhere and not optional is an error when it is to be played, since the pod could not start. Only
 * checked it is a warning: it may be in the store of the machine that plays it.
 *
 * Two are not as grave. The kubelet goes on without a Secret of imagePullSecrets; so do we, and say
 * so. A claim without a document becomes a new, empty volume, as Podman makes one; who plays it makes
 * the volume and says so, here it is said to who only checks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/object.h"
#include "engine/volumes/named.h"
#include "kube/kinds.h"
#include "kube/references.h"
#include "kube/secret.h"

static struct wanted *add_wanted(struct load *l, const struct diag_sink *sink,
				 const struct node *root, const char *path, const char *namespace_)
{
	struct wanted *w;

	l->wanted = xreallocarray(l->wanted, l->n_wanted + 1, sizeof(*l->wanted));
	w = &l->wanted[l->n_wanted++];
	*w = (struct wanted){ .file = xstrdup(l->file),
			      .namespace_ = xstrdup(namespace_of(namespace_)),
			      .place = node_at(root, path)->place };
	w->path = xasprintf("%s%s%s", sink->prefix, is_empty(sink->prefix) ? "" : ".", path);
	return w;
}

void note_secrets(struct load *l, const struct diag_sink *sink, const struct node *root,
		  const struct k8s_pod *pod)
{
	const struct k8s_pod_spec *spec = pod->spec;

	for (size_t i = 0; spec && i < spec->pull_secrets.n; i++) {
		struct wanted *w;
		char path[64];

		if (is_empty(spec->pull_secrets.v[i].name))
			continue;
		(void)snprintf(path, sizeof(path), "spec.imagePullSecrets[%zu].name", i);
		w = add_wanted(l, sink, root, path, pod->meta ? pod->meta->namespace_ : NULL);
		w->kind = KUBE_SECRET;
		w->name = xstrdup(spec->pull_secrets.v[i].name);
		w->credentials = true;
	}
}

void note_references(struct load *l, const struct diag_sink *sink, const struct node *root,
		     const struct pod_plan *plan)
{
	cleanup_references struct kube_reference_list refs = { 0 };

	references_of(plan, &refs);
	for (size_t i = 0; i < refs.n; i++) {
		struct kube_reference *r = &refs.v[i];
		struct wanted *w = add_wanted(l, sink, root, r->path, plan->pod.namespace_);

		w->kind = r->kind;
		w->name = steal_ptr(&r->name);
		w->key = steal_ptr(&r->key);
		w->optional = r->optional;
		w->unmounted = r->unmounted;
	}
}

void forget_wanted(struct load *l)
{
	for (size_t i = 0; i < l->n_wanted; i++) {
		free(l->wanted[i].namespace_);
		free(l->wanted[i].name);
		free(l->wanted[i].key);
		free(l->wanted[i].file);
		free(l->wanted[i].path);
	}
	free(l->wanted);
	l->wanted = NULL;
	l->n_wanted = 0;
}

static void say(const struct load *l, const struct wanted *w, enum kube_severity severity,
		const char *text)
{
	struct diag_sink sink = { .list = &l->result->diags, .file = w->file };

	diag_add(&sink, severity, w->place, w->path, "%s", text);
}

/* " in the files", when there was no store to look into. */
static const char *where(const struct load *l)
{
	return l->input->store ? "" : " in the files";
}

/* ---- credentials ------------------------------------------------------------------------------
 */

static void check_credentials(struct load *l, const struct wanted *w)
{
	cleanup_free char *text = NULL;

	if (secret_find(l, w->namespace_, w->name))
		return;
	text = xasprintf("has no effect: there is no Secret '%.253s' with credentials of "
			 "registries%s",
			 w->name, where(l));
	say(l, w, l->input->strict ? KUBE_ERROR : KUBE_WARNING, text);
}

/* ---- ConfigMaps and Secrets -------------------------------------------------------------------
 */

enum found { FOUND, NO_OBJECT, NO_KEY };

static enum found find_data(const struct load *l, const struct wanted *w)
{
	const struct kube_object *o =
		find_object(l->result, (enum kube_kind)w->kind, w->namespace_, w->name);
	enum data_kind kind = w->kind == KUBE_SECRET ? DATA_SECRET : DATA_CONFIG;
	struct data_object d = { 0 };
	struct error scratch; /* one that is not there is what is asked */
	enum found ret = NO_OBJECT;

	if (o)
		return !w->key || (o->data && data_object_find(o->data, w->key)) ? FOUND : NO_KEY;
	if (l->input->store &&
	    data_object_read(l->input->store, kind, w->namespace_, w->name, &d, &scratch) == 0)
		ret = !w->key || data_object_find(&d, w->key) ? FOUND : NO_KEY;
	data_object_done(&d);
	return ret;
}

static void check_data(const struct load *l, const struct wanted *w)
{
	enum found found = w->optional ? FOUND : find_data(l, w);
	const char *kind = kube_kind_names[w->kind];
	cleanup_free char *text = NULL;

	if (found == FOUND || (found == NO_OBJECT && w->key))
		return; /* the object's own reference has said so */
	if (found == NO_KEY)
		text = xasprintf("the %s '%.253s' has no key '%.253s'", kind, w->name, w->key);
	else
		text = xasprintf("there is no %s '%.253s'%s", kind, w->name, where(l));
	/* The kubelet does not prepare a volume that no container mounts. */
	say(l, w, l->input->for_play && !w->unmounted ? KUBE_ERROR : KUBE_WARNING, text);
}

/* ---- claims -----------------------------------------------------------------------------------
 */

static void check_claim(const struct load *l, const struct wanted *w)
{
	cleanup_named_volume struct named_volume v = { 0 };
	struct error scratch; /* one that is not there is what is asked */
	cleanup_free char *text = NULL;

	if (find_object(l->result, KUBE_PVC, w->namespace_, w->name))
		return;
	if (l->input->store && named_volume_read(l->input->store, w->name, &v, &scratch) == 0) {
		if (!v.claim_namespace || is_equal(v.claim_namespace, w->namespace_))
			return;
		text = xasprintf("the volume '%.253s' is a claim's of namespace '%s'", w->name,
				 v.claim_namespace);
		say(l, w, KUBE_ERROR, text);
		return;
	}
	if (l->input->for_play && !l->input->strict)
		return; /* play says so when it makes the volume */
	text = xasprintf("there is no PersistentVolumeClaim '%.253s'%s: an empty volume of that "
			 "name is made, where a cluster would wait for one",
			 w->name, where(l));
	say(l, w, l->input->strict ? KUBE_ERROR : KUBE_WARNING, text);
}

void check_wanted(struct load *l)
{
	for (size_t i = 0; i < l->n_wanted; i++) {
		const struct wanted *w = &l->wanted[i];

		if (w->credentials)
			check_credentials(l, w);
		else if (w->kind == KUBE_PVC)
			check_claim(l, w);
		else
			check_data(l, w);
	}
}
