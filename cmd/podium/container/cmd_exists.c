/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod exists, container exists - answer by the exit code alone.
 *
 * Theory of operation: the name is looked up as every verb does it (engine/pod/lookup.c): 0 when it
 * names exactly one object, 1 when it names none, 125 when the question cannot be answered (the
 * name is ambiguous, the store cannot be read). Nothing is printed for yes and no, so that scripts
 * can ask without redirecting. A pod that a crash left half made exists: it has to be removed.
 */
#include <errno.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "engine/pod/lookup.h"

static int run_pod_exists(struct command_context *ctx, void *options, int argc, char **argv,
			  struct error *err)
{
	char id[65];
	int r = lookup_pod(&ctx->store, argv[0], id, err);

	(void)options;
	(void)argc;
	return r == -ENOENT ? 1 : r;
}

static int run_container_exists(struct command_context *ctx, void *options, int argc, char **argv,
				struct error *err)
{
	char id[65];
	int r = lookup_container(&ctx->store, argv[0], id, err);

	(void)options;
	(void)argc;
	return r == -ENOENT ? 1 : r;
}

const struct command cmd_pod_exists = {
	.words = "pod exists",
	.args = "POD",
	.summary = "Tell by the exit code whether a pod exists",
	.details = "  Exits with 0 when it does, with 1 when it does not, with 125 on errors.",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run_pod_exists,
};

const struct command cmd_container_exists = {
	.words = "container exists",
	.args = "CONTAINER",
	.summary = "Tell by the exit code whether a container exists",
	.details = "  Exits with 0 when it does, with 1 when it does not, with 125 on errors.",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run_container_exists,
};
