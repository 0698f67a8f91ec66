/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events - what has happened to containers, pods, images, volumes, networks and secrets.
 *
 * Theory of operation: eventlog_read() gives every record that is there; those that the filters and
 * times keep are printed. Then, unless --stream=false or an --until that has passed, inotify(7) on
 * RUNROOT tells when the log has grown, and the reading goes on where it stood. The watch is set
 * before the first reading, so nothing falls between. A container's labels stand in the record of
 * its creation alone; they are kept by id and shown with the others, as Podman does.
 *
 * What is printed was chosen by others: it goes through format.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/base/template.h"
#include "cmd/podium/base/timeparse.h"
#include "cmd/podium/container/view.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/state/eventlog.h"

#define NS_PER_SECOND 1000000000
#define NS_PER_MS     1000000
#define POLL_MAX_MS   3600000
#define EXIT_OURS     125

struct events_options {
	struct strlist filters;
	const char *format;
	bool no_trunc, stream;
	const char *since, *until;
};
#define O(m) offsetof(struct events_options, m)

struct events {
	const struct events_options *o;
	json_t *labels; /* by container: of its creation */
	int64_t since_ns, until_ns;
	bool is_over; /* the reader of our output has gone */
};

/* ---- filters ---------------------------------------------------------------------------- */

static bool is_key(const char *filter, const char *key, const char **ret_value)
{
	size_t n = strlen(key);

	if (strncmp(filter, key, n) != 0 || filter[n] != '=')
		return false;
	*ret_value = filter + n + 1;
	return true;
}

static const char *const filter_keys[] = { "container", "event",  "image",   "label", "pod",
					   "type",	"volume", "network", "secret" };

static int check_filters(const struct strlist *l, struct error *err)
{
	for (size_t i = 0; i < l->n; i++) {
		const char *value;
		bool known = false;

		for (size_t k = 0; k < ARRAY_SIZE(filter_keys); k++)
			known = known || is_key(l->v[i], filter_keys[k], &value);
		if (!known)
			return error_set(err, EINVAL,
					 "'%.100s' is an invalid filter: must be KEY=VALUE with "
					 "container, event, image, label, network, pod, secret, "
					 "type or volume",
					 l->v[i]);
	}
	return 0;
}

/* By name or by the beginning of the id. */
static bool is_named(const json_t *e, const char *type, const char *value)
{
	const char *id = jget_str(e, "ID");

	return is_equal(jget_str(e, "Type"), type) &&
	       (is_equal(jget_str(e, "Name"), value) || (id && *value && is_prefix(id, value)));
}

static bool is_label(const json_t *e, const char *wanted)
{
	const json_t *labels = json_object_get(e, "Attributes");
	size_t len = strcspn(wanted, "=");
	cleanup_free char *key = xstrndup(wanted, len);
	const char *value = jget_str(labels, key);

	return value && (!wanted[len] || is_equal(value, wanted + len + 1));
}

static bool is_kept_by(const json_t *e, const char *key, const char *value)
{
	const char *pod = jget_str(e, "PodID");

	if (is_equal(key, "event"))
		return is_equal(jget_str(e, "Status"), value) ||
		       (is_equal(value, "die") && is_equal(jget_str(e, "Status"), "died"));
	if (is_equal(key, "type"))
		return is_equal(jget_str(e, "Type"), value);
	if (is_equal(key, "label"))
		return is_label(e, value);
	if (is_equal(key, "image")) {
		const char *image = is_equal(jget_str(e, "Type"), "image") ? jget_str(e, "Name")
									   : jget_str(e, "Image");
		const char *at = image && *value ? strstr(image, value) : NULL;

		return is_named(e, "image", value) || (at && (at == image || at[-1] == '/') &&
						       strchr(":@", at[strlen(value)]) != NULL);
	}
	if (is_equal(key, "pod"))
		return is_named(e, "pod", value) || (pod && *value && is_prefix(pod, value));
	return is_named(e, key, value);
}

/* Values of one key are alternatives, different keys must all hold. */
static bool is_kept(const struct events *ev, const json_t *e)
{
	int64_t when = jget_int(e, "Time", 0);
	const struct strlist *l = &ev->o->filters;

	if ((ev->since_ns && when < ev->since_ns) || (ev->until_ns && when > ev->until_ns))
		return false;
	for (size_t k = 0; k < ARRAY_SIZE(filter_keys); k++) {
		bool asked = false, met = false;
		const char *value;

		for (size_t i = 0; i < l->n; i++) {
			if (!is_key(l->v[i], filter_keys[k], &value))
				continue;
			asked = true;
			met = met || is_kept_by(e, filter_keys[k], value);
		}
		if (asked && !met)
			return false;
	}
	return true;
}

/* ---- output ----------------------------------------------------------------------------- */

