/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rename - gives a container another name, running or not. Its pod and its host name stay.
 */
#include <errno.h>

#include "cmd/podium/base/commands.h"
#include "engine/base/str.h"
#include "engine/pod/lookup.h"
#include "engine/pod/names.h"
#include "engine/pod/pod.h"
#include "engine/state/eventlog.h"
#include "engine/state/status.h"

static int run_rename(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	struct container_status st = { 0 };
	const char *name = argv[1];
	char id[65];
	struct error scratch; /* it went meanwhile */
	bool is_same;
	int r = lookup_container(&ctx->store, argv[0], id, err);

	(void)options;
	(void)argc;
	if (r == 0 && !is_valid_name(name))
		r = error_set(err, EINVAL,
			      "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
	if (r == 0)
		r = status_read(&ctx->store, id, &st, err);
	if (r < 0)
		return r;
	is_same = is_equal(st.name, name);
	status_done(&st);
	r = is_same ? 0 : container_rename(&ctx->store, id, name, err);
	if (r == 0 && status_read(&ctx->store, id, &st, &scratch) == 0) {
		event_log_container(&ctx->store, "rename", id, &st);
		status_done(&st);
	}
	if (r == -EEXIST)
		return error_set(err, EEXIST,
				 "renaming container %s: name %s already in use, cannot rename "
				 "container %s: container already exists",
				 id, name, id);
	return r;
}

const struct command cmd_rename = {
	.words = "rename",
	.args = "CONTAINER NAME",
	.summary = "Rename an existing container",
	.min_args = 2,
	.max_args = 2,
	.store = COMMAND_WRITES,
	.run = run_rename,
};
