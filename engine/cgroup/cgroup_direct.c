/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_direct - limits that the command line gives in the kernel's own terms.
 *
 * Theory of operation: after a container's group has what every container has, these are written
 * over it and read back. What cannot be applied is an error: they were asked for by name.
 *
 *	                  v1 and hybrid                      v2
 *	cpu_shares        cpu.shares                         cpu.weight, by the kubelet's formula
 *	cpu_quota/period  cpu.cfs_quota_us, cfs_period_us    cpu.max
 *	memory_swap       memory.memsw.limit_in_bytes        memory.swap.max (without the memory)
 *	swappiness        memory.swappiness                  not there
 *	oom_kill_disable  memory.oom_control                 not there
 *	blkio_weight      blkio.weight or blkio.bfq.weight   io.bfq.weight, or io.weight scaled
 *	blkio_devices     blkio.throttle.*, *weight_device   io.max, io.*weight
 *
 * The trees of cpu and blkio are used only by containers that ask (cgroup.c). A device is named by
 * its path on the host and must be a block device there when the container starts.
 */
#include "engine/cgroup/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"

#define PAGE_SLACK	   65536
#define LIST_TEXT_MAX	   4096
#define IO_WEIGHT_MIN	   10
#define IO_WEIGHT_MAX	   1000
#define IO_WEIGHT_V2_MAX   10000
#define LINE_BYTES	   96
#define CPU_QUOTA_NO_LIMIT (-1)

static int fail(struct error *err, int r, const char *file)
{
	return error_set(err, -r, "cgroup: set '%s': %s", file,
			 r == -ENOENT ? "this kernel has no such limit here" : strerror(-r));
}

static bool has_cpu(const struct resources *r)
{
	return r->cpu_shares.set || r->cpu_period_us.set || r->cpu_quota_us.set;
}

static bool has_io(const struct resources *r)
{
	return r->blkio_weight.set || r->blkio_devices.n;
}

static bool has_memory(const struct resources *r)
{
	return r->memory_swap_bytes.set || r->memory_swappiness.set || r->oom_kill_disable;
}

/* What follows from --memory alone may be left out where it cannot be had. */
static bool is_memory_needed(const struct resources *r)
{
	return has_memory(r) &&
	       (!r->memory_swap_assumed || r->memory_swappiness.set || r->oom_kill_disable);
}

bool has_cgroup_direct(const struct resources *r)
{
	return r && (has_cpu(r) || has_io(r) || has_memory(r));
}

bool is_cgroup_direct_needed(const struct resources *r)
{
	return r && (has_cpu(r) || has_io(r) || is_memory_needed(r));
}

/* The tree that serves a controller, -ENOENT without one; on v1 the group is made in it. */
static int tree_for(struct cgroup_ctx *cg, enum cgroup_tree t, const char *group, struct error *err)
{
	int r;

	if (cg->layout == CGROUP_V2) {
		r = t == CGROUP_TREE_BLKIO ? cgroup_enable_path(cg, "io", group) : 0;
		return r < 0 ? error_set(err, -r, "cgroup: the io controller: %s", strerror(-r))
			     : (int)CGROUP_TREE_UNIFIED;
	}
	r = t == CGROUP_TREE_BLKIO ? cgroup_open_extra(cg, t, false) : cg->tree[t] >= 0;
	if (r <= 0)
		return error_set(err, ENOENT, "no writable %s cgroup controller",
				 cgroup_tree_str(t));
	r = cgdir_make(cg, t, group, err);
	return r < 0 ? r : (int)t;
}

/* ---- cpu -------------------------------------------------------------------------------------- */

static int64_t period_of(const struct resources *r)
{
	return r->cpu_period_us.set && r->cpu_period_us.value > 0 ? r->cpu_period_us.value
								  : CGROUP_CPU_PERIOD_US;
}

