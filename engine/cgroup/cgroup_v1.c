/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_v1 - limits in the v1 controllers (v1 and hybrid), killing and freezing without cgroup2.
 *
 * Theory of operation.
 * Limits: memory.limit_in_bytes, with memory.memsw.limit_in_bytes equal (no swap, as the kubelet
 * has it) where swap is accounted; memory.soft_limit_in_bytes for the request; cpu.cfs_quota_us per
 * 100 ms and cpu.shares; pids.max. All are read back.
 *
 * Devices: the policy is the same for every unprivileged container, so one group of the devices
 * tree, podium/devices, holds it for all: "a" to devices.deny first, then the list of
 * device_filter.h, then devices.list is read and must hold nothing else. Entries that the host
 * itself does not have (we are in a container) are refused by the kernel and stay away. A
 * privileged container gets a group of its own below podium/, which has what the host has, and one
 * with devices of its own a group with the same policy and those. Two
 * processes that make the shared group at once are kept apart by a lock on the base directory: the
 * "a" of the second would deny for a moment what the first one's container opens.
 *
 * Killing without cgroup.kill: freeze, send SIGKILL to all, thaw; nothing can fork in between, and
 * a frozen process keeps its pid. The signal stays pending until the thaw. Groups inside are frozen
 * and thawed with it. Without a freezer tree the rounds go on until no process is left.
 *
 * oom_kill in memory.oom_control counts since the group was made.
 */
#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/cgroup/device_filter.h"
#include "engine/pod/spec.h"

#define PAGE_SLACK	  65536 /* memory limits are cut to whole pages, 64 KiB at most */
#define FREEZE_TIMEOUT_MS 2000
#define POLL_US		  500

static int fail(struct error *err, int r, enum cgroup_tree t, const char *file)
{
	return error_set(err, -r, "%s cgroup: set '%s': %s", cgroup_tree_str(t), file,
			 strerror(-r));
}

static int set_memory(const struct cgroup_ctx *cg, const char *group, const struct cgroup_limits *l,
		      bool made, struct error *err)
{
	const enum cgroup_tree t = CGROUP_TREE_MEMORY;
	int r = 0;

	/* A restart may raise the limit, which must never be above the one with swap. */
	if (!made && (l->has_memory || l->has_memory_request))
		(void)cgfile_write(cg, t, group, "memory.memsw.limit_in_bytes", "-1");
	if (l->has_memory) {
		r = cgfile_limit(cg, t, group, "memory.limit_in_bytes", l->memory, PAGE_SLACK);
		if (r < 0)
			return fail(err, r, t, "memory.limit_in_bytes");
		/* Not there when swap is not accounted: then there is nothing to limit. */
		r = cgfile_limit(cg, t, group, "memory.memsw.limit_in_bytes", l->memory,
				 PAGE_SLACK);
		if (r < 0 && r != -ENOENT)
			return fail(err, r, t, "memory.memsw.limit_in_bytes");
	}
	if (l->has_memory_request) {
		r = cgfile_limit(cg, t, group, "memory.soft_limit_in_bytes", l->memory_request,
				 PAGE_SLACK);
		if (r < 0)
			return fail(err, r, t, "memory.soft_limit_in_bytes");
	}
	return 0;
}

static int set_shares(const struct cgroup_ctx *cg, const char *group, int64_t milli,
		      struct error *err)
{
	int r = cgfile_limit(cg, CGROUP_TREE_CPU, group, "cpu.shares", cpu_shares(milli), 1);

	return r < 0 ? fail(err, r, CGROUP_TREE_CPU, "cpu.shares") : 0;
}

static int set_cpu(const struct cgroup_ctx *cg, const char *group, const struct cgroup_limits *l,
		   struct error *err)
{
	const enum cgroup_tree t = CGROUP_TREE_CPU;
	int r = set_shares(cg, group, l->shares_milli, err);

	if (r < 0 || !l->has_cpu)
		return r;
	r = cgfile_limit(cg, t, group, "cpu.cfs_period_us", CGROUP_CPU_PERIOD_US, 1);
	if (r < 0)
		return fail(err, r, t, "cpu.cfs_period_us");
	r = cgfile_limit(cg, t, group, "cpu.cfs_quota_us", cpu_quota_us(l->cpu_milli), 1);
	return r < 0 ? fail(err, r, t, "cpu.cfs_quota_us") : 0;
}

