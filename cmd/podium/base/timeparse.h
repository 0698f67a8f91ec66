/* SPDX-License-Identifier: Apache-2.0 */
/* timeparse - points in time and durations as people type them for --since, --until and filters. */
#ifndef PODIUM_CMD_TIMEPARSE_H
#define PODIUM_CMD_TIMEPARSE_H

#include <stdint.h>

#include "engine/base/error.h"

/* "10m", "1h30m", "1.5s", "250ms": a Go duration, in nanoseconds. -EINVAL. */
int duration_parse(const char *s, int64_t *ret_ns) must_check;

/* A moment in nanoseconds since 1970: RFC 3339 (with or without fraction and zone; without: local
 * time; the date alone: its midnight), seconds since 1970 (with or without fraction), or a
 * duration, which counts back from now. -EINVAL with err set. */
int time_parse(const char *s, int64_t now_ns, int64_t *ret_ns, struct error *err) must_check;

#endif
