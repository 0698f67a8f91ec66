/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kubectl - kubectl's typed decoding and ours, field by field.
 *
 * For each field of each model that is reached from a kind of the tables a document is made in which
 * it has a right value, and one for each kind of wrong value; kubectl (set env --local, which decodes
 * into Kubernetes' own types and asks no server) and we must refuse the same of them. What kubectl
 * does not decode is left to k8s-fields.json (test_schema.c): unknown names, which texts are allowed,
 * what is required.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "kube/decode.h"
#include "kube/document.h"
#include "schemas/models.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"
#include "tests/support/oracle.h"

#define MAX_TYPES 256
#define MAX_TEXT  ((size_t)16 << 20)

struct variants {
	const struct schema_type *seen[MAX_TYPES];
	size_t n_seen;
	const struct schema_kind *kind;
	struct strlist documents;
	struct strlist titles;
	struct strlist fields; /* of each: "PodSpec.os" */
	size_t unknown;	       /* fields that this kubectl does not have */
};

/* ---- documents ----------------------------------------------------------------------------- */

/* `inner` is what the field has; before and after are what stands around its object. */
static void add_document(struct variants *v, const struct schema_type *type,
			 const struct schema_field *f, const char *before, const char *after,
			 const char *inner)
{
	bool is_meta = strcmp(before, "metadata: {") == 0;
	const char *name = is_meta && strcmp(f->name, "name") != 0 ? "name: w, " : "";
	bool has_name = is_prefix(before, "metadata: {") || strcmp(f->name, "metadata") == 0;
	bool is_root = is_empty(before);

	if (is_root && (strcmp(f->name, "apiVersion") == 0 || strcmp(f->name, "kind") == 0))
		return; /* another kind then, or none */
	/* a document that begins with a brace is JSON to kubectl */
	strlist_addf(&v->documents, "apiVersion: %s\nkind: %s\n%s%s%s%s: %s%s\n",
		     v->kind->api_version, v->kind->kind, has_name ? "" : "metadata: {name: w}\n",
		     before, name, f->name, inner, after);
	strlist_addf(&v->fields, "%s.%s", type->title, f->name);
	strlist_addf(&v->titles, "%s %s.%s: %s", v->kind->kind, type->title, f->name, inner);
}

static const char *right_value(const struct schema_field *f)
{
	static const char *const ones[] = {
		[FIELD_STRING] = "text", [FIELD_INT32] = "7",
		[FIELD_INT64] = "7",	 [FIELD_BOOL] = "true",
		[FIELD_QUANTITY] = "1",	 [FIELD_INT_OR_STRING] = "7",
		[FIELD_ANY] = "{}",	 [FIELD_TIMESTAMP] = "'2026-01-01T00:00:00Z'",
		[FIELD_BYTES] = "aGk=",	 [FIELD_OBJECT] = "{}",
	};

	return f->values ? f->values[0] : ones[f->type];
}

static void add_values(struct variants *v, const struct schema_type *type,
		       const struct schema_field *f, const char *before, const char *after)
{
	static const char *const values[] = { "text", "7",  "1.5", "true",  "[]",
					      "{}",   "''", "[5]", "{a: 5}" };
	cleanup_free char *right = xasprintf(f->shape == SHAPE_LIST  ? "[%s]"
					     : f->shape == SHAPE_MAP ? "{a: %s}"
								     : "%s",
					     right_value(f));

	add_document(v, type, f, before, after, right);
	if (f->type == FIELD_ANY)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (!f->values || strcmp(values[i], "text") != 0)
			add_document(v, type, f, before, after, values[i]);
}

static void walk(struct variants *v, const struct schema_type *type, const char *before,
		 const char *after)
{
	for (size_t i = 0; i < v->n_seen; i++)
		if (v->seen[i] == type)
			return;
	if (v->n_seen == MAX_TYPES)
		return;
	v->seen[v->n_seen++] = type;
	for (const struct schema_field *f = type->fields; f->name; f++)
		add_values(v, type, f, before, after);
	for (const struct schema_field *f = type->fields; f->name; f++) {
		bool list = f->shape == SHAPE_LIST;
		cleanup_free char *inner_before =
			xasprintf("%s%s: %s{", before, f->name, list ? "[" : "");
		cleanup_free char *inner_after = xasprintf("}%s%s", list ? "]" : "", after);

		if (f->type == FIELD_OBJECT && f->shape != SHAPE_MAP)
			walk(v, f->sub, inner_before, inner_after);
	}
}

/* ---- two opinions -------------------------------------------------------------------------- */

static bool is_refused_here(const char *text, const struct schema_type *type)
{
	cleanup_doc_set struct doc_set set = { 0 };
	struct kube_diags diags = { 0 };
	struct diag_sink sink = { .list = &diags, .file = "f" };
	struct doc_place where;
	struct error err = { 0 };
	bool bad = document_parse(text, strlen(text), &set, &where, &err) < 0 || set.n != 1;

	if (!bad)
		decode_check(&sink, type, set.v[0]);
	/* which texts are allowed, and which names, is not a matter of types */
	for (size_t i = 0; i < diags.n; i++)
		bad |= !strstr(diags.v[i].text, "is not one of") &&
		       !is_prefix(diags.v[i].text, "unknown field");
	kube_diags_done(&diags);
	return bad;
}

/* What kubectl says about a folder of documents, file names and all; NULL: it is not here. */
static char *ask_kubectl(const char *folder)
{
	cleanup_free char *err_file = xasprintf("%s.err", folder);
	char *const argv[] = {
		(char *)"kubectl", (char *)"set", (char *)"env",  (char *)"--local", (char *)"-o",
		(char *)"name",	   (char *)"-f",  (char *)folder, (char *)"X=y",     NULL
	};
	cleanup_free char *out = NULL;
	struct error err = { 0 };
	char *said = NULL;

	if (oracle_run(argv, err_file, &out) == 127)
		return NULL;
	if (fs_read_file(AT_FDCWD, err_file, MAX_TEXT, &said, NULL, &err) < 0)
		said = NULL;
	(void)unlink(err_file);
	return said;
}

static void write_documents(const char *folder, const struct variants *v)
{
	struct error err = { 0 };

	for (size_t i = 0; i < v->documents.n; i++) {
		cleanup_free char *path = xasprintf("%s/%05zu.yaml", folder, i);
		const char *text = v->documents.v[i];

		CU_ASSERT_EQUAL(
			fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0600, FS_NOSYNC, &err),
			0);
	}
}

