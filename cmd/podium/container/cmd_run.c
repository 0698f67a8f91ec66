/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run - a container from an image, started.
 */
#include <stdio.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/create_options.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/mem.h"
#include "engine/pod/pod.h"

#define O(m) offsetof(struct create_options, m)

static int start(struct command_context *ctx, const struct created *made, struct error *err)
{
	struct pod_start_result report = { .report_fd = -1 };
	int r = pod_start(&ctx->store, made->pod_id, NULL, &report.report_fd, err);

	if (r < 0)
		return r;
	(void)pods_watch(&report, 1, -1);
	if (report.failures)
		return 125;
	printf("%s\n", made->container_id);
	return 0;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct create_options *o = options;
	struct created made;
	struct pod_plan plan;
	int r = create_plan(o, argc, argv, &plan, err);

	if (r == 0)
		r = create_make(ctx, o, &plan, &made, err);
	pod_plan_done(&plan);
	return r < 0 ? r : start(ctx, &made, err);
}

static const struct option run_options[] = {
	{ 'd', "detach", OPTION_BOOL, O(detach), NULL, "Run it in the background", false },
	{ 0, "name", OPTION_STRING, O(name), "name", "Its name", false },
	OPTIONS_END,
};

const struct command cmd_run = {
	.words = "run",
	.args = "[options] IMAGE [COMMAND [ARG...]]",
	.summary = "Run a command in a new container",
	.options = run_options,
	.options_size = sizeof(struct create_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.stop_at_first_arg = true,
	.run = run,
};
