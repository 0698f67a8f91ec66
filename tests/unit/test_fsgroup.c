/* SPDX-License-Identifier: Apache-2.0 */
/* test_fsgroup - the walk that gives a volume to a group: modes, links, mounts, depth. As root. */
#include "engine/process/fsgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define GROUP 4242
#define DEEP  500

struct fixture {
	char *path;    /* temporary directory */
	char *volume;  /* in it */
	char *outside; /* beside it */
	struct error err;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	f->volume = xasprintf("%s/volume", f->path);
	f->outside = xasprintf("%s/outside", f->path);
	CU_ASSERT_EQUAL(mkdir(f->volume, 0755), 0);
	canary_make(f->outside);
}

static void teardown(struct fixture *f)
{
	free(f->volume);
	free(f->outside);
	temp_remove(f->path);
}

static int apply(struct fixture *f, bool on_mismatch)
{
	cleanup_close int fd = open(f->volume, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fsgroup_apply(fd, GROUP, on_mismatch, &f->err);
}

/* "mode gid" of something in the volume. */
static bool is_at(const struct fixture *f, const char *name, mode_t mode, gid_t gid)
{
	cleanup_free char *path = xasprintf("%s/%s", f->volume, name);
	struct stat st;
	bool is_so = lstat(path, &st) == 0 && (st.st_mode & 07777) == mode && st.st_gid == gid;

	if (!is_so)
		printf("\n%s: %o %u", name, st.st_mode, st.st_gid);
	return is_so;
}

static void test_modes(void)
{
	struct fixture f;
	cleanup_free char *inside = NULL;

	setup(&f);
	inside = xasprintf("%s/c", f.volume);
	canary_make(inside); /* file 0640, setuid 04755, link, sub 0700, sub/deep 0600, fifo 0600 */
	CU_ASSERT_EQUAL(apply(&f, false), 0);
	CU_ASSERT(is_at(&f, ".", 02775, GROUP));
	CU_ASSERT(is_at(&f, "c", 02775, GROUP));
	CU_ASSERT(is_at(&f, "c/file", 0660, GROUP));
	CU_ASSERT(is_at(&f, "c/sub", 02770, GROUP));
	CU_ASSERT(is_at(&f, "c/sub/deep", 0660, GROUP));
	CU_ASSERT(is_at(&f, "c/fifo", 0660, GROUP));
	CU_ASSERT(is_at(&f, "c/link", 0777, GROUP));
	teardown(&f);
}

static void test_on_mismatch(void)
{
	struct fixture f;
	cleanup_free char *file = NULL;
	int fd;

	setup(&f);
	file = xasprintf("%s/file", f.volume);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)close(fd);
	CU_ASSERT_EQUAL(apply(&f, true), 0);
	CU_ASSERT(is_at(&f, "file", 0660, GROUP));
	CU_ASSERT_EQUAL(chmod(file, 0600), 0);
	CU_ASSERT_EQUAL(apply(&f, true), 0); /* the top is right */
	CU_ASSERT(is_at(&f, "file", 0600, GROUP));
	CU_ASSERT_EQUAL(chmod(f.volume, 0755), 0); /* no setgid: it is not */
	CU_ASSERT_EQUAL(apply(&f, true), 0);
	CU_ASSERT(is_at(&f, "file", 0660, GROUP));
	teardown(&f);
}

static void test_deep(void)
{
	struct fixture f;
	struct error err;
	cleanup_free char *path = xcalloc(1, 2 * DEEP + 8);
	size_t n = 0;
	int fd;

	setup(&f);
	fd = open(f.volume, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEEP; i++) {
		path[n++] = 'd';
		path[n++] = '/';
	}
	path[n - 1] = '\0';
	(void)close(fs_mkdirs(fd, path, 0700, &err));
	(void)close(fd);
	CU_ASSERT_EQUAL(apply(&f, false), 0);
	CU_ASSERT(is_at(&f, path, 02770, GROUP));
	teardown(&f);
}

