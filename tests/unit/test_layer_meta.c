/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_layer_meta - the unpacker: nodes, modes, owners, times, attributes, limits, broken
 * structure.
 *
 * Theory of operation: tables of cases, run by tests/support/layercase.c in every tar format
 * against a canary tree; at the end the twins, which must fail when their defence is switched off.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "engine/base/str.h"
#include "tests/support/cunit_main.h"
#include "tests/support/layercase.h"

/* ---- nodes, modes, owners, times -------------------------------------------------------- */

static const struct layer_case device = {
	"a disk",
	{ { .name = "dev/sda", .type = '4', .major = 8, .minor = 0 } },
	EPERM,
	{ "- dev/sda" },
};

static void test_nodes(void)
{
	const struct layer_case cases[] = {
		device,
		{ "char 0:0", { { .name = "etc", .type = '3' } }, EPERM, { "- etc" } },
		{ "block 0:0", { { .name = "etc", .type = '4' } }, EPERM, { "- etc" } },
		{ "mem",
		  { { .name = "m", .type = '3', .major = 1, .minor = 1 } },
		  EPERM,
		  { "- m" } },
		{ "null is skipped",
		  { { .name = "dev/null", .type = '3', .major = 1, .minor = 3 } },
		  0,
		  { "- dev/null" } },
		{ "null as a block device",
		  { { .name = "dev/null", .type = '4', .major = 1, .minor = 3 } },
		  EPERM,
		  { "- dev/null" } },
		{ "fifo", { { .name = "p", .type = '6', .mode = 0620 } }, 0, { "p p", "m p=620" } },
	};

	RUN(cases);
}

static void test_modes_and_owners(void)
{
	static const struct layer_case cases[] = {
		{ "set-id after the owner",
		  { { .name = "s", .type = '0', .data = "x", .mode = 06755, .uid = 1, .gid = 2 } },
		  0,
		  { "m s=6755", "u s=1:2" } },
		{ "sticky", { { .name = "t/", .type = '5', .mode = 01777 } }, 0, { "m t=1777" } },
		{ "owner of a link",
		  { { .name = "l", .type = '2', .link = "@/file", .uid = 5, .gid = 6 } },
		  0,
		  { "u l=5:6" } },
		{ "nobody",
		  { { .name = "n", .type = '0', .uid = 65534, .gid = 65534 } },
		  0,
		  { "u n=65534:65534" } },
		{ "root itself",
		  { { .name = "./", .type = '5', .mode = 0711, .uid = 3, .gid = 4 } },
		  0,
		  { "m .=711", "u .=3:4" } },
		{ "0555 directory written into",
		  { { .name = "d/", .type = '5', .mode = 0555 }, FILE_("d/x", "1") },
		  0,
		  { "m d=555", "f d/x=1" } },
	};
	static const struct layer_case wide[] = {
		{ "largest id",
		  { { .name = "n", .type = '0', .uid = 4294967294 } },
		  0,
		  { "u n=4294967294:0" } },
		{ "id of 2^32-1",
		  { { .name = "n", .type = '0', .uid = 4294967295 } },
		  EBADMSG,
		  { NULL } },
		{ "group of 2^32-1",
		  { { .name = "n", .type = '0', .gid = 4294967295 } },
		  EBADMSG,
		  { NULL } },
		{ "id of 2^40",
		  { { .name = "n", .type = '0', .uid = INT64_C(1) << 40 } },
		  EBADMSG,
		  { NULL } },
	};

	RUN(cases);
	for (size_t i = 0; i < ARRAY_SIZE(wide);
	     i++) { /* a ustar field does not hold such numbers */
		CU_ASSERT_TRUE(layercase_run(&wide[i], TAR_PAX, NULL));
		CU_ASSERT_TRUE(layercase_run(&wide[i], TAR_GNU, NULL));
	}
}

static int64_t mtime_of(const char *name)
{
	char *path = xasprintf("%s/%s", layercase_root(), name);
	struct stat st = { .st_mtim = { .tv_sec = -1 } };

	if (lstat(path, &st) < 0)
		st.st_mtim.tv_sec = -999;
	free(path);
	return st.st_mtim.tv_sec;
}

