/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - the caller's terminal or streams on a container: what `run`, `start -a` and `attach`
 * share.
 *
 * A session that starts the container sees its output from the first byte to the last and its exit
 * code, however short its life: it listens before the start is ordered, the container's monitor
 * connects ahead of all it does, and the program waits for a reader that is slow. One on a container
 * that runs already sees what comes from now on, and may be told of a gap.
 */
#ifndef PODIUM_CMD_SESSION_H
#define PODIUM_CMD_SESSION_H

#include <stdbool.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/detachkeys.h"

struct session_options {
	/* The container is created or has ended: its start is ordered (with its pod's where that is
	 * down; containers that it requires were started before). One that runs is only watched. */
	bool start;
	bool no_stdin; /* stdin is not carried, though the container has its own open */
	bool no_stdout;
	bool no_stderr;
	/* Signals go to the container's first process instead of ending the command; not with a
	 * terminal of its own, whose keys are input. Callers set it unless --sig-proxy=false. */
	bool sig_proxy;
	const char *detach_keys; /* as written; NULL: the default; "": none */
};

/* Returns the container's exit code, 0 after the detach keys, 125 (said on stderr), 126 or 127 when
 * its program could not be started, 128 + n when signal n ended the command; or -errno. The caller's
 * terminal is as it was. A reader of stdout that went away ends the session alone (125): the
 * container runs on. */
int container_session(struct command_context *ctx, const char *container_id,
		      const struct session_options *o, struct error *err) must_check;

#endif
