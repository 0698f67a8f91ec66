/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child - runs a function in a process of its own: other ids, other namespaces, a death.
 */
#ifndef PODIUM_TESTS_CHILD_H
#define PODIUM_TESTS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* A child that calls f(arg) and ends with what it returns (0..255). */
pid_t child_start(int (*f)(void *), void *arg);
/* Its exit code, 128 + signal, or -1. Ends it after 60 s. */
int child_end(pid_t pid);
/* Both. */
int child_run(int (*f)(void *), void *arg);

/* In a child: an ordinary user without groups and capabilities. False when it cannot be. */
bool child_become_nobody(void);
/* In a child: a mount namespace of its own, from which nothing goes back. False: not permitted. */
bool child_own_mounts(void);

#define NOBODY_ID 65534

#endif
