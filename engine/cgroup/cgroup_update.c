/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_update - other limits for a container that runs.
 *
 * Theory of operation: its groups are written as at a start, without the device policy, which stays.
 * On v1 the trees that only some containers use (cpu, cpuset, blkio, hugetlb) may get a group for it
 * just now: then its processes are moved there, read from a tree that every container is in, in rounds
 * until one finds nothing new (a process may fork meanwhile). On v2 there is one tree, and the file of a
 * controller appears with it.
 *
 * A failure leaves what was written so far: the caller writes the old limits again.
 */
#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"

#define ROUNDS_MAX 16

/* A tree that holds all processes of every container. */
static enum cgroup_tree common_tree(const struct cgroup_ctx *cg)
{
	static const enum cgroup_tree trees[] = { CGROUP_TREE_FREEZER, CGROUP_TREE_PIDS,
						  CGROUP_TREE_MEMORY };

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++)
		if (cg->tree[trees[i]] >= 0)
			return trees[i];
	return CGROUP_TREE_UNIFIED;
}

struct move {
	enum cgroup_tree to;
	const char *group;
	int moved;
};

/* Among names that commas part. */
static bool has_name(char *names, const char *name)
{
	const char *one;

	while ((one = strsep(&names, ",")) != NULL)
		if (strcmp(one, name) == 0)
			return true;
	return false;
}

/* In which group of that tree a process is: "/podium/..." in a line "N:cpu,cpuacct:/podium/...". */
static bool is_there(int pid, const struct move *m)
{
	char path[64], line[CGROUP_TEXT_MAX];
	cleanup_fclose FILE *f = NULL;
	bool found = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		char *rest = line, *names, *path_of;

		(void)strsep(&rest, ":");
		names = strsep(&rest, ":");
		path_of = rest;
		found = names && path_of && has_name(names, cgroup_tree_str(m->to)) &&
			strstr(path_of, m->group);
	}
	return found || !f; /* one that is gone needs no move */
}

/* cgdir_fn over the common tree: moves what is not there yet. */
static int move_processes(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			  void *arg)
{
	struct move *m = arg;
	cleanup_close int fd = cgfile_open(cg, t, group, "cgroup.procs", O_RDONLY);
	cleanup_fclose FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	char text[16];
	int pid;

	if (!f)
		return is_cgroup_gone(fd) ? 0 : fd < 0 ? fd : -ENOMEM;
	(void)steal_fd(&fd);
	while (fscanf(f, "%d", &pid) == 1) {
		int r;

		if (pid <= 0 || is_there(pid, m))
			continue;
		(void)snprintf(text, sizeof(text), "%d", pid);
		r = cgfile_write(cg, m->to, m->group, "cgroup.procs", text);
		if (r < 0 && r != -ESRCH)
			return r;
		m->moved++;
	}
	return 0;
}

/* The group in one of the trees that not all are in. */
static int fill_group(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		      struct error *err)
{
	int r = 0;

	if (cg->tree[t] < 0 || faccessat(cg->tree[t], group, F_OK, 0) < 0)
		return 0;
	for (int i = 0; i < ROUNDS_MAX && r == 0; i++) {
		struct move m = { .to = t, .group = group };

		r = cgdir_walk(cg, common_tree(cg), group, move_processes, &m);
		if (r == 0 && !m.moved)
			return 0;
	}
	return r < 0 ? error_set(err, -r, "%s cgroup: move into '%s': %s", cgroup_tree_str(t),
				 group, strerror(-r))
		     : 0;
}

int cgroup_update_container(struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
			    const struct resources *r, struct strlist *ret_warnings,
			    struct error *err)
{
	static const enum cgroup_tree rare[] = { CGROUP_TREE_CPU, CGROUP_TREE_CPUSET,
						 CGROUP_TREE_HUGETLB, CGROUP_TREE_BLKIO };
	char group[CGROUP_GROUP_MAX];
	int res;

	if (!cg->ops)
		return error_set(err, ENOTSUP, "no writable cgroups");
	cg->keeps_devices = true;
	res = cgroup_create_container(cg, pod_id, container_id, r, false, ret_warnings, err);
	cg->keeps_devices = false;
	if (res == 0)
		res = cgroup_leaf_path(cg, group, pod_id, container_id, err);
	for (size_t i = 0; i < ARRAY_SIZE(rare) && res == 0 && cg->layout != CGROUP_V2; i++)
		res = fill_group(cg, rare[i], group, err);
	return res;
}
