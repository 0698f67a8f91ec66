/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox - the pod's namespaces and what its containers share in them.
 */
#ifndef PODIUM_PROCESS_SANDBOX_H
#define PODIUM_PROCESS_SANDBOX_H

#include "engine/base/error.h"

struct launch;
struct pod_spec;
struct sandbox_record;

/* Makes the pause process and its namespaces (podium-launch sandbox). Speaks on sync_fd. pause_fd,
 * which it closes: the program, taken when it is sealed, else looked for beside this one. */
int sandbox_launch(struct launch *l, int pause_fd, int sync_fd, struct error *err) must_check;

/* Fills the pod's hosts, resolv.conf and hostname with what is known now: to be called after the
 * network has come up or changed. Writes in place into the running sandbox, so that containers see
 * it at once. Any process with the starter's rights may call it; nothing is entered. */
int sandbox_write_etc(const struct pod_spec *pod, const struct sandbox_record *sb,
		      struct error *err) must_check;

/* A pidfd of its pause process. -ESRCH: it has ended. */
int sandbox_open_pause(const struct sandbox_record *sb, struct error *err) must_check;

/* Opens a directory of what the sandbox keeps for its containers (SCRATCH_ETC, ...), through the
 * root of its pause process, which is proved to be alive. -ESRCH: it is not. */
int sandbox_open(const struct sandbox_record *sb, const char *name, struct error *err) must_check;

#endif
