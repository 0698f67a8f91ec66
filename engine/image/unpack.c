/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack - the two processes that turn one blob into one layer.
 *
 * Theory of operation:
 *
 *	podium-image -- fork --> pump -- fork --> extractor
 *	                         reads the blob, hashes it, inflates, hashes the tar, records
 *	                         it (tarsplit), writes it into a pipe ---> layer_extract() on it
 *
 * So inflating and making files go on at the same time on two cores, every byte is read once, and
 * no byte is trusted: the pump is confined to reading and writing its descriptors; the extractor
 * has the layer's directory as its root, no network, the pipe, and capabilities for owners and
 * modes only. Both hashes are compared by podium-image, which touches no byte of the blob: it lies in
 * a file, or podium-image writes it into a pipe as it comes from a registry.
 *
 * The extractor reads on after the archive's end marker until the pipe is empty, so that the pump
 * never fails on a finished reader; when it refuses, it closes the pipe, and the pump stops on
 * EPIPE and hands the extractor's reason on, which is better than its own.
 */
#include "engine/image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/image/cage.h"
#include "engine/image/sha256.h"
#include "engine/image/tarsplit.h"

#define READ_BLOCK (256 * 1024)
#define TAR_BLOCK  512
#define HEAD_BYTES 8
#define PIPE_BYTES (1024 * 1024)

_Static_assert(sizeof(struct unpack_result) <= JOB_DATA_MAX, "the result fits into a report");

/* ---- the extractor ---------------------------------------------------------------------- */

struct extract_job {
	const struct unpack_plan *plan;
	int infd;
	int alivefd; /* the pump's report: kept open, see job_end() */
};

static int drain(int fd, struct error *err)
{
	char buf[65536];

	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return error_errno(err, "read the layer");
	}
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int keep_only(int *fds, size_t n, struct error *err)
{
	qsort(fds, n, sizeof(*fds), by_number);
	return cage_close_others(fds, n, err);
}

/* Namespaces: own mount, network, ipc; ids and capabilities of podium-image until confined. */
static int extract_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	const struct extract_job *job = arg;
	struct layer_stats stats = { .entries = 0 };
	const struct cage_place *place = job->plan->place;
	int rootfd, r;

	r = place ? cage_enter_place(place, err) : cage_enter_root(job->plan->difffd, err);
	if (r < 0)
		return r;
	rootfd = place ? job->plan->difffd : open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rootfd < 0)
		return error_errno(err, "open the layer");
	(void)umask(0);
	r = keep_only((int[]){ job->infd, reportfd, rootfd, job->alivefd }, 4, err);
	if (r == 0)
		r = cage_confine(CAGE_UNPACK, err);
	if (r == 0)
		r = layer_extract(job->infd, rootfd, &job->plan->layer, &stats, err);
	if (r == 0)
		r = drain(job->infd, err);
	(void)close(job->infd);
	memcpy(report->data, &stats, sizeof(stats));
	return r;
}

/* ---- the pump --------------------------------------------------------------------------- */

struct pump {
	const struct unpack_plan *plan;
	struct sha256 *blob;
	struct sha256 *diff;
	struct inflate *z;
	struct tarsplit *split; /* or NULL */
	char *buf;
	int outfd;
	bool is_reader_gone;
};

static int pump_sink(void *arg, const void *data, size_t len, struct error *err)
{
	struct pump *p = arg;
	int r;

	sha256_add(p->diff, data, len);
	r = p->split ? tarsplit_feed(p->split, data, len, err) : 0;
	if (r < 0)
		return r;
	r = fs_write_all(p->outfd, data, len);
	if (r == -EPIPE)
		p->is_reader_gone = true;
	if (r == 0)
		return 0;
	errno = -r;
	return error_errno(err, "feed the extractor");
}

static ssize_t read_some(const struct pump *p, size_t have, size_t want, uint64_t at)
{
	return p->plan->is_stream ? read(p->plan->fd, p->buf + have, want)
				  : pread(p->plan->fd, p->buf + have, want, (off_t)at);
}

