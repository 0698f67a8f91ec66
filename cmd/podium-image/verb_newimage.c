/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit, import, export - between containers, archives and images.
 *
 *	commit	{"container":ID, "name":FULL|absent, "author", "message", "changes":[...],
 *		 "docker":bool, "squash":bool}
 *	import	{"name":FULL|absent, "source":TEXT, "message", "changes":[...], "arch", "os",
 *		 "variant", "url":ADDRESS|absent}, without url the archive as data
 *	export	{"container":ID}, where to write as data
 *	events	commit, import: {"event":"say","text":...}, {"event":"image","id":"<hex>"}
 */
#include <errno.h>
#include <fcntl.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/build/newimage.h"
#include "engine/pod/lookup.h"

static int read_spec(struct verb_context *ctx, const json_t *request, struct container_spec *ret,
		     struct error *err)
{
	const char *id = jget_str(request, "container");

	if (!id || !is_id(id))
		return error_set(err, EINVAL, "request: no container");
	return lookup_read_container(&ctx->store, id, ret, err);
}

static int take_options(const json_t *request, struct newimage_options *o, struct strlist *changes,
			struct error *err)
{
	*o = (struct newimage_options){ .name = jget_str(request, "name"),
					.author = jget_str(request, "author"),
					.message = jget_str(request, "message"),
					.changes = changes,
					.is_docker = jget_bool(request, "docker", false),
					.squash = jget_bool(request, "squash", false),
					.architecture = jget_str(request, "arch"),
					.os = jget_str(request, "os"),
					.variant = jget_str(request, "variant"),
					.source = jget_str(request, "source") };
	return verb_take_strings(request, "changes", changes, err);
}

static void tell_image(const char *id)
{
	verb_tell(json_pack("{s:s, s:s}", "event", "say", "text",
			    "Writing manifest to image destination"));
	verb_tell(json_pack("{s:s, s:s}", "event", "image", "id", id));
}

static int run_commit(struct verb_context *ctx, const json_t *request, struct error *err)
{
	cleanup_strlist struct strlist changes = { .v = NULL };
	struct container_spec spec;
	struct newimage_options o;
	char id[DIGEST_HEX_LEN + 1];
	int r = read_spec(ctx, request, &spec, err);

	if (r < 0)
		return r;
	r = take_options(request, &o, &changes, err);
	if (r == 0)
		r = newimage_commit(&ctx->store, &spec, &o, id, err);
	record_done(&container_spec_type, &spec);
	if (r == 0)
		tell_image(id);
	return r;
}

static int run_import(struct verb_context *ctx, const json_t *request, struct error *err)
{
	cleanup_strlist struct strlist changes = { .v = NULL };
	cleanup_close int fd = -EBADF;
	struct newimage_options o;
	char id[DIGEST_HEX_LEN + 1];
	int r = take_options(request, &o, &changes, err);

	if (r == 0 && jget_str(request, "url"))
		fd = newimage_fetch(&ctx->store, jget_str(request, "url"), err);
	else if (r == 0)
		fd = ctx->datafd < 0 ? error_set(err, EINVAL, "import: no archive")
				     : fcntl(ctx->datafd, F_DUPFD_CLOEXEC, 3);
	if (r < 0 || fd < 0)
		return r < 0 ? r : fd;
	r = newimage_import(&ctx->store, fd, &o, id, err);
	if (r == 0)
		tell_image(id);
	return r;
}

static int run_export(struct verb_context *ctx, const json_t *request, struct error *err)
{
	struct container_spec spec;
	int r = ctx->datafd < 0 ? error_set(err, EINVAL, "export: nowhere to write")
				: read_spec(ctx, request, &spec, err);

	if (r < 0)
		return r;
	r = newimage_export(&ctx->store, &spec, ctx->datafd, err);
	record_done(&container_spec_type, &spec);
	return r;
}

const struct verb verb_commit = { .name = "commit", .run = run_commit };
const struct verb verb_import = { .name = "import", .run = run_import };
const struct verb verb_export = { .name = "export", .run = run_export };
