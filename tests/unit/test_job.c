/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_job - the Job controller's rules with a clock that is turned by hand.
 *
 * A small world of pods stands in for the engine: what job_next() asks for is done, pods end when a
 * test says so. After each step the status goes through its record, as it does on disk.
 */
#include "kube/job.h"

#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/cunit_main.h"

#define S	 INT64_C(1000000000)
#define PODS_MAX 64
#define START	 (1000000 * S)

struct world {
	struct job_spec spec;
	struct job_status st;
	struct job_pod_view views[PODS_MAX];
	int64_t now;
	int64_t until;
	int stops; /* pods that were told to stop */
};

static struct world begin(int64_t completions, int64_t parallelism, int64_t backoff_limit)
{
	struct world w = { .now = START };

	w.spec.completions = (struct opt_i64){ completions > 0, completions };
	w.spec.parallelism = parallelism;
	w.spec.backoff_limit = backoff_limit;
	return w;
}

static void end(struct world *w)
{
	record_done(&job_status_type, &w->st);
}

static void through_record(struct world *w)
{
	struct error err = { 0 };
	json_t *j = record_dump(&job_status_type, &w->st);
	struct job_status again = { 0 };

	CU_ASSERT_EQUAL_FATAL(record_load(&job_status_type, j, &again, &err), 0);
	CU_ASSERT_TRUE(record_equal(&job_status_type, &w->st, &again, NULL));
	record_done(&job_status_type, &w->st);
	w->st = again;
	json_decref(j);
}

static void finish_pod(struct world *w, size_t i, bool failed)
{
	w->views[i].finished = true;
	w->views[i].failed = failed;
	w->views[i].finished_ns = w->now;
}

static void stop_pods(struct world *w)
{
	for (size_t i = 0; i < w->st.pods.n; i++) {
		if (!w->st.pods.v[i].stop || w->views[i].finished || !w->views[i].exists)
			continue;
		finish_pod(w, i, true);
		w->stops++;
	}
}

/* Does what is asked for until there is nothing to do; returns the last act. */
static enum job_act step(struct world *w)
{
	for (int i = 0; i < 1000; i++) {
		int64_t index = -1;
		enum job_act act = job_next(&w->spec, &w->st, w->views, w->now, &index, &w->until);
		cleanup_free char *name = NULL;

		through_record(w);
		if (act == JOB_STOP_PODS) {
			stop_pods(w);
			continue;
		}
		if (act != JOB_CREATE_POD)
			return act;
		name = job_pod_name("j", &w->spec, &w->st);
		CU_ASSERT_TRUE_FATAL(w->st.pods.n < PODS_MAX);
		w->views[w->st.pods.n] = (struct job_pod_view){ .exists = true };
		job_add_pod(&w->st, name, "id", index, w->now);
	}
	CU_FAIL_FATAL("the job does not come to rest");
	return JOB_END;
}

static size_t n_active(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->st.pods.n; i++)
		n += w->st.pods.v[i].finished_ns == 0;
	return n;
}

#define CHECK_PODS(w, made, active)                      \
	do {                                             \
		CU_ASSERT_EQUAL((w).st.pods.n, made);    \
		CU_ASSERT_EQUAL(n_active(&(w)), active); \
	} while (0)

static void check_end(const struct world *w, enum job_condition condition, const char *reason)
{
	CU_ASSERT_EQUAL(w->st.condition, condition);
	CU_ASSERT_STRING_EQUAL(w->st.reason ? w->st.reason : "", reason);
	CU_ASSERT_EQUAL(n_active(w), 0);
	CU_ASSERT_TRUE(w->st.finished_ns > 0);
}

/* ---- completions ------------------------------------------------------------------------ */

static void test_one(void)
{
	struct world w = begin(1, 1, 6);

	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CU_ASSERT_EQUAL(w.until, 0);
	CHECK_PODS(w, 1, 1);
	CU_ASSERT_STRING_EQUAL(w.st.pods.v[0].name, "j-pod");
	CU_ASSERT_EQUAL(w.st.started_ns, START);
	w.now += 5 * S;
	finish_pod(&w, 0, false);
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_COMPLETE, "CompletionsReached");
	CU_ASSERT_EQUAL(w.st.succeeded, 1);
	CU_ASSERT_EQUAL(w.st.finished_ns, START + 5 * S);
	CU_ASSERT_EQUAL(step(&w), JOB_END); /* asked again: nothing changes */
	CHECK_PODS(w, 1, 0);
	end(&w);
}

