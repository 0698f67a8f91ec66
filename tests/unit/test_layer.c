/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_layer - the unpacker against hostile archives: names, links, whiteouts, nodes, modes,
 * limits.
 *
 * Theory of operation: every case is a list of tar entries, written as ustar, pax and GNU, unpacked
 * by layer_extract() in a child without any confinement (no pivot, no filter: the code alone must
 * hold). Beside the layer lies a canary tree; "@" in a name or target stands for its absolute path,
 * "../canary" reaches it too. A case passes when the result is the expected one, the wanted entries
 * are there, and the canary is unchanged to the last ctime. Each case runs a second time with every
 * entry as an archive of its own into the same directory, where only the canary is judged.
 *
 * Mutation twins: the cases of a defence run once more with PODIUM_WEAKEN naming it, and then the
 * canary (or the wanted entry) must differ: else the case would prove nothing.
 *
 * wanted: "f PATH=CONTENT", "l PATH=TARGET", "d PATH", "p PATH" (fifo), "w PATH" (whiteout),
 * "o PATH" (opaque), "- PATH" (nothing there), "m PATH=OCTAL", "u PATH=UID:GID", "n PATH=LINKS".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/image/layer.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"
#include "tests/support/tarmaker.h"

#define ENTRIES 9

struct layer_case {
	const char *name;
	struct tar_entry e[ENTRIES];
	int expect; /* 0, or the positive errno of the refusal */
	const char *want[6];
};

static char *temp, *root, *canary;

/* ---- one run ---------------------------------------------------------------------------- */

/* "@" becomes the canary's path. */
static char *expand(const char *s)
{
	struct buf b = BUF_INIT(65536);

	for (; *s; s++)
		if (*s == '@')
			buf_adds(&b, canary);
		else
			buf_addc(&b, *s);
	return buf_steal(&b);
}

static void add_expanded(struct buf *b, enum tar_format f, const struct tar_entry *e)
{
	struct tar_entry copy = *e;
	char *name = expand(e->name), *link = e->link ? expand(e->link) : NULL;

	copy.name = name;
	copy.link = link;
	tar_add(b, f, &copy);
	free(name);
	free(link);
}

static int make_memfd(const struct buf *b)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);

	if (fd < 0 || fs_write_all(fd, b->data ? b->data : "", b->len) < 0 ||
	    lseek(fd, 0, SEEK_SET))
		abort();
	return fd;
}

/* Unpacks into root in a child. Returns 0 or -errno; text gets the message. */
static int extract(const struct buf *tar, const struct layer_limits *limits, const char *weaken,
		   struct error *err, struct layer_stats *stats)
{
	struct {
		int r;
		struct error err;
		struct layer_stats stats;
	} *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	int infd = make_memfd(tar), status = 0, r;
	pid_t pid = fork();

