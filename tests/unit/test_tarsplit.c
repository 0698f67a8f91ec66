/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tarsplit - a tar stream goes into record and tree and comes out the same, byte for byte.
 *
 * Theory of operation: each archive is unpacked by the real unpacker into a directory and recorded
 * beside it, in pieces of several sizes; then it is rebuilt and compared. Archives are made by
 * tarmaker (every format, odd headers) and, where the machine has it, by GNU tar. How much of the
 * record is file content is looked at too: a record that simply holds everything would pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/tarsplit.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"
#include "tests/support/layercase.h"

#define TAR_MAX (64U << 20)

static int keep(void *arg, const void *data, size_t len, struct error *err)
{
	(void)err;
	buf_add(arg, data, len);
	return 0;
}

/* Records a stream; the descriptor stands at the beginning of the record. */
static int record(const struct buf *tar, size_t step, struct error *err)
{
	struct tarsplit *t = NULL;
	int fd = memfd_create("split", MFD_CLOEXEC);
	int r = tarsplit_new(fd, &t, err);

	for (size_t i = 0; r == 0 && i < tar->len; i += step)
		r = tarsplit_feed(t, tar->data + i, tar->len - i < step ? tar->len - i : step, err);
	if (r == 0)
		r = tarsplit_finish(t, err);
	tarsplit_free(t);
	CU_ASSERT_EQUAL(r, 0);
	CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int rebuild(int splitfd, struct buf *out, struct error *err)
{
	int root = open(layercase_root(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	*out = BUF_INIT(TAR_MAX);
	r = tarsplit_rebuild(splitfd, root, keep, out, err);
	(void)close(root);
	return r;
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Unpacks, records in pieces, rebuilds; true when every time the same came out. */
static bool survives(const struct buf *tar)
{
	static const size_t steps[] = { 1U << 30, 65536, 513, 512, 100 };
	struct error err = { .code = 0 };
	bool is_ok = true;

	layercase_fresh();
	CU_ASSERT_EQUAL(layercase_extract_default(tar, NULL, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		cleanup_buf struct buf out = BUF_INIT(TAR_MAX);
		cleanup_close int fd = record(tar, steps[i], &err);

		if (rebuild(fd, &out, &err) < 0) {
			printf("rebuild: %s\n", err.text);
			is_ok = false;
		} else {
			is_ok &= is_same(tar, &out);
		}
	}
	return is_ok;
}

/* Bytes of the record. */
static off_t record_size(const struct buf *tar)
{
	struct error err;
	cleanup_close int fd = record(tar, 65536, &err);

	return lseek(fd, 0, SEEK_END);
}

/* Content that does not compress. */
static void noise(struct buf *b, size_t len)
{
	uint64_t x = 88172645463325252U;

	*b = BUF_INIT(TAR_MAX);
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		buf_addc(b, (char)x);
	}
}

static void add_tree(struct buf *tar, enum tar_format f, const struct buf *big)
{
	static const char long_name[] =
		"d/a-directory-with-quite-a-long-name-so-that-the-field-of-a-hundred-bytes-is-too-"
		"small/another-one/file-with-a-name";
	struct tar_entry e[] = {
		DIR_("d"),
		FILE_("d/empty", ""),
		FILE_("./d/small", "small content"),
		{ .name = "d/big", .type = '0', .data = big->data, .len = big->len },
		SYM("d/link", "small"),
		HARD("d/hard", "d/small"),
		FILE_("d/.wh.gone", ""),
		{ .name = long_name, .type = '0', .data = "long" },
		{ .name = "/abs/../d/block", .type = '0', .data = big->data, .len = 512 },
		{ .name = "d/\xc3\xa4\xff", .type = '0', .data = "not utf-8" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(e); i++)
		if (f != TAR_USTAR || strlen(e[i].name) < 100)
			tar_add(tar, f, &e[i]);
}

static void test_formats(void)
{
	cleanup_buf struct buf big = BUF_INIT(0);

	noise(&big, 300001);
	for (int f = 0; f < TAR__COUNT; f++) {
		cleanup_buf struct buf tar = BUF_INIT(TAR_MAX);

		add_tree(&tar, (enum tar_format)f, &big);
		tar_end(&tar);
		CU_ASSERT(survives(&tar));
		CU_ASSERT(record_size(&tar) < 4000);
		buf_add(&tar, big.data, 7777); /* what follows the end */
		CU_ASSERT(survives(&tar));
	}
}

static void test_no_end(void)
{
	cleanup_buf struct buf tar = BUF_INIT(TAR_MAX);
	cleanup_buf struct buf none = BUF_INIT(TAR_MAX);

	tar_add(&tar, TAR_USTAR, &(struct tar_entry)FILE_("f", "content"));
	CU_ASSERT(survives(&tar));
	CU_ASSERT(survives(&none));
}

/* Sizes in base 256 and in a pax record count; the field is then no number at all. */
static void test_sizes(void)
{
	cleanup_buf struct buf big = BUF_INIT(0), tar = BUF_INIT(TAR_MAX);
	static const char base256[] = "\x80\0\0\0\0\0\0\0\0\0\x27\x10";

	noise(&big, 10000);
	tar_add(&tar, TAR_GNU,
		&(struct tar_entry){ .name = "base256",
				     .type = '0',
				     .data = big.data,
				     .len = big.len,
				     .raw_size = base256 });
	tar_add(&tar, TAR_PAX,
		&(struct tar_entry){ .name = "pax",
				     .type = '0',
				     .data = big.data,
				     .len = big.len,
				     .raw_size = "00000000000",
				     .records = { { .key = "size", .value = "10000" } } });
	tar_end(&tar);
	CU_ASSERT(survives(&tar));
	CU_ASSERT(record_size(&tar) < 2000);
}

/* The same name twice: the first content is not there any more, and that is seen. */
static void test_twice(void)
{
	cleanup_buf struct buf tar = BUF_INIT(TAR_MAX), out = BUF_INIT(TAR_MAX);
	struct error err = { .code = 0 };
	cleanup_close int fd = -EBADF;

	tar_add(&tar, TAR_USTAR, &(struct tar_entry)FILE_("f", "first"));
	tar_add(&tar, TAR_USTAR, &(struct tar_entry)FILE_("f", "the second"));
	tar_end(&tar);
	layercase_fresh();
	CU_ASSERT_EQUAL(layercase_extract_default(&tar, NULL, &err), 0);
	fd = record(&tar, 65536, &err);
	CU_ASSERT_EQUAL(rebuild(fd, &out, &err), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'f'"));
}

/* A tree that somebody changed: another length is refused; a link in a file's place leads nowhere.
 */
static void test_changed(void)
{
	cleanup_buf struct buf tar = BUF_INIT(TAR_MAX), out = BUF_INIT(TAR_MAX);
	struct error err = { .code = 0 };
	cleanup_close int root = -EBADF, fd = -EBADF;

	tar_add(&tar, TAR_USTAR, &(struct tar_entry)FILE_("f", "canary"));
	tar_end(&tar);
	layercase_fresh();
	CU_ASSERT_EQUAL(layercase_extract_default(&tar, NULL, &err), 0);
	root = open(layercase_root(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL(unlinkat(root, "f", 0), 0);
	CU_ASSERT_EQUAL(symlinkat("../canary", root, "f"), 0);
	fd = record(&tar, 65536, &err);
	CU_ASSERT(rebuild(fd, &out, &err) < 0);
	CU_ASSERT_EQUAL(unlinkat(root, "f", 0), 0);
	CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
	buf_done(&out);
	CU_ASSERT_EQUAL(rebuild(fd, &out, &err), -ENOENT);
}

/* A record that ends early, one of random bytes, one that claims a huge name. */
static void test_damaged(void)
{
	cleanup_buf struct buf tar = BUF_INIT(TAR_MAX), big = BUF_INIT(0), out = BUF_INIT(TAR_MAX);
	struct error err = { .code = 0 };
	cleanup_close int fd = -EBADF, bad = memfd_create("bad", MFD_CLOEXEC);
	off_t size;

	noise(&big, 100000);
	tar_add(&tar, TAR_GNU, &(struct tar_entry)FILE_("f", "content"));
	tar_end(&tar);
	buf_add(&tar, big.data, big.len);
	fd = record(&tar, 65536, &err);
	size = lseek(fd, 0, SEEK_END);
	CU_ASSERT_EQUAL(ftruncate(fd, size / 2), 0);
	CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
	CU_ASSERT(rebuild(fd, &out, &err) < 0);
	buf_done(&out);
	CU_ASSERT_EQUAL(fs_write_all(bad, big.data, big.len), 0);
	CU_ASSERT_EQUAL(lseek(bad, 0, SEEK_SET), 0);
	CU_ASSERT_EQUAL(rebuild(bad, &out, &err), -EBADMSG);
}

/* ---- what GNU tar makes ----------------------------------------------------------------- */

static const char make_tree[] =
	"cd \"$0\" && mkdir -p tree/sub && cd tree && printf one >one && ln one two && "
	"ln -s one three && mkfifo pipe && head -c 200000 /dev/urandom >sub/noise && "
	"truncate -s 1M sub/hole && printf x | dd of=sub/hole bs=1 seek=700000 conv=notrunc "
	"2>/dev/null && printf y >sub/$(printf %0150d 7) && tar -c $1 -f ../made.tar . "
	"2>/dev/null; true";

static int exec_shell(void *arg)
{
	char **argv = arg;

	(void)execv(argv[0], argv);
	return 127;
}

static bool make_by_gnu_tar(const char *dir, const char *options, struct buf *tar)
{
	const char *argv[] = { "/bin/sh", "-c", make_tree, dir, options, NULL };
	cleanup_free char *path = xasprintf("%s/made.tar", dir);
	cleanup_free char *data = NULL;
	struct error err;
	size_t len = 0;

	*tar = BUF_INIT(TAR_MAX);
	if (access("/bin/tar", X_OK) < 0 || child_run(exec_shell, argv) != 0 ||
	    fs_read_file(AT_FDCWD, path, TAR_MAX, &data, &len, &err) < 0)
		return false;
	buf_add(tar, data, len);
	return true;
}

static void test_gnu_tar(void)
{
	static const char *const options[] = { "--format=gnu",	  "--format=pax",
					       "--format=ustar",  "--format=gnu -S",
					       "--format=pax -S", "--format=v7" };
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char dir[] = "/tmp/podium-tarsplit-XXXXXX";
		cleanup_buf struct buf tar = BUF_INIT(0);
		bool is_made = mkdtemp(dir) && make_by_gnu_tar(dir, options[i], &tar);

		if (!is_made && access("/bin/tar", X_OK) < 0)
			TEST_SKIP("no GNU tar");
		else
			CU_ASSERT(is_made && survives(&tar));
		CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, dir, &err), 0);
	}
}

static CU_TestInfo tests[] = {
	{ "every format, every chunking", test_formats },
	{ "no end marker, nothing at all", test_no_end },
	{ "sizes by base 256 and pax", test_sizes },
	{ "a name that comes twice", test_twice },
	{ "a tree that was changed", test_changed },
	{ "a damaged record", test_damaged },
	{ "archives of GNU tar", test_gnu_tar },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "tarsplit", layercase_begin, layercase_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
