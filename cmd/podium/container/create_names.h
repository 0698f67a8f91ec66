/* SPDX-License-Identifier: Apache-2.0 */
/* create_names - names for what nobody named. */
#ifndef PODIUM_CMD_CREATE_NAMES_H
#define PODIUM_CMD_CREATE_NAMES_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

/* "adjective_surname", of which no pod and no container has the name now; after some tries with a
 * number behind it. The caller's. Whoever claims it may still be the second. */
char *create_new_name(const struct store *s);
/* Which of them a seed leads to. The caller's. */
char *create_name_of(uint64_t seed);

#endif
