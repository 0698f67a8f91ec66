/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode - typed struct to node tree, and node tree to YAML text, by the tables.
 */
#ifndef PODIUM_KUBE_ENCODE_H
#define PODIUM_KUBE_ENCODE_H

#include "engine/base/error.h"
#include "kube/node.h"
#include "schemas/schema.h"

/* A tree of what is set in an object; lives in the arena. */
struct node *encode_object(struct arena *a, const struct schema_type *type, const void *obj);

/* Writes one document, "---" first, block style, two spaces, fields in the tables' order, without
 * what only an API server writes. type NULL: the tree as it stands, with all that is in it, in its
 * own order. The caller owns *ret. */
int encode_document(const struct schema_type *type, const struct node *root, char **ret,
		    struct error *err) must_check;
/* The same, and handed out only when it reads back as itself: a text that broke out of its scalar
 * would not. -EBADMSG. For documents that leave this machine. */
int encode_checked(const struct schema_type *type, const struct node *root, char **ret,
		   struct error *err) must_check;

#endif
