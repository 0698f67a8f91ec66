/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_eventlog - the reader of the event log on any bytes, fed in two pieces: the same records come
 * whatever the cut, and each has what it is promised to have.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/json.h"
#include "engine/state/eventlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(void *arg, const json_t *record, struct error *err)
{
	(void)err;
	if (!jget_str(record, "Type") || !jget_str(record, "Status"))
		abort();
	(*(size_t *)arg)++;
	return 0;
}

static size_t feed(const char *data, size_t size, size_t cut)
{
	cleanup_eventlog_cursor struct eventlog_cursor c = EVENTLOG_CURSOR_INIT;
	struct error err;
	size_t n = 0;

	if (eventlog_feed(&c, data, cut, count, &n, &err) < 0 ||
	    eventlog_feed(&c, data + cut, size - cut, count, &n, &err) < 0)
		abort();
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (feed((const char *)data, size, 0) !=
	    feed((const char *)data, size, data[0] * size / 256))
		abort();
	return 0;
}
