/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml_scan - the lexical part of TOML.
 *
 * Theory of operation: a scanner is a pointer into a text that ends with a NUL, and a line number.
 * toml_check_bytes() has looked at every byte before anything else does: what is left for the rest
 * is to find quotes, escapes and line ends. No function moves past s->end: a NUL stands there and
 * is no byte of any token.
 *
 * An escape may not make a NUL (strings are C strings here) nor a surrogate. Integers are 64 bits,
 * with '_' between digits, and 0x, 0o, 0b; the decimal ones have no leading zero. Floats and dates
 * are compared with the form that they must have ("dddd-dd-dd") and kept as text.
 */
#include "engine/image/toml_scan.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "engine/base/str.h"

int toml_column(const struct toml_scan *s)
{
	return (int)(s->p - s->line_start) + 1;
}

int toml_fail(const struct toml_scan *s, struct error *err, const char *fmt, ...)
{
	char text[300];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(err, EINVAL, "%.150s:%d:%d: %s", s->what, s->line, toml_column(s), text);
}

int toml_check_bytes(const struct toml_scan *s, struct error *err)
{
	struct toml_scan at = *s;

	while (at.p < at.end) {
		uint32_t cp = 0;
		size_t n = str_utf8_at((const unsigned char *)at.p, (size_t)(at.end - at.p), &cp);

		if (n == 0)
			return toml_fail(&at, err, "this is not UTF-8");
		if (cp == '\r' && at.p[1] != '\n')
			return toml_fail(&at, err, "a carriage return without a line feed");
		if ((cp < 0x20 && !strchr("\t\r\n", (int)cp)) || cp == 0 || cp == 0x7f)
			return toml_fail(&at, err, "control character 0x%02x", (unsigned int)cp);
		at.p += n;
		if (cp == '\n') {
			at.line++;
			at.line_start = at.p;
		}
	}
	return 0;
}

/* ---- blanks and lines ------------------------------------------------------------------- */

