/* SPDX-License-Identifier: Apache-2.0 */
/* test_changes - what a layer changes: added, changed, deleted, hidden; links are not followed. */
#include "engine/rootfs/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

static char dir[64];
static int top, lower;

static int open_sub(const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);

	(void)mkdir(path, 0755);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void set_up(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/changes-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	top = open_sub("top");
	lower = open_sub("lower");
}

static void tear_down(void)
{
	struct error err;

	(void)close(top);
	(void)close(lower);
	CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, dir, &err), 0);
}

static void put_file(int at, const char *name)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	(void)close(fd);
}

static void put_dir(int at, const char *name)
{
	CU_ASSERT_EQUAL_FATAL(mkdirat(at, name, 0755), 0);
}

static void mark(int at, const char *name, const char *attribute, const char *value)
{
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC);

	CU_ASSERT_EQUAL(fsetxattr(fd, attribute, value, strlen(value), 0), 0);
	(void)close(fd);
}

/* Whether a kind has exactly these paths, in order, joined by blanks. */
static void check(const struct changes *c, enum change_kind kind, const char *want)
{
	cleanup_buf struct buf b = BUF_INIT(4096);

	for (size_t i = 0; i < c->paths[kind].n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", c->paths[kind].v[i]);
	if (strcmp(b.data ? b.data : "", want) != 0)
		printf("kind %d: '%s' not '%s'\n", (int)kind, b.data ? b.data : "", want);
	CU_ASSERT_STRING_EQUAL(b.data ? b.data : "", want);
}

static void test_kinds(void)
{
	struct changes c;
	struct error err;

	set_up();
	put_dir(lower, "d");
	put_file(lower, "d/same");
	put_file(lower, "d/gone");
	put_file(lower, "d/gone2");
	put_file(lower, "touched");
	put_dir(top, "d");
	put_file(top, "d/new");
	put_file(top, "touched");
	put_dir(top, "n");
	put_file(top, "n/x");
	CU_ASSERT_EQUAL_FATAL(mknodat(top, "d/gone", S_IFCHR, makedev(0, 0)), 0);
	put_file(top, "d/gone2");
	mark(top, "d/gone2", "user.overlay.whiteout", "y");
	/* hides nothing */
	CU_ASSERT_EQUAL_FATAL(mknodat(top, "d/never", S_IFCHR, makedev(0, 0)), 0);
	CU_ASSERT_EQUAL_FATAL(changes_find(top, lower, &c, &err), 0);
	check(&c, CHANGE_CHANGED, "/d /touched");
	check(&c, CHANGE_ADDED, "/d/new /n /n/x");
	check(&c, CHANGE_DELETED, "/d/gone /d/gone2");
	changes_done(&c);
	/* on nothing, everything is new */
	CU_ASSERT_EQUAL_FATAL(changes_find(top, -1, &c, &err), 0);
	check(&c, CHANGE_CHANGED, "");
	check(&c, CHANGE_ADDED, "/d /d/new /n /n/x /touched");
	check(&c, CHANGE_DELETED, "");
	changes_done(&c);
	tear_down();
}

static void test_opaque(void)
{
	struct changes c;
	struct error err;

	set_up();
	put_dir(lower, "d");
	put_file(lower, "d/a");
	put_dir(lower, "d/sub");
	put_file(lower, "d/again");
	put_dir(top, "d");
	put_file(top, "d/again");
	mark(top, "d", "user.overlay.opaque", "y");
	CU_ASSERT_EQUAL_FATAL(changes_find(top, lower, &c, &err), 0);
	check(&c, CHANGE_CHANGED, "/d /d/again");
	check(&c, CHANGE_ADDED, "");
	check(&c, CHANGE_DELETED, "/d/a /d/sub");
	changes_done(&c);
	/* "x" only says that there are whiteouts inside */
	mark(top, "d", "user.overlay.opaque", "x");
	CU_ASSERT_EQUAL_FATAL(changes_find(top, lower, &c, &err), 0);
	check(&c, CHANGE_DELETED, "");
	changes_done(&c);
	tear_down();
}

/* A link below that leads out must not be looked through. */
static void test_links(void)
{
	struct changes c;
	struct error err;

	set_up();
	CU_ASSERT_EQUAL_FATAL(symlinkat("/etc", lower, "etc"), 0);
	put_dir(top, "etc");
	put_file(top, "etc/passwd");
	CU_ASSERT_EQUAL_FATAL(symlinkat("/etc", top, "link"), 0);
	CU_ASSERT_EQUAL_FATAL(changes_find(top, lower, &c, &err), 0);
	check(&c, CHANGE_CHANGED, "/etc");
	check(&c, CHANGE_ADDED, "/etc/passwd /link");
	changes_done(&c);
	tear_down();
}

static void test_depth(void)
{
	struct changes c;
	struct error err;
	int at;

	set_up();
	at = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 300; i++) {
		int next;

		put_dir(at, "d");
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = next;
	}
	(void)close(at);
	CU_ASSERT_EQUAL(changes_find(top, -1, &c, &err), -EFBIG);
	tear_down();
}

static CU_TestInfo tests[] = {
	{ "kinds", test_kinds },
	{ "opaque directories", test_opaque },
	{ "links", test_links },
	{ "depth", test_depth },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ .pName = "changes", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
