/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_value - what Go's fmt would print for a value, and what counts as true.
 *
 * Theory of operation: a JSON value stands for the Go value that it was made from: an object with
 * exported keys for a struct ({a b}), another object for a map (map[a:b], keys sorted), an array
 * for a slice ([a b]), null for nil. Numbers print as %v does: whole ones in decimal, others in the
 * shortest form that reads back, with an exponent below 1e-4 and from 1e+06 on.
 *
 * Recursion is bounded by the depth of the value, which the json layer (depth of records) and our
 * own row builders keep small.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/internal.h"
#include "engine/base/mem.h"

#define EXPONENT_MIN 6 /* numbers from 1e+06 on have one */

bool is_template_true(const json_t *v)
{
	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		return is_template_struct(v) || json_object_size(v) > 0;
	case JSON_ARRAY:
		return json_array_size(v) > 0;
	case JSON_STRING:
		return json_string_length(v) > 0;
	case JSON_INTEGER:
		return json_integer_value(v) != 0;
	case JSON_REAL:
		return fpclassify(json_real_value(v)) != FP_ZERO;
	case JSON_TRUE:
		return true;
	case JSON_FALSE:
	case JSON_NULL:
		return false;
	}
	return false;
}

const char *template_type(const json_t *v)
{
	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		return is_template_struct(v) ? "struct" : "map";
	case JSON_ARRAY:
		return "list";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "int";
	case JSON_REAL:
		return "float";
	case JSON_TRUE:
	case JSON_FALSE:
		return "bool";
	case JSON_NULL:
		return "nil";
	}
	return "nil";
}

bool is_template_struct(const json_t *v)
{
	const char *key;
	json_t *member;
	bool found = false;

	if (!json_is_object(v))
		return false;
	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		if (strcmp(key, TEMPLATE_TEXTS) != 0 && (*key < 'A' || *key > 'Z'))
			return false;
		found = true;
	}
	return found;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **template_sorted_keys(const json_t *v, size_t *ret_n)
{
	const char **keys = xcalloc(json_object_size(v) + 1, sizeof(*keys));
	const char *key;
	json_t *member;
	size_t n = 0;

	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		if (strcmp(key, TEMPLATE_TEXTS) != 0)
			keys[n++] = key;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	*ret_n = n;
	return keys;
}

size_t template_rune_count(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* The exponent of "1.5e-07". */
static int read_exponent(const char *text)
{
	const char *p = strchr(text, 'e');
	int n = 0;

	for (const char *d = p ? p + 2 : ""; *d; d++)
		n = n * 10 + (*d - '0');
	return p && p[1] == '-' ? -n : n;
}

static void print_real(double d, struct buf *out)
{
	char text[40];
	double size = fabs(d);
	int precision = 1;

	/* The shortest %e that reads back tells the digits. */
	for (; precision < 17; precision++) {
		(void)snprintf(text, sizeof(text), "%.*e", precision - 1, d);
		if (fabs(strtod(text, NULL) - d) <= 0)
			break;
	}
	if (size > 0 && (size < 1e-4 || read_exponent(text) >= EXPONENT_MIN)) {
		(void)snprintf(text, sizeof(text), "%.*e", precision - 1, d);
	} else {
		int decimals = precision - 1 - read_exponent(text);

		(void)snprintf(text, sizeof(text), "%.*f", decimals > 0 ? decimals : 0, d);
	}
	buf_adds(out, text);
}

static void print_object(const json_t *v, struct buf *out)
{
	bool is_struct = is_template_struct(v);
	size_t n = 0;
	cleanup_free const char **keys = template_sorted_keys(v, &n);

	buf_adds(out, is_struct ? "{" : "map[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(out, ' ');
		if (!is_struct)
			buf_printf(out, "%s:", keys[i]);
		template_print_value(json_object_get(v, keys[i]), true, out);
	}
	buf_addc(out, is_struct ? '}' : ']');
}

void template_print_value(const json_t *v, bool nested, struct buf *out)
{
	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		print_object(v, out);
		break;
	case JSON_ARRAY:
		buf_addc(out, '[');
		for (size_t i = 0; i < json_array_size(v); i++) {
			if (i)
				buf_addc(out, ' ');
			template_print_value(json_array_get(v, i), true, out);
		}
		buf_addc(out, ']');
		break;
	case JSON_STRING:
		buf_add(out, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		buf_printf(out, "%lld", (long long)json_integer_value(v));
		break;
	case JSON_REAL:
		print_real(json_real_value(v), out);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_adds(out, json_is_true(v) ? "true" : "false");
		break;
	case JSON_NULL:
		buf_adds(out, nested ? "<nil>" : "<no value>");
		break;
	}
}

json_t *template_without_texts(const json_t *v)
{
	const char *key;
	json_t *member, *copy;
	size_t i;

	if (json_is_array(v)) {
		copy = json_array();
		json_array_foreach (v, i, member)
			(void)json_array_append_new(copy, template_without_texts(member));
		return copy;
	}
	if (!json_is_object(v))
		return json_incref((json_t *)(uintptr_t)v);
	copy = json_object();
	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		if (strcmp(key, TEMPLATE_TEXTS) != 0)
			(void)json_object_set_new(copy, key, template_without_texts(member));
	}
	return copy;
}
