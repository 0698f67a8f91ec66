/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube play - manifests become running pods.
 *
 * Theory of operation: nothing is created before everything is known to be good: all documents are
 * decoded and validated, all images pulled and resolved, all host paths looked at. Then a pod that
 * exists is compared with the plan: unchanged ones stay (and are started if they have ended),
 * changed ones are replaced. New pods are created and their conductors started, all at once; while
 * they come up the records are made durable; then the command watches until each pod is up.
 *
 * A pod that could not be built (busy port, no namespace) is removed again: nothing is left of it.
 * One whose containers fail stays and is retried by its policy, as the kubelet does.
 */
#include <errno.h>

#include "cmd/podium/command.h"
#include "cmd/podium/commands.h"
#include "cmd/podium/kube_archive.h"
#include "cmd/podium/kube_input.h"
#include "cmd/podium/lifeoptions.h"
#include "cmd/podium/play.h"
#include "cmd/podium/play_build.h"
#include "cmd/podium/play_objects.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/trace.h"
#include "engine/image/store.h"

#define COMMIT_AFTER_MS 100

#define O(m) offsetof(struct play_options, m)

/* Objects first: containers resolve what they refer to when they are started. */
static int apply_objects(const struct store *s, const struct kube_result *result,
			 struct play_objects *objects, struct error *err)
{
	cleanup_close int lock = -EBADF;
	int r;

	if (!objects->n && !objects->volumes.n)
		return 0;
	lock = objects_lock(s, err);
	if (lock < 0)
		return lock;
	play_objects_done(objects); /* another play may have been here since */
	r = play_objects_compare(s, result, objects, err);
	return r < 0 ? r : play_objects_apply(s, objects, result, err);
}

/* No lock is held for a grace period; the images are looked up again after it. */
static int replace_old(struct command_context *ctx, const struct play_images *pulled,
		       struct played *v, size_t n, int *images, struct error *err)
{
	int r;

	if (!play_has_old(v, n))
		return 0;
	(void)close(steal_fd(images));
	r = play_remove_old(&ctx->store, v, n, err);
	if (r == 0)
		r = *images = image_lock(&ctx->store, LOCK_SHARED, err);
	for (size_t i = 0; i < n && r >= 0; i++)
		r = play_resolve_images(&ctx->store, pulled, v[i].plan, err);
	return r < 0 ? r : 0;
}

static int make_pods(const struct store *s, const struct play_options *o, struct played *v,
		     size_t n, struct pod_start_result *reports, struct error *err)
{
	int r = play_make(s, o, v, n, reports, err);

	/* The wait for the disk comes when the pods are up, or when they take their time: it would
	 * be in the way of their own writing. */
	if (r == 0)
		(void)pods_watch(reports, n, COMMIT_AFTER_MS);
	trace("watched");
	if (r == 0)
		r = play_commit(s, v, n, err);
	if (r < 0)
		play_roll_back(s, v, n);
	return r;
}

static int play(struct command_context *ctx, const struct play_options *o,
		struct kube_result *result, const struct strlist *keep, struct error *err)
{
	cleanup_free struct played *v = xcalloc(result->n + 1, sizeof(*v));
	cleanup_free struct pod_start_result *reports = xcalloc(result->n + 1, sizeof(*reports));
	cleanup_play_images struct play_images pulled = { 0 };
	cleanup_play_objects struct play_objects objects = { 0 };
	cleanup_close int images = play_take_images(ctx, o, result, keep, &pulled, err);
	int r = images < 0 ? images : play_prepare(ctx, o, result, &pulled, v, err);

	if (r == 0)
		r = play_objects_compare(&ctx->store, result, &objects, err);
	trace("prepared");
	if (r == 0)
		r = apply_objects(&ctx->store, result, &objects, err);
	if (r < 0)
		return r;
	r = replace_old(ctx, &pulled, v, result->n, &images, err);
	if (r == 0)
		r = make_pods(&ctx->store, o, v, result->n, reports, err);
	if (r < 0) {
		play_objects_undo(&ctx->store, &objects);
		return r;
	}
	(void)close(steal_fd(&images)); /* the records pin the layers now */
	(void)pods_watch(reports, result->n, -1);
	trace("up");
	play_objects_print(&objects, "");
	return play_finish(&ctx->store, v, result->n, reports);
}

