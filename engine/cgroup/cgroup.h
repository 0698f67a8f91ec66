/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup - limits, killing, and counting by control groups, whatever the host's layout is.
 *
 * A process opens a `struct cgroup_ctx` once and passes it on. Every container has one group,
 * <base>/podium/<pod id>/<container id>, in each tree that serves it; monitors share
 * <base>/podium/monitors. Ids are 64 hex digits, nothing else ever becomes a path.
 *
 * Everything works, as far as it can, everywhere: where no tree is writable (an unprivileged user
 * namespace, a read-only /sys) the layout is CGROUP_NONE, creation warns about the limits that were
 * asked for, and every other function succeeds without doing anything.
 *
 * libc only: podium-launch and podium-monitor are static.
 */
#ifndef PODIUM_CGROUP_CGROUP_H
#define PODIUM_CGROUP_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct device_rule;
struct resources;
struct strlist;
struct cgroup_ops;

enum cgroup_layout {
	CGROUP_NONE,   /* nothing writable */
	CGROUP_V1,     /* v1 controllers alone */
	CGROUP_HYBRID, /* v1 controllers for limits, the unified tree for kill, freeze, populated */
	CGROUP_V2,
	CGROUP__COUNT
};
const char *cgroup_layout_str(enum cgroup_layout layout); /* "none", "v1", "hybrid", "v2" */

/* A hierarchy. v2 has only the first. */
enum cgroup_tree {
	CGROUP_TREE_UNIFIED,
	CGROUP_TREE_MEMORY,
	CGROUP_TREE_CPU,
	CGROUP_TREE_PIDS,
	CGROUP_TREE_DEVICES,
	CGROUP_TREE_FREEZER, /* only without a unified tree */
	CGROUP_TREE_CPUSET,  /* these three only where a pod asks for them */
	CGROUP_TREE_HUGETLB,
	CGROUP_TREE_BLKIO,
	CGROUP_TREE__COUNT
};

/* "memory", "cpu", ... as in messages and mount points. */
const char *cgroup_tree_str(enum cgroup_tree t);

struct cgroup_ctx {
	enum cgroup_layout layout;
	const struct cgroup_ops *ops;
	int tree[CGROUP_TREE__COUNT]; /* O_PATH of the writable mount points; -1: not there */
	bool has_controller[CGROUP_TREE__COUNT]; /* MEMORY, CPU, PIDS, DEVICES: limits can be set */
	/* What containers that are made now may open besides the fixed device policy. Borrowed. */
	const struct device_rule *devices;
	size_t n_devices;
	bool keeps_devices;  /* a container's device policy is not written */
	bool user_namespace; /* not the initial one: device policy is others' work */
	bool fake;	     /* seam builds: PODIUM_CGROUP_ROOT is a plain directory */
};

/* Finds the layout below /sys/fs/cgroup and opens what is writable. A missing or unwritable tree
 * is no error; running out of descriptors or memory is. PODIUM_CGROUP_ROOT replaces
 * /sys/fs/cgroup in seam builds (a directory that does not exist gives CGROUP_NONE). */
int cgroup_open(struct cgroup_ctx *ret, struct error *err) must_check;
void cgroup_close(struct cgroup_ctx *cg);
#define cleanup_cgroup __attribute__((__cleanup__(cgroup_close)))
/* Initial value of a `cleanup_cgroup struct cgroup_ctx` that is opened later. */
#define CGROUP_CTX_INIT                                    \
	{                                                  \
		.tree = { -1, -1, -1, -1, -1, -1, -1, -1, -1 } \
	}

/* Makes the pod's groups; one that exists is taken as it is. total (may be NULL) is what all its
 * containers may use together: its cpu request sets the pod's share against other pods, its limits
 * bound the pod. ret_warnings (may be NULL) as below. */
int cgroup_create_pod(struct cgroup_ctx *cg, const char *pod_id, const struct resources *total,
		      struct strlist *ret_warnings, struct error *err) must_check;

/* Makes the container's groups, writes its limits and the device policy, reads them back. Works
 * again on groups that exist (a restart): the limits are written anew. The pod's groups must exist.
 * r NULL: no limit (pids: the default). privileged: every device, no policy.
 * Limits in the kernel's own terms (--cpu-shares, --memory-swap, --blkio-weight, ...) are applied or are
 * an error. Another limit that was asked for and has no controller here adds one line to ret_warnings, such as
 * "memory limit not applied: no memory cgroup controller"; one that the kernel refuses is an error,
 * and so is a device policy that cannot be set by real root. */
int cgroup_create_container(struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
			    const struct resources *r, bool privileged,
			    struct strlist *ret_warnings, struct error *err) must_check;
