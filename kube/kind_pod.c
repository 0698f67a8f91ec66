/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_pod - Pod, and the pod in the template of a workload.
 *
 * Theory of operation: a document goes decode -> defaults -> validate -> translate, and the canonical
 * text is made beside the plan. A template goes the same way from defaults on: its workload has
 * decoded it. A tree of a Pod is put together around the nodes of the template (metadata with the
 * name NAME-pod and the workload's namespace, spec as it stands), so that every finding has its own
 * line, the path under "spec.template", and the pod a document of its own that plays by itself.
 *
 * Order matters in one place: a relative hostPath is made absolute in the typed pod and in the
 * tree, after validation (which warns about it, with the path as written) and before both are used;
 * so the stored document plays the same from any folder. The nodes are shared: a workload's own
 * document is written after its template was read.
 *
 * A pod's name is its name on the host, whatever its namespace: two of one name are refused.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube/annotations.h"
#include "kube/decode.h"
#include "kube/defaults.h"
#include "kube/encode.h"
#include "kube/jobpod.h"
#include "kube/kinds.h"
#include "kube/mountsuffix.h"
#include "kube/names.h"
#include "kube/translate.h"
#include "kube/validate.h"
#include "schemas/models.h"

/* ---- relative host paths ----------------------------------------------------------------------
 */

/* The folder of the manifest, absolute; stdin: the current one. */
static char *manifest_folder(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	cleanup_free char *cwd = getcwd(NULL, 0);
	cleanup_free char *folder = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");

	if (path && path[0] == '/')
		return steal_ptr(&folder);
	return xasprintf("%s%s%s", cwd ? cwd : "", *folder ? "/" : "", folder);
}

/* Joins, dropping "." and empty components; a ".." of the folder's own stays. */
static char *join_clean(const char *folder, const char *path)
{
	cleanup_free char *whole = xasprintf("%s/%s", folder, path);
	struct buf out = BUF_INIT((size_t)64 * 1024);
	const char *s = whole;

	while (*s) {
		size_t len;

		s += strspn(s, "/");
		len = strcspn(s, "/");
		if (len && !(len == 1 && s[0] == '.')) {
			buf_addc(&out, '/');
			buf_add(&out, s, len);
		}
		s += len;
	}
	return buf_steal(&out);
}

char *absolute_host_path(const struct load *l, const char *path)
{
	cleanup_free char *folder = manifest_folder(l->path);

	return join_clean(folder, path);
}

static void set_tree_path(struct load *l, struct node *volume, const char *path)
{
	struct node *source = node_get(volume, "hostPath");

	for (size_t i = 0; source && source->kind == NODE_MAP && i < source->n; i++) {
		if (strcmp(source->entries[i].key, "path") == 0)
			source->entries[i].value = node_new_text(l->arena, path);
	}
}

static void absolute_host_paths(struct load *l, struct k8s_pod_spec *spec, const struct node *root)
{
	const struct node *list = node_get(node_get(root, "spec"), "volumes");

	for (size_t i = 0; list && i < spec->volumes.n && i < list->n; i++) {
		struct k8s_host_path *h = spec->volumes.v[i].host_path;
		char *joined;

		if (!h || is_empty(h->path) || h->path[0] == '/')
			continue;
		joined = absolute_host_path(l, h->path);
		free(h->path);
		h->path = joined;
		set_tree_path(l, list->items[i], joined);
	}
}

/* ---- what later documents must know -----------------------------------------------------------
 */

static void note_name(struct load *l, const struct diag_sink *sink, const struct k8s_meta *meta)
{
	const char *name = meta ? meta->name : NULL;

	if (is_empty(name) || name_bad_subdomain(name))
		return;
	if (strlist_has(&l->names, name))
		diag_error(sink, "metadata.name",
			   "a pod '%.253s' was read before: names must differ, in all namespaces",
			   name);
	else
		strlist_add(&l->names, name);
}

/* ---- one pod ----------------------------------------------------------------------------------
 */

void add_plan(struct load *l, const struct pod_plan *plan)
{
	struct kube_result *r = l->result;

	r->v = xreallocarray(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n++] = *plan;
}

static void make_plan(struct load *l, const struct diag_sink *sink, struct k8s_pod *pod,
		      const struct node *root, struct pod_plan *ret)
{
	struct error err = { 0 };

	absolute_host_paths(l, pod->spec, root);
	translate_pod(pod, root, l->input->plain_names, ret);
	annotations_plan(pod, ret);
	ret->pod.source = xstrdup_or_null(l->path);
	note_references(l, sink, root, ret);
	if (!l->input->check_only && encode_document(&schema_pod, root, &ret->kube_yaml, &err) < 0)
		diag_error(sink, "", "%s", err.text);
}

/* From the decoded pod on. True when it is good: *ret is filled. */
static bool finish_pod(struct load *l, const struct diag_sink *sink, struct k8s_pod *pod,
		       const struct node *root, struct pod_plan *ret)
{
	defaults_apply(pod);
	mountsuffix_read(sink, l->arena, pod);
	annotations_take(sink, pod, l->input->for_play);
	validate_pod(sink, pod, l->input->for_play);
	note_name(l, sink, pod->meta);
	note_secrets(l, sink, root, pod);
	if (l->result->diags.errors)
		return false;
	make_plan(l, sink, pod, root, ret);
	return true;
}

static void note_pod_name(struct load *l, const struct k8s_meta *meta)
{
	const char *name = meta ? meta->name : NULL;

	if (!is_empty(name) && !name_bad_subdomain(name) &&
	    !strlist_has(&l->result->pod_names, name))
		strlist_add(&l->result->pod_names, name);
}

void load_pod(struct load *l, const struct diag_sink *sink, struct node *root)
{
	struct k8s_pod pod = { 0 };
	struct pod_plan plan;

	decode_object(sink, &schema_pod, root, &pod);
	if (finish_pod(l, sink, &pod, root, &plan))
		add_plan(l, &plan);
	note_pod_name(l, pod.meta);
	decode_done(&schema_pod, &pod);
}

/* ---- a template -------------------------------------------------------------------------------
 */

/* "Deployment/NAMESPACE/NAME"; the caller owns it. */
static char *owner_text(const struct pod_owner *owner)
{
	return xasprintf("%s/%s/%s", kube_kind_names[owner->kind],
			 namespace_of(owner->meta->namespace_), owner->meta->name);
}

static void copy_entry(struct arena *a, struct node *to, const struct node *from, const char *key)
{
	struct node *value = node_get(from, key);

	if (value)
		(void)node_map_add(a, to, key, value);
}

/* The tree of the pod, around the template's own nodes. */
static struct node *template_tree(struct load *l, const struct node *document,
				  const struct node *template_, const struct k8s_meta *meta)
{
	struct node *root = node_new(l->arena, NODE_MAP, template_->place);
	struct node *names = node_new(l->arena, NODE_MAP, template_->place);
	const struct node *from = node_get(template_, "metadata");
	struct node *name = node_new_text(l->arena, meta->name ? meta->name : "");

	if (from)
		names->place = from->place;
	name->place = node_at(document, "metadata.name")->place;
	if (meta->name)
		(void)node_map_add(l->arena, names, "name", name);
	if (!is_empty(meta->namespace_))
		(void)node_map_add(l->arena, names, "namespace",
				   node_new_text(l->arena, meta->namespace_));
	copy_entry(l->arena, names, from, "labels");
	copy_entry(l->arena, names, from, "annotations");
	(void)node_map_add(l->arena, root, "apiVersion", node_new_text(l->arena, "v1"));
	(void)node_map_add(l->arena, root, "kind", node_new_text(l->arena, "Pod"));
	(void)node_map_add(l->arena, root, "metadata", names);
	copy_entry(l->arena, root, template_, "spec");
	return root;
}

bool load_template(struct load *l, const struct diag_sink *sink, const struct node *root,
		   const struct pod_owner *owner, struct pod_plan *ret)
{
	struct k8s_template *t = owner->template_;
	const struct node *at = node_get(node_get(root, "spec"), "template");
	struct k8s_pod pod = { 0 };
	struct diag_sink inner = *sink;
	cleanup_free char *prefix =
		xasprintf("%s%sspec.template", sink->prefix, is_empty(sink->prefix) ? "" : ".");
	bool good;

	if (!t || !at || at->kind != NODE_MAP)
		return false;
	pod.meta = t->meta ? steal_ptr(&t->meta) : xcalloc(1, sizeof(*pod.meta));
	pod.spec = steal_ptr(&t->spec);
	free(pod.meta->name);
	free(pod.meta->namespace_);
	pod.meta->name = owner->meta && !is_empty(owner->meta->name)
				 ? xasprintf("%s-pod", owner->meta->name)
				 : NULL;
	pod.meta->namespace_ = owner->meta ? xstrdup_or_null(owner->meta->namespace_) : NULL;
	inner.prefix = prefix;
	inner.root = template_tree(l, root, at, pod.meta);
	good = finish_pod(l, &inner, &pod, inner.root, ret);
	if (owner->kind != KUBE_JOB)
		note_pod_name(l, pod.meta);
	if (good && owner->kind == KUBE_JOB)
		jobpod_mark(&ret->pod, owner->meta->name);
	if (good)
		ret->pod.controller = owner_text(owner);
	decode_done(&schema_pod, &pod);
	return good;
}
