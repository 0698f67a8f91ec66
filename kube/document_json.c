/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document_json - the JSON half of document.c.
 *
 * Theory of operation: libyaml reads most JSON but not all of it (surrogate pairs in escapes), so
 * JSON goes to jansson, which is strict: duplicates, U+0000, numbers above 2^63-1 and bad escapes
 * are its errors. jansson tells no places, so once it has accepted the text a small scanner walks
 * the text in step with the parsed tree (jansson keeps the order of members) and takes places and
 * the spelling of numbers from there. It can be simple, since the text is known to be good.
 *
 * Before jansson sees anything, depth and number of elements are counted on the raw text; so its
 * recursion and memory are bounded by DOC_MAX_DEPTH and DOC_MAX_EVENTS.
 *
 * Several values one after the other are several documents, as kubectl reads them.
 */
#include "kube/document.h"

#include <jansson.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

struct scanner {
	const char *text;
	size_t len;
	size_t at;
	int line;
	size_t line_start;
	struct doc_set *set;
	struct doc_place *where;
	struct error *err;
};

static struct doc_place here(const struct scanner *s)
{
	return (struct doc_place){ s->line, (int)(s->at - s->line_start) + 1 };
}

static void skip_space(struct scanner *s)
{
	for (; s->at < s->len && strchr(" \t\r\n", s->text[s->at]); s->at++) {
		if (s->text[s->at] == '\n') {
			s->line++;
			s->line_start = s->at + 1;
		}
	}
}

static void skip_string(struct scanner *s)
{
	for (s->at++; s->at < s->len && s->text[s->at] != '"'; s->at++) {
		if (s->text[s->at] == '\\')
			s->at++;
	}
	s->at++;
}

/* Space, one mark of punctuation, space. */
static void skip_mark(struct scanner *s)
{
	skip_space(s);
	s->at++;
	skip_space(s);
}

static int check_limits(struct scanner *s)
{
	size_t depth = 0, elements = 0;
	struct scanner scan = *s;

	for (; scan.at < scan.len; scan.at++) {
		char c;

		skip_space(&scan);
		if (scan.at >= scan.len)
			break;
		c = scan.text[scan.at];
		if (c == '"') {
			skip_string(&scan);
			scan.at--;
		}
		elements += strchr("{[,:", c) != NULL;
		depth += c == '{' || c == '[';
		depth -= depth && (c == '}' || c == ']');
		if (depth > DOC_MAX_DEPTH || elements > DOC_MAX_EVENTS) {
			*s->where = here(&scan);
			return error_set(s->err, EINVAL, "%s",
					 depth > DOC_MAX_DEPTH ? "nested too deeply"
							       : "too many elements in one file");
		}
	}
	return 0;
}

static struct node *take_scalar(struct scanner *s, const json_t *j, struct node *n)
{
	size_t start = s->at;

	if (json_is_string(j)) {
		n->kind = NODE_STRING;
		n->quoted = true;
		n->len = json_string_length(j);
		n->text = arena_strndup(&s->set->arena, json_string_value(j), n->len);
		skip_string(s);
		return n;
	}
	while (s->at < s->len && !strchr(" \t\r\n,]}", s->text[s->at]))
		s->at++;
	n->len = s->at - start;
	n->text = arena_strndup(&s->set->arena, s->text + start, n->len);
	scalar_resolve(n->text, n->len, &n->scalar);
	n->kind = json_is_null(j)      ? NODE_NULL
		  : json_is_boolean(j) ? NODE_BOOL
		  : json_is_integer(j) ? NODE_INT
				       : NODE_FLOAT;
	if (n->kind == NODE_INT)
		n->scalar.integer = json_integer_value(j);
	return n;
}

static struct node *take_value(struct scanner *s, const json_t *j);

static void take_members(struct scanner *s, json_t *j, struct node *map)
{
	const char *key;
	json_t *value;

	json_object_foreach (j, key, value) {
		struct node_entry *e;
		struct doc_place place;

		skip_mark(s); /* the brace or a comma */
		place = here(s);
		skip_string(s);
		skip_mark(s); /* the colon */
		e = node_map_add(&s->set->arena, map,
				 arena_strndup(&s->set->arena, key, strlen(key)),
				 take_value(s, value));
		e->place = place;
	}
}

/* Stands at the first character of a value; leaves behind its last. */
static struct node *take_value(struct scanner *s, const json_t *j)
{
	struct node *n = node_new(&s->set->arena, NODE_NULL, here(s));
	json_t *item;
	size_t i;

	if (json_is_object(j)) {
		n->kind = NODE_MAP;
		take_members(s, (json_t *)(uintptr_t)j, n);
	} else if (json_is_array(j)) {
		n->kind = NODE_LIST;
		json_array_foreach (j, i, item) {
			skip_mark(s);
			node_list_add(&s->set->arena, n, take_value(s, item));
		}
	} else {
		return take_scalar(s, j, n);
	}
	if (!n->n)
		s->at++;
	skip_space(s);
	s->at++;
	return n;
}

/* jansson quotes the text where it stopped, which may be a Secret's: the place says as much. */
static void forget_quote(char *text)
{
	char *quote = strstr(text, " near '");

	if (quote && !WEAKEN("ENV-4"))
		*quote = '\0';
}

static int parse_one(struct scanner *s)
{
	cleanup_json json_t *j = NULL;
	json_error_t je;

	j = json_loadb(s->text + s->at, s->len - s->at,
		       JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &je);
	if (!j) {
		*s->where =
			(struct doc_place){ s->line + je.line - 1, je.column > 0 ? je.column : 1 };
		forget_quote(je.text);
		return error_set(s->err, EBADMSG, "not JSON: %.200s", je.text);
	}
	if (s->set->n == DOC_MAX_DOCUMENTS) {
		*s->where = here(s);
		return error_set(s->err, EINVAL, "too many documents (1024 at most)");
	}
	s->set->v = xreallocarray(s->set->v, s->set->n + 1, sizeof(struct node *));
	s->set->v[s->set->n++] = take_value(s, j);
	return 0;
}

int document_parse_json(const char *text, size_t len, struct doc_set *ret, struct doc_place *where,
			struct error *err)
{
	struct scanner s = {
		.text = text, .len = len, .line = 1, .set = ret, .where = where, .err = err
	};
	int r = check_limits(&s);

	if (r < 0)
		return r;
	for (skip_space(&s); r == 0 && s.at < s.len; skip_space(&s))
		r = parse_one(&s);
	return r;
}