static void test_parallel(void)
{
	struct world w = begin(5, 2, 6);

	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 2, 2);
	CU_ASSERT_STRING_EQUAL(w.st.pods.v[0].name, "j-pod-0");
	CU_ASSERT_STRING_EQUAL(w.st.pods.v[1].name, "j-pod-1");
	for (size_t i = 0; i < 4; i++) {
		finish_pod(&w, i, false);
		CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
		CU_ASSERT_EQUAL(n_active(&w), i < 3 ? 2 : 1); /* never more than are wanted */
	}
	CHECK_PODS(w, 5, 1);
	finish_pod(&w, 4, false);
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	CU_ASSERT_EQUAL(w.st.succeeded, 5);
	end(&w);
}

/* Without completions the first success is enough; the others may end as they like. */
static void test_work_queue(void)
{
	struct world w = begin(0, 3, 6);

	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 3, 3);
	finish_pod(&w, 1, false);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 3, 2);
	finish_pod(&w, 0, true);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 3, 1);
	finish_pod(&w, 2, false);
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_COMPLETE, "CompletionsReached");
	CU_ASSERT_EQUAL(w.stops, 0);
	end(&w);
}

static void test_parallelism_changes(void)
{
	struct world w = begin(10, 4, 6);

	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	w.spec.parallelism = 1;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 4, 1);
	CU_ASSERT_TRUE(w.st.pods.v[0].finished_ns == 0); /* the oldest stays */
	CU_ASSERT_EQUAL(w.st.failed, 0);
	w.spec.parallelism = 0;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 4, 0);
	CU_ASSERT_EQUAL(w.until, 0);
	w.spec.parallelism = 2;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 6, 2); /* at once: nothing has failed */
	end(&w);
}

/* ---- failures --------------------------------------------------------------------------- */

static void test_backoff(void)
{
	static const int64_t delays[] = { 10, 20, 40, 80, 160, 320, 360, 360 };
	struct world w = begin(1, 1, 100);

	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
		finish_pod(&w, i, true);
		CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
		CHECK_PODS(w, i + 1, 0);
		CU_ASSERT_EQUAL(w.until, w.now + delays[i] * S);
		CU_ASSERT_EQUAL(w.st.next_start_ns, w.until);
		w.now = w.until - 1;
		CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
		CHECK_PODS(w, i + 1, 0);
		w.now++;
		CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
		CHECK_PODS(w, i + 2, 1);
		CU_ASSERT_EQUAL(w.st.next_start_ns, 0);
	}
	CU_ASSERT_STRING_EQUAL(w.st.pods.v[2].name, "j-pod-2");
	end(&w);
}

/* A success ends the row of failures. */
static void test_backoff_resets(void)
{
	struct world w = begin(3, 1, 100);

	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	for (size_t i = 0; i < 2; i++) {
		finish_pod(&w, i, true);
		(void)step(&w);
		w.now = w.until;
		(void)step(&w);
	}
	w.now += S;
	finish_pod(&w, 2, false);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 4, 1); /* at once */
	w.now += S;
	finish_pod(&w, 3, true);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CU_ASSERT_EQUAL(w.until, w.now + 10 * S);
	end(&w);
}

static void test_backoff_limit(void)
{
	struct world w = begin(2, 2, 1);

	(void)step(&w);
	finish_pod(&w, 0, true);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	w.now = w.until;
	(void)step(&w);
	CHECK_PODS(w, 3, 2);
	finish_pod(&w, 2, true);
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_FAILED, "BackoffLimitExceeded");
	CU_ASSERT_EQUAL(w.stops, 1); /* the one beside it */
	CU_ASSERT_EQUAL(w.st.failed, 3);
	end(&w);
	w = begin(1, 1, 0);
	(void)step(&w);
	finish_pod(&w, 0, true);
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_FAILED, "BackoffLimitExceeded");
	end(&w);
}

/* OnFailure: the containers' restarts count while their pods are at work. */
static void test_restarts(void)
{
	struct world w = begin(2, 2, 3);

	(void)step(&w);
	w.views[0].restarts = 1;
	w.views[1].restarts = 1;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	w.views[1].restarts = 2;
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_FAILED, "BackoffLimitExceeded");
	CU_ASSERT_EQUAL(w.stops, 2);
	end(&w);
	w = begin(1, 1, 0);
	(void)step(&w);
	w.views[0].restarts = 1;
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	end(&w);
	w = begin(1, 1, 3);
	(void)step(&w);
	w.views[0].restarts = 2;
	finish_pod(&w, 0, false); /* those of a pod that made it are forgotten */
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_COMPLETE, "CompletionsReached");
	end(&w);
}

