/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order - the pod's state machine without its hands.
 *
 * Theory of operation: looks at the containers in spec order, inits first. The first init that is
 * not done decides: idle -> prepare it, ready -> go, else wait; a failed one fails the pod. With
 * all inits done, every idle member is prepared (they prepare in parallel), and a ready one may go
 * when each member before it was started. No clock, no descriptor, no allocation: the unit test
 * walks every path.
 */
#include "engine/conductor/order.h"

static enum order_act next_for_init(const struct member_view *m, size_t i, bool can_go,
				    size_t *ret_index)
{
	*ret_index = i;
	if (m[i].phase == MEMBER_DONE)
		return ORDER_INIT_FAILED; /* a successful one was passed over by the caller */
	if (m[i].phase == MEMBER_IDLE)
		return ORDER_PREPARE;
	if (m[i].phase == MEMBER_READY && can_go)
		return ORDER_GO;
	return ORDER_WAIT;
}

enum order_act order_next(const struct member_view *m, size_t n, bool can_go, size_t *ret_index)
{
	bool before_started = true;
	bool all_done = true;
	size_t i = 0;

	for (; i < n && m[i].init; i++)
		if (m[i].phase != MEMBER_DONE || m[i].exit_code != 0)
			return next_for_init(m, i, can_go, ret_index);
	for (size_t k = i; k < n; k++) {
		*ret_index = k;
		if (m[k].phase == MEMBER_IDLE)
			return ORDER_PREPARE;
	}
	for (size_t k = i; k < n; k++) {
		*ret_index = k;
		if (m[k].phase == MEMBER_READY && can_go && before_started)
			return ORDER_GO;
		before_started = before_started && m[k].was_started;
		all_done = all_done && m[k].phase == MEMBER_DONE;
	}
	return all_done ? ORDER_ALL_DONE : ORDER_WAIT;
}

bool is_order_up(const struct member_view *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!m[i].init && !m[i].was_started)
			return false;
	return true;
}
