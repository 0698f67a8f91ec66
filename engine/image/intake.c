/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake - claims, fetches, unpacks, syncs and completes layers, as many at once as is good.
 *
 * Theory of operation: one loop over a list of layers, each in one of these states:
 *
 *	WAITING		not claimed: not begun, or another process fills it (asked again every RETRY_MS)
 *	RUNNING		a pump and an extractor are at it (unpack.c); the blob comes from a region of a
 *			file, or from a registry through a pipe that the client fills (registry.c)
 *	UNPACKED	digests and size are as promised
 *	SYNCING		the one sync at a time is for it and for the others that were UNPACKED then
 *	COMPLETE	its record is written
 *	FAILED		and with it the others of its group (an image) that no other group needs
 *
 * The largest layers are begun first, since the largest bounds the time. From files as many run as
 * there are cores; from registries up to FETCHES_MAX, because a network is waited for: those beyond
 * the cores get a lower priority, so that on a fast network the largest still have a core each.
 *
 * The sync (syncfs, in a child, because it lasts) goes on beside the transfers; `complete` is
 * written after it (fault rule: tree, then record). So what is unpacked is kept whatever happens
 * later: a killed pull costs what was in flight. Digests are checked before a layer can be seen
 * under its name: the store never holds a lie, not even for a moment.
 *
 * No deadlock between two that need each other's layers: whoever fills one completes it without
 * waiting for anything else.
 *
 * Single-threaded; the work is in children, which die with us. A failure ends the others, and
 * intake_free() removes what was half made; a kill leaves directories without `complete`.
 */
#include "engine/image/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/image/cage.h"
#include "engine/image/layers.h"
#include "engine/image/unpack.h"
#include "engine/pod/spec.h"

#define PARALLEL_MAX 16
#define FETCHES_MAX  6
#define RETRY_MS     20
#define PROGRESS_MS  100
#define NICE_EXTRA   10
#define PIPE_BYTES   (1024 * 1024)

enum work_state {
	WORK_WAITING,
	WORK_RUNNING,
	WORK_UNPACKED,
	WORK_SYNCING,
	WORK_COMPLETE,
	WORK_FAILED
};

/* One layer on its way. */
struct work {
	const struct intake_layer *layer;
	enum work_state state;
	struct layer_claim claim;
	struct unpack_plan plan;
	struct job job;
	struct unpack_result result;
	struct registry_blob *blob; /* or NULL */
	int outfd;		    /* where it is written to */
	uint64_t told;		    /* bytes, in the last event */
	bool is_shared;		    /* several groups need it */
	struct error *failure;	    /* FAILED: why */
};

struct intake {
	const struct store *store;
	struct registry *registry;
	struct {
		struct work *v;
		size_t n;
	} works;
	size_t cores;
	bool keep_going;
	struct job sync;
	int64_t told_ms;
	intake_report *report;
	void *arg;
};

static void tell(const struct intake *in, enum intake_event_kind kind, const struct work *w,
		 const char *text)
{
	const struct intake_event e = { .kind = kind,
					.layer = w->layer,
					.bytes = kind == INTAKE_BYTES ? w->told : w->layer->size,
					.text = text };

	in->report(in->arg, &e);
}

static size_t count_cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > PARALLEL_MAX ? PARALLEL_MAX : (size_t)n;
}

static size_t count(const struct intake *in, enum work_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < in->works.n; i++)
		n += in->works.v[i].state == state;
	return n;
}

struct intake *intake_new(const struct store *s, struct registry *registry, intake_report *report,
			  void *arg)
{
	struct intake *in = xcalloc(1, sizeof(*in));

	in->store = s;
	in->registry = registry;
	in->report = report;
	in->arg = arg;
	in->cores = count_cores();
	in->sync = JOB_INIT;
	return in;
}

static struct work *find_work(const struct intake *in, const struct digest *diff)
{
	for (size_t i = 0; i < in->works.n; i++)
		if (is_digest_equal(&in->works.v[i].layer->diff, diff))
			return &in->works.v[i];
	return NULL;
}

