/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarout - a tree as a tar stream. podium-image only.
 */
#ifndef PODIUM_IMAGE_TAROUT_H
#define PODIUM_IMAGE_TAROUT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/image/inflate.h"

struct tarout_options {
	int64_t timestamp_s; /* -1: times as they are; else every time is this */
	bool is_upper;	     /* overlay whiteouts and opaque marks become .wh. files */
	const char *as; /* treefd, a file or a directory opened for reading, is itself an entry of
			      * this name; NULL: what is in it */
	bool crosses_mounts; /* what is mounted in the tree, too */
	bool owned_by_root;  /* everything */
};

/* Writes the tree below treefd (a directory opened O_RDONLY, or O_PATH) as a tar stream: sorted by
 * name, numeric owners, hard links kept, sockets left out, of extended attributes those that layers
 * have. Works by descriptors, follows nothing, stays on its file system, and may run while somebody
 * changes the tree: what vanishes is left out, a file has the length that it had when it was opened.
 * The same tree gives the same bytes. */
int tarout_stream(int treefd, const struct tarout_options *o, inflate_sink *sink, void *arg,
		  struct error *err) must_check;

/* The extended attributes of an open file or directory that layers have, sorted by name. A file
 * system without attributes has none. */
struct tarhead_xattr;
struct tar_xattrs {
	struct tarhead_xattr *v;
	size_t n;
};
void tar_xattrs_take(int fd, struct tar_xattrs *ret);
void tar_xattrs_done(struct tar_xattrs *x);

#endif
