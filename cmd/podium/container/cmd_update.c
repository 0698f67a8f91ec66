/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update - other limits for a container, at once when it runs.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/create_options.h"
#include "cmd/podium/container/create_rows.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/update.h"

static int update(struct command_context *ctx, const char *name, const struct resources *change,
		  struct error *err)
{
	cleanup_strlist struct strlist warnings = { 0 };
	char id[65];
	int r = lookup_container(&ctx->store, name, id, err);

	if (r == 0)
		r = container_update(&ctx->store, id, change, &warnings, err);
	for (size_t i = 0; i < warnings.n; i++)
		command_print_warning(warnings.v[i]);
	if (r == 0)
		(void)printf("%s\n", id);
	return r;
}

static int run_update(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct resource_flags *o = options;
	struct container_spec change = { 0 };
	int r = plan_resources(o, &change.resources, err);

	(void)argc;
	if (r == 0)
		r = update(ctx, argv[0], &change.resources, err);
	record_done(&container_spec_type, &change);
	return r;
}

#define RES(m) offsetof(struct resource_flags, m)
static const struct option update_options[] = {
	CREATE_BLKIO_ROWS(0),
	CREATE_CPU_TIME_ROWS(0),
	CREATE_CPU_SHARES_ROW(0),
	{ 0, "cpus", OPTION_STRING, RES(cpus), "number", "Number of CPUs, as in 1.5", false },
	CREATE_CPUSET_ROWS(0),
	CREATE_RATE_ROWS(0),
	{ 'm', "memory", OPTION_STRING, RES(memory), "size", "Memory limit, as in 512m or 1.5g",
	  false },
	{ 0, "memory-reservation", OPTION_STRING, RES(memory_reservation), "size",
	  "What it is to keep when memory is short", false },
	CREATE_MEMORY_SWAP_ROW(0),
	{ 0, "memory-swappiness", OPTION_INT, RES(memory_swappiness), "n",
	  "0 to 100, on cgroup v1 alone", false },
	CREATE_PIDS_LIMIT_ROW(0),
	OPTION_REFUSE(0, "restart", "limits alone: make the container anew with --restart"),
	OPTIONS_END,
};
#undef RES

const struct command cmd_update = {
	.words = "update",
	.args = "[options] CONTAINER",
	.summary = "Change the limits of an existing container",
	.options = update_options,
	.options_size = sizeof(struct resource_flags),
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_update,
};
