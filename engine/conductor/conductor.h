/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conductor - brings one pod up and conducts its life; it is the monitor of the infra container.
 *
 * Files of the room: conductor.c begin, loop and end; members.c the monitors it starts and what
 * they say; order.c the pure state machine that decides what to do next.
 */
#ifndef PODIUM_CONDUCTOR_CONDUCTOR_H
#define PODIUM_CONDUCTOR_CONDUCTOR_H

#include "engine/base/error.h"
#include "engine/state/layout.h"

/* Conducts the pod until it is down. argv is the process's own, "podium-monitor conductor ROOT
 * RUNROOT POD-ID": the monitors that it forks show theirs in its place. report_fd: ctl socket of the
 * command that started it, or -1. Returns 0, or -errno when the pod could not be brought up (then
 * nothing of it is left running); of a service container its exit code. The store is borrowed. */
int conductor_run(const struct store *store, char **argv, int report_fd,
		  struct error *err) must_check;

#endif
