/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_flat - the fast way to read a small record, without a JSON tree.
 *
 * Theory of operation: `ps` reads one state record a container, and building a tree for each was
 * most of its time; so it was with the index of 500 images. A record of plain strings, whole
 * numbers, booleans, lists of strings and lists of such records, each key known and given once, is
 * read here in one pass over its bytes, straight into the struct.
 * Everything else (an escape, a byte outside of printable ASCII, other nesting, an unknown or
 * repeated key, a wrong kind) is not judged: -ENOTSUP, and the caller reads the record the general
 * way, which knows all of JSON and has the messages. So there is one judge of what a record means.
 *
 * Keys are written in the order of the table: the search starts after the last key found.
 *
 * Limits: a table of at most FIELDS_MAX fields.
 */
#include "engine/base/record.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"

#define FIELDS_MAX 64

struct cursor {
	const char *at;
	const char *end;
};

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->end &&
	       (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
		c->at++;
}

static bool take_sign(struct cursor *c, char sign)
{
	skip_blanks(c);
	if (c->at >= c->end || *c->at != sign)
		return false;
	c->at++;
	return true;
}

static bool take_word(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
		return false;
	c->at += len;
	return true;
}

/* A plain string. *ret points at its first byte. */
static bool take_string(struct cursor *c, const char **ret, size_t *ret_len)
{
	if (!take_sign(c, '"'))
		return false;
	*ret = c->at;
	for (; c->at < c->end; c->at++) {
		if (*c->at == '"') {
			*ret_len = (size_t)(c->at++ - *ret);
			return true;
		}
		if (*c->at == '\\' || *c->at < 0x20 || *c->at > 0x7e)
			return false;
	}
	return false;
}

static bool take_integer(struct cursor *c, int64_t *ret)
{
	bool negative;
	const char *first;
	int64_t n = 0;

	skip_blanks(c);
	negative = c->at < c->end && *c->at == '-';
	c->at += negative;
	for (first = c->at; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *c->at - '0', &n))
			return false;
	*ret = negative ? -n : n;
	/* "01" and "-" are no JSON; "1.5" and "1e3" end at a byte that nothing here expects. */
	return c->at > first && (*first != '0' || c->at == first + 1);
}

static bool take_number(struct cursor *c, const struct record_field *f, void *m)
{
	int64_t n;

	if (!take_integer(c, &n))
		return false;
	if (f->kind == RECORD_I64)
		*(int64_t *)m = n;
	else if (f->kind == RECORD_U32 && n >= 0 && n <= UINT32_MAX)
		*(uint32_t *)m = (uint32_t)n;
	else if (f->kind == RECORD_U16 && n >= 0 && n <= UINT16_MAX)
		*(uint16_t *)m = (uint16_t)n;
	else
		return false;
	return true;
}

static bool take_enum(struct cursor *c, const struct record_field *f, void *m)
{
	const char *s;
	size_t len;

	if (!take_string(c, &s, &len))
		return false;
	for (int i = 0; f->names[i]; i++) {
		if (strlen(f->names[i]) == len && memcmp(f->names[i], s, len) == 0) {
			*(int *)m = i;
			return true;
		}
	}
	return false;
}

static bool take_object(struct cursor *c, const struct record_type *t, void *obj);

/* Room for one more behind n elements: grown when n is a power of two. */
static void *grow(void *v, size_t n, size_t size)
{
	return n & (n - 1) ? v : xreallocarray(v, n ? 2 * n : 2, size);
}

static bool take_strings(struct cursor *c, struct strlist *l)
{
	if (!take_sign(c, '['))
		return false;
	if (take_sign(c, ']'))
		return true;
	do {
		const char *s;
		size_t len;

		if (!take_string(c, &s, &len))
			return false;
		l->v = grow(l->v, l->n + 1, sizeof(*l->v)); /* and the NULL */
		l->v[l->n++] = xstrndup(s, len);
		l->v[l->n] = NULL;
	} while (take_sign(c, ','));
	return take_sign(c, ']');
}

/* What was begun is in the list, for record_done() to free. */
static bool take_list(struct cursor *c, const struct record_type *t, void *m)
{
	struct record_list l = { .v = NULL };
	bool ok = take_sign(c, '[');

	if (!ok || take_sign(c, ']'))
		return ok;
	do {
		char *element;

		l.v = grow(l.v, l.n, t->size);
		element = (char *)l.v + l.n++ * t->size;
		memset(element, 0, t->size);
		memcpy(m, &l, sizeof(l));
		ok = take_object(c, t, element);
	} while (ok && take_sign(c, ','));
	return ok && take_sign(c, ']');
}

static bool take_value(struct cursor *c, const struct record_field *f, void *m)
{
	const char *s;
	size_t len;

	switch (f->kind) {
	case RECORD_STRING:
		if (!take_string(c, &s, &len))
			return false;
		*(char **)m = xstrndup(s, len);
		return true;
	case RECORD_BOOL:
		skip_blanks(c);
		*(bool *)m = take_word(c, "true");
		return *(bool *)m || take_word(c, "false");
	case RECORD_I64:
	case RECORD_U32:
	case RECORD_U16:
		return take_number(c, f, m);
	case RECORD_ENUM:
		return take_enum(c, f, m);
	case RECORD_STRLIST:
		return take_strings(c, m);
	case RECORD_LIST:
		return take_list(c, f->sub, m);
	default:
		return false;
	}
}

/* The index of the field, searched from a place on and round; -1 when there is none. */
static int find_field(const struct record_type *t, int n, int from, const char *key, size_t len)
{
	for (int i = 0; i < n; i++) {
		int k = (from + i) % n;

		if (strncmp(t->fields[k].name, key, len) == 0 && !t->fields[k].name[len])
			return k;
	}
	return -1;
}

static bool take_object(struct cursor *c, const struct record_type *t, void *obj)
{
	uint64_t seen = 0;
	int next = 0, n = 0;

	while (t->fields[n].name)
		n++;
	assert(n > 0 && n <= FIELDS_MAX);
	if (!take_sign(c, '{'))
		return false;
	if (take_sign(c, '}'))
		return true;
	do {
		const char *key;
		size_t len;
		int k;

		if (!take_string(c, &key, &len) || !take_sign(c, ':'))
			return false;
		k = find_field(t, n, next, key, len);
		if (k < 0 || (seen & (UINT64_C(1) << k)) ||
		    !take_value(c, &t->fields[k], (char *)obj + t->fields[k].offset))
			return false;
		seen |= UINT64_C(1) << k;
		next = k + 1;
	} while (take_sign(c, ','));
	return take_sign(c, '}');
}

int record_load_flat(const struct record_type *t, const char *text, size_t len, void *obj)
{
	struct cursor c = { text, text + len };

	memset(obj, 0, t->size);
	if (take_object(&c, t, obj)) {
		skip_blanks(&c);
		if (c.at == c.end)
			return 0;
	}
	record_done(t, obj);
	return -ENOTSUP;
}
