/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes - walks a layer beside the merged view of what it lies upon.
 *
 * Theory of operation: the two trees are walked side by side, directory by directory, by descriptors
 * and without following links, so that a name of the layer is compared with what has the same place
 * below and nothing else. What the layer has is "added" when there is nothing below it, else
 * "changed"; a whiteout is "deleted" when it hides something. An opaque directory hides what is
 * below as a whole: what of that it does not have again is "deleted".
 *
 * Whiteouts are those of overlayfs: a character device 0:0, or an empty file that
 * user.overlay.whiteout marks; "opaque" is user.overlay.opaque=y (the store mounts with userxattr).
 *
 * Limits: CHANGES_MAX paths, DEPTH_MAX directories in each other (three descriptors each).
 */
#include "engine/rootfs/changes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "engine/base/mem.h"

#define CHANGES_MAX 2000000
#define DEPTH_MAX   250

struct walk {
	struct changes *found;
	size_t n;
	int depth;
};

void changes_done(struct changes *c)
{
	for (size_t i = 0; i < CHANGE__COUNT; i++)
		strlist_done(&c->paths[i]);
}

static int note(struct walk *w, enum change_kind kind, const char *dir, const char *name,
		struct error *err)
{
	if (++w->n > CHANGES_MAX)
		return error_set(err, EFBIG, "more than %d changes", CHANGES_MAX);
	strlist_addf(&w->found->paths[kind], "%s/%s", dir, name);
	return 0;
}

static bool is_whiteout(int dirfd, const char *name, const struct stat *st)
{
	char path[64 + NAME_MAX];

	if (S_ISCHR(st->st_mode))
		return st->st_rdev == makedev(0, 0);
	if (!S_ISREG(st->st_mode) || st->st_size)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	return lgetxattr(path, "user.overlay.whiteout", NULL, 0) >= 0;
}

static bool is_opaque(int dirfd)
{
	char value[2];

	return fgetxattr(dirfd, "user.overlay.opaque", value, sizeof(value)) == 1 &&
	       value[0] == 'y';
}

static DIR *open_list(int dirfd)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);

	if (copy >= 0 && !d)
		(void)close(copy);
	return d;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What an opaque directory hides and has not again. */
static int note_hidden(struct walk *w, int topfd, int lowerfd, const char *path, struct error *err)
{
	cleanup_dir DIR *d = open_list(lowerfd);
	struct dirent *e;
	struct stat st;
	int r = 0;

	if (!d)
		return error_errno(err, "read '%s'", path);
	while (r == 0 && (e = readdir(d)))
		if (!is_dots(e->d_name) && fstatat(topfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = note(w, CHANGE_DELETED, path, e->d_name, err);
	return r;
}

static int walk_dir(struct walk *w, int topfd, int lowerfd, const char *path, struct error *err);

/* A directory of the layer, whatever is below it. */
static int enter(struct walk *w, int topfd, int lowerfd, const char *name, const char *path,
		 struct error *err)
{
	cleanup_free char *inner = xasprintf("%s/%s", path, name);
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	cleanup_close int top = openat(topfd, name, flags);
	cleanup_close int lower = lowerfd < 0 ? -1 : openat(lowerfd, name, flags);
	int r = 0;

	if (top < 0)
		return error_errno(err, "open '%s'", inner);
	if (++w->depth > DEPTH_MAX)
		return error_set(err, EFBIG, "more than %d directories in each other", DEPTH_MAX);
	if (lower >= 0 && is_opaque(top))
		r = note_hidden(w, top, lower, inner, err);
	if (r == 0)
		r = walk_dir(w, top, lower, inner, err);
	w->depth--;
	return r;
}

static int walk_entry(struct walk *w, int topfd, int lowerfd, const char *name, const char *path,
		      struct error *err)
{
	struct stat st, below;
	bool is_below =
		lowerfd >= 0 && fstatat(lowerfd, name, &below, AT_SYMLINK_NOFOLLOW) == 0;
	int r;

	if (fstatat(topfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "read '%s/%s'", path, name);
	if (is_whiteout(topfd, name, &st))
		return is_below ? note(w, CHANGE_DELETED, path, name, err) : 0;
	r = note(w, is_below ? CHANGE_CHANGED : CHANGE_ADDED, path, name, err);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = enter(w, topfd, is_below ? lowerfd : -1, name, path, err);
	return r;
}

static int walk_dir(struct walk *w, int topfd, int lowerfd, const char *path, struct error *err)
{
	cleanup_dir DIR *d = open_list(topfd);
	struct dirent *e;
	int r = 0;

	if (!d)
		return error_errno(err, "read '%s'", *path ? path : "/");
	while (r == 0 && (e = readdir(d)))
		if (!is_dots(e->d_name))
			r = walk_entry(w, topfd, lowerfd, e->d_name, path, err);
	return r;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int changes_find(int topfd, int lowerfd, struct changes *ret, struct error *err)
{
	struct changes found = { 0 };
	struct walk w = { .found = &found };
	int r = walk_dir(&w, topfd, lowerfd, "", err);

	if (r < 0) {
		changes_done(&found);
		return r;
	}
	for (size_t i = 0; i < CHANGE__COUNT; i++)
		if (found.paths[i].n)
			qsort(found.paths[i].v, found.paths[i].n, sizeof(char *), compare_paths);
	*ret = found;
	return 0;
}
