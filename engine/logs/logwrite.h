/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logwrite - the monitor's end of a container's log: `log` in the container's directory, with a cap
 * on its size and a few older ones beside it (log.1 is the youngest of them).
 *
 * How the monitor uses it:
 *	logwriter_open(&w, containerfd, spec->log.max_bytes, spec->log.max_files, &err)
 *	for each read(2) of a pipe:	logwriter_feed(&w, stream, buf, n)
 *	at the end of a stream:		logwriter_flush(&w)
 *	after a second without a read:	logwriter_idle(&w)
 *	at last:			logwriter_close(&w)
 * Reads of LOG_READ_BYTES and a pipe of 1 MiB are what makes it fast. After open nothing is allocated.
 */
#ifndef PODIUM_LOGS_LOGWRITE_H
#define PODIUM_LOGS_LOGWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/logs/logline.h"

#define LOG_FILE_NAME	      "log"
#define LOG_READ_BYTES	      (256 << 10)
#define LOG_MAX_BYTES_DEFAULT (10 << 20)
#define LOG_MAX_FILES_DEFAULT 3
#define LOG_MAX_BYTES_MIN     32768 /* a smaller cap is raised: one record must fit */
#define LOG_MAX_FILES_MAX     64

/* A file's name by its age: 0 "log", 1 "log.1", ... base: at most LOG_BASE_MAX bytes. */
#define LOG_BASE_MAX 250
#define LOG_NAME_MAX 264
void log_file_name(char out[LOG_NAME_MAX], const char *base, unsigned int age);

struct logwriter {
	int dirfd; /* borrowed */
	char name[LOG_BASE_MAX + 1];
	int fd; /* the log; -1 while it cannot be made */
	int64_t size;
	int64_t max_bytes;
	unsigned int max_files;
	char *memory; /* one mapping: out, then the two pending lines */
	char *out;
	size_t out_len;
	size_t out_room; /* what out may hold before it is written; 0: to be worked out */
	uint64_t out_lines;
	struct {
		char *text;
		size_t len;
	} pending[2];
	struct logline_stamp stamp;
	bool torn;	     /* the file ends inside a line */
	bool used;	     /* since the last logwriter_idle() */
	int lost_errno;	     /* why, for the gap mark */
	uint64_t lost_lines; /* since the last gap mark */
	uint64_t lost_total; /* lines, for ever */
};

/* Opens or makes the log. dirfd is borrowed until close. 0 for max_bytes or max_files takes the
 * default. A name that is no regular file of ours with one link is refused (-EPERM). */
int logwriter_open(struct logwriter *w, int dirfd, int64_t max_bytes, unsigned int max_files,
		   struct error *err) must_check;

/* The same of a file of another name in dirfd, which somebody has chosen. */
int logwriter_open_as(struct logwriter *w, int dirfd, const char *name, int64_t max_bytes,
		      unsigned int max_files, struct error *err) must_check;

/* Whether there is a log to write to: of a zeroed writer there is none. */
static inline bool is_logwriter_open(const struct logwriter *w)
{
	return w->memory != NULL;
}

/* Takes what one read(2) gave from stream (1 stdout, 2 stderr); whole lines are in the file when it
 * returns, an unfinished one waits for its end. Returns 0, or -errno when lines were lost: they are
 * counted, and the log says so when it can be written again. */
int logwriter_feed(struct logwriter *w, int stream, const char *data, size_t len);

/* Writes unfinished lines as partial records. */
void logwriter_flush(struct logwriter *w);

/* The same, and gives the buffers' memory back to the kernel until the next feed. */
void logwriter_idle(struct logwriter *w);

/* Flushes and frees. Fine on a zeroed or never opened writer too. */
void logwriter_close(struct logwriter *w);

#endif
