/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_funcs - the functions that a template can call.
 *
 * Theory of operation: one table. A function gets borrowed values, checks their types by itself and
 * returns a new reference; its message says what is wrong with which argument, the evaluator puts
 * the line and the name before it. The number of arguments is checked by the table. `and` and `or`
 * have no code here because they evaluate no more operands than they need.
 *
 * Comparison: numbers with numbers, strings with strings (by bytes), booleans only by eq and ne;
 * nil equals nil alone. Everything else is "incompatible types", as in Go; whole and broken numbers
 * may be mixed, because JSON does not tell them apart for a reader.
 *
 * Limits: pad and truncate take at most TEXT_MAX runes.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/internal.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define TEXT_MAX 4096

static int bad_type(const json_t *v, const char *wanted, struct error *err)
{
	return error_set(err, EINVAL, "wrong type for value: expected %s, got %s", wanted,
			 template_type(v));
}

static json_t *string_of(struct buf *b)
{
	json_t *j = json_stringn(b->data ? b->data : "", b->len);

	buf_done(b);
	return j ? j : json_string("");
}

static int get_string(const json_t *v, const char **ret, struct error *err)
{
	if (!json_is_string(v))
		return bad_type(v, "string", err);
	*ret = json_string_value(v);
	return 0;
}

static int get_size(const json_t *v, size_t max, size_t *ret, struct error *err)
{
	if (!json_is_integer(v))
		return bad_type(v, "int", err);
	if (json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
		return error_set(err, EINVAL, "index out of range: %lld",
				 (long long)json_integer_value(v));
	*ret = (size_t)json_integer_value(v);
	return 0;
}

/* ---- comparison ------------------------------------------------------------------------- */

static int compare_doubles(double x, double y)
{
	return (x > y) - (x < y);
}

/* *ret < 0, 0, > 0. Booleans and nil only tell equal from not. */
static int compare(const json_t *a, const json_t *b, int *ret, struct error *err)
{
	if (json_is_integer(a) && json_is_integer(b))
		*ret = (json_integer_value(a) > json_integer_value(b)) -
		       (json_integer_value(a) < json_integer_value(b));
	else if (json_is_number(a) && json_is_number(b))
		*ret = compare_doubles(json_number_value(a), json_number_value(b));
	else if (json_is_string(a) && json_is_string(b))
		*ret = strcmp(json_string_value(a), json_string_value(b));
	else if (json_is_boolean(a) && json_is_boolean(b))
		*ret = json_is_true(a) != json_is_true(b);
	else if (json_is_null(a) || json_is_null(b))
		*ret = !(json_is_null(a) && json_is_null(b));
	else
		return error_set(err, EINVAL, "incompatible types for comparison: %s and %s",
				 template_type(a), template_type(b));
	return 0;
}

static int call_eq(json_t **args, size_t n, json_t **ret, struct error *err)
{
	bool equal = false;

	for (size_t i = 1; i < n && !equal; i++) {
		int order = 0;
		int r = compare(args[0], args[i], &order, err);

		if (r < 0)
			return r;
		equal = order == 0;
	}
	*ret = json_boolean(equal);
	return 0;
}

static int call_ne(json_t **args, size_t n, json_t **ret, struct error *err)
{
	int order = 0;
	int r = compare(args[0], args[n - 1], &order, err);

	*ret = r < 0 ? NULL : json_boolean(order != 0);
	return r;
}

static int order_of(json_t **args, int *ret, struct error *err)
{
	if (!json_is_number(args[0]) && !json_is_string(args[0]))
		return error_set(err, EINVAL, "a value of type %s has no order",
				 template_type(args[0]));
	if (json_is_null(args[1]))
		return bad_type(args[1], template_type(args[0]), err);
	return compare(args[0], args[1], ret, err);
}

#define ORDER_CALL(name_, test_)                                                   \
	static int name_(json_t **args, size_t n, json_t **ret, struct error *err) \
	{                                                                          \
		int order = 0;                                                     \
		int r = order_of(args, &order, err);                               \
                                                                                   \
		(void)n;                                                           \
		*ret = r < 0 ? NULL : json_boolean(order test_ 0);                 \
		return r;                                                          \
	}
ORDER_CALL(call_lt, <)
ORDER_CALL(call_le, <=)
ORDER_CALL(call_gt, >)
ORDER_CALL(call_ge, >=)

static int call_not(json_t **args, size_t n, json_t **ret, struct error *err)
{
	(void)n;
	(void)err;
	*ret = json_boolean(!is_template_true(args[0]));
	return 0;
}

/* ---- parts ------------------------------------------------------------------------------ */

static int call_len(json_t **args, size_t n, json_t **ret, struct error *err)
{
	const json_t *v = args[0];

	(void)n;
	if (json_is_string(v))
		*ret = json_integer((json_int_t)json_string_length(v));
	else if (json_is_array(v))
		*ret = json_integer((json_int_t)json_array_size(v));
	else if (json_is_object(v) && !is_template_struct(v))
		*ret = json_integer((json_int_t)json_object_size(v));
	else
		return error_set(err, EINVAL, "len of type %s", template_type(v));
	return 0;
}

/* One step of index: *v (borrowed) becomes its part; NULL for an absent key of a map. A byte of a
 * string is a new number, kept alive by *made. */
static int index_step(const json_t *at, json_t **v, json_t **made, struct error *err)
{
	size_t size = json_is_array(*v) ? json_array_size(*v) : json_string_length(*v);
	const char *key = NULL;
	size_t i = 0;
	int r;

	if (json_is_object(*v)) {
		r = get_string(at, &key, err);
		if (r == 0)
			*v = *key ? json_object_get(*v, key) : NULL;
		return r;
	}
	if (!json_is_array(*v) && !json_is_string(*v))
		return error_set(err, EINVAL, "can't index item of type %s", template_type(*v));
	r = get_size(at, size, &i, err);
	if (r == 0 && i == size)
		r = error_set(err, EINVAL, "index out of range: %zu", i);
	if (r < 0)
		return r;
	if (json_is_string(*v)) {
		*made = json_integer((unsigned char)json_string_value(*v)[i]);
		*v = *made;
	} else {
		*v = json_array_get(*v, i);
	}
	return 0;
}

/* index x 1 "a": x[1]["a"]. An absent key of a map is the empty string. */
static int call_index(json_t **args, size_t n, json_t **ret, struct error *err)
{
	cleanup_json json_t *made = NULL;
	json_t *v = args[0];

	for (size_t i = 1; i < n && v; i++) {
		int r = index_step(args[i], &v, &made, err);

		if (r < 0)
			return r;
	}
	*ret = v ? json_incref(v) : json_string("");
	return 0;
}

/* slice x 1 2: x[1:2] of a string (bytes) or a list. */
static int call_slice(json_t **args, size_t n, json_t **ret, struct error *err)
{
	const json_t *v = args[0];
	size_t size = json_is_array(v) ? json_array_size(v) : json_string_length(v);
	size_t from = 0, to = size;
	int r = 0;

	if (!json_is_array(v) && !json_is_string(v))
		return error_set(err, EINVAL, "can't slice item of type %s", template_type(v));
	if (n > 1)
		r = get_size(args[1], size, &from, err);
	if (r == 0 && n > 2)
		r = get_size(args[2], size, &to, err);
	if (r == 0 && from > to)
		r = error_set(err, EINVAL, "invalid slice index: %zu > %zu", from, to);
	if (r < 0)
		return r;
	if (json_is_string(v)) {
		*ret = json_stringn(json_string_value(v) + from, to - from);
		return *ret ? 0 : error_set(err, EINVAL, "slice cuts a character in two");
	}
	*ret = json_array();
	for (; from < to; from++)
		(void)json_array_append(*ret, json_array_get(v, from));
	return 0;
}

/* ---- text ------------------------------------------------------------------------------- */

static int call_json(json_t **args, size_t n, json_t **ret, struct error *err)
{
	cleanup_json json_t *plain = template_without_texts(args[0]);
	cleanup_free char *text = jdump_text(plain, 0);

	(void)n;
	(void)err;
	*ret = json_string(text);
	return 0;
}

static int call_join(json_t **args, size_t n, json_t **ret, struct error *err)
{
	struct buf b = BUF_INIT(TEMPLATE_MAX_OUTPUT);
	const char *separator = NULL;
	size_t i;
	json_t *e;
	int r = get_string(args[n - 1], &separator, err);

	if (r == 0 && !json_is_array(args[0]) && !json_is_null(args[0]))
		r = bad_type(args[0], "list", err);
	if (r < 0)
		return r;
	json_array_foreach (args[0], i, e) {
		if (i)
			buf_adds(&b, separator);
		template_print_value(e, true, &b);
	}
	*ret = string_of(&b);
	return 0;
}

static int call_split(json_t **args, size_t n, json_t **ret, struct error *err)
{
	const char *text = NULL, *separator = NULL, *end;
	int r = get_string(args[0], &text, err);

	if (r == 0)
		r = get_string(args[n - 1], &separator, err);
	if (r < 0)
		return r;
	if (!*separator)
		return error_set(err, EINVAL, "an empty separator");
	*ret = json_array();
	for (; (end = strstr(text, separator)); text = end + strlen(separator))
		(void)json_array_append_new(*ret, json_stringn(text, (size_t)(end - text)));
	(void)json_array_append_new(*ret, json_string(text));
	return 0;
}

enum letter_case { CASE_UPPER, CASE_LOWER, CASE_TITLE };

/* Letters of ASCII alone change: what people filter by in scripts. */
static int change_case(json_t **args, enum letter_case to, json_t **ret, struct error *err)
{
	struct buf b = BUF_INIT(TEMPLATE_MAX_OUTPUT);
	const char *text = NULL;
	bool start = true;
	int r = get_string(args[0], &text, err);

	if (r < 0)
		return r;
	for (; *text; text++) {
		bool up = to == CASE_UPPER || (to == CASE_TITLE && start);
		unsigned char c = (unsigned char)*text;

		if (up && c < 0x80)
			buf_addc(&b, (char)toupper(c));
		else if (to == CASE_LOWER && c < 0x80)
			buf_addc(&b, (char)tolower(c));
		else
			buf_addc(&b, (char)c);
		start = c < 0x80 && !isalnum(c) && c != '_';
	}
	*ret = string_of(&b);
	return 0;
}

static int call_upper(json_t **args, size_t n, json_t **ret, struct error *err)
{
	(void)n;
	return change_case(args, CASE_UPPER, ret, err);
}

static int call_lower(json_t **args, size_t n, json_t **ret, struct error *err)
{
	(void)n;
	return change_case(args, CASE_LOWER, ret, err);
}

static int call_title(json_t **args, size_t n, json_t **ret, struct error *err)
{
	(void)n;
	return change_case(args, CASE_TITLE, ret, err);
}

/* pad text before after: that many spaces on both sides; nothing for an empty text. */
static int call_pad(json_t **args, size_t n, json_t **ret, struct error *err)
{
	struct buf b = BUF_INIT(TEMPLATE_MAX_OUTPUT);
	const char *text = NULL;
	size_t before = 0, after = 0;
	int r = get_string(args[0], &text, err);

	(void)n;
	if (r == 0)
		r = get_size(args[1], TEXT_MAX, &before, err);
	if (r == 0)
		r = get_size(args[2], TEXT_MAX, &after, err);
	if (r < 0)
		return r;
	if (*text)
		buf_printf(&b, "%*s%s%*s", (int)before, "", text, (int)after, "");
	*ret = string_of(&b);
	return 0;
}

static int call_truncate(json_t **args, size_t n, json_t **ret, struct error *err)
{
	const char *text = NULL, *end = NULL;
	size_t runes = 0;
	int r = get_string(args[0], &text, err);

	if (r == 0)
		r = get_size(args[n - 1], TEXT_MAX, &runes, err);
	if (r < 0)
		return r;
	for (end = text; *end; end++)
		if (((unsigned char)*end & 0xc0) != 0x80 && runes-- == 0)
			break;
	*ret = json_stringn(text, (size_t)(end - text));
	return 0;
}

/* Go's Sprint: a space between two operands when neither is a string. */
static int call_print(json_t **args, size_t n, json_t **ret, struct error *err)
{
	struct buf b = BUF_INIT(TEMPLATE_MAX_OUTPUT);

	(void)err;
	for (size_t i = 0; i < n; i++) {
		if (i && !json_is_string(args[i]) && !json_is_string(args[i - 1]))
			buf_addc(&b, ' ');
		template_print_value(args[i], true, &b);
	}
	*ret = string_of(&b);
	return 0;
}

static int call_println(json_t **args, size_t n, json_t **ret, struct error *err)
{
	struct buf b = BUF_INIT(TEMPLATE_MAX_OUTPUT);

	(void)err;
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(&b, ' ');
		template_print_value(args[i], true, &b);
	}
	buf_addc(&b, '\n');
	*ret = string_of(&b);
	return 0;
}

