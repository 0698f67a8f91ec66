/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_podstatus - phase, STATUS, READY, conditions and container states, by tables.
 *
 * A case is a line of words, one a container, after the state of the infra container:
 *	[i|s]STATE[flags]	i: init, s: sidecar; STATE: c created, u up, U up and ready, r waits for
 *				its back-off, x exited, p paused, ? unreadable; behind it the exit
 *				code. A leading '*' is another run before this one.
 */
#include "kube/podstatus.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "kube/node.h"
#include "kube/selector.h"
#include "tests/support/cunit_main.h"

#define MAX 8
#define S   INT64_C(1000000000)
#define T0  (1700000000 * S)

struct world {
	struct pod_spec pod;
	struct container_status infra;
	struct container_status st[MAX];
	struct podstatus_source src[MAX];
	struct podstatus_input in;
	char names[MAX][8];
};

static void set_state(struct podstatus_source *src, struct container_status *st, char state,
		      const char *code)
{
	static const char letters[] = "cupxr";
	static const enum container_state states[] = { STATE_CREATED, STATE_RUNNING, STATE_PAUSED,
						       STATE_EXITED, STATE_RESTARTING };
	const char *at = strchr(letters, state == 'U' ? 'u' : state);
	int64_t number = 0;

	src->readable = at != NULL;
	src->live = at ? states[at - letters] : STATE_REMOVING;
	st->started = st->ready = state == 'U';
	if (state != 'c')
		st->started_ns = T0 + 10 * S;
	if (*code && parse_i64(code, 0, 255, &number) == 0)
		st->exit_code = number;
	if (state == 'x' || state == 'r')
		st->finished_ns = T0 + 20 * S;
	if (state == 'r') {
		st->next_start_ns = T0 + 100 * S;
		st->restarts = 2;
	}
}

static void add_word(struct world *w, const char *word)
{
	size_t i = w->in.n++;
	struct podstatus_source *src = &w->src[i];
	struct container_status *st = &w->st[i];

	(void)snprintf(w->names[i], sizeof(w->names[i]), "c%zu", i);
	*src = (struct podstatus_source){ .name = w->names[i], .id = "id", .st = st };
	if (*word == '*') {
		st->last = (struct container_last){ .started_ns = T0,
						    .finished_ns = T0 + 5 * S,
						    .exit_code = 1 };
		st->restarts = 1;
		word++;
	}
	if (*word == 'i' || *word == 's') {
		src->init = true;
		src->sidecar = *word == 's';
		word++;
	}
	set_state(src, st, *word, word + 1);
}

static void make_world(struct world *w, const char *text)
{
	cleanup_free char *copy = xstrdup(text);
	char *save = NULL;
	char *word = strtok_r(copy, " ", &save);

	memset(w, 0, sizeof(*w));
	w->pod = (struct pod_spec){ .name = (char *)(uintptr_t) "p",
				    .id = (char *)(uintptr_t) "uid",
				    .created_ns = T0 };
	w->in = (struct podstatus_input){ .pod = &w->pod, .infra = &w->infra, .v = w->src };
	w->infra.started_ns = T0 + S;
	w->in.infra_live = *word == 'u'	  ? STATE_RUNNING
			   : *word == 'x' ? STATE_EXITED
			   : *word == 'g' ? STATE_STOPPING
					  : STATE_CREATED;
	while ((word = strtok_r(NULL, " ", &save)))
		add_word(w, word);
}

/* ---- the table -------------------------------------------------------------------------- */

