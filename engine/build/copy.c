/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy - COPY, ADD and WORKDIR: a stream of entries that becomes a layer.
 *
 * Theory of operation: two processes.
 *
 *	sender		a child of ours; opens the source and the merged target tree (mounts that
 *			vanish with it), finds out what goes where, and writes a tar stream
 *	podium-image	newlayer_from_stream(): the extractor that unpacks every layer, confined,
 *			with the new layer as its root, makes the files
 *
 * So the merged tree is never written to: a link in a hostile image or context can at most choose
 * another place inside the new layer. Every byte is read once and written once. When the sender
 * fails, the layer that its short stream made is given up unused, and the next sweep takes it.
 *
 * Should: the caller claims the layers it names. Mustn't: run with other threads (the sender forks).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/build/copy.h"
#include "engine/image/job.h"
#include "engine/image/newlayer.h"
#include "engine/security/user.h"

#define NS_PER_S   1000000000
#define PIPE_BYTES (1024 * 1024)

/* ---- a copier --------------------------------------------------------------------------- */

static int resolve_owner(struct copier *c, struct error *err)
{
	cleanup_identity struct identity who = { 0 };
	const struct user_request rq = { .image_user = c->spec->chown };
	int r;

	if (is_empty(c->spec->chown))
		return 0;
	r = user_resolve(c->targetfd, &rq, &who, err);
	if (r < 0)
		return error_wrap(err, "--chown=%.200s", c->spec->chown);
	c->has_owner = true;
	c->uid = who.uid;
	c->gid = who.gid;
	return 0;
}

static int parse_mode(struct copier *c, struct error *err)
{
	const char *s = c->spec->chmod;
	mode_t mode = 0;

	if (is_empty(s))
		return 0;
	for (const char *p = s; *p; p++) {
		if (*p < '0' || *p > '7' || p - s > 5 || mode > 0777)
			return error_set(err, EINVAL,
					 "--chmod=%.100s: octal digits up to 7777 are taken", s);
		mode = mode << 3 | (mode_t)(*p - '0');
	}
	c->has_mode = true;
	c->mode = mode;
	return 0;
}

static int open_source(struct copier *c, struct error *err)
{
	const struct build_copy_spec *s = c->spec;

	if (s->from_layers && s->contextfd < 0)
		c->sourcefd = tree_open_layers(s->store, s->from_layers, err);
	else if (s->contextfd >= 0)
		c->sourcefd = openat(s->contextfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		return 0;
	if (c->sourcefd < 0)
		return err->code ? c->sourcefd : error_errno(err, "open the context");
	return 0;
}

static void copier_done(struct copier *c)
{
	copy_work_end(c);
	strlist_done(&c->made);
	if (c->sourcefd >= 0)
		(void)close(c->sourcefd);
	if (c->targetfd >= 0)
		(void)close(c->targetfd);
}

static void copier_init(struct copier *c, const struct build_copy_spec *s,
			const struct copy_sink *sink)
{
	*c = (struct copier){ .spec = s,
			      .sourcefd = -EBADF,
			      .targetfd = -EBADF,
			      .workfd = -EBADF,
			      .lockfd = -EBADF,
			      .sink = sink };
	c->dir_mtime_s = s->timestamp_s >= 0 ? s->timestamp_s : clock_wall_ns() / NS_PER_S;
}

/* Directories that are made on the way are as old as the newest source: the same COPY then makes the
 * same layer. */
static void date_directories(struct copier *c, const struct copy_items *items)
{
	for (size_t i = 0; i < items->n; i++)
		if (i == 0 || items->v[i].mtime_s > c->dir_mtime_s)
			c->dir_mtime_s = items->v[i].mtime_s;
}

static int copy_with(struct copier *c, struct error *err)
{
	cleanup_copy_items struct copy_items items = { .v = NULL };
	int r = parse_mode(c, err);

	if (r == 0)
		r = open_source(c, err);
	if (r == 0)
		r = copy_find_items(c, &items, err);
	if (r < 0)
		return r;
	date_directories(c, &items);
	return copy_all(c, &items, err);
}

/* ---- the sender ------------------------------------------------------------------------- */

struct sender {
	const struct build_copy_spec *spec; /* NULL members but store for a directory */
	const char *dir;		    /* WORKDIR: this one; NULL: a COPY */
	int outfd;
	int readfd; /* the other end of it, not the sender's */
};

static int send(struct copier *c, struct sender *s, struct tar_sink *tar, struct error *err)
{
	int r;

	c->targetfd = tree_open_layers(s->spec->store, s->spec->layers, err);
	if (c->targetfd < 0)
		return c->targetfd;
	if (s->dir) {
		r = copy_make_dir(c, s->dir, err);
	} else {
		r = resolve_owner(c, err);
		if (r == 0)
			r = copy_with(c, err);
	}
	if (r > 0 || (r == 0 && !s->dir)) {
		int e = tar_sink_end(tar, err);

		r = e < 0 ? e : r;
	}
	return r;
}

/* A child of podium-image: its privileges and namespaces; ends with it. */
static int sender_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	struct sender *s = arg;
	struct tar_sink tar = { .fd = s->outfd, .timestamp_s = s->spec->timestamp_s };
	const struct copy_sink sink = { tar_sink_put, &tar };
	struct copier c;
	int r;

	(void)reportfd;
	/* Held open here too, it would let the sender wait for ever for a reader that is gone. */
	(void)close(s->readfd);
	copier_init(&c, s->spec, &sink);
	r = send(&c, s, &tar, err);
	copier_done(&c);
	free(tar.block);
	(void)close(s->outfd);
	report->data[0] = (unsigned char)(r > 0);
	return r < 0 ? r : 0;
}