static bool is_refused_there(const char *said, size_t i)
{
	cleanup_free char *name = xasprintf("/%05zu.yaml\"", i);

	return strstr(said, name) != NULL;
}

static size_t compare_field(const struct variants *v, const char *said, size_t first, size_t end)
{
	size_t differ = 0;

	for (size_t i = first; i < end; i++) {
		bool here = is_refused_here(v->documents.v[i], v->kind->type);

		if (is_refused_there(said, i) == here)
			continue;
		differ++;
		printf("%s is refused %s\n", v->titles.v[i],
		       here ? "here, not by kubectl" : "by kubectl, not here");
	}
	return differ;
}

/* A field of which kubectl refuses nothing it does not have: it is older than the tables. */
static size_t compare(struct variants *v, const char *said)
{
	size_t differ = 0, end;

	for (size_t i = 0; i < v->documents.n; i = end) {
		bool known = false;

		for (end = i; end < v->documents.n && is_equal(v->fields.v[end], v->fields.v[i]);
		     end++)
			known |= is_refused_there(said, end);
		if (known)
			differ += compare_field(v, said, i, end);
		else
			v->unknown++;
	}
	return differ;
}

static void check_kind(struct variants *v)
{
	char *folder = temp_make();
	cleanup_free char *said = NULL;

	walk(v, v->kind->type, "", "");
	write_documents(folder, v);
	said = ask_kubectl(folder);
	CU_ASSERT_PTR_NOT_NULL_FATAL(said);
	CU_ASSERT_EQUAL(compare(v, said), 0);
	strlist_done(&v->documents);
	strlist_done(&v->titles);
	strlist_done(&v->fields);
	temp_remove(folder);
}

static void test_types(void)
{
	char *const version[] = { (char *)"kubectl", (char *)"version", (char *)"--client", NULL };
	struct variants v = { 0 };

	if (!oracle_has(version)) {
		TEST_SKIP("kubectl is not installed: its typed decoding is not asked");
		return;
	}
	for (v.kind = schema_kinds; v.kind->kind; v.kind++)
		if (v.kind->type)
			check_kind(&v);
	CU_ASSERT(v.n_seen > 200);
	printf("  this kubectl does not have %zu of the fields\n", v.unknown);
	CU_ASSERT(v.unknown < 60);
}

static CU_TestInfo tests[] = {
	{ "types as kubectl has them", test_types },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "kubectl", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