static void test_times(void)
{
	static const struct layer_case c = {
		"times",
		{ { .name = "d/", .type = '5', .mtime = 1111111111 },
		  { .name = "d/f", .type = '0', .data = "1", .mtime = 1222222222 },
		  { .name = "d/l", .type = '2', .link = "@/file", .mtime = 1333333333 },
		  { .name = "p", .type = '6', .mtime = 1444444444 },
		  { .name = "old", .type = '0', .mtime = -1000 },
		  { .name = "far", .type = '0', .mtime = INT64_C(1000000000000000000) },
		  { .name = "odd",
		    .type = '0',
		    .records = { { .key = "mtime", .value = "nan" } } } },
		0,
		{ NULL },
	};

	for (int f = TAR_PAX; f <= TAR_GNU; f++) {
		CU_ASSERT_TRUE(layercase_run(&c, (enum tar_format)f, NULL));
		CU_ASSERT_EQUAL(mtime_of("d"), 1111111111); /* although written into later */
		CU_ASSERT_EQUAL(mtime_of("d/f"), 1222222222);
		CU_ASSERT_EQUAL(mtime_of("d/l"), 1333333333);
		CU_ASSERT_EQUAL(mtime_of("p"), 1444444444);
		CU_ASSERT_EQUAL(mtime_of("old"), -1000);
		CU_ASSERT_TRUE(mtime_of("far") > 4102444800 && mtime_of("far") < 20000000000);
	}
}

/* ---- extended attributes ---------------------------------------------------------------- */

static const char cap2[] =
	"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
static const char cap3[] =
	"\x01\x00\x00\x03\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\xe8\x03\x00";
static const struct layer_case overlay_attributes = {
	"overlay's attributes",
	{ { .name = "d/",
	    .type = '5',
	    .records = { { .key = "SCHILY.xattr.user.overlay.opaque", .value = "y" },
			 { .key = "SCHILY.xattr.user.overlay.redirect", .value = "/etc" },
			 { .key = "SCHILY.xattr.user.mine", .value = "kept" } } } },
	0,
	{ NULL },
};

static ssize_t attribute(const char *name, const char *key, char *value, size_t size)
{
	char *path = xasprintf("%s/%s", layercase_root(), name);
	ssize_t n = lgetxattr(path, key, value, size);

	free(path);
	return n;
}

static void test_attributes(void)
{
	static const struct layer_case c = {
		"attributes",
		{ { .name = "two",
		    .type = '0',
		    .uid = 9,
		    .records = { { .key = "SCHILY.xattr.security.capability",
				   .value = cap2,
				   .len = 20 } } },
		  { .name = "three",
		    .type = '0',
		    .records = { { .key = "SCHILY.xattr.security.capability",
				   .value = cap3,
				   .len = 24 },
				 { .key = "SCHILY.xattr.trusted.overlay.opaque", .value = "y" },
				 { .key = "SCHILY.xattr.security.selinux", .value = "x" },
				 { .key = "SCHILY.xattr.security.ima", .value = "x" } } },
		  { .name = "bad",
		    .type = '0',
		    .records = { { .key = "SCHILY.xattr.security.capability", .value = "short" },
				 { .key = "SCHILY.xattr.user.", .value = "x" } } } },
		0,
		{ "f two=", "u two=9:0" },
	};
	char value[64];

	CU_ASSERT_TRUE(layercase_run(&overlay_attributes, TAR_PAX, NULL));
	CU_ASSERT_TRUE(attribute("d", "user.overlay.opaque", value, sizeof(value)) < 0);
	CU_ASSERT_TRUE(attribute("d", "user.overlay.redirect", value, sizeof(value)) < 0);
	CU_ASSERT_EQUAL(attribute("d", "user.mine", value, sizeof(value)), 4);
	CU_ASSERT_TRUE(layercase_run(&c, TAR_PAX, NULL));
	CU_ASSERT_EQUAL(attribute("two", "security.capability", value, sizeof(value)), 20);
	/* version 3 becomes 2: the root id of some other machine's map is gone */
	CU_ASSERT_EQUAL(attribute("three", "security.capability", value, sizeof(value)), 20);
	CU_ASSERT_EQUAL(value[3], 2);
	CU_ASSERT_TRUE(attribute("three", "trusted.overlay.opaque", value, sizeof(value)) < 0);
	CU_ASSERT_TRUE(attribute("three", "security.selinux", value, sizeof(value)) < 0);
	CU_ASSERT_TRUE(attribute("three", "security.ima", value, sizeof(value)) < 0);
	CU_ASSERT_TRUE(attribute("bad", "security.capability", value, sizeof(value)) < 0);
	/* the twin */
	(void)layercase_run(&overlay_attributes, TAR_PAX, "LAYER-XATTR");
	CU_ASSERT_EQUAL(attribute("d", "user.overlay.opaque", value, sizeof(value)), 1);
}

