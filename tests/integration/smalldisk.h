/* SPDX-License-Identifier: Apache-2.0 */
/* smalldisk - a disk that can be full: a tmpfs at WORK/small. */
#ifndef PODIUM_TESTS_SMALLDISK_H
#define PODIUM_TESTS_SMALLDISK_H

#include <stddef.h>

/* Mounts it with these options ("size=8m,mode=0755"); its path, the caller's. */
char *small_disk(const char *options);
/* One file, dir/filler, takes all but that many bytes. */
void small_disk_fill(const char *dir, size_t leave);
/* Back to the usual store, and away with it. */
void small_disk_leave(const char *dir);

#endif
