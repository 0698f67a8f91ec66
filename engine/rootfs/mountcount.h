/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountcount - how many have asked for a mount that is shown on this host.
 *
 * The mount's directory below RUNROOT holds the record "count" and the mount point "merged"; whoever
 * reads and writes holds a lock over both.
 */
#ifndef PODIUM_ROOTFS_MOUNTCOUNT_H
#define PODIUM_ROOTFS_MOUNTCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

/* 0 without a record; 1 for one that is damaged. */
uint64_t mountcount_read(int dirfd);
int mountcount_write(int dirfd, uint64_t n, struct error *err) must_check;

/* Whether something is mounted on "merged". */
bool is_mountcount_there(int dirfd);

#endif
