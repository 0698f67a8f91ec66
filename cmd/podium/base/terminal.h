/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal - the caller's terminal: raw while a session is on it, and as it was after it.
 *
 * At most one terminal is raw at a time. It is set back by terminal_restore(), and also when the
 * program ends by a fault of its own (SIGSEGV, SIGABRT and their like).
 */
#ifndef PODIUM_CMD_TERMINAL_H
#define PODIUM_CMD_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>

/* Makes the terminal of a descriptor raw. False: it is none, or cannot be. */
bool terminal_enter_raw(int fd);
/* Sets it back; nothing when none is raw. */
void terminal_restore(void);
/* The size of the terminal on stdin or stdout; false when neither is one. */
bool terminal_size(struct winsize *ret);
/* The signals that a session receives by signalfd: all that can be caught, but those of faults and
 * of children, SIGPIPE, SIGURG, and those that stop a reader in the background. */
void terminal_session_signals(sigset_t *ret);

#endif
