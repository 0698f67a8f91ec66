/* SPDX-License-Identifier: Apache-2.0 */
/* __man-pages - writes the manual pages: for `make install`. docs/man has them, too. */
#include "cmd/podium/base/manpage.h"

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	(void)ctx;
	(void)options;
	(void)argc;
	return manpages_write(argv[0], err);
}

const struct command cmd_man_pages = {
	.words = "__man-pages",
	.args = "DIRECTORY",
	.summary = "Write the manual pages",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_NO_STORE,
	.run = run,
};
