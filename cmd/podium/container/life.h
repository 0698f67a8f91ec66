/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life - what a verb does to one container, whatever its pod, its monitor and its state are.
 *
 * A container that stands by itself is stopped and removed with the pod that holds it. All of these
 * wait until it is done, and may be called by several commands at the same time.
 */
#ifndef PODIUM_CMD_LIFE_H
#define PODIUM_CMD_LIFE_H

#include "cmd/podium/container/view.h"

/* Stops it; one that does not run is success. grace_s: GRACE_OWN, or seconds. */
int container_stop(const struct store *s, const char *id, int64_t grace_s,
		   struct error *err) must_check;

/* Starts it, and what it requires before it; one that runs is success. */
int container_start(const struct store *s, const char *id, struct error *err) must_check;

/* Prepares it up to its program's exec: what start then lets go. -EINVAL: it is so already, runs, or is
 * not started by itself. */
int container_initialize(const struct store *s, const char *id, struct error *err) must_check;

/* What it requires, not itself. */
int container_start_required(const struct store *s, const char *id, struct error *err) must_check;

/* Sends a signal to its first process; SIGKILL waits for its end. -EINVAL: it does not run. */
int container_kill(const struct store *s, const char *id, int sig, struct error *err) must_check;

/* Freezes it, or lets it go on. -EINVAL: it is not in the state for it. */
int container_pause(const struct store *s, const char *id, bool on, struct error *err) must_check;

/* The same whatever it does: its back-off stands still, too; of an infra container: the pod's clock.
 * What is so already, or has ended, is success. */
int container_hold(const struct store *s, const char *id, bool on, struct error *err) must_check;

/* Removes it, stopped before with this grace when it runs. An infra container goes with its pod. */
int container_remove(const struct store *s, const char *id, int64_t grace_s,
		     struct error *err) must_check;

/* Podman's word for a state, as in its errors: "configured", "running", "exited", ... */
const char *life_state_name(enum container_state state);

#endif
