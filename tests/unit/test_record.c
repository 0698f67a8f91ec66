/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_record - every record of the engine, by its own table: there and back with every member set,
 * each member missed when it differs, each wrong type named, each cut refused.
 *
 * The tests walk the tables, so a member that is added is tested from that day; that a table names
 * all members of its struct is told by their places in memory.
 */
#include "engine/base/record.h"

#include <errno.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"
#include "engine/process/launch.h"
#include "engine/state/status.h"
#include "tests/support/cunit_main.h"

#define PATH_MAX_TEXT 200
#define OBJECT_MAX    2048
#define LIST_LENGTH   2

static const struct record_type *const types[] = { &pod_spec_type,	   &container_spec_type,
						   &container_status_type, &image_config_type,
						   &sandbox_record_type,   &exec_request_type };

/* An object of any of the types. */
union object {
	char bytes[OBJECT_MAX];
	long double align;
};

static void *at(void *obj, const struct record_field *f)
{
	return (char *)obj + f->offset;
}

/* ---- filling ---------------------------------------------------------------------------- */

static void fill(const struct record_type *t, void *obj, unsigned int *seed);

/* Letters of several scripts, nothing at all, bytes that are no text. */
static char *some_text(unsigned int *seed)
{
	static const char *const texts[] = { "plain",
					     "",
					     "caf\xc3\xa9 \xe2\x82\xac",
					     "\xff\xfe/\x80",
					     "a\"b\\c\n\t\x01",
					     "\xf0\x9f\x90\xb3" };
	unsigned int n = (*seed)++;

	return n % 3 ? xasprintf("%s%u", texts[n % ARRAY_SIZE(texts)], n)
		     : xstrdup(texts[n % ARRAY_SIZE(texts)]);
}

static void fill_list(const struct record_field *f, void *m, unsigned int *seed)
{
	struct record_list l = { xcalloc(LIST_LENGTH, f->sub->size), LIST_LENGTH };

	for (size_t i = 0; i < l.n; i++)
		fill(f->sub, (char *)l.v + i * f->sub->size, seed);
	memcpy(m, &l, sizeof(l));
}

static void fill_pairs(struct pairlist *l, unsigned int *seed)
{
	for (int i = 0; i < LIST_LENGTH; i++) {
		cleanup_free char *key = xasprintf("key%u", *seed);
		cleanup_free char *value = some_text(seed);

		pairlist_set(l, key, value);
	}
}

static void fill_field(const struct record_field *f, void *m, unsigned int *seed)
{
	char *s;

	switch (f->kind) {
	case RECORD_STRING:
		s = some_text(seed);
		memcpy(m, &s, sizeof(s));
		break;
	case RECORD_BOOL:
		*(bool *)m = true;
		break;
	case RECORD_I64:
		*(int64_t *)m = (*seed)++ % 2 ? INT64_MIN + *seed : INT64_MAX - *seed;
		break;
	case RECORD_U32:
		*(uint32_t *)m = UINT32_MAX - (*seed)++;
		break;
	case RECORD_U16:
		*(uint16_t *)m = (uint16_t)(UINT16_MAX - (*seed)++);
		break;
	case RECORD_ENUM:
		*(int *)m = 1;
		break;
	case RECORD_STRLIST:
		for (int i = 0; i < LIST_LENGTH; i++)
			strlist_take(m, some_text(seed));
		break;
	case RECORD_PAIRS:
		fill_pairs(m, seed);
		break;
	case RECORD_OBJECT:
		fill(f->sub, m, seed);
		break;
	case RECORD_LIST:
		fill_list(f, m, seed);
		break;
	}
}

static void fill(const struct record_type *t, void *obj, unsigned int *seed)
{
	memset(obj, 0, t->size);
	for (const struct record_field *f = t->fields; f->name; f++)
		fill_field(f, at(obj, f), seed);
}

