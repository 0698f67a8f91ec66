/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document - text to node trees.
 *
 * Theory of operation: the whole text is checked first (size, UTF-8, no NUL), so that no later
 * stage can see a shorter string than another. Text that begins with { or [ is tried as JSON
 * (document_json.c) and falls back to YAML, since both look like that.
 *
 * YAML comes as libyaml's events; a stack of open containers of our own turns them into nodes. The
 * event interface is used, not libyaml's trees, because it tells quoted from plain, gives the place
 * of everything, and leaves the limits to us. Nothing recurses on the input.
 *
 *   - An anchor is known from the end of its node on; so an alias inside its own anchor is an
 *     unknown one, and there are no cycles.
 *   - An alias shares the anchor's node. Weight (nodes, aliases expanded) and depth are checked as
 *     each container grows: a bomb ends at DOC_MAX_NODES, whatever its form, before anything has
 *     walked it.
 *   - `<<` merges mappings, explicit keys winning, as kubectl does.
 *   - Duplicate keys are refused (two readers would see two different pods), found by sorting: the
 *     cost stays n log n.
 *   - Tags other than YAML's own are refused. !!binary is decoded, and must then be text.
 *
 * After an error the documents read so far stay in the set: their own errors are reported as well.
 */
#include "kube/document.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "engine/base/str.h"
#include "engine/base/base64.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

struct frame {
	struct node *node;
	struct node *merges; /* list of what << named, or NULL */
	const char *anchor;
	const char *key; /* MAP: waiting for its value */
	enum node_kind key_kind;
	struct doc_place key_place;
	bool key_is_merge;
};

struct anchor {
	const char *name;
	struct node *node;
};

struct builder {
	struct doc_set *set;
	struct frame stack[DOC_MAX_DEPTH];
	size_t depth;
	struct anchor *anchors;
	size_t n_anchors;
	size_t cap_anchors;
	struct doc_place *where;
	struct error *err;
};

static int fail_at(struct builder *b, struct doc_place place, const char *what)
{
	*b->where = place;
	return error_set(b->err, EINVAL, "%s", what);
}

static struct doc_place place_of(const yaml_mark_t *mark)
{
	return (struct doc_place){ (int)mark->line + 1, (int)mark->column + 1 };
}

/* ---- maps: duplicates and merges --------------------------------------------------------- */

struct ranked {
	const struct node_entry *entry;
	size_t rank;
};

static int by_key(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = strcmp(x->entry->key, y->entry->key);

	if (order)
		return order;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Sorts out a finished map: duplicate keys are an error, the first `explicit` entries win over the
 * others (merged ones), earlier merged ones over later ones. */
static int settle_map(struct node *map, size_t explicit_n, struct doc_place *where,
		      struct error *err)
{
	cleanup_free struct ranked *sorted = NULL;
	cleanup_free bool *drop = NULL;
	size_t kept = 0;

	if (map->n < 2)
		return 0;
	sorted = xcalloc(map->n, sizeof(*sorted));
	drop = xcalloc(map->n, sizeof(*drop));
	for (size_t i = 0; i < map->n; i++)
		sorted[i] = (struct ranked){ &map->entries[i], i };
	qsort(sorted, map->n, sizeof(*sorted), by_key);
	for (size_t i = 1; i < map->n; i++) {
		if (strcmp(sorted[i].entry->key, sorted[i - 1].entry->key) != 0)
			continue;
		if (sorted[i].rank < explicit_n) {
			*where = sorted[i].entry->place;
			return error_set(err, EINVAL,
					 "the key '%.100s' is given twice (first in line %d)",
					 sorted[i].entry->key, sorted[i - 1].entry->place.line);
		}
		drop[sorted[i].rank] = true;
	}
	for (size_t i = 0; i < map->n; i++) {
		if (!drop[i])
			map->entries[kept++] = map->entries[i];
	}
	map->n = kept;
	return 0;
}

static int merge_one(struct builder *b, struct node *into, const struct node *from)
{
	if (from->kind != NODE_MAP)
		return fail_at(b, from->place, "'<<' merges mappings only");
	for (size_t i = 0; i < from->n; i++) {
		struct node_entry *e = node_map_add(&b->set->arena, into, from->entries[i].key,
						    from->entries[i].value);

		e->key_kind = from->entries[i].key_kind;
		e->place = from->entries[i].place;
	}
	return 0;
}

static int finish_map(struct builder *b, struct frame *f)
{
	size_t explicit_n = f->node->n;
	int r;

	for (size_t i = 0; f->merges && i < f->merges->n; i++) {
		const struct node *from = f->merges->items[i];
		size_t n = from->kind == NODE_LIST ? from->n : 1;

		for (size_t j = 0; j < n; j++) {
			r = merge_one(b, f->node, from->kind == NODE_LIST ? from->items[j] : from);
			if (r < 0)
				return r;
			if (f->node->weight > DOC_MAX_NODES)
				return fail_at(b, f->node->place, "too many nodes in one document");
		}
	}
	return settle_map(f->node, explicit_n, b->where, b->err);
}

/* ---- attaching nodes ---------------------------------------------------------------------- */

static void add_anchor(struct builder *b, const char *name, struct node *node)
{
	if (b->n_anchors == b->cap_anchors) {
		b->cap_anchors = b->cap_anchors ? b->cap_anchors * 2 : 16;
		b->anchors = xreallocarray(b->anchors, b->cap_anchors, sizeof(*b->anchors));
	}
	b->anchors[b->n_anchors++] = (struct anchor){ name, node };
}

static void add_root(struct builder *b, struct node *node)
{
	struct doc_set *set = b->set;

	set->v = xreallocarray(set->v, set->n + 1, sizeof(struct node *));
	set->v[set->n++] = node;
}

static void put_in_map(struct builder *b, struct frame *f, struct node *node)
{
	struct node_entry *e;

	if (f->key_is_merge) {
		if (!f->merges)
			f->merges = node_new(&b->set->arena, NODE_LIST, node->place);
		node_list_add(&b->set->arena, f->merges, node);
	} else {
		e = node_map_add(&b->set->arena, f->node, f->key, node);
		e->key_kind = f->key_kind;
		e->place = f->key_place;
	}
	f->key = NULL;
	f->key_is_merge = false;
}

/* Hangs a finished node into what is open, and remembers its anchor. */
static int attach(struct builder *b, struct node *node, const char *anchor)
{
	struct frame *f = b->depth ? &b->stack[b->depth - 1] : NULL;

	if (anchor)
		add_anchor(b, anchor, node);
	if (!f) {
		add_root(b, node);
		return 0;
	}
	if (f->node->kind == NODE_LIST)
		node_list_add(&b->set->arena, f->node, node);
	else
		put_in_map(b, f, node);
	if (f->node->weight > DOC_MAX_NODES || (f->merges && f->merges->weight > DOC_MAX_NODES))
		return fail_at(b, node->place, "too many nodes in one document, aliases expanded");
	if (b->depth + node->height > DOC_MAX_DEPTH)
		return fail_at(b, node->place, "nested too deeply");
	return 0;
}

static bool is_key_due(const struct builder *b)
{
	const struct frame *f = b->depth ? &b->stack[b->depth - 1] : NULL;

	return f && f->node->kind == NODE_MAP && !f->key && !f->key_is_merge;
}

/* ---- events ---------------------------------------------------------------------------------- */

static int decode_binary(struct builder *b, struct node *n)
{
	size_t len;
	char *bytes = arena_alloc(&b->set->arena, n->len + 1);

	if (base64_decode(n->text, n->len, bytes, &len) < 0)
		return fail_at(b, n->place, "!!binary is not base64");
	if (scalar_utf8_prefix(bytes, len) != len)
		return fail_at(b, n->place, "!!binary is not text in UTF-8");
	n->text = bytes;
	n->len = len;
	return 0;
}

static enum node_kind kind_of(enum scalar_kind kind)
{
	static const enum node_kind kinds[] = {
		[SCALAR_STRING] = NODE_STRING, [SCALAR_NULL] = NODE_NULL,
		[SCALAR_BOOL] = NODE_BOOL,     [SCALAR_INT] = NODE_INT,
		[SCALAR_FLOAT] = NODE_FLOAT,
	};

	return kinds[kind];
}

/* Gives a scalar its kind by its tag. */
static int apply_tag(struct builder *b, struct node *n, const char *tag)
{
	static const struct {
		const char *tag;
		enum node_kind kind;
	} known[] = { { "null", NODE_NULL },
		      { "bool", NODE_BOOL },
		      { "int", NODE_INT },
		      { "float", NODE_FLOAT } };

	n->kind = NODE_STRING;
	if (strcmp(tag, "!") == 0 || strcmp(tag, TAG_PREFIX "str") == 0)
		return 0;
	if (strcmp(tag, TAG_PREFIX "binary") == 0)
		return decode_binary(b, n);
	scalar_resolve(n->text, n->len, &n->scalar);
	n->kind = kind_of(n->scalar.kind);
	for (size_t i = 0; i < ARRAY_SIZE(known) && is_prefix(tag, TAG_PREFIX); i++) {
		if (strcmp(tag + strlen(TAG_PREFIX), known[i].tag) != 0)
			continue;
		if (n->kind == known[i].kind ||
		    (known[i].kind == NODE_FLOAT && n->kind == NODE_INT))
			return 0;
		return fail_at(b, n->place, "the tag does not fit the value");
	}
	return fail_at(b, n->place, "tags other than YAML's own are refused");
}

/* NULL after an error. */
static struct node *make_scalar(struct builder *b, const yaml_event_t *e)
{
	struct node *n = node_new(&b->set->arena, NODE_STRING, place_of(&e->start_mark));
	const char *tag = (const char *)e->data.scalar.tag;
	int r = 0;

	n->len = e->data.scalar.length;
	n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (n->len > DOC_MAX_SCALAR) {
		(void)fail_at(b, n->place, "the text is too long (1.5 MiB at most)");
		return NULL;
	}
	n->text = arena_strndup(&b->set->arena, (const char *)e->data.scalar.value, n->len);
	if (scalar_utf8_prefix(n->text, n->len) != n->len) {
		(void)fail_at(b, n->place, "the text holds a NUL or a lone surrogate");
		return NULL;
	}
	if (tag) {
		r = apply_tag(b, n, tag);
	} else if (!n->quoted) {
		scalar_resolve(n->text, n->len, &n->scalar);
		n->kind = kind_of(n->scalar.kind);
	}
	return r < 0 ? NULL : n;
}

static int on_scalar(struct builder *b, const yaml_event_t *e)
{
	const char *anchor = (const char *)e->data.scalar.anchor;
	struct frame *f = &b->stack[b->depth ? b->depth - 1 : 0];
	struct node *n = make_scalar(b, e);

	if (!n)
		return -b->err->code;
	if (anchor)
		anchor = arena_strndup(&b->set->arena, anchor, strlen(anchor));
	if (!is_key_due(b))
		return attach(b, n, anchor);
	if (anchor)
		add_anchor(b, anchor, n);
	f->key_is_merge = !n->quoted && !e->data.scalar.tag && strcmp(n->text, "<<") == 0;
	f->key = f->key_is_merge ? NULL : n->text;
	f->key_kind = n->kind;
	f->key_place = n->place;
	return 0;
}

static int on_alias(struct builder *b, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	struct doc_place place = place_of(&e->start_mark);

	if (is_key_due(b))
		return fail_at(b, place, "an alias cannot be a key");
	for (size_t i = b->n_anchors; i-- > 0;) {
		if (strcmp(b->anchors[i].name, name) == 0)
			return attach(b, b->anchors[i].node, NULL);
	}
	/* It is not repeated: a password that begins with a '*' looks like this. */
	return fail_at(b, place,
		       "an alias that has no anchor before it (a text that begins with '*' goes "
		       "into quotes)");
}

static int on_open(struct builder *b, const yaml_event_t *e, enum node_kind kind)
{
	bool is_map = kind == NODE_MAP;
	const yaml_char_t *tag = is_map ? e->data.mapping_start.tag : e->data.sequence_start.tag;
	const yaml_char_t *anchor =
		is_map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor;
	struct doc_place place = place_of(&e->start_mark);
	struct frame *f;

	if (is_key_due(b))
		return fail_at(b, place, "a key must be plain text");
	if (tag && strcmp((const char *)tag, "!") != 0 &&
	    strcmp((const char *)tag, is_map ? TAG_PREFIX "map" : TAG_PREFIX "seq") != 0)
		return fail_at(b, place, "tags other than YAML's own are refused");
	if (b->depth == DOC_MAX_DEPTH)
		return fail_at(b, place, "nested too deeply");
	f = &b->stack[b->depth++];
	memset(f, 0, sizeof(*f));
	f->node = node_new(&b->set->arena, kind, place);
	if (anchor)
		f->anchor = arena_strndup(&b->set->arena, (const char *)anchor,
					  strlen((const char *)anchor));
	return 0;
}

static int on_close(struct builder *b)
{
	struct frame f = b->stack[b->depth - 1];
	int r;

	if (f.node->kind == NODE_MAP) {
		r = finish_map(b, &f);
		if (r < 0)
			return r;
	}
	b->depth--;
	return attach(b, f.node, f.anchor);
}

static int on_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		b->n_anchors = 0;
		if (b->set->n == DOC_MAX_DOCUMENTS)
			return fail_at(b, place_of(&e->start_mark),
				       "too many documents (1024 at most)");
		return 0;
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_ALIAS_EVENT:
		return on_alias(b, e);
	case YAML_MAPPING_START_EVENT:
		return on_open(b, e, NODE_MAP);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, e, NODE_LIST);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return on_close(b);
	default:
		return 0;
	}
}

