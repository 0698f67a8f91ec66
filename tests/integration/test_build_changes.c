/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_changes - what is copied changes while the build looks at it: the cache learns nothing wrong.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/integration/harness.h"
#include "tests/support/fakeregistry.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

static void answer(struct fakeregistry *f, const char *body, int times)
{
	fakeregistry_answer(f, &(struct fake_answer){ .path = "/x", .body = body, .times = times });
}

/* The address says "old" for the key, then "new" for the copy; later it says "old" again. */
static void test_address(void)
{
	struct fakeregistry *f = fakeregistry_new(FAKE_PLAIN, NULL);
	cleanup_result struct result first = { 0 };
	cleanup_result struct result second = { 0 };
	cleanup_result struct result weak = { 0 };

	if (!CHECK(f != NULL, "no server"))
		return;
	write_file("ctx/Containerfile", "FROM busybox\nADD http://%s/x /x\n", fakeregistry_name(f));
	answer(f, "new", 0);
	answer(f, "old", 1); /* looked at first */
	first = podium("build --network none -t a %s/ctx", harness.work);
	CHECK_CODE(first, 0);
	answer(f, "old", 0);
	second = podium("build --network none -t a %s/ctx", harness.work);
	CHECK_CODE(second, 0);
	CHECK(!strstr(second.out, "Using cache"), "new content under the old one's key");
	/* now nothing changes */
	weak = podium("build --network none -t a %s/ctx", harness.work);
	CHECK(strstr(weak.out, "Using cache") != NULL, "nothing was learnt");
	fakeregistry_free(f);
}

static CU_TestInfo tests[] = {
	{ "an address that changes", test_address },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "build_changes", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

TEST_MAIN(suites)
