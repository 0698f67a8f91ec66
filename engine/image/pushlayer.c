/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pushlayer - the child that brings one layer into a registry.
 *
 * Theory of operation: a process of its own with a client of its own, so that layers go side by
 * side. In this order, until one works:
 *
 *	1. the registry has the blob as which the layer came, or as which it was pushed before
 *	2. it has it in another repository, where the image was, and gives it to this one (mount)
 *	3. the layer is rebuilt, compressed and sent in one stream
 *
 *	pack (confined grandchild) --pipe--> registry_upload()
 *
 * A stream that broke is begun anew a few times. What the registry took is compared with what the
 * packer wrote, and the tar with the layer's diff id, before its digest is believed.
 */
#include "engine/image/pushlayer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TRIES_MAX 3

struct layer_answer {
	struct outblob blob;
	bool was_there;
};
_Static_assert(sizeof(struct layer_answer) <= JOB_DATA_MAX, "the answer fits into a report");

static bool is_usable(const struct push_target *t, enum deflate_kind kind)
{
	if (t->is_docker && kind == DEFLATE_ZSTD)
		return false;
	return !t->has_kind || kind == t->kind;
}

/* 1 when the registry has the blob here now. */
static int find_blob(const struct push_work *w, struct registry *registry, struct outblob *b,
		     struct error *err)
{
	const struct push_target *t = w->target;
	uint64_t size = 0;
	int r;

	if (!is_usable(t, b->kind))
		return 0;
	r = registry_has_blob(registry, t->route, &b->digest, &size, err);
	if (r != 0) {
		b->size = size;
		return r;
	}
	for (size_t i = 0; r == 0 && i < t->mount_from.n; i++)
		r = registry_mount_blob(registry, t->route, &b->digest, t->mount_from.v[i], err);
	return r;
}

static int find_known(const struct push_work *w, struct registry *registry, struct outblob *ret,
		      struct error *err)
{
	static const enum deflate_kind kinds[] = { DEFLATE_GZIP, DEFLATE_ZSTD, DEFLATE_NONE };
	const struct outlayer *l = w->layer;
	int r = 0;

	if (l->has_blob) {
		*ret = (struct outblob){ .digest = l->blob,
					 .size = l->blob_size,
					 .kind = l->blob_kind };
		r = find_blob(w, registry, ret, err);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++)
		if (has_outlayer_noted(l, kinds[i], ret))
			r = find_blob(w, registry, ret, err);
	return r;
}

static void count_sent(void *arg, uint64_t bytes)
{
	__atomic_store_n((uint64_t *)arg, bytes, __ATOMIC_RELAXED);
}

static int check_blob(const struct pack_result *made, const struct digest *taken,
		      uint64_t taken_bytes, struct error *err)
{
	if (!is_digest_equal(&made->blob, taken) || made->blob_bytes != taken_bytes)
		return error_set(err, EBADMSG, "the blob has changed on its way");
	return 0;
}

static int send_once(const struct push_work *w, struct registry *registry, struct outblob *ret,
		     struct error *err)
{
	struct outstream stream = OUTSTREAM_INIT;
	struct error of_stream = { .code = 0 };
	struct pack_result made;
	int ends[2], r, e = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	r = outstream_start(&stream, w->layer, w->target->kind, w->target->level, ends[1], err);
	(void)close(ends[1]);
	if (r == 0)
		r = registry_upload(registry, w->target->route,
				    &(struct upload_source){ .infd = ends[0],
							     .progress = count_sent,
							     .arg = w->sent },
				    &ret->digest, &ret->size, err);
	(void)close(ends[0]);
	if (stream.job.pid > 0)
		e = outstream_end(&stream, &made, &of_stream);
	outstream_done(&stream);
	/* A packer that failed has sent a short stream, which the registry took for the whole. */
	if (e < 0 && (r == 0 || e != -EPIPE)) {
		*err = of_stream;
		return e;
	}
	return r < 0 ? r : check_blob(&made, &ret->digest, ret->size, err);
}

static int send(const struct push_work *w, struct registry *registry, struct outblob *ret,
		struct error *err)
{
	int r = -EAGAIN;

	ret->kind = w->target->kind;
	for (int i = 0; r == -EAGAIN && i < TRIES_MAX; i++)
		r = send_once(w, registry, ret, err);
	if (r == 0)
		outlayer_note_blob(w->layer, ret);
	return r;
}

static int layer_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	const struct push_work *w = arg;
	cleanup_registry struct registry *registry = NULL;
	struct layer_answer answer = { .was_there = true };
	int r = registry_new(w->target->registry, &registry, err);

	(void)reportfd;
	if (r == 0)
		r = find_known(w, registry, &answer.blob, err);
	if (r == 0) {
		answer.was_there = false;
		r = send(w, registry, &answer.blob, err);
	}
	memcpy(report->data, &answer, sizeof(answer));
	return r < 0 ? r : 0;
}

int push_layer_start(const struct push_target *t, struct push_work *w, struct error *err)
{
	w->target = t;
	w->state = PUSH_RUNNING;
	return job_start(layer_main, w, &w->job, err);
}

int push_layer_end(struct push_work *w, struct error *err)
{
	struct layer_answer answer;
	struct job_report report;
	int r = job_wait(&w->job, "the sender of a layer", &report, err);

	if (r < 0)
		return r;
	memcpy(&answer, report.data, sizeof(answer));
	w->blob = answer.blob;
	w->was_there = answer.was_there;
	w->state = PUSH_DONE;
	return 0;
}
