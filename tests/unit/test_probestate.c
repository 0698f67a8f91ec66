/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_probestate - the kubelet's rules of probing, walked on a clock of the test's own.
 */
#include "engine/monitor/probestate.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/cunit_main.h"

/* One container. Each test says which probes it has by filling spec[]. */
struct fixture {
	struct probe_spec spec[PROBE__COUNT];
	struct probestate ps;
	int64_t now;
};

static void add(struct fixture *f, enum probe_role role, int64_t delay, int64_t period)
{
	f->spec[role] = (struct probe_spec){ .action = { .kind = ACTION_TCP },
					     .initial_delay_s = delay,
					     .period_s = period,
					     .timeout_s = 1,
					     .success_threshold = 1,
					     .failure_threshold = 3 };
}

static void begin(struct fixture *f)
{
	probestate_init(&f->ps, f->spec);
	probestate_begin(&f->ps, f->now, f->now);
}

/* All steps that are due at f->now, as a text: "started ready! run:L ". */
static const char *steps(struct fixture *f)
{
	static const char letters[] = "SLR";
	static const char *const words[] = { [PROBE_ACT_RUN] = "run:",
					     [PROBE_ACT_TIMEOUT] = "timeout:",
					     [PROBE_ACT_KILL] = "kill:",
					     [PROBE_ACT_STARTED] = "started",
					     [PROBE_ACT_READINESS] = "ready" };
	static char text[200];
	struct probe_step s;
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < 20; i++) {
		s = probestate_next(&f->ps, f->now);
		if (s.act == PROBE_ACT_NONE)
			return text;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c ", words[s.act],
				      s.act == PROBE_ACT_STARTED     ? '.'
				      : s.act == PROBE_ACT_READINESS ? s.on ? '+' : '-'
								     : letters[s.role]);
	}
	return "no end";
}

#define EXPECT(f, want)                                                                        \
	do {                                                                                   \
		const char *got_ = steps(f);                                                   \
		if (strcmp(got_, (want)) != 0)                                                 \
			printf("\nat %lld: '%s' instead of '%s'\n", (long long)(f)->now, got_, \
			       (want));                                                        \
		CU_ASSERT_STRING_EQUAL(got_, (want));                                          \
	} while (0)

static void at(struct fixture *f, int64_t ms)
{
	/* Nothing may be due earlier than the machine has said. */
	int64_t due = probestate_deadline_ms(&f->ps);

	if (due > f->now && due < ms) {
		int64_t keep = f->now;

		f->now = due - 1;
		if (f->now > keep)
			EXPECT(f, "");
	}
	f->now = ms;
}

static void answer(struct fixture *f, enum probe_role role, enum probe_result r)
{
	probestate_result(&f->ps, role, r, f->now);
}

/* ---- tests ------------------------------------------------------------------------------ */

static void test_none(void)
{
	struct fixture f = { .now = 1000 };

	begin(&f);
	CU_ASSERT_EQUAL(probestate_deadline_ms(&f.ps), 0);
	EXPECT(&f, "started. ready+ ");
	CU_ASSERT_EQUAL(probestate_deadline_ms(&f.ps), PROBESTATE_NEVER);
	at(&f, 1000000);
	EXPECT(&f, "");
	CU_ASSERT_TRUE(probestate_end(&f.ps));
}

static void test_readiness(void)
{
	struct fixture f = { .now = 0 };

	add(&f, PROBE_READINESS, 5, 10);
	f.spec[PROBE_READINESS].success_threshold = 2;
	begin(&f);
	EXPECT(&f, "started. ready- ");
	at(&f, 4999);
	EXPECT(&f, "");
	/* A word that nobody asked for does not count. */
	answer(&f, PROBE_READINESS, PROBE_GOOD);
	at(&f, 5000);
	EXPECT(&f, "run:R ");
	answer(&f, PROBE_READINESS, PROBE_GOOD);
	EXPECT(&f, "");
	at(&f, 15000);
	EXPECT(&f, "run:R ");
	at(&f, 15500);
	answer(&f, PROBE_READINESS, PROBE_GOOD);
	EXPECT(&f, "ready+ ");
	/* Three bad ones in a row, not three in all. */
	for (int i = 0; i < 5; i++) {
		at(&f, 25000 + i * 10000);
		EXPECT(&f, "run:R ");
		answer(&f, PROBE_READINESS, i == 2 ? PROBE_GOOD : PROBE_BAD);
		EXPECT(&f, "");
	}
	at(&f, 75000);
	EXPECT(&f, "run:R ");
	answer(&f, PROBE_READINESS, PROBE_BAD);
	EXPECT(&f, "ready- ");
	/* It goes on, and never kills. */
	for (int i = 0; i < 10; i++) {
		at(&f, 85000 + i * 10000);
		EXPECT(&f, "run:R ");
		answer(&f, PROBE_READINESS, PROBE_BAD);
		EXPECT(&f, "");
	}
	CU_ASSERT_FALSE(probestate_end(&f.ps));
}

