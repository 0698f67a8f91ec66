/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node - the tree that every document is read into and written from.
 *
 * Nodes live in an arena and are freed with it; an alias shares its node with the anchor. There are
 * no cycles, and the depth is bounded by DOC_MAX_DEPTH, so that walkers may recurse.
 */
#ifndef PODIUM_KUBE_NODE_H
#define PODIUM_KUBE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kube/scalar.h"

enum node_kind { NODE_NULL, NODE_BOOL, NODE_INT, NODE_FLOAT, NODE_STRING, NODE_LIST, NODE_MAP };

/* Line and column count from 1; 0 is "unknown". */
struct doc_place {
	int line;
	int column;
};

struct node;
struct node_entry {
	const char *key;
	enum node_kind key_kind; /* what kubectl takes the key for: STRING unless plain and odd */
	struct doc_place place;	 /* of the key */
	struct node *value;
};

struct node {
	enum node_kind kind;
	bool quoted; /* a scalar between quotes, or a block scalar */
	struct doc_place place;
	const char *text; /* scalars: as written, NUL-terminated, without NUL inside */
	size_t len;
	struct scalar scalar;
	union {
		struct node **items;	    /* LIST */
		struct node_entry *entries; /* MAP */
	};
	size_t n;
	size_t cap;
	uint32_t weight; /* nodes below and this one, aliases expanded */
	uint32_t height; /* 1 for a scalar */
};

struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t left; /* free bytes in the first block */
};
/* Zeroed memory, aligned for anything, valid until arena_done(). Never fails. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t n);
void arena_done(struct arena *a);

struct node *node_new(struct arena *a, enum node_kind kind, struct doc_place place);
struct node *node_new_text(struct arena *a, const char *text); /* NODE_STRING, copied */
struct node *node_new_int(struct arena *a, int64_t value);
struct node *node_new_bool(struct arena *a, bool value);
/* Append; weight and height of the holder are brought up to date. Keys must be in the arena. */
struct node_entry *node_map_add(struct arena *a, struct node *map, const char *key,
				struct node *value);
void node_list_add(struct arena *a, struct node *list, struct node *item);

/* The value of a key, or NULL (also when map is not a map). */
struct node *node_get(const struct node *map, const char *key);
/* The deepest node on a path like "spec.containers[0].ports" that exists; never NULL. */
const struct node *node_at(const struct node *root, const char *path);
/* "a string", "a number", "a list", ... for messages. */
const char *node_kind_str(const struct node *node);
/* Same shape, kinds and texts (numbers by value). Places and quotes do not count. */
bool node_is_equal(const struct node *a, const struct node *b);

#endif
