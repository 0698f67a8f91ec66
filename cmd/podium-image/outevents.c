/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outevents - what goes out, said to podium: the events of save and push.
 *
 *	{"event":"layer","id":"<diff id>","state":"begun"|"bytes"|"done"|"exists","bytes":N}
 *	{"event":"say","text":"Copying config ..."}	a line for stderr
 */
#include "cmd/podium-image/verb.h"

#include <errno.h>

#include "engine/base/json.h"
#include "engine/image/outimage.h"

void verb_tell_out(void *arg, const struct out_event *e)
{
	(void)arg;
	if (e->layer)
		verb_tell(json_pack("{s:s, s:s, s:s, s:I}", "event", "layer", "id", e->layer,
				    "state", e->state, "bytes", (json_int_t)e->bytes));
	else
		verb_tell(json_pack("{s:s, s:s}", "event", "say", "text", e->text));
}

int verb_take_strings(const json_t *request, const char *key, struct strlist *ret,
		      struct error *err)
{
	const json_t *list = json_object_get(request, key);

	if (list && !json_is_array(list))
		return error_set(err, EINVAL, "request: '%s' is not a list", key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text)
			return error_set(err, EINVAL, "request: '%s' is not a list of strings",
					 key);
		strlist_add(ret, text);
	}
	return 0;
}

int verb_take_compression(const json_t *request, enum deflate_kind fallback,
			  enum deflate_kind *ret_kind, int *ret_level, struct error *err)
{
	const char *kind = jget_str(request, "compression");

	*ret_level = (int)jget_int(request, "level", DEFLATE_LEVEL_DEFAULT);
	*ret_kind = fallback;
	if (!kind)
		return 0;
	if (is_equal(kind, "gzip"))
		*ret_kind = DEFLATE_GZIP;
	else if (is_equal(kind, "zstd"))
		*ret_kind = DEFLATE_ZSTD;
	else if (is_equal(kind, "none"))
		*ret_kind = DEFLATE_NONE;
	else
		return error_set(err, EINVAL, "request: unknown compression");
	return 0;
}
