/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_quantity - any text as a quantity: no crash, and what is in range comes back from its text.
 * The same text is resolved as a plain scalar, styled, and walked through $(NAME).
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "kube/expand.h"
#include "engine/base/quantity.h"
#include "kube/scalar.h"
#include "tests/fuzz/fuzz.h"

static void check_text(char *text, int64_t value, int milli)
{
	struct error err = { 0 };
	struct quantity q;
	int64_t back = 0;
	int r;

	if (quantity_parse(text, &q, &err) < 0)
		abort();
	r = milli ? quantity_milli(&q, &back, &err) : quantity_units(&q, &back, &err);
	if (r < 0 || back != value)
		abort();
	free(text);
}

static void check_quantity(const char *text)
{
	struct error err = { 0 };
	struct quantity q;
	int64_t value;

	if (quantity_parse(text, &q, &err) < 0)
		return;
	if (quantity_compare(&q, &q) != 0)
		abort();
	if (quantity_units(&q, &value, &err) == 0 && value >= 0)
		check_text(quantity_format_bytes(value), value, 0);
	if (quantity_milli(&q, &value, &err) == 0 && value >= 0)
		check_text(quantity_format_milli(value), value, 1);
}

static void free_value(struct value *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->v[i].text);
	free(v->v);
}

static void check_expand(const char *text)
{
	struct value one = { 0 }, two = { 0 };
	char *back;

	expand_text(text, &one);
	back = expand_unsplit(&one);
	expand_text(back, &two);
	if (one.n != two.n)
		abort();
	for (size_t i = 0; i < one.n; i++) {
		if (one.v[i].kind != two.v[i].kind || strcmp(one.v[i].text, two.v[i].text) != 0)
			abort();
	}
	free(back);
	free_value(&one);
	free_value(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);
	struct scalar s;

	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_quantity(text);
	check_expand(text);
	scalar_resolve(text, strlen(text), &s);
	(void)scalar_style_for(text, strlen(text));
	(void)scalar_utf8_prefix(text, size);
	free(text);
	return 0;
}