/* The images of an archive: all that its manifest names are in it. */
static int unpack_archive(struct command_context *ctx, const char *path,
			  const struct kube_result *result, struct strlist *ret_keep,
			  struct error *err)
{
	for (size_t i = 0; i < result->n; i++)
		for (size_t k = 0; k < result->v[i].n_containers; k++)
			strlist_add(ret_keep, result->v[i].containers[k].image);
	return kube_archive_load(&ctx->store, path, result, err);
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	struct play_options *o = options;
	cleanup_kube_result struct kube_result result = { 0 };
	cleanup_strlist struct strlist keep = { .v = NULL };
	const struct play_build_options builds = { .build = o->build,
						   .context_dir = o->context_dir,
						   .pull = &o->pull,
						   .quiet = o->quiet };
	struct kube_input how = { .strict = o->strict,
				  .for_play = !o->down,
				  .store = &ctx->store,
				  .config_maps = o->config_maps,
				  .plain_names = o->no_pod_prefix };
	struct down_request rq = { .force = o->force };
	int r = grace_option(&o->time, &rq.grace_s, err);

	if (r < 0)
		return r;
	if (o->force && !o->down)
		return error_set(err, EINVAL, "--force belongs to --down");
	if (o->down)
		return kube_down(ctx, argc, argv, &rq, err);
	r = kube_input_read(argc, argv, &how, &result, err);
	if (r == 0)
		play_objects_name_sources(&result);
	if (r == 0 && is_kube_archive(argv[0]))
		r = unpack_archive(ctx, argv[0], &result, &keep, err);
	else if (r == 0)
		r = play_build(ctx, &builds, &result, &keep, err);
	return r ? r : play(ctx, o, &result, &keep, err);
}

static const struct option play_options_table[] = {
	OPTION_AUTHFILE(O(pull.reg.authfile)),
	{ 0, "build", OPTION_MAYBE, O(build), NULL,
	  "Build the images that have a folder of their name (default: those that are missing)",
	  false },
	OPTION_CERT_DIR(O(pull.reg.cert_dir)),
	{ 0, "configmap", OPTION_STRINGS, O(config_maps), "file",
	  "Take the ConfigMaps of this file, too", false },
	{ 0, "context-dir", OPTION_STRING, O(context_dir), "path",
	  "Where those folders are (default: beside the manifest)", false },
	OPTION_CREDS(O(pull.reg.creds)),
	{ 0, "down", OPTION_BOOL, O(down), NULL, "Stop and remove the pods of the files", false },
	{ 0, "force", OPTION_BOOL, O(force), NULL, "With --down: volumes that a play has made, too",
	  false },
	{ 0, "network", OPTION_STRING, O(network), "mode", "host, none or bridge", false },
	{ 0, "no-pod-prefix", OPTION_BOOL, O(no_pod_prefix), NULL,
	  "Containers are called NAME, not POD-NAME", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "No progress of pulls", false },
	{ 0, "replace", OPTION_BOOL, O(replace), NULL, "Remove the pods first if they exist",
	  false },
	{ 0, "start", OPTION_BOOL, O(start), NULL, "Start the pods (--start=false only creates)",
	  false },
	{ 0, "strict", OPTION_BOOL, O(strict), NULL, "A field that has no effect here is an error",
	  false },
	OPTION_TLS_VERIFY(O(pull.reg.tls_verify)),
	{ 't', "time", OPTION_INT, O(time), "seconds", "With --down: grace period", true },
	OPTIONS_END,
};

static void set_defaults(void *options)
{
	((struct play_options *)options)->start = true;
}

const struct command cmd_kube_play = {
	.words = "kube play",
	.args = "[options] FILE [FILE...]|-",
	.summary = "Play Kubernetes YAML: create and start its pods",
	.options = play_options_table,
	.options_size = sizeof(struct play_options),
	.set_defaults = set_defaults,
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run,
};