static void test_removed_pod(void)
{
	struct world w = begin(1, 1, 6);

	(void)step(&w);
	w.views[0].exists = false;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CU_ASSERT_EQUAL(w.st.failed, 1);
	CU_ASSERT_EQUAL(w.until, w.now + 10 * S);
	end(&w);
}

/* A pod that is being stopped by somebody: replaced at once, or when it has ended. */
static void test_replacement(void)
{
	struct world w = begin(1, 1, 6);

	(void)step(&w);
	w.views[0].stopping = true;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 2, 2);
	end(&w);
	w = begin(1, 1, 6);
	w.spec.replace_when_failed = true;
	(void)step(&w);
	w.views[0].stopping = true;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 1, 1);
	finish_pod(&w, 0, true);
	(void)step(&w);
	w.now = w.until;
	(void)step(&w);
	CHECK_PODS(w, 2, 1);
	end(&w);
}

static void test_refused_pod(void)
{
	struct world w = begin(1, 1, 6);
	int64_t index, until;

	CU_ASSERT_EQUAL(job_next(&w.spec, &w.st, w.views, w.now, &index, &until), JOB_CREATE_POD);
	job_pod_refused(&w.st, "port 80 is taken", w.now);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 0, 0);
	CU_ASSERT_EQUAL(w.until, w.now + 10 * S);
	CU_ASSERT_STRING_EQUAL(w.st.message, "port 80 is taken");
	w.now = w.until;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 1, 1);
	CU_ASSERT_PTR_NULL(w.st.message);
	end(&w);
}

/* ---- times ------------------------------------------------------------------------------ */

static void test_deadline(void)
{
	struct world w = begin(1, 1, 6);

	w.spec.active_deadline_s = (struct opt_i64){ true, 60 };
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CU_ASSERT_EQUAL(w.until, START + 60 * S);
	w.now = w.until - 1;
	finish_pod(&w, 0, true);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CU_ASSERT_EQUAL(w.until, START + 60 * S); /* comes before the back-off */
	w.now = w.until;
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_FAILED, "DeadlineExceeded");
	end(&w);
	w = begin(1, 1, 6);
	w.spec.active_deadline_s = (struct opt_i64){ true, 60 };
	(void)step(&w);
	w.now += 60 * S;
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_FAILED, "DeadlineExceeded");
	CU_ASSERT_EQUAL(w.stops, 1);
	end(&w);
	/* The last moment is good enough for one that has ended. */
	w = begin(1, 1, 6);
	w.spec.active_deadline_s = (struct opt_i64){ true, INT64_MAX };
	(void)step(&w);
	w.now += 60 * S;
	finish_pod(&w, 0, false);
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_COMPLETE, "CompletionsReached");
	end(&w);
}

static void test_ttl(void)
{
	struct world w = begin(1, 1, 6);

	w.spec.ttl_s = (struct opt_i64){ true, 30 };
	(void)step(&w);
	finish_pod(&w, 0, false);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	check_end(&w, JOB_COMPLETE, "CompletionsReached");
	CU_ASSERT_EQUAL(w.until, START + 30 * S);
	w.now = w.until;
	CU_ASSERT_EQUAL(step(&w), JOB_REMOVE);
	end(&w);
	w = begin(1, 1, 0);
	w.spec.ttl_s = (struct opt_i64){ true, 0 };
	(void)step(&w);
	finish_pod(&w, 0, true);
	CU_ASSERT_EQUAL(step(&w), JOB_REMOVE);
	CU_ASSERT_EQUAL(w.st.condition, JOB_FAILED);
	end(&w);
}