static int set_pids(const struct cgroup_ctx *cg, const char *group, const struct cgroup_limits *l,
		    struct error *err)
{
	const enum cgroup_tree t = CGROUP_TREE_PIDS;
	int r = l->pids < 0 ? cgfile_write(cg, t, group, "pids.max", "max")
			    : cgfile_limit(cg, t, group, "pids.max", l->pids, 1);

	return r < 0 ? fail(err, r, t, "pids.max") : 0;
}

/* ---- devices ------------------------------------------------------------------------------- */

/* A group of the devices tree and what may be opened in it besides the fixed policy. */
struct policy {
	const char *group;
	const struct device_rule *extra;
	size_t n_extra;
};

/* 0 when devices.list holds rules of ours and nothing else, -EPERM when it holds more. */
static int check_policy(const struct cgroup_ctx *cg, const struct policy *p)
{
	char text[CGROUP_TEXT_MAX], *line, *rest = text;
	int r = cgfile_read(cg, CGROUP_TREE_DEVICES, p->group, "devices.list", text, sizeof(text));

	if (r < 0)
		return r;
	if (!*text)
		return -EPERM;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (!is_device_rule_text(line, p->extra, p->n_extra))
			return -EPERM;
	return 0;
}

/* A rule of ours that the host has not got either is left out; one that was asked for is missed. */
static int write_policy(const struct cgroup_ctx *cg, const struct policy *p)
{
	char text[DEVICE_RULE_TEXT_MAX];
	int r = cgfile_write(cg, CGROUP_TREE_DEVICES, p->group, "devices.deny", "a");

	for (size_t i = 0; r == 0 && i < device_rules_count; i++) {
		device_rule_text(&device_rules[i], text);
		r = cgfile_write(cg, CGROUP_TREE_DEVICES, p->group, "devices.allow", text);
		if (r == -EPERM)
			r = 0;
	}
	for (size_t i = 0; r == 0 && i < p->n_extra; i++) {
		device_rule_text(&p->extra[i], text);
		r = cgfile_write(cg, CGROUP_TREE_DEVICES, p->group, "devices.allow", text);
	}
	return r < 0 ? r : check_policy(cg, p);
}

int v1_device_policy(const struct cgroup_ctx *cg, struct error *err)
{
	const struct policy shared = { .group = CGROUP_DEVICES };
	cleanup_close int lockfd = -EBADF;
	int r;

	if (check_policy(cg, &shared) == 0)
		return 0;
	r = cgdir_make(cg, CGROUP_TREE_DEVICES, CGROUP_DEVICES, err);
	if (r < 0)
		return r;
	lockfd = openat(cg->tree[CGROUP_TREE_DEVICES], CGROUP_BASE,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (lockfd < 0 || flock(lockfd, LOCK_EX) < 0)
		return error_errno(err, "devices cgroup: lock '%s'", CGROUP_BASE);
	if (check_policy(cg, &shared) == 0)
		return 0;
	r = write_policy(cg, &shared);
	if (r < 0)
		return error_set(err, -r, "devices cgroup: set the device policy: %s",
				 strerror(-r));
	return 0;
}

/* A group of the container's own; a restart writes it anew. */
static int own_policy(const struct cgroup_ctx *cg, const char *group, struct error *err)
{
	const struct policy own = { group, cg->devices, cg->n_devices };
	int r = cgdir_make(cg, CGROUP_TREE_DEVICES, group, err);

	if (r < 0)
		return r;
	/* A fake tree keeps no list. */
	r = write_policy(cg, &own);
	if (r < 0 && !cg->fake)
		return error_set(err, -r, "devices cgroup: set the container's device policy: %s",
				 strerror(-r));
	return 0;
}

static int set_devices(const struct cgroup_ctx *cg, const char *group, bool privileged,
		       struct error *err)
{
	int r;

	if (cg->tree[CGROUP_TREE_DEVICES] < 0) {
		/* Hybrid without the controller: the program serves, if we may load one. */
		if (privileged || cg->user_namespace || cg->tree[CGROUP_TREE_UNIFIED] < 0)
			return 0;
		return unified_device_policy(cg, group, err);
	}
	if (!privileged && cg->n_devices && !WEAKEN("CG-3"))
		return own_policy(cg, group, err);
	if (!privileged && !WEAKEN("CG-3"))
		return v1_device_policy(cg, err);
	r = cgdir_make(cg, CGROUP_TREE_DEVICES, group, err);
	return r < 0 ? r : 0;
}

/* ---- creating ------------------------------------------------------------------------------ */

static const enum cgroup_tree always[] = { CGROUP_TREE_UNIFIED, CGROUP_TREE_MEMORY,
					   CGROUP_TREE_PIDS, CGROUP_TREE_FREEZER };

/* made[t]: the group is new in that tree. */
static int make_groups(const struct cgroup_ctx *cg, const char *group, bool with_cpu,
		       bool made[CGROUP_TREE__COUNT], struct error *err)
{
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		if (cg->tree[always[i]] < 0)
			continue;
		r = cgdir_make(cg, always[i], group, err);
		if (r < 0)
			return r;
		made[always[i]] = r > 0;
	}
	if (!with_cpu || cg->tree[CGROUP_TREE_CPU] < 0)
		return 0;
	r = cgdir_make(cg, CGROUP_TREE_CPU, group, err);
	return r < 0 ? r : 0;
}