static int cpu_v1(const struct cgroup_ctx *cg, const char *group, const struct resources *r,
		  struct error *err)
{
	const enum cgroup_tree t = CGROUP_TREE_CPU;
	int64_t quota = r->cpu_quota_us.value > 0 ? r->cpu_quota_us.value : CPU_QUOTA_NO_LIMIT;
	int res;

	if (r->cpu_shares.set) {
		res = cgfile_limit(cg, t, group, "cpu.shares", r->cpu_shares.value, 1);
		if (res < 0)
			return fail(err, res, "cpu.shares");
	}
	if (r->cpu_period_us.set) {
		res = cgfile_limit(cg, t, group, "cpu.cfs_period_us", period_of(r), 1);
		if (res < 0)
			return fail(err, res, "cpu.cfs_period_us");
	}
	if (!r->cpu_quota_us.set)
		return 0;
	res = quota < 0 ? cgfile_write(cg, t, group, "cpu.cfs_quota_us", "-1")
			: cgfile_limit(cg, t, group, "cpu.cfs_quota_us", quota, 1);
	return res < 0 ? fail(err, res, "cpu.cfs_quota_us") : 0;
}

static int cpu_v2(const struct cgroup_ctx *cg, const char *group, const struct resources *r,
		  struct error *err)
{
	const enum cgroup_tree t = CGROUP_TREE_UNIFIED;
	char want[64], now[64];
	int res;

	if (r->cpu_shares.set) {
		res = cgfile_limit(cg, t, group, "cpu.weight",
				   cpu_weight_of_shares(r->cpu_shares.value), 1);
		if (res < 0)
			return fail(err, res, "cpu.weight");
	}
	if (!r->cpu_period_us.set && !r->cpu_quota_us.set)
		return 0;
	if (r->cpu_quota_us.value > 0)
		(void)snprintf(want, sizeof(want), "%" PRId64 " %" PRId64, r->cpu_quota_us.value,
			       period_of(r));
	else
		(void)snprintf(want, sizeof(want), "max %" PRId64, period_of(r));
	res = cgfile_write(cg, t, group, "cpu.max", want);
	if (res == 0)
		res = cgfile_read(cg, t, group, "cpu.max", now, sizeof(now));
	if (res == 0 && strcmp(want, now) != 0)
		res = -EIO;
	return res < 0 ? fail(err, res, "cpu.max") : 0;
}

static int apply_cpu(struct cgroup_ctx *cg, const char *group, const struct resources *r,
		     struct error *err)
{
	int t = tree_for(cg, CGROUP_TREE_CPU, group, err);

	if (t < 0)
		return t;
	return cg->layout == CGROUP_V2 ? cpu_v2(cg, group, r, err) : cpu_v1(cg, group, r, err);
}

/* ---- memory ----------------------------------------------------------------------------------- */

static int memory_v1(const struct cgroup_ctx *cg, const char *group, const struct resources *r,
		     struct error *err)
{
	const enum cgroup_tree t = CGROUP_TREE_MEMORY;
	static const char swap[] = "memory.memsw.limit_in_bytes";
	int res = 0;

	if (r->memory_swap_bytes.set) {
		int64_t bytes = r->memory_swap_bytes.value;

		res = bytes < 0 ? cgfile_write(cg, t, group, swap, "-1")
				: cgfile_limit(cg, t, group, swap, bytes, PAGE_SLACK);
		/* Without accounting there is no limit to lift. */
		if (res < 0 && !(res == -ENOENT && (bytes < 0 || r->memory_swap_assumed)))
			return fail(err, res, swap);
	}
	if (r->memory_swappiness.set) {
		res = cgfile_limit(cg, t, group, "memory.swappiness", r->memory_swappiness.value,
				   1);
		if (res < 0)
			return fail(err, res, "memory.swappiness");
	}
	if (r->oom_kill_disable) {
		int64_t now = 0;

		res = cgfile_write(cg, t, group, "memory.oom_control", "1");
		if (res == 0 && !cg->fake)
			res = cgfile_read_key(cg, t, group, "memory.oom_control",
					      "oom_kill_disable", &now);
		if (res == 0 && !cg->fake && now != 1)
			res = -EIO;
		if (res < 0)
			return fail(err, res, "memory.oom_control");
	}
	return 0;
}

