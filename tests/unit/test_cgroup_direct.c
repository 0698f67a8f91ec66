/* SPDX-License-Identifier: Apache-2.0 */
/* test_cgroup_direct - limits in the kernel's own terms on fake trees: what is written where, and what
 * is refused. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/cgroup/cgroup.h"
#include "engine/pod/spec.h"
#include "tests/support/cunit_main.h"

#define POD "00000000000000000000000000000000000000000000000000000000000000aa"
#define CTR "00000000000000000000000000000000000000000000000000000000000000bb"
#define SET(n)            \
	(struct opt_i64)  \
	{                 \
		true, (n) \
	}

static char dir[40];
static int root = -EBADF;
static struct cgroup_ctx cg;

static void put(const char *path, const char *text)
{
	struct error err;

	CU_ASSERT_EQUAL(fs_write_atomic(root, path, text, strlen(text), 0600, FS_NOSYNC, &err), 0);
}

static void set_up(bool v2, const char *controllers)
{
	static const char *const trees[] = { "memory", "cpu", "pids", "devices", "blkio" };
	struct error err;

	(void)snprintf(dir, sizeof(dir), "/tmp/podium-direct-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v2)
		put("cgroup.controllers", controllers);
	for (size_t i = 0; !v2 && i < ARRAY_SIZE(trees); i++) {
		char path[64];

		if (!strstr(controllers, trees[i]))
			continue;
		CU_ASSERT_EQUAL(mkdirat(root, trees[i], 0700), 0);
		(void)snprintf(path, sizeof(path), "%s/tasks", trees[i]);
		put(path, "");
	}
	CU_ASSERT_EQUAL(setenv("PODIUM_CGROUP_ROOT", dir, 1), 0);
	CU_ASSERT_EQUAL_FATAL(cgroup_open(&cg, &err), 0);
	CU_ASSERT_EQUAL(cg.layout, v2 ? CGROUP_V2 : CGROUP_V1);
	CU_ASSERT_EQUAL(cgroup_create_pod(&cg, POD, NULL, NULL, &err), 0);
}

static void tear_down(void)
{
	struct error err;

	cgroup_close(&cg);
	(void)close(root);
	CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, dir, &err), 0);
	(void)unsetenv("PODIUM_CGROUP_ROOT");
}

static int create(const struct resources *r)
{
	struct strlist warnings = { 0 };
	struct error err = { 0 };
	int res = cgroup_create_container(&cg, POD, CTR, r, true, &warnings, &err);

	CU_ASSERT_EQUAL(warnings.n, 0);
	strlist_done(&warnings);
	CU_ASSERT(res == 0 || err.text[0]);
	if (res < 0)
		printf("%s\n", err.text);
	return res;
}

static void check(const char *tree, const char *file, const char *want)
{
	char path[512];
	char *text = NULL;
	struct error err;

	(void)snprintf(path, sizeof(path), "%s/podium/" POD "/" CTR "/%s", tree, file);
	if (fs_read_file(root, path, 4096, &text, NULL, &err) < 0) {
		CU_FAIL("file is missing");
		printf("%s\n", path);
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	CU_ASSERT_STRING_EQUAL(text, want);
	free(text);
}

static void test_v2(void)
{
	struct resources r = { .cpu_shares = SET(2),
			       .cpu_period_us = SET(50000),
			       .cpu_quota_us = SET(25000),
			       .memory_limit_bytes = SET(64 << 20),
			       .memory_swap_bytes = SET(96 << 20),
			       .blkio_weight = SET(1000) };

	set_up(true, "cpu io memory pids");
	CU_ASSERT_EQUAL(create(&r), 0);
	check(".", "cpu.weight", "1");
	check(".", "cpu.max", "25000 50000");
	check(".", "memory.swap.max", "33554432");
	check(".", "io.bfq.weight", "1000");
	r.cpu_shares = SET(262144);
	r.cpu_quota_us = SET(-1);
	r.memory_swap_bytes = SET(-1);
	CU_ASSERT_EQUAL(create(&r), 0);
	check(".", "cpu.weight", "10000");
	check(".", "cpu.max", "max 50000");
	check(".", "memory.swap.max", "max");
	tear_down();
}

/* CG-4: what is not there is no silence. */
static void test_v2_refused(void)
{
	const struct resources swappiness = { .memory_swappiness = SET(1) };
	const struct resources oom = { .oom_kill_disable = true };

	set_up(true, "cpu io memory pids");
	CU_ASSERT_EQUAL(create(&swappiness), -ENOTSUP);
	CU_ASSERT_EQUAL(create(&oom), -ENOTSUP);
	tear_down();
}

static void test_v1(void)
{
	struct resources r = { .cpu_shares = SET(512),
			       .cpu_quota_us = SET(25000),
			       .memory_limit_bytes = SET(64 << 20),
			       .memory_swap_bytes = SET(96 << 20),
			       .memory_swappiness = SET(7),
			       .oom_kill_disable = true,
			       .blkio_weight = SET(300) };

	set_up(false, "memory cpu pids devices blkio");
	CU_ASSERT_EQUAL(create(&r), 0);
	check("cpu", "cpu.shares", "512");
	check("cpu", "cpu.cfs_quota_us", "25000");
	check("memory", "memory.limit_in_bytes", "67108864");
	check("memory", "memory.memsw.limit_in_bytes", "100663296");
	check("memory", "memory.swappiness", "7");
	check("memory", "memory.oom_control", "1");
	check("blkio", "blkio.weight", "300");
	tear_down();
}

/* A limit of swap that follows from --memory is left out where it cannot be had; one that was asked
 * for is not. */
static void test_assumed_swap(void)
{
	struct resources r = { .memory_swap_bytes = SET(96 << 20), .memory_swap_assumed = true };

	set_up(false, "pids devices");
	CU_ASSERT_EQUAL(create(&r), 0);
	r.memory_swap_assumed = false;
	CU_ASSERT_EQUAL(create(&r), -ENOENT);
	tear_down();
}

static void test_refused(void)
{
	static const char *const bad[] = { "read-bps:/dev/null:1", "read-bps:/nowhere:1",
					   "read-what:/dev/sda:1", "read-bps:/dev/sda",
					   "read-bps:/dev/sda:-1", "read-bps::1" };
	const struct resources shares = { .cpu_shares = SET(512) };
	const struct resources weight = { .blkio_weight = SET(300) };

	set_up(false, "memory pids devices blkio");
	CU_ASSERT_EQUAL(create(&shares), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct resources r = { 0 };

		strlist_add(&r.blkio_devices, bad[i]);
		CU_ASSERT(create(&r) < 0);
		strlist_done(&r.blkio_devices);
	}
	tear_down();
	set_up(false, "memory cpu pids devices");
	CU_ASSERT_EQUAL(create(&weight), -ENOENT);
	tear_down();
}

static CU_TestInfo tests[] = {
	{ "v2", test_v2 },
	{ "CG-4 not with v2", test_v2_refused },
	{ "v1", test_v1 },
	{ "CG-4 refused", test_refused },
	{ "swap by default", test_assumed_swap },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "cgroup direct", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
