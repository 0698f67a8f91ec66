/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canary - a tree that nothing may touch, and a recorder that tells whether something did.
 */
#ifndef PODIUM_TESTS_CANARY_H
#define PODIUM_TESTS_CANARY_H

/* Makes a new directory below $TMPDIR or /tmp; the caller frees and removes by temp_remove(). */
char *temp_make(void);
void temp_remove(char *path);
/* Puts a tmpfs on it, seen by this process and its children alone, where the kernel allows that and
 * keeps user.* attributes there: tests that sync must not wait for a busy disk. */
void temp_in_memory(const char *path);
/* Opens the store dir/root, dir/run for writing; made when it is not there. Or aborts. */
struct store;
void temp_store(const char *dir, struct store *ret);

/* Fills a directory with a file, a set-uid file, a link, a directory, a fifo. */
void canary_make(const char *dir);
/* Type, mode, owner, links, size, times (mtime, ctime), attributes and content of every entry, as
 * text. The caller frees. */
char *canary_record(const char *dir);

#endif
