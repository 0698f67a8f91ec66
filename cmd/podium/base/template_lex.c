/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_lex - splits a template into text and the tokens of its actions.
 *
 * Theory of operation: outside of "{{" everything is text; a "{{- " or " -}}" takes the white space
 * on its outer side away, and a comment is an action with nothing in it. Inside an action, tokens
 * are separated by white space only where they must be; ".Name" is a token of its own, and whether
 * space stood before it (glued) tells a chain ($x.Name) from a new argument ($x .Name). Literals
 * are turned into JSON values here, so that the evaluator knows one kind of value.
 *
 * Limits: TEMPLATE_MAX_BYTES of source; strings must become valid UTF-8 without NUL, because that
 * is what JSON strings are.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cmd/podium/base/internal.h"
#include "engine/base/mem.h"

struct lexer {
	const char *at;
	int line;
	struct token_list *out;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static struct token *add(struct lexer *l, enum token_kind kind, const char *text, size_t len)
{
	struct token_list *list = l->out;
	struct token *t;

	list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
	t = &list->v[list->n++];
	*t = (struct token){ .kind = kind, .line = l->line };
	if (text)
		t->text = xstrndup(text, len);
	return t;
}

static int fail(const struct lexer *l, struct error *err, const char *what)
{
	return error_set(err, EINVAL, "template: line %d: %s", l->line, what);
}

static void count_lines(struct lexer *l, const char *from, const char *to)
{
	for (; from < to; from++)
		if (*from == '\n')
			l->line++;
}

/* One escape of a quoted literal, at the byte after the backslash; advances *p past it. */
static int lex_escape(const struct lexer *l, const char **p, struct buf *b, struct error *err)
{
	static const char names[] = "abfnrtv\\\"'";
	static const char values[] = "\a\b\f\n\r\t\v\\\"'";
	const char *name = **p ? strchr(names, **p) : NULL;
	size_t digits = **p == 'x' ? 2 : **p == 'u' ? 4 : **p == 'U' ? 8 : 0;
	uint32_t cp = 0;

	if (name) {
		buf_addc(b, values[name - names]);
		(*p)++;
		return 0;
	}
	if (!digits)
		return fail(l, err, "unknown escape in a quoted string");
	for ((*p)++; digits > 0; digits--, (*p)++) {
		if (!isxdigit((unsigned char)**p))
			return fail(l, err, "bad digit of an escape in a quoted string");
		cp = cp * 16 + (uint32_t)(isdigit((unsigned char)**p)
						  ? **p - '0'
						  : (tolower((unsigned char)**p) - 'a' + 10));
	}
	if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return fail(l, err, "an escape that is no character");
	if (cp < 0x80) {
		buf_addc(b, (char)cp);
	} else if (cp < 0x800) {
		buf_addc(b, (char)(0xc0 | cp >> 6));
		buf_addc(b, (char)(0x80 | (cp & 0x3f)));
	} else {
		if (cp < 0x10000) {
			buf_addc(b, (char)(0xe0 | cp >> 12));
		} else {
			buf_addc(b, (char)(0xf0 | cp >> 18));
			buf_addc(b, (char)(0x80 | ((cp >> 12) & 0x3f)));
		}
		buf_addc(b, (char)(0x80 | ((cp >> 6) & 0x3f)));
		buf_addc(b, (char)(0x80 | (cp & 0x3f)));
	}
	return 0;
}

static int add_string(struct lexer *l, const char *text, struct error *err)
{
	json_t *j = json_string(text);

	if (!j)
		return fail(l, err, "a string that is not UTF-8");
	add(l, TOKEN_CONST, NULL, 0)->value = j;
	return 0;
}

/* "text" or 'c' (a number, as in Go). */
static int lex_quoted(struct lexer *l, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT(TEMPLATE_MAX_BYTES);
	char quote = *l->at++;

	while (*l->at != quote) {
		if (!*l->at || *l->at == '\n')
			return fail(l, err, "a quoted string without end");
		if (*l->at == '\\') {
			int r;

			l->at++;
			r = lex_escape(l, &l->at, &b, err);
			if (r < 0)
				return r;
		} else {
			buf_addc(&b, *l->at++);
		}
	}
	l->at++;
	if (quote == '\'') {
		if (b.len != 1)
			return fail(l, err, "a character constant must be one ASCII character");
		add(l, TOKEN_CONST, NULL, 0)->value = json_integer((unsigned char)b.data[0]);
		return 0;
	}
	return add_string(l, b.data ? b.data : "", err);
}

static int lex_raw(struct lexer *l, struct error *err)
{
	const char *end = strchr(l->at + 1, '`');
	cleanup_free char *text = NULL;
	int r;

	if (!end)
		return fail(l, err, "a raw string without end");
	text = xstrndup(l->at + 1, (size_t)(end - l->at - 1));
	r = add_string(l, text, err);
	count_lines(l, l->at, end);
	l->at = end + 1;
	return r;
}

/* Decimal and hexadecimal integers, decimal fractions. */
static int lex_number(struct lexer *l, struct error *err)
{
	size_t n = *l->at == '-' || *l->at == '+';
	cleanup_free char *text = NULL;
	const char *digits;
	bool negative = *l->at == '-';
	json_t *j = NULL;
	uint64_t u = 0;
	char *end;

	while (isalnum((unsigned char)l->at[n]) || l->at[n] == '.' ||
	       ((l->at[n] == '-' || l->at[n] == '+') && strchr("eE", l->at[n - 1])))
		n++;
	text = xstrndup(l->at, n);
	digits = text + (*text == '-' || *text == '+');
	if (is_prefix(digits, "0x") && digits[2] && strlen(digits) <= 17 &&
	    strspn(digits + 2, "0123456789abcdefABCDEF") == strlen(digits + 2)) {
		for (const char *p = digits + 2; *p; p++)
			u = u * 16 + (uint64_t)(isdigit((unsigned char)*p)
							? *p - '0'
							: (tolower((unsigned char)*p) - 'a' + 10));
		j = json_integer(negative ? -(json_int_t)u : (json_int_t)u);
	} else if (parse_u64(digits, INT64_MAX, &u) == 0) {
		j = json_integer(negative ? -(json_int_t)u : (json_int_t)u);
	} else if (isdigit((unsigned char)*digits) && !strpbrk(digits, "xXnN")) {
		double d = strtod(text, &end);

		if (!*end && isfinite(d))
			j = json_real(d);
	}
	if (!j)
		return error_set(err, EINVAL, "template: line %d: bad number '%.40s'", l->line,
				 text);
	add(l, TOKEN_CONST, NULL, 0)->value = j;
	l->at += n;
	return 0;
}

static size_t word_length(const char *s)
{
	size_t n = 0;

	while (is_word_byte(s[n]))
		n++;
	return n;
}

static void lex_word(struct lexer *l)
{
	size_t n = word_length(l->at);
	struct token *t = add(l, TOKEN_WORD, l->at, n);

	l->at += n;
	if (is_equal(t->text, "true") || is_equal(t->text, "false"))
		t->value = json_boolean(t->text[0] == 't');
	else if (is_equal(t->text, "nil"))
		t->value = json_null();
	if (t->value)
		t->kind = TOKEN_CONST;
}

static int lex_sign(struct lexer *l, struct error *err)
{
	static const struct {
		const char *text;
		enum token_kind kind;
	} signs[] = { { ":=", TOKEN_DECLARE }, { "=", TOKEN_ASSIGN }, { "|", TOKEN_PIPE },
		      { "(", TOKEN_LEFT },     { ")", TOKEN_RIGHT },  { ",", TOKEN_COMMA } };

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (is_prefix(l->at, signs[i].text)) {
			(void)add(l, signs[i].kind, NULL, 0);
			l->at += strlen(signs[i].text);
			return 0;
		}
	}
	if ((unsigned char)*l->at < 0x20 || (unsigned char)*l->at >= 0x7f)
		return error_set(err, EINVAL,
				 "template: line %d: unexpected byte 0x%02x in an action", l->line,
				 (unsigned char)*l->at);
	return error_set(err, EINVAL, "template: line %d: unexpected '%c' in an action", l->line,
			 *l->at);
}

