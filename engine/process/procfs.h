/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procfs - writing to /proc by a private instance that nobody else can mount over.
 */
#ifndef PODIUM_PROCESS_PROCFS_H
#define PODIUM_PROCESS_PROCFS_H

#include <stdbool.h>

#include "engine/base/error.h"

/* A new, detached procfs of the caller's process namespace, checked to be one. Returns the
 * descriptor of its root. */
int procfs_open(struct error *err) must_check;
/* The same with options of mount_words ("hidepid=2,nosuid"), or NULL. */
int procfs_open_with(const char *options, struct error *err) must_check;

/* Writes text to path below a procfs descriptor in one write(2): no link, no other mount is
 * crossed. */
int procfs_write(int proc_fd, const char *path, const char *text, struct error *err) must_check;

#endif
