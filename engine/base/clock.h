/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - monotonic time for every timer, wall time for every record.
 */
#ifndef PODIUM_BASE_CLOCK_H
#define PODIUM_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
/* Nanoseconds since 1970 UTC. */
int64_t clock_wall_ns(void);
/* RFC 3339 in local time as Go's RFC3339Nano writes it: a fraction without its trailing zeros, Z for
 * an offset of nought ("2026-11-22T01:02:03.12345+01:00", "2026-11-22T00:02:03Z"). */
void clock_rfc3339(int64_t wall_ns, char *out, size_t size);
/* "2 minutes", "About an hour", "3 days": go-units' HumanDuration, as docker and podman print it. */
void clock_human(int64_t seconds, char *out, size_t size);

#endif
