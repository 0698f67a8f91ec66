/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - what a directory tree takes of its disk.
 *
 * Theory of operation: the tree belongs to a container that may change it meanwhile, and that may
 * wish to be counted wrongly. So it is walked by descriptor, and with two of those at any depth:
 * down by name (never through a link, never into another mount, which openat2(2) refuses), up by
 * "..", which must be the directory that the walk came through; there it goes on reading where it
 * was, by the file system's own mark. A directory that was moved while the walk was in it loses the
 * way: then the walk begins anew, LOST_TRIES times, and what the best of them has seen is the
 * answer. A file of several links counts its share for each: all of them are in the tree, since
 * no link leads out of a mount, and nothing need be remembered that a container makes many of.
 *
 * Limits: DEPTH_MAX directories in each other, what is deeper counts nothing; a file that is open
 * but has no name any more is not seen (nor does the kubelet see it, but by quotas).
 */
#include "engine/base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"

#define DEPTH_MAX  65536
#define LOST_TRIES 3
#define BLOCK	   512 /* the unit of st_blocks, whatever the file system's is */

/* A directory that the walk came through. */
struct step {
	dev_t dev;
	ino_t ino;
	long mark; /* where to read on */
};

struct walk {
	DIR *dir;
	struct step *way;
	size_t depth, room;
	int64_t bytes;
};

static int64_t usage_of(const struct stat *st)
{
	int64_t bytes = (int64_t)st->st_blocks * BLOCK;

	return S_ISDIR(st->st_mode) || st->st_nlink < 2 ? bytes : bytes / (int64_t)st->st_nlink;
}

static int open_directory(int dirfd, const char *name, uint64_t resolve)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				.resolve = resolve };

	return (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
}

/* Takes fd over: from now on it is what is read. */
static bool enter(struct walk *w, int fd)
{
	DIR *d = fdopendir(fd);

	if (!d) {
		(void)close(fd);
		return false;
	}
	(void)closedir(w->dir);
	w->dir = d;
	return true;
}

/* Stays where it is when it cannot: what is below counts nothing. */
static void go_down(struct walk *w, const char *name)
{
	struct stat here;
	int fd;

	if (w->depth == DEPTH_MAX || fstat(dirfd(w->dir), &here) < 0)
		return;
	if (w->depth == w->room) {
		w->room = w->room ? 2 * w->room : 32;
		w->way = xreallocarray(w->way, w->room, sizeof(*w->way));
	}
	w->way[w->depth] = (struct step){ here.st_dev, here.st_ino, telldir(w->dir) };
	fd = open_directory(dirfd(w->dir), name,
			    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	if (fd >= 0 && enter(w, fd))
		w->depth++;
}

/* False: the way is lost. */
static bool go_up(struct walk *w)
{
	int fd = open_directory(dirfd(w->dir), "..", RESOLVE_NO_XDEV);
	const struct step *to = &w->way[w->depth - 1];
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || st.st_dev != to->dev || st.st_ino != to->ino) {
		(void)close(fd);
		return false;
	}
	if (!enter(w, fd))
		return false;
	w->depth--;
	seekdir(w->dir, to->mark);
	return true;
}

static void look_at(struct walk *w, const char *name)
{
	struct stat st;

	if (fstatat(dirfd(w->dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	w->bytes += usage_of(&st);
	if (S_ISDIR(st.st_mode))
		go_down(w, name);
}

/* Takes fd over. False: it has lost its way, *bytes is what it has seen before. */
static bool walk_once(int fd, int64_t *bytes)
{
	struct walk w = { .dir = fdopendir(fd) };
	bool is_whole = true;

	if (!w.dir) {
		(void)close(fd);
		return true;
	}
	for (;;) {
		const struct dirent *e = readdir(w.dir);

		if (e && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			look_at(&w, e->d_name);
		if (e)
			continue;
		if (w.depth == 0)
			break;
		is_whole = go_up(&w);
		if (!is_whole)
			break;
	}
	(void)closedir(w.dir);
	free(w.way);
	*bytes = w.bytes;
	return is_whole;
}

int64_t tree_usage(int dirfd, const char *path)
{
	int64_t most = 0, top = 0;

	for (int tries = 0; tries < LOST_TRIES; tries++) {
		int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int64_t bytes = 0;
		struct stat st;
		bool is_whole;

		if (fd < 0)
			return 0;
		top = fstat(fd, &st) == 0 ? usage_of(&st) : 0;
		is_whole = walk_once(fd, &bytes);
		if (bytes > most)
			most = bytes;
		if (is_whole)
			return bytes + top;
	}
	return most + top;
}

int64_t tree_file_usage(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? usage_of(&st) : 0;
}
