/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cgroup - the cgroup module on fake trees: what is found, what is written where, what is
 * read, what is refused; and the device program, run by an interpreter of its own here.
 */
#include "engine/cgroup/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/cgroup/bpf_abi.h"
#include "engine/cgroup/device_filter.h"
#include "engine/cgroup/internal.h"
#include "engine/pod/spec.h"
#include "engine/pod/total.h"
#include "tests/support/cunit_main.h"

#define POD "00000000000000000000000000000000000000000000000000000000000000aa"
#define CTR "00000000000000000000000000000000000000000000000000000000000000bb"
#define GIB (1LL << 30)

struct fixture {
	char path[40];
	int fd;
	struct cgroup_ctx cg;
	struct error err;
	struct strlist warnings;
};

static void copy_tree(int from, int to)
{
	DIR *dir = fdopendir(fcntl(from, F_DUPFD_CLOEXEC, 3));
	struct dirent *e;

	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	while ((e = readdir(dir)) != NULL) {
		struct error err;
		size_t len;
		char *text;

		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_DIR) {
			int a = openat(from, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), b;

			CU_ASSERT_EQUAL(mkdirat(to, e->d_name, 0700), 0);
			b = openat(to, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			copy_tree(a, b);
			(void)close(a);
			(void)close(b);
			continue;
		}
		CU_ASSERT_EQUAL(fs_read_file(from, e->d_name, 4096, &text, &len, &err), 0);
		CU_ASSERT_EQUAL(fs_write_atomic(to, e->d_name, text, len, 0600, FS_NOSYNC, &err),
				0);
		free(text);
	}
	(void)closedir(dir);
}

/* A copy of testdata/cgroup/<name>, opened. */
static void setup(struct fixture *f, const char *name)
{
	char from[64];
	int fd;

	memset(f, 0, sizeof(*f));
	(void)snprintf(f->path, sizeof(f->path), "/tmp/podium-cgroup-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(from, sizeof(from), "testdata/cgroup/%s", name);
	fd = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(fd >= 0 && f->fd >= 0);
	copy_tree(fd, f->fd);
	(void)close(fd);
	CU_ASSERT_EQUAL(setenv("PODIUM_CGROUP_ROOT", f->path, 1), 0);
	CU_ASSERT_EQUAL(cgroup_open(&f->cg, &f->err), 0);
}

static void teardown(struct fixture *f)
{
	strlist_done(&f->warnings);
	cgroup_close(&f->cg);
	(void)close(f->fd);
	CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, f->path, &f->err), 0);
	CU_ASSERT_EQUAL(unsetenv("PODIUM_CGROUP_ROOT"), 0);
}

/* tree "" is the unified one of v2. file is relative to the pod's group. */
static char *pod_file(char *buf, size_t size, const char *tree, const char *file)
{
	(void)snprintf(buf, size, "%s%spodium/" POD "/%s", tree, *tree ? "/" : "", file);
	return buf;
}

static bool has_file(struct fixture *f, const char *tree, const char *file)
{
	char path[256];

	return faccessat(f->fd, pod_file(path, sizeof(path), tree, file), F_OK, 0) == 0;
}

static void check_file(struct fixture *f, const char *tree, const char *file, const char *want)
{
	char path[256], *text = NULL;
	int r = fs_read_file(f->fd, pod_file(path, sizeof(path), tree, file), 4096, &text, NULL,
			     &f->err);

	CU_ASSERT_EQUAL(r, 0);
	if (r < 0 || strcmp(text, want) != 0)
		printf("\n  %s: got '%s', want '%s'\n", path, r < 0 ? "(none)" : text, want);
	if (r == 0)
		CU_ASSERT_STRING_EQUAL(text, want);
	free(text);
}

