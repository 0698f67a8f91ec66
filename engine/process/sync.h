/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync - the protocol between a monitor (or the conductor, or `podium exec`) and podium-launch.
 *
 * One SOCK_SEQPACKET pair; the launch side is descriptor 3. Steps, in order:
 *
 *	starter               SYNC_SANDBOX  to a launch that was begun early: the sandbox is there; or
 *	                                    closes the socket, and nothing was made
 *	starter of an exec    SYNC_KEEP     + SCM_RIGHTS a descriptor for the program: as many as its
 *	                                    request says, in the order of their numbers, from 3 on
 *	launch host half      SYNC_WARNING  as below
 *	launch host half      SYNC_STARTED  value = pid of the container's first process as seen by
 *	                                    the starter, + SCM_RIGHTS pidfd. The process is the
 *	                                    starter's own child (CLONE_PARENT); the host half then
 *	                                    exits 0 and is reaped by the starter.
 *	launch container half SYNC_PTY      + SCM_RIGHTS pty master (only with a terminal)
 *	                      SYNC_MESSAGE  + SCM_RIGHTS the file of its termination message
 *	                      SYNC_WARNING  text: something asked for was clamped (any number)
 *	                      SYNC_READY    everything is prepared; waits
 *	starter               SYNC_GO       or closes the socket: the container half exits
 *	launch container half exec: the socket closes by close-on-exec = success
 *	                      SYNC_ERROR    value = exit code (125, 126, 127), err = what failed
 *	either half           SYNC_ERROR    at any step; the half then exits
 *
 * For a sandbox (podium-launch sandbox) there is no SYNC_GO: READY means that pause runs.
 */
#ifndef PODIUM_PROCESS_SYNC_H
#define PODIUM_PROCESS_SYNC_H

#include <errno.h>
#include <stdint.h>

#include "engine/base/error.h"

enum sync_step {
	SYNC_STARTED = 1,
	SYNC_PTY,
	SYNC_WARNING,
	SYNC_READY,
	SYNC_GO,
	SYNC_ERROR,
	SYNC_SANDBOX,
	SYNC_MESSAGE,
	SYNC_KEEP,
};

/* err.code of a SYNC_ERROR: the container cannot be made as it is asked for: a ConfigMap, a Secret
 * or a key of one that it cannot do without is not there, or it must not run as root and would. */
#define SYNC_CONFIG_MISSING ENOKEY

struct sync_msg {
	uint32_t step;
	int32_t value;
	struct error err; /* text also carries a warning */
};

#define SYNC_FD 3 /* where a launch finds its end */

/* Creates the pair, both ends close-on-exec. */
int sync_pair(int ret_fds[2], struct error *err) must_check;

/* Sends one message; pass_fd < 0: none. -EPIPE when the other side is gone. */
int sync_send(int fd, enum sync_step step, int32_t value, const struct error *text, int pass_fd);

/* Receives one message. 1 message, 0 end of file, -errno (-EAGAIN on a non-blocking socket).
 * *ret_fd is the descriptor that came along (close-on-exec), or -EBADF. */
int sync_receive(int fd, struct sync_msg *ret, int *ret_fd, struct error *err) must_check;

#endif
