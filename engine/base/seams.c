/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seams - what test builds can break on purpose; empty in a release.
 *
 * Theory of operation: five environment variables, read at each use (a seam is never on a hot
 * path). PODIUM_FAIL counts calls per process. The variables travel from podium to its helpers by
 * seam_environment(), since helpers otherwise start with an empty environment.
 */
#include "engine/base/seams.h"

#ifdef PODIUM_SEAMS
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"

/* True when the comma separated list holds the item. */
static bool is_listed(const char *list, const char *item)
{
	size_t n = strlen(item);

	for (const char *p = list; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, item, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	return false;
}

bool is_weakened(const char *id)
{
	return is_listed(getenv("PODIUM_WEAKEN"), id);
}

void stop_at(const char *stage)
{
	const char *other = getenv("PODIUM_STOP_SIGNAL");
	uint64_t sig = SIGKILL;

	if (other && parse_u64(other, NSIG - 1, &sig) < 0)
		abort();
	if (is_listed(getenv("PODIUM_STOP_AT"), stage))
		(void)kill(getpid(), (int)sig);
}

int seam_fail(const char *call)
{
	static const struct {
		const char *name;
		int code;
	} codes[] = { { "EIO", EIO },	    { "ENOSPC", ENOSPC }, { "EMFILE", EMFILE },
		      { "ENOMEM", ENOMEM }, { "EPERM", EPERM },	  { "ENOSYS", ENOSYS },
		      { "EROFS", EROFS },   { "EAGAIN", EAGAIN } };
	static unsigned int count;
	const char *spec = getenv("PODIUM_FAIL");
	const char *nth = spec ? strchr(spec, ':') : NULL;
	const char *code = nth ? strchr(nth + 1, ':') : NULL;
	cleanup_free char *number = NULL;
	uint64_t n = 0;

	if (!code || strncmp(spec, call, strlen(call)) != 0 || spec[strlen(call)] != ':')
		return 0;
	number = xstrndup(nth + 1, (size_t)(code - nth - 1));
	if (parse_u64(number, 1000000, &n) < 0 || ++count != n)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(codes[i].name, code + 1) == 0)
			return codes[i].code;
	return EIO;
}

int64_t seam_timer_ms(const char *timer, int64_t ms)
{
	const char *spec = getenv("PODIUM_TIMERS");
	size_t n = strlen(timer);
	uint64_t shorter = 0;

	if (!spec || strncmp(spec, timer, n) != 0 || spec[n] != ':' ||
	    parse_u64(spec + n + 1, (uint64_t)ms, &shorter) < 0)
		return ms;
	return (int64_t)shorter;
}

char **seam_environment(void)
{
	static const char *const names[] = {
		"PODIUM_WEAKEN=", "PODIUM_STOP_AT=", "PODIUM_STOP_SIGNAL=", "PODIUM_FAIL=",
		"PODIUM_TIMERS=", "PODIUM_BOOT_ID=", "PODIUM_CGROUP_ROOT=", "ASAN_OPTIONS=",
		"UBSAN_OPTIONS=", "LSAN_OPTIONS="
	};
	static char *found[ARRAY_SIZE(names) + 1];
	size_t n = 0;

	for (char **e = environ; *e; e++)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (strncmp(*e, names[i], strlen(names[i])) == 0 && n < ARRAY_SIZE(names))
				found[n++] = *e;
	found[n] = NULL;
	return found;
}
#else
typedef int seams_are_not_in_this_build;
#endif
