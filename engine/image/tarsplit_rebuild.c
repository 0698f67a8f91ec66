/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarsplit_rebuild - a layer's tar stream, written again from its record and its tree.
 *
 * Theory of operation: the record (tarsplit.c) is read once, front to back; bytes go to the sink as
 * they are, a file's content is read below diff/, resolved as the unpacker resolved it (as a chroot
 * would, the last component not followed). The record was made from hostile bytes: every length is
 * bounded, a name is used for nothing but openat2(2). A file that is no regular file or not as long
 * as it was ends the work; whether the bytes are right only the caller's hash knows.
 *
 * Runs in a confined child (pack.c): the tree is its root.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "engine/base/fs.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/image/layer.h"
#include "engine/image/splitformat.h"
#include "engine/image/tarsplit.h"

#define IN_BYTES   (64 * 1024)
#define FILE_BLOCK (256 * 1024)

struct rebuild {
	int splitfd;
	int difffd; /* -1: contents are counted, not read */
	inflate_sink *sink;
	void *arg;
	ZSTD_DStream *zstd;
	char *in;
	ZSTD_inBuffer input;
	bool is_over; /* splitfd is */
	uint64_t left_out;
	char *block;
};

static int damaged(struct error *err)
{
	return error_set(err, EBADMSG, "the record of the layer's headers is damaged");
}

static int refill(struct rebuild *b, struct error *err)
{
	ssize_t n;

	if (b->input.pos < b->input.size || b->is_over)
		return 0;
	do
		n = read(b->splitfd, b->in, IN_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_errno(err, "read the record of the layer's headers");
	b->is_over = n == 0;
	b->input = (ZSTD_inBuffer){ .src = b->in, .size = (size_t)n };
	return 0;
}

/* Exactly len bytes of the record. -ENODATA: it ends before them. */
static int take(struct rebuild *b, void *data, size_t len, struct error *err)
{
	ZSTD_outBuffer out = { .dst = data, .size = len };

	while (out.pos < out.size) {
		size_t before = out.pos, left;
		int r = refill(b, err);

		if (r < 0)
			return r;
		left = ZSTD_decompressStream(b->zstd, &out, &b->input);
		if (ZSTD_isError(left))
			return damaged(err);
		if (b->is_over && out.pos == before)
			return error_set(err, ENODATA,
					 "the layer's headers were not recorded to the end");
	}
	return 0;
}

static int take_raw(struct rebuild *b, struct error *err)
{
	unsigned char head[SPLIT_RAW_HEAD - 1];
	int r = take(b, head, sizeof(head), err);
	uint64_t left = split_get(head, 4);

	while (r == 0 && left) {
		size_t n = left < FILE_BLOCK ? (size_t)left : FILE_BLOCK;

		r = take(b, b->block, n, err);
		if (r == 0)
			r = b->sink(b->arg, b->block, n, err);
		left -= n;
	}
	return r;
}

/* Opens a regular file of that size below diff/. */
static int open_file(const struct rebuild *b, const char *path, uint64_t size, struct error *err)
{
	cleanup_close int fd =
		fs_open_in_root(b->difffd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, err);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat");
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return error_set(err, EBADMSG, "it is not the file that it was");
	return steal_fd(&fd);
}

static int copy_file(const struct rebuild *b, int fd, uint64_t left, struct error *err)
{
	while (left) {
		size_t want = left < FILE_BLOCK ? (size_t)left : FILE_BLOCK;
		ssize_t n = read(fd, b->block, want);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read");
		if (n == 0)
			return error_set(err, EBADMSG, "it has become shorter");
		r = b->sink(b->arg, b->block, (size_t)n, err);
		if (r < 0)
			return r;
		left -= (uint64_t)n;
	}
	return 0;
}

static int take_file(struct rebuild *b, struct error *err)
{
	unsigned char head[SPLIT_FILE_HEAD - 1];
	char path[LAYER_PATH_MAX + 1];
	cleanup_close int fd = -EBADF;
	uint64_t size, len;
	int r = take(b, head, sizeof(head), err);

	if (r < 0)
		return r;
	size = split_get(head, 8);
	len = split_get(head + 8, 2);
	if (!len || len > LAYER_PATH_MAX)
		return damaged(err);
	r = take(b, path, len, err);
	if (r < 0)
		return r;
	path[len] = '\0';
	if (b->difffd < 0) {
		b->left_out += size;
		return 0;
	}
	fd = open_file(b, path, size, err);
	r = fd < 0 ? fd : copy_file(b, fd, size, err);
	if (r < 0 && r != -EPIPE) { /* nobody reads any more: the reader's reason is the better */
		cleanup_free char *shown = str_printable(path, strnlen(path, 200));

		return error_wrap(err, "'%.200s'", shown);
	}
	return r;
}

static int rebuild_all(struct rebuild *b, struct error *err)
{
	char magic[SPLIT_MAGIC_LEN], tag = 0;
	int r = take(b, magic, sizeof(magic), err);

	if (r == 0 && memcmp(magic, SPLIT_MAGIC, SPLIT_MAGIC_LEN) != 0)
		return damaged(err);
	while (r == 0) {
		r = take(b, &tag, 1, err);
		if (r == 0 && tag == SPLIT_END)
			return 0;
		if (r == 0 && tag == SPLIT_RAW)
			r = take_raw(b, err);
		else if (r == 0 && tag == SPLIT_FILE)
			r = take_file(b, err);
		else if (r == 0)
			r = damaged(err);
	}
	return r;
}

static int run(struct rebuild *b, struct error *err)
{
	int r;

	b->zstd = ZSTD_createDStream();
	if (!b->zstd)
		return error_set(err, ENOMEM, "make a zstd decoder");
	b->in = xmalloc(IN_BYTES);
	b->block = xmalloc(FILE_BLOCK);
	r = rebuild_all(b, err);
	(void)ZSTD_freeDStream(b->zstd);
	free(b->in);
	free(b->block);
	return r;
}

int tarsplit_rebuild(int splitfd, int difffd, inflate_sink *sink, void *arg, struct error *err)
{
	struct rebuild b = { .splitfd = splitfd, .difffd = difffd, .sink = sink, .arg = arg };

	return run(&b, err);
}

static int count(void *arg, const void *data, size_t len, struct error *err)
{
	(void)data;
	(void)err;
	*(uint64_t *)arg += len;
	return 0;
}

int tarsplit_size(int splitfd, uint64_t *ret, struct error *err)
{
	uint64_t n = 0;
	struct rebuild b = { .splitfd = splitfd, .difffd = -EBADF, .sink = count, .arg = &n };
	int r = run(&b, err);

	if (r == 0)
		*ret = n + b.left_out;
	return r;
}
