/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newlayer - a layer from a stream whose digest is known only when it has ended.
 *
 * Theory of operation: the stream is unpacked by the same confined pair of processes as any layer
 * (unpack.c) into layers/.new-<random>/, whose lock we hold. Then the digest is known and the layer
 * of that name is claimed: one that is complete is kept, ours is removed; else diff/ and split move
 * into it by rename(2), the file system is synced and the layer completed, as after a pull.
 *
 * A failure removes .new-<random>; a kill leaves it without a holder of its lock, and the next sweep
 * takes it (layers.c).
 */
#include "engine/image/newlayer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/seams.h"
#include "engine/image/pack.h"
#include "engine/image/unpack.h"

#define NAME_TRIES 16
#define RETRY_MS   20
#define RETRY_MAX  (10 * 60 * 1000 / RETRY_MS) /* somebody else fills the same layer so long */

struct new_layer {
	const struct store *store;
	char path[64]; /* "layers/.new-..." */
	int dirfd;
	int lockfd;
	int difffd;
	int splitfd;
};
#define NEW_LAYER_INIT(s)                      \
	((struct new_layer){ .store = (s),     \
			     .dirfd = -EBADF,  \
			     .lockfd = -EBADF, \
			     .difffd = -EBADF, \
			     .splitfd = -EBADF })

