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
#include <stdio.h>
#include <string.h>

#include "cmd/podium/command.h"
#include "cmd/podium/commands.h"
#include "cmd/podium/kube_archive.h"
#include "cmd/podium/kube_input.h"
#include "cmd/podium/lifeoptions.h"
#include "cmd/podium/play_build.h"
#include "cmd/podium/play_images.h"
#include "cmd/podium/play_ports.h"
#include "cmd/podium/pods.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/trace.h"
#include "engine/image/store.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/rootfs/volume_check.h"

#define COMMIT_AFTER_MS 100

#define MAKER_WAIT_MS 30000

struct play_options {
	bool down;
	bool replace;
	bool start;
	bool quiet;
	bool no_pod_prefix;
	bool strict;
	const char *network;
	const char *context_dir;
	struct option_maybe build;
	struct option_int time;
	struct pull_options pull;
};
#define O(m) offsetof(struct play_options, m)

enum play_act { PLAY_CREATE, PLAY_KEEP, PLAY_REPLACE };

struct played {
	struct pod_plan *plan; /* in the kube_result */
	enum play_act act;
	char id[65]; /* of the pod that exists, then of the pod that was made */
	struct pod_creation creation;
	bool created;
};

/* ---- before anything is made ------------------------------------------------------------ */

static int apply_network(struct pod_plan *plan, const char *network, struct error *err)
{
	if (!network)
		return 0;
	for (int i = 0; network_mode_names[i]; i++) {
		if (strcmp(network_mode_names[i], network) != 0)
			continue;
		if (plan->pod.network == i)
			return 0;
		plan->pod.network = i;
		if (i == NETWORK_NONE)
			return 0; /* no field of a manifest says this */
		/* The pod's own document says what it is: with the override. */
		free(steal_ptr(&plan->kube_yaml));
		return kube_generate_from_plan(plan, &plan->kube_yaml, err);
	}
	return error_set(err, EINVAL, "network '%s' is not known: host, none or bridge", network);
}

static int resolve_images(const struct store *s, const struct play_images *pulled,
			  struct pod_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_containers; i++) {
		struct container_spec *c = &plan->containers[i];
		int r;

		record_done(&image_config_type, &c->config);
		r = image_resolve(s, play_images_name(pulled, c), &c->config, err);
		if (r < 0)
			return error_wrap(err, "pod '%s': container '%s'", plan->pod.name, c->name);
		if (!c->has_command && !c->config.entrypoint.n && !c->has_args && !c->config.cmd.n)
			return error_set(err, EINVAL,
					 "pod '%s': container '%s': no command: the "
					 "image '%s' has none",
					 plan->pod.name, c->name, c->image);
	}
	return 0;
}

static int check_volumes(const struct pod_spec *pod, struct error *err)
{
	for (size_t i = 0; i < pod->volumes.n; i++)
		if (volume_check_source(&pod->volumes.v[i], err) < 0)
			return error_wrap(err, "%s:%d: pod '%s': volume '%s'",
					  pod->source ? pod->source : "stdin",
					  pod->volumes.v[i].line, pod->name,
					  pod->volumes.v[i].name);
	return 0;
}

/* Equal apart from ids and times: the same containers with the same images. */
static bool is_unchanged(const struct store *s, const struct pod_spec *old,
			 const struct pod_plan *plan)
{
	struct error scratch;
	struct pod_spec wanted = plan->pod;
	bool same = old->containers.n == plan->n_containers;

	wanted.containers = old->containers; /* filled in at creation */
	if (!same || !record_equal(&pod_spec_type, old, &wanted, NULL))
		return false;
	for (size_t i = 0; i < plan->n_containers && same; i++) {
		struct container_spec c = { 0 };

		same = lookup_read_container(s, old->containers.v[i].id, &c, &scratch) == 0;
		if (same) {
			struct container_spec want = plan->containers[i];

			want.version = c.version;
			same = record_equal(&container_spec_type, &c, &want, NULL);
		}
		record_done(&container_spec_type, &c);
	}
	return same;
}

/* A pod that another play is making just now is waited for: then it is one that exists. */
static void wait_for_maker(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];
	struct error scratch; /* it is looked at again, whatever happened */
	int fd;

	if (lookup_pod_phase(s, id) != POD_INCOMPLETE)
		return;
	fd = lock_take(s->rootfd, layout_pod(path, id, POD_LOCK), LOCK_EXCLUSIVE, MAKER_WAIT_MS,
		       &scratch);
	if (fd >= 0)
		(void)close(fd);
}

