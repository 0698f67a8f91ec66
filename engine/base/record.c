/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - one walker a verb over the field tables of engine records.
 *
 * Theory of operation: a table names each member's kind and offset; the verbs (dump, load, free,
 * copy, compare) differ only in what they do with a member. Recursion depth is the depth of the
 * tables, not of the input. Copy goes through JSON: records are small, and one path is one truth.
 *
 * Words and paths of Linux are bytes, JSON is text: a string that is not UTF-8 is written as
 * {"hex": "..."}, so that no argument of an exec and no file name is lost or changed.
 */
#include "engine/base/record.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"

static void *member(const void *obj, const struct record_field *f)
{
	return (char *)(uintptr_t)obj + f->offset;
}

static char *get_ptr(const void *m)
{
	char *p;

	memcpy(&p, m, sizeof(p));
	return p;
}

static struct record_list get_list(const void *m)
{
	struct record_list l;

	memcpy(&l, m, sizeof(l));
	return l;
}

/* ---- dump ------------------------------------------------------------------------------- */

static json_t *dump_string(const char *s)
{
	json_t *j = json_string(s);

	if (!j) {
		size_t n = strlen(s);
		cleanup_free char *hex = xmalloc(2 * n + 1);

		hex_encode(hex, s, n);
		j = json_pack("{s:s}", "hex", hex);
	}
	return j;
}

static json_t *dump_strlist(const struct strlist *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(a, dump_string(l->v[i]));
	return a;
}

static json_t *dump_pairs(const struct pairlist *l)
{
	json_t *o = json_object();

	for (size_t i = 0; i < l->n; i++)
		json_object_set_new(o, l->v[i].key, dump_string(l->v[i].value));
	return o;
}

static json_t *dump_list(const struct record_field *f, const void *m)
{
	struct record_list l = get_list(m);
	json_t *a = json_array();

	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(a, record_dump(f->sub, (char *)l.v + i * f->sub->size));
	return a;
}

/* NULL when the member has its default. */
static json_t *dump_field(const struct record_field *f, const void *m)
{
	json_t *j = NULL;

	switch (f->kind) {
	case RECORD_STRING:
		return get_ptr(m) ? dump_string(get_ptr(m)) : NULL;
	case RECORD_BOOL:
		return *(const bool *)m ? json_true() : NULL;
	case RECORD_I64:
		return *(const int64_t *)m ? json_integer(*(const int64_t *)m) : NULL;
	case RECORD_U32:
		return *(const uint32_t *)m ? json_integer(*(const uint32_t *)m) : NULL;
	case RECORD_U16:
		return *(const uint16_t *)m ? json_integer(*(const uint16_t *)m) : NULL;
	case RECORD_ENUM:
		return *(const int *)m ? json_string(f->names[*(const int *)m]) : NULL;
	case RECORD_STRLIST:
		return ((const struct strlist *)m)->n ? dump_strlist(m) : NULL;
	case RECORD_PAIRS:
		return ((const struct pairlist *)m)->n ? dump_pairs(m) : NULL;
	case RECORD_LIST:
		return get_list(m).n ? dump_list(f, m) : NULL;
	case RECORD_OBJECT:
		j = record_dump(f->sub, m);
		if (json_object_size(j) == 0) {
			json_decref(j);
			j = NULL;
		}
		return j;
	}
	return NULL;
}

json_t *record_dump(const struct record_type *t, const void *obj)
{
	json_t *o = json_object();

	for (const struct record_field *f = t->fields; f->name; f++) {
		json_t *j = dump_field(f, member(obj, f));

		if (j)
			json_object_set_new(o, f->name, j);
	}
	return o;
}

/* ---- load ------------------------------------------------------------------------------- */

/* Where in the input a wrong member is: filled from the inside out while the loaders return. */
#define WHERE_MAX 256
struct where {
	char text[WHERE_MAX];
};

static void where_prepend(struct where *w, const char *name, size_t index, bool is_list)
{
	char inner[WHERE_MAX], number[24] = "";

	memcpy(inner, w->text, sizeof(inner));
	if (is_list)
		(void)snprintf(number, sizeof(number), "[%zu]", index);
	(void)snprintf(w->text, sizeof(w->text), "%.100s%s%s%.120s", name, number,
		       *inner ? "." : "", inner);
}

