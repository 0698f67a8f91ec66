/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_printf - printf as Go's fmt has it: %v %s %d %q %t %x %X %o %b %c %f %e %g %%.
 *
 * Theory of operation: the format is walked byte by byte; each verb takes the next argument. What
 * does not fit is not an error but shows in the text, in Go's words: "%!d(string=x)" for a wrong
 * type, "%!d(MISSING)", "%!(EXTRA string=x)". No argument ever reaches C's printf as a format.
 *
 * Limits: width and precision up to WIDTH_MAX; flags '-', '+', '0', ' ', '#'; '*' takes the width
 * from an argument.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/internal.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define WIDTH_MAX 1000

struct verb {
	bool left, plus, zero, space, sharp;
	size_t width;
	bool has_precision;
	size_t precision;
	char letter;
};

/* Pads to the width in runes; a number's zeros come after its sign. */
static void add_padded(struct buf *out, const struct verb *v, const char *text, bool is_number)
{
	size_t len = template_rune_count(text);
	size_t fill = v->width > len ? v->width - len : 0;
	bool zeros = v->zero && !v->left && is_number;

	if (zeros && (*text == '-' || *text == '+'))
		buf_addc(out, *text++);
	for (size_t i = 0; i < fill && !v->left; i++)
		buf_addc(out, zeros ? '0' : ' ');
	buf_adds(out, text);
	for (size_t i = 0; i < fill && v->left; i++)
		buf_addc(out, ' ');
}

static void add_bad(struct buf *out, const struct verb *v, const json_t *arg)
{
	buf_printf(out, "%%!%c(%s=", v->letter, template_type(arg));
	template_print_value(arg, true, out);
	buf_addc(out, ')');
}

static void add_integer(struct buf *out, const struct verb *v, int64_t n)
{
	uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	unsigned int base = v->letter == 'b'   ? 2
			    : v->letter == 'o' ? 8
			    : v->letter == 'd' ? 10
					       : 16;
	const char *digits = v->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	const char *prefix = base == 16 ? (v->letter == 'X' ? "0X" : "0x") : base == 8 ? "0" : "0b";
	char text[80], *p = text + sizeof(text) - 1;

	*p = '\0';
	do {
		*--p = digits[size % base];
		size /= base;
	} while (size);
	if (v->sharp && base != 10) {
		p -= strlen(prefix);
		memcpy(p, prefix, strlen(prefix));
	}
	if (n < 0 || v->plus || v->space)
		*--p = n < 0 ? '-' : v->plus ? '+' : ' ';
	add_padded(out, v, p, true);
}

static void add_real(struct buf *out, const struct verb *v, double d)
{
	char text[WIDTH_MAX + 400];
	int precision = v->has_precision ? (int)v->precision : 6;

	if (v->letter == 'e')
		(void)snprintf(text, sizeof(text), v->plus ? "%+.*e" : "%.*e", precision, d);
	else if (v->letter == 'g' && v->has_precision)
		(void)snprintf(text, sizeof(text), v->plus ? "%+.*g" : "%.*g", precision, d);
	else
		(void)snprintf(text, sizeof(text), v->plus ? "%+.*f" : "%.*f", precision, d);
	add_padded(out, v, text, true);
}

/* Go's %q for a string: double quotes, escapes for what is not printable. */
static void quote(const char *s, struct buf *b)
{
	static const char plain[] = "\a\b\f\n\r\t\v\\\"";
	static const char names[] = "abfnrtv\\\"";

	buf_addc(b, '"');
	for (; *s; s++) {
		const char *special = strchr(plain, *s);

		if (special)
			buf_printf(b, "\\%c", names[special - plain]);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			buf_printf(b, "\\x%02x", (unsigned int)(unsigned char)*s);
		else
			buf_addc(b, *s);
	}
	buf_addc(b, '"');
}

static void add_string(struct buf *out, const struct verb *v, const char *s)
{
	cleanup_buf struct buf b = BUF_INIT(TEMPLATE_MAX_OUTPUT);
	size_t runes = 0;

	if (v->letter == 'q') {
		quote(s, &b);
	} else if (v->letter == 'x' || v->letter == 'X') {
		for (; *s; s++)
			buf_printf(&b, v->letter == 'x' ? "%02x" : "%02X", (unsigned char)*s);
	} else {
		for (; *s; s++) {
			if (((unsigned char)*s & 0xc0) != 0x80 && v->has_precision &&
			    runes++ == v->precision)
				break;
			buf_addc(&b, *s);
		}
	}
	add_padded(out, v, b.data ? b.data : "", false);
}

