/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events - pods/<id>/events: what has happened to a pod, for `kube describe` and people.
 *
 * One JSON object a line, appended with one write(2) by whoever saw it (conductor, monitors), so
 * that no lock is needed. At EVENTS_MAX_BYTES the file becomes events.1 and a new one begins. An
 * event like the last one of its kind only counts up when it is read. No secret, no answer of a
 * probe longer than 256 bytes. A pod that is being removed writes none.
 */
#ifndef PODIUM_STATE_EVENTS_H
#define PODIUM_STATE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

#define EVENTS_FILE	 "events"
#define EVENTS_MAX_BYTES 32768

struct event {
	int64_t time_ns; /* wall clock, of the last one */
	int64_t first_ns;
	int64_t count;
	bool warning;
	char *reason;	 /* Kubernetes' word: "Started", "Unhealthy", "BackOff", ... */
	char *container; /* short name, or NULL: of the pod */
	char *text;
};
struct event_list {
	struct event *v;
	size_t n;
};

/* Never fails: an event that cannot be written is lost. container may be NULL. */
void event_add(const struct store *s, const char *pod_id, bool warning, const char *reason,
	       const char *container, const char *fmt, ...) printf_like(6, 7);
/* The same of several alike ones that were counted by the caller. */
void event_add_many(const struct store *s, const char *pod_id, int64_t count, bool warning,
		    const char *reason, const char *container, const char *text);
/* "Created" and "Started" of a container, in one write: the two that every start has. */
void event_add_started(const struct store *s, const char *pod_id, const char *container);
/* Oldest first, alike ones folded. No file is an empty list; a torn line is passed over. */
int events_read(const struct store *s, const char *pod_id, struct event_list *ret,
		struct error *err) must_check;
void event_list_done(struct event_list *list);

#endif
