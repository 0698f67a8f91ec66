/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logdriver - where a container's output goes: which of the drivers can be had here, and where the
 * file of those that write one is.
 */
#ifndef PODIUM_LOGS_LOGDRIVER_H
#define PODIUM_LOGS_LOGDRIVER_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/logs/logwrite.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

/* True for the drivers whose log is a file. */
bool is_log_file(const struct log_spec *log);

/* What a creation needs: the driver can be had on this host, its options are of use to it. tty: the
 * container has a terminal. -EINVAL, -ENOENT, -EOPNOTSUPP. */
int log_spec_check(const struct log_spec *log, bool tty, struct error *err) must_check;

/* Whether the standard streams of this process can be those of a container (LOG_PASSTHROUGH): none of
 * them is a terminal, or a directory. -EINVAL. */
int log_check_streams(struct error *err) must_check;

/* The directory and name of a log file: the container's own, or where path= says. The directory is
 * returned open; name gets the file's. */
int log_place(const struct store *s, const char *container_id, const struct log_spec *log,
	      char name[LOG_NAME_MAX], struct error *err) must_check;

/* A tag with {{.ID}}, {{.Name}} and {{.ImageName}} filled in; NULL stays. The caller owns it. */
char *log_tag(const char *tag, const char *id, const char *name, const char *image);

#endif
