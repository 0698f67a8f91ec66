/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - the images of an archive into the store.
 *
 *	request	{"input": "what to call it in messages"}, the archive as data
 *	events	as pull (verb_pull.c)
 */
#include <errno.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/image/load.h"

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	const char *input = jget_str(request, "input");
	int r;

	if (ctx->datafd < 0)
		return error_set(err, EINVAL, "load: no archive");
	r = image_load(&ctx->store, ctx->datafd, verb_tell_load, NULL, err);
	return r < 0 ? error_wrap(err, "load '%.200s'", input ? input : "-") : 0;
}

const struct verb verb_load = { .name = "load", .run = run };
