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

#include "engine/base/error.h"
#include "engine/state/layout.h"

/* Runs the monitor of a container until the container has ended for good. conductor_fd is a
 * SEQPACKET socket on which events are sent and commands received (see ctl.h), or -1: then the
 * container is started at once. launch_fd: sealed podium-launch for the first start, or -1. Takes
 * over the store. Returns 0, or -errno when it could not begin (another monitor holds the lock,
 * records unreadable). Runs as the container's parent in the initial namespaces of the engine. */
int monitor_run(struct store *store, const char *container_id, int conductor_fd, int launch_fd,
		struct error *err) must_check;

#endif