/* VOL-3: links out, and a mount. In a child with mounts of its own. */
static bool is_weak;
static int walk_among_traps(void *arg)
{
	struct fixture *f = arg;
	cleanup_free char *link = xasprintf("%s/link", f->volume);
	cleanup_free char *up = xasprintf("%s/up", f->volume);
	cleanup_free char *file = xasprintf("%s/file", f->volume);
	cleanup_free char *target = xasprintf("%s/file", f->outside);
	cleanup_free char *mounted = xasprintf("%s/mounted", f->volume);
	struct stat before, after;

	if (symlink(f->outside, link) < 0 || symlink("../outside", up) < 0 ||
	    symlink(target, file) < 0 || mkdir(mounted, 0755) < 0)
		return 1;
	if (!child_own_mounts() || mount("tmpfs", mounted, "tmpfs", 0, "mode=755") < 0)
		return 2;
	if (stat(mounted, &before) < 0 || apply(f, false) < 0 || stat(mounted, &after) < 0)
		return 3;
	if (!is_weak && (before.st_mode != after.st_mode || before.st_gid != after.st_gid))
		return 4;
	return is_at(f, "link", 0777, GROUP) ? 0 : 5;
}

static bool is_safe_from_traps(void)
{
	struct fixture f;
	char *before, *after;
	bool is_same;
	int r;

	setup(&f);
	before = canary_record(f.outside);
	r = child_run(walk_among_traps, &f);
	if (r == 2)
		TEST_SKIP("no mount namespaces");
	else
		CU_ASSERT_EQUAL(r, 0);
	after = canary_record(f.outside);
	is_same = strcmp(before, after) == 0;
	free(before);
	free(after);
	teardown(&f);
	return is_same;
}

static void test_traps(void)
{
	CU_ASSERT_TRUE(is_safe_from_traps());
	(void)setenv("PODIUM_WEAKEN", "VOL-3", 1);
	is_weak = true;
	CU_ASSERT_FALSE(is_safe_from_traps());
	(void)unsetenv("PODIUM_WEAKEN");
}

/* A directory below `depth` others with names as long as can be; -1: not made. */
static int make_deep(const char *top, int depth)
{
	char name[241];
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; fd >= 0 && i < depth; i++) {
		int next = mkdirat(fd, name, 0755) < 0
				   ? -1
				   : openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		(void)close(fd);
		fd = next;
	}
	return fd;
}

/* Directories without number, each with a path of 3800 bytes: a container's way to the host's
 * memory. On a tmpfs, in a child with mounts of its own. */
static int walk_a_crowd(void *arg)
{
	struct fixture *f = arg;
	cleanup_close int fd = -EBADF;

	if (!child_own_mounts() || mount("tmpfs", f->volume, "tmpfs", 0, "mode=755") < 0)
		return 2;
	fd = make_deep(f->volume, 15);
	for (int i = 0; i < 36000; i++) {
		char name[128];

		(void)snprintf(name, sizeof(name), "%0100d", i);
		if (mkdirat(fd, name, 0755) < 0)
			return 3;
	}
	if (apply(f, false) != -E2BIG || !strstr(f->err.text, "too many directories at './ddd"))
		return 4;
	(void)setenv("PODIUM_WEAKEN", "VOL-3", 1);
	return apply(f, false) == 0 ? 0 : 5;
}

static void test_crowd(void)
{
	struct fixture f;
	int r;

	setup(&f);
	r = child_run(walk_a_crowd, &f);
	if (r == 2)
		TEST_SKIP("no mount namespaces");
	else
		CU_ASSERT_EQUAL(r, 0);
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "modes", test_modes },   { "on root mismatch", test_on_mismatch },
	{ "deep", test_deep },	   { "VOL-3: links and mounts", test_traps },
	{ "a crowd", test_crowd }, CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "fsgroup", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