static const struct template_func funcs[] = {
	{ "and", NULL, 1, TEMPLATE_MAX_ARGS },
	{ "eq", call_eq, 2, TEMPLATE_MAX_ARGS },
	{ "ge", call_ge, 2, 2 },
	{ "gt", call_gt, 2, 2 },
	{ "index", call_index, 1, TEMPLATE_MAX_ARGS },
	{ "join", call_join, 2, 2 },
	{ "json", call_json, 1, 1 },
	{ "le", call_le, 2, 2 },
	{ "len", call_len, 1, 1 },
	{ "lower", call_lower, 1, 1 },
	{ "lt", call_lt, 2, 2 },
	{ "ne", call_ne, 2, 2 },
	{ "not", call_not, 1, 1 },
	{ "or", NULL, 1, TEMPLATE_MAX_ARGS },
	{ "pad", call_pad, 3, 3 },
	{ "print", call_print, 0, TEMPLATE_MAX_ARGS },
	{ "printf", template_call_printf, 1, TEMPLATE_MAX_ARGS },
	{ "println", call_println, 0, TEMPLATE_MAX_ARGS },
	{ "slice", call_slice, 1, 3 },
	{ "split", call_split, 2, 2 },
	{ "title", call_title, 1, 1 },
	{ "truncate", call_truncate, 2, 2 },
	{ "upper", call_upper, 1, 1 },
};

const struct template_func *template_find_func(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(funcs); i++)
		if (strcmp(funcs[i].name, name) == 0)
			return &funcs[i];
	return NULL;
}
