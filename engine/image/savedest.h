/* SPDX-License-Identifier: Apache-2.0 */
/*
 * savedest - where save writes: members of a tar archive, or files of a directory. podium-image
 * only.
 */
#ifndef PODIUM_IMAGE_SAVEDEST_H
#define PODIUM_IMAGE_SAVEDEST_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/str.h"

struct savedest {
	int fd; /* of the archive (any file or pipe), or of the directory; the caller's */
	bool is_dir;
	int spoolfd;		/* archive: a directory for unnamed files; the caller's */
	struct strlist written; /* names that are there already */
};
void savedest_done(struct savedest *d);

/* A small file. One that is there already is left alone (blobs) or replaced (documents of a
 * directory). */
int savedest_bytes(struct savedest *d, const char *name, const void *data, size_t len,
		   struct error *err) must_check;

/* A file whose name is known when it is full. */
struct savespool {
	int fd;
	char *temp; /* directory: its name until then */
};
#define SAVESPOOL_INIT ((struct savespool){ .fd = -EBADF })
int savedest_spool(struct savedest *d, struct savespool *ret, struct error *err) must_check;
/* Gives it its name. */
int savedest_keep(struct savedest *d, struct savespool *spool, const char *name, uint64_t size,
		  struct error *err) must_check;
/* Removes what was not kept. */
void savedest_spool_done(struct savedest *d, struct savespool *spool);

#endif
