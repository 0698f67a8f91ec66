/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_order - the pod's state machine, exhaustively.
 *
 * First every combination of states of two inits and two members (also impossible ones) against the
 * rules written as plain conditions. Then every history that can happen: the acts are carried out,
 * events come in any order, and in no state that is reached may an init run beside another one or
 * beside a member; each history can end.
 */
#include "engine/conductor/order.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

#define N      4 /* two inits, two members */
#define INITS  2
#define STATES ((MEMBER__COUNT + 1) * 2) /* phase, done with failure; started or not */
#define WORLDS (STATES * STATES * STATES * STATES)

struct world {
	struct member_view m[N];
};

static struct world decode(int code)
{
	struct world w;

	memset(&w, 0, sizeof(w));
	for (int i = 0; i < N; i++, code /= STATES) {
		int phase = code % STATES / 2;

		w.m[i].init = i < INITS;
		w.m[i].was_started = code % 2;
		w.m[i].exit_code = phase == MEMBER__COUNT ? 3 : 0;
		w.m[i].phase = (enum member_phase)(phase == MEMBER__COUNT ? MEMBER_DONE : phase);
	}
	return w;
}

static int encode(const struct world *w)
{
	int code = 0;

	for (int i = N - 1; i >= 0; i--) {
		int phase = (int)w->m[i].phase;

		if (w->m[i].phase == MEMBER_DONE && w->m[i].exit_code)
			phase = MEMBER__COUNT;
		code = code * STATES + phase * 2 + w->m[i].was_started;
	}
	return code;
}

/* ---- the rules, one by one -------------------------------------------------------------- */

static bool is_init_done(const struct member_view *m)
{
	return m->phase == MEMBER_DONE && m->exit_code == 0;
}

static bool are_inits_done(const struct world *w, int before)
{
	for (int i = 0; i < before && i < INITS; i++)
		if (!is_init_done(&w->m[i]))
			return false;
	return true;
}

static bool can_prepare(const struct world *w, int i)
{
	return w->m[i].phase == MEMBER_IDLE && are_inits_done(w, i);
}

static bool can_start(const struct world *w, int i, bool can_go)
{
	for (int k = INITS; k < i; k++)
		if (!w->m[k].was_started)
			return false;
	return can_go && w->m[i].phase == MEMBER_READY && are_inits_done(w, i);
}

static bool has_failed(const struct world *w, int i)
{
	return i < INITS && w->m[i].phase == MEMBER_DONE && w->m[i].exit_code != 0 &&
	       are_inits_done(w, i);
}

static bool has_ended(const struct world *w)
{
	bool done = are_inits_done(w, INITS);

	for (int i = INITS; i < N; i++)
		done = done && w->m[i].phase == MEMBER_DONE;
	return done;
}

static bool is_right(const struct world *w, bool can_go, enum order_act act, size_t index)
{
	bool nothing = !has_ended(w);

	for (int i = 0; i < N; i++)
		nothing = nothing && !can_prepare(w, i) && !can_start(w, i, can_go) &&
			  !has_failed(w, i);
	switch (act) {
	case ORDER_WAIT:
		return nothing;
	case ORDER_PREPARE:
		return index < N && can_prepare(w, (int)index);
	case ORDER_GO:
		return index < N && can_start(w, (int)index, can_go);
	case ORDER_INIT_FAILED:
		return index < N && has_failed(w, (int)index);
	case ORDER_ALL_DONE:
		return has_ended(w);
	}
	return false;
}

