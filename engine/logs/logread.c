/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logread - hands a container's log to callbacks, line by line, and follows it.
 *
 * Theory of operation. The files of the log are opened once as a chain, oldest first (logtail.c),
 * so a rotation meanwhile takes nothing away: a descriptor survives the rename. Each is read to its
 * end by blocks; what follows the last newline is kept for the next read. Records are taken apart
 * and filtered; parts of a line are put together per stream, at most 1 MiB, then handed on as they
 * come. A line's time is that of its first part.
 *
 * Following: the directory is watched by inotify before the end is looked for, so no write between
 * the two is missed; without inotify (128 instances a user) the poll has a short timeout instead.
 * At the end of the youngest file its name is compared with it: when another file has the name, the
 * log was rotated; then the old one is read to its end once more, since it was complete before the
 * rename, and those that came after it are opened. When the old one is in none of them, it was
 * rotated away while we were slow: a mark on stderr says that something may be missing.
 *
 * The log is hostile input: the container chose the text, a crash may have torn records, a full
 * disk may have cut the file. Nothing but whole, valid records is believed. Runs in: podium logs,
 * as the owner of the store. Leaves nothing behind.
 */
#include "engine/logs/logread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/logs/internal.h"

#define READ_BYTES	 (LOG_RECORD_MAX + 1)
#define TIME_MAX	 64 /* a foreign time that is longer is cut */
#define WATCH_TIMEOUT_MS 1000
#define POLL_TIMEOUT_MS	 100
#define GAP_TEXT	 "[podium: log lines are missing: rotated away before they were read]\n"

struct line {
	struct buf parts;
	bool open;    /* parts were met, no end yet */
	bool emitted; /* its beginning was handed on */
	bool dropped; /* its beginning was left out */
	int64_t wall_ns;
	char time[TIME_MAX];
	size_t time_len;
};

struct reader {
	const struct logread_options *o;
	int dirfd;
	const char *name;
	struct log_file file; /* the one being read; fd -1: none yet */
	uint64_t skip;	      /* finished lines to leave out */
	char *buf;
	size_t have;
	bool garbage; /* inside a stretch without newline that did not fit */
	struct line line[3];
};

/* ---- records ------------------------------------------------------------------------------- */

static int emit(struct reader *r, enum log_stream stream, const char *data, size_t len)
{
	logread_fn *fn = stream == LOG_STDOUT ? r->o->on_stdout : r->o->on_stderr;

	return fn && len > 0 ? fn(r->o->arg, data, len) : 0;
}

static bool is_wanted(const struct reader *r, const struct line *line)
{
	const struct logread_options *o = r->o;

	return !line->dropped && r->skip == 0 &&
	       (o->since_ns == 0 || line->wall_ns >= o->since_ns) &&
	       (o->until_ns == 0 || line->wall_ns < o->until_ns);
}

/* Hands on what there is of a line, time first. */
static int emit_parts(struct reader *r, enum log_stream stream)
{
	struct line *line = &r->line[stream];
	int res = 0;

	if (!line->emitted && r->o->timestamps) {
		res = emit(r, stream, line->time, line->time_len);
		res = res < 0 ? res : emit(r, stream, " ", 1);
	}
	line->emitted = true;
	if (res >= 0 && line->parts.len > 0)
		res = emit(r, stream, line->parts.data, line->parts.len);
	line->parts.len = 0;
	return res;
}

static void reset(struct line *line)
{
	line->parts.len = 0;
	line->open = line->emitted = line->dropped = false;
}

static void begin(struct line *line, const struct logline *l)
{
	line->open = true;
	line->wall_ns = l->wall_ns;
	line->time_len = l->time_len < TIME_MAX ? l->time_len : TIME_MAX;
	memcpy(line->time, l->time, line->time_len);
}

static int take_part(struct reader *r, const struct logline *l)
{
	struct line *line = &r->line[l->stream];
	int res = 0;

	if (line->parts.len + l->text_len > LOGREAD_JOIN_MAX) {
		if (is_wanted(r, line))
			res = emit_parts(r, l->stream);
		else
			line->dropped = true;
		line->parts.len = 0;
	}
	if (!line->dropped)
		buf_add(&line->parts, l->text, l->text_len);
	return res;
}