static int decide(const struct store *s, struct played *p, bool replace, struct error *err)
{
	struct pod_spec old = { 0 };
	struct error scratch;
	int r = lookup_pod(s, p->plan->pod.name, p->id, &scratch);

	if (r == 0) {
		wait_for_maker(s, p->id);
		r = lookup_pod(s, p->plan->pod.name, p->id, &scratch);
	}
	p->act = PLAY_CREATE;
	/* A prefix of an id is not the name. */
	if (r < 0 || (lookup_read_pod(s, p->id, &old, &scratch) == 0 &&
		      !is_equal(old.name, p->plan->pod.name))) {
		record_done(&pod_spec_type, &old);
		return 0;
	}
	p->plan->pod.version = POD_SPEC_VERSION;
	if (old.name && !is_equal(old.owner, p->plan->pod.owner))
		r = error_set(err, EEXIST,
			      "pod '%s' exists and was not played from YAML: remove it "
			      "first",
			      old.name);
	else if (replace || !old.name || lookup_pod_phase(s, p->id) != POD_COMPLETE)
		p->act = PLAY_REPLACE;
	else
		p->act = is_unchanged(s, &old, p->plan) ? PLAY_KEEP : PLAY_REPLACE;
	record_done(&pod_spec_type, &old);
	return r < 0 ? r : 0;
}

/* Pulls what is to be pulled. Returns the images lock. */
static int take_images(struct command_context *ctx, const struct play_options *o,
		       const struct kube_result *result, const struct strlist *keep,
		       struct play_images *pulled,
		       struct error *err)
{
	cleanup_close int lock = image_lock(&ctx->store, LOCK_SHARED, err);
	int r = lock < 0 ? lock : play_images_choose(&ctx->store, result, keep, pulled, err);

	if (r < 0)
		return r;
	if (!pulled->n)
		return steal_fd(&lock);
	(void)close(steal_fd(&lock)); /* a pull changes what is here */
	r = play_images_pull(&ctx->store, &o->pull, o->quiet, pulled, err);
	trace("pulled");
	return r < 0 ? r : image_lock(&ctx->store, LOCK_SHARED, err);
}

static int prepare(struct command_context *ctx, const struct play_options *o,
		   struct kube_result *result, const struct play_images *pulled, struct played *v,
		   struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < result->n && r == 0; i++) {
		v[i].plan = &result->v[i];
		v[i].creation.lock_fd = -1;
		r = apply_network(v[i].plan, o->network, err);
		if (r == 0)
			r = resolve_images(&ctx->store, pulled, v[i].plan, err);
		if (r == 0)
			r = check_volumes(&v[i].plan->pod, err);
		if (r == 0)
			r = decide(&ctx->store, &v[i], o->replace, err);
		if (r == 0 && v[i].act == PLAY_REPLACE)
			r = play_check_ports(&ctx->store, v[i].id, v[i].plan, err);
	}
	return r;
}

/* ---- making them ------------------------------------------------------------------------ */

static int remove_old(const struct store *s, struct played *v, size_t n, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	int r = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].act == PLAY_REPLACE)
			strlist_add(&ids, v[i].id);
	if (ids.n)
		r = pods_stop(s, &ids, -1, err);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = pod_remove(s, ids.v[i], err);
	return r;
}

static bool has_old(const struct played *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].act == PLAY_REPLACE)
			return true;
	return false;
}

/* Undoes what this command has made. */
static void roll_back(const struct store *s, struct played *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_strlist struct strlist one = { 0 };
		struct error scratch;

		if (!v[i].created)
			continue;
		pod_creation_done(&v[i].creation);
		strlist_add(&one, v[i].id);
		error_ignore(pods_stop(s, &one, 0, &scratch));
		error_ignore(pod_remove(s, v[i].id, &scratch));
		v[i].created = false;
	}
}

/* Creates and starts. */
static int make_all(const struct store *s, const struct play_options *o, struct played *v, size_t n,
		    struct pod_start_result *reports, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		reports[i].report_fd = -1;
		if (v[i].act != PLAY_KEEP) {
			r = pod_create(s, v[i].plan, &v[i].creation, err);
			if (r < 0)
				break;
			v[i].created = true;
			(void)snprintf(v[i].id, sizeof(v[i].id), "%s", v[i].plan->pod.id);
		}
		trace("pod '%s' created", v[i].plan->pod.name);
		if (!o->start || (v[i].act == PLAY_KEEP && is_pod_active(s, v[i].id)))
			reports[i].done = reports[i].up = true;
		else
			r = pod_start(s, v[i].id, &reports[i].report_fd, err);
		r = r > 0 ? 0 : r;
	}
	return r;
}

