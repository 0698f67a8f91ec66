/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order - the pod's state machine without its hands.
 *
 * Theory of operation: looks at the containers in spec order, inits first. The first init that is
 * not over decides: idle -> prepare it, ready -> go, else wait; a failed one fails the pod. An init
 * is over when it has ended with 0; a sidecar when it has started once, whatever becomes of it
 * then: its own monitor restarts it. With all inits over, every idle member is prepared (they
 * prepare in parallel), and a ready one may go when each member before it was started. No clock, no
 * descriptor, no allocation: the unit test walks every path.
 */
#include "engine/conductor/order.h"

static bool is_held(const struct member_view *m)
{
	return m->held && m->phase == MEMBER_IDLE;
}

static bool is_over(const struct member_view *m)
{
	return m->sidecar ? m->has_started : m->phase == MEMBER_DONE && m->exit_code == 0;
}

/* The act that one container waits for, apart from all others. */
static enum order_act next_for(const struct member_view *m, bool can_go)
{
	if (m->phase == MEMBER_IDLE)
		return m->held ? ORDER_WAIT : ORDER_PREPARE;
	return m->phase == MEMBER_READY && can_go ? ORDER_GO : ORDER_WAIT;
}

static enum order_act next_of_inits(const struct member_view *m, size_t n, bool can_go,
				    size_t *ret_index, bool *ret_over)
{
	*ret_over = false;
	for (size_t i = 0; i < n; i++) {
		enum order_act act = next_for(&m[i], can_go);

		if (!m[i].init || is_held(&m[i]) || (is_over(&m[i]) && !m[i].sidecar))
			continue;
		*ret_index = i;
		if (act != ORDER_WAIT) /* also a sidecar that somebody starts again */
			return act;
		if (!is_over(&m[i]))
			return m[i].phase == MEMBER_DONE ? ORDER_INIT_FAILED : ORDER_WAIT;
	}
	*ret_over = true;
	return ORDER_WAIT;
}

enum order_act order_next(const struct member_view *m, size_t n, bool can_go, size_t *ret_index)
{
	bool before_started = true;
	bool all_done = true;
	bool inits_over;
	enum order_act act = next_of_inits(m, n, can_go, ret_index, &inits_over);

	if (!inits_over)
		return act;
	for (size_t k = 0; k < n; k++) {
		*ret_index = k;
		if (!m[k].init && m[k].phase == MEMBER_IDLE && !m[k].held)
			return ORDER_PREPARE;
	}
	for (size_t k = 0; k < n; k++) {
		if (m[k].init || is_held(&m[k]))
			continue;
		*ret_index = k;
		if (m[k].phase == MEMBER_READY && can_go && before_started)
			return ORDER_GO;
		before_started = before_started && m[k].was_started;
		all_done = all_done && m[k].phase == MEMBER_DONE;
	}
	return all_done ? ORDER_ALL_DONE : ORDER_WAIT;
}

static bool is_passing(const struct member_view *m)
{
	return m->init && !m->sidecar;
}

bool is_order_up(const struct member_view *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_passing(&m[i]) && !is_held(&m[i]) && !m[i].was_started)
			return false;
	return true;
}

bool is_order_ready(const struct member_view *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_passing(&m[i]) && (!m[i].is_ready || m[i].phase != MEMBER_RUNNING))
			return false;
	return true;
}

static bool is_at_rest(const struct member_view *m)
{
	return m->phase == MEMBER_IDLE || m->phase == MEMBER_DONE;
}

bool order_next_stop(const struct member_view *m, size_t n, size_t *ret_index, bool *ret_last)
{
	bool wait = false;

	*ret_last = false;
	for (size_t i = n; i-- > 0;) {
		*ret_index = i;
		if (!m[i].sidecar && !m[i].stop_asked && m[i].phase != MEMBER_DONE)
			return true;
		wait = wait || (!m[i].sidecar && !is_at_rest(&m[i]));
	}
	*ret_last = true;
	for (size_t i = n; i-- > 0 && !wait;) {
		*ret_index = i;
		if (m[i].sidecar && !m[i].stop_asked && m[i].phase != MEMBER_DONE)
			return true;
		wait = m[i].sidecar && !is_at_rest(&m[i]);
	}
	return false;
}

void order_rebuild(struct member_view *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool is_to_rest = !m[i].init && m[i].phase == MEMBER_DONE && !m[i].stop_asked;

		m[i].was_started = is_to_rest;
		m[i].has_started = m[i].is_ready = m[i].stop_asked = false;
		if (!is_to_rest)
			m[i].phase = MEMBER_IDLE;
	}
}
