/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_roundtrip - every manifest of testdata/kube/ through reading, translating and writing.
 *
 * A case is a folder with input.yaml (or input.json), perhaps `flags` (words: strict, play), and
 *   error          the findings expected, one a line, when there is an error among them; or
 *   expected.yaml  the canonical documents, objects first, and `warnings` when there are some.
 * configmap.yaml, when there is one, is given as by --configmap.
 *
 * For each good case the law holds: the plans of play(x) and of play(generate(play(x))) are equal
 * apart from ids and times, both from the stored document and from the plan alone; generate is a
 * fixed point; and every output passes a walk against Kubernetes' list of fields. The pod of a
 * workload generates a Pod, which nothing controls; the workload's own document makes the same pod.
 *
 * PODIUM_GOLDEN=1 writes the expectations anew; the difference is to be reviewed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/data/object.h"
#include "kube/document.h"
#include "kube/encode.h"
#include "kube/generate.h"
#include "kube/job.h"
#include "kube/kube.h"
#include "schemas/schema.h"
#include "tests/support/cunit_main.h"
#include "tests/support/oracle.h"

#define CASES	 "testdata/kube"
#define MAX_FILE ((size_t)8 << 20)

struct test_case {
	const char *name;
	char *folder;
	bool strict;
	bool play;
};

static struct strlist cases;
static struct buf all_outputs; /* every generated pod, for kubectl */
static struct buf all_objects; /* every document of an object */

/* ---- small things -----------------------------------------------------------------------------
 */

static char *read_or_null(const struct test_case *t, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", t->folder, name);
	struct error err = { 0 };
	char *text = NULL;

	if (fs_read_file(AT_FDCWD, path, MAX_FILE, &text, NULL, &err) < 0)
		return NULL;
	return text;
}

/* A document of ours, read and written as generate does it. */
static int write_again(const char *yaml, char **ret, struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	const struct node *kind;
	const struct schema_kind *k;
	struct doc_place where;
	int r = document_parse(yaml, strlen(yaml), &set, &where, err);

	if (r < 0)
		return r;
	kind = set.n == 1 ? node_get(set.v[0], "kind") : NULL;
	k = kind ? schema_kind_find(NULL, kind->text) : NULL;
	if (!k || !k->type)
		return error_set(err, EBADMSG, "not one object of a known kind");
	return encode_checked(k->type, set.v[0], ret, err);
}

static void write_golden(const struct test_case *t, const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/%s", t->folder, name);
	FILE *f;

	if (!text) {
		(void)unlink(path);
		return;
	}
	f = fopen(path, "we");
	if (f) {
		(void)fputs(text, f);
		(void)fclose(f);
	}
}

static void expect(const struct test_case *t, const char *name, const char *have)
{
	cleanup_free char *want = NULL;

	if (getenv("PODIUM_GOLDEN"))
		write_golden(t, name, have);
	want = read_or_null(t, name);
	if (is_equal(want, have))
		return;
	printf("%s/%s: expected\n%s\nhave\n%s\n", t->name, name, want ? want : "(nothing)",
	       have ? have : "(nothing)");
	CU_FAIL("output differs");
}

static void fail_case(const struct test_case *t, const char *what, const char *detail)
{
	printf("%s: %s: %s\n", t->name, what, detail);
	CU_FAIL("case failed");
}

/* The findings as lines; the folder of the case is cut from file names. */
static char *findings(const struct kube_result *r)
{
	struct buf out = BUF_INIT(MAX_FILE);

	for (size_t i = 0; i < r->diags.n; i++) {
		cleanup_free char *line = kube_diag_format(&r->diags.v[i]);
		const char *name = strstr(line, "/input.");

		buf_printf(&out, "%s: %s\n",
			   r->diags.v[i].severity == KUBE_ERROR ? "error" : "warning",
			   name ? name + 1 : line);
	}
	return buf_steal(&out);
}

static void load_with(const struct test_case *t, const char *path, const char *maps,
		      struct kube_result *ret)
{
	struct kube_input input = { .strict = t->strict, .for_play = t->play };
	struct error err = { 0 };

	strlist_add(&input.files, path);
	if (maps)
		strlist_add(&input.config_maps, maps);
	if (kube_load(&input, ret, &err) < 0)
		fail_case(t, "kube_load", err.text);
	strlist_done(&input.files);
	strlist_done(&input.config_maps);
}

