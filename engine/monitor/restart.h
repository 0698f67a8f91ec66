/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart - whether and when a container is started again. Pure: time comes in, a delay goes out.
 *
 * Played pods follow the kubelet: the first restart at once, then 10, 20, 40 ... 300 s, reset after
 * ten minutes of running; clean exits under Always count. Others restart at once, slightly damped: after
 * 0.1 s, then up to 1 s while they do not live for ten.
 */
#ifndef PODIUM_MONITOR_RESTART_H
#define PODIUM_MONITOR_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pod/spec.h"

struct restart_state {
	int64_t delay_ms; /* of the last restart */
	bool had_first;
};

#define RESTART_BACKOFF_FIRST_MS 10000
#define RESTART_BACKOFF_MAX_MS	 300000
#define RESTART_BACKOFF_RESET_MS 600000
#define RESTART_DAMPED_MS	 100   /* without back-off: the first, doubled each time */
#define RESTART_DAMPED_MAX_MS	 1000
#define RESTART_DAMPED_RESET_MS	 10000

/* True when the policy starts the container again after this exit code. */
bool is_restart_wanted(enum restart_policy policy, int exit_code);

/* Delay before the next start, in ms; ran_ms is how long the container ran. */
int64_t restart_next_delay_ms(struct restart_state *st, bool backoff, int64_t ran_ms);

/* Whether a rule of the container's own fits: it is then started again whatever the policy says. */
bool is_restart_ruled(const struct restart_rule_list *rules, int exit_code);

#endif