static json_t *reload(const json_t *j)
{
	cleanup_free char *text = jdump_text(j, 1);
	struct error err;
	json_t *back = NULL;

	CU_ASSERT_EQUAL_FATAL(jload_text(text, strlen(text), "record", &back, &err), 0);
	return back;
}

/* ---- there and back --------------------------------------------------------------------- */

static void check_round_trip(const struct record_type *t, unsigned int seed)
{
	union object a, b, c;
	cleanup_json json_t *j = NULL;
	cleanup_json json_t *back = NULL;
	cleanup_json json_t *again = NULL;
	struct error err;
	char *path = NULL;

	CU_ASSERT_TRUE_FATAL(t->size <= sizeof(a));
	fill(t, &a, &seed);
	j = record_dump(t, &a);
	back = reload(j);
	CU_ASSERT_EQUAL_FATAL(record_load(t, back, &b, &err), 0);
	CU_ASSERT_TRUE(record_equal(t, &a, &b, &path));
	again = record_dump(t, &b);
	CU_ASSERT_TRUE(json_equal(j, again)); /* the ephemeral members too */
	record_copy(t, &c, &a);
	CU_ASSERT_TRUE(record_equal(t, &a, &c, &path));
	CU_ASSERT_PTR_NULL(path);
	record_done(t, &a);
	CU_ASSERT_TRUE(record_equal(t, &b, &c, &path)); /* the copy is deep */
	record_done(t, &b);
	record_done(t, &c);
	record_done(t, &c);
}

static void test_round_trip(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		for (unsigned int seed = 0; seed < 12; seed++)
			check_round_trip(types[i], seed);
}

/* Every member is written under its name, in the table's order. */
static void check_names(const struct record_type *t)
{
	union object a;
	unsigned int seed = 1;
	cleanup_json json_t *j = NULL;
	void *iter;

	fill(t, &a, &seed);
	j = record_dump(t, &a);
	iter = json_object_iter(j);
	for (const struct record_field *f = t->fields; f->name; f++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(iter);
		CU_ASSERT_STRING_EQUAL(json_object_iter_key(iter), f->name);
		iter = json_object_iter_next(j, iter);
		for (const struct record_field *g = t->fields; g != f; g++)
			CU_ASSERT_STRING_NOT_EQUAL(f->name, g->name);
		if (f->sub)
			check_names(f->sub);
	}
	CU_ASSERT_PTR_NULL(iter);
	record_done(t, &a);
}

static void test_names(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		check_names(types[i]);
}

static void test_defaults_are_not_written(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		union object a, b;
		struct error err;
		cleanup_json json_t *j = NULL;

		memset(&a, 0, sizeof(a));
		j = record_dump(types[i], &a);
		CU_ASSERT_EQUAL(json_object_size(j), 0);
		memset(&b, 0xff, sizeof(b));
		CU_ASSERT_EQUAL(record_load(types[i], j, &b, &err), 0);
		CU_ASSERT_TRUE(record_equal(types[i], &a, &b, NULL));
		record_done(types[i], &b);
	}
}

/* ---- the whole struct ------------------------------------------------------------------- */

static size_t size_of(const struct record_field *f)
{
	switch (f->kind) {
	case RECORD_STRING:
		return sizeof(char *);
	case RECORD_BOOL:
		return sizeof(bool);
	case RECORD_I64:
		return sizeof(int64_t);
	case RECORD_U32:
		return sizeof(uint32_t);
	case RECORD_U16:
		return sizeof(uint16_t);
	case RECORD_ENUM:
		return sizeof(int);
	case RECORD_STRLIST:
	case RECORD_PAIRS:
	case RECORD_LIST:
		return sizeof(struct record_list);
	case RECORD_OBJECT:
		return f->sub->size;
	}
	return 0;
}

static size_t align_of(const struct record_field *f)
{
	size_t size = size_of(f), most = 1;

	if (f->kind == RECORD_OBJECT) {
		for (const struct record_field *g = f->sub->fields; g->name; g++)
			most = align_of(g) > most ? align_of(g) : most;
		return most;
	}
	return size > sizeof(void *) ? sizeof(void *) : size;
}

