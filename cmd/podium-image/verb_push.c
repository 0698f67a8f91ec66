/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push - an image of the store into a registry.
 *
 *	request	{"image":NAME, "destination":REFERENCE|absent, "format":"oci"|"v2s2"|absent,
 *		 "compression":"gzip"|"zstd"|"none"|absent, "level":N|absent,
 *		 "authfile", "creds":"USER:PASSWORD", "cert-dir", "tls-verify":bool: may be absent}
 *	events	those of outevents.c, then {"event":"pushed","digest":"sha256:..."}
 */
#include <errno.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/image/push.h"

static int take_format(const json_t *request, enum push_format *ret, struct error *err)
{
	const char *text = jget_str(request, "format");

	*ret = PUSH_AS_IT_IS;
	if (is_equal(text, "oci"))
		*ret = PUSH_OCI;
	else if (is_equal(text, "v2s2"))
		*ret = PUSH_DOCKER;
	else if (text)
		return error_set(err, EINVAL, "push: unknown format");
	return 0;
}

static int push(struct verb_context *ctx, const json_t *request, struct credentials *creds,
		struct error *err)
{
	const json_t *verify = json_object_get(request, "tls-verify");
	struct push_options o = {
		.image = jget_str(request, "image"),
		.destination = jget_str(request, "destination"),
		.has_kind = json_object_get(request, "compression") != NULL,
		.registry = { .authfile = jget_str(request, "authfile"),
			      .cert_dir = jget_str(request, "cert-dir"),
			      .tls_verify = json_is_boolean(verify) ? json_is_true(verify) : -1 },
		.report = verb_tell_out,
	};
	char hex[DIGEST_HEX_LEN + 1];
	struct digest manifest;
	int r = o.image ? take_format(request, &o.format, err)
			: error_set(err, EINVAL, "push: no image");

	if (r == 0)
		r = verb_take_compression(request, DEFLATE_GZIP, &o.kind, &o.level, err);
	if (r == 0 && jget_str(request, "creds")) {
		r = credentials_parse(jget_str(request, "creds"), creds, err);
		o.registry.creds = creds;
	}
	if (r == 0)
		r = image_push(&ctx->store, &o, &manifest, err);
	if (r == 0)
		verb_tell(json_pack("{s:s, s:s+}", "event", "pushed", "digest",
				    "sha256:", digest_hex(&manifest, hex)));
	return r;
}

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	struct credentials creds = { .user = NULL };
	int r = push(ctx, request, &creds, err);

	credentials_done(&creds);
	return r;
}

const struct verb verb_push = { .name = "push", .run = run };
