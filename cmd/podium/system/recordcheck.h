/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recordcheck - the records of volumes, secrets and networks.
 */
#ifndef PODIUM_CMD_RECORDCHECK_H
#define PODIUM_CMD_RECORDCHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

struct recordcheck {
	size_t damaged;	   /* cannot be read: left as it is */
	size_t incomplete; /* left by a killed command, or used by nobody: gone with repair */
};

/* A line on stdout for each thing that is not as it should be. */
int recordcheck(const struct store *s, bool repair, struct recordcheck *ret,
		struct error *err) must_check;

#endif
