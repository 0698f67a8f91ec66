/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_layer - the unpacker against hostile archives: names, links, whiteouts.
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

/* ---- names ------------------------------------------------------------------------------ */

static void test_names(void)
{
	static const struct layer_case cases[] = {
		{ "absolute", { FILE_("/etc/x", "1") }, 0, { "f etc/x=1" } },
		{ "absolute canary", { FILE_("@/file", "evil") }, 0, { "f @/file=evil" } },
		{ "up and out", { FILE_("../canary/file", "evil") }, 0, { "f canary/file=evil" } },
		{ "far up", { FILE_("../../../../../../../../x", "1") }, 0, { "f x=1" } },
		{ "up inside", { FILE_("a/../../b", "1") }, 0, { "f b=1", "- a" } },
		{ "dot as a file", { FILE_(".", "1") }, EBADMSG, { NULL } },
		{ "slash as a link", { SYM("/", "@") }, EBADMSG, { "d ." } },
		{ "dot-slash-dot as a link", { SYM("./.", "@") }, EBADMSG, { "d ." } },
		{ "dot as a hard link", { HARD(".", "x") }, EBADMSG, { NULL } },
		{ "dot as a fifo", { { .name = ".", .type = '6' } }, EBADMSG, { NULL } },
		{ "dotdot as a link", { SYM("..", "@") }, EBADMSG, { "d ." } },
		{ "control bytes", { FILE_("a\nb\x1b\xff", "1") }, 0, { "f a\nb\x1b\xff=1" } },
		{ "latin-1", { FILE_("n\xfc", "1") }, 0, { "f n\xfc=1" } },
		{ "composed and decomposed",
		  { FILE_("\xc3\xa9", "1"), FILE_("e\xcc\x81", "2") },
		  0,
		  { "f \xc3\xa9=1", "f e\xcc\x81=2" } },
		{ "twice", { FILE_("a", "1"), FILE_("a", "2") }, 0, { "f a=2" } },
		{ "file, then directory",
		  { FILE_("a", "1"), DIR_("a/"), FILE_("a/b", "2") },
		  0,
		  { "d a", "f a/b=2" } },
		{ "directory, then file",
		  { DIR_("a/"), FILE_("a/b", "2"), FILE_("a", "1") },
		  0,
		  { "f a=1" } },
		{ "below a file", { FILE_("a", "1"), FILE_("a/b", "2") }, ENOTDIR, { "f a=1" } },
		{ "no entry for the parent",
		  { FILE_("a/b/c", "1") },
		  0,
		  { "m a/b=755", "f a/b/c=1" } },
	};

	RUN(cases);
}

static void test_long_names(void)
{
	static char component[300], path[6000], deep[3000];
	struct layer_case c[] = {
		{ "component of 256", { FILE_(component, "1") }, E2BIG, { NULL } },
		{ "path of 5000", { FILE_(path, "1") }, E2BIG, { NULL } },
		{ "1000 components", { FILE_(deep, "1") }, E2BIG, { NULL } },
	};

	memset(component, 'a', 256);
	memset(path, 'b', 5000);
	for (int i = 200; i < 5000; i += 200)
		path[i] = '/';
	for (int i = 0; i < 2000; i += 2)
		memcpy(deep + i, "d/", 2);
	memcpy(deep + 2000, "x", 2);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		CU_ASSERT_TRUE(layercase_run(&c[i], TAR_PAX, NULL));
		CU_ASSERT_TRUE(layercase_run(&c[i], TAR_GNU, NULL));
	}
	component[255] = '\0';
	c[0].expect = 0;
	CU_ASSERT_TRUE(layercase_run(&c[0], TAR_PAX, NULL));
}

/* ---- symbolic links --------------------------------------------------------------------- */

static const struct layer_case through_link = {
	"file through an absolute link",
	{ SYM("l", "@"), FILE_("l/file", "evil") },
	0,
	{ "l l=@" },
};
static const struct layer_case over_link = {
	"file over a link to the canary",
	{ SYM("l", "@/file"), FILE_("l", "mine") },
	0,
	{ "f l=mine" },
};
static const struct layer_case swapped = {
	"same archive: directory, file, link of that name, file",
	{ DIR_("d/"), FILE_("d/a", "1"), SYM("d", "@"), FILE_("d/file", "evil") },
	0,
	{ "l d=@" },
};

