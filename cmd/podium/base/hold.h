/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold - what ends a command (SIGINT, SIGTERM, SIGHUP, SIGQUIT) waits while records are made.
 *
 * For the few milliseconds in which something stands half made on the disk: the command asks
 * signals_check() when it is whole, takes it back when a signal has come, and releases.
 */
#ifndef PODIUM_CMD_HOLD_H
#define PODIUM_CMD_HOLD_H

#include <signal.h>
#include <stdbool.h>

#include "engine/base/error.h"

struct held_signals {
	bool on;
	sigset_t before;
};

/* Begins; of one that is on already: nothing. */
void signals_hold(struct held_signals *h);
/* -EINTR with its text when one has come that is not ignored, else 0. */
int signals_check(const struct held_signals *h, struct error *err) must_check;
/* Ends: one that has come is delivered here, and by default ends the process. Idempotent. */
void signals_release(struct held_signals *h);

#endif
