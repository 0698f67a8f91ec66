/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_prepare - everything that can be known to be wrong before anything is made.
 *
 * Theory of operation: images are pulled first, without a lock; then, under the images lock, each
 * plan gets its images' configuration, its host paths are looked at, and it is compared with the pod
 * of its name: unchanged ones stay, changed ones are replaced. One that is replaced has its host
 * ports tried, since it will be gone when they are taken.
 */
#include "cmd/podium/play/play.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/play/play_ports.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/trace.h"
#include "engine/image/store.h"
#include "engine/pod/lookup.h"
#include "engine/rootfs/volume_check.h"
#include "engine/volumes/named.h"

#define MAKER_WAIT_MS 30000

/* Each step of a Job makes its pods from the document: the option goes along with it. */
static int tell_jobs_network(const struct store *s, const struct play_options *o,
			     struct kube_result *result, struct error *err)
{
	int r = play_check_networks(s, o->network, err);

	for (size_t i = 0; i < result->n_objects && r >= 0; i++) {
		struct kube_object *object = &result->objects[i];

		if (object->template)
			object->network = play_choose_network(o, object->template);
	}
	return r < 0 ? r : 0;
}

static int resolve_image_volumes(const struct store *s, const struct play_images *pulled,
				 struct pod_spec *pod, struct error *err)
{
	for (size_t i = 0; i < pod->volumes.n; i++) {
		struct volume_spec *v = &pod->volumes.v[i];
		int r = 0;

		record_done(&image_config_type, &v->config);
		if (v->kind == VOLUME_IMAGE)
			r = image_resolve(s, play_images_name(pulled, v->image), &v->config, err);
		if (r < 0)
			return error_wrap(err, "pod '%s': volume '%s'", kube_plan_word(pod),
					  v->name);
	}
	return 0;
}

int play_resolve_images(const struct store *s, const struct play_images *pulled,
			struct pod_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_containers; i++) {
		struct container_spec *c = &plan->containers[i];
		int r;

		record_done(&image_config_type, &c->config);
		r = image_resolve(s, play_images_name(pulled, c->image), &c->config, err);
		if (r < 0)
			return error_wrap(err, "pod '%s': container '%s'",
					  kube_plan_word(&plan->pod), c->name);
		if (!c->has_command && !c->config.entrypoint.n && !c->has_args && !c->config.cmd.n)
			return error_set(err, EINVAL,
					 "pod '%s': container '%s': no command: the "
					 "image '%s' has none",
					 kube_plan_word(&plan->pod), c->name, c->image);
	}
	return resolve_image_volumes(s, pulled, &plan->pod, err);
}

static const struct named_volume *find_claim(const struct kube_result *result, const char *name)
{
	for (size_t i = 0; i < result->n_objects; i++)
		if (result->objects[i].kind == KUBE_PVC && is_equal(result->objects[i].name, name))
			return result->objects[i].claim;
	return NULL;
}

/* Of a claim, played now or earlier, that is bound to a folder of the host. */
static int check_claim(const struct store *s, const struct kube_result *result,
		       const struct volume_spec *vol, struct error *err)
{
	cleanup_named_volume struct named_volume stored = { 0 };
	const struct named_volume *claim = find_claim(result, vol->source_name);
	struct volume_spec folder = { .kind = VOLUME_HOST_PATH };
	struct error scratch; /* one that is not there is made, or told of, later */

	if (!claim && named_volume_read(s, vol->source_name, &stored, &scratch) == 0)
		claim = &stored;
	if (!claim || !claim->host_path)
		return 0;
	folder.host_path = claim->host_path;
	folder.host_path_type =
		claim->host_path_create ? HOST_PATH_DIRECTORY_OR_CREATE : HOST_PATH_DIRECTORY;
	if (volume_check_source(&folder, err) < 0)
		return error_wrap(err, "persistentvolumeclaim '%s'", vol->source_name);
	return 0;
}

static int check_volume(const struct store *s, const struct kube_result *result,
			const struct volume_spec *vol, struct error *err)
{
	return vol->kind == VOLUME_NAMED ? check_claim(s, result, vol, err)
					 : volume_check_source(vol, err);
}

