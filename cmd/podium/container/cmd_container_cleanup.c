/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container cleanup - takes away what is left of containers that have ended.
 *
 * Theory of operation: nothing is left when a conductor has done its work. When it and everything else
 * of the pod was killed there may be: namespaces, elements of the packet filter, cgroups, run
 * directories. For those the downs of the pod's stages are walked here, from the records.
 */
#include <errno.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/life.h"
#include "cmd/podium/container/targets.h"
#include "cmd/podium/pod/pods.h"
#include "engine/pod/pod.h"

struct cleanup_options {
	struct life_options life;
	bool remove;
};

static int check_ended(const struct container_view *v, struct error *err)
{
	if (v->live == STATE_CREATED || v->live == STATE_EXITED)
		return 0;
	if (v->live == STATE_INITIALIZED)
		return error_set(err, EINVAL,
				 "failed to clean up container %s: it is initialized: start or "
				 "stop it",
				 v->id);
	return error_set(err, EINVAL,
			 "failed to clean up container %s: container %s is running or paused, "
			 "refusing to clean up: container state improper",
			 v->id, v->id);
}

/* Nothing to do while somebody conducts the pod, or something of it runs. */
static int clean_pod(const struct store *s, const char *pod_id, struct error *err)
{
	int r = is_pod_active(s, pod_id) ? 0 : pod_run_down(s, pod_id, false, err);

	return r == -EBUSY ? 0 : r;
}

static int clean_one(struct command_context *ctx, const struct target *t, const void *arg,
		     struct error *err)
{
	const struct cleanup_options *o = arg;
	struct container_view v;
	int r;

	view_load(&ctx->store, t->id, &v);
	r = check_ended(&v, err);
	if (r == 0 && v.st.pod_id)
		r = clean_pod(&ctx->store, v.st.pod_id, err);
	if (r == 0 && o->remove && !v.st.infra)
		r = container_remove(&ctx->store, t->id, 0, err);
	view_done(&v);
	return r;
}

static int run_cleanup(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct cleanup_options *o = options;
	cleanup_targets struct targets t = { 0 };
	int r = targets_find(ctx, &o->life, argc, argv, NULL, &t, err);

	return r < 0 ? r : targets_each(ctx, &t, clean_one, o, false);
}

static const struct option cleanup_options[] = {
	OPTION_ALL("containers"),
	OPTION_REFUSE(0, "exec", "an exec session leaves nothing behind"),
	OPTION_LATEST("container"),
	{ 0, "rm", OPTION_BOOL, offsetof(struct cleanup_options, remove), NULL,
	  "Remove the container afterwards", false },
	OPTION_ONLY(0, "rmi", "false", "remove the image by its name"),
	OPTIONS_END,
};

const struct command cmd_container_cleanup = {
	.words = "container cleanup",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Clean up what is left of containers that have ended",
	.options = cleanup_options,
	.options_size = sizeof(struct cleanup_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_cleanup,
};
