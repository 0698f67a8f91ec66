/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_layout - opening a store: what is made, what is trusted, what is left as it was.
 */
#include "engine/state/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/str.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct fixture {
	char *path, *root, *run;
	struct store s;
	struct error err;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	f->root = xasprintf("%s/a/root", f->path);
	f->run = xasprintf("%s/run", f->path);
	f->s.rootfd = f->s.runfd = -EBADF;
}

static void teardown(struct fixture *f)
{
	store_close(&f->s);
	free(f->root);
	free(f->run);
	temp_remove(f->path);
}

static int open_store(struct fixture *f, enum store_mode mode)
{
	store_close(&f->s);
	f->err.code = 0;
	return store_open(f->root, f->run, mode, &f->s, &f->err);
}

static int mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? -1 : (int)(st.st_mode & 07777);
}

/* Every directory below path is 0700, every file 0600; but for what containers see as /etc, behind a
 * directory that is closed. */
static bool is_closed_to_others(const char *path)
{
	cleanup_dir DIR *d = opendir(path);
	const struct dirent *e;
	bool closed = mode_of(path) == (is_suffix(path, "/etclayer/etc") ? 0755 : 0700);

	while (d && closed && (e = readdir(d))) {
		cleanup_free char *sub = xasprintf("%s/%s", path, e->d_name);

		if (e->d_name[0] == '.')
			continue;
		closed = e->d_type == DT_DIR ? is_closed_to_others(sub) : mode_of(sub) == 0600;
	}
	return closed;
}

