/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_grpccheck - any bytes as the answer of a health service: the same verdict whole or in
 * pieces, and never more said in answer than was asked.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/monitor/grpccheck.h"
#include "tests/fuzz/fuzz.h"

static bool run(const uint8_t *data, size_t size, size_t piece, char text[200])
{
	struct buf out = BUF_INIT(65536);
	struct grpc_check *g = grpc_check_new(&out, "::1", 1, "service");
	size_t asked = out.len;
	bool over = false, good;

	for (size_t i = 0; i < size && !over; i += piece)
		over = grpc_check_feed(g, (const char *)data + i,
				       size - i < piece ? size - i : piece, &out);
	if (out.len - asked > 2 * size)
		abort();
	text[0] = '\0';
	good = grpc_check_verdict(g, text, 200);
	if (good != !text[0])
		abort();
	grpc_check_free(g);
	buf_done(&out);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char whole[200], parts[200];

	if (run(data, size, size ? size : 1, whole) !=
		    run(data, size, size ? 1 + data[0] % 13 : 1, parts) ||
	    strcmp(whole, parts) != 0)
		abort();
	return 0;
}
