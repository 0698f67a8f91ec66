/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout - opens and checks the two trees.
 *
 * Theory of operation: ROOT and RUNROOT are opened once; every later access is relative to their
 * descriptors. When a tree is opened for writing its directories are made (0700) and verified by
 * descriptor: a directory, ours, not writable by others. A directory that was there before and can
 * be read by others is closed to them only when it is empty or ours already: `--root /` must not
 * change the mode of /. A read-only command on a store that does
 * not exist sees empty trees and makes nothing. The layout number is one line in ROOT/version; an
 * absent file is written, a larger number is refused for writing.
 */
#include "engine/state/layout.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/state/etclayer.h"

static const char *const root_dirs[] = { "images", "layers", "pods",   "containers",
					 "names",  "locks",  "seccomp" };
static const char *const run_dirs[] = { "pods", "containers", "net", "locks" };

/* Absolute form of the path asked for, or the default. */
static char *choose_path(const char *asked, const char *system_default, const char *env,
			 const char *below_home)
{
	const char *base = getenv(env);

	if (asked && *asked == '/')
		return xstrdup(asked);
	if (!is_empty(asked)) {
		cleanup_free char *cwd = getcwd(NULL, 0);

		return xasprintf("%s/%s", cwd ? cwd : "", asked);
	}
	if (geteuid() == 0)
		return xstrdup(system_default);
	if (base && *base == '/')
		return xasprintf("%s/podium", base);
	base = getenv("HOME");
	return xasprintf("%s/%s", base && *base == '/' ? base : "", below_home);
}

