/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock - flock(2) on never-deleted files. A lock dies with its holder; the file's content means
 * nothing.
 */
#ifndef PODIUM_BASE_LOCK_H
#define PODIUM_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"

/* A lock that is_lock_held() asks about is taken with this patience, not with 0: the question itself
 * holds it for a moment. */
#define LOCK_PROBE_MS 200

enum lock_mode { LOCK_SHARED, LOCK_EXCLUSIVE };

/* Opens (creates 0600) dirfd/path and takes the lock. timeout_ms: 0 tries once (-EWOULDBLOCK),
 * otherwise polls until then (-ETIMEDOUT). Returns the descriptor: closing it releases. */
int lock_take(int dirfd, const char *path, enum lock_mode mode, int timeout_ms,
	      struct error *err) must_check;

/* The process that has taken the lock exclusively, as /proc/locks tells; 0 when none is seen: nobody holds
 * it, or somebody in another PID namespace, or the file system does not say. */
pid_t lock_holder(int dirfd, const char *path);

/* The exclusive locks that are held on one file system, by one look at /proc/locks: for who asks about
 * many. A lock that is not in there may be held all the same. */
struct lock_table {
	struct lock_entry {
		uint64_t inode;
		pid_t pid;
	} * v;
	size_t n;
};
/* Of the file system that dirfd is on. ret is empty where nothing can be told. */
void lock_table_read(int dirfd, struct lock_table *ret);
void lock_table_done(struct lock_table *t);
/* Whether that process held the lock on that file. */
bool is_in_lock_table(const struct lock_table *t, uint64_t inode, pid_t pid);
/* The number of the file that a lock is on; 0: it cannot be told. */
uint64_t lock_inode(int fd);

/* True when somebody holds the lock exclusively now (a missing file is not held). */
bool is_lock_held(int dirfd, const char *path);

#endif
