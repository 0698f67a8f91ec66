/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask - questions to who sits at the terminal.
 */
#ifndef PODIUM_CMD_ASK_H
#define PODIUM_CMD_ASK_H

#include "engine/base/error.h"

#define ASK_BYTES_MAX 4096

/* Prints the question on stdout and reads a line from stdin, which must be a terminal (-ENOTTY).
 * *ret is the caller's, without the newline. -ECANCELED at the end of the input. */
int ask_line(const char *question, char **ret, struct error *err) must_check;
/* The same without echo. The caller clears *ret. The terminal is as before also after a signal. */
int ask_secret(const char *question, char **ret, struct error *err) must_check;

#endif
