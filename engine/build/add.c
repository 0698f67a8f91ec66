/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add - what ADD does more than COPY: it unpacks local archives and fetches addresses.
 *
 * Theory of operation: an archive is known by its content, as for Docker: plain tar, or one in gzip
 * or zstd (a confined child inflates its first block and looks). It is unpacked by the extractor of
 * layers into a directory of its own below ROOT/layers/.new-*, whose lock we hold so that no sweep
 * takes it, and then copied like a tree, with the owners that it has. xz and bzip2 are taken off
 * first (add_inflate.c).
 *
 * The directory goes when the copier ends; a killed one leaves it to the next sweep.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/build/copy.h"
#include "engine/image/cage.h"
#include "engine/image/job.h"
#include "engine/image/layers.h"
#include "engine/image/unpack.h"

#define HEAD_BYTES (64 * 1024)
#define BLOCK	   512
#define MAGIC_AT   257
#define SUM_AT	   148
#define NAME_BYTES 100

int copy_work_begin(struct copier *c, struct error *err)
{
	char id[65];

	if (c->workfd >= 0)
		return 0;
	id_new(id);
	(void)snprintf(c->work, sizeof(c->work), "layers/" LAYER_NEW_PREFIX "%.32s", id);
	c->workfd = fs_mkdirs(c->spec->store->rootfd, c->work, 0700, err);
	if (c->workfd < 0)
		return c->workfd;
	c->lockfd = lock_take(c->workfd, "lock", LOCK_EXCLUSIVE, 0, err);
	return c->lockfd < 0 ? c->lockfd : 0;
}

void copy_work_end(struct copier *c)
{
	struct error scratch; /* what is left is debris for the next sweep */

	if (c->workfd < 0)
		return;
	error_ignore(fs_remove_tree(c->spec->store->rootfd, c->work, &scratch));
	(void)close(c->workfd);
	if (c->lockfd >= 0)
		(void)close(c->lockfd);
	c->workfd = c->lockfd = -EBADF;
}

/* ---- is it an archive? ------------------------------------------------------------------ */

struct look {
	int fd;
	enum inflate_kind kind;
	unsigned char block[BLOCK];
	size_t have;
};

/* Takes one block, then says that it has enough. */
static int take_block(void *arg, const void *data, size_t len, struct error *err)
{
	struct look *l = arg;
	size_t n = len < BLOCK - l->have ? len : BLOCK - l->have;

	memcpy(l->block + l->have, data, n);
	l->have += n;
	return l->have == BLOCK ? error_set(err, ECANCELED, "enough") : 0;
}

/* The checksum of a header, as tar writes it: octal digits of the sum with the field as blanks. */
static bool is_tar_block(const unsigned char *b)
{
	unsigned int sum = 0, told = 0;

	for (int i = 0; i < BLOCK; i++)
		sum += i >= SUM_AT && i < SUM_AT + 8 ? ' ' : b[i];
	for (int i = SUM_AT; i < SUM_AT + 8; i++)
		if (b[i] >= '0' && b[i] <= '7')
			told = told << 3 | (unsigned int)(b[i] - '0');
	return b[0] && sum == told;
}

/* Confined: reads its descriptor and reports. */
static int look_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	const struct look *job = arg;
	struct look l = { .fd = job->fd };
	struct inflate_limits limits;
	struct inflate *z = NULL;
	cleanup_free char *head = xmalloc(HEAD_BYTES);
	struct error scratch;
	int fds[] = { job->fd < reportfd ? job->fd : reportfd,
		      job->fd < reportfd ? reportfd : job->fd };
	ssize_t n;
	int r = cage_close_others(fds, 2, err);

	inflate_limits_default(&limits);
	if (r == 0)
		r = cage_confine(CAGE_READER, err);
	if (r == 0)
		r = inflate_new(job->kind, &limits, &z, err);
	if (r < 0)
		return r;
	/* A file that cannot be inflated is no archive. */
	while (l.have < BLOCK && (n = read(l.fd, head, HEAD_BYTES)) > 0)
		if (inflate_feed(z, head, (size_t)n, take_block, &l, &scratch) < 0)
			break;
	report->data[0] = l.have == BLOCK && is_tar_block(l.block);
	inflate_free(z);
	return 0;
}

