/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - the images of an archive into the store.
 *
 *	request	{"input": "what to call it in messages"}, the archive as data
 *	events	{"event":"layer","id":"<diff id>","state":"done"|"exists"}
 *		{"event":"image","id":"<image id>","name":"docker.io/library/nginx:latest"|null}
 */
#include <errno.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/image/load.h"

static void tell(void *arg, const struct load_event *e)
{
	(void)arg;
	if (e->kind == LOAD_LAYER)
		verb_tell(json_pack("{s:s, s:s, s:s}", "event", "layer", "id", e->id, "state",
				    e->text));
	else if (e->kind == LOAD_IMAGE)
		verb_tell(json_pack("{s:s, s:s, s:s?}", "event", "image", "id", e->id, "name",
				    e->text));
	else
		verb_warn(e->text);
}

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	const char *input = jget_str(request, "input");
	int r;

	if (ctx->datafd < 0)
		return error_set(err, EINVAL, "load: no archive");
	r = image_load(&ctx->store, ctx->datafd, tell, NULL, err);
	return r < 0 ? error_wrap(err, "load '%.200s'", input ? input : "-") : 0;
}

const struct verb verb_load = { .name = "load", .run = run };