/* ---- the text as a whole --------------------------------------------------------------------- */

static struct doc_place place_at_offset(const char *text, size_t offset)
{
	struct doc_place p = { 1, 1 };

	for (size_t i = 0; i < offset; i++) {
		p.column++;
		if (text[i] == '\n')
			p = (struct doc_place){ p.line + 1, 1 };
	}
	return p;
}

/* The character at a place of the text, NUL when outside. */
static char char_at(const char *text, size_t len, struct doc_place p)
{
	size_t at = 0;

	for (int line = 1; line < p.line; line++) {
		const char *nl = memchr(text + at, '\n', len - at);

		if (!nl)
			return '\0';
		at = (size_t)(nl - text) + 1;
	}
	at += (size_t)(p.column - 1);
	if (at < len)
		return text[at];
	return '\0';
}

static int fail_syntax(struct builder *b, const yaml_parser_t *p, const char *text, size_t len)
{
	const char *problem = p->problem ? p->problem : "not YAML";

	if (p->error == YAML_READER_ERROR) {
		*b->where =
			place_at_offset(text, p->problem_offset < len ? p->problem_offset : len);
		return error_set(b->err, EINVAL, "%s", problem);
	}
	*b->where = place_of(&p->problem_mark);
	if (char_at(text, len, *b->where) == '\t')
		return error_set(b->err, EINVAL, "a tab cannot indent: use spaces");
	if (!p->context)
		return error_set(b->err, EINVAL, "%s%s", problem,
				 is_prefix(problem, "mapping values") ? ": check the indentation"
								      : "");
	return error_set(b->err, EINVAL, "%s %s that began in line %zu: check the indentation",
			 problem, p->context, p->context_mark.line + 1);
}

