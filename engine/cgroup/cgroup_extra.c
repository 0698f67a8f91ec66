/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_extra - limits that few pods ask for: huge pages, and which processors and memory nodes.
 *
 * Theory of operation: the hugetlb and cpuset controllers cost a plain pod nothing. On v1 their
 * trees are opened when a limit needs them, or when the base group shows that some pod has used
 * them (its groups are to be joined and removed). On v2 the controllers are switched on from the
 * top down only then.
 *
 *	hugepages-<size>   hugetlb.<size>.limit_in_bytes | hugetlb.<size>.max, and the same of
 *	                   reservations (rsvd), where the kernel has it: a mapping fails then, instead
 *	                   of a later access
 *	cpuset             cpuset.cpus, cpuset.mems; a v1 group is of no use before both are set, so
 *	                   they are copied down from the parent first
 *
 * <size> is written as the kernel does: 2MB, 1GB, 64KB. Quantities are whole numbers of bytes with
 * Kubernetes' suffixes. What has no controller adds a warning, what the kernel refuses is an error.
 */
#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"

#define HUGEPAGES_PREFIX "hugepages-"
#define CPUS_TEXT_MAX	 1024

static int fail(struct error *err, int r, enum cgroup_tree t, const char *file)
{
	return error_set(err, -r, "%s cgroup: set '%s': %s", cgroup_tree_str(t), file,
			 strerror(-r));
}

/* "2Mi", "1G", "4096" in bytes. */
static int parse_size(const char *text, int64_t *ret)
{
	static const struct {
		const char *suffix;
		int64_t factor;
	} units[] = {
		{ "", 1 },	     { "Ki", 1LL << 10 },	  { "Mi", 1LL << 20 },
		{ "Gi", 1LL << 30 }, { "Ti", 1LL << 40 },	  { "k", 1000 },
		{ "M", 1000000 },    { "G", 1000000000LL },	  { "T", 1000000000000LL },
		{ "Pi", 1LL << 50 }, { "P", 1000000000000000LL },
	};
	size_t n = strspn(text, "0123456789");
	cleanup_free char *digits = xstrndup(text, n);
	int64_t value;

	if (parse_i64(digits, 0, INT64_MAX, &value) < 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text + n, units[i].suffix) != 0)
			continue;
		if (value > INT64_MAX / units[i].factor)
			return -ERANGE;
		*ret = value * units[i].factor;
		return 0;
	}
	return -EINVAL;
}

/* As in the names of the controller's files. */
static void size_text(int64_t bytes, char out[24])
{
	static const char *const units[] = { "KB", "MB", "GB" };
	int64_t n = bytes >> 10;
	size_t u = 0;

	for (; n >= 1024 && u + 1 < ARRAY_SIZE(units); u++)
		n >>= 10;
	(void)snprintf(out, 24, "%lld%s", (long long)n, units[u]);
}

static bool has_hugepages(const struct resources *r)
{
	for (size_t i = 0; r && i < r->other_limits.n; i++)
		if (is_prefix(r->other_limits.v[i].key, HUGEPAGES_PREFIX))
			return true;
	return false;
}

static bool has_cpuset(const struct resources *r)
{
	return r && (!is_empty(r->cpuset_cpus) || !is_empty(r->cpuset_mems));
}

bool has_cgroup_extra(const struct resources *r)
{
	return has_hugepages(r) || has_cpuset(r);
}

/* ---- the trees and controllers ------------------------------------------------------------- */

/* Groups from the base down to the group, each made and, for a cpuset, filled from its parent. */
static int make_path(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		     struct error *err)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	char path[CGROUP_GROUP_MAX], parent[CGROUP_GROUP_MAX] = ".", text[CPUS_TEXT_MAX];

	for (const char *p = group; *p;) {
		size_t n = (size_t)(p - group) + strcspn(p, "/");
		int r;

		(void)snprintf(path, sizeof(path), "%.*s", (int)n, group);
		r = cgdir_make(cg, t, path, err);
		if (r < 0)
			return r;
		for (size_t i = 0; t == CGROUP_TREE_CPUSET && i < ARRAY_SIZE(files); i++) {
			if (cgfile_read(cg, t, path, files[i], text, sizeof(text)) == 0 && *text)
				continue;
			r = cgfile_read(cg, t, parent, files[i], text, sizeof(text));
			if (r == 0)
				r = cgfile_write(cg, t, path, files[i], text);
			if (r < 0)
				return fail(err, r, t, files[i]);
		}
		memcpy(parent, path, sizeof(parent));
		p = group + n + (group[n] == '/');
	}
	return 0;
}

int cgroup_enable_path(const struct cgroup_ctx *cg, const char *controller, const char *group)
{
	char path[CGROUP_GROUP_MAX], word[16];
	int r;

	(void)snprintf(word, sizeof(word), "+%s", controller);
	r = cgfile_write(cg, CGROUP_TREE_UNIFIED, ".", "cgroup.subtree_control", word);
	for (const char *p = strchr(group, '/'); r == 0 && p; p = strchr(p + 1, '/')) {
		(void)snprintf(path, sizeof(path), "%.*s", (int)(p - group), group);
		r = cgfile_write(cg, CGROUP_TREE_UNIFIED, path, "cgroup.subtree_control", word);
	}
	return r;
}

