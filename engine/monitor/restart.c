/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart - the back-off arithmetic.
 *
 * Theory of operation: state is two numbers in the monitor; nothing here reads a clock, so the unit
 * test walks hours in microseconds. The first restart is immediate because most failures of a
 * start-up are races; from the second on the delay doubles, so a crash loop costs next to nothing.
 */
#include "engine/monitor/restart.h"

#include <stdio.h>

bool is_restart_wanted(enum restart_policy policy, int exit_code)
{
	if (policy == RESTART_ALWAYS)
		return true;
	return policy == RESTART_ON_FAILURE && exit_code != 0;
}

static int64_t next_damped_ms(struct restart_state *st, int64_t ran_ms)
{
	st->delay_ms = st->delay_ms && ran_ms < RESTART_DAMPED_RESET_MS ? st->delay_ms * 2
									 : RESTART_DAMPED_MS;
	if (st->delay_ms > RESTART_DAMPED_MAX_MS)
		st->delay_ms = RESTART_DAMPED_MAX_MS;
	return st->delay_ms;
}

int64_t restart_next_delay_ms(struct restart_state *st, bool backoff, int64_t ran_ms)
{
	if (!backoff)
		return next_damped_ms(st, ran_ms);
	if (ran_ms >= RESTART_BACKOFF_RESET_MS)
		*st = (struct restart_state){ 0 };
	if (!st->had_first) {
		st->had_first = true;
		return 0;
	}
	st->delay_ms = st->delay_ms ? st->delay_ms * 2 : RESTART_BACKOFF_FIRST_MS;
	if (st->delay_ms > RESTART_BACKOFF_MAX_MS)
		st->delay_ms = RESTART_BACKOFF_MAX_MS;
	return st->delay_ms;
}

bool is_restart_ruled(const struct restart_rule_list *rules, int exit_code)
{
	char code[16];

	(void)snprintf(code, sizeof(code), "%d", exit_code);
	for (size_t i = 0; i < rules->n; i++)
		if (strlist_has(&rules->v[i].codes, code) != rules->v[i].not_in)
			return true;
	return false;
}