static void add_any(struct buf *out, const struct verb *v, const json_t *arg)
{
	cleanup_buf struct buf b = BUF_INIT(TEMPLATE_MAX_OUTPUT);

	template_print_value(arg, true, &b);
	add_padded(out, v, b.data ? b.data : "", json_is_number(arg));
}

static void add_verb(struct buf *out, struct verb *v, const json_t *arg)
{
	char c = v->letter;

	if (c == 'v' && json_is_string(arg) && v->sharp)
		v->letter = c = 'q';
	if (c == 'v' || (c == 't' && json_is_boolean(arg)))
		add_any(out, v, arg);
	else if (json_is_string(arg) && strchr("sqxX", c))
		add_string(out, v, json_string_value(arg));
	else if ((json_is_array(arg) || json_is_object(arg)) && c == 's')
		add_any(out, v, arg);
	else if (json_is_integer(arg) && strchr("dxXob", c))
		add_integer(out, v, json_integer_value(arg));
	else if (json_is_integer(arg) && c == 'c' && json_integer_value(arg) > 0 &&
		 json_integer_value(arg) < 0x80)
		add_padded(out, v, (char[]){ (char)json_integer_value(arg), '\0' }, false);
	else if (json_is_real(arg) && c == 'g' && !v->has_precision)
		add_any(out, v, arg);
	else if (json_is_real(arg) && strchr("feg", c))
		add_real(out, v, json_real_value(arg));
	else
		add_bad(out, v, arg);
}

struct walk {
	const char *at;
	json_t **args;
	size_t n, next;
};

/* Digits or '*'. Returns whether there were any. */
static bool read_number(struct walk *w, size_t *ret)
{
	bool found = false;

	if (*w->at == '*') {
		const json_t *arg = w->next < w->n ? w->args[w->next++] : NULL;
		json_int_t n = json_integer_value(arg);

		w->at++;
		*ret = n > 0 && n <= WIDTH_MAX ? (size_t)n : 0;
		return true;
	}
	for (*ret = 0; isdigit((unsigned char)*w->at); w->at++, found = true)
		if (*ret <= WIDTH_MAX)
			*ret = *ret * 10 + (size_t)(*w->at - '0');
	if (*ret > WIDTH_MAX)
		*ret = WIDTH_MAX;
	return found;
}

static void read_verb(struct walk *w, struct verb *v)
{
	*v = (struct verb){ 0 };
	for (; *w->at && strchr("-+0 #", *w->at); w->at++) {
		v->left = v->left || *w->at == '-';
		v->plus = v->plus || *w->at == '+';
		v->zero = v->zero || *w->at == '0';
		v->space = v->space || *w->at == ' ';
		v->sharp = v->sharp || *w->at == '#';
	}
	(void)read_number(w, &v->width);
	if (*w->at == '.') {
		w->at++;
		v->has_precision = true;
		(void)read_number(w, &v->precision);
	}
	v->letter = *w->at;
	if (*w->at)
		w->at++;
}

static void add_extra(struct buf *out, struct walk *w)
{
	buf_adds(out, "%!(EXTRA ");
	for (size_t first = w->next; w->next < w->n; w->next++) {
		buf_printf(out, "%s%s=", w->next > first ? ", " : "",
			   template_type(w->args[w->next]));
		template_print_value(w->args[w->next], true, out);
	}
	buf_addc(out, ')');
}

int template_call_printf(json_t **args, size_t n, json_t **ret, struct error *err)
{
	cleanup_buf struct buf out = BUF_INIT(TEMPLATE_MAX_OUTPUT);
	struct walk w = { .args = args, .n = n, .next = 1 };
	struct verb v;

	if (!json_is_string(args[0]))
		return error_set(err, EINVAL, "wrong type for value: expected string, got %s",
				 template_type(args[0]));
	for (w.at = json_string_value(args[0]); *w.at;) {
		if (*w.at != '%') {
			buf_addc(&out, *w.at++);
			continue;
		}
		w.at++;
		read_verb(&w, &v);
		if (v.letter == '%')
			buf_addc(&out, '%');
		else if (!v.letter)
			buf_adds(&out, "%!(NOVERB)");
		else if (w.next >= n)
			buf_printf(&out, "%%!%c(MISSING)", v.letter);
		else
			add_verb(&out, &v, args[w.next++]);
	}
	if (w.next < n)
		add_extra(&out, &w);
	*ret = json_stringn(out.data ? out.data : "", out.len);
	return *ret ? 0 : error_set(err, EINVAL, "the result is not UTF-8");
}