static void test_symlinks(void)
{
	/* The target exists inside the root only when the archive makes it: a chroot would see a
	 * dangling link, so making something behind it is refused. */
	static const struct layer_case cases[] = {
		{ "to root", { SYM("l", "/"), FILE_("l/x", "1") }, 0, { "f x=1", "l l=/" } },
		{ "dangling to the canary",
		  { SYM("l", "@"), FILE_("l/file", "evil") },
		  ENOTDIR,
		  { "l l=@" } },
		{ "to the canary's path inside",
		  { DIR_("@/"), SYM("l", "@"), FILE_("l/file", "evil") },
		  0,
		  { "f @/file=evil" } },
		{ "up and out",
		  { SYM("l", "../canary"), FILE_("l/file", "evil") },
		  ENOTDIR,
		  { NULL } },
		{ "up and out, inside",
		  { DIR_("canary/"), SYM("l", "../../canary"), FILE_("l/file", "evil") },
		  0,
		  { "f canary/file=evil" } },
		{ "loop", { SYM("a", "b"), SYM("b", "a"), FILE_("a/x", "1") }, ELOOP, { NULL } },
		{ "self", { SYM("a", "a"), FILE_("a/x", "1") }, ELOOP, { NULL } },
		{ "directory through a link",
		  { SYM("l", "@"), DIR_("l/sub/") },
		  ENOTDIR,
		  { "l l=@" } },
		{ "hard link through a link",
		  { FILE_("x", "1"), SYM("l", "@"), HARD("l/h", "x") },
		  ENOTDIR,
		  { NULL } },
		{ "hard link from behind a link",
		  { SYM("l", "@"), HARD("h", "l/file") },
		  ENOENT,
		  { "- h" } },
		{ "whiteout through a link",
		  { SYM("l", "@"), FILE_("l/.wh.file", "") },
		  ENOTDIR,
		  { NULL } },
		{ "opaque through a link",
		  { SYM("l", "@"), FILE_("l/.wh..wh..opq", "") },
		  ENOTDIR,
		  { NULL } },
		{ "mode through a link",
		  { SYM("l", "@/file"), { .name = "l", .type = '0', .mode = 06777 } },
		  0,
		  { "m l=6777" } },
		{ "device through a link",
		  { SYM("l", "@"), { .name = "l/null", .type = '3', .major = 1, .minor = 3 } },
		  ENOTDIR,
		  { NULL } },
	};

	RUN(cases);
}

static void test_replaced_links(void)
{
	const struct layer_case cases[] = {
		{ "link over a full directory",
		  { DIR_("d/"), FILE_("d/x", "1"), SYM("d", "@") },
		  0,
		  { "l d=@" } },
		{ "directory over a link",
		  { SYM("d", "@"), DIR_("d/"), FILE_("d/file", "mine") },
		  0,
		  { "d d", "f d/file=mine" } },
		{ "fifo over a link",
		  { SYM("d", "@/fifo"), { .name = "d", .type = '6' } },
		  0,
		  { "p d" } },
		over_link,
		{ "same archive swap",
		  { DIR_("d/"), FILE_("d/a", "1"), SYM("d", "@"), FILE_("d/file", "evil") },
		  ENOTDIR,
		  { "l d=@" } },
		{ "same archive swap by a file over a link",
		  { DIR_("real/"), SYM("d", "real"), FILE_("d/a", "1"), FILE_("d", "2"),
		    FILE_("d/b", "3") },
		  ENOTDIR,
		  { "f d=2", "f real/a=1", "- real/b" } },
		{ "/var/run to /run",
		  { DIR_("run/"), DIR_("var/"), SYM("var/run", "/run"), FILE_("var/run/x", "1") },
		  0,
		  { "f run/x=1", "l var/run=/run" } },
	};

	RUN(cases);
}

static void test_link_chain(void)
{
	struct buf tar = BUF_INIT(1 << 20);
	struct error err;

	layercase_fresh();
	for (int i = 0; i < 41; i++) {
		char name[16], target[16];

		(void)snprintf(name, sizeof(name), "l%d", i);
		(void)snprintf(target, sizeof(target), i == 40 ? "/" : "l%d", i + 1);
		tar_add(&tar, TAR_PAX, &(struct tar_entry)SYM(name, target));
	}
	tar_add(&tar, TAR_PAX, &(struct tar_entry)FILE_("l0/x", "1"));
	tar_end(&tar);
	CU_ASSERT_EQUAL(layercase_extract_default(&tar, NULL, &err), -ELOOP);
	buf_done(&tar);
}

