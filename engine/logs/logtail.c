/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logtail - the chain of a log's files, and the place where its last n lines begin.
 *
 * Theory of operation. The chain is opened from the youngest name to the oldest: a rotation in
 * between moves files to older names, so it can show one twice (left out by inode) but hide none.
 *
 * A line is what ends with a record F, or what is still open at the very end. Reading backwards,
 * records are counted by that; but the parts (P) of the n-th line may lie before records of the
 * other stream. So the walk goes on, after n lines, until for each stream that has a line in the
 * count the line before it was met; it counts every F on its way. Forwards from there, the first
 * (count - n) lines to be finished are left out: what remains are exactly the last n.
 *
 * Blocks of 128 KiB are read by pread(2) from the end; the record that a block cuts is read again
 * with the next. A stretch without newline of that length is garbage and is jumped over.
 */
#include "engine/logs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/mem.h"

#define BLOCK_BYTES (128 * 1024)

/* ---- the chain ----------------------------------------------------------------------------- */

static int open_one(int dirfd, const char *name, struct log_file *ret, struct error *err)
{
	cleanup_close int fd =
		openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : error_errno(err, "open '%s'", name);
	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat '%s'", name);
	/* No link at all: removed between open and here. */
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink > 1)
		return error_set(err, EPERM, "'%s' is not a log of ours", name);
	*ret = (struct log_file){ steal_fd(&fd), st.st_ino };
	return 0;
}

static bool has_inode(const struct log_chain *c, ino_t inode)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].inode == inode)
			return true;
	return false;
}

static void reverse(struct log_chain *c)
{
	for (size_t i = 0; i < c->n / 2; i++) {
		struct log_file f = c->v[i];

		c->v[i] = c->v[c->n - 1 - i];
		c->v[c->n - 1 - i] = f;
	}
}

int log_chain_open(int dirfd, const char *base, ino_t known, struct log_chain *ret,
		   struct error *err)
{
	struct log_chain c = { .n = 0 };
	char name[LOG_NAME_MAX];
	bool hole = false, met = false;
	struct log_file f;

	for (unsigned int age = 0; age < LOG_MAX_FILES_MAX && !met; age++) {
		int r;

		log_file_name(name, base, age);
		r = open_one(dirfd, name, &f, err);
		/* Between two steps of a rotation one name is not there. */
		if (r == -ENOENT && hole)
			break;
		hole = r == -ENOENT;
		if (r < 0 && !hole) {
			log_chain_close(&c);
			return r;
		}
		if (hole)
			continue;
		met = f.inode == known;
		if (met || has_inode(&c, f.inode))
			(void)close(f.fd);
		else
			c.v[c.n++] = f;
	}
	reverse(&c);
	*ret = c;
	return met ? 1 : 0;
}

void log_chain_close(struct log_chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].fd >= 0)
			(void)close(c->v[i].fd);
	c->n = 0;
}

/* ---- the tail ------------------------------------------------------------------------------ */

struct scan {
	int64_t want;
	uint64_t counted; /* finished lines and open ends met */
	struct {
		bool met;     /* any record */
		bool belongs; /* parts met now are of a line that counts */
	} stream[3];
};

static bool is_complete(const struct scan *s)
{
	return s->counted >= (uint64_t)s->want && !s->stream[LOG_STDOUT].belongs &&
	       !s->stream[LOG_STDERR].belongs;
}

/* One record, going backwards. True: the walk may end behind it. */
static bool scan_record(struct scan *s, const char *line, size_t len)
{
	struct logline l;

	if (len > LOG_RECORD_MAX || logline_parse(line, len, &l) < 0)
		return false;
	if (l.partial && s->stream[l.stream].met)
		return false;
	/* The end of a line: F, or a part with nothing of its stream after it. */
	s->stream[l.stream].belongs = s->counted < (uint64_t)s->want;
	s->stream[l.stream].met = true;
	s->counted++;
	return is_complete(s);
}

/* Goes through the whole records that end before *end in buf (which starts at offset `base`), last
 * first. *end becomes the offset of the earliest one seen. True when the walk is complete. */
static bool scan_block(struct scan *s, const char *buf, off_t base, off_t *end)
{
	size_t stop = (size_t)(*end - base); /* just behind a newline */

	while (stop > 0) {
		const char *nl = stop > 1 ? memrchr(buf, '\n', stop - 1) : NULL;
		size_t start = nl ? (size_t)(nl - buf) + 1 : 0;

		if (!nl && base > 0)
			return false; /* cut by the block */
		if (scan_record(s, buf + start, stop - start - 1)) {
			/* This record is outside, or the last one needed: both may be read. */
			*end = base + (off_t)start;
			return true;
		}
		*end = base + (off_t)start;
		stop = start;
	}
	return false;
}

/* Cuts a torn last record off. */
static int last_newline(int fd, char *buf, off_t *end)
{
	while (*end > 0) {
		off_t base = *end > BLOCK_BYTES ? *end - BLOCK_BYTES : 0;
		ssize_t n = pread(fd, buf, (size_t)(*end - base), base);
		const char *nl;

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		nl = memrchr(buf, '\n', (size_t)n);
		if (nl) {
			*end = base + (nl - buf) + 1;
			return 0;
		}
		*end = base;
	}
	return 0;
}

static int scan_file(struct scan *s, int fd, char *buf, off_t *ret_offset, bool *ret_complete)
{
	struct stat st;
	off_t end, base;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	end = st.st_size;
	r = last_newline(fd, buf, &end);
	while (r == 0 && end > 0 && !*ret_complete) {
		off_t before = end;
		ssize_t n;

		base = end > BLOCK_BYTES ? end - BLOCK_BYTES : 0;
		n = pread(fd, buf, (size_t)(end - base), base);
		if (n != end - base)
			return n < 0 ? -errno : -EIO;
		*ret_complete = scan_block(s, buf, base, &end);
		if (end == before) { /* garbage without a newline */
			end = base;
			r = last_newline(fd, buf, &end);
		}
	}
	*ret_offset = end;
	return r;
}

int log_tail_find(const struct log_chain *c, int64_t lines, struct log_tail *ret, struct error *err)
{
	struct scan s = { .want = lines };
	cleanup_free char *buf = xmalloc(BLOCK_BYTES);
	bool complete = false;
	off_t offset = 0;
	size_t i = c->n;
	int r;

	*ret = (struct log_tail){ 0 };
	while (i > 0 && !complete) {
		r = scan_file(&s, c->v[--i].fd, buf, &offset, &complete);
		if (r < 0)
			return error_set(err, -r, "read the log backwards: %s", strerror(-r));
	}
	ret->file = i;
	ret->offset = offset;
	ret->skip = s.counted > (uint64_t)lines ? s.counted - (uint64_t)lines : 0;
	return 0;
}