static void load_alone(const struct test_case *t, const char *path, struct kube_result *ret)
{
	load_with(t, path, NULL, ret);
}

static void load(const struct test_case *t, const char *path, struct kube_result *ret)
{
	cleanup_free char *maps = xasprintf("%s/configmap.yaml", t->folder);

	load_with(t, path, access(maps, R_OK) == 0 ? maps : NULL, ret);
}

/* ---- the law ----------------------------------------------------------------------------------
 */

static void compare_plans(const struct test_case *t, const char *how, const struct pod_plan *a,
			  const struct pod_plan *b)
{
	cleanup_free char *path = NULL;
	bool equal = record_equal(&pod_spec_type, &a->pod, &b->pod, &path);

	if (!equal)
		fail_case(t, how, path);
	CU_ASSERT_EQUAL(a->n_containers, b->n_containers);
	for (size_t i = 0; equal && i < a->n_containers && i < b->n_containers; i++) {
		cleanup_free char *where = NULL;

		if (!record_equal(&container_spec_type, &a->containers[i], &b->containers[i],
				  &where))
			fail_case(t, how, where);
	}
}

/* What is left of the pod of a workload when it is played by itself. */
static void uncontrolled(const struct pod_plan *from, struct pod_plan *to)
{
	bool job = from->pod.controller && is_prefix(from->pod.controller, "Job/");
	struct pairlist kept = { 0 };

	memset(to, 0, sizeof(*to));
	record_copy(&pod_spec_type, &to->pod, &from->pod);
	free(steal_ptr(&to->pod.controller));
	for (size_t i = 0; job && i < to->pod.labels.n; i++) {
		const struct strpair *p = &to->pod.labels.v[i];

		if (!is_suffix(p->key, "job-name"))
			pairlist_set(&kept, p->key, p->value);
	}
	if (job) {
		pairlist_done(&to->pod.labels);
		to->pod.labels = kept;
	}
	to->containers = xcalloc(from->n_containers, sizeof(*to->containers));
	to->n_containers = from->n_containers;
	for (size_t i = 0; i < from->n_containers; i++)
		record_copy(&container_spec_type, &to->containers[i], &from->containers[i]);
}

/* Plays a generated text and compares the plan; gives the text that it generates itself. */
static void replay(const struct test_case *t, const char *how, const struct pod_plan *plan,
		   const char *yaml, bool from_plan)
{
	cleanup_free char *file = oracle_temp(yaml, strlen(yaml));
	cleanup_kube_result struct kube_result again = { 0 };
	struct test_case plain = { .name = t->name, .folder = t->folder };
	struct pod_plan bare;
	cleanup_free char *text = NULL, *bad = oracle_walk_pod(yaml);
	struct error err = { 0 };

	if (bad)
		fail_case(t, how, bad);
	load(&plain, file, &again);
	(void)unlink(file);
	if (again.n != 1) {
		cleanup_free char *lines = findings(&again);

		fail_case(t, how, lines);
		return;
	}
	uncontrolled(plan, &bare);
	compare_plans(t, how, &bare, &again.v[0]);
	pod_plan_done(&bare);
	if (from_plan)
		CU_ASSERT_EQUAL(kube_generate_from_plan(&again.v[0], &text, &err), 0)
	else
		CU_ASSERT_EQUAL(write_again(again.v[0].kube_yaml, &text, &err), 0);
	if (!is_equal(text, yaml))
		fail_case(t, how, "generate is no fixed point");
}

static void check_law(const struct test_case *t, const struct pod_plan *plan)
{
	cleanup_free char *document = NULL, *from_plan = NULL;
	struct error err = { 0 };

	if (write_again(plan->kube_yaml, &document, &err) < 0 ||
	    kube_generate_from_plan(plan, &from_plan, &err) < 0) {
		fail_case(t, "generate", err.text);
		return;
	}
	if (strcmp(document, plan->kube_yaml) != 0)
		fail_case(t, "stored document", "generate is no fixed point");
	replay(t, "from the document", plan, document, false);
	replay(t, "from the plan", plan, from_plan, true);
	buf_adds(&all_outputs, document);
	buf_adds(&all_outputs, from_plan);
}

