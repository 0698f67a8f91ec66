/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push - an image goes to a registry.
 *
 * Theory of operation: each layer is settled by a child of its own (push_layer.c), three at once;
 * what it has sent is counted in memory that it shares with us. When all layers are there, the
 * configuration follows, as the bytes that came, and last the manifest. When every layer is there as
 * the blob as which it came, the manifest is the one that came, byte for byte, and so has the same
 * digest; else one is written that names the new blobs.
 *
 * A failure leaves in the registry what no manifest names, which is the registry's to collect.
 */
#include "engine/image/push.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/image/pushlayer.h"
#include "engine/image/sha256.h"

#define PARALLEL_MAX 3
#define LOOK_MS	     200

struct push {
	const struct store *store;
	const struct push_options *o;
	struct outimage image;
	struct route_list routes;
	char ref[REFERENCE_TAG_MAX + 1];
	struct push_target target;
	struct push_work *works; /* as many as the image has layers */
	uint64_t *sent;		 /* shared with the children */
	bool is_docker;
};

static void tell(const struct push *p, const struct push_work *w, const char *state)
{
	if (p->o->report)
		p->o->report(p->o->arg, &(struct out_event){ .layer = w->layer->claim.hex,
							     .state = state,
							     .bytes = *w->sent });
}

static void say(const struct push *p, const char *text, const char *hex)
{
	cleanup_free char *line = xasprintf("%s%.12s", text, hex);

	if (p->o->report)
		p->o->report(p->o->arg, &(struct out_event){ .text = line });
}

/* ---- where to --------------------------------------------------------------------------- */

static int find_route(struct push *p, const char *name, struct error *err)
{
	cleanup_registries struct registries *conf = NULL;
	struct reference ref;
	int r = reference_parse(name, &ref, err);

	if (r == 0 && ref.digest[0])
		r = error_set(
			err, EINVAL,
			"a destination has a tag, not a digest: the digest is what comes out");
	if (r == 0)
		r = registries_load(&conf, err);
	if (r == 0)
		r = registries_routes(conf, &ref, true, &p->routes, err);
	if (r == 0 && !p->routes.n)
		r = error_set(err, ENOENT, "no registry is known for it");
	if (r < 0)
		return error_wrap(err, "'%.200s'", name);
	(void)snprintf(p->ref, sizeof(p->ref), "%s", ref.tag);
	return 0;
}

/* Repositories of the same registry where the image was: its blobs may be there still. */
static void find_sources(struct push *p)
{
	for (size_t i = 0; i < p->image.digests.n; i++) {
		struct reference ref;
		struct error scratch;

		if (reference_parse(p->image.digests.v[i], &ref, &scratch) == 0 &&
		    is_equal(ref.domain, p->routes.v[0].auth) &&
		    !is_equal(ref.path, p->routes.v[0].path) &&
		    !strlist_has(&p->target.mount_from, ref.path))
			strlist_add(&p->target.mount_from, ref.path);
	}
}

static int choose_format(struct push *p, struct error *err)
{
	bool is_zstd = p->o->has_kind && p->o->kind == DEFLATE_ZSTD;

	p->is_docker = p->o->format == PUSH_DOCKER ||
		       (p->o->format == PUSH_AS_IT_IS && p->image.is_docker && !is_zstd);
	if (p->is_docker && is_zstd)
		return error_set(
			err, EINVAL,
			"format v2s2 knows no layers compressed by zstd: use --format oci");
	return 0;
}

/* ---- layers ----------------------------------------------------------------------------- */

static bool is_repeat(const struct push *p, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (is_digest_equal(&p->image.layers.v[i].diff, &p->image.layers.v[at].diff))
			return true;
	return false;
}

static size_t count(const struct push *p, enum push_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < p->image.layers.n; i++)
		n += p->works[i].state == state;
	return n;
}

static int begin_some(struct push *p, struct error *err)
{
	for (size_t i = 0; i < p->image.layers.n && count(p, PUSH_RUNNING) < PARALLEL_MAX; i++) {
		struct push_work *w = &p->works[i];
		int r;

		if (w->state != PUSH_WAITING)
			continue;
		r = push_layer_start(&p->target, w, err);
		if (r < 0)
			return r;
		tell(p, w, "begun");
	}
	return 0;
}

static int wait_some(struct push *p, struct error *err)
{
	struct pollfd fds[PARALLEL_MAX];
	struct push_work *of[PARALLEL_MAX];
	nfds_t n = 0;

	for (size_t i = 0; i < p->image.layers.n && n < PARALLEL_MAX; i++)
		if (p->works[i].state == PUSH_RUNNING) {
			of[n] = &p->works[i];
			fds[n++] = (struct pollfd){ .fd = p->works[i].job.fd, .events = POLLIN };
		}
	if (poll(fds, n, LOOK_MS) < 0 && errno != EINTR)
		return error_errno(err, "wait for the layers");
	for (nfds_t i = 0; i < n; i++) {
		int r = 0;

		if (!fds[i].revents) {
			tell(p, of[i], "bytes");
			continue;
		}
		r = push_layer_end(of[i], err);
		if (r < 0)
			return r;
		tell(p, of[i], of[i]->was_there ? "exists" : "done");
	}
	return 0;
}

