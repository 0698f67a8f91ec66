/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod start, pod stop, pod restart, pod rm, pod prune.
 *
 * Theory of operation: names are resolved first, so that a wrong one changes nothing; then all pods
 * are worked on at once. rm -f works on anything: running, half made, half removed. Ids are printed,
 * whatever the pods were called by, as Podman does. rm without -f refuses a pod of which a member runs.
 */
#include <errno.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/targets.h"
#include "cmd/podium/image/imageprune.h"
#include "cmd/podium/play/jobs.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/state/status.h"
#include "engine/volumes/provide.h"

#define CODE_NO_SUCH 1

/* A Job whose monitor was killed gets another one with the first of its pods. */
static int adopt_jobs(const struct store *s, const struct strlist *ids, struct error *err)
{
	int r = 0;

	if (faccessat(s->rootfd, "kube/job", F_OK, 0) < 0)
		return 0; /* there are no Jobs here */
	for (size_t i = 0; i < ids->n && r == 0; i++) {
		struct pod_spec pod = { 0 };
		struct error scratch; /* removed just now */

		if (lookup_read_pod(s, ids->v[i], &pod, &scratch) == 0)
			r = job_adopt(s, pod.controller, err);
		record_done(&pod_spec_type, &pod);
	}
	return r;
}

static int run_start(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	cleanup_targets struct targets t = { 0 };
	cleanup_strlist struct strlist ids = { 0 };
	int r = targets_find_pods(ctx, options, argc, argv, NULL, &t, err);
	int code;

	for (size_t i = 0; i < t.n && r == 0; i++)
		strlist_add(&ids, t.v[i].id);
	code = r < 0 ? r : pods_start(&ctx->store, &ids, true, err);
	if (code >= 0)
		r = adopt_jobs(&ctx->store, &ids, err);
	return r < 0 ? r : code;
}

/* ---- stop, restart ---------------------------------------------------------------------- */

static int stop_one(struct command_context *ctx, const struct target *t, const void *arg,
		    struct error *err)
{
	const int64_t *grace_s = arg;
	cleanup_strlist struct strlist one = { 0 };

	strlist_add(&one, t->id);
	return pods_stop(&ctx->store, &one, *grace_s, err);
}

static int run_stop(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct life_options *o = options;
	cleanup_targets struct targets t = { 0 };
	int64_t grace_s;
	int r = grace_option(&o->time, &grace_s, err);

	if (r == 0)
		r = targets_find_pods(ctx, o, argc, argv, NULL, &t, err);
	return r < 0 ? r : targets_each(ctx, &t, stop_one, &grace_s, true);
}

static int restart_one(struct command_context *ctx, const struct target *t, const void *arg,
		       struct error *err)
{
	const int64_t grace_s = GRACE_OWN;
	cleanup_strlist struct strlist one = { 0 };
	int r = stop_one(ctx, t, &grace_s, err);

	(void)arg;
	strlist_add(&one, t->id);
	if (r == 0)
		r = pods_start(&ctx->store, &one, false, err);
	return r > 0 ? TARGET_FAILED : r;
}

static int run_restart(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	cleanup_targets struct targets t = { 0 };
	int r = targets_find_pods(ctx, options, argc, argv, NULL, &t, err);

	return r < 0 ? r : targets_each(ctx, &t, restart_one, NULL, true);
}

/* ---- rm, prune -------------------------------------------------------------------------- */

struct rm_job {
	bool force;
	int64_t grace_s;
};

static bool has_ended(const struct store *s, const char *container_id)
{
	struct container_status st = { 0 };
	struct error scratch; /* unreadable: not known to have ended */
	bool lost = false, ended = false;

	if (status_read(s, container_id, &st, &scratch) == 0) {
		enum container_state live = status_live(s, container_id, &st, &lost);

		ended = (live == STATE_EXITED || live == STATE_INITIALIZED) && !lost;
	}
	status_done(&st);
	return ended;
}

/* Only the infra container runs: nobody's work is lost with the pod, and Podman removes it, too. */
static bool is_pod_idle(const struct store *s, const char *id)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* unreadable: it counts as at work */
	bool idle = lookup_read_pod(s, id, &pod, &scratch) == 0;

	for (size_t i = 0; idle && i < pod.containers.n; i++)
		idle = has_ended(s, pod.containers.v[i].id);
	record_done(&pod_spec_type, &pod);
	return idle;
}

