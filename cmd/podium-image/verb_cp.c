/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp - between containers, this host and tar streams.
 *
 *	request	{"from":PLACE, "to":PLACE, "archive":bool, "overwrite":bool}
 *	PLACE	{"container":ID|absent, "shown":TEXT, "path":TEXT, "written":TEXT} or {"stream":true}: the data
 */
#include <errno.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/build/cp.h"
#include "engine/pod/lookup.h"

/* One side with the records that it borrows. */
struct place {
	struct container_spec container;
	struct pod_spec pod;
	bool has_container, has_pod;
};

static void place_done(struct place *p)
{
	if (p->has_container)
		record_done(&container_spec_type, &p->container);
	if (p->has_pod)
		record_done(&pod_spec_type, &p->pod);
}

static int read_place(struct verb_context *ctx, const json_t *j, struct place *p,
		      struct cp_place *ret, struct error *err)
{
	const char *id = jget_str(j, "container");
	int r;

	*ret = (struct cp_place){ .shown = jget_str(j, "shown"),
				  .path = jget_str(j, "path"),
				  .written = jget_str(j, "written"),
				  .streamfd = -EBADF };
	if (jget_bool(j, "stream", false)) {
		ret->streamfd = ctx->datafd;
		return ctx->datafd < 0 ? error_set(err, EINVAL, "cp: no stream") : 0;
	}
	if (is_empty(ret->path) || !ret->shown || !ret->written || (!id && *ret->path != '/'))
		return error_set(err, EINVAL, "request: no path");
	if (!id)
		return 0;
	if (!is_id(id))
		return error_set(err, EINVAL, "request: no container");
	r = lookup_read_container(&ctx->store, id, &p->container, err);
	p->has_container = r == 0;
	if (r == 0)
		r = lookup_read_pod(&ctx->store, p->container.pod_id, &p->pod, err);
	p->has_pod = r == 0;
	ret->container = &p->container;
	ret->pod = &p->pod;
	return r;
}

static int run_cp(struct verb_context *ctx, const json_t *request, struct error *err)
{
	struct place from = { .has_pod = false }, to = { .has_pod = false };
	struct cp_options o = { .archive = jget_bool(request, "archive", true),
				.overwrite = jget_bool(request, "overwrite", false) };
	int r = read_place(ctx, json_object_get(request, "from"), &from, &o.from, err);

	if (r == 0)
		r = read_place(ctx, json_object_get(request, "to"), &to, &o.to, err);
	if (r == 0 && o.from.streamfd >= 0 && o.to.streamfd >= 0)
		r = error_set(err, EINVAL, "request: two streams");
	if (r == 0)
		r = cp_run(&ctx->store, &o, err);
	place_done(&from);
	place_done(&to);
	return r;
}

const struct verb verb_cp = { .name = "cp", .run = run_cp };