/* 1: a layer was made; 0: nothing was to be made (a directory that is there). */
static int make_layer(struct sender *s, struct build_layer *ret, struct error *err)
{
	struct error broken = { .code = 0 };
	struct job job = JOB_INIT;
	struct job_report report;
	int ends[2], r, e;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	s->outfd = ends[1];
	s->readfd = ends[0];
	r = job_start(sender_main, s, &job, err);
	(void)close(ends[1]);
	if (r < 0) {
		(void)close(ends[0]);
		return r;
	}
	*ret = BUILD_LAYER_INIT;
	e = newlayer_from_stream(s->spec->store, ends[0], &ret->claim, &ret->diff, &ret->bytes,
				 &broken);
	(void)close(ends[0]);
	r = job_wait(&job, "the copier", &report, err);
	/* A sender that wrote into a closed pipe failed because of the other side. */
	if (e < 0 && (r == 0 || r == -EPIPE)) {
		*err = broken;
		return e;
	}
	if (r < 0) {
		build_layer_done(ret);
		return r;
	}
	return report.data[0] || !s->dir;
}

int build_copy_apply(const struct build_copy_spec *c, struct build_layer *ret, struct error *err)
{
	struct sender s = { .spec = c };
	int r = make_layer(&s, ret, err);

	return r < 0 ? r : 0;
}

int build_mkdir_apply(const struct store *s, const struct strlist *layers, const char *path,
		      int64_t timestamp_s, struct build_layer *ret, struct error *err)
{
	const struct build_copy_spec spec = {
		.store = s, .layers = layers, .contextfd = -1, .timestamp_s = timestamp_s
	};
	struct sender sender = { .spec = &spec, .dir = path };
	int r = make_layer(&sender, ret, err);

	if (r == 0)
		build_layer_done(ret);
	return r;
}

/* ---- the digest ------------------------------------------------------------------------- */

static int digest_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	const struct build_copy_spec *s = arg;
	cleanup_sha256 struct sha256 *hash = sha256_new();
	struct digest_sink d = { .hash = hash };
	const struct copy_sink sink = { digest_sink_put, &d };
	struct digest digest;
	struct copier c;
	int r;

	(void)reportfd;
	copier_init(&c, s, &sink);
	r = copy_with(&c, err);
	copier_done(&c);
	free(d.block);
	if (r < 0)
		return r;
	sha256_end(hash, &digest);
	memcpy(report->data, &digest, sizeof(digest));
	return 0;
}

int build_copy_digest(const struct build_copy_spec *c, struct digest *ret, struct error *err)
{
	struct job job = JOB_INIT;
	struct job_report report;
	int r = job_start(digest_main, (void *)(uintptr_t)c, &job, err);

	if (r == 0)
		r = job_wait(&job, "the copier", &report, err);
	if (r < 0)
		return r;
	memcpy(ret, report.data, sizeof(*ret));
	return 0;
}
