/* SPDX-License-Identifier: Apache-2.0 */
/* internal - what the files of the conductor share: its one state struct. */
#ifndef PODIUM_CONDUCTOR_INTERNAL_H
#define PODIUM_CONDUCTOR_INTERNAL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/conductor/order.h"
#include "engine/conductor/quota.h"
#include "engine/monitor/restart.h"
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
	bool by_hand;	   /* a user started it again: nothing of its past counts */
	bool done;	   /* its monitor has said so and is ending */
	bool again;	   /* LOST: what was prepared is; somebody wants it all the same */
};

enum conductor_phase {
	CONDUCTOR_STARTING,
	CONDUCTOR_UP,
	CONDUCTOR_STOPPING, /* members were told to stop */
	CONDUCTOR_BACKOFF,  /* waits before it makes the sandbox anew */
	CONDUCTOR_DOWN,
};

struct conductor_client {
	int fd; /* -1: none */
	bool subscribed;
};

/* Of a pod whose disk space has a limit. */
struct disk_watch {
	bool is_read; /* the quota was looked for */
	struct quota quota;
	int64_t *shared; /* what the last look has found; NULL: nothing to look at */
	int64_t next_ms; /* monotonic; 0: no look is due */
	pid_t pid;	 /* of a look under way */
	int pidfd;	 /* or -1: none */
};

/* Of a pod that has a service container: the socket to that one's conductor. */
struct service_link {
	bool is_known;
	char pod_id[65]; /* the pod that the service is for itself */
	int fd;		 /* -1: it has to be found again */
	int64_t retry_ms;
};

/* Of a service container. */
struct service_watch {
	bool is_one;
	bool is_due;   /* to look who lives: it ends with the last of them */
	bool stopping; /* they were told to stop */
	bool is_killed;
	bool is_over; /* they are down */
	int *v;	      /* sockets of their conductors, and of a play that makes some */
	size_t n;
	int signal_fd;	 /* SIGTERM */
	int64_t look_ms; /* monotonic: when, by the records; 0: now */
	int64_t kill_ms; /* monotonic: stopping: the end of their grace */
};

struct conductor {
	struct store store;
	char **argv; /* of the process */
	char pod_id[65];
	struct pod_run run;
	enum conductor_phase phase;
	int lock_fd;
	int report_fd; /* to the command that started it, or -1 */
	int listen_fd;
	int stdio[CTL_FDS_MAX]; /* for containers that get those of the command; or -1 */
	struct conductor_client clients[CONDUCTOR_CLIENTS_MAX];
	struct container_status status; /* of the infra container */
	struct member *members;
	struct member_view *views;
	size_t n_members;
	struct monitor *inner; /* of a container by itself: its monitor, served by this loop */
	bool network_ready;
	bool is_ready;	   /* the pod, as it was told last */
	bool adopt_only;   /* what has ended in an adopted sandbox is not started again */
	char only_id[65];  /* of a new one: the container that is started, "": all */
	bool only_hold;	   /* that one is only initialized */
	bool resumes_stop; /* the conductor before was killed while it stopped the pod */
	bool own_grace;	   /* STOPPING: each container has its own grace, not more */
	bool rebuild;	   /* bring the pod up again after the stop */
	bool is_rebuilt;   /* it has been up before */
	bool was_paused;   /* when the conductor before was killed */
	struct restart_state rebuilds;
	struct disk_watch disk;
	bool is_used; /* memory, since it was given back */
	struct service_link link;
	struct service_watch service;
	int failures; /* members whose first start failed */
	/* monotonic; 0: none */
	int64_t up_ms;		    /* when the sandbox stood */
	int64_t grace_end_ms;	    /* STOPPING: what the containers have been given */
	int64_t kill_ms;	    /* STOPPING: then what is left is killed */
	int64_t wake_ms;	    /* BACKOFF: end of it */
	int64_t paused_ms;	    /* since when the pod is paused */
	int64_t active_deadline_ms; /* of the pod's spec */
};

/* members.c */
void members_open(struct conductor *c);
void members_close(struct conductor *c);
/* The pod's record has changed: takes up what is new, held, and forgets what is gone. */
int members_reload(struct conductor *c, struct error *err) must_check;
/* Holds back what nobody has asked for. */
void members_hold(struct conductor *c);
/* Starts the monitors of the members that come first, while there is no sandbox yet: the
 * pod_run.meanwhile of a struct conductor. */
