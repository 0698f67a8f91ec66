/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup - the facade: finds the layout, builds paths, and hands the work to a back end.
 *
 * Theory of operation. Layouts, by what is mounted at /sys/fs/cgroup:
 *	v2      cgroup2 itself: one tree, controllers switched on level by level
 *	hybrid  a tmpfs with one v1 tree a controller, and cgroup2 without controllers at `unified`
 *	v1      the same without `unified`
 *	none    none of these may be written to: an unprivileged user namespace, a read-only /sys
 * Each tree is judged by its filesystem's magic number and by access(2) as the effective user, so
 * that a half-usable host is used by half; the limits of a tree that is not there turn into
 * warnings when somebody asks for them.
 *
 * Groups: podium/<pod>/<container> in the unified, memory, pids and (v1 alone) freezer trees
 * always; in the cpu tree only for containers with a cpu limit or request; in the devices tree only
 * for privileged ones, all others share one group there; in cpuset and hugetlb only for those that
 * ask (cgroup_extra.c). Each mkdir costs 20 to 50 us, twice that
 * with its removal, and a join 20 to 40 us: that is why.
 *
 * Joining: on v1 a lone process writes "0" into `tasks`; `cgroup.procs` takes the lock over all
 * thread groups and waits for an RCU grace period, 8 ms. The unified tree has only `cgroup.procs`:
 * hence CLONE_INTO_CGROUP (cgroup_open_dir_fd()) and CGROUP_BORN_INSIDE. The kernel judges the
 * writer by the opener's rights, so prepare (host side) and commit (child) are apart.
 *
 * Runs in: podium, podium-monitor, podium-launch's host half; commit in the container half before
 * unshare(CLONE_NEWCGROUP). What a failure leaves behind is taken by cgroup_remove_*(), which need
 * no record, only the ids. Oldest kernel: 5.14 (cgroup.kill).
 */
#include "engine/cgroup/cgroup.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/cgroup/internal.h"
#include "engine/pod/spec.h"

#define CGROUP_MOUNT	  "/sys/fs/cgroup"
#define REMOVE_TIMEOUT_MS 500

#define SHARES_MIN	 2
#define SHARES_MAX	 262144
#define SHARES_PER_CPU	 1024
#define QUOTA_MIN_US	 1000
#define WEIGHT_MAX	 10000
#define MILLI_PER_CPU	 1000
#define MILLI_MAX	 (INT64_MAX / CGROUP_CPU_PERIOD_US)
#define CONTROLLERS_TEXT 512

const char *cgroup_layout_str(enum cgroup_layout layout)
{
	static const char *const names[] = { "none", "v1", "hybrid", "v2" };

	static_assert(ARRAY_SIZE(names) == CGROUP__COUNT, "a name for each layout");
	return names[layout];
}

const char *cgroup_tree_str(enum cgroup_tree t)
{
	static const char *const names[] = { "unified", "memory", "cpu",     "pids", "devices",
					     "freezer", "cpuset", "hugetlb", "blkio" };

	static_assert(ARRAY_SIZE(names) == CGROUP_TREE__COUNT, "a name for each tree");
	return names[t];
}

/* ---- numbers ------------------------------------------------------------------------------- */

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

int64_t cpu_shares(int64_t milli)
{
	return clamp(clamp(milli, 0, MILLI_MAX) * SHARES_PER_CPU / MILLI_PER_CPU, SHARES_MIN,
		     SHARES_MAX);
}

int64_t cpu_quota_us(int64_t milli)
{
	int64_t quota = clamp(milli, 0, MILLI_MAX) * CGROUP_CPU_PERIOD_US / MILLI_PER_CPU;

	return quota < QUOTA_MIN_US ? QUOTA_MIN_US : quota;
}

int64_t cpu_weight_of_shares(int64_t shares)
{
	return 1 + (clamp(shares, SHARES_MIN, SHARES_MAX) - SHARES_MIN) * (WEIGHT_MAX - 1) /
			   (SHARES_MAX - SHARES_MIN);
}

int64_t cpu_weight(int64_t milli)
{
	return cpu_weight_of_shares(cpu_shares(milli));
}