/* ---- limits ----------------------------------------------------------------------------- */

static void test_limits(void)
{
	struct layer_limits small;
	struct layer_stats stats;
	struct buf tar = BUF_INIT(1 << 20);
	struct error err;

	for (int i = 0; i < 10; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "d%d/", i);
		tar_add(&tar, TAR_PAX, &(struct tar_entry)DIR_(name));
	}
	tar_add(&tar, TAR_PAX, &(struct tar_entry)FILE_("f", "0123456789"));
	tar_end(&tar);
	layer_limits_default(&small);
	layercase_fresh();
	CU_ASSERT_EQUAL(layercase_extract(&tar, &small, NULL, &err, &stats), 0);
	CU_ASSERT_EQUAL(stats.entries, 11);
	CU_ASSERT_EQUAL(stats.bytes, 10);
	small.entries = 11;
	small.dirs = 10;
	small.bytes = 10;
	small.file_bytes = 10;
	layercase_fresh();
	CU_ASSERT_EQUAL(layercase_extract(&tar, &small, NULL, &err, &stats), 0);
	small.entries = 10;
	layercase_fresh();
	CU_ASSERT_EQUAL(layercase_extract(&tar, &small, NULL, &err, &stats), -E2BIG);
	small.entries = 11;
	small.dirs = 9;
	layercase_fresh();
	CU_ASSERT_EQUAL(layercase_extract(&tar, &small, NULL, &err, &stats), -E2BIG);
	small.dirs = 10;
	small.bytes = 9;
	layercase_fresh();
	CU_ASSERT_EQUAL(layercase_extract(&tar, &small, NULL, &err, &stats), -E2BIG);
	small.bytes = 10;
	small.file_bytes = 9;
	layercase_fresh();
	CU_ASSERT_EQUAL(layercase_extract(&tar, &small, NULL, &err, &stats), -E2BIG);
	buf_done(&tar);
}

/* ---- structure -------------------------------------------------------------------------- */

static int extract_text(const struct buf *tar)
{
	struct error err;

	layercase_fresh();
	return layercase_extract_default(tar, NULL, &err);
}

