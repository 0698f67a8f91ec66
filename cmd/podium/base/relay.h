/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay - carries bytes between the caller's stdio and a container process until that one ends.
 *
 * The caller's own descriptors are never handed to a container: pipes or a pty stand between.
 */
#ifndef PODIUM_CMD_RELAY_H
#define PODIUM_CMD_RELAY_H

#include <stdbool.h>

#include "engine/base/error.h"

struct relay {
	int in_fd;  /* writing end of its stdin, -1: none; closed by the relay */
	int out_fd; /* reading end of its stdout, -1: none; closed by the relay */
	int err_fd;
	int pty_fd; /* master of its terminal, or -1: then the three above are unused */
	int pidfd;  /* the process */
	bool use_stdin;
};

/* Runs until the process has ended and its output is through. With a pty the caller's terminal is
 * in raw mode meanwhile and its size follows. SIGINT, SIGTERM and SIGHUP are passed on (without a
 * pty). Returns 0 or -errno. */
int relay_run(struct relay *r, struct error *err) must_check;

/* Puts the size of the caller's terminal on a pty. */
void relay_copy_size(int pty_fd);

#endif
