/* SPDX-License-Identifier: Apache-2.0 */
/*
 * squash - several layers made one: --squash, --squash-all, --layers=false.
 *
 * Theory of operation: the layers are trees in the store that never change. A merged tree is made
 * beside them of hard links and new directories, from the top down: at each name the topmost layer
 * that has it decides. A directory is made of all layers that have one there, until one of them hides
 * what is below. Whiteouts stay when there are layers below the lowest one, since they speak of
 * those; else they go. The merged tree becomes a layer as a container's upper directory does.
 *
 *	ROOT/build/squash-<random>/	the merged tree; locked by who makes it
 *
 * The names in layers are those of hostile images: every step is by descriptor, one component, no
 * links followed. A crash leaves the tree; the next squash removes it, seeing its lock is free.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/build/work.h"
#include "engine/image/layer.h"

#define BUILD_DIR      "build"
#define SQUASH_PREFIX  "squash-"
#define XATTR_OPAQUE   "user.overlay.opaque"
#define XATTR_WHITEOUT "user.overlay.whiteout"
#define XATTR_LIST_MAX 65536

/* The same directory in several layers, topmost first. */
struct trees {
	int *v;
	size_t n;
	bool hides; /* what is below all of them cannot be seen */
};

static void trees_done(struct trees *t)
{
	for (size_t i = 0; i < t->n; i++)
		(void)close(t->v[i]);
	free(t->v);
}

static void trees_add(struct trees *t, int fd)
{
	t->v = xreallocarray(t->v, t->n + 1, sizeof(*t->v));
	t->v[t->n++] = fd;
}

/* ---- what stands there ------------------------------------------------------------------ */

static bool is_whiteout(int dirfd, const char *name, const struct stat *st)
{
	cleanup_close int fd = -EBADF;

	if (S_ISCHR(st->st_mode))
		return st->st_rdev == makedev(0, 0);
	if (!S_ISREG(st->st_mode) || st->st_size)
		return false;
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && fgetxattr(fd, XATTR_WHITEOUT, NULL, 0) >= 0;
}

static bool is_opaque(int dirfd)
{
	char value = '\0';

	return fgetxattr(dirfd, XATTR_OPAQUE, &value, 1) == 1 && value == 'y';
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each name once; a directory of a hostile layer has as many as it likes. */
static void unite(struct strlist *l)
{
	size_t kept = 0;

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_bytes);
	for (size_t i = 0; i < l->n; i++) {
		if (kept && is_equal(l->v[i], l->v[kept - 1]))
			free(l->v[i]);
		else
			l->v[kept++] = l->v[i];
	}
	if (l->v)
		l->v[kept] = NULL;
	l->n = kept;
}