/* ---- hard links ------------------------------------------------------------------------- */

static const struct layer_case hard_out = {
	"hard link behind a planted link",
	{ SYM("l", "@"), HARD("h", "l/file") },
	ENOENT,
	{ "- h" },
};

static void test_hardlinks(void)
{
	const struct layer_case cases[] = {
		{ "plain", { FILE_("a", "1"), HARD("b", "a") }, 0, { "f b=1", "n a=2", "n b=2" } },
		{ "absolute target", { FILE_("d/a", "1"), HARD("b", "/d/a") }, 0, { "f b=1" } },
		{ "absolute canary", { HARD("b", "@/file") }, ENOENT, { "- b" } },
		{ "up and out", { HARD("b", "../canary/file") }, ENOENT, { "- b" } },
		hard_out,
		{ "to a link", { SYM("l", "@/file"), HARD("b", "l") }, EBADMSG, { "- b" } },
		{ "to a directory", { DIR_("d/"), HARD("b", "d") }, EBADMSG, { "- b" } },
		{ "to the root", { HARD("b", "/") }, EBADMSG, { "- b" } },
		{ "to a later entry", { HARD("b", "a"), FILE_("a", "1") }, ENOENT, { "- b" } },
		{ "to itself", { HARD("b", "b") }, ENOENT, { "- b" } },
		{ "to itself, existing",
		  { FILE_("b", "1"), HARD("b", "b") },
		  0,
		  { "f b=1", "n b=1" } },
		{ "to a fifo",
		  { { .name = "p", .type = '6' }, HARD("b", "p") },
		  EBADMSG,
		  { "- b" } },
		{ "carries no mode or owner",
		  { FILE_("a", "1"),
		    { .name = "b", .type = '1', .link = "a", .mode = 06777, .uid = 7 } },
		  0,
		  { "m a=644", "u a=0:0" } },
		{ "over a link to the canary",
		  { FILE_("a", "1"), SYM("l", "@/file"), HARD("l", "a") },
		  0,
		  { "f l=1", "n a=2" } },
		{ "busybox style",
		  { DIR_("bin/"), FILE_("bin/[", "x"), HARD("bin/cp", "bin/["),
		    HARD("bin/ls", "bin/[") },
		  0,
		  { "n bin/[=3", "f bin/ls=x" } },
	};

	RUN(cases);
}

/* ---- whiteouts -------------------------------------------------------------------------- */

static void test_whiteouts(void)
{
	static const struct layer_case cases[] = {
		{ "plain", { DIR_("d/"), FILE_("d/.wh.x", "") }, 0, { "w d/x", "- d/.wh.x" } },
		{ "in root", { FILE_(".wh.etc", "") }, 0, { "w etc" } },
		{ "parent made", { FILE_("a/b/.wh.x", "") }, 0, { "w a/b/x" } },
		{ "opaque", { DIR_("d/"), FILE_("d/.wh..wh..opq", "") }, 0, { "o d" } },
		{ "opaque root", { FILE_(".wh..wh..opq", "") }, 0, { "o ." } },
		{ "opaque twice",
		  { FILE_("d/.wh..wh..opq", ""), FILE_("d/.wh..wh..opq", "") },
		  0,
		  { "o d" } },
		{ "opaque after a sibling",
		  { FILE_("d/a", "1"), FILE_("d/.wh..wh..opq", ""), FILE_("d/b", "2") },
		  0,
		  { "o d", "f d/a=1", "f d/b=2" } },
		{ "nothing named", { FILE_("d/.wh.", "") }, EBADMSG, { NULL } },
		{ "dot", { FILE_("d/.wh..", "") }, EBADMSG, { NULL } },
		{ "dotdot", { FILE_("d/.wh...", "") }, EBADMSG, { NULL } },
		{ "dotdot and up", { FILE_("d/.wh.../..", "") }, 0, { "- d/.wh..." } },
		{ "as a parent", { FILE_(".wh.a/b", "") }, 0, { "f .wh.a/b=" } },
		{ "unknown mark", { FILE_(".wh..wh.plnk", "") }, EBADMSG, { NULL } },
		{ "a directory", { DIR_(".wh.x/") }, EBADMSG, { "- x" } },
		{ "a symbolic link", { SYM(".wh.x", "@") }, EBADMSG, { "- x" } },
		{ "with data", { FILE_(".wh.x", "data") }, EBADMSG, { "- x" } },
		{ "hard links, as aufs wrote them",
		  { FILE_(".wh.x", ""), HARD(".wh.y", ".wh.x") },
		  0,
		  { "w x", "w y" } },
		{ "then a file", { FILE_(".wh.x", ""), FILE_("x", "1") }, 0, { "f x=1" } },
		{ "after a file", { FILE_("x", "1"), FILE_(".wh.x", "") }, 0, { "f x=1" } },
		{ "then a directory",
		  { FILE_(".wh.x", ""), DIR_("x/"), FILE_("x/a", "1") },
		  0,
		  { "d x", "o x", "f x/a=1" } },
		{ "after a directory",
		  { DIR_("x/"), FILE_("x/a", "1"), FILE_(".wh.x", "") },
		  0,
		  { "o x", "f x/a=1" } },
		{ "hard link to a whiteout",
		  { FILE_(".wh.x", ""), HARD("y", "x") },
		  EBADMSG,
		  { "- y" } },
	};

	RUN(cases);
}