static void test_liveness(void)
{
	struct fixture f = { .now = 0 };

	add(&f, PROBE_LIVENESS, 0, 10);
	begin(&f);
	EXPECT(&f, "started. ready+ run:L ");
	EXPECT(&f, "");
	answer(&f, PROBE_LIVENESS, PROBE_GOOD);
	for (int i = 1; i <= 3; i++) {
		at(&f, i * 10000);
		EXPECT(&f, "run:L ");
		answer(&f, PROBE_LIVENESS, PROBE_BAD);
		EXPECT(&f, i < 3 ? "" : "ready- kill:L ");
	}
	/* Until the next run nothing is asked. */
	at(&f, 1000000);
	EXPECT(&f, "");
	CU_ASSERT_EQUAL(probestate_deadline_ms(&f.ps), PROBESTATE_NEVER);
	probestate_begin(&f.ps, f.now, f.now);
	EXPECT(&f, "started. ready+ run:L ");
	/* The count began anew, too. */
	answer(&f, PROBE_LIVENESS, PROBE_BAD);
	EXPECT(&f, "");
}

static void test_startup(void)
{
	struct fixture f = { .now = 0 };

	add(&f, PROBE_STARTUP, 1, 2);
	add(&f, PROBE_LIVENESS, 0, 10);
	add(&f, PROBE_READINESS, 60, 10);
	begin(&f);
	EXPECT(&f, "");
	at(&f, 1000);
	EXPECT(&f, "run:S ");
	answer(&f, PROBE_STARTUP, PROBE_BAD);
	EXPECT(&f, "");
	at(&f, 3000);
	EXPECT(&f, "run:S ");
	answer(&f, PROBE_STARTUP, PROBE_GOOD);
	/* Liveness is overdue and comes at once; readiness' delay counts from the program's start. */
	EXPECT(&f, "started. ready- run:L ");
	answer(&f, PROBE_LIVENESS, PROBE_GOOD);
	at(&f, 13000);
	EXPECT(&f, "run:L ");
	answer(&f, PROBE_LIVENESS, PROBE_GOOD);
	/* The startup probe is never asked again. */
	for (int64_t t = 23000; t < 60000; t += 10000) {
		at(&f, t);
		EXPECT(&f, "run:L ");
		answer(&f, PROBE_LIVENESS, PROBE_GOOD);
	}
	at(&f, 60000);
	EXPECT(&f, "run:R ");
	answer(&f, PROBE_READINESS, PROBE_GOOD);
	EXPECT(&f, "ready+ ");
}

static void test_startup_fails(void)
{
	struct fixture f = { .now = 0 };

	add(&f, PROBE_STARTUP, 0, 1);
	add(&f, PROBE_LIVENESS, 0, 1);
	begin(&f);
	for (int i = 0; i < 3; i++) {
		at(&f, i * 1000);
		EXPECT(&f, "run:S ");
		answer(&f, PROBE_STARTUP, PROBE_BAD);
		EXPECT(&f, i < 2 ? "" : "kill:S ");
	}
	CU_ASSERT_FALSE(f.ps.is_started);
}

static void test_timeout(void)
{
	struct fixture f = { .now = 0 };

	add(&f, PROBE_LIVENESS, 0, 10);
	f.spec[PROBE_LIVENESS].timeout_s = 3;
	f.spec[PROBE_LIVENESS].failure_threshold = 2;
	begin(&f);
	EXPECT(&f, "started. ready+ run:L ");
	CU_ASSERT_EQUAL(probestate_deadline_ms(&f.ps), 3000);
	at(&f, 2999);
	EXPECT(&f, "");
	at(&f, 3000);
	EXPECT(&f, "timeout:L ");
	/* What it says after that does not count. */
	answer(&f, PROBE_LIVENESS, PROBE_GOOD);
	at(&f, 10000);
	EXPECT(&f, "run:L ");
	at(&f, 13500);
	EXPECT(&f, "timeout:L ready- kill:L ");
}