static const struct record_field *next_field(const struct record_type *t, size_t from)
{
	const struct record_field *best = NULL;

	for (const struct record_field *f = t->fields; f->name; f++)
		if (f->offset >= from && (!best || f->offset < best->offset))
			best = f;
	return best;
}

/* What is in a struct at its end and in no record, on purpose. */
static const struct {
	const char *type;
	size_t offset, size;
} not_recorded[] = {
	/* for messages only; in the order of their places */
	{ "volume", offsetof(struct volume_spec, line), sizeof(int) },
	{ "volume", offsetof(struct volume_spec, index), sizeof(size_t) },
	{ "projection", offsetof(struct projection, index), sizeof(size_t) },
};

static size_t skip_not_recorded(const struct record_type *t, size_t end)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_recorded); i++)
		if (is_equal(not_recorded[i].type, t->name) && not_recorded[i].offset >= end)
			end = not_recorded[i].offset + not_recorded[i].size;
	return end;
}

/* A member that no table names leaves a gap that alignment does not explain. */
static void check_places(const struct record_type *t)
{
	const struct record_field *f;
	size_t end = 0, most = 1;

	while ((f = next_field(t, end))) {
		size_t align = align_of(f);

		if (f->offset != (end + align - 1) / align * align)
			printf("%s: something before '%s' is not in the table\n", t->name, f->name);
		CU_ASSERT_EQUAL(f->offset, (end + align - 1) / align * align);
		end = f->offset + size_of(f);
		most = align > most ? align : most;
		if (f->sub)
			check_places(f->sub);
	}
	end = (skip_not_recorded(t, end) + most - 1) / most * most;
	if (t->size != end)
		printf("%s: %zu bytes of it are not in the table\n", t->name, t->size - end);
	CU_ASSERT_EQUAL(t->size, end);
}

static void test_tables_are_complete(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		check_places(types[i]);
}

/* ---- differences ------------------------------------------------------------------------ */

static void empty_field(const struct record_field *f, void *m)
{
	struct record_field one[2] = { *f, { 0 } };
	struct record_type t = { "one", size_of(f), one };

	one[0].offset = 0;
	record_done(&t, m);
}

/* Takes one member after the other away from one of two equals. */
static void check_differences(const struct record_type *t)
{
	for (const struct record_field *f = t->fields; f->name; f++) {
		union object a, b;
		unsigned int seed = 3;
		char *path = NULL;
		bool same;

		fill(t, &a, &seed);
		record_copy(t, &b, &a);
		empty_field(f, at(&b, f));
		same = record_equal(t, &a, &b, &path);
		CU_ASSERT_EQUAL(same, f->ephemeral);
		if (!same)
			CU_ASSERT_TRUE(path && is_prefix(path, f->name));
		free(path);
		CU_ASSERT_EQUAL(record_equal(t, &b, &a, NULL), f->ephemeral);
		record_done(t, &a);
		record_done(t, &b);
		if (f->sub)
			check_differences(f->sub);
	}
}

static void test_differences(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		check_differences(types[i]);
}

static void test_path_of_a_difference(void)
{
	struct container_spec a = { 0 }, b;
	char *path = NULL;

	list_add(&a.mounts)->target = xstrdup("/x");
	list_add(&a.mounts)->target = xstrdup("/y");
	record_copy(&container_spec_type, &b, &a);
	b.mounts.v[1].read_only = true;
	CU_ASSERT_FALSE(record_equal(&container_spec_type, &a, &b, &path));
	CU_ASSERT_STRING_EQUAL(path, "mounts.readOnly");
	free(path);
	b.mounts.v[1].read_only = false;
	b.resources.pids_limit.set = true; /* 0 is not absent */
	CU_ASSERT_FALSE(record_equal(&container_spec_type, &a, &b, &path));
	CU_ASSERT_STRING_EQUAL(path, "resources.pidsLimit.set");
	free(path);
	record_done(&container_spec_type, &a);
	record_done(&container_spec_type, &b);
}

