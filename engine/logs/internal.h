/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - the files of a log as a chain, and finding the last lines in it.
 */
#ifndef PODIUM_LOGS_INTERNAL_H
#define PODIUM_LOGS_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "engine/logs/logwrite.h"

/* The longest record that is believed, without its newline; both directions must agree. */
#define LOG_RECORD_MAX 65535

struct log_file {
	int fd;
	ino_t inode;
};
/* Oldest first. */
struct log_chain {
	struct log_file v[LOG_MAX_FILES_MAX];
	size_t n;
};

/* Opens log, log.1, ... as far as there are any, or up to (without) the one with inode `known`
 * (0: none): these are the files that came after it. Returns 1 when that one was met, else 0. */
int log_chain_open(int dirfd, const char *name, ino_t known, struct log_chain *ret,
		   struct error *err) must_check;
void log_chain_close(struct log_chain *c);

/* Where to start, and how many finished lines to leave out from there, to see the last n lines. */
struct log_tail {
	size_t file; /* index in the chain */
	off_t offset;
	uint64_t skip;
};
/* Reads backwards, no further than needed. */
int log_tail_find(const struct log_chain *c, int64_t lines, struct log_tail *ret,
		  struct error *err) must_check;

#endif