/* One that took longer than its period is followed at once, not by all that were missed. */
static void test_overrun(void)
{
	struct fixture f = { .now = 0 };

	add(&f, PROBE_LIVENESS, 0, 1);
	f.spec[PROBE_LIVENESS].timeout_s = 5;
	begin(&f);
	EXPECT(&f, "started. ready+ run:L ");
	at(&f, 3700);
	EXPECT(&f, "");
	answer(&f, PROBE_LIVENESS, PROBE_GOOD);
	EXPECT(&f, "run:L ");
	answer(&f, PROBE_LIVENESS, PROBE_GOOD);
	EXPECT(&f, "");
	CU_ASSERT_EQUAL(probestate_deadline_ms(&f.ps), 4700);
}

/* What could not be asked says nothing: it neither counts nor breaks a row. */
static void test_broken(void)
{
	struct fixture f = { .now = 0 };
	static const enum probe_result answers[] = { PROBE_BAD, PROBE_BROKEN, PROBE_BAD,
						     PROBE_BROKEN, PROBE_BROKEN };

	add(&f, PROBE_LIVENESS, 0, 1);
	begin(&f);
	EXPECT(&f, "started. ready+ run:L ");
	for (int i = 0; i < 5; i++) {
		answer(&f, PROBE_LIVENESS, answers[i]);
		EXPECT(&f, "");
		at(&f, (i + 1) * 1000);
		EXPECT(&f, "run:L ");
	}
	answer(&f, PROBE_LIVENESS, PROBE_BAD);
	EXPECT(&f, "ready- kill:L ");
}

static void test_restart(void)
{
	struct fixture f = { .now = 0 };

	add(&f, PROBE_STARTUP, 0, 1);
	add(&f, PROBE_READINESS, 0, 1);
	begin(&f);
	EXPECT(&f, "run:S ");
	answer(&f, PROBE_STARTUP, PROBE_GOOD);
	EXPECT(&f, "started. ready- run:R ");
	answer(&f, PROBE_READINESS, PROBE_GOOD);
	EXPECT(&f, "ready+ ");
	at(&f, 1000);
	EXPECT(&f, "run:R ");
	CU_ASSERT_TRUE(probestate_end(&f.ps)); /* it ended by itself */
	answer(&f, PROBE_READINESS, PROBE_BAD);
	at(&f, 5000);
	EXPECT(&f, "");
	/* The next run has everything before it again; its program began a second ago. */
	probestate_begin(&f.ps, 4000, 5000);
	CU_ASSERT_FALSE(f.ps.is_started || f.ps.is_ready);
	EXPECT(&f, "run:S ");
	answer(&f, PROBE_READINESS, PROBE_GOOD); /* not its turn */
	EXPECT(&f, "");
	answer(&f, PROBE_STARTUP, PROBE_GOOD);
	EXPECT(&f, "started. ready- run:R ");
}

/* The container stood still: what was asked is asked again, what was to come, comes later. */
static void test_shift(void)
{
	struct fixture f = { .now = 0 };

	add(&f, PROBE_LIVENESS, 0, 10);
	add(&f, PROBE_READINESS, 5, 10);
	f.spec[PROBE_LIVENESS].failure_threshold = 1;
	begin(&f);
	EXPECT(&f, "started. ready- run:L ");
	/* Paused at 500, for 60 s: the answer that came meanwhile was none. */
	f.now = 60500;
	probestate_shift(&f.ps, 60000);
	answer(&f, PROBE_LIVENESS, PROBE_BAD);
	CU_ASSERT_EQUAL(probestate_deadline_ms(&f.ps), 60000);
	EXPECT(&f, "run:L ");
	answer(&f, PROBE_LIVENESS, PROBE_GOOD);
	at(&f, 64999);
	EXPECT(&f, "");
	at(&f, 65000);
	EXPECT(&f, "run:R ");
}

static CU_TestInfo tests[] = {
	{ "no probes", test_none },
	{ "readiness", test_readiness },
	{ "liveness", test_liveness },
	{ "startup before the others", test_startup },
	{ "a startup that fails", test_startup_fails },
	{ "timeouts", test_timeout },
	{ "one that overruns its period", test_overrun },
	{ "what could not be asked", test_broken },
	{ "the next run", test_restart },
	{ "a pause", test_shift },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "probestate", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
