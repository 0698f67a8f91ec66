/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selfexec - running from what nobody can write to: no container ever reaches a host binary.
 */
#ifndef PODIUM_PROCESS_SELFEXEC_H
#define PODIUM_PROCESS_SELFEXEC_H

#include <stdbool.h>

#include "engine/base/error.h"

/* Returns 0 when this process runs so already; otherwise makes its program so and executes it with
 * the same arguments and environment, argv[0] being the program's real path. */
int selfexec_ensure(char **argv, struct error *err) must_check;

/* True when /proc/self/exe is a memfd with every seal that the kernel knows, or lies in a read-only
 * overlay that is attached nowhere. */
bool is_selfexec_sealed(void);

/* The same of a descriptor. */
bool is_selfexec_file(int fd);

/* A program file to be executed by descriptor: in such an overlay, or a sealed copy called name.
 * *ret_mount (or NULL) is that overlay, in which the programs beside it are found, or -EBADF. The
 * caller closes it when nothing waits for it: the last close waits for every CPU of the machine. */
int selfexec_load(const char *path, const char *name, int *ret_mount, struct error *err) must_check;

#endif