/* One token of an action; spaced: white space stood before it. */
static int lex_token(struct lexer *l, bool spaced, struct error *err)
{
	char c = *l->at;
	size_t n;

	if (c == '"' || c == '\'')
		return lex_quoted(l, err);
	if (c == '`')
		return lex_raw(l, err);
	if (isdigit((unsigned char)c) ||
	    ((c == '-' || c == '+') && isdigit((unsigned char)l->at[1])))
		return lex_number(l, err);
	if (c == '.' || c == '$') {
		n = word_length(l->at + 1);
		if (c == '$')
			(void)add(l, TOKEN_VAR, l->at, n + 1);
		else if (n)
			add(l, TOKEN_FIELD, l->at + 1, n)->glued = !spaced;
		else
			(void)add(l, TOKEN_DOT, NULL, 0);
		l->at += n + 1;
		return 0;
	}
	if (is_word_byte(c)) {
		lex_word(l);
		return 0;
	}
	return lex_sign(l, err);
}

/* From after "{{" to after "}}". *ret_trim: white space of the text that follows is dropped. */
static int lex_action(struct lexer *l, bool *ret_trim, struct error *err)
{
	size_t first = l->out->n;

	(void)add(l, TOKEN_OPEN, NULL, 0);
	for (;;) {
		const char *before = l->at;
		int r;

		while (is_blank(*l->at))
			l->at++;
		count_lines(l, before, l->at);
		*ret_trim = l->at > before && is_prefix(l->at, "-}}");
		if (*ret_trim || is_prefix(l->at, "}}")) {
			l->at += *ret_trim ? 3 : 2;
			(void)add(l, TOKEN_CLOSE, NULL, 0);
			return 0;
		}
		if (!*l->at)
			return fail(l, err, "an action without '}}'");
		if (is_prefix(l->at, "/*") && l->out->n == first + 1) {
			const char *end = strstr(l->at, "*/");

			if (!end)
				return fail(l, err, "a comment without end");
			count_lines(l, l->at, end);
			l->at = end + 2;
			continue;
		}
		r = lex_token(l, l->at > before, err);
		if (r < 0)
			return r;
	}
}