static int memory_v2(const struct cgroup_ctx *cg, const char *group, const struct resources *r,
		     struct error *err)
{
	const enum cgroup_tree t = CGROUP_TREE_UNIFIED;
	int64_t swap = r->memory_swap_bytes.value - r->memory_limit_bytes.value;
	int res;

	if (r->memory_swappiness.set || r->oom_kill_disable)
		return error_set(err, ENOTSUP, "%s does not exist with cgroups v2",
				 r->oom_kill_disable ? "disabling the OOM killer"
						     : "memory swappiness");
	if (!r->memory_swap_bytes.set)
		return 0;
	if (r->memory_swap_bytes.value < 0)
		res = cgfile_write(cg, t, group, "memory.swap.max", "max");
	else
		res = cgfile_limit(cg, t, group, "memory.swap.max", swap > 0 ? swap : 0,
				   PAGE_SLACK);
	if (res == -ENOENT && (r->memory_swap_bytes.value < 0 || r->memory_swap_assumed))
		return 0;
	return res < 0 ? fail(err, res, "memory.swap.max") : 0;
}

static int apply_memory(struct cgroup_ctx *cg, const char *group, const struct resources *r,
			struct error *err)
{
	bool needed = is_memory_needed(r);
	struct error scratch; /* of a default that is left out */
	int t = tree_for(cg, CGROUP_TREE_MEMORY, group, needed ? err : &scratch);

	if (t < 0)
		return needed ? t : 0;
	return cg->layout == CGROUP_V2 ? memory_v2(cg, group, r, err)
				       : memory_v1(cg, group, r, err);
}

/* ---- block devices ---------------------------------------------------------------------------- */

static const struct {
	const char *kind;
	const char *v1;
	const char *v2; /* key of io.max; NULL: a weight */
} io_kinds[] = {
	{ "read-bps", "blkio.throttle.read_bps_device", "rbps" },
	{ "write-bps", "blkio.throttle.write_bps_device", "wbps" },
	{ "read-iops", "blkio.throttle.read_iops_device", "riops" },
	{ "write-iops", "blkio.throttle.write_iops_device", "wiops" },
	{ "weight", "blkio.weight_device", NULL },
};

static int64_t scaled_weight(int64_t w)
{
	return 1 + (w - IO_WEIGHT_MIN) * (IO_WEIGHT_V2_MAX - 1) / (IO_WEIGHT_MAX - IO_WEIGHT_MIN);
}

/* Writes a line to the first file of two that is there. */
static int write_either(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			const char *const files[2], const char *const lines[2], struct error *err)
{
	int r = cgfile_write(cg, t, group, files[0], lines[0]);

	if (r != -ENOENT)
		return r < 0 ? fail(err, r, files[0]) : 0;
	r = cgfile_write(cg, t, group, files[1], lines[1]);
	return r < 0 ? fail(err, r, files[1]) : 0;
}

/* device: "8:0 " or "". */
static int set_weight(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		      const char *device, int64_t weight, struct error *err)
{
	static const char *const v1_all[] = { "blkio.weight", "blkio.bfq.weight" };
	static const char *const v1_one[] = { "blkio.weight_device", "blkio.bfq.weight_device" };
	static const char *const v2[] = { "io.bfq.weight", "io.weight" };
	char plain[LINE_BYTES], scaled[LINE_BYTES];
	const char *const lines[] = { plain, cg->layout == CGROUP_V2 ? scaled : plain };

	(void)snprintf(plain, sizeof(plain), "%s%" PRId64, device, weight);
	(void)snprintf(scaled, sizeof(scaled), "%s%" PRId64, *device ? device : "default ",
		       scaled_weight(weight));
	if (cg->layout == CGROUP_V2)
		return write_either(cg, t, group, v2, lines, err);
	return write_either(cg, t, group, *device ? v1_one : v1_all, lines, err);
}

