/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create - a container from an image, not started yet.
 */
#include <stdio.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/create_options.h"

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	struct created made = { 0 };
	int r = create_container(ctx, options, argc, argv, &made, err);

	if (r == 0)
		(void)printf("%s\n", made.container_id);
	return r;
}

const struct command cmd_create = {
	.words = "create",
	.args = "[options] IMAGE [COMMAND [ARG...]]",
	.summary = "Create but do not start a container",
	.options = &run_options[CREATE_ROWS_AT],
	.options_size = sizeof(struct create_options),
	.set_defaults = create_set_defaults,
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.stop_at_first_arg = true,
	.run = run,
};
