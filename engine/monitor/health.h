/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health - the container's HEALTHCHECK, asked by its monitor.
 *
 * Called by watch.c beside the probes; a container without a check has no struct monitor_health and
 * pays nothing.
 */
#ifndef PODIUM_MONITOR_HEALTH_H
#define PODIUM_MONITOR_HEALTH_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

struct monitor;
struct container_spec;

/* Takes over what the spec has of it. None: m->health stays NULL. */
void monitor_health_open(struct monitor *m, struct container_spec *spec);
void monitor_health_close(struct monitor *m);
/* The program runs; to be called before its record is written. */
void monitor_health_begin(struct monitor *m);
/* Nothing is asked any more. */
void monitor_health_end(struct monitor *m);
/* Calls off what is asked; it is asked again lasted_ms after the pause. */
void monitor_health_pause(struct monitor *m);
void monitor_health_unpause(struct monitor *m, int64_t lasted_ms);
/* `healthcheck run`: asks now; the client gets CTL_OK with the exit code (0 is healthy, 1 not) and the
 * status as text, or CTL_FAILED. */
void monitor_health_ask(struct monitor *m, int fd);
size_t monitor_health_polls(struct monitor *m, struct pollfd *p);
void monitor_health_dispatch(struct monitor *m, const struct pollfd *p);
/* Does what is due. */
void monitor_health_tick(struct monitor *m);
/* Monotonic ms, or PROBESTATE_NEVER. */
int64_t monitor_health_deadline_ms(const struct monitor *m);

#endif
