/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_reference - any text as an image name: no crash; what is taken has a canonical form that
 * parses to itself and holds nothing that a path, a record or a terminal must not see.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/image/reference.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xstrndup((const char *)data, size);
	char once[REFERENCE_MAX + 1], twice[REFERENCE_MAX + 1];
	struct reference r;
	struct error err;

	if (reference_parse(text, &r, &err) < 0)
		return 0;
	(void)reference_format(&r, once);
	if (reference_parse(once, &r, &err) < 0)
		abort();
	if (strcmp(once, reference_format(&r, twice)) != 0 || strstr(r.path, "..") ||
	    strstr(r.domain, "..") || strstr(once, "//"))
		abort();
	for (const char *p = once; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			abort();
	return 0;
}
