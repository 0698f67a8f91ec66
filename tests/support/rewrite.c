/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rewrite - manifests that differ from a given one in one place.
 *
 * Theory of operation: a tree is written as YAML in flow style, strings quoted, other scalars as
 * they were written. While it is written the path is kept, and where it is the one of the change the
 * change is written instead. An alias' node is written wherever it is used, so that a change has one
 * place.
 */
#include "tests/support/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "kube/diag.h"

#define MAX_TEXT ((size_t)16 << 20)

struct writer {
	struct buf out;
	const struct rewrite *change;
	struct diag_path path;
};

static void put_quoted(struct buf *out, const char *text, size_t len)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\u%04x", c);
		else
			buf_addc(out, (char)c);
	}
	buf_addc(out, '"');
}

char *rewrite_quote(const char *text)
{
	struct buf out = BUF_INIT(MAX_TEXT);

	put_quoted(&out, text, strlen(text));
	return buf_steal(&out);
}

static bool is_here(const struct writer *w, enum rewrite_how how)
{
	return w->change && w->change->how == how && strcmp(w->change->path, w->path.text) == 0;
}

static void put_scalar(struct writer *w, const struct node *n)
{
	const struct rewrite *r = w->change;

	if (r && r->how == REWRITE_EVERYWHERE && n->kind == NODE_STRING &&
	    strcmp(n->text, r->old) == 0)
		buf_adds(&w->out, r->text);
	else if (n->kind == NODE_STRING)
		put_quoted(&w->out, n->text, n->len);
	else if (n->kind == NODE_NULL)
		buf_adds(&w->out, "null");
	else
		buf_add(&w->out, n->text, n->len);
}

static void put_node(struct writer *w, const struct node *n);

static bool put_entry(struct writer *w, const struct node_entry *e, bool first)
{
	size_t mark = path_field(&w->path, e->key);
	bool gone = is_here(w, REWRITE_REMOVE);

	if (!gone) {
		if (!first)
			buf_adds(&w->out, ", ");
		if (is_here(w, REWRITE_KEY))
			buf_adds(&w->out, w->change->text);
		else
			put_quoted(&w->out, e->key, strlen(e->key));
		buf_adds(&w->out, ": ");
		put_node(w, e->value);
	}
	path_cut(&w->path, mark);
	return !gone;
}

static void put_map(struct writer *w, const struct node *n)
{
	bool first = true;

	buf_addc(&w->out, '{');
	for (size_t i = 0; i < n->n; i++)
		first &= !put_entry(w, &n->entries[i], first);
	if (is_here(w, REWRITE_ADD))
		buf_printf(&w->out, "%s%s", first ? "" : ", ", w->change->text);
	buf_addc(&w->out, '}');
}

static void put_list(struct writer *w, const struct node *n)
{
	bool first = true;

	buf_addc(&w->out, '[');
	for (size_t i = 0; i < n->n; i++) {
		size_t mark = path_index(&w->path, i);

		if (!is_here(w, REWRITE_REMOVE)) {
			buf_adds(&w->out, first ? "" : ", ");
			put_node(w, n->items[i]);
			first = false;
		}
		path_cut(&w->path, mark);
	}
	buf_addc(&w->out, ']');
}

static void put_node(struct writer *w, const struct node *n)
{
	if (is_here(w, REWRITE_VALUE))
		buf_adds(&w->out, w->change->text);
	else if (n->kind == NODE_MAP)
		put_map(w, n);
	else if (n->kind == NODE_LIST)
		put_list(w, n);
	else
		put_scalar(w, n);
}

/* "0:", to which fields are added without a dot. */
static void path_begin(struct diag_path *path, size_t document)
{
	path->len = (size_t)snprintf(path->text, sizeof(path->text), "%zu:", document);
}

static void put_document(struct writer *w, const struct doc_set *set, size_t i)
{
	path_begin(&w->path, i);
	put_node(w, set->v[i]);
	buf_addc(&w->out, '\n');
}