/* ---- wrong input ------------------------------------------------------------------------ */

/* A value that the kind cannot be; the second is of the right JSON type where there is one. */
static json_t *wrong_value(enum record_kind kind, int which)
{
	static const char *const wrong[][2] = {
		[RECORD_STRING] = { "1", "{\"hex\":\"f\"}" },
		[RECORD_BOOL] = { "0", "\"true\"" },
		[RECORD_I64] = { "\"1\"", "1.0" },
		[RECORD_U32] = { "-1", "4294967296" },
		[RECORD_U16] = { "-1", "65536" },
		[RECORD_ENUM] = { "1", "\"no such thing\"" },
		[RECORD_STRLIST] = { "{}", "[\"a\", 1]" },
		[RECORD_PAIRS] = { "[]", "{\"a\":1}" },
		[RECORD_OBJECT] = { "[]", "\"{}\"" },
		[RECORD_LIST] = { "{}", "[{}, 1]" },
	};
	const char *text = which < 2 ? wrong[kind][which] : "null";
	struct error err;
	json_t *j = NULL;

	CU_ASSERT_EQUAL_FATAL(jload_text(text, strlen(text), "wrong", &j, &err), 0);
	return j;
}

struct place {
	const struct record_type *top;
	json_t *whole;
	char path[PATH_MAX_TEXT];
};

static void expect_refusal(const struct place *p)
{
	cleanup_free char *quoted = xasprintf("'%s", p->path);
	union object out;
	struct error err = { 0 };
	union object zero;

	memset(&zero, 0, sizeof(zero));
	CU_ASSERT_EQUAL(record_load(p->top, p->whole, &out, &err), -EBADMSG);
	CU_ASSERT_EQUAL(memcmp(&out, &zero, p->top->size), 0); /* nothing to free */
	if (!strstr(err.text, quoted) || !strstr(err.text, p->top->name))
		printf("%s: not %s\n", err.text, quoted);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, quoted));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, p->top->name));
}

/* Puts wrong values in the place of each member of j, which is of type t, at any depth. */
static void spoil(struct place *p, const struct record_type *t, json_t *j)
{
	size_t len = strlen(p->path);

	for (const struct record_field *f = t->fields; f->name; f++) {
		json_t *right = json_incref(json_object_get(j, f->name));

		(void)snprintf(p->path + len, sizeof(p->path) - len, "%s%s", len ? "." : "",
			       f->name);
		for (int which = 0; which < 3; which++) {
			json_object_set_new(j, f->name, wrong_value(f->kind, which));
			expect_refusal(p);
		}
		json_object_set(j, f->name, right);
		if (f->kind == RECORD_OBJECT)
			spoil(p, f->sub, right);
		if (f->kind == RECORD_LIST) {
			size_t n = strlen(p->path);

			(void)snprintf(p->path + n, sizeof(p->path) - n, "[1]");
			spoil(p, f->sub, json_array_get(right, 1));
		}
		json_decref(right);
		p->path[len] = '\0';
	}
}

static void test_wrong_types(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct place p = { .top = types[i] };
		unsigned int seed = 1;
		union object a, b;
		struct error err;

		fill(types[i], &a, &seed);
		p.whole = record_dump(types[i], &a);
		spoil(&p, types[i], p.whole);
		/* and what is right again loads again */
		CU_ASSERT_EQUAL(record_load(types[i], p.whole, &b, &err), 0);
		record_done(types[i], &b);
		json_decref(p.whole);
		record_done(types[i], &a);
	}
}

static void test_no_object(void)
{
	static const char *const texts[] = { "[]", "1", "\"x\"", "null", "true" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_json json_t *j = NULL;
		struct container_status st;
		struct error err;

		CU_ASSERT_EQUAL(jload_text(texts[i], strlen(texts[i]), "x", &j, &err), 0);
		CU_ASSERT_EQUAL(record_load(&container_status_type, j, &st, &err), -EBADMSG);
		CU_ASSERT_STRING_EQUAL(err.text, "record 'container state' is not an object");
	}
}

