/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seams - proof seams that exist only in test builds (-DPODIUM_SEAMS; VARIANT=debug|san|fuzz|cov).
 *
 * is_weakened("ROOT-3")  true when PODIUM_WEAKEN names that defence: its test must then fail.
 * stop_at("start:ports") the process kills itself with SIGKILL when PODIUM_STOP_AT names the boundary,
 *                        or sends itself the signal whose number PODIUM_STOP_SIGNAL is.
 * seam_fail("openat2")   errno to fail with at the n-th call (PODIUM_FAIL="openat2:3:EIO"), else 0.
 * seam_timer_ms("disk", ms) that time, or the shorter one of PODIUM_TIMERS="disk:200".
 * The variables are read from the environment of the podium command and handed on to its helpers.
 */
#ifndef PODIUM_BASE_SEAMS_H
#define PODIUM_BASE_SEAMS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef PODIUM_SEAMS
bool is_weakened(const char *id);
void stop_at(const char *stage);
int seam_fail(const char *call);
int64_t seam_timer_ms(const char *timer, int64_t ms);
/* The seam variables of this process as an environment for a helper (static, NULL-terminated). */
char **seam_environment(void);
#else
static inline bool is_weakened(const char *id)
{
	(void)id;
	return false;
}
static inline void stop_at(const char *stage)
{
	(void)stage;
}
static inline int seam_fail(const char *call)
{
	(void)call;
	return 0;
}
static inline int64_t seam_timer_ms(const char *timer, int64_t ms)
{
	(void)timer;
	return ms;
}
static inline char **seam_environment(void)
{
	return (void *)0;
}
#endif
#define WEAKEN(id)     is_weakened(id)
#define STOP_AT(stage) stop_at(stage)

#endif