static void test_every_combination(void)
{
	unsigned int acts[ORDER_ALL_DONE + 1] = { 0 };

	for (int code = 0; code < WORLDS; code++) {
		struct world w = decode(code);

		CU_ASSERT_EQUAL_FATAL(encode(&w), code);
		for (int can_go = 0; can_go < 2; can_go++) {
			size_t index = 99;
			enum order_act act = order_next(w.m, N, can_go, &index);

			CU_ASSERT_TRUE_FATAL(is_right(&w, can_go, act, index));
			acts[act]++;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		CU_ASSERT_TRUE(acts[i] > 0);
}

/* ---- every history ---------------------------------------------------------------------- */

struct search {
	bool seen[WORLDS];
	int queue[WORLDS];
	int head, tail;
	unsigned int ends, failures;
};

static void reach(struct search *s, const struct world *w)
{
	int code = encode(w);

	if (!s->seen[code]) {
		s->seen[code] = true;
		s->queue[s->tail++] = code;
	}
}

/* What may happen to one container without the conductor. */
static void happen(struct search *s, const struct world *w, int i)
{
	static const struct {
		enum member_phase from, to;
		bool started;
		int exit_code;
	} events[] = {
		{ MEMBER_PREPARING, MEMBER_READY, false, 0 },
		{ MEMBER_PREPARING, MEMBER_DONE, true, 3 }, /* it cannot be made */
		{ MEMBER_READY, MEMBER_DONE, true, 3 },	    /* its monitor was killed */
		{ MEMBER_STARTING, MEMBER_RUNNING, true, 0 },
		{ MEMBER_STARTING, MEMBER_DONE, true, 3 },
		{ MEMBER_STARTING, MEMBER_BACKOFF, true, 0 },
		{ MEMBER_RUNNING, MEMBER_BACKOFF, true, 0 },
		{ MEMBER_RUNNING, MEMBER_LOST, true, 0 },
		{ MEMBER_RUNNING, MEMBER_DONE, true, 0 },
		{ MEMBER_RUNNING, MEMBER_DONE, true, 3 },
		{ MEMBER_BACKOFF, MEMBER_RUNNING, true, 0 },
		{ MEMBER_LOST, MEMBER_DONE, true, 3 },
	};

	for (size_t e = 0; e < ARRAY_SIZE(events); e++) {
		struct world next = *w;

		if (w->m[i].phase != events[e].from)
			continue;
		next.m[i].phase = events[e].to;
		next.m[i].exit_code = events[e].exit_code;
		next.m[i].was_started = w->m[i].was_started || events[e].started;
		reach(s, &next);
	}
}

static bool is_alive(const struct member_view *m)
{
	return m->phase == MEMBER_STARTING || m->phase == MEMBER_RUNNING ||
	       m->phase == MEMBER_BACKOFF || m->phase == MEMBER_LOST;
}

static bool is_sound(const struct world *w)
{
	int inits = 0, members = 0;

	for (int i = 0; i < N; i++) {
		inits += i < INITS && is_alive(&w->m[i]);
		members += i >= INITS && (is_alive(&w->m[i]) || w->m[i].was_started);
	}
	if (inits > 1 || (inits && members))
		return false;
	/* The second member may have been started only after the first. */
	return !is_alive(&w->m[3]) || w->m[2].was_started;
}

/* False when the world stands still without having ended. */
static bool act(struct search *s, const struct world *w, bool can_go)
{
	struct world next = *w;
	size_t index = 99;

	switch (order_next(w->m, N, can_go, &index)) {
	case ORDER_WAIT:
		for (int i = 0; i < N; i++)
			if (is_alive(&w->m[i]) || w->m[i].phase == MEMBER_PREPARING)
				return true;
		return !can_go;
	case ORDER_PREPARE:
		next.m[index].phase = MEMBER_PREPARING;
		break;
	case ORDER_GO:
		next.m[index].phase = MEMBER_STARTING;
		break;
	case ORDER_INIT_FAILED:
		s->failures++;
		return true;
	case ORDER_ALL_DONE:
		s->ends++;
		return true;
	}
	reach(s, &next);
	return true;
}

static void test_every_history(void)
{
	struct search *s = xcalloc(1, sizeof(*s));
	struct world start = decode(0);

	reach(s, &start);
	while (s->head < s->tail) {
		struct world w = decode(s->queue[s->head++]);

		CU_ASSERT_TRUE_FATAL(is_sound(&w));
		for (int i = 0; i < N; i++)
			happen(s, &w, i);
		CU_ASSERT_TRUE_FATAL(act(s, &w, false));
		CU_ASSERT_TRUE_FATAL(act(s, &w, true));
	}
	CU_ASSERT_TRUE(s->ends > 0);
	CU_ASSERT_TRUE(s->failures > 0);
	CU_ASSERT_TRUE(s->tail > 60);
	free(s);
}

static void test_small_pods(void)
{
	struct member_view init = { .init = true, .phase = MEMBER_DONE };
	size_t index = 99;

	CU_ASSERT_EQUAL(order_next(NULL, 0, true, &index), ORDER_ALL_DONE);
	CU_ASSERT_EQUAL(order_next(&init, 1, true, &index), ORDER_ALL_DONE);
	init.phase = MEMBER_IDLE;
	CU_ASSERT_EQUAL(order_next(&init, 1, true, &index), ORDER_PREPARE);
	CU_ASSERT_EQUAL(index, 0);
}

/* Members are prepared all at once, before any of them is started. */
static void test_members_in_parallel(void)
{
	struct world w = decode(0);
	size_t index = 99;

	w.m[0].phase = w.m[1].phase = MEMBER_DONE;
	w.m[2].phase = MEMBER_READY;
	CU_ASSERT_EQUAL(order_next(w.m, N, true, &index), ORDER_PREPARE);
	CU_ASSERT_EQUAL(index, 3);
	w.m[3].phase = MEMBER_READY;
	CU_ASSERT_EQUAL(order_next(w.m, N, true, &index), ORDER_GO);
	CU_ASSERT_EQUAL(index, 2);
	CU_ASSERT_EQUAL(order_next(w.m, N, false, &index), ORDER_WAIT);
}

static void test_up(void)
{
	struct world w = decode(0);

	CU_ASSERT_FALSE(is_order_up(w.m, N));
	w.m[2].was_started = true;
	CU_ASSERT_FALSE(is_order_up(w.m, N));
	w.m[3].was_started = true;
	CU_ASSERT_TRUE(is_order_up(w.m, N));
	CU_ASSERT_TRUE(is_order_up(w.m, INITS)); /* only inits: nobody to wait for */
}

static CU_TestInfo tests[] = {
	{ "every combination of states", test_every_combination },
	{ "every history", test_every_history },
	{ "small pods", test_small_pods },
	{ "members in parallel", test_members_in_parallel },
	{ "when play may return", test_up },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "order", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
