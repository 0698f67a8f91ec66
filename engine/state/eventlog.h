/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventlog - RUNROOT/events.log: what has happened to everything of a store, for `podium events`.
 *
 * One JSON object a line with Podman's member names, appended with one write(2) by whoever did it or
 * saw it; no lock, no wait for the disk. At EVENTLOG_MAX_BYTES the file becomes events.log.1 and a
 * new one begins. It goes with the boot, as what it tells of does. No secret and no environment.
 *
 * engine/state/events.h is another thing: what Kubernetes calls the events of one pod.
 */
#ifndef PODIUM_STATE_EVENTLOG_H
#define PODIUM_STATE_EVENTLOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

#define EVENTLOG_FILE	   "events.log"
#define EVENTLOG_OLD	   "events.log.1"
#define EVENTLOG_MAX_BYTES (1 << 20)
#define EVENTLOG_LINE_MAX  16384 /* labels that make a line longer are left out */

/* All texts are borrowed; NULL or "": there is none. */
struct eventlog_entry {
	const char *type; /* "container", "pod", "image", "volume", "network", "secret", "system" */
	const char *status; /* "create", "start", "died", "remove", ... : Podman's words */
	const char *id;	    /* 64 digits; volumes, networks and secrets have a name alone */
	const char *name;
	const char *image;  /* containers */
	const char *pod_id; /* containers: of a pod that listings show */
	const char *health; /* health_status: "healthy", "unhealthy" */
	const struct pairlist
		*labels;	  /* of a container: with create; the reader finds them again */
	const int64_t *exit_code; /* died */
};

/* Never fails: an event that cannot be written is lost. */
void event_log(const struct store *s, const struct eventlog_entry *e);
/* Several in one write. */
void event_log_many(const struct store *s, const struct eventlog_entry *v, size_t n);
/* For short: events of a container ("died cleanup": one after the other, in one write), with what its
 * listing says. Not of build steps, nor of the infra container of one that stands by itself. */
struct container_status;
void event_log_container(const struct store *s, const char *statuses, const char *id,
			 const struct container_status *st);

/* For short: image `status`; id or name may be NULL. */
void event_log_image(const struct store *s, const char *status, const char *id, const char *name);

/* Where a reader stands. */
struct eventlog_cursor {
	int fd;		 /* the file that is read, -EBADF: none yet */
	bool begun;	 /* the older half was read */
	bool is_long;	 /* within a line that is longer than any of ours: passed over */
	struct buf part; /* a line that is not whole yet */
};
#define EVENTLOG_CURSOR_INIT \
	((struct eventlog_cursor){ .fd = -EBADF, .part = { .max = EVENTLOG_LINE_MAX } })
void eventlog_cursor_done(struct eventlog_cursor *c);
#define cleanup_eventlog_cursor cleanup(eventlog_cursor_done)

/* Gets a record: an object that has "Type", "Status" (texts) and "Time" (integer, nanoseconds since
 * 1970). Negative ends the reading and is returned. */
typedef int eventlog_fn(void *arg, const json_t *record, struct error *err);

/* Reads every record from where the cursor stands to the present end, over the change of files.
 * Call it again for what came since. Lines that are no records are passed over. */
int eventlog_read(const struct store *s, struct eventlog_cursor *c, eventlog_fn *on, void *arg,
		  struct error *err) must_check;
/* The same from bytes. Kept in the cursor: what has no line end yet. */
int eventlog_feed(struct eventlog_cursor *c, const char *data, size_t len, eventlog_fn *on,
		  void *arg, struct error *err) must_check;

#endif
