/* SPDX-License-Identifier: Apache-2.0 */
/* help - what `help`, `help CMD` and `CMD --help` print, on stdout. */
#ifndef PODIUM_CMD_HELP_H
#define PODIUM_CMD_HELP_H

#include "cmd/podium/base/commands.h"

/* The whole program: commands, groups, global options. */
void help_print_program(void);
/* A group: its commands. */
void help_print_group(const struct command_group *group);
/* One command by the name it was called by. */
void help_print_command(const struct command_row *row);

#endif
