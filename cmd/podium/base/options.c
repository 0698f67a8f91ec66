/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - parses a command line by a table of options.
 *
 * Theory of operation: one pass over argv. A word that begins with '-' (and is not "-" alone) is an
 * option, or a bundle of one-letter options; a value is taken from the same word ("--x=v", "-n5",
 * "-n=5") or from the next one, whatever it looks like. Everything else is an argument and moves to
 * the front of argv, so that the caller sees argv[0..n_args). "--" ends the options. A command that
 * runs another command (exec, run) stops at its first argument instead.
 *
 * Booleans take a value only after '=' ("--all=false"), as pflag has it. Messages are pflag's in
 * substance, because scripts and people look for them. No abbreviation of long names.
 *
 * Should: stay free of printing and of exits. Mustn't: keep pointers to anything but argv.
 */
#include "cmd/podium/base/options.h"

#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"

struct parse {
	const struct option *table;
	char *values;
	int argc;
	char **argv;
	int i; /* index of the word at hand; a value taken from the next word advances it */
	struct options_result *ret;
};

static const struct option *find_long(const struct option *table, const char *name, size_t len)
{
	for (const struct option *o = table; o && o->name; o++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct option *find_letter(const struct option *table, char letter)
{
	for (const struct option *o = table; o && o->name; o++)
		if (o->letter && o->letter == letter)
			return o;
	return NULL;
}

static int refuse(const struct option *o, struct error *err)
{
	return error_set(err, EINVAL, "--%s is not supported: %s", o->name, o->help);
}

static int bad_value(const struct option *o, const char *value, const char *why, struct error *err)
{
	if (o->letter)
		return error_set(err, EINVAL,
				 "invalid argument \"%.100s\" for \"-%c, --%s\" flag: %s", value,
				 o->letter, o->name, why);
	return error_set(err, EINVAL, "invalid argument \"%.100s\" for \"--%s\" flag: %s", value,
			 o->name, why);
}

/* The words that pflag takes for a boolean. */
static int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (is_equal(s, yes[i]) || is_equal(s, no[i])) {
			*ret = is_equal(s, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

static int set_bool(const struct option *o, void *field, const char *value, struct error *err)
{
	bool b = true;

	if (value && parse_bool(value, &b) < 0)
		return bad_value(o, value, "not a boolean (true or false)", err);
	if (o->kind == OPTION_MAYBE)
		*(struct option_maybe *)field = (struct option_maybe){ .set = true, .value = b };
	else
		*(bool *)field = b;
	return 0;
}

static int set_number(const struct option *o, void *field, const char *value, struct error *err)
{
	int64_t min = o->kind == OPTION_SECONDS ? -1 : INT64_MIN;
	int64_t n;
	int r = parse_i64(value, min, INT64_MAX, &n);

	if (r < 0)
		return bad_value(o, value, r == -ERANGE ? "out of range" : "not a whole number",
				 err);
	if (o->kind == OPTION_INT)
		*(struct option_int *)field = (struct option_int){ .set = true, .value = n };
	else
		*(struct option_seconds *)field =
			(struct option_seconds){ .set = true, .value = n };
	return 0;
}

/* "a,b" are two values; an empty one is kept, so that "" can be told from nothing. */
static void add_words(struct strlist *list, const char *value)
{
	if (!*value)
		return; /* --filter "$NONE" */
	for (const char *at = value;; at++) {
		size_t len = strcspn(at, ",");

		strlist_take(list, xstrndup(at, len));
		at += len;
		if (!*at)
			return;
	}
}

static int check_fixed(const struct option *o, const char *value, struct error *err)
{
	bool is_boolean = is_option_boolean(o), b = true;

	if (is_boolean && value && parse_bool(value, &b) < 0)
		return bad_value(o, value, "not a boolean (true or false)", err);
	if (is_boolean)
		value = b ? "true" : "false";
	if (is_equal(value, o->value))
		return 0;
	return error_set(err, EINVAL, "--%s=%.100s is not supported, only '%s': %s", o->name, value,
			 o->value, o->help);
}

/* value is NULL only for a boolean without one. */
static int set_value(const struct parse *p, const struct option *o, const char *value,
		     struct error *err)
{
	void *field = p->values + o->offset;

	switch (o->kind) {
	case OPTION_BOOL:
	case OPTION_MAYBE:
		return set_bool(o, field, value, err);
	case OPTION_STRING:
		*(const char **)field = value;
		return 0;
	case OPTION_WORD:
		*(const char **)field = value ? value : "true";
		return 0;
	case OPTION_STRINGS:
		strlist_add(field, value);
		return 0;
	case OPTION_LIST:
		add_words(field, value);
		return 0;
	case OPTION_INT:
	case OPTION_SECONDS:
		return set_number(o, field, value, err);
	case OPTION_FIXED:
		return check_fixed(o, value, err);
	case OPTION_REFUSED:
		break;
	}
	return error_set(err, EINVAL, "option '--%s' has no kind", o->name);
}

static int parse_long(struct parse *p, const char *word, struct error *err)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] == '=' ? name + len + 1 : NULL;
	const struct option *o = find_long(p->table, name, len);

	if (len == 0)
		return error_set(err, EINVAL, "bad flag syntax: %.100s", word);
	if (!o && len == strlen("help") && memcmp(name, "help", len) == 0) {
		p->ret->help = true;
		return 0;
	}
	if (!o)
		return error_set(err, EINVAL, "unknown flag: --%.*s", len > 100 ? 100 : (int)len,
				 name);
	if (o->kind == OPTION_REFUSED)
		return refuse(o, err);
	if (!value && !is_option_boolean(o)) {
		if (p->i + 1 >= p->argc)
			return error_set(err, EINVAL, "flag needs an argument: --%s", o->name);
		value = p->argv[++p->i];
	}
	return set_value(p, o, value, err);
}

/* One letter of a bundle. Returns 1 when the rest of the word was its value, 0 to go on. */
static int parse_letter(struct parse *p, const char *word, const char *at, struct error *err)
{
	const struct option *o = find_letter(p->table, *at);
	const char *value = NULL;
	int r;

	if (!o && *at == 'h') {
		p->ret->help = true;
		return 0;
	}
	if (!o)
		return error_set(err, EINVAL, "unknown shorthand flag: '%c' in %.100s", *at, word);
	if (o->kind == OPTION_REFUSED)
		return refuse(o, err);
	if (at[1] == '=')
		value = at + 2;
	else if (!is_option_boolean(o) && at[1])
		value = at + 1;
	if (!value && !is_option_boolean(o)) {
		if (p->i + 1 >= p->argc)
			return error_set(err, EINVAL, "flag needs an argument: '%c' in %.100s", *at,
					 word);
		value = p->argv[++p->i];
	}
	r = set_value(p, o, value, err);
	return r < 0 ? r : value != NULL;
}

static int parse_bundle(struct parse *p, const char *word, struct error *err)
{
	for (const char *at = word + 1; *at; at++) {
		int r = parse_letter(p, word, at, err);

		if (r != 0)
			return r < 0 ? r : 0;
	}
	return 0;
}

int options_parse(const struct option *table, void *values, bool stop_at_first_arg, int argc,
		  char **argv, struct options_result *ret, struct error *err)
{
	struct parse p = { table, values, argc, argv, 0, ret };
	bool only_args = false;

	*ret = (struct options_result){ 0 };
	for (; p.i < argc; p.i++) {
		char *word = argv[p.i];
		int r;

		if (only_args || word[0] != '-' || !word[1]) {
			argv[ret->n_args++] = word;
			only_args = only_args || stop_at_first_arg;
		} else if (is_equal(word, "--")) {
			only_args = true;
		} else {
			r = word[1] == '-' ? parse_long(&p, word, err)
					   : parse_bundle(&p, word, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

void options_done(const struct option *table, void *values)
{
	for (const struct option *o = table; o && o->name; o++)
		if (o->kind == OPTION_STRINGS || o->kind == OPTION_LIST)
			strlist_done((void *)((char *)values + o->offset));
}