void cgroup_limits_of(const struct resources *r, struct cgroup_limits *ret)
{
	*ret = (struct cgroup_limits){ .pids = CGROUP_PIDS_DEFAULT };
	if (!r)
		return;
	ret->has_memory = r->memory_limit_bytes.set && r->memory_limit_bytes.value > 0;
	ret->memory = r->memory_limit_bytes.value;
	ret->has_memory_request = r->memory_request_bytes.set && r->memory_request_bytes.value > 0;
	ret->memory_request = r->memory_request_bytes.value;
	ret->has_cpu = r->cpu_limit_milli.set && r->cpu_limit_milli.value > 0;
	ret->cpu_milli = r->cpu_limit_milli.value;
	ret->has_shares = r->cpu_request_milli.set || ret->has_cpu;
	ret->shares_milli = r->cpu_request_milli.set ? r->cpu_request_milli.value : ret->cpu_milli;
	ret->asked_pids = r->pids_limit.set;
	if (r->pids_limit.set)
		ret->pids = r->pids_limit.value > 0 ? r->pids_limit.value : -1;
}

void cgroup_warn_missing(const struct cgroup_limits *l, const bool has[CGROUP_TREE__COUNT],
			 struct strlist *ret_warnings)
{
	const struct {
		bool asked;
		enum cgroup_tree tree;
		const char *what;
	} rows[] = {
		{ l->has_memory, CGROUP_TREE_MEMORY, "memory limit" },
		{ l->has_memory_request, CGROUP_TREE_MEMORY, "memory request" },
		{ l->has_cpu, CGROUP_TREE_CPU, "cpu limit" },
		{ l->has_shares && !l->has_cpu, CGROUP_TREE_CPU, "cpu request" },
		{ l->asked_pids && l->pids > 0 && l->pids != CGROUP_PIDS_DEFAULT, CGROUP_TREE_PIDS,
		  "pids limit" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].asked && !has[rows[i].tree])
			strlist_addf(ret_warnings,
				     "%s not applied: no writable %s cgroup controller",
				     rows[i].what, cgroup_tree_str(rows[i].tree));
}

/* ---- finding the layout -------------------------------------------------------------------- */

static const char *mount_root(bool *ret_fake)
{
	*ret_fake = false;
#ifdef PODIUM_SEAMS
	const char *root = getenv("PODIUM_CGROUP_ROOT");

	if (root) {
		*ret_fake = true;
		return root;
	}
#endif
	return CGROUP_MOUNT;
}

static bool is_user_namespace(void)
{
	char text[128];
	cleanup_close int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	unsigned int first, host, count;

	if (n < 0)
		return false;
	text[n] = '\0'; /* empty: a namespace whose map is not written yet */
	return sscanf(text, "%u %u %u", &first, &host, &count) != 3 || first != 0 || host != 0 ||
	       count != UINT32_MAX;
}

/* True when the directory is what it should be. A fake tree is known by its marker file. */
static bool is_tree(int fd, bool fake, unsigned int magic)
{
	struct statfs fs;

	if (fake) {
		const char *marker = magic == CGROUP2_SUPER_MAGIC ? "cgroup.controllers" : "tasks";

		return faccessat(fd, marker, F_OK, 0) == 0;
	}
	return fstatfs(fd, &fs) == 0 && (unsigned int)fs.f_type == magic;
}

