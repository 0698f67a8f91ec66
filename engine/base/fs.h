/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs - files by descriptor: the choke points for opening, replacing and removing.
 *
 * Parameter order is dirfd, path. dirfd may be AT_FDCWD. Every descriptor is close-on-exec at birth.
 */
#ifndef PODIUM_BASE_FS_H
#define PODIUM_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "engine/base/error.h"

/* Reads a whole regular file of at most max bytes; the result is NUL-terminated and the caller's.
 * -EFBIG when larger, -ENOENT etc. as open(2). ret_len may be NULL. */
int fs_read_file(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len,
		 struct error *err) must_check;

enum fs_sync {
	FS_NOSYNC, /* rename only: state that a crash may lose */
	FS_SYNC,   /* fsync file before and directory after the rename */
};
/* Replaces a file: temporary in the same directory, write, (fsync), rename, (fsync directory).
 * On failure the old file is untouched and no temporary is left. */
int fs_write_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		    enum fs_sync sync, struct error *err) must_check;

/* Writes to an existing kernel file (cgroupfs, a verified procfs descriptor) in one write(2). */
int fs_write_existing(int dirfd, const char *path, const char *text, struct error *err) must_check;

/* openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS: ".." and absolute links that leave fail. */
int fs_open_beneath(int rootfd, const char *path, int flags, mode_t mode,
		    struct error *err) must_check;

/* openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: resolves as a chroot to rootfd would.
 * EAGAIN is retried up to a deadline. Returns the descriptor. */
int fs_open_in_root(int rootfd, const char *path, int flags, mode_t mode,
		    struct error *err) must_check;

/* mkdir -p below rootfd as a chroot would resolve it, one component at a time by descriptor
 * (existing symlink components are clamped inside). Returns an O_PATH descriptor of the last. */
int fs_mkdirs_in_root(int rootfd, const char *path, mode_t mode, struct error *err) must_check;

/* mkdir -p on a trusted path (our own store). Returns an O_DIRECTORY descriptor. */
int fs_mkdirs(int dirfd, const char *path, mode_t mode, struct error *err) must_check;

/* Removes a tree by descriptors: never follows links, never crosses a mount, bounded descriptors.
 * A name that does not exist is success. */
int fs_remove_tree(int dirfd, const char *name, struct error *err) must_check;

/* write(2) until done. -errno on failure. */
int fs_write_all(int fd, const void *data, size_t len) must_check;

/* Reopens an O_PATH descriptor through /proc/self/fd. */
int fs_reopen(int fd, int flags, struct error *err) must_check;

#endif
