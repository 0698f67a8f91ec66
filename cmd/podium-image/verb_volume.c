/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume-import, volume-export - between archives and volumes.
 *
 *	volume-import	{"volume":NAME}, the archive as data
 *	volume-export	{"volume":NAME}, where to write as data
 */
#include <errno.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/image/volumedata.h"
#include "engine/volumes/named.h"

static int open_volume(struct verb_context *ctx, const json_t *request, struct error *err)
{
	const char *name = jget_str(request, "volume");

	if (!name || ctx->datafd < 0)
		return error_set(err, EINVAL, "no volume, or no archive");
	return named_volume_open(&ctx->store, name, err);
}

static int run_import(struct verb_context *ctx, const json_t *request, struct error *err)
{
	cleanup_close int fd = open_volume(ctx, request, err);

	return fd < 0 ? fd : volumedata_import(fd, ctx->datafd, err);
}

static int run_export(struct verb_context *ctx, const json_t *request, struct error *err)
{
	cleanup_close int fd = open_volume(ctx, request, err);

	return fd < 0 ? fd : volumedata_export(fd, ctx->datafd, err);
}

const struct verb verb_volume_import = { .name = "volume-import", .run = run_import };
const struct verb verb_volume_export = { .name = "volume-export", .run = run_export };
