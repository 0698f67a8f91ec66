/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - two clocks: CLOCK_MONOTONIC decides, CLOCK_REALTIME is written down.
 *
 * Theory of operation: no timer may depend on wall time, so that a clock jump never kills or
 * prolongs anything. Text forms go through localtime_r, which reads the zone once.
 */
#include "engine/base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_mono_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t clock_wall_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void clock_rfc3339(int64_t wall_ns, char *out, size_t size)
{
	time_t sec = (time_t)(wall_ns / 1000000000);
	long offset_min;
	struct tm tm;
	char day[32], fraction[24], zone[48];

	if (!localtime_r(&sec, &tm))
		gmtime_r(&(time_t){ 0 }, &tm);
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(fraction, sizeof(fraction), ".%09lld", (long long)(wall_ns % 1000000000));
	for (char *end = fraction + 9; *end == '0' || *end == '.'; end--)
		*end = '\0';
	offset_min = tm.tm_gmtoff / 60;
	(void)snprintf(zone, sizeof(zone), "%c%02ld:%02ld", offset_min < 0 ? '-' : '+',
		       (offset_min < 0 ? -offset_min : offset_min) / 60,
		       (offset_min < 0 ? -offset_min : offset_min) % 60);
	(void)snprintf(out, size, "%s%s%s", day, fraction, tm.tm_gmtoff == 0 ? "Z" : zone);
}

void clock_human(int64_t s, char *out, size_t size)
{
	static const struct {
		int64_t below_hours, unit_hours;
		const char *name;
	} steps[] = {
		{ 48, 1, "hours" },
		{ 14 * 24, 24, "days" },
		{ 60 * 24, 7 * 24, "weeks" },
		{ 2 * 365 * 24, 30 * 24, "months" },
	};
	int64_t hours = (s + 1800) / 3600;

	if (s < 1)
		(void)snprintf(out, size, "Less than a second");
	else if (s == 1)
		(void)snprintf(out, size, "1 second");
	else if (s < 60)
		(void)snprintf(out, size, "%d seconds", (int)s);
	else if (s < 120)
		(void)snprintf(out, size, "About a minute");
	else if (s < 3600)
		(void)snprintf(out, size, "%d minutes", (int)(s / 60));
	else if (hours == 1)
		(void)snprintf(out, size, "About an hour");
	else {
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			if (hours >= steps[i].below_hours)
				continue;
			(void)snprintf(out, size, "%lld %s",
				       (long long)(hours / steps[i].unit_hours), steps[i].name);
			return;
		}
		(void)snprintf(out, size, "%lld years", (long long)(s / 3600 / 24 / 365));
	}
}
