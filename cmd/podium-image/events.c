/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events - what comes in, said to podium: the events of load and pull.
 *
 *	{"event":"trying","index":0,"name":"docker.io/library/nginx:latest"}
 *	{"event":"layer","id":"<diff id>","state":STATE,"bytes":N,"size":N}
 *		STATE	"exists", "begun", "bytes", "unpacked", "done"
 *	{"event":"image","index":0,"id":"<image id>","name":"docker.io/library/nginx:latest"|null}
 *	{"event":"failed","index":0,"code":<errno>,"text":"why this one was not brought in"}
 *
 * index: which one of those that were asked for; of load it is 0.
 */
#include "cmd/podium-image/verb.h"

#include "engine/image/load.h"

void verb_tell_load(void *arg, const struct load_event *e)
{
	(void)arg;
	switch (e->kind) {
	case LOAD_BEGIN:
		verb_tell(json_pack("{s:s, s:I, s:s}", "event", "trying", "index",
				    (json_int_t)e->index, "name", e->text));
		break;
	case LOAD_LAYER:
		verb_tell(json_pack("{s:s, s:s, s:s, s:I, s:I}", "event", "layer", "id", e->id,
				    "state", e->text, "bytes", (json_int_t)e->bytes, "size",
				    (json_int_t)e->size));
		break;
	case LOAD_IMAGE:
		verb_tell(json_pack("{s:s, s:I, s:s, s:s?}", "event", "image", "index",
				    (json_int_t)e->index, "id", e->id, "name", e->text));
		break;
	case LOAD_FAILED:
		verb_tell(json_pack("{s:s, s:I, s:i, s:s}", "event", "failed", "index",
				    (json_int_t)e->index, "code", e->code, "text", e->text));
		break;
	case LOAD_WARNING:
	default:
		verb_warn(e->text);
		break;
	}
}
