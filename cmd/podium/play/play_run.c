/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_run - a play from good manifests to running pods.
 *
 * Theory of operation: everything is looked at first (images pulled, pods and objects compared, host
 * ports tried); --dry-run ends there. Then objects are written, pods that changed are ended and
 * removed, new ones made, all at once; while they come up the records are made durable; then the
 * command watches until each pod is up. A failure up to here takes back what was made, objects too.
 *
 * What follows does not undo anything: files of other pods are refreshed, what is not in the files
 * any more is pruned, and --wait watches on. A foreground --wait takes everything down at its end:
 * the pods of the files and what this run has made for them, never a volume that was there before.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/play/jobs.h"
#include "cmd/podium/base/sdnotify.h"
#include "cmd/podium/kube/kubekind.h"
#include "cmd/podium/kube/kubestored.h"
#include "cmd/podium/play/play.h"
#include "cmd/podium/play/play_prune.h"
#include "cmd/podium/play/play_service.h"
#include "cmd/podium/play/play_wait.h"
#include "engine/base/clock.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/trace.h"
#include "engine/image/store.h"
#include "kube/objects.h"

#define COMMIT_AFTER_MS 100
#define SIGNAL_LOOK_MS	200

struct run {
	struct command_context *ctx;
	const struct play_options *o;
	struct kube_result *result;
	enum play_wait_mode mode;
	struct played *v; /* one each of the result's plans */
	struct pod_start_result *reports;
	struct play_images pulled;
	struct play_objects objects;
	struct play_waited waited;
	struct play_service service;
	char *notify; /* socket of the service manager, or NULL */
	int images;   /* the lock */
	int signo;    /* that ended a foreground play */
};

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

/* Jobs whose pods would be others than those there are: what there is goes. */
static int replace_jobs(const struct run *run, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < run->objects.n && r == 0; i++) {
		const struct play_object *p = &run->objects.v[i];

		if (p->o->kind == KUBE_JOB && (p->change == PLAY_CONFIGURED || run->o->replace))
			r = job_prepare_change(
				&run->ctx->store, p->o, p->old.yaml,
				run->o->replace || !is_job_told_the_same(&p->old, p->o), err);
	}
	return r;
}

