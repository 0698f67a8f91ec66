/* SPDX-License-Identifier: Apache-2.0 */
/*
 * healthstate - counting answers.
 */
#include "engine/monitor/healthstate.h"

void health_state_begin(struct health_state *st, const struct health_spec *spec)
{
	*st = (struct health_state){ .status = HEALTH_STARTING,
				     .is_starting = spec->startup_test.n > 0 };
}

static enum health_step take_startup(struct health_state *st, const struct health_spec *spec,
				     bool is_good)
{
	int64_t needed = spec->startup_successes > 0 ? spec->startup_successes : 1;

	if (!is_good) {
		st->startup_passed = 0;
		st->startup_failed++;
		return spec->startup_retries > 0 && st->startup_failed >= spec->startup_retries
			       ? HEALTH_STEP_RESTART
			       : HEALTH_STEP_NONE;
	}
	if (++st->startup_passed < needed)
		return HEALTH_STEP_NONE;
	st->is_starting = false;
	if (spec->test.n == 0)
		st->status = HEALTH_HEALTHY;
	return HEALTH_STEP_STARTED;
}

enum health_step health_state_result(struct health_state *st, const struct health_spec *spec,
				     bool is_good, bool in_start_period)
{
	if (st->is_starting)
		return take_startup(st, spec, is_good);
	if (is_good) {
		st->failing_streak = 0;
		st->status = HEALTH_HEALTHY;
	} else if (!in_start_period) {
		st->failing_streak++;
		if (st->failing_streak >= spec->retries)
			st->status = HEALTH_UNHEALTHY;
	}
	return !is_good && st->status == HEALTH_UNHEALTHY ? HEALTH_STEP_ACT : HEALTH_STEP_NONE;
}