static int parse_yaml(struct builder *b, const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_event_t event;
	size_t events = 0;
	bool end = false;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return error_set(b->err, ENOMEM, "out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (r == 0 && !end) {
		if (!yaml_parser_parse(&parser, &event)) {
			r = fail_syntax(b, &parser, text, len);
			break;
		}
		r = on_event(b, &event);
		if (r == 0 && ++events > DOC_MAX_EVENTS)
			r = fail_at(b, place_of(&event.start_mark),
				    "too many elements in one file");
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return r;
}

static int check_text(const char *text, size_t len, struct doc_place *where, struct error *err)
{
	size_t good;

	*where = (struct doc_place){ 0 };
	if (len > DOC_MAX_BYTES)
		return error_set(err, EFBIG, "the file is larger than 4 MiB");
	good = scalar_utf8_prefix(text, len);
	if (good == len)
		return 0;
	*where = place_at_offset(text, good);
	if (!text[good])
		return error_set(err, EINVAL, "the file holds a NUL byte");
	return error_set(err, EINVAL, "the file is not text in UTF-8");
}

static bool is_json_like(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && strchr(" \t\r\n", text[at]))
		at++;
	return at < len && (text[at] == '{' || text[at] == '[');
}

int document_parse(const char *text, size_t len, struct doc_set *ret, struct doc_place *where,
		   struct error *err)
{
	struct builder *b;
	struct doc_place json_where = { 0 };
	struct error json_err = { 0 };
	int r, json = 0;

	memset(ret, 0, sizeof(*ret));
	r = check_text(text, len, where, err);
	if (r < 0)
		return r;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (is_json_like(text, len)) {
		json = document_parse_json(text, len, ret, &json_where, &json_err);
		if (json == 0)
			return 0;
		doc_set_done(ret);
	}
	b = xcalloc(1, sizeof(*b));
	b->set = ret;
	b->where = where;
	b->err = err;
	r = parse_yaml(b, text, len);
	free(b->anchors);
	free(b);
	if (r < 0 && json < 0) { /* neither: most likely meant as JSON */
		*where = json_where;
		*err = json_err;
	}
	return r;
}

void doc_set_done(struct doc_set *set)
{
	arena_done(&set->arena);
	free(set->v);
	memset(set, 0, sizeof(*set));
}
