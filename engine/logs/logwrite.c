/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logwrite - stamps what a container prints and keeps it in files of bounded size.
 *
 * Theory of operation. What one read(2) brought is cut into lines by memchr(3); each gets a copy of
 * the same prefix; all go out by one write(2) of the out buffer. Copying short lines into a buffer
 * is cheaper than a vector of two pieces a line, and one clock read and one write a read is where
 * the speed comes from. A line that is not finished waits in its stream's pending buffer; when it
 * has 16 KiB, at the end of the stream, or after a second without output it is written as a partial
 * record, so a prompt or a progress bar is in the log soon, and a missing newline costs no memory.
 *
 * Rotation: when the next record would pass the cap, the oldest goes, log.1 becomes log.2 and so on,
 * log becomes log.1 (renameat(2) on the directory's descriptor), and a new log is made with O_EXCL.
 * Each file holds whole records only. Names are never followed: what somebody put in place of `log`
 * is moved away, not written to.
 *
 * A full disk, or a log that cannot be made, loses lines and never blocks the container: the lost
 * ones are counted; a short write is cut off again; the next write that succeeds starts with a
 * record on stderr that says how many are missing. If a crash has torn the last record, the first
 * write ends it with a newline: the reader drops the stump when it is no record.
 *
 * Memory: one anonymous mapping of 544 KiB, of which only touched pages count; logwriter_idle()
 * gives all of it back. A file that grows by large writes has large folios, which the kernel handles
 * for less a byte: hence the sizes. No allocation after open, no locale, no time zone.
 * Runs in: podium-monitor, as the owner of the store.
 */
#include "engine/logs/logwrite.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"

#define OUT_BYTES     (2 * LOG_READ_BYTES)
#define PENDING_BYTES LOGLINE_TEXT_MAX
#define MEMORY_BYTES  (OUT_BYTES + 2 * PENDING_BYTES)
#define GAP_MAX	      192
#define OPEN_FLAGS    (O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static_assert(OUT_BYTES >= LOGLINE_MAX && LOG_MAX_BYTES_MIN >= LOGLINE_MAX + GAP_MAX,
	      "one record fits");

void log_file_name(char out[LOG_NAME_MAX], const char *base, unsigned int age)
{
	if (age == 0)
		(void)snprintf(out, LOG_NAME_MAX, "%.250s", base);
	else
		(void)snprintf(out, LOG_NAME_MAX, "%.250s.%u", base, age);
}

/* ---- files --------------------------------------------------------------------------------- */