static int v1_create_pod(const struct cgroup_ctx *cg, const char *group,
			 const struct resources *total, struct strlist *ret_warnings,
			 struct error *err)
{
	bool made[CGROUP_TREE__COUNT] = { false };
	struct cgroup_limits l;
	bool cpu;
	int r;

	cgroup_limits_of(total, &l);
	if (ret_warnings)
		cgroup_warn_missing(&l, cg->has_controller, ret_warnings);
	cpu = l.has_shares && cg->tree[CGROUP_TREE_CPU] >= 0;
	r = make_groups(cg, group, cpu, made, err);
	if (r == 0 && cpu)
		r = set_cpu(cg, group, &l, err);
	if (r == 0 && cg->tree[CGROUP_TREE_MEMORY] >= 0 && l.has_memory)
		r = set_memory(cg, group, &l, made[CGROUP_TREE_MEMORY], err);
	if (r == 0 && cg->tree[CGROUP_TREE_PIDS] >= 0 && l.asked_pids)
		r = set_pids(cg, group, &l, err);
	return r;
}

static int v1_create_container(const struct cgroup_ctx *cg, const char *group,
			       const struct resources *r, bool privileged,
			       struct strlist *ret_warnings, struct error *err)
{
	bool made[CGROUP_TREE__COUNT] = { false };
	struct cgroup_limits l;
	int res;

	cgroup_limits_of(r, &l);
	cgroup_warn_missing(&l, cg->has_controller, ret_warnings);
	res = make_groups(cg, group, l.has_cpu || l.has_shares, made, err);
	if (res == 0 && cg->tree[CGROUP_TREE_MEMORY] >= 0)
		res = set_memory(cg, group, &l, made[CGROUP_TREE_MEMORY], err);
	if (res == 0 && cg->tree[CGROUP_TREE_CPU] >= 0 && (l.has_cpu || l.has_shares))
		res = set_cpu(cg, group, &l, err);
	if (res == 0 && cg->tree[CGROUP_TREE_PIDS] >= 0)
		res = set_pids(cg, group, &l, err);
	if (res == 0 && !cg->keeps_devices)
		res = set_devices(cg, group, privileged, err);
	return res;
}

/* ---- killing, freezing --------------------------------------------------------------------- */

/* The tree whose process lists are used: the freezer's, else any that every container is in. */
static enum cgroup_tree process_tree(const struct cgroup_ctx *cg)
{
	if (cg->tree[CGROUP_TREE_FREEZER] >= 0)
		return CGROUP_TREE_FREEZER;
	return cg->tree[CGROUP_TREE_PIDS] >= 0 ? CGROUP_TREE_PIDS : CGROUP_TREE_MEMORY;
}

/* cgdir_fn: counts into *(int *)arg; sends SIGKILL as well. */
static int kill_group(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group, void *arg)
{
	int *count = arg;
	cleanup_close int fd = cgfile_open(cg, t, group, "cgroup.procs", O_RDONLY);
	cleanup_fclose FILE *f = NULL;
	int pid;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENODEV ? 0 : fd;
	f = fdopen(fd, "re");
	if (!f)
		return -ENOMEM;
	(void)steal_fd(&fd);
	while (fscanf(f, "%d", &pid) == 1) {
		++*count;
		if (pid > 0 && !cg->fake)
			(void)kill(pid, SIGKILL);
	}
	return 0;
}

/* cgdir_fn: non-zero when there is a process. A zombie is in no list. */
static int find_process(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			void *arg)
{
	char text[16];
	int r = cgfile_read(cg, t, group, "cgroup.procs", text, sizeof(text));

	(void)arg;
	return r == 0 && *text ? 1 : 0;
}