	if (pid == 0) {
		int rootfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (weaken)
			(void)setenv("PODIUM_WEAKEN", weaken, 1);
		(void)umask(0);
		shared->r = layer_extract(infd, rootfd, limits, &shared->stats, &shared->err);
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	(void)close(infd);
	r = WIFEXITED(status) ? shared->r : -EFAULT;
	*err = shared->err;
	if (stats)
		*stats = shared->stats;
	(void)munmap(shared, sizeof(*shared));
	return r;
}

static int extract_default(const struct buf *tar, const char *weaken, struct error *err)
{
	struct layer_limits limits;

	layer_limits_default(&limits);
	return extract(tar, &limits, weaken, err, NULL);
}

static void fresh(void)
{
	struct error err;

	if (fs_remove_tree(AT_FDCWD, root, &err) < 0 || mkdir(root, 0755) < 0)
		abort();
}

/* ---- wanted entries --------------------------------------------------------------------- */

static bool is_content(const char *path, const char *text)
{
	struct error err;
	char *data = NULL;
	bool same = fs_read_file(AT_FDCWD, path, 1 << 20, &data, NULL, &err) == 0 &&
		    is_equal(data, text);

	free(data);
	return same;
}

static bool is_target(const char *path, const char *text)
{
	char data[4096];
	ssize_t n = readlink(path, data, sizeof(data) - 1);

	data[n > 0 ? n : 0] = '\0';
	return n > 0 && is_equal(data, text);
}

static bool is_opaque(const char *path)
{
	char value = '\0';

	return lgetxattr(path, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static bool is_stat_wanted(char kind, const struct stat *st, const char *value)
{
	char text[64];

	switch (kind) {
	case 'd':
		return S_ISDIR(st->st_mode);
	case 'p':
		return S_ISFIFO(st->st_mode);
	case 'w':
		return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
	case 'm':
		(void)snprintf(text, sizeof(text), "%o", (unsigned int)(st->st_mode & 07777));
		return is_equal(text, value);
	case 'u':
		(void)snprintf(text, sizeof(text), "%u:%u", (unsigned int)st->st_uid,
			       (unsigned int)st->st_gid);
		return is_equal(text, value);
	case 'n':
		(void)snprintf(text, sizeof(text), "%lu", (unsigned long)st->st_nlink);
		return is_equal(text, value);
	default:
		return false;
	}
}

static bool is_wanted(const char *want)
{
	char *path = xasprintf("%s/%s", root, want + 2), *value = strchr(path + strlen(root), '=');
	struct stat st;
	bool ok;

	if (value)
		*value++ = '\0';
	if (lstat(path, &st) < 0)
		ok = want[0] == '-';
	else if (want[0] == 'f')
		ok = S_ISREG(st.st_mode) && is_content(path, value);
	else if (want[0] == 'l')
		ok = is_target(path, value);
	else if (want[0] == 'o')
		ok = is_opaque(path);
	else
		ok = is_stat_wanted(want[0], &st, value);
	free(path);
	return ok;
}

static bool are_wanted(const struct layer_case *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->want) && c->want[i]; i++) {
		char *want = expand(c->want[i]);
		bool ok = is_wanted(want);

		if (!ok)
			printf("    %s: not as wanted: %s\n", c->name, want);
		free(want);
		if (!ok)
			return false;
	}
	return true;
}

/* ---- running cases ---------------------------------------------------------------------- */

static bool run_whole(const struct layer_case *c, enum tar_format f, const char *weaken)
{
	struct buf tar = BUF_INIT(64U << 20);
	struct error err = { .code = 0 };
	int r;

	fresh();
	for (size_t i = 0; i < ENTRIES && c->e[i].name; i++)
		add_expanded(&tar, f, &c->e[i]);
	tar_end(&tar);
	r = extract_default(&tar, weaken, &err);
	buf_done(&tar);
	if (weaken)
		return are_wanted(c);
	if (r != -c->expect)
		printf("    %s (format %d): %d (%s), wanted %d\n", c->name, (int)f, r,
		       r < 0 ? err.text : "", -c->expect);
	return r == -c->expect && are_wanted(c);
}

static void run_split(const struct layer_case *c, enum tar_format f)
{
	struct error err;

	fresh();
	for (size_t i = 0; i < ENTRIES && c->e[i].name; i++) {
		struct buf tar = BUF_INIT(64U << 20);

		add_expanded(&tar, f, &c->e[i]);
		tar_end(&tar);
		(void)extract_default(&tar, NULL, &err);
		buf_done(&tar);
	}
}

static void run_cases(const struct layer_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (int f = 0; f < TAR__COUNT; f++) {
			char *before = canary_record(canary), *after;

			CU_ASSERT_TRUE(run_whole(&cases[i], (enum tar_format)f, NULL));
			run_split(&cases[i], (enum tar_format)f);
			after = canary_record(canary);
			if (!is_equal(before, after))
				printf("    %s: the canary changed\n", cases[i].name);
			CU_ASSERT_STRING_EQUAL(before, after);
			free(before);
			free(after);
		}
}

/* With the defence switched off the case must show it. */
static void run_twin(const struct layer_case *c, const char *weaken)
{
	char *before = canary_record(canary), *after;
	bool as_wanted = run_whole(c, TAR_PAX, weaken);
	struct error err;

	after = canary_record(canary);
	if (as_wanted && is_equal(before, after))
		printf("    %s: passes without the defence %s\n", c->name, weaken);
	CU_ASSERT_FALSE(as_wanted && is_equal(before, after));
	free(before);
	free(after);
	/* what the weakened run did to the canary is undone for the next one */
	if (fs_remove_tree(AT_FDCWD, canary, &err) < 0)
		abort();
	canary_make(canary);
}

#define RUN(c) run_cases(c, ARRAY_SIZE(c))
#define FILE_(n, d)                               \
	{                                         \
		.name = n, .type = '0', .data = d \
	}
#define DIR_(n)                        \
	{                              \
		.name = n, .type = '5' \
	}
#define SYM(n, t)                                 \
	{                                         \
		.name = n, .type = '2', .link = t \
	}
#define HARD(n, t)                                \
	{                                         \
		.name = n, .type = '1', .link = t \
	}

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
		CU_ASSERT_TRUE(run_whole(&c[i], TAR_PAX, NULL));
		CU_ASSERT_TRUE(run_whole(&c[i], TAR_GNU, NULL));
	}
	component[255] = '\0';
	c[0].expect = 0;
	CU_ASSERT_TRUE(run_whole(&c[0], TAR_PAX, NULL));
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

	fresh();
	for (int i = 0; i < 41; i++) {
		char name[16], target[16];

		(void)snprintf(name, sizeof(name), "l%d", i);
		(void)snprintf(target, sizeof(target), i == 40 ? "/" : "l%d", i + 1);
		tar_add(&tar, TAR_PAX, &(struct tar_entry)SYM(name, target));
	}
	tar_add(&tar, TAR_PAX, &(struct tar_entry)FILE_("l0/x", "1"));
	tar_end(&tar);
	CU_ASSERT_EQUAL(extract_default(&tar, NULL, &err), -ELOOP);
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
	static const struct layer_case cases[] = {
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
	char *path = xasprintf("%s/d/x", root), *dir = xasprintf("%s/d", root), value = '\0';

	fresh();
	tar_add(&tar, TAR_PAX, &(struct tar_entry)FILE_("d/.wh.x", ""));
	tar_end(&tar);
	CU_ASSERT_EQUAL(extract_default(&tar, "LAYER-MKNOD", &err), 0);
	CU_ASSERT_EQUAL(lgetxattr(path, "user.overlay.whiteout", &value, 1), 1);
	CU_ASSERT_EQUAL(lgetxattr(dir, "user.overlay.opaque", &value, 1), 1);
	CU_ASSERT_EQUAL(value, 'x');
	/* a directory over such a whiteout hides what is below */
	tar.len -= 1024;
	tar_add(&tar, TAR_PAX, &(struct tar_entry)DIR_("d/x/"));
	tar_end(&tar);
	fresh();
	CU_ASSERT_EQUAL(extract_default(&tar, "LAYER-MKNOD", &err), 0);
	CU_ASSERT_TRUE(is_opaque(path));
	buf_done(&tar);
	free(path);
	free(dir);
}

