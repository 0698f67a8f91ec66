/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - what a directory tree takes of its disk.
 */
#ifndef PODIUM_BASE_TREE_H
#define PODIUM_BASE_TREE_H

#include <stdint.h>

/* Bytes that the disk has set aside for a directory and everything below it, as du(1) counts: by
 * block, a file of several links once. Without following links and without leaving the mount. 0 when
 * path is no directory; what vanishes or cannot be read counts nothing. */
int64_t tree_usage(int dirfd, const char *path);

/* The same of one file. */
int64_t tree_file_usage(int dirfd, const char *path);

#endif