static void test_structure(void)
{
	struct buf tar = BUF_INIT(8 << 20);
	struct error err;

	/* nothing at all, and end marker alone: empty layers */
	CU_ASSERT_EQUAL(extract_text(&tar), 0);
	tar_end(&tar);
	CU_ASSERT_EQUAL(extract_text(&tar), 0);
	/* a second archive behind the end marker is not looked at */
	tar_add(&tar, TAR_USTAR, &(struct tar_entry)FILE_("second", "1"));
	tar_end(&tar);
	CU_ASSERT_EQUAL(extract_text(&tar), 0);
	CU_ASSERT_TRUE(is_layercase_wanted("- second"));
	/* no end marker */
	tar.len = 0;
	tar_add(&tar, TAR_USTAR, &(struct tar_entry)FILE_("a", "1"));
	CU_ASSERT_EQUAL(extract_text(&tar), 0);
	CU_ASSERT_TRUE(is_layercase_wanted("f a=1"));
	/* wrong checksum */
	tar.data[0] ^= 1;
	CU_ASSERT_EQUAL(extract_text(&tar), -EBADMSG);
	/* a header that ends early */
	tar.len = 100;
	CU_ASSERT_EQUAL(extract_text(&tar), -EBADMSG);
	/* size fields */
	tar.len = 0;
	tar_add(&tar, TAR_GNU,
		&(struct tar_entry){ .name = "n",
				     .type = '0',
				     .raw_size = "\xff\xff\xff\xff\xff\xff"
						 "\xff\xff\xff\xff\xff\xff" });
	CU_ASSERT_TRUE(extract_text(&tar) < 0);
	tar.len = 0;
	tar_add(&tar, TAR_USTAR,
		&(struct tar_entry){
			.name = "n", .type = '0', .data = "x", .raw_size = "77777777777" });
	CU_ASSERT_TRUE(extract_text(&tar) < 0);
	/* a global pax header */
	tar.len = 0;
	tar_block(&tar, "g", 'g', "15 comment=hi!\n", 15);
	tar_add(&tar, TAR_USTAR, &(struct tar_entry)FILE_("a", "1"));
	tar_end(&tar);
	CU_ASSERT_EQUAL(extract_text(&tar), 0);
	CU_ASSERT_TRUE(is_layercase_wanted("f a=1"));
	/* recursive long names */
	tar.len = 0;
	for (int i = 0; i < 1000; i++)
		tar_block(&tar, "././@LongLink", 'L', "x", 2);
	tar_add(&tar, TAR_GNU, &(struct tar_entry)FILE_("a", "1"));
	(void)layercase_extract_default(&tar, NULL, &err); /* either way: it ends */
	buf_done(&tar);
}

static void test_huge_pax_header(void)
{
	struct buf tar = BUF_INIT(200U << 20);
	char *data = xcalloc(1, 100U << 20);

	memset(data, 'x', 100U << 20);
	memcpy(data, "104857600 comment=", 18);
	data[(100U << 20) - 1] = '\n';
	tar_block(&tar, "x", 'x', data, 100U << 20);
	tar_add(&tar, TAR_USTAR, &(struct tar_entry)FILE_("a", "1"));
	tar_end(&tar);
	CU_ASSERT_TRUE(extract_text(&tar) < 0);
	free(data);
	buf_done(&tar);
}

/* Cut at every block: never a success that made half a file, never a crash. */
static void test_truncated(void)
{
	struct buf tar = BUF_INIT(1 << 20);
	char big[3000];

	memset(big, 'b', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	for (int f = 0; f < TAR__COUNT; f++) {
		tar.len = 0;
		tar_add(&tar, (enum tar_format)f, &(struct tar_entry)DIR_("d/"));
		tar_add(&tar, (enum tar_format)f, &(struct tar_entry)FILE_("d/big", big));
		tar_add(&tar, (enum tar_format)f, &(struct tar_entry)SYM("d/l", "big"));
		for (size_t len = 0; len < tar.len; len += 512) {
			struct buf cut = { .data = tar.data, .len = len, .max = len };
			int r = extract_text(&cut);
			struct stat st;
			char *path = xasprintf("%s/d/big", layercase_root());

			if (r == 0 && lstat(path, &st) == 0)
				CU_ASSERT_EQUAL(st.st_size, 2999);
			CU_ASSERT_NOT_EQUAL(r, -EFAULT);
			free(path);
		}
	}
	buf_done(&tar);
}

static void test_twin(void)
{
	layercase_run_twin(&device, "LAYER-DEVICE");
}

static CU_TestInfo tests[] = { { "nodes", test_nodes },
			       { "modes and owners", test_modes_and_owners },
			       { "times", test_times },
			       { "extended attributes", test_attributes },
			       { "limits", test_limits },
			       { "structure", test_structure },
			       { "pax header of 100 MiB", test_huge_pax_header },
			       { "truncated at each block", test_truncated },
			       { "mutation twin", test_twin },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = {
	{ "layer_meta", layercase_begin, layercase_end, NULL, NULL, tests }, CU_SUITE_INFO_NULL
};
TEST_MAIN(suites)