static void new_layer_done(struct new_layer *n)
{
	const int fds[] = { n->difffd, n->splitfd, n->lockfd, n->dirfd };
	struct error scratch;

	/* Left-overs are debris that the next sweep takes: no reason to fail for. */
	if (n->dirfd >= 0)
		error_ignore(fs_remove_tree(n->store->rootfd, n->path, &scratch));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

/* Whether the directory has its name still: a sweep may have been faster than our lock. */
static bool is_in_place(const struct new_layer *n)
{
	struct stat a, b;

	return fstat(n->dirfd, &a) == 0 &&
	       fstatat(n->store->rootfd, n->path, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* One attempt: 1 made, 0 a sweep took it. */
static int try_directory(struct new_layer *n, struct error *err)
{
	char id[65];

	id_new(id);
	(void)snprintf(n->path, sizeof(n->path), "layers/" LAYER_NEW_PREFIX "%.32s", id);
	n->dirfd = fs_mkdirs(n->store->rootfd, n->path, 0700, err);
	if (n->dirfd < 0)
		return n->dirfd;
	n->lockfd = lock_take(n->dirfd, "lock", LOCK_EXCLUSIVE, 0, err);
	if (n->lockfd >= 0 && is_in_place(n))
		return 1;
	if (n->lockfd < 0 && n->lockfd != -EWOULDBLOCK && n->lockfd != -ENOENT)
		return n->lockfd;
	if (n->lockfd >= 0)
		(void)close(steal_fd(&n->lockfd));
	(void)close(steal_fd(&n->dirfd));
	return 0;
}

static int make_directory(struct new_layer *n, struct error *err)
{
	struct error scratch = { .code = 0 };

	for (int i = 0; i < NAME_TRIES; i++) {
		int r = try_directory(n, &scratch);

		if (r == 1)
			return 0;
		if (r < 0) {
			*err = scratch;
			return r;
		}
	}
	return error_set(err, EAGAIN, "a new layer's directory keeps vanishing");
}

static int make_files(struct new_layer *n, struct error *err)
{
	int r = make_directory(n, err);

	if (r < 0)
		return r;
	if (mkdirat(n->dirfd, "diff", 0755) < 0)
		return error_errno(err, "create directory 'diff'");
	/* The root of a layer that has no entry for it. */
	if (fchmodat(n->dirfd, "diff", 0755, 0) < 0)
		return error_errno(err, "set mode of 'diff'");
	n->difffd = openat(n->dirfd, "diff", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	n->splitfd = openat(n->dirfd, "split", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return n->difffd < 0 || n->splitfd < 0 ? error_errno(err, "make a new layer") : 0;
}

static int unpack(const struct new_layer *n, int infd, struct unpack_result *ret, struct error *err)
{
	struct unpack_plan plan = {
		.fd = infd,
		.is_stream = true,
		.size = UNPACK_TO_END,
		.difffd = n->difffd,
		.splitfd = n->splitfd,
	};
	struct job job = JOB_INIT;
	int r;

	layer_limits_default(&plan.layer);
	inflate_limits_default(&plan.inflate);
	r = unpack_start(&plan, &job, err);
	return r < 0 ? r : unpack_wait(&job, ret, err);
}

/* Claims the layer, waiting while another process fills it. */
static int claim_patiently(const struct store *s, const struct digest *diff,
			   struct layer_claim *ret, struct error *err)
{
	const struct timespec moment = { .tv_nsec = RETRY_MS * 1000000L };
	struct error scratch = { .code = 0 };
	int r = -EWOULDBLOCK;

	for (int i = 0; r == -EWOULDBLOCK && i < RETRY_MAX; i++) {
		if (i)
			(void)nanosleep(&moment, NULL);
		r = layer_claim(s, diff, ret, &scratch);
	}
	if (r < 0)
		*err = scratch;
	return r;
}

/* Moves diff/ and split into the claimed layer and completes it. */
static int move_in(const struct new_layer *n, struct layer_claim *c,
		   const struct layer_stats *stats, struct error *err)
{
	if (renameat(n->dirfd, "diff", c->dirfd, "diff") < 0 ||
	    renameat(n->dirfd, "split", c->dirfd, "split") < 0)
		return error_errno(err, "give a new layer its name");
	STOP_AT("newlayer:renamed");
	if (syncfs(n->store->rootfd) < 0)
		return error_errno(err, "sync the layer");
	return layer_complete(c, stats->bytes, stats->entries, err);
}

static int give_name(const struct new_layer *n, const struct unpack_result *result,
		     struct layer_claim *ret, struct error *err)
{
	struct layer_claim c = LAYER_CLAIM_INIT;
	int r = claim_patiently(n->store, &result->diff, &c, err);

	if (r == 0 && !c.complete)
		r = move_in(n, &c, &result->stats, err);
	if (r < 0) {
		layer_claim_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

int newlayer_from_stream(const struct store *s, int infd, struct layer_claim *ret,
			 struct digest *ret_diff, uint64_t *ret_bytes, struct error *err)
{
	struct new_layer n = NEW_LAYER_INIT(s);
	struct unpack_result result;
	int r = make_files(&n, err);

	STOP_AT("newlayer:made");
	if (r == 0)
		r = unpack(&n, infd, &result, err);
	if (r == 0)
		r = give_name(&n, &result, ret, err);
	new_layer_done(&n);
	if (r < 0)
		return error_wrap(err, "new layer");
	*ret_diff = result.diff;
	*ret_bytes = result.stats.bytes;
	return 0;
}

int newlayer_from_tree(const struct store *s, int treefd, const struct tarout_options *o,
		       struct newlayer *ret, struct error *err)
{
	struct error of_packer = { .code = 0 };
	struct pack_plan plan = { .treefd = treefd, .splitfd = -1, .tree = *o };
	struct pack_result made;
	struct job job = JOB_INIT;
	int ends[2], r, e;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	plan.outfd = ends[1];
	r = pack_start(&plan, &job, err);
	(void)close(ends[1]);
	if (r == 0)
		r = newlayer_from_stream(s, ends[0], &ret->claim, &ret->diff, &ret->bytes, err);
	(void)close(ends[0]);
	if (job.pid <= 0)
		return r;
	e = pack_wait(&job, &made, &of_packer);
	if (e == 0 && r == 0 && !is_digest_equal(&made.diff, &ret->diff))
		e = error_set(&of_packer, EBADMSG, "new layer: it has changed on its way");
	/* A packer that failed has sent a short stream, which is the cause of all else. */
	if (e < 0 && (r == 0 || e != -EPIPE)) {
		if (r == 0)
			layer_claim_done(&ret->claim);
		*err = of_packer;
		return e;
	}
	return r;
}
