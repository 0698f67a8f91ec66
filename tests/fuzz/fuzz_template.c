/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_template - any bytes as a --format template over a value with every kind in it: no crash, no
 * leak, and what parses and runs does so twice with the same result.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/base/template.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "tests/fuzz/fuzz.h"

static const char value[] =
	"{\"Id\": \"abc\", \"Names\": [\"one\", \"two\"], \"N\": 3, \"F\": 1.5, \"Yes\": true, "
	"\"Nil\": null,"
	" \"Labels\": {\"b\": \"2\", \"a\": \"1\"}, \"State\": {\"Status\": \"up\", \"Pid\": 7},"
	" \"List\": [{\"K\": \"a\"}, {\"K\": \"b\"}], \"Uni\": \"\\u00e4\\u20acx\", \"\": {\"N\": "
	"\"three\"}}";

/* The result, or NULL. */
static char *expand(const char *text, const json_t *dot)
{
	struct buf out = BUF_INIT(1 << 20);
	struct error err = { 0 };
	struct template *t = NULL;
	int r = template_parse(text, &t, &err);

	if (r == 0)
		r = template_run(t, dot, &out, &err);
	if (r < 0 && (!err.code || !err.text[0]))
		abort(); /* an error without a message */
	template_free(t);
	if (r == 0)
		return buf_steal(&out);
	buf_done(&out);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);
	struct error err;
	json_t *dot = NULL;
	char *one, *two;

	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (jload_text(value, strlen(value), "value", &dot, &err) < 0)
		abort();
	one = expand(text, dot);
	two = expand(text, dot);
	if (!one != !two || (one && strcmp(one, two) != 0))
		abort();
	free(one);
	free(two);
	json_decref(dot);
	free(text);
	return 0;
}
