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

struct exists_options {
	bool external;
};

static int run_container_exists(struct command_context *ctx, void *options, int argc, char **argv,
				struct error *err)
{
	const struct exists_options *o = options;
	struct container_status st = { 0 };
	struct error scratch; /* a record that cannot be read is a container's all the same */
	char id[65];
	int r = lookup_container(&ctx->store, argv[0], id, err);

	(void)argc;
	if (r == 0 && !o->external && status_read(&ctx->store, id, &st, &scratch) == 0 &&
	    st.working)
		r = -ENOENT;
	status_done(&st);
	return r == -ENOENT ? 1 : r;
}

static const struct option container_exists_options[] = {
	{ 0, "external", OPTION_BOOL, offsetof(struct exists_options, external), NULL,
	  "Containers of builds count, too", false },
	OPTIONS_END,
};

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
	.args = "[options] CONTAINER",
	.options = container_exists_options,
	.options_size = sizeof(struct exists_options),
	.summary = "Tell by the exit code whether a container exists",
	.details = "  Exits with 0 when it does, with 1 when it does not, with 125 on errors.",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run_container_exists,
};