int template_lex(const char *text, struct token_list *ret, struct error *err)
{
	struct lexer l = { .at = text, .line = 1, .out = ret };
	bool trim = false;
	int r = 0;

	*ret = (struct token_list){ 0 };
	if (strlen(text) > TEMPLATE_MAX_BYTES)
		return error_set(err, EINVAL, "template: longer than %d bytes", TEMPLATE_MAX_BYTES);
	while (r == 0 && *l.at) {
		const char *open = strstr(l.at, "{{");
		const char *end = open ? open : l.at + strlen(l.at);
		const char *next = end;

		while (trim && l.at < end && is_blank(*l.at)) {
			l.line += *l.at == '\n';
			l.at++;
		}
		trim = open && open[2] == '-' && is_blank(open[3]);
		while (trim && end > l.at && is_blank(end[-1]))
			end--;
		if (end > l.at)
			(void)add(&l, TOKEN_TEXT, l.at, (size_t)(end - l.at));
		count_lines(&l, l.at, next);
		l.at = next;
		if (open) {
			l.at += trim ? 3 : 2;
			r = lex_action(&l, &trim, err);
		}
	}
	(void)add(&l, TOKEN_END, NULL, 0);
	return r;
}

void template_tokens_done(struct token_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].text);
		json_decref(l->v[i].value);
	}
	free(l->v);
	*l = (struct token_list){ 0 };
}
