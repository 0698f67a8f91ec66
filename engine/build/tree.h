/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - trees that a build reads: a context, an image's merged layers; and names inside them.
 *
 * A tree is known by a descriptor of its root. A name is resolved as a chroot to that root would,
 * one component at a time, and what comes out is a path without links and "..": so that nothing
 * outside the tree is ever opened, whatever the links in it say, and whoever changes them meanwhile.
 */
#ifndef PODIUM_BUILD_TREE_H
#define PODIUM_BUILD_TREE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

#define TREE_LINKS_MAX 40
#define TREE_DEPTH_MAX 255

/* The merged view of layers ("sha256:<hex>", lowest first), read-only, attached nowhere; none at all
 * is an empty tree. Returns a descriptor of its root. */
int tree_open_layers(const struct store *s, const struct strlist *layers,
		     struct error *err) must_check;

enum tree_last {
	TREE_FOLLOW,	/* a link in the last place is followed */
	TREE_NO_FOLLOW, /* it is what is meant */
};
struct tree_place {
	char *path;	/* relative to the root, canonical; "" is the root */
	int fd;		/* O_PATH; -EBADF: nothing stands there */
	struct stat st; /* when fd is open */
	size_t there;	/* bytes of path that exist */
};
void tree_place_done(struct tree_place *p);
#define cleanup_tree_place __attribute__((__cleanup__(tree_place_done)))

/* Finds path, absolute or not, below rootfd. What does not exist is no error: ret->fd is -EBADF and
 * the rest of the path is taken as it is written. -ELOOP, -ENAMETOOLONG, -ENOTDIR (a file in the
 * middle). */
int tree_find(int rootfd, const char *path, enum tree_last last, struct tree_place *ret,
	      struct error *err) must_check;

/* The names in a directory (O_PATH or not), sorted by byte, without "." and "..". */
int tree_list(int dirfd, struct strlist *ret, struct error *err) must_check;

#endif
