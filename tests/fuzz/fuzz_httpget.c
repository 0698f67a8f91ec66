/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_httpget - any bytes as an HTTP reply: the same verdict whole or in pieces, a status that is
 * one, and a redirect that leads only where a request can be written.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/monitor/httpget.h"
#include "tests/fuzz/fuzz.h"

static void feed(struct http_reply *r, const uint8_t *data, size_t size, size_t piece)
{
	bool done = false;

	http_reply_init(r);
	for (size_t i = 0; i < size && !done; i += piece)
		done = http_reply_feed(r, (const char *)data + i,
				       size - i < piece ? size - i : piece);
	if (!done)
		http_reply_end(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_header_list none;
	static struct http_reply whole, parts;
	struct http_target from = { .port = 80, .host = "a", .path = "/x/y?z" }, to;
	enum http_follow f;

	feed(&whole, data, size, size ? size : 1);
	feed(&parts, data, size, size ? 1 + data[0] % 7 : 1);
	if (whole.step != parts.step || whole.status != parts.status)
		abort();
	if (whole.step != HTTP_STEP_DONE && (whole.step != HTTP_STEP_BAD || !whole.problem))
		abort();
	if (whole.step != HTTP_STEP_DONE)
		return 0;
	if (whole.status < 200 || whole.status > 999)
		abort();
	f = http_follow(&whole, &from, "a", &to);
	if (f == HTTP_FOLLOW_HERE || f == HTTP_FOLLOW_AWAY) {
		cleanup_buf struct buf b = BUF_INIT(65536);

		if (to.port == 0 || to.path[0] != '/' || strpbrk(to.path, " \r\n") || !*to.host)
			abort();
		if (http_build_request(&b, &to, &none, "fuzz") < 0)
			abort();
	}
	return 0;
}