/* Reads the next block, at least the few bytes that tell the compression; 0 at the end. */
static ssize_t read_block(const struct pump *p, uint64_t done, struct error *err)
{
	uint64_t left = p->plan->size - done;
	size_t want = left < READ_BLOCK ? (size_t)left : READ_BLOCK, got = 0;

	while (got < HEAD_BYTES && got < want) {
		ssize_t n = read_some(p, got, want - got, p->plan->offset + done + got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read the blob");
		if (n == 0 && p->plan->size == UNPACK_TO_END)
			break;
		if (n == 0)
			return error_set(err, EBADMSG, "truncated: %llu bytes instead of %llu",
					 (unsigned long long)(done + got),
					 (unsigned long long)p->plan->size);
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static int begin_inflating(struct pump *p, size_t n, struct error *err)
{
	enum inflate_kind kind;
	int r = inflate_detect(p->buf, n, &kind, err);

	return r < 0 ? r : inflate_new(kind, &p->plan->inflate, &p->z, err);
}

/* libarchive wants the last file padded: what the archive left out is neither hashed nor recorded. */
static int pad(struct pump *p, struct error *err)
{
	static const char zeros[TAR_BLOCK];
	int r = fs_write_all(p->outfd, zeros, tarsplit_missing_padding(p->split));

	return r < 0 ? error_set(err, -r, "feed the extractor: %s", strerror(-r)) : 0;
}

static int pump_all(struct pump *p, uint64_t *ret_size, struct error *err)
{
	uint64_t done = 0;
	int r = 0;

	while (r == 0 && done < p->plan->size) {
		ssize_t n = read_block(p, done, err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		if (!p->z)
			r = begin_inflating(p, (size_t)n, err);
		if (r < 0)
			return r;
		sha256_add(p->blob, p->buf, (size_t)n);
		r = inflate_feed(p->z, p->buf, (size_t)n, pump_sink, p, err);
		done += (uint64_t)n;
	}
	*ret_size = done;
	if (r == 0 && p->z)
		r = inflate_finish(p->z, err);
	if (r == 0 && p->split)
		r = pad(p, err);
	return r == 0 && p->split ? tarsplit_finish(p->split, err) : r;
}

/* Everything the pump needs is made before it is confined. */
static int pump_run(struct pump *p, struct job *extractor, struct unpack_result *ret,
		    struct error *err)
{
	struct error reason = { .code = 0 };
	struct job_report report;
	int r = cage_confine(CAGE_PUMP, err), e;

	if (r == 0)
		r = pump_all(p, &ret->size, err);
	(void)close(steal_fd(&p->outfd));
	/* A pump that failed has sent a short stream: the extractor's complaint is not the cause.
	 */
	e = job_wait(extractor, "the extractor", &report, &reason);
	if ((r == 0 || p->is_reader_gone) && e < 0) {
		*err = reason;
		return e;
	}
	if (r < 0)
		return r;
	sha256_end(p->blob, &ret->blob);
	sha256_end(p->diff, &ret->diff);
	memcpy(&ret->stats, report.data, sizeof(ret->stats));
	return 0;
}

static int pump_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	const struct unpack_plan *plan = arg;
	struct unpack_result result = { .stats = { .entries = 0 } };
	struct extract_job extract = { .plan = plan, .alivefd = reportfd };
	struct pump p = { .plan = plan };
	struct job extractor = JOB_INIT;
	int ends[2], r;

	/* Among the others are the locks of all claims: they must not live on in here. */
	r = keep_only((int[]){ plan->fd, plan->difffd, plan->splitfd, reportfd,
			       plan->place ? plan->place->rootfd : -1,
			       plan->place ? plan->place->userns_fd : -1 },
		      6, err);
	if (r == 0 && plan->splitfd >= 0)
		r = tarsplit_new(plan->splitfd, &p.split, err);
	if (r < 0)
		return r;
	if (plan->nice)
		(void)setpriority(PRIO_PROCESS, 0, plan->nice);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* as a user the limit may be lower */
	extract.infd = ends[0];
	p.outfd = ends[1];
	r = job_start(extract_main, &extract, &extractor, err);
	(void)close(ends[0]);
	if (r < 0)
		return r;
	p.blob = sha256_new();
	p.diff = sha256_new();
	p.buf = xmalloc(READ_BLOCK);
	r = pump_run(&p, &extractor, &result, err);
	memcpy(report->data, &result, sizeof(result));
	return r;
}

int unpack_start(const struct unpack_plan *plan, struct job *ret, struct error *err)
{
	return job_start(pump_main, (void *)(uintptr_t)plan, ret, err);
}

int unpack_wait(struct job *j, struct unpack_result *ret, struct error *err)
{
	struct job_report report;
	int r = job_wait(j, "the unpacker", &report, err);

	if (r == 0)
		memcpy(ret, report.data, sizeof(*ret));
	return r;
}