static bool is_same_object(const struct kube_object *a, const struct kube_object *b)
{
	if (a->kind != b->kind || !is_equal(a->name, b->name) ||
	    !is_equal(a->namespace_, b->namespace_) || !is_equal(a->yaml, b->yaml))
		return false;
	if (a->data && !is_data_equal(a->data, b->data))
		return false;
	return !a->job || memcmp(a->job, b->job, sizeof(*a->job)) == 0;
}

/* An object's own document makes the same object, and the same pod. */
static void check_object(const struct test_case *t, const struct kube_result *r,
			 const struct kube_object *o)
{
	struct test_case plain = { .name = t->name, .folder = t->folder };
	cleanup_free char *file = oracle_temp(o->yaml, strlen(o->yaml));
	cleanup_free char *bad = oracle_walk(o->yaml), *text = NULL;
	const struct kube_object *same = NULL; /* a claim on demand may be beside it */
	cleanup_kube_result struct kube_result again = { 0 };
	struct error err = { 0 };

	if (bad)
		fail_case(t, o->name, bad);
	load_alone(&plain, file, &again);
	(void)unlink(file);
	for (size_t i = 0; i < again.n_objects && !same; i++)
		same = is_same_object(o, &again.objects[i]) ? &again.objects[i] : NULL;
	if (!same) {
		cleanup_free char *lines = findings(&again);

		fail_case(t, o->name, lines);
		return;
	}
	if (o->template)
		compare_plans(t, o->name, o->template, same->template);
	for (size_t i = 0; i < r->n && again.n == 1; i++)
		if (is_equal(r->v[i].pod.controller, again.v[0].pod.controller))
			compare_plans(t, o->name, &r->v[i], &again.v[0]);
	if (write_again(o->yaml, &text, &err) < 0 || !is_equal(text, o->yaml))
		fail_case(t, o->name, "generate is no fixed point");
	buf_adds(&all_objects, o->yaml);
}

/* ---- one case ---------------------------------------------------------------------------------
 */

/* Replaces the case's absolute folder, which relative host paths are resolved by. */
static char *without_folder(const struct test_case *t, const char *text)
{
	cleanup_free char *real = realpath(t->folder, NULL);
	struct buf out = BUF_INIT(MAX_FILE);

	while (*text) {
		const char *at = real ? strstr(text, real) : NULL;

		buf_add(&out, text, at ? (size_t)(at - text) : strlen(text));
		if (!at)
			break;
		buf_adds(&out, "/FOLDER");
		text = at + strlen(real);
	}
	return buf_steal(&out);
}

static void check_good(const struct test_case *t, const struct kube_result *r, const char *lines)
{
	struct buf out = BUF_INIT(MAX_FILE);
	cleanup_free char *whole = NULL, *text = NULL;

	for (size_t i = 0; i < r->n_objects; i++) {
		const struct kube_object *o = &r->objects[i];

		if (o->template)
			check_law(t, o->template);
		if (!o->yaml || o->from_option)
			continue;
		buf_adds(&out, o->yaml);
		check_object(t, r, o);
	}
	for (size_t i = 0; i < r->n; i++) {
		buf_adds(&out, r->v[i].kube_yaml);
		check_law(t, &r->v[i]);
	}
	whole = buf_steal(&out);
	text = without_folder(t, whole);
	expect(t, "expected.yaml", text);
	expect(t, "warnings", *lines ? lines : NULL);
	expect(t, "error", NULL);
}

