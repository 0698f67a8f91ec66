/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_variants - wrong variants of every manifest of testdata/kube/, and three opinions of each.
 *
 * Each field that a good case sets is misspelled, given values of other types, and gets a neighbour
 * that nobody knows; what is required is left out. `kube validate` must refuse every variant. The
 * walk over testdata/k8s-fields.json must refuse those with a wrong name or type, and kubectl's typed
 * decoding those with a wrong type; and both must take every case as it is. Where they are not asked:
 * the walk, what is required (the list does not say) and numbers for quantities (it calls them
 * texts); what is required in what is not played, nobody; kubectl, names that nobody knows (without a server it passes over them), what is required,
 * and fields that it is too old for (it refuses no variant of them). What only an API server checks
 * - ranges, allowed texts, references - no variant has: test_validate.c has that.
 *
 * One variant of a kind is enough for a row: "Pod.spec.hostname".
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "kube/kube.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"
#include "tests/support/oracle.h"
#include "tests/support/rewrite.h"

#define CASES	 "testdata/kube"
#define MAX_FILE ((size_t)64 << 20)

/* A document for kubectl. */
struct question {
	char *row;
	char *text;
	bool right;
};
static struct question *questions;
static size_t n_questions;

struct subject {
	const char *name;
	const struct doc_set *set;
};
static struct strlist seen;	    /* rows that were tried */
static struct strlist seen_holders; /* mappings that were given a neighbour */
static size_t n_variants;

/* ---- three opinions ---------------------------------------------------------------------------
 */

static void ask_later(const char *row, const char *text, bool right)
{
	questions = xreallocarray(questions, n_questions + 1, sizeof(*questions));
	questions[n_questions++] =
		(struct question){ xstrdup(row), xasprintf("---\n%s", text), right };
}

static bool is_refused_here(const char *text)
{
	cleanup_kube_result struct kube_result r = { 0 };
	struct kube_input input = { 0 };

	kube_load_text(&input, "input.yaml", text, strlen(text), &r);
	return r.has_errors;
}

static void must_refuse(const struct subject *s, const struct field_place *at,
			const struct rewrite *r, bool ask_walk, bool ask_kubectl)
{
	cleanup_free char *whole = rewrite_documents(s->set, r);
	cleanup_free char *text = rewrite_document(s->set, at->document, r);
	cleanup_free char *walk = NULL;

	/* the one model that the list names without describing it */
	if (strcmp(at->type->name, "CoreV1ResourceClaim") == 0)
		ask_walk = false;
	if (ask_walk)
		walk = oracle_walk_input(text);
	n_variants++;
	if (!is_refused_here(whole)) {
		printf("%s: %s, changed to %s, is not refused here\n", s->name, at->path,
		       r->text ? r->text : "nothing");
		CU_FAIL("not refused here");
	}
	if (ask_walk && !walk) {
		printf("%s: %s, changed to %s, is right for the walk\n", s->name, at->path,
		       r->text);
		CU_FAIL("not refused by the walk");
	}
	if (ask_kubectl)
		ask_later(at->row, text, false);
}

/* ---- variants ---------------------------------------------------------------------------------
 */

/* Values that the field cannot have, ended by NULL. */
static const char *const *wrong_values(const struct schema_field *f)
{
	static const char *const for_one[][6] = {
		[FIELD_STRING] = { "7", "true", "[x]", "{a: b}" },
		[FIELD_INT32] = { "\"7\"", "1.5", "[7]", "{a: 7}", "true" },
		[FIELD_INT64] = { "\"7\"", "1.5", "[7]", "{a: 7}", "true" },
		[FIELD_BOOL] = { "\"true\"", "1", "[true]", "{a: true}" },
		[FIELD_QUANTITY] = { "[1]", "{a: 1}", "true" },
		[FIELD_INT_OR_STRING] = { "[1]", "{a: 1}", "true" },
		[FIELD_TIMESTAMP] = { "7", "[x]", "{a: b}" },
		[FIELD_BYTES] = { "7", "true", "[x]" },
		[FIELD_OBJECT] = { "[]", "[{}]", "\"text\"", "7" },
		[FIELD_ANY] = { NULL },
	};
	static const char *const for_list[] = { "{a: b}", "\"text\"", "7", "[[]]", NULL };
	static const char *const for_map[] = { "[a]", "\"text\"", "{a: [x]}", "{a: {b: c}}", NULL };

	if (f->shape == SHAPE_LIST)
		return for_list;
	return f->shape == SHAPE_MAP ? for_map : for_one[f->type];
}

static bool is_root_word(const struct field_place *at)
{
	return is_suffix(at->path, ":.kind") || is_suffix(at->path, ":.apiVersion");
}

static void vary(void *arg, const struct field_place *at)
{
	const struct subject *s = arg;
	const struct schema_field *f = at->field;
	cleanup_free char *misspelled = xasprintf("\"%sz\"", f->name);
	struct rewrite key = { REWRITE_KEY, at->path, misspelled, NULL };
	struct rewrite gone = { REWRITE_REMOVE, at->path, NULL, NULL };

	if (is_root_word(at) || strlist_has(&seen, at->row))
		return;
	strlist_add(&seen, at->row);
	must_refuse(s, at, &key, true, false);
	if (f->required && at->honoured)
		must_refuse(s, at, &gone, false, false);
	for (const char *const *v = wrong_values(f); *v; v++) {
		struct rewrite r = { REWRITE_VALUE, at->path, *v, NULL };
		bool vague = f->type == FIELD_QUANTITY && f->shape == SHAPE_ONE;

		must_refuse(s, at, &r, !vague || **v != '7', true);
	}
	if (f->type == FIELD_OBJECT && at->value->kind == NODE_MAP &&
	    !strlist_has(&seen_holders, at->row)) {
		struct rewrite r = { REWRITE_ADD, at->path, "nobodyKnows: 1", NULL };

		strlist_add(&seen_holders, at->row);
		must_refuse(s, at, &r, true, false);
	}
}