static int thaw_group(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group, void *arg)
{
	(void)arg;
	(void)cgfile_write(cg, t, group, "freezer.state", "THAWED");
	return 0;
}

static void sleep_a_little(void)
{
	const struct timespec ts = { .tv_nsec = POLL_US * 1000 };

	(void)nanosleep(&ts, NULL);
}

static bool is_v1_empty(const struct cgroup_ctx *cg, const char *group)
{
	enum cgroup_tree t = process_tree(cg);

	return cg->tree[t] < 0 || cgdir_walk(cg, t, group, find_process, NULL) <= 0;
}

/* Waits until freezer.state says so. Writing again is how the kernel is asked to retry. */
static int set_freezer(const struct cgroup_ctx *cg, const char *group, const char *state,
		       int64_t deadline_ms)
{
	char now[16];
	int r;

	for (;;) {
		r = cgfile_write(cg, CGROUP_TREE_FREEZER, group, "freezer.state", state);
		if (r == 0)
			r = cgfile_read(cg, CGROUP_TREE_FREEZER, group, "freezer.state", now,
					sizeof(now));
		if (r < 0 || strcmp(now, state) == 0)
			return r;
		if (clock_mono_ms() >= deadline_ms)
			return -ETIMEDOUT;
		sleep_a_little();
	}
}

static int v1_kill(const struct cgroup_ctx *cg, const char *group, int timeout_ms,
		   struct error *err)
{
	int64_t deadline = clock_mono_ms() + timeout_ms;
	enum cgroup_tree t = process_tree(cg);
	bool freezer = t == CGROUP_TREE_FREEZER;
	int r, count;

	if (cg->tree[t] < 0)
		return 0;
	for (;;) {
		count = 0;
		/* A failure to freeze (a task in uninterruptible sleep) leaves the signal to do it.
		 */
		if (freezer)
			(void)set_freezer(cg, group, "FROZEN",
					  clock_mono_ms() + (timeout_ms < FREEZE_TIMEOUT_MS
								     ? timeout_ms
								     : FREEZE_TIMEOUT_MS));
		r = cgdir_walk(cg, t, group, kill_group, &count);
		if (freezer)
			(void)cgdir_walk(cg, t, group, thaw_group, NULL);
		if (r < 0)
			return error_set(err, -r, "%s cgroup: kill '%s': %s", cgroup_tree_str(t),
					 group, strerror(-r));
		if (count == 0 || timeout_ms == 0 || is_v1_empty(cg, group))
			return 0;
		if (clock_mono_ms() >= deadline)
			return error_set(err, ETIMEDOUT, "%s cgroup: '%s' still has processes",
					 cgroup_tree_str(t), group);
		sleep_a_little();
	}
}

static int v1_freeze(const struct cgroup_ctx *cg, const char *group, bool on, int timeout_ms,
		     struct error *err)
{
	int r;

	if (cg->tree[CGROUP_TREE_FREEZER] < 0)
		return error_set(err, ENOTSUP, "no writable freezer cgroup");
	r = set_freezer(cg, group, on ? "FROZEN" : "THAWED", clock_mono_ms() + timeout_ms);
	if (r < 0)
		return error_set(err, -r, "freezer cgroup: %s '%s': %s", on ? "freeze" : "thaw",
				 group, strerror(-r));
	return 0;
}

static int v1_oom_count(const struct cgroup_ctx *cg, const char *group, int64_t *ret,
			struct error *err)
{
	int r;

	if (cg->tree[CGROUP_TREE_MEMORY] < 0)
		return 0;
	r = cgfile_read_key(cg, CGROUP_TREE_MEMORY, group, "memory.oom_control", "oom_kill", ret);
	if (r < 0 && r != -ENODATA)
		return error_set(err, -r, "memory cgroup: read '%s/memory.oom_control': %s", group,
				 strerror(-r));
	return 0;
}

const struct cgroup_ops cgroup_ops_v1 = {
	.pod_leaf = "",
	.create_pod = v1_create_pod,
	.create_container = v1_create_container,
	.kill = v1_kill,
	.freeze = v1_freeze,
	.is_empty = is_v1_empty,
	.oom_count = v1_oom_count,
};

const struct cgroup_ops cgroup_ops_hybrid = {
	.pod_leaf = "",
	.create_pod = v1_create_pod,
	.create_container = v1_create_container,
	.kill = unified_kill,
	.freeze = unified_freeze,
	.is_empty = is_unified_empty,
	.oom_count = v1_oom_count,
};
