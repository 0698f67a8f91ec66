/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit - layers upon a state, and a state into the store.
 *
 * Theory of operation: what a container wrote is an overlay's upper directory. A child writes it as a
 * tar stream into a pipe, and the intake of new layers unpacks that stream into the store under the
 * same limits as a layer from a registry: a step of a build is no more trusted than a download.
 *
 * Each step becomes an image of its own, known to be one by is_intermediate, so that the next build
 * can begin there; the last one gets the names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/build/putimage.h"
#include "engine/build/work.h"
#include "engine/image/newlayer.h"
#include "engine/image/pack.h"
#include "engine/image/sha256.h"
#include "engine/image/store.h"

void build_keep(struct build *b, struct layer_claim *claim)
{
	b->claims = xreallocarray(b->claims, b->n_claims + 1, sizeof(*b->claims));
	b->claims[b->n_claims++] = *claim;
	*claim = LAYER_CLAIM_INIT;
}

void build_add_layer(struct build *b, struct build_state *st, struct build_layer *l)
{
	put_layer(&st->conf, &l->diff);
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

/* parent may be NULL: it stays what it was. */
static int put(struct build *b, const struct build_state *st, const char *parent, bool is_last,
	       char hex[DIGEST_HEX_LEN + 1], struct error *err)
{
	static const struct strlist no_names;

	return put_image(b->store,
			 &(struct put_image){ .conf = &st->conf,
					      .names = is_last ? &b->options->names : &no_names,
					      .parent = parent,
					      .is_docker = b->options->is_docker,
					      .is_intermediate = !is_last },
			 hex, err);
}

int build_commit(struct build *b, struct build_state *st, bool is_last, struct error *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	int r;

	st->conf.created_ns = b->now_ns;
	r = put(b, st, *st->image ? st->image : NULL, is_last, hex, err);
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
		return put(b, st, NULL, true, hex, err);
	for (size_t i = 0; r == 0 && i < b->options->names.n; i++)
		r = image_tag(b->store, st->image, b->options->names.v[i], err);
	return r;
}
