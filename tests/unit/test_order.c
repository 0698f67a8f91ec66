/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_order - the pod's state machine, exhaustively.
 *
 * First every combination of states of two inits and two members (also impossible ones), with every
 * choice of inits that are sidecars, against the rules written as plain conditions. Then every
 * history that can happen: the acts are carried out, events come in any order, and in no state that
 * is reached may an init run beside another one or beside a member, unless it is a sidecar; each
 * history can end. The same for the way down.
 */
#include "engine/conductor/order.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

#define N      4 /* two inits, two members */
#define INITS  2
#define SHAPES 4 /* which inits are sidecars */
#define STARTS 4 /* which of them have started */
#define STATES ((MEMBER__COUNT + 1) * 2) /* phase, done with failure; started or not */
#define WORLDS (STATES * STATES * STATES * STATES * STARTS)

struct world {
	struct member_view m[N];
};

/* shape: one bit an init, it is a sidecar. */
static struct world decode(int code, int shape)
{
	struct world w;

	memset(&w, 0, sizeof(w));
	for (int i = 0; i < N; i++, code /= STATES) {
		int phase = code % STATES / 2;

		w.m[i].init = i < INITS;
		w.m[i].sidecar = i < INITS && (shape & (1 << i));
		w.m[i].was_started = code % 2;
		w.m[i].exit_code = phase == MEMBER__COUNT ? 3 : 0;
		w.m[i].phase = (enum member_phase)(phase == MEMBER__COUNT ? MEMBER_DONE : phase);
	}
	for (int i = 0; i < INITS; i++, code /= 2)
		w.m[i].has_started = code % 2;
	return w;
}

static int encode(const struct world *w)
{
	int code = w->m[1].has_started * 2 + w->m[0].has_started;

	for (int i = N - 1; i >= 0; i--) {
		int phase = (int)w->m[i].phase;

		if (w->m[i].phase == MEMBER_DONE && w->m[i].exit_code)
			phase = MEMBER__COUNT;
		code = code * STATES + phase * 2 + w->m[i].was_started;
	}
	return code;
}

/* ---- the rules, one by one -------------------------------------------------------------- */

static bool is_init_over(const struct member_view *m)
{
	return m->sidecar ? m->has_started : m->phase == MEMBER_DONE && m->exit_code == 0;
}

static bool are_inits_over(const struct world *w, int before)
{
	for (int i = 0; i < before && i < INITS; i++)
		if (!is_init_over(&w->m[i]))
			return false;
	return true;
}

static bool can_prepare(const struct world *w, int i)
{
	return w->m[i].phase == MEMBER_IDLE && are_inits_over(w, i);
}

static bool can_start(const struct world *w, int i, bool can_go)
{
	for (int k = INITS; k < i; k++)
		if (!w->m[k].was_started)
			return false;
	return can_go && w->m[i].phase == MEMBER_READY && are_inits_over(w, i);
}

static bool has_failed(const struct world *w, int i)
{
	return i < INITS && w->m[i].phase == MEMBER_DONE && !is_init_over(&w->m[i]) &&
	       are_inits_over(w, i);
}

