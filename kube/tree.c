/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - the few things one does to a document's tree.
 *
 * Theory of operation: trees live in an arena, so that nothing is freed: what is replaced or dropped
 * stays in the arena until the end. Weights and heights, which limit what is read, are not kept
 * right: reading is over by then. A copy is made entry by entry without a look for what is there, so
 * that a ConfigMap of many keys costs no square of them.
 */
#include "kube/tree.h"

#include <stdlib.h>
#include <string.h>

struct node *tree_new_map(struct arena *a)
{
	return node_new(a, NODE_MAP, (struct doc_place){ 0 });
}

struct node *tree_new_list(struct arena *a)
{
	return node_new(a, NODE_LIST, (struct doc_place){ 0 });
}

void tree_set(struct arena *a, struct node *map, const char *key, struct node *value)
{
	for (size_t i = 0; i < map->n; i++) {
		if (strcmp(map->entries[i].key, key) == 0) {
			map->entries[i].value = value;
			return;
		}
	}
	(void)node_map_add(a, map, arena_strndup(a, key, strlen(key)), value);
}

void tree_set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	tree_set(a, map, key, node_new_text(a, text));
}

struct node *tree_need_map(struct arena *a, struct node *map, const char *key)
{
	struct node *n = node_get(map, key);

	if (!n || n->kind != NODE_MAP) {
		n = tree_new_map(a);
		tree_set(a, map, key, n);
	}
	return n;
}

void tree_remove(struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return;
	for (size_t i = 0; i < map->n; i++) {
		if (strcmp(map->entries[i].key, key) != 0)
			continue;
		memmove(&map->entries[i], &map->entries[i + 1],
			(map->n - i - 1) * sizeof(*map->entries));
		map->n--;
		return;
	}
}

const char *tree_text(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind != NODE_MAP && n->kind != NODE_LIST && n->len ? n->text : NULL;
}

void tree_drop(struct node *list, size_t i)
{
	memmove(&list->items[i], &list->items[i + 1], (list->n - i - 1) * sizeof(struct node *));
	list->n--;
}

struct node *tree_document(struct arena *a, const char *version, const char *kind, const char *name,
			   const char *namespace_)
{
	struct node *root = tree_new_map(a), *meta = tree_new_map(a);

	tree_set_text(a, root, "apiVersion", version);
	tree_set_text(a, root, "kind", kind);
	tree_set_text(a, meta, "name", name);
	if (namespace_)
		tree_set_text(a, meta, "namespace", namespace_);
	tree_set(a, root, "metadata", meta);
	return root;
}

struct node *tree_copy(struct arena *a, const struct node *from)
{
	struct node *to = node_new(a, from->kind, from->place);

	to->quoted = from->quoted;
	to->scalar = from->scalar;
	to->text = from->len ? arena_strndup(a, from->text, from->len) : "";
	to->len = from->len;
	for (size_t i = 0; from->kind == NODE_LIST && i < from->n; i++)
		node_list_add(a, to, tree_copy(a, from->items[i]));
	for (size_t i = 0; from->kind == NODE_MAP && i < from->n; i++) {
		const char *key = from->entries[i].key;

		(void)node_map_add(a, to, arena_strndup(a, key, strlen(key)),
				   tree_copy(a, from->entries[i].value));
	}
	return to;
}

json_t *tree_to_json(const struct node *from)
{
	json_t *j;

	switch (from->kind) {
	case NODE_NULL:
		return json_null();
	case NODE_BOOL:
		return json_boolean(from->scalar.boolean);
	case NODE_INT:
		return json_integer((json_int_t)from->scalar.integer);
	case NODE_FLOAT:
		return from->scalar.whole ? json_integer((json_int_t)from->scalar.integer)
					  : json_real(strtod(from->text, NULL));
	case NODE_STRING:
		return json_stringn(from->text, from->len);
	case NODE_LIST:
		j = json_array();
		for (size_t i = 0; i < from->n; i++)
			(void)json_array_append_new(j, tree_to_json(from->items[i]));
		return j;
	case NODE_MAP:
		break;
	}
	j = json_object();
	for (size_t i = 0; i < from->n; i++)
		(void)json_object_set_new(j, from->entries[i].key,
					  tree_to_json(from->entries[i].value));
	return j;
}
