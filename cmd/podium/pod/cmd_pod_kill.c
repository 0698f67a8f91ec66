/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod kill, pod pause, pod unpause.
 *
 * Theory of operation: pause freezes each member that runs and holds the back-off of each that waits,
 * through their monitors, then tells the conductor, whose clock stands still from then on; unpause is
 * the same in the same order. The infra process only sleeps: it is called paused, and is not frozen.
 *
 * SIGKILL ends the whole pod without any grace, restarts by policy included; another signal goes to
 * the members that run, and what they make of it is theirs.
 */
#include <errno.h>
#include <signal.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/life.h"
#include "cmd/podium/container/targets.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/state/eventlog.h"

static void tell_log(const struct store *s, const char *status, const struct pod_spec *pod)
{
	event_log(s, &(struct eventlog_entry){
			     .type = "pod", .status = status, .id = pod->id, .name = pod->name });
}

static void keep_first(int r, const struct error *one, int *first, struct error *err)
{
	if (r < 0 && *first >= 0) {
		*first = r;
		*err = *one;
	}
}

/* ---- kill ------------------------------------------------------------------------------- */

static int signal_members(const struct store *s, const struct pod_spec *pod, int sig,
			  struct error *err)
{
	int first = 0;

	for (size_t i = 0; i < pod->containers.n; i++) {
		const char *id = pod->containers.v[i].id;
		struct container_view v;
		struct error one;

		view_load(s, id, &v);
		if (v.live == STATE_RUNNING || v.live == STATE_PAUSED)
			keep_first(container_kill(s, id, sig, &one), &one, &first, err);
		view_done(&v);
	}
	return first;
}

static int kill_one(struct command_context *ctx, const struct target *t, const void *arg,
		    struct error *err)
{
	const int *sig = arg;
	cleanup_strlist struct strlist one = { 0 };
	struct pod_spec pod = { 0 };
	int r;

	r = lookup_read_pod(&ctx->store, t->id, &pod, err);
	strlist_add(&one, t->id);
	if (r == 0)
		r = *sig == SIGKILL ? pods_stop(&ctx->store, &one, 0, err)
				    : signal_members(&ctx->store, &pod, *sig, err);
	if (r == 0)
		tell_log(&ctx->store, "kill", &pod);
	record_done(&pod_spec_type, &pod);
	return r;
}

static int run_kill(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct life_options *o = options;
	cleanup_targets struct targets t = { 0 };
	int sig = signal_option(o->signal, err);
	int r = sig < 0 ? sig : targets_find_pods(ctx, o, argc, argv, NULL, &t, err);

	return r < 0 ? r : targets_each(ctx, &t, kill_one, &sig, true);
}

/* ---- pause ------------------------------------------------------------------------------ */

static int pause_members(const struct store *s, const struct pod_spec *pod, bool on,
			 int *ret_changed, struct error *err)
{
	int first = 0;

	*ret_changed = 0;
	for (size_t i = 0; i < pod->containers.n; i++) {
		const char *id = pod->containers.v[i].id;
		struct container_view v;
		struct error one;
		bool is_meant;

		view_load(s, id, &v);
		is_meant =
			v.live == STATE_RESTARTING || v.live == (on ? STATE_RUNNING : STATE_PAUSED);
		*ret_changed += is_meant;
		if (is_meant)
			keep_first(container_hold(s, id, on, &one), &one, &first, err);
		view_done(&v);
	}
	return first;
}

static int pause_one(struct command_context *ctx, const struct target *t, const void *arg,
		     struct error *err)
{
	const bool *on = arg;
	struct pod_spec pod = { 0 };
	int changed = 0;
	int r = lookup_read_pod(&ctx->store, t->id, &pod, err);

	if (r == 0)
		r = pause_members(&ctx->store, &pod, *on, &changed, err);
	if (r == 0 && changed && pod.infra_id)
		r = container_hold(&ctx->store, pod.infra_id, *on, err);
	if (r == 0 && changed)
		tell_log(&ctx->store, *on ? "pause" : "unpause", &pod);
	record_done(&pod_spec_type, &pod);
	return r == 0 && !*on && !changed ? TARGET_PASSED : r;
}

static bool is_pausable(const char *state)
{
	return is_equal(state, "Running") || is_equal(state, "Degraded");
}

static bool is_paused(const char *state)
{
	return is_equal(state, "Paused") || is_equal(state, "Degraded");
}

static int pause_all(struct command_context *ctx, const struct life_options *o, int argc,
		     char **argv, bool on, struct error *err)
{
	cleanup_targets struct targets t = { 0 };
	int r = targets_find_pods(ctx, o, argc, argv, on ? is_pausable : is_paused, &t, err);

	return r < 0 ? r : targets_each(ctx, &t, pause_one, &on, true);
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

static const struct option kill_options[] = { OPTION_ALL("pods"), OPTION_LATEST("pod"),
					      OPTION_SIGNAL, OPTIONS_END };
static const struct option pause_options[] = { OPTION_ALL("pods that run"), OPTION_LATEST("pod"),
					       OPTIONS_END };
static const struct option unpause_options[] = { OPTION_ALL("pods that are paused"),
						 OPTION_LATEST("pod"), OPTIONS_END };

const struct command cmd_pod_kill = {
	.words = "pod kill",
	.args = "[options] POD [POD...]",
	.summary = "Send a signal to the containers of one or more pods",
	.options = kill_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_kill,
};

const struct command cmd_pod_pause = {
	.words = "pod pause",
	.args = "[options] POD [POD...]",
	.summary = "Pause one or more pods",
	.options = pause_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_pause,
};

const struct command cmd_pod_unpause = {
	.words = "pod unpause",
	.args = "[options] POD [POD...]",
	.summary = "Unpause one or more pods",
	.options = unpause_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_unpause,
};