void intake_add(struct intake *in, const struct intake_layer *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct work *w = find_work(in, &v[i].diff);

		if (w) {
			w->is_shared |= w->layer->group != v[i].group;
			continue;
		}
		*list_add(&in->works) = (struct work){
			.layer = &v[i],
			.claim = LAYER_CLAIM_INIT,
			.plan = { .fd = -EBADF, .difffd = -EBADF, .splitfd = -EBADF },
			.job = JOB_INIT,
			.outfd = -EBADF
		};
	}
}

void intake_keep_going(struct intake *in)
{
	in->keep_going = true;
}

int intake_result(const struct intake *in, const struct digest *diff, struct error *err)
{
	const struct work *w = find_work(in, diff);

	if (w && w->state == WORK_COMPLETE)
		return 0;
	if (!w || !w->failure)
		return error_set(err, ECANCELED, "a layer was not brought in");
	*err = *w->failure;
	return -err->code;
}

/* ---- failing ---------------------------------------------------------------------------- */

static void end_fetching(struct work *w)
{
	registry_blob_free(steal_ptr(&w->blob));
	close_fd(&w->outfd);
}

/* Ends what is under way. True: something half made was moved aside. */
static bool stop_work(const struct intake *in, struct work *w)
{
	bool is_half = w->claim.dirfd >= 0 && !w->claim.complete;
	struct error ignored;

	end_fetching(w);
	job_end(&w->job);
	if (w->layer->fd < 0)
		close_fd(&w->plan.fd);
	close_fd(&w->plan.difffd);
	close_fd(&w->plan.splitfd);
	/* What cannot be removed now goes with the next collection. */
	if (is_half)
		error_ignore(layer_abandon(in->store, &w->claim, &ignored));
	return is_half;
}

static void give_up(struct intake *in, struct work *w, const struct error *why)
{
	struct error ignored;

	if (stop_work(in, w))
		error_ignore(layers_empty_trash(in->store, &ignored));
	layer_claim_done(&w->claim);
	w->state = WORK_FAILED;
	w->failure = xcalloc(1, sizeof(*w->failure));
	*w->failure = *why;
}

/* A failure of one layer, which is in err: final, or of its group. */
static int fail(struct intake *in, struct work *w, struct error *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	const char *image = w->layer->image;

	(void)error_wrap(err, "layer '%.12s'%s%s", digest_hex(&w->layer->diff, hex),
			 image ? " of " : "", image ? image : "");
	if (!in->keep_going)
		return -err->code;
	give_up(in, w, err);
	for (size_t i = 0; i < in->works.n; i++) {
		struct work *other = &in->works.v[i];

		if (other->layer->group == w->layer->group && !other->is_shared &&
		    (other->state == WORK_WAITING || other->state == WORK_RUNNING))
			give_up(in, other, err);
	}
	return 0;
}

/* ---- beginning -------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	const struct work *x = a, *y = b;

	return x->layer->size < y->layer->size ? 1 : x->layer->size > y->layer->size ? -1 : 0;
}

/* The pipe between client and pump. */
static int make_pipe(struct work *w, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* as a user the limit may be lower */
	w->plan.fd = ends[0];
	w->plan.is_stream = true;
	w->outfd = ends[1];
	return 0;
}

static int start_fetching(struct intake *in, struct work *w, struct error *err)
{
	close_fd(&w->plan.fd); /* the pump's alone: its end ends the transfer */
	return registry_blob_start(
		in->registry, w->layer->routes,
		&(struct blob_want){ .digest = w->layer->blob, .size = w->layer->size }, w->outfd,
		&w->blob, err);
}

static int start_unpacking(struct intake *in, struct work *w, struct error *err)
{
	bool is_remote = w->layer->fd < 0;
	int r = is_remote ? make_pipe(w, err) : 0;

	if (r < 0)
		return r;
	if (!is_remote)
		w->plan.fd = w->layer->fd;
	w->plan.offset = w->layer->offset;
	w->plan.size = w->layer->size;
	w->plan.nice = count(in, WORK_RUNNING) < in->cores ? 0 : NICE_EXTRA;
	layer_limits_default(&w->plan.layer);
	inflate_limits_default(&w->plan.inflate);
	w->plan.difffd = layer_open_diff(&w->claim, err);
	if (w->plan.difffd < 0)
		return w->plan.difffd;
	w->plan.splitfd = layer_new_split(&w->claim, err);
	if (w->plan.splitfd < 0)
		return w->plan.splitfd;
	r = unpack_start(&w->plan, &w->job, err);
	if (r < 0)
		return r;
	w->state = WORK_RUNNING;
	tell(in, INTAKE_BEGUN, w, NULL);
	return is_remote ? start_fetching(in, w, err) : 0;
}

