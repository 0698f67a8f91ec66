/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubelist_data - ConfigMaps and Secrets for kube get, describe and delete.
 *
 * Theory of operation: both are data objects of the store. What a Secret holds is never shown: its
 * keys and how many bytes stand behind each, also in YAML and JSON, where kubectl would show base64.
 * Such a document does not play (the text is not base64), so that nobody stores the placeholder for
 * the value by mistake.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/kube/describe.h"
#include "cmd/podium/kube/kubekind.h"
#include "cmd/podium/kube/kubeusers.h"
#include "engine/base/base64.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/data/object.h"
#include "kube/tree.h"

#define WIDTH 14

static enum data_kind data_kind_of(int kind)
{
	return kind == KUBE_SECRET ? DATA_SECRET : DATA_CONFIG;
}

/* ---- all of one kind -------------------------------------------------------------------- */

typedef int object_fn(struct kube_look *look, const struct kube_kind_row *row,
		      const struct data_object *o, struct error *err);

static int for_each(struct kube_look *look, const struct kube_kind_row *row, object_fn *fn,
		    struct error *err)
{
	enum data_kind kind = data_kind_of(row->kind);
	cleanup_strlist struct strlist names = { 0 };
	int r = data_object_list(look->store, kind, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		cleanup_data_object struct data_object o = { 0 };
		const char *slash = strchr(names.v[i], '/');
		cleanup_free char *space = xstrndup(names.v[i], (size_t)(slash - names.v[i]));

		if (look->namespace_ && !is_equal(look->namespace_, space))
			continue;
		if (look->names->n && !strlist_has(look->names, slash + 1))
			continue;
		r = data_object_read(look->store, kind, space, slash + 1, &o, err);
		if (r == -ENOENT)
			r = 0; /* removed just then */
		else if (r == 0 && kube_look_wants(look, o.namespace_, o.name, &o.labels))
			r = fn(look, row, &o, err);
	}
	return r;
}

/* ---- documents -------------------------------------------------------------------------- */

static struct node *pairs(struct kube_out *out, const struct pairlist *l)
{
	struct node *map = node_new(&out->arena, NODE_MAP, (struct doc_place){ 0 });

	for (size_t i = 0; i < l->n; i++)
		tree_set_text(&out->arena, map, l->v[i].key, l->v[i].value);
	return map;
}

static void add_meta(struct kube_out *out, struct node *root, const struct data_object *o)
{
	struct node *meta = tree_need_map(&out->arena, root, "metadata");
	char when[KUBE_TIME_SIZE];

	tree_set_text(&out->arena, meta, "name", o->name);
	tree_set_text(&out->arena, meta, "namespace", namespace_of(o->namespace_));
	if (o->labels.n)
		(void)node_map_add(&out->arena, meta, "labels", pairs(out, &o->labels));
	if (o->annotations.n)
		(void)node_map_add(&out->arena, meta, "annotations", pairs(out, &o->annotations));
	kube_time(o->created_ns, when, sizeof(when));
	tree_set_text(&out->arena, meta, "creationTimestamp", when);
}

/* What stands for a value in a document. The caller owns it. */
static char *value_text(const struct data_object *o, const struct data_entry *e)
{
	if (o->kind == DATA_SECRET && !WEAKEN("ENV-4"))
		return xasprintf("(%zu bytes, not shown)", e->len);
	if (e->binary || o->kind == DATA_SECRET)
		return base64_encode(e->bytes, e->len);
	return xstrndup(e->bytes, e->len);
}

static void add_document(struct kube_look *look, const struct kube_kind_row *row,
			 const struct data_object *o)
{
	struct kube_out *out = look->out;
	struct node *root = node_new(&out->arena, NODE_MAP, (struct doc_place){ 0 });

	tree_set_text(&out->arena, root, "apiVersion", "v1");
	tree_set_text(&out->arena, root, "kind", kube_kind_names[row->kind]);
	add_meta(out, root, o);
	if (o->type)
		tree_set_text(&out->arena, root, "type", o->type);
	if (o->immutable)
		(void)node_map_add(&out->arena, root, "immutable",
				   node_new_bool(&out->arena, true));
	for (size_t i = 0; i < o->n; i++) {
		const char *where =
			o->v[i].binary && o->kind == DATA_CONFIG ? "binaryData" : "data";
		cleanup_free char *text = value_text(o, &o->v[i]);

		tree_set_text(&out->arena, tree_need_map(&out->arena, root, where), o->v[i].key,
			      text);
	}
	kube_out_add(out, root);
}

