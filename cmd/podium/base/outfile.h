/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outfile - the file, directory or stdout that a command writes an archive to.
 */
#ifndef PODIUM_CMD_OUTFILE_H
#define PODIUM_CMD_OUTFILE_H

#include <stdbool.h>

#include "engine/base/mem.h"

struct outfile {
	int fd;
	const char *path; /* borrowed; NULL: stdout */
	bool is_ours;	  /* made by us: removed unless it is kept */
	bool is_dir;
};
#define OUTFILE_INIT ((struct outfile){ .fd = -EBADF })

/* Opens a file for an archive: made, or empty, or no regular file (a fifo, a device). path NULL:
 * stdout, which must not be a terminal. What is there is not overwritten (-EEXIST). */
int outfile_open(const char *path, struct outfile *ret, struct error *err) must_check;
/* Opens a directory, made when it is missing; with is_new one that is there must be empty. */
int outfile_open_dir(const char *path, bool is_new, struct outfile *ret,
		     struct error *err) must_check;
/* It is complete: it stays. */
void outfile_keep(struct outfile *f);
/* Closes it; a file (not a directory) that is ours and was not kept is removed. */
void outfile_done(struct outfile *f);
#define cleanup_outfile cleanup(outfile_done)

#endif
