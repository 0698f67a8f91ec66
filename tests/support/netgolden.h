/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netgolden - built netlink messages against testdata/net/<name>.hex.
 *
 * PODIUM_GOLDEN=update writes the files instead of comparing: review the difference.
 */
#ifndef PODIUM_TESTS_NETGOLDEN_H
#define PODIUM_TESTS_NETGOLDEN_H

#include <stdbool.h>

#include "engine/net/netlink.h"

/* Finishes the batch and compares it: a line for each message, 32 bytes a line. Prints a
 * difference. */
bool is_golden(struct nl_batch *b, const char *name);
/* The same for any text. */
bool is_golden_text(const char *text, const char *name);

#endif
