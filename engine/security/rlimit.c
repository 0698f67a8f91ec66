/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlimit - resource limits of a container's processes.
 *
 * Theory of operation: only limits with a reason are set, all others are inherited from whoever
 * started podium. Core files are off unless a process turns them on itself; the descriptor limit is
 * low and may be raised, as for a service of the host; locked memory is small because it is charged
 * to nobody. A hard limit above the present one needs CAP_SYS_RESOURCE, which is often missing (in
 * containers, CI, user namespaces): then the plan is clamped instead of failing, and the caller is
 * told. The number of processes is the business of the pids controller. A limit that somebody asked
 * for is set as it is or refused.
 */
#include "engine/security/rlimit.h"

#include <errno.h>
#include <sys/resource.h>

#define NOFILE_SOFT   1024
#define NOFILE_HARD   524288
#define MEMLOCK_BYTES 65536

const struct rlimit_plan rlimit_defaults[] = {
	{ RLIMIT_CORE, 0, UINT64_MAX },
	{ RLIMIT_NOFILE, NOFILE_SOFT, NOFILE_HARD },
	{ RLIMIT_MEMLOCK, MEMLOCK_BYTES, MEMLOCK_BYTES },
};
const size_t n_rlimit_defaults = ARRAY_SIZE(rlimit_defaults);

static const struct {
	const char *name;
	int resource;
} names[] = {
	{ "as", RLIMIT_AS },	       { "core", RLIMIT_CORE },
	{ "cpu", RLIMIT_CPU },	       { "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE },     { "locks", RLIMIT_LOCKS },
	{ "memlock", RLIMIT_MEMLOCK }, { "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },       { "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC },     { "rss", RLIMIT_RSS },
	{ "rtprio", RLIMIT_RTPRIO },   { "rttime", RLIMIT_RTTIME },
	{ "stack", RLIMIT_STACK },     { "sigpending", RLIMIT_SIGPENDING },
};

int rlimit_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is_equal(names[i].name, name))
			return names[i].resource;
	return -1;
}

/* "nofile"; "?" for one that has no name here. */
static const char *name_of(int resource)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].resource == resource)
			return names[i].name;
	return "?";
}

bool rlimit_clamp(struct rlimit_plan *p, uint64_t hard_now, bool may_raise)
{
	if (may_raise || p->hard <= hard_now)
		return false;
	p->hard = hard_now;
	if (p->soft > hard_now)
		p->soft = hard_now;
	return true;
}

/* Tries the plan as it is, then clamped: only the kernel knows what may be raised. */
static int apply(struct rlimit_plan p, struct buf *ret_clamped, struct error *err)
{
	struct rlimit now, want = { p.soft, p.hard };
	uint64_t asked = p.hard;

	if (setrlimit((__rlimit_resource_t)p.resource, &want) == 0)
		return 0;
	if (errno != EPERM || getrlimit((__rlimit_resource_t)p.resource, &now) < 0)
		return error_errno(err, "limit %s", name_of(p.resource));
	(void)rlimit_clamp(&p, now.rlim_max, false);
	want = (struct rlimit){ p.soft, p.hard };
	if (setrlimit((__rlimit_resource_t)p.resource, &want) < 0)
		return error_errno(err, "limit %s", name_of(p.resource));
	if (asked != UINT64_MAX)
		buf_printf(ret_clamped, "%s%s %llu to %llu", ret_clamped->len ? ", " : "",
			   name_of(p.resource), (unsigned long long)asked,
			   (unsigned long long)p.hard);
	return 0;
}

int rlimit_apply(const struct rlimit_plan *p, struct error *err)
{
	struct rlimit want = { p->soft, p->hard };

	if (setrlimit((__rlimit_resource_t)p->resource, &want) == 0)
		return 0;
	if (errno == EPERM)
		return error_set(err, EPERM,
				 "limit %s: the hard limit %llu is above what podium "
				 "may set here",
				 name_of(p->resource), (unsigned long long)p->hard);
	return error_errno(err, "limit %s", name_of(p->resource));
}

void rlimit_raise(const struct rlimit_plan *p)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)p->resource, &now) < 0 || now.rlim_max >= p->hard)
		return;
	now.rlim_max = p->hard;
	(void)setrlimit((__rlimit_resource_t)p->resource, &now);
}

int rlimit_apply_defaults(struct buf *ret_clamped, struct error *err)
{
	for (size_t i = 0; i < n_rlimit_defaults; i++) {
		int r = apply(rlimit_defaults[i], ret_clamped, err);

		if (r < 0)
			return r;
	}
	return 0;
}
