/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end - a container is ended by a command while another one removes it.
 */
#include <CUnit/Basic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/pod/run.h"
#include "tests/support/cunit_main.h"
#include "tests/support/fakestore.h"

#define WHILE_IT_WAITS_US 200000

static struct fakestore f;
static char ids[3][65];

static int begin(void)
{
	if (!fakestore_init(&f))
		return 1;
	fakestore_add_pod(&f, "web", (const char *const[]){ "app", NULL }, 0, ids);
	return 0;
}

static int end(void)
{
	fakestore_done(&f);
	return 0;
}

static void test_untouched(void)
{
	struct error err;

	CU_ASSERT_EQUAL(run_end_container(&f.store, ids[2], &err), 0);
	CU_ASSERT_EQUAL(run_end_container(&f.store, "0123", &err), 0);
}

/* The other command holds the lock, takes the directory away, and lets go. */
static void test_removed_meanwhile(void)
{
	char dir[LAYOUT_PATH_MAX], path[LAYOUT_PATH_MAX];
	struct error err = { .text = "" };
	int status = -1;
	int lock = fakestore_lock(&f, layout_container(path, ids[2], MONITOR_LOCK));
	pid_t pid = fork();

	if (pid == 0) {
		(void)usleep(WHILE_IT_WAITS_US);
		_exit(fs_remove_tree(f.store.rootfd, layout_container(dir, ids[2], NULL), &err) <
		      0);
	}
	(void)close(lock); /* the child's copy holds it until it ends */
	CU_ASSERT_EQUAL(run_end_container(&f.store, ids[2], &err), 0);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_STRING_EQUAL(err.text, "");
}

static CU_TestInfo end_tests[] = {
	{ "one that never ran, one that is not there", test_untouched },
	{ "one that is removed meanwhile", test_removed_meanwhile },
	CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
	{ "end", begin, end, NULL, NULL, end_tests },
	CU_SUITE_INFO_NULL,
};

TEST_MAIN(suites)
