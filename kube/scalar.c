/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scalar - what a plain YAML scalar is to Kubernetes, and what must be quoted when written.
 *
 * Theory of operation: kubectl reads YAML 1.1 through a Go library and turns it into JSON before
 * anything is typed. So `yes` is a boolean, `012` is ten, `1_000` is a thousand, and `1:30` or
 * `2024-01-01` are strings. This table was taken by experiment from kubectl 1.27 to 1.33; a reader
 * that follows it sees the same pod as a cluster does. The order of trial is: words (null,
 * booleans, not-a-numbers), integers (sign, base prefix, underscores anywhere after the first
 * digit), floats.
 *
 * Writing is the other side: PyYAML, npm's yaml in both modes, js-yaml and kubectl disagree about
 * much, and agree about a small set of plain texts. Only those are written plain; text of several
 * lines without anything odd is written literal; everything else is written in double quotes.
 *
 * Limits: none; both directions are linear in the length of the text.
 */
#include "kube/scalar.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "engine/base/str.h"

#define WORD_MAX 5 /* letters of the longest word that stands for a value */

static bool is_one_of(const char *text, size_t len, const char *const *words)
{
	const char first = len ? *text : '\0';

	for (; *words; words++) {
		if (**words == first && strlen(*words) == len && memcmp(*words, text, len) == 0)
			return true;
	}
	return false;
}

static bool resolve_word(const char *text, size_t len, struct scalar *ret)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "y",    "Y",    "yes", "Yes", "YES", "true",
					     "True", "TRUE", "on",  "On",  "ON",  NULL };
	static const char *const falses[] = { "n",     "N",	"no",  "No",  "NO",  "false",
					      "False", "FALSE", "off", "Off", "OFF", NULL };
	static const char *const infinite[] = { ".nan",	 ".NaN",  ".NAN",  ".inf",  ".Inf",
						".INF",	 "+.inf", "+.Inf", "+.INF", "-.inf",
						"-.Inf", "-.INF", NULL };

	if (len > WORD_MAX)
		return false;
	if (is_one_of(text, len, nulls)) {
		ret->kind = SCALAR_NULL;
	} else if (is_one_of(text, len, trues)) {
		ret->kind = SCALAR_BOOL;
		ret->boolean = true;
	} else if (is_one_of(text, len, falses)) {
		ret->kind = SCALAR_BOOL;
	} else if (is_one_of(text, len, infinite)) {
		ret->kind = SCALAR_FLOAT;
	} else {
		return false;
	}
	return true;
}

/* The digits of an integer in its base; ERANGE-like overflow makes it no integer. */
static bool parse_digits(const char *s, unsigned int base, bool negative, int64_t *ret)
{
	uint64_t value = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;

	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned int digit;

		if (*s >= '0' && *s <= '9')
			digit = (unsigned int)(*s - '0');
		else if (isalpha((unsigned char)*s))
			digit = (unsigned int)(tolower((unsigned char)*s) - 'a') + 10;
		else
			return false;
		if (digit >= base || value > (limit - digit) / base)
			return false;
		value = value * base + digit;
	}
	*ret = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

static bool resolve_int(const char *s, struct scalar *ret)
{
	bool negative = *s == '-';
	unsigned int base = 10;

	if (*s == '-' || *s == '+')
		s++;
	if (s[0] == '0' && s[1]) {
		char mark = (char)tolower((unsigned char)s[1]);

		base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
		s += mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1;
	}
	if (!parse_digits(s, base, negative, &ret->integer))
		return false;
	ret->kind = SCALAR_INT;
	return true;
}

static const char *skip_digits(const char *s)
{
	while (*s >= '0' && *s <= '9')
		s++;
	return s;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *s)
{
	const char *start;

	if (*s == '-' || *s == '+')
		s++;
	start = s;
	s = skip_digits(s);
	if (*s == '.') {
		const char *fraction = s + 1;

		s = skip_digits(fraction);
		if (s == fraction && fraction - 1 == start)
			return false;
	}
	if (s == start)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '-' || *s == '+')
			s++;
		if (skip_digits(s) == s)
			return false;
		s = skip_digits(s);
	}
	return !*s;
}

static bool resolve_float(const char *s, struct scalar *ret)
{
	double value;

	if (!is_float(s))
		return false;
	value = strtod(s, NULL);
	ret->kind = SCALAR_FLOAT;
	ret->finite = isfinite(value);
	/* 2^53: past it a double no longer tells whole numbers apart */
	if (!ret->finite || value > 9007199254740992.0 || value < -9007199254740992.0)
		return true;
	ret->whole = value == (double)(int64_t)value;
	ret->integer = ret->whole ? (int64_t)value : 0;
	return true;
}

void scalar_resolve(const char *text, size_t len, struct scalar *ret)
{
	cleanup_free char *plain = NULL;
	size_t n = 0;

	memset(ret, 0, sizeof(*ret));
	ret->kind = SCALAR_STRING;
	if (resolve_word(text, len, ret))
		return;
	if (!isdigit((unsigned char)text[0]) && !strchr("+-.", text[0]))
		return;
	plain = xmalloc(len + 1);
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '_')
			plain[n++] = text[i];
	}
	plain[n] = '\0';
	if (!resolve_int(plain, ret))
		(void)resolve_float(plain, ret);
}

/* Length of one well-formed character at s, 0 when malformed. */
static size_t utf8_char(const unsigned char *s, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code;
	size_t n;

	if (s[0] == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || len < n)
		return 0;
	code = s[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fU);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return n;
}

size_t scalar_utf8_prefix(const char *text, size_t len)
{
	size_t at = 0, n;

	while (at < len) {
		n = utf8_char((const unsigned char *)text + at, len - at);
		if (!n)
			break;
		at += n;
	}
	return at;
}

/* A word that some reader takes for something else than text. */
static bool is_trap(const char *text, size_t len)
{
	static const char *const words[] = { "true", "false", "yes",  "no",  "on",  "off",
					     "y",    "n",     "null", "nan", "inf", NULL };
	char lower[8];

	if (len < sizeof(lower)) {
		for (size_t i = 0; i < len; i++)
			lower[i] = (char)tolower((unsigned char)text[i]);
		if (is_one_of(lower, len, words))
			return true;
	}
	if (text[0] != 'e' && text[0] != 'E')
		return false;
	for (size_t i = 1; i < len; i++) { /* npm's yaml in 1.1 mode reads e1 as a float */
		if (!isdigit((unsigned char)text[i]) && !strchr("_+.-", text[i]))
			return false;
	}
	return true;
}

static bool is_plain(const char *text, size_t len)
{
	if (!isalpha((unsigned char)text[0]) && text[0] != '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("._/@+=:,-", text[i]))
			return false;
	}
	return text[len - 1] != ':' && !is_trap(text, len);
}

static bool is_literal(const char *text, size_t len)
{
	bool several = false;

	if (text[0] == ' ' || text[0] == '\n' || text[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n') {
			several = true;
			if (text[i - 1] == ' ')
				return false;
		} else if (c < 0x20 || c >= 0x7f) {
			return false;
		}
	}
	return several;
}

enum scalar_style scalar_style_for(const char *text, size_t len)
{
	if (len == 0)
		return SCALAR_QUOTED;
	if (is_literal(text, len))
		return SCALAR_LITERAL;
	return is_plain(text, len) ? SCALAR_PLAIN : SCALAR_QUOTED;
}
