/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - from an archive to images in the store.
 *
 * Theory of operation:
 *
 *	1. index the archive, read manifests and configurations       (tarball.c, load_plan.c)
 *	2. list the layers, each diff id once
 *	3. for each: claim it; what is complete already is not read again; what another process
 *	   fills at this moment is waited for; the rest is unpacked, as many at once as there are cores
 *	   (unpack.c), and its digests are compared with the promised ones
 *	4. one syncfs for all of it (earlier only when nothing but others' layers is left), then the
 *	   `complete` records, then the images into the index
 *	5. collect: names that moved here may have left images without names or layers without
 *	   images
 *
 * Claims are held until the end, so nobody collects what is not referenced yet. A failure or a kill
 * before 4 leaves debris only: directories without `complete`. Digests are checked before a layer
 * can be seen under its name, so the store never holds a lie, not even for a moment.
 *
 * Single-threaded: the parallel work is in children, waited for with poll(2).
 */
#include "engine/image/load.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "engine/base/seams.h"
#include "engine/image/layers.h"
#include "engine/image/store.h"
#include "engine/image/unpack.h"

#define PARALLEL_MAX 16
#define RETRY_MS     20

enum work_state { WORK_WAITING, WORK_RUNNING, WORK_UNPACKED, WORK_COMPLETE };

/* One layer on its way. */
struct work {
	const struct load_layer *layer;
	enum work_state state;
	struct layer_claim claim;
	struct unpack_plan plan;
	struct job job;
	struct unpack_result result;
};

struct load {
	const struct store *store;
	int fd;
	struct {
		struct work *v;
		size_t n;
	} works;
	size_t parallel;
	load_report *report;
	void *arg;
};

static void tell(const struct load *l, int kind, const char *id, const char *text)
{
	const struct load_event e = { .kind = kind, .id = id, .text = text };

	l->report(l->arg, &e);
}

static size_t count_cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > PARALLEL_MAX ? PARALLEL_MAX : (size_t)n;
}

/* ---- layers ----------------------------------------------------------------------------- */

static void list_layers(struct load *l, const struct load_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t j = 0; j < p->v[i].layers.n; j++) {
			const struct load_layer *layer = &p->v[i].layers.v[j];
			bool is_there = false;

			for (size_t k = 0; k < l->works.n && !is_there; k++)
				is_there =
					is_digest_equal(&l->works.v[k].layer->diff, &layer->diff);
			if (is_there)
				continue;
			*list_add(&l->works) =
				(struct work){ .layer = layer,
					       .claim = LAYER_CLAIM_INIT,
					       .plan = { .difffd = -EBADF, .splitfd = -EBADF },
					       .job = JOB_INIT };
		}
}

static int start_unpacking(struct load *l, struct work *w, struct error *err)
{
	w->plan.fd = l->fd;
	w->plan.offset = w->layer->offset;
	w->plan.size = w->layer->size;
	layer_limits_default(&w->plan.layer);
	inflate_limits_default(&w->plan.inflate);
	w->plan.difffd = layer_open_diff(&w->claim, err);
	if (w->plan.difffd < 0)
		return w->plan.difffd;
	w->plan.splitfd = layer_new_split(&w->claim, err);
	if (w->plan.splitfd < 0)
		return w->plan.splitfd;
	w->state = WORK_RUNNING;
	return unpack_start(&w->plan, &w->job, err);
}

/* Claims a waiting layer and starts it, unless it is there or another process is at it. */
static int begin(struct load *l, struct work *w, struct error *err)
{
	struct error scratch;
	int r = layer_claim(l->store, &w->layer->diff, &w->claim, &scratch);

	if (r == -EWOULDBLOCK)
		return 0;
	if (r < 0) {
		*err = scratch;
		return r;
	}
	if (!w->claim.complete)
		return start_unpacking(l, w, err);
	w->state = WORK_COMPLETE;
	tell(l, LOAD_LAYER, w->claim.hex, "exists");
	return 0;
}

static int check_digests(const struct work *w, struct error *err)
{
	char seen[DIGEST_HEX_LEN + 1];

	if (WEAKEN("LAYER-DIGEST"))
		return 0;
	if (w->layer->has_blob && !is_digest_equal(&w->result.blob, &w->layer->blob))
		return error_set(err, EBADMSG,
				 "its blob has the digest 'sha256:%s', "
				 "not the one in the manifest",
				 digest_hex(&w->result.blob, seen));
	if (!is_digest_equal(&w->result.diff, &w->layer->diff))
		return error_set(err, EBADMSG,
				 "its content has the digest 'sha256:%s', "
				 "not the diff id in the configuration",
				 digest_hex(&w->result.diff, seen));
	return 0;
}

static int end(struct work *w, struct error *err)
{
	int r = unpack_wait(&w->job, &w->result, err);

	(void)close(steal_fd(&w->plan.difffd));
	(void)close(steal_fd(&w->plan.splitfd));
	if (r == 0)
		r = check_digests(w, err);
	if (r < 0)
		return error_wrap(err, "layer '%.12s'", w->claim.hex);
	w->state = WORK_UNPACKED;
	return 0;
}

