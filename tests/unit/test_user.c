/* SPDX-License-Identifier: Apache-2.0 */
/* test_user - user strings and the image's user files. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/security/user.h"
#include "tests/support/cunit_main.h"

static char dir[32];
static int root = -EBADF;

static void set_up(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/podium-user-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL(mkdirat(root, "etc", 0755), 0);
}

static void tear_down(void)
{
	struct error err;

	(void)close(root);
	CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, dir, &err), 0);
}

static void put(const char *path, const char *text)
{
	struct error err;

	CU_ASSERT_EQUAL(fs_write_atomic(root, path, text, strlen(text), 0644, FS_NOSYNC, &err), 0);
}

/* ID-7: a number is exactly that number; nothing else looks like one. */
static void test_parse(void)
{
	static const char *const refused[] = { "4294967296",
					       "2147483648",
					       "-1",
					       "+0",
					       " 0",
					       "0 ",
					       "0x0",
					       "1e3",
					       "0:4294967296",
					       "0:-1",
					       ":",
					       ":0",
					       "a:",
					       "a:b:c",
					       "ro ot",
					       "root\t",
					       "99999999999999999999999999999999999999999999" };
	cleanup_free char *digits = xmalloc(401);
	struct user_ref r;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		CU_ASSERT_EQUAL(user_parse(refused[i], &r, &err), -EINVAL);
		CU_ASSERT(strlen(err.text) > 0);
	}
	memset(digits, '7', 400);
	digits[400] = '\0';
	CU_ASSERT_EQUAL(user_parse(digits, &r, &err), -EINVAL);
	CU_ASSERT_EQUAL(user_parse("00", &r, &err), 0);
	CU_ASSERT(r.has_user && r.user_is_number && r.uid == 0);
	CU_ASSERT_EQUAL(user_parse("2147483647:12", &r, &err), 0);
	CU_ASSERT(r.user_is_number && r.uid == 2147483647 && r.group_is_number && r.gid == 12);
	CU_ASSERT_EQUAL(user_parse("www-data:_ssh", &r, &err), 0);
	CU_ASSERT(!r.user_is_number && !r.group_is_number && r.has_group);
	CU_ASSERT_EQUAL(user_parse("", &r, &err), 0);
	CU_ASSERT_FALSE(r.has_user);
}

static bool resolves(const struct user_request *rq, const char *want)
{
	struct buf b = BUF_INIT(4096);
	struct identity id;
	struct error err;
	char *got;
	bool ok;

	if (user_resolve(root, rq, &id, &err) < 0) {
		buf_printf(&b, "error %s", strerrorname_np(err.code));
	} else {
		buf_printf(&b, "%u:%u %s", id.uid, id.gid, id.home);
		for (size_t i = 0; i < id.n_groups; i++)
			buf_printf(&b, " %u", id.groups[i]);
		identity_done(&id);
	}
	got = buf_steal(&b);
	ok = strcmp(got, want) == 0;
	if (!ok)
		printf("\ngot '%s', want '%s'", got, want);
	free(got);
	return ok;
}

static void test_resolve(void)
{
	struct strlist extra = { 0 };

	put("etc/passwd", "# comment\nroot:x:0:0:root:/root:/bin/sh\n\nshort:x:1\n"
			  "app:x:1000:2000:A:/home/app:\nbad:x:4294967296:0::/:\n"
			  "rel:x:5:5::relative:\nlast:x:7:8::/l");
	put("etc/group", "root:x:0:\nwheel:x:10:app,root\nappg:x:2000:\napplike:x:11:appx,xapp\n"
			 "end:x:12:app");
	CU_ASSERT(resolves(&(struct user_request){ 0 }, "0:0 /root 0 10"));
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "app" },
			   "1000:2000 /home/app 2000 10 12"));
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "app:wheel" },
			   "1000:10 /home/app 10"));
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "bad" }, "error ENOENT"));
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "app:none" }, "error ENOENT"));
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "rel" }, "5:5 / 5"));
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "last" }, "7:8 /l 8"));
	/* a number in the spec wins, and takes group and home of that user */
	CU_ASSERT(resolves(
		&(struct user_request){ .image_user = "last", .has_uid = true, .uid = 1000 },
		"1000:2000 /home/app 2000 10 12"));
	/* runAsGroup alone keeps the image's user */
	CU_ASSERT(
		resolves(&(struct user_request){ .image_user = "app", .has_gid = true, .gid = 77 },
			 "1000:77 /home/app 77 10 12"));
	CU_ASSERT(resolves(&(struct user_request){ .has_uid = true, .uid = 4000 }, "4000:0 / 0"));
	strlist_add(&extra, "2000");
	strlist_add(&extra, "555");
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "app",
						   .extra_groups = &extra,
						   .has_fs_group = true,
						   .fs_group = 999 },
			   "1000:2000 /home/app 2000 10 12 555 999"));
	strlist_add(&extra, "x");
	CU_ASSERT(resolves(&(struct user_request){ .extra_groups = &extra }, "error EINVAL"));
	strlist_done(&extra);
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "root", .non_root = true },
			   "error ENOKEY"));
	CU_ASSERT(resolves(&(struct user_request){ .non_root = true }, "error ENOKEY"));
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "app", .non_root = true },
			   "1000:2000 /home/app 2000 10 12"));
}

static void test_no_files(void)
{
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "12:13" }, "12:13 / 13"));
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "app" }, "error ENOENT"));
	CU_ASSERT(resolves(&(struct user_request){ 0 }, "0:0 / 0"));
}

/* ID-11: limits, and links that are clamped to the root. */
static void test_limits(void)
{
	cleanup_free char *big = xmalloc(2 << 20);
	cleanup_free char *line = xmalloc(100000);

	memset(big, 'a', (2 << 20) - 1);
	big[(2 << 20) - 1] = '\0';
	put("etc/passwd", big);
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "app" }, "error EFBIG"));
	memset(line, 'a', 99999);
	line[99999] = '\0';
	put("etc/passwd", line);
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "app" }, "error ENOENT"));
	CU_ASSERT_EQUAL(unlinkat(root, "etc/passwd", 0), 0);
	CU_ASSERT_EQUAL(symlinkat("/../../../../etc/passwd", root, "etc/passwd"), 0);
	CU_ASSERT(resolves(&(struct user_request){ .image_user = "root" }, "error ELOOP"));
}

static CU_TestInfo tests[] = {
	{ "ID-7 parse", test_parse },	 { "resolve", test_resolve }, { "no files", test_no_files },
	{ "ID-11 limits", test_limits }, CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "user", NULL, NULL, set_up, tear_down, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
