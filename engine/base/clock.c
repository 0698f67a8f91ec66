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
	char day[32];

	if (!localtime_r(&sec, &tm))
		gmtime_r(&(time_t){ 0 }, &tm);
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	offset_min = tm.tm_gmtoff / 60;
	(void)snprintf(out, size, "%s.%09lld%c%02ld:%02ld", day, (long long)(wall_ns % 1000000000),
		       offset_min < 0 ? '-' : '+', (offset_min < 0 ? -offset_min : offset_min) / 60,
		       (offset_min < 0 ? -offset_min : offset_min) % 60);
}

void clock_human(int64_t s, char *out, size_t size)
{
	static const struct {
		int64_t below, unit;
		const char *name;
	} steps[] = {
		{ 60, 1, "seconds" },
		{ 46 * 60, 60, "minutes" },
		{ 48 * 3600, 3600, "hours" },
		{ 14 * 86400, 86400, "days" },
		{ 60 * 86400, 7 * 86400, "weeks" },
		{ 730 * 86400, 30 * 86400, "months" },
	};

	if (s < 1)
		(void)snprintf(out, size, "Less than a second");
	else if (s == 1)
		(void)snprintf(out, size, "1 second");
	else if (s >= 60 && s < 120)
		(void)snprintf(out, size, "About a minute");
	else if (s >= 46 * 60 && s < 90 * 60)
		(void)snprintf(out, size, "About an hour");
	else {
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			int64_t n = steps[i].unit == 3600 ? (s + 1800) / 3600 : s / steps[i].unit;

			if (s < steps[i].below) {
				(void)snprintf(out, size, "%lld %s", (long long)n, steps[i].name);
				return;
			}
		}
		(void)snprintf(out, size, "%lld years", (long long)(s / (365 * 86400)));
	}
}
