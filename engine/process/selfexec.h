/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selfexec - running from a sealed copy in memory, so that no container ever reaches a host binary.
 */
#ifndef PODIUM_PROCESS_SELFEXEC_H
#define PODIUM_PROCESS_SELFEXEC_H

#include <stdbool.h>

#include "engine/base/error.h"

/* Returns 0 when this process runs from a sealed memfd already; otherwise copies its program there
 * and executes it with the same arguments and environment, argv[0] being the program's real path.
 */
int selfexec_ensure(char **argv, struct error *err) must_check;

/* True when /proc/self/exe is a memfd with every seal that the kernel knows. */
bool is_selfexec_sealed(void);

/* A sealed memfd with the content of a program file. */
int selfexec_load(const char *path, const char *name, struct error *err) must_check;

#endif