static char *read_case(const char *name)
{
	char *text = NULL;
	struct error err = { 0 };

	for (int i = 0; i < 2 && !text; i++) {
		cleanup_free char *path =
			xasprintf("%s/%s/input.%s", CASES, name, i ? "json" : "yaml");

		if (fs_read_file(AT_FDCWD, path, MAX_FILE, &text, NULL, &err) < 0)
			text = NULL;
	}
	return text;
}

/* The case as it is: right for all three. */
static void check_right(const char *name, const struct doc_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct node *kind = node_get(set->v[i], "kind");
		const struct node *version = node_get(set->v[i], "apiVersion");
		const struct schema_kind *k =
			kind && version ? schema_kind_find(version->text, kind->text) : NULL;
		cleanup_free char *text = rewrite_document(set, i, NULL), *bad = NULL;

		if (!k || !k->type)
			continue;
		bad = oracle_walk_input(text);
		if (bad)
			printf("%s: the walk: %s\n", name, bad);
		CU_ASSERT_PTR_NULL(bad);
		ask_later(name, text, true);
	}
}

static void one_case(const char *name)
{
	cleanup_free char *text = read_case(name);
	cleanup_free char *error_file = xasprintf("%s/%s/error", CASES, name);
	cleanup_doc_set struct doc_set set = { 0 };
	cleanup_free char *whole = NULL;
	struct subject s = { .name = name, .set = &set };
	struct doc_place where;
	struct error err = { 0 };

	if (!text || access(error_file, R_OK) == 0 ||
	    document_parse(text, strlen(text), &set, &where, &err) < 0)
		return;
	whole = rewrite_documents(&set, NULL);
	if (is_refused_here(whole))
		return; /* it needs a file of --configmap */
	check_right(name, &set);
	rewrite_visit(&set, true, vary, &s);
}

static void test_variants(void)
{
	DIR *d = opendir(CASES);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			one_case(e->d_name);
	if (d)
		(void)closedir(d);
	printf("  %zu variants of %zu fields\n", n_variants, seen.n);
	CU_ASSERT(n_variants > 3000);
}

/* ---- kubectl ----------------------------------------------------------------------------------
 */

static char *ask_kubectl(const char *folder)
{
	cleanup_free char *err_file = xasprintf("%s.err", folder), *out = NULL;
	char *const argv[] = {
		(char *)"kubectl", (char *)"set", (char *)"env",  (char *)"--local", (char *)"-o",
		(char *)"name",	   (char *)"-f",  (char *)folder, (char *)"X=y",     NULL
	};
	struct error err = { 0 };
	char *said = NULL;

	if (oracle_run(argv, err_file, &out) == 127 ||
	    fs_read_file(AT_FDCWD, err_file, MAX_FILE, &said, NULL, &err) < 0)
		said = NULL;
	(void)unlink(err_file);
	return said;
}

static bool is_refused_there(const char *said, size_t i)
{
	cleanup_free char *name = xasprintf("/%06zu.yaml\"", i);

	return strstr(said, name) != NULL;
}

/* Whether kubectl refuses some variant of the row: else it does not have the field. */
static bool is_row_known(const bool *refused, const char *row)
{
	for (size_t i = 0; i < n_questions; i++)
		if (refused[i] && strcmp(questions[i].row, row) == 0)
			return true;
	return false;
}

static void compare_answers(const char *said)
{
	bool *refused = xcalloc(n_questions, sizeof(*refused));
	size_t too_old = 0;

	for (size_t i = 0; i < n_questions; i++)
		refused[i] = is_refused_there(said, i);
	for (size_t i = 0; i < n_questions; i++) {
		const struct question *q = &questions[i];

		if (refused[i] == !q->right)
			continue;
		if (!q->right && !is_row_known(refused, q->row)) {
			too_old++;
			continue;
		}
		printf("%s: kubectl %s\n%s\n", q->row, refused[i] ? "refuses" : "takes", q->text);
		CU_FAIL("kubectl is of another opinion");
	}
	printf("  %zu documents for kubectl, %zu of fields that it does not have\n", n_questions,
	       too_old);
	CU_ASSERT(too_old < n_questions / 20);
	free(refused);
}

static void test_kubectl(void)
{
	char *const version[] = { (char *)"kubectl", (char *)"version", (char *)"--client", NULL };
	cleanup_free char *said = NULL;
	struct error err = { 0 };
	char *folder;

	if (!oracle_has(version)) {
		TEST_SKIP("kubectl is not installed: it is not asked about wrong variants");
		return;
	}
	folder = temp_make();
	for (size_t i = 0; i < n_questions; i++) {
		cleanup_free char *path = xasprintf("%s/%06zu.yaml", folder, i);

		CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, path, questions[i].text,
						strlen(questions[i].text), 0600, FS_NOSYNC, &err),
				0);
	}
	said = ask_kubectl(folder);
	temp_remove(folder);
	CU_ASSERT_PTR_NOT_NULL_FATAL(said);
	compare_answers(said);
}

static int end(void)
{
	for (size_t i = 0; i < n_questions; i++) {
		free(questions[i].row);
		free(questions[i].text);
	}
	free(questions);
	strlist_done(&seen);
	strlist_done(&seen_holders);
	return 0;
}

static CU_TestInfo tests[] = {
	{ "wrong variants of every case", test_variants },
	{ "kubectl's opinion of them", test_kubectl },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "variants", NULL, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