static const struct {
	const char *world;
	const char *phase, *status;
	const char *ready;
	const char *conditions; /* the true ones of R I r C S */
} rows[] = {
	/* members alone */
	{ "c c", "Pending", "ContainerCreating", "0/1", "IS" },
	{ "u c", "Pending", "ContainerCreating", "0/1", "RIS" },
	{ "u u", "Running", "Running", "0/1", "RIS" },
	{ "u U", "Running", "Running", "1/1", "RIrCS" },
	{ "u U u", "Running", "Running", "1/2", "RIS" },
	{ "u U x0", "Running", "NotReady", "1/2", "RIS" },
	{ "u U x3", "Running", "Error", "1/2", "RIS" },
	{ "u U r1", "Running", "CrashLoopBackOff", "1/2", "RIS" },
	{ "u r0", "Running", "CrashLoopBackOff", "0/1", "RIS" },
	{ "u p", "Running", "Paused", "0/1", "RIS" },
	{ "x x0", "Succeeded", "Completed", "0/1", "IS" },
	{ "x x0 x0", "Succeeded", "Completed", "0/2", "IS" },
	{ "x x0 x7", "Failed", "Completed", "0/2", "IS" }, /* kubectl shows the first one's */
	{ "x x7 x0", "Failed", "Error", "0/2", "IS" },
	{ "x x137", "Failed", "Error", "0/1", "IS" },
	{ "u x0", "Succeeded", "Completed", "0/1", "RIS" },
	{ "u ?", "Pending", "ContainerStatusUnknown", "0/1", "RIS" },
	{ "g u", "Running", "Terminating", "0/1", "RIS" },
	{ "g x3", "Failed", "Error", "0/1", "RIS" },
	/* init containers */
	{ "u ic c", "Pending", "Init:0/1", "0/1", "RS" },
	{ "u iu ic c", "Pending", "Init:0/2", "0/1", "RS" },
	{ "u ix0 iu c", "Pending", "Init:1/2", "0/1", "RS" },
	{ "u ix0 ix0 c", "Pending", "PodInitializing", "0/1", "RIS" },
	{ "u ix0 ix0 U", "Running", "Running", "1/1", "RIrCS" },
	{ "u ir1 c", "Pending", "Init:CrashLoopBackOff", "0/1", "RS" },
	{ "u ix1 c", "Failed", "Init:Error", "0/1", "RS" },
	{ "x ix1 c", "Failed", "Init:Error", "0/1", "S" },
	{ "x ix0 x0", "Succeeded", "Completed", "0/1", "IS" },
	/* sidecars count as ready; the pod ends without them */
	{ "u su c", "Pending", "Init:0/1", "0/2", "RS" },
	{ "u sU c", "Pending", "PodInitializing", "1/2", "RIS" },
	{ "u sU U", "Running", "Running", "2/2", "RIrCS" },
	{ "u ix0 sU u", "Running", "Running", "1/2", "RIS" },
	{ "u sr1 U", "Running", "Init:CrashLoopBackOff", "1/2", "RS" },
	{ "u sU x0", "Succeeded", "Completed", "1/2", "RIS" },
	{ "x sx0 x0", "Succeeded", "Completed", "0/2", "IS" },
	{ "x sx137 x0", "Succeeded", "Completed", "0/2", "IS" },
};

static void test_rows(void)
{
	static const char marks[] = "RIrCS";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_podstatus struct podstatus ps = { 0 };
		cleanup_free char *ready = NULL;
		char conditions[8] = "";
		struct world w;

		make_world(&w, rows[i].world);
		podstatus_derive(&w.in, &ps);
		ready = xasprintf("%u/%u", ps.ready, ps.total);
		for (int c = 0, n = 0; c < CONDITION__COUNT; c++)
			if (ps.conditions[c].is_true)
				conditions[n++] = marks[c];
		if (!is_equal(kube_phase_names[ps.phase], rows[i].phase) ||
		    !is_equal(ps.status, rows[i].status) || !is_equal(ready, rows[i].ready) ||
		    !is_equal(conditions, rows[i].conditions)) {
			printf("'%s': %s, %s, %s, %s\n", rows[i].world, kube_phase_names[ps.phase],
			       ps.status, ready, conditions);
			CU_FAIL("a row");
		}
	}
}

/* ---- states ----------------------------------------------------------------------------- */

static void test_back_off(void)
{
	cleanup_podstatus struct podstatus ps = { 0 };
	struct world w;

	make_world(&w, "u *r3");
	podstatus_derive(&w.in, &ps);
	CU_ASSERT_EQUAL(ps.v[0].state.kind, KUBE_WAITING);
	CU_ASSERT_STRING_EQUAL(ps.v[0].state.reason, "CrashLoopBackOff");
	CU_ASSERT_STRING_EQUAL(ps.v[0].state.message,
			       "back-off 1m20s restarting failed container=c0 pod=p_default(uid)");
	CU_ASSERT_EQUAL(ps.v[0].last.kind, KUBE_TERMINATED);
	CU_ASSERT_EQUAL(ps.v[0].last.exit_code, 3); /* not the run before: this one has ended */
	CU_ASSERT_EQUAL(ps.last_restart_ns, T0 + 20 * S);
}

