/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - table-driven command line options with pflag's grammar.
 *
 * -a, -aq, -n5, -n=5, -n 5, --x, --x=v, --x v, `--` ends the options. Nothing is guessed: an
 * unknown or doubtful option is an error that names it.
 */
#ifndef PODIUM_CMD_OPTIONS_H
#define PODIUM_CMD_OPTIONS_H

#include <stdbool.h>

#include "cmd/podium/base/command.h"

/* What options_parse() found besides options. */
struct options_result {
	int n_args; /* the arguments, moved in order to the front of argv */
	bool help;  /* --help or -h (where the table has no -h of its own) was given */
};

/* Parses argv[0..argc) by the table (NULL: no options) into *values, which the caller zeroed. With
 * stop_at_first_arg everything from the first argument on is arguments. Strings in *values point
 * into argv. -EINVAL: unknown option, missing or bad value. */
int options_parse(const struct option *table, void *values, bool stop_at_first_arg, int argc,
		  char **argv, struct options_result *ret, struct error *err) must_check;

/* Frees what options_parse() allocated in *values (the string lists). */
void options_done(const struct option *table, void *values);

#endif
