/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarmaker - tar archives byte by byte, honest and hostile: libarchive would refuse to write most
 * of what the image tests need.
 */
#ifndef PODIUM_TESTS_TARMAKER_H
#define PODIUM_TESTS_TARMAKER_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/str.h"

enum tar_format { TAR_USTAR, TAR_PAX, TAR_GNU, TAR__COUNT };

struct tar_record { /* one more pax record, bytes as given */
	const char *key;
	const char *value;
	size_t len; /* 0: strlen(value) */
};
struct tar_entry {
	const char *name;
	char type; /* '0' file, '1' hard link, '2' symlink, '3' char, '4' block, '5' dir, '6' fifo
		    */
	const char *link;
	const char *data;
	size_t len;	   /* 0: strlen(data) */
	unsigned int mode; /* 0: 0644, 0755 for directories */
	int64_t uid, gid;
	int64_t mtime; /* 0: 1700000000 */
	unsigned int major, minor;
	const char *raw_size; /* 12 bytes put into the size field instead */
	struct tar_record records[4];
};

/* Appends an entry; with TAR_PAX the names go into pax records, with TAR_GNU into L and K headers.
 * (A ustar name that is too long for its field is cut.) */
void tar_add(struct buf *b, enum tar_format format, const struct tar_entry *e);
/* Appends a bare header block with a right checksum; data is padded to 512. */
void tar_block(struct buf *b, const char *name, char type, const void *data, size_t len);
/* Two zero blocks. */
void tar_end(struct buf *b);

#endif
