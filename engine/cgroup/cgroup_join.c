/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_join - how a process gets into its groups.
 *
 * Theory of operation: prepare opens one file in each tree, with the rights of the opener; commit
 * writes "0" (the writer itself) to each and closes it. They are apart because the child that joins
 * may already be in namespaces where the trees cannot be reached.
 *
 * Trees where a container has no group of its own: cpu, cpuset, hugetlb, when it asked for nothing
 * there (the process joins its pod's group, whose limits are for all members, or stays where its
 * starter is when the pod has none either); devices, when it is not privileged (the shared
 * group). A missing memory, pids or freezer group is an error, since a limit would silently not hold.
 *
 * Should: be called by a process with one thread, before it forks. Mustn't: be called after
 * unshare(CLONE_NEWCGROUP), which would make the old place the visible root.
 * A failure half-way leaves the process in some of the groups: it is expected to exit.
 */
#include "engine/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/cgroup/internal.h"

static int open_v1_tasks(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			 const char *pod_group, int *ret, struct error *err)
{
	bool is_optional = t == CGROUP_TREE_CPU || t >= CGROUP_TREE_CPUSET;
	int fd = cgfile_open(cg, t, group, "tasks", O_WRONLY);

	if (fd == -ENOENT && is_optional)
		fd = cgfile_open(cg, t, pod_group, "tasks", O_WRONLY);
	if (fd == -ENOENT && is_optional)
		return 0;
	if (fd == -ENOENT && t == CGROUP_TREE_DEVICES)
		fd = cgfile_open(cg, t, CGROUP_DEVICES, "tasks", O_WRONLY);
	if (fd == -ENOENT && t == CGROUP_TREE_DEVICES) {
		/* pruned meanwhile, or a pod without containers yet */
		int r = v1_device_policy(cg, err);

		if (r < 0)
			return r;
		fd = cgfile_open(cg, t, CGROUP_DEVICES, "tasks", O_WRONLY);
	}
	if (fd < 0)
		return error_set(err, -fd, "%s cgroup: open '%s/tasks': %s", cgroup_tree_str(t),
				 group, strerror(-fd));
	*ret = fd;
	return 0;
}

static int open_unified_procs(const struct cgroup_ctx *cg, const char *group, int *ret,
			      struct error *err)
{
	int fd = cgfile_open(cg, CGROUP_TREE_UNIFIED, group, "cgroup.procs", O_WRONLY);

	if (fd < 0)
		return error_set(err, -fd, "unified cgroup: open '%s/cgroup.procs': %s", group,
				 strerror(-fd));
	*ret = fd;
	return 0;
}

int cgroup_join_prepare(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
			enum cgroup_born born, struct cgroup_join *ret, struct error *err)
{
	struct cgroup_join j = CGROUP_JOIN_INIT;
	char group[CGROUP_GROUP_MAX], pod_group[CGROUP_GROUP_MAX];
	int r = cgroup_leaf_path(cg, group, pod_id, container_id, err);

	if (r == 0)
		r = cgroup_leaf_path(cg, pod_group, pod_id, NULL, err);
	for (int t = 0; r == 0 && t < CGROUP_TREE__COUNT; t++) {
		if (cg->tree[t] < 0)
			continue;
		if (t != CGROUP_TREE_UNIFIED)
			r = open_v1_tasks(cg, (enum cgroup_tree)t, group, pod_group, &j.fd[t], err);
		else if (born == CGROUP_BORN_OUTSIDE)
			r = open_unified_procs(cg, group, &j.fd[t], err);
	}
	if (r < 0) {
		cgroup_join_done(&j);
		return r;
	}
	*ret = j;
	return 0;
}

int cgroup_join_commit(struct cgroup_join *j, struct error *err)
{
	int r = 0;

	for (int t = 0; r == 0 && t < CGROUP_TREE__COUNT; t++)
		if (j->fd[t] >= 0 && write(j->fd[t], "0", 1) < 0)
			r = error_errno(err, "join the %s cgroup",
					cgroup_tree_str((enum cgroup_tree)t));
	cgroup_join_done(j);
	return r;
}

void cgroup_join_done(struct cgroup_join *j)
{
	for (int t = 0; t < CGROUP_TREE__COUNT; t++) {
		if (j->fd[t] >= 0)
			(void)close(j->fd[t]);
		j->fd[t] = -1;
	}
}

int cgroup_join_self(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
		     enum cgroup_born born, struct error *err)
{
	struct cgroup_join j;
	int r = cgroup_join_prepare(cg, pod_id, container_id, born, &j, err);

	return r < 0 ? r : cgroup_join_commit(&j, err);
}

int cgroup_open_group(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *pod_id,
		      const char *container_id, struct error *err)
{
	char group[CGROUP_GROUP_MAX];
	int fd, r;

	if (cg->tree[t] < 0)
		return -ENOTSUP;
	r = cgroup_leaf_path(cg, group, pod_id, container_id, err);
	if (r < 0)
		return r;
	fd = openat(cg->tree[t], group, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_errno(err, "%s cgroup: open '%s'", cgroup_tree_str(t), group);
	return fd;
}

int cgroup_open_dir_fd(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
		       struct error *err)
{
	return cgroup_open_group(cg, CGROUP_TREE_UNIFIED, pod_id, container_id, err);
}

static int join_monitors(const struct cgroup_ctx *cg, enum cgroup_tree t, struct error *err)
{
	const char *file = cg->layout == CGROUP_V2 ? "cgroup.procs" : "tasks";
	int r = cgdir_make(cg, t, CGROUP_MONITORS, err);

	if (r < 0)
		return r;
	r = cgfile_write(cg, t, CGROUP_MONITORS, file, "0");
	if (r < 0)
		return error_set(err, -r, "%s cgroup: join '%s': %s", cgroup_tree_str(t),
				 CGROUP_MONITORS, strerror(-r));
	return 0;
}

int cgroup_join_monitors(const struct cgroup_ctx *cg, struct error *err)
{
	enum cgroup_tree t = cg->layout == CGROUP_V2 ? CGROUP_TREE_UNIFIED : CGROUP_TREE_MEMORY;
	int r = cg->tree[t] < 0 ? 0 : join_monitors(cg, t, err);

	if (is_cgroup_gone(r)) {
		/* Pruned between the two steps: once more, with nobody pruning. */
		cleanup_close int lock = cgbase_lock(cg, false);

		(void)lock; /* held, where it was to be had */
		r = join_monitors(cg, t, err);
	}
	return r;
}