static int load_members(const struct record_type *t, const json_t *j, void *obj, struct where *w);

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* The caller's, or NULL when it is no string of ours. */
static char *load_string(const json_t *j)
{
	const char *hex =
		json_object_size(j) == 1 ? json_string_value(json_object_get(j, "hex")) : NULL;
	char *s;

	if (json_is_string(j))
		return xstrdup(json_string_value(j));
	if (!hex || strlen(hex) % 2)
		return NULL;
	s = xmalloc(strlen(hex) / 2 + 1);
	for (size_t i = 0; hex[i]; i += 2) {
		int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);

		if (high < 0 || low < 0 || high + low == 0) {
			free(s);
			return NULL;
		}
		s[i / 2] = (char)(high << 4 | low);
	}
	s[strlen(hex) / 2] = '\0';
	return s;
}

static int load_strlist(const json_t *j, struct strlist *l)
{
	size_t i;
	json_t *e;

	if (!json_is_array(j))
		return -EBADMSG;
	json_array_foreach (j, i, e) {
		char *s = load_string(e);

		if (!s)
			return -EBADMSG;
		strlist_take(l, s);
	}
	return 0;
}

static int load_pairs(const json_t *j, struct pairlist *l)
{
	const char *key;
	json_t *e;

	if (!json_is_object(j))
		return -EBADMSG;
	l->v = xcalloc(json_object_size(j), sizeof(*l->v));
	json_object_foreach ((json_t *)(uintptr_t)j, key, e) {
		char *s = load_string(e);

		if (!s)
			return -EBADMSG;
		l->v[l->n].key = xstrdup(key);
		l->v[l->n].value = s;
		l->n++;
	}
	return 0;
}

/* What was loaded before a wrong element stays in the list, for its owner to free. */
static int load_list(const struct record_field *f, const json_t *j, void *m, size_t *ret_bad,
		     struct where *w)
{
	struct record_list l = { NULL, 0 };
	int r = 0;

	if (!json_is_array(j))
		return -EBADMSG;
	l.v = xcalloc(json_array_size(j), f->sub->size);
	while (r == 0 && l.n < json_array_size(j)) {
		*ret_bad = l.n;
		r = load_members(f->sub, json_array_get(j, l.n), (char *)l.v + l.n * f->sub->size,
				 w);
		l.n++;
	}
	memcpy(m, &l, sizeof(l));
	return r;
}

static int load_integer(const struct record_field *f, const json_t *j, void *m)
{
	json_int_t n = json_integer_value(j);

	if (!json_is_integer(j))
		return -EBADMSG;
	if (f->kind == RECORD_I64)
		*(int64_t *)m = n;
	else if (f->kind == RECORD_U32 && n >= 0 && n <= UINT32_MAX)
		*(uint32_t *)m = (uint32_t)n;
	else if (f->kind == RECORD_U16 && n >= 0 && n <= UINT16_MAX)
		*(uint16_t *)m = (uint16_t)n;
	else
		return -EBADMSG;
	return 0;
}

static int load_enum(const struct record_field *f, const json_t *j, void *m)
{
	for (int i = 0; json_is_string(j) && f->names[i]; i++) {
		if (strcmp(f->names[i], json_string_value(j)) == 0) {
			*(int *)m = i;
			return 0;
		}
	}
	return -EBADMSG;
}

static int load_field(const struct record_field *f, const json_t *j, void *m, size_t *ret_bad,
		      struct where *w)
{
	char *s;

	switch (f->kind) {
	case RECORD_STRING:
		s = load_string(j);
		memcpy(m, &s, sizeof(s));
		return s ? 0 : -EBADMSG;
	case RECORD_BOOL:
		*(bool *)m = json_is_true(j);
		return json_is_boolean(j) ? 0 : -EBADMSG;
	case RECORD_I64:
	case RECORD_U32:
	case RECORD_U16:
		return load_integer(f, j, m);
	case RECORD_ENUM:
		return load_enum(f, j, m);
	case RECORD_STRLIST:
		return load_strlist(j, m);
	case RECORD_PAIRS:
		return load_pairs(j, m);
	case RECORD_OBJECT:
		return load_members(f->sub, j, m, w);
	case RECORD_LIST:
		return load_list(f, j, m, ret_bad, w);
	}
	return -EBADMSG;
}

