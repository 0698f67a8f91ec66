/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add_inflate - xz and bzip2 for ADD: root file systems come in these.
 *
 * Theory of operation: layers are gzip or zstd, and inflate.c does those alone. Here libarchive's
 * filters take the compression off, in a child that can read the file, write the result and nothing
 * else, under the limits that hold for layers; the result is a file of the work directory, which is
 * then looked at like any other. What is damaged is no archive.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/build/copy.h"
#include "engine/image/cage.h"
#include "engine/image/inflate.h"
#include "engine/image/job.h"

#define BLOCK_BYTES (256 * 1024)

struct task {
	int infd;
	int outfd;
	uint64_t in_bytes;
};

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int check_limits(const struct task *t, uint64_t bytes, struct error *err)
{
	uint64_t in = t->in_bytes ? t->in_bytes : 1;

	if (bytes > INFLATE_BYTES_MAX)
		return error_set(err, E2BIG, "it inflates to more than %llu bytes",
				 (unsigned long long)INFLATE_BYTES_MAX);
	if (bytes > INFLATE_RATIO_FROM && bytes / in > INFLATE_RATIO_MAX)
		return error_set(err, E2BIG, "it inflates to more than %d times its size",
				 INFLATE_RATIO_MAX);
	return 0;
}

static int copy_out(const struct task *t, struct archive *a, struct error *err)
{
	cleanup_free char *block = xmalloc(BLOCK_BYTES);
	uint64_t bytes = 0;
	la_ssize_t n;

	while ((n = archive_read_data(a, block, BLOCK_BYTES)) > 0) {
		int r;

		bytes += (uint64_t)n;
		r = check_limits(t, bytes, err);
		if (r < 0)
			return r;
		r = fs_write_all(t->outfd, block, (size_t)n);
		if (r < 0)
			return error_set(err, -r, "write: %s", strerror(-r));
	}
	return n < 0 ? error_set(err, EBADMSG, "%s", archive_error_string(a)) : 0;
}

/* Confined: has infd, outfd and the report. */
static int inflate_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	const struct task *t = arg;
	int keep[] = { t->infd, t->outfd, reportfd };
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int r;

	(void)report;
	if (!a || archive_read_support_filter_xz(a) != ARCHIVE_OK ||
	    archive_read_support_filter_bzip2(a) != ARCHIVE_OK ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK)
		return error_set(err, ENOTSUP, "this libarchive inflates neither xz nor bzip2");
	qsort(keep, ARRAY_SIZE(keep), sizeof(*keep), by_number);
	r = cage_close_others(keep, ARRAY_SIZE(keep), err);
	if (r == 0)
		r = cage_confine(CAGE_READER, err);
	if (r < 0)
		return r;
	if (archive_read_open_fd(a, t->infd, BLOCK_BYTES) != ARCHIVE_OK ||
	    archive_read_next_header(a, &e) != ARCHIVE_OK)
		return error_set(err, EBADMSG, "%s", archive_error_string(a));
	r = copy_out(t, a, err);
	(void)archive_read_free(a);
	return r;
}

int add_inflate(struct copier *c, int fd, struct error *err)
{
	struct task t = { .infd = fd };
	cleanup_close int out = -EBADF;
	struct job job = JOB_INIT;
	struct job_report report;
	char name[65];
	struct stat st;
	int r = copy_work_begin(c, err);

	if (r < 0)
		return r;
	id_new(name);
	out = openat(c->workfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "make a file for an archive");
	t.outfd = out;
	t.in_bytes = (uint64_t)st.st_size;
	r = job_start(inflate_main, &t, &job, err);
	if (r == 0)
		r = job_wait(&job, "the inflater", &report, err);
	if (r == 0 && lseek(out, 0, SEEK_SET) < 0)
		r = error_errno(err, "read an archive");
	return r < 0 ? r : steal_fd(&out);
}
