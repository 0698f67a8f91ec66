/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_timeparse - a text as a duration and as a moment: what is a duration is also a moment, and lies
 * as far back; none overflows.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "cmd/podium/base/timeparse.h"
#include "engine/base/mem.h"
#include "tests/fuzz/fuzz.h"

#define NOW_NS 1700000000000000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xstrndup((const char *)data, size);
	int64_t span = 0, moment = 0;
	struct error err;
	bool is_span = duration_parse(text, &span) == 0;
	bool is_moment = time_parse(text, NOW_NS, &moment, &err) == 0;

	/* "10" is seconds since 1970, and no duration; "0" is both. */
	if (is_span && is_moment && text[0] != '0' && text[0] != '-' && text[0] != '+' &&
	    moment != NOW_NS - span)
		abort();
	if (is_span && !is_moment && span >= 0 && span <= NOW_NS)
		abort();
	return 0;
}