/* Waits until a running layer is done, or a moment when there is none. */
static int wait_one(struct load *l, bool is_any_waiting, struct error *err)
{
	struct pollfd fds[PARALLEL_MAX];
	struct work *of[PARALLEL_MAX];
	nfds_t n = 0;

	for (size_t i = 0; i < l->works.n && n < PARALLEL_MAX; i++)
		if (l->works.v[i].state == WORK_RUNNING) {
			of[n] = &l->works.v[i];
			fds[n++] = (struct pollfd){ .fd = l->works.v[i].job.fd, .events = POLLIN };
		}
	if (poll(fds, n, is_any_waiting || !n ? RETRY_MS : -1) < 0 && errno != EINTR)
		return error_errno(err, "wait for the unpackers");
	for (nfds_t i = 0; i < n; i++) {
		int r = fds[i].revents ? end(of[i], err) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static size_t count(const struct load *l, enum work_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < l->works.n; i++)
		n += l->works.v[i].state == state;
	return n;
}

/* All trees to disk at once, then the record of each. */
static int complete_all(struct load *l, struct error *err)
{
	if (count(l, WORK_UNPACKED) && syncfs(l->store->rootfd) < 0)
		return error_errno(err, "sync the layers");
	STOP_AT("image:synced");
	for (size_t i = 0; i < l->works.n; i++) {
		struct work *w = &l->works.v[i];
		int r;

		if (w->state != WORK_UNPACKED)
			continue;
		r = layer_complete(&w->claim, w->result.stats.bytes, w->result.stats.entries, err);
		if (r < 0)
			return error_wrap(err, "layer '%.12s'", w->claim.hex);
		w->state = WORK_COMPLETE;
		tell(l, LOAD_LAYER, w->claim.hex, "done");
		if (w->result.stats.skipped_devices)
			tell(l, LOAD_WARNING, w->claim.hex,
			     "device nodes in a layer were left out: /dev is the engine's");
	}
	return 0;
}

/* Begins what can be begun. */
static int begin_some(struct load *l, struct error *err)
{
	for (size_t i = 0; i < l->works.n; i++) {
		int r = 0;

		if (l->works.v[i].state == WORK_WAITING && count(l, WORK_RUNNING) < l->parallel)
			r = begin(l, &l->works.v[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int unpack_all(struct load *l, struct error *err)
{
	for (;;) {
		size_t waiting, running;
		int r = begin_some(l, err);

		if (r < 0)
			return r;
		STOP_AT("image:layer");
		waiting = count(l, WORK_WAITING);
		running = count(l, WORK_RUNNING);
		if (!waiting && !running)
			return 0;
		/* Only others' layers are left: give ours out first, or two loads that need each
		 * other's would wait for ever. */
		if (!running && count(l, WORK_UNPACKED))
			r = complete_all(l, err);
		else
			r = wait_one(l, waiting && running < l->parallel, err);
		if (r < 0)
			return r;
	}
}

static void end_works(struct load *l)
{
	for (size_t i = 0; i < l->works.n; i++) {
		struct work *w = &l->works.v[i];

		job_end(&w->job);
		if (w->plan.difffd >= 0)
			(void)close(w->plan.difffd);
		if (w->plan.splitfd >= 0)
			(void)close(w->plan.splitfd);
		layer_claim_done(&w->claim);
	}
	free(l->works.v);
}

/* ---- images ----------------------------------------------------------------------------- */

static int sum_sizes(const struct load *l, const struct load_image *i, int64_t *ret,
		     struct error *err)
{
	*ret = 0;
	for (size_t n = 0; n < i->parsed.layers.n; n++) {
		int64_t size = 0;
		int r = layer_size(l->store, i->parsed.layers.v[n] + sizeof("sha256:") - 1, &size,
				   err);

		if (r < 0)
			return r;
		*ret += size;
	}
	return 0;
}

static int commit(const struct load *l, const struct load_image *i, struct error *err)
{
	struct image_commit c = { .id = i->id,
				  .config = i->config,
				  .config_len = i->config_len,
				  .manifest_id = i->manifest ? i->manifest_id : NULL,
				  .manifest = i->manifest,
				  .manifest_len = i->manifest_len,
				  .names = &i->names,
				  .layers = &i->parsed.layers,
				  .created_ns = i->facts.created_ns };
	int r = sum_sizes(l, i, &c.size_bytes, err);

	if (r == 0)
		r = image_commit(l->store, &c, err);
	if (r < 0)
		return error_wrap(err, "image '%.12s'", i->id);
	for (size_t n = 0; n < i->names.n; n++)
		tell(l, LOAD_IMAGE, i->id, i->names.v[n]);
	if (!i->names.n)
		tell(l, LOAD_IMAGE, i->id, NULL);
	return 0;
}

static int load_all(struct load *l, const struct tarball *t, struct error *err)
{
	struct load_plan p = { .v = NULL };
	int r = load_plan_read(t, &p, err);

	if (r < 0)
		return r;
	list_layers(l, &p);
	r = unpack_all(l, err);
	if (r == 0)
		r = complete_all(l, err);
	for (size_t i = 0; r == 0 && i < p.n; i++)
		r = commit(l, &p.v[i], err);
	end_works(l);
	load_plan_done(&p);
	return r;
}

int image_load(const struct store *s, int fd, load_report *report, void *arg, struct error *err)
{
	struct load l = { .store = s, .parallel = count_cores(), .report = report, .arg = arg };
	struct tarball t = TARBALL_INIT;
	struct error scratch;
	cleanup_close int spool = openat(s->rootfd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (spool < 0)
		return error_errno(err, "open 'images'");
	r = tarball_open(fd, spool, &t, err);
	if (r < 0)
		return r;
	l.fd = t.fd;
	r = load_all(&l, &t, err);
	tarball_close(&t);
	/* Debris of a failed or killed load goes with the next chance; it is not this load's
	 * failure. */
	if (image_collect(s, &scratch) < 0)
		tell(&l, LOAD_WARNING, "", scratch.text);
	return r;
}