static int make_log(struct logwriter *w)
{
	int fd = openat(w->dirfd, w->name, OPEN_FLAGS | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		return -errno;
	w->fd = fd;
	w->size = 0;
	w->torn = false;
	return 0;
}

/* Goes on with the log of an earlier start. */
static int take_log(struct logwriter *w, struct error *err)
{
	cleanup_close int fd = openat(w->dirfd, w->name, OPEN_FLAGS);
	struct stat st;
	char last;

	if (fd < 0)
		return error_errno(err, "open '%s'", w->name);
	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat '%s'", w->name);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
		return error_set(err, EPERM, "'%s' is not a log of ours", w->name);
	w->torn = st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
	w->size = st.st_size;
	w->fd = steal_fd(&fd);
	return 0;
}

/* Every file one name older, the oldest gone, a new log. */
static int rotate(struct logwriter *w)
{
	char from[LOG_NAME_MAX], to[LOG_NAME_MAX];

	/* Not replaced by the rename: ext4 would write the younger one to the disk before that. */
	log_file_name(to, w->name, w->max_files - 1);
	if (unlinkat(w->dirfd, to, 0) < 0 && errno != ENOENT)
		return -errno;
	for (unsigned int age = w->max_files - 1; age > 0; age--) {
		log_file_name(from, w->name, age - 1);
		log_file_name(to, w->name, age);
		if (renameat(w->dirfd, from, w->dirfd, to) < 0 && errno != ENOENT)
			return -errno;
	}
	(void)close(w->fd);
	w->fd = -1;
	return make_log(w);
}

/* ---- the out buffer ------------------------------------------------------------------------ */

static int gap_mark(struct logwriter *w, char out[GAP_MAX])
{
	char prefix[LOGLINE_PREFIX_LEN];
	int n;

	if (w->lost_lines == 0)
		return 0;
	logline_prefix(&w->stamp, clock_wall_ns(), LOG_STDERR, prefix);
	n = snprintf(out, GAP_MAX, "%.*s[podium: %" PRIu64 " log lines lost: errno %d]\n",
		     LOGLINE_PREFIX_LEN, prefix, w->lost_lines, w->lost_errno);
	return n < GAP_MAX ? n : GAP_MAX - 1;
}

static int lose(struct logwriter *w, int r)
{
	w->lost_lines += w->out_lines;
	w->lost_total += w->out_lines;
	w->lost_errno = -r;
	w->out_len = w->out_room = 0;
	w->out_lines = 0;
	return r;
}

/* One write of everything, or nothing: a short one is cut off again. */
static int write_whole(struct logwriter *w, const struct iovec *iov, int n, size_t total)
{
	ssize_t done;

	do
		done = writev(w->fd, iov, n);
	while (done < 0 && errno == EINTR);
	if (done == (ssize_t)total) {
		w->size += done;
		w->torn = false;
		return 0;
	}
	if (done < 0)
		return -errno;
	if (ftruncate(w->fd, w->size) < 0) {
		w->size += done;
		w->torn = true;
	}
	return -ENOSPC;
}

static int flush_out(struct logwriter *w)
{
	char gap[GAP_MAX], newline = '\n';
	size_t gap_len, total;
	struct iovec iov[3];
	int r = 0;

	if (w->out_len == 0)
		return 0;
	gap_len = (size_t)gap_mark(w, gap);
	total = gap_len + w->out_len + (w->torn ? 1 : 0);
	if (w->fd < 0)
		r = make_log(w);
	else if (w->size > 0 && w->size + (int64_t)total > w->max_bytes)
		r = rotate(w);
	if (r < 0)
		return lose(w, r);
	iov[0] = (struct iovec){ &newline, w->torn ? 1 : 0 };
	iov[1] = (struct iovec){ gap, gap_len };
	iov[2] = (struct iovec){ w->out, w->out_len };
	r = write_whole(w, iov, 3, iov[0].iov_len + gap_len + w->out_len);
	if (r < 0)
		return lose(w, r);
	if (gap_len > 0)
		w->lost_lines = 0;
	w->out_len = w->out_room = 0;
	w->out_lines = 0;
	return 0;
}

/* How much the buffer may hold before it is written, when a record of len bytes is the next: what the
 * file has room for, so that it is filled up to its cap whatever the buffer's size. A record that it
 * has no room for begins the next file. */
static size_t room_for(const struct logwriter *w, size_t len)
{
	int64_t left = w->max_bytes - GAP_MAX - w->size;

	if (w->size == 0 || left < (int64_t)len)
		left = w->max_bytes - GAP_MAX;
	return left < OUT_BYTES ? (size_t)left : OUT_BYTES;
}

/* A record of what was pending and what is new. Returns flush_out()'s verdict when it had to. */
static int put_record(struct logwriter *w, const char prefix[LOGLINE_PREFIX_LEN], char tag,
		      const struct iovec text[2])
{
	size_t len = LOGLINE_PREFIX_LEN + text[0].iov_len + text[1].iov_len + 1;
	char *p;
	int r = 0;

	if (w->out_len + len > w->out_room) {
		r = flush_out(w);
		w->out_room = room_for(w, len);
	}
	p = w->out + w->out_len;
	memcpy(p, prefix, LOGLINE_PREFIX_LEN);
	p[LOGLINE_TAG_OFFSET] = tag;
	p += LOGLINE_PREFIX_LEN;
	if (text[0].iov_len > 0)
		memcpy(p, text[0].iov_base, text[0].iov_len);
	memcpy(p + text[0].iov_len, text[1].iov_base, text[1].iov_len);
	w->out_len += len;
	w->out[w->out_len - 1] = '\n';
	w->out_lines++;
	return r;
}

int logwriter_feed(struct logwriter *w, int stream, const char *data, size_t len)
{
	char prefix[LOGLINE_PREFIX_LEN];
	size_t *kept;
	char *held;
	int r, res = 0;

	assert(stream == LOG_STDOUT || stream == LOG_STDERR);
	kept = &w->pending[stream - 1].len;
	held = w->pending[stream - 1].text;
	w->used = true;
	logline_prefix(&w->stamp, clock_wall_ns(), (enum log_stream)stream, prefix);
	while (len > 0) {
		size_t room = LOGLINE_TEXT_MAX - *kept, span = len < room ? len : room;
		const char *end = memchr(data, '\n', span);
		struct iovec text[2] = { { held, *kept }, { (char *)(uintptr_t)data, span } };

		if (end)
			text[1].iov_len = (size_t)(end - data);
		else if (len < room)
			break;
		r = put_record(w, prefix, end ? 'F' : 'P', text);
		res = r < 0 ? r : res;
		*kept = 0;
		span = text[1].iov_len + (end ? 1 : 0);
		data += span;
		len -= span;
	}
	if (len > 0) {
		memcpy(held + *kept, data, len);
		*kept += len;
	}
	r = flush_out(w);
	return r < 0 ? r : res;
}

/* ---- life ---------------------------------------------------------------------------------- */

int logwriter_open(struct logwriter *w, int dirfd, int64_t max_bytes, unsigned int max_files,
		   struct error *err)
{
	return logwriter_open_as(w, dirfd, LOG_FILE_NAME, max_bytes, max_files, err);
}

int logwriter_open_as(struct logwriter *w, int dirfd, const char *name, int64_t max_bytes,
		      unsigned int max_files, struct error *err)
{
	int r;

	*w = (struct logwriter){ .dirfd = dirfd, .fd = -1, .stamp = LOGLINE_STAMP_INIT };
	if (strlen(name) > LOG_BASE_MAX)
		return error_set(err, ENAMETOOLONG, "log '%.40s...': the name is too long", name);
	(void)snprintf(w->name, sizeof(w->name), "%s", name);
	w->max_bytes = max_bytes > 0 ? max_bytes : LOG_MAX_BYTES_DEFAULT;
	if (w->max_bytes < LOG_MAX_BYTES_MIN)
		w->max_bytes = LOG_MAX_BYTES_MIN;
	w->max_files = max_files > 0 ? max_files : LOG_MAX_FILES_DEFAULT;
	if (w->max_files > LOG_MAX_FILES_MAX)
		w->max_files = LOG_MAX_FILES_MAX;
	w->memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (w->memory == MAP_FAILED) {
		w->memory = NULL;
		return error_errno(err, "map the log buffers");
	}
	w->out = w->memory;
	w->pending[0].text = w->out + OUT_BYTES;
	w->pending[1].text = w->pending[0].text + PENDING_BYTES;
	r = make_log(w);
	if (r == -EEXIST)
		r = take_log(w, err);
	else if (r < 0)
		r = error_set(err, -r, "make '%s': %s", w->name, strerror(-r));
	if (r < 0)
		logwriter_close(w);
	return r;
}

void logwriter_flush(struct logwriter *w)
{
	char prefix[LOGLINE_PREFIX_LEN];

	for (int i = 0; i < 2; i++) {
		struct iovec text[2] = { { NULL, 0 }, { w->pending[i].text, w->pending[i].len } };

		if (w->pending[i].len == 0)
			continue;
		logline_prefix(&w->stamp, clock_wall_ns(), (enum log_stream)(i + 1), prefix);
		(void)put_record(w, prefix, 'P', text);
		w->pending[i].len = 0;
	}
	(void)flush_out(w); /* a loss is counted */
}

void logwriter_idle(struct logwriter *w)
{
	if (!w->used)
		return;
	logwriter_flush(w);
	(void)madvise(w->memory, MEMORY_BYTES, MADV_DONTNEED);
	w->used = false;
}

void logwriter_close(struct logwriter *w)
{
	if (!w->memory)
		return;
	if (w->fd >= 0)
		logwriter_flush(w);
	(void)munmap(w->memory, MEMORY_BYTES);
	w->memory = NULL;
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
}
