/* SPDX-License-Identifier: Apache-2.0 */
/*
 * healthcheck - `healthcheck run`: asks a container's health check now.
 *
 * Theory of operation: the container's monitor asks, as it does by itself in its intervals, so the
 * answer counts and is written down like any other. Exit codes: 0 it is good, 1 it is not, 125 it could
 * not be asked: the container does not run, or has no check.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/base/commands.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/process/ctl.h"

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	cleanup_close int fd = -EBADF;
	struct ctl_msg msg = { 0 };
	char id[65];
	int r = lookup_container(&ctx->store, argv[0], id, err);

	(void)options;
	(void)argc;
	if (r < 0)
		return r;
	fd = ctl_connect(&ctx->store, id, err);
	if (fd < 0)
		return error_set(err, EINVAL, "container %s is not running", id);
	r = ctl_send(fd, CTL_HEALTH, 0, NULL);
	while (r == 0) {
		int n = ctl_wait(fd, -1, &msg);

		if (n <= 0)
			r = -EPIPE;
		else if (msg.type == CTL_OK || msg.type == CTL_FAILED)
			break;
	}
	if (r < 0)
		return error_set(err, EPIPE, "container %s has ended", id);
	if (msg.type == CTL_FAILED)
		return error_set(err, EINVAL, "container %s %s", id, msg.text);
	if (msg.value)
		printf("unhealthy\n");
	return msg.value != 0;
}

const struct command cmd_healthcheck_run = {
	.words = "healthcheck run",
	.args = "CONTAINER",
	.summary = "Ask a container's health check now",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run,
};
