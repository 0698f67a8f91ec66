/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach - watch a running container and type into it.
 */
#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/session.h"
#include "cmd/podium/container/view.h"

struct attach_options {
	const char *detach_keys;
	bool latest;
	bool no_stdin;
	bool sig_proxy;
};
#define O(m) offsetof(struct attach_options, m)

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct attach_options *o = options;
	const struct session_options session = {
		.no_stdin = o->no_stdin,
		.sig_proxy = o->sig_proxy,
		.detach_keys = o->detach_keys,
	};
	char id[65];
	int r = view_find(&ctx->store, o->latest, argc ? argv[0] : NULL, id, err);

	return r < 0 ? r : container_session(ctx, id, &session, err);
}

static void set_defaults(void *options)
{
	((struct attach_options *)options)->sig_proxy = true;
}

static const struct option attach_options_table[] = {
	{ 0, "detach-keys", OPTION_STRING, O(detach_keys), "keys", DETACH_KEYS_HELP, false },
	{ 'l', "latest", OPTION_BOOL, O(latest), NULL, "The container that was created last",
	  false },
	{ 0, "no-stdin", OPTION_BOOL, O(no_stdin), NULL, "Watch only", false },
	{ 0, "sig-proxy", OPTION_BOOL, O(sig_proxy), NULL,
	  "Pass signals on to the container (without a terminal; default true)", false },
	OPTIONS_END,
};

const struct command cmd_attach = {
	.words = "attach",
	.args = "[options] CONTAINER",
	.summary = "Watch a running container and type into it",
	.options = attach_options_table,
	.options_size = sizeof(struct attach_options),
	.set_defaults = set_defaults,
	.min_args = 0,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run,
};
