/* SPDX-License-Identifier: Apache-2.0 */
/*
 * action - one probe's question or one hook: what all kinds share.
 *
 * Theory of operation: an action is IDLE, or it has a socket or a child, and ends with a verdict
 * exactly once. A cancelled action has none; its child is killed at once but reaped when its pidfd
 * says so (a frozen or stuck process must not hold up the loop), and until then the action is not
 * idle and cannot begin anew.
 */
#include "engine/monitor/action.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"

void action_init(struct action *a)
{
	memset(a, 0, sizeof(*a));
	a->pidfd = a->sync_fd = a->out_fd = a->fd = -1;
}

void action_finish(struct action *a, enum action_verdict verdict, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(a->text, sizeof(a->text), fmt, ap);
	va_end(ap);
	a->verdict = verdict;
	action_net_close(a);
	a->phase = ACTION_IDLE;
}

void action_begin(struct action *a, const struct action_spec *spec,
		  const struct action_place *place, bool is_hook)
{
	a->spec = spec;
	a->place = place;
	a->netns_pidfd = is_empty(spec->host) ? place->netns_pidfd : -1;
	a->is_hook = is_hook;
	a->verdict = ACTION_GOING;
	a->text[0] = '\0';
	a->output_len = 0;
	a->was_killed = false;
	a->exit_code = 0;
	a->redirects = 0;
	switch ((enum action_kind)spec->kind) {
	case ACTION_EXEC:
		action_begin_exec(a);
		break;
	case ACTION_HTTP:
	case ACTION_TCP:
	case ACTION_GRPC:
		action_begin_net(a);
		break;
	default: /* nothing to do; the time of ACTION_SLEEP is its owner's */
		action_finish(a, ACTION_GOOD, "%s", "");
		break;
	}
}

void action_polls(const struct action *a, struct pollfd p[ACTION_POLLS])
{
	for (int i = 0; i < ACTION_POLLS; i++)
		p[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (a->fd >= 0) {
		p[0].fd = a->fd;
		p[0].events = a->phase == ACTION_RECEIVING ? POLLIN : POLLOUT;
		return;
	}
	p[0].fd = a->sync_fd;
	p[1].fd = a->out_fd;
	p[2].fd = a->pidfd;
}

void action_dispatch(struct action *a, const struct pollfd p[ACTION_POLLS])
{
	if (a->phase == ACTION_PROCESS || a->phase == ACTION_ENDING)
		action_process_dispatch(a, p);
	else if (a->phase != ACTION_IDLE && p[0].revents && p[0].fd == a->fd)
		action_net_dispatch(a, p[0].revents);
}

void action_cancel(struct action *a)
{
	a->verdict = ACTION_GOING;
	if (a->phase == ACTION_PROCESS) {
		a->phase = ACTION_ENDING;
		action_process_kill(a);
	} else if (a->phase != ACTION_ENDING) {
		action_net_close(a);
		a->phase = ACTION_IDLE;
	}
}
