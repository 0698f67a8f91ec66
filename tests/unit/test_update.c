/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update - which limits a container has after some of them were changed.
 */
#include <CUnit/Basic.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/pod/update.h"
#include "tests/support/cunit_main.h"

static struct opt_i64 is(int64_t value)
{
	return (struct opt_i64){ true, value };
}

/* What is not asked for stays, what is asked for is replaced. */
static void test_replaced(void)
{
	struct container_spec c = { .resources = { .memory_limit_bytes = is(1 << 20),
						   .pids_limit = is(100),
						   .cpuset_cpus = xstrdup("0-3") } };
	struct resources *r = &c.resources;
	struct resources change = { .memory_limit_bytes = is(2 << 20),
				    .memory_swap_bytes = is(-1),
				    .cpu_shares = is(512),
				    .cpuset_cpus = (char *)(uintptr_t) "1" };

	resources_merge(r, &change);
	CU_ASSERT_EQUAL(r->memory_limit_bytes.value, 2 << 20);
	CU_ASSERT_TRUE(r->memory_swap_bytes.set && r->memory_swap_bytes.value == -1);
	CU_ASSERT_EQUAL(r->pids_limit.value, 100);
	CU_ASSERT_EQUAL(r->cpu_shares.value, 512);
	CU_ASSERT_FALSE(r->cpu_limit_milli.set);
	CU_ASSERT_STRING_EQUAL(r->cpuset_cpus, "1");
	change = (struct resources){ .cpuset_mems = NULL };
	resources_merge(r, &change);
	CU_ASSERT_EQUAL(r->memory_limit_bytes.value, 2 << 20);
	CU_ASSERT_STRING_EQUAL(r->cpuset_cpus, "1");
	record_done(&container_spec_type, &c);
}

/* Two ways to say the same: the later one wins, and they never stand side by side. */
static void test_cpus(void)
{
	struct resources r = { .cpu_quota_us = is(20000), .cpu_period_us = is(100000) };
	struct resources cpus = { .cpu_limit_milli = is(1500) };
	struct resources quota = { .cpu_quota_us = is(30000) };

	resources_merge(&r, &cpus);
	CU_ASSERT_EQUAL(r.cpu_limit_milli.value, 1500);
	CU_ASSERT_FALSE(r.cpu_quota_us.set || r.cpu_period_us.set);
	resources_merge(&r, &quota);
	CU_ASSERT_EQUAL(r.cpu_quota_us.value, 30000);
	CU_ASSERT_FALSE(r.cpu_limit_milli.set);
}

static void test_devices(void)
{
	struct container_spec c = { 0 };
	struct container_spec change = { 0 };

	strlist_add(&c.resources.blkio_devices, "read-bps:/dev/sda:1");
	strlist_add(&change.resources.blkio_devices, "write-bps:/dev/sda:2");
	resources_merge(&c.resources, &change.resources);
	CU_ASSERT_EQUAL(c.resources.blkio_devices.n, 2);
	CU_ASSERT_TRUE(strlist_has(&c.resources.blkio_devices, "write-bps:/dev/sda:2"));
	record_done(&container_spec_type, &c);
	record_done(&container_spec_type, &change);
}

static CU_TestInfo tests[] = {
	{ "what is asked for", test_replaced },
	{ "cpus and quota", test_cpus },
	{ "devices", test_devices },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "update", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
