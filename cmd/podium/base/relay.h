/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay - carries bytes between the caller's stdio and a container process until that one ends.
 *
 * The caller's own descriptors are never handed to a container: pipes or a pty stand between.
 */
#ifndef PODIUM_CMD_RELAY_H
#define PODIUM_CMD_RELAY_H

#include <stdbool.h>

#include "cmd/podium/base/detachkeys.h"
#include "engine/base/error.h"

struct relay {
	int in_fd;  /* writing end of its stdin, -1: none; closed by the relay */
	int out_fd; /* reading end of its stdout, -1: none; closed by the relay */
	int err_fd;
	int pty_fd; /* master of its terminal, or -1: then the three above are unused */
	int pidfd;  /* the process */
	bool use_stdin;
	struct detach_keys keys; /* looked for when stdin is a terminal and the process has one */
	bool is_detached;	 /* out: by these keys; the pty is left open then */
};

/* Runs until the process has ended and all that it wrote until then is through, however slow the
 * reader. With a pty the caller's terminal is in raw mode meanwhile and its size follows; signals
 * that are not keys go to the process. A reader that goes away ends the process by SIGPIPE, as in any
 * pipeline. Returns 0, or -errno when the caller's stdout or stderr could not be written. */
int relay_run(struct relay *r, struct error *err) must_check;

/* Puts the size of the caller's terminal on a pty. */
void relay_copy_size(int pty_fd);

#endif
