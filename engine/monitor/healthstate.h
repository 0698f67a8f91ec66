/* SPDX-License-Identifier: Apache-2.0 */
/*
 * healthstate - what the answers of a HEALTHCHECK mean. Pure: neither clocks nor processes.
 *
 * Podman's rules: a good answer is "healthy" at once; as many bad ones in a row as `retries` says are
 * "unhealthy", but none counts within the start period. A startup check is asked first, until it has
 * passed as often in a row as it must; when it has failed too often the container is restarted.
 */
#ifndef PODIUM_MONITOR_HEALTHSTATE_H
#define PODIUM_MONITOR_HEALTHSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pod/spec.h"
#include "engine/state/healthlog.h"

struct health_state {
	enum health_status status;
	int64_t failing_streak;
	bool is_starting; /* the startup check has not passed yet */
	int64_t startup_passed;
	int64_t startup_failed;
};

enum health_step {
	HEALTH_STEP_NONE,
	HEALTH_STEP_STARTED, /* the startup check has passed: the other may be asked now */
	HEALTH_STEP_RESTART, /* the startup check has failed too often */
	HEALTH_STEP_ACT,     /* it is unhealthy: what the spec says of that */
};

/* The container has been started. */
void health_state_begin(struct health_state *st, const struct health_spec *spec);
/* The answer of a check, that of startup or the other. */
enum health_step health_state_result(struct health_state *st, const struct health_spec *spec,
				     bool is_good, bool in_start_period);

#endif
