/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fs - reading, replacing and resolving files by descriptor, also against links, full disks
 * and somebody who swaps directories meanwhile. Removal of trees: test_fs_remove.
 */
#include "engine/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define RACE_MS 400

struct fixture {
	char *path; /* root/ and outside/ (the canary) below it */
	int top, root;
	char *outside_before;
	struct error err;
};

static char *outside_record(const struct fixture *f)
{
	cleanup_free char *outside = xasprintf("%s/outside", f->path);

	return canary_record(outside);
}

static void setup(struct fixture *f)
{
	cleanup_free char *outside = NULL;

	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	f->top = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(mkdirat(f->top, "root", 0755), 0);
	f->root = openat(f->top, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(f->root >= 0);
	outside = xasprintf("%s/outside", f->path);
	canary_make(outside);
	f->outside_before = canary_record(outside);
}

/* Nothing outside was touched. */
static void teardown(struct fixture *f)
{
	cleanup_free char *after = outside_record(f);

	CU_ASSERT_STRING_EQUAL(after, f->outside_before);
	free(f->outside_before);
	(void)close(f->root);
	(void)close(f->top);
	temp_remove(f->path);
}

static void put(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fs_write_all(fd, text, strlen(text)), 0);
	(void)close(fd);
}

static bool holds(int dirfd, const char *name, const char *text)
{
	cleanup_free char *data = NULL;
	struct error err;

	return fs_read_file(dirfd, name, 1 << 20, &data, NULL, &err) == 0 && is_equal(data, text);
}