/* True for a directory that is empty, or one of our trees: never "/" or a home by mistake. */
static bool is_ours_to_close(int fd)
{
	struct stat st;
	DIR *d;
	const struct dirent *e;
	size_t n = 0;
	int copy;

	if (fstatat(fd, "locks", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d) {
		if (copy >= 0)
			(void)close(copy);
		return false;
	}
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		     strcmp(e->d_name, "lost+found") != 0;
	(void)closedir(d);
	return n == 0;
}

/* Ours, and what others could write to is not trusted. What they could read is closed to them, on
 * the first command that writes. */
static int check_top(int fd, const char *path, bool make, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat '%s'", path);
	if (WEAKEN("LAY-3"))
		return 0;
	if (st.st_uid != geteuid())
		return error_set(err, EPERM, "'%s' belongs to another user (uid %u)", path,
				 (unsigned int)st.st_uid);
	if (st.st_mode & 0022)
		return error_set(err, EPERM, "'%s' can be written by others (mode %04o)", path,
				 st.st_mode & 07777);
	if (!make || !(st.st_mode & 0077))
		return 0;
	if (!is_ours_to_close(fd))
		return error_set(err, EPERM,
				 "'%s' is open to others and holds what is not podium's: "
				 "choose an empty directory",
				 path);
	if (fchmod(fd, 0700) < 0 && errno != EROFS)
		return error_errno(err, "close '%s' to others", path);
	return 0;
}

/* Opens a tree's top directory; makes it when asked. -ENOENT when it is not there. */
static int open_tree_top(const char *path, bool make, struct error *err)
{
	cleanup_close int fd = -EBADF;
	int r;

	if (make) {
		cleanup_close int made = fs_mkdirs(AT_FDCWD, path, 0700, err);

		if (made < 0)
			return made;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open '%s'", path);
	r = check_top(fd, path, make, err);
	return r < 0 ? r : steal_fd(&fd);
}

static int make_dirs(int topfd, const char *const *names, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct stat st;

		if (mkdirat(topfd, names[i], 0700) < 0 && errno != EEXIST)
			return error_errno(err, "create directory '%s'", names[i]);
		if ((fstatat(topfd, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		     !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022)) &&
		    !WEAKEN("LAY-3"))
			return error_set(err, EPERM, "'%s' in the store is not a directory of ours",
					 names[i]);
	}
	return 0;
}

static int check_version(int rootfd, struct error *err)
{
	cleanup_free char *text = NULL;
	char line[16];
	uint64_t version = 0;
	int r;

	struct error scratch;

	r = fs_read_file(rootfd, "version", 64, &text, NULL, &scratch);
	if (r == -ENOENT) {
		(void)snprintf(line, sizeof(line), "%d\n", LAYOUT_VERSION);
		return fs_write_atomic(rootfd, "version", line, strlen(line), 0600, FS_NOSYNC, err);
	}
	if (r < 0) {
		*err = scratch;
		return r;
	}
	text[strcspn(text, "\n")] = '\0';
	if (parse_u64(text, 1000000, &version) < 0)
		return error_set(err, EBADMSG, "'version' of the store is corrupt");
	if (version > LAYOUT_VERSION)
		return error_set(err, EPROTO,
				 "the store has layout %llu, this podium knows %d: "
				 "use a newer podium",
				 (unsigned long long)version, LAYOUT_VERSION);
	return 0;
}

static int prepare_for_writing(struct store *s, struct error *err)
{
	struct stat st;
	int r;

	/* One stat tells that the trees are there already. */
	if (fstatat(s->runfd, "locks", &st, 0) == 0 && fstatat(s->rootfd, "version", &st, 0) == 0)
		return check_version(s->rootfd, err);
	r = make_dirs(s->rootfd, root_dirs, ARRAY_SIZE(root_dirs), err);
	if (r == 0)
		r = make_dirs(s->runfd, run_dirs, ARRAY_SIZE(run_dirs), err);
	if (r == 0)
		etclayer_make(s->rootfd);
	if (r == 0)
		r = check_version(s->rootfd, err);
	return r;
}

int store_open(const char *root, const char *runroot, enum store_mode mode, struct store *ret,
	       struct error *err)
{
	struct store s = { .rootfd = -EBADF, .runfd = -EBADF };
	bool make = mode == STORE_WRITE;
	struct error why = { 0 };
	int r;

	s.root = choose_path(root, LAYOUT_ROOT_DEFAULT, "XDG_DATA_HOME", ".local/share/podium");
	s.runroot = choose_path(runroot, LAYOUT_RUNROOT_DEFAULT, "XDG_RUNTIME_DIR",
				".local/share/podium-run");
	s.rootfd = r = open_tree_top(s.root, make, &why);
	if (r >= 0 || (!make && r == -ENOENT))
		s.runfd = r = open_tree_top(s.runroot, make, &why);
	if (r >= 0 && make)
		r = prepare_for_writing(&s, &why);
	if (r < 0 && !(r == -ENOENT && !make)) {
		store_close(&s);
		*err = why;
		return r;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (s->rootfd >= 0)
		(void)close(s->rootfd);
	if (s->runfd >= 0)
		(void)close(s->runfd);
	free(s->root);
	free(s->runroot);
	*s = (struct store){ .rootfd = -EBADF, .runfd = -EBADF };
}

static char *join(char *buf, const char *kind, const char *id, const char *file)
{
	int n = snprintf(buf, LAYOUT_PATH_MAX, "%s/%s%s%s", kind, id, file ? "/" : "",
			 file ? file : "");

	assert(n > 0 && n < LAYOUT_PATH_MAX);
	return buf;
}

char *layout_pod(char *buf, const char *id, const char *file)
{
	return join(buf, "pods", id, file);
}

char *layout_container(char *buf, const char *id, const char *file)
{
	return join(buf, "containers", id, file);
}

static int open_dir(int topfd, const char *kind, const char *id, bool make, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int fd;

	(void)join(path, kind, id, NULL);
	fd = openat(topfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT && make)
		return fs_mkdirs(topfd, path, 0700, err);
	return fd < 0 ? error_errno(err, "open '%s'", path) : fd;
}

int layout_open_container(const struct store *s, const char *id, struct error *err)
{
	return open_dir(s->rootfd, "containers", id, false, err);
}

int layout_run_pod(const struct store *s, const char *id, struct error *err)
{
	return open_dir(s->runfd, "pods", id, true, err);
}

int layout_run_container(const struct store *s, const char *id, struct error *err)
{
	return open_dir(s->runfd, "containers", id, true, err);
}