char *rewrite_documents(const struct doc_set *set, const struct rewrite *r)
{
	struct writer w = { .out = BUF_INIT(MAX_TEXT), .change = r };

	for (size_t i = 0; i < set->n; i++) {
		buf_adds(&w.out, "---\n");
		put_document(&w, set, i);
	}
	return buf_steal(&w.out);
}

char *rewrite_document(const struct doc_set *set, size_t i, const struct rewrite *r)
{
	struct writer w = { .out = BUF_INIT(MAX_TEXT), .change = r };

	put_document(&w, set, i);
	return buf_steal(&w.out);
}

/* ---- visiting --------------------------------------------------------------------------------- */

struct visit {
	field_visitor *call;
	void *arg;
	bool deep;
	size_t document;
	bool honoured; /* what holds the field */
	struct diag_path path;
	struct diag_path row;
};

static void visit_object(struct visit *v, const struct schema_type *type, const struct node *n);

static void visit_items(struct visit *v, const struct schema_field *f, const struct node *n)
{
	size_t mark = v->row.len;

	(void)snprintf(v->row.text + mark, sizeof(v->row.text) - mark, "[]");
	v->row.len = strlen(v->row.text);
	for (size_t i = 0; i < n->n; i++) {
		size_t inner = path_index(&v->path, i);

		visit_object(v, f->sub, n->items[i]);
		path_cut(&v->path, inner);
	}
	path_cut(&v->row, mark);
}

static void visit_field(struct visit *v, const struct schema_type *type, const struct node *holder,
			const struct node_entry *e)
{
	const struct schema_field *f = schema_find(type, e->key);
	size_t mark = path_field(&v->path, e->key), row = path_field(&v->row, e->key);
	struct field_place at = { .path = v->path.text,
				  .document = v->document,
				  .row = v->row.text,
				  .type = type,
				  .field = f,
				  .holder = holder,
				  .value = e->value };

	at.honoured = v->honoured && f && f->support == FIELD_HONOURED;
	if (f && e->value->kind != NODE_NULL) {
		bool before = v->honoured;

		v->call(v->arg, &at);
		v->honoured = at.honoured;
		if (f->type != FIELD_OBJECT || (f->support != FIELD_HONOURED && !v->deep))
			;
		else if (f->shape == SHAPE_LIST && e->value->kind == NODE_LIST)
			visit_items(v, f, e->value);
		else if (f->shape == SHAPE_ONE)
			visit_object(v, f->sub, e->value);
		v->honoured = before;
	}
	path_cut(&v->path, mark);
	path_cut(&v->row, row);
}

static void visit_object(struct visit *v, const struct schema_type *type, const struct node *n)
{
	for (size_t i = 0; n->kind == NODE_MAP && i < n->n; i++)
		visit_field(v, type, n, &n->entries[i]);
}

static void visit_document(struct visit *v, const struct node *n)
{
	const struct node *kind = node_get(n, "kind"), *version = node_get(n, "apiVersion");
	const struct node *items = node_get(n, "items");
	const struct schema_kind *k = kind && version && kind->kind == NODE_STRING
					      ? schema_kind_find(version->text, kind->text)
					      : NULL;

	if (k && k->type) {
		v->row.len = (size_t)snprintf(v->row.text, sizeof(v->row.text), "%s", k->kind);
		v->honoured = k->support == KIND_PLAYED;
		visit_object(v, k->type, n);
	}
	for (size_t i = 0; k && k->support == KIND_LIST && items && i < items->n; i++) {
		size_t mark = path_field(&v->path, "items");

		(void)path_index(&v->path, i);
		visit_document(v, items->items[i]);
		path_cut(&v->path, mark);
	}
}

void rewrite_visit(const struct doc_set *set, bool deep, field_visitor *visit, void *arg)
{
	struct visit v = { .call = visit, .arg = arg, .deep = deep };

	for (size_t i = 0; i < set->n; i++) {
		v.document = i;
		path_begin(&v.path, i);
		visit_document(&v, set->v[i]);
	}
}