static void test_make(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL_FATAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_STRING_EQUAL(f.s.root, f.root);
	CU_ASSERT_STRING_EQUAL(f.s.runroot, f.run);
	CU_ASSERT_EQUAL(fcntl(f.s.rootfd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(fcntl(f.s.runfd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_TRUE(is_closed_to_others(f.root));
	CU_ASSERT_TRUE(is_closed_to_others(f.run));
	CU_ASSERT_EQUAL(faccessat(f.s.rootfd, "names", F_OK, 0), 0);
	CU_ASSERT_EQUAL(faccessat(f.s.runfd, "locks", F_OK, 0), 0);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_EQUAL(open_store(&f, STORE_READ), 0);
	CU_ASSERT_TRUE(f.s.rootfd >= 0 && f.s.runfd >= 0);
	CU_ASSERT_EQUAL(f.err.code, 0);
	/* What a crash or a curious person took away comes back. */
	CU_ASSERT_EQUAL(unlinkat(f.s.runfd, "locks", AT_REMOVEDIR), 0);
	CU_ASSERT_EQUAL(unlinkat(f.s.rootfd, "names", AT_REMOVEDIR), 0);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_EQUAL(faccessat(f.s.rootfd, "names", F_OK, 0), 0);
	teardown(&f);
}

/* The umask of whoever calls does not open the store. */
static int make_without_umask(void *arg)
{
	struct fixture *f = arg;

	(void)umask(0);
	if (open_store(f, STORE_WRITE) < 0)
		return 1;
	return is_closed_to_others(f->root) && is_closed_to_others(f->run) ? 0 : 2;
}

/* Nor does one that takes everything away close it to its owner: programs begin so. */
static int make_with_full_umask(void *arg)
{
	struct fixture *f = arg;

	(void)umask(0777);
	proc_sanitise();
	if (open_store(f, STORE_WRITE) < 0)
		return 1;
	return is_closed_to_others(f->root) && is_closed_to_others(f->run) ? 0 : 2;
}

static void test_umask(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(child_run(make_without_umask, &f), 0);
	teardown(&f);
	setup(&f);
	CU_ASSERT_EQUAL(child_run(make_with_full_umask, &f), 0);
	teardown(&f);
}

static void test_reading_makes_nothing(void)
{
	struct fixture f;
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;

	setup(&f);
	before = canary_record(f.path);
	CU_ASSERT_EQUAL(open_store(&f, STORE_READ), 0);
	CU_ASSERT_EQUAL(f.err.code, 0);
	CU_ASSERT_TRUE(f.s.rootfd < 0 && f.s.runfd < 0);
	CU_ASSERT_EQUAL(layout_open_container(&f.s, ID, &f.err), -EBADF);
	after = canary_record(f.path);
	CU_ASSERT_STRING_EQUAL(before, after);
	/* One of the two is there. */
	CU_ASSERT_EQUAL(mkdir(f.run, 0755), 0);
	CU_ASSERT_EQUAL(open_store(&f, STORE_READ), 0);
	CU_ASSERT_TRUE(f.s.rootfd < 0 && f.s.runfd >= 0);
	CU_ASSERT_EQUAL(mode_of(f.run), 0755);
	teardown(&f);
}

/* ---- trust ------------------------------------------------------------------------------ */

static void check_refused(struct fixture *f, int expect, const char *why)
{
	CU_ASSERT_EQUAL(open_store(f, STORE_WRITE), expect);
	if (!strstr(f->err.text, why))
		printf("'%s' is not in: %s\n", why, f->err.text);
	CU_ASSERT_PTR_NOT_NULL(strstr(f->err.text, why));
}

static void test_foreign_owner(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_EQUAL(chown(f.run, NOBODY_ID, NOBODY_ID), 0);
	check_refused(&f, -EPERM, "belongs to another user (uid 65534)");
	CU_ASSERT_EQUAL(open_store(&f, STORE_READ), -EPERM);
	CU_ASSERT_EQUAL(chown(f.run, 0, 0), 0);
	CU_ASSERT_EQUAL(chown(f.root, NOBODY_ID, NOBODY_ID), 0);
	check_refused(&f, -EPERM, f.root);
	teardown(&f);
}

static void test_writable_by_others(void)
{
	static const mode_t modes[] = { 0777, 01777, 0770, 0702, 0720 };
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(mkdir(f.run, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		CU_ASSERT_EQUAL(chmod(f.run, modes[i]), 0);
		check_refused(&f, -EPERM, "can be written by others");
		CU_ASSERT_EQUAL(mode_of(f.run), (int)modes[i]);
		CU_ASSERT_EQUAL(open_store(&f, STORE_READ), -EPERM);
	}
	teardown(&f);
}

/* Empty or ours: closed to others. Anything else that others can read is not for us to close. */
static void test_readable_by_others(void)
{
	struct fixture f;
	cleanup_free char *strange = NULL;

	setup(&f);
	CU_ASSERT_EQUAL(mkdir(f.run, 0755), 0);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_EQUAL(mode_of(f.run), 0700);
	CU_ASSERT_EQUAL(chmod(f.root, 0755), 0);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_EQUAL(mode_of(f.root), 0700);
	/* Somebody's home. */
	free(f.run);
	f.run = xasprintf("%s/home", f.path);
	CU_ASSERT_EQUAL(mkdir(f.run, 0755), 0);
	strange = xasprintf("%s/.profile", f.run);
	CU_ASSERT_EQUAL(mkdir(strange, 0755), 0);
	check_refused(&f, -EPERM, "holds what is not podium's");
	CU_ASSERT_EQUAL(mode_of(f.run), 0755);
	/* A disk of its own. */
	CU_ASSERT_EQUAL(rmdir(strange), 0);
	free(strange);
	strange = xasprintf("%s/lost+found", f.run);
	CU_ASSERT_EQUAL(mkdir(strange, 0700), 0);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	teardown(&f);
}

/* In a namespace where nothing can be written, so that a mistake stays a failed test. */
static int open_the_machine(void *arg)
{
	static const char *const places[] = { "/", "/usr", "/etc", "/tmp", "/var" };
	struct fixture *f = arg;

	if (!child_own_mounts() || mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL))
		return 77;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		free(f->root);
		f->root = xstrdup(places[i]);
		if (open_store(f, STORE_WRITE) != -EPERM)
			return (int)i + 1;
	}
	return 0;
}

static void test_the_machine_stays_as_it_is(void)
{
	struct fixture f;
	int r;

	setup(&f);
	CU_ASSERT_EQUAL(mkdir(f.run, 0700), 0);
	r = child_run(open_the_machine, &f);
	if (r == 77)
		TEST_SKIP("no mount namespace");
	else
		CU_ASSERT_EQUAL(r, 0);
	teardown(&f);
}

static void test_strange_things_inside(void)
{
	struct fixture f;
	cleanup_free char *names = NULL;

	setup(&f);
	names = xasprintf("%s/names", f.root);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_EQUAL(unlinkat(f.s.rootfd, "version", 0), 0);
	CU_ASSERT_EQUAL(rmdir(names), 0);
	CU_ASSERT_EQUAL(symlink("/etc", names), 0);
	check_refused(&f, -EPERM, "'names' in the store");
	CU_ASSERT_EQUAL(unlink(names), 0);
	CU_ASSERT_EQUAL(mkdir(names, 0700), 0);
	CU_ASSERT_EQUAL(chmod(names, 0777), 0);
	check_refused(&f, -EPERM, "'names' in the store");
	CU_ASSERT_EQUAL(chmod(names, 0700), 0);
	CU_ASSERT_EQUAL(chown(names, NOBODY_ID, NOBODY_ID), 0);
	check_refused(&f, -EPERM, "'names' in the store");
	CU_ASSERT_EQUAL(chown(names, 0, 0), 0);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	teardown(&f);
}

/* LAY-3 without its checks: everything that the tests above refuse is taken. */
static void test_twin(void)
{
	struct fixture f;
	cleanup_free char *names = NULL;

	setup(&f);
	names = xasprintf("%s/names", f.root);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_EQUAL(rmdir(names), 0);
	CU_ASSERT_EQUAL(symlink("/etc", names), 0);
	CU_ASSERT_EQUAL(chmod(f.run, 0777), 0);
	CU_ASSERT_EQUAL(chown(f.root, NOBODY_ID, NOBODY_ID), 0);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), -EPERM);
	(void)setenv("PODIUM_WEAKEN", "LAY-3", 1);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_EQUAL(mode_of(f.run), 0777);
	(void)unsetenv("PODIUM_WEAKEN");
	teardown(&f);
}

static void test_no_directory(void)
{
	struct fixture f;

	setup(&f);
	free(f.root);
	f.root = xasprintf("%s/file", f.path);
	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, f.root, "", 0, 0600, FS_NOSYNC, &f.err), 0);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), -ENOTDIR);
	CU_ASSERT_EQUAL(open_store(&f, STORE_READ), -ENOTDIR);
	teardown(&f);
}

