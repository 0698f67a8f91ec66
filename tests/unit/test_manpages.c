/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manpages - docs/man is what the tables of commands say.
 *
 * Theory of operation: the pages are written into an empty directory and compared with those of
 * docs/man, both ways (PODIUM_GOLDEN=1 writes the latter anew).
 */
#include <CUnit/CUnit.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/podium/base/manpage.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

#define PAGES "docs/man"

/* "" when there is none. */
static char *read_page(const char *directory, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", directory, name);
	char *text = NULL;
	struct error scratch;

	return fs_read_file(AT_FDCWD, path, MANPAGE_MAX_BYTES, &text, NULL, &scratch) < 0
		       ? xstrdup("")
		       : text;
}

/* Each page of a is in b, and the same. */
static void check_pages(const char *a, const char *b)
{
	cleanup_dir DIR *d = opendir(a);
	const struct dirent *e;
	size_t n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	while ((e = readdir(d))) {
		cleanup_free char *one = NULL, *other = NULL;

		if (e->d_name[0] == '.')
			continue;
		n++;
		one = read_page(a, e->d_name);
		other = read_page(b, e->d_name);
		if (strcmp(one, other) == 0)
			continue;
		printf("%s: " PAGES " is not what the tables say. Look at what has changed:\n"
		       "PODIUM_GOLDEN=1 make check-unit T=manpages && git diff " PAGES "\n",
		       e->d_name);
		CU_FAIL("page");
	}
	CU_ASSERT(n > 50);
}

static void test_pages(void)
{
	char dir[] = "/tmp/podium-man-XXXXXX";
	struct error err;

	if (getenv("PODIUM_GOLDEN")) {
		CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, PAGES, &err), 0);
		CU_ASSERT_EQUAL(mkdir(PAGES, 0755), 0);
		CU_ASSERT_EQUAL(manpages_write(PAGES, &err), 0);
		return;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_EQUAL(manpages_write(dir, &err), 0);
	check_pages(dir, PAGES);
	check_pages(PAGES, dir);
	CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, dir, &err), 0);
}

static CU_TestInfo tests[] = {
	{ "docs/man", test_pages },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "manpages", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