/* Claims a waiting layer and starts it, unless it is there or another process is at it. */
static int begin(struct intake *in, struct work *w, struct error *err)
{
	struct error scratch = { .code = 0 };
	int r = layer_claim(in->store, &w->layer->diff, &w->claim, &scratch);

	if (r == -EWOULDBLOCK)
		return 0;
	if (r < 0) {
		*err = scratch;
		return r;
	}
	if (!w->claim.complete)
		return start_unpacking(in, w, err);
	w->state = WORK_COMPLETE;
	tell(in, INTAKE_EXISTS, w, NULL);
	return 0;
}

static bool has_room(const struct intake *in, const struct work *w)
{
	size_t most = w->layer->fd >= 0 ? in->cores : FETCHES_MAX;

	return count(in, WORK_RUNNING) < most;
}

/* Begins what can be begun. *ret_held: something waits for another process. */
static int begin_some(struct intake *in, bool *ret_held, struct error *err)
{
	*ret_held = false;
	for (size_t i = 0; i < in->works.n; i++) {
		struct work *w = &in->works.v[i];
		int r;

		if (w->state != WORK_WAITING || !has_room(in, w))
			continue;
		r = begin(in, w, err);
		if (r < 0)
			r = fail(in, w, err);
		if (r < 0)
			return r;
		*ret_held |= w->state == WORK_WAITING;
	}
	return 0;
}

/* ---- ending ----------------------------------------------------------------------------- */

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

static int end_unpacking(struct intake *in, struct work *w, struct error *err)
{
	int r = unpack_wait(&w->job, &w->result, err);

	close_fd(&w->plan.difffd);
	close_fd(&w->plan.splitfd);
	if (r == 0)
		r = check_digests(w, err);
	if (r < 0)
		return fail(in, w, err);
	w->state = WORK_UNPACKED;
	tell(in, INTAKE_UNPACKED, w, NULL);
	return 0;
}

/* Looks at a transfer. That nobody reads any more (-EPIPE) is the pump's failure: it will say why. */
static int watch_fetching(struct intake *in, struct work *w, struct error *err)
{
	struct error scratch = { .code = 0 };
	int r = w->blob ? registry_blob_state(w->blob, &scratch) : 0;

	if (r == 0)
		return 0;
	end_fetching(w);
	if (r > 0 || r == -EPIPE)
		return 0;
	if (w->state != WORK_RUNNING) /* all bytes were there: what came after does not matter */
		return 0;
	*err = scratch;
	return fail(in, w, err);
}

static void tell_progress(struct intake *in)
{
	int64_t now = clock_mono_ms();

	if (now < in->told_ms + PROGRESS_MS)
		return;
	in->told_ms = now;
	for (size_t i = 0; i < in->works.n; i++) {
		struct work *w = &in->works.v[i];
		uint64_t bytes = w->blob ? registry_blob_bytes(w->blob) : w->told;

		if (w->state != WORK_RUNNING || bytes == w->told)
			continue;
		w->told = bytes;
		tell(in, INTAKE_BYTES, w, NULL);
	}
}

/* ---- to the disk ------------------------------------------------------------------------ */

/* A child without any descriptor but the store's. */
static int sync_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	int fd = *(const int *)arg;
	int low = fd < reportfd ? fd : reportfd, high = fd < reportfd ? reportfd : fd;
	int r = cage_close_others((int[]){ low, high }, 2, err);

	(void)report;
	if (r == 0 && syncfs(fd) < 0)
		r = error_errno(err, "sync the layers");
	return r;
}

static int start_syncing(struct intake *in, struct error *err)
{
	int fd = in->store->rootfd, r;

	if (in->sync.pid > 0 || !count(in, WORK_UNPACKED))
		return 0;
	r = job_start(sync_main, &fd, &in->sync, err);
	for (size_t i = 0; r == 0 && i < in->works.n; i++)
		if (in->works.v[i].state == WORK_UNPACKED)
			in->works.v[i].state = WORK_SYNCING;
	return r;
}