/* ---- versions --------------------------------------------------------------------------- */

static void put_version(struct fixture *f, const char *text)
{
	cleanup_free char *path = xasprintf("%s/version", f->root);

	CU_ASSERT_EQUAL(
		fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0600, FS_NOSYNC, &f->err), 0);
}

static void test_versions(void)
{
	static const char *const corrupt[] = { "", "\n", "one\n", "-1\n", " 1\n", "1 \n", "0x1" };
	struct fixture f;
	cleanup_free char *text = NULL;

	setup(&f);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_EQUAL(fs_read_file(f.s.rootfd, "version", 64, &text, NULL, &f.err), 0);
	CU_ASSERT_STRING_EQUAL(text, "1\n");
	put_version(&f, "2\n");
	check_refused(&f, -EPROTO, "layout 2");
	CU_ASSERT_EQUAL(open_store(&f, STORE_READ), 0); /* looking is allowed */
	for (size_t i = 0; i < ARRAY_SIZE(corrupt); i++) {
		put_version(&f, corrupt[i]);
		check_refused(&f, -EBADMSG, "corrupt");
	}
	put_version(&f, "1");
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	teardown(&f);
}

/* ---- defaults --------------------------------------------------------------------------- */

static int open_as_nobody(void *arg)
{
	struct fixture *f = arg;
	cleanup_free char *data = xasprintf("%s/data", f->path);
	cleanup_free char *expect = xasprintf("%s/data/podium", f->path);

	(void)setenv("XDG_DATA_HOME", data, 1);
	(void)setenv("XDG_RUNTIME_DIR", "not/absolute", 1);
	(void)setenv("HOME", f->path, 1);
	if (!child_become_nobody())
		return 77;
	if (store_open(NULL, NULL, STORE_WRITE, &f->s, &f->err) < 0)
		return 1;
	if (!is_equal(f->s.root, expect) || !is_closed_to_others(expect))
		return 2;
	(void)setenv("XDG_DATA_HOME", "", 1);
	store_close(&f->s);
	if (store_open("", NULL, STORE_READ, &f->s, &f->err) < 0)
		return 3;
	return is_prefix(f->s.root, f->path) && is_suffix(f->s.root, "/.local/share/podium") &&
			       is_prefix(f->s.runroot, f->path)
		       ? 0
		       : 4;
}

