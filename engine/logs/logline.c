/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logline - stamping and taking apart log records.
 *
 * Theory of operation: all lines that one read(2) brought get the same time, so a prefix is made
 * once a read and copied to each line. The calendar is worked out only when the second changes;
 * it is done here, not by gmtime_r(3), which may read the time zone files and allocate, and the
 * monitor does neither.
 *
 * The parser is fed from a file that a crash may have torn: it believes nothing, looks only inside
 * the given length, and needs no terminator.
 */
#include "engine/logs/logline.h"

#include <errno.h>
#include <string.h>

#define NS_PER_S	1000000000LL
#define S_PER_DAY	86400LL
#define DAYS_PER_ERA	146097 /* 400 years */
#define DAYS_TO_1970	719468 /* from 1 March of year 0 */
#define YEAR_MIN	1970
#define YEAR_MAX	2261 /* nanoseconds in 63 bits end in 2262 */
#define FRACTION_DIGITS 9

/* ---- calendar ------------------------------------------------------------------------------ */

struct civil {
	int year, month, day;
};

/* Years are counted from 1 March, so that the leap day is the last of its year. */
static struct civil civil_of_days(int64_t days)
{
	int64_t z = days + DAYS_TO_1970, era = z / DAYS_PER_ERA, doe = z % DAYS_PER_ERA;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	struct civil c;

	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c.year = (int)(yoe + era * 400) + (c.month <= 2 ? 1 : 0);
	return c;
}

static int64_t days_of_civil(struct civil c)
{
	int64_t y = c.month <= 2 ? c.year - 1 : c.year, yoe = y % 400;
	int64_t doy = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return y / 400 * DAYS_PER_ERA + doe - DAYS_TO_1970;
}

static bool is_date(struct civil c)
{
	struct civil back;

	if (c.year < YEAR_MIN || c.year > YEAR_MAX || c.month < 1 || c.month > 12 || c.day < 1 ||
	    c.day > 31)
		return false;
	back = civil_of_days(days_of_civil(c));
	return back.day == c.day && back.month == c.month;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void put_digits(char *out, int64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
}

static void stamp_second(struct logline_stamp *stamp, int64_t second)
{
	struct civil c = civil_of_days(second / S_PER_DAY);
	int64_t s = second % S_PER_DAY;

	memcpy(stamp->text, "0000-00-00T00:00:00.000000000+00:00", LOGLINE_TIME_LEN + 1);
	put_digits(stamp->text, c.year, 4);
	put_digits(stamp->text + 5, c.month, 2);
	put_digits(stamp->text + 8, c.day, 2);
	put_digits(stamp->text + 11, s / 3600, 2);
	put_digits(stamp->text + 14, s / 60 % 60, 2);
	put_digits(stamp->text + 17, s % 60, 2);
	stamp->second = second;
}

void logline_prefix(struct logline_stamp *stamp, int64_t wall_ns, enum log_stream stream,
		    char out[LOGLINE_PREFIX_LEN])
{
	if (wall_ns < 0)
		wall_ns = 0;
	if (stamp->second != wall_ns / NS_PER_S)
		stamp_second(stamp, wall_ns / NS_PER_S);
	put_digits(stamp->text + 20, wall_ns % NS_PER_S, FRACTION_DIGITS);
	memcpy(out, stamp->text, LOGLINE_TIME_LEN);
	memcpy(out + LOGLINE_TIME_LEN, stream == LOG_STDOUT ? " stdout F " : " stderr F ",
	       LOGLINE_PREFIX_LEN - LOGLINE_TIME_LEN);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Exactly n digits; moves on. */
static bool take_digits(const char **s, const char *end, int n, int *ret)
{
	int value = 0;

	if (end - *s < n)
		return false;
	for (int i = 0; i < n; i++, ++*s) {
		if (**s < '0' || **s > '9')
			return false;
		value = value * 10 + (**s - '0');
	}
	*ret = value;
	return true;
}

static bool take_char(const char **s, const char *end, const char *set)
{
	if (*s == end || !**s || !strchr(set, **s))
		return false;
	++*s;
	return true;
}

/* ".123", any number of digits, those after the ninth ignored; none is zero. */
static bool take_fraction(const char **s, const char *end, int64_t *ret_ns)
{
	int64_t ns = 0;
	int digits = 0;

	*ret_ns = 0;
	if (!take_char(s, end, "."))
		return true;
	for (; *s < end && **s >= '0' && **s <= '9'; ++*s, digits++)
		if (digits < FRACTION_DIGITS)
			ns = ns * 10 + (**s - '0');
	for (int i = digits; i < FRACTION_DIGITS; i++)
		ns *= 10;
	*ret_ns = ns;
	return digits > 0;
}

/* "Z" or "+01:00": seconds east of Greenwich. */
static bool take_offset(const char **s, const char *end, int64_t *ret_s)
{
	int hours, minutes;
	bool west;

	*ret_s = 0;
	if (take_char(s, end, "Zz"))
		return true;
	west = *s < end && **s == '-';
	if (!take_char(s, end, "+-") || !take_digits(s, end, 2, &hours) ||
	    !take_char(s, end, ":") || !take_digits(s, end, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*ret_s = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

int logline_parse_time(const char *s, size_t len, int64_t *ret_wall_ns)
{
	const char *end = s + len;
	int64_t ns, offset, seconds;
	struct civil c;
	int h, m, sec;

	if (!take_digits(&s, end, 4, &c.year) || !take_char(&s, end, "-") ||
	    !take_digits(&s, end, 2, &c.month) || !take_char(&s, end, "-") ||
	    !take_digits(&s, end, 2, &c.day) || !take_char(&s, end, "Tt") ||
	    !take_digits(&s, end, 2, &h) || !take_char(&s, end, ":") ||
	    !take_digits(&s, end, 2, &m) || !take_char(&s, end, ":") ||
	    !take_digits(&s, end, 2, &sec) || !take_fraction(&s, end, &ns) ||
	    !take_offset(&s, end, &offset) || s != end)
		return -EBADMSG;
	if (!is_date(c) || h > 23 || m > 59 || sec > 60)
		return -EBADMSG;
	seconds = days_of_civil(c) * S_PER_DAY + h * 3600 + m * 60 + sec - offset;
	*ret_wall_ns = seconds * NS_PER_S + ns;
	return 0;
}

int logline_parse(const char *line, size_t len, struct logline *ret)
{
	const char *space = memchr(line, ' ', len), *end = line + len, *s;
	struct logline l = { .time = line };

	if (!space)
		return -EBADMSG;
	l.time_len = (size_t)(space - line);
	s = space + 1;
	/* "stdout F " */
	if (end - s < 9)
		return -EBADMSG;
	if (memcmp(s, "stdout ", 7) == 0)
		l.stream = LOG_STDOUT;
	else if (memcmp(s, "stderr ", 7) == 0)
		l.stream = LOG_STDERR;
	else
		return -EBADMSG;
	s += 7;
	if ((*s != 'F' && *s != 'P') || s[1] != ' ')
		return -EBADMSG;
	l.partial = *s == 'P';
	l.text = s + 2;
	l.text_len = (size_t)(end - l.text);
	if (logline_parse_time(l.time, l.time_len, &l.wall_ns) < 0)
		return -EBADMSG;
	*ret = l;
	return 0;
}