#define CGROUP_PIDS_DEFAULT  2048
#define CGROUP_CPU_PERIOD_US 100000

/* Other limits for a container whose groups exist, while it runs or not: those that stand in r are
 * written, with the device policy as it is. -ENOTSUP without a writable tree. After a failure some are
 * written. */
int cgroup_update_container(struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
			    const struct resources *r, struct strlist *ret_warnings,
			    struct error *err) must_check;

/* The descriptors by which one process places itself; opened by whoever may, in any namespace. */
struct cgroup_join {
	int fd[CGROUP_TREE__COUNT]; /* -1: none */
};
#define CGROUP_JOIN_INIT                                 \
	{                                                \
		.fd = { -1, -1, -1, -1, -1, -1, -1, -1, -1 } \
	}

enum cgroup_born {
	CGROUP_BORN_OUTSIDE, /* joins every tree; the unified one costs up to 8 ms */
	CGROUP_BORN_INSIDE,  /* was cloned by CLONE_INTO_CGROUP: joins only the v1 trees */
};
/* Opens what commit writes to. container_id NULL: the pod's own group, for its pause process. */
int cgroup_join_prepare(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
			enum cgroup_born born, struct cgroup_join *ret,
			struct error *err) must_check;
/* Moves the calling process, which must have one thread only; then closes the descriptors. To be
 * called before unshare(CLONE_NEWCGROUP). Async-signal-safe apart from the error text. */
int cgroup_join_commit(struct cgroup_join *j, struct error *err) must_check;
void cgroup_join_done(struct cgroup_join *j);
/* Both in one. */
int cgroup_join_self(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
		     enum cgroup_born born, struct error *err) must_check;

/* A descriptor for clone3's CLONE_INTO_CGROUP, close-on-exec. container_id NULL as above. -ENOTSUP
 * (err is not touched) where there is no unified tree: then the child joins by itself. */
int cgroup_open_dir_fd(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
		       struct error *err) must_check;

/* The container's group in one tree (O_PATH), to be shown inside by a clone of its mount. -ENOTSUP
 * (err is not touched) where that tree is not there. */
int cgroup_open_group(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *pod_id,
		      const char *container_id, struct error *err) must_check;

/* Moves the calling process to <base>/podium/monitors (made when missing) on v2, and in the memory
 * tree otherwise, so that monitors are charged neither to a container nor to their starter. */
int cgroup_join_monitors(const struct cgroup_ctx *cg, struct error *err) must_check;

/* True when cgroup_kill_*() reaches processes: layout is not CGROUP_NONE. */
bool can_cgroup_kill(const struct cgroup_ctx *cg);
/* Kills every process of the group and below it by SIGKILL, frozen ones too, and waits until no
 * live one is left: -ETIMEDOUT after timeout_ms. timeout_ms 0: does not wait (v1 without a unified
 * tree: one round). A group that does not exist is success. Never call it for the own group. */
int cgroup_kill_container(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
			  int timeout_ms, struct error *err) must_check;
int cgroup_kill_pod(const struct cgroup_ctx *cg, const char *pod_id, int timeout_ms,
		    struct error *err) must_check;

/* Stops (on) or continues all processes of a container, and waits until it is so. */
int cgroup_freeze_container(const struct cgroup_ctx *cg, const char *pod_id,
			    const char *container_id, bool on, int timeout_ms,
			    struct error *err) must_check;

/* True when the group (container_id NULL: the whole pod) holds no live process or does not exist.
 * CGROUP_NONE: true, it says nothing. */
bool is_cgroup_empty(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id);

/* rmdir from the bottom up, groups that a container made inside included. EBUSY is retried up to
 * half a second. A group that does not exist is success. */
int cgroup_remove_container(const struct cgroup_ctx *cg, const char *pod_id,
			    const char *container_id, struct error *err) must_check;
int cgroup_remove_pod(const struct cgroup_ctx *cg, const char *pod_id,
		      struct error *err) must_check;
/* Removes <base>/podium where nothing lives in it (the last pod went; the caller is no monitor). */
void cgroup_prune(const struct cgroup_ctx *cg);

/* Adds the pod ids that have a group in any tree, each once: those of every store on this host. */
int cgroup_list_pods(const struct cgroup_ctx *cg, struct strlist *ret,
		     struct error *err) must_check;

/* Processes of the container killed for lack of memory since its group was made (a restart in the
 * same group goes on counting: compare with the value before the start). 0 where it is not known.
 */
int cgroup_oom_count(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
		     int64_t *ret, struct error *err) must_check;

#endif
