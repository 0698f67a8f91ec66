/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_schema - the tables against Kubernetes' own list of fields, in both directions.
 *
 * testdata/k8s-fields.json names every field of every model of Kubernetes 1.36 with its type. From
 * Pod on, every model reached by the tables must be the model there, field by field; and every
 * field there must be in the tables.
 */
#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "schemas/models.h"
#include "tests/support/cunit_main.h"

static json_t *models;

/* The JSON's words for a row's type. */
static char *type_text(const struct schema_field *f)
{
	static const char *const names[] = {
		[FIELD_STRING] = "string",
		[FIELD_INT32] = "number:int32",
		[FIELD_INT64] = "number:int64",
		[FIELD_BOOL] = "boolean",
		[FIELD_QUANTITY] = "string",
		[FIELD_INT_OR_STRING] = "IntOrString:int-or-string",
		[FIELD_TIMESTAMP] = "Date:date-time",
		[FIELD_BYTES] = "string:byte",
		[FIELD_ANY] = "any",
	};
	const char *name = f->type == FIELD_OBJECT ? f->sub->name : names[f->type];

	if (f->shape == SHAPE_MAP)
		return xstrdup(f->type == FIELD_BYTES ? "{ [key: string]: string; }:byte"
						      : "{ [key: string]: string; }");
	if (f->shape == SHAPE_ONE)
		return xstrdup(name);
	if (f->type == FIELD_INT32 || f->type == FIELD_INT64)
		return xasprintf("Array<number>%s", strchr(name, ':'));
	return xasprintf("Array<%s>", name);
}

static bool is_outside_the_list(const struct schema_type *t)
{
	return strcmp(t->name, "CoreV1ResourceClaim") == 0; /* named there, not described */
}

static bool check_row(const struct schema_type *t, json_t *fields, const struct schema_field *f)
{
	const char *want = json_string_value(json_object_get(fields, f->name));
	cleanup_free char *have = type_text(f);

	if (want && strcmp(want, have) == 0)
		return true;
	printf("%s.%s: the table says %s, Kubernetes %s\n", t->name, f->name, have,
	       want ? want : "has no such field");
	return false;
}

static bool check_type(const struct schema_type *t)
{
	json_t *fields = json_object_get(models, t->name), *value;
	const char *name;
	bool good = fields != NULL || is_outside_the_list(t);

	for (const struct schema_field *f = t->fields; f->name && fields; f++)
		good &= check_row(t, fields, f);
	json_object_foreach (fields, name, value) {
		if (schema_find(t, name))
			continue;
		printf("%s.%s is not in the table\n", t->name, name);
		good = false;
	}
	return good;
}

static size_t closure(const struct schema_type **seen, size_t n, const struct schema_type *t)
{
	for (size_t i = 0; i < n; i++) {
		if (seen[i] == t)
			return n;
	}
	if (n == 256)
		return n;
	seen[n++] = t;
	for (const struct schema_field *f = t->fields; f->name; f++) {
		if (f->type == FIELD_OBJECT)
			n = closure(seen, n, f->sub);
	}
	return n;
}

static void test_tables_match_kubernetes(void)
{
	const struct schema_type *seen[256];
	size_t n = closure(seen, 0, &schema_pod);

	CU_ASSERT_EQUAL(n, 131); /* 129 of the list, ResourceClaim, a claim template's ObjectMeta */
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_TRUE(check_type(seen[i]));
}

/* Every kind of the registry that has a table, and with all of them every model of the list. */
static void test_kinds_match_kubernetes(void)
{
	const struct schema_type *seen[256];
	const char *name;
	json_t *fields;
	size_t n = 0;

	for (const struct schema_kind *k = schema_kinds; k->kind; k++) {
		CU_ASSERT_EQUAL(k->type != NULL,
				k->support == KIND_PLAYED || k->support == KIND_LATER);
		if (k->type)
			n = closure(seen, n, k->type);
	}
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_TRUE(check_type(seen[i]));
	json_object_foreach (models, name, fields) {
		bool found = false;

		for (size_t i = 0; i < n && !found; i++)
			found = strcmp(seen[i]->name, name) == 0;
		if (!found)
			printf("no table for %s\n", name);
		CU_ASSERT_TRUE(found || strcmp(name, "V1ResourceClaim") == 0);
	}
}

/* A walk that cannot complain proves nothing. */
static void test_the_walk_notices(void)
{
	static const struct schema_field wrong_fields[] = {
		{ .name = "ip", .type = FIELD_INT32 },
		{ .name = "hostnames", .type = FIELD_STRING, .shape = SHAPE_LIST },
		{ 0 },
	};
	static const struct schema_field short_fields[] = {
		{ .name = "ip", .type = FIELD_STRING },
		{ 0 },
	};
	static const struct schema_type wrong = { "V1HostAlias", "HostAlias", 0, wrong_fields };
	static const struct schema_type shorter = { "V1HostAlias", "HostAlias", 0, short_fields };

	CU_ASSERT_FALSE(check_type(&wrong));
	CU_ASSERT_FALSE(check_type(&shorter));
}

static void test_rows_are_sound(void)
{
	const struct schema_type *seen[256];
	size_t n = 0;

	for (const struct schema_kind *k = schema_kinds; k->kind; k++)
		n = k->type ? closure(seen, n, k->type) : n;
	for (size_t i = 0; i < n; i++) {
		for (const struct schema_field *f = seen[i]->fields; f->name; f++) {
			if (f->support == FIELD_HONOURED)
				CU_ASSERT(seen[i]->size > f->offset);
			/* what a person can meet as "has no effect" must say why */
			if (f->support == FIELD_KNOWN && seen[i]->size)
				CU_ASSERT_PTR_NOT_NULL(f->reason);
			if (f->support == FIELD_HONOURED && f->type == FIELD_OBJECT)
				CU_ASSERT(f->sub->size > 0);
		}
	}
}

static void test_kinds(void)
{
	CU_ASSERT_PTR_EQUAL(schema_kind_find("v1", "Pod")->type, &schema_pod);
	CU_ASSERT_EQUAL(schema_kind_find("v1", "Secret")->support, KIND_PLAYED);
	CU_ASSERT_EQUAL(schema_kind_find("apps/v1", "Deployment")->support, KIND_PLAYED);
	CU_ASSERT_EQUAL(schema_kind_find("apps/v1", "StatefulSet")->support, KIND_LATER);
	CU_ASSERT_EQUAL(schema_kind_find("networking.k8s.io/v1", "Ingress")->support, KIND_CLUSTER);
	CU_ASSERT_PTR_NULL(schema_kind_find("apps/v1", "Pod"));
	CU_ASSERT_PTR_NOT_NULL(schema_kind_find(NULL, "Pod"));
	CU_ASSERT_PTR_NULL(schema_kind_find(NULL, "Podd"));
}

static int load(void)
{
	struct error err = { 0 };

	return jload_file(AT_FDCWD, "testdata/k8s-fields.json", (size_t)1 << 20, &models, &err);
}

static int unload(void)
{
	json_decref(models);
	return 0;
}

static CU_TestInfo tests[] = {
	{ "tables match Kubernetes in both directions", test_tables_match_kubernetes },
	{ "so do those of all kinds", test_kinds_match_kubernetes },
	{ "the walk notices a wrong and a missing field", test_the_walk_notices },
	{ "rows are sound", test_rows_are_sound },
	{ "kinds", test_kinds },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "schema", load, unload, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