static bool exists(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int count_entries(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = -2;
	cleanup_dir DIR *d = fdopendir(fd);

	while (d && readdir(d))
		n++;
	return n;
}

/* ---- reading ---------------------------------------------------------------------------- */

static void test_read(void)
{
	struct fixture f;
	char *data = NULL;
	size_t len = 0;

	setup(&f);
	put(f.top, "file", "12345678");
	CU_ASSERT_EQUAL(fs_read_file(f.top, "file", 8, &data, &len, &f.err), 0);
	CU_ASSERT_EQUAL(len, 8);
	CU_ASSERT_STRING_EQUAL(data, "12345678");
	free(data);
	data = NULL;
	CU_ASSERT_EQUAL(fs_read_file(f.top, "file", 7, &data, &len, &f.err), -EFBIG);
	CU_ASSERT_PTR_NULL(data);
	CU_ASSERT_EQUAL(f.err.code, EFBIG);
	put(f.top, "empty", "");
	CU_ASSERT_EQUAL(fs_read_file(f.top, "empty", 0, &data, &len, &f.err), 0);
	CU_ASSERT_EQUAL(len, 0);
	CU_ASSERT_STRING_EQUAL(data, "");
	free(data);
	/* A file of the kernel's says that it has no bytes. */
	CU_ASSERT_EQUAL(fs_read_file(AT_FDCWD, "/proc/self/status", 65536, &data, &len, &f.err), 0);
	CU_ASSERT_TRUE(len > 500);
	CU_ASSERT_EQUAL(strlen(data), len);
	free(data);
	CU_ASSERT_EQUAL(fs_read_file(AT_FDCWD, "/proc/self/status", 20, &data, &len, &f.err),
			-EFBIG);
	teardown(&f);
}

static void test_read_only_files(void)
{
	struct fixture f;
	char *data = NULL;

	setup(&f);
	put(f.top, "file", "x");
	CU_ASSERT_EQUAL(symlinkat("file", f.top, "link"), 0);
	CU_ASSERT_EQUAL(mkfifoat(f.top, "fifo", 0600), 0);
	CU_ASSERT_EQUAL(fs_read_file(f.top, "none", 9, &data, NULL, &f.err), -ENOENT);
	CU_ASSERT_EQUAL(fs_read_file(f.top, "link", 9, &data, NULL, &f.err), -ELOOP);
	CU_ASSERT_EQUAL(fs_read_file(f.top, "fifo", 9, &data, NULL, &f.err), -EINVAL);
	CU_ASSERT_EQUAL(fs_read_file(f.top, "root", 9, &data, NULL, &f.err), -EINVAL);
	CU_ASSERT_EQUAL(fs_read_file(AT_FDCWD, "/dev/zero", 9, &data, NULL, &f.err), -EINVAL);
	CU_ASSERT_PTR_NULL(data);
	teardown(&f);
}

/* ---- replacing -------------------------------------------------------------------------- */

static void test_write_atomic(void)
{
	struct fixture f;
	struct stat st;

	setup(&f);
	CU_ASSERT_EQUAL(fs_write_atomic(f.top, "root/a", "one", 3, 0640, FS_SYNC, &f.err), 0);
	CU_ASSERT_TRUE(holds(f.top, "root/a", "one"));
	CU_ASSERT_EQUAL(fs_write_atomic(f.top, "root/a", "", 0, 0600, FS_NOSYNC, &f.err), 0);
	CU_ASSERT_TRUE(holds(f.top, "root/a", ""));
	CU_ASSERT_EQUAL(fstatat(f.top, "root/a", &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	/* A link is replaced, what it points to is not. */
	CU_ASSERT_EQUAL(symlinkat("../outside/file", f.top, "root/link"), 0);
	CU_ASSERT_EQUAL(fs_write_atomic(f.top, "root/link", "x", 1, 0600, FS_NOSYNC, &f.err), 0);
	CU_ASSERT_TRUE(holds(f.top, "root/link", "x"));
	CU_ASSERT_EQUAL(count_entries(f.top, "root"), 2);
	/* A directory cannot be replaced, and the temporary goes. */
	CU_ASSERT_EQUAL(mkdirat(f.top, "root/dir", 0700), 0);
	CU_ASSERT_EQUAL(fs_write_atomic(f.top, "root/dir", "x", 1, 0600, FS_NOSYNC, &f.err),
			-EISDIR);
	CU_ASSERT_EQUAL(fs_write_atomic(f.top, "none/a", "x", 1, 0600, FS_NOSYNC, &f.err), -ENOENT);
	CU_ASSERT_EQUAL(count_entries(f.top, "root"), 3);
	teardown(&f);
}

static int write_with_failing_write(void *arg)
{
	struct fixture *f = arg;

	(void)setenv("PODIUM_FAIL", "write:1:ENOSPC", 1);
	return -fs_write_atomic(f->top, "root/a", "newer", 5, 0600, FS_SYNC, &f->err);
}

static void test_write_fails(void)
{
	struct fixture f;

	setup(&f);
	put(f.top, "root/a", "old");
	CU_ASSERT_EQUAL(child_run(write_with_failing_write, &f), ENOSPC);
	CU_ASSERT_TRUE(holds(f.top, "root/a", "old"));
	CU_ASSERT_EQUAL(count_entries(f.top, "root"), 1);
	teardown(&f);
}

/* On a disk of 64 KiB. 0: all as it must be; 77: no mounts here. */
static int write_on_a_full_disk(void *arg)
{
	struct fixture *f = arg;
	cleanup_free char *disk = xasprintf("%s/root", f->path);
	cleanup_free char *big = xcalloc(1, 100000);
	int fd, r;

	if (!child_own_mounts() || mount("tmpfs", disk, "tmpfs", 0, "size=64k,mode=700") < 0)
		return 77;
	fd = open(disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs_write_atomic(fd, "a", "old", 3, 0600, FS_SYNC, &f->err) < 0)
		return 1;
	r = fs_write_atomic(fd, "a", big, 100000, 0600, FS_SYNC, &f->err);
	if (r != -ENOSPC || !strstr(f->err.text, "'a'") || !strstr(f->err.text, "no space left"))
		return 2;
	if (!holds(fd, "a", "old") || count_entries(fd, ".") != 1)
		return 3;
	/* and what fits is written again */
	return fs_write_atomic(fd, "a", "new", 3, 0600, FS_SYNC, &f->err) == 0 ? 0 : 4;
}

static void test_full_disk(void)
{
	struct fixture f;
	int r;

	setup(&f);
	r = child_run(write_on_a_full_disk, &f);
	if (r == 77)
		TEST_SKIP("no mount namespace");
	else
		CU_ASSERT_EQUAL(r, 0);
	teardown(&f);
}

#define CONTENT_SIZE 20000

static int write_two_contents(void *arg)
{
	struct fixture *f = arg;
	char text[CONTENT_SIZE];

	for (int i = 0; getppid() != 1; i++) {
		memset(text, i % 2 ? 'a' : 'b', sizeof(text));
		if (fs_write_atomic(f->top, "root/a", text, sizeof(text), 0600, FS_NOSYNC,
				    &f->err) < 0)
			return 1;
	}
	return 0;
}

static bool is_whole(int dirfd, const char *name)
{
	cleanup_free char *data = NULL;
	struct error err;
	size_t len = 0;

	return fs_read_file(dirfd, name, CONTENT_SIZE, &data, &len, &err) == 0 &&
	       len == CONTENT_SIZE && strspn(data, *data == 'a' ? "a" : "b") == CONTENT_SIZE;
}

/* Readers see one content or the other, also after two writers were killed in the act. */
static void test_readers_see_whole_files(void)
{
	struct fixture f;
	int64_t end = clock_mono_ms() + RACE_MS;
	pid_t one, two;
	int n = 0;

	setup(&f);
	one = child_start(write_two_contents, &f);
	while (!exists(f.top, "root/a"))
		(void)usleep(100);
	two = child_start(write_two_contents, &f);
	for (; clock_mono_ms() < end; n++)
		CU_ASSERT_TRUE_FATAL(is_whole(f.top, "root/a"));
	(void)kill(one, SIGKILL);
	(void)kill(two, SIGKILL);
	CU_ASSERT_EQUAL(child_end(one), 128 + SIGKILL);
	CU_ASSERT_EQUAL(child_end(two), 128 + SIGKILL);
	CU_ASSERT_TRUE(is_whole(f.top, "root/a"));
	CU_ASSERT_TRUE(n > 10);
	teardown(&f);
}

static void test_write_existing(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(fs_write_existing(f.top, "none", "x", &f.err), -ENOENT);
	CU_ASSERT_FALSE(exists(f.top, "none"));
	put(f.top, "file", "abc");
	CU_ASSERT_EQUAL(fs_write_existing(f.top, "file", "X", &f.err), 0);
	CU_ASSERT_TRUE(holds(f.top, "file", "Xbc"));
	CU_ASSERT_EQUAL(symlinkat("file", f.top, "link"), 0);
	CU_ASSERT_EQUAL(fs_write_existing(f.top, "link", "Y", &f.err), -ELOOP);
	/* The kernel's refusal comes through, with what was written. */
	CU_ASSERT_EQUAL(fs_write_existing(AT_FDCWD, "/proc/self/oom_score_adj", "no", &f.err),
			-EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "'no'"));
	teardown(&f);
}

static void test_write_all(void)
{
	int p[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(p, O_CLOEXEC), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	CU_ASSERT_EQUAL(fs_write_all(p[1], "", 0), 0);
	(void)close(p[0]);
	CU_ASSERT_EQUAL(fs_write_all(p[1], "x", 1), -EPIPE);
	(void)close(p[1]);
	CU_ASSERT_EQUAL(fs_write_all(-1, "x", 1), -EBADF);
	(void)signal(SIGPIPE, SIG_DFL);
}

/* ---- resolving -------------------------------------------------------------------------- */

static int fd_flags(int fd)
{
	return fd < 0 ? fd : fcntl(fd, F_GETFD);
}

/* Opens, compares with what it must be, closes. expect: -errno, or 0. */
static void check_open(int r, int expect)
{
	CU_ASSERT_EQUAL(r < 0 ? r : 0, expect);
	if (r >= 0) {
		CU_ASSERT_EQUAL(fd_flags(r), FD_CLOEXEC);
		(void)close(r);
	}
}

static void make_links(const struct fixture *f)
{
	cleanup_free char *absolute = xasprintf("%s/outside/file", f->path);

	CU_ASSERT_EQUAL(mkdirat(f->root, "dir", 0755), 0);
	put(f->root, "dir/file", "inside");
	CU_ASSERT_EQUAL(symlinkat("dir/file", f->root, "in"), 0);
	CU_ASSERT_EQUAL(symlinkat("/dir/file", f->root, "in-absolute"), 0);
	CU_ASSERT_EQUAL(symlinkat("../outside/file", f->root, "out"), 0);
	CU_ASSERT_EQUAL(symlinkat(absolute, f->root, "out-absolute"), 0);
	CU_ASSERT_EQUAL(symlinkat("../../../../../dir/file", f->root, "many-up"), 0);
	CU_ASSERT_EQUAL(symlinkat("loop", f->root, "loop"), 0);
}

static void test_open_beneath(void)
{
	struct fixture f;

	setup(&f);
	make_links(&f);
	check_open(fs_open_beneath(f.root, "dir/file", O_RDONLY, 0, &f.err), 0);
	check_open(fs_open_beneath(f.root, "dir/../dir/file", O_RDONLY, 0, &f.err), 0);
	check_open(fs_open_beneath(f.root, "in", O_RDONLY, 0, &f.err), 0);
	check_open(fs_open_beneath(f.root, "in-absolute", O_RDONLY, 0, &f.err), -EXDEV);
	check_open(fs_open_beneath(f.root, "out", O_RDONLY, 0, &f.err), -EXDEV);
	check_open(fs_open_beneath(f.root, "out-absolute", O_RDONLY, 0, &f.err), -EXDEV);
	check_open(fs_open_beneath(f.root, "..", O_RDONLY, 0, &f.err), -EXDEV);
	check_open(fs_open_beneath(f.root, "../root/dir", O_RDONLY, 0, &f.err), -EXDEV);
	check_open(fs_open_beneath(f.root, "/dir", O_RDONLY, 0, &f.err), -EXDEV);
	check_open(fs_open_beneath(f.root, "loop", O_RDONLY, 0, &f.err), -ELOOP);
	check_open(fs_open_beneath(f.root, "new", O_WRONLY | O_CREAT | O_EXCL, 0600, &f.err), 0);
	check_open(fs_open_beneath(f.root, "out", O_WRONLY | O_CREAT, 0600, &f.err), -EXDEV);
	teardown(&f);
}

static void test_open_in_root(void)
{
	struct fixture f;
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	setup(&f);
	make_links(&f);
	check_open(fs_open_in_root(f.root, "/dir/file", O_RDONLY, 0, &f.err), 0);
	check_open(fs_open_in_root(f.root, "in", O_RDONLY, 0, &f.err), 0);
	check_open(fs_open_in_root(f.root, "in-absolute", O_RDONLY, 0, &f.err), 0);
	check_open(fs_open_in_root(f.root, "many-up", O_RDONLY, 0, &f.err), 0);
	check_open(fs_open_in_root(f.root, "../../dir/file", O_RDONLY, 0, &f.err), 0);
	check_open(fs_open_in_root(f.root, "out", O_RDONLY, 0, &f.err), -ENOENT);
	check_open(fs_open_in_root(f.root, "out-absolute", O_RDONLY, 0, &f.err), -ENOENT);
	check_open(fs_open_in_root(f.root, "loop", O_RDONLY, 0, &f.err), -ELOOP);
	check_open(fs_open_in_root(f.root, "in", O_RDONLY | O_NOFOLLOW, 0, &f.err), -ELOOP);
	/* The kernel's own ways out. */
	check_open(fs_open_in_root(proc, "self/root", O_PATH, 0, &f.err), -ELOOP);
	check_open(fs_open_beneath(proc, "self/cwd", O_PATH, 0, &f.err), -ELOOP);
	(void)close(proc);
	teardown(&f);
}

static int open_without_openat2(void *arg)
{
	struct fixture *f = arg;

	(void)setenv("PODIUM_FAIL", "openat2:1:ENOSYS", 1);
	return -fs_open_in_root(f->root, "/", O_PATH, 0, &f->err);
}

static int open_while_it_changes(void *arg)
{
	struct fixture *f = arg;

	(void)setenv("PODIUM_FAIL", "openat2:1:EAGAIN", 1);
	return -fs_open_in_root(f->root, "/", O_PATH, 0, &f->err);
}

static void test_openat2_fails(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(child_run(open_without_openat2, &f), ENOSYS);
	CU_ASSERT_EQUAL(child_run(open_while_it_changes, &f), EAGAIN);
	teardown(&f);
}

static void test_reopen(void)
{
	struct fixture f;
	int path_fd, fd;

	setup(&f);
	put(f.root, "file", "abc");
	path_fd = openat(f.root, "file", O_PATH | O_CLOEXEC);
	fd = fs_reopen(path_fd, O_WRONLY, &f.err);
	CU_ASSERT_EQUAL(fd_flags(fd), FD_CLOEXEC);
	CU_ASSERT_EQUAL(fs_write_all(fd, "X", 1), 0);
	CU_ASSERT_TRUE(holds(f.root, "file", "Xbc"));
	(void)close(fd);
	(void)close(path_fd);
	CU_ASSERT_EQUAL(fs_reopen(path_fd, O_RDONLY, &f.err), -ENOENT);
	teardown(&f);
}

/* ---- making directories ----------------------------------------------------------------- */

static bool is_same(int fd, int dirfd, const char *name)
{
	struct stat a, b;

	return fd >= 0 && fstat(fd, &a) == 0 && fstatat(dirfd, name, &b, 0) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* Makes `path` and says whether that is root/`where`. */
static bool makes(struct fixture *f, const char *path, const char *where)
{
	cleanup_close int fd = fs_mkdirs_in_root(f->root, path, 0755, &f->err);

	return is_same(fd, f->root, where) && fd_flags(fd) == FD_CLOEXEC;
}

static void test_mkdirs_in_root(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_TRUE(makes(&f, "", "."));
	CU_ASSERT_TRUE(makes(&f, "/", "."));
	CU_ASSERT_TRUE(makes(&f, "a/b/c", "a/b/c"));
	CU_ASSERT_TRUE(makes(&f, "//a//./b/c/d/", "a/b/c/d"));
	CU_ASSERT_EQUAL(symlinkat("a/b", f.root, "relative"), 0);
	CU_ASSERT_TRUE(makes(&f, "relative/x/y", "a/b/x/y"));
	CU_ASSERT_EQUAL(symlinkat("/a", f.root, "absolute"), 0);
	CU_ASSERT_TRUE(makes(&f, "absolute/b/z", "a/b/z"));
	CU_ASSERT_EQUAL(symlinkat("../../../../a", f.root, "a/up"), 0);
	CU_ASSERT_TRUE(makes(&f, "a/up/b/u", "a/b/u"));
	CU_ASSERT_TRUE(makes(&f, "relative", "a/b"));
	teardown(&f);
}

static void test_mkdirs_in_root_refuses(void)
{
	struct fixture f;
	cleanup_free char *absolute = NULL;

	setup(&f);
	absolute = xasprintf("%s/outside/new", f.path);
	put(f.root, "file", "x");
	CU_ASSERT_EQUAL(symlinkat("nowhere", f.root, "dangling"), 0);
	CU_ASSERT_EQUAL(symlinkat(absolute, f.root, "out-absolute"), 0);
	CU_ASSERT_EQUAL(symlinkat("../outside/new", f.root, "out"), 0);
	CU_ASSERT_EQUAL(symlinkat("loop", f.root, "loop"), 0);
	CU_ASSERT_FALSE(makes(&f, "dangling/x", "."));
	CU_ASSERT_FALSE(makes(&f, "dangling", "."));
	CU_ASSERT_FALSE(makes(&f, "out-absolute/x", "."));
	CU_ASSERT_FALSE(makes(&f, "out/x", "."));
	CU_ASSERT_FALSE(makes(&f, "loop/x", "."));
	CU_ASSERT_EQUAL(fs_mkdirs_in_root(f.root, "file/x", 0755, &f.err), -ENOTDIR);
	CU_ASSERT_EQUAL(fs_mkdirs_in_root(f.root, "file", 0755, &f.err), -ENOTDIR);
	CU_ASSERT_EQUAL(fs_mkdirs_in_root(f.root, "a/../b", 0755, &f.err), -EINVAL);
	CU_ASSERT_EQUAL(fs_mkdirs_in_root(f.root, "..", 0755, &f.err), -EINVAL);
	CU_ASSERT_EQUAL(fs_mkdirs_in_root(f.root, "x/..", 0755, &f.err), -EINVAL);
	CU_ASSERT_FALSE(exists(f.root, "b"));
	CU_ASSERT_FALSE(exists(f.root, "nowhere"));
	/* The names of dots that are none. */
	CU_ASSERT_TRUE(makes(&f, "...", "..."));
	CU_ASSERT_TRUE(makes(&f, "..a/.b", "..a/.b"));
	teardown(&f);
}

/* Exchanges root/swap (a directory) with root/evil (a link out) as fast as it can. */
static int swap_for_ever(void *arg)
{
	struct fixture *f = arg;

	while (getppid() != 1)
		if (syscall(SYS_renameat2, f->root, "swap", f->root, "evil", 2 /* EXCHANGE */) < 0)
			return 1;
	return 0;
}

static void test_mkdirs_in_root_raced(void)
{
	struct fixture f;
	int64_t end;
	int made = 0, refused = 0;
	pid_t pid;

	setup(&f);
	CU_ASSERT_EQUAL(mkdirat(f.root, "swap", 0755), 0);
	CU_ASSERT_EQUAL(symlinkat("../outside", f.root, "evil"), 0);
	pid = child_start(swap_for_ever, &f);
	end = clock_mono_ms() + RACE_MS;
	for (int i = 0; clock_mono_ms() < end; i++) {
		char path[40];
		int fd;

		(void)snprintf(path, sizeof(path), "swap/sub%d/deep", i);
		fd = fs_mkdirs_in_root(f.root, path, 0755, &f.err);
		made += fd >= 0;
		refused += fd < 0;
		if (fd >= 0)
			(void)close(fd);
	}
	CU_ASSERT_EQUAL(waitpid(pid, NULL, WNOHANG), 0); /* it really swapped all the time */
	(void)kill(pid, SIGKILL);
	(void)child_end(pid);
	CU_ASSERT_TRUE(made > 0);
	CU_ASSERT_TRUE(refused > 0);
	teardown(&f); /* the canary */
}

static void test_mkdirs(void)
{
	struct fixture f;
	struct stat st;
	int fd;

	setup(&f);
	fd = fs_mkdirs(f.top, "root/x/y/z", 0700, &f.err);
	CU_ASSERT_TRUE(is_same(fd, f.top, "root/x/y/z"));
	CU_ASSERT_EQUAL(fd_flags(fd), FD_CLOEXEC);
	CU_ASSERT_EQUAL(fstat(fd, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0700);
	(void)close(fd);
	fd = fs_mkdirs(f.top, "root/x/y/", 0700, &f.err);
	CU_ASSERT_TRUE(is_same(fd, f.top, "root/x/y"));
	(void)close(fd);
	put(f.top, "file", "x");
	CU_ASSERT_EQUAL(fs_mkdirs(f.top, "file/x", 0700, &f.err), -ENOTDIR);
	CU_ASSERT_EQUAL(fs_mkdirs(f.top, "file", 0700, &f.err), -ENOTDIR);
	CU_ASSERT_EQUAL(fs_mkdirs(f.top, "", 0700, &f.err), -ENOENT);
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "read a file", test_read },
	{ "read only files", test_read_only_files },
	{ "replace a file", test_write_atomic },
	{ "a failing write leaves the old file", test_write_fails },
	{ "a full disk leaves the old file", test_full_disk },
	{ "readers see whole files", test_readers_see_whole_files },
	{ "write to a file of the kernel's", test_write_existing },
	{ "write all", test_write_all },
	{ "open beneath", test_open_beneath },
	{ "open in a root", test_open_in_root },
	{ "openat2 fails", test_openat2_fails },
	{ "reopen", test_reopen },
	{ "make directories in a root", test_mkdirs_in_root },
	{ "refuse to make directories in a root", test_mkdirs_in_root_refuses },
	{ "make directories that are being swapped", test_mkdirs_in_root_raced },
	{ "make directories", test_mkdirs },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "fs", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
