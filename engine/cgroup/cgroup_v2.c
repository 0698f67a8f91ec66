/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_v2 - limits in the unified tree, and its kill, freeze and events, which hybrid uses too.
 *
 * Theory of operation.
 * Controllers are switched on level by level: a group has memory.max only when its parent's
 * cgroup.subtree_control names memory. A group whose subtree_control is not empty holds no
 * processes itself, so pause lives in podium/<pod>/pause. The pod's subtree_control is written
 * first; only when that says ENOENT (the first pod since boot) are the mount point's and the base's
 * written too. Each controller is written by its own, so that one that the kernel refuses (cpu with
 * real-time processes, any where the top of the tree holds processes) takes no other with it; its
 * limits become warnings, since the control files are then not there.
 *
 * Limits: memory.max with memory.swap.max 0 and memory.oom.group 1, as the kubelet has them (a
 * container is killed as a whole); memory.low for the request, which helps as far as the groups
 * above grant it; cpu.max, cpu.weight, pids.max. Read back where the file gives one number.
 *
 * Devices: device_filter.c; a user namespace relies on nodev mounts instead.
 *
 * Killing: cgroup.kill (5.14) kills all below, frozen or not, and no fork escapes. Then populated
 * in cgroup.events is awaited with poll(POLLPRI); a zombie does not populate.
 */
#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/cgroup/device_filter.h"
#include "engine/pod/spec.h"

#define T	      CGROUP_TREE_UNIFIED
#define PAGE_SLACK    65536
#define LOOK_AGAIN_MS 512

static int fail(struct error *err, int r, const char *file)
{
	return error_set(err, -r, "cgroup: set '%s': %s", file, strerror(-r));
}

/* ---- events -------------------------------------------------------------------------------- */

/* Waits until `key` in cgroup.events has the value. A group that is gone has nothing to say: 0.
 * The kernel tells one change of a file in 10 ms, and tells a second one late: a group that has just
 * begun to be populated is looked at before that. */
static int wait_event(const struct cgroup_ctx *cg, const char *group, const char *key,
		      int64_t value, int timeout_ms)
{
	int64_t now, left, step = 1, deadline = clock_mono_ms() + timeout_ms;
	cleanup_close int fd = cgfile_open(cg, T, group, "cgroup.events", O_RDONLY);
	char text[128];
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };

		/* The read also arms the next POLLPRI: it comes before the look. */
		if (pread(fd, text, sizeof(text), 0) < 0)
			return errno == ENODEV ? 0 : -errno;
		r = cgfile_read_key(cg, T, group, "cgroup.events", key, &now);
		if (r < 0)
			return r == -ENOENT || r == -ENODEV ? 0 : r;
		if (now == value)
			return 0;
		left = deadline - clock_mono_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)(left < step ? left : step)) < 0 && errno != EINTR)
			return -errno;
		step = step < LOOK_AGAIN_MS ? step * 2 : LOOK_AGAIN_MS;
	}
}

int unified_kill(const struct cgroup_ctx *cg, const char *group, int timeout_ms, struct error *err)
{
	int r = cgfile_write(cg, T, group, "cgroup.kill", "1");

	if (r == -ENOENT && faccessat(cg->tree[T], group, F_OK, 0) < 0)
		return 0;
	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return error_set(err, -r, "cgroup: kill '%s': %s", group, strerror(-r));
	if (timeout_ms == 0)
		return 0;
	r = wait_event(cg, group, "populated", 0, timeout_ms);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "cgroup: '%s' still has processes", group);
	return r < 0 ? error_set(err, -r, "cgroup: kill '%s': %s", group, strerror(-r)) : 0;
}

int unified_freeze(const struct cgroup_ctx *cg, const char *group, bool on, int timeout_ms,
		   struct error *err)
{
	int r = cgfile_write(cg, T, group, "cgroup.freeze", on ? "1" : "0");

