/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventlog - appending to and reading RUNROOT/events.log.
 *
 * Theory of operation: a writer opens the file for appending and writes whole lines with one
 * write(2), which the kernel puts behind whatever others have written. RUNROOT is a tmpfs, so an
 * event costs an open, a write and a close and never waits. Only the change to a new file takes a
 * lock, on the full file itself, and looks again by inode once it has it: of two writers that find
 * the file full one renames, the other passes.
 *
 * A reader keeps the file open that it reads. At its end it looks whether the name leads to another
 * file by now: then what the old one still got is read first (a writer that opened it before the
 * rename writes into it), and the new one from its begin. So a follower loses nothing, and what is
 * older than the two files is gone.
 *
 * Text that others chose (names, labels, images) stands in JSON, which escapes it; whoever prints
 * it makes it safe for a terminal. A failure leaves the file as it was, or with a torn last line.
 */
#include "engine/state/eventlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/state/status.h"

#define READ_BYTES     65536
#define READ_FILES     1000 /* changes of files within one reading: somebody plays with us */
#define LABELS_BYTES   (EVENTLOG_LINE_MAX / 2)
#define STATUSES_MAX   4 /* events of one container in one write */
#define STATUSES_BYTES 64

/* ---- writing ---------------------------------------------------------------------------- */

static int open_for_append(const struct store *s)
{
	return openat(s->runfd, EVENTLOG_FILE,
		      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
}

static bool is_same_file(const struct store *s, const struct stat *mine)
{
	struct stat now;

	return fstatat(s->runfd, EVENTLOG_FILE, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine->st_ino == now.st_ino && mine->st_dev == now.st_dev;
}

/* Opened for appending, the full one put aside. */
static int open_log(const struct store *s)
{
	int fd = s->runfd >= 0 ? open_for_append(s) : -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < EVENTLOG_MAX_BYTES)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_same_file(s, &st))
		(void)renameat(s->runfd, EVENTLOG_FILE, s->runfd, EVENTLOG_OLD);
	(void)close(fd);
	return open_for_append(s);
}

static void set_text(json_t *j, const char *key, const char *text)
{
	if (!is_empty(text))
		jset_str(j, key, text);
}

static json_t *make_labels(const struct pairlist *l)
{
	json_t *j = json_object();
	size_t bytes = 0;

	for (size_t i = 0; l && i < l->n; i++) {
		bytes += strlen(l->v[i].key) + strlen(l->v[i].value);
		if (bytes <= LABELS_BYTES)
			jset_str(j, l->v[i].key, l->v[i].value);
	}
	return j;
}

static void add_line(struct buf *out, const struct eventlog_entry *e, int64_t now_ns)
{
	cleanup_json json_t *j = json_object();
	cleanup_free char *text = NULL;

	set_text(j, "ID", e->id);
	set_text(j, "Image", e->image);
	set_text(j, "Name", e->name);
	set_text(j, "Status", e->status);
	(void)json_object_set_new(j, "Time", json_integer((json_int_t)now_ns));
	set_text(j, "Type", e->type);
	set_text(j, "PodID", e->pod_id);
	set_text(j, "HealthStatus", e->health);
	if (e->exit_code)
		(void)json_object_set_new(j, "ContainerExitCode",
					  json_integer((json_int_t)*e->exit_code));
	if (e->labels && e->labels->n)
		(void)json_object_set_new(j, "Attributes", make_labels(e->labels));
	text = jdump_text(j, 0);
	if (strlen(text) >= EVENTLOG_LINE_MAX && json_object_del(j, "Attributes") == 0) {
		free(text);
		text = jdump_text(j, 0);
	}
	if (strlen(text) < EVENTLOG_LINE_MAX) {
		buf_adds(out, text);
		buf_addc(out, '\n');
	}
}

void event_log_many(const struct store *s, const struct eventlog_entry *v, size_t n)
{
	cleanup_buf struct buf out = BUF_INIT((n + 1) * EVENTLOG_LINE_MAX);
	cleanup_close int fd = n ? open_log(s) : -1;

	if (fd < 0)
		return;
	for (size_t i = 0; i < n; i++)
		add_line(&out, &v[i], clock_wall_ns());
	if (out.len)
		(void)!write(fd, out.data, out.len);
}

void event_log(const struct store *s, const struct eventlog_entry *e)
{
	event_log_many(s, e, 1);
}

