/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeparse - times and durations.
 *
 * Theory of operation: strict, digit by digit, no locale: the whole string must be used up. A
 * moment is tried as a date, as seconds, as a duration, in this order; what is none of them is
 * refused, so that a typo does not print the whole log. A local time is asked of mktime(3), which
 * knows summer time; a time with a zone is computed by timegm(3) and its offset.
 *
 * Limits: years 1970 to 2200; durations up to 200 years.
 */
#include "cmd/podium/base/timeparse.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"

#define NS		1000000000LL
#define YEAR_MIN	1970
#define YEAR_MAX	2200
#define DURATION_MAX_NS (200LL * 365 * 86400 * NS)

/* Exactly n digits. */
static bool read_digits(const char **p, size_t n, int *ret)
{
	int value = 0;

	for (size_t i = 0; i < n; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return false;
		value = value * 10 + (**p - '0');
	}
	*ret = value;
	return true;
}

static bool read_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* ".123456": in nanoseconds; more digits than nine are cut. Nothing there: 0. */
static bool read_fraction(const char **p, int64_t *ret_ns)
{
	int64_t unit = NS / 10;

	*ret_ns = 0;
	if (!read_char(p, '.'))
		return true;
	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++, unit /= 10)
		*ret_ns += unit * (**p - '0');
	return true;
}

/* "Z", "+01:00". Nothing there: *ret_local. */
static bool read_zone(const char **p, int *ret_seconds, bool *ret_local)
{
	int hours = 0, minutes = 0;
	bool west = **p == '-';

	*ret_seconds = 0;
	*ret_local = !**p;
	if (*ret_local || read_char(p, 'Z') || read_char(p, 'z'))
		return true;
	if (**p != '+' && **p != '-')
		return false;
	(*p)++;
	if (!read_digits(p, 2, &hours) || !read_char(p, ':') || !read_digits(p, 2, &minutes))
		return false;
	*ret_seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

static bool read_clock(const char **p, struct tm *tm, int64_t *ret_fraction_ns)
{
	*ret_fraction_ns = 0;
	if (!read_digits(p, 2, &tm->tm_hour) || !read_char(p, ':') ||
	    !read_digits(p, 2, &tm->tm_min))
		return false;
	if (read_char(p, ':') &&
	    (!read_digits(p, 2, &tm->tm_sec) || !read_fraction(p, ret_fraction_ns)))
		return false;
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

static bool read_date(const char **p, struct tm *tm)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (!read_digits(p, 4, &tm->tm_year) || !read_char(p, '-') ||
	    !read_digits(p, 2, &tm->tm_mon) || !read_char(p, '-') ||
	    !read_digits(p, 2, &tm->tm_mday))
		return false;
	if (tm->tm_year < YEAR_MIN || tm->tm_year > YEAR_MAX || tm->tm_mon < 1 || tm->tm_mon > 12 ||
	    tm->tm_mday < 1 || tm->tm_mday > days[tm->tm_mon - 1])
		return false;
	if (tm->tm_mon == 2 && tm->tm_mday == 29 &&
	    (tm->tm_year % 4 != 0 || (tm->tm_year % 100 == 0 && tm->tm_year % 400 != 0)))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	return true;
}

static bool read_moment(const char *s, int64_t *ret_ns)
{
	struct tm tm = { .tm_isdst = -1 };
	int64_t fraction = 0;
	int zone = 0;
	bool local = true;

	if (!read_date(&s, &tm))
		return false;
	if (*s == 'T' || *s == 't' || *s == ' ') {
		s++;
		if (!read_clock(&s, &tm, &fraction))
			return false;
	}
	if (!read_zone(&s, &zone, &local) || *s)
		return false;
	*ret_ns = ((int64_t)(local ? mktime(&tm) : timegm(&tm)) - zone) * NS + fraction;
	return true;
}

static bool read_seconds(const char *s, int64_t *ret_ns)
{
	const char *dot = strchr(s, '.');
	cleanup_free char *whole = xstrndup(s, dot ? (size_t)(dot - s) : strlen(s));
	int64_t fraction = 0;
	uint64_t seconds = 0;

	if (parse_u64(whole, (uint64_t)(INT64_MAX / NS - 1), &seconds) < 0)
		return false;
	if (dot && (!read_fraction(&dot, &fraction) || *dot))
		return false;
	*ret_ns = (int64_t)seconds * NS + fraction;
	return true;
}

int duration_parse(const char *s, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 },   { "ms", 1000000 },
		      { "s", NS }, { "m", 60 * NS }, { "h", 3600 * NS } };
	int64_t total = 0;

	if (!*s)
		return -EINVAL;
	while (*s) {
		int64_t whole = 0, fraction = 0, unit = 0;
		bool digits = isdigit((unsigned char)*s);

		for (; isdigit((unsigned char)*s); s++) {
			if (whole > DURATION_MAX_NS / 10)
				return -EINVAL;
			whole = whole * 10 + (*s - '0');
		}
		if (!read_fraction(&s, &fraction) || !digits)
			return -EINVAL;
		for (size_t i = 0; i < ARRAY_SIZE(units) && !unit; i++) {
			size_t len = strlen(units[i].name);

			if (strncmp(s, units[i].name, len) == 0 &&
			    !isalpha((unsigned char)s[len])) {
				unit = units[i].ns;
				s += len;
			}
		}
		if (!unit || whole > (DURATION_MAX_NS - unit) / unit)
			return -EINVAL;
		if (__builtin_add_overflow(total,
					   whole * unit + (int64_t)((__int128)fraction * unit / NS),
					   &total) ||
		    total > DURATION_MAX_NS)
			return -EINVAL;
	}
	*ret_ns = total;
	return 0;
}

int time_parse(const char *s, int64_t now_ns, int64_t *ret_ns, struct error *err)
{
	int64_t back;

	if (read_moment(s, ret_ns) || read_seconds(s, ret_ns))
		return 0;
	if (duration_parse(s, &back) == 0) {
		*ret_ns = now_ns - back;
		return 0;
	}
	return error_set(err, EINVAL,
			 "'%.60s' is no time: use 2006-01-02T15:04:05Z, seconds since 1970, or a "
			 "duration such as 10m",
			 s);
}
