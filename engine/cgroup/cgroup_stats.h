/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_stats - which processes a container has, and what they use.
 */
#ifndef PODIUM_CGROUP_CGROUP_STATS_H
#define PODIUM_CGROUP_CGROUP_STATS_H

#include <stdint.h>
#include <sys/types.h>

#include "engine/cgroup/cgroup.h"

#define CGROUP_PROCESSES_MAX 65536

struct cgroup_processes {
	pid_t *v; /* as this process' pid namespace numbers them, ascending */
	size_t n;
};
void cgroup_processes_done(struct cgroup_processes *l);

/* Every process of the container, those in groups that it made itself included. None where there
 * are no groups (CGROUP_NONE), and of a container without a group. */
int cgroup_list_processes(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
			  struct cgroup_processes *ret, struct error *err) must_check;

/* What is not known is -1. */
struct cgroup_usage {
	int64_t cpu_ns;
	int64_t cpu_system_ns;
	int64_t memory_bytes; /* without the pages that can be had back at once */
	int64_t memory_limit; /* -1: none */
	int64_t pids;
	int64_t read_bytes; /* from and to block devices */
	int64_t write_bytes;
};
int cgroup_read_usage(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
		      struct cgroup_usage *ret, struct error *err) must_check;

#endif
