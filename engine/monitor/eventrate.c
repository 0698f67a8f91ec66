/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventrate - how often a probe's failures are told.
 *
 * Theory of operation: the first of a kind is told at once. Those that follow with the same words
 * are counted, until a minute has passed; the next one then brings their number along. Other words
 * are another kind, and are told at once. Nothing is allocated: the monitor's loop calls this.
 */
#include "engine/monitor/eventrate.h"

#include <stdio.h>
#include <string.h>

bool is_event_new(const struct event_rate *r, const char *reason, const char *text)
{
	return !r->reason || strcmp(r->reason, reason) != 0 ||
	       strncmp(r->text, text, sizeof(r->text) - 1) != 0;
}

int64_t event_rate_take(struct event_rate *r, const char *reason, const char *text, int64_t now_ms,
			int64_t every_ms)
{
	if (is_event_new(r, reason, text)) {
		r->reason = reason;
		(void)snprintf(r->text, sizeof(r->text), "%s", text);
		r->held = 0;
	} else if (now_ms < r->next_ms) {
		r->held++;
		return 0;
	}
	r->next_ms = now_ms + every_ms;
	return event_rate_release(r) + 1;
}

int64_t event_rate_release(struct event_rate *r)
{
	int64_t n = r->held;

	r->held = 0;
	return n;
}