	if (r == 0)
		r = wait_event(cg, group, "frozen", on ? 1 : 0, timeout_ms);
	if (r < 0)
		return error_set(err, -r, "cgroup: %s '%s': %s", on ? "freeze" : "thaw", group,
				 strerror(-r));
	return 0;
}

bool is_unified_empty(const struct cgroup_ctx *cg, const char *group)
{
	int64_t populated = 0;
	int r = cgfile_read_key(cg, T, group, "cgroup.events", "populated", &populated);

	return r < 0 || populated == 0;
}

int unified_device_policy(const struct cgroup_ctx *cg, const char *group, struct error *err)
{
	cleanup_close int fd =
		openat(cg->tree[T], group, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0)
		return error_errno(err, "cgroup: open '%s'", group);
	if (cg->fake)
		return 0;
	r = device_program_attach(fd, cg->devices, cg->n_devices, err);
	return r < 0 ? error_wrap(err, "cgroup '%s'", group) : 0;
}

/* ---- limits -------------------------------------------------------------------------------- */

/* Hands the controllers on to the group's children. -ENOENT when the group itself lacks one. */
static int enable_below(const struct cgroup_ctx *cg, const char *group)
{
	static const enum cgroup_tree kinds[] = { CGROUP_TREE_MEMORY, CGROUP_TREE_CPU,
						  CGROUP_TREE_PIDS };
	char text[16];
	int r, first = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!cg->has_controller[kinds[i]])
			continue;
		(void)snprintf(text, sizeof(text), "+%s", cgroup_tree_str(kinds[i]));
		r = cgfile_write(cg, T, group, "cgroup.subtree_control", text);
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

/* Each returns -ENOENT without a text when the controller is not switched on. */
typedef int set_fn(const struct cgroup_ctx *cg, const char *group, const struct cgroup_limits *l,
		   struct error *err);

static int set_memory_limit(const struct cgroup_ctx *cg, const char *group,
			    const struct cgroup_limits *l, struct error *err)
{
	int r = cgfile_limit(cg, T, group, "memory.max", l->memory, PAGE_SLACK);

	if (r < 0)
		return r == -ENOENT ? r : fail(err, r, "memory.max");
	/* Not there without swap accounting. */
	r = cgfile_limit(cg, T, group, "memory.swap.max", 0, 1);
	return r < 0 && r != -ENOENT ? fail(err, r, "memory.swap.max") : 0;
}

static int set_memory(const struct cgroup_ctx *cg, const char *group, const struct cgroup_limits *l,
		      struct error *err)
{
	int r = cgfile_limit(cg, T, group, "memory.oom.group", 1, 1);

	if (r < 0)
		return r == -ENOENT ? r : fail(err, r, "memory.oom.group");
	r = l->has_memory ? set_memory_limit(cg, group, l, err) : 0;
	if (r < 0)
		return r == -ENOENT ? fail(err, r, "memory.max") : r;
	if (l->has_memory_request) {
		r = cgfile_limit(cg, T, group, "memory.low", l->memory_request, PAGE_SLACK);
		if (r < 0)
			return fail(err, r, "memory.low");
	}
	return 0;
}

static int set_cpu(const struct cgroup_ctx *cg, const char *group, const struct cgroup_limits *l,
		   struct error *err)
{
	char want[48], now[48];
	int r;

	if (!l->has_shares)
		return 0;
	r = cgfile_limit(cg, T, group, "cpu.weight", cpu_weight(l->shares_milli), 1);
	if (r < 0)
		return r == -ENOENT ? r : fail(err, r, "cpu.weight");
	if (!l->has_cpu)
		return 0;
	(void)snprintf(want, sizeof(want), "%" PRId64 " %d", cpu_quota_us(l->cpu_milli),
		       CGROUP_CPU_PERIOD_US);
	r = cgfile_write(cg, T, group, "cpu.max", want);
	if (r == 0)
		r = cgfile_read(cg, T, group, "cpu.max", now, sizeof(now));
	if (r == 0 && strcmp(want, now) != 0)
		r = -EIO;
	return r < 0 ? fail(err, r, "cpu.max") : 0;
}

