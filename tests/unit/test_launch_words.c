/* SPDX-License-Identifier: Apache-2.0 */
/* test_launch_words - the pure parts of a launch by hand: words of mounts, maps of ids, lines of user
 * files, masks that are left out. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "engine/base/mem.h"
#include "engine/process/userline.h"
#include "engine/rootfs/idmap.h"
#include "engine/rootfs/mask.h"
#include "engine/rootfs/mountwords.h"
#include "tests/support/cunit_main.h"

/* ---- words ------------------------------------------------------------------------------ */

static int split(struct mount_words *w, enum mount_words_kind kind, const char *text)
{
	struct error err;

	memset(w, 0, sizeof(*w));
	return mount_words_split(w, kind, text, &err);
}

/* VOL-8 */
static void test_words_refused(void)
{
	static const struct {
		enum mount_words_kind kind;
		const char *text;
	} rows[] = {
		{ MOUNT_WORDS_VOLUME, "rw,ro" },
		{ MOUNT_WORDS_VOLUME, "exec,noexec" },
		{ MOUNT_WORDS_VOLUME, "shared,slave" },
		{ MOUNT_WORDS_VOLUME, "foo" },
		{ MOUNT_WORDS_VOLUME, "size=1m" },
		{ MOUNT_WORDS_VOLUME, "upperdir=" },
		{ MOUNT_WORDS_VOLUME, "idmap=foo=1" },
		{ MOUNT_WORDS_VOLUME, "lowerdir=/etc" },
		{ MOUNT_WORDS_VOLUME, "context=x" },
		{ MOUNT_WORDS_TMPFS, "size" },
		{ MOUNT_WORDS_TMPFS, "size=" },
		{ MOUNT_WORDS_TMPFS, "source=/etc" },
		{ MOUNT_WORDS_TMPFS, "O" },
		{ MOUNT_WORDS_TMPFS, "idmap" },
		{ MOUNT_WORDS_PROC, "size=1" },
		{ MOUNT_WORDS_PROC, "slave" },
		{ MOUNT_WORDS_PROC, "hidepid" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_mount_words struct mount_words w;
		int r = split(&w, rows[i].kind, rows[i].text);

		if (r != -EINVAL)
			printf("'%s' is taken\n", rows[i].text);
		CU_ASSERT_EQUAL(r, -EINVAL);
	}
}

static void test_words(void)
{
	cleanup_mount_words struct mount_words w;
	cleanup_mount_words struct mount_words t;
	cleanup_mount_words struct mount_words p;

	CU_ASSERT_EQUAL(split(&w, MOUNT_WORDS_VOLUME,
			      "ro,ro,suid,noexec,U,z,O,upperdir=/a,workdir=/b,rslave,bind,"
			      "idmap=uids=0-1-2#5-6-7;gids=@3-4-5,nocopy"),
			0);
	CU_ASSERT(w.chown && w.relabel && w.overlay && w.single && w.idmap && w.no_copy);
	CU_ASSERT_STRING_EQUAL(w.upper_dir, "/a");
	CU_ASSERT_STRING_EQUAL(w.work_dir, "/b");
	CU_ASSERT_STRING_EQUAL(w.uids, "0-1-2#5-6-7");
	CU_ASSERT_STRING_EQUAL(w.gids, "@3-4-5");
	CU_ASSERT_EQUAL(w.propagation, MS_SLAVE);
	CU_ASSERT_EQUAL(mount_words_attrs(&w, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV),
			MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	CU_ASSERT_EQUAL(split(&t, MOUNT_WORDS_TMPFS, "size=1m,,mode=700,nr_inodes=5,exec,U,"), 0);
	CU_ASSERT_STRING_EQUAL(pairlist_get(&t.fs, "size"), "1m");
	CU_ASSERT_STRING_EQUAL(pairlist_get(&t.fs, "mode"), "700");
	CU_ASSERT_EQUAL(t.fs.n, 3);
	CU_ASSERT_EQUAL(split(&p, MOUNT_WORDS_PROC, "hidepid=2,exec"), 0);
	CU_ASSERT_EQUAL(mount_words_attrs(&p, MOUNT_ATTR_NOEXEC), 0);
}

/* ---- maps of ids ------------------------------------------------------------------------ */

static int parse(struct idmap *m, const char *a, const char *b)
{
	cleanup_strlist struct strlist l = { 0 };
	struct error err;

	strlist_add(&l, a);
	if (b)
		strlist_add(&l, b);
	return idmap_parse(m, &l, &err);
}

static void test_idmap(void)
{
	cleanup_free char *text = NULL;
	struct idmap m, again;
	struct error err;
	uint32_t id;

	CU_ASSERT_EQUAL(parse(&m, "0:100000:1000", "1000:5:1"), 0);
	CU_ASSERT(idmap_out(&m, 999, &id) && id == 100999);
	CU_ASSERT(idmap_out(&m, 1000, &id) && id == 5);
	CU_ASSERT(!idmap_out(&m, 1001, &id));
	CU_ASSERT(idmap_in(&m, 100000, &id) && id == 0);
	CU_ASSERT(!idmap_in(&m, 0, &id));
	text = idmap_text(&m);
	CU_ASSERT_STRING_EQUAL(text, "0 100000 1000\n1000 5 1\n");
	CU_ASSERT_EQUAL(idmap_read(&again, "      1000     5   1\n 0 100000 1000\n", &err), 0);
	CU_ASSERT(is_same_idmap(&m, &again));
	m.n = 0;
	CU_ASSERT(idmap_out(&m, 77, &id) && id == 77);
}

static void test_idmap_refused(void)
{
	static const char *const rows[][2] = {
		{ "0:1", NULL },
		{ "0:1:0", NULL },
		{ "0:1:2:3", NULL },
		{ "a:1:2", NULL },
		{ "-1:1:2", NULL },
		{ "0:4294967295:1", NULL },
		{ "0:4294967290:10", NULL },
		{ "4294967290:0:10", NULL },
		{ "0:100:10", "9:500:10" },
		{ "0:100:10", "50:109:10" },
	};
	struct idmap m;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT_EQUAL(parse(&m, rows[i][0], rows[i][1]), -EINVAL);
}

/* ---- lines of user files ---------------------------------------------------------------- */

static char *passwd_line(const char *pattern, const char *home)
{
	const struct identity who = { .uid = 12, .gid = 34 };
	struct error err = { 0 };
	char *line = NULL;

	return userline_passwd(&who, pattern, home, &line, &err) < 0 ? xstrdup("refused") : line;
}

#define CHECK_LINE(pattern, home, want)                                    \
	do {                                                               \
		cleanup_free char *line_ = passwd_line((pattern), (home)); \
		CU_ASSERT_STRING_EQUAL(line_, (want));                     \
	} while (0)

/* ID-10 */
static void test_lines(void)
{
	const struct identity who = { .uid = 12, .gid = 34 };
	cleanup_free char *line = NULL;
	struct error err;

	CHECK_LINE(NULL, "/w", "12:*:12:34:container user:/w:/bin/sh");
	CHECK_LINE("$USERNAME:x:$UID:$GID:$NAME:$HOME:/bin/x\n", "/w",
		   "12:x:12:34:container user:/w:/bin/x");
	CHECK_LINE("a:$UIDx:$", "/w", "a:12x:$");
	CHECK_LINE("$HOME", "/$UID", "/$UID");
	CHECK_LINE("a\nroot::0:0::/:/bin/sh", "/w", "refused");
	CHECK_LINE("a\rb", "/w", "refused");
	CHECK_LINE(NULL, "/w\nroot::0:0::/:/bin/sh", "refused");
	CHECK_LINE(NULL, "/w:/bin/evil", "refused");
	CHECK_LINE(NULL, "/w\x7f", "refused");
	CU_ASSERT_EQUAL(userline_group(&who, NULL, &line, &err), 0);
	CU_ASSERT_STRING_EQUAL(line, "34:x:34:12");
}

/* ---- masks ------------------------------------------------------------------------------ */

static bool unmasked(const char *path, const char *glob)
{
	cleanup_strlist struct strlist l = { 0 };

	strlist_add(&l, glob);
	return is_unmasked(path, &l);
}

static void test_masks(void)
{
	CU_ASSERT(unmasked("/proc/kcore", "ALL") && unmasked("/proc/kcore", "all"));
	CU_ASSERT(unmasked("/proc/kcore", "/proc/kcore") && unmasked("/proc/kcore", "/proc/k*"));
	CU_ASSERT(unmasked("/proc/kcore", "/proc/*"));
	CU_ASSERT(!unmasked("/sys/devices/virtual/powercap", "/sys/*"));
	CU_ASSERT(!unmasked("/proc/kcore", "/proc") && !unmasked("/proc/kcore", ""));
	CU_ASSERT(!is_unmasked("/proc/kcore", NULL));
}

static CU_TestInfo tests[] = {
	{ "words", test_words },
	{ "VOL-8 refused words", test_words_refused },
	{ "maps", test_idmap },
	{ "refused maps", test_idmap_refused },
	{ "ID-10 lines", test_lines },
	{ "masks", test_masks },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "launch words", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
