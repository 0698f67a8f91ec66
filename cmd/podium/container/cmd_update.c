/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update - other limits for a container, at once when it runs.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/create_options.h"
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
#define RT_WHY "real-time scheduling of groups is not in cgroup v2"
static const struct option update_options[] = {
	{ 0, "blkio-weight", OPTION_STRING, RES(blkio_weight), "weight",
	  "Relative weight of its disk traffic, 10 to 1000", false },
	{ 0, "blkio-weight-device", OPTION_LIST, RES(blkio_weight_device), "device:weight",
	  "The same for one device", false },
	{ 0, "cpu-period", OPTION_INT, RES(cpu_period), "us", "Period of the cpu quota", false },
	{ 0, "cpu-quota", OPTION_INT, RES(cpu_quota), "us", "Cpu time in each period", false },
	OPTION_REFUSE(0, "cpu-rt-period", RT_WHY),
	OPTION_REFUSE(0, "cpu-rt-runtime", RT_WHY),
	{ 'c', "cpu-shares", OPTION_INT, RES(cpu_shares), "n", "Relative weight, 2 to 262144",
	  false },
	{ 0, "cpus", OPTION_STRING, RES(cpus), "number", "Number of CPUs, as in 1.5", false },
	{ 0, "cpuset-cpus", OPTION_STRING, RES(cpuset_cpus), "list", "CPUs to run on (0-3, 0,1)",
	  false },
	{ 0, "cpuset-mems", OPTION_STRING, RES(cpuset_mems), "list", "Memory nodes (0-3, 0,1)",
	  false },
	{ 0, "device-read-bps", OPTION_LIST, RES(read_bps), "device:size",
	  "Bytes a second read from a device", false },
	{ 0, "device-read-iops", OPTION_LIST, RES(read_iops), "device:n",
	  "Reads a second from a device", false },
	{ 0, "device-write-bps", OPTION_LIST, RES(write_bps), "device:size",
	  "Bytes a second written to a device", false },
	{ 0, "device-write-iops", OPTION_LIST, RES(write_iops), "device:n",
	  "Writes a second to a device", false },
	{ 'm', "memory", OPTION_STRING, RES(memory), "size", "Memory limit, as in 512m or 1.5g",
	  false },
	{ 0, "memory-reservation", OPTION_STRING, RES(memory_reservation), "size",
	  "What it is to keep when memory is short", false },
	{ 0, "memory-swap", OPTION_STRING, RES(memory_swap), "size",
	  "Memory and swap together; -1: no limit", false },
	{ 0, "memory-swappiness", OPTION_INT, RES(memory_swappiness), "n",
	  "0 to 100, on cgroup v1 alone", false },
	{ 0, "pids-limit", OPTION_INT, RES(pids_limit), "n", "Processes at most; -1: no limit",
	  false },
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