/* May groups be made here? The base counts when it exists, else the mount point. */
static bool is_writable(int fd)
{
	if (faccessat(fd, CGROUP_BASE, W_OK | X_OK, AT_EACCESS) == 0)
		return true;
	return errno == ENOENT && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

/* Opens rootfd/name if it is a writable tree of that kind: descriptor, -1 for "no such", -errno
 * only when the process has run out of something. */
static int open_tree_dir(int rootfd, const char *name, bool fake, unsigned int magic)
{
	int fd = openat(rootfd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -1;
	if (is_tree(fd, fake, magic) && is_writable(fd))
		return fd;
	(void)close(fd);
	return -1;
}

/* v2: which controllers the top of the tree offers. The device policy is a program, not a file. */
static void read_controllers(struct cgroup_ctx *cg)
{
	static const enum cgroup_tree kinds[] = { CGROUP_TREE_MEMORY, CGROUP_TREE_CPU,
						  CGROUP_TREE_PIDS };
	char text[CONTROLLERS_TEXT], *word, *rest = text;

	if (cgfile_read(cg, CGROUP_TREE_UNIFIED, ".", "cgroup.controllers", text, sizeof(text)) < 0)
		return;
	while ((word = strsep(&rest, " ")) != NULL)
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (strcmp(word, cgroup_tree_str(kinds[i])) == 0)
				cg->has_controller[kinds[i]] = true;
	cg->has_controller[CGROUP_TREE_DEVICES] = true;
}

static int open_v2(struct cgroup_ctx *cg, int rootfd)
{
	int fd = open_tree_dir(rootfd, ".", cg->fake, CGROUP2_SUPER_MAGIC);

	if (fd < 0)
		return fd == -1 ? 0 : fd;
	cg->tree[CGROUP_TREE_UNIFIED] = fd;
	cg->layout = CGROUP_V2;
	cg->ops = &cgroup_ops_v2;
	read_controllers(cg);
	return 0;
}

static int open_extra(struct cgroup_ctx *cg, int rootfd, enum cgroup_tree t, bool only_used)
{
	char base[32];
	int fd;

	if (cg->tree[t] >= 0)
		return 1;
	(void)snprintf(base, sizeof(base), "%s/" CGROUP_BASE, cgroup_tree_str(t));
	if (only_used && faccessat(rootfd, base, F_OK, 0) < 0)
		return 0;
	fd = open_tree_dir(rootfd, cgroup_tree_str(t), cg->fake, CGROUP_SUPER_MAGIC);
	if (fd < -1)
		return fd;
	cg->tree[t] = fd;
	return fd >= 0;
}

int cgroup_open_extra(struct cgroup_ctx *cg, enum cgroup_tree t, bool only_used)
{
	bool fake;
	cleanup_close int rootfd = open(mount_root(&fake), O_PATH | O_DIRECTORY | O_CLOEXEC);

	return rootfd < 0 ? 0 : open_extra(cg, rootfd, t, only_used);
}

static int open_v1(struct cgroup_ctx *cg, int rootfd)
{
	bool any = false;
	int fd;

	for (int t = CGROUP_TREE_UNIFIED; t < CGROUP_TREE_CPUSET; t++) {
		bool unified = t == CGROUP_TREE_UNIFIED;

		if (t == CGROUP_TREE_FREEZER && cg->tree[CGROUP_TREE_UNIFIED] >= 0)
			break;
		if (t == CGROUP_TREE_DEVICES && cg->user_namespace)
			continue; /* the kernel takes a policy from real root alone */
		fd = open_tree_dir(rootfd, cgroup_tree_str((enum cgroup_tree)t), cg->fake,
				   unified ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
		if (fd == -1 && t == CGROUP_TREE_CPU) /* systemd's name without its link */
			fd = open_tree_dir(rootfd, "cpu,cpuacct", cg->fake, CGROUP_SUPER_MAGIC);
		if (fd < -1)
			return fd;
		cg->tree[t] = fd;
		cg->has_controller[t] = fd >= 0;
		any = any || fd >= 0;
	}
	if (!any)
		return 0;
	cg->layout = cg->tree[CGROUP_TREE_UNIFIED] >= 0 ? CGROUP_HYBRID : CGROUP_V1;
	cg->ops = cg->layout == CGROUP_HYBRID ? &cgroup_ops_hybrid : &cgroup_ops_v1;
	for (int t = CGROUP_TREE_CPUSET; t < CGROUP_TREE__COUNT; t++) {
		fd = open_extra(cg, rootfd, (enum cgroup_tree)t, true);
		if (fd < 0)
			return fd;
	}
	return 0;
}

int cgroup_open(struct cgroup_ctx *ret, struct error *err)
{
	struct cgroup_ctx cg = CGROUP_CTX_INIT;
	const char *root = mount_root(&cg.fake);
	cleanup_close int rootfd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (rootfd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return error_errno(err, "open '%s'", root);
	cg.user_namespace = is_user_namespace();
	if (rootfd >= 0)
		r = is_tree(rootfd, cg.fake, CGROUP2_SUPER_MAGIC) ? open_v2(&cg, rootfd)
								  : open_v1(&cg, rootfd);
	if (r < 0) {
		cgroup_close(&cg);
		return error_set(err, -r, "open cgroup trees below '%s': %s", root, strerror(-r));
	}
	*ret = cg;
	return 0;
}

void cgroup_close(struct cgroup_ctx *cg)
{
	for (int t = 0; t < CGROUP_TREE__COUNT; t++) {
		if (cg->tree[t] >= 0)
			(void)close(cg->tree[t]);
		cg->tree[t] = -1;
	}
	cg->layout = CGROUP_NONE;
	cg->ops = NULL;
}

/* ---- groups -------------------------------------------------------------------------------- */

/* podium/<pod>[/<container>]; nothing but ids becomes a path. */
static int group_path(char buf[CGROUP_GROUP_MAX], const char *pod_id, const char *container_id,
		      struct error *err)
{
	if (!pod_id || !is_id(pod_id) || (container_id && !is_id(container_id)))
		return error_set(err, EINVAL, "cgroup: '%s' is not an id",
				 container_id ? container_id : (pod_id ? pod_id : ""));
	(void)snprintf(buf, CGROUP_GROUP_MAX, CGROUP_BASE "/%s%s%s", pod_id,
		       container_id ? "/" : "", container_id ? container_id : "");
	return 0;
}

int cgroup_leaf_path(const struct cgroup_ctx *cg, char buf[CGROUP_GROUP_MAX], const char *pod_id,
		     const char *container_id, struct error *err)
{
	int r = group_path(buf, pod_id, container_id, err);

	if (r == 0 && !container_id && cg->ops)
		(void)snprintf(buf + strlen(buf), CGROUP_GROUP_MAX - strlen(buf), "%s",
			       cg->ops->pod_leaf);
	return r;
}

/* Without a single tree. */
static void warn_nothing(const struct cgroup_ctx *cg, const struct resources *r,
			 struct strlist *ret_warnings)
{
	struct cgroup_limits l;

	cgroup_limits_of(r, &l);
	if (ret_warnings)
		cgroup_warn_missing(&l, cg->has_controller, ret_warnings);
	if (ret_warnings && has_cgroup_extra(r))
		strlist_add(ret_warnings, "cpuset and huge pages limits not applied: no writable "
					  "cgroups");
}

static int no_cgroups(struct error *err)
{
	return error_set(err, ENOTSUP,
			 "limits of cpu, swap or devices need cgroups, and none is "
			 "writable here");
}

int cgroup_create_pod(struct cgroup_ctx *cg, const char *pod_id, const struct resources *total,
		      struct strlist *ret_warnings, struct error *err)
{
	char group[CGROUP_GROUP_MAX];
	int r = group_path(group, pod_id, NULL, err);

	if (r < 0)
		return r;
	if (!cg->ops) {
		warn_nothing(cg, total, ret_warnings);
		return is_cgroup_direct_needed(total) ? no_cgroups(err) : 0;
	}
	r = cg->ops->create_pod(cg, group, total, ret_warnings, err);
	if (r == 0 && has_cgroup_extra(total))
		r = cgroup_apply_extra(cg, group, total, ret_warnings, err);
	if (r == 0 && has_cgroup_direct(total))
		r = cgroup_apply_direct(cg, group, total, err);
	return r;
}

int cgroup_create_container(struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
			    const struct resources *r, bool privileged,
			    struct strlist *ret_warnings, struct error *err)
{
	char group[CGROUP_GROUP_MAX];
	int res = group_path(group, pod_id, container_id, err);

	if (res < 0)
		return res;
	if (!cg->ops) {
		warn_nothing(cg, r, ret_warnings);
		return is_cgroup_direct_needed(r) ? no_cgroups(err) : 0;
	}
	res = cg->ops->create_container(cg, group, r, privileged, ret_warnings, err);
	if (res == 0 && has_cgroup_extra(r))
		res = cgroup_apply_extra(cg, group, r, ret_warnings, err);
	if (res == 0 && has_cgroup_direct(r))
		res = cgroup_apply_direct(cg, group, r, err);
	return res;
}

int cgroup_kill_container(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
			  int timeout_ms, struct error *err)
{
	char group[CGROUP_GROUP_MAX];
	int r = group_path(group, pod_id, container_id, err);

	if (r < 0 || !cg->ops)
		return r;
	return cg->ops->kill(cg, group, timeout_ms, err);
}

int cgroup_kill_pod(const struct cgroup_ctx *cg, const char *pod_id, int timeout_ms,
		    struct error *err)
{
	return cgroup_kill_container(cg, pod_id, NULL, timeout_ms, err);
}

bool can_cgroup_kill(const struct cgroup_ctx *cg)
{
	return cg->ops != NULL;
}

int cgroup_freeze_container(const struct cgroup_ctx *cg, const char *pod_id,
			    const char *container_id, bool on, int timeout_ms, struct error *err)
{
	char group[CGROUP_GROUP_MAX];
	int r = group_path(group, pod_id, container_id, err);

	if (r < 0)
		return r;
	if (!cg->ops)
		return error_set(err, ENOTSUP, "no writable freezer cgroup");
	return cg->ops->freeze(cg, group, on, timeout_ms, err);
}

bool is_cgroup_empty(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id)
{
	char group[CGROUP_GROUP_MAX];
	struct error scratch; /* an id that is none has no group */

	if (group_path(group, pod_id, container_id, &scratch) < 0 || !cg->ops)
		return true;
	return cg->ops->is_empty(cg, group);
}

int cgroup_oom_count(const struct cgroup_ctx *cg, const char *pod_id, const char *container_id,
		     int64_t *ret, struct error *err)
{
	char group[CGROUP_GROUP_MAX];
	int r = group_path(group, pod_id, container_id, err);

	if (r < 0)
		return r;
	*ret = 0;
	return cg->ops ? cg->ops->oom_count(cg, group, ret, err) : 0;
}

static int remove_from(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		       int64_t deadline, struct error *err)
{
	int r = cg->tree[t] < 0 ? 0 : cgdir_remove(cg, t, group, deadline);

	return r < 0 ? error_set(err, -r, "%s cgroup: remove '%s': %s", cgroup_tree_str(t), group,
				 strerror(-r))
		     : 0;
}

/* One of those that few use may have come into use since this process has opened the others. */
static int remove_from_extra(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			     int64_t deadline, struct error *err)
{
	struct cgroup_ctx later = *cg;
	int r = 0;

	if (cg->tree[t] >= 0 || cg->layout == CGROUP_V2 || !cg->ops)
		return remove_from(cg, t, group, deadline, err);
	if (cgroup_open_extra(&later, t, true) > 0) {
		r = remove_from(&later, t, group, deadline, err);
		(void)close(later.tree[t]);
	}
	return r;
}

int cgroup_remove_container(const struct cgroup_ctx *cg, const char *pod_id,
			    const char *container_id, struct error *err)
{
	int64_t deadline = clock_mono_ms() + REMOVE_TIMEOUT_MS;
	char group[CGROUP_GROUP_MAX];
	struct error scratch;
	int first = group_path(group, pod_id, container_id, err);

	if (first < 0)
		return first;
	for (int t = 0; t < CGROUP_TREE__COUNT; t++) {
		int r = (t < CGROUP_TREE_CPUSET ? remove_from : remove_from_extra)(
			cg, (enum cgroup_tree)t, group, deadline, first ? &scratch : err);

		if (first == 0)
			first = r;
	}
	return first;
}

int cgroup_remove_pod(const struct cgroup_ctx *cg, const char *pod_id, struct error *err)
{
	return cgroup_remove_container(cg, pod_id, NULL, err);
}

void cgroup_prune(const struct cgroup_ctx *cg)
{
	cleanup_close int lock = cgbase_lock(cg, true);

	/* Every pod has a group in the first of the trees before it has one elsewhere: where that base
	 * can be removed there is no pod, and none comes before the lock is free. */
	for (int t = 0; lock >= 0 && t < CGROUP_TREE__COUNT; t++) {
		const char *shared = t == CGROUP_TREE_DEVICES ? CGROUP_DEVICES : CGROUP_MONITORS;

		if (cg->tree[t] < 0)
			continue;
		if (cgdir_remove(cg, (enum cgroup_tree)t, shared, 0) < 0 ||
		    (unlinkat(cg->tree[t], CGROUP_BASE, AT_REMOVEDIR) < 0 && errno != ENOENT))
			return;
	}
}

int cgroup_list_pods(const struct cgroup_ctx *cg, struct strlist *ret, struct error *err)
{
	for (int t = 0; t < CGROUP_TREE__COUNT; t++) {
		cleanup_dir DIR *dir = NULL;
		struct dirent *e;
		int fd = cg->tree[t] < 0 ? -1
					 : openat(cg->tree[t], CGROUP_BASE,
						  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (cg->tree[t] < 0 || (fd < 0 && errno == ENOENT))
			continue;
		if (fd < 0)
			return error_errno(err, "%s cgroup: open '%s'",
					   cgroup_tree_str((enum cgroup_tree)t), CGROUP_BASE);
		dir = fdopendir(fd);
		if (!dir) {
			(void)close(fd);
			return error_set(err, ENOMEM, "list cgroups: out of memory");
		}
		while ((e = readdir(dir)) != NULL)
			if (is_id(e->d_name) && !strlist_has(ret, e->d_name))
				strlist_add(ret, e->d_name);
	}
	return 0;
}