static void test_short_back_off(void)
{
	cleanup_podstatus struct podstatus ps = { 0 };
	cleanup_podstatus struct podstatus at_once = { 0 };
	struct world w;

	make_world(&w, "u r3");
	w.st[0].next_start_ns = w.st[0].finished_ns + 10 * S;
	podstatus_derive(&w.in, &ps);
	CU_ASSERT_STRING_EQUAL(ps.v[0].state.message,
			       "back-off 10s restarting failed container=c0 pod=p_default(uid)");
	/* The first restart comes at once: that is no back-off. */
	w.st[0].next_start_ns = w.st[0].finished_ns;
	podstatus_derive(&w.in, &at_once);
	CU_ASSERT_EQUAL(at_once.v[0].state.kind, KUBE_TERMINATED);
	CU_ASSERT_STRING_EQUAL(at_once.status, "Error");
	CU_ASSERT_EQUAL(at_once.phase, PHASE_RUNNING);
}

static void test_reasons(void)
{
	static const struct {
		const char *world, *reason, *error;
		bool oom, unknown;
		const char *status;
		int64_t exit_code;
	} cases[] = {
		{ "x x137", NULL, NULL, true, false, "OOMKilled", 137 },
		{ "x x137", "OOMKilled", NULL, false, false, "OOMKilled", 137 },
		{ "x x1", "ContainerCannotRun", "no such file", false, false, "ContainerCannotRun",
		  1 },
		{ "x x127", NULL, "no such file", false, false, "ContainerCannotRun", 127 },
		{ "x x0", NULL, NULL, false, true, "ContainerStatusUnknown", 137 },
		{ "x x143", "DeadlineExceeded", NULL, false, false, "DeadlineExceeded", 143 },
		{ "u r0", "CreateContainerConfigError", "there is no Secret 's'", false, false,
		  "CreateContainerConfigError", 0 },
		{ "u r0", "ImagePullBackOff", NULL, false, false, "ImagePullBackOff", 0 },
		{ "u r137", "OOMKilled", NULL, false, false, "CrashLoopBackOff", 0 },
		{ "u ir1", "OOMKilled", NULL, false, false, "Init:CrashLoopBackOff", 0 },
		{ "x ix137", "OOMKilled", NULL, false, false, "Init:OOMKilled", 137 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_podstatus struct podstatus ps = { 0 };
		struct world w;

		make_world(&w, cases[i].world);
		w.st[0].reason = (char *)(uintptr_t)cases[i].reason;
		w.st[0].error = (char *)(uintptr_t)cases[i].error;
		w.st[0].oom_killed = cases[i].oom;
		w.st[0].exit_unknown = cases[i].unknown;
		podstatus_derive(&w.in, &ps);
		if (!is_equal(ps.status, cases[i].status) ||
		    ps.v[0].state.exit_code != cases[i].exit_code) {
			printf("case %zu: %s %lld\n", i, ps.status,
			       (long long)ps.v[0].state.exit_code);
			CU_FAIL("a reason");
		}
		if (ps.v[0].state.kind == KUBE_WAITING && cases[i].error)
			CU_ASSERT_STRING_EQUAL(ps.v[0].state.message, cases[i].error);
	}
}

static void test_deadline(void)
{
	cleanup_podstatus struct podstatus ps = { 0 };
	struct world w;

	make_world(&w, "x x0");
	w.infra.reason = (char *)(uintptr_t) "DeadlineExceeded";
	podstatus_derive(&w.in, &ps);
	CU_ASSERT_EQUAL(ps.phase, PHASE_FAILED); /* although all ended well */
	CU_ASSERT_STRING_EQUAL(ps.reason, "DeadlineExceeded");
}

static void test_evicted(void)
{
	static char why[] =
		"Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\". 2Mi are used.";
	cleanup_podstatus struct podstatus ps = { 0 };
	struct world w;

	make_world(&w, "x x137");
	w.infra.reason = (char *)(uintptr_t) "Evicted";
	w.infra.message = why;
	podstatus_derive(&w.in, &ps);
	CU_ASSERT_EQUAL(ps.phase, PHASE_FAILED);
	CU_ASSERT_STRING_EQUAL(ps.reason, "Evicted");
	CU_ASSERT_STRING_EQUAL(ps.message, why);
}

static void test_conditions(void)
{
	cleanup_podstatus struct podstatus ps = { 0 };
	cleanup_podstatus struct podstatus probed = { 0 };
	struct world w;

	make_world(&w, "u iu ic u U");
	podstatus_derive(&w.in, &ps);
	CU_ASSERT_STRING_EQUAL(ps.conditions[CONDITION_INITIALIZED].message,
			       "containers with incomplete status: [c0 c1]");
	CU_ASSERT_STRING_EQUAL(ps.conditions[CONDITION_READY].message,
			       "containers with unready status: [c2]");
	CU_ASSERT_STRING_EQUAL(ps.conditions[CONDITION_READY].reason, "ContainersNotReady");
	podstatus_done(&ps);
	make_world(&w, "u U U");
	w.st[1].started_ns = T0 + 12 * S;
	podstatus_derive(&w.in, &ps);
	CU_ASSERT_EQUAL(ps.conditions[CONDITION_READY].since_ns, T0 + 12 * S);
	CU_ASSERT_EQUAL(ps.conditions[CONDITION_READY_TO_START].since_ns, T0 + S);
	w.src[0].has_probe = true; /* when it became ready stands in the pod's record alone */
	w.infra.ready_ns = T0 + 20 * S;
	podstatus_derive(&w.in, &probed);
	CU_ASSERT_EQUAL(probed.conditions[CONDITION_READY].since_ns, 0);
	podstatus_done(&probed);
	w.infra.ready = true;
	podstatus_derive(&w.in, &probed);
	CU_ASSERT_EQUAL(probed.conditions[CONDITION_READY].since_ns, T0 + 20 * S);
}

static void test_restarts(void)
{
	cleanup_podstatus struct podstatus ps = { 0 };
	cleanup_free char *text = NULL, *none = NULL, *init = NULL, *through = NULL;
	struct world w;

	make_world(&w, "u *u r1 U");
	podstatus_derive(&w.in, &ps);
	text = podstatus_restarts(&ps, T0 + (20 + 330) * S);
	CU_ASSERT_STRING_EQUAL(text, "3 (5m30s ago)");
	podstatus_done(&ps);
	make_world(&w, "u U");
	podstatus_derive(&w.in, &ps);
	none = podstatus_restarts(&ps, T0);
	CU_ASSERT_STRING_EQUAL(none, "0");
	/* Those of an init container count until the pod is through with it; a sidecar's always. */
	podstatus_done(&ps);
	make_world(&w, "u *ix0 *iu c");
	podstatus_derive(&w.in, &ps);
	init = podstatus_restarts(&ps, T0 + 10 * S);
	CU_ASSERT_STRING_EQUAL(init, "2 (5s ago)");
	podstatus_done(&ps);
	make_world(&w, "u *ix0 *sU U");
	podstatus_derive(&w.in, &ps);
	through = podstatus_restarts(&ps, T0 + 10 * S);
	CU_ASSERT_STRING_EQUAL(through, "1 (5s ago)");
}

/* ---- the rest --------------------------------------------------------------------------- */

static void test_age(void)
{
	static const struct {
		int64_t s;
		const char *text;
	} cases[] = {
		{ -5, "<invalid>" },
		{ -1, "0s" },
		{ 0, "0s" },
		{ 119, "119s" },
		{ 120, "2m" },
		{ 150, "2m30s" },
		{ 599, "9m59s" },
		{ 600, "10m" },
		{ 10799, "179m" },
		{ 10800, "3h" },
		{ 3 * 3600 + 5 * 60, "3h5m" },
		{ 8 * 3600 + 59, "8h" },
		{ 47 * 3600, "47h" },
		{ 48 * 3600, "2d" },
		{ 50 * 3600, "2d2h" },
		{ 8 * 86400, "8d" },
		{ 729 * 86400, "729d" },
		{ 731 * 86400, "2y1d" },
		{ INT64_C(8) * 365 * 86400, "8y" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[32];

		kube_age(cases[i].s, text, sizeof(text));
		CU_ASSERT_STRING_EQUAL(text, cases[i].text);
	}
}

static struct opt_i64 some(int64_t v)
{
	return (struct opt_i64){ .set = true, .value = v };
}

static void test_qos(void)
{
	struct container_spec v[2] = { 0 };
	struct pod_spec pod = { 0 };

	CU_ASSERT_STRING_EQUAL(podstatus_qos(&pod, v, 2), "BestEffort");
	v[0].resources.cpu_request_milli = some(100);
	CU_ASSERT_STRING_EQUAL(podstatus_qos(&pod, v, 2), "Burstable");
	for (size_t i = 0; i < 2; i++) {
		v[i].resources.cpu_limit_milli = some(100);
		v[i].resources.memory_limit_bytes = some(1 << 20);
	}
	CU_ASSERT_STRING_EQUAL(podstatus_qos(&pod, v, 2), "Guaranteed");
	v[1].resources.memory_request_bytes = some(1 << 19);
	CU_ASSERT_STRING_EQUAL(podstatus_qos(&pod, v, 2), "Burstable");
	pod.resources.cpu_limit_milli = some(1);
	pod.resources.memory_limit_bytes = some(1);
	CU_ASSERT_STRING_EQUAL(podstatus_qos(&pod, v, 2), "Guaranteed");
}

static void test_selector(void)
{
	static const struct {
		const char *text;
		int want; /* 1 fits, 0 not, -1 is refused */
	} cases[] = {
		{ "", 1 },
		{ "app=web", 1 },
		{ "app==web", 1 },
		{ " app = web , tier != db ", 1 },
		{ "app=db", 0 },
		{ "app!=web", 0 },
		{ "other!=web", 1 },
		{ "app", 1 },
		{ "other", 0 },
		{ "!other", 1 },
		{ "!app", 0 },
		{ "app in (db, web)", 1 },
		{ "app in (db)", 0 },
		{ "app notin (db),empty=", 1 },
		{ "x.io/y in (z)", 0 },
		{ "app in db", -1 },
		{ "app in (db", -1 },
		{ "=web", -1 },
		{ "app web", -1 },
		{ "app(web", -1 },
		{ "app)=web", -1 },
		{ "app=web;", -1 },
		{ "app=web,", -1 },
		{ "a b=c", -1 },
		{ "app!web", -1 },
		{ "-app=web", -1 },
		{ "app=we b", -1 },
	};
	struct pairlist labels = { 0 };

	pairlist_set(&labels, "app", "web");
	pairlist_set(&labels, "tier", "front");
	pairlist_set(&labels, "empty", "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_selector struct selector s = { 0 };
		struct error err = { 0 };
		int r = selector_parse(cases[i].text, &s, &err);
		int got = r < 0 ? -1 : is_selected(&s, &labels);

		if (got != cases[i].want) {
			printf("'%s' gave %d: %s\n", cases[i].text, got, err.text);
			CU_FAIL("a selector");
		}
	}
	pairlist_done(&labels);
}

static void test_encode(void)
{
	cleanup_podstatus struct podstatus ps = { 0 };
	struct arena a = { 0 };
	struct world w;
	const struct node *n;

	make_world(&w, "u ix0 *U r4");
	w.in.address4 = "10.1.2.3";
	w.in.address6 = "fd00::1";
	podstatus_derive(&w.in, &ps);
	n = podstatus_encode(&a, &w.in, &ps, "BestEffort");
	CU_ASSERT_STRING_EQUAL(node_get(n, "phase")->text, "Running");
	CU_ASSERT_STRING_EQUAL(node_get(n, "podIP")->text, "10.1.2.3");
	CU_ASSERT_EQUAL(node_get(n, "podIPs")->n, 2);
	CU_ASSERT_EQUAL(node_get(n, "conditions")->n, CONDITION__COUNT);
	CU_ASSERT_EQUAL(node_get(n, "initContainerStatuses")->n, 1);
	CU_ASSERT_EQUAL(node_get(n, "containerStatuses")->n, 2);
	CU_ASSERT_STRING_EQUAL(
		node_at(n, "containerStatuses[0].lastState.terminated.finishedAt")->text,
		"2023-11-14T22:13:25Z");
	CU_ASSERT_STRING_EQUAL(node_at(n, "containerStatuses[1].state.waiting.reason")->text,
			       "CrashLoopBackOff");
	CU_ASSERT_STRING_EQUAL(
		node_at(n, "containerStatuses[1].lastState.terminated.exitCode")->text, "4");
	arena_done(&a);
}

static CU_TestInfo tests[] = {
	{ "phase, STATUS, READY, conditions", test_rows },
	{ "back-off", test_back_off },
	{ "no back-off yet", test_short_back_off },
	{ "reasons", test_reasons },
	{ "deadline", test_deadline },
	{ "evicted", test_evicted },
	{ "messages and times of conditions", test_conditions },
	{ "RESTARTS", test_restarts },
	{ "ages", test_age },
	{ "quality of service", test_qos },
	{ "selectors", test_selector },
	{ "the status as a document", test_encode },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "podstatus", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