/* The kernel takes a line for a device that it does not know without a word. */
static int check_line(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		      const char *file, const char *part, struct error *err)
{
	char text[LIST_TEXT_MAX];
	int r = cgfile_read(cg, t, group, file, text, sizeof(text));

	if (r == 0 && !strstr(text, part))
		r = -EIO;
	return r < 0 ? fail(err, r, file) : 0;
}

/* "8:0 ", of a block device of the host. */
static int device_text(const char *path, char out[LINE_BYTES], struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_errno(err, "device '%.200s'", path);
	if (!S_ISBLK(st.st_mode))
		return error_set(err, ENOTBLK, "'%.200s' is not a block device", path);
	(void)snprintf(out, LINE_BYTES, "%u:%u ", major(st.st_rdev), minor(st.st_rdev));
	return 0;
}

static int set_rate(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group, size_t kind,
		    const char *device, int64_t value, struct error *err)
{
	const char *file = cg->layout == CGROUP_V2 ? "io.max" : io_kinds[kind].v1;
	char line[2 * LINE_BYTES], part[LINE_BYTES];
	int r;

	if (cg->layout == CGROUP_V2)
		(void)snprintf(part, sizeof(part), "%s=%" PRId64, io_kinds[kind].v2, value);
	else
		(void)snprintf(part, sizeof(part), "%" PRId64, value);
	(void)snprintf(line, sizeof(line), "%s%s", device, part);
	r = cgfile_write(cg, t, group, file, line);
	if (r < 0)
		return fail(err, r, file);
	return check_line(cg, t, group, file, cg->layout == CGROUP_V2 ? part : line, err);
}

/* "read-bps:/dev/sda:1048576" */
static int apply_device(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			const char *text, struct error *err)
{
	const char *first = strchr(text, ':'), *last = strrchr(text, ':');
	cleanup_free char *path = NULL;
	char device[LINE_BYTES];
	int64_t value = 0;
	size_t kind = 0;
	int r;

	if (!first || last <= first + 1 || parse_i64(last + 1, 0, INT64_MAX, &value) < 0)
		return error_set(err, EINVAL, "'%.200s' is not like 'read-bps:/dev/sda:1048576'",
				 text);
	while (kind < ARRAY_SIZE(io_kinds) &&
	       (strlen(io_kinds[kind].kind) != (size_t)(first - text) ||
		strncmp(io_kinds[kind].kind, text, (size_t)(first - text)) != 0))
		kind++;
	if (kind == ARRAY_SIZE(io_kinds))
		return error_set(err, EINVAL, "'%.200s': there is no such limit of a device", text);
	path = xstrndup(first + 1, (size_t)(last - first - 1));
	r = device_text(path, device, err);
	if (r < 0)
		return r;
	return io_kinds[kind].v2 ? set_rate(cg, t, group, kind, device, value, err)
				 : set_weight(cg, t, group, device, value, err);
}

static int apply_io(struct cgroup_ctx *cg, const char *group, const struct resources *r,
		    struct error *err)
{
	int t = tree_for(cg, CGROUP_TREE_BLKIO, group, err);
	int res = t < 0 ? t : 0;

	if (res == 0 && r->blkio_weight.set)
		res = set_weight(cg, (enum cgroup_tree)t, group, "", r->blkio_weight.value, err);
	for (size_t i = 0; res == 0 && i < r->blkio_devices.n; i++)
		res = apply_device(cg, (enum cgroup_tree)t, group, r->blkio_devices.v[i], err);
	return res;
}

int cgroup_apply_direct(struct cgroup_ctx *cg, const char *group, const struct resources *r,
			struct error *err)
{
	int res = has_cpu(r) ? apply_cpu(cg, group, r, err) : 0;

	if (res == 0 && has_memory(r))
		res = apply_memory(cg, group, r, err);
	if (res == 0 && has_io(r))
		res = apply_io(cg, group, r, err);
	return res;
}