static int rm_one(struct command_context *ctx, const struct target *t, const void *arg,
		  struct error *err)
{
	const struct rm_job *job = arg;
	const struct store *s = &ctx->store;
	cleanup_strlist struct strlist one = { 0 }, volumes = { 0 };
	struct error scratch; /* a record that cannot be read names none */
	int r;

	if (!job->force && is_pod_active(s, t->id) && !is_pod_idle(s, t->id))
		return error_set(err, EBUSY,
				 "cannot remove pod %s as it is running - running or paused pods "
				 "cannot be removed without force: container state improper",
				 t->id);
	strlist_add(&one, t->id);
	error_ignore(volumes_anonymous_of_pod(s, t->id, &volumes, &scratch));
	r = pods_stop_to_remove(s, &one, job->grace_s, err);
	if (r == 0)
		r = pod_remove(s, t->id, err);
	return r < 0 ? r : volumes_remove_unused(s, &volumes, err);
}

static int run_rm(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	struct life_options *o = options;
	struct rm_job job = { .force = o->force };
	cleanup_targets struct targets t = { 0 };
	int r = grace_option(&o->time, &job.grace_s, err);

	o->ignore = o->ignore || o->force;
	if (r == 0)
		r = targets_find_pods(ctx, o, argc, argv, NULL, &t, err);
	if (r == -ENOENT) {
		command_print_error(err);
		return CODE_NO_SUCH;
	}
	return r < 0 ? r : targets_each(ctx, &t, rm_one, &job, true);
}

static bool is_prunable(const char *state)
{
	return is_equal(state, "Stopped") || is_equal(state, "Exited");
}

static int run_prune(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct life_options *o = options, all = { .all = true };
	const struct rm_job job = { .grace_s = 0 };
	cleanup_targets struct targets t = { 0 };
	int r = o->force ? 1
			 : prune_confirm("WARNING! This will remove all stopped/exited pods..\n",
					 err);

	if (r <= 0)
		return r;
	r = targets_find_pods(ctx, &all, argc, argv, is_prunable, &t, err);
	return r < 0 ? r : targets_each(ctx, &t, rm_one, &job, true);
}

/* ---- tables ----------------------------------------------------------------------------- */

static const struct option start_options[] = { OPTION_ALL("pods"), OPTION_LATEST("pod"),
					       OPTION_POD_ID_FILE, OPTIONS_END };
static const struct option stop_options[] = { OPTION_ALL("pods"),	OPTION_IGNORE("pods"),
					      OPTION_LATEST("pod"),	OPTION_POD_ID_FILE,
					      OPTION_GRACE(LIFE(time)), OPTIONS_END };
static const struct option restart_options[] = { OPTION_ALL("pods"), OPTION_LATEST("pod"),
						 OPTIONS_END };
static const struct option rm_options[] = {
	OPTION_ALL("pods"),
	{ 'f', "force", OPTION_BOOL, LIFE(force), NULL, "Stop what runs, remove what a crash left",
	  false },
	OPTION_IGNORE("pods"),
	OPTION_LATEST("pod"),
	OPTION_POD_ID_FILE,
	OPTION_GRACE(LIFE(time)),
	OPTIONS_END,
};
static const struct option prune_options[] = {
	{ 'f', "force", OPTION_BOOL, LIFE(force), NULL, "Do not ask", false },
	OPTIONS_END,
};

const struct command cmd_pod_start = {
	.words = "pod start",
	.args = "[options] POD [POD...]",
	.summary = "Start one or more pods",
	.options = start_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_start,
};

const struct command cmd_pod_stop = {
	.words = "pod stop",
	.args = "[options] POD [POD...]",
	.summary = "Stop one or more pods",
	.options = stop_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_stop,
};

const struct command cmd_pod_restart = {
	.words = "pod restart",
	.args = "[options] POD [POD...]",
	.summary = "Restart one or more pods",
	.options = restart_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_restart,
};

const struct command cmd_pod_prune = {
	.words = "pod prune",
	.args = "[options]",
	.summary = "Remove all pods that have stopped, and their containers",
	.options = prune_options,
	.options_size = sizeof(struct life_options),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_prune,
};

const struct command cmd_pod_rm = {
	.words = "pod rm",
	.args = "[options] POD [POD...]",
	.summary = "Remove one or more pods",
	.options = rm_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_rm,
};
