/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order - what the conductor does next, as a pure function of what its containers are.
 *
 * Init containers run one after another, each to success; then all members are prepared at once and
 * started in spec order. The pod is done when the last member has ended for good.
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
	MEMBER_BACKOFF, /* its monitor waits before it starts it again */
	MEMBER_LOST,	/* its monitor is gone, the container may run */
	MEMBER_DONE,	/* ended for good */
	MEMBER__COUNT
};

struct member_view {
	bool init;
	enum member_phase phase;
	bool was_started; /* it ran, or its start was tried and failed */
	int exit_code;	  /* DONE */
};

enum order_act {
	ORDER_WAIT,	   /* nothing to do until an event */
	ORDER_PREPARE,	   /* start the monitor of *ret_index */
	ORDER_GO,	   /* give GO to *ret_index */
	ORDER_INIT_FAILED, /* init *ret_index ended with a code other than 0: the pod has failed */
	ORDER_ALL_DONE,	   /* every member has ended for good */
};

/* The next act. Called again and again until it says ORDER_WAIT (or an end). can_go: the pod's
 * network is there. */
enum order_act order_next(const struct member_view *m, size_t n, bool can_go, size_t *ret_index);

/* True when every member was started (or tried): play may return. */
bool is_order_up(const struct member_view *m, size_t n);

#endif
