/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode - typed struct to node tree, and node tree to YAML text.
 *
 * Theory of operation: there is one writer, and it writes trees. A played pod's tree comes from its
 * document; one made by hand is first turned from structs into a tree by the same rows that read
 * them. The writer walks the rows, so fields come out in Kubernetes' order whatever the input's
 * was; free maps (labels, limits) and lists keep the order they have.
 *
 * What is not written: null, fields of FIELD_SERVER (status, creationTimestamp, ...), unknown
 * fields, which a checked document does not have.
 *
 * Only libyaml's emitter makes YAML syntax, never string pasting; what it is told is the style of
 * each scalar, by scalar_style_for(). Quantities follow kubectl's habit: a number with a unit is
 * plain, a bare number is quoted, since it is a string to the API. The emitter must not fold (width
 * unlimited) nor escape what is printable (unicode on): with that every reader tried gets every
 * string back.
 *
 * Limits: the result is bounded by ENCODE_MAX_BYTES; recursion by the tree's depth.
 */
#include "kube/encode.h"

#include <string.h>
#include <yaml.h>

#include "engine/base/quantity.h"
#include "engine/base/str.h"
#include "kube/document.h"
#include "schemas/types.h"

#define ENCODE_MAX_BYTES ((size_t)64 << 20)

/* ---- struct to tree ---------------------------------------------------------------------------
 */

static struct node *list_of_objects(struct arena *a, const struct schema_type *sub,
				    const struct k8s_list *list)
{
	struct node *n = node_new(a, NODE_LIST, (struct doc_place){ 0 });

	for (size_t i = 0; i < list->n; i++)
		node_list_add(a, n, encode_object(a, sub, (const char *)list->v + i * sub->size));
	return n;
}

static struct node *list_of_scalars(struct arena *a, const struct schema_field *f,
				    const struct strlist *list)
{
	struct node *n = node_new(a, NODE_LIST, (struct doc_place){ 0 });
	int64_t number = 0;

	for (size_t i = 0; i < list->n; i++) {
		bool is_int = (f->type == FIELD_INT32 || f->type == FIELD_INT64) &&
			      parse_i64(list->v[i], INT64_MIN, INT64_MAX, &number) == 0;

		node_list_add(a, n,
			      is_int ? node_new_int(a, number) : node_new_text(a, list->v[i]));
	}
	return n;
}

static struct node *map_of_texts(struct arena *a, const struct pairlist *pairs)
{
	struct node *n = node_new(a, NODE_MAP, (struct doc_place){ 0 });

	for (size_t i = 0; i < pairs->n; i++)
		(void)node_map_add(a, n, arena_strndup(a, pairs->v[i].key, strlen(pairs->v[i].key)),
				   node_new_text(a, pairs->v[i].value));
	return n;
}

static struct node *encode_one(struct arena *a, const struct schema_field *f, const void *at)
{
	const struct k8s_int *number = at;
	const struct k8s_bool *truth = at;
	void *const *pointer = at;
	int64_t whole;

	switch (f->type) {
	case FIELD_INT32:
	case FIELD_INT64:
		return number->set ? node_new_int(a, number->value) : NULL;
	case FIELD_BOOL:
		return truth->set ? node_new_bool(a, truth->value) : NULL;
	case FIELD_OBJECT:
		return *pointer ? encode_object(a, f->sub, *pointer) : NULL;
	case FIELD_INT_OR_STRING:
		if (*pointer && parse_i64(*pointer, INT32_MIN, INT32_MAX, &whole) == 0)
			return node_new_int(a, whole);
		return *pointer ? node_new_text(a, *pointer) : NULL;
	default:
		return *pointer ? node_new_text(a, *pointer) : NULL;
	}
}

static struct node *encode_field(struct arena *a, const struct schema_field *f, const void *at)
{
	struct node *n;

	if (f->shape == SHAPE_ONE)
		return encode_one(a, f, at);
	if (f->shape == SHAPE_MAP)
		n = map_of_texts(a, at);
	else if (f->type == FIELD_OBJECT)
		n = list_of_objects(a, f->sub, at);
	else
		n = list_of_scalars(a, f, at);
	return n->n ? n : NULL;
}

