/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill, pause and unpause of containers: what is asked of their monitors.
 */
#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/life.h"
#include "cmd/podium/container/targets.h"

static bool is_killable(const struct container_view *v)
{
	return v->live == STATE_RUNNING || v->live == STATE_STOPPING || v->live == STATE_PAUSED;
}

static bool is_pausable(const struct container_view *v)
{
	return v->live == STATE_RUNNING && !v->st.infra;
}

static bool is_paused(const struct container_view *v)
{
	return v->live == STATE_PAUSED && !v->st.infra;
}

static int kill_one(struct command_context *ctx, const struct target *t, const void *arg,
		    struct error *err)
{
	const int *sig = arg;

	return container_kill(&ctx->store, t->id, *sig, err);
}

static int run_kill(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct life_options *o = options;
	cleanup_targets struct targets t = { 0 };
	int sig = signal_option(o->signal, err);
	int r = sig < 0 ? sig : targets_find(ctx, o, argc, argv, is_killable, &t, err);

	return r < 0 ? r : targets_each(ctx, &t, kill_one, &sig, false);
}

static int pause_one(struct command_context *ctx, const struct target *t, const void *arg,
		     struct error *err)
{
	const bool *on = arg;

	return container_pause(&ctx->store, t->id, *on, err);
}

static int pause_all(struct command_context *ctx, const struct life_options *o, int argc,
		     char **argv, bool on, struct error *err)
{
	cleanup_targets struct targets t = { 0 };
	int r = targets_find(ctx, o, argc, argv, on ? is_pausable : is_paused, &t, err);

	return r < 0 ? r : targets_each(ctx, &t, pause_one, &on, false);
}

static int run_pause(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	return pause_all(ctx, options, argc, argv, true, err);
}

static int run_unpause(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	return pause_all(ctx, options, argc, argv, false, err);
}

static const struct option kill_options[] = {
	OPTION_ALL("containers that run"),
	OPTION_CIDFILE,
	OPTION_LATEST("container"),
	OPTION_SIGNAL,
	OPTIONS_END,
};
static const struct option pause_options[] = {
	OPTION_ALL("containers that run"), OPTION_CIDFILE, OPTION_FILTER('f'),
	OPTION_LATEST("container"),	   OPTIONS_END,
};
static const struct option unpause_options[] = {
	OPTION_ALL("containers that are paused"),
	OPTION_CIDFILE,
	OPTION_FILTER('f'),
	OPTION_LATEST("container"),
	OPTIONS_END,
};

const struct command cmd_kill = {
	.words = "kill",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Send a signal to one or more running containers",
	.options = kill_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_kill,
};

const struct command cmd_pause = {
	.words = "pause",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Pause all the processes in one or more containers",
	.options = pause_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_pause,
};

const struct command cmd_unpause = {
	.words = "unpause",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Unpause the processes in one or more containers",
	.options = unpause_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_unpause,
};
