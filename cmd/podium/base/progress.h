/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress - what people see of a pull or a push: layers on their way, on stderr.
 *
 * Give one to imagejob_run() (imagejob_spec.progress): it takes from the verb's events
 *
 *	{"event":"layer","id":"sha256:<hex>","state":STATE,"bytes":N,"size":N}
 *		STATE	"begun", "bytes" (so far), "unpacked", "done", "exists"
 *
 * ("bytes" and "size" of the blob may be missing; an id without "sha256:" does too.) On a terminal
 * there is a line for each layer that is under way, redrawn in place, and above them one for each
 * that has ended; elsewhere only the latter. A layer ends once.
 */
#ifndef PODIUM_CMD_PROGRESS_H
#define PODIUM_CMD_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Where it is drawn; for tests. Zeroed: stderr as it is, the real clock. */
struct progress_screen {
	int fd; /* 0: stderr */
	bool is_terminal;
	int64_t (*now_ms)(void);
	void (*size)(int *columns, int *rows);
};

#define PROGRESS_TICK_MS 500 /* progress_tick() wants to be called so often when nothing comes */

struct progress;
/* quiet: nothing is ever shown. The caller's. */
struct progress *progress_new(bool quiet);
struct progress *progress_new_on(const struct progress_screen *screen);
/* Takes away what is under way, gives the cursor back. NULL: nothing. */
void progress_free(struct progress *p);
static inline void progress_free_fn(struct progress **p)
{
	progress_free(*p);
}
#define cleanup_progress cleanup(progress_free_fn)

/* Whether the event was one of the above, and is dealt with. p may be NULL: never. */
bool progress_take(struct progress *p, const char *event, const json_t *j);
/* Time has passed: rates are drawn anew. */
void progress_tick(struct progress *p);
/* Makes room: what is drawn goes away until the next event, so that others can print lines. */
void progress_clear(struct progress *p);
/* Prints a line of text on stderr, above what is drawn; nothing when quiet. */
void progress_say(struct progress *p, const char *text);

#endif
