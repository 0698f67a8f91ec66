/* SPDX-License-Identifier: Apache-2.0 */
/* internal - what the files of the conductor share: its one state struct. */
#ifndef PODIUM_CONDUCTOR_INTERNAL_H
#define PODIUM_CONDUCTOR_INTERNAL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/conductor/order.h"
#include "engine/pod/run.h"
#include "engine/process/ctl.h"
#include "engine/state/status.h"

#define CONDUCTOR_CLIENTS_MAX 16
/* Where in the arguments of the process. */
#define CONDUCTOR_ARG_ROLE 1
#define CONDUCTOR_ARG_ID   4

struct member {
	const char *id; /* in pod.containers */
	const char *name;
	int fd;		   /* to its monitor, -1: none */
	pid_t monitor_pid; /* our child, 0: adopted or none */
	int lost_pidfd;	   /* LOST: the container's first process */
	int pipes[2];	   /* read ends kept so that it survives its monitor */
	bool stop_asked;
	bool was_up; /* reported as started once */
	bool done;   /* its monitor has said so and is ending */
};

enum conductor_phase {
	CONDUCTOR_STARTING,
	CONDUCTOR_UP,
	CONDUCTOR_STOPPING, /* members were told to stop */
	CONDUCTOR_DOWN,
};

struct conductor {
	struct store store;
	char **argv; /* of the process */
	char pod_id[65];
	struct pod_run run;
	enum conductor_phase phase;
	int lock_fd;
	int report_fd;
	int listen_fd;
	int clients[CONDUCTOR_CLIENTS_MAX];
	struct container_status status; /* of the infra container */
	struct member *members;
	struct member_view *views;
	size_t n_members;
	bool network_ready;
	bool rebuild;	     /* pause was killed: bring the pod up again after the stop */
	int64_t deadline_ms; /* STOPPING: then what is left is killed */
	int failures;	     /* members whose first start failed */
};

/* members.c */
void members_open(struct conductor *c);
void members_close(struct conductor *c);
/* Starts the monitors of the members that come first, while there is no sandbox yet: the
 * pod_run.meanwhile of a struct conductor. */
int members_prestart(void *conductor, struct error *err) must_check;
/* Lets them go, when no sandbox came about: its pod_run.abandon. */
void members_abandon(void *conductor);
/* Lets a monitor prepare its container: a prestarted one, one that lives, or a new one. */
int member_begin(struct conductor *c, size_t i, struct error *err) must_check;
/* A packet (or the end) on a member's socket. */
void member_read(struct conductor *c, size_t i);
/* Hears what all of them have said so far: an order that came later must find it. */
void members_hear(struct conductor *c);
/* The process of a lost member has ended. */
void member_lost_ended(struct conductor *c, size_t i);
/* Tells every member to stop, at once and in reverse order. */
void members_stop(struct conductor *c, int64_t grace_ms);
bool are_members_down(const struct conductor *c);

/* conductor.c */
void conductor_tell(struct conductor *c, enum ctl_type type, int32_t value, const char *text);

#endif