struct node *encode_object(struct arena *a, const struct schema_type *type, const void *obj)
{
	struct node *map = node_new(a, NODE_MAP, (struct doc_place){ 0 });

	for (const struct schema_field *f = type->fields; f->name; f++) {
		struct node *n;

		if (f->support != FIELD_HONOURED)
			continue;
		n = encode_field(a, f, (const char *)obj + f->offset);
		if (n)
			(void)node_map_add(a, map, f->name, n);
	}
	return map;
}

/* ---- tree to text -----------------------------------------------------------------------------
 */

struct writer {
	yaml_emitter_t emitter;
	struct buf out;
};

static int on_output(void *data, unsigned char *text, size_t len)
{
	struct buf *out = data;

	buf_add(out, text, len);
	return !out->overflow;
}

static bool emit(struct writer *w, yaml_event_t *event, int made)
{
	return made && yaml_emitter_emit(&w->emitter, event);
}

static bool emit_text(struct writer *w, const char *text, size_t len, yaml_scalar_style_t style)
{
	yaml_event_t event;
	int made = yaml_scalar_event_initialize(&event, NULL, NULL, (const unsigned char *)text,
						(int)len, 1, 1, style);

	return emit(w, &event, made);
}

static bool write_string(struct writer *w, const char *text, size_t len)
{
	static const yaml_scalar_style_t styles[] = {
		[SCALAR_PLAIN] = YAML_PLAIN_SCALAR_STYLE,
		[SCALAR_QUOTED] = YAML_DOUBLE_QUOTED_SCALAR_STYLE,
		[SCALAR_LITERAL] = YAML_LITERAL_SCALAR_STYLE,
	};

	return emit_text(w, text, len, styles[scalar_style_for(text, len)]);
}

/* digits[.digits] and a unit that no reader takes for a part of a number */
static bool is_plain_quantity(const char *s)
{
	static const char *const units[] = { "n", "u",	"m",  "k",  "M",  "G",	"T",
					     "P", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	size_t digits = strspn(s, "0123456789");

	if (!digits)
		return false;
	s += digits;
	if (*s == '.' && s[1] >= '0' && s[1] <= '9')
		s += 1 + strspn(s + 1, "0123456789");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(s, units[i]) == 0)
			return true;
	}
	return false;
}

static bool write_number(struct writer *w, int64_t value, yaml_scalar_style_t style)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%lld", (long long)value);

	return emit_text(w, text, (size_t)len, style);
}

