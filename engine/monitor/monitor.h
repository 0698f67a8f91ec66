/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor - keeps one container: owns its stdio and log, waits for its exit, restarts it by policy.
 *
 * The loop is one poll(2); helpers do what needs more code (podium-launch). Files of the room:
 * monitor.c the loop and the life of the container, stdio.c pipes, pty and log, control.c clients
 * of ctl.sock and the conductor.
 */
#ifndef PODIUM_MONITOR_MONITOR_H
#define PODIUM_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

struct monitor;
struct pollfd;

struct monitor_start {
	const char *container_id;
	/* A SEQPACKET socket on which events are sent and commands received (see ctl.h), or -1: then
	 * the container is started at once. The monitor's from now on, also after a failure. */
	int conductor_fd;
	int launch_fd; /* sealed podium-launch for the first start, or -1; the monitor's */
	int stdio[3];  /* with the log driver 'passthrough': its streams, or -1; the monitor's */
	bool is_conductor; /* the caller's loop serves it, and the caller conducts the pod */
};

/* Begins: takes the container's lock and lets podium-launch prepare it. -errno when it could not
 * (another monitor holds the lock, records unreadable), which the conductor is told, too. Must run
 * in a process that is to be the container's parent, in the initial namespaces of the engine. The
 * store's descriptors are borrowed. */
int monitor_open(const struct store *store, const struct monitor_start *start, struct monitor **ret,
		 struct error *err) must_check;
/* What is to be polled: at most monitor_polls_max() entries, which monitor_dispatch() takes back. */
size_t monitor_polls_max(void);
size_t monitor_polls(struct monitor *m, struct pollfd *p);
int monitor_timeout_ms(const struct monitor *m);
void monitor_dispatch(struct monitor *m, const struct pollfd *p);
/* After every poll: does what is due. False: the container has ended for good. was_idle: nothing had
 * come before the time was over. */
bool monitor_tick(struct monitor *m, bool was_idle);
void monitor_close(struct monitor *m);

/* All of it, in a process of its own, until the container has ended for good. */
int monitor_run(const struct store *store, const struct monitor_start *start,
		struct error *err) must_check;

#endif