/* As Go prints a time: "2026-11-22 10:31:26.861491438 +0000 UTC". */
static char *go_time(int64_t ns)
{
	time_t s = (time_t)(ns / NS_PER_SECOND);
	char day[64], zone[64], fraction[16] = "";
	struct tm tm;
	size_t len;

	(void)localtime_r(&s, &tm);
	if (strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm) == 0 ||
	    strftime(zone, sizeof(zone), "%z %Z", &tm) == 0)
		return xstrdup("");
	if (ns % NS_PER_SECOND) {
		len = (size_t)snprintf(fraction, sizeof(fraction), ".%09lld",
				       (long long)(ns % NS_PER_SECOND));
		while (fraction[len - 1] == '0')
			fraction[--len] = '\0';
	}
	return xasprintf("%s%s %s", day, fraction, zone);
}

static const char *text_of(const json_t *e, const char *key)
{
	const char *s = jget_str(e, key);

	return s ? s : "";
}

/* An event is one line, whatever its labels hold. The caller owns it. */
static char *one_line(const char *text)
{
	char *line = xstrdup(text ? text : "");

	for (char *p = line; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	return line;
}

static void add_details(struct buf *b, const json_t *e)
{
	json_t *labels = json_object_get(e, "Attributes");
	const char *key;
	json_t *value;

	buf_printf(b, " (image=%s, name=%s", text_of(e, "Image"), text_of(e, "Name"));
	if (jget_str(e, "HealthStatus"))
		buf_printf(b, ", health_status=%s", text_of(e, "HealthStatus"));
	if (jget_str(e, "PodID"))
		buf_printf(b, ", pod_id=%s", text_of(e, "PodID"));
	json_object_foreach (labels, key, value) {
		cleanup_free char *name = one_line(key);
		cleanup_free char *text = one_line(json_string_value(value));

		if (json_is_string(value))
			buf_printf(b, ", %s=%s", name, text);
	}
	buf_addc(b, ')');
}

static char *human_line(const struct events *ev, const json_t *e)
{
	cleanup_free char *when = go_time(jget_int(e, "Time", 0));
	const char *type = text_of(e, "Type"), *id = text_of(e, "ID");
	int width = ev->o->no_trunc ? 64 : SHORT_ID_LEN;
	struct buf b = BUF_INIT(SIZE_MAX / 2);

	buf_printf(&b, "%s %s %s", when, type, text_of(e, "Status"));
	if (is_equal(type, "container") || is_equal(type, "pod")) {
		buf_printf(&b, " %.*s", width, id);
		add_details(&b, e);
	} else if (is_equal(type, "image")) {
		buf_printf(&b, " %.*s %s", width, id, text_of(e, "Name"));
	} else if (!is_equal(type, "system")) {
		buf_printf(&b, " %s", *text_of(e, "Name") ? text_of(e, "Name") : id);
	}
	return buf_steal(&b);
}

/* The record with Podman's members in Podman's order. New reference. */
static json_t *make_row(const struct events *ev, const json_t *e)
{
	static const char *const members[] = { "ContainerExitCode",
					       "ID",
					       "Image",
					       "Name",
					       "HealthStatus",
					       "Status",
					       "Time",
					       "Type",
					       "PodID" };
	const json_t *labels = json_object_get(e, "Attributes");
	json_t *row = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(e, members[i]);

		if (value)
			(void)json_object_set(row, members[i], value);
	}
	(void)json_object_set_new(row, "Time", view_time(jget_int(e, "Time", 0)));
	if (!ev->o->no_trunc && jget_str(e, "ID"))
		(void)json_object_set_new(row, "ID", json_stringn(jget_str(e, "ID"), SHORT_ID_LEN));
	(void)json_object_set_new(row, "Attributes",
				  labels ? json_deep_copy(labels)
				  : is_equal(text_of(e, "Type"), "container") ? json_object()
									      : json_null());
	return row;
}

static int print_formatted(const struct events *ev, const json_t *e, struct error *err)
{
	cleanup_json json_t *row = make_row(ev, e);
	cleanup_free char *text = NULL;
	json_t *texts;
	int r;

	if (is_format_json(ev->o->format)) {
		text = jdump_text(row, 0);
		format_print_line(text);
		return 0;
	}
	static const char *const optional[] = { "ID",		"Image",   "Name",
						"HealthStatus", "Network", "PodID" };
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
		if (!json_object_get(row, optional[i]))
			(void)json_object_set_new(row, optional[i], json_string(""));
	if (!json_object_get(row, "ContainerExitCode"))
		(void)json_object_set_new(row, "ContainerExitCode", json_integer(0));
	texts = json_object();
	jset_owned(texts, "Time", go_time(jget_int(e, "Time", 0)));
	(void)json_object_set_new(row, TEMPLATE_TEXTS, texts);
	r = format_template(ev->o->format, row, &text, err);
	if (r == 0)
		format_print_line(text);
	return r;
}

