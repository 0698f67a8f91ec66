/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups - cgroup hierarchies of the test's own.
 *
 * On v1 and hybrid hosts each tree that podium uses is covered, in the test's mount namespace, by a
 * group of it that the test has made: so what is left below `podium/` is ours, whatever else runs
 * on the machine. On v2 the real tree is used.
 */
#ifndef PODIUM_TESTS_GROUPS_H
#define PODIUM_TESTS_GROUPS_H

#include <sys/types.h>

/* Opens the real trees: before groups_begin(), also in another process, and before groups_end(). */
void groups_open(void);
void groups_begin(void);
/* Removes what groups_begin() made in the process `pid`; nothing may run in
 * it any more. */
void groups_end(pid_t pid);

#endif
