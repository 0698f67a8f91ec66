/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel - takes xz or bzip2 off.
 *
 * Theory of operation: libarchive's filters do it, in a child that can read the one descriptor, write the
 * other and nothing else, under the limits that hold for layers: by what was written, and by how many
 * times that is more than what was read. A pipe's first bytes are looked at by tee(2), which leaves them
 * where they are.
 */
#include "engine/image/peel.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/image/cage.h"
#include "engine/image/inflate.h"

#define BLOCK_BYTES (256 * 1024)
#define HEAD_BYTES  6

struct task {
	int infd;
	int outfd;
};

static ssize_t peek_pipe(int infd, char *head)
{
	int copy[2];
	ssize_t n;

	if (pipe2(copy, O_CLOEXEC) < 0)
		return -1;
	n = tee(infd, copy[1], HEAD_BYTES, 0);
	if (n > 0)
		n = read(copy[0], head, HEAD_BYTES);
	(void)close(copy[0]);
	(void)close(copy[1]);
	return n;
}

bool is_peelable(int infd)
{
	enum inflate_kind kind;
	struct error scratch;
	char head[HEAD_BYTES];
	struct stat st = { .st_mode = 0 };
	ssize_t n = -1;

	if (fstat(infd, &st) == 0 && S_ISREG(st.st_mode))
		n = pread(infd, head, HEAD_BYTES, lseek(infd, 0, SEEK_CUR));
	else if (S_ISFIFO(st.st_mode))
		n = peek_pipe(infd, head);
	return n > 0 && inflate_detect(head, (size_t)n, &kind, &scratch) == -EPROTONOSUPPORT;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int check_limits(struct archive *a, uint64_t bytes, struct error *err)
{
	la_int64_t read_bytes = archive_filter_bytes(a, -1);
	uint64_t in = read_bytes > 0 ? (uint64_t)read_bytes : 1;

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
		r = check_limits(a, bytes, err);
		if (r < 0)
			return r;
		r = fs_write_all(t->outfd, block, (size_t)n);
		if (r < 0)
			return error_set(err, -r, "write: %s", strerror(-r));
	}
	return n < 0 ? error_set(err, EBADMSG, "%s", archive_error_string(a)) : 0;
}

/* Confined: has infd, outfd and the report. */
static int peel_main(void *arg, int reportfd, struct job_report *report, struct error *err)
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

int peel_start(int infd, int outfd, struct job *ret, struct error *err)
{
	struct task t = { .infd = infd, .outfd = outfd };

	return job_start(peel_main, &t, ret, err);
}

int peel_wait(struct job *job, struct error *err)
{
	struct job_report report;

	return job_wait(job, "the inflater", &report, err);
}
