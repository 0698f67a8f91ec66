/* SPDX-License-Identifier: Apache-2.0 */
/* halfmade - for `system check`: what commands that were killed have left of pods and containers. */
#ifndef PODIUM_CMD_HALFMADE_H
#define PODIUM_CMD_HALFMADE_H

#include "cmd/podium/base/command.h"

/* Names each on stdout; repair: removes it. Returns how many are left, or a negative code. */
int halfmade_check(const struct store *s, bool repair, struct error *err) must_check;

#endif