static void put_file(struct fixture *f, const char *tree, const char *file, const char *text)
{
	char path[256];
	int fd = openat(f->fd, pod_file(path, sizeof(path), tree, file),
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT_EQUAL(fs_write_all(fd, text, strlen(text)), 0);
	(void)close(fd);
}

/* The shared group of the devices tree as the kernel would show it. */
static void put_policy(struct fixture *f, const char *extra)
{
	struct buf b = BUF_INIT(4096);
	char text[DEVICE_RULE_TEXT_MAX];
	int fd;

	for (size_t i = 0; i < device_rules_count; i++) {
		device_rule_text(&device_rules[i], text);
		buf_printf(&b, "%s\n", text);
	}
	buf_adds(&b, extra);
	(void)mkdirat(f->fd, "devices/podium", 0700);
	(void)mkdirat(f->fd, "devices/podium/devices", 0700);
	fd = openat(f->fd, "devices/podium/devices/devices.list",
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(fs_write_all(fd, b.data, b.len), 0);
	(void)close(fd);
	buf_done(&b);
}

static const struct resources everything = {
	.cpu_limit_milli = { true, 500 },
	.cpu_request_milli = { true, 250 },
	.memory_limit_bytes = { true, GIB },
	.memory_request_bytes = { true, GIB / 2 },
	.pids_limit = { true, 100 },
};

static int create(struct fixture *f, const struct resources *r, bool privileged)
{
	int res = cgroup_create_pod(&f->cg, POD, r, NULL, &f->err);

	if (res == 0)
		res = cgroup_create_container(&f->cg, POD, CTR, r, privileged, &f->warnings,
					      &f->err);
	return res;
}

/* ---- finding ------------------------------------------------------------------------------- */

static void test_layouts(void)
{
	static const struct {
		const char *tree;
		enum cgroup_layout layout;
		bool unified, freezer;
	} cases[] = {
		{ "v1", CGROUP_V1, false, true },
		{ "hybrid", CGROUP_HYBRID, true, false },
		{ "v2", CGROUP_V2, true, false },
		{ "v2-few", CGROUP_V2, true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		setup(&f, cases[i].tree);
		CU_ASSERT_EQUAL(f.cg.layout, cases[i].layout);
		CU_ASSERT_EQUAL(f.cg.tree[CGROUP_TREE_UNIFIED] >= 0, cases[i].unified);
		CU_ASSERT_EQUAL(f.cg.tree[CGROUP_TREE_FREEZER] >= 0, cases[i].freezer);
		CU_ASSERT_EQUAL(f.cg.has_controller[CGROUP_TREE_MEMORY], i < 3);
		CU_ASSERT_EQUAL(f.cg.has_controller[CGROUP_TREE_CPU], i < 3);
		CU_ASSERT_TRUE(f.cg.has_controller[CGROUP_TREE_PIDS]);
		CU_ASSERT_TRUE(can_cgroup_kill(&f.cg));
		teardown(&f);
	}
	CU_ASSERT_STRING_EQUAL(cgroup_layout_str(CGROUP_NONE), "none");
	CU_ASSERT_STRING_EQUAL(cgroup_layout_str(CGROUP_V2), "v2");
}

static void check_warnings(const struct strlist *l)
{
	static const char *const want[] = {
		"memory limit not applied: no writable memory cgroup controller",
		"memory request not applied: no writable memory cgroup controller",
		"cpu limit not applied: no writable cpu cgroup controller",
		"pids limit not applied: no writable pids cgroup controller",
	};

	CU_ASSERT_EQUAL(l->n, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want) && i < l->n; i++)
		CU_ASSERT_STRING_EQUAL(l->v[i], want[i]);
}

/* Nothing there: limits that were asked for are named, everything else just succeeds. */
static void test_none(void)
{
	struct cgroup_ctx cg;
	struct strlist warnings = { 0 }, pods = { 0 };
	struct error err = { 0 };
	int64_t n = 9;

	CU_ASSERT_EQUAL(setenv("PODIUM_CGROUP_ROOT", "/nowhere/at/all", 1), 0);
	CU_ASSERT_EQUAL(cgroup_open(&cg, &err), 0);
	CU_ASSERT_EQUAL(cg.layout, CGROUP_NONE);
	CU_ASSERT_EQUAL(cgroup_create_pod(&cg, POD, &everything, NULL, &err), 0);
	CU_ASSERT_EQUAL(cgroup_create_container(&cg, POD, CTR, NULL, false, &warnings, &err), 0);
	CU_ASSERT_EQUAL(warnings.n, 0);
	CU_ASSERT_EQUAL(cgroup_create_container(&cg, POD, CTR, &everything, false, &warnings, &err),
			0);
	check_warnings(&warnings);
	CU_ASSERT_EQUAL(cgroup_join_self(&cg, POD, CTR, CGROUP_BORN_OUTSIDE, &err), 0);
	CU_ASSERT_EQUAL(cgroup_join_monitors(&cg, &err), 0);
	CU_ASSERT_EQUAL(cgroup_open_dir_fd(&cg, POD, CTR, &err), -ENOTSUP);
	CU_ASSERT_FALSE(can_cgroup_kill(&cg));
	CU_ASSERT_EQUAL(cgroup_kill_pod(&cg, POD, 1000, &err), 0);
	CU_ASSERT_TRUE(is_cgroup_empty(&cg, POD, CTR));
	CU_ASSERT_EQUAL(cgroup_oom_count(&cg, POD, CTR, &n, &err), 0);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(cgroup_list_pods(&cg, &pods, &err), 0);
	CU_ASSERT_EQUAL(pods.n, 0);
	CU_ASSERT_EQUAL(cgroup_remove_container(&cg, POD, CTR, &err), 0);
	CU_ASSERT_EQUAL(cgroup_remove_pod(&cg, POD, &err), 0);
	cgroup_prune(&cg);
	CU_ASSERT_EQUAL(err.code, 0);
	CU_ASSERT_EQUAL(cgroup_freeze_container(&cg, POD, CTR, true, 1, &err), -ENOTSUP);
	strlist_done(&warnings);
	cgroup_close(&cg);
	CU_ASSERT_EQUAL(unsetenv("PODIUM_CGROUP_ROOT"), 0);
}

/* CG-5: nothing but an id becomes a path. */
static void test_ids(void)
{
	static const char *const bad[] = {
		"",
		"..",
		"../../memory",
		"aa",
		"00000000000000000000000000000000000000000000000000000000000000AA",
		"00000000000000000000000000000000000000000000000000000000000000a/",
		"00000000000000000000000000000000000000000000000000000000000000aaa",
	};
	struct fixture f;
	int64_t n;

	setup(&f, "v2");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_EQUAL(cgroup_create_pod(&f.cg, bad[i], NULL, NULL, &f.err), -EINVAL);
		CU_ASSERT_EQUAL(cgroup_create_container(&f.cg, POD, bad[i], NULL, false,
							&f.warnings, &f.err),
				-EINVAL);
		CU_ASSERT_EQUAL(cgroup_join_self(&f.cg, POD, bad[i], CGROUP_BORN_OUTSIDE, &f.err),
				-EINVAL);
		CU_ASSERT_EQUAL(cgroup_kill_pod(&f.cg, bad[i], 0, &f.err), -EINVAL);
		CU_ASSERT_EQUAL(cgroup_remove_pod(&f.cg, bad[i], &f.err), -EINVAL);
		CU_ASSERT_EQUAL(cgroup_oom_count(&f.cg, bad[i], CTR, &n, &f.err), -EINVAL);
		CU_ASSERT_EQUAL(cgroup_open_dir_fd(&f.cg, bad[i], NULL, &f.err), -EINVAL);
	}
	teardown(&f);
}

static void test_numbers(void)
{
	static const struct {
		int64_t milli, shares, quota, weight;
	} cases[] = {
		{ 0, 2, 1000, 1 },	    { 1, 2, 1000, 1 },
		{ 10, 10, 1000, 1 },	    { 100, 102, 10000, 4 },
		{ 250, 256, 25000, 10 },    { 1000, 1024, 100000, 39 },
		{ 1500, 1536, 150000, 59 }, { 256000, 262144, 25600000, 10000 },
		{ -7, 2, 1000, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CU_ASSERT_EQUAL(cpu_shares(cases[i].milli), cases[i].shares);
		CU_ASSERT_EQUAL(cpu_quota_us(cases[i].milli), cases[i].quota);
		CU_ASSERT_EQUAL(cpu_weight(cases[i].milli), cases[i].weight);
	}
	CU_ASSERT_EQUAL(cpu_shares(INT64_MAX), 262144);
	CU_ASSERT_TRUE(cpu_quota_us(INT64_MAX) > 0);
}

/* ---- limits -------------------------------------------------------------------------------- */

static void check_v1_limits(const char *name, const char *cpu)
{
	struct fixture f;

	setup(&f, name);
	put_policy(&f, "");
	CU_ASSERT_EQUAL(create(&f, &everything, false), 0);
	CU_ASSERT_EQUAL(f.warnings.n, 0);
	check_file(&f, "memory", CTR "/memory.limit_in_bytes", "1073741824");
	check_file(&f, "memory", CTR "/memory.memsw.limit_in_bytes", "1073741824");
	check_file(&f, "memory", CTR "/memory.soft_limit_in_bytes", "536870912");
	check_file(&f, cpu, CTR "/cpu.shares", "256");
	check_file(&f, cpu, CTR "/cpu.cfs_period_us", "100000");
	check_file(&f, cpu, CTR "/cpu.cfs_quota_us", "50000");
	check_file(&f, cpu, "cpu.shares", "256");
	check_file(&f, "pids", CTR "/pids.max", "100");
	/* the shared policy stands: nothing is made or written in the devices tree */
	CU_ASSERT_FALSE(has_file(&f, "devices", ""));
	CU_ASSERT_EQUAL(faccessat(f.fd, "devices/podium/devices/devices.deny", F_OK, 0), -1);
	teardown(&f);
}

static void test_v1_limits(void)
{
	check_v1_limits("v1", "cpu,cpuacct");
	check_v1_limits("hybrid", "cpu");
}

static void test_v1_defaults(void)
{
	const struct resources only_limit = { .cpu_limit_milli = { true, 2000 } };
	const struct resources unlimited = { .pids_limit = { true, -1 },
					     .cpu_request_milli = { true, 0 } };
	struct fixture f;

	setup(&f, "hybrid");
	put_policy(&f, "");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	check_file(&f, "pids", CTR "/pids.max", "2048");
	CU_ASSERT_FALSE(has_file(&f, "memory", CTR "/memory.limit_in_bytes"));
	CU_ASSERT_TRUE(has_file(&f, "memory", CTR));
	CU_ASSERT_TRUE(has_file(&f, "unified", CTR));
	CU_ASSERT_FALSE(has_file(&f, "cpu", ""));
	CU_ASSERT_FALSE(has_file(&f, "freezer", ""));
	/* a limit stands for a missing request; 0 is the least there is */
	CU_ASSERT_EQUAL(create(&f, &only_limit, false), 0);
	check_file(&f, "cpu", CTR "/cpu.shares", "2048");
	CU_ASSERT_EQUAL(create(&f, &unlimited, false), 0);
	check_file(&f, "cpu", CTR "/cpu.shares", "2");
	check_file(&f, "pids", CTR "/pids.max", "max");
	CU_ASSERT_EQUAL(f.warnings.n, 0);
	teardown(&f);
}

/* CG-3 on v1: deny comes first; a list with one rule more is not accepted; privileged has its own.
 */
static void test_v1_devices(void)
{
	struct fixture f;
	char *text;

	setup(&f, "v1");
	put_policy(&f, "c 10:200 rwm\n");
	CU_ASSERT_EQUAL(create(&f, NULL, false), -EPERM);
	CU_ASSERT_EQUAL(
		fs_read_file(f.fd, "devices/podium/devices/devices.deny", 64, &text, NULL, &f.err),
		0);
	CU_ASSERT_STRING_EQUAL(text, "a");
	free(text);
	put_policy(&f, "a *:* rwm\n");
	CU_ASSERT_EQUAL(create(&f, NULL, false), -EPERM);
	put_policy(&f, "");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	CU_ASSERT_FALSE(has_file(&f, "devices", CTR));
	CU_ASSERT_EQUAL(create(&f, NULL, true), 0);
	CU_ASSERT_TRUE(has_file(&f, "devices", CTR));
	CU_ASSERT_FALSE(has_file(&f, "devices", CTR "/devices.deny"));
	teardown(&f);
}

static void test_v2_limits(void)
{
	struct fixture f;
	char *text = NULL;

	setup(&f, "v2");
	CU_ASSERT_EQUAL(create(&f, &everything, false), 0);
	CU_ASSERT_EQUAL(f.warnings.n, 0);
	check_file(&f, "", CTR "/memory.max", "1073741824");
	check_file(&f, "", CTR "/memory.swap.max", "0");
	check_file(&f, "", CTR "/memory.low", "536870912");
	check_file(&f, "", CTR "/memory.oom.group", "1");
	check_file(&f, "", CTR "/cpu.max", "50000 100000");
	check_file(&f, "", CTR "/cpu.weight", "10");
	check_file(&f, "", "cpu.weight", "10");
	check_file(&f, "", CTR "/pids.max", "100");
	/* switched on at every level above the container's, but not at its own */
	check_file(&f, "", "cgroup.subtree_control", "+pids");
	CU_ASSERT_EQUAL(
		fs_read_file(f.fd, "podium/cgroup.subtree_control", 64, &text, NULL, &f.err), 0);
	free(text);
	CU_ASSERT_EQUAL(fs_read_file(f.fd, "cgroup.subtree_control", 64, &text, NULL, &f.err), 0);
	free(text);
	CU_ASSERT_FALSE(has_file(&f, "", CTR "/cgroup.subtree_control"));
	CU_ASSERT_TRUE(has_file(&f, "", "pause"));
	teardown(&f);

	setup(&f, "v2-few");
	CU_ASSERT_EQUAL(create(&f, &everything, false), 0);
	CU_ASSERT_EQUAL(f.warnings.n, 3); /* memory twice, cpu; pids is there */
	check_file(&f, "", CTR "/pids.max", "100");
	CU_ASSERT_FALSE(has_file(&f, "", CTR "/memory.max"));
	CU_ASSERT_FALSE(has_file(&f, "", CTR "/cpu.max"));
	teardown(&f);
}

static char limits_text[] = "8Mi", small_size[] = "hugepages-2Mi", big_size[] = "hugepages-1Gi",
	    big_limit[] = "2Gi", other_key[] = "ephemeral-storage", cpus[] = "0-1", mems[] = "0";
static struct strpair huge_pairs[] = { { other_key, big_limit },
				       { small_size, limits_text },
				       { big_size, big_limit } };
static const struct resources extras = { .other_limits = { huge_pairs, ARRAY_SIZE(huge_pairs) },
					 .cpuset_cpus = cpus,
					 .cpuset_mems = mems };

static void test_extras_v1(void)
{
	struct cgroup_ctx again = CGROUP_CTX_INIT;
	struct fixture f;

	setup(&f, "hybrid");
	put_policy(&f, "");
	/* nobody has asked yet */
	CU_ASSERT_EQUAL(f.cg.tree[CGROUP_TREE_CPUSET], -1);
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	CU_ASSERT_EQUAL(faccessat(f.fd, "cpuset/podium", F_OK, 0), -1);
	CU_ASSERT_EQUAL(create(&f, &extras, false), 0);
	CU_ASSERT_EQUAL(f.warnings.n, 0);
	check_file(&f, "hugetlb", CTR "/hugetlb.2MB.limit_in_bytes", "8388608");
	check_file(&f, "hugetlb", CTR "/hugetlb.2MB.rsvd.limit_in_bytes", "8388608");
	check_file(&f, "hugetlb", CTR "/hugetlb.1GB.limit_in_bytes", "2147483648");
	check_file(&f, "cpuset", CTR "/cpuset.cpus", "0-1");
	check_file(&f, "cpuset", CTR "/cpuset.mems", "0");
	check_file(&f, "cpuset", "cpuset.cpus", "0-1"); /* the pod's: its own wish */
	/* from now on it is opened, so that the group is joined and removed */
	CU_ASSERT_EQUAL(cgroup_open(&again, &f.err), 0);
	CU_ASSERT_TRUE(again.tree[CGROUP_TREE_CPUSET] >= 0);
	CU_ASSERT_TRUE(again.tree[CGROUP_TREE_HUGETLB] >= 0);
	cgroup_close(&again);
	teardown(&f);
}

static void test_extras_v2(void)
{
	struct fixture f;
	char *text = NULL;

	setup(&f, "v2");
	CU_ASSERT_EQUAL(create(&f, &extras, false), 0);
	CU_ASSERT_EQUAL(f.warnings.n, 0);
	check_file(&f, "", CTR "/hugetlb.2MB.max", "8388608");
	check_file(&f, "", CTR "/hugetlb.2MB.rsvd.max", "8388608");
	check_file(&f, "", CTR "/cpuset.cpus", "0-1");
	check_file(&f, "", "cgroup.subtree_control", "+cpuset");
	CU_ASSERT_EQUAL(fs_read_file(f.fd, "cgroup.subtree_control", 64, &text, NULL, &f.err), 0);
	CU_ASSERT_STRING_EQUAL(text, "+cpuset");
	free(text);
	teardown(&f);
	/* v1 without these controllers */
	setup(&f, "v1");
	put_policy(&f, "");
	CU_ASSERT_EQUAL(create(&f, &extras, false), 0);
	CU_ASSERT_EQUAL(f.warnings.n, 3);
	teardown(&f);
}

static void test_extras_refused(void)
{
	static char bad_limit[] = "3Mi", no_number[] = "-1", huge[] = "9999999999Ti",
		    bad_cpus[] = "0;1";
	static struct strpair pairs[] = { { small_size, bad_limit } };
	struct resources bad = { .other_limits = { pairs, 1 } };
	const struct resources set = { .cpuset_cpus = bad_cpus };
	struct fixture f;

	setup(&f, "v2");
	CU_ASSERT_EQUAL(create(&f, &bad, false), -EINVAL);
	pairs[0].value = no_number;
	CU_ASSERT_EQUAL(create(&f, &bad, false), -EINVAL);
	pairs[0].value = huge;
	CU_ASSERT_EQUAL(create(&f, &bad, false), -EINVAL);
	CU_ASSERT_EQUAL(create(&f, &set, false), -EINVAL);
	teardown(&f);
}

/* What bounds a pod as a whole. */
static void test_pod_limits(void)
{
	struct fixture f;

	setup(&f, "hybrid");
	put_policy(&f, "");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	CU_ASSERT_FALSE(has_file(&f, "memory", "memory.limit_in_bytes"));
	CU_ASSERT_FALSE(has_file(&f, "pids", "pids.max"));
	CU_ASSERT_EQUAL(create(&f, &everything, false), 0);
	check_file(&f, "memory", "memory.limit_in_bytes", "1073741824");
	check_file(&f, "cpu", "cpu.cfs_quota_us", "50000");
	check_file(&f, "pids", "pids.max", "100");
	teardown(&f);
	setup(&f, "v2");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	CU_ASSERT_FALSE(has_file(&f, "", "memory.max"));
	CU_ASSERT_FALSE(has_file(&f, "", "memory.oom.group"));
	CU_ASSERT_FALSE(has_file(&f, "", "pids.max"));
	CU_ASSERT_EQUAL(create(&f, &everything, false), 0);
	check_file(&f, "", "memory.max", "1073741824");
	check_file(&f, "", "cpu.max", "50000 100000");
	CU_ASSERT_FALSE(has_file(&f, "", "memory.oom.group"));
	teardown(&f);
}

static struct container_spec total_of(int64_t request, int64_t limit, int64_t memory)
{
	struct container_spec c = { 0 };

	c.resources.cpu_request_milli = (struct opt_i64){ request > 0, request };
	c.resources.cpu_limit_milli = (struct opt_i64){ limit > 0, limit };
	c.resources.memory_limit_bytes = (struct opt_i64){ memory > 0, memory };
	return c;
}

static void test_totals(void)
{
	struct container_ref refs[] = {
		{ .init = true }, { .init = true, .sidecar = true }, { .init = true }, { 0 }, { 0 }
	};
	struct container_spec specs[] = { total_of(100, 200, 10), total_of(10, 20, 5),
					  total_of(300, 700, 90), total_of(100, 200, 30),
					  total_of(0, 400, 40) };
	struct pod_spec pod = { .containers = { refs, ARRAY_SIZE(refs) } };
	struct resources r;

	pod_total_resources(&pod, specs, &r);
	/* beside the sidecar: 310 and 720 and 95; members with it: 510, 620, 75 */
	CU_ASSERT_TRUE(r.cpu_request_milli.set && r.cpu_request_milli.value == 510);
	CU_ASSERT_TRUE(r.cpu_limit_milli.set && r.cpu_limit_milli.value == 720);
	CU_ASSERT_TRUE(r.memory_limit_bytes.set && r.memory_limit_bytes.value == 95);
	/* one without a limit is bounded by nothing */
	specs[3].resources.memory_limit_bytes.set = false;
	pod_total_resources(&pod, specs, &r);
	CU_ASSERT_FALSE(r.memory_limit_bytes.set);
	CU_ASSERT_TRUE(r.cpu_limit_milli.set);
	/* the pod's own words win */
	pod.resources.cpu_limit_milli = (struct opt_i64){ true, 50 };
	pod.resources.memory_limit_bytes = (struct opt_i64){ true, 7 };
	pod_total_resources(&pod, specs, &r);
	CU_ASSERT_EQUAL(r.cpu_limit_milli.value, 50);
	CU_ASSERT_EQUAL(r.memory_limit_bytes.value, 7);
	CU_ASSERT_FALSE(r.cpu_request_milli.set);
}

/* Memory and swap together: a member without a word about it has no swap. */
static void test_total_swap(void)
{
	struct container_ref refs[] = { { 0 }, { 0 } };
	struct container_spec specs[] = { total_of(0, 0, 10), total_of(0, 0, 30) };
	struct pod_spec pod = { .containers = { refs, ARRAY_SIZE(refs) } };
	struct resources r;

	pod_total_resources(&pod, specs, &r);
	CU_ASSERT_FALSE(r.memory_swap_bytes.set);
	specs[0].resources.memory_swap_bytes = (struct opt_i64){ true, 20 };
	pod_total_resources(&pod, specs, &r);
	CU_ASSERT_TRUE(r.memory_swap_bytes.set && r.memory_swap_bytes.value == 50);
	CU_ASSERT_TRUE(r.memory_swap_assumed);
	specs[1].resources.memory_swap_bytes = (struct opt_i64){ true, -1 };
	pod_total_resources(&pod, specs, &r);
	CU_ASSERT_TRUE(r.memory_swap_bytes.set && r.memory_swap_bytes.value == -1);
	specs[0].resources.memory_limit_bytes.set = false;
	pod_total_resources(&pod, specs, &r);
	CU_ASSERT_FALSE(r.memory_swap_bytes.set);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void test_join(void)
{
	struct fixture f;
	char *text;
	int fd;

	setup(&f, "v1");
	put_policy(&f, "");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	CU_ASSERT_EQUAL(cgroup_join_self(&f.cg, POD, CTR, CGROUP_BORN_OUTSIDE, &f.err), 0);
	check_file(&f, "memory", CTR "/tasks", "0");
	check_file(&f, "pids", CTR "/tasks", "0");
	check_file(&f, "freezer", CTR "/tasks", "0");
	CU_ASSERT_FALSE(has_file(&f, "memory", CTR "/cgroup.procs"));
	CU_ASSERT_EQUAL(fs_read_file(f.fd, "devices/podium/devices/tasks", 64, &text, NULL, &f.err),
			0);
	CU_ASSERT_STRING_EQUAL(text, "0");
	free(text);
	CU_ASSERT_EQUAL(cgroup_open_dir_fd(&f.cg, POD, CTR, &f.err), -ENOTSUP);
	teardown(&f);

	setup(&f, "hybrid");
	put_policy(&f, "");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	CU_ASSERT_EQUAL(cgroup_join_self(&f.cg, POD, CTR, CGROUP_BORN_INSIDE, &f.err), 0);
	check_file(&f, "memory", CTR "/tasks", "0");
	CU_ASSERT_FALSE(has_file(&f, "unified", CTR "/cgroup.procs"));
	CU_ASSERT_EQUAL(cgroup_join_self(&f.cg, POD, NULL, CGROUP_BORN_OUTSIDE, &f.err), 0);
	check_file(&f, "unified", "cgroup.procs", "0");
	teardown(&f);

	setup(&f, "v2");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	CU_ASSERT_EQUAL(cgroup_join_self(&f.cg, POD, NULL, CGROUP_BORN_OUTSIDE, &f.err), 0);
	check_file(&f, "", "pause/cgroup.procs", "0");
	CU_ASSERT_FALSE(has_file(&f, "", "cgroup.procs"));
	fd = cgroup_open_dir_fd(&f.cg, POD, CTR, &f.err);
	CU_ASSERT_TRUE(fd >= 0);
	(void)close(fd);
	CU_ASSERT_EQUAL(cgroup_join_monitors(&f.cg, &f.err), 0);
	CU_ASSERT_EQUAL(fs_read_file(f.fd, "podium/monitors/cgroup.procs", 64, &text, NULL, &f.err),
			0);
	CU_ASSERT_STRING_EQUAL(text, "0");
	free(text);
	/* a group that was never made is no place to be */
	CU_ASSERT_EQUAL(cgroup_join_self(&f.cg, CTR, CTR, CGROUP_BORN_OUTSIDE, &f.err), -ENOENT);
	teardown(&f);
}

static void test_oom(void)
{
	struct fixture f;
	int64_t n = 0;

	setup(&f, "hybrid");
	put_policy(&f, "");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	put_file(&f, "memory", CTR "/memory.oom_control",
		 "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
	CU_ASSERT_EQUAL(cgroup_oom_count(&f.cg, POD, CTR, &n, &f.err), 0);
	CU_ASSERT_EQUAL(n, 3);
	put_file(&f, "memory", CTR "/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
	CU_ASSERT_EQUAL(cgroup_oom_count(&f.cg, POD, CTR, &n, &f.err), 0);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(cgroup_oom_count(&f.cg, CTR, CTR, &n, &f.err), -ENOENT);
	teardown(&f);

	setup(&f, "v2");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	CU_ASSERT_EQUAL(cgroup_oom_count(&f.cg, POD, CTR, &n, &f.err), 0);
	put_file(&f, "", CTR "/memory.events",
		 "low 0\nhigh 0\nmax 4\noom 7\noom_kill 2\noom_group_kill 1\n");
	CU_ASSERT_EQUAL(cgroup_oom_count(&f.cg, POD, CTR, &n, &f.err), 0);
	CU_ASSERT_EQUAL(n, 2);
	teardown(&f);
}

static void test_kill(void)
{
	struct fixture f;

	setup(&f, "v2");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	put_file(&f, "", CTR "/cgroup.events", "populated 1\nfrozen 0\n");
	CU_ASSERT_FALSE(is_cgroup_empty(&f.cg, POD, CTR));
	CU_ASSERT_EQUAL(cgroup_kill_container(&f.cg, POD, CTR, 0, &f.err), 0);
	check_file(&f, "", CTR "/cgroup.kill", "1");
	CU_ASSERT_EQUAL(cgroup_kill_container(&f.cg, POD, CTR, 20, &f.err), -ETIMEDOUT);
	put_file(&f, "", CTR "/cgroup.events", "populated 0\nfrozen 0\n");
	CU_ASSERT_TRUE(is_cgroup_empty(&f.cg, POD, CTR));
	CU_ASSERT_EQUAL(cgroup_kill_container(&f.cg, POD, CTR, 1000, &f.err), 0);
	CU_ASSERT_EQUAL(cgroup_kill_pod(&f.cg, CTR, 1000, &f.err), 0); /* no such pod */
	CU_ASSERT_EQUAL(cgroup_freeze_container(&f.cg, POD, CTR, true, 20, &f.err), -ETIMEDOUT);
	check_file(&f, "", CTR "/cgroup.freeze", "1");
	teardown(&f);

	setup(&f, "v1");
	put_policy(&f, "");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	put_file(&f, "freezer", CTR "/cgroup.procs", "12345678\n");
	CU_ASSERT_FALSE(is_cgroup_empty(&f.cg, POD, NULL));
	CU_ASSERT_EQUAL(cgroup_kill_pod(&f.cg, POD, 20, &f.err), -ETIMEDOUT);
	/* whatever happened, nothing stays frozen, at no level */
	check_file(&f, "freezer", "freezer.state", "THAWED");
	check_file(&f, "freezer", CTR "/freezer.state", "THAWED");
	put_file(&f, "freezer", CTR "/cgroup.procs", "");
	CU_ASSERT_EQUAL(cgroup_kill_pod(&f.cg, POD, 1000, &f.err), 0);
	CU_ASSERT_EQUAL(cgroup_freeze_container(&f.cg, POD, CTR, true, 1000, &f.err), 0);
	check_file(&f, "freezer", CTR "/freezer.state", "FROZEN");
	teardown(&f);
}

static void test_list_and_remove(void)
{
	struct strlist pods = { 0 };
	struct fixture f;

	setup(&f, "hybrid");
	put_policy(&f, "");
	CU_ASSERT_EQUAL(create(&f, NULL, false), 0);
	CU_ASSERT_EQUAL(cgroup_create_pod(&f.cg, CTR, NULL, NULL, &f.err), 0);
	CU_ASSERT_EQUAL(cgroup_join_monitors(&f.cg, &f.err), 0);
	CU_ASSERT_EQUAL(cgroup_list_pods(&f.cg, &pods, &f.err), 0);
	CU_ASSERT_EQUAL(pods.n, 2); /* not "monitors", not "devices", none twice */
	CU_ASSERT_TRUE(strlist_has(&pods, POD) && strlist_has(&pods, CTR));
	strlist_done(&pods);
	CU_ASSERT_EQUAL(cgroup_remove_container(&f.cg, POD, CTR, &f.err), 0);
	CU_ASSERT_FALSE(has_file(&f, "memory", CTR));
	CU_ASSERT_TRUE(has_file(&f, "memory", ""));
	CU_ASSERT_EQUAL(cgroup_remove_container(&f.cg, POD, CTR, &f.err), 0);
	CU_ASSERT_EQUAL(cgroup_remove_pod(&f.cg, POD, &f.err), 0);
	CU_ASSERT_FALSE(has_file(&f, "memory", "") || has_file(&f, "unified", ""));
	/* a pod is left: the base stays */
	cgroup_prune(&f.cg);
	CU_ASSERT_EQUAL(faccessat(f.fd, "devices/podium/devices", F_OK, 0), 0);
	CU_ASSERT_EQUAL(cgroup_remove_pod(&f.cg, CTR, &f.err), 0);
	cgroup_prune(&f.cg);
	CU_ASSERT_EQUAL(faccessat(f.fd, "devices/podium", F_OK, 0), -1);
	CU_ASSERT_EQUAL(faccessat(f.fd, "memory/podium", F_OK, 0), -1);
	CU_ASSERT_EQUAL(faccessat(f.fd, "unified/podium", F_OK, 0), -1);
	teardown(&f);
}

/* ---- the device program -------------------------------------------------------------------- */

/* Runs the few instructions the assembler writes; -1 on anything else, or on running off. */
static int run_program(const struct abi_insn *p, int n, const struct abi_device_ctx *ctx)
{
	uint64_t r[11] = { 0 };

	for (int pc = 0, steps = 0; pc >= 0 && pc < n && steps < n; pc++, steps++) {
		unsigned int dst = ABI_DST(p[pc].regs), src = ABI_SRC(p[pc].regs);
		uint32_t word;

		switch (p[pc].code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			if (src != 1 || p[pc].off < 0 || p[pc].off + 4 > (int)sizeof(*ctx))
				return -1;
			memcpy(&word, (const char *)ctx + p[pc].off, 4);
			r[dst] = word;
			break;
		case BPF_ALU | ABI_MOV | BPF_X:
			r[dst] = (uint32_t)r[src];
			break;
		case BPF_ALU | ABI_MOV | BPF_K:
			r[dst] = (uint32_t)p[pc].imm;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			r[dst] = (uint32_t)r[dst] & (uint32_t)p[pc].imm;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			r[dst] = (uint32_t)r[dst] >> p[pc].imm;
			break;
		case ABI_JMP32 | ABI_JNE | BPF_K:
			if ((uint32_t)r[dst] != (uint32_t)p[pc].imm)
				pc += p[pc].off;
			break;
		case BPF_JMP | ABI_EXIT:
			return (int)r[0];
		default:
			return -1;
		}
	}
	return -1;
}

/* The policy in words: mknod of anything; reading and writing of these nodes. */
static bool is_allowed(uint32_t type, uint32_t major, uint32_t minor, uint32_t access)
{
	static const uint32_t nodes[][2] = { { 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 },
					     { 1, 9 }, { 5, 0 }, { 5, 1 }, { 5, 2 } };

	if ((access & ~DEVICE_MAY_MKNOD) == 0)
		return true;
	if (type != DEVICE_TYPE_CHAR)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		if (nodes[i][0] == major && nodes[i][1] == minor)
			return true;
	return major == 136;
}

static void test_program(void)
{
	static const uint32_t majors[] = { 0, 1, 4, 5, 7, 8, 10, 136, 137, 259, UINT32_MAX };
	struct abi_insn p[DEVICE_PROGRAM_MAX];
	int n = device_program_build(device_rules, device_rules_count, p, ARRAY_SIZE(p)), bad = 0;

	CU_ASSERT_TRUE(n > 0);
	for (uint32_t type = 1; type <= 2; type++)
		for (uint32_t access = 1; access <= 7; access++)
			for (size_t m = 0; m < ARRAY_SIZE(majors); m++)
				for (uint32_t minor = 0; minor < 300; minor++) {
					struct abi_device_ctx ctx = { access << 16 | type,
								      majors[m], minor };

					if (run_program(p, n, &ctx) !=
					    (is_allowed(type, majors[m], minor, access) ? 1 : 0))
						bad++;
				}
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(device_program_build(device_rules, device_rules_count, p, 4), -E2BIG);
	CU_ASSERT_EQUAL(device_program_build(device_rules, device_rules_count, p, 40), -E2BIG);
}

static void test_rule_text(void)
{
	char text[DEVICE_RULE_TEXT_MAX];

	device_rule_text(&device_rules[0], text);
	CU_ASSERT_STRING_EQUAL(text, "c *:* m");
	device_rule_text(&device_rules[device_rules_count - 1], text);
	CU_ASSERT_STRING_EQUAL(text, "c 136:* rwm");
	CU_ASSERT_TRUE(is_device_rule_text("b *:* m", NULL, 0));
	CU_ASSERT_TRUE(is_device_rule_text("c 1:3 rwm", NULL, 0));
	CU_ASSERT_FALSE(is_device_rule_text("a *:* rwm", NULL, 0));
	CU_ASSERT_FALSE(is_device_rule_text("c 1:1 rwm", NULL, 0));
	CU_ASSERT_FALSE(is_device_rule_text("c 10:200 rwm", NULL, 0));
	CU_ASSERT_FALSE(is_device_rule_text("c 1:3 rwm ", NULL, 0));
	CU_ASSERT_FALSE(is_device_rule_text("", NULL, 0));
}

static CU_TestInfo tests[] = {
	{ "layouts", test_layouts },
	{ "nothing writable", test_none },
	{ "ids", test_ids },
	{ "shares, quota, weight", test_numbers },
	{ "v1 and hybrid limits", test_v1_limits },
	{ "v1 defaults", test_v1_defaults },
	{ "v1 devices", test_v1_devices },
	{ "v2 limits", test_v2_limits },
	{ "huge pages and cpusets, v1", test_extras_v1 },
	{ "huge pages and cpusets, v2", test_extras_v2 },
	{ "huge pages and cpusets, refused", test_extras_refused },
	{ "limits of a pod", test_pod_limits },
	{ "what follows from the containers", test_totals },
	{ "totals of swap", test_total_swap },
	{ "joining", test_join },
	{ "oom kills", test_oom },
	{ "killing and freezing", test_kill },
	{ "list, remove, prune", test_list_and_remove },
	{ "the device program decides as the policy says", test_program },
	{ "device rules as text", test_rule_text },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "cgroup", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
