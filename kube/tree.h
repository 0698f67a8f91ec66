/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - a document's tree put together or changed, by whoever writes documents.
 *
 * What is put in belongs to the arena, or outlives it; keys are copied. A key is taken to be there
 * once, as the reader sees to it.
 */
#ifndef PODIUM_KUBE_TREE_H
#define PODIUM_KUBE_TREE_H

#include <jansson.h>

#include "kube/node.h"

/* A new mapping or list. */
struct node *tree_new_map(struct arena *a);
struct node *tree_new_list(struct arena *a);
/* Sets map[key], replacing what was there. */
void tree_set(struct arena *a, struct node *map, const char *key, struct node *value);
void tree_set_text(struct arena *a, struct node *map, const char *key, const char *text);
/* map[key], made as an empty mapping when it is not there. */
struct node *tree_need_map(struct arena *a, struct node *map, const char *key);
void tree_remove(struct node *map, const char *key);
/* The text of a scalar member, or NULL. */
const char *tree_text(const struct node *map, const char *key);
/* Takes an item out of a list. */
void tree_drop(struct node *list, size_t i);
/* A document with apiVersion, kind, metadata.name and metadata.namespace (NULL: none). */
struct node *tree_document(struct arena *a, const char *version, const char *kind, const char *name,
			   const char *namespace_);
/* A copy that shares nothing. */
struct node *tree_copy(struct arena *a, const struct node *from);
/* The same as JSON. New reference. */
json_t *tree_to_json(const struct node *from);

#endif
