/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit - layers upon a state, and a state into the store.
 *
 * Theory of operation: what a container wrote is an overlay's upper directory. A child writes it as a
 * tar stream into a pipe, and the intake of new layers unpacks that stream into the store under the
 * same limits as a layer from a registry: a step of a build is no more trusted than a download.
 *
 * Each step becomes an image of its own, known to be one by is_intermediate, so that the next build
 * can begin there; the last one gets the names. Before it is written a configuration is read once as
 * a stranger's, so nothing gets into the store that would not be taken back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/build/work.h"
#include "engine/image/newlayer.h"
#include "engine/image/ownmanifest.h"
#include "engine/image/pack.h"
#include "engine/image/sha256.h"
#include "engine/image/store.h"

void build_keep(struct build *b, struct layer_claim *claim)
{
	b->claims = xreallocarray(b->claims, b->n_claims + 1, sizeof(*b->claims));
	b->claims[b->n_claims++] = *claim;
	*claim = LAYER_CLAIM_INIT;
}

/* Each layer once, where it is highest: what a container mounts. */
static void list_layers(struct image_conf *c)
{
	struct strlist *layers = &c->run.layers;

	strlist_done(layers);
	for (size_t i = 0; i < c->diff_ids.n; i++) {
		struct strlist above = { .v = c->diff_ids.v + i + 1, .n = c->diff_ids.n - i - 1 };

		if (!strlist_has(&above, c->diff_ids.v[i]))
			strlist_add(layers, c->diff_ids.v[i]);
	}
}

void build_add_layer(struct build *b, struct build_state *st, struct build_layer *l)
{
	char hex[DIGEST_HEX_LEN + 1];

	strlist_addf(&st->conf.diff_ids, "sha256:%s", digest_hex(&l->diff, hex));
	list_layers(&st->conf);
	build_keep(b, &l->claim);
}

/* ---- a tree as a layer ------------------------------------------------------------------ */

int build_pack_tree(struct build *b, int treefd, bool is_upper, struct build_layer *ret,
		    struct error *err)
{
	int fds[2];
	struct job job = JOB_INIT;
	struct pack_result result;
	struct error from_job = { .code = 0 };
	struct pack_plan plan = { .treefd = treefd,
				  .splitfd = -1,
				  .kind = DEFLATE_NONE,
				  .tree = { .timestamp_s = b->options->timestamp_s,
					    .is_upper = is_upper } };
	int r, j;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	plan.outfd = fds[1];
	r = pack_start(&plan, &job, err);
	(void)close(fds[1]);
	if (r < 0) {
		(void)close(fds[0]);
		return r;
	}
	r = newlayer_from_stream(b->store, fds[0], &ret->claim, &ret->diff, &ret->bytes, err);
	(void)close(fds[0]);
	j = pack_wait(&job, &result, &from_job);
	if (j == 0 || (r < 0 && j == -EPIPE)) /* a writer without a reader fails for that */
		return r;
	if (r == 0)
		build_layer_done(ret);
	*err = from_job;
	return j;
}

int build_pack_container(struct build *b, const char *id, struct build_layer *ret,
			 struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int upper = openat(b->store->rootfd, layout_container(path, id, "upper"),
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (upper < 0)
		return error_errno(err, "open what step '%.12s' wrote", id);
	return build_pack_tree(b, upper, true, ret, err);
}

/* ---- an image --------------------------------------------------------------------------- */

static int sum_layers(struct build *b, const struct strlist *layers, int64_t *ret,
		      struct error *err)
{
	*ret = 0;
	for (size_t i = 0; i < layers->n; i++) {
		int64_t bytes = 0;
		int r = layer_size(b->store, layers->v[i] + sizeof("sha256:") - 1, &bytes, err);

		if (r < 0)
			return r;
		*ret += bytes;
	}
	return 0;
}

static int check_conf(const char *text, struct error *err)
{
	cleanup_image_conf struct image_conf copy = { .author = NULL };

	return image_conf_parse(text, strlen(text), &copy, err);
}

/* A configuration on its way to an image. */
struct document {
	const struct image_conf *conf;
	const char *text;
	const char *parent; /* NULL: it stays what it was */
	bool is_last;	    /* it gets the names */
};

static int write_image(struct build *b, const struct document *d, char hex[DIGEST_HEX_LEN + 1],
		       struct error *err)
{
	static const struct strlist no_names;
	const struct image_conf *c = d->conf;
	struct own_manifest own = { .text = NULL };
	cleanup_free char *manifest = NULL;
	struct error scratch = { .code = 0 };
	bool is_docker = b->options->is_docker;
	struct digest id;
	int64_t size = 0;
	int r = sum_layers(b, &c->run.layers, &size, err);

	if (r < 0)
		return r;
	/* Layers of an older podium have no record of their size: nothing but --digests misses it. */
	r = own_manifest_make(b->store, d->text, &c->diff_ids, is_docker, &own, &scratch);
	manifest = own.text;
	if (r < 0 && is_docker) {
		*err = scratch;
		return r;
	}
	sha256_of(d->text, strlen(d->text), &id);
	return image_commit(
		b->store,
		&(struct image_commit){ .id = digest_hex(&id, hex),
					.config = d->text,
					.config_len = strlen(d->text),
					.manifest_id = manifest ? own.hex : NULL,
					.manifest = manifest,
					.manifest_len = manifest ? strlen(manifest) : 0,
					.names = d->is_last ? &b->options->names : &no_names,
					.layers = &c->run.layers,
					.created_ns = c->created_ns,
					.size_bytes = size,
					.architecture = c->architecture,
					.os = c->os,
					.variant = c->variant,
					.author = c->author,
					.parent = d->parent,
					.is_intermediate = !d->is_last },
		err);
}

int build_commit(struct build *b, struct build_state *st, bool is_last, struct error *err)
{
	cleanup_free char *text = NULL;
	char hex[DIGEST_HEX_LEN + 1];
	int r;

	st->conf.created_ns = b->now_ns;
	text = image_conf_write(&st->conf);
	r = check_conf(text, err);
	if (r == 0)
		r = write_image(b,
				&(struct document){ .conf = &st->conf,
						    .text = text,
						    .parent = *st->image ? st->image : NULL,
						    .is_last = is_last },
				hex, err);
	if (r == 0)
		(void)snprintf(st->image, sizeof(st->image), "%s", hex);
	return r;
}

int build_name(struct build *b, struct build_state *st, struct error *err)
{
	cleanup_free char *text = image_conf_write(&st->conf);
	char hex[DIGEST_HEX_LEN + 1];
	struct digest id;
	int r = 0;

	sha256_of(text, strlen(text), &id);
	if (is_equal(digest_hex(&id, hex), st->image)) /* ours: perhaps a step until now */
		return write_image(
			b, &(struct document){ .conf = &st->conf, .text = text, .is_last = true },
			hex, err);
	for (size_t i = 0; r == 0 && i < b->options->names.n; i++)
		r = image_tag(b->store, st->image, b->options->names.v[i], err);
	return r;
}
