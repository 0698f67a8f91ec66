/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_stats - reads what a container's groups say of it.
 *
 * Theory of operation: v2 has everything in one directory (cpu.stat, memory.current, memory.stat,
 * memory.max, pids.current, io.stat where the controller is on). v1 has a tree each; a file that is
 * not there, because its tree is not mounted or is mounted elsewhere, leaves its number at -1, and
 * the caller may sum over the processes instead. Memory is what stays when the inactive page cache
 * is taken off, as docker, podman and the kubelet count it.
 */
#include "engine/cgroup/cgroup_stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/cgroup/internal.h"

#define STAT_BYTES_MAX 65536
#define NO_LIMIT       (INT64_C(1) << 62) /* v1 says about that much for "none" */

void cgroup_processes_done(struct cgroup_processes *l)
{
	free(l->v);
	*l = (struct cgroup_processes){ 0 };
}

/* ---- processes -------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

static char *read_whole(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			const char *file)
{
	cleanup_close int fd = cg->tree[t] < 0 ? -EBADF : cgfile_open(cg, t, group, file, O_RDONLY);
	struct buf b = BUF_INIT(CGROUP_PROCESSES_MAX * 8);
	char block[4096];
	ssize_t n;

	if (fd < 0)
		return NULL;
	while ((n = read(fd, block, sizeof(block))) > 0)
		buf_add(&b, block, (size_t)n);
	return buf_steal(&b);
}

static int add_group(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group, void *arg)
{
	cleanup_free char *text = read_whole(cg, t, group, "cgroup.procs");
	struct cgroup_processes *l = arg;
	char *at = text, *line;

	while (at && (line = strsep(&at, "\n"))) {
		uint64_t pid;

		/* 0: one of another pid namespace, which cannot be named here */
		if (parse_u64(line, INT32_MAX, &pid) < 0 || !pid || l->n >= CGROUP_PROCESSES_MAX)
			continue;
		l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
		l->v[l->n++] = (pid_t)pid;
	}
	return 0;
}

int cgroup_list_processes(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
			  struct cgroup_processes *ret, struct error *err)
{
	static const enum cgroup_tree trees[] = { CGROUP_TREE_UNIFIED, CGROUP_TREE_PIDS,
						  CGROUP_TREE_MEMORY, CGROUP_TREE_FREEZER,
						  CGROUP_TREE_CPU };
	char group[CGROUP_GROUP_MAX];
	int r;

	*ret = (struct cgroup_processes){ 0 };
	if (cg->layout == CGROUP_NONE)
		return 0;
	r = cgroup_leaf_path(cg, group, pod_id, container_id, err);
	for (size_t i = 0; r == 0 && !ret->n && i < ARRAY_SIZE(trees); i++)
		if (cg->tree[trees[i]] >= 0)
			(void)cgdir_walk(cg, trees[i], group, add_group, ret);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_number);
	return r;
}

/* ---- usage ------------------------------------------------------------------------------ */

static int64_t read_number(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			   const char *file)
{
	char text[64];
	int64_t n;

	if (cg->tree[t] < 0 || cgfile_read(cg, t, group, file, text, sizeof(text)) < 0 ||
	    parse_i64(text, 0, INT64_MAX, &n) < 0)
		return -1;
	return n;
}

/* The number behind a word at the start of a line of a long file. */
static int64_t read_word(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			 const char *file, const char *word)
{
	cleanup_free char *text = read_whole(cg, t, group, file);
	size_t len = strlen(word);
	char *at = text, *line;
	int64_t n;

	while (at && (line = strsep(&at, "\n")))
		if (strncmp(line, word, len) == 0 && line[len] == ' ' &&
		    parse_i64(line + len + 1, 0, INT64_MAX, &n) == 0)
			return n;
	return -1;
}

/* "8:0 rbytes=1 wbytes=2 ...": all devices together. */
static void sum_io(const char *text, struct cgroup_usage *u)
{
	static const char *const words[] = { " rbytes=", " wbytes=" };
	int64_t *sums[] = { &u->read_bytes, &u->write_bytes };

	for (size_t k = 0; k < 2; k++) {
		*sums[k] = 0;
		for (const char *at = strstr(text, words[k]); at; at = strstr(at + 1, words[k])) {
			const char *from = at + strlen(words[k]);
			cleanup_free char *number = xstrndup(from, strspn(from, "0123456789"));
			int64_t n = 0;

			if (parse_i64(number, 0, INT64_MAX / 1024, &n) == 0)
				*sums[k] += n;
		}
	}
}

static void read_v2(const struct cgroup_ctx *cg, const char *group, struct cgroup_usage *u)
{
	const enum cgroup_tree t = CGROUP_TREE_UNIFIED;
	cleanup_free char *io = read_whole(cg, t, group, "io.stat");
	int64_t cache = read_word(cg, t, group, "memory.stat", "inactive_file");

	u->cpu_ns = read_word(cg, t, group, "cpu.stat", "usage_usec");
	u->cpu_system_ns = read_word(cg, t, group, "cpu.stat", "system_usec");
	u->cpu_ns = u->cpu_ns < 0 ? -1 : u->cpu_ns * 1000;
	u->cpu_system_ns = u->cpu_system_ns < 0 ? -1 : u->cpu_system_ns * 1000;
	u->memory_bytes = read_number(cg, t, group, "memory.current");
	if (cache > 0 && u->memory_bytes >= cache)
		u->memory_bytes -= cache;
	u->memory_limit = read_number(cg, t, group, "memory.max");
	u->pids = read_number(cg, t, group, "pids.current");
	if (!is_empty(io))
		sum_io(io, u);
}

static void read_v1(const struct cgroup_ctx *cg, const char *group, struct cgroup_usage *u)
{
	int64_t cache =
		read_word(cg, CGROUP_TREE_MEMORY, group, "memory.stat", "total_inactive_file");

	u->cpu_ns = read_number(cg, CGROUP_TREE_CPU, group, "cpuacct.usage");
	u->cpu_system_ns = read_number(cg, CGROUP_TREE_CPU, group, "cpuacct.usage_sys");
	u->memory_bytes = read_number(cg, CGROUP_TREE_MEMORY, group, "memory.usage_in_bytes");
	if (cache > 0 && u->memory_bytes >= cache)
		u->memory_bytes -= cache;
	u->memory_limit = read_number(cg, CGROUP_TREE_MEMORY, group, "memory.limit_in_bytes");
	if (u->memory_limit >= NO_LIMIT)
		u->memory_limit = -1;
	u->pids = read_number(cg, CGROUP_TREE_PIDS, group, "pids.current");
}

int cgroup_read_usage(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
		      struct cgroup_usage *ret, struct error *err)
{
	char group[CGROUP_GROUP_MAX];
	int r;

	*ret = (struct cgroup_usage){ -1, -1, -1, -1, -1, -1, -1 };
	if (cg->layout == CGROUP_NONE)
		return 0;
	r = cgroup_leaf_path(cg, group, pod_id, container_id, err);
	if (r < 0)
		return r;
	if (cg->layout == CGROUP_V2)
		read_v2(cg, group, ret);
	else
		read_v1(cg, group, ret);
	return 0;
}
