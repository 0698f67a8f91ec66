/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_record - any text as state.json, spec.json, pod.json and the other records.
 *
 * Beyond not crashing: what loads dumps to a record that loads again and is equal, in a text that
 * stays the same; what is refused leaves nothing to free; the fast reader means what the general
 * one means.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/pod/spec.h"
#include "engine/process/launch.h"
#include "engine/state/status.h"
#include "tests/fuzz/fuzz.h"

#define OBJECT_MAX 2048

union object {
	char bytes[OBJECT_MAX];
	long double align;
};

static const struct record_type *const types[] = { &container_status_type, &container_spec_type,
						   &pod_spec_type,	   &image_config_type,
						   &sandbox_record_type,   &exec_request_type };

static void must(bool law)
{
	if (!law)
		abort();
}

static void check_loaded(const struct record_type *t, const union object *a, const json_t *old)
{
	json_t *j = record_dump(t, a), *k;
	char *text = jdump_text(j, 0), *again;
	json_t *parsed = NULL;
	union object b;
	struct error err = { 0 };

	must(jload_text(text, strlen(text), "dump", &parsed, &err) == 0);
	must(record_load(t, parsed, &b, &err) == 0);
	must(record_equal(t, a, &b, NULL));
	k = record_dump(t, &b);
	again = jdump_text(k, 0);
	must(strcmp(text, again) == 0);
	record_merge_unknown(t, j, old);
	record_done(t, &b);
	must(record_load(t, j, &b, &err) == 0);
	must(record_equal(t, a, &b, NULL));
	record_done(t, &b);
	free(text);
	free(again);
	json_decref(j);
	json_decref(k);
	json_decref(parsed);
}

static void check_flat(const struct record_type *t, const char *text, size_t size,
		       const union object *general)
{
	union object fast;
	int r = record_load_flat(t, text, size, &fast);

	must(r == 0 || r == -ENOTSUP);
	if (r < 0)
		return;
	must(general && record_equal(t, general, &fast, NULL));
	record_done(t, &fast);
}

static void check_type(const struct record_type *t, const json_t *j, const char *text, size_t size)
{
	struct error err = { 0 };
	union object a;
	int r;

	must(t->size <= sizeof(a));
	memset(&a, 0xff, sizeof(a));
	r = j ? record_load(t, j, &a, &err) : -EBADMSG;
	must(r == 0 || (r == -EBADMSG && (!j || err.code == EBADMSG)));
	check_flat(t, text, size, r == 0 ? &a : NULL);
	if (r < 0)
		return;
	check_loaded(t, &a, j);
	record_done(t, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct error err = { 0 };
	json_t *j = NULL;

	if (jload_text(text, size, "input", &j, &err) < 0)
		j = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		check_type(types[i], j, text, size);
	json_decref(j);
	return 0;
}