/* ---- nodes, modes, owners, times -------------------------------------------------------- */

static const struct layer_case device = {
	"a disk",
	{ { .name = "dev/sda", .type = '4', .major = 8, .minor = 0 } },
	EPERM,
	{ "- dev/sda" },
};

static void test_nodes(void)
{
	static const struct layer_case cases[] = {
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
		CU_ASSERT_TRUE(run_whole(&wide[i], TAR_PAX, NULL));
		CU_ASSERT_TRUE(run_whole(&wide[i], TAR_GNU, NULL));
	}
}

static int64_t mtime_of(const char *name)
{
	char *path = xasprintf("%s/%s", root, name);
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
		CU_ASSERT_TRUE(run_whole(&c, (enum tar_format)f, NULL));
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
	char *path = xasprintf("%s/%s", root, name);
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

	CU_ASSERT_TRUE(run_whole(&overlay_attributes, TAR_PAX, NULL));
	CU_ASSERT_TRUE(attribute("d", "user.overlay.opaque", value, sizeof(value)) < 0);
	CU_ASSERT_TRUE(attribute("d", "user.overlay.redirect", value, sizeof(value)) < 0);
	CU_ASSERT_EQUAL(attribute("d", "user.mine", value, sizeof(value)), 4);
	CU_ASSERT_TRUE(run_whole(&c, TAR_PAX, NULL));
	CU_ASSERT_EQUAL(attribute("two", "security.capability", value, sizeof(value)), 20);
	/* version 3 becomes 2: the root id of some other machine's map is gone */
	CU_ASSERT_EQUAL(attribute("three", "security.capability", value, sizeof(value)), 20);
	CU_ASSERT_EQUAL(value[3], 2);
	CU_ASSERT_TRUE(attribute("three", "trusted.overlay.opaque", value, sizeof(value)) < 0);
	CU_ASSERT_TRUE(attribute("three", "security.selinux", value, sizeof(value)) < 0);
	CU_ASSERT_TRUE(attribute("three", "security.ima", value, sizeof(value)) < 0);
	CU_ASSERT_TRUE(attribute("bad", "security.capability", value, sizeof(value)) < 0);
	/* the twin */
	(void)run_whole(&overlay_attributes, TAR_PAX, "LAYER-XATTR");
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
	fresh();
	CU_ASSERT_EQUAL(extract(&tar, &small, NULL, &err, &stats), 0);
	CU_ASSERT_EQUAL(stats.entries, 11);
	CU_ASSERT_EQUAL(stats.bytes, 10);
	small.entries = 11;
	small.dirs = 10;
	small.bytes = 10;
	small.file_bytes = 10;
	fresh();
	CU_ASSERT_EQUAL(extract(&tar, &small, NULL, &err, &stats), 0);
	small.entries = 10;
	fresh();
	CU_ASSERT_EQUAL(extract(&tar, &small, NULL, &err, &stats), -E2BIG);
	small.entries = 11;
	small.dirs = 9;
	fresh();
	CU_ASSERT_EQUAL(extract(&tar, &small, NULL, &err, &stats), -E2BIG);
	small.dirs = 10;
	small.bytes = 9;
	fresh();
	CU_ASSERT_EQUAL(extract(&tar, &small, NULL, &err, &stats), -E2BIG);
	small.bytes = 10;
	small.file_bytes = 9;
	fresh();
	CU_ASSERT_EQUAL(extract(&tar, &small, NULL, &err, &stats), -E2BIG);
	buf_done(&tar);
}

