/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlimit - resource limits of a container's processes.
 */
#ifndef PODIUM_SECURITY_RLIMIT_H
#define PODIUM_SECURITY_RLIMIT_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

struct rlimit_plan {
	int resource; /* RLIMIT_* */
	uint64_t soft;
	uint64_t hard;
};

/* The engine's defaults. */
extern const struct rlimit_plan rlimit_defaults[];
extern const size_t n_rlimit_defaults;

/* RLIMIT_* by the name that Docker gave it ("nofile"), or -1. */
int rlimit_by_name(const char *name);
/* Sets a limit that was asked for: it is never clamped. UINT64_MAX: no limit. */
int rlimit_apply(const struct rlimit_plan *p, struct error *err) must_check;
/* Raises the hard limit alone as far as the plan will need it, for a process that is to lose the
 * privilege; one that cannot be raised is left to rlimit_apply(). */
void rlimit_raise(const struct rlimit_plan *p);

/* Cuts a plan by the hard limit that cannot be raised. True when something was cut. */
bool rlimit_clamp(struct rlimit_plan *p, uint64_t hard_now, bool may_raise);

/* Sets the defaults for the calling process. One that the kernel does not let us raise is clamped
 * and named in ret_clamped, for example "nofile 524288 to 20000" (comma-separated). */
int rlimit_apply_defaults(struct buf *ret_clamped, struct error *err) must_check;

#endif
