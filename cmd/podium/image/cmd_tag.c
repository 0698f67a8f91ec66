/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tag - `podium tag IMAGE NAME...`: one more name for an image.
 *
 * Theory of operation: each name is given in a change of the index of its own, in the order of the
 * command line; the first one that is refused ends it, and those before it stand. A short name
 * ("app") is of this machine: localhost/app, as Podman has it. A name that another image had moves
 * here, and the other one may then be without a name (<none>).
 */
#include "cmd/podium/base/commands.h"
#include "engine/image/store.h"
#include "engine/state/eventlog.h"

static int run_tag(struct command_context *ctx, void *options, int argc, char **argv,
		   struct error *err)
{
	(void)options;
	for (int i = 1; i < argc; i++) {
		int r = image_tag(&ctx->store, argv[0], argv[i], err);

		if (r < 0)
			return r;
		event_log_image(&ctx->store, "tag", NULL, argv[i]);
	}
	return 0;
}

const struct command cmd_tag = {
	.words = "tag",
	.args = "IMAGE NAME [NAME...]",
	.summary = "Give an image another name",
	.min_args = 2,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_tag,
};