static void test_suspend(void)
{
	struct world w = begin(3, 2, 6);

	w.spec.suspend = true;
	w.spec.active_deadline_s = (struct opt_i64){ true, 60 };
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 0, 0);
	CU_ASSERT_EQUAL(w.st.condition, JOB_SUSPENDED);
	CU_ASSERT_EQUAL(w.until, 0);
	w.now += 1000 * S;
	w.spec.suspend = false;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 2, 2);
	CU_ASSERT_EQUAL(w.until, w.now + 60 * S); /* counted from here */
	finish_pod(&w, 0, false);
	(void)step(&w);
	CHECK_PODS(w, 3, 2);
	w.spec.suspend = true;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 3, 0);
	CU_ASSERT_EQUAL(w.stops, 2);
	CU_ASSERT_EQUAL(w.st.failed, 0);
	CU_ASSERT_EQUAL(w.st.succeeded, 1);
	w.spec.suspend = false;
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 5, 2);
	CU_ASSERT_PTR_NULL(w.st.reason);
	finish_pod(&w, 3, false);
	finish_pod(&w, 4, false);
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	CU_ASSERT_EQUAL(w.st.succeeded, 3);
	end(&w);
}

/* ---- indexes ---------------------------------------------------------------------------- */

static struct world begin_indexed(int64_t completions, int64_t parallelism)
{
	struct world w = begin(completions, parallelism, INT32_MAX);

	w.spec.indexed = true;
	return w;
}

static void test_indexed(void)
{
	struct world w = begin_indexed(3, 2);

	(void)step(&w);
	CHECK_PODS(w, 2, 2);
	CU_ASSERT_EQUAL(w.st.pods.v[0].index, 0);
	CU_ASSERT_EQUAL(w.st.pods.v[1].index, 1);
	finish_pod(&w, 1, false);
	(void)step(&w);
	CU_ASSERT_EQUAL(w.st.pods.v[2].index, 2);
	w.now += S;
	finish_pod(&w, 0, true);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 3, 1);
	w.now = w.until;
	(void)step(&w);
	CHECK_PODS(w, 4, 2);
	CU_ASSERT_EQUAL(w.st.pods.v[3].index, 0); /* the index that has none */
	finish_pod(&w, 2, false);
	finish_pod(&w, 3, false);
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_COMPLETE, "CompletionsReached");
	CU_ASSERT_EQUAL(w.st.succeeded, 3);
	end(&w);
}

/* Each index has its own back-off and its own limit. */
static void test_per_index(void)
{
	struct world w = begin_indexed(2, 2);

	w.spec.backoff_limit_per_index = (struct opt_i64){ true, 1 };
	(void)step(&w);
	finish_pod(&w, 0, true);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CU_ASSERT_EQUAL(w.until, w.now + 10 * S);
	finish_pod(&w, 1, true);
	w.now = w.until;
	(void)step(&w);
	CHECK_PODS(w, 4, 2);
	finish_pod(&w, 2, true); /* index 0 has failed now */
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 4, 1);
	CU_ASSERT_EQUAL(w.until, 0);
	finish_pod(&w, 3, false);
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_FAILED, "FailedIndexes");
	CU_ASSERT_EQUAL(w.st.succeeded, 1);
	end(&w);
}

static void test_max_failed_indexes(void)
{
	struct world w = begin_indexed(4, 4);

	w.spec.backoff_limit_per_index = (struct opt_i64){ true, 0 };
	w.spec.max_failed_indexes = (struct opt_i64){ true, 1 };
	(void)step(&w);
	finish_pod(&w, 0, true);
	CU_ASSERT_EQUAL(step(&w), JOB_WAIT);
	CHECK_PODS(w, 4, 3);
	finish_pod(&w, 1, true);
	CU_ASSERT_EQUAL(step(&w), JOB_END);
	check_end(&w, JOB_FAILED, "MaxFailedIndexesExceeded");
	CU_ASSERT_EQUAL(w.stops, 2);
	end(&w);
}

static CU_TestInfo tests[] = {
	{ "one pod", test_one },
	{ "completions in parallel", test_parallel },
	{ "work queue", test_work_queue },
	{ "parallelism changes", test_parallelism_changes },
	{ "back-off", test_backoff },
	{ "back-off after a success", test_backoff_resets },
	{ "back-off limit", test_backoff_limit },
	{ "restarts of containers", test_restarts },
	{ "a pod that was removed", test_removed_pod },
	{ "replacement of a pod that ends", test_replacement },
	{ "a pod that cannot be made", test_refused_pod },
	{ "deadline", test_deadline },
	{ "time to live", test_ttl },
	{ "suspended and resumed", test_suspend },
	{ "indexed", test_indexed },
	{ "limits of an index", test_per_index },
	{ "too many failed indexes", test_max_failed_indexes },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "job", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