/* 1, 0; -EPROTONOSUPPORT: a compression that is not taken. */
static int is_archive(int fd, struct error *err)
{
	struct look look = { .fd = fd };
	struct job job = JOB_INIT;
	struct job_report report;
	char head[16];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	int r;

	if (n < (ssize_t)sizeof(head))
		return n < 0 ? error_errno(err, "read") : 0;
	r = inflate_detect(head, (size_t)n, &look.kind, err);
	if (r == 0)
		r = job_start(look_main, &look, &job, err);
	if (r == 0)
		r = job_wait(&job, "the reader of an archive", &report, err);
	return r < 0 ? r : report.data[0] == 1;
}

/* ---- unpacking -------------------------------------------------------------------------- */

static int unpack(int fd, int difffd, struct error *err)
{
	struct unpack_plan plan = { .fd = fd, .difffd = difffd, .splitfd = -1 };
	struct unpack_result result;
	struct job job = JOB_INIT;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "look at the archive");
	plan.size = (uint64_t)st.st_size;
	layer_limits_default(&plan.layer);
	inflate_limits_default(&plan.inflate);
	r = unpack_start(&plan, &job, err);
	return r < 0 ? r : unpack_wait(&job, &result, err);
}

static int open_regular(const struct copy_item *item, struct error *err)
{
	cleanup_tree_place struct tree_place p = { .fd = -EBADF };
	int r = tree_find(item->treefd, item->path, TREE_NO_FOLLOW, &p, err);

	if (r < 0)
		return r;
	if (p.fd < 0 || !S_ISREG(p.st.st_mode))
		return -ENOENT;
	return fs_reopen(p.fd, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, err);
}

static int make_dir(struct copier *c, char name[NAME_BYTES], struct error *err)
{
	char id[65];
	int fd;

	id_new(id);
	(void)snprintf(name, NAME_BYTES, "a%.32s", id);
	if (mkdirat(c->workfd, name, 0755) < 0)
		return error_errno(err, "make a directory for an archive");
	fd = openat(c->workfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open a directory for an archive") : fd;
}

/* As is_archive(); with xz or bzip2 around it *fd becomes what is inside. */
static int find_archive(struct copier *c, int *fd, struct error *err)
{
	struct error scratch = { .code = 0 };
	int r = is_archive(*fd, &scratch), inner;

	if (r != -EPROTONOSUPPORT) {
		if (r < 0)
			*err = scratch;
		return r;
	}
	inner = add_inflate(c, *fd, &scratch);
	if (inner == -EBADMSG) /* no archive: copied as it is, as by Docker */
		return 0;
	if (inner < 0) {
		*err = scratch;
		return inner;
	}
	(void)close(*fd);
	*fd = inner;
	return is_archive(inner, err);
}

int add_unpack(struct copier *c, struct copy_item *item, struct error *err)
{
	cleanup_close int fd = -EBADF;
	cleanup_close int dir = -EBADF;
	char name[NAME_BYTES];
	int r;

	if (c->targetfd < 0) /* for a digest its bytes are what counts */
		return 0;
	fd = open_regular(item, err);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = find_archive(c, &fd, err);
	if (r <= 0)
		return r < 0 ? error_wrap(err, "'%.200s'", item->shown) : 0;
	r = copy_work_begin(c, err);
	if (r < 0)
		return r;
	dir = make_dir(c, name, err);
	if (dir < 0)
		return dir;
	r = unpack(fd, dir, err);
	if (r < 0)
		return error_wrap(err, "unpack '%.200s'", item->shown);
	free(item->path);
	item->path = xstrdup(name);
	item->treefd = c->workfd;
	item->is_dir = item->is_outside = true;
	return 1;
}