static void run_case(const char *name)
{
	struct test_case t = { .name = name, .folder = xasprintf("%s/%s", CASES, name) };
	cleanup_free char *flags = read_or_null(&t, "flags");
	cleanup_free char *json = xasprintf("%s/input.json", t.folder);
	cleanup_free char *yaml = xasprintf("%s/input.yaml", t.folder);
	cleanup_kube_result struct kube_result r = { 0 };
	cleanup_free char *lines = NULL;

	t.strict = flags && strstr(flags, "strict");
	t.play = flags && strstr(flags, "play");
	load(&t, access(json, R_OK) == 0 ? json : yaml, &r);
	lines = findings(&r);
	if (r.has_errors) {
		expect(&t, "error", lines);
		expect(&t, "expected.yaml", NULL);
		expect(&t, "warnings", NULL);
		CU_ASSERT_EQUAL(r.n, 0);
	} else {
		check_good(&t, &r, lines);
	}
	free(t.folder);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void test_cases(void)
{
	const char *only = getenv("CASE");

	CU_ASSERT(cases.n >= 60);
	for (size_t i = 0; i < cases.n; i++) {
		if (!only || strcmp(only, cases.v[i]) == 0)
			run_case(cases.v[i]);
	}
}

/* ---- others' judgement ------------------------------------------------------------------------
 */

static void test_kubectl_types(void)
{
	char *const version[] = { (char *)"kubectl", (char *)"version", (char *)"--client", NULL };
	cleanup_free char *file = NULL, *err_file = NULL, *out = NULL, *complaints = NULL;
	bool good = false;
	struct error err = { 0 };

	if (!oracle_has(version)) {
		TEST_SKIP(
			"kubectl is not installed: its typed decoding of our output is not asked");
		return;
	}
	file = oracle_temp(all_outputs.data, all_outputs.len);
	err_file = xasprintf("%s.err", file);
	{
		char *const argv[] = { (char *)"kubectl",
				       (char *)"set",
				       (char *)"env",
				       (char *)"--local",
				       (char *)"-o",
				       (char *)"json",
				       (char *)"-f",
				       file,
				       (char *)"PODIUM_TEST=1",
				       NULL };

		if (oracle_run(argv, err_file, &out) == 0 && strstr(out, "PODIUM_TEST"))
			good = true;
	}
	if (!good && fs_read_file(AT_FDCWD, err_file, MAX_FILE, &complaints, NULL, &err) == 0)
		printf("kubectl set env: %s\n", complaints);
	CU_ASSERT_TRUE(good);
	free(out);
	CU_ASSERT_EQUAL(oracle_kubectl(all_objects.data, all_objects.len, &out), 0);
	(void)unlink(err_file);
	(void)unlink(file);
}

static void test_the_walk_notices(void)
{
	cleanup_free char *unknown = oracle_walk_pod("---\nspec:\n  containerz: []\n");
	cleanup_free char *type = oracle_walk_pod("---\nspec:\n  hostname: 5\n");
	cleanup_free char *good = oracle_walk_pod("---\nspec:\n  hostname: \"5\"\n");

	CU_ASSERT_PTR_NOT_NULL(unknown);
	CU_ASSERT_PTR_NOT_NULL(type);
	CU_ASSERT_PTR_NULL(good);
}

static void test_generate_refuses(void)
{
	struct pod_plan plan = { .pod = { .name = (char *)"empty" } };
	const struct generate_request rq = { 0 };
	struct generate_run run = { .rq = &rq, .out = BUF_INIT(MAX_FILE) };
	struct error err = { 0 };
	char *text = NULL;

	CU_ASSERT(kube_generate_from_plan(&plan, &text, &err) < 0);
	CU_ASSERT(generate_document(&run, "Pod", "a: [", &err) < 0);
	CU_ASSERT(generate_document(&run, "Pod", "[]", &err) < 0);
	CU_ASSERT(generate_document(&run, "Potato", "a: b", &err) < 0);
	CU_ASSERT_EQUAL(run.out.len, 0);
	CU_ASSERT_PTR_NULL(text);
	generate_run_done(&run);
}

static int find_cases(void)
{
	DIR *d = opendir(CASES);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] != '.')
			strlist_add(&cases, e->d_name);
	}
	if (d)
		(void)closedir(d);
	if (cases.n)
		qsort(cases.v, cases.n, sizeof(char *), by_name);
	all_outputs = BUF_INIT((size_t)64 << 20);
	all_objects = BUF_INIT((size_t)64 << 20);
	return cases.n ? 0 : 1;
}

static int forget_cases(void)
{
	strlist_done(&cases);
	buf_done(&all_outputs);
	buf_done(&all_objects);
	return 0;
}

static CU_TestInfo tests[] = {
	{ "every case of testdata/kube", test_cases },
	{ "kubectl decodes every output", test_kubectl_types },
	{ "the walk against k8s-fields.json notices", test_the_walk_notices },
	{ "generate refuses what it cannot write", test_generate_refuses },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "roundtrip", find_cases, forget_cases, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