static int check_volumes(const struct store *s, const struct kube_result *result,
			 const struct pod_spec *pod, struct error *err)
{
	for (size_t i = 0; i < pod->volumes.n; i++)
		if (check_volume(s, result, &pod->volumes.v[i], err) < 0)
			return error_wrap(err, "%s:%d: pod '%s': volume '%s'",
					  pod->source ? pod->source : "stdin",
					  pod->volumes.v[i].line, kube_plan_word(pod),
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
	else if (old.name &&
		 !is_equal(namespace_of(old.namespace_), namespace_of(p->plan->pod.namespace_)))
		r = error_set(err, EEXIST,
			      "pod '%s' exists in namespace '%s': names of pods differ on one host",
			      old.name, namespace_of(old.namespace_));
	else if (replace || !old.name || lookup_pod_phase(s, p->id) != POD_COMPLETE)
		p->act = PLAY_REPLACE;
	else
		p->act = is_equal(old.service, p->service) && is_unchanged(s, &old, p->plan)
				 ? PLAY_KEEP
				 : PLAY_REPLACE;
	record_done(&pod_spec_type, &old);
	return r < 0 ? r : 0;
}

/* Pulls what is to be pulled. Returns the images lock. */
int play_take_images(struct command_context *ctx, const struct play_options *o,
		     const struct kube_result *result, const struct strlist *keep,
		     struct play_images *pulled, struct error *err)
{
	cleanup_close int lock = image_lock(&ctx->store, LOCK_SHARED, err);
	int r = lock < 0 ? lock : play_images_choose(&ctx->store, result, keep, pulled, err);

	if (r < 0)
		return r;
	if (!pulled->n)
		return steal_fd(&lock);
	(void)close(steal_fd(&lock)); /* a pull changes what is here */
	if (o->dry_run)		      /* nothing changes: what is here is looked at as it is */
		return image_lock(&ctx->store, LOCK_SHARED, err);
	r = play_images_pull(&ctx->store, &o->pull, o->quiet, pulled, err);
	trace("pulled");
	return r < 0 ? r : image_lock(&ctx->store, LOCK_SHARED, err);
}

/* The pods of Jobs are made later, by these; what is wrong with them is said now. */
static int check_templates(struct command_context *ctx, const struct play_options *o,
			   const struct kube_result *result, const struct play_images *pulled,
			   struct error *err)
{
	int r = 0;

	for (size_t i = result->n; i < kube_plan_count(result) && r == 0; i++) {
		struct pod_plan *plan = kube_plan_at(result, i);

		r = play_resolve_images(&ctx->store, pulled, plan, err);
		if (r == -ENOENT && o->dry_run && pulled->n)
			r = 0; /* it would be pulled */
		if (r == 0)
			r = check_volumes(&ctx->store, result, &plan->pod, err);
	}
	return r;
}

int play_prepare(struct command_context *ctx, const struct play_options *o,
		 struct kube_result *result, const struct play_images *pulled, struct played *v,
		 struct error *err)
{
	int r = tell_jobs_network(&ctx->store, o, result, err);
	bool missing;

	for (size_t i = 0; i < result->n && r == 0; i++) {
		v[i].plan = &result->v[i];
		v[i].creation.lock_fd = -1;
		missing = false;
		r = play_apply_network(&ctx->store, v[i].plan, play_choose_network(o, v[i].plan),
				       err);
		if (r == 0)
			r = play_apply_addresses(&ctx->store, &o->over, i, v[i].plan, err);
		if (r == 0)
			r = play_resolve_images(&ctx->store, pulled, v[i].plan, err);
		if (r == -ENOENT && o->dry_run && pulled->n) {
			missing = true; /* it would be pulled */
			r = 0;
		}
		if (r == 0)
			r = check_volumes(&ctx->store, result, &v[i].plan->pod, err);
		if (r == 0)
			r = decide(&ctx->store, &v[i], o->replace || missing, err);
		if (r == 0 && v[i].act == PLAY_REPLACE)
			r = play_check_ports(&ctx->store, v[i].id, v[i].plan, err);
	}
	return r < 0 ? r : check_templates(ctx, o, result, pulled, err);
}