/* The Jobs make their pods themselves. What fails here is tried again by them. */
static void start_jobs(const struct run *run)
{
	for (size_t i = 0; i < run->objects.n && run->o->start; i++) {
		const struct kube_object *o = run->objects.v[i].o;
		struct error why;

		if (o->kind == KUBE_JOB &&
		    job_start(&run->ctx->store, o->namespace_, o->name, &why) < 0)
			command_print_warning(why.text);
	}
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

static int make_pods(struct run *run, struct error *err)
{
	const struct store *s = &run->ctx->store;
	struct pod_start_result *reports = run->reports;
	struct played *v = run->v;
	size_t n = run->result->n;
	int r = play_service_begin(s, &run->service, run->result, err);

	if (r == 0)
		r = play_make(s, run->o, v, n, reports, err);

	/* The wait for the disk comes when the pods are up, or when they take their time: it would
	 * be in the way of their own writing. */
	if (r == 0)
		(void)pods_watch(reports, n, COMMIT_AFTER_MS);
	trace("watched");
	if (r == 0)
		r = play_commit(s, v, n, err);
	play_service_made(&run->service);
	if (r < 0) {
		play_service_let_go(&run->service);
		play_roll_back(s, v, n);
		play_service_undo(s, &run->service);
	}
	return r;
}

/* ---- looking ---------------------------------------------------------------------------- */

static int plan_service(struct run *run, struct error *err)
{
	int r = play_service_policy(run->o->service_exit, &run->service.exit, err);

	if (r == 0 && run->o->service_container)
		r = play_service_plan(&run->ctx->store, run->result, &run->service, err);
	for (size_t i = 0; i < run->result->n && run->service.is_wanted; i++)
		run->v[i].service = run->service.id;
	return r;
}

static int prepare(struct run *run, const struct strlist *keep, struct error *err)
{
	const struct store *s = &run->ctx->store;
	int r = play_wait_parse(run->o, &run->mode, err);

	if (r == 0)
		r = play_wait_check(run->mode, run->result, err);
	if (r < 0)
		return r;
	run->images = play_take_images(run->ctx, run->o, run->result, keep, &run->pulled, err);
	if (run->images < 0)
		return run->images;
	r = plan_service(run, err);
	if (r == 0)
		r = play_prepare(run->ctx, run->o, run->result, &run->pulled, run->v, err);
	if (r == 0)
		r = play_objects_compare(s, run->result, &run->objects, err);
	trace("prepared");
	return r;
}

/* What goes since the files do not have it any more. */
static int prune(const struct run *run, bool dry, struct error *err)
{
	const struct store *s = &run->ctx->store;
	cleanup_play_prunes struct play_prunes found = { 0 };
	cleanup_strlist struct strlist sources = { 0 };
	int r = 0;

	play_prune_add_pods(&found, s, &run->objects.stale);
	for (size_t i = 0; i < run->o->files.n; i++)
		strlist_take(&sources, play_source(run->o->files.v[i]));
	if (run->o->prune)
		r = play_prune_find(s, run->result, &sources, &found, err);
	return r < 0 ? r : play_prune(s, &found, dry, err);
}

static int tell_dry(const struct run *run, struct error *err)
{
	static const char *const words[] = {
		[PLAY_CREATE] = "created", [PLAY_KEEP] = "unchanged", [PLAY_REPLACE] = "configured"
	};

	for (size_t i = 0; i < run->pulled.n; i++)
		fprintf(stderr, "image '%s' pulled (dry run)\n", run->pulled.uses[i].image);
	play_objects_print(&run->objects, " (dry run)");
	for (size_t i = 0; i < run->result->n; i++)
		fprintf(stderr, "pod '%s' %s (dry run)\n", run->v[i].plan->pod.name,
			words[run->v[i].act]);
	return prune(run, true, err);
}

/* ---- making ----------------------------------------------------------------------------- */

/* How long the starts may be watched, -1: to their end. */
static int watch_ms(const struct run *run)
{
	int64_t left = run->waited.begun_ms + run->o->timeout.value * 1000 - clock_mono_ms();

	if (run->mode == PLAY_WAIT_FOREGROUND)
		return SIGNAL_LOOK_MS;
	if (!run->o->timeout.set || left > INT32_MAX)
		return -1;
	return left > 0 ? (int)left : 0;
}

/* A foreground play hears signals from here on; one with a timeout says later what is late. */
static int watch(struct run *run)
{
	while (!pods_watch(run->reports, run->result->n, watch_ms(run))) {
		run->signo = play_waited_signal(&run->waited);
		if (run->signo || run->mode != PLAY_WAIT_FOREGROUND)
			break;
	}
	trace("up");
	return run->signo;
}

static int make(struct run *run, struct error *err)
{
	const struct store *s = &run->ctx->store;
	size_t n = run->result->n;
	int r = 0;

	run->waited.begun_ms = clock_mono_ms();
	if (run->mode == PLAY_WAIT_FOREGROUND)
		r = play_waited_signals(&run->waited, err);
	if (r == 0)
		r = replace_jobs(run, err);
	if (r == 0)
		r = apply_objects(s, run->result, &run->objects, err);
	if (r < 0)
		return r;
	r = replace_old(run->ctx, &run->pulled, run->v, n, &run->images, err);
	if (r == 0)
		r = make_pods(run, err);
	if (r < 0)
		play_objects_take_back(s, &run->objects);
	else
		start_jobs(run);
	return r;
}

/* Nothing of this run came to life: then its objects have no use either. */
static bool is_all_lost(const struct run *run)
{
	for (size_t i = 0; i < run->result->n; i++)
		if (!run->reports[i].not_built)
			return false;
	return run->result->n > 0;
}

/* As much as is there by now: job_start() has waited for the first. */
static void print_jobs(const struct run *run)
{
	const struct store *s = &run->ctx->store;

	for (size_t i = 0; i < run->objects.n; i++) {
		const struct kube_object *o = run->objects.v[i].o;
		struct job_status st = { 0 };
		struct error scratch; /* it has none, then */

		if (o->kind != KUBE_JOB)
			continue;
		error_ignore(kube_stored_job(s, o->namespace_, o->name, &st, &scratch));
		for (size_t k = 0; k < st.pods.n; k++)
			if (!is_empty(st.pods.v[k].id))
				play_print_ids(s, st.pods.v[k].id);
		record_done(&job_status_type, &st);
	}
}

/* ---- afterwards ------------------------------------------------------------------------- */

static void find_waited(struct run *run)
{
	for (size_t i = 0; i < run->result->n; i++)
		if (!run->reports[i].not_built && (run->mode != PLAY_WAIT_COMPLETED ||
						   run->v[i].plan->pod.restart != RESTART_ALWAYS))
			strlist_add(&run->waited.pods, run->v[i].id);
	for (size_t i = 0; i < run->result->n_objects && run->mode != PLAY_WAIT_READY; i++)
		if (run->result->objects[i].kind == KUBE_JOB)
			strlist_addf(&run->waited.jobs, "%s/%s",
				     namespace_of(run->result->objects[i].namespace_),
				     run->result->objects[i].name);
}

/* The pods of the files, and what this run made for them. */
static int take_down(struct run *run, struct error *err)
{
	const struct store *s = &run->ctx->store;
	cleanup_strlist struct strlist ids = { 0 };
	int r;

	for (size_t i = 0; i < run->result->n; i++)
		if (!run->reports[i].not_built)
			strlist_add(&ids, run->v[i].id);
	r = pods_stop_to_remove(s, &ids, -1, err);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = pod_remove(s, ids.v[i], err);
	for (size_t i = 0; i < run->objects.n && r == 0; i++) {
		struct play_object *p = &run->objects.v[i];

		if (p->o->kind != KUBE_JOB)
			continue;
		r = kube_remove_job(s, p->o->namespace_, p->o->name, -1, err);
		p->done = false; /* gone already */
	}
	if (r == 0)
		play_objects_take_back_created(s, &run->objects);
	return r;
}

static int wait_for_end(struct run *run, int code, struct error *err)
{
	struct error down;
	int r = code;

	find_waited(run);
	if (run->mode != PLAY_WAIT_FOREGROUND) {
		r = play_wait(&run->ctx->store, run->mode, &run->waited,
			      run->o->timeout.set ? run->o->timeout.value : -1, err);
		return r ? r : code;
	}
	(void)fflush(stdout);
	if (run->signo)
		r = 128 + run->signo;
	else if (code == 0)
		r = play_wait(&run->ctx->store, run->mode, &run->waited, -1, err);
	if (take_down(run, &down) < 0) {
		*err = down;
		return -down.code;
	}
	return r;
}

static bool is_for_manager(const struct run *run)
{
	return run->notify && run->o->service_container;
}

/* Jobs and DaemonSets alone have no service: the unit's main process is this command then. */
static bool is_main_process(const struct run *run)
{
	return is_for_manager(run) && !run->service.is_wanted && run->mode == PLAY_WAIT_NONE;
}

/* The service's monitor is the unit's main process from now on: it must not end before. Pods run,
 * whether somebody hears of it or not. */
static int tell_manager(struct run *run, struct error *err)
{
	long pid = play_service_pid(&run->ctx->store, &run->service);
	cleanup_free char *text = pid ? xasprintf("MAINPID=%ld\nREADY=1", pid) : xstrdup("READY=1");
	struct error why;
	int r = is_main_process(run) ? play_waited_signals(&run->waited, err) : 0;

	if (r == 0 && sdnotify_send(run->notify, text, &why) < 0)
		command_print_warning(why.text);
	return r;
}

/* Until all of them have ended or a signal comes. */
static int be_main_process(struct run *run, struct error *err)
{
	int r;

	(void)fflush(stdout);
	find_waited(run);
	r = play_wait(&run->ctx->store, PLAY_WAIT_FOREGROUND, &run->waited, -1, err);
	return r < 0 ? r : 0;
}

static int finish(struct run *run, struct error *err)
{
	const struct store *s = &run->ctx->store;
	cleanup_strlist struct strlist fresh = { 0 };
	bool lost = is_all_lost(run);
	int code, r;

	if (!lost)
		play_objects_print(&run->objects, "");
	code = play_finish(s, run->v, run->result->n, run->reports);
	if (lost) {
		play_objects_take_back(s, &run->objects);
		return code;
	}
	print_jobs(run);
	if (code == 0 && is_for_manager(run) && tell_manager(run, err) < 0)
		return -err->code;
	play_service_let_go(&run->service);
	for (size_t i = 0; i < run->result->n; i++)
		if (run->v[i].act != PLAY_KEEP)
			strlist_add(&fresh, run->v[i].id);
	if (code && run->o->prune)
		command_print_warning("nothing is pruned, since the play has failed");
	r = code ? 0 : prune(run, false, err);
	play_refresh(s, &fresh, &run->objects);
	if (r == 0 && code == 0 && is_main_process(run))
		r = be_main_process(run, err);
	if (r < 0 || run->mode == PLAY_WAIT_NONE || (code && run->mode != PLAY_WAIT_FOREGROUND))
		return r < 0 ? r : code;
	return wait_for_end(run, code, err);
}

static int run_all(struct run *run, const struct strlist *keep, struct error *err)
{
	int r = prepare(run, keep, err);

	if (r < 0)
		return r;
	if (run->o->dry_run)
		return tell_dry(run, err);
	r = make(run, err);
	if (r < 0)
		return r;
	(void)close(steal_fd(&run->images)); /* the records pin the layers now */
	(void)watch(run);
	return finish(run, err);
}

int play_run(struct command_context *ctx, const struct play_options *o, struct kube_result *result,
	     const struct strlist *keep, struct error *err)
{
	struct run run = { .ctx = ctx,
			   .o = o,
			   .result = result,
			   .v = xcalloc(result->n + 1, sizeof(*run.v)),
			   .reports = xcalloc(result->n + 1, sizeof(*run.reports)),
			   .waited = { .signal_fd = -1 },
			   .service = PLAY_SERVICE_INIT,
			   .notify = sdnotify_take(),
			   .images = -EBADF };
	int r = run_all(&run, keep, err);

	if (run.images >= 0)
		(void)close(run.images);
	play_waited_done(&run.waited);
	play_service_done(&run.service);
	free(run.notify);
	play_objects_done(&run.objects);
	play_images_done(&run.pulled);
	free(run.reports);
	free(run.v);
	return r;
}
