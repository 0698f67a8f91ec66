/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manpage - manual pages in man(7), made from the tables that parse and help.
 */
#ifndef PODIUM_CMD_MANPAGE_H
#define PODIUM_CMD_MANPAGE_H

#include "cmd/podium/base/commands.h"

#define MANPAGE_MAX_BYTES (1u << 20)

/* Writes podium.1 and a page for each command that help shows ("podium-kube-play.1") into a
 * directory that is there. */
int manpages_write(const char *directory, struct error *err) must_check;

/* The page of one row (NULL: of the program). Appends to out. */
void manpage_make(const struct command_row *row, struct buf *out);

#endif
