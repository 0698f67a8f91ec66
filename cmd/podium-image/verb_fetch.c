/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch - a small file behind an address: a manifest that is played.
 *
 *	request	{"address": "https://...", "max": BYTES}
 *	data	the file to write
 *	events	none
 */
#include <errno.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/build/copy.h"
#include "engine/image/sha256.h"

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	const char *address = jget_str(request, "address");
	int64_t max = jget_int(request, "max", 0), date;
	cleanup_sha256 struct sha256 *hash = sha256_new();

	if (!address || max <= 0 || ctx->datafd < 0)
		return error_set(err, EINVAL, "the request has no address");
	return add_fetch_into(address, ctx->datafd, max, hash, &date, err);
}

const struct verb verb_fetch = { .name = "fetch", .run = run };
