/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_toml - any bytes as TOML: no crash, and a tree whose tables have no key twice and which is no
 * deeper than the limit.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/image/toml.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct toml *t, int depth)
{
	if (depth > TOML_DEPTH_MAX || depth != t->depth)
		abort();
	if ((t->type == TOML_STRING) && !t->text)
		abort();
	for (size_t i = 0; i < t->n; i++) {
		check(t->v[i], depth + 1);
		if ((t->type == TOML_TABLE) != (t->v[i]->key != NULL))
			abort();
		if (t->type == TOML_TABLE && toml_get(t, t->v[i]->key) != t->v[i])
			abort(); /* an earlier one has the same key */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_toml struct toml *t = NULL;
	struct error err;

	if (toml_parse((const char *)data, size, "fuzz", &t, &err) == 0)
		check(t, 0);
	return 0;
}