static int complete(struct intake *in, struct work *w, struct error *err)
{
	int r = layer_complete(&w->claim, w->result.stats.bytes, w->result.stats.entries, err);

	if (r < 0)
		return fail(in, w, err);
	w->state = WORK_COMPLETE;
	tell(in, INTAKE_DONE, w, NULL);
	if (w->result.stats.skipped_devices)
		tell(in, INTAKE_WARNING, w,
		     "device nodes in a layer were left out: /dev is the engine's");
	return 0;
}

static int end_syncing(struct intake *in, struct error *err)
{
	struct job_report report;
	int r = job_wait(&in->sync, "the child that syncs", &report, err);

	STOP_AT("image:synced");
	for (size_t i = 0; r == 0 && i < in->works.n; i++)
		if (in->works.v[i].state == WORK_SYNCING)
			r = complete(in, &in->works.v[i], err);
	return r;
}

/* ---- the loop --------------------------------------------------------------------------- */

/* Waits until something has happened, at most timeout_ms. Then the descriptors tell what. */
static int wait_some(struct intake *in, struct pollfd *fds, nfds_t n, int timeout_ms,
		     struct error *err)
{
	if (in->registry)
		return registry_wait(in->registry, fds, n, timeout_ms, err);
	if (poll(fds, n, timeout_ms) < 0) {
		if (errno != EINTR)
			return error_errno(err, "wait for the unpackers");
		for (nfds_t i = 0; i < n; i++)
			fds[i].revents = 0;
	}
	return 0;
}

static int wait_and_look(struct intake *in, bool is_held, struct error *err)
{
	struct pollfd fds[PARALLEL_MAX + 1];
	struct work *of[PARALLEL_MAX + 1];
	nfds_t n = 0;
	bool is_fetching = false;
	int r;

	fds[n++] = (struct pollfd){ .fd = in->sync.fd, .events = POLLIN }; /* negative: left out */
	for (size_t i = 0; i < in->works.n && n < ARRAY_SIZE(fds); i++) {
		struct work *w = &in->works.v[i];

		is_fetching |= w->blob != NULL;
		if (w->state != WORK_RUNNING)
			continue;
		of[n] = w;
		fds[n++] = (struct pollfd){ .fd = w->job.fd, .events = POLLIN };
	}
	r = wait_some(in, fds, n, is_held ? RETRY_MS : is_fetching ? PROGRESS_MS : -1, err);
	for (nfds_t i = 1; r == 0 && i < n; i++) /* it may have been ended by another's failure */
		r = fds[i].revents && of[i]->state == WORK_RUNNING ? end_unpacking(in, of[i], err)
								   : 0;
	for (size_t i = 0; r == 0 && i < in->works.n; i++)
		r = watch_fetching(in, &in->works.v[i], err);
	if (r == 0 && fds[0].revents)
		r = end_syncing(in, err);
	if (r == 0)
		tell_progress(in);
	return r;
}

int intake_run(struct intake *in, struct error *err)
{
	if (in->works.n)
		qsort(in->works.v, in->works.n, sizeof(*in->works.v), by_size);
	for (;;) {
		bool is_held = false;
		int r = begin_some(in, &is_held, err);

		if (r == 0)
			r = start_syncing(in, err);
		if (r < 0)
			return r;
		STOP_AT("image:layer");
		if (count(in, WORK_COMPLETE) + count(in, WORK_FAILED) == in->works.n)
			return 0;
		r = wait_and_look(in, is_held, err);
		if (r < 0)
			return r;
	}
}

void intake_free(struct intake *in)
{
	struct error ignored;
	bool is_trash = false;

	if (!in)
		return;
	job_end(&in->sync);
	for (size_t i = 0; i < in->works.n; i++) {
		struct work *w = &in->works.v[i];

		is_trash |= stop_work(in, w);
		layer_claim_done(&w->claim);
		free(w->failure);
	}
	if (is_trash)
		error_ignore(layers_empty_trash(in->store, &ignored));
	free(in->works.v);
	free(in);
}
