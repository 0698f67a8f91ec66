/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector - which objects a label selector means.
 *
 * Theory of operation: the text is read once from left to right into terms, each a key, an operator
 * and values; commas outside of brackets separate terms. Equality is a set of one. Keys and values
 * are held to the syntax of labels, so that a typing error is told and not just matches nothing.
 */
#include "kube/selector.h"

#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"
#include "kube/names.h"

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

static size_t word_length(const char *s)
{
	return strcspn(s, " \t,()=!");
}

static int bad(struct error *err, const char *text, const char *why)
{
	return error_set(err, EINVAL, "selector '%.200s': %s", text, why);
}

static int add_value(struct selector_term *t, const char *s, size_t len, const char *text,
		     struct error *err)
{
	char *value = xstrndup(s, len);
	const char *why = len ? name_bad_label_value(value) : NULL;

	strlist_take(&t->values, value);
	return why ? error_set(err, EINVAL, "selector '%.200s': value '%.100s' %s", text, value,
			       why)
		   : 0;
}

/* "(a, b)". */
static int parse_set(const char **at, struct selector_term *t, const char *text, struct error *err)
{
	const char *s = skip_blanks(*at);
	int r = 0;

	if (*s++ != '(')
		return bad(err, text, "'in' and 'notin' want a list in brackets");
	do {
		size_t len;

		s = skip_blanks(s);
		len = word_length(s);
		r = add_value(t, s, len, text, err);
		s = skip_blanks(s + len);
	} while (r == 0 && *s == ',' && s++);
	if (r == 0 && *s != ')')
		r = bad(err, text, "a list that does not end with ')'");
	s += r == 0;
	*at = s;
	return r;
}

static int parse_operator(const char **at, struct selector_term *t, const char *text,
			  struct error *err)
{
	const char *s = skip_blanks(*at);
	size_t word = word_length(s);
	bool in = word == 2 && memcmp(s, "in", 2) == 0;
	bool not_in = word == 5 && memcmp(s, "notin", 5) == 0;
	size_t len;
	int r;

	t->op = not_in || *s == '!' ? SELECT_NOT_IN : SELECT_IN;
	*at = s + word;
	if (in || not_in)
		return parse_set(at, t, text, err);
	if (word)
		return bad(err, text, "expected '=', '!=', 'in' or 'notin' behind a key");
	if (*s == '!' && s[1] != '=')
		return bad(err, text, "expected '!='");
	if (*s != '!' && *s != '=')
		return bad(err, text, "expected '=', '!=', 'in' or 'notin' behind a key");
	s += *s == '!' || s[1] == '=' ? 2 : 1;
	s = skip_blanks(s);
	len = word_length(s);
	r = add_value(t, s, len, text, err);
	*at = s + len;
	return r;
}

static int parse_term(const char **at, struct selector_term *t, const char *text, struct error *err)
{
	const char *s = skip_blanks(*at);
	bool absent = *s == '!';
	const char *why;
	size_t len;

	s = absent ? skip_blanks(s + 1) : s;
	len = word_length(s);
	t->key = xstrndup(s, len);
	why = len ? name_bad_qualified(t->key) : "is missing";
	if (why)
		return error_set(err, EINVAL, "selector '%.200s': key '%.100s' %s", text, t->key,
				 why);
	*at = skip_blanks(s + len);
	t->op = absent ? SELECT_ABSENT : SELECT_EXISTS;
	if (absent || !**at || **at == ',')
		return 0;
	return parse_operator(at, t, text, err);
}

int selector_parse(const char *text, struct selector *ret, struct error *err)
{
	const char *s = text;
	int r = 0;

	*ret = (struct selector){ 0 };
	if (is_empty(text))
		return 0;
	do {
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n] = (struct selector_term){ 0 };
		r = parse_term(&s, &ret->v[ret->n++], text, err);
		s = skip_blanks(s);
	} while (r == 0 && *s == ',' && s++);
	if (r == 0 && *s)
		r = bad(err, text, "something behind a term that is not ','");
	if (r < 0)
		selector_done(ret);
	return r;
}

static bool is_term_held(const struct selector_term *t, const struct pairlist *labels)
{
	const char *value = pairlist_get(labels, t->key);

	switch (t->op) {
	case SELECT_IN:
		return value && strlist_has(&t->values, value);
	case SELECT_NOT_IN:
		return !value || !strlist_has(&t->values, value);
	case SELECT_EXISTS:
		return value != NULL;
	case SELECT_ABSENT:
		return !value;
	}
	return false;
}

bool is_selected(const struct selector *s, const struct pairlist *labels)
{
	for (size_t i = 0; i < s->n; i++)
		if (!is_term_held(&s->v[i], labels))
			return false;
	return true;
}

void selector_done(struct selector *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].key);
		strlist_done(&s->v[i].values);
	}
	free(s->v);
	*s = (struct selector){ 0 };
}
