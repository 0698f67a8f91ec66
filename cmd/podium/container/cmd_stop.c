/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop - ends containers within their grace period.
 *
 * Theory of operation: life.c stops one; all of a call are stopped at the same time. Stopping what
 * does not run is success, and its name is printed, as Podman does. A stop of what should start on
 * boot is that of a machine which goes down (podium-restart.service): it should do so afterwards, too.
 */
#include <errno.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/life.h"
#include "cmd/podium/container/targets.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/lock.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/state/status.h"

/* --rm whose monitor did not live to see its end: nobody else removes it. */
static bool is_orphan(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];
	struct container_status st = { 0 };
	struct container_spec c = { 0 };
	struct error scratch; /* gone already */
	bool ran = status_read(s, id, &st, &scratch) == 0 && !st.infra &&
		   st.state != STATE_CREATED && st.state != STATE_INITIALIZED &&
		   !is_lock_held(s->rootfd, layout_container(path, id, MONITOR_LOCK));
	bool is_meant = ran && lookup_read_container(s, id, &c, &scratch) == 0 && c.auto_remove;

	record_done(&container_spec_type, &c);
	status_done(&st);
	return is_meant;
}

struct stop {
	int64_t grace_s;
	bool machine_ends;
};

static bool is_of_machine(const struct life_options *o)
{
	for (size_t i = 0; i < o->filters.n; i++)
		if (is_equal(o->filters.v[i], "should-start-on-boot=true"))
			return true;
	return false;
}

static int stop_one(struct command_context *ctx, const struct target *t, const void *arg,
		    struct error *err)
{
	const struct stop *stop = arg;
	bool orphan = is_orphan(&ctx->store, t->id);
	int r = container_stop(&ctx->store, t->id, stop->grace_s, err);

	if (r == 0 && stop->machine_ends)
		r = container_return_on_boot(&ctx->store, t->id, err);
	if (r < 0 || !orphan)
		return r;
	r = container_remove(&ctx->store, t->id, 0, err);
	return r == -ENOENT ? 0 : r;
}

static int run_stop(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct life_options *o = options;
	cleanup_targets struct targets t = { 0 };
	struct stop stop = { .machine_ends = is_of_machine(o) };
	int r = grace_option(&o->time, &stop.grace_s, err);

	if (r == 0)
		r = targets_find(ctx, o, argc, argv, NULL, &t, err);
	return r < 0 ? r : targets_each(ctx, &t, stop_one, &stop, false);
}

static const struct option stop_options[] = {
	OPTION_ALL("containers"),
	OPTION_CIDFILE,
	OPTION_FILTER('f'),
	OPTION_IGNORE("containers"),
	OPTION_LATEST("container"),
	OPTION_GRACE(LIFE(time)),
	OPTIONS_END,
};

const struct command cmd_stop = {
	.words = "stop",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Stop one or more containers",
	.options = stop_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_stop,
};