int members_prestart(void *conductor, struct error *err) must_check;
/* Ends the monitor that is served here, if there is one. */
void members_end_inner(struct conductor *c);
/* Lets them go, when no sandbox came about: its pod_run.abandon. */
void members_abandon(void *conductor);
/* Lets a monitor prepare its container: a prestarted one, one that lives, or a new one. */
int member_begin(struct conductor *c, size_t i, struct error *err) must_check;
/* Finds what is left of a pod that was being stopped; nothing is started. */
void members_find(struct conductor *c);
/* A packet (or the end) on a member's socket. */
void member_read(struct conductor *c, size_t i);
/* Hears what all of them have said so far: an order that came later must find it. */
void members_hear(struct conductor *c);
/* The process of a lost member has ended. */
void member_lost_ended(struct conductor *c, size_t i);
/* Tells one to stop; grace_ms 0: to be killed. */
void member_stop(struct conductor *c, size_t i, int64_t grace_ms);
bool are_members_down(const struct conductor *c);
/* Runs an errand about a container or pod in a grandchild, which is nobody's to wait for: it may wait for
 * a lock whose holder waits for the conductor. It has the conductor's namespaces, ids and cgroup, none
 * of its descriptors, and a store of its own. 0, or -errno of the first fork(2). */
typedef int conductor_errand(const struct store *s, const char *id, struct error *err);
int conductor_detach(const struct conductor *c, conductor_errand *errand, const char *id);

/* clients.c */
void conductor_tell(struct conductor *c, enum ctl_type type, int32_t value, const char *text);
/* Says whether the pod is ready, if that has changed. */
void conductor_tell_ready(struct conductor *c);
/* Whether somebody was there (who may have been sent away). */
bool client_accept(struct conductor *c);
void client_read(struct conductor *c, struct conductor_client *client);
/* Takes the descriptors of a CTL_START instead of those that were there; NULL: none. */
void conductor_take_stdio(struct conductor *c, const int *fds);

/* stop.c */
/* grace_ms 0: everything is killed at once; CTL_OWN_GRACE: each has its own. */
void stop_begin(struct conductor *c, int64_t grace_ms);
/* The longest grace that any of its containers has. */
int64_t stop_longest_ms(const struct conductor *c);
/* The pod's own grace period when a sidecar runs, else 0: for a pod that is over. */
int64_t stop_own_grace_ms(const struct conductor *c);
/* Goes on with the stop that an earlier conductor began. */
void stop_resume(struct conductor *c);
/* The pod has failed: says so and stops it. */
void stop_failed(struct conductor *c, const char *text);
/* The pod ends for a reason of its own, which its record keeps: it has failed, and is not started
 * again by itself. */
void stop_over(struct conductor *c, const char *reason, const char *why, int64_t grace_ms);
/* What time has brought; to be called after every event. */
void stop_check(struct conductor *c);
/* Sets the timer of activeDeadlineSeconds. */
void stop_set_deadline(struct conductor *c);
/* How long poll(2) may wait, in ms; -1: for ever. */
int stop_timeout_ms(const struct conductor *c);

/* diskwatch.c */
/* A sandbox stands: the first look is due some time later, if the pod has limits. */
void diskwatch_begin(struct conductor *c);
/* Starts a look that is due. */
void diskwatch_check(struct conductor *c);
/* The look has ended. */
void diskwatch_read(struct conductor *c);
/* No look any more, until the next beginning. */
void diskwatch_end(struct conductor *c);
void diskwatch_close(struct conductor *c);

/* service.c */
/* Connects to the pod's service container, which is started when it does not run. */
void service_join(struct conductor *c);
/* The pod is down, its lock free: the service may end. */
void service_leave(struct conductor *c);
/* Says whether this is a service container, and hears SIGTERM then. */
void service_open(struct conductor *c);
void service_close(struct conductor *c);
bool is_service_ending(const struct conductor *c);
/* A CTL_SERVE. True: the socket is kept here. */
bool service_serve(struct conductor *c, int fd, const struct ctl_msg *msg);
/* True: a stop has to wait until the pods of the service are down; they were told. */
bool service_holds_stop(struct conductor *c, int64_t grace_ms);
/* What time has brought, or the end of a socket; to be called after every event. */
void service_check(struct conductor *c);
/* When that is due at the latest, monotonic ms; 0: nothing is. */
int64_t service_next_ms(const struct conductor *c);
size_t service_polls_max(const struct conductor *c);
size_t service_polls(const struct conductor *c, struct pollfd *p);
void service_dispatch(struct conductor *c, const struct pollfd *p, size_t n);

/* conductor.c */
void conductor_write_status(struct conductor *c, enum container_state state);

#endif
