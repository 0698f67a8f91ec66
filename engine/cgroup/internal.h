/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - what the files of engine/cgroup share: paths, control files, the back ends' table.
 */
#ifndef PODIUM_CGROUP_INTERNAL_H
#define PODIUM_CGROUP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/cgroup/cgroup.h"

/* "podium/<64 digits>/<64 digits>" and a leaf. */
#define CGROUP_GROUP_MAX 160
/* A control file's path: groups that a container made inside its own may go deep. */
#define CGROUP_FILE_MAX 4096
/* The longest control file that is read: memory.events, devices.list, cgroup.procs by pieces. */
#define CGROUP_TEXT_MAX 4096
/* Groups inside a container's group, one in the other, that removal and v1 killing follow. */
#define CGROUP_DEPTH_MAX 32

#define CGROUP_BASE	"podium"
#define CGROUP_MONITORS CGROUP_BASE "/monitors"
/* v1: the one group of the devices tree that every unprivileged container joins. */
#define CGROUP_DEVICES CGROUP_BASE "/devices"

/* One back end. `group` is relative to the mount points of the trees. */
struct cgroup_ops {
	const char *pod_leaf; /* appended to the pod's group to hold pause: "" or "/pause" */
	int (*create_pod)(const struct cgroup_ctx *cg, const char *group,
			  const struct resources *total, struct strlist *ret_warnings,
			  struct error *err);
	int (*create_container)(const struct cgroup_ctx *cg, const char *group,
				const struct resources *r, bool privileged,
				struct strlist *ret_warnings, struct error *err);
	int (*kill)(const struct cgroup_ctx *cg, const char *group, int timeout_ms,
		    struct error *err);
	int (*freeze)(const struct cgroup_ctx *cg, const char *group, bool on, int timeout_ms,
		      struct error *err);
	bool (*is_empty)(const struct cgroup_ctx *cg, const char *group);
	int (*oom_count)(const struct cgroup_ctx *cg, const char *group, int64_t *ret,
			 struct error *err);
};
extern const struct cgroup_ops cgroup_ops_v1;
extern const struct cgroup_ops cgroup_ops_hybrid;
extern const struct cgroup_ops cgroup_ops_v2;

/* ---- control files (cgroup_file.c). These return -errno without a text. ------------------- */

/* Opens group/file. In a fake tree a file that is written to is created. */
int cgfile_open(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		const char *file, int flags) must_check;
/* One write(2). */
int cgfile_write(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		 const char *file, const char *text);
/* One read(2) of at most size - 1 bytes; terminated, trailing newline cut. */
int cgfile_read(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		const char *file, char *buf, size_t size) must_check;
/* The number after `key ` at the start of a line; -ENODATA when there is none. */
int cgfile_read_key(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		    const char *file, const char *key, int64_t *ret) must_check;
/* Writes a number and reads it back: it may have been rounded down by less than `slack`. -EIO when
 * the kernel kept another one. */
int cgfile_limit(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		 const char *file, int64_t value, int64_t slack) must_check;

/* ---- groups (cgroup_file.c) ---------------------------------------------------------------- */

/* Keeps cgroup_prune() away from the base, or (is_alone) everybody who makes it. The descriptor of the
 * lock; -EWOULDBLOCK: not to be had in reasonable time. */
int cgbase_lock(const struct cgroup_ctx *cg, bool is_alone) must_check;
/* Whether that result says that the group is not there, or on its way out. */
bool is_cgroup_gone(int r);
/* mkdir with missing parents. 1 when it was made, 0 when it was there. */
int cgdir_make(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
	       struct error *err) must_check;
/* Removes the group and all below, retrying EBUSY until deadline_ms (clock_mono_ms()). */
int cgdir_remove(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		 int64_t deadline_ms) must_check;
/* Calls fn for the group and each one below it, parents first; stops at the first non-zero. */
typedef int cgdir_fn(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group, void *arg);
int cgdir_walk(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group, cgdir_fn *fn,
	       void *arg);

/* podium/<pod>[/<container>] from checked ids; the pod's own processes live in a leaf on v2. */
int cgroup_leaf_path(const struct cgroup_ctx *cg, char buf[CGROUP_GROUP_MAX], const char *pod_id,
		     const char *container_id, struct error *err) must_check;

/* ---- numbers (cgroup.c) -------------------------------------------------------------------- */

/* The kubelet's: thousandths of a core to shares (2 .. 262144), quota in us (>= 1000), weight. */
int64_t cpu_shares(int64_t milli);
int64_t cpu_quota_us(int64_t milli);
int64_t cpu_weight(int64_t milli);
int64_t cpu_weight_of_shares(int64_t shares);
/* What the container asks for: absent and 0 are "nothing". A limit stands for a missing request. */
struct cgroup_limits {
	bool has_memory;
	int64_t memory;
	bool has_memory_request;
	int64_t memory_request;
	bool has_cpu;
	int64_t cpu_milli;
	bool has_shares;
	int64_t shares_milli;
	bool asked_pids;
	int64_t pids; /* -1: unlimited */
};
void cgroup_limits_of(const struct resources *r, struct cgroup_limits *ret);
/* One line for each limit that stands in l and has no controller in `has`. */
void cgroup_warn_missing(const struct cgroup_limits *l, const bool has[CGROUP_TREE__COUNT],
			 struct strlist *ret_warnings);

/* ---- rare limits (cgroup_extra.c) ------------------------------------------------------------ */

/* Huge pages or a cpuset. */
bool has_cgroup_extra(const struct resources *r);
/* Opens their trees as far as that is needed and writes them; the group exists. */
int cgroup_apply_extra(struct cgroup_ctx *cg, const char *group, const struct resources *res,
		       struct strlist *ret_warnings, struct error *err) must_check;
/* v1: opens the tree of such a controller. 1 when it is open, 0 when there is none that is writable.
 * only_used: not when no pod was ever in it (cgroup.c). */
int cgroup_open_extra(struct cgroup_ctx *cg, enum cgroup_tree t, bool only_used) must_check;

/* v2: hands a controller down to the group, from the mount point on. -errno without a text. */
int cgroup_enable_path(const struct cgroup_ctx *cg, const char *controller, const char *group);

/* ---- the command line's (cgroup_direct.c) ---------------------------------------------------- */

/* Any limit in the kernel's own terms. */
bool has_cgroup_direct(const struct resources *r);
/* Any that was asked for: it cannot be left out. */
bool is_cgroup_direct_needed(const struct resources *r);
/* Writes them over what the group has; it exists. What cannot be applied is an error. */
int cgroup_apply_direct(struct cgroup_ctx *cg, const char *group, const struct resources *r,
			struct error *err) must_check;

/* ---- the unified tree's half, for hybrid and v2 (cgroup_v2.c) ------------------------------- */

int unified_kill(const struct cgroup_ctx *cg, const char *group, int timeout_ms, struct error *err);
int unified_freeze(const struct cgroup_ctx *cg, const char *group, bool on, int timeout_ms,
		   struct error *err);
bool is_unified_empty(const struct cgroup_ctx *cg, const char *group);
/* Loads the device program, attaches it to the group, and looks whether it is there. */
int unified_device_policy(const struct cgroup_ctx *cg, const char *group, struct error *err);
/* v1: makes (when missing) and verifies the shared group of the devices tree (cgroup_v1.c). */
int v1_device_policy(const struct cgroup_ctx *cg, struct error *err);

#endif
