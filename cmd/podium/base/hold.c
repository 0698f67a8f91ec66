/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold - the signals that end a command, held back for a moment.
 *
 * Theory of operation: sigprocmask(2) blocks them, so the kernel keeps one of each kind;
 * sigpending(2) tells whether one is there. Unblocked it acts as if it came just then, so the exit
 * status tells of the signal. A signal that is ignored (nohup) is never pending. Helpers that are
 * started meanwhile begin with no signal blocked (engine/base/proc.h).
 */
#include "cmd/podium/base/hold.h"

#include <errno.h>
#include <string.h>

#include "engine/base/str.h"

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

void signals_hold(struct held_signals *h)
{
	sigset_t set;

	if (h->on)
		return;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		(void)sigaddset(&set, ending[i]);
	h->on = sigprocmask(SIG_BLOCK, &set, &h->before) == 0;
}

int signals_check(const struct held_signals *h, struct error *err)
{
	sigset_t came;

	if (!h->on || sigpending(&came) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		if (sigismember(&came, ending[i]) == 1 && sigismember(&h->before, ending[i]) == 0)
			return error_set(err, EINTR, "interrupted by signal %d", ending[i]);
	return 0;
}

void signals_release(struct held_signals *h)
{
	if (h->on)
		(void)sigprocmask(SIG_SETMASK, &h->before, NULL);
	h->on = false;
}
