/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layercase - runs a table of hostile archives.
 *
 * Theory of operation: every case is a list of tar entries, written as ustar, pax and GNU, unpacked
 * by layer_extract() in a child without any confinement (no pivot, no filter: the code alone must
 * hold). Beside the layer lies a canary tree. A case passes when the result is the expected one,
 * the wanted entries are there, and the canary is unchanged to the last ctime. Each case runs a
 * second time with every entry as an archive of its own into the same directory, where only the
 * canary is judged. A mutation twin runs a case with PODIUM_WEAKEN naming one defence: then the
 * canary or a wanted entry must differ, else the case would prove nothing.
 */
#include "tests/support/layercase.h"

#include <CUnit/Basic.h>
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

static char *temp, *root, *canary;

const char *layercase_root(void)
{
	return root;
}

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
int layercase_extract(const struct buf *tar, const struct layer_limits *limits, const char *weaken,
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

int layercase_extract_default(const struct buf *tar, const char *weaken, struct error *err)
{
	struct layer_limits limits;

	layer_limits_default(&limits);
	return layercase_extract(tar, &limits, weaken, err, NULL);
}

void layercase_fresh(void)
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

bool is_layercase_opaque(const char *path)
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

bool is_layercase_wanted(const char *want)
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
		ok = is_layercase_opaque(path);
	else
		ok = is_stat_wanted(want[0], &st, value);
	free(path);
	return ok;
}

static bool are_wanted(const struct layer_case *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->want) && c->want[i]; i++) {
		char *want = expand(c->want[i]);
		bool ok = is_layercase_wanted(want);

		if (!ok)
			printf("    %s: not as wanted: %s\n", c->name, want);
		free(want);
		if (!ok)
			return false;
	}
	return true;
}

/* ---- running cases ---------------------------------------------------------------------- */

bool layercase_run(const struct layer_case *c, enum tar_format f, const char *weaken)
{
	struct buf tar = BUF_INIT(64U << 20);
	struct error err = { .code = 0 };
	int r;

	layercase_fresh();
	for (size_t i = 0; i < LAYERCASE_ENTRIES && c->e[i].name; i++)
		add_expanded(&tar, f, &c->e[i]);
	tar_end(&tar);
	r = layercase_extract_default(&tar, weaken, &err);
	buf_done(&tar);
	if (weaken) /* taken where it must be refused is not as wanted, whatever lies there */
		return (r < 0) == (c->expect != 0) && are_wanted(c);
	if (r != -c->expect)
		printf("    %s (format %d): %d (%s), wanted %d\n", c->name, (int)f, r,
		       r < 0 ? err.text : "", -c->expect);
	return r == -c->expect && are_wanted(c);
}

static void run_split(const struct layer_case *c, enum tar_format f)
{
	struct error err;

	layercase_fresh();
	for (size_t i = 0; i < LAYERCASE_ENTRIES && c->e[i].name; i++) {
		struct buf tar = BUF_INIT(64U << 20);

		add_expanded(&tar, f, &c->e[i]);
		tar_end(&tar);
		(void)layercase_extract_default(&tar, NULL, &err);
		buf_done(&tar);
	}
}

void layercase_run_all(const struct layer_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (int f = 0; f < TAR__COUNT; f++) {
			char *before = canary_record(canary), *after;

			CU_ASSERT_TRUE(layercase_run(&cases[i], (enum tar_format)f, NULL));
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
void layercase_run_twin(const struct layer_case *c, const char *weaken)
{
	char *before = canary_record(canary), *after;
	bool as_wanted = layercase_run(c, TAR_PAX, weaken);
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

int layercase_begin(void)
{
	temp = temp_make();
	root = xasprintf("%s/root", temp);
	canary = xasprintf("%s/canary", temp);
	canary_make(canary);
	return 0;
}

int layercase_end(void)
{
	temp_remove(temp);
	free(root);
	free(canary);
	return 0;
}
