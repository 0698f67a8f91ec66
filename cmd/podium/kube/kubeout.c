/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeout - objects as documents.
 *
 * Theory of operation: what was played is kept as its document, so that is read, and what only this
 * machine knows (uid, times, status) is put in. One object is printed alone, several as a List, as
 * kubectl does. The texts of the documents are YAML of our own writer; a tree is printed as it
 * stands, in its own order.
 */
#include "cmd/podium/kube/kubeout.h"

#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/format.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "kube/encode.h"
#include "kube/tree.h"

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

int kube_out_parse(struct kube_out *o, const char *text, struct node **ret, struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	struct doc_place where;
	int r = document_parse(text, strlen(text), &set, &where, err);

	if (r < 0)
		return error_wrap(err, "a stored document, line %d", where.line);
	if (set.n == 0 || set.v[0]->kind != NODE_MAP)
		return error_set(err, EBADMSG, "a stored document is not a mapping");
	*ret = tree_copy(&o->arena, set.v[0]);
	return 0;
}

void kube_out_add(struct kube_out *o, struct node *item)
{
	node_list_add(&o->arena, o->items, item);
}

static struct node *wrap(struct kube_out *o)
{
	struct node *list = node_new(&o->arena, NODE_MAP, (struct doc_place){ 0 });

	tree_set_text(&o->arena, list, "apiVersion", "v1");
	(void)node_map_add(&o->arena, list, "items", o->items);
	tree_set_text(&o->arena, list, "kind", "List");
	return list;
}

int kube_out_print(struct kube_out *o, bool as_list, bool json, struct error *err)
{
	struct node *root = as_list || o->items->n != 1 ? wrap(o) : o->items->items[0];
	cleanup_free char *text = NULL;
	int r = 0;

	if (json) {
		cleanup_json json_t *j = tree_to_json(root);

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