/* The line of this stream is finished, or the log is: `text` is its last part. */
static int end_line(struct reader *r, enum log_stream stream, const char *text, size_t len)
{
	struct line *line = &r->line[stream];
	int res = 0;

	if (line->emitted || is_wanted(r, line)) {
		res = emit_parts(r, stream);
		res = res < 0 ? res : emit(r, stream, text, len);
	}
	if (r->skip > 0)
		r->skip--;
	reset(line);
	return res;
}

/* A record whose newline stands behind it. */
static int take_record(struct reader *r, const char *data, size_t len)
{
	struct logline l;

	if (logline_parse(data, len, &l) < 0)
		return 0;
	if (!r->line[l.stream].open)
		begin(&r->line[l.stream], &l);
	return l.partial ? take_part(r, &l) : end_line(r, l.stream, l.text, l.text_len + 1);
}

static int take_block(struct reader *r)
{
	char *s = r->buf, *end = r->buf + r->have, *nl;
	int res = 0;

	while (res >= 0 && (nl = memchr(s, '\n', (size_t)(end - s))) != NULL) {
		if (!r->garbage)
			res = take_record(r, s, (size_t)(nl - s));
		r->garbage = false;
		s = nl + 1;
	}
	r->have = (size_t)(end - s);
	if (r->have == READ_BYTES) {
		r->garbage = true;
		r->have = 0;
	}
	memmove(r->buf, s, r->have);
	return res;
}

/* What a callback said, as an error with a text. */
static int told(int res, struct error *err)
{
	return res < 0 ? error_set(err, -res, "write the log: %s", strerror(-res)) : 0;
}

/* ---- files --------------------------------------------------------------------------------- */

