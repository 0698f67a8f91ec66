/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - names inside trees, resolved without ever leaving them.
 *
 * Theory of operation: the walk keeps a stack of descriptors, one a component, each opened O_PATH
 * and O_NOFOLLOW from the one before. A component that is a link puts its target in front of what is
 * left; an absolute target drops the stack to the root; ".." drops one, and at the root stays. So
 * ".." is never handed to the kernel, and a directory that somebody moves while we walk takes us
 * nowhere: we hold what we have opened. Where something is missing the rest is added as written.
 *
 * Layers are mounted by overlayfs as containers have them, detached, read-only: the mount vanishes
 * with its descriptor, also when we are killed. A lowest layer that is empty is added, since the
 * kernel wants two. Mustn't: be used for trees that only openat2 could keep safe; there are none,
 * O_NOFOLLOW at every step does the same.
 */
#include "engine/build/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/rootfs/overlay.h"

#define PATH_BYTES_MAX 4000
#define ENTRIES_MAX    2000000
#define EMPTY_DIR      "layers/.empty"

void tree_place_done(struct tree_place *p)
{
	free(p->path);
	if (p->fd >= 0)
		(void)close(p->fd);
	*p = (struct tree_place){ .fd = -EBADF };
}

/* ---- the walk --------------------------------------------------------------------------- */

struct step {
	int fd;	    /* -EBADF: does not exist */
	size_t len; /* of the path up to and with it */
};

struct walk {
	struct step steps[TREE_DEPTH_MAX + 1]; /* 0 is the root, which is not ours to close */
	size_t depth;
	struct buf path;
	char *rest; /* owned; what is still to be walked */
	int links;
};

static void drop_step(struct walk *w)
{
	if (w->depth == 0)
		return;
	if (w->steps[w->depth].fd >= 0)
		(void)close(w->steps[w->depth].fd);
	w->depth--;
	w->path.len = w->steps[w->depth].len;
	if (w->path.data)
		w->path.data[w->path.len] = '\0';
}

static int push_step(struct walk *w, const char *name, int fd, struct error *err)
{
	if (w->depth == TREE_DEPTH_MAX)
		return error_set(err, ENAMETOOLONG, "a path of more than %d directories",
				 TREE_DEPTH_MAX);
	if (w->path.len)
		buf_addc(&w->path, '/');
	buf_adds(&w->path, name);
	if (w->path.overflow)
		return error_set(err, ENAMETOOLONG, "a path of more than %d bytes", PATH_BYTES_MAX);
	w->depth++;
	w->steps[w->depth] = (struct step){ fd, w->path.len };
	return 0;
}

/* Puts the link's target in front of the rest. */
static int follow(struct walk *w, int fd, const char *rest, struct error *err)
{
	char target[PATH_BYTES_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	char *joined;

	if (n < 0)
		return error_errno(err, "read a link");
	if (++w->links > TREE_LINKS_MAX)
		return error_set(err, ELOOP, "too many links");
	target[n] = '\0';
	while (*target == '/' && w->depth)
		drop_step(w);
	joined = xasprintf("%s/%s", target, rest);
	if (strlen(joined) > 2 * PATH_BYTES_MAX) {
		free(joined);
		return error_set(err, ENAMETOOLONG, "links that make a path too long");
	}
	free(w->rest);
	w->rest = joined;
	return 0;
}

/* One component that is neither empty nor a dot. at: its place in w->rest. 1: rest was replaced. */
static int take_component(struct walk *w, const char *name, const char *rest, enum tree_last last,
			  struct error *err)
{
	const struct step *here = &w->steps[w->depth];
	bool is_last = rest[strspn(rest, "/")] == '\0';
	cleanup_close int fd = -EBADF;
	struct stat st;
	int r;

	if (here->fd < 0)
		return push_step(w, name, -EBADF, err);
	fd = openat(here->fd, name, O_PATH | O_CLOEXEC | (WEAKEN("COPY-1") ? 0 : O_NOFOLLOW));
	if (fd < 0 && errno == ENOENT)
		return push_step(w, name, -EBADF, err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open '%s'", name);
	if (S_ISLNK(st.st_mode) && (!is_last || last == TREE_FOLLOW || *rest == '/')) {
		r = follow(w, fd, rest, err);
		return r < 0 ? r : 1;
	}
	if (!is_last && !S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "'%s' is not a directory", name);
	r = push_step(w, name, fd, err);
	if (r == 0)
		(void)steal_fd(&fd);
	return r;
}

static int walk_all(struct walk *w, enum tree_last last, struct error *err)
{
	const char *p = w->rest;

	while (*p) {
		size_t n = strcspn(p, "/");
		cleanup_free char *name = xstrndup(p, n);
		int r = 0;

		if (is_equal(name, ".."))
			drop_step(w);
		else if (n && !is_equal(name, "."))
			r = take_component(w, name, p + n, last, err);
		if (r < 0)
			return r;
		p = r ? w->rest : p + n + (p[n] == '/');
	}
	return 0;
}

static int finish(struct walk *w, int rootfd, struct tree_place *ret, struct error *err)
{
	struct step *s = &w->steps[w->depth];

	for (size_t i = 0; i <= w->depth; i++)
		if (w->steps[i].fd >= 0)
			ret->there = w->steps[i].len;
	if (w->depth == 0) {
		ret->fd = openat(rootfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (ret->fd < 0)
			return error_errno(err, "open the root of a tree");
	} else {
		ret->fd = s->fd;
		s->fd = -EBADF;
	}
	if (ret->fd >= 0 && fstat(ret->fd, &ret->st) < 0)
		return error_errno(err, "look at '%s'", w->path.data ? w->path.data : "");
	ret->path = xstrdup(w->path.data ? w->path.data : "");
	return 0;
}

int tree_find(int rootfd, const char *path, enum tree_last last, struct tree_place *ret,
	      struct error *err)
{
	struct walk *w = xcalloc(1, sizeof(*w));
	int r;

	*ret = (struct tree_place){ .fd = -EBADF };
	w->path = BUF_INIT(PATH_BYTES_MAX);
	w->steps[0].fd = rootfd;
	w->rest = xstrdup(path);
	r = walk_all(w, last, err);
	if (r == 0)
		r = finish(w, rootfd, ret, err);
	while (w->depth)
		drop_step(w);
	buf_done(&w->path);
	free(w->rest);
	free(w);
	if (r < 0) {
		tree_place_done(ret);
		return error_wrap(err, "'%.200s'", path);
	}
	return 0;
}

/* ---- directories ------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int tree_list(int dirfd, struct strlist *ret, struct error *err)
{
	cleanup_close int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!dir)
		return error_errno(err, "read a directory");
	(void)steal_fd(&fd);
	while ((errno = 0, e = readdir(dir))) {
		if (is_equal(e->d_name, ".") || is_equal(e->d_name, ".."))
			continue;
		if (ret->n == ENTRIES_MAX)
			return error_set(err, E2BIG, "a directory of more than %d names",
					 ENTRIES_MAX);
		strlist_add(ret, e->d_name);
	}
	if (errno)
		return error_errno(err, "read a directory");
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return 0;
}

/* ---- layers ----------------------------------------------------------------------------- */

int tree_open_layers(const struct store *s, const struct strlist *layers, struct error *err)
{
	cleanup_close int empty = fs_mkdirs(s->rootfd, EMPTY_DIR, 0755, err);

	if (empty < 0)
		return empty;
	if (layers->n == 0)
		return steal_fd(&empty);
	return overlay_mount_read_only(s->rootfd, layers, empty,
				       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
}
