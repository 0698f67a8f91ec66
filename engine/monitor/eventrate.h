/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventrate - a probe that fails the same way again and again is told of once a minute, with how
 * often that was: the file of events is short, and what else has happened is of more use. Pure.
 */
#ifndef PODIUM_MONITOR_EVENTRATE_H
#define PODIUM_MONITOR_EVENTRATE_H

#include <stdbool.h>
#include <stdint.h>

#define EVENT_RATE_MS	60000
#define EVENT_RATE_TEXT 384

/* Of one probe. All zero at first. */
struct event_rate {
	const char *reason; /* static; NULL: nothing was told yet */
	char text[EVENT_RATE_TEXT];
	int64_t next_ms; /* monotonic: before it the same is only counted */
	int64_t held;	 /* counted, and not yet told */
};

/* Whether the event is another one than the last. Then what is held of that is to be told first. */
bool is_event_new(const struct event_rate *r, const char *reason, const char *text);
/* One more event. How many of its kind are to be told now; 0: it is held. */
int64_t event_rate_take(struct event_rate *r, const char *reason, const char *text, int64_t now_ms,
			int64_t every_ms);
/* How many of the last kind (r->reason, r->text) were held, which is told now; 0: none. */
int64_t event_rate_release(struct event_rate *r);

#endif
