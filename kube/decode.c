/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode - node tree and table to typed struct.
 *
 * Theory of operation: one walker, driven by the rows of schemas/. For each entry of a mapping it
 * finds the row, checks shape and type, and stores the value at the row's offset when the field is
 * honoured. Null counts as absent, as for the API server. Three findings are kept apart:
 *
 *   unknown field      an error, with the nearest known name
 *   known, no effect   a warning with the row's reason (an error under strict), once, at the
 *                      outermost such field; what lies below is still checked for names and types
 *   bad value          an error that says what was expected and what is there
 *
 * Types are as strict as the API server's: a number in a string field is an error with the advice
 * to quote it, because a cluster would refuse it, and because guessing at `yes` or `010` makes two
 * readers see two different pods. A free key (of a label, an annotation) that kubectl would turn
 * into something else is an error too.
 *
 * Ownership: the struct owns all it holds; decode_done() frees it by the same rows. Recursion is
 * bounded by the tree's depth.
 */
#include "kube/decode.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/base/base64.h"
#include "engine/base/quantity.h"
#include "schemas/types.h"

struct walk {
	const struct diag_sink *sink;
	struct diag_path path;
	bool silent; /* inside a field without effect: check, store nothing, warn no more */
};

static void bad(struct walk *w, const struct node *node, const char *expected)
{
	bool quote = node->kind != NODE_STRING && node->kind != NODE_LIST &&
		     node->kind != NODE_MAP && strstr(expected, "string");

	if (node->kind == NODE_LIST || node->kind == NODE_MAP || node->kind == NODE_NULL ||
	    w->sink->is_secret)
		diag_add(w->sink, KUBE_ERROR, node->place, w->path.text, "expected %s, found %s",
			 expected, node_kind_str(node));
	else
		diag_add(w->sink, KUBE_ERROR, node->place, w->path.text,
			 "expected %s, found %s '%.60s'%s", expected, node_kind_str(node),
			 node->text, quote ? ": put it in quotes" : "");
}

/* ---- scalars ----------------------------------------------------------------------------------
 */

static bool check_text(struct walk *w, const struct schema_field *f, const struct node *node)
{
	cleanup_buf struct buf list = BUF_INIT(512);
	cleanup_free char *text = NULL;

	if (!f->values)
		return true;
	for (size_t i = 0; f->values[i]; i++) {
		if (strcmp(f->values[i], node->text) == 0)
			return true;
		buf_printf(&list, "%s'%s'", i ? ", " : "", f->values[i]);
	}
	text = buf_steal(&list);
	diag_add(w->sink, KUBE_ERROR, node->place, w->path.text, "'%.60s' is not one of %s",
		 node->text, text);
	return false;
}

static bool take_int(struct walk *w, const struct node *node, enum field_type type, int64_t *ret)
{
	bool whole = node->kind == NODE_INT || (node->kind == NODE_FLOAT && node->scalar.whole);

	if (!whole) {
		bad(w, node, "a whole number");
		return false;
	}
	*ret = node->scalar.integer;
	if (type == FIELD_INT64 || (*ret >= INT32_MIN && *ret <= INT32_MAX))
		return true;
	diag_add(w->sink, KUBE_ERROR, node->place, w->path.text, "%lld does not fit 32 bits",
		 (long long)*ret);
	return false;
}

static char *take_quantity(struct walk *w, const struct node *node)
{
	struct error err = { 0 };
	struct quantity q;
	char *text;
	size_t n = 0;

	if (node->kind != NODE_STRING && node->kind != NODE_INT && node->kind != NODE_FLOAT) {
		bad(w, node, "a quantity");
		return NULL;
	}
	if (node->kind == NODE_INT) {
		text = xasprintf("%lld", (long long)node->scalar.integer);
	} else {
		text = xstrdup(node->text);
		for (size_t i = 0; text[i]; i++) { /* a float may be written 1_000.5 */
			if (node->kind == NODE_STRING || text[i] != '_')
				text[n++] = text[i];
		}
		text[n] = '\0';
	}
	if (quantity_parse(text, &q, &err) == 0)
		return text;
	diag_add(w->sink, KUBE_ERROR, node->place, w->path.text, "%s", err.text);
	free(text);
	return NULL;
}

