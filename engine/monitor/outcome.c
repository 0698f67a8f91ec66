/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome - what is told of a run that has ended: reason, termination message, lastState; events.
 *
 * Theory of operation: the termination message is a file in the container's /dev, made and opened
 * by podium-launch, whose descriptor came with the start: it is read when the container is gone,
 * and its memory goes with it. At most the last MESSAGE_MAX bytes count, as with the kubelet. When
 * there is none, the run failed and the container asked for it, the end of the log stands in.
 *
 * Reasons are Kubernetes' words. The numbers of a run stay where they are until the next one
 * begins, which then finds them as `last`.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/logs/logread.h"
#include "engine/monitor/internal.h"
#include "engine/state/eventlog.h"
#include "engine/state/events.h"

#define MESSAGE_MAX	 4096
#define FALLBACK_MAX	 2048
#define FALLBACK_LINES	 80
#define EVENT_TEXT_BYTES 1024

void monitor_event(struct monitor *m, bool warning, const char *reason, const char *fmt, ...)
{
	char text[EVENT_TEXT_BYTES];
	va_list ap;

	if (m->to_remove)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	event_add(&m->store, m->pod_id, warning, reason, *m->name ? m->name : NULL, "%s", text);
}

void monitor_probe_events_end(struct monitor *m, enum probe_role role)
{
	struct event_rate *r = &m->watch->told[role];
	int64_t held = event_rate_release(r);

	if (held && !m->to_remove)
		event_add_many(&m->store, m->pod_id, held, true, r->reason, m->name, r->text);
}

void monitor_probe_event(struct monitor *m, enum probe_role role, const char *reason,
			 const char *fmt, ...)
{
	struct event_rate *r = &m->watch->told[role];
	char text[EVENT_RATE_TEXT];
	int64_t count;
	va_list ap;

	if (m->to_remove)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (is_event_new(r, reason, text))
		monitor_probe_events_end(m, role);
	count = event_rate_take(r, reason, text, clock_mono_ms(),
				seam_timer_ms("events", EVENT_RATE_MS));
	if (count)
		event_add_many(&m->store, m->pod_id, count, true, reason, m->name, text);
}

/* ---- termination message ---------------------------------------------------------------- */

/* Drops what a cut through the middle of a character has left at the beginning. */
static const char *skip_broken_character(const char *s)
{
	for (int i = 0; i < 3 && ((unsigned char)*s & 0xc0) == 0x80; i++)
		s++;
	return s;
}

static char *read_message(int fd)
{
	char text[MESSAGE_MAX + 1];
	off_t size = lseek(fd, 0, SEEK_END);
	off_t from = size > MESSAGE_MAX ? size - MESSAGE_MAX : 0;
	ssize_t n = size > 0 ? pread(fd, text, MESSAGE_MAX, from) : 0;

	if (n <= 0)
		return NULL;
	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	text[n] = '\0';
	return xstrdup(from ? skip_broken_character(text) : text);
}

/* The last bytes of what is fed. */
struct tail {
	char v[2 * FALLBACK_MAX];
	size_t n;
};

static int feed_tail(void *arg, const char *data, size_t len)
{
	struct tail *t = arg;

	while (len > 0) {
		size_t n = len < FALLBACK_MAX ? len : FALLBACK_MAX;

		if (t->n + n > sizeof(t->v)) {
			memmove(t->v, t->v + t->n - FALLBACK_MAX, FALLBACK_MAX);
			t->n = FALLBACK_MAX;
		}
		memcpy(t->v + t->n, data, n);
		t->n += n;
		data += n;
		len -= n;
	}
	return 0;
}

static char *read_log_end(const struct monitor *m)
{
	struct tail *t = xcalloc(1, sizeof(*t));
	struct logread_options o = LOGREAD_OPTIONS_INIT;
	struct error scratch;
	const char *from;
	char *text = NULL;

	o.name = m->log.name;
	o.tail = FALLBACK_LINES;
	o.since_ns = m->launched_ns; /* the log goes on over restarts, the message does not */
	o.on_stdout = o.on_stderr = feed_tail;
	o.arg = t;
	/* No log, no message. */
	if (is_logwriter_open(&m->log) && logread(m->log_dir, &o, &scratch) == 0 && t->n > 0) {
		from = t->n > FALLBACK_MAX ? t->v + t->n - FALLBACK_MAX : t->v;
		for (size_t i = 0; i < t->n; i++)
			if (!t->v[i])
				t->v[i] = ' ';
		text = xstrndup(from, (size_t)(t->v + t->n - from));
		if (from != t->v)
			memmove(text, skip_broken_character(text),
				strlen(skip_broken_character(text)) + 1);
	}
	free(t);
	return text;
}

/* ---- status ----------------------------------------------------------------------------- */

static void set_reason(struct monitor *m, const char *reason)
{
	free(m->status.reason);
	m->status.reason = xstrdup_or_null(reason);
}

void monitor_turn_page(struct monitor *m)
{
	struct container_status *st = &m->status;

	/* What could not even be made is no last state. */
	if (st->finished_ns > 0 && !m->is_unmade) {
		if (!st->message && !m->did_start && st->error)
			st->message = xstrdup(st->error);
		free(st->last.reason);
		free(st->last.message);
		st->last = (struct container_last){
			.started_ns = m->did_start ? st->started_ns : 0,
			.finished_ns = st->finished_ns,
			.exit_code = st->exit_code,
			.reason = steal_ptr(&st->reason),
			.message = steal_ptr(&st->message),
		};
	}
	set_reason(m, NULL);
	free(st->message);
	st->message = NULL;
	m->did_start = false;
	m->is_unmade = false;
}

static void close_message(struct monitor *m)
{
	if (m->message_fd >= 0)
		(void)close(m->message_fd);
	m->message_fd = -1;
}

void monitor_conclude(struct monitor *m)
{
	struct container_status *st = &m->status;

	if (st->oom_killed)
		monitor_event(m, true, "OOMKilling", "Container %s used more memory than it may",
			      m->name);
	set_reason(m, st->oom_killed ? "OOMKilled" : st->exit_code == 0 ? "Completed" : "Error");
	free(st->message);
	st->message = m->message_fd >= 0 ? read_message(m->message_fd) : NULL;
	close_message(m);
	if (!st->message && m->plan.log_fallback && st->exit_code != 0)
		st->message = read_log_end(m);
	event_log_container(&m->store,
			    m->stop_asked ? "died stop cleanup" : "died cleanup", m->id, st);
}

void monitor_conclude_failure(struct monitor *m, bool config)
{
	bool not_runnable = m->status.exit_code == 126 || m->status.exit_code == 127;

	close_message(m);
	if (m->stop_asked)
		return;
	m->is_unmade = config;
	set_reason(m, config	     ? "CreateContainerConfigError"
		      : not_runnable ? "ContainerCannotRun"
				     : "StartError");
	monitor_event(m, true, "Failed", "Error: %s", m->status.error ? m->status.error : "");
}
