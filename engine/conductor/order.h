/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order - what the conductor does next, as a pure function of what its containers are.
 *
 * Init containers run one after another, each to success; a sidecar among them needs only have
 * started, and runs on. Then all members are prepared at once and started in spec order. The pod is
 * done when the last member has ended for good; sidecars end after the members, last one first.
 */
#ifndef PODIUM_CONDUCTOR_ORDER_H
#define PODIUM_CONDUCTOR_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum member_phase {
	MEMBER_IDLE, /* no monitor yet */
	MEMBER_PREPARING,
	MEMBER_READY,	 /* waits for GO */
	MEMBER_STARTING, /* GO given */
	MEMBER_RUNNING,
	MEMBER_BACKOFF,	    /* its monitor waits before it starts it again */
	MEMBER_LOST,	    /* its monitor is gone, the container may run */
	MEMBER_DONE,	    /* ended for good */
	MEMBER_INITIALIZED, /* prepared by `podium init`: waits for somebody to start it */
	MEMBER__COUNT
};

struct member_view {
	bool init;
	bool sidecar; /* an init that runs on beside the members */
	enum member_phase phase;
	bool was_started; /* it ran, or its start was tried and failed; or it is INITIALIZED */
	bool has_started; /* its startup probe passed once in this life of the pod */
	bool is_ready;	  /* as its monitor said last */
	bool stop_asked;
	bool held;	    /* IDLE: nobody has asked for it; others do not wait for it */
	bool to_initialize; /* GO is to take it to INITIALIZED, no further */
	int exit_code;	    /* DONE */
};

enum order_act {
	ORDER_WAIT,	   /* nothing to do until an event */
	ORDER_PREPARE,	   /* start the monitor of *ret_index */
	ORDER_GO,	   /* give GO to *ret_index */
	ORDER_INIT_FAILED, /* init *ret_index ended with a code other than 0, or a sidecar ended
			      for good before it had started: the pod has failed */
	ORDER_ALL_DONE,	   /* every member has ended for good */
};

/* The next act. Called again and again until it says ORDER_WAIT (or an end). can_go: the pod's
 * network is there. */
enum order_act order_next(const struct member_view *m, size_t n, bool can_go, size_t *ret_index);

/* True when every member and sidecar was started (or tried): play may return. */
bool is_order_up(const struct member_view *m, size_t n);

/* True when every member and every sidecar is ready: Kubernetes' ContainersReady. */
bool is_order_ready(const struct member_view *m, size_t n);

/* While the pod stops: true and *ret_index when a container is to be told to stop now, called again
 * until false. Members and inits at once, in reverse; then the sidecars, each after the end of the
 * one behind it. *ret_last: it is a sidecar, which has what is left of the grace period. */
bool order_next_stop(const struct member_view *m, size_t n, size_t *ret_index, bool *ret_last);

/* Forgets a life of the pod, for its sandbox is made anew: inits, sidecars and members run again,
 * but for members that had ended for good before. */
void order_rebuild(struct member_view *m, size_t n);

#endif