static bool write_quantity(struct writer *w, const struct node *n)
{
	if (n->kind == NODE_INT)
		return write_number(w, n->scalar.integer, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
	return emit_text(w, n->text, n->len,
			 is_plain_quantity(n->text) ? YAML_PLAIN_SCALAR_STYLE
						    : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static bool write_scalar(struct writer *w, const struct schema_field *f, const struct node *n)
{
	enum field_type type = f ? f->type : FIELD_ANY;

	if (type == FIELD_QUANTITY && n->kind != NODE_NULL)
		return write_quantity(w, n);
	switch (n->kind) {
	case NODE_NULL:
		return emit_text(w, "", 0, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
	case NODE_BOOL:
		return emit_text(w, n->scalar.boolean ? "true" : "false", n->scalar.boolean ? 4 : 5,
				 YAML_PLAIN_SCALAR_STYLE);
	case NODE_INT:
		return write_number(w, n->scalar.integer, YAML_PLAIN_SCALAR_STYLE);
	case NODE_FLOAT:
		if (n->scalar.whole)
			return write_number(w, n->scalar.integer, YAML_PLAIN_SCALAR_STYLE);
		return emit_text(w, n->text, n->len, YAML_PLAIN_SCALAR_STYLE);
	default:
		return write_string(w, n->text, n->len);
	}
}

static bool write_value(struct writer *w, const struct schema_field *f, const struct node *n);

static bool begin_map(struct writer *w)
{
	yaml_event_t event;

	return emit(w, &event,
		    yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
							YAML_BLOCK_MAPPING_STYLE));
}

static bool end_map(struct writer *w)
{
	yaml_event_t event;

	return emit(w, &event, yaml_mapping_end_event_initialize(&event));
}

static bool write_fields(struct writer *w, const struct schema_type *type, const struct node *n)
{
	bool ok = begin_map(w);

	for (const struct schema_field *f = type->fields; ok && f->name; f++) {
		const struct node *value = node_get(n, f->name);

		if (!value || value->kind == NODE_NULL || f->support == FIELD_SERVER)
			continue;
		ok = write_string(w, f->name, strlen(f->name)) && write_value(w, f, value);
	}
	return ok && end_map(w);
}

static bool write_free_map(struct writer *w, const struct schema_field *f, const struct node *n)
{
	bool ok = begin_map(w);

	for (size_t i = 0; ok && i < n->n; i++) {
		const struct node_entry *e = &n->entries[i];

		ok = write_string(w, e->key, strlen(e->key)) && write_value(w, f, e->value);
	}
	return ok && end_map(w);
}

static bool write_list(struct writer *w, const struct schema_field *f, const struct node *n)
{
	yaml_event_t event;
	bool ok = emit(w, &event,
		       yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
							    YAML_BLOCK_SEQUENCE_STYLE));

	for (size_t i = 0; ok && i < n->n; i++)
		ok = write_value(w, f, n->items[i]);
	return ok && emit(w, &event, yaml_sequence_end_event_initialize(&event));
}

static bool write_value(struct writer *w, const struct schema_field *f, const struct node *n)
{
	if (n->kind == NODE_LIST)
		return write_list(w, f, n);
	if (n->kind != NODE_MAP)
		return write_scalar(w, f, n);
	if (f && f->sub)
		return write_fields(w, f->sub, n);
	return write_free_map(w, f, n);
}

static bool write_document(struct writer *w, const struct schema_type *type,
			   const struct node *root)
{
	yaml_event_t e;

	return emit(w, &e, yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING)) &&
	       emit(w, &e, yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 0)) &&
	       (type ? write_fields(w, type, root) : write_value(w, NULL, root)) &&
	       emit(w, &e, yaml_document_end_event_initialize(&e, 1)) &&
	       emit(w, &e, yaml_stream_end_event_initialize(&e));
}

int encode_document(const struct schema_type *type, const struct node *root, char **ret,
		    struct error *err)
{
	struct writer w = { .out = BUF_INIT(ENCODE_MAX_BYTES) };
	bool ok;

	if (!yaml_emitter_initialize(&w.emitter))
		return error_set(err, ENOMEM, "out of memory");
	yaml_emitter_set_output(&w.emitter, on_output, &w.out);
	yaml_emitter_set_unicode(&w.emitter, 1);
	yaml_emitter_set_width(&w.emitter, -1);
	yaml_emitter_set_indent(&w.emitter, 2);
	ok = write_document(&w, type, root);
	if (!ok)
		(void)error_set(err, EINVAL, "cannot be written as YAML: %s",
				w.emitter.problem ? w.emitter.problem : "too large");
	yaml_emitter_delete(&w.emitter);
	if (!ok) {
		buf_done(&w.out);
		return -EINVAL;
	}
	*ret = buf_steal(&w.out);
	return 0;
}

int encode_checked(const struct schema_type *type, const struct node *root, char **ret,
		   struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_free char *again = NULL;
	cleanup_doc_set struct doc_set set = { 0 };
	struct doc_place where;
	int r = encode_document(type, root, &text, err);

	if (r < 0)
		return r;
	r = document_parse(text, strlen(text), &set, &where, err);
	if (r < 0)
		return error_wrap(err, "the document as written, line %d", where.line);
	if (set.n == 1)
		r = encode_document(type, set.v[0], &again, err);
	if (r < 0)
		return r;
	if (!is_equal(text, again))
		return error_set(err, EBADMSG, "the document does not read back as written");
	*ret = steal_ptr(&text);
	return 0;
}
