/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copyup - the content of a directory of the image, copied into a volume that is new.
 */
#ifndef PODIUM_ROOTFS_COPYUP_H
#define PODIUM_ROOTFS_COPYUP_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/rootfs/idmap.h"

/* Copies what is in the directory from_fd into the directory to_fd (both may be O_PATH). The
 * directory itself takes mode and owner unless how->keep_top. ids: what the ids of
 * the source are taken back through, where it is a mount that maps them. Links are copied, never followed; other file systems below are not
 * entered; device nodes and sockets stay behind. Extended attributes: those of "user.". */
struct copyup {
	const struct idmaps *ids; /* or NULL */
	bool keep_top;
};
int copyup_tree(int from_fd, int to_fd, const struct copyup *how, struct error *err) must_check;

/* Whether a directory has no entry. -errno. */
int is_directory_empty(int fd, struct error *err) must_check;

/* The same into a directory that somebody keeps, a volume: all of it or nothing that counts as done.
 * What is in `to` already stays as it is. */
int copyup_whole(int from_fd, int to_fd, const struct copyup *how, struct error *err) must_check;
/* Whether an earlier copyup_whole() into it did not come to its end. */
bool is_copyup_begun(int to_fd);

#endif
