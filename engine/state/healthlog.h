/* SPDX-License-Identifier: Apache-2.0 */
/*
 * healthlog - containers/<id>/healthcheck.log: what a container's HEALTHCHECK has said last.
 *
 * One JSON object with the member names of Podman's `State.Health`: {Status, FailingStreak,
 * Log[{Start, End, ExitCode, Output}]}, replaced after each check by the container's monitor.
 */
#ifndef PODIUM_STATE_HEALTHLOG_H
#define PODIUM_STATE_HEALTHLOG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

#define HEALTHLOG_FILE	    "healthcheck.log"
#define HEALTHLOG_MAX_BYTES 65536
#define HEALTH_RESULTS_MAX  5
#define HEALTH_OUTPUT_MAX   500

enum health_status { HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_STATUS__COUNT };
extern const char *const health_status_names[]; /* "starting", "healthy", "unhealthy" */

struct health_result {
	int64_t start_ns; /* wall clock */
	int64_t end_ns;
	int exit_code; /* -1: it took too long */
	char output[HEALTH_OUTPUT_MAX + 1];
};
struct health_log {
	enum health_status status;
	int64_t failing_streak;
	size_t n;
	struct health_result results[HEALTH_RESULTS_MAX]; /* oldest first */
};

/* A place for a new result, the last of the list; the oldest goes when it is full. */
struct health_result *health_log_next(struct health_log *log);
/* Without fsync: it is of a container that runs. */
int health_log_write(const struct store *s, const char *container_id, const struct health_log *log,
		     struct error *err) must_check;
/* What inspect shows as State.Health; Status "" and no results when there is none (yet), or none that
 * can be read. New reference, never NULL. */
json_t *health_log_read(const struct store *s, const char *container_id);

#endif
