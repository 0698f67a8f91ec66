/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarhead - header blocks of a tar stream that we write: ustar, and a pax header where that is too
 * small. podium-image only.
 */
#ifndef PODIUM_IMAGE_TARHEAD_H
#define PODIUM_IMAGE_TARHEAD_H

#include <stddef.h>
#include <stdint.h>

#include "engine/image/inflate.h"

#define TARHEAD_FILE	'0'
#define TARHEAD_LINK	'1'
#define TARHEAD_SYMLINK '2'
#define TARHEAD_CHAR	'3'
#define TARHEAD_BLOCK	'4'
#define TARHEAD_DIR	'5'
#define TARHEAD_FIFO	'6'

struct tarhead_xattr {
	char *name;
	char *value;
	size_t len;
};
/* One entry. Texts are borrowed. */
struct tarhead {
	const char *name; /* as it stands in the archive: "a/b", "a/" for a directory */
	char type;
	const char *link; /* LINK, SYMLINK */
	uint32_t mode;
	uint32_t uid, gid;
	uint64_t size; /* FILE: what tarhead_pad() and the caller's content make up */
	int64_t mtime_s;
	uint32_t major, minor; /* CHAR, BLOCK */
	const struct tarhead_xattr *xattrs;
	size_t n_xattrs;
};
int tarhead_write(const struct tarhead *h, inflate_sink *sink, void *arg,
		  struct error *err) must_check;
/* The zeros after size bytes of content. */
int tarhead_pad(uint64_t size, inflate_sink *sink, void *arg, struct error *err) must_check;
/* The two blocks that end an archive. */
int tarhead_end(inflate_sink *sink, void *arg, struct error *err) must_check;

/* A whole small file, of mode 0644 and the epoch's time: header, content, padding. */
int tarhead_write_file(const char *name, const void *data, size_t len, inflate_sink *sink,
		       void *arg, struct error *err) must_check;

/* A sink that writes into the descriptor that arg points to (const int *). -EPIPE is passed on. */
int tarhead_to_fd(void *arg, const void *data, size_t len, struct error *err) must_check;

#endif
