/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start, restart and init of containers.
 *
 * Theory of operation: life.c starts one, through its pod's conductor; those of a call are started at
 * the same time. With --attach there is one, whose session begins before its start is ordered, so that
 * nothing of its output is lost; its exit code is then the command's.
 */
#include <errno.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/life.h"
#include "cmd/podium/container/session.h"
#include "cmd/podium/container/targets.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/state/eventlog.h"

/* Its process lives, and whoever wrote its output and saw its exit code does not: it is not as it was
 * started, and nobody can take it over, since its pipes have ended with the monitor. */
static int refuse_lost(const struct store *s, const struct container_view *v, struct error *err)
{
	const char *name = v->st.name ? v->st.name : v->id;
	struct container_spec c = { 0 };
	struct error scratch; /* it does not remove itself then */
	bool fleeting = lookup_read_container(s, v->id, &c, &scratch) == 0 && c.auto_remove;

	record_done(&container_spec_type, &c);
	return error_set(err, EINVAL,
			 "container %s runs on without its monitor, so nobody sees its output and "
			 "its exit code: `podium %s %s` %s",
			 name, fleeting ? "stop" : "restart", name,
			 fleeting ? "ends and removes it" : "starts it anew with one");
}

static int start_one(struct command_context *ctx, const struct target *t, const void *arg,
		     struct error *err)
{
	struct container_view v;
	int r;

	(void)arg;
	view_load(&ctx->store, t->id, &v);
	r = v.lost && !v.st.infra ? refuse_lost(&ctx->store, &v, err) : 0;
	view_done(&v);
	return r < 0 ? r : container_start(&ctx->store, t->id, err);
}

/* What --all means: whatever does not run. */
static bool is_startable(const struct container_view *v)
{
	return v->live == STATE_CREATED || v->live == STATE_EXITED || v->live == STATE_RESTARTING ||
	       v->live == STATE_INITIALIZED;
}

static int check_session(const struct life_options *o, size_t n, struct error *err)
{
	bool attaches = o->attach || o->interactive;

	if (attaches && n > 1)
		return error_set(err, EINVAL,
				 "you cannot start and attach multiple containers at once");
	if (!attaches && o->sig_proxy.set && o->sig_proxy.value)
		return error_set(err, EINVAL,
				 "you cannot use sig-proxy without --attach: invalid argument");
	if (!attaches && o->detach_keys)
		return error_set(err, EINVAL, "--detach-keys works with --attach only");
	return 0;
}

static int start_attached(struct command_context *ctx, const struct life_options *o, const char *id,
			  struct error *err)
{
	const struct session_options so = {
		.start = true,
		.no_stdin = !o->interactive,
		.sig_proxy = o->sig_proxy.set ? o->sig_proxy.value : true,
		.detach_keys = o->detach_keys,
	};

	int r = container_start_required(&ctx->store, id, err);

	return r < 0 ? r : container_session(ctx, id, &so, err);
}

static int run_start(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct life_options *o = options;
	cleanup_targets struct targets t = { 0 };
	int r = 0;

	if (o->all && argc > 0)
		return error_set(err, EINVAL,
				 "either start all containers or the container(s) provided in the "
				 "arguments");
	if (!argc && !o->all && !o->latest && !o->filters.n)
		return error_set(err, EINVAL, "start requires at least one argument");
	r = check_session(o, (size_t)argc, err);
	if (r == 0)
		r = targets_find(ctx, o, argc, argv, is_startable, &t, err);
	if (r == 0)
		r = check_session(o, t.n, err);
	if (r < 0)
		return r;
	if ((o->attach || o->interactive) && t.n == 1)
		return start_attached(ctx, o, t.v[0].id, err);
	return targets_each(ctx, &t, start_one, NULL, false);
}

/* ---- restart ---------------------------------------------------------------------------- */

static int restart_one(struct command_context *ctx, const struct target *t, const void *arg,
		       struct error *err)
{
	const int64_t *grace_s = arg;
	struct container_view v;
	bool is_paused;
	int r = 0;