/* On failure *obj is freed and zeroed, and *w names the member. */
static int load_members(const struct record_type *t, const json_t *j, void *obj, struct where *w)
{
	memset(obj, 0, t->size);
	if (!json_is_object(j))
		return -EBADMSG;
	for (const struct record_field *f = t->fields; f->name; f++) {
		const json_t *m = json_object_get(j, f->name);
		size_t bad = 0;
		int r = m ? load_field(f, m, member(obj, f), &bad, w) : 0;

		if (r < 0) {
			where_prepend(w, f->name, bad, f->kind == RECORD_LIST && json_is_array(m));
			record_done(t, obj);
			return r;
		}
	}
	return 0;
}

int record_load(const struct record_type *t, const json_t *j, void *obj, struct error *err)
{
	struct where w = { "" };
	int r = load_members(t, j, obj, &w);

	if (r == 0)
		return 0;
	if (!*w.text)
		return error_set(err, EBADMSG, "record '%s' is not an object", t->name);
	return error_set(err, EBADMSG, "record '%s': member '%s' has a wrong value", t->name,
			 w.text);
}

/* ---- free, copy, compare ---------------------------------------------------------------- */

static void done_field(const struct record_field *f, void *m)
{
	struct record_list l;

	switch (f->kind) {
	case RECORD_STRING:
		free(get_ptr(m));
		break;
	case RECORD_STRLIST:
		strlist_done(m);
		break;
	case RECORD_PAIRS:
		pairlist_done(m);
		break;
	case RECORD_OBJECT:
		record_done(f->sub, m);
		break;
	case RECORD_LIST:
		l = get_list(m);
		for (size_t i = 0; i < l.n; i++)
			record_done(f->sub, (char *)l.v + i * f->sub->size);
		free(l.v);
		break;
	case RECORD_BOOL:
	case RECORD_I64:
	case RECORD_U32:
	case RECORD_U16:
	case RECORD_ENUM:
		break;
	}
}

void record_done(const struct record_type *t, void *obj)
{
	for (const struct record_field *f = t->fields; f->name; f++)
		done_field(f, member(obj, f));
	memset(obj, 0, t->size);
}

void record_copy(const struct record_type *t, void *dst, const void *src)
{
	json_t *j = record_dump(t, src);
	struct error err;

	if (record_load(t, j, dst, &err) < 0)
		abort(); /* what was dumped by a table loads by it */
	json_decref(j);
}

static bool is_same_field(const struct record_field *f, const void *a, const void *b,
			  char **ret_path)
{
	struct record_list la, lb;
	bool same = true;
	json_t *ja, *jb;

	if (f->kind == RECORD_OBJECT)
		return record_equal(f->sub, a, b, ret_path);
	if (f->kind == RECORD_LIST) {
		la = get_list(a);
		lb = get_list(b);
		same = la.n == lb.n;
		for (size_t i = 0; same && i < la.n; i++)
			same = record_equal(f->sub, (char *)la.v + i * f->sub->size,
					    (char *)lb.v + i * f->sub->size, ret_path);
		return same;
	}
	ja = dump_field(f, a);
	jb = dump_field(f, b);
	same = ja == jb || (ja && jb && json_equal(ja, jb));
	json_decref(ja);
	json_decref(jb);
	return same;
}

bool record_equal(const struct record_type *t, const void *a, const void *b, char **ret_path)
{
	for (const struct record_field *f = t->fields; f->name; f++) {
		char *inner = NULL;

		if (f->ephemeral || is_same_field(f, member(a, f), member(b, f), &inner))
			continue;
		if (ret_path)
			*ret_path = inner ? xasprintf("%s.%s", f->name, inner) : xstrdup(f->name);
		free(inner);
		return false;
	}
	return true;
}

void record_merge_unknown(const struct record_type *t, json_t *j, const json_t *old)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)old, key, value) {
		const struct record_field *f = t->fields;

		while (f->name && strcmp(f->name, key) != 0)
			f++;
		if (!f->name)
			json_object_set(j, key, value);
	}
}