bool toml_take(struct toml_scan *s, char c)
{
	if (s->p >= s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

void toml_skip_blanks(struct toml_scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
}

static void skip_comment(struct toml_scan *s)
{
	if (s->p < s->end && *s->p == '#')
		while (s->p < s->end && *s->p != '\n')
			s->p++;
}

static bool take_newline(struct toml_scan *s)
{
	if (s->p < s->end && *s->p == '\r')
		s->p++; /* a line feed follows: toml_check_bytes() */
	if (!toml_take(s, '\n'))
		return false;
	s->line++;
	s->line_start = s->p;
	return true;
}

void toml_skip_lines(struct toml_scan *s)
{
	do {
		toml_skip_blanks(s);
		skip_comment(s);
	} while (take_newline(s));
}

int toml_end_line(struct toml_scan *s, struct error *err)
{
	toml_skip_blanks(s);
	skip_comment(s);
	if (s->p >= s->end || take_newline(s))
		return 0;
	return toml_fail(s, err, "something follows where the line must end");
}

/* ---- strings ---------------------------------------------------------------------------- */

static void add_utf8(struct buf *b, uint32_t cp)
{
	if (cp < 0x80) {
		buf_addc(b, (char)cp);
	} else if (cp < 0x800) {
		buf_addc(b, (char)(0xc0 | cp >> 6));
		buf_addc(b, (char)(0x80 | (cp & 0x3f)));
	} else if (cp < 0x10000) {
		buf_addc(b, (char)(0xe0 | cp >> 12));
		buf_addc(b, (char)(0x80 | (cp >> 6 & 0x3f)));
		buf_addc(b, (char)(0x80 | (cp & 0x3f)));
	} else {
		buf_addc(b, (char)(0xf0 | cp >> 18));
		buf_addc(b, (char)(0x80 | (cp >> 12 & 0x3f)));
		buf_addc(b, (char)(0x80 | (cp >> 6 & 0x3f)));
		buf_addc(b, (char)(0x80 | (cp & 0x3f)));
	}
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The 4 or 8 digits of \u and \U. */
static int take_code_point(struct toml_scan *s, int digits, struct buf *b, struct error *err)
{
	uint32_t cp = 0;

	for (int i = 0; i < digits; i++) {
		int v = hex_value(*s->p);

		if (v < 0)
			return toml_fail(s, err, "an escape needs %d hex digits", digits);
		cp = cp << 4 | (uint32_t)v;
		s->p++;
	}
	if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return toml_fail(s, err, "an escape names a character that cannot be");
	add_utf8(b, cp);
	return 0;
}

/* s stands behind the backslash. */
static int take_escape(struct toml_scan *s, struct buf *b, struct error *err)
{
	static const char names[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
	const char *at = *s->p ? strchr(names, *s->p) : NULL;

	if (at) {
		buf_addc(b, values[at - names]);
		s->p++;
		return 0;
	}
	if (toml_take(s, 'u'))
		return take_code_point(s, 4, b, err);
	if (toml_take(s, 'U'))
		return take_code_point(s, 8, b, err);
	return toml_fail(s, err, "no such escape: \\%.1s", *s->p > ' ' ? s->p : "");
}

/* A backslash before the end of a line of a """string""": takes it and the blanks that follow. */
static bool take_folded_line(struct toml_scan *s)
{
	struct toml_scan at = *s;

	toml_skip_blanks(&at);
	if (!take_newline(&at))
		return false;
	do
		toml_skip_blanks(&at);
	while (take_newline(&at));
	*s = at;
	return true;
}

/* The closing quotes of a multi-line string: three, and up to two more that are its own. */
static bool take_long_end(struct toml_scan *s, char quote, struct buf *b)
{
	size_t n = 0;

	while (n < 5 && s->p[n] == quote)
		n++;
	if (n < 3)
		return false;
	for (size_t i = 3; i < n; i++)
		buf_addc(b, quote);
	s->p += n;
	return true;
}

static int take_long_string(struct toml_scan *s, char quote, struct buf *b, struct error *err)
{
	(void)take_newline(s); /* the first line end is not part of it */
	while (s->p < s->end) {
		if (take_long_end(s, quote, b))
			return 0;
		if (quote == '"' && toml_take(s, '\\')) {
			int r = take_folded_line(s) ? 0 : take_escape(s, b, err);

			if (r < 0)
				return r;
		} else if (take_newline(s)) {
			buf_addc(b, '\n');
		} else {
			buf_addc(b, *s->p++);
		}
	}
	return toml_fail(s, err, "the text ends inside a string");
}

static int take_short_string(struct toml_scan *s, char quote, struct buf *b, struct error *err)
{
	while (s->p < s->end && *s->p != '\n' && *s->p != '\r') {
		if (toml_take(s, quote))
			return 0;
		if (quote == '"' && toml_take(s, '\\')) {
			int r = take_escape(s, b, err);

			if (r < 0)
				return r;
		} else {
			buf_addc(b, *s->p++);
		}
	}
	return toml_fail(s, err, "the line ends inside a string");
}

int toml_string(struct toml_scan *s, char **ret, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT(TOML_BYTES_MAX);
	char quote = *s->p;
	int r;

	if (s->p[1] == quote && s->p[2] == quote) {
		s->p += 3;
		r = take_long_string(s, quote, &b, err);
	} else {
		s->p++;
		r = take_short_string(s, quote, &b, err);
	}
	if (r == 0)
		*ret = buf_steal(&b);
	return r;
}

static bool is_bare_key_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

int toml_key(struct toml_scan *s, char **ret, struct error *err)
{
	size_t n = 0;

	if (*s->p == '"' || *s->p == '\'') {
		if (s->p[1] == *s->p && s->p[2] == *s->p)
			return toml_fail(s, err, "a key cannot be a string of many lines");
		return toml_string(s, ret, err);
	}
	while (is_bare_key_byte(s->p[n]))
		n++;
	if (n == 0)
		return toml_fail(s, err, "a key is expected here");
	*ret = xstrndup(s->p, n);
	s->p += n;
	return 0;
}

/* ---- bare values ------------------------------------------------------------------------ */

/* Digits of a base with '_' between them; *p is moved behind them. False: no digits, or '_' at a
 * wrong place. */
static bool skip_digits(const char **p, int base)
{
	const char *start = *p;

	for (;;) {
		int v = hex_value(**p);

		if (v < 0 || v >= base) {
			if (**p != '_' || *p == start || (*p)[-1] == '_')
				break;
		}
		(*p)++;
	}
	return *p > start && (*p)[-1] != '_';
}

static int integer_base(const char *text)
{
	if (text[0] != '0')
		return 10;
	return text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : text[1] == 'b' ? 2 : 10;
}

/* 1: an integer; 0: something else; -ERANGE. */
static int read_integer(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	const char *digits = text + (*text == '-' || *text == '+'), *p;
	int base = integer_base(digits);
	uint64_t n = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;

	if (base != 10) {
		if (digits != text)
			return 0; /* no sign there */
		digits += 2;
	}
	p = digits;
	if (!skip_digits(&p, base) || *p || (base == 10 && *digits == '0' && digits[1]))
		return 0;
	for (p = digits; *p; p++) {
		if (*p == '_')
			continue;
		if (__builtin_mul_overflow(n, (uint64_t)base, &n) ||
		    __builtin_add_overflow(n, (uint64_t)hex_value(*p), &n) || n > limit)
			return -ERANGE;
	}
	*ret = negative ? (int64_t)(0 - n) : (int64_t)n;
	return 1;
}

static bool is_float(const char *text)
{
	const char *p = text + (*text == '-' || *text == '+'), *first = p;

	if (is_equal(p, "inf") || is_equal(p, "nan"))
		return true;
	if (!skip_digits(&p, 10) || (*first == '0' && p - first > 1))
		return false;
	if (*p == '.') {
		p++;
		if (!skip_digits(&p, 10))
			return false;
	}
	if (*p == 'e' || *p == 'E') {
		p += p[1] == '-' || p[1] == '+' ? 2 : 1;
		if (!skip_digits(&p, 10))
			return false;
	}
	return *p == '\0' && strpbrk(first, ".eE");
}

/* Compares with a form in which 'd' is a digit; returns what follows, or NULL. */
static const char *match_form(const char *text, const char *form)
{
	for (; *form; form++, text++)
		if (*form == 'd' ? !isdigit((unsigned char)*text) : *text != *form)
			return NULL;
	return text;
}

static const char *match_time(const char *text)
{
	const char *p = match_form(text, "dd:dd:dd");

	if (p && p[0] == '.' && isdigit((unsigned char)p[1]))
		for (p++; isdigit((unsigned char)*p); p++)
			;
	return p;
}

static bool is_date(const char *text)
{
	const char *p = match_form(text, "dddd-dd-dd");

	if (!p) {
		p = match_time(text);
		return p && *p == '\0';
	}
	if (*p == '\0')
		return true;
	if (!strchr("Tt ", *p) || !(p = match_time(p + 1)))
		return false;
	if (*p == 'Z' || *p == 'z')
		p++;
	else if (*p == '+' || *p == '-')
		p = match_form(p + 1, "dd:dd");
	return p && *p == '\0';
}

static size_t bare_length(const char *p)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789+-_.:";
	size_t n = strspn(p, bytes);

	/* A blank may stand between a date and a time. */
	if (n == 10 && p[10] == ' ' && match_form(p, "dddd-dd-dd") && match_form(p + 11, "dd:"))
		n += 1 + strspn(p + 11, bytes);
	return n;
}

int toml_bare(struct toml_scan *s, struct toml *node, struct error *err)
{
	size_t n = bare_length(s->p);
	cleanup_free char *text = xstrndup(s->p, n);
	int r = read_integer(text, &node->integer);

	if (n == 0)
		return toml_fail(s, err, "a value is expected here");
	if (r < 0)
		return toml_fail(s, err, "%.40s does not fit into 64 bits", text);
	if (r > 0) {
		node->type = TOML_INTEGER;
	} else if (is_equal(text, "true") || is_equal(text, "false")) {
		node->type = TOML_BOOLEAN;
		node->boolean = *text == 't';
	} else if (is_float(text) || is_date(text)) {
		node->type = is_float(text) ? TOML_FLOAT : TOML_DATE;
		node->text = steal_ptr(&text);
	} else {
		return toml_fail(s, err, "'%.40s' is no value: a string needs quotes", text);
	}
	s->p += n;
	return 0;
}