	view_load(&ctx->store, t->id, &v);
	is_paused = v.live == STATE_PAUSED;
	if (is_paused)
		r = error_set(err, EINVAL,
			      "unable to restart a container in a paused or unknown state: "
			      "container state improper");
	else if (v.live != STATE_INITIALIZED) /* what nothing has run in yet is let go */
		r = container_stop(&ctx->store, t->id, *grace_s, err);
	if (r == 0)
		event_log_container(&ctx->store, "restart", t->id, &v.st);
	view_done(&v);
	return r < 0 ? r : container_start(&ctx->store, t->id, err);
}

static bool is_running(const struct container_view *v)
{
	return v->live == STATE_RUNNING;
}

/* --running with names: those of them that run. */
static void keep_running(const struct store *s, struct targets *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct container_view v;

		view_load(s, t->v[i].id, &v);
		t->v[i].skip = !is_running(&v);
		view_done(&v);
	}
}

static int run_restart(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct life_options *o = options;
	cleanup_targets struct targets t = { 0 };
	int64_t grace_s;
	int r = grace_option(&o->time, &grace_s, err);

	if (r == 0)
		r = targets_find(ctx, o, argc, argv, o->running ? is_running : NULL, &t, err);
	if (r < 0)
		return r;
	if (o->running)
		keep_running(&ctx->store, &t);
	return targets_each(ctx, &t, restart_one, &grace_s, false);
}

/* ---- init ------------------------------------------------------------------------------- */

/* arg: whether --all was asked for, which passes over what is initialized already or runs. */
static int init_one(struct command_context *ctx, const struct target *t, const void *arg,
		    struct error *err)
{
	const bool *all = arg;
	struct container_view v;
	bool is_part, is_due;

	view_load(&ctx->store, t->id, &v);
	is_part = v.st.infra || v.st.init;
	is_due = v.live == STATE_CREATED || v.live == STATE_EXITED;
	view_done(&v);
	if (*all && is_part)
		return TARGET_PASSED;
	return *all && !is_due ? 0 : container_initialize(&ctx->store, t->id, err);
}

static int check_names(const struct life_options *o, int argc, struct error *err)
{
	if (o->all && argc)
		return error_set(err, EINVAL, "no arguments are needed with --all");
	if (o->latest && argc)
		return error_set(err, EINVAL, "--latest and containers cannot be used together");
	if (!argc && !o->all && !o->latest)
		return error_set(err, EINVAL, "you must provide at least one name or id");
	return 0;
}

static int run_init(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct life_options *o = options;
	cleanup_targets struct targets t = { 0 };
	int r = check_names(o, argc, err);

	if (r == 0)
		r = targets_find(ctx, o, argc, argv, NULL, &t, err);
	return r < 0 ? r : targets_each(ctx, &t, init_one, &o->all, false);
}

static const struct option start_options[] = {
	{ 0, "all", OPTION_BOOL, LIFE(all), NULL, "All containers that do not run", false },
	{ 'a', "attach", OPTION_BOOL, LIFE(attach), NULL, "Attach to its output", false },
	{ 0, "detach-keys", OPTION_STRING, LIFE(detach_keys), "keys",
	  "The keys that end the session (default ctrl-p,ctrl-q)", false },
	OPTION_FILTER('f'),
	{ 'i', "interactive", OPTION_BOOL, LIFE(interactive), NULL, "Attach, with standard input",
	  false },
	OPTION_LATEST("container"),
	{ 0, "sig-proxy", OPTION_MAYBE, LIFE(sig_proxy), NULL,
	  "Pass signals on to it (default true when attached)", false },
	OPTIONS_END,
};
static const struct option restart_options[] = {
	OPTION_ALL("containers"),
	OPTION_CIDFILE,
	OPTION_FILTER('f'),
	OPTION_LATEST("container"),
	{ 0, "running", OPTION_BOOL, LIFE(running), NULL, "Only those that run", false },
	OPTION_GRACE(LIFE(time)),
	OPTIONS_END,
};

static const struct option init_options[] = {
	OPTION_ALL("containers"),
	OPTION_LATEST("container"),
	OPTIONS_END,
};

const struct command cmd_init = {
	.words = "init",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Prepare one or more containers, so that a start has only to let them go",
	.options = init_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_init,
};

const struct command cmd_start = {
	.words = "start",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Start one or more containers",
	.options = start_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_start,
};

const struct command cmd_restart = {
	.words = "restart",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Restart one or more containers",
	.options = restart_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_restart,
};
