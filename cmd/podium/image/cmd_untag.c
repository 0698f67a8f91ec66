/* SPDX-License-Identifier: Apache-2.0 */
/*
 * untag - `podium untag IMAGE [NAME...]`: takes names from an image, all without NAME.
 *
 * Theory of operation: one change of the index: when one of the names is not the image's, none goes.
 * The image stays, as <none> when no name is left; rmi or image prune removes it.
 */
#include "cmd/podium/base/commands.h"
#include "engine/image/store.h"
#include "engine/state/eventlog.h"

static int run_untag(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	int r;

	(void)options;
	r = image_untag(&ctx->store, argv[0], argv + 1, (size_t)argc - 1, err);
	for (int i = argc > 1 ? 1 : 0; r == 0 && i < argc; i++)
		event_log_image(&ctx->store, "untag", NULL, argv[i]);
	return r;
}

const struct command cmd_untag = {
	.words = "untag",
	.args = "IMAGE [NAME...]",
	.summary = "Take names from an image, all of them when none is given",
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_untag,
};