/* 1 when limits of this controller can be written to the group, in *ret_tree; 0 when not. */
static int reach(struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		 enum cgroup_tree *ret_tree, struct error *err)
{
	int r;

	*ret_tree = t;
	if (cg->layout == CGROUP_V2) {
		*ret_tree = CGROUP_TREE_UNIFIED;
		return cgroup_enable_path(cg, cgroup_tree_str(t), group) == 0;
	}
	r = cgroup_open_extra(cg, t, false);
	if (r <= 0)
		return r < 0 ? error_set(err, -r, "open the %s cgroup tree: %s", cgroup_tree_str(t),
					 strerror(-r))
			     : 0;
	r = make_path(cg, t, group, err);
	return r < 0 ? r : 1;
}

/* ---- limits -------------------------------------------------------------------------------- */

static int set_hugepages(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
			 const struct strpair *limit, struct error *err)
{
	static const char *const kinds[] = { "", "rsvd." };
	const char *leaf = cg->layout == CGROUP_V2 ? "max" : "limit_in_bytes";
	int64_t size, value;
	char page[24], file[64];

	if (parse_size(limit->key + strlen(HUGEPAGES_PREFIX), &size) < 0 || size < 1024)
		return error_set(err, EINVAL, "'%.60s' names no size of a page", limit->key);
	if (parse_size(limit->value, &value) < 0)
		return error_set(err, EINVAL, "%s: '%.60s' is not a number of bytes", limit->key,
				 limit->value);
	if (value % size)
		return error_set(err, EINVAL, "%s: '%s' is not a multiple of the page", limit->key,
				 limit->value);
	size_text(size, page);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int r;

		(void)snprintf(file, sizeof(file), "hugetlb.%s.%s%s", page, kinds[i], leaf);
		r = cgfile_limit(cg, t, group, file, value, 1);
		if (r == -ENOENT && i == 0)
			return error_set(err, EINVAL, "%s: this kernel has no such pages",
					 limit->key);
		if (r < 0 && r != -ENOENT)
			return fail(err, r, CGROUP_TREE_HUGETLB, file);
	}
	return 0;
}

static int apply_hugepages(struct cgroup_ctx *cg, const char *group, const struct resources *res,
			   struct strlist *ret_warnings, struct error *err)
{
	enum cgroup_tree t;
	int r = reach(cg, CGROUP_TREE_HUGETLB, group, &t, err);

	for (size_t i = 0; r >= 0 && i < res->other_limits.n; i++) {
		const struct strpair *p = &res->other_limits.v[i];

		if (!is_prefix(p->key, HUGEPAGES_PREFIX))
			continue;
		if (r > 0) {
			int rc = set_hugepages(cg, t, group, p, err);

			r = rc < 0 ? rc : r;
		} else if (ret_warnings) {
			strlist_addf(ret_warnings,
				     "%s limit not applied: no writable hugetlb cgroup controller",
				     p->key);
		}
	}
	return r < 0 ? r : 0;
}

static int set_cpuset(const struct cgroup_ctx *cg, enum cgroup_tree t, const char *group,
		      const char *file, const char *value, struct error *err)
{
	int r;

	if (is_empty(value))
		return 0;
	if (strspn(value, "0123456789,-") != strlen(value) || strlen(value) >= CPUS_TEXT_MAX)
		return error_set(err, EINVAL, "%s: '%.60s' is not like \"0-3,8\"", file, value);
	r = cgfile_write(cg, t, group, file, value);
	if (r < 0)
		return fail(err, r, CGROUP_TREE_CPUSET, file);
	return 0;
}

static int apply_cpuset(struct cgroup_ctx *cg, const char *group, const struct resources *res,
			struct strlist *ret_warnings, struct error *err)
{
	enum cgroup_tree t;
	int r = reach(cg, CGROUP_TREE_CPUSET, group, &t, err);

	if (r == 0 && ret_warnings)
		strlist_add(ret_warnings,
			    "cpuset not applied: no writable cpuset cgroup controller");
	if (r <= 0)
		return r;
	r = set_cpuset(cg, t, group, "cpuset.cpus", res->cpuset_cpus, err);
	return r < 0 ? r : set_cpuset(cg, t, group, "cpuset.mems", res->cpuset_mems, err);
}

int cgroup_apply_extra(struct cgroup_ctx *cg, const char *group, const struct resources *res,
		       struct strlist *ret_warnings, struct error *err)
{
	int r = has_hugepages(res) ? apply_hugepages(cg, group, res, ret_warnings, err) : 0;

	if (r == 0 && has_cpuset(res))
		r = apply_cpuset(cg, group, res, ret_warnings, err);
	return r;
}
