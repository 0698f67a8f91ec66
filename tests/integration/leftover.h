/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leftover - what a pod may not leave behind, as text that can be compared.
 *
 * Processes (every descendant of the test program, which is a subreaper), mounts, links, nft
 * elements, conntrack entries of pods, cgroups, System V IPC, and every file below the two trees
 * but images, layers and locks.
 */
#ifndef PODIUM_TESTS_LEFTOVER_H
#define PODIUM_TESTS_LEFTOVER_H

#include <stdbool.h>

#include "engine/base/str.h"

struct snapshot {
	struct strlist lines; /* sorted */
};
void snapshot_take(struct snapshot *s);
void snapshot_done(struct snapshot *s);
#define cleanup_snapshot cleanup(snapshot_done)
/* Lines that are only in one of the two, "+ ..." and "- ..."; NULL when they are equal. */
char *snapshot_diff(const struct snapshot *before, const struct snapshot *after);
/* Checks that everything is as before; what the kernel does behind our backs may take a while. */
bool check_nothing_left_at(const struct snapshot *before, int line, const char *file,
			   const char *after_what);
#define CHECK_NOTHING_LEFT(before, what) check_nothing_left_at((before), __LINE__, __FILE__, (what))

/* Every living descendant of the test program, as a list of pids; ends them by SIGKILL. */
void descendants(struct strlist *ret_pids);
void kill_descendants(void);
/* The living descendant whose command line begins with these words (joined by blanks); 0: none. */
pid_t find_process(const char *words);

#endif