static int set_pids(const struct cgroup_ctx *cg, const char *group, const struct cgroup_limits *l,
		    struct error *err)
{
	int r = l->pids < 0 ? cgfile_write(cg, T, group, "pids.max", "max")
			    : cgfile_limit(cg, T, group, "pids.max", l->pids, 1);

	return r < 0 && r != -ENOENT ? fail(err, r, "pids.max") : r;
}

/* What a pod has: only what it asks for, and it is never killed as a whole. */
static int set_limits(const struct cgroup_ctx *cg, const char *group, const struct cgroup_limits *l,
		      bool pod, struct strlist *ret_warnings, struct error *err)
{
	const struct {
		enum cgroup_tree kind;
		bool asked;
		set_fn *set;
	} steps[] = { { CGROUP_TREE_MEMORY, !pod || l->has_memory,
			pod ? set_memory_limit : set_memory },
		      { CGROUP_TREE_CPU, true, set_cpu },
		      { CGROUP_TREE_PIDS, !pod || l->asked_pids, set_pids } };
	bool has[CGROUP_TREE__COUNT] = { false };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r;

		if (!cg->has_controller[steps[i].kind])
			continue;
		r = steps[i].asked ? steps[i].set(cg, group, l, err) : 0;
		if (r < 0 && r != -ENOENT)
			return r;
		has[steps[i].kind] = r == 0;
	}
	if (ret_warnings)
		cgroup_warn_missing(l, has, ret_warnings);
	return 0;
}

static int v2_create_pod(const struct cgroup_ctx *cg, const char *group,
			 const struct resources *total, struct strlist *ret_warnings,
			 struct error *err)
{
	char leaf[CGROUP_GROUP_MAX + 8];
	struct cgroup_limits l;
	int r = cgdir_make(cg, T, group, err);

	if (r < 0)
		return r;
	if (enable_below(cg, group) == -ENOENT || cg->fake) {
		/* What stays refused shows as missing files when a limit is set. */
		(void)enable_below(cg, ".");
		(void)enable_below(cg, CGROUP_BASE);
		(void)enable_below(cg, group);
	}
	(void)snprintf(leaf, sizeof(leaf), "%s%s", group, cgroup_ops_v2.pod_leaf);
	r = cgdir_make(cg, T, leaf, err);
	if (r < 0)
		return r;
	cgroup_limits_of(total, &l);
	return set_limits(cg, group, &l, true, ret_warnings, err);
}

static int v2_create_container(const struct cgroup_ctx *cg, const char *group,
			       const struct resources *r, bool privileged,
			       struct strlist *ret_warnings, struct error *err)
{
	struct cgroup_limits l;
	int res = cgdir_make(cg, T, group, err);

	if (res < 0)
		return res;
	cgroup_limits_of(r, &l);
	res = set_limits(cg, group, &l, false, ret_warnings, err);
	if (res < 0 || privileged || cg->keeps_devices || cg->user_namespace || WEAKEN("CG-3"))
		return res;
	return unified_device_policy(cg, group, err);
}

static int v2_oom_count(const struct cgroup_ctx *cg, const char *group, int64_t *ret,
			struct error *err)
{
	int r = cgfile_read_key(cg, T, group, "memory.events", "oom_kill", ret);

	/* No file: the controller is not switched on. No group: an error. */
	if (r == -ENODATA || (r == -ENOENT && faccessat(cg->tree[T], group, F_OK, 0) == 0))
		return 0;
	if (r < 0)
		return error_set(err, -r, "cgroup: read '%s/memory.events': %s", group,
				 strerror(-r));
	return 0;
}

const struct cgroup_ops cgroup_ops_v2 = {
	.pod_leaf = "/pause",
	.create_pod = v2_create_pod,
	.create_container = v2_create_container,
	.kill = unified_kill,
	.freeze = unified_freeze,
	.is_empty = is_unified_empty,
	.oom_count = v2_oom_count,
};