/* A layer that is there twice has the blob of its first one. */
static void copy_repeats(struct push *p)
{
	for (size_t i = 0; i < p->image.layers.n; i++)
		for (size_t j = 0; p->works[i].state == PUSH_REPEAT && j < i; j++)
			if (is_digest_equal(&p->image.layers.v[i].diff,
					    &p->image.layers.v[j].diff)) {
				p->works[i].blob = p->works[j].blob;
				p->works[i].state = PUSH_DONE;
			}
}

static int push_layers(struct push *p, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < p->image.layers.n; i++)
		p->works[i] =
			(struct push_work){ .layer = &p->image.layers.v[i],
					    .state = is_repeat(p, i) ? PUSH_REPEAT : PUSH_WAITING,
					    .sent = &p->sent[i],
					    .job = JOB_INIT };
	while (r == 0 && count(p, PUSH_WAITING) + count(p, PUSH_RUNNING)) {
		r = begin_some(p, err);
		if (r == 0)
			r = wait_some(p, err);
	}
	for (size_t i = 0; i < p->image.layers.n; i++)
		job_end(&p->works[i].job);
	copy_repeats(p);
	return r;
}

/* ---- documents -------------------------------------------------------------------------- */

static int push_config(struct push *p, struct registry *registry, struct error *err)
{
	struct digest want, got;
	uint64_t size;
	int r;

	sha256_of(p->image.config, p->image.config_len, &want);
	say(p, "Copying config ", p->image.id);
	r = registry_has_blob(registry, &p->routes.v[0], &want, &size, err);
	if (r != 0)
		return r < 0 ? r : 0;
	return registry_upload_bytes(registry, &p->routes.v[0], p->image.config,
				     p->image.config_len, &got, err);
}

static bool is_as_it_came(const struct push *p)
{
	for (size_t i = 0; i < p->image.layers.n; i++)
		if (!p->image.layers.v[i].has_blob ||
		    !is_digest_equal(&p->image.layers.v[i].blob, &p->works[i].blob.digest))
			return false;
	return p->image.manifest && p->image.is_docker == p->is_docker;
}

/* The manifest's text; the caller's. */
static char *make_manifest(const struct push *p)
{
	cleanup_free struct outblob *blobs = xcalloc(p->image.layers.n + 1, sizeof(*blobs));

	if (is_as_it_came(p))
		return xstrndup(p->image.manifest, p->image.manifest_len);
	for (size_t i = 0; i < p->image.layers.n; i++)
		blobs[i] = p->works[i].blob;
	return out_manifest(&p->image, blobs, p->is_docker);
}

static int push_documents(struct push *p, struct digest *ret, struct error *err)
{
	cleanup_registry struct registry *registry = NULL;
	cleanup_free char *text = NULL;
	int r = registry_new(&p->o->registry, &registry, err);

	if (r == 0)
		r = push_config(p, registry, err);
	if (r < 0)
		return r;
	text = make_manifest(p);
	sha256_of(text, strlen(text), ret);
	say(p, "Writing manifest to image destination", "");
	return registry_put_manifest(
		registry, &p->routes.v[0], p->ref,
		&(struct manifest_text){ .media_type = p->is_docker ? MEDIA_DOCKER_MANIFEST
								    : MEDIA_OCI_MANIFEST,
					 .body = text,
					 .len = strlen(text) },
		err);
}

static int push_found(struct push *p, struct digest *ret, struct error *err)
{
	const char *name = p->o->destination ? p->o->destination : p->image.name;
	size_t bytes = (p->image.layers.n + 1) * sizeof(*p->sent);
	int r;

	if (!name)
		return error_set(err, EINVAL,
				 "image '%.12s' was given by its id: say where to push it",
				 p->image.id);
	r = find_route(p, name, err);
	if (r == 0)
		r = choose_format(p, err);
	if (r < 0)
		return r;
	find_sources(p);
	p->target.route = &p->routes.v[0];
	p->target.registry = &p->o->registry;
	p->target.has_kind = p->o->has_kind;
	p->target.kind = p->o->kind;
	p->target.level = p->o->level;
	p->target.is_docker = p->is_docker;
	p->works = xcalloc(p->image.layers.n + 1, sizeof(*p->works));
	p->sent = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->sent == MAP_FAILED)
		return error_errno(err, "share memory with the senders");
	r = push_layers(p, err);
	if (r == 0)
		r = push_documents(p, ret, err);
	(void)munmap(p->sent, bytes);
	return r < 0 ? error_wrap(err, "push to '%.200s'", name) : 0;
}

int image_push(const struct store *s, const struct push_options *o, struct digest *ret_manifest,
	       struct error *err)
{
	struct push p = { .store = s, .o = o, .image = OUTIMAGE_INIT };
	int r = outimage_open(s, o->image, &p.image, err);

	if (r == 0)
		r = push_found(&p, ret_manifest, err);
	strlist_done(&p.target.mount_from);
	route_list_done(&p.routes);
	free(p.works);
	outimage_done(&p.image);
	return r;
}
