/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tarout - a tree comes out as a tar stream that makes the same tree again; whoever changes it
 * meanwhile gets nothing from outside into the stream. And new layers in a store.
 *
 * Theory of operation: a tree with every kind of entry is written, unpacked by the real unpacker
 * into a second one, and written again: both streams are equal, byte for byte. The swapper replaces
 * a file by a link to the canary and back as fast as it can while streams are written: no canary
 * byte is in any of them (CP-4). Its twin follows links on purpose and must be caught.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/layer.h"
#include "engine/image/newlayer.h"
#include "engine/image/sha256.h"
#include "engine/image/tarsplit.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"
#include "tests/support/imagemaker.h"

#define TAR_MAX	    (64U << 20)
#define SWAP_ROUNDS 400
#define SECRET	    "canary-bytes-that-must-not-leave"

static char *temp;
static int tempfd = -EBADF;

static int begin(void)
{
	temp = temp_make();
	temp_in_memory(temp);
	tempfd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)umask(0);
	return tempfd < 0;
}

static int end(void)
{
	(void)close(tempfd);
	temp_remove(temp);
	return 0;
}

static int dir(const char *name)
{
	struct error err;

	CU_ASSERT_EQUAL(fs_remove_tree(tempfd, name, &err), 0);
	CU_ASSERT_EQUAL(mkdirat(tempfd, name, 0755), 0);
	return openat(tempfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void file(int at, const char *name, const char *text)
{
	struct error err;

	CU_ASSERT_EQUAL(fs_write_atomic(at, name, text, strlen(text), 0644, FS_NOSYNC, &err), 0);
}

static int add(void *arg, const void *data, size_t len, struct error *err)
{
	struct buf *b = arg;

	buf_add(b, data, len);
	return b->overflow ? error_set(err, E2BIG, "more than %d bytes", TAR_MAX) : 0;
}

static int tar_of(int tree, const struct tarout_options *o, struct buf *ret, struct error *err)
{
	*ret = BUF_INIT(TAR_MAX);
	return tarout_stream(tree, o, add, ret, err);
}

static const struct tarout_options as_is = { .timestamp_s = -1 };
static const struct tarout_options upper = { .timestamp_s = -1, .is_upper = true };

static bool has_text(const struct buf *b, const char *text)
{
	return memmem(b->data, b->len, text, strlen(text)) != NULL;
}

static int unpack(const struct buf *tar, int root, struct error *err)
{
	struct layer_limits limits;
	struct layer_stats stats;
	cleanup_close int in = made_memfd(tar);

	layer_limits_default(&limits);
	return layer_extract(in, root, &limits, &stats, err);
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* ---- trees ------------------------------------------------------------------------------ */

static void fill_tree(int at)
{
	static const char long_name[] =
		"d/a-name-that-is-longer-than-the-hundred-bytes-which-the-field-in-the-header-has-"
		"room-for-\xc3\xa4\xc3\xb6";
	cleanup_close int fd = -EBADF;

	CU_ASSERT_EQUAL(mkdirat(at, "d", 01777), 0);
	file(at, "d/b", "content of b");
	file(at, "d/a", "");
	file(at, long_name, "long");
	file(at, "z\xff", "not utf-8");
	CU_ASSERT_EQUAL(linkat(at, "d/b", at, "d/c-hard", 0), 0);
	CU_ASSERT_EQUAL(symlinkat("b", at, "d/link"), 0);
	CU_ASSERT_EQUAL(symlinkat(long_name, at, "long-link"), 0);
	CU_ASSERT_EQUAL(mknodat(at, "fifo", S_IFIFO | 0622, 0), 0);
	fd = openat(at, "d/b", O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(fchmod(fd, 04711), 0);
	CU_ASSERT_EQUAL(fsetxattr(fd, "user.note", "a\0b", 3, 0), 0);
	CU_ASSERT_EQUAL(fsetxattr(fd, "user.overlay.origin", "x", 1, 0), 0);
	CU_ASSERT_EQUAL(fchownat(at, "d/a", 123, 4000000000U, 0), 0);
}

static void test_again(void)
{
	cleanup_buf struct buf first = BUF_INIT(0), second = BUF_INIT(0);
	cleanup_close int a = dir("a"), b = dir("b");
	struct error err = { .code = 0 };
	struct stat x, y;

	fill_tree(a);
	CU_ASSERT_EQUAL(tar_of(a, &upper, &first, &err), 0);
	CU_ASSERT_EQUAL(first.len % 512, 0);
	CU_ASSERT_EQUAL(unpack(&first, b, &err), 0);
	CU_ASSERT_EQUAL(tar_of(b, &upper, &second, &err), 0);
	CU_ASSERT(is_same(&first, &second));
	CU_ASSERT(!has_text(&first, "user.overlay"));
	CU_ASSERT(has_text(&second, "SCHILY.xattr.user.note=a"));
	CU_ASSERT_EQUAL(fstatat(b, "d/b", &x, 0), 0);
	CU_ASSERT_EQUAL(fstatat(b, "d/c-hard", &y, 0), 0);
	CU_ASSERT_EQUAL(x.st_ino, y.st_ino);
	CU_ASSERT_EQUAL(x.st_mode & 07777, 04711);
	CU_ASSERT_EQUAL(fstatat(b, "d/a", &x, 0), 0);
	CU_ASSERT_EQUAL(x.st_gid, 4000000000U);
	CU_ASSERT_EQUAL(fstatat(b, "z\xff", &x, 0), 0);
}

/* The order in which a directory gives its names, and times, say nothing. */
static void test_deterministic(void)
{
	static const struct tarout_options dated = { .timestamp_s = 1700000000 };
	cleanup_buf struct buf first = BUF_INIT(0), second = BUF_INIT(0);
	cleanup_close int a = dir("a"), b = dir("b");
	struct error err = { .code = 0 };
	char name[3] = "f0";

	for (int i = 0; i < 10; i++) {
		name[1] = (char)('0' + i);
		file(a, name, "same");
		name[1] = (char)('9' - i);
		file(b, name, "same");
	}
	CU_ASSERT_EQUAL(tar_of(a, &dated, &first, &err), 0);
	CU_ASSERT_EQUAL(tar_of(b, &dated, &second, &err), 0);
	CU_ASSERT(is_same(&first, &second));
}

/* Deletions in the two forms that overlay has; as an image's own tree they are nothing special. */
static void test_whiteouts(void)
{
	cleanup_buf struct buf tar = BUF_INIT(0);
	cleanup_close int a = dir("a"), b = dir("b"), sub = -EBADF, fd = -EBADF;
	struct error err = { .code = 0 };
	struct stat st;
	char value = 0;

	CU_ASSERT_EQUAL(mkdirat(a, "d", 0755), 0);
	sub = openat(a, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL(fsetxattr(sub, "user.overlay.opaque", "y", 1, 0), 0);
	file(sub, "new", "new");
	CU_ASSERT_EQUAL(mknodat(a, "gone", S_IFCHR, makedev(0, 0)), 0);
	file(a, "gone2", "");
	fd = openat(a, "gone2", O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(fsetxattr(fd, "user.overlay.whiteout", "y", 1, 0), 0);
	CU_ASSERT_EQUAL(tar_of(a, &upper, &tar, &err), 0);
	CU_ASSERT(has_text(&tar, "d/.wh..wh..opq"));
	CU_ASSERT(has_text(&tar, ".wh.gone2"));
	CU_ASSERT_EQUAL(unpack(&tar, b, &err), 0);
	CU_ASSERT_EQUAL(fstatat(b, "gone", &st, AT_SYMLINK_NOFOLLOW), 0);
	CU_ASSERT(S_ISCHR(st.st_mode) && st.st_rdev == 0);
	(void)close(fd);
	fd = openat(b, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL(fgetxattr(fd, "user.overlay.opaque", &value, 1), 1);
	CU_ASSERT_EQUAL(value, 'y');
}

static void test_refused_name(void)
{
	cleanup_buf struct buf tar = BUF_INIT(0), other = BUF_INIT(0);
	cleanup_close int a = dir("a");
	struct error err = { .code = 0 };

	file(a, ".wh.mine", "a file, not a deletion");
	CU_ASSERT_EQUAL(tar_of(a, &upper, &tar, &err), -EINVAL);
	CU_ASSERT_EQUAL(tar_of(a, &as_is, &other, &err), 0);
}

/* Deeper than the descriptors of a confined process, and deeper than is written at all. */
static void test_depth(void)
{
	cleanup_close int a = dir("a"), at = fcntl(a, F_DUPFD_CLOEXEC, 3);
	struct error err = { .code = 0 };

	for (int i = 0; i < 520; i++) {
		cleanup_buf struct buf tar = BUF_INIT(0);
		int next;

		CU_ASSERT_EQUAL(mkdirat(at, "d", 0755), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = next;
		if (i == 300)
			CU_ASSERT_EQUAL(tar_of(a, &as_is, &tar, &err), 0);
		if (i == 519)
			CU_ASSERT_EQUAL(tar_of(a, &as_is, &tar, &err), -ELOOP);
	}
}

/* ---- a swapper -------------------------------------------------------------------------- */

static void __attribute__((noreturn)) swap(int at)
{
	for (;;) {
		error_ignore(symlinkat("../canary", at, "tmp"));
		(void)renameat(at, "tmp", at, "victim");
		file(at, "tmp2", "honest");
		(void)renameat(at, "tmp2", at, "victim");
		(void)unlinkat(at, "victim", 0);
		(void)mkdirat(at, "victim", 0755);
		(void)unlinkat(at, "victim", AT_REMOVEDIR);
	}
}

static void test_swapper(void)
{
	cleanup_close int a = dir("a");
	struct error err = { .code = 0 };
	bool is_leaked = false;
	pid_t pid;

	file(tempfd, "canary", SECRET);
	pid = fork();
	if (pid == 0)
		swap(a);
	for (int i = 0; i < SWAP_ROUNDS; i++) {
		cleanup_buf struct buf tar = BUF_INIT(0);

		CU_ASSERT_EQUAL(tar_of(a, &as_is, &tar, &err), 0);
		is_leaked |= has_text(&tar, SECRET);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	CU_ASSERT(!is_leaked);
}

static void test_link_outside(void)
{
	cleanup_close int a = dir("a");
	cleanup_buf struct buf tar = BUF_INIT(0), weak = BUF_INIT(0);
	struct error err = { .code = 0 };

	file(tempfd, "canary", SECRET);
	CU_ASSERT_EQUAL(symlinkat("../canary", a, "victim"), 0);
	CU_ASSERT_EQUAL(tar_of(a, &as_is, &tar, &err), 0);
	CU_ASSERT(!has_text(&tar, SECRET));
	CU_ASSERT_EQUAL(setenv("PODIUM_WEAKEN", "TAROUT-FOLLOW", 1), 0);
	CU_ASSERT_EQUAL(tar_of(a, &as_is, &weak, &err), 0);
	CU_ASSERT_EQUAL(unsetenv("PODIUM_WEAKEN"), 0);
	CU_ASSERT(has_text(&weak, SECRET)); /* else the test above proves nothing */
}

/* ---- new layers ------------------------------------------------------------------------- */

static bool has_new(const struct store *s)
{
	cleanup_free char *path = xasprintf("%s/layers", s->root);
	cleanup_dir DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_prefix(e->d_name, LAYER_NEW_PREFIX))
			return true;
	return false;
}

static void sample(struct buf *tar, const char *extra)
{
	struct error err = { .code = 0 };
	cleanup_close int a = dir("a");

	fill_tree(a);
	if (extra)
		file(a, extra, extra);
	CU_ASSERT_EQUAL(tar_of(a, &upper, tar, &err), 0);
}

static int keep(void *arg, const void *data, size_t len, struct error *err)
{
	(void)err;
	buf_add(arg, data, len);
	return 0;
}

/* What a pull would have made: complete, of that digest, and it can be written again. */
static void check_layer(const struct layer_claim *c, const struct digest *d, const struct buf *tar)
{
	cleanup_close int diff = -EBADF, split = -EBADF;
	cleanup_buf struct buf again = BUF_INIT(TAR_MAX);
	struct error err = { .code = 0 };
	struct digest want;

	sha256_of(tar->data, tar->len, &want);
	CU_ASSERT(c->complete && is_digest_equal(d, &want));
	diff = layer_open_diff(c, &err);
	split = openat(c->dirfd, "split", O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(tarsplit_rebuild(split, diff, keep, &again, &err), 0);
	CU_ASSERT(is_same(tar, &again));
}

static void test_new_layer(void)
{
	cleanup_buf struct buf tar = BUF_INIT(0), packed = BUF_INIT(TAR_MAX);
	struct error err = { .code = 0 };
	struct store s;

	sample(&tar, NULL);
	made_compress(&tar, MADE_GZIP, &packed);
	temp_store(temp, &s);
	for (int i = 0; i < 3; i++) { /* new; there already; compressed */
		struct layer_claim c = LAYER_CLAIM_INIT;
		cleanup_close int in = made_memfd(i == 2 ? &packed : &tar);
		struct digest d;
		uint64_t bytes = 0;
		int r = newlayer_from_stream(&s, in, &c, &d, &bytes, &err);

		CU_ASSERT_EQUAL(r, 0);
		if (r < 0)
			printf("%s\n", err.text);
		else
			check_layer(&c, &d, &tar);
		CU_ASSERT_EQUAL(bytes, sizeof("content of b") - 1 + 4 + 9);
		layer_claim_done(&c);
		CU_ASSERT(!has_new(&s));
	}
	store_close(&s);
}

/* What is no tar leaves nothing; what a kill leaves goes with the next sweep. */
static void test_new_debris(void)
{
	static const char *const stops[] = { "newlayer:made", "newlayer:renamed" };
	cleanup_buf struct buf bad = BUF_INIT(TAR_MAX), tar = BUF_INIT(0);
	struct layer_claim c = LAYER_CLAIM_INIT;
	struct error err = { .code = 0 };
	struct digest d;
	uint64_t bytes;
	struct store s;

	temp_store(temp, &s);
	for (int i = 0; i < 5000; i++)
		buf_addc(&bad, 'x');
	for (int i = 0; i < 3; i++) {
		cleanup_close int in = made_memfd(i ? &tar : &bad);
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			if (i)
				(void)setenv("PODIUM_STOP_AT", stops[i - 1], 1);
			_exit(newlayer_from_stream(&s, in, &c, &d, &bytes, &err) == -EBADMSG);
		}
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		if (i == 0)
			CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1 && !has_new(&s));
		if (i)
			CU_ASSERT(WIFSIGNALED(status) && has_new(&s));
		CU_ASSERT_EQUAL(layers_sweep_debris(&s, &err), 0);
		CU_ASSERT_EQUAL(layers_empty_trash(&s, &err), 0);
		CU_ASSERT(!has_new(&s));
		if (i == 0)
			sample(&tar, "another");
	}
	store_close(&s);
}

static CU_TestInfo trees[] = {
	{ "out, in and out again", test_again },
	{ "the same tree, the same bytes", test_deterministic },
	{ "deletions", test_whiteouts },
	{ "a name that means a deletion", test_refused_name },
	{ "depth", test_depth },
	{ "a swapper", test_swapper },
	{ "a link that leads outside, and its twin", test_link_outside },
	CU_TEST_INFO_NULL,
};
static CU_TestInfo layers[] = {
	{ "a new layer", test_new_layer },
	{ "failed and killed", test_new_debris },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "tarout", begin, end, NULL, NULL, trees },
	{ "newlayer", begin, end, NULL, NULL, layers },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
