/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events - appending to and reading pods/<id>/events.
 *
 * Theory of operation: a writer opens the file for appending and writes one whole line, which the
 * kernel puts behind whatever others have written: so conductor and monitors need no lock. Only
 * the change to a new file takes one, on the full file itself, and looks again by inode once it
 * has it: of two writers that find the file full one renames, the other passes. A writer that
 * opened the file before it was renamed puts its line into the older half, which is read as well.
 *
 * What is stored may come from a container (the answer of a probe): it is made safe for a terminal
 * before it is written. Reading folds: an event that happened before counts up and moves to the
 * end, so the list is ordered by the last time and the n-th failed probe adds nothing but a number.
 *
 * A failure leaves the file as it was, or with a torn last line, which readers pass over.
 */
#include "engine/state/events.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"

#define EVENTS_OLD     EVENTS_FILE ".1"
#define REMOVING_MARK  "removing" /* POD_REMOVING_FILE of engine/pod */
#define TEXT_MAX_BYTES 1024
#define READ_MAX_BYTES (4 * EVENTS_MAX_BYTES) /* of one file: writers may pass the mark a little */

/* ---- writing ---------------------------------------------------------------------------- */

static int open_for_append(const struct store *s, const char *path)
{
	return openat(s->rootfd, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		      0600);
}

/* Renames the full file, unless somebody else has done so. */
static void turn_over(const struct store *s, const char *pod_id, int fd, const char *path)
{
	char old[LAYOUT_PATH_MAX];
	struct stat mine, now;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fstat(fd, &mine) == 0 && fstatat(s->rootfd, path, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    mine.st_ino == now.st_ino && mine.st_dev == now.st_dev)
		(void)renameat(s->rootfd, path, s->rootfd, layout_pod(old, pod_id, EVENTS_OLD));
}

static int open_events(const struct store *s, const char *pod_id)
{
	char path[LAYOUT_PATH_MAX];
	struct stat st;
	int fd;

	if (faccessat(s->rootfd, layout_pod(path, pod_id, REMOVING_MARK), F_OK, 0) == 0)
		return -1;
	(void)layout_pod(path, pod_id, EVENTS_FILE);
	fd = open_for_append(s, path);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < EVENTS_MAX_BYTES)
		return fd;
	turn_over(s, pod_id, fd, path);
	(void)close(fd);
	return open_for_append(s, path);
}

static char *line_of(int64_t count, bool warning, const char *reason, const char *container,
		     const char *text)
{
	cleanup_json json_t *j = json_object();
	cleanup_free char *safe = str_printable(text, strnlen(text, TEXT_MAX_BYTES));
	cleanup_free char *dump = NULL;

	(void)json_object_set_new(j, "time", json_integer(clock_wall_ns()));
	if (count > 1)
		(void)json_object_set_new(j, "count", json_integer(count));
	if (warning)
		(void)json_object_set_new(j, "warning", json_true());
	jset_str(j, "reason", reason);
	jset_str(j, "container", container);
	jset_str(j, "text", safe);
	dump = jdump_text(j, 0);
	return xasprintf("%s\n", dump);
}

/* A full disk loses it, as promised; so does a container without a pod, which has nowhere to tell. */
static void append(const struct store *s, const char *pod_id, const char *lines)
{
	cleanup_close int fd = pod_id && is_id(pod_id) ? open_events(s, pod_id) : -1;

	if (fd >= 0)
		(void)!write(fd, lines, strlen(lines));
}

void event_add_many(const struct store *s, const char *pod_id, int64_t count, bool warning,
		    const char *reason, const char *container, const char *text)
{
	cleanup_free char *line = line_of(count, warning, reason, container, text);

	append(s, pod_id, line);
}

void event_add_started(const struct store *s, const char *pod_id, const char *container)
{
	static const char *const reasons[] = { "Created", "Started" };
	const char *name = is_empty(container) ? NULL : container;
	cleanup_free char *lines = xstrdup("");

	for (size_t i = 0; i < 2; i++) {
		cleanup_free char *before = lines, *line = NULL;
		cleanup_free char *text =
			xasprintf("%s container %s", reasons[i], name ? name : "");

		line = line_of(1, false, reasons[i], name, text);
		lines = xasprintf("%s%s", before, line);
	}
	append(s, pod_id, lines);
}

void event_add(const struct store *s, const char *pod_id, bool warning, const char *reason,
	       const char *container, const char *fmt, ...)
{
	char text[TEXT_MAX_BYTES + 1];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	event_add_many(s, pod_id, 1, warning, reason, container, text);
}

/* ---- reading ---------------------------------------------------------------------------- */

static void event_done(struct event *e)
{
	free(e->reason);
	free(e->container);
	free(e->text);
}

void event_list_done(struct event_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		event_done(&list->v[i]);
	free(list->v);
	*list = (struct event_list){ 0 };
}

static bool is_alike(const struct event *a, const struct event *b)
{
	return a->warning == b->warning && is_equal(a->reason, b->reason) &&
	       is_equal(a->container, b->container) && is_equal(a->text, b->text);
}

/* Takes the event over: as one more of its kind, or as a new one at the end. */
static void fold(struct event_list *list, struct event *e)
{
	for (size_t i = list->n; i-- > 0;) {
		struct event *known = &list->v[i];

		if (!is_alike(known, e))
			continue;
		e->first_ns = known->first_ns;
		e->count = known->count + e->count;
		event_done(known);
		memmove(known, known + 1, (list->n - i - 1) * sizeof(*known));
		list->v[list->n - 1] = *e;
		return;
	}
	list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = *e;
}

static void read_line(struct event_list *list, const char *line, size_t len)
{
	cleanup_json json_t *j = NULL;
	struct error scratch;
	struct event e = { 0 };

	/* A torn line is passed over. */
	if (jload_text(line, len, EVENTS_FILE, &j, &scratch) < 0 || !jget_str(j, "reason") ||
	    !jget_str(j, "text"))
		return;
	e.time_ns = e.first_ns = jget_int(j, "time", 0);
	e.count = jget_int(j, "count", 1);
	e.warning = jget_bool(j, "warning", false);
	e.reason = xstrdup(jget_str(j, "reason"));
	e.container = xstrdup_or_null(jget_str(j, "container"));
	e.text = xstrdup(jget_str(j, "text"));
	fold(list, &e);
}

static int read_one(const struct store *s, const char *path, struct event_list *list,
		    struct error *err)
{
	cleanup_free char *data = NULL;
	struct error why = { 0 };
	int r = fs_read_file(s->rootfd, path, READ_MAX_BYTES, &data, NULL, &why);

	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		*err = why;
		return r;
	}
	for (char *at = data; *at;) {
		size_t len = strcspn(at, "\n");

		if (len && at[len] == '\n')
			read_line(list, at, len);
		at += len + (at[len] == '\n');
	}
	return 0;
}

int events_read(const struct store *s, const char *pod_id, struct event_list *ret,
		struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct event_list list = { 0 };
	int r = read_one(s, layout_pod(path, pod_id, EVENTS_OLD), &list, err);

	if (r == 0)
		r = read_one(s, layout_pod(path, pod_id, EVENTS_FILE), &list, err);
	if (r < 0) {
		event_list_done(&list);
		return error_wrap(err, "events of pod '%.12s'", pod_id);
	}
	*ret = list;
	return 0;
}
