/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod start, pod stop, pod rm.
 *
 * Theory of operation: names are resolved first, so that a wrong one changes nothing; then all pods
 * are worked on at once. rm -f works on anything: running, half made, half removed.
 */
#include <errno.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/lifeoptions.h"
#include "cmd/podium/play/jobs.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"

/* As pods_resolve(), without those that do not exist when --ignore is given. */
static int resolve(struct command_context *ctx, const struct life_options *o, int argc, char **argv,
		   struct strlist *ids, struct error *err)
{
	int r = 0;

	if (!o->ignore)
		return pods_resolve(&ctx->store, argc, argv, o->all, ids, err);
	for (int i = 0; i < argc && r == 0; i++) {
		r = pods_resolve(&ctx->store, 1, &argv[i], false, ids, err);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

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
	const struct life_options *o = options;
	cleanup_strlist struct strlist ids = { 0 };
	int r = pods_resolve(&ctx->store, argc, argv, o->all, &ids, err);
	int code = r < 0 ? r : pods_start(&ctx->store, &ids, true, err);

	if (code >= 0)
		r = adopt_jobs(&ctx->store, &ids, err);
	return r < 0 ? r : code;
}

static int run_stop(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct life_options *o = options;
	cleanup_strlist struct strlist ids = { 0 };
	int64_t grace_s;
	int r = grace_option(&o->time, &grace_s, err);

	if (r == 0)
		r = resolve(ctx, o, argc, argv, &ids, err);
	if (r == 0)
		r = pods_stop(&ctx->store, &ids, grace_s, err);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		printf("%s\n", ids.v[i]);
	return r;
}

static int run_rm(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	const struct life_options *o = options;
	cleanup_strlist struct strlist ids = { 0 };
	int64_t grace_s;
	int r = grace_option(&o->time, &grace_s, err);

	if (r == 0)
		r = resolve(ctx, o, argc, argv, &ids, err);
	for (size_t i = 0; i < ids.n && r == 0 && !o->force; i++)
		if (is_pod_active(&ctx->store, ids.v[i]))
			r = error_set(err, EBUSY,
				      "pod '%.12s' is running: stop it first, or "
				      "remove it with -f",
				      ids.v[i]);
	if (r == 0)
		r = pods_stop_to_remove(&ctx->store, &ids, grace_s, err);
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		r = pod_remove(&ctx->store, ids.v[i], err);
		if (r == 0)
			printf("%s\n", ids.v[i]);
	}
	return r == -ENOENT ? (command_print_error(err), 1) : r;
}

static const struct option start_options[] = { OPTION_ALL("pods"), OPTIONS_END };
static const struct option stop_options[] = { OPTION_ALL("pods"), OPTION_IGNORE("pods"),
					      OPTION_GRACE(offsetof(struct life_options, time)),
					      OPTIONS_END };
static const struct option rm_options[] = {
	OPTION_ALL("pods"),
	{ 'f', "force", OPTION_BOOL, offsetof(struct life_options, force), NULL,
	  "Stop what runs, remove what a crash left", false },
	OPTION_IGNORE("pods"),
	OPTION_GRACE(offsetof(struct life_options, time)),
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
