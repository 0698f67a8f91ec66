/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_make - a plan of `run` or `create` becomes a container that is ready to be started.
 *
 * Theory of operation: the image is looked up (and pulled when it is not here) under the images lock,
 * which is held until the records pin its layers. One wait for the disk ends the creation.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"
#include "engine/image/store.h"
#include "engine/pod/pod.h"

static int resolve_image(const struct store *s, struct container_spec *c, struct error *err)
{
	int r = image_resolve(s, c->image, &c->config, err);

	if (r == 0 && !c->has_command && !c->config.entrypoint.n && !c->has_args &&
	    !c->config.cmd.n)
		return error_set(err, EINVAL, "no command: the image '%s' has none", c->image);
	return r;
}

int create_make(struct command_context *ctx, const struct create_options *o, struct pod_plan *plan,
		struct created *ret, struct error *err)
{
	const struct store *s = &ctx->store;
	struct pod_creation creation = { .lock_fd = -1 };
	cleanup_strlist struct strlist ids = { 0 };
	cleanup_close int images = image_lock(s, LOCK_SHARED, err);
	int r = images < 0 ? images : resolve_image(s, &plan->containers[0], err);

	(void)o;
	if (r == 0)
		r = pod_create(s, plan, &creation, err);
	if (r < 0)
		return r;
	memcpy(ret->pod_id, plan->pod.id, sizeof(ret->pod_id));
	memcpy(ret->container_id, plan->containers[0].id, sizeof(ret->container_id));
	strlist_add(&ids, ret->pod_id);
	r = pod_commit(s, &ids, err);
	pod_creation_done(&creation);
	if (r < 0) {
		struct error scratch; /* the first error is told */

		error_ignore(pod_remove(s, ret->pod_id, &scratch));
	}
	return r;
}