static int on_event(void *arg, const json_t *record, struct error *err)
{
	struct events *ev = arg;
	cleanup_json json_t *e = json_copy((json_t *)(uintptr_t)record);
	json_t *labels = json_object_get(e, "Attributes");
	const char *id = jget_str(e, "ID");
	int r = 0;

	if (id && labels)
		(void)json_object_set(ev->labels, id, labels);
	else if (id && json_object_get(ev->labels, id))
		(void)json_object_set(e, "Attributes", json_object_get(ev->labels, id));
	if (!is_kept(ev, e))
		return 0;
	if (is_empty(ev->o->format)) {
		cleanup_free char *line = human_line(ev, e);

		format_print_line(line);
	} else {
		r = print_formatted(ev, e, err);
	}
	if (r == 0 && fflush(stdout) != 0)
		ev->is_over = true;
	return r < 0 ? r : ev->is_over ? error_set(err, EPIPE, "nobody reads on") : 0;
}

/* ---- the command ------------------------------------------------------------------------ */

static int watch_log(const struct store *s, struct error *err)
{
	char path[64];
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0)
		return error_errno(err, "watch the log of events");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", s->runfd);
	if (inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
		(void)close(fd);
		return error_errno(err, "watch the log of events");
	}
	return fd;
}

/* Until something was written, somebody reads no more (1), or --until is over (1). */
static int await(const struct events *ev, int watch)
{
	struct pollfd p[] = { { .fd = watch, .events = POLLIN }, { .fd = STDOUT_FILENO } };
	int64_t left = POLL_MAX_MS;
	char data[4096];

	if (ev->until_ns)
		left = (ev->until_ns - clock_wall_ns()) / NS_PER_MS + 1;
	if (left <= 0)
		return 1;
	(void)poll(p, ARRAY_SIZE(p), left < POLL_MAX_MS ? (int)left : POLL_MAX_MS);
	while (read(watch, data, sizeof(data)) > 0)
		;
	return p[1].revents & (POLLERR | POLLNVAL) ? 1 : 0;
}

static int run_all(struct command_context *ctx, struct events *ev, struct error *err)
{
	cleanup_eventlog_cursor struct eventlog_cursor cursor = EVENTLOG_CURSOR_INIT;
	cleanup_close int watch = ev->o->stream ? watch_log(&ctx->store, err) : -1;
	int r;

	if (ev->o->stream && watch < 0)
		return watch;
	do
		r = eventlog_read(&ctx->store, &cursor, on_event, ev, err);
	while (r == 0 && ev->o->stream && await(ev, watch) == 0);
	return ev->is_over ? EXIT_OURS : r;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct events_options *o = options;
	struct events ev = { .o = o };
	int64_t now = clock_wall_ns();
	int r = check_filters(&o->filters, err);

	(void)argc;
	(void)argv;
	if (r == 0 && o->since)
		r = time_parse(o->since, now, &ev.since_ns, err);
	else if (!o->until && o->stream)
		ev.since_ns = now; /* as Podman: what comes from now on */
	if (r == 0 && o->until)
		r = time_parse(o->until, now, &ev.until_ns, err);
	if (r < 0)
		return r;
	ev.labels = json_object();
	r = run_all(ctx, &ev, err);
	json_decref(ev.labels);
	return r;
}

static void set_defaults(void *options)
{
	struct events_options *o = options;

	o->no_trunc = o->stream = true;
}

static const struct option option_table[] = {
	{ 'f', "filter", OPTION_STRINGS, O(filters), "KEY=VALUE",
	  "Only what matches: container, event, image, label, network, pod, secret, type, volume",
	  false },
	{ 0, "format", OPTION_STRING, O(format), NULL, "json, or a Go template", false },
	{ 0, "no-trunc", OPTION_BOOL, O(no_trunc), NULL, "Ids as a whole (the default)", false },
	{ 0, "since", OPTION_STRING, O(since), "time",
	  "From then on: 2006-01-02T15:04:05Z, or a duration back from now (10m)", false },
	{ 0, "stream", OPTION_BOOL, O(stream), NULL, "Go on with what comes (the default)", false },
	{ 0, "until", OPTION_STRING, O(until), "time", "Until then", false },
	OPTIONS_END,
};

const struct command cmd_events = {
	.words = "events",
	.args = "[options]",
	.summary = "What happens to containers, pods, images, volumes and networks",
	.details = "  Without --since only what comes is shown. What happened before the last boot "
		   "is\n"
		   "  not known.",
	.options = option_table,
	.options_size = sizeof(struct events_options),
	.set_defaults = set_defaults,
	.store = COMMAND_WRITES,
	.run = run,
};
