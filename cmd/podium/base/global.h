/* SPDX-License-Identifier: Apache-2.0 */
/* global - the options that stand before the command. */
#ifndef PODIUM_CMD_GLOBAL_H
#define PODIUM_CMD_GLOBAL_H

#include "cmd/podium/base/command.h"

struct global_options {
	const char *root;
	const char *runroot;
	const char *log_level; /* "debug", "info", "warn", "error" or NULL */
	bool version;
};
extern const struct option global_option_table[];

/* True for error, fatal and panic. level may be NULL. */
bool is_global_level_above_warning(const char *level);
/* -EINVAL when it is no level. */
int global_check_log_level(const char *level, struct error *err) must_check;

#endif