void event_log_container(const struct store *s, const char *statuses, const char *id,
			 const struct container_status *st)
{
	struct eventlog_entry v[STATUSES_MAX];
	char words[STATUSES_BYTES];
	char *at = words, *word;
	size_t n = 0;

	/* A step of a build is nobody's container, and a solo pod has no infra container. */
	if (st->working || (st->infra && st->solo))
		return;
	(void)snprintf(words, sizeof(words), "%s", statuses);
	while (n < STATUSES_MAX && (word = strsep(&at, " ")))
		v[n++] = (struct eventlog_entry){
			.type = "container",
			.status = word,
			.id = id,
			.name = st->name,
			.image = st->image,
			.pod_id = st->solo ? NULL : st->pod_id,
			.exit_code = is_equal(word, "died") ? &st->exit_code : NULL,
		};
	event_log_many(s, v, n);
}

void event_log_image(const struct store *s, const char *status, const char *id, const char *name)
{
	event_log(s, &(struct eventlog_entry){
			     .type = "image", .status = status, .id = id, .name = name });
}

/* ---- reading ---------------------------------------------------------------------------- */

void eventlog_cursor_done(struct eventlog_cursor *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	buf_done(&c->part);
	*c = EVENTLOG_CURSOR_INIT;
}

static int read_line(const char *line, size_t len, eventlog_fn *on, void *arg, struct error *err)
{
	cleanup_json json_t *j = NULL;
	struct error scratch; /* a torn or foreign line is passed over */

	if (!len || jload_text(line, len, EVENTLOG_FILE, &j, &scratch) < 0 || !json_is_object(j) ||
	    !jget_str(j, "Type") || !jget_str(j, "Status") ||
	    !json_is_integer(json_object_get(j, "Time")))
		return 0;
	return on(arg, j, err);
}

/* The part of a line that has no end yet. */
static void keep(struct eventlog_cursor *c, const char *data, size_t len)
{
	if (!c->is_long)
		buf_add(&c->part, data, len);
	if (c->part.overflow) {
		c->is_long = true;
		buf_done(&c->part);
		c->part = BUF_INIT(EVENTLOG_LINE_MAX);
	}
}

int eventlog_feed(struct eventlog_cursor *c, const char *data, size_t len, eventlog_fn *on,
		  void *arg, struct error *err)
{
	const char *end;
	int r = 0;

	for (; r == 0 && (end = memchr(data, '\n', len));
	     len -= (size_t)(end + 1 - data), data = end + 1) {
		keep(c, data, (size_t)(end - data));
		if (!c->is_long && c->part.data)
			r = read_line(c->part.data, c->part.len, on, arg, err);
		c->is_long = false;
		c->part.len = 0;
	}
	if (r == 0)
		keep(c, data, len);
	return r;
}

static int read_to_end(struct eventlog_cursor *c, eventlog_fn *on, void *arg, struct error *err)
{
	cleanup_free char *data = xmalloc(READ_BYTES);
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read(c->fd, data, READ_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read '%s'", EVENTLOG_FILE);
		r = eventlog_feed(c, data, (size_t)n, on, arg, err);
	}
	return r;
}

/* A regular file of ours, or -EBADF when there is none. */
static int open_for_read(const struct store *s, const char *name, struct error *err)
{
	int fd = openat(s->runfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || s->runfd < 0 ? -EBADF
						       : error_errno(err, "open '%s'", name);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		return fd;
	(void)close(fd);
	return error_set(err, EPERM, "'%s' is not a file of ours", name);
}

static int next_file(const struct store *s, struct eventlog_cursor *c, struct error *err)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = open_for_read(s, EVENTLOG_FILE, err);
	return c->fd < 0 && c->fd != -EBADF ? c->fd : 0;
}

static bool is_current(const struct store *s, const struct eventlog_cursor *c)
{
	struct stat st;

	return fstat(c->fd, &st) == 0 && is_same_file(s, &st);
}

int eventlog_read(const struct store *s, struct eventlog_cursor *c, eventlog_fn *on, void *arg,
		  struct error *err)
{
	bool last;
	int r = 0;

	if (!c->begun) {
		c->fd = open_for_read(s, EVENTLOG_OLD, err);
		c->begun = true;
		if (c->fd < 0 && c->fd != -EBADF)
			return c->fd;
	}
	for (int i = 0; r == 0 && i < READ_FILES; i++) {
		if (c->fd < 0)
			r = next_file(s, c, err);
		if (r < 0 || c->fd < 0)
			return r;
		/* asked before the reading: what is written until the change is then read */
		last = is_current(s, c);
		r = read_to_end(c, on, arg, err);
		if (r < 0 || last)
			return r;
		r = next_file(s, c, err);
	}
	return r;
}
