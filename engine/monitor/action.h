/* SPDX-License-Identifier: Apache-2.0 */
/*
 * action - one probe's question or one hook, from beginning to verdict, without blocking.
 *
 * exec is a process in the container, made by podium-launch as a child of this process; TCP, plain
 * HTTP and gRPC are a socket; HTTPS and host names are podium-probe. The owner polls what
 * action_polls() names, hands the answers to action_dispatch() and looks at the verdict; time is
 * the owner's affair. An action owns nothing while it is idle.
 */
#ifndef PODIUM_MONITOR_ACTION_H
#define PODIUM_MONITOR_ACTION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/str.h"
#include "engine/monitor/httpget.h"
#include "engine/pod/spec.h"

struct store;
struct grpc_check;

#define ACTION_TEXT_MAX	   256 /* of what is told of an answer */
#define ACTION_OUTPUT_MAX  500 /* of what a process says that is kept */
#define ACTION_POLLS	   3
#define ACTION_ADDRESS_MAX 64

enum action_verdict {
	ACTION_GOING,
	ACTION_GOOD,
	ACTION_WARN,   /* good, but there is something to tell: in text */
	ACTION_BAD,    /* text: why */
	ACTION_BROKEN, /* could not be asked; text: why */
};

/* Where actions happen; outlives them. */
struct action_place {
	const struct store *store;
	const char *container_id;
	char address[ACTION_ADDRESS_MAX]; /* of the pod, where the spec names no host */
	int netns_pidfd; /* a process of the pod whose network has no way in; -1: from outside */
};

enum action_phase {
	ACTION_IDLE,
	ACTION_PROCESS,	   /* a child is on its way or runs */
	ACTION_CONNECTING, /* the next three: a socket */
	ACTION_SENDING,
	ACTION_RECEIVING,
	ACTION_ENDING, /* cancelled; a child has still to be reaped */
};

struct action {
	enum action_phase phase;
	enum action_verdict verdict;
	const struct action_spec *spec; /* borrowed */
	const struct action_place *place;
	int netns_pidfd; /* of the place, unless the spec names a host; or -1 */
	bool is_hook;	 /* any answer of an HTTP server is good; another User-Agent */
	char text[ACTION_TEXT_MAX + 1];
	/* processes */
	pid_t launch_pid; /* podium-launch, until it has told of the process */
	pid_t pid;
	int pidfd;
	int sync_fd;
	int out_fd;
	int exit_code;	 /* of an exec: 128 + n after signal n; 125 to 127: it could not be */
	bool was_killed; /* the verdict is of a process that SIGKILL has ended */
	bool is_helper;	 /* podium-probe: its exit code says more */
	char output[ACTION_OUTPUT_MAX + 1];
	size_t output_len;
	/* sockets */
	int fd;
	int redirects;
	struct buf request;
	size_t sent;
	struct http_target target;
	struct http_reply *http;
	struct grpc_check *grpc;
};

void action_init(struct action *a);
/* Idle: another one can begin. */
static inline bool is_action_idle(const struct action *a)
{
	return a->phase == ACTION_IDLE;
}
/* Begins; must be idle. It may be over at once: look at the verdict. */
void action_begin(struct action *a, const struct action_spec *spec,
		  const struct action_place *place, bool is_hook);
/* Fills ACTION_POLLS entries, unused ones with fd -1. */
void action_polls(const struct action *a, struct pollfd p[ACTION_POLLS]);
/* Takes the same entries back. */
void action_dispatch(struct action *a, const struct pollfd p[ACTION_POLLS]);
/* Ends it without a verdict. A process is killed, and reaped by later dispatches. */
void action_cancel(struct action *a);

/* ---- among the files of actions ---- */

void action_finish(struct action *a, enum action_verdict verdict, const char *fmt, ...)
	printf_like(3, 4);
/* action_process.c */
void action_begin_exec(struct action *a);
/* Starts podium-probe on a->target (HTTP) or host and port of it (TCP). */
void action_begin_helper(struct action *a);
void action_process_dispatch(struct action *a, const struct pollfd p[ACTION_POLLS]);
void action_process_kill(struct action *a);
/* action_net.c */
void action_begin_net(struct action *a);
void action_net_dispatch(struct action *a, short revents);
void action_net_close(struct action *a);
/* Runs fn in the network from which this action connects, and comes back. */
int action_in_netns(const struct action *a, int (*fn)(void *), void *arg);

#endif