static int read_to_end(struct reader *r, struct error *err)
{
	int res = 0;

	while (res >= 0) {
		ssize_t n = read(r->file.fd, r->buf + r->have, READ_BYTES - r->have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read the log");
		if (n == 0)
			return 0;
		r->have += (size_t)n;
		res = take_block(r);
	}
	return told(res, err);
}

/* The file goes into use; what is left of the one before was torn. */
static void change_file(struct reader *r, struct log_file *f)
{
	if (r->file.fd >= 0)
		(void)close(r->file.fd);
	r->file = *f;
	f->fd = -1;
	r->have = 0;
	r->garbage = false;
}

static int read_chain(struct reader *r, struct log_chain *c, size_t first, off_t offset,
		      struct error *err)
{
	int res = 0;

	for (size_t i = first; res >= 0 && i < c->n; i++) {
		change_file(r, &c->v[i]);
		if (i == first && lseek(r->file.fd, offset, SEEK_SET) < 0)
			return error_errno(err, "seek in the log");
		res = read_to_end(r, err);
	}
	return res;
}

static int read_existing(struct reader *r, struct error *err)
{
	struct log_tail tail = { 0 };
	struct log_chain c;
	int res = log_chain_open(r->dirfd, r->name, 0, &c, err);

	if (res < 0)
		return res;
	if (r->o->tail >= 0)
		res = log_tail_find(&c, r->o->tail, &tail, err);
	r->skip = tail.skip;
	if (res >= 0)
		res = read_chain(r, &c, tail.file, tail.offset, err);
	log_chain_close(&c);
	return res;
}

/* Lines that are open are handed on as they are; `finally` they end here. */
static int emit_open(struct reader *r, bool finally, struct error *err)
{
	int res = 0;

	for (int s = LOG_STDOUT; res >= 0 && s <= LOG_STDERR; s++) {
		struct line *line = &r->line[s];

		if (!line->open)
			continue;
		if (finally)
			res = end_line(r, (enum log_stream)s, NULL, 0);
		else if (is_wanted(r, line) && line->parts.len > 0)
			res = emit_parts(r, (enum log_stream)s);
	}
	return told(res, err);
}

/* ---- following ----------------------------------------------------------------------------- */

/* A full disk made the writer cut off what we may have read. */
static void mind_the_cut(struct reader *r)
{
	struct stat st;

	if (r->file.fd >= 0 && fstat(r->file.fd, &st) == 0 &&
	    lseek(r->file.fd, 0, SEEK_CUR) > st.st_size) {
		(void)lseek(r->file.fd, st.st_size, SEEK_SET);
		r->have = 0;
	}
}

/* True when `log` is still the file that is being read. */
static bool is_current(const struct reader *r)
{
	struct stat st;

	return r->file.fd >= 0 && fstatat(r->dirfd, r->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == r->file.inode;
}

/* Reads on to the end of everything. 1 when the log is gone. */
static int catch_up(struct reader *r, struct error *err)
{
	struct log_chain c;
	bool had = r->file.fd >= 0;
	int met, res = 0;

	mind_the_cut(r);
	if (had)
		res = read_to_end(r, err);
	if (res < 0 || is_current(r))
		return res;
	met = log_chain_open(r->dirfd, r->name, had ? r->file.inode : 0, &c, err);
	if (met < 0)
		return met;
	if (had)
		res = read_to_end(r, err);
	if (res >= 0 && had && !met && c.n > 0)
		res = told(emit(r, LOG_STDERR, GAP_TEXT, sizeof(GAP_TEXT) - 1), err);
	if (res >= 0)
		res = read_chain(r, &c, 0, 0, err);
	if (res >= 0 && had && !met && c.n == 0)
		res = 1;
	log_chain_close(&c);
	return res;
}

/* The watch, or -1: then there is only the timeout. */
static int watch_directory(int dirfd)
{
	char path[32];
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dirfd);
	if (fd < 0)
		return -1;
	if (inotify_add_watch(fd, path,
			      IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF) >=
	    0)
		return fd;
	(void)close(fd);
	return -1;
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

static bool is_directory_gone(int dirfd)
{
	struct stat st;

	return fstat(dirfd, &st) < 0 || st.st_nlink == 0;
}

static int follow(struct reader *r, int watch, struct error *err)
{
	char events[4096] __attribute__((aligned(8)));
	int res = 0;

	while (res == 0) {
		/* Asked first: what was written before the end is read after it. */
		bool last = is_readable(r->o->stop_fd) || is_directory_gone(r->dirfd);
		struct pollfd p[2] = { { .fd = watch, .events = POLLIN },
				       { .fd = r->o->stop_fd, .events = POLLIN } };

		res = catch_up(r, err);
		if (res != 0 || last)
			break;
		res = emit_open(r, false, err);
		if (res < 0)
			break;
		if (poll(p, 2, watch >= 0 ? WATCH_TIMEOUT_MS : POLL_TIMEOUT_MS) < 0 &&
		    errno != EINTR)
			return error_errno(err, "wait for the log");
		while (watch >= 0 && read(watch, events, sizeof(events)) > 0)
			;
	}
	return res < 0 ? res : 0;
}

int logread(int dirfd, const struct logread_options *o, struct error *err)
{
	struct reader r = { .o = o,
			    .dirfd = dirfd,
			    .name = o->name ? o->name : LOG_FILE_NAME,
			    .file = { .fd = -1 } };
	cleanup_close int watch = o->follow ? watch_directory(dirfd) : -1;
	cleanup_free char *memory = xmalloc(READ_BYTES);
	int res;

	r.buf = memory;
	r.line[LOG_STDOUT].parts = BUF_INIT(LOGREAD_JOIN_MAX + LOGLINE_MAX);
	r.line[LOG_STDERR].parts = BUF_INIT(LOGREAD_JOIN_MAX + LOGLINE_MAX);
	res = read_existing(&r, err);
	if (res >= 0 && o->follow)
		res = follow(&r, watch, err);
	if (res >= 0)
		res = emit_open(&r, true, err);
	if (r.file.fd >= 0)
		(void)close(r.file.fd);
	buf_done(&r.line[LOG_STDOUT].parts);
	buf_done(&r.line[LOG_STDERR].parts);
	return res < 0 ? res : 0;
}
