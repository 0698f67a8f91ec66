/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health - HEALTHCHECK NONE, HEALTHCHECK [--interval=30s ...] CMD command.
 *
 * Theory of operation: the flags are durations and a count; the command behind CMD is a JSON list or
 * text for a shell. Docker's image format holds all of it; so does our configuration.
 */
#include "engine/build/health.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "engine/base/json.h"
#include "engine/build/internal.h"

#define SECOND_NS INT64_C(1000000000)

/* The unit at *p, longest names first, in nanoseconds; 0: none. */
static int64_t take_unit(const char **p)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "\xc2\xb5s", 1000 },
		{ "ms", 1000000 },
		{ "s", SECOND_NS },
		{ "m", 60 * SECOND_NS },
		{ "h", 3600 * SECOND_NS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (is_prefix(*p, units[i].name)) {
			*p += strlen(units[i].name);
			return units[i].ns;
		}
	return 0;
}

/* Digits, perhaps a point and digits, a unit; added to *sum. */
static int take_part(const char **p, int64_t *sum)
{
	size_t whole = strspn(*p, "0123456789");
	size_t point = (*p)[whole] == '.';
	size_t part = point ? strspn(*p + whole + 1, "0123456789") : 0;
	cleanup_free char *digits = xstrndup(*p, whole);
	cleanup_free char *fraction = point ? xstrndup(*p + whole + 1, part) : xstrdup("");
	uint64_t n = 0;
	int64_t unit, ns, scale;

	if (!whole && !part)
		return -EINVAL;
	if (whole && parse_u64(digits, INT64_MAX, &n) < 0)
		return -ERANGE;
	*p += whole + point + part;
	unit = scale = take_unit(p);
	if (!unit)
		return -EINVAL;
	if (__builtin_mul_overflow((int64_t)n, unit, &ns))
		return -ERANGE;
	for (const char *d = fraction; *d && (scale /= 10); d++)
		ns += scale * (*d - '0');
	return __builtin_add_overflow(*sum, ns, sum) ? -ERANGE : 0;
}

/* "1m30s", "500ms", "1.5h" in nanoseconds, as Go reads it; not negative. -EINVAL, -ERANGE. */
static int parse_duration(const char *text, int64_t *ret_ns)
{
	int64_t sum = 0;
	int r = 0;

	if (is_equal(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	if (!*text)
		return -EINVAL;
	while (r == 0 && *text)
		r = take_part(&text, &sum);
	if (r == 0)
		*ret_ns = sum;
	return r;
}

static int get_duration(const struct instruction *i, const char *flag, int64_t *ret,
			struct error *err)
{
	const char *text = instruction_flag(i, flag);

	if (!text)
		return 0;
	if (parse_duration(text, ret) < 0 || (*ret && *ret < 1000000))
		return error_set(err, EINVAL, "--%s=%.50s: a time like 30s, at least 1ms", flag,
				 text);
	return 0;
}

static int get_flags(const struct instruction *i, struct image_health *h, struct error *err)
{
	const char *retries = instruction_flag(i, "retries");
	uint64_t n = 0;
	int r = get_duration(i, "interval", &h->interval_ns, err);

	if (r == 0)
		r = get_duration(i, "timeout", &h->timeout_ns, err);
	if (r == 0)
		r = get_duration(i, "start-period", &h->start_period_ns, err);
	if (r == 0 && instruction_flag(i, "start-interval"))
		r = error_set(err, EOPNOTSUPP, "HEALTHCHECK --start-interval is not supported");
	if (r == 0 && retries && parse_u64(retries, 1000000, &n) < 0)
		r = error_set(err, EINVAL, "--retries=%.50s: a number", retries);
	h->retries = (int64_t)n;
	return r;
}

/* The command behind CMD. */
static void get_test(const char *text, struct strlist *ret)
{
	cleanup_json json_t *j = NULL;
	struct error scratch; /* what is no JSON is text */
	bool is_list = *text == '[' && jload_text(text, strlen(text), "list", &j, &scratch) == 0 &&
		       json_is_array(j);

	for (size_t k = 0; is_list && k < json_array_size(j); k++)
		is_list = json_is_string(json_array_get(j, k));
	strlist_add(ret, is_list ? "CMD" : "CMD-SHELL");
	for (size_t k = 0; is_list && k < json_array_size(j); k++)
		strlist_add(ret, json_string_value(json_array_get(j, k)));
	if (!is_list)
		strlist_add(ret, text);
}

int build_health(const struct instruction *i, struct image_health *ret, struct error *err)
{
	struct image_health h = { .retries = 0 };
	const char *p = i->args + strcspn(i->args, " \t");
	size_t word = (size_t)(p - i->args);
	int r;

	while (is_blank(*p))
		p++;
	if (word == 4 && strncasecmp(i->args, "NONE", 4) == 0) {
		if (*p || i->flags.n)
			return error_set(err, EINVAL, "HEALTHCHECK NONE stands alone");
		strlist_add(&h.test, "NONE");
	} else if (word == 3 && strncasecmp(i->args, "CMD", 3) == 0 && *p) {
		r = get_flags(i, &h, err);
		if (r < 0)
			return r;
		get_test(p, &h.test);
	} else {
		return error_set(err, EINVAL, "HEALTHCHECK is NONE, or CMD and a command");
	}
	strlist_done(&ret->test);
	*ret = h;
	return 0;
}