/* A record that was cut at any byte is no record. */
static void test_truncated(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		unsigned int seed = 1;
		union object a;
		cleanup_json json_t *j = NULL;
		cleanup_free char *text = NULL;

		fill(types[i], &a, &seed);
		j = record_dump(types[i], &a);
		text = jdump_text(j, 0);
		for (size_t len = 0; len < strlen(text); len++) {
			json_t *cut = NULL;
			struct error err;

			CU_ASSERT_EQUAL_FATAL(jload_text(text, len, "cut", &cut, &err), -EBADMSG);
		}
		record_done(types[i], &a);
	}
}

/* ---- bytes that are no text ------------------------------------------------------------- */

static int load_string(const char *text, struct container_status *ret)
{
	cleanup_json json_t *j = NULL;
	struct error err;

	CU_ASSERT_EQUAL_FATAL(jload_text(text, strlen(text), "x", &j, &err), 0);
	return record_load(&container_status_type, j, ret, &err);
}

static void test_bytes(void)
{
	static const char *const bad[] = {
		"{\"name\":{\"hex\":\"0\"}}",
		"{\"name\":{\"hex\":\"00\"}}",
		"{\"name\":{\"hex\":\"fg\"}}",
		"{\"name\":{\"hex\":\"FF\"}}",
		"{\"name\":{\"hex\":1}}",
		"{\"name\":{\"hax\":\"ff\"}}",
		"{\"name\":{}}",
		"{\"name\":{\"hex\":\"ff\",\"x\":1}}",
		"{\"name\":{\"hex\":\"41004\"}}",
		"{\"name\":{\"hex\":\"410041\"}}",
	};
	struct container_status st = { .name = (char *)(uintptr_t) "a\xff" };
	cleanup_json json_t *j = record_dump(&container_status_type, &st);
	cleanup_free char *text = jdump_text(j, 0);

	CU_ASSERT_STRING_EQUAL(text, "{\"name\":{\"hex\":\"61ff\"}}");
	CU_ASSERT_EQUAL(load_string(text, &st), 0);
	CU_ASSERT_STRING_EQUAL(st.name, "a\xff");
	status_done(&st);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(load_string(bad[i], &st), -EBADMSG);
}

/* ---- members of a newer version --------------------------------------------------------- */

static void test_unknown_members(void)
{
	static const char text[] = "{\"name\":\"x\",\"future\":{\"a\":[1]},\"pid\":7,\"Name\":1}";
	cleanup_json json_t *old = NULL;
	cleanup_json json_t *j = NULL;
	cleanup_free char *out = NULL;
	struct container_status st;
	struct error err;

	CU_ASSERT_EQUAL_FATAL(jload_text(text, strlen(text), "x", &old, &err), 0);
	CU_ASSERT_EQUAL_FATAL(record_load(&container_status_type, old, &st, &err), 0);
	CU_ASSERT_STRING_EQUAL(st.name, "x");
	st.pid = 0;
	j = record_dump(&container_status_type, &st);
	record_merge_unknown(&container_status_type, j, old);
	out = jdump_text(j, 0);
	CU_ASSERT_STRING_EQUAL(out, "{\"name\":\"x\",\"future\":{\"a\":[1]},\"Name\":1}");
	status_done(&st);
}

static CU_TestInfo tests[] = {
	{ "there and back", test_round_trip },
	{ "names", test_names },
	{ "defaults are not written", test_defaults_are_not_written },
	{ "tables are complete", test_tables_are_complete },
	{ "every difference is seen", test_differences },
	{ "a difference is named", test_path_of_a_difference },
	{ "a wrong type is refused and named", test_wrong_types },
	{ "what is no object", test_no_object },
	{ "cut at each byte", test_truncated },
	{ "bytes that are no text", test_bytes },
	{ "members of a newer version", test_unknown_members },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "record", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