/* ---- get -------------------------------------------------------------------------------- */

static int list_one(struct kube_look *look, const struct kube_kind_row *row,
		    const struct data_object *o, struct error *err)
{
	(void)err;
	if (is_form_document(look->form)) {
		add_document(look, row, o);
		return 0;
	}
	if (!kube_look_begin_row(look, row, o->namespace_, o->name))
		return 0;
	if (o->kind == DATA_SECRET)
		kube_table_add(&look->table, o->type ? o->type : "Opaque");
	kube_table_addf(&look->table, "%zu", o->n);
	kube_table_add_age(&look->table, o->created_ns, look->now_ns);
	return 0;
}

int kube_list_data(struct kube_look *look, const struct kube_kind_row *row, struct error *err)
{
	int r = for_each(look, row, list_one, err);

	if (r == 0 && row->kind == KUBE_SECRET && is_form_document(look->form) && look->found.n)
		command_print_warning("values of Secrets are not shown, only how long they are");
	return r;
}

/* ---- describe --------------------------------------------------------------------------- */

static void describe_value(const struct data_entry *e)
{
	cleanup_free char *safe = str_printable(e->bytes, e->len);
	cleanup_free char *head = xasprintf("%s:", e->key);

	describe_head(0, head);
	printf("----\n%s%s\n", safe, is_suffix(safe, "\n") ? "" : "\n");
}

static void describe_entries(const struct data_object *o)
{
	bool any_binary = false;

	printf("\nData\n====\n");
	for (size_t i = 0; i < o->n; i++) {
		cleanup_free char *head = xasprintf("%s:", o->v[i].key);

		any_binary |= o->v[i].binary;
		if (o->kind == DATA_SECRET)
			describe_line(0, WIDTH, head, "%zu bytes", o->v[i].len);
		else if (!o->v[i].binary)
			describe_value(&o->v[i]);
	}
	if (o->kind == DATA_SECRET || !any_binary)
		return;
	printf("\nBinaryData\n====\n");
	for (size_t i = 0; i < o->n; i++) {
		cleanup_free char *head = xasprintf("%s:", o->v[i].key);

		if (o->v[i].binary)
			describe_line(0, WIDTH, head, "%zu bytes", o->v[i].len);
	}
}

static int describe_one(struct kube_look *look, const struct kube_kind_row *row,
			const struct data_object *o, struct error *err)
{
	cleanup_strlist struct strlist users = { 0 };
	cleanup_free char *created = describe_time(o->created_ns);
	int r = kube_users(look->store, row->kind, o->namespace_, o->name, &users, err);
	cleanup_free char *who = kube_join_names(&users);

	if (r < 0)
		return r;
	kube_look_begin_block(look);
	describe_line(0, WIDTH, "Name:", "%s", o->name);
	describe_line(0, WIDTH, "Namespace:", "%s", namespace_of(o->namespace_));
	describe_pairs(WIDTH, "Labels:", &o->labels, "=");
	describe_pairs(WIDTH, "Annotations:", &o->annotations, ": ");
	describe_line(0, WIDTH, "Created:", "%s", created);
	if (o->source)
		describe_line(0, WIDTH, "Played From:", "%s", o->source);
	describe_line(0, WIDTH, "Immutable:", "%s", o->immutable ? "true" : "false");
	describe_line(0, WIDTH, "Used By:", "%s", users.n ? who : "<none>");
	if (o->kind == DATA_SECRET)
		describe_line(0, WIDTH, "Type:", "%s", o->type ? o->type : "Opaque");
	describe_entries(o);
	return 0;
}

int kube_describe_data(struct kube_look *look, const struct kube_kind_row *row, struct error *err)
{
	return for_each(look, row, describe_one, err);
}

/* ---- delete ----------------------------------------------------------------------------- */

/* Deleting what pods use is allowed, as in a cluster: they notice at their next start. */
int kube_remove_data(const struct store *s, const struct kube_kind_row *row, const char *namespace_,
		     const char *name, int64_t grace_s, struct error *err)
{
	cleanup_strlist struct strlist users = { 0 };
	int r = data_object_remove(s, data_kind_of(row->kind), namespace_, name, err);

	(void)grace_s;
	if (r == 0)
		r = kube_users(s, row->kind, namespace_, name, &users, err);
	if (r == 0 && users.n) {
		cleanup_free char *who = kube_join_names(&users);
		cleanup_free char *text = xasprintf(
			"%s '%s' was used by %s: no container that needs it can be started again",
			row->singular, name, who);

		command_print_warning(text);
	}
	return r;
}
