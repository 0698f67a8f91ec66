/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeout - objects as documents.
 *
 * Theory of operation: what was played is kept as its document, so that is read, and what only this
 * machine knows (uid, times, status) is put in. One object is printed alone, several as a List, as
 * kubectl does. The texts of the documents are YAML of our own writer; a tree is printed as it
 * stands, in its own order.
 */
#include "cmd/podium/kubeout.h"

#include <stdio.h>
#include <string.h>

#include "cmd/podium/format.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "kube/encode.h"

#define INDENT 4

void kube_out_begin(struct kube_out *o)
{
	*o = (struct kube_out){ 0 };
	o->items = node_new(&o->arena, NODE_LIST, (struct doc_place){ 0 });
}

void kube_out_done(struct kube_out *o)
{
	arena_done(&o->arena);
}

/* Copies a tree into another arena. */
static struct node *copy(struct arena *a, const struct node *n)
{
	struct node *to = node_new(a, n->kind, (struct doc_place){ 0 });

	to->quoted = n->quoted;
	to->scalar = n->scalar;
	to->text = n->len ? arena_strndup(a, n->text, n->len) : "";
	to->len = n->len;
	for (size_t i = 0; n->kind == NODE_LIST && i < n->n; i++)
		node_list_add(a, to, copy(a, n->items[i]));
	for (size_t i = 0; n->kind == NODE_MAP && i < n->n; i++) {
		const char *key = n->entries[i].key;

		(void)node_map_add(a, to, arena_strndup(a, key, strlen(key)),
				   copy(a, n->entries[i].value));
	}
	return to;
}

int kube_out_parse(struct kube_out *o, const char *text, struct node **ret, struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	struct doc_place where;
	int r = document_parse(text, strlen(text), &set, &where, err);

	if (r < 0)
		return error_wrap(err, "a stored document, line %d", where.line);
	if (set.n == 0 || set.v[0]->kind != NODE_MAP)
		return error_set(err, EBADMSG, "a stored document is not a mapping");
	*ret = copy(&o->arena, set.v[0]);
	return 0;
}

struct node *kube_out_map(struct kube_out *o, struct node *map, const char *key)
{
	struct node *inner = node_get(map, key);

	if (inner && inner->kind == NODE_MAP)
		return inner;
	inner = node_new(&o->arena, NODE_MAP, (struct doc_place){ 0 });
	(void)node_map_add(&o->arena, map, key, inner);
	return inner;
}

void kube_out_set(struct kube_out *o, struct node *map, const char *key, const char *text)
{
	struct node *value = node_new_text(&o->arena, text);

	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->entries[i].key, key) == 0) {
			map->entries[i].value = value;
			return;
		}
	(void)node_map_add(&o->arena, map, arena_strndup(&o->arena, key, strlen(key)), value);
}

void kube_out_add(struct kube_out *o, struct node *item)
{
	node_list_add(&o->arena, o->items, item);
}

/* New reference. */
static json_t *to_json(const struct node *n)
{
	json_t *j;

	switch (n->kind) {
	case NODE_NULL:
		return json_null();
	case NODE_BOOL:
		return json_boolean(n->scalar.boolean);
	case NODE_INT:
		return json_integer((json_int_t)n->scalar.integer);
	case NODE_FLOAT:
		return n->scalar.whole ? json_integer((json_int_t)n->scalar.integer)
				       : json_real(strtod(n->text, NULL));
	case NODE_STRING:
		return json_stringn(n->text, n->len);
	case NODE_LIST:
		j = json_array();
		for (size_t i = 0; i < n->n; i++)
			(void)json_array_append_new(j, to_json(n->items[i]));
		return j;
	case NODE_MAP:
		break;
	}
	j = json_object();
	for (size_t i = 0; i < n->n; i++)
		(void)json_object_set_new(j, n->entries[i].key, to_json(n->entries[i].value));
	return j;
}

static struct node *wrap(struct kube_out *o)
{
	struct node *list = node_new(&o->arena, NODE_MAP, (struct doc_place){ 0 });

	kube_out_set(o, list, "apiVersion", "v1");
	(void)node_map_add(&o->arena, list, "items", o->items);
	kube_out_set(o, list, "kind", "List");
	return list;
}

int kube_out_print(struct kube_out *o, bool as_list, bool json, struct error *err)
{
	struct node *root = as_list || o->items->n != 1 ? wrap(o) : o->items->items[0];
	cleanup_free char *text = NULL;
	int r = 0;

	if (json) {
		cleanup_json json_t *j = to_json(root);

		text = jdump_text(j, INDENT);
	} else {
		r = encode_document(NULL, root, &text, err);
	}
	if (r == 0)
		format_print_text(text, strlen(text));
	if (r == 0 && json)
		(void)putchar('\n');
	return r;
}