/* The names of all the directories. */
static int list_names(const struct trees *t, struct strlist *ret, struct error *err)
{
	for (size_t i = 0; i < t->n; i++) {
		cleanup_close int copy = openat(t->v[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
		struct dirent *e;

		if (!d)
			return error_errno(err, "read a layer");
		(void)steal_fd(&copy);
		while ((e = readdir(d)))
			if (!is_equal(e->d_name, ".") && !is_equal(e->d_name, ".."))
				strlist_add(ret, e->d_name);
	}
	unite(ret);
	return 0;
}

/* ---- directories ------------------------------------------------------------------------ */

static int copy_xattrs(int from, int to, struct error *err)
{
	cleanup_free char *names = xmalloc(XATTR_LIST_MAX);
	cleanup_free char *value = xmalloc(LAYER_XATTR_SIZE_MAX);
	ssize_t len = flistxattr(from, names, XATTR_LIST_MAX);

	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : error_errno(err, "read attributes of a layer");
	for (const char *name = names; name < names + len; name += strlen(name) + 1) {
		ssize_t n = fgetxattr(from, name, value, LAYER_XATTR_SIZE_MAX);

		if (is_prefix(name, "user.overlay."))
			continue;
		if (n < 0 || fsetxattr(to, name, value, (size_t)n, 0) < 0)
			return error_errno(err, "copy attribute '%.100s'", name);
	}
	return 0;
}

static int copy_attributes(int from, int to, struct error *err)
{
	struct stat st;
	int r = copy_xattrs(from, to, err);

	if (r < 0)
		return r;
	if (fstat(from, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 ||
	    fchmod(to, st.st_mode & 07777) < 0)
		return error_errno(err, "give a directory its owner");
	return 0;
}

/* Last: making the entries has changed them. */
static int copy_times(int from, int to, struct error *err)
{
	struct stat st;

	if (fstat(from, &st) < 0 || futimens(to, (struct timespec[]){ st.st_atim, st.st_mtim }) < 0)
		return error_errno(err, "give a directory its times");
	return 0;
}

static int merge(const struct trees *t, int outfd, bool keeps_whiteouts, struct error *err);

static int make_dir(const struct trees *t, int outfd, const char *name, bool keeps_whiteouts,
		    struct error *err)
{
	cleanup_close int fd = -EBADF;
	int r;

	if (mkdirat(outfd, name, 0700) < 0)
		return error_errno(err, "make a directory");
	fd = openat(outfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open a directory");
	r = copy_attributes(t->v[0], fd, err);
	if (r == 0)
		r = merge(t, fd, keeps_whiteouts, err);
	if (r == 0 && keeps_whiteouts && t->hides && fsetxattr(fd, XATTR_OPAQUE, "y", 1, 0) < 0)
		r = error_errno(err, "mark a directory");
	return r == 0 ? copy_times(t->v[0], fd, err) : r;
}

/* Collects the directories that name is made of, from layer `first` downwards. */
static int collect(const struct trees *t, size_t first, const char *name, struct trees *ret,
		   struct error *err)
{
	for (size_t i = first; i < t->n && !ret->hides; i++) {
		struct stat st;
		int fd;

		if (fstatat(t->v[i], name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				return error_errno(err, "look into a layer");
			continue;
		}
		if (!S_ISDIR(st.st_mode)) {
			ret->hides = true;
			break;
		}
		fd = openat(t->v[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return error_errno(err, "open a directory of a layer");
		trees_add(ret, fd);
		ret->hides = is_opaque(fd);
	}
	return 0;
}

static int merge_name(const struct trees *t, const char *name, int outfd, bool keeps_whiteouts,
		      struct error *err)
{
	struct trees below = { .v = NULL };
	struct stat st;
	size_t i = 0;
	int r;

	while (i < t->n && fstatat(t->v[i], name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		i++;
	if (i == t->n)
		return error_set(err, EIO, "a layer changes while it is read");
	if (S_ISDIR(st.st_mode)) {
		r = collect(t, i, name, &below, err);
		if (r == 0)
			r = make_dir(&below, outfd, name, keeps_whiteouts, err);
		trees_done(&below);
		return r;
	}
	if (is_whiteout(t->v[i], name, &st)) {
		if (!keeps_whiteouts)
			return 0;
		/* The form that needs a mark on the directory is read wherever it stands. */
		if (S_ISREG(st.st_mode) && fsetxattr(outfd, XATTR_OPAQUE, "x", 1, XATTR_CREATE) &&
		    errno != EEXIST)
			return error_errno(err, "mark a directory");
	}
	return linkat(t->v[i], name, outfd, name, 0) < 0 ? error_errno(err, "link a file") : 0;
}

static int merge(const struct trees *t, int outfd, bool keeps_whiteouts, struct error *err)
{
	cleanup_strlist struct strlist names = { .v = NULL };
	int r = list_names(t, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		r = merge_name(t, names.v[i], outfd, keeps_whiteouts, err);
		if (r < 0)
			r = error_wrap(err, "'%.40s'", names.v[i]);
	}
	return r;
}

/* ---- the working directory -------------------------------------------------------------- */

/* Removes what killed builds have left. */
static void sweep(int dirfd)
{
	cleanup_close int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d)
		return;
	(void)steal_fd(&copy);
	while ((e = readdir(d))) {
		cleanup_close int fd = -EBADF;
		struct error scratch; /* debris is for the next one then */

		if (!is_prefix(e->d_name, SQUASH_PREFIX))
			continue;
		fd = openat(dirfd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			error_ignore(fs_remove_tree(dirfd, e->d_name, &scratch));
	}
}

static int make_work(int dirfd, char name[32], struct error *err)
{
	cleanup_close int fd = -EBADF;
	char id[65];

	id_new(id);
	(void)snprintf(name, 32, SQUASH_PREFIX "%.16s", id);
	if (mkdirat(dirfd, name, 0755) < 0)
		return error_errno(err, "make '%s'", name);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_errno(err, "open '%s'", name);
	return steal_fd(&fd);
}

static int open_layers(const struct build *b, const struct build_state *st, size_t kept,
		       struct trees *ret, struct error *err)
{
	cleanup_strlist struct strlist seen = { .v = NULL };

	for (size_t i = st->conf.diff_ids.n; i-- > kept;) {
		const char *hex = st->conf.diff_ids.v[i] + sizeof("sha256:") - 1;
		char path[LAYOUT_PATH_MAX];
		int fd;

		if (strlist_has(&seen, hex))
			continue; /* the lower one cannot be seen */
		strlist_add(&seen, hex);
		(void)snprintf(path, sizeof(path), "layers/%.64s/diff", hex);
		fd = openat(b->store->rootfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return error_errno(err, "open layer '%.12s'", hex);
		trees_add(ret, fd);
	}
	return 0;
}

static int squash_into(struct build *b, const struct trees *t, int workfd, bool keeps_whiteouts,
		       struct build_layer *ret, struct error *err)
{
	int r = copy_attributes(t->v[0], workfd, err);

	if (r == 0)
		r = merge(t, workfd, keeps_whiteouts, err);
	if (r == 0)
		r = copy_times(t->v[0], workfd, err);
	return r == 0 ? build_pack_tree(b, workfd, true, ret, err) : r;
}

/* The configuration as if one step had made the one layer. */
static void replace_layers(struct build *b, struct build_state *st, size_t kept,
			   struct build_layer *l)
{
	struct image_history_list *h = &st->conf.history;
	struct strlist *ids = &st->conf.diff_ids;
	size_t layers = 0;

	for (size_t i = kept; i < ids->n; i++)
		free(ids->v[i]);
	ids->n = kept;
	if (ids->v)
		ids->v[kept] = NULL;
	for (size_t i = 0; i < h->n; i++) {
		layers += !h->v[i].is_empty_layer;
		h->v[i].is_empty_layer |= layers > kept;
	}
	h->v[h->n - 1].is_empty_layer = false;
	build_add_layer(b, st, l);
}

int build_squash(struct build *b, struct build_state *st, size_t kept, struct error *err)
{
	cleanup_close int dirfd_ = fs_mkdirs(b->store->rootfd, BUILD_DIR, 0700, err);
	cleanup_close int workfd = -EBADF;
	struct trees t = { .v = NULL };
	struct build_layer layer = BUILD_LAYER_INIT;
	struct error scratch; /* debris is for the next one then */
	char name[32] = "";
	int r = dirfd_ < 0 ? dirfd_ : open_layers(b, st, kept, &t, err);

	if (r == 0) {
		sweep(dirfd_);
		workfd = make_work(dirfd_, name, err);
		r = workfd < 0 ? workfd : squash_into(b, &t, workfd, kept > 0, &layer, err);
	}
	trees_done(&t);
	if (*name)
		error_ignore(fs_remove_tree(dirfd_, name, &scratch));
	if (r < 0)
		return error_wrap(err, "squash");
	replace_layers(b, st, kept, &layer);
	return 0;
}
