/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logline - one record of a container's log, in the format of the container runtime interface:
 *
 *	2026-11-22T01:02:03.123456789+00:00 stdout F text
 *
 * F: the text is a whole line, or the end of one that came in parts. P: the line goes on in the
 * next record of the same stream. Our own records are in UTC and their text starts at a fixed
 * column; the parser takes every RFC 3339 time.
 */
#ifndef PODIUM_LOGS_LOGLINE_H
#define PODIUM_LOGS_LOGLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2 };

#define LOGLINE_TIME_LEN   35
#define LOGLINE_PREFIX_LEN 45 /* time, stream, tag, each with its space */
#define LOGLINE_TAG_OFFSET 43
#define LOGLINE_TEXT_MAX   16384 /* longer lines come in parts of this many bytes */
#define LOGLINE_MAX	   (LOGLINE_PREFIX_LEN + LOGLINE_TEXT_MAX + 1)

/* The calendar part of the last prefix: a new one is worked out once a second only. */
struct logline_stamp {
	int64_t second;
	char text[LOGLINE_TIME_LEN + 1];
};
#define LOGLINE_STAMP_INIT   \
	{                    \
		.second = -1 \
	}

/* Writes the prefix of a whole-line record (tag F), not terminated. Allocates nothing. */
void logline_prefix(struct logline_stamp *stamp, int64_t wall_ns, enum log_stream stream,
		    char out[LOGLINE_PREFIX_LEN]);

struct logline {
	int64_t wall_ns;
	const char *time; /* as written */
	size_t time_len;
	enum log_stream stream;
	bool partial;
	const char *text; /* into the line */
	size_t text_len;
};
/* Takes a record apart, given without its newline. -EBADMSG when it is none. */
int logline_parse(const char *line, size_t len, struct logline *ret) must_check;

/* RFC 3339 with any fraction and offset, len bytes, to nanoseconds since 1970 UTC. Years 1970 to
 * 2261. -EBADMSG. */
int logline_parse_time(const char *s, size_t len, int64_t *ret_wall_ns) must_check;

#endif
