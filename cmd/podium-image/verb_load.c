/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - the images of an archive into the store.
 *
 *	request	{"input": "what to call it in messages", "only": [NAME...]|absent}, the archive as
 *		data; "only" is that of struct load_choice
 *	events	as pull (verb_pull.c)
 */
#include <errno.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/image/load.h"

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	const char *input = jget_str(request, "input");
	cleanup_strlist struct strlist only = { .v = NULL };
	bool has_only = json_object_get(request, "only") != NULL;
	int r = has_only ? verb_take_strings(request, "only", &only, err) : 0;

	if (r == 0 && ctx->datafd < 0)
		r = error_set(err, EINVAL, "load: no archive");
	if (r < 0)
		return r;
	r = image_load(&ctx->store, ctx->datafd,
		       &(struct load_choice){ .only = has_only ? &only : NULL }, verb_tell_load,
		       NULL, err);
	return r < 0 ? error_wrap(err, "load '%.200s'", input ? input : "-") : 0;
}

const struct verb verb_load = { .name = "load", .run = run };