static void test_whiteout_by_attribute(void)
{
	struct buf tar = BUF_INIT(1 << 20);
	struct error err;
	char *path = xasprintf("%s/d/x", layercase_root()),
	     *dir = xasprintf("%s/d", layercase_root()), value = '\0';

	layercase_fresh();
	tar_add(&tar, TAR_PAX, &(struct tar_entry)FILE_("d/.wh.x", ""));
	tar_end(&tar);
	CU_ASSERT_EQUAL(layercase_extract_default(&tar, "LAYER-MKNOD", &err), 0);
	CU_ASSERT_EQUAL(lgetxattr(path, "user.overlay.whiteout", &value, 1), 1);
	CU_ASSERT_EQUAL(lgetxattr(dir, "user.overlay.opaque", &value, 1), 1);
	CU_ASSERT_EQUAL(value, 'x');
	/* a directory over such a whiteout hides what is below */
	tar.len -= 1024;
	tar_add(&tar, TAR_PAX, &(struct tar_entry)DIR_("d/x/"));
	tar_end(&tar);
	layercase_fresh();
	CU_ASSERT_EQUAL(layercase_extract_default(&tar, "LAYER-MKNOD", &err), 0);
	CU_ASSERT_TRUE(is_layercase_opaque(path));
	buf_done(&tar);
	free(path);
	free(dir);
}

/* The name of the layer's own root (ROOT-9). */
static const struct layer_case root_link = {
	"root as a link", { SYM("./", "@"), FILE_("file", "mine") }, EBADMSG, { "d ." }
};
static const struct layer_case root_file = {
	"root as a file", { FILE_("./.", "1") }, EBADMSG, { "d ." }
};

static void test_root(void)
{
	static const struct layer_case closed = {
		"root of mode 0",
		{ { .name = "./", .type = '5', .mode = 01000 }, FILE_("file", "mine") },
		0,
		{ "d .", "f file=mine" },
	};
	const struct layer_case cases[] = { root_link, root_file, closed };

	RUN(cases);
}

/* ---- twins ------------------------------------------------------------------------------ */

static void test_twins(void)
{
	layercase_run_twin(&through_link, "LAYER-PARENT");
	layercase_run_twin(&swapped, "LAYER-PARENT");
	layercase_run_twin(&over_link, "LAYER-REPLACE");
	layercase_run_twin(&hard_out, "LAYER-HARDLINK");
	layercase_run_twin(&root_link, "ROOT-9");
	layercase_run_twin(&root_file, "ROOT-9");
}

static CU_TestInfo tests[] = { { "names", test_names },
			       { "long names", test_long_names },
			       { "symbolic links", test_symlinks },
			       { "replaced links", test_replaced_links },
			       { "a chain of 41 links", test_link_chain },
			       { "hard links", test_hardlinks },
			       { "whiteouts", test_whiteouts },
			       { "whiteouts by attribute", test_whiteout_by_attribute },
			       { "the root's own name", test_root },
			       { "mutation twins", test_twins },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "layer", layercase_begin, layercase_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
