/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expand - "$(NAME)" in commands, arguments and environment values.
 *
 * Theory of operation: Kubernetes' rule, read left to right. "$$" is one dollar sign and begins
 * nothing; "$(" up to the next ")" is a reference; a "$(" that is never closed, and a "$" before
 * anything else, are text. Which names exist, and what they hold, is known only at each launch
 * (envFrom takes them from objects): so the result is a list of literal and variable parts,
 * neighbouring literals joined, so that equal texts make equal parts. A reference to a name that
 * does not exist then stays as it is written.
 *
 * Back: a dollar sign of a literal is doubled where it would otherwise be read as the beginning of
 * something: before "$" or "(", and at the end of a literal that a reference follows.
 *
 * Commands of probes are another matter: Kubernetes puts the values of the manifest into them, as
 * they are written there (a value from elsewhere is empty), without looking at what they refer to.
 */
#include "kube/expand.h"

#include <string.h>

#define MAX_TEXT ((size_t)16 << 20)

static void flush(struct value *ret, struct buf *literal)
{
	if (literal->len)
		value_add(ret, VALUE_LITERAL, literal->data, literal->len);
	buf_done(literal);
	*literal = BUF_INIT(MAX_TEXT);
}

void expand_text(const char *text, struct value *ret)
{
	struct buf literal = BUF_INIT(MAX_TEXT);
	const char *s = text;

	while (*s) {
		const char *close = s[0] == '$' && s[1] == '(' ? strchr(s + 2, ')') : NULL;

		if (s[0] == '$' && s[1] == '$') {
			buf_addc(&literal, '$');
			s += 2;
		} else if (close) {
			flush(ret, &literal);
			value_add(ret, VALUE_VARIABLE, s + 2, (size_t)(close - s) - 2);
			s = close + 1;
		} else {
			buf_addc(&literal, *s++);
		}
	}
	flush(ret, &literal);
	buf_done(&literal);
}

static void escape(const char *s, bool more, struct buf *out)
{
	for (; *s; s++) {
		if (*s == '$' && (s[1] == '$' || s[1] == '(' || (!s[1] && more)))
			buf_addc(out, '$');
		buf_addc(out, *s);
	}
}

char *expand_unsplit(const struct value *value)
{
	struct buf out = BUF_INIT(MAX_TEXT);

	for (size_t i = 0; i < value->n; i++) {
		const struct value_part *p = &value->v[i];

		if (p->kind == VALUE_VARIABLE)
			buf_printf(&out, "$(%s)", p->text);
		else
			escape(p->text, i + 1 < value->n, &out);
	}
	return buf_steal(&out);
}

char *expand_static(const char *text, const struct pairlist *vars)
{
	struct value v = { 0 };
	char *ret;

	expand_text(text, &v);
	ret = value_resolve(&v, vars);
	for (size_t i = 0; i < v.n; i++)
		free(v.v[i].text);
	free(v.v);
	return ret;
}

char *expand_escape(const char *text)
{
	struct buf out = BUF_INIT(MAX_TEXT);

	escape(text, false, &out);
	return buf_steal(&out);
}