/* ---- structure -------------------------------------------------------------------------- */

static int extract_text(const struct buf *tar)
{
	struct error err;

	fresh();
	return extract_default(tar, NULL, &err);
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
	CU_ASSERT_TRUE(is_wanted("- second"));
	/* no end marker */
	tar.len = 0;
	tar_add(&tar, TAR_USTAR, &(struct tar_entry)FILE_("a", "1"));
	CU_ASSERT_EQUAL(extract_text(&tar), 0);
	CU_ASSERT_TRUE(is_wanted("f a=1"));
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
	CU_ASSERT_TRUE(is_wanted("f a=1"));
	/* recursive long names */
	tar.len = 0;
	for (int i = 0; i < 1000; i++)
		tar_block(&tar, "././@LongLink", 'L', "x", 2);
	tar_add(&tar, TAR_GNU, &(struct tar_entry)FILE_("a", "1"));
	(void)extract_default(&tar, NULL, &err); /* either way: it ends */
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
			char *path = xasprintf("%s/d/big", root);

			if (r == 0 && lstat(path, &st) == 0)
				CU_ASSERT_EQUAL(st.st_size, 2999);
			CU_ASSERT_NOT_EQUAL(r, -EFAULT);
			free(path);
		}
	}
	buf_done(&tar);
}

/* ---- twins ------------------------------------------------------------------------------ */

static void test_twins(void)
{
	run_twin(&through_link, "LAYER-PARENT");
	run_twin(&swapped, "LAYER-PARENT");
	run_twin(&over_link, "LAYER-REPLACE");
	run_twin(&hard_out, "LAYER-HARDLINK");
	run_twin(&device, "LAYER-DEVICE");
}

static int begin(void)
{
	temp = temp_make();
	root = xasprintf("%s/root", temp);
	canary = xasprintf("%s/canary", temp);
	canary_make(canary);
	return 0;
}

static int end(void)
{
	temp_remove(temp);
	free(root);
	free(canary);
	return 0;
}

static CU_TestInfo tests[] = { { "names", test_names },
			       { "long names", test_long_names },
			       { "symbolic links", test_symlinks },
			       { "a chain of 41 links", test_link_chain },
			       { "hard links", test_hardlinks },
			       { "whiteouts", test_whiteouts },
			       { "whiteouts by attribute", test_whiteout_by_attribute },
			       { "nodes", test_nodes },
			       { "modes and owners", test_modes_and_owners },
			       { "times", test_times },
			       { "extended attributes", test_attributes },
			       { "limits", test_limits },
			       { "structure", test_structure },
			       { "pax header of 100 MiB", test_huge_pax_header },
			       { "truncated at each block", test_truncated },
			       { "mutation twins", test_twins },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "layer", begin, end, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