static void test_defaults_of_a_user(void)
{
	struct fixture f;
	int r;

	setup(&f);
	CU_ASSERT_EQUAL(chown(f.path, NOBODY_ID, NOBODY_ID), 0);
	r = child_run(open_as_nobody, &f);
	if (r == 77)
		TEST_SKIP("cannot become nobody");
	else
		CU_ASSERT_EQUAL(r, 0);
	teardown(&f);
}

static int open_relative(void *arg)
{
	struct fixture *f = arg;

	if (chdir(f->path) < 0 || store_open("a/root", "run", STORE_WRITE, &f->s, &f->err) < 0)
		return 1;
	return is_equal(f->s.root, f->root) && is_equal(f->s.runroot, f->run) ? 0 : 2;
}

static void test_relative(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(child_run(open_relative, &f), 0);
	teardown(&f);
}

/* ---- paths ------------------------------------------------------------------------------ */

static void test_paths(void)
{
	struct fixture f;
	char buf[LAYOUT_PATH_MAX];
	int fd;

	CU_ASSERT_STRING_EQUAL(layout_pod(buf, ID, NULL), "pods/" ID);
	CU_ASSERT_STRING_EQUAL(layout_pod(buf, ID, "x"), "pods/" ID "/x");
	CU_ASSERT_STRING_EQUAL(layout_container(buf, ID, "x"), "containers/" ID "/x");
	setup(&f);
	CU_ASSERT_EQUAL(open_store(&f, STORE_WRITE), 0);
	CU_ASSERT_EQUAL(layout_open_container(&f.s, ID, &f.err), -ENOENT);
	fd = layout_run_pod(&f.s, ID, &f.err);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)close(fd);
	CU_ASSERT_EQUAL(faccessat(f.s.runfd, "pods/" ID, F_OK, 0), 0);
	fd = layout_run_container(&f.s, ID, &f.err);
	CU_ASSERT_TRUE(fd >= 0);
	(void)close(fd);
	CU_ASSERT_TRUE(is_closed_to_others(f.run));
	CU_ASSERT_EQUAL(symlinkat("/etc", f.s.rootfd, "containers/" ID), 0);
	CU_ASSERT_TRUE(layout_open_container(&f.s, ID, &f.err) < 0);
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "a store is made, closed to others", test_make },
	{ "whatever the umask", test_umask },
	{ "reading makes nothing", test_reading_makes_nothing },
	{ "another owner", test_foreign_owner },
	{ "writable by others", test_writable_by_others },
	{ "readable by others", test_readable_by_others },
	{ "the machine stays as it is", test_the_machine_stays_as_it_is },
	{ "strange things inside", test_strange_things_inside },
	{ "without the checks", test_twin },
	{ "a file in its place", test_no_directory },
	{ "versions", test_versions },
	{ "defaults of a user", test_defaults_of_a_user },
	{ "relative paths", test_relative },
	{ "paths", test_paths },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "layout", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
