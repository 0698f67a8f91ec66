/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - whether the store still has what came in.
 *
 *	request	{"repair": bool}
 *	events	{"event":"finding","image":"<id>","what":"layer","hex":"...","text":"...",
 *		 "repaired":bool,"note":bool}, then {"event":"checked","damaged":bool}
 */
#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/image/check.h"

static void tell(void *arg, const struct check_finding *f)
{
	(void)arg;
	verb_tell(json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "event", "finding", "image",
			    f->image, "what", f->what, "hex", f->hex, "text", f->text, "repaired",
			    (int)f->is_repaired, "note", (int)f->is_note));
}

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	int r = image_check(&ctx->store, jget_bool(request, "repair", false), tell, NULL, err);

	if (r >= 0)
		verb_tell(json_pack("{s:s, s:b}", "event", "checked", "damaged", r));
	return r < 0 ? r : 0;
}

const struct verb verb_check = { .name = "check", .run = run };
