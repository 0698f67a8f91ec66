/* SPDX-License-Identifier: Apache-2.0 */
/*
 * save - images of the store into the archive or directory that is the data.
 *
 *	request	{"format":"docker-archive"|"oci-archive"|"oci-dir"|"docker-dir",
 *		 "images":[NAME...], "tags":[NAME...], "ref":NAME|absent,
 *		 "compression":"gzip"|"zstd"|"none", "level":N, "oci":true|false}
 *	events	those of outevents.c, then {"event":"saved","digest":"sha256:..."|null}
 */
#include <errno.h>
#include <sys/stat.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/image/save.h"

static int take_format(const json_t *request, enum save_format *ret, struct error *err)
{
	const char *text = jget_str(request, "format");

	for (int f = 0; f < SAVE__COUNT; f++)
		if (is_equal(text, save_format_str((enum save_format)f))) {
			*ret = (enum save_format)f;
			return 0;
		}
	return error_set(err, EINVAL, "save: unknown format");
}

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	cleanup_strlist struct strlist images = { .v = NULL }, tags = { .v = NULL };
	struct save_options o = { .images = &images, .tags = &tags, .report = verb_tell_out };
	struct digest manifest;
	char hex[DIGEST_HEX_LEN + 1];
	int r = take_format(request, &o.format, err);

	if (r == 0)
		r = verb_take_strings(request, "images", &images, err);
	if (r == 0)
		r = verb_take_strings(request, "tags", &tags, err);
	if (r == 0)
		r = verb_take_compression(request, DEFLATE_NONE, &o.kind, &o.level, err);
	if (r == 0 && (ctx->datafd < 0 || !images.n))
		r = error_set(err, EINVAL, "save: nothing to save, or nowhere to save it");
	if (r < 0)
		return r;
	o.ref = jget_str(request, "ref");
	o.is_oci = jget_bool(request, "oci", false);
	/* A directory is the user's, not the store's: as readable as what others write there. */
	(void)umask(022);
	r = image_save(&ctx->store, &o, ctx->datafd, &manifest, err);
	if (r < 0)
		return r;
	if (o.format == SAVE_DOCKER_ARCHIVE)
		verb_tell(json_pack("{s:s, s:n}", "event", "saved", "digest"));
	else
		verb_tell(json_pack("{s:s, s:s+}", "event", "saved", "digest",
				    "sha256:", digest_hex(&manifest, hex)));
	return 0;
}

const struct verb verb_save = { .name = "save", .run = run };
