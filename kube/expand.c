/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expand - "$(NAME)" in commands, arguments and environment values.
 *
 * Theory of operation: Kubernetes' rule, read left to right. "$$" is one dollar sign and begins
 * nothing; "$(" up to the next ")" is a reference; a "$(" that is never closed, and a "$" before
 * anything else, are text. A reference to a name that is not declared is left as it is written.
 * Which names are declared is known here, what they hold only at each launch: so the result is a
 * list of literal and variable parts, neighbouring literals joined, so that equal texts make equal
 * parts.
 *
 * Back: a dollar sign of a literal is doubled where it would otherwise be read as the beginning of
 * something: before "$" or "(", and at the end of a literal that a reference follows. A reference
 * to a name that is not declared stays as it is: `sh -c "echo $(date)"` comes back as it was.
 */
#include "kube/expand.h"

#include <string.h>

#define MAX_TEXT ((size_t)16 << 20)

static bool is_declared(const struct env_list *env, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(env->v[i].name, name, len) == 0 && !env->v[i].name[len])
			return true;
	}
	return false;
}

static void flush(struct value *ret, struct buf *literal)
{
	if (literal->len)
		value_add(ret, VALUE_LITERAL, literal->data, literal->len);
	buf_done(literal);
	*literal = BUF_INIT(MAX_TEXT);
}

void expand_text(const char *text, const struct env_list *env, size_t n_known, struct value *ret)
{
	struct buf literal = BUF_INIT(MAX_TEXT);
	const char *s = text;

	while (*s) {
		const char *close = s[0] == '$' && s[1] == '(' ? strchr(s + 2, ')') : NULL;

		if (s[0] == '$' && s[1] == '$') {
			buf_addc(&literal, '$');
			s += 2;
		} else if (close && is_declared(env, n_known, s + 2, (size_t)(close - s) - 2)) {
			flush(ret, &literal);
			value_add(ret, VALUE_VARIABLE, s + 2, (size_t)(close - s) - 2);
			s = close + 1;
		} else if (close) {
			buf_add(&literal, s, (size_t)(close - s) + 1);
			s = close + 1;
		} else {
			buf_addc(&literal, *s++);
		}
	}
	flush(ret, &literal);
	buf_done(&literal);
}

/* The length of a "$(name)" at s that would be left as it is, else 0. */
static size_t verbatim_reference(const char *s, const struct env_list *env, size_t n_known)
{
	const char *close = s[0] == '$' && s[1] == '(' ? strchr(s, ')') : NULL;

	if (!close || is_declared(env, n_known, s + 2, (size_t)(close - s) - 2))
		return 0;
	return (size_t)(close - s) + 1;
}

static void unsplit_literal(const char *s, bool more, const struct env_list *env, size_t n_known,
			    struct buf *out)
{
	while (*s) {
		size_t len = verbatim_reference(s, env, n_known);
		bool doubled = *s == '$' && (s[1] == '$' || s[1] == '(' || (!s[1] && more));

		if (len) {
			buf_add(out, s, len);
			s += len;
			continue;
		}
		if (doubled)
			buf_addc(out, '$');
		buf_addc(out, *s++);
	}
}

char *expand_unsplit(const struct value *value, const struct env_list *env, size_t n_known)
{
	struct buf out = BUF_INIT(MAX_TEXT);

	for (size_t i = 0; i < value->n; i++) {
		const struct value_part *p = &value->v[i];

		if (p->kind == VALUE_VARIABLE)
			buf_printf(&out, "$(%s)", p->text);
		else
			unsplit_literal(p->text, i + 1 < value->n, env, n_known, &out);
	}
	return buf_steal(&out);
}