static bool has_ended(const struct world *w)
{
	bool done = are_inits_over(w, INITS);

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
	unsigned int wrong = 0;

	for (int code = 0; code < WORLDS * SHAPES; code++) {
		struct world w = decode(code / SHAPES, code % SHAPES);

		wrong += encode(&w) != code / SHAPES;
		for (int can_go = 0; can_go < 2; can_go++) {
			size_t index = 99;
			enum order_act act = order_next(w.m, N, can_go, &index);

			wrong += !is_right(&w, can_go, act, index);
			acts[act]++;
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		CU_ASSERT_TRUE(acts[i] > 0);
}

/* ---- every history ---------------------------------------------------------------------- */

struct search {
	bool seen[WORLDS];
	int queue[WORLDS];
	int head, tail;
	int shape;
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
		{ MEMBER_RUNNING, MEMBER_RUNNING, true, 0 }, /* a sidecar has started */
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
		if (w->m[i].sidecar && events[e].from == events[e].to)
			next.m[i].has_started = true;
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
		/* A sidecar that has started is in nobody's way. */
		inits += i < INITS && is_alive(&w->m[i]) && !w->m[i].has_started;
		members += i >= INITS && (is_alive(&w->m[i]) || w->m[i].was_started);
	}
	if (inits > 1 || (inits && members))
		return false;
	/* The second init never before the first is over. */
	if (w->m[1].was_started && !is_init_over(&w->m[0]))
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

static void walk_histories(struct search *s)
{
	struct world start = decode(0, s->shape);

	reach(s, &start);
	while (s->head < s->tail) {
		struct world w = decode(s->queue[s->head++], s->shape);

		CU_ASSERT_TRUE_FATAL(is_sound(&w));
		for (int i = 0; i < N; i++)
			happen(s, &w, i);
		CU_ASSERT_TRUE_FATAL(act(s, &w, false));
		CU_ASSERT_TRUE_FATAL(act(s, &w, true));
	}
	CU_ASSERT_TRUE(s->ends > 0);
	CU_ASSERT_TRUE(s->failures > 0);
	CU_ASSERT_TRUE(s->tail > 60);
}

static void test_every_history(void)
{
	for (int shape = 0; shape < SHAPES; shape++) {
		struct search *s = xcalloc(1, sizeof(*s));

		s->shape = shape;
		walk_histories(s);
		free(s);
	}
}

/* ---- the way down ----------------------------------------------------------------------- */

/* Sends what is asked for, in a pod of which containers end as `ends` says (one index after another,
 * by what was told to stop); writes the order of the stops and ends as text. */
static void stop_all(struct world *w, const char *ends, char *ret)
{
	bool last = false;
	size_t i = 0;

	for (;;) {
		while (order_next_stop(w->m, N, &i, &last)) {
			w->m[i].stop_asked = true;
			*ret++ = (char)((last ? 'A' : 'a') + (int)i);
		}
		*ret = '\0';
		if (!*ends)
			return;
		CU_ASSERT_TRUE(w->m[*ends - '0'].stop_asked);
		w->m[*ends - '0'].phase = MEMBER_DONE;
		*ret++ = *ends++;
	}
}

static struct world running(int shape, enum member_phase inits)
{
	struct world w = decode(0, shape);

	for (int i = 0; i < N; i++) {
		w.m[i].phase = i >= INITS || w.m[i].sidecar ? MEMBER_RUNNING : inits;
		w.m[i].was_started = true;
		w.m[i].has_started = w.m[i].sidecar;
	}
	return w;
}

static void test_stop(void)
{
	static const struct {
		int shape;
		enum member_phase inits;
		const char *ends, *story;
	} cases[] = {
		{ 0, MEMBER_DONE, "23", "dc23" },
		{ 0, MEMBER_DONE, "32", "dc32" },
		{ 1, MEMBER_DONE, "32", "dc32A" },
		{ 2, MEMBER_DONE, "32", "dc32B" },
		{ 3, MEMBER_DONE, "23", "dc23B" }, /* not both sidecars at once */
		{ 3, MEMBER_DONE, "2", "dc2" },	   /* not before every member has ended */
		{ 3, MEMBER_DONE, "2310", "dc23B1A0" },
		{ 1, MEMBER_RUNNING, "23", "dcb23" }, /* nor before an init */
		{ 1, MEMBER_RUNNING, "2310", "dcb231A0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world w = running(cases[i].shape, cases[i].inits);
		char story[64];

		stop_all(&w, cases[i].ends, story);
		CU_ASSERT_STRING_EQUAL(story, cases[i].story);
	}
}

/* In a pod of which the last member has ended only the sidecars are left. */
static void test_stop_when_done(void)
{
	struct world w = running(3, MEMBER_DONE);
	char story[64];

	w.m[2].phase = w.m[3].phase = MEMBER_DONE;
	stop_all(&w, "1", story);
	CU_ASSERT_STRING_EQUAL(story, "B1A");
	w.m[0].phase = MEMBER_LOST; /* alive still */
	CU_ASSERT_FALSE(order_next_stop(w.m, N, &(size_t){ 0 }, &(bool){ false }));
}

/* ---- readiness, rebuilding -------------------------------------------------------------- */

static void test_ready(void)
{
	struct world w = running(2, MEMBER_DONE);

	CU_ASSERT_FALSE(is_order_ready(w.m, N));
	for (int i = 1; i < N; i++)
		w.m[i].is_ready = true;
	CU_ASSERT_TRUE(is_order_ready(w.m, N)); /* the plain init is not asked */
	w.m[1].is_ready = false;
	CU_ASSERT_FALSE(is_order_ready(w.m, N)); /* the sidecar is */
	w.m[1].is_ready = true;
	w.m[3].phase = MEMBER_BACKOFF;
	CU_ASSERT_FALSE(is_order_ready(w.m, N));
	w.m[3].phase = MEMBER_DONE;
	CU_ASSERT_FALSE(is_order_ready(w.m, N));
}

static void test_rebuild(void)
{
	struct world w = running(2, MEMBER_DONE);
	size_t index = 99;

	w.m[3].phase = MEMBER_DONE; /* for good, before */
	for (int i = 0; i < 3; i++)
		w.m[i].stop_asked = true;
	w.m[1].phase = w.m[2].phase = MEMBER_DONE;
	order_rebuild(w.m, N);
	CU_ASSERT_EQUAL(order_next(w.m, N, true, &index), ORDER_PREPARE);
	CU_ASSERT_EQUAL(index, 0);
	w.m[0].phase = MEMBER_DONE;
	CU_ASSERT_EQUAL(order_next(w.m, N, true, &index), ORDER_PREPARE);
	CU_ASSERT_EQUAL(index, 1);
	w.m[1].phase = MEMBER_RUNNING;
	CU_ASSERT_EQUAL(order_next(w.m, N, true, &index), ORDER_WAIT); /* it has not started anew */
	w.m[1].has_started = true;
	CU_ASSERT_EQUAL(order_next(w.m, N, true, &index), ORDER_PREPARE);
	CU_ASSERT_EQUAL(index, 2);
	w.m[2].phase = MEMBER_DONE;
	CU_ASSERT_EQUAL(order_next(w.m, N, true, &index), ORDER_ALL_DONE);
}

/* One that `podium init` has prepared is in nobody's way, keeps its pod up, and is stopped with it. */
static void test_initialized(void)
{
	struct world w = running(0, MEMBER_DONE);
	bool last = false;
	size_t index = 99;

	w.m[2].phase = MEMBER_INITIALIZED;
	w.m[2].to_initialize = true;
	w.m[3].phase = MEMBER_READY;
	w.m[3].was_started = false;
	CU_ASSERT_EQUAL(order_next(w.m, N, true, &index), ORDER_GO);
	CU_ASSERT_EQUAL(index, 3);
	w.m[3].phase = MEMBER_DONE;
	w.m[3].was_started = true;
	CU_ASSERT_EQUAL(order_next(w.m, N, true, &index), ORDER_WAIT);
	CU_ASSERT_TRUE(is_order_up(w.m, N));
	for (int i = 0; i < N; i++)
		w.m[i].is_ready = true;
	CU_ASSERT_FALSE(is_order_ready(w.m, N));
	CU_ASSERT_TRUE(order_next_stop(w.m, N, &index, &last));
	CU_ASSERT_EQUAL(index, 2);
	w.m[2].stop_asked = true;
	CU_ASSERT_FALSE(order_next_stop(w.m, N, &index, &last));
	w.m[2].phase = MEMBER_DONE; /* the sandbox went down, and comes again */
	order_rebuild(w.m, N);
	CU_ASSERT_EQUAL(w.m[2].phase, MEMBER_IDLE);
	CU_ASSERT_TRUE(w.m[2].to_initialize);
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
	struct world w = decode(0, 0);
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
	struct world w = decode(0, 0);

	CU_ASSERT_FALSE(is_order_up(w.m, N));
	w.m[2].was_started = true;
	CU_ASSERT_FALSE(is_order_up(w.m, N));
	w.m[3].was_started = true;
	CU_ASSERT_TRUE(is_order_up(w.m, N));
	CU_ASSERT_TRUE(is_order_up(w.m, INITS)); /* only inits: nobody to wait for */
	w.m[1].sidecar = true;
	CU_ASSERT_FALSE(is_order_up(w.m, N));
	w.m[1].was_started = true;
	CU_ASSERT_TRUE(is_order_up(w.m, N));
}

static CU_TestInfo tests[] = {
	{ "every combination of states", test_every_combination },
	{ "every history", test_every_history },
	{ "stop order", test_stop },
	{ "stop of sidecars alone", test_stop_when_done },
	{ "readiness of the pod", test_ready },
	{ "a sandbox made anew", test_rebuild },
	{ "one that is initialized", test_initialized },
	{ "small pods", test_small_pods },
	{ "members in parallel", test_members_in_parallel },
	{ "when play may return", test_up },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "order", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
