/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logread - reads a container's log for `podium logs`: all of it or its last lines, since a time,
 * with times, and following what is still written, across rotated files.
 */
#ifndef PODIUM_LOGS_LOGREAD_H
#define PODIUM_LOGS_LOGREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/logs/logline.h"

/* Gets the bytes as the container printed them (a line may come in more than one call, its newline
 * last). Untrusted: the container decided them. Negative stops reading and is returned. */
typedef int logread_fn(void *arg, const char *data, size_t len);

struct logread_options {
	int64_t tail;	  /* the last so many lines of both streams together; < 0: all */
	int64_t since_ns; /* records from this wall time on; 0: all */
	int64_t until_ns; /* records before this wall time; 0: all */
	const char *name; /* of the file in dirfd; NULL: LOG_FILE_NAME */
	bool timestamps;  /* each line begins with its record's time and a space */
	bool follow;	  /* go on until stop_fd or removal */
	int stop_fd; /* follow: when it polls readable or hung up (the monitor's pidfd), what is
		      * there is read to its end, then logread() returns; -1: none */
	logread_fn *on_stdout; /* NULL: left out */
	logread_fn *on_stderr;
	void *arg;
};
#define LOGREAD_OPTIONS_INIT              \
	{                                 \
		.tail = -1, .stop_fd = -1 \
	}

/* Parts of a line that are put together; a longer line is handed on in pieces. */
#define LOGREAD_JOIN_MAX (1 << 20)

/* Reads the log in the container's directory. A container that never logged has an empty one.
 * Files are opened without following links and must be regular, ours, with one link: -EPERM.
 * Records that are none (torn by a crash) are left out. follow ends also when the log is removed.
 */
int logread(int dirfd, const struct logread_options *o, struct error *err) must_check;

#endif