/* One wait for the disk for all pods that were made. */
static int commit_all(const struct store *s, struct played *v, size_t n, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	int r;

	for (size_t i = 0; i < n; i++)
		if (v[i].created)
			strlist_add(&ids, v[i].id);
	r = ids.n ? pod_commit(s, &ids, err) : 0;
	for (size_t i = 0; i < n; i++)
		pod_creation_done(&v[i].creation);
	trace("durable");
	return r;
}

/* ---- what is said ----------------------------------------------------------------------- */

static void print_played(const struct store *s, const struct played *p)
{
	struct pod_spec pod = { 0 };
	struct error scratch;
	size_t members = 0;

	if (p->act != PLAY_CREATE)
		fprintf(stderr, "pod '%s' %s\n", p->plan->pod.name,
			p->act == PLAY_KEEP ? "unchanged" : "configured");
	if (lookup_read_pod(s, p->id, &pod, &scratch) < 0)
		return;
	for (size_t i = 0; i < pod.containers.n; i++)
		members += !pod.containers.v[i].init;
	printf("Pod:\n%s\n%s:\n", p->id, members == 1 ? "Container" : "Containers");
	for (size_t i = 0; i < pod.containers.n; i++)
		if (!pod.containers.v[i].init)
			printf("%s\n", pod.containers.v[i].id);
	printf("\n");
	record_done(&pod_spec_type, &pod);
}

static int finish(const struct store *s, struct played *v, size_t n,
		  const struct pod_start_result *reports)
{
	int code = 0;

	for (size_t i = 0; i < n; i++) {
		if (reports[i].not_built && v[i].created) {
			roll_back(s, &v[i], 1);
			code = 125;
			continue;
		}
		if (reports[i].failures)
			code = 125;
		print_played(s, &v[i]);
	}
	return code;
}

static int play(struct command_context *ctx, const struct play_options *o,
		struct kube_result *result, const struct strlist *keep, struct error *err)
{
	cleanup_free struct played *v = xcalloc(result->n, sizeof(*v));
	cleanup_free struct pod_start_result *reports = xcalloc(result->n, sizeof(*reports));
	cleanup_play_images struct play_images pulled = { 0 };
	cleanup_close int images = take_images(ctx, o, result, keep, &pulled, err);
	int r = images < 0 ? images : prepare(ctx, o, result, &pulled, v, err);

	trace("prepared");
	if (r == 0 && has_old(v, result->n)) {
		/* No lock is held for a grace period; the images are looked up again after it. */
		(void)close(steal_fd(&images));
		r = remove_old(&ctx->store, v, result->n, err);
		if (r == 0)
			r = images = image_lock(&ctx->store, LOCK_SHARED, err);
		for (size_t i = 0; i < result->n && r >= 0; i++)
			r = resolve_images(&ctx->store, &pulled, v[i].plan, err);
	}
	if (r < 0)
		return r;
	r = make_all(&ctx->store, o, v, result->n, reports, err);
	/* The wait for the disk comes when the pods are up, or when they take their time: it would
	 * be in the way of their own writing. */
	if (r == 0)
		(void)pods_watch(reports, result->n, COMMIT_AFTER_MS);
	trace("watched");
	if (r == 0)
		r = commit_all(&ctx->store, v, result->n, err);
	if (r < 0) {
		roll_back(&ctx->store, v, result->n);
		return r;
	}
	(void)close(steal_fd(&images)); /* the records pin the layers now */
	(void)pods_watch(reports, result->n, -1);
	trace("up");
	return finish(&ctx->store, v, result->n, reports);
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
				  .plain_names = o->no_pod_prefix };
	int64_t grace_s;
	int r = grace_option(&o->time, &grace_s, err);

	if (r < 0)
		return r;
	if (o->down)
		return kube_down(ctx, argc, argv, grace_s, err);
	r = kube_input_read(argc, argv, &how, &result, err);
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
	{ 0, "context-dir", OPTION_STRING, O(context_dir), "path",
	  "Where those folders are (default: beside the manifest)", false },
	OPTION_CREDS(O(pull.reg.creds)),
	{ 0, "down", OPTION_BOOL, O(down), NULL, "Stop and remove the pods of the files", false },
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