static bool is_timestamp(const char *s)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	size_t i;

	for (i = 0; shape[i]; i++) {
		if (shape[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
			return false;
	}
	return s[i] == 'Z' || s[i] == '.' || s[i] == '+' || s[i] == '-';
}

/* The text of a scalar of the row's type; NULL after a finding. The caller owns it. */
static char *take_scalar_text(struct walk *w, const struct schema_field *f, const struct node *node)
{
	cleanup_free char *bytes = NULL;
	size_t len;

	if (f->type == FIELD_QUANTITY)
		return take_quantity(w, node);
	if (f->type == FIELD_INT_OR_STRING && node->kind == NODE_INT)
		return xasprintf("%lld", (long long)node->scalar.integer);
	if (node->kind != NODE_STRING) {
		bad(w, node,
		    f->type == FIELD_INT_OR_STRING ? "a whole number or a string" : "a string");
		return NULL;
	}
	if (f->type == FIELD_TIMESTAMP && !is_timestamp(node->text)) {
		bad(w, node, "a time (2026-01-31T12:00:00Z)");
		return NULL;
	}
	if (f->type == FIELD_BYTES) {
		bytes = xmalloc(node->len + 1);
		if (base64_decode(node->text, node->len, bytes, &len) < 0) {
			bad(w, node, "base64");
			return NULL;
		}
	}
	return check_text(w, f, node) ? xstrdup(node->text) : NULL;
}

static void take_one(struct walk *w, const struct schema_field *f, const struct node *node,
		     void *at)
{
	cleanup_free char *text = NULL;
	int64_t number;

	switch (f->type) {
	case FIELD_INT32:
	case FIELD_INT64:
		if (take_int(w, node, f->type, &number) && at)
			*(struct k8s_int *)at = (struct k8s_int){ true, number };
		return;
	case FIELD_BOOL:
		if (node->kind != NODE_BOOL)
			bad(w, node, "true or false");
		else if (at)
			*(struct k8s_bool *)at = (struct k8s_bool){ true, node->scalar.boolean };
		return;
	case FIELD_ANY:
		return;
	default:
		text = take_scalar_text(w, f, node);
		if (at)
			*(char **)at = steal_ptr(&text);
		return;
	}
}

/* ---- containers -------------------------------------------------------------------------------
 */

static void take_object(struct walk *w, const struct schema_type *type, const struct node *node,
			void *obj);

static void take_object_field(struct walk *w, const struct schema_field *f, const struct node *node,
			      void *at)
{
	void *obj = NULL;

	if (node->kind != NODE_MAP) {
		bad(w, node, "a mapping");
		return;
	}
	if (at) {
		obj = xcalloc(1, f->sub->size ? f->sub->size : 1);
		*(void **)at = obj;
	}
	take_object(w, f->sub, node, obj);
}

static void take_item(struct walk *w, const struct schema_field *f, const struct node *item,
		      void *at)
{
	cleanup_free char *text = NULL;
	struct k8s_list *list = at;
	int64_t number;

	if (f->type == FIELD_OBJECT) {
		void *obj = NULL;

		if (item->kind != NODE_MAP) {
			bad(w, item, "a mapping");
			return;
		}
		if (list) {
			list->v = xreallocarray(list->v, list->n + 1, f->sub->size);
			obj = (char *)list->v + list->n++ * f->sub->size;
			memset(obj, 0, f->sub->size);
		}
		take_object(w, f->sub, item, obj);
		return;
	}
	if (f->type == FIELD_INT32 || f->type == FIELD_INT64) {
		if (!take_int(w, item, f->type, &number))
			return;
		text = xasprintf("%lld", (long long)number);
	} else {
		text = take_scalar_text(w, f, item);
	}
	if (at && text)
		strlist_take(at, steal_ptr(&text));
}

static void take_list(struct walk *w, const struct schema_field *f, const struct node *node,
		      void *at)
{
	if (node->kind != NODE_LIST) {
		bad(w, node, "a list");
		return;
	}
	for (size_t i = 0; i < node->n; i++) {
		size_t mark = path_index(&w->path, i);

		take_item(w, f, node->items[i], at);
		path_cut(&w->path, mark);
	}
}

/* kubectl turns an unquoted key `on` into "true": such keys must say what they mean. */
static bool is_key_odd(const struct node_entry *e)
{
	cleanup_free char *text = NULL;
	struct scalar s;

	if (e->key_kind == NODE_STRING)
		return false;
	if (e->key_kind != NODE_INT)
		return true;
	scalar_resolve(e->key, strlen(e->key), &s);
	text = xasprintf("%lld", (long long)s.integer);
	return strcmp(text, e->key) != 0;
}

/* Keys are known to differ, so that none has to be looked for. Takes the value. */
static void add_pair(struct pairlist *list, const char *key, char *value)
{
	list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = (struct strpair){ xstrdup(key), value };
}

static void take_map(struct walk *w, const struct schema_field *f, const struct node *node,
		     void *at)
{
	if (node->kind != NODE_MAP) {
		bad(w, node, "a mapping");
		return;
	}
	for (size_t i = 0; i < node->n; i++) {
		const struct node_entry *e = &node->entries[i];
		cleanup_free char *text = NULL;
		size_t mark = path_key(&w->path, e->key);

		if (is_key_odd(e))
			diag_add(w->sink, KUBE_ERROR, e->place, w->path.text,
				 "the key '%.60s' is not read as text: put it in quotes", e->key);
		else if (e->value->kind == NODE_NULL && f->type != FIELD_QUANTITY)
			text = xstrdup("");
		else
			text = take_scalar_text(w, f, e->value);
		if (text && at)
			add_pair(at, e->key, steal_ptr(&text));
		path_cut(&w->path, mark);
	}
}

/* ---- fields -----------------------------------------------------------------------------------
 */

static void unknown_field(struct walk *w, const struct schema_type *type,
			  const struct node_entry *e)
{
	const char *names[128];
	const char *near;
	size_t n = 0;

	for (const struct schema_field *f = type->fields; f->name && n < ARRAY_SIZE(names); f++)
		names[n++] = f->name;
	near = nearest_name(e->key, names, n);
	if (near)
		diag_add(w->sink, KUBE_ERROR, e->place, w->path.text,
			 "unknown field in %s: did you mean '%s'?", type->title, near);
	else
		diag_add(w->sink, KUBE_ERROR, e->place, w->path.text, "unknown field in %s",
			 type->title);
}

/* Whether a field without effect says nothing anyway: empty, or what would happen without it. */
static bool is_harmless(const struct schema_field *f, const struct node *node)
{
	if (f->harmless && strcmp(f->harmless, "*") == 0)
		return true;
	if (node->kind == NODE_MAP || node->kind == NODE_LIST)
		return node->n == 0;
	if (node->kind == NODE_STRING && node->len == 0)
		return true;
	return f->harmless && strcmp(f->harmless, node->text) == 0;
}

static void without_effect(struct walk *w, const struct schema_field *f, const struct node_entry *e)
{
	if (w->silent || f->support != FIELD_KNOWN || is_harmless(f, e->value))
		return;
	diag_add(w->sink, w->sink->strict ? KUBE_ERROR : KUBE_WARNING, e->place, w->path.text,
		 "has no effect: %s", f->reason);
}

static void take_field(struct walk *w, const struct schema_field *f, const struct node_entry *e,
		       void *obj)
{
	bool honoured = f->support == FIELD_HONOURED && !w->silent, before = w->silent;
	void *at = honoured && obj ? (char *)obj + f->offset : NULL;

	if (e->value->kind == NODE_NULL)
		return;
	without_effect(w, f, e);
	w->silent = !honoured;
	if (f->shape == SHAPE_LIST)
		take_list(w, f, e->value, at);
	else if (f->shape == SHAPE_MAP)
		take_map(w, f, e->value, at);
	else if (f->type == FIELD_OBJECT)
		take_object_field(w, f, e->value, at);
	else
		take_one(w, f, e->value, at);
	w->silent = before;
}

static void check_required(struct walk *w, const struct schema_type *type, const struct node *node)
{
	for (const struct schema_field *f = type->fields; f->name; f++) {
		const struct node *value = node_get(node, f->name);
		bool empty = !value || value->kind == NODE_NULL ||
			     (value->kind == NODE_STRING && value->len == 0 && !f->values);
		size_t mark;

		if (!f->required || !empty)
			continue;
		mark = path_field(&w->path, f->name);
		diag_add(w->sink, KUBE_ERROR, value ? value->place : node->place, w->path.text,
			 "is required");
		path_cut(&w->path, mark);
	}
}

static void take_object(struct walk *w, const struct schema_type *type, const struct node *node,
			void *obj)
{
	for (size_t i = 0; i < node->n; i++) {
		const struct node_entry *e = &node->entries[i];
		const struct schema_field *f = schema_find(type, e->key);
		size_t mark = path_field(&w->path, e->key);

		if (f)
			take_field(w, f, e, obj);
		else
			unknown_field(w, type, e);
		path_cut(&w->path, mark);
	}
	if (!w->silent)
		check_required(w, type, node);
}

void decode_check(const struct diag_sink *sink, const struct schema_type *type,
		  const struct node *node)
{
	struct walk w = { .sink = sink, .silent = true };

	take_object(&w, type, node, NULL);
}

void decode_object(const struct diag_sink *sink, const struct schema_type *type,
		   const struct node *node, void *obj)
{
	struct walk w = { .sink = sink };

	if (node->kind == NODE_MAP)
		take_object(&w, type, node, obj);
	else
		bad(&w, node, "a mapping");
}

/* ---- freeing ----------------------------------------------------------------------------------
 */

static void free_field(const struct schema_field *f, void *at)
{
	struct k8s_list *list = at;

	if (f->shape == SHAPE_MAP) {
		pairlist_done(at);
	} else if (f->shape == SHAPE_LIST && f->type == FIELD_OBJECT) {
		for (size_t i = 0; i < list->n; i++)
			decode_done(f->sub, (char *)list->v + i * f->sub->size);
		free(list->v);
	} else if (f->shape == SHAPE_LIST) {
		strlist_done(at);
	} else if (f->type == FIELD_OBJECT) {
		if (*(void **)at)
			decode_done(f->sub, *(void **)at);
		free(*(void **)at);
	} else if (f->type != FIELD_INT32 && f->type != FIELD_INT64 && f->type != FIELD_BOOL) {
		free(*(void **)at);
	}
}

void decode_done(const struct schema_type *type, void *obj)
{
	for (const struct schema_field *f = type->fields; f->name; f++) {
		if (f->support == FIELD_HONOURED)
			free_field(f, (char *)obj + f->offset);
	}
	memset(obj, 0, type->size);
}
