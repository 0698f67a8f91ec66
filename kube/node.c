/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node - the tree that every document is read into and written from.
 *
 * Theory of operation: one arena holds everything that a file's documents need: nodes, texts, keys,
 * the arrays of lists and maps (which grow by doubling, the old ones staying behind unused). It is
 * freed as a whole. So a tree needs no owner, an alias may share a node, and an error anywhere
 * leaves nothing to clean up by hand.
 *
 * Each node knows its weight and height with aliases expanded. They saturate, and document.c
 * compares them with its limits while it builds; whoever walks the tree later needs no counters.
 *
 * Places are kept so that a message found long after reading, by a rule that knows only the path of
 * a field, still names line and column: node_at() walks the path in the tree.
 */
#include "kube/node.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"

#define ARENA_BLOCK ((size_t)64 * 1024)

struct arena_block {
	struct arena_block *next;
	size_t size;
	max_align_t data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	size_t need = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	struct arena_block *b = a->blocks;

	if (!b || a->left < need) {
		size_t room = need > ARENA_BLOCK ? need : ARENA_BLOCK;

		b = xcalloc(1, sizeof(*b) + room);
		b->size = room;
		b->next = a->blocks;
		a->blocks = b;
		a->left = room;
	}
	a->left -= need;
	return (char *)b->data + (b->size - a->left - need);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}

void arena_done(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->left = 0;
}

struct node *node_new(struct arena *a, enum node_kind kind, struct doc_place place)
{
	struct node *n = arena_alloc(a, sizeof(*n));

	n->kind = kind;
	n->place = place;
	n->text = "";
	n->weight = 1;
	n->height = 1;
	return n;
}

struct node *node_new_text(struct arena *a, const char *text)
{
	struct node *n = node_new(a, NODE_STRING, (struct doc_place){ 0 });

	n->len = strlen(text);
	n->text = arena_strndup(a, text, n->len);
	return n;
}

struct node *node_new_int(struct arena *a, int64_t value)
{
	struct node *n = node_new(a, NODE_INT, (struct doc_place){ 0 });
	cleanup_free char *text = xasprintf("%lld", (long long)value);

	n->scalar.kind = SCALAR_INT;
	n->scalar.integer = value;
	n->len = strlen(text);
	n->text = arena_strndup(a, text, n->len);
	return n;
}

struct node *node_new_bool(struct arena *a, bool value)
{
	struct node *n = node_new(a, NODE_BOOL, (struct doc_place){ 0 });

	n->scalar.kind = SCALAR_BOOL;
	n->scalar.boolean = value;
	n->text = value ? "true" : "false";
	n->len = strlen(n->text);
	return n;
}

static void *grown(struct arena *a, void *old, struct node *holder, size_t element)
{
	void *bigger;

	if (holder->n < holder->cap)
		return old;
	holder->cap = holder->cap ? holder->cap * 2 : 4;
	bigger = arena_alloc(a, holder->cap * element);
	if (holder->n)
		memcpy(bigger, old, holder->n * element);
	return bigger;
}

static void account(struct node *holder, const struct node *child)
{
	if (__builtin_add_overflow(holder->weight, child->weight, &holder->weight))
		holder->weight = UINT32_MAX;
	if (holder->height <= child->height)
		holder->height = child->height + (child->height < UINT32_MAX);
}

struct node_entry *node_map_add(struct arena *a, struct node *map, const char *key,
				struct node *value)
{
	struct node_entry *e;

	map->entries = grown(a, map->entries, map, sizeof(*map->entries));
	e = &map->entries[map->n++];
	memset(e, 0, sizeof(*e));
	e->key = key;
	e->key_kind = NODE_STRING;
	e->place = value->place;
	e->value = value;
	account(map, value);
	return e;
}

void node_list_add(struct arena *a, struct node *list, struct node *item)
{
	list->items = grown(a, list->items, list, sizeof(struct node *));
	list->items[list->n++] = item;
	account(list, item);
}

static struct node *get_len(const struct node *map, const char *key, size_t len)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++) {
		if (!strncmp(map->entries[i].key, key, len) && !map->entries[i].key[len])
			return map->entries[i].value;
	}
	return NULL;
}

struct node *node_get(const struct node *map, const char *key)
{
	return get_len(map, key, strlen(key));
}

/* One "[...]" step: an index into a list or a key of a map. */
static const struct node *step_bracket(const struct node *at, const char *inside, size_t len)
{
	cleanup_free char *text = NULL;
	uint64_t index;

	if (at->kind == NODE_MAP)
		return get_len(at, inside, len);
	text = xstrndup(inside, len);
	if (at->kind != NODE_LIST || parse_u64(text, SIZE_MAX, &index) < 0 || index >= at->n)
		return NULL;
	return at->items[index];
}

const struct node *node_at(const struct node *root, const char *path)
{
	const struct node *at = root, *next;

	while (*path) {
		size_t len;

		if (*path == '[') {
			len = strcspn(path, "]");
			next = step_bracket(at, path + 1, len ? len - 1 : 0);
			path += len + (path[len] == ']');
		} else {
			path += *path == '.';
			len = strcspn(path, ".[");
			next = get_len(at, path, len);
			path += len;
		}
		if (!next || next->kind == NODE_NULL)
			break;
		at = next;
	}
	return at;
}

const char *node_kind_str(const struct node *node)
{
	static const char *const names[] = { "nothing",	 "a boolean", "a whole number", "a number",
					     "a string", "a list",    "a mapping" };

	return names[node->kind];
}

static bool is_equal_children(const struct node *a, const struct node *b)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->kind == NODE_LIST) {
			if (!node_is_equal(a->items[i], b->items[i]))
				return false;
		} else if (!is_equal(a->entries[i].key, b->entries[i].key) ||
			   !node_is_equal(a->entries[i].value, b->entries[i].value)) {
			return false;
		}
	}
	return true;
}

bool node_is_equal(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || a->n != b->n)
		return false;
	switch (a->kind) {
	case NODE_NULL:
		return true;
	case NODE_BOOL:
		return a->scalar.boolean == b->scalar.boolean;
	case NODE_INT:
		return a->scalar.integer == b->scalar.integer;
	case NODE_FLOAT:
	case NODE_STRING:
		return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
	case NODE_LIST:
	case NODE_MAP:
		return is_equal_children(a, b);
	}
	return false;
}
